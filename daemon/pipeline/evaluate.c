/* One process at a time:
 *
 *   START --- what is left: BATCH of it, catching -------> RUNNING ---+
 *     ^                     else EXPLAIN the next thrown              |
 *     +------------------------ the process ended <-------------------+
 *
 * When nothing is left, or a stop is wanted, the evaluation is done. */
#include "daemon/pipeline/evaluate.h"
#include "daemon/pipeline/evaluate_request.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/nix_error.h"
#include "lib/nix_event.h"
#include "lib/store_path.h"
#include "lib/str.h"

#define LINE_MAX_BYTES (4u << 20) /* A typo's line lists thousands of similar names. */
#define MESSAGE_MAX 3000          /* Bytes of a message that are kept. */
#define TRACE "trace: "
#define OUTPUT_MAX (256u << 20) /* nixpkgs warns a lot; more than this is no evaluation. */
#define NONE SIZE_MAX

enum attr_state {
	LEFT,   /* Still to be evaluated. */
	THROWN, /* Failed, and Nix has not been asked why. */
	TOLD,
};

struct evaluation {
	struct nix *nix;
	struct evaluation_spec spec; /* Its strings are ours. */
	struct texts overlays;
	enum attr_state *states;
	struct child *child; /* NULL between two processes. */
	char *request;       /* File of the running process. */
	char mark[40];       /* What begins each of its reports. */
	size_t *batch;       /* Attribute of each of its numbers. */
	size_t n_batch;
	bool explaining;
	size_t begun;     /* Number in the batch of the attribute it is at; NONE: at none. */
	struct str words; /* Its errors since that attribute began. */
	bool has_support; /* The attribute that it is at has said what it supports: */
	struct capability_set support;
	bool support_asked; /* And has not, in this process. */
	bool no_support;    /* The next explanation is had without asking for that. */
	bool probe_wanted;  /* The revision was not asked, or has not answered yet. */
	bool stop_wanted;
	uv_timer_t limit; /* For one attribute; and, in between, for starting in a later turn. */
};

static void start_next(struct evaluation *e);

/* ---- results ---- */

static void tell(struct evaluation *e, size_t i, enum failure failure, const char *drv_path,
	const char *message)
{
	struct evaluation_result result = {
		.drv_path = drv_path,
		.failure = failure,
		.message = message,
		.supported = e->has_support ? &e->support : NULL,
	};

	if (e->states[i] == TOLD)
		return;
	e->no_support = false;
	e->states[i] = TOLD;
	e->spec.on_result(e->spec.owner, i, &result);
}

static void tell_failure(struct evaluation *e, size_t i, enum failure failure, const char *message)
{
	cleanup_free char *cut = xstrndup(message, MESSAGE_MAX);

	tell(e, i, failure, NULL, cut);
}

/* "there is no attribute 'torhc' in python3Packages.torhc; did you mean torch?" */
static void tell_missing(struct evaluation *e, size_t i, const struct json *report)
{
	const struct json *similar = json_get(report, "similar");
	const char *name = json_text(json_get(report, "missing"));
	size_t n = json_count(similar), n_nearest, at = 0;
	cleanup_free const char **names = xcalloc(n, sizeof *names);
	cleanup_str struct str text = { 0 };
	const char *nearest[3];

	for (const struct json *v = json_first(similar); v != NULL; v = json_next(v))
		if (json_text(v) != NULL)
			names[at++] = json_text(v);
	n_nearest = str_nearest(name, names, at, nearest, ARRAY_LEN(nearest));
	str_addf(&text, "there is no attribute '%s' on the way to %s", name, e->spec.attrs[i]);
	for (size_t k = 0; k < n_nearest; k++)
		str_addf(&text, "%s%s",
			k == 0               ? "; did you mean "
			: k + 1 == n_nearest ? " or "
					     : ", ",
			nearest[k]);
	str_add(&text, n_nearest > 0 ? "?" : "");
	tell_failure(e, i, FAILURE_EVALUATION, str_text(&text));
}

