"""A data base as capqd leaves it after years: many finished jobs, and a long queue. Made by SQL alone, from the
project's own schema, in well under a minute for a million.

A context is one revision, set and system; each has the same PACKAGES attributes. Every second job has a build
of its own, the others share one with the job before. Of the queue, one job in five is still to be evaluated; the
others wait, each for a build of its own, of which every fifth is ready and the others need one or two. It is
drained: a capqd that is started on it starts nothing.
"""

import glob
import sqlite3

import ground

PACKAGES = 500
APPLICATION_ID = 0x63617071

NUMBERS = "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {})"


def path(number):
    """A store path for a number; its hash is a valid one, scattered as hashes are."""
    scattered = f"printf('%010d%022d', {number} * 2654435761 % 4294967296, {number})"
    return f"'/nix/store/' || {scattered} || '-package' || ({number} % {PACKAGES}) || '-1.0'"


def outputs(number):
    return f"""'{{"out":"' || {path(number)} || '"}}'"""


STATES = """CASE WHEN n % 50 = 7 THEN 'cancelled' WHEN n % 50 = 9 THEN 'superseded' WHEN n % 25 = 3 THEN 'failed'
            ELSE 'done' END"""


def contexts(n):
    return f"""
        INSERT INTO revisions (hash, trusted, seen_at)
            {NUMBERS.format(-(-n // 10))} SELECT printf('%040x', n * 7919), 1, 1700000000000 + n FROM numbers;
        INSERT INTO contexts (revision_id, caps, flavour, flavour_digest, system)
            {NUMBERS.format(n)} SELECT n / 10 + 1, (n % 10 + 5) || '.0', 'default', '', 'x86_64-linux' FROM numbers;"""


def builds(first, n, state):
    """`n` builds from number `first` on; its id is the number + 1."""
    ended = f"{state} = 'done'"
    return f"""
        INSERT INTO builds (id, drv_path, name, package, system, outputs, is_fetch, is_trusted, caps, state, builder,
                            attempts, created_at, ready_at, started_at, finished_at, wall_ms, core_ms, output_bytes)
            {NUMBERS.format(n)}, rows (n, b) AS (SELECT n, n + {first} FROM numbers)
            SELECT b + 1, {path('b')} || '.drv', 'package' || (b % {PACKAGES}) || '-1.0', 'package' || (b % {PACKAGES}),
                   'x86_64-linux', {outputs('b')}, 0, 1, '8.6', {state}, iif({ended}, 'local', NULL), {ended},
                   1700000000000 + b, 1700000000000 + b, ({ended}) * (1700000010000 + b), ({ended}) * (1700000060000 + b),
                   iif({ended}, 50000 + b % 9973, NULL), NULL, iif({ended}, 1000000 + b, NULL) FROM rows;"""


def history(n):
    return f"""
        INSERT INTO attempts (id, build_id, number, builder, started_at, finished_at, outcome, log_bytes)
            {NUMBERS.format(n)} SELECT n + 1, n + 1, 1, 'local', 1700000010000 + n, 1700000060000 + n, 'built',
                   iif(n > {n} * 0.9, 5000, -1) FROM numbers;
        INSERT INTO history (attempt_id, drv_path, package, system, caps, machine, builder, is_ride, started_at, wall_ms,
                             output_bytes, outcome)
            {NUMBERS.format(n)} SELECT n + 1, {path('n')} || '.drv', 'package' || (n % {PACKAGES}), 'x86_64-linux', '8.6',
                   '', 'local', 0, 1700000010000 + n, 50000 + n % 9973, 1000000 + n, 'built' FROM numbers;
        INSERT INTO events (at, kind, subject, before, after)
            {NUMBERS.format(n)} SELECT (unixepoch() - 86400) * 1000 + n, 'job', n + 1, 'pushing', 'done' FROM numbers;"""


def finished_jobs(n):
    failed = f"({STATES}) = 'failed'"
    return f"""
        INSERT INTO jobs (attr, context_id, state, failure, reason, rev_from, submitter, drv_path, outputs, build_id,
                          submitted_at, started_at, finished_at)
            {NUMBERS.format(n)}
            SELECT 'python3Packages.package' || (n % {PACKAGES}), n / {PACKAGES} + 1, {STATES}, iif({failed}, 'build', ''),
                   iif({failed}, 'builder for package failed with exit code 1', NULL), 'branch master', 'somebody',
                   {path('(n / 2)')} || '.drv', {outputs('(n / 2)')}, n / 2 + 1,
                   1700000000000 + n, 1700000010000 + n, 1700000060000 + n FROM numbers;"""


def queued_jobs(first, n, first_build):
    waits = "n % 5 <> 4"
    build = f"({first_build} + n - n / 5)"
    return f"""
        INSERT INTO jobs (attr, context_id, state, rev_from, submitter, drv_path, outputs, build_id, submitted_at)
            {NUMBERS.format(n)}
            SELECT 'python3Packages.package' || (n % {PACKAGES}), ({first} + n) / {PACKAGES} + 1,
                   iif({waits}, 'waiting', 'evaluating'), 'branch master', 'somebody',
                   iif({waits}, {path(build)} || '.drv', NULL), iif({waits}, {outputs(build)}, NULL),
                   iif({waits}, {build} + 1, NULL), 1700000000000 + {first} + n FROM numbers;"""


def needs(first, n):
    """Of `n` builds from `first` on: those that are not ready need the ready one before them, and one more."""
    return f"""
        INSERT OR IGNORE INTO build_needs (build_id, need_id)
            {NUMBERS.format(n)} SELECT {first} + n + 1, {first} + n - n % 5 + 1 FROM numbers WHERE n % 5 > 0;
        INSERT OR IGNORE INTO build_needs (build_id, need_id)
            {NUMBERS.format(n)} SELECT {first} + n + 1, {first} + n FROM numbers WHERE n % 5 > 1;"""


def make(path, n_finished, n_queued):
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000;")
    schema = sorted(glob.glob(f"{ground.ROOT}/schema/*.sql"))
    for name in schema:
        with open(name, encoding="utf-8") as f:
            db.executescript(f.read())
    indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    for name, _ in indexes:
        db.execute(f"DROP INDEX {name}")
    n_built, n_waiting = n_finished // 2, n_queued - n_queued // 5
    db.executescript("BEGIN;" + contexts(-(-(n_finished + n_queued) // PACKAGES)) + builds(0, n_built, "'done'") + history(n_built)
                     + finished_jobs(n_finished) + builds(n_built, n_waiting, "iif(n % 5 = 0, 'ready', 'blocked')")
                     + queued_jobs(n_finished, n_queued, n_built) + needs(n_built, n_waiting) + "COMMIT;")
    for _, sql in indexes:
        db.execute(sql)
    db.execute("UPDATE daemon SET draining = 1")
    db.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {len(schema)}; PRAGMA journal_mode = WAL;")
    db.close()
