/*   ASKING --- missing ---> PACKING --- first part packed ---> CREATING --- created ---> SENDING
 *     |                                                                                     |
 *     | there after all                                          last part packed, all sent |
 *     v                    completed, or there                                              v
 *    ENDED <------------------------+----------------------------------------------- COMPLETING
 *     ^                             |                                                   |   ^
 *     | given up                    +---------------------- SETTLING <--- no good answer   |
 *     |                                                      |   |                         |
 *   ABORTING <--- failed, in any state, all is quiet         |   +--- missing: try again --+
 *
 * Nothing is created at the cache before the first part is packed, so a path that cannot be read
 * costs no upload; what was created is completed or aborted on every way out. While parts are sent,
 * further ones are packed, in as many buffers as the budget allows: one is always ours, so we never
 * wait for another upload.
 *
 * Whether `complete` was heard cannot be known when its answer is lost; neither is it known what
 * it answers for an upload that is complete already. So after anything but a good answer we ask
 * whether the path is still missing (SETTLING): only then it is tried again, or failed. */
#include "push/upload.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "lib/str.h"
#include "push/api.h"
#include "push/budget.h"
#include "push/missing.h"
#include "push/pack.h"
#include "push/part.h"
#include "push/path_info.h"
#include "push/question.h"
#include "push/sign.h"

#define SLOTS 4 /* Parts of one path that are in memory at most. */

enum upload_state {
	ASKING,
	PACKING,
	CREATING,
	SENDING,
	COMPLETING,
	SETTLING,
	ABORTING,
	ENDED,
};

/* One buffer and the part in it. */
struct slot {
	struct upload *upload;
	unsigned char *buf; /* NULL: not allocated yet. */
	enum { SLOT_FREE, SLOT_FILLING, SLOT_FULL, SLOT_SENDING } use;
	size_t number; /* Of the part, from 1. */
	struct pack_part packed;
	struct part *part; /* While SLOT_SENDING. */
};

struct upload {
	const struct upload_shop *shop;
	struct upload_spec spec;
	enum upload_state state;
	struct fail fail; /* Once its class is set we only tidy up. */
	enum upload_outcome outcome;

	/* What is under way; NULL or false: nothing is. */
	struct missing *question;
	struct call *call;
	bool is_packing;

	/* The facts. */
	bool is_missing;              /* The last question's answer. */
	bool is_completed;            /* The last call was `complete`, and went well. */
	struct fail refusal;          /* Why `complete` failed for good, if it did. */
	struct answer_create created; /* Its ids are NULL before it is. */
	bool packed_last;

	struct pack *pack;
	uv_work_t work;
	struct slot *filling; /* While is_packing. */
	int pack_rv;          /* Of the last pack_fill(), with `pack_err`. */
	struct err pack_err;

	struct slot slots[SLOTS];
	size_t n_parts;
	char **etags; /* etags[number - 1] */
	size_t etags_capacity;
	uint64_t sent; /* Bytes of parts that have their ETag. */

	uint64_t buffer_size;
	uint64_t reserved; /* Of the budget. */
	struct retry complete_retry;
};

static void upload_step(struct upload *upload);

/* ---- the end ---- */

static void end_upload(struct upload *u)
{
	u->state = ENDED;
	budget_give(u->shop->budget, u->reserved);
	u->spec.on_done(u->spec.owner, u->outcome, &u->fail);
	for (size_t i = 0; i < SLOTS; i++)
		free(u->slots[i].buf);
	for (size_t i = 0; i < u->n_parts; i++)
		free(u->etags[i]);
	free(u->etags);
	answer_create_free(&u->created);
	pack_destroy(u->pack);
	free(u);
}

/* ---- asking ---- */

static void on_answered(void *owner, const struct answer_missing *missing, const struct fail *fail)
{
	struct upload *u = owner;

	u->question = NULL;
	u->is_missing = answer_missing_has(missing, store_path_base(u->spec.info->path));
	if (fail->class != FAIL_NONE)
		fail_set(&u->fail, fail->class, "%s", fail->err.text);
	upload_step(u);
}

static void ask(struct upload *u, enum upload_state state)
{
	const char *path = u->spec.info->path;

	u->state = state;
	u->question = missing_start(u->shop->api, &path, 1, on_answered, u);
}

/* ---- packing ---- */

