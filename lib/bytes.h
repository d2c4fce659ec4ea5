/* A stretch of memory that came from outside, and reading numbers from it. Pure.
 *
 * Nothing here reads beyond the end: whoever takes a part checks first with bytes_hold(), and a
 * number that is not whole within the stretch reads as 0. Offsets and sizes are 64 bits wide and
 * come from the file, so no sum of two of them is ever formed. */
#ifndef CAPQ_LIB_BYTES_H
#define CAPQ_LIB_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const unsigned char *at;
	uint64_t size;
};

/* `size` bytes from `offset` on are all there. */
bool bytes_hold(struct bytes b, uint64_t offset, uint64_t size);

/* They; empty when they are not all there. */
struct bytes bytes_part(struct bytes b, uint64_t offset, uint64_t size);

/* All from `offset` on; empty when that is beyond the end. */
struct bytes bytes_from(struct bytes b, uint64_t offset);

/* A number of 2, 4 or 8 bytes, its first byte the lowest unless `is_big`. */
uint64_t bytes_number(struct bytes b, uint64_t offset, unsigned size, bool is_big);

static inline uint16_t bytes_u16(struct bytes b, uint64_t offset)
{
	return (uint16_t)bytes_number(b, offset, 2, false);
}

static inline uint32_t bytes_u32(struct bytes b, uint64_t offset)
{
	return (uint32_t)bytes_number(b, offset, 4, false);
}

static inline uint64_t bytes_u64(struct bytes b, uint64_t offset)
{
	return bytes_number(b, offset, 8, false);
}

/* The text at `offset`, NULL unless its NUL is there too. */
const char *bytes_text(struct bytes b, uint64_t offset);

bool bytes_begin(struct bytes b, const void *prefix, size_t size);

/* Where `size` bytes `wanted`, 1 or more, occur at or behind `from`; UINT64_MAX: nowhere. */
uint64_t bytes_find(struct bytes b, uint64_t from, const void *wanted, size_t size);

#endif
