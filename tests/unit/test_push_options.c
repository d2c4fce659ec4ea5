/* The command line of capq-push, one line a case. */
#include "tests/support/cmocka_all.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "push/option_table.h"
#include "push/options.h"

#define ARGS_MAX 12
#define MANUAL_MAX 65536

static int read_args(
	const char *const *args, const char *input, struct options *out, struct err *err)
{
	char *argv[ARGS_MAX + 2] = { (char *)"capq-push" };
	FILE *file = fmemopen((char *)input, strlen(input), "r");
	int argc = 1, rv;

	while (argc <= ARGS_MAX && args[argc - 1] != NULL) {
		argv[argc] = (char *)args[argc - 1];
		argc++;
	}
	optind = 0; /* Makes glibc's getopt start anew. */
	rv = options_init(out, argc, argv, file, err);
	(void)fclose(file);
	return rv;
}

static void defaults(void **state)
{
	static const char *const args[] = { "--cache", "mine", "/nix/store/x", NULL };
	struct options o;

	(void)state;
	assert_int_equal(read_args(args, "\n", &o, NULL), 0);
	assert_int_equal(o.action, OPTIONS_PUSH);
	assert_string_equal(o.cache, "mine");
	assert_string_equal(o.host, "https://cachix.org");
	assert_true(o.is_auto);
	assert_int_equal(o.level, -1);
	assert_int_equal(o.memory, 128 << 20);
	assert_int_equal(o.timeout_ms, 0);
	assert_null(o.lock_dir);
	assert_false(o.is_json || o.is_shallow || o.is_dry_run || o.is_check);
	assert_int_equal(o.n_paths, 1);
	assert_string_equal(o.paths[0], "/nix/store/x");
	options_finish(&o);
}

static void all_of_them(void **state)
{
	static const char *const args[] = { "--cache=mine", "--compression=xz", "--level=9",
		"--jobs=3", "--memory=64MiB", "--timeout=10m", "-", "last", NULL };
	struct options o;

	(void)state;
	assert_int_equal(read_args(args, "one\n\ntwo words\nthree", &o, NULL), 0);
	assert_false(o.is_auto);
	assert_int_equal(o.method, COMPRESS_XZ);
	assert_int_equal(o.level, 9);
	assert_int_equal(o.jobs, 3);
	assert_int_equal(o.memory, 64 << 20);
	assert_int_equal(o.timeout_ms, 600000);
	assert_int_equal(o.n_paths, 4);
	assert_string_equal(o.paths[1], "two words");
	assert_string_equal(o.paths[3], "last");
	options_finish(&o);
}

static void choice_and_pin(void **state)
{
	static const char *const args[] = { "--cache=mine", "--skip=*-src", "--skip=cuda*",
		"--max-nar-size=3GiB", "--upstream=cache.nixos.org-1", "--pin=v1", "--keep-days=30",
		"--limit-rate=2MiB", "path", NULL };
	struct options o;

	(void)state;
	assert_int_equal(read_args(args, "\n", &o, NULL), 0);
	assert_int_equal(o.choice.n_skip, 2);
	assert_string_equal(o.choice.skip[1], "cuda*");
	assert_int_equal(o.choice.max_nar_size, INT64_C(3) << 30);
	assert_int_equal(o.choice.upstream.n, 1);
	assert_string_equal(o.pin, "v1");
	assert_int_equal(o.keep.rule, PIN_DAYS);
	assert_int_equal(o.keep.n, 30);
	assert_int_equal(o.limit_rate, 2 << 20);
	options_finish(&o);
}

static void from_standard_input(void **state)
{
	static const char *const alone[] = { "--cache=mine", "--stdin", NULL }, *const with[] = {
		"--cache=mine", "first", "--stdin", NULL
	};
	struct options o;

	(void)state;
	assert_int_equal(read_args(alone, "one\ntwo\n", &o, NULL), 0);
	assert_int_equal(o.n_paths, 2);
	options_finish(&o);
	assert_int_equal(read_args(with, "one\n", &o, NULL), 0);
	assert_int_equal(o.n_paths, 2);
	assert_string_equal(o.paths[1], "one");
	options_finish(&o);
}

static void actions(void **state)
{
	static const char *const help[] = { "--help", NULL }, *const version[] = { "--version",
		NULL };
	struct options o;

	(void)state;
	assert_int_equal(read_args(help, "\n", &o, NULL), 0);
	assert_int_equal(o.action, OPTIONS_HELP);
	options_finish(&o);
	assert_int_equal(read_args(version, "\n", &o, NULL), 0);
	assert_int_equal(o.action, OPTIONS_VERSION);
	options_finish(&o);
}

