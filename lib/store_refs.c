#include "lib/store_refs.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#define BLOCK 4096

/* The first byte from `at` on that differs. */
static uint64_t find_byte(struct bytes a, struct bytes b, uint64_t at, uint64_t end)
{
	while (end - at >= BLOCK && memcmp(a.at + at, b.at + at, BLOCK) == 0)
		at += BLOCK;
	while (at < end && a.at[at] == b.at[at])
		at++;
	return at;
}

/* The end of the two hashes that the byte at `at` is part of; 0: it is part of none. */
static uint64_t behind_hashes(struct bytes a, struct bytes b, struct store_refs refs, uint64_t at)
{
	for (uint64_t back = 0; back < STORE_HASH_LEN && back <= at; back++) {
		uint64_t from = at - back;

		if (bytes_begin(bytes_from(a, from), refs.a, STORE_HASH_LEN) &&
			bytes_begin(bytes_from(b, from), refs.b, STORE_HASH_LEN))
			return from + STORE_HASH_LEN;
	}
	return 0;
}

uint64_t store_refs_differ(struct bytes a, struct bytes b, struct store_refs refs, uint64_t at)
{
	uint64_t end = a.size < b.size ? a.size : b.size;

	while (at < end && (at = find_byte(a, b, at, end)) < end) {
		uint64_t behind = 0;

		if (refs.a != NULL && refs.b != NULL)
			behind = behind_hashes(a, b, refs, at);
		if (behind == 0)
			return at;
		at = behind;
	}
	return at;
}

bool store_refs_same_text(const char *a, const char *b, struct store_refs refs)
{
	const struct bytes x = { (const unsigned char *)a, strlen(a) },
			   y = { (const unsigned char *)b, strlen(b) };

	return x.size == y.size && store_refs_differ(x, y, refs, 0) == x.size;
}

static uint64_t replace_between(
	struct spliced *s, uint64_t at, uint64_t end, const char *from, const char *to)
{
	struct bytes part = bytes_part(s->base, 0, end);
	uint64_t n = 0;

	while ((at = bytes_find(part, at, from, STORE_HASH_LEN)) != UINT64_MAX) {
		if (to != NULL)
			spliced_put(
				s, at, (struct bytes){ (const unsigned char *)to, STORE_HASH_LEN });
		at += STORE_HASH_LEN;
		n++;
	}
	return n;
}

uint64_t store_refs_replace(struct spliced *s, const char *from, const char *to)
{
	uint64_t at = 0, n = 0;
	size_t n_splices = s->n;

	(void)spliced_check(s, NULL); /* Which sorts them; new ones are put behind. */
	for (size_t i = 0; i < n_splices && s->splices[i].at < s->base.size; i++) {
		uint64_t begin = s->splices[i].at, end = begin + s->splices[i].bytes.size;

		n += replace_between(s, at, begin, from, to);
		at = end;
	}
	return n + replace_between(s, at, s->base.size, from, to);
}
