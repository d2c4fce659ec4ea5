#include "push/secrets.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/str.h"

#define HEAP (256u << 10) /* Of OpenSSL; a power of two. */
#define SECRET_MAX 16384  /* Bytes of one secret. */
#define BEARER "Authorization: Bearer "

void secrets_protect(void)
{
	static const struct rlimit no_core = { 0, 0 };

	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	/* Where locking is not allowed this still keeps them apart and wipes them. */
	(void)CRYPTO_secure_malloc_init(HEAP, 64);
}

static char *new_secret(void)
{
	char *secret = OPENSSL_secure_zalloc(SECRET_MAX);

	if (secret == NULL)
		abort();
	return secret;
}

static void free_secret(char *secret)
{
	OPENSSL_secure_clear_free(secret, SECRET_MAX);
}

static int read_file(const char *path, char *secret, struct err *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return err_errno(err, errno, "cannot read %s", path);
	while ((n = read(fd, secret + len, SECRET_MAX - 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return err_errno(err, errno, "cannot read %s", path);
	if (len == SECRET_MAX - 1)
		return err_set(err, CAPQ_EINVAL, "%s is too long for a secret", path);
	return 0;
}

static int read_variable(const char *name, char *secret, struct err *err)
{
	char *value = getenv(name);
	size_t len = value == NULL ? 0 : strlen(value);

	if (len > SECRET_MAX - 1)
		return err_set(err, CAPQ_EINVAL, "%s is too long for a secret", name);
	if (value != NULL) {
		memcpy(secret, value, len + 1);
		OPENSSL_cleanse(value, len); /* /proc/PID/environ shows this very memory. */
		(void)unsetenv(name);
	}
	return 0;
}

static void trim(char *secret)
{
	size_t len = strlen(secret), blanks = strspn(secret, " \t\r\n");

	while (len > blanks && isspace((unsigned char)secret[len - 1]))
		secret[--len] = '\0';
	memmove(secret, secret + blanks, len - blanks + 1);
}

/* The secret called `file` in the credentials directory, else the variable; "" when neither is
 * there. The variable is wiped in either case. */
static int read_secret(const char *file, const char *variable, char *secret, struct err *err)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	cleanup_free char *path = str_format("%s/%s", directory ? directory : "", file);
	int rv = read_variable(variable, secret, err);

	if (rv == 0 && directory != NULL && access(path, F_OK) == 0) {
		OPENSSL_cleanse(secret, SECRET_MAX);
		rv = read_file(path, secret, err);
	}
	if (rv == 0)
		trim(secret);
	return rv;
}

/* A token becomes a line of a header, so it must not hold anything that ends one. */
static bool is_token(const char *token)
{
	for (; *token != '\0'; token++)
		if (!isgraph((unsigned char)*token))
			return false;
	return true;
}

static int read_token(struct secrets *secrets, struct err *err)
{
	char *token = new_secret(), *line = new_secret();
	int rv = read_secret("cachix-auth-token", "CACHIX_AUTH_TOKEN", token, err);

	if (rv == 0 && (!is_token(token) || strlen(token) > SECRET_MAX - sizeof BEARER))
		rv = err_set(err, CAPQ_EINVAL, "the cache's token holds what no token has");
	if (rv == 0 && token[0] != '\0') {
		(void)snprintf(line, SECRET_MAX, "%s%s", BEARER, token);
		secrets->authorization = STEAL_POINTER(line);
	}
	free_secret(token);
	free_secret(line);
	return rv;
}

static int read_key(struct secrets *secrets, struct err *err)
{
	char *text = new_secret();
	int rv = read_secret("cachix-signing-key", "CACHIX_SIGNING_KEY", text, err);

	if (rv == 0 && text[0] != '\0')
		rv = sign_key_create(text, strlen(text), &secrets->key, err);
	free_secret(text);
	return rv;
}

int secrets_init(struct secrets *secrets, struct err *err)
{
	int rv = read_token(secrets, err);

	if (rv == 0)
		rv = read_key(secrets, err);
	return rv;
}

static int read_nix_key(struct secrets *secrets, const char *file, char *text, struct err *err)
{
	int rv = read_file(file, text, err);

	if (rv == 0)
		rv = sign_key_create(text, strlen(text), &secrets->key, err);
	if (rv == 0 && sign_key_name(secrets->key)[0] == '\0')
		rv = err_set(err, CAPQ_EINVAL,
			"the signing key has no name in front, as `nix key generate-secret` gives "
			"it");
	return rv < 0 ? err_wrap(err, "%s", file) : 0;
}

int secrets_init_plain(struct secrets *secrets, const char *key_file, struct err *err)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	cleanup_free char *path = str_format("%s/nix-signing-key", directory ? directory : "");
	char *text;
	int rv;

	if (key_file == NULL && (directory == NULL || access(path, F_OK) != 0))
		return 0;
	text = new_secret();
	rv = read_nix_key(secrets, key_file == NULL ? path : key_file, text, err);
	free_secret(text);
	return rv;
}

void secrets_finish(struct secrets *secrets)
{
	free_secret(secrets->authorization);
	sign_key_destroy(secrets->key);
	*secrets = (struct secrets){ 0 };
	(void)CRYPTO_secure_malloc_done();
}

void secrets_blot(const struct secrets *secrets, char *text)
{
	const char *token = secrets->authorization;
	char *at = text;

	if (token == NULL)
		return;
	token += strlen(BEARER);
	while ((at = strstr(at, token)) != NULL)
		memset(at, '*', strlen(token));
}
