#include "sched/forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/estimate.h"
#include "sched/node.h"

/* When each build starts and is done in each of the plays. */
struct forecast {
	struct id_map index; /* Build id -> row. */
	unsigned plays;
	int64_t *starts, *dones; /* [row x plays + play] */
	double *deviations;      /* ln of the middle of each part of a cost with mu 0, sigma 1. */
};

/* What runs in a slot of the play. */
struct slot {
	int64_t end_ms; /* NEVER: nothing runs. */
	int64_t builds[SCHED_BATCH_MAX];
	size_t n;
};

/* One play, on a copy of its own. Slots stand at the indices of sched.runs. */
struct play {
	struct forecast *f;
	unsigned number;
	struct sched *s;
	struct slot *slots;
	size_t n_slots, capacity;
};

/* ---- what is drawn ---- */

static uint64_t scatter(uint64_t x)
{
	x += UINT64_C(0x9E3779B97F4A7C15);
	x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
	return x ^ (x >> 31);
}

/* Over all plays (a prime number of them) each build draws from every part of its distribution
 * once, in an order of its own. So a build that waits for nothing has the very quantiles of its
 * estimate, and the same forecast is made twice. */
static unsigned draw(const struct play *play, int64_t build)
{
	uint64_t random = scatter((uint64_t)build), plays = play->f->plays;
	uint64_t step = plays > 1 ? 1 + random % (plays - 1) : 1;

	return (unsigned)((step * play->number + (random >> 32)) % plays);
}

static double middle_of(const struct forecast *f, unsigned part)
{
	return (part + 0.5) / f->plays;
}

static void find_deviations(struct forecast *f)
{
	struct estimate cost = { .mu = 0, .sigma = 1 };

	f->deviations = xcalloc(f->plays, sizeof *f->deviations);
	for (unsigned i = 0; i < f->plays; i++)
		f->deviations[i] = log(estimate_quantile(&cost, middle_of(f, i)));
}

/* How much longer a run takes, at speed 1. Those that begin are many: they need no quantile. */
static double draw_rest_ms(const struct play *play, const struct run *run, double elapsed_ms)
{
	struct estimate cost = { .mu = log(run->cost_ms), .sigma = run->cost_sigma };
	unsigned part = draw(play, run->first);

	if (elapsed_ms <= 0)
		return run->cost_ms * exp(run->cost_sigma * play->f->deviations[part]);
	return estimate_remaining(&cost, elapsed_ms, middle_of(play->f, part));
}

/* ---- one play ---- */

static void note(const struct play *play, int64_t *times, int64_t build, int64_t at_ms)
{
	uint32_t row = id_map_get(&play->f->index, build);

	times[(size_t)row * play->f->plays + play->number] = at_ms;
}

static struct slot *slot_at(struct play *play, uint32_t run)
{
	size_t before = play->n_slots;

	if (run >= before) {
		array_reserve(&play->slots, &play->capacity, (size_t)run + 1, sizeof *play->slots);
		play->n_slots = (size_t)run + 1;
		for (size_t i = before; i < play->n_slots; i++) {
			play->slots[i].end_ms = NEVER;
			play->slots[i].n = 0;
		}
	}
	return &play->slots[run];
}

/* The run's end, now that its builds are known. */
static void set_end(struct play *play, uint32_t index)
{
	const struct run *run = &play->s->runs[index];
	double speed = builder_speed(&play->s->builders[run->builder]);
	double elapsed_ms = (double)(play->s->now_ms - run->started_ms) * speed;
	double rest_ms = draw_rest_ms(play, run, elapsed_ms) / speed;

	slot_at(play, index)->end_ms = play->s->now_ms + (int64_t)fmin(rest_ms, 1e15) + 1;
}

static void take_over_running(struct play *play)
{
	struct sched *s = play->s;

	for (size_t i = 0; i < s->n_nodes; i++) {
		const struct node *node = &s->nodes[i];
		struct slot *slot;

		if (node->id == 0 || node->state != SCHED_RUNNING)
			continue;
		slot = slot_at(play, node->run);
		slot->builds[slot->n++] = node->id;
		note(play, play->f->starts, node->id, s->runs[node->run].started_ms);
	}
	for (uint32_t i = 0; i < play->n_slots; i++)
		if (play->slots[i].n > 0)
			set_end(play, i);
}

static void set_ready(void *owner, int64_t build)
{
	sched_set_ready(owner, build, 0);
}

