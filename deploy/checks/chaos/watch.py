"""What is measured while the experiment runs: decisions as they appear on the log, orders as they reach the venue, PostgreSQL's lag."""
import http.client
import itertools
import json
import threading
import time
import urllib.parse

import psycopg2
from confluent_kafka import Consumer, TopicPartition

from stack import ENDED

from .flow import ACCOUNTS

GIVE_UP_SECONDS = 60


class Watch(threading.Thread):
    """Follows the decisions: when each partition last decided, and who owns it."""

    TOPICS = ["orders.approved", "orders.rejected", "executions"]

    def __init__(self, stack):
        super().__init__(daemon=True)
        self.consumer = Consumer({
            "bootstrap.servers": stack.bootstrap, "group.id": "chaos-watch", "enable.auto.commit": False, "fetch.wait.max.ms": 20,
            "queued.max.messages.kbytes": 4096,
            "auto.offset.reset": "earliest", "reconnect.backoff.max.ms": 500, "log_level": 0})
        metadata = self.consumer.list_topics(timeout=10).topics
        self.consumer.assign([TopicPartition(t, p, 0) for t in self.TOPICS for p in metadata[t].partitions])
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        self.decided = {}  # partition: its last few thousand decisions: when, and when the broker had the request, in seconds
        self.owners = {}  # (topic, partition): who marked it last
        self.partition_of = {}  # account: its partition
        self.approved = self.rejected = 0

    def run(self):
        while not self.stopped.is_set():
            for message in self.consumer.consume(1000, 0.02):
                if message.error() is None and message.value() is not None:
                    self.take(message)
        self.consumer.close()

    def take(self, message):
        topic, partition = message.topic(), message.partition()
        if topic == "executions":
            if b'"type":"epoch"' in message.value()[:40]:
                self.owners[topic, partition] = json.loads(message.value())["owner"].split("/")[-1]
            return
        record = json.loads(message.value())
        if record.get("type") == "epoch":
            self.owners[topic, partition] = record["owner"]
            return
        if topic == "orders.approved":
            self.approved += record["action"] == "new"
        else:
            self.rejected += 1
        with self.lock:
            self.partition_of[record["account"]] = partition
            times = self.decided.setdefault(partition, [])
            times.append((record["decided_at"] / 1e9, record["source"]["timestamp"] / 1e9))
            if len(times) > 4000:
                del times[:2000]

    def partitions_of(self, topic, instance):
        return {p for (t, p), owner in list(self.owners.items()) if t == topic and owner == instance}

    def accounts_on(self, partitions):
        return [a for a, p in list(self.partition_of.items()) if p in partitions]

    def decisions_after(self, moment, partitions, arrived=False):
        """The first decision after the moment on each of the partitions, if need be on a request that `arrived` after it; waits for
        all of them, gives None for one that never came."""

        def first():
            with self.lock:
                return {p: next((t for t, at in self.decided.get(p, []) if (at if arrived else t) > moment), None) for p in partitions}

        end = time.monotonic() + GIVE_UP_SECONDS
        while (found := first()) and None in found.values() and time.monotonic() < end:
            time.sleep(0.01)
        return found


class Venue:
    """The simulator's own account of things, read in parts."""

    def __init__(self, stack):
        url = urllib.parse.urlparse(stack.variables["SIM_FAULT_URL"])
        self.address = (url.hostname, url.port)
        self.connection = None
        self.known = dict.fromkeys(ACCOUNTS, 0)  # orders of each account that were seen
        self.fills_known = dict.fromkeys(ACCOUNTS, 0)

    def get(self, path):
        for attempt in range(3):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection(*self.address, timeout=60)
                self.connection.request("GET", path)
                return json.loads(self.connection.getresponse().read())
            except (OSError, http.client.HTTPException):
                self.connection = None
                if attempt == 2:
                    raise

    def page(self, what, account, start):
        return self.get(f"/truth/{what}?account={account}&from={start}&limit=20000")

    def whole(self, what):
        facts = []
        for account in ACCOUNTS:
            start = 0
            while part := self.page(what, account, start):
                facts += part
                start += len(part)
        return facts

    def mark(self):
        """How many orders and fills of each account there are now."""
        for account in ACCOUNTS:
            self.known[account] += len(self.page("orders", account, self.known[account]))
            self.fills_known[account] += len(self.page("fills", account, self.fills_known[account]))
        return dict(self.known), dict(self.fills_known)

    def first_order_after(self, moment, accounts, mark):
        """When the first order after the moment reached the venue, for each of the accounts."""
        found = dict.fromkeys(accounts)
        end = time.monotonic() + GIVE_UP_SECONDS
        while None in found.values() and time.monotonic() < end:
            for account in (a for a in accounts if found[a] is None):
                times = [int(o["created"]) / 1e9 for o in self.page("orders", account, mark[0][account])]
                found[account] = min((t for t in times if t > moment), default=None)
            time.sleep(0.1)
        return found


class Convergence:
    """Waits until PostgreSQL holds everything that the venue held a moment ago."""

    def __init__(self, stack, venue):
        self.stack = stack
        self.venue = venue
        self.connection = None

    def query(self, sql, *parameters):
        try:
            if self.connection is None:
                self.connection = psycopg2.connect(self.stack.variables["DATABASE_URL"], connect_timeout=2)
                self.connection.autocommit = True
            with self.connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall()
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            self.connection = None
            return None  # It may be on its way up again.

    def wait(self, mark):
        """Every order and fill that the venue has now and did not have at the mark. False when that was too long in coming."""
        orders = {o["client_order_id"]: o for a in ACCOUNTS for o in self.venue.page("orders", a, mark[0][a])}
        fills = {(f["account"], str(f["order_id"]), str(f["trade_id"])) for a in ACCOUNTS for f in self.venue.page("fills", a, mark[1][a])}
        end = time.monotonic() + GIVE_UP_SECONDS
        while orders or fills:
            before = len(orders) + len(fills)
            # Few at a time: asking must not be what PostgreSQL is busy with.
            for identifier, status, filled in self.query(
                    "SELECT venue_client_id, status, filled_quantity FROM child_orders WHERE venue_client_id = ANY(%s)",
                    list(orders)[:100]) or []:
                if covers(status, filled, orders[identifier]):
                    del orders[identifier]
            trades = [t for _, _, t in itertools.islice(fills, 100)]
            fills -= set(self.query("SELECT account, venue_order_id, trade_id FROM fills WHERE trade_id = ANY(%s)", trades) or [])
            if time.monotonic() > end:
                return False
            if len(orders) + len(fills) == before:
                time.sleep(0.1)
        return True


def covers(status, filled, order):
    """What is recorded is not behind what the venue said."""
    return filled >= float(order["executed"]) - 1e-12 and (order["status"] in ("new", "open", "partiallyFilled") or status in ENDED)
