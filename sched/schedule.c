#include "sched/schedule.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/node.h"
#include "sched/order.h"

/* ---- names as numbers ---- */

static int intern(char **names, uint32_t max, const char *name, size_t len, uint32_t *out)
{
	for (uint32_t i = 0; i < max; i++) {
		if (names[i] == NULL)
			names[i] = xstrndup(name, len);
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
			*out = i;
			return 0;
		}
	}
	return CAPQ_ETOOBIG;
}

int sched_system(struct sched *s, const char *name, uint32_t *out, struct err *err)
{
	if (intern(s->systems, SYSTEMS_MAX, name, strlen(name), out) < 0)
		return err_set(err, CAPQ_ETOOBIG, "more than %d different systems", SYSTEMS_MAX);
	return 0;
}

int sched_features(struct sched *s, const char *names, uint64_t *out, struct err *err)
{
	uint64_t bits = 0;

	for (const char *p = names; *p != '\0';) {
		size_t len = strcspn(p, " \t\n");
		uint32_t bit = 0;

		if (len > 0 && intern(s->features, FEATURES_MAX, p, len, &bit) < 0)
			return err_set(err, CAPQ_ETOOBIG, "more than %d different system features",
				FEATURES_MAX);
		if (len > 0)
			bits |= UINT64_C(1) << bit;
		p += len + (p[len] != '\0');
	}
	*out = bits;
	return 0;
}

/* ---- nodes and heaps ---- */

struct node *sched_node(const struct sched *s, int64_t build)
{
	uint32_t index = id_map_get(&s->index, build);

	return index == ID_MAP_NONE ? NULL : &s->nodes[index];
}

uint32_t sched_index(const struct sched *s, const struct node *node)
{
	return (uint32_t)(node - s->nodes);
}

static void set_place(void *owner, uint32_t item, uint32_t place)
{
	struct sched *s = owner;

	s->nodes[item].place = place;
}

/* Leftovers behind all others; then the order of wants; then the lower id. */
static bool starts_before(const void *owner, uint32_t a, uint32_t b)
{
	const struct sched *s = owner;
	const struct node *x = &s->nodes[a], *y = &s->nodes[b];
	int c;

	if (x->class != y->class)
		return x->class < y->class;
	c = order_compare_wants(&x->want, &y->want);
	return c != 0 ? c < 0 : x->id < y->id;
}

static bool is_due_before(const void *owner, uint32_t a, uint32_t b)
{
	const struct sched *s = owner;
	const struct node *x = &s->nodes[a], *y = &s->nodes[b];

	return x->not_before_ms != y->not_before_ms ? x->not_before_ms < y->not_before_ms
						    : x->id < y->id;
}

static struct heap *heap_of(struct sched *s, const struct node *node)
{
	return node->is_later ? &s->later : &s->kinds[node->kind]->ready;
}

void sched_settle(struct sched *s, struct node *node)
{
	bool is_ready = node->state == SCHED_READY;
	bool later = is_ready && node->not_before_ms > s->now_ms;
	bool now = is_ready && !later && node->want.jobs > 0 && !node->want.is_held;
	bool is_in = node->place != HEAP_NOWHERE;

	if (is_in && (node->is_later != later || !(later || now))) {
		heap_remove(heap_of(s, node), node->place);
		is_in = false;
	}
	node->is_later = later;
	if (is_in)
		heap_changed(heap_of(s, node), node->place);
	else if (later || now)
		heap_push(heap_of(s, node), sched_index(s, node));
}

static uint32_t kind_of(struct sched *s, const struct sched_build *build)
{
	struct kind *kind;

	for (size_t i = 0; i < s->n_kinds; i++)
		if (s->kinds[i]->lane == build->lane && s->kinds[i]->system == build->system &&
			s->kinds[i]->features == build->features)
			return (uint32_t)i;
	kind = xcalloc(1, sizeof *kind);
	kind->lane = build->lane;
	kind->system = build->system;
	kind->features = build->features;
	kind->ready = (struct heap){ .before = starts_before, .moved = set_place, .owner = s };
	array_reserve(&s->kinds, &s->kinds_capacity, s->n_kinds + 1, sizeof *s->kinds);
	s->kinds[s->n_kinds] = kind;
	return (uint32_t)s->n_kinds++;
}

