#!/usr/bin/env python3
"""Judges the simulator by a client that knows nothing of it: ccxt's Binance, pointed at --rest.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install ccxt
    /tmp/venv/bin/python deploy/checks/ccxt_simulator.py --rest http://127.0.0.1:PORT --key KEY --secret SECRET

Prints PASS or FAIL for each check and exits 1 when any failed. The account needs free USDT and BTC and no open orders.
"""

import argparse
import sys
import uuid

import ccxt

from judge import raises, refuses_wrong_clocks, run, verdict

SYMBOL = "BTC/USDT"


def connect(rest, key, secret):
    exchange = ccxt.binance({
        "apiKey": key,
        "secret": secret,
        "enableRateLimit": False,
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchMargins": False,
            "fetchCurrencies": False,
            "adjustForTimeDifference": True,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
        },
    })
    exchange.has["fetchCurrencies"] = False
    for name in ("public", "private", "v1"):
        exchange.urls["api"][name] = f"{rest}/api/v3"
    return exchange


def market_data(exchange):
    run("load markets", lambda: SYMBOL in exchange.load_markets())
    market = exchange.market(SYMBOL)
    run("market is spot, active, with limits", lambda: market["spot"] and market["active"] and market["limits"]["cost"]["min"] == 5)
    run("precision", lambda: market["precision"]["price"] == 0.01 and market["precision"]["amount"] == 0.00001)
    run("fetch time", lambda: exchange.fetch_time() > 1_600_000_000_000)
    run("fetch status of the venue by ping", lambda: exchange.public_get_ping() == {})

    def book():
        book = exchange.fetch_order_book(SYMBOL, 5000)
        bids, asks = book["bids"], book["asks"]
        assert len(bids) >= 500 and len(asks) >= 500, (len(bids), len(asks))
        assert bids[0][0] < asks[0][0]
        assert bids == sorted(bids, key=lambda level: -level[0]) and asks == sorted(asks, key=lambda level: level[0])
        assert book["nonce"]

    run("order book: 500 levels a side, sorted, not crossed", book)
    run("order book with a limit", lambda: len(exchange.fetch_order_book(SYMBOL, 10)["bids"]) == 10)
    run("ticker", lambda: all(exchange.fetch_ticker(SYMBOL)[field] for field in ("bid", "ask", "last", "high", "low")))
    run("tickers", lambda: SYMBOL in exchange.fetch_tickers())
    run("tickers of a list", lambda: SYMBOL in exchange.fetch_tickers([SYMBOL]))
    run("bids and asks", lambda: exchange.fetch_bids_asks([SYMBOL])[SYMBOL]["ask"])
    run("last prices", lambda: exchange.fetch_last_prices([SYMBOL])[SYMBOL]["price"])
    run("public trades", lambda: isinstance(exchange.fetch_trades(SYMBOL, limit=5), list))
    raises("unknown symbol", ccxt.BadSymbol, lambda: exchange.public_get_depth({"symbol": "NOSUCH"}))


