/* Where capqd is, as people write it. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/server.h"
#include "lib/mem.h"

static void test_addresses(void **state)
{
	static const struct {
		const char *text, *origin, *socket_path;
	} cases[] = {
		{ "unix:/run/capqd/capqd.sock", "http://localhost", "/run/capqd/capqd.sock" },
		{ "unix:/a b@c", "http://localhost", "/a b@c" },
		{ "http://127.0.0.1:8723", "http://127.0.0.1:8723", NULL },
		{ "https://capq.example.org/", "https://capq.example.org", NULL },
		{ "http://[::1]:80", "http://[::1]:80", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct server server;

		assert_int_equal(server_parse(cases[i].text, &server, NULL), 0);
		assert_string_equal(server.name, cases[i].text);
		assert_string_equal(server.origin, cases[i].origin);
		if (cases[i].socket_path == NULL)
			assert_null(server.socket_path);
		else
			assert_string_equal(server.socket_path, cases[i].socket_path);
		server_finish(&server);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "expected unix:/path, http://host[:port] or https://host[:port]" },
		{ "/run/capqd.sock", "expected unix:/path" },
		{ "ftp://host", "expected unix:/path" },
		{ "unix:", "a socket's path begins with '/'" },
		{ "unix:run/x", "a socket's path begins with '/'" },
		{ "http://", "expected a host" },
		{ "http://:80", "expected a host" },
		{ "http://[::1", "expected a host" },
		{ "http://host:", "a port is a number up to 65535" },
		{ "http://host:0", "a port is a number up to 65535" },
		{ "http://host:65536", "a port is a number up to 65535" },
		{ "http://host:80/path", "nothing may follow host and port" },
		{ "http://host?x", "nothing may follow host and port" },
		{ "http://ho st", "nothing may follow host and port" },
		{ "http://user:secret@host", "a token belongs in CAPQ_TOKEN" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct server server = { .name = NULL };
		struct err err = { 0 };

		assert_int_equal(server_parse(cases[i].text, &server, &err), CAPQ_EINVAL);
		assert_non_null(strstr(err.text, cases[i].why));
		assert_null(strstr(err.text, "secret"));
		assert_null(server.name);
	}
}

static void test_a_path_that_no_socket_can_have(void **state)
{
	char text[200] = "unix:/";
	struct server server;
	struct err err = { 0 };

	(void)state;
	memset(text + 6, 'a', 150);
	assert_int_equal(server_parse(text, &server, &err), CAPQ_EINVAL);
	assert_non_null(strstr(err.text, "at most 107 bytes"));
}

/* What the environment and the file say, and the token or the error that comes of it. */
static void expect_token(
	const char *variable, const char *file, const char *token, const char *error)
{
	struct server server = { .name = NULL };
	char path[] = "/tmp/capq-test-XXXXXX";
	struct err err = { 0 };
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, file, strlen(file)), strlen(file));
	close(fd);
	setenv("CAPQ_TOKEN", variable, 1);
	setenv("CAPQ_TOKEN_FILE", path, 1);
	if (error == NULL) {
		assert_int_equal(server_read_token(&server, &err), 0);
		assert_string_equal(server.token, token);
	} else {
		assert_true(server_read_token(&server, &err) < 0);
		assert_non_null(strstr(err.text, error));
		assert_null(server.token);
	}
	server_finish(&server);
	unlink(path);
}

static void test_tokens(void **state)
{
	struct server server = { .name = NULL };
	char *long_token = xcalloc(1, TOKEN_MAX + 2);

	(void)state;
	memset(long_token, 'x', TOKEN_MAX + 1);
	expect_token("abc", "def\n", "abc", NULL);
	expect_token("", "def \n", "def", NULL);
	expect_token("a b", "", NULL, "visible ASCII");
	expect_token("", "", NULL, "visible ASCII");
	expect_token("", "a\nHeader: x", NULL, "visible ASCII");
	expect_token("", long_token, NULL, "visible ASCII");
	free(long_token);
	setenv("CAPQ_TOKEN_FILE", "/does/not/exist", 1);
	assert_int_equal(server_read_token(&server, NULL), CAPQ_ENOTFOUND);
	unsetenv("CAPQ_TOKEN_FILE");
	assert_int_equal(server_read_token(&server, NULL), 0);
	assert_null(server.token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_a_path_that_no_socket_can_have),
		cmocka_unit_test(test_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
