"""The schedule on traces, beside other policies, and how fast it decides.

Traces are NAME.csv with NAME.history.csv in the directory $CAPQ_TRACES; mN_ in front of a name says on how many
slots. NAME.peers.json beside a trace has the figures of other schedulers on it; without, capq-sim's own fifo
and sjf are what is compared with. Without a directory, tools/make_trace.py makes some: the goals are of others,
so nothing is held against them.
"""

import glob
import itertools
import json
import math
import os
import re
import subprocess
import tempfile

BIN, ROOT = os.environ.get("CAPQ_BIN", "build/bin"), os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TRACES = os.environ.get("CAPQ_TRACES")
TITLE = "sched: the schedule on traces, geometric means; the schedule alone"

# What is made when no traces are given: thirty days of each, two of each kind.
SLOTS, LOADS, SEEDS, REVISIONS = [4, 8, 16], [0.7, 0.9, 1.1], [1, 2], 120

# What is compared: figure, with whom, goal of the geometric mean.
RATIOS = [
    ("str_mean", "sjf", "<= 0.76", "mean stretch"),
    ("slo_mean", "sjf", "<= 0.95", "mean slowdown"),
    ("thin_slo_p95", "sjf", "<= 0.98", "thin, 95th percentile"),
    ("thin_slo_p99", "sjf", "<= 0.98", "thin, 99th percentile"),
    ("thin_slo_p95", "fifo", "<= 0.057", "thin, 95th percentile"),
    ("medium_slo_p99", "sjf", "<= 0.92", "medium, 99th percentile"),
    ("fat_slo_mean", "sjf", "<= 0.94", "fat, mean"),
    ("fat_wait_max_h", "fifo", "<= 1.23", "fat, longest wait"),
    ("ttg_mean_h", "sjf", "<= 0.97", "time to green"),
]
HEADING = "  of sjf, or * of fifo:  str   slo   p95   p99  p95*   med   fat  max*   ttg"
# The same against the reference, trace by trace.
PAIRED = [
    ("str_mean", "<= 0.98", "mean stretch"),
    ("slo_mean", "<= 0.96", "mean slowdown"),
    ("thin_slo_p95", "<= 0.92", "thin, 95th percentile"),
    ("thin_slo_p99", "<= 0.92", "thin, 99th percentile"),
    ("fat_wait_max_h", "<= 1.00", "fat, longest wait"),
]


def command(*words):
    done = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)
    return done.stdout


def simulate(trace, slots, *options):
    history = trace[:-4] + ".history.csv"
    past = ["--history", history] if os.path.exists(history) else []
    return [f"{BIN}/capq-sim", *options, "--trace", trace, "--slots", slots, *past]


def peers_of(trace, slots, directory):
    """A file with the figures of others on this trace."""
    given = trace[:-4] + ".peers.json"
    if os.path.exists(given):
        return given
    played = json.loads(command(*simulate(trace, slots, "compare", "--json", "--policies", "fifo,sjf")))
    path = f"{directory}/peers.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({policy["policy"]: policy["figures"] for policy in played["policies"]}, file)
    return path


def measure(trace, slots):
    """Figures of ours, and of the others, by policy."""
    with tempfile.TemporaryDirectory(prefix="capq-sched-") as directory:
        events, result = f"{directory}/events.csv", f"{directory}/score.json"
        command(*simulate(trace, slots, "--events", events))
        command("/usr/bin/python3", f"{ROOT}/tools/score.py", "score", trace, events, "-m", slots,
                "--peers", peers_of(trace, slots, directory), "--json", result)
        with open(result, encoding="utf-8") as file:
            scored = json.load(file)
    return scored["metrics"], scored["baselines"], scored["ratios"]


def make_traces(directory, quick):
    for slots, load, seed in itertools.product(SLOTS[:1] if quick else SLOTS, LOADS, SEEDS):
        command("/usr/bin/python3", f"{ROOT}/tools/make_trace.py", f"{directory}/m{slots}_load{load}_s{seed}",
                "--slots", slots, "--load", load, "--revisions", REVISIONS, "--seed", 1000 * seed + slots)


