/* Evaluate, for the pipeline: picks jobs of one context, has their tree made, runs the evaluation,
 * and writes what it says as it says it. A job is in flight from here to its result. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/pipeline/evaluate.h"
#include "daemon/pipeline/job_life.h"
#include "daemon/pipeline/probing.h"
#include "daemon/pipeline/steps.h"
#include "daemon/pipeline/supporting.h"
#include "daemon/store/context.h"
#include "daemon/store/job.h"
#include "io/clock.h"
#include "lib/hash.h"

#define TROUBLE_WAIT_MS 30000 /* After a tree could not be made. */

struct result {
	int64_t job_id;
	char *attr;
	char *drv_path; /* NULL: it failed. */
	enum failure failure;
	char *message;
	bool has_supported;
	struct capability_set supported; /* What the package can be built for. */
	bool is_news;                    /* It said so itself, just now. */
};

/* Results that wait for the turn's end. */
struct results {
	struct evaluating *of; /* It adds more as long as these are not written; NULL: it ended. */
	int64_t context_id;
	struct result *items;
	size_t n, capacity;
};

struct evaluating {
	struct evaluating *next;
	struct pipeline *p;
	struct context context;
	int64_t *job_ids;
	char **attrs;
	size_t n, capacity, attrs_capacity;
	struct evaluation *evaluation; /* NULL: its tree is being made. */
	bool wants_probe;              /* The revision was not asked yet what it can build for. */
	bool is_refused;               /* It cannot build for the set: all jobs were told. */
	struct results *pending;       /* Posted, and not written yet; NULL: none. */
};

/* ---- results ---- */

static void free_results(void *data)
{
	struct results *r = data;

	if (r->of != NULL)
		r->of->pending = NULL;
	for (size_t i = 0; i < r->n; i++) {
		free(r->items[i].attr);
		free(r->items[i].drv_path);
		free(r->items[i].message);
	}
	free(r->items);
	free(r);
}

static void land_job(struct pipeline *p, int64_t job_id, int64_t unused)
{
	(void)unused;
	id_map_remove(&p->evaluating_jobs, job_id);
}

/* The jobs stay as they are, and are chosen again. */
static void wait_after_outage(struct pipeline *p, const char *message)
{
	if (p->evaluate_not_before_ms < clock_mono_ms())
		log_unusual(
			"evaluation: %s; trying again in %d s", message, TROUBLE_WAIT_MS / 1000);
	p->evaluate_not_before_ms = clock_mono_ms() + TROUBLE_WAIT_MS;
}

static struct probe_key key_of(const struct context *context)
{
	return (struct probe_key){ context->rev, context->flavour_digest, context->system };
}

/* What the package cannot be built for decides before anything else does. */
static bool is_decided(struct pipeline *p, const struct results *r, const struct result *item)
{
	struct context context = { 0 };
	struct capability_set supported = item->supported;
	struct probe_key key;

	if (!item->has_supported || !store_context_get(p->store, r->context_id, &context))
		return false;
	key = key_of(&context);
	if (item->is_news)
		support_keep(p, &key, item->attr, &item->supported);
	(void)support_known(p, &key, item->attr, &supported); /* By the configuration first. */
	context_finish(&context);
	return support_decides(p, item->job_id, &supported);
}

static void write_results(struct pipeline *p, void *data)
{
	struct results *r = data;

	for (size_t i = 0; i < r->n; i++) {
		const struct result *item = &r->items[i];

		if (is_decided(p, r, item)) {
			/* Whatever it was. */
		} else if (item->failure == FAILURE_INTERRUPTED) {
			wait_after_outage(p, item->message);
		} else if (item->failure == FAILURE_CANCELLED) {
			/* It may have been asked for again meanwhile: then it is chosen again. */
			pipeline_wake(p);
		} else if (item->drv_path == NULL) {
			job_not_evaluated(p, item->job_id, item->failure, item->message);
		} else {
			store_evaluation_put(p->store, item->attr, r->context_id, item->drv_path,
				clock_wall_ms());
			job_evaluated(p, item->job_id, item->drv_path);
		}
		after_commit(p, land_job, item->job_id, 0);
	}
}

