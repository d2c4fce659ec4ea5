/* The uploads that this process has begun and not ended, kept in a file: who is killed leaves
 * uploads open at the cache, and the next run gives them up (leftovers.h).
 *
 * Each process has a file of its own in a directory that all share, "uploads-" and six characters,
 * and holds its lock (flock(2)) for as long as it lives. So a file whose lock is free was left by
 * somebody who is dead. It is made with the first upload, and removed at the end when none is open
 * any more. Its form is told in journal_text.h; when it has grown, what is still open goes into a
 * fresh one.
 *
 * What was written survives the death of the process, not always that of the machine: nothing is
 * synced, since a cache drops what stays open by itself, after some days. */
#ifndef CAPQ_PUSH_JOURNAL_H
#define CAPQ_PUSH_JOURNAL_H

struct answer_create;
struct journal;

#define JOURNAL_PREFIX "uploads-"

/* Where journals are kept: "capq-push" in $STATE_DIRECTORY (the first of them, as systemd sets it),
 * else in $XDG_STATE_HOME, else in ~/.local/state. NULL: nowhere, for want of all three. The caller
 * frees. */
char *journal_directory(void);

/* A journal in `directory`, which is made if need be, of uploads to the cache at `cache_url`; both
 * copied. Nothing is written before the first upload. That a journal cannot be written is logged
 * once, and is no reason to push nothing. `directory` may be NULL: nothing is kept. */
struct journal *journal_open(const char *directory, const char *cache_url);

void journal_begin(struct journal *journal, const struct answer_create *upload); /* Copied. */
void journal_end(struct journal *journal, const struct answer_create *upload);

/* Close it; the file stays when uploads are open still. NULL is harmless. */
void journal_close(struct journal *journal);

#endif
