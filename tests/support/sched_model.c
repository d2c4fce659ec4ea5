#include "tests/support/sched_model.h"

#include <math.h>
#include <string.h>

#include "sched/estimate.h"
#include "sched/score.h"

/* Scores differ surely when they differ by more than this part: those of the schedule are floats.
 */
#define ROUNDING 1e-5

bool model_is_there(const struct model *m, size_t i)
{
	return m->builds[i].state != SCHED_UNKNOWN;
}

size_t model_n_needs(const struct model *m, size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k < MODEL_BUILDS; k++)
		n += m->builds[i].needs[k];
	return n;
}

static void reach(const struct model *m, size_t from, bool *found)
{
	found[from] = true;
	for (size_t k = 0; k < MODEL_BUILDS; k++)
		if (m->builds[from].needs[k] && !found[k])
			reach(m, k, found);
}

bool model_reaches(const struct model *m, size_t from, size_t to)
{
	bool found[MODEL_BUILDS] = { false };

	reach(m, from, found);
	return found[to];
}

/* ---- what is asked ---- */

/* Its own jobs ask for it, and are not all held. */
static bool is_asked(const struct model *m, size_t i)
{
	return model_is_there(m, i) && m->builds[i].own.jobs > 0 && !m->builds[i].own.is_held;
}

static double cost_of(const struct model *m, size_t i)
{
	return (float)m->builds[i].spec.cost_ms;
}

static void merge(struct model_view *view, const struct model_view *other)
{
	if (other->rank > view->rank)
		view->rank = other->rank;
	if (other->bumped_ms > view->bumped_ms)
		view->bumped_ms = other->bumped_ms;
	if (other->start_by_ms < view->start_by_ms)
		view->start_by_ms = other->start_by_ms;
	if (other->since_ms == view->since_ms && other->submitter < view->submitter)
		view->submitter = other->submitter;
	if (other->since_ms < view->since_ms) {
		view->since_ms = other->since_ms;
		view->submitter = other->submitter;
	}
}

static struct model_view own_view(const struct model *m, size_t i)
{
	const struct sched_want *own = &m->builds[i].own;
	struct model_view view = {
		.since_ms = INT64_MAX, .start_by_ms = INT64_MAX, .submitter = UINT32_MAX
	};

	if (own->jobs > 0)
		view.rank = own->is_held       ? MODEL_HELD
			    : own->is_leftover ? MODEL_LEFTOVER
					       : MODEL_NORMAL;
	if (!is_asked(m, i))
		return view;
	view.bumped_ms = own->bumped_ms;
	view.since_ms = own->since_ms;
	view.start_by_ms = own->start_by_ms;
	view.submitter = own->submitter;
	return view;
}

static void see(struct model *m, size_t i)
{
	struct model_build *b = &m->builds[i];

	if (b->is_seen)
		return;
	b->is_seen = true;
	b->view = own_view(m, i);
	for (size_t k = 0; k < MODEL_BUILDS; k++) {
		struct model_view above;

		if (!m->builds[k].needs[i])
			continue;
		see(m, k);
		above = m->builds[k].view;
		if (above.start_by_ms != INT64_MAX)
			above.start_by_ms -= (int64_t)cost_of(m, i);
		merge(&b->view, &above);
	}
}

void model_look(struct model *m)
{
	for (size_t i = 0; i < MODEL_BUILDS; i++)
		m->builds[i].is_seen = false;
	for (size_t i = 0; i < MODEL_BUILDS; i++)
		see(m, i);
}

double model_chain_ms(const struct model *m, size_t i)
{
	double below_ms = 0;

	for (size_t k = 0; k < MODEL_BUILDS; k++)
		if (m->builds[i].needs[k])
			below_ms = fmax(below_ms, model_chain_ms(m, k));
	return cost_of(m, i) + below_ms;
}

/* ---- the score ---- */

static double asked_chain_ms(const struct model *m, size_t i)
{
	double chain_ms = is_asked(m, i) ? (float)m->builds[i].own.chain_ms : cost_of(m, i);

	return fmax(chain_ms, SCORE_COST_MIN_MS);
}

/* What it serves itself. */
static double own_weight(const struct model *m, size_t i)
{
	double cost_ms = fmax((float)m->builds[i].own.cost_ms, SCORE_COST_MIN_MS);

	return m->builds[i].own.weight * pow(asked_chain_ms(m, i) / HOUR_MS, -SCORE_A) *
	       pow(cost_ms / HOUR_MS, -SCORE_P);
}