static void add_result(
	struct results *r, int64_t job_id, const char *attr, const struct evaluation_result *result)
{
	array_reserve(&r->items, &r->capacity, r->n + 1, sizeof *r->items);
	r->items[r->n++] = (struct result){
		.job_id = job_id,
		.attr = xstrdup(attr),
		.drv_path = xstrdup_or_null(result->drv_path),
		.failure = result->failure,
		.message = xstrdup_or_null(result->message),
		.has_supported = result->supported != NULL,
	};
	if (result->supported != NULL)
		r->items[r->n - 1].supported = *result->supported;
}

static void post_result(struct evaluating *e, size_t i, const struct evaluation_result *result)
{
	if (e->pending == NULL) {
		e->pending = xcalloc(1, sizeof *e->pending);
		e->pending->of = e;
		e->pending->context_id = e->context.id;
		pipeline_post(e->p, write_results, e->pending, free_results);
	}
	add_result(e->pending, e->job_ids[i], e->attrs[i], result);
}

static void on_result(void *owner, size_t i, const struct evaluation_result *result)
{
	struct evaluating *e = owner;

	if (e->is_refused)
		return;
	post_result(e, i, result);
	e->pending->items[e->pending->n - 1].is_news = result->supported != NULL;
}

/* ---- what the revision says ---- */

static struct probe_place place_of(const struct evaluating *e)
{
	return (struct probe_place){ e->context.rev, e->context.flavour, e->context.system };
}

static void on_probe(void *owner, const struct probe *probe, const char *message)
{
	struct evaluating *e = owner;
	const struct probe_place place = place_of(e);
	struct evaluation_result result = { .failure = FAILURE_UNSUPPORTED };
	struct capability_set set;
	struct err err;

	if (probe == NULL) {
		log_unusual("nixpkgs %.12s does not say what it can build for: %s", e->context.rev,
			message);
		return;
	}
	probe_keep(e->p, &place, probe);
	if (capability_set_parse(e->context.caps, &set, NULL) < 0 ||
		probe_check(probe, &set, e->context.system, &err) == 0)
		return;
	result.message = err.text;
	for (size_t i = 0; i < e->n; i++)
		post_result(e, i, &result);
	e->is_refused = true;
	evaluation_stop(e->evaluation);
}

/* ---- one evaluation ---- */

static void free_evaluating(struct evaluating *e)
{
	struct evaluating **at = &e->p->evaluations;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	if (e->pending != NULL)
		e->pending->of = NULL;
	if (e->context.rev != NULL)
		revision_unpin_tree(e->p->revisions, e->context.rev);
	e->p->sweep_trees = true;
	for (size_t i = 0; i < e->n; i++)
		free(e->attrs[i]);
	free(e->attrs);
	free(e->job_ids);
	context_finish(&e->context);
	free(e);
}

static void on_done(void *owner)
{
	struct evaluating *e = owner;
	struct pipeline *p = e->p;

	for (size_t i = 0; p->stopping && i < e->n; i++)
		id_map_remove(&p->evaluating_jobs, e->job_ids[i]);
	free_evaluating(e);
	pipeline_wake(p);
}

static void drop_cancelled(struct evaluating *e, size_t i)
{
	struct job job;

	if (!store_job_get(e->p->store, e->job_ids[i], &job))
		return;
	if (job.state == JOB_CANCELLED)
		evaluation_drop(e->evaluation, i);
	job_finish(&job);
}

static void start_evaluation(struct evaluating *e, const char *tree)
{
	const struct flavour *flavour = settings_flavour(e->p->settings, e->context.flavour);
	static const struct texts none;
	struct evaluation_spec spec = {
		.tree = tree,
		.system = e->context.system,
		.caps = e->context.caps,
		.config = flavour == NULL ? "{}" : flavour->config,
		.overlays = flavour == NULL ? &none : &flavour->overlays,
		.attrs = (const char *const *)e->attrs,
		.n = e->n,
		.on_probe = e->wants_probe ? on_probe : NULL,
		.on_result = on_result,
		.on_done = on_done,
		.owner = e,
	};

	log_fact("evaluating %zu attribute%s for %s, %s, at %.12s", e->n, e->n == 1 ? "" : "s",
		e->context.caps, e->context.system, e->context.rev);
	evaluation_start(&e->p->nix, &spec, &e->evaluation);
	for (size_t i = 0; i < e->n; i++)
		drop_cancelled(e, i); /* While the tree was made. */
}

