"""Durable submits a second: one job a request, on the disk before it is answered."""

import os
import signal
import subprocess
import time

import capqd
import ground

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
    return n / seconds


def beanstalkd(clients, seconds, rev):
    """beanstalkd that syncs each job (-f0)."""
    with ground.directory() as d:
        command = ["beanstalkd", "-b", d, "-f0", "-l", f"unix:{d}/sock"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
            while not os.path.exists(f"{d}/sock"):
                time.sleep(0.01)
            result = ground.load("put", f"{d}/sock", clients, seconds, rev)
            server.send_signal(signal.SIGTERM)
    return result


def loop(seconds):
    with ground.directory() as d:
        return ground.measure("capq-insert", f"{d}/db", "single", seconds)


def ours(clients, seconds, nixpkgs, rev):
    with ground.Queue(nixpkgs) as daemon:
        daemon.submit("bench.first", rev=rev)  # The revision is known from here on.
        return ground.load("submit", daemon.socket, clients, seconds, rev)


def run(report, quick):
    seconds = 2 if quick else 8
    with capqd.Repository() as nixpkgs:
        rev = nixpkgs.git("rev-parse", "HEAD")
        disk = floor(seconds)
        bare = loop(seconds)
        theirs = {n: beanstalkd(n, seconds, rev) for n in (1, 32)}
        own = {n: ours(n, seconds, nixpkgs, rev) for n in (1, 32)}
    report.ratio("32 clients: capqd / beanstalkd -f0", ground.rate(own[32]), ground.rate(theirs[32]), ">= 5")
    report.ratio("1 client: capqd / beanstalkd -f0", ground.rate(own[1]), ground.rate(theirs[1]))
    report.ratio("32 clients: capqd / bare SQLite loop", ground.rate(own[32]), ground.rate(bare))
    report.ratio("1 client: capqd / bare SQLite loop", ground.rate(own[1]), ground.rate(bare))
    report.figure("the disk: fdatasync of 4 KiB, nothing else", disk, "/s")
    report.figure("bare SQLite loop, one commit a job", ground.rate(bare), "/s")
    for n in (1, 32):
        report.figure(f"beanstalkd -f0, {n} client(s)", ground.rate(theirs[n]), "/s")
        report.figure(f"capqd, {n} client(s)", ground.rate(own[n]), "/s")
        report.figure(f"capqd, {n} client(s), 99th percentile of an answer", own[n]["p99_ms"], "ms")
