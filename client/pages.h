/* The items of a list that the API answers page by page (GET /jobs, GET /builds), one by one.
 *
 *   pages_init(&pages, api, "/jobs", "jobs", 500);
 *   pages_filter(&pages, "state", "live");
 *   while ((rv = pages_next(&pages, &job, &err)) > 0) ...
 *   pages_finish(&pages); */
#ifndef CAPQ_CLIENT_PAGES_H
#define CAPQ_CLIENT_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "client/api.h"
#include "client/output.h"
#include "lib/str.h"

struct pages {
	struct api *api;
	struct str query;   /* The path with all filters. */
	const char *member; /* The array in the answer. */
	int64_t left;       /* How many items are still wanted. */
	struct json *page;  /* The newest answer; owns `next`. */
	const struct json *next;
	bool began;
};

/* At most `max` items; INT64_MAX: all. Path and member are borrowed. */
void pages_init(
	struct pages *pages, struct api *api, const char *path, const char *member, int64_t max);

/* Narrow the list; NULL changes nothing. */
void pages_filter(struct pages *pages, const char *name, const char *value);

/* 1 with the next item, borrowed until the next call; 0 at the end; or a negative code. */
int pages_next(struct pages *pages, const struct json **out, struct err *err);

/* All items as a JSON array. */
int pages_print_json(struct pages *pages, struct output *output, struct err *err);

/* At the end: there are more than the `max` that were asked for. */
bool pages_has_more(const struct pages *pages);

void pages_finish(struct pages *pages);

#endif
