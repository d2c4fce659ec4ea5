#!/usr/bin/python3
"""Conversations with capq about the past: history, stats, export."""

import csv
import datetime
import io
import json
import os
import re
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from capq_case import CapqCase  # noqa: E402


class History(CapqCase):
    def setUp(self):
        super().setUp()
        for seconds in (600, 1200, 2400):
            self.world.add_past("torch", "8.6", seconds)
        self.world.add_past("torch", "8.6", 60, outcome="failed", output_bytes=None, core_seconds=None)
        self.world.add_past("torch", "8.0,8.6+PTX", 7200, machine="ssh-ng://big")
        self.world.add_past("magma", "8.6", 5)

    def test_newest_first(self):
        self.says("history python3Packages.torch",
                  "BUILD\tSTARTED\tNAME\tCAPS\tBUILDER\tWALL\tCORES\tSIZE\tOUTCOME\n"
                  "105\t2026-11-01 05:00\ttorch-1.0\t8.0,8.6+PTX\tssh-ng://big\tAGE\t2.5\t4.0 KiB\tbuilt\n"
                  "104\t2026-11-01 04:00\ttorch-1.0\t8.6\tlocal\tAGE\t\t\tfailed\n"
                  "103\t2026-11-01 03:00\ttorch-1.0\t8.6\tlocal\tAGE\t2.5\t4.0 KiB\tbuilt\n"
                  "102\t2026-11-01 02:00\ttorch-1.0\t8.6\tlocal\tAGE\t2.5\t4.0 KiB\tbuilt\n"
                  "101\t2026-11-01 01:00\ttorch-1.0\t8.6\tlocal\tAGE\t2.5\t4.0 KiB\tbuilt\n")
        self.assertEqual(self.asked(), ["GET /history?limit=50&attr=python3Packages.torch"])

    def test_of_one_set_and_only_some(self):
        said = self.capq("history", "torch", "--caps", "8.6", "--limit", "2", "--no-header", "--system", "x86_64-linux")
        self.assertEqual([line.split("\t")[0] for line in said.out.splitlines()], ["104", "103"])
        self.assertEqual(said.err, "capq: there are more; see --limit\n")
        self.assertEqual(self.asked(), ["GET /history?limit=2&attr=torch&caps=8.6&system=x86_64-linux"])

    def test_nothing_is_said(self):
        said = self.capq("history", "nope", "--no-header")
        self.assertEqual((said.code, said.out, said.err), (0, "", "capq: nothing like 'nope' was built yet\n"))

    def test_json_is_what_the_api_says(self):
        said = json.loads(self.capq("history", "torch", "--json").out)
        self.assertEqual(said, [self.world.history[n] for n in (5, 4, 3, 2, 1)])
        said = self.capq("history", "torch", "--json", "--csv")
        self.assertEqual((said.code, json.loads(said.err)["title"]), (2, "--json or --csv, not both"))

    def test_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.capq("history", "torch", "--csv").out)))
        self.assertEqual(len(rows), 5)
        self.assertEqual(rows[0], {
            "started_at": "2026-11-01T05:00:00.000Z", "finished_at": "2026-11-01T07:00:00.000Z", "build": "105",
            "name": "torch-1.0", "set": "8.0,8.6+PTX", "builder": "local", "machine": "ssh-ng://big", "outcome": "built",
            "wall_seconds": "7200", "core_seconds": "18000", "output_bytes": "4096"})
        self.assertEqual([rows[1][name] for name in ("outcome", "core_seconds", "output_bytes")], ["failed", "", ""])

    def chart(self, *arguments, **more):
        terminal = self.on_terminal("history", "torch", *arguments, **more)
        self.assertEqual(terminal.end(), 0)
        self.assertFalse(terminal.screen.wrapped)
        return terminal.screen, terminal.screen.lines()

    def test_the_chart(self):
        fat = "8.0,8.6+PTX  %s  1 built, median 2h00m"
        thin = "8.6          %s  3 built, 10m00s to 40m00s, median 20m00s; 1 not"
        _, lines = self.chart(width=120)
        self.assertEqual(lines[-2:], [fat % "█", thin % "▂▄█x"])
        screen, lines = self.chart(width=120, TERM="dumb")
        self.assertEqual((lines[-2:], screen.colours), ([fat % "#", thin % ".-#x"], 0))
        plain = self.chart(width=120, NO_COLOR="1")[0]
        self.assertEqual((plain.lines()[-1], plain.colours), (thin % "▂▄█x", 0))

    def test_the_chart_fits(self):
        for _ in range(100):
            self.world.add_past("torch", "9.0", 100)
        for width in (70, 80, 200):
            _, lines = self.chart("--limit", "1000", width=width)
            self.assertLessEqual(max(map(len, lines)), width)
        self.assertIn("█" * 100, lines[-3])


