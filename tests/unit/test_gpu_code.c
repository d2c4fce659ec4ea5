/* GPU code in files: all fixtures, against what was asked of the compiler that made them. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/gpu_files.h"
#include "lib/inflate.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "tests/support/fixture.h"

/* What was said about one file: "sm_80 sm_90" for each set, or the error. */
struct said {
	size_t n_files, n_errors;
	char *sass, *ptx, *lto, *sass_in_all, *ptx_in_all, *stub_only;
	int64_t units;
	struct err err;
};

static char *names(const struct gpu_code *code, const char *prefix, uint64_t set)
{
	struct gpu_arch archs[GPU_ARCHS_MAX];
	size_t n = gpu_code_list(code, set, archs);
	struct str out = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			str_add_char(&out, ' ');
		gpu_arch_add_name(&out, prefix, archs[i]);
	}
	return str_take(&out);
}

static void on_file(void *owner, const char *path, const struct gpu_code *code)
{
	struct said *said = owner;

	(void)path;
	if (said->n_files++ > 0)
		return;
	said->sass = names(code, "sm_", code->any.sass);
	said->ptx = names(code, "compute_", code->any.ptx);
	said->lto = names(code, "lto_", code->any.lto);
	said->sass_in_all = names(code, "sm_", gpu_code_sass_in_all(code));
	said->ptx_in_all = names(code, "compute_", gpu_code_ptx_in_all(code));
	said->stub_only = names(code, "sm_", gpu_code_stub_only(code));
	said->units = (int64_t)code->n_units;
}

static void on_error(void *owner, const char *path, const struct err *err)
{
	struct said *said = owner;

	(void)path;
	said->n_errors++;
	said->err = *err;
}

static void ask(const char *path, struct said *out)
{
	const struct gpu_files_reader reader = { on_file, on_error, out };

	*out = (struct said){ 0 };
	gpu_files_read(path, &reader);
}

static void forget(struct said *said)
{
	free(said->sass);
	free(said->ptx);
	free(said->lto);
	free(said->sass_in_all);
	free(said->ptx_in_all);
	free(said->stub_only);
}

/* ---- the manifest ---- */

static void expect(const char *path, const struct json *wanted, const char *name, const char *said)
{
	cleanup_str struct str list = { 0 };

	for (const struct json *v = json_first(json_get(wanted, name)); v != NULL; v = json_next(v))
		str_addf(&list, "%s%s", list.len > 0 ? " " : "", json_text(v));
	if (strcmp(str_text(&list), said) != 0)
		fail_msg("%s: %s is '%s', not '%s'", path, name, str_text(&list), said);
}

static void expect_code(const char *path, const struct json *wanted, const struct said *said)
{
	int64_t units;

	if (said->n_errors > 0)
		fail_msg("%s: %s", path, said->err.text);
	if (said->n_files != 1)
		fail_msg("%s: nothing was found", path);
	expect(path, wanted, "sass", said->sass);
	expect(path, wanted, "ptx", said->ptx);
	expect(path, wanted, "lto", said->lto);
	expect(path, wanted, "sass_in_all", said->sass_in_all);
	expect(path, wanted, "ptx_in_all", said->ptx_in_all);
	expect(path, wanted, "stub_only", said->stub_only);
	assert_true(json_int(json_get(wanted, "units"), &units));
	if (units != said->units)
		fail_msg("%s: units are %d, not %d", path, (int)units, (int)said->units);
}

static void expect_error(const char *path, const char *wanted, const struct said *said)
{
	if (said->n_errors != 1 || said->n_files > 0)
		fail_msg("%s: it is damaged, and was taken", path);
	if (wanted != NULL && strcmp(said->err.text, wanted) != 0)
		fail_msg("%s: '%s', not '%s'", path, said->err.text, wanted);
}

static void check_fixture(const struct json *wanted)
{
	const char *path = json_text(json_get(wanted, "path"));
	cleanup_free char *name = str_format("fatbin/%s", path);
	cleanup_free char *whole = fixture_path(name);
	struct said said;

	ask(whole, &said);
	if (json_get(wanted, "nothing") != NULL)
		assert_int_equal(said.n_files + said.n_errors, 0);
	else if (json_get(wanted, "error") != NULL)
		expect_error(path, json_text(json_get(wanted, "error")), &said);
	else
		expect_code(path, wanted, &said);
	forget(&said);
}

