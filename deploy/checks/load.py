"""Those who load a stack: a reader of the book topics that counts and keeps the books, and a client who sends orders of every kind."""
import collections
import decimal
import json
import random
import threading
import time

from confluent_kafka import Consumer, TopicPartition

from stack import ENDED, Failure, expect

D = decimal.Decimal
SYMBOLS = ["BTC-USDT", "ETH-USDT"]
ACCOUNTS = ["main", "desk"]


class Books(threading.Thread):
    """A reader of the book topics: counts what comes and keeps the books."""

    def __init__(self, bootstrap):
        super().__init__(daemon=True)
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "soak-books", "enable.auto.commit": False,
                                  "auto.offset.reset": "error", "fetch.wait.max.ms": 50, "log_level": 0})
        topics = {f"l2_order_books.binance.{s.lower().replace('-', '_')}": s for s in SYMBOLS}
        self.topics = list(topics)
        self.symbols = topics
        places = [TopicPartition(t, 0, self.consumer.get_watermark_offsets(TopicPartition(t, 0), 10)[1]) for t in topics]
        self.next_offset = {p.topic: p.offset for p in places}
        self.consumer.assign(places)
        self.levels, self.diffs, self.snapshots, self.bytes, self.breaks = 0, 0, 0, 0, 0
        self.books, self.tops, self.last_snapshot = {}, {}, {}
        self.ages = collections.deque(maxlen=20_000)
        self.stopping, self.failure = threading.Event(), None

    def run(self):
        try:
            while not self.stopping.is_set():
                for message in self.consumer.consume(500, 0.02):
                    expect(message.error() is None, f"reading a book: {message.error()}")
                    self.take(message)
        except Exception as failure:
            self.failure = failure

    def take(self, message):
        if message.offset() != self.next_offset[message.topic()]:
            raise Failure(f"{message.topic()}: {message.offset() - self.next_offset[message.topic()]} records expired unread")
        self.next_offset[message.topic()] = message.offset() + 1
        self.bytes += len(message.value())
        record, symbol = json.loads(message.value()), self.symbols[message.topic()]
        self.tops[symbol] = record
        if not record["valid"]:
            self.breaks += 1
            self.books.pop(symbol, None)
        elif record["type"] == "snapshot":
            if record["chunk"] == 0:
                self.books[symbol] = {"bids": {}, "asks": {}}
                self.last_snapshot[symbol] = {"u": record["u"], "bids": [], "asks": []}
                self.snapshots += 1
            for side in ("bids", "asks"):
                self.books[symbol][side].update(record[side])
                self.last_snapshot[symbol][side] += record[side]
        elif record["type"] == "diff":
            self.diffs += 1
            self.levels += len(record["bids"]) + len(record["asks"])
            if self.diffs % 50 == 0:
                self.ages.append(time.time() * 1e3 - record["time"] / 1e6 if isinstance(record["time"], int) else 0.0)
            if symbol in self.books:
                for side in ("bids", "asks"):
                    book = self.books[symbol][side]
                    for price, quantity in record[side]:
                        if quantity == "0":
                            book.pop(price, None)
                        else:
                            book[price] = quantity

    def price(self, symbol, side):
        return D(self.tops[symbol][side][0])


class Orders(threading.Thread):
    """A client who sends orders of every kind, never more than `IN_FLIGHT` without an end, and follows each to its end. They come as evenly
    as the updates: the part of the orders that is sent is the part of `updates` that was seen."""

    IN_FLIGHT = 400

    def __init__(self, stack, books, count, rate, updates):
        super().__init__(daemon=True)
        self.stack, self.books, self.count, self.rate, self.updates = stack, books, count, rate, updates
        self.generator = random.Random(1)
        self.sent, self.cancels, self.ends, self.refusals = 0, 0, collections.Counter(), collections.Counter()
        self.pending = {}
        self.consumer = Consumer({"bootstrap.servers": stack.bootstrap, "group.id": "soak-orders", "enable.auto.commit": False,
                                  "auto.offset.reset": "error", "fetch.wait.max.ms": 20, "log_level": 0})
        partitions = [TopicPartition(t, p) for t in ("executions", "orders.rejected")
                      for p in self.consumer.list_topics(t, timeout=10).topics[t].partitions]
        ends = [self.consumer.get_watermark_offsets(p, timeout=10)[1] for p in partitions]
        self.consumer.assign([TopicPartition(p.topic, p.partition, end) for p, end in zip(partitions, ends)])
        self.failure, self.stopping = None, threading.Event()

    def run(self):
        try:
            started, swept = time.monotonic(), time.monotonic()
            while not self.stopping.is_set() and (self.sent < self.count or self.pending):
                even = self.count * self.books.levels // self.updates + 1
                due = min(self.count, even, int((time.monotonic() - started) * self.rate))
                while self.sent < due and len(self.pending) < self.IN_FLIGHT:
                    self.send()
                for message in self.consumer.consume(500, 0.02):
                    if message.error() is None and message.value() is not None:
                        self.take(message.topic(), json.loads(message.value()))
                self.stack.producer.poll(0)
                if self.sent == self.count and time.monotonic() - swept > 5:
                    swept = time.monotonic()
                    for account in ACCOUNTS:
                        self.stack.send({"action": "cancel_all", "account": account})
        except Exception as failure:
            self.failure = failure

    def send(self):
        draw, choose = self.generator.random(), self.generator.choice
        identifier, symbol, side = f"soak-{self.sent}", choose(SYMBOLS), choose(["buy", "sell"])
        # About 27 to 270 dollars.
        quantity = D(self.generator.randint(10, 100)) * (D("0.0001") if symbol == "BTC-USDT" else D("0.0016"))
        order = {"client_order_id": identifier, "account": choose(ACCOUNTS), "symbol": symbol, "side": side, "quantity": str(quantity)}
        best, away = ("ask", D("0.98")) if side == "buy" else ("bid", D("1.02"))
        touch = self.books.price(symbol, best)
        kind = "taken"
        if draw < 0.40:
            pass
        elif draw < 0.60:
            order.update(price=str(touch), time_in_force="ioc")
        elif draw < 0.90:
            order.update(price=str((touch * away).quantize(D("0.01"))))
            kind = "rests"
        elif draw < 0.95:
            order.update(price=str(touch), post_only=True)
            kind = "rests"  # unless the venue refuses it, which takes
        else:
            order.update(quantity="100000")
        self.pending[identifier] = (order["account"], kind)
        self.stack.send(order)
        self.sent += 1

    def take(self, topic, record):
        identifier = record.get("client_order_id")
        if identifier not in self.pending:
            return
        account, kind = self.pending[identifier]
        if topic == "orders.rejected":
            self.refusals[record["code"]] += 1
            del self.pending[identifier]
        elif record.get("status") in ENDED:
            self.ends[record["status"]] += 1
            del self.pending[identifier]
        elif record.get("status") == "open" and kind == "rests":
            self.pending[identifier] = (account, "leaves")
            self.cancels += 1
            self.stack.send({"action": "cancel", "client_order_id": f"cancel-{identifier}", "target_client_order_id": identifier,
                             "account": account})
