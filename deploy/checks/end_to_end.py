#!/usr/bin/env python3
"""The whole stack, started by deploy/local.sh, before clients that nobody here wrote: kcat, confluent-kafka, redis-py, psycopg2.

    end_to_end.py [CHECK...]     all checks, or those whose names contain one of the words
"""
import decimal
import json
import random
import subprocess
import sys
import time
import traceback

import psycopg2

import first_order
from stack import ENDED, WIDE, Failure, Stack, expect, wait_until

D = decimal.Decimal
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def new_id(prefix, counter=iter(range(10**9))):
    return f"{prefix}-{next(counter)}"


def rejected_with(stack, order, code, account="main"):
    order = {"client_order_id": new_id("no"), "account": account, **order}
    stack.send(order)
    stack.flush()
    verdict, record = stack.decision(order["client_order_id"], account)
    expect(verdict == "rejected", f"{order} was approved; {code} was expected")
    expect(record["code"] == code, f"{order}: code {record['code']} ({record['reason']}) in place of {code}")
    return record


def approved(stack, order, account="main"):
    order = {"client_order_id": new_id("yes"), "account": account, **order}
    stack.send(order)
    stack.flush()
    verdict, record = stack.decision(order["client_order_id"], account)
    expect(verdict == "approved", f"{order} was refused: {record.get('reason')}")
    return record


def ask(stack):
    return D(wait_until(lambda: stack.top().get("ask"), 5, "an ask in Redis")[0])


def bid(stack):
    return D(wait_until(lambda: stack.top().get("bid"), 5, "a bid in Redis")[0])


def settle(stack, account="main"):
    """Cancels what is open and waits until nothing is."""
    stack.send({"action": "cancel_all", "account": account})
    stack.flush()
    wait_until(lambda: not open_orders(stack, account), 20, f"no open order of {account}")


def open_orders(stack, account):
    """What was approved and has not ended, OrderManager may have told of it or not yet."""
    last = {r["client_order_id"]: "approved" for r in stack.log.find("orders.approved", account=account, action="new")}
    for event in stack.log.find("executions", account=account):
        if "status" in event:
            last[event["client_order_id"]] = event["status"]
    return [identifier for identifier, status in last.items() if status not in ENDED]


def position(stack, account="main"):
    total = D(0)
    for fill in stack.log.find("executions", account=account, type="fill"):
        sign = 1 if fill["side"] == "buy" else -1
        total += sign * D(fill["fill"]["quantity"])
        if fill["fill"]["fee_asset"] == "BTC":
            total -= D(fill["fill"]["fee"])
    return total


# --- the first order ----------------------------------------------------------------------------------------------------------


@check
def the_first_order_is_filled_and_seen_everywhere(stack):
    first_order.check(stack.bootstrap, stack.variables["REDIS_URL"], stack.variables["DATABASE_URL"])


@check
def the_command_line_waits_for_the_outcome(stack):
    stack.set_limits(max_orders_per_second=1000)
    result = stack.apus("order", "buy", "0.1", "BTC-USDT")
    expect("Order filled: BUY 0.1 BTC" in result.stdout, result.stdout)
    expect(stack.apus("order", "buy", "100", "BTC-USDT", check=False).returncode == 3, "risk's refusal is exit code 3")
    expect(stack.apus("order", "buy", "x", check=False).returncode == 2, "nonsense is exit code 2")
    price = str((bid(stack) * D("0.98")).quantize(D("0.01")))
    expect("open" in stack.apus("order", "buy", "0.1", "BTC-USDT", "--price", price, "--id", "rest-1").stdout, "a limit rests")
    wait_until(lambda: "rest-1" in stack.apus("orders").stdout, 5, "apus orders shows it")
    again = stack.apus("order", "buy", "0.1", "BTC-USDT", "--price", price, "--id", "rest-1")
    expect("repeated" in again.stdout, f"the same command again says so at once: {again.stdout}")
    expect("cancelled" in stack.apus("cancel", "rest-1").stdout, "and is cancelled")
    wait_until(lambda: "BTC" in stack.apus("positions").stdout, 5, "apus positions shows BTC")
    json.loads(stack.apus("risk", "--json").stdout)
    expect(json.loads(stack.apus("book", "--json").stdout)["bids"], "apus book has bids")
    wait_until(lambda: len(stack.apus("trades", "--csv").stdout.splitlines()) > 1, 5, "apus trades lists the fill")


