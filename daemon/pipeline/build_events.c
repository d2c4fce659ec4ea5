#include "daemon/pipeline/build_events.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/nix_error.h"
#include "lib/nix_event.h"
#include "lib/store_path.h"
#include "lib/str.h"
#include "lib/time_text.h"

#define LAST_LINE_MAX 200
#define REASON_MAX 1000

struct target {
	char *drv_path;
	bool is_fetch;
	struct build_run_ride *rides; /* Their strings are ours. */
	size_t n_rides;
	enum failure failure; /* The first that was told of; FAILURE_NONE. */
	char *reason;
	char phase[64], derivation[128], last_line[LAST_LINE_MAX];
};

/* A running activity of type Build. */
struct activity {
	uint64_t id;
	size_t drv; /* Index in `drvs`; SIZE_MAX: not ours. */
};

struct build_events {
	struct build_events_spec spec;
	struct target *targets;
	struct activity *activities; /* Few: as many as run at once. */
	size_t n_activities, activities_capacity;
	struct build_run_drv *drvs;
	size_t n_drvs, drvs_capacity;
	uint64_t builds_activity; /* The first of type Builds: its Progress counts derivations. */
	int64_t done, expected;
	int64_t cpu_ms;       /* Of all that ended so far. */
	int64_t heard_ms;     /* Monotonic: the last line of a build's log. */
	bool foreign;         /* It began what is not ours. */
	char *general_reason; /* The first error that names no derivation of ours. */
	enum failure general_failure;
};

/* ---- who is who ---- */

static bool is_targets_drv(
	const struct target *t, const char *drv_path, bool *out_is_ride, bool *out_is_fetch)
{
	*out_is_ride = false;
	*out_is_fetch = t->is_fetch;
	if (strcmp(t->drv_path, drv_path) == 0)
		return true;
	for (size_t i = 0; i < t->n_rides; i++) {
		if (strcmp(t->rides[i].drv_path, drv_path) == 0) {
			*out_is_ride = true;
			*out_is_fetch = t->rides[i].is_fetch;
			return true;
		}
	}
	return false;
}

/* The target that a derivation belongs to; NULL: none. */
static struct target *target_of(
	const struct build_events *e, const char *drv_path, bool *out_is_ride)
{
	bool is_fetch;

	for (size_t i = 0; i < e->spec.n; i++)
		if (is_targets_drv(&e->targets[i], drv_path, out_is_ride, &is_fetch))
			return &e->targets[i];
	return NULL;
}

static bool is_fixed(void *owner, const char *drv_path)
{
	const struct build_events *e = owner;
	bool is_ride, is_fetch;

	for (size_t i = 0; i < e->spec.n; i++)
		if (is_targets_drv(&e->targets[i], drv_path, &is_ride, &is_fetch))
			return is_fetch;
	return false;
}

static struct build_run_drv *drv_of_activity(const struct build_events *e, uint64_t id)
{
	for (size_t i = 0; i < e->n_activities; i++)
		if (e->activities[i].id == id && e->activities[i].drv != SIZE_MAX)
			return &e->drvs[e->activities[i].drv];
	return NULL;
}

/* ---- events ---- */

static void copy_text(char *out, size_t size, const char *text)
{
	cleanup_str struct str clean = { 0 };
	size_t len = strlen(text) < size - 1 ? strlen(text) : size - 1;

	str_add_printable(&clean, text, len);
	(void)snprintf(out, size, "%.*s", (int)(size - 1), str_text(&clean));
}

/* A build on another machine makes two activities for one derivation, an outer one with the
 * machine's name and a relayed one without: they are one. */
static size_t find_or_add_drv(struct build_events *e, const char *drv_path, const char *machine,
	size_t target, bool is_ride)
{
	struct build_run_drv *drv;

	for (size_t i = 0; i < e->n_drvs; i++) {
		if (strcmp(e->drvs[i].drv_path, drv_path) == 0) {
			if (e->drvs[i].machine[0] == '\0' && machine[0] != '\0') {
				free(e->drvs[i].machine);
				e->drvs[i].machine = xstrdup(machine);
			}
			return i;
		}
	}
	array_reserve(&e->drvs, &e->drvs_capacity, e->n_drvs + 1, sizeof *e->drvs);
	drv = &e->drvs[e->n_drvs];
	*drv = (struct build_run_drv){
		.drv_path = xstrdup(drv_path),
		.target = target,
		.is_ride = is_ride,
		.machine = xstrdup(machine),
		.started_at = clock_wall_ms(),
		.started_us = clock_mono_us(),
		.core_ms = -1,
	};
	return e->n_drvs++;
}

