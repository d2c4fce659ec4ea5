#include "sim/engine.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "lib/mem.h"
#include "sched/heap.h"
#include "sim/board.h"

#define PROGRESS_EVERY 256 /* Builds. */
#define FOREVER INT64_MAX

struct slot {
	uint32_t builder;
	uint32_t row;
	int64_t end_ms;
};

struct engine {
	const struct sim_setup *setup;
	const struct trace *trace;
	struct policy *policy;
	struct board *board;
	struct estimates *estimates;
	struct slot *slots;
	struct heap running;     /* Of slots, by what ends first. */
	struct rows *free_slots; /* Of each builder; the last is taken first. */
	size_t n_come;
	int64_t now_ms;
	double late_ms; /* Sum. */
	struct sim_result *result;
};

/* ---- what is known of costs ---- */

static struct estimate_key key_of(const struct row *row)
{
	return (struct estimate_key){
		.package = row->package, .set = row->set, .system = row->system
	};
}

static void learn(struct engine *engine, const struct estimate_sample *sample)
{
	const struct policy_class *class = engine->policy->class;

	estimates_learn(engine->estimates, sample);
	if (class->learn != NULL)
		class->learn(engine->policy, llround((double)sample->wall_ms * sample->speed),
			sample->at_ms);
}

static struct estimate_sample sample_of(struct estimate_key key, int64_t took_ms, int64_t at_ms)
{
	return (struct estimate_sample){
		.key = key,
		.outcome = ESTIMATE_BUILT,
		.at_ms = at_ms,
		.wall_ms = took_ms,
		.core_ms = -1,
		.peak_memory_bytes = -1,
		.output_bytes = -1,
		.speed = 1,
	};
}

static void learn_past(struct engine *engine)
{
	for (size_t i = 0; i < engine->trace->n_past; i++) {
		const struct past_build *past = &engine->trace->past[i];
		struct estimate_key key = {
			.package = past->package, .set = past->set, .system = ""
		};
		struct estimate_sample sample = sample_of(key, past->work_ms, -past->age_ms);

		learn(engine, &sample);
	}
}

static void estimate(const struct engine *engine, const struct row *row, struct estimate *out)
{
	struct estimate_key key = key_of(row);

	estimates_get(engine->estimates, &key, NULL, engine->now_ms, out);
}

/* What was learnt changes what is thought of the package's builds that wait. */
static void estimate_again(struct engine *engine, uint32_t package_index)
{
	const struct rows *waiting = board_waiting(engine->board, package_index);

	for (size_t i = 0; i < waiting->n; i++) {
		struct estimate cost;

		estimate(engine, &engine->trace->rows[waiting->items[i]], &cost);
		engine->policy->class->set_cost(engine->policy, waiting->items[i], &cost);
	}
}

/* ---- builds come ---- */

static void add(struct engine *engine, uint32_t index, bool is_wanted)
{
	const struct policy_class *class = engine->policy->class;
	const struct row *row = &engine->trace->rows[index];
	struct rows needs = { 0 };
	struct sim_build build = {
		.index = index,
		.row = row,
		.weight = knobs_weight(engine->setup->knobs, row->branch, row->n_caps),
		.builders = farm_fitting(engine->setup->farm, row),
	};

	estimate(engine, row, &build.cost);
	board_add(engine->board, index, is_wanted, &needs);
	build.needs = needs.items;
	build.n_needs = needs.n;
	class->add(engine->policy, &build, engine->now_ms);
	if (is_wanted && class->want != NULL)
		class->want(engine->policy, &build, engine->now_ms);
	if (needs.n == 0)
		class->ready(engine->policy, index, engine->now_ms);
	free(needs.items);
}

static void supersede(struct engine *engine, uint32_t older, uint32_t newer)
{
	const struct policy_class *class = engine->policy->class;
	struct rows leaving = { 0 };

	if (class->supersede != NULL)
		class->supersede(engine->policy, older, newer);
	board_unwant(engine->board, older, &leaving);
	for (size_t i = 0; i < leaving.n; i++)
		class->leave(engine->policy, leaving.items[i], engine->now_ms);
	free(leaving.items);
}

