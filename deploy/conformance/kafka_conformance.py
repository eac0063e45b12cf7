#!/usr/bin/env python3
"""What Apus relies on in a Kafka broker, asked of a running one through confluent-kafka, kcat and raw requests.

    kafka_conformance.py --bootstrap 127.0.0.1:9092 [--only NAME…] [--patience SECONDS]

Runs against LocalKafka and against Apache Kafka alike (there, give --patience 400: its retention and compaction look
round every few minutes). Needs confluent-kafka from PyPI and kcat in the path. Prints a line for each check and exits
with 1 if one has failed.
"""

import argparse
import random
import shutil
import signal
import struct
import subprocess
import sys
import time

from confluent_kafka import (
    OFFSET_BEGINNING, TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME, Consumer, ConsumerGroupTopicPartitions,
    KafkaError, KafkaException, Producer, TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, ResourceType,
)

from kafka_wire import Wire, batch_sizes, record_batch
from suite import BrokerUnderTest, Suite, add_arguments

SUITE = Suite()
check = SUITE.check


class Kafka(BrokerUnderTest):
    """The broker under test and the clients that ask it."""

    def __init__(self, bootstrap, patience):
        super().__init__(bootstrap, patience)
        self.admin = AdminClient({"bootstrap.servers": bootstrap})

    def create(self, name, partitions=1, config=None, replication=1):
        topic = NewTopic(name, partitions, replication, config=config or {})
        self.admin.create_topics([topic])[name].result(20)

    def clean_up(self):
        for future in self.admin.delete_topics(self.topics).values():
            future.exception(20)

    def error_of(self, call):
        try:
            call()
        except KafkaException as failure:
            return failure.args[0].code()
        return KafkaError.NO_ERROR

    def producer(self, **config):
        settings = {"bootstrap.servers": self.bootstrap, "linger.ms": 0}
        settings.update({key.replace("_", "."): value for key, value in config.items()})
        return Producer(settings)

    def produce(self, topic, records, **config):
        """Produces dictionaries of `produce` arguments; (error code or None, message) of each, in order."""
        producer, reports = self.producer(**config), []
        for record in records:
            producer.produce(topic, on_delivery=lambda error, message: reports.append((error, message)), **record)
        assert producer.flush(60) == 0, "not all were reported"
        return [(error.code() if error else None, message) for error, message in reports]

    def consumer(self, group=None, **config):
        settings = {
            "bootstrap.servers": self.bootstrap, "group.id": group or self.name("group"), "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 500, "auto.offset.reset": "earliest", "enable.auto.commit": False,
            "allow.auto.create.topics": False,
        }
        settings.update({key.replace("_", "."): value for key, value in config.items()})
        return Consumer(settings)

    def read(self, topic, partition=0, offset=OFFSET_BEGINNING, **config):
        """Everything in a partition from an offset to its end."""
        consumer = self.consumer(enable_partition_eof=True, **config)
        consumer.assign([TopicPartition(topic, partition, offset)])
        messages, limit = [], time.monotonic() + 30
        while time.monotonic() < limit:
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                if message.error().code() == KafkaError._PARTITION_EOF:
                    break
                raise KafkaException(message.error())
            messages.append(message)
        else:
            raise AssertionError(f"no end of {topic} in 30 s")
        consumer.close()
        return messages

    def wire(self):
        return Wire(self.bootstrap)

    def kcat(self, *arguments, stdin=None, timeout=30):
        result = subprocess.run(
            ["kcat", "-b", self.bootstrap, *arguments], input=stdin, capture_output=True, timeout=timeout, check=False)
        assert result.returncode == 0, f"kcat {arguments}: {result.stderr.decode()}"
        return result.stdout


def poll_until(consumers, condition, seconds, what):
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