def trading(exchange):
    balance = exchange.fetch_balance()
    run("balance", lambda: balance["USDT"]["free"] > 100_000 and balance["BTC"]["free"] > 1)
    bid = exchange.fetch_order_book(SYMBOL, 5)["bids"][0][0]
    low = exchange.price_to_precision(SYMBOL, bid * 0.9)

    def resting():
        name = "check-" + uuid.uuid4().hex[:20]
        order = exchange.create_order(SYMBOL, "limit", "buy", 0.01, low, {"newClientOrderId": name})
        assert order["status"] == "open" and order["clientOrderId"] == name, order
        assert order["remaining"] == 0.01 and order["filled"] == 0
        locked = exchange.fetch_balance()["USDT"]["used"] - balance["USDT"]["used"]
        assert abs(locked - 0.01 * float(low)) < 1e-6, locked
        assert exchange.fetch_order(order["id"], SYMBOL)["clientOrderId"] == name
        by_name = exchange.fetch_order(None, SYMBOL, {"origClientOrderId": name})
        assert by_name["id"] == order["id"]
        assert [open["id"] for open in exchange.fetch_open_orders(SYMBOL)] == [order["id"]]
        assert len(exchange.fetch_open_orders()) == 1
        raises("duplicate client id while open", ccxt.InvalidOrder, lambda: exchange.create_order(
            SYMBOL, "limit", "buy", 0.01, low, {"newClientOrderId": name}))
        cancelled = exchange.cancel_order(order["id"], SYMBOL)
        assert cancelled["status"] == "canceled", cancelled
        assert exchange.fetch_order(order["id"], SYMBOL)["status"] == "canceled"
        assert exchange.fetch_open_orders(SYMBOL) == []
        again = exchange.create_order(SYMBOL, "limit", "buy", 0.01, low, {"newClientOrderId": name})
        assert exchange.cancel_order(None, SYMBOL, {"origClientOrderId": name})["id"] == again["id"]
        raises("cancel of a closed order", ccxt.OrderNotFound, lambda: exchange.cancel_order(order["id"], SYMBOL))

    run("limit order: place, query, list, cancel, client id free again", resting)

    def market(side, amount):
        order = exchange.create_order(SYMBOL, "market", side, amount)
        assert order["status"] == "closed" and order["filled"] == amount, order
        assert abs(order["average"] / bid - 1) < 0.01, order["average"]
        assert order["fees"] and order["trades"], order
        currency = "BTC" if side == "buy" else "USDT"
        assert all(trade["fee"]["currency"] == currency for trade in order["trades"])
        mine = exchange.fetch_my_trades(SYMBOL, params={"orderId": order["id"]})
        assert abs(sum(trade["amount"] for trade in mine) - amount) < 1e-9
        assert exchange.fetch_order_trades(order["id"], SYMBOL)

    run("market buy of 0.25", lambda: market("buy", 0.25))
    run("market sell of 0.25", lambda: market("sell", 0.25))

    def by_cost():
        order = exchange.create_market_buy_order_with_cost(SYMBOL, 1_000)
        assert order["status"] == "closed" and 990 < order["cost"] <= 1_000, order

    run("market buy by cost", by_cost)

    def immediate(kind):
        order = exchange.create_order(SYMBOL, "limit", "buy", 0.01, low, {"timeInForce": kind})
        assert order["status"] == "expired" and order["filled"] == 0, order

    run("IOC that matches nothing expires", lambda: immediate("IOC"))
    run("FOK that matches nothing expires", lambda: immediate("FOK"))

    def crossing():
        ask = exchange.fetch_order_book(SYMBOL, 5)["asks"][0][0]
        order = exchange.create_order(SYMBOL, "limit", "buy", 0.01, exchange.price_to_precision(SYMBOL, ask * 1.01))
        assert order["status"] == "closed" and order["average"] < ask * 1.005, order

    run("crossing limit order takes at the book's price", crossing)

    def post_only():
        order = exchange.create_order(SYMBOL, "limit", "buy", 0.01, low, {"postOnly": True})
        exchange.cancel_order(order["id"], SYMBOL)

    run("post-only order rests", post_only)
    high = exchange.price_to_precision(SYMBOL, bid * 1.05)
    raises("post-only order that would take", ccxt.OrderImmediatelyFillable, lambda: exchange.create_order(
        SYMBOL, "limit", "buy", 0.01, high, {"postOnly": True}))

    def cancel_all():
        for _ in range(3):
            exchange.create_order(SYMBOL, "limit", "buy", 0.01, low)
        assert len(exchange.cancel_all_orders(SYMBOL)) == 3
        assert exchange.fetch_open_orders(SYMBOL) == []

    run("cancel all", cancel_all)
    raises("cancel all with nothing open", ccxt.OrderNotFound, lambda: exchange.cancel_all_orders(SYMBOL))
    run("orders", lambda: len(exchange.fetch_orders(SYMBOL)) >= 10)
    run("closed orders", lambda: all(order["status"] != "open" for order in exchange.fetch_closed_orders(SYMBOL)))
    run("canceled orders", lambda: exchange.fetch_canceled_orders(SYMBOL))
    run("my trades", lambda: len(exchange.fetch_my_trades(SYMBOL)) >= 3)
    run("test order", lambda: exchange.create_order(SYMBOL, "limit", "buy", 0.01, low, {"test": True}) is not None)
    after = exchange.fetch_balance()
    run("nothing stays locked", lambda: after["USDT"]["used"] == balance["USDT"]["used"])


def refusals(exchange, rest, key):
    bid = exchange.fetch_order_book(SYMBOL, 5)["bids"][0][0]
    low = exchange.price_to_precision(SYMBOL, bid * 0.9)

    def raw(**order):
        return exchange.private_post_order({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
                                            "quantity": "0.01", "price": low, **order})

    raises("more than the account has", ccxt.InsufficientFunds, lambda: raw(quantity="300"))
    raises("price off the tick", ccxt.InvalidOrder, lambda: raw(price="20000.001"))
    raises("quantity off the lot", ccxt.InvalidOrder, lambda: raw(quantity="0.0100001"))
    raises("too many decimals", ccxt.BadRequest, lambda: raw(quantity="0.012345678912"))
    raises("notional too small", ccxt.BadRequest, lambda: raw(quantity="0.0001"))
    raises("price out of the band", ccxt.InvalidOrder, lambda: raw(price="1000.00", quantity="0.1"))
    raises("wrong side", ccxt.BadRequest, lambda: raw(side="HOLD"))
    raises("wrong type", ccxt.BadRequest, lambda: raw(type="WISH"))
    raises("missing quantity", ccxt.BadRequest, lambda: exchange.private_post_order(
        {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": low}))
    raises("illegal number", ccxt.BadRequest, lambda: raw(quantity="-1"))
    raises("unread parameter", ccxt.BadRequest, lambda: raw(colour="red"))
    raises("order that does not exist", ccxt.OrderNotFound, lambda: exchange.fetch_order("1", SYMBOL))
    raises("unknown key", ccxt.AuthenticationError, lambda: connect(rest, "nobody", "nothing").fetch_balance())
    raises("wrong secret", ccxt.AuthenticationError, lambda: connect(rest, key, "wrong").fetch_balance())
    refuses_wrong_clocks(connect(rest, key, exchange.secret), ccxt.InvalidNonce)
    run("weight header", lambda: int(exchange.last_response_headers["X-Mbx-Used-Weight-1m"]) > 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rest", required=True, help="base address without a path")
    parser.add_argument("--key", required=True)
    parser.add_argument("--secret", required=True)
    options = parser.parse_args()
    rest = options.rest.rstrip("/")
    print(f"ccxt {ccxt.__version__} against {rest}")
    exchange = connect(rest, options.key, options.secret)
    market_data(exchange)
    trading(exchange)
    refusals(exchange, rest, options.key)
    return verdict()


if __name__ == "__main__":
    sys.exit(main())
