/*   ASKING --- missing ---> PACKING --- a part is packed ---> CREATING --- created ---> SENDING
 *     |                                                                                    |
 *     | there after all                                                           all sent |
 *     v                               completed                                 released   v
 *    (end) <--------------------------------+-------------- COMPLETING <-------------- WAITING
 *     ^                                                       |    ^
 *     | given up                there +------ SETTLING <------+    |
 *     |                               |          | no good answer  |
 *   ABORTING <------------------------+          +-----------------+
 *     ^                                          missing, may be tried again
 *     +--- failed, in any state, all quiet
 *
 * Everything up to WAITING may be done for a path and what it refers to at the same time; what can
 * be seen in the cache begins with COMPLETING, and is references first.
 *
 * Nothing is created at the cache before a part is packed, so a path that cannot be read costs no
 * upload; what was created is completed or aborted on every way out.
 *
 * Whether `complete` was heard cannot be known when its answer is lost; nor is it known what the
 * service answers when an upload is complete already. So after anything but a good answer we ask
 * whether the path is still missing (SETTLING): only then it is tried again, or failed. When it is
 * there, somebody else may have pushed it and our upload may be open still, so it is given up; if
 * it was ours the cache knows no such upload any more. */
#include "push/upload.h"

#include <stdlib.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "lib/str.h"
#include "push/api.h"
#include "push/cache_kind.h"
#include "push/journal.h"
#include "push/missing.h"
#include "push/path_info.h"
#include "push/question.h"
#include "push/shop.h"
#include "push/sign.h"
#include "push/stream.h"

enum upload_state {
	ASKING,
	PACKING,
	CREATING,
	SENDING,
	WAITING,
	COMPLETING,
	SETTLING,
	ABORTING,
};

struct upload {
	const struct shop *shop;
	struct upload_spec spec;
	enum upload_state state;
	struct stream *stream;
	struct fail fail; /* Once its class is set we only tidy up. */

	/* What is under way; NULL: nothing is. */
	struct missing *question;
	struct call *call;

	/* What was answered. */
	bool is_missing;              /* To the last question. */
	bool is_completed;            /* `complete` went well. */
	bool is_there;                /* It failed, and yet the path is in the cache. */
	struct fail refusal;          /* Why it failed for good, if it did. */
	struct answer_create created; /* Its ids are NULL before it is. */

	struct retry complete_retry;
};

static void upload_step(struct upload *upload);

static const struct cache_kind *kind_of(const struct upload *u)
{
	return u->shop->api->kind;
}

static void end_upload(struct upload *u, enum upload_outcome outcome)
{
	struct upload_end end = { .outcome = outcome, .fail = u->fail };

	stream_progress(u->stream, &end.nar_bytes, &end.file_bytes);
	stream_destroy(u->stream);
	u->spec.on_done(u->spec.owner, &end);
	answer_create_free(&u->created);
	free(u);
}

/* ---- callbacks ---- */

static void on_stream(void *owner)
{
	struct upload *u = owner;
	const struct fail *fail = stream_fail(u->stream);

	if (fail->class != FAIL_NONE)
		fail_set(&u->fail, fail->class, "%s", fail->err.text);
	upload_step(u);
}

static void on_answered(void *owner, const struct answer_missing *missing, const struct fail *fail)
{
	struct upload *u = owner;

	u->question = NULL;
	u->is_missing = answer_missing_has(missing, store_path_base(u->spec.info->path));
	if (fail->class != FAIL_NONE)
		fail_set(&u->fail, fail->class, "%s", fail->err.text);
	upload_step(u);
}

static void on_created(void *owner, const struct call_end *end)
{
	struct upload *u = owner;

	u->call = NULL;
	if (end->outcome == CALL_OK)
		journal_begin(u->shop->journal, &u->created);
	if (end->outcome == CALL_FAILED)
		fail_set(&u->fail, end->fail.class, "%s", end->fail.err.text);
	upload_step(u);
}

static void on_completed(void *owner, const struct call_end *end)
{
	struct upload *u = owner;

	u->call = NULL;
	u->is_completed = end->outcome == CALL_OK;
	if (u->is_completed)
		journal_end(u->shop->journal, &u->created);
	u->refusal = end->fail; /* Of class FAIL_NONE when it may be tried again. */
	upload_step(u);
}

static void on_aborted(void *owner, const struct call_end *end)
{
	struct upload *u = owner;

	/* What the cache did not hear stays in the journal, and the next run tells it. */
	if (end->outcome == CALL_OK || end->fail.class == FAIL_REFUSED)
		journal_end(u->shop->journal, &u->created);
	u->call = NULL;
	upload_step(u);
}

/* ---- what is done on the way from state to state ---- */

static void ask(struct upload *u)
{
	const char *path = u->spec.info->path;

	u->question = missing_start(u->shop->api, &path, 1, on_answered, u);
}

