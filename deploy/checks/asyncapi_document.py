"""What must hold of deploy/schemas/asyncapi.yaml: it is AsyncAPI 3.0, its references lead somewhere, and its channels are the topics that
the programs create, partitions and clean-up included."""
import json
import re
import warnings

import yaml

with warnings.catch_warnings():
    # The judge's own models shadow names of pydantic's.
    warnings.simplefilter("ignore")
    from asyncapi3.models.asyncapi import AsyncAPI3


class Topics:
    """The channels, by the topics that they stand for."""

    def __init__(self, document):
        self.channels = {}  # By name: what their topics' names look like, and the channel.
        for name, channel in document["channels"].items():
            pattern = re.sub(r"\\{\w+\\}", "[a-z0-9_]+", re.escape(channel["address"]))
            self.channels[name] = (re.compile(pattern), channel)

    def of(self, topic):
        return [name for name, (pattern, _) in self.channels.items() if pattern.fullmatch(topic)]


def read(schemas):
    document = yaml.safe_load((schemas / "asyncapi.yaml").read_text())
    AsyncAPI3.model_validate(document)
    return document


def problems(schemas, layouts):
    """Everything that is wrong; `layouts` are the topics as the code creates them, one JSON object a line."""
    document = read(schemas)
    found = [f"no {reference}" for reference in references(document) if not resolves(reference, document, schemas)]
    topics, created = Topics(document), {}
    for line in layouts.read_text().splitlines():
        layout = json.loads(line)
        channels = topics.of(layout["name"])
        if len(channels) != 1:
            found.append(f"topic {layout['name']} has {len(channels)} channels")
        for name in channels:
            created[name] = True
            found += different(layout, topics.channels[name][1])
    found += [f"channel {name} is no topic of the programs" for name in topics.channels if name not in created]
    return found + list(undescribed(document, schemas))


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for element in value:
            yield from references(element)


def resolves(reference, document, schemas):
    if not reference.startswith("#/"):
        return (schemas / reference).is_file()
    for part in reference[2:].split("/"):
        document = document.get(part) if isinstance(document, dict) else None
    return document is not None


def different(layout, channel):
    kafka = channel["bindings"]["kafka"]
    said = dict(kafka["topicConfiguration"])
    said["cleanup.policy"] = ",".join(said["cleanup.policy"])
    made = {"cleanup.policy": "delete"} | layout["settings"]
    if {name: str(value) for name, value in said.items()} != made:
        yield f"{layout['name']}: the document says {said}, the code {made}"
    if kafka["partitions"] != layout["partitions"]:
        yield f"{layout['name']}: the document says {kafka['partitions']} partitions, the code {layout['partitions']}"


def undescribed(document, schemas):
    """A channel without a writer, a reader or a key, a schema that no channel uses."""
    for name in document["channels"]:
        actions = {
            operation["action"] for operation in document["operations"].values()
            if operation["channel"]["$ref"] == f"#/channels/{name}" and operation["tags"]
        }
        if actions != {"send", "receive"}:
            yield f"channel {name} lacks a writer or a reader"
        for reference in document["channels"][name]["messages"].values():
            message = document["components"]["messages"][reference["$ref"].rsplit("/", 1)[1]]
            if not message["bindings"]["kafka"]["key"].get("description"):
                yield f"the key of {name} is not described"
    used = {message["payload"]["schema"]["$ref"] for message in document["components"]["messages"].values()}
    for path in schemas.glob("*.schema.json"):
        if path.name not in used | {"common.schema.json"}:
            yield f"{path.name} is of no channel"