def find_traces(directory):
    for path in sorted(glob.glob(f"{directory}/m*_*.csv")):
        slots = re.match(r"m(\d+)_", os.path.basename(path))
        if slots and not path.endswith(".history.csv"):
            yield path, int(slots[1])


def mean(values):
    """Geometric."""
    values = list(values)
    return math.exp(sum(math.log(max(value, 1e-9)) for value in values) / len(values))


def ratio(ours, others, figure):
    return ours[figure] / others[figure] if others[figure] else 1.0


def report_ratios(report, measured, has_goals):
    for figure, other, goal, text in RATIOS:
        value = mean(ratio(ours, peers[other], figure) for ours, peers, _ in measured)
        report.figure(f"{text} / {other}", value, "x", goal if has_goals else "")
    worst = max(ratio(ours, peers["fifo"], "fat_wait_max_h") for ours, peers, _ in measured)
    report.figure("fat, longest wait / fifo, worst trace", worst, "x", "<= 2.0" if has_goals else "")
    paired = [(ours, peers["reference"]) for ours, peers, _ in measured if "reference" in peers]
    for figure, goal, text in PAIRED if paired else []:
        report.figure(f"{text} / reference", mean(ratio(ours, reference, figure) for ours, reference in paired), "x", goal)


def report_sums(report, measured, has_goals):
    jain = mean(ours["jain"] for ours, _, _ in measured)
    stale_h = sum(ours["stale_h"] for ours, _, _ in measured)
    report.figure("fairness between submitters (Jain)", jain, "", ">= 0.87" if has_goals else "")
    report.figure("mean stretch / lower bound", mean(ratios["str_mean/lb"] for _, _, ratios in measured), "x")
    report.figure("waited for locks", sum(ours["lock_waste_h"] for ours, _, _ in measured), "h", "<= 0.01")
    report.figure("stale builds started", stale_h, "h", "<= 0" if has_goals else "")


def report_traces(report, directory, has_goals):
    measured = []
    print(HEADING)
    for path, slots in find_traces(directory):
        ours, peers, ratios = measure(path, slots)
        measured.append((ours, peers, ratios))
        shown = " ".join(f"{ratio(ours, peers[other], figure):5.2f}" for figure, other, _, _ in RATIOS)
        print(f"  {os.path.basename(path)[:-4]:<20} {shown}", flush=True)
    if not measured:
        raise SystemExit(f"there are no traces mN_*.csv in {directory}")
    report_ratios(report, measured, has_goals)
    report_sums(report, measured, has_goals)


def report_speed(report, quick):
    counts = [1000, 10_000, 100_000] if quick else [1000, 10_000, 100_000, 1_000_000]
    speeds = {n: json.loads(command(f"{BIN}/capq-sched-speed", n)) for n in counts}
    for n, speed in speeds.items():
        goal = "<= 20" if n == 1_000_000 else ""
        report.figure(f"a decision, {n:,} builds waiting", speed["decision_us"], "us", goal)
        report.figure(f"an arrival, {n:,} builds waiting", speed["arrival_us"], "us")
    report.figure("10,000 waiting builds played forward", speeds[10_000]["forecast_ms"], "ms", "<= 500")
    report.figure("their copy, on the loop", speeds[10_000]["forecast_copy_ms"], "ms", "<= 5")
    last = speeds[counts[-1]]
    report.figure(f"a decision, {counts[-1]:,} / 1,000", last["decision_us"] / speeds[1000]["decision_us"], "x", "<= 3")
    report.figure(f"memory of a waiting build, {counts[-1]:,}", last["bytes_each"], "B", "<= 200")


def run(report, quick):
    if TRACES:
        report_traces(report, TRACES, has_goals=True)
    else:
        with tempfile.TemporaryDirectory(prefix="capq-traces-") as directory:
            make_traces(directory, quick)
            report_traces(report, directory, has_goals=False)
    report_speed(report, quick)
