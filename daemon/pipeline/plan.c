/* States, in order; each waits for a worker or a child and, when that ended well, goes on:
 *
 *   READING -> CHECKING (again while paths are left) -> ASKING_CACHE -> WALKING (again for each
 *   level) -> ROOTING -> done
 *
 * Any failure, and a stop, leads straight to done. */
#include "daemon/pipeline/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/pipeline/push.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/nix_error.h"
#include "lib/nix_event.h"
#include "lib/store_path.h"

#define ARGS_MAX (512u << 10) /* Bytes of paths on one command line; the kernel allows 2 MiB. */
#define OUTPUT_MAX (256u << 20)

enum plan_state {
	READING,
	CHECKING,
	ASKING_CACHE,
	WALKING,
	ROOTING,
	DONE,
};

struct plan {
	struct nix *nix;
	char *capq_push;
	struct plan_spec spec; /* `targets` and `root` are ours. */
	struct graph *graph;
	enum plan_state state;
	uv_work_t work;
	atomic_bool cancelled;
	bool stop_wanted;
	struct child *child;
	char *request; /* File of keep.nix. */
	enum plan_target_state *states;

	const char **paths; /* What is asked at the moment: borrowed from the graph. */
	size_t n_paths, paths_capacity;
	size_t asked; /* How many of those the children so far were given. */
	bool has_cache_answered;
	bool in_fetch_list; /* --dry-run: behind "... will be fetched". */
	bool trouble;       /* A substituter could not be reached. */
	struct str words;   /* The child's errors. */
	int rv;
	struct err err;
};

static void go_on(struct plan *p);

/* ---- the end ---- */

static void finish(struct plan *p)
{
	p->state = DONE;
	p->spec.on_done(p->spec.owner, p->rv, p->rv == 0 ? STEAL_POINTER(p->graph) : NULL,
		p->states, &p->err);
	graph_destroy(p->graph);
	for (size_t i = 0; i < p->spec.n; i++)
		free((char *)p->spec.targets[i]);
	free((void *)p->spec.targets);
	free((char *)p->spec.root);
	free(p->capq_push);
	free(p->states);
	free(p->paths);
	str_free(&p->words);
	free(p);
}

static void fail(struct plan *p, int code, const char *text)
{
	p->rv = err_set(&p->err, code, "%s", text);
	finish(p);
}

/* ---- the graph ---- */

static void do_read(uv_work_t *work)
{
	struct plan *p = work->data;

	p->rv = graph_read(p->graph, p->spec.targets, p->spec.n,
		(size_t)p->nix->settings->planner.max_derivations, &p->cancelled, &p->err);
}

static void on_read(uv_work_t *work, int status)
{
	struct plan *p = work->data;

	(void)status; /* We never cancel it in the queue: `cancelled` ends it quickly. */
	if (p->rv < 0)
		finish(p);
	else
		go_on(p);
}

static void note_path(struct plan *p, const char *path)
{
	array_reserve(&p->paths, &p->paths_capacity, p->n_paths + 1, sizeof *p->paths);
	p->paths[p->n_paths++] = path;
}

static void note_output(void *owner, struct graph_output *output)
{
	note_path(owner, output->path);
}

/* ---- children ---- */

static void on_child_done(void *owner, const struct child_end *end);

/* Start what the caller has filled in of `spec`. */
static int start_child(
	struct plan *p, struct child_spec *spec, const struct argv *argv, struct err *err)
{
	spec->argv = argv_words(argv);
	spec->timeout_ms = (uint64_t)p->nix->settings->planner.timeout_ms;
	spec->kill_grace_ms = 2000;
	spec->max_output = OUTPUT_MAX;
	spec->on_done = on_child_done;
	spec->owner = p;
	str_clear(&p->words);
	return child_start(p->nix->children, spec, &p->child, err);
}

static int start_nix(struct plan *p, const char *program, const struct argv *argv,
	void (*on_stdout)(void *, const char *, size_t),
	void (*on_stderr)(void *, const char *, size_t), struct err *err)
{
	struct child_spec spec = {
		.name = program,
		.env = argv_words(&p->nix->env),
		.on_stdout = on_stdout,
		.on_stderr = on_stderr,
	};

	return start_child(p, &spec, argv, err);
}

/* Add as many of the paths that are left as fit on a command line. */
static void add_paths(struct plan *p, struct argv *argv)
{
	size_t bytes = 0;

	while (p->asked < p->n_paths && bytes < ARGS_MAX) {
		bytes += strlen(p->paths[p->asked]) + 1 + sizeof(char *);
		argv_add(argv, p->paths[p->asked++]);
	}
}

