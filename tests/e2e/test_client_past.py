#!/usr/bin/python3
"""Conversations with capq about the past: history, stats, export."""

import csv
import io
import json
import os
import sys
import unittest

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
