#!/usr/bin/python3
"""capq merge: thin builds in, a fat one out, or the reason why not. No daemon is asked."""

import json
import os
import shutil
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from capq_case import CAPQ, SOURCE, CapqCase  # noqa: E402

FIXTURES = os.path.join(SOURCE, "tests/fixtures")


def fixture(name):
    return os.path.join(FIXTURES, "merge", name)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data, mode=0o644):
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


def seen(folder):
    """Everything below a folder, with modes and contents."""
    found = {}
    for where, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(where, name)
            mode = os.lstat(path).st_mode
            found[os.path.relpath(path, folder)] = (
                mode, os.readlink(path) if stat.S_ISLNK(mode) else read(path) if stat.S_ISREG(mode) else None)
    return found


class MergeCase(CapqCase):
    def inspect(self, path):
        return [(one["sass"], one["ptx"]) for one in json.loads(self.capq("inspect", "--json", path).out)]

    def tree(self, name, library="code_80.so"):
        """A small package."""
        root = self.path(name)
        os.makedirs(os.path.join(root, "lib/cmake"))
        write(os.path.join(root, "lib/libcode.so.1"), read(fixture(library)), 0o555)
        os.symlink("libcode.so.1", os.path.join(root, "lib/libcode.so"))
        os.symlink("/nowhere", os.path.join(root, "lib/away"))
        write(os.path.join(root, "lib/cmake/code.cmake"), b"set(CODE 1)\n", 0o444)
        write(os.path.join(root, "empty"), b"")
        os.chmod(os.path.join(root, "lib/cmake"), 0o555)
        return root

    def left(self):
        return sorted(name for name in os.listdir(self.folder) if name != "capqd.sock")


class Files(MergeCase):
    def test_two_builds_become_one(self):
        out = self.path("fat.so")
        self.says(self.capq("merge", "-o", out, fixture("code_80.so"), fixture("code_90.so")),
                  "MERGED\tUNITS\tSASS\tPTX\n%s\t2\tsm_80 sm_90\t\n" % fixture("code_80.so"))
        self.assertEqual(self.inspect(out), [(["sm_80", "sm_90"], [])])
        self.assertEqual(os.stat(out).st_mode, os.stat(fixture("code_80.so")).st_mode)
        self.assertEqual(self.asked(), [])
        # Again, with what it is made of: nothing changes.
        for inputs in ([out], [out, fixture("code_80.so")], [out, fixture("code_90.so"), out]):
            again = self.path("again%d.so" % len(inputs))
            self.assertEqual(self.capq("merge", "-o", again, *inputs).code, 0)
            self.assertEqual(read(again), read(out))
        # With more, PTX too.
        more = self.path("more.so")
        said = json.loads(self.capq("merge", "--json", "-o", more, out, fixture("packed_90.so")).out)
        self.assertEqual(said, {"out": more, "copied": 0, "refused": [], "merged": [
            {"path": out, "sass": ["sm_80", "sm_90"], "ptx": ["compute_90"], "units": 2}]})

    def test_a_program_runs(self):
        out = self.path("program")
        self.assertEqual(self.capq("merge", "-o", out, fixture("program_90"), fixture("program_80")).code, 0)
        self.assertEqual(self.inspect(out), [(["sm_80", "sm_90"], [])])
        if os.uname().machine == "x86_64":
            runtime = os.path.join(os.path.dirname(CAPQ), "libfake_cudart.so")
            os.symlink(os.path.abspath(runtime), self.path("libruntime.so"))
            done = subprocess.run([out], env={"LD_LIBRARY_PATH": self.folder}, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (0, "ran\n"), done.stderr)

    def test_another_machine(self):
        out = self.path("arm64.so")
        self.assertEqual(self.capq("merge", "-o", out, fixture("arm64_80.so"), fixture("arm64_90.so")).code, 0)
        self.assertEqual(self.inspect(out), [([], ["compute_80", "compute_90"])])

    def test_what_differs_is_named(self):
        for first, second, reason in (
                ("asks_80.so", "asks_90.so", "host code differs: .text+0x25c is 20 03 00 00 and 84 03 00 00"),
                ("names_80.so", "names_90.so", "host code differs: .rodata+0x0 is 38 30 30 00 and 39 30 30 00"),
                ("code_80.so", "units_80.so", "they have 2 and 1 containers")):
            said = self.capq("merge", "-o", self.path("out"), fixture(first), fixture(second))
            self.assertEqual((said.code, said.out, said.err), (
                1, "", "capq: %s: differs from that of %s: %s\n" % (fixture(second), fixture(first), reason)))
        self.assertEqual(self.left(), [])

    def test_damaged_inputs(self):
        whole = read(fixture("code_90.so"))
        for size, reason in ((1000, "it is no ELF file of 64 bits, or cut off"), (0, None)):
            write(self.path("cut.so"), whole[:size])
            for inputs in ([fixture("code_80.so"), self.path("cut.so")], [self.path("cut.so"), fixture("code_80.so")]):
                said = self.capq("merge", "-o", self.path("out"), *inputs)
                self.assertEqual((said.code, said.out), (1, ""))
                self.assertIn(reason or "differs from that of", said.err)
        self.assertEqual(self.left(), ["cut.so"])

    def test_where_the_result_may_go(self):
        first, second, out = fixture("code_80.so"), fixture("code_90.so"), self.path("out")
        write(out, b"mine")
        self.refuses(self.capq("merge", "-o", out, first, second), 2,
                     "%s is there already, and not empty; --force replaces it" % out)
        self.assertEqual(read(out), b"mine")
        self.assertEqual(self.capq("merge", "-o", out, "--force", first, second).code, 0)
        self.assertEqual(self.inspect(out), [(["sm_80", "sm_90"], [])])
        write(out, b"")
        self.assertEqual(self.capq("merge", "-o", out, first, second).code, 0)
        shutil.copy(first, self.path("mine.so"))
        said = self.capq("merge", "-f", "-o", self.path("mine.so"), self.path("mine.so"), second)
        self.assertEqual(said.code, 2)
        self.assertIn("one is within the other, and inputs are not touched", said.err)
        self.assertEqual(read(self.path("mine.so")), read(first))
        self.refuses(self.capq("merge", first, second), 2, "where to? Give --output PATH")
        self.refuses(self.capq("merge", "-o", self.path("x"), "/nowhere"), 2,
                     "/nowhere: No such file or directory")
        self.refuses(self.capq("merge", "-o", "/nowhere/x", first), 2, "/nowhere/x: No such file or directory")

    def test_dry_run(self):
        said = self.capq("merge", "-n", "-o", self.path("out"), fixture("code_80.so"), fixture("code_90.so"))
        self.assertEqual((said.code, said.out.splitlines()[1].split("\t")[1:]), (0, ["2", "sm_80 sm_90", ""]))
        self.assertEqual(self.left(), [])


