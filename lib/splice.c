#include "lib/splice.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/mem.h"

void spliced_init(struct spliced *s, struct bytes base)
{
	*s = (struct spliced){ .base = base, .size = base.size };
}

void spliced_finish(struct spliced *s)
{
	for (size_t i = 0; i < s->n_owned; i++)
		free(s->owned[i]);
	free(s->owned);
	free(s->splices);
	*s = (struct spliced){ .n = 0 };
}

void spliced_put(struct spliced *s, uint64_t at, struct bytes bytes)
{
	if (bytes.size == 0)
		return;
	array_reserve(&s->splices, &s->capacity, s->n + 1, sizeof *s->splices);
	s->splices[s->n++] = (struct splice){ at, bytes };
	if (at + bytes.size > s->size)
		s->size = at + bytes.size;
}

void *spliced_own(struct spliced *s, void *memory)
{
	array_reserve(&s->owned, &s->owned_capacity, s->n_owned + 1, sizeof *s->owned);
	s->owned[s->n_owned++] = memory;
	return memory;
}

void spliced_put_number(struct spliced *s, uint64_t at, uint64_t number, unsigned size)
{
	unsigned char *bytes = spliced_own(s, xmalloc(size));

	for (unsigned i = 0; i < size; i++)
		bytes[i] = (unsigned char)(number >> 8 * i);
	spliced_put(s, at, (struct bytes){ bytes, size });
}

bool spliced_is_base(const struct spliced *s)
{
	return s->n == 0 && s->size == s->base.size;
}

static int compare_places(const void *left, const void *right)
{
	const struct splice *a = left, *b = right;

	return (a->at > b->at) - (a->at < b->at);
}

int spliced_check(struct spliced *s, struct err *err)
{
	array_sort(s->splices, s->n, sizeof *s->splices, compare_places);
	for (size_t i = 1; i < s->n; i++)
		if (s->splices[i].at - s->splices[i - 1].at < s->splices[i - 1].bytes.size)
			return err_set(err, CAPQ_EINVAL,
				"what is to be replaced at 0x%" PRIx64 " has two meanings",
				s->splices[i].at);
	return 0;
}

/* What is between splices: of the base, and zeros behind its end. */
static int write_between(const struct spliced *s, uint64_t from, uint64_t to,
	int (*write)(void *owner, struct bytes part, struct err *err), void *owner, struct err *err)
{
	uint64_t middle = from > s->base.size ? from : to < s->base.size ? to : s->base.size;
	int rv = 0;

	if (middle > from)
		rv = write(owner, bytes_part(s->base, from, middle - from), err);
	if (rv == 0 && to > middle)
		rv = write(owner, (struct bytes){ NULL, to - middle }, err);
	return rv;
}

int spliced_write(struct spliced *s, int (*write)(void *owner, struct bytes part, struct err *err),
	void *owner, struct err *err)
{
	uint64_t at = 0;
	int rv = spliced_check(s, err);

	for (size_t i = 0; i < s->n && rv == 0; i++) {
		const struct splice *splice = &s->splices[i];

		rv = write_between(s, at, splice->at, write, owner, err);
		if (rv == 0)
			rv = write(owner, splice->bytes, err);
		at = splice->at + splice->bytes.size;
	}
	return rv == 0 ? write_between(s, at, s->size, write, owner, err) : rv;
}
