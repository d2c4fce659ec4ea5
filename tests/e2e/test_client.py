#!/usr/bin/python3
"""Conversations with capq: a command, what it prints, what it exits with, what it asked."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import capqd_double  # noqa: E402
from capq_case import CAPQ, SOURCE, CapqCase, Double, masked  # noqa: E402

COMMANDS = ("submit wait watch status list show builds history stats log why cancel "
            "retry hold release bump drain backup estimates export lookup gpus inspect merge version completion help").split()


class CommandLine(CapqCase):
    def test_what_is_no_command_is_explained(self):
        self.refuses("", 2, "which command? See capq help")
        self.refuses("lst", 2, "no command 'lst'; did you mean 'list'?")
        self.refuses("w", 2, "'w' may be wait, watch or why")
        self.refuses("list --stte live", 2, "no option --stte; did you mean --state?")
        self.refuses("--sever x list", 2, "no option --sever; did you mean --server?")
        self.refuses("show", 2, "something is missing; usage: capq show JOB...")
        self.refuses("status 17", 2, "'17' is too much; usage: capq status")
        self.refuses("list --limit 0", 2,
                     "--limit '0': expected a whole number from 1 to 9223372036854775807")
        self.assertEqual(self.asked(), [])

    def test_errors_are_problems_with_json(self):
        said = self.capq("lst", "--json")
        self.assertEqual(said.code, 2)
        said = self.capq("--json", "lst")
        self.assertEqual(json.loads(said.err), {
            "status": 0, "title": "no command 'lst'; did you mean 'list'?", "detail": None,
            "hint": None})

    def test_commands_may_be_shortened_and_options_stand_anywhere(self):
        self.world.add_job("hello", state="done")
        whole = self.capq("list", "--json")
        self.assertEqual(self.capq("--json", "li"), whole)
        self.assertEqual(self.capq("--server", self.double.url, "li", "--json",
                                   CAPQ_SERVER="unix:/nowhere"), whole)

    def test_every_command_has_help_with_an_example(self):
        overview = self.capq("help").out
        self.assertEqual(self.capq("--help").out, overview)
        for command in COMMANDS:
            self.assertIn("\n  %-10s  " % command, overview)
            said = self.capq("help", command)
            self.assertEqual(self.capq(command, "--help"), said)
            self.assertIn("Usage: capq %s" % command, said.out)
            self.assertIn("\nExamples:\n  capq %s" % command,
                          said.out.replace("source <(", ""))
            self.assertLessEqual(max(map(len, said.out.splitlines())), 100)

    def test_the_manual_names_every_command_and_option(self):
        with open(os.path.join(SOURCE, "docs/man/capq.1")) as file:
            sections = re.split(r"\n\.It Ic (\w+)", file.read())
        manual = dict(zip(sections[1::2], sections[2::2]))
        self.assertEqual(sorted(manual), sorted(COMMANDS))
        for command in COMMANDS:
            own = self.capq("help", command).out.split("Options of every command")[0]
            wanted = re.findall(r"^  .*--([a-z-]+)", own.split("Options:")[-1], re.M)
            named = re.findall(r"(?:Fl|,) -([a-z-]+)", manual[command])
            self.assertEqual(set(wanted) - set(named), set(), command)

    def test_versions(self):
        self.says("--version", "capq 0.1.0\n")
        self.says("version", "capq 0.1.0\ncapqd 0.1.0 at %s (API 1, schema 3, nix-store (Nix) "
                             "2.18.1)\n" % self.double.url)
        said = json.loads(self.capq("version", "--json").out)
        self.assertEqual((said["client"], said["daemon"]["schema"]), ("0.1.0", 3))


class Submit(CapqCase):
    def test_packages_times_sets(self):
        self.world.add_job("b", caps="8.6", state="done")
        self.says("submit a b --caps 8.6 --caps 9.0,8.0+PTX --rev master",
                  "job 2  a @ 8.6 # 1a2b3c4 (new)\n"
                  "job 3  a @ 8.0,9.0+PTX # 1a2b3c4 (new)\n"
                  "job 1  b @ 8.6 # 1a2b3c4 (already there, done)\n"
                  "job 4  b @ 8.0,9.0+PTX # 1a2b3c4 (new)\n")
        self.assertEqual([json.loads(line) for line in self.double.requests[0][3].splitlines()], [
            {"attr": attr, "caps": caps, "rev": "master"}
            for attr in "ab" for caps in ("8.6", "8.0,9.0+PTX")])

    def test_for_scripts(self):
        self.says("submit a b --caps 8.6 --parsable", "1\n2\n")
        said = self.capq("submit", "a", "--caps", "8.6", "--json")
        self.assertEqual(json.loads(said.out),
                         {"jobs": [{"id": 1, "existing": True, "state": "evaluating"}]})

    def test_what_is_wrong_here_is_never_sent(self):
        for arguments, sentence in (
                (["a"], "for which GPUs? Give a capability set, such as --caps 8.6"),
                (["--caps", "8.6"],
                 "which package? For example: capq submit python3Packages.torch --caps 8.6"),
                (["a", "--caps", "8.6", "--caps", "sm_86"],
                 "capability 'sm_86': write it as nixpkgs does, '8.6'"),
                (["a", "--caps", "8.6+PTX,9.0"],
                 "capability '8.6+PTX': '+PTX' stands once, behind the whole set"),
                (["a", "b c", "--caps", "8.6"],
                 "attribute path 'b c': the character ' ' needs double quotes around its "
                 "element"),
                (["a", "--caps", "8.6", "--priority", "2000"],
                 "--priority '2000': expected a whole number from -1000 to 1000"),
                (["a", "--caps", "8.6", "--flavour", ""],
                 "--flavour: expected 1 to 64 bytes"),
                (["a", "--caps", "8.6", "--from", "-"],
                 "packages and --caps do not go with --from: each job of the file names its "
                 "own"),
                (["a", "--caps", "8.6", "--idempotency-key", "a b"],
                 "--idempotency-key: visible ASCII characters only")):
            self.refuses(self.capq("submit", *arguments), 2, sentence)
        self.assertEqual(self.asked(), [])

    def test_what_only_capqd_can_know(self):
        self.refuses("submit a --caps 8.6 --rev nowhere", 2, "unknown revision 'nowhere'; name "
                     "a configured branch, or a commit of one")
        said = self.capq("submit", "a", "--caps", "8.6", "--rev", "nowhere", "--json")
        self.assertEqual((said.code, json.loads(said.err)["status"],
                          json.loads(said.err)["index"]), (2, 404, 0))

    def test_a_dry_run_stores_nothing(self):
        self.world.dry_run = {"a": 14, "b": 0}
        self.says("submit a b --caps 8.6 --dry-run",
                  "ATTR\tCAPS\tDERIVATION\tCACHED\tBUILDS\tERROR\n"
                  "a\t8.6\t/nix/store/%s-a.drv\tno\t14\t\n"
                  "b\t8.6\t/nix/store/%s-b.drv\tyes\t0\t\n"
                  "2 jobs, 2 distinct derivations, 14 to build, 1 jobs with nothing to build\n"
                  % ("0" * 32, "0" * 32))
        self.assertEqual(self.world.jobs, {})

    def test_a_dry_run_finds_what_does_not_evaluate(self):
        self.world.dry_run = {"b": "attribute 'b' missing"}
        self.says("submit b --caps 8.6 --dry-run --no-header",
                  "b\t8.6\t\t\t\tattribute 'b' missing\n"
                  "1 jobs, 1 distinct derivations, 0 to build, 1 with errors\n", 1)
        said = self.capq("submit", "b", "--caps", "8.6", "--dry-run", "--json")
        self.assertEqual(said.code, 1)
        self.assertEqual(json.loads(said.out)["jobs"][0]["error"], "attribute 'b' missing")

    def test_from_a_file_of_lines_or_an_array(self):
        lines = '{"attr": "a", "caps": "8.6"}\n{"attr": "b", "caps": ["8.0", "9.0"], ' \
                '"ptx": true, "rev": "nixos-unstable", "priority": 5}\n'
        said = self.capq("submit", "--from", "-", "--rev", "master", stdin=lines)
        self.says(said, "job 1  a @ 8.6 # 1a2b3c4 (new)\n"
                        "job 2  b @ 8.0,9.0+PTX # 5d6e7f8 (new)\n")
        with open(self.path("jobs.json"), "w") as file:
            file.write("[%s]" % ",".join(lines.splitlines()))
        said = self.capq("submit", "--from", self.path("jobs.json"), "--rev", "master",
                         "--parsable")
        self.says(said, "1\n2\n")

    def test_a_bad_line_breaks_off_the_request_and_nothing_is_accepted(self):
        good = '{"attr": "a", "caps": "8.6"}\n' * 3000
        for bad, sentence in (
                ('{"attr": "a"}', "a job needs 'caps', a capability set such as \"8.6\""),
                ('{"attr": "a", "caps": "86"}',
                 "capability '86': write it as nixpkgs does, '8.6'"),
                ("hello", "expected an object such as {\"attr\": \"hello\", \"caps\": \"8.6\"}"),
                ('{"attr": "a", "caps": "8.6"', "the object has no end")):
            said = self.capq("submit", "--from", "-", stdin=good + bad)
            self.refuses(said, 2, "standard input:3001: " + sentence)
        self.assertEqual(self.world.jobs, {})
        self.refuses("submit --from /does/not/exist", 2,
                     "--from /does/not/exist: No such file or directory")

    def test_many_jobs_take_little_memory(self):
        """50,000 jobs are 3 MiB of text; the limit leaves no room for them twice."""
        lines = "".join('{"attr": "a%d", "caps": "8.6", "system": "x86_64-linux"}\n' % i
                        for i in range(50000))
        self.double.answer_next("/jobs", 201, b'{"jobs": [{"id": 7, "existing": false, '
                                              b'"state": "evaluating"}]}')
        said = self.capq("submit", "--from", "-", "--parsable", stdin=lines)
        self.says(said, "7\n")
        self.assertEqual(len(self.double.requests[0][3].splitlines()), 50000)

    def test_the_same_key_submits_once(self):
        said = self.capq("submit", "a", "--caps", "8.6", "--idempotency-key", "k1", "--parsable")
        self.assertEqual(self.capq("submit", "a", "--caps", "8.6", "--idempotency-key", "k1",
                                   "--parsable"), said)
        self.refuses(self.capq("submit", "b", "--caps", "8.6", "--idempotency-key", "k1"), 2,
                     "that key was used with another body")


class Selection(CapqCase):
    def setUp(self):
        super().setUp()
        self.world.add_job("python3Packages.torch", caps="8.6", state="done")
        self.world.add_job("python3Packages.torch", caps="8.0,8.6+PTX", state="done")
        self.world.add_job("python3Packages.torch", caps="8.6", state="failed",
                           rev=capqd_double.World().resolve("nixos-unstable"))
        self.world.add_job('a."b@c"', state="done")

    def shown(self, name):
        said = self.capq("show", name, "--json")
        return json.loads(said.out)["id"] if said.code == 0 else said

    def test_by_what_it_is(self):
        self.assertEqual(self.shown("3"), 3)
        self.assertEqual(self.shown("python3Packages.torch@8.6,8.0+ptx"), 2)
        self.assertEqual(self.shown("python3Packages.torch@8.6#1a2b"), 1)
        self.assertEqual(self.shown("python3Packages.torch # 5d6e"), 3)
        self.assertEqual(self.shown("python3Packages.torch @ 8.6 # 5d6e7f8"), 3)
        self.assertEqual(self.shown('a."b@c"'), 4)

    def test_several_fit(self):
        self.refuses("show python3Packages.torch@8.6", 2,
                     "'python3Packages.torch@8.6' may be "
                     "job 3 (python3Packages.torch @ 8.6 # 5d6e7f8, failed), "
                     "job 1 (python3Packages.torch @ 8.6 # 1a2b3c4, done); say which")
        for i in range(9):
            self.world.add_job("many", caps="8.%d" % i)
        said = self.capq("show", "many")
        self.assertIn("job 13 (", said.err)
        self.assertIn(" or one of more; say which", said.err)

    def test_none_fits(self):
        self.refuses("show nope", 2, "no job is called 'nope'; see capq list")
        self.refuses("show 99", 2, "job 99 does not exist; see capq list")
        self.refuses("show python3Packages.torch#master", 2, "revision 'master': expected 4 to "
                     "40 hexadecimal digits of a commit")
        self.assertEqual(self.asked(), ["GET /jobs?limit=5&attr=nope", "GET /jobs/99"])

    def test_pages_may_be_empty_though_more_follow(self):
        self.double.rows_a_page = 1
        self.assertEqual(self.shown("python3Packages.torch#1a2b@8.6").code, 2)
        self.assertEqual(self.shown("python3Packages.torch@8.0,8.6+PTX"), 2)

    def test_several_at_once(self):
        said = self.capq("show", "1", "python3Packages.torch#5d6e", "--json")
        self.assertEqual([job["id"] for job in json.loads(said.out)], [1, 3])


class Looking(CapqCase):
    def test_list(self):
        self.world.add_job("a", state="waiting", waits_for="b-1.0 (building)")
        self.world.add_job("b", caps="8.0,8.6", state="failed", reason="it\nbroke\t\033[2Joff")
        table = ("ID\tATTR\tCAPS\tREV\tSTATE\tAGE\tNOTE\n"
                 "2\tb\t8.0,8.6\t1a2b3c4\tfailed\tAGE\tit broke off\n"
                 "1\ta\t8.6\t1a2b3c4\twaiting\tAGE\tb-1.0 (building)\n")
        self.says("list", table)
        self.says("list --no-header --state live", table.splitlines(True)[2])
        self.says("list -a b -c 8.6,8.0 -r 1a2b --flavour default --system x86_64-linux",
                  "".join(table.splitlines(True)[:2]))
        self.says("list --attr c", table.splitlines(True)[0])
        self.assertEqual(self.asked()[-2:], [
            "GET /jobs?limit=50&attr=b&caps=8.0%2C8.6&rev=1a2b&flavour=default"
            "&system=x86_64-linux", "GET /jobs?limit=50&attr=c"])

    def test_list_follows_cursors(self):
        for i in range(1200):
            self.world.add_job("a%d" % i)
        said = self.capq("list")
        self.assertEqual((len(said.out.splitlines()), said.err),
                         (51, "capq: there are more; see --all and --limit\n"))
        self.double.rows_a_page = 7
        for arguments, n in ((["--all"], 1200), (["--limit", "20"], 20), (["--limit", "9999"],
                                                                          1200)):
            jobs = json.loads(self.capq("list", "--json", *arguments).out)
            self.assertEqual([job["id"] for job in jobs], list(range(1200, 1200 - n, -1)))

    def test_list_of_nothing(self):
        self.says("list --json", "[]\n")
        self.refuses("list --state fnord", 2, "'fnord' is no value of 'state'")
        self.refuses("list --caps sm_86", 2, "capability 'sm_86': write it as nixpkgs does, "
                                             "'8.6'")

    def test_a_list_without_end_is_left(self):
        page = b'{"jobs": [], "next_cursor": "x"}'
        self.double.answer_next("/jobs", 200, page)
        self.double.answer_next("cursor=x", 200, page)
        self.refuses("list", 1, "%s gives the same page again and again" % self.double.url)

    def test_show(self):
        self.world.add_job(
            "python3Packages.torch", state="failed", reason="no space\nleft", priority=5,
            failure_class="disk full", attempts=2, started_at="2026-01-01T00:00:00.000Z",
            finished_at="2026-01-01T00:01:01.000Z", rev_from="hash", trusted=False, cost={
                "wall_seconds": 61.5, "core_seconds": 7200, "bytes_pushed": 3 * 2**30})
        self.says("show 1", """\
