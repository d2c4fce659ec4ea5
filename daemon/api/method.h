/* What clients may ask: one method a file, all of them in one table (methods.c). docs/openapi.yaml
 * describes the same for people; a test holds one against the other. */
#ifndef CAPQ_DAEMON_API_METHOD_H
#define CAPQ_DAEMON_API_METHOD_H

#include "daemon/api/answer.h"
#include "daemon/api/request.h"

enum body_kind {
	BODY_NONE,  /* One that comes all the same is read and thrown away. */
	BODY_SMALL, /* Collected, at most BODY_SMALL_MAX bytes. */
	BODY_PARTS, /* Handed to `feed` as it arrives. */
};

#define BODY_SMALL_MAX (64u << 10)

struct method {
	const char *name;  /* operationId in docs/openapi.yaml. */
	const char *verb;  /* "GET", "POST" */
	const char *path;  /* Below /api/v1; {id} stands for a positive number. */
	enum role role;    /* The least one that may. */
	const char *query; /* Names of its query parameters, separated by blanks. */
	enum body_kind body;

	const struct answered *(*run)(struct request *r); /* The whole request is there. */

	/* BODY_PARTS: the next bytes of the body. A negative code ends the request; run() is not
	 * called, `err` is answered. `abandon` frees the state of a request that ends before run().
	 */
	int (*feed)(struct request *r, const char *bytes, size_t len, struct err *err);
	void (*abandon)(struct request *r);
};

extern const struct method *const api_methods[]; /* NULL behind the last. */

extern const struct method method_version, method_health, method_status;
extern const struct method method_list_jobs, method_submit, method_get_job, method_get_job_builds;
extern const struct method method_cancel, method_retry, method_hold, method_release, method_bump;
extern const struct method method_list_builds, method_get_build;
extern const struct method method_job_log, method_build_log, method_why_job, method_why_build;
extern const struct method method_lookup, method_history, method_stats;
extern const struct method method_export_trace, method_export_history;
extern const struct method method_events, method_drain, method_backup, method_estimates_rebuild;

#endif
