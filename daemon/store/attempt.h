/* Attempts of builds, and the history of what Nix built. */
#ifndef CAPQ_DAEMON_STORE_ATTEMPT_H
#define CAPQ_DAEMON_STORE_ATTEMPT_H

#include "daemon/store/store.h"
#include "lib/failure.h"

struct attempt {
	int64_t id; /* Names its log. */
	int64_t build_id;
	int number;
	char *builder;
	int64_t started_at, finished_at; /* ms since 1970; 0: not yet. */
	char *outcome;                   /* "running", "built", "failed", "interrupted" */
	enum failure failure;
	char *reason;
	int64_t log_bytes; /* Printed in all; -1: the log is gone. */
};

void attempt_finish(struct attempt *attempt);

int64_t store_attempt_start(
	struct store *store, int64_t build_id, int number, const char *builder, int64_t now_ms);
void store_attempt_end(struct store *store, int64_t id, const char *outcome, enum failure failure,
	const char *reason, int64_t log_bytes, int64_t now_ms);

/* Attempt `number` of the build; 0: the newest. False when there is none. */
bool store_attempt_get(struct store *store, int64_t build_id, int number, struct attempt *out);
void store_attempts_of(struct store *store, int64_t build_id,
	void (*each)(void *owner, const struct attempt *attempt), void *owner);

/* Call `each` for the attempts that a start finds still running; and call them interrupted. */
void store_attempts_running(
	struct store *store, void (*each)(void *owner, int64_t attempt_id), void *owner);
void store_attempts_interrupt(struct store *store, int64_t now_ms);
void store_attempt_set_log_bytes(struct store *store, int64_t id, int64_t log_bytes);

/* Call `each` for at most `limit` attempts that ended before `before_ms` and still have a log; and
 * note that the log of one is gone. */
void store_logs_before(struct store *store, int64_t before_ms, int limit,
	void (*each)(void *owner, int64_t attempt_id), void *owner);
void store_log_gone(struct store *store, int64_t attempt_id);

/* Why an attempt was started, and what it was expected to take. */
struct start {
	const char *rule; /* sched_rule_name() */
	double score;
	int64_t start_by;  /* ms since 1970; 0: no promise. */
	int64_t runner_up; /* A build; 0: none. */
	double runner_up_score;
	int64_t estimate_ms, estimate_p90_ms;
	const char *basis; /* estimate_basis_name() */
};
void store_start_add(struct store *store, int64_t attempt_id, const struct start *start);

/* Calls `each` when there is one. */
void store_start_of(struct store *store, int64_t attempt_id,
	void (*each)(void *owner, const struct start *start), void *owner);

/* One derivation that Nix built, or tried to. */
struct history_entry {
	int64_t id; /* When it is read by store_history_after(). */
	int64_t attempt_id;
	const char *drv_path;
	const char *package;
	const char *system;
	const char *caps;
	const char *machine; /* "": the builder itself. */
	const char *builder;
	bool is_ride;
	int64_t started_at, wall_ms;
	int64_t core_ms;      /* -1: unknown. */
	int64_t output_bytes; /* -1: unknown. */
	const char *outcome;  /* "built", "failed", "interrupted" */
};
int64_t store_history_add(struct store *store, const struct history_entry *entry);
void store_history_set_bytes(struct store *store, int64_t id, int64_t output_bytes);

/* Call `each` for the newest `limit` rows, oldest first. Of an entry, attempt_id is not set. */
void store_history_each(struct store *store, int limit,
	void (*each)(void *owner, const struct history_entry *entry), void *owner);

/* The same for at most `limit` rows behind `after_id`. Returns how many. */
int store_history_after(struct store *store, int64_t after_id, int limit,
	void (*each)(void *owner, const struct history_entry *entry), void *owner);
int64_t store_history_last_id(struct store *store); /* 0: there is none. */

#endif
