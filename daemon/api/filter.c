#include "daemon/api/filter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/job.h"
#include "lib/mem.h"

static bool add_job_state(const char *word, uint32_t *bits)
{
	enum job_state state;

	if (strcmp(word, "live") == 0) {
		for (int i = 0; i < JOB_STATES; i++)
			if (!job_state_is_final((enum job_state)i))
				*bits |= 1u << i;
		return true;
	}
	if (!job_state_from_name(word, &state))
		return false;
	*bits |= 1u << state;
	return true;
}

static bool add_build_state(const char *word, uint32_t *bits)
{
	enum build_state state;

	if (strcmp(word, "live") == 0) {
		for (int i = 0; i < BUILD_STATES; i++)
			if (!build_state_is_final((enum build_state)i))
				*bits |= 1u << i;
		return true;
	}
	if (!build_state_from_name(word, &state))
		return false;
	*bits |= 1u << state;
	return true;
}

static bool read_states(
	const char *text, bool (*add)(const char *, uint32_t *), uint32_t *out, struct err *err)
{
	cleanup_free char *copy = xstrdup_or_null(text);
	char *rest = copy, *word;

	*out = 0;
	while (rest != NULL && (word = strsep(&rest, ",")) != NULL) {
		if (word[0] == '\0' || add(word, out))
			continue;
		(void)err_set(err, CAPQ_EINVAL, "there is no state '%.40s'", word);
		return false;
	}
	return true;
}

bool filter_job_states(const char *text, uint32_t *out, struct err *err)
{
	return read_states(text, add_job_state, out, err);
}

bool filter_build_states(const char *text, uint32_t *out, struct err *err)
{
	return read_states(text, add_build_state, out, err);
}

bool filter_page(struct request *r, int64_t *out_limit, int64_t *out_before_id, struct err *err)
{
	return request_query_int(r, "limit", 1, 1000, 100, out_limit, err) &&
	       request_query_int(r, "cursor", 1, INT64_MAX, 0, out_before_id, err);
}

void filter_add_cursor(struct json_out *out, int64_t next)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRId64, next);
	json_out_text(out, "next_cursor", next == 0 ? NULL : text);
}
