/* The form of a journal of uploads: lines of text, to be appended to and to be read by whoever
 * finds it. Pure.
 *
 *   capq-push uploads 1 https://cachix.org/api/v1/cache/mine
 *   + NARID UPLOADID       the upload was begun
 *   - NARID UPLOADID       it was completed, or given up
 *
 * Whatever stands in an id but letters, digits and "-._~" is written as %XX. The first line names
 * the form, its version and the cache. A line of another form is passed over: who was killed in the
 * middle of one leaves a piece. */
#ifndef CAPQ_PUSH_JOURNAL_TEXT_H
#define CAPQ_PUSH_JOURNAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "lib/str.h"

struct answer_create;

/* What a journal says. */
struct journal_text {
	char *cache_url;
	struct answer_create *uploads; /* Begun and not ended, each once; in no order. */
	size_t n_uploads;
};

/* No journal is longer than this, in bytes; of a longer one the beginning is enough. */
#define JOURNAL_TEXT_MAX (1u << 20)

void journal_text_add_cache(struct str *out, const char *cache_url);
void journal_text_add_upload(struct str *out, bool is_begun, const struct answer_create *upload);

/* Read `len` bytes into `*out`, which journal_text_free() empties. CAPQ_EINVAL: the first line is
 * not that of a journal. */
int journal_text_read(const char *text, size_t len, struct journal_text *out, struct err *err);
void journal_text_free(struct journal_text *journal);

#endif
