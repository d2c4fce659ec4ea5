/* The log of an attempt against what it was told: its head and tail are there, a line between says
 * what is not; the same while it grows, when it is compressed, and after a crash. */
#include "tests/support/cmocka_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/pipeline/build_log.h"
#include "lib/mem.h"
#include "lib/str.h"

#define ID 7

struct log_case {
	char directory[32];
	struct build_log *log;
	struct str printed; /* All of it, with newlines. */
	int64_t n_done;
};

static int setup(void **state)
{
	struct log_case *c = xcalloc(1, sizeof *c);

	strcpy(c->directory, "/tmp/capq-test-XXXXXX");
	*state = c;
	return mkdtemp(c->directory) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	struct log_case *c = *state;
	int rv;

	build_log_remove(c->directory, ID);
	rv = rmdir(c->directory); /* Nothing but the log's files was there. */
	str_free(&c->printed);
	free(c);
	return rv;
}

static void begin(struct log_case *c, int64_t head, int64_t tail)
{
	c->log = build_log_create(c->directory, ID, head, tail);
	str_clear(&c->printed);
}

static void add(struct log_case *c, const char *line)
{
	build_log_add(c->log, line, strlen(line));
	str_addf(&c->printed, "%s\n", line);
}

/* "line 17" ... */
static void add_lines(struct log_case *c, int from, int to)
{
	for (int i = from; i < to; i++) {
		cleanup_free char *line = str_format("line %d", i);

		add(c, line);
	}
}

static void on_done(void *owner, int64_t id)
{
	struct log_case *c = owner;

	assert_int_equal(id, ID);
	c->n_done++;
}

static void close_log(struct log_case *c)
{
	uv_loop_t loop;

	assert_int_equal(uv_loop_init(&loop), 0);
	build_log_close(STEAL_POINTER(c->log), &loop, on_done, c);
	assert_int_equal(c->n_done, 0); /* Later. */
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(c->n_done, 1);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static bool has_file(const struct log_case *c, const char *suffix)
{
	cleanup_free char *path = str_format("%s/%d%s", c->directory, ID, suffix);

	return access(path, F_OK) == 0;
}

/* Everything from `position` on, in reads of `size`. The caller frees. */
static char *read_from(struct build_log_reader *reader, int64_t position, size_t size)
{
	cleanup_free char *piece = xmalloc(size);
	struct str out = { 0 };
	size_t n;

	while ((n = build_log_read(reader, &position, piece, size)) > 0)
		str_add_bytes(&out, piece, n);
	return out.len == 0 ? xstrdup("") : str_take(&out);
}

/* What a log of these bounds shows from `position` on. The head takes lines as long as they fit;
 * the tail is the last bytes of all. The caller frees. */
static char *expected_from(const struct log_case *c, int64_t head, int64_t tail, int64_t position)
{
	const char *text = str_text(&c->printed);
	int64_t total = (int64_t)c->printed.len, kept = 0, start;
	struct str out = { 0 };

	while (kept < total) {
		int64_t end = strchr(text + kept, '\n') - text + 1;

		if (end > head)
			break;
		kept = end;
	}
	start = total - tail > kept ? total - tail : kept;
	if (position < kept)
		str_add_bytes(&out, text + position, (size_t)(kept - position));
	if (position < start && start > kept)
		str_addf(&out, "\n[capqd: %lld bytes are left out here]\n",
			(long long)(start - (position > kept ? position : kept)));
	if (position < start)
		position = start;
	if (position < total)
		str_add_bytes(&out, text + position, (size_t)(total - position));
	return out.len == 0 ? xstrdup("") : str_take(&out);
}

static void assert_reads(const struct log_case *c, int64_t head, int64_t tail)
{
	static const size_t sizes[] = { 256, 1000, 100000 };
	struct build_log_reader *reader;

	assert_int_equal(build_log_open(c->directory, ID, &reader, NULL), 0);
	assert_int_equal(build_log_size(reader), c->printed.len);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		for (int64_t at = 0; at <= (int64_t)c->printed.len + 10; at += 97) {
			cleanup_free char *got = read_from(reader, at, sizes[i]);
			cleanup_free char *wanted = expected_from(c, head, tail, at);

			if (strcmp(got, wanted) != 0)
				fail_msg("from %d by %zu:\n%s\nnot\n%s", (int)at, sizes[i], got,
					wanted);
		}
	}
	build_log_reader_close(reader);
}

/* ---- what is kept ---- */

