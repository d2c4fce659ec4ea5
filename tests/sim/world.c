#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "lib/store_path.h"
#include "lib/str.h"
#include "tests/sim/sim.h"
#include "tests/support/cmocka_all.h"

#define PACKAGES_MAX 50
#define PUSH_MS 500
#define FILE_BYTES 4096

struct thing {
	const struct world_package *package;
	char *drv_path, *output;
	bool is_valid, is_cached;
	const struct child *builder; /* The process that is at it, */
	int64_t valid_ms;            /* and when it will have built it. */
	int n_failed, n_built, n_unknown;
};

static struct thing things[PACKAGES_MAX];
static size_t n_things;
static int pushes_to_fail, pushes, most_pushes, checks, most_checks;
static bool cache_is_away;
static int n_evaluations, evaluations, most_evaluations;
static bool nix_is_away;

void world_begin(const struct drv_case *drvs, const struct world_package *packages)
{
	for (size_t i = 0; i < n_things; i++) {
		free(things[i].drv_path);
		free(things[i].output);
	}
	n_things = 0;
	pushes_to_fail = pushes = most_pushes = checks = most_checks = 0;
	cache_is_away = false;
	n_evaluations = evaluations = most_evaluations = 0;
	nix_is_away = false;
	for (; packages->name != NULL; packages++) {
		assert_true(n_things < PACKAGES_MAX);
		drv_case_add(drvs, packages->name, packages->needs == NULL ? "" : packages->needs,
			packages->kind);
		things[n_things++] = (struct thing){
			.package = packages,
			.drv_path = drv_case_path(drvs, packages->name),
			.output = drv_case_output(packages->name),
		};
	}
}

void world_fail_pushes(int n)
{
	pushes_to_fail = n;
}

void world_take_cache_away(bool away)
{
	cache_is_away = away;
	sim_note("> the cache is %s", away ? "away" : "back");
}

int world_most_pushes(void)
{
	return most_pushes;
}

void world_take_nix_away(bool away)
{
	nix_is_away = away;
}

int world_n_evaluations(void)
{
	return n_evaluations;
}

int world_most_evaluations(void)
{
	return most_evaluations;
}

int world_most_checks(void)
{
	return most_checks;
}

/* The thing whose name, derivation or output `text` is; NULL: none. */
static struct thing *find(const char *text)
{
	for (size_t i = 0; i < n_things; i++)
		if (strcmp(text, things[i].package->name) == 0 ||
			strcmp(text, things[i].drv_path) == 0 ||
			strcmp(text, things[i].output) == 0)
			return &things[i];
	return NULL;
}

int world_n_built(const char *name)
{
	return find(name)->n_built;
}

static bool has_word(const struct child *c, const char *word)
{
	for (const char *const *w = child_argv(c); *w != NULL; w++)
		if (strcmp(*w, word) == 0)
			return true;
	return false;
}

static const char *word_after(const struct child *c, const char *word)
{
	for (const char *const *w = child_argv(c); *w != NULL; w++)
		if (strcmp(*w, word) == 0)
			return w[1];
	fail_msg("%s is missing", word);
	return NULL;
}

/* ---- evaluating ---- */

/* One line on standard error: the mark, and what is reported of attribute `i`. */
static void report(struct child *c, const char *mark, const char *key, int64_t i,
	const char *member, const char *value)
{
	struct json_out inner = { 0 }, line = { 0 };
	cleanup_str struct str text = { 0 };

	json_out_object(&inner, NULL);
	json_out_int(&inner, key, i);
	if (member != NULL)
		json_out_text(&inner, member, value);
	json_out_end_object(&inner);
	str_addf(&text, "trace: %s%s", mark, str_text(&inner.text));
	json_out_object(&line, NULL);
	json_out_text(&line, "action", "msg");
	json_out_int(&line, "level", 0);
	json_out_text(&line, "msg", str_text(&text));
	json_out_end_object(&line);
	str_clear(&text);
	str_addf(&text, "@nix %s", str_text(&line.text));
	child_complains(c, str_text(&text));
	str_free(&inner.text);
	str_free(&line.text);
}

static struct json *read_request(const struct child *c)
{
	FILE *f = fopen(word_after(c, "requestFile"), "r");
	static char text[1 << 16];
	struct json *json = NULL;
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof text, f);
	(void)fclose(f);
	assert_int_equal(json_parse(text, n, &json, NULL), 0);
	return json;
}

