#!/usr/bin/python3
"""Make a small trace of builds, and a history, for capq-sim.

    tools/make_trace.py NAME --slots 4 --load 0.9 --revisions 30 --seed 1

writes NAME.csv and NAME.history.csv. Made-up packages need each other; revisions of two branches change
some of them, and so all that need those, for several capability sets; maintainers ask for single
packages now and then. With --flood one of them asks for hundreds of tiny ones at once.
"""

import argparse
import csv
import math
import random

HOUR = 3600
SETS = ["8.6", "8.9", "7.0+8.0+8.6+9.0"]
FAT = ["magma", "torch", "jaxlib", "tensorflow"]
N_PACKAGES = 36
GROWTH = 0.45  # How much each further capability adds.
NOISE = 0.25


class Package:
    def __init__(self, name, needs, is_fat, random_):
        self.name, self.needs, self.version = name, needs, 0
        self.has_cuda = is_fat or random_.random() < 0.8
        self.median_s = math.exp(random_.gauss(math.log(4 * HOUR), 0.3)) if is_fat else \
            math.exp(random_.gauss(math.log(600), 1.0))

    def sets(self):
        return SETS if self.has_cuda else ["any"]

    def work_s(self, caps, random_):
        n = caps.count("+") + 1
        mean = self.median_s * (1 + GROWTH * (n - 1))
        return max(5, round(mean * math.exp(random_.gauss(0, NOISE))))


def make_packages(random_):
    names = [f"pkg{i:02}" for i in range(N_PACKAGES - len(FAT))]
    for i, name in enumerate(FAT):
        names.insert(4 + 6 * i, name)
    packages = []
    for name in names:
        needs = random_.sample(packages, min(len(packages), random_.choice([0, 1, 1, 2])))
        packages.append(Package(name, needs, name in FAT, random_))
    return packages


class Trace:
    def __init__(self, random_):
        self.random, self.rows, self.built = random_, [], {}

    def add(self, at, package, caps, branch, rev, submitter):
        """The row of this version, once."""
        key = package.name, caps, package.version
        if key in self.built:
            return
        needs = [self.built.get((need.name, caps if need.has_cuda else "any", need.version)) for need in package.needs]
        self.built[key] = len(self.rows) + 1
        self.rows.append([len(self.rows) + 1, at, package.work_s(caps, self.random), package.name, caps, rev, branch,
                          submitter, ";".join(str(need) for need in needs if need)])

    def add_revision(self, at, packages, branch, number):
        sets = SETS[:2] if branch == "master" and number % 2 else SETS
        for package in packages:
            for caps in package.sets():
                if caps == "any" or caps in sets:
                    self.add(at, package, caps, branch, f"{branch}@{number}", f"ci-{branch}")


def change(packages, random_):
    """Some packages change; what needs them is another derivation then."""
    changed = set(random_.sample(packages, random_.choice([1, 1, 2, 3])))
    for package in packages:
        if package in changed or changed.intersection(package.needs):
            changed.add(package)
            package.version += 1


def make_rows(packages, options, random_):
    trace = Trace(random_)
    for number in range(options.revisions):
        at = number * 6 * HOUR + random_.randrange(HOUR)
        change(packages, random_)
        trace.add_revision(at, packages, "master" if number % 3 else "nixos-unstable", number)
        for _ in range(random_.choice([0, 0, 1, 3])):
            package = random_.choice(packages)
            package.version += 1
            at += random_.randrange(HOUR)
            trace.add(at, package, random_.choice(package.sets()), "", "", f"maint{random_.randrange(3)}")
        if options.flood and number == options.revisions // 2:
            for i in range(options.flood):
                trace.rows.append([len(trace.rows) + 1, at, random_.randrange(20, 90), f"tiny{i % 50:02}", "any", "", "",
                                   "flood", ""])
    return trace.rows


def scale(rows, slots, load):
    """Stretch the time axis so that the work keeps the slots so busy."""
    span = max(1, rows[-1][1] - rows[0][1])
    factor = sum(row[2] for row in rows) / (slots * load) / span
    for row in rows:
        row[1] = round(row[1] * factor)


def make_history(packages, random_):
    for package in packages:
        for caps in package.sets():
            if random_.random() < 0.15:
                continue  # Never built.
            for _ in range(random_.randrange(1, 6)):
                yield [package.name, caps, package.work_s(caps, random_), random_.randrange(1, 40 * 24 * HOUR)]


def write(path, header, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description="Make a small trace of builds, and a history.")
    parser.add_argument("name")
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--load", type=float, default=0.9)
    parser.add_argument("--revisions", type=int, default=30)
    parser.add_argument("--flood", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random_ = random.Random(options.seed)
    packages = make_packages(random_)
    history = list(make_history(packages, random_))
    rows = make_rows(packages, options, random_)
    scale(rows, options.slots, options.load)
    write(options.name + ".csv", "id,submit_s,work_s,package,caps,rev,branch,submitter,depends", rows)
    write(options.name + ".history.csv", "package,caps,work_s,age_s", history)


if __name__ == "__main__":
    main()