/* Inputs that are still being fetched are taken to be there. */
static void open_all(struct sched *s)
{
	for (size_t i = 0; i < s->n_nodes; i++)
		if (s->nodes[i].id != 0 && s->nodes[i].state == SCHED_OPEN)
			sched_set_ready(s, s->nodes[i].id, 0);
}

/* Start what starts now; returns when to ask again. */
static int64_t start_all(struct play *play, int64_t now_ms)
{
	struct sched_decision decision;

	for (;;) {
		struct slot *slot;
		uint32_t run;

		sched_decide(play->s, now_ms, &decision);
		if (decision.n == 0)
			return decision.ask_again_ms;
		sched_started(play->s, &decision, now_ms);
		run = sched_node(play->s, decision.builds[0])->run;
		slot = slot_at(play, run);
		slot->n = decision.n;
		for (size_t i = 0; i < decision.n; i++) {
			slot->builds[i] = decision.builds[i];
			note(play, play->f->starts, decision.builds[i], now_ms);
		}
		set_end(play, run);
	}
}

static void end_slot(struct play *play, struct slot *slot)
{
	int64_t now_ms = slot->end_ms;

	slot->end_ms = NEVER;
	for (size_t i = 0; i < slot->n; i++) {
		note(play, play->f->dones, slot->builds[i], now_ms);
		sched_built(play->s, slot->builds[i], now_ms, set_ready, play->s);
	}
	slot->n = 0;
}

static void play_to_end(struct play *play, int64_t now_ms)
{
	sched_pass_time(play->s, now_ms);
	take_over_running(play);
	open_all(play->s);
	for (;;) {
		int64_t again_ms = start_all(play, now_ms);
		struct slot *next = NULL;

		for (size_t i = 0; i < play->n_slots; i++)
			if (play->slots[i].end_ms != NEVER &&
				(next == NULL || play->slots[i].end_ms < next->end_ms))
				next = &play->slots[i];
		if (next == NULL && again_ms == NEVER)
			return;
		if (next == NULL || again_ms < next->end_ms) {
			now_ms = again_ms;
			continue;
		}
		now_ms = next->end_ms;
		end_slot(play, next);
	}
}

/* ---- all of them ---- */

/* Primes: see draw(). */
unsigned forecast_plays(size_t n_builds)
{
	return n_builds <= 200 ? 41 : n_builds <= 2000 ? 19 : n_builds <= 20000 ? 11 : 5;
}

static void name_rows(struct forecast *f, const struct sched *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_nodes; i++)
		if (s->nodes[i].id != 0)
			id_map_set(&f->index, s->nodes[i].id, (uint32_t)n++);
	f->starts = xcalloc(n * f->plays, sizeof *f->starts);
	f->dones = xcalloc(n * f->plays, sizeof *f->dones);
	for (size_t i = 0; i < n * f->plays; i++)
		f->starts[i] = f->dones[i] = NEVER;
}

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

struct forecast *forecast_make(struct sched *copy, int64_t now_ms, unsigned plays)
{
	struct forecast *f = xcalloc(1, sizeof *f);

	f->plays = plays;
	name_rows(f, copy);
	find_deviations(f);
	for (unsigned i = 0; i < plays; i++) {
		bool is_last = i + 1 == plays;
		struct play play = { .f = f, .number = i, .s = is_last ? copy : sched_copy(copy) };

		play_to_end(&play, now_ms);
		sched_destroy(play.s);
		free(play.slots);
	}
	for (size_t i = 0; i < f->index.n; i++) {
		array_sort(f->starts + i * plays, plays, sizeof *f->starts, compare_times);
		array_sort(f->dones + i * plays, plays, sizeof *f->dones, compare_times);
	}
	return f;
}

void forecast_destroy(struct forecast *f)
{
	if (f == NULL)
		return;
	id_map_finish(&f->index);
	free(f->starts);
	free(f->dones);
	free(f->deviations);
	free(f);
}

bool forecast_get(const struct forecast *f, int64_t build, struct forecast_span *out)
{
	uint32_t row = id_map_get(&f->index, build);
	size_t p50 = (f->plays - 1) / 2, p90 = (f->plays * 9 + 9) / 10 - 1;
	const int64_t *starts, *dones;

	if (row == ID_MAP_NONE)
		return false;
	starts = f->starts + (size_t)row * f->plays;
	dones = f->dones + (size_t)row * f->plays;
	*out = (struct forecast_span){ .start_p50_ms = starts[p50],
		.start_p90_ms = starts[p90],
		.done_p50_ms = dones[p50],
		.done_p90_ms = dones[p90] };
	return true;
}
