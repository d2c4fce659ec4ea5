"""capqd on a data base with many finished and many queued jobs: how soon it serves, how fast it answers, what
memory it takes."""

import capqd
import database
import ground

TITLE = "large: 1,000,000 finished and 100,000 queued jobs in the data base"

PAGES = {
    "status": "/status",
    "a page of 100: the newest": "/jobs?limit=100",
    "a page of 100: done": "/jobs?limit=100&state=done",
    "a page of 100: from the middle": "/jobs?limit=100&cursor=500000",
    "a page of 100: one attribute": "/jobs?limit=100&attr=python3Packages.package7",
    "a page of 100: builds that wait": "/builds?limit=100&state=ready,blocked",
}


def best(queue, seconds, path):
    """Of three rounds: the others tell more about what else the machine did."""
    rounds = [ground.load("get", queue.socket, 1, seconds, path) for _ in range(3)]
    return min(rounds, key=lambda result: result["p99_ms"])


def run(report, quick):
    scale = 10 if quick else 1
    seconds = 1 if quick else 2
    with capqd.Repository() as nixpkgs:
        queue = ground.Queue(nixpkgs)
        database.make(f"{queue.state}/capqd.sqlite", 1000000 // scale, 100000 // scale)
        with queue:
            memory = queue.private_bytes()
            answers = {name: best(queue, seconds, path) for name, path in PAGES.items()}
            after = queue.private_bytes()
            queue.restart()
            starts = queue.start_seconds
    report.figure("from start to the first answer", starts, "s", "< 2")
    for name, answer in answers.items():
        report.figure(f"{name}, 99th percentile", answer["p99_ms"], "ms", "< 5")
        report.figure(f"{name}, median", answer["p50_ms"], "ms")
    report.figure("anonymous memory after the start", memory / 2**20, "MiB", "< 60")
    report.figure("anonymous memory after these requests", after / 2**20, "MiB", "< 60")
