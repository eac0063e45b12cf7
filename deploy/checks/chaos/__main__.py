"""Chaos on real processes: see deploy/chaos.sh."""
import argparse
import collections
import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
import time

from stack import ROOT, Failure, Stack, wait_until

from . import checker, history, self_check, table
from .experiment import Experiment
from .faults import FLOW, TAKE_OVER, Boundaries
from .flow import ACCOUNTS, TIGHT, TIGHT_LIMITS, WIDE_LIMITS, Flow
from .history import D
from .watch import Convergence, Venue, Watch

# A venue without rate limits and with deep pockets, since the flow is far above what the real one allows an account.
SETTINGS = {
    "APUS_ACCOUNTS": ",".join(ACCOUNTS), "APUS_RECONCILE_INTERVAL_MS": "1000", "APUS_FEED_SILENCE_MS": "2000",
    "SIM_WEIGHT_LIMIT": "1000000000", "SIM_ORDER_LIMIT_10S": "1000000000", "SIM_ORDER_LIMIT_1D": "1000000000",
    "SIM_BALANCES": "USDT=100000000,BTC=5000", "SIM_ACK_DELAY_MS": "5-50",
}


def arguments():
    parser = argparse.ArgumentParser(prog="deploy/chaos.sh", description=__doc__)
    parser.add_argument("--kills", type=int, help="only so many kills at random, with the ordinary build")
    parser.add_argument("--rate", type=int, default=105, help="new orders a second")
    parser.add_argument("--each", type=int, default=10, help="kills at each named boundary")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of all chance in the experiment")
    parser.add_argument("--recovery-limit", type=float, default=5, help="seconds, p99 of a restart; 0: only printed")
    parser.add_argument("--convergence-limit", type=float, default=10, help="seconds, p99; 0: only printed")
    parser.add_argument("--approvals-limit", type=float, default=0.9, help="share of the new orders; 0: only printed")
    parser.add_argument("--self-check", action="store_true", help="only show that the checker notices what it is to notice")
    parser.add_argument("--phase", action="append", help="only this phase of the full experiment: boundaries, random, several, stops, "
                        "servers, replicas")
    parser.add_argument("--minutes", type=float, default=60, help="no fault is begun later")
    parser.add_argument("--logs", help="directory that gets a copy of the programs' logs")
    return parser.parse_args()


def check_names():
    """The boundaries named here are those of the programs."""
    words = subprocess.run(["grep", "-rhoE", r'boundary\("[a-z_.]+"', ROOT / "Sources"], capture_output=True, text=True).stdout
    there = {line.split('"')[1] for line in words.splitlines()}
    here = {name for group in (FLOW, TAKE_OVER) for names in group.values() for name in names}
    if there != here:
        raise Failure(f"boundaries: only in the programs {there - here}, only in the experiment {here - there}")


def phases(experiment, options, stack):
    """What is done, by name, in order."""
    if options.kills:
        return {"random": lambda: experiment.random_kills(options.kills, venue_chance=0.5),
                "stops": lambda: experiment.stops([3], boundaries=False)}

    def replicas():
        subprocess.run([stack.local, "up", "--scale", "RiskGate=2", "--scale", "OrderManager=2"], check=True, env=stack.environment,
                       stdin=subprocess.DEVNULL, capture_output=True)
        for topic in ("orders.approved", "executions"):
            experiment.await_shared(topic)
        experiment.replicas(3, 9)

    return {
        "boundaries": lambda: experiment.boundary_kills(options.each), "random": lambda: experiment.random_kills(16),
        "several": lambda: experiment.pairs(5), "stops": lambda: experiment.stops([1, 3, 9], boundaries=True),
        "servers": lambda: experiment.servers(2), "replicas": replicas,
    }


def perform(experiment, options, stack):
    for name, phase in phases(experiment, options, stack).items():
        if experiment.is_over or (options.phase and name not in options.phase):
            continue
        try:
            phase()
        except (Failure, OSError, subprocess.SubprocessError) as error:
            # What was recorded until then is judged all the same.
            experiment.unrecovered.append(f"the phase {name} broke off: {error}")