static void head_and_tail_are_kept(void **state)
{
	static const struct {
		int64_t head, tail;
		int lines; /* Of 7 to 9 bytes. */
	} cases[] = {
		{ 1000, 1000, 0 },
		{ 1000, 1000, 10 }, /* All in the head. */
		{ 100, 1000, 50 },  /* All, in head and tail. */
		{ 100, 100, 500 },  /* A hole between. */
		{ 100, 7, 500 },
		{ 1, 100, 500 }, /* No line fits the head. */
		{ 64, 64, 8 },   /* Just at the edge. */
		{ 64, 64, 9 },
		{ 64, 64, 16 },
		{ 64, 64, 17 },
		{ 64, 64, 18 },
	};
	struct log_case *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		c->n_done = 0;
		begin(c, cases[i].head, cases[i].tail);
		for (int k = 0; k < cases[i].lines; k += 5) { /* Readable while it grows. */
			add_lines(c, k, k + 5 < cases[i].lines ? k + 5 : cases[i].lines);
			if (k % 50 == 0)
				assert_reads(c, cases[i].head, cases[i].tail);
		}
		assert_int_equal(build_log_bytes(c->log), c->printed.len);
		assert_reads(c, cases[i].head, cases[i].tail);
		close_log(c);
		assert_reads(c, cases[i].head, cases[i].tail);
		assert_true(has_file(c, ".log.zst"));
		assert_false(has_file(c, ".log") || has_file(c, ".tail"));
	}
}

/* Once a line did not fit, nothing more goes to the head, even if it would fit: order is kept. */
static void the_head_ends_once(void **state)
{
	struct log_case *c = *state;

	begin(c, 50, 1000);
	add(c, "short");
	add(c, "this line is longer than all the room that the head has");
	add_lines(c, 0, 3);
	assert_reads(c, 50, 1000);
	close_log(c);
	assert_reads(c, 50, 1000);
}

static void the_hole_is_told(void **state)
{
	struct log_case *c = *state;
	struct build_log_reader *reader;
	int64_t from, to;

	begin(c, 80, 40);
	add_lines(c, 0, 5);
	assert_int_equal(build_log_open(c->directory, ID, &reader, NULL), 0);
	assert_false(build_log_hole(reader, &from, &to));
	add_lines(c, 5, 100);
	assert_true(build_log_hole(reader, &from, &to)); /* The same reader sees it come. */
	assert_int_equal(from, 78);                      /* "line 0" to "line 10". */
	assert_int_equal(to, c->printed.len - 40);
	build_log_reader_close(reader);
	close_log(c);
	assert_int_equal(build_log_open(c->directory, ID, &reader, NULL), 0);
	assert_true(build_log_hole(reader, &from, &to));
	assert_int_equal(from, 78);
	assert_int_equal(to, c->printed.len - 40);
	build_log_reader_close(reader);
}

/* What a build floods it with costs no more than head and tail. */
static void it_is_bounded(void **state)
{
	struct log_case *c = *state;
	cleanup_free char *tail = str_format("%s/%d.tail", c->directory, ID);
	cleanup_free char *head = str_format("%s/%d.log", c->directory, ID);
	struct stat st;

	begin(c, 4096, 4096);
	for (int i = 0; i < 20000; i++)
		add(c, "the same words again and again and again");
	assert_int_equal(stat(head, &st), 0);
	assert_true(st.st_size <= 4096);
	assert_int_equal(stat(tail, &st), 0);
	assert_true(st.st_size <= 4096 + 64); /* And its header. */
	close_log(c);
}

static void lines_of_any_length(void **state)
{
	static const size_t lengths[] = { 0, 1, 510, 511, 512, 513, 5000, 3000000 };
	struct log_case *c = *state;
	struct build_log_reader *reader;

	begin(c, 4 << 20, 4 << 20);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		cleanup_free char *line = xmalloc(lengths[i] + 1);

		memset(line, 'a' + (int)i, lengths[i]);
		line[lengths[i]] = '\0';
		add(c, line);
	}
	for (int compressed = 0; compressed < 2; compressed++) {
		cleanup_free char *got = NULL;

		assert_int_equal(build_log_open(c->directory, ID, &reader, NULL), 0);
		got = read_from(reader, 0, 70000);
		assert_true(strcmp(got, str_text(&c->printed)) == 0);
		build_log_reader_close(reader);
		if (c->log != NULL)
			close_log(c);
	}
}

