-- What revisions of nixpkgs say about capabilities. Sets are canonical texts as in `contexts`.

-- What a revision said when it was asked: once for each way to import it.
CREATE TABLE probes (
  rev             TEXT NOT NULL,          -- As revisions.hash, of which there may be no row.
  flavour_digest  TEXT NOT NULL,          -- As in contexts.
  system          TEXT NOT NULL,
  era             TEXT NOT NULL CHECK (era IN ('', 'E0', 'E1', 'E2', 'E3', 'E4')),
                                          -- How it handles sets (lib/cuda.h); '': it has no CUDA that we know.
  cuda            TEXT NOT NULL,          -- Version of its cudaPackages, "12.8"; '': it did not say.
  default_caps    TEXT NOT NULL,          -- What it builds when no set is asked for; '': it did not say.
  supported_caps  TEXT NOT NULL,          -- All that it can build for; '': it did not say.
  at              INTEGER NOT NULL,       -- When it was asked.
  PRIMARY KEY (rev, flavour_digest, system)
) STRICT, WITHOUT ROWID;

-- How a job came by its set: "default", the revision's own default; "each", one of a list that was
-- made a thin job each; NULL: it was named.
ALTER TABLE jobs ADD COLUMN caps_from TEXT CHECK (caps_from IN ('default', 'each'));

-- Jobs of one attribute that are one derivation: sets on which it does not depend.
CREATE INDEX jobs_drv ON jobs (drv_path, attr, id) WHERE drv_path IS NOT NULL;

-- What a package said that it can be built for, at a revision.
CREATE TABLE package_support (
  attr            TEXT NOT NULL,
  rev             TEXT NOT NULL,          -- This and the next two as in `probes`.
  flavour_digest  TEXT NOT NULL,
  system          TEXT NOT NULL,
  caps            TEXT NOT NULL,          -- '': none.
  PRIMARY KEY (attr, rev, flavour_digest, system)
) STRICT, WITHOUT ROWID;

-- What a job wants when its package does not support all that it asks for; what was built in place of
-- that (NULL: what was asked for); and, of a cancelled job, that nothing was to be built.
ALTER TABLE jobs ADD COLUMN unsupported TEXT NOT NULL DEFAULT 'fail' CHECK (unsupported IN ('fail', 'skip', 'closest'));
ALTER TABLE jobs ADD COLUMN built_context_id INTEGER REFERENCES contexts;
ALTER TABLE jobs ADD COLUMN is_skipped INTEGER NOT NULL DEFAULT 0 CHECK (is_skipped IN (0, 1));
CREATE INDEX jobs_built_context ON jobs (built_context_id, state, id) WHERE built_context_id IS NOT NULL;
