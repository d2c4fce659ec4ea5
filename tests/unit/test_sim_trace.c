/* Traces and builders: what is read out of them, and what is refused. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "sim/farm.h"
#include "sim/noise.h"
#include "tests/support/sim_case.h"

static void test_rows(void **state)
{
	static const char text[] = "depends,id,package,work_s,submit_s,caps,rev,branch,extra\n"
				   ",a,torch,10.5,0,8.6,r1,master,x\n"
				   "a,b,vision,20,1,8.6,r1,master,x\n"
				   "a b;a;zz;c,c,torch,30,1,8.6,r2,master,x\n"
				   ",d,torch,40,2,8.6,r3,release,x\n"
				   ",e,torch,50,3,8.6,,master,x\n";
	struct err err = { 0 };
	struct trace trace;

	(void)state;
	assert_int_equal(trace_parse(&trace, text, sizeof text - 1, NULL, 0, &err), 0);
	assert_int_equal(trace.n, 5);
	assert_int_equal(trace.work_ms[0], 10500);
	assert_int_equal(trace.rows[1].submit_ms, 1000);
	assert_int_equal(
		trace.rows[2].n_needs, 2); /* Each once; not itself, nor what is unknown. */
	assert_int_equal(trace.rows[2].needs[0], 0);
	assert_int_equal(trace.rows[2].needs[1], 1);
	assert_int_equal(trace.n_ignored_needs, 2);
	assert_int_equal(trace.rows[0].older, ROW_NONE);
	assert_int_equal(trace.rows[2].older, 0);
	assert_int_equal(trace.rows[3].older, ROW_NONE); /* Another branch. */
	assert_int_equal(trace.rows[4].older, ROW_NONE); /* No revision. */
	assert_int_equal(trace.rows[0].package_index, trace.rows[4].package_index);
	assert_int_not_equal(trace.rows[0].package_index, trace.rows[1].package_index);
	assert_string_equal(trace.rows[0].submitter, "");
	trace_finish(&trace);
}

