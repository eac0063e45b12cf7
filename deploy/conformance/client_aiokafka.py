"""aiokafka behind what kafka_clients.py asks: its coroutines run on a loop in a thread of its own."""

import asyncio
import logging
import threading

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code
from aiokafka.structs import OffsetAndMetadata

from suite import BrokerUnderTest

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


class Loop:
    """Runs coroutines for those who are none."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def __call__(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(180)


def refuse(results):
    """Raises the first error among (name, code, …)."""
    for result in results:
        if result[1]:
            raise for_code(result[1])(result)


class AsyncClient(BrokerUnderTest):
    def __init__(self, bootstrap, patience):
        super().__init__(bootstrap, patience)
        self.wait = Loop()
        self.admin = self.wait(self.started(lambda: AIOKafkaAdminClient(bootstrap_servers=bootstrap)))

    @staticmethod
    async def started(make):
        # The object wants to be made where a loop runs.
        made = make()
        await made.start()
        return made

    def clean_up(self):
        self.wait(self.admin.delete_topics(self.topics))
        self.wait(self.admin.close())

    @staticmethod
    def error_of(call):
        try:
            call()
        except KafkaError as failure:
            # What a group refuses is wrapped in an error of the client's own.
            return getattr(failure, "errno", None) or getattr(failure.__cause__, "errno", None) or -1
        return 0

    # Topics and groups

    def create(self, name, partitions=1, config=None, replication=1):
        topic = NewTopic(name=name, num_partitions=partitions, replication_factor=replication, topic_configs=config or {})
        refuse(self.wait(self.admin.create_topics([topic])).topic_errors)

    def delete(self, name):
        refuse(self.wait(self.admin.delete_topics([name])).topic_error_codes)

    def extend(self, name, partitions):
        refuse(self.wait(self.admin.create_partitions({name: NewPartitions(partitions)})).topic_errors)

    def config(self, name):
        responses = self.wait(self.admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)]))
        return {entry[0]: entry[1] for entry in responses[0].resources[0][4]}

    def alter(self, name, config):
        self.wait(self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=config)]))

    def list_topics(self):
        return set(self.wait(self.admin.list_topics()))

    def partitions(self, name):
        described = self.wait(self.admin.describe_topics([name]))[0]
        return {partition["partition"] for partition in described["partitions"]}

    def groups(self):
        return {group[0] for group in self.wait(self.admin.list_consumer_groups())}

    def group_state(self, group):
        described = self.wait(self.admin.describe_consumer_groups([group]))[0].groups[0]
        return described[2], len(described[5])

    def group_offsets(self, group):
        offsets = self.wait(self.admin.list_consumer_group_offsets(group))
        return {(place.topic, place.partition): entry.offset for place, entry in offsets.items()}

    # Records

    def produce(self, topic, records, partition=0, batch_bytes=16_384, **config):
        """(error code, offset) of each record, in order."""

        async def send():
            producer = await self.started(
                lambda: AIOKafkaProducer(bootstrap_servers=self.bootstrap, max_batch_size=batch_bytes, **config))
            futures = [await producer.send(topic, partition=partition, **record) for record in records]
            outcomes = await asyncio.gather(*futures, return_exceptions=True)
            await producer.stop()
            return outcomes

        results = []
        for outcome in self.wait(send()):
            if isinstance(outcome, KafkaError):
                results.append((outcome.errno, None))
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                results.append((0, outcome.offset))
        return results

    def transaction_error(self):
        async def begin():
            producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, transactional_id=self.name("transaction"))
            try:
                await producer.start()
            finally:
                await producer.stop()

        return self.error_of(lambda: self.wait(begin()))

    async def consumer(self):
        return await self.started(
            lambda: AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"))

    def read(self, topic, position="earliest"):
        """Everything in partition 0 from a position to the end."""

        async def collect():
            consumer, place, records = await self.consumer(), TopicPartition(topic, 0), []
            try:
                consumer.assign([place])
                if position == "earliest":
                    await consumer.seek_to_beginning(place)
                else:
                    consumer.seek(place, position)
                end = (await consumer.end_offsets([place]))[place]
                while await consumer.position(place) < end:
                    for part in (await consumer.getmany(timeout_ms=1000)).values():
                        records += part
                return records
            finally:
                await consumer.stop()

        return self.wait(collect())

    def ends(self, topic):
        async def ask():
            consumer, place = await self.consumer(), TopicPartition(topic, 0)
            try:
                return (await consumer.beginning_offsets([place]))[place], (await consumer.end_offsets([place]))[place]
            finally:
                await consumer.stop()

        return self.wait(ask())

    def offset_at(self, topic, moment):
        async def ask():
            consumer, place = await self.consumer(), TopicPartition(topic, 0)
            try:
                found = (await consumer.offsets_for_times({place: moment}))[place]
                return found.offset if found else None
            finally:
                await consumer.stop()

        return self.wait(ask())

    def member(self, group, topic, instance=None, heartbeat_ms=500):
        return Member(self, group, topic, instance, heartbeat_ms)


class Member:
    def __init__(self, client, group, topic, instance, heartbeat_ms):
        self.wait, self.topic = client.wait, topic
        self.group, self.admin = group, client.admin
        self.consumer = self.wait(client.started(lambda: AIOKafkaConsumer(
            topic, bootstrap_servers=client.bootstrap, group_id=group, group_instance_id=instance, enable_auto_commit=False,
            auto_offset_reset="earliest", session_timeout_ms=max(10_000, 3 * heartbeat_ms),
            heartbeat_interval_ms=heartbeat_ms, metadata_max_age_ms=2_000)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wait(self.consumer.stop())

    def poll(self, seconds):
        parts = self.wait(self.consumer.getmany(timeout_ms=int(1000 * seconds)))
        return [record for part in parts.values() for record in part]

    def assigned(self):
        return {place.partition for place in self.consumer.assignment()}

    def commit(self, partition, offset, metadata=""):
        self.wait(self.consumer.commit({TopicPartition(self.topic, partition): OffsetAndMetadata(offset, metadata)}))

    def committed(self, partition):
        # The consumer tells the offset alone; the administrator sees the metadata too.
        offsets = self.wait(self.admin.list_consumer_group_offsets(self.group, partitions=[TopicPartition(self.topic, partition)]))
        found = offsets.get(TopicPartition(self.topic, partition))
        return (found.offset, found.metadata) if found and found.offset >= 0 else None
