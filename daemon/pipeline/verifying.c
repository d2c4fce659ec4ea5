/* Verify, for the pipeline: builds that are verifying and due, each with a capq-inspect of its own.
 *
 * A build is held against the sets of the jobs that ask for it; one that only is needed, against
 * the set that it was planned for. When none of the sets that are required is there, the build is
 * refused: it is not pushed, and nothing is built on it. When some are (a package that ignores the
 * set may serve one job and not another), it goes on, and the jobs whose set is not there fail. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/job_life.h"
#include "daemon/pipeline/look.h"
#include "daemon/pipeline/steps.h"
#include "daemon/pipeline/verify_policy.h"
#include "daemon/store/build.h"
#include "daemon/store/code.h"
#include "daemon/store/want.h"
#include "io/clock.h"
#include "lib/gpu_code_json.h"
#include "lib/gpu_verify.h"

struct verifying {
	struct verifying *next;
	struct pipeline *p;
	int64_t build_id;
	struct look *look; /* NULL: it has ended. */
};

/* ---- whose sets ---- */

/* Somebody who asks for a set: a job, or the build itself. */
struct claim {
	int64_t job_id; /* 0: no job. */
	char *caps;
	bool holds;
	struct str why; /* It does not. */
};

struct claims {
	struct claim *items;
	size_t n, capacity;
};

static void add_claim(struct claims *claims, int64_t job_id, const char *caps)
{
	array_reserve(&claims->items, &claims->capacity, claims->n + 1, sizeof *claims->items);
	claims->items[claims->n++] = (struct claim){ .job_id = job_id, .caps = xstrdup(caps) };
}

static void add_job(void *owner, const struct job_want *want)
{
	add_claim(owner, want->job_id, want->caps);
}

/* Returns whether a job asks for it. */
static bool find_claims(struct pipeline *p, int64_t build_id, struct claims *out)
{
	cleanup_free char *caps = NULL;

	store_wants_of(p->store, build_id, add_job, out);
	if (out->n > 0)
		return true;
	caps = store_build_caps(p->store, build_id);
	add_claim(out, 0, caps);
	return false;
}

static void free_claims(struct claims *claims)
{
	for (size_t i = 0; i < claims->n; i++) {
		free(claims->items[i].caps);
		str_free(&claims->items[i].why);
	}
	free(claims->items);
}

/* ---- what was seen, as rows ---- */

struct seen {
	int64_t build_id;
	struct looked looked;
};

static void free_seen(void *data)
{
	struct seen *seen = data;

	looked_finish(&seen->looked);
	free(seen);
}

static bool is_first_with_caps(const struct claims *claims, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(claims->items[k].caps, claims->items[i].caps) == 0)
			return false;
	return true;
}

/* What the file lacks, of each set that it does not hold: "sm_86", or "8.6: sm_86; 9.0: sm_90". */
static void add_lacks(struct str *out, const struct looked_file *file, const struct claims *claims)
{
	for (size_t i = 0; i < claims->n; i++) {
		struct capability_set asked;
		cleanup_str struct str lacks = { 0 };

		if (!is_first_with_caps(claims, i) ||
			capability_set_parse(claims->items[i].caps, &asked, NULL) < 0 ||
			gpu_verify(&file->code, &asked, &lacks))
			continue;
		str_addf(out, "%s%s: %s", out->len > 0 ? "; " : "", claims->items[i].caps,
			lacks.text);
	}
}

static void write_files(struct pipeline *p, const struct seen *seen, const struct claims *claims)
{
	for (size_t i = 0; i < seen->looked.n; i++) {
		const struct looked_file *file = &seen->looked.files[i];
		cleanup_str struct str lacks = { 0 };
		struct json_out kinds = { 0 };
		struct code_file row = { .path = file->path, .error = file->error };

		gpu_kinds_to_json(&file->code, &kinds, NULL);
		if (file->error == NULL)
			add_lacks(&lacks, file, claims);
		row.kinds = kinds.text.text;
		row.lacks = lacks.text;
		store_code_file_add(p->store, seen->build_id, &row);
		str_free(&kinds.text);
	}
}

/* The units of all files together, as JSON. The caller frees. */
static char *all_kinds(const struct looked *looked)
{
	struct gpu_code all = { .n_archs = 0 };
	struct json_out out = { 0 };

	for (size_t i = 0; i < looked->n; i++)
		(void)gpu_code_add(&all, &looked->files[i].code, NULL); /* Too many are enough. */
	gpu_kinds_to_json(&all, &out, NULL);
	gpu_code_finish(&all);
	return str_take(&out.text);
}

static char *sets_of(const struct claims *claims)
{
	struct str out = { 0 };

	for (size_t i = 0; i < claims->n; i++)
		if (is_first_with_caps(claims, i))
			str_addf(&out, "%s%s", out.len > 0 ? " " : "", claims->items[i].caps);
	return str_take(&out);
}

