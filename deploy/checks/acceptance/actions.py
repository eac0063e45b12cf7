"""What the checks do and look at."""
import contextlib
import decimal

from end_to_end import approved, ask, bid, new_id
from stack import expect, wait_until

D = decimal.Decimal
CHECKS = []
TICK = D("0.01")
PLACE = "POST /api/v3/order"
SERVICES = ("ingestor-0", "riskgate-0", "ordermanager-0", "reconciler-0")


def check(function):
    CHECKS.append(function)
    return function


def quantity(counter=iter(range(1, 9000))):
    return D("0.01") + D("0.00001") * next(counter)


def resting(stack, account="main", **fields):
    """A limit order that rests far from the market, decided but perhaps not yet at the venue."""
    order = {"side": "buy", "quantity": str(quantity()), "price": str((bid(stack) - 300).quantize(TICK)), **fields}
    return approved(stack, order, account)


def at_venue(stack, order):
    """The account's orders of this quantity: exactly one, unless something was lost or doubled."""
    account = order.get("account", "main")
    return [o for o in stack.truth("orders") if D(o["quantity"]) == D(order["quantity"]) and o["account"] == account]


def one_at_venue(stack, order):
    found = at_venue(stack, order)
    expect(len(found) == 1, f"{len(found)} orders of {order['quantity']} at the venue: {found}")
    return found[0]


def events(stack, order):
    return [e for e in stack.log.find("executions", client_order_id=order["client_order_id"]) if "status" in e]


def states(stack, order):
    return [e["status"] for e in events(stack, order)]


def await_state(stack, order, state, seconds=15):
    wait_until(lambda: states(stack, order)[-1:] == [state], seconds, f"{order['client_order_id']} {state}")


def await_open(stack, order, seconds=15):
    await_state(stack, order, "open", seconds)


def ended(stack, order, state, filled, seconds=20):
    """The order's end, at the venue's own count and with provenance, each fill once."""
    event = stack.ended(order["client_order_id"], order.get("account", "main"), seconds)
    expect(event["status"] == state, f"{event['client_order_id']} ended {event['status']}, not {state}: {event.get('reason')}")
    expect(D(event["cumulative_quantity"]) == D(filled), f"{event['cumulative_quantity']} filled, not {filled}")
    expect(event["provenance"], "an end says how it is known")
    fills = [e["fill"] for e in events(stack, order) if e["type"] == "fill"]
    expect(sum(D(f["quantity"]) for f in fills) == D(filled), f"the fills are {fills}")
    expect(len({f["trade_id"] for f in fills}) == len(fills), "a fill was counted twice")
    return event


def cancel(stack, order, account="main"):
    stack.send({"action": "cancel", "client_order_id": new_id("cancel"), "target_client_order_id": order["client_order_id"],
                "account": account})
    stack.flush()


def best_resting(stack):
    """An order at the top of the book, which whoever sells will meet first."""
    wait_until(lambda: ask(stack) - TICK > bid(stack), 5, "room inside the spread")
    order = resting(stack, price=str(ask(stack) - TICK))
    await_open(stack, order)
    return order


def sell_into(stack, order, amount=None):
    """Somebody else takes an order of ours."""
    status, reply = stack.by_hand("POST", "/api/v3/order", "desk", symbol="BTCUSDT", side="SELL", type="LIMIT", timeInForce="IOC",
                                  quantity=amount or order["quantity"], price=order["price"])
    expect(status == 200 and D(reply["executedQty"]) == D(amount or order["quantity"]), f"the other side: {status} {reply}")


def alerts(stack, code, since=0):
    return [a for a in stack.log.find("alerts", code=code) if a["_seen"] > since]


def open_alerts(stack, since):
    """What a person is asked to look at."""
    return [a for a in stack.log.find("alerts") if a["_seen"] > since and a["severity"] != "info"]


def venue_client_id(stack, order):
    """The id that the venue knows the order by."""
    return stack.log.find("executions", type="plan", client_order_id=order["client_order_id"])[0]["children"][0]["venue_client_id"]


@contextlib.contextmanager
def nobody_falls(stack):
    before = {p: stack.restarts(p) for p in SERVICES}
    yield
    expect(before == {p: stack.restarts(p) for p in SERVICES}, "a program fell")
    stack.await_healthy(10)


def reconciled(stack, after, account="main", outcome=None):
    """The first comparison with the venue that began after that time."""
    rows = stack.query("SELECT extract(epoch FROM started_at), extract(epoch FROM finished_at), outcome, reason FROM reconciliations "
                       "WHERE account = %s AND started_at > to_timestamp(%s) ORDER BY started_at", account, after)
    return next((r for r in rows if outcome is None or r[2] == outcome), None)
