"""Connections that break, lie or are refused, and clocks that differ."""
import json
import time

from confluent_kafka import Consumer, TopicPartition

from actions import PLACE, best_resting, check, ended, nobody_falls, one_at_venue, quantity, reconciled, resting, sell_into
from end_to_end import approved, attempt, rejected_with
from stack import expect, wait_until


@check
def desync_served_as_valid(stack):
    topic = "l2_order_books.binance.btc_usdt"
    reader = Consumer({"bootstrap.servers": stack.bootstrap, "group.id": "acceptance-books", "enable.auto.commit": False, "log_level": 0})
    partition = TopicPartition(topic, 0)
    partition.offset = reader.get_watermark_offsets(partition, timeout=10)[1]
    reader.assign([partition])
    stack.fault(fault="refuse_request", match="GET /api/v3/depth", count=1000, status=503, body={})
    stack.fault(fault="skip_diff", match="btcusdt@depth@100ms")
    try:
        wait_until(lambda: stack.top().get("valid") is False, 10, "Redis says that the book is invalid")
        no_reference(stack)
        stack.faults("DELETE")
        wait_until(lambda: stack.top().get("valid"), 20, "a valid book again")
        validity = []

        def said(valid):
            validity.extend(json.loads(m.value())["valid"] for m in reader.consume(100, 0.2) if not m.error())
            return valid in validity

        wait_until(lambda: said(False), 10, "the topic says that the book was invalid")
        del validity[:validity.index(False)]
        wait_until(lambda: said(True), 10, "the topic says that the book is valid again")
    finally:
        reader.close()
    wait_until(lambda: attempt(lambda: approved(stack, {"side": "buy", "quantity": "0.01"})), 10, "orders pass again")


def no_reference(stack):
    """RiskGate, too, has heard that the book is not valid, and refuses."""
    wait_until(lambda: attempt(lambda: rejected_with(stack, {"side": "buy", "quantity": "0.01"}, 401)), 10, "no order passes")


@check
def socket_alive_data_dead(stack):
    stack.fault(fault="refuse_request", match="GET /api/v3/depth", count=1000, status=503, body={})
    for path in ("/ws/*", "/stream*", "/ws"):
        stack.fault(fault="silence_websocket", match=path, count=10, milliseconds=120_000)
    wait_until(lambda: stack.top().get("valid") is not True, 10, "a silent book is not valid")
    no_reference(stack)
    stack.faults("DELETE")
    wait_until(lambda: stack.top().get("valid"), 20, "another connection brings a valid book")
    wait_until(lambda: attempt(lambda: approved(stack, {"side": "buy", "quantity": "0.01"})), 10, "orders pass again")


@check
def user_stream_session_expired(stack):
    order = best_resting(stack)
    with nobody_falls(stack):
        stack.fault(fault="alter_event", match="executionReport", find='"e":"executionReport"', replace='"e":"eventStreamTerminated"')
        resting(stack)  # its first event ends the session
        wait_until(lambda: not stack.faults(), 10, "the session has ended")
        sell_into(stack, order)
        ended(stack, order, "filled", order["quantity"], 10)
        cut = best_resting(stack)
        stack.fault(fault="cut_websocket", match="/ws-api/v3*", count=10)
        sell_into(stack, cut)
        ended(stack, cut, "filled", cut["quantity"], 10)


@check
def rate_limit_ban(stack):
    order_refused = time.time()
    stack.fault(fault="refuse_request", match=PLACE, status=429, retry_after=2, body={"code": -1015, "msg": "Too many new orders."})
    order = approved(stack, {"side": "buy", "quantity": str(quantity())})
    ended(stack, order, "filled", order["quantity"])
    created = int(one_at_venue(stack, order)["created"]) / 1e9
    expect(created - order_refused >= 2, f"the order came {created - order_refused:.2f} s after a refusal that asked for 2 s")


@check
def rate_limit_ban_by_reconciliation_itself(stack):
    began = time.time()
    stack.fault(fault="refuse_request", match="GET /api/v3/myTrades", status=418, retry_after=3,
                body={"code": -1003, "msg": "Way too much request weight used; IP banned until 1."})
    failed = wait_until(
        lambda: next((r for r in (reconciled(stack, began, a, "failed") for a in ("main", "desk")) if r), None), 10, "a refused round")
    quiet_until = float(failed[0]) + 3  # At the earliest: the refusal came after the round had begun.
    order = approved(stack, {"side": "buy", "quantity": str(quantity())})
    ended(stack, order, "filled", order["quantity"])
    first = wait_until(lambda: all(reconciled(stack, float(failed[1]), a) for a in ("main", "desk"))
                       and min(float(reconciled(stack, float(failed[1]), a)[0]) for a in ("main", "desk")), 15, "rounds go on")
    expect(first >= quiet_until, f"the venue was asked {quiet_until - first:.2f} s before its ban was over")


@check
def clock_drift_against_recv_window(stack):
    try:
        for milliseconds in (30_000, -30_000):
            stack.fault(fault="skew_clock", milliseconds=milliseconds)
            order = approved(stack, {"side": "buy", "quantity": str(quantity())})
            ended(stack, order, "filled", order["quantity"])
            one_at_venue(stack, order)
    finally:
        stack.fault(fault="skew_clock", milliseconds=0)
    began = time.time()
    wait_until(lambda: reconciled(stack, began, outcome="agrees"), 15, "reconciliation goes on")
