#include "tests/sim/story_words.h"

#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static const struct {
	char letter;
	int64_t ms;
} units[] = { { 'd', 24 * HOUR }, { 'h', HOUR }, { 'm', MINUTE }, { 's', SECOND } };

void words_wrong(const char *word)
{
	print_error("not understood: %s\n", word == NULL ? "(no more words)" : word);
	fail();
}

struct words words_of(const char *line)
{
	return (struct words){ .rest = line };
}

const char *words_take(struct words *words)
{
	size_t len;

	words->rest += strspn(words->rest, " ");
	len = strcspn(words->rest, " ");
	if (len == 0)
		return NULL;
	if (len >= sizeof words->word)
		words_wrong(words->rest);
	memcpy(words->word, words->rest, len);
	words->word[len] = '\0';
	words->rest += len;
	return words->word;
}

double words_take_number(struct words *words)
{
	const char *word = words_take(words);
	char *end = NULL;
	double number = word == NULL ? 0 : strtod(word, &end);

	if (end == NULL || end == word || *end != '\0')
		words_wrong(word);
	return number;
}

static int64_t unit_ms(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (units[i].letter == letter)
			return units[i].ms;
	return 0;
}

int64_t words_take_duration(struct words *words)
{
	const char *word = words_take(words), *p = word;
	int64_t ms = 0;

	if (word == NULL)
		words_wrong(word);
	while (*p != '\0') {
		char *end;
		long n = strtol(p, &end, 10);

		if (end == p || unit_ms(*end) == 0)
			words_wrong(word);
		ms += n * unit_ms(*end);
		p = end + 1;
	}
	return ms;
}

char *words_time(int64_t ms)
{
	if (ms == INT64_MAX)
		return xstrdup("never");
	if (ms < 0) {
		cleanup_free char *before = words_time(-ms);

		return str_format("-%s", before);
	}
	return str_format("%d:%02d", (int)(ms / HOUR), (int)(ms / MINUTE % 60));
}

char *words_duration(int64_t ms)
{
	struct str text = { 0 };

	for (size_t i = 1; i < ARRAY_LEN(units); i++) {
		if (ms / units[i].ms > 0)
			str_addf(&text, "%d%c", (int)(ms / units[i].ms), units[i].letter);
		ms %= units[i].ms;
	}
	return text.len == 0 ? xstrdup("0s") : str_take(&text);
}
