"""All that was recorded, read at the end from the broker, the venue, PostgreSQL and Redis, in the form that the checker judges."""
import collections
import dataclasses
import decimal
import json

from confluent_kafka import Consumer, TopicPartition

D = decimal.Decimal


@dataclasses.dataclass
class Decision:
    topic: str
    code: int | None
    is_duplicate: bool
    decided_at: int
    action: str | None
    quantity: decimal.Decimal | None = None
    price: decimal.Decimal | None = None


@dataclasses.dataclass
class End:
    """The newest event of an order."""

    status: str
    provenance: str
    cumulative: decimal.Decimal


@dataclasses.dataclass
class History:
    """A key is (account, client order id). Records of fenced writers are not in here: they count for nobody."""

    acknowledged: set = dataclasses.field(default_factory=set)  # keys whose record the broker acknowledged to the client
    submitted: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # key: records on `orders`
    decisions: dict = dataclasses.field(default_factory=dict)  # key: [Decision]
    children: dict = dataclasses.field(default_factory=dict)  # client id at the venue: key
    ends: dict = dataclasses.field(default_factory=dict)  # key: End
    fills: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # (account, order, trade): times told
    alerted: set = dataclasses.field(default_factory=set)  # client order ids that an alert names
    fenced: int = 0
    dead_letters: int = 0
    venue_orders: list = dataclasses.field(default_factory=list)
    venue_fills: list = dataclasses.field(default_factory=list)
    venue_balances: dict = dataclasses.field(default_factory=dict)  # (account, asset): (free, locked)
    rows: dict = dataclasses.field(default_factory=dict)  # PostgreSQL's orders, key: (status, filled)
    row_fills: set = dataclasses.field(default_factory=set)  # PostgreSQL's fills: (account, order, trade, price, quantity, fee)
    row_balances: dict = dataclasses.field(default_factory=dict)
    discrepancies: list = dataclasses.field(default_factory=list)  # PostgreSQL's unresolved ones
    positions: dict = dataclasses.field(default_factory=dict)  # Redis: account: (quantity, cash)
    open_orders: dict = dataclasses.field(default_factory=dict)  # Redis: account: ids
    shown: dict = dataclasses.field(default_factory=dict)  # Redis: key: status, of a sample
    limits: dict = dataclasses.field(default_factory=dict)  # account: {position, rate, notional}


class LogReader:
    """Adds the topics' records to a history, each partition in its order, fenced by the markers of the owners."""

    TOPICS = ["orders", "orders.approved", "orders.rejected", "executions", "alerts", "dead_letters"]

    def __init__(self, history):
        self.history = history
        self.epochs = {}

    def read(self, bootstrap):
        consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": "chaos-history", "enable.auto.commit": False, "enable.partition.eof": True,
            "auto.offset.reset": "earliest", "log_level": 0})
        metadata = consumer.list_topics(timeout=10).topics
        places = [TopicPartition(t, p, 0) for t in self.TOPICS for p in metadata[t].partitions]
        consumer.assign(places)
        # A partition that is still written to says more than once that its end is reached.
        left = {(place.topic, place.partition) for place in places}
        while left:
            for message in consumer.consume(2000, 0.2):
                if message.error() is not None:
                    if message.error().name() == "_PARTITION_EOF":
                        left.discard((message.topic(), message.partition()))
                elif message.value() is not None:
                    headers = dict(message.headers() or [])
                    self.add(message.topic(), message.partition(), message.offset(), headers, json.loads(message.value()))
        consumer.close()

    def add(self, topic, partition, offset, headers, record):
        history = self.history
        if topic == "dead_letters":
            history.dead_letters += 1
            return
        if topic == "alerts":
            if "client_order_id" in record:
                history.alerted.add(record["client_order_id"])
            return
        if record.get("type") == "epoch":
            epoch = record["epoch"] if record["epoch"] >= 0 else offset
            self.epochs[topic, partition] = max(epoch, self.epochs.get((topic, partition), -1))
            return
        if "epoch" in headers and int(headers["epoch"]) < self.epochs.get((topic, partition), -1):
            history.fenced += 1
            return
        if "client_order_id" not in record:
            return
        key = (record["account"], record["client_order_id"])
        if topic == "orders":
            history.submitted[key] += 1
        elif topic == "executions":
            self.add_execution(key, record)
        else:
            history.decisions.setdefault(key, []).append(decision(topic, record))

    def add_execution(self, key, record):
        if record["type"] == "plan":
            for child in record["children"]:
                self.history.children[child["venue_client_id"]] = key
        elif record["type"] in ("order", "fill"):
            self.history.ends[key] = End(record["status"], record["provenance"], D(record["cumulative_quantity"]))
            if record["type"] == "fill":
                self.history.fills[record["account"], record["venue_order_id"], record["fill"]["trade_id"]] += 1


def decision(topic, record):
    send = record.get("send", {})
    return Decision(
        topic, record.get("code"), record.get("duplicate", False), record["decided_at"], record.get("action"),
        D(send["quantity"]) if "quantity" in send else None, D(send["price"]) if "price" in send else None)


def add_venue(history, venue):
    history.venue_orders = venue.whole("orders")
    history.venue_fills = venue.whole("fills")
    history.venue_balances = {
        (b["account"], b["asset"]): (D(b["free"]), D(b["locked"])) for b in venue.get("/truth/balances")}


def add_database(history, query):
    history.rows = {(a, i): (s, f) for a, i, s, f in query("SELECT account, client_order_id, status, filled_quantity FROM orders")}
    history.row_fills = set(query("SELECT account, venue_order_id, trade_id, price, quantity, fee FROM fills"))
    history.row_balances = {(a, c): (f, l) for a, c, f, l in query("SELECT account, asset, free, locked FROM balances")}
    history.discrepancies = query(
        "SELECT account, code, subject, ours, venues FROM discrepancies WHERE resolved_at IS NULL ORDER BY id")


def add_redis(history, redis, accounts):
    for account in accounts:
        position = json.loads(redis.get(f"position:{account}:BTC-USDT") or "{}")
        if position:
            held = D(position["quantity"])
            # Realised less what a long position cost, plus what a short one brought, is the money that moved.
            history.positions[account] = (held, D(position["realised"]) - D(position["cost"]).copy_sign(held))
        history.open_orders[account] = redis.smembers(f"orders:open:{account}")
    sample = list(history.ends)[-2000:]
    if not sample:
        return
    for key, text in zip(sample, redis.mget([f"order:{account}:{identifier}" for account, identifier in sample])):
        if text is not None:
            history.shown[key] = json.loads(text)["status"]
