/* The graph of derivations: read from files, walked level by level, and cut into builds and what
 * rides along. Each test writes its derivations into a directory of its own. */
#include "tests/support/cmocka_all.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/graph.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "tests/support/drv_case.h"

static atomic_bool not_cancelled;

static struct graph *read_graph(const struct drv_case *c, const char *target)
{
	cleanup_free char *path = drv_case_path(c, target);
	const char *targets[] = { path };
	struct graph *g = graph_create();
	struct err err = { 0 };

	if (graph_read(g, targets, 1, 100000, &not_cancelled, &err) < 0)
		fail_msg("%s", err.text);
	return g;
}

static struct graph_drv *drv(const struct graph *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->drvs[i].name, name) == 0)
			return &g->drvs[i];
	fail_msg("there is no %s", name);
	return NULL;
}

static uint32_t index_of(const struct graph *g, const char *name)
{
	return (uint32_t)(drv(g, name) - g->drvs);
}

/* " a.out b.dev": what is asked for at each level, in the order of names. */
static void note_asked(void *owner, struct graph_output *output)
{
	str_addf(owner, " %s", strrchr(output->path, '/') + 1 + 33);
}

static void walk(struct graph *g, struct str *out)
{
	while (graph_next_level(g, note_asked, out))
		str_add(out, " |");
}

static bool is_named_cheap(void *owner, const struct graph_drv *d)
{
	return strstr(owner, d->name) != NULL;
}

/* Walk with nothing cached, and settle: "torch:build numpy:ride ..." in the graph's order. */
static char *settle(struct graph *g, const char *cheap)
{
	static const char *const roles[] = { "leave", "build", "ride" };
	cleanup_str struct str asked = { 0 };
	struct str out = { 0 };

	walk(g, &asked);
	graph_settle(g, is_named_cheap, (void *)cheap);
	for (size_t i = 0; i < g->n; i++)
		str_addf(
			&out, "%s%s:%s", i > 0 ? " " : "", g->drvs[i].name, roles[g->drvs[i].role]);
	return str_take(&out);
}

static void assert_settles(struct drv_case *c, const char *target, const char *valid,
	const char *cheap, const char *wanted)
{
	struct graph *g = read_graph(c, target);
	cleanup_free char *got = NULL;

	for (size_t i = 0; i < g->n; i++)
		for (uint32_t o = 0; o < g->drvs[i].n_outputs; o++)
			g->drvs[i].outputs[o].is_valid = strstr(valid, g->drvs[i].name) != NULL;
	got = settle(g, cheap);
	assert_string_equal(got, wanted);
	graph_destroy(g);
}

/* ---- reading ---- */

static void what_is_read_of_a_derivation(void **state)
{
	struct drv_case *c = *state;
	struct graph *g;
	struct graph_drv *torch;
	cleanup_free char *json = NULL;

	drv_case_add(c, "numpy-1.26", "", DRV_PLAIN);
	drv_case_add(c, "torch-2.5.1", "numpy-1.26", DRV_TWO_OUTPUTS);
	g = read_graph(c, "torch-2.5.1");
	assert_int_equal(g->n, 2);
	torch = drv(g, "torch-2.5.1");
	assert_true(torch->is_target);
	assert_string_equal(torch->package, "torch");
	assert_string_equal(torch->system, "x86_64-linux");
	assert_string_equal(torch->features, "big-parallel");
	assert_int_equal(torch->n_outputs, 2);
	assert_int_equal(torch->n_inputs, 1);
	assert_ptr_equal(&g->drvs[torch->inputs[0].drv], drv(g, "numpy-1.26"));
	assert_int_equal(torch->inputs[0].outputs, 1);
	assert_ptr_equal(graph_output(g, torch->outputs[1].path), &torch->outputs[1]);
	assert_null(graph_output(g, "/nix/store/no-such-path"));
	json = graph_outputs_json(torch);
	assert_non_null(strstr(json, "\"dev\":\"/nix/store/"));
	graph_destroy(g);
}

