#!/usr/bin/env python3
"""The stack with two simulated venues: what its log says of trades and of funding is the venues' own, and the strategy across venues keeps to
its word.

    market_data.py [CHECK...]     all checks, or those whose names contain one of the words
"""
import decimal
import json
import sys
import time
import urllib.request

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

import asyncapi_document
from end_to_end import run, schemas
from schemas import SCHEMAS
from stack import ENDED, Stack, expect, wait_until

D = decimal.Decimal
CHECKS = []
LARGEST_POSITION = D("0.12")
# Two venues that follow one market and differ by more than their fees, most of the time; the strategy takes where they do.
MARKET = {
    "APUS_SIM_BYBIT": "yes", "APUS_SYMBOLS": "BTC-USDT,BTC-USDT-PERP", "SIM_DEVIATION_BPS": "80", "SIM_ACK_DELAY_MS": "5",
    "SIM_MATCH_DELAY_MS": "5", "APUS_STRATEGY": "taker", "APUS_TAKER_QUANTITY": "0.05", "APUS_TAKER_MAX_POSITION": str(LARGEST_POSITION),
}
# What the log calls a market, and where the venue itself lists its trades.
FEEDS = {
    ("binance", "btc_usdt"): "/api/v3/trades?symbol=BTCUSDT&limit=500",
    ("bybit", "btc_usdt"): "/v5/market/recent-trade?category=spot&symbol=BTCUSDT&limit=60",
    ("bybit", "btc_usdt_perp"): "/v5/market/recent-trade?category=linear&symbol=BTCUSDT&limit=500",
}


def check(function):
    CHECKS.append(function)
    return function


def on_topic(stack, topic):
    """Every record on a topic of one partition."""
    consumer = Consumer({"bootstrap.servers": stack.bootstrap, "group.id": "market-data", "enable.auto.commit": False, "log_level": 0})
    place = TopicPartition(topic, 0, 0)
    end = consumer.get_watermark_offsets(place, timeout=10)[1]
    consumer.assign([place])
    records, reached = [], 0
    while reached < end:
        message = wait_until(lambda: consumer.poll(1), 10, f"the rest of {topic}")
        expect(not message.error(), f"{topic} cannot be read: {message.error()}")
        records.append(json.loads(message.value()))
        reached = message.offset() + 1
    consumer.close()
    return records


def trades_on_topic(stack, venue, pair):
    return [trade for record in on_topic(stack, f"trades.{venue}.{pair}") for trade in record["trades"]]


def trades_at_venue(stack, venue, target):
    """By id: price, quantity, the taker's side."""
    url = stack.variables[f"SIM_{venue.upper()}_REST_URL"] + target
    with urllib.request.urlopen(url, timeout=10) as reply:
        answer = json.load(reply)
    if venue == "binance":
        return {str(t["id"]): (D(t["price"]), D(t["qty"]), "sell" if t["isBuyerMaker"] else "buy") for t in answer}
    return {t["execId"]: (D(t["price"]), D(t["size"]), t["side"].lower()) for t in answer["result"]["list"]}


def compare_trades(stack, venue, pair, since):
    """Whatever the venue lists from the topic's first trade after `since` on is there, once, in order, as it was."""
    there = trades_at_venue(stack, venue, FEEDS[venue, pair])
    newest = max(there, key=int)
    wait_until(lambda: any(int(t["id"]) >= int(newest) for t in trades_on_topic(stack, venue, pair)), 10, f"trade {newest} of {venue}")
    trades = trades_on_topic(stack, venue, pair)
    ids = [int(trade["id"]) for trade in trades]
    expect(ids == sorted(set(ids)), f"{venue} {pair}: not in order, or one twice")
    here = {t["id"]: (D(t["price"]), D(t["quantity"]), t["side"]) for t in trades}
    compared = [id for id in there if int(id) >= (since or ids[0])]
    wrong = [id for id in compared if here.get(id) != there[id]]
    expect(compared and not wrong, f"{venue} {pair}: {len(wrong)} of {len(compared)} trades differ: {wrong[:3]}")
    return trades


@check
def trades_are_the_venues(stack):
    for venue, pair in FEEDS:
        wait_until(lambda: len(trades_on_topic(stack, venue, pair)) > 20, 30, f"trades of {venue} {pair}")
        trades = compare_trades(stack, venue, pair, None)
        expect([t["gap"]["reason"] for t in trades if "gap" in t] == ["started"], f"{venue} {pair}: a gap without a reason")


