/* One request on MHD's side: found in the table of methods, allowed or not, its body handed on, and
 * its answer brought back.
 *
 *   READING --- whole ---> run() --- answered -----------------------> ANSWERED
 *      |                     | answer_later(): suspended                  ^
 *      | refused             +-------> PENDING --- answered: resumed -----+
 *      +------------------------------------------------------------------+
 *
 * MHD calls connection_handle() once with the headers, then with each piece of the body, then once
 * more; and once more after a resume. What was refused early still has its body read and thrown
 * away, as far as it is small: a client that is cut off in the middle does not read the answer. */
#include "daemon/api/connection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/inside.h"
#include "lib/mem.h"
#include "lib/str.h"

#define PREFIX "/api/v1"
#define DISCARD_MAX (1u << 20) /* Of the body of what is refused already. */

/* ---- what was asked ---- */

struct pipeline *request_pipeline(const struct request *r)
{
	return r->server->p;
}

struct server *request_server(const struct request *r)
{
	return r->server;
}

const char *request_who(const struct request *r)
{
	return r->asker.name;
}

int64_t request_id(const struct request *r)
{
	return r->id;
}

const char *request_query(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *request_header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

void *request_state(const struct request *r)
{
	return r->state;
}

void request_set_state(struct request *r, void *state)
{
	r->state = state;
}

const char *request_body(const struct request *r, size_t *out_len)
{
	*out_len = r->body.len;
	return str_text(&r->body);
}

bool request_query_int(const struct request *r, const char *name, int64_t min, int64_t max,
	int64_t missing, int64_t *out, struct err *err)
{
	const char *text = request_query(r, name);

	*out = missing;
	if (text == NULL || str_to_int(text, min, max, out))
		return true;
	(void)err_set(err, CAPQ_EINVAL, "'%s' must be a whole number from %" PRId64 " to %" PRId64,
		name, min, max);
	return false;
}

/* ---- finding the method ---- */

/* Match `path` with a pattern in which {id} stands for a positive number. */
static bool path_fits(const char *pattern, const char *path, int64_t *out_id)
{
	static const char placeholder[] = "{id}";
	const char *at = strstr(pattern, placeholder);
	char digits[24];
	size_t before, len;

	*out_id = 0;
	if (at == NULL)
		return strcmp(pattern, path) == 0;
	before = (size_t)(at - pattern);
	if (strncmp(pattern, path, before) != 0)
		return false;
	len = strspn(path + before, "0123456789");
	if (len == 0 || len >= sizeof digits ||
		strcmp(at + strlen(placeholder), path + before + len) != 0)
		return false;
	memcpy(digits, path + before, len);
	digits[len] = '\0';
	return str_to_int(digits, 1, INT64_MAX, out_id);
}

/* The method for the path and verb. NULL: none; `*out_other` then tells whether another verb is.
 * HEAD is a GET whose body MHD does not send. */
static const struct method *find_method(
	const char *path, const char *verb, int64_t *out_id, const char **out_other)
{
	if (strcmp(verb, "HEAD") == 0)
		verb = "GET";
	*out_other = NULL;
	for (const struct method *const *m = api_methods; *m != NULL; m++) {
		if (!path_fits((*m)->path, path, out_id))
			continue;
		if (strcmp((*m)->verb, verb) == 0)
			return *m;
		*out_other = (*m)->verb;
	}
	return NULL;
}

struct query_check {
	const struct method *method;
	const char *unknown;
};

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; (at = strstr(at, word)) != NULL; at += len)
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

static enum MHD_Result check_parameter(
	void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct query_check *check = cls;

	(void)kind;
	(void)value;
	if (!has_word(check->method->query, name))
		check->unknown = name;
	return MHD_YES;
}

static const char *unknown_parameter(const struct request *r)
{
	struct query_check check = { .method = r->method };

	(void)MHD_get_connection_values(
		r->connection, MHD_GET_ARGUMENT_KIND, check_parameter, &check);
	return check.unknown;
}

/* ---- may they? ---- */

static void identify(struct request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	access_identify(r->server->access, info->connect_fd, r->listener->is_unix,
		request_header(r, "Authorization"), &r->asker);
}

/* Somebody with a role of their own, however small: another token would change nothing. */
static bool is_known(const struct request *r)
{
	return r->listener->is_unix ||
	       (request_header(r, "Authorization") != NULL && r->asker.role != ROLE_NONE);
}

static bool refuse_asker(struct request *r)
{
	static const char *const roles[] = { "none", "read", "submit", "admin" };
	char detail[256];

	if (!r->listener->is_unix &&
		access_is_cross_site(request_header(r, "Host"), request_header(r, "Origin"))) {
		(void)answer_problem(r, 403, "cross-site requests are refused",
			"Host is no loopback name, or Origin is another site", NULL);
		return true;
	}
	identify(r);
	if (r->asker.role >= r->method->role)
		return false;
	(void)snprintf(detail, sizeof detail, "%s has the role '%s'; this needs '%s'",
		r->asker.name, roles[r->asker.role], roles[r->method->role]);
	if (!is_known(r))
		answer_header(r, "WWW-Authenticate", "Bearer");
	(void)answer_problem(r, is_known(r) ? 403 : 401, "you may not do this", detail,
		"Ask an administrator for a role in `access.rules`, or send a token (CAPQ_TOKEN).");
	return true;
}

