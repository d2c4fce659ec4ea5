/* Revisions and contexts: what packages are evaluated for. */
#ifndef CAPQ_DAEMON_STORE_CONTEXT_H
#define CAPQ_DAEMON_STORE_CONTEXT_H

#include "daemon/store/store.h"

struct context {
	int64_t id;
	int64_t revision_id;
	char *rev; /* Full hash, or "sha256:..." of a path's NAR. */
	bool trusted;
	char *caps;
	char *flavour;
	char *flavour_digest;
	char *system;
};

void context_finish(struct context *context);

/* The id of revision `hash`, which is entered when it is new. Once trusted, it stays trusted. */
int64_t store_revision(struct store *store, const char *hash, bool trusted, int64_t now_ms);

/* True, and whether it is trusted, when the revision is known. */
bool store_revision_get(struct store *store, const char *hash, bool *out_trusted);

/* The id of the context, which is entered when it is new. */
int64_t store_context(struct store *store, int64_t revision_id, const char *caps,
	const char *flavour, const char *flavour_digest, const char *system);

/* False when there is none. The caller ends with context_finish(). */
bool store_context_get(struct store *store, int64_t id, struct context *out);

/* The context of what a job asked for, whatever is built in its place. */
bool store_job_context(struct store *store, int64_t job_id, struct context *out);

/* True when a job of this revision is not final. */
bool store_revision_is_live(struct store *store, const char *hash);

/* What evaluating gave, and entering it. The caller frees the text; NULL: not known. */
char *store_evaluation_get(struct store *store, const char *attr, int64_t context_id);
void store_evaluation_put(struct store *store, const char *attr, int64_t context_id,
	const char *drv_path, int64_t now_ms);
void store_evaluation_forget(struct store *store, int64_t job_id); /* What the job is. */

#endif
