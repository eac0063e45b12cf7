"""A running stack, as a test sees it: the topics, Redis, PostgreSQL, the simulator's own account of things, and the programs."""
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import psycopg2
import redis
from confluent_kafka import Consumer, Producer, TopicPartition

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LOCAL = ROOT / "deploy" / "local.sh"
ENDED = {"filled", "cancelled", "expired", "rejected", "halted"}


# How many times longer than it says a wait lasts: what is awaited comes, on a machine that does other things besides, too.
PATIENCE = 3
# Limits that stand in no order's way. A reference price may be old: where all stands still for some seconds, so do the books.
WIDE = {"max_orders_per_second": 100_000, "max_order_notional": 10**9, "max_position__BTC": 10**6, "max_daily_loss": 10**9,
        "reference_max_age_ms": 60_000}


class Failure(AssertionError):
    pass


def expect(condition, message):
    if not condition:
        raise Failure(message)


def wait_until(condition, seconds, what):
    """The condition's first true value; a condition that never holds is a failure that says what was awaited. It is asked once more after
    the end: this process, too, may have stood still meanwhile."""
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    while True:
        is_over = time.monotonic() > end
        value = condition()
        if value:
            return value
        if is_over:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def stands_still(pid):
    """Whether no thread of a process runs."""
    try:
        tasks = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
        return all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)
    except (FileNotFoundError, ProcessLookupError):
        return False  # A thread that has just ended.


class Log:
    """Everything that the order topics have said since the start, read in the background."""

    TOPICS = ["orders.approved", "orders.rejected", "executions", "dead_letters", "alerts"]

    def __init__(self, bootstrap):
        self.records = {topic: [] for topic in self.TOPICS}
        self.lock = threading.Lock()
        self.stopped = False
        self.consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": "end-to-end", "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "fetch.wait.max.ms": 50, "log_level": 0})
        metadata = self.consumer.list_topics(timeout=10).topics
        self.consumer.assign([TopicPartition(t, p, 0) for t in self.TOPICS for p in metadata[t].partitions])
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while not self.stopped:
            for message in self.consumer.consume(500, 0.05):
                if message.error() or message.value() is None:
                    continue
                try:
                    record = dict(json.loads(message.value()))
                except (TypeError, ValueError):
                    continue  # A stranger's, which a check put there.
                record["_seen"] = time.monotonic()
                record["_time"] = message.timestamp()[1]  # Milliseconds, by the clock of whoever wrote it.
                record["_partition"] = message.partition()
                record["_headers"] = dict(message.headers() or [])
                with self.lock:
                    self.records[message.topic()].append(record)
        self.consumer.close()

    def close(self):
        self.stopped = True
        self.thread.join(10)

    def find(self, topic, **fields):
        with self.lock:
            return [r for r in self.records[topic] if all(r.get(k) == v for k, v in fields.items())]

    def count(self, topic):
        with self.lock:
            return len(self.records[topic])


