-- What the order of builds rests on, so that a restart goes on with the same. Times are as in 0001;
-- since_at and start_by may lie before a job's own time: it inherits them from what it supersedes.

ALTER TABLE jobs ADD COLUMN since_at INTEGER NOT NULL DEFAULT 0;  -- It waits since then; 0: not planned yet.
ALTER TABLE jobs ADD COLUMN start_by INTEGER NOT NULL DEFAULT 0;  -- The promise; 0: not made yet.
ALTER TABLE jobs ADD COLUMN cost_ms  INTEGER NOT NULL DEFAULT 0;  -- Estimate of its own build when the promise was made;
ALTER TABLE jobs ADD COLUMN chain_ms INTEGER NOT NULL DEFAULT 0;  -- and of its longest chain of missing derivations.

-- Slot time that each submitter has used of late: it fades with the days.
CREATE TABLE usage (
  submitter  TEXT PRIMARY KEY,
  used_ms    REAL NOT NULL,               -- As of `at`.
  at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Builds whose cost is estimated anew when one of their package ended.
CREATE INDEX builds_package_waiting ON builds (package, system) WHERE state IN ('blocked', 'ready');

-- Why each attempt was started when it was, and what it was expected to take.
CREATE TABLE starts (
  attempt_id       INTEGER PRIMARY KEY REFERENCES attempts,
  rule             TEXT NOT NULL CHECK (rule IN ('bump', 'promise', 'score', 'leftover')),
  score            REAL NOT NULL,
  start_by         INTEGER NOT NULL,      -- The promise; 0: none.
  runner_up        INTEGER NOT NULL,      -- The build that would have been next; 0: none.
  runner_up_score  REAL NOT NULL,
  estimate_ms      INTEGER NOT NULL,      -- Median of the estimate at the start, on its builder.
  estimate_p90_ms  INTEGER NOT NULL,
  basis            TEXT NOT NULL CHECK (basis IN ('set', 'other-sets', 'package', 'everything'))
) STRICT;
