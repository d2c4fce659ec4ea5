/* Who asks, and what they may: rules by user, group and token, over a socket that tells who is at
 * its other end. As root the other end is made somebody else's; otherwise it is our own. */
#include "tests/support/cmocka_all.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/api/access.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"

#define SECRET "a-token-that-is-long-enough"

static struct access *make_access(const char *yaml)
{
	char hash[SHA256_HEX_LEN + 1];
	cleanup_free char *text = NULL;
	struct settings settings;
	struct access *access;
	struct err err = { 0 };

	sha256_hex(SECRET, strlen(SECRET), hash);
	text = str_format("nixpkgs: {url: u}\naccess:\n%s%s%s%s", yaml,
		strstr(yaml, "TOKEN") == NULL ? ""
					      : "    - {name: ci, role: submit, token_sha256: ",
		strstr(yaml, "TOKEN") == NULL ? "" : hash,
		strstr(yaml, "TOKEN") == NULL ? "" : "}\n");
	if (settings_parse(text, strlen(text), "f", &settings, &err) < 0)
		fail_msg("%s\n%s", err.text, text);
	access = access_create(&settings);
	settings_finish(&settings);
	return access;
}

/* ---- tokens and TCP: no peer matters ---- */

static void tokens(void **state)
{
	static const struct {
		const char *authorization;
		bool is_unix;
		enum role role;
		const char *name;
	} cases[] = {
		{ "Bearer " SECRET, false, ROLE_SUBMIT, "token ci" },
		{ "Bearer " SECRET, true, ROLE_SUBMIT, "token ci" }, /* It alone decides. */
		{ "Bearer " SECRET "x", false, ROLE_NONE, "an unknown token" },
		{ "Bearer ", false, ROLE_NONE, "an unknown token" },
		{ "bearer " SECRET, false, ROLE_READ, "anybody" },
		{ "Basic " SECRET, false, ROLE_READ, "anybody" },
		{ "", false, ROLE_READ, "anybody" },
		{ NULL, false, ROLE_READ, "anybody" },
	};
	struct access *access = make_access("  tcp: read\n  rules: # TOKEN\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct asker asker;

		access_identify(access, -1, cases[i].is_unix, cases[i].authorization, &asker);
		assert_int_equal(asker.role, cases[i].role);
		assert_string_equal(asker.name, cases[i].name);
	}
	access_destroy(access);
	access_destroy(NULL);
}

static void over_tcp_a_local_role_means_nothing(void **state)
{
	struct access *access = make_access("  local: admin\n  tcp: none\n");
	struct asker asker;

	(void)state;
	access_identify(access, -1, false, NULL, &asker);
	assert_int_equal(asker.role, ROLE_NONE);
	access_destroy(access);
	/* A peer that cannot be known is nobody, whatever others may. */
	access = make_access("  local: admin\n  tcp: submit\n");
	access_identify(access, -1, true, NULL, &asker);
	assert_int_equal(asker.role, ROLE_NONE);
	access_destroy(access);
}

static void capqd_itself_and_root_may_all(void **state)
{
	struct access *access = make_access("  local: none\n");
	struct asker asker;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	access_identify(access, pair[0], true, NULL, &asker);
	assert_int_equal(asker.role, ROLE_ADMIN);
	assert_string_equal(asker.name, geteuid() == 0 ? "root" : "capqd");
	(void)close(pair[0]);
	(void)close(pair[1]);
	access_destroy(access);
}

/* ---- other users ---- */

struct meeting {
	char directory[32];
	struct sockaddr_un address;
	int listener;
};

static void begin_meeting(struct meeting *m)
{
	strcpy(m->directory, "/tmp/capq-test-XXXXXX");
	assert_non_null(mkdtemp(m->directory));
	assert_int_equal(chmod(m->directory, 0755), 0);
	m->address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)snprintf(m->address.sun_path, sizeof m->address.sun_path, "%s/s", m->directory);
	m->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(m->listener, (struct sockaddr *)&m->address, sizeof m->address), 0);
	assert_int_equal(chmod(m->address.sun_path, 0666), 0);
	assert_int_equal(listen(m->listener, 1), 0);
}

