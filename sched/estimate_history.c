#include "sched/estimate_history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

/* What one more build, or time, takes off the weight of those before it. Measured by
 * bench/estimate: the error is flat around these. */
#define WEIGHT_PER_BUILD 0.95
#define WEIGHT_HALF_LIFE_MS (20 * 86400e3)
#define WEIGHT_OTHER_VERSION 0.5
#define WEIGHT_BOUND 0.5

/* Builds that are further from the mean than this many standard deviations count less, so that
 * their pull grows no more (Huber 1964). */
#define HUBER 1.5
#define HUBER_ROUNDS 4

/* ---- texts ---- */

static const char *text_or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

static const char *set_text(const char *set)
{
	return set == NULL || strcmp(set, "any") == 0 ? "" : set;
}

uint32_t history_version(const char *version)
{
	uint32_t hash = UINT32_C(0x811c9dc5); /* FNV-1a, 32 bits. */

	if (version == NULL || version[0] == '\0')
		return 0;
	for (; *version != '\0'; version++)
		hash = (hash ^ (unsigned char)*version) * UINT32_C(0x01000193);
	return hash == 0 ? 1 : hash;
}

/* PTX of the newest one is a step on the way to its code: it costs nothing worth counting. */
unsigned history_caps(const char *set)
{
	unsigned caps = 1;

	set = set_text(set);
	if (set[0] == '\0')
		return 0;
	for (; *set != '\0'; set++)
		caps += *set == ',';
	return caps;
}

/* ---- what the builds of a set say together ---- */

struct weighted {
	double ln_cost, weight;
};

static int by_cost(const void *a, const void *b)
{
	const struct weighted *x = a, *y = b;

	return (x->ln_cost > y->ln_cost) - (x->ln_cost < y->ln_cost);
}

/* Half of the weight is at or below it. */
static double weighted_median(struct weighted *items, size_t n, double total)
{
	double sum = 0;
	size_t i = 0;

	array_sort(items, n, sizeof *items, by_cost);
	while (i + 1 < n && (sum += items[i].weight) < total / 2)
		i++;
	return items[i].ln_cost;
}

static double huber_mean(const struct weighted *items, size_t n, double start, double noise)
{
	double mean = start;

	for (int round = 0; round < HUBER_ROUNDS; round++) {
		double sum = 0, total = 0;

		for (size_t i = 0; i < n; i++) {
			double far = fabs(items[i].ln_cost - mean) / (HUBER * noise);
			double weight = items[i].weight / fmax(1, far);

			sum += weight * items[i].ln_cost;
			total += weight;
		}
		mean = sum / total;
	}
	return mean;
}

static void summarise(struct set_history *set, double noise)
{
	struct weighted items[HISTORY_BUILDS + 1];
	const struct past_build *newest = set->n == 0 ? NULL : &set->builds[set->n - 1];
	double by_order = 1;
	size_t n = 0;

	set->weight = 0;
	for (size_t i = set->n; i-- > 0;) {
		const struct past_build *b = &set->builds[i];
		double age_ms = (double)newest->at_ms - (double)b->at_ms;
		double weight = by_order * exp2(-age_ms / WEIGHT_HALF_LIFE_MS);

		by_order *= WEIGHT_PER_BUILD;
		if (b->version != newest->version)
			weight *= WEIGHT_OTHER_VERSION;
		items[n++] = (struct weighted){ b->ln_cost, weight };
		set->weight += weight;
	}
	if (set->bound_ln > 0) {
		items[n++] = (struct weighted){ set->bound_ln, WEIGHT_BOUND };
		set->weight += WEIGHT_BOUND;
	}
	set->mean = huber_mean(items, n, weighted_median(items, n, set->weight), noise);
}

void history_add_build(struct set_history *set, const struct past_build *build, double noise)
{
	if (set->n == HISTORY_BUILDS) {
		set->n--;
		memmove(set->builds, set->builds + 1, set->n * sizeof *set->builds);
	}
	set->builds[set->n++] = *build;
	set->newest_ms = build->at_ms;
	set->bound_ln = 0; /* Now it is known what it takes. */
	summarise(set, noise);
}

void history_add_bound(struct set_history *set, double ln_cost, int64_t at_ms, double noise)
{
	set->bound_ln = fmax(set->bound_ln, ln_cost);
	if (set->n == 0)
		set->newest_ms = at_ms;
	summarise(set, noise);
}

/* ---- packages and sets ---- */

static void free_set(struct set_history *set)
{
	free(set->set);
	free(set->system);
	free(set);
}

static void free_package(struct package_history *package)
{
	for (size_t i = 0; i < package->n; i++)
		free_set(package->sets[i]);
	free(package->sets);
	free(package->name);
	free(package);
}