def murmur2(data):
    """Kafka's own, as in its Java client."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for (k,) in struct.iter_unpack("<I", data[:whole]):
        k = k * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    rest = data[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


# Records


@check
def records_come_back_as_they_went(kafka):
    """keys, headers, null payloads and keys, timestamps; every compression"""
    for compression in ["none", "gzip", "snappy", "lz4", "zstd"]:
        topic = kafka.topic(f"records-{compression}")
        sent = [
            {"key": b"k", "value": b"v" * 500, "timestamp": 1_600_000_000_000 + index, "headers": [("h", b"1"), ("h", None)]}
            for index in range(50)
        ]
        sent += [{"key": None, "value": b"no key"}, {"key": b"tombstone", "value": None}, {"key": b"", "value": b""}]
        reports = kafka.produce(topic, sent, compression_type=compression, linger_ms=50)
        assert [code for code, _ in reports] == [None] * len(sent), reports
        assert [message.offset() for _, message in reports] == list(range(len(sent)))
        got = kafka.read(topic, check_crcs=True)
        assert [message.offset() for message in got] == list(range(len(sent)))
        for message, record in zip(got, sent):
            assert message.key() == record["key"] and message.value() == record["value"], (message.key(), record)
            assert message.headers() == record.get("headers")
            if "timestamp" in record:
                assert message.timestamp() == (TIMESTAMP_CREATE_TIME, record["timestamp"])


@check
def kcat_produces_and_consumes(kafka):
    """kcat with keys, from the beginning, from an offset and by time; -L"""
    topic = kafka.topic("kcat", 2)
    kafka.kcat("-P", "-t", topic, "-p", "1", "-K", ":", stdin=b"a:1\nb:2\nc:3\n")
    form = ["-f", "%p %o %k %s\n"]
    assert kafka.kcat("-C", "-q", "-e", "-t", topic, *form) == b"1 0 a 1\n1 1 b 2\n1 2 c 3\n"
    assert kafka.kcat("-C", "-q", "-e", "-t", topic, "-p", "1", "-o", "2", *form) == b"1 2 c 3\n"
    assert kafka.kcat("-C", "-q", "-e", "-t", topic, "-p", "1", "-o", "-1", *form) == b"1 2 c 3\n"
    assert kafka.kcat("-C", "-q", "-e", "-t", topic, "-p", "1", "-o", "s@1000", *form).count(b"\n") == 3
    assert f'topic "{topic}" with 2 partitions'.encode() in kafka.kcat("-L", "-t", topic)
    group = kafka.name("kcat-group")
    assert kafka.kcat("-G", group, "-q", "-e", "-X", "auto.offset.reset=earliest", topic).count(b"\n") == 3


@check
def murmur2_partitioning(kafka):
    """partitioner=murmur2_random puts a key where Kafka's own clients put it"""
    topic = kafka.topic("murmur2", 6)
    keys = [b"main", b"hedge", b"a", b"ab", b"abc", b"abcd", b"account-17", "ключ".encode()]
    for code, message in kafka.produce(topic, [{"key": key, "value": b"x"} for key in keys], partitioner="murmur2_random"):
        assert code is None
        assert message.partition() == (murmur2(message.key()) & 0x7FFFFFFF) % 6, message.key()


@check
def acknowledgement_levels(kafka):
    """acks 0, 1 and all store the record"""
    topic = kafka.topic("acks")
    for acks in ["0", "1", "all"]:
        assert kafka.produce(topic, [{"value": acks.encode()}], acks=acks)[0][0] is None
    kafka.eventually(lambda: [m.value() for m in kafka.read(topic)] == [b"0", b"1", b"all"], "three records")


@check
def append_time_is_the_brokers(kafka):
    """message.timestamp.type=LogAppendTime"""
    topic = kafka.topic("append-time", message_timestamp_type="LogAppendTime")
    before = int(time.time() * 1000)
    kafka.produce(topic, [{"value": b"x", "timestamp": 1000}])
    kind, stamp = kafka.read(topic, check_crcs=True)[0].timestamp()
    assert kind == TIMESTAMP_LOG_APPEND_TIME and before - 1000 <= stamp <= int(time.time() * 1000) + 1000, (kind, stamp)


