/* Nix 2.33 and later warn that --json will need --json-format, which earlier ones do not know. So
 * it is left out until a Nix refuses to go without, and says so.
 *
 * For each batch of paths:
 *
 *   1. nix path-info --json --recursive PATHS      one process says it all, as a rule
 *   2. it failed: nix path-info --json PATHS       because one of them is not valid; which?
 *   3. nix path-info --json --recursive VALID      again with the others; now a failure is one
 *
 * A batch holds no more paths than fit on a command line, and derivations (.drv) apart from other
 * paths: of them Nix 2.8 shows the outputs unless it is told not to. */
#include "push/closure.h"

#include <stdlib.h>
#include <string.h>

#include "io/child.h"
#include "lib/argv.h"
#include "lib/mem.h"
#include "lib/store_path.h"
#include "lib/str.h"

#define BATCH_MAX 2000                 /* Paths of 220 bytes at most: well below ARG_MAX. */
#define OUTPUT_MAX (UINT64_C(1) << 30) /* Half a million paths or so. */
#define LIMIT_MS (10 * 60 * 1000)
#define GRACE_MS 2000

struct closure {
	struct closure_spec spec;
	struct children children;
	struct child *child; /* While Nix runs. */

	char **paths; /* All of them: first `n_plain` that are no derivation, then the rest. */
	size_t n_plain, first;

	const char **asked; /* Of this batch, as they go to Nix; borrowed from `paths`. */
	size_t n_asked;
	bool names_format; /* This Nix wants --json-format. */
	bool is_recursive; /* What the process that runs was asked. */
	bool is_filtered;  /* The batch holds valid paths only (step 3). */

	struct str output;
	struct path_infos infos;
	struct fail fail; /* Also set by closure_stop(). */
};

static int ask(struct closure *closure, bool is_recursive, struct err *err);

/* ---- the end ---- */

static void free_closure(struct closure *closure)
{
	path_infos_free(&closure->infos);
	for (size_t i = 0; i < closure->spec.n_paths; i++)
		free(closure->paths[i]);
	free(closure->paths);
	free(closure->asked);
	str_free(&closure->output);
	free(closure);
}

static void finish(struct closure *closure)
{
	if (closure->fail.class != FAIL_NONE)
		path_infos_free(&closure->infos);
	path_infos_sort(&closure->infos);
	closure->spec.on_done(closure->spec.owner, &closure->infos, &closure->fail);
	free_closure(closure);
}

/* ---- one process ---- */

static void on_stdout(void *owner, const char *line, size_t len)
{
	struct closure *closure = owner;

	str_add_bytes(&closure->output, line, len); /* It is one long line, in pieces. */
}

static bool is_valid(const struct closure *closure, const char *path, size_t from)
{
	for (size_t i = from; i < closure->infos.n; i++)
		if (strcmp(closure->infos.items[i].path, path) == 0)
			return closure->infos.items[i].is_valid;
	return false;
}

/* Leave only the valid paths in the batch, by what was read from `from` on. */
static void filter(struct closure *closure, size_t from)
{
	size_t n = 0;

	for (size_t i = 0; i < closure->n_asked; i++)
		if (is_valid(closure, closure->asked[i], from))
			closure->asked[n++] = closure->asked[i];
	closure->n_asked = n;
	closure->is_filtered = true;
}

static void fail_by_nix(struct closure *closure, const struct child_end *end)
{
	const char *error = strstr(end->stderr_tail, "error: "); /* Behind any warnings. */
	char how[64];

	child_describe_end(end, how, sizeof how);
	fail_set(&closure->fail, FAIL_STORE, "nix path-info %s: %s", how,
		error == NULL ? end->stderr_tail : error);
}

/* The next batch into `asked`. False: all are asked for. */
static bool take_batch(struct closure *closure)
{
	size_t end = closure->first < closure->n_plain ? closure->n_plain : closure->spec.n_paths;

	closure->n_asked = 0;
	closure->is_filtered = false;
	while (closure->first < end && closure->n_asked < BATCH_MAX)
		closure->asked[closure->n_asked++] = closure->paths[closure->first++];
	return closure->n_asked > 0;
}

