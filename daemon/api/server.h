/* The server: libmicrohttpd on the libuv loop, and nothing else of HTTP anywhere.
 *
 * Each listener is an MHD daemon of its own with an epoll descriptor that libuv polls; one pump()
 * runs them, from poll, timer and the loop turn's end alike. What a client asked is answered when
 * it is committed (pipeline/accept.h): until then its connection is suspended. */
#ifndef CAPQ_DAEMON_API_SERVER_H
#define CAPQ_DAEMON_API_SERVER_H

#include <uv.h>

#include "daemon/pipeline/pipeline.h"

struct server;

/* Make it; `p` outlives it. It becomes the pipeline's watcher. */
struct server *server_create(uv_loop_t *loop, struct pipeline *p);

/* Serve on an address of the configuration, unix:PATH or http://ADDRESS:PORT, or on a socket that
 * somebody else (systemd) has opened. CAPQ_EINVAL: no such address, or not a loopback one. */
int server_listen(struct server *server, const char *address, struct err *err);
int server_listen_fd(struct server *server, int fd, struct err *err);

/* The longest turn of the loop since it began. */
double server_longest_turn_ms(const struct server *server);

/* The settings have changed in place. */
void server_reload(struct server *server);

/* Stop: nothing is accepted any more, open streams end, what is pending is answered first as far as
 * it is. Its memory goes with the loop's next turns. */
void server_destroy(struct server *server);

#endif
