"""That the checker notices: a history with nothing wrong, then the same with one thing done to it."""
import copy
import sys
import unittest

from . import checker, table
from .history import D, Decision, End, History, LogReader


def fill(trade="7", **fields):
    return {"account": "a", "order_id": 1, "trade_id": trade, "side": "buy", "price": "100", "quantity": "2", "fee": "0.002",
            "fee_asset": "BTC", "time": "20", **fields}


def good():
    """Two orders of one account: one filled, one refused; one of another account that ended unsent."""
    history = History()
    for key in (("a", "1"), ("a", "2"), ("b", "3")):
        history.acknowledged.add(key)
        history.submitted[key] += 1
    history.decisions = {
        ("a", "1"): [Decision("orders.approved", None, False, 10, "new", D(2), D(100))],
        ("a", "2"): [Decision("orders.rejected", 601, False, 11, "new")],
        ("b", "3"): [Decision("orders.approved", None, False, 12, "new", D(1), D(100))],
    }
    history.children = {"x-1": ("a", "1"), "x-3": ("b", "3")}
    history.ends = {("a", "1"): End("filled", "venue", D(2)), ("b", "3"): End("expired", "engine", D(0))}
    history.fills["a", "1", "7"] = 1
    history.venue_orders = [{"account": "a", "order_id": 1, "client_order_id": "x-1", "side": "buy", "status": "filled",
                             "quantity": "2", "executed": "2", "created": "15", "updated": "20"}]
    history.venue_fills = [fill()]
    history.venue_balances = {("a", "BTC"): (D("1.998"), D(0))}
    history.rows = {("a", "1"): ("filled", D(2)), ("b", "3"): ("expired", D(0)), ("a", "2"): ("rejected", D(0))}
    history.row_fills = {("a", "1", "7", D(100), D(2), D("0.002"))}
    history.row_balances = {("a", "BTC"): (D("1.998"), D(0))}
    history.positions = {"a": (D("1.998"), D(-200))}
    history.open_orders = {"a": set()}
    history.limits = {"a": {"position": D(3), "rate": D(5), "notional": D(1000)}}
    return history


class CheckerTests(unittest.TestCase):
    def test_nothing_is_found_in_a_good_history(self):
        self.assertEqual(checker.check(good()), {"duplicated": [], "lost": [], "wrong": []})

    def broken(self, kind, change):
        history = good()
        change(history)
        self.assertTrue(checker.check(history)[kind], f"nothing {kind} was noticed")

    def test_lost(self):
        self.broken("lost", lambda h: h.submitted.pop(("a", "2")))
        self.broken("lost", lambda h: h.decisions.pop(("a", "2")))
        self.broken("lost", lambda h: h.ends.pop(("b", "3")))
        self.broken("lost", lambda h: h.ends.update({("a", "1"): End("open", "venue", D(2))}))
        self.broken("lost", lambda h: h.venue_orders.clear())
        self.broken("lost", lambda h: h.fills.clear())
        self.broken("lost", lambda h: h.row_fills.clear())
        self.broken("lost", lambda h: h.rows.pop(("a", "1")))

    def test_duplicated(self):
        self.broken("duplicated", lambda h: h.decisions["a", "1"].append(h.decisions["a", "1"][0]))
        self.broken("duplicated", lambda h: h.decisions["a", "2"].append(Decision("orders.rejected", 601, True, 12, "new")))
        self.broken("duplicated", lambda h: h.venue_orders.append(copy.copy(h.venue_orders[0])))
        self.broken("duplicated", lambda h: h.fills.update([("a", "1", "7")]))

    def test_wrong(self):
        self.broken("wrong", lambda h: h.venue_orders.append({**h.venue_orders[0], "client_order_id": "x-9"}))
        self.broken("wrong", lambda h: h.children.update({"x-1": ("a", "2")}))
        self.broken("wrong", lambda h: h.ends.update({("a", "1"): End("cancelled", "venue", D(2))}))
        self.broken("wrong", lambda h: h.ends.update({("a", "1"): End("filled", "venue", D(1))}))
        self.broken("wrong", lambda h: h.ends.update({("a", "1"): End("filled", "", D(2))}))
        self.broken("wrong", lambda h: h.ends.update({("a", "1"): End("unknown", "engine", D(2))}))
        self.broken("wrong", lambda h: h.fills.update([("a", "1", "8")]))
        self.broken("wrong", lambda h: h.rows.update({("a", "1"): ("open", D(2))}))
        self.broken("wrong", lambda h: h.row_balances.update({("a", "BTC"): (D(9), D(0))}))
        self.broken("wrong", lambda h: h.positions.update({"a": (D(2), D(-200))}))
        self.broken("wrong", lambda h: h.open_orders.update({"a": {"1"}}))
        self.broken("wrong", lambda h: h.shown.update({("a", "1"): "open"}))
        self.broken("wrong", lambda h: h.limits["a"].update(position=D(1)))
        self.broken("wrong", lambda h: h.limits["a"].update(notional=D(100)))
        self.broken("wrong", lambda h: h.limits["a"].update(rate=0) or h.decisions.update(
            {("a", "4"): [Decision("orders.approved", None, False, 11, "new")]}))
        self.broken("wrong", lambda h: h.discrepancies.append(("a", "fill_missing", "7", "", "")))

    def test_records_of_a_fenced_writer_do_not_count(self):
        reader = LogReader(History())
        approval = {"account": "a", "client_order_id": "1", "decided_at": 1, "action": "new"}
        reader.add("orders.approved", 0, 5, {}, {"type": "epoch", "epoch": -1})
        reader.add("orders.approved", 0, 6, {"epoch": b"5"}, approval)
        reader.add("orders.approved", 0, 7, {"epoch": b"2"}, approval)
        reader.add("orders.approved", 1, 7, {"epoch": b"2"}, approval)
        self.assertEqual(len(reader.history.decisions["a", "1"]), 2)
        self.assertEqual(reader.history.fenced, 1)

    def test_bounds_of_rates(self):
        self.assertAlmostEqual(table.upper_bound(0, 100), 1 - 0.05 ** (1 / 100), 9)
        self.assertAlmostEqual(table.upper_bound(1, 10), 0.3942, 4)
        self.assertEqual(table.percentile([3, 1, 2], 0.5), 2)
        self.assertEqual(table.percentile(list(range(1, 101)), 0.99), 99)


def run():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    return unittest.TextTestRunner(verbosity=1).run(suite).wasSuccessful()
