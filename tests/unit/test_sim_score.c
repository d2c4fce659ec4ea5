/* Figures of schedules small enough to be worked out by hand, and what is made of them. */
#include "tests/support/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "sim/svg.h"
#include "tests/support/sim_case.h"

struct scored {
	struct trace trace;
	struct farm farm;
	struct yardstick yardstick;
	struct play play;
};

static void score(struct scored *scored, const char *rows, uint32_t slots, const char *policy)
{
	sim_case_trace(&scored->trace, rows, NULL);
	farm_init(&scored->farm, slots);
	assert_int_equal(policy_find(policy, &scored->play.policy, NULL), 0);
	sim_case_play(&scored->trace, &scored->farm, policy, &scored->play.result);
	yardstick_init(&scored->yardstick, &scored->trace);
	score_make(&scored->yardstick, &scored->farm, &scored->play.result, &scored->play.score);
}

static void finish(struct scored *scored)
{
	yardstick_finish(&scored->yardstick);
	sim_result_finish(&scored->play.result);
	farm_finish(&scored->farm);
	trace_finish(&scored->trace);
}

static double figure(const struct scored *scored, const char *name)
{
	for (size_t i = 0; score_name(i) != NULL; i++)
		if (strcmp(score_name(i), name) == 0)
			return score_value(&scored->play.score, i);
	fail_msg("there is no figure %s", name);
	return NAN;
}

#define assert_figure(scored, name, value) assert_true(fabs(figure(scored, name) - (value)) < 1e-9)

/* One slot: 1 runs 0-100, 2 (which needs it) 100-160, 3 160-460. Then 4 supersedes 5, which never
 * ran: satisfied with it. */
static void test_by_hand(void **state)
{
	struct scored scored;

	(void)state;
	score(&scored,
		"1,0,100,a,8.6,r1,master,u,\n2,0,60,b,8.6,r1,master,u,1\n"
		"3,10,300,c,8.6+9.0,r1,master,v,\n5,20,200,d,any,r1,master,v,\n"
		"4,30,120,d,any,r2,master,v,\n",
		1, "fifo");
	/* Responses: 100, 160, 450, 560, 550; works 100, 60, 300, 200, 120; cost of 2 is 160. */
	assert_figure(&scored, "str_mean",
		(100 / 100. + 160 / 60. + 450 / 300. + 560 / 200. + 550 / 120.) / 5);
	assert_figure(&scored, "slo_mean",
		(100 / 100. + 160 / 160. + 450 / 300. + 560 / 200. + 550 / 120.) / 5);
	/* Costs 100, 160, 300, 200, 120: thin are 100, 120, 160; none is above the 90th percentile.
	 */
	assert_figure(&scored, "thin_slo_max", 550 / 120.);
	assert_figure(&scored, "thin_slo_p50", 1);
	assert_figure(&scored, "medium_slo_mean", (450 / 300. + 560 / 200.) / 2);
	assert_figure(&scored, "fat_wait_max_h", 0);
	assert_figure(&scored, "thin_wait_p99_m", (550 - 120) / 60.);
	assert_figure(&scored, "util", 1); /* From 0 to 30. */
	assert_figure(&scored, "makespan_h", 580 / 3600.);
	assert_figure(&scored, "jobs_run", 4);
	assert_figure(&scored, "stale_h", 0);
	assert_figure(&scored, "lock_waste_h", 0);
	assert_figure(&scored, "jain", 1); /* Nobody has five builds. */
	/* r1: from 0 until 5 is satisfied, at 580; r2: 30 to 580. The fat 3 does not count. */
	assert_figure(&scored, "ttg_mean_h", (580 + 550) / 2. / 3600);
	finish(&scored);
}

/* Ten of a minute, then one of an hour. */
static void test_fat(void **state)
{
	cleanup_str struct str rows = { 0 };
	struct scored scored;

	(void)state;
	for (int i = 1; i <= 11; i++)
		str_addf(&rows, "%d,0,%d,p,,,,u,\n", i, i <= 10 ? 60 : 3600);
	score(&scored, rows.text, 1, "fifo");
	assert_figure(&scored, "fat_wait_max_h", 600 / 3600.);
	assert_figure(&scored, "fat_slo_mean", 4200 / 3600.);
	assert_figure(&scored, "thin_slo_mean", 5.5);
	finish(&scored);
}

/* 2 is superseded by 4 while 3 still needs it; then 3 is superseded by 5 as well, too late. */
static void test_stale(void **state)
{
	struct scored scored;

	(void)state;
	score(&scored,
		"1,0,10,x,,,,u,\n2,1,3600,b,,r1,m,u,\n3,1,70,c,,r1,m,u,2\n4,2,50,b,,r2,m,u,\n"
		"5,20,60,c,,r2,m,u,4\n",
		1, "fifo");
	assert_figure(&scored, "stale_h", 1);
	finish(&scored);
	score(&scored,
		"1,0,10,x,,,,u,\n2,1,3600,b,,r1,m,u,\n3,1,70,c,,r1,m,u,2\n4,2,50,b,,r2,m,u,\n", 1,
		"fifo");
	assert_figure(&scored, "stale_h", 0);
	finish(&scored);
}