@check
def offsets_by_time(kafka):
    """the first record that is not older, in the middle of a batch and between batches; watermarks"""
    topic = kafka.topic("times")
    for first in range(0, 40, 10):
        kafka.produce(
            topic, [{"value": b"x", "timestamp": 1_600_000_000_000 + 10 * index} for index in range(first, first + 10)],
            linger_ms=50)
    consumer = kafka.consumer()
    for target, expected in [(0, 0), (1_600_000_000_000, 0), (1_600_000_000_001, 1), (1_600_000_000_155, 16),
                             (1_600_000_000_390, 39)]:
        found = consumer.offsets_for_times([TopicPartition(topic, 0, target)], 10)[0].offset
        assert found == expected, f"{target}: {found}, not {expected}"
    assert consumer.offsets_for_times([TopicPartition(topic, 0, 1_700_000_000_000)], 10)[0].offset < 0
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), 10) == (0, 40)
    consumer.close()


@check
def large_records(kafka):
    """900 KB pass, what exceeds max.message.bytes is refused by the broker, a topic may allow more"""
    topic = kafka.topic("large")
    value = random.randbytes(900_000)
    assert kafka.produce(topic, [{"value": value}])[0][0] is None
    assert kafka.read(topic)[0].value() == value
    too_large = [{"value": random.randbytes(1_500_000)}]
    assert kafka.produce(topic, too_large, message_max_bytes=5_000_000)[0][0] == KafkaError.MSG_SIZE_TOO_LARGE
    generous = kafka.topic("generous", max_message_bytes=3_000_000)
    assert kafka.produce(generous, too_large, message_max_bytes=5_000_000)[0][0] is None
    assert len(kafka.read(generous)[0].value()) == 1_500_000


@check
def unknown_topics(kafka):
    """a topic nobody has created is unknown to produce, metadata and consumers"""
    name = kafka.name("nowhere")
    wire = kafka.wire()
    assert wire.topic_error(name) == 3
    assert wire.produce(name, 0, record_batch([b"x"]))[0] == 3
    topic = kafka.topic("one-partition")
    assert wire.produce(topic, 7, record_batch([b"x"]))[0] == 3
    assert wire.fetch(topic, [(7, 0)])[7][0] == 3
    consumer = kafka.consumer()
    consumer.subscribe([name])
    message = consumer.poll(10)
    assert message is not None and message.error().code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    consumer.close()


# Idempotence


@check
def idempotent_sequences(kafka):
    """a repeated batch keeps its offset, a gap and an old epoch are refused"""
    topic = kafka.topic("idempotent")
    wire = kafka.wire()
    producer, epoch = wire.init_producer_id()

    def send(sequence, values=(b"a", b"b"), epoch=epoch):
        return wire.produce(topic, 0, record_batch(list(values), producer, epoch, sequence))

    assert send(0) == (0, 0) and send(2) == (0, 2) and send(4) == (0, 4)
    assert send(2) == (0, 2), "a batch that is there already"
    assert send(0) == (0, 0)
    assert send(8)[0] == 45, "a gap is OUT_OF_ORDER_SEQUENCE_NUMBER"
    assert send(6) == (0, 6)
    assert send(0, epoch=epoch + 1) == (0, 8), "a new epoch begins at 0"
    assert send(8, epoch=epoch)[0] == 47, "an old epoch is INVALID_PRODUCER_EPOCH"
    assert send(5, epoch=epoch + 2)[0] == 45, "a new epoch that does not begin at 0"
    other, other_epoch = wire.init_producer_id()
    assert other != producer and other_epoch == 0
    assert len(kafka.read(topic)) == 10
    reports = kafka.produce(topic, [{"value": b"%d" % index} for index in range(2000)], enable_idempotence=True)
    assert [message.offset() for _, message in reports] == list(range(10, 2010))
    wire.close()


