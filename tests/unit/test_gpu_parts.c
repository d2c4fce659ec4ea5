/* What reading GPU code is made of: numbers from outside, ELF headers, cubins, archives, entries.
 */
#include "tests/support/cmocka_all.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "lib/ar.h"
#include "lib/cubin.h"
#include "lib/fatbin.h"
#include "lib/mem.h"
#include "lib/str.h"

/* ---- numbers ---- */

static void nothing_is_beyond_the_end(void **state)
{
	const unsigned char memory[] = { 1, 2, 3, 4, 0, 'a', 'b', 0, 'c' };
	const struct bytes b = { memory, sizeof memory }, none = { NULL, 0 };

	(void)state;
	assert_true(bytes_hold(b, 0, 9));
	assert_true(bytes_hold(b, 9, 0));
	assert_false(bytes_hold(b, 1, 9));
	assert_false(bytes_hold(b, 10, 0));
	assert_false(bytes_hold(b, 8, UINT64_MAX)); /* Their sum is 7. */
	assert_false(bytes_hold(b, UINT64_MAX, 2));
	assert_null(bytes_part(b, 8, 2).at);
	assert_int_equal(bytes_from(b, 7).size, 2);
	assert_int_equal(bytes_from(b, 10).size, 0);
	assert_int_equal(bytes_u16(b, 0), 0x0201);
	assert_int_equal(bytes_number(b, 0, 4, true), 0x01020304);
	assert_int_equal(bytes_u64(b, 2), 0); /* One byte is missing. */
	assert_string_equal(bytes_text(b, 5), "ab");
	assert_null(bytes_text(b, 8));
	assert_null(bytes_text(b, 9));
	assert_int_equal(bytes_find(b, 0, "ab", 2), 5);
	assert_true(bytes_find(b, 6, "ab", 2) == UINT64_MAX);
	assert_true(bytes_find(b, 99, "ab", 2) == UINT64_MAX);
	assert_null(bytes_from(none, 0).at);
	assert_false(bytes_begin(none, "", 0));
}

/* ---- ELF ---- */

/* A cubin with the sections "", .shstrtab and .text.k. */
struct image {
	Elf64_Ehdr header;
	Elf64_Shdr sections[3];
	char names[24];
};

static void make_image(struct image *out)
{
	static const char names[] = "\0.shstrtab\0.text.k";

	*out = (struct image){ 0 };
	memcpy(out->header.e_ident, ELFMAG, SELFMAG);
	out->header.e_ident[EI_CLASS] = ELFCLASS64;
	out->header.e_ident[EI_DATA] = ELFDATA2LSB;
	out->header.e_ident[EI_ABIVERSION] = 7;
	out->header.e_machine = 190;
	out->header.e_flags = 90;
	out->header.e_shoff = offsetof(struct image, sections);
	out->header.e_shentsize = sizeof(Elf64_Shdr);
	out->header.e_shnum = 3;
	out->header.e_shstrndx = 1;
	out->sections[1].sh_name = 1;
	out->sections[1].sh_type = SHT_STRTAB;
	out->sections[1].sh_offset = offsetof(struct image, names);
	out->sections[1].sh_size = sizeof names;
	out->sections[2].sh_name = 11;
	out->sections[2].sh_type = SHT_PROGBITS;
	out->sections[2].sh_size = 16;
	memcpy(out->names, names, sizeof names);
}

static struct bytes bytes_of(const struct image *image)
{
	return (struct bytes){ (const unsigned char *)image, sizeof *image };
}

static void counts_too_large_for_the_header_are_in_section_0(void **state)
{
	struct image image;
	struct elf elf;

	(void)state;
	make_image(&image);
	image.header.e_shnum = 0;
	image.header.e_shstrndx = SHN_XINDEX;
	image.sections[0].sh_size = 3;
	image.sections[0].sh_link = 1;
	assert_true(elf_read(bytes_of(&image), &elf));
	assert_int_equal(elf.n_sections, 3);
	assert_string_equal(elf_section(&elf, 2).name, ".text.k");
	image.sections[0].sh_size = UINT64_MAX / sizeof(Elf64_Shdr) + 2; /* Overflows to little. */
	assert_false(elf_read(bytes_of(&image), &elf));
}

