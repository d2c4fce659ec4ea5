#include "daemon/store/context.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/query.h"

enum {
	GET_REVISION,
	INSERT_REVISION,
	TRUST_REVISION,
	GET_CONTEXT_ID,
	INSERT_CONTEXT,
	GET_CONTEXT,
	OF_JOB,
	GET_LIVE,
	GET_EVALUATION,
	PUT_EVALUATION,
	FORGET_EVALUATION,
	N_STATEMENTS,
};

#define CONTEXT                                                                                    \
	"SELECT c.id, r.id, r.hash, r.trusted, c.caps, c.flavour, c.flavour_digest, c.system "     \
	"FROM contexts c JOIN revisions r ON r.id = c.revision_id WHERE c.id = "

static const char *const sql[N_STATEMENTS] = {
	[GET_REVISION] = "SELECT id, trusted FROM revisions WHERE hash = ?",
	[INSERT_REVISION] = "INSERT INTO revisions (hash, trusted, seen_at) VALUES (?, ?, ?)",
	[TRUST_REVISION] = "UPDATE revisions SET trusted = 1 WHERE id = ?",
	[GET_CONTEXT_ID] = "SELECT id FROM contexts WHERE revision_id = ? AND caps = ? AND "
			   "flavour = ? AND system = ? AND flavour_digest = ?",
	[INSERT_CONTEXT] = "INSERT INTO contexts (revision_id, caps, flavour, system, "
			   "flavour_digest) VALUES (?, ?, ?, ?, ?)",
	[GET_CONTEXT] = CONTEXT "?",
	[OF_JOB] = CONTEXT "(SELECT context_id FROM jobs WHERE id = ?)",
	[GET_LIVE] = "SELECT 1 FROM revisions r JOIN contexts c ON c.revision_id = r.id "
		     "JOIN jobs j ON j.context_id = c.id AND j.state IN ('evaluating', "
		     "'planning', 'waiting', 'pushing', 'on_hold') WHERE r.hash = ? LIMIT 1",
	[GET_EVALUATION] = "SELECT drv_path FROM evaluations WHERE attr = ? AND context_id = ?",
	[PUT_EVALUATION] = "INSERT OR REPLACE INTO evaluations (attr, context_id, drv_path, at) "
			   "VALUES (?, ?, ?, ?)",
	[FORGET_EVALUATION] =
		"DELETE FROM evaluations WHERE (attr, context_id) ="
		" (SELECT attr, coalesce(built_context_id, context_id) FROM jobs WHERE id = ?)",
};

static const struct statements statements = { SLOT_CONTEXT, N_STATEMENTS, sql };
const struct statements *const store_context_statements = &statements;

void context_finish(struct context *context)
{
	free(context->rev);
	free(context->caps);
	free(context->flavour);
	free(context->flavour_digest);
	free(context->system);
	memset(context, 0, sizeof *context);
}

static int64_t get_revision(struct store *store, const char *hash, bool *out_trusted)
{
	struct query q = query_begin(store, &statements, GET_REVISION);
	int64_t id = 0;

	query_text(&q, hash);
	if (query_row(&q)) {
		id = query_get_int(&q, 0);
		*out_trusted = query_get_int(&q, 1) != 0;
	}
	query_end(&q);
	return id;
}

bool store_revision_get(struct store *store, const char *hash, bool *out_trusted)
{
	return get_revision(store, hash, out_trusted) != 0;
}

int64_t store_revision(struct store *store, const char *hash, bool trusted, int64_t now_ms)
{
	bool is_trusted = false;
	int64_t id = get_revision(store, hash, &is_trusted);
	struct query q;

	if (id == 0) {
		q = query_begin(store, &statements, INSERT_REVISION);
		query_text(&q, hash);
		query_int(&q, trusted);
		query_int(&q, now_ms);
		query_run(&q);
		return store_last_id(store);
	}
	if (trusted && !is_trusted) {
		q = query_begin(store, &statements, TRUST_REVISION);
		query_int(&q, id);
		query_run(&q);
	}
	return id;
}

static void bind_context(struct query *q, int64_t revision_id, const char *caps,
	const char *flavour, const char *system, const char *flavour_digest)
{
	query_int(q, revision_id);
	query_text(q, caps);
	query_text(q, flavour);
	query_text(q, system);
	query_text(q, flavour_digest);
}

int64_t store_context(struct store *store, int64_t revision_id, const char *caps,
	const char *flavour, const char *flavour_digest, const char *system)
{
	struct query q = query_begin(store, &statements, GET_CONTEXT_ID);
	int64_t id = 0;

	bind_context(&q, revision_id, caps, flavour, system, flavour_digest);
	if (query_row(&q))
		id = query_get_int(&q, 0);
	query_end(&q);
	if (id != 0)
		return id;
	q = query_begin(store, &statements, INSERT_CONTEXT);
	bind_context(&q, revision_id, caps, flavour, system, flavour_digest);
	query_run(&q);
	return store_last_id(store);
}

static bool get_context(struct store *store, int which, int64_t id, struct context *out)
{
	struct query q = query_begin(store, &statements, which);
	bool found;

	query_int(&q, id);
	found = query_row(&q);
	if (found) {
		out->id = query_get_int(&q, 0);
		out->revision_id = query_get_int(&q, 1);
		out->rev = query_copy_text(&q, 2);
		out->trusted = query_get_int(&q, 3) != 0;
		out->caps = query_copy_text(&q, 4);
		out->flavour = query_copy_text(&q, 5);
		out->flavour_digest = query_copy_text(&q, 6);
		out->system = query_copy_text(&q, 7);
	}
	query_end(&q);
	return found;
}

bool store_context_get(struct store *store, int64_t id, struct context *out)
{
	return get_context(store, GET_CONTEXT, id, out);
}

bool store_job_context(struct store *store, int64_t job_id, struct context *out)
{
	return get_context(store, OF_JOB, job_id, out);
}

bool store_revision_is_live(struct store *store, const char *hash)
{
	struct query q = query_begin(store, &statements, GET_LIVE);
	bool is_live;

	query_text(&q, hash);
	is_live = query_row(&q);
	query_end(&q);
	return is_live;
}

char *store_evaluation_get(struct store *store, const char *attr, int64_t context_id)
{
	struct query q = query_begin(store, &statements, GET_EVALUATION);
	char *drv_path = NULL;

	query_text(&q, attr);
	query_int(&q, context_id);
	if (query_row(&q))
		drv_path = query_copy_text(&q, 0);
	query_end(&q);
	return drv_path;
}

void store_evaluation_put(struct store *store, const char *attr, int64_t context_id,
	const char *drv_path, int64_t now_ms)
{
	struct query q = query_begin(store, &statements, PUT_EVALUATION);

	query_text(&q, attr);
	query_int(&q, context_id);
	query_text(&q, drv_path);
	query_int(&q, now_ms);
	query_run(&q);
}

void store_evaluation_forget(struct store *store, int64_t job_id)
{
	struct query q = query_begin(store, &statements, FORGET_EVALUATION);

	query_int(&q, job_id);
	query_run(&q);
}