static void test_sets(void **state)
{
	static const struct {
		const char *caps, *set;
		unsigned n;
	} cases[] = {
		{ "8.6", "8.6", 1 },
		{ "8.6+7.0", "7.0,8.6", 2 },
		{ "\"8.6,7.0\"", "7.0,8.6", 2 },
		{ "8.6+9.0a+PTX", "8.6,9.0a+PTX", 2 },
		{ "any", "", 0 },
		{ "", "", 0 },
		{ "linux+x11", "linux,x11", 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *rows = str_format("1,0,1,p,%s,,,u,\n", cases[i].caps);
		struct trace trace;

		sim_case_trace(&trace, rows, NULL);
		assert_string_equal(trace.rows[0].set, cases[i].set);
		assert_int_equal(trace.rows[0].n_caps, cases[i].n);
		trace_finish(&trace);
	}
}

/* The same set, however it is spelt, is superseded. */
static void test_spellings(void **state)
{
	struct trace trace;

	(void)state;
	sim_case_trace(&trace, "1,0,1,p,8.6+7.0,r,b,u,\n2,0,1,p,7.0+8.6,s,b,u,\n", NULL);
	assert_int_equal(trace.rows[1].older, 0);
	trace_finish(&trace);
}

static void test_history(void **state)
{
	struct trace trace;

	(void)state;
	sim_case_trace(&trace, "1,0,1,p,any,,,u,\n", "p,any,5,10\nq,8.6,6,30\np,any,7,10\n");
	assert_int_equal(trace.n_past, 3);
	assert_string_equal(trace.past[0].package, "q"); /* Oldest first, */
	assert_int_equal(trace.past[1].work_ms, 5000);   /* then as in the file. */
	assert_int_equal(trace.past[2].work_ms, 7000);
	trace_finish(&trace);
}

static void test_refused(void **state)
{
	static const char head[] = "id,submit_s,work_s,package,caps,rev,branch,submitter,depends\n";
	static const struct {
		const char *rows, *error;
	} cases[] = {
		{ "", "trace:2: no builds" },
		{ "1,0,x,p,,,,,\n", "trace:2: work_s 'x': expected seconds" },
		{ "1,0,-1,p,,,,,\n", "trace:2: work_s '-1': expected seconds" },
		{ "1,0,1e99,p,,,,,\n", "trace:2: work_s '1e99': expected seconds" },
		{ "1,0,0x10,p,,,,,\n", "trace:2: work_s '0x10': expected seconds" },
		{ "1,0,inf,p,,,,,\n", "trace:2: work_s 'inf': expected seconds" },
		{ "1, 0,1,p,,,,,\n", "trace:2: submit_s ' 0': expected seconds" },
		{ "1,0,1,p,,,,,\n1,0,1,p,,,,,\n", "trace:3: id '1' is there already" },
		{ "1,5,1,p,,,,,\n2,4,1,p,,,,,\n",
			"trace:3: submit_s is before that of the line above" },
		{ ",0,1,p,,,,,\n", "trace:2: no id" },
		{ "1,0,1,,,,,,\n", "trace:2: no package" },
		{ "1,0,1,p,,,,\n", "trace:2: 8 fields, but there are 9 columns" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *text = str_format("%s%s", head, cases[i].rows);
		struct err err = { 0 };
		struct trace trace;

		assert_int_equal(
			trace_parse(&trace, text, strlen(text), NULL, 0, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].error);
		trace_finish(&trace);
	}
}

static void test_missing_column(void **state)
{
	static const char text[] = "id,submit_s,package\n1,0,p\n";
	struct err err = { 0 };
	struct trace trace;

	(void)state;
	assert_int_equal(trace_parse(&trace, text, sizeof text - 1, NULL, 0, &err), CAPQ_EINVAL);
	assert_string_equal(err.text, "trace:1: there is no column 'work_s'");
	trace_finish(&trace);
}

static void test_noise(void **state)
{
	struct trace a, b, c;

	(void)state;
	sim_case_trace(&a, "1,0,1000,p,,,,,\n2,0,1000,p,,,,,\n", NULL);
	sim_case_trace(&b, "1,0,1000,p,,,,,\n2,0,1000,p,,,,,\n", NULL);
	sim_case_trace(&c, "1,0,1000,p,,,,,\n2,0,1000,p,,,,,\n", NULL);
	noise_add(&a, 0.3, 1);
	noise_add(&b, 0.3, 1);
	noise_add(&c, 0.3, 2);
	assert_int_equal(a.work_ms[0], b.work_ms[0]);
	assert_int_not_equal(a.work_ms[0], a.work_ms[1]);
	assert_int_not_equal(a.work_ms[0], c.work_ms[0]);
	trace_finish(&a);
	trace_finish(&b);
	trace_finish(&c);
}

/* ---- builders ---- */

static int read_farm(struct farm *farm, const char *text, struct err *err)
{
	struct csv csv;
	int rv = csv_parse(&csv, "farm", text, strlen(text), err);

	*farm = (struct farm){ 0 };
	if (rv == 0)
		rv = farm_read_csv(farm, &csv, err);
	csv_finish(&csv);
	return rv;
}

static void test_farm(void **state)
{
	struct row any = { .system = "", .features = "" };
	struct row arm = { .system = "aarch64-linux", .features = "" };
	struct row big = { .system = "x86_64-linux", .features = "big-parallel" };
	struct row kvm = { .system = "", .features = "kvm big-parallel" };
	struct err err = { 0 };
	struct farm farm;

	(void)state;
	assert_int_equal(read_farm(&farm,
				 "name,slots,speed,systems,features\n"
				 "a,2,,x86_64-linux,big-parallel\n"
				 "none,0,,,\n"
				 "b,3,1.5,x86_64-linux;aarch64-linux,\n"
				 "c,1,2,,big-parallel kvm\n",
				 &err),
		0);
	assert_int_equal(farm.n_slots, 6);
	assert_int_equal(farm.builders[2].first_slot, 2);
	assert_true(farm.builders[2].speed == 1.5);
	assert_string_equal(farm_builder_of(&farm, 1)->name, "a");
	assert_string_equal(farm_builder_of(&farm, 2)->name, "b");
	assert_string_equal(farm_builder_of(&farm, 5)->name, "c");
	assert_int_equal(farm_fitting(&farm, &any), 0xd);
	assert_int_equal(farm_fitting(&farm, &arm), 0xc);
	assert_int_equal(farm_fitting(&farm, &big), 0x9);
	assert_int_equal(farm_fitting(&farm, &kvm), 0x8);
	farm_finish(&farm);
}

static void test_farm_refused(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "name\na\n", "farm:1: there must be columns 'name' and 'slots'" },
		{ "name,slots\na,0\n", "farm:3: no slots" },
		{ "name,slots\na,x\n", "farm:2: slots 'x': expected a whole number up to 65536" },
		{ "name,slots\na,1\na,1\n", "farm:3: builder 'a' twice" },
		{ "name,slots\na,65536\nb,1\n", "farm:3: more than 65536 slots" },
		{ "name,slots,speed\na,1,0\n",
			"farm:2: speed '0': expected a number from 0.01 to 100" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };
		struct farm farm;

		assert_int_equal(read_farm(&farm, cases[i].text, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].error);
		farm_finish(&farm);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_missing_column),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_farm),
		cmocka_unit_test(test_farm_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
