/* Dry run: what a submit would do, without doing it. Its jobs are evaluated, context after context,
 * in the same number of places as all evaluations, and planned together; nothing is stored.
 *
 *   WAITING -> EVALUATING (again for each context) -> PLANNING -> FORETELLING -> answered
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/pipeline/evaluate.h"
#include "daemon/pipeline/forecasting.h"
#include "daemon/pipeline/plan.h"
#include "daemon/pipeline/probing.h"
#include "daemon/pipeline/steps.h"
#include "daemon/pipeline/submission.h"
#include "daemon/pipeline/supporting.h"
#include "daemon/pipeline/wanting.h"
#include "daemon/pipeline/what_if.h"
#include "daemon/store/context.h"
#include "io/clock.h"
#include "lib/job_json.h"

#define JOBS_MAX 2000

enum dry_state {
	WAITING,
	EVALUATING,
	PLANNING,
	FORETELLING, /* When its builds would be done. */
};

struct dry_job {
	struct spooled spooled;
	size_t built; /* Context of what would be built in its place; SIZE_MAX: none. */
	char *drv_path, *error;
	bool is_skipped; /* Its package supports nothing of the set, and it wants no failure then.
			  */
	size_t target;   /* Of the plan; SIZE_MAX: none. */
	bool cached;
	int64_t builds;
	bool has_eta;
	struct eta eta;
};

struct dry_run {
	struct dry_run *next;
	struct pipeline *p;
	struct submission *s;
	enum dry_state state;
	size_t context; /* That is evaluated now. */
	struct dry_job *jobs;
	size_t *asked; /* Jobs of the evaluation that runs, in its order. */
	size_t n_asked;
	const char **drvs; /* Distinct derivations: the plan's targets. */
	size_t n_drvs;
	struct evaluation *evaluation;
	struct plan *plan;
	int64_t builds, fetches; /* As planned. */
	struct what_if what_if;
};

/* ---- the end ---- */

static void unlink_dry_run(struct dry_run *d)
{
	struct dry_run **at = &d->p->dry_runs;

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
}

static void free_dry_run(struct dry_run *d)
{
	unlink_dry_run(d);
	for (size_t i = 0; i < d->s->n; i++) {
		free(d->jobs[i].drv_path);
		free(d->jobs[i].error);
	}
	free(d->what_if.target_ids);
	free(d->jobs);
	free(d->asked);
	free((void *)d->drvs);
	free(d);
}

static void fail(struct dry_run *d, const struct err *err)
{
	struct submission *s = d->s;
	struct err copy = *err;

	free_dry_run(d);
	submission_fail(s, -1, &copy);
}

/* Of what would be built. */
static const struct submission_context *built_context(
	const struct dry_run *d, const struct dry_job *job)
{
	return &d->s->contexts[job->built != SIZE_MAX ? job->built : job->spooled.context];
}

/* The set of the first job of this attribute that is the same derivation for another set; NULL:
 * none. */
static const char *same_as(const struct dry_run *d, const struct dry_job *job)
{
	const char *caps = d->s->contexts[job->spooled.context].caps;

	for (const struct dry_job *other = d->jobs; other < job; other++) {
		const char *other_caps = d->s->contexts[other->spooled.context].caps;

		if (job->drv_path != NULL && other->target == job->target &&
			strcmp(other->spooled.attr, job->spooled.attr) == 0 &&
			strcmp(other_caps, caps) != 0)
			return other_caps;
	}
	return NULL;
}

static void job_to_answer(const struct dry_run *d, const struct dry_job *job, struct json_out *out)
{
	const struct submission_context *c = &d->s->contexts[job->spooled.context];

	json_out_object(out, NULL);
	json_out_text(out, "attr", job->spooled.attr);
	caps_to_json(c->caps, out);
	built_to_json(job->built != SIZE_MAX ? built_context(d, job)->caps : NULL, out);
	json_out_bool(out, "skipped", job->is_skipped);
	json_out_text(out, "flavour", c->flavour);
	json_out_text(out, "rev", c->hash);
	json_out_text(out, "system", c->system);
	json_out_text(out, "drv_path", job->drv_path);
	json_out_text(out, "same_as", same_as(d, job));
	json_out_text(out, "error", job->error);
	json_out_bool(out, "cached", job->cached);
	json_out_int(out, "builds", job->builds);
	eta_to_json(job->has_eta ? &job->eta : NULL, out, "eta");
	json_out_end_object(out);
}

