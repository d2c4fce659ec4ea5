"""capq-push beside `nix copy` and `zstd -T0`: the same closures, the same servers, in turns."""

import contextlib
import glob
import os
import shutil
import subprocess
import tempfile
import time

import ground
import nixbox
import pushing

TITLE = "push: closures of few big files, of 15,000 small ones, and of what does not compress"

MIB = 1 << 20
ROUNDS = 3
LATENCY_MS = 50

# ---- the closures ----

# `files` of $list from line $first on into $out, each under a number of its own.
COPY = "mkdir $out; n=0; while read -r file; do n=$((n+1)); cp \"$file\" $out/$n; done < $list; for p in %s; do echo $p; done > $out/refers"


def machine_files(roots, smallest, largest, total, count):
    """Files of this machine, the same each time: `count` at most, and `total` bytes."""
    found = {}
    for root in roots:
        for directory, _, names in os.walk(root):
            for name in names:
                path = os.path.join(directory, name)
                if os.path.islink(path) or not os.path.isfile(path) or "\n" in path:
                    continue
                size = os.path.getsize(path)
                if smallest <= size <= largest:
                    found[path] = size
    chosen, left = [], total
    for path, size in sorted(found.items(), key=lambda item: (-item[1], item[0])):
        if size <= left and len(chosen) < count:
            chosen.append(path)
            left -= size
    return chosen


def add_files(nix, name, files, references=()):
    """A store path that holds `files` and refers to `references`."""
    with tempfile.NamedTemporaryFile("w", prefix="list-") as listing:
        listing.write("".join(f"{f}\n" for f in files))
        listing.flush()
        variables = {f"r{n}": path for n, path in enumerate(references)}
        return nix.script(name, f"list={listing.name}\n" + COPY % " ".join(f"${v}" for v in variables), **variables)


