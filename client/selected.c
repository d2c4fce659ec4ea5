#include "client/selected.h"

#include "client/select.h"
#include "lib/mem.h"

int selected_each(struct client *client,
	int (*each)(struct client *, int64_t, size_t, const void *, struct err *),
	const void *owner, struct err *err)
{
	const struct options *given = &client->options;
	bool is_array = client->output.is_json && given->n_operands > 1;
	cleanup_free int64_t *ids = NULL;
	int rv = select_jobs(client->api, given->operands, given->n_operands, &ids, err);

	if (rv < 0)
		return rv;
	if (is_array)
		output_begin_array(&client->output);
	for (size_t i = 0; i < given->n_operands && rv == 0; i++)
		rv = each(client, ids[i], i, owner, err);
	if (is_array && rv == 0)
		output_end_array(&client->output);
	return rv;
}

bool selected_print_json(struct client *client, const struct record *record)
{
	if (!client->output.is_json)
		return false;
	if (client->options.n_operands == 1)
		output_json_text(record->json);
	else
		output_item(&client->output, record->json);
	return true;
}
