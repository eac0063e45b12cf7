#!/usr/bin/env python3
"""SIGKILL under load: starts LocalKafka, kills it again and again while idempotent producers of three clients write and a group commits.

    kafka_crash.py --binary .build/release/LocalKafka [--kills 6] [--fsync always|interval|never]

Asserts that no acknowledged record is lost, that each producer's records are in the order it sent them without one
twice, and that no acknowledged commit goes back. Needs confluent-kafka,
kafka-python and aiokafka from PyPI; exits with 1 on failure.
"""

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from crash_writers import COMPACT, PARTITIONS, TOPIC, AsyncWriter, BlockingWriter, LibrdkafkaWriter


def free_port():
    """Not one of those that the system gives to outgoing connections: while the broker is dead, one of its clients could get it."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    sys.exit("FAIL no port is free")


class Broker:
    """The process under test, always on the same port and directory."""

    def __init__(self, binary, directory, fsync):
        self.arguments = [binary, "--data-dir", os.path.join(directory, "data"), "--fsync", fsync, "--maintenance-ms", "200"]
        self.port_file = os.path.join(directory, "port")
        self.log = open(os.path.join(directory, "log"), "ab")
        self.port, self.process = free_port(), None

    def start(self):
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        self.process = subprocess.Popen(
            self.arguments + ["--listen", f"127.0.0.1:{self.port}", "--port-file", self.port_file],
            stdout=self.log, stderr=self.log)
        limit = time.monotonic() + 60
        while not os.path.exists(self.port_file):
            if self.process.poll() is not None or time.monotonic() > limit:
                sys.exit("FAIL the broker does not start: " + open(self.log.name, encoding="utf-8").read())
            time.sleep(0.02)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


class Committer(threading.Thread):
    """Commits ever higher offsets for a group without members, and notes the last that was acknowledged."""

    def __init__(self, bootstrap, stopping):
        super().__init__()
        self.stopping, self.acknowledged, self.attempted = stopping, 0, 0
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "committer", "log_level": 2})

    def run(self):
        while not self.stopping.is_set():
            self.attempted += 1
            try:
                self.consumer.commit(offsets=[TopicPartition(TOPIC, 0, self.attempted)], asynchronous=False)
                self.acknowledged = self.attempted
            except KafkaException:
                time.sleep(0.02)
        self.consumer.close()


def read(bootstrap, topic, partition):
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "reader", "enable.partition.eof": True, "check.crcs": True,
        "auto.offset.reset": "error", "fetch.wait.max.ms": 50,
    })
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
    messages = []
    while True:
        message = consumer.poll(60)
        if message is None:
            sys.exit(f"FAIL no end of {topic} {partition}")
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                consumer.close()
                return messages
            raise KafkaException(message.error())
        messages.append(message)


def verify(bootstrap, writers, committer):
    """The complaints, if any."""
    complaints = []
    stored = {}
    for partition in range(PARTITIONS):
        for message in read(bootstrap, TOPIC, partition):
            writer, number, _ = message.value().split(b" ", 2)
            stored.setdefault(int(writer), []).append((int(number), (partition, message.offset())))
    for writer in writers:
        got = stored.get(writer.number, [])
        numbers = [number for number, _ in got]
        if writer.failures or writer.unreported:
            complaints.append(f"{writer.name}: {len(writer.failures)} failed, {writer.unreported} unreported: {writer.failures[:3]}")
        if numbers != sorted(set(numbers)):
            complaints.append(f"{writer.name}: records twice or out of order")
        places = dict(got)
        lost = [number for number, place in writer.acknowledged.items() if places.get(number) != place]
        if lost:
            complaints.append(f"{writer.name}: {len(lost)} acknowledged records lost or moved, first {min(lost)}")
    last = {}
    for message in read(bootstrap, COMPACT, 0):
        last[message.key()] = int(message.value())
    for writer in writers:
        if last.get(b"writer-%d" % writer.number) != writer.sent - 1:
            complaints.append(f"{writer.name}: compaction lost its last value")
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "committer"})
    committed = consumer.committed([TopicPartition(TOPIC, 0)], 60)[0].offset
    consumer.close()
    if not committer.acknowledged <= committed <= committer.attempted:
        complaints.append(f"commit {committer.acknowledged} was acknowledged, {committed} is there")
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--fsync", default="interval")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kafka-crash-") as directory:
        broker = Broker(arguments.binary, directory, arguments.fsync)
        broker.start()
        bootstrap = f"127.0.0.1:{broker.port}"
        try:
            admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
            topics = [
                NewTopic(TOPIC, PARTITIONS, 1, config={"segment.bytes": "1000000"}),
                NewTopic(COMPACT, 1, 1, config={"cleanup.policy": "compact", "segment.bytes": "200000", "segment.ms": "300"}),
            ]
            for created in admin.create_topics(topics).values():
                created.result(60)
            stopping = threading.Event()
            kinds = [LibrdkafkaWriter, LibrdkafkaWriter, LibrdkafkaWriter, BlockingWriter, AsyncWriter]
            writers = [kind(number, bootstrap, stopping) for number, kind in enumerate(kinds)]
            committer = Committer(bootstrap, stopping)
            for thread in [*writers, committer]:
                thread.start()
            for _ in range(arguments.kills):
                time.sleep(random.uniform(0.3, 1.5))
                broker.kill()
                broker.start()
            time.sleep(1)
            stopping.set()
            for thread in [*writers, committer]:
                thread.join()
            complaints = verify(bootstrap, writers, committer)
            code = broker.stop()
            if code != 0:
                complaints.append(f"SIGTERM: exit {code}")
            broker.start()
            complaints += verify(bootstrap, writers, committer)
        finally:
            broker.kill()
        for complaint in complaints:
            print(f"FAIL {complaint}")
        totals = ", ".join(f"{len(writer.acknowledged)} of {writer.name}" for writer in writers)
        if not complaints:
            print(f"PASS {arguments.kills} kills, acknowledged records: {totals}, {committer.acknowledged} commits: nothing lost, "
                  "nothing twice")
        sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
