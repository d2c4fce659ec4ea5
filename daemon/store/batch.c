#include "daemon/store/batch.h"

#include "daemon/store/query.h"

enum {
	BEGIN,
	OPEN,
	END,
	DROP_JOBS,
	DROP_ANSWER,
	GET_ANSWER,
	PUT_ANSWER,
	TRIM_ANSWERS,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[BEGIN] = "INSERT INTO batches (started_at) VALUES (?)",
	[OPEN] = "SELECT id FROM batches",
	[END] = "DELETE FROM batches WHERE id = ?",
	[DROP_JOBS] =
		"DELETE FROM jobs WHERE id IN (SELECT id FROM jobs INDEXED BY jobs_state WHERE "
		"state = 'evaluating' AND batch_id = ? LIMIT ?)",
	[DROP_ANSWER] = "DELETE FROM answers WHERE batch_id = ?",
	[GET_ANSWER] = "SELECT digest = ?, answer FROM answers WHERE submitter = ? AND key = ? AND "
		       "batch_id IS NOT coalesce((SELECT id FROM batches), 0)",
	[PUT_ANSWER] =
		"INSERT OR REPLACE INTO answers (submitter, key, digest, batch_id, at, answer) "
		"VALUES (?, ?, ?, ?, ?, ?)",
	[TRIM_ANSWERS] =
		"DELETE FROM answers WHERE (submitter, key) IN (SELECT submitter, key FROM "
		"answers INDEXED BY answers_at WHERE at < ? ORDER BY at LIMIT ?)",
};

static const struct statements statements = { SLOT_BATCH, N_STATEMENTS, sql };
const struct statements *const store_batch_statements = &statements;

int64_t store_batch_begin(struct store *store, int64_t now_ms)
{
	struct query q = query_begin(store, &statements, BEGIN);

	query_int(&q, now_ms);
	query_run(&q);
	return store_last_id(store);
}

int64_t store_batch_open(struct store *store)
{
	struct query q = query_begin(store, &statements, OPEN);
	int64_t id = query_row(&q) ? query_get_int(&q, 0) : 0;

	query_end(&q);
	return id;
}

void store_batch_end(struct store *store, int64_t batch_id)
{
	struct query q = query_begin(store, &statements, END);

	query_int(&q, batch_id);
	query_run(&q);
}

int store_batch_drop(struct store *store, int64_t batch_id, int limit)
{
	struct query q = query_begin(store, &statements, DROP_JOBS);
	int n;

	query_int(&q, batch_id);
	query_int(&q, limit);
	query_run(&q);
	n = (int)store_changes(store);
	if (n < limit) {
		q = query_begin(store, &statements, DROP_ANSWER);
		query_int(&q, batch_id);
		query_run(&q);
		store_batch_end(store, batch_id);
	}
	return n;
}

bool store_answer_get(struct store *store, const char *submitter, const char *key,
	const char *digest, bool *out_same, struct str *out)
{
	struct query q = query_begin(store, &statements, GET_ANSWER);
	bool found;

	query_text(&q, digest);
	query_text(&q, submitter);
	query_text(&q, key);
	found = query_row(&q);
	if (found) {
		size_t len;
		const void *answer = query_get_blob(&q, 1, &len);

		*out_same = query_get_int(&q, 0) != 0;
		str_add_bytes(out, answer, len);
	}
	query_end(&q);
	return found;
}

void store_answer_put(struct store *store, const char *submitter, const char *key,
	const char *digest, const struct str *answer, int64_t batch_id, int64_t now_ms)
{
	struct query q = query_begin(store, &statements, PUT_ANSWER);

	query_text(&q, submitter);
	query_text(&q, key);
	query_text(&q, digest);
	query_int_or_null(&q, batch_id, 0);
	query_int(&q, now_ms);
	query_blob(&q, str_text(answer), answer->len);
	query_run(&q);
}

void store_answers_trim(struct store *store, int64_t before_ms, int limit)
{
	struct query q = query_begin(store, &statements, TRIM_ANSWERS);

	query_int(&q, before_ms);
	query_int(&q, limit);
	query_run(&q);
}
