"""Idempotent producers that number their records and note which were acknowledged, of three clients that share no code."""

import asyncio
import logging
import random
import threading
import time

from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer
from kafka import KafkaProducer

TOPIC, COMPACT, PARTITIONS = "load", "state", 3
# How long a record may wait for its acknowledgement, in seconds: whoever writes as fast as he can waits behind what he wrote before.
PATIENCE = 300

for library in ("kafka", "aiokafka"):
    logging.getLogger(library).setLevel(logging.CRITICAL)


class Writer(threading.Thread):
    """Writes until it is stopped: each record to the load, and its number to the compacted topic."""

    CLIENT = ""

    def __init__(self, number, bootstrap, stopping):
        super().__init__(name=f"{self.CLIENT} {number}")
        self.number, self.bootstrap, self.stopping = number, bootstrap, stopping
        self.sent, self.unreported, self.failures, self.acknowledged = 0, 0, [], {}

    @property
    def partition(self):
        return self.number % PARTITIONS

    def records(self):
        """The next record of the load: its number and its bytes."""
        number, self.sent = self.sent, self.sent + 1
        return number, b"%d %d " % (self.number, number) + b"x" * random.randrange(600)

    @property
    def key(self):
        return b"writer-%d" % self.number


class LibrdkafkaWriter(Writer):
    CLIENT = "confluent-kafka"

    def run(self):
        self.producer = Producer({
            "bootstrap.servers": self.bootstrap, "enable.idempotence": True, "linger.ms": 1, "message.timeout.ms": 1000 * PATIENCE,
            "reconnect.backoff.max.ms": 200, "retry.backoff.ms": 20, "log_level": 2,
        })
        while not self.stopping.is_set():
            number, value = self.records()
            self.produce(TOPIC, value, partition=self.partition, on_delivery=self.report)
            self.produce(COMPACT, b"%d" % number, key=self.key)
            self.producer.poll(0)
            if self.sent % 50 == 0:
                time.sleep(0.001)
        self.unreported = self.producer.flush(PATIENCE)

    def produce(self, *arguments, **named):
        while True:
            try:
                return self.producer.produce(*arguments, **named)
            except BufferError:
                self.producer.poll(0.05)

    def report(self, error, message):
        if error:
            self.failures.append(error)
        else:
            self.acknowledged[int(message.value().split(b" ")[1])] = (message.partition(), message.offset())


class BlockingWriter(Writer):
    CLIENT = "kafka-python"
    WAITING = 500

    def run(self):
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, enable_idempotence=True, acks="all", linger_ms=1, delivery_timeout_ms=1000 * PATIENCE,
            request_timeout_ms=10_000, reconnect_backoff_ms=20, reconnect_backoff_max_ms=200, retry_backoff_ms=20, max_block_ms=1000 * PATIENCE)
        waiting = []
        while not self.stopping.is_set():
            number, value = self.records()
            waiting.append((number, producer.send(TOPIC, value=value, partition=self.partition)))
            producer.send(COMPACT, value=b"%d" % number, key=self.key)
            if len(waiting) >= self.WAITING:
                self.settle(waiting[:self.WAITING // 2])
                del waiting[:self.WAITING // 2]
        self.settle(waiting)
        producer.flush(timeout=PATIENCE)
        producer.close()

    def settle(self, waiting):
        for number, future in waiting:
            try:
                metadata = future.get(PATIENCE + 30)
                self.acknowledged[number] = (metadata.partition, metadata.offset)
            except Exception as failure:  # Whatever it is, the record was not acknowledged, which the checker reports.
                self.failures.append(failure)


class AsyncWriter(Writer):
    CLIENT = "aiokafka"
    WAITING = 500

    def run(self):
        asyncio.run(self.write())

    async def write(self):
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, enable_idempotence=True, acks="all", linger_ms=1, request_timeout_ms=1000 * PATIENCE,
            retry_backoff_ms=20)
        await producer.start()
        room = asyncio.Semaphore(self.WAITING)

        def report(number, future):
            room.release()
            if future.exception():
                self.failures.append(future.exception())
            else:
                self.acknowledged[number] = (future.result().partition, future.result().offset)

        while not self.stopping.is_set():
            await room.acquire()
            number, value = self.records()
            future = await producer.send(TOPIC, value=value, partition=self.partition)
            future.add_done_callback(lambda done, number=number: report(number, done))
            await producer.send(COMPACT, value=b"%d" % number, key=self.key)
        await producer.flush()
        await producer.stop()
