#include "daemon/pipeline/look.h"

#include <stdlib.h>
#include <string.h>

#include "lib/argv.h"
#include "lib/gpu_code_json.h"
#include "lib/gpu_verify.h"
#include "lib/mem.h"

#define FILES_MAX 5000            /* CUDA's own samples are 200 programs. */
#define OUTPUT_MAX (64u << 20)    /* Bytes that it may print. */
#define LINE_MAX_BYTES (1u << 20) /* Of one file. */

struct look {
	struct child *child;
	struct look_spec spec;
	struct looked looked;
};

void looked_finish(struct looked *looked)
{
	for (size_t i = 0; i < looked->n; i++) {
		free(looked->files[i].path);
		free(looked->files[i].error);
		gpu_code_finish(&looked->files[i].code);
	}
	free(looked->files);
	free(looked->problem);
	*looked = (struct looked){ 0 };
}

/* ---- what capq-inspect says ---- */

/* The first one counts. */
static void note_problem(struct looked *looked, char *text)
{
	if (looked->problem == NULL)
		looked->problem = text;
	else
		free(text);
}

static void add_file(
	struct look *look, const char *path, const char *error, const struct json *kinds)
{
	struct looked *looked = &look->looked;
	struct looked_file file = { .path = NULL };
	struct err err;

	if (looked->n == FILES_MAX) {
		note_problem(looked, str_format("more than %d files hold GPU code", FILES_MAX));
		look_stop(look);
		return;
	}
	if (error == NULL && gpu_kinds_from_json(kinds, &file.code, &err) < 0) {
		gpu_code_finish(&file.code);
		note_problem(looked, str_format("%s: %s", path, err.text));
		return;
	}
	file.path = xstrdup(path);
	file.error = xstrdup_or_null(error);
	array_reserve(&looked->files, &looked->capacity, looked->n + 1, sizeof *looked->files);
	looked->files[looked->n++] = file;
}

static void on_line(void *owner, const char *line, size_t len)
{
	struct look *look = owner;
	struct looked *looked = &look->looked;
	cleanup_json struct json *json = NULL;
	const char *path, *error;
	bool is_damaged = false;

	if (json_parse(line, len, &json, NULL) < 0 ||
		(path = json_text(json_get(json, "path"))) == NULL) {
		note_problem(looked, xstrdup("capq-inspect said something that is no file"));
		return;
	}
	error = json_text(json_get(json, "error"));
	(void)json_bool(json_get(json, "is_damaged"), &is_damaged);
	if (error != NULL && !is_damaged)
		note_problem(looked, str_format("%s: %s", path, error));
	else
		add_file(look, path, error, json_get(json, "kinds"));
}

static void on_done(void *owner, const struct child_end *end)
{
	struct look *look = owner;
	char how[64];

	child_describe_end(end, how, sizeof how);
	if (end->outcome != CHILD_EXITED || end->code != 0)
		note_problem(&look->looked,
			str_format("capq-inspect %s%s%s", how,
				end->stderr_tail[0] != '\0' ? ": " : "", end->stderr_tail));
	look->spec.on_done(look->spec.owner, &look->looked);
	free(look);
}

/* ---- starting ---- */

int look_start(
	struct children *children, const struct look_spec *spec, struct look **out, struct err *err)
{
	struct look *look = xcalloc(1, sizeof *look);
	cleanup_argv struct argv argv = { 0 };
	cleanup_json struct json *outputs = NULL;
	struct child_spec child = {
		.name = "capq-inspect",
		.timeout_ms = spec->timeout_ms,
		.stop_signal = SIGKILL, /* It has nothing to put in order. */
		.kill_grace_ms = 5000,
		.max_output = OUTPUT_MAX,
		.max_line = LINE_MAX_BYTES,
		.on_stdout = on_line,
		.on_done = on_done,
		.owner = look,
	};
	int rv;

	look->spec = *spec;
	argv_add(&argv, spec->program);
	rv = json_parse(spec->outputs, strlen(spec->outputs), &outputs, err);
	for (const struct json *v = json_first(outputs); v != NULL; v = json_next(v))
		argv_add(&argv, json_text(v));
	child.argv = argv_words(&argv);
	if (rv == 0)
		rv = child_start(children, &child, &look->child, err);
	if (rv < 0) {
		free(look);
		return rv;
	}
	*out = look;
	return 0;
}

void look_stop(struct look *look)
{
	child_stop(look->child, CHILD_STOPPED);
}

/* ---- judging ---- */

bool looked_holds(
	const struct looked *looked, const struct capability_set *asked, struct str *out_why)
{
	size_t n_bad = 0;

	for (size_t i = 0; i < looked->n; i++) {
		const struct looked_file *file = &looked->files[i];
		cleanup_str struct str lacks = { 0 };

		if (file->error == NULL && gpu_verify(&file->code, asked, &lacks))
			continue;
		if (n_bad++ == 0)
			str_addf(out_why, "%s %s %s", file->path,
				file->error != NULL ? "is damaged:" : "lacks",
				file->error != NULL ? file->error : lacks.text);
	}
	if (n_bad > 1)
		str_addf(out_why, " (the first of %zu such files)", n_bad);
	return n_bad == 0;
}
