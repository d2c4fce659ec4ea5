#include "daemon/pipeline/why.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/inside.h"
#include "daemon/pipeline/wanting.h"
#include "daemon/store/build.h"
#include "io/clock.h"
#include "lib/time_text.h"

#define CHAIN_MAX 100

static void say(struct why *w, const char *rule, char *brief, char *text)
{
	w->rule = rule;
	str_clear(&w->brief);
	str_clear(&w->text);
	str_add(&w->brief, brief);
	str_add(&w->text, text);
	free(brief);
	free(text);
}

static void add_to_chain(struct why *w, int64_t build_id)
{
	array_reserve(&w->chain, &w->chain_capacity, w->n_chain + 1, sizeof *w->chain);
	w->chain[w->n_chain++] = build_id;
}

static void add_rest(struct pipeline *p, const struct build *build, struct str *text)
{
	struct sched_why why;
	char rest[TIME_TEXT_MAX];

	if (sched_state(p->sched, build->id) != SCHED_RUNNING)
		return;
	sched_why_roughly(p->sched, build->id, clock_mono_ms(), 0, &why);
	duration_to_text(why.free_ms - clock_mono_ms(), rest);
	str_addf(text, " About %s more.", rest);
}

/* A build while it runs: "building on local for 3m10s (buildPhase)", and how long it takes still.
 */
static void why_building(struct pipeline *p, const struct build *build, struct why *out)
{
	struct build_progress progress;
	char elapsed[TIME_TEXT_MAX];

	if (!pipeline_progress(p, build->id, &progress)) {
		say(out, "step", xstrdup("building"),
			str_format("%s is being built.", build->name));
		return;
	}
	duration_to_text(progress.elapsed_ms, elapsed);
	say(out, "step", str_format("building %s for %s", build->name, elapsed),
		str_format("%s is being built on %s, for %s%s%s.", build->name, build->builder,
			elapsed, progress.phase[0] != '\0' ? ", now in " : "", progress.phase));
	add_rest(p, build, &out->text);
}

static void why_later(const struct build *build, struct why *out)
{
	char wait[TIME_TEXT_MAX];

	duration_to_text(build->not_before - clock_wall_ms(), wait);
	say(out, "backoff", str_format("next try in %s", wait),
		str_format("%s failed and is tried again in %s: %s.", build->name, wait,
			build->reason == NULL ? failure_name(build->failure) : build->reason));
}

static void why_without_nix(const struct pipeline *p, const struct build *build, struct why *out)
{
	say(out, "backoff", xstrdup("Nix cannot be reached"),
		str_format("%s is ready. %s.", build->name, p->nix_problem));
}

/* "14:20", or with the day when that is not today, in the machine's own time. */
static void clock_time(int64_t schedule_ms, char out[TIME_TEXT_MAX])
{
	time_to_clock(wall_time(schedule_ms), clock_wall_ms(), out);
}

/* What waits for it, and its promise: behind every reason to wait. */
static void add_promise(const struct sched_why *why, struct str *text)
{
	int64_t late_ms = clock_mono_ms() - why->start_by_ms;
	char at[TIME_TEXT_MAX], late[TIME_TEXT_MAX];

	if (why->n_unlocks > 0)
		str_addf(text, " %zu other%s for it.", why->n_unlocks,
			why->n_unlocks == 1 ? " waits" : "s wait");
	if (why->start_by_ms == INT64_MAX)
		return;
	clock_time(why->start_by_ms, at);
	duration_to_text(late_ms, late);
	if (late_ms > 0)
		str_addf(text, " It was promised to start by %s, and is %s overdue.", at, late);
	else
		str_addf(text, " It is promised to start by %s.", at);
}

static void why_reserve(const struct build *build, const struct sched_why *why, struct why *out)
{
	char cost[TIME_TEXT_MAX], limit[TIME_TEXT_MAX], at[TIME_TEXT_MAX];

	duration_to_text((int64_t)why->cost_ms, cost);
	duration_to_text((int64_t)why->long_ms, limit);
	say(out, "reserve",
		str_format("long build; %zu of %zu such slots taken", why->n, why->slots),
		str_format("%s is a long build (about %s; what may take more than %s is long), and "
			   "%zu of %zu slots for long builds are taken.",
			build->name, cost, limit, why->n, why->slots));
	if (why->free_ms == 0)
		return;
	clock_time(why->free_ms, at);
	str_addf(&out->text, " The next is expected to be free at %s.", at);
}

