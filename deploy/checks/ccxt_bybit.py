#!/usr/bin/env python3
"""Judges the simulator's Bybit by a client that knows nothing of it: ccxt's Bybit, pointed at --rest.

    /tmp/venv/bin/python deploy/checks/ccxt_bybit.py --rest https://127.0.0.1:PORT --ca ca.pem --key KEY --secret SECRET

Prints PASS or FAIL for each check and exits 1 when any failed. The account needs free USDT and BTC and no open orders.
"""

import argparse
import sys
import time
import uuid

import ccxt

from judge import raises, refuses_wrong_clocks, run, verdict

SYMBOL = "BTC/USDT"
FINAL = ("closed", "canceled", "rejected")


def connect(options, key, secret):
    exchange = ccxt.bybit({
        "apiKey": key,
        "secret": secret,
        "enableRateLimit": False,
        "options": {"defaultType": "spot", "adjustForTimeDifference": True},
    })
    for name in ("public", "private", "spot", "futures", "v2"):
        exchange.urls["api"][name] = options.rest.rstrip("/")
    if options.ca:
        exchange.validateServerSsl = options.ca
    return exchange


def settled(exchange, order_id, *wanted):
    """The order once it is in one of these states: the venue only accepts it when it answers."""
    end = time.monotonic() + 30
    order = None
    while time.monotonic() < end:
        try:
            order = exchange.fetch_order(order_id, SYMBOL, {"acknowledged": True})
            if order["status"] in wanted:
                return order
        except ccxt.OrderNotFound:
            pass
        time.sleep(0.02)
    raise AssertionError(f"not {wanted} within 30 s: {order}")


def market_data(exchange):
    run("load markets of all four categories", lambda: SYMBOL in exchange.load_markets())
    run("currencies", lambda: exchange.currencies["BTC"]["networks"] and "USDT" in exchange.currencies)
    market = exchange.market(SYMBOL)
    run("market is spot, active, with limits", lambda: market["spot"] and market["active"] and market["limits"]["cost"]["min"] == 5)
    run("precision", lambda: market["precision"]["price"] == 0.01 and market["precision"]["amount"] == 0.00001)
    run("the perpetual is listed", lambda: exchange.market("BTC/USDT:USDT")["linear"])
    run("fetch time", lambda: exchange.fetch_time() > 1_600_000_000_000)

    def book():
        book = exchange.fetch_order_book(SYMBOL, 1000)
        bids, asks = book["bids"], book["asks"]
        assert len(bids) >= 500 and len(asks) >= 500, (len(bids), len(asks))
        assert bids[0][0] < asks[0][0]
        assert bids == sorted(bids, key=lambda level: -level[0]) and asks == sorted(asks, key=lambda level: level[0])

    run("order book: 500 levels a side, sorted, not crossed", book)
    run("order book with a limit", lambda: len(exchange.fetch_order_book(SYMBOL, 10)["bids"]) == 10)
    run("order book of the perpetual", lambda: exchange.fetch_order_book("BTC/USDT:USDT", 25)["bids"])
    run("ticker", lambda: all(exchange.fetch_ticker(SYMBOL)[field] for field in ("bid", "ask", "last", "high", "low")))
    run("tickers", lambda: SYMBOL in exchange.fetch_tickers())
    run("bids and asks", lambda: exchange.fetch_bids_asks([SYMBOL])[SYMBOL]["ask"])
    run("public trades", lambda: isinstance(exchange.fetch_trades(SYMBOL, limit=5), list))
    run("candles", lambda: isinstance(exchange.fetch_ohlcv(SYMBOL, "1m", limit=5), list))
    run("funding rate", lambda: exchange.fetch_funding_rate("BTC/USDT:USDT")["fundingRate"] == 0.0001)
    run("funding rate history", lambda: len(exchange.fetch_funding_rate_history("BTC/USDT:USDT", limit=3)) == 3)
    raises("unknown symbol", ccxt.BadRequest, lambda: exchange.public_get_v5_market_orderbook({"category": "spot", "symbol": "NO"}))


