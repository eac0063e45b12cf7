"""Two engines on one account."""
import time

from actions import alerts, await_open, await_state, cancel, check, ended, one_at_venue, quantity, reconciled, resting, venue_client_id
from end_to_end import approved, compare_positions, new_id, settle
from stack import WIDE, Stack, expect, wait_until


def second_engine(stack, deployment):
    """A whole engine of its own, with its own broker and stores, on the same accounts at the same venue."""
    shared = {name: value for name, value in stack.variables.items() if name.startswith("BINANCE_TESTNET_")}
    for name in ("APUS_BINANCE_REST_URL", "APUS_BINANCE_WS_URL", "APUS_ACCOUNTS", "APUS_DEFAULT_ACCOUNT"):
        shared[name] = stack.variables[name]
    # What the venue allows it must know as the first one does.
    settings = {name: value for name, value in stack.environment.items()
                if name in ("APUS_RECONCILE_INTERVAL_MS", "APUS_FEED_SILENCE_MS") or name.startswith("SIM_") and "_LIMIT" in name}
    return Stack(APUS_LOCAL=f"{stack.run_dir.parent}-second", APUS_DEPLOYMENT=deployment, **shared, **settings)


def rests(stack, order):
    return one_at_venue(stack, order)["status"].lower() in ("new", "open")


@check
def two_engines_on_one_account(stack):
    with second_engine(stack, "other") as second:
        second.variables["SIM_FAULT_URL"] = stack.variables["SIM_FAULT_URL"]
        second.set_limits("main", **WIDE)
        of_two_names(stack, second)
        of_one_name(stack, second)


def of_two_names(stack, second):
    """Each leaves the other's orders alone, says that they are there, and counts their trades in the balances."""
    since = time.monotonic()
    orders = [(engine, resting(engine)) for engine in (stack, second)]
    for engine, order in orders:
        await_open(engine, order)
    for engine in (stack, second):
        for _ in range(3):
            bought = approved(engine, {"side": "buy", "quantity": str(quantity())})
            ended(engine, bought, "filled", bought["quantity"])
    for (engine, _), (_, foreign) in zip(orders, reversed(orders)):
        identifier = str(one_at_venue(engine, foreign)["order_id"])
        wait_until(lambda: [a for a in alerts(engine, "order_unknown_to_us", since)
                            if a["severity"] == "warning" and identifier in a["message"]], 20, "a warning about the other's order")
    settle(stack)
    expect(rests(second, orders[1][1]), "the second engine's order was touched")
    began = time.time()
    for engine in (stack, second):
        wait_until(lambda: reconciled(engine, began), 20, "a round after that")
        expect(not alerts(engine, "balance_mismatch", since), "a trade of the other engine is a trade, not a movement outside of trading")
        expect(not alerts(engine, "orphan_order", since), "nobody takes the other's orders for its own")
        compare_positions(engine)
    cancel(second, orders[1][1])
    ended(second, orders[1][1], "cancelled", 0)


def of_one_name(stack, second):
    """The second engine calls itself as the first does: what the own log never planned is an urgent alert, and nobody touches it."""
    second.environment["APUS_DEPLOYMENT"] = "apus"
    for program in ("ordermanager-0", "reconciler-0"):
        second.restart(program)
    since = time.monotonic()
    theirs = resting(second)
    await_open(second, theirs)
    orphan = venue_client_id(second, theirs)
    wait_until(lambda: {a["service"] for code in ("orphan_order", "order_unknown_to_us") for a in alerts(stack, code, since)
                        if a["severity"] == "critical" and orphan in a["message"]} == {"ordermanager", "reconciler"}, 20,
               "urgent alerts about an order under our own name that is not in the log")
    settle(stack)
    expect(rests(second, theirs), "the second engine's order was touched")
    # The same client order id gives both the same id at the venue, which takes only one order under it.
    same = new_id("same")
    ours = resting(stack, client_order_id=same)
    await_open(stack, ours)
    twin = resting(second, client_order_id=same)
    wait_until(lambda: [a for a in alerts(second, "orphan_order", since) if venue_client_id(stack, ours) in a["message"]], 20,
               "an urgent alert that another engine's order is under this id")
    await_state(second, twin, "unknown")  # nobody can say what became of it
    cancel(second, twin)
    settle(stack, "desk")
    expect(rests(stack, ours), "the first engine's order was touched")
    cancel(stack, ours)
    ended(stack, ours, "cancelled", 0)
    cancel(second, theirs)
    ended(second, theirs, "cancelled", 0)
