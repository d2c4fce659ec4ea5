/* Configuration: one table of keys, and the YAML reader, printer and manual made from it.
 *
 * A table says for each key its type, place, default, limits, whether a running daemon takes a new
 * value, and one paragraph of help. Everything else follows from it: reading with errors that name
 * file and line, `--show-config`, etc/capqd.yaml and the manual page. Names with dots are nested
 * mappings: "evaluator.timeout" is the key `timeout` in the mapping `evaluator`. */
#ifndef CAPQ_LIB_CONFIG_H
#define CAPQ_LIB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/str.h"

#define CONFIG_FILE_MAX (1u << 20) /* Bytes. */

enum config_type {
	CONFIG_TEXT,     /* char *; NULL when it has no default. */
	CONFIG_PATH,     /* char *; must be absolute. */
	CONFIG_BOOL,     /* bool */
	CONFIG_INT,      /* int64_t, min..max */
	CONFIG_DURATION, /* int64_t in ms, min..max; written "10m", "1h30m" */
	CONFIG_SIZE,     /* int64_t in bytes, min..max; written "8GiB" */
	CONFIG_CHOICE,   /* int: the index into `choices` */
	CONFIG_TEXTS,    /* struct texts: a list of strings */
	CONFIG_JSON,     /* char *: any mapping, kept as JSON text; default "{}" */
	CONFIG_ITEMS,    /* struct items: a list of mappings, each read by the table `items` */
};

struct texts {
	char **items;
	size_t n;
};

struct items {
	void *items; /* An array of the struct that the inner table describes. */
	size_t n;
};

struct config_table;

struct config_key {
	const char *name;
	enum config_type type;
	size_t offset;        /* Of the value in the struct that the table describes. */
	const char *fallback; /* The default as it would stand in the file; lists: separated by
			       * blanks; NULL: none (and nothing, for texts and lists). */
	int64_t min, max;     /* CONFIG_INT, _DURATION, _SIZE; TEXTS and ITEMS: how many, a `max`
			       * of 0 meaning any number. */
	const char *const *choices; /* CONFIG_CHOICE: names, NULL behind the last. */
	const struct config_table *items;
	bool is_required;
	bool is_reloadable;  /* A running daemon takes a new value on SIGHUP. */
	const char *example; /* What the example file shows when there is no default. */
	const char *help;
};

struct config_table {
	const struct config_key *keys;
	size_t n_keys;
	size_t size; /* Of the struct that it describes. */
};

/* Fill `values` (a struct of `table->size` bytes) from the file at `path`. On failure the text
 * begins with "PATH:LINE: " where a line is to blame, and `values` needs no config_finish(). */
int config_read(const char *path, const struct config_table *table, void *values, struct err *err);

/* The same from memory; `path` only names it in errors. */
int config_parse(const char *text, size_t len, const char *path, const struct config_table *table,
	void *values, struct err *err);

/* Free what the values own. */
void config_finish(const struct config_table *table, void *values);

/* The values as a file that config_read() takes. */
void config_print(const struct config_table *table, const void *values, struct str *out);

/* A file that explains every key and sets none but the required ones: etc/capqd.yaml. Every other
 * one is there as a comment, its # without a blank behind it; taking that # away sets the key to
 * its default or to an example. */
void config_print_example(const struct config_table *table, struct str *out);

/* The keys as an mdoc(7) list: the middle of capqd.yaml(5). */
void config_print_manual(const struct config_table *table, struct str *out);

/* Take the reloadable values of `fresh` into `current` (they change places, so both can be finished
 * as usual). Calls `on_change` for each key whose value differs, `taken` telling whether it was
 * reloadable. */
void config_reload(const struct config_table *table, void *current, void *fresh,
	void (*on_change)(void *owner, const struct config_key *key, bool taken), void *owner);

#endif
