"""Revisions of the toy nixpkgs that are of other times (tests/toy-nixpkgs/eras.nix), and what a daemon answers
whoever asks them for too much."""

import contextlib
import unittest

import capqd
import nixbox


def revision(nixpkgs, **era):
    """A commit of the toy nixpkgs that is of another time."""
    nixpkgs.write("era.nix", "{ %s }" % " ".join(
        f"{name} = {nix(value)};" for name, value in era.items()))
    return nixpkgs.commit(str(era))


def nix(value):
    return f'"{value}"' if isinstance(value, str) else "[ %s ]" % " ".join(f'"{v}"' for v in value)


@contextlib.contextmanager
def daemon_with(*eras, **settings):
    """A daemon, and the revisions that its nixpkgs had before it started; text is the whole of default.nix."""
    with nixbox.Nix(), capqd.Repository() as nixpkgs:
        revs = [revision(nixpkgs, **era) for era in eras if isinstance(era, dict)]
        for text in eras[len(revs):]:
            nixpkgs.write("default.nix", text)
            revs.append(nixpkgs.commit(text))
        with capqd.Daemon(nixpkgs, **settings) as daemon:
            daemon.nixpkgs = nixpkgs
            yield (daemon, *revs)


class Conversation(unittest.TestCase):
    def refused(self, daemon, **job):
        """The sentence with which a submit is refused."""
        with self.assertRaises(capqd.ApiError) as refusal:
            daemon.post("/jobs", {"attr": "cmake", **job})
        self.assertEqual(refusal.exception.status, 400)
        return refusal.exception.problem["title"]

    def failed(self, daemon, **job):
        """The sentence with which a job fails at once, and nothing is built."""
        [answer] = daemon.post("/jobs", {"attr": "cmake", **job})["jobs"]
        job = daemon.wait(answer["id"])
        self.assertEqual((job["state"], job["failure_class"], job["drv_path"]), ("failed", "unsupported", None))
        return job["reason"]
