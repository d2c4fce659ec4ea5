/* The bytes of one upload: packed in a worker thread, part by part, and sent while the next parts
 * are packed, in as many buffers as the budget allows. One is always ours, so that no stream ever
 * waits for another. Once all is sent the budget has everything back. */
#ifndef CAPQ_PUSH_STREAM_H
#define CAPQ_PUSH_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "push/fail.h"

struct answer_create;
struct path_info;
struct question_complete;
struct shop;
struct stream;

/* A stream for `info`; both arguments are borrowed. `on_change` runs from the loop whenever one of
 * the answers below may have become another. NULL: the budget has no room for it now; try again
 * when another stream is gone. */
struct stream *stream_create(const struct shop *shop, const struct path_info *info,
	void (*on_change)(void *owner), void *owner);

/* Only when it is quiet. NULL is harmless. */
void stream_destroy(struct stream *stream);

/* Pack the first parts. */
void stream_begin(struct stream *stream);

/* Send them, and all that follow, to `upload`, which is borrowed; at a plain HTTP cache to a file.
 */
void stream_send(struct stream *stream, const struct answer_create *upload);

/* Let it become quiet soon. */
void stream_stop(struct stream *stream);

bool stream_has_part(const struct stream *stream);           /* The first part is packed. */
bool stream_is_sent(const struct stream *stream);            /* The last part is sent. */
bool stream_is_quiet(const struct stream *stream);           /* Nothing is under way. */
const struct fail *stream_fail(const struct stream *stream); /* Of class FAIL_NONE: none. */

/* How far it is: bytes of the NAR that were read, bytes of the file that were sent. */
void stream_progress(const struct stream *stream, uint64_t *out_nar, uint64_t *out_file);

/* When it is sent: what `complete` has to say of parts and file. Borrowed from the stream. */
void stream_describe(const struct stream *stream, struct question_complete *out);

#endif