static void what_cannot_be_read_is_said(void **state)
{
	struct drv_case *c = *state;
	static const struct {
		const char *target;
		size_t max;
		bool is_cancelled;
		int code;
		const char *why;
	} cases[] = {
		{ "b-1", 1, false, CAPQ_ETOOBIG, "more than 1 derivations" },
		{ "b-1", 9, true, CAPQ_EBUSY, "stopped" },
		{ "c-1", 9, false, CAPQ_ENOTFOUND, "gone-1.drv" },
		{ "d-1", 9, false, CAPQ_EINVAL, "d-1.drv" },
		{ "e-1", 9, false, CAPQ_EINVAL, "needs outputs that" },
	};

	drv_case_add(c, "a-1", "", DRV_PLAIN);
	drv_case_add(c, "b-1", "a-1", DRV_PLAIN);
	drv_case_add(c, "c-1", "gone-1", DRV_PLAIN);
	drv_case_add(c, "d-1", "", DRV_BROKEN);
	drv_case_add(c, "e-1", "a-1!dev", DRV_PLAIN);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *path = drv_case_path(c, cases[i].target);
		const char *targets[] = { path };
		atomic_bool cancelled = cases[i].is_cancelled;
		struct graph *g = graph_create();
		struct err err = { 0 };

		assert_int_equal(
			graph_read(g, targets, 1, cases[i].max, &cancelled, &err), cases[i].code);
		if (strstr(err.text, cases[i].why) == NULL)
			fail_msg("%s", err.text);
		graph_destroy(g);
	}
	graph_destroy(NULL);
}

/* ---- walking ---- */

/* d needs b and c, which need a. */
static void add_diamond(struct drv_case *c)
{
	drv_case_add(c, "a-1", "", DRV_PLAIN);
	drv_case_add(c, "b-1", "a-1", DRV_PLAIN);
	drv_case_add(c, "c-1", "a-1", DRV_PLAIN);
	drv_case_add(c, "d-1", "b-1 c-1", DRV_PLAIN);
}

static void a_walk_asks_each_once_from_the_top(void **state)
{
	struct drv_case *c = *state;
	struct graph *g;
	cleanup_str struct str asked = { 0 };

	add_diamond(c);
	g = read_graph(c, "d-1");
	walk(g, &asked);
	assert_string_equal(str_text(&asked), " d-1 | b-1 c-1 | a-1 |");
	assert_int_equal(graph_count_missing(g, index_of(g, "d-1")), 4);
	assert_int_equal(graph_count_missing(g, index_of(g, "b-1")), 2);
	graph_destroy(g);
}

static void nothing_below_what_is_there_is_asked_for(void **state)
{
	struct drv_case *c = *state;
	struct graph *g;
	cleanup_str struct str asked = { 0 };

	add_diamond(c);
	g = read_graph(c, "d-1");
	drv(g, "b-1")->outputs[0].is_valid = true;
	assert_true(graph_next_level(g, note_asked, &asked));
	assert_true(graph_next_level(g, note_asked, &asked));
	drv(g, "c-1")->outputs[0].is_cached = true; /* A substituter's answer. */
	assert_false(graph_next_level(g, note_asked, &asked));
	assert_string_equal(str_text(&asked), " d-1 c-1");
	assert_true(drv(g, "d-1")->is_missing);
	assert_false(drv(g, "c-1")->is_missing);
	assert_int_equal(graph_count_missing(g, index_of(g, "d-1")), 1);
	assert_int_equal(graph_count_missing(g, index_of(g, "a-1")), 0);
	graph_destroy(g);
}

static void a_target_that_is_done_begins_nothing(void **state)
{
	struct drv_case *c = *state;
	struct graph *g;
	cleanup_str struct str asked = { 0 };

	add_diamond(c);
	g = read_graph(c, "d-1");
	drv(g, "d-1")->is_done = true;
	walk(g, &asked);
	assert_string_equal(str_text(&asked), "");
	graph_destroy(g);
}

/* ---- roles ---- */

static void roles(void **state)
{
	static const struct {
		const char *valid, *cheap, *settled;
	} cases[] = {
		{ "", "", "d-1:build b-1:build c-1:build a-1:build" },
		{ "a-1", "", "d-1:build b-1:build c-1:build a-1:leave" },
		{ "a-1 b-1 c-1 d-1", "", "d-1:leave b-1:leave c-1:leave a-1:leave" },
		/* What one build needs and is cheap rides along. */
		{ "", "b-1", "d-1:build b-1:ride c-1:build a-1:build" },
		/* Both ride with d, so only d needs a, which rides as well. */
		{ "", "a-1 b-1 c-1", "d-1:build b-1:ride c-1:ride a-1:ride" },
		/* a is needed by d (for b) and by c: it is a build. */
		{ "", "a-1 b-1", "d-1:build b-1:ride c-1:build a-1:build" },
		/* A target never rides. */
		{ "", "d-1 a-1", "d-1:build b-1:build c-1:build a-1:build" },
		/* Only what is missing counts: with c valid a is needed by b alone. */
		{ "c-1", "a-1", "d-1:build b-1:build c-1:leave a-1:ride" },
	};
	struct drv_case *c = *state;

	add_diamond(c);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_settles(c, "d-1", cases[i].valid, cases[i].cheap, cases[i].settled);
}