@check
def a_repeated_order_is_answered_and_never_sent_again(stack):
    order = {"client_order_id": new_id("twice"), "side": "buy", "quantity": "0.01"}
    for _ in range(3):
        stack.send(order)
    stack.flush()
    stack.ended(order["client_order_id"])
    answers = wait_until(
        lambda: (r := stack.log.find("orders.approved", client_order_id=order["client_order_id"])) and len(r) == 3 and r, 10,
        "three answers")
    expect([r.get("duplicate", False) for r in answers] == [False, True, True], "the repeats are flagged")
    at_venue = [o for o in stack.truth("orders") if D(o["quantity"]) == D("0.01")]
    expect(len(at_venue) == 1, f"{len(at_venue)} orders reached the venue")
    stack.send({**order, "quantity": "0.02"})
    stack.flush()
    wait_until(lambda: stack.log.find("orders.rejected", client_order_id=order["client_order_id"], code=301), 10, "code 301")


# --- the limits, at their exact boundaries ----------------------------------------------------------------------------------------


@check
def limits_at_their_boundaries(stack):
    settle(stack)
    stack.set_limits(max_orders_per_second=1000, max_daily_loss=1000000, max_position__BTC=100, max_order_notional=50000)
    # Size: 2 BTC at 25,000 is 50,000 exactly. The simulator's price was chosen so that 25,000 lies within the collar.
    expect(bid(stack) < D(25000) < ask(stack) * D("1.05"), "the market is where this check needs it")
    approved(stack, {"side": "buy", "quantity": "2", "price": "25000", "time_in_force": "ioc"})
    rejected_with(stack, {"side": "buy", "quantity": "2.00001", "price": "25000", "time_in_force": "ioc"}, 601)
    approved(stack, {"side": "buy", "quote_quantity": "50000"})
    rejected_with(stack, {"side": "buy", "quote_quantity": "50000.01"}, 601)
    # Collar: the last tick inside passes, the next one is refused.
    edge = (ask(stack) * D("1.05")).quantize(D("0.01"), decimal.ROUND_DOWN)
    approved(stack, {"side": "buy", "quantity": "0.001", "price": str(edge), "time_in_force": "ioc"})
    rejected_with(stack, {"side": "buy", "quantity": "0.001", "price": str(edge + D("0.01")), "time_in_force": "ioc"}, 501)
    edge = (bid(stack) * D("0.95")).quantize(D("0.01"), decimal.ROUND_UP)
    approved(stack, {"side": "sell", "quantity": "0.001", "price": str(edge), "time_in_force": "ioc"})
    rejected_with(stack, {"side": "sell", "quantity": "0.001", "price": str(edge - D("0.01")), "time_in_force": "ioc"}, 501)
    # Instrument.
    price = (bid(stack) - 100).quantize(D("0.01"))
    rejected_with(stack, {"side": "buy", "quantity": "0.01", "price": str(price + D("0.001"))}, 222)
    rejected_with(stack, {"side": "buy", "quantity": "0.010001", "price": str(price)}, 224)
    rejected_with(stack, {"side": "buy", "quantity": "0.00001", "price": str(price)}, 226)
    rejected_with(stack, {"side": "buy", "quantity": "1", "symbol": "NO-SUCH"}, 220)
    rejected_with(stack, {"side": "buy", "quantity": "1", "venue": "nowhere"}, 227)