job 1  python3Packages.torch @ 8.6 # 1a2b3c4  failed
  reason       no space
               left
  failure      disk full
  revision     1a2b3c4d5e6f70819293a4b5c6d7e8f901234567 (hash, not trusted)
  flavour      default
  system       x86_64-linux
  priority     5
  submitted by root
  derivation   /nix/store/00000000000000000000000000000001-torch.drv
  build        build:1, attempts 2
  outputs      out  /nix/store/00000000000000000000000000000001-torch
  submitted    TIME (AGE ago)
  started      TIME (AGE ago)
  finished     TIME (AGE ago)
  cost         AGE, AGE of core time, 3.0 GiB pushed
""")

    def test_show_what_runs(self):
        self.world.add_job("a", state="waiting", drv_path=None, outputs=None)
        self.world.run_build(1, done=3, expected=20, last_line="Building a.o")
        said = self.capq("show", 1)
        self.assertIn("\n  running      buildPhase (build:1) [3/20] Building a.o\n", said.out)
        self.assertNotIn("outputs", said.out)

    def test_builds(self):
        self.world.add_job("a", state="waiting")
        self.world.add_job("b", state="waiting")
        self.world.run_build(2, last_line="Building b.o")
        table = ("BUILD\tNAME\tKIND\tSTATE\tBUILDER\tATTEMPTS\tTOOK\tNOTE\n"
                 "2\tb-1.0\tbuild\tbuilding\tlocal\t0\tAGE\t\n"
                 "1\ta-1.0\tbuild\tblocked\t\t0\t\t\n")
        self.says("builds", table)
        self.says("builds a", "".join(table.splitlines(True)[::2]))
        self.says("builds --state ready --json", "[]\n")
        self.assertEqual(json.loads(self.capq("builds", 1, "--json").out)[0]["name"], "a-1.0")

    def test_why(self):
        self.world.add_job("a", state="waiting")
        self.world.builds[1]["reason"] = "needs cudnn"
        self.world.run_build(1)
        self.world.why["jobs/1"] = {
            "state": "waiting", "text": "waits for cudnn-9.1", "rule": "needs",
            "builds": [self.world.builds[1]], "ahead": 4}
        self.says("why a", "waiting: waits for cudnn-9.1\n"
                           "  build:1  a-1.0  building on local  (needs cudnn)\n"
                           "  4 ready builds start before it\n")
        self.says("why build:1", "building: nobody knows\n")
        self.assertEqual(json.loads(self.capq("why", 1, "--json").out)["rule"], "needs")
        self.refuses("why build:7", 2, "build 7 does not exist")
        self.refuses("why build:x", 2, "'build:x': expected a number behind build:")

    def test_status(self):
        self.world.add_job("a", state="waiting", waits_for="cudnn-9.1 (building)")
        self.world.add_job("b", state="done")
        self.world.draining, self.world.running = True, 1
        self.world.problems = ["the disk is full"]
        self.says("status", """\
  jobs         1 waiting, 1 done
  builds       2 blocked
  builders     local 1/2
  long         builds estimated at more than AGE
  besides      0 evaluating, 0 pushing
  cache        cuda-maintainers
  nixpkgs      https://github.com/NixOS/nixpkgs, fetched AGE ago; master 1a2b3c4, \
