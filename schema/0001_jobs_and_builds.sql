-- The first schema. Files in this folder are append-only: a later change is a new file.
-- Times are milliseconds since 1970 in UTC; 0 means "not yet". Booleans are 0 and 1.
-- Truth lives here: what capqd has in memory is made from these tables at every start.

-- One row: what must outlive a restart and belongs to no job.
CREATE TABLE daemon (
  id        INTEGER PRIMARY KEY CHECK (id = 1),
  draining  INTEGER NOT NULL DEFAULT 0 CHECK (draining IN (0, 1)) -- `capq drain`: start nothing.
) STRICT;
INSERT INTO daemon (id) VALUES (1);

-- A revision of nixpkgs that some job asked for.
CREATE TABLE revisions (
  id       INTEGER PRIMARY KEY,
  hash     TEXT NOT NULL UNIQUE,          -- 40 hex digits; for a path "sha256:" and its NAR's hash.
  trusted  INTEGER NOT NULL CHECK (trusted IN (0, 1)), -- It is an ancestor of a configured branch.
  seen_at  INTEGER NOT NULL,              -- When it was first asked for.
  CHECK (hash GLOB 'sha256:*' OR (length(hash) = 40 AND hash NOT GLOB '*[^0-9a-f]*'))
) STRICT;

-- What a package is evaluated for. Many jobs share one, so that it is spelled out once.
CREATE TABLE contexts (
  id              INTEGER PRIMARY KEY,
  revision_id     INTEGER NOT NULL REFERENCES revisions,
  caps            TEXT NOT NULL,          -- Canonical set, "8.0,8.6" or "8.6+PTX".
  flavour         TEXT NOT NULL,          -- Its name.
  flavour_digest  TEXT NOT NULL,          -- SHA-256 of what the configuration says it is: an
                                          -- evaluation is remembered for that, not for a name.
  system          TEXT NOT NULL,
  UNIQUE (revision_id, caps, flavour, system, flavour_digest)
) STRICT;

-- The things wanted in the cache.
CREATE TABLE jobs (
  id            INTEGER PRIMARY KEY AUTOINCREMENT, -- Never used again.
  attr          TEXT NOT NULL,            -- Canonical attribute path.
  context_id    INTEGER NOT NULL REFERENCES contexts,
  state         TEXT NOT NULL CHECK (state IN ('evaluating', 'planning', 'waiting', 'pushing', 'done',
                                               'on_hold', 'failed', 'cancelled', 'superseded')),
  held_state    TEXT CHECK (held_state IN ('evaluating', 'planning', 'waiting', 'pushing')),
                                          -- Where an on_hold job goes on.
  failure       TEXT NOT NULL DEFAULT '', -- Class (lib/failure.c); '' unless failed.
  reason        TEXT,                     -- One sentence: why it is in its state.
  rev_from      TEXT NOT NULL,            -- What the submit named: "branch master", "tag 24.05", "hash".
  submitter     TEXT NOT NULL,            -- Who asked first.
  priority      INTEGER NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1000 AND 1000),
  bumped_at     INTEGER NOT NULL DEFAULT 0, -- When somebody last put it before all others.
  batch_id      INTEGER,                  -- The bulk submit that it came with; NULL: it came alone.
                                          -- While that batch is in `batches`, the job is invisible.
  drv_path      TEXT,                     -- NULL until evaluated.
  outputs       TEXT,                     -- JSON object, output -> store path; NULL until planned.
  build_id      INTEGER REFERENCES builds, -- The build of its derivation; NULL: none is needed, or
                                          -- not known yet.
  root_id       INTEGER REFERENCES roots ON DELETE SET NULL, -- What protects its derivations and their valid inputs.
  submitted_at  INTEGER NOT NULL,
  started_at    INTEGER NOT NULL DEFAULT 0, -- When its own derivation began to build.
  finished_at   INTEGER NOT NULL DEFAULT 0,
  CHECK ((state = 'on_hold') = (held_state IS NOT NULL)),
  CHECK ((state = 'failed') = (failure <> ''))
) STRICT;

-- One live job for each thing wanted.
CREATE UNIQUE INDEX jobs_identity ON jobs (attr, context_id)
  WHERE state NOT IN ('cancelled', 'superseded');
