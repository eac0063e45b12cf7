#!/usr/bin/env python3
"""The stack with two simulated venues, which follow one market and differ from it: what it shows of both is checked against the venues
themselves, and what goes wrong at the second one is set right.

    two_venues.py [CHECK...]     all checks, or those whose names contain one of the words
"""
import decimal
import hashlib
import hmac
import json
import sys
import time
import urllib.request

from confluent_kafka import Consumer, TopicPartition

from end_to_end import approved, compare_with_venue, new_id, rejected_with, run, schemas
from stack import ENDED, WIDE, Failure, Stack, expect, wait_until

D = decimal.Decimal
VENUES = ("binance", "bybit")
TICK = D("0.01")
CHECKS = []
CREATE = "POST /v5/order/create"
# Rate limits of the real venue would only make a short check longer.
MARKET = {
    "APUS_SIM_BYBIT": "yes", "APUS_RECONCILE_INTERVAL_MS": "500", "SIM_PRICE": "24900", "SIM_ACK_DELAY_MS": "5",
    "SIM_WEIGHT_LIMIT": "1000000000", "SIM_ORDER_LIMIT_1S": "1000000", "SIM_REQUEST_LIMIT_5S": "1000000",
}


def check(function):
    CHECKS.append(function)
    return function


def ask(stack, venue):
    return D(wait_until(lambda: stack.top(venue).get("ask"), 5, f"an ask of {venue} in Redis")[0])


def bid(stack, venue):
    return D(wait_until(lambda: stack.top(venue).get("bid"), 5, f"a bid of {venue} in Redis")[0])


def events(stack, order):
    return [e for e in stack.log.find("executions", client_order_id=order["client_order_id"]) if "status" in e]


def states(stack, order):
    return [e["status"] for e in events(stack, order)]


def await_state(stack, order, state):
    try:
        wait_until(lambda: states(stack, order)[-1:] == [state], 15, "")
    except Failure:
        raise Failure(f"{order['client_order_id']} is not {state}: {events(stack, order)}") from None


def ended(stack, order, state, venue):
    """The order's end at the venue, where there is exactly one of it, with each fill once."""
    event = stack.ended(order["client_order_id"])
    expect(event["status"] == state, f"{event['client_order_id']} ended {event['status']}, not {state}: {event.get('reason')}")
    expect(event["venue"] == venue, f"it ended at {event['venue']}, not {venue}")
    fills = [e["fill"] for e in events(stack, order) if e["type"] == "fill"]
    expect(sum(D(f["quantity"]) for f in fills) == D(event["cumulative_quantity"]), f"the fills are {fills}")
    there = [o for o in stack.truth("orders", venue) if o["client_order_id"] == event["venue_client_id"]]
    expect(len(there) == 1, f"{len(there)} orders under its id at {venue}")
    expect(D(there[0]["executed"]) == D(event["cumulative_quantity"]), "not what the venue has filled")
    elsewhere = [v for v in VENUES if v != venue for o in stack.truth("orders", v) if o["client_order_id"] == event["venue_client_id"]]
    expect(not elsewhere, f"the order is at {elsewhere}, too")
    return event


def resting(stack, venue, **fields):
    return approved(stack, {"side": "buy", "quantity": "0.05", "price": str((bid(stack, venue) - 300).quantize(TICK)), "venue": venue, **fields})