/* In a worker thread. */
static void do_pack(uv_work_t *work)
{
	struct upload *u = work->data;

	u->pack_rv = pack_fill(u->pack, u->filling->buf, (size_t)u->buffer_size,
		&u->filling->packed, &u->pack_err);
}

static void on_packed(uv_work_t *work, int status)
{
	struct upload *u = work->data;
	struct slot *slot = u->filling;

	(void)status; /* Never cancelled. */
	u->is_packing = false;
	if (u->pack_rv < 0) {
		fail_set(&u->fail, u->pack_rv == CAPQ_EBUSY ? FAIL_CHANGED : FAIL_STORE, "%s",
			u->pack_err.text);
	} else {
		slot->use = SLOT_FULL;
		slot->number = ++u->n_parts;
		u->packed_last = slot->packed.is_last;
		array_reserve(&u->etags, &u->etags_capacity, u->n_parts, sizeof *u->etags);
		u->etags[u->n_parts - 1] = NULL;
	}
	upload_step(u);
}

/* A free slot with a buffer; NULL: there is none now. */
static struct slot *find_slot(struct upload *u)
{
	struct slot *bare = NULL;

	for (size_t i = 0; i < SLOTS; i++) {
		if (u->slots[i].use == SLOT_FREE && u->slots[i].buf != NULL)
			return &u->slots[i];
		if (u->slots[i].buf == NULL && bare == NULL)
			bare = &u->slots[i];
	}
	if (bare == NULL || !budget_take(u->shop->budget, u->buffer_size))
		return NULL;
	u->reserved += u->buffer_size;
	bare->buf = xmalloc((size_t)u->buffer_size);
	return bare;
}

static void pack_next(struct upload *u)
{
	int rv;

	if (u->is_packing || u->packed_last)
		return;
	u->filling = find_slot(u);
	if (u->filling == NULL)
		return;
	u->filling->use = SLOT_FILLING;
	u->is_packing = true;
	u->work.data = u;
	rv = uv_queue_work(u->shop->loop, &u->work, do_pack, on_packed);
	assert(rv == 0); /* It refuses only work without a function. */
}

/* ---- sending ---- */

static void on_sent(void *owner, const char *etag, const struct fail *fail)
{
	struct slot *slot = owner;
	struct upload *u = slot->upload;

	slot->part = NULL;
	slot->use = SLOT_FREE;
	if (etag == NULL) {
		fail_set(&u->fail, fail->class, "%s", fail->err.text);
	} else {
		u->etags[slot->number - 1] = xstrdup(etag);
		u->sent += slot->packed.len;
	}
	upload_step(u);
}

static void send_packed(struct upload *u)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *slot = &u->slots[i];
		struct part_spec spec = {
			.upload = &u->created,
			.number = slot->number,
			.bytes = slot->buf,
			.len = slot->packed.len,
			.md5 = slot->packed.md5,
			.on_done = on_sent,
			.owner = slot,
		};

		if (slot->use != SLOT_FULL)
			continue;
		slot->use = SLOT_SENDING;
		slot->part = part_start(u->shop->api, &spec);
	}
}

static bool is_all_sent(const struct upload *u)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (u->slots[i].use != SLOT_FREE)
			return false;
	return u->packed_last;
}

/* ---- the calls ---- */

static void on_created(void *owner, const struct call_end *end)
{
	struct upload *u = owner;

	u->call = NULL;
	if (end->outcome != CALL_OK)
		fail_set(&u->fail, end->fail.class, "%s", end->fail.err.text);
	upload_step(u);
}

static void create(struct upload *u)
{
	u->state = CREATING;
	u->call = api_create(u->shop->api, u->shop->method, &u->created, on_created, u);
}

static void on_completed(void *owner, const struct call_end *end)
{
	struct upload *u = owner;

	u->call = NULL;
	u->is_completed = end->outcome == CALL_OK;
	u->refusal = end->fail; /* Of class FAIL_NONE when it may be tried again. */
	upload_step(u);
}