@check
def the_position_limit_counts_open_orders(stack):
    settle(stack)
    stack.set_limits(max_orders_per_second=1000, max_order_notional=10000000, max_daily_loss=1000000, max_position__BTC=100)
    now = position(stack)
    wait_until(lambda: any(D(json.loads(stack.redis.get(k)).get("quantity", "0")) == now
                           for k in stack.redis.keys("position:main:*")) or now == 0, 5, "RiskGate knows the position")
    stack.set_limits(max_position__BTC=now + 3)
    price = str((bid(stack) - 200).quantize(D("0.01")))
    # Two resting orders and a third one come to the limit exactly; the position may carry dust finer than the lot from fees.
    dust = (now + 3) % D("0.00001")
    approved(stack, {"side": "buy", "quantity": "1", "price": price})
    approved(stack, {"side": "buy", "quantity": "1", "price": price})
    rejected_with(stack, {"side": "buy", "quantity": "1.00001", "price": price}, 701)
    approved(stack, {"side": "buy", "quantity": "1", "price": price})
    rejected_with(stack, {"side": "buy", "quantity": "0.00021", "price": price}, 701)
    wait_until(lambda: stack.risk().get("open_orders") == 3, 5, "Redis shows the three orders")
    settle(stack)
    wait_until(lambda: stack.risk().get("open_orders") == 0, 5, "what they had reserved is free again")
    approved(stack, {"side": "buy", "quantity": "3", "price": price})
    settle(stack)
    stack.set_limits(max_position__BTC=100)
    expect(dust >= 0, "dust is what fees leave")


def judged_by_rate(verdicts, limit):
    """That orders sent at once are judged as the limit says: by the second before the decision on each, so long as it took. Gives how many
    were approved."""
    passed = []
    for verdict, record in verdicts:
        moment = record["decided_at"]
        wanted = "approved" if sum(moment - one < 1_000_000_000 for one in passed) < limit else "rejected"
        expect(verdict == wanted, f"{verdict} at {moment}, approved before at {passed}")
        if verdict == "approved":
            passed.append(moment)
        else:
            expect(record["code"] == 801, f"the code is {record['code']}, not 801")
    return len(passed)


@check
def the_rate_limit_lets_five_through(stack):
    settle(stack)
    stack.set_limits(max_orders_per_second=5)
    time.sleep(1.1)  # the window itself is what is tested: nothing of before may be in it
    price = str((bid(stack) - 300).quantize(D("0.01")))
    identifiers = [new_id("rate") for _ in range(8)]
    for identifier in identifiers:
        stack.send({"client_order_id": identifier, "side": "buy", "quantity": "0.01", "price": price})
    stack.flush()
    expect(judged_by_rate([stack.decision(i) for i in identifiers], 5) >= 5, "the first five pass")
    settle(stack)
    stack.set_limits(max_orders_per_second=1000)


def settled_loss(stack, frozen):
    """The day's loss when it counts every trade, at the mark of the frozen prices: then it is a fixed number."""
    risk, shown = stack.risk(), json.loads(stack.redis.get("position:main:BTC-USDT") or "{}")
    held = {exposure["asset"]: D(exposure["position"]) for exposure in risk.get("exposures", [])}
    if held.get("BTC") != position(stack) or [ask(stack), bid(stack)] != frozen or 2 * D(shown.get("mark") or 0) != sum(frozen):
        return None
    return -D(risk["daily_profit"])


@check
def the_daily_loss_stops_at_its_limit(stack):
    settle(stack)
    stack.set_limits(max_orders_per_second=1000, max_daily_loss=1000000, max_position__BTC=100)
    frozen = [ask(stack), bid(stack)]
    stack.ended(approved(stack, {"side": "buy", "quantity": "0.1"})["client_order_id"])
    loss = wait_until(lambda: settled_loss(stack, frozen), 10, "a loss, the spread and the fees, that counts all that was traded")
    price = str((bid(stack) - 300).quantize(D("0.01")))
    stack.set_limits(max_daily_loss=loss + D("0.000000000000000001"))
    approved(stack, {"side": "buy", "quantity": "0.01", "price": price})
    stack.set_limits(max_daily_loss=loss)
    rejected_with(stack, {"side": "buy", "quantity": "0.01", "price": price}, 901)
    if position(stack) > D("0.01"):
        approved(stack, {"side": "sell", "quantity": "0.01", "price": str(ask(stack) + 300)})
    settle(stack)
    stack.set_limits(max_daily_loss=1000000)


