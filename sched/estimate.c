#include "sched/estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/estimate_builders.h"
#include "sched/estimate_history.h"
#include "sched/estimate_model.h"
#include "sched/normal.h"

/* Standard deviations of ln cost unless said otherwise. bench/estimate measures what they are
 * worth; the error is flat around all of them. */
#define NOISE 0.3          /* Of single builds, before a package has shown its own ... */
#define NOISE_BUILDS 20    /* ... as if from so many builds. */
#define NOISE_KEPT 0.98    /* Of what was known of it, a build. */
#define NOISE_FAR 3.0      /* Further off, a build counts as so many times NOISE. */
#define NEW_VERSION 0.2    /* What another version may change. */
#define OTHER_SYSTEM 0.5   /* What another system may change. */
#define DRIFT_A_DAY 0.02   /* What a day changes; grows with the root of time. */
#define SET_MEMORY_DAYS 14 /* How long a set stays dearer or cheaper than its package says. */

/* Before there are other packages: ten minutes, give or take, as if from so many packages. */
#define FIRST_LEVEL 13.3
#define FIRST_SPREAD 1.5
#define FIRST_PACKAGES 3
#define FIRST_SHARES 0.2

/* How much sets of one package differ beyond their number of capabilities is learnt: each candidate
 * is scored by how well it would have predicted, the last builds counting most. */
static const double candidates[] = { 0.03, 0.07, 0.15, 0.3, 0.6 };

#define SCORE_KEPT 0.998
#define FIRST_BETWEEN 0.15

struct estimates {
	struct history history;
	struct builder_records builders;
	int64_t now_ms; /* The latest that we were told. */

	/* Sums over the packages that were built. */
	double n_levels, levels, level_squares;
	double shares[MODEL_SHARES];

	double scores[ARRAY_LEN(candidates)]; /* Sums of ln likelihood. */
	double between;                       /* Mean of the candidates by their scores. */
};

struct estimates *estimates_create(void)
{
	struct estimates *e = xcalloc(1, sizeof *e);

	e->between = FIRST_BETWEEN;
	e->now_ms = INT64_MIN;
	return e;
}

void estimates_destroy(struct estimates *e)
{
	if (e == NULL)
		return;
	history_finish(&e->history);
	builder_records_finish(&e->builders);
	free(e);
}

size_t estimates_n_packages(const struct estimates *e)
{
	return e->history.n;
}

double estimates_builder_factor(const struct estimates *e, const char *builder)
{
	return exp(builder_records_ln_factor(&e->builders, builder));
}

void estimates_each_builder(
	const struct estimates *e, void (*each)(void *, const char *, size_t), void *owner)
{
	for (size_t i = 0; i < e->builders.n; i++)
		each(owner, e->builders.items[i].name, (size_t)(e->builders.items[i].n + 0.5));
}

static double square(double x)
{
	return x * x;
}

/* ---- what is expected ---- */

/* All that history has to say about one key. */
struct evidence {
	const struct package_history *package; /* NULL: never heard of. */
	unsigned caps;
	struct model_view views[HISTORY_PACKAGE_SETS];
	size_t n;
	const struct model_view *own; /* Of this very set; NULL: never built. */
	enum estimate_basis basis;
	size_t builds;   /* On that basis. */
	double variance; /* What age, version and system add to the spread. */
};

static double noise_variance(const struct package_history *package)
{
	double squares = NOISE_BUILDS * square(NOISE), n = NOISE_BUILDS;

	if (package != NULL) {
		squares += package->noise_squares;
		n += package->noise_n;
	}
	return squares / n;
}

static double days_between(int64_t from_ms, int64_t to_ms)
{
	return fmax(0, ((double)to_ms - (double)from_ms) / 86400e3);
}

/* The views of the sets with `system`, or of those with another one. Time changes the package as a
 * whole, and what was built long before the others is worth less than they are. */