static void read_end(struct evaluation *e, size_t i, const struct json *report)
{
	const char *drv_path = json_text(json_get(report, "drvPath"));
	const char *kind = json_text(json_get(report, "notADerivation"));
	cleanup_str struct str text = { 0 };

	if (e->states[i] == TOLD)
		return;
	if (json_kind(json_get(report, "thrown")) == JSON_BOOL) {
		e->states[i] = THROWN;
		return;
	}
	if (drv_path != NULL && store_path_is_drv(drv_path)) {
		tell(e, i, FAILURE_NONE, drv_path, NULL);
		return;
	}
	if (json_text(json_get(report, "missing")) != NULL) {
		tell_missing(e, i, report);
		return;
	}
	if (kind != NULL)
		str_addf(&text, "%s is no derivation but a %s", e->spec.attrs[i], kind);
	else if (json_text(json_get(report, "notASet")) != NULL)
		str_addf(&text, "%s: what '%s' is looked for in is no set", e->spec.attrs[i],
			json_text(json_get(report, "notASet")));
	else
		str_addf(&text, "%s: its drvPath is no store path", e->spec.attrs[i]);
	tell_failure(e, i, FAILURE_EVALUATION, str_text(&text));
}

static void read_support(struct evaluation *e, const struct json *report)
{
	e->has_support = capability_list_from_json(json_get(report, "supports"), &e->support);
	e->support.ptx = false;
}

static void tell_probe(struct evaluation *e, const struct probe *probe, const char *message)
{
	e->probe_wanted = false;
	e->spec.on_probe(e->spec.owner, probe, message);
}

static void read_probe(struct evaluation *e, const struct json *report)
{
	struct probe probe;

	if (!e->probe_wanted)
		return;
	probe_from_json(report, &probe);
	tell_probe(e, &probe, NULL);
}

/* A line that began with our mark. */
static void read_report(struct evaluation *e, const char *text)
{
	cleanup_json struct json *report = NULL;
	int64_t number;

	if (json_parse(text, strlen(text), &report, NULL) < 0)
		return;
	if (json_kind(json_get(report, "probe")) == JSON_OBJECT) {
		read_probe(e, json_get(report, "probe"));
	} else if (json_int(json_get(report, "begin"), &number) && number >= 0 &&
		   (size_t)number < e->n_batch) {
		e->begun = (size_t)number;
		e->has_support = false;
		str_clear(&e->words);
		uv_timer_again(&e->limit);
		if (e->states[e->batch[number]] == TOLD) /* It was dropped before it began. */
			child_stop(e->child, CHILD_STOPPED);
	} else if (json_int(json_get(report, "end"), &number) && number >= 0 &&
		   (size_t)number < e->n_batch) {
		e->begun = NONE;
		read_support(e, report);
		read_end(e, e->batch[number], report);
		e->has_support = false;
	} else if (json_int(json_get(report, "supportsOf"), &number)) {
		read_support(e, report);
		e->support_asked = false;
	}
}

/* Nix's words, without what it puts around them. */
static void keep_words(struct evaluation *e, const char *text)
{
	if (str_starts(text, "(use '--show-trace'") || str_starts(text, TRACE) ||
		str_starts(text, "warning:") || str_starts(text, "evaluation warning:"))
		return;
	if (str_starts(text, "error: "))
		text += strlen("error: ");
	if (e->words.len < MESSAGE_MAX)
		str_addf(&e->words, "%s%s", e->words.len > 0 ? "\n" : "", text);
}

static void on_stderr(void *owner, const char *line, size_t len)
{
	struct evaluation *e = owner;
	size_t mark_len = strlen(e->mark);
	struct nix_event event;

	nix_event_parse(line, len, &event);
	if (event.action == NIX_MSG || event.action == NIX_TEXT) {
		const char *text = str_text(&event.text);
		const char *said = str_starts(text, TRACE) ? text + strlen(TRACE) : text;

		if (strncmp(said, e->mark, mark_len) == 0)
			read_report(e, said + mark_len);
		else if (event.level == 0)
			keep_words(e, text);
	}
	nix_event_finish(&event);
}

/* ---- the process ended ---- */

static const char *words_or(const struct evaluation *e, const char *otherwise)
{
	return e->words.len > 0 ? str_text(&e->words) : otherwise;
}

