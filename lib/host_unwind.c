#include "lib/host_unwind.h"

#include <string.h>

/* How a pointer is encoded (DW_EH_PE_*). */
enum {
	ENCODED_PC_RELATIVE = 0x1b,   /* A distance from itself, 4 bytes with a sign; */
	ENCODED_DATA_RELATIVE = 0x3b, /* the same from the beginning of the section; */
	ENCODED_UDATA4 = 0x03,        /* a number of 4 bytes. */
	ENCODED_INDIRECT = 0x80,      /* To be added: the address of a pointer. */
	ENCODED_OMITTED = 0xff,
};

#define DISTANCE 4

static bool is_distance(unsigned encoding)
{
	return (encoding & ~(unsigned)ENCODED_INDIRECT) == ENCODED_PC_RELATIVE;
}

/* The 4 bytes at `at` in both are distances from `from` to the same place; 0 stands for none. */
static bool same_distance(
	const struct host_pair *pair, const struct host_section *s, uint64_t at, uint64_t from)
{
	int64_t a = (int32_t)bytes_u32(s->a, at), b = (int32_t)bytes_u32(s->b, at);

	if (a == 0 || b == 0)
		return a == b;
	return host_pair_same(
		pair, s->address_a + from + (uint64_t)a, s->address_b + from + (uint64_t)b);
}

/* ---- .eh_frame ---- */

/* A CIE, which says how pointers of its FDEs are encoded. */
struct cie {
	uint64_t at;             /* UINT64_MAX: none was read yet. */
	unsigned function;       /* Encoding of the pointer to it, */
	unsigned lsda;           /* and to its language-specific data; ENCODED_OMITTED. */
	bool has_augmentation;   /* Their size stands in front of them. */
	uint64_t personality_at; /* 0: there is none. */
};

/* A record: u32 length, u32 id or distance to its CIE, then what is in it. */
struct record {
	uint64_t at, body, end;
	uint32_t id;
};

static bool read_record(const struct host_section *s, uint64_t at, struct record *out)
{
	uint64_t size = bytes_u32(s->a, at);

	*out = (struct record){ .at = at, .body = at + 8, .end = at + 4 + size };
	out->id = bytes_u32(s->a, at + 4);
	return size >= 4 && size < 0xfffffff0 && bytes_hold(s->a, at + 4, size);
}

/* An unsigned LEB128. */
static uint64_t read_leb(struct bytes data, uint64_t *at)
{
	uint64_t value = 0;
	unsigned shift = 0;

	while (*at < data.size) {
		unsigned byte = data.at[(*at)++];

		if (shift < 63)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (byte < 0x80)
			break;
	}
	return value;
}

/* What the letters of the augmentation stand for. False: one is not known. */
static bool read_augmentation(struct bytes data, const char *letters, uint64_t at, struct cie *cie)
{
	(void)read_leb(data, &at); /* Their size. */
	for (const char *letter = letters; *letter != '\0'; letter++) {
		unsigned encoding;

		if (*letter == 'S' || *letter == 'B') /* Of a signal; with signed addresses. */
			continue;
		encoding = (unsigned)bytes_number(data, at++, 1, false);
		if (*letter == 'R')
			cie->function = encoding;
		else if (*letter == 'L')
			cie->lsda = encoding;
		else if (*letter == 'P' && is_distance(encoding)) {
			cie->personality_at = at;
			at += DISTANCE;
		} else
			return false;
	}
	return true;
}

/* u8 version, the letters, code and data alignment, return register, what letters stand for. */
static bool read_cie(const struct host_section *s, const struct record *record, struct cie *out)
{
	struct bytes data = bytes_part(s->a, 0, record->end);
	const char *letters = bytes_text(data, record->body + 1);
	uint64_t at;

	*out = (struct cie){
		.at = record->at, .function = ENCODED_OMITTED, .lsda = ENCODED_OMITTED
	};
	if (letters == NULL)
		return false;
	at = record->body + 1 + strlen(letters) + 1;
	(void)read_leb(data, &at);
	(void)read_leb(data, &at);
	(void)read_leb(data, &at);
	out->has_augmentation = letters[0] == 'z';
	return letters[0] == '\0' ||
	       (letters[0] == 'z' && read_augmentation(data, letters + 1, at, out));
}