@check
def corrupt_batches(kafka):
    """a wrong checksum is CORRUPT_MESSAGE; nothing of it is stored"""
    topic = kafka.topic("corrupt")
    wire = kafka.wire()
    batch = bytearray(record_batch([b"payload"]))
    batch[-3] ^= 1
    assert wire.produce(topic, 0, bytes(batch))[0] == 2
    assert wire.produce(topic, 0, record_batch([b"payload"])) == (0, 0)
    wire.close()


@check
def transactions(kafka):
    """either they work (Apache Kafka) or a transactional producer hears of it at once"""
    producer = kafka.producer(transactional_id=kafka.name("transaction"))
    began = time.monotonic()
    try:
        producer.init_transactions(20)
    except KafkaException as failure:
        assert failure.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, failure
    assert time.monotonic() - began < 15


# Fetching


@check
def fetches_wait_and_wake(kafka):
    """an empty fetch waits; a record ends the wait; min_bytes counts"""
    topic = kafka.topic("waiting", 2)
    wire, writer = kafka.wire(), kafka.wire()
    began = time.monotonic()
    assert wire.fetch(topic, [(0, 0)], max_wait_ms=700)[0] == (0, 0, b"")
    assert time.monotonic() - began >= 0.65, "an empty answer before its time"

    body = wire.fetch_body(topic, [(0, 0), (1, 0)], 20_000, 1, 1 << 20, 1 << 20)
    began = time.monotonic()
    wire.send(1, 11, body)
    time.sleep(0.2)
    writer.produce(topic, 1, record_batch([b"wake"]))
    assert len(batch_sizes(wire.fetched(wire.receive())[1][2])) == 1
    assert time.monotonic() - began < 5, "the record did not end the wait"

    wire.send(1, 11, wire.fetch_body(topic, [(0, 0)], 20_000, 2_500, 1 << 20, 1 << 20))
    for _ in range(3):
        writer.produce(topic, 0, record_batch([b"x" * 1000]))
    assert len(batch_sizes(wire.fetched(wire.receive())[0][2])) == 3
    wire.close(), writer.close()


@check
def fetch_limits(kafka):
    """partition_max_bytes and max_bytes hold, but one batch comes whatever its size"""
    topic = kafka.topic("limits", 2)
    wire = kafka.wire()
    size = len(record_batch([b"x" * 1000]))
    for partition in range(2):
        for _ in range(10):
            assert wire.produce(topic, partition, record_batch([b"x" * 1000]))[0] == 0
    both = [(0, 0), (1, 0)]
    got = wire.fetch(topic, both, partition_max_bytes=3 * size + 10)
    assert [len(batch_sizes(got[index][2])) for index in range(2)] == [3, 3]
    got = wire.fetch(topic, both, max_bytes=4 * size + 10, partition_max_bytes=3 * size)
    assert sum(len(batch_sizes(got[index][2])) for index in range(2)) in (3, 4)
    got = wire.fetch(topic, both, max_bytes=10, partition_max_bytes=10)
    assert sum(len(batch_sizes(got[index][2])) for index in range(2)) == 1
    assert wire.fetch(topic, [(0, 11)])[0][0] == 1, "OFFSET_OUT_OF_RANGE"
    assert wire.fetch(topic, [(0, -5)])[0][0] == 1
    wire.close()


# Groups


@check
def groups_share_partitions(kafka):
    """two members share six partitions; one that leaves gives its own back"""
    topic, group = kafka.topic("shared", 6), kafka.name("group")
    first, second = kafka.consumer(group), kafka.consumer(group)
    first.subscribe([topic])
    poll_until([first], lambda _: len(assigned(first)) == 6, 30, "all for the first")
    second.subscribe([topic])
    poll_until(
        [first, second],
        lambda _: len(assigned(first)) == 3 and len(assigned(second)) == 3 and assigned(first) | assigned(second) == set(range(6)),
        30, "three each")
    kafka.produce(topic, [{"value": b"%d" % index, "partition": index % 6} for index in range(600)])
    got = poll_until([first, second], lambda messages: len(messages) >= 600, 30, "600 records")
    assert sorted(int(message.value()) for message in got) == list(range(600))
    second.close()
    poll_until([first], lambda _: len(assigned(first)) == 6, 30, "all for the first again")
    first.close()