/* Answer what can be refused by its headers. */
static bool refuse_early(struct request *r, const char *url, const char *verb)
{
	const char *path = str_starts(url, PREFIX) ? url + strlen(PREFIX) : "", *other, *unknown;
	char detail[256];

	r->method = find_method(path, verb, &r->id, &other);
	if (r->method == NULL && other != NULL) {
		(void)snprintf(detail, sizeof detail, "it takes %s", other);
		answer_header(r, "Allow", other);
		(void)answer_problem(r, 405, "that path does not take this method", detail, NULL);
	} else if (r->method == NULL) {
		(void)answer_problem(r, 404, "there is no such path", NULL,
			"docs/openapi.yaml lists all of them, below " PREFIX ".");
	} else if (refuse_asker(r)) {
		return true;
	} else if ((unknown = unknown_parameter(r)) != NULL) {
		(void)snprintf(detail, sizeof detail, "'%.64s' means nothing here; known are: %s",
			unknown, r->method->query[0] == '\0' ? "none" : r->method->query);
		(void)answer_problem(r, 400, "there is no such query parameter", detail, NULL);
	}
	return r->phase == ANSWERED;
}

static bool refuse_body(struct request *r)
{
	const char *length = request_header(r, "Content-Length");
	int64_t max = pipeline_settings(r->server->p)->limits.request_bytes, n;
	char detail[128];

	if (length == NULL || (str_to_int(length, 0, INT64_MAX, &n) && n <= max))
		return false;
	(void)snprintf(detail, sizeof detail, "at most %" PRId64 " bytes (limits.request)", max);
	(void)answer_problem(
		r, 413, "the body is too large", detail, "Send it in several requests.");
	return true;
}

/* ---- MHD's callbacks ---- */

static struct request *new_request(struct listener *listener, struct MHD_Connection *connection)
{
	struct request *r = xcalloc(1, sizeof *r);

	r->server = listener->server;
	r->listener = listener;
	r->connection = connection;
	return r;
}

static int take_body(struct request *r, const char *bytes, size_t len, struct err *err)
{
	r->body_len += len;
	if ((int64_t)r->body_len > pipeline_settings(r->server->p)->limits.request_bytes)
		return err_set(err, CAPQ_ETOOBIG, "the body is too large (limits.request)");
	if (r->method->body == BODY_PARTS)
		return r->method->feed(r, bytes, len, err);
	if (r->method->body == BODY_NONE)
		return 0;
	if (r->body.len + len > BODY_SMALL_MAX)
		return err_set(
			err, CAPQ_ETOOBIG, "the body has more than %u bytes", BODY_SMALL_MAX);
	str_add_bytes(&r->body, bytes, len);
	return 0;
}

static enum MHD_Result queue_answer(struct request *r)
{
	enum MHD_Result rv = MHD_queue_response(r->connection, (unsigned)r->status, r->response);

	MHD_destroy_response(r->response); /* MHD holds it as long as it needs it. */
	r->response = NULL;
	return rv;
}

/* A piece of the body. Once it is refused the rest is thrown away, up to a bound. */
static enum MHD_Result handle_piece(struct request *r, const char *bytes, size_t *len)
{
	struct err err;
	size_t n = *len;

	*len = 0;
	if (r->phase == ANSWERED) {
		r->body_len += n;
		return r->body_len > DISCARD_MAX ? MHD_NO : MHD_YES;
	}
	if (take_body(r, bytes, n, &err) < 0) {
		if (r->method->abandon != NULL)
			r->method->abandon(r);
		r->body_len = 0;
		if (r->phase == READING) /* Else the method has said it better. */
			(void)answer_err(r, &err);
	}
	return MHD_YES;
}

enum MHD_Result connection_handle(void *listener, struct MHD_Connection *connection,
	const char *url, const char *verb, const char *version, const char *upload,
	size_t *upload_size, void **state)
{
	struct request *r = *state;

	(void)version;
	if (r == NULL) {
		r = *state = new_request(listener, connection);
		if (!refuse_early(r, url, verb))
			(void)refuse_body(r);
		return MHD_YES;
	}
	if (*upload_size > 0)
		return handle_piece(r, upload, upload_size);
	if (r->phase == READING)
		(void)r->method->run(r);
	if (r->phase == PENDING) {
		MHD_suspend_connection(connection);
		return MHD_YES;
	}
	return r->response == NULL ? MHD_NO : queue_answer(r);
}

void connection_completed(void *unused, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode how)
{
	struct request *r = *state;

	(void)unused;
	(void)connection;
	(void)how;
	if (r == NULL)
		return;
	if (r->phase == PENDING) {
		request_unlink(r);
		if (r->cancel != NULL)
			r->cancel(r->cancel_owner);
	} else if (r->phase == READING && r->method != NULL && r->method->abandon != NULL) {
		r->method->abandon(r);
	}
	if (r->response != NULL)
		MHD_destroy_response(r->response);
	for (size_t i = 0; i < r->n_headers; i++) {
		free(r->headers[i].name);
		free(r->headers[i].value);
	}
	str_free(&r->body);
	free(r);
	*state = NULL;
}
