/* libcurl's multi interface tells us which sockets to watch (on_socket) and when to wake it
 * (on_timer_wanted); we tell it what happened (on_poll, on_timeout), and then collect the requests
 * that have ended (reap). Requests that were stopped, which libcurl forgets at once, are ended in
 * the next turn of the loop (on_later), so that `on_done` never runs inside http_stop(). */
#include "io/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "io/rate.h"
#include "lib/mem.h"
#include "lib/str.h"

/* Bodies from here on are sent so many bytes at a time. */
#define LARGE_BODY (256u << 10)

/* As many connections stay open for the requests to come; libcurl's own limit follows the number of
 * requests that run, and would close most of them in a moment of quiet. */
#define IDLE_CONNECTIONS 64

/* A list of requests, in order. */
struct queue {
	struct http_request *first, **last; /* `last` is where the next goes. */
};

struct http {
	uv_loop_t *loop;
	CURLM *multi;
	char *user_agent, *ca_file;
	uv_timer_t timer; /* When libcurl wants to be woken. */
	uv_timer_t later; /* Runs in the next turn while `stopped` is not empty. */
	struct http_request *stopped;
	size_t n_requests;

	struct rate rate;    /* What may be sent. */
	struct queue paused; /* Requests that wait for it, whoever waits longest first. */
	uv_timer_t refill;   /* Runs while `paused` is not empty. */
	int open_handles;    /* Of the three timers; at 0 this memory may go. */
};

/* One socket that libcurl wants watched. */
struct watch {
	uv_poll_t poll;
	struct http *http;
	curl_socket_t socket;
};

struct http_request {
	struct http *http;
	CURL *easy;
	struct http_request *next; /* In http->stopped. */
	void (*on_done)(void *owner, const struct http_end *end);
	size_t (*on_pull)(void *owner, char *buf, size_t size);
	void *owner;
	struct str answer;
	size_t max_answer;
	struct curl_slist *headers; /* An array whose strings are the caller's. */
	const char *body;           /* The caller's; what is left of it is behind `sent`. */
	size_t body_len, sent;
	bool is_sent_once;
	bool has_header; /* The answer's is whole. */
	bool is_paused;
	struct http_request *next_paused;
	char error[CURL_ERROR_SIZE];
};

/* ---- sending no faster than allowed ---- */

static void wait_for_room(struct http *http);

static void leave_queue(struct http_request *request)
{
	struct queue *queue = &request->http->paused;
	struct http_request **at = &queue->first;

	if (!request->is_paused)
		return;
	while (*at != request)
		at = &(*at)->next_paused;
	*at = request->next_paused;
	if (*at == NULL)
		queue->last = at;
	request->is_paused = false;
}

static void pause_request(struct http_request *request)
{
	struct queue *queue = &request->http->paused;

	request->is_paused = true;
	request->next_paused = NULL;
	*queue->last = request;
	queue->last = &request->next_paused;
	wait_for_room(request->http);
}

/* Let one go on, whoever waits longest: it takes a piece and lines up again, if there is none for
 * it. So none gets more than another. */
static void on_refill(uv_timer_t *refill)
{
	struct http *http = refill->data;
	struct http_request *request = http->paused.first;

	if (request == NULL)
		return;
	leave_queue(request);
	(void)curl_easy_pause(request->easy, CURLPAUSE_CONT);
	wait_for_room(http);
}

static void wait_for_room(struct http *http)
{
	if (http->paused.first != NULL && !uv_is_active((uv_handle_t *)&http->refill))
		uv_timer_start(&http->refill, on_refill, rate_wait_ms(&http->rate), 0);
}

/* libcurl wants the next bytes of a body. */
static size_t on_body(char *out, size_t one, size_t room, void *owner)
{
	struct http_request *request = owner;
	size_t left = request->body_len - request->sent, n = left < room ? left : room;

	(void)one; /* Always 1. */
	if (n > 0) {
		n = rate_take(&request->http->rate, clock_mono_us(), n);
		if (n == 0) {
			pause_request(request);
			return CURL_READFUNC_PAUSE;
		}
	}
	memcpy(out, request->body + request->sent, n);
	request->sent += n;
	return n;
}

/* The same for a body that comes piece by piece. What a short piece leaves of its share is lost. */
static size_t on_pull(char *out, size_t one, size_t room, void *owner)
{
	struct http_request *request = owner;
	size_t n = rate_take(&request->http->rate, clock_mono_us(), one * room);

	if (n == 0) {
		pause_request(request);
		return CURL_READFUNC_PAUSE;
	}
	n = request->on_pull(request->owner, out, n);
	return n == HTTP_PULL_LATER ? CURL_READFUNC_PAUSE : n;
}

