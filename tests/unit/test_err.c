/* Errors: codes from errno, context outward, texts cut at a whole character. */
#include "tests/support/cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/str.h"

static void set_holds_code_and_text(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_set(&err, CAPQ_ENOTFOUND, "job %d does not exist", 17), -2);
	assert_int_equal(err.code, CAPQ_ENOTFOUND);
	assert_string_equal(err.text, "job 17 does not exist");
}

static void wrap_puts_context_in_front(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, CAPQ_ETIMEOUT, "timed out");
	assert_int_equal(err_wrap(&err, "PUT %s", "cache.example"), CAPQ_ETIMEOUT);
	assert_int_equal(err_wrap(&err, "push job %d", 17), CAPQ_ETIMEOUT);
	assert_string_equal(err.text, "push job 17: PUT cache.example: timed out");
}

static void errno_becomes_code_and_text(void **state)
{
	static const struct {
		int number, code;
		const char *text;
	} cases[] = {
		{ ENOENT, CAPQ_ENOTFOUND, "open x: No such file or directory" },
		{ ENOSPC, CAPQ_ENOSPC, "open x: No space left on device" },
		{ EDQUOT, CAPQ_ENOSPC, "open x: Disk quota exceeded" },
		{ EACCES, CAPQ_EDENIED, "open x: Permission denied" },
		{ EPERM, CAPQ_EDENIED, "open x: Operation not permitted" },
		{ EIO, CAPQ_EFAILED, "open x: Input/output error" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err;

		assert_int_equal(err_errno(&err, cases[i].number, "open %s", "x"), cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		assert_string_equal(err.text, cases[i].text);
	}
}

/* Who does not want to know passes NULL; the code is returned all the same. */
static void err_may_be_null(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, CAPQ_EBUSY, "x"), CAPQ_EBUSY);
	assert_int_equal(err_errno(NULL, ENOENT, "x"), CAPQ_ENOTFOUND);
	assert_int_equal(err_wrap(NULL, "x"), CAPQ_EFAILED);
}

/* A text of `ascii` letters and then two-byte characters, up to beyond the limit. */
static void make_long(char *text, size_t size, size_t ascii)
{
	memset(text, 'x', ascii);
	for (size_t i = ascii; i + 2 < size; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[ascii + (size - ascii - 1) / 2 * 2] = '\0';
}

static void texts_are_cut_at_a_whole_character(void **state)
{
	char text[2 * ERR_TEXT_MAX];
	struct err err;

	(void)state;
	make_long(text, sizeof text, 1); /* 1023 bytes would end between two characters. */
	err_set(&err, CAPQ_EFAILED, "%s", text);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_true(str_is_utf8(err.text, strlen(err.text)));

	make_long(text, sizeof text, 2); /* 1023 bytes would end within one. */
	err_set(&err, CAPQ_EFAILED, "%s", text);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 2);
	assert_true(str_is_utf8(err.text, strlen(err.text)));

	err_wrap(&err, "a");
	assert_true(str_starts(err.text, "a: xx\xc3\xa9"));
	assert_true(str_is_utf8(err.text, strlen(err.text)));
}

/* 1024 bytes, one too many, the last two of them one character: that goes as a whole. */
static void one_byte_too_many_is_seen(void **state)
{
	char text[ERR_TEXT_MAX + 1];
	struct err err;

	(void)state;
	make_long(text, sizeof text, ERR_TEXT_MAX - 2);
	assert_int_equal(strlen(text), ERR_TEXT_MAX);
	err_set(&err, CAPQ_EFAILED, "%s", text);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 2);

	err_set(&err, CAPQ_EFAILED, "\xc3\xa9");
	err_wrap(&err, "%.*s", ERR_TEXT_MAX - 4, text); /* ": " and the character. */
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 2);
}

/* Nothing is lost of a text that just fits, whatever it ends in. */
static void what_fits_is_kept(void **state)
{
	char text[ERR_TEXT_MAX];
	struct err err;

	(void)state;
	make_long(text, sizeof text, 1);
	assert_int_equal(strlen(text), ERR_TEXT_MAX - 1);
	err_set(&err, CAPQ_EFAILED, "%s", text);
	assert_string_equal(err.text, text);
	err_set(&err, CAPQ_EFAILED, "caf\xe9");
	assert_string_equal(err.text, "caf\xe9");
}

static void arguments_may_quote_the_text(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, CAPQ_EFAILED, "inner");
	err_set(&err, CAPQ_EINVAL, "outer (%s)", err.text);
	assert_string_equal(err.text, "outer (inner)");
	err_wrap(&err, "%s", err.text);
	assert_string_equal(err.text, "outer (inner): outer (inner)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_holds_code_and_text),
		cmocka_unit_test(wrap_puts_context_in_front),
		cmocka_unit_test(errno_becomes_code_and_text),
		cmocka_unit_test(err_may_be_null),
		cmocka_unit_test(texts_are_cut_at_a_whole_character),
		cmocka_unit_test(one_byte_too_many_is_seen),
		cmocka_unit_test(what_fits_is_kept),
		cmocka_unit_test(arguments_may_quote_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