/* What Nix says beside its answers: errors, and warnings that a substituter is down. */
static void on_nix_words(void *owner, const char *line, size_t len)
{
	struct plan *p = owner;
	struct nix_event event;

	nix_event_parse(line, len, &event);
	if ((event.action == NIX_MSG && event.level <= 1) || event.action == NIX_TEXT) {
		if (strstr(str_text(&event.text), "unable to download") != NULL ||
			strstr(str_text(&event.text), "cannot open connection") != NULL)
			p->trouble = true;
		if (p->words.len < 2000)
			str_addf(&p->words, "%s%s", p->words.len > 0 ? "\n" : "",
				str_text(&event.text));
	}
	nix_event_finish(&event);
}

/* ---- which outputs are valid ---- */

static void on_invalid_path(void *owner, const char *line, size_t len)
{
	struct plan *p = owner;
	cleanup_free char *path = xstrndup(line, len);

	for (struct graph_output *o = graph_output(p->graph, path); o != NULL; o = o->twin)
		o->is_valid = false;
}

static void set_valid(void *owner, struct graph_output *output)
{
	(void)owner;
	output->is_valid = true; /* Until it is called invalid. */
}

static int check_some(struct plan *p, struct err *err)
{
	cleanup_argv struct argv argv = { 0 };

	nix_argv(p->nix, "nix-store", NIX_NO_SUBSTITUTES, &argv);
	argv_add_all(&argv, (const char *const[]){ "--check-validity", "--print-invalid", NULL });
	add_paths(p, &argv);
	return start_nix(p, "nix-store", &argv, on_invalid_path, on_nix_words, err);
}

/* ---- what our cache has ---- */

static void note_missing_in_cache(struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->spec.n; i++) {
		const struct graph_drv *drv = &p->graph->drvs[p->graph->targets[i]];

		for (uint32_t o = 0; o < drv->n_outputs; o++)
			if (strcmp(drv->outputs[o].path, path) == 0)
				p->states[i] = PLAN_MISSING;
	}
}

/* capq-push --check names what is missing and then ends; that none failed is its answer. */
static void on_check_event(void *owner, const char *line, size_t len)
{
	struct plan *p = owner;
	cleanup_json struct json *event = NULL;
	const char *what, *path;
	int64_t failed = -1;

	if (json_parse(line, len, &event, NULL) < 0)
		return;
	what = json_text(json_get(event, "event"));
	path = json_text(json_get(event, "path"));
	if (what == NULL)
		return;
	if (strcmp(what, "missing") == 0 && path != NULL)
		note_missing_in_cache(p, path);
	if (strcmp(what, "end") == 0 && json_int(json_get(event, "failed"), &failed))
		p->has_cache_answered = failed == 0;
}

static int ask_cache(struct plan *p, struct err *err)
{
	cleanup_argv struct argv argv = { 0 }, env = { 0 };
	cleanup_str struct str input = { 0 };
	struct child_spec spec = {
		.name = "capq-push",
		.with_secrets = true,
		.on_stdout = on_check_event,
		.on_stderr = on_nix_words,
	};

	for (size_t i = 0; i < p->spec.n; i++) {
		const struct graph_drv *drv = &p->graph->drvs[p->graph->targets[i]];

		p->states[i] = PLAN_CACHED; /* Until one of its outputs is called missing. */
		for (uint32_t o = 0; o < drv->n_outputs; o++)
			str_addf(&input, "%s\n", drv->outputs[o].path);
	}
	push_argv(p->nix, p->capq_push, &argv);
	argv_add_all(&argv, (const char *const[]){ "--check", "-", NULL });
	push_environment(p->nix, &env);
	spec.env = argv_words(&env);
	spec.input = str_text(&input);
	spec.input_len = input.len;
	return start_child(p, &spec, &argv, err);
}

/* ---- what the substituters have ---- */

/* The answer to --dry-run is text on standard error: "these N paths will be fetched (...):" and
 * then the paths, two blanks before each; other lists begin with other words. */