CREATE INDEX jobs_attr ON jobs (attr);
-- batch_id is in it so that who looks for visible rows passes by those of a bulk submit that is being
-- written without reading them.
CREATE INDEX jobs_state ON jobs (state, id, batch_id);
CREATE INDEX jobs_context ON jobs (context_id, state, id);
CREATE INDEX jobs_build ON jobs (build_id) WHERE build_id IS NOT NULL;
CREATE INDEX jobs_root ON jobs (root_id) WHERE root_id IS NOT NULL;
CREATE INDEX jobs_bumped ON jobs (bumped_at) WHERE bumped_at > 0 AND state = 'evaluating';

-- The bulk submit whose jobs are being written: one row at most. When its last job is written the
-- row goes, and with it in one moment all its jobs become visible. A row that a start finds was never
-- answered: its jobs go.
CREATE TABLE batches (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  started_at  INTEGER NOT NULL
) STRICT;

-- Answers to submits that came with an Idempotency-Key, kept for a day.
CREATE TABLE answers (
  submitter  TEXT NOT NULL,
  key        TEXT NOT NULL,
  digest     TEXT NOT NULL,               -- SHA-256 of the request's body.
  batch_id   INTEGER,                     -- As in jobs: invisible while that batch is in `batches`.
  at         INTEGER NOT NULL,
  answer     BLOB NOT NULL,               -- The body of the answer.
  PRIMARY KEY (submitter, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_at ON answers (at);
CREATE INDEX answers_batch ON answers (batch_id) WHERE batch_id IS NOT NULL;

-- What evaluating (attribute, context) gave: it is not done twice.
CREATE TABLE evaluations (
  attr        TEXT NOT NULL,
  context_id  INTEGER NOT NULL REFERENCES contexts,
  drv_path    TEXT NOT NULL,
  at          INTEGER NOT NULL,
  PRIMARY KEY (attr, context_id)
) STRICT, WITHOUT ROWID;

-- Derivations that were missing, each once however many jobs need it.
CREATE TABLE builds (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  drv_path      TEXT NOT NULL UNIQUE,
  name          TEXT NOT NULL,            -- "torch-2.5.1"
  package       TEXT NOT NULL,            -- "torch": what costs are learned by.
  system        TEXT NOT NULL,
  features      TEXT NOT NULL DEFAULT '', -- Required system features, separated by blanks.
  outputs       TEXT NOT NULL,            -- JSON object, output -> store path.
  is_fetch      INTEGER NOT NULL CHECK (is_fetch IN (0, 1)),   -- Fixed-output: it downloads.
  is_trusted    INTEGER NOT NULL CHECK (is_trusted IN (0, 1)), -- A trusted job needs it: it may be pushed.
  caps          TEXT NOT NULL,            -- Set of the job that it was first planned for.
  state         TEXT NOT NULL CHECK (state IN ('blocked', 'ready', 'building', 'verifying', 'pushing',
                                               'done', 'failed')),
  failure       TEXT NOT NULL DEFAULT '', -- Class (lib/failure.c); also of the last try of one that
                                          -- waits for its next.
  reason        TEXT,
  builder       TEXT,                     -- Where it runs or ran last.
  attempts      INTEGER NOT NULL DEFAULT 0, -- Started so far; the newest has this number.
  tries         INTEGER NOT NULL DEFAULT 0, -- Failed in this step since it was last asked for.
  not_before    INTEGER NOT NULL DEFAULT 0, -- It waits that long for its next try.
  output_root   INTEGER REFERENCES roots ON DELETE SET NULL, -- What protects its outputs.
  input_root    INTEGER REFERENCES roots ON DELETE SET NULL, -- What protects the inputs that were fetched for it.
  created_at    INTEGER NOT NULL,
  ready_at      INTEGER NOT NULL DEFAULT 0,
  started_at    INTEGER NOT NULL DEFAULT 0, -- Of the newest attempt.
  finished_at   INTEGER NOT NULL DEFAULT 0,
  wall_ms       INTEGER,                  -- Of the attempt that built it; NULL: unknown.
  core_ms       INTEGER,
  output_bytes  INTEGER,
  bytes_pushed  INTEGER
) STRICT;
CREATE INDEX builds_state ON builds (state, id);
CREATE INDEX builds_output_root ON builds (output_root) WHERE output_root IS NOT NULL;
CREATE INDEX builds_input_root ON builds (input_root) WHERE input_root IS NOT NULL;

-- Which build needs which other. Kept when both are done: what was needed is part of the record.
CREATE TABLE build_needs (
  build_id  INTEGER NOT NULL REFERENCES builds,
  need_id   INTEGER NOT NULL REFERENCES builds,
  PRIMARY KEY (build_id, need_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX build_needs_need ON build_needs (need_id);

-- Missing derivations that are built along with the one build that needs them.
CREATE TABLE build_rides (
  drv_path  TEXT PRIMARY KEY,
  build_id  INTEGER NOT NULL REFERENCES builds,
  is_fetch  INTEGER NOT NULL CHECK (is_fetch IN (0, 1)),
  outputs   TEXT NOT NULL                 -- JSON object, as in builds.
) STRICT, WITHOUT ROWID;
CREATE INDEX build_rides_build ON build_rides (build_id);

-- Inputs of a build that a substituter has: they are fetched before it is ready.
CREATE TABLE build_fetches (
  build_id  INTEGER NOT NULL REFERENCES builds,
  path      TEXT NOT NULL,
  PRIMARY KEY (build_id, path)
) STRICT, WITHOUT ROWID;

-- One run of a build; it has a log, logs/ID in the state directory.
CREATE TABLE attempts (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  build_id     INTEGER NOT NULL REFERENCES builds,
  number       INTEGER NOT NULL,          -- 1, 2, ... within the build.
  builder      TEXT NOT NULL,
  started_at   INTEGER NOT NULL,
  finished_at  INTEGER NOT NULL DEFAULT 0,
  outcome      TEXT NOT NULL CHECK (outcome IN ('running', 'built', 'failed', 'interrupted')),
  failure      TEXT NOT NULL DEFAULT '',
  reason       TEXT,
  log_bytes    INTEGER NOT NULL DEFAULT 0, -- Printed, also what was not kept; -1: the log is gone.
  UNIQUE (build_id, number)
) STRICT;
CREATE INDEX attempts_running ON attempts (id) WHERE outcome = 'running';
CREATE INDEX attempts_finished ON attempts (finished_at) WHERE log_bytes >= 0;

-- Every derivation that Nix built for us, ride-alongs included: what estimates are learned from.
CREATE TABLE history (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  attempt_id    INTEGER NOT NULL REFERENCES attempts,
  drv_path      TEXT NOT NULL,
  package       TEXT NOT NULL,
  system        TEXT NOT NULL,
  caps          TEXT NOT NULL,            -- Set of the job that it was planned for. Whether it is part of
                                          -- the package's key is for the estimator to find out.
  machine       TEXT NOT NULL,            -- '' : the builder itself; else where Nix sent it.
  builder       TEXT NOT NULL,
  is_ride       INTEGER NOT NULL CHECK (is_ride IN (0, 1)),
  started_at    INTEGER NOT NULL,
  wall_ms       INTEGER NOT NULL,
  core_ms       INTEGER,                  -- NULL: unknown.
  output_bytes  INTEGER,                  -- Of all outputs' NARs; NULL: unknown or failed.
  outcome       TEXT NOT NULL CHECK (outcome IN ('built', 'failed', 'interrupted'))
) STRICT;
CREATE INDEX history_package ON history (package, system, id);

-- Links in roots/ of the state directory that keep the garbage collector away. A link without a row,
-- and a row that no live job or build refers to, is removed.
CREATE TABLE roots (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  is_kept  INTEGER NOT NULL DEFAULT 0 CHECK (is_kept IN (0, 1)), -- It stays for good: there was no
                                          -- cache, so the store has the only copy of a result.
  made_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX roots_to_sweep ON roots (id) WHERE is_kept = 0;

-- What happened: the history of jobs and builds, and what /events streams.
CREATE TABLE events (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  at       INTEGER NOT NULL,
  kind     TEXT NOT NULL CHECK (kind IN ('job', 'build', 'batch', 'daemon')),
  subject  INTEGER,                       -- Id of the job or build; of a batch, its first job.
  last     INTEGER,                       -- Of a batch, its last job.
  n        INTEGER,                       -- Of a batch, how many jobs were new.
  before   TEXT,                          -- State before; NULL: it is new.
  after    TEXT NOT NULL,                 -- State after; for a daemon event, what it is.
  failure  TEXT NOT NULL DEFAULT '',
  reason   TEXT
) STRICT;
