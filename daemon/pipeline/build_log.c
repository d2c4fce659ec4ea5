#include "daemon/pipeline/build_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"

#define LEVEL 3
#define SKIPPABLE_MAGIC ZSTD_MAGIC_SKIPPABLE_START

/* The header of the ring, rewritten with every line; also what the skippable frame holds. */
struct ring_header {
	int64_t head;  /* Bytes of the head. */
	int64_t total; /* Bytes printed. */
	int64_t size;  /* Bytes of the ring. */
};

/* Where the tail begins: what is before it, behind the head, is the hole. */
static int64_t tail_start(const struct ring_header *h)
{
	return h->total - h->size > h->head ? h->total - h->size : h->head;
}

static char *file_name(const char *directory, int64_t id, const char *suffix)
{
	return str_format("%s/%" PRId64 "%s", directory, id, suffix);
}

/* ---- writing ---- */

struct build_log {
	char *directory;
	int64_t id;
	int64_t head_max;
	struct ring_header header;
	int head_fd, tail_fd; /* tail_fd: -1 until the head is full. */
	bool is_broken;       /* It could not be written; nothing more is kept. */

	uv_work_t work;
	void (*on_done)(void *owner, int64_t id);
	void *owner;
};

static bool write_at(int fd, const void *bytes, size_t len, int64_t at)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
		at += n;
	}
	return true;
}

static void give_up(struct build_log *log, const char *what)
{
	if (!log->is_broken)
		log_unusual("log of attempt %" PRId64 ": cannot %s: %s; the rest of it is lost",
			log->id, what, strerror(errno));
	log->is_broken = true;
}

static int open_file(const struct build_log *log, const char *suffix)
{
	cleanup_free char *path = file_name(log->directory, log->id, suffix);

	return open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

struct build_log *build_log_create(
	const char *directory, int64_t id, int64_t head_bytes, int64_t tail_bytes)
{
	struct build_log *log = xcalloc(1, sizeof *log);

	log->directory = xstrdup(directory);
	log->id = id;
	log->head_max = head_bytes;
	log->header.size = tail_bytes;
	log->tail_fd = -1;
	build_log_remove(directory, id);
	log->head_fd = open_file(log, ".log");
	if (log->head_fd < 0)
		give_up(log, "begin it");
	return log;
}

/* Put bytes that were printed at log->header.total into the ring. */
static bool write_ring(struct build_log *log, const char *bytes, size_t len)
{
	struct ring_header *h = &log->header;

	if (log->tail_fd < 0)
		log->tail_fd = open_file(log, ".tail");
	if (log->tail_fd < 0)
		return false;
	while (len > 0) {
		int64_t at = (h->total - h->head) % h->size;
		size_t room = (size_t)(h->size - at), n = len < room ? len : room;

		if (!write_at(log->tail_fd, bytes, n, (int64_t)sizeof *h + at))
			return false;
		h->total += (int64_t)n;
		bytes += n;
		len -= n;
	}
	return write_at(log->tail_fd, h, sizeof *h, 0);
}

static void add_bytes(struct build_log *log, const char *bytes, size_t len)
{
	struct ring_header *h = &log->header;
	int64_t room = log->head_max - h->head;

	if (log->is_broken) {
		h->total += (int64_t)len;
		return;
	}
	if (log->tail_fd < 0 && (int64_t)len <= room) {
		if (!write_at(log->head_fd, bytes, len, h->head))
			give_up(log, "write it");
		else
			h->head += (int64_t)len;
		h->total += (int64_t)len;
		return;
	}
	if (!write_ring(log, bytes, len))
		give_up(log, "write it");
}

void build_log_add(struct build_log *log, const char *line, size_t len)
{
	char small[512];

	if (len < sizeof small) { /* One write for nearly every line. */
		memcpy(small, line, len);
		small[len] = '\n';
		add_bytes(log, small, len + 1);
		return;
	}
	add_bytes(log, line, len);
	add_bytes(log, "\n", 1);
}

int64_t build_log_bytes(const struct build_log *log)
{
	return log->header.total;
}

void build_log_remove(const char *directory, int64_t id)
{
	static const char *const suffixes[] = { ".log", ".tail", ".log.zst", ".log.zst.tmp" };

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		cleanup_free char *path = file_name(directory, id, suffixes[i]);

		(void)unlink(path);
	}
}

/* ---- compressing ---- */

static bool write_frame(FILE *out, const char *text, size_t len)
{
	size_t bound = ZSTD_compressBound(len), n;
	cleanup_free char *packed = xmalloc(bound);

	n = ZSTD_compress(packed, bound, text, len, LEVEL);
	return !ZSTD_isError(n) && fwrite(packed, 1, n, out) == n;
}

static void put_le32(unsigned char *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (unsigned char)(value >> 8 * i);
}

