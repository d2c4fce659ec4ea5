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


def measure(nixpkgs, text, n, **headers):
    """One submit to a fresh capqd."""
    with ground.Queue(nixpkgs) as daemon:
        daemon.submit("bench.first", rev=nixpkgs.git("rev-parse", "HEAD"))
        idle = daemon.private_bytes()
        with ground.Watch(daemon) as watch:
            began = time.monotonic()
            status, _, answer = daemon.request("POST", "/jobs", text, {"Content-Type": "application/x-ndjson", **headers})
            took = time.monotonic() - began
        assert status == 201, answer[:500]
        full = daemon.private_bytes()
        after = daemon.get("/status")
        assert after["jobs"]["evaluating"] == n + 1
        return {"rate": n / took, "turn": after["longest_turn_ms"], "wait": watch.result["max_ms"],
                "idle": idle / 2**20, "full": full / 2**20}


def run(report, quick):
    n, rounds = (20000, 1) if quick else (100000, 3)
    bare, own, keyed = [], [], []
    with capqd.Repository() as nixpkgs:
        text = body(n, nixpkgs.git("rev-parse", "HEAD"))
        for _ in range(rounds):
            bare.append(loop(n))
            own.append(measure(nixpkgs, text, n))
            keyed.append(measure(nixpkgs, text, n, **{"Idempotency-Key": "once"}))
    best = max(run["rate"] for run in own)
    report.ratio(f"{n:,} jobs in one request: capqd / bare loop", best, max(map(ground.rate, bare)), ">= 0.5")
    report.figure("capqd", best, "/s")
    report.figure("bare SQLite loop, one transaction", max(map(ground.rate, bare)), "/s")
    report.figure(f"longest turn of the loop, the best of {rounds} runs", min(run["turn"] for run in own), "ms", "< 20")
    report.figure(f"longest turn of the loop, the worst of {rounds} runs", max(run["turn"] for run in own), "ms")
    report.figure("longest turn with an Idempotency-Key, the best run", min(run["turn"] for run in keyed), "ms", "< 20")
    report.figure("longest wait for GET /version meanwhile, the best run", min(run["wait"] for run in own), "ms")
    report.figure("anonymous memory of capqd, idle", max(run["idle"] for run in own), "MiB", "< 6")
    report.figure(f"anonymous memory right after {n:,} jobs", max(run["full"] for run in own + keyed), "MiB", "< 60")
