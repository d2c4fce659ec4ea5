/* Each rule of the policies, in the smallest story that shows it. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "sim/options.h"
#include "tests/support/sim_case.h"

/* What is known of costs: long takes an hour, short a minute, tiny ten seconds, day a day. */
#define HISTORY                                                                                    \
	"long,any,3600,9\nlong,any,3600,8\nlong,any,3600,7\n"                                      \
	"short,any,60,9\nshort,any,60,8\nshort,any,60,7\n"                                         \
	"tiny,any,10,9\ntiny,any,10,8\ntiny,any,10,7\n"                                            \
	"day,any,86400,9\nday,any,86400,8\nday,any,86400,7\n"

/* The ids in the order in which they start, on one slot. */
static char *order_of(const char *policy, const char *rows)
{
	struct sim_result result;
	struct str out = { 0 };
	struct trace trace;
	struct farm farm;

	sim_case_trace(&trace, rows, HISTORY);
	farm_init(&farm, 1);
	sim_case_play(&trace, &farm, policy, &result);
	for (size_t i = 0; i < result.n_ran; i++)
		str_addf(&out, "%s%s", i > 0 ? " " : "", trace.rows[result.order[i]].id);
	sim_result_finish(&result);
	farm_finish(&farm);
	trace_finish(&trace);
	return str_take(&out);
}

static void test_rules(void **state)
{
	static const struct {
		const char *policy, *rows, *order;
	} cases[] = {
		{ "fifo", "0,0,100,x,,,,u,\n1,1,60,long,,,,u,\n2,2,60,short,,,,u,\n", "0 1 2" },
		{ "sjf", "0,0,100,x,,,,u,\n1,1,60,long,,,,u,\n2,2,60,short,,,,u,\n", "0 2 1" },
		/* (7200 + 3600) / 3600 = 3 is more than (100 + 60) / 60, less than (200 + 60) / 60.
		 */
		{ "hrrn", "0,0,7200,x,,,,u,\n1,0,60,long,,,,u,\n2,7100,60,short,,,,u,\n", "0 1 2" },
		{ "hrrn", "0,0,7200,x,,,,u,\n1,0,60,long,,,,u,\n2,7000,60,short,,,,u,\n", "0 2 1" },
		/* What 1 waited, 3 has waited: (7200 + 3600) / 3600 again. */
		{ "hrrn",
			"0,0,7200,x,,,,u,\n1,0,60,long,,r1,b,u,\n2,7100,60,short,,,,u,\n"
			"3,7150,60,long,,r2,b,u,\n",
			"0 3 2" },
		/* Branch b has built, c has not. */
		{ "hydra",
			"0,0,100,x,,,b,u,\n1,1,60,short,,,b,u,\n2,2,200,short,,,c,u,\n"
			"3,3,60,short,,,c,u,\n",
			"0 2 1 3" },
		/* Small before large; but not before what has waited a week. */
		{ "slurm", "0,0,100,x,,,,u,\n1,1,60,long,,,,u,\n2,2,60,short,,,,u,\n", "0 2 1" },
		{ "slurm", "0,0,604800,x,,,,u,\n1,1,60,long,,,,u,\n2,604700,60,short,,,,u,\n",
			"0 1 2" },
		/* u has built, v has not. */
		{ "slurm", "0,0,100,x,,,,u,\n1,1,60,short,,,,u,\n2,2,60,short,,,,v,\n", "0 2 1" },
		/* A class has a turn of its own: 2 does not wait behind both long ones of 1 and 3,
		 * and short ones are in order. */
		{ "wfq",
			"0,0,100,tiny,,,,u,\n1,1,60,day,,,,u,\n3,1,60,day,,,,u,\n2,2,60,short,,,,u,\n"
			"4,3,60,tiny,,,,u,\n",
			"0 2 4 1 3" },
		/* More is unlocked by 1 than by 2. */
		{ "spr",
			"0,0,100,x,,,,u,\n1,1,60,short,,,,u,\n2,1,60,short,,,,u,\n3,2,9,tiny,,,,u,2\n",
			"0 2 3 1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *got = order_of(cases[i].policy, cases[i].rows);

		assert_string_equal(got, cases[i].order);
	}
}

static void test_names(void **state)
{
	const struct policy_class *class;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(policy_find("spr", &class, &err), 0);
	assert_ptr_equal(class, policy_classes[0]);
	assert_int_equal(policy_find("nope", &class, &err), CAPQ_EINVAL);
	assert_string_equal(err.text, "no policy 'nope'; there are: spr, fifo, sjf, hrrn, hydra, "
				      "slurm, wfq");
}

/* ---- the command line ---- */

#define WORDS_MAX 16

static int read_line(struct options *options, const char *line, struct err *err)
{
	static char copy[256];
	char *rest = copy, *argv[WORDS_MAX + 1] = { copy };
	int argc = 0;

	(void)snprintf(copy, sizeof copy, "capq-sim %s", line);
	while (rest != NULL && argc < WORDS_MAX)
		argv[argc++] = strsep(&rest, " ");
	return options_read(options, argc, argv, err);
}

static void test_options(void **state)
{
	struct err err = { 0 };
	struct options options;

	(void)state;
	assert_int_equal(read_line(&options, "--trace t --slots 4", &err), 0);
	assert_int_equal(options.action, OPTIONS_RUN);
	assert_int_equal(options.n_policies, 1);
	assert_string_equal(options.policies[0]->name, "spr");
	assert_true(knobs_weight(&options.knobs, "master", 1) == 1.5);
	assert_true(knobs_weight(&options.knobs, "master", 2) == 1);
	assert_true(knobs_weight(&options.knobs, "other", 0) == 1);
	options_finish(&options);
	assert_int_equal(read_line(&options,
				 "compare --weight master=50,200 --trace t --slots 4 --reserve 20 "
				 "--promise-grace 5h "
				 "--policies fifo,spr",
				 &err),
		0);
	assert_int_equal(options.action, OPTIONS_COMPARE);
	assert_int_equal(options.n_policies, 2);
	assert_true(options.knobs.policy.reserve == 0.2);
	assert_int_equal(options.knobs.policy.promise_grace_ms, 5 * 3600 * 1000);
	assert_true(knobs_weight(&options.knobs, "master", 1) == 0.5);
	assert_true(knobs_weight(&options.knobs, "master", 2) == 2);
	options_finish(&options);
	assert_int_equal(read_line(&options, "compare --trace t --slots 4", &err), 0);
	assert_int_equal(options.n_policies, 7);
	options_finish(&options);
}

static void test_defaults_are_those_of_the_schedule(void **state)
{
	static const struct sched_policy usual = SCHED_POLICY_DEFAULT;
	struct err err = { 0 };
	struct knobs knobs;

	(void)state;
	assert_int_equal(knobs_init(&knobs, NULL, &err), 0);
	assert_int_equal(knobs.policy.promise_grace_ms, usual.promise_grace_ms);
	assert_true(knobs.policy.promise_factor == usual.promise_factor);
	assert_true(knobs.policy.promise_slots == usual.promise_slots);
	assert_true(knobs.policy.reserve == usual.reserve);
	knobs_finish(&knobs);
}

/* What --help tells of a knob is what would set it so. */
static void test_knobs_are_printed(void **state)
{
	static const struct {
		const char *name, *usual, *other;
	} cases[] = {
		{ "promise_grace", "27h", "90m" },
		{ "promise_backlog", "250", "0" },
		{ "promise_slots", "13", "29" },
		{ "reserve", "13", "57" },
		{ "branches", "master=150,100", "next=7,300" },
	};
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_str struct str usual = { 0 }, other = { 0 };
		struct knobs knobs;

		assert_int_equal(knobs_init(&knobs, NULL, &err), 0);
		knobs_print(&knobs, cases[i].name, &usual);
		assert_string_equal(usual.text, cases[i].usual);
		assert_int_equal(knobs_set(&knobs, cases[i].name, cases[i].other, &err), 0);
		knobs_print(&knobs, cases[i].name, &other);
		assert_non_null(strstr(other.text, cases[i].other));
		knobs_finish(&knobs);
	}
}