static bool same_but_for(const struct host_pair *pair, const struct host_section *s,
	const struct record *record, const uint64_t *distances, unsigned n)
{
	uint64_t at = record->at;

	for (unsigned i = 0; i < n; i++) {
		if (distances[i] == 0)
			continue;
		if (distances[i] < at || distances[i] + DISTANCE > record->end ||
			!host_pair_equal(pair, s, at, distances[i] - at) ||
			!same_distance(pair, s, distances[i], distances[i]))
			return false;
		at = distances[i] + DISTANCE;
	}
	return host_pair_equal(pair, s, at, record->end - at);
}

/* Pointer to the function, its size, the size of what follows, pointer to its data. */
static bool same_fde(const struct host_pair *pair, const struct host_section *s,
	const struct record *record, const struct cie *cie)
{
	struct bytes data = bytes_part(s->a, 0, record->end);
	uint64_t at = record->body + 2 * DISTANCE;
	uint64_t distances[2] = { 0, 0 };

	if (is_distance(cie->function))
		distances[0] = record->body;
	if (distances[0] != 0 && cie->has_augmentation && read_leb(data, &at) >= DISTANCE &&
		is_distance(cie->lsda))
		distances[1] = at;
	return same_but_for(pair, s, record, distances, 2);
}

/* The CIE of an FDE, which mostly is that of the one before. */
static bool find_cie(const struct host_section *s, const struct record *record, struct cie *cie)
{
	uint64_t at = record->at + 4 - record->id;
	struct record found;

	if (at == cie->at)
		return true;
	return at < record->at && read_record(s, at, &found) && found.id == 0 &&
	       read_cie(s, &found, cie);
}

int host_compare_eh_frame(
	const struct host_pair *pair, const struct host_section *section, struct err *err)
{
	struct cie cie = { .at = UINT64_MAX };
	uint64_t at = 0;

	while (at < section->a.size) {
		struct record record;
		bool is_same = false;

		if (!read_record(section, at, &record)) /* Behind the last, or not understood. */
			break;
		if (record.id != 0)
			is_same = find_cie(section, &record, &cie) &&
				  same_fde(pair, section, &record, &cie);
		else if (read_cie(section, &record, &cie))
			is_same = same_but_for(pair, section, &record, &cie.personality_at, 1);
		if (!is_same)
			return host_pair_refuse(section, at, err);
		at = record.end;
	}
	if (!host_pair_equal(pair, section, at, section->a.size - at))
		return host_pair_refuse(section, at, err);
	return 0;
}

/* ---- .eh_frame_hdr ---- */

/* u8 version, three encodings, pointer to .eh_frame, number of FDEs, and for each where its
 * function is, and where it is. */
int host_compare_eh_frame_hdr(
	const struct host_pair *pair, const struct host_section *section, struct err *err)
{
	const unsigned char usual[] = { 1, ENCODED_PC_RELATIVE, ENCODED_UDATA4,
		ENCODED_DATA_RELATIVE };
	uint64_t at = sizeof usual + 2 * DISTANCE;

	if (!bytes_begin(section->a, usual, sizeof usual))
		return host_pair_compare_bytes(pair, section, err);
	if (!host_pair_equal(pair, section, 0, sizeof usual) ||
		!same_distance(pair, section, sizeof usual, sizeof usual) ||
		bytes_u32(section->a, sizeof usual + DISTANCE) !=
			bytes_u32(section->b, sizeof usual + DISTANCE))
		return host_pair_refuse(section, 0, err);
	for (; bytes_hold(section->a, at, DISTANCE); at += DISTANCE)
		if (!same_distance(pair, section, at, 0))
			return host_pair_refuse(section, at, err);
	if (at < section->a.size && !host_pair_equal(pair, section, at, section->a.size - at))
		return host_pair_refuse(section, at, err);
	return 0;
}

/* ---- .gcc_except_table ---- */

/* Types to catch are distances to pointers to them; they are aligned, and so are the pointers. All
 * else counts within functions, which are equal. */
static bool same_type(const struct host_pair *pair, const struct host_section *s, uint64_t at)
{
	uint64_t a = s->address_a + at + bytes_u32(s->a, at);

	return (s->address_a + at) % DISTANCE == 0 && bytes_hold(s->a, at, DISTANCE) &&
	       a % 8 == 0 && same_distance(pair, s, at, at);
}

int host_compare_except_table(
	const struct host_pair *pair, const struct host_section *section, struct err *err)
{
	uint64_t at = 0;

	while (at < section->a.size) {
		if (section->a.at[at] == section->b.at[at]) {
			at++;
			continue;
		}
		at -= (section->address_a + at) % DISTANCE < at
			      ? (section->address_a + at) % DISTANCE
			      : 0;
		if (!same_type(pair, section, at))
			return host_pair_refuse(section, at, err);
		at += DISTANCE;
	}
	return 0;
}
