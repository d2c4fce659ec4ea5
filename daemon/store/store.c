#include "daemon/store/store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/query.h"
#include "lib/embedded.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"

#define APPLICATION_ID 0x63617071 /* "capq": marks the file as ours (file(1) and we can tell). */
#define CACHE_KIB "2048"

enum {
	GET_DRAINING,
	SET_DRAINING,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[GET_DRAINING] = "SELECT draining FROM daemon",
	[SET_DRAINING] = "UPDATE daemon SET draining = ?",
};

static const struct statements statements = { SLOT_STORE, N_STATEMENTS, sql };
const struct statements *const store_store_statements = &statements;

struct store {
	sqlite3 *db;
	sqlite3_stmt **prepared[SLOTS];
	int n_prepared[SLOTS];
	bool in_transaction, failed;
	bool is_quick; /* Commits do not wait for the disk. */
	int failure;   /* SQLite's code of the first failure. */
	char failure_text[200];
	int fail_commit; /* Counts down; at 1 a commit fails. Tests. */
};

/* ---- failures ---- */

static int code_of(int sqlite_code)
{
	switch (sqlite_code & 0xff) {
	case SQLITE_FULL:
		return CAPQ_ENOSPC;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return CAPQ_EINVAL;
	case SQLITE_BUSY:
		return CAPQ_EBUSY;
	default:
		return CAPQ_EFAILED;
	}
}

/* Remember the first failure of a transaction. A broken rule of the schema is a fault of ours: it
 * is better to stop, and to carry on from the data base, than to go on with a wrong idea of it. */
static void note_failure(struct store *store, const char *what)
{
	int code = sqlite3_extended_errcode(store->db);

	if ((code & 0xff) == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_MISUSE) {
		log_broken("data base: %s: %s", what, sqlite3_errmsg(store->db));
		abort();
	}
	if (!store->in_transaction)
		log_broken("data base: %s: %s", what, sqlite3_errmsg(store->db));
	if (store->failed || !store->in_transaction)
		return;
	store->failed = true;
	store->failure = code;
	(void)snprintf(
		store->failure_text, sizeof store->failure_text, "%s", sqlite3_errmsg(store->db));
}

bool store_failed(const struct store *store)
{
	return store->failed;
}

/* ---- statements ---- */

static sqlite3_stmt *prepare(struct store *store, const struct statements *of, int which)
{
	sqlite3_stmt **all = store->prepared[of->slot];

	if (all == NULL) {
		all = store->prepared[of->slot] = xcalloc((size_t)of->n, sizeof(sqlite3_stmt *));
		store->n_prepared[of->slot] = of->n;
	}
	if (all[which] == NULL &&
		sqlite3_prepare_v3(store->db, of->sql[which], -1, SQLITE_PREPARE_PERSISTENT,
			&all[which], NULL) != SQLITE_OK) {
		log_broken("data base: %s: in: %s", sqlite3_errmsg(store->db), of->sql[which]);
		abort(); /* A statement that does not fit the schema. */
	}
	return all[which];
}

struct query query_begin(struct store *store, const struct statements *of, int which)
{
	struct query q = { .store = store, .next = 1 };

	if (!store->failed)
		q.stmt = prepare(store, of, which);
	return q;
}

void query_int(struct query *q, int64_t value)
{
	if (q->stmt != NULL)
		sqlite3_bind_int64(q->stmt, q->next++, value);
}

void query_int_or_null(struct query *q, int64_t value, int64_t null_value)
{
	if (q->stmt == NULL)
		return;
	if (value == null_value)
		sqlite3_bind_null(q->stmt, q->next++);
	else
		sqlite3_bind_int64(q->stmt, q->next++, value);
}

void query_real(struct query *q, double value)
{
	if (q->stmt != NULL)
		sqlite3_bind_double(q->stmt, q->next++, value);
}

void query_text(struct query *q, const char *text)
{
	if (q->stmt != NULL)
		sqlite3_bind_text(q->stmt, q->next++, text, -1, SQLITE_STATIC);
}

void query_blob(struct query *q, const void *bytes, size_t len)
{
	if (q->stmt != NULL)
		sqlite3_bind_blob64(q->stmt, q->next++, bytes, len, SQLITE_STATIC);
}

bool query_row(struct query *q)
{
	int rv;

	if (q->stmt == NULL)
		return false;
	rv = sqlite3_step(q->stmt);
	if (rv == SQLITE_ROW)
		return true;
	if (rv != SQLITE_DONE)
		note_failure(q->store, sqlite3_sql(q->stmt));
	return false;
}

