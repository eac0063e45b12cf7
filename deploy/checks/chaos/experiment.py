"""The experiment: phases of faults under the flow, with what was measured after each."""
import collections
import concurrent.futures
import copy
import random
import signal
import time

from stack import Failure, wait_until

from . import faults
from .faults import FLOW, SERVERS, SERVICES, TAKE_OVER
from .flow import ACCOUNTS
from .watch import Convergence, Venue

# What lived shorter is started again with a delay, as a supervisor does with a program that keeps dying.
REST_SECONDS = 3.2
# The programs that an order passes.
ON_THE_WAY = ("riskgate", "ordermanager")
# What takes longer is told at once.
SLOW_SECONDS = 8


class Experiment:
    def __init__(self, stack, flow, watch, venue, convergence, boundaries, seed, minutes, say):
        self.stack, self.flow, self.watch, self.venue, self.convergence = stack, flow, watch, venue, convergence
        self.boundaries = boundaries
        self.random = random.Random(seed)
        self.say = say
        self.ends_at = time.monotonic() + 60 * minutes
        self.injected = collections.Counter()
        self.at = collections.Counter()  # kills at each named boundary
        self.wanted = set()  # boundaries at which it was to stop
        self.measured = collections.defaultdict(list)
        self.unrecovered = []
        self.rested_at = collections.defaultdict(float)

    @property
    def is_over(self):
        """No more faults: the time is up."""
        return time.monotonic() > self.ends_at

    @property
    def kills(self):
        return sum(n for name, n in self.injected.items() if name.startswith("SIGKILL"))

    # --- one fault ---

    def rest(self, program):
        time.sleep(max(0, self.rested_at[program] - time.monotonic()))

    def note(self, kind, program):
        self.injected[kind] += 1
        self.rested_at[program] = time.monotonic() + REST_SECONDS

    def record(self, name, start, moments):
        """How long after the start the first of the moments was, and the last of them."""
        if not moments or None in moments:
            self.unrecovered.append(f"{name}: {moments}")
        else:
            self.measured[name].append(min(moments) - start)
            self.measured[f"{name}, all accounts"].append(max(moments) - start)

    def recover(self, name, start, mark, decides=None, sends=None, arrived=False, converged=None):
        """Measures what comes back after the start: decisions on these partitions, orders of these accounts at the venue, and
        PostgreSQL's agreement with what the venue holds then."""
        begun = start
        if decides is not None:
            found = self.watch.decisions_after(start, decides, arrived)
            self.record(f"{name}: first new decision", start, list(found.values()))
            begun = max([start, *(t for t in found.values() if t)])
        if sends is not None:
            # What the dead process had sent may arrive just after it died.
            found = self.venue.first_order_after(begun + 0.02, sends, mark)
            self.record(f"{name}: first new order at the venue", start, list(found.values()))
        if self.convergence.wait(mark):
            taken = time.time() - start
            self.measured[f"converged after {converged or 'restarts'}"].append(taken)
            if taken > SLOW_SECONDS:
                self.say(f"{name}: PostgreSQL agreed after {taken:.1f} s")
        else:
            self.unrecovered.append(f"{name}: PostgreSQL does not hold what the venue holds")

    def recover_service(self, service, start, mark, name="restart"):
        decides = set(self.watch.partition_of.values()) if service == "riskgate" else None
        sends = ACCOUNTS[:-1] if service in ON_THE_WAY else None
        converged = "stops" if name == "resumption" else None
        self.recover(f"{name} of {service}", start, mark, decides, sends, converged=converged)

    def disturb_venue(self, chance):
        if self.random.random() < chance and (kind := faults.venue_fault(self.stack, self.random)):
            self.injected[f"venue: {kind}"] += 1

    def kill(self, service):
        program = f"{service}-0"
        self.rest(program)
        mark = self.venue.mark()
        start = faults.kill(self.stack, program)
        self.note("SIGKILL at random", program)
        self.recover_service(service, start, mark)

    def kill_at(self, service, name, passes):
        """Kills at a boundary of the flow."""
        program = f"{service}-0"
        self.rest(program)
        mark = self.venue.mark()
        start = faults.at_boundary(self.stack, self.boundaries, program, name, passes)
        if start is None:
            return self.injected.update([f"not reached: {name}"])
        self.at[name] += 1
        self.note("SIGKILL at a boundary", program)
        self.recover_service(service, start, mark)

    def kill_in_take_over(self, service, name, passes):
        """Kills, and kills the successor while it takes over."""
        program = f"{service}-0"
        self.rest(program)
        mark = self.venue.mark()
        self.boundaries.arm(program, name, passes)
        faults.kill(self.stack, program)
        self.note("SIGKILL at random", program)
        try:
            wait_until(lambda: self.boundaries.has_fired(program), 20, name)
        except Failure:
            self.boundaries.disarm(program)
            return self.injected.update([f"not reached: {name}"])
        start = time.time()
        self.at[name] += 1
        self.note("SIGKILL at a boundary", program)
        self.recover_service(service, start, mark, "second restart")

    def stop(self, service, seconds, program=None):
        """Stops the process for a while; what comes back counts from when it goes on."""
        program = program or f"{service}-0"
        self.rest(program)
        mark = self.venue.mark()
        faults.kill(self.stack, program, signal.SIGSTOP)
        time.sleep(seconds)
        start = faults.kill(self.stack, program, signal.SIGCONT)
        self.note(f"SIGSTOP of {seconds} s", program)
        self.recover_service(service, start, mark, "resumption")

    def stop_at(self, service, name, passes, seconds):
        program = f"{service}-0"
        self.rest(program)
        mark = self.venue.mark()
        if faults.at_boundary(self.stack, self.boundaries, program, name, passes, b"S") is None:
            return self.injected.update([f"not reached: {name}"])
        time.sleep(seconds)
        start = faults.kill(self.stack, program, signal.SIGCONT)
        self.note(f"SIGSTOP at a boundary for {seconds} s", program)
        self.recover_service(service, start, mark, "resumption")

    def kill_server(self, program, in_order):
        mark = self.venue.mark()
        start = time.time()
        if in_order:
            faults.restart(self.stack, program)
        else:
            faults.kill(self.stack, program)
        self.note(f"{'restart' if in_order else 'SIGKILL'} of {program}", program)
        # Redis decides nothing; the others hold up decisions, orders, or the record.
        if program == "kafka":
            self.recover("kafka", start, mark, set(self.watch.partition_of.values()), ACCOUNTS[:-1], arrived=True, converged="servers")
        else:
            self.recover(program, start, mark, converged="servers")

    # --- phases ---

    def random_kills(self, count, venue_chance=0.3):
        """Each service in turn, then at random."""
        for number in range(count):
            if self.is_over:
                return
            service = SERVICES[number % len(SERVICES)] if number < count / 2 else self.random.choice(SERVICES)
            self.disturb_venue(venue_chance)
            self.kill(service)
            self.say(f"{number + 1} of {count} kills at random")

    def boundary_kills(self, each, venue_chance=0.3):
        """Every named boundary, so often each, in mixed order. Those on an order's way to the venue one after another, so that a recovery
        is one program's own; the others beside them."""
        todo = [(s, n, p, "kill_at") for s, names in FLOW.items() for n, p in names.items() for _ in range(each)]
        todo += [(s, n, p, "kill_in_take_over") for s, names in TAKE_OVER.items() for n, p in names.items() for _ in range(each)]
        self.wanted = {name for _, name, _, _ in todo}
        self.random.shuffle(todo)
        lanes = [[t for t in todo if (t[0] in ON_THE_WAY) == is_on_it] for is_on_it in (True, False)]
        with concurrent.futures.ThreadPoolExecutor(len(lanes)) as pool:
            for done in [pool.submit(self.beside().boundary_lane, lane, venue_chance) for lane in lanes]:
                done.result()

    def beside(self):
        """The same experiment for another thread: connections and chance of its own, one record."""
        other = copy.copy(self)
        other.venue = Venue(self.stack)
        other.convergence = Convergence(self.stack, other.venue)
        other.random = random.Random(self.random.random())
        return other

    def boundary_lane(self, todo, venue_chance):
        for number in range(len(todo)):
            if self.is_over:
                return
            now = time.monotonic()
            # The first whose process has rested.
            index = next((i for i, t in enumerate(todo) if self.rested_at[f"{t[0]}-0"] <= now), 0)
            service, name, passes, action = todo.pop(index)
            self.disturb_venue(venue_chance)
            getattr(self, action)(service, name, self.random.randint(0, passes))
            if number % 10 == 9:
                self.say(f"{self.kills} kills, {sum(self.at.values())} of them at boundaries")

    def stops(self, lengths, boundaries):
        for seconds in lengths:
            for service in SERVICES:
                if self.is_over:
                    return
                self.disturb_venue(0.3)
                self.stop(service, seconds)
            self.say(f"every service stopped for {seconds} s")
        if boundaries:
            for service in ON_THE_WAY:
                for name, passes in FLOW[service].items():
                    if self.is_over:
                        return
                    self.stop_at(service, name, self.random.randint(0, passes), 3)
            self.say("stopped at every boundary of the flow, for longer than a lease")

    def servers(self, times):
        for number in range(times):
            for program in SERVERS:
                if self.is_over:
                    return
                self.kill_server(program, in_order=number % 2 == 1)
                self.say(f"{program} was restarted")
                self.stack.await_healthy()

    def pairs(self, count):
        """Several services at once."""
        for _ in range(count):
            if self.is_over:
                return
            victims = self.random.sample(SERVICES, self.random.choice([2, 3, 4]))
            for service in victims:
                self.rest(f"{service}-0")
            mark = self.venue.mark()
            start = time.time()
            for service in victims:
                start = faults.kill(self.stack, f"{service}-0")
                self.note("SIGKILL of several at once", f"{service}-0")
            self.recover("several at once", start, mark, set(self.watch.partition_of.values()), ACCOUNTS[:-1])
        self.say("several services at once")

    def replicas(self, times, stop_seconds):
        """With two replicas: one dies and stays dead until the other has taken over; one sleeps until then, and wakes up."""
        topics = {"riskgate": "orders.approved", "ordermanager": "executions"}
        for number in range(times):
            for service, topic in topics.items():
                if self.is_over:
                    return
                program = f"{service}-{number % 2}"
                partitions = self.watch.partitions_of(topic, program)
                accounts = [a for a in self.watch.accounts_on(partitions) if a in ACCOUNTS[:-1]]
                mark = self.venue.mark()
                held = faults.Held(self.stack, program)
                self.note("SIGKILL of a replica", program)
                try:
                    self.recover(f"take-over from {service}", held.died_at, mark,
                                 self.partitions_with_flow(partitions) if service == "riskgate" else None, accounts,
                                 converged="take-over")
                finally:
                    held.release()
                self.await_shared(topic)
                self.stop(service, stop_seconds, f"{service}-{(number + 1) % 2}")
                self.await_shared(topic)
                self.say(f"a replica of {service} has died and one has slept, {number + 1} of {times}")

    def partitions_with_flow(self, partitions):
        return {p for a, p in self.watch.partition_of.items() if p in partitions}

    def await_shared(self, topic):
        """Both replicas own partitions again."""
        wait_until(lambda: len({o for (t, _), o in list(self.watch.owners.items()) if t == topic}) == 2, 60, f"two owners of {topic}")
        self.stack.await_healthy()
