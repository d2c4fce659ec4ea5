/* The journal of uploads: its form, what is left of it, and whose it is. */
#include "tests/support/cmocka_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "push/answer.h"
#include "push/journal.h"
#include "push/journal_text.h"

#define CACHE "https://cachix.org/api/v1/cache/mine"

static struct answer_create first = { .nar_id = "9b0c-1", .upload_id = "+a/b==\n%" };
static struct answer_create second = { .nar_id = "9b0c-2", .upload_id = "c" };

/* ---- the form ---- */

static void written_and_read(void **state)
{
	cleanup_str struct str text = { 0 };
	struct journal_text journal;

	(void)state;
	journal_text_add_cache(&text, CACHE);
	journal_text_add_upload(&text, true, &first);
	journal_text_add_upload(&text, true, &second);
	journal_text_add_upload(&text, true, &second); /* Twice is once. */
	assert_string_equal(str_text(&text),
		"capq-push uploads 1 " CACHE "\n"
		"+ 9b0c-1 %2Ba%2Fb%3D%3D%0A%25\n+ 9b0c-2 c\n+ 9b0c-2 c\n");
	assert_int_equal(journal_text_read(text.text, text.len, &journal, NULL), 0);
	assert_string_equal(journal.cache_url, CACHE);
	assert_int_equal(journal.n_uploads, 2);
	assert_string_equal(journal.uploads[0].nar_id, first.nar_id);
	assert_string_equal(journal.uploads[0].upload_id, first.upload_id);
	journal_text_free(&journal);
	journal_text_add_upload(&text, false, &first);
	journal_text_add_upload(&text, false, &first);
	assert_int_equal(journal_text_read(text.text, text.len, &journal, NULL), 0);
	assert_int_equal(journal.n_uploads, 1);
	assert_string_equal(journal.uploads[0].upload_id, second.upload_id);
	journal_text_free(&journal);
}

/* Whatever was cut or damaged costs its own line and no other. */
static void damaged_lines(void **state)
{
	static const char *const lines[] = { "", "+", "+ ", "+ 9b0c-3", "+ 9b0c-3 ", "+  c",
		"* 9b0c-3 c", "+ 9b0c-3 c%", "+ 9b0c-3 c%2", "+ 9b0c-3 %GG", "+ 9b0c-3 %00",
		"+ 9b0c-3 %2b", "+ 9b0c-3 c d", "+ 9b0c-3 c\x01", "+9b0c-3 c" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		cleanup_free char *text = str_format(
			"capq-push uploads 1 " CACHE "\n%s\n+ 9b0c-2 c\n+ 9b0c-4 c", lines[i]);
		struct journal_text journal;

		assert_int_equal(journal_text_read(text, strlen(text), &journal, NULL), 0);
		assert_int_equal(journal.n_uploads, 1); /* The last line has no end. */
		assert_string_equal(journal.uploads[0].nar_id, "9b0c-2");
		journal_text_free(&journal);
	}
}

static void no_journal(void **state)
{
	static const char *const texts[] = { "", "\n", "capq-push uploads 1 " CACHE,
		"capq-push uploads 1 \n", "capq-push uploads 2 " CACHE "\n+ 9b0c-2 c\n",
		"+ 9b0c-2 c\n" };
	struct journal_text journal;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(
			journal_text_read(texts[i], strlen(texts[i]), &journal, &err), CAPQ_EINVAL);
}

/* ---- the file ---- */

/* A fresh directory, in which journals get one of their own. */
struct place {
	char root[32];
	char *directory;
};

static void make_place(struct place *place)
{
	strcpy(place->root, "/tmp/test_journal.XXXXXX");
	assert_non_null(mkdtemp(place->root));
	place->directory = str_format("%s/a/b", place->root);
}

/* Fails unless it is empty by now. */
static void remove_place(struct place *place)
{
	cleanup_free char *parent = str_format("%s/a", place->root);

	(void)rmdir(place->directory);
	(void)rmdir(parent);
	assert_int_equal(rmdir(place->root), 0);
	free(place->directory);
}

/* The only file of the directory, which the caller frees; NULL: it has none. */
static char *find_file(const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	char *file = NULL;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		assert_null(file);
		assert_true(str_starts(entry->d_name, JOURNAL_PREFIX));
		file = str_format("%s/%s", directory, entry->d_name);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return file;
}

static struct journal_text read_file(const char *file)
{
	cleanup_close int fd = open(file, O_RDONLY | O_CLOEXEC);
	cleanup_free char *text = xmalloc(JOURNAL_TEXT_MAX);
	ssize_t len = read(fd, text, JOURNAL_TEXT_MAX);
	struct journal_text journal;

	assert_true(len > 0);
	assert_int_equal(journal_text_read(text, (size_t)len, &journal, NULL), 0);
	return journal;
}