def settle(stack, venue, convergence, flow):
    """No more orders; waits until everything has ended and is recorded."""
    flow.close()
    stack.faults("DELETE")
    stack.await_healthy()
    started = time.monotonic()
    numbers = iter(range(10**6))

    def is_quiet():
        row = convergence.query(
            "SELECT count(*) FROM orders WHERE status NOT IN ('filled', 'cancelled', 'expired', 'rejected', 'halted')")
        if row and row[0][0]:
            number = next(numbers)
            if number % 100 == 99:  # Whatever was approved after the first sweep.
                for account in ACCOUNTS:
                    flow.send({"action": "cancel_all", "client_order_id": f"{flow.run_name}-all-{account}-{number}", "account": account})
                flow.producer.flush(10)
            return False
        counts = convergence.query("SELECT (SELECT count(*) FROM fills), (SELECT count(*) FROM discrepancies WHERE resolved_at IS NULL)")
        return counts and counts[0] == (sum(venue.mark()[1].values()), 0)

    try:
        wait_until(is_quiet, 60, "everything ended and recorded")
    except Failure as failure:
        print(f"  {failure}: what is missing is found below", flush=True)
        for query in ("SELECT account, client_order_id, status, filled_quantity FROM orders "
                      "WHERE status NOT IN ('filled', 'cancelled', 'expired', 'rejected', 'halted') LIMIT 10",
                      "SELECT account, code, subject, ours, venues FROM discrepancies WHERE resolved_at IS NULL LIMIT 10"):
            for row in convergence.query(query) or []:
                print(f"  not settled: {row}", flush=True)
        print(f"  fills recorded and at the venue: {convergence.query('SELECT count(*) FROM fills')}, {sum(venue.mark()[1].values())}", flush=True)
    return time.monotonic() - started


def gather(stack, flow, venue, convergence):
    recorded = history.History(acknowledged=flow.acknowledged)
    history.LogReader(recorded).read(stack.bootstrap)
    history.add_venue(recorded, venue)
    history.add_database(recorded, convergence.query)
    history.add_redis(recorded, stack.redis, ACCOUNTS)
    recorded.limits = {TIGHT: {
        "position": D(TIGHT_LIMITS["max_position__BTC"]), "rate": D(TIGHT_LIMITS["max_orders_per_second"]),
        "notional": D(TIGHT_LIMITS["max_order_notional"])}}
    return recorded


def judge(stack, flow, venue, convergence):
    """All that was recorded, and what is wrong with it. Redis is written behind the log, and balances once a round, so what is wrong there
    may be right a moment later; what was lost or done twice stays so."""
    end = time.monotonic() + 60
    while True:
        is_over = time.monotonic() > end
        recorded = gather(stack, flow, venue, convergence)
        found = checker.check(recorded)
        if is_over or not any(found.values()):
            return recorded, found
        time.sleep(2)


