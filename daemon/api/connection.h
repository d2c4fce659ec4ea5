/* The inside of the server, shared by server.c and connection.c only. */
#ifndef CAPQ_DAEMON_API_CONNECTION_H
#define CAPQ_DAEMON_API_CONNECTION_H

#include <microhttpd.h>
#include <uv.h>

#include "daemon/api/access.h"
#include "daemon/api/method.h"
#include "daemon/api/server.h"

struct listener {
	struct listener *next;
	struct server *server;
	struct MHD_Daemon *mhd;
	uv_poll_t poll;   /* MHD's epoll descriptor. */
	uv_timer_t timer; /* When MHD wants to be run without that. */
	int open_handles;
	bool is_unix;
	char *path; /* Of a socket file that we made; NULL. */
};

struct server {
	uv_loop_t *loop;
	struct pipeline *p;
	struct access *access;
	struct listener *listeners;
	struct streaming *streams;
	struct request *suspended; /* Requests whose answer comes later. */
	int open_handles;
	int64_t ticks;   /* Seconds since the start, about. */
	bool wants_pump; /* Something was answered or woken in this turn. */
	bool is_stopping;
};

void listener_on_timer(uv_timer_t *timer);
void server_pump_all(struct server *server);
void server_wake_streams(struct server *server, enum stream_kind kind);
void server_end_streams(struct server *server);

/* MHD's callbacks. */
enum MHD_Result connection_handle(void *listener, struct MHD_Connection *connection,
	const char *url, const char *verb, const char *version, const char *upload,
	size_t *upload_size, void **state);
void connection_completed(void *unused, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode how);

#endif
