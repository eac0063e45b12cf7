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
import struct
import sys
import time

from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME, KafkaError, KafkaException, TopicPartition

import kafka_groups
import kafka_topics
from client_confluent import Kafka
from kafka_wire import batch_sizes, record_batch
from suite import Suite, add_arguments

SUITE = Suite()
check = SUITE.check


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
    # Whoever wants no acknowledgement does not wait for his turn either.
    kafka.eventually(lambda: sorted(m.value() for m in kafka.read(topic)) == [b"0", b"1", b"all"], "three records")


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
        producer.init_transactions(60)
    except KafkaException as failure:
        assert failure.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, failure
    assert time.monotonic() - began < 40, "it waited for its own time-out"


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
    assert time.monotonic() - began < 15, "the record did not end the wait of 20 s"

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
    suite = SUITE + kafka_groups.SUITE + kafka_topics.SUITE
    suite.run(Kafka(arguments.bootstrap, arguments.patience), arguments.only)


if __name__ == "__main__":
    main()