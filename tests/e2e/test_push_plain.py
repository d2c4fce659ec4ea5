"""--to: pushing to any HTTP server that takes PUT, and fetching back by real Nix."""

import glob
import http.server
import os
import threading
import unittest

import nixbox
import pushing
from test_push_roundtrip import ODD_TREE


class Plain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())
        cls.key = pushing.SigningKey()
        cls.odd = cls.nix.script("odd", ODD_TREE)
        cls.large = cls.nix.script("large", "head -c 9000000 /dev/urandom > $out; echo $odd >> $out", odd=cls.odd)
        cls.user = cls.nix.script("user", "echo $odd $large > $out", odd=cls.odd, large=cls.large)

    def expect_there(self, cache, path, trusted):
        store = self.nix.fetch(path, cache.url, trusted)
        for member in self.nix.closure(path):
            self.assertEqual(self.nix.nar(member, store), self.nix.nar(member), member)

    def push_and_fetch(self, *arguments):
        """`large` is a body made while it is sent: with so little memory it is not held whole."""
        with pushing.PlainCache() as cache:
            pushed = cache.push("--memory", "32MiB", *arguments, self.user, key=self.key)
            self.assertEqual((pushed.status, pushed.failed()), (0, {}), pushed.stderr)
            self.assertEqual(sorted(pushed.done()), self.nix.closure(self.user))
            self.expect_there(cache, self.user, self.key.trusted)
            large, odd = cache.narinfo(self.large), cache.narinfo(self.odd)
            nar_hash, file_hash = large["NarHash"].split(":")[1], odd["FileHash"].split(":")[1]
            store_hash = os.path.basename(self.large)[:32]
            suffix = large["URL"].rsplit(".", 1)[1]
            self.assertEqual(large["URL"], f"nar/{store_hash}-{nar_hash}.nar.{suffix}")
            self.assertEqual(odd["URL"], f"nar/{file_hash}.nar.{suffix}")
            for info in large, odd:
                file = f"{cache.directory}/{info['URL']}"
                self.assertEqual(int(info["FileSize"]), os.path.getsize(file))
                self.assertEqual(info["FileHash"], "sha256:" + self.nix.run(
                    "nix-hash", "--flat", "--type", "sha256", "--base32", file).strip())
            return large["Compression"], suffix

    def test_zstd(self):
        self.assertEqual(self.push_and_fetch(), ("zstd", "zst"))

    def test_xz(self):
        self.assertEqual(self.push_and_fetch("--compression", "xz", "--level", "0"), ("xz", "xz"))

    def test_a_small_cache_says_what_nix_copy_would(self):
        """But for the signature and how it is compressed, the narinfos are the same."""
        with pushing.PlainCache() as ours, pushing.PlainCache() as theirs:
            ours.push(self.user)
            self.nix.run("nix", "copy", "--to", f"{theirs.url}?compression=zstd", self.user)
            for member in self.nix.closure(self.user):
                said, wanted = ours.narinfo(member), theirs.narinfo(member)
                for name in "URL", "FileHash", "FileSize":
                    del said[name], wanted[name]
                self.assertEqual(said, wanted)

    def test_a_new_cache_says_that_it_is_one(self):
        with pushing.PlainCache() as cache:
            self.assertEqual(cache.push("--dry-run", self.odd).status, 0)
            self.assertEqual(glob.glob(f"{cache.directory}/*info"), [])
            cache.push(self.odd)
            with open(f"{cache.directory}/nix-cache-info", encoding="ascii") as f:
                self.assertEqual(f.read(), "StoreDir: /nix/store\n")

    def test_a_cache_for_another_store(self):
        with pushing.PlainCache() as cache:
            with open(f"{cache.directory}/nix-cache-info", "w", encoding="ascii") as f:
                f.write("Priority: 30\nStoreDir: /gnu/store\n")
            pushed = cache.push("--retry-for", "0s", self.odd)
            self.assertNotEqual(pushed.status, 0)
            self.assertIn("it is for the store /gnu/store", pushed.message(self.odd))
            self.assertEqual(cache.files(), [])

    def test_the_second_push_sends_nothing(self):
        with pushing.PlainCache() as cache:
            cache.push(self.large)
            again = cache.push(self.user)
            self.assertEqual((again.status, again.done()), (0, [self.user]))
            self.assertEqual(cache.push("--check", self.user).status, 0)
            self.assertEqual(cache.push(self.user).skipped(), {self.user: "in the cache already"})

    def test_no_faster_than_allowed(self):
        """Held whole, and made while it is sent."""
        for memory in "128MiB", "32MiB":
            with self.subTest(memory), pushing.PlainCache() as cache:
                pushed = cache.push("--limit-rate", "8MiB", "--memory", memory, self.large)
                self.assertEqual(pushed.status, 0, pushed.stderr)
                self.assertGreaterEqual(pushed.end()["seconds"], 9000000 / (8 << 20) - 0.25)
                self.assertEqual(cache.push("--check", self.large).status, 0)

    def test_check_tells_by_its_status(self):
        with pushing.PlainCache() as cache:
            cache.push(self.odd)
            asked = cache.push("--check", self.odd, self.user)
            self.assertEqual((asked.status, [e["path"] for e in asked.of("missing")]), (1, [self.user]))

    def test_what_is_left_out(self):
        with pushing.PlainCache() as cache:
            pushed = cache.push("--max-nar-size", "8MiB", self.user)
            self.assertEqual((pushed.status, sorted(pushed.done())), (0, sorted([self.odd, self.user])))
            self.assertEqual(pushed.of("plan")[0]["left_out"]["size"]["paths"], 1)

    def test_what_is_addressed_by_its_content_needs_no_signature(self):
        directory = f"{self.nix.directory}/added"
        os.makedirs(directory)
        with open(f"{directory}/file", "w", encoding="ascii") as f:
            f.write("hi")
        path = self.nix.add(directory)
        with pushing.PlainCache() as cache:
            self.assertEqual(cache.push(path).status, 0)
            self.assertIn("fixed:r:sha256:", cache.narinfo(path)["CA"])
            self.expect_there(cache, path, "")

    def test_signatures_that_are_there_are_kept(self):
        path = self.nix.script("signed", "echo hi > $out")
        other = pushing.SigningKey(bytes(range(1, 33)))
        key_file = f"{self.nix.directory}/other"
        with open(key_file, "w", encoding="ascii") as f:
            f.write(other.named.replace("some.cache", "other.cache"))
        self.nix.run("nix", "store", "sign", "--key-file", key_file, path)
        with pushing.PlainCache() as cache:
            cache.push(path, key=self.key)
            with open(f"{cache.directory}/{os.path.basename(path)[:32]}.narinfo", encoding="ascii") as f:
                signed_by = [line.split(" ")[1].split(":")[0] for line in f if line.startswith("Sig: ")]
            self.assertEqual(signed_by, ["some.cache-1", "other.cache-1"])
            self.expect_there(cache, path, f"other.cache-1:{other.public}")

    def test_a_path_that_changed_fails_alone(self):
        whole = self.nix.script("whole", "echo whole > $out")
        damaged = self.nix.script("damaged", "head -c 9000000 /dev/zero > $out; echo $salt >> $out", salt=whole)
        nixbox.damage(damaged)
        for memory in "32MiB", "128MiB":
            with pushing.PlainCache() as cache:
                pushed = cache.push("--memory", memory, damaged)
                self.assertEqual((pushed.status, pushed.failed()), (1, {damaged: "changed"}))
                self.assertEqual(pushed.done(), [whole])
                self.assertEqual(pushed.message(damaged).count("sha256:"), 2)
                self.assertEqual(len(glob.glob(f"{cache.directory}/*.narinfo")), 1)

    def test_a_key_without_a_name(self):
        key = pushing.SigningKey()
        key.named = key.secret
        with pushing.PlainCache() as cache:
            pushed = cache.push(self.odd, key=key)
            self.assertEqual(pushed.status, 2)
            self.assertIn("has no name in front", pushed.stderr)
            self.assertNotIn(key.secret, pushed.stderr)

    def test_what_does_not_go_together(self):
        for words in (["--cache", "mine"], ["--pin", "p"], ["--to", "ftp://somewhere"], ["--to", "http://a:b@host"]):
            with pushing.PlainCache() as cache:
                self.assertEqual(cache.push(*words, self.odd).status, 2, words)