static void answer(struct dry_run *d)
{
	struct submission *s = d->s;
	struct json_out out = { 0 };
	int64_t cached = 0;

	json_out_object(&out, NULL);
	json_out_array(&out, "jobs");
	for (size_t i = 0; i < s->n; i++) {
		job_to_answer(d, &d->jobs[i], &out);
		cached += d->jobs[i].cached;
	}
	json_out_end_array(&out);
	json_out_int(&out, "derivations", (int64_t)d->n_drvs);
	json_out_int(&out, "builds", d->builds);
	json_out_int(&out, "fetches", d->fetches);
	json_out_int(&out, "cached", cached);
	json_out_double(&out, "build_seconds", d->what_if.build_ms / 1000);
	json_out_double(&out, "core_seconds", d->what_if.core_ms / 1000);
	json_out_end_object(&out);
	free_dry_run(d);
	submission_succeed(s, &out.text, false);
	str_free(&out.text);
}

/* ---- foretelling ---- */

static void on_foretold(void *owner, struct forecast *forecast)
{
	struct dry_run *d = owner;

	for (size_t i = 0; i < d->s->n; i++) {
		struct dry_job *job = &d->jobs[i];
		struct forecast_span span;

		if (job->target == SIZE_MAX ||
			!forecast_get(forecast, d->what_if.target_ids[job->target], &span))
			continue;
		eta_from_span(&span, &job->eta);
		job->has_eta = true;
	}
	forecast_destroy(forecast);
	answer(d);
}

static void foretell(struct dry_run *d, struct graph *graph)
{
	cleanup_free struct what_if_target *targets = xcalloc(d->n_drvs, sizeof *targets);

	for (size_t i = 0; i < d->s->n; i++) {
		const struct spooled *job = &d->jobs[i].spooled;
		const struct submission_context *context = built_context(d, &d->jobs[i]);
		struct what_if_target *target;

		if (d->jobs[i].target == SIZE_MAX)
			continue;
		target = &targets[d->jobs[i].target];
		target->caps = context->caps;
		target->weight += job_weight(d->p, context->from, context->caps, job->priority);
	}
	what_if(d->p, graph, targets, d->s->who, &d->what_if);
	if (d->what_if.copy == NULL) {
		answer(d);
		return;
	}
	d->state = FORETELLING;
	forecast_copy(d->p, d->what_if.copy, on_foretold, d);
}

/* ---- planning ---- */

static bool nothing_is_cheap(void *owner, const struct graph_drv *drv)
{
	(void)owner;
	(void)drv;
	return false; /* Every derivation counts. */
}

static void count_fetch(void *owner, struct graph_output *output)
{
	int64_t *n = owner;

	*n += output->is_wanted && output->is_cached;
}

static void on_planned(void *owner, int rv, struct graph *graph,
	const enum plan_target_state *states, const struct err *err)
{
	struct dry_run *d = owner;

	d->plan = NULL;
	if (rv < 0) {
		fail(d, err);
		return;
	}
	graph_settle(graph, nothing_is_cheap, NULL);
	for (size_t i = 0; i < d->s->n; i++) {
		struct dry_job *job = &d->jobs[i];

		if (job->target == SIZE_MAX)
			continue;
		job->cached = states[job->target] != PLAN_MISSING;
		job->builds = (int64_t)graph_count_missing(graph, graph->targets[job->target]);
	}
	graph_each_output(graph, count_fetch, &d->fetches);
	d->builds = (int64_t)graph->n_order;
	foretell(d, graph);
	graph_destroy(graph);
}

static void start_plan(struct dry_run *d)
{
	struct plan_spec spec = {
		.on_checked = verify_hide_refused,
		.checker = d->p,
		.on_done = on_planned,
		.owner = d,
	};
	struct str_map index = { 0 };

	d->drvs = xcalloc(d->s->n, sizeof *d->drvs);
	for (size_t i = 0; i < d->s->n; i++) {
		struct dry_job *job = &d->jobs[i];
		uint32_t at;

		job->target = SIZE_MAX;
		if (job->drv_path == NULL)
			continue;
		at = str_map_get(&index, job->drv_path);
		if (at == STR_MAP_NONE) {
			at = (uint32_t)d->n_drvs;
			str_map_set(&index, job->drv_path, at);
			d->drvs[d->n_drvs++] = job->drv_path;
		}
		job->target = at;
	}
	str_map_finish(&index);
	if (d->n_drvs == 0) {
		answer(d);
		return;
	}
	d->state = PLANNING;
	spec.targets = d->drvs;
	spec.n = d->n_drvs;
	plan_start(&d->p->nix, d->p->capq_push, &spec, &d->plan);
}

