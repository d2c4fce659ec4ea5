#include "daemon/store/job.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/query.h"
#include "lib/mem.h"
#include "lib/str.h"

/* The set of the first job of that attribute that is the same derivation for another set. */
#define SAME_AS                                                                                    \
	"(SELECT oc.caps FROM jobs o JOIN contexts oc ON oc.id = o.context_id WHERE "              \
	"o.drv_path = j.drv_path AND o.attr = j.attr AND o.id < j.id AND oc.caps <> c.caps "       \
	"ORDER BY o.id LIMIT 1)"

/* In the order that row_to_job() reads. */
#define JOB_COLUMNS                                                                                           \
	"j.id, j.attr, c.caps, c.flavour, r.hash, j.rev_from, r.trusted, c.system, j.priority, "              \
	"j.submitter, j.state, j.held_state, j.failure, j.reason, j.drv_path, j.outputs, "                    \
	"j.build_id, j.submitted_at, j.started_at, j.finished_at, b.attempts, b.wall_ms, "                    \
	"b.core_ms, b.bytes_pushed, j.caps_from, (SELECT caps FROM contexts WHERE id = j.built_context_id), " \
	"j.unsupported, j.is_skipped, j.is_leftover, " SAME_AS
#define JOB_PARENTS                                                                                \
	"JOIN contexts c ON c.id = j.context_id JOIN revisions r ON r.id = c.revision_id "         \
	"LEFT JOIN builds b ON b.id = j.build_id "
#define JOB_TABLES " FROM jobs j " JOB_PARENTS

/* Rows of the batch that is not whole are not there for anybody but the batch. */
#define OPEN_BATCH "coalesce((SELECT id FROM batches), 0)"
/* The context whose set is built. */
#define BUILT "coalesce(j.built_context_id, j.context_id)"
#define VISIBLE "j.batch_id IS NOT " OPEN_BATCH
#define LIVE "('evaluating', 'planning', 'waiting', 'pushing', 'on_hold')"

/* The newest jobs of one state, none when its bit (of 1 << enum job_state) is not in ?2. Sorting
 * many states together would mean to read all their jobs; so each gives its newest ?3, and the
 * newest ?3 of these are read. */
#define NEWEST(bit, name)                                                                          \
	"SELECT id FROM (SELECT id FROM jobs WHERE ?2 & " bit " AND state = '" name "' AND "       \
	"id < ?1 AND batch_id IS NOT " OPEN_BATCH " ORDER BY id DESC LIMIT ?3)"

