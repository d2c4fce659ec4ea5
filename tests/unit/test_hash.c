/* SHA-256 by the examples of FIPS 180, and hexadecimal digits. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/hash.h"
#include "lib/mem.h"

static void sha256_of_known_texts(void **state)
{
	static const struct {
		const char *text, *hex;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char hex[SHA256_HEX_LEN + 1];

		sha256_hex(cases[i].text, strlen(cases[i].text), hex);
		assert_string_equal(hex, cases[i].hex);
	}
}

static void part_by_part_is_the_same(void **state)
{
	unsigned char whole[SHA256_LEN], parts[SHA256_LEN];
	struct sha256_stream *stream = sha256_begin();

	(void)state;
	sha256("abc", 3, whole);
	sha256_add(stream, "a", 1);
	sha256_add(stream, "", 0);
	sha256_add(stream, "bc", 2);
	sha256_end(stream, parts);
	assert_memory_equal(whole, parts, SHA256_LEN);
}

static void nul_bytes_count(void **state)
{
	char one[SHA256_HEX_LEN + 1], two[SHA256_HEX_LEN + 1];

	(void)state;
	sha256_hex("a\0b", 3, one);
	sha256_hex("a\0c", 3, two);
	assert_string_not_equal(one, two);
}

static void bytes_become_two_digits_each(void **state)
{
	char hex[11];

	(void)state;
	hex_encode((const unsigned char *)"\x00\x0f\xf0\xff\x5a", 5, hex);
	assert_string_equal(hex, "000ff0ff5a");
	hex_encode(NULL, 0, hex);
	assert_string_equal(hex, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_of_known_texts),
		cmocka_unit_test(part_by_part_is_the_same),
		cmocka_unit_test(nul_bytes_count),
		cmocka_unit_test(bytes_become_two_digits_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
