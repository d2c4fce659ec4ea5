#include "daemon/pipeline/push.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "lib/str.h"

#define KILL_GRACE_MS 15000 /* capq-push aborts what it has open before it goes. */
#define MESSAGE_MAX 1000
#define RATE_MIN (64 << 10) /* What capq-push takes. */
#define EXIT_UNREACHABLE 3  /* Of capq-push: see capq-push(1). */

struct output {
	char *path;
	size_t build; /* Index in the spec's builds. */
	bool settled; /* Done or skipped: it is in the cache with all that it needs. */
	int64_t bytes;
};

struct push {
	struct push_spec spec;
	struct child *child;
	int64_t *build_ids;
	struct output *outputs;
	size_t n_outputs, capacity;
	char **messages; /* Of each build, the first failure; NULL. */
	char *general;   /* A failure that names none of our paths. */
};

static int64_t rate_of_one(const struct settings *s)
{
	int64_t rate = s->cache.limit_rate / s->cache.max_jobs;

	return rate > RATE_MIN ? rate : RATE_MIN;
}

void push_argv(const struct nix *nix, const char *capq_push, struct argv *out)
{
	static const char *const compressions[] = { "auto", "zstd", "xz" };
	const struct settings *s = nix->settings;

	argv_add_all(out,
		(const char *const[]){ capq_push, "--json", "--cache", s->cache.name, "--host",
			s->cache.host, "--compression", compressions[s->cache.compression], NULL });
	/* As many processes as there are slots share what may be sent. */
	if (s->cache.limit_rate > 0)
		argv_addf(out, "--limit-rate=%" PRId64, rate_of_one(s));
	for (size_t i = 0; i < s->cache.upstream_keys.n; i++)
		argv_addf(out, "--upstream=%s", s->cache.upstream_keys.items[i]);
}

void push_environment(const struct nix *nix, struct argv *out)
{
	argv_add_all(out, argv_words(&nix->env));
	if (nix->settings->cache.credentials != NULL)
		argv_addf(out, "CREDENTIALS_DIRECTORY=%s", nix->settings->cache.credentials);
}

/* ---- what capq-push says ---- */

static int64_t int_of(const struct json *event, const char *name)
{
	int64_t value = 0;

	return json_int(json_get(event, name), &value) ? value : 0;
}

static int64_t bytes_of(const struct push *p, size_t build)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < p->n_outputs; i++)
		if (p->outputs[i].build == build)
			bytes += p->outputs[i].bytes;
	return bytes;
}

static void note_failure(char **where, const struct json *event)
{
	const char *message = json_text(json_get(event, "message"));

	if (*where == NULL)
		*where = xstrndup(
			message == NULL ? "capq-push gave no reason" : message, MESSAGE_MAX);
}

/* One of our outputs is spoken of. */
static void note_output(
	struct push *p, struct output *output, const char *what, const struct json *event)
{
	if (strcmp(what, "fail") == 0) {
		note_failure(&p->messages[output->build], event);
		return;
	}
	if (strcmp(what, "done") == 0 || strcmp(what, "skip") == 0)
		output->settled = true;
	else if (strcmp(what, "progress") != 0)
		return;
	if (json_kind(json_get(event, "file_bytes")) == JSON_NUMBER)
		output->bytes = int_of(event, "file_bytes");
	if (p->spec.on_progress != NULL)
		p->spec.on_progress(
			p->spec.owner, p->build_ids[output->build], bytes_of(p, output->build));
}

static void on_event(void *owner, const char *line, size_t len)
{
	struct push *p = owner;
	cleanup_json struct json *event = NULL;
	const char *what, *path;
	bool is_ours = false;

	if (json_parse(line, len, &event, NULL) < 0)
		return;
	what = json_text(json_get(event, "event"));
	path = json_text(json_get(event, "path"));
	if (what == NULL)
		return;
	for (size_t i = 0; path != NULL && i < p->n_outputs; i++) {
		if (strcmp(p->outputs[i].path, path) == 0) {
			note_output(p, &p->outputs[i], what, event);
			is_ours = true;
		}
	}
	if (!is_ours && strcmp(what, "fail") == 0)
		note_failure(&p->general, event);
}

