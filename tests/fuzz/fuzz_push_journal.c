/* The journal of uploads that a killed push has left, or whatever else is in its place. */
#include "lib/str.h"
#include "push/answer.h"
#include "push/journal_text.h"
#include "tests/fuzz/fuzz.h"

/* What was read is written and read again: nothing is lost, nothing comes up. */
static void check_again(const struct journal_text *journal)
{
	cleanup_str struct str text = { 0 };
	struct journal_text again;

	journal_text_add_cache(&text, journal->cache_url);
	for (size_t i = 0; i < journal->n_uploads; i++)
		journal_text_add_upload(&text, true, &journal->uploads[i]);
	CHECK(journal_text_read(text.text, text.len, &again, NULL) == 0);
	CHECK(again.n_uploads == journal->n_uploads);
	for (size_t i = 0; i < again.n_uploads; i++) {
		CHECK(strcmp(again.uploads[i].nar_id, journal->uploads[i].nar_id) == 0);
		CHECK(strcmp(again.uploads[i].upload_id, journal->uploads[i].upload_id) == 0);
	}
	journal_text_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_bytes(data, size);
	struct journal_text journal;

	if (journal_text_read(text, size, &journal, NULL) < 0)
		return 0;
	for (size_t i = 0; i < journal.n_uploads; i++)
		CHECK(journal.uploads[i].nar_id[0] != '\0' &&
			journal.uploads[i].upload_id[0] != '\0');
	/* A URL of bytes that end a C string is cut, which is as good as another cache's. */
	if (journal.cache_url[0] != '\0')
		check_again(&journal);
	journal_text_free(&journal);
	return 0;
}
