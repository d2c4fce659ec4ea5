/* capqd's own keys: every default, and what one key says about another. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/settings.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define MIB (INT64_C(1) << 20)

#define URL "nixpkgs: {url: u}\n"

static void parse(const char *text, struct settings *s)
{
	struct err err = { 0 };

	if (settings_parse(text, strlen(text), "f", s, &err) < 0)
		fail_msg("%s", err.text);
}

/* ---- the table ---- */

static void check_table(const struct config_table *table)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct config_key *key = &table->keys[i];

		assert_true(key->offset < table->size);
		assert_true(strlen(key->help) > 10 && str_ends(key->help, "."));
		if (key->type == CONFIG_CHOICE)
			assert_non_null(key->choices);
		if (key->type == CONFIG_INT || key->type == CONFIG_DURATION ||
			key->type == CONFIG_SIZE) {
			assert_non_null(key->fallback);
			assert_true(key->min < key->max);
		}
		if (key->type == CONFIG_TEXTS || key->type == CONFIG_ITEMS)
			assert_true(key->max > 0); /* Every list is bounded. */
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(table->keys[j].name, key->name);
		if (key->type == CONFIG_ITEMS)
			check_table(key->items);
	}
}

static void the_table_is_whole(void **state)
{
	(void)state;
	check_table(settings_table());
	assert_int_equal(settings_table()->size, sizeof(struct settings));
}

static void every_default(void **state)
{
	struct settings s;
	const struct builder *builder;

	(void)state;
	parse(URL, &s);
	assert_null(s.state_dir);
	assert_int_equal(s.listen.n, 0);
	assert_int_equal(s.log_level, LOG_FACT);
	assert_int_equal(s.stop_grace_ms, 20 * SECOND);
	assert_string_equal(s.nixpkgs.url, "u");
	assert_null(s.nixpkgs.path);
	assert_int_equal(s.nixpkgs.branches.n, 1);
	assert_string_equal(s.nixpkgs.branches.items[0], "master");
	assert_true(s.nixpkgs.tags);
	assert_int_equal(s.nixpkgs.fetch_every_ms, 10 * MINUTE);
	assert_int_equal(s.nixpkgs.max_age_ms, MINUTE);
	assert_int_equal(s.nixpkgs.fetch_timeout_ms, 2 * HOUR);
	assert_false(s.nixpkgs.allow_untrusted);
	assert_int_equal(s.systems.n, 1);
	assert_string_equal(s.systems.items[0], settings_native_system());
	assert_int_equal(s.flavours.n, 0);
	assert_string_equal(s.nix_options, "{}");
	assert_int_equal(s.substituters.n, 0);
	assert_int_equal(s.substitution_jobs, 2);
	assert_int_equal(s.substitution_timeout_ms, 2 * HOUR);
	assert_int_equal(s.evaluator.max_jobs, 1);
	assert_int_equal(s.evaluator.batch, 200);
	assert_int_equal(s.evaluator.timeout_ms, 10 * MINUTE);
	assert_int_equal(s.evaluator.memory_bytes, 8192 * MIB);
	assert_int_equal(s.planner.timeout_ms, 30 * MINUTE);
	assert_int_equal(s.planner.max_derivations, 200000);
	assert_int_equal(s.build.timeout_ms, 2 * DAY);
	assert_int_equal(s.build.max_silent_ms, 3 * HOUR);
	assert_int_equal(s.build.kill_grace_ms, 10 * SECOND);
	assert_int_equal(s.build.ride_along_ms, 5 * SECOND);
	assert_int_equal(s.build.batch_ms, 2 * SECOND);
	assert_int_equal(s.build.batch_max, 10);
	assert_int_equal(s.build.log_head_bytes, 16 * MIB);
	assert_int_equal(s.build.log_tail_bytes, 16 * MIB);
	assert_null(s.cache.name);
	assert_string_equal(s.cache.host, "https://cachix.org");
	assert_int_equal(s.cache.compression, COMPRESSION_AUTO);
	assert_int_equal(s.cache.max_jobs, 2);
	assert_int_equal(s.cache.timeout_ms, 12 * HOUR);
	assert_null(s.cache.credentials);
	assert_int_equal(s.access.n, 0);
	assert_int_equal(s.local_role, ROLE_SUBMIT);
	assert_int_equal(s.tcp_role, ROLE_READ);
	assert_int_equal(s.limits.connections, 2000);
	assert_int_equal(s.limits.request_bytes, 64 * MIB);
	assert_int_equal(s.limits.jobs_per_request, 100000);
	assert_int_equal(s.limits.live_jobs, 1000000);
	assert_int_equal(s.limits.state_free_bytes, 64 * MIB);
	assert_int_equal(s.keep.events_ms, 30 * DAY);
	assert_int_equal(s.keep.logs_ms, 90 * DAY);

	assert_int_equal(s.builders.n, 1);
	builder = s.builders.items;
	assert_string_equal(builder->name, "local");
	assert_string_equal(builder->store, "auto");
	assert_int_equal(builder->systems.n, 1);
	assert_string_equal(builder->systems.items[0], settings_native_system());
	assert_int_equal(builder->features.n, 4);
	assert_string_equal(builder->features.items[0], "benchmark");
	assert_string_equal(builder->features.items[3], "nixos-test");
	assert_int_equal(builder->max_jobs, 1);
	assert_int_equal(builder->fetch_jobs, 2);
	assert_int_equal(builder->cores, 0);
	settings_finish(&s);
}

