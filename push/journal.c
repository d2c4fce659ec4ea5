#include "push/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "push/answer.h"
#include "push/journal_text.h"
#include "push/lock.h"

#define PAGE_MAX (64u << 10) /* Bytes; then what is open goes into a fresh file. */

struct journal {
	char *directory; /* NULL: nothing is kept. */
	char *cache_url;
	char *file;                 /* NULL: there is none yet. */
	int fd;                     /* Of the file. */
	size_t size;                /* Bytes in it. */
	struct answer_create *open; /* Uploads that are. */
	size_t n_open, capacity;
};

/* ---- where ---- */

char *journal_directory(void)
{
	const char *systemd = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (systemd != NULL && systemd[0] == '/')
		return str_format("%.*s/capq-push", (int)strcspn(systemd, ":"), systemd);
	if (xdg != NULL && xdg[0] == '/') /* The specification: relative ones do not count. */
		return str_format("%s/capq-push", xdg);
	if (home != NULL && home[0] == '/')
		return str_format("%s/.local/state/capq-push", home);
	return NULL;
}

/* `directory` and what it lies in; for our eyes only, since upload ids open uploads to whoever has
 * the token. */
static int make_directories(const char *directory, struct err *err)
{
	cleanup_free char *path = xstrdup(directory);

	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return err_errno(err, errno, "cannot make %s", path);
		*slash = '/';
	}
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make %s", path);
	return 0;
}

/* ---- a file ---- */

/* Make one, and lock it before anybody takes it for left: they remove what is empty. */
static int make_page(struct journal *journal, int *out_fd, char **out_file, struct err *err)
{
	for (;;) {
		cleanup_free char *file =
			str_format("%s/" JOURNAL_PREFIX "XXXXXX", journal->directory);
		cleanup_close int fd = mkostemp(file, O_APPEND | O_CLOEXEC);

		if (fd < 0)
			return err_errno(err, errno, "cannot make %s", file);
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 && lock_is_still(fd, file)) {
			*out_fd = fd;
			*out_file = STEAL_POINTER(file);
			fd = -1; /* Now theirs. */
			return 0;
		}
	}
}

static int append(int fd, const struct str *text, struct err *err)
{
	ssize_t n = write(fd, text->text, text->len);

	if (n == (ssize_t)text->len)
		return 0;
	return err_errno(err, n < 0 ? errno : ENOSPC, "cannot write the journal of uploads");
}

/* Let go of the file; from now on it belongs to whoever finds it. */
static void leave_page(struct journal *journal)
{
	if (journal->file == NULL)
		return;
	(void)close(journal->fd);
	free(STEAL_POINTER(journal->file));
}

static void remove_page(struct journal *journal)
{
	if (journal->file != NULL)
		(void)unlink(journal->file); /* While we hold its lock. */
	leave_page(journal);
}

/* A fresh file with all uploads that are open. The old one goes when the new one is whole: whoever
 * is killed in between leaves both, and to give an upload up twice does no harm. */
static int turn_page(struct journal *journal, struct err *err)
{
	cleanup_str struct str text = { 0 };
	cleanup_free char *file = NULL;
	cleanup_close int fd = -1;
	int rv = make_directories(journal->directory, err);

	if (rv == 0)
		rv = make_page(journal, &fd, &file, err);
	if (rv < 0)
		return rv;
	journal_text_add_cache(&text, journal->cache_url);
	for (size_t i = 0; i < journal->n_open; i++)
		journal_text_add_upload(&text, true, &journal->open[i]);
	rv = append(fd, &text, err);
	if (rv < 0) {
		if (file != NULL)
			(void)unlink(file);
		return rv;
	}
	remove_page(journal);
	journal->fd = fd;
	journal->file = STEAL_POINTER(file);
	journal->size = text.len;
	fd = -1; /* Now the journal's. */
	return 0;
}

static int add_line(
	struct journal *journal, bool is_begun, const struct answer_create *upload, struct err *err)
{
	cleanup_str struct str text = { 0 };

	journal_text_add_upload(&text, is_begun, upload);
	journal->size += text.len;
	return append(journal->fd, &text, err);
}

/* ---- public ---- */

/* Note a change that `open` shows already. */
static void note(struct journal *journal, bool is_begun, const struct answer_create *upload)
{
	struct err err;
	int rv;

	if (journal->directory == NULL)
		return;
	if (journal->file == NULL || journal->size > PAGE_MAX)
		rv = turn_page(journal, &err);
	else
		rv = add_line(journal, is_begun, upload, &err);
	if (rv == 0)
		return;
	log_unusual("%s; what this push leaves when it is killed, no other will give up", err.text);
	free(STEAL_POINTER(journal->directory));
}

struct journal *journal_open(const char *directory, const char *cache_url)
{
	struct journal *journal = xcalloc(1, sizeof *journal);

	journal->directory = xstrdup_or_null(directory);
	journal->cache_url = xstrdup(cache_url);
	return journal;
}

void journal_begin(struct journal *journal, const struct answer_create *upload)
{
	array_reserve(
		&journal->open, &journal->capacity, journal->n_open + 1, sizeof *journal->open);
	journal->open[journal->n_open++] = (struct answer_create){
		.nar_id = xstrdup(upload->nar_id),
		.upload_id = xstrdup(upload->upload_id),
	};
	note(journal, true, upload);
}

void journal_end(struct journal *journal, const struct answer_create *upload)
{
	for (size_t i = 0; i < journal->n_open; i++) {
		if (strcmp(journal->open[i].nar_id, upload->nar_id) != 0)
			continue;
		answer_create_free(&journal->open[i]);
		journal->open[i] = journal->open[--journal->n_open];
		note(journal, false, upload);
		return;
	}
}

void journal_close(struct journal *journal)
{
	if (journal == NULL)
		return;
	if (journal->n_open == 0)
		remove_page(journal);
	else
		leave_page(journal);
	for (size_t i = 0; i < journal->n_open; i++)
		answer_create_free(&journal->open[i]);
	free(journal->open);
	free(journal->directory);
	free(journal->cache_url);
	free(journal);
}
