/* GPU code in files of several GB, and in such that have more sections or segments than their
 * header can say. */
#include "tests/support/cmocka_all.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fatbin.h"
#include "lib/gpu_files.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "tests/support/fixture.h"

#define GIB (UINT64_C(1) << 30)

static const char names[] = "\0.nv_fatbin\0.shstrtab";

/* Where things are in the file. */
struct shape {
	uint64_t n_sections;
	uint64_t table_at, names_at, code_at;
};

static void put(FILE *file, uint64_t at, const void *bytes, size_t size)
{
	assert_int_equal(fseeko(file, (off_t)at, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
}

/* An object: the header, a container at `code_at`, the table, of which the last but one section is
 * the container's. */
static void write_object(const char *path, const struct shape *shape)
{
	const uint64_t n = shape->n_sections, code = n - 2, texts = n - 1;
	size_t size;
	cleanup_free char *container = fixture_read("fatbin/arch_90a.fatbin", &size);
	Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
		.e_type = ET_REL,
		.e_machine = EM_X86_64,
		.e_version = 1,
		.e_shoff = shape->table_at,
		.e_ehsize = sizeof header,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = n < SHN_LORESERVE ? (Elf64_Half)n : 0,
		.e_shstrndx = texts < SHN_LORESERVE ? (Elf64_Half)texts : SHN_XINDEX };
	Elf64_Shdr first = { .sh_size = n < SHN_LORESERVE ? 0 : n,
		.sh_link = texts < SHN_LORESERVE ? 0 : (Elf64_Word)texts };
	Elf64_Shdr rows[] = { { .sh_name = 1,
				      .sh_type = SHT_PROGBITS,
				      .sh_flags = SHF_ALLOC,
				      .sh_offset = shape->code_at,
				      .sh_size = size },
		{ .sh_name = 12,
			.sh_type = SHT_STRTAB,
			.sh_offset = shape->names_at,
			.sh_size = sizeof names } };
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	put(file, 0, &header, sizeof header);
	put(file, shape->code_at, container, size);
	put(file, shape->names_at, names, sizeof names);
	put(file, shape->table_at, &first, sizeof first);
	put(file, shape->table_at + code * sizeof(Elf64_Shdr), rows, sizeof rows);
	assert_int_equal(fclose(file), 0);
}

struct said {
	size_t n_files, n_errors;
	size_t n_units;
	struct gpu_arch arch;
};

static void on_file(void *owner, const char *path, const struct gpu_code *code)
{
	struct said *said = owner;

	(void)path;
	said->n_files++;
	said->n_units = code->n_units;
	said->arch = code->archs[0];
}

static void on_error(void *owner, const char *path, const struct err *err)
{
	struct said *said = owner;

	said->n_errors++;
	print_message("%s: %s\n", path, err->text);
}

static void expect_code(const struct shape *shape)
{
	char path[] = "/tmp/capq-gpu-large-XXXXXX";
	int fd = mkstemp(path);
	struct said said = { .n_files = 0 };
	const struct gpu_files_reader reader = { on_file, on_error, &said };

	assert_true(fd >= 0 && close(fd) == 0);
	write_object(path, shape);
	gpu_files_read(path, &reader);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(said.n_errors, 0);
	assert_int_equal(said.n_files, 1);
	assert_int_equal(said.n_units, 1);
	assert_int_equal(said.arch.number, 90);
	assert_int_equal(said.arch.suffix, 'a');
}

/* Most of it is holes, which take no place on the disk. */
static void behind_the_first_gigabytes(void **state)
{
	(void)state;
	expect_code(&(struct shape){ 4, 64, 4096, 8192 });
	expect_code(&(struct shape){ 4, 4 * GIB + 64, 5 * GIB, 6 * GIB });
	expect_code(&(struct shape){ 4, 7 * GIB, 5 * GIB, 4 * GIB - 8 });
}

static void more_sections_than_the_header_can_say(void **state)
{
	(void)state;
	expect_code(&(struct shape){ SHN_LORESERVE - 1, 65536, 64, 1024 });
	expect_code(&(struct shape){ SHN_LORESERVE, 65536, 64, 1024 });
	expect_code(&(struct shape){ 70000, 65536, 64, 1024 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behind_the_first_gigabytes),
		cmocka_unit_test(more_sections_than_the_header_can_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
