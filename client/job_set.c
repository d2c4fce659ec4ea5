#include "client/job_set.h"

#include <stdlib.h>
#include <string.h>

#include "client/member.h"
#include "client/now.h"
#include "client/pages.h"
#include "lib/mem.h"

#define AT_ONCE_MS 100 /* After an event about a job: others often follow in the same breath. */
#define SOON_MS 1000   /* After one about a build, which many jobs may wait for. */
#define KEEP_FINAL_MS 60000
#define BUILD_NEWS_MAX 100 /* How many jobs such an event makes stale; a screen shows no more. */

static struct tracked *find(const struct job_set *set, int64_t id)
{
	uint32_t at = id_map_get(&set->index, id);

	return at == ID_MAP_NONE ? NULL : &set->items[at];
}

static struct tracked *find_or_add(struct job_set *set, int64_t id)
{
	struct tracked *t = find(set, id);

	if (t != NULL)
		return t;
	array_reserve(&set->items, &set->capacity, set->n + 1, sizeof *set->items);
	id_map_set(&set->index, id, (uint32_t)set->n);
	t = &set->items[set->n++];
	*t = (struct tracked){ .id = id, .is_stale = true };
	return t;
}

/* The items have moved. */
static void make_index(struct job_set *set)
{
	id_map_finish(&set->index);
	set->index = (struct id_map){ 0 };
	for (size_t i = 0; i < set->n; i++)
		id_map_set(&set->index, set->items[i].id, (uint32_t)i);
}

void job_set_add(struct job_set *set, int64_t id)
{
	(void)find_or_add(set, id);
}

static bool is_live(const struct tracked *t)
{
	return !t->is_known || !job_state_is_final(t->record.job.state);
}

size_t job_set_count_live(const struct job_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += is_live(&set->items[i]);
	return n;
}

void job_set_doubt(struct job_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (is_live(&set->items[i]))
			set->items[i].is_stale = true;
	set->wants_list = set->is_everything;
}

/* ---- events ---- */

static int64_t note_job(struct job_set *set, int64_t id)
{
	struct tracked *t = set->is_everything ? find_or_add(set, id) : find(set, id);

	if (t == NULL)
		return -1;
	t->is_stale = true;
	return AT_ONCE_MS;
}

/* A build began or ended: what jobs wait for may be something else now. */
static int64_t note_build(struct job_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n && n < BUILD_NEWS_MAX; i++) {
		if (is_live(&set->items[i])) {
			set->items[i].is_stale = true;
			n++;
		}
	}
	return n > 0 ? SOON_MS : -1;
}

static int64_t note_progress(struct job_set *set, const struct json *data)
{
	int64_t build = member_int(data, "build", 0), now = wall_ms();

	if (build == 0)
		return -1;
	for (size_t i = 0; i < set->n; i++) {
		struct record *record = &set->items[i].record;
		bool is_its = record->progress.build_id == build || record->job.build_id == build;

		if (!set->items[i].is_known || !is_its)
			continue;
		progress_finish(&record->progress);
		progress_from_json(data, &record->progress);
		record->seen_at_ms = now;
	}
	return -1;
}

int64_t job_set_note(struct job_set *set, const struct sse_event *event)
{
	cleanup_json struct json *data = NULL;
	int64_t subject;

	if (json_parse(event->data, event->data_len, &data, NULL) < 0)
		return -1; /* An event of a later version, perhaps; it is not for us. */
	subject = member_int(data, "subject", 0);
	if (strcmp(event->name, "progress") == 0)
		return note_progress(set, data);
	if (strcmp(event->name, "job") == 0 && subject > 0)
		return note_job(set, subject);
	if (strcmp(event->name, "build") == 0)
		return note_build(set);
	if (strcmp(event->name, "batch") == 0 && set->is_everything) {
		set->wants_list = true;
		return SOON_MS;
	}
	if (strcmp(event->name, "gap") == 0) {
		job_set_doubt(set);
		return AT_ONCE_MS;
	}
	return -1;
}

/* ---- asking ---- */

static void learn(struct tracked *t, struct record *record)
{
	record_finish(&t->record);
	t->record = *record;
	t->is_known = true;
	t->is_stale = false;
}

static int compare(const void *a_pointer, const void *b_pointer)
{
	const struct tracked *a = a_pointer, *b = b_pointer;

	return (a->id > b->id) - (a->id < b->id);
}

/* All live jobs, page by page. What was live and is not among them stays stale. */
static int list(struct job_set *set, struct api *api, struct err *err)
{
	const struct json *json;
	struct pages pages;
	int rv;

	pages_init(&pages, api, "/jobs", "jobs", INT64_MAX);
	pages_filter(&pages, "state", "live");
	while ((rv = pages_next(&pages, &json, err)) > 0) {
		struct record record;

		rv = record_from_json(json, wall_ms(), &record, err);
		if (rv < 0)
			break;
		learn(find_or_add(set, record.job.id), &record);
	}
	pages_finish(&pages);
	if (set->n > 0) {
		qsort(set->items, set->n, sizeof *set->items, compare);
		make_index(set);
	}
	set->wants_list = rv < 0;
	return rv;
}

static int ask(struct tracked *t, struct api *api, struct err *err)
{
	cleanup_json struct json *json = NULL;
	struct record record;
	int rv = api_get(api, &json, err, "/jobs/%lld", (long long)t->id);

	if (rv == 0)
		rv = record_from_json(json, wall_ms(), &record, err);
	if (rv == 0)
		learn(t, &record);
	return rv;
}

int job_set_refresh(struct job_set *set, struct api *api, struct err *err)
{
	int rv = set->wants_list ? list(set, api, err) : 0;

	for (size_t i = 0; i < set->n && rv == 0; i++)
		if (set->items[i].is_stale)
			rv = ask(&set->items[i], api, err);
	return rv;
}

/* ---- ending ---- */

static void finish_tracked(struct tracked *t)
{
	record_finish(&t->record);
	free(t->said_phase);
}

void job_set_drop_final(struct job_set *set)
{
	int64_t before_ms = monotonic_ms() - KEEP_FINAL_MS;
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct tracked *t = &set->items[i];

		if (is_live(t) || t->is_stale || !t->was_said || t->said_at_ms > before_ms)
			set->items[kept++] = *t;
		else
			finish_tracked(t);
	}
	if (kept == set->n)
		return;
	set->n = kept;
	make_index(set);
}

void job_set_finish(struct job_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		finish_tracked(&set->items[i]);
	id_map_finish(&set->index);
	free(set->items);
	*set = (struct job_set){ 0 };
}
