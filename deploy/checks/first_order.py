#!/usr/bin/env python3
"""The first order of a newcomer, on any running stack: sent by kcat, filled (the time is printed), and the fill is in `executions`, in
Redis and in PostgreSQL.

    first_order.py [--bootstrap HOST:PORT] [--redis URL] [--database URL]      defaults: KAFKA_BOOTSTRAP, REDIS_URL, DATABASE_URL
"""
import argparse
import decimal
import json
import os
import subprocess
import time

import psycopg2
import redis
from confluent_kafka import Consumer, TopicPartition

from stack import expect, wait_until

ORDER = b'{"side":"buy","quantity":0.25}\n'


def watch(bootstrap):
    """A consumer that stands at the end of every partition of `executions`."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "first-order", "enable.auto.commit": False,
                         "fetch.wait.max.ms": 50, "log_level": 0})
    places = []
    for partition in consumer.list_topics("executions", timeout=10).topics["executions"].partitions:
        _, high = consumer.get_watermark_offsets(TopicPartition("executions", partition), timeout=10)
        places.append(TopicPartition("executions", partition, high))
    consumer.assign(places)
    return consumer


def filled(consumer):
    message = consumer.poll(0.02)
    if message is None or message.error() or message.value() is None:
        return None
    record = json.loads(message.value())
    return record if record.get("status") == "filled" else None


def check(bootstrap, redis_url, database_url):
    consumer = watch(bootstrap)
    sent = time.monotonic()
    subprocess.run(["kcat", "-P", "-b", bootstrap, "-t", "orders"], input=ORDER, check=True)
    record = wait_until(lambda: filled(consumer), 10, "an order filled on executions")
    seconds = time.monotonic() - sent
    consumer.close()
    print(f"  filled {seconds:.3f} s after kcat was started")
    expect(decimal.Decimal(record["cumulative_quantity"]) == decimal.Decimal("0.25"), "not all of it was filled")
    account, identifier = record["account"], record["client_order_id"]

    live = redis.Redis.from_url(redis_url, decode_responses=True)
    wait_until(lambda: json.loads(live.get(f"order:{account}:{identifier}") or "{}").get("status") == "filled", 5, "Redis says filled")
    wait_until(lambda: live.keys(f"position:{account}:*"), 5, "a position in Redis")

    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    with connection.cursor() as cursor:

        def row():
            cursor.execute("SELECT filled_quantity, (SELECT sum(quantity) FROM fills WHERE client_order_id = %s AND account = %s) FROM orders"
                           " WHERE client_order_id = %s AND account = %s AND status = 'filled'", (identifier, account) * 2)
            return cursor.fetchone()

        expect(wait_until(row, 5, "the order in PostgreSQL") == (decimal.Decimal("0.25"),) * 2, "PostgreSQL has other quantities")
    connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", default=os.environ.get("KAFKA_BOOTSTRAP"))
    parser.add_argument("--redis", default=os.environ.get("REDIS_URL"))
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL"))
    arguments = parser.parse_args()
    check(arguments.bootstrap, arguments.redis, arguments.database)
    print("PASS")


if __name__ == "__main__":
    main()
