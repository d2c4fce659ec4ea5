/* What the owner of a request sees, against a server that says what it is told to. */
#include "tests/support/cmocka_all.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "io/http.h"
#include "lib/mem.h"
#include "lib/str.h"

#define SLOW_RATE (256 << 10) /* Bytes a second. */

/* The server handles one connection a test: it waits for the end of the request's header and what
 * the test wants behind it, and sends `answer`. */
struct fixture {
	uv_loop_t loop;
	struct http *http;
	uv_tcp_t listener, connection;
	uv_write_t write;
	char url[64];
	const char *answer; /* NULL: it never answers. */
	size_t body_wanted; /* Bytes behind the request's header. */
	bool hangs_up;      /* Behind the answer. */
	bool accepted, answered;
	struct str request;

	struct http_request *running;
	struct str transcript;
	int ends;
};

static void close_server(struct fixture *f)
{
	if (f->accepted && !uv_is_closing((uv_handle_t *)&f->connection))
		uv_close((uv_handle_t *)&f->connection, NULL);
	if (!uv_is_closing((uv_handle_t *)&f->listener))
		uv_close((uv_handle_t *)&f->listener, NULL);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	static char room[65536];

	(void)handle;
	(void)suggested;
	*buf = uv_buf_init(room, sizeof room);
}

static void on_written(uv_write_t *write, int status)
{
	struct fixture *f = write->data;

	(void)status;
	if (f->hangs_up && !uv_is_closing((uv_handle_t *)&f->connection))
		uv_close((uv_handle_t *)&f->connection, NULL);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
	struct fixture *f = stream->data;
	uv_buf_t answer;
	char *end;

	if (nread < 0)
		return;
	str_add_bytes(&f->request, buf->base, (size_t)nread);
	end = strstr(f->request.text, "\r\n\r\n");
	if (f->answered || f->answer == NULL || end == NULL ||
		f->request.len < (size_t)(end + 4 - f->request.text) + f->body_wanted)
		return;
	f->answered = true;
	answer = uv_buf_init((char *)f->answer, (unsigned)strlen(f->answer));
	f->write.data = f;
	uv_write(&f->write, stream, &answer, 1, on_written);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct fixture *f = listener->data;

	assert_int_equal(status, 0);
	uv_tcp_init(&f->loop, &f->connection);
	f->connection.data = f;
	f->accepted = true;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)&f->connection), 0);
	uv_read_start((uv_stream_t *)&f->connection, on_alloc, on_read);
}

static int setup_at_rate(void **state, uint64_t rate)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	struct http_config config = { .user_agent = "test/1", .max_send_rate = rate };
	struct sockaddr_in address;
	int len = sizeof address;

	uv_loop_init(&f->loop);
	uv_tcp_init(&f->loop, &f->listener);
	f->listener.data = f;
	uv_ip4_addr("127.0.0.1", 0, &address);
	uv_tcp_bind(&f->listener, (struct sockaddr *)&address, 0);
	uv_listen((uv_stream_t *)&f->listener, 1, on_connection);
	uv_tcp_getsockname(&f->listener, (struct sockaddr *)&address, &len);
	snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d/path?query", ntohs(address.sin_port));
	f->http = http_open(&f->loop, &config);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_at_rate(state, 0);
}

static int setup_slow(void **state)
{
	return setup_at_rate(state, SLOW_RATE);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0); /* No handle was left behind. */
	str_free(&f->request);
	str_free(&f->transcript);
	free(f);
	return 0;
}

static void on_done(void *owner, const struct http_end *end)
{
	static const char *const names[] = { "answered", "failed", "stopped" };
	struct fixture *f = owner;

	f->ends++;
	str_addf(&f->transcript, "%s %d '%s'", names[end->outcome], end->status, end->body);
	if (end->etag[0] != '\0' || end->retry_after[0] != '\0')
		str_addf(&f->transcript, " etag %s retry-after %s", end->etag, end->retry_after);
	if (end->outcome == HTTP_FAILED) {
		assert_true(end->error[0] != '\0');
		assert_null(strstr(end->error, "query")); /* Not the URL. */
	}
	http_close(f->http);
	close_server(f);
}

