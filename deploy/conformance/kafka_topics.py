"""Topics: their administration, what they keep and for how long, as kafka_conformance.py asks for it."""

import random
import time

from confluent_kafka import KafkaError, TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, ResourceType

from suite import Suite

SUITE = Suite()
check = SUITE.check


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
