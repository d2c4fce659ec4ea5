/* The inside of the schedule, shared by the files of sched/ only:
 *
 *   schedule.c  builds come, change state and leave        graph.c   who needs whom
 *   builders.c  slots, and what of them a build may take    view.c    wishes travel down to needs
 *   queue.c     the ready builds in order, ageing           unlock.c  weights travel down to needs
 *   decide.c    the rules                                   share.c   who has used how much
 *   why.c       the rules, told to people                   long.c    what is a long build
 *   copy.c      a copy to play forward (forecast.c)         names.c   names as numbers */
#ifndef CAPQ_SCHED_NODE_H
#define CAPQ_SCHED_NODE_H

#include "lib/id_map.h"
#include "sched/heap.h"
#include "sched/long.h"
#include "sched/schedule.h"

#define SYSTEMS_MAX 32
#define FEATURES_MAX 64
#define NO_RUN UINT32_MAX
#define NEVER INT64_MAX

/* Edges as indices of nodes, unordered. */
struct edges {
	uint32_t *items;
	uint32_t n, capacity;
};

/* struct sched_want, packed: a million builds may wait. */
struct own_want {
	int64_t bumped_ms, since_ms, start_by_ms;
	float weight, cost_ms, chain_ms;
	uint32_t jobs;
	uint16_t submitter;
	bool is_held, is_leftover;
};

/* How much somebody wants a build, of them the most urgent: larger is more. */
enum rank {
	RANK_NOBODY,
	RANK_HELD,
	RANK_LEFTOVER,
	RANK_NORMAL,
};

/* What a build's own jobs and all that needs it ask of it: of each member the most urgent. */
struct view {
	int64_t bumped_ms;   /* 0: not bumped. */
	int64_t since_ms;    /* NEVER while nobody asks. */
	int64_t start_by_ms; /* NEVER: no promise. */
	uint16_t submitter;  /* Whose is the oldest wish. */
	uint8_t rank;
};

/* Which heap a node is in, of those that hold ready builds. */
enum where {
	WHERE_NONE,
	WHERE_LATER, /* READY, but not before some time. */
	WHERE_QUEUE, /* It may start: in the heaps of its kind, and ageing. */
};

struct node {
	int64_t id; /* 0: the place is free. */
	int64_t not_before_ms;
	int64_t unlocks; /* What waits for it, in units of unlock.c. */
	struct edges needs, dependents;
	struct own_want own;
	struct view view;
	float cost_ms, cost_sigma;
	float score;          /* With age, without the share: queue.c. */
	uint32_t kind, group; /* Index in sched.kinds, and there in groups. */
	uint32_t place;       /* In sched.later or in the group; HEAP_NOWHERE. */
	uint32_t promise_place, tick_place;
	uint32_t run;    /* Index in sched.runs while RUNNING. */
	uint32_t mark;   /* Of the last walk that came by, */
	uint32_t visit;  /* and how many it had found before. */
	uint8_t state;   /* enum sched_state */
	uint8_t where;   /* enum where */
	uint8_t level;   /* How often its score has doubled. */
	bool is_long;    /* As it stands in the queue. */
	bool is_counted; /* In the backlog. */
};

/* Ready builds of one submitter that the same builders can run, long or not. */
struct group {
	struct heap ready; /* By score. */
	uint16_t submitter;
	bool is_long;
};

/* Builds that the same builders can run. */
struct kind {
	enum sched_lane lane;
	uint32_t system;
	uint64_t features;
	struct group **groups;
	size_t n_groups, groups_capacity;
	struct heap promises[2]; /* The same builds by start_by: those that are not long, and those
				  * that are. */
	size_t n_ready;
};

/* Builds that were started together and share a slot. */
struct run {
	int64_t first; /* One of them. */
	int64_t started_ms;
	double cost_ms, cost_sigma; /* Of all together; on a builder of speed 1. */
	double charged_ms;          /* To its submitter: the estimate, in its builder's time. */
	uint32_t builder;
	enum sched_lane lane;
	enum sched_rule rule;
	uint32_t n; /* Still in it; 0: the place is free. */
	uint16_t submitter;
	bool is_long;
};

struct builder_slots {
	struct sched_builder spec; /* `name` is ours. */
	uint32_t running[SCHED_LANES];
};

/* Decayed use of slots. */
struct shares {
	double used_ms[SCHED_SUBMITTERS_MAX], total_ms;
	int64_t at_ms;
	uint64_t charges; /* So far. */
};

