-- Which GPU code the outputs of builds were seen to hold, and whether that is what was asked for. Times
-- are as in 0001. A build without a row here was never looked at: what it holds is only declared.

-- The newest look at a build's outputs, all of them together.
CREATE TABLE verdicts (
  build_id    INTEGER PRIMARY KEY REFERENCES builds,
  verdict     TEXT NOT NULL CHECK (verdict IN ('holds', 'lacks', 'no-code', 'unknown')),
  policy      TEXT NOT NULL CHECK (policy IN ('require', 'report')),
  asked       TEXT NOT NULL,              -- The sets that were asked for, separated by blanks.
  is_refused  INTEGER NOT NULL CHECK (is_refused IN (0, 1)), -- It goes no further: nothing may be built on it.
  reason      TEXT,                       -- Which file lacks what, or why nothing is known; NULL: all is well.
  n_files     INTEGER NOT NULL,           -- That hold GPU code.
  kinds       TEXT NOT NULL,              -- The units of all files, JSON (lib/gpu_code_json.h).
  at          INTEGER NOT NULL
) STRICT;
CREATE INDEX verdicts_refused ON verdicts (build_id) WHERE is_refused = 1;

-- Files that hold GPU code, or are damaged.
CREATE TABLE code_files (
  build_id  INTEGER NOT NULL REFERENCES builds,
  path      TEXT NOT NULL,                -- Whole: /nix/store/...
  kinds     TEXT NOT NULL,                -- Of its units, JSON; "[]" when it is damaged.
  lacks     TEXT,                         -- Of what was asked for; NULL: nothing.
  error     TEXT,                         -- What is wrong with it; NULL: nothing.
  PRIMARY KEY (build_id, path)
) STRICT, WITHOUT ROWID;