enum {
	INSERT,
	FIND,
	ADOPT,
	RAISE,
	GET,
	CHANGE,
	SET_DERIVATION,
	SET_PLAN,
	CLEAR_PLAN,
	SET_BUILT,
	SET_UNSUPPORTED,
	SET_SKIPPED,
	BUMP,
	SET_STARTED,
	NEXT_BUMPED,
	NEXT_OLDEST,
	EACH_OF_STATE,
	EACH_OF_CONTEXT,
	EACH_OF_BUILT_CONTEXT,
	OF_BUILD,
	COUNT,
	USES_ROOT,
	TWIN,
	PAGE_STATES,
	PAGE_ATTR,
	PAGE_BUILD,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[INSERT] =
		"INSERT INTO jobs (attr, context_id, state, caps_from, unsupported, rev_from, "
		"submitter, priority, is_leftover, batch_id, submitted_at) VALUES (?, ?, 'evaluating', ?, ?, ?, "
		"?, ?, ?, ?, ?) "
		"ON CONFLICT (attr, context_id) WHERE state NOT IN ('cancelled', 'superseded') "
		"DO NOTHING",
	[FIND] = "SELECT id, state, batch_id IS " OPEN_BATCH
		 ", is_leftover, build_id FROM jobs WHERE attr = ? AND context_id = ? AND "
		 "state NOT IN ('cancelled', 'superseded')",
	[ADOPT] = "UPDATE jobs SET batch_id = NULL WHERE id = ?",
	[RAISE] = "UPDATE jobs SET is_leftover = 0 WHERE id = ?",
	[GET] = "SELECT " JOB_COLUMNS JOB_TABLES "WHERE j.id = ? AND " VISIBLE,
	[CHANGE] = "UPDATE jobs SET state = ?, held_state = ?, failure = ?, reason = ?, "
		   "finished_at = ? WHERE id = ?",
	[SET_DERIVATION] = "UPDATE jobs SET drv_path = ? WHERE id = ?",
	[SET_PLAN] = "UPDATE jobs SET build_id = ?, root_id = ?, outputs = ? WHERE id = ?",
	[CLEAR_PLAN] = "UPDATE jobs SET build_id = NULL, root_id = NULL, started_at = 0, "
		       "built_context_id = NULL, is_skipped = 0 WHERE id = ?",
	[SET_BUILT] = "UPDATE jobs SET built_context_id = ? WHERE id = ?",
	[SET_UNSUPPORTED] = "UPDATE jobs SET unsupported = ? WHERE id = ?",
	[SET_SKIPPED] = "UPDATE jobs SET is_skipped = 1 WHERE id = ?",
	[BUMP] = "UPDATE jobs SET bumped_at = ? WHERE id = ?",
	[SET_STARTED] =
		"UPDATE jobs SET started_at = ? WHERE build_id = ? AND state = 'waiting' AND "
		"started_at = 0",
	[NEXT_BUMPED] = "SELECT j.id, " BUILT " FROM jobs j INDEXED BY jobs_bumped WHERE "
			"j.bumped_at > 0 AND j.state = 'evaluating' AND " VISIBLE
			" ORDER BY j.bumped_at DESC",
	[NEXT_OLDEST] = "SELECT j.id, " BUILT
			" FROM jobs j WHERE j.state = 'evaluating' AND " VISIBLE " ORDER BY j.id",
	[EACH_OF_STATE] = "SELECT j.id, j.attr, " BUILT ", j.drv_path FROM jobs j WHERE "
			  "j.state = ? AND " VISIBLE " ORDER BY j.id",
	[EACH_OF_CONTEXT] =
		"SELECT j.id, j.attr, " BUILT ", j.drv_path FROM jobs j WHERE "
		"j.context_id = ? AND j.state = ? AND j.built_context_id IS NULL AND " VISIBLE
		" ORDER BY j.id",
	[EACH_OF_BUILT_CONTEXT] =
		"SELECT j.id, j.attr, " BUILT ", j.drv_path FROM jobs j WHERE "
		"j.built_context_id = ? AND j.state = ? AND " VISIBLE " ORDER BY j.id",
	[OF_BUILD] =
		"SELECT id, state FROM jobs WHERE build_id = ? AND state IN " LIVE " ORDER BY id",
	[COUNT] = "SELECT state, count(*) FROM jobs j WHERE " VISIBLE " GROUP BY state",
	[USES_ROOT] = "SELECT 1 FROM jobs WHERE root_id = ? AND state IN " LIVE " LIMIT 1",
	[TWIN] = "SELECT 1 FROM jobs a JOIN jobs b ON b.attr = a.attr AND b.context_id = "
		 "a.context_id AND b.state NOT IN ('cancelled', 'superseded') WHERE a.id = ? AND "
		 "b.id <> a.id",
	[PAGE_STATES] = "SELECT " JOB_COLUMNS " FROM (SELECT id FROM (" NEWEST(
		"1", "evaluating") " UNION ALL " NEWEST("2", "planning") " UNION ALL " NEWEST("4",
		"waiting") " UNION ALL " NEWEST("8", "pushing") " UNION ALL " NEWEST("16",
		"done") " UNION ALL " NEWEST("32", "on_hold") " UNION ALL " NEWEST("64",
		"failed") " UNION ALL " NEWEST("128", "cancelled") " UNION ALL " NEWEST("256",
		"superseded") ") ORDER BY id DESC LIMIT ?3) k JOIN jobs j ON j.id = k.id " JOB_PARENTS
			      "ORDER BY k.id DESC",
	[PAGE_ATTR] = "SELECT " JOB_COLUMNS JOB_TABLES "WHERE j.attr = ? AND j.id < ? AND " VISIBLE
		      " ORDER BY j.id DESC",
	[PAGE_BUILD] = "SELECT " JOB_COLUMNS JOB_TABLES
		       "WHERE j.build_id = ? AND j.id < ? AND " VISIBLE " ORDER BY j.id DESC",
};

static const struct statements statements = { SLOT_JOB, N_STATEMENTS, sql };
const struct statements *const store_job_statements = &statements;

_Static_assert(JOB_SUPERSEDED == 8 && JOB_STATES == 9, "PAGE_STATES has a bit for each state");