void evaluating_drop(struct pipeline *p, int64_t job_id)
{
	for (struct evaluating *e = p->evaluations; e != NULL; e = e->next)
		for (size_t i = 0; i < e->n && e->evaluation != NULL; i++)
			if (e->job_ids[i] == job_id)
				drop_cancelled(e, i);
}

static void fail_all(struct evaluating *e, enum failure failure, const struct err *err)
{
	struct evaluation_result result = { .failure = failure, .message = err->text };

	for (size_t i = 0; i < e->n; i++)
		post_result(e, i, &result);
	free_evaluating(e);
}

/* The tree cannot be made. A full disk passes; anything else would only come again. */
static void fail_for_tree(struct evaluating *e, const struct err *err)
{
	struct pipeline *p = e->p;

	if (strstr(err->text, "No space left") == NULL && !p->stopping) {
		fail_all(e, FAILURE_EVALUATION, err);
		return;
	}
	log_unusual("evaluation: %s; trying again in %d s", err->text, TROUBLE_WAIT_MS / 1000);
	p->evaluate_not_before_ms = clock_mono_ms() + TROUBLE_WAIT_MS;
	for (size_t i = 0; i < e->n; i++)
		id_map_remove(&p->evaluating_jobs, e->job_ids[i]);
	free_evaluating(e);
}

static void on_tree(void *owner, const char *tree, const struct err *err)
{
	struct evaluating *e = owner;

	if (tree == NULL || e->p->stopping)
		fail_for_tree(e, err);
	else
		start_evaluation(e, tree);
}

/* ---- choosing jobs ---- */

static bool is_in_flight(void *owner, int64_t job_id)
{
	const struct pipeline *p = owner;

	return id_map_get(&p->evaluating_jobs, job_id) != ID_MAP_NONE;
}

struct choosing {
	struct evaluating *e;
	struct results *known; /* What was evaluated before. */
};

static bool choose_job(
	void *owner, int64_t job_id, const char *attr, int64_t context_id, const char *drv_path)
{
	struct choosing *c = owner;
	struct evaluating *e = c->e;

	(void)context_id;
	(void)drv_path;
	if (is_in_flight(e->p, job_id))
		return true;
	array_reserve(&e->job_ids, &e->capacity, e->n + 1, sizeof *e->job_ids);
	array_reserve(&e->attrs, &e->attrs_capacity, e->n + 1, sizeof *e->attrs);
	e->job_ids[e->n] = job_id;
	e->attrs[e->n++] = xstrdup(attr);
	return e->n < (size_t)e->p->settings->evaluator.batch;
}

/* It is known that the package cannot be built for all of the set: there is nothing to evaluate. */
static bool is_unsupported(struct evaluating *e, const struct capability_set *set, size_t i,
	struct capability_set *out)
{
	const struct probe_key key = key_of(&e->context);

	if (!support_known(e->p, &key, e->attrs[i], out))
		return false;
	for (size_t k = 0; k < set->n; k++)
		if (!capability_set_has(out, set->items[k]))
			return true;
	return false;
}

/* Take out what needs no Nix: what was evaluated before, as long as its .drv was not collected
 * since, and what is known not to be supported. */
static void take_known(struct evaluating *e, struct results *known)
{
	struct capability_set set = { 0 }, supported;
	size_t left = 0;

	(void)capability_set_parse(e->context.caps, &set, NULL);
	for (size_t i = 0; i < e->n; i++) {
		cleanup_free char *drv_path =
			store_evaluation_get(e->p->store, e->attrs[i], e->context.id);
		struct evaluation_result result = { .drv_path = drv_path };

		if (is_unsupported(e, &set, i, &supported))
			result = (struct evaluation_result){ .failure = FAILURE_UNSUPPORTED,
				.supported = &supported,
				.message = "the package does not support the set" };
		if (result.supported != NULL || (drv_path != NULL && access(drv_path, R_OK) == 0)) {
			add_result(known, e->job_ids[i], e->attrs[i], &result);
			free(e->attrs[i]);
			continue;
		}
		e->job_ids[left] = e->job_ids[i];
		e->attrs[left++] = e->attrs[i];
	}
	e->n = left;
}