def trading(exchange):
    balance = exchange.fetch_balance()
    run("balance", lambda: balance["USDT"]["free"] > 100_000 and balance["BTC"]["free"] > 1)
    run("trading fee", lambda: exchange.fetch_trading_fee(SYMBOL)["taker"] == 0.001)
    bid = exchange.fetch_order_book(SYMBOL, 5)["bids"][0][0]
    low = exchange.price_to_precision(SYMBOL, bid * 0.9)

    def place(kind, side, amount, price=None, **parameters):
        return exchange.create_order(SYMBOL, kind, side, amount, price, parameters)

    def resting():
        name = "check-" + uuid.uuid4().hex[:20]
        answer = place("limit", "buy", 0.01, low, clientOrderId=name)
        assert answer["id"] and answer["clientOrderId"] == name and answer["status"] is None, answer
        order = settled(exchange, answer["id"], "open")
        assert order["remaining"] == 0.01 and order["filled"] == 0 and order["clientOrderId"] == name, order
        locked = exchange.fetch_balance()["USDT"]["used"] - balance["USDT"]["used"]
        assert abs(locked - 0.01 * float(low)) < 1e-6, locked
        assert [found["id"] for found in exchange.fetch_open_orders(SYMBOL)] == [order["id"]]
        assert exchange.fetch_open_order(order["id"], SYMBOL)["id"] == order["id"]
        by_name = exchange.fetch_open_orders(SYMBOL, params={"orderLinkId": name})
        assert [found["id"] for found in by_name] == [order["id"]]
        higher = exchange.price_to_precision(SYMBOL, bid * 0.91)
        assert exchange.edit_order(order["id"], SYMBOL, "limit", "buy", 0.02, higher)["id"] == order["id"]
        end = time.monotonic() + 30
        while exchange.fetch_open_order(order["id"], SYMBOL)["amount"] != 0.02:
            assert time.monotonic() < end, "not amended within 30 s"
            time.sleep(0.05)
        assert exchange.fetch_open_order(order["id"], SYMBOL)["price"] == float(higher)
        assert exchange.cancel_order(order["id"], SYMBOL)["id"] == order["id"]
        assert settled(exchange, order["id"], "canceled")["filled"] == 0
        assert exchange.fetch_open_orders(SYMBOL) == []
        assert exchange.fetch_canceled_orders(SYMBOL)[-1]["id"] == order["id"]
        raises("cancel of a closed order", ccxt.OrderNotFound, lambda: exchange.cancel_order(order["id"], SYMBOL))
        raises("client id used before", ccxt.InvalidOrder, lambda: place("limit", "buy", 0.01, low, clientOrderId=name))

    run("limit order: place, query, list, amend, cancel, client id never free again", resting)

    def market(side, amount):
        order = settled(exchange, place("market", side, amount)["id"], *FINAL)
        assert order["status"] == "closed" and order["filled"] == amount, order
        assert abs(order["average"] / bid - 1) < 0.01, order["average"]
        assert order["fee"]["currency"] == ("BTC" if side == "buy" else "USDT") and order["fee"]["cost"] > 0, order
        mine = exchange.fetch_my_trades(SYMBOL, params={"orderId": order["id"]})
        assert abs(sum(trade["amount"] for trade in mine) - amount) < 1e-9
        assert abs(sum(trade["fee"]["cost"] for trade in mine) - order["fee"]["cost"]) < 1e-9
        assert exchange.fetch_order_trades(order["id"], SYMBOL)
        assert exchange.fetch_closed_order(order["id"], SYMBOL)["id"] == order["id"]

    run("market buy of 0.25", lambda: market("buy", 0.25))
    run("market sell of 0.25", lambda: market("sell", 0.25))

    def by_cost():
        order = settled(exchange, exchange.create_market_buy_order_with_cost(SYMBOL, 1_000)["id"], *FINAL)
        assert order["status"] == "closed" and 990 < order["cost"] <= 1_000, order

    run("market buy by cost", by_cost)

    def immediate(kind):
        order = settled(exchange, place("limit", "buy", 0.01, low, timeInForce=kind)["id"], *FINAL)
        assert order["status"] == "canceled" and order["filled"] == 0, order

    run("IOC that matches nothing ends", lambda: immediate("IOC"))
    run("FOK that matches nothing ends", lambda: immediate("FOK"))

    def crossing():
        ask = exchange.fetch_order_book(SYMBOL, 5)["asks"][0][0]
        answer = place("limit", "buy", 0.01, exchange.price_to_precision(SYMBOL, ask * 1.01))
        order = settled(exchange, answer["id"], *FINAL)
        assert order["status"] == "closed" and order["average"] < ask * 1.005, order

    run("crossing limit order takes at the book's price", crossing)

    def post_only(price, status):
        order = settled(exchange, place("limit", "buy", 0.01, price, postOnly=True)["id"], status)
        if status == "open":
            exchange.cancel_order(order["id"], SYMBOL)
        else:
            assert order["info"]["rejectReason"] == "EC_PostOnlyWillTakeLiquidity", order

    run("post-only order rests", lambda: post_only(low, "open"))
    high = exchange.price_to_precision(SYMBOL, bid * 1.05)
    run("post-only order that would take is accepted and ends", lambda: post_only(high, "canceled"))

    def cancel_all():
        ids = {place("limit", "buy", 0.01, low)["id"] for _ in range(3)}
        for order_id in ids:
            settled(exchange, order_id, "open")
        assert {order["id"] for order in exchange.cancel_all_orders(SYMBOL)} >= ids
        for order_id in ids:
            settled(exchange, order_id, "canceled")
        assert exchange.fetch_open_orders(SYMBOL) == []

    run("cancel all", cancel_all)
    run("closed orders", lambda: len(exchange.fetch_closed_orders(SYMBOL)) >= 3)
    run("closed and canceled orders", lambda: len(exchange.fetch_canceled_and_closed_orders(SYMBOL)) >= 8)

    def pages():
        whole = [trade["id"] for trade in exchange.fetch_my_trades(SYMBOL, limit=100)]
        paged, cursor = [], ""
        while True:
            result = exchange.private_get_v5_execution_list({
                "category": "spot", "limit": 2, **({"cursor": cursor} if cursor else {})})["result"]
            paged += [row["execId"] for row in result["list"]]
            cursor = result["nextPageCursor"]
            if not cursor:
                break
        assert sorted(paged) == sorted(whole) and len(set(paged)) == len(paged) > 3, (paged, whole)

    run("my trades, and the same in pages", pages)
    run("positions are empty", lambda: exchange.fetch_positions() == [])
    after = exchange.fetch_balance()
    run("nothing stays locked", lambda: after["USDT"]["used"] == balance["USDT"]["used"])


