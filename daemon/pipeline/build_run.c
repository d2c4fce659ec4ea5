/* States, in order:
 *
 *   BUILDING --- all valid ----------------------------------------------> CLOSING -> done
 *      | some failed
 *      +--> CHECKING (what is valid?) --> ROOTING (what is, if any) -------^
 *
 * CLOSING waits for the logs to be compressed. */
#include "daemon/pipeline/build_run.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "lib/job.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/nix_error.h"
#include "lib/nix_event.h"
#include "lib/store_path.h"

#define WATCH_MS 1000        /* Between looks at the limits. */
#define LIMIT_GRACE_MS 15000 /* Nix's own limit may speak first: its message names the culprit. */
#define LINE_MAX_BYTES (1u << 20)
#define LAST_LINE_MAX 200
#define REASON_MAX 1000

enum run_state {
	BUILDING,
	CHECKING,
	ROOTING,
	CLOSING,
};

struct target {
	struct build_run_target spec; /* Its strings are ours. */
	struct texts paths;           /* Its outputs. */
	struct build_log *log;
	bool is_valid;
	enum failure failure; /* The first that was told of; FAILURE_NONE. */
	char *reason;
	char phase[64], derivation[128], last_line[LAST_LINE_MAX];
	int64_t log_bytes;
};

/* A running activity of type Build. */
struct activity {
	uint64_t id;
	size_t drv; /* Index in `drvs`; SIZE_MAX: not ours. */
};

struct build_run {
	struct nix *nix;
	struct build_run_spec spec;
	enum run_state state;
	struct target *targets;
	struct child *child;
	uv_timer_t watch;
	bool watch_closed;
	size_t open_logs;

	struct activity *activities; /* Few: as many as run at once. */
	size_t n_activities, activities_capacity;
	struct build_run_drv *drvs;
	size_t n_drvs, drvs_capacity;
	uint64_t builds_activity; /* The first of type Builds: its Progress counts derivations. */
	int64_t done, expected;
	int64_t cpu_ms; /* Of all that ended so far. */

	int64_t started_ms, heard_ms; /* Monotonic; heard: the last line of a build's log. */
	bool stop_wanted, foreign;    /* foreign: it began what is not ours. */
	enum failure limit;           /* FAILURE_TIMEOUT or _SILENCE: ours. */
	struct child_end end;
	char *general_reason; /* The first error that names no derivation of ours. */
	enum failure general_failure;
};

/* ---- who is who ---- */

static bool is_targets_drv(
	const struct target *t, const char *drv_path, bool *out_is_ride, bool *out_is_fetch)
{
	*out_is_ride = false;
	*out_is_fetch = t->spec.is_fetch;
	if (strcmp(t->spec.drv_path, drv_path) == 0)
		return true;
	for (size_t i = 0; i < t->spec.n_rides; i++) {
		if (strcmp(t->spec.rides[i].drv_path, drv_path) == 0) {
			*out_is_ride = true;
			*out_is_fetch = t->spec.rides[i].is_fetch;
			return true;
		}
	}
	return false;
}

/* The target that a derivation belongs to; NULL: none. */
static struct target *target_of(const struct build_run *r, const char *drv_path, bool *out_is_ride)
{
	bool is_fetch;

	for (size_t i = 0; i < r->spec.n; i++)
		if (is_targets_drv(&r->targets[i], drv_path, out_is_ride, &is_fetch))
			return &r->targets[i];
	return NULL;
}

static bool is_fixed(void *owner, const char *drv_path)
{
	const struct build_run *r = owner;
	bool is_ride, is_fetch;

	for (size_t i = 0; i < r->spec.n; i++)
		if (is_targets_drv(&r->targets[i], drv_path, &is_ride, &is_fetch))
			return is_fetch;
	return false;
}

static struct build_run_drv *drv_of_activity(const struct build_run *r, uint64_t id)
{
	for (size_t i = 0; i < r->n_activities; i++)
		if (r->activities[i].id == id && r->activities[i].drv != SIZE_MAX)
			return &r->drvs[r->activities[i].drv];
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
static size_t find_or_add_drv(
	struct build_run *r, const char *drv_path, const char *machine, size_t target, bool is_ride)
{
	struct build_run_drv *drv;

