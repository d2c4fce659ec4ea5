/* One request on MHD's side: MHD's two callbacks. */
#ifndef CAPQ_DAEMON_API_CONNECTION_H
#define CAPQ_DAEMON_API_CONNECTION_H

#include <microhttpd.h>

/* The `listener` is a struct listener; `*state` is the request, NULL before its first call. */
enum MHD_Result connection_handle(void *listener, struct MHD_Connection *connection,
	const char *url, const char *verb, const char *version, const char *upload,
	size_t *upload_size, void **state);
void connection_completed(void *unused, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode how);

#endif
