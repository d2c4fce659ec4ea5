/* Names of revisions. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/mem.h"
#include "lib/rev_name.h"

/* Git reads these names: none may pass for an option, a range or a path of its own. */
static void names_of_revisions(void **state)
{
	static const char *const good[] = { "master", "nixos-24.05", "24.05", "pull/123/head",
		"feature/caf\xc3\xa9", "0123456789abcdef0123456789abcdef01234567", "a@b" };
	static const char *const bad[] = { "", "-x", "--upload-pack=x", "/master", "master/",
		"a..b", "a b", "a\nb", "a\tb", "a\x7f", "a~1", "a^", "a:b", "a?", "a*", "a[b",
		"a\\b", "HEAD@{1}", "caf\xe9", ".a", "a//b", "a/.b", "a.lock", "@" };
	char longest[REV_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(rev_name_is_valid(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(rev_name_is_valid(bad[i]));
	memset(longest, 'x', sizeof longest);
	longest[REV_NAME_MAX] = '\0';
	assert_true(rev_name_is_valid(longest));
	longest[REV_NAME_MAX] = 'x';
	longest[REV_NAME_MAX + 1] = '\0';
	assert_false(rev_name_is_valid(longest));
}

/* Seven digits are what git itself shortens to; a branch may look like a hash, a hash like nothing
 * else. */
static void hashes_by_their_form(void **state)
{
	static const struct {
		const char *name;
		bool is_full, is_short;
	} cases[] = {
		{ "0123456789abcdef0123456789abcdef01234567", true, true },
		{ "0123456789abcdef0123456789abcdef0123456", false, true },
		{ "0123456789abcdef0123456789abcdef012345678", false, false },
		{ "0123456789ABCDEF0123456789ABCDEF01234567", false, false },
		{ "abcdef0", false, true },
		{ "abcdef", false, false },
		{ "abcdefg", false, false },
		{ "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(rev_is_full_hash(cases[i].name), cases[i].is_full);
		assert_int_equal(rev_is_short_hash(cases[i].name), cases[i].is_short);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_revisions),
		cmocka_unit_test(hashes_by_their_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