/* What is stored passed the CHECKs of the schema, which lists the same names. */
static enum job_state state_of(const char *name)
{
	enum job_state state = JOB_EVALUATING;

	(void)job_state_from_name(name, &state);
	return state;
}

/* ---- entering ---- */

/* What is there of the same identity. */
struct found {
	bool is_staged, is_leftover;
	int64_t build_id;
};

static bool find(struct store *store, const struct job_entry *entry, struct job_entered *out,
	struct found *found)
{
	struct query q = query_begin(store, &statements, FIND);
	bool is_there;

	query_text(&q, entry->attr);
	query_int(&q, entry->context_id);
	is_there = query_row(&q);
	if (is_there) {
		out->id = query_get_int(&q, 0);
		out->state = state_of(query_get_text(&q, 1));
		found->is_staged = query_get_int(&q, 2) != 0;
		found->is_leftover = query_get_int(&q, 3) != 0;
		found->build_id = query_get_int_or(&q, 4, 0);
	}
	query_end(&q);
	return is_there;
}

static void change_one(struct store *store, int statement, int64_t id)
{
	struct query q = query_begin(store, &statements, statement);

	query_int(&q, id);
	query_run(&q);
}

static bool insert(struct store *store, const struct job_entry *entry)
{
	struct query q = query_begin(store, &statements, INSERT);

	query_text(&q, entry->attr);
	query_int(&q, entry->context_id);
	query_text(&q, entry->caps_from);
	query_text(&q, unsupported_name(entry->unsupported));
	query_text(&q, entry->rev_from);
	query_text(&q, entry->submitter);
	query_int(&q, entry->priority);
	query_int(&q, entry->is_leftover);
	query_int_or_null(&q, entry->batch_id, 0);
	query_int(&q, entry->now_ms);
	query_run(&q);
	return store_changes(store) > 0;
}

void store_job_enter(struct store *store, const struct job_entry *entry, struct job_entered *out)
{
	struct found found = { 0 };

	memset(out, 0, sizeof *out);
	if (insert(store, entry)) {
		out->id = store_last_id(store);
		out->state = JOB_EVALUATING;
		return;
	}
	if (!find(store, entry, out, &found))
		return; /* The store has failed. */
	out->adopted = found.is_staged && entry->batch_id == 0;
	out->existing = !out->adopted;
	if (out->adopted)
		change_one(store, ADOPT, out->id);
	if (!found.is_leftover || entry->is_leftover)
		return;
	change_one(store, RAISE, out->id);
	out->raised_build = found.build_id;
}

/* ---- one job ---- */

static void row_to_job(struct query *q, struct job *job)
{
	memset(job, 0, sizeof *job);
	job->id = query_get_int(q, 0);
	job->attr = query_copy_text(q, 1);
	job->caps = query_copy_text(q, 2);
	job->flavour = query_copy_text(q, 3);
	job->rev = query_copy_text(q, 4);
	job->rev_from = query_copy_text(q, 5);
	job->trusted = query_get_int(q, 6) != 0;
	job->system = query_copy_text(q, 7);
	job->priority = (int)query_get_int(q, 8);
	job->submitter = query_copy_text(q, 9);
	job->state = state_of(query_get_text(q, 10));
	job->held_state = state_of(query_get_text(q, 11));
	(void)failure_from_name(query_get_text(q, 12), &job->failure);
	job->reason = query_copy_text(q, 13);
	job->drv_path = query_copy_text(q, 14);
	job->outputs = query_copy_text(q, 15);
	job->build_id = query_get_int(q, 16);
	job->submitted_at = query_get_int(q, 17);
	job->started_at = query_get_int(q, 18);
	job->finished_at = query_get_int(q, 19);
	job->attempts = (int)query_get_int(q, 20);
	job->wall_ms = query_get_int_or(q, 21, -1);
	job->core_ms = query_get_int_or(q, 22, -1);
	job->bytes_pushed = query_get_int_or(q, 23, -1);
	job->caps_from = query_copy_text(q, 24);
	job->built_caps = query_copy_text(q, 25);
	(void)unsupported_from_name(query_get_text(q, 26), &job->unsupported);
	job->is_skipped = query_get_int(q, 27) != 0;
	job->is_leftover = query_get_int(q, 28) != 0;
	job->same_as = query_copy_text(q, 29);
}

