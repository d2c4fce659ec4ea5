#include "lib/inflate.h"

#include <string.h>
#include <zstd.h>

/* A length of an LZ4 sequence: 4 bits of the token, and when they are full, bytes to be added up to
 * one that is not. */
static bool read_length(struct bytes in, uint64_t *at, unsigned nibble, uint64_t *out)
{
	unsigned char byte;

	*out = nibble;
	if (nibble < 15)
		return true;
	do {
		if (*at >= in.size)
			return false;
		byte = in.at[(*at)++];
		*out += byte;
	} while (byte == 255);
	return true;
}

/* Sequences of literals and a match, a copy of what came `distance` bytes before; the last has
 * literals only. */
bool inflate_lz4(struct bytes in, unsigned char *out, size_t size)
{
	uint64_t at = 0, n, distance;
	size_t len = 0;

	while (at < in.size) {
		unsigned token = in.at[at++];

		if (!read_length(in, &at, token >> 4, &n) || !bytes_hold(in, at, n) ||
			n > size - len)
			return false;
		if (n > 0)
			memcpy(out + len, in.at + at, n);
		at += n;
		len += n;
		if (at == in.size)
			break;
		if (!bytes_hold(in, at, 2))
			return false;
		distance = bytes_u16(in, at);
		at += 2;
		if (!read_length(in, &at, token & 15, &n) || distance == 0 || distance > len ||
			n + 4 > size - len)
			return false;
		for (n += 4; n > 0; n--, len++) /* It may overlap what it makes. */
			out[len] = out[len - distance];
	}
	return len == size;
}

bool inflate_zstd(struct inflater *inflater, struct bytes in, unsigned char *out, size_t size)
{
	size_t len;

	if (inflater->zstd == NULL)
		inflater->zstd = ZSTD_createDCtx();
	if (inflater->zstd == NULL)
		return false;
	len = ZSTD_decompressDCtx(inflater->zstd, out, size, in.at, in.size);
	return !ZSTD_isError(len) && len == size;
}

void inflater_finish(struct inflater *inflater)
{
	(void)ZSTD_freeDCtx(inflater->zstd);
	inflater->zstd = NULL;
}