/* libcurl would start over, because a kept connection had gone. */
static int on_rewind(void *owner, curl_off_t offset, int origin)
{
	struct http_request *request = owner;

	if (request->is_sent_once || origin != SEEK_SET || offset < 0 ||
		(size_t)offset > request->body_len)
		return CURL_SEEKFUNC_FAIL;
	request->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* ---- the end of a request ---- */

static const char *header_of(CURL *easy, const char *name)
{
	struct curl_header *header;

	return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
		       ? header->value
		       : "";
}

static void destroy_request(struct http_request *request)
{
	leave_queue(request);
	curl_easy_cleanup(request->easy);
	str_free(&request->answer);
	free(request->headers);
	free(request);
}

/* "" when it did not fail. */
static const char *why_failed(const struct http_request *request, CURLcode code)
{
	if (code == CURLE_OK)
		return request->has_header ? ""
					   : "the connection was closed in the answer's header";
	if (code == CURLE_WRITE_ERROR)
		return "the answer is longer than it may be";
	if (code == CURLE_SEND_FAIL_REWIND)
		return "the connection was closed before there was an answer";
	return request->error[0] != '\0' ? request->error : curl_easy_strerror(code);
}

static void finish_request(struct http_request *request, CURLcode code)
{
	bool is_answered = code == CURLE_OK && request->has_header;
	long status = 0;
	struct http_end end = {
		.outcome = is_answered ? HTTP_ANSWERED : HTTP_FAILED,
		.error = why_failed(request, code),
		.body = str_text(&request->answer),
		.body_len = request->answer.len,
		.etag = header_of(request->easy, "ETag"),
		.retry_after = header_of(request->easy, "Retry-After"),
	};

	(void)curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	end.status = is_answered ? (int)status : 0;
	(void)curl_multi_remove_handle(request->http->multi, request->easy);
	request->http->n_requests--;
	request->on_done(request->owner, &end);
	destroy_request(request);
}

/* End every request that libcurl is done with. */
static void reap(struct http *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
		CURLcode code = message->data.result;
		char *request = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
		finish_request((struct http_request *)(void *)request, code);
	}
}

static void on_later(uv_timer_t *later)
{
	struct http *http = later->data;
	static const struct http_end end = { .outcome = HTTP_STOPPED,
		.error = "stopped",
		.body = "",
		.etag = "",
		.retry_after = "" };

	while (http->stopped != NULL) {
		struct http_request *request = http->stopped;

		http->stopped = request->next;
		http->n_requests--;
		request->on_done(request->owner, &end);
		destroy_request(request);
	}
}

/* ---- between libcurl and libuv ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;
	struct http *http = watch->http;
	int flags = 0, running;

	if (status < 0) /* When it tries, libcurl finds out what is wrong: a reset, say. */
		flags |= CURL_CSELECT_IN | CURL_CSELECT_OUT;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	/* `watch` may be gone after this: libcurl may close the socket. */
	(void)curl_multi_socket_action(http->multi, watch->socket, flags, &running);
	reap(http);
}

