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


def replay(symbol, path):
    result = subprocess.run(
        [APUS, "replay", "--venue", "binance", "--symbol", symbol, str(path)], capture_output=True, text=True, check=True)
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
    if got["gaps"] != expected["gaps"] or got["valid"] is not True:
        return f"gaps {got['gaps']}, valid {got['valid']}"
    return None


def without_one_diff(symbol, path, directory):
    """The capture with a diff of `symbol` from the middle left out."""
    lines = gzip.open(path, "rt").read().splitlines()
    diffs = [
        index for index, line in enumerate(lines)
        if '"t":"recv"' in line and "depthUpdate" in line and f'\\"s\\":\\"{symbol}\\"' in line
    ]
    del lines[diffs[len(diffs) * 3 // 4]]
    shortened = pathlib.Path(directory) / "shortened.jsonl"
    shortened.write_text("\n".join(lines) + "\n")
    return shortened


def main():
    captures = pathlib.Path(sys.argv[1]) / "binance" / "captures"
    passed = failed = 0
    for path in sorted(captures.glob("*.expected.json")):
        recording = path.with_name(path.name.replace(".expected.json", ".jsonl.gz"))
        for symbol, expected in json.loads(path.read_text())["books"].items():
            problem = difference(replay(symbol, recording), expected)
            with tempfile.TemporaryDirectory() as directory:
                broken = replay(symbol, without_one_diff(symbol, recording, directory))
            if problem is None and (broken["valid"] or broken["bids"] or broken["asks"]):
                problem = f"a missing frame was not noticed: {broken}"
            if problem is None:
                passed += 1
            else:
                failed += 1
                print(f"FAIL {recording.name} {symbol}: {problem}")
    print(f"{passed} books equal the expected ones and notice a missing frame, {failed} do not")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
