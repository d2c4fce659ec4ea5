#include "client/server.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/str.h"

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int parse_socket(const char *text, struct server *out, struct err *err)
{
	const char *path = text + strlen("unix:");
	size_t path_max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

	if (path[0] != '/')
		return err_set(
			err, CAPQ_EINVAL, "server '%s': a socket's path begins with '/'", text);
	if (strlen(path) > path_max)
		return err_set(err, CAPQ_EINVAL,
			"server '%s': a socket's path has at most %zu bytes", text, path_max);
	out->socket_path = xstrdup(path);
	out->origin = xstrdup("http://localhost");
	return 0;
}

/* The length of the host at `text`: a name, an IPv4 address, or an IPv6 address in brackets. */
static size_t host_length(const char *text)
{
	size_t len;

	if (text[0] != '[')
		return strspn(text, DIGITS LETTERS "-._");
	len = 1 + strspn(text + 1, DIGITS "abcdefABCDEF:.");
	return len > 1 && text[len] == ']' ? len + 1 : 0;
}

static bool is_port(const char *text, size_t len)
{
	cleanup_free char *digits = xstrndup(text, len);
	int64_t port;

	return str_to_int(digits, 1, 65535, &port);
}

static int parse_url(const char *text, struct server *out, struct err *err)
{
	const char *host = strstr(text, "://") + 3, *end = host + host_length(host);

	if (end == host)
		return err_set(err, CAPQ_EINVAL, "server '%s': expected a host behind '://'", text);
	if (*end == ':') {
		size_t len = strcspn(end + 1, "/");

		if (!is_port(end + 1, len))
			return err_set(err, CAPQ_EINVAL,
				"server '%s': a port is a number up to 65535", text);
		end += 1 + len;
	}
	if (strcmp(end, "") != 0 && strcmp(end, "/") != 0)
		return err_set(
			err, CAPQ_EINVAL, "server '%s': nothing may follow host and port", text);
	out->origin = xstrndup(text, (size_t)(end - text));
	return 0;
}

int server_parse(const char *text, struct server *out, struct err *err)
{
	struct server server = { 0 };
	int rv;

	/* Said before the text is ever shown: what stands before an '@' may be a password. */
	if (strchr(text, '@') != NULL && !str_starts(text, "unix:"))
		return err_set(err, CAPQ_EINVAL,
			"the server's address holds an '@'; a token belongs in CAPQ_TOKEN or "
			"CAPQ_TOKEN_FILE");
	if (str_starts(text, "unix:"))
		rv = parse_socket(text, &server, err);
	else if (str_starts(text, "http://") || str_starts(text, "https://"))
		rv = parse_url(text, &server, err);
	else
		return err_set(err, CAPQ_EINVAL,
			"server '%s': expected unix:/path, http://host[:port] or "
			"https://host[:port]",
			text);
	if (rv < 0)
		return rv;
	server.name = xstrdup(text);
	*out = server;
	return 0;
}

/* A header's value: visible ASCII only, so that nothing can add a header of its own. */
static bool is_token(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= 0x20 || *p >= 0x7f)
			return false;
	return text[0] != '\0' && strlen(text) <= TOKEN_MAX;
}

static int read_token_file(const char *path, char out[TOKEN_MAX + 2], struct err *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return err_errno(err, errno, "CAPQ_TOKEN_FILE: %s", path);
	len = read(fd, out, TOKEN_MAX + 1);
	if (len < 0)
		return err_errno(err, errno, "CAPQ_TOKEN_FILE: %s", path);
	while (len > 0 && isspace((unsigned char)out[len - 1]))
		len--;
	out[len] = '\0';
	return 0;
}

int server_read_token(struct server *server, struct err *err)
{
	const char *token = getenv("CAPQ_TOKEN"), *path = getenv("CAPQ_TOKEN_FILE");
	char from_file[TOKEN_MAX + 2];
	int rv;

	if ((token == NULL || token[0] == '\0') && path != NULL && path[0] != '\0') {
		rv = read_token_file(path, from_file, err);
		if (rv < 0)
			return rv;
		token = from_file;
	} else if (token == NULL || token[0] == '\0') {
		return 0;
	}
	if (!is_token(token))
		return err_set(err, CAPQ_EINVAL,
			"the token must be 1 to %d visible ASCII characters without blanks",
			TOKEN_MAX);
	server->token = xstrdup(token);
	return 0;
}

void server_finish(struct server *server)
{
	if (server->token != NULL)
		explicit_bzero(server->token, strlen(server->token));
	free(server->name);
	free(server->socket_path);
	free(server->origin);
	free(server->token);
	*server = (struct server){ 0 };
}