def refusals(exchange, options):
    bid = exchange.fetch_order_book(SYMBOL, 5)["bids"][0][0]
    low = exchange.price_to_precision(SYMBOL, bid * 0.9)

    def raw(**order):
        return exchange.private_post_v5_order_create({"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit",
                                                      "qty": "0.01", "price": low, **order})

    raises("more than the account has", ccxt.InsufficientFunds, lambda: raw(qty="80"))
    raises("price off the tick", ccxt.InvalidOrder, lambda: raw(price="20000.001"))
    raises("quantity off the lot", ccxt.InvalidOrder, lambda: raw(qty="0.0100001"))
    raises("notional too small", ccxt.InvalidOrder, lambda: raw(qty="0.0001"))
    raises("price out of the band", ccxt.InvalidOrder, lambda: raw(price=exchange.price_to_precision(SYMBOL, bid * 1.5)))
    raises("wrong side", ccxt.InvalidOrder, lambda: raw(side="Hold"))
    raises("wrong type", ccxt.InvalidOrder, lambda: raw(orderType="Wish"))
    raises("wrong time in force", ccxt.InvalidOrder, lambda: raw(timeInForce="Someday"))
    raises("wrong category", ccxt.BadRequest, lambda: raw(category="stocks"))
    raises("missing quantity", ccxt.BadRequest, lambda: raw(qty=""))
    raises("illegal number", ccxt.BadRequest, lambda: raw(qty="-1"))
    raises("a product that the key may not trade", ccxt.PermissionDenied, lambda: raw(category="linear"))
    raises("order that does not exist", ccxt.OrderNotFound, lambda: exchange.fetch_order("1", SYMBOL, {"acknowledged": True}))
    raises("cancel of what does not exist", ccxt.OrderNotFound, lambda: exchange.cancel_order("1", SYMBOL))
    raises("unknown key", ccxt.AuthenticationError, lambda: connect(options, "nobody", "nothing").fetch_balance())
    raises("wrong secret", ccxt.AuthenticationError, lambda: connect(options, options.key, "wrong").fetch_balance())
    refuses_wrong_clocks(connect(options, options.key, options.secret), ccxt.InvalidNonce)

    def flood():
        time.sleep(1)
        for _ in range(10):
            exchange.private_get_v5_user_query_api()
        left = int(exchange.last_response_headers["X-Bapi-Limit-Status"])
        assert 0 <= left < 10 and exchange.last_response_headers["X-Bapi-Limit"] == "10", exchange.last_response_headers
        for _ in range(15):
            exchange.private_get_v5_user_query_api()

    raises("more requests in a second than the limit", ccxt.RateLimitExceeded, flood)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rest", required=True, help="base address without a path")
    parser.add_argument("--ca", help="PEM file of the authority to trust")
    parser.add_argument("--key", required=True)
    parser.add_argument("--secret", required=True)
    options = parser.parse_args()
    print(f"ccxt {ccxt.__version__} against {options.rest}")
    exchange = connect(options, options.key, options.secret)
    market_data(exchange)
    trading(exchange)
    refusals(exchange, options)
    return verdict()


if __name__ == "__main__":
    sys.exit(main())