/* ---- evaluating ---- */

static struct probe_place place_of(const struct dry_run *d)
{
	const struct submission_context *c = &d->s->contexts[d->context];

	return (struct probe_place){ c->hash, c->flavour, c->system };
}

/* The revision is asked for the first time: it may refuse the set. */
static void on_probe(void *owner, const struct probe *probe, const char *message)
{
	struct dry_run *d = owner;
	const struct probe_place place = place_of(d);
	struct capability_set set;
	struct err err;

	(void)message;
	if (probe == NULL)
		return;
	probe_keep(d->p, &place, probe);
	if (capability_set_parse(d->s->contexts[d->context].caps, &set, NULL) < 0 ||
		probe_check(probe, &set, place.system, &err) == 0)
		return;
	for (size_t i = 0; i < d->n_asked; i++)
		d->jobs[d->asked[i]].error = xstrdup(err.text);
	evaluation_stop(d->evaluation);
}

/* A context that differs in its set alone, to be evaluated after all others. */
static size_t add_context(struct dry_run *d, size_t like, const struct capability_set *set)
{
	struct submission *s = d->s;
	const struct submission_context *c;

	array_reserve(&s->contexts, &s->contexts_capacity, s->n_contexts + 1, sizeof *s->contexts);
	c = &s->contexts[like];
	s->contexts[s->n_contexts] = (struct submission_context){
		.rev_name = xstrdup(c->rev_name),
		.caps = capability_set_text(set),
		.flavour = xstrdup(c->flavour),
		.system = xstrdup(c->system),
		.hash = xstrdup(c->hash),
		.from = xstrdup(c->from),
		.trusted = c->trusted,
	};
	return s->n_contexts++;
}

static bool find_supported(const struct dry_run *d, const struct dry_job *job,
	const struct evaluation_result *result, struct capability_set *out)
{
	const struct submission_context *c = &d->s->contexts[job->spooled.context];
	const struct flavour *flavour = settings_flavour(d->p->settings, c->flavour);
	char digest[SHA256_HEX_LEN + 1] = "";
	const struct probe_key key = { c->hash, digest, c->system };

	if (flavour != NULL)
		settings_flavour_digest(flavour, digest);
	if (support_known(d->p, &key, job->spooled.attr, out))
		return true;
	if (result->supported != NULL)
		*out = *result->supported;
	return result->supported != NULL;
}

/* As support_decides(). True: the result means nothing. */
static bool decide(struct dry_run *d, struct dry_job *job, const struct evaluation_result *result)
{
	const struct submission_context *c = &d->s->contexts[job->spooled.context];
	struct capability_set asked, supported, built;
	struct str why = { 0 };
	enum support_verdict verdict;

	if (job->built != SIZE_MAX || !find_supported(d, job, result, &supported) ||
		capability_set_parse(c->caps, &asked, NULL) < 0)
		return false;
	verdict = support_choose(&asked, &supported, c->unsupported, &built, &why);
	job->is_skipped = verdict == SUPPORT_SKIPPED;
	if (verdict == SUPPORT_OTHER)
		job->built = add_context(d, job->spooled.context, &built);
	else if (verdict == SUPPORT_REFUSED)
		job->error = str_take(&why);
	str_free(&why);
	return verdict != SUPPORT_ALL;
}

static void on_result(void *owner, size_t i, const struct evaluation_result *result)
{
	struct dry_run *d = owner;
	struct dry_job *job = &d->jobs[d->asked[i]];

	if (job->error != NULL || decide(d, job, result)) /* The set was refused, or is another. */
		return;
	job->drv_path = xstrdup_or_null(result->drv_path);
	job->error = xstrdup_or_null(result->message);
}

static void on_evaluated(void *owner)
{
	struct dry_run *d = owner;
	struct err err;

	d->evaluation = NULL;
	revision_unpin_tree(d->p->revisions, d->s->contexts[d->context].hash);
	d->p->sweep_trees = true;
	if (d->p->stopping) {
		(void)err_set(&err, CAPQ_EBUSY, "capqd is stopping");
		fail(d, &err);
		return;
	}
	d->context++;
	d->state = WAITING; /* For a place, again. */
	pipeline_wake(d->p);
}

