"""confluent-kafka (librdkafka), kcat and raw requests, as the checks of Kafka use them."""

import subprocess
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from kafka_wire import Wire
from suite import BrokerUnderTest


class Kafka(BrokerUnderTest):
    """The broker under test and the clients that ask it."""

    def __init__(self, bootstrap, patience):
        super().__init__(bootstrap, patience)
        self.admin = AdminClient({"bootstrap.servers": bootstrap})

    def create(self, name, partitions=1, config=None, replication=1):
        topic = NewTopic(name, partitions, replication, config=config or {})
        self.admin.create_topics([topic])[name].result(60)

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
        assert producer.flush(120) == 0, "not all were reported"
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
        messages, limit = [], time.monotonic() + 120
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
            raise AssertionError(f"no end of {topic} in 120 s")
        consumer.close()
        return messages

    def wire(self):
        return Wire(self.bootstrap)

    def kcat(self, *arguments, stdin=None, timeout=120):
        result = subprocess.run(
            ["kcat", "-b", self.bootstrap, *arguments], input=stdin, capture_output=True, timeout=timeout, check=False)
        assert result.returncode == 0, f"kcat {arguments}: {result.stderr.decode()}"
        return result.stdout
