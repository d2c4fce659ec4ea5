#include "push/body.h"

#include <stdlib.h>
#include <string.h>

#include "io/http.h"
#include "lib/mem.h"
#include "push/plain.h"

struct body {
	struct body_spec spec;
	struct call *call;
	const unsigned char *bytes; /* What is left of the piece: `len` bytes. */
	size_t len;
	bool has_piece, is_last;
	bool is_paused; /* We had nothing when we were asked. */
};

static void take(struct body *body, char *buf, size_t n)
{
	memcpy(buf, body->bytes, n);
	body->bytes += n;
	body->len -= n;
	if (body->len > 0)
		return;
	body->has_piece = false;
	body->spec.on_taken(body->spec.owner); /* May give us the next. */
}

static size_t on_pull(void *owner, char *buf, size_t size)
{
	struct body *body = owner;
	size_t had = 0;

	while (had < size && body->has_piece) {
		size_t n = body->len < size - had ? body->len : size - had;

		take(body, buf + had, n);
		had += n;
	}
	if (had > 0 || body->is_last)
		return had;
	body->is_paused = true;
	return HTTP_PULL_LATER;
}

static void on_call(void *owner, const struct call_end *end)
{
	struct body *body = owner;
	struct fail fail = end->fail;

	if (end->outcome == CALL_OK)
		body->spec.on_done(body->spec.owner, BODY_DONE, &fail);
	else if (end->outcome == CALL_RENEW)
		body->spec.on_done(body->spec.owner, BODY_AGAIN, &fail);
	else {
		fail_set(&fail, FAIL_STOPPED, "stopped"); /* Unless there is a better reason. */
		body->spec.on_done(body->spec.owner, BODY_FAILED, &fail);
	}
	free(body);
}

struct body *body_start(const struct api *api, const struct body_spec *spec)
{
	struct body *body = xcalloc(1, sizeof *body);

	body->spec = *spec;
	body->call = plain_put_pulled(api, spec->name, on_pull, spec->retry, on_call, body);
	return body;
}

void body_give(struct body *body, const unsigned char *bytes, size_t len, bool is_last)
{
	body->bytes = bytes;
	body->len = len;
	body->has_piece = true;
	body->is_last = is_last;
	if (!body->is_paused)
		return;
	body->is_paused = false;
	call_resume(body->call);
}

void body_stop(struct body *body)
{
	call_stop(body->call);
}
