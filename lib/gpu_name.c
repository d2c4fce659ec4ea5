#include "lib/gpu_name.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"

/* Words that tell no GPU from another. */
static const char *const decoration[] = { "nvidia", "corporation", "geforce", "tesla", "graphics",
	"gpu", "card", "generation", "edition", "with", "design", "nvgpu", "collectors", "ceo" };

/* Words for "in a laptop"; "max" and "q" are one. */
static const char *const mobile[] = { "mobile", "laptop", "notebook", "max", "q" };

/* Words for how it is connected or sold, and beginnings of such: "sxm4", "hbm3e", "nvl16". */
static const char *const soft[] = { "pcie", "pci", "sxm", "hbm", "nvl", "oem", "refresh", "mig",
	"grid" };

/* In front of a number without a blank, "rtx4090", and behind it, "3080ti". */
static const char *const prefixes[] = { "rtx", "gtx", "gt" };
static const char *const suffixes[] = { "ti", "super" };

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static bool is_soft(const char *word)
{
	size_t digits = strspn(word, "0123456789");

	if (digits > 0 && (strcmp(word + digits, "gb") == 0 || strcmp(word + digits, "gib") == 0))
		return true;
	/* A part of a GPU, "A100 MIG 1g.5gb", and profiles of virtual ones, "T4-8Q". */
	if ((digits == 1 || digits == 2) && word[digits] != '\0' &&
		strchr("gqcba", word[digits]) != NULL && word[digits + 1] == '\0')
		return true;
	for (size_t i = 0; i < ARRAY_LEN(soft); i++)
		if (str_starts(word, soft[i]))
			return true;
	return strcmp(word, "mobile") == 0;
}

static void add(struct gpu_words *out, const char *text, size_t len)
{
	struct gpu_word word = { 0 };

	if (out->n == GPU_WORDS_MAX || len == 0)
		return;
	memcpy(word.text, text, len < GPU_WORD_MAX ? len : GPU_WORD_MAX - 1);
	if (is_one_of(word.text, decoration, ARRAY_LEN(decoration)))
		return;
	if (is_one_of(word.text, mobile, ARRAY_LEN(mobile)))
		memcpy(word.text, "mobile", sizeof "mobile");
	word.is_soft = is_soft(word.text);
	for (size_t i = 0; i < out->n; i++)
		if (strcmp(out->words[i].text, word.text) == 0)
			return;
	out->words[out->n++] = word;
}

/* The length of what stands in front of a number, "rtx" of "rtx4090"; 0: nothing. */
static size_t len_of_prefix(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(word, prefixes[i]) &&
			isdigit((unsigned char)word[strlen(prefixes[i])]))
			return strlen(prefixes[i]);
	return 0;
}

/* Where what stands behind a number begins, "ti" of "3080ti"; the end: nothing does. */
static size_t start_of_suffix(const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		size_t n = strlen(suffixes[i]);

		if (len > n && strcmp(word + len - n, suffixes[i]) == 0 &&
			isdigit((unsigned char)word[len - n - 1]))
			return len - n;
	}
	return len;
}

/* One run of letters and digits. */
static void add_run(struct gpu_words *out, const char *run)
{
	size_t from = len_of_prefix(run), to = start_of_suffix(run), len = strlen(run);
	/* "960M" is the mobile 960. */
	bool is_mobile =
		to == len && len > 2 && run[len - 1] == 'm' && isdigit((unsigned char)run[len - 2]);

	add(out, run, from);
	add(out, run + from, to - from - (is_mobile ? 1 : 0));
	add(out, run + to, len - to);
	if (is_mobile)
		add(out, "mobile", strlen("mobile"));
}

/* "(R)" and "(TM)" at `p`: how long it is, or 0. */
static size_t len_of_mark(const char *p)
{
	return strncasecmp(p, "(r)", 3) == 0 ? 3 : strncasecmp(p, "(tm)", 4) == 0 ? 4 : 0;
}

static int compare_words(const void *left, const void *right)
{
	const struct gpu_word *a = left, *b = right;

	return strcmp(a->text, b->text);
}

void gpu_words_read(const char *name, struct gpu_words *out)
{
	char run[2 * GPU_WORD_MAX] = "";
	size_t len = 0;

	memset(out, 0, sizeof *out);
	for (const char *p = name;; p++) {
		size_t mark = len_of_mark(p);

		if (mark == 0 && isalnum((unsigned char)*p)) {
			if (len < sizeof run - 1)
				run[len++] = (char)tolower((unsigned char)*p);
			continue;
		}
		run[len] = '\0';
		/* "80 GB" is one word. */
		if (len > 0 && strspn(run, "0123456789") == len && strncasecmp(p, " gb", 3) == 0)
			continue;
		add_run(out, run);
		len = 0;
		if (*p == '\0')
			break;
		p += mark > 0 ? mark - 1 : 0;
	}
	array_sort(out->words, out->n, sizeof out->words[0], compare_words);
}

bool gpu_words_within(const struct gpu_words *part, const struct gpu_words *whole, bool hard_only)
{
	size_t n = 0;

	for (size_t i = 0; i < part->n; i++) {
		if (hard_only && part->words[i].is_soft)
			continue;
		if (bsearch(&part->words[i], whole->words, whole->n, sizeof whole->words[0],
			    compare_words) == NULL)
			return false;
		n++;
	}
	return n > 0;
}

bool gpu_words_equal(const struct gpu_words *a, const struct gpu_words *b, bool hard_only)
{
	return gpu_words_within(a, b, hard_only) && gpu_words_within(b, a, hard_only);
}
