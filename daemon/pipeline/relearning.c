#include "daemon/pipeline/relearning.h"

#include <inttypes.h>
#include <stdlib.h>

#include "daemon/pipeline/costs.h"
#include "daemon/store/build.h"

#define ROWS_AT_ONCE 200 /* A millisecond or two. */

enum phase {
	READING,    /* History, into `estimates`. */
	ESTIMATING, /* Builds that are blocked, and then those that are ready. */
};

struct relearning {
	struct pipeline *p;
	struct estimates *estimates; /* Until they are taken into use. */
	enum phase phase;
	enum build_state state; /* ESTIMATING: of these, */
	int64_t last_id;        /* the last row that was looked at. */
	struct relearned done;
	void (*on_done)(void *, const struct relearned *);
	void *owner;
};

int relearning_start(struct pipeline *p, void (*on_done)(void *, const struct relearned *),
	void *owner, struct err *err)
{
	struct relearning *r;

	if (p->relearning != NULL)
		return err_set(err, CAPQ_EBUSY, "estimates are being made from history already");
	r = xcalloc(1, sizeof *r);
	r->p = p;
	r->estimates = estimates_create();
	r->last_id = store_history_last_id(p->store) - COSTS_HISTORY_MAX;
	r->on_done = on_done;
	r->owner = owner;
	p->relearning = r;
	pipeline_wake(p);
	return 0;
}

void relearning_forget(struct pipeline *p, void *owner)
{
	if (p->relearning != NULL && p->relearning->owner == owner)
		p->relearning->on_done = NULL;
}

/* ---- history ---- */

static void take_row(void *owner, const struct history_entry *entry)
{
	struct relearning *r = owner;

	costs_learn_into(r->p, r->estimates, entry);
	r->last_id = entry->id;
	r->done.rows++;
}

static void use(struct relearning *r)
{
	estimates_destroy(r->p->estimates);
	r->p->estimates = STEAL_POINTER(r->estimates);
	r->done.n_packages = estimates_n_packages(r->p->estimates);
	r->phase = ESTIMATING;
	r->state = BUILD_BLOCKED;
	r->last_id = 0;
}

static void read_some(struct relearning *r)
{
	int n = store_history_after(r->p->store, r->last_id, ROWS_AT_ONCE, take_row, r);

	if (n < ROWS_AT_ONCE)
		use(r);
}

/* ---- what waits ---- */

static void estimate(void *owner, const struct build_waiting *build)
{
	struct relearning *r = owner;
	struct costed costed = { build->package, build->name, build->caps, build->system };

	r->last_id = build->id;
	r->done.builds += costs_estimate_anew(r->p, build->id, &costed);
}

static void finish(struct relearning *r)
{
	struct pipeline *p = r->p;

	log_fact("estimates: made anew from %" PRId64 " rows of history, %zu packages",
		r->done.rows, r->done.n_packages);
	p->relearning = NULL;
	if (r->on_done != NULL)
		r->on_done(r->owner, &r->done);
	free(r);
	pipeline_wake(p);
}

static void estimate_some(struct relearning *r)
{
	int n = store_builds_waiting_after(
		r->p->store, r->state, r->last_id, ROWS_AT_ONCE, estimate, r);

	if (n == ROWS_AT_ONCE)
		return;
	if (r->state == BUILD_READY) {
		finish(r);
		return;
	}
	r->state = BUILD_READY;
	r->last_id = 0;
}

bool relearning_do_some(struct pipeline *p)
{
	if (p->relearning == NULL)
		return false;
	switch (p->relearning->phase) {
	case READING:
		read_some(p->relearning);
		break;
	case ESTIMATING:
		estimate_some(p->relearning);
		break;
	}
	return p->relearning != NULL;
}

void relearning_finish(struct pipeline *p)
{
	if (p->relearning == NULL)
		return;
	estimates_destroy(p->relearning->estimates);
	free(p->relearning);
	p->relearning = NULL;
}
