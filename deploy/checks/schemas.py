#!/usr/bin/env python3
"""Checks records against the JSON Schemas in deploy/schemas, and topics against its AsyncAPI document.

schemas.py DIR              every DIR/<schema>.<n>.json and DIR/topics.jsonl, as the codecs' own tests write them
schemas.py --bootstrap B    every record on the topics of a running stack
"""
import argparse
import json
import pathlib
import sys

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

import asyncapi_document

# What the names of market data topics begin with: one schema for all of a kind.
FEEDS = ("l2_order_books", "trades", "funding_rates")
SCHEMAS = pathlib.Path(__file__).resolve().parent.parent / "schemas"


def validators():
    documents = {path.name: json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.schema.json"))}
    registry = Registry().with_resources((name, Resource.from_contents(document)) for name, document in documents.items())
    for document in documents.values():
        Draft202012Validator.check_schema(document)
    return {
        name.removesuffix(".schema.json"): Draft202012Validator(document, registry=registry)
        for name, document in documents.items()
    }


def samples(directory):
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        yield path.name, path.name.rsplit(".", 2)[0], path.read_bytes()


def topics(bootstrap, known):
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "schema-check", "enable.auto.commit": False, "fetch.wait.max.ms": 10})
    for topic, metadata in sorted(consumer.list_topics(timeout=10).topics.items()):
        schema = next((feed for feed in FEEDS if topic.startswith(feed + ".")), topic)
        if schema not in known or schema == "orders":  # what clients send may be anything
            continue
        for partition in metadata.partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
            start = max(low, high - 5000)
            if start >= high:
                continue
            consumer.assign([TopicPartition(topic, partition, start)])
            while True:
                message = consumer.poll(10)
                if message is None or message.error():
                    break
                # A stranger's record is what a check has put there to see that nobody minds.
                if message.value() is not None and message.key() != b"stranger":
                    yield f"{topic}[{partition}]@{message.offset()}", schema, message.value()
                if message.offset() >= high - 1:
                    break
    consumer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?")
    parser.add_argument("--bootstrap")
    arguments = parser.parse_args()
    known = validators()
    records = topics(arguments.bootstrap, known) if arguments.bootstrap else samples(arguments.directory)
    checked, failures = {}, 0
    for name, schema, value in records:
        checked[schema] = checked.get(schema, 0) + 1
        error = next(known[schema].iter_errors(json.loads(value)), None)
        if error is not None:
            failures += 1
            if failures <= 20:
                print(f"FAIL {name}: {error.message[:300]} at {list(error.absolute_path)}")
    print(", ".join(f"{schema} {count}" for schema, count in sorted(checked.items())))
    if not checked:
        sys.exit("no record was checked")
    if arguments.directory:
        problems = asyncapi_document.problems(SCHEMAS, pathlib.Path(arguments.directory) / "topics.jsonl")
        if problems:
            sys.exit("asyncapi.yaml: " + "; ".join(problems))
        print("asyncapi.yaml: every topic has its channel")
    if failures:
        sys.exit(f"{failures} records do not match their schemas")


if __name__ == "__main__":
    main()