STATS = {
    "at": "2026-11-01T00:00:00.000Z", "rows_max": 50000, "groups": 3,
    "history": [{"package": name, "system": "x86_64-linux", "caps": ["8.0", "8.6"], "ptx": True, "n": 12, "failed": 1,
                 "trend_percent": trend, "median_seconds": 3600, "p90_seconds": 7200.5, "total_seconds": 36000}
                for name, trend in (("torch", 12.4), ("magma", -3), ("triton", None))],
    "accuracy": [{"by": "all", "name": "all", "n": 7, "median_factor": 1.25, "p90_factor": 2, "within": 0.8, "over": 0.5},
                 {"by": "class", "name": "fat", "n": 0, "median_factor": None, "p90_factor": None, "within": None, "over": None}],
    "waits": [{"class": "thin", "n": 3, "wait_median_seconds": 60, "wait_p90_seconds": 600, "wait_max_seconds": 6000,
               "slowdown_mean": 1.5, "slowdown_median": 1, "slowdown_p90": 2, "slowdown_max": 12.34}],
    "promises": [{"class": "fat", "made": 9, "kept": 4, "late": 2, "gone": 1, "open": 2, "overdue": 1,
                  "late_median_seconds": 30, "late_p90_seconds": None, "late_max_seconds": 90}],
    "builders": [{"name": "local", "speed": 100, "n": 87, "factor": 1.25, "learnt_speed": 80},
                 {"name": "ssh://elsewhere", "speed": None, "n": 1, "factor": 0.5, "learnt_speed": 200}],
}


class Stats(CapqCase):
    def setUp(self):
        super().setUp()
        self.world.stats = STATS

    def test_five_tables(self):
        self.says("stats",
                  "What builds took, those first that took the longest in all:\n"
                  "PACKAGE\tSYSTEM\tCAPS\tN\tFAILED\tMEDIAN\tP90\tTREND\tTOTAL\n"
                  "torch\tx86_64-linux\t8.0,8.6+PTX\t12\t1\tAGE\tAGE\t+12%\tAGE\n"
                  "magma\tx86_64-linux\t8.0,8.6+PTX\t12\t1\tAGE\tAGE\t-3%\tAGE\n"
                  "triton\tx86_64-linux\t8.0,8.6+PTX\t12\t1\tAGE\tAGE\t\tAGE\n"
                  "\n"
                  "By what factor estimates were wrong:\n"
                  "BY\tNAME\tN\tMEDIAN\tP90\tWITHIN\tOVER\n"
                  "all\tall\t7\t1.25x\t2.00x\t80%\t50%\n"
                  "class\tfat\t0\t\t\t\t\n"
                  "\n"
                  "How long jobs waited for their builds to begin, and how that slowed them down:\n"
                  "CLASS\tN\tWAIT\tP90\tMAX\tSLOWDOWN\tMEDIAN\tP90\tMAX\n"
                  "thin\t3\tAGE\tAGE\tAGE\t1.50x\t1.00x\t2.00x\t12.34x\n"
                  "\n"
                  "Promises of when builds begin:\n"
                  "CLASS\tMADE\tKEPT\tLATE\tGONE\tOPEN\tOVERDUE\tLATE-BY\tP90\tMAX\n"
                  "fat\t9\t4\t2\t1\t2\t1\tAGE\t\tAGE\n"
                  "\n"
                  "How much longer builders take than their speed says:\n"
                  "BUILDER\tSPEED\tN\tTAKES\tLEARNT-SPEED\n"
                  "local\t100\t87\t1.25x\t80\n"
                  "ssh://elsewhere\t\t1\t0.50x\t200\n")
        self.assertEqual(self.asked(), ["GET /stats"])

    def test_one_of_them(self):
        self.says("stats --section history --limit 1 --no-header",
                  "torch\tx86_64-linux\t8.0,8.6+PTX\t12\t1\tAGE\tAGE\t+12%\tAGE\n")
        self.refuses("stats --section all", 2, "no section 'all'; there are history, accuracy, waits, promises and builders")

    def test_json(self):
        self.assertEqual(json.loads(self.capq("stats", "--json").out), STATS)
        self.assertEqual(json.loads(self.capq("stats", "--json", "-s", "waits").out), STATS["waits"])

    def test_csv_has_all_that_json_has(self):
        for section in ("history", "accuracy", "waits", "promises", "builders"):
            rows = list(csv.DictReader(io.StringIO(self.capq("stats", "--csv", "--section", section).out)))
            self.assertEqual(len(rows), len(STATS[section]))
            for row, wanted in zip(rows, STATS[section]):
                wanted = {**wanted, "set": "8.0,8.6+PTX"} if section == "history" else dict(wanted)
                wanted.pop("caps", None)
                wanted.pop("ptx", None)
                self.assertEqual(row, {name: "" if value is None else "%g" % value if not isinstance(value, str) else value
                                       for name, value in wanted.items()})
        self.assertEqual(self.capq("stats", "--csv").out.count("\n\n"), 4)

    def test_they_fit(self):
        for width in (80, 100, 160):
            terminal = self.on_terminal("stats", width=width)
            self.assertEqual(terminal.end(), 0)
            self.assertFalse(terminal.screen.wrapped, width)


