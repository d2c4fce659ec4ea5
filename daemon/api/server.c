#include "daemon/api/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/api/connection.h"
#include "daemon/api/inside.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"

#define BACKLOG 512
#define CONNECTION_TIMEOUT_S 60u      /* Without a byte; suspended connections aside. */
#define CONNECTION_MEMORY (32u << 10) /* For headers; cleared for each request. */
#define HEARTBEAT_MS 15000

/* ---- the pump ---- */

static void pump(struct listener *l);

static void on_timer(uv_timer_t *timer)
{
	pump(timer->data);
}

static void on_again(uv_idle_t *idle)
{
	pump(idle->data);
}

/* When MHD itself wants to be run, at the latest. "At once" is the next turn: a timer of 0 ms that
 * is started by its own callback runs within the same turn in libuv before 1.45, again and again
 * until a body of many megabytes is read. */
static void arm(struct listener *l)
{
	MHD_UNSIGNED_LONG_LONG wait;

	uv_timer_stop(&l->timer);
	uv_idle_stop(&l->again);
	if (MHD_get_timeout(l->mhd, &wait) != MHD_YES)
		return;
	if (wait == 0)
		uv_idle_start(&l->again, on_again);
	else
		uv_timer_start(&l->timer, on_timer, wait, 0);
}

static void pump(struct listener *l)
{
	(void)MHD_run(l->mhd); /* Fails only for daemons of another kind. */
	arm(l);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	pump(poll->data);
}

void server_pump_all(struct server *server)
{
	server->wants_pump = false;
	for (struct listener *l = server->listeners; l != NULL; l = l->next)
		pump(l);
}

/* What was answered during this turn goes out now. */
static void on_turn_end(void *owner)
{
	struct server *server = owner;

	if (server->wants_pump)
		server_pump_all(server);
}

/* ---- listening ---- */

static void free_server_if_closed(struct server *server)
{
	if (server->open_handles > 0)
		return;
	access_destroy(server->access);
	free(server);
}

static void on_meter_closed(uv_handle_t *handle)
{
	struct server *server = handle->data;

	server->open_handles--;
	free_server_if_closed(server);
}

static void on_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;
	struct server *server = l->server;

	if (--l->open_handles == 0) {
		free(l->path);
		free(l);
	}
	server->open_handles--;
	free_server_if_closed(server);
}

int server_listen_fd(struct server *server, int fd, struct err *err)
{
	struct listener *l = xcalloc(1, sizeof *l);
	const union MHD_DaemonInfo *info;
	struct sockaddr_storage address;
	socklen_t len = sizeof address;

	l->server = server;
	l->is_unix = getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
		     address.ss_family == AF_UNIX;
	l->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		connection_handle, l, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
		connection_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)pipeline_settings(server->p)->limits.connections,
		MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
	if (l->mhd == NULL) {
		free(l);
		(void)close(fd);
		return err_set(err, CAPQ_EFAILED, "cannot start the HTTP server");
	}
	info = MHD_get_daemon_info(l->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	uv_poll_init(server->loop, &l->poll, info->epoll_fd);
	uv_timer_init(server->loop, &l->timer);
	uv_idle_init(server->loop, &l->again);
	l->poll.data = l->timer.data = l->again.data = l;
	l->open_handles = 3;
	server->open_handles += 3;
	uv_poll_start(&l->poll, UV_READABLE, on_readable);
	l->next = server->listeners;
	server->listeners = l;
	return 0;
}

static int bind_and_listen(int fd, const struct sockaddr *address, socklen_t len, struct err *err)
{
	if (bind(fd, address, len) != 0)
		return err_errno(err, errno, "cannot bind");
	if (listen(fd, BACKLOG) != 0)
		return err_errno(err, errno, "cannot listen");
	return 0;
}