@check
def dead_members_are_noticed(kafka):
    """a member that is killed loses its partitions when its session ends"""
    topic, group = kafka.topic("dying", 2), kafka.name("group")
    victim = subprocess.Popen(
        ["kcat", "-b", kafka.bootstrap, "-G", group, "-q", "-X", "session.timeout.ms=6000", topic],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        kafka.eventually(lambda: group_state(kafka, group) == ("STABLE", 1), "kcat is a member")
        survivor = kafka.consumer(group)
        survivor.subscribe([topic])
        poll_until([survivor], lambda _: len(assigned(survivor)) == 1, 30, "one each")
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    began = time.monotonic()
    poll_until([survivor], lambda _: len(assigned(survivor)) == 2, 30, "both for the survivor")
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
        consumer = kafka.consumer(group, group_instance_id=instance, session_timeout_ms=30_000)
        consumer.subscribe([topic], on_revoke=lambda *_: rebalances.append(instance))
        return consumer

    old, other = member("one"), member("two")
    poll_until([old, other], lambda _: len(assigned(old)) == 2 and len(assigned(other)) == 2, 40, "two each")
    mine, theirs = assigned(old), assigned(other)
    old.commit(offsets=[TopicPartition(topic, min(mine), 5)], asynchronous=False)
    rebalances.clear()
    new = member("one")
    poll_until([new, other], lambda _: assigned(new) == mine, 10, "the same partitions for the new one")
    code = kafka.error_of(lambda: old.commit(offsets=[TopicPartition(topic, min(mine), 1)], asynchronous=False))
    assert code in (KafkaError.FENCED_INSTANCE_ID, KafkaError._FATAL), code
    new.commit(offsets=[TopicPartition(topic, min(mine), 7)], asynchronous=False)
    poll_until([new, other], until(2), 10, "a moment")
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
    members = {name: kafka.consumer(group, group_instance_id=name, session_timeout_ms=30_000) for name in ("a", "b")}
    for consumer in members.values():
        consumer.subscribe([topic])
    poll_until(members.values(), lambda _: all(len(assigned(each)) == 1 for each in members.values()), 40, "one each")
    mine, theirs = assigned(members["a"]), assigned(members["b"])
    members["a"].close()
    poll_until([members["b"]], until(2), 10, "a moment")
    assert assigned(members["b"]) == theirs
    again = kafka.consumer(group, group_instance_id="a", session_timeout_ms=30_000)
    again.subscribe([topic])
    poll_until([again, members["b"]], lambda _: assigned(again) == mine, 10, "its partition again")
    assert assigned(members["b"]) == theirs
    again.close(), members["b"].close()


@check
def committed_offsets(kafka):
    """commits are found by the next consumer, with their metadata; unknown groups have none"""
    topic, group = kafka.topic("commits", 2), kafka.name("group")
    kafka.produce(topic, [{"value": b"%d" % index, "partition": 0} for index in range(10)])
    first = kafka.consumer(group)
    first.subscribe([topic])
    poll_until([first], lambda messages: len(messages) == 10, 30, "ten records")
    first.commit(offsets=[TopicPartition(topic, 0, 4, "some metadata")], asynchronous=False)
    first.close()
    second = kafka.consumer(group)
    committed = second.committed([TopicPartition(topic, 0), TopicPartition(topic, 1)], 10)
    assert committed[0].offset == 4 and committed[1].offset < 0, committed
    assert committed[0].metadata == "some metadata", committed[0].metadata
    second.subscribe([topic])
    got = poll_until([second], lambda messages: len(messages) == 6, 30, "the other six")
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
    poll_until([stale], lambda _: len(assigned(stale)) == 2, 30, "all")
    outsider = kafka.consumer(group)
    code = kafka.error_of(lambda: outsider.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False))
    assert code in (KafkaError.UNKNOWN_MEMBER_ID, KafkaError.ILLEGAL_GENERATION), code
    outsider.close()
    time.sleep(8)  # the member polls too late and leaves
    fresh = kafka.consumer(group)
    fresh.subscribe([topic])
    poll_until([fresh], lambda _: len(assigned(fresh)) == 2, 30, "all for the fresh one")
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
    poll_until([consumer], lambda _: len(assigned(consumer)) == 2, 30, "all")
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


