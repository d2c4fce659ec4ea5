#include "lib/json_check.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "lib/json.h"
#include "lib/str.h"

#define NUMBER_MAX 63 /* cJSON cuts longer ones. */

struct checker {
	const char *start, *at, *end;
	void (*on_number)(void *owner, size_t n, const char *digits, size_t len);
	void *owner;
	size_t n_numbers;
	struct err *err;
};

static int fail(struct checker *c, const char *what)
{
	return err_set(c->err, CAPQ_EINVAL, "not JSON: %s at byte %td", what, c->at - c->start);
}

static void skip_blanks(struct checker *c)
{
	while (c->at < c->end &&
		(*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r'))
		c->at++;
}

static bool take(struct checker *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static int take_word(struct checker *c, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0)
		return fail(c, "expected a value");
	c->at += len;
	return 0;
}

static size_t take_digits(struct checker *c)
{
	const char *from = c->at;

	while (c->at < c->end && isdigit((unsigned char)*c->at))
		c->at++;
	return (size_t)(c->at - from);
}

static int check_number(struct checker *c)
{
	const char *from = c->at, *digits;
	size_t n;

	(void)take(c, '-');
	digits = c->at;
	n = take_digits(c);
	if (n == 0)
		return fail(c, "expected a value");
	if (n > 1 && *digits == '0')
		return fail(c, "a number with a leading zero");
	if (take(c, '.') && take_digits(c) == 0)
		return fail(c, "a number without digits behind its point");
	if (take(c, 'e') || take(c, 'E')) {
		if (!take(c, '+'))
			(void)take(c, '-');
		n = take_digits(c);
		if (n == 0)
			return fail(c, "a number without digits in its exponent");
		if (n > 2) /* Nor does a double reach 10^309. */
			return fail(c, "a number beyond 10^99");
	}
	if (c->at - from > NUMBER_MAX)
		return fail(c, "a number of more than 63 characters");
	if (c->on_number != NULL)
		c->on_number(c->owner, c->n_numbers, from, (size_t)(c->at - from));
	c->n_numbers++;
	return 0;
}

/* The four digits behind "\u"; -1 when they are not. */
static long hex4(const struct checker *c)
{
	long value = 0;

	if (c->end - c->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char d = c->at[i];

		if (!isxdigit((unsigned char)d))
			return -1;
		value = value * 16 + (isdigit((unsigned char)d) ? d - '0' : (d | 0x20) - 'a' + 10);
	}
	return value;
}

static int check_unicode_escape(struct checker *c)
{
	long high = hex4(c), low;

	if (high < 0)
		return fail(c, "a bad \\u escape");
	if (high == 0)
		return fail(c, "\\u0000");
	c->at += 4;
	if (high < 0xd800 || high > 0xdfff)
		return 0;
	if (high > 0xdbff || !take(c, '\\') || !take(c, 'u'))
		return fail(c, "half a surrogate pair");
	low = hex4(c);
	if (low < 0xdc00 || low > 0xdfff)
		return fail(c, "half a surrogate pair");
	c->at += 4;
	return 0;
}

static int check_string(struct checker *c)
{
	const char *from = ++c->at;

	for (; c->at < c->end && *c->at != '"';) {
		if ((unsigned char)*c->at < 0x20)
			return fail(c, "a control character in a string");
		if (*c->at++ != '\\')
			continue;
		if (c->at == c->end || *c->at == '\0' || strchr("\"\\/bfnrtu", *c->at) == NULL)
			return fail(c, "a bad escape");
		if (*c->at++ == 'u' && check_unicode_escape(c) < 0)
			return CAPQ_EINVAL;
	}
	if (c->at == c->end)
		return fail(c, "a string that does not end");
	if (!str_is_utf8(from, (size_t)(c->at - from)))
		return fail(c, "a string that is not UTF-8");
	c->at++;
	return 0;
}

static int check_value(struct checker *c, int depth);

static int check_members(struct checker *c, int depth, char closing)
{
	if (depth > JSON_DEPTH_MAX)
		return err_set(
			c->err, CAPQ_ETOOBIG, "JSON nested more than %d deep", JSON_DEPTH_MAX);
	c->at++;
	skip_blanks(c);
	if (take(c, closing))
		return 0;
	for (;;) {
		int rv;

		skip_blanks(c);
		if (closing == '}') {
			if (c->at == c->end || *c->at != '"')
				return fail(c, "expected a name in double quotes");
			if (check_string(c) < 0)
				return CAPQ_EINVAL;
			skip_blanks(c);
			if (!take(c, ':'))
				return fail(c, "expected ':'");
		}
		rv = check_value(c, depth + 1);
		if (rv < 0)
			return rv;
		skip_blanks(c);
		if (take(c, closing))
			return 0;
		if (!take(c, ','))
			return fail(
				c, closing == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
	}
}

/* `depth` counts arrays and objects; recursion is bounded by JSON_DEPTH_MAX. */
static int check_value(struct checker *c, int depth)
{
	skip_blanks(c);
	if (c->at == c->end)
		return fail(c, "expected a value");
	switch (*c->at) {
	case '{':
		return check_members(c, depth, '}');
	case '[':
		return check_members(c, depth, ']');
	case '"':
		return check_string(c);
	case 't':
		return take_word(c, "true");
	case 'f':
		return take_word(c, "false");
	case 'n':
		return take_word(c, "null");
	default:
		return check_number(c);
	}
}

int json_check(const char *text, size_t len,
	void (*on_number)(void *, size_t, const char *, size_t), void *owner, struct err *err)
{
	struct checker c = {
		.start = text,
		.at = text,
		.end = text + len,
		.on_number = on_number,
		.owner = owner,
		.err = err,
	};
	int rv = check_value(&c, 1);

	if (rv < 0)
		return rv;
	skip_blanks(&c);
	if (c.at != c.end)
		return fail(&c, "something stands behind the value");
	return 0;
}
