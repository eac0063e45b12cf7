"""Accounts that change without our orders."""
import json
import time

from actions import (PLACE, TICK, D, alerts, at_venue, await_open, await_state, check, ended, open_alerts, quantity, reconciled, resting,
                     venue_client_id)
from end_to_end import approved, bid, compare_positions, open_orders, settle
from stack import expect, wait_until


@check
def order_live_but_untracked(stack):
    since = time.monotonic()
    price = (bid(stack) - 500).quantize(TICK)
    status, hand = stack.by_hand("POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
                                 quantity="0.02", price=price, newClientOrderId="by-hand-1")
    expect(status == 200, f"the venue takes it: {hand}")
    try:
        reported_as_foreign(stack, hand["orderId"], since)
        settle(stack)  # cancel_all is about our own orders
        ours = resting(stack)
        await_open(stack, ours)
        live = [o for o in stack.truth("orders") if o["client_order_id"] == "by-hand-1"]
        expect(live[0]["status"].lower() in ("new", "open"), f"somebody else's order was touched: {live}")
        expect(not stack.query("SELECT 1 FROM child_orders WHERE venue_client_id = 'by-hand-1'"), "it is none of our orders")
    finally:
        stack.by_hand("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=hand["orderId"])


def reported_as_foreign(stack, venue_order_id, since):
    wait_until(lambda: [a for a in alerts(stack, "order_unknown_to_us", since)
                        if a["severity"] == "warning" and str(venue_order_id) in a["message"]], 15,
               f"a warning about the order {venue_order_id}, which is not ours")


@check
def order_moved_by_hand(stack):
    order = resting(stack)
    await_open(stack, order)
    since = time.monotonic()
    stack.fault(fault="move_order", match=venue_client_id(stack, order), price=str((bid(stack) - 700).quantize(TICK)))
    event = ended(stack, order, "cancelled", 0)
    expect(event["provenance"] in ("venue", "reconciled"), f"nobody here ended it: {event}")
    moved = [o for o in at_venue(stack, order) if o["client_order_id"].startswith("web_")]
    expect(len(moved) == 1, f"one order lies where ours was moved to: {at_venue(stack, order)}")
    try:
        reported_as_foreign(stack, moved[0]["order_id"], since)
        settle(stack)
        still = [o for o in at_venue(stack, order) if o["client_order_id"].startswith("web_")]
        expect(still[0]["status"].lower() in ("new", "open"), f"the moved order was touched: {still}")
    finally:
        stack.by_hand("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=moved[0]["order_id"])


@check
def position_changed_by_the_venue_itself(stack):
    since = time.monotonic()
    stack.fault(fault="change_balance", account="main", asset="BTC", amount="-1.5")
    try:
        found = wait_until(lambda: alerts(stack, "balance_mismatch", since), 15, "an alert about the balance")
        expect(found[0]["account"] == "main" and "BTC" in found[0]["message"], f"{found[0]}")
        compare_positions(stack)  # the position is what we traded, not the wallet
    finally:
        stack.fault(fault="change_balance", account="main", asset="BTC", amount="1.5")
    wait_until(lambda: not open_discrepancies(stack, "balance_mismatch"), 20, "the difference is resolved")


def open_discrepancies(stack, code, account="main"):
    return stack.query("SELECT 1 FROM discrepancies WHERE code = %s AND account = %s AND resolved_at IS NULL", code, account)


@check
def wrong_account_mode(stack):
    since = time.monotonic()
    services = {"reconciler", "ordermanager"}
    stack.fault(fault="restrict_account", account="main")
    try:
        wait_until(lambda: {a["service"] for a in alerts(stack, "account_cannot_trade", since)} == services, 20,
                   "an alert that the account cannot trade")
        stack.fault(fault="delay_reply", match=PLACE, count=100, milliseconds=1)  # Counts the orders that are sent.
        for _ in range(5):
            event = ended(stack, approved(stack, {"side": "buy", "quantity": str(quantity())}), "rejected", 0)
            expect(event["reason"].startswith("account_cannot_trade"), f"the reason is {event['reason']}")
        left = [f["count"] for f in stack.faults() if f["fault"] == "delay_reply"]
        expect(left == [100], f"{100 - sum(left)} orders were sent to be refused")
        stack.faults("DELETE")
        other = approved(stack, {"side": "buy", "quantity": str(quantity())}, "desk")
        expect(stack.ended(other["client_order_id"], "desk")["status"] == "filled", "the other account trades")
        said = alerts(stack, "account_cannot_trade", since)
        expect(len(said) == 2 and all(a["severity"] == "critical" and a["account"] == "main" for a in said), f"said once each: {said}")
        expect(open_discrepancies(stack, "account_cannot_trade"), "it is on record")
    finally:
        stack.fault(fault="restrict_account", account="main", lifted=True)
    wait_until(lambda: {a["service"] for a in alerts(stack, "account_can_trade", since)} == services, 30, "the account may trade again")
    wait_until(lambda: not open_discrepancies(stack, "account_cannot_trade"), 15, "the record is closed")
    order = approved(stack, {"side": "buy", "quantity": str(quantity())})
    ended(stack, order, "filled", order["quantity"])


# --- a venue that is set back to nothing, as test networks are from time to time ---------------------------------------------------


def one_report_of_a_wipe(stack, account, since):
    """The wipe is reported once, by itself, and closed when nothing from before it is left."""
    wait_until(lambda: [a for a in alerts(stack, "venue_wiped", since) if a["account"] == account], 30, "the venue has been wiped")
    wait_until(lambda: not open_discrepancies(stack, "venue_wiped", account), 30, "nothing from before is left")
    began = time.time()
    wait_until(lambda: reconciled(stack, began, account, "agrees"), 30, "log and venue agree")
    found = [a for a in open_alerts(stack, since) if a.get("account") == account]
    expect([a["code"] for a in found] == ["venue_wiped"], f"besides: {[a for a in found if a['code'] != 'venue_wiped'][:3]}")


@check
def testnet_wipe_of_an_account_without_open_orders(stack):
    bought = approved(stack, {"side": "buy", "quantity": str(quantity())}, "desk")
    stack.ended(bought["client_order_id"], "desk")
    began = time.time()
    wait_until(lambda: reconciled(stack, began, "desk", "agrees"), 15, "a round has seen it")
    since = time.monotonic()
    stack.fault(fault="wipe")
    one_report_of_a_wipe(stack, "desk", since)


@check
def testnet_wipe(stack):
    orders = [resting(stack) for _ in range(10)]
    for order in orders:
        await_open(stack, order)
    bought = approved(stack, {"side": "buy", "quantity": str(quantity())})
    ended(stack, bought, "filled", bought["quantity"])
    began = time.time()
    wait_until(lambda: reconciled(stack, began, outcome="agrees"), 15, "a round has seen them")
    reserved = D(json.loads(stack.redis.get("risk:main")).get("open_orders", "0"))
    since = time.monotonic()
    stack.fault(fault="wipe")
    for order in orders:
        event = ended(stack, order, "cancelled", 0, 40)
        expect(event["provenance"] == "reconciled" and "wiped" in event["reason"], f"how it is known: {event}")
    one_report_of_a_wipe(stack, "main", since)
    expect(not open_orders(stack, "main"), f"{open_orders(stack, 'main')} are still open; {reserved} were before")
    order = approved(stack, {"side": "buy", "quantity": str(quantity())})
    ended(stack, order, "filled", order["quantity"])
    last = resting(stack)
    await_state(stack, last, "open")
