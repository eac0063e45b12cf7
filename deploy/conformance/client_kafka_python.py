"""kafka-python behind what kafka_clients.py asks."""

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, NewTopic
from kafka.errors import KafkaError

from suite import BrokerUnderTest


class BlockingClient(BrokerUnderTest):
    def __init__(self, bootstrap, patience):
        super().__init__(bootstrap, patience)
        self.admin = KafkaAdminClient(bootstrap_servers=bootstrap)

    def clean_up(self):
        self.admin.delete_topics(self.topics, raise_errors=False)
        self.admin.close()

    @staticmethod
    def error_of(call):
        try:
            call()
        except KafkaError as failure:
            return failure.errno
        return 0

    # Topics and groups

    def create(self, name, partitions=1, config=None, replication=1):
        self.admin.create_topics(
            [NewTopic(name=name, num_partitions=partitions, replication_factor=replication, topic_configs=config or {})])

    def delete(self, name):
        self.admin.delete_topics([name])

    def extend(self, name, partitions):
        self.admin.create_partitions({name: partitions})

    def config(self, name):
        described = self.admin.describe_configs([ConfigResource("TOPIC", name)], config_filter="all")
        return {key: entry["value"] for key, entry in described["topic"][name].items()}

    def alter(self, name, config):
        self.admin.alter_configs([ConfigResource("TOPIC", name, configs=config)])

    def list_topics(self):
        return set(self.admin.list_topics())

    def partitions(self, name):
        with self.consumer() as consumer:
            return consumer.partitions_for_topic(name)

    def groups(self):
        return {group["group_id"] for group in self.admin.list_groups()}

    def group_state(self, group):
        described = self.admin.describe_groups([group])[group]
        return described["group_state"], len(described["members"])

    def group_offsets(self, group):
        offsets = self.admin.list_group_offsets({group: None})[group]
        return {(place.topic, place.partition): entry.offset for place, entry in offsets.items()}

    # Records

    def produce(self, topic, records, partition=0, batch_bytes=16_384, **config):
        """(error code, offset) of each record, in order."""
        config.setdefault("enable_idempotence", False)
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, batch_size=batch_bytes, **config)
        futures = [producer.send(topic, partition=partition, **record) for record in records]
        producer.flush()
        results = []
        for future in futures:
            try:
                results.append((0, future.get(120).offset))
            except KafkaError as failure:
                results.append((failure.errno, None))
        producer.close()
        return results

    def transaction_error(self):
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, transactional_id=self.name("transaction"))
        try:
            return self.error_of(producer.init_transactions)
        finally:
            producer.close()

    def consumer(self, **config):
        return _Closing(KafkaConsumer(
            bootstrap_servers=self.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest", allow_auto_create_topics=False,
            **config))

    def read(self, topic, position="earliest"):
        """Everything in partition 0 from a position to the end."""
        place = TopicPartition(topic, 0)
        with self.consumer() as consumer:
            consumer.assign([place])
            consumer.seek_to_beginning(place) if position == "earliest" else consumer.seek(place, position)
            end, records = consumer.end_offsets([place])[place], []
            while consumer.position(place) < end:
                records += [record for part in consumer.poll(timeout_ms=1000).values() for record in part]
            return records

    def ends(self, topic):
        place = TopicPartition(topic, 0)
        with self.consumer() as consumer:
            return consumer.beginning_offsets([place])[place], consumer.end_offsets([place])[place]

    def offset_at(self, topic, moment):
        place = TopicPartition(topic, 0)
        with self.consumer() as consumer:
            found = consumer.offsets_for_times({place: moment})[place]
            return found.offset if found else None

    def member(self, group, topic, instance=None, heartbeat_ms=500):
        return Member(self.bootstrap, group, topic, instance, heartbeat_ms)


class _Closing:
    """Closes a consumer at the end of a block."""

    def __init__(self, consumer):
        self.consumer = consumer

    def __enter__(self):
        return self.consumer

    def __exit__(self, *_):
        self.consumer.close()


class Member:
    def __init__(self, bootstrap, group, topic, instance, heartbeat_ms):
        self.topic = topic
        self.consumer = KafkaConsumer(
            topic, bootstrap_servers=bootstrap, group_id=group, group_instance_id=instance, enable_auto_commit=False,
            auto_offset_reset="earliest", session_timeout_ms=max(10_000, 3 * heartbeat_ms), heartbeat_interval_ms=heartbeat_ms)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.consumer.close()

    def poll(self, seconds):
        return [record for part in self.consumer.poll(timeout_ms=int(1000 * seconds)).values() for record in part]

    def assigned(self):
        return {place.partition for place in self.consumer.assignment()}

    def commit(self, partition, offset, metadata=""):
        self.consumer.commit({TopicPartition(self.topic, partition): OffsetAndMetadata(offset, metadata, -1)})

    def committed(self, partition):
        found = self.consumer.committed(TopicPartition(self.topic, partition), metadata=True)
        return (found.offset, found.metadata) if found else None
