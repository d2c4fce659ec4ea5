#include "daemon/pipeline/wanting.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/want.h"
#include "io/clock.h"

/* So many points of priority double the weight. */
#define PRIORITY_DOUBLES 10.0
#define PRIORITY_DOUBLINGS_MAX 20

#define CLOCK_NOISE_MS 20

/* From the wall clock to the schedule's. It is kept until somebody sets the wall clock: read anew
 * every time it would be another by a millisecond now and then, and what was asked for in one
 * moment would not be equally old. */
static int64_t clocks_apart_ms(void)
{
	static int64_t apart_ms;
	int64_t now_ms = clock_mono_ms() - clock_wall_ms();

	if (llabs(now_ms - apart_ms) > CLOCK_NOISE_MS)
		apart_ms = now_ms;
	return apart_ms;
}

int64_t schedule_time(int64_t wall_ms)
{
	return wall_ms == 0 ? 0 : wall_ms + clocks_apart_ms();
}

int64_t wall_time(int64_t schedule_ms)
{
	return schedule_ms == 0 ? 0 : schedule_ms - clocks_apart_ms();
}

/* ---- weights ---- */

static bool is_fat(const char *caps)
{
	return strchr(caps, ',') != NULL;
}

static double branch_weight(const struct pipeline *p, const char *rev_from, const char *caps)
{
	static const char prefix[] = "branch ";
	const struct items *branches = &p->settings->scheduling.branches;
	const struct branch_weight *weights = branches->items;

	if (strncmp(rev_from, prefix, sizeof prefix - 1) != 0)
		return 1;
	for (size_t i = 0; i < branches->n; i++)
		if (strcmp(weights[i].name, rev_from + sizeof prefix - 1) == 0)
			return (double)(is_fat(caps) ? weights[i].fat_weight : weights[i].weight) /
			       100;
	return 1;
}

double job_weight(const struct pipeline *p, const char *rev_from, const char *caps, int priority)
{
	double doublings = priority / PRIORITY_DOUBLES;

	doublings = fmin(fmax(doublings, -PRIORITY_DOUBLINGS_MAX), PRIORITY_DOUBLINGS_MAX);
	return branch_weight(p, rev_from, caps) * exp2(doublings);
}

/* ---- the jobs of a build, taken together ---- */

struct folding {
	struct pipeline *p;
	int64_t build_id; /* 0: none yet. */
	struct sched_want want;
	double heaviest;
	bool is_promised; /* All jobs have a promise on the disk. */
};

static void begin_fold(struct folding *f, int64_t build_id)
{
	f->build_id = build_id;
	f->want = (struct sched_want){
		.is_held = true,
		.is_leftover = true,
		.since_ms = INT64_MAX,
		.start_by_ms = SCHED_PROMISE_NOW,
	};
	f->heaviest = -1;
	f->is_promised = true;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void fold(struct folding *f, const struct job_want *job)
{
	int64_t since_at = job->promise.since_at != 0 ? job->promise.since_at : job->submitted_at;
	double weight = job_weight(f->p, job->rev_from, job->caps, job->priority);
	struct sched_want *want = &f->want;

	want->jobs++;
	want->since_ms = earlier(want->since_ms, schedule_time(since_at));
	if (job->promise.start_by != 0)
		want->start_by_ms =
			earlier(want->start_by_ms, schedule_time(job->promise.start_by));
	else
		f->is_promised = false;
	want->cost_ms = fmax(want->cost_ms, (double)job->promise.cost_ms);
	want->chain_ms = fmax(want->chain_ms, (double)job->promise.chain_ms);
	if (weight > f->heaviest) {
		f->heaviest = weight;
		want->submitter = sched_submitter(f->p->sched, job->submitter);
	}
	if (job->is_held)
		return;
	want->is_held = false;
	want->is_leftover &= job->is_leftover;
	want->weight += weight;
	if (job->bumped_at > want->bumped_ms)
		want->bumped_ms = job->bumped_at;
}

static void fold_one(void *owner, const struct job_want *job)
{
	fold(owner, job);
}

struct promised {
	int64_t build_id;
	struct promise promise;
};

/* Promises that go to the disk together. */
struct promises {
	struct promised *items;
	size_t n, capacity;
};

static void free_promises(void *data)
{
	struct promises *promises = data;

	free(promises->items);
	free(promises);
}

static void write_promises(struct pipeline *p, void *data)
{
	const struct promises *promises = data;

	if (p->promises == promises)
		p->promises = NULL; /* It is closed. */
	for (size_t i = 0; i < promises->n; i++)
		store_promise(p->store, promises->items[i].build_id, &promises->items[i].promise);
}

static struct promised *new_promised(struct pipeline *p)
{
	if (p->promises == NULL) {
		p->promises = xcalloc(1, sizeof *p->promises);
		pipeline_post(p, write_promises, p->promises, free_promises);
	}
	array_reserve(&p->promises->items, &p->promises->capacity, p->promises->n + 1,
		sizeof *p->promises->items);
	return &p->promises->items[p->promises->n++];
}

/* A promise that was just made goes to the disk. */
static void keep_promise(struct pipeline *p, int64_t build_id)
{
	struct sched_want want;

	if (sched_state(p->sched, build_id) == SCHED_UNKNOWN)
		return;
	sched_want(p->sched, build_id, &want);
	*new_promised(p) = (struct promised){
		.build_id = build_id,
		.promise = { .since_at = wall_time(want.since_ms),
			.start_by = wall_time(want.start_by_ms),
			.cost_ms = (int64_t)want.cost_ms,
			.chain_ms = (int64_t)want.chain_ms },
	};
}

static void tell(struct folding *f)
{
	if (f->build_id == 0)
		return;
	if (f->want.jobs == 0)
		f->want = (struct sched_want){ 0 };
	sched_set_want(f->p->sched, f->build_id, &f->want, clock_mono_ms());
	if (f->want.jobs > 0 && !f->is_promised)
		keep_promise(f->p, f->build_id);
}

void wants_changed(struct pipeline *p, int64_t build_id)
{
	struct folding f = { .p = p };

	begin_fold(&f, build_id);
	store_wants_of(p->store, build_id, fold_one, &f);
	tell(&f);
}

static void load_want(void *owner, const struct job_want *job)
{
	struct folding *f = owner;

	if (job->build_id != f->build_id) {
		tell(f);
		begin_fold(f, job->build_id);
	}
	fold(f, job);
}

/* ---- what submitters have used ---- */

static void load_usage(void *owner, const char *submitter, double used_ms, int64_t at)
{
	struct pipeline *p = owner;

	/* Of a time to come: somebody has set the clock back since. */
	sched_set_usage(p->sched, sched_submitter(p->sched, submitter), used_ms,
		earlier(schedule_time(at), clock_mono_ms()));
}

static void write_one_usage(void *owner, const char *submitter, double used_ms)
{
	store_usage_set(((struct pipeline *)owner)->store, submitter, used_ms, clock_wall_ms());
}

static void write_usage(struct pipeline *p, void *unused)
{
	(void)unused;
	sched_each_usage(p->sched, clock_mono_ms(), write_one_usage, p);
}

void usage_tick(struct pipeline *p)
{
	uint64_t charges = sched_charges(p->sched);

	if (charges == p->written_charges)
		return;
	p->written_charges = charges;
	pipeline_post(p, write_usage, NULL, NULL);
}

void wants_reload(struct pipeline *p)
{
	struct folding f = { .p = p };

	store_wants_each(p->store, load_want, &f);
	tell(&f);
}

void wants_load(struct pipeline *p)
{
	store_usage_each(p->store, load_usage, p);
	wants_reload(p);
}