	for (size_t i = 0; i < r->n_drvs; i++) {
		if (strcmp(r->drvs[i].drv_path, drv_path) == 0) {
			if (r->drvs[i].machine[0] == '\0' && machine[0] != '\0') {
				free(r->drvs[i].machine);
				r->drvs[i].machine = xstrdup(machine);
			}
			return i;
		}
	}
	array_reserve(&r->drvs, &r->drvs_capacity, r->n_drvs + 1, sizeof *r->drvs);
	drv = &r->drvs[r->n_drvs];
	*drv = (struct build_run_drv){
		.drv_path = xstrdup(drv_path),
		.target = target,
		.is_ride = is_ride,
		.machine = xstrdup(machine),
		.started_at = clock_wall_ms(),
		.started_us = clock_mono_us(),
		.core_ms = -1,
	};
	return r->n_drvs++;
}

static void on_build_started(struct build_run *r, const struct nix_event *event)
{
	const char *drv_path = nix_event_text_field(event, 0);
	const char *machine = nix_event_text_field(event, 1);
	struct activity activity = { .id = event->id, .drv = SIZE_MAX };
	struct target *t;
	bool is_ride;

	if (drv_path == NULL || !store_path_is_drv(drv_path))
		return;
	t = target_of(r, drv_path, &is_ride);
	if (t == NULL) {
		log_unusual("build: Nix began %s, which was not asked for (collected?); stopping",
			store_path_name(drv_path));
		r->foreign = true;
		child_stop(r->child, CHILD_STOPPED);
	} else {
		activity.drv = find_or_add_drv(r, drv_path, machine == NULL ? "" : machine,
			(size_t)(t - r->targets), is_ride);
		copy_text(t->derivation, sizeof t->derivation, store_path_name(drv_path));
		t->derivation[strlen(t->derivation) - 4] = '\0'; /* ".drv" */
		t->phase[0] = '\0';
	}
	array_reserve(&r->activities, &r->activities_capacity, r->n_activities + 1,
		sizeof *r->activities);
	r->activities[r->n_activities++] = activity;
	r->heard_ms = clock_mono_ms();
}

/* The CPU time of a local builder shows in its parent's account once it was waited for. With
 * several at once it cannot be told apart, so it goes to the one that ended. */
static void note_cpu(struct build_run *r, struct build_run_drv *drv)
{
	int64_t total = child_descendants_cpu_ms(r->child);

	if (total > r->cpu_ms && drv->machine[0] == '\0')
		drv->core_ms = (drv->core_ms < 0 ? 0 : drv->core_ms) + total - r->cpu_ms;
	if (total > r->cpu_ms)
		r->cpu_ms = total;
}

static void on_stopped_activity(struct build_run *r, uint64_t id)
{
	for (size_t i = 0; i < r->n_activities; i++) {
		struct build_run_drv *drv;

		if (r->activities[i].id != id)
			continue;
		drv = drv_of_activity(r, id);
		if (drv != NULL) {
			drv->ended_us = clock_mono_us();
			note_cpu(r, drv);
		}
		r->activities[i] = r->activities[--r->n_activities];
		return;
	}
}

static void add_log_line(struct build_run *r, struct target *t, const char *line)
{
	build_log_add(t->log, line, strlen(line));
	copy_text(t->last_line, sizeof t->last_line, line);
	r->heard_ms = clock_mono_ms();
}

static void on_result(struct build_run *r, const struct nix_event *event)
{
	const struct build_run_drv *drv;
	const char *text = nix_event_text_field(event, 0);

	if (event->type == NIX_RESULT_PROGRESS && event->id == r->builds_activity) {
		r->done = nix_event_int_field(event, 0);
		r->expected = nix_event_int_field(event, 1);
		return;
	}
	drv = drv_of_activity(r, event->id);
	if (drv == NULL || text == NULL)
		return;
	if (event->type == NIX_RESULT_BUILD_LOG_LINE)
		add_log_line(r, &r->targets[drv->target], text);
	else if (event->type == NIX_RESULT_SET_PHASE)
		copy_text(
			r->targets[drv->target].phase, sizeof r->targets[drv->target].phase, text);
}

/* ---- failures ---- */

static void fail_target(struct target *t, enum failure failure, const char *reason)
{
	if (t->failure != FAILURE_NONE)
		return;
	t->failure = failure;
	t->reason = xstrndup(reason, REASON_MAX);
}

/* Nix's message in one sentence: "torch-2.5.1: builder failed with exit code 1". */
static char *sentence(const char *drv_path, const char *text)
{
	cleanup_free char *copy = xstrdup(str_starts(text, "error: ") ? text + 7 : text);
	char *end = strstr(copy, "\n");

	if (end != NULL && end > copy && end[-1] == ';')
		end[-1] = '\0'; /* "...failed with exit code 1;" and the log's last lines. */
	else if (end != NULL)
		for (char *p = copy; *p != '\0'; p++)
			*p = *p == '\n' ? ' ' : *p;
	return str_format("%s: %s", store_path_name(drv_path), copy);
}

static void on_error(struct build_run *r, const char *text)
{
	struct nix_error error;
	struct target *t = NULL;
	bool is_ride = false;

	nix_error_read(text, is_fixed, r, &error);
	if (error.class == FAILURE_NONE || error.class == FAILURE_DEPENDENCY)
		return; /* What it depends on was told of by itself. */
	if (error.drv[0] != '\0')
		t = target_of(r, error.drv, &is_ride);
	if (t == NULL) {
		if (r->general_reason == NULL) {
			r->general_failure = error.class;
			r->general_reason = xstrndup(text, REASON_MAX);
		}
		return;
	}
	for (size_t i = 0; i < r->n_drvs; i++)
		if (strcmp(r->drvs[i].drv_path, error.drv) == 0)
			r->drvs[i].failed = true;
	if (t->failure == FAILURE_NONE) {
		cleanup_free char *reason = sentence(error.drv, text);

		fail_target(t, error.class, reason);
	}
}

/* Words that are no build's log: they belong to every target's. */
static void add_to_logs(struct build_run *r, const char *text)
{
	for (size_t i = 0; i < r->spec.n; i++)
		build_log_add(r->targets[i].log, text, strlen(text));
}

static void on_line(void *owner, const char *line, size_t len)
{
	struct build_run *r = owner;
	struct nix_event event;

	nix_event_parse(line, len, &event);
	switch (event.action) {
	case NIX_START:
		if (event.type == NIX_ACTIVITY_BUILD)
			on_build_started(r, &event);
		else if (event.type == NIX_ACTIVITY_BUILDS && r->builds_activity == 0)
			r->builds_activity = event.id;
		else if (event.type == NIX_ACTIVITY_BUILD_WAITING)
			add_to_logs(r, str_text(&event.text));
		break;
	case NIX_STOP:
		on_stopped_activity(r, event.id);
		break;
	case NIX_RESULT:
		on_result(r, &event);
		break;
	case NIX_MSG:
		if (event.level <= 1)
			add_to_logs(r, str_text(&event.text));
		if (event.level == 0)
			on_error(r, str_text(&event.text));
		break;
	case NIX_TEXT:
		add_to_logs(r, str_text(&event.text));
		on_error(r, str_text(&event.text));
		break;
	case NIX_OTHER:
		break;
	}
	nix_event_finish(&event);
}

/* ---- limits ---- */

static void on_watch(uv_timer_t *timer)
{
	struct build_run *r = timer->data;
	const struct settings *s = r->nix->settings;
	int64_t now = clock_mono_ms(), grace = LIMIT_GRACE_MS;

	if (r->child == NULL || r->limit != FAILURE_NONE)
		return;
	if (now - r->started_ms > s->build.timeout_ms * (int64_t)r->spec.n + grace)
		r->limit = FAILURE_TIMEOUT;
	else if (now - r->heard_ms > s->build.max_silent_ms + grace)
		r->limit = FAILURE_SILENCE;
	else
		return;
	child_stop(r->child, CHILD_TIMED_OUT);
}

/* ---- the end ---- */

static void free_target(struct target *t)
{
	for (size_t i = 0; i < t->spec.n_rides; i++)
		free((char *)t->spec.rides[i].drv_path);
	for (size_t i = 0; i < t->paths.n; i++)
		free(t->paths.items[i]);
	free(t->paths.items);
	free((void *)t->spec.rides);
	free((char *)t->spec.drv_path);
	free(t->reason);
}

static void free_run(struct build_run *r)
{
	for (size_t i = 0; i < r->spec.n; i++)
		free_target(&r->targets[i]);
	for (size_t i = 0; i < r->n_drvs; i++) {
		free(r->drvs[i].drv_path);
		free(r->drvs[i].machine);
	}
	free(r->targets);
	free(r->drvs);
	free(r->activities);
	free(r->general_reason);
	free((char *)r->spec.root);
	free((char *)r->spec.log_directory);
	free((char *)r->spec.features);
	free(r);
}

static void finish_if_closed(struct build_run *r)
{
	if (!r->watch_closed || r->open_logs > 0)
		return;
	r->spec.on_done(r->spec.owner, r);
	free_run(r);
}

static void on_log_closed(void *owner, int64_t id)
{
	struct build_run *r = owner;

	(void)id;
	r->open_logs--;
	finish_if_closed(r);
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct build_run *r = handle->data;

	r->watch_closed = true;
	finish_if_closed(r);
}

static void close_run(struct build_run *r)
{
	r->state = CLOSING;
	for (size_t i = 0; i < r->spec.n; i++) {
		struct target *t = &r->targets[i];

		t->log_bytes = build_log_bytes(t->log);
		r->open_logs++;
		build_log_close(STEAL_POINTER(t->log), r->nix->children->loop, on_log_closed, r);
	}
	uv_close((uv_handle_t *)&r->watch, on_watch_closed);
}

/* Give every target that is not valid a reason. */
static void judge(struct build_run *r)
{
	char how[64];

	child_describe_end(&r->end, how, sizeof how);
	for (size_t i = 0; i < r->spec.n; i++) {
		struct target *t = &r->targets[i];

		if (t->is_valid)
			continue;
		if (r->limit == FAILURE_TIMEOUT)
			fail_target(t, r->limit, "it took longer than build.timeout allows");
		else if (r->limit == FAILURE_SILENCE)
			fail_target(t, r->limit, "it printed nothing for build.max_silent");
		else if (r->foreign)
			fail_target(t, FAILURE_INTERRUPTED, "an input was collected meanwhile");
		else if (r->stop_wanted)
			fail_target(t, FAILURE_INTERRUPTED, "it was stopped");
		else if (r->general_reason != NULL)
			fail_target(t, r->general_failure, r->general_reason);
		else {
			cleanup_free char *reason =
				str_format("nix-store %s and said nothing of it", how);

			fail_target(t, FAILURE_INTERRUPTED, reason);
		}
	}
}

static int start_child(struct build_run *r, const struct argv *argv,
	void (*on_stdout)(void *, const char *, size_t),
	void (*on_done)(void *, const struct child_end *), struct err *err)
{
	struct child_spec spec = {
		.name = "nix-store",
		.argv = argv_words(argv),
		.env = argv_words(&r->nix->env),
		.kill_grace_ms = (uint64_t)r->nix->settings->build.kill_grace_ms,
		.max_line = LINE_MAX_BYTES,
		.on_stdout = on_stdout,
		.on_stderr = on_line,
		.on_done = on_done,
		.owner = r,
	};

	return child_start(r->nix->children, &spec, &r->child, err);
}

static void begin_store_command(const struct build_run *r, struct argv *argv)
{
	nix_argv(r->nix, "nix-store", NIX_NO_SUBSTITUTES, argv);
}

static void on_rooted(void *owner, const struct child_end *end)
{
	struct build_run *r = owner;

	r->child = NULL;
	if (end->outcome != CHILD_EXITED || end->code != 0)
		for (size_t i = 0; i < r->spec.n; i++)
			r->targets[i].is_valid = false; /* Collected before we held it. */
	judge(r);
	close_run(r);
}

/* Root what is valid: a process in which anything fails roots nothing. */
static void root_valid(struct build_run *r)
{
	cleanup_argv struct argv argv = { 0 };
	struct err err;
	size_t n = 0;

	begin_store_command(r, &argv);
	argv_add_all(&argv,
		(const char *const[]){ "-r", "--add-root", r->spec.root, "--indirect", NULL });
	for (size_t i = 0; i < r->spec.n; i++) {
		for (size_t k = 0; r->targets[i].is_valid && k < r->targets[i].paths.n; k++, n++)
			argv_add(&argv, r->targets[i].paths.items[k]);
	}
	r->state = ROOTING;
	if (n > 0 && start_child(r, &argv, NULL, on_rooted, &err) == 0)
		return;
	if (n > 0)
		log_unusual("build: %s", err.text);
	judge(r);
	close_run(r);
}

static void on_invalid(void *owner, const char *line, size_t len)
{
	struct build_run *r = owner;

	for (size_t i = 0; i < r->spec.n; i++)
		for (size_t k = 0; k < r->targets[i].paths.n; k++)
			if (strlen(r->targets[i].paths.items[k]) == len &&
				memcmp(r->targets[i].paths.items[k], line, len) == 0)
				r->targets[i].is_valid = false;
}

static void set_all_valid(struct build_run *r, bool is_valid)
{
	for (size_t i = 0; i < r->spec.n; i++)
		r->targets[i].is_valid = is_valid;
}

static void on_checked(void *owner, const struct child_end *end)
{
	struct build_run *r = owner;

	r->child = NULL;
	if (end->outcome != CHILD_EXITED || end->code != 0)
		set_all_valid(r, false);
	root_valid(r);
}

static void check_validity(struct build_run *r)
{
	cleanup_argv struct argv argv = { 0 };
	struct err err;

	begin_store_command(r, &argv);
	argv_add_all(&argv, (const char *const[]){ "--check-validity", "--print-invalid", NULL });
	for (size_t i = 0; i < r->spec.n; i++)
		for (size_t k = 0; k < r->targets[i].paths.n; k++)
			argv_add(&argv, r->targets[i].paths.items[k]);
	set_all_valid(r, true); /* Until they are called invalid. */
	r->state = CHECKING;
	if (start_child(r, &argv, on_invalid, on_checked, &err) == 0)
		return;
	log_unusual("build: %s", err.text);
	set_all_valid(r, false);
	judge(r);
	close_run(r);
}

static void on_nix_done(void *owner, const struct child_end *end)
{
	struct build_run *r = owner;

	r->child = NULL;
	r->end = *end;
	r->end.stderr_tail = "";
	if (end->outcome == CHILD_EXITED && end->code == 0) {
		set_all_valid(r, true);
		close_run(r);
	} else {
		check_validity(r);
	}
}

/* ---- starting ---- */

static void copy_target(struct target *t, const struct build_run_target *spec)
{
	struct build_run_ride *rides = xcalloc(spec->n_rides, sizeof *rides);
	cleanup_json struct json *outputs = NULL;
	size_t capacity = 0;

	t->spec = *spec;
	t->spec.drv_path = xstrdup(spec->drv_path);
	for (size_t i = 0; i < spec->n_rides; i++) {
		rides[i] = spec->rides[i];
		rides[i].drv_path = xstrdup(spec->rides[i].drv_path);
	}
	t->spec.rides = rides;
	t->spec.outputs = NULL;
	if (json_parse(spec->outputs, strlen(spec->outputs), &outputs, NULL) < 0)
		return; /* The data base's own JSON. */
	for (const struct json *v = json_first(outputs); v != NULL; v = json_next(v)) {
		array_reserve(&t->paths.items, &capacity, t->paths.n + 1, sizeof *t->paths.items);
		t->paths.items[t->paths.n++] = xstrdup(json_text(v));
	}
}

static void add_build_words(const struct build_run *r, struct argv *argv)
{
	const struct settings *s = r->nix->settings;

	begin_store_command(r, argv);
	argv_add_all(
		argv, (const char *const[]){ "--option", "system-features", r->spec.features, "-r",
			      "--keep-going", "--add-root", r->spec.root, "--indirect", NULL });
	argv_add(argv, "--timeout");
	argv_addf(argv, "%" PRId64, (s->build.timeout_ms + 999) / 1000);
	argv_add(argv, "--max-silent-time");
	argv_addf(argv, "%" PRId64, (s->build.max_silent_ms + 999) / 1000);
	argv_add(argv, "--cores");
	argv_addf(argv, "%" PRId64, r->spec.cores);
	argv_add(argv, "-j");
	argv_addf(argv, "%zu", r->spec.n > 2 ? (size_t)2 : r->spec.n);
	for (size_t i = 0; i < r->spec.n; i++)
		argv_add(argv, r->targets[i].spec.drv_path);
}

int build_run_start(
	struct nix *nix, const struct build_run_spec *spec, struct build_run **out, struct err *err)
{
	struct build_run *r = xcalloc(1, sizeof *r);
	cleanup_argv struct argv argv = { 0 };
	int rv;

