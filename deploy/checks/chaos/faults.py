"""What is done to the stack: processes killed and stopped, at any moment or at a named boundary, servers killed, the venue misbehaving."""
import os
import pathlib
import signal
import subprocess
import time

# The boundaries of each program that its flow passes, and those that only a take-over passes: name and how often it may be passed
# before the process stops, so that the moment differs from time to time.
FLOW = {
    "riskgate": {
        "riskgate.order.polled": 60, "riskgate.outcome.decided": 60, "riskgate.outcome.sent": 60, "riskgate.outcome.acknowledged": 60,
        "riskgate.commit.due": 4, "riskgate.commit.answered": 4, "riskgate.snapshot.sent": 3,
    },
    "ordermanager": {
        "ordermanager.approval.polled": 60, "ordermanager.plan.sent": 60, "ordermanager.event.sent": 60, "ordermanager.snapshot.sent": 60,
        "ordermanager.record.acknowledged": 60, "ordermanager.call.signed": 60, "http.command.sent": 60, "ordermanager.reply.taken": 60,
        "ordermanager.stream.heard": 60, "ordermanager.commit.due": 3, "ordermanager.commit.answered": 3,
    },
    "reconciler": {
        "reconciler.batch.drained": 30, "reconciler.transaction.filled": 30, "reconciler.batch.stored": 30, "reconciler.round.asked": 6,
        "reconciler.round.told": 3,
    },
    "ingestor": {"ingestor.record.decided": 30, "ingestor.record.sent": 30},
}
TAKE_OVER = {
    "riskgate": {
        "riskgate.takeover.marked_approved": 5, "riskgate.takeover.marked_all": 5, "riskgate.takeover.restored": 5,
        "riskgate.takeover.assigned": 0,
    },
    "ordermanager": {
        "ordermanager.takeover.marked": 5, "ordermanager.takeover.read": 0, "ordermanager.takeover.marked_again": 5,
        "ordermanager.takeover.assigned": 0,
    },
}
SERVICES = ["riskgate", "ordermanager", "reconciler", "ingestor"]
SERVERS = ["kafka", "redis", "postgres"]

PLACE, CANCEL = "POST /api/v3/order", "DELETE /api/v3/order"
VENUE_FAULTS = [
    {"fault": "drop_reply", "match": PLACE, "count": 3},
    {"fault": "drop_reply", "match": CANCEL, "count": 3},
    {"fault": "drop_reply", "match": "GET /api/v3/order", "count": 2},
    {"fault": "delay_reply", "match": PLACE, "count": 3, "milliseconds": 1500},
    {"fault": "delay_reply", "match": PLACE, "count": 1, "milliseconds": 6000},
    {"fault": "fail_reply", "match": PLACE, "count": 3, "status": 504, "body": {"code": -1007, "msg": "Timeout."}},
    {"fault": "fail_reply", "match": CANCEL, "count": 2, "status": 503, "body": {"code": -1001, "msg": "Internal error."}},
    {"fault": "refuse_request", "match": PLACE, "count": 3, "status": 503, "body": {"code": -1001, "msg": "Internal error."}},
    {"fault": "refuse_request", "match": PLACE, "count": 1, "status": 400, "body": {"code": -2010, "msg": "Insufficient balance."}},
    {"fault": "cut_websocket", "match": "/ws-api/v3*", "count": 3},
    {"fault": "cut_websocket", "match": "/*", "count": 10},
    {"fault": "drop_event", "match": "executionReport", "count": 20},
    {"fault": "repeat_event", "match": "executionReport", "count": 20},
    {"fault": "forget_order", "match": "*", "count": 1, "milliseconds": 1500},
    {"fault": "skip_diff", "match": "btcusdt@depth@100ms", "count": 1},
    {"fault": "repeat_diff", "match": "btcusdt@depth@100ms", "count": 2},
]


class Boundaries:
    """Arms the named boundaries of running processes; see `BoundaryFile` in the programs' runtime library."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)

    def arm(self, program, name, passes=0, action=b"K"):
        file = os.open(self.directory / program, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            os.ftruncate(file, 128)
            os.pwrite(file, bytes([passes]) + name.encode() + b"\0", 1)
            os.pwrite(file, action, 0)
        finally:
            os.close(file)

    def has_fired(self, program):
        return (self.directory / program).read_bytes()[0] == 0

    def disarm(self, program):
        with open(self.directory / program, "r+b", buffering=0) as file:
            file.write(b"\0")


def kill(stack, program, number=signal.SIGKILL):
    """Signals the program; the moment it had the signal."""
    stack.kill(program, number)
    return time.time()


def at_boundary(stack, boundaries, program, name, passes, action=b"K", seconds=15):
    """Waits until the process stops at the armed boundary; the moment, or None when it never came there."""
    boundaries.arm(program, name, passes, action)
    end = time.monotonic() + seconds
    while not boundaries.has_fired(program):
        if time.monotonic() > end:
            boundaries.disarm(program)
            return None
        time.sleep(0.002)
    return time.time()


class Held:
    """A program that stays dead: its supervisor sleeps meanwhile."""

    def __init__(self, stack, program):
        self.program = program
        self.supervisor = int((stack.run_dir / f"{program}.pid").read_text())
        os.kill(self.supervisor, signal.SIGSTOP)
        self.died_at = kill(stack, program)

    def release(self):
        os.kill(self.supervisor, signal.SIGCONT)


def venue_fault(stack, generator):
    """Orders one fault at random from the simulator; its kind. None when as many wait as may."""
    fault = generator.choice(VENUE_FAULTS)
    try:
        stack.fault(**fault)
    except OSError:
        return None
    return fault["fault"]


def restart(stack, program):
    """Ends a program in good order and starts it again."""
    subprocess.run([stack.local, "restart", program], check=True, env=stack.environment, stdin=subprocess.DEVNULL, capture_output=True)