static uint32_t new_node(struct sched *s)
{
	if (s->n_free > 0)
		return s->free_nodes[--s->n_free];
	array_reserve(&s->nodes, &s->capacity, s->n_nodes + 1, sizeof *s->nodes);
	return (uint32_t)s->n_nodes++;
}

struct sched *sched_create(void)
{
	struct sched *s = xcalloc(1, sizeof *s);

	s->later = (struct heap){ .before = is_due_before, .moved = set_place, .owner = s };
	s->batching.max = 1;
	return s;
}

void sched_destroy(struct sched *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_nodes; i++) {
		free(s->nodes[i].needs.items);
		free(s->nodes[i].dependents.items);
	}
	for (size_t i = 0; i < s->n_kinds; i++) {
		heap_finish(&s->kinds[i]->ready);
		free(s->kinds[i]);
	}
	for (size_t i = 0; i < s->n_builders; i++)
		free((char *)s->builders[i].spec.name);
	for (size_t i = 0; i < SYSTEMS_MAX; i++)
		free(s->systems[i]);
	for (size_t i = 0; i < FEATURES_MAX; i++)
		free(s->features[i]);
	heap_finish(&s->later);
	id_map_finish(&s->index);
	free(s->nodes);
	free(s->free_nodes);
	free(s->kinds);
	free(s->runs);
	free(s->builders);
	free(s->changes);
	free(s);
}

/* ---- builders ---- */

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
}

