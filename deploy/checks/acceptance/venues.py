"""Orders that go to two venues: a parent, its children, and what happens to one of them while another one ends."""
import hashlib
import hmac
import json
import time
import urllib.request

from actions import TICK, D, await_open, await_state, cancel, check, ended, events, resting, sell_into, states
from end_to_end import MARKET, approved, compare_positions, settle
from stack import ENDED, WIDE, Stack, expect, wait_until

VENUES = ("binance", "bybit")
# Of the second venue: from taking a request in to carrying it out.
MATCHING_SECONDS = 0.3


def two_venues(stack):
    """A whole engine of its own on two simulated venues, at each of which there is money for a part of the orders of these checks alone."""
    shared = {name: stack.environment[name] for name in ("APUS_RECONCILE_INTERVAL_MS", "APUS_FEED_SILENCE_MS", "SIM_ACK_DELAY_MS")}
    two = Stack(APUS_LOCAL=f"{stack.run_dir.parent}-venues", APUS_SIM_BYBIT="yes", SIM_BALANCES="USDT=15000,BTC=50",
                SIM_MATCH_DELAY_MS=str(int(MATCHING_SECONDS * 1000)), **MARKET, **shared)
    return Ready(two)


class Ready:
    """The stack, when both books are there and the limits are out of the way."""

    def __init__(self, stack):
        self.stack = stack

    def __enter__(self):
        stack = self.stack.__enter__()
        stack.set_limits("main", **WIDE)
        for venue in VENUES:
            wait_until(lambda: stack.top(venue).get("valid"), 20, f"a valid book of {venue}")
        return stack

    def __exit__(self, *reasons):
        self.stack.__exit__(*reasons)


def best_price(stack):
    """Better than every other buyer's at both venues, and nobody sells for it."""

    def inside():
        tops = [stack.top(venue) for venue in VENUES]
        price = min(D(top["ask"][0]) for top in tops) - TICK
        return str(price) if price > max(D(top["bid"][0]) for top in tops) else None

    return wait_until(inside, 10, "room inside the spread")


def plan(stack, order):
    found = stack.log.find("executions", type="plan", client_order_id=order["client_order_id"])
    return {child["venue"]: child for child in found[0]["children"]} if found else {}


def two_legs(stack):
    """An order that rests with a leg at each venue, since neither's money is enough for all of it."""

    def spread():
        order = resting(stack, price=best_price(stack), quantity="1")
        await_state_of_any(stack, order)
        if set(plan(stack, order)) == set(VENUES):
            return order
        # Not both venues have told their book and the account's money yet.
        settle(stack)
        return None

    order = wait_until(spread, 30, "an order with a leg at each venue")
    await_open(stack, order)
    legs = plan(stack, order)
    expect(sum(D(leg["quantity"]) for leg in legs.values()) == D(order["quantity"]), f"the legs are {legs}")
    return order, legs


def await_state_of_any(stack, order):
    wait_until(lambda: states(stack, order), 15, f"a word of {order['client_order_id']}")


def leg_at_venue(stack, venue, leg):
    found = [o for o in stack.truth("orders", venue) if o["client_order_id"] == leg["venue_client_id"]]
    expect(len(found) <= 1, f"{venue} has {found}")
    return found[0] if found else None


def is_live(order):
    return order is not None and order["status"].lower() in ("new", "partiallyfilled")


def sell_at_bybit(stack, leg, quantity):
    """Somebody else takes a part of a leg there: the venue takes the order in, and matches it a little later."""
    fields = {"category": "spot", "symbol": "BTCUSDT", "side": "Sell", "orderType": "Limit", "timeInForce": "IOC", "qty": str(quantity),
              "price": leg["price"]}
    body, now = json.dumps(fields), str(int(time.time() * 1000))
    key, secret = (stack.variables[f"BYBIT_TESTNET_{kind}_KEY_DESK"] for kind in ("API", "SECRET"))
    signature = hmac.new(secret.encode(), f"{now}{key}5000{body}".encode(), hashlib.sha256).hexdigest()
    request = urllib.request.Request(
        f"{stack.variables['SIM_BYBIT_REST_URL']}/v5/order/create", body.encode(),
        {"content-type": "application/json", "X-BAPI-API-KEY": key, "X-BAPI-TIMESTAMP": now, "X-BAPI-RECV-WINDOW": "5000",
         "X-BAPI-SIGN": signature})
    with urllib.request.urlopen(request, timeout=10) as reply:
        answer = json.load(reply)
    expect(answer["retCode"] == 0, f"the other side: {answer}")


def half(leg):
    return (D(leg["quantity"]) / 2).quantize(D("0.00001"))


def sell_back(stack, venue, quantity):
    """So that there is as much money for the next order."""
    sold = approved(stack, {"side": "sell", "quantity": str(quantity), "venue": venue})
    ended(stack, sold, "filled", quantity)


