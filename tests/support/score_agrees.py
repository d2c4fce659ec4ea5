#!/usr/bin/python3
"""Do capq-sim and tools/score.py, which know nothing of each other, find the same figures?

    score_agrees.py BIN_DIRECTORY SOURCE_DIRECTORY

plays the traces of tests/fixtures/traces by some policies and scores each schedule twice. score.py also
refuses what is no schedule: overlapping builds, or one that began before what it needs was built.
"""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile

POLICIES = ["spr", "fifo", "wfq"]
PRECISION = 1e-9


def played(programs, trace, slots, policy, events):
    history = trace[:-4] + ".history.csv"
    command = [f"{programs}/capq-sim", "--trace", trace, "--history", history, "--slots", slots,
               "--policy", policy, "--events", events, "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["figures"]


def scored(source, trace, slots, events, result):
    command = [sys.executable, f"{source}/tools/score.py", "score", trace, events, "-m", slots, "--json", result]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with open(result, encoding="utf-8") as file:
        return json.load(file)["metrics"]


def differences(ours, theirs):
    for name in sorted(set(ours) | set(theirs)):
        a, b = ours.get(name), theirs.get(name)
        if a is None or b is None or abs(a - b) > PRECISION * max(1, abs(a), abs(b)):
            yield f"{name}: capq-sim says {a}, score.py {b}"


def main():
    programs, source = sys.argv[1:]
    wrong = n = 0
    with tempfile.TemporaryDirectory(prefix="score-agrees-") as work:
        for trace in sorted(glob.glob(f"{source}/tests/fixtures/traces/m*_*.csv")):
            if trace.endswith(".history.csv"):
                continue
            slots = re.match(r"m(\d+)_", os.path.basename(trace))[1]
            for policy in POLICIES:
                ours = played(programs, trace, slots, policy, f"{work}/events.csv")
                theirs = scored(source, trace, slots, f"{work}/events.csv", f"{work}/score.json")
                n += 1
                for line in differences(ours, theirs):
                    print(f"{trace}, {policy}: {line}", file=sys.stderr)
                    wrong += 1
    return bool(wrong) or n == 0


if __name__ == "__main__":
    sys.exit(main())
