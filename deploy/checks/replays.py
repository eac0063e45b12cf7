#!/usr/bin/env python3
"""apus replay against what an independent replay of the recorded traffic came to, and with a frame left out.

    replays.py FIXTURES
"""
import decimal
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
APUS = ROOT / ".build" / "release" / "apus"


def replay(book, path):
    result = subprocess.run([APUS, "replay", *book, str(path)], capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def levels(side):
    return [[decimal.Decimal(text) for text in level] for level in side]


def difference(got, expected):
    final = expected["final"]
    for side in ("bids", "asks"):
        if levels(got[side]) != levels(final[side]):
            return f"{side}: {got[side]} in place of {final[side]}"
    for count in ("bid_levels", "ask_levels"):
        if got[count] != final[count]:
            return f"{count}: {got[count]} in place of {final[count]}"
    gaps = expected["gaps"] if "gaps" in expected else expected["u_gaps"]
    if got["gaps"] != gaps or got["valid"] is not True:
        return f"gaps {got['gaps']}, valid {got['valid']}"
    return None


def binance(recording):
    """Every book of a recording: how apus is told of it, what was expected, and what its steps look like in the file."""
    for symbol, expected in recording["books"].items():
        yield ["--venue", "binance", "--symbol", symbol], expected, ["depthUpdate", f'\\"s\\":\\"{symbol}\\"']


def bybit(recording):
    for name, expected in recording["books"].items():
        connection, topic = name.split("|")
        _, depth, symbol = topic.split(".")
        # Which connection was which, the recording says; one that names no address was of the perpetuals.
        market = "spot" if connection == "BYBIT.ws.3" else "linear"
        arguments = ["--venue", "bybit", "--market", market, "--depth", depth, "--symbol", symbol]
        yield arguments, expected, [f'"conn":"{connection}"', topic, 'type\\":\\"delta']


def without_one_step(marks, path, directory):
    """The recording with one step of a book left out, from the middle."""
    lines = gzip.open(path, "rt").read().splitlines()
    steps = [
        index for index, line in enumerate(lines) if '"t":"recv"' in line and all(mark in line for mark in marks)
    ]
    del lines[steps[len(steps) * 3 // 4]]
    shortened = pathlib.Path(directory) / "shortened.jsonl"
    shortened.write_text("\n".join(lines) + "\n")
    return shortened


def main():
    passed = failed = 0
    for venue in (binance, bybit):
        captures = pathlib.Path(sys.argv[1]) / venue.__name__ / "captures"
        for path in sorted(captures.glob("*.expected.json")):
            recording = path.with_name(path.name.replace(".expected.json", ".jsonl.gz"))
            for book, expected, marks in venue(json.loads(path.read_text())):
                problem = difference(replay(book, recording), expected)
                with tempfile.TemporaryDirectory() as directory:
                    broken = replay(book, without_one_step(marks, recording, directory))
                if problem is None and (broken["valid"] or broken["bids"] or broken["asks"]):
                    problem = f"a missing frame was not noticed: {broken}"
                if problem is None:
                    passed += 1
                else:
                    failed += 1
                    print(f"FAIL {recording.name} {' '.join(book)}: {problem}")
    print(f"{passed} books equal the expected ones and notice a missing frame, {failed} do not")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
