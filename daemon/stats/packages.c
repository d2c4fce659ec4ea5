#include "daemon/stats/packages.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/stats/sample.h"
#include "lib/job_json.h"
#include "lib/mem.h"
#include "lib/str_map.h"

#define TREND_MIN 6 /* With fewer builds there is no telling. */

struct group {
	char *key; /* All three, for the index. */
	char *package, *system, *caps;
	struct sample seconds; /* Of those that were built, newest first. */
	int64_t failed;
	double total;
};

struct packages {
	struct group *groups;
	size_t n, capacity;
	struct str_map index; /* Key -> groups. */
};

struct packages *packages_create(void)
{
	return xcalloc(1, sizeof(struct packages));
}

void packages_destroy(struct packages *packages)
{
	for (size_t i = 0; i < packages->n; i++) {
		struct group *g = &packages->groups[i];

		free(g->key);
		free(g->package);
		free(g->system);
		free(g->caps);
		sample_finish(&g->seconds);
	}
	free(packages->groups);
	str_map_finish(&packages->index);
	free(packages);
}

/* Neither a system nor a set has blanks. */
static struct group *group_of(struct packages *packages, const struct stats_run *run)
{
	cleanup_free char *key = str_format("%s %s %s", run->system, run->caps, run->package);
	uint32_t i = str_map_get(&packages->index, key);
	struct group *g;

	if (i != STR_MAP_NONE)
		return &packages->groups[i];
	array_reserve(
		&packages->groups, &packages->capacity, packages->n + 1, sizeof *packages->groups);
	g = &packages->groups[packages->n];
	*g = (struct group){ .key = STEAL_POINTER(key),
		.package = xstrdup(run->package),
		.system = xstrdup(run->system),
		.caps = xstrdup(run->caps) };
	str_map_set(&packages->index, g->key, (uint32_t)packages->n++);
	return g;
}

/* One that was interrupted says nothing: it is nobody's fault and no cost. */
void packages_add(struct packages *packages, const struct stats_run *run)
{
	struct group *g = group_of(packages, run);
	double seconds = (double)run->wall_ms / 1000;

	if (strcmp(run->outcome, "failed") == 0)
		g->failed++;
	if (strcmp(run->outcome, "built") != 0)
		return;
	sample_add(&g->seconds, seconds);
	g->total += seconds;
}

/* ---- what is said ---- */

static int compare_totals(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->total != y->total)
		return x->total < y->total ? 1 : -1;
	return strcmp(x->key, y->key);
}

/* How much longer the last third took than the first: their medians, in per cent. */
static void add_trend(struct json_out *out, const struct sample *newest_first)
{
	size_t third = newest_first->n / 3;
	double before, after;

	if (newest_first->n < TREND_MIN) {
		json_out_null(out, "trend_percent");
		return;
	}
	after = median_of(newest_first->values, third);
	before = median_of(newest_first->values + newest_first->n - third, third);
	if (before <= 0)
		json_out_null(out, "trend_percent");
	else
		json_out_double(out, "trend_percent", 100 * (after / before - 1));
}

static void add_group(struct json_out *out, struct group *g)
{
	json_out_object(out, NULL);
	json_out_text(out, "package", g->package);
	json_out_text(out, "system", g->system);
	caps_to_json(g->caps, out);
	json_out_int(out, "n", (int64_t)g->seconds.n);
	json_out_int(out, "failed", g->failed);
	add_trend(out, &g->seconds);
	sample_sort(&g->seconds);
	json_out_double(out, "median_seconds", sample_quantile(&g->seconds, 0.5));
	json_out_double(out, "p90_seconds", sample_quantile(&g->seconds, 0.9));
	json_out_double(out, "total_seconds", g->total);
	json_out_end_object(out);
}

void packages_to_json(struct packages *packages, struct json_out *out)
{
	array_sort(packages->groups, packages->n, sizeof *packages->groups, compare_totals);
	json_out_int(out, "groups", (int64_t)packages->n);
	json_out_array(out, "history");
	for (size_t i = 0; i < packages->n && i < PACKAGES_MAX; i++)
		add_group(out, &packages->groups[i]);
	json_out_end_array(out);
}
