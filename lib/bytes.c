#include "lib/bytes.h"

#include <endian.h>
#include <string.h>

bool bytes_hold(struct bytes b, uint64_t offset, uint64_t size)
{
	return offset <= b.size && size <= b.size - offset;
}

struct bytes bytes_part(struct bytes b, uint64_t offset, uint64_t size)
{
	if (b.at == NULL || !bytes_hold(b, offset, size))
		return (struct bytes){ NULL, 0 };
	return (struct bytes){ b.at + offset, size };
}

struct bytes bytes_from(struct bytes b, uint64_t offset)
{
	return bytes_part(b, offset, offset <= b.size ? b.size - offset : 0);
}

uint64_t bytes_number(struct bytes b, uint64_t offset, unsigned size, bool is_big)
{
	uint64_t n = 0;
	uint32_t n32;

	if (!bytes_hold(b, offset, size))
		return 0;
	/* Tables are full of these two. */
	if (size == 8) {
		memcpy(&n, b.at + offset, 8);
		return is_big ? be64toh(n) : le64toh(n);
	}
	if (size == 4) {
		memcpy(&n32, b.at + offset, 4);
		return is_big ? be32toh(n32) : le32toh(n32);
	}
	for (unsigned i = 0; i < size; i++)
		n = n << 8 | b.at[offset + (is_big ? i : size - 1 - i)];
	return n;
}

const char *bytes_text(struct bytes b, uint64_t offset)
{
	if (offset >= b.size || memchr(b.at + offset, '\0', b.size - offset) == NULL)
		return NULL;
	return (const char *)b.at + offset;
}

bool bytes_begin(struct bytes b, const void *prefix, size_t size)
{
	return b.at != NULL && b.size >= size && memcmp(b.at, prefix, size) == 0;
}

/* By the last byte: memchr(3) looks at 32 at once, memmem(3) at one after the other. */
uint64_t bytes_find(struct bytes b, uint64_t from, const void *wanted, size_t size)
{
	const unsigned char *text = wanted, *end, *at;

	if (from >= b.size || b.size - from < size)
		return UINT64_MAX;
	end = b.at + b.size;
	for (at = b.at + from + size - 1; at < end; at++) {
		at = memchr(at, text[size - 1], (size_t)(end - at));
		if (at == NULL)
			return UINT64_MAX;
		if (memcmp(at - (size - 1), text, size - 1) == 0)
			return (uint64_t)(at - b.at) - (size - 1);
	}
	return UINT64_MAX;
}