bool store_job_get(struct store *store, int64_t id, struct job *out)
{
	struct query q = query_begin(store, &statements, GET);
	bool found;

	query_int(&q, id);
	found = query_row(&q);
	if (found)
		row_to_job(&q, out);
	query_end(&q);
	return found;
}

void store_job_change(struct store *store, int64_t id, const struct job_change *change)
{
	struct query q = query_begin(store, &statements, CHANGE);

	query_text(&q, job_state_name(change->state));
	query_text(&q, change->state == JOB_ON_HOLD ? job_state_name(change->held_state) : NULL);
	query_text(&q, failure_name(change->failure));
	query_text(&q, change->reason);
	query_int(&q, job_state_is_final(change->state) ? change->now_ms : 0);
	query_int(&q, id);
	query_run(&q);
}

void store_job_set_derivation(struct store *store, int64_t id, const char *drv_path)
{
	struct query q = query_begin(store, &statements, SET_DERIVATION);

	query_text(&q, drv_path);
	query_int(&q, id);
	query_run(&q);
}

void store_job_set_plan(
	struct store *store, int64_t id, int64_t build_id, int64_t root_id, const char *outputs)
{
	struct query q = query_begin(store, &statements, SET_PLAN);

	query_int_or_null(&q, build_id, 0);
	query_int_or_null(&q, root_id, 0);
	query_text(&q, outputs);
	query_int(&q, id);
	query_run(&q);
}

void store_job_clear_plan(struct store *store, int64_t id)
{
	struct query q = query_begin(store, &statements, CLEAR_PLAN);

	query_int(&q, id);
	query_run(&q);
}

void store_job_set_built(struct store *store, int64_t id, int64_t context_id)
{
	struct query q = query_begin(store, &statements, SET_BUILT);

	query_int(&q, context_id);
	query_int(&q, id);
	query_run(&q);
}

void store_job_set_unsupported(struct store *store, int64_t id, enum unsupported policy)
{
	struct query q = query_begin(store, &statements, SET_UNSUPPORTED);

	query_text(&q, unsupported_name(policy));
	query_int(&q, id);
	query_run(&q);
}

void store_job_set_skipped(struct store *store, int64_t id)
{
	struct query q = query_begin(store, &statements, SET_SKIPPED);

	query_int(&q, id);
	query_run(&q);
}

void store_job_bump(struct store *store, int64_t id, int64_t now_ms)
{
	struct query q = query_begin(store, &statements, BUMP);

	query_int(&q, now_ms);
	query_int(&q, id);
	query_run(&q);
}

void store_jobs_set_started(struct store *store, int64_t build_id, int64_t now_ms)
{
	struct query q = query_begin(store, &statements, SET_STARTED);

	query_int(&q, now_ms);
	query_int(&q, build_id);
	query_run(&q);
}

/* ---- what is next ---- */

static int64_t next_context(
	struct store *store, int which, bool (*skip)(void *, int64_t), void *owner)
{
	struct query q = query_begin(store, &statements, which);
	int64_t context = 0;

	while (context == 0 && query_row(&q))
		if (!skip(owner, query_get_int(&q, 0)))
			context = query_get_int(&q, 1);
	query_end(&q);
	return context;
}

int64_t store_job_next_context(struct store *store, bool (*skip)(void *, int64_t), void *owner)
{
	int64_t context = next_context(store, NEXT_BUMPED, skip, owner);

	return context != 0 ? context : next_context(store, NEXT_OLDEST, skip, owner);
}

static bool walk(struct store *store, int which, enum job_state state, int64_t context_id,
	bool (*one)(void *, int64_t, const char *, int64_t, const char *), void *owner)
{
	struct query q = query_begin(store, &statements, which);
	bool more = true;

	if (context_id != 0)
		query_int(&q, context_id);
	query_text(&q, job_state_name(state));
	while (more && query_row(&q))
		more = one(owner, query_get_int(&q, 0), query_get_text(&q, 1), query_get_int(&q, 2),
			query_get_text(&q, 3));
	query_end(&q);
	return more;
}

void store_jobs_each(struct store *store, enum job_state state, int64_t context_id,
	bool (*each)(void *, int64_t, const char *, int64_t, const char *), void *owner)
{
	if (context_id == 0)
		(void)walk(store, EACH_OF_STATE, state, 0, each, owner);
	else if (walk(store, EACH_OF_CONTEXT, state, context_id, each, owner))
		(void)walk(store, EACH_OF_BUILT_CONTEXT, state, context_id, each, owner);
}

