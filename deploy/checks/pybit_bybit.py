#!/usr/bin/env python3
"""Judges the simulator's Bybit by the venue's own Python client: REST, and the public and private WebSockets over TLS.

    /tmp/venv/bin/python deploy/checks/pybit_bybit.py --address 127.0.0.1:PORT --ca ca.pem --key KEY --secret SECRET

Prints PASS or FAIL for each check and exits 1 when any failed. The account needs free USDT and BTC and no open orders.
"""

import argparse
import copy
import os
import sys
import threading
import time
import uuid
from decimal import Decimal

SYMBOL = "BTCUSDT"


def wait_until(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


class Heard:
    """What a stream has told, by topic, and what refused to be understood."""

    def __init__(self):
        self.messages = []
        self.lock = threading.Lock()

    def take(self, message):
        with self.lock:
            self.messages.append(message)

    def rows(self, topic):
        with self.lock:
            return [row for message in self.messages if message["topic"] == topic for row in message["data"]]

    def count(self, topic):
        with self.lock:
            return sum(message["topic"] == topic for message in self.messages)

    def last(self, topic):
        with self.lock:
            return next((message for message in reversed(self.messages) if message["topic"] == topic), None)


def rest(session, anonymous):
    run("server time", lambda: int(anonymous.get_server_time()["result"]["timeSecond"]) > 1_600_000_000)

    def instruments(category, expected):
        result = anonymous.get_instruments_info(category=category)["result"]
        assert result["category"] == category and len(result["list"]) == expected, result

    for category, expected in (("spot", 1), ("linear", 1), ("inverse", 0), ("option", 0)):
        run(f"instruments of {category}", lambda: instruments(category, expected))

    def book():
        book = anonymous.get_orderbook(category="spot", symbol=SYMBOL, limit=200)["result"]
        assert len(book["b"]) == len(book["a"]) == 200 and Decimal(book["b"][0][0]) < Decimal(book["a"][0][0])
        return book

    run("order book", book)
    run("tickers", lambda: Decimal(anonymous.get_tickers(category="spot", symbol=SYMBOL)["result"]["list"][0]["ask1Price"]) > 0)
    run("public trades", lambda: "list" in anonymous.get_public_trade_history(category="spot", symbol=SYMBOL)["result"])
    run("candles", lambda: "list" in anonymous.get_kline(category="spot", symbol=SYMBOL, interval=1)["result"])
    run("wallet", lambda: session.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]["coin"])
    run("account", lambda: session.get_account_info()["result"]["unifiedMarginStatus"] >= 3)
    run("fee rates", lambda: session.get_fee_rates(category="spot", symbol=SYMBOL)["result"]["list"][0]["takerFeeRate"] == "0.001")
    run("coins", lambda: session.get_coin_info()["result"]["rows"])
    run("key", lambda: session.get_api_key_information()["result"]["uta"] == 1)
    run("positions are empty", lambda: session.get_positions(category="linear", settleCoin="USDT")["result"]["list"] == [])


def stream(**settings):
    """A WebSocket of the client's, which takes no message while it subscribes: it sends first and notes what it asked for afterwards, and
    a venue next door answers in between."""
    socket = unified_trading.WebSocket(testnet=False, **settings)
    turn = threading.RLock()

    def in_turn(function):
        def call(*arguments, **named):
            with turn:
                return function(*arguments, **named)

        return call

    socket.subscribe, socket.callback = in_turn(socket.subscribe), in_turn(socket.callback)
    return socket


def leave(socket):
    """Ends a stream for good: what its reader hears of the end is no reason to connect again, which `exit` would wait for, for ever."""
    socket.handle_error = False
    socket.exit()


def public_stream(channel, books):
    """Follows books, trades and the ticker; every book that the client keeps is the venue's."""
    heard = Heard()
    socket = stream(channel_type=channel)
    latest = {}
    for depth in books:
        # A copy: the client goes on changing the book that it hands out.
        socket.orderbook_stream(depth, SYMBOL, lambda message, depth=depth: latest.__setitem__(depth, copy.deepcopy(message)))
    socket.trade_stream(SYMBOL, heard.take)
    socket.ticker_stream(SYMBOL, heard.take)

    def keeps_books():
        first = {depth: wait_until(lambda: latest.get(depth), f"book {depth}")["data"]["u"] for depth in books}
        wait_until(lambda: all(latest[depth]["data"]["u"] >= first[depth] + 5 for depth in books), "five changes of each book")
        for depth in books:
            book = latest[depth]["data"]
            bids, asks = (sorted((Decimal(price) for price, _ in book[side]), reverse=side == "b") for side in "ba")
            assert len(bids) == len(asks) == depth and bids[0] < asks[0], (depth, len(bids), len(asks), bids[0], asks[0])
            assert len(set(bids)) == depth, "a price twice"

    run(f"{channel}: books {books} follow", keeps_books)
    run(f"{channel}: trades", lambda: wait_until(lambda: heard.count(f"publicTrade.{SYMBOL}") >= 3, "three trades"))
    run(f"{channel}: ticker", lambda: wait_until(lambda: heard.last(f"tickers.{SYMBOL}"), "a ticker")["data"]["lastPrice"])
    leave(socket)


