/* Merging thin builds: against what nvcc makes for both capabilities, and what must be refused. */
#include "tests/support/cmocka_all.h"

#include <dlfcn.h>
#include <elf.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/gpu_code.h"
#include "lib/gpu_host.h"
#include "lib/gpu_merge.h"
#include "lib/host_same.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "tests/support/fixture.h"

/* ---- files ---- */

static struct gpu_merge_input load(const char *name)
{
	cleanup_free char *path = str_format("merge/%s", name);
	size_t len;
	char *bytes = fixture_read(path, &len);

	return (struct gpu_merge_input){ .file = { (unsigned char *)bytes, len } };
}

static void unload(struct gpu_merge_input *file)
{
	free((void *)(uintptr_t)file->file.at);
}

static int append(void *owner, struct bytes part, struct err *err)
{
	struct str *out = owner;

	(void)err;
	for (uint64_t i = 0; part.at == NULL && i < part.size; i++)
		str_add_char(out, '\0');
	if (part.at != NULL)
		str_add_bytes(out, part.at, part.size);
	return 0;
}

/* Merge, read the result again, and give it; `*out_is_base` when there was nothing to do. */
static int merge(const struct gpu_merge_input *inputs, size_t n, struct gpu_merge_input *out,
	bool *out_is_base, struct err *err)
{
	struct str bytes = { 0 };
	struct spliced result;
	size_t culprit;
	int rv = gpu_merge(inputs, n, &result, &culprit, err);

	if (rv < 0)
		return rv;
	*out_is_base = spliced_is_base(&result);
	assert_int_equal(spliced_write(&result, append, &bytes, err), 0);
	assert_int_equal(bytes.len, result.size);
	spliced_finish(&result);
	*out = (struct gpu_merge_input){ .file = { (unsigned char *)bytes.text, bytes.len } };
	if (gpu_merge_verify(out, inputs, n, err) < 0)
		fail_msg("%s", err->text);
	return 0;
}

static void expect_equal(struct gpu_merge_input a, struct gpu_merge_input b)
{
	assert_int_equal(a.file.size, b.file.size);
	assert_memory_equal(a.file.at, b.file.at, a.file.size);
}

/* ---- what is merged ---- */

/* `n_equal` of the containers are, byte for byte, those of the fat build. */
static void expect_containers(
	const struct gpu_merge_input *merged, const char *fat_name, size_t n_equal)
{
	struct gpu_merge_input fat = load(fat_name);
	struct gpu_host a, b;
	size_t n = 0;

	assert_int_equal(gpu_host_read(merged->file, &a, NULL), 0);
	assert_int_equal(gpu_host_read(fat.file, &b, NULL), 0);
	assert_int_equal(a.n_containers, b.n_containers);
	for (size_t i = 0; i < a.n_containers; i++)
		n += a.containers[i].whole.size == b.containers[i].whole.size &&
		     memcmp(a.containers[i].whole.at, b.containers[i].whole.at,
			     a.containers[i].whole.size) == 0;
	if (n != n_equal)
		fail_msg("%s: %zu of %zu containers are equal", fat_name, n, a.n_containers);
	gpu_host_finish(&a);
	gpu_host_finish(&b);
	unload(&fat);
}

