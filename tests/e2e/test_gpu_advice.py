#!/usr/bin/python3
"""What capq says about GPUs by itself: no daemon is asked."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from capq_case import CapqCase  # noqa: E402


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


if __name__ == "__main__":
    unittest.main(verbosity=2)
