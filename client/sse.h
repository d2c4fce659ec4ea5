/* Server-sent events: the parser of a text/event-stream (HTML Living Standard, 9.2.6). Pure.
 *
 *   sse_feed(&sse, bytes, len, &err);            whatever came, cut anywhere
 *   while (sse_next(&sse, &event)) ...           every event that is whole by now
 *
 * Lines end in LF, CR or CRLF; a byte order mark at the beginning is skipped; comments, unknown
 * fields and `retry` are ignored; an event without data is none. What a cut-off stream left
 * unfinished is dropped, as the standard demands. */
#ifndef CAPQ_CLIENT_SSE_H
#define CAPQ_CLIENT_SSE_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/str.h"

#define SSE_EVENT_MAX (1u << 20) /* Bytes of one event. */
#define SSE_ID_MAX 63

/* Borrowed from the parser until its next call. */
struct sse_event {
	const char *name; /* "message" when the stream names none. */
	const char *data; /* Lines joined by newlines. */
	size_t data_len;  /* Data may hold NULs. */
	const char *id;   /* The newest so far, be it an earlier event's; "" for none. */
};

/* Zero-initialise it. */
struct sse {
	struct str input; /* Bytes not read yet, behind `at` that were. */
	size_t at;
	size_t searched; /* Up to there no line ends: a long one is not searched again and again. */
	bool began;      /* The byte order mark was looked for. */
	bool after_cr;   /* The last line ended in CR: an LF that follows belongs to it. */
	struct str name; /* Of the event that is being read. */
	struct str data;
	char new_id[SSE_ID_MAX + 1];
	char id[SSE_ID_MAX + 1];           /* Of what is whole: what to resume behind. */
	struct str given_name, given_data; /* Of the event that sse_next() gave out. */
};

/* Take `len` bytes. CAPQ_ETOOBIG when an event exceeds SSE_EVENT_MAX; the parser then is of no
 * more use. */
int sse_feed(struct sse *sse, const char *bytes, size_t len, struct err *err);

/* True with `*out` set when a whole event is there. */
bool sse_next(struct sse *sse, struct sse_event *out);

/* A new connection: forget what is unfinished, keep `id`. */
void sse_restart(struct sse *sse);

void sse_finish(struct sse *sse);

#endif