static double unlocked(const struct model *m, size_t j)
{
	double sum = 0;

	for (size_t i = 0; i < MODEL_BUILDS; i++)
		if (i != j && is_asked(m, i) && model_reaches(m, i, j))
			sum += own_weight(m, i) *
			       pow(cost_of(m, j) / asked_chain_ms(m, i), SCORE_B);
	return sum;
}

static int level_of(const struct model *m, size_t i)
{
	double waited_ms = (double)(m->now_ms - m->builds[i].view.since_ms);
	int level = 0;

	while (level < SCORE_LEVEL_MAX &&
		waited_ms >= ceil(asked_chain_ms(m, i) * (exp2(level + 1) - 1)))
		level++;
	return level;
}

double model_share(const struct model *m, uint32_t submitter)
{
	double all = 0;

	for (size_t k = 0; k < MODEL_SUBMITTERS; k++)
		all += m->used_ms[k];
	for (size_t b = 0; b < MODEL_BUILDERS; b++)
		if (m->builders[b].systems != 0)
			all += SHARE_PRIOR_MS * m->builders[b].slots[SCHED_BUILD];
	return all > 0 ? m->used_ms[submitter] / all : 0;
}

static double share_factor(const struct model *m, uint32_t submitter)
{
	double left = (1 - model_share(m, submitter)) / (1 - SHARE_FREE);

	return fmin(1, fmax(left * left, SHARE_FACTOR_MIN));
}

static double counted_cost_ms(double cost_ms)
{
	if (cost_ms <= SCORE_LONG_FROM_MS)
		return cost_ms;
	return SCORE_LONG_FROM_MS * pow(cost_ms / SCORE_LONG_FROM_MS, 1 - SCORE_LONG);
}

double model_score(const struct model *m, size_t i)
{
	double weight = unlocked(m, i);

	if (is_asked(m, i))
		weight += own_weight(m, i);
	return weight * exp2(level_of(m, i)) * share_factor(m, m->builds[i].view.submitter) /
	       (counted_cost_ms(cost_of(m, i)) / HOUR_MS);
}

/* ---- slots ---- */

double model_rest_ms(const struct model *m, const struct model_run *run)
{
	double speed = m->builders[run->builder].speed;
	double rest_ms = run->cost_ms - (double)(m->now_ms - run->started_ms) * speed;

	return fmax(rest_ms, run->cost_ms / 10) / speed;
}

int64_t model_promise(const struct model *m)
{
	double backlog_ms = 0;
	uint32_t n_slots = 0;

	for (size_t i = 0; i < MODEL_BUILDS; i++) {
		const struct model_build *b = &m->builds[i];

		if (b->spec.lane == SCHED_BUILD && b->view.rank >= MODEL_LEFTOVER &&
			b->state != SCHED_UNKNOWN && b->state != SCHED_RUNNING)
			backlog_ms += cost_of(m, i);
		if (m->runs[i].n > 0 && m->runs[i].lane == SCHED_BUILD)
			backlog_ms += model_rest_ms(m, &m->runs[i]);
	}
	for (size_t b = 0; b < MODEL_BUILDERS; b++)
		if (m->builders[b].systems != 0)
			n_slots += m->builders[b].slots[SCHED_BUILD];
	return m->now_ms + m->policy.promise_grace_ms +
	       (int64_t)(m->policy.promise_factor * backlog_ms / (n_slots > 0 ? n_slots : 1));
}

bool model_is_long(const struct model *m, size_t i)
{
	const struct sched_build *spec = &m->builds[i].spec;

	return spec->lane == SCHED_BUILD &&
	       cost_of(m, i) * exp(LONG_SIGMAS * (float)spec->cost_sigma) > m->long_ms;
}

static bool run_is_long(const struct model *m, const struct model_run *run)
{
	double elapsed_ms = (double)(m->now_ms - run->started_ms) * m->builders[run->builder].speed;

	return run->is_long || elapsed_ms > LONG_OVERRUN * m->long_ms;
}

static bool fits(const struct model *m, size_t i, size_t builder)
{
	const struct sched_build *spec = &m->builds[i].spec;
	const struct sched_builder *b = &m->builders[builder];

	return (b->systems & 1u << spec->system) != 0 && (spec->features & ~b->features) == 0;
}

static void look_at_builder(const struct model *m, size_t b, enum sched_lane lane,
	double *best_load, struct model_pool *pool)
{
	const struct sched_builder *builder = &m->builders[b];
	uint32_t running = 0;
	double load;

	for (size_t i = 0; i < MODEL_BUILDS; i++) {
		const struct model_run *run = &m->runs[i];

		if (run->n == 0 || run->builder != b || run->lane != lane)
			continue;
		running++;
		pool->n_long += run_is_long(m, run);
		pool->n_promised += run->rule == SCHED_RULE_PROMISE;
	}
	pool->n_slots += builder->slots[lane];
	if (running >= builder->slots[lane])
		return;
	pool->n_free += builder->slots[lane] - running;
	load = (running + 1) / builder->speed;
	if (pool->builder == MODEL_BUILDERS || load < *best_load) {
		pool->builder = (uint32_t)b;
		*best_load = load;
	}
}