@check
def a_break_is_said_and_nothing_comes_twice(stack):
    before = {feed: len(trades_on_topic(stack, *feed)) for feed in FEEDS}
    for venue, path in (("binance", "/stream*"), ("bybit", "/v5/public/*")):
        stack.fault(venue=venue, fault="cut_websocket", match=path, count=10)
    # What comes after these came over a new connection.
    cut = {feed: max(map(int, trades_at_venue(stack, feed[0], FEEDS[feed]))) for feed in FEEDS}
    for venue, pair in FEEDS:
        wait_until(lambda: sum(int(t["id"]) > cut[venue, pair] for t in trades_on_topic(stack, venue, pair)) > 20, 40,
                   f"trades of {venue} {pair} again")
        trades = trades_on_topic(stack, venue, pair)
        last, fresh = trades[before[venue, pair] - 1], trades[before[venue, pair]:]
        gaps = [trade["gap"] for trade in fresh if "gap" in trade]
        if venue == "binance":
            # It counts its trades: a break that lost none is none.
            said, missed = sum(gap["missed"] for gap in gaps), int(fresh[-1]["id"]) - int(last["id"]) - len(fresh)
            expect(said == missed, f"{missed} trades are missing, {said} are said to be")
        else:
            expect([gap["reason"] for gap in gaps] == ["disconnected"], f"{pair} after a break: {gaps}")
        compare_trades(stack, venue, pair, int(fresh[-1]["id"]))


def funding(stack):
    """The rate as it stands and the payments, once the last of them is behind the rate's: a payment is listed a little after it is made."""
    lines = stack.apus("funding", "--venue", "bybit", "--symbol", "BTC-USDT-PERP", "--json").stdout.splitlines()
    said = {record["type"]: record for record in map(json.loads, lines)}
    if said.keys() == {"live", "history"} and said["live"]["next_time"] - said["history"]["payments"][-1]["time"] == said["live"]["interval"]:
        return said["live"], said["history"]
    return None


@check
def funding_is_the_venues(stack):
    live, history = wait_until(lambda: funding(stack), 60, "a rate one interval behind the last payment")
    expect(D(live["rate"]) == D("0.0001") and D(live["apr"]) == D("10.95"), f"the rate is {live}")
    expect(0 < live["next_time"] / 1e9 - time.time() <= 8 * 3600, f"next in {live['next_time'] / 1e9 - time.time()} s")
    payments = history["payments"]
    expect(len(payments) > 100 and {p["apr"] for p in payments} == {"10.95"}, f"{len(payments)} payments")
    expect(all(b["time"] - a["time"] == live["interval"] for a, b in zip(payments, payments[1:])), "payments at odd times")
    table = stack.apus("funding").stdout
    expect("10.95 %" in table and "BTC-USDT-PERP" in table and "8h" in table, table)
    expect(stack.apus("funding", "--venue", "binance", check=False).returncode == 6, "of a venue that is not followed")


@check
def every_topic_is_described(stack):
    described = asyncapi_document.Topics(asyncapi_document.read(SCHEMAS))
    found = AdminClient({"bootstrap.servers": stack.bootstrap, "log_level": 0}).list_topics(timeout=10).topics
    for topic in found.values():
        channels = described.of(topic.topic)
        if topic.topic.startswith("__"):
            continue  # The broker's own.
        expect(len(channels) == 1, f"{topic.topic} has the channels {channels}")
        partitions = described.channels[channels[0]][1]["bindings"]["kafka"]["partitions"]
        expect(len(topic.partitions) == partitions, f"{topic.topic} has {len(topic.partitions)} partitions, not {partitions}")
    expect({"trades.bybit.btc_usdt_perp", "funding_rates.bybit.btc_usdt_perp"} <= found.keys(), f"the topics are {sorted(found)}")


@check
def the_taker_keeps_to_its_word(stack):
    """It buys at one venue and sells at the other, one order at a time, and never holds more than it may."""
    def own(topic):
        return [r for r in stack.log.find(topic) if r.get("client_order_id", "").startswith("taker-")]

    def filled_sides():
        return {e["side"] for e in own("executions") if "fill" in e}

    def venues():
        return {e["venue"] for e in own("executions") if "fill" in e}

    wait_until(lambda: filled_sides() == {"buy", "sell"} and venues() == {"binance", "bybit"}, 90,
               "the taker has bought and sold, and traded at both venues")
    held, live, last = D(0), set(), {}
    for event in own("executions"):
        if event["type"] not in ("order", "fill"):
            continue
        id = event["client_order_id"]
        if id not in last:
            expect(not live, f"{id} began while {live} were under way")
            if event["side"] == "buy":
                expect(held + D(event["quantity"]) <= LARGEST_POSITION, f"{id} buys {event['quantity']} and holds {held}")
            else:
                expect(D(event["quantity"]) <= held, f"{id} sells {event['quantity']} and holds {held}")
        live = live - {id} if event["status"] in ENDED else live | {id}
        cumulative = D(event["cumulative_quantity"])
        change = max(cumulative - last.get(id, D(0)), D(0))
        last[id] = last.get(id, D(0)) + change
        held += change if event["side"] == "buy" else -change


def main():
    words = sys.argv[1:]
    wanted = [c for c in CHECKS if not words or any(w in c.__name__ for w in words)]
    with Stack(**MARKET) as stack:
        failures = run(stack, wanted + [schemas])
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