static void start_evaluation(struct dry_run *d, const char *tree)
{
	static const struct texts none;
	const struct submission_context *c = &d->s->contexts[d->context];
	const struct flavour *flavour = settings_flavour(d->p->settings, c->flavour);
	cleanup_free const char **attrs = xcalloc(d->n_asked, sizeof *attrs);
	const struct probe_place place = place_of(d);
	struct probe probe;
	struct evaluation_spec spec = {
		.tree = tree,
		.system = c->system,
		.caps = c->caps,
		.config = flavour == NULL ? "{}" : flavour->config,
		.overlays = flavour == NULL ? &none : &flavour->overlays,
		.attrs = attrs,
		.n = d->n_asked,
		.on_probe = probe_known(d->p, &place, &probe) ? NULL : on_probe,
		.on_result = on_result,
		.on_done = on_evaluated,
		.owner = d,
	};

	for (size_t i = 0; i < d->n_asked; i++)
		attrs[i] = d->jobs[d->asked[i]].spooled.attr;
	evaluation_start(&d->p->nix, &spec, &d->evaluation);
}

static void on_tree(void *owner, const char *tree, const struct err *err)
{
	struct dry_run *d = owner;

	if (tree != NULL && !d->p->stopping) {
		start_evaluation(d, tree);
		return;
	}
	revision_unpin_tree(d->p->revisions, d->s->contexts[d->context].hash);
	d->p->sweep_trees = true;
	fail(d, err);
}

static void choose_jobs(struct dry_run *d)
{
	d->n_asked = 0;
	for (size_t i = 0; i < d->s->n; i++)
		if (built_context(d, &d->jobs[i]) == &d->s->contexts[d->context])
			d->asked[d->n_asked++] = i;
}

static void next_context(struct dry_run *d)
{
	cleanup_free char *tree = NULL;

	if (d->context == d->s->n_contexts) {
		start_plan(d);
		return;
	}
	d->state = EVALUATING;
	choose_jobs(d);
	revision_pin_tree(d->p->revisions, d->s->contexts[d->context].hash);
	tree = revision_tree_path(d->p->revisions, d->s->contexts[d->context].hash);
	if (tree != NULL)
		start_evaluation(d, tree);
	else
		revision_tree(d->p->revisions, d->s->contexts[d->context].hash, on_tree, d);
}

/* ---- starting ---- */

void dry_run_start(struct submission *s)
{
	struct dry_run *d, **last = &s->p->dry_runs;
	size_t at = 0;

	if (s->n > JOBS_MAX) {
		s->rv = err_set(&s->err, CAPQ_ETOOBIG, "a dry run takes at most %d jobs", JOBS_MAX);
		accept_add(s);
		return;
	}
	d = xcalloc(1, sizeof *d);
	d->p = s->p;
	d->s = s;
	d->jobs = xcalloc(s->n, sizeof *d->jobs);
	d->asked = xcalloc(s->n, sizeof *d->asked);
	for (size_t i = 0; i < s->n && submission_next(s, &at, &d->jobs[i].spooled); i++)
		d->jobs[i].built = SIZE_MAX;
	while (*last != NULL)
		last = &(*last)->next;
	*last = d;
	pipeline_wake(s->p);
}

size_t dry_runs_evaluating(const struct pipeline *p)
{
	size_t n = 0;

	for (const struct dry_run *d = p->dry_runs; d != NULL; d = d->next)
		n += d->state == EVALUATING;
	return n;
}

void dry_runs_start_some(struct pipeline *p, size_t places)
{
	for (struct dry_run *d = p->dry_runs, *next; d != NULL; d = next) {
		next = d->next;
		if (d->state != WAITING || (places == 0 && d->context < d->s->n_contexts))
			continue;
		if (d->context < d->s->n_contexts)
			places--;
		next_context(d);
	}
}

void dry_runs_stop_all(struct pipeline *p)
{
	struct err err;

	(void)err_set(&err, CAPQ_EBUSY, "capqd is stopping");
	for (struct dry_run *d = p->dry_runs, *next; d != NULL; d = next) {
		next = d->next;
		if (d->evaluation != NULL)
			evaluation_stop(d->evaluation);
		else if (d->plan != NULL)
			plan_stop(d->plan);
		else if (d->state == WAITING)
			fail(d, &err);
	}
}