static void write_seen(struct pipeline *p, const struct seen *seen, const struct claims *claims,
	const struct code_seen *summary)
{
	cleanup_free char *asked = sets_of(claims), *kinds = all_kinds(&seen->looked);
	struct code_seen row = *summary;

	row.asked = asked;
	row.kinds = kinds;
	row.at = clock_wall_ms();
	for (size_t i = 0; i < seen->looked.n; i++)
		row.n_files += gpu_code_is_there(&seen->looked.files[i].code);
	store_code_set(p->store, seen->build_id, &row);
	write_files(p, seen, claims);
}

/* ---- the verdict ---- */

/* Hold what was seen against each claim. Returns how many it fulfils. */
static size_t judge(const struct looked *looked, struct claims *claims)
{
	size_t n = 0;

	for (size_t i = 0; i < claims->n; i++) {
		struct claim *claim = &claims->items[i];
		struct capability_set asked;

		claim->holds = capability_set_parse(claim->caps, &asked, NULL) == 0 &&
			       looked_holds(looked, &asked, &claim->why);
		n += claim->holds;
	}
	return n;
}

static const char *first_reason(const struct claims *claims)
{
	for (size_t i = 0; i < claims->n; i++)
		if (!claims->items[i].holds)
			return str_text(&claims->items[i].why);
	return NULL;
}

static void sum_up(const struct looked *looked, const struct claims *claims, size_t n_held,
	struct code_seen *out)
{
	if (looked->problem != NULL) {
		out->verdict = VERDICT_UNKNOWN;
		out->reason = looked->problem;
		out->is_refused = out->is_required;
		return;
	}
	out->verdict = looked->n == 0        ? VERDICT_NO_CODE
		       : n_held == claims->n ? VERDICT_HOLDS
					     : VERDICT_LACKS;
	out->reason = (char *)first_reason(claims);
	out->is_refused = out->is_required && n_held == 0;
}

/* The build goes on; who asked for what it does not hold does not get it. */
static void let_pass(struct pipeline *p, int64_t build_id, const struct claims *claims)
{
	for (size_t i = 0; i < claims->n; i++)
		if (!claims->items[i].holds && claims->items[i].job_id != 0)
			job_lacks_code(p, claims->items[i].job_id, str_text(&claims->items[i].why));
	build_verified(p, build_id);
}

static void land_build(struct pipeline *p, int64_t build_id, int64_t unused)
{
	(void)unused;
	id_map_remove(&p->verifying_builds, build_id);
	pipeline_wake(p);
}

static void write_verdict(struct pipeline *p, void *data)
{
	const struct seen *seen = data;
	cleanup_free char *package = store_build_package(p->store, seen->build_id);
	struct claims claims = { 0 };
	struct code_seen summary = { .is_required = false };
	bool is_wanted = find_claims(p, seen->build_id, &claims);
	size_t n_held = judge(&seen->looked, &claims);

	summary.is_required = verify_policy_of(p->settings, package, is_wanted) == VERIFY_REQUIRE;
	sum_up(&seen->looked, &claims, n_held, &summary);
	write_seen(p, seen, &claims, &summary);
	if (!summary.is_required) {
		build_verified(p, seen->build_id);
	} else if (seen->looked.problem != NULL) {
		build_try_failed(p, seen->build_id, FAILURE_INTERRUPTED, seen->looked.problem);
	} else if (summary.is_refused) {
		build_try_failed(p, seen->build_id, FAILURE_VERIFY, summary.reason);
	} else {
		let_pass(p, seen->build_id, &claims);
	}
	free_claims(&claims);
	after_commit(p, land_build, seen->build_id, 0);
}

/* Nobody is to look: what was seen at an earlier time counts no longer. */
static void write_unseen(struct pipeline *p, void *data)
{
	int64_t id = *(const int64_t *)data;

	store_code_forget(p->store, id);
	build_verified(p, id);
	after_commit(p, land_build, id, 0);
}

/* ---- one look ---- */

static void free_verifying(struct verifying *v)
{
	struct verifying **at = &v->p->verifications;

	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	free(v);
}

static void on_looked(void *owner, struct looked *looked)
{
	struct verifying *v = owner;
	struct pipeline *p = v->p;
	struct seen *seen = xcalloc(1, sizeof *seen);

	seen->build_id = v->build_id;
	seen->looked = *looked;
	if (p->stopping) { /* It may have been stopped: the next start looks again. */
		id_map_remove(&p->verifying_builds, v->build_id);
		free_seen(seen);
	} else {
		pipeline_post(p, write_verdict, seen, free_seen);
	}
	free_verifying(v);
}

static void pass_unseen(struct pipeline *p, int64_t build_id)
{
	int64_t *id = xmalloc(sizeof *id);

	*id = build_id;
	pipeline_post(p, write_unseen, id, free);
}