static void a_full_configuration(void **state)
{
	static const char text[] =
		"state_dir: /var/lib/capqd\n"
		"listen: [\"unix:/run/capqd/capqd.sock\", \"http://127.0.0.1:8723\"]\n"
		"log_level: detail\n"
		"nixpkgs:\n"
		"  url: https://github.com/NixOS/nixpkgs\n"
		"  branches: [master, nixos-unstable, release/24.05]\n"
		"systems: [x86_64-linux, aarch64-linux]\n"
		"flavours:\n"
		"  - {name: mkl, config: {blasProvider: mkl, permittedInsecurePackages: [a, b]}}\n"
		"  - {name: default, overlays: [/etc/a.nix]}\n"
		"nix_options: {sandbox: \"true\", extra-sandbox-paths: /x}\n"
		"builders:\n"
		"  - {name: one, max_jobs: 2, cores: 8}\n"
		"  - {name: two, systems: [aarch64-linux], features: []}\n"
		"cache: {name: cuda-maintainers, host: \"http://localhost:1\", compression: xz}\n"
		"access:\n"
		"  rules:\n"
		"    - {name: ci, token_sha256: "
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, role: admin}\n"
		"    - {name: hydra, user: hydra}\n"
		"    - {name: us, group: cuda, role: none}\n"
		"  local: none\n"
		"  tcp: admin\n";
	struct settings s;
	const struct builder *builders;
	const struct access_rule *rules;

	(void)state;
	parse(text, &s);
	assert_int_equal(s.log_level, LOG_DETAIL);
	builders = s.builders.items;
	assert_int_equal(s.builders.n, 2);
	assert_string_equal(builders[0].systems.items[0], settings_native_system());
	assert_int_equal(builders[0].cores, 8);
	assert_string_equal(builders[1].systems.items[0], "aarch64-linux");
	assert_int_equal(builders[1].features.n, 0);
	assert_int_equal(s.cache.compression, COMPRESSION_XZ);
	rules = s.access.items;
	assert_int_equal(rules[0].role, ROLE_ADMIN);
	assert_int_equal(rules[1].role, ROLE_SUBMIT);
	assert_int_equal(rules[2].role, ROLE_NONE);
	assert_string_equal(settings_flavour(&s, "mkl")->config,
		"{\"blasProvider\":\"mkl\",\"permittedInsecurePackages\":[\"a\",\"b\"]}");
	assert_string_equal(settings_flavour(&s, "default")->overlays.items[0], "/etc/a.nix");
	assert_null(settings_flavour(&s, "other"));
	settings_finish(&s);
}

