/* The data base: the one truth about jobs and builds. All SQL is in this folder.
 *
 * Everything is synchronous and on the loop's thread; transactions are short. Writing follows one
 * rule: between store_begin() and store_commit() functions do not fail one by one. The first
 * failure (a full disk, as a rule) is kept; what follows does nothing; store_commit() rolls back
 * and reports it. So the caller writes what it has to write and looks once.
 *
 * Reading outside a transaction that fails is logged and answers "nothing there". */
#ifndef CAPQ_DAEMON_STORE_STORE_H
#define CAPQ_DAEMON_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct store;

/* Open, or create, the data base file at `path`, and bring its schema up to date. CAPQ_EINVAL when
 * it is of a newer capqd, or no data base of capqd. The caller has made sure that nobody else has
 * it open (the lock of the state directory). */
int store_open(const char *path, struct store **out, struct err *err);
void store_close(struct store *store); /* NULL is harmless. */

/* Open the data base, which another connection has open, only to read: everything that is read is
 * as it was at one moment. On any thread; not for long, because the write-ahead log grows
 * meanwhile. store_failed() says whether reading went wrong. */
int store_open_snapshot(const char *path, struct store **out, struct err *err);

/* The number of schema files applied, and how many this program knows. */
int store_schema_version(void);

/* Begin a transaction; there is none. */
void store_begin(struct store *store);

/* End it. Returns 0 when everything is on the disk; otherwise nothing of it happened: CAPQ_ENOSPC
 * or CAPQ_EFAILED. */
int store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store);

/* True once something in the current transaction failed. */
bool store_failed(const struct store *store);

/* While false, commits survive the death of the process but not of the machine: what was not on the
 * disk is as if it had not happened, all of it from some commit on. The next commit while true
 * takes all earlier ones with it. True at start. Not within a transaction. */
void store_set_durable(struct store *store, bool durable);

/* Make the next `n`th commit fail as if the disk were full; 0: none. For tests. */
void store_fail_commit(struct store *store, int n);

/* Move what is in the write-ahead log into the data base; blocks for the disk. Opens its own
 * connection, so it may be called on any thread while the store is in use. */
int store_checkpoint(const char *path, struct err *err);

/* Put on the disk what commits that were not durable have written. Blocks; on any thread, as above.
 */
void store_sync(const char *path);

/* Write a consistent copy of the data base at `path` to the new file `to`. Blocks; like
 * store_checkpoint() it may be called on any thread. */
int store_backup(const char *path, const char *to, struct err *err);

/* The row of `daemon`. */
bool store_is_draining(struct store *store);
void store_set_draining(struct store *store, bool draining);

#endif