int64_t query_get_int(struct query *q, int column)
{
	return sqlite3_column_int64(q->stmt, column);
}

int64_t query_get_int_or(struct query *q, int column, int64_t null_value)
{
	if (sqlite3_column_type(q->stmt, column) == SQLITE_NULL)
		return null_value;
	return sqlite3_column_int64(q->stmt, column);
}

double query_get_real(struct query *q, int column)
{
	return sqlite3_column_double(q->stmt, column);
}

const char *query_get_text(struct query *q, int column)
{
	return (const char *)sqlite3_column_text(q->stmt, column);
}

char *query_copy_text(struct query *q, int column)
{
	return xstrdup_or_null(query_get_text(q, column));
}

const void *query_get_blob(struct query *q, int column, size_t *out_len)
{
	const void *bytes = sqlite3_column_blob(q->stmt, column);

	*out_len = (size_t)sqlite3_column_bytes(q->stmt, column);
	return bytes;
}

void query_end(struct query *q)
{
	if (q->stmt == NULL)
		return;
	sqlite3_reset(q->stmt);
	sqlite3_clear_bindings(q->stmt);
	q->stmt = NULL;
}

void query_run(struct query *q)
{
	while (query_row(q))
		;
	query_end(q);
}

int64_t store_changes(const struct store *store)
{
	return store->failed ? 0 : sqlite3_changes64(store->db);
}

int64_t store_last_id(const struct store *store)
{
	return sqlite3_last_insert_rowid(store->db);
}

sqlite3 *store_db(struct store *store)
{
	return store->db;
}

/* ---- transactions ---- */

static bool execute(struct store *store, const char *text)
{
	return sqlite3_exec(store->db, text, NULL, NULL, NULL) == SQLITE_OK;
}

void store_begin(struct store *store)
{
	if (store->in_transaction)
		abort();
	store->in_transaction = true;
	store->failed = false;
	if (!execute(store, "BEGIN IMMEDIATE"))
		note_failure(store, "begin");
}

void store_rollback(struct store *store)
{
	if (sqlite3_get_autocommit(store->db) == 0)
		(void)execute(store, "ROLLBACK");
	store->in_transaction = store->failed = false;
}

int store_commit(struct store *store, struct err *err)
{
	int code;

	if (store->fail_commit > 0 && --store->fail_commit == 0) {
		store->failed = true;
		store->failure = SQLITE_FULL;
		(void)snprintf(store->failure_text, sizeof store->failure_text,
			"database or disk is full (asked for by a test)");
	}
	if (!store->failed && !execute(store, "COMMIT"))
		note_failure(store, "commit");
	if (!store->failed) {
		store->in_transaction = false;
		return 0;
	}
	code = err_set(err, code_of(store->failure), "data base: %s", store->failure_text);
	store_rollback(store);
	return code;
}

