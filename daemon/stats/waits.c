#include "daemon/stats/waits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/stats/sample.h"
#include "lib/mem.h"

#define NEEDED_MIN_S 60.0 /* Nobody is slowed down by a minute. */

enum {
	ALL,
	THIN,
	FAT,
	CLASSES,
};

static const char *const names[CLASSES] = { [ALL] = "all", [THIN] = "thin", [FAT] = "fat" };

struct class
{
	struct sample waits, slowdowns; /* Of jobs that were built. */
	struct sample late;             /* Seconds, of promises that were not kept. */
	int64_t made, kept, gone, open, overdue;
};

struct waits {
	int64_t now_ms;
	struct class classes[CLASSES];
};

struct waits *waits_create(int64_t now_ms)
{
	struct waits *waits = xcalloc(1, sizeof *waits);

	waits->now_ms = now_ms;
	return waits;
}

void waits_destroy(struct waits *waits)
{
	for (int i = 0; i < CLASSES; i++) {
		sample_finish(&waits->classes[i].waits);
		sample_finish(&waits->classes[i].slowdowns);
		sample_finish(&waits->classes[i].late);
	}
	free(waits);
}

/* ---- jobs ---- */

/* What a job needed: its chain as it was expected, or its own build if that took longer. */
static void add_wait(struct class *c, const struct stats_job *job)
{
	double needed_ms = (double)(job->chain_ms > job->wall_ms ? job->chain_ms : job->wall_ms);
	double took_s = (double)(job->finished_at - job->submitted_at) / 1000;
	double wait_s = (double)(job->started_at - job->submitted_at) / 1000;

	sample_add(&c->waits, fmax(0, wait_s));
	sample_add(&c->slowdowns, fmax(1, took_s / fmax(NEEDED_MIN_S, needed_ms / 1000)));
}

/* A job that is done and never started came to a build that ran already. */
static void add_promise(struct class *c, const struct stats_job *job, int64_t now_ms)
{
	int64_t late_ms = job->started_at - job->start_by;

	c->made++;
	if (job->started_at > 0 && late_ms > 0)
		sample_add(&c->late, (double)late_ms / 1000);
	else if (job->started_at > 0 || job->state == JOB_DONE)
		c->kept++;
	else if (job_state_is_final(job->state))
		c->gone++;
	else
		c->open++;
	if (job->started_at == 0 && !job_state_is_final(job->state))
		c->overdue += job->start_by < now_ms;
}

static void add(struct class *c, const struct stats_job *job, int64_t now_ms)
{
	if (job->state == JOB_DONE && job->started_at > 0)
		add_wait(c, job);
	if (job->start_by > 0)
		add_promise(c, job, now_ms);
}

void waits_add(struct waits *waits, const struct stats_job *job)
{
	add(&waits->classes[ALL], job, waits->now_ms);
	add(&waits->classes[strchr(job->caps, ',') == NULL ? THIN : FAT], job, waits->now_ms);
}

/* ---- what is said ---- */

static void add_wait_row(struct json_out *out, const char *name, struct class *c)
{
	sample_sort(&c->waits);
	sample_sort(&c->slowdowns);
	json_out_object(out, NULL);
	json_out_text(out, "class", name);
	json_out_int(out, "n", (int64_t)c->waits.n);
	json_out_double(out, "wait_median_seconds", sample_quantile(&c->waits, 0.5));
	json_out_double(out, "wait_p90_seconds", sample_quantile(&c->waits, 0.9));
	json_out_double(out, "wait_max_seconds", sample_max(&c->waits));
	json_out_double(out, "slowdown_mean", sample_mean(&c->slowdowns));
	json_out_double(out, "slowdown_median", sample_quantile(&c->slowdowns, 0.5));
	json_out_double(out, "slowdown_p90", sample_quantile(&c->slowdowns, 0.9));
	json_out_double(out, "slowdown_max", sample_max(&c->slowdowns));
	json_out_end_object(out);
}

static void add_promise_row(struct json_out *out, const char *name, struct class *c)
{
	sample_sort(&c->late);
	json_out_object(out, NULL);
	json_out_text(out, "class", name);
	json_out_int(out, "made", c->made);
	json_out_int(out, "kept", c->kept);
	json_out_int(out, "late", (int64_t)c->late.n);
	json_out_int(out, "gone", c->gone);
	json_out_int(out, "open", c->open);
	json_out_int(out, "overdue", c->overdue);
	json_out_double(out, "late_median_seconds", sample_quantile(&c->late, 0.5));
	json_out_double(out, "late_p90_seconds", sample_quantile(&c->late, 0.9));
	json_out_double(out, "late_max_seconds", sample_max(&c->late));
	json_out_end_object(out);
}

void waits_to_json(struct waits *waits, struct json_out *out)
{
	json_out_array(out, "waits");
	for (int i = 0; i < CLASSES; i++)
		add_wait_row(out, names[i], &waits->classes[i]);
	json_out_end_array(out);
	json_out_array(out, "promises");
	for (int i = 0; i < CLASSES; i++)
		add_promise_row(out, names[i], &waits->classes[i]);
	json_out_end_array(out);
}