class Stack:
    local = LOCAL

    def __init__(self, scale=(), watch=True, **settings):
        # Without `watch` nobody keeps what the topics say: for runs whose log would fill the memory.
        self.scale, self.watch = scale, watch
        self.environment = {**os.environ, "APUS_SKIP_BUILD": "1", **settings}

    def __enter__(self):
        scale = [word for item in self.scale for word in ("--scale", item)]
        subprocess.run([LOCAL, "up", *scale], check=True, env=self.environment, stdin=subprocess.DEVNULL)
        lines = subprocess.run([LOCAL, "env"], check=True, env=self.environment, capture_output=True, text=True).stdout
        self.variables = {}
        for line in lines.splitlines():
            name, _, value = line.partition("=")
            self.variables[name] = shlex.split(value)[0]
        self.run_dir = pathlib.Path(self.environment.get("APUS_LOCAL", ROOT / ".local")) / "run"
        self.bootstrap = self.variables["KAFKA_BOOTSTRAP"]
        self.producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 0, "partitioner": "murmur2_random", "log_level": 0})
        self.redis = redis.Redis.from_url(self.variables["REDIS_URL"], decode_responses=True)
        self.log = Log(self.bootstrap) if self.watch else None
        return self

    def __exit__(self, *_):
        if self.log:
            self.log.close()
        subprocess.run([LOCAL, "down", "--wipe"], check=True, env=self.environment)

    # --- in ---

    def send(self, order, key="", raw=None, topic="orders"):
        value = raw if raw is not None else json.dumps(order).encode()
        account = order.get("account", "main") if isinstance(order, dict) else "main"
        self.producer.produce(topic, value=value, key=key or account)
        self.producer.poll(0)

    def flush(self):
        expect(self.producer.flush(30) == 0, "the broker did not take every record")

    def apus(self, *arguments, account=None, check=True):
        words = [shutil.which("apus", path=self.variables["PATH"]), *arguments] + (["--account", account] if account else [])
        result = subprocess.run(words, env={**self.environment, **self.variables}, capture_output=True, text=True, timeout=60)
        if check:
            expect(result.returncode == 0, f"apus {' '.join(arguments)}: {result.returncode} {result.stdout} {result.stderr}")
        return result

    def set_limits(self, account="main", **limits):
        """Changes limits; the command returns when RiskGate has them."""
        self.apus("limits", "set", *[f"{name.replace('__', '.')}={value}" for name, value in limits.items()], account=account)

    # --- out ---

    def risk(self, account="main"):
        text = self.redis.get(f"risk:{account}")
        return json.loads(text) if text else {}

    def top(self, venue="binance", symbol="BTC-USDT"):
        return json.loads(self.redis.get(f"top:{venue}:{symbol}") or "{}")

    def query(self, sql, *parameters):
        connection = psycopg2.connect(self.variables["DATABASE_URL"])
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall()
        finally:
            connection.close()

    def fault_url(self, venue):
        return self.variables["SIM_FAULT_URL" if venue == "binance" else f"SIM_{venue.upper()}_FAULT_URL"]

    def truth(self, what, venue="binance"):
        """The simulated venue's own account of `orders`, `fills` or `balances`; long histories come in parts."""
        size, facts = 20_000, []
        while True:
            part = f"?from={size * len(facts)}&limit={size}" if what != "balances" else ""
            with urllib.request.urlopen(f"{self.fault_url(venue)}/truth/{what}{part}", timeout=30) as reply:
                facts.append(json.load(reply))
            if what == "balances" or not facts[-1]:
                return [fact for part in facts for fact in part]

    def fault(self, venue="binance", **fault):
        request = urllib.request.Request(
            f"{self.fault_url(venue)}/faults", json.dumps(fault).encode(), {"content-type": "application/json"})
        urllib.request.urlopen(request, timeout=10).read()

    def faults(self, method="GET", venue="binance"):
        """The faults that still wait; `DELETE` forgets them."""
        request = urllib.request.Request(f"{self.fault_url(venue)}/faults", method=method)
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)

    def by_hand(self, method, path, account="main", **parameters):
        """What a person does at the venue with the account's own keys, past the engine: (HTTP status, answer)."""
        suffix = "" if account == self.variables.get("APUS_DEFAULT_ACCOUNT", "main") else f"_{account.upper()}"
        secret = self.variables[f"BINANCE_TESTNET_SECRET_KEY{suffix}"]
        query = urllib.parse.urlencode({**parameters, "timestamp": int(time.time() * 1000)})
        query += "&signature=" + hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        request = urllib.request.Request(
            f"{self.variables['SIM_BINANCE_REST_URL']}{path}?{query}", method=method,
            headers={"X-MBX-APIKEY": self.variables[f"BINANCE_TESTNET_API_KEY{suffix}"]})
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def decision(self, identifier, account="main", seconds=10):
        """The first decision about an order: ('approved' | 'rejected', record)."""

        def found():
            for topic in ("orders.approved", "orders.rejected"):
                records = self.log.find(topic, client_order_id=identifier, account=account)
                if records:
                    return topic.split(".")[1], records[0]
            return None

        return wait_until(found, seconds, f"a decision about {identifier}")

    def ended(self, identifier, account="main", seconds=20):
        def found():
            events = [r for r in self.log.find("executions", client_order_id=identifier, account=account) if "status" in r]
            return events[-1] if events and events[-1]["status"] in ENDED else None

        return wait_until(found, seconds, f"the end of {identifier}")

    # --- programs ---

    def supervised(self, name):
        """A number that a supervisor has written down. While it writes a new one, the file is empty."""
        return int(wait_until(lambda: (self.run_dir / name).read_text().strip(), 10, f"a number in {name}"))

    def pid(self, program):
        return self.supervised(f"{program}.child")

    def kill(self, program, number=signal.SIGKILL):
        pid = self.pid(program)
        os.kill(pid, number)
        return pid

    def freeze(self, program):
        """Stops it; when this returns, no thread of it runs, whatever the signal took to arrive."""
        pid = self.kill(program, signal.SIGSTOP)
        wait_until(lambda: stands_still(pid), 10, f"{program} stands still")

    @contextlib.contextmanager
    def stopped(self, program):
        """The program stands still inside the block, from its first line on."""
        try:
            self.freeze(program)
            yield
        finally:
            self.kill(program, signal.SIGCONT)

    def resident_bytes(self, program):
        """The memory that the program holds now."""
        for line in pathlib.Path(f"/proc/{self.pid(program)}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Failure(f"{program} does not run")

    def restart(self, program):
        """Stops it and starts it again, with the environment as it is now; returns when it is healthy."""
        subprocess.run([LOCAL, "restart", program], check=True, env=self.environment, stdin=subprocess.DEVNULL)

    def restarts(self, program):
        return self.supervised(f"{program}.restarts")

    def healthy(self):
        return subprocess.run([LOCAL, "status"], env=self.environment, capture_output=True).returncode == 0

    def await_healthy(self, seconds=60):
        wait_until(self.healthy, seconds, "every program healthy")
