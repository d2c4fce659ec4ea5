/* A plain HTTP server that keeps what is PUT and gives it back: a binary cache as nginx with WebDAV
 * would be, with as little work of its own as can be, so that clients are what is measured.
 *
 *   capq-put-server DIRECTORY
 *
 * Listens on a free port of 127.0.0.1, prints it on a line of its own, and serves until its
 * standard input ends. PUT, GET and HEAD; bodies with a length or in chunks; a thread for each
 * connection. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES (256u << 10)
#define STACK_BYTES (256u << 10)

struct connection {
	int fd;
	unsigned number;
	char buffer[BUFFER_BYTES]; /* `len` bytes were read, the first `at` of them are used. */
	size_t at, len;
};

struct request {
	char method[8], path[512];
	long long body_len; /* -1: in chunks. */
	bool wants_continue;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* ---- reading ---- */

/* Make sure that there is something in the buffer. */
static bool fill(struct connection *c)
{
	ssize_t n;

	if (c->at < c->len)
		return true;
	n = read(c->fd, c->buffer, sizeof c->buffer);
	c->at = 0;
	c->len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* A line without its end. */
static bool read_line(struct connection *c, char *line, size_t size)
{
	size_t n = 0;

	while (fill(c)) {
		char byte = c->buffer[c->at++];

		if (byte == '\n') {
			line[n > 0 && line[n - 1] == '\r' ? n - 1 : n] = '\0';
			return true;
		}
		if (n + 1 < size)
			line[n++] = byte;
	}
	return false;
}

static bool read_request(struct connection *c, struct request *r)
{
	char line[1024];

	*r = (struct request){ 0 };
	if (!read_line(c, line, sizeof line) || sscanf(line, "%7s %511s", r->method, r->path) != 2)
		return false;
	while (read_line(c, line, sizeof line)) {
		if (line[0] == '\0')
			return r->path[0] == '/' && strstr(r->path, "..") == NULL;
		if (strncasecmp(line, "Content-Length:", 15) == 0)
			r->body_len = atoll(line + 15);
		else if (strncasecmp(line, "Transfer-Encoding:", 18) == 0)
			r->body_len = -1;
		else if (strncasecmp(line, "Expect:", 7) == 0)
			r->wants_continue = true;
	}
	return false;
}

/* Copy `len` bytes of the body. */
static bool copy(struct connection *c, int file, long long len)
{
	while (len > 0 && fill(c)) {
		size_t n = c->len - c->at;

		if ((long long)n > len)
			n = (size_t)len;
		if (!write_all(file, c->buffer + c->at, n))
			return false;
		c->at += n;
		len -= (long long)n;
	}
	return len == 0;
}

static bool copy_chunks(struct connection *c, int file)
{
	char line[64];
	long long len;

	do {
		if (!read_line(c, line, sizeof line))
			return false;
		len = strtoll(line, NULL, 16);
		if (!copy(c, file, len) || !read_line(c, line, sizeof line))
			return false;
	} while (len > 0); /* Nobody sends trailers. */
	return true;
}

/* ---- answering ---- */

static bool answer(const struct connection *c, const char *status, long long len)
{
	char head[128];
	int n = snprintf(
		head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %lld\r\n\r\n", status, len);

	return write_all(c->fd, head, (size_t)n);
}

/* Under another name first: nobody shall see a half. */
static bool put(struct connection *c, const struct request *r)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char new_name[32];
	int file;
	bool is_good;

	(void)snprintf(new_name, sizeof new_name, "new-%u", c->number);
	file = open(new_name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
	if (file < 0)
		die(new_name);
	if (r->wants_continue)
		(void)write_all(c->fd, go_on, sizeof go_on - 1);
	is_good = r->body_len < 0 ? copy_chunks(c, file) : copy(c, file, r->body_len);
	(void)close(file);
	if (!is_good)
		return false;
	if (rename(new_name, r->path + 1) != 0)
		return answer(c, "409 Conflict", 0);
	return answer(c, "201 Created", 0);
}

static bool get(const struct connection *c, const struct request *r)
{
	int file = open(r->path + 1, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool is_good;

	if (file < 0 || fstat(file, &st) != 0 || !S_ISREG(st.st_mode)) {
		if (file >= 0)
			(void)close(file);
		return answer(c, "404 Not Found", 0);
	}
	is_good = answer(c, "200 OK", st.st_size);
	for (off_t left = st.st_size; is_good && left > 0 && strcmp(r->method, "GET") == 0;) {
		ssize_t n = sendfile(c->fd, file, NULL, (size_t)left);

		is_good = n > 0;
		left -= n;
	}
	(void)close(file);
	return is_good;
}

static void *serve(void *owner)
{
	struct connection *c = owner;
	struct request request;
	bool goes_on = true;

	while (goes_on && read_request(c, &request)) {
		if (strcmp(request.method, "PUT") == 0)
			goes_on = put(c, &request);
		else
			goes_on = get(c, &request);
	}
	(void)close(c->fd);
	free(c);
	return NULL;
}

/* ---- the server ---- */

static void *accept_all(void *owner)
{
	int listener = *(int *)owner, one = 1;
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (unsigned number = 0;; number++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct connection *c = fd < 0 ? NULL : malloc(sizeof *c);

		if (c == NULL)
			die("accept");
		*c = (struct connection){ .fd = fd, .number = number };
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (pthread_create(&thread, &attributes, serve, c) != 0)
			die("pthread_create");
	}
	return NULL;
}

static int listen_somewhere(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, len) != 0 || listen(listener, 256) != 0 ||
		getsockname(listener, (struct sockaddr *)&address, &len) != 0)
		die("listen");
	printf("%d\n", ntohs(address.sin_port));
	(void)fflush(stdout);
	return listener;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int listener;
	char byte;

	if (argc != 2 || chdir(argv[1]) != 0) {
		fprintf(stderr, "usage: capq-put-server DIRECTORY\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)mkdir("nar", 0755);
	listener = listen_somewhere();
	if (pthread_create(&thread, NULL, accept_all, &listener) != 0)
		die("pthread_create");
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	return 0;
}
