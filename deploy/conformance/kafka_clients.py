#!/usr/bin/env python3
"""A Kafka broker before two clients that speak the protocol in Python alone: kafka-python and aiokafka. They choose other versions of
the requests than librdkafka, other compression libraries, and compute batches, sequences and assignments by themselves.

    kafka_clients.py --client kafka-python|aiokafka --bootstrap 127.0.0.1:9092 [--only NAME…] [--patience SECONDS]

What hardly depends on the client (expiry of sessions, fencing, compaction, garbage) is in kafka_conformance.py. Prints a line for each
check and exits with 1 if one has failed.
"""

import argparse
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

from suite import Suite, add_arguments

SUITE = Suite()
check = SUITE.check

# Kafka's error codes.
UNKNOWN_TOPIC, TOO_LARGE, BAD_TOPIC, TRANSACTIONS_REFUSED = 3, 10, 17, 53
UNKNOWN_MEMBER, EXISTS, BAD_CONFIG, FENCED_INSTANCE = 25, 36, 40, 82
EPOCH = 1_600_000_000_000


def poll_until(members, condition, what, seconds=120):
    """Keeps members alive until the condition holds; gives what they received meanwhile.

    They poll side by side, as members in processes of their own do. In turn, one member's rebalance would often end while another
    polls: kafka-python forgets that it did and joins again, which as the leader begins the next rebalance, and so on.
    """
    received, limit = [], time.monotonic() + seconds
    with ThreadPoolExecutor(len(members)) as side_by_side:
        while time.monotonic() < limit:
            for records in side_by_side.map(lambda member: member.poll(0.5), members):
                received += records
            if condition(received):
                return received
    raise AssertionError(f"{what}: not within {seconds} s")


@check
def metadata(client):
    """topics with their partitions; a topic that nobody has created is unknown"""
    topic = client.topic("metadata", 3)
    assert topic in client.list_topics()
    assert client.partitions(topic) == {0, 1, 2}
    nowhere = client.name("nowhere")
    assert nowhere not in client.list_topics() and client.partitions(nowhere) in (None, set())


@check
def records_come_back_as_they_went(client):
    """keys, headers, null payloads and keys, timestamps; every compression"""
    for compression in [None, "gzip", "snappy", "lz4", "zstd"]:
        topic = client.topic(f"records-{compression}")
        sent = [
            {"key": b"k", "value": b"v" * 500, "timestamp_ms": EPOCH + index, "headers": [("h", b"1"), ("h", b"")]} for index in range(50)
        ]
        sent += [{"key": None, "value": b"no key"}, {"key": b"tombstone", "value": None}, {"key": b"", "value": b""}]
        results = client.produce(topic, sent, compression_type=compression, linger_ms=50)
        assert results == [(0, offset) for offset in range(len(sent))], results
        got = client.read(topic)
        assert [record.offset for record in got] == list(range(len(sent)))
        for record, asked in zip(got, sent):
            assert (record.key, record.value) == (asked["key"], asked["value"]), record
            assert [tuple(header) for header in record.headers] == asked.get("headers", [])
            if "timestamp_ms" in asked:
                assert (record.timestamp_type, record.timestamp) == (0, asked["timestamp_ms"]), "CreateTime is the producer's"


@check
def append_time_is_the_brokers(client):
    """message.timestamp.type=LogAppendTime, alone and in the middle of a compressed batch"""
    topic = client.topic("append-time", message_timestamp_type="LogAppendTime")
    before = int(time.time() * 1000)
    for compression in [None, "gzip"]:
        records = [{"value": b"x", "timestamp_ms": 1000 + index} for index in range(3)]
        client.produce(topic, records, compression_type=compression, linger_ms=50)
    for record in client.read(topic):
        assert record.timestamp_type == 1 and before - 1000 <= record.timestamp <= int(time.time() * 1000) + 1000, record


