/* A stream in, events out; however the stream is cut. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "client/sse.h"
#include "lib/mem.h"

/* Events as one text: "name=data#id; " each. */
static char *read_in_pieces(const char *stream, size_t len, size_t piece)
{
	struct str transcript = { 0 };
	struct sse_event event;
	struct sse sse = { 0 };

	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		assert_int_equal(sse_feed(&sse, stream + at, n, NULL), 0);
		while (sse_next(&sse, &event)) {
			assert_int_equal(event.data[event.data_len], '\0');
			str_addf(&transcript, "%s=%s#%s; ", event.name, event.data, event.id);
		}
	}
	sse_finish(&sse);
	return str_take(&transcript);
}

static void test_streams(void **state)
{
	static const struct {
		const char *stream, *events;
	} cases[] = {
		{ "", "" },
		{ "data: one\n\n", "message=one#; " },
		{ "event: job\nid: 7\ndata: {}\n\n", "job={}#7; " },
		{ "event: job\r\ndata: a\r\n\r\ndata: b\r\n\r\n", "job=a#; message=b#; " },
		{ "data: a\rdata: b\r\rdata: c\r\r", "message=a\nb#; message=c#; " },
		{ "data: a\ndata:b\ndata\ndata:  c\n\n", "message=a\nb\n\n c#; " },
		{ "\xef\xbb\xbf"
		  "data: behind a mark\n\n",
			"message=behind a mark#; " },
		{ "\xef\xbb"
		  "data: no mark\n\ndata: x\n\n",
			"message=x#; " },
		{ ": a comment\n\n:\n\ndata: x\n\n", "message=x#; " },
		{ "event: lost\n\ndata: x\n\n", "message=x#; " },
		{ "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
			"message=a#1; message=b#1; message=c#; " },
		{ "id: 2\n\ndata: a\n\n", "message=a#2; " },
		{ "retry: 10\nunknown: x\nnothing\ndata: a\n\n", "message=a#; " },
		{ "data: unfinished\n", "" },
		{ "data: unfinished", "" },
		{ "data:\n\n", "message=#; " },
		{ "\n\n\ndata: a\n\n\n\n", "message=a#; " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].stream);

		for (size_t piece = 1; piece <= len + 1; piece++) {
			char *got = read_in_pieces(cases[i].stream, len, piece);

			assert_string_equal(got, cases[i].events);
			free(got);
		}
	}
}

static void test_an_id_with_a_nul_is_none(void **state)
{
	static const char stream[] = "id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n";
	char *got = read_in_pieces(stream, sizeof stream - 1, 5);

	(void)state;
	assert_string_equal(got, "message=a#1; message=b#1; ");
	free(got);
}

/* What was cut off is asked for again, so its id must not count. */
static void test_restart_forgets_what_is_unfinished(void **state)
{
	static const char first[] = "id: 4\ndata: a\n\nid: 5\ndata: b\n";
	static const char second[] = "data: c\n\n";
	struct sse_event event;
	struct sse sse = { 0 };

	(void)state;
	assert_int_equal(sse_feed(&sse, first, strlen(first), NULL), 0);
	assert_true(sse_next(&sse, &event));
	assert_false(sse_next(&sse, &event));
	sse_restart(&sse);
	assert_string_equal(sse.id, "4");
	assert_int_equal(sse_feed(&sse, second, strlen(second), NULL), 0);
	assert_true(sse_next(&sse, &event));
	assert_string_equal(event.data, "c");
	assert_string_equal(event.id, "4");
	sse_finish(&sse);
}

static void feed_until_refused(const char *line)
{
	struct sse_event event;
	struct sse sse = { 0 };
	struct err err = { 0 };
	size_t fed = 0;

	while (sse_feed(&sse, line, strlen(line), &err) == 0) {
		assert_false(sse_next(&sse, &event));
		fed += strlen(line);
		assert_true(fed < 4 * SSE_EVENT_MAX);
	}
	assert_int_equal(err.code, CAPQ_ETOOBIG);
	sse_finish(&sse);
}

static void test_an_event_without_end_is_refused(void **state)
{
	(void)state;
	feed_until_refused("data: all work and no play\n");
	feed_until_refused("a line that never ends, ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_an_id_with_a_nul_is_none),
		cmocka_unit_test(test_restart_forgets_what_is_unfinished),
		cmocka_unit_test(test_an_event_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
