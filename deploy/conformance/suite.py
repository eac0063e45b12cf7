"""What the conformance scripts share: checks that run one by one against a broker at an address."""

import random
import sys
import time
import traceback


class Suite:
    """Checks in the order in which they are written; a check is a function of the broker and says in its first line what holds."""

    def __init__(self):
        self.checks = []

    def __add__(self, other):
        both = Suite()
        both.checks = self.checks + other.checks
        return both

    def check(self, function):
        self.checks.append(function)
        return function

    def run(self, broker, only=()):
        """Runs the checks whose names contain one of the words, all of them without any; ends the program."""
        failed = 0
        for function in self.checks:
            if only and not any(part in function.__name__ for part in only):
                continue
            began = time.monotonic()
            try:
                function(broker)
                verdict = "PASS"
            except Exception:
                verdict, failed = "FAIL", failed + 1
                traceback.print_exc()
            print(f"{verdict} {function.__name__}: {function.__doc__} ({time.monotonic() - began:.1f} s)", flush=True)
        broker.clean_up()
        print(f"{failed} failed" if failed else "all passed")
        sys.exit(1 if failed else 0)


class BrokerUnderTest:
    """The broker at an address, and names of this run's own."""

    def __init__(self, bootstrap, patience):
        self.bootstrap, self.patience = bootstrap, patience
        self.run = f"conformance-{random.randrange(16**8):08x}"
        self.count = 0
        self.topics = []

    def name(self, what):
        self.count += 1
        return f"{self.run}-{what}-{self.count}"

    def topic(self, what, partitions=1, **config):
        """A topic of one's own; records of any age stay in it unless the check says otherwise."""
        name = self.name(what)
        config.setdefault("retention_ms", -1)
        self.create(name, partitions, {key.replace("_", "."): str(value) for key, value in config.items()})
        self.topics.append(name)
        return name

    def create(self, name, partitions=1, config=None, replication=1):
        raise NotImplementedError

    def clean_up(self):
        """Deletes the topics that the checks have made."""
        raise NotImplementedError

    def eventually(self, condition, what):
        limit = time.monotonic() + self.patience
        while True:
            is_over = time.monotonic() > limit
            if condition():
                return
            if is_over:
                raise AssertionError(f"{what}: not within {self.patience} s")
            time.sleep(0.25)


def add_arguments(parser):
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--only", nargs="*", default=[], help="names of checks, or parts of them")
    parser.add_argument("--patience", type=float, default=120, help="seconds for what a broker does now and then")