static void every_fixture_is_read_as_it_was_asked_for(void **state)
{
	size_t len;
	cleanup_free char *text = fixture_read("fatbin/manifest.json", &len);
	cleanup_json struct json *manifest = NULL;

	(void)state;
	assert_int_equal(json_parse(text, len, &manifest, NULL), 0);
	assert_true(json_count(manifest) > 90);
	for (const struct json *v = json_first(manifest); v != NULL; v = json_next(v))
		check_fixture(v);
}

/* ---- damage of every kind ---- */

static void read_bytes(const char *at, size_t len)
{
	cleanup_free char *copy = xmalloc(len + 1); /* So that a look beyond the end is seen. */
	struct gpu_code code;
	struct err err = { 0 };
	int rv;

	memcpy(copy, at, len);
	rv = gpu_code_read((struct bytes){ (unsigned char *)copy, len }, NULL, &code, &err);
	assert_true(rv == 0 || err.text[0] != '\0');
	gpu_code_finish(&code);
}

static void cut_off_anywhere(void **state)
{
	static const char *const fixtures[] = { "arch_100f.fatbin", "arch_90a.cubin",
		"mode_size.so", "long_names.a", "bsd.a", "cuda12.fatbin", "aarch64_linked.so",
		"ppc64_linked.so", "rdc.o" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fixtures); i++) {
		cleanup_free char *name = str_format("fatbin/%s", fixtures[i]);
		size_t len;
		cleanup_free char *bytes = fixture_read(name, &len);

		for (size_t n = 0; n < len; n += n < 400 || n + 400 > len ? 1 : 37)
			read_bytes(bytes, n);
	}
}

static void more_architectures_than_there_can_be(void **state)
{
	struct gpu_code code;
	struct str container = { 0 };
	struct err err;
	unsigned char head[16] = { 0x50, 0xed, 0x55, 0xba, 1, 0, 16, 0 };

	(void)state;
	str_add_bytes(&container, head, sizeof head);
	for (unsigned i = 0; i < GPU_ARCHS_MAX + 1; i++) {
		unsigned char entry[64] = { 1, 0, 1, 1, 64 };

		entry[0x1c] = (unsigned char)(i + 1);
		str_add_bytes(&container, entry, sizeof entry);
	}
	for (unsigned i = 0; i < 2; i++) {
		uint64_t size = container.len - 16 - (i == 0 ? 64 : 0);
		struct bytes file = { (unsigned char *)container.text, size + 16 };

		container.text[8] = (char)(size & 0xff);
		container.text[9] = (char)(size >> 8);
		assert_int_equal(gpu_code_read(file, NULL, &code, &err), i == 0 ? 0 : CAPQ_ETOOBIG);
		gpu_code_finish(&code);
	}
	assert_string_equal(err.text, "container at 0x0: there are more than 64 architectures");
	str_free(&container);
}

static void archives_in_archives_have_a_bound(void **state)
{
	struct gpu_code code;
	struct err err = { 0 };
	struct str whole = { 0 };

	(void)state;
	str_add(&whole, "!<arch>\n");
	for (int depth = 1; depth <= 5; depth++) {
		char *inner = str_take(&whole);
		size_t len = strlen(inner);

		assert_int_equal(gpu_code_read((struct bytes){ (unsigned char *)inner, len }, NULL,
					 &code, &err),
			depth <= 4 ? 0 : CAPQ_ETOOBIG);
		gpu_code_finish(&code);
		str_addf(&whole, "!<arch>\n%-16s%-12d%-6d%-6d%-8d%-10zu`\n%s", "inner.a/", 0, 0, 0,
			644, len, inner);
		free(inner);
	}
	assert_string_equal(err.text, "inner.a: inner.a: inner.a: inner.a: archives in archives, 4 "
				      "deep");
	str_free(&whole);
}

