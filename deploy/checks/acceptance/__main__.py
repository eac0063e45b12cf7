#!/usr/bin/env python3
"""What users of trading systems report most, done to the running stack by the simulator's fault port: one check a failure.

    acceptance [NAME...]     all checks, or those whose names contain one of the words
"""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))

import stack as running  # noqa: E402
from actions import CHECKS  # noqa: E402
import orders, connections, accounts, programs, engines, venues  # noqa: E402, E401, F401: they bring the checks, in this order
from end_to_end import MARKET, approved, open_orders, run, settle  # noqa: E402


def independent(function):
    """The check with nothing left over from another: no faults, the right time, nothing open, a valid book."""

    def prepared(stack):
        stack.faults("DELETE")
        stack.fault(fault="skew_clock", milliseconds=0)
        stack.await_healthy()
        for account in ("main", "desk"):
            if open_orders(stack, account):
                settle(stack, account)
        running.wait_until(lambda: stack.top().get("valid"), 20, "a valid book")
        function(stack)

    prepared.__name__ = function.__name__
    return prepared


def main():
    words = sys.argv[1:]
    wanted = [c for c in CHECKS if not words or any(w in c.__name__ for w in words)]
    # Silence is what one check waits for, and not so short that another one hears it when the machine pauses.
    settings = {"APUS_RECONCILE_INTERVAL_MS": "500", "APUS_FEED_SILENCE_MS": "5000", "SIM_ACK_DELAY_MS": "5"}
    with running.Stack(**MARKET, **settings) as stack:
        for account in ("main", "desk"):
            stack.set_limits(account, **running.WIDE)
            # So that there is a position to be right about.
            stack.ended(approved(stack, {"side": "buy", "quantity": "0.5"}, account)["client_order_id"], account)
        failures = run(stack, [independent(c) for c in wanted])
    print(f"{len(wanted) - failures} of {len(wanted)} acceptance checks passed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