static void look_at_sets(struct evidence *ev, const char *system, bool same_system,
	const struct set_history *own, int64_t now_ms)
{
	const struct package_history *package = ev->package;
	double ages[HISTORY_PACKAGE_SETS], youngest = INFINITY;

	for (size_t i = 0; i < package->n; i++) {
		const struct set_history *set = package->sets[i];
		struct model_view *view = &ev->views[ev->n];

		if (set->weight <= 0 || (strcmp(set->system, system) == 0) != same_system)
			continue;
		ages[ev->n] = days_between(set->newest_ms, now_ms);
		youngest = fmin(youngest, ages[ev->n]);
		view->caps = package->is_pooled ? ev->caps : set->caps;
		view->mean = set->mean;
		view->variance = noise_variance(package) / set->weight;
		view->recent = exp(-ages[ev->n] / SET_MEMORY_DAYS);
		if (set == own && !package->is_pooled)
			ev->own = view;
		ev->builds += set->n;
		ev->n++;
	}
	for (size_t i = 0; i < ev->n; i++)
		ev->views[i].variance += square(DRIFT_A_DAY) * (ages[i] - youngest);
	if (ev->n > 0)
		ev->variance += square(DRIFT_A_DAY) * youngest;
}

/* Of the package, whatever the set, as a new version comes for all sets. */
static bool was_built(const struct package_history *package, uint32_t version)
{
	for (size_t i = 0; i < package->n; i++)
		for (size_t j = 0; j < package->sets[i]->n; j++)
			if (package->sets[i]->builds[j].version == version)
				return true;
	return false;
}

static void gather(const struct estimates *e, const struct estimate_key *key, const char *version,
	int64_t now_ms, struct evidence *ev)
{
	const char *system = key->system == NULL ? "" : key->system;
	uint32_t version_hash = history_version(version);
	const struct set_history *own;

	memset(ev, 0, sizeof *ev);
	ev->basis = ESTIMATE_EVERYTHING;
	ev->caps = history_caps(key->set);
	ev->package = history_package(&e->history, key->package);
	if (ev->package == NULL)
		return;
	own = history_set(ev->package, key);
	look_at_sets(ev, system, true, own, now_ms);
	if (own != NULL && own->n > 0 && !ev->package->is_pooled) {
		ev->basis = ESTIMATE_SET;
		ev->builds = own->n;
	} else if (ev->builds > 0) {
		ev->basis = ev->package->is_pooled ? ESTIMATE_SET : ESTIMATE_OTHER_SETS;
	} else if (ev->n == 0) {
		look_at_sets(ev, system, false, NULL, now_ms);
		if (ev->n > 0)
			ev->variance += square(OTHER_SYSTEM);
		if (ev->builds > 0)
			ev->basis = ESTIMATE_PACKAGE;
	}
	if (ev->builds > 0 && version_hash != 0 && !was_built(ev->package, version_hash))
		ev->variance += square(NEW_VERSION);
}

static void get_prior(const struct estimates *e, struct model_prior *out)
{
	double n = e->n_levels + FIRST_PACKAGES;
	double squares =
		e->level_squares + FIRST_PACKAGES * (square(FIRST_SPREAD) + square(FIRST_LEVEL));

	out->level = (e->levels + FIRST_PACKAGES * FIRST_LEVEL) / n;
	out->level_variance = fmax(square(NOISE), squares / n - square(out->level));
	for (size_t g = 0; g < MODEL_SHARES; g++)
		out->weight[g] = fmax(0, e->shares[g]) + FIRST_SHARES;
}

static void expect(const struct estimates *e, const struct evidence *ev, double between,
	double *out_mu, double *out_sigma)
{
	struct model_prior prior;
	struct model_fit fit;
	double variance;

	get_prior(e, &prior);
	if (ev->package != NULL && ev->package->is_pooled)
		between = 0;
	model_fit(&prior, ev->views, ev->n, square(between), &fit);
	model_predict(&fit, ev->caps, ev->own, out_mu, &variance);
	*out_sigma = sqrt(variance + ev->variance + noise_variance(ev->package));
}

/* ---- what is used beside time ---- */

#define ANOTHER_SYSTEM_AWAY 1000 /* Further than any number of capabilities. */

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Of one member of a set's builds, those where it is known; 0: of none. */
static double median_of(const struct set_history *set, size_t member)
{
	float values[HISTORY_BUILDS];
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		float value;

		memcpy(&value, (const char *)&set->builds[i] + member, sizeof value);
		if (value > 0)
			values[n++] = value;
	}
	array_sort(values, n, sizeof *values, by_value);
	return n == 0 ? 0 : (double)values[n / 2];
}

