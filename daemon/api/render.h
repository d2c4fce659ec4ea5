/* Records as JSON, with what only the running daemon knows of them. */
#ifndef CAPQ_DAEMON_API_RENDER_H
#define CAPQ_DAEMON_API_RENDER_H

#include "daemon/pipeline/pipeline.h"
#include "lib/job_json.h"

/* A job with `progress` and `waits_for`; the object is left open when `open` is set, for more
 * members. */
void render_job(struct pipeline *p, const struct job *job, struct json_out *out, const char *name,
	bool open);

/* What the outputs of a build were seen to hold; null when nobody has looked. */
void render_gpu_code(struct pipeline *p, int64_t build_id, struct json_out *out, const char *name);

/* A build with `progress`; the object is left open when `open` is set, for more members. */
void render_build(struct pipeline *p, const struct build *build, struct json_out *out,
	const char *name, bool open);

/* A Progress object, or null. */
/* When the build is expected to start and to be done; null when that is not known. */
void render_eta(struct pipeline *p, int64_t build_id, struct json_out *out, const char *name);

void render_progress(struct pipeline *p, int64_t build_id, const char *build_name,
	struct json_out *out, const char *name);

#endif
