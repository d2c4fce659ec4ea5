#include "daemon/pipeline/graph.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/drv.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/store_path.h"

/* ---- memory: one piece after the other, freed all at once ---- */

#define CHUNK_SIZE (256u << 10)

struct graph_chunk {
	struct graph_chunk *next;
	size_t used, size;
	_Alignas(max_align_t) char bytes[];
};

static void *allocate(struct graph *g, size_t size)
{
	struct graph_chunk *chunk = g->chunks;
	void *at;

	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (chunk == NULL || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		chunk = xmalloc(sizeof *chunk + room);
		chunk->next = g->chunks;
		chunk->used = 0;
		chunk->size = room;
		g->chunks = chunk;
	}
	at = chunk->bytes + chunk->used;
	chunk->used += size;
	return at;
}

static const char *keep_text(struct graph *g, const char *text, size_t len)
{
	char *copy = allocate(g, len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

struct graph *graph_create(void)
{
	return xcalloc(1, sizeof(struct graph));
}

void graph_destroy(struct graph *g)
{
	if (g == NULL)
		return;
	while (g->chunks != NULL) {
		struct graph_chunk *next = g->chunks->next;

		free(g->chunks);
		g->chunks = next;
	}
	str_map_finish(&g->by_path);
	str_map_finish(&g->by_output);
	free(g->drvs);
	free(g->targets);
	free(g->order);
	free(g->level);
	free(g);
}

/* ---- reading ---- */

static int read_file(const char *path, char **out, size_t *out_len, struct err *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_free char *text = NULL;
	struct stat st;
	size_t done = 0;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_errno(err, errno, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)DRV_SIZE_MAX)
		return err_set(
			err, CAPQ_ETOOBIG, "%s: no file of at most %u bytes", path, DRV_SIZE_MAX);
	text = xmalloc((size_t)st.st_size + 1);
	while (done < (size_t)st.st_size) {
		ssize_t n = read(fd, text + done, (size_t)st.st_size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(err, n < 0 ? errno : EIO, "%s", path);
		done += (size_t)n;
	}
	text[done] = '\0';
	*out_len = done;
	*out = STEAL_POINTER(text);
	return 0;
}

/* The node of the derivation at `path`, which is made when it is new; it is read later. */
static uint32_t find_or_add(struct graph *g, const char *path)
{
	uint32_t index = str_map_get(&g->by_path, path);
	struct graph_drv *drv;

	if (index != STR_MAP_NONE)
		return index;
	array_reserve(&g->drvs, &g->capacity, g->n + 1, sizeof *g->drvs);
	index = (uint32_t)g->n++;
	drv = &g->drvs[index];
	memset(drv, 0, sizeof *drv);
	drv->path = keep_text(g, path, strlen(path));
	str_map_set(&g->by_path, drv->path, index);
	return index;
}

/* Structured attributes hold a JSON array of features; all others a text. */
static const char *features_of(struct graph *g, const struct drv *drv)
{
	cleanup_json struct json *json = NULL;
	cleanup_str struct str text = { 0 };

	if (drv->features != NULL)
		return keep_text(g, drv->features, strlen(drv->features));
	if (drv->json == NULL || json_parse(drv->json, strlen(drv->json), &json, NULL) < 0)
		return "";
	for (const struct json *v = json_first(json_get(json, "requiredSystemFeatures")); v != NULL;
		v = json_next(v))
		if (json_text(v) != NULL)
			str_addf(&text, "%s%s", text.len > 0 ? " " : "", json_text(v));
	return keep_text(g, str_text(&text), text.len);
}

static const char *package_of(struct graph *g, const struct drv *drv, const char *name)
{
	cleanup_json struct json *json = NULL;
	char package[STORE_PATH_MAX];
	const char *pname = drv->pname;

	if (pname == NULL && drv->json != NULL &&
		json_parse(drv->json, strlen(drv->json), &json, NULL) == 0)
		pname = json_text(json_get(json, "pname"));
	if (pname != NULL && pname[0] != '\0')
		return keep_text(g, pname, strlen(pname));
	store_path_package(name, package, sizeof package);
	return keep_text(g, package, strlen(package));
}

static void take_outputs(struct graph *g, uint32_t index, const struct drv *drv)
{
	struct graph_output *outputs = allocate(g, drv->n_outputs * sizeof *outputs), *twin;

	memset(outputs, 0, drv->n_outputs * sizeof *outputs);
	for (size_t i = 0; i < drv->n_outputs; i++) {
		outputs[i].name = keep_text(g, drv->outputs[i].name, strlen(drv->outputs[i].name));
		outputs[i].path = keep_text(g, drv->outputs[i].path, strlen(drv->outputs[i].path));
		twin = graph_output(g, outputs[i].path);
		if (twin == NULL) {
			str_map_set(&g->by_output, outputs[i].path, index);
		} else {
			outputs[i].twin = twin->twin;
			twin->twin = &outputs[i];
		}
	}
	g->drvs[index].outputs = outputs;
	g->drvs[index].n_outputs = (uint32_t)drv->n_outputs;
}

/* Read the file of node `index` and add nodes for what it needs. Which outputs it names cannot be
 * turned into bits before those are read; their names are kept until then, in `names`. */
static int read_drv(struct graph *g, uint32_t index, const char ***names, struct err *err)
{
	const char *path = g->drvs[index].path;
	cleanup_free char *text = NULL;
	struct graph_edge *inputs;
	struct graph_drv *node;
	const char **input_names;
	struct drv drv;
	size_t len = 0;
	int rv = read_file(path, &text, &len, err);

	if (rv < 0)
		return rv;
	rv = drv_parse(text, len, &drv, err);
	if (rv < 0)
		return err_wrap(err, "%s", path);
	take_outputs(g, index, &drv);
	inputs = allocate(g, drv.n_inputs * sizeof *inputs);
	input_names = allocate(g, drv.n_inputs * sizeof *input_names);
	for (size_t i = 0; i < drv.n_inputs; i++) {
		const char *p = drv.inputs[i].outputs, *end = p;

		while (*end != '\0')
			end += strlen(end) + 1;
		input_names[i] = keep_text(g, p, (size_t)(end - p) + 1);
		inputs[i] = (struct graph_edge){ .drv = find_or_add(g, drv.inputs[i].path) };
	}
	names[index] = input_names;
	node = &g->drvs[index];
	node->inputs = inputs;
	node->n_inputs = (uint32_t)drv.n_inputs;
	node->name = keep_text(g, store_path_name(path), strlen(store_path_name(path)) - 4);
	node->package = package_of(g, &drv, node->name);
	node->system = keep_text(g, drv.system, strlen(drv.system));
	node->features = features_of(g, &drv);
	node->is_fixed = drv.is_fixed;
	drv_finish(&drv);
	return 0;
}

static int name_edges(struct graph *g, const char *const *const *names, struct err *err)
{
	for (size_t i = 0; i < g->n; i++) {
		for (uint32_t k = 0; k < g->drvs[i].n_inputs; k++) {
			struct graph_edge *edge = &g->drvs[i].inputs[k];
			const struct graph_drv *input = &g->drvs[edge->drv];

			for (const char *p = names[i][k]; *p != '\0'; p += strlen(p) + 1)
				for (uint32_t o = 0; o < input->n_outputs; o++)
					if (strcmp(input->outputs[o].name, p) == 0)
						edge->outputs |= UINT64_C(1) << o;
			if (edge->outputs == 0)
				return err_set(err, CAPQ_EINVAL, "%s needs outputs that %s has not",
					g->drvs[i].path, input->path);
		}
	}
	return 0;
}

int graph_read(struct graph *g, const char *const *targets, size_t n, size_t max,
	const atomic_bool *cancelled, struct err *err)
{
	cleanup_free const char ***names = NULL;
	size_t names_capacity = 0;
	int rv = 0;

	g->targets = xcalloc(n, sizeof *g->targets);
	g->n_targets = n;
	for (size_t i = 0; i < n; i++) {
		g->targets[i] = find_or_add(g, targets[i]);
		g->drvs[g->targets[i]].is_target = true;
	}
	for (size_t i = 0; i < g->n; i++) { /* It grows behind us. */
		if (atomic_load(cancelled))
			return err_set(err, CAPQ_EBUSY, "stopped");
		if (g->n > max)
			return err_set(err, CAPQ_ETOOBIG,
				"more than %zu derivations (planner.max_derivations)", max);
		array_reserve(&names, &names_capacity, g->n, sizeof *names);
		rv = read_drv(g, (uint32_t)i, names, err);
		if (rv < 0)
			return rv;
	}
	return name_edges(g, (const char *const *const *)names, err);
}

/* ---- what is missing ---- */

void graph_each_output(struct graph *g, void (*each)(void *, struct graph_output *), void *owner)
{
	for (size_t i = 0; i < g->n; i++)
		for (uint32_t o = 0; o < g->drvs[i].n_outputs; o++)
			each(owner, &g->drvs[i].outputs[o]);
}

struct graph_output *graph_output(const struct graph *g, const char *path)
{
	uint32_t index = str_map_get(&g->by_output, path);

	if (index == STR_MAP_NONE)
		return NULL;
	for (uint32_t o = 0; o < g->drvs[index].n_outputs; o++)
		if (strcmp(g->drvs[index].outputs[o].path, path) == 0)
			return &g->drvs[index].outputs[o];
	return NULL;
}

static void add_to_level(struct graph *g, uint32_t index)
{
	array_reserve(&g->level, &g->level_capacity, g->n_level + 1, sizeof *g->level);
	g->level[g->n_level++] = index;
}

/* Want the outputs in `bits`, ask for those that are new and not valid. */
static bool want(struct graph *g, uint32_t index, uint64_t bits,
	void (*ask)(void *, struct graph_output *), void *owner)
{
	struct graph_drv *drv = &g->drvs[index];
	bool asked = false;

	for (uint32_t o = 0; o < drv->n_outputs; o++) {
		struct graph_output *output = &drv->outputs[o];

		if ((bits >> o & 1) == 0)
			continue;
		output->is_wanted = true;
		if (output->is_valid || output->is_asked)
			continue;
		output->is_asked = true;
		asked = true;
		ask(owner, output);
	}
	if (asked)
		add_to_level(g, index);
	return asked;
}

static bool has_to_be_made(const struct graph_drv *drv)
{
	for (uint32_t o = 0; o < drv->n_outputs; o++)
		if (drv->outputs[o].is_wanted && !drv->outputs[o].is_valid &&
			!drv->outputs[o].is_cached)
			return true;
	return false;
}

static uint64_t all_outputs(const struct graph_drv *drv)
{
	return drv->n_outputs >= 64 ? UINT64_MAX : (UINT64_C(1) << drv->n_outputs) - 1;
}

bool graph_next_level(struct graph *g, void (*ask)(void *, struct graph_output *), void *owner)
{
	cleanup_free uint32_t *level = STEAL_POINTER(g->level);
	size_t n = g->n_level;
	bool asked = false;

	g->n_level = g->level_capacity = 0;
	if (!g->is_walking) {
		g->is_walking = true;
		for (size_t i = 0; i < g->n_targets; i++)
			if (!g->drvs[g->targets[i]].is_done)
				asked |= want(g, g->targets[i],
					all_outputs(&g->drvs[g->targets[i]]), ask, owner);
		return asked;
	}
	for (size_t i = 0; i < n; i++) {
		struct graph_drv *drv = &g->drvs[level[i]];

		if (drv->is_missing || !has_to_be_made(drv))
			continue;
		drv->is_missing = true;
		for (uint32_t k = 0; k < drv->n_inputs; k++)
			asked |= want(g, drv->inputs[k].drv, drv->inputs[k].outputs, ask, owner);
	}
	return asked;
}

/* ---- roles ---- */

/* True when the edge leads to something that has to be made first. */
static bool waits_for(const struct graph *g, const struct graph_edge *edge)
{
	const struct graph_drv *input = &g->drvs[edge->drv];

	if (!input->is_missing)
		return false;
	for (uint32_t o = 0; o < input->n_outputs; o++)
		if ((edge->outputs >> o & 1) != 0 && !input->outputs[o].is_valid)
			return true;
	return false;
}

/* The missing ones in an order in which needs come first: depth first, each when it is left. */
static void put_in_order(struct graph *g)
{
	struct place {
		uint32_t drv, next;
	};
	cleanup_free struct place *stack = NULL;
	size_t depth = 0, capacity = 0;

	g->walk++;
	g->n_order = 0;
	g->order = xrealloc(g->order, g->n * sizeof *g->order);
	for (size_t t = 0; t < g->n_targets; t++) {
		if (!g->drvs[g->targets[t]].is_missing || g->drvs[g->targets[t]].mark == g->walk)
			continue;
		array_reserve(&stack, &capacity, depth + 1, sizeof *stack);
		stack[depth++] = (struct place){ g->targets[t], 0 };
		g->drvs[g->targets[t]].mark = g->walk;
		while (depth > 0) {
			struct place *top = &stack[depth - 1];
			const struct graph_drv *drv = &g->drvs[top->drv];
			const struct graph_edge *edge;

			if (top->next == drv->n_inputs) {
				g->order[g->n_order++] = top->drv;
				depth--;
				continue;
			}
			edge = &drv->inputs[top->next++];
			if (!waits_for(g, edge) || g->drvs[edge->drv].mark == g->walk)
				continue;
			g->drvs[edge->drv].mark = g->walk;
			array_reserve(&stack, &capacity, depth + 1, sizeof *stack);
			stack[depth++] = (struct place){ edge->drv, 0 };
		}
	}
}

#define NOBODY UINT32_MAX
#define SEVERAL (UINT32_MAX - 1)

void graph_settle(struct graph *g, bool (*is_cheap)(void *, const struct graph_drv *), void *owner)
{
	put_in_order(g);
	for (size_t i = 0; i < g->n_order; i++)
		g->drvs[g->order[i]].owner = NOBODY;
	for (size_t i = g->n_order; i-- > 0;) { /* Dependents first. */
		uint32_t index = g->order[i], builder;
		struct graph_drv *drv = &g->drvs[index];
		bool can_ride = !drv->is_target && !drv->must_build && drv->owner != SEVERAL &&
				drv->owner != NOBODY && (drv->is_fixed || is_cheap(owner, drv));

		drv->role = can_ride ? GRAPH_RIDE : GRAPH_BUILD;
		builder = can_ride ? drv->owner : index;
		for (uint32_t k = 0; k < drv->n_inputs; k++) {
			struct graph_drv *input = &g->drvs[drv->inputs[k].drv];

			if (!waits_for(g, &drv->inputs[k]))
				continue;
			if (input->owner == NOBODY)
				input->owner = builder;
			else if (input->owner != builder)
				input->owner = SEVERAL;
		}
	}
}

size_t graph_count_missing(struct graph *g, uint32_t drv)
{
	cleanup_free uint32_t *found = NULL;
	size_t n = 0, capacity = 0;

	if (!g->drvs[drv].is_missing)
		return 0;
	g->walk++;
	array_reserve(&found, &capacity, 1, sizeof *found);
	found[n++] = drv;
	g->drvs[drv].mark = g->walk;
	for (size_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < g->drvs[found[i]].n_inputs; k++) {
			const struct graph_edge *edge = &g->drvs[found[i]].inputs[k];

			if (!waits_for(g, edge) || g->drvs[edge->drv].mark == g->walk)
				continue;
			g->drvs[edge->drv].mark = g->walk;
			array_reserve(&found, &capacity, n + 1, sizeof *found);
			found[n++] = edge->drv;
		}
	}
	return n;
}

/* Walk a build and its ride-alongs: call `at_edge` for every edge that leaves one of them. */
static void walk_build(struct graph *g, uint32_t build,
	void (*at_edge)(void *owner, struct graph *g, const struct graph_edge *edge), void *owner)
{
	cleanup_free uint32_t *stack = NULL;
	size_t n = 0, capacity = 0;

	g->walk++;
	array_reserve(&stack, &capacity, 1, sizeof *stack);
	stack[n++] = build;
	g->drvs[build].mark = g->walk;
	while (n > 0) {
		const struct graph_drv *drv = &g->drvs[stack[--n]];

		for (uint32_t k = 0; k < drv->n_inputs; k++) {
			const struct graph_edge *edge = &drv->inputs[k];
			struct graph_drv *input = &g->drvs[edge->drv];

			at_edge(owner, g, edge);
			if (input->role != GRAPH_RIDE || !waits_for(g, edge) ||
				input->mark == g->walk)
				continue;
			input->mark = g->walk;
			array_reserve(&stack, &capacity, n + 1, sizeof *stack);
			stack[n++] = edge->drv;
		}
	}
}

struct need_walk {
	void (*each)(void *owner, uint32_t need);
	void *owner;
};

static void need_at_edge(void *owner, struct graph *g, const struct graph_edge *edge)
{
	struct need_walk *w = owner;
	struct graph_drv *input = &g->drvs[edge->drv];

	if (input->role != GRAPH_BUILD || !waits_for(g, edge) || input->mark == g->walk)
		return;
	input->mark = g->walk;
	w->each(w->owner, edge->drv);
}

void graph_each_need(struct graph *g, uint32_t build, void (*each)(void *, uint32_t), void *owner)
{
	struct need_walk w = { each, owner };

	walk_build(g, build, need_at_edge, &w);
}

static void ride_at_edge(void *owner, struct graph *g, const struct graph_edge *edge)
{
	struct need_walk *w = owner;
	const struct graph_drv *input = &g->drvs[edge->drv];

	/* Not marked yet: walk_build() marks it right after this. */
	if (input->role == GRAPH_RIDE && waits_for(g, edge) && input->mark != g->walk)
		w->each(w->owner, edge->drv);
}

void graph_each_ride(struct graph *g, uint32_t build, void (*each)(void *, uint32_t), void *owner)
{
	struct need_walk w = { each, owner };

	walk_build(g, build, ride_at_edge, &w);
}

struct path_walk {
	void (*each)(void *owner, const char *path);
	void *owner;
};

static void fetch_at_edge(void *owner, struct graph *g, const struct graph_edge *edge)
{
	struct path_walk *w = owner;
	const struct graph_drv *input = &g->drvs[edge->drv];

	for (uint32_t o = 0; !input->is_missing && o < input->n_outputs; o++)
		if ((edge->outputs >> o & 1) != 0 && !input->outputs[o].is_valid)
			w->each(w->owner, input->outputs[o].path);
}

void graph_each_fetch(
	struct graph *g, uint32_t build, void (*each)(void *, const char *), void *owner)
{
	struct path_walk w = { each, owner };

	walk_build(g, build, fetch_at_edge, &w);
}

void graph_each_valid_input(struct graph *g, void (*each)(void *, const char *), void *owner)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct graph_drv *drv = &g->drvs[i];

		for (uint32_t o = 0; o < drv->n_outputs; o++)
			if (drv->outputs[o].is_wanted && drv->outputs[o].is_valid)
				each(owner, drv->outputs[o].path);
	}
}

char *graph_outputs_json(const struct graph_drv *drv)
{
	struct json_out out = { 0 };

	json_out_object(&out, NULL);
	for (uint32_t o = 0; o < drv->n_outputs; o++)
		json_out_text(&out, drv->outputs[o].name, drv->outputs[o].path);
	json_out_end_object(&out);
	return str_take(&out.text);
}