static void members_of_thin_archives_are_elsewhere(void **state)
{
	size_t len;
	cleanup_free char *bytes = fixture_read("fatbin/thin.a", &len);
	struct gpu_code code;
	struct err err;

	(void)state;
	assert_int_equal(
		gpu_code_read((struct bytes){ (unsigned char *)bytes, len }, NULL, &code, &err),
		CAPQ_EINVAL);
	assert_string_equal(err.text, "one.o: it is in a file of its own");
	gpu_code_finish(&code);
}

/* ---- directories ---- */

static void copy(const char *fixture, const char *path)
{
	size_t len;
	cleanup_free char *bytes = fixture_read(fixture, &len);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void directories_are_read_whole(void **state)
{
	char folder[] = "/tmp/capq-gpu-code-XXXXXX";
	cleanup_free char *fixture = fixture_path("fatbin/one.o");
	struct said said;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(mkdir("inner", 0755), 0);
	assert_int_equal(symlink(fixture, "inner/link.o"), 0);
	assert_int_equal(symlink("/nowhere", "inner/broken"), 0);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	ask(folder, &said); /* Links below are not followed, and nobody waits for a pipe. */
	assert_int_equal(said.n_files + said.n_errors, 0);
	ask("inner/link.o", &said);
	assert_int_equal(said.n_files, 1);
	forget(&said);
	ask("inner/broken", &said);
	assert_int_equal(said.err.code, CAPQ_ENOTFOUND);
	ask("nowhere", &said);
	assert_int_equal(said.err.code, CAPQ_ENOTFOUND);
	copy("fatbin/one.o", "inner/one.o");
	ask(folder, &said);
	assert_int_equal(said.n_files, 1);
	forget(&said);
	assert_int_equal(unlink("inner/link.o") | unlink("inner/broken") | unlink("pipe") |
				 unlink("inner/one.o") | rmdir("inner") | rmdir(folder),
		0);
}

/* ---- LZ4 ---- */

static void lz4_blocks_are_inflated_or_refused(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out; /* NULL: refused. */
		size_t size;
	} cases[] = {
		{ "\x00", 1, "", 0 },
		{ "\x30"
		  "abc",
			4, "abc", 3 },
		{ "\x30"
		  "abc",
			4, NULL, 4 },
		{ "\x30"
		  "ab",
			3, NULL, 2 },
		{ "\x14"
		  "a\x01\x00\x10z",
			6, "aaaaaaaaaz", 10 }, /* The match overlaps itself. */
		{ "\x14"
		  "a\x01\x00\x10z",
			6, NULL, 9 },
		{ "\x14"
		  "a\x02\x00\x10z",
			6, NULL, 10 }, /* From before the beginning. */
		{ "\x14"
		  "a\x00\x00\x10z",
			6, NULL, 10 },
		{ "\x14"
		  "a\x01",
			3, NULL, 10 },
		{ "\x1f"
		  "a\x01\x00\x03\x10z",
			7, "aaaaaaaaaaaaaaaaaaaaaaaz", 24 },
		{ "\xf0\x01"
		  "0123456789abcdef",
			18, "0123456789abcdef", 16 },
		{ "\xf0\xff\xff", 3, NULL, 600 }, /* The length has no end. */
		{ "", 0, "", 0 },
		{ "", 0, NULL, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free unsigned char *out = xcalloc(cases[i].size + 1, 1);
		struct bytes in = { (const unsigned char *)cases[i].in, cases[i].len };

		assert_int_equal(inflate_lz4(in, out, cases[i].size), cases[i].out != NULL);
		if (cases[i].out != NULL)
			assert_memory_equal(out, cases[i].out, cases[i].size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fixture_is_read_as_it_was_asked_for),
		cmocka_unit_test(cut_off_anywhere),
		cmocka_unit_test(more_architectures_than_there_can_be),
		cmocka_unit_test(archives_in_archives_have_a_bound),
		cmocka_unit_test(members_of_thin_archives_are_elsewhere),
		cmocka_unit_test(directories_are_read_whole),
		cmocka_unit_test(lz4_blocks_are_inflated_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