/* Nothing was begun: it is not an attribute's fault but nixpkgs', Nix's, or this machine's. */
static void fail_all_left(struct evaluation *e, enum failure failure, const char *message)
{
	for (size_t k = 0; k < e->n_batch; k++)
		if (e->states[e->batch[k]] != TOLD)
			tell_failure(e, e->batch[k], failure, message);
}

/* The process ended well, and yet did not speak of these: it would be the same the next time. */
static void fail_unreported(struct evaluation *e)
{
	for (size_t k = 0; k < e->n_batch; k++)
		if (e->states[e->batch[k]] == LEFT)
			tell_failure(e, e->batch[k], FAILURE_EVALUATION,
				words_or(e,
					"nix-instantiate ended well and reported nothing of it"));
}

/* Why the process ended, as the class and the message of whatever was to blame. */
static enum failure read_verdict(
	const struct evaluation *e, const struct child_end *end, char *how, size_t size)
{
	bool killed = end->outcome == CHILD_SIGNALED && end->code == SIGKILL;

	child_describe_end(end, how, size);
	if (end->outcome == CHILD_TIMED_OUT) {
		(void)snprintf(how, size,
			"its evaluation took longer than evaluator.timeout allows and was killed");
		return FAILURE_TIMEOUT;
	}
	if (end->outcome == CHILD_OUT_OF_MEMORY || killed) {
		(void)snprintf(how, size, "its evaluation used more memory than %s and was killed",
			killed ? "there is" : "evaluator.memory allows");
		return FAILURE_OUT_OF_MEMORY;
	}
	if (strstr(str_text(&e->words), "out of memory") != NULL)
		return FAILURE_OUT_OF_MEMORY;
	return FAILURE_EVALUATION;
}

/* There is no room, or Nix's daemon is away, which Nix finds out at the first derivation. Within an
 * attribute no more is believed: what it says could be its own words. */
static bool is_outage(const struct evaluation *e)
{
	struct nix_error error;

	if (nix_error_is_outage(str_text(&e->words)))
		return true;
	nix_error_read(str_text(&e->words), NULL, NULL, &error);
	return e->begun == NONE &&
	       (error.class == FAILURE_INTERRUPTED || error.class == FAILURE_DISK_FULL ||
		       error.class == FAILURE_NETWORK);
}

static void blame(struct evaluation *e, const struct child_end *end)
{
	char how[160];
	enum failure failure = read_verdict(e, end, how, sizeof how);
	const char *message = failure == FAILURE_EVALUATION ? words_or(e, how) : how;

	if (failure == FAILURE_EVALUATION && is_outage(e))
		failure = FAILURE_INTERRUPTED;
	if (e->begun == NONE)
		fail_all_left(e, failure, message);
	else if (failure != FAILURE_OUT_OF_MEMORY || e->states[e->batch[0]] == LEFT)
		tell_failure(e, e->batch[e->begun], failure, message);
	/* Else what came before it, and was told of, may have filled the memory: once more, as the
	 * first. */
}

static void blame_probe(struct evaluation *e, const struct child_end *end)
{
	char how[160];
	enum failure failure = read_verdict(e, end, how, sizeof how);
	const char *message = failure == FAILURE_EVALUATION ? words_or(e, how) : how;

	tell_probe(e, NULL, message);
}

/* The attribute that was begun last goes to the front, so that it is alone with a fresh process's
 * memory. */
static size_t first_of_next_batch(const struct evaluation *e)
{
	return e->begun == NONE || e->begun == 0 ? NONE : e->batch[e->begun];
}

static void on_child_done(void *owner, const struct child_end *end)
{
	struct evaluation *e = owner;
	bool ended_well = end->outcome == CHILD_EXITED && end->code == 0;
	bool is_blamed = !ended_well && end->outcome != CHILD_STOPPED;

	e->child = NULL;
	uv_timer_stop(&e->limit);
	nix_remove_request(STEAL_POINTER(e->request));
	if (!e->stop_wanted && e->probe_wanted && end->outcome != CHILD_STOPPED) {
		/* It died of the question, or before it: all else is done without. */
		blame_probe(e, end);
	} else if (!e->stop_wanted && is_blamed && e->support_asked) {
		/* It died of that question: once more without. */
		e->no_support = true;
	} else if (!e->stop_wanted && e->explaining) {
		/* What threw before but not now is reported by read_end(); else these are the
		 * words. */
		if (is_blamed)
			blame(e, end);
		if (e->states[e->batch[0]] != TOLD)
			tell_failure(e, e->batch[0], FAILURE_EVALUATION,
				words_or(e, "it failed, and did not when it was asked why"));
	} else if (!e->stop_wanted && is_blamed) {
		blame(e, end);
	} else if (!e->stop_wanted && ended_well) {
		fail_unreported(e);
	}
	start_next(e);
}