static void on_dry_run_line(void *owner, const char *line, size_t len)
{
	struct plan *p = owner;
	struct nix_event event;
	const char *text;

	nix_event_parse(line, len, &event);
	text = str_text(&event.text);
	if (strncmp(text, "  /", 3) == 0) {
		for (struct graph_output *o = graph_output(p->graph, text + 2); o != NULL;
			o = o->twin)
			o->is_cached = p->in_fetch_list && !o->is_valid;
	} else if (event.action == NIX_MSG || event.action == NIX_TEXT) {
		p->in_fetch_list = strstr(text, "will be fetched") != NULL;
	}
	nix_event_finish(&event);
	on_nix_words(owner, line, len);
}

static int ask_substituters(struct plan *p, struct err *err)
{
	cleanup_argv struct argv argv = { 0 };

	p->in_fetch_list = false;
	nix_argv(p->nix, "nix-store", NIX_WITH_SUBSTITUTES, &argv);
	argv_add_all(&argv, (const char *const[]){ "-r", "--dry-run", NULL });
	add_paths(p, &argv);
	return start_nix(p, "nix-store", &argv, NULL, on_dry_run_line, err);
}

/* ---- the root ---- */

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void note_kept(void *owner, const char *path)
{
	note_path(owner, path);
}

static int make_root(struct plan *p, struct err *err)
{
	cleanup_free char *expression = nix_expression(p->nix, "keep.nix");
	cleanup_argv struct argv argv = { 0 };
	struct json_out out = { 0 };

	p->n_paths = p->asked = 0;
	for (size_t i = 0; i < p->spec.n; i++)
		note_path(p, p->spec.targets[i]);
	graph_each_valid_input(p->graph, note_kept, p);
	qsort(p->paths, p->n_paths, sizeof *p->paths, compare_paths);
	json_out_array(&out, NULL);
	for (size_t i = 0; i < p->n_paths; i++)
		if (i == 0 || strcmp(p->paths[i], p->paths[i - 1]) != 0)
			json_out_text(&out, NULL, p->paths[i]);
	json_out_end_array(&out);
	p->request = nix_write_request(p->nix, str_text(&out.text), err);
	str_free(&out.text);
	if (p->request == NULL)
		return err->code;
	nix_argv(p->nix, "nix-instantiate", NIX_NO_SUBSTITUTES, &argv);
	argv_add_all(&argv, (const char *const[]){ expression, "--argstr", "requestFile",
				    p->request, "--add-root", p->spec.root, "--indirect", NULL });
	return start_nix(p, "nix-instantiate", &argv, NULL, on_nix_words, err);
}

/* ---- the steps ---- */

static void set_target_states(struct plan *p)
{
	for (size_t i = 0; i < p->spec.n; i++) {
		const struct graph_drv *drv = &p->graph->drvs[p->graph->targets[i]];
		bool is_valid = true;

		if (p->states[i] == PLAN_CACHED)
			continue;
		for (uint32_t o = 0; o < drv->n_outputs; o++)
			is_valid = is_valid && drv->outputs[o].is_valid;
		p->states[i] = is_valid ? PLAN_VALID : drv->is_missing ? PLAN_MISSING : PLAN_FETCH;
	}
}

/* Walk as far as no question is needed. True: there is one. */
static bool walk(struct plan *p)
{
	bool may_ask = p->nix->settings->substituters.n > 0;

	for (;;) {
		p->n_paths = p->asked = 0;
		if (!graph_next_level(p->graph, note_output, p))
			return false;
		if (may_ask)
			return true;
	}
}

/* Take the next action of the state, or go to the next state. Returns 0 when something was started
 * or the plan is done. */
static int step(struct plan *p, struct err *err)
{
	switch (p->state) {
	case READING:
		graph_each_output(p->graph, set_valid, NULL);
		graph_each_output(p->graph, note_output, p);
		p->state = CHECKING;
		/* fall through */
	case CHECKING:
		if (p->asked < p->n_paths)
			return check_some(p, err);
		if (p->spec.on_checked != NULL)
			p->spec.on_checked(p->spec.checker, p->graph);
		p->state = ASKING_CACHE;
		if (p->nix->settings->cache.name != NULL && !p->spec.ignore_cache)
			return ask_cache(p, err);
		/* fall through */
	case ASKING_CACHE:
		p->state = WALKING;
		for (size_t i = 0; i < p->spec.n; i++)
			p->graph->drvs[p->graph->targets[i]].is_done = p->states[i] == PLAN_CACHED;
		p->n_paths = p->asked = 0;
		p->trouble = false;
		/* fall through */
	case WALKING:
		if (p->asked < p->n_paths || walk(p))
			return ask_substituters(p, err);
		set_target_states(p);
		p->state = ROOTING;
		if (p->spec.root != NULL)
			return make_root(p, err);
		/* fall through */
	case ROOTING:
		finish(p);
		return 0;
	case DONE:
		break;
	}
	return 0;
}

