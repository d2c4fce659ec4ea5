/* The graph of derivations below some targets, and what of it has to be built.
 *
 * Reading is for a worker thread (it reads thousands of files); everything else is quick and pure.
 * The order of use:
 *
 *   graph_read()       every .drv below the targets
 *   graph_mark_valid() for each output that is in the store
 *   then, from the top down:
 *     graph_next_level()   which outputs matter next and are not valid
 *     graph_mark_cached()  for each of those that a substituter has
 *   graph_settle()     what is built, what rides along, what is fetched
 */
#ifndef CAPQ_DAEMON_PIPELINE_GRAPH_H
#define CAPQ_DAEMON_PIPELINE_GRAPH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/str_map.h"

struct graph_output {
	const char *name, *path;
	bool is_valid;             /* In the store. */
	bool is_cached;            /* Not in the store, but a substituter has it. */
	bool is_wanted;            /* Of a target, or an input of something that is built. */
	bool is_asked;             /* graph_next_level() has named it. */
	struct graph_output *twin; /* The next output with the same path: two downloads of one thing
				    * may differ as derivations. NULL behind the last. */
};

/* That a derivation needs outputs of another. */
struct graph_edge {
	uint32_t drv;     /* Index in the graph. */
	uint64_t outputs; /* A bit for each of its outputs, in its own order. */
};

enum graph_role {
	GRAPH_LEAVE, /* Nothing of it has to be made. */
	GRAPH_BUILD, /* It becomes a build. */
	GRAPH_RIDE,  /* The one build that needs it builds it along. */
};

struct graph_drv {
	const char *path;
	const char *name;    /* Of the store path, without ".drv": "torch-2.5.1". */
	const char *package; /* "torch": what costs are learned by. */
	const char *system;
	const char *features; /* Required system features, separated by blanks; "" for none. */
	struct graph_output *outputs;
	struct graph_edge *inputs;
	uint32_t n_outputs, n_inputs;
	bool is_fixed; /* Its output's hash is known beforehand: it downloads. */
	bool is_target;
	bool is_done;    /* A target that our cache has: nothing begins from it. */
	bool is_missing; /* A wanted output is neither valid nor cached: it has to be made. */
	bool must_build; /* It cannot ride along: set by who knows of other builds that need it. */
	enum graph_role role; /* Set by graph_settle(), as are the next two. */
	uint32_t owner;       /* GRAPH_RIDE: the build that it rides with. */
	uint32_t mark;        /* Of the last walk that came by. */
};

struct graph {
	struct graph_drv *drvs;
	size_t n, capacity;
	struct str_map by_path;   /* Derivations. */
	struct str_map by_output; /* Output path -> derivation. */
	uint32_t *targets;        /* In the order in which they were given. */
	size_t n_targets;
	uint32_t *order; /* The missing ones, needs first. Set by graph_settle(). */
	size_t n_order;
	uint32_t *level; /* Where graph_next_level() goes on. */
	size_t n_level, level_capacity;
	bool is_walking;
	uint32_t walk;              /* Number of the last walk. */
	struct graph_chunk *chunks; /* All strings, outputs and edges lie in these. */
};

struct graph *graph_create(void);
void graph_destroy(struct graph *graph); /* NULL is harmless. */

/* Read the derivations `targets` and all below them, at most `max`. Stops early, with CAPQ_EBUSY,
 * once
 * `*cancelled` is set. CAPQ_ENOTFOUND when a file is gone (collected), CAPQ_ETOOBIG over `max`. */
int graph_read(struct graph *graph, const char *const *targets, size_t n, size_t max,
	const atomic_bool *cancelled, struct err *err);

/* Call `each` for every output of every derivation. */
void graph_each_output(
	struct graph *graph, void (*each)(void *owner, struct graph_output *output), void *owner);

/* The first output at `path`, others behind its `twin`; NULL when there is none. */
struct graph_output *graph_output(const struct graph *graph, const char *path);

/* Go one level down: call `ask` for every output that is wanted by now, is not valid, and was not
 * asked for before; the caller sets is_cached of those that a substituter has before the next call.
 * The first level is the targets that are not done. False when nothing was asked: the walk is over,
 * and every is_missing is set. */
bool graph_next_level(
	struct graph *graph, void (*ask)(void *owner, struct graph_output *output), void *owner);

/* Decide the roles. `is_cheap` says whether a derivation is known to take little. A missing one
 * that exactly one build needs, that is no target and not `must_build`, and that is cheap or a
 * download, rides along. May be called again after setting `must_build` of more. */
void graph_settle(struct graph *graph, bool (*is_cheap)(void *owner, const struct graph_drv *drv),
	void *owner);

/* How many derivations have to be made for this one, itself included; 0 when it is not missing. */
size_t graph_count_missing(struct graph *graph, uint32_t drv);

/* For a build: call `each` for the builds that it needs, those of its ride-alongs included, once
 * each. */
void graph_each_need(
	struct graph *graph, uint32_t build, void (*each)(void *owner, uint32_t need), void *owner);

/* For a build: call `each` for its ride-alongs, once each. */
void graph_each_ride(
	struct graph *graph, uint32_t build, void (*each)(void *owner, uint32_t ride), void *owner);

/* For a build: call `each` for the paths that have to be fetched for it or its ride-alongs. One may
 * come more than once. */
void graph_each_fetch(struct graph *graph, uint32_t build,
	void (*each)(void *owner, const char *path), void *owner);

/* Call `each` for the valid paths that what is missing needs, and for the valid outputs of targets:
 * what must not be collected. One may come more than once. */
void graph_each_valid_input(
	struct graph *graph, void (*each)(void *owner, const char *path), void *owner);

/* The outputs of a derivation as a JSON object, name -> path. The caller frees. */
char *graph_outputs_json(const struct graph_drv *drv);

#endif