static void why_lane(
	struct pipeline *p, const struct build *build, const struct sched_why *why, struct why *out)
{
	char late[TIME_TEXT_MAX];
	struct build other;
	bool has_other = why->other != 0 && store_build_get(p->store, why->other, &other);

	duration_to_text(clock_mono_ms() - why->start_by_ms, late);
	say(out, "promise", str_format("%s overdue, behind other promises", late),
		str_format("%s is overdue, and the %zu slot%s for promises that are due %s "
			   "taken%s%s.",
			build->name, why->slots, why->slots == 1 ? "" : "s",
			why->slots == 1 ? "is" : "are", has_other ? ", by " : "",
			has_other ? other.name : ""));
	if (has_other)
		build_finish(&other);
}

static void why_next(const struct build *build, const struct sched_why *why, struct why *out)
{
	char at[TIME_TEXT_MAX];

	say(out, "busy", xstrdup("next when a slot is free"),
		str_format("%s is ready and the next to start; all %zu slots that fit it are "
			   "taken.",
			build->name, why->slots));
	if (why->free_ms == 0)
		return;
	clock_time(why->free_ms, at);
	str_addf(&out->text, " One is expected to be free at %s.", at);
}

/* Only builds whose promise is due go before it. */
static char *due_text(
	const struct build *build, const struct sched_why *why, const struct build *last)
{
	return str_format("%s is ready; %zu ready build%s before it because %s due, %s%s (build "
			  "%" PRId64 ").",
		build->name, why->n, why->n == 1 ? " goes" : "s go",
		why->n == 1 ? "its promise is" : "their promises are",
		why->n == 1 ? "" : "the last of them ", last->name, last->id);
}

static char *order_text(
	const struct build *build, const struct sched_why *why, const struct build *nearest)
{
	struct str text = { 0 };

	str_addf(&text, "%s is ready; %zu ready build%s a higher score", build->name,
		why->n - why->n_due, why->n - why->n_due == 1 ? " has" : "s have");
	if (why->n_due > 0)
		str_addf(&text, ", and %zu go%s before it because a promise is due", why->n_due,
			why->n_due == 1 ? "es" : "");
	str_addf(&text, ". The nearest, %s (build %" PRId64 "), has %.3g; this one %.3g.",
		nearest->name, nearest->id, why->other_score, why->score);
	return str_take(&text);
}

static void why_order(struct pipeline *p, const struct build *build, const struct sched_why *why,
	size_t max_ahead, struct why *out)
{
	char at[TIME_TEXT_MAX];
	struct build other;

	if (why->n == max_ahead) {
		say(out, "order", str_format("%zu or more ahead", why->n),
			str_format("%s is ready; %zu ready builds or more stand before it.",
				build->name, why->n));
		return;
	}
	if (!store_build_get(p->store, why->other, &other))
		return;
	say(out, "order", str_format("%zu ahead", why->n),
		why->n_due == why->n ? due_text(build, why, &other)
				     : order_text(build, why, &other));
	build_finish(&other);
	if (why->doubles_ms != INT64_MAX && why->doubles_ms != 0) {
		clock_time(why->doubles_ms, at);
		str_addf(&out->text, " Its score doubles with age at %s.", at);
	}
	if (why->share > 0.5)
		str_addf(&out->text,
			" Its submitter has had %.0f %% of all slot time of late, which lowers it.",
			100 * why->share);
}

static void why_queued(struct pipeline *p, const struct build *build, const struct sched_why *why,
	size_t max_ahead, struct why *out)
{
	if (why->rule == SCHED_WHY_RESERVE)
		why_reserve(build, why, out);
	else if (why->rule == SCHED_WHY_LANE)
		why_lane(p, build, why, out);
	else if (why->rule == SCHED_WHY_NEXT)
		why_next(build, why, out);
	else
		why_order(p, build, why, max_ahead, out);
	if (why->rule == SCHED_WHY_ORDER || why->rule == SCHED_WHY_LANE)
		out->ahead = (int64_t)why->n;
	else
		out->ahead = 0;
	add_promise(why, &out->text);
}

static void why_no_builder(const struct build *build, struct why *out)
{
	say(out, "no_builder", xstrdup("no builder"),
		str_format("%s needs a builder for %s%s%s, and none of the configured ones is; add "
			   "it to "
			   "`builders`.",
			build->name, build->system,
			build->features[0] != '\0' ? " with the features " : "", build->features));
}