class Refuses(http.server.BaseHTTPRequestHandler):
    """Answers all reading with 404, and all writing with `status`."""

    status = 403
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def do_GET(self):
        self.answer(200 if self.path == "/nix-cache-info" and self.status != 403 else 404)

    def do_PUT(self):
        self.answer(self.status)


class Flaky(http.server.BaseHTTPRequestHandler):
    """Keeps what is PUT, but the first files meet with `trouble`."""

    protocol_version = "HTTP/1.1"
    files, trouble = {}, []

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        out = b""
        while size := int(self.rfile.readline(), 16):
            out += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return out

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        found = self.files.get(self.path)
        self.answer(404 if found is None else 200, found or b"")

    def do_PUT(self):
        trouble = self.trouble.pop(0) if self.path.startswith("/nar/") and self.trouble else None
        if trouble == "cut":
            self.rfile.read(100000)
            self.close_connection = True
            return
        body = self.body()
        if trouble == "busy":
            self.answer(503)
            return
        self.files[self.path] = body
        self.answer(201)


class Trouble(unittest.TestCase):
    """A file that is made while it is sent is made again."""

    def push(self, *trouble):
        nix = self.enterContext(nixbox.Nix())
        path = nix.script("-".join(trouble), "head -c 9000000 /dev/urandom > $out")
        Flaky.files, Flaky.trouble = {}, list(trouble)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Flaky) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}"
            pushed = pushing.Push(["--to", url, "--json", "--memory", "32MiB", path], {}).finish()
            self.assertEqual((pushed.status, pushed.done()), (0, [path]), pushed.stderr)
            store = nix.fetch(path, f"{url}?trusted=true", "")
            self.assertEqual(nix.nar(path, store), nix.nar(path))
            server.shutdown()
        self.assertEqual(len(Flaky.files), 3)

    def test_cut_in_the_middle(self):
        self.push("cut")

    def test_answered_503_at_the_end(self):
        self.push("busy", "cut", "busy")


class Refused(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())
        cls.path = cls.nix.script("path", "echo hi > $out")

    def test_403(self):
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            pushed = pushing.Push(["--to", f"http://127.0.0.1:{server.server_port}", "--json", self.path], {}).finish()
            server.shutdown()
        self.assertEqual((pushed.status, pushed.failed()), (4, {self.path: "denied"}))
        self.assertIn("answered 403", pushed.message(self.path))

    def test_nobody_listens(self):
        pushed = pushing.Push(["--to", "http://127.0.0.1:1", "--json", "--retry-for", "0s", self.path], {}).finish()
        self.assertEqual((pushed.status, pushed.failed()), (3, {self.path: "network"}))


if __name__ == "__main__":
    nixbox.enter()
    unittest.main()
