"""100 trivial builds on real Nix, from nothing to all built, in two slots."""

import subprocess
import time

import capqd
import ground
import nixbox

TITLE = "builds: trivial ones on real Nix, two slots, nothing cached"


def flavours(*salts):
    return [{"name": salt, "config": {"toy": {"salt": salt}}} for salt in ("default", *salts)]


def ours(daemon, attrs, salt):
    """Seconds from the submit to the end of the last."""
    began = time.monotonic()
    jobs = daemon.wait(*daemon.submit(attrs, flavour=salt))
    took = time.monotonic() - began
    assert {job["state"] for job in jobs} == {"done"}, [job["reason"] for job in jobs]
    assert len(daemon.builds("&state=done")) >= len(attrs)
    return took


def xargs(directory, attrs, salt):
    config = f'{{ cudaSupport = true; allowUnfree = true; cudaCapabilities = [ "8.6" ]; toy.salt = "{salt}"; }}'
    command = ["xargs", "-P2", "-n1", "nix-build", directory, "--no-out-link", "--arg", "config", config, "-A"]
    began = time.monotonic()
    subprocess.run(command, input="\n".join(attrs).encode(), check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def run(report, quick):
    n = 100
    attrs = [f"many.p{i}" for i in range(n)]
    salts = ["first", "second"] if quick else ["first", "second", "third"]
    with nixbox.Nix(), ground.Packages("echo built > $out") as nixpkgs:
        with capqd.Daemon(nixpkgs, flavours=flavours(*salts)) as daemon:
            times = [ours(daemon, attrs, salt) for salt in salts]
        theirs = [xargs(nixpkgs.directory, attrs, salt) for salt in (["fourth"] if quick else ["fourth", "fifth"])]
    report.ratio(f"{n} builds, costs known from history: capqd / xargs", min(times[1:]), min(theirs), "< 0.5")
    report.ratio(f"{n} builds, nothing known: capqd / xargs", times[0], min(theirs))
    report.figure("capqd, nothing known (each build a process)", times[0], "s")
    report.figure("capqd, known to be cheap (several a process)", min(times[1:]), "s")
    report.figure("xargs -P2 nix-build", min(theirs), "s")
