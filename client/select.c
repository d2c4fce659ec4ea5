#include "client/select.h"

#include <inttypes.h>
#include <string.h>

#include "client/pages.h"
#include "client/record.h"
#include "client/selector.h"
#include "lib/mem.h"

#define CANDIDATES_MAX 5 /* How many are named when several jobs fit. */

static const char *text_or_null(const char *text)
{
	return text[0] == '\0' ? NULL : text;
}

/* "job 17 (torch @ 8.6 # 1a2b3c4, done)" */
static int add_candidate(struct str *list, const struct json *json, int64_t *id, struct err *err)
{
	struct record record;
	int rv = record_from_json(json, 0, &record, err);

	if (rv < 0)
		return rv;
	str_addf(list, "%sjob %" PRId64 " (", list->len > 0 ? ", " : "", record.job.id);
	job_add_label(list, &record.job);
	str_addf(list, ", %s)", job_state_name(record.job.state));
	*id = record.job.id;
	record_finish(&record);
	return 0;
}

/* Only one job may fit. */
static int choose(struct pages *pages, const char *text, int64_t *out_id, struct err *err)
{
	cleanup_str struct str list = { 0 };
	const struct json *job;
	int64_t n = 0, id = 0;
	int rv;

	while ((rv = pages_next(pages, &job, err)) > 0) {
		rv = add_candidate(&list, job, &id, err);
		if (rv < 0)
			return rv;
		n++;
	}
	if (rv < 0)
		return rv;
	if (n == 0)
		return err_set(err, CAPQ_ENOTFOUND, "no job is called '%s'; see capq list", text);
	if (n > 1)
		return err_set(err, CAPQ_EINVAL, "'%s' may be %s%s; say which", text, list.text,
			pages_has_more(pages) ? " or one of more" : "");
	*out_id = id;
	return 0;
}

int select_job(struct api *api, const char *text, int64_t *out_id, struct err *err)
{
	struct selector selector;
	struct pages pages;
	int rv = selector_parse(text, &selector, err);

	if (rv < 0)
		return rv;
	if (selector.id != 0) {
		*out_id = selector.id;
		return 0;
	}
	pages_init(&pages, api, "/jobs", "jobs", CANDIDATES_MAX);
	pages_filter(&pages, "attr", selector.attr);
	pages_filter(&pages, "caps", text_or_null(selector.caps));
	pages_filter(&pages, "rev", text_or_null(selector.rev));
	rv = choose(&pages, text, out_id, err);
	pages_finish(&pages);
	return rv;
}

int select_jobs(
	struct api *api, const char *const *texts, size_t n, int64_t **out_ids, struct err *err)
{
	cleanup_free int64_t *ids = xcalloc(n, sizeof *ids);

	for (size_t i = 0; i < n; i++) {
		int rv = select_job(api, texts[i], &ids[i], err);

		if (rv < 0)
			return rv;
	}
	*out_ids = STEAL_POINTER(ids);
	return 0;
}

int select_path(struct api *api, const char *text, struct str *out, struct err *err)
{
	int64_t id;
	int rv;

	if (str_starts(text, "build:")) {
		if (!str_to_int(text + strlen("build:"), 1, INT64_MAX, &id))
			return err_set(
				err, CAPQ_EINVAL, "'%s': expected a number behind build:", text);
		str_addf(out, "/builds/%" PRId64, id);
		return 0;
	}
	rv = select_job(api, text, &id, err);
	if (rv == 0)
		str_addf(out, "/jobs/%" PRId64, id);
	return rv;
}