struct sched {
	struct node *nodes;
	size_t n_nodes, capacity; /* Places in use or free. */
	uint32_t *free_nodes;
	size_t n_free, free_capacity;
	struct id_map index; /* Build id -> node. */
	struct kind **kinds;
	size_t n_kinds, kinds_capacity;
	struct heap later; /* By not_before_ms. */
	struct heap ticks; /* By the time at which the score doubles. */
	struct run *runs;
	size_t n_runs, runs_capacity;
	struct builder_slots *builders;
	size_t n_builders, builders_capacity;
	char *systems[SYSTEMS_MAX], *features[FEATURES_MAX], *submitters[SCHED_SUBMITTERS_MAX];
	struct sched_batching batching;
	struct sched_policy policy;
	struct shares shares;
	struct long_builds long_builds;
	size_t n_wanted;    /* Nodes with a want of their own. */
	int64_t backlog_ms; /* Estimates of all that waits for a build slot and is wanted. */
	uint32_t *changed; /* Nodes whose view changed, and whose needs have still to hear of it. */
	size_t n_changed, changed_capacity;
	double rest_ms;     /* What runs is expected to take still, as of rest_at_ms. */
	int64_t rest_at_ms; /* NEVER: to be found anew. */
	int64_t now_ms;     /* The latest that we were told. */
	uint32_t walk;      /* Number of the last walk over the graph. */
};

/* ---- schedule.c ---- */
struct node *sched_node(const struct sched *s, int64_t build); /* NULL when it is unknown. */
uint32_t sched_index(const struct sched *s, const struct node *node);
void sched_pass_time(struct sched *s, int64_t now_ms);
void sched_forget(struct sched *s, struct node *node);

/* ---- graph.c ---- */
void graph_add_edge(struct sched *s, uint32_t dependent, uint32_t need);
void graph_drop_edges(struct sched *s, uint32_t index);
/* The nodes that `from` leads to, itself first, by needs or by dependents. The caller frees. */
uint32_t *graph_reach(struct sched *s, uint32_t from, bool by_needs, size_t *out_n);

/* The cost of a node and of the longest chain below it. */
double graph_chain_ms(struct sched *s, uint32_t from);

/* ---- view.c ---- */
void view_begin(struct node *node);
/* What a node's own want or a dependent asks of it may have changed: find out, and tell its needs.
 */
void view_changed(struct sched *s, uint32_t index);
/* The same when it costs more or less: it must start earlier, or need not. */
void view_cost_changed(struct sched *s, uint32_t index);
/* The same when it can only have become more, by `dependent`. */
void view_gained(struct sched *s, uint32_t index, uint32_t dependent);

/* ---- unlock.c ---- */
/* A wanted build's weight is added to all below it, or taken away. */
void unlock_add(struct sched *s, uint32_t index);
void unlock_remove(struct sched *s, uint32_t index);
double unlock_weight(const struct node *node); /* What waits for it, as a weight like its own. */

/* ---- queue.c ---- */
void queue_begin(struct sched *s);
void queue_begin_kind(struct sched *s, struct kind *kind);
/* Put a node where its state, its time and what is asked of it put it; its score may have changed.
 */
void queue_settle(struct sched *s, struct node *node);
void queue_wake(struct sched *s); /* What is due by now_ms is queued, what has aged moves up. */
void queue_sweep_long(struct sched *s); /* What is long became longer. */
bool queue_is_before(const struct sched *s, uint32_t a, uint32_t b); /* By bump, class, score. */
bool queue_is_promised_before(const struct sched *s, uint32_t a, uint32_t b);
double queue_score(const struct sched *s, const struct node *node); /* With the share. */
bool queue_is_long(const struct sched *s, const struct node *node);
int64_t queue_next_tick(const struct node *node);
/* What ages it, never less than a minute: the chain that was asked for; its own cost when it is
 * only needed. */
double queue_chain_ms(const struct node *node);
double queue_own_weight(const struct node *node); /* `own` of score.h. */

/* ---- builders.c ---- */
/* What a kind of builds finds free. */
struct pool {
	const struct builder_slots *builder; /* The one to take; NULL: no slot is free. */
	uint32_t n_free, n_slots;
	uint32_t n_long, long_max; /* Slots that long builds hold, and may hold. */
	uint32_t n_promised, promised_max;
};

void pool_look(const struct sched *s, const struct kind *kind, struct pool *out);
/* One more long build may start, in a free slot. */
bool pool_takes_long(const struct pool *pool);
bool builder_fits(const struct builder_slots *b, const struct kind *kind);
double builder_speed(const struct builder_slots *b);
uint32_t builders_slots(const struct sched *s); /* All build slots. */
/* True while a run counts as a long build. */
bool run_is_long(const struct sched *s, const struct run *run);
/* How much longer a run is expected to take, in ms of its builder. */
double run_rest_ms(const struct sched *s, const struct run *run);
/* The same without looking at the spread: every promise asks for it. */
double run_rest_roughly_ms(const struct sched *s, const struct run *run);
void run_begin(struct sched *s, const struct sched_decision *decision);
void run_leave(struct sched *s, struct node *node); /* The last one frees the slot. */

/* ---- share.c ---- */
void share_charge(struct sched *s, uint16_t submitter, double ms);
double share_of(const struct sched *s, uint16_t submitter);
double share_factor(const struct sched *s, uint16_t submitter); /* 0 < f <= 1: what scores get. */

#endif
