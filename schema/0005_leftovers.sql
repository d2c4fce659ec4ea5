-- Jobs that are built only when there is nothing else to build.

ALTER TABLE jobs ADD COLUMN is_leftover INTEGER NOT NULL DEFAULT 0 CHECK (is_leftover IN (0, 1)); -- Until its promise is due.