/* ---- the end ---- */

static void judge(struct push *p, struct push_result *results, const char *otherwise)
{
	for (size_t b = 0; b < p->spec.n; b++) {
		results[b].ok = true;
		results[b].bytes = bytes_of(p, b);
		for (size_t i = 0; i < p->n_outputs; i++)
			if (p->outputs[i].build == b && !p->outputs[i].settled)
				results[b].ok = false;
		if (!results[b].ok)
			results[b].message = p->messages[b] != NULL ? p->messages[b]
					     : p->general != NULL   ? p->general
								    : otherwise;
	}
}

static void on_done(void *owner, const struct child_end *end)
{
	struct push *p = owner;
	cleanup_free struct push_result *results = xcalloc(p->spec.n, sizeof *results);
	cleanup_free char *otherwise = NULL;
	char how[64];

	child_describe_end(end, how, sizeof how);
	otherwise = str_format(
		"capq-push %s%s%s", how, end->stderr_tail[0] != '\0' ? ": " : "", end->stderr_tail);
	judge(p, results, otherwise);
	p->spec.on_done(p->spec.owner, p->build_ids, results, p->spec.n,
		end->outcome == CHILD_EXITED && end->code == EXIT_UNREACHABLE);
	for (size_t i = 0; i < p->n_outputs; i++)
		free(p->outputs[i].path);
	for (size_t b = 0; b < p->spec.n; b++)
		free(p->messages[b]);
	free(p->outputs);
	free(p->messages);
	free(p->general);
	free(p->build_ids);
	free(p);
}

/* ---- starting ---- */

static void take_outputs(struct push *p, size_t build, const char *outputs, struct str *input)
{
	cleanup_json struct json *json = NULL;

	if (json_parse(outputs, strlen(outputs), &json, NULL) < 0)
		return; /* The data base's own JSON. */
	for (const struct json *v = json_first(json); v != NULL; v = json_next(v)) {
		array_reserve(&p->outputs, &p->capacity, p->n_outputs + 1, sizeof *p->outputs);
		p->outputs[p->n_outputs++] =
			(struct output){ .path = xstrdup(json_text(v)), .build = build };
		str_addf(input, "%s\n", json_text(v));
	}
}

int push_start(struct nix *nix, const char *capq_push, const struct push_spec *spec,
	struct push **out, struct err *err)
{
	struct push *p = xcalloc(1, sizeof *p);
	cleanup_argv struct argv argv = { 0 }, env = { 0 };
	cleanup_str struct str input = { 0 };
	struct child_spec child = {
		.name = "capq-push",
		.with_secrets = true,
		.timeout_ms = (uint64_t)nix->settings->cache.timeout_ms,
		.kill_grace_ms = KILL_GRACE_MS,
		.on_stdout = on_event,
		.on_done = on_done,
		.owner = p,
	};
	int rv;

	p->spec = *spec;
	p->build_ids = xcalloc(spec->n, sizeof *p->build_ids);
	p->messages = xcalloc(spec->n, sizeof *p->messages);
	for (size_t b = 0; b < spec->n; b++) {
		p->build_ids[b] = spec->builds[b].build_id;
		take_outputs(p, b, spec->builds[b].outputs, &input);
	}
	push_argv(nix, capq_push, &argv);
	argv_add_all(&argv, (const char *const[]){ "--lock-dir", spec->lock_dir, "-", NULL });
	push_environment(nix, &env);
	child.argv = argv_words(&argv);
	child.env = argv_words(&env);
	child.input = str_text(&input);
	child.input_len = input.len;
	rv = child_start(nix->children, &child, &p->child, err);
	if (rv < 0) {
		for (size_t i = 0; i < p->n_outputs; i++)
			free(p->outputs[i].path);
		free(p->outputs);
		free(p->messages);
		free(p->build_ids);
		free(p);
		return rv;
	}
	p->spec.builds = NULL; /* It was only lent to us. */
	*out = p;
	return 0;
}

void push_stop(struct push *p)
{
	child_stop(p->child, CHILD_STOPPED);
}