static void thin_builds_become_what_nvcc_makes(void **state)
{
	static const struct {
		const char *thin[2], *fat;
		size_t n_equal;
	} cases[] = {
		{ { "code_80.so", "code_90.so" }, "code_fat.so", 2 },
		{ { "tiny_80.so", "tiny_90.so" }, "tiny_fat.so", 1 },
		{ { "arm64_80.so", "arm64_90.so" }, "arm64_fat.so", 1 },
		/* What nvlink made has names of temporary files in it. */
		{ { "rdc_80.so", "rdc_90.so" }, "rdc_fat.so", 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct gpu_merge_input thin[2] = { load(cases[i].thin[0]), load(cases[i].thin[1]) };
		struct gpu_merge_input merged;
		struct err err;
		bool is_base;

		if (merge(thin, 2, &merged, &is_base, &err) < 0)
			fail_msg("%s: %s", cases[i].fat, err.text);
		assert_false(is_base);
		expect_containers(&merged, cases[i].fat, cases[i].n_equal);
		unload(&merged);
		unload(&thin[0]);
		unload(&thin[1]);
	}
}

static void whatever_is_merged_is_merged_but_once(void **state)
{
	static const char *const pairs[][2] = { { "code_80.so", "code_90.so" },
		{ "code_90.so", "code_80.so" }, { "packed_80.so", "packed_90.so" },
		{ "rdc_80.so", "rdc_90.so" }, { "lld_80.so", "lld_90.so" },
		{ "program_80", "program_90" }, { "tiny_80.so", "tiny_90.so" },
		{ "arm64_80.so", "arm64_90.so" }, { "arm64_90.so", "arm64_80.so" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct gpu_merge_input in[2] = { load(pairs[i][0]), load(pairs[i][1]) };
		struct gpu_merge_input merged, again;
		bool is_base;
		struct err err;

		if (merge(in, 2, &merged, &is_base, &err) < 0)
			fail_msg("%s: %s", pairs[i][0], err.text);
		for (size_t other = 0; other < 2; other++) {
			const struct gpu_merge_input both[] = { merged, in[other] };

			if (merge(both, 2, &again, &is_base, &err) < 0)
				fail_msg("%s again: %s", pairs[i][0], err.text);
			assert_true(is_base);
			expect_equal(again, merged);
			unload(&again);
			assert_int_equal(merge(in, 1, &again, &is_base, &err), 0);
			expect_equal(again, in[0]);
			unload(&again);
		}
		unload(&merged);
		unload(&in[0]);
		unload(&in[1]);
	}
}

/* One after the other, or all at once: the tail that was added is made anew. */
static void the_order_of_merging_does_not_matter(void **state)
{
	struct gpu_merge_input in[3] = { load("code_80.so"), load("code_90.so"),
		load("packed_90.so") };
	struct gpu_merge_input step, last, at_once;
	bool is_base;
	struct err err;

	(void)state;
	assert_int_equal(merge(in, 2, &step, &is_base, &err), 0);
	{
		const struct gpu_merge_input more[] = { step, in[2] };

		assert_int_equal(merge(more, 2, &last, &is_base, &err), 0);
		assert_false(is_base);
	}
	assert_int_equal(merge(in, 3, &at_once, &is_base, &err), 0);
	expect_equal(last, at_once);
	unload(&step);
	unload(&last);
	unload(&at_once);
	for (size_t i = 0; i < 3; i++)
		unload(&in[i]);
}

/* ---- what is refused ---- */

static void what_differs_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *names[2], *reason;
	} cases[] = {
		{ { "asks_80.so", "asks_90.so" },
			"host code differs: .text+0x25c is 20 03 00 00 and 84 03 00 00" },
		{ { "names_80.so", "names_90.so" },
			"host code differs: .rodata+0x0 is 38 30 30 00 and 39 30 30 00" },
		{ { "tiny_80.so", "kernels_90.so" },
			"container 0 (at 0x290): compute_80 has the kernel one, compute_90 has "
			"not" },
		{ { "code_80.so", "units_80.so" }, "they have 2 and 1 containers" },
		{ { "code_80.so", "rdc_80.so" }, "they have 2 and 3 containers" },
		{ { "tiny_80.so", "arm64_80.so" }, "their ELF headers differ" },
		{ { "fixed_80", "fixed_90" },
			"sections have moved, and in a program for a fixed address (not PIE) "
			"nothing tells addresses from other numbers" },
		{ { "lld_80.so", "tiny_80.so" }, "they have 30 and 18 sections" },
		{ { "../fatbin/one.o", "../fatbin/one.o" },
			"it is no library or program of a little-endian machine" },
		{ { "../fatbin/arch_80.fatbin", "code_80.so" },
			"it is no ELF file of 64 bits, or cut off" },
		{ { "../fatbin/no_sections.so", "../fatbin/no_sections.so" },
			"it has no table of sections" },
		{ { "../fatbin/aarch64_dangling.so", "../fatbin/aarch64_dangling.so" },
			"wrapper 0 points to 0x11008, where no container is" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct gpu_merge_input in[2] = { load(cases[i].names[0]), load(cases[i].names[1]) };
		struct gpu_merge_input merged;
		struct err err = { 0 };
		bool is_base;

		assert_int_equal(merge(in, 2, &merged, &is_base, &err), CAPQ_EINVAL);
		if (strcmp(err.text, cases[i].reason) != 0)
			fail_msg("%s: '%s'", cases[i].names[0], err.text);
		unload(&in[0]);
		unload(&in[1]);
	}
}

static void the_same_architecture_has_the_same_code(void **state)
{
	struct gpu_merge_input in[2] = { load("tiny_80.so"), load("tiny_80.so") }, merged;
	unsigned char *changed = (unsigned char *)(uintptr_t)in[1].file.at;
	uint64_t at = bytes_find(in[1].file, 0, "bar.sync", 8);
	struct err err;
	bool is_base;

	(void)state;
	assert_true(at != UINT64_MAX);
	changed[at + 9] = '1'; /* Another barrier. */
	assert_int_equal(merge(in, 2, &merged, &is_base, &err), CAPQ_EINVAL);
	assert_string_equal(
		err.text, "container 0 (at 0x290): both have compute_80, and it differs");
	unload(&in[0]);
	unload(&in[1]);
}

/* What is loaded, but for device code and the build id. */
static bool counts(const struct gpu_host *host, uint64_t i)
{
	struct elf_section section = elf_section(&host->elf, i);

	return (section.flags & SHF_ALLOC) && section.type != SHT_NOBITS &&
	       !gpu_host_is_device_section(host, i) && strcmp(section.name, HOST_BUILD_ID) != 0;
}

static void change_each_byte(const char *left, const char *right, unsigned char change)
{
	struct gpu_merge_input in[2] = { load(left), load(right) };
	unsigned char *bytes = (unsigned char *)(uintptr_t)in[1].file.at;
	struct gpu_host host;

	assert_int_equal(gpu_host_read(in[1].file, &host, NULL), 0);
	for (uint64_t i = 1; i < host.elf.n_sections; i++) {
		struct elf_section section = elf_section(&host.elf, i);

		for (uint64_t at = 0; counts(&host, i) && at < section.size; at++) {
			struct spliced result;
			size_t culprit;

			bytes[section.offset + at] ^= change;
			if (gpu_merge(in, 2, &result, &culprit, NULL) == 0)
				fail_msg("%s: %s+0x%x may be changed by 0x%x", right, section.name,
					(unsigned)at, change);
			bytes[section.offset + at] ^= change;
		}
	}
	gpu_host_finish(&host);
	unload(&in[0]);
	unload(&in[1]);
}

/* In particular constants that change by as much as sections have moved. */
static void no_byte_of_the_host_may_change(void **state)
{
	static const unsigned char changes[] = { 0x01, 0x10, 0x30, 0x80 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		change_each_byte("code_80.so", "code_90.so", changes[i]);
		change_each_byte("tiny_80.so", "tiny_90.so", changes[i]);
		change_each_byte("arm64_80.so", "arm64_90.so", changes[i]);
		change_each_byte("tiny_80.so", "tiny_80.so", changes[i]);
	}
}

/* Which stacks may be executed, for one. */
static void no_segment_may_change(void **state)
{
	struct gpu_merge_input in[2] = { load("code_80.so"), load("code_90.so") };
	unsigned char *bytes = (unsigned char *)(uintptr_t)in[1].file.at;
	struct elf elf;

	(void)state;
	assert_true(elf_read(in[1].file, &elf));
	for (uint64_t i = 0; i < elf.n_segments; i++) {
		uint64_t at =
			elf.segments_at + i * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_flags);
		struct spliced result;
		size_t culprit;
		struct err err;

		bytes[at] ^= PF_X;
		assert_int_equal(gpu_merge(in, 2, &result, &culprit, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, "their program headers differ");
		bytes[at] ^= PF_X;
	}
	unload(&in[0]);
	unload(&in[1]);
}

static void cut_off_anywhere(void **state)
{
	struct gpu_merge_input in[2] = { load("tiny_80.so"), load("tiny_90.so") };
	uint64_t size = in[1].file.size;

	(void)state;
	for (uint64_t n = 0; n < size; n += n < 400 || n + 400 > size ? 1 : 7) {
		cleanup_free unsigned char *copy = xmalloc(n + 1);
		struct gpu_merge_input cut[2] = { in[0], { .file = { copy, n } } };
		struct spliced result;
		size_t culprit;
		struct err err = { 0 };

		memcpy(copy, in[1].file.at, n);
		assert_int_equal(gpu_merge(cut, 2, &result, &culprit, &err), CAPQ_EINVAL);
		assert_int_equal(culprit, 1);
	}
	unload(&in[0]);
	unload(&in[1]);
}

/* As strip(1) leaves it: the list is right, and the program would crash. */
static void what_was_stripped_afterwards_is_damaged(void **state)
{
	struct gpu_merge_input in[2] = { load("code_80.so"), load("code_90.so") }, merged;
	unsigned char *bytes;
	struct gpu_code code;
	struct elf elf;
	struct err err;
	bool is_base;

	(void)state;
	assert_int_equal(merge(in, 2, &merged, &is_base, &err), 0);
	assert_true(elf_read(merged.file, &elf));
	bytes = (unsigned char *)(uintptr_t)merged.file.at;
	for (uint64_t i = 0; i < elf.n_segments; i++)
		if (elf_segment(&elf, i).offset == elf.segments_at)
			bytes[elf.segments_at + i * sizeof(Elf64_Phdr) +
				offsetof(Elf64_Phdr, p_vaddr) + 1] -= 0x20;
	assert_int_equal(gpu_code_read(merged.file, NULL, &code, &err), CAPQ_EINVAL);
	gpu_code_finish(&code);
	if (strncmp(err.text, "segments overlap in memory at 0x", 32) != 0)
		fail_msg("%s", err.text);
	unload(&merged);
	unload(&in[0]);
	unload(&in[1]);
}

/* ---- store paths ---- */

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void own_store_paths_are_no_difference(void **state)
{
	static const char a[] = "x /nix/store/" HASH_A "-p/lib y",
			  b[] = "x /nix/store/" HASH_B "-p/lib y";
	const struct bytes x = { (const unsigned char *)a, sizeof a },
			   y = { (const unsigned char *)b, sizeof b };

	(void)state;
	assert_int_equal(
		store_refs_differ(x, y, (struct store_refs){ HASH_A, HASH_B }, 0), sizeof a);
	assert_int_equal(store_refs_differ(x, y, (struct store_refs){ HASH_B, HASH_A }, 0), 13);
	assert_int_equal(store_refs_differ(x, y, (struct store_refs){ NULL, NULL }, 0), 13);
	assert_int_equal(store_refs_differ(x, y, (struct store_refs){ HASH_A, HASH_A }, 0), 13);
	assert_int_equal(store_refs_differ(
				 x, bytes_part(y, 0, 20), (struct store_refs){ HASH_A, HASH_A }, 0),
		13);
	assert_true(store_refs_same_text(a, b, (struct store_refs){ HASH_A, HASH_B }));
	assert_false(store_refs_same_text(a, b + 1, (struct store_refs){ HASH_A, HASH_B }));
}

static void own_store_paths_are_replaced(void **state)
{
	static const char a[] = HASH_A " " HASH_A " " HASH_A;
	struct spliced s;
	cleanup_str struct str out = { 0 };

	(void)state;
	spliced_init(&s, (struct bytes){ (const unsigned char *)a, sizeof a - 1 });
	assert_int_equal(store_refs_replace(&s, HASH_A, NULL), 3);
	assert_true(spliced_is_base(&s));
	spliced_put(&s, STORE_HASH_LEN + 2, (struct bytes){ (const unsigned char *)"!", 1 });
	assert_int_equal(store_refs_replace(&s, HASH_A, HASH_B), 2);
	assert_int_equal(spliced_write(&s, append, &out, NULL), 0);
	assert_string_equal(out.text, HASH_B " a!aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa " HASH_B);
	spliced_finish(&s);
}

/* ---- loading ---- */

/* The dynamic linker finds what the wrappers lead to. */
static void merged_libraries_can_be_loaded(void **state)
{
	struct gpu_merge_input in[3] = { load("code_80.so"), load("code_90.so"),
		load("packed_90.so") };
	char path[] = "/tmp/capq-merged-XXXXXX";
	int fd = mkstemp(path);
	struct gpu_merge_input merged;
	void *runtime, *library;
	const char *(*pick)(int);
	int (*run)(int);
	bool is_base;
	struct err err;

	(void)state;
	assert_int_equal(merge(in, 3, &merged, &is_base, &err), 0);
	assert_int_equal(write(fd, merged.file.at, merged.file.size), merged.file.size);
	assert_int_equal(close(fd), 0);
	runtime = dlopen(FAKE_CUDART, RTLD_NOW | RTLD_GLOBAL);
	assert_non_null(runtime);
	library = dlopen(path, RTLD_NOW);
	if (library == NULL)
		fail_msg("%s", dlerror());
	assert_string_equal(dlsym(runtime, "fake_cudart_log"), "2/80 2/90 1/90 ;2/80 2/90 1/90 ;");
	*(void **)&pick = dlsym(library, "pick");
	*(void **)&run = dlsym(library, "run");
	assert_string_equal(pick(1), "def");
	assert_string_equal(pick(5), "five");
	assert_int_equal(run(4), 4); /* It throws, and catches. */
	assert_int_equal(dlclose(library), 0);
	assert_int_equal(dlclose(runtime), 0);
	assert_int_equal(unlink(path), 0);
	unload(&merged);
	for (size_t i = 0; i < 3; i++)
		unload(&in[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thin_builds_become_what_nvcc_makes),
		cmocka_unit_test(whatever_is_merged_is_merged_but_once),
		cmocka_unit_test(the_order_of_merging_does_not_matter),
		cmocka_unit_test(what_differs_is_refused_with_the_reason),
		cmocka_unit_test(the_same_architecture_has_the_same_code),
		cmocka_unit_test(no_byte_of_the_host_may_change),
		cmocka_unit_test(no_segment_may_change),
		cmocka_unit_test(cut_off_anywhere),
		cmocka_unit_test(what_was_stripped_afterwards_is_damaged),
		cmocka_unit_test(own_store_paths_are_no_difference),
		cmocka_unit_test(own_store_paths_are_replaced),
#ifdef __x86_64__
		cmocka_unit_test(merged_libraries_can_be_loaded),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
