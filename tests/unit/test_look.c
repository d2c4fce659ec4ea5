/* Looking at outputs: what is made of capq-inspect's words, and of its silence. The children are
 * real; most are shell scripts in its place. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/pipeline/look.h"
#include "daemon/pipeline/verify_policy.h"
#include "lib/mem.h"
#include "tests/support/fixture.h"

struct fixture {
	uv_loop_t loop;
	struct children children;
	char launcher[4096], script[64];
	struct looked looked;
	int ends;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);

	uv_loop_init(&f->loop);
	snprintf(f->launcher, sizeof f->launcher, "%s/capq-launch", getenv("CAPQ_BIN"));
	snprintf(f->script, sizeof f->script, "/tmp/capq-test-look-%d", (int)getpid());
	f->children =
		(struct children){ .loop = &f->loop, .launcher = f->launcher, .inherit_fd = -1 };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	looked_finish(&f->looked);
	(void)unlink(f->script);
	assert_int_equal(uv_loop_close(&f->loop), 0); /* No handle was left behind. */
	free(f);
	return 0;
}

static void on_done(void *owner, struct looked *looked)
{
	struct fixture *f = owner;

	looked_finish(&f->looked);
	f->looked = *looked;
	f->ends++;
}

static struct look *start(struct fixture *f, const char *program, const char *outputs, uint64_t ms)
{
	struct look_spec spec = { .program = program,
		.outputs = outputs,
		.timeout_ms = ms,
		.on_done = on_done,
		.owner = f };
	struct look *look = NULL;
	struct err err;

	f->ends = 0;
	assert_int_equal(look_start(&f->children, &spec, &look, &err), 0);
	return look;
}

static void finish(struct fixture *f)
{
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->ends, 1);
}

static void look_by_script(struct fixture *f, const char *text, uint64_t ms)
{
	FILE *file = fopen(f->script, "w");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", text);
	(void)fclose(file);
	assert_int_equal(chmod(f->script, 0755), 0);
	(void)start(f, f->script, "{\"out\":\"/out\"}", ms);
	finish(f);
}

static void assert_holds(struct fixture *f, const char *caps, const char *why)
{
	cleanup_str struct str said = { 0 };
	struct capability_set set;

	assert_int_equal(capability_set_parse(caps, &set, NULL), 0);
	assert_int_equal(looked_holds(&f->looked, &set, &said), why[0] == '\0');
	assert_string_equal(str_text(&said), why);
}

/* ---- the real one ---- */

static void it_says_what_files_hold(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *program = str_format("%s/capq-inspect", getenv("CAPQ_BIN"));
	cleanup_free char *mixed = fixture_path("fatbin/mixed_units.so");
	cleanup_free char *broken = fixture_path("fatbin/broken_magic.so");
	cleanup_free char *plain = fixture_path("fatbin/no_cuda.so");
	cleanup_free char *outputs =
		str_format("{\"out\":\"%s\",\"lib\":\"%s\",\"dev\":\"%s\"}", mixed, plain, broken);
	cleanup_free char *lacks =
		str_format("%s lacks sm_90 (in 1 of 2 units) (the first of 2 such files)", mixed);
	cleanup_free char *damaged =
		str_format("%s is damaged: container at 0xb88: it has no magic number", broken);

	(void)start(f, program, outputs, 60000);
	finish(f);
	assert_null(f->looked.problem);
	assert_int_equal(f->looked.n, 2);
	assert_holds(f, "8.0", damaged);
	assert_holds(f, "9.0", lacks);
}

static void an_output_that_is_gone_is_a_problem(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *program = str_format("%s/capq-inspect", getenv("CAPQ_BIN"));

	(void)start(f, program, "{\"out\":\"/nonexistent\"}", 60000);
	finish(f);
	assert_int_equal(f->looked.n, 0);
	assert_string_equal(f->looked.problem, "/nonexistent: open: No such file or directory");
}

/* ---- in its place ---- */

static const char good[] =
	"echo '{\"path\":\"/out/x\",\"kinds\":[{\"units\":2,\"sass\":[\"sm_80\"],"
	"\"ptx\":[\"compute_80\"],\"lto\":[]}]}'";

