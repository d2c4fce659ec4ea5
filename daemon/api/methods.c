#include "daemon/api/method.h"

#include <stddef.h>

const struct method *const api_methods[] = {
	&method_version,
	&method_health,
	&method_status,
	&method_list_jobs,
	&method_submit,
	&method_get_job,
	&method_get_job_builds,
	&method_job_log,
	&method_why_job,
	&method_cancel,
	&method_retry,
	&method_hold,
	&method_release,
	&method_bump,
	&method_list_builds,
	&method_get_build,
	&method_build_log,
	&method_why_build,
	&method_lookup,
	&method_history,
	&method_stats,
	&method_export_trace,
	&method_export_history,
	&method_events,
	&method_drain,
	&method_estimates_rebuild,
	&method_backup,
	NULL,
};