class Trees(MergeCase):
    def test_two_trees_become_one(self):
        inputs = [self.tree("thin80"), self.tree("thin90", "code_90.so")]
        before = [seen(one) for one in inputs]
        out = self.path("fat")
        said = self.capq("merge", "--json", "-o", out, *inputs)
        self.assertEqual((said.code, json.loads(said.out)), (0, {
            "out": out, "copied": 2, "refused": [],
            "merged": [{"path": "lib/libcode.so.1", "sass": ["sm_80", "sm_90"], "ptx": [], "units": 2}]}))
        found = seen(out)
        self.assertEqual(self.inspect(out), [(["sm_80", "sm_90"], [])])
        self.assertEqual([seen(one) for one in inputs], before)
        for name, one in before[0].items():
            self.assertEqual(found[name][0], one[0], name)
            if name != "lib/libcode.so.1":
                self.assertEqual(found[name], one)
        # Merging that again changes nothing.
        self.assertEqual(self.capq("merge", "-o", self.path("again"), out, inputs[1]).code, 0)
        self.assertEqual(seen(self.path("again")), found)
        self.assertEqual(self.left(), ["again", "fat", "thin80", "thin90"])

    def test_one_tree_is_copied(self):
        thin = self.tree("thin")
        self.says(self.capq("merge", "-o", self.path("copy"), thin), "")
        self.assertEqual(seen(self.path("copy")), seen(thin))

    def test_all_that_differs_is_named(self):
        inputs = [self.tree("a"), self.tree("b", "units_80.so")]
        write(os.path.join(inputs[1], "empty"), b"no more")
        os.chmod(os.path.join(inputs[1], "lib"), 0o700)
        os.remove(os.path.join(inputs[1], "lib/away"))
        said = json.loads(self.capq("merge", "--json", "-o", self.path("out"), *inputs).out)
        self.assertEqual([(os.path.relpath(one["path"], self.folder), one["reason"]) for one in said["refused"]], [
            ("b/empty", "differs from that of %s: it has 7 bytes, not 0" % inputs[0]),
            ("b/lib", "has the mode 0700, not 0755")])
        os.chmod(os.path.join(inputs[1], "lib"), 0o755)
        write(os.path.join(inputs[1], "empty"), b"")
        said = self.capq("merge", "-o", self.path("out"), *inputs)
        self.assertEqual((said.code, said.err), (1, "capq: %s/lib: lacks away\n" % inputs[1]))
        os.symlink("/elsewhere", os.path.join(inputs[1], "lib/away"))
        said = self.capq("merge", "-o", self.path("out"), *inputs)
        self.assertEqual((said.code, said.err.splitlines()), (1, [
            "capq: %s/lib/away: points to /elsewhere, not /nowhere" % inputs[1],
            "capq: %s/lib/libcode.so.1: differs from that of %s: they have 2 and 1 containers" % (
                inputs[1], inputs[0])]))
        os.remove(os.path.join(inputs[1], "lib/away"))
        os.mkfifo(os.path.join(inputs[1], "lib/away"))
        said = self.capq("merge", "-o", self.path("out"), *inputs)
        self.assertIn("lib/away: is something else, not a link\n", said.err)
        self.assertEqual(self.left(), ["a", "b"])

    def test_where_the_result_may_go(self):
        inputs = [self.tree("a"), self.tree("b", "code_90.so")]
        for out in (os.path.join(inputs[0], "new"), self.folder, inputs[1]):
            said = self.capq("merge", "--force", "-o", out, *inputs)
            self.assertEqual(said.code, 2)
            self.assertIn("inputs are not touched", said.err)
        self.assertEqual(self.left(), ["a", "b"])
        os.mkdir(self.path("out"))  # Empty: it may be taken.
        self.assertEqual(self.capq("merge", "-o", self.path("out"), *inputs).code, 0)
        self.assertEqual(self.capq("merge", "-o", self.path("out"), inputs[0]).code, 2)
        self.assertEqual(self.capq("merge", "-f", "-o", self.path("out"), inputs[0]).code, 0)
        self.assertEqual(seen(self.path("out")), seen(inputs[0]))
        self.assertEqual(self.left(), ["a", "b", "out"])