@dataclasses.dataclass
class Outcome:
    experiment: Experiment
    flow: Flow
    recorded: history.History
    found: dict
    seconds: float
    settled: float

    def print(self):
        experiment, recorded = self.experiment, self.recorded
        approved = checker.approvals(recorded)
        decided = [d for ds in recorded.decisions.values() for d in ds]
        refused = collections.Counter(d.code for d in decided if d.topic == "orders.rejected" and not d.is_duplicate)
        requests = len(recorded.submitted)
        sent = len(recorded.venue_orders)
        rows = [(f"injected: {name}", str(count)) for name, count in sorted(experiment.injected.items())]
        rows += [
            ("SIGKILLs in all", str(experiment.kills)),
            ("named boundaries, kills at each",
             f"{len(experiment.at)}, {min(experiment.at.values())} to {max(experiment.at.values())}" if experiment.at else "none"),
            ("time under load", f"{self.seconds:.0f} s, {self.flow.submitted / self.seconds:.0f} new orders a second"),
            ("requests submitted", f"{requests}, {self.flow.submitted} of them new orders"),
            ("requests decided", f"{sum(not d.is_duplicate for d in decided)}, of new orders {len(approved)} approved "
                                 f"({len(approved) / max(1, self.flow.submitted):.1%})"),
            ("refused, by code", ", ".join(f"{code}: {count}" for code, count in sorted(refused.items()))),
            ("orders at the venue, fills", f"{sent}, {len(recorded.venue_fills)}"),
            ("approved, provably never sent", str(len(approved) - len({recorded.children.get(o["client_order_id"])
                                                                      for o in recorded.venue_orders}))),
            ("records of fenced writers, ignored", str(recorded.fenced)),
            ("duplicated", table.rate(len(self.found["duplicated"]), requests)),
            ("lost", table.rate(len(self.found["lost"]), requests)),
            ("wrong states", table.rate(len(self.found["wrong"]), requests)),
        ]
        rows += [(name, table.times(values)) for name, values in sorted(experiment.measured.items())]
        rows += [("converged after the last order", f"{self.settled:.1f} s")]
        print("\n" + table.rows(rows))
        for kind, sentences in self.found.items():
            for sentence in sentences[:10]:
                print(f"{kind.upper()}: {sentence}")
        for sentence in experiment.unrecovered:
            print(f"NOT RECOVERED: {sentence}")

    def failures(self, options):
        """Why the run counts as failed."""
        reasons = [f"never stopped at {name}" for name in self.experiment.wanted if not self.experiment.at[name]]
        reasons += [f"{len(sentences)} {kind}" for kind, sentences in self.found.items() if sentences]
        reasons += [f"{len(self.experiment.unrecovered)} times not recovered"] * bool(self.experiment.unrecovered)
        approved = len(checker.approvals(self.recorded)) / max(1, self.flow.submitted)
        if approved < options.approvals_limit:
            reasons.append(f"only {approved:.1%} of the new orders were approved, so most faults met no order on its way")
        measured = self.experiment.measured
        restarts = [t for name, ts in measured.items() for t in ts
                    if "restart of " in name and name.endswith(("first new decision", "first new order at the venue"))]
        # Another replica waits for the group's session time-out first.
        converged = [t for name, ts in measured.items() if name.startswith("converged") and "take-over" not in name for t in ts]
        for name, values, limit in (("recovery by restart", restarts, options.recovery_limit),
                                    ("convergence", converged, options.convergence_limit)):
            if limit and values and table.percentile(values, 0.99) >= limit:
                reasons.append(f"{name}: p99 {table.percentile(values, 0.99):.2f} s, limit {limit:g} s")
        return reasons


def run(options):
    local = pathlib.Path(os.environ.get("APUS_LOCAL", ROOT / ".local"))
    settings = dict(SETTINGS, APUS_BOUNDARY_DIR=str(local / "boundaries"))
    boundaries = Boundaries(settings["APUS_BOUNDARY_DIR"])
    with Stack(**settings) as stack:
        stack.log.close()  # It would keep every record; here all are read at the end.
        stack.set_limits(TIGHT, max_daily_loss=10**9, **TIGHT_LIMITS)
        for account in ACCOUNTS[:-1]:
            stack.set_limits(account, max_daily_loss=10**9, **WIDE_LIMITS)
        flow, watch, venue = Flow(stack, options.rate, options.seed), Watch(stack), Venue(stack)
        convergence = Convergence(stack, venue)
        started = time.monotonic()

        def say(text):
            print(f"  {time.monotonic() - started:6.0f} s  {text}; {flow.submitted} orders, {watch.approved} approved", flush=True)

        experiment = Experiment(stack, flow, watch, venue, convergence, boundaries, options.seed, options.minutes, say)
        watch.start()
        flow.start()
        wait_until(lambda: len(watch.partition_of) == len(ACCOUNTS), 30, "decisions for every account")
        time.sleep(2)
        perform(experiment, options, stack)
        seconds = time.monotonic() - started
        settled = settle(stack, venue, convergence, flow)
        watch.stopped.set()
        recorded, found = judge(stack, flow, venue, convergence)
        outcome = Outcome(experiment, flow, recorded, found, seconds, settled)
        outcome.print()
        if options.logs:
            shutil.copytree(local / "logs", options.logs, dirs_exist_ok=True)
    return outcome.failures(options)


def main():
    options = arguments()
    check_names()
    if not self_check.run():
        sys.exit("the checker does not notice what it is to notice")
    if options.self_check:
        return
    print(f"seed {options.seed}, load of the machine {' '.join(f'{load:.1f}' for load in os.getloadavg())}", flush=True)
    reasons = run(options)
    print("FAILED: " + "; ".join(reasons) if reasons else "passed")
    sys.exit(1 if reasons else 0)


main()
