/* Two questions at once, then one more:
 *
 *   the cache: may we, is our key known?  ─┐
 *                                          ├─►  the cache: which of these are missing?
 *   Nix: the paths and all they refer to  ─┘
 *
 * The first thing that fails ends the others. */
#include "push/plan.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "push/api.h"
#include "push/cache_kind.h"
#include "push/closure.h"
#include "push/missing.h"
#include "push/order.h"
#include "push/sign.h"

struct planning {
	struct plan_spec spec;
	struct plan plan;
	struct fail fail;

	/* What is under way; NULL: nothing is. */
	struct call *call;
	struct closure *closure;
	struct missing *missing;

	struct answer_cache cache;
	bool asked_missing;
};

static void plan_step(struct planning *planning);

/* ---- the end ---- */

void plan_free(struct plan *plan)
{
	path_infos_free(&plan->infos);
	free(plan->is_given);
	free(plan->is_missing);
	free(plan->choices);
	*plan = (struct plan){ 0 };
}

static void finish(struct planning *p)
{
	if (p->fail.class != FAIL_NONE)
		plan_free(&p->plan);
	p->spec.on_done(p->spec.owner, &p->plan, &p->fail);
	answer_cache_free(&p->cache);
	free(p);
}

/* ---- may we? ---- */

/* "NAME:BASE64" holds `key`? */
static bool is_key(const char *named, const char *key)
{
	const char *colon = strchr(named, ':');

	return strcmp(colon == NULL ? named : colon + 1, key) == 0;
}

/* A wrong key is found out by the service only behind a whole upload (cachix/cachix#96). */
static void check_key(struct planning *p)
{
	const char *key = sign_key_public(p->spec.key);

	for (size_t i = 0; i < p->cache.n_public_keys; i++)
		if (is_key(p->cache.public_keys[i], key))
			return;
	fail_set(&p->fail, FAIL_DENIED,
		"the signing key does not belong to this cache: its public half, %s, is not among "
		"the %zu keys of the cache",
		key, p->cache.n_public_keys);
}

/* Public caches have taken signed pushes from whom they let only read; so a key is worth a try. */
static void check_cache(struct planning *p)
{
	if (p->spec.key != NULL && p->spec.api->kind->knows_keys)
		check_key(p);
	else if (p->spec.key == NULL && !p->cache.may_write)
		fail_set(&p->fail, FAIL_DENIED,
			"the cache lets us read, not write: is the token one for writing?");
}

/* ---- callbacks ---- */

static void on_made(void *owner, const struct call_end *end)
{
	struct planning *p = owner;

	p->call = NULL;
	if (end->outcome != CALL_OK)
		fail_set(&p->fail, end->fail.class, "%s", end->fail.err.text);
	plan_step(p);
}

/* There is nothing yet where the cache is to be. */
static void make_cache(struct planning *p)
{
	if (!p->spec.is_dry_run)
		p->call = p->spec.api->kind->make(p->spec.api, on_made, p);
}

static void on_cache(void *owner, const struct call_end *end)
{
	struct planning *p = owner;

	p->call = NULL;
	p->plan.preferred = p->cache.preferred;
	if (end->outcome == CALL_OK)
		check_cache(p);
	else if (end->status == 404 && p->spec.api->kind->make != NULL)
		make_cache(p);
	else if (end->status == 404)
		fail_set(&p->fail, FAIL_DENIED, "there is no such cache, or not for us: %s",
			end->fail.err.text);
	else
		fail_set(&p->fail, end->fail.class, "%s", end->fail.err.text);
	plan_step(p);
}

/* Which of the infos were given? Each path that was must be among them. */
static void note_given(struct planning *p)
{
	const struct path_infos *infos = &p->plan.infos;

	p->plan.is_given = xcalloc(infos->n, sizeof *p->plan.is_given);
	for (size_t i = 0; i < p->spec.n_paths; i++) {
		const struct path_info *info = path_infos_find(infos, p->spec.paths[i]);

		if (info == NULL)
			fail_set(&p->fail, FAIL_STORE, "nix path-info says nothing of %s",
				p->spec.paths[i]);
		else
			p->plan.is_given[info - infos->items] = true;
	}
}

static void on_closure(void *owner, struct path_infos *infos, const struct fail *fail)
{
	struct planning *p = owner;

	p->closure = NULL;
	p->plan.infos = *infos;
	*infos = (struct path_infos){ 0 };
	if (fail->class != FAIL_NONE)
		fail_set(&p->fail, fail->class, "%s", fail->err.text);
	else
		note_given(p);
	plan_step(p);
}