/* A socket file that nobody answers on is a dead daemon's. */
static int remove_dead_socket(const struct sockaddr_un *address, struct err *err)
{
	cleanup_close int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (lstat(address->sun_path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, CAPQ_EEXIST, "there is a file that is no socket");
	if (connect(probe, (const struct sockaddr *)address, sizeof *address) == 0)
		return err_set(err, CAPQ_EEXIST, "another capqd answers there");
	(void)unlink(address->sun_path);
	return 0;
}

static int listen_unix(const char *path, int *out_fd, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rv;

	if (strlen(path) >= sizeof address.sun_path)
		return err_set(err, CAPQ_EINVAL, "the path has more than %zu bytes",
			sizeof address.sun_path - 1);
	strcpy(address.sun_path, path);
	rv = remove_dead_socket(&address, err);
	if (rv == 0)
		rv = bind_and_listen(fd, (struct sockaddr *)&address, sizeof address, err);
	/* Anybody who can reach it may connect; what they may do is access.h's. */
	if (rv == 0 && chmod(path, 0666) != 0)
		rv = err_errno(err, errno, "chmod");
	if (rv < 0)
		return rv;
	*out_fd = fd;
	fd = -1;
	return 0;
}

/* "127.0.0.1:8723" or "[::1]:8723". */
static int parse_loopback(
	const char *text, struct sockaddr_storage *out, socklen_t *out_len, struct err *err)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	const char *colon = strrchr(text, ':');
	cleanup_free char *host = NULL;
	int64_t port;

	memset(out, 0, sizeof *out);
	if (colon == NULL || !str_to_int(colon + 1, 0, 65535, &port))
		return err_set(err, CAPQ_EINVAL, "expected http://ADDRESS:PORT");
	host = xstrndup(text, (size_t)(colon - text));
	if (strcmp(host, "[::1]") == 0) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		v6->sin6_addr = in6addr_loopback;
		*out_len = sizeof *v6;
		return 0;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	*out_len = sizeof *v4;
	if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
		    &v4->sin_addr) != 1 ||
		ntohl(v4->sin_addr.s_addr) >> 24 != 127)
		return err_set(err, CAPQ_EINVAL,
			"'%s' is no loopback address; put a proxy with TLS in front to serve "
			"others",
			host);
	return 0;
}

static int listen_tcp(const char *text, int *out_fd, struct err *err)
{
	struct sockaddr_storage address;
	cleanup_close int fd = -1;
	int one = 1, rv;
	socklen_t len;

	rv = parse_loopback(text, &address, &len, err);
	if (rv < 0)
		return rv;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	rv = bind_and_listen(fd, (struct sockaddr *)&address, len, err);
	if (rv < 0)
		return rv;
	*out_fd = fd;
	fd = -1;
	return 0;
}

int server_listen(struct server *server, const char *address, struct err *err)
{
	int fd = -1, rv;

	if (str_starts(address, "unix:"))
		rv = listen_unix(address + strlen("unix:"), &fd, err);
	else if (str_starts(address, "http://"))
		rv = listen_tcp(address + strlen("http://"), &fd, err);
	else
		rv = err_set(err, CAPQ_EINVAL, "expected unix:/PATH or http://ADDRESS:PORT");
	if (rv == 0)
		rv = server_listen_fd(server, fd, err);
	if (rv < 0)
		return err_wrap(err, "listen on %s", address);
	if (str_starts(address, "unix:"))
		server->listeners->path = xstrdup(address + strlen("unix:"));
	log_fact("listening on %s", address);
	return 0;
}

/* ---- life ---- */

double server_longest_turn_ms(const struct server *server)
{
	return turn_meter_longest_ms(&server->turns);
}

static void on_events(void *owner, int64_t last_id)
{
	struct server *server = owner;

	(void)last_id;
	server_wake_streams(server, STREAM_EVENTS);
}

static void on_log(void *owner, int64_t attempt_id)
{
	struct server *server = owner;

	(void)attempt_id;
	server_wake_streams(server, STREAM_LOG);
}

static void on_tick(void *owner)
{
	struct server *server = owner;

	server->ticks++;
	server_wake_streams(server, STREAM_EVENTS);
	server_wake_streams(server, STREAM_LOG);
}

struct server *server_create(uv_loop_t *loop, struct pipeline *p)
{
	struct server *server = xcalloc(1, sizeof *server);
	struct pipeline_watcher watcher = {
		.on_events = on_events,
		.on_log = on_log,
		.on_tick = on_tick,
		.on_turn_end = on_turn_end,
		.owner = server,
	};

	server->loop = loop;
	server->p = p;
	server->access = access_create(pipeline_settings(p));
	turn_meter_start(&server->turns, loop);
	server->turns.prepare.data = server;
	server->open_handles++;
	pipeline_watch(p, &watcher);
	return server;
}

void server_reload(struct server *server)
{
	access_destroy(server->access);
	server->access = access_create(pipeline_settings(server->p));
}

static void close_listener(struct listener *l)
{
	uv_poll_stop(&l->poll);
	MHD_stop_daemon(l->mhd);
	if (l->path != NULL)
		(void)unlink(l->path);
	uv_close((uv_handle_t *)&l->poll, on_closed);
	uv_close((uv_handle_t *)&l->timer, on_closed);
	uv_close((uv_handle_t *)&l->again, on_closed);
}

void server_destroy(struct server *server)
{
	static const struct pipeline_watcher nobody;
	struct listener *l = server->listeners;

	pipeline_watch(server->p, &nobody);
	server->is_stopping = true;
	server_end_streams(server);
	server_pump_all(server);
	while (l != NULL) {
		struct listener *next = l->next;

		close_listener(l);
		l = next;
	}
	turn_meter_stop(&server->turns, on_meter_closed);
}