static void end_meeting(struct meeting *m)
{
	(void)close(m->listener);
	(void)unlink(m->address.sun_path);
	(void)rmdir(m->directory);
}

/* Somebody connects, and waits until we have looked. */
static void connect_as(const struct meeting *m, uid_t uid, gid_t gid, gid_t more)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	if (setgroups(1, &more) != 0 || setgid(gid) != 0 || setuid(uid) != 0 ||
		connect(fd, (const struct sockaddr *)&m->address, sizeof m->address) != 0)
		_exit(1);
	_exit(read(fd, &byte, 1) == 0 ? 0 : 1);
}

static void meet(struct access *access, uid_t uid, gid_t gid, gid_t more, struct asker *out)
{
	struct meeting m;
	int fd, status;
	pid_t pid;

	begin_meeting(&m);
	pid = fork();
	if (pid == 0)
		connect_as(&m, uid, gid, more);
	fd = accept(m.listener, NULL, NULL);
	assert_true(fd >= 0);
	access_identify(access, fd, true, NULL, out);
	(void)close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	end_meeting(&m);
}

/* Debian's own users: nobody, daemon (1), games (5, group 60), and the groups mail (8), nogroup. */
static void rules_by_user_and_group(void **state)
{
	static const struct {
		uid_t uid;
		gid_t gid, more;
		enum role role;
		const char *name;
	} cases[] = {
		{ 1, 65534, 65534, ROLE_ADMIN, "daemon" }, /* By its user. */
		{ 5, 8, 65534, ROLE_SUBMIT, "games" },     /* By its group. */
		{ 5, 65534, 8, ROLE_SUBMIT, "games" },     /* By another of its groups. */
		{ 5, 65534, 65534, ROLE_READ, "games" },   /* As all local users. */
		{ 1, 8, 65534, ROLE_ADMIN, "daemon" },     /* The first rule that fits. */
		{ 54321, 65534, 65534, ROLE_READ, "user 54321" },
	};
	struct access *access;

	(void)state;
	if (geteuid() != 0)
		skip(); /* Nobody else's end of a socket can be had. */
	log_set_level(LOG_BROKEN);
	access = make_access("  local: read\n  rules:\n"
			     "    - {name: a, role: admin, user: daemon}\n"
			     "    - {name: b, role: submit, group: mail}\n"
			     "    - {name: c, role: admin, user: no-such-user-at-all}\n"
			     "    - {name: d, role: admin, group: no-such-group-at-all}\n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct asker asker;

		meet(access, cases[i].uid, cases[i].gid, cases[i].more, &asker);
		assert_string_equal(asker.name, cases[i].name);
		assert_int_equal(asker.role, cases[i].role);
	}
	access_destroy(access);
}

/* ---- browsers ---- */

static void cross_site(void **state)
{
	static const struct {
		const char *host, *origin;
		bool is_cross;
	} cases[] = {
		{ "127.0.0.1:8723", NULL, false },
		{ "localhost:8723", NULL, false },
		{ "localhost", NULL, false },
		{ "[::1]:8723", NULL, false },
		{ "127.0.0.1:8723", "http://127.0.0.1:8723", false },
		{ NULL, NULL, true },
		{ "evil.example:8723", NULL, true }, /* DNS rebinding. */
		{ "localhost.evil.example", NULL, true },
		{ "127.0.0.1.evil.example", NULL, true },
		{ "127.0.0.1:8723", "http://evil.example", true },
		{ "127.0.0.1:8723", "http://127.0.0.1:9999", true },
		{ "127.0.0.1:8723", "http://localhost:8723", true },
		{ "127.0.0.1:8723", "https://127.0.0.1:8723", true },
		{ "127.0.0.1:8723", "null", true },
		{ "127.0.0.1:8723", "", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (access_is_cross_site(cases[i].host, cases[i].origin) != cases[i].is_cross)
			fail_msg("Host: %s, Origin: %s", cases[i].host, cases[i].origin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens),
		cmocka_unit_test(over_tcp_a_local_role_means_nothing),
		cmocka_unit_test(capqd_itself_and_root_may_all),
		cmocka_unit_test(rules_by_user_and_group),
		cmocka_unit_test(cross_site),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