/* Of the very set; else of that which is most like it: the same system first, then the nearest
 * number of capabilities. 0: not known. */
static double use_of(
	const struct package_history *package, const struct estimate_key *key, size_t member)
{
	const char *system = key->system == NULL ? "" : key->system;
	const struct set_history *own = history_set(package, key);
	double found = own == NULL ? 0 : median_of(own, member);
	unsigned caps = history_caps(key->set), nearest = UINT32_MAX;

	if (found > 0)
		return found;
	for (size_t i = 0; i < package->n; i++) {
		const struct set_history *set = package->sets[i];
		unsigned away = set->caps > caps ? set->caps - caps : caps - set->caps;
		double value = median_of(set, member);

		if (strcmp(set->system, system) != 0)
			away += ANOTHER_SYSTEM_AWAY;
		if (value > 0 && away < nearest) {
			nearest = away;
			found = value;
		}
	}
	return found;
}

#define BYTES_MAX 0x1p62

static int64_t bytes_or_unknown(double bytes)
{
	return bytes > 0 ? llround(fmin(bytes, BYTES_MAX)) : -1;
}

void estimates_get(const struct estimates *e, const struct estimate_key *key, const char *version,
	int64_t now_ms, struct estimate *out)
{
	struct evidence ev;

	memset(out, 0, sizeof *out);
	out->peak_memory_bytes = out->output_bytes = -1;
	gather(e, key, version, now_ms, &ev);
	expect(e, &ev, e->between, &out->mu, &out->sigma);
	out->basis = ev.basis;
	out->n = ev.basis == ESTIMATE_EVERYTHING ? (size_t)e->n_levels : ev.builds;
	if (ev.package == NULL)
		return;
	out->cores = use_of(ev.package, key, offsetof(struct past_build, cores));
	out->peak_memory_bytes =
		bytes_or_unknown(use_of(ev.package, key, offsetof(struct past_build, memory)));
	out->output_bytes =
		bytes_or_unknown(use_of(ev.package, key, offsetof(struct past_build, output)));
}

/* ---- learning ---- */

static void add_to_prior(struct estimates *e, const struct package_history *package, double sign)
{
	if (!package->is_counted)
		return;
	e->n_levels += sign;
	e->levels += sign * package->level;
	e->level_squares += sign * square(package->level);
	for (size_t g = 0; package->has_shares && g < MODEL_SHARES; g++)
		e->shares[g] += sign * package->shares[g];
}

static void forget_package(void *owner, const struct package_history *package)
{
	add_to_prior(owner, package, -1);
}

/* What the package, as it is known now, says about packages in general. Only one that was built for
 * different numbers of capabilities says something about their share. */
static void count_package(
	struct estimates *e, struct package_history *package, const struct estimate_key *key)
{
	struct model_prior prior;
	struct model_fit fit;
	struct evidence ev;

	add_to_prior(e, package, -1);
	get_prior(e, &prior);
	gather(e, key, NULL, e->now_ms, &ev);
	model_fit(&prior, ev.views, ev.n, square(e->between), &fit);
	package->level = model_level(&fit);
	memcpy(package->shares, fit.probability, sizeof package->shares);
	package->is_counted = true;
	package->has_shares = false;
	for (size_t i = 1; i < ev.n; i++)
		package->has_shares |= ev.views[i].caps != ev.views[0].caps;
	add_to_prior(e, package, 1);
}

