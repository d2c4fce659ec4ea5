/* A load generator: clients that send one request after another, each waiting for its answer.
 *
 *   capq-load submit SOCKET CLIENTS SECONDS REVISION   one job a request, all distinct, HTTP
 *   capq-load put    SOCKET CLIENTS SECONDS REVISION   the same jobs into beanstalkd
 *   capq-load get    SOCKET CLIENTS SECONDS PATH       the same request again and again, HTTP
 *   capq-load watch  SOCKET CLIENTS SECONDS PATH       `get`, a millisecond after each answer
 *
 * With 0 seconds it goes on until its standard input ends. Each client is a thread with a
 * connection of its own. Prints one JSON object: how many requests were answered, in how many
 * seconds, and how long the answers took. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 1000
#define BUFFER_BYTES 65536
#define PAUSE_NS 1000000

struct client;

struct kind {
	const char *name;
	int (*write_request)(const struct client *c, char *out, size_t size); /* Its length. */
	void (*read_answer)(struct client *c);
	bool pauses; /* Between an answer and the next request. */
};

struct client {
	const struct kind *kind;
	const char *argument; /* Revision or path. */
	pthread_t thread;
	int number, fd;
	size_t n, capacity;
	double *took_ms; /* `n` of them. */
	char buffer[BUFFER_BYTES];
};

static atomic_bool is_over;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- requests ---- */

static int write_job(const struct client *c, char *out, size_t size)
{
	return snprintf(out, size,
		"{\"attr\":\"bench.client%d.job%zu\",\"caps\":\"8.6\",\"rev\":\"%s\"}", c->number,
		c->n, c->argument);
}

static int write_submit(const struct client *c, char *out, size_t size)
{
	char job[512];
	int len = write_job(c, job, sizeof job);

	return snprintf(out, size,
		"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		"Content-Length: %d\r\n\r\n%s",
		len, job);
}

static int write_put(const struct client *c, char *out, size_t size)
{
	char job[512];
	int len = write_job(c, job, sizeof job);

	return snprintf(out, size, "put 0 0 60 %d\r\n%s\r\n", len, job);
}

static int write_get(const struct client *c, char *out, size_t size)
{
	return snprintf(
		out, size, "GET /api/v1%s HTTP/1.1\r\nHost: localhost\r\n\r\n", c->argument);
}

/* ---- answers ---- */

static size_t receive(struct client *c, size_t at)
{
	ssize_t n = recv(c->fd, c->buffer + at, sizeof c->buffer - 1 - at, 0);

	if (n <= 0)
		die("the server hung up");
	c->buffer[at + (size_t)n] = '\0';
	return at + (size_t)n;
}

static void refuse(const struct client *c)
{
	(void)fprintf(stderr, "unexpected answer: %.500s\n", c->buffer);
	exit(1);
}

static void read_http(struct client *c)
{
	static const char length[] = "Content-Length: ";
	size_t n = 0, left;
	const char *end, *digits;

	do
		n = receive(c, n);
	while ((end = strstr(c->buffer, "\r\n\r\n")) == NULL);
	digits = strstr(c->buffer, length);
	if (strncmp(c->buffer, "HTTP/1.1 20", 11) != 0 || digits == NULL)
		refuse(c);
	left = strtoul(digits + strlen(length), NULL, 10) - (n - (size_t)(end + 4 - c->buffer));
	while (left > 0)
		left -= receive(c, 0);
}

static void read_inserted(struct client *c)
{
	size_t n = 0;

	do
		n = receive(c, n);
	while (c->buffer[n - 1] != '\n');
	if (strncmp(c->buffer, "INSERTED ", 9) != 0)
		refuse(c);
}

/* ---- clients ---- */

static const struct kind kinds[] = {
	{ "submit", write_submit, read_http, false },
	{ "put", write_put, read_inserted, false },
	{ "get", write_get, read_http, false },
	{ "watch", write_get, read_http, true },
};

static void send_all(const struct client *c, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0)
			die("send");
		bytes += n;
		len -= (size_t)n;
	}
}

static void note_time(struct client *c, double ms)
{
	if (c->n == c->capacity) {
		c->capacity = c->capacity == 0 ? 1024 : c->capacity * 2;
		c->took_ms = realloc(c->took_ms, c->capacity * sizeof *c->took_ms);
		if (c->took_ms == NULL)
			die("realloc");
	}
	c->took_ms[c->n++] = ms;
}

static void *run_client(void *argument)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct client *c = argument;
	char request[1024];

	while (!is_over) {
		int len = c->kind->write_request(c, request, sizeof request);
		double began = now_s();

		send_all(c, request, (size_t)len);
		c->kind->read_answer(c);
		note_time(c, (now_s() - began) * 1000);
		if (c->kind->pauses)
			(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
		die(path);
	return fd;
}

/* ---- the result ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_result(const struct client *clients, int n_clients, double seconds)
{
	double *all;
	size_t n = 0;

	for (int i = 0; i < n_clients; i++)
		n += clients[i].n;
	all = malloc(n * sizeof *all);
	if (all == NULL)
		die("malloc");
	n = 0;
	for (int i = 0; i < n_clients; i++) {
		memcpy(all + n, clients[i].took_ms, clients[i].n * sizeof *all);
		n += clients[i].n;
	}
	qsort(all, n, sizeof *all, compare);
	printf("{\"n\": %zu, \"seconds\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
	       "\"max_ms\": %.3f}\n",
		n, seconds, all[n / 2], all[n - 1 - n / 100], all[n - 1]);
	free(all);
}

/* ---- the program ---- */

static void wait_for_end(double seconds)
{
	struct timespec time = { .tv_sec = (time_t)seconds };
	char byte;

	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	if (seconds > 0)
		(void)nanosleep(&time, NULL);
	else
		while (read(STDIN_FILENO, &byte, 1) > 0)
			;
	is_over = true;
}

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	(void)fprintf(stderr, "there is no kind of load '%s'\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	struct client *clients;
	int n_clients;
	double began;

	if (argc != 6 || (n_clients = atoi(argv[3])) < 1 || n_clients > CLIENTS_MAX) {
		(void)fprintf(stderr, "usage: capq-load KIND SOCKET CLIENTS SECONDS ARGUMENT\n");
		return 2;
	}
	clients = calloc((size_t)n_clients, sizeof *clients);
	if (clients == NULL)
		die("calloc");
	for (int i = 0; i < n_clients; i++) {
		clients[i].kind = find_kind(argv[1]);
		clients[i].argument = argv[5];
		clients[i].number = i;
		clients[i].fd = connect_to(argv[2]);
	}
	began = now_s();
	for (int i = 0; i < n_clients; i++)
		if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) != 0)
			die("pthread_create");
	wait_for_end(strtod(argv[4], NULL));
	for (int i = 0; i < n_clients; i++)
		(void)pthread_join(clients[i].thread, NULL);
	print_result(clients, n_clients, now_s() - began);
	for (int i = 0; i < n_clients; i++) {
		(void)close(clients[i].fd);
		free(clients[i].took_ms);
	}
	free(clients);
	return 0;
}
