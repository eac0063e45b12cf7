"""Consumer groups, as kafka_conformance.py asks for them."""

import signal
import subprocess
import time

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, TopicPartition

from suite import Suite

SUITE = Suite()
check = SUITE.check


def poll_until(consumers, condition, what, seconds=120):
    """Keeps members alive until the condition holds; returns what they received meanwhile."""
    received, limit = [], time.monotonic() + seconds
    while time.monotonic() < limit:
        for consumer in consumers:
            message = consumer.poll(0.05)
            if message is not None and not message.error():
                received.append(message)
        if condition(received):
            return received
    raise AssertionError(f"{what}: not within {seconds} s")


def assigned(consumer):
    return {partition.partition for partition in consumer.assignment()}


@check
def groups_share_partitions(kafka):
    """two members share six partitions; one that leaves gives its own back"""
    topic, group = kafka.topic("shared", 6), kafka.name("group")
    first, second = kafka.consumer(group), kafka.consumer(group)
    first.subscribe([topic])
    poll_until([first], lambda _: len(assigned(first)) == 6, "all for the first")
    second.subscribe([topic])
    poll_until(
        [first, second],
        lambda _: len(assigned(first)) == 3 and len(assigned(second)) == 3 and assigned(first) | assigned(second) == set(range(6)),
        "three each")
    kafka.produce(topic, [{"value": b"%d" % index, "partition": index % 6} for index in range(600)])
    got = poll_until([first, second], lambda messages: len(messages) >= 600, "600 records")
    assert sorted(int(message.value()) for message in got) == list(range(600))
    second.close()
    poll_until([first], lambda _: len(assigned(first)) == 6, "all for the first again")
    first.close()