static void the_default_flavour_always_exists(void **state)
{
	struct settings s;

	(void)state;
	parse(URL, &s);
	assert_string_equal(settings_flavour(&s, "default")->name, "default");
	assert_string_equal(settings_flavour(&s, "default")->config, "{}");
	assert_int_equal(settings_flavour(&s, "default")->overlays.n, 0);
	settings_finish(&s);
}

static void a_package_is_meant_by_its_path_or_its_name(void **state)
{
	static const struct {
		const char *attr, *supported; /* NULL: nothing is said. */
	} cases[] = {
		{ "python3Packages.torch", "8.0,8.6" },
		{ "python312Packages.torch", NULL },
		{ "torch", NULL },
		{ "flash-attn", "8.0" },
		{ "python3Packages.flash-attn", "8.0" },
		{ "python3Packages.not-flash-attn", NULL },
		{ "flash-attn.dev", NULL },
		{ "magma", "" },
	};
	struct settings s;

	(void)state;
	parse(URL "packages:\n"
		  "- {attr: python3Packages.torch, supported: [\"8.6\", \"8.0\"]}\n"
		  "- {attr: flash-attn, supported: [\"8.0\"]}\n"
		  "- {attr: magma}\n",
		&s);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *text = NULL;
		struct capability_set set = { 0 };

		assert_int_equal(
			settings_supported(&s, cases[i].attr, &set), cases[i].supported != NULL);
		text = capability_set_text(&set);
		assert_string_equal(text, cases[i].supported == NULL ? "" : cases[i].supported);
	}
	settings_finish(&s);
}

static void empty_lists_are_as_left_out(void **state)
{
	struct settings s;

	(void)state;
	parse(URL "builders: []\nsystems: []\nflavours: []\n", &s);
	assert_int_equal(s.builders.n, 1);
	assert_int_equal(s.systems.n, 1);
	settings_finish(&s);
}

/* ---- what does not go together ---- */