/* What keeps everything from starting comes before what keeps this one. */
static bool why_nothing_starts(const struct pipeline *p, struct why *out)
{
	if (p->is_draining)
		say(out, "draining", xstrdup("draining"),
			xstrdup("capqd is draining: nothing new is started until `capq drain "
				"--off`."));
	else if (p->disk_low)
		say(out, "disk_full", xstrdup("disk nearly full"),
			xstrdup("The disk with the state directory is nearly full: nothing new is "
				"started "
				"until there is room again (limits.state_free)."));
	else
		return false;
	return true;
}

static void why_waiting(
	struct pipeline *p, const struct build *build, size_t max_ahead, struct why *out)
{
	struct sched_why why;

	if (sched_state(p->sched, build->id) == SCHED_UNKNOWN) {
		say(out, "step", xstrdup("planning"), xstrdup("It is being planned."));
		return;
	}
	if (max_ahead == SIZE_MAX)
		sched_why(p->sched, build->id, clock_mono_ms(), &why);
	else
		sched_why_roughly(p->sched, build->id, clock_mono_ms(), max_ahead, &why);
	switch (why.rule) {
	case SCHED_WHY_NEEDS: {
		struct build other;

		if (!store_build_get(p->store, why.other, &other))
			return;
		say(out, "needs", str_format("needs %s", other.name),
			str_format("%s needs %zu build%s that %s not there yet, among them %s, "
				   "which is %s.",
				build->name, why.n, why.n == 1 ? "" : "s",
				why.n == 1 ? "is" : "are", other.name,
				build_state_name(other.state)));
		add_promise(&why, &out->text);
		build_finish(&other);
		return;
	}
	case SCHED_WHY_INPUTS:
		say(out, "fetching", xstrdup("fetching inputs"),
			str_format("Inputs of %s are fetched from a substituter.", build->name));
		return;
	case SCHED_WHY_LATER:
		why_later(build, out);
		return;
	case SCHED_WHY_HELD:
		say(out, "held", xstrdup("on hold"),
			str_format("Every job that needs %s is on hold.", build->name));
		return;
	case SCHED_WHY_NO_BUILDER:
		why_no_builder(build, out);
		return;
	case SCHED_WHY_RESERVE:
	case SCHED_WHY_LANE:
	case SCHED_WHY_ORDER:
	case SCHED_WHY_NEXT:
		if (why_nothing_starts(p, out))
			return;
		if (p->nix_problem != NULL)
			why_without_nix(p, build, out);
		else
			why_queued(p, build, &why, max_ahead, out);
		return;
	case SCHED_WHY_RUNS:
		why_building(p, build, out);
		return;
	}
}

static void why_pushing(struct pipeline *p, const struct build *build, struct why *out)
{
	bool in_flight = id_map_get(&p->pushing_builds, build->id) != ID_MAP_NONE;
	int64_t wait_ms = p->cache_outage.not_before_ms - clock_mono_ms();
	char wait[TIME_TEXT_MAX];

	if (build->not_before > clock_wall_ms()) {
		why_later(build, out);
	} else if (!in_flight && p->cache_outage.n_failed > 0) {
		duration_to_text(wait_ms, wait);
		say(out, "backoff", xstrdup("the cache does not answer"),
			str_format("%s is built. The cache does not answer; it is asked again in "
				   "%s: %s.",
				build->name, wait,
				p->cache_problem != NULL ? p->cache_problem
							 : "no reason was given"));
	} else if (!in_flight && pipeline_n_pushes(p) >= (size_t)p->settings->cache.max_jobs) {
		say(out, "busy", xstrdup("a push slot"),
			str_format("%s is built. It waits for one of %" PRId64 " pushes to end.",
				build->name, p->settings->cache.max_jobs));
	} else {
		say(out, "step", xstrdup("pushing"),
			str_format("%s is built and goes into the cache.", build->name));
	}
}

void why_build(struct pipeline *p, const struct build *build, size_t max_ahead, struct why *out)
{
	memset(out, 0, sizeof *out);
	out->ahead = -1;
	out->rule = "final";
	switch (build->state) {
	case BUILD_BLOCKED:
	case BUILD_READY:
		if (build->not_before > clock_wall_ms())
			why_later(build, out);
		else
			why_waiting(p, build, max_ahead, out);
		return;
	case BUILD_BUILDING:
		why_building(p, build, out);
		return;
	case BUILD_VERIFYING:
		say(out, "step", xstrdup("verifying"),
			str_format("%s is built; its outputs are looked at.", build->name));
		return;
	case BUILD_PUSHING:
		why_pushing(p, build, out);
		return;
	case BUILD_DONE:
		say(out, "final", xstrdup(""), str_format("%s is done.", build->name));
		return;
	case BUILD_FAILED:
		say(out, "final", xstrdup(failure_name(build->failure)),
			str_format("%s failed (%s): %s.", build->name, failure_name(build->failure),
				build->reason == NULL ? "no reason was given" : build->reason));
		return;
	}
}