static struct http_spec spec_of(struct fixture *f, const char *method)
{
	return (struct http_spec){
		.method = method,
		.url = f->url,
		.max_answer = 1000,
		.total_ms = 20000,
		.on_done = on_done,
		.owner = f,
	};
}

static void run(struct fixture *f, const struct http_spec *spec, const char *transcript)
{
	f->running = http_start(f->http, spec);
	assert_int_equal(f->ends, 0); /* No callback from inside http_start(). */
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->ends, 1);
	assert_string_equal(str_text(&f->transcript), transcript);
}

static bool was_sent(const struct fixture *f, const char *line)
{
	return strstr(str_text(&f->request), line) != NULL;
}

static void a_get(void **state)
{
	struct fixture *f = *state;
	const char *headers[] = { "X-One: 1", "Authorization: Bearer t", NULL };
	struct http_spec spec = spec_of(f, "GET");

	spec.headers = headers;
	f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\netag: \"quoted\"\r\n"
		    "RETRY-AFTER: 7\r\n\r\nhi";
	run(f, &spec, "answered 200 'hi' etag \"quoted\" retry-after 7");
	assert_true(str_starts(str_text(&f->request), "GET /path?query HTTP/1.1\r\n"));
	assert_true(was_sent(f, "\r\nX-One: 1\r\n"));
	assert_true(was_sent(f, "\r\nAuthorization: Bearer t\r\n"));
	assert_true(was_sent(f, "\r\nUser-Agent: test/1\r\n"));
	assert_false(was_sent(f, "Content-Type"));
}

static void an_error_is_an_answer(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "GET");

	f->answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone";
	run(f, &spec, "answered 404 'gone'");
}

static void redirects_are_not_followed(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "GET");

	f->answer = "HTTP/1.1 302 Found\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n";
	run(f, &spec, "answered 302 ''");
}

static void an_empty_post(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "POST");

	f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	run(f, &spec, "answered 200 ''");
	assert_true(was_sent(f, "POST /path?query"));
	assert_true(was_sent(f, "\r\nContent-Length: 0\r\n"));
	assert_false(was_sent(f, "Content-Type"));
	assert_false(was_sent(f, "Transfer-Encoding"));
}

/* Large enough that libcurl would ask for leave to send it. */
static void a_large_put(void **state)
{
	struct fixture *f = *state;
	const char *headers[] = { "Content-Type: application/octet-stream", NULL };
	struct http_spec spec = spec_of(f, "PUT");

	spec.headers = headers;
	spec.body_len = f->body_wanted = 3 << 20;
	spec.body = xcalloc(1, spec.body_len);
	f->answer = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\n\r\n";
	run(f, &spec, "answered 200 '' etag \"e\" retry-after ");
	assert_true(was_sent(f, "PUT /path?query"));
	assert_true(was_sent(f, "\r\nContent-Length: 3145728\r\n"));
	assert_true(was_sent(f, "\r\nContent-Type: application/octet-stream\r\n"));
	assert_false(was_sent(f, "Expect"));
	assert_false(was_sent(f, "chunked"));
	free((void *)spec.body);
}

/* At a limited rate: whole, in order, with its length before it, and no sooner than allowed. */
static void a_slow_put(void **state)
{
	struct fixture *f = *state;
	size_t len = 200 << 10;
	cleanup_free char *body = xmalloc(len);
	struct http_spec spec = spec_of(f, "PUT");
	int64_t began = clock_mono_ms();

	for (size_t i = 0; i < len; i++)
		body[i] = (char)('a' + i % 23);
	spec.body = body;
	spec.body_len = f->body_wanted = len;
	f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	run(f, &spec, "answered 200 ''");
	assert_true(was_sent(f, "\r\nContent-Length: 204800\r\n"));
	assert_memory_equal(strstr(f->request.text, "\r\n\r\n") + 4, body, len);
	/* A quarter of a second's bytes go at once. */
	assert_true(
		clock_mono_ms() - began >= (int64_t)(len - SLOW_RATE / 4) * 1000 / SLOW_RATE - 5);
}