static void test_options_refused(void **state)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
		{ "--slots 4", "which --trace? See --help" },
		{ "--trace t", "one of --slots, --builders and --config is needed" },
		{ "--trace t --slots 4 --builders b",
			"one of --slots, --builders and --config is needed" },
		{ "--trace t --slots 0", "--slots '0': expected a whole number from 1 to 65536" },
		{ "--trace t --slots 4 --policy spr,fifo", "several policies are for compare" },
		{ "compare --trace t --slots 4 --events e",
			"--events is of one policy, without compare" },
		{ "--trace t --slots 4 --json --csv", "--json or --csv, not both" },
		{ "--trace t --slots 4 --reserve 91",
			"reserve '91': expected a whole number of percent from 0 to 90" },
		{ "--trace t --slots 4 --promise-grace soon",
			"promise_grace 'soon': expected a time such as 36h or 1d12h, at most "
			"60d" },
		{ "--trace t --slots 4 --promise-grace 61d",
			"promise_grace '61d': expected a time such as 36h or 1d12h, at most "
			"60d" },
		{ "--trace t --slots 4 --weight master=1.6",
			"weight 'master=1.6': expected BRANCH=W or BRANCH=W,FAT_W, whole numbers "
			"from 1 to 100000, of which 100 is usual" },
		{ "--trace t --slots 4 --weight =",
			"weight '=': expected BRANCH=W or BRANCH=W,FAT_W, whole numbers from 1 to "
			"100000, of which 100 is usual" },
		{ "--trace t --slots 4 --noise -1", "--noise '-1': expected a number from 0 to 5" },
		{ "--trace t --slots 4 more", "'more' is too much; see --help" },
		{ "--trace t --slots 4 --nope", "no option --nope; see --help" },
		{ "--trace t --slots", "--slots wants a value; see --help" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };
		struct options options;

		assert_int_equal(read_line(&options, cases[i].line, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].error);
		options_finish(&options);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_defaults_are_those_of_the_schedule),
		cmocka_unit_test(test_knobs_are_printed),
		cmocka_unit_test(test_options_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