static void on_timeout(uv_timer_t *timer)
{
	struct http *http = timer->data;
	int running;

	(void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(http);
}

/* libcurl must not be called from inside this; so even "now" is a timer. */
static int on_timer_wanted(CURLM *multi, long timeout_ms, void *owner)
{
	struct http *http = owner;

	(void)multi;
	if (timeout_ms < 0)
		uv_timer_stop(&http->timer);
	else
		uv_timer_start(&http->timer, on_timeout, (uint64_t)timeout_ms, 0);
	return 0;
}

static void on_watch_closed(uv_handle_t *poll)
{
	free(poll->data);
}

static void unwatch(struct http *http, curl_socket_t socket, struct watch *watch)
{
	if (watch == NULL)
		return;
	(void)curl_multi_assign(http->multi, socket, NULL);
	uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

static struct watch *watch_socket(struct http *http, curl_socket_t socket)
{
	struct watch *watch = xcalloc(1, sizeof *watch);
	int rv = uv_poll_init_socket(http->loop, &watch->poll, socket);

	assert(rv == 0); /* A socket of libcurl's, which epoll takes. */
	watch->poll.data = watch;
	watch->http = http;
	watch->socket = socket;
	(void)curl_multi_assign(http->multi, socket, watch);
	return watch;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *owner, void *socket_owner)
{
	struct http *http = owner;
	struct watch *watch = socket_owner;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		unwatch(http, socket, watch);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	if (watch == NULL)
		watch = watch_socket(http, socket);
	uv_poll_start(&watch->poll, events, on_poll);
	return 0;
}

/* ---- the start of a request ---- */

/* A line of a header. There may be several headers, for a proxy or "100 Continue"; the last counts.
 * libcurl takes one that ends in the middle of a line for whole, and its answer for a good one. */
static size_t on_header(char *line, size_t one, size_t len, void *owner)
{
	struct http_request *request = owner;

	(void)one; /* Always 1. */
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
		request->has_header = false;
	else if (line[0] == '\r' || line[0] == '\n')
		request->has_header = true;
	return len;
}

static size_t on_answer(char *bytes, size_t one, size_t len, void *owner)
{
	struct http_request *request = owner;

	(void)one; /* Always 1. */
	if (len > request->max_answer - request->answer.len)
		return 0; /* Ends it with CURLE_WRITE_ERROR. */
	str_add_bytes(&request->answer, bytes, len);
	return len;
}

/* The headers as libcurl wants them: a list whose nodes are ours and whose strings the caller's.
 * curl_slist_append() would copy them, secrets and all. */
static struct curl_slist *make_headers(const struct http_spec *spec)
{
	/* Ours: libcurl waits for a "100 Continue" before a large body and calls every body a form,
	 * unless told otherwise. */
	static char no_expect[] = "Expect:", no_type[] = "Content-Type:";
	size_t n = 0, used = 0;
	struct curl_slist *list;

	while (spec->headers != NULL && spec->headers[n] != NULL)
		n++;
	list = xcalloc(n + 2, sizeof *list);
	for (size_t i = 0; i < n; i++)
		list[used++].data = (char *)spec->headers[i];
	list[used++].data = no_expect;
	if (spec->body == NULL && spec->on_pull == NULL)
		list[used++].data = no_type;
	for (size_t i = 0; i + 1 < used; i++)
		list[i].next = &list[i + 1];
	return list;
}

/* Neither of libcurl's setters can fail with options it knows but for want of memory. */
static void set_text(CURL *easy, CURLoption option, const char *text)
{
	if (text != NULL && curl_easy_setopt(easy, option, text) != CURLE_OK)
		abort();
}

static void set_number(CURL *easy, CURLoption option, uint64_t number)
{
	if (curl_easy_setopt(easy, option, (long)number) != CURLE_OK)
		abort();
}

/* Its length is not known: HTTP/1.1 sends it in chunks. */
static void set_pulled_body(struct http_request *request)
{
	set_number(request->easy, CURLOPT_UPLOAD, 1);
	set_number(request->easy, CURLOPT_UPLOAD_BUFFERSIZE, LARGE_BODY);
	(void)curl_easy_setopt(request->easy, CURLOPT_READFUNCTION, on_pull);
	(void)curl_easy_setopt(request->easy, CURLOPT_READDATA, request);
}

/* Piece by piece, as the rate allows, and on_rewind(); with a Content-Length all the same. */
static void set_slow_body(struct http_request *request, const struct http_spec *spec)
{
	CURL *easy = request->easy;

	request->body = spec->body;
	request->body_len = spec->body_len;
	set_number(easy, CURLOPT_POST, 1);
	(void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_body);
	(void)curl_easy_setopt(easy, CURLOPT_READDATA, request);
	(void)curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_rewind);
	(void)curl_easy_setopt(easy, CURLOPT_SEEKDATA, request);
}

static void set_body(struct http_request *request, const struct http_spec *spec)
{
	CURL *easy = request->easy;

	if (spec->body_len >= LARGE_BODY)
		set_number(easy, CURLOPT_UPLOAD_BUFFERSIZE, LARGE_BODY);
	if (spec->body == NULL && strcmp(spec->method, "GET") == 0)
		return;
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)spec->body_len);
	if ((request->http->rate.per_second > 0 || spec->is_sent_once) && spec->body_len > 0)
		set_slow_body(request, spec);
	else /* From the caller's memory; it can start over by itself. */
		(void)curl_easy_setopt(
			easy, CURLOPT_POSTFIELDS, spec->body == NULL ? "" : spec->body);
	set_text(easy, CURLOPT_CUSTOMREQUEST, spec->method);
}

