/* Sums over the past: quantiles, history by package, accuracy, waits, promises. */
#include "tests/support/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/stats/accuracy.h"
#include "daemon/stats/packages.h"
#include "daemon/stats/sample.h"
#include "daemon/stats/waits.h"
#include "lib/mem.h"

#define DAY INT64_C(86400000)
#define NOW (100 * DAY)

/* ---- numbers ---- */

static void quantiles(void **state)
{
	static const double values[] = { 40, 10, 30, 20 };
	struct sample s = { 0 };

	(void)state;
	assert_true(isnan(sample_quantile(&s, 0.5)));
	assert_true(isnan(sample_mean(&s)));
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		sample_add(&s, values[i]);
	sample_sort(&s);
	assert_float_equal(sample_quantile(&s, 0), 10, 1e-6);
	assert_float_equal(sample_quantile(&s, 0.5), 25, 1e-6);
	assert_float_equal(sample_quantile(&s, 0.9), 37, 1e-6);
	assert_float_equal(sample_max(&s), 40, 1e-6);
	assert_float_equal(sample_mean(&s), 25, 1e-6);
	sample_finish(&s);
	assert_float_equal(median_of(values, 3), 30, 1e-6);
	assert_float_equal(median_of(values, 1), 40, 1e-6);
	assert_float_equal(values[0], 40, 1e-6); /* They keep their order. */
}

/* ---- what is said, read back ---- */

/* Ends the object that `out` holds. */
static struct json *parsed(struct json_out *out)
{
	struct json *json = NULL;

	json_out_end_object(out);
	assert_int_equal(json_parse(out->text.text, out->text.len, &json, NULL), 0);
	str_free(&out->text);
	out->need_comma = false;
	return json;
}

/* The item of the array whose member `name` is `text`. */
static const struct json *item(
	const struct json *json, const char *array, const char *name, const char *text)
{
	for (const struct json *v = json_first(json_get(json, array)); v; v = json_next(v))
		if (strcmp(json_text(json_get(v, name)), text) == 0)
			return v;
	fail_msg("%s has no %s '%s'", array, name, text);
	return NULL;
}

static void assert_member(const struct json *object, const char *name, double wanted)
{
	double value = -1;

	if (isnan(wanted)) {
		assert_int_equal(json_kind(json_get(object, name)), JSON_NULL);
		return;
	}
	if (!json_double(json_get(object, name), &value) || fabs(value - wanted) > 1e-6)
		fail_msg("%s is %f instead of %f", name, value, wanted);
}

/* ---- history ---- */

static void add_build(struct packages *packages, const char *package, const char *caps,
	double seconds, const char *outcome)
{
	packages_add(packages, &(struct stats_run){ .package = package,
				       .system = "x86_64-linux",
				       .caps = caps,
				       .outcome = outcome,
				       .wall_ms = (int64_t)(seconds * 1000) });
}

static struct json *told(struct packages *packages)
{
	struct json_out out = { 0 };

	json_out_object(&out, NULL);
	packages_to_json(packages, &out);
	packages_destroy(packages);
	return parsed(&out);
}

static void packages_and_sets_stand_apart(void **state)
{
	struct packages *packages = packages_create();
	cleanup_json struct json *json = NULL;
	const struct json *g;

	(void)state;
	add_build(packages, "torch", "8.6", 100, "built");
	add_build(packages, "torch", "8.0,8.6+PTX", 900, "built");
	add_build(packages, "torch", "8.6", 200, "built");
	add_build(packages, "torch", "8.6", 1, "failed");
	add_build(packages, "torch", "8.6", 1, "interrupted");
	add_build(packages, "magma", "8.6", 400, "built");
	add_build(packages, "sad", "8.6", 1, "failed");
	json = told(packages);
	assert_member(json, "groups", 4);
	g = json_first(json_get(json, "history")); /* The longest in all comes first. */
	assert_int_equal(json_count(json_get(g, "caps")), 2);
	assert_string_equal(json_text(json_get(g, "package")), "torch");
	g = json_next(g);
	assert_string_equal(json_text(json_get(g, "package")), "magma");
	g = json_next(g);
	assert_member(g, "n", 2);
	assert_member(g, "failed", 1);
	assert_member(g, "median_seconds", 150);
	assert_member(g, "p90_seconds", 190);
	assert_member(g, "total_seconds", 300);
	assert_member(g, "trend_percent", NAN);
	g = json_next(g);
	assert_string_equal(json_text(json_get(g, "package")), "sad");
	assert_member(g, "n", 0);
	assert_member(g, "failed", 1);
	assert_member(g, "median_seconds", NAN);
	assert_null(json_next(g));
}

