/*   PRESIGNING --- the URL is there ---> PUTTING --- sent ---> (end)
 *      ^                                    |
 *      +---- it may be tried again ---------+
 *
 * A presigned URL is good for minutes only, so it is asked for when the part is there to be sent,
 * and anew for each further try. A file is only PUT, and sent again by its call. Either call
 * failing for good ends it, and so does part_stop(). */
#include "push/part.h"

#include <stdbool.h>
#include <stdlib.h>

#include "lib/mem.h"
#include "push/api.h"
#include "push/plain.h"

struct part {
	struct part_spec spec;
	const struct api *api;
	struct call *call;  /* Always one under way. */
	struct retry retry; /* The tries of PUT. */
	char *url;
	bool stop_wanted; /* A call may have ended well before it could be stopped. */
};

static void presign(struct part *part);

static void finish(struct part *part, const char *etag, const struct fail *why)
{
	struct fail fail = *why;

	if (etag == NULL)
		fail_set(&fail, FAIL_STOPPED, "stopped"); /* Unless there is a better reason. */
	part->spec.on_done(part->spec.owner, etag, &fail);
	free(part->url);
	free(part);
}

static void on_put(void *owner, const struct call_end *end)
{
	struct part *part = owner;

	if (end->outcome == CALL_RENEW && !part->stop_wanted) {
		presign(part);
		return;
	}
	finish(part, end->outcome == CALL_OK ? end->etag : NULL, &end->fail);
}

static void on_presigned(void *owner, const struct call_end *end)
{
	struct part *part = owner;
	const struct part_spec *spec = &part->spec;

	if (end->outcome == CALL_OK && !part->stop_wanted)
		part->call = api_put(part->api, part->url, spec->bytes, spec->len, spec->md5,
			&part->retry, on_put, part);
	else
		finish(part, NULL, &end->fail);
}

static void presign(struct part *part)
{
	free(STEAL_POINTER(part->url));
	part->call = api_presign(part->api, part->spec.upload, part->spec.number, part->spec.md5,
		&part->url, on_presigned, part);
}

struct part *part_start(const struct api *api, const struct part_spec *spec)
{
	struct part *part = xcalloc(1, sizeof *part);

	part->spec = *spec;
	part->api = api;
	if (spec->file_name == NULL)
		presign(part);
	else
		part->call = plain_put(api, spec->file_name, spec->bytes, spec->len, on_put, part);
	return part;
}

void part_stop(struct part *part)
{
	part->stop_wanted = true;
	call_stop(part->call);
}