@check
def an_order_that_waited_too_long_is_refused(stack):
    settle(stack)
    stack.set_limits(order_max_age_ms=4000)
    price = str((bid(stack) - 300).quantize(D("0.01")))
    approved(stack, {"side": "buy", "quantity": "0.01", "price": price})
    stale = new_id("stale")
    with stack.stopped("riskgate-0"):
        stack.send({"client_order_id": stale, "side": "buy", "quantity": "0.01", "price": price})
        stack.flush()
        time.sleep(4.1)  # the age on the topic is what is tested
    verdict, record = stack.decision(stale)
    expect(record.get("code") == 303, f"an order older than the limit is stale, not {verdict}: {record}")
    stack.set_limits(order_max_age_ms=10000)
    settle(stack)


@check
def trading_states(stack):
    settle(stack)
    price = str((bid(stack) - 300).quantize(D("0.01")))
    resting = approved(stack, {"side": "buy", "quantity": "0.01", "price": price})["client_order_id"]
    wait_until(lambda: any(r.get("status") == "open" for r in stack.log.find("executions", client_order_id=resting)), 10, "it rests")
    stack.apus("reduce-only")
    stack.ended(resting)
    rejected_with(stack, {"side": "buy", "quantity": "0.01", "price": price}, 102)
    if position(stack) > D("0.01"):
        approved(stack, {"side": "sell", "quantity": "0.01", "price": str(ask(stack) + 300)})
    stack.apus("halt")
    rejected_with(stack, {"side": "sell", "quantity": "0.01", "price": str(ask(stack) + 300)}, 101)
    settle(stack)  # a cancel passes a halt
    stack.apus("resume")
    approved(stack, {"side": "buy", "quantity": "0.01", "price": price})
    settle(stack)


@check
def hostile_records_are_answered_and_nobody_falls(stack):
    before = {p: stack.restarts(p) for p in ("riskgate-0", "ordermanager-0", "reconciler-0")}
    for fields, code in [
        ({"quantity": 0}, 205), ({"quantity": -1}, 205), ({"quantity": "NaN"}, 204), ({"quantity": " 1 "}, 204),
        ({"quantity": "0.123456789012345678901234567890"}, 206), ({"quantity": 1, "side": "up"}, 202),
        ({"quantity": 1, "expires_at": 1}, 302), ({}, 203),
    ]:
        rejected_with(stack, {"side": "buy", **fields}, code)
    letters = stack.log.count("dead_letters")
    huge = b'{"side":"buy","quantity":1,"tags":["' + b"x" * 900_000 + b'"]}'
    raw = [b'{"side":"buy","quantity":NaN}', b'{"side":"\xff\xfe","quantity":1}', huge, None, b"", b"[]", b"nonsense", b"{" * 60000]
    for value in raw:
        stack.producer.produce("orders", value=value, key="main")
    stack.send(None, raw=b'{"client_order_id":"huge-1","side":"buy","quantity":1e400}', key="main")
    stack.flush()
    expect(stack.decision("huge-1")[1]["code"] == 207, "1e400 is out of range")
    wait_until(lambda: stack.log.count("dead_letters") >= letters + len(raw), 15, "a dead letter each")
    approved(stack, {"side": "buy", "quantity": "0.01"})
    stack.await_healthy()
    expect(before == {p: stack.restarts(p) for p in before}, "a program fell")


@check
def strangers_records_on_our_own_topics_stop_no_take_over(stack):
    settle(stack)
    letters = stack.log.count("dead_letters")
    words = [b"", b"nonsense", b"[]", b"\xff", b'{"v":1}', b'{"v":1,"type":"plan"}', b'{"v":1,"type":"checkpoint"}']
    partitions = len(stack.producer.list_topics("orders", timeout=10).topics["orders"].partitions)
    for topic in ("orders.approved", "orders.rejected", "executions", "order.state", "risk.state"):
        for partition in range(partitions):
            for value in words:
                stack.producer.produce(topic, value=value, key="stranger", partition=partition)
    for topic in ("control", "limits", "instruments", "balances"):
        for value in [None, *words]:
            stack.producer.produce(topic, value=value, key="stranger")
    stack.flush()
    wait_until(lambda: stack.log.count("dead_letters") > letters, 15, "dead letters")
    restarts = {program: stack.restarts(program) for program in ("riskgate-0", "ordermanager-0", "reconciler-0")}
    for program in restarts:
        stack.kill(program)
    wait_until(lambda: all(stack.restarts(p) > n for p, n in restarts.items()), 20, "the programs' restarts")
    stack.await_healthy()
    record = approved(stack, {"side": "buy", "quantity": "0.01"})
    expect(stack.ended(record["client_order_id"])["status"] == "filled", "an order is filled after the take-over")
    expect({p: n + 1 for p, n in restarts.items()} == {p: stack.restarts(p) for p in restarts}, "one restart was enough")


