#!/usr/bin/env python3
"""Thirty seconds at five times the venue's rate limit, through the real topics: the venue bans nobody, and cancels do not wait for the
flood. What the cancels took, from the client's clock to the record that says `cancelled`, is printed; --cancel-limit fails the check when
the slowest of a hundred is slower (milliseconds; 0: never)."""
import argparse
import json
import statistics
import sys
import time
import urllib.error
import urllib.request

from stack import WIDE, Stack, expect, wait_until

# Of Binance an order costs 1, so that so much a minute allows as many orders in a second as Bybit does.
WEIGHT_PER_MINUTE = 1_200
ORDERS_PER_SECOND = 5 * WEIGHT_PER_MINUTE // 60
SECONDS = 30
CANCEL_EVERY = 0.5


def ask(stack, venue):
    """(HTTP status, weight that the venue counts, where it counts one); the question itself costs 1."""
    path = "/api/v3/time" if venue == "binance" else "/v5/market/time"
    try:
        with urllib.request.urlopen(stack.variables[f"SIM_{venue.upper()}_REST_URL"] + path, timeout=5) as reply:
            return reply.status, int(reply.headers.get("x-mbx-used-weight-1m", 0))
    except urllib.error.HTTPError as error:
        return error.code, 0


class Story:
    """What the log has said so far, order by order."""

    def __init__(self, log):
        self.log, self.read, self.events, self.approved = log, {}, {}, {}

    def catch_up(self):
        for topic, known in (("executions", self.events), ("orders.approved", self.approved)):
            with self.log.lock:
                new = self.log.records[topic][self.read.get(topic, 0):]
            self.read[topic] = self.read.get(topic, 0) + len(new)
            for record in new:
                if "client_order_id" in record:
                    known.setdefault(record["client_order_id"], []).append(record)

    def status(self, identifier):
        return next((e["status"] for e in reversed(self.events.get(identifier, [])) if "status" in e), None)


def flood(stack, story, venue):
    """Sends orders that rest far below the market, and now and then cancels one that does; gives the orders' number, the highest weight
    that the venue counted, and the cancels: (target, cancel, time of sending)."""
    price = round(float(stack.top(venue)["bid"][0]) * 0.97)
    begun, sent, cancels, highest, asked = time.monotonic(), 0, [], 0, 0.0
    next_cancel, resting = begun + 2, 0
    while (now := time.monotonic()) < begun + SECONDS:
        while sent < (now - begun) * ORDERS_PER_SECOND:
            stack.send({
                "side": "buy", "quantity": "0.001", "type": "limit", "price": str(price), "venue": venue, "client_order_id": f"flood-{sent}"})
            sent += 1
        if now >= asked + 2:
            asked = now
            status, weight = ask(stack, venue)
            expect(status == 200, f"the venue answers {status} after {now - begun:.1f} s")
            highest = max(highest, weight)
        story.catch_up()
        if now >= next_cancel:
            # The first that is known to rest and was not cancelled yet.
            while resting < sent and story.status(f"flood-{resting}") not in (None, "submitting", "open"):
                resting += 1
            target = f"flood-{resting}"
            if story.status(target) == "open":
                cancels.append((target, f"cancel-{resting}", time.time()))
                stack.send({"action": "cancel", "target_client_order_id": target, "client_order_id": f"cancel-{resting}"})
                next_cancel, resting = now + CANCEL_EVERY, resting + 1
        time.sleep(0.005)
    stack.flush()
    return sent, highest, cancels


def judge(stack, story, cancels):
    """Milliseconds from each cancel's sending to RiskGate's record of it, and to the end of its target."""
    decisions, ends = [], []
    for target, cancel, sent_at in cancels:
        end = stack.ended(target)
        expect(end["status"] == "cancelled", f"{target} ended {end['status']}")
        wait_until(lambda: story.catch_up() or cancel in story.approved, 10, f"RiskGate's record of {cancel}")
        decisions.append(story.approved[cancel][0]["_time"] - 1000 * sent_at)
        ends.append(end["_time"] - 1000 * sent_at)
    return sorted(decisions), sorted(ends)


def say(name, milliseconds):
    print(f"  {name}: median {statistics.median(milliseconds):.0f} ms, slowest of a hundred {of_a_hundred(milliseconds):.0f} ms, "
          f"slowest {milliseconds[-1]:.0f} ms")


def of_a_hundred(milliseconds):
    return milliseconds[min(len(milliseconds) - 1, int(0.99 * len(milliseconds)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venue", choices=("binance", "bybit"), default="binance")
    parser.add_argument("--cancel-limit", type=int, default=0)
    arguments = parser.parse_args()
    venue, limit = arguments.venue, arguments.cancel_limit
    settings = {"SIM_FROZEN_PRICE": "true"}
    if venue == "binance":
        settings |= {"SIM_WEIGHT_LIMIT": str(WEIGHT_PER_MINUTE), "SIM_ORDER_LIMIT_10S": "1000000", "SIM_ORDER_LIMIT_1D": "1000000"}
    else:
        settings["APUS_SIM_BYBIT"] = "yes"
    with Stack(**settings) as stack:
        stack.set_limits(**WIDE)
        wait_until(lambda: stack.top(venue).get("valid"), 30, "a valid book")
        story = Story(stack.log)
        sent, highest, cancels = flood(stack, story, venue)
        decisions, ends = judge(stack, story, cancels)
        status, weight = ask(stack, venue)
        expect(status == 200, f"the venue answers {status} in the end")
        view = json.loads(wait_until(lambda: stack.redis.get(f"venue:{venue}:ordermanager-0"), 5, "the traffic in Redis"))
        expect(view["circuit"] == "closed", f"the circuit is {view['circuit']}")
        expect(view["silences"] == 0, f"the venue wanted silence {view['silences']} times")
        expect(len(cancels) >= SECONDS / CANCEL_EVERY / 2, f"only {len(cancels)} cancels were tried")
        reached = {events[0]["client_order_id"] for events in story.events.values() if any(e.get("venue_order_id") for e in events)}
        expect(reached, "nothing was placed")
        print(f"  {sent} orders asked for at five times the limit of {venue}, {len(reached)} sent"
              + (f", weight used at most {max(highest, weight)} of {WEIGHT_PER_MINUTE} a minute" if weight else ""))
        say(f"{len(cancels)} cancels until RiskGate has passed them", decisions)
        say(f"{len(cancels)} cancels until the order has ended", ends)
        expect(not limit or of_a_hundred(ends) <= limit, f"a cancel took {of_a_hundred(ends):.0f} ms")
    print("rate limit: nobody was banned")


if __name__ == "__main__":
    sys.exit(main())
