/* Builders, their slots, and what runs in these. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/estimate.h"
#include "sched/node.h"
#include "sched/score.h"

static struct builder_slots *builder_named(struct sched *s, const char *name)
{
	for (size_t i = 0; i < s->n_builders; i++)
		if (strcmp(s->builders[i].spec.name, name) == 0)
			return &s->builders[i];
	return NULL;
}

void sched_set_builders(struct sched *s, const struct sched_builder *builders, size_t n)
{
	for (size_t i = 0; i < s->n_builders; i++)
		s->builders[i].spec.systems = 0; /* Fits nothing; what runs on it may end. */
	for (size_t i = 0; i < n; i++) {
		struct builder_slots *b = builder_named(s, builders[i].name);
		const char *name;

		if (b == NULL) {
			array_reserve(&s->builders, &s->builders_capacity, s->n_builders + 1,
				sizeof *s->builders);
			b = &s->builders[s->n_builders++];
			memset(b, 0, sizeof *b);
			b->spec.name = xstrdup(builders[i].name);
		}
		name = b->spec.name;
		b->spec = builders[i];
		b->spec.name = name;
	}
	s->rest_at_ms = NEVER; /* What runs may be faster or slower now. */
}

size_t sched_n_builders(const struct sched *s)
{
	return s->n_builders;
}

const char *sched_builder_name(const struct sched *s, uint32_t builder)
{
	return s->builders[builder].spec.name;
}

uint32_t sched_running(const struct sched *s, uint32_t builder, enum sched_lane lane)
{
	return s->builders[builder].running[lane];
}

bool builder_fits(const struct builder_slots *b, const struct kind *kind)
{
	return (b->spec.systems >> kind->system & 1) != 0 &&
	       (kind->features & ~b->spec.features) == 0;
}

double builder_speed(const struct builder_slots *b)
{
	return b->spec.speed > 0 ? b->spec.speed : 1;
}

bool sched_has_builder(const struct sched *s, uint32_t system, uint64_t features)
{
	struct kind kind = { .system = system, .features = features };

	for (size_t i = 0; i < s->n_builders; i++)
		if (builder_fits(&s->builders[i], &kind))
			return true;
	return false;
}

uint32_t builders_slots(const struct sched *s)
{
	uint32_t n = 0;

	for (size_t i = 0; i < s->n_builders; i++)
		if (s->builders[i].spec.systems != 0)
			n += s->builders[i].spec.slots[SCHED_BUILD];
	return n;
}

/* ---- what runs ---- */

static double elapsed_cost_ms(const struct sched *s, const struct run *run)
{
	return (double)(s->now_ms - run->started_ms) * builder_speed(&s->builders[run->builder]);
}

bool run_is_long(const struct sched *s, const struct run *run)
{
	return run->is_long || elapsed_cost_ms(s, run) > LONG_OVERRUN * s->long_builds.threshold_ms;
}

double run_rest_ms(const struct sched *s, const struct run *run)
{
	struct estimate cost = { .mu = log(run->cost_ms), .sigma = run->cost_sigma };

	return estimate_remaining(&cost, elapsed_cost_ms(s, run), 0.5) /
	       builder_speed(&s->builders[run->builder]);
}

double run_rest_roughly_ms(const struct sched *s, const struct run *run)
{
	double rest_ms = run->cost_ms - elapsed_cost_ms(s, run);

	return fmax(rest_ms, run->cost_ms / 10) / builder_speed(&s->builders[run->builder]);
}

static uint32_t new_run(struct sched *s)
{
	for (size_t i = 0; i < s->n_runs; i++)
		if (s->runs[i].n == 0)
			return (uint32_t)i;
	array_reserve(&s->runs, &s->runs_capacity, s->n_runs + 1, sizeof *s->runs);
	return (uint32_t)s->n_runs++;
}