static void on_build_started(struct build_events *e, const struct nix_event *event)
{
	const char *drv_path = nix_event_text_field(event, 0);
	const char *machine = nix_event_text_field(event, 1);
	struct activity activity = { .id = event->id, .drv = SIZE_MAX };
	struct target *t;
	bool is_ride;

	if (drv_path == NULL || !store_path_is_drv(drv_path))
		return;
	t = target_of(e, drv_path, &is_ride);
	if (t == NULL) {
		log_unusual("build: Nix began %s, which was not asked for (collected?)",
			store_path_name(drv_path));
		e->foreign = true;
	} else {
		activity.drv = find_or_add_drv(e, drv_path, machine == NULL ? "" : machine,
			(size_t)(t - e->targets), is_ride);
		copy_text(t->derivation, sizeof t->derivation, store_path_name(drv_path));
		t->derivation[strlen(t->derivation) - 4] = '\0'; /* ".drv" */
		t->phase[0] = '\0';
	}
	array_reserve(&e->activities, &e->activities_capacity, e->n_activities + 1,
		sizeof *e->activities);
	e->activities[e->n_activities++] = activity;
	e->heard_ms = clock_mono_ms();
}

/* The CPU time of a local builder shows in its parent's account once it was waited for. With
 * several at once it cannot be told apart, so it goes to the one that ended. */
static void note_cpu(struct build_events *e, struct build_run_drv *drv)
{
	int64_t total = e->spec.cpu_ms(e->spec.owner);

	if (total > e->cpu_ms && drv->machine[0] == '\0')
		drv->core_ms = (drv->core_ms < 0 ? 0 : drv->core_ms) + total - e->cpu_ms;
	if (total > e->cpu_ms)
		e->cpu_ms = total;
}

static void on_stopped_activity(struct build_events *e, uint64_t id)
{
	for (size_t i = 0; i < e->n_activities; i++) {
		struct build_run_drv *drv;

		if (e->activities[i].id != id)
			continue;
		drv = drv_of_activity(e, id);
		if (drv != NULL) {
			drv->ended_us = clock_mono_us();
			note_cpu(e, drv);
		}
		e->activities[i] = e->activities[--e->n_activities];
		return;
	}
}

static void add_log_line(struct build_events *e, size_t target, const char *line)
{
	struct target *t = &e->targets[target];

	e->spec.on_log(e->spec.owner, target, line);
	copy_text(t->last_line, sizeof t->last_line, line);
	e->heard_ms = clock_mono_ms();
}

static void on_result(struct build_events *e, const struct nix_event *event)
{
	const struct build_run_drv *drv;
	const char *text = nix_event_text_field(event, 0);

	if (event->type == NIX_RESULT_PROGRESS && event->id == e->builds_activity) {
		e->done = nix_event_int_field(event, 0);
		e->expected = nix_event_int_field(event, 1);
		return;
	}
	drv = drv_of_activity(e, event->id);
	if (drv == NULL || text == NULL)
		return;
	if (event->type == NIX_RESULT_BUILD_LOG_LINE)
		add_log_line(e, drv->target, text);
	else if (event->type == NIX_RESULT_SET_PHASE)
		copy_text(
			e->targets[drv->target].phase, sizeof e->targets[drv->target].phase, text);
}

/* ---- failures ---- */

static void fail_target(struct target *t, enum failure failure, const char *reason)
{
	if (t->failure != FAILURE_NONE)
		return;
	t->failure = failure;
	t->reason = xstrndup(reason, REASON_MAX);
}

/* "…timed out after 90 seconds of silence" in words of ours; NULL when it says something else. */
static char *limit_sentence(const char *name, const char *text)
{
	static const char mark[] = "timed out after ";
	const char *at = strstr(text, mark);
	char limit[TIME_TEXT_MAX];
	char *end;
	long seconds;

	if (at == NULL)
		return NULL;
	seconds = strtol(at + sizeof mark - 1, &end, 10);
	if (seconds <= 0 || seconds > INT32_MAX || !str_starts(end, " seconds"))
		return NULL;
	duration_to_text(seconds * INT64_C(1000), limit);
	return str_starts(end, " seconds of silence")
		       ? str_format("%s printed nothing for %s (build.max_silent)", name, limit)
		       : str_format("%s took longer than %s (build.timeout)", name, limit);
}

/* Nix's message in one sentence: "torch-2.5.1: builder failed with exit code 1". */
static char *sentence(const char *drv_path, const char *text)
{
	const char *base = store_path_name(drv_path);
	size_t len = strlen(base) - (str_ends(base, ".drv") ? strlen(".drv") : 0);
	cleanup_free char *name = xstrndup(base, len);
	cleanup_free char *builder = str_format("builder for '%s' ", drv_path);
	cleanup_free char *copy = xstrdup(str_starts(text, "error: ") ? text + 7 : text);
	char *end = strstr(copy, "\n"), *limit = limit_sentence(name, copy);

	if (limit != NULL)
		return limit;
	if (end != NULL && end > copy && end[-1] == ';')
		end[-1] = '\0'; /* "...failed with exit code 1;" and the log's last lines. */
	else if (end != NULL)
		for (char *p = copy; *p != '\0'; p++)
			*p = *p == '\n' ? ' ' : *p;
	if (str_starts(copy, builder))
		return str_format("%s: builder %s", name, copy + strlen(builder));
	return str_format("%s: %s", name, copy);
}