# Topics


@check
def topic_administration(kafka):
    """create, refuse, describe, alter, extend and delete"""
    topic = kafka.topic("administered", 2, retention_ms=12345)
    assert kafka.error_of(lambda: kafka.create(topic)) == KafkaError.TOPIC_ALREADY_EXISTS
    assert kafka.error_of(lambda: kafka.create("not/legal")) == KafkaError.TOPIC_EXCEPTION
    assert kafka.error_of(lambda: kafka.create(kafka.name("none"), 0)) == KafkaError.INVALID_PARTITIONS
    assert kafka.error_of(lambda: kafka.create(kafka.name("copies"), 1, None, 3)) == KafkaError.INVALID_REPLICATION_FACTOR
    for config in [{"no.such.setting": "1"}, {"retention.ms": "soon"}, {"cleanup.policy": "burn"}]:
        assert kafka.error_of(lambda: kafka.create(kafka.name("bad"), 1, config)) == KafkaError.INVALID_CONFIG, config

    resource = ConfigResource(ResourceType.TOPIC, topic)
    settings = kafka.admin.describe_configs([resource])[resource].result(10)
    assert settings["retention.ms"].value == "12345" and not settings["retention.ms"].is_default
    assert settings["cleanup.policy"].value == "delete" and settings["cleanup.policy"].is_default
    assert settings["max.message.bytes"].value == "1048588"

    change = ConfigEntry("retention.ms", "54321", incremental_operation=AlterConfigOpType.SET)
    altered = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[change])
    kafka.admin.incremental_alter_configs([altered])[altered].result(10)
    kafka.eventually(
        lambda: kafka.admin.describe_configs([resource])[resource].result(10)["retention.ms"].value == "54321", "the change")

    kafka.admin.create_partitions([NewPartitions(topic, 5)])[topic].result(10)
    kafka.eventually(lambda: len(kafka.admin.list_topics(topic, 10).topics[topic].partitions) == 5, "five partitions")
    fewer = kafka.error_of(lambda: kafka.admin.create_partitions([NewPartitions(topic, 3)])[topic].result(10))
    assert fewer == KafkaError.INVALID_PARTITIONS, fewer

    kafka.produce(topic, [{"value": b"x", "partition": 4}])
    kafka.admin.delete_topics([topic])[topic].result(10)
    kafka.eventually(lambda: topic not in kafka.admin.list_topics(timeout=10).topics, "deletion")
    code = kafka.error_of(lambda: kafka.admin.delete_topics([topic])[topic].result(10))
    assert code == KafkaError.UNKNOWN_TOPIC_OR_PART, code
    kafka.eventually(lambda: kafka.error_of(lambda: kafka.create(topic)) == KafkaError.NO_ERROR, "the name again")
    assert kafka.read(topic) == []


@check
def retention_by_time(kafka):
    """what is older than retention.ms goes, offsets go on"""
    topic = kafka.topic("aging", retention_ms=1000, segment_ms=500)
    kafka.produce(topic, [{"value": b"old", "timestamp": 1000}])
    consumer = kafka.consumer()
    kafka.eventually(lambda: consumer.get_watermark_offsets(TopicPartition(topic, 0), 10) == (1, 1), "the record is gone")
    assert kafka.produce(topic, [{"value": b"new"}])[0][1].offset() == 1
    consumer.close()


