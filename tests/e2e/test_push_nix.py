"""capq-push with the Nix of other years: a Nix that says the same in each shape that `nix path-info --json` has
had. Which is which stands in push/path_info.h."""

import os
import unittest

import nixbox
import pushing

GONE = "/nix/store/00000000000000000000000000000000-gone"

# Asks the real Nix, and says it as `VERSION` would.
OTHER_NIX = """#!/usr/bin/python3
import json, subprocess, sys

VERSION, arguments = "{version}", sys.argv[1:]
if "--json-format" in arguments:
    at = arguments.index("--json-format")
    if VERSION not in ("future", "format 3"):
        sys.exit("error: unrecognised flag '--json-format'")
    del arguments[at:at + 2]
elif VERSION in ("future", "format 3"):
    sys.exit("error: 'nix path-info --json' without '--json-format' is no longer supported")
done = subprocess.run(["{nix}", *arguments], stdout=subprocess.PIPE)
if done.returncode != 0:
    sys.exit(done.returncode)

def base(path):
    return path.rsplit("/", 1)[1]

def by_base_name(info):
    new = dict(info, references=[base(r) for r in info["references"]], storeDir="/nix/store",
               ca={{"method": "nar", "hash": {{}}}} if info.get("ca") else None)
    if info.get("deriver"):
        new["deriver"] = base(info["deriver"])
    if VERSION == "format 3":
        new["signatures"] = [dict(zip(("keyName", "sig"), s.split(":"))) for s in info.get("signatures", [])]
    return new

infos = json.loads(done.stdout)
for info in infos:
    info["valid"] = info.get("valid", True)
if VERSION == "2.18":
    out = infos
elif VERSION == "2.19":
    out = {{i["path"]: {{k: v for k, v in i.items() if k not in ("path", "valid")}} if i["valid"] else None for i in infos}}
elif VERSION == "2.25":
    empty = {{"ca": None, "deriver": None, "signatures": [], "ultimate": False, "registrationTime": 1}}
    out = {{i["path"]: {{**empty, **i}} if i["valid"] else None for i in infos}}
else:
    out = {{"version": 3 if VERSION == "format 3" else 2, "storeDir": "/nix/store",
           "info": {{base(i["path"]): by_base_name(i) if i["valid"] else None for i in infos}}}}
print(json.dumps(out))
"""


class OtherNix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())
        cls.leaf = cls.nix.script("leaf", "echo leaf $out > $out")
        cls.path = cls.nix.script("path", "echo $leaf > $out", leaf=cls.leaf)
        cls.derivation = cls.nix.run("nix-store", "--query", "--deriver", cls.leaf).strip()
        key = f"{cls.nix.directory}/key"
        with open(key, "w", encoding="utf-8") as f:
            f.write(pushing.SigningKey().named)
        cls.signed = cls.nix.script("signed", "echo signed > $out")
        cls.nix.run("nix", "store", "sign", "--key-file", key, cls.signed)

    def environment(self, version):
        """A PATH with such a Nix."""
        folder = f"{self.nix.directory}/{version}"
        os.makedirs(folder)
        with open(f"{folder}/nix", "w", encoding="utf-8") as f:
            f.write(OTHER_NIX.format(version=version, nix=self.nix.run("which", "nix").strip()))
        os.chmod(f"{folder}/nix", 0o755)
        return {"PATH": f"{folder}:{os.environ['PATH']}"}

    def test_every_shape(self):
        for version in "2.18", "2.19", "2.25", "future", "format 3":
            with self.subTest(version), pushing.Cache() as cache:
                pushed = cache.push("--upstream", "some.cache-1", self.path, self.signed, self.derivation, GONE,
                                    environment=self.environment(version))
                self.assertEqual((pushed.status, pushed.failed()), (1, {GONE: "store"}), pushed.stderr)
                self.assertEqual([e["path"] for e in pushed.of("skip")], [self.signed])
                self.assertEqual(sorted(cache.completed()), self.nix.closure(self.path, self.derivation))
                self.nix.fetch(self.path, f"{cache.url}/mine", cache.public_key)


if __name__ == "__main__":
    nixbox.enter()
    unittest.main()
