"""The invariants, as pure functions over a recorded history. Each gives sentences; none is good news."""
import collections
import decimal

from stack import ENDED

D = decimal.Decimal
# An order that never came to the venue ended in one of these.
NOT_SENT = {"rejected", "expired", "cancelled", "halted"}
SAME = {"filled": "filled", "cancelled": "cancelled", "expired": "expired", "prevented": "expired"}


def check(history):
    """What was found, by kind: duplicated, lost, wrong."""
    found = {"duplicated": [], "lost": [], "wrong": []}
    for function in (
            decided_once, sent_once, ended_as_at_the_venue, fills_once, within_limits, database_equals_venue, redis_equals_venue):
        for kind, sentence in function(history):
            found[kind].append(sentence)
    return found


def approvals(history):
    """Keys of the orders that were approved."""
    return [k for k, ds in history.decisions.items() if any(d.topic == "orders.approved" and d.action == "new" for d in ds)]


def venue_by_key(history):
    found = collections.defaultdict(list)
    for order in history.venue_orders:
        found[history.children.get(order["client_order_id"])].append(order)
    return found


def decided_once(history):
    for key in history.acknowledged:
        if key not in history.submitted:
            yield "lost", f"{key} was acknowledged by the broker and is not on the topic"
    for key, times in history.submitted.items():
        decisions = history.decisions.get(key, [])
        first = [d for d in decisions if not d.is_duplicate]
        if not first:
            yield "lost", f"{key} was never decided"
        if len(first) > 1:
            yield "duplicated", f"{key} was decided {len(first)} times: {[(d.topic, d.code) for d in first]}"
        if len(decisions) > times:
            yield "duplicated", f"{key} was submitted {times} times and answered {len(decisions)} times"
    for key in history.decisions:
        if key not in history.submitted:
            yield "wrong", f"{key} was decided and never submitted"


def sent_once(history):
    approved = set(approvals(history))
    for key, orders in venue_by_key(history).items():
        if key is None:
            for order in orders:
                yield "wrong", f"{order['client_order_id']} of {order['account']} is at the venue without a plan"
            continue
        if key not in approved:
            yield "wrong", f"{key} was sent without an approval"
        for name, count in collections.Counter(o["client_order_id"] for o in orders).items():
            if count > 1:
                yield "duplicated", f"{key} was placed {count} times as {name}"


def ended_as_at_the_venue(history):
    at_venue = venue_by_key(history)
    for key in approvals(history):
        end, orders = history.ends.get(key), at_venue.get(key, [])
        if end is None:
            yield "lost", f"{key} was approved and nothing more is known of it"
        elif end.status == "unknown":
            if key[1] not in history.alerted:
                yield "wrong", f"{key} is unknown and nobody was told"
        elif end.status not in ENDED:
            yield "lost", f"{key} has not ended: {end.status}"
        else:
            yield from end_is_right(key, end, orders)


def end_is_right(key, end, orders):
    executed = sum((D(o["executed"]) for o in orders), D(0))
    if not end.provenance:
        yield "wrong", f"{key} ended {end.status}, and how that is known is not said"
    if end.cumulative != executed:
        yield "wrong", f"{key} ended with {end.cumulative} filled, {executed} at the venue"
    if not orders:
        if end.status not in NOT_SENT:
            yield "lost", f"{key} ended {end.status} and never was at the venue"
    elif orders[-1]["status"] not in SAME:
        yield "wrong", f"{key} ended {end.status} and is {orders[-1]['status']} at the venue"
    elif end.status != SAME[orders[-1]["status"]]:
        yield "wrong", f"{key} ended {end.status}, at the venue {orders[-1]['status']}"


def fills_once(history):
    at_venue = {(f["account"], str(f["order_id"]), str(f["trade_id"])) for f in history.venue_fills}
    for fill, times in history.fills.items():
        if times > 1:
            yield "duplicated", f"the fill {fill} was told {times} times"
        if fill not in at_venue:
            yield "wrong", f"the fill {fill} never happened at the venue"
    for fill in at_venue - set(history.fills):
        yield "lost", f"the fill {fill} was never told"