static void on_evaluated(void *unused)
{
	(void)unused;
	evaluations--;
}

static void script_evaluation(struct child *c)
{
	cleanup_json struct json *request = read_request(c);
	const char *mark = json_text(json_get(request, "mark"));
	bool is_probed = false;
	int64_t i = 0;

	n_evaluations++;
	if (++evaluations > most_evaluations)
		most_evaluations = evaluations;
	child_takes(c, 1000);
	if (json_bool(json_get(request, "probe"), &is_probed) && is_probed) {
		cleanup_free char *answer = str_format("%s{\"probe\":{}}", mark);

		child_complains(c, answer);
	}
	for (const struct json *a = json_first(json_get(request, "attrs")); a != NULL;
		a = json_next(a), i++) {
		cleanup_free char *name = str_format("%s-1", json_text(json_first(a)));
		struct thing *thing = find(name);

		report(c, mark, "begin", i, NULL, NULL);
		if (thing == NULL)
			report(c, mark, "end", i, "missing", json_text(json_first(a)));
		else
			report(c, mark, "end", i, "drvPath", thing->drv_path);
	}
	child_does(c, on_evaluated, NULL);
}

/* ---- the store ---- */

static void complain(struct child *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void complain(struct child *c, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list args;

	va_start(args, format);
	assert_true(vasprintf(&text, format, args) >= 0);
	va_end(args);
	child_complains(c, text);
}

static void script_outage(struct child *c)
{
	complain(c,
		"@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"error: cannot connect to socket "
		"at '/nix/var/nix/daemon-socket/socket': Connection refused\"}");
	child_exits(c, 1);
}

static void on_checked(void *unused)
{
	(void)unused;
	checks--;
}

static void script_validity(struct child *c)
{
	if (++checks > most_checks)
		most_checks = checks;
	child_does(c, on_checked, NULL);
	for (const char *const *w = child_argv(c); *w != NULL; w++) {
		struct thing *thing = find(*w);

		if (thing != NULL && thing->n_unknown < thing->package->n_unknowns) {
			thing->n_unknown++;
			complain(c,
				"@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"error: "
				"nobody knows whether '%s' is valid\"}",
				*w);
			child_exits(c, 1);
		} else if (thing != NULL && !thing->is_valid) {
			child_prints(c, *w);
		}
	}
}

static void on_built(void *owner)
{
	struct thing *thing = owner;

	thing->is_valid = true;
	thing->n_built++;
}

/* Build what it needs and then it, one after the other, as `nix-store -r` does. False: it failed.
 * What is scripted here happens later: `planned` remembers what will be valid by then. */
static bool script_build(struct child *c, struct thing *thing, bool *planned)
{
	static int id = 100;
	cleanup_free char *needs =
		xstrdup(thing->package->needs == NULL ? "" : thing->package->needs);
	char *rest = needs, *word;

	if (thing->is_valid || planned[thing - things])
		return true;
	if (thing->valid_ms >
		child_time(c)) { /* Another process is at it: Nix waits for its lock. */
		child_takes(c, thing->valid_ms - child_time(c));
		return true;
	}
	while ((word = strsep(&rest, " ")) != NULL)
		if (word[0] != '\0' && !script_build(c, find(word), planned))
			return false;
	id++;
	complain(c,
		"@nix {\"action\":\"start\",\"fields\":[\"%s\",\"\",1,1],\"id\":%d,\"level\":3,"
		"\"text\":\"\",\"type\":105}",
		thing->drv_path, id);
	child_takes(c, thing->package->takes_ms == 0 ? 1000 : thing->package->takes_ms);
	complain(c, "@nix {\"action\":\"stop\",\"id\":%d}", id);
	if (thing->n_failed < thing->package->n_errors) {
		cleanup_free char *error = str_format("%s", thing->package->error);

		thing->n_failed++;
		complain(c, "@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"error: %s '%s'%s\"}",
			error, thing->drv_path,
			strstr(error, "builder for") == NULL ? "" : " failed with exit code 1");
		return false;
	}
	planned[thing - things] = true;
	thing->builder = c;
	thing->valid_ms = child_time(c);
	child_does(c, on_built, thing);
	return true;
}

void world_stops(struct child *c)
{
	for (size_t i = 0; i < n_things; i++)
		if (things[i].builder == c && !things[i].is_valid)
			things[i].valid_ms = 0;
}

static void script_realise(struct child *c)
{
	bool planned[PACKAGES_MAX] = { false }, ok = true;
	cleanup_str struct str names = { 0 };

	for (const char *const *w = child_argv(c); *w != NULL; w++) {
		struct thing *thing = store_path_is_drv(*w) ? find(*w) : NULL;

		if (thing == NULL)
			continue;
		str_addf(&names, " %s", thing->package->name);
		if (!script_build(c, thing, planned))
			ok = false;
	}
	child_exits(c, ok ? 0 : 1);
	if (names.len > 0)
		sim_note("$ nix-store -r%s", str_text(&names));
}

/* ---- the cache ---- */

static void on_pushed(void *owner)
{
	struct thing *thing = owner;

	thing->is_cached = true;
}

static void script_check(struct child *c, struct thing *thing)
{
	cleanup_free char *line =
		str_format("{\"event\":\"missing\",\"path\":\"%s\"}", thing->output);

	if (thing->is_cached)
		return;
	child_prints(c, line);
	child_exits(c, 1); /* The answer is there all the same. */
}

static void script_upload(struct child *c, struct thing *thing)
{
	cleanup_free char *line = NULL;

	assert_true(thing->is_valid);
	assert_false(thing->is_cached); /* Nothing is pushed twice. */
	sim_note("$ capq-push %s", thing->package->name);
	child_takes(c, PUSH_MS);
	if (pushes_to_fail > 0) {
		line = str_format("{\"event\":\"fail\",\"path\":\"%s\",\"message\":\"HTTP 502\"}",
			thing->output);
		child_exits(c, 1);
		pushes_to_fail--;
	} else {
		line = str_format("{\"event\":\"done\",\"path\":\"%s\",\"file_bytes\":%d}",
			thing->output, FILE_BYTES);
		child_does(c, on_pushed, thing);
	}
	child_prints(c, line);
}

/* Nothing of it can be asked or pushed. */
static void script_silence(struct child *c, struct thing *thing)
{
	cleanup_free char *line = str_format(
		"{\"event\":\"fail\",\"path\":\"%s\",\"class\":\"network\",\"message\":\"no route\"}",
		thing->output);

	sim_note("$ capq-push %s (the cache is silent)", thing->package->name);
	child_takes(c, PUSH_MS);
	child_prints(c, line);
	child_exits(c, 3);
}

static void push_ended(void *unused)
{
	(void)unused;
	pushes--;
}

static void script_push(struct child *c)
{
	cleanup_free char *input = xstrdup(child_input(c));
	char *rest = input, *path;

	while ((path = strsep(&rest, "\n")) != NULL) {
		if (path[0] == '\0')
			continue;
		if (cache_is_away)
			script_silence(c, find(path));
		else if (has_word(c, "--check"))
			script_check(c, find(path));
		else
			script_upload(c, find(path));
	}
	child_prints(c, cache_is_away ? "{\"event\":\"end\",\"failed\":1}"
				      : "{\"event\":\"end\",\"failed\":0}");
	if (has_word(c, "--check"))
		return;
	if (++pushes > most_pushes)
		most_pushes = pushes;
	child_does(c, push_ended, NULL);
}

/* ---- who is it? ---- */

void world_script(struct child *c)
{
	const char *program = child_argv(c)[0];

	child_takes(c, 10);
	if (has_word(c, "--cache"))
		script_push(c);
	else if (has_word(c, "--eval"))
		script_evaluation(c);
	else if (strcmp(program, "nix-hash") == 0)
		child_prints(c, "0000000000000000000000000000000000000000000000000000");
	else if (nix_is_away && str_starts(program, "nix-"))
		script_outage(c);
	else if (has_word(c, "--check-validity"))
		script_validity(c);
	else if (has_word(c, "-r"))
		script_realise(c);
	else if (has_word(c, "--version"))
		child_prints(c, "nix-store (Nix) 2.8.0");
	else if (has_word(c, "--size"))
		for (int i = 0; child_argv(c)[i] != NULL; i++)
			child_prints(c, "1000");
}
