/* A growing text, and the few string helpers that libc lacks. */
#ifndef CAPQ_LIB_STR_H
#define CAPQ_LIB_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise it; `text` is NULL until something is added, then always NUL-terminated. */
struct str {
	char *text;
	size_t len;      /* Bytes without the NUL. */
	size_t capacity; /* Bytes allocated. */
};

void str_add(struct str *s, const char *text);
void str_add_bytes(struct str *s, const void *bytes, size_t len); /* May hold NULs. */
void str_add_char(struct str *s, char c);
void str_addf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "" instead of NULL while nothing was added. Borrowed until the next change. */
const char *str_text(const struct str *s);

/* Hand the text over ("" when empty); `s` is empty afterwards. The caller frees. */
char *str_take(struct str *s);

void str_clear(struct str *s); /* Empty, the memory kept. */
void str_free(struct str *s);  /* Empty, the memory given back. */
#define cleanup_str __attribute__((cleanup(str_free)))

/* printf into fresh memory. The caller frees. */
char *str_format(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* The whole of `text` as a decimal number within [min, max]: digits, a leading '-' if min < 0,
 * nothing else. False: `*out` untouched. */
bool str_to_int(const char *text, int64_t min, int64_t max, int64_t *out);

/* True when `len` bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong). */
bool str_is_utf8(const char *bytes, size_t len);

/* Append `len` bytes as UTF-8 without NULs: what is ill-formed, and each NUL, becomes U+FFFD. */
void str_add_utf8(struct str *s, const char *bytes, size_t len);

/* Append `len` bytes of a program's output for a person: escape sequences of terminals and control
 * characters but tab and newline go, ill-formed UTF-8 becomes U+FFFD. */
void str_add_printable(struct str *s, const char *bytes, size_t len);

/* `names` sorted by how little differs from `wanted` (optimal string alignment, case ignored),
 * at most `max` (up to 16) of them, none longer than 64 bytes and none that differs in more than a
 * third of its letters. Writes borrowed pointers to `out` and returns how many: what "did you mean
 * ...?" wants. */
size_t str_nearest(
	const char *wanted, const char *const *names, size_t n, const char **out, size_t max);

#endif