void store_jobs_of_build(struct store *store, int64_t build_id, bool with_held,
	void (*each)(void *, int64_t, enum job_state), void *owner)
{
	struct query q = query_begin(store, &statements, OF_BUILD);
	struct found {
		int64_t id;
		enum job_state state;
	};
	cleanup_free struct found *found = NULL;
	size_t n = 0, capacity = 0;

	query_int(&q, build_id);
	while (query_row(&q)) {
		enum job_state state = state_of(query_get_text(&q, 1));

		if (state == JOB_ON_HOLD && !with_held)
			continue;
		array_reserve(&found, &capacity, n + 1, sizeof *found);
		found[n++] = (struct found){ query_get_int(&q, 0), state };
	}
	query_end(&q);
	for (size_t i = 0; i < n; i++) /* The statement is free again: `each` may move the job. */
		each(owner, found[i].id, found[i].state);
}

void store_jobs_count(struct store *store, int64_t counts[JOB_STATES])
{
	struct query q = query_begin(store, &statements, COUNT);

	memset(counts, 0, JOB_STATES * sizeof counts[0]);
	while (query_row(&q))
		counts[state_of(query_get_text(&q, 0))] = query_get_int(&q, 1);
	query_end(&q);
}

static bool has_row(struct store *store, int which, int64_t id)
{
	struct query q = query_begin(store, &statements, which);
	bool has;

	query_int(&q, id);
	has = query_row(&q);
	query_end(&q);
	return has;
}

bool store_job_has_live_twin(struct store *store, int64_t id)
{
	return has_row(store, TWIN, id);
}

bool store_job_uses_root(struct store *store, int64_t root_id)
{
	return has_row(store, USES_ROOT, root_id);
}

/* ---- pages ---- */

static bool fits(const struct job_filter *f, const struct job *job)
{
	return (f->states == 0 || (f->states >> job->state & 1) != 0) &&
	       (f->attr == NULL || strcmp(f->attr, job->attr) == 0) &&
	       (f->caps == NULL || strcmp(f->caps, job->caps) == 0) &&
	       (f->rev == NULL || str_starts(job->rev, f->rev)) &&
	       (f->flavour == NULL || strcmp(f->flavour, job->flavour) == 0) &&
	       (f->system == NULL || strcmp(f->system, job->system) == 0) &&
	       (f->build_id == 0 || f->build_id == job->build_id);
}

/* True when states are all that the filter looks at, so that every row of PAGE_STATES is wanted. */
static bool is_by_state_only(const struct job_filter *f)
{
	return f->caps == NULL && f->rev == NULL && f->flavour == NULL && f->system == NULL;
}

/* The statement that walks the fewest rows for this filter. */
static struct query begin_page(struct store *store, const struct job_filter *f)
{
	int64_t before = f->before_id > 0 ? f->before_id : INT64_MAX;
	struct query q;

	if (f->build_id != 0) {
		q = query_begin(store, &statements, PAGE_BUILD);
		query_int(&q, f->build_id);
		query_int(&q, before);
	} else if (f->attr != NULL) {
		q = query_begin(store, &statements, PAGE_ATTR);
		query_text(&q, f->attr);
		query_int(&q, before);
	} else {
		q = query_begin(store, &statements, PAGE_STATES);
		query_int(&q, before);
		query_int(&q, f->states != 0 ? f->states : (1 << JOB_STATES) - 1);
		query_int(&q, is_by_state_only(f) ? f->limit + 1 : JOB_SCAN_MAX + 1);
	}
	return q;
}

int64_t store_jobs_page(struct store *store, const struct job_filter *filter,
	void (*each)(void *, const struct job *), void *owner)
{
	struct query q = begin_page(store, filter);
	int64_t last_id = 0;
	int n = 0, seen = 0;

	while (query_row(&q)) {
		struct job job;

		if (n == filter->limit || seen++ == JOB_SCAN_MAX) {
			query_end(&q);
			return last_id;
		}
		row_to_job(&q, &job);
		last_id = job.id;
		if (fits(filter, &job)) {
			each(owner, &job);
			n++;
		}
		job_finish(&job);
	}
	query_end(&q);
	return 0;
}
