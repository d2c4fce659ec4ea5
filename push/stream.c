/* Each part goes round one of a few slots:
 *
 *   FREE --- the one worker is free ---> FILLING --- packed ---> FULL --- upload known ---> SENDING
 *    ^                                                                                         |
 *    +------------------------------------------- sent ----------------------------------------+
 *
 * Parts of an upload at Cachix are sent by themselves, several at a time. A plain HTTP cache takes
 * a file instead: a small one is the only part, and is named after its hash, as Nix does; the parts
 * of a large one are pieces of one body, one after the other, which begins before its hash is
 * known. */
#include "push/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "push/answer.h"
#include "push/api.h"
#include "push/body.h"
#include "push/budget.h"
#include "push/cache_kind.h"
#include "push/pack.h"
#include "push/part.h"
#include "push/path_info.h"
#include "push/plain.h"
#include "push/question.h"
#include "push/retry.h"
#include "push/shop.h"

#define SLOTS 4 /* Parts of one path that are in memory at most. */

/* NARs from here on are compressed by several workers; below, other paths keep the processors busy.
 */
#define LARGE (UINT64_C(16) << 20)

#define PIECE (UINT64_C(2) << 20) /* Of a body that is made while it is sent. */

/* One buffer and the part in it. While it is FILLING, `buf` and `packed` are the worker's. */
struct slot {
	struct stream *stream;
	unsigned char *buf; /* NULL: not allocated yet. */
	enum {
		FREE,
		FILLING,
		FULL,
		SENDING,
	} state;
	size_t number; /* Of the part, from 1. */
	struct pack_part packed;
	struct part *part; /* While SENDING. */
};

struct stream {
	const struct shop *shop;
	const struct path_info *info;
	const struct answer_create *upload; /* NULL before stream_send(). */
	void (*on_change)(void *owner);
	void *owner;
	struct fail fail; /* Also set by stream_stop(). */

	struct compress_spec compress;
	struct pack *pack; /* NULL when all is sent; then these two tell: */
	uint64_t nar_bytes;
	unsigned char file_hash[SHA256_LEN];

	uv_work_t work;
	struct slot *filling; /* While the worker runs; NULL else. */
	int pack_rv;          /* Of the last pack_fill(), with `pack_err`. */
	struct err pack_err;
	bool is_packed; /* The last part is. */

	bool is_pulled;    /* The parts are pieces of `body`. */
	struct body *body; /* While it is sent. */
	bool is_body_sent;
	bool starts_over; /* As soon as the worker is done, all is packed again for another body. */
	struct retry retry; /* Of the bodies. */
	size_t n_given;  /* Pieces that the body was given; one more than it has taken while it has
			    one. */
	char *file_name; /* At a plain HTTP cache, once it is known. */

	struct slot slots[SLOTS];
	uint64_t buffer_size;
	uint64_t reserved; /* Of the budget. */

	char **etags; /* etags[number - 1]; NULL before it is sent. */
	size_t n_parts, etags_capacity;
	uint64_t sent; /* Bytes of parts that have their ETag. */
};

static void stream_step(struct stream *stream);

/* ---- memory ---- */

static void give_back(struct stream *s)
{
	for (size_t i = 0; i < SLOTS; i++)
		free(STEAL_POINTER(s->slots[i].buf));
	if (s->pack != NULL) {
		s->nar_bytes = pack_nar_bytes(s->pack);
		memcpy(s->file_hash, pack_file_hash(s->pack), SHA256_LEN);
	}
	pack_destroy(STEAL_POINTER(s->pack));
	budget_give(s->shop->budget, s->reserved);
	s->reserved = 0;
}

/* ---- packing ---- */

/* In a worker thread. */
static void do_pack(uv_work_t *work)
{
	struct stream *s = work->data;

	s->pack_rv = pack_fill(s->pack, s->filling->buf, (size_t)s->buffer_size,
		&s->filling->packed, &s->pack_err);
}

static void note_part(struct stream *s, struct slot *slot)
{
	slot->state = FULL;
	slot->number = ++s->n_parts;
	array_reserve(&s->etags, &s->etags_capacity, s->n_parts, sizeof *s->etags);
	s->etags[s->n_parts - 1] = NULL;
	s->is_packed = slot->packed.is_last;
}