static void go_on(struct plan *p)
{
	struct err err;

	if (p->stop_wanted)
		fail(p, CAPQ_EBUSY, "stopped");
	else if (step(p, &err) < 0)
		fail(p, err.code, err.text);
}

/* A cache that cannot be asked is not one that has nothing: what it has would be built again. */
static bool cache_was_silent(struct plan *p)
{
	if (p->has_cache_answered)
		return false;
	if (p->spec.ask_cache) {
		p->rv = err_set(&p->err, CAPQ_EBUSY, "cannot ask the cache %s: %s",
			p->nix->settings->cache.name,
			p->words.len > 0 ? str_text(&p->words) : "capq-push failed");
		return true;
	}
	log_unusual("plan: cannot ask the cache %s; going on as if it had nothing: %s",
		p->nix->settings->cache.name, str_text(&p->words));
	for (size_t i = 0; i < p->spec.n; i++)
		p->states[i] = PLAN_MISSING;
	return false;
}

/* The garbage collector was faster: before this, nothing holds the derivations. Or only the file of
 * one is there, because whoever wrote it was killed before Nix knew of it. */
static bool a_target_is_gone(const struct plan *p)
{
	const char *words = str_text(&p->words);

	for (size_t i = 0; i < p->spec.n; i++)
		if (access(p->spec.targets[i], F_OK) != 0)
			return true;
	return strstr(words, "is not valid") != NULL /* One of their inputs. */
	       || strstr(words, "does not exist and cannot be created") != NULL;
}

/* What the child's end means for the state that it ran in. 0: go on. */
static int judge(struct plan *p, const struct child_end *end)
{
	bool ok = end->outcome == CHILD_EXITED && end->code == 0;
	char how[64];

	child_describe_end(end, how, sizeof how);
	switch (p->state) {
	case ASKING_CACHE:
		return cache_was_silent(p) ? p->rv : 0;
	case WALKING:
		if (p->trouble || end->outcome == CHILD_TIMED_OUT)
			return err_set(&p->err, CAPQ_EBUSY, "cannot ask a substituter: %s",
				str_text(&p->words));
		break;
	case ROOTING:
		if (!ok && a_target_is_gone(p))
			return err_set(&p->err, CAPQ_ENOTFOUND, "a derivation is gone: %s",
				str_text(&p->words));
		break;
	case READING:
	case CHECKING:
	case DONE:
		break;
	}
	if (ok)
		return 0;
	if (nix_error_is_outage(str_text(&p->words)))
		return err_set(&p->err, CAPQ_EBUSY, "cannot ask Nix: %s", str_text(&p->words));
	return err_set(&p->err, CAPQ_EFAILED, "nix %s: %s", how, str_text(&p->words));
}

static void on_child_done(void *owner, const struct child_end *end)
{
	struct plan *p = owner;

	p->child = NULL;
	nix_remove_request(STEAL_POINTER(p->request));
	if (p->stop_wanted) {
		fail(p, CAPQ_EBUSY, "stopped");
		return;
	}
	p->rv = judge(p, end);
	if (p->rv < 0)
		finish(p);
	else
		go_on(p);
}

void plan_start(
	struct nix *nix, const char *capq_push, const struct plan_spec *spec, struct plan **out)
{
	struct plan *p = xcalloc(1, sizeof *p);
	const char **targets = xcalloc(spec->n, sizeof *targets);

	p->nix = nix;
	p->capq_push = xstrdup(capq_push);
	p->spec = *spec;
	for (size_t i = 0; i < spec->n; i++)
		targets[i] = xstrdup(spec->targets[i]);
	p->spec.targets = targets;
	p->spec.root = xstrdup_or_null(spec->root);
	p->graph = graph_create();
	p->states = xcalloc(spec->n, sizeof *p->states);
	for (size_t i = 0; i < spec->n; i++)
		p->states[i] = PLAN_MISSING;
	p->work.data = p;
	if (uv_queue_work(nix->children->loop, &p->work, do_read, on_read) != 0)
		abort(); /* libuv has no reason to refuse. */
	*out = p;
}

void plan_stop(struct plan *p)
{
	p->stop_wanted = true;
	atomic_store(&p->cancelled, true);
	if (p->child != NULL)
		child_stop(p->child, CHILD_STOPPED);
}
