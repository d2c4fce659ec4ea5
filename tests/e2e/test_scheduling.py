"""The schedule with real builds: one fat one and forty thin ones on two slots, and what capq says of them.

A build waits at its door while the test keeps that closed: so the test, not the clock, says which build ends when. And what
`capq why` says is held against the simulation: capq-sim plays what was built once more.
"""

import contextlib
import csv
import datetime
import os
import signal
import sqlite3
import subprocess
import time
import unittest

import capqd
import nixbox

nixbox.enter()

# thinN, fatN, gateN, for any N: toy.delay seconds, and then as long as its door is closed. appN needs fatN.
OVERLAY = '''
pkgs: prev: let
  inherit (prev.config.toy) delay doors salt;
  make = kind: deps: n: derivation {
    name = "${kind}-1.0"; inherit (prev) system; inherit salt deps; builder = "/bin/sh"; gencode = prev.config.cudaCapabilities;
    args = [ "-c" "PATH=/usr/bin:/bin; sleep ${toString delay}; while [ -e ${doors}/${kind}${n} ]; do sleep 0.02; done; echo $gencode > $out" ];
  };
  some = kind: deps: builtins.listToAttrs (map (n: { name = "${kind}${n}"; value = make kind (deps n) n; }) (map toString (builtins.genList (n: n) 50)));
in some "thin" (n: [ ]) // some "fat" (n: [ ]) // some "gate" (n: [ ]) // some "app" (n: [ pkgs."fat${n}" ])
'''

FAT = "8.0,8.6"
HOUR = 3600


class Site(capqd.Daemon):
    """A daemon whose builds stand behind doors, in a flavour with short builds and one with long ones."""

    def __init__(self, nix, nixpkgs, slots, grace, thin=0.05, fat=1):
        self.doors = f"{nix.directory}/doors"
        os.mkdir(self.doors)
        overlay = f"{nix.directory}/overlay.nix"
        with open(overlay, "w", encoding="utf-8") as f:
            f.write(OVERLAY)
        toy = {"doors": self.doors, "salt": nix.directory}
        flavours = [{"name": name, "overlays": [overlay], "config": {"toy": {**toy, "delay": delay}}}
                    for name, delay in (("thin", thin), ("fat", fat))]
        scheduling = {"promise_grace": grace, "promise_backlog": 0, "branches": [{"name": "master", "weight": 100}]}
        super().__init__(nixpkgs, flavours=flavours, builders=[{"name": "local", "max_jobs": slots}],
                         build={"batch_max": 1, "ride_along": "0s"}, scheduling=scheduling)

    def close(self, *names):
        for name in names:
            with open(f"{self.doors}/{name}", "w", encoding="utf-8"):
                pass

    def open(self, *names):
        for name in names:
            os.unlink(f"{self.doors}/{name}")

    def enter(self, attrs, caps="8.6", flavour="thin"):
        """Submit, and the builds of the jobs once they are known."""
        jobs = self.submit(attrs, caps, flavour=flavour)
        capqd.until(lambda: all(self.job(n)["build"] for n in jobs), f"{attrs} are not planned")
        return [self.job(n)["build"] for n in jobs]

    def in_order(self, builds):
        """Those that are as good as each other, as they start: by the time at which they were asked for, then by their numbers."""
        asked_at = {job["build"]: job["submitted_at"] for job in self.jobs()}
        return sorted(builds, key=lambda b: (asked_at[b], b))

    def await_state(self, state, *builds):
        for build in builds:
            self.await_event(lambda kind, e, build=build: kind == "build" and (e["subject"], e["to"]) == (build, state))

    def starts(self):
        """Builds in the order in which they were started."""
        return [e["subject"] for e in self.stored_events("build") if e["to"] == "building"]

    def why(self, build):
        return self.get(f"/builds/{build}/why")

    def why_text(self, build):
        said = self.client("why", f"build:{build}")
        assert said.returncode == 0, said
        return said.stdout

    def query(self, sql):
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/capqd.sqlite?mode=ro", uri=True)) as db:
            return db.execute(sql).fetchall()

    def export(self, what, since=None):
        path = f"{self.directory}/{what}.csv"
        status, _, text = self.request("GET", f"/export/{what}" + (f"?since={since}" if since else ""))
        assert status == 200, text
        with open(path, "wb") as f:
            f.write(text)
        return path

    def simulate(self, *words, since=None):
        """What capq-sim makes of all that was built `since`: the rows of its --events by build, in the order of the starts."""
        events = f"{self.directory}/events.csv"
        given = ["--trace", self.export("trace", since), "--config", f"{self.directory}/capqd.yaml", "--events", events]
        if since:
            given += ["--history", self.export("history", since)]
        subprocess.run([f"{capqd.BIN}/capq-sim", *given, *words], check=True, stdout=subprocess.DEVNULL, timeout=capqd.PATIENCE)
        with open(events, encoding="utf-8") as f:
            return {int(row["id"]): {name: float(row[name]) for name in ("start_s", "end_s")} for row in csv.DictReader(f)}


