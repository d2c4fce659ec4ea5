#include "client/client.h"

#include <stdlib.h>

#include "client/text.h"
#include "lib/json.h"
#include "lib/str.h"

enum exit_code exit_code_of(int code)
{
	switch (code) {
	case 0:
		return EXIT_OK;
	case CAPQ_EINVAL:
	case CAPQ_ENOTFOUND:
	case CAPQ_EEXIST:
	case CAPQ_ETOOBIG:
		return EXIT_USAGE;
	case CAPQ_EDENIED:
		return EXIT_DENIED;
	case CAPQ_EBUSY:
		return EXIT_UNREACHABLE;
	case CAPQ_ETIMEOUT:
		return EXIT_TIMED_OUT;
	default:
		return EXIT_FAILED;
	}
}

int client_find_server(struct client *client, struct err *err)
{
	const char *name = option_text(&client->options, "server");
	int rv;

	if (name == NULL)
		name = getenv("CAPQ_SERVER");
	if (name == NULL || name[0] == '\0')
		name = SERVER_DEFAULT;
	rv = server_parse(name, &client->server, err);
	if (rv == 0)
		rv = server_read_token(&client->server, err);
	if (rv == 0)
		client->api = api_create(&client->server);
	return rv;
}

/* What went wrong on this side, in the form of the API's problems; no status came with it. */
static void problem_of(const struct err *err, struct str *out)
{
	struct json_out json = { 0 };

	json_out_object(&json, NULL);
	json_out_int(&json, "status", 0);
	json_out_text(&json, "title", err->text);
	json_out_null(&json, "detail");
	json_out_null(&json, "hint");
	json_out_end_object(&json);
	str_add(out, json.text.text);
	str_free(&json.text);
}

void client_complain(const struct client *client, const struct err *err)
{
	const struct json *problem = client->api == NULL ? NULL : api_problem(client->api);
	cleanup_str struct str text = { 0 };

	if (!client->output.is_json)
		text_add_line(&text, err->text);
	else if (problem != NULL)
		json_print(problem, &text);
	else
		problem_of(err, &text);
	output_note(client->output.is_json ? "%s\n" : "capq: %s\n", str_text(&text));
}
