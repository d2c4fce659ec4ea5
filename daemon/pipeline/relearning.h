/* Estimates made anew from history, as at a start, while capqd works: a few rows a loop turn. Until
 * they are whole those in use stay in use, and rows that come meanwhile are read as well. Then what
 * waits is estimated anew. */
#ifndef CAPQ_DAEMON_PIPELINE_RELEARNING_H
#define CAPQ_DAEMON_PIPELINE_RELEARNING_H

#include "daemon/pipeline/pipeline.h"

struct relearned {
	int64_t rows;      /* Of history. */
	size_t n_packages; /* Names that are remembered. */
	int64_t builds;    /* That wait, and have the cost they have now. */
};

/* `on_done` runs once, later, unless relearning_forget() came first. CAPQ_EBUSY while another one
 * is being made. */
int relearning_start(struct pipeline *p,
	void (*on_done)(void *owner, const struct relearned *relearned), void *owner,
	struct err *err);
void relearning_forget(struct pipeline *p, void *owner); /* It is made all the same. */

/* At the end of a turn. True while there is more. */
bool relearning_do_some(struct pipeline *p);
void relearning_finish(struct pipeline *p);

#endif