void model_pool_of(const struct model *m, size_t i, struct model_pool *out)
{
	enum sched_lane lane = m->builds[i].spec.lane;
	double best_load = 0, reserved, promised;

	memset(out, 0, sizeof *out);
	out->builder = MODEL_BUILDERS;
	for (size_t b = 0; b < MODEL_BUILDERS; b++)
		if (fits(m, i, b))
			look_at_builder(m, b, lane, &best_load, out);
	reserved = fmax(1, floor(m->policy.reserve * out->n_slots));
	promised = fmax(1, floor(m->policy.promise_slots * out->n_slots));
	out->promised_max = lane == SCHED_BUILD ? (uint32_t)promised : 0;
	out->long_max = out->n_slots;
	if (lane == SCHED_BUILD && out->n_slots > 2 && m->policy.reserve > 0)
		out->long_max -= (uint32_t)reserved;
}

/* ---- the order, and the rules ---- */

bool model_is_queued(const struct model *m, size_t i)
{
	return m->builds[i].state == SCHED_READY && m->builds[i].not_before_ms <= m->now_ms &&
	       m->builds[i].view.rank >= MODEL_LEFTOVER;
}

bool model_may_start(const struct model *m, size_t i)
{
	struct model_pool pool;

	if (!model_is_queued(m, i))
		return false;
	model_pool_of(m, i, &pool);
	return pool.builder != MODEL_BUILDERS &&
	       (!model_is_long(m, i) || pool.n_long < pool.long_max ||
		       pool.long_max == pool.n_slots || m->builds[i].view.bumped_ms > 0);
}

enum sched_rule model_rule(const struct model *m, size_t i)
{
	const struct model_view *view = &m->builds[i].view;
	struct model_pool pool;

	model_pool_of(m, i, &pool);
	if (view->bumped_ms > 0)
		return SCHED_RULE_BUMPED;
	if (view->start_by_ms <= m->now_ms && pool.n_promised < pool.promised_max)
		return SCHED_RULE_PROMISE;
	return view->rank == MODEL_LEFTOVER ? SCHED_RULE_LEFTOVER : SCHED_RULE_SCORE;
}

/* `x` and `y` are the scores of `a` and `b`. */
static bool scores_before(const struct model *m, size_t a, double x, size_t b, double y)
{
	int64_t since_a = m->builds[a].view.since_ms, since_b = m->builds[b].view.since_ms;

	if (x > y + ROUNDING * fabs(y) || y > x + ROUNDING * fabs(x))
		return x > y;
	if (x != y || unlocked(m, a) > 0 || unlocked(m, b) > 0)
		return false; /* Who knows. */
	return since_a != since_b ? since_a < since_b : a < b;
}

/* By bump and class alone: -1, 0, 1. */
static int compare_asked(const struct model *m, size_t a, size_t b)
{
	const struct model_view *x = &m->builds[a].view, *y = &m->builds[b].view;

	if (x->bumped_ms != y->bumped_ms)
		return x->bumped_ms > y->bumped_ms ? -1 : 1;
	return x->rank != y->rank ? (x->rank > y->rank ? -1 : 1) : 0;
}

bool model_is_before(const struct model *m, size_t a, size_t b)
{
	int c = compare_asked(m, a, b);

	return c != 0 ? c < 0 : scores_before(m, a, model_score(m, a), b, model_score(m, b));
}

static double score_without_share(const struct model *m, size_t i)
{
	return model_score(m, i) / share_factor(m, m->builds[i].view.submitter);
}

static bool is_promised_before(const struct model *m, size_t a, size_t b)
{
	int64_t by_a = m->builds[a].view.start_by_ms, by_b = m->builds[b].view.start_by_ms;
	int c = compare_asked(m, a, b);

	if (by_a != by_b)
		return by_a < by_b;
	if (c != 0)
		return c < 0;
	return scores_before(m, a, score_without_share(m, a), b, score_without_share(m, b));
}

bool model_goes_first(const struct model *m, size_t a, size_t b)
{
	enum sched_rule x = model_rule(m, a), y = model_rule(m, b);

	if (x != y)
		return x < y; /* In the order of their numbers. */
	if (x == SCHED_RULE_PROMISE)
		return is_promised_before(m, a, b);
	return model_is_before(m, a, b);
}
