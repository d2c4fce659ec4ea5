/* NARs of trees that are made here, pulled in pieces of every size. */
#include "tests/support/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/hash.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "push/nar.h"

struct fixture {
	char directory[32];
	int fd;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);

	strcpy(f->directory, "/tmp/test_nar.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	f->fd = open(f->directory, O_RDONLY | O_DIRECTORY);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *command = str_format("rm -rf %s", f->directory);

	close(f->fd);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void make_file(const struct fixture *f, const char *name, const char *text, mode_t mode)
{
	int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* The whole NAR of `name` in the fixture, in pieces of `piece` bytes. */
static int read_nar(
	const struct fixture *f, const char *name, size_t piece, struct str *out, struct err *err)
{
	cleanup_free char *path = str_format("%s/%s", f->directory, name);
	cleanup_free char *buf = xmalloc(piece);
	struct nar *nar;
	size_t len;
	int rv = nar_open(path, &nar, err);

	if (rv < 0)
		return rv;
	do {
		rv = nar_read(nar, buf, piece, &len, err);
		if (rv == 0)
			str_add_bytes(out, buf, len);
	} while (rv == 0 && len == piece);
	nar_close(nar);
	return rv;
}

static void expect_nar(
	const struct fixture *f, const char *name, size_t wanted_size, const char *wanted_hash)
{
	static const size_t pieces[] = { 1, 3, 8, 100, 65536 };

	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		cleanup_str struct str nar = { 0 };
		char hash[SHA256_HEX_LEN + 1];
		struct err err = { 0 };

		if (read_nar(f, name, pieces[i], &nar, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(nar.len, wanted_size);
		sha256_hex(nar.text, nar.len, hash);
		assert_string_equal(hash, wanted_hash);
	}
}

/* What `nix-store --dump` of Nix 2.8 gives for this tree. */
static void the_vector(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(mkdirat(f->fd, "v", 0700), 0);
	make_file(f, "v/a", "hi", 0444);
	make_file(f, "v/B", "#!/bin/sh\n", 0555);
	make_file(f, "v/empty", "", 0444);
	assert_int_equal(mkdirat(f->fd, "v/d", 0700), 0);
	assert_int_equal(symlinkat("../x", f->fd, "v/d/l"), 0);
	assert_int_equal(mkdirat(f->fd, "v/e", 0700), 0);
	expect_nar(
		f, "v", 1232, "48cd8e8bcf3e029b57c63051948f4734b524706c0c35e57881e28fe1f2c98d37");
}

/* A path need not be a directory. An empty directory is the smallest NAR there is. */
static void other_tops(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(mkdirat(f->fd, "d", 0700), 0);
	expect_nar(f, "d", 96, "a50a5ab6d992f5598edd92105059fae9acfc192981e08bd88534c2167e92526a");
	make_file(f, "file", "hi", 0444);
	expect_nar(
		f, "file", 120, "2252d4b78c94e8c7ace4e3317b78bdfe64bc8e3970a64eb6d2f7c2a443c0c3fc");
	assert_int_equal(symlinkat("nowhere", f->fd, "link"), 0);
	expect_nar(
		f, "link", 120, "7b9f62ebdcec359d917f7c425c687d4b6f451d886b160cb70a2f79adee6aa7db");
}

/* Only the owner's x counts. */
static void who_may_execute(void **state)
{
	const struct fixture *f = *state;
	cleanup_str struct str owner = { 0 }, others = { 0 };

	make_file(f, "owner", "x", 0700);
	make_file(f, "others", "x", 0677);
	assert_int_equal(read_nar(f, "owner", 4096, &owner, NULL), 0);
	assert_int_equal(read_nar(f, "others", 4096, &others, NULL), 0);
	assert_non_null(memmem(owner.text, owner.len, "executable", 10));
	assert_null(memmem(others.text, others.len, "executable", 10));
}

static void what_has_no_place(void **state)
{
	const struct fixture *f = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct err err = { 0 };
	cleanup_str struct str nar = { 0 };

	assert_int_equal(mkdirat(f->fd, "fifo", 0700), 0);
	assert_int_equal(mkfifoat(f->fd, "fifo/p", 0600), 0);
	assert_int_equal(read_nar(f, "fifo", 4096, &nar, &err), CAPQ_EINVAL);
	assert_non_null(strstr(err.text, "/fifo/p is neither a file"));
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", f->directory);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(read_nar(f, "socket", 4096, &nar, &err), CAPQ_EINVAL);
	close(fd);
	assert_int_equal(read_nar(f, "absent", 4096, &nar, &err), CAPQ_ENOTFOUND);
}

/* The file loses or gains bytes between the moment that its size is written and its end. */
static void a_file_that_changes(void **state)
{
	static const off_t sizes[] = { 10, 5000 };
	const struct fixture *f = *state;
	cleanup_free char *path = str_format("%s/changing", f->directory);

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct nar *nar;
		struct err err = { 0 };
		char buf[4096];
		size_t len;

		make_file(f, "changing", "", 0600);
		assert_int_equal(truncate(path, 4000), 0);
		assert_int_equal(nar_open(path, &nar, &err), 0);
		assert_int_equal(nar_read(nar, buf, 1000, &len, &err), 0);
		assert_int_equal(truncate(path, sizes[i]), 0);
		assert_int_equal(nar_read(nar, buf, 4096, &len, &err), CAPQ_EBUSY);
		assert_non_null(strstr(err.text, "changing changed while it was read"));
		nar_close(nar);
	}
}

/* What is not read to its end is closed all the same. */
static void closing_early(void **state)
{
	const struct fixture *f = *state;
	cleanup_free char *path = str_format("%s/early", f->directory);
	struct nar *nar;
	char buf[300];
	size_t len;

	assert_int_equal(mkdirat(f->fd, "early", 0700), 0);
	assert_int_equal(mkdirat(f->fd, "early/a", 0700), 0);
	make_file(f, "early/a/b", "text", 0600);
	assert_int_equal(nar_open(path, &nar, NULL), 0);
	assert_int_equal(nar_read(nar, buf, sizeof buf, &len, NULL), 0);
	nar_close(nar);
	nar_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_vector, setup, teardown),
		cmocka_unit_test_setup_teardown(other_tops, setup, teardown),
		cmocka_unit_test_setup_teardown(who_may_execute, setup, teardown),
		cmocka_unit_test_setup_teardown(what_has_no_place, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(closing_early, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