def within_limits(history):
    """Approvals against each account's limits: by the decisions for rate and size, by the venue's own history for the position."""
    by_account = collections.defaultdict(list)
    for key, decisions in history.decisions.items():
        if key[0] in history.limits:
            by_account[key[0]] += [d for d in decisions if d.topic == "orders.approved" and d.action == "new" and not d.is_duplicate]
    for account, limits in history.limits.items():
        approved = sorted(by_account[account], key=lambda d: d.decided_at)
        for first, after in zip(approved, approved[int(limits["rate"]):]):
            if after.decided_at - first.decided_at < 1_000_000_000:
                yield "wrong", f"{account}: more than {limits['rate']} approvals within the second from {first.decided_at}"
        for one in approved:
            if one.price and one.quantity and one.price * one.quantity > limits["notional"] * D("1.06"):
                yield "wrong", f"{account}: an order of {one.quantity} at {one.price} was approved"
        yield from position_within(history, account, limits["position"])


def position_within(history, account, limit):
    """The position and all that was open on one side never passed the limit, at any moment of the venue's time."""
    steps = []
    for order in (o for o in history.venue_orders if o["account"] == account):
        sign = 1 if order["side"] == "buy" else -1
        steps.append((int(order["created"]), 0, sign, D(order["quantity"]), D(0)))
        rest = D(order["quantity"]) - D(order["executed"])
        if order["status"] not in ("new", "partiallyFilled"):
            steps.append((int(order["updated"]), 2, sign, -rest, D(0)))
    for fill in (f for f in history.venue_fills if f["account"] == account):
        sign = 1 if fill["side"] == "buy" else -1
        fee = D(fill["fee"]) if fill["fee_asset"] == "BTC" else D(0)
        steps.append((int(fill["time"]), 1, sign, -D(fill["quantity"]), sign * D(fill["quantity"]) - fee))
    position, pending = D(0), {1: D(0), -1: D(0)}
    for moment, _, sign, change, moved in sorted(steps, key=lambda s: s[:2]):
        pending[sign] += change
        position += moved
        for side in (1, -1):
            # A sale's fee is taken in dollars, a purchase's in coins: what is open can only be worth less than it says.
            if side * position + pending[side] > limit and pending[side] > 0:
                yield "wrong", f"{account}: {position} held and {pending[side]} open on side {side} at {moment}, over {limit}"
                return


def database_equals_venue(history):
    for key, end in history.ends.items():
        row = history.rows.get(key)
        if row is None:
            yield "lost", f"{key} has no row in PostgreSQL"
        elif row != (end.status, end.cumulative):
            yield "wrong", f"{key} is {row} in PostgreSQL, {end.status} with {end.cumulative} on the log"
    fills = {(f["account"], str(f["order_id"]), str(f["trade_id"]), D(f["price"]), D(f["quantity"]), D(f["fee"]))
             for f in history.venue_fills}
    for fill in fills - history.row_fills:
        yield "lost", f"the fill {fill[:3]} is not in PostgreSQL as it was at the venue"
    for fill in history.row_fills - fills:
        yield "wrong", f"PostgreSQL has a fill {fill[:3]} that was not so at the venue"
    for place, amounts in history.row_balances.items():
        if history.venue_balances.get(place, (D(0), D(0))) != amounts:
            yield "wrong", f"the balance {place} is {amounts} in PostgreSQL, {history.venue_balances.get(place)} at the venue"
    for discrepancy in history.discrepancies:
        yield "wrong", f"an unresolved discrepancy: {discrepancy}"


def redis_equals_venue(history):
    held = collections.defaultdict(lambda: [D(0), D(0)])
    for fill in history.venue_fills:
        sign = 1 if fill["side"] == "buy" else -1
        sums = held[fill["account"]]
        sums[0] += sign * D(fill["quantity"]) - (D(fill["fee"]) if fill["fee_asset"] == "BTC" else 0)
        sums[1] -= sign * D(fill["price"]) * D(fill["quantity"]) + (D(fill["fee"]) if fill["fee_asset"] == "USDT" else 0)
    for account, sums in held.items():
        if history.positions.get(account) != tuple(sums):
            yield "wrong", f"{account} holds {tuple(sums)} by the venue's fills, {history.positions.get(account)} in Redis"
    for account, shown in history.open_orders.items():
        alive = {k[1] for k, end in history.ends.items() if k[0] == account and end.status not in ENDED}
        if set(shown) != alive:
            yield "wrong", f"{account}: Redis shows open {sorted(set(shown) ^ alive)[:5]} other than the log"
    for key, status in history.shown.items():
        if status != history.ends[key].status:
            yield "wrong", f"{key} is {status} in Redis, {history.ends[key].status} on the log"