static void other_configurations_are_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "f: nixpkgs: set url (a git repository) or path (a tree on this machine)" },
		{ "nixpkgs: {url: u, path: /p}",
			"f: nixpkgs: set url (a git repository) or path (a tree on this machine)" },
		{ "nixpkgs: {url: --upload-pack=x}",
			"f: nixpkgs.url: '--upload-pack=x' is no URL" },
		{ "nixpkgs: {url: u, branches: []}", "f: nixpkgs.branches: name one at least" },
		{ "nixpkgs: {url: u, branches: [a, -b]}",
			"f: nixpkgs.branches: '-b' is no branch" },
		{ "nixpkgs: {url: u, branches: [a..b]}",
			"f: nixpkgs.branches: 'a..b' is no branch" },
		{ URL "systems: [x86_64 linux]", "f: systems: 'x86_64 linux' is no system" },
		{ URL "listen: [/run/x]",
			"f: listen: '/run/x': expected unix:/PATH or http://ADDRESS:PORT" },
		{ URL "listen: [\"unix:x\"]",
			"f: listen: 'unix:x': expected unix:/PATH or http://ADDRESS:PORT" },
		{ URL "flavours: [{name: a b}]", "f: flavours: 'a b' is no name" },
		{ URL "flavours: [{name: -a}]", "f: flavours: '-a' is no name" },
		{ URL "flavours: [{name: a}, {name: a}]", "f: flavours: two are called 'a'" },
		{ URL "flavours: [{name: a, overlays: [x.nix]}]",
			"f: flavours: a: overlays: 'x.nix' must be an absolute path" },
		{ URL "flavours: [{name: a, config: {cudaSupport: true}}]",
			"f: flavours: a: config: 'cudaSupport' is set by capq" },
		{ URL "flavours: [{name: a, config: {cudaCapabilities: []}}]",
			"f: flavours: a: config: 'cudaCapabilities' is set by capq" },
		{ URL "flavours: [{name: a, config: {cudaForwardCompat: true}}]",
			"f: flavours: a: config: 'cudaForwardCompat' is set by capq" },
		{ URL "flavours: [{name: a, config: {allowUnfree: true}}]",
			"f: flavours: a: config: 'allowUnfree' is set by capq" },
		{ URL "packages: [{attr: a..b, supported: []}]",
			"f: packages: a..b: attribute path 'a..b': an element is empty (two dots, or "
			"one at the edge)" },
		{ URL "packages: [{attr: a, supported: [\"86\"]}]",
			"f: packages: a: capability '86': write it as nixpkgs does, '8.6'" },
		{ URL "builders: [{name: .x}]", "f: builders: '.x' is no name" },
		{ URL "builders: [{name: a}, {name: a}]", "f: builders: two are called 'a'" },
		{ URL "builders: [{name: a, store: \"ssh-ng://h\"}]",
			"f: builders: a: store: this version builds in the local store alone: auto" },
		{ URL "builders: [{name: a, systems: [a b]}]",
			"f: builders: a: systems: 'a b' is no system" },
		{ URL "builders: [{name: a, features: [kvm big-parallel]}]",
			"f: builders: a: features: 'kvm big-parallel' is no feature" },
		{ URL "access: {rules: [{name: a}]}",
			"f: access.rules: a: set one of user, group and token_sha256" },
		{ URL "access: {rules: [{name: a, user: u, group: g}]}",
			"f: access.rules: a: set one of user, group and token_sha256" },
		{ URL "access: {rules: [{name: a, token_sha256: abc}]}",
			"f: access.rules: a: token_sha256 must be 64 hex digits in small letters" },
		{ URL "access: {rules: [{name: a, token_sha256: "
		      "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855}]}",
			"f: access.rules: a: token_sha256 must be 64 hex digits in small letters" },
		{ URL "nix_options: {sandbox: true}",
			"f: nix_options: sandbox: expected a text (put quotes around it)" },
		{ URL "nix_options: {--store: \"x\"}",
			"f: nix_options: '--store' is no setting of Nix" },
		{ URL "cache: {name: a/b}", "f: cache.name: 'a/b' is no name" },
		{ URL "cache: {name: /b}", "f: cache.name: '/b' is no name" },
		{ URL "cache: {name: a, host: cachix.org}",
			"f: cache.host: 'cachix.org': expected a URL such as https://cachix.org" },
		/* And what one key says for itself, with its line. */
		{ URL "log_level: loud",
			"f:2: log_level: 'loud' does not fit: expected one of broken, unusual, fact, "
			"detail" },
		{ URL "evaluator:\n  memory: 63MiB",
			"f:3: evaluator.memory: '63MiB' does not fit: expected a value within its "
			"limits (64MiB to 4TiB)" },
		{ URL "builder: []", "f:2: there is no key 'builder'; did you mean 'builders'?" },
		{ URL "build:\n  time_out: 1d",
			"f:3: there is no key 'build.time_out'; did you mean 'build.timeout'?" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settings s;
		struct err err = { 0 };

		assert_int_equal(
			settings_parse(cases[i].text, strlen(cases[i].text), "f", &s, &err),
			CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].why);
	}
}

static void a_name_has_at_most_100_bytes(void **state)
{
	struct settings s;
	struct err err;
	char text[200];

	(void)state;
	(void)snprintf(text, sizeof text, URL "cache: {name: %0100d}\n", 1);
	parse(text, &s);
	settings_finish(&s);
	(void)snprintf(text, sizeof text, URL "cache: {name: %0101d}\n", 1);
	assert_int_equal(settings_parse(text, strlen(text), "f", &s, &err), CAPQ_EINVAL);
	assert_true(str_starts(err.text, "f: cache.name: '000"));
}

