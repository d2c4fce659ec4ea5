/* Where capqd is, and as whom we ask: what --server, CAPQ_SERVER, CAPQ_TOKEN and CAPQ_TOKEN_FILE
 * say. */
#ifndef CAPQ_CLIENT_SERVER_H
#define CAPQ_CLIENT_SERVER_H

#include "lib/err.h"

#define SERVER_DEFAULT "unix:/run/capqd/capqd.sock"
#define TOKEN_MAX 4096 /* Bytes. */

struct server {
	char *name;        /* As people write it; holds no secret. */
	char *socket_path; /* NULL: over TCP. */
	char *origin;      /* "https://host:port"; "http://localhost" for a socket. */
	char *token;       /* NULL: none. */
};

/* Read "unix:/path" or "http(s)://host[:port]". CAPQ_EINVAL says which part is wrong. There is no
 * token in the result. The caller ends with server_finish(). */
int server_parse(const char *text, struct server *out, struct err *err);

/* Take the token from CAPQ_TOKEN, or else from the file that CAPQ_TOKEN_FILE names. Neither is
 * set: there is none. */
int server_read_token(struct server *server, struct err *err);

void server_finish(struct server *server);

#endif
