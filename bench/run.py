#!/usr/bin/python3
"""Measure capq, beside what it is compared with, in one run.

    bench/run.py [--quick] [--traces DIRECTORY] [NAME...]

runs all of them without a name; build/bin must be built. bench/README.md says what each
measures. Must run as root: Nix gets a private /nix.
"""

import argparse
import importlib
import os
import sys

NAMES = ["submits", "bulk", "large", "handover", "builds", "inspect", "sched", "push", "past"]
MODULES = {"inspect": "inspecting", "sched": "scheduling"}  # Python has an inspect and a sched of its own.


def main():
    parser = argparse.ArgumentParser(description="Measure capq beside what it is compared with.")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter: less to be trusted")
    parser.add_argument("--traces", metavar="DIRECTORY", help="sched: play these, not some that are made for it")
    parser.add_argument("names", metavar="NAME", nargs="*", help=", ".join(NAMES))
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark '{unknown[0]}'; there are: {', '.join(NAMES)}")

    if options.traces:
        os.environ["CAPQ_TRACES"] = options.traces

    import ground  # noqa: F401 - it lets the modules of tests/support be found.
    import figures
    import nixbox
    nixbox.enter()
    report = figures.Report()
    for name in options.names or NAMES:
        benchmark = importlib.import_module(MODULES.get(name, name))
        benchmark.run(report, options.quick)
        report.flush(benchmark.TITLE)
    report.summary()


if __name__ == "__main__":
    sys.exit(main())
