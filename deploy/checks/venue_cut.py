#!/usr/bin/env python3
"""One of two venues is cut: its streams fall silent, its REST fails, it wants silence. Orders for the best price, which all go there while
it is well, go to the other venue within a second of the moment at which its book is invalid or its circuit open; when it returns they go
there again, after its book was whole. Whatever happened, an order's executions are its children's and the venues' own."""
import collections
import decimal
import itertools
import json
import sys
import threading
import time

from stack import WIDE, Log, Stack, expect, wait_until

CUT, OTHER = "bybit", "binance"
SYMBOL = "BTC-USDT"
# The silence limits of this run, in seconds: how old a book may be for routing, and when its stream counts as dead.
STALE, SILENT = 2, 8
EVERY = 0.1


class Books(Log):
    TOPICS = [f"l2_order_books.{CUT}.btc_usdt"]

    def states(self):
        """(milliseconds, is valid, is a whole book) of every record."""
        with self.lock:
            return [(r["_time"], r["valid"], r["type"] == "snapshot") for r in self.records[self.TOPICS[0]]]

    def invalid_since(self, begun):
        return next((at for at, valid, _ in self.states() if at >= begun and not valid), None)

    def whole_since(self, begun):
        return next((at for at, valid, whole in self.states() if at > begun and valid and whole), None)


class Orders(threading.Thread):
    """Small buys for the best price, all the time."""

    def __init__(self, stack):
        super().__init__(daemon=True)
        self.stack, self.stopped, self.count = stack, False, 0

    def run(self):
        for number in itertools.count():
            if self.stopped:
                return
            self.stack.send({"side": "buy", "quantity": "0.001", "client_order_id": f"best-{number}"})
            self.count = number + 1
            time.sleep(EVERY)


def now():
    return int(time.time() * 1000)


def plans(stack):
    """(milliseconds, venues) of every plan."""
    return [(r["_time"], {c["venue"] for c in r["children"]}) for r in stack.log.find("executions", type="plan")]


def planned(stack, begun, end=None):
    return [venues for at, venues in plans(stack) if begun <= at and (end is None or at < end)]


def traffic(stack):
    return json.loads(stack.redis.get(f"venue:{CUT}:ordermanager-0") or "{}")


def returns(stack, name):
    """Waits until orders go to the venue again; gives the moment of the first."""
    begun = now()
    wait_until(lambda: any(CUT in venues for venues in planned(stack, begun)), 40, f"orders at {CUT} again {name}")
    return next(at for at, venues in plans(stack) if at >= begun and CUT in venues)


def avoids(stack, since, until, name):
    """Every plan from a second after `since` goes to the other venue, and there are some."""
    later = planned(stack, since + 1000, until)
    expect(later, f"no order was routed after {name}")
    expect(all(venues == {OTHER} for venues in later), f"an order went to {CUT} more than a second after {name}")
    last = max((at for at, venues in plans(stack) if at < until and at >= since and CUT in venues), default=since)
    print(f"  {name}: the last order went to {CUT} {last - since} ms after it, {len(later)} to {OTHER} later than a second")


def silent_stream(stack, books):
    stack.fault(venue=CUT, fault="silence_websocket", match="/v5/public/spot", milliseconds=1000 * (SILENT + 4))
    begun = now()  # It is silent from here on at the latest.
    invalid = wait_until(lambda: books.invalid_since(begun), SILENT + 5, "an invalid book")
    whole = wait_until(lambda: books.whole_since(invalid), 20, "a whole book")
    print(f"  silent stream: the book was invalid after {invalid - begun} ms, and whole again {whole - invalid} ms later, on a new stream")
    avoids(stack, begun + 1000 * STALE, whole, "the age at which a book is not used")
    expect(not any(CUT in venues for venues in planned(stack, invalid + 100, whole)), "an order went to a book that was not whole again")
    returns(stack, "after its silence")