@check
def without_a_book_nothing_increases(stack):
    settle(stack)
    stack.set_limits(reference_max_age_ms=2000)
    with stack.stopped("ingestor-0"):  # connected but silent
        time.sleep(2.6)  # the age at which a book stops being a reference is what is tested
        rejected_with(stack, {"side": "buy", "quantity": "0.01"}, 401)
    wait_until(lambda: stack.top().get("valid"), 20, "a valid book again")
    wait_until(lambda: attempt(lambda: approved(stack, {"side": "buy", "quantity": "0.01"})), 20, "orders pass again")
    stack.set_limits(reference_max_age_ms=WIDE["reference_max_age_ms"])


def attempt(action):
    try:
        return action()
    except Failure:
        return None


# --- a thousand orders ---------------------------------------------------------------------------------------------------------


def a_thousand_orders(stack, seed, accounts, disturb):
    """Mixed orders on all accounts; `disturb(n)` is called before the nth. Then PostgreSQL must equal the simulator's own account."""
    generator = random.Random(seed)
    for account in accounts:
        stack.set_limits(account, **WIDE)
    sent = []
    started = time.monotonic()
    for number in range(1000):
        disturb(number)
        account = generator.choice(accounts)
        identifier = f"k{seed}-{number}"
        side = generator.choice(["buy", "sell"])
        order = {"client_order_id": identifier, "account": account, "side": side, "quantity": f"{generator.randint(1, 30)}e-3"}
        kind = generator.random()
        middle = D("24900")
        if kind < 0.35:
            pass
        elif kind < 0.8:
            offset = generator.randint(-150, 150)
            order["price"] = str(middle + offset)
            order["time_in_force"] = generator.choice(["gtc", "gtc", "ioc", "fok"])
        elif sent:
            target = generator.choice(sent)
            order = {"client_order_id": identifier, "account": target[0], "action": "cancel", "target_client_order_id": target[1]}
        if "action" not in order:
            sent.append((account, identifier))
        stack.send(order)
        if number % 10 == 9:
            time.sleep(0.06)
    stack.flush()

    def missing():
        decided = {(r["account"], r["client_order_id"]) for t in ("orders.approved", "orders.rejected") for r in stack.log.find(t)
                   if "client_order_id" in r}
        return [s for s in sent if s not in decided]

    wait_until(lambda: not missing(), 90, "every order decided")
    for account in accounts:
        stack.send({"action": "cancel_all", "account": account})
    stack.flush()

    def unfinished():
        states = {}
        for event in stack.log.find("executions"):
            if "status" in event:
                states[(event["account"], event["client_order_id"])] = event["status"]
        approvals = {(r["account"], r["client_order_id"]) for r in stack.log.find("orders.approved") if r.get("action") == "new"}
        return [key for key in approvals if key in set(sent) and states.get(key) not in ENDED]

    def swept():
        left = unfinished()
        if left and generator.random() < 0.02:
            for account in accounts:
                stack.send({"action": "cancel_all", "account": account})
            stack.flush()
        return not left

    wait_until(swept, 120, "every approved order ended")
    print(f"  1,000 orders ended {time.monotonic() - started:.1f} s after the first was sent")
    compare_with_venue(stack)


