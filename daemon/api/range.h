/* The Range header (RFC 9110, 14.1.2), as far as it names one range of bytes. Pure. */
#ifndef CAPQ_DAEMON_API_RANGE_H
#define CAPQ_DAEMON_API_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct range {
	int64_t from, to; /* `to` is behind the last byte. */
	bool is_partial;  /* Whether somebody asked for a part. */
};

/* Read "bytes=N-", "bytes=N-M" or "bytes=-N" for something of `size` bytes; `from` may lie behind
 * its end. False: it is NULL or anything else, which counts as not there. */
bool range_parse(const char *text, int64_t size, struct range *out);

#endif