def sell_at_bybit(stack, order, account="desk"):
    """Somebody else takes an order of ours."""
    body = json.dumps({"category": "spot", "symbol": "BTCUSDT", "side": "Sell", "orderType": "Limit", "timeInForce": "IOC",
                       "qty": order["quantity"], "price": order["price"]})
    key, secret = (stack.variables[f"BYBIT_TESTNET_{name}_{account.upper()}"] for name in ("API_KEY", "SECRET_KEY"))
    now = str(int(time.time() * 1000))
    signature = hmac.new(secret.encode(), (now + key + "5000" + body).encode(), hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "X-BAPI-API-KEY": key, "X-BAPI-TIMESTAMP": now, "X-BAPI-RECV-WINDOW": "5000",
               "X-BAPI-SIGN": signature}
    request = urllib.request.Request(f"{stack.variables['SIM_BYBIT_REST_URL']}/v5/order/create", body.encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as reply:
        answer = json.load(reply)
    expect(answer["retCode"] == 0, f"the other side: {answer}")


DEPTH = {"binance": ("SIM_BINANCE_REST_URL", "/api/v3/depth?symbol=BTCUSDT&limit=50", lambda r: (r["bids"], r["asks"])),
         "bybit": ("SIM_BYBIT_REST_URL", "/v5/market/orderbook?category=spot&symbol=BTCUSDT&limit=50",
                   lambda r: (r["result"]["b"], r["result"]["a"]))}


def stands_still(stack, venue):
    """Nobody but us moves the market there; returns when Redis shows the book that stands."""
    base, path, sides = DEPTH[venue]
    stack.fault(venue, fault="still_market", milliseconds=30_000)

    def equal():
        with urllib.request.urlopen(stack.variables[base] + path, timeout=10) as reply:
            there = sides(json.load(reply))
        shown = json.loads(stack.redis.get(f"book:{venue}:BTC-USDT") or "{}")
        levels = [[(D(level[0]), D(level[1])) for level in side] for side in there]
        return shown.get("valid") and levels == [[(D(p), D(q)) for p, q in shown[side][:50]] for side in ("bids", "asks")]

    wait_until(equal, 5, f"book:{venue}:BTC-USDT is the venue's book")


def best_resting(stack):
    """An order at the top of Bybit's book, which whoever sells will meet first."""
    stands_still(stack, "bybit")
    wait_until(lambda: ask(stack, "bybit") - TICK > bid(stack, "bybit"), 5, "room inside the spread")
    order = resting(stack, "bybit", price=str(ask(stack, "bybit") - TICK))
    await_state(stack, order, "open")
    return order


def independent(function):
    """The check with nothing left over from another: no faults, markets that move, valid books."""

    def prepared(stack):
        for venue in VENUES:
            stack.faults("DELETE", venue)
            stack.fault(venue, fault="still_market", milliseconds=0)
        for venue in VENUES:
            before = stack.top(venue)
            wait_until(lambda: stack.top(venue).get("valid") and stack.top(venue) != before, 10, f"a valid book of {venue} that moves")
        function(stack)

    prepared.__name__ = function.__name__
    return prepared


@check
def books_of_both_venues_are_what_the_venues_show(stack):
    for venue in VENUES:
        stands_still(stack, venue)


@check
def the_topics_of_both_venues_say_valid_books(stack):
    for venue in VENUES:
        reader = Consumer({"bootstrap.servers": stack.bootstrap, "group.id": "two-venues", "enable.auto.commit": False, "log_level": 0})
        place = TopicPartition(f"l2_order_books.{venue}.btc_usdt", 0)
        place.offset = reader.get_watermark_offsets(place, timeout=10)[1]
        reader.assign([place])
        records = []

        def ten():
            records.extend(json.loads(m.value()) for m in reader.consume(10, 0.5) if not m.error())
            return len(records) >= 10

        try:
            wait_until(ten, 10, f"ten records of the book of {venue}")
        finally:
            reader.close()
        expect(all(r["valid"] and r["venue"] == venue for r in records), f"{venue}: {records[-1:]}")


@check
def prices_move_and_differ(stack):
    seen = {venue: set() for venue in VENUES}

    def moved():
        for venue in VENUES:
            seen[venue].add(ask(stack, venue))
        return all(len(prices) > 3 for prices in seen.values())

    wait_until(moved, 10, "the prices of both venues move")
    expect(seen["binance"] != seen["bybit"], f"both venues have the same prices: {seen}")


@check
def orders_at_each_venue_are_filled_there(stack):
    for venue in VENUES:
        for side in ("buy", "sell"):
            order = approved(stack, {"side": side, "quantity": "0.25", "venue": venue})
            event = ended(stack, order, "filled", venue)
            expect(event["provenance"] == "venue", f"by the stream, in time: {event['provenance']}")
    rejected_with(stack, {"side": "buy", "quantity": "0.25", "venue": "kraken"}, 227)


@check
def orders_rest_and_are_cancelled_at_bybit(stack):
    order = resting(stack, "bybit")
    await_state(stack, order, "open")
    wait_until(lambda: json.loads(stack.redis.get(f"order:main:{order['client_order_id']}") or "{}").get("status") == "open", 5,
               "the order in Redis")
    stack.send({"action": "cancel", "client_order_id": new_id("cancel"), "target_client_order_id": order["client_order_id"]})
    stack.flush()
    ended(stack, order, "cancelled", "bybit")
    both = [resting(stack, venue) for venue in VENUES]
    for order in both:
        await_state(stack, order, "open")
    stack.send({"action": "cancel_all", "client_order_id": new_id("cancel")})
    stack.flush()
    for venue, order in zip(VENUES, both):
        ended(stack, order, "cancelled", venue)


@check
def an_order_whose_acknowledgement_is_lost_is_sent_once(stack):
    for topic in ("order", "execution"):
        stack.fault("bybit", fault="drop_event", match=topic, count=1000)
    stack.fault("bybit", fault="drop_reply", match=CREATE)
    order = approved(stack, {"side": "buy", "quantity": "0.07", "venue": "bybit"})
    event = ended(stack, order, "filled", "bybit")
    expect("unknown" in states(stack, order), f"nothing was known of it for a while: {states(stack, order)}")
    expect(event["provenance"] == "reconciled", "it can only have been found by asking")


@check
def a_silent_stream_leaves_no_acknowledged_order_behind(stack):
    for topic in ("order", "execution"):
        stack.fault("bybit", fault="drop_event", match=topic, count=1000)
    started = time.monotonic()
    ended(stack, approved(stack, {"side": "sell", "quantity": "0.07", "venue": "bybit"}), "filled", "bybit")
    print(f"  found by asking {time.monotonic() - started:.2f} s after it was sent")


@check
def a_fill_while_the_private_stream_is_cut_is_found(stack):
    order = best_resting(stack)
    for topic in ("order", "execution"):
        stack.fault("bybit", fault="drop_event", match=topic, count=1000)
    stack.fault("bybit", fault="cut_websocket", match="/v5/private", count=10)
    sell_at_bybit(stack, order)
    event = ended(stack, order, "filled", "bybit")
    expect(event["provenance"] == "reconciled", "it can only have been found by asking")
    stack.await_healthy(20)


@check
def a_reply_that_is_neither_yes_nor_no_is_asked_after(stack):
    stack.fault("bybit", fault="fail_reply", match=CREATE, status=200,
                body={"retCode": 10016, "retMsg": "Internal system error", "result": {}, "retExtInfo": {}, "time": 0})
    ended(stack, approved(stack, {"side": "buy", "quantity": "0.03", "venue": "bybit"}), "filled", "bybit")
    stack.fault("bybit", fault="refuse_request", match=CREATE, status=200,
                body={"retCode": 170131, "retMsg": "Insufficient balance.", "result": {}, "retExtInfo": {}, "time": 0})
    order = approved(stack, {"side": "buy", "quantity": "0.03", "venue": "bybit"})
    expect(stack.ended(order["client_order_id"])["status"] == "rejected", "what the venue refuses is refused")


@check
def ordermanager_dies_between_acknowledgement_and_fill(stack):
    for topic in ("order", "execution"):
        stack.fault("bybit", fault="drop_event", match=topic, count=1000)
    orders = [resting(stack, "bybit"), approved(stack, {"side": "buy", "quantity": "0.04", "venue": "bybit"})]
    clients = lambda: {p["children"][0]["venue_client_id"] for o in orders  # noqa: E731
                       for p in stack.log.find("executions", type="plan", client_order_id=o["client_order_id"])}
    wait_until(lambda: len(clients() & {o["client_order_id"] for o in stack.truth("orders", "bybit")}) == 2, 10, "both at the venue")
    stack.kill("ordermanager-0")
    stack.faults("DELETE", "bybit")
    ended(stack, orders[1], "filled", "bybit")
    await_state(stack, orders[0], "open")
    stack.await_healthy(30)


@check
def postgresql_and_redis_equal_both_venues(stack):
    stack.send({"action": "cancel_all", "client_order_id": new_id("cancel")})
    stack.flush()
    for venue in VENUES:
        wait_until(lambda: all(o["status"] not in ("new", "partiallyFilled") for o in stack.truth("orders", venue) if o["account"] == "main"),
                   20, f"no open order at {venue}")
        compare_with_venue(stack, venue)
    wait_until(lambda: {status for status, in stack.query("SELECT DISTINCT status FROM orders")} <= ENDED, 10,
               "every order has ended in PostgreSQL, too")
    # A position is over all venues; the fees of buys were taken in BTC.
    held = sum((1 if f["side"] == "buy" else -1) * D(f["quantity"]) - (D(f["fee"]) if f["fee_asset"] == "BTC" else 0)
               for venue in VENUES for f in stack.truth("fills", venue) if f["account"] == "main")
    wait_until(lambda: D(json.loads(stack.redis.get("position:main:BTC-USDT") or "{}").get("quantity", "0")) == held, 5,
               f"the position in Redis is {held}")
    started = time.time()
    for venue in VENUES:
        wait_until(lambda: stack.query("SELECT 1 FROM reconciliations WHERE venue = %s AND account = 'main' AND outcome = 'agrees' "
                                       "AND started_at > to_timestamp(%s)", venue, started), 15, f"a comparison with {venue} that agrees")


@check
def what_trades_do_not_explain_is_found_at_bybit(stack):
    mismatches = "SELECT subject FROM discrepancies WHERE venue = 'bybit' AND code = 'balance_mismatch'"
    expect(not stack.query(mismatches), f"every trade so far explains the balances: {stack.query(mismatches)}")
    stack.fault("bybit", fault="change_balance", account="desk", asset="USDT", amount="-12.5")
    wait_until(lambda: stack.query(mismatches) == [("USDT",)], 10, "the money that is gone is reported")
    expect(not stack.query(mismatches.replace("bybit", "binance")), "and nobody else's")


def main():
    words = sys.argv[1:]
    with Stack(**MARKET) as stack:
        for account in ("main", "desk"):
            stack.set_limits(account, **WIDE)
        failures = run(stack, [independent(c) for c in CHECKS if not words or any(w in c.__name__ for w in words)] + [schemas])
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
