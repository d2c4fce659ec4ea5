/* The inside of the server, for server.c, connection.c and answer.c only. */
#ifndef CAPQ_DAEMON_API_INSIDE_H
#define CAPQ_DAEMON_API_INSIDE_H

#include <microhttpd.h>
#include <uv.h>

#include "daemon/api/access.h"
#include "daemon/api/method.h"
#include "daemon/api/server.h"
#include "io/turn_meter.h"

struct listener {
	struct listener *next;
	struct server *server;
	struct MHD_Daemon *mhd;
	uv_poll_t poll;   /* MHD's epoll descriptor. */
	uv_timer_t timer; /* When MHD wants to be run without that, */
	uv_idle_t again;  /* or in the next turn already: it has read more than it has handled. */
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
	int64_t ticks; /* Seconds since the start, about. */
	struct turn_meter turns;
	bool wants_pump; /* Something was answered or woken in this turn. */
	bool is_stopping;
};

#define HEADERS_MAX 8 /* Of an answer, besides those that all have. */

enum request_phase {
	READING,
	PENDING,
	ANSWERED,
};

struct header {
	char *name, *value;
};

struct request {
	struct request *next, *previous; /* In server->suspended while PENDING. */
	struct server *server;
	struct listener *listener;
	struct MHD_Connection *connection;
	const struct method *method;
	enum request_phase phase;
	int64_t id;
	struct asker asker;
	struct str body;
	size_t body_len; /* Also of what is thrown away. */
	void *state;
	void (*cancel)(void *owner);
	void *cancel_owner;
	struct MHD_Response *response;
	int status;
	struct header headers[HEADERS_MAX];
	size_t n_headers;
};

void server_pump_all(struct server *server);
void server_wake_streams(struct server *server, enum stream_kind kind);
void server_end_streams(struct server *server);
void request_unlink(struct request *r); /* Out of server->suspended. */

#endif
