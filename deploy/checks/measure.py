"""What programs hold as time goes by, read from /proc, and slopes that outliers do not bend."""
import pathlib
import statistics
import threading
import time

PROC = pathlib.Path("/proc")


def theil_sen(points):
    """The median of the slopes between all pairs of (x, y): as many wild points as there are tame ones move it little. 0 without points."""
    slopes = [(y2 - y1) / (x2 - x1) for i, (x1, y1) in enumerate(points) for x2, y2 in points[i + 1:] if x2 > x1]
    return statistics.median(slopes) if slopes else 0.0


def directory_bytes(path):
    """What the files below a directory take on the disk."""
    total = 0
    for file in pathlib.Path(path).rglob("*"):
        try:
            total += file.lstat().st_blocks * 512
        except FileNotFoundError:
            pass  # It was deleted meanwhile.
    return total


def _field(path, name):
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0


def tree(pid):
    """A process and everything that descends from it."""
    pids = [pid]
    for one in pids:
        for task in (PROC / str(one) / "task").glob("*/children"):
            try:
                pids += [int(child) for child in task.read_text().split()]
            except FileNotFoundError:
                pass
    return pids


class Sample:
    """One look at a program with its children: resident and proportional memory in bytes, open descriptors, processor seconds."""

    def __init__(self, pid):
        self.time = time.monotonic()
        self.pid, self.rss, self.pss, self.descriptors, self.seconds = pid, 0, 0, 0, 0.0
        pids = tree(pid)
        self.is_tree = len(pids) > 1
        for one in pids:
            directory = PROC / str(one)
            try:
                self.rss += _field(directory / "status", "VmRSS:")
                self.pss += _field(directory / "smaps_rollup", "Pss:")
                self.descriptors += sum(1 for _ in (directory / "fd").iterdir())
                words = (directory / "stat").read_text().rsplit(") ", 1)[1].split()
                self.seconds += (int(words[11]) + int(words[12])) / 100
            except (FileNotFoundError, ProcessLookupError):
                continue  # A worker that has just ended.

    @property
    def memory(self):
        """What it holds: of several processes each shared page once."""
        return self.pss if self.is_tree else self.rss


class Sampler(threading.Thread):
    """Looks at programs at intervals. `pids` gives {name: process id}; `also` is called at each look and its results are kept with it."""

    def __init__(self, pids, seconds, also):
        super().__init__(daemon=True)
        self.pids, self.seconds, self.also = pids, seconds, also
        self.stopping = threading.Event()
        self.samples, self.moments, self.failure = {}, [], None

    def run(self):
        try:
            while not self.stopping.wait(self.seconds):
                for name, pid in self.pids().items():
                    self.samples.setdefault(name, []).append(Sample(pid))
                self.moments.append((time.monotonic(), self.also()))
        except Exception as failure:  # Told by whoever waits for this thread.
            self.failure = failure

    def stop(self):
        self.stopping.set()
        self.join()
        if self.failure:
            raise self.failure
