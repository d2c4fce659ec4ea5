#include "daemon/stats/trace.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/stats/arrivals.h"
#include "daemon/store/trace.h"
#include "lib/id_map.h"
#include "lib/mem.h"
#include "lib/str.h"

#define TRACE_HEADER "id,submit_s,work_s,package,caps,rev,branch,submitter,depends"
#define HISTORY_HEADER "package,caps,work_s,age_s"

struct trace {
	struct arrivals *arrivals;
	int64_t zero_ms;    /* Its time 0. */
	size_t n;           /* Rows that were given. */
	bool began;         /* The header was. */
	struct id_map seen; /* Hashes of (revision, branch, package, set) that came. */
};

/* ---- making it ---- */

static void add_build(void *owner, int64_t id, int64_t created_at, bool is_fetch, int64_t wall_ms)
{
	arrivals_add_build(owner, id, created_at, is_fetch ? -1 : wall_ms);
}

static void add_need(void *owner, int64_t build_id, int64_t need_id)
{
	arrivals_add_need(owner, build_id, need_id);
}

static void add_job(void *owner, int64_t id, int64_t build_id, int64_t submitted_at, int priority)
{
	arrivals_add_job(owner, id, build_id, submitted_at, priority);
}

int trace_make(const char *database, int64_t since_ms, struct trace **out, struct err *err)
{
	struct store *store = NULL;
	struct trace *trace;
	int rv = store_open_snapshot(database, &store, err);

	if (rv < 0)
		return rv;
	trace = xcalloc(1, sizeof *trace);
	trace->arrivals = arrivals_create();
	store_trace_builds(store, add_build, trace->arrivals);
	store_trace_needs(store, add_need, trace->arrivals);
	store_trace_jobs(store, add_job, trace->arrivals);
	if (store_failed(store))
		rv = err_set(err, CAPQ_EFAILED, "the data base could not be read");
	store_close(store);
	if (rv < 0) {
		trace_destroy(trace);
		return rv;
	}
	arrivals_order(trace->arrivals, since_ms);
	trace->zero_ms = since_ms;
	if (since_ms == 0 && arrivals_n(trace->arrivals) > 0)
		trace->zero_ms = arrivals_at(trace->arrivals, 0)->at_ms;
	*out = trace;
	return 0;
}

void trace_destroy(struct trace *trace)
{
	if (trace == NULL)
		return;
	arrivals_destroy(trace->arrivals);
	id_map_finish(&trace->seen);
	free(trace);
}

/* ---- rows ---- */

static void add_seconds(struct csv_out *out, int64_t ms)
{
	csv_out_double(out, (double)ms / 1000, 3);
}

static void add_work(struct csv_out *out, const struct trace_speeds *speeds, int64_t wall_ms,
	const char *builder)
{
	csv_out_double(out, (double)wall_ms * speeds->of(speeds->owner, builder) / 1000, 3);
}

/* "8.0+8.6+PTX" of "8.0,8.6+PTX" */
static void add_set(struct csv_out *out, const char *caps)
{
	cleanup_free char *set = xstrdup(caps);

	for (char *c = set; *c != '\0'; c++)
		if (*c == ',')
			*c = '+';
	csv_out_text(out, set);
}

/* FNV-1a of a text and the blank behind it. */
static uint64_t add_hash(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (hash ^ ' ') * UINT64_C(0x100000001b3);
}

/* A later row of the same branch, package and set takes the place of an earlier one: that is meant
 * for another revision. A second build of one revision, such as of another flavour, must not. */
static bool is_second(struct trace *trace, const struct trace_texts *t)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	int64_t key;

	hash = add_hash(add_hash(hash, t->rev), t->rev_from);
	hash = add_hash(add_hash(hash, t->package), t->caps);
	key = (int64_t)(hash >> 1) | 1;
	if (id_map_get(&trace->seen, key) != ID_MAP_NONE)
		return true;
	id_map_set(&trace->seen, key, 0);
	return false;
}

struct row {
	struct trace *trace;
	const struct trace_speeds *speeds;
	const struct arrival *arrival;
	struct csv_out *out;
};

static void add_texts(void *owner, const struct trace_texts *texts)
{
	static const char prefix[] = "branch ";
	struct row *row = owner;
	const struct arrival *a = row->arrival;
	bool has_branch = str_starts(texts->rev_from, prefix) && !is_second(row->trace, texts);

	csv_out_int(row->out, a->build_id);
	add_seconds(row->out, a->at_ms - row->trace->zero_ms);
	add_work(row->out, row->speeds, a->wall_ms, texts->builder);
	csv_out_text(row->out, texts->package);
	add_set(row->out, texts->caps);
	csv_out_text(row->out, texts->rev);
	csv_out_text(row->out, has_branch ? texts->rev_from + sizeof prefix - 1 : "");
	csv_out_text(row->out, texts->submitter);
}

struct depends {
	const struct trace *trace;
	struct str text;
};

static void add_depends(void *owner, int64_t need_id)
{
	struct depends *d = owner;

	if (arrivals_has(d->trace->arrivals, need_id))
		str_addf(&d->text, "%s%lld", d->text.len > 0 ? ";" : "", (long long)need_id);
}

static void add_row(struct trace *trace, struct store *store, const struct trace_speeds *speeds,
	struct csv_out *out)
{
	struct row row = { trace, speeds, arrivals_at(trace->arrivals, trace->n), out };
	struct depends depends = { .trace = trace };

	if (!store_trace_texts(store, row.arrival->build_id, row.arrival->job_id, add_texts, &row))
		return;
	store_trace_needs_of(store, row.arrival->build_id, add_depends, &depends);
	csv_out_text(out, str_text(&depends.text));
	csv_out_end_row(out);
	str_free(&depends.text);
}

bool trace_next(struct trace *trace, struct store *store, const struct trace_speeds *speeds,
	int max, struct csv_out *out)
{
	if (!trace->began)
		csv_out_header(out, TRACE_HEADER);
	trace->began = true;
	for (; max > 0 && trace->n < arrivals_n(trace->arrivals); max--) {
		add_row(trace, store, speeds, out);
		trace->n++;
	}
	return trace->n < arrivals_n(trace->arrivals);
}

/* ---- history ---- */

struct past_rows {
	struct trace_history *history;
	const struct trace_speeds *speeds;
	struct csv_out *out;
};

/* Rows are stored as builds end, those of one run together: behind the first that began too late
 * nothing follows that was known. */
static void add_past(void *owner, const struct trace_past *past)
{
	struct past_rows *rows = owner;
	int64_t age_ms = rows->history->since_ms - (past->started_at + past->wall_ms);

	rows->history->last_id = past->id;
	if (past->started_at >= rows->history->since_ms)
		rows->history->ended = true;
	if (rows->history->ended || age_ms < 0 || strcmp(past->outcome, "built") != 0)
		return;
	csv_out_text(rows->out, past->package);
	add_set(rows->out, past->caps);
	add_work(rows->out, rows->speeds, past->wall_ms, past->builder);
	add_seconds(rows->out, age_ms);
	csv_out_end_row(rows->out);
}

bool trace_history_next(struct trace_history *history, struct store *store,
	const struct trace_speeds *speeds, int max, struct csv_out *out)
{
	struct past_rows rows = { history, speeds, out };

	if (!history->began)
		csv_out_header(out, HISTORY_HEADER);
	history->began = true;
	if (!history->ended &&
		store_trace_past(store, history->last_id, max, add_past, &rows) < max)
		history->ended = true;
	return !history->ended;
}