/* How much sets differ: score the candidates by the build that ended. */
static void learn_between(struct estimates *e, const struct evidence *ev, double ln_cost)
{
	double highest = -INFINITY, sum = 0, total = 0;

	for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
		double mu, sigma, z;

		expect(e, ev, candidates[i], &mu, &sigma);
		z = fmin(NOISE_FAR, fabs(ln_cost - mu) / sigma);
		e->scores[i] = e->scores[i] * SCORE_KEPT - square(z) / 2 - log(sigma);
		highest = fmax(highest, e->scores[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
		double likelihood = exp(e->scores[i] - highest);

		sum += likelihood * candidates[i];
		total += likelihood;
	}
	e->between = sum / total;
}

/* How much single builds of the package vary: what is off beyond what we were unsure of anyway. */
static void learn_noise(struct package_history *package, double off, double sigma)
{
	double unsure = fmax(1, square(sigma) / noise_variance(package));

	package->noise_squares *= NOISE_KEPT;
	package->noise_squares += square(fmin(fabs(off), NOISE_FAR * NOISE)) / unsure;
	package->noise_n = package->noise_n * NOISE_KEPT + 1;
}

static void learn_from_surprise(struct estimates *e, struct package_history *package,
	const struct evidence *ev, const struct estimate_sample *sample, double ln_cost)
{
	double factor = builder_records_ln_factor(&e->builders, sample->builder);
	double mu, sigma;

	if (ev->n == 0)
		return;
	expect(e, ev, e->between, &mu, &sigma);
	if (ev->basis == ESTIMATE_SET && ev->builds >= 2) {
		learn_noise(package, ln_cost - mu, sigma);
		if (sample->builder != NULL)
			builder_records_learn(&e->builders, sample->builder, ln_cost + factor - mu);
	}
	if (ev->basis <= ESTIMATE_OTHER_SETS && !package->is_pooled)
		learn_between(e, ev, ln_cost);
}

static float known_or_0(int64_t value)
{
	return value > 0 ? (float)value : 0;
}

static void learn_cost(struct estimates *e, const struct estimate_sample *sample, double ln_cost)
{
	struct past_build build = {
		.at_ms = e->now_ms,
		.ln_cost = (float)ln_cost,
		.cores = known_or_0(sample->core_ms) / (float)sample->wall_ms,
		.memory = known_or_0(sample->peak_memory_bytes),
		.output = known_or_0(sample->output_bytes),
		.version = history_version(sample->version),
	};
	struct package_history *package;
	struct set_history *set;
	struct evidence ev;

	history_use(&e->history, &sample->key, &package, &set, forget_package, e);
	gather(e, &sample->key, sample->version, e->now_ms, &ev);
	learn_from_surprise(e, package, &ev, sample, ln_cost);
	history_add_build(set, &build, sqrt(noise_variance(package)));
	count_package(e, package, &sample->key);
}

/* It would have taken longer than that: as if it had been built, in the time to be expected of a
 * build that has taken so long already. */
static void learn_bound(struct estimates *e, const struct estimate_sample *sample, double ln_cost)
{
	struct package_history *package;
	struct set_history *set;
	struct evidence ev;
	double mu, sigma;

	gather(e, &sample->key, sample->version, e->now_ms, &ev);
	expect(e, &ev, e->between, &mu, &sigma);
	if (ln_cost <= mu)
		return;
	history_use(&e->history, &sample->key, &package, &set, forget_package, e);
	history_add_bound(set, mu + sigma * normal_mean_above((ln_cost - mu) / sigma), e->now_ms,
		sqrt(noise_variance(package)));
}

#define COST_MAX 1e15 /* 30,000 years: whatever it is, it can be reckoned with. */

void estimates_learn(struct estimates *e, const struct estimate_sample *sample)
{
	double speed = sample->speed > 0 ? sample->speed : 1;
	double cost_ms = fmax(1, fmin((double)sample->wall_ms * speed, COST_MAX));
	double ln_cost;

	if (sample->at_ms > e->now_ms)
		e->now_ms = sample->at_ms;
	if (sample->wall_ms < 1)
		return;
	ln_cost = log(cost_ms) - builder_records_ln_factor(&e->builders, sample->builder);
	if (sample->outcome == ESTIMATE_BUILT)
		learn_cost(e, sample, ln_cost);
	else
		learn_bound(e, sample, ln_cost);
}

void estimates_saw(struct estimates *e, const struct estimate_key *key, uint64_t revision,
	uint64_t drv, int64_t now_ms)
{
	struct package_history *package;
	struct set_history *set;
	bool same = false, different = false;

	if (now_ms > e->now_ms)
		e->now_ms = now_ms;
	history_use(&e->history, key, &package, &set, forget_package, e);
	set->revision = revision;
	set->drv = drv;
	for (size_t i = 0; i < package->n; i++) {
		const struct set_history *other = package->sets[i];

		if (other == set || other->revision != revision ||
			strcmp(other->system, set->system) != 0)
			continue;
		same |= other->drv == drv;
		different |= other->drv != drv;
	}
	if (same || different)
		package->is_pooled = !different;
}
