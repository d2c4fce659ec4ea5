#include "push/journal_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "push/answer.h"

#define FIRST_LINE "capq-push uploads 1 "
#define UPLOADS_MAX 1000 /* That are open at a time: far more than a push has. */

/* ---- writing ---- */

static void add_escaped(struct str *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text) != NULL)
			str_add_char(out, *text);
		else
			str_addf(out, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

void journal_text_add_cache(struct str *out, const char *cache_url)
{
	str_addf(out, FIRST_LINE "%s\n", cache_url);
}

void journal_text_add_upload(struct str *out, bool is_begun, const struct answer_create *upload)
{
	str_add(out, is_begun ? "+ " : "- ");
	add_escaped(out, upload->nar_id);
	str_add_char(out, ' ');
	add_escaped(out, upload->upload_id);
	str_add_char(out, '\n');
}

/* ---- reading ---- */

/* The value of a hexadecimal digit; -1: it is none. */
static int digit(char c)
{
	const char *digits = "0123456789ABCDEF";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* `len` bytes unescaped; NULL: they are no id. */
static char *read_id(const char *text, size_t len)
{
	cleanup_str struct str id = { 0 };

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (text[i] != '%') {
			if (!isgraph((unsigned char)text[i]))
				return NULL;
			str_add_char(&id, text[i]);
			continue;
		}
		high = i + 2 < len ? digit(text[i + 1]) : -1;
		low = high < 0 ? -1 : digit(text[i + 2]);
		if (low < 0 || high * 16 + low == 0)
			return NULL;
		str_add_char(&id, (char)(high * 16 + low));
		i += 2;
	}
	return id.len == 0 ? NULL : str_take(&id);
}

/* "NARID UPLOADID" */
static bool read_upload(const char *text, size_t len, struct answer_create *out)
{
	const char *blank = memchr(text, ' ', len);
	size_t first = blank == NULL ? len : (size_t)(blank - text);

	*out = (struct answer_create){ 0 };
	if (blank == NULL)
		return false;
	out->nar_id = read_id(text, first);
	out->upload_id = read_id(blank + 1, len - first - 1);
	if (out->nar_id != NULL && out->upload_id != NULL)
		return true;
	answer_create_free(out);
	return false;
}

static bool is_same(const struct answer_create *a, const struct answer_create *b)
{
	return strcmp(a->nar_id, b->nar_id) == 0 && strcmp(a->upload_id, b->upload_id) == 0;
}

/* The place of `upload` in the journal; n_uploads: it is not there. */
static size_t find(const struct journal_text *journal, const struct answer_create *upload)
{
	size_t i = 0;

	while (i < journal->n_uploads && !is_same(&journal->uploads[i], upload))
		i++;
	return i;
}

/* Takes `upload`. */
static void note_begun(struct journal_text *journal, size_t *capacity, struct answer_create *upload)
{
	if (journal->n_uploads == UPLOADS_MAX || find(journal, upload) < journal->n_uploads) {
		answer_create_free(upload);
		return;
	}
	array_reserve(
		&journal->uploads, capacity, journal->n_uploads + 1, sizeof *journal->uploads);
	journal->uploads[journal->n_uploads++] = *upload;
}

/* Takes `upload`. */
static void note_ended(struct journal_text *journal, struct answer_create *upload)
{
	size_t i = find(journal, upload);

	if (i < journal->n_uploads) {
		answer_create_free(&journal->uploads[i]);
		journal->uploads[i] = journal->uploads[--journal->n_uploads];
	}
	answer_create_free(upload);
}

static void read_line(struct journal_text *journal, size_t *capacity, const char *line, size_t len)
{
	struct answer_create upload;

	if (len < 2 || line[1] != ' ' || (line[0] != '+' && line[0] != '-'))
		return;
	if (!read_upload(line + 2, len - 2, &upload))
		return;
	if (line[0] == '+')
		note_begun(journal, capacity, &upload);
	else
		note_ended(journal, &upload);
}

int journal_text_read(const char *text, size_t len, struct journal_text *out, struct err *err)
{
	const char *end = text + len, *line = text, *newline = memchr(text, '\n', len);
	size_t first = strlen(FIRST_LINE), capacity = 0;
	struct journal_text journal = { 0 };

	if (newline == NULL || (size_t)(newline - text) <= first ||
		memcmp(text, FIRST_LINE, first) != 0)
		return err_set(err, CAPQ_EINVAL, "it is no journal of uploads, or a newer one");
	journal.cache_url = xstrndup(text + first, (size_t)(newline - text) - first);
	for (line = newline + 1; (newline = memchr(line, '\n', (size_t)(end - line))) != NULL;
		line = newline + 1)
		read_line(&journal, &capacity, line, (size_t)(newline - line));
	*out = journal;
	return 0;
}

void journal_text_free(struct journal_text *journal)
{
	for (size_t i = 0; i < journal->n_uploads; i++)
		answer_create_free(&journal->uploads[i]);
	free(journal->uploads);
	free(journal->cache_url);
	*journal = (struct journal_text){ 0 };
}
