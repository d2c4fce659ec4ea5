#include "lib/argv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"

static void take(struct argv *argv, char *word)
{
	array_reserve(&argv->words, &argv->capacity, argv->n + 2, sizeof *argv->words);
	argv->words[argv->n++] = word;
	argv->words[argv->n] = NULL;
}

void argv_add(struct argv *argv, const char *word)
{
	take(argv, xstrdup(word));
}

void argv_addf(struct argv *argv, const char *format, ...)
{
	char *word = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&word, format, args) < 0)
		abort();
	va_end(args);
	take(argv, word);
}

void argv_add_all(struct argv *argv, const char *const *words)
{
	for (; *words != NULL; words++)
		argv_add(argv, *words);
}

const char *const *argv_words(const struct argv *argv)
{
	static const char *const nothing[] = { NULL };

	return argv->n == 0 ? nothing : (const char *const *)argv->words;
}

void argv_finish(struct argv *argv)
{
	for (size_t i = 0; i < argv->n; i++)
		free(argv->words[i]);
	free(argv->words);
	memset(argv, 0, sizeof *argv);
}