static void what_is_no_proper_elf_is_refused(void **state)
{
	struct image image;
	struct elf elf;

	(void)state;
	make_image(&image);
	assert_true(elf_read(bytes_of(&image), &elf));
	image.header.e_shentsize = 40;
	assert_false(elf_read(bytes_of(&image), &elf));
	make_image(&image);
	image.header.e_shoff = sizeof image - 8;
	assert_false(elf_read(bytes_of(&image), &elf));
	make_image(&image);
	image.header.e_phoff = 64;
	image.header.e_phnum = 100;
	image.header.e_phentsize = sizeof(Elf64_Phdr);
	assert_false(elf_read(bytes_of(&image), &elf));
	make_image(&image);
	image.header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_false(elf_read(bytes_of(&image), &elf));
	make_image(&image);
	image.sections[2].sh_name = 4000;
	assert_true(elf_read(bytes_of(&image), &elf));
	assert_string_equal(elf_section(&elf, 2).name, "");
}

static void code_is_a_function_that_is_not_empty(void **state)
{
	struct image image;

	(void)state;
	make_image(&image);
	assert_true(cubin_has_code(bytes_of(&image)));
	image.sections[2].sh_size = 0;
	assert_false(cubin_has_code(bytes_of(&image)));
	make_image(&image);
	memcpy(image.names + 11, ".data.k", 8);
	assert_false(cubin_has_code(bytes_of(&image)));
	image.header.e_shoff = 1 << 20; /* Who knows. */
	assert_true(cubin_has_code(bytes_of(&image)));
}

static void cubins_of_both_abis_have_an_architecture(void **state)
{
	static const struct {
		unsigned char abi;
		unsigned flags;
		unsigned arch; /* 0: none. */
		char suffix;
	} cases[] = { { 7, 0x005a055a, 90, '\0' }, { 7, 0x005a0d5a, 90, 'a' },
		{ 7, 0x00500550, 80, '\0' }, { 8, 0x06005a04, 90, '\0' },
		{ 8, 0x06006402, 100, '\0' }, { 8, 0x06000004, 0, '\0' }, { 7, 0, 0, '\0' } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct image image;
		struct elf elf;
		unsigned arch;
		char suffix;

		make_image(&image);
		image.header.e_ident[EI_ABIVERSION] = cases[i].abi;
		image.header.e_flags = cases[i].flags;
		assert_true(elf_read(bytes_of(&image), &elf));
		assert_int_equal(cubin_arch(&elf, &arch, &suffix), cases[i].arch > 0);
		assert_int_equal(arch, cases[i].arch);
		assert_int_equal(suffix, cases[i].suffix);
	}
}

/* ---- archives ---- */

static void add_member(struct str *out, const char *name, const char *data, size_t size)
{
	str_addf(out, "%-16s%-12d%-6d%-6d%-8d%-10zu`\n", name, 0, 0, 0, 644, size);
	str_add_bytes(out, data, size);
	if (size % 2 == 1)
		str_add_char(out, '\n');
}

static void members_come_in_order(void **state)
{
	static const struct {
		const char *name, *data;
	} wanted[] = { { "odd.o", "abc" }, { "even.o", "abcd" }, { "long/name of a member.o", "x" },
		{ "bsd's name", "data" }, { "no slash", "" } };
	cleanup_free struct ar_member *member = xmalloc(sizeof *member);
	cleanup_str struct str file = { 0 };
	struct ar ar;
	struct err err;

	(void)state;
	str_add(&file, "!<arch>\n");
	add_member(&file, "/", "symbols", 7);
	add_member(&file, "/SYM64/", "symbols", 7);
	add_member(&file, "//", "other/\nlong/name of a member.o/\n", 32);
	add_member(&file, "odd.o/", "abc", 3);
	add_member(&file, "even.o/", "abcd", 4);
	add_member(&file, "/7", "x", 1);
	add_member(&file, "__.SYMDEF", "ranlib", 6);
	add_member(&file, "#1/20", "__.SYMDEF SORTED\0\0\0\0ranlib", 26);
	add_member(&file, "#1/12", "bsd's name\0\0data", 16);
	add_member(&file, "no slash", "", 0);
	ar_open((struct bytes){ (unsigned char *)file.text, file.len }, &ar);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		assert_int_equal(ar_next(&ar, member, &err), 1);
		assert_string_equal(member->name, wanted[i].name);
		assert_int_equal(member->bytes.size, strlen(wanted[i].data));
		assert_memory_equal(member->bytes.at, wanted[i].data, member->bytes.size);
	}
	assert_int_equal(ar_next(&ar, member, &err), 0);
}

