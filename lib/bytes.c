#include "lib/bytes.h"

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

	if (!bytes_hold(b, offset, size))
		return 0;
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

uint64_t bytes_find(struct bytes b, uint64_t from, const void *wanted, size_t size)
{
	const unsigned char *found;

	if (from >= b.size)
		return UINT64_MAX;
	found = memmem(b.at + from, b.size - from, wanted, size);
	return found == NULL ? UINT64_MAX : (uint64_t)(found - b.at);
}