/* Newest first: the last third stands at the front. */
static void a_trend_is_the_last_third_against_the_first(void **state)
{
	static const double seconds[] = { 150, 140, 1, 1000, 100, 100 };
	struct packages *packages = packages_create();
	cleanup_json struct json *json = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
		add_build(packages, "slower", "8.6", seconds[i], "built");
		if (i > 0)
			add_build(packages, "few", "8.6", seconds[i], "built");
		add_build(packages, "faster", "8.6", 1000 - seconds[i], "built");
		add_build(packages, "nothing", "8.6", 0, "built");
	}
	json = told(packages);
	assert_member(item(json, "history", "package", "slower"), "trend_percent", 45);
	assert_member(item(json, "history", "package", "faster"), "trend_percent",
		100 * (855.0 / 900 - 1));
	assert_member(item(json, "history", "package", "few"), "trend_percent", NAN);
	assert_member(item(json, "history", "package", "nothing"), "trend_percent", NAN);
}

static void no_more_than_a_thousand_are_told_of(void **state)
{
	struct packages *packages = packages_create();
	cleanup_json struct json *json = NULL;

	(void)state;
	for (int i = 1; i <= PACKAGES_MAX + 50; i++) {
		cleanup_free char *name = str_format("p%d", i);

		add_build(packages, name, "8.6", i, "built");
	}
	json = told(packages);
	assert_member(json, "groups", PACKAGES_MAX + 50);
	assert_int_equal(json_count(json_get(json, "history")), PACKAGES_MAX);
	assert_member(json_first(json_get(json, "history")), "total_seconds", PACKAGES_MAX + 50);
}

/* ---- accuracy ---- */

static void add_estimated(struct accuracy *accuracy, const char *caps, const char *basis,
	int64_t age_ms, int64_t estimate_ms, int64_t p90_ms, int64_t wall_ms)
{
	accuracy_add(accuracy, &(struct stats_run){ .package = "torch",
				       .system = "x86_64-linux",
				       .caps = caps,
				       .outcome = "built",
				       .started_at = NOW - age_ms - wall_ms,
				       .wall_ms = wall_ms,
				       .basis = basis,
				       .estimate_ms = estimate_ms,
				       .estimate_p90_ms = p90_ms });
}

static void errors_are_factors_up_or_down(void **state)
{
	struct accuracy *accuracy = accuracy_create(NOW);
	cleanup_json struct json *json = NULL;
	struct json_out out = { 0 };
	const struct json *row;

	(void)state;
	add_estimated(accuracy, "8.6", "set", 0, 10000, 15000, 20000);
	add_estimated(accuracy, "8.6", "set", 7 * DAY - 1, 10000, 15000, 5000);
	add_estimated(accuracy, "8.6", "package", 7 * DAY, 10000, 15000, 10000);
	add_estimated(accuracy, "8.0,8.6", "everything", 30 * DAY, 10000, 30000, 40000);
	add_estimated(accuracy, "8.0+PTX", "other-sets", 31 * DAY, 10000, 20000, 18000);
	add_estimated(accuracy, "8.6", NULL, 0, 0, 0, 18000); /* A ride-along, or an old row. */
	accuracy_add(accuracy,
		&(struct stats_run){ .caps = "8.6", .outcome = "failed", .basis = "set" });
	json_out_object(&out, NULL);
	accuracy_to_json(accuracy, &out);
	accuracy_destroy(accuracy);
	json = parsed(&out);

	row = item(json, "accuracy", "name", "all");
	assert_member(row, "n", 5);
	assert_member(row, "median_factor", 2);
	assert_member(row, "p90_factor", 3.2);
	assert_member(row, "within", 0.4);
	assert_member(row, "over", 0.6);
	row = item(json, "accuracy", "name", "set");
	assert_member(row, "n", 2);
	assert_member(row, "median_factor", 2);
	assert_member(row, "within", 0);
	assert_member(row, "over", 0.5);
	assert_member(item(json, "accuracy", "name", "thin"), "n", 4);
	assert_member(item(json, "accuracy", "name", "fat"), "median_factor", 4);
	assert_member(item(json, "accuracy", "name", "package"), "median_factor", 1);
	assert_member(item(json, "accuracy", "name", "other-sets"), "within", 1);
	assert_member(item(json, "accuracy", "name", "everything"), "n", 1);
	assert_member(item(json, "accuracy", "name", "7 days"), "n", 2);
	assert_member(item(json, "accuracy", "name", "30 days"), "n", 1);
	assert_member(item(json, "accuracy", "name", "older"), "n", 2);
}

static void without_builds_nothing_is_said(void **state)
{
	struct accuracy *accuracy = accuracy_create(NOW);
	cleanup_json struct json *json = NULL;
	struct json_out out = { 0 };

	(void)state;
	json_out_object(&out, NULL);
	accuracy_to_json(accuracy, &out);
	accuracy_destroy(accuracy);
	json = parsed(&out);
	for (const struct json *v = json_first(json_get(json, "accuracy")); v; v = json_next(v)) {
		assert_member(v, "n", 0);
		assert_member(v, "median_factor", NAN);
		assert_member(v, "within", NAN);
	}
}

/* ---- waits and promises ---- */

static struct json *told_waits(const struct stats_job *jobs, size_t n)
{
	struct waits *waits = waits_create(NOW);
	struct json_out out = { 0 };