static void come(struct engine *engine, uint32_t index)
{
	uint32_t older = engine->trace->rows[index].older;
	struct rows coming = { 0 };

	board_find_coming(engine->board, index, &coming);
	for (size_t i = 0; i < coming.n; i++)
		add(engine, coming.items[i], coming.items[i] == index);
	free(coming.items);
	if (older != ROW_NONE && board_state(engine->board, older) == BOARD_WAITS)
		supersede(engine, older, index);
}

/* ---- builds start and end ---- */

/* The only place where the future is looked into. */
static void start_build(struct engine *engine, uint32_t slot, uint32_t index)
{
	const struct farm_builder *builder =
		&engine->setup->farm->builders[engine->slots[slot].builder];
	double took_ms = (double)engine->trace->work_ms[index] / builder->speed;

	engine->slots[slot].row = index;
	engine->slots[slot].end_ms = engine->now_ms + llround(took_ms);
	heap_push(&engine->running, slot);
}

static void count_promise(struct engine *engine, int64_t start_by_ms)
{
	struct sim_result *result = engine->result;
	int64_t late_ms = engine->now_ms - start_by_ms;

	if (start_by_ms == FOREVER)
		return;
	result->n_promises++;
	if (late_ms <= 0) {
		result->n_kept++;
		return;
	}
	engine->late_ms += (double)late_ms;
	if (late_ms > result->late_max_ms)
		result->late_max_ms = late_ms;
}

static void start(struct engine *engine, const struct sim_start *start)
{
	const struct policy_class *class = engine->policy->class;
	struct sim_result *result = engine->result;
	struct rows *free_slots = &engine->free_slots[start->builder];
	uint32_t slot;

	assert(free_slots->n > 0);
	slot = free_slots->items[--free_slots->n];
	if (class->start_by != NULL)
		count_promise(engine, class->start_by(engine->policy, start->index));
	board_start(engine->board, start->index);
	start_build(engine, slot, start->index);
	result->builds[start->index] = (struct sim_build_result){
		.start_ms = engine->now_ms,
		.end_ms = engine->slots[slot].end_ms,
		.slot = slot,
		.is_promised = start->is_promised,
	};
	result->order[result->n_ran++] = start->index;
}

static void end(struct engine *engine, uint32_t slot)
{
	const struct policy_class *class = engine->policy->class;
	const struct slot *ended = &engine->slots[slot];
	const struct farm_builder *builder = &engine->setup->farm->builders[ended->builder];
	const struct row *row = &engine->trace->rows[ended->row];
	int64_t took_ms = engine->now_ms - engine->result->builds[ended->row].start_ms;
	struct estimate_sample sample = sample_of(key_of(row), took_ms, engine->now_ms);
	struct rows ready = { 0 };

	heap_remove(&engine->running, 0);
	rows_add(&engine->free_slots[ended->builder], slot);
	sample.builder = builder->name;
	sample.speed = builder->speed;
	learn(engine, &sample);
	board_end(engine->board, ended->row, &ready);
	class->ended(engine->policy, ended->row, took_ms, engine->now_ms);
	for (size_t i = 0; i < ready.n; i++)
		class->ready(engine->policy, ready.items[i], engine->now_ms);
	free(ready.items);
	estimate_again(engine, row->package_index);
}

/* ---- time ---- */

static int64_t next_end(const struct engine *engine)
{
	uint32_t slot = heap_top(&engine->running);

	return slot == HEAP_NOWHERE ? FOREVER : engine->slots[slot].end_ms;
}

static int64_t next_arrival(const struct engine *engine)
{
	return engine->n_come < engine->trace->n ? engine->trace->rows[engine->n_come].submit_ms
						 : FOREVER;
}

static void report(const struct engine *engine)
{
	const struct sim_setup *setup = engine->setup;

	if (setup->progress != NULL && engine->n_come % PROGRESS_EVERY == 0)
		setup->progress(setup->owner, engine->n_come, engine->trace->n);
}

/* All that happens at the next moment at which something does. False: nothing will any more. A
 * build may take no time at all, and end at the moment at which it starts. */