void history_finish(struct history *history)
{
	for (size_t i = 0; i < history->n; i++)
		free_package(history->packages[i]);
	free(history->packages);
	str_map_finish(&history->index);
	memset(history, 0, sizeof *history);
}

struct package_history *history_package(const struct history *history, const char *name)
{
	uint32_t at = str_map_get(&history->index, name);

	return at == STR_MAP_NONE ? NULL : history->packages[at];
}

struct set_history *history_set(
	const struct package_history *package, const struct estimate_key *key)
{
	for (size_t i = 0; i < package->n; i++)
		if (strcmp(package->sets[i]->set, set_text(key->set)) == 0 &&
			strcmp(package->sets[i]->system, text_or_empty(key->system)) == 0)
			return package->sets[i];
	return NULL;
}

static int by_use(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Every use has its own number, so what goes never depends on anything else. */
static uint64_t last_use_of_oldest_eighth(const struct history *history)
{
	cleanup_free uint64_t *uses = xcalloc(history->n_sets, sizeof *uses);
	size_t n = 0;

	for (size_t i = 0; i < history->n; i++)
		for (size_t j = 0; j < history->packages[i]->n; j++)
			uses[n++] = history->packages[i]->sets[j]->last_used;
	array_sort(uses, n, sizeof *uses, by_use);
	return uses[n / 8];
}

static void forget_sets(struct package_history *package, uint64_t last_used)
{
	size_t kept = 0;

	for (size_t i = 0; i < package->n; i++) {
		if (package->sets[i]->last_used <= last_used)
			free_set(package->sets[i]);
		else
			package->sets[kept++] = package->sets[i];
	}
	package->n = kept;
}

static void forget_oldest(struct history *history,
	void (*on_forget)(void *owner, const struct package_history *package), void *owner)
{
	uint64_t last_used = last_use_of_oldest_eighth(history);
	size_t kept = 0;

	str_map_finish(&history->index);
	history->n_sets = 0;
	for (size_t i = 0; i < history->n; i++) {
		struct package_history *package = history->packages[i];

		forget_sets(package, last_used);
		if (package->n == 0) {
			on_forget(owner, package);
			free_package(package);
			continue;
		}
		history->n_sets += package->n;
		str_map_set(&history->index, package->name, (uint32_t)kept);
		history->packages[kept++] = package;
	}
	history->n = kept;
}

static struct package_history *add_package(struct history *history, const char *name)
{
	struct package_history *package = xcalloc(1, sizeof *package);

	package->name = xstrdup(name);
	array_reserve(&history->packages, &history->capacity, history->n + 1,
		sizeof(struct package_history *));
	str_map_set(&history->index, package->name, (uint32_t)history->n);
	history->packages[history->n++] = package;
	return package;
}

/* A place for one more set in the package. */
static void make_room(struct history *history, struct package_history *package)
{
	size_t oldest = 0;

	if (package->n < HISTORY_PACKAGE_SETS) {
		array_reserve(&package->sets, &package->capacity, package->n + 1,
			sizeof(struct set_history *));
		return;
	}
	for (size_t i = 1; i < package->n; i++)
		if (package->sets[i]->last_used < package->sets[oldest]->last_used)
			oldest = i;
	free_set(package->sets[oldest]);
	package->n--;
	history->n_sets--;
	memmove(package->sets + oldest, package->sets + oldest + 1,
		(package->n - oldest) * sizeof(struct set_history *));
}

static struct set_history *add_set(
	struct history *history, struct package_history *package, const struct estimate_key *key)
{
	struct set_history *set = xcalloc(1, sizeof *set);

	make_room(history, package);
	set->set = xstrdup(set_text(key->set));
	set->system = xstrdup(text_or_empty(key->system));
	set->caps = history_caps(key->set);
	package->sets[package->n++] = set;
	history->n_sets++;
	return set;
}

void history_use(struct history *history, const struct estimate_key *key,
	struct package_history **out_package, struct set_history **out_set,
	void (*on_forget)(void *owner, const struct package_history *package), void *owner)
{
	struct package_history *package = history_package(history, key->package);
	struct set_history *set = package == NULL ? NULL : history_set(package, key);

	if (set == NULL) {
		if (history->n_sets >= HISTORY_SETS) {
			forget_oldest(history, on_forget, owner);
			package = history_package(history, key->package); /* It may be gone. */
		}
		if (package == NULL)
			package = add_package(history, key->package);
		set = add_set(history, package, key);
	}
	set->last_used = ++history->clock;
	*out_package = package;
	*out_set = set;
}
