"""capqd with a million rows of history: how soon it answers questions about all of them, and how the loop fares
meanwhile: `status` is asked all the time."""

import time

import capqd
import database
import ground

TITLE = "past: 1,000,000 rows of history"

# Everything is read but `history`, of which one page is: the newest rows of a package, and of one that there is not.
QUESTIONS = {
    "stats": ("GET", "/stats"),
    "history, a page": ("GET", "/history?attr=python3Packages.package7&limit=100"),
    "history, of nothing": ("GET", "/history?attr=nope&limit=100"),
    "export, the trace": ("GET", "/export/trace"),
    "export, the history": ("GET", "/export/history?since=2030-01-01T00:00:00.000Z"),
    "estimates, made anew": ("POST", "/estimates/rebuild"),
}


def ask(queue, verb, path):
    began = time.monotonic()
    status, _, answer = queue.request(verb, path)
    assert status == 200, answer[:500]
    return time.monotonic() - began


def run(report, quick):
    rows = 100000 if quick else 1000000
    with capqd.Repository() as nixpkgs:
        queue = ground.Queue(nixpkgs)
        database.make(f"{queue.state}/capqd.sqlite", 2 * rows, 0)  # Every second job has a build of its own.
        with queue:
            for name, (verb, path) in QUESTIONS.items():
                with ground.Watch(queue, "/status") as status:
                    took = ask(queue, verb, path)
                report.figure(name, took * 1000, "ms")
                report.figure(f"{name}: status meanwhile, 99th percentile", status.result["p99_ms"], "ms", "< 5")
                report.figure(f"{name}: the longest status", status.result["max_ms"], "ms")
            memory = queue.private_bytes()
    report.figure("anonymous memory afterwards", memory / 2**20, "MiB")
