#!/usr/bin/env python3
"""The native stack at length: millions of book updates and a hundred thousand orders, while memory, descriptors, lag and disk are watched.

    soak.py [--updates 10000000] [--orders 100000] [--rate 300] [--minutes 90] [--record FILE]

An update is one price level in one diff on a book topic, counted by this program as a reader of the topics; a diff is one record of
them. An order is one `new` order of this program; cancels come on top. The market is the simulator's, moving some hundred times as
fast as usual, so that as many updates as two cores take come in minutes.

Asserted at the end: every order ended, PostgreSQL equals the venue to the last digit, the books of the topics, of Redis and of the
simulator are the same, and nothing grew without bound (see `GROWTH`). Of fewer than 60,000 orders memory is only printed: tables that
are bounded by number (10,000 orders of an account) are then still being filled.
"""
import argparse
import decimal
import json
import pathlib
import sys
import time
import urllib.request

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, OffsetSpec, ResourceType

from end_to_end import compare_with_venue
from load import ACCOUNTS, SYMBOLS, Books, Orders
from measure import Sampler, directory_bytes, theil_sen
from stack import ENDED, Failure, Stack, expect, wait_until

D = decimal.Decimal
BOOK_BYTES, SEGMENT_BYTES = 64 << 20, 8 << 20
SETTINGS = {
    "APUS_SYMBOLS": ",".join(SYMBOLS), "SIM_STEP_MS": "2", "SIM_DEPTH_INTERVAL_MS": "2", "SIM_REQUOTES": "24", "SIM_ACK_DELAY_MS": "1-10",
    "SIM_WEIGHT_LIMIT": "1000000000", "SIM_ORDER_LIMIT_10S": "1000000000", "SIM_ORDER_LIMIT_1D": "1000000000",
    "SIM_BALANCES": "USDT=100000000,BTC=5000,ETH=50000",
    # The market is stood still at the end for longer than a feed may usually be silent.
    "APUS_FEED_SILENCE_MS": "120000",
}
MIB = 1 << 20
# The first part of the run, in which caches, pools and tables of a bounded number of entries are filled.
WARM_UP = 0.4
# What a program may grow by after the warm-up, by the Theil–Sen slope over the rest of the run: fixed bytes for the allocator, and bytes
# for each order where something is kept for each order, which then has a bound of its own.
GROWTH = {
    "ingestor-0": (1 * MIB, 0, "nothing is kept"),
    "riskgate-0": (2 * MIB, 0, "10,000 ids and 1,000 ended orders of an account"),
    "ordermanager-0": (2 * MIB, 0, "10,000 ended orders of a partition"),
    "reconciler-0": (2 * MIB, 0, "nothing is kept"),
    "strategy-0": (1 * MIB, 0, "nothing is kept"),
    "kafka": (2 * MIB, 100, "24 bytes of index for 8 KiB of log on disk"),
    "simulator": (2 * MIB, 1_000, "the truth: 200,000 orders and fills of an account"),
    "redis": (4 * MIB, 1_500, "an ended order for an hour"),
}
DESCRIPTORS, LAG, FINAL_LAG = 16, 20_000, 200
ASSERTED_FROM = 60_000


class Watch:
    """What is looked at every few seconds besides memory: lag, counts, disk."""

    GROUPS = {"riskgate": "orders", "ordermanager": "orders.approved", "reconciler": "executions"}

    def __init__(self, stack, books, orders):
        self.stack, self.books, self.orders = stack, books, orders
        self.admin = AdminClient({"bootstrap.servers": stack.bootstrap, "log_level": 0})
        self.data = stack.run_dir.parent / "data"

    def lags(self):
        lags = {}
        for group, topic in self.GROUPS.items():
            committed = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(10).topic_partitions
            places = [p for p in committed if p.topic == topic and p.offset >= 0]
            ends = self.admin.list_offsets({TopicPartition(p.topic, p.partition): OffsetSpec.latest() for p in places})
            found = {(p.topic, p.partition): f.result(10).offset for p, f in ends.items()}
            lags[group] = sum(max(0, found[(p.topic, p.partition)] - p.offset) for p in places)
        return lags

    def disk(self):
        topics = self.data / "kafka" / "topics"
        return {"books": {t: directory_bytes(topics / t) for t in self.books.topics}, "kafka": directory_bytes(self.data / "kafka"),
                "postgres": directory_bytes(self.data / "postgres")}

    def __call__(self):
        return {"levels": self.books.levels, "diffs": self.books.diffs, "orders": self.orders.sent, "lags": self.lags(),
                "disk": self.disk()}