static void on_packed(uv_work_t *work, int status)
{
	struct stream *s = work->data;
	struct slot *slot = s->filling;

	(void)status; /* Never cancelled. */
	s->filling = NULL;
	if (s->starts_over)
		slot->state = FREE;
	else if (s->pack_rv == 0)
		note_part(s, slot);
	else
		fail_set(&s->fail, s->pack_rv == CAPQ_EBUSY ? FAIL_CHANGED : FAIL_STORE, "%s",
			s->pack_err.text);
	stream_step(s);
}

/* A slot that is free, or a new one if the budget allows it; NULL: none now. */
static struct slot *find_slot(struct stream *s)
{
	size_t i = 0;

	while (i < SLOTS && s->slots[i].buf != NULL && s->slots[i].state != FREE)
		i++;
	if (i == SLOTS)
		return NULL;
	if (s->slots[i].buf == NULL) {
		if (!budget_take(s->shop->budget, s->buffer_size))
			return NULL;
		s->reserved += s->buffer_size;
		s->slots[i].buf = xmalloc((size_t)s->buffer_size);
	}
	return &s->slots[i];
}

static void pack_next(struct stream *s)
{
	int rv;

	if (s->filling != NULL || s->is_packed)
		return;
	s->filling = find_slot(s);
	if (s->filling == NULL)
		return; /* When a part is sent we are asked again. */
	s->filling->state = FILLING;
	s->work.data = s;
	rv = uv_queue_work(s->shop->loop, &s->work, do_pack, on_packed);
	assert(rv == 0); /* It refuses only work without a function. */
}

/* ---- sending parts ---- */

static void on_sent(void *owner, const char *etag, const struct fail *fail)
{
	struct slot *slot = owner;
	struct stream *s = slot->stream;

	slot->part = NULL;
	slot->state = FREE;
	if (etag == NULL) {
		fail_set(&s->fail, fail->class, "%s", fail->err.text);
	} else {
		s->etags[slot->number - 1] = xstrdup(etag);
		s->sent += slot->packed.len;
	}
	stream_step(s);
}

static void name_file(struct stream *s, const unsigned char *file_hash)
{
	s->file_name = plain_file_name(s->info, file_hash, s->shop->method);
}

static void send_slot(struct slot *slot)
{
	struct stream *s = slot->stream;
	struct part_spec spec = {
		.upload = s->upload,
		.number = slot->number,
		.bytes = slot->buf,
		.len = slot->packed.len,
		.md5 = slot->packed.md5,
		.on_done = on_sent,
		.owner = slot,
	};

	if (s->shop->api->kind->takes_files)
		name_file(s, pack_file_hash(s->pack)); /* All of it is packed: it is one part. */
	spec.file_name = s->file_name;
	slot->state = SENDING;
	slot->part = part_start(s->shop->api, &spec);
}

/* ---- sending pieces of a body ---- */

static struct slot *slot_of(struct stream *s, size_t number)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (s->slots[i].state != FREE && s->slots[i].state != FILLING &&
			s->slots[i].number == number)
			return &s->slots[i];
	return NULL;
}

static void on_taken(void *owner)
{
	struct stream *s = owner;
	struct slot *slot = slot_of(s, s->n_given);

	slot->state = FREE;
	s->sent += slot->packed.len;
	stream_step(s);
}

static void on_body(void *owner, enum body_outcome outcome, const struct fail *fail)
{
	struct stream *s = owner;

	s->body = NULL;
	s->is_body_sent = outcome == BODY_DONE;
	s->starts_over = outcome == BODY_AGAIN;
	if (outcome == BODY_FAILED)
		fail_set(&s->fail, fail->class, "%s", fail->err.text);
	if (s->starts_over)
		pack_stop(s->pack);
	stream_step(s);
}

/* As it was at first. */
static void start_over(struct stream *s)
{
	for (size_t i = 0; i < SLOTS; i++)
		s->slots[i].state = FREE;
	s->n_parts = s->n_given = 0; /* There are no ETags to be freed. */
	s->sent = 0;
	s->is_packed = s->starts_over = false;
	pack_destroy(s->pack);
	s->pack = pack_create(s->info, &s->compress, false);
}

/* The next piece, if it is packed and the one before it was taken. */
static void give_next(struct stream *s)
{
	struct slot *slot = slot_of(s, s->n_given + 1);
	struct body_spec spec = {
		.on_taken = on_taken,
		.on_done = on_body,
		.retry = &s->retry,
		.owner = s,
	};

	if (slot == NULL || slot_of(s, s->n_given) != NULL)
		return;
	if (s->file_name == NULL)
		name_file(s, NULL);
	spec.name = s->file_name;
	if (s->n_given == 0)
		s->body = body_start(s->shop->api, &spec);
	if (s->body == NULL)
		return; /* It was done before it had all. */
	slot->state = SENDING;
	s->n_given++;
	body_give(s->body, slot->buf, slot->packed.len, slot->packed.is_last);
}

