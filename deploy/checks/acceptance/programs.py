"""Programs that stop, start and run for long."""
import json
import time

from actions import SERVICES, TICK, D, await_open, best_resting, cancel, check, ended, one_at_venue, quantity, resting, sell_into
from end_to_end import approved, attempt, bid, compare_positions, new_id
from stack import expect, wait_until


@check
def restart_with_orders_open(stack):
    stays, filled = resting(stack), best_resting(stack)
    await_open(stack, stays)
    for program in ("ordermanager-0", "riskgate-0", "reconciler-0"):
        stack.kill(program)
    sell_into(stack, filled)
    ended(stack, filled, "filled", filled["quantity"], 30)
    stack.await_healthy()
    cancel(stack, stays)
    ended(stack, stays, "cancelled", 0, 30)
    for order in (stays, filled):
        one_at_venue(stack, order)
    compare_positions(stack)


@check
def orders_left_after_shutdown(stack):
    order = resting(stack)
    await_open(stack, order)
    stack.restart("ordermanager-0")
    expect(one_at_venue(stack, order)["status"].lower() in ("new", "open"), "an open order stays live at shutdown")
    cancel(stack, order)
    ended(stack, order, "cancelled", 0)
    expect(one_at_venue(stack, order)["status"].lower().startswith("cancel"), "and is still ours afterwards")


@check
def stale_cache_at_start(stack):
    order = resting(stack)
    await_open(stack, order)
    true_position = json.loads(stack.redis.get("position:main:BTC-USDT"))["quantity"]
    # Nobody writes while the lies are put there; then each is found at the start.
    for program in SERVICES:
        stack.freeze(program)
    stack.redis.flushall()
    lies = json.dumps({"quantity": "99", "realised": "0", "cost": "0", "valid": True, "bid": ["1", "1"], "ask": ["2", "1"]})
    for key in ("position:main:BTC-USDT", "risk:main", "order:main:ghost", f"order:main:{order['client_order_id']}"):
        stack.redis.set(key, lies)
    stack.redis.set("top:binance:BTC-USDT", "\xff not JSON")
    stack.redis.set("book:binance:BTC-USDT", lies)
    stack.redis.lpush("feed:binance:BTC-USDT", "a list where none belongs")
    stack.redis.set("orders:open:main", "a text where a set belongs")
    for program in SERVICES:
        stack.kill(program)
    stack.await_healthy()
    wait_until(lambda: json.loads(stack.redis.get("position:main:BTC-USDT") or "{}").get("quantity") == true_position, 40,
               "the true position")
    wait_until(lambda: "JSON" not in (stack.redis.get("top:binance:BTC-USDT") or "JSON") and stack.top().get("ask")
               and D(stack.top()["ask"][0]) > 20_000, 20, "the true book")
    wait_until(lambda: stack.redis.type("orders:open:main") != "string"
               and order["client_order_id"] in str(stack.redis.execute_command(*open_keys(stack))), 40, "the true open orders")
    filled = wait_until(lambda: attempt(lambda: approved(stack, {"side": "buy", "quantity": str(quantity())})), 20, "orders pass")
    ended(stack, filled, "filled", filled["quantity"])
    cancel(stack, order)
    ended(stack, order, "cancelled", 0)


def open_keys(stack):
    return {"hash": ("HKEYS", "orders:open:main"), "set": ("SMEMBERS", "orders:open:main"),
            "zset": ("ZRANGE", "orders:open:main", 0, -1)}.get(stack.redis.type("orders:open:main"), ("EXISTS", "orders:open:main"))


@check
def memory_growth(stack):
    price = str((bid(stack) - 300).quantize(TICK))

    def burst(number):
        sent = []
        for _ in range(number):
            identifier = new_id("grow")
            sent.append(identifier)
            stack.send({"client_order_id": identifier, "side": "buy", "quantity": "0.01", "price": price, "time_in_force": "ioc"})
            if len(sent) % 10 == 0:
                time.sleep(0.02)
        stack.flush()
        wanted = set(sent)
        wait_until(lambda: wanted <= {e["client_order_id"] for e in stack.log.find("executions", status="expired")}
                   | {e["client_order_id"] for e in stack.log.find("executions", status="cancelled")}, 60, "every order ended")

    burst(500)  # what is allocated once
    before = {p: stack.resident_bytes(p) for p in SERVICES}
    burst(1500)
    for program in SERVICES:
        grown = stack.resident_bytes(program) - before[program]
        print(f"  {program}: {before[program] / 1e6:.1f} MB, grown by {grown / 1e6:.1f} MB over 1,500 orders ({grown / 1500:.0f} B each)")
        # What an ended order is remembered by for an hour fits in 4 KiB; the rest is the allocator's own.
        expect(grown < 1500 * 4096 + 16_000_000, f"{program} has grown by {grown} bytes")