	for (size_t i = 0; i < n; i++)
		waits_add(waits, &jobs[i]);
	json_out_object(&out, NULL);
	waits_to_json(waits, &out);
	waits_destroy(waits);
	return parsed(&out);
}

#define S INT64_C(1000)

static void waits_and_slowdowns(void **state)
{
	static const struct stats_job jobs[] = {
		/* Waited 100 s; done after 400 s, of which its chain was to take 200. */
		{ "8.6", JOB_DONE, S, 101 * S, 401 * S, 200 * S, 0, 100 * S },
		/* Its build took longer than thought. */
		{ "8.6", JOB_DONE, S, 301 * S, 901 * S, 200 * S, 0, 300 * S },
		/* Seconds of waiting are not a multiple of seconds of work. */
		{ "8.6", JOB_DONE, S, 21 * S, 31 * S, 2 * S, 0, 2 * S },
		{ "8.0,8.6", JOB_DONE, S, 3601 * S, 7201 * S, 3600 * S, 0, -1 },
		/* Nothing was built for these. */
		{ "8.6", JOB_DONE, S, 0, 9000 * S, 0, 0, 100 * S },
		{ "8.6", JOB_FAILED, S, 5000 * S, 9000 * S, 0, 0, -1 },
		{ "8.6", JOB_WAITING, S, 0, 0, 0, 0, -1 },
	};
	cleanup_json struct json *json = told_waits(jobs, ARRAY_LEN(jobs));
	const struct json *thin = item(json, "waits", "class", "thin");
	const struct json *fat = item(json, "waits", "class", "fat");

	(void)state;
	assert_member(thin, "n", 3);
	assert_member(thin, "wait_median_seconds", 100);
	assert_member(thin, "wait_p90_seconds", 260);
	assert_member(thin, "wait_max_seconds", 300);
	assert_member(thin, "slowdown_mean", 2);
	assert_member(thin, "slowdown_median", 2);
	assert_member(thin, "slowdown_max", 3);
	assert_member(fat, "n", 1);
	assert_member(fat, "wait_max_seconds", 3600);
	assert_member(fat, "slowdown_p90", 2);
	assert_member(item(json, "waits", "class", "all"), "n", 4);
}

static void every_promise_counts_once(void **state)
{
	static const struct stats_job jobs[] = {
		{ "8.6", JOB_DONE, S, 50 * S, 90 * S, 0, 50 * S, S },    /* kept, just */
		{ "8.6", JOB_FAILED, S, 40 * S, 90 * S, 0, 50 * S, -1 }, /* kept */
		{ "8.6", JOB_DONE, S, 0, 90 * S, 0, 50 * S, S },         /* kept: it ran already */
		{ "8.6", JOB_DONE, S, 60 * S, 90 * S, 0, 50 * S, S },    /* late by 10 s */
		{ "8.6", JOB_WAITING, S, 80 * S, 0, 0, 50 * S, -1 },     /* late by 30 s */
		{ "8.0,8.6", JOB_PUSHING, S, 60 * S, 0, 0, 10 * S, S },  /* late by 50 s */
		{ "8.6", JOB_CANCELLED, S, 0, 90 * S, 0, 50 * S, -1 },   /* gone */
		{ "8.6", JOB_SUPERSEDED, S, 0, 90 * S, 0, 50 * S, -1 },  /* gone */
		{ "8.6", JOB_WAITING, S, 0, 0, 0, NOW + S, -1 },         /* open */
		{ "8.6", JOB_ON_HOLD, S, 0, 0, 0, NOW - S, -1 },         /* overdue */
		{ "8.6", JOB_DONE, S, 50 * S, 90 * S, 0, 0, S },         /* none was made */
	};
	cleanup_json struct json *json = told_waits(jobs, ARRAY_LEN(jobs));
	const struct json *thin = item(json, "promises", "class", "thin");
	const struct json *all = item(json, "promises", "class", "all");

	(void)state;
	assert_member(thin, "made", 9);
	assert_member(thin, "kept", 3);
	assert_member(thin, "late", 2);
	assert_member(thin, "gone", 2);
	assert_member(thin, "open", 2);
	assert_member(thin, "overdue", 1);
	assert_member(thin, "late_median_seconds", 20);
	assert_member(thin, "late_max_seconds", 30);
	assert_member(all, "made", 10);
	assert_member(all, "late_median_seconds", 30);
	assert_member(all, "late_p90_seconds", 46);
	assert_member(item(json, "promises", "class", "fat"), "late", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles),
		cmocka_unit_test(packages_and_sets_stand_apart),
		cmocka_unit_test(a_trend_is_the_last_third_against_the_first),
		cmocka_unit_test(no_more_than_a_thousand_are_told_of),
		cmocka_unit_test(errors_are_factors_up_or_down),
		cmocka_unit_test(without_builds_nothing_is_said),
		cmocka_unit_test(waits_and_slowdowns),
		cmocka_unit_test(every_promise_counts_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