static void an_answer_that_is_cut(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "GET");

	f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
	f->hangs_up = true;
	run(f, &spec, "failed 0 'half'");
}

/* Not a good answer without a body. */
static void a_header_that_is_cut(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "GET");

	f->answer = "HTTP/1.1 200 OK\r\nContent-Len";
	f->hangs_up = true;
	run(f, &spec, "failed 0 ''");
}

static void two_headers(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "GET");

	f->answer = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Len";
	f->hangs_up = true;
	run(f, &spec, "failed 0 ''");
}

static void an_answer_that_is_too_long(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "GET");

	spec.max_answer = 3;
	f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlong";
	run(f, &spec, "failed 0 ''");
}

static void no_answer(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "GET");

	spec.total_ms = 100;
	run(f, &spec, "failed 0 ''");
}

static void nobody_there(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "GET");

	close_server(f);
	run(f, &spec, "failed 0 ''");
}

static void no_url(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "GET");

	spec.url = "file:///etc/passwd?query";
	run(f, &spec, "failed 0 ''");
}

static void stop_it(uv_timer_t *timer)
{
	struct fixture *f = timer->data;

	http_stop(f->running);
	assert_int_equal(f->ends, 0); /* No callback from inside http_stop(). */
	uv_close((uv_handle_t *)timer, NULL);
}

static void stopped_while_it_waits(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "GET");
	uv_timer_t timer;

	uv_timer_init(&f->loop, &timer);
	timer.data = f;
	uv_timer_start(&timer, stop_it, 50, 0);
	run(f, &spec, "stopped 0 ''");
}

/* While it waits for its turn to send. */
static void stopped_while_it_is_slow(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "PUT");
	uv_timer_t timer;

	spec.body_len = 10 << 20;
	spec.body = xcalloc(1, spec.body_len);
	uv_timer_init(&f->loop, &timer);
	timer.data = f;
	uv_timer_start(&timer, stop_it, 50, 0);
	run(f, &spec, "stopped 0 ''");
	free((void *)spec.body);
}

/* The answer comes before all is sent, and then nobody listens. */
static void an_early_answer(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "PUT");

	spec.body_len = 10 << 20;
	spec.body = xcalloc(1, spec.body_len);
	f->answer = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno";
	run(f, &spec, "answered 403 'no'");
	free((void *)spec.body);
}

static void stopped_at_once(void **state)
{
	struct fixture *f = *state;
	struct http_spec spec = spec_of(f, "GET");

	http_stop(http_start(f->http, &spec));
	assert_int_equal(f->ends, 0);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_string_equal(str_text(&f->transcript), "stopped 0 ''");
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define SLOWLY(test) cmocka_unit_test_setup_teardown(test, setup_slow, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(a_get),
		WITH_FIXTURE(an_error_is_an_answer),
		WITH_FIXTURE(redirects_are_not_followed),
		WITH_FIXTURE(an_empty_post),
		WITH_FIXTURE(a_large_put),
		WITH_FIXTURE(an_answer_that_is_cut),
		WITH_FIXTURE(a_header_that_is_cut),
		WITH_FIXTURE(two_headers),
		WITH_FIXTURE(an_answer_that_is_too_long),
		WITH_FIXTURE(no_answer),
		WITH_FIXTURE(nobody_there),
		WITH_FIXTURE(no_url),
		WITH_FIXTURE(stopped_while_it_waits),
		WITH_FIXTURE(stopped_at_once),
		SLOWLY(a_get),
		SLOWLY(an_empty_post),
		SLOWLY(a_slow_put),
		SLOWLY(stopped_while_it_is_slow),
		SLOWLY(an_early_answer),
	};

	signal(SIGPIPE, SIG_IGN);
	setenv("no_proxy", "127.0.0.1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