static bool is_locked(const char *file)
{
	cleanup_close int fd = open(file, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return flock(fd, LOCK_EX | LOCK_NB) != 0;
}

static void a_life(void **state)
{
	struct place place;
	struct journal *journal;
	struct journal_text text;
	cleanup_free char *file = NULL;
	struct stat about;

	(void)state;
	make_place(&place);
	journal = journal_open(place.directory, CACHE);
	assert_null(find_file(place.directory)); /* Not before it is needed. */
	journal_begin(journal, &first);
	journal_begin(journal, &second);
	file = find_file(place.directory);
	assert_non_null(file);
	assert_true(is_locked(file));
	assert_int_equal(stat(file, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	journal_end(journal, &first);
	journal_end(journal, &first);
	text = read_file(file);
	assert_int_equal(text.n_uploads, 1);
	assert_string_equal(text.uploads[0].nar_id, second.nar_id);
	journal_text_free(&text);
	journal_end(journal, &second);
	journal_close(journal);
	remove_place(&place);
}

/* What the cache has not heard of is for the next run. */
static void something_stays_open(void **state)
{
	struct place place;
	struct journal *journal;
	struct journal_text text;
	cleanup_free char *file = NULL;

	(void)state;
	make_place(&place);
	journal = journal_open(place.directory, CACHE);
	journal_begin(journal, &first);
	journal_close(journal);
	file = find_file(place.directory);
	assert_non_null(file);
	assert_false(is_locked(file));
	text = read_file(file);
	assert_int_equal(text.n_uploads, 1);
	journal_text_free(&text);
	assert_int_equal(unlink(file), 0);
	remove_place(&place);
}

/* However many uploads there were, the file is about those that are open. */
static void it_does_not_grow(void **state)
{
	struct place place;
	struct journal *journal;
	struct stat about;

	(void)state;
	make_place(&place);
	journal = journal_open(place.directory, CACHE);
	journal_begin(journal, &first);
	for (int i = 0; i < 10000; i++) {
		cleanup_free char *id = str_format("id-%d", i);
		struct answer_create upload = { .nar_id = id, .upload_id = id };

		journal_begin(journal, &upload);
		if (i % 1000 == 0) {
			cleanup_free char *file = find_file(place.directory);
			struct journal_text text = read_file(file);

			assert_int_equal(text.n_uploads, 2); /* `first` is never lost. */
			journal_text_free(&text);
			assert_true(is_locked(file));
			assert_int_equal(stat(file, &about), 0);
			assert_in_range(about.st_size, 1, 70000);
		}
		journal_end(journal, &upload);
	}
	journal_end(journal, &first);
	journal_close(journal);
	remove_place(&place);
}

static int n_lines;

static void count_lines(void *owner, enum log_level level, const char *line)
{
	(void)owner;
	assert_int_equal(level, LOG_UNUSUAL);
	assert_non_null(strstr(line, "/proc/nowhere"));
	n_lines++;
}

/* It is said once, and does no further harm. */
static void nowhere_to_write(void **state)
{
	struct journal *journal = journal_open("/proc/nowhere/at/all", CACHE);

	(void)state;
	log_set_sink(count_lines, NULL);
	journal_begin(journal, &first);
	journal_begin(journal, &second);
	journal_end(journal, &first);
	journal_close(journal);
	log_set_sink(NULL, NULL);
	assert_int_equal(n_lines, 1);
	journal = journal_open(NULL, CACHE);
	journal_begin(journal, &first);
	journal_close(journal);
	journal_close(NULL);
}

/* ---- where it is ---- */

static void expect_directory(
	const char *state, const char *xdg, const char *home, const char *wanted)
{
	static const char *const names[] = { "STATE_DIRECTORY", "XDG_STATE_HOME", "HOME" };
	const char *values[] = { state, xdg, home };
	cleanup_free char *directory = NULL;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (values[i] == NULL)
			(void)unsetenv(names[i]);
		else
			(void)setenv(names[i], values[i], 1);
	}
	directory = journal_directory();
	if (wanted == NULL)
		assert_null(directory);
	else
		assert_string_equal(directory, wanted);
}

static void directories(void **state)
{
	(void)state;
	expect_directory("/var/lib/capq", "/x", "/h", "/var/lib/capq/capq-push");
	expect_directory("/var/lib/capq:/var/lib/b", "/x", "/h", "/var/lib/capq/capq-push");
	expect_directory(NULL, "/x", "/h", "/x/capq-push");
	expect_directory("", "x", "/h", "/h/.local/state/capq-push");
	expect_directory(NULL, NULL, "/h", "/h/.local/state/capq-push");
	expect_directory(NULL, NULL, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read),
		cmocka_unit_test(damaged_lines),
		cmocka_unit_test(no_journal),
		cmocka_unit_test(a_life),
		cmocka_unit_test(something_stays_open),
		cmocka_unit_test(it_does_not_grow),
		cmocka_unit_test(nowhere_to_write),
		cmocka_unit_test(directories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
