"""How long a slot stands empty: from the end of a build's child to the start of the next one's."""

import os
import re
import statistics

import capqd
import ground
import nixbox

TITLE = "handover: from a child reaped to the next one started, one slot"

WRAPPER = """#!/bin/sh
exec strace -D -f --seccomp-bpf -ttt -v -s 200 -e trace=wait4,clone,clone3,fork,vfork,execve -o {trace} {capqd} "$@"
"""
SYSCALL = re.compile(r"^(\d+) +([\d.]+) (?:<\.\.\. )?(\w+)(?:\(| resumed)(.*)$")


class Traced(capqd.Daemon):
    """A capqd whose children strace notes, by a filter in the kernel: nothing else is slowed down."""

    def start(self):
        self.trace = f"{self.directory}/trace"
        os.makedirs(f"{self.directory}/bin")
        for name in os.listdir(ground.BIN):
            os.symlink(f"{ground.BIN}/{name}", f"{self.directory}/bin/{name}")
        os.unlink(f"{self.directory}/bin/capqd")
        self.write("bin/capqd", WRAPPER.format(trace=self.trace, capqd=f"{ground.BIN}/capqd"))
        os.chmod(f"{self.directory}/bin/capqd", 0o755)
        capqd.BIN, before = f"{self.directory}/bin", capqd.BIN
        super().start()
        capqd.BIN = before


def read_trace(path, capqd_pid):
    """When each child was started and reaped, and which of them build."""
    started, reaped, builders = {}, {}, set()
    with open(path, encoding="utf-8") as f:
        for line in f:
            match = SYSCALL.match(line)
            if not match:
                continue
            pid, when, name, rest = int(match[1]), float(match[2]), match[3], match[4]
            child = re.search(r"= (\d+)$", rest)
            if name == "execve" and '"system-features"' in rest:
                builders.add(pid)
            elif pid == capqd_pid and child and name == "wait4":
                reaped[int(child[1])] = when
            elif pid == capqd_pid and child and name != "execve":
                started[int(child[1])] = when
    return started, reaped, builders


def gaps(started, reaped, builders):
    """Milliseconds from each end to the next start; the first ones, while there is still planning, aside."""
    starts = sorted(started[pid] for pid in builders)
    ends = sorted(reaped[pid] for pid in builders if pid in reaped)
    found = [1000 * (min(s for s in starts if s > end) - end) for end in ends if end < starts[-1]]
    return found[len(found) // 5:]


def run(report, quick):
    n = 20 if quick else 60
    with nixbox.Nix(), ground.Packages("/bin/sleep 0.1; echo built > $out") as nixpkgs:
        with Traced(nixpkgs, builders=[{"name": "local", "max_jobs": 1}], build={"batch": "0s"}) as daemon:
            daemon.wait(*daemon.submit([f"many.p{i}" for i in range(n)]))
            found = gaps(*read_trace(daemon.trace, daemon.process.pid))
    report.figure(f"median of {len(found)}", statistics.median(found), "ms", "< 5")
    report.figure("longest", max(found), "ms")