static void a_download_rides_whatever_it_costs(void **state)
{
	struct drv_case *c = *state;

	drv_case_add(c, "src-1", "", DRV_FIXED);
	drv_case_add(c, "b-1", "src-1", DRV_PLAIN);
	drv_case_add(c, "d-1", "b-1", DRV_PLAIN);
	assert_settles(c, "d-1", "", "", "d-1:build b-1:build src-1:ride");
	drv_case_add(c, "e-1", "b-1 src-1", DRV_PLAIN); /* Now two builds need it. */
	assert_settles(c, "e-1", "", "", "e-1:build b-1:build src-1:build");
}

static void what_must_build_does_not_ride(void **state)
{
	struct drv_case *c = *state;
	struct graph *g;
	cleanup_free char *before = NULL;

	add_diamond(c);
	g = read_graph(c, "d-1");
	before = settle(g, "b-1");
	assert_int_equal(drv(g, "b-1")->role, GRAPH_RIDE);
	assert_int_equal(drv(g, "b-1")->owner, index_of(g, "d-1"));
	drv(g, "b-1")->must_build = true;
	graph_settle(g, is_named_cheap, "b-1");
	assert_int_equal(drv(g, "b-1")->role, GRAPH_BUILD);
	graph_destroy(g);
}

static void needs_come_first(void **state)
{
	struct drv_case *c = *state;
	struct graph *g;
	cleanup_free char *settled = NULL;

	add_diamond(c);
	g = read_graph(c, "d-1");
	settled = settle(g, "");
	assert_int_equal(g->n_order, 4);
	for (size_t i = 0; i < g->n_order; i++) {
		const struct graph_drv *d = &g->drvs[g->order[i]];

		for (uint32_t k = 0; k < d->n_inputs; k++) {
			bool is_before = false;

			for (size_t j = 0; j < i; j++)
				is_before |= g->order[j] == d->inputs[k].drv;
			assert_true(is_before);
		}
	}
	graph_destroy(g);
}

/* ---- what a build needs, takes along and fetches ---- */

struct names {
	struct graph *g;
	struct str text;
};

static void note_drv(void *owner, uint32_t index)
{
	struct names *n = owner;

	str_addf(&n->text, " %s", n->g->drvs[index].name);
}

static void note_path(void *owner, const char *path)
{
	struct names *n = owner;

	str_addf(&n->text, " %s", path + strlen("/nix/store/") + 33);
}

/* top rides on nothing; mid rides with top, and low with mid; base is a build that both need, lib
 * is cached, tool is valid. */
static void a_build_speaks_for_its_ride_alongs(void **state)
{
	struct drv_case *c = *state;
	struct names needs = { 0 }, rides = { 0 }, fetches = { 0 }, kept = { 0 };
	cleanup_str struct str asked = { 0 };
	struct graph *g;
	uint32_t top;

	drv_case_add(c, "base-1", "", DRV_PLAIN);
	drv_case_add(c, "lib-1", "", DRV_PLAIN);
	drv_case_add(c, "tool-1", "", DRV_PLAIN);
	drv_case_add(c, "low-1", "base-1 lib-1 tool-1", DRV_PLAIN);
	drv_case_add(c, "mid-1", "low-1", DRV_PLAIN);
	drv_case_add(c, "top-1", "mid-1 base-1", DRV_PLAIN);
	g = read_graph(c, "top-1");
	drv(g, "tool-1")->outputs[0].is_valid = true;
	drv(g, "lib-1")->outputs[0].is_cached = true;
	walk(g, &asked);
	graph_settle(g, is_named_cheap, "low-1 mid-1");
	top = index_of(g, "top-1");
	needs.g = rides.g = g;
	graph_each_need(g, top, note_drv, &needs);
	assert_string_equal(str_text(&needs.text), " base-1");
	graph_each_ride(g, top, note_drv, &rides);
	assert_string_equal(str_text(&rides.text), " mid-1 low-1");
	graph_each_fetch(g, top, note_path, &fetches);
	assert_string_equal(str_text(&fetches.text), " lib-1");
	graph_each_valid_input(g, note_path, &kept);
	assert_string_equal(str_text(&kept.text), " tool-1");
	str_free(&needs.text);
	str_free(&rides.text);
	str_free(&fetches.text);
	str_free(&kept.text);
	graph_destroy(g);
}

