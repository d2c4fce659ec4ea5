/* States, in order:
 *
 *   BUILDING --- all valid ----------------------------------------------> CLOSING -> done
 *      | some failed
 *      +--> CHECKING (what is valid?) --> ROOTING (what is, if any) -------^
 *
 * CLOSING waits for the logs to be compressed. */
#include "daemon/pipeline/build_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/build_events.h"
#include "io/clock.h"
#include "lib/job.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/nix_error.h"

#define WATCH_MS 1000        /* Between looks at the limits. */
#define LIMIT_GRACE_MS 15000 /* Nix's own limit may speak first: its message names the culprit. */
#define LINE_MAX_BYTES (1u << 20)

enum run_state {
	BUILDING,
	CHECKING,
	ROOTING,
	CLOSING,
};

struct target {
	int64_t build_id, attempt_id;
	char *drv_path;
	struct texts paths; /* Its outputs. */
	struct build_log *log;
	bool is_valid;
	int64_t log_bytes;
};

struct build_run {
	struct nix *nix;
	struct build_run_spec spec;
	enum run_state state;
	struct target *targets;
	struct build_events *events;
	struct child *child;
	uv_timer_t watch;
	bool watch_closed;
	size_t open_logs;
	int64_t started_ms; /* Monotonic. */
	bool stop_wanted;
	enum failure limit; /* FAILURE_TIMEOUT or _SILENCE: ours. */
	struct child_end end;
};

/* ---- what Nix says ---- */

static void on_log(void *owner, size_t target, const char *text)
{
	struct build_run *r = owner;

	build_log_add(r->targets[target].log, text, strlen(text));
}

static int64_t on_cpu_asked(void *owner)
{
	const struct build_run *r = owner;

	return child_descendants_cpu_ms(r->child);
}

static void stop_building(struct build_run *r)
{
	if (r->child != NULL && r->state == BUILDING)
		child_stop(r->child, CHILD_STOPPED);
}

static void on_line(void *owner, const char *line, size_t len)
{
	struct build_run *r = owner;

	build_events_line(r->events, line, len);
	if (build_events_are_foreign(r->events))
		stop_building(r);
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
	else if (now - build_events_heard_ms(r->events) > s->build.max_silent_ms + grace)
		r->limit = FAILURE_SILENCE;
	else
		return;
	child_stop(r->child, CHILD_TIMED_OUT);
}

/* ---- the end ---- */

static void free_target(struct target *t)
{
	for (size_t i = 0; i < t->paths.n; i++)
		free(t->paths.items[i]);
	free(t->paths.items);
	free(t->drv_path);
}

static void free_run(struct build_run *r)
{
	for (size_t i = 0; i < r->spec.n; i++)
		free_target(&r->targets[i]);
	free(r->targets);
	build_events_destroy(r->events);
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

/* Give target `i` a reason, unless Nix gave one. */
static void judge_target(struct build_run *r, size_t i)
{
	const char *general;
	enum failure general_failure = build_events_general(r->events, &general);
	char how[64];

	child_describe_end(&r->end, how, sizeof how);
	if (r->limit == FAILURE_TIMEOUT)
		build_events_fail(
			r->events, i, r->limit, "it took longer than build.timeout allows");
	else if (r->limit == FAILURE_SILENCE)
		build_events_fail(
			r->events, i, r->limit, "it printed nothing for build.max_silent");
	else if (build_events_are_foreign(r->events))
		build_events_fail(
			r->events, i, FAILURE_INTERRUPTED, "an input was collected meanwhile");
	else if (r->stop_wanted)
		build_events_fail(r->events, i, FAILURE_INTERRUPTED, "it was stopped");
	else if (general != NULL)
		build_events_fail(r->events, i, general_failure, general);
	else {
		cleanup_free char *reason = str_format("nix-store %s and said nothing of it", how);

		build_events_fail(r->events, i, FAILURE_INTERRUPTED, reason);
	}
}

static void judge(struct build_run *r)
{
	for (size_t i = 0; i < r->spec.n; i++)
		if (!r->targets[i].is_valid)
			judge_target(r, i);
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
	cleanup_json struct json *outputs = NULL;
	size_t capacity = 0;

	t->build_id = spec->build_id;
	t->attempt_id = spec->attempt_id;
	t->drv_path = xstrdup(spec->drv_path);
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
		argv_add(argv, r->targets[i].drv_path);
}

static struct build_run *new_run(struct nix *nix, const struct build_run_spec *spec)
{
	struct build_run *r = xcalloc(1, sizeof *r);
	struct build_events_spec events = {
		.targets = spec->targets,
		.n = spec->n,
		.on_log = on_log,
		.cpu_ms = on_cpu_asked,
		.owner = r,
	};

	r->nix = nix;
	r->spec = *spec;
	r->spec.targets = NULL;
	r->spec.root = xstrdup(spec->root);
	r->spec.log_directory = xstrdup(spec->log_directory);
	r->spec.features = xstrdup(spec->features);
	r->targets = xcalloc(spec->n, sizeof *r->targets);
	for (size_t i = 0; i < spec->n; i++)
		copy_target(&r->targets[i], &spec->targets[i]);
	r->events = build_events_create(&events);
	return r;
}

int build_run_start(
	struct nix *nix, const struct build_run_spec *spec, struct build_run **out, struct err *err)
{
	struct build_run *r = new_run(nix, spec);
	cleanup_argv struct argv argv = { 0 };
	int rv;

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
	r->started_ms = clock_mono_ms();
	uv_timer_init(nix->children->loop, &r->watch);
	r->watch.data = r;
	uv_timer_start(&r->watch, on_watch, WATCH_MS, WATCH_MS);
	*out = r;
	return 0;
}

void build_run_stop(struct build_run *r)
{
	r->stop_wanted = true;
	stop_building(r);
}

/* ---- for the owner ---- */

size_t build_run_n(const struct build_run *r)
{
	return r->spec.n;
}

static bool has_begun(const struct build_run *r)
{
	size_t n;

	(void)build_events_drvs(r->events, &n);
	return n > 0;
}

void build_run_result(const struct build_run *r, size_t i, struct build_run_result *out)
{
	const struct target *t = &r->targets[i];
	const struct build_run_drv *drv = build_events_own_drv(r->events, i);
	const char *reason;
	enum failure failure = build_events_failure(r->events, i, &reason);

	*out = (struct build_run_result){
		.build_id = t->build_id,
		.attempt_id = t->attempt_id,
		.built = t->is_valid,
		.plan_again = !t->is_valid && build_events_are_foreign(r->events),
		.nix_is_away = !t->is_valid && !has_begun(r) && failure == FAILURE_INTERRUPTED &&
			       nix_error_is_outage(reason),
		.failure = t->is_valid ? FAILURE_NONE : failure,
		.reason = t->is_valid ? NULL : reason,
		.log_bytes = t->log_bytes,
		.wall_ms = drv == NULL ? -1 : (drv->ended_us - drv->started_us) / 1000,
		.core_ms = drv == NULL ? -1 : drv->core_ms,
	};
}

const struct build_run_drv *build_run_drvs(const struct build_run *r, size_t *out_n)
{
	return build_events_drvs(r->events, out_n);
}

void build_run_progress(const struct build_run *r, size_t i, struct build_progress *out)
{
	const struct target *t = &r->targets[i];

	*out = (struct build_progress){
		.elapsed_ms = clock_mono_ms() - r->started_ms,
		.log_bytes = t->log == NULL ? t->log_bytes : build_log_bytes(t->log),
	};
	build_events_progress(r->events, i, out);
}
