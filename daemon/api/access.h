/* Who asks, and what they may do. */
#ifndef CAPQ_DAEMON_API_ACCESS_H
#define CAPQ_DAEMON_API_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/settings.h"

/* The rules of the configuration, users and groups looked up when it is made; names of askers are
 * looked up once. */
struct access;

/* Make it from the settings. A user or group that does not exist is logged and fits nobody. */
struct access *access_create(const struct settings *settings);
void access_destroy(struct access *access);

struct asker {
	char name[128]; /* "root", "alice", "token ci", "anybody" */
	enum role role;
};

/* Who is at the other end of the connected socket `fd`. `is_unix`: of a Unix socket, whose peer the
 * kernel knows. `authorization` is the request's header, or NULL. A token, when there is one,
 * decides alone; one that is unknown has ROLE_NONE. */
void access_identify(
	struct access *access, int fd, bool is_unix, const char *authorization, struct asker *out);

/* True when a request over TCP may be a browser's on behalf of a page that is not ours: its Host is
 * no loopback name (DNS rebinding), or its Origin is another. NULL for headers that are not there.
 */
bool access_is_cross_site(const char *host, const char *origin);

#endif