/* ---- sending ---- */

static void send_full(struct stream *s)
{
	if (s->is_pulled) {
		give_next(s);
		return;
	}
	for (size_t i = 0; i < SLOTS; i++)
		if (s->slots[i].state == FULL)
			send_slot(&s->slots[i]);
}

static void stream_step(struct stream *s)
{
	if (s->fail.class == FAIL_NONE && s->starts_over && s->filling == NULL)
		start_over(s);
	if (s->fail.class == FAIL_NONE && !s->starts_over) {
		if (s->upload != NULL)
			send_full(s);
		pack_next(s);
		if (stream_is_sent(s))
			give_back(s);
	}
	s->on_change(s->owner);
}

/* ---- public ---- */

/* A file that takes no more than a quarter of the memory is held whole. */
static uint64_t file_buffer_size(const struct shop *shop, uint64_t nar_size)
{
	uint64_t whole = compress_bound(nar_size);

	return whole < shop->budget->size / 4 ? whole : PIECE;
}

struct stream *stream_create(const struct shop *shop, const struct path_info *info,
	void (*on_change)(void *owner), void *owner)
{
	struct compress_spec compress = {
		.method = shop->method,
		.level = shop->level,
		.workers = info->nar_size < LARGE ? 0 : shop->workers,
		.size = info->nar_size,
	};
	uint64_t buffer = pack_buffer_size(info->nar_size);
	uint64_t reserved = compress_memory(&compress);
	struct stream *s;

	if (shop->api->kind->takes_files)
		buffer = file_buffer_size(shop, info->nar_size);
	reserved += buffer;
	if (!budget_take(shop->budget, reserved))
		return NULL;
	s = xcalloc(1, sizeof *s);
	s->shop = shop;
	s->info = info;
	s->compress = compress;
	s->is_pulled = shop->api->kind->takes_files && buffer < compress_bound(info->nar_size);
	s->on_change = on_change;
	s->owner = owner;
	s->buffer_size = buffer;
	s->reserved = reserved;
	s->pack = pack_create(info, &compress, !shop->api->kind->takes_files);
	for (size_t i = 0; i < SLOTS; i++)
		s->slots[i].stream = s;
	s->slots[0].buf = xmalloc((size_t)buffer);
	return s;
}

void stream_destroy(struct stream *stream)
{
	if (stream == NULL)
		return;
	assert(stream_is_quiet(stream));
	give_back(stream);
	for (size_t i = 0; i < stream->n_parts; i++)
		free(stream->etags[i]);
	free(stream->etags);
	free(stream->file_name);
	free(stream);
}

void stream_begin(struct stream *stream)
{
	pack_next(stream);
}

void stream_send(struct stream *stream, const struct answer_create *upload)
{
	stream->upload = upload;
	send_full(stream);
	pack_next(stream);
}

void stream_stop(struct stream *stream)
{
	fail_set(&stream->fail, FAIL_STOPPED, "stopped");
	if (stream->pack != NULL)
		pack_stop(stream->pack);
	for (size_t i = 0; i < SLOTS; i++)
		if (stream->slots[i].part != NULL)
			part_stop(stream->slots[i].part);
	if (stream->body != NULL)
		body_stop(stream->body);
}

bool stream_has_part(const struct stream *stream)
{
	return stream->n_parts > 0;
}

bool stream_is_sent(const struct stream *stream)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (stream->slots[i].state != FREE)
			return false;
	return stream->is_packed && (!stream->is_pulled || stream->is_body_sent);
}

bool stream_is_quiet(const struct stream *stream)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (stream->slots[i].part != NULL)
			return false;
	return stream->filling == NULL && stream->body == NULL;
}

const struct fail *stream_fail(const struct stream *stream)
{
	return &stream->fail;
}

void stream_progress(const struct stream *stream, uint64_t *out_nar, uint64_t *out_file)
{
	*out_nar = stream->pack == NULL ? stream->nar_bytes : pack_nar_bytes(stream->pack);
	*out_file = stream->sent;
}

void stream_describe(const struct stream *stream, struct question_complete *out)
{
	out->etags = stream->etags;
	out->n_parts = stream->n_parts;
	out->file_hash = stream->file_hash;
	out->file_size = stream->sent;
	out->file_name = stream->file_name;
	out->method = stream->shop->method;
}