def seconds(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def remember(site, package, caps, hours):
    """History says that such a package took so long, three times."""
    with contextlib.closing(sqlite3.connect(f"{site.state}/capqd.sqlite")) as db, db:
        for n in range(3):
            row = (1, "-", package, "x86_64-linux", caps, "", "local", 0, int(time.time() - 20 * HOUR + n) * 1000, hours * HOUR * 1000, "built")
            db.execute("INSERT INTO history (attempt_id, drv_path, package, system, caps, machine, builder, is_ride, started_at, wall_ms, outcome) "
                       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


class FatAndThin(unittest.TestCase):
    def learn(self, site):
        """What such builds cost becomes known; of the fat one as it is for one capability."""
        jobs = site.submit(["thin41", "thin42"], flavour="thin") + site.submit("fat1", flavour="fat")
        self.assertEqual({job["state"] for job in site.wait(*jobs)}, {"done"})

    def hold_two_slots(self, site):
        """Both slots are taken by builds that do not end; when the first of their jobs was submitted."""
        site.close("gate1", "gate2")
        gates = site.enter(["gate1", "gate2"])
        site.await_state("building", *gates)
        return gates, min(seconds(job["submitted_at"]) for job in site.jobs() if job["build"] in gates)

    def while_all_wait(self, site, fat, thin):
        """Both slots are taken. What is next is what starts next; each of the others is told who is before it."""
        self.assertRegex(site.why_text(thin[0]), r"ready: thin-1\.0 is ready and the next to start; all 2 slots that fit it are taken\.")
        for k in (1, 2, len(thin) - 1):
            before = f"thin-1.0 is ready; {k} ready build{' has' if k == 1 else 's have'} a higher score. The nearest, thin-1.0 (build {thin[k - 1]}), has "
            self.assertIn(before, site.why(thin[k])["text"])
            self.assertEqual((site.why(thin[k])["rule"], site.why(thin[k])["ahead"]), ("order", k))
        said = site.why_text(fat)
        self.assertRegex(said, rf"fat-1\.0 is ready; {len(thin)} ready builds have a higher score\. The nearest, thin-1\.0 \(build {thin[-1]}\), has "
                               r"[\d.e+]+; this one [\d.e+]+\. Its score doubles with age at \d\d:\d\d\. It is promised to start by \d\d:\d\d\.")

    def until_due(self, site, fat_job, held, asked_at, gates):
        """`held` have both slots until the fat one's promise is due, in the simulation too: there the gates begin when they are asked for."""
        [(start_by,)] = site.query(f"SELECT start_by / 1000.0 FROM jobs WHERE id = {fat_job}")
        simulated = asked_at + min(site.build(b)["cost"]["wall_seconds"] for b in gates)
        really = max(seconds(site.build(b)["started_at"]) for b in held)
        capqd.until(lambda: time.time() > start_by + (really - simulated) + 0.2, "time stands still")
        return start_by

    def while_the_promise_is_due(self, site, fat, thin):
        self.assertRegex(site.why_text(fat), r"fat-1\.0 is ready and the next to start; .* It was promised to start by \d\d:\d\d, and is \d.* overdue\.")
        self.assertIn(f"thin-1.0 is ready; 1 ready build goes before it because its promise is due, fat-1.0 (build {fat}).", site.why(thin[0])["text"])
        said = f"thin-1.0 is ready; 1 ready build has a higher score, and 1 goes before it because a promise is due. The nearest, thin-1.0 (build {thin[0]}), has "
        self.assertIn(said, site.why(thin[1])["text"])
        self.assertEqual([site.why(b)["ahead"] for b in (fat, *thin)], list(range(len(thin) + 1)))

    def the_starts(self, site, fat, thin):
        """Why each was started, who was second, and what was known of its cost."""
        start = site.why(fat)["start"]
        self.assertEqual((start["rule"], start["runner_up"], start["basis"]), ("promise", thin[10], "other-sets"))
        self.assertLess(start["score"], start["runner_up_score"])
        start = site.why(thin[4])["start"]
        self.assertEqual((start["rule"], start["runner_up"], start["basis"]), ("score", thin[5], "set"))
        self.assertRegex(site.why_text(fat), rf"started by promise, with a score of [\d.e+]+ \(the next was build:{thin[10]} with [\d.e+]+\)")

    def the_simulation(self, site, fat, thin, started, grace):
        """It starts them in the same order; first come, first served lets the thin ones wait for the fat one."""
        spr = site.simulate("--policy", "spr", "--promise-grace", f"{round(grace * 1000)}ms")
        fifo = site.simulate("--policy", "fifo")
        ours = {fat, *thin}
        self.assertEqual([b for b in spr if b in ours], [b for b in started if b in ours])
        self.assertEqual([b for b in fifo if b in ours], [fat, *thin])
        for some in thin[:8], thin:
            self.assertLess(sum(spr[b]["start_s"] for b in some), sum(fifo[b]["start_s"] for b in some))

    def test_forty_thin_ones_and_a_fat_one(self):
        with nixbox.Nix() as nix, capqd.Repository() as nixpkgs, Site(nix, nixpkgs, slots=2, grace="3s") as site:
            self.learn(site)
            gates, asked_at = self.hold_two_slots(site)
            [fat_job] = site.submit("fat0", FAT, flavour="fat")
            names = dict(zip(site.enter([f"thin{n}" for n in range(40)]), (f"thin{n}" for n in range(40))))
            thin = site.in_order(names)
            fat = site.job(fat_job)["build"]
            site.await_state("ready", fat, *thin)
            self.while_all_wait(site, fat, thin)

            # The thin ones do not wait for the fat one, as long as its promise is not due; then it goes before them.
            held = thin[8:10]
            site.close(*[names[b] for b in held])
            site.open("gate1", "gate2")
            site.await_state("building", *held)
            self.assertEqual(site.build(fat)["state"], "ready")
            start_by = self.until_due(site, fat_job, held, asked_at, gates)
            self.while_the_promise_is_due(site, fat, thin[10:])
            site.open(*[names[b] for b in held])
            site.wait(*[job["id"] for job in site.jobs()])
            started = site.starts()
            self.assertEqual([b for b in started if b in {fat, *thin}], thin[:10] + [fat] + thin[10:])
            self.the_starts(site, fat, thin)
            self.the_simulation(site, fat, thin, started, start_by - seconds(site.job(fat_job)["submitted_at"]))


class OverTime(unittest.TestCase):
    def expectations(self, site, job):
        """When it starts and is done, as likely as not and nine times out of ten, wherever one looks."""
        capqd.until(lambda: site.job(job)["eta"] is not None, "there is no forecast")
        eta = site.job(job)["eta"]
        self.assertLess(eta["start_p50"], eta["done_p50"])
        self.assertLess(eta["done_p50"], eta["done_p90"])
        clock = r"\d\d:\d\d"
        said = site.client("status", "--start").stdout
        self.assertRegex(said, rf"(?m)^\s*{job}\s.*\s{clock}\s+{clock}\s+{clock}\s")
        said = site.client("submit", "thin45", "--caps", "8.6", "--rev", "master", "--flavour", "thin", "--dry-run")
        self.assertRegex(said.stdout, rf"done about {clock} \(p90 {clock}\).* core-hours")

    def what_is_known(self, site, builds):
        """All that the order rests on, as it is told."""
        promises = site.query("SELECT id, since_at, start_by, cost_ms, chain_ms FROM jobs WHERE start_by > 0 ORDER BY id")
        return promises, [(why["rule"], why["ahead"], why["text"]) for why in map(site.why, builds)]

    def test_a_restart_and_a_reload(self):
        with nixbox.Nix() as nix, capqd.Repository() as nixpkgs, Site(nix, nixpkgs, slots=2, grace="1d") as site:
            site.wait(*site.submit("thin41", flavour="thin"), *site.submit(["fat1", "fat2"], [FAT, "8.6"], flavour="fat"))
            site.close("gate1", "gate2")
            gates = site.enter(["gate1", "gate2"])
            for job in [job["id"] for job in site.jobs() if job["build"] in gates]:
                site.post(f"/jobs/{job}/bump")
            [fat] = site.enter("fat0", FAT, flavour="fat")
            fat_job = site.jobs()[0]["id"]
            thin = site.in_order(site.enter([f"thin{n}" for n in range(6)]))
            site.await_state("building", *gates)
            site.await_state("ready", fat, *thin)

            # Killed in the middle: promises, ages and costs are as they were, and so is all that is said.
            before = self.what_is_known(site, [fat, *thin[1:]])
            site.restart(signal.SIGKILL)
            capqd.until(lambda: all(site.build(b)["state"] == "building" for b in gates), "the gates do not begin again")
            self.assertEqual(self.what_is_known(site, [fat, *thin[1:]]), before)
            self.assertEqual([site.why(b)["ahead"] for b in (*thin, fat)], list(range(len(thin) + 1)))

            # Learnt anew from the same history it is the same; from another, which nobody told capqd of, it is another.
            n = site.query("SELECT count(*) FROM history")[0][0]
            said = site.client("estimates", "--rebuild")
            self.assertEqual(said.stdout, f"learnt from {n} rows of history, 2 packages; {len(thin) + 1} builds that wait are estimated anew\n")
            self.assertEqual(self.what_is_known(site, [fat, *thin[1:]]), before)
            remember(site, "thin", "8.6", hours=0.02)
            self.assertEqual(self.what_is_known(site, [fat, *thin[1:]]), before)
            self.assertEqual(site.client("estimates", "--rebuild").returncode, 0)
            self.assertEqual([site.why(b)["ahead"] for b in (fat, *thin)], list(range(len(thin) + 1)))
            site.restart(signal.SIGKILL)
            capqd.until(lambda: all(site.build(b)["state"] == "building" for b in gates), "the gates do not begin again")
            self.assertEqual([site.why(b)["ahead"] for b in (fat, *thin)], list(range(len(thin) + 1)))

            # A leftover comes behind all others, until it is asked for once more as what it is not any more.
            [rest_job] = site.submit("thin30", flavour="thin", leftover=True)
            site.await_job(rest_job, "waiting")
            rest = site.job(rest_job)["build"]
            site.await_state("ready", rest)
            self.assertEqual([site.why(b)["ahead"] for b in (fat, *thin, rest)], list(range(len(thin) + 2)))
            self.assertTrue(site.job(rest_job)["leftover"])
            site.post(f"/jobs/{fat_job}/hold")
            self.assertEqual(site.why(rest)["ahead"], len(thin))
            self.assertEqual(site.submit("thin7", flavour="thin", leftover=True), [site.jobs()[0]["id"]])
            site.post(f"/jobs/{site.jobs()[0]['id']}/cancel")
            self.assertEqual(site.submit("thin30", flavour="thin"), [rest_job])
            site.post(f"/jobs/{fat_job}/release")
            thin.append(rest)

            # Other weights, another order.
            site.settings["scheduling"]["branches"][0]["weight"] = 100000
            site.configure()
            site.process.send_signal(signal.SIGHUP)
            site.await_event(lambda kind, e: kind == "daemon" and e["what"] == "reloaded")
            self.assertEqual([site.why(b)["ahead"] for b in (*thin, fat)], list(range(len(thin) + 1)))
            self.expectations(site, fat_job)
            with subprocess.Popen([f"{capqd.BIN}/capq", "wait", str(fat_job)], stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, "CAPQ_SERVER": f"unix:{site.socket}"}) as waiting:
                self.assertRegex(waiting.stdout.readline(), r"waiting \(7 ahead; .*done about \d\d:\d\d \(p90 \d\d:\d\d\)")
                site.open("gate1", "gate2")
                site.wait(*[job["id"] for job in site.jobs()])
                self.assertIn(": done after ", waiting.communicate()[0])
            self.assertEqual([b for b in site.starts() if b not in gates][-8:], [*thin, fat])
            self.assertEqual(site.why(fat)["start"]["rule"], "score")
            self.assertEqual(site.why(fat)["start"]["basis"], "set")


class Reasons(unittest.TestCase):
    def test_the_reserve_the_lane_and_what_is_missing(self):
        """Three slots, of which long builds may have two and promises that are due one; all promises are due at once."""
        with nixbox.Nix() as nix, capqd.Repository() as nixpkgs, Site(nix, nixpkgs, slots=3, grace="0s", fat=0.1) as site:
            site.stop(signal.SIGTERM)
            remember(site, "fat", FAT, hours=12)
            remember(site, "thin", "8.6", hours=0.1)
            site.start()
            site.close("fat1", "fat2", "thin1")
            first, second = [site.enter(name, FAT)[0] for name in ("fat1", "fat2")]
            site.await_state("building", first, second)
            [third] = site.enter("fat3", FAT)
            app_job = site.submit("app3", FAT, flavour="thin")[0]
            capqd.until(lambda: site.job(app_job)["build"], "it is not planned")
            self.assertRegex(site.why_text(third), r"fat-1\.0 is a long build \(about 1\dh.*; what may take more than 1\dh.* is long\), and 2 of 2 slots for long "
                                                   r"builds are taken\. The next is expected to be free at .*\d\d:\d\d\. 1 other waits for it\.")
            self.assertEqual(site.why(third)["rule"], "reserve")
            why = site.get(f"/jobs/{app_job}/why")
            self.assertEqual([b["name"] for b in why["builds"]], ["app-1.0", "fat-1.0"])
            self.assertRegex(why["text"], r"^Its derivation waits for 1 other, one for the other\. fat-1\.0 is a long build")
            self.assertRegex(site.why_text(site.job(app_job)["build"]), r"app-1\.0 needs 1 build that is not there yet, among them fat-1\.0, which is ready\.")

            # The third slot is for what is not long. One was started by its promise, and no other may be while it runs.
            one, two, three = (site.enter(f"thin{n}")[0] for n in (1, 2, 3))
            site.await_state("building", one)
            site.await_state("ready", two, three)
            promised, = [b for b in (first, second, one) if site.why(b)["start"]["rule"] == "promise"]
            last = max(two, three, key=lambda b: site.why(b)["ahead"])
            self.assertRegex(site.why_text(last), r"thin-1\.0 is overdue, and the 1 slot for promises that are due is taken, by fat-1\.0\.")
            self.assertEqual(promised, first)
            site.open("fat1", "fat2", "thin1")
            jobs = site.wait(*[job["id"] for job in site.jobs()])
            self.assertEqual({job["state"] for job in jobs}, {"done"})
            self.assertLess(site.starts().index(one), site.starts().index(third))

            # The simulation, with the same history: it leaves the third slot free as well; first come, first served would not.
            since = jobs[-1]["submitted_at"]
            spr, fifo = [site.simulate("--policy", policy, since=since) for policy in ("spr", "fifo")]
            first_end = min(spr[b]["end_s"] for b in (first, second))
            self.assertLess(spr[one]["start_s"], first_end)
            self.assertGreaterEqual(spr[third]["start_s"], first_end)
            self.assertLess(fifo[third]["start_s"], first_end)


if __name__ == "__main__":
    unittest.main(verbosity=2)