@check
def dead_members_are_noticed(kafka):
    """a member that is killed loses its partitions when its session ends"""
    topic, group = kafka.topic("dying", 2), kafka.name("group")
    victim = subprocess.Popen(
        ["kcat", "-b", kafka.bootstrap, "-G", group, "-q", "-X", "session.timeout.ms=10000", topic],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        kafka.eventually(lambda: group_state(kafka, group) == ("STABLE", 1), "kcat is a member")
        survivor = kafka.consumer(group)
        survivor.subscribe([topic])
        poll_until([survivor], lambda _: len(assigned(survivor)) == 1, "one each")
    finally:
        began = time.monotonic()
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    # Its last heartbeat was sent at most three seconds before.
    poll_until([survivor], lambda _: len(assigned(survivor)) == 2, "both for the survivor")
    assert time.monotonic() - began > 2, "before its session could have ended"
    survivor.close()


def group_state(kafka, group):
    description = kafka.admin.describe_consumer_groups([group])[group].result(10)
    return description.state.name, len(description.members)


@check
def static_members_take_over(kafka):
    """group.instance.id: the new one takes over at once, the old one is fenced, nobody else notices"""
    topic, group = kafka.topic("static", 4), kafka.name("group")
    rebalances = []

    def member(instance):
        consumer = kafka.consumer(group, group_instance_id=instance, session_timeout_ms=60_000)
        consumer.subscribe([topic], on_revoke=lambda *_: rebalances.append(instance))
        return consumer

    old, other = member("one"), member("two")
    poll_until([old, other], lambda _: len(assigned(old)) == 2 and len(assigned(other)) == 2, "two each")
    mine, theirs = assigned(old), assigned(other)
    old.commit(offsets=[TopicPartition(topic, min(mine), 5)], asynchronous=False)
    rebalances.clear()
    new = member("one")
    poll_until([new, other], lambda _: assigned(new) == mine, "the same partitions for the new one", seconds=45)
    code = kafka.error_of(lambda: old.commit(offsets=[TopicPartition(topic, min(mine), 1)], asynchronous=False))
    assert code in (KafkaError.FENCED_INSTANCE_ID, KafkaError._FATAL), code
    new.commit(offsets=[TopicPartition(topic, min(mine), 7)], asynchronous=False)
    poll_until([new, other], until(2), "a moment")
    assert assigned(other) == theirs and rebalances == [], rebalances
    assert new.committed([TopicPartition(topic, min(mine))], 10)[0].offset == 7
    for consumer in (new, other, old):
        consumer.close()


def until(seconds):
    limit = time.monotonic() + seconds
    return lambda _: time.monotonic() > limit


@check
def static_members_survive_an_absence(kafka):
    """a static member that stops and comes back within its session finds its partitions and moves nobody"""
    topic, group = kafka.topic("absence", 2), kafka.name("group")
    members = {name: kafka.consumer(group, group_instance_id=name, session_timeout_ms=60_000) for name in ("a", "b")}
    for consumer in members.values():
        consumer.subscribe([topic])
    poll_until(members.values(), lambda _: all(len(assigned(each)) == 1 for each in members.values()), "one each")
    mine, theirs = assigned(members["a"]), assigned(members["b"])
    members["a"].close()
    poll_until([members["b"]], until(2), "a moment")
    assert assigned(members["b"]) == theirs
    again = kafka.consumer(group, group_instance_id="a", session_timeout_ms=60_000)
    again.subscribe([topic])
    poll_until([again, members["b"]], lambda _: assigned(again) == mine, "its partition again", seconds=45)
    assert assigned(members["b"]) == theirs
    again.close(), members["b"].close()


@check
def committed_offsets(kafka):
    """commits are found by the next consumer, with their metadata; unknown groups have none"""
    topic, group = kafka.topic("commits", 2), kafka.name("group")
    kafka.produce(topic, [{"value": b"%d" % index, "partition": 0} for index in range(10)])
    first = kafka.consumer(group)
    first.subscribe([topic])
    poll_until([first], lambda messages: len(messages) == 10, "ten records")
    first.commit(offsets=[TopicPartition(topic, 0, 4, "some metadata")], asynchronous=False)
    first.close()
    second = kafka.consumer(group)
    committed = second.committed([TopicPartition(topic, 0), TopicPartition(topic, 1)], 10)
    assert committed[0].offset == 4 and committed[1].offset < 0, committed
    assert committed[0].metadata == "some metadata", committed[0].metadata
    second.subscribe([topic])
    got = poll_until([second], lambda messages: len(messages) == 6, "the other six")
    assert [int(message.value()) for message in got] == [4, 5, 6, 7, 8, 9]
    second.close()
    request = ConsumerGroupTopicPartitions(group)
    listed = kafka.admin.list_consumer_group_offsets([request])[group].result(10).topic_partitions
    assert {(each.topic, each.partition): each.offset for each in listed}[(topic, 0)] == 4


@check
def stale_generations_are_fenced(kafka):
    """a member that missed a rebalance cannot commit under the old generation, nor can an outsider"""
    topic, group = kafka.topic("fencing", 2), kafka.name("group")
    stale = kafka.consumer(group, max_poll_interval_ms=6500)
    stale.subscribe([topic])
    poll_until([stale], lambda _: len(assigned(stale)) == 2, "all")
    outsider = kafka.consumer(group)
    code = kafka.error_of(lambda: outsider.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False))
    assert code in (KafkaError.UNKNOWN_MEMBER_ID, KafkaError.ILLEGAL_GENERATION), code
    outsider.close()
    time.sleep(8)  # the member polls too late and leaves
    fresh = kafka.consumer(group)
    fresh.subscribe([topic])
    poll_until([fresh], lambda _: len(assigned(fresh)) == 2, "all for the fresh one")
    code = kafka.error_of(lambda: stale.commit(offsets=[TopicPartition(topic, 0, 9)], asynchronous=False))
    assert code != KafkaError.NO_ERROR
    assert fresh.committed([TopicPartition(topic, 0)], 10)[0].offset < 0
    fresh.close(), stale.close()


@check
def group_administration(kafka):
    """list, describe and delete groups"""
    topic, group = kafka.topic("described", 2), kafka.name("group")
    consumer = kafka.consumer(group, group_instance_id="me", client_id="described-client")
    consumer.subscribe([topic])
    poll_until([consumer], lambda _: len(assigned(consumer)) == 2, "all")
    consumer.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
    description = kafka.admin.describe_consumer_groups([group])[group].result(10)
    member = description.members[0]
    assert (member.group_instance_id, member.client_id) == ("me", "described-client")
    assert {each.partition for each in member.assignment.topic_partitions} == {0, 1}
    assert group in [each.group_id for each in kafka.admin.list_consumer_groups().result().valid]
    code = kafka.error_of(lambda: kafka.admin.delete_consumer_groups([group])[group].result(10))
    assert code == KafkaError.NON_EMPTY_GROUP, code
    consumer.close()
    # A static member does not leave when it closes: its session has to end.
    kafka.eventually(
        lambda: kafka.error_of(lambda: kafka.admin.delete_consumer_groups([group])[group].result(10)) == KafkaError.NO_ERROR,
        "deletion of the empty group")
    code = kafka.error_of(lambda: kafka.admin.delete_consumer_groups([group])[group].result(10))
    assert code == KafkaError.GROUP_ID_NOT_FOUND, code