/* ---- starting ---- */

/* Reports begin with something that what is evaluated cannot know. */
static void make_mark(struct evaluation *e)
{
	uint64_t random[2] = { 0 };

	(void)!getrandom(random, sizeof random, 0);
	(void)snprintf(e->mark, sizeof e->mark, "capq:%016" PRIx64 ":", random[0] ^ random[1]);
}

static void on_limit(uv_timer_t *timer)
{
	struct evaluation *e = timer->data;

	if (e->child != NULL)
		child_stop(e->child, CHILD_TIMED_OUT);
}

/* Restricted, Nix reads what is below the entries of its search path, links followed, and nothing
 * else; both the name that is used and the one that it leads to must be there. The names before the
 * "=" are looked up by nobody. */
static void allow(struct argv *argv, const char *path)
{
	cleanup_free char *real = realpath(path, NULL);

	argv_add(argv, "-I");
	argv_addf(argv, "capq=%s", path);
	if (real == NULL || strcmp(real, path) == 0)
		return;
	argv_add(argv, "-I");
	argv_addf(argv, "capq=%s", real);
}

/* A revision may be a stranger's: it reads its own tree, our expression, its request, and the
 * overlays; no other file, no environment, nothing from the network. */
static void restrict_to_its_own(
	const struct evaluation *e, const char *expression, struct argv *argv)
{
	argv_add_all(argv, (const char *const[]){ "--option", "restrict-eval", "true", "--option",
				   "allowed-uris", "", NULL });
	allow(argv, expression);
	allow(argv, e->request);
	allow(argv, e->spec.tree);
	for (size_t i = 0; i < e->overlays.n; i++)
		allow(argv, e->overlays.items[i]);
}

static int start_process(struct evaluation *e, struct err *err)
{
	cleanup_free char *expression = nix_expression(e->nix, "evaluate.nix");
	cleanup_argv struct argv argv = { 0 };
	struct child_spec spec = {
		.name = "evaluator",
		.env = argv_words(&e->nix->env),
		.stop_signal = SIGKILL,
		.memory_bytes = (uint64_t)e->nix->settings->evaluator.memory_bytes,
		.max_output = OUTPUT_MAX,
		.max_line = LINE_MAX_BYTES,
		.on_stderr = on_stderr,
		.on_done = on_child_done,
		.owner = e,
	};
	uint64_t limit = (uint64_t)e->nix->settings->evaluator.timeout_ms;
	const struct evaluate_request request = {
		.spec = &e->spec,
		.batch = e->batch,
		.n_batch = e->n_batch,
		.mark = e->mark,
		.is_explaining = e->explaining,
		.wants_support = e->explaining && !e->no_support,
		.wants_probe = e->probe_wanted,
	};
	cleanup_free char *text = NULL;

	make_mark(e);
	e->begun = NONE;
	e->has_support = false;
	e->support_asked = e->explaining && !e->no_support;
	str_clear(&e->words);
	text = evaluate_request_text(&request);
	e->request = nix_write_request(e->nix, text, err);
	if (e->request == NULL)
		return err->code;
	nix_argv(e->nix, "nix-instantiate", NIX_NO_SUBSTITUTES, &argv);
	restrict_to_its_own(e, expression, &argv);
	argv_add_all(&argv,
		(const char *const[]){ "--option", "allow-import-from-derivation", "false",
			"--eval", "--strict", "--json", "--read-write-mode", "--argstr", "nixpkgs",
			e->spec.tree, "--argstr", "requestFile", e->request, expression, NULL });
	spec.argv = argv_words(&argv);
	uv_timer_start(&e->limit, on_limit, limit, limit);
	return child_start(e->nix->children, &spec, &e->child, err);
}