def metrics(stack, program):
    port = (stack.run_dir / f"{program}.port").read_text().strip()
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in text.splitlines() if line[:1] != "#")}


def bound_the_book_topics(stack, books):
    """Their hour would be gigabytes at this speed: size retention bounds them instead."""
    admin = AdminClient({"bootstrap.servers": stack.bootstrap, "log_level": 0})
    entries = [ConfigEntry(n, str(v), incremental_operation=AlterConfigOpType.SET)
               for n, v in (("retention.bytes", BOOK_BYTES), ("segment.bytes", SEGMENT_BYTES))]
    resources = [ConfigResource(ResourceType.TOPIC, t, incremental_configs=entries) for t in books.topics]
    for future in admin.incremental_alter_configs(resources).values():
        future.result(10)


def drive(stack, books, orders, sampler, wanted, minutes):
    """Until there were as many updates and orders as wanted."""
    limit, line = time.monotonic() + 60 * minutes, time.monotonic()
    while books.levels < wanted or orders.is_alive():
        for part in (books, orders, sampler):
            if part.failure:
                raise part.failure
        if time.monotonic() > limit:
            raise Failure(f"{books.levels} updates and {orders.sent} orders, {len(orders.pending)} of them open, after {minutes} minutes")
        if time.monotonic() - line >= 30:
            line = time.monotonic()
            resident = " ".join(f"{name} {samples[-1].memory / MIB:.1f}" for name, samples in sampler.samples.items())
            lags = sampler.moments[-1][1]["lags"] if sampler.moments else {}
            print(f"  {books.levels:,} updates in {books.diffs:,} diffs, {orders.sent:,} orders, {len(orders.pending)} open, lag {lags}, "
                  f"MiB: {resident}", flush=True)
        time.sleep(0.2)


# --- what must hold at the end ---------------------------------------------------------------------------------------------------------


def books_are_equal(stack, books):
    """The books of a market that stands still: the topic's next snapshot, the reader's, Redis' and the simulator's."""
    stack.fault(fault="still_market", milliseconds=60_000)
    for symbol in SYMBOLS:
        venue_symbol = symbol.replace("-", "")

        def difference():
            with urllib.request.urlopen(f"{stack.variables['SIM_BINANCE_REST_URL']}/api/v3/depth?symbol={venue_symbol}&limit=5000",
                                        timeout=10) as reply:
                venue = json.load(reply)
            snapshot = books.last_snapshot.get(symbol, {})
            if snapshot.get("u") != venue["lastUpdateId"]:
                return f"the last snapshot is at {snapshot.get('u')}, the venue at {venue['lastUpdateId']}"
            redis_book = json.loads(stack.redis.get(f"book:binance:{symbol}") or "{}")
            for side in ("bids", "asks"):
                sign = -1 if side == "bids" else 1
                expected = [(D(p), D(q)) for p, q in venue[side]]
                if [(D(p), D(q)) for p, q in snapshot[side]] != expected:
                    return f"the snapshot's {side} differ from the venue's"
                folded = sorted(((D(p), D(q)) for p, q in books.books[symbol][side].items()), key=lambda level: sign * level[0])
                if folded != expected:
                    return f"the {side} made of snapshot and diffs differ from the venue's"
                shown = [(D(p), D(q)) for p, q in redis_book.get(side, [])]
                if not shown or shown != expected[:len(shown)]:
                    return f"Redis' {side} differ from the venue's"
            return None

        last = [None]

        def equal():
            last[0] = difference()
            return last[0] is None

        try:
            wait_until(equal, 40, "")
        except Failure:
            raise Failure(f"{symbol}: {last[0]}") from None
        print(f"  {symbol}: the topic's snapshot, its diffs, Redis and the simulator have the same book of "
              f"{sum(len(side) for side in books.books[symbol].values())} levels")