static bool step(struct engine *engine)
{
	int64_t end_ms = next_end(engine), come_ms = next_arrival(engine);
	struct sim_start chosen;

	engine->now_ms = end_ms < come_ms ? end_ms : come_ms;
	if (engine->now_ms == FOREVER)
		return false;
	while (next_end(engine) == engine->now_ms)
		end(engine, heap_top(&engine->running));
	while (next_arrival(engine) == engine->now_ms) {
		come(engine, (uint32_t)engine->n_come++);
		report(engine);
	}
	while (engine->policy->class->start(engine->policy, engine->now_ms, &chosen))
		start(engine, &chosen);
	return true;
}

/* ---- begin and end ---- */

static bool ends_before(const void *owner, uint32_t a, uint32_t b)
{
	const struct slot *slots = ((const struct engine *)owner)->slots;

	return slots[a].end_ms != slots[b].end_ms ? slots[a].end_ms < slots[b].end_ms
						  : slots[a].row < slots[b].row;
}

static void slot_moved(void *owner, uint32_t slot, uint32_t place)
{
	(void)owner;
	(void)slot;
	(void)place;
}

static void begin_slots(struct engine *engine)
{
	const struct farm *farm = engine->setup->farm;

	engine->slots = xcalloc(farm->n_slots, sizeof *engine->slots);
	engine->free_slots = xcalloc(farm->n, sizeof *engine->free_slots);
	engine->running =
		(struct heap){ .before = ends_before, .moved = slot_moved, .owner = engine };
	for (uint32_t i = 0; i < farm->n; i++) {
		const struct farm_builder *builder = &farm->builders[i];

		for (uint32_t k = builder->slots; k-- > 0;) {
			engine->slots[builder->first_slot + k].builder = i;
			rows_add(&engine->free_slots[i], builder->first_slot + k);
		}
	}
}

static void finish_slots(struct engine *engine)
{
	for (size_t i = 0; i < engine->setup->farm->n; i++)
		free(engine->free_slots[i].items);
	free(engine->free_slots);
	free(engine->slots);
	heap_finish(&engine->running);
}

static int check_builders(const struct trace *trace, const struct farm *farm, struct err *err)
{
	for (size_t i = 0; i < trace->n; i++)
		if (farm_fitting(farm, &trace->rows[i]) == 0)
			return err_set(err, CAPQ_EINVAL,
				"no builder can build %.60s: system '%.40s', features '%.60s'",
				trace->rows[i].id, trace->rows[i].system, trace->rows[i].features);
	return 0;
}

static void play(struct engine *engine)
{
	struct sim_result *result = engine->result;
	size_t n_late;

	engine->estimates = estimates_create();
	engine->board = board_create(engine->trace);
	begin_slots(engine);
	learn_past(engine);
	while (step(engine))
		;
	assert(board_n_waiting(engine->board) == 0);
	n_late = result->n_promises - result->n_kept;
	result->late_mean_ms = n_late > 0 ? engine->late_ms / (double)n_late : 0;
	finish_slots(engine);
	board_destroy(engine->board);
	estimates_destroy(engine->estimates);
}

int sim_run(const struct sim_setup *setup, struct sim_result *out, struct err *err)
{
	struct engine engine = { .setup = setup, .trace = setup->trace, .result = out };
	struct policy_setup policy_setup = { .farm = setup->farm, .knobs = setup->knobs->policy };
	int rv = check_builders(setup->trace, setup->farm, err);

	if (rv == 0)
		rv = setup->policy->create(setup->policy, &policy_setup, &engine.policy, err);
	if (rv < 0)
		return rv;
	*out = (struct sim_result){ .n = setup->trace->n };
	out->builds = xcalloc(out->n, sizeof *out->builds);
	out->order = xcalloc(out->n, sizeof *out->order);
	for (size_t i = 0; i < out->n; i++)
		out->builds[i] =
			(struct sim_build_result){ .start_ms = NEVER_RAN, .end_ms = NEVER_RAN };
	play(&engine);
	setup->policy->destroy(engine.policy);
	return 0;
}

void sim_result_finish(struct sim_result *result)
{
	free(result->builds);
	free(result->order);
	*result = (struct sim_result){ 0 };
}
