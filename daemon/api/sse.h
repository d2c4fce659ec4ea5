/* Server-sent events (the HTML standard, "9.2"): the text of one. Pure. */
#ifndef CAPQ_DAEMON_API_SSE_H
#define CAPQ_DAEMON_API_SSE_H

#include <stdint.h>

#include "lib/str.h"

/* Append an event. `id` below 0: it has none. `data` has no line breaks: JSON has none. */
void sse_add(struct str *out, const char *event, int64_t id, const char *data);

/* A comment, which only keeps the connection alive. */
void sse_add_heartbeat(struct str *out);

/* Move at most `size` bytes from the front of `from` to `out`. Returns how many. */
size_t sse_take(struct str *from, char *out, size_t size);

#endif