/* Just what the limits say, and one beyond, for each number of the table. */
static void every_limit_is_kept(void **state)
{
	const struct config_table *table = settings_table();

	(void)state;
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct config_key *key = &table->keys[i];
		const char *unit = key->type == CONFIG_DURATION ? "ms" : "";
		const struct {
			int64_t value;
			int rv;
		} cases[] = {
			{ key->min, 0 },
			{ key->max, 0 },
			{ key->min - 1, CAPQ_EINVAL },
			{ key->max + 1, CAPQ_EINVAL },
		};

		if (key->type != CONFIG_INT && key->type != CONFIG_DURATION &&
			key->type != CONFIG_SIZE)
			continue;
		for (size_t j = 0; j < ARRAY_LEN(cases); j++) {
			cleanup_free char *text = str_format("nixpkgs.url: u\n%s: %lld%s\n",
				key->name, (long long)cases[j].value, unit);
			struct settings s;

			assert_int_equal(
				settings_parse(text, strlen(text), "f", &s, NULL), cases[j].rv);
			if (cases[j].rv == 0)
				settings_finish(&s);
		}
	}
}

/* ---- the whole way ---- */

static void what_is_shown_reads_as_the_same(void **state)
{
	static const char *const texts[] = { URL,
		"nixpkgs: {path: /x}\nflavours: [{name: a, config: {a: [1.50, \"\\u2028\"]}}]\n"
		"access: {rules: [{name: b, user: u}]}\nstop_grace: 1h\nkeep: {logs: 1m}\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		cleanup_str struct str once = { 0 }, twice = { 0 };
		struct settings s;

		parse(texts[i], &s);
		config_print(settings_table(), &s, &once);
		settings_finish(&s);
		parse(str_text(&once), &s);
		config_print(settings_table(), &s, &twice);
		settings_finish(&s);
		assert_string_equal(str_text(&once), str_text(&twice));
	}
}

static void the_example_is_taken(void **state)
{
	cleanup_str struct str text = { 0 };
	struct settings s;

	(void)state;
	config_print_example(settings_table(), &text);
	str_add(&text, "\nnixpkgs.path: /x\n"); /* The one thing that it cannot know. */
	parse(str_text(&text), &s);
	settings_finish(&s);
}

static void files(void **state)
{
	char path[] = "/tmp/capq-test-XXXXXX";
	cleanup_free char *why = NULL;
	int fd = mkstemp(path);
	struct settings s;
	struct err err;

	(void)state;
	assert_int_equal(write(fd, URL "cache: {name: -}\n", 34), 34);
	assert_int_equal(settings_read(path, &s, &err), CAPQ_EINVAL);
	why = str_format("%s: cache.name: '-' is no name", path);
	assert_string_equal(err.text, why);
	assert_int_equal(pwrite(fd, "a", 1, 32), 1);
	assert_int_equal(settings_read(path, &s, NULL), 0);
	assert_string_equal(s.cache.name, "a");
	settings_finish(&s);
	(void)close(fd);
	(void)unlink(path);
	assert_int_equal(settings_read(path, &s, &err), CAPQ_ENOTFOUND);
}

static void the_native_system(void **state)
{
	struct utsname name;

	(void)state;
	assert_int_equal(uname(&name), 0);
	assert_true(str_starts(settings_native_system(), name.machine));
	assert_true(str_ends(settings_native_system(), "-linux"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(every_default),
		cmocka_unit_test(a_full_configuration),
		cmocka_unit_test(the_default_flavour_always_exists),
		cmocka_unit_test(a_package_is_meant_by_its_path_or_its_name),
		cmocka_unit_test(empty_lists_are_as_left_out),
		cmocka_unit_test(other_configurations_are_refused),
		cmocka_unit_test(a_name_has_at_most_100_bytes),
		cmocka_unit_test(every_limit_is_kept),
		cmocka_unit_test(what_is_shown_reads_as_the_same),
		cmocka_unit_test(the_example_is_taken),
		cmocka_unit_test(files),
		cmocka_unit_test(the_native_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