static int start_look(struct pipeline *p, const struct build *build, struct err *err)
{
	struct verifying *v = xcalloc(1, sizeof *v);
	struct look_spec spec = {
		.program = p->capq_inspect,
		.outputs = build->outputs,
		.timeout_ms = (uint64_t)p->settings->verify.timeout_ms,
		.on_done = on_looked,
		.owner = v,
	};
	int rv;

	v->p = p;
	v->build_id = build->id;
	rv = look_start(&p->children, &spec, &v->look, err);
	if (rv < 0) {
		free(v);
		return rv;
	}
	v->next = p->verifications;
	p->verifications = v;
	return 0;
}

/* ---- starting ---- */

struct due {
	struct pipeline *p;
	int64_t id; /* 0: none. */
};

static bool choose(void *owner, int64_t id, int64_t not_before)
{
	struct due *due = owner;

	if (not_before > clock_wall_ms() ||
		id_map_get(&due->p->verifying_builds, id) != ID_MAP_NONE)
		return true;
	due->id = id;
	return false;
}

static bool is_to_be_seen(struct pipeline *p, const struct build *build)
{
	cleanup_free char *package = store_build_package(p->store, build->id);

	return !build->is_fetch &&
	       verify_policy_of(p->settings, package, store_build_is_target(p->store, build->id)) !=
		       VERIFY_OFF;
}

/* Returns whether another may be started. */
static bool start_one(struct pipeline *p)
{
	struct due due = { p, 0 };
	struct build build;
	struct err err;
	bool ok = true;

	store_builds_each(p->store, BUILD_VERIFYING, choose, &due);
	if (due.id == 0 || !store_build_get(p->store, due.id, &build))
		return false;
	id_map_set(&p->verifying_builds, build.id, 1);
	if (!is_to_be_seen(p, &build)) {
		pass_unseen(p, build.id);
	} else if (start_look(p, &build, &err) < 0) {
		log_broken("verify: %s", err.text);
		id_map_remove(&p->verifying_builds, build.id);
		ok = false; /* The tick asks again. */
	}
	build_finish(&build);
	return ok;
}

static size_t count(const struct pipeline *p)
{
	size_t n = 0;

	for (const struct verifying *v = p->verifications; v != NULL; v = v->next)
		n++;
	return n;
}

void verifying_start_some(struct pipeline *p)
{
	while (count(p) < (size_t)p->settings->verify.max_jobs && p->store_problem == NULL &&
		p->build_counts[BUILD_VERIFYING] > (int64_t)p->verifying_builds.n)
		if (!start_one(p))
			return;
}

void verifying_stop_all(struct pipeline *p)
{
	for (struct verifying *v = p->verifications; v != NULL; v = v->next)
		look_stop(v->look);
}

/* ---- what was seen before ---- */

static void load_file(void *owner, const struct code_file *row)
{
	struct looked *looked = owner;
	cleanup_json struct json *kinds = NULL;
	struct looked_file file = { .path = NULL };

	if (json_parse(row->kinds, strlen(row->kinds), &kinds, NULL) == 0)
		(void)gpu_kinds_from_json(kinds, &file.code, NULL); /* It was written by us. */
	file.path = xstrdup(row->path);
	file.error = xstrdup_or_null(row->error);
	array_reserve(&looked->files, &looked->capacity, looked->n + 1, sizeof *looked->files);
	looked->files[looked->n++] = file;
}

bool verify_job(struct pipeline *p, int64_t build_id, const char *caps, struct str *out_why)
{
	cleanup_free char *package = store_build_package(p->store, build_id);
	struct looked looked = { 0 };
	struct capability_set asked;
	bool holds;

	if (verify_policy_of(p->settings, package, true) != VERIFY_REQUIRE ||
		capability_set_parse(caps, &asked, NULL) < 0)
		return true;
	store_code_files_each(p->store, build_id, load_file, &looked);
	holds = looked_holds(&looked, &asked, out_why);
	looked_finish(&looked);
	return holds;
}

/* The word is among those of the list. */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += len)
		if ((at == list || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' '))
			return true;
	return false;
}

bool verify_may_change(
	struct pipeline *p, const struct build_key *build, bool is_target, const char *caps)
{
	struct code_seen seen;
	bool was_asked;

	if (build->failure != FAILURE_VERIFY || !is_target ||
		!store_code_get(p->store, build->id, &seen))
		return false;
	was_asked = has_word(seen.asked, caps);
	code_seen_finish(&seen);
	return !was_asked;
}

static void hide(void *owner, const char *outputs)
{
	const struct graph *graph = owner;
	cleanup_json struct json *json = NULL;

	if (json_parse(outputs, strlen(outputs), &json, NULL) < 0)
		return; /* The data base's own JSON. */
	for (const struct json *v = json_first(json); v != NULL; v = json_next(v))
		for (struct graph_output *o = graph_output(graph, json_text(v)); o != NULL;
			o = o->twin)
			o->is_valid = false;
}

void verify_hide_refused(void *pipeline, struct graph *graph)
{
	const struct pipeline *p = pipeline;

	store_code_refused_each(p->store, hide, graph);
}
