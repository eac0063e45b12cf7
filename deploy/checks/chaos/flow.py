"""A steady flow of orders on several accounts."""
import json
import random
import threading
import time

from confluent_kafka import Producer

# One account on each of the six partitions. The last one has limits that bind, the others none that matter.
ACCOUNTS = ["main", "desk", "alpha", "south", "east", "tight"]
TIGHT = "tight"
TIGHT_LIMITS = {"max_position__BTC": "0.05", "max_orders_per_second": 5, "max_order_notional": 5000}
WIDE_LIMITS = {"max_orders_per_second": 100000, "max_order_notional": 10**9, "max_position__BTC": 10**6}


class Flow(threading.Thread):
    """Market orders, limits that rest and are cancelled, limits that fill, and a few that risk must refuse; at least `rate` new orders a
    second, cancels beside them. Remembers what the broker has acknowledged."""

    def __init__(self, stack, rate, seed):
        super().__init__(daemon=True)
        self.stack = stack
        self.rate = rate
        self.random = random.Random(seed)
        self.run_name = f"c{seed:x}"
        self.stopped = threading.Event()
        self.submitted = 0
        self.acknowledged = set()
        self.refused = []
        self.top = (26700.0, 26800.0)
        self.later = []
        # An idempotent producer: a retry of its own must not look like an order that was submitted twice.
        self.producer = Producer({
            "bootstrap.servers": stack.bootstrap, "linger.ms": 0, "partitioner": "murmur2_random", "enable.idempotence": True,
            "message.timeout.ms": 120_000, "reconnect.backoff.max.ms": 500, "log_level": 0})

    def run(self):
        started = time.monotonic()
        next_look = 0.0
        while not self.stopped.is_set():
            now = time.monotonic()
            if now >= next_look:
                next_look = now + 0.1
                self.look()
            while self.submitted < (now - started) * self.rate:
                self.submit(now)
            while self.later and self.later[0][0] <= now:
                _, account, target = self.later.pop(0)
                self.send({"action": "cancel", "client_order_id": f"{target}-x", "account": account, "target_client_order_id": target})
            self.producer.poll(0.005)

    def close(self):
        self.stopped.set()
        self.join(10)
        for account in ACCOUNTS:
            self.send({"action": "cancel_all", "client_order_id": f"{self.run_name}-all-{account}", "account": account})
        self.producer.flush(130)

    def look(self):
        try:
            top = self.stack.top()
            if top.get("valid"):
                self.top = (float(top["bid"][0]), float(top["ask"][0]))
        except Exception:
            pass  # Redis may be down: the last price is good enough to place orders near the market.

    def submit(self, now):
        self.submitted += 1
        chance = self.random.random
        account = TIGHT if chance() < 0.03 else self.random.choice(ACCOUNTS[:-1])
        identifier = f"{self.run_name}-{self.submitted}"
        side = self.random.choice(["buy", "sell"])
        order = {"client_order_id": identifier, "account": account, "side": side, "quantity": f"{self.random.randint(1, 30)}e-3"}
        kind = chance()
        bid, ask = self.top
        if kind < 0.01:
            order["quantity"] = 0  # refused for its shape
        elif kind < 0.02:
            order["price"] = f"{bid * (0.8 if side == 'sell' else 1.2):.2f}"  # refused by the collar
        elif kind < 0.55:
            pass
        elif kind < 0.65:
            order["price"] = f"{ask + 5 if side == 'buy' else bid - 5:.2f}"
            order["time_in_force"] = self.random.choice(["gtc", "ioc"])
        else:
            distance = self.random.choice([0.0, 1.0, 10.0, 100.0])
            order["price"] = f"{bid - distance if side == 'buy' else ask + distance:.2f}"
            self.later.append((now + self.random.uniform(0.2, 4), account, identifier))
            self.later.sort(key=lambda item: item[0])
        self.send(order)

    def send(self, order):
        key = (order["account"], order["client_order_id"])

        def delivered(error, _message):
            if error is None:
                self.acknowledged.add(key)
            else:
                self.refused.append((key, str(error)))

        self.producer.produce("orders", value=json.dumps(order).encode(), key=order["account"], on_delivery=delivered)
