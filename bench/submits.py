"""Durable submits a second: one job a request, on the disk before it is answered."""

import os
import signal
import subprocess
import time

import capqd
import ground

SLOW_US = 1000  # A disk without a battery, as most have; this machine's may answer before anything is durable.
TITLE = "submits: durable, one job a request, 1 and 32 clients"


def floor(seconds):
    """How often a second this disk makes 4 KiB durable."""
    with ground.directory() as d:
        fd = os.open(f"{d}/file", os.O_CREAT | os.O_WRONLY)
        os.posix_fallocate(fd, 0, 64 << 20)
        os.fsync(fd)
        n, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            os.pwrite(fd, bytes(4096), n * 4096 % (64 << 20))
            os.fdatasync(fd)
            n += 1
        os.close(fd)
    return {"n": n, "seconds": seconds}


def slower(us):
    """The environment of a program for which every sync takes so much longer."""
    preload = {"LD_PRELOAD": f"{ground.BIN}/libcapq-slow-sync.so", "CAPQ_SYNC_US": str(us)} if us else {}
    return {**os.environ, **preload}


def beanstalkd(clients, seconds, rev, sync_us=0):
    """beanstalkd that syncs each job (-f0)."""
    with ground.directory() as d:
        command = ["beanstalkd", "-b", d, "-f0", "-l", f"unix:{d}/sock"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=slower(sync_us)) as server:
            while not os.path.exists(f"{d}/sock"):
                time.sleep(0.01)
            result = ground.load("put", f"{d}/sock", clients, seconds, rev)
            server.send_signal(signal.SIGTERM)
    return result


def loop(seconds):
    with ground.directory() as d:
        return ground.measure("capq-insert", f"{d}/db", "single", seconds)


def ours(clients, seconds, nixpkgs, rev, sync_us=0):
    with ground.Queue(nixpkgs, environment=slower(sync_us)) as daemon:
        daemon.submit("bench.first", rev=rev)  # The revision is known from here on.
        return ground.load("submit", daemon.socket, clients, seconds, rev)


def total(results):
    return sum(r["n"] for r in results) / sum(r["seconds"] for r in results)


def run(report, quick):
    seconds, rounds = (1, 1) if quick else (3, 3)
    names = [(clients, sync_us) for clients, sync_us in ((1, 0), (32, 0), (32, SLOW_US))]
    disk, bare, theirs, own = [], [], {name: [] for name in names}, {name: [] for name in names}
    with capqd.Repository() as nixpkgs:
        rev = nixpkgs.git("rev-parse", "HEAD")
        for _ in range(rounds):  # In turns, so that what else the machine does disturbs all alike.
            disk.append(floor(seconds))
            bare.append(loop(seconds))
            for clients, sync_us in names:
                theirs[clients, sync_us].append(beanstalkd(clients, seconds, rev, sync_us))
                own[clients, sync_us].append(ours(clients, seconds, nixpkgs, rev, sync_us))
    theirs, own = ({name: total(results) for name, results in all_.items()} for all_ in (theirs, own))
    report.ratio("32 clients: capqd / beanstalkd -f0", own[32, 0], theirs[32, 0], ">= 5")
    report.ratio("the same, each sync 1 ms longer", own[32, SLOW_US], theirs[32, SLOW_US], ">= 5")
    report.ratio("1 client: capqd / beanstalkd -f0", own[1, 0], theirs[1, 0])
    report.ratio("32 clients: capqd / bare SQLite loop", own[32, 0], total(bare))
    report.ratio("1 client: capqd / bare SQLite loop", own[1, 0], total(bare))
    report.figure("the disk: fdatasync of 4 KiB, nothing else", total(disk), "/s")
    report.figure("bare SQLite loop, one commit a job", total(bare), "/s")
    for clients, sync_us in names:
        what = f"{clients} client{'s'[:clients - 1]}{', each sync 1 ms longer' if sync_us else ''}"
        report.figure(f"beanstalkd -f0, {what}", theirs[clients, sync_us], "/s")
        report.figure(f"capqd, {what}", own[clients, sync_us], "/s")