/* Only the outputs that are needed count: b needs a's "out", which is valid; "dev" is not. */
static void outputs_are_told_apart(void **state)
{
	struct drv_case *c = *state;
	struct graph *g;
	cleanup_str struct str asked = { 0 };

	drv_case_add(c, "a-1", "", DRV_TWO_OUTPUTS);
	drv_case_add(c, "b-1", "a-1", DRV_PLAIN);
	drv_case_add(c, "d-1", "a-1!dev", DRV_PLAIN);
	g = read_graph(c, "b-1");
	drv(g, "a-1")->outputs[0].is_valid = strcmp(drv(g, "a-1")->outputs[0].name, "out") == 0;
	drv(g, "a-1")->outputs[1].is_valid = strcmp(drv(g, "a-1")->outputs[1].name, "out") == 0;
	walk(g, &asked);
	assert_string_equal(str_text(&asked), " b-1 |");
	graph_destroy(g);

	str_clear(&asked);
	g = read_graph(c, "d-1");
	walk(g, &asked);
	assert_string_equal(str_text(&asked), " d-1 | a-1-dev |");
	graph_destroy(g);
}

/* two's "out" is valid, its "dev" is not: who needs only "out" does not wait for the build of two.
 */
static void a_valid_output_is_not_waited_for(void **state)
{
	struct drv_case *c = *state;
	struct names needs = { 0 };
	cleanup_str struct str asked = { 0 };
	struct graph *g;

	drv_case_add(c, "two-1", "", DRV_TWO_OUTPUTS);
	drv_case_add(c, "x-1", "two-1!dev", DRV_PLAIN);
	drv_case_add(c, "top-1", "two-1 x-1", DRV_PLAIN);
	needs.g = g = read_graph(c, "top-1");
	drv(g, "two-1")->outputs[1].is_valid = true;
	walk(g, &asked);
	graph_settle(g, is_named_cheap, "");
	assert_int_equal(drv(g, "two-1")->role, GRAPH_BUILD);
	graph_each_need(g, index_of(g, "top-1"), note_drv, &needs);
	assert_string_equal(str_text(&needs.text), " x-1");
	str_clear(&needs.text);
	graph_each_need(g, index_of(g, "x-1"), note_drv, &needs);
	assert_string_equal(str_text(&needs.text), " two-1");
	str_free(&needs.text);
	graph_destroy(g);
}

/* ---- size ---- */

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* A chain that would break recursion, and 5,000 side by side at its end, in bounded memory. */
static void twenty_thousand_derivations(void **state)
{
	struct drv_case *c = *state;
	struct graph *g;
	cleanup_free char *settled = NULL;
	size_t before = heap_bytes();
	char name[24], needs[24] = "";

	for (int i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof name, "p-%d", i);
		drv_case_add(c, name, needs, DRV_PLAIN);
		if (i < 15000)
			memcpy(needs, name, sizeof name); /* The rest all need number 14999. */
	}
	drv_case_add_needing_range(c, "top-1", "p-", 15000, 20000);
	g = read_graph(c, "top-1");
	assert_int_equal(g->n, 20001);
	settled = settle(g, "");
	assert_int_equal(g->n_order, 20001);
	assert_int_equal(graph_count_missing(g, index_of(g, "top-1")), 20001);
	assert_true(heap_bytes() - before < 20001 * 1000); /* The files have 250 bytes each. */
	graph_destroy(g);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, drv_case_setup, drv_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_read_of_a_derivation),
		TEST(what_cannot_be_read_is_said),
		TEST(a_walk_asks_each_once_from_the_top),
		TEST(nothing_below_what_is_there_is_asked_for),
		TEST(a_target_that_is_done_begins_nothing),
		TEST(roles),
		TEST(a_download_rides_whatever_it_costs),
		TEST(what_must_build_does_not_ride),
		TEST(needs_come_first),
		TEST(a_build_speaks_for_its_ride_alongs),
		TEST(outputs_are_told_apart),
		TEST(a_valid_output_is_not_waited_for),
		TEST(twenty_thousand_derivations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
