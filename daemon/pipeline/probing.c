#include "daemon/pipeline/probing.h"

#include <stdlib.h>

#include "daemon/pipeline/evaluate.h"
#include "daemon/pipeline/inside.h"
#include "daemon/pipeline/steps.h"
#include "daemon/pipeline/submission.h"
#include "daemon/store/probe.h"
#include "io/clock.h"
#include "lib/hash.h"

/* ---- what is kept ---- */

/* False: there is no such flavour any more. */
static bool find_digest(const struct pipeline *p, const char *flavour, char out[65])
{
	const struct flavour *found = settings_flavour(p->settings, flavour);

	if (found != NULL)
		settings_flavour_digest(found, out);
	return found != NULL;
}

bool probe_known(struct pipeline *p, const struct probe_place *place, struct probe *out)
{
	char digest[SHA256_HEX_LEN + 1];
	const struct probe_key key = { place->rev, digest, place->system };

	return find_digest(p, place->flavour, digest) && store_probe_get(p->store, &key, out);
}

struct answer {
	char *rev, *system;
	char digest[SHA256_HEX_LEN + 1];
	struct probe probe;
};

static void free_answer(void *data)
{
	struct answer *a = data;

	free(a->rev);
	free(a->system);
	free(a);
}

static void write_answer(struct pipeline *p, void *data)
{
	const struct answer *a = data;
	const struct probe_key key = { a->rev, a->digest, a->system };

	store_probe_put(p->store, &key, &a->probe, clock_wall_ms());
}

static void log_answer(const struct probe_place *place, const struct probe *probe)
{
	cleanup_free char *caps = NULL;

	if (!probe->has_cuda) {
		log_detail("nixpkgs %.12s has no CUDA that capq knows", place->rev);
		return;
	}
	caps = capability_set_text(&probe->by_default);
	log_fact("nixpkgs %.12s, %s, %s: %s, CUDA %u.%u, by default %s", place->rev, place->flavour,
		place->system, era_name(probe->era), probe->cuda.major, probe->cuda.minor,
		caps[0] == '\0' ? "it does not say what" : caps);
}

void probe_keep(struct pipeline *p, const struct probe_place *place, const struct probe *probe)
{
	struct answer *a = xcalloc(1, sizeof *a);

	log_answer(place, probe);
	if (!find_digest(p, place->flavour, a->digest)) {
		free_answer(a);
		return;
	}
	a->rev = xstrdup(place->rev);
	a->system = xstrdup(place->system);
	a->probe = *probe;
	pipeline_post(p, write_answer, a, free_answer);
}

int probe_check_caps(
	struct pipeline *p, const struct probe_place *place, const char *caps, struct err *err)
{
	struct capability_set set;
	struct probe probe;

	if (!probe_known(p, place, &probe) || capability_set_parse(caps, &set, NULL) < 0)
		return 0;
	return probe_check(&probe, &set, place->system, err);
}

/* ---- submits that wait for an answer ---- */

/* Asks, one after the other, the revisions whose own sets a submit wants. */
struct probing {
	struct probing *next;
	struct pipeline *p;
	struct submission *s;
	size_t context; /* That is looked at now. */
	bool is_asking; /* Else it waits for a place among the evaluations. */
	struct evaluation *evaluation;
	struct err err; /* Why the last one was not answered. */
};

static struct submission *take_out(struct probing *g)
{
	struct probing **at = &g->p->probings;
	struct submission *s = g->s;

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	free(g);
	return s;
}

static void fail(struct probing *g)
{
	struct err err = g->err;

	submission_fail(take_out(g), -1, &err);
}

static struct probe_place place_of(const struct probing *g)
{
	const struct submission_context *c = &g->s->contexts[g->context];

	return (struct probe_place){ c->hash, c->flavour, c->system };
}

static void on_probe(void *owner, const struct probe *probe, const char *message)
{
	struct probing *g = owner;
	const struct probe_place place = place_of(g);

	if (probe != NULL)
		probe_keep(g->p, &place, probe);
	else
		(void)err_set(&g->err, CAPQ_EINVAL,
			"nixpkgs %.12s does not say what it builds by default: %s", place.rev,
			message);
}

static void unpin(struct probing *g)
{
	revision_unpin_tree(g->p->revisions, g->s->contexts[g->context].hash);
	g->p->sweep_trees = true;
}

static void on_done(void *owner)
{
	struct probing *g = owner;

	unpin(g);
	g->evaluation = NULL;
	g->is_asking = false;
	if (g->p->stopping)
		(void)err_set(&g->err, CAPQ_EBUSY, "capqd is stopping");
	pipeline_wake(g->p);
	if (g->err.code < 0)
		fail(g);
	else
		g->context++;
}

static void ask(struct probing *g, const char *tree)
{
	static const struct texts none;
	const struct submission_context *c = &g->s->contexts[g->context];
	const struct flavour *flavour = settings_flavour(g->p->settings, c->flavour);
	const struct evaluation_spec spec = {
		.tree = tree,
		.system = c->system,
		.caps = "",
		.config = flavour == NULL ? "{}" : flavour->config,
		.overlays = flavour == NULL ? &none : &flavour->overlays,
		.on_probe = on_probe,
		.on_done = on_done,
		.owner = g,
	};

	evaluation_start(&g->p->nix, &spec, &g->evaluation);
}

static void on_tree(void *owner, const char *tree, const struct err *err)
{
	struct probing *g = owner;

	if (tree != NULL && !g->p->stopping) {
		ask(g, tree);
		return;
	}
	unpin(g);
	g->err = *err;
	fail(g);
}

static void ask_next(struct probing *g)
{
	const char *rev = g->s->contexts[g->context].hash;
	cleanup_free char *tree = NULL;

	g->is_asking = true;
	revision_pin_tree(g->p->revisions, rev);
	tree = revision_tree_path(g->p->revisions, rev);
	if (tree != NULL)
		ask(g, tree);
	else
		revision_tree(g->p->revisions, rev, on_tree, g);
}

/* Pass by what is known. False: nothing is left to ask. */
static bool has_question(struct probing *g)
{
	struct probe unused;

	for (; g->context < g->s->n_contexts; g->context++) {
		const struct probe_place place = place_of(g);

		if (g->s->contexts[g->context].is_open && !probe_known(g->p, &place, &unused))
			return true;
	}
	return false;
}

void probing_start(struct submission *s)
{
	struct probing *g = xcalloc(1, sizeof *g), **last = &s->p->probings;

	g->p = s->p;
	g->s = s;
	while (*last != NULL)
		last = &(*last)->next;
	*last = g;
	pipeline_wake(s->p);
}

size_t probings_evaluating(const struct pipeline *p)
{
	size_t n = 0;

	for (const struct probing *g = p->probings; g != NULL; g = g->next)
		n += g->is_asking;
	return n;
}

void probings_start_some(struct pipeline *p, size_t places)
{
	for (struct probing *g = p->probings, *next; g != NULL; g = next) {
		next = g->next;
		if (g->is_asking)
			continue;
		if (!has_question(g)) {
			struct submission *s = take_out(g);

			if (submission_close_sets(s) == 0)
				submission_route(s);
		} else if (places > 0) {
			places--;
			ask_next(g);
		}
	}
}

void probings_stop_all(struct pipeline *p)
{
	for (struct probing *g = p->probings, *next; g != NULL; g = next) {
		next = g->next;
		if (g->evaluation != NULL) {
			evaluation_stop(g->evaluation);
		} else if (!g->is_asking) {
			(void)err_set(&g->err, CAPQ_EBUSY, "capqd is stopping");
			fail(g);
		}
	}
}