static char *read_manual(void)
{
	cleanup_free char *path = str_format("%s/docs/man/capq-push.1", getenv("CAPQ_SOURCE"));
	char *text = xcalloc(1, MANUAL_MAX);
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_true(fread(text, 1, MANUAL_MAX - 1, f) > 0);
	(void)fclose(f);
	return text;
}

/* Each option is in the list of the manual page, and has a line of help that fits. */
static void the_manual(void **state)
{
	cleanup_free char *manual = read_manual();

	(void)state;
	for (int id = 0; id < OPTION_IDS; id++) {
		cleanup_free char *item = str_format("\n.It Fl -%s", option_rows[id].name);
		cleanup_free char *more = str_format(", Fl -%s", option_rows[id].name);

		if (strstr(manual, item) == NULL && strstr(manual, more) == NULL)
			fail_msg("--%s is not in the manual page", option_rows[id].name);
		assert_in_range(strlen(option_rows[id].help), 1, 72);
	}
}

static void completion(void **state)
{
	static const char *const shells[] = { "bash", "fish", "zsh" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		cleanup_free char *script = NULL;
		size_t len = 0;
		FILE *f = open_memstream(&script, &len);

		assert_true(option_print_completion(shells[i], f));
		(void)fclose(f);
		for (int id = 0; id < OPTION_IDS; id++)
			if (strstr(script, option_rows[id].name) == NULL)
				fail_msg("%s: no --%s", shells[i], option_rows[id].name);
	}
	assert_false(option_print_completion("csh", stdout));
}

static void what_is_wrong(void **state)
{
	static const struct {
		const char *args[4];
		const char *says;
	} cases[] = {
		{ { "path" }, "--cache NAME" },
		{ { "--cache", "", "path" }, "--cache NAME" },
		{ { "--cache", "mine" }, "no PATH" },
		{ { "--cache" }, "--cache: it needs an argument" },
		{ { "--cashe", "mine", "path" }, "--cashe: there is no such option; see" },
		{ { "--cache=m", "--compression=gzip", "p" }, "auto, zstd or xz" },
		{ { "--cache=m", "--compression=xz", "--level=10", "p" }, "xz has 0 to 9" },
		{ { "--cache=m", "--level=20", "p" }, "from 0 to 19" },
		{ { "--cache=m", "--jobs=0", "p" }, "from 1 to 64" },
		{ { "--cache=m", "--jobs=eight", "p" }, "from 1 to 64" },
		{ { "--cache=m", "--memory=1MiB", "p" }, "less than 32MiB" },
		{ { "--cache=m", "--timeout=soon", "p" }, "no time such as" },
		{ { "--cache=m", "--json=yes", "p" }, "--json=yes: it takes no argument" },
		{ { "--cache=m", "--max-nar-size=big", "p" }, "no size such as" },
		{ { "--cache=m", "--limit-rate=1KiB", "p" }, "less than 64KiB" },
		{ { "--cache=m", "--upstream=", "p" }, "--upstream: '' is no name of a key" },
		{ { "--cache=m", "--keep-days=1", "p" }, "about a --pin NAME" },
		{ { "--cache=m", "--pin=", "p" }, "a pin has a name" },
		{ { "--cache=m", "--pin=v", "p", "q" }, "a pin is for one path, and 2 are" },
		{ { "--cache=m", "--pin=v", "--check", "p" }, "it cannot --pin" },
		{ { "--pin=v", "--keep-days=0", "p" }, "from 1 to" },
		{ { "--pin=v", "--keep-days=1", "--keep-forever", "p" }, "give only one of" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *args[ARGS_MAX] = { NULL };
		struct options o;
		struct err err = { 0 };

		memcpy(args, cases[i].args, sizeof cases[i].args);
		assert_int_equal(read_args(args, "\n", &o, &err), CAPQ_EINVAL);
		if (strstr(err.text, cases[i].says) == NULL)
			fail_msg("wanted '%s', got '%s'", cases[i].says, err.text);
		options_finish(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(all_of_them),
		cmocka_unit_test(choice_and_pin),
		cmocka_unit_test(from_standard_input),
		cmocka_unit_test(actions),
		cmocka_unit_test(the_manual),
		cmocka_unit_test(completion),
		cmocka_unit_test(what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