/* What the next process is to do. False: nothing is left. */
static bool choose_batch(struct evaluation *e)
{
	size_t first = e->explaining ? NONE : first_of_next_batch(e);

	e->n_batch = 0;
	e->explaining = false;
	if (first != NONE && e->states[first] == LEFT)
		e->batch[e->n_batch++] = first;
	for (size_t i = 0; i < e->spec.n; i++)
		if (e->states[i] == LEFT && i != first)
			e->batch[e->n_batch++] = i;
	for (size_t i = 0; i < e->spec.n && e->n_batch == 0; i++) {
		if (e->states[i] == THROWN) {
			e->batch[e->n_batch++] = i;
			e->explaining = true;
		}
	}
	return e->n_batch > 0 || (e->spec.n == 0 && e->probe_wanted);
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
	struct evaluation *e = handle->data;

	e->spec.on_done(e->spec.owner);
	for (size_t i = 0; i < e->spec.n; i++)
		free((char *)e->spec.attrs[i]);
	for (size_t i = 0; i < e->overlays.n; i++)
		free(e->overlays.items[i]);
	free(e->overlays.items);
	free((void *)e->spec.attrs);
	free((char *)e->spec.tree);
	free((char *)e->spec.system);
	free((char *)e->spec.caps);
	free((char *)e->spec.config);
	free(e->states);
	free(e->batch);
	str_free(&e->words);
	free(e);
}

static void start_next(struct evaluation *e)
{
	struct err err;

	if (!e->stop_wanted && choose_batch(e)) {
		if (start_process(e, &err) == 0)
			return;
		nix_remove_request(STEAL_POINTER(e->request));
		if (e->probe_wanted)
			tell_probe(e, NULL, err.text);
		fail_all_left(e, FAILURE_INTERRUPTED, err.text);
	}
	uv_close((uv_handle_t *)&e->limit, on_closed);
}

static void on_begin(uv_timer_t *timer)
{
	start_next(timer->data);
}

static char **copy_texts(const char *const *texts, size_t n)
{
	char **copy = xcalloc(n, sizeof *copy);

	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(texts[i]);
	return copy;
}

void evaluation_start(struct nix *nix, const struct evaluation_spec *spec, struct evaluation **out)
{
	struct evaluation *e = xcalloc(1, sizeof *e);

	e->nix = nix;
	e->spec = *spec;
	e->spec.tree = xstrdup(spec->tree);
	e->spec.system = xstrdup(spec->system);
	e->spec.caps = xstrdup(spec->caps);
	e->spec.config = xstrdup(spec->config);
	e->spec.attrs = (const char *const *)copy_texts(spec->attrs, spec->n);
	e->overlays.items =
		copy_texts((const char *const *)spec->overlays->items, spec->overlays->n);
	e->overlays.n = spec->overlays->n;
	e->spec.overlays = &e->overlays;
	e->states = xcalloc(spec->n, sizeof *e->states);
	e->batch = xcalloc(spec->n, sizeof *e->batch);
	e->begun = NONE;
	e->probe_wanted = spec->on_probe != NULL;
	uv_timer_init(nix->children->loop, &e->limit);
	e->limit.data = e;
	uv_timer_start(&e->limit, on_begin, 0, 0);
	*out = e;
}

static bool is_at(const struct evaluation *e, size_t i)
{
	size_t number = e->explaining ? 0 : e->begun;

	return number < e->n_batch && e->batch[number] == i;
}

static bool has_nothing_left(const struct evaluation *e)
{
	for (size_t k = 0; k < e->n_batch; k++)
		if (e->states[e->batch[k]] != TOLD)
			return false;
	return true;
}

void evaluation_drop(struct evaluation *e, size_t i)
{
	if (e->states[i] == TOLD)
		return;
	tell_failure(e, i, FAILURE_CANCELLED, "it is not wanted any more");
	if (e->child != NULL && (is_at(e, i) || has_nothing_left(e)))
		child_stop(e->child, CHILD_STOPPED);
}

void evaluation_stop(struct evaluation *e)
{
	if (e->stop_wanted)
		return;
	e->stop_wanted = true;
	if (e->child != NULL)
		child_stop(e->child, CHILD_STOPPED);
}