nixos-unstable 5d6e7f8
  draining     nothing new starts (capq drain --off)
  problem      the disk is full

ID\tATTR\tCAPS\tREV\tSTATE\tPHASE\tELAPSED\tWAITS-FOR
1\ta\t8.6\t1a2b3c4\twaiting\t\tAGE\tcudnn-9.1 (building)
""")
        self.assertTrue(json.loads(self.capq("status", "--json").out)["draining"])

    def test_status_without_live_jobs_has_no_table(self):
        self.world.add_job("a", state="done")
        said = self.capq("status")
        self.assertEqual((said.code, said.out.splitlines()[0]), (0, "  jobs         1 done"))
        self.assertNotIn("\n\n", said.out)
        self.assertNotIn("WAITS-FOR", said.out)

    def test_log(self):
        self.world.add_job("a", state="failed")
        self.refuses("log 1", 2, "there is no log yet")
        self.world.add_log(1, b"one\n\033[31mtwo\033[0m\rthree\xff\n" + b"x" * 200000 + b"\nend")
        said = self.capq("log", "a")
        self.assertEqual((said.code, said.err), (0, ""))
        self.assertEqual(said.out, "one\ntwothree\ufffd\n" + "x" * 200000 + "\nend")
        self.says("log build:1 --tail 6", "xx\nend")
        self.says("log 1 --attempt 1 --tail 3", "end")
        self.says("log 1 --tail 3 --json", '{"event":"chunk","data":"end"}\n')
        self.assertEqual(self.asked()[-3:], [
            "GET /jobs/1", "GET /builds/1/log?follow=0&attempt=1&tail=3",
            "GET /jobs/1/log?follow=0&tail=3"])
        self.refuses("log 1 --tail many", 2,
                     "--tail 'many': expected a size such as 4096, 64KiB or 1MiB")


class Doing(CapqCase):
    def test_verbs(self):
        self.world.add_job("a", state="waiting")
        self.says("hold a", "job 1  a @ 8.6 # 1a2b3c4: on_hold\n")
        self.says("release 1", "job 1  a @ 8.6 # 1a2b3c4: waiting\n")
        self.says("bump 1", "job 1  a @ 8.6 # 1a2b3c4: waiting\n")
        self.says("cancel 1", "job 1  a @ 8.6 # 1a2b3c4: cancelled\n")
        self.says("retry 1", "job 1  a @ 8.6 # 1a2b3c4: evaluating\n")
        self.refuses("release 1", 2, "job 1 is evaluating; only a live job can be release")
        self.assertEqual(self.asked()[1:], ["POST /jobs/1/" + verb for verb in (
            "hold", "release", "bump", "cancel", "retry", "release")])

    def test_one_that_refuses_does_not_stop_the_others(self):
        for state in ("waiting", "done", "waiting"):
            self.world.add_job("a", caps="8.%d" % len(self.world.jobs), state=state)
        said = self.capq("cancel", 1, 2, 3)
        self.assertEqual((said.code, said.err),
                         (2, "capq: job 2 is done; only a live job can be cancel\n"))
        self.assertEqual([job["state"] for job in self.world.jobs.values()],
                         ["cancelled", "done", "cancelled"])
        said = self.capq("retry", 1, 3, "--json")
        self.assertEqual([job["state"] for job in json.loads(said.out)], ["evaluating"] * 2)

    def test_one_that_is_not_found_stops_all(self):
        self.world.add_job("a", state="waiting")
        self.refuses("cancel 1 nope", 2, "no job is called 'nope'; see capq list")
        self.assertEqual(self.world.jobs[1]["state"], "waiting")

    def test_estimates(self):
        self.says("estimates --rebuild", "learnt from 1200 rows of history, 31 packages; 7 builds that wait are estimated anew\n")
        self.assertEqual(self.asked(), ["POST /estimates/rebuild"])
        self.says("estimates --rebuild --json", '{"rows":1200,"packages":31,"builds":7}\n')
        self.refuses("estimates", 2, "what shall be done with the estimates? There is --rebuild")

    def test_drain(self):
        self.world.running = 2
        self.says("drain", "draining: nothing new starts, 2 still run\n")
        self.says("drain --off", "not draining: what is ready starts\n")
        said = self.start("drain", "--wait")
        said.expect("2 still run")
        self.world.running = 0
        self.says(said.end(), "draining: nothing new starts, 0 still run\n"
                  "nothing runs any more\n".replace("0 still", "2 still"))
        self.says("drain --json --off", '{"draining":false,"running":0}\n')

    def test_a_drain_that_somebody_ends(self):
        self.world.running = 1
        said = self.start("drain", "--wait")
        said.expect("1 still run")
        self.world.draining = False
        said = said.end()
        self.assertEqual((said.code, said.err),
                         (1, "capq: somebody has ended the drain meanwhile\n"))

    def test_backup(self):
        file = self.path("copy.db")
        self.says("backup " + file, file + ": 3.9 KiB\n")
        with open(file, "rb") as copy:
            self.assertEqual(copy.read(), self.world.backup)
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        self.refuses("backup " + file, 2, file + " is there already; --force replaces it")
        self.world.backup += b"more"
        self.says("backup --json --force " + file, '{"file":"%s","bytes":4020}\n' % file)
        self.refuses("backup /does/not/exist", 2,
                     "/does/not/exist.tmp: No such file or directory")
        self.assertEqual(sorted(os.listdir(self.folder)), ["capqd.sock", "copy.db"])

    def test_a_backup_that_breaks_off_leaves_nothing(self):
        self.double.answer_next("/backup", 200, b"SQLite", {"Content-Length": "100000"})
        said = self.capq("backup", self.path("copy.db"))
        self.assertEqual((said.code, said.out), (3, ""))
        self.assertIn("lost capqd at %s" % self.double.url, said.err)
        self.double.answer_next("/backup", 200, b"")
        self.refuses("backup " + self.path("copy.db"), 1, "what capqd sent is empty")
        self.assertEqual(os.listdir(self.folder), ["capqd.sock"])


class Trouble(CapqCase):
    def test_nobody_there(self):
        self.double.stop()
        hint = "; is it running? (systemctl status capqd), or set CAPQ_SERVER"
        self.refuses("status", 3, "cannot reach capqd at %s: nobody listens there%s"
                     % (self.double.url, hint))
        said = self.capq("status", CAPQ_SERVER="unix:/does/not/exist")
        self.refuses(said, 3, "cannot reach capqd at unix:/does/not/exist: no such file" + hint)
        said = self.capq("wait", "1", CAPQ_SERVER="http://127.0.0.1:1")
        self.refuses(said, 3, "cannot reach capqd at http://127.0.0.1:1: nobody listens there"
                     + hint)
        said = self.capq("status", CAPQ_SERVER="ftp://x")
        self.assertEqual(said.code, 2)

    def test_tokens(self):
        double = Double(None, token="s3cret").start()
        self.addCleanup(double.stop)
        self.refuses(self.capq("status", CAPQ_SERVER=double.url), 4,
                     "not permitted; set CAPQ_TOKEN or CAPQ_TOKEN_FILE")
        said = self.capq("status", CAPQ_SERVER=double.url, CAPQ_TOKEN="wr0ng")
        self.refuses(said, 4, "not permitted: no such token")
        with open(self.path("token"), "w") as file:
            file.write("s3cret\n")
        for more in ({"CAPQ_TOKEN": "s3cret"}, {"CAPQ_TOKEN_FILE": self.path("token")}):
            said = self.capq("version", CAPQ_SERVER=double.url, **more)
            self.assertEqual(said.code, 0)
            self.assertNotIn("s3cret", said.out + said.err)
        said = self.capq("status", CAPQ_TOKEN_FILE="/does/not/exist")
        self.assertEqual(said.code, 2)

    def test_a_redirect_is_not_followed(self):
        elsewhere = Double(None).start()
        self.addCleanup(elsewhere.stop)
        self.double.answer_next("/status", 302, b"", {"Location": elsewhere.url})
        said = self.capq("status", CAPQ_TOKEN="s3cret")
        self.refuses(said, 1, "%s answered 302 and gave no reason; is that capqd? "
                              "(CAPQ_SERVER, --server)" % self.double.url)
        self.assertEqual(elsewhere.requests, [])

    def test_answers_of_somebody_else(self):
        self.double.answer_next("/status", 502, b"<html>Bad gateway", {
            "Content-Type": "text/html"})
        self.refuses("status", 3, "%s answered 502 and gave no reason; is that capqd? "
                                  "(CAPQ_SERVER, --server)" % self.double.url)
        self.double.answer_next("/status", 200, b"<html>")
        self.refuses("status", 1, "the answer of %s is no JSON; is that capqd?"
                     % self.double.url)
        self.double.answer_next("/jobs/1", 200, b'{"hello": "world"}')
        self.refuses("show 1", 1, "the answer is no job as this capq knows it; are capq and "
                                  "capqd of one version?")

    def test_an_answer_without_end(self):
        self.double.answer_next("/status", 200, b" " * (65 << 20))
        self.refuses("status", 2, "the answer of %s is larger than 64 MiB" % self.double.url)

    def test_capqd_is_busy(self):
        self.double.answer_next("/jobs", 503, json.dumps({
            "status": 503, "title": "not now", "detail": "it starts", "hint": "try again"
        }).encode(), {"Content-Type": "application/problem+json"})
        self.refuses("list", 3, "not now: it starts; try again")

    def test_nothing_from_outside_steers_a_terminal(self):
        evil = "\033]0;owned\a\033[2J\x7f\r\nroot# "
        self.world.add_job("a", state="failed", reason=evil, submitter=evil, rev_from=evil,
                           drv_path=evil, outputs={evil: evil}, waits_for=evil)
        self.world.builds[1].update(reason=evil, name=evil, builder=evil)
        self.world.why["jobs/1"] = {"state": evil, "text": evil, "rule": "final",
                                    "builds": [self.world.builds[1]], "ahead": None}
        self.world.add_log(1, evil.encode(), True)
        self.world.problems = [evil]
        self.world.dry_run = {"x": evil}
        for command in ("show 1", "list", "builds 1", "why 1", "log 1", "status", "wait 1",
                        "submit x --caps 8.6 --dry-run", "log 1 -f", "show 1 --json",
                        "log 1 --json"):
            said = self.capq(*command.split())
            self.assertIsNone(re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", said.out + said.err),
                              command)
        self.double.answer_next("/status", 400, json.dumps({"title": evil}).encode())
        said = self.capq("status")
        self.assertIsNone(re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", said.err))

    def test_a_full_disk_is_noticed(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([CAPQ, "help"], stdout=full, stderr=subprocess.PIPE, text=True,
                                  env=self.environment())
        self.assertEqual((done.returncode, done.stderr),
                         (1, "capq: standard output: No space left on device\n"))


class Completion(CapqCase):
    def complete(self, *words):
        """What bash offers for the last of `words`."""
        script = self.capq("completion", "bash").out
        done = subprocess.run(
            ["bash", "-c", script + """
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
            _capq; printf '%s\\n' "${COMPREPLY[@]}" """, "bash", *words],
            text=True, capture_output=True, check=True, cwd=self.folder)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash(self):
        self.assertEqual(self.complete("capq", "wa"), ["wait", "watch"])
        self.assertEqual(self.complete("capq", "--server", "x", "submit", "--dr"), ["--dry-run"])
        self.assertEqual(self.complete("capq", "list", "--state", ""), [])
        self.assertEqual(self.complete("capq", "submit", "--from", "capq"), ["capqd.sock"])
        self.assertEqual(self.complete("capq", "backup", "capq"), ["capqd.sock"])
        self.assertEqual(self.complete("capq", "show", "--js"), ["--json"])

    def test_the_other_shells_take_theirs(self):
        for shell in ("fish", "zsh"):
            with open(self.path(shell), "w") as file:
                file.write(self.capq("completion", shell).out)
            if shutil.which(shell):
                subprocess.run([shell, "-n", self.path(shell)], check=True)
        self.refuses("completion tcsh", 2, "no completion for 'tcsh'; there is one for bash, "
                                           "fish and zsh")


class TheDouble(unittest.TestCase):
    def test_it_serves_what_the_description_says(self):
        """The same paths with the same parameters; read without a YAML library."""
        described, path, method, shared = {}, None, None, {}
        with open(os.path.join(SOURCE, "docs/openapi.yaml")) as file:
            lines = file.read().splitlines()
        for line in lines:
            match = re.match(r"    (\w+): \{name: (\w+), in: query", line)
            if match:
                shared[match.group(1)] = match.group(2)
        for line in lines[:lines.index("components:")]:
            if re.match(r"  /\S*:$", line):
                path = line.strip()[:-1]
            elif re.match(r"    (get|post):$", line):
                method = line.strip()[:-1].upper()
                described[method, path] = set()
            for name in re.findall(r"\{name: (\w+), in: query", line):
                described[method, path].add(name)
            for name in re.findall(r"\$ref: \"#/components/parameters/(\w+)\"", line):
                if name in shared:
                    described[method, path].add(shared[name])
        served = {(method, path): set(parameters)
                  for method, path, parameters, _ in capqd_double.ROUTES}
        self.assertEqual(served, described)


if __name__ == "__main__":
    unittest.main()
