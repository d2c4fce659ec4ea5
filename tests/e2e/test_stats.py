"""What the past has cost, with real Nix: history, stats, export. The toy packages are built twice, and asked about."""

import contextlib
import csv
import datetime
import io
import json
import os
import sqlite3
import subprocess
import unittest

import capqd
import nixbox

nixbox.enter()

SETS = ("8.6", "8.0,8.6")


@contextlib.contextmanager
def built_twice():
    """A daemon that has built torch for two sets, and all that again with other hashes."""
    flavours = [{"name": name, "config": {"toy": {"salt": f"{name}{os.getpid()}", "sizeKiB": 1}}} for name in ("first", "second", "third")]
    builders = [{"name": "local", "max_jobs": 2, "speed": 200}]
    with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, flavours=flavours, builders=builders) as daemon:
        for flavour in flavours[:2]:
            jobs = daemon.wait(*daemon.submit("python3Packages.torch", SETS, flavour=flavour["name"]))
            assert {job["state"] for job in jobs} == {"done"}, jobs
        yield daemon


def seconds(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def table(said):
    assert said.returncode == 0, said
    return list(csv.DictReader(io.StringIO(said.stdout)))


class Past(unittest.TestCase):
    def history(self, daemon):
        [newest, *_] = past = daemon.get("/history?attr=python3Packages.torch")["history"]
        self.assertEqual([(p["name"], p["outcome"]) for p in past], [("torch-2.5.1", "built")] * 4)
        self.assertEqual(sorted(",".join(p["caps"]) for p in past), sorted(SETS * 2))
        self.assertEqual(daemon.build(newest["build"])["cost"]["wall_seconds"], newest["wall_seconds"])
        capqd.until(lambda: all(p["output_bytes"] for p in daemon.get("/history?attr=torch")["history"]), "sizes stay unknown")

        # The name alone leads to the same; a set narrows it; pages lead through it.
        self.assertEqual(len(daemon.get("/history?attr=torch&caps=8.6,8.0")["history"]), 2)
        first = daemon.get("/history?attr=torch&limit=3")
        rest = daemon.get(f"/history?attr=torch&limit=3&cursor={first['next_cursor']}")
        self.assertEqual([p["id"] for p in first["history"] + rest["history"]], [p["id"] for p in past])
        self.assertIsNone(rest["next_cursor"])
        self.assertEqual(daemon.get("/history?attr=python3Packages.nope")["history"], [])
        self.assertEqual(daemon.get("/history?attr=torch&system=aarch64-linux")["history"], [])
        for wrong in ("", "?attr=", "?attr=torch&caps=86", "?attr=torch&limit=0"):
            self.assertEqual(daemon.request("GET", f"/history{wrong}")[0], 400, wrong)

        rows = table(daemon.client("history", "python3Packages.torch", "--csv"))
        self.assertEqual([int(row["build"]) for row in rows], [p["build"] for p in past])
        self.assertEqual(sorted({row["set"] for row in rows}), sorted(SETS))
        self.assertEqual(len(json.loads(daemon.client("history", "torch", "--caps", "8.6", "--json").stdout)), 2)

    def stats(self, daemon):
        stats = daemon.get("/stats")
        torch = [row for row in stats["history"] if row["package"] == "torch"]
        self.assertEqual(sorted((",".join(row["caps"]), row["n"], row["failed"]) for row in torch), [("8.0,8.6", 2, 0), ("8.6", 2, 0)])
        past = [p["wall_seconds"] for p in daemon.get("/history?attr=torch&caps=8.6")["history"]]
        [thin] = [row for row in torch if len(row["caps"]) == 1]
        self.assertAlmostEqual(thin["median_seconds"], sum(past) / 2)
        self.assertAlmostEqual(thin["total_seconds"], sum(past))
        self.assertEqual(stats["groups"], len(stats["history"]))

        # What was built was estimated before, at first from nothing, then from what was built until then; except ride-alongs.
        accuracy = {row["name"]: row for row in stats["accuracy"]}
        with sqlite3.connect(f"file:{daemon.state}/capqd.sqlite?mode=ro", uri=True) as db:
            [(n,)] = db.execute("SELECT count(*) FROM history WHERE NOT is_ride AND outcome = 'built'")
        self.assertEqual([accuracy[name]["n"] for name in ("all", "7 days", "30 days", "older")], [n, n, 0, 0])
        self.assertEqual(accuracy["thin"]["n"] + accuracy["fat"]["n"], n)
        self.assertGreater(accuracy["everything"]["n"], 0)
        self.assertGreater(accuracy["set"]["n"], 0)
        self.assertLessEqual(1, accuracy["all"]["median_factor"])

        # Each of the four jobs was built for, and had a promise, which was kept.
        waits = {row["class"]: row for row in stats["waits"]}
        self.assertEqual([waits[name]["n"] for name in ("all", "thin", "fat")], [4, 2, 2])
        self.assertLessEqual(1, waits["all"]["slowdown_mean"])
        self.assertEqual([(row["made"], row["kept"]) for row in stats["promises"]], [(4, 4), (2, 2), (2, 2)])

        self.assertEqual(stats["builders"], [])  # Nothing was built for the third time.

        # They are made once a minute; who asks meanwhile gets the same.
        self.assertEqual(daemon.get("/stats"), stats)
        self.assertEqual(json.loads(daemon.client("stats", "--json").stdout), stats)
        rows = table(daemon.client("stats", "--csv", "--section", "history"))
        self.assertEqual([row["package"] for row in rows], [row["package"] for row in stats["history"]])

    def check_trace(self, daemon, rows):
        """Nothing but what the form allows, and all that was built."""
        builds = {build["id"]: build for build in daemon.builds()}
        done = [n for n, build in builds.items() if build["kind"] == "build" and build["cost"]["wall_seconds"] is not None]
        self.assertEqual(sorted(int(row["id"]) for row in rows), sorted(done))
        [rev] = {job["rev"] for job in daemon.jobs()}
        seen, before = set(), 0
        for row in rows:
            self.assertEqual(list(row), ["id", "submit_s", "work_s", "package", "caps", "rev", "branch", "submitter", "depends"])
            for name, form in (("id", r"[1-9]\d*"), ("submit_s", r"\d+(\.\d{1,3})?"), ("work_s", r"\d+(\.\d{1,3})?"),
                               ("package", "[a-z0-9_.-]+"), ("caps", r"8\.6|8\.0\+8\.6"), ("rev", rev), ("branch", "master|"),
                               ("submitter", "root"), ("depends", r"(\d+(;\d+)*)?")):
                self.assertRegex(row[name], f"^(?:{form})$")
            self.assertLessEqual(before, float(row["submit_s"]))
            self.assertAlmostEqual(float(row["work_s"]), 2 * builds[int(row["id"])]["cost"]["wall_seconds"])
            self.assertTrue(builds[int(row["id"])]["name"].startswith(row["package"] + "-"))
            self.assertLessEqual(set(filter(None, row["depends"].split(";"))), seen)
            seen.add(row["id"])
            before = float(row["submit_s"])
        self.assertEqual(float(rows[0]["submit_s"]), 0)
        torch = [row for row in rows if row["package"] == "torch"]
        self.assertEqual(sorted(row["caps"] for row in torch), ["8.0+8.6", "8.0+8.6", "8.6", "8.6"])
        self.assertTrue(torch[0]["depends"])
        keys = [(row["branch"], row["package"], row["caps"]) for row in rows if row["branch"]]
        self.assertEqual(len(keys), len(set(keys)))  # There is one revision: nothing supersedes anything.

    def export(self, daemon):
        trace, history = f"{daemon.directory}/trace.csv", f"{daemon.directory}/history.csv"
        self.check_trace(daemon, table(daemon.client("export", "--trace")))
        self.assertEqual(daemon.client("export", "--trace", "--history", history, "-o", trace).returncode, 0)
        with open(history, encoding="utf-8") as f:
            self.assertEqual(f.read(), "package,caps,work_s,age_s\n")

        # Split where the second flavour was asked for: the first half is history then.
        moment = daemon.job(3)["submitted_at"]
        status, headers, text = daemon.request("GET", f"/export/trace?since={moment}")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/csv; charset=utf-8"))
        late = list(csv.DictReader(io.StringIO(text.decode())))
        submitted = {row["id"]: float(row["submit_s"]) for row in late}
        for job in daemon.job(3), daemon.job(4):
            self.assertAlmostEqual(submitted[str(job["build"])], seconds(job["submitted_at"]) - seconds(moment), 3)
        self.assertEqual(min(submitted.values()), 0)
        _, _, text = daemon.request("GET", f"/export/history?since={moment}")
        past = list(csv.DictReader(io.StringIO(text.decode())))
        self.assertEqual(list(past[0]), ["package", "caps", "work_s", "age_s"])
        self.assertEqual(sorted(row["caps"] for row in past if row["package"] == "torch"), ["8.0+8.6", "8.6"])
        for row in past:
            self.assertGreaterEqual(min(float(row["work_s"]), float(row["age_s"])), 0)
        for path in ("/export/trace?since=x", "/export/history?since=2026-01-01"):
            self.assertEqual(daemon.request("GET", path)[0], 400)

        # And capq-sim plays it.
        for words in ([], ["--history", history]):
            done = subprocess.run([f"{capqd.BIN}/capq-sim", "--trace", trace, "--slots", "2", "--json", *words], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, check=False, timeout=capqd.PATIENCE)
            self.assertEqual((done.returncode, done.stderr), (0, b""))

    def builders(self, daemon):
        """What is built for the third time says something of its builder; alone, that is as fast as it is said to be."""
        daemon.wait(*daemon.submit("python3Packages.torch", SETS, flavour="third"))
        daemon.restart()  # The sums are made anew, from what is learnt anew.
        [builder] = daemon.get("/stats")["builders"]
        self.assertLess(0, builder.pop("n"))
        self.assertEqual(builder, {"name": "local", "speed": 200, "factor": 1, "learnt_speed": 200})

    def test_what_was_built_twice(self):
        with built_twice() as daemon:
            with self.subTest("history"):
                self.history(daemon)
            with self.subTest("stats"):
                self.stats(daemon)
            with self.subTest("export"):
                self.export(daemon)
            with self.subTest("builders"):
                self.builders(daemon)


if __name__ == "__main__":
    unittest.main(verbosity=2)
