/* The inside of the schedule, shared by the files of sched/ only. */
#ifndef CAPQ_SCHED_NODE_H
#define CAPQ_SCHED_NODE_H

#include "lib/id_map.h"
#include "sched/heap.h"
#include "sched/schedule.h"

#define SYSTEMS_MAX 32
#define FEATURES_MAX 64
#define NO_RUN UINT32_MAX

/* Edges as indices of nodes, unordered. */
struct edges {
	uint32_t *items;
	uint32_t n, capacity;
};

struct node {
	int64_t id; /* 0: the place is free. */
	int64_t not_before_ms;
	double cost_ms, cost_sigma;
	struct edges needs, dependents;
	struct want own;    /* Of the jobs that want this very build; jobs == 0: none. */
	struct want want;   /* The best of `own` and of the dependents' `want`. */
	uint32_t providers; /* How many of those equal `want`; when none is left it is searched
			     * for anew. */
	uint32_t kind;      /* Index in sched.kinds. */
	uint32_t place;     /* In the heap that it is in; HEAP_NOWHERE. */
	uint32_t run;       /* Index in sched.runs while RUNNING. */
	uint32_t mark;      /* Of the last walk that came by. */
	uint8_t state;      /* enum sched_state */
	uint8_t class;      /* enum sched_class */
	bool is_later;      /* It is in sched.later, not in its kind's heap. */
};

/* Ready builds that the same builders can run. */
struct kind {
	enum sched_lane lane;
	uint32_t system;
	uint64_t features;
	struct heap ready; /* Of those that are wanted and due. */
};

/* Builds that were started together and share a slot. */
struct run {
	uint32_t builder;
	enum sched_lane lane;
	uint32_t n; /* Still in it; 0: the place is free. */
};

struct builder_slots {
	struct sched_builder spec; /* `name` is ours. */
	uint32_t running[SCHED_LANES];
};

/* A change of somebody's want that what it needs has still to hear of. */
struct want_change {
	uint32_t node;
	struct want before, after;
};

struct sched {
	struct node *nodes;
	size_t n_nodes, capacity; /* Places in use or free. */
	uint32_t *free_nodes;
	size_t n_free, free_capacity;
	struct id_map index; /* Build id -> node. */
	struct kind **kinds;
	size_t n_kinds, kinds_capacity;
	struct heap later; /* READY, but not before some time. */
	struct run *runs;
	size_t n_runs, runs_capacity;
	struct builder_slots *builders;
	size_t n_builders, builders_capacity;
	char *systems[SYSTEMS_MAX], *features[FEATURES_MAX];
	struct sched_batching batching;
	struct want_change *changes;
	size_t n_changes, changes_capacity;
	int64_t now_ms; /* The latest that we were told. */
	uint32_t walk;  /* Number of the last walk over the graph. */
};

/* The node of a build; NULL when it is unknown. */
struct node *sched_node(const struct sched *s, int64_t build);
uint32_t sched_index(const struct sched *s, const struct node *node);

/* Put the node into the heap that its state, its time and its want put it into. */
void sched_settle(struct sched *s, struct node *node);

/* The want of a node changed, or edges did: tell what it needs (graph.c). */
void sched_want_changed(struct sched *s, uint32_t index, const struct want *after);
void sched_add_edge(struct sched *s, uint32_t dependent, uint32_t need);
void sched_drop_edges(struct sched *s, uint32_t index);

/* The node leaves the schedule (schedule.c). */
void sched_forget(struct sched *s, struct node *node);

bool builder_fits(const struct builder_slots *b, const struct kind *kind);

#endif
