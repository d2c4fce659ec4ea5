/* What a command has at hand while it runs. */
#ifndef CAPQ_CLIENT_CLIENT_H
#define CAPQ_CLIENT_CLIENT_H

#include "client/api.h"
#include "client/options.h"
#include "client/output.h"

/* What capq exits with; part of its contract. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,      /* A job failed, or capq could not do what it was asked. */
	EXIT_USAGE = 2,       /* The command line is wrong, or what it names is not there. */
	EXIT_UNREACHABLE = 3, /* capqd cannot be reached, or cannot answer now. */
	EXIT_DENIED = 4,      /* Who asks may not do this. */
	EXIT_TIMED_OUT = 5,   /* What was waited for took longer than allowed. */
};

struct client {
	struct options options;
	struct output output;
	struct server server;
	struct api *api;
	enum exit_code exit_code; /* For a command that itself went well. */
};

/* The exit code that an error code (lib/err.h) stands for. */
enum exit_code exit_code_of(int code);

/* Fill in `server` and `api` from the command line and the environment; nothing is asked yet. Done
 * for all commands that are not local before they run. */
int client_find_server(struct client *client, struct err *err);

/* Say an error: a line on standard error; with --json a problem object, the server's own when it
 * sent one. */
void client_complain(const struct client *client, const struct err *err);

#endif