def private_stream(session, keys):
    heard = Heard()
    socket = stream(channel_type="private", private_auth_expire=10, **keys)
    subscribed = []
    take = socket._process_subscription_message
    socket._process_subscription_message = lambda message: (take(message), subscribed.append(message["success"]))
    for subscribe in (socket.order_stream, socket.execution_stream, socket.wallet_stream):
        subscribe(heard.take)
    wait_until(lambda: socket.auth and subscribed == [True] * 3, "authentication and three subscriptions")
    bid = Decimal(session.get_orderbook(category="spot", symbol=SYMBOL, limit=1)["result"]["b"][0][0])
    low = str((bid * Decimal("0.9")).quantize(Decimal("0.01")))

    def place(**order):
        link = "check-" + uuid.uuid4().hex[:20]
        answer = session.place_order(category="spot", symbol=SYMBOL, orderLinkId=link, **order)
        assert answer["retCode"] == 0 and answer["result"]["orderLinkId"] == link, answer
        return link, answer["result"]["orderId"]

    def states(link):
        return [row["orderStatus"] for row in heard.rows("order") if row["orderLinkId"] == link]

    def settled(link, status):
        wait_until(lambda: status in states(link), f"{status} of {link}, heard {states(link)}")

    def resting():
        link, order_id = place(side="Buy", orderType="Limit", qty="0.01", price=low)
        settled(link, "New")
        found = session.get_open_orders(category="spot", orderLinkId=link)["result"]["list"]
        assert [row["orderId"] for row in found] == [order_id], found
        session.amend_order(category="spot", symbol=SYMBOL, orderId=order_id, qty="0.02")
        wait_until(lambda: any(row["qty"] == "0.02" for row in heard.rows("order")), "the amendment")
        session.cancel_order(category="spot", symbol=SYMBOL, orderLinkId=link)
        settled(link, "Cancelled")
        row = [row for row in heard.rows("order") if row["orderLinkId"] == link][-1]
        assert row["cancelType"] == "CancelByUser" and row["category"] == "spot" and row["leavesQty"] == "0", row
        history = session.get_order_history(category="spot", orderId=order_id)["result"]["list"]
        assert [row["orderStatus"] for row in history] == ["Cancelled"], history

    run("place, amend and cancel are told", resting)

    def taking():
        link, order_id = place(side="Buy", orderType="Market", qty="0.25", marketUnit="baseCoin")
        settled(link, "Filled")
        order = [row for row in heard.rows("order") if row["orderLinkId"] == link][-1]

        def executions():
            rows = [row for row in heard.rows("execution") if row["orderId"] == order_id]
            return rows if sum(Decimal(row["execQty"]) for row in rows) >= Decimal("0.25") else None

        fills = wait_until(executions, "executions")
        assert sum(Decimal(row["execQty"]) for row in fills) == Decimal(order["cumExecQty"]) == Decimal("0.25"), fills
        assert sum(Decimal(row["execFee"]) for row in fills) == Decimal(order["cumFeeDetail"]["BTC"]), order
        listed = session.get_executions(category="spot", orderId=order_id)["result"]["list"]
        assert sorted(row["execId"] for row in listed) == sorted(row["execId"] for row in fills)
        return wait_until(lambda: heard.rows("wallet"), "the wallet")

    run("a market order is told with its executions and the wallet", taking)

    def by_quote():
        link, _ = place(side="Buy", orderType="Market", qty="1000", marketUnit="quoteCoin")
        wait_until(lambda: {"Filled", "PartiallyFilledCanceled"} & set(states(link)), "the end")
        order = [row for row in heard.rows("order") if row["orderLinkId"] == link][-1]
        assert Decimal(990) < Decimal(order["cumExecValue"]) <= 1000 and order["qty"] == "1000", order

    run("a market buy by quote amount", by_quote)

    def post_only():
        link, _ = place(side="Buy", orderType="Limit", qty="0.01", price=str((bid * Decimal("1.05")).quantize(Decimal("0.01"))),
                        timeInForce="PostOnly")
        wait_until(lambda: "Cancelled" in states(link), "the refusal")
        assert "New" not in states(link)

    run("a post-only order that would take is accepted, and refused on the stream", post_only)

    def everything():
        links = [place(side="Buy", orderType="Limit", qty="0.01", price=low)[0] for _ in range(3)]
        for link in links:
            settled(link, "New")
        assert session.cancel_all_orders(category="spot", symbol=SYMBOL)["result"]["success"] == "1"
        for link in links:
            settled(link, "Cancelled")

    run("cancel all", everything)
    raises("order that does not exist", InvalidRequestError,
           lambda: session.cancel_order(category="spot", symbol=SYMBOL, orderId="1"))
    raises("more than the account has", InvalidRequestError,
           lambda: place(side="Buy", orderType="Limit", qty="80", price=low))
    leave(socket)


def main():
    global unified_trading, InvalidRequestError, run, raises
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True, help="address:port of the venue, which speaks TLS")
    parser.add_argument("--ca", required=True, help="PEM file of the authority to trust")
    parser.add_argument("--key", required=True)
    parser.add_argument("--secret", required=True)
    options = parser.parse_args()
    # The client's WebSocket library takes its authorities from the environment.
    os.environ["WEBSOCKET_CLIENT_CA_BUNDLE"] = options.ca
    import pybit
    from pybit import unified_trading
    from pybit.exceptions import InvalidRequestError

    from judge import raises, run, verdict

    unified_trading.PUBLIC_WSS = f"wss://{options.address}/v5/public/{{CHANNEL_TYPE}}"
    unified_trading.PRIVATE_WSS = f"wss://{options.address}/v5/private"
    keys = {"api_key": options.key, "api_secret": options.secret}
    session, anonymous = unified_trading.HTTP(**keys), unified_trading.HTTP()
    session.client.verify = anonymous.client.verify = options.ca
    session.endpoint = anonymous.endpoint = f"https://{options.address}"
    print(f"pybit {pybit.VERSION} against {options.address}")
    rest(session, anonymous)
    private_stream(session, keys)
    public_stream("spot", (1, 50, 200))
    public_stream("linear", (50,))
    return verdict()


if __name__ == "__main__":
    sys.exit(main())