def family_agrees(stack, order, legs):
    """Parent and children are of one mind, in the log, in PostgreSQL and at the venues."""
    filled = D(0)
    for venue, leg in legs.items():
        there = leg_at_venue(stack, venue, leg)
        executed = D(there["executed"]) if there else D(0)
        said = [e for e in events(stack, order) if e.get("child", 0) == leg["child"]][-1].get("part", {})
        expect(D(said.get("cumulative_quantity", "0")) == executed, f"{venue}: {said} in the log, {executed} filled there")
        wait_until(lambda: stack.query("SELECT venue, filled_quantity FROM child_orders WHERE account = 'main' AND client_order_id = %s "
                                       "AND child = %s", order["client_order_id"], leg["child"]) == [(venue, executed)], 10,
                   f"PostgreSQL has the leg at {venue} with {executed}")
        filled += executed
    last = events(stack, order)[-1]
    expect(D(last["cumulative_quantity"]) == filled, f"{last['cumulative_quantity']} of {order['client_order_id']}, its legs {filled}")
    compare_positions(stack)


def end_is_everybodys(stack, order, legs):
    """At the moment at which the order is said to have ended no leg of it is alive."""
    wait_until(lambda: states(stack, order)[-1] in ENDED, 30, f"the end of {order['client_order_id']}")
    alive = [venue for venue, leg in legs.items() if is_live(leg_at_venue(stack, venue, leg))]
    expect(not alive, f"{order['client_order_id']} has ended {states(stack, order)[-1]} and lives at {alive}")


@check
def a_leg_is_not_missed_when_a_fill_comes_during_a_cancel(stack):
    with two_venues(stack) as two:
        # Filled in part, and nobody has told us when we cancel; the answer to the cancel is lost as well.
        order, legs = two_legs(two)
        part = half(legs["binance"])
        two.fault(fault="drop_event", match="executionReport", count=1000)
        two.fault(fault="drop_reply", match="DELETE /api/v3/order")
        sell_into(two, {**order, "price": legs["binance"]["price"]}, part)
        cancel(two, order)
        ended(two, order, "cancelled", part)
        two.faults("DELETE")
        family_agrees(two, order, legs)
        sell_back(two, "binance", part)
        # The venue has taken both in, first somebody's sale and then our cancel, when it fills a part of the leg.
        for silent in (False, True):
            order, legs = two_legs(two)
            part = half(legs["bybit"])
            if silent:
                for topic in ("order", "execution"):
                    two.fault("bybit", fault="drop_event", match=topic, count=1000)
            sell_at_bybit(two, legs["bybit"], part)
            cancel(two, order)
            ended(two, order, "cancelled", part)
            two.faults("DELETE", "bybit")
            family_agrees(two, order, legs)
            sell_back(two, "bybit", part)
        # All of the leg, and the other one is cancelled.
        order, legs = two_legs(two)
        sell_at_bybit(two, legs["bybit"], legs["bybit"]["quantity"])
        cancel(two, order)
        ended(two, order, "cancelled", legs["bybit"]["quantity"])
        family_agrees(two, order, legs)


@check
def no_child_outlives_its_parent(stack):
    with two_venues(stack) as two:
        # One venue carries the cancel out and says nothing of it, the other one refuses it for a while.
        order, legs = two_legs(two)
        two.fault(fault="drop_event", match="executionReport", count=1000)
        two.fault(fault="drop_reply", match="DELETE /api/v3/order")
        two.fault("bybit", fault="refuse_request", match="POST /v5/order/cancel", count=3, status=503, body={})
        cancel(two, order)
        end_is_everybodys(two, order, legs)
        for venue in VENUES:
            two.faults("DELETE", venue)
        family_agrees(two, order, legs)
        # Whoever is cancelling dies in the middle, which lasts until then.
        order, legs = two_legs(two)
        two.fault("bybit", fault="refuse_request", match="POST /v5/order/cancel", count=1000, status=503, body={})
        cancel(two, order)
        wait_until(lambda: "pending_cancel" in states(two, order), 15, f"{order['client_order_id']} is being cancelled")
        two.kill("ordermanager-0")
        two.faults("DELETE", "bybit")
        end_is_everybodys(two, order, legs)
        two.await_healthy()
        family_agrees(two, order, legs)
        # One leg is refused: the other one lives, and so does the order, until somebody cancels it.
        two.faults("DELETE", "bybit")
        refusal = {"retCode": 170131, "retMsg": "Balance insufficient", "result": {}, "time": 0}
        two.fault("bybit", fault="refuse_request", match="POST /v5/order/create", status=200, body=refusal)
        order = resting(two, price=best_price(two), quantity="1")
        await_open(two, order)
        legs = plan(two, order)
        expect(set(legs) == set(VENUES) and is_live(leg_at_venue(two, "binance", legs["binance"])), f"the legs are {legs}")
        cancel(two, order)
        end_is_everybodys(two, order, legs)
        family_agrees(two, order, legs)