static void set_limits(CURL *easy, const struct http_spec *spec)
{
	set_number(easy, CURLOPT_CONNECTTIMEOUT_MS, spec->connect_ms);
	set_number(easy, CURLOPT_TIMEOUT_MS, spec->total_ms);
	if (spec->stall_ms > 0) {
		set_number(easy, CURLOPT_LOW_SPEED_LIMIT, 1); /* Bytes a second, for ... */
		set_number(easy, CURLOPT_LOW_SPEED_TIME, (spec->stall_ms + 999) / 1000);
	}
}

static void set_options(struct http_request *request, const struct http_spec *spec)
{
	CURL *easy = request->easy;

	set_text(easy, CURLOPT_URL, spec->url);
	set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	set_text(easy, CURLOPT_USERAGENT, request->http->user_agent);
	set_text(easy, CURLOPT_CAINFO, request->http->ca_file);
	set_number(easy, CURLOPT_NOSIGNAL, 1);
	set_number(easy, CURLOPT_TCP_KEEPALIVE, 1);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	if (spec->on_pull != NULL)
		set_pulled_body(request);
	else
		set_body(request, spec);
	set_limits(easy, spec);
}

struct http_request *http_start(struct http *http, const struct http_spec *spec)
{
	struct http_request *request = xcalloc(1, sizeof *request);
	CURLMcode rv;

	request->http = http;
	request->on_done = spec->on_done;
	request->on_pull = spec->on_pull;
	request->is_sent_once = spec->is_sent_once;
	request->owner = spec->owner;
	request->max_answer = spec->max_answer;
	request->headers = make_headers(spec);
	request->easy = curl_easy_init();
	if (request->easy == NULL)
		abort(); /* Memory is exhausted. */
	set_options(request, spec);
	http->n_requests++;
	rv = curl_multi_add_handle(http->multi, request->easy);
	assert(rv == CURLM_OK); /* A fresh handle. */
	return request;
}

void http_resume(struct http_request *request)
{
	if (!request->is_paused) /* Else its turn comes. */
		(void)curl_easy_pause(request->easy, CURLPAUSE_CONT);
}

void http_stop(struct http_request *request)
{
	struct http *http = request->http;

	(void)curl_multi_remove_handle(http->multi, request->easy);
	leave_queue(request);
	request->next = http->stopped;
	http->stopped = request;
	uv_timer_start(&http->later, on_later, 0, 0);
}

/* ---- libcurl's memory ---- */

static void free_wiped(void *memory)
{
	if (memory != NULL)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

static void *realloc_wiped(void *memory, size_t size)
{
	size_t old = malloc_usable_size(memory);
	void *fresh = malloc(size);

	if (fresh == NULL || memory == NULL)
		return fresh;
	memcpy(fresh, memory, old < size ? old : size);
	free_wiped(memory);
	return fresh;
}

/* ---- open and close ---- */

struct http *http_open(uv_loop_t *loop, const struct http_config *config)
{
	struct http *http = xcalloc(1, sizeof *http);

	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, free_wiped, realloc_wiped, strdup,
		    calloc) != CURLE_OK)
		abort();
	http->loop = loop;
	http->multi = curl_multi_init();
	if (http->multi == NULL)
		abort();
	http->user_agent = xstrdup(config->user_agent);
	http->ca_file = xstrdup_or_null(config->ca_file);
	uv_timer_init(loop, &http->timer);
	uv_timer_init(loop, &http->later);
	uv_timer_init(loop, &http->refill);
	http->timer.data = http->later.data = http->refill.data = http;
	http->open_handles = 3;
	http->paused.last = &http->paused.first;
	rate_init(&http->rate, config->max_send_rate, clock_mono_us());
	(void)curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
	(void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	(void)curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
	(void)curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	return http;
}

static void on_closed(uv_handle_t *timer)
{
	struct http *http = timer->data;

	if (--http->open_handles > 0)
		return;
	(void)curl_multi_cleanup(http->multi); /* Closes connections, and so ends their watches. */
	curl_global_cleanup();
	free(http->user_agent);
	free(http->ca_file);
	free(http);
}

void http_close(struct http *http)
{
	if (http == NULL)
		return;
	assert(http->n_requests == 0);
	/* libcurl goes in a later turn: we may be in reap(), which still asks it for more. */
	uv_close((uv_handle_t *)&http->timer, on_closed);
	uv_close((uv_handle_t *)&http->later, on_closed);
	uv_close((uv_handle_t *)&http->refill, on_closed);
}
