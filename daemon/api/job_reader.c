#include "daemon/api/job_reader.h"

#include <ctype.h>

static int refuse(const struct job_reader *r, char c, const char *expected, struct err *err)
{
	return err_set(err, CAPQ_EINVAL, "behind job %zu: '%c' where %s was expected", r->n,
		isprint((unsigned char)c) ? c : '?', expected);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A byte within an object. True when it was the object's last. */
static bool object_ends(struct job_reader *r, char c)
{
	if (r->in_string) {
		if (r->escaped)
			r->escaped = false;
		else if (c == '\\')
			r->escaped = true;
		else if (c == '"')
			r->in_string = false;
		return false;
	}
	if (c == '"')
		r->in_string = true;
	else if (c == '{' || c == '[')
		r->depth++;
	else if (c == '}' || c == ']')
		r->depth--;
	return r->depth == 0;
}

/* A byte between objects. */
static int between(struct job_reader *r, char c, struct err *err)
{
	bool in_array = r->form == JOB_READER_ARRAY;

	if (is_blank(c))
		return 0;
	if (r->ended)
		return refuse(r, c, "the end", err);
	if (r->form == JOB_READER_UNKNOWN && c == '[') {
		r->form = JOB_READER_ARRAY;
	} else if (c == '{' && !r->need_comma) {
		if (r->form == JOB_READER_UNKNOWN)
			r->form = JOB_READER_OBJECTS;
		r->depth = 1;
		r->after_comma = false;
		str_add_char(&r->object, c);
	} else if (in_array && c == ',' && r->need_comma) {
		r->need_comma = false;
		r->after_comma = true;
	} else if (in_array && c == ']' && !r->after_comma) {
		r->ended = true;
	} else {
		return refuse(r, c, r->need_comma ? "',' or ']'" : "an object ('{')", err);
	}
	return 0;
}

static int hand_out(struct job_reader *r,
	int (*on_object)(void *, const char *, size_t, struct err *), void *owner, struct err *err)
{
	int rv = on_object(owner, str_text(&r->object), r->object.len, err);

	str_clear(&r->object);
	r->need_comma = r->form == JOB_READER_ARRAY;
	r->n++;
	return rv;
}

/* Take bytes of an object that has begun. Returns how many. */
static size_t take_object(struct job_reader *r, const char *bytes, size_t len)
{
	size_t i = 0;

	while (i < len && r->depth > 0)
		(void)object_ends(r, bytes[i++]);
	str_add_bytes(&r->object, bytes, i);
	return i;
}

int job_reader_feed(struct job_reader *r, const char *bytes, size_t len,
	int (*on_object)(void *, const char *, size_t, struct err *), void *owner, struct err *err)
{
	size_t i = 0;

	while (i < len) {
		int rv;

		if (r->depth == 0) {
			rv = between(r, bytes[i++], err);
			if (rv < 0)
				return rv;
			continue;
		}
		i += take_object(r, bytes + i, len - i);
		if (r->object.len > JOB_READER_OBJECT_MAX)
			return err_set(err, CAPQ_ETOOBIG, "job %zu has more than %u bytes", r->n,
				JOB_READER_OBJECT_MAX);
		if (r->depth > 0)
			return 0;
		rv = hand_out(r, on_object, owner, err);
		if (rv < 0)
			return rv;
	}
	return 0;
}

int job_reader_end(const struct job_reader *r, struct err *err)
{
	if (r->depth > 0 || (r->form == JOB_READER_ARRAY && !r->ended))
		return err_set(
			err, CAPQ_EINVAL, "the body ends in the middle, behind %zu jobs", r->n);
	if (r->n == 0)
		return err_set(err, CAPQ_EINVAL, "the body holds no job");
	return 0;
}

void job_reader_finish(struct job_reader *r)
{
	str_free(&r->object);
}
