#include "client/api.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/problem.h"
#include "lib/mem.h"

#define ANSWER_MAX (64u << 20) /* Bytes of an answer that is read as a whole. */
#define PROBLEM_MAX (1u << 20) /* Bytes of an answer that says why not. */

struct api {
	const struct server *server;
	CURLM *connections; /* Keeps one open from one api_call() to the next. */
	struct json *problem;
};

/* Read to the end, at most `max` bytes. */
static int collect(
	const struct api *api, struct stream *stream, size_t max, struct str *out, struct err *err)
{
	const char *bytes;
	size_t len;
	int rv;

	while ((rv = stream_read(stream, STREAM_SILENCE_MS, &bytes, &len, err)) != STREAM_ENDED) {
		if (rv < 0)
			return rv;
		if (rv == STREAM_QUIET)
			continue; /* Not for ever: the stream counts the silence. */
		if (out->len + len > max)
			return err_set(err, CAPQ_ETOOBIG, "the answer of %s is larger than %zu MiB",
				api->server->name, max >> 20);
		str_add_bytes(out, bytes, len);
	}
	return 0;
}

/* ---- asking ---- */

static void forget_problem(struct api *api)
{
	json_free(api->problem);
	api->problem = NULL;
}

/* Wait for the status; when it is no good one, read why and fail. */
static int expect_success(struct api *api, struct stream *stream, struct err *err)
{
	cleanup_str struct str body = { 0 };
	long status = 0;
	int rv = stream_wait_status(stream, &status, err);

	if (rv < 0)
		return rv;
	if (status >= 200 && status < 300)
		return 0;
	if (collect(api, stream, PROBLEM_MAX, &body, NULL) == 0)
		(void)json_parse(str_text(&body), body.len, &api->problem, NULL);
	if (json_text(json_get(api->problem, "title")) == NULL)
		forget_problem(api);
	return problem_to_err(status, api->problem, api->server->name, err);
}

int api_open(
	struct api *api, const struct stream_request *request, struct stream **out, struct err *err)
{
	cleanup_stream struct stream *stream = stream_open(api->server, request, NULL);
	int rv;

	forget_problem(api);
	rv = expect_success(api, stream, err);
	if (rv == 0)
		*out = STEAL_POINTER(stream);
	return rv;
}

int api_call(
	struct api *api, const struct stream_request *request, struct json **out, struct err *err)
{
	cleanup_stream struct stream *stream = stream_open(api->server, request, api->connections);
	cleanup_str struct str answer = { 0 };
	int rv;

	forget_problem(api);
	rv = expect_success(api, stream, err);
	if (rv == 0)
		rv = collect(api, stream, ANSWER_MAX, &answer, err);
	if (rv == 0 && json_parse(str_text(&answer), answer.len, out, NULL) < 0)
		rv = err_set(err, CAPQ_EFAILED, "the answer of %s is no JSON; is that capqd?",
			api->server->name);
	return rv;
}

static int call_formatted(struct api *api, const char *method, struct json **out,
	const char *format, va_list args, struct err *err)
{
	struct stream_request request = { .method = method };
	char path[4096];
	int len = vsnprintf(path, sizeof path, format, args);

	if (len < 0 || (size_t)len >= sizeof path)
		return err_set(
			err, CAPQ_ETOOBIG, "the request is longer than %zu bytes", sizeof path);
	request.path = path;
	return api_call(api, &request, out, err);
}

int api_get(struct api *api, struct json **out, struct err *err, const char *format, ...)
{
	va_list args;
	int rv;

	va_start(args, format);
	rv = call_formatted(api, "GET", out, format, args, err);
	va_end(args);
	return rv;
}

int api_post(struct api *api, struct json **out, struct err *err, const char *format, ...)
{
	va_list args;
	int rv;

	va_start(args, format);
	rv = call_formatted(api, "POST", out, format, args, err);
	va_end(args);
	return rv;
}

/* ---- the connection ---- */

struct api *api_create(const struct server *server)
{
	struct api *api = xcalloc(1, sizeof *api);

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort(); /* No memory. */
	api->server = server;
	api->connections = curl_multi_init();
	if (api->connections == NULL)
		abort();
	return api;
}

void api_destroy(struct api *api)
{
	if (api == NULL)
		return;
	forget_problem(api);
	curl_multi_cleanup(api->connections);
	curl_global_cleanup();
	free(api);
}

const struct server *api_server(const struct api *api)
{
	return api->server;
}

const struct json *api_problem(const struct api *api)
{
	return api->problem;
}
