/* capqd: everything that runs, put together and taken apart. */
#ifndef CAPQ_DAEMON_DAEMON_H
#define CAPQ_DAEMON_DAEMON_H

#include "lib/err.h"
#include "lib/settings.h"

struct daemon;

/* Start everything. `settings` are taken; `config_path` is read again on SIGHUP. */
int daemon_start(
	struct settings *settings, const char *config_path, struct daemon **out, struct err *err);

/* Run until SIGTERM or SIGINT. Returns 0 when everything ended as it should. */
int daemon_run(struct daemon *daemon);

#endif