/* Two submitters of five builds of a minute each on one slot: slowdowns 1..5 and 6..10. */
static void test_fairness(void **state)
{
	cleanup_str struct str rows = { 0 };
	struct scored scored;

	(void)state;
	for (int i = 1; i <= 10; i++)
		str_addf(&rows, "%d,0,60,p,,,,%s,\n", i, i <= 5 ? "u" : "v");
	score(&scored, rows.text, 1, "fifo");
	assert_figure(&scored, "jain", 11. * 11 / (2 * (3. * 3 + 8 * 8)));
	finish(&scored);
}

static void test_speed_is_no_waste(void **state)
{
	struct scored scored;

	(void)state;
	sim_case_trace(&scored.trace, "1,0,100,a,,,,u,\n", NULL);
	farm_init(&scored.farm, 1);
	scored.farm.builders[0].speed = 0.5;
	sim_case_play(&scored.trace, &scored.farm, "fifo", &scored.play.result);
	yardstick_init(&scored.yardstick, &scored.trace);
	score_make(&scored.yardstick, &scored.farm, &scored.play.result, &scored.play.score);
	assert_figure(&scored, "lock_waste_h", 0);
	assert_figure(&scored, "str_mean", 2);
	finish(&scored);
}

/* ---- promises ---- */

static void test_promises(void **state)
{
	struct scored scored;

	(void)state;
	score(&scored, "1,0,60,a,,,,u,\n2,0,60,b,,,,u,1\n3,0,60,c,,,,u,\n", 1, "spr");
	assert_int_equal(scored.play.result.n_promises, 3);
	assert_int_equal(scored.play.result.n_kept, 3);
	assert_int_equal(scored.play.result.late_max_ms, 0);
	finish(&scored);
	score(&scored, "1,0,60,a,,,,u,\n", 1, "fifo");
	assert_int_equal(scored.play.result.n_promises, 0);
	finish(&scored);
}

/* ---- what is printed ---- */

static struct report report_of(const struct scored *scored)
{
	return (struct report){ .trace_name = "x/<a&b>.csv",
		.trace = &scored->trace,
		.farm = &scored->farm,
		.plays = &scored->play,
		.n = 1 };
}

static void test_json(void **state)
{
	cleanup_str struct str out = { 0 };
	cleanup_json struct json *json = NULL;
	struct scored scored;
	struct report report;
	double value;

	(void)state;
	score(&scored, "1,0,100,a,,,,u,\n", 1, "spr");
	report = report_of(&scored);
	report_json(&report, false, &out);
	assert_int_equal(json_parse(out.text, out.len - 1, &json, NULL), 0);
	assert_string_equal(json_text(json_get(json, "policy")), "spr");
	assert_true(json_double(json_get(json_get(json, "figures"), "util"), &value));
	assert_int_equal(json_count(json_get(json, "figures")), 41);
	finish(&scored);
}

static void test_svg(void **state)
{
	cleanup_str struct str out = { 0 };
	struct scored scored;
	struct report report;

	(void)state;
	score(&scored, "1,0,100,\"<torch> & \"\"co\"\"\",8.6,,,u,\n", 1, "spr");
	report = report_of(&scored);
	svg_draw(&report, &out);
	assert_non_null(strstr(out.text, ">&lt;torch&gt; &amp; &quot;co&quot; 8.6 (1): "));
	assert_non_null(strstr(out.text, ">&lt;a&amp;b&gt;.csv<"));
	assert_null(strstr(out.text, "<torch>"));
	assert_null(strstr(out.text, "started by its promise")); /* None is. */
	finish(&scored);
}

static void test_svg_text(void **state)
{
	static const struct {
		const char *text, *escaped;
	} cases[] = {
		{ "a<b>&\"c", "a&lt;b&gt;&amp;&quot;c" },
		{ "a\x01\tb", "a  b" },
		{ "\xc3\xa4", "\xc3\xa4" },
		{ "a\xef\xbf\xbf"
		  "b",
			"ab" },
		{ "\xff", "\xef\xbf\xbd" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_str struct str out = { 0 };

		svg_add_text(&out, cases[i].text);
		assert_string_equal(out.text, cases[i].escaped);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_fat),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_fairness),
		cmocka_unit_test(test_speed_is_no_waste),
		cmocka_unit_test(test_promises),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_svg),
		cmocka_unit_test(test_svg_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