@check
def acknowledgements(client):
    """acks 1 and all store the record and say where; so does idempotence, batch after batch in order"""
    topic = client.topic("acks")
    for number, acks in enumerate([1, "all"]):
        assert client.produce(topic, [{"value": b"x"}], acks=acks) == [(0, number)]
    results = client.produce(topic, [{"value": b"%d" % index} for index in range(3000)], acks="all", enable_idempotence=True)
    assert results == [(0, 2 + index) for index in range(3000)], results[:5]
    assert [record.value for record in client.read(topic, position=2)] == [b"%d" % index for index in range(3000)]


@check
def fetching_by_position(client):
    """from the earliest, the latest, an offset and a time, in the middle of batches too; beginning and end"""
    topic = client.topic("positions")
    for first in range(0, 40, 10):
        client.produce(topic, [{"value": b"%d" % i, "timestamp_ms": EPOCH + 10 * i} for i in range(first, first + 10)], linger_ms=50)
    assert client.ends(topic) == (0, 40)
    assert [int(record.value) for record in client.read(topic)] == list(range(40))
    assert [int(record.value) for record in client.read(topic, position=37)] == [37, 38, 39]
    assert client.read(topic, position=40) == []
    for moment, expected in [(0, 0), (EPOCH, 0), (EPOCH + 1, 1), (EPOCH + 155, 16), (EPOCH + 390, 39), (EPOCH + 391, None)]:
        assert client.offset_at(topic, moment) == expected, (moment, client.offset_at(topic, moment))


@check
def large_records_and_batches(client):
    """900 KB pass, what exceeds max.message.bytes is refused by the broker; batches of half a megabyte, compressed and not"""
    topic = client.topic("large")
    value = random.randbytes(900_000)
    assert client.produce(topic, [{"value": value}], max_request_size=5_000_000) == [(0, 0)]
    assert client.read(topic)[0].value == value
    assert client.produce(topic, [{"value": random.randbytes(1_500_000)}], max_request_size=5_000_000) == [(TOO_LARGE, None)]
    batches = client.topic("batches")
    values = [random.randbytes(250) + b"%d" % index for index in range(4000)]
    for compression in [None, "lz4"]:
        results = client.produce(batches, [{"value": v} for v in values], compression_type=compression, batch_bytes=500_000, linger_ms=100)
        assert {code for code, _ in results} == {0}
    assert [record.value for record in client.read(batches)] == values + values


@check
def transactions_are_refused(client):
    """a transactional producer hears at once that there are none (Apache Kafka has them)"""
    began = time.monotonic()
    code = client.transaction_error()
    assert code in (0, TRANSACTIONS_REFUSED), code
    assert time.monotonic() - began < 40, "it waited for its own time-out, a minute"


@check
def groups_share_partitions(client):
    """two members share six partitions and receive everything once; the one that stays gets all of them back"""
    topic, group = client.topic("shared", 6), client.name("group")
    with client.member(group, topic) as first:
        poll_until([first], lambda _: len(first.assigned()) == 6, "all for the first")
        with client.member(group, topic) as second:
            parts = [first.assigned, second.assigned]
            poll_until(
                [first, second], lambda _: [len(part()) for part in parts] == [3, 3] and parts[0]() | parts[1]() == set(range(6)),
                "three each")
            for partition in range(6):
                client.produce(topic, [{"value": b"%d" % (6 * index + partition)} for index in range(50)], partition=partition)
            got = poll_until([first, second], lambda records: len(records) >= 300, "300 records")
            assert sorted(int(record.value) for record in got) == list(range(300))
        poll_until([first], lambda _: len(first.assigned()) == 6, "all for the first again")