def failing_rest(stack, _):
    begun = now()
    stack.fault(venue=CUT, fault="refuse_request", match="*", status=503, body="", count=1_000_000)
    opened = wait_until(lambda: now() if traffic(stack).get("circuit") in ("open", "half_open") else None, 10, "an open circuit")
    print(f"  REST out of order: the circuit was seen open after {opened - begun} ms")
    half_open = wait_until(lambda: traffic(stack).get("openings", 0) > 1, 20, "a probe that failed") and now()
    wait_until(lambda: len(planned(stack, opened + 1000)) >= 5, 10, "orders routed later than a second after the circuit's opening")
    avoids(stack, opened, now(), "the circuit's opening")
    stack.faults("DELETE", venue=CUT)
    closed = wait_until(lambda: now() if traffic(stack).get("circuit") == "closed" else None, 40, "a closed circuit")
    print(f"  REST back: probed within {half_open - opened} ms, closed {closed - half_open} ms later")
    returns(stack, "after its REST was back")


def silence(stack):
    """(from when, until when) it is certain that the venue wants silence. Redis says how much was left when it was written, which was
    after the last look that did not show it."""
    looked = now()

    def seen():
        nonlocal looked
        before, view = now(), traffic(stack)
        if view.get("silence_ms", 0) > 0:
            return now(), looked + view["silence_ms"] - 100
        looked = before
        return None

    stack.fault(venue=CUT, fault="refuse_request", match="POST /v5/order/create", status=429, body="", count=1)
    return wait_until(seen, 10, "a wish for silence")


def wanting_silence(stack, _):
    # Whoever looks too seldom to be certain of any of it looks at another one.
    for _ in range(5):
        begun, end = silence(stack)
        returns(stack, "after its silence")
        meanwhile = planned(stack, begun, end)
        expect(all(venues == {OTHER} for venues in meanwhile), f"an order went to {CUT}, which wanted silence")
        if meanwhile:
            print(f"  silence wanted: {len(meanwhile)} orders to {OTHER} in {end - begun} ms, none to {CUT}")
            return
    raise AssertionError("no order was routed during the silence")


def audit(stack, count):
    """Every order has ended; what it filled is what its children filled, and what the venues say."""
    filled = collections.Counter()
    for number in range(count):
        end = stack.ended(f"best-{number}", seconds=60)
        events = stack.log.find("executions", client_order_id=f"best-{number}")
        fills = {(e["venue"], e["fill"]["trade_id"]): decimal.Decimal(str(e["fill"]["quantity"])) for e in events if "fill" in e}
        total = sum(fills.values(), decimal.Decimal(0))
        expect(total == decimal.Decimal(str(end["cumulative_quantity"])), f"best-{number}: {total} is not what it counts")
        expect(total <= decimal.Decimal("0.001"), f"best-{number} bought {total}")
        for (venue, _), quantity in fills.items():
            filled[venue] += quantity
    for venue in (OTHER, CUT):
        truth = sum((decimal.Decimal(f["quantity"]) for f in stack.truth("fills", venue)), decimal.Decimal(0))
        expect(truth == filled[venue], f"{venue} counts {truth}, the log {filled[venue]}")
        print(f"  {venue}: {truth} BTC in the log and at the venue")


def main():
    settings = {
        "APUS_SIM_BYBIT": "yes", "APUS_VENUES": f"{OTHER},{CUT}", "APUS_FEED_SILENCE_MS": str(1000 * SILENT),
        # So much dearer that the other venue gets orders only when there is a reason.
        f"APUS_{OTHER.upper()}_TAKER_FEE_BPS": "300", f"APUS_{CUT.upper()}_TAKER_FEE_BPS": "0", "SIM_ORDER_LIMIT_10S": "1000000", "SIM_ORDER_LIMIT_1D": "1000000",
    }
    with Stack(**settings) as stack:
        stack.set_limits(**WIDE)
        wait_until(lambda: stack.top(CUT).get("valid") and stack.top(OTHER).get("valid"), 30, "both books")
        books, orders = Books(stack.bootstrap), Orders(stack)
        orders.start()
        returns(stack, "at the start")
        for cut in (silent_stream, failing_rest, wanting_silence):
            cut(stack, books)
        orders.stopped = True
        orders.join(5)
        books.close()
        stack.flush()
        audit(stack, orders.count)
    print("venue cut: orders went where they could")


if __name__ == "__main__":
    sys.exit(main())
