#include "lib/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *or_die(void *p)
{
	if (p == NULL) {
		(void)fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *xmalloc(size_t size)
{
	return or_die(malloc(size ? size : 1));
}

void *xcalloc(size_t n, size_t size)
{
	return or_die(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *old, size_t size)
{
	return or_die(realloc(old, size ? size : 1));
}

void *xmemdup(const void *from, size_t size)
{
	void *to = xmalloc(size);

	if (size > 0)
		memcpy(to, from, size);
	return to;
}

char *xstrdup(const char *text)
{
	return or_die(strdup(text));
}

char *xstrndup(const char *text, size_t len)
{
	return or_die(strndup(text, len));
}

char *xstrdup_or_null(const char *text)
{
	return text == NULL ? NULL : xstrdup(text);
}

void array_reserve(void *items, size_t *capacity, size_t wanted, size_t size)
{
	void *array;
	size_t room = *capacity;

	if (wanted <= room)
		return;
	if (room < 8)
		room = 8;
	while (room < wanted && room <= SIZE_MAX / 2)
		room *= 2;
	if (room < wanted || room > SIZE_MAX / size)
		(void)or_die(NULL);
	/* `items` points to a `struct thing *`, which must not be looked at as a `void *`. */
	memcpy(&array, items, sizeof array);
	array = xrealloc(array, room * size);
	memcpy(items, &array, sizeof array);
	*capacity = room;
}

void array_sort(void *items, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	if (n > 1)
		qsort(items, n, size, compare);
}

static void swap(char *a, char *b, size_t size)
{
	while (size-- > 0) {
		char c = *a;

		*a++ = *b;
		*b++ = c;
	}
}

size_t array_unique(void *items, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	char *first = items, *last = first; /* The last that is kept. */

	if (n == 0)
		return 0;
	for (size_t i = 1; i < n; i++) {
		char *item = first + i * size;

		if (compare(last, item) == 0)
			continue;
		last += size;
		if (last != item)
			swap(last, item, size);
	}
	return (size_t)(last - first) / size + 1;
}

void cleanup_free_at(void *pointer_to_pointer)
{
	void *p;

	memcpy(&p, pointer_to_pointer, sizeof p); /* As in array_reserve(). */
	free(p);
}

void cleanup_close_at(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}
