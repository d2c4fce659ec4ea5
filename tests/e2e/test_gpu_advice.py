#!/usr/bin/python3
"""What capq says about GPUs by itself: no daemon is asked."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from capq_case import SOURCE, CapqCase  # noqa: E402


class Gpus(CapqCase):
    def test_a_table_of_those_that_match(self):
        self.says("gpus 3090", "CAPABILITY\tNAME\tCHIP\tPCI ID\tCLASS\tNOTE\n"
                               "8.6\tGeForce RTX 3090\tGA102\t2204\tgeforce\t\n"
                               "8.6\tGeForce RTX 3090 Ti\tGA102\t2203\tgeforce\t\n")
        self.assertEqual(self.capq("gpus", "gh100", "--no-header").out.splitlines(),
                         self.capq("gpus", "9.0").out.splitlines()[1:])
        self.assertIn("\n3.0\tGeForce GT 1030\tGK107\t0fc5\tgeforce\tothers of that name differ\n",
                      self.capq("gpus", "1030").out)
        self.assertGreater(len(self.capq("gpus").out.splitlines()), 700)

    def test_json(self):
        self.assertEqual(json.loads(self.capq("gpus", "GT 1030", "--json").out), [
            {"name": "GeForce GT 1030", "capability": capability, "chip": chip, "pci_id": pci,
             "class": "geforce", "ambiguous": True}
            for capability, chip, pci in (("3.0", "GK107", "0fc5"), ("6.1", "GP108", "1d01"))])
        self.assertIsNone(json.loads(self.capq("gpus", "Jetson Nano", "--json").out)[0]["pci_id"])

    def test_nothing_like_it(self):
        self.refuses("gpus voodoo", 2, "no GPU 'voodoo' is known")
        self.assertEqual(self.asked(), [])


def write_program(path, text):
    with open(path, "w") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)


class Lookup(CapqCase):
    def ask(self, *arguments, code=0, **environment):
        said = self.capq("lookup", *arguments, "--json", **environment)
        self.assertEqual((said.code, said.err), (code, ""))
        return json.loads(said.out)

    def test_what_fits_comes_first_with_what_to_write(self):
        self.says("lookup --gpu A100 --set 7.5+PTX --set 9.0,8.0 --set 8.0 --set 8.6",
                  "A100 (8.0): use 8.0\n"
                  "  [8.0]: exact SASS sm_80\n"
                  "  [8.0,9.0]: exact SASS sm_80\n"
                  "  [7.5+PTX]: PTX JIT from compute_75\n"
                  "  [8.6]: no: sm_86 is newer than the device\n"
                  "  config.cudaCapabilities = [ \"8.0\" ];\n"
                  "  config.cudaForwardCompat = false;\n")
        self.assertEqual(self.ask("--gpu", "A100", "--set", "9.0,8.0+PTX", "--set", "8.6"), {
            "gpu": "A100", "capability": "8.0", "gpus": [{"gpu": "A100", "capability": "8.0"}],
            "verdict": "use", "best": "8.0,9.0+PTX", "variants": [
                {"set": "8.0,9.0+PTX", "tier": "exact", "reason": "exact SASS sm_80"},
                {"set": "8.6", "tier": "no", "reason": "sm_86 is newer than the device"}],
            "snippet": "config.cudaCapabilities = [ \"8.0\" \"9.0\" ];\n"
                       "config.cudaForwardCompat = true;\n",
            "remedy": None})
        self.assertEqual(self.asked(), [])

    def test_jit_is_never_chosen_silently(self):
        asked = ["--gpu", "8.0", "--set", "7.5+PTX", "--set", "8.6"]
        said = self.ask(*asked, code=1)
        self.assertEqual((said["verdict"], said["best"], said["snippet"]), ("jit", None, None))
        self.assertEqual([v["tier"] for v in said["variants"]], ["jit", "no"])
        self.assertEqual(said["remedy"].splitlines(), [
            "Have it built: capq submit ATTR --caps 8.0",
            '  config.cudaCapabilities = [ "8.0" ];', "  config.cudaForwardCompat = false;",
            "With --allow-jit, PTX is compiled by the driver when a program starts: for a big "
            "library, minutes."])
        self.assertIn("8.0 (8.0): only by JIT, which is not allowed\n",
                      self.capq("lookup", *asked).out)
        said = self.ask(*asked, "--allow-jit")
        self.assertEqual((said["verdict"], said["best"], said["remedy"]), ("jit", "7.5+PTX", None))

    def test_what_to_do_when_nothing_fits(self):
        for gpu, more, remedy in (
                ("8.0", [], "Have it built: capq submit ATTR --caps 8.0"),
                ("8.0", ["--gpu", "8.9"], "Have it built: capq submit ATTR --caps 8.0,8.9"),
                ("8.0", ["--toolkit", "13.0", "--driver", "550.54"],
                 "The driver speaks CUDA 12.4, this is made by CUDA 13.0: take a newer driver, "
                 "or a build by CUDA 12."),
                ("12.0", ["--toolkit", "12.6"],
                 "CUDA 12.6 cannot build for 12.0 (it builds for 5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.5,"
                 "8.0,8.6,8.7,8.9,9.0,9.0a): take a revision or a package set with a CUDA that "
                 "can."),
                ("Thor", ["--toolkit", "12.8"], "Have it built: capq submit ATTR --caps 10.1"),
                ("Thor", ["--toolkit", "13.0"], "Have it built: capq submit ATTR --caps 11.0")):
            said = self.ask("--gpu", gpu, "--set", "9.0", *more, code=1)
            self.assertEqual((said["verdict"], said["remedy"].splitlines()[0]), ("none", remedy))

    def test_of_several_gpus_the_worst_decides(self):
        said = self.ask("--gpu", "A100", "--gpu", "RTX 3090", "--set", "8.6", "--set", "8.0")
        self.assertEqual((said["gpu"], said["capability"]), ("A100, RTX 3090", "8.0,8.6"))
        self.assertEqual(said["best"], "8.0")
        self.assertEqual([v["reason"] for v in said["variants"]], [
            "RTX 3090: same-major SASS sm_80", "A100: sm_86 is newer than the device"])

    def test_this_machine(self):
        bin_dir = self.path("bin")
        os.mkdir(bin_dir)
        write_program(os.path.join(bin_dir, "nvidia-smi"),
                      'case "$*" in\n'
                      '*compute_cap*) echo "NVIDIA H100 80GB HBM3, 9.0" ;;\n'
                      '*) echo "| NVIDIA-SMI 550.54.14  CUDA Version: 12.4  |" ;;\n'
                      'esac\n')
        path = bin_dir + ":" + os.environ["PATH"]
        for asked in ([], ["--gpu", "auto"]):
            said = self.ask(*asked, "--set", "9.0", "--toolkit", "12.8", PATH=path)
            self.assertEqual((said["gpu"], said["best"]), ("NVIDIA H100 80GB HBM3", "9.0"))
        # Its driver is too old for PTX of that toolkit, unless another one is named.
        said = self.ask("--set", "8.9+PTX", "--toolkit", "12.8", code=1, PATH=path)
        self.assertEqual(said["verdict"], "none")
        said = self.ask("--set", "8.9+PTX", "--toolkit", "12.8", "--driver", "12.8", code=1,
                        PATH=path)
        self.assertEqual(said["verdict"], "jit")

    def test_what_is_wrong_is_refused(self):
        for arguments, sentence in (
                (["--gpu", "A100"],
                 "which packages, or which sets? For example: capq lookup --gpu A100 --set 7.5+PTX --set 8.6"),
                (["torch", "--gpu", "A100", "--set", "8.6"],
                 "packages are looked for in the cache: --set is of no use with them"),
                (["--newest", "--gpu", "A100", "--set", "8.6"], "--newest is of no use with --set"),
                (["--gpu", "A100", "--set", "86"],
                 "capability '86': write it as nixpkgs does, '8.6'"),
                (["--gpu", "A100", "--set", "8.6", "--driver", "new"],
                 "driver 'new': expected the CUDA version that it speaks, such as '12.8', or its "
                 "own, from 450"),
                (["--gpu", "A100", "--set", "8.6", "--toolkit", "12"],
                 "CUDA version '12': expected one such as '12.8'"),
                (["--gpu", "GeForce RTX 3099", "--set", "8.6"],
                 "no GPU 'GeForce RTX 3099' is known; did you mean 'GeForce RTX 3090'? See capq "
                 "gpus"),
                (["--gpu", "GT 1030", "--set", "8.6"],
                 "GPU 'GT 1030' may be 3.0 (GeForce GT 1030, GK107, PCI id 0fc5) or 6.1 (GeForce "
                 "GT 1030, GP108, PCI id 1d01); give the capability")):
            self.refuses(self.capq("lookup", *arguments), 2, sentence)


class Inspect(CapqCase):
    def fixture(self, name):
        return os.path.join(SOURCE, "tests/fixtures/fatbin", name)

    def test_a_file(self):
        path = self.fixture("mixed_units.so")
        self.says("inspect " + path,
                  "FILE\tUNITS\tSASS\tPTX\tNOTE\n"
                  "%s\t2\tsm_80 sm_90\tcompute_90\tonly in some units: sm_90 compute_90\n" % path)
        self.assertEqual(json.loads(self.capq("inspect", path, "--json").out), [
            {"path": path, "sass": ["sm_80", "sm_90"], "ptx": ["compute_90"], "lto": [],
             "units": 2, "sass_in_all": ["sm_80"], "ptx_in_all": [], "stub_only": []}])
        self.assertEqual(self.asked(), [])

    def test_a_directory(self):
        """As the manifest says; every file by itself says the same."""
        with open(self.fixture("manifest.json"), encoding="utf-8") as file:
            wanted = {one["path"]: one for one in json.load(file) if "nothing" not in one}
        said = self.capq("inspect", self.fixture(""), "--json")
        self.assertEqual((said.code, said.err), (1, ""))  # Some are damaged.
        found = {os.path.basename(one.pop("path")): one for one in json.loads(said.out)}
        self.assertEqual(sorted(found), sorted(wanted))
        for name, one in wanted.items():
            if "error" in one:
                self.assertEqual(list(found[name]), ["error"])
            else:
                self.assertEqual({"path": name, **found[name]}, one)

    def test_against_a_set(self):
        narrow, wide = self.fixture("two.o"), self.fixture("mixed_units.so")
        lacks = {}
        for caps, code in (("8.0", 0), ("8.0,9.0", 1), ("8.0,9.0+PTX", 1), ("8.6", 1)):
            said = self.capq("inspect", "--caps", caps, narrow, wide, "--json")
            self.assertEqual((said.code, said.err), (code, ""))
            lacks[caps] = [one["lacks"] for one in json.loads(said.out)]
        self.assertEqual(lacks, {
            "8.0": [None, None],
            "8.0,9.0": ["sm_90", "sm_90 (in 1 of 2 units)"],
            "8.0,9.0+PTX": ["sm_90, compute_90",
                            "sm_90 (in 1 of 2 units), compute_90 (in 1 of 2 units)"],
            "8.6": ["sm_86", "sm_86"]})
        self.says("inspect --no-header --caps 9.0 " + narrow,
                  narrow + "\t1\tsm_80\t\tlacks sm_90\n", code=1)
        self.says("inspect --no-header --caps 9.0 " + self.fixture("host_only.so"),
                  self.fixture("host_only.so") + "\t0\t\t\tonly a stub: sm_80\n")
        self.refuses(self.capq("inspect", "--caps", "86", narrow), 2,
                     "capability '86': write it as nixpkgs does, '8.6'")

    def test_what_is_damaged_or_not_there(self):
        damaged, whole = self.fixture("truncated.fatbin"), self.fixture("one.o")
        said = self.capq("inspect", damaged, whole, "--no-header")
        self.assertEqual((said.code, said.out), (1, whole + "\t1\tsm_80 sm_90\t\t\n"))
        self.assertIn("capq: %s: container at 0x0: its " % damaged, said.err)
        said = self.capq("inspect", "/nowhere", "--json")
        self.assertEqual((said.code, json.loads(said.out)), (2, [
            {"path": "/nowhere", "error": "open: No such file or directory"}]))
        self.says("inspect --json " + self.fixture("no_cuda.so"), "[]\n")

    def test_a_closure(self):
        folder = self.path("bin")
        os.mkdir(folder)
        write_program(os.path.join(folder, "nix-store"),
                      '[ "$*" = "--query --requisites /nix/store/x" ] && echo %s && echo %s\n' %
                      (self.fixture("one.o"), self.fixture("no_cuda.so")))
        path = folder + ":" + os.environ["PATH"]
        said = self.capq("inspect", "--closure", "/nix/store/x", "--json", PATH=path)
        self.assertEqual([one["path"] for one in json.loads(said.out)], [self.fixture("one.o")])
        self.refuses(self.capq("inspect", "-R", "/nix/store/y", "--no-header", PATH=path), 2,
                     "nix-store knows no closure of /nix/store/y")


if __name__ == "__main__":
    unittest.main(verbosity=2)