static void what_goes_wrong_is_said(void **state)
{
	static const struct {
		const char *more, *problem;
	} cases[] = {
		{ "echo nonsense", "capq-inspect said something that is no file" },
		{ "echo '{\"kinds\":[]}'", "capq-inspect said something that is no file" },
		{ "echo '{\"path\":\"/out/y\"}'", "/out/y: kinds of units are no array" },
		{ "echo '{\"path\":\"/out/y\",\"error\":\"open: EACCES\",\"is_damaged\":false}'",
			"/out/y: open: EACCES" },
		{ "echo oh >&2; exit 3", "capq-inspect exited with status 3: oh" },
		{ "kill -SEGV $$", "capq-inspect was killed by signal 11" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *text = str_format("%s\n%s", good, cases[i].more);

		look_by_script(f, text, 60000);
		assert_non_null(f->looked.problem);
		assert_string_equal(f->looked.problem, cases[i].problem);
		assert_int_equal(f->looked.n, 1); /* What was seen is kept. */
	}
	look_by_script(f, good, 60000);
	assert_null(f->looked.problem);
	assert_holds(f, "8.0+PTX", "");
	assert_holds(f, "8.6", "/out/x lacks sm_86");
}

static void it_is_bounded(void **state)
{
	struct fixture *f = *state;

	look_by_script(f, "exec sleep 1000", 50);
	assert_string_equal(f->looked.problem, "capq-inspect took longer than it may");
	look_by_script(f, "yes '{\"path\":\"/out/x\",\"kinds\":[]}'", 60000);
	assert_string_equal(f->looked.problem, "more than 5000 files hold GPU code");
	assert_int_equal(f->looked.n, 5000);
}

static void it_can_be_stopped(void **state)
{
	static const char text[] = "#!/bin/sh\nexec sleep 1000\n";
	struct fixture *f = *state;
	FILE *file = fopen(f->script, "w");

	assert_non_null(file);
	fputs(text, file);
	(void)fclose(file);
	assert_int_equal(chmod(f->script, 0755), 0);
	look_stop(start(f, f->script, "{}", 0));
	finish(f);
	assert_non_null(f->looked.problem);
}

/* ---- the policy ---- */

static void policies(void **state)
{
	static const char text[] = "verify:\n"
				   "  dependencies: off\n"
				   "  packages:\n"
				   "    - {name: opencv, policy: report}\n"
				   "    - {name: 'magma*', policy: off}\n"
				   "    - {name: '*', policy: require}\n";
	static const struct {
		const char *configuration, *package;
		bool is_wanted;
		enum verify_policy policy;
	} cases[] = {
		{ "", "nccl", true, VERIFY_REQUIRE },
		{ "", "nccl", false, VERIFY_REPORT },
		{ "", "torch", true, VERIFY_REPORT },
		{ "", "python3.12-torch", true, VERIFY_REPORT },
		{ "", "python3.12-torchvision", true, VERIFY_REQUIRE },
		{ "", "cuda12.8-cudnn", true, VERIFY_REPORT },
		{ "", "cuda_cudart", true, VERIFY_REPORT },
		{ "", "libcublas", true, VERIFY_REPORT },
		{ "", "cuda12.8-nccl", true, VERIFY_REQUIRE },
		{ "", "python3.12-", true, VERIFY_REQUIRE },
		{ "", "python3", true, VERIFY_REQUIRE },
		{ text, "opencv", true, VERIFY_REPORT },
		{ text, "opencv", false, VERIFY_REPORT },
		{ text, "magma-static", true, VERIFY_OFF },
		{ text, "torch", true, VERIFY_REQUIRE },
		{ text, "torch", false, VERIFY_OFF },
		{ "verify: {policy: report}\n", "nccl", true, VERIFY_REPORT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *whole = str_format(
			"state_dir: /tmp\nlisten: ['unix:/tmp/s']\nnixpkgs: {url: 'file:///x'}\n%s",
			cases[i].configuration);
		struct settings settings;
		struct err err;

		if (settings_parse(whole, strlen(whole), "test", &settings, &err) < 0)
			fail_msg("%s", err.text);
		if (verify_policy_of(&settings, cases[i].package, cases[i].is_wanted) !=
			cases[i].policy)
			fail_msg("case %zu: %s", i, cases[i].package);
		settings_finish(&settings);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_says_what_files_hold, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_output_that_is_gone_is_a_problem, setup, teardown),
		cmocka_unit_test_setup_teardown(what_goes_wrong_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(it_can_be_stopped, setup, teardown),
		cmocka_unit_test(policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