def orders_are_settled(stack, orders):
    expect(sum(orders.ends.values()) + sum(orders.refusals.values()) == orders.count, f"{orders.ends}, {orders.refusals}")
    wait_until(lambda: stack.query("SELECT count(*) FROM orders WHERE client_order_id LIKE 'soak-%%'")[0][0] == orders.count, 60,
               "every order in PostgreSQL")
    left = stack.query("SELECT client_order_id, status FROM orders WHERE client_order_id LIKE 'soak-%%' AND NOT status = ANY(%s) LIMIT 3",
                       sorted(ENDED))
    expect(not left, f"PostgreSQL has orders that did not end: {left}")
    compare_with_venue(stack)
    for account in ACCOUNTS:
        expect(not stack.redis.smembers(f"orders:open:{account}"), f"Redis shows open orders of {account}")
    print(f"  {orders.count:,} orders ended: {dict(orders.ends)}, refused by risk: {dict(orders.refusals)}, {orders.cancels:,} cancels")


def redis_forgets(stack):
    """Every key has an expiry."""
    pipeline, checked = stack.redis.pipeline(transaction=False), 0
    keys = list(stack.redis.scan_iter(count=5_000))
    for start in range(0, len(keys), 5_000):
        for key in keys[start:start + 5_000]:
            pipeline.ttl(key)
        times = pipeline.execute()
        checked += len(times)
        # -2: it has expired meanwhile.
        expect(all(t > 0 or t == -2 or t == 0 for t in times), "a key of Redis stays for ever")
    print(f"  Redis: {checked:,} keys, each with an expiry of at most {max(stack.redis.ttl(k) for k in keys[:2_000])} s")


def nothing_grew(sampler, asserts):
    """Prints the slope of each program's memory after the warm-up, and refuses what exceeds its allowance."""
    begin, end = sampler.moments[0][0], sampler.moments[-1][0]
    settled = begin + WARM_UP * (end - begin)
    moments = [(at, moment) for at, moment in sampler.moments if at >= settled]
    seconds = moments[-1][0] - moments[0][0]
    updates, orders = (moments[-1][1][what] - moments[0][1][what] for what in ("levels", "orders"))
    print(f"  memory after the first {WARM_UP:.0%}: {seconds / 60:.1f} minutes, {updates:,} updates, {orders:,} orders; RSS, of several "
          "processes PSS; slope by Theil–Sen")
    complaints = []
    for name, samples in sampler.samples.items():
        after = [s for s in samples if s.time >= settled]
        slope = theil_sen([(s.time, s.memory) for s in after])
        grown = slope * seconds
        fixed, each, why = GROWTH.get(name, (None, 0, "not asserted: its caches fill, its tables may grow"))
        allowed = None if fixed is None else fixed + each * orders
        share = (samples[-1].seconds - samples[0].seconds) / (end - begin)
        print(f"    {name:15}{samples[0].memory / MIB:6.1f} MiB at first, {after[0].memory / MIB:6.1f} to {after[-1].memory / MIB:6.1f}; "
              f"{slope * 3600 / MIB:+7.2f} MiB/h = {grown / max(1, updates):+.3f} B/update = {grown / max(1, orders):+.0f} B/order; "
              f"grew {grown / MIB:+.2f} MiB" + (f" of {allowed / MIB:.1f}" if allowed else "") + f" ({why}); "
              f"{min(s.descriptors for s in after)} to {max(s.descriptors for s in after)} descriptors; {share:.0%} of a core")
        if len({s.pid for s in samples}) > 1:
            complaints.append(f"{name} was started again")
        if asserts and allowed is not None and grown > allowed:
            complaints.append(f"{name} grew by {grown / MIB:.1f} MiB, {allowed / MIB:.1f} are allowed")
        if name != "postgres" and max(s.descriptors for s in after) > after[0].descriptors + DESCRIPTORS:
            complaints.append(f"{name} has {max(s.descriptors for s in after)} descriptors open, {after[0].descriptors} after the warm-up")
    if not asserts:
        print("    (growth is printed, not asserted: a longer run is needed)")
    return complaints


