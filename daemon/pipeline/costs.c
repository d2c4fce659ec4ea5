#include "daemon/pipeline/costs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/wanting.h"
#include "daemon/store/build.h"
#include "io/clock.h"
#include "lib/mem.h"
#include "lib/store_path.h"

#define WAITING_MAX 2000

static struct estimate_key key_of(const struct costed *costed)
{
	return (struct estimate_key){
		.package = costed->package, .set = costed->caps, .system = costed->system
	};
}

/* "2.5.1" of "torch-2.5.1", package "torch"; "" when it has none. */
static const char *version_of(const char *package, const char *name)
{
	size_t n = strlen(package);

	return strncmp(name, package, n) == 0 && name[n] == '-' ? name + n + 1 : "";
}

/* "torch-2.5.1" of /nix/store/...-torch-2.5.1.drv; "" of what is none: history may come from
 * elsewhere. The caller frees. */
static char *name_of(const char *drv_path)
{
	const char *name;

	if (!store_path_is_drv(drv_path))
		return xstrdup("");
	name = store_path_name(drv_path);
	return xstrndup(name, strlen(name) - strlen(".drv"));
}

static bool is_built(const struct history_entry *entry)
{
	return strcmp(entry->outcome, "built") == 0;
}

void costs_learn_into(
	const struct pipeline *p, struct estimates *estimates, const struct history_entry *entry)
{
	cleanup_free char *name = name_of(entry->drv_path);
	struct estimate_sample sample = {
		.key = { .package = entry->package, .set = entry->caps, .system = entry->system },
		.version = version_of(entry->package, name),
		.outcome = is_built(entry)                         ? ESTIMATE_BUILT
			   : strcmp(entry->outcome, "failed") == 0 ? ESTIMATE_FAILED
								   : ESTIMATE_STOPPED,
		.at_ms = entry->started_at + entry->wall_ms,
		.wall_ms = entry->wall_ms,
		.core_ms = entry->core_ms,
		.peak_memory_bytes = -1,
		.output_bytes = entry->output_bytes,
		.builder = entry->machine[0] != '\0' ? entry->machine : entry->builder,
		.speed = pipeline_speed(p, entry->builder),
	};

	estimates_learn(estimates, &sample);
}

static void learn(struct pipeline *p, const struct history_entry *entry)
{
	costs_learn_into(p, p->estimates, entry);
	if (is_built(entry) && !entry->is_ride)
		sched_learn(p->sched, (double)entry->wall_ms * pipeline_speed(p, entry->builder),
			schedule_time(entry->started_at + entry->wall_ms));
}

static void load(void *owner, const struct history_entry *entry)
{
	learn(owner, entry);
}

void costs_start(struct pipeline *p)
{
	p->estimates = estimates_create();
	store_history_each(p->store, COSTS_HISTORY_MAX, load, p);
}

void costs_finish(struct pipeline *p)
{
	estimates_destroy(p->estimates);
}

void costs_of(const struct pipeline *p, const struct costed *costed, struct estimate *out)
{
	struct estimate_key key = key_of(costed);

	estimates_get(p->estimates, &key, version_of(costed->package, costed->name),
		clock_wall_ms(), out);
}

double costs_surely_ms(const struct pipeline *p, const struct costed *costed)
{
	struct estimate cost;

	costs_of(p, costed, &cost);
	return estimate_quantile(&cost, 0.9);
}

struct estimating {
	struct pipeline *p;
	const struct history_entry *entry;
};

bool costs_estimate_anew(struct pipeline *p, int64_t build_id, const struct costed *costed)
{
	struct estimate cost;

	if (sched_state(p->sched, build_id) == SCHED_UNKNOWN)
		return false;
	costs_of(p, costed, &cost);
	sched_set_cost(p->sched, build_id, estimate_median(&cost), cost.sigma);
	return true;
}

static void estimate_anew(void *owner, int64_t id, const char *name, const char *caps)
{
	struct estimating *e = owner;

	(void)costs_estimate_anew(
		e->p, id, &(struct costed){ e->entry->package, name, caps, e->entry->system });
}

void costs_learn(struct pipeline *p, const struct history_entry *entry)
{
	struct estimating e = { p, entry };

	learn(p, entry);
	store_builds_waiting_of(
		p->store, entry->package, entry->system, WAITING_MAX, estimate_anew, &e);
}

/* FNV-1a: the estimator wants to tell two derivations apart, not to be safe from anybody. */
static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

void costs_saw_same(
	struct pipeline *p, const struct costed *costed, const char *other_caps, const char *drv)
{
	struct estimate_key one = key_of(costed), other = one;
	uint64_t hash = hash_of(drv);

	other.set = other_caps;
	estimates_saw(p->estimates, &one, hash, hash, clock_wall_ms());
	estimates_saw(p->estimates, &other, hash, hash, clock_wall_ms());
}
