/* The words of a story's line, and times as people write them: "1h30m", "26:05". */
#ifndef CAPQ_TESTS_SIM_STORY_WORDS_H
#define CAPQ_TESTS_SIM_STORY_WORDS_H

#include <stdint.h>

struct words {
	const char *rest;
	char word[64];
};

struct words words_of(const char *line);     /* Borrows it. */
const char *words_take(struct words *words); /* The next; NULL: no more. Until the next call. */
double words_take_number(struct words *words);
int64_t words_take_duration(struct words *words); /* "2d", "1h30m", "20s" */
void words_wrong(const char *word);               /* Fails the test. */

/* The caller frees. */
char *words_time(int64_t ms);     /* "26:05" */
char *words_duration(int64_t ms); /* "1h30m" */

#endif