static void on_error(struct build_events *e, const char *text)
{
	struct nix_error error;
	struct target *t = NULL;
	bool is_ride = false;

	nix_error_read(text, is_fixed, e, &error);
	if (error.class == FAILURE_NONE || error.class == FAILURE_DEPENDENCY)
		return; /* What it depends on was told of by itself. */
	if (error.drv[0] != '\0')
		t = target_of(e, error.drv, &is_ride);
	if (t == NULL) {
		if (e->general_reason == NULL) {
			e->general_failure = error.class;
			e->general_reason = xstrndup(text, REASON_MAX);
		}
		return;
	}
	for (size_t i = 0; i < e->n_drvs; i++)
		if (strcmp(e->drvs[i].drv_path, error.drv) == 0)
			e->drvs[i].failed = true;
	if (t->failure == FAILURE_NONE) {
		cleanup_free char *reason = sentence(error.drv, text);

		fail_target(t, error.class, reason);
	}
}

/* Words that are no build's log: they belong to every target's. */
static void add_to_logs(struct build_events *e, const char *text)
{
	for (size_t i = 0; i < e->spec.n; i++)
		e->spec.on_log(e->spec.owner, i, text);
}

void build_events_line(struct build_events *e, const char *line, size_t len)
{
	struct nix_event event;

	nix_event_parse(line, len, &event);
	switch (event.action) {
	case NIX_START:
		if (event.type == NIX_ACTIVITY_BUILD)
			on_build_started(e, &event);
		else if (event.type == NIX_ACTIVITY_BUILDS && e->builds_activity == 0)
			e->builds_activity = event.id;
		else if (event.type == NIX_ACTIVITY_BUILD_WAITING)
			add_to_logs(e, str_text(&event.text));
		break;
	case NIX_STOP:
		on_stopped_activity(e, event.id);
		break;
	case NIX_RESULT:
		on_result(e, &event);
		break;
	case NIX_MSG:
		if (event.level <= 1)
			add_to_logs(e, str_text(&event.text));
		if (event.level == 0)
			on_error(e, str_text(&event.text));
		break;
	case NIX_TEXT:
		add_to_logs(e, str_text(&event.text));
		on_error(e, str_text(&event.text));
		break;
	case NIX_OTHER:
		break;
	}
	nix_event_finish(&event);
}

/* ---- for the run ---- */

bool build_events_are_foreign(const struct build_events *e)
{
	return e->foreign;
}

int64_t build_events_heard_ms(const struct build_events *e)
{
	return e->heard_ms;
}

void build_events_fail(struct build_events *e, size_t i, enum failure failure, const char *reason)
{
	fail_target(&e->targets[i], failure, reason);
}

enum failure build_events_failure(const struct build_events *e, size_t i, const char **out_reason)
{
	*out_reason = e->targets[i].reason;
	return e->targets[i].failure;
}

enum failure build_events_general(const struct build_events *e, const char **out_reason)
{
	*out_reason = e->general_reason;
	return e->general_failure;
}

void build_events_progress(const struct build_events *e, size_t i, struct build_progress *out)
{
	out->phase = e->targets[i].phase;
	out->derivation = e->targets[i].derivation;
	out->last_line = e->targets[i].last_line;
	out->done = e->done;
	out->expected = e->expected;
}

const struct build_run_drv *build_events_drvs(const struct build_events *e, size_t *out_n)
{
	*out_n = e->n_drvs;
	return e->drvs;
}

const struct build_run_drv *build_events_own_drv(const struct build_events *e, size_t i)
{
	for (size_t k = 0; k < e->n_drvs; k++)
		if (e->drvs[k].target == i && !e->drvs[k].is_ride && e->drvs[k].ended_us > 0)
			return &e->drvs[k];
	return NULL;
}

/* ---- life ---- */

static void copy_target(struct target *t, const struct build_run_target *spec)
{
	t->drv_path = xstrdup(spec->drv_path);
	t->is_fetch = spec->is_fetch;
	t->rides = xcalloc(spec->n_rides, sizeof *t->rides);
	t->n_rides = spec->n_rides;
	for (size_t i = 0; i < spec->n_rides; i++) {
		t->rides[i] = spec->rides[i];
		t->rides[i].drv_path = xstrdup(spec->rides[i].drv_path);
	}
}

static void free_target(struct target *t)
{
	for (size_t i = 0; i < t->n_rides; i++)
		free((char *)t->rides[i].drv_path);
	free(t->rides);
	free(t->drv_path);
	free(t->reason);
}

struct build_events *build_events_create(const struct build_events_spec *spec)
{
	struct build_events *e = xcalloc(1, sizeof *e);

	e->spec = *spec;
	e->spec.targets = NULL;
	e->targets = xcalloc(spec->n, sizeof *e->targets);
	for (size_t i = 0; i < spec->n; i++)
		copy_target(&e->targets[i], &spec->targets[i]);
	e->heard_ms = clock_mono_ms();
	return e;
}

void build_events_destroy(struct build_events *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < e->spec.n; i++)
		free_target(&e->targets[i]);
	for (size_t i = 0; i < e->n_drvs; i++) {
		free(e->drvs[i].drv_path);
		free(e->drvs[i].machine);
	}
	free(e->targets);
	free(e->drvs);
	free(e->activities);
	free(e->general_reason);
	free(e);
}
