"""What the past has cost, with real Nix: the toy packages are built twice, and asked about."""

import contextlib
import csv
import io
import json
import os
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

    def test_what_was_built_twice(self):
        with built_twice() as daemon:
            with self.subTest("history"):
                self.history(daemon)


if __name__ == "__main__":
    unittest.main(verbosity=2)
