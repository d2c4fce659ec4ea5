/* What SQLite can do at best: a loop that enters jobs as capqd does (its schema with all indexes,
 * its settings, the same rows) and nothing else.
 *
 *   capq-insert FILE single SECONDS    a job a transaction, each on the disk before the next;
 *                                      a job and its event, as for a submit of one
 *   capq-insert FILE bulk N            N jobs in one transaction, then on the disk
 *
 * FILE must not exist. Prints one JSON object: how many jobs, in how many seconds. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/embedded.h"

static sqlite3 *db;

static void die(const char *what)
{
	(void)fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
	exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void execute(const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die(sql);
}

static sqlite3_stmt *prepare(const char *sql)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		die(sql);
	return stmt;
}

static void run(sqlite3_stmt *stmt)
{
	if (sqlite3_step(stmt) != SQLITE_DONE)
		die("insert");
	sqlite3_reset(stmt);
}

/* As daemon/store/store.c opens it. */
static void open_db(const char *path)
{
	if (sqlite3_open(path, &db) != SQLITE_OK)
		die(path);
	execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = ON;"
		"PRAGMA cache_size = -2048; PRAGMA trusted_schema = OFF");
	for (int i = 0; embedded_schema[i].name != NULL; i++)
		execute(embedded_schema[i].text);
	execute("INSERT INTO revisions (hash, trusted, seen_at) VALUES "
		"('0123456789012345678901234567890123456789', 1, 1);"
		"INSERT INTO contexts (revision_id, caps, flavour, flavour_digest, system) VALUES "
		"(1, '8.6', 'default', '', 'x86_64-linux')");
}

static void insert_job(sqlite3_stmt *stmt, int n)
{
	char attr[64];

	(void)snprintf(attr, sizeof attr, "bench.client%d.job%d", n % 10, n / 10);
	sqlite3_bind_text(stmt, 1, attr, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, 1700000000000 + n);
	run(stmt);
}

static int insert_singly(double seconds)
{
	sqlite3_stmt *job = prepare(
		"INSERT INTO jobs (attr, context_id, state, rev_from, submitter, submitted_at) "
		"VALUES (?, 1, 'evaluating', 'hash', 'uid 0', ?)");
	sqlite3_stmt *event = prepare("INSERT INTO events (at, kind, subject, after) VALUES "
				      "(?, 'job', ?, 'evaluating')");
	double end = now_s() + seconds;
	int n = 0;

	for (; now_s() < end; n++) {
		execute("BEGIN IMMEDIATE");
		insert_job(job, n);
		sqlite3_bind_int64(event, 1, 1700000000000 + n);
		sqlite3_bind_int64(event, 2, sqlite3_last_insert_rowid(db));
		run(event);
		execute("COMMIT");
	}
	sqlite3_finalize(job);
	sqlite3_finalize(event);
	return n;
}

static void insert_bulk(int n)
{
	sqlite3_stmt *job = prepare("INSERT INTO jobs (attr, context_id, state, rev_from, "
				    "submitter, batch_id, submitted_at) "
				    "VALUES (?, 1, 'evaluating', 'hash', 'uid 0', 1, ?)");

	execute("BEGIN IMMEDIATE");
	for (int i = 0; i < n; i++)
		insert_job(job, i);
	execute("COMMIT");
	sqlite3_finalize(job);
}

int main(int argc, char **argv)
{
	double began;
	int n;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: capq-insert FILE single|bulk SECONDS|N\n");
		return 2;
	}
	open_db(argv[1]);
	began = now_s();
	if (strcmp(argv[2], "single") == 0)
		n = insert_singly(strtod(argv[3], NULL));
	else
		insert_bulk(n = atoi(argv[3]));
	printf("{\"n\": %d, \"seconds\": %.3f}\n", n, now_s() - began);
	sqlite3_close(db);
	return 0;
}
