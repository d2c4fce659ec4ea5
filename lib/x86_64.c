/* prefixes, REX or VEX or EVEX, opcode of one to three bytes, ModRM, SIB, displacement, immediate.
 */
#include "lib/x86_64.h"

#define LENGTH_MAX 15
#define PREFIX_WIDTH 0x66   /* Immediates of 4 bytes have 2. */
#define PREFIX_ADDRESS 0x67 /* Addresses have 4 bytes. */

/* What follows an opcode, for each one:
 *   .  nothing              m  ModRM                 b  a byte
 *   M  ModRM and a byte     Z  ModRM and 2 or 4      z  2 or 4 bytes
 *   w  2 bytes              e  3 bytes               v  2, 4 or 8 bytes
 *   o  an address           j  a distance, a byte    J  a distance, 4 bytes
 *   3  ModRM, a byte if its middle bits are 0 or 1   4  the same with 2 or 4 bytes
 *   p  it is a prefix       x  not in 64-bit mode, or not an instruction
 * Prefixes of other opcode maps are read before these tables are asked. */
static const char one_byte[] = "mmmmbzxxmmmmbzxx"
			       "mmmmbzxxmmmmbzxx"
			       "mmmmbzpxmmmmbzpx"
			       "mmmmbzpxmmmmbzpx"
			       "pppppppppppppppp"
			       "................"
			       "xxxmppppzZbM...."
			       "jjjjjjjjjjjjjjjj"
			       "MZxMmmmmmmmmmmmm"
			       "..........x....."
			       "oooo....bz......"
			       "bbbbbbbbvvvvvvvv"
			       "MMw.xxMZe.w..bx."
			       "mmmmxxx.mmmmmmmm"
			       "jjjjbbbbJJxj...."
			       "p.pp..34......mm";

/* Behind 0F. */
static const char two_bytes[] = "mmmmx.....x.xm.x"
				"mmmmmmmmmmmmmmmm"
				"mmmmxxxxmmmmmmmm"
				"......x.xxxxxxxx"
				"mmmmmmmmmmmmmmmm"
				"mmmmmmmmmmmmmmmm"
				"mmmmmmmmmmmmmmmm"
				"MMMMmmm.mmmmmmmm"
				"JJJJJJJJJJJJJJJJ"
				"mmmmmmmmmmmmmmmm"
				"...mMmxx...mMmmm"
				"mmmmmmmmmmMmmmmm"
				"mmMmMMMm........"
				"mmmmmmmmmmmmmmmm"
				"mmmmmmmmmmmmmmmm"
				"mmmmmmmmmmmmmmmm";

enum map { MAP_ONE_BYTE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_5 = 5, MAP_6 = 6 };

struct reader {
	struct bytes code;
	unsigned at;
	unsigned char opcode;
	bool is_narrow, is_wide, has_short_addresses;
	unsigned distance_at;
};

static unsigned char next(struct reader *r)
{
	unsigned at = r->at++;

	return at < r->code.size ? r->code.at[at] : 0;
}

static unsigned char peek(const struct reader *r)
{
	return r->at < r->code.size ? r->code.at[r->at] : 0;
}

/* All prefixes; REX counts only as the last. */
static void read_prefixes(struct reader *r)
{
	while (r->at < r->code.size && r->at < LENGTH_MAX && one_byte[peek(r)] == 'p') {
		unsigned char prefix = next(r);

		r->is_wide = (prefix & 0xf8) == 0x48;
		if (prefix == PREFIX_WIDTH)
			r->is_narrow = true;
		if (prefix == PREFIX_ADDRESS)
			r->has_short_addresses = true;
	}
}

/* The opcode and the map that it is in. False: there is no such map. */
static bool read_opcode(struct reader *r, enum map *out)
{
	unsigned map = MAP_ONE_BYTE;

	r->opcode = next(r);
	if (r->opcode == 0xc5) { /* VEX of two bytes. */
		r->at += 1;
		map = MAP_0F;
		r->opcode = next(r);
	} else if (r->opcode == 0xc4) {
		map = next(r) & 0x1f;
		r->at += 1;
		r->opcode = next(r);
	} else if (r->opcode == 0x62) { /* EVEX. */
		map = next(r) & 0x0f;
		r->at += 2;
		r->opcode = next(r);
	} else if (r->opcode == 0x0f) {
		map = peek(r) == 0x38 ? MAP_0F38 : peek(r) == 0x3a ? MAP_0F3A : MAP_0F;
		r->at += map != MAP_0F;
		r->opcode = next(r);
		*out = map;
		return true;
	} else {
		*out = map;
		return true;
	}
	*out = map;
	return map == MAP_0F || map == MAP_0F38 || map == MAP_0F3A || map == MAP_5 || map == MAP_6;
}

static char what_follows(enum map map, unsigned char opcode)
{
	switch (map) {
	case MAP_ONE_BYTE:
		return one_byte[opcode];
	case MAP_0F:
		return two_bytes[opcode];
	case MAP_0F3A:
		return 'M';
	case MAP_0F38:
	case MAP_5:
	case MAP_6:
		break;
	}
	return 'm';
}

/* ModRM, SIB and displacement. Returns the middle bits of ModRM. */
static unsigned read_operands(struct reader *r)
{
	unsigned modrm = next(r), mod = modrm >> 6, rm = modrm & 7;

	if (mod == 3)
		return modrm >> 3 & 7;
	if (rm == 4)
		rm = next(r) & 7;
	else if (mod == 0 && rm == 5)
		r->distance_at = r->at;
	if (mod == 1)
		r->at += 1;
	else if (mod == 2 || rm == 5)
		r->at += 4;
	return modrm >> 3 & 7;
}

static unsigned immediate_size(const struct reader *r, char what, unsigned middle)
{
	unsigned width = r->is_narrow ? 2 : 4;

	switch (what) {
	case 'M':
	case 'b':
	case 'j':
		return 1;
	case 'Z':
	case 'z':
		return width;
	case 'w':
		return 2;
	case 'e':
		return 3;
	case 'v':
		return r->is_wide ? 8 : width;
	case 'o':
		return r->has_short_addresses ? 4 : 8;
	case 'J':
		return 4;
	case '3':
		return middle < 2 ? 1 : 0;
	case '4':
		return middle < 2 ? width : 0;
	default:
		return 0;
	}
}

static bool has_modrm(char what)
{
	return what == 'm' || what == 'M' || what == 'Z' || what == '3' || what == '4';
}

bool x86_64_read(struct bytes code, uint64_t at, struct x86_64_instruction *out)
{
	struct reader r = { .code = bytes_from(code, at) };
	unsigned middle = 0;
	enum map map;
	char what;

	read_prefixes(&r);
	if (!read_opcode(&r, &map))
		return false;
	what = what_follows(map, r.opcode);
	if (what == 'x' || what == 'p')
		return false;
	if (has_modrm(what))
		middle = read_operands(&r);
	if (what == 'J')
		r.distance_at = r.at;
	r.at += immediate_size(&r, what, middle);
	if (r.at > LENGTH_MAX || r.at > r.code.size)
		return false;
	*out = (struct x86_64_instruction){ .length = r.at, .distance_at = r.distance_at };
	return true;
}
