/* How the pipeline stands: what keeps it from working, counts, and the parts that methods of the
 * API read. */
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/inside.h"

bool pipeline_is_draining(const struct pipeline *p)
{
	return p->is_draining;
}

void set_problem(char **where, const char *what, const char *text)
{
	if (text == NULL && *where != NULL)
		log_fact("%s: well again", what);
	if (text != NULL && (*where == NULL || strcmp(*where, text) != 0))
		log_broken("%s: %s", what, text);
	if (text == NULL || *where == NULL || strcmp(*where, text) != 0) {
		free(*where);
		*where = xstrdup_or_null(text);
	}
}

void pipeline_problems(struct pipeline *p, void (*each)(void *, const char *), void *owner)
{
	if (p->disk_low)
		each(owner, "the disk with the state directory is nearly full (limits.state_free)");
	if (p->store_problem != NULL)
		each(owner, p->store_problem);
	if (revisions_problem(p->revisions) != NULL)
		each(owner, revisions_problem(p->revisions));
	if (p->substituter_problem != NULL)
		each(owner, p->substituter_problem);
	if (p->cache_problem != NULL)
		each(owner, p->cache_problem);
	if (p->nix_problem != NULL)
		each(owner, p->nix_problem);
	if (p->started && p->nix_version == NULL && p->ticks > 60)
		each(owner, "nix-store cannot be run; is Nix installed, and in PATH?");
}

const int64_t *pipeline_job_counts(const struct pipeline *p)
{
	return p->job_counts;
}

const int64_t *pipeline_build_counts(const struct pipeline *p)
{
	return p->build_counts;
}

size_t pipeline_n_children(const struct pipeline *p)
{
	return p->children.n;
}

struct sched *pipeline_sched(const struct pipeline *p)
{
	return p->sched;
}

const struct estimates *pipeline_estimates(const struct pipeline *p)
{
	return p->estimates;
}

struct store *pipeline_store(const struct pipeline *p)
{
	return p->store;
}

struct revisions *pipeline_revisions(const struct pipeline *p)
{
	return p->revisions;
}

const struct settings *pipeline_settings(const struct pipeline *p)
{
	return p->settings;
}

const char *pipeline_log_directory(const struct pipeline *p)
{
	return p->log_dir;
}

const char *pipeline_state_dir(const struct pipeline *p)
{
	return p->state_dir;
}

const char *pipeline_nix_version(const struct pipeline *p)
{
	return p->nix_version;
}

int64_t pipeline_last_event(const struct pipeline *p)
{
	return p->last_event_id;
}

int64_t pipeline_started_at(const struct pipeline *p)
{
	return p->started_at;
}

uv_loop_t *pipeline_loop(const struct pipeline *p)
{
	return p->loop;
}