	r->nix = nix;
	r->spec = *spec;
	r->spec.targets = NULL;
	r->spec.root = xstrdup(spec->root);
	r->spec.log_directory = xstrdup(spec->log_directory);
	r->spec.features = xstrdup(spec->features);
	r->targets = xcalloc(spec->n, sizeof *r->targets);
	for (size_t i = 0; i < spec->n; i++)
		copy_target(&r->targets[i], &spec->targets[i]);
	add_build_words(r, &argv);
	rv = start_child(r, &argv, NULL, on_nix_done, err);
	if (rv < 0) {
		free_run(r);
		return rv;
	}
	for (size_t i = 0; i < spec->n; i++)
		r->targets[i].log = build_log_create(spec->log_directory,
			spec->targets[i].attempt_id, nix->settings->build.log_head_bytes,
			nix->settings->build.log_tail_bytes);
	r->started_ms = r->heard_ms = clock_mono_ms();
	uv_timer_init(nix->children->loop, &r->watch);
	r->watch.data = r;
	uv_timer_start(&r->watch, on_watch, WATCH_MS, WATCH_MS);
	*out = r;
	return 0;
}

void build_run_stop(struct build_run *r)
{
	r->stop_wanted = true;
	if (r->child != NULL && r->state == BUILDING)
		child_stop(r->child, CHILD_STOPPED);
}

/* ---- for the owner ---- */

size_t build_run_n(const struct build_run *r)
{
	return r->spec.n;
}

static const struct build_run_drv *own_drv(const struct build_run *r, size_t target)
{
	for (size_t i = 0; i < r->n_drvs; i++)
		if (r->drvs[i].target == target && !r->drvs[i].is_ride && r->drvs[i].ended_us > 0)
			return &r->drvs[i];
	return NULL;
}

void build_run_result(const struct build_run *r, size_t i, struct build_run_result *out)
{
	const struct target *t = &r->targets[i];
	const struct build_run_drv *drv = own_drv(r, i);

	*out = (struct build_run_result){
		.build_id = t->spec.build_id,
		.attempt_id = t->spec.attempt_id,
		.built = t->is_valid,
		.plan_again = !t->is_valid && r->foreign,
		.failure = t->is_valid ? FAILURE_NONE : t->failure,
		.reason = t->is_valid ? NULL : t->reason,
		.log_bytes = t->log_bytes,
		.wall_ms = drv == NULL ? -1 : (drv->ended_us - drv->started_us) / 1000,
		.core_ms = drv == NULL ? -1 : drv->core_ms,
	};
}

const struct build_run_drv *build_run_drvs(const struct build_run *r, size_t *out_n)
{
	*out_n = r->n_drvs;
	return r->drvs;
}

void build_run_progress(const struct build_run *r, size_t i, struct build_progress *out)
{
	const struct target *t = &r->targets[i];

	*out = (struct build_progress){
		.phase = t->phase,
		.derivation = t->derivation,
		.last_line = t->last_line,
		.done = r->done,
		.expected = r->expected,
		.elapsed_ms = clock_mono_ms() - r->started_ms,
		.log_bytes = t->log == NULL ? t->log_bytes : build_log_bytes(t->log),
	};
}
