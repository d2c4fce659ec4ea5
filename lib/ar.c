/* "!<arch>\n", and then members: a header of 60 characters, the data, and a newline when that has
 * an odd size. Names of more than 15 characters stand elsewhere: "/123" is at 123 of the member
 * "//" (GNU), "#1/20" are the first 20 bytes of the data (BSD). In a thin archive "/123:456" is the
 * member at 456 of the archive whose name that is: so GNU ar keeps archives in archives flat. */
#include "lib/ar.h"

#include <ar.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"

#define THIN_MAGIC "!<thin>\n"
#define GNU_NAMES "//"

bool ar_is(struct bytes file)
{
	return bytes_begin(file, ARMAG, SARMAG) || bytes_begin(file, THIN_MAGIC, SARMAG);
}

void ar_open(struct bytes file, struct ar *out)
{
	*out = (struct ar){
		.file = file, .is_thin = bytes_begin(file, THIN_MAGIC, SARMAG), .at = SARMAG
	};
}

/* A decimal number in a field that blanks fill up. */
static bool read_number(const char *field, size_t size, int64_t *out)
{
	char digits[24];
	size_t n = 0;

	while (n < size && field[n] != ' ')
		n++;
	memcpy(digits, field, n);
	digits[n] = '\0';
	return str_to_int(digits, 0, INT64_MAX, out);
}

/* `len` bytes as a name; false: it is too long, or holds a NUL. */
static bool set_name(struct ar_member *member, const char *text, size_t len)
{
	if (len >= sizeof member->name || memchr(text, '\0', len) != NULL)
		return false;
	memcpy(member->name, text, len);
	member->name[len] = '\0';
	return true;
}

/* GNU ends names with '/', here and in the table of long ones, where a newline follows. */
static bool set_gnu_name(const struct ar *ar, struct ar_member *member, int64_t offset)
{
	struct bytes rest = bytes_from(ar->long_names, (uint64_t)offset);
	const char *end = rest.size == 0 ? NULL : memchr(rest.at, '\n', rest.size);
	size_t len = end == NULL ? 0 : (size_t)(end - (const char *)rest.at);

	if (len > 0 && rest.at[len - 1] == '/')
		len--;
	return len > 0 && set_name(member, (const char *)rest.at, len);
}

static bool set_short_name(struct ar_member *member, const char *field, size_t size)
{
	size_t len = size;

	while (len > 0 && field[len - 1] == ' ')
		len--;
	if (len > 1 && field[len - 1] == '/')
		len--;
	return set_name(member, field, len);
}

/* "123" or "123:456" behind the slash. */
static bool read_offset(
	const struct ar *ar, const char *field, size_t size, int64_t *out, uint64_t *out_origin)
{
	const char *colon = ar->is_thin ? memchr(field, ':', size) : NULL;
	size_t len = colon == NULL ? size : (size_t)(colon - field);
	int64_t origin = 0;

	if (colon != NULL && !read_number(colon + 1, size - len - 1, &origin))
		return false;
	*out_origin = (uint64_t)origin;
	return read_number(field, len, out);
}

/* The name of the member, whose data is in member->bytes; BSD's long ones are cut off from that. */
static bool read_name(const struct ar *ar, const struct ar_hdr *header, struct ar_member *member)
{
	const char *field = header->ar_name;
	int64_t n;

	if (field[0] == '/' &&
		read_offset(ar, field + 1, sizeof header->ar_name - 1, &n, &member->origin))
		return set_gnu_name(ar, member, n);
	if (strncmp(field, "#1/", 3) != 0)
		return set_short_name(member, field, sizeof header->ar_name);
	if (!read_number(field + 3, sizeof header->ar_name - 3, &n) ||
		!bytes_hold(member->bytes, 0, (uint64_t)n) ||
		!set_name(member, (const char *)member->bytes.at,
			strnlen((const char *)member->bytes.at, (size_t)n)))
		return false;
	member->bytes = bytes_from(member->bytes, (uint64_t)n);
	return true;
}

/* "/", "//", "/SYM64/" and BSD's "__.SYMDEF SORTED". */
static bool is_table(const struct ar_hdr *header)
{
	return header->ar_name[0] == '/' && (header->ar_name[1] < '0' || header->ar_name[1] > '9');
}

static void *refuse(const struct ar *ar, const char *what, struct err *err)
{
	(void)err_set(err, CAPQ_EINVAL, "archive: at %" PRIu64 ": %s", ar->at, what);
	return NULL;
}

/* The header at ar->at and its data; `ar` moves behind both. NULL: refused. */
static const struct ar_hdr *read_member(struct ar *ar, struct ar_member *out, struct err *err)
{
	struct bytes rest = bytes_from(ar->file, ar->at);
	const struct ar_hdr *header = (const struct ar_hdr *)(const void *)rest.at;
	int64_t size;
	bool is_elsewhere;

	if (rest.size < sizeof *header)
		return refuse(ar, "the header of a member is cut off", err);
	if (memcmp(header->ar_fmag, ARFMAG, sizeof header->ar_fmag) != 0 ||
		!read_number(header->ar_size, sizeof header->ar_size, &size))
		return refuse(ar, "there is no header of a member", err);
	is_elsewhere = ar->is_thin && !is_table(header);
	if (is_elsewhere)
		size = 0;
	if (!bytes_hold(rest, sizeof *header, (uint64_t)size))
		return refuse(ar, "a member reaches beyond the end of the file", err);
	out->bytes = bytes_part(rest, sizeof *header, (uint64_t)size);
	out->origin = 0;
	if (!is_table(header) && !read_name(ar, header, out))
		return refuse(ar, "a member has no proper name", err);
	ar->at += sizeof *header + (uint64_t)size + (uint64_t)(size & 1);
	return header;
}

int ar_next(struct ar *ar, struct ar_member *out, struct err *err)
{
	while (ar->at < ar->file.size) {
		const struct ar_hdr *header = read_member(ar, out, err);

		if (header == NULL)
			return CAPQ_EINVAL;
		if (strncmp(header->ar_name, GNU_NAMES, strlen(GNU_NAMES)) == 0)
			ar->long_names = out->bytes;
		else if (!is_table(header) && !str_starts(out->name, "__.SYMDEF"))
			return 1;
	}
	return 0;
}

int ar_open_at(struct bytes file, uint64_t at, struct ar *out, struct err *err)
{
	struct ar_member *first = xmalloc(sizeof *first);
	int rv;

	ar_open(file, out);
	rv = ar_next(out, first, err); /* The table of names is in front of it. */
	out->at = at;
	free(first);
	return rv < 0 ? rv : 0;
}