def compare_with_venue(stack, venue="binance"):
    """Orders, fills and balances: PostgreSQL against the simulated venue's own account, to the last digit."""

    def ours_there(what):
        """Somebody else's orders and fills are no business of ours."""
        return [fact for fact in stack.truth(what, venue) if fact["client_order_id"].startswith("apus-")]

    def difference():
        venue_orders = {o["client_order_id"]: D(o["executed"]) for o in ours_there("orders")}
        ours = {row[0]: row[1] for row in stack.query(
            "SELECT venue_client_id, filled_quantity FROM child_orders WHERE venue = %s", venue)}
        # What the venue refused never was an order there.
        lost = {i for i in venue_orders if i not in ours}
        wrong = {i: (q, ours[i]) for i, q in venue_orders.items() if i in ours and ours[i] != q}
        unknown = {i for i, q in ours.items() if i not in venue_orders and q}
        if lost or wrong or unknown:
            return f"orders: lost {sorted(lost)[:3]}, wrong {list(wrong.items())[:3]}, not at the venue {sorted(unknown)[:3]}"
        venue_fills = sorted(
            (str(f["order_id"]), str(f["trade_id"]), D(f["price"]), D(f["quantity"]), D(f["fee"]))
            for f in ours_there("fills"))
        our_fills = sorted(stack.query("SELECT venue_order_id, trade_id, price, quantity, fee FROM fills WHERE venue = %s", venue))
        if venue_fills != our_fills:
            return f"fills: {len(venue_fills)} at the venue, {len(our_fills)} in PostgreSQL"
        venue_balances = {(b["account"], b["asset"]): (D(b["free"]), D(b["locked"])) for b in stack.truth("balances", venue)}
        for account, asset, free, locked in stack.query("SELECT account, asset, free, locked FROM balances WHERE venue = %s", venue):
            if venue_balances.get((account, asset), (D(0), D(0))) != (free, locked):
                return f"balances: {account} {asset} {free}+{locked} in PostgreSQL, {venue_balances.get((account, asset))} at the venue"
        return None

    last = [None]

    def equal():
        try:
            last[0] = difference()
        except psycopg2.OperationalError as error:  # it may be on its way up again
            last[0] = str(error)
        return last[0] is None

    try:
        started = time.monotonic()
        wait_until(equal, 60, f"PostgreSQL equals {venue}")
        print(f"  PostgreSQL equals {venue} after {time.monotonic() - started:.1f} s")
    except Failure:
        raise Failure(last[0]) from None
    compare_positions(stack)
    twice = stack.query("SELECT venue_client_id FROM child_orders GROUP BY venue_client_id HAVING count(*) > 1")
    expect(not twice, f"an order was recorded twice: {twice[:3]}")
    placed = [o["client_order_id"] for o in ours_there("orders")]
    expect(len(placed) == len(set(placed)), "an order was placed twice")


def compare_positions(stack):
    """RiskGate's position and cash in Redis against an independent sum over the fills: exact, through partial closes and flips."""
    for account, symbol in stack.query("SELECT DISTINCT account, symbol FROM fills"):
        base, quote = symbol.split("-")

        def recorded():
            quantity, cash = D(0), D(0)
            for side, price, amount, fee, asset in stack.query(
                    "SELECT side, price, quantity, fee, fee_asset FROM fills WHERE account = %s AND symbol = %s", account, symbol):
                sign = 1 if side == "buy" else -1
                quantity += sign * amount - (fee if asset == base else 0)
                cash -= sign * price * amount + (fee if asset == quote else 0)
            return quantity, cash

        def shown():
            position = json.loads(stack.redis.get(f"position:{account}:{symbol}") or "{}")
            if not position:
                return None
            # What was realised less what a long position cost, plus what a short one brought, is the money that moved, however the
            # basis was split over the closes.
            held = D(position["quantity"])
            return held, D(position["realised"]) - D(position["cost"]).copy_sign(held)

        try:
            # Both are written behind the log, each at its own pace.
            wait_until(lambda: shown() == recorded(), 10, "")
        except Failure:
            raise Failure(f"{account} {symbol}: position and cash are {recorded()} by the fills and {shown()} in Redis") from None


@check
def a_thousand_orders_with_redis_flushed(stack):
    def disturb(number):
        if number == 500:
            stack.redis.flushall()

    a_thousand_orders(stack, 1, ["main", "desk"], disturb)


@check
def a_thousand_orders_with_every_service_killed(stack):
    victims = {200: "riskgate-0", 350: "ordermanager-0", 500: "ingestor-0", 650: "reconciler-0", 750: "riskgate-0", 850: "ordermanager-0"}

    def disturb(number):
        if number in victims:
            stack.kill(victims[number])

    a_thousand_orders(stack, 2, ["main", "desk"], disturb)
    stack.await_healthy()


