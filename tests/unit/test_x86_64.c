/* Lengths of instructions, as an assembler made them. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/mem.h"
#include "lib/x86_64.h"

struct sample {
	const char *bytes; /* In hexadecimal. */
	unsigned length, distance_at;
	const char *text;
};

static const struct sample samples[] = {
	{ "90", 1, 0, "nop" },
	{ "c3", 1, 0, "ret" },
	{ "f30f1efa", 4, 0, "endbr64" },
	{ "4889e5", 3, 0, "mov %rsp,%rbp" },
	{ "b878563412", 5, 0, "mov $0x12345678,%eax" },
	{ "66b83412", 4, 0, "mov $0x1234,%ax" },
	{ "48b8efcdab8967452301", 10, 0, "movabs $0x123456789abcdef,%rax" },
	{ "a1efcdab8967452301", 9, 0, "movabs 0x123456789abcdef,%eax" },
	{ "67a178563412", 6, 0, "addr32 mov 0x12345678,%eax" },
	{ "e800000000", 5, 1, "call" },
	{ "666648e800000000", 8, 4, "data16 data16 rex.W call" },
	{ "e900000000", 5, 1, "jmp" },
	{ "eb00", 2, 0, "jmp, short" },
	{ "0f8400000000", 6, 2, "je" },
	{ "7400", 2, 0, "je, short" },
	{ "488d0500000000", 7, 3, "lea 0(%rip),%rax" },
	{ "48c7050000000001000000", 11, 3, "movq $1,0(%rip)" },
	{ "66c705000000000100", 9, 3, "movw $1,0(%rip)" },
	{ "c6050000000001", 7, 2, "movb $1,0(%rip)" },
	{ "833d0000000005", 7, 2, "cmpl $5,0(%rip)" },
	{ "ff2500000000", 6, 2, "jmp *0(%rip)" },
	{ "f2ff2500000000", 7, 3, "bnd jmp *0(%rip)" },
	{ "8b042500000000", 7, 0, "mov 0,%eax" },
	{ "8b0424", 3, 0, "mov (%rsp),%eax" },
	{ "8b442408", 4, 0, "mov 8(%rsp),%eax" },
	{ "8b842400010000", 7, 0, "mov 256(%rsp),%eax" },
	{ "f6c101", 3, 0, "test $1,%cl" },
	{ "f6d1", 2, 0, "not %cl" },
	{ "f7c178563412", 6, 0, "test $0x12345678,%ecx" },
	{ "f7d9", 2, 0, "neg %ecx" },
	{ "c8100000", 4, 0, "enter $16,$0" },
	{ "c20800", 3, 0, "ret $8" },
	{ "6878563412", 5, 0, "push $0x12345678" },
	{ "6a08", 2, 0, "push $8" },
	{ "0f1f8000000000", 7, 0, "nopl 0(%rax)" },
	{ "660f1f840000000000", 9, 0, "nopw 0(%rax,%rax,1)" },
	{ "0fc6c100", 4, 0, "shufps $0,%xmm1,%xmm0" },
	{ "660f3a0fc108", 6, 0, "palignr $8,%xmm1,%xmm0" },
	{ "660f3800c1", 5, 0, "pshufb %xmm1,%xmm0" },
	{ "f30f100500000000", 8, 4, "movss 0(%rip),%xmm0" },
	{ "c5fa100500000000", 8, 4, "vmovss 0(%rip),%xmm0" },
	{ "c5f877", 3, 0, "vzeroupper" },
	{ "c4e37d18c101", 6, 0, "vinsertf128 $1,%xmm1,%ymm0,%ymm0" },
	{ "c4e279180500000000", 9, 5, "vbroadcastss 0(%rip),%xmm0" },
	{ "62f17c48100500000000", 10, 6, "vmovups 0(%rip),%zmm0" },
	{ "62f3fd4825c1ff", 7, 0, "vpternlogq $255,%zmm1,%zmm0,%zmm0" },
	/* No instructions of 64-bit mode. */
	{ "06", 0, 0, "push %es" },
	{ "c4e47918c1", 0, 0, "VEX of a map that there is not" },
	{ "66", 0, 0, "a prefix, and nothing behind it" },
	{ "666666666666666666666666666666660f1f00", 0, 0, "longer than 15 bytes" },
};

static unsigned digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static size_t decode(const char *hex, unsigned char out[32])
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	return n;
}

static void lengths_and_distances(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *s = &samples[i];
		struct x86_64_instruction found = { .length = 0 };
		unsigned char bytes[32];
		size_t size;

		size = decode(s->bytes, bytes);
		(void)x86_64_read((struct bytes){ bytes, size }, 0, &found);
		if (found.length != s->length || found.distance_at != s->distance_at)
			fail_msg("%s: %u bytes, distance at %u", s->text, found.length,
				found.distance_at);
	}
}

static void what_is_cut_off_is_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		cleanup_free unsigned char *copy = NULL;
		struct x86_64_instruction found;
		unsigned char bytes[32];

		if (samples[i].length < 2)
			continue;
		(void)decode(samples[i].bytes, bytes);
		copy = xmemdup(bytes, samples[i].length - 1); /* A look beyond it is seen. */
		assert_false(x86_64_read((struct bytes){ copy, samples[i].length - 1 }, 0, &found));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_and_distances),
		cmocka_unit_test(what_is_cut_off_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