@check
def static_members_come_back(client):
    """group.instance.id: a member that returns has its partitions at once and moves nobody; the one it replaced is fenced"""
    topic, group = client.topic("static", 4), client.name("group")
    # The one that is to be replaced hardly beats: aiokafka's heartbeats do not name the instance, so that a fenced member learns only that
    # it is unknown, joins anew and takes its place back. It comes second, since a member hears of others between two beats.
    beats = {"instance": "one", "heartbeat_ms": 20_000}
    with client.member(group, topic, instance="two") as other, client.member(group, topic, **beats) as old:
        poll_until([old, other], lambda _: len(old.assigned()) == 2 and len(other.assigned()) == 2, "two each")
        mine, theirs = old.assigned(), other.assigned()
        old.commit(min(mine), 5)
        with client.member(group, topic, instance="one") as new:
            poll_until([new, other], lambda _: new.assigned() == mine, "the same partitions for the new one", seconds=45)
            assert other.assigned() == theirs
            code = client.error_of(lambda: old.commit(min(mine), 1))
            assert code in (FENCED_INSTANCE, UNKNOWN_MEMBER), code
            assert new.committed(min(mine))[0] == 5


@check
def committed_offsets(client):
    """commits are found by the next member, with their metadata, and it goes on from there; what nobody committed is unknown"""
    topic, group = client.topic("commits", 2), client.name("group")
    client.produce(topic, [{"value": b"%d" % index} for index in range(10)], partition=0)
    with client.member(group, topic) as first:
        poll_until([first], lambda records: len(records) == 10, "ten records")
        first.commit(0, 4, "some metadata")
    with client.member(group, topic) as second:
        got = poll_until([second], lambda records: len(records) == 6, "the other six")
        assert [int(record.value) for record in got] == [4, 5, 6, 7, 8, 9]
        assert second.committed(0) == (4, "some metadata") and second.committed(1) is None, (second.committed(0), second.committed(1))
    assert client.group_offsets(group)[(topic, 0)] == 4


@check
def administration(client):
    """create, refuse, describe, alter, extend and delete topics; list and describe groups"""
    topic = client.topic("administered", 2, retention_ms=12345)
    assert client.error_of(lambda: client.create(topic)) == EXISTS
    assert client.error_of(lambda: client.create("not/legal")) == BAD_TOPIC
    for config in [{"no.such.setting": "1"}, {"retention.ms": "soon"}]:
        assert client.error_of(lambda: client.create(client.name("bad"), 1, config)) == BAD_CONFIG, config
    assert client.config(topic)["retention.ms"] == "12345"
    client.alter(topic, {"retention.ms": "54321"})
    client.eventually(lambda: client.config(topic)["retention.ms"] == "54321", "the change")
    client.extend(topic, 5)
    client.eventually(lambda: client.partitions(topic) == set(range(5)), "five partitions")
    assert client.produce(topic, [{"value": b"x"}], partition=4) == [(0, 0)]
    group = client.name("group")
    with client.member(group, topic) as member:
        poll_until([member], lambda _: len(member.assigned()) == 5 and client.group_state(group) == ("Stable", 1), "all, and it is settled")
        assert group in client.groups()
    client.delete(topic)
    client.eventually(lambda: topic not in client.list_topics(), "deletion")
    assert client.error_of(lambda: client.delete(topic)) == UNKNOWN_TOPIC


@check
def retention_by_size(client):
    """what exceeds retention.bytes goes, offsets go on; a reader of what has gone is told, and begins at the earliest"""
    topic = client.topic("growing", retention_bytes=100_000, segment_bytes=50_000)
    for _ in range(40):
        client.produce(topic, [{"value": os.urandom(10_000)}])
    client.eventually(lambda: client.ends(topic)[0] >= 20, "the oldest are gone")
    left = client.read(topic)
    assert left[-1].offset == 39 and sum(len(record.value) for record in left) >= 90_000
    # More may go meanwhile.
    oldest = client.ends(topic)[0]
    assert oldest <= client.read(topic, position=0)[0].offset <= client.ends(topic)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", required=True, choices=["kafka-python", "aiokafka"])
    add_arguments(parser)
    arguments = parser.parse_args()
    if arguments.client == "aiokafka":
        from client_aiokafka import AsyncClient as Client
    else:
        from client_kafka_python import BlockingClient as Client
    SUITE.run(Client(arguments.bootstrap, arguments.patience), arguments.only)


if __name__ == "__main__":
    main()