@check
def a_thousand_orders_with_every_server_killed(stack):
    victims = {250: "kafka", 500: "redis", 750: "postgres"}

    def disturb(number):
        if number in victims:
            stack.kill(victims[number])

    a_thousand_orders(stack, 4, ["main", "desk"], disturb)
    stack.await_healthy()


# --- two of each -----------------------------------------------------------------------------------------------------------------


def two_of_each(stack):
    """Two accounts on different partitions, two RiskGates, two OrderManagers: each account's limits hold, its orders are sent once."""
    for topic in ("orders.approved", "executions"):
        wait_until(lambda: len(owners(stack, topic)) == 2, 30, f"two owners of {topic}")
    stack.set_limits("main", max_orders_per_second=5)
    stack.set_limits("desk", max_orders_per_second=3)
    time.sleep(1.1)
    identifiers = {account: [new_id(f"{account}-pair") for _ in range(8)] for account in ("main", "desk")}
    for pair in zip(*identifiers.values()):
        for account, identifier in zip(identifiers, pair):
            stack.send({"client_order_id": identifier, "account": account, "side": "buy", "quantity": "0.01"})
    stack.flush()
    for account, limit in (("main", 5), ("desk", 3)):
        verdicts = [stack.decision(i, account) for i in identifiers[account]]
        judged_by_rate(verdicts, limit)
        for verdict, record in verdicts:
            if verdict == "approved":
                expect(stack.ended(record["client_order_id"], account)["status"] == "filled", "an approved order is filled")
    for topic in ("orders.approved", "executions"):
        of = {account: owner_of(stack, topic, account) for account in ("main", "desk")}
        expect(of["main"] != of["desk"], f"one program owns both accounts' partitions of {topic}: {of}")
    a_thousand_orders(stack, 3, ["main", "desk"], lambda number: None)


def owners(stack, topic):
    """Who owns partitions of the topic: whoever took each last."""
    return {owner for owner in {r["_partition"]: r["owner"] for r in stack.log.find(topic, type="epoch")}.values()}


def owner_of(stack, topic, account):
    """Who took the account's partition last."""
    partition = stack.log.find(topic, account=account)[0]["_partition"]
    return stack.log.find(topic, type="epoch", _partition=partition)[-1]["owner"]


def run(stack, checks):
    failures = 0
    for function in checks:
        started = time.monotonic()
        try:
            function(stack)
            print(f"PASS {function.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception:
            failures += 1
            traceback.print_exc()
            print(f"FAIL {function.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
    return failures


def schemas(stack):
    """Every record that the run has written matches its schema."""
    subprocess.run([sys.executable, str(stack_checks() / "schemas.py"), "--bootstrap", stack.bootstrap], check=True)


def stack_checks():
    import pathlib

    return pathlib.Path(__file__).resolve().parent


# A frozen market, so that boundaries are exact; 24,900 so that a 25,000 limit lies within the collar; a venue without rate limits,
# because a thousand orders in ten seconds is more than the real one allows.
MARKET = {
    "SIM_FROZEN_PRICE": "true", "SIM_PRICE": "24900", "SIM_WEIGHT_LIMIT": "1000000000", "SIM_ORDER_LIMIT_10S": "1000000000",
    "SIM_ORDER_LIMIT_1D": "1000000000",
}


def bear_pauses(stack):
    """A machine that pauses makes no book too old."""
    for account in ("main", "desk"):
        stack.set_limits(account, reference_max_age_ms=WIDE["reference_max_age_ms"])


def main():
    words = sys.argv[1:]
    wanted = [c for c in CHECKS if not words or any(w in c.__name__ for w in words)]
    failures = 0
    if wanted:
        with Stack(**MARKET) as stack:
            bear_pauses(stack)
            failures += run(stack, wanted + [schemas])
    if not words or "two_of_each" in words:
        with Stack(scale=["RiskGate=2", "OrderManager=2"], **MARKET) as stack:
            bear_pauses(stack)
            failures += run(stack, [two_of_each])
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
