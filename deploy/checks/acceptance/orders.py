"""What a venue does with an order."""
import json
import time
from decimal import ROUND_DOWN

from actions import (PLACE, TICK, D, await_open, best_resting, cancel, check, ended, events, nobody_falls, one_at_venue, quantity, resting,
                     sell_into, states)
from end_to_end import approved, bid, compare_positions, rejected_with
from stack import ENDED, expect, wait_until


@check
def time_out_after_acceptance(stack):
    stack.fault(fault="drop_event", match="executionReport", count=1000)
    stack.fault(fault="drop_reply", match=PLACE)
    order = approved(stack, {"side": "buy", "quantity": str(quantity())})
    ended(stack, order, "filled", order["quantity"])
    expect("unknown" in states(stack, order), f"nothing was known of it for a while: {states(stack, order)}")
    one_at_venue(stack, order)


@check
def unknown_declared_rejected_while_live(stack):
    stack.fault(fault="drop_event", match="executionReport", count=1000)
    stack.fault(fault="fail_reply", match=PLACE, status=504, body={"code": -1007, "msg": "Timeout waiting for response."})
    order = resting(stack)
    await_open(stack, order)
    expect("unknown" in states(stack, order), f"a 504 leaves an order unknown: {states(stack, order)}")
    expect(not ENDED & set(states(stack, order)), f"it was declared ended while it lives: {states(stack, order)}")
    one_at_venue(stack, order)


@check
def not_found_taken_as_proof(stack):
    stack.fault(fault="drop_event", match="executionReport", count=1000)
    stack.fault(fault="fail_reply", match=PLACE, status=503, body={"code": -1001, "msg": "Internal error."})
    stack.fault(fault="forget_order", match="*", milliseconds=3500)
    order = resting(stack)
    await_open(stack, order, 20)
    expect("unknown" in states(stack, order) and not ENDED & set(states(stack, order)), f"{states(stack, order)}")
    expect(states(stack, order).count("submitting") <= 1, "it was sent again though it lived")
    one_at_venue(stack, order)


@check
def fill_missing_from_a_healthy_stream(stack):
    order = best_resting(stack)
    stack.fault(fault="drop_event", match="executionReport", count=1000)
    sell_into(stack, order)
    event = ended(stack, order, "filled", order["quantity"], 10)
    expect(event["provenance"] == "reconciled", "it can only have been found by asking")


@check
def fill_repeated(stack):
    stack.fault(fault="repeat_event", match="executionReport", count=1000)
    order = best_resting(stack)
    half = (D(order["quantity"]) / 2).quantize(D("0.00001"))
    sell_into(stack, order, half)
    sell_into(stack, order, D(order["quantity"]) - half)
    ended(stack, order, "filled", order["quantity"])
    compare_positions(stack)


@check
def cancel_fill_race(stack):
    # Filled at the venue, though nobody has told us when we cancel.
    filled = best_resting(stack)
    stack.fault(fault="drop_event", match="executionReport", count=1000)
    sell_into(stack, filled)
    cancel(stack, filled)
    ended(stack, filled, "filled", filled["quantity"])
    stack.faults("DELETE")
    # Half filled on the way; and the answer to the cancel is lost.
    part = best_resting(stack)
    stack.fault(fault="drop_event", match="executionReport", count=1000)
    stack.fault(fault="drop_reply", match="DELETE /api/v3/order")
    half = (D(part["quantity"]) / 2).quantize(D("0.00001"))
    sell_into(stack, part, half)
    cancel(stack, part)
    ended(stack, part, "cancelled", half)


@check
def reject_loop(stack):
    stack.fault(fault="refuse_request", match=PLACE, count=50, status=400,
                body={"code": -2010, "msg": "Account has insufficient balance for requested action."})
    order = approved(stack, {"side": "buy", "quantity": str(quantity())})
    event = ended(stack, order, "rejected", 0)
    expect(event.get("venue_code") == -2010 and "insufficient balance" in event["reason"], f"the venue's own words: {event}")
    time.sleep(2)  # that nothing more is sent is what is tested
    left = [f["count"] for f in stack.faults() if f["fault"] == "refuse_request"]
    expect(left == [49], f"the order was sent {50 - sum(left)} times")


@check
def precision_lot_minimum_notional(stack):
    placed = len(stack.truth("orders"))
    price = (bid(stack) - 100).quantize(TICK)
    rejected_with(stack, {"side": "buy", "quantity": "0.01", "price": str(price + D("0.001"))}, 222)
    rejected_with(stack, {"side": "buy", "quantity": "0.010001", "price": str(price)}, 224)
    rejected_with(stack, {"side": "buy", "quantity": "0.00001", "price": str(price)}, 226)
    expect(len(stack.truth("orders")) == placed, "one of them reached the venue")
    order = approved(stack, {"side": "buy", "quantity": 0.10000, "price": float(price)})
    await_open(stack, order)


@check
def unknown_enum_from_the_venue(stack):
    with nobody_falls(stack):
        stack.fault(fault="alter_event", match="executionReport", find='"X":"NEW"', replace='"X":"SUSPENDED_BY_VENUE"')
        stack.fault(fault="alter_reply", match=PLACE, find='"status":"NEW"', replace='"status":"SUSPENDED_BY_VENUE"')
        order = resting(stack)
        await_open(stack, order)
        wait_until(lambda: stack.log.find("alerts", code="unrecognised_state", client_order_id=order["client_order_id"]), 10,
                   "an alert about the word that nobody knows")
        one_at_venue(stack, order)
        cancel(stack, order)
        ended(stack, order, "cancelled", 0)


@check
def fee_in_base_coin_leaves_dust(stack):
    before = D(json.loads(stack.redis.get("position:main:BTC-USDT") or "{}").get("quantity", "0"))
    order = approved(stack, {"side": "buy", "quantity": "0.1"})
    ended(stack, order, "filled", "0.1")
    fees = sum(D(e["fill"]["fee"]) for e in events(stack, order) if e["type"] == "fill" and e["fill"]["fee_asset"] == "BTC")
    expect(fees > 0, "the venue takes its fee in the coin that was bought")

    def held():
        return D(json.loads(stack.redis.get("position:main:BTC-USDT"))["quantity"]) - before

    wait_until(lambda: held() == D("0.1") - fees, 10, f"the position grows by 0.1 less {fees}")
    sold = approved(stack, {"side": "sell", "quantity": str((D("0.1") - fees).quantize(D("0.00001"), ROUND_DOWN))})
    ended(stack, sold, "filled", sold["quantity"])
    dust = D("0.1") - fees - D(sold["quantity"])
    wait_until(lambda: held() == dust, 10, f"the dust that is left is {dust} exactly")
    compare_positions(stack)
