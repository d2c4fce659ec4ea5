/* The words of a command line or an environment, as they grow. All are copied; nothing is ever
 * joined into a shell command. Zero-initialise it. */
#ifndef CAPQ_LIB_ARGV_H
#define CAPQ_LIB_ARGV_H

#include <stddef.h>

struct argv {
	char **words; /* NULL-terminated once something was added. */
	size_t n, capacity;
};

void argv_add(struct argv *argv, const char *word);
void argv_addf(struct argv *argv, const char *format, ...) __attribute__((format(printf, 2, 3)));
void argv_add_all(struct argv *argv, const char *const *words); /* To its NULL. */
const char *const *argv_words(const struct argv *argv);         /* Borrowed. */
void argv_finish(struct argv *argv);
#define cleanup_argv __attribute__((cleanup(argv_finish)))

#endif
