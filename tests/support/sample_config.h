/* A small configuration with every type of key, for tests of lib/config. */
#ifndef CAPQ_TESTS_SAMPLE_CONFIG_H
#define CAPQ_TESTS_SAMPLE_CONFIG_H

#include "lib/config.h"

struct shelf {
	char *name;
	int64_t boards;
	struct texts books;
};

struct house {
	char *owner, *path;
	bool lit;
	int64_t rooms, wait_ms, attic_bytes;
	int colour;
	struct texts guests;
	char *notes;
	struct items shelves;
};

extern const struct config_table house_table;

/* A file that sets every key to something else than its default. */
extern const char house_of_everything[];

/* Read `text`; the test fails when that fails. The caller ends with config_finish(). */
void house_parse(const char *text, struct house *out);

#endif