TRACE = b"id,submit_s,work_s,package,caps,rev,branch,submitter,depends\n1,0,1.5,torch,8.0+8.6,,,ci,\n"


class Export(CapqCase):
    def setUp(self):
        super().setUp()
        self.world.trace = TRACE

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def test_it_is_printed_as_it_is(self):
        self.says("export --trace", TRACE.decode())
        self.assertEqual(self.asked(), ["GET /export/trace"])

    def test_it_is_saved_whole_or_not_at_all(self):
        said = self.capq("export", "--trace", "-o", self.path("t.csv"), "--history", self.path("h.csv"))
        self.says(said, "%s: %d B\n%s: 26 B\n" % (self.path("t.csv"), len(TRACE), self.path("h.csv")))
        self.assertEqual((self.read("t.csv"), self.read("h.csv")), (TRACE, self.world.trace_history))
        said = self.capq("export", "--trace", "-o", self.path("j.csv"), "--json")
        self.assertEqual(json.loads(said.out), {"file": self.path("j.csv"), "bytes": len(TRACE)})

        self.double.answer_next("/export", 200, TRACE[:40].decode().encode(), {"Content-Length": str(len(TRACE))})
        said = self.capq("export", "--trace", "-o", self.path("t.csv"), "--force")
        self.assertEqual((said.code, said.out), (3, ""))
        self.assertEqual(self.read("t.csv"), TRACE)
        self.double.answer_next("/export", 200, TRACE[:40].decode().encode(), {"Content-Length": str(len(TRACE))})
        self.assertEqual(self.capq("export", "--trace").code, 3)
        self.assertEqual(sorted(os.listdir(self.folder)), ["capqd.sock", "h.csv", "j.csv", "t.csv"])

    def test_what_is_there_is_not_replaced(self):
        both = ("export", "--trace", "-o", self.path("t.csv"), "--history", self.path("h.csv"))
        for there in ("t.csv", "h.csv"):
            with open(self.path(there), "w") as file:
                file.write("old")
            self.refuses(self.capq(*both), 2, f"{self.path(there)} is there already; --force replaces it")
            self.assertEqual(sorted(os.listdir(self.folder)), sorted(["capqd.sock", there]))
            self.assertEqual(self.read(there), b"old")
            os.unlink(self.path(there))
        self.assertEqual(self.asked(), [])
        for name in ("t.csv", "h.csv"):
            with open(self.path(name), "w") as file:
                file.write("old")
        self.assertEqual(self.capq(*both, "--force").code, 0)
        self.assertEqual((self.read("t.csv"), self.read("h.csv")), (TRACE, self.world.trace_history))
        self.refuses(self.capq("export", "--trace", "-o", self.path("x"), "--history", self.path("x")), 2, "the trace and the history cannot be one file")

    def test_of_two_files_both_are_there_or_none(self):
        for what in ("trace", "history"):
            self.double.answer_next(f"/export/{what}", 200, TRACE[:4].decode().encode(), {"Content-Length": "99"})
            said = self.capq("export", "--trace", "-o", self.path("t.csv"), "--history", self.path("h.csv"))
            self.assertEqual((said.code, said.out), (3, ""))
            self.assertEqual(os.listdir(self.folder), ["capqd.sock"])
        os.mkdir(self.path("h.csv.tmp"))  # The second cannot even be begun.
        self.assertNotEqual(self.capq("export", "--trace", "-o", self.path("t.csv"), "--history", self.path("h.csv")).code, 0)
        self.assertEqual(sorted(os.listdir(self.folder)), ["capqd.sock", "h.csv.tmp"])

    def test_both_begin_at_the_same_time(self):
        self.capq("export", "--trace", "-o", self.path("t.csv"), "--history", self.path("h.csv"), "--since", "30d")
        times = [re.fullmatch("GET /export/(history|trace)[?]since=(.*)", asked).groups() for asked in self.asked()]
        self.assertEqual([what for what, _ in times], ["trace", "history"])
        self.assertEqual(times[0][1], times[1][1])
        moment = datetime.datetime.fromisoformat(urllib.parse.unquote(times[0][1]))
        age = datetime.datetime.now(datetime.timezone.utc) - moment
        self.assertLess(abs(age - datetime.timedelta(days=30)), datetime.timedelta(hours=1))

    def test_what_makes_no_sense(self):
        self.refuses("export", 2, "what shall be exported? There is --trace")
        self.refuses("export --trace --history h.csv", 2, "--history needs -o FILE for the trace")
        self.assertIn("--since 'yesterday': expected a time", self.capq("export", "--trace", "--since", "yesterday").err)
        self.assertEqual(self.capq("export", "--trace", "--json").code, 2)
        self.assertEqual(self.asked(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