void store_set_durable(struct store *store, bool durable)
{
	if (store->is_quick == !durable)
		return;
	store->is_quick = !durable;
	(void)execute(store, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
}

void store_fail_commit(struct store *store, int n)
{
	store->fail_commit = n;
}

/* ---- opening ---- */

static int fail_open(struct store *store, const char *path, struct err *err)
{
	int code = code_of(sqlite3_extended_errcode(store->db));

	return err_set(err, code, "data base %s: %s", path, sqlite3_errmsg(store->db));
}

static int64_t pragma_int(struct store *store, const char *text)
{
	sqlite3_stmt *stmt;
	int64_t value = -1;

	if (sqlite3_prepare_v2(store->db, text, -1, &stmt, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

int store_schema_version(void)
{
	int n = 0;

	while (embedded_schema[n].name != NULL)
		n++;
	return n;
}

static int migrate(struct store *store, const char *path, struct err *err)
{
	int64_t version = pragma_int(store, "PRAGMA user_version");
	int64_t application = pragma_int(store, "PRAGMA application_id");
	int known = store_schema_version();

	if (version < 0 || application < 0)
		return fail_open(store, path, err);
	if (application != APPLICATION_ID && (version > 0 || application != 0))
		return err_set(err, CAPQ_EINVAL, "data base %s: it is not capqd's", path);
	if (version > known)
		return err_set(err, CAPQ_EINVAL,
			"data base %s: its schema has version %" PRId64
			", this capqd knows %d; start the newer capqd, or restore a backup",
			path, version, known);
	for (; version < known; version++) {
		char mark[128];

		log_fact("data base: schema %s", embedded_schema[version].name);
		(void)snprintf(mark, sizeof mark,
			"PRAGMA application_id = %d; PRAGMA user_version = %" PRId64 "; COMMIT",
			APPLICATION_ID, version + 1);
		if (!execute(store, "BEGIN EXCLUSIVE") ||
			!execute(store, embedded_schema[version].text) || !execute(store, mark)) {
			int code = fail_open(store, path, err);

			(void)execute(store, "ROLLBACK");
			return code;
		}
	}
	return 0;
}

/* Checkpoints are made by store_checkpoint() on another thread: an automatic one would hold up the
 * commit, and hence the loop, that happens to fill the log. */
static const char settings[] = "PRAGMA journal_mode = WAL;"
			       "PRAGMA synchronous = FULL;"
			       "PRAGMA wal_autocheckpoint = 0;"
			       "PRAGMA foreign_keys = ON;"
			       "PRAGMA cache_size = -" CACHE_KIB ";"
			       "PRAGMA journal_size_limit = 16777216;"
			       "PRAGMA trusted_schema = OFF";

int store_open(const char *path, struct store **out, struct err *err)
{
	struct store *store = xcalloc(1, sizeof *store);
	int rv = 0;

	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
		SQLITE_OK)
		rv = fail_open(store, path, err);
	if (rv == 0)
		(void)sqlite3_busy_timeout(store->db, 10000); /* A checkpoint or a backup. */
	if (rv == 0 && !execute(store, settings))
		rv = fail_open(store, path, err);
	if (rv == 0)
		rv = migrate(store, path, err);
	if (rv < 0) {
		store_close(store);
		return rv;
	}
	*out = store;
	return 0;
}

int store_open_snapshot(const char *path, struct store **out, struct err *err)
{
	struct store *store = xcalloc(1, sizeof *store);
	int rv = 0;

	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		rv = fail_open(store, path, err);
	/* It never commits; closing it ends what it began. */
	if (rv == 0 && !execute(store, "PRAGMA trusted_schema = OFF; BEGIN"))
		rv = fail_open(store, path, err);
	if (rv < 0) {
		store_close(store);
		return rv;
	}
	(void)sqlite3_busy_timeout(store->db, 10000);
	store->in_transaction = true;
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	for (int slot = 0; slot < SLOTS; slot++) {
		for (int i = 0; i < store->n_prepared[slot]; i++)
			sqlite3_finalize(store->prepared[slot][i]);
		free(store->prepared[slot]);
	}
	if (sqlite3_close(store->db) != SQLITE_OK)
		abort(); /* A statement that nobody finalised. */
	free(store);
}

/* ---- on other threads ---- */

int store_checkpoint(const char *path, struct err *err)
{
	struct store store = { 0 };
	int rv = 0;

	if (sqlite3_open_v2(path, &store.db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
		sqlite3_wal_checkpoint_v2(store.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) !=
			SQLITE_OK)
		rv = fail_open(&store, path, err);
	sqlite3_close(store.db);
	return rv;
}

void store_sync(const char *path)
{
	cleanup_free char *wal = str_format("%s-wal", path);
	/* SQLite holds no POSIX locks on this file that closing it could drop (it locks the data
	 * base file and the -shm file). */
	cleanup_close int fd = open(wal, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		(void)fdatasync(fd); /* A failure will be the last commit's as well. */
}

int store_backup(const char *path, const char *to, struct err *err)
{
	struct store from = { 0 }, target = { 0 };
	sqlite3_backup *backup = NULL;
	int rv = 0;

	if (sqlite3_open_v2(path, &from.db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		rv = fail_open(&from, path, err);
	else if (sqlite3_open(to, &target.db) != SQLITE_OK)
		rv = fail_open(&target, to, err);
	else if (sqlite3_exec(target.db, "PRAGMA synchronous = FULL", NULL, NULL, NULL) !=
			 SQLITE_OK ||
		 (backup = sqlite3_backup_init(target.db, "main", from.db, "main")) == NULL ||
		 sqlite3_backup_step(backup, -1) != SQLITE_DONE)
		rv = fail_open(&target, to, err);
	if (backup != NULL && sqlite3_backup_finish(backup) != SQLITE_OK && rv == 0)
		rv = fail_open(&target, to, err);
	sqlite3_close(target.db);
	sqlite3_close(from.db);
	return rv;
}

/* ---- the row of `daemon` ---- */

bool store_is_draining(struct store *store)
{
	struct query q = query_begin(store, &statements, GET_DRAINING);
	bool draining = query_row(&q) && query_get_int(&q, 0) != 0;

	query_end(&q);
	return draining;
}

void store_set_draining(struct store *store, bool draining)
{
	struct query q = query_begin(store, &statements, SET_DRAINING);

	query_int(&q, draining);
	query_run(&q);
}
