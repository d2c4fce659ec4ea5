/* The jobs that somebody watches, and what is known of each.
 *
 * An event only says that something changed; how it is now is always asked. So an event that was
 * lost, came late or came twice does no harm, and after a gap it is enough to ask for everything.
 */
#ifndef CAPQ_CLIENT_JOB_SET_H
#define CAPQ_CLIENT_JOB_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/api.h"
#include "client/record.h"
#include "client/sse.h"
#include "lib/id_map.h"

struct tracked {
	int64_t id;
	struct record record; /* Once it is known. */
	bool is_known;
	bool is_stale; /* To be asked for. */

	/* What was said of it last (client/report.c). */
	bool was_said;
	enum job_state said_state;
	char *said_phase;
	int64_t said_at_ms; /* Monotonic. */
};

struct job_set {
	struct tracked *items; /* In the order in which they were added; everything: by id. */
	size_t n, capacity;
	struct id_map index; /* Id -> place among the items. */
	bool is_everything;  /* All live jobs, also those to come. */
	bool wants_list;     /* Which jobs those are is to be asked. */
};

/* Zero-initialise it. Add a job; one that is there already is not added again. */
void job_set_add(struct job_set *set, int64_t id);

/* Everything is to be asked anew, but what is final: that only changes with an event. */
void job_set_doubt(struct job_set *set);

/* Take one event. Returns how soon, in ms, job_set_refresh() should follow; -1: no need. */
int64_t job_set_note(struct job_set *set, const struct sse_event *event);

/* Ask for what is stale. CAPQ_ENOTFOUND: there is no such job. */
int job_set_refresh(struct job_set *set, struct api *api, struct err *err);

/* How many are not final, or not known yet. */
size_t job_set_count_live(const struct job_set *set);

/* Drop the jobs that are final and were said so a while ago: not at once, because an event that is
 * older than what was asked since then may still be on its way, and would make them new again. */
void job_set_drop_final(struct job_set *set);

void job_set_finish(struct job_set *set);

#endif
