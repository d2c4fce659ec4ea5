#include "push/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "push/api.h"
#include "push/cache_kind.h"
#include "push/journal.h"
#include "push/journal_text.h"
#include "push/lock.h"

#define AT_ONCE 8
#define JOURNALS_MAX 64 /* In one run; the next takes the others. */

/* A journal whose owner is dead. */
struct page {
	char *file;
	int fd; /* Locked. */
	struct journal_text text;
};

/* An upload that is just being given up. */
struct slot {
	struct leftovers *leftovers;
	struct call *call; /* NULL: free. */
};

struct leftovers {
	const struct api *api;
	void (*on_done)(void *owner);
	void *owner;
	struct page pages[JOURNALS_MAX];
	size_t n_pages;
	size_t page, upload; /* The next to be given up. */
	size_t n_given_up;
	bool is_over; /* No further one is begun: the cache did not hear, or we were stopped. */
	struct slot slots[AT_ONCE];
};

/* ---- journals ---- */

static void close_page(struct page *page)
{
	(void)close(page->fd);
	free(page->file);
	journal_text_free(&page->text);
}

/* What the file says. CAPQ_EINVAL: it is no journal. */
static int read_page(struct page *page, struct err *err)
{
	cleanup_free char *text = xmalloc(JOURNAL_TEXT_MAX);
	size_t len = 0;
	ssize_t n;

	while ((n = read(page->fd, text + len, JOURNAL_TEXT_MAX - len)) > 0)
		len += (size_t)n;
	if (len == 0) /* Its owner was killed before it wrote anything. */
		(void)unlink(page->file);
	return journal_text_read(text, len, &page->text, err);
}

static bool is_file(int fd)
{
	struct stat about;

	return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

/* Lock and read `file`. False: it is not for us, whoever's it is. */
static bool open_page(const struct api *api, const char *file, struct page *out)
{
	struct page page = { .fd = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) };

	if (page.fd < 0)
		return false;
	page.file = xstrdup(file);
	if (is_file(page.fd) && flock(page.fd, LOCK_EX | LOCK_NB) == 0 &&
		lock_is_still(page.fd, file) && read_page(&page, NULL) == 0 &&
		strcmp(page.text.cache_url, api->cache_url) == 0) {
		*out = page;
		return true;
	}
	close_page(&page);
	return false;
}

static void find_pages(struct leftovers *l, const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;

	while (dir != NULL && l->n_pages < JOURNALS_MAX && (entry = readdir(dir)) != NULL) {
		cleanup_free char *file = str_format("%s/%s", directory, entry->d_name);

		if (str_starts(entry->d_name, JOURNAL_PREFIX) &&
			open_page(l->api, file, &l->pages[l->n_pages]))
			l->n_pages++;
	}
	if (dir != NULL)
		(void)closedir(dir);
}

/* ---- giving up ---- */

static void leftovers_step(struct leftovers *l);

/* The cache has heard of it when it answers; "there is no such upload" is as good as any. */
static void on_given_up(void *owner, const struct call_end *end)
{
	struct slot *slot = owner;
	struct leftovers *l = slot->leftovers;

	slot->call = NULL;
	if (end->outcome == CALL_OK)
		l->n_given_up++;
	else if (end->outcome == CALL_STOPPED || end->fail.class != FAIL_REFUSED)
		l->is_over = true;
	leftovers_step(l);
}

/* Is there one that is left, at `page` and `upload`, and may it be begun? */
static bool has_next(struct leftovers *l)
{
	while (l->page < l->n_pages && l->upload == l->pages[l->page].text.n_uploads) {
		l->page++;
		l->upload = 0;
	}
	return !l->is_over && l->page < l->n_pages;
}

static void give_up_next(struct leftovers *l, struct slot *slot)
{
	const struct journal_text *text = &l->pages[l->page].text;

	slot->call = l->api->kind->abort(l->api, &text->uploads[l->upload++], on_given_up, slot);
}

static void end_leftovers(struct leftovers *l)
{
	if (l->n_given_up > 0)
		log_unusual("%zu uploads that a killed push had left are given up", l->n_given_up);
	for (size_t i = 0; i < l->n_pages; i++) {
		if (!l->is_over)
			(void)unlink(l->pages[i].file); /* While we hold its lock. */
		close_page(&l->pages[i]);
	}
	if (l->on_done != NULL)
		l->on_done(l->owner);
	free(l);
}

static void leftovers_step(struct leftovers *l)
{
	bool is_busy = false;

	for (size_t i = 0; i < AT_ONCE; i++) {
		struct slot *slot = &l->slots[i];

		if (slot->call == NULL && has_next(l))
			give_up_next(l, slot);
		is_busy = is_busy || slot->call != NULL;
	}
	if (!is_busy)
		end_leftovers(l);
}

/* ---- public ---- */

struct leftovers *leftovers_start(
	const struct api *api, const char *directory, void (*on_done)(void *owner), void *owner)
{
	struct leftovers *l = xcalloc(1, sizeof *l);

	l->api = api;
	for (size_t i = 0; i < AT_ONCE; i++)
		l->slots[i].leftovers = l;
	if (directory != NULL && api->kind->abort != NULL)
		find_pages(l, directory);
	if (!has_next(l)) { /* No journal, or only such as are ended. */
		end_leftovers(l);
		return NULL;
	}
	l->on_done = on_done;
	l->owner = owner;
	leftovers_step(l);
	return l;
}

void leftovers_stop(struct leftovers *leftovers)
{
	leftovers->is_over = true;
	for (size_t i = 0; i < AT_ONCE; i++)
		if (leftovers->slots[i].call != NULL)
			call_stop(leftovers->slots[i].call);
}
