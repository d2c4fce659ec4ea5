/* Where secrets come from, and what is left of them elsewhere. */
#include "tests/support/cmocka_all.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "push/secrets.h"

#define SEED_00_TO_1F                                                                              \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA=="
#define PUBLIC "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="

/* As if the process had been started with them; NULL: without. Returns the memory of the token, in
 * which the environment itself lies. */
static char *set(const char *directory, const char *token, const char *key)
{
	static char line[256];

	(void)unsetenv("CREDENTIALS_DIRECTORY");
	(void)unsetenv("CACHIX_AUTH_TOKEN");
	(void)unsetenv("CACHIX_SIGNING_KEY");
	if (directory != NULL)
		(void)setenv("CREDENTIALS_DIRECTORY", directory, 1);
	if (key != NULL)
		(void)setenv("CACHIX_SIGNING_KEY", key, 1);
	if (token != NULL) {
		snprintf(line, sizeof line, "CACHIX_AUTH_TOKEN=%s", token);
		(void)putenv(line);
	}
	return line + strlen("CACHIX_AUTH_TOKEN=");
}

static int setup(void **state)
{
	(void)state;
	secrets_protect();
	return 0;
}

static void no_core_dump(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_cur, 0);
}

static void from_the_environment(void **state)
{
	struct secrets secrets = { 0 };
	char *memory = set(NULL, "some-token", SEED_00_TO_1F);

	(void)state;
	assert_int_equal(secrets_init(&secrets, NULL), 0);
	assert_string_equal(secrets.authorization, "Authorization: Bearer some-token");
	assert_string_equal(sign_key_public(secrets.key), PUBLIC);
	assert_true(CRYPTO_secure_allocated(secrets.authorization));
	assert_null(getenv("CACHIX_AUTH_TOKEN"));
	assert_null(getenv("CACHIX_SIGNING_KEY"));
	for (size_t i = 0; i < strlen("some-token"); i++)
		assert_int_equal(memory[i], 0); /* What /proc/PID/environ shows. */
	secrets_finish(&secrets);
	assert_null(secrets.authorization);
}

static void both_spellings_of_a_key(void **state)
{
	static const char *const keys[] = { SEED_00_TO_1F, "some.cache-1:" SEED_00_TO_1F,
		"  some.cache-1:" SEED_00_TO_1F "\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct secrets secrets = { 0 };

		secrets_protect(); /* secrets_finish() closed the heap. */
		(void)set(NULL, NULL, keys[i]);
		assert_int_equal(secrets_init(&secrets, NULL), 0);
		assert_null(secrets.authorization);
		assert_string_equal(sign_key_public(secrets.key), PUBLIC);
		secrets_finish(&secrets);
	}
}

static void write_secret(const char *directory, const char *name, const char *text)
{
	cleanup_free char *path = str_format("%s/%s", directory, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) < 0, 0);
	assert_int_equal(fclose(file), 0);
}

static void remove_secret(const char *directory, const char *name)
{
	cleanup_free char *path = str_format("%s/%s", directory, name);

	assert_int_equal(unlink(path), 0);
}

/* A file goes before a variable, which is wiped all the same; what has no file comes from its
 * variable. */
static void from_files(void **state)
{
	char directory[] = "/tmp/test_secrets.XXXXXX";
	struct secrets secrets = { 0 };
	char *memory;

	(void)state;
	secrets_protect();
	assert_non_null(mkdtemp(directory));
	write_secret(directory, "cachix-auth-token", " of-the-file\n");
	memory = set(directory, "other", SEED_00_TO_1F);
	assert_int_equal(secrets_init(&secrets, NULL), 0);
	assert_string_equal(secrets.authorization, "Authorization: Bearer of-the-file");
	assert_string_equal(sign_key_public(secrets.key), PUBLIC);
	assert_int_equal(memory[0], 0);
	secrets_finish(&secrets);
	remove_secret(directory, "cachix-auth-token");
	assert_int_equal(rmdir(directory), 0);
}

static void expect_refused(const char *token, const char *key, int wanted)
{
	struct secrets secrets = { 0 };
	struct err err = { 0 };

	secrets_protect();
	(void)set(NULL, token, key);
	assert_int_equal(secrets_init(&secrets, &err), wanted);
	assert_null(strstr(err.text, "secret")); /* Nothing of it is told. */
	secrets_finish(&secrets);
}

static void malformed(void **state)
{
	(void)state;
	expect_refused("secret token", NULL, CAPQ_EINVAL);
	expect_refused("secret\r\nX-Header: a", NULL, CAPQ_EINVAL);
	expect_refused("secret\x80", NULL, CAPQ_EINVAL);
	expect_refused(NULL, "secret", CAPQ_EINVAL);
	expect_refused(NULL, "secret:" SEED_00_TO_1F "AAAA", CAPQ_EINVAL);
	expect_refused("", "", 0); /* As if they were not set. */
}

static void blotted(void **state)
{
	struct secrets secrets = { 0 };
	char text[] = "bad: s3cr3t, s3cr3t s3cr3";

	(void)state;
	secrets_blot(&secrets, text);
	assert_string_equal(text, "bad: s3cr3t, s3cr3t s3cr3");
	secrets_protect();
	(void)set(NULL, "s3cr3t", NULL);
	assert_int_equal(secrets_init(&secrets, NULL), 0);
	secrets_blot(&secrets, text);
	assert_string_equal(text, "bad: ******, ****** s3cr3");
	secrets_finish(&secrets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_core_dump),
		cmocka_unit_test(from_the_environment),
		cmocka_unit_test(both_spellings_of_a_key),
		cmocka_unit_test(from_files),
		cmocka_unit_test(malformed),
		cmocka_unit_test(blotted),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