static void complete(struct upload *u)
{
	unsigned char file_hash[SHA256_LEN];
	char signature[BASE64_LEN(SIGN_SIGNATURE_LEN) + 1];
	cleanup_str struct str fingerprint = { 0 };
	struct question_complete question = {
		.info = u->spec.info,
		.etags = u->etags,
		.n_parts = u->n_parts,
		.file_hash = file_hash,
	};

	pack_file(u->pack, file_hash, &question.file_size);
	if (u->shop->key != NULL) {
		sign_fingerprint(u->spec.info, &fingerprint);
		sign_text(u->shop->key, str_text(&fingerprint), signature);
		question.signature = signature;
	}
	u->state = COMPLETING;
	u->call = api_complete(
		u->shop->api, &u->created, &question, &u->complete_retry, on_completed, u);
}

static void on_aborted(void *owner, const struct call_end *end)
{
	struct upload *u = owner;

	(void)end; /* Whatever came of it: the service drops uploads left open after some days. */
	u->call = NULL;
	end_upload(u);
}

/* ---- the step ---- */

static bool is_quiet(const struct upload *u)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (u->slots[i].part != NULL)
			return false;
	return u->call == NULL && u->question == NULL && !u->is_packing;
}

static void stop_everything(struct upload *u)
{
	pack_stop(u->pack);
	for (size_t i = 0; i < SLOTS; i++)
		if (u->slots[i].part != NULL)
			part_stop(u->slots[i].part);
	if (u->call != NULL)
		call_stop(u->call);
	if (u->question != NULL)
		missing_stop(u->question);
}

/* It failed: stop, wait until nothing is under way, and tell the cache. */
static void tidy_up(struct upload *u)
{
	u->outcome = UPLOAD_FAILED;
	if (!is_quiet(u)) {
		stop_everything(u); /* The last of them to end wakes us. */
	} else if (u->created.upload_id == NULL) {
		end_upload(u);
	} else {
		u->state = ABORTING;
		u->call = api_abort(u->shop->api, &u->created, on_aborted, u);
	}
}

/* Nothing is under way but what the last line of each case started. */
static void upload_step(struct upload *u)
{
	if (u->fail.class != FAIL_NONE && u->state < ABORTING) {
		tidy_up(u);
		return;
	}
	switch (u->state) {
	case ASKING:
		if (!u->is_missing) {
			u->outcome = UPLOAD_UNNEEDED;
			end_upload(u);
		} else {
			u->state = PACKING;
			pack_next(u);
		}
		return;
	case PACKING:
		create(u);
		pack_next(u);
		return;
	case CREATING:
		pack_next(u);
		if (u->call != NULL)
			return; /* A part was packed meanwhile. */
		u->state = SENDING;
		send_packed(u);
		return;
	case SENDING:
		send_packed(u);
		pack_next(u);
		if (is_all_sent(u))
			complete(u);
		return;
	case COMPLETING:
		if (u->is_completed)
			end_upload(u);
		else
			ask(u, SETTLING);
		return;
	case SETTLING:
		if (!u->is_missing) {
			end_upload(u);
		} else if (u->refusal.class != FAIL_NONE) {
			fail_set(&u->fail, u->refusal.class, "%s", u->refusal.err.text);
			tidy_up(u);
		} else {
			complete(u);
		}
		return;
	case ABORTING:
	case ENDED:
		return;
	}
}

/* ---- public ---- */

struct upload *upload_start(const struct upload_shop *shop, const struct upload_spec *spec)
{
	uint64_t buffer = pack_buffer_size(spec->info->nar_size);
	uint64_t reserved = buffer + compress_memory(shop->method, shop->level);
	struct upload *u;

	if (!budget_take(shop->budget, reserved))
		return NULL;
	u = xcalloc(1, sizeof *u);
	u->shop = shop;
	u->spec = *spec;
	u->buffer_size = buffer;
	u->reserved = reserved;
	u->pack = pack_create(spec->info, shop->method, shop->level);
	for (size_t i = 0; i < SLOTS; i++)
		u->slots[i].upload = u;
	u->slots[0].buf = xmalloc((size_t)buffer);
	if (spec->asks_first) {
		ask(u, ASKING);
	} else {
		u->state = PACKING;
		pack_next(u);
	}
	return u;
}

void upload_stop(struct upload *upload, const struct fail *why)
{
	if (upload->state >= ABORTING)
		return;
	fail_set(&upload->fail, why->class, "%s", why->err.text);
	upload_step(upload);
}

void upload_progress(const struct upload *upload, uint64_t *out_nar, uint64_t *out_file)
{
	*out_nar = pack_nar_bytes(upload->pack);
	*out_file = upload->sent;
}
