/* What the steps of the pipeline offer each other. One file a step; each keeps the list of its
 * running operations in struct pipeline, starts what it can when it is asked, and turns the end of
 * an operation into an event. */
#ifndef CAPQ_DAEMON_PIPELINE_STEPS_H
#define CAPQ_DAEMON_PIPELINE_STEPS_H

#include "daemon/pipeline/graph.h"
#include "daemon/pipeline/inside.h"
#include "daemon/store/build.h"

/* evaluating.c: jobs that are evaluating, a context at a time. */
void evaluating_start_some(struct pipeline *p);
void evaluating_drop(
	struct pipeline *p, int64_t job_id); /* It was cancelled. Not within a write. */
void evaluating_stop_all(struct pipeline *p);

/* planning.c: jobs that are planning, many in one plan; and builds that are planned anew. */
void planning_start_some(struct pipeline *p);
void planning_stop_all(struct pipeline *p);
void plan_build(struct pipeline *p, int64_t build_id); /* Not within a write. */

/* entering.c: a plan becomes builds, slice by slice. Takes `graph` and `targets`. */
struct entry_target {
	int64_t job_id;   /* 0: a build that is planned anew, */
	int64_t build_id; /* which is this one. */
	int state;        /* enum plan_target_state */
};
struct entering_spec {
	struct graph *graph;
	struct entry_target *targets; /* In the order of the graph's targets. */
	size_t n_targets;
	int64_t root_id;
	int64_t looked_at; /* Wall clock when the store was about to be asked what is missing. */
	bool is_trusted;
	char *caps; /* Of the jobs; for the record. */
};
void entering_start(struct pipeline *p, const struct entering_spec *spec);

/* fetching.c: the build needs no other build any more: fetch for it, or call it ready. Not within a
 * write. */
void fetch_or_unblock(struct pipeline *p, int64_t build_id);
void fetching_start_some(struct pipeline *p);
void fetching_stop_all(struct pipeline *p);

/* building.c: what the schedule decides. */
void building_start_some(struct pipeline *p);
void building_stop(struct pipeline *p, int64_t build_id);
void building_stop_all(struct pipeline *p);

/* verifying.c: builds that are verifying, each with a capq-inspect of its own. */
void verifying_start_some(struct pipeline *p);
void verifying_stop_all(struct pipeline *p);

/* What was seen of a build allows a job for `caps`; false: `out_why` says which file lacks what. */
bool verify_job(struct pipeline *p, int64_t build_id, const char *caps, struct str *out_why);

/* The build was refused, and is asked for with a set that it was not held against: let it be seen
 * again. */
bool verify_may_change(
	struct pipeline *p, const struct build_key *build, bool is_target, const char *caps);

/* For plans: outputs of refused builds are valid, and yet nothing may be built on them. */
void verify_hide_refused(void *pipeline, struct graph *graph);

/* pushing.c: builds that are pushing, several in one capq-push. */
void pushing_start_some(struct pipeline *p);
void pushing_reload(struct pipeline *p); /* The configuration was read anew. */
void pushing_stop_all(struct pipeline *p);

/* report.c: sizes of what was built, and what is thrown away with time. */
void report_start(struct pipeline *p);
void report_finish(struct pipeline *p);
void report_tick(struct pipeline *p);
bool report_is_idle(const struct pipeline *p); /* No thread works for it. */
void report_history(struct pipeline *p, int64_t history_id, const char *outputs);

/* root.c: links that keep the garbage collector away. */
char *root_file(const struct pipeline *p, int64_t root_id); /* The caller frees. */
void root_pin(struct pipeline *p, int64_t root_id);         /* In use by an operation that runs. */
void root_unpin(struct pipeline *p, int64_t root_id);
void roots_sweep(struct pipeline *p); /* Remove those of no use, and links without a row. */

/* accept.c, bulk.c: the turn's end. */
void accept_commit(struct pipeline *p);
void accept_finish(struct pipeline *p);
void bulk_start(struct pipeline *p);
bool bulk_write_some(struct pipeline *p);    /* True while there is more. */
bool bulk_is_idle(const struct pipeline *p); /* No thread works for it. */
void bulk_lost_job(struct pipeline *p);      /* Another submit took one of its new jobs. */
void bulk_finish(struct pipeline *p);

/* dry_run.c: submits that only ask; they share the places for evaluations. */
size_t dry_runs_evaluating(const struct pipeline *p);
void dry_runs_start_some(struct pipeline *p, size_t places);
void dry_runs_stop_all(struct pipeline *p);

/* probing.c: submits that wait for what revisions say; they share these places as well. */
size_t probings_evaluating(const struct pipeline *p);
void probings_start_some(struct pipeline *p, size_t places);
void probings_stop_all(struct pipeline *p);

/* recover.c: memory from the data base, at start. */
int recover(struct pipeline *p, struct err *err);
enum build_state build_state_after_restart(enum build_state state);

#endif
