#include "client/act.h"

#include <inttypes.h>

#include "client/record.h"
#include "client/select.h"
#include "lib/mem.h"

static void print_job(struct client *client, const struct record *record)
{
	const struct job *job = &record->job;
	cleanup_str struct str label = { 0 };

	if (client->output.is_json && client->options.n_operands == 1) {
		output_json_text(record->json);
	} else if (client->output.is_json) {
		output_item(&client->output, record->json);
	} else {
		job_add_label(&label, job);
		output_printf("job %" PRId64 "  %s: ", job->id, label.text);
		output_coloured(&client->output, job_state_colour(job->state), "%s",
			job_state_name(job->state));
		output_printf("\n");
	}
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

static int act_on_all(
	struct client *client, const char *verb, const int64_t *ids, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct err refusal = { 0 };
		int rv = act(client, verb, ids[i], &refusal);

		if (rv < 0 && (n == 1 || !is_about_this_job(rv))) {
			*err = refusal;
			return rv;
		}
		if (rv < 0) {
			client_complain(client, &refusal);
			if (client->exit_code == EXIT_OK)
				client->exit_code = exit_code_of(rv);
		}
	}
	return 0;
}

int act_on_jobs(struct client *client, const char *verb, struct err *err)
{
	const struct options *given = &client->options;
	bool is_array = client->output.is_json && given->n_operands > 1;
	cleanup_free int64_t *ids = NULL;
	int rv = select_jobs(client->api, given->operands, given->n_operands, &ids, err);

	if (rv < 0)
		return rv;
	if (is_array)
		output_begin_array(&client->output);
	rv = act_on_all(client, verb, ids, given->n_operands, err);
	if (is_array && rv == 0)
		output_end_array(&client->output);
	return rv;
}