def lag_and_disk(sampler, watch):
    complaints = []
    for group in Watch.GROUPS:
        lags = [moment["lags"][group] for _, moment in sampler.moments]
        final = wait_for_lag(watch, group)
        print(f"  lag of {group}: at most {max(lags):,} records, {final} at the end")
        if max(lags) > LAG or final > FINAL_LAG:
            complaints.append(f"{group} was up to {max(lags)} records behind, {final} at the end")
    disk = [moment["disk"] for _, moment in sampler.moments]
    for topic in disk[0]["books"]:
        largest = max(d["books"][topic] for d in disk)
        print(f"  {topic}: at most {largest / MIB:.0f} MiB on disk, {BOOK_BYTES / MIB:.0f} are kept in segments of "
              f"{SEGMENT_BYTES / MIB:.0f}")
        # What the next round of retention will delete, besides the segment that is being written.
        if largest > BOOK_BYTES + 8 * SEGMENT_BYTES:
            complaints.append(f"{topic} took {largest / MIB:.0f} MiB")
    print(f"  disk: Kafka {disk[-1]['kafka'] / MIB:.0f} MiB, PostgreSQL {disk[-1]['postgres'] / MIB:.0f} MiB")
    return complaints


def wait_for_lag(watch, group):
    for _ in range(50):
        lag = watch.lags()[group]
        if lag <= FINAL_LAG:
            break
        time.sleep(0.2)
    return lag


def feed_report(stack, books):
    ages = sorted(books.ages)
    if ages:
        print(f"  a diff's age at its reader: p50 {ages[len(ages) // 2]:.1f} ms, p99 {ages[len(ages) * 99 // 100]:.1f} ms")
    values = metrics(stack, "ingestor-0")

    def total(name):
        return int(sum(v for n, v in values.items() if n.startswith(name)))

    print(f"  Ingestor: {total('apus_feed_gaps')} gaps, {total('apus_feed_resyncs')} resyncs, {total('apus_feed_connections')} streams, "
          f"{total('apus_records_lost_total')} records lost; "
          f"{books.breaks} records of an invalid book")


def soak(arguments):
    with Stack(watch=False, **SETTINGS) as stack:
        for account in ACCOUNTS:
            stack.set_limits(account, max_orders_per_second=100000, max_order_notional=10**6, max_position__BTC=10**6,
                             max_position__ETH=10**6, max_daily_loss=10**9)
        books = Books(stack.bootstrap)
        bound_the_book_topics(stack, books)
        books.start()
        wait_until(lambda: len(books.tops) == len(SYMBOLS), 20, "books on both topics")
        orders = Orders(stack, books, arguments.orders, arguments.rate, arguments.updates)
        watch = Watch(stack, books, orders)
        programs = sorted(p.stem for p in stack.run_dir.glob("*.child"))
        sampler = Sampler(lambda: {p: stack.pid(p) for p in programs}, 5, watch)
        started = time.monotonic()
        orders.start()
        sampler.start()
        try:
            drive(stack, books, orders, sampler, arguments.updates, arguments.minutes)
            seconds = time.monotonic() - started
            sampler.stop()
        finally:
            if arguments.record:
                record(sampler, arguments.record)
        print(f"  {books.levels:,} level updates in {books.diffs:,} diffs and {books.snapshots:,} snapshots ({books.bytes / MIB:.0f} MiB), "
              f"{orders.sent:,} orders in {seconds:.0f} s: {books.levels / seconds:,.0f} updates, {books.diffs / seconds:,.0f} diffs and "
              f"{orders.sent / seconds:.0f} orders a second", flush=True)
        orders_are_settled(stack, orders)
        books_are_equal(stack, books)
        redis_forgets(stack)
        feed_report(stack, books)
        complaints = nothing_grew(sampler, arguments.orders >= ASSERTED_FROM) + lag_and_disk(sampler, watch)
        expect(stack.healthy(), "every program is up")
        books.stopping.set()
        expect(not complaints, "; ".join(complaints))


def record(sampler, path):
    rows = {n: [[s.time, s.rss, s.pss, s.descriptors, s.seconds] for s in samples] for n, samples in sampler.samples.items()}
    pathlib.Path(path).write_text(json.dumps({"programs": rows, "moments": sampler.moments}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=10_000_000)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=300, help="orders a second, at most")
    parser.add_argument("--minutes", type=float, default=90, help="longer is a failure")
    parser.add_argument("--record", help="file for all samples, as JSON")
    arguments = parser.parse_args()
    try:
        soak(arguments)
    except Failure as failure:
        print(f"FAIL {failure}")
        sys.exit(1)
    print("PASS")


if __name__ == "__main__":
    main()
