/* Which variables a child gets. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "io/child_env.h"
#include "lib/mem.h"
#include "lib/str.h"

/* What a child gets when our environment holds `ours` (NULL behind the last), as one text. */
static char *made(const char *const *ours, const char *const *add, bool with_secrets)
{
	cleanup_free char **env = NULL;
	struct str text = { 0 };

	clearenv();
	for (; *ours != NULL; ours++)
		assert_int_equal(putenv((char *)*ours), 0);
	env = child_env_make(add, with_secrets);
	for (char **v = env; *v != NULL; v++)
		str_addf(&text, "%s ", *v);
	return str_take(&text);
}

static void what_a_child_gets(void **state)
{
	static const struct {
		const char *ours[16], *add[4];
		bool with_secrets;
		const char *made;
	} cases[] = {
		{ { NULL }, { NULL }, false, "" },
		{ { "PATH=/bin", "HOME=/" }, { NULL }, false, "PATH=/bin HOME=/ " },
		{ { "PATH=/bin" }, { "A=1", "B=" }, false, "PATH=/bin A=1 B= " },
		/* What is added replaces what has the same name, the whole of it. */
		{ { "A=1", "AB=2", "B=3" }, { "A=x" }, false, "AB=2 B=3 A=x " },
		{ { "AB=2" }, { "ABC=x" }, false, "AB=2 ABC=x " },
		/* Secrets, and the ways to them, only where they are asked for. */
		{ { "CACHIX_AUTH_TOKEN=s", "CAPQ_TOKEN=s", "CREDENTIALS_DIRECTORY=/c", "CACHE=1" },
			{ NULL }, false, "CACHE=1 " },
		{ { "CACHIX_AUTH_TOKEN=s", "CAPQ_TOKEN=s", "CREDENTIALS_DIRECTORY=/c", "CACHE=1" },
			{ NULL }, true,
			"CACHIX_AUTH_TOKEN=s CAPQ_TOKEN=s CREDENTIALS_DIRECTORY=/c CACHE=1 " },
		{ { "CACHIX_AUTH_TOKEN=s" }, { "CACHIX_AUTH_TOKEN=x" }, false,
			"CACHIX_AUTH_TOKEN=x " },
		/* systemd's words to us: for nobody else. */
		{ { "NOTIFY_SOCKET=/n", "LISTEN_PID=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=x",
			  "WATCHDOG_PID=1", "WATCHDOG_USEC=1", "JOURNAL_STREAM=8:1", "LISTEN=1" },
			{ NULL }, true, "LISTEN=1 " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *got = made(cases[i].ours, cases[i].add, cases[i].with_secrets);

		assert_string_equal(got, cases[i].made);
	}
}

static void nothing_to_add_may_be_null(void **state)
{
	static const char *const ours[] = { "A=1", NULL };
	cleanup_free char *got = made(ours, NULL, false);

	(void)state;
	assert_string_equal(got, "A=1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_child_gets),
		cmocka_unit_test(nothing_to_add_may_be_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