def few_big(nix, size):
    """Libraries: half of the bytes in one path, which refers to four smaller ones, as torch does."""
    files = machine_files(["/usr/lib"], 256 << 10, size // 2, size, 10000)
    top, rest = files[:1], files[1:]
    return add_files(nix, "big", top, [add_files(nix, f"big{n}", rest[n::4]) for n in range(4)])


def many_small(nix, count):
    """Sources, headers and texts, 50 in each path, and one path that refers to all of these."""
    files = sorted(machine_files(["/usr/include", "/usr/share", "/usr/lib/python3", "/usr/lib/python3.11"], 64,
                                 32 << 10, 1 << 40, 10**9))
    files = files[:: max(1, len(files) // count)][:count]
    with tempfile.TemporaryDirectory(prefix="small-") as directory:
        for n, file in enumerate(files):
            path = f"{directory}/small{n // 50}"
            os.makedirs(path, exist_ok=True)
            shutil.copy(file, f"{path}/{n}")
        paths = nix.run("nix-store", "--add", *glob.glob(f"{directory}/*")).split()
    return nix.script("small", "for p in $all; do echo $p; done > $out", all=paths)


def incompressible(nix, size):
    parts = [nix.script(f"random{n}", f"head -c {size // 8} /dev/urandom > $out") for n in range(4)]
    references = "".join(f"echo $r{n}; " for n in range(4))
    script = f"mkdir $out; head -c {size // 2} /dev/urandom > $out/random; ({references}) > $out/refers"
    return nix.script("random", script, **{f"r{n}": p for n, p in enumerate(parts)})


# ---- one run ----


class Run:
    """What a command took: seconds, seconds of processor, bytes of memory at most, bytes it wrote."""

    def __init__(self, command, environment=None):
        began = time.monotonic()
        with open("/dev/shm/bench-push.log", "w+b") as log:
            process = subprocess.Popen(command, env={**os.environ, **(environment or {})},
                                       stdout=subprocess.DEVNULL, stderr=log)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.wall = time.monotonic() - began
            log.seek(0)
            assert process.returncode == 0, f"{command}: {log.read().decode()}"
        self.cpu = used.ru_utime + used.ru_stime
        self.memory = used.ru_maxrss * 1024
        self.written = 0


@contextlib.contextmanager
def put_server():
    """The URL of a plain server, and the directory that it keeps."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/dev/shm") as directory:
        with subprocess.Popen([f"{ground.BIN}/capq-put-server", directory], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as server:
            with open(f"{directory}/nix-cache-info", "w", encoding="ascii") as f:
                f.write("StoreDir: /nix/store\n")
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}", directory
            server.stdin.close()


def written(directory):
    return sum(os.path.getsize(f) for f in glob.glob(f"{directory}/nar/*"))


def nix_copy(url, path):
    with tempfile.TemporaryDirectory(prefix="cache-") as cache:  # Nix remembers what a cache has.
        return Run(["nix", "copy", "--no-check-sigs", "--to", url, path], {"XDG_CACHE_HOME": cache})


def nix_file(path):
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/dev/shm") as directory:
        run = nix_copy(f"file://{directory}?compression=zstd", path)
        run.written = written(directory)
    return run


def nix_http(path):
    with put_server() as (url, directory):
        run = nix_copy(f"{url}?compression=zstd", path)
        run.written = written(directory)
    return run


def ours_put(path):
    with put_server() as (url, directory):
        run = Run([f"{ground.BIN}/capq-push", "--to", url, path])
        run.written = written(directory)
    return run


def ours_cachix(path):
    """The double is Python, and reads all that it gets: it takes its share of the processor."""
    with pushing.Cache() as cache:
        run = Run([f"{ground.BIN}/capq-push", "--cache", "mine", "--host", cache.url, path],
                  {"CACHIX_AUTH_TOKEN": pushing.TOKEN})
        run.written = sum(c["file_size"] for c in cache.state()["completed"])
    return run


class Zstd:
    """`zstd -T0` of the bytes of all NARs, one after the other in a file."""

    def __init__(self, nix, path):
        self.file = f"{nix.directory}/nars"
        with open(self.file, "wb") as out:
            for member in nix.closure(path):
                subprocess.run(["nix-store", "--dump", member], stdout=out, check=True)

    def __call__(self, _):
        out = "/dev/shm/bench-push.zst"
        run = Run(["zstd", "-T0", "-q", "-f", self.file, "-o", out])
        run.written = os.path.getsize(out)
        os.unlink(out)
        return run


# ---- side by side ----


def compare(report, nix, name, path, rounds):
    rivals = {"--to": ours_put, "cachix": ours_cachix, "nix file": nix_file, "nix http": nix_http,
              "zstd -T0": Zstd(nix, path)}
    runs = {rival: [] for rival in rivals}
    for _ in range(rounds):
        for rival, measure in rivals.items():
            runs[rival].append(measure(path))
    best = {rival: min(all_runs, key=lambda r: r.wall) for rival, all_runs in runs.items()}
    nix_best = min(best["nix file"], best["nix http"], key=lambda r: r.wall)
    to, size = best["--to"], os.path.getsize(rivals["zstd -T0"].file)
    report.ratio(f"{name}: --to / better nix copy, wall", to.wall, nix_best.wall, "<= 0.7")
    report.ratio(f"{name}: --to / better nix copy, processor", to.cpu, nix_best.cpu, "<= 1.1")
    report.ratio(f"{name}: --to / nix copy, bytes written", to.written, nix_best.written, "<= 1.02")
    report.ratio(f"{name}: --to / zstd -T0, wall", to.wall, best["zstd -T0"].wall, "<= 1.3")
    for rival, run in best.items():
        report.figure(f"{name}: {rival}, wall", run.wall, "s")
        report.figure(f"{name}: {rival}, processor", run.cpu, "s")
        report.figure(f"{name}: {rival}, bytes / NAR", run.written / size, "")
        memory = max(r.memory for r in runs[rival]) / MIB
        report.figure(f"{name}: {rival}, memory", memory, "MiB", "<= 128" if rival in ("--to", "cachix") else "")


def far_away(report, nix, count):
    """Each answer 50 ms late: many paths at once, against one after the other."""
    path = nix.many(count - 1, depth=16)
    wall = {}
    for jobs in ("1", ""):
        with pushing.Cache(arguments=["--delay-ms", str(LATENCY_MS)]) as cache:
            words = ["--jobs", jobs] if jobs else []
            wall[jobs] = Run([f"{ground.BIN}/capq-push", "--cache", "mine", "--host", cache.url, *words, path],
                             {"CACHIX_AUTH_TOKEN": pushing.TOKEN}).wall
    report.ratio(f"{count} paths, {LATENCY_MS} ms away: together / one by one", wall[""], wall["1"], "<= 0.1")
    report.figure(f"{count} paths, {LATENCY_MS} ms away: together", wall[""], "s")
    report.figure(f"{count} paths, {LATENCY_MS} ms away: one by one", wall["1"], "s")


def run(report, quick):
    size, files, tiny = (40 * MIB, 1500, 100) if quick else (200 * MIB, 15000, 1000)
    os.environ["TMPDIR"] = "/dev/shm"  # For what the double keeps.
    with nixbox.Nix() as nix:
        for name, make, amount in ("big", few_big, size), ("small", many_small, files), (
                "incompressible", incompressible, size):
            compare(report, nix, name, make(nix, amount), 1 if quick else ROUNDS)
        far_away(report, nix, tiny)
