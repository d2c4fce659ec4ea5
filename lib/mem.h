/* Memory: small allocations that cannot fail, and locals that clean themselves.
 *
 * The x-functions end the process when memory is exhausted: a daemon with a durable store restarts
 * and carries on, which is a better answer than an untested error path at every allocation. Sizes
 * that come from outside are bounded by their readers before they get here. */
#ifndef CAPQ_LIB_MEM_H
#define CAPQ_LIB_MEM_H

#include <stddef.h>

/* Like malloc(), calloc(), realloc(), strdup(), strndup(); never NULL. The caller frees. */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *old, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull, nonnull));
void *xmemdup(const void *from, size_t size) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *text, size_t len) __attribute__((malloc, returns_nonnull, nonnull));
/* NULL for NULL. */
char *xstrdup_or_null(const char *text) __attribute__((malloc));

/* Make room in an array for at least `wanted` items of `size` bytes. `items` is the address of the
 * pointer to it; `*capacity` counts items and grows by doubling. New room is not initialised. */
void array_reserve(void *items, size_t *capacity, size_t wanted, size_t size);

/* qsort(3) that takes NULL for no items. */
void array_sort(void *items, size_t n, size_t size, int (*compare)(const void *, const void *));

/* Of equal neighbours in a sorted array keep the first. Returns how many items are left; the others
 * stand behind them, for whoever has to free them. */
size_t array_unique(void *items, size_t n, size_t size, int (*compare)(const void *, const void *));

/* `cleanup_free char *text = ...;` is freed on every way out of its scope. */
#define cleanup_free __attribute__((cleanup(cleanup_free_at)))
#define cleanup_close __attribute__((cleanup(cleanup_close_at)))
void cleanup_free_at(void *pointer_to_pointer);
void cleanup_close_at(const int *fd); /* Closes when *fd >= 0. */

/* Take the pointer out of a local that would otherwise be cleaned: the moment of success. */
#define STEAL_POINTER(p)                                                                           \
	(__extension__({                                                                           \
		__typeof__(p) steal_tmp_ = (p);                                                    \
		(p) = NULL;                                                                        \
		steal_tmp_;                                                                        \
	}))

#define ARRAY_LEN(a) (sizeof(a) / sizeof(a)[0])

/* The struct of type `type` whose member `member` is at `pointer`. */
#define CONTAINER_OF(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