static bool write_header_frame(FILE *out, const struct ring_header *h)
{
	unsigned char frame[8];

	put_le32(frame, SKIPPABLE_MAGIC);
	put_le32(frame + 4, sizeof *h);
	return fwrite(frame, 1, sizeof frame, out) == sizeof frame &&
	       fwrite(h, 1, sizeof *h, out) == sizeof *h;
}

/* The header comes first: a reader has it without walking the frames. */
static bool pack(struct build_log_reader *reader, const struct ring_header *header, FILE *out);

static void compress_files(const char *directory, int64_t id, const struct ring_header *header)
{
	cleanup_free char *temporary = file_name(directory, id, ".log.zst.tmp");
	cleanup_free char *final = file_name(directory, id, ".log.zst");
	struct build_log_reader *reader = NULL;
	FILE *out;
	bool ok;

	if (build_log_open(directory, id, &reader, NULL) < 0)
		return;
	out = fopen(temporary, "we");
	ok = out != NULL && pack(reader, header, out);
	if (out != NULL && fclose(out) != 0)
		ok = false;
	build_log_reader_close(reader);
	if (ok && rename(temporary, final) == 0) {
		cleanup_free char *head = file_name(directory, id, ".log");
		cleanup_free char *tail = file_name(directory, id, ".tail");

		(void)unlink(head);
		(void)unlink(tail);
	} else {
		(void)unlink(temporary); /* A full disk: the files stay as they are, readable. */
	}
}

static void do_compress(uv_work_t *work)
{
	struct build_log *log = CONTAINER_OF(work, struct build_log, work);

	compress_files(log->directory, log->id, &log->header);
}

static void on_compressed(uv_work_t *work, int status)
{
	struct build_log *log = CONTAINER_OF(work, struct build_log, work);

	(void)status;
	log->on_done(log->owner, log->id);
	free(log->directory);
	free(log);
}

void build_log_close(
	struct build_log *log, uv_loop_t *loop, void (*on_done)(void *, int64_t), void *owner)
{
	if (log->head_fd >= 0)
		(void)close(log->head_fd);
	if (log->tail_fd >= 0)
		(void)close(log->tail_fd);
	log->on_done = on_done;
	log->owner = owner;
	if (uv_queue_work(loop, &log->work, do_compress, on_compressed) != 0)
		abort(); /* libuv has no reason to refuse. */
}

/* ---- reading ---- */

struct build_log_reader {
	int head_fd, tail_fd; /* Of a log that is not compressed; -1: none. */
	char *directory;
	int64_t id;

	const char *map; /* The compressed file; NULL: it is not compressed. */
	size_t map_len;
	struct ring_header header; /* Of the compressed file. */
	char *frame;               /* The frame unpacked last, */
	size_t frame_len;
	int64_t frame_at; /* and where in the kept text it begins. */
};

static bool map_file(struct build_log_reader *r, const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < (off_t)(8 + sizeof r->header))
		return false;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return false;
	r->map = map;
	r->map_len = (size_t)st.st_size;
	memcpy(&r->header, r->map + 8, sizeof r->header);
	return true;
}

int build_log_open(
	const char *directory, int64_t id, struct build_log_reader **out, struct err *err)
{
	struct build_log_reader *r = xcalloc(1, sizeof *r);
	cleanup_free char *packed = file_name(directory, id, ".log.zst");
	cleanup_free char *head = file_name(directory, id, ".log");

	r->directory = xstrdup(directory);
	r->id = id;
	r->head_fd = r->tail_fd = -1;
	r->frame_at = -1;
	/* The order matters: compressing removes the head only when the packed file is there. */
	r->head_fd = open(head, O_RDONLY | O_CLOEXEC);
	if (r->head_fd < 0 && !map_file(r, packed)) {
		build_log_reader_close(r);
		return err_set(err, CAPQ_ENOTFOUND, "there is no log of attempt %" PRId64, id);
	}
	*out = r;
	return 0;
}

void build_log_reader_close(struct build_log_reader *r)
{
	if (r == NULL)
		return;
	if (r->head_fd >= 0)
		(void)close(r->head_fd);
	if (r->tail_fd >= 0)
		(void)close(r->tail_fd);
	if (r->map != NULL)
		(void)munmap((void *)r->map, r->map_len);
	free(r->directory);
	free(r->frame);
	free(r);
}

/* How it stands now. */
static struct ring_header read_header(struct build_log_reader *r)
{
	struct ring_header h = { .size = INT64_MAX };
	struct stat st;

	if (r->map != NULL)
		return r->header;
	if (r->tail_fd < 0) {
		cleanup_free char *tail = file_name(r->directory, r->id, ".tail");

		r->tail_fd = open(tail, O_RDONLY | O_CLOEXEC);
	}
	if (r->tail_fd >= 0 && pread(r->tail_fd, &h, sizeof h, 0) == (ssize_t)sizeof h)
		return h;
	if (fstat(r->head_fd, &st) == 0)
		h.head = h.total = st.st_size;
	h.size = INT64_MAX;
	return h;
}

