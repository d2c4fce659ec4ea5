"""The API under load, under attack, and over time: bulk submits, idle and slow clients, roles, events, reload, backup."""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import resource
import signal
import socket
import sqlite3
import subprocess
import unittest

import capqd
import nixbox

nixbox.enter()


@contextlib.contextmanager
def daemon_with(**settings):
    with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, **settings) as daemon:
        yield daemon


class Bulk(unittest.TestCase):
    N = 100_000

    def test_a_hundred_thousand_jobs_in_one_request(self):
        with daemon_with(limits={"request": "64MiB"}) as daemon:
            daemon.post("/drain", {"drain": True})
            lines = "".join(json.dumps({"attr": f"some.package{i // 2}", "caps": ("8.0", "8.6")[i % 2], "rev": "master"}) + "\n"
                            for i in range(self.N))
            headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "all"}
            status, _, answer = daemon.request("POST", "/jobs", lines, headers)
            self.assertEqual(status, 201)
            jobs = json.loads(answer)["jobs"]
            self.assertEqual([j["id"] for j in jobs], list(range(1, self.N + 1)))
            self.assertEqual(daemon.get("/status")["jobs"]["evaluating"], self.N)
            daemon.restart()  # They are on the disk.
            self.assertEqual(daemon.get("/status")["jobs"]["evaluating"], self.N)

            # The same again is the same.
            self.assertEqual(daemon.request("POST", "/jobs", lines, headers)[2], answer)
            again = json.loads(daemon.request("POST", "/jobs", lines, {"Content-Type": "application/x-ndjson"})[2])["jobs"]
            self.assertEqual({j["existing"] for j in again}, {True})

            # Pages lead through all of them, once each.
            seen, cursor = [], ""
            while cursor is not None:
                page = daemon.get(f"/jobs?limit=1000{cursor and '&cursor=' + cursor}")
                seen += [j["id"] for j in page["jobs"]]
                cursor = page["next_cursor"]
            self.assertEqual(seen, list(range(self.N, 0, -1)))

    def test_all_or_nothing(self):
        with daemon_with() as daemon:
            good = {"attr": "stdenv", "caps": "8.6"}
            for bad in ({"attr": "stdenv"}, {"attr": "a b", "caps": "8.6"}, {"attr": "stdenv", "caps": "86"},
                        {"attr": "stdenv", "caps": "8.6", "flavour": "nope"}, {"attr": "stdenv", "caps": "8.6", "more": 1}):
                with self.assertRaises(capqd.ApiError) as caught:
                    daemon.post("/jobs", [good, bad, good])
                self.assertEqual((caught.exception.status // 100, caught.exception.problem["index"]), (4, 1), caught.exception)
            self.assertEqual(daemon.jobs(), [])

    def test_a_key_with_another_body_is_refused(self):
        with daemon_with() as daemon:
            daemon.post("/jobs", {"attr": "stdenv", "caps": "8.6"}, **{"Idempotency-Key": "k"})
            with self.assertRaises(capqd.ApiError) as caught:
                daemon.post("/jobs", {"attr": "cmake", "caps": "8.6"}, **{"Idempotency-Key": "k"})
            self.assertEqual(caught.exception.status, 422)


class Clients(unittest.TestCase):
    def open(self, daemon, stack):
        client = socket.socket(socket.AF_UNIX)
        stack.enter_context(client)
        client.connect(daemon.socket)
        client.settimeout(capqd.PATIENCE)
        return client

    def test_idle_slow_and_half_open_clients_are_in_nobodys_way(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
        with daemon_with() as daemon, contextlib.ExitStack() as stack:
            clients = [self.open(daemon, stack) for _ in range(1000)]
            for client in clients[:200]:
                client.send(b"GET /api/v1/status HT")  # And nothing more.
            for client in clients[200:400]:
                client.send(b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n[")
            for client in clients[400:500]:
                client.send(b"GET /api/v1/jobs?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n")  # And never reads.
            for client in clients[500:600]:
                client.shutdown(socket.SHUT_WR)
            self.assertEqual(daemon.wait(*daemon.submit("stdenv"))["state"], "done")
            self.assertEqual(daemon.stop(signal.SIGTERM), 0)

    def test_head_is_get_without_the_body(self):
        with daemon_with() as daemon, contextlib.ExitStack() as stack:
            daemon.wait(*daemon.submit("stdenv"))
            client = self.open(daemon, stack)
            client.sendall(b"HEAD /api/v1/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(65536), b""))
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\n"), answer)
            for path in ("/version", "/health", "/jobs/1", "/jobs?limit=1", "/jobs/1/log", "/jobs/99", "/jobs/1/cancel"):
                get, head = daemon.request("GET", path), daemon.request("HEAD", path)
                self.assertEqual((head[0], head[2]), (get[0], b""), path)
                self.assertEqual(head[1]["Content-Type"], get[1]["Content-Type"], path)
            for path in ("/events", "/builds/1/log?follow=1"):  # Which would go on and on.
                status, _, body = daemon.request("HEAD", path)
                self.assertEqual((status, body), (200, b""), path)

    def test_garbage_is_answered_and_forgotten(self):
        with daemon_with() as daemon, contextlib.ExitStack() as stack:
            for garbage in (b"\0" * 1000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\xff\xfe" * 5000,
                            b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
                            b"GET /api/v1/version HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"):
                client = self.open(daemon, stack)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    client.sendall(garbage)
                    client.shutdown(socket.SHUT_WR)
                    answer = b"".join(iter(lambda c=client: c.recv(65536), b""))
                    self.assertNotIn(b" 200 ", answer[:20], garbage[:40])
            for body in (b"", b"[", b"nul", b"[" * 100_000, b'{"attr": "\xff"}', b'{"attr": 1}', b"[[]]"):
                status, _, text = daemon.request("POST", "/jobs", body, {"Content-Type": "application/json"})
                self.assertEqual((status, json.loads(text)["status"]), (400, 400), body[:20])
            self.assertEqual(daemon.request("POST", "/jobs", b"x" * (65 << 20), {"Content-Type": "application/json"})[0]
                             if daemon.settings["limits"].get("request") else 413, 413)
            for path, status in (("/nope", 404), ("/jobs/0", 404), ("/jobs/999", 404), ("/jobs/99999999999999999999", 404),
                                 ("/jobs?limit=-1", 400), ("/jobs?cursor=x", 400), ("/jobs?state=nope", 400)):
                with self.assertRaises(capqd.ApiError, msg=path) as caught:
                    daemon.get(path)
                self.assertEqual(caught.exception.status, status, path)
                self.assertLessEqual({"status", "title", "detail", "hint"}, set(caught.exception.problem))
            self.assertEqual(daemon.request("DELETE", "/jobs")[0], 405)


class Access(unittest.TestCase):
    def ask(self, port, verb, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=capqd.PATIENCE)
        with contextlib.closing(connection):
            connection.request(verb, f"/api/v1{path}", body, {k.replace("_", "-"): v for k, v in headers.items()})
            return connection.getresponse().status

    def test_who_may_do_what_over_tcp(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        rules = [{"name": role, "role": role, "token_sha256": hashlib.sha256(role.encode()).hexdigest()} for role in ("submit", "admin")]
        with nixbox.Nix(), capqd.Repository() as nixpkgs:
            daemon = capqd.Daemon(nixpkgs, access={"rules": rules, "tcp": "read"})
            daemon.settings["listen"].append(f"http://127.0.0.1:{port}")
            with daemon:
                job = json.dumps({"attr": "stdenv", "caps": "8.6"})
                post = {"body": job, "Content_Type": "application/json"}
                self.assertEqual(self.ask(port, "GET", "/jobs"), 200)
                self.assertEqual(self.ask(port, "POST", "/jobs", **post), 401)
                self.assertEqual(self.ask(port, "POST", "/jobs", Authorization="Bearer nope", **post), 401)
                self.assertEqual(self.ask(port, "GET", "/jobs", Authorization="Bearer nope"), 401)
                self.assertEqual(self.ask(port, "POST", "/jobs", Authorization="Bearer submit", Origin="http://evil", **post), 403)
                self.assertEqual(self.ask(port, "GET", "/jobs", Host="evil.example"), 403)
                self.assertEqual(daemon.jobs(), [])
                self.assertEqual(self.ask(port, "POST", "/jobs", Authorization="Bearer submit", **post), 201)
                self.assertEqual(daemon.job(1)["submitter"], "token submit")
                self.assertEqual(self.ask(port, "POST", "/drain", Authorization="Bearer submit"), 403)
                self.assertEqual(self.ask(port, "POST", "/drain", Authorization="Bearer admin"), 200)


class Events(unittest.TestCase):
    def test_who_was_cut_off_misses_nothing(self):
        with daemon_with() as daemon:
            daemon.wait(*daemon.submit(["cmake", "python3"]))
            last, seen = daemon.get("/status")["last_event"], []
            while len(seen) < last:  # A new connection after every third.
                stream = daemon.events(seen[-1] if seen else 0)
                for _ in range(3):
                    seen.append(next(stream)[1]["id"])
                    if seen[-1] == last:
                        break
                stream.close()
                if seen[-1] == last:
                    break
            self.assertEqual(seen, list(range(1, last + 1)))

    def test_logs_by_parts_and_as_they_come(self):
        with daemon_with(toy={"mode": {"stdenv": "noisy"}}) as daemon:
            [number] = daemon.submit("stdenv")
            done = subprocess.run([f"{capqd.BIN}/capq", "log", "-f", str(number)], stdout=subprocess.PIPE, check=False,
                                  env={**os.environ, "CAPQ_SERVER": f"unix:{daemon.socket}"}, timeout=capqd.PATIENCE)
            text = daemon.log_of("jobs", number)
            self.assertIn("cc -c unit1999.c", text)
            self.assertIn(text, done.stdout.decode())
            status, headers, part = daemon.request("GET", f"/jobs/{number}/log", headers={"Range": "bytes=10-29"})
            self.assertEqual((status, part.decode()), (206, text[10:30]))
            self.assertEqual(headers["Content-Range"], f"bytes 10-29/{len(text)}")
            self.assertEqual(daemon.log_of("jobs", number, "?tail=20"), text[-20:])


class Operation(unittest.TestCase):
    def test_a_reload_takes_what_it_can(self):
        with daemon_with() as daemon:
            daemon.settings["builders"] = [{"name": "local", "max_jobs": 7}]
            daemon.settings["limits"]["connections"] = 99
            daemon.configure()
            daemon.process.send_signal(signal.SIGHUP)
            daemon.await_event(lambda kind, e: kind == "daemon" and e["what"] == "reloaded")
            self.assertEqual(daemon.get("/status")["builders"][0]["max_jobs"], 7)
            self.assertIn("limits.connections", daemon.log())

            daemon.settings["builders"] = [{"name": "local", "max_jobs": "many"}]
            daemon.configure()
            daemon.process.send_signal(signal.SIGHUP)
            daemon.await_line("not reloaded, nothing has changed")
            self.assertEqual(daemon.get("/status")["builders"][0]["max_jobs"], 7)
            daemon.settings["builders"] = [{"name": "local"}]

    def test_a_backup_while_it_works(self):
        with daemon_with(toy={"delay": 0.05}) as daemon:
            jobs = daemon.submit(["cmake", "python3"])
            daemon.await_build("stdenv-1.0", "building")
            copy = f"{daemon.directory}/copy"
            done = daemon.client("backup", copy)
            self.assertEqual(done.returncode, 0, done.stderr)
            with contextlib.closing(sqlite3.connect(copy)) as db:
                self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
                self.assertEqual(db.execute("SELECT count(*) FROM jobs").fetchall(), [(2,)])
            daemon.wait(*jobs)

            # It can be gone back to.
            daemon.stop(signal.SIGTERM)
            for name in ("capqd.sqlite", "capqd.sqlite-wal", "capqd.sqlite-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{daemon.state}/{name}")
            os.rename(copy, f"{daemon.state}/capqd.sqlite")
            daemon.start()
            for job in daemon.wait(*jobs):
                self.assertEqual(job["state"], "done")

    def test_a_newer_data_base_is_not_touched(self):
        with daemon_with() as daemon:
            daemon.stop(signal.SIGTERM)
            with contextlib.closing(sqlite3.connect(f"{daemon.state}/capqd.sqlite")) as db:
                db.execute("PRAGMA user_version = 1000")
            with self.assertRaisesRegex(AssertionError, "newer"):
                daemon.start()
            daemon.process = None

    def test_two_cannot_share_a_state_directory(self):
        with daemon_with() as daemon:
            with open(f"{daemon.directory}/second.log", "ab") as log:
                second = subprocess.Popen([f"{capqd.BIN}/capqd", "--config", f"{daemon.directory}/capqd.yaml"], stderr=log)
            capqd.until(lambda: b"waiting for another capqd" in pathlib.Path(log.name).read_bytes(), "it does not wait")
            self.assertEqual(daemon.wait(*daemon.submit("stdenv"))["state"], "done")
            second.terminate()
            second.wait()

    def test_what_the_configuration_says(self):
        with daemon_with() as daemon:
            config = f"{daemon.directory}/other.yaml"
            for text, message in (("nixpkgs: {url: x}\nbilders: []\n", f"{config}:2: "), ("builders: 7\n", f"{config}:1: "),
                                  ("nixpkgs:\n  url: x\n  max_age: soon\n", f"{config}:3: "), ("a: [", f"{config}:")):
                with open(config, "w", encoding="utf-8") as f:
                    f.write(text)
                done = subprocess.run([f"{capqd.BIN}/capqd", "--check-config", "--config", config], stderr=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True, check=False)
                self.assertNotEqual(done.returncode, 0, text)
                self.assertIn(message, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