/* From the job's own build down to the first that waits for no other build. */
static void follow_chain(struct pipeline *p, int64_t build_id, size_t max_ahead, struct why *out)
{
	struct build build;

	for (int i = 0; i < CHAIN_MAX; i++) {
		struct sched_why why;

		add_to_chain(out, build_id);
		if (sched_state(p->sched, build_id) != SCHED_BLOCKED)
			break;
		sched_why(p->sched, build_id, clock_mono_ms(), &why);
		build_id = why.other;
	}
	if (store_build_get(p->store, build_id, &build)) {
		struct why end;

		why_build(p, &build, max_ahead, &end);
		out->rule = end.rule;
		out->ahead = end.ahead;
		str_add(&out->text, str_text(&end.text));
		str_add(&out->brief, str_text(&end.brief));
		why_finish(&end);
		build_finish(&build);
	}
}

static void why_waiting_job(
	struct pipeline *p, const struct job *job, size_t max_ahead, struct why *out)
{
	struct str rest = { 0 };

	follow_chain(p, job->build_id, max_ahead, out);
	if (out->n_chain < 2)
		return;
	rest = out->text;
	out->text = (struct str){ 0 };
	out->rule = "needs";
	str_addf(&out->text, "Its derivation waits for %zu other%s, one for the other. %s",
		out->n_chain - 1, out->n_chain == 2 ? "" : "s", str_text(&rest));
	str_free(&rest);
}

static void why_before_planned(struct pipeline *p, const struct job *job, struct why *out)
{
	bool evaluating = job->state == JOB_EVALUATING;
	bool in_flight = id_map_get(evaluating ? &p->evaluating_jobs : &p->planning_jobs,
				 job->id) != ID_MAP_NONE;
	bool has_failed = !evaluating && id_map_get(&p->plan_alone, job->id) != ID_MAP_NONE;

	if (!in_flight && why_nothing_starts(p, out))
		return;
	if (in_flight)
		say(out, "step", xstrdup(evaluating ? "evaluating" : "planning"),
			xstrdup(evaluating ? "Nix is evaluating it."
					   : "It is being worked out what has to be built."));
	else if (has_failed || (!evaluating && p->plan_not_before_ms > clock_mono_ms()))
		say(out, "backoff", xstrdup("a cache cannot be asked"),
			str_format("It cannot be worked out what is missing: %s. It is tried again "
				   "soon.",
				p->cache_problem != NULL         ? p->cache_problem
				: p->substituter_problem != NULL ? p->substituter_problem
								 : "planning failed"));
	else
		say(out, "step", xstrdup(evaluating ? "to be evaluated" : "to be planned"),
			xstrdup(evaluating ? "It waits for its turn to be evaluated."
					   : "It waits for its turn to be planned."));
}

void why_job(struct pipeline *p, const struct job *job, size_t max_ahead, struct why *out)
{
	memset(out, 0, sizeof *out);
	out->ahead = -1;
	out->rule = "final";
	switch (job->state) {
	case JOB_EVALUATING:
	case JOB_PLANNING:
		why_before_planned(p, job, out);
		return;
	case JOB_WAITING:
	case JOB_PUSHING:
		why_waiting_job(p, job, max_ahead, out);
		return;
	case JOB_ON_HOLD:
		say(out, "held", xstrdup("on hold"),
			str_format("It was put on hold %s; `capq release %" PRId64
				   "` lets it go on.",
				job->reason == NULL ? "" : job->reason, job->id));
		return;
	case JOB_DONE:
		say(out, "final", xstrdup(""),
			str_format("It is done%s%s.", job->reason == NULL ? "" : ": ",
				job->reason == NULL ? "" : job->reason));
		return;
	case JOB_FAILED:
		say(out, "final", xstrdup(failure_name(job->failure)),
			str_format("It failed (%s): %s. `capq retry %" PRId64 "` tries it again.",
				failure_name(job->failure),
				job->reason == NULL ? "no reason was given" : job->reason,
				job->id));
		return;
	case JOB_CANCELLED:
	case JOB_SUPERSEDED:
		say(out, "final", xstrdup(""),
			str_format("It was %s%s%s.", job_state_name(job->state),
				job->reason == NULL ? "" : " ",
				job->reason == NULL ? "" : job->reason));
		return;
	}
}

void why_finish(struct why *w)
{
	str_free(&w->text);
	str_free(&w->brief);
	free(w->chain);
	w->chain = NULL;
}