static void wrong_members_are_refused(void **state)
{
	static const struct {
		const char *name;
		size_t size, len; /* As its header says, and as it is. */
		const char *why;
	} cases[] = {
		{ "a.o/", 5, 4, "archive: at 8: a member reaches beyond the end of the file" },
		{ "/9", 0, 0, "archive: at 8: a member has no proper name" },
		{ "#1/9", 4, 4, "archive: at 8: a member has no proper name" },
		{ "#1/x", 4, 4, "archive: at 8: a member has no proper name" },
		{ NULL, 0, 0, "archive: at 8: the header of a member is cut off" },
	};
	cleanup_free struct ar_member *member = xmalloc(sizeof *member);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_str struct str file = { 0 };
		struct ar ar;
		struct err err;

		str_add(&file, "!<arch>\n");
		if (cases[i].name == NULL)
			str_add(&file, "too short");
		else
			str_addf(&file, "%-16s%-12d%-6d%-6d%-8d%-10zu`\n%.*s", cases[i].name, 0, 0,
				0, 644, cases[i].size, (int)cases[i].len, "abcdefgh");
		ar_open((struct bytes){ (unsigned char *)file.text, file.len }, &ar);
		assert_int_equal(ar_next(&ar, member, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].why);
	}
}

/* ---- entries ---- */

static void what_cannot_be_inflated_is_taken_for_code(void **state)
{
	const struct bytes damaged = { (const unsigned char *)"\xff\xff\xff", 3 };
	const struct fatbin_entry entries[] = {
		{ .kind = FATBIN_ELF, .stored = damaged, .how = STORED_LZ4, .size = 100 },
		{ .kind = FATBIN_ELF, .stored = damaged, .how = STORED_ZSTD, .size = 100 },
		{ .kind = FATBIN_ELF, .stored = damaged, .how = STORED_UNKNOWN, .size = 100 },
		{ .kind = FATBIN_ELF, .stored = damaged, .how = STORED_LZ4, .size = 1 << 30 },
	};
	struct inflater inflater = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		assert_true(fatbin_has_code(&entries[i], &inflater));
	inflater_finish(&inflater);
}

static void how_an_entry_is_stored_follows_from_its_flags(void **state)
{
	static const struct {
		unsigned flags, compressed;
		int how;
		uint64_t stored;
	} cases[] = {
		{ 0x11, 0, STORED_PLAIN, 8 }, { 0x2011, 5, STORED_LZ4, 5 },
		{ 0x8011, 5, STORED_ZSTD, 5 }, { 0x11, 5, STORED_UNKNOWN, 5 },
		{ 0x2011, 9, STORED_UNKNOWN, 0 }, /* More than there is. */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned char header[72] = { 2, 0, 1, 1, 64, [8] = 8, [0x1c] = 80 };
		struct fatbin_entry entry;
		uint64_t at = 0;

		header[0x10] = (unsigned char)cases[i].compressed;
		header[0x28] = (unsigned char)cases[i].flags;
		header[0x29] = (unsigned char)(cases[i].flags >> 8);
		assert_int_equal(
			fatbin_next((struct bytes){ header, sizeof header }, &at, &entry, NULL), 1);
		assert_int_equal(entry.how, cases[i].how);
		assert_int_equal(entry.stored.size, cases[i].stored);
		assert_int_equal(at, sizeof header);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_beyond_the_end),
		cmocka_unit_test(counts_too_large_for_the_header_are_in_section_0),
		cmocka_unit_test(what_is_no_proper_elf_is_refused),
		cmocka_unit_test(code_is_a_function_that_is_not_empty),
		cmocka_unit_test(cubins_of_both_abis_have_an_architecture),
		cmocka_unit_test(members_come_in_order),
		cmocka_unit_test(wrong_members_are_refused),
		cmocka_unit_test(what_cannot_be_inflated_is_taken_for_code),
		cmocka_unit_test(how_an_entry_is_stored_follows_from_its_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