/* What Nix does not have cannot be uploaded, whether or not the cache lacks it. What the cache has
 * is not left out: it is there. */
static void note_missing(
	struct plan *plan, const struct choice_rules *rules, const struct answer_missing *missing)
{
	plan->is_missing = xcalloc(plan->infos.n, sizeof *plan->is_missing);
	plan->choices = xcalloc(plan->infos.n, sizeof *plan->choices);
	for (size_t i = 0; i < plan->infos.n; i++) {
		const struct path_info *info = &plan->infos.items[i];

		if (!info->is_valid || !answer_missing_has(missing, store_path_base(info->path)))
			continue;
		plan->is_missing[i] = true;
		plan->choices[i] = choice_of(rules, info);
		plan->sums[plan->choices[i]].n++;
		plan->sums[plan->choices[i]].nar_bytes += info->nar_size;
	}
}

static void on_incomplete(void *owner, size_t number)
{
	struct plan *plan = owner;

	if (plan->is_missing[number] && plan->choices[number] == CHOICE_TAKE)
		plan->n_incomplete++;
}

/* What refers to a path that is left out is just what would be lost with it. */
static void count_incomplete(struct plan *plan)
{
	struct order *order;

	if (plan->sums[CHOICE_NAME].n + plan->sums[CHOICE_SIZE].n == 0)
		return;
	order = plan_order(plan);
	for (size_t i = 0; i < plan->infos.n; i++)
		if (plan->choices[i] == CHOICE_NAME || plan->choices[i] == CHOICE_SIZE)
			order_lose(order, i, on_incomplete, plan);
	order_destroy(order);
}

static void on_missing(void *owner, const struct answer_missing *missing, const struct fail *fail)
{
	struct planning *p = owner;

	p->missing = NULL;
	note_missing(&p->plan, p->spec.choice, missing);
	count_incomplete(&p->plan);
	if (fail->class != FAIL_NONE)
		fail_set(&p->fail, fail->class, "%s", fail->err.text);
	plan_step(p);
}

/* ---- the step ---- */

static void ask_missing(struct planning *p)
{
	const struct path_infos *infos = &p->plan.infos;
	cleanup_free const char **paths = xcalloc(infos->n, sizeof *paths);

	for (size_t i = 0; i < infos->n; i++)
		paths[i] = infos->items[i].path;
	p->asked_missing = true;
	p->missing = missing_start(p->spec.api, paths, infos->n, on_missing, p);
}

static void stop_everything(struct planning *p)
{
	if (p->call != NULL)
		call_stop(p->call);
	if (p->closure != NULL)
		closure_stop(p->closure);
	if (p->missing != NULL)
		missing_stop(p->missing);
}

static void plan_step(struct planning *p)
{
	if (p->fail.class != FAIL_NONE)
		stop_everything(p);
	if (p->call != NULL || p->closure != NULL || p->missing != NULL)
		return; /* Whichever ends next wakes us. */
	if (p->fail.class == FAIL_NONE && !p->asked_missing)
		ask_missing(p);
	else
		finish(p);
}

/* ---- public ---- */

int plan_start(const struct plan_spec *spec, struct planning **out, struct err *err)
{
	struct planning *p = xcalloc(1, sizeof *p);
	struct closure_spec closure = {
		.launcher = spec->launcher,
		.paths = spec->paths,
		.n_paths = spec->n_paths,
		.is_shallow = spec->is_shallow,
		.on_done = on_closure,
		.owner = p,
	};
	int rv;

	p->spec = *spec;
	rv = closure_start(spec->api->loop, &closure, &p->closure, err);
	if (rv < 0) {
		free(p);
		return rv;
	}
	p->call = spec->api->kind->find(spec->api, &p->cache, on_cache, p);
	*out = p;
	return 0;
}

void plan_stop(struct planning *planning, const char *why)
{
	fail_set(&planning->fail, FAIL_STOPPED, "%s", why);
	stop_everything(planning);
}

struct order *plan_order(const struct plan *plan)
{
	struct order *order = order_create(plan->infos.n);

	for (size_t i = 0; i < plan->infos.n; i++) {
		const struct path_info *info = &plan->infos.items[i];

		for (size_t k = 0; k < info->n_references; k++) {
			const struct path_info *reference =
				path_infos_find(&plan->infos, info->references[k]);

			if (reference != NULL) /* Without the closure it may not be ours. */
				order_add(order, i, (size_t)(reference - plan->infos.items));
		}
	}
	return order;
}