void sched_set_batching(struct sched *s, struct sched_batching batching)
{
	s->batching = batching;
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

bool sched_has_builder(const struct sched *s, uint32_t system, uint64_t features)
{
	struct kind kind = { .system = system, .features = features };

	for (size_t i = 0; i < s->n_builders; i++)
		if (builder_fits(&s->builders[i], &kind))
			return true;
	return false;
}

/* ---- what happens to builds ---- */

void sched_add(struct sched *s, const struct sched_build *build, const int64_t *needs, size_t n)
{
	uint32_t index;
	struct node *node;

	assert(build->id > 0 && sched_node(s, build->id) == NULL);
	index = new_node(s);
	node = &s->nodes[index];
	memset(node, 0, sizeof *node);
	node->id = build->id;
	node->kind = kind_of(s, build);
	node->class = (uint8_t)build->class;
	node->cost_ms = build->cost_ms;
	node->cost_sigma = build->cost_sigma;
	node->place = HEAP_NOWHERE;
	node->run = NO_RUN;
	id_map_set(&s->index, build->id, index);
	for (size_t i = 0; i < n; i++) {
		uint32_t need = id_map_get(&s->index, needs[i]);

		if (need != ID_MAP_NONE && need != index)
			sched_add_edge(s, index, need);
	}
	s->nodes[index].state = s->nodes[index].needs.n > 0 ? SCHED_BLOCKED : SCHED_OPEN;
}

void sched_set_want(struct sched *s, int64_t build, const struct want *want)
{
	struct node *node = sched_node(s, build);

	if (node != NULL)
		sched_want_changed(s, sched_index(s, node), want);
}

bool sched_is_wanted(const struct sched *s, int64_t build)
{
	const struct node *node = sched_node(s, build);

	return node != NULL && node->want.jobs > 0;
}

const struct want *sched_want(const struct sched *s, int64_t build)
{
	return &sched_node(s, build)->want;
}

void sched_set_ready(struct sched *s, int64_t build, int64_t not_before_ms)
{
	struct node *node = sched_node(s, build);

	assert(node->state == SCHED_OPEN);
	node->state = SCHED_READY;
	node->not_before_ms = not_before_ms;
	sched_settle(s, node);
}

void sched_set_cost(struct sched *s, int64_t build, double cost_ms, double cost_sigma)
{
	struct node *node = sched_node(s, build);

	node->cost_ms = cost_ms;
	node->cost_sigma = cost_sigma;
}

/* The node leaves its run; the last one frees the slot. */
static void leave_run(struct sched *s, struct node *node)
{
	struct run *run;

	if (node->run == NO_RUN)
		return;
	run = &s->runs[node->run];
	if (--run->n == 0)
		s->builders[run->builder].running[run->lane]--;
	node->run = NO_RUN;
}

void sched_requeue(struct sched *s, int64_t build)
{
	struct node *node = sched_node(s, build);

	leave_run(s, node);
	node->state = node->needs.n > 0 ? SCHED_BLOCKED : SCHED_OPEN;
	node->not_before_ms = 0;
	sched_settle(s, node);
}

void sched_forget(struct sched *s, struct node *node)
{
	uint32_t index = sched_index(s, node);

	leave_run(s, node);
	node->state = SCHED_UNKNOWN;
	sched_settle(s, node);
	sched_drop_edges(s, index);
	id_map_remove(&s->index, node->id);
	node->id = 0;
	array_reserve(&s->free_nodes, &s->free_capacity, s->n_free + 1, sizeof *s->free_nodes);
	s->free_nodes[s->n_free++] = index;
}

void sched_built(struct sched *s, int64_t build, void (*on_open)(void *, int64_t), void *owner)
{
	struct node *node = sched_node(s, build);
	size_t n = node->dependents.n;
	cleanup_free int64_t *dependents = xcalloc(n, sizeof *dependents);

	for (size_t i = 0; i < n; i++)
		dependents[i] = s->nodes[node->dependents.items[i]].id;
	sched_forget(s, node);
	for (size_t i = 0; i < n; i++) {
		struct node *other = sched_node(s, dependents[i]);

		if (other->needs.n == 0 && other->state == SCHED_BLOCKED) {
			other->state = SCHED_OPEN;
			on_open(owner, dependents[i]);
		}
	}
}

enum sched_state sched_state(const struct sched *s, int64_t build)
{
	const struct node *node = sched_node(s, build);

	return node == NULL ? SCHED_UNKNOWN : (enum sched_state)node->state;
}

size_t sched_needs_left(const struct sched *s, int64_t build)
{
	const struct node *node = sched_node(s, build);

	return node == NULL ? 0 : node->needs.n;
}

size_t sched_n(const struct sched *s)
{
	return s->n_nodes - s->n_free;
}

/* ---- decisions ---- */

static uint32_t free_slots(const struct builder_slots *b, enum sched_lane lane)
{
	return b->spec.slots[lane] > b->running[lane] ? b->spec.slots[lane] - b->running[lane] : 0;
}

/* The fitting builder with a free slot that is least loaded for its speed; then the first one.
 * `*out_free` counts the free slots of all that fit. */
static const struct builder_slots *pick_builder(
	const struct sched *s, const struct kind *kind, uint32_t *out_free)
{
	const struct builder_slots *best = NULL;
	double best_load = INFINITY;

	*out_free = 0;
	for (size_t i = 0; i < s->n_builders; i++) {
		const struct builder_slots *b = &s->builders[i];
		double speed = b->spec.speed > 0 ? b->spec.speed : 1;
		double load = (b->running[kind->lane] + 1) / speed;

		if (!builder_fits(b, kind) || free_slots(b, kind->lane) == 0)
			continue;
		*out_free += free_slots(b, kind->lane);
		if (load < best_load) {
			best = b;
			best_load = load;
		}
	}
	return best;
}

static void wake_due(struct sched *s)
{
	uint32_t top;

	while ((top = heap_top(&s->later)) != HEAP_NOWHERE &&
		s->nodes[top].not_before_ms <= s->now_ms)
		sched_settle(s, &s->nodes[top]);
}

static bool is_cheap(const struct sched *s, const struct node *node)
{
	return node->cost_ms > 0 && node->cost_ms < s->batching.cost_ms;
}

/* Fill the decision with the head of `kind` and, when that is cheap, with the cheap ones behind it:
 * as many as leave the other free slots their share. They are taken out of the heap to see what
 * follows, and put back: a decision changes nothing. */
static void take_batch(
	struct sched *s, struct kind *kind, uint32_t n_free, struct sched_decision *out)
{
	uint32_t taken[SCHED_BATCH_MAX];
	size_t share, max;
	uint32_t top;

	assert(n_free > 0);
	share = (kind->ready.n + n_free - 1) / n_free;
	max = share < s->batching.max ? share : s->batching.max;
	while ((top = heap_top(&kind->ready)) != HEAP_NOWHERE) {
		if (out->n > 0 && (out->n >= max || !is_cheap(s, &s->nodes[top])))
			break;
		heap_remove(&kind->ready, 0);
		taken[out->n] = top;
		out->builds[out->n++] = s->nodes[top].id;
		if (!is_cheap(s, &s->nodes[top]))
			break;
	}
	for (size_t i = 0; i < out->n; i++)
		heap_push(&kind->ready, taken[i]);
}

/* The ready build that is next among those whose kind a free slot fits, `skip` aside. */
static struct kind *best_kind(struct sched *s, const struct kind *skip,
	const struct builder_slots **out_builder, uint32_t *out_free)
{
	struct kind *best = NULL;

	for (size_t i = 0; i < s->n_kinds; i++) {
		struct kind *kind = s->kinds[i];
		const struct builder_slots *builder;
		uint32_t n_free;

		if (kind == skip || kind->ready.n == 0)
			continue;
		if (best != NULL &&
			!starts_before(s, heap_top(&kind->ready), heap_top(&best->ready)))
			continue;
		builder = pick_builder(s, kind, &n_free);
		if (builder == NULL)
			continue;
		best = kind;
		*out_builder = builder;
		*out_free = n_free;
	}
	return best;
}

static int64_t runner_up(struct sched *s, struct kind *kind, const struct sched_decision *decision)
{
	const struct builder_slots *builder;
	uint32_t n_free, top;
	struct kind *other = best_kind(s, kind, &builder, &n_free);
	int64_t id = 0;
	uint32_t taken[SCHED_BATCH_MAX];
	size_t n = 0;

	for (; n < decision->n; n++) {
		taken[n] = heap_top(&kind->ready);
		heap_remove(&kind->ready, 0);
	}
	top = heap_top(&kind->ready);
	if (top != HEAP_NOWHERE)
		id = s->nodes[top].id;
	if (other != NULL &&
		(top == HEAP_NOWHERE || starts_before(s, heap_top(&other->ready), top)))
		id = s->nodes[heap_top(&other->ready)].id;
	while (n > 0)
		heap_push(&kind->ready, taken[--n]);
	return id;
}

void sched_decide(struct sched *s, int64_t now_ms, struct sched_decision *out)
{
	const struct builder_slots *builder = NULL;
	uint32_t n_free = 0, later;
	struct kind *kind;

	memset(out, 0, sizeof *out);
	if (now_ms > s->now_ms)
		s->now_ms = now_ms;
	wake_due(s);
	kind = best_kind(s, NULL, &builder, &n_free);
	if (kind == NULL) {
		later = heap_top(&s->later);
		out->ask_again_ms =
			later == HEAP_NOWHERE ? INT64_MAX : s->nodes[later].not_before_ms;
		return;
	}
	take_batch(s, kind, n_free, out);
	out->builder = (uint32_t)(builder - s->builders);
	out->lane = kind->lane;
	out->rule = sched_node(s, out->builds[0])->want.bumped_ms > 0 ? SCHED_RULE_BUMPED
								      : SCHED_RULE_FIRST_COME;
	out->runner_up = runner_up(s, kind, out);
}

static uint32_t new_run(struct sched *s)
{
	for (size_t i = 0; i < s->n_runs; i++)
		if (s->runs[i].n == 0)
			return (uint32_t)i;
	array_reserve(&s->runs, &s->runs_capacity, s->n_runs + 1, sizeof *s->runs);
	return (uint32_t)s->n_runs++;
}

void sched_started(struct sched *s, const struct sched_decision *decision, int64_t now_ms)
{
	uint32_t run = new_run(s);

	if (now_ms > s->now_ms)
		s->now_ms = now_ms;
	s->runs[run] = (struct run){
		.builder = decision->builder, .lane = decision->lane, .n = (uint32_t)decision->n
	};
	s->builders[decision->builder].running[decision->lane]++;
	for (size_t i = 0; i < decision->n; i++) {
		struct node *node = sched_node(s, decision->builds[i]);

		assert(node->state == SCHED_READY);
		node->state = SCHED_RUNNING;
		node->run = run;
		sched_settle(s, node);
	}
}