/* More than one frame: each place is found without unpacking what is before it. */
static void many_frames(void **state)
{
	struct log_case *c = *state;
	struct build_log_reader *reader;
	int64_t total;

	begin(c, 3 * BUILD_LOG_FRAME, 2 * BUILD_LOG_FRAME);
	add_lines(c, 0, 1000000); /* 11.9 MB */
	total = build_log_bytes(c->log);
	close_log(c);
	assert_int_equal(build_log_open(c->directory, ID, &reader, NULL), 0);
	for (int64_t at = total - 2 * BUILD_LOG_FRAME; at < total; at += 333333) {
		char piece[300];
		int64_t position = at;
		size_t n = build_log_read(reader, &position, piece, sizeof piece);

		assert_true(n > 0 && position == at + (int64_t)n);
		assert_memory_equal(piece, str_text(&c->printed) + at, n);
	}
	build_log_reader_close(reader);
}

/* ---- what goes wrong ---- */

static void what_a_crash_left_is_mended(void **state)
{
	struct log_case *c = *state;
	struct log_case other;

	begin(c, 100, 100);
	add_lines(c, 0, 200);
	/* The daemon dies here: its files are as they are, and a new one compresses them. */
	assert_int_equal(build_log_recover(c->directory, ID), c->printed.len);
	assert_true(has_file(c, ".log.zst"));
	assert_false(has_file(c, ".log") || has_file(c, ".tail"));
	assert_reads(c, 100, 100);
	assert_int_equal(build_log_recover(c->directory, ID), c->printed.len); /* Once is enough. */
	assert_int_equal(build_log_recover(c->directory, ID + 1), 0);
	other = *c;
	close_log(&other); /* Only to free it. */
}

static void a_log_that_is_not_there(void **state)
{
	struct log_case *c = *state;
	struct build_log_reader *reader;
	struct err err = { 0 };

	assert_int_equal(build_log_open(c->directory, ID, &reader, &err), CAPQ_ENOTFOUND);
	assert_string_equal(err.text, "there is no log of attempt 7");
	build_log_reader_close(NULL);
	begin(c, 100, 100);
	add(c, "x");
	close_log(c);
	build_log_remove(c->directory, ID);
	assert_int_equal(build_log_open(c->directory, ID, &reader, NULL), CAPQ_ENOTFOUND);
}

/* A log that cannot be written loses its text, not the build: it counts on. */
static void a_directory_that_is_gone(void **state)
{
	struct log_case *c = *state;

	assert_int_equal(rmdir(c->directory), 0);
	begin(c, 100, 100);
	add_lines(c, 0, 100);
	assert_int_equal(build_log_bytes(c->log), c->printed.len);
	close_log(c);
	assert_int_equal(mkdir(c->directory, 0700), 0);
}

/* The same attempt again (a restart) begins with an empty log. */
static void a_new_log_replaces_an_old_one(void **state)
{
	struct log_case *c = *state;

	begin(c, 50, 50);
	add_lines(c, 0, 100);
	close_log(c);
	c->n_done = 0;
	begin(c, 50, 50);
	add_lines(c, 0, 3);
	assert_reads(c, 50, 50);
	close_log(c);
}

/* A packed file with a byte changed, anywhere: fewer bytes may come, never a crash or a loop. */
static void a_damaged_file_is_survived(void **state)
{
	struct log_case *c = *state;
	cleanup_free char *path = str_format("%s/%d.log.zst", c->directory, ID);
	struct stat st;
	int fd;

	begin(c, 300, 100);
	add_lines(c, 0, 200);
	close_log(c);
	assert_int_equal(stat(path, &st), 0);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	for (off_t at = 32; at < st.st_size; at++) { /* Behind the header, which is our own. */
		struct build_log_reader *reader;
		cleanup_free char *got = NULL;
		unsigned char byte;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x55;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_int_equal(build_log_open(c->directory, ID, &reader, NULL), 0);
		got = read_from(reader, 0, 256);
		assert_true(strlen(got) <= 500);
		build_log_reader_close(reader);
		byte ^= 0x55;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	(void)close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(head_and_tail_are_kept),
		TEST(the_head_ends_once),
		TEST(the_hole_is_told),
		TEST(it_is_bounded),
		TEST(lines_of_any_length),
		TEST(many_frames),
		TEST(what_a_crash_left_is_mended),
		TEST(a_log_that_is_not_there),
		TEST(a_directory_that_is_gone),
		TEST(a_new_log_replaces_an_old_one),
		TEST(a_damaged_file_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