@check
def retention_by_size(kafka):
    """what exceeds retention.bytes goes"""
    topic = kafka.topic("growing", retention_bytes=100_000, segment_bytes=50_000)
    for _ in range(40):
        kafka.produce(topic, [{"value": random.randbytes(10_000)}])
    consumer = kafka.consumer()
    kafka.eventually(lambda: consumer.get_watermark_offsets(TopicPartition(topic, 0), 10)[0] >= 20, "the oldest are gone")
    left = kafka.read(topic)
    assert left[-1].offset() == 39 and sum(len(message.value()) for message in left) >= 90_000
    consumer.close()


@check
def compaction(kafka):
    """the last value of each key stays, at its offset; deletions go in the end"""
    topic = kafka.topic(
        "compacted", cleanup_policy="compact", segment_ms=200, min_cleanable_dirty_ratio="0.01", delete_retention_ms=100)
    model = {}
    for turn in range(30):
        batch = []
        for _ in range(20):
            key, value = b"key-%d" % random.randrange(10), random.choice([b"%d" % random.randrange(1000)] * 4 + [None])
            batch.append({"key": key, "value": value})
            model[key] = (value, turn)
        kafka.produce(topic, batch, linger_ms=20)
    live = {key: value for key, (value, _) in model.items() if value is not None}

    def settled():
        # An append after segment.ms seals what came before: only sealed segments are compacted.
        time.sleep(0.3)
        kafka.produce(topic, [{"key": b"tick", "value": b"x"}])
        got = kafka.read(topic, check_crcs=True)
        offsets = [message.offset() for message in got]
        assert offsets == sorted(set(offsets)), "offsets out of order"
        state = {}
        for message in got:
            state[message.key()] = message.value()
        state.pop(b"tick", None)
        assert {key: value for key, value in state.items() if value is not None} == live, "compaction changed the state"
        keys = [message.key() for message in got if message.key() != b"tick"]
        return sorted(keys) == sorted(live)

    kafka.eventually(settled, "one record for each live key")


@check
def compact_topics_need_keys(kafka):
    """a record without a key is refused; compressed batches work (Apache Kafka) or are refused by name"""
    topic = kafka.topic("keyed", cleanup_policy="compact")
    assert kafka.produce(topic, [{"value": b"no key"}])[0][0] == KafkaError.INVALID_RECORD
    code = kafka.produce(topic, [{"key": b"k", "value": b"v" * 1000}], compression_type="gzip")[0][0]
    assert code in (None, 76), code
    assert kafka.produce(topic, [{"key": b"k", "value": b"v"}])[0][0] is None


# Hostility


@check
def garbage_harms_nobody(kafka):
    """broken frames cost their sender the connection and nobody else anything"""
    topic = kafka.topic("hostile")
    bystander = kafka.wire()
    frames = [
        struct.pack(">i", -1), struct.pack(">i", 0x7FFFFFFF), struct.pack(">i", 4) + b"\xff" * 4,
        b"GET / HTTP/1.1\r\n\r\n", struct.pack(">ihhih", 10, 3, 5, 1, -1) + b"\x7f\xff\xff\xff",
        struct.pack(">ihhih", 14, 999, 0, 1, -1) + b"\0" * 4,
        struct.pack(">ihhih", 14, 0, 7, 1, -1) + b"\xff\xff\x7f\xff", random.randbytes(4096),
    ]
    for frame in frames:
        wire = kafka.wire()
        wire.socket.settimeout(3)
        try:
            wire.socket.sendall(frame)
            wire.socket.shutdown(1)
            while wire.socket.recv(65536):
                pass
        except OSError:
            pass
        wire.close()
        assert bystander.produce(topic, 0, record_batch([b"still here"]))[0] == 0
    assert len(kafka.read(topic)) == len(frames)
    bystander.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    arguments = parser.parse_args()
    if not shutil.which("kcat"):
        sys.exit("kcat is not in the path")
    SUITE.run(Kafka(arguments.bootstrap, arguments.patience), arguments.only)


if __name__ == "__main__":
    main()