static void begin(struct upload *u)
{
	u->state = PACKING;
	stream_begin(u->stream);
}

static void send_parts(struct upload *u)
{
	u->state = SENDING;
	stream_send(u->stream, &u->created);
}

static void create(struct upload *u)
{
	if (kind_of(u)->create == NULL) {
		send_parts(u);
		return;
	}
	u->state = CREATING;
	u->call = kind_of(u)->create(u->shop->api, u->shop->method, &u->created, on_created, u);
}

static void complete(struct upload *u)
{
	struct question_complete question = { .info = u->spec.info };
	char signature[BASE64_LEN(SIGN_SIGNATURE_LEN) + 1];
	cleanup_str struct str fingerprint = { 0 };

	stream_describe(u->stream, &question);
	if (u->shop->key != NULL) {
		sign_fingerprint(u->spec.info, &fingerprint);
		sign_text(u->shop->key, str_text(&fingerprint), signature);
		question.signature = signature;
		question.key_name = sign_key_name(u->shop->key);
	}
	u->state = COMPLETING;
	u->call = kind_of(u)->complete(
		u->shop->api, &u->created, &question, &u->complete_retry, on_completed, u);
}

static void wait_or_complete(struct upload *u)
{
	u->state = WAITING;
	if (u->spec.is_free)
		complete(u);
	else
		u->spec.on_waiting(u->spec.owner);
}

static void end_given_up(struct upload *u)
{
	end_upload(u, u->is_there ? UPLOAD_DONE : UPLOAD_FAILED);
}

/* Tell the cache, if it knows of it at all. */
static void give_up(struct upload *u)
{
	if (u->created.upload_id == NULL) {
		end_given_up(u);
		return;
	}
	u->state = ABORTING;
	u->call = kind_of(u)->abort(u->shop->api, &u->created, on_aborted, u);
}

static void settle(struct upload *u)
{
	if (!u->is_missing) {
		u->is_there = true;
		give_up(u);
	} else if (u->refusal.class == FAIL_NONE) {
		complete(u);
	} else {
		u->fail = u->refusal;
		upload_step(u);
	}
}

/* It failed: stop, wait until nothing is under way, and tell the cache. What is just being created
 * there must be known for that; and what is just being completed may be there after all. */
static void tidy_up(struct upload *u)
{
	stream_stop(u->stream);
	if (u->call != NULL && (u->state == CREATING || u->state == COMPLETING))
		call_finish(u->call);
	else if (u->call != NULL)
		call_stop(u->call);
	if (u->question != NULL)
		missing_stop(u->question);
	if (u->call != NULL || u->question != NULL || !stream_is_quiet(u->stream))
		return; /* Whichever ends next wakes us. */
	if (u->is_completed)
		end_upload(u, UPLOAD_DONE);
	else
		give_up(u);
}

/* ---- the step ---- */

static void upload_step(struct upload *u)
{
	if (u->fail.class != FAIL_NONE && u->state != ABORTING) {
		tidy_up(u);
		return;
	}
	if (u->call != NULL || u->question != NULL)
		return; /* Its answer wakes us; until then the stream goes on by itself. */
	switch (u->state) {
	case ASKING:
		if (u->is_missing)
			begin(u);
		else
			end_upload(u, UPLOAD_UNNEEDED);
		return;
	case PACKING:
		if (stream_has_part(u->stream))
			create(u);
		return;
	case CREATING:
		send_parts(u);
		return;
	case SENDING:
		if (stream_is_sent(u->stream))
			wait_or_complete(u);
		return;
	case WAITING:
		if (u->spec.is_free)
			complete(u);
		return;
	case COMPLETING:
		if (u->is_completed) {
			end_upload(u, UPLOAD_DONE);
		} else {
			u->state = SETTLING;
			ask(u);
		}
		return;
	case SETTLING:
		settle(u);
		return;
	case ABORTING:
		end_given_up(u);
		return;
	}
}

/* ---- public ---- */

struct upload *upload_start(const struct shop *shop, const struct upload_spec *spec)
{
	struct upload *u = xcalloc(1, sizeof *u);

	u->shop = shop;
	u->spec = *spec;
	u->stream = stream_create(shop, spec->info, on_stream, u);
	if (u->stream == NULL) {
		free(u);
		return NULL;
	}
	if (spec->asks_first)
		ask(u);
	else
		begin(u);
	return u;
}

void upload_release(struct upload *upload)
{
	upload->spec.is_free = true;
	if (upload->state == WAITING)
		upload_step(upload);
}

void upload_stop(struct upload *upload, const struct fail *why)
{
	if (upload->state == ABORTING)
		return;
	fail_set(&upload->fail, why->class, "%s", why->err.text);
	tidy_up(upload);
}

void upload_progress(const struct upload *upload, uint64_t *out_nar, uint64_t *out_file)
{
	stream_progress(upload->stream, out_nar, out_file);
}
