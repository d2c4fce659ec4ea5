"""100,000 jobs in one request, and what that costs everybody else and the daemon's memory."""

import json
import time

import capqd
import ground

TITLE = "bulk: one request with many jobs (JSON lines)"
PATIENCE = 300


def body(n, rev):
    """The jobs that capq-insert enters as well."""
    jobs = ({"attr": f"bench.client{i % 10}.job{i // 10}", "caps": "8.6", "rev": rev} for i in range(n))
    return "\n".join(json.dumps(job) for job in jobs).encode()


def loop(n):
    with ground.directory() as d:
        return ground.measure("capq-insert", f"{d}/db", "bulk", n)


def submit(daemon, text):
    """Seconds until it is answered."""
    began = time.monotonic()
    status, _, answer = daemon.request("POST", "/jobs", text, {"Content-Type": "application/x-ndjson"})
    assert status == 201, answer[:500]
    return time.monotonic() - began


def run(report, quick):
    n = 20000 if quick else 100000
    with capqd.Repository() as nixpkgs, ground.Queue(nixpkgs) as daemon:
        rev = nixpkgs.git("rev-parse", "HEAD")
        daemon.submit("bench.first", rev=rev)
        idle = daemon.private_bytes()
        bare = ground.rate(loop(n))
        text = body(n, rev)
        with ground.Watch(daemon) as watch:
            took = submit(daemon, text)
        full = daemon.private_bytes()
        with ground.Watch(daemon) as quiet:
            time.sleep(took)
        status = daemon.get("/status")
        assert status["jobs"]["evaluating"] == n + 1
    report.ratio(f"{n:,} jobs in one request: capqd / bare loop", n / took, bare, ">= 0.5")
    report.figure("longest turn of the loop (its own clock)", status["longest_turn_ms"], "ms", "< 20")
    report.figure("longest wait for GET /version meanwhile", watch.result["max_ms"], "ms")
    report.figure("longest wait for as long without a submit", quiet.result["max_ms"], "ms")
    report.figure("capqd", n / took, "/s")
    report.figure("bare SQLite loop, one transaction", bare, "/s")
    report.figure("anonymous memory of capqd, idle", idle / 2**20, "MiB", "< 6")
    report.figure(f"anonymous memory right after {n:,} jobs", full / 2**20, "MiB", "< 60")
