#include "client/act.h"

#include <inttypes.h>

#include "client/record.h"
#include "client/selected.h"
#include "lib/mem.h"

static void print_job(struct client *client, const struct record *record)
{
	const struct job *job = &record->job;
	cleanup_str struct str label = { 0 };

	if (selected_print_json(client, record))
		return;
	job_add_label(&label, job);
	output_printf("job %" PRId64 "  %s: ", job->id, label.text);
	output_coloured(
		&client->output, job_state_colour(job->state), "%s", job_state_name(job->state));
	output_printf("\n");
}

static int act(struct client *client, const char *verb, int64_t id, struct err *err)
{
	cleanup_json struct json *json = NULL;
	struct record record;
	int rv = api_post(client->api, &json, err, "/jobs/%" PRId64 "/%s", id, verb);

	if (rv == 0)
		rv = record_from_json(json, 0, &record, err);
	if (rv < 0)
		return rv;
	print_job(client, &record);
	record_finish(&record);
	return 0;
}

/* Whoever cannot be reached or may not do it would only say so again. */
static bool is_about_this_job(int rv)
{
	return rv != CAPQ_EBUSY && rv != CAPQ_EDENIED;
}

static int act_or_complain(
	struct client *client, int64_t id, size_t i, const void *verb, struct err *err)
{
	struct err refusal = { 0 };
	int rv = act(client, verb, id, &refusal);

	(void)i;
	if (rv == 0)
		return 0;
	if (client->options.n_operands == 1 || !is_about_this_job(rv)) {
		*err = refusal;
		return rv;
	}
	client_complain(client, &refusal);
	if (client->exit_code == EXIT_OK)
		client->exit_code = exit_code_of(rv);
	return 0;
}

int act_on_jobs(struct client *client, const char *verb, struct err *err)
{
	return selected_each(client, act_or_complain, verb, err);
}
