/* Base 64 and hexadecimal digits, there and back. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/hash.h"
#include "lib/mem.h"

/* RFC 4648, section 10, and what has '+' and '/'. */
static const struct {
	const char *bytes;
	const char *text;
} pairs[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xef\xff", "++//" },
};

static void encodes(void **state)
{
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		base64_encode((const unsigned char *)pairs[i].bytes, strlen(pairs[i].bytes), text);
		assert_string_equal(text, pairs[i].text);
		assert_int_equal(strlen(text), BASE64_LEN(strlen(pairs[i].bytes)));
	}
}

static void decodes(void **state)
{
	unsigned char bytes[32];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		assert_true(base64_decode(pairs[i].text, strlen(pairs[i].text), bytes, &len));
		assert_int_equal(len, strlen(pairs[i].bytes));
		assert_memory_equal(bytes, pairs[i].bytes, len);
	}
}

static void refuses(void **state)
{
	static const char *const texts[] = {
		"Z", "Zg", "Zg=", "Zg===", "====", "=",
		"Zm9v=", "Z===", /* Wrong lengths, paddings. */
		"Zm8=Zg==", "Zm9v ", " Zm9v", "Zm9v\n", "Zm-v", "Zm_v", /* Characters. */
		"Zh==", "Zm9=",                                         /* Bits beyond the end. */
	};
	unsigned char bytes[32];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_false(base64_decode(texts[i], strlen(texts[i]), bytes, &len));
	assert_false(base64_decode("Zm\0v", 4, bytes, &len));
}

static void hex(void **state)
{
	unsigned char bytes[3];

	(void)state;
	assert_true(hex_decode("00aBfF", bytes, 3));
	assert_memory_equal(bytes, "\x00\xab\xff", 3);
	assert_false(hex_decode("00aBf", bytes, 3));
	assert_false(hex_decode("0g0000", bytes, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes),
		cmocka_unit_test(decodes),
		cmocka_unit_test(refuses),
		cmocka_unit_test(hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
