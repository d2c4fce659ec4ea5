/* Instructions of A64 have 4 bytes (Arm ARM, C4). A place is one branch or ADR away, or ADRP gives
 * its page of 4096 bytes and an instruction behind it the offset in there. */
#include "lib/host_code.h"

#define WORD 4
#define N_REGISTERS 32
#define PAGE_MASK UINT64_C(0xfff)

/* Pages that ADRP put into registers, and nothing has changed since. */
struct pages {
	bool is_known[N_REGISTERS];
	uint64_t a[N_REGISTERS], b[N_REGISTERS];
};

/* `width` bits from bit `low` on, with a sign. */
static int64_t signed_field(uint32_t word, unsigned low, unsigned width)
{
	int64_t value = word >> low & ((UINT32_C(1) << width) - 1);

	return value >> (width - 1) ? value - (INT64_C(1) << width) : value;
}

/* ---- branches, ADR, literals ---- */

static const struct {
	uint32_t mask, value; /* Which instructions. */
	uint32_t field;       /* Their bits that are a distance, */
	unsigned low, width;  /* in words; width 0: those of ADR, in bytes. */
} near[] = {
	{ 0x7c000000, 0x14000000, 0x03ffffff, 0, 26 }, /* B, BL */
	{ 0xff000000, 0x54000000, 0x00ffffe0, 5, 19 }, /* B.cond, BC.cond */
	{ 0x7e000000, 0x34000000, 0x00ffffe0, 5, 19 }, /* CBZ, CBNZ */
	{ 0x3b000000, 0x18000000, 0x00ffffe0, 5, 19 }, /* LDR (literal) */
	{ 0x7e000000, 0x36000000, 0x0007ffe0, 5, 14 }, /* TBZ, TBNZ */
	{ 0x9f000000, 0x10000000, 0x60ffffe0, 0, 0 },  /* ADR */
};

/* ADR and ADRP: 2 low bits at 29, 19 at 5. */
static int64_t adr_distance(uint32_t word)
{
	return signed_field(word, 5, 19) * 4 + (int64_t)(word >> 29 & 3);
}

/* The row of `near` for an instruction; -1: it is none of them. */
static int find_near(uint32_t word)
{
	for (unsigned i = 0; i < sizeof near / sizeof near[0]; i++)
		if ((word & near[i].mask) == near[i].value)
			return (int)i;
	return -1;
}

static bool same_near(
	const struct host_pair *pair, int row, uint32_t a, uint32_t b, uint64_t at_a, uint64_t at_b)
{
	unsigned width = near[row].width, low = near[row].low;
	int64_t to_a = width == 0 ? adr_distance(a) : signed_field(a, low, width) * WORD;
	int64_t to_b = width == 0 ? adr_distance(b) : signed_field(b, low, width) * WORD;

	if (((a ^ b) & ~near[row].field) != 0)
		return false;
	if (host_pair_same(pair, at_a + (uint64_t)to_a, at_b + (uint64_t)to_b))
		return true;
	return a == b && !host_pair_is_place(pair, at_a + (uint64_t)to_a);
}

/* ---- pages ---- */

static bool is_adrp(uint32_t word)
{
	return (word & 0x9f000000) == 0x90000000;
}

static uint64_t adrp_page(uint32_t word, uint64_t at)
{
	return (at & ~PAGE_MASK) + (uint64_t)adr_distance(word) * (PAGE_MASK + 1);
}

/* What is at the two pages is judged when an offset is known; before that, whether it can be the
 * same. */
static bool same_adrp(const struct host_pair *pair, struct pages *pages, uint32_t a, uint32_t b,
	uint64_t at_a, uint64_t at_b)
{
	unsigned to = a & 31;

	if (((a ^ b) & ~UINT32_C(0x60ffffe0)) != 0)
		return false;
	pages->is_known[to] = true;
	pages->a[to] = adrp_page(a, at_a);
	pages->b[to] = adrp_page(b, at_b);
	return host_pair_same_page(pair, pages->a[to], pages->b[to], PAGE_MASK + 1);
}

/* By how many bits an offset of 12 bits at bit 10 is to be shifted; -1: the instruction has none.
 * ADD (immediate) of 64 bits, loads and stores (unsigned immediate). */
static int offset_scale(uint32_t word)
{
	if ((word & 0xffc00000) == 0x91000000)
		return 0;
	if ((word & 0x3b000000) != 0x39000000)
		return -1;
	if ((word & 0x04800000) == 0x04800000 && word >> 30 == 0)
		return 4; /* A vector of 128 bits. */
	return (int)(word >> 30);
}

static bool same_offset(
	const struct host_pair *pair, const struct pages *pages, int scale, uint32_t a, uint32_t b)
{
	unsigned base = a >> 5 & 31;
	uint64_t in_a = (uint64_t)(a >> 10 & PAGE_MASK) << scale,
		 in_b = (uint64_t)(b >> 10 & PAGE_MASK) << scale;

	if (!pages->is_known[base])
		return a == b;
	if (((a ^ b) & ~UINT32_C(0x003ffc00)) != 0)
		return false;
	return host_pair_same(pair, pages->a[base] + in_a, pages->b[base] + in_b);
}

/* What follows is reached from elsewhere: B, and BR, RET. */
static bool ends_flow(uint32_t word)
{
	return (word & 0xfc000000) == 0x14000000 || (word & 0xffbffc1f) == 0xd61f0000;
}

/* ---- all of it ---- */

static bool same_word(const struct host_pair *pair, struct pages *pages, uint32_t a, uint32_t b,
	uint64_t at_a, uint64_t at_b)
{
	int row = find_near(a), scale = offset_scale(a);
	bool is_same;

	if (ends_flow(a))
		*pages = (struct pages){ .is_known = { false } };
	if (row >= 0)
		return same_near(pair, row, a, b, at_a, at_b);
	if (is_adrp(a))
		return same_adrp(pair, pages, a, b, at_a, at_b);
	is_same = scale >= 0 ? same_offset(pair, pages, scale, a, b) : a == b;
	pages->is_known[a & 31] = false; /* Most instructions put their result there. */
	return is_same;
}

int host_compare_arm64(
	const struct host_pair *pair, const struct host_section *section, struct err *err)
{
	struct pages pages = { .is_known = { false } };
	uint64_t whole = section->a.size & ~UINT64_C(3);

	for (uint64_t at = 0; at < whole; at += WORD)
		if (!same_word(pair, &pages, bytes_u32(section->a, at), bytes_u32(section->b, at),
			    section->address_a + at, section->address_b + at))
			return host_pair_refuse(section, at, err);
	if (!host_pair_equal(pair, section, whole, section->a.size - whole))
		return host_pair_refuse(section, whole, err);
	return 0;
}