/* The flavour may have been changed or removed since the job was accepted: then it is not what was
 * asked for. */
static bool flavour_is_same(const struct evaluating *e)
{
	const struct flavour *flavour = settings_flavour(e->p->settings, e->context.flavour);
	char digest[SHA256_HEX_LEN + 1];

	if (flavour == NULL)
		return false;
	settings_flavour_digest(flavour, digest);
	return strcmp(digest, e->context.flavour_digest) == 0;
}

/* What nixpkgs or nvcc refuse, as far as it is known already; else it is asked now. */
static bool is_refused(struct evaluating *e, struct err *err)
{
	const struct probe_place place = place_of(e);
	struct probe probe;

	e->wants_probe = !probe_known(e->p, &place, &probe);
	return probe_check_caps(e->p, &place, e->context.caps, err) < 0;
}

static void start_context(struct pipeline *p, int64_t context_id)
{
	struct evaluating *e = xcalloc(1, sizeof *e);
	struct results *known = xcalloc(1, sizeof *known);
	struct choosing c = { e, known };
	cleanup_free char *tree = NULL;
	struct err err;

	e->p = p;
	e->next = p->evaluations;
	p->evaluations = e;
	if (store_context_get(p->store, context_id, &e->context)) {
		revision_pin_tree(p->revisions, e->context.rev);
		store_jobs_each(p->store, JOB_EVALUATING, context_id, choose_job, &c);
	}
	known->context_id = context_id;
	for (size_t i = 0; i < e->n; i++)
		id_map_set(&p->evaluating_jobs, e->job_ids[i], 1);
	if (e->n > 0 && is_refused(e, &err)) {
		free_results(known);
		fail_all(e, FAILURE_UNSUPPORTED, &err);
		return;
	}
	take_known(e, known);
	if (known->n > 0)
		pipeline_post(p, write_results, known, free_results);
	else
		free_results(known);
	if (e->n == 0) {
		free_evaluating(e);
		return;
	}
	if (!flavour_is_same(e)) {
		(void)err_set(&err, CAPQ_EINVAL,
			"the configuration of flavour '%s' changed since it was "
			"submitted; submit it again",
			e->context.flavour);
		fail_all(e, FAILURE_EVALUATION, &err);
		return;
	}
	tree = revision_tree_path(p->revisions, e->context.rev);
	if (tree != NULL)
		start_evaluation(e, tree);
	else
		revision_tree(p->revisions, e->context.rev, on_tree, e);
}

static size_t count(const struct pipeline *p)
{
	size_t n = 0;

	for (const struct evaluating *e = p->evaluations; e != NULL; e = e->next)
		n++;
	return n;
}

static size_t free_places(const struct pipeline *p)
{
	size_t used = pipeline_n_evaluations(p);
	size_t places = (size_t)p->settings->evaluator.max_jobs;

	return used < places ? places - used : 0;
}

/* Somebody waits for a dry run or an answer, so these come first. */
void evaluating_start_some(struct pipeline *p)
{
	dry_runs_start_some(p, free_places(p));
	probings_start_some(p, free_places(p));
	while (free_places(p) > 0 && p->job_counts[JOB_EVALUATING] > 0 &&
		clock_mono_ms() >= p->evaluate_not_before_ms) {
		int64_t context_id = store_job_next_context(p->store, is_in_flight, p);

		if (context_id == 0)
			return;
		start_context(p, context_id);
	}
}

void evaluating_stop_all(struct pipeline *p)
{
	for (struct evaluating *e = p->evaluations; e != NULL; e = e->next)
		if (e->evaluation != NULL)
			evaluation_stop(e->evaluation);
}

size_t pipeline_n_evaluations(const struct pipeline *p)
{
	return count(p) + dry_runs_evaluating(p) + probings_evaluating(p);
}