void run_begin(struct sched *s, const struct sched_decision *decision)
{
	struct node *first = sched_node(s, decision->builds[0]);
	uint32_t index = new_run(s);
	struct run run = {
		.first = first->id,
		.started_ms = s->now_ms,
		.cost_sigma = first->cost_sigma,
		.builder = decision->builder,
		.lane = decision->lane,
		.rule = decision->rule,
		.n = (uint32_t)decision->n,
		.submitter = first->view.submitter,
		.is_long = queue_is_long(s, first),
	};

	for (size_t i = 0; i < decision->n; i++) {
		struct node *node = sched_node(s, decision->builds[i]);

		assert(node->state == SCHED_READY);
		run.cost_ms += node->cost_ms;
		node->state = SCHED_RUNNING;
		node->run = index;
		queue_settle(s, node);
	}
	run.charged_ms = run.cost_ms / builder_speed(&s->builders[run.builder]);
	s->runs[index] = run;
	s->builders[run.builder].running[run.lane]++;
	s->rest_at_ms = NEVER;
	if (run.lane == SCHED_BUILD)
		share_charge(s, run.submitter, run.charged_ms);
}

void run_leave(struct sched *s, struct node *node)
{
	struct run *run;

	if (node->run == NO_RUN)
		return;
	run = &s->runs[node->run];
	node->run = NO_RUN;
	if (--run->n > 0)
		return;
	s->builders[run->builder].running[run->lane]--;
	s->rest_at_ms = NEVER;
	if (run->lane == SCHED_BUILD)
		share_charge(
			s, run->submitter, (double)(s->now_ms - run->started_ms) - run->charged_ms);
}

/* ---- what a build may take ---- */

static uint32_t free_slots(const struct builder_slots *b, enum sched_lane lane)
{
	return b->spec.slots[lane] > b->running[lane] ? b->spec.slots[lane] - b->running[lane] : 0;
}

/* Of the builders with a free slot take the least loaded for its speed; then the first one. */
static void look_at_slots(const struct sched *s, const struct kind *kind, struct pool *pool)
{
	double best_load = INFINITY;

	for (size_t i = 0; i < s->n_builders; i++) {
		const struct builder_slots *b = &s->builders[i];
		double load = (b->running[kind->lane] + 1) / builder_speed(b);

		if (!builder_fits(b, kind))
			continue;
		pool->n_slots += b->spec.slots[kind->lane];
		pool->n_free += free_slots(b, kind->lane);
		if (free_slots(b, kind->lane) > 0 && load < best_load) {
			pool->builder = b;
			best_load = load;
		}
	}
}

static void look_at_runs(const struct sched *s, const struct kind *kind, struct pool *pool)
{
	for (size_t i = 0; i < s->n_runs; i++) {
		const struct run *run = &s->runs[i];

		if (run->n == 0 || run->lane != kind->lane ||
			!builder_fits(&s->builders[run->builder], kind))
			continue;
		pool->n_long += run_is_long(s, run);
		pool->n_promised += run->rule == SCHED_RULE_PROMISE;
	}
}

/* Whatever number the part is. */
static uint32_t part_of(double part, uint32_t n_slots)
{
	return (uint32_t)(fmin(fmax(part, 0), 1) * n_slots);
}

/* One or two slots cannot spare one. */
static uint32_t long_max(const struct sched *s, uint32_t n_slots)
{
	uint32_t reserved = part_of(s->policy.reserve, n_slots);

	if (n_slots <= 2 || !(s->policy.reserve > 0))
		return n_slots;
	return n_slots - (reserved > 0 ? reserved : 1);
}

/* Without a reserve, what still runs on slots that are gone takes nothing from the others. */
bool pool_takes_long(const struct pool *pool)
{
	return pool->n_long < pool->long_max || pool->long_max == pool->n_slots;
}

void pool_look(const struct sched *s, const struct kind *kind, struct pool *out)
{
	memset(out, 0, sizeof *out);
	look_at_slots(s, kind, out);
	if (kind->lane != SCHED_BUILD) {
		out->long_max = out->n_slots;
		return;
	}
	look_at_runs(s, kind, out);
	out->long_max = long_max(s, out->n_slots);
	out->promised_max = part_of(s->policy.promise_slots, out->n_slots);
	if (out->promised_max == 0)
		out->promised_max = 1;
}