int64_t build_log_size(struct build_log_reader *r)
{
	return read_header(r).total;
}

bool build_log_hole(struct build_log_reader *r, int64_t *out_from, int64_t *out_to)
{
	struct ring_header h = read_header(r);

	*out_from = h.head;
	*out_to = tail_start(&h);
	return *out_to > *out_from;
}

/* Unpack the frame that holds `at`, a place in the kept text. */
static bool load_frame(struct build_log_reader *r, int64_t at)
{
	const char *p = r->map + 8 + sizeof r->header, *end = r->map + r->map_len;
	int64_t start = 0;

	if (r->frame_at >= 0 && at >= r->frame_at && at < r->frame_at + (int64_t)r->frame_len)
		return true;
	while (p < end) {
		size_t packed = ZSTD_findFrameCompressedSize(p, (size_t)(end - p));
		unsigned long long len = ZSTD_getFrameContentSize(p, (size_t)(end - p));

		if (ZSTD_isError(packed) || len > BUILD_LOG_FRAME)
			return false;
		if (at < start + (int64_t)len) {
			size_t n;

			if (r->frame == NULL)
				r->frame = xmalloc(BUILD_LOG_FRAME);
			n = ZSTD_decompress(r->frame, BUILD_LOG_FRAME, p, packed);
			if (ZSTD_isError(n))
				return false;
			r->frame_len = n;
			r->frame_at = start;
			return true;
		}
		start += (int64_t)len;
		p += packed;
	}
	return false;
}

static size_t read_packed(struct build_log_reader *r, int64_t at, char *out, size_t size)
{
	size_t from, n;

	if (!load_frame(r, at))
		return 0;
	from = (size_t)(at - r->frame_at);
	n = r->frame_len - from < size ? r->frame_len - from : size;
	memcpy(out, r->frame + from, n);
	return n;
}

static size_t read_fd(int fd, int64_t at, char *out, size_t size)
{
	ssize_t n = pread(fd, out, size, at);

	return n > 0 ? (size_t)n : 0;
}

static size_t read_tail(struct build_log_reader *r, const struct ring_header *h, int64_t position,
	char *out, size_t size)
{
	int64_t at = (position - h->head) % h->size, room = h->size - at;

	if (r->map != NULL)
		return read_packed(r, h->head + (position - tail_start(h)), out, size);
	if ((int64_t)size > room)
		size = (size_t)room;
	return read_fd(r->tail_fd, (int64_t)sizeof *h + at, out, size);
}

size_t build_log_read(struct build_log_reader *r, int64_t *position, char *out, size_t size)
{
	struct ring_header h = read_header(r);
	int64_t start = tail_start(&h), left;
	size_t n;

	if (*position >= h.total)
		return 0;
	if (*position >= h.head && *position < start) {
		n = (size_t)snprintf(out, size, "\n[capqd: %" PRId64 " bytes are left out here]\n",
			start - *position);
		*position = start;
		return n < size ? n : size - 1;
	}
	left = (*position < h.head ? h.head : h.total) - *position;
	if ((int64_t)size > left)
		size = (size_t)left;
	if (*position >= h.head)
		n = read_tail(r, &h, *position, out, size);
	else
		n = r->map != NULL ? read_packed(r, *position, out, size)
				   : read_fd(r->head_fd, *position, out, size);
	*position += (int64_t)n;
	return n;
}

/* ---- packing, which reads what was written ---- */

static bool pack(struct build_log_reader *r, const struct ring_header *header, FILE *out)
{
	cleanup_free char *text = xmalloc(BUILD_LOG_FRAME);
	struct ring_header kept = read_header(r);
	int64_t position = 0;
	size_t len = 0, n;

	kept.total = header != NULL ? header->total : kept.total; /* Also what a full disk ate. */
	if (kept.size == INT64_MAX)
		kept.size = 1;
	if (!write_header_frame(out, &kept))
		return false;
	for (;;) {
		struct ring_header now = read_header(r);

		if (position >= now.head && position < tail_start(&now))
			position = tail_start(&now); /* The hole stays a hole. */
		n = build_log_read(r, &position, text + len, BUILD_LOG_FRAME - len);
		len += n;
		if (len == BUILD_LOG_FRAME || (n == 0 && len > 0)) {
			if (!write_frame(out, text, len))
				return false;
			len = 0;
		}
		if (n == 0)
			return fflush(out) == 0;
	}
}

int64_t build_log_recover(const char *directory, int64_t id)
{
	cleanup_free char *head = file_name(directory, id, ".log");
	struct build_log_reader *reader = NULL;
	int64_t total = 0;

	if (access(head, F_OK) == 0)
		compress_files(directory, id, NULL);
	if (build_log_open(directory, id, &reader, NULL) == 0)
		total = build_log_size(reader);
	build_log_reader_close(reader);
	return total;
}