HASHES = {name: name * 32 for name in "abc"}


class StorePaths(MergeCase):
    """Trees that name the store path that they are part of. They need a /nix/store of their own."""

    def store(self, *arguments):
        """capq where self.folder/nix is /nix."""
        command = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "sh", "-ec",
                   'mount --bind "$1" /nix; shift; exec "$@"', "sh", self.path("nix"), CAPQ, *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=self.environment())

    def setUp(self):
        super().setUp()
        for name, library in (("a", "code_80.so"), ("b", "code_90.so")):
            own = "nix/store/%s-code-1.0" % HASHES[name]
            root = self.tree(own, library)
            write(os.path.join(root, "code.pc"), b"libdir=/%s/lib\n" % own.encode())
            os.symlink("/%s/lib/libcode.so.1" % own, os.path.join(root, "lib/direct"))

    def test_they_become_another_store_path(self):
        inputs = ["/nix/store/%s-code-1.0" % HASHES[name] for name in "ab"]
        done = self.store("merge", "-o", "/nix/store/%s-code-1.0" % HASHES["c"], *inputs)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        own = "nix/store/%s-code-1.0" % HASHES["c"]
        self.assertEqual(read(self.path(own + "/code.pc")), b"libdir=/%s/lib\n" % own.encode())
        self.assertEqual(os.readlink(self.path(own + "/lib/direct")), "/%s/lib/libcode.so.1" % own)
        self.assertEqual(self.inspect(self.path(own)), [(["sm_80", "sm_90"], [])])

    def test_and_nothing_else(self):
        inputs = ["/nix/store/%s-code-1.0" % HASHES[name] for name in "ab"]
        for out in ("/nix/store/%s-code-1.1" % HASHES["c"], self.path("out")):
            done = self.store("merge", "-o", out, *inputs)
            self.assertEqual((done.returncode, done.stderr.splitlines()), (1, [
                "capq: %s/code.pc: names the store path that it is part of; so only a store path of the same name can "
                "hold what is merged" % inputs[0],
                "capq: %s/lib/direct: points to the store path that it is part of; so only a store path of the same "
                "name can hold what is merged" % inputs[0]]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
