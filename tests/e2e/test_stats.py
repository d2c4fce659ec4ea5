"""What the past has cost, with real Nix: history and stats. The toy packages are built twice, and asked about."""

import contextlib
import csv
import io
import json
import os
import sqlite3
import unittest

import capqd
import nixbox

nixbox.enter()

SETS = ("8.6", "8.0,8.6")


@contextlib.contextmanager
def built_twice():
    """A daemon that has built torch for two sets, and all that again with other hashes."""
    flavours = [{"name": name, "config": {"toy": {"salt": f"{name}{os.getpid()}", "sizeKiB": 1}}} for name in ("first", "second")]
    with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, flavours=flavours) as daemon:
        for flavour in flavours:
            jobs = daemon.wait(*daemon.submit("python3Packages.torch", SETS, flavour=flavour["name"]))
            assert {job["state"] for job in jobs} == {"done"}, jobs
        yield daemon


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

        # They are made once a minute; who asks meanwhile gets the same.
        self.assertEqual(daemon.get("/stats"), stats)
        self.assertEqual(json.loads(daemon.client("stats", "--json").stdout), stats)
        rows = table(daemon.client("stats", "--csv", "--section", "history"))
        self.assertEqual([row["package"] for row in rows], [row["package"] for row in stats["history"]])

    def test_what_was_built_twice(self):
        with built_twice() as daemon:
            with self.subTest("history"):
                self.history(daemon)
            with self.subTest("stats"):
                self.stats(daemon)


if __name__ == "__main__":
    unittest.main(verbosity=2)