/* What to do behind a process that went well. False: nothing. */
static bool go_on(struct closure *closure, size_t n_before, struct err *err)
{
	bool is_step_2 = !closure->is_recursive && !closure->spec.is_shallow;

	if (is_step_2)
		filter(closure, n_before);
	if ((!is_step_2 || closure->n_asked == 0) && !take_batch(closure))
		return false;
	if (ask(closure, !closure->spec.is_shallow, err) == 0)
		return true;
	fail_set(&closure->fail, FAIL_STORE, "%s", err->text);
	return false;
}

/* The same again, with the option that it asks for. */
static bool ask_with_format(struct closure *closure, const struct child_end *end)
{
	struct err err;

	if (closure->names_format || strstr(end->stderr_tail, "--json-format") == NULL)
		return false;
	closure->names_format = true;
	return ask(closure, closure->is_recursive, &err) == 0;
}

static void on_nix_done(void *owner, const struct child_end *end)
{
	struct closure *closure = owner;
	bool has_exited = end->outcome == CHILD_EXITED;
	size_t n_before = closure->infos.n;
	struct err err;

	closure->child = NULL;
	if (closure->fail.class == FAIL_NONE && has_exited && end->code != 0 &&
		ask_with_format(closure, end))
		return;
	if (closure->fail.class == FAIL_NONE && has_exited && end->code != 0 &&
		closure->is_recursive && !closure->is_filtered && ask(closure, false, &err) == 0)
		return; /* To step 2. */
	if (!has_exited || end->code != 0)
		fail_by_nix(closure, end);
	else if (path_infos_read(&closure->infos, str_text(&closure->output), closure->output.len,
			 &err) < 0)
		fail_set(&closure->fail, FAIL_STORE, "%s", err.text);
	else if (closure->fail.class == FAIL_NONE && go_on(closure, n_before, &err))
		return;
	finish(closure);
}

static int ask(struct closure *closure, bool is_recursive, struct err *err)
{
	/* --offline: what is not valid here is not looked for elsewhere. */
	static const char *const nix[] = { "nix", "--extra-experimental-features", "nix-command",
		"--offline", "path-info", "--json", NULL };
	cleanup_argv struct argv argv = { 0 };
	struct child_spec spec = {
		.name = "nix path-info",
		.timeout_ms = LIMIT_MS,
		.kill_grace_ms = GRACE_MS,
		.max_output = OUTPUT_MAX,
		.on_stdout = on_stdout,
		.on_done = on_nix_done,
		.owner = closure,
	};

	argv_add_all(&argv, nix);
	if (closure->names_format)
		argv_add_all(&argv, (const char *const[]){ "--json-format", "2", NULL });
	if (is_recursive)
		argv_add(&argv, "--recursive");
	if (store_path_is_drv(closure->asked[0]))
		argv_add(&argv, "--derivation");
	for (size_t i = 0; i < closure->n_asked; i++)
		argv_add(&argv, closure->asked[i]);
	spec.argv = argv_words(&argv);
	closure->is_recursive = is_recursive;
	str_clear(&closure->output);
	return child_start(&closure->children, &spec, &closure->child, err);
}

/* ---- public ---- */

/* Copy the paths, those that are no derivation first. */
static void copy_paths(struct closure *closure)
{
	const struct closure_spec *spec = &closure->spec;
	size_t n = 0;

	closure->paths = xcalloc(spec->n_paths, sizeof *closure->paths);
	closure->asked = xcalloc(spec->n_paths, sizeof *closure->asked);
	for (int derivations = 0; derivations <= 1; derivations++) {
		for (size_t i = 0; i < spec->n_paths; i++)
			if (store_path_is_drv(spec->paths[i]) == (derivations == 1))
				closure->paths[n++] = xstrdup(spec->paths[i]);
		if (derivations == 0)
			closure->n_plain = n;
	}
}

int closure_start(
	uv_loop_t *loop, const struct closure_spec *spec, struct closure **out, struct err *err)
{
	struct closure *closure = xcalloc(1, sizeof *closure);
	int rv;

	closure->spec = *spec;
	closure->children =
		(struct children){ .loop = loop, .launcher = spec->launcher, .inherit_fd = -1 };
	copy_paths(closure);
	(void)take_batch(closure);
	rv = ask(closure, !spec->is_shallow, err);
	if (rv < 0) {
		free_closure(closure);
		return rv;
	}
	*out = closure;
	return 0;
}

void closure_stop(struct closure *closure)
{
	fail_set(&closure->fail, FAIL_STOPPED, "stopped");
	child_stop(closure->child, CHILD_STOPPED);
}
