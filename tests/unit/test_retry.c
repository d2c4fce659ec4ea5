/* Which failed requests are sent again, and after how long. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/mem.h"
#include "push/retry.h"

#define NOW INT64_C(1795373856391) /* Sun, 22 Nov 2026 18:57:36 GMT, and some ms. */

static int64_t next(struct retry *retry, enum retry_call call, int status, const char *after)
{
	struct retry_try last = { .status = status, .retry_after = after, .body = "" };

	return retry_next(retry, call, &last, RETRY_FOR_MS, NOW, 0.5);
}

static void statuses(void **state)
{
	static const int retried[] = { 0, 429, 500, 502, 503, 504, 520, 599 };
	static const int final[] = { 400, 401, 404, 405, 409, 411, 413, 415, 301, 302 };

	(void)state;
	for (int call = 0; call < RETRY_CALLS; call++) {
		for (size_t i = 0; i < ARRAY_LEN(retried); i++) {
			struct retry retry = { 0 };

			assert_int_equal(next(&retry, (enum retry_call)call, retried[i], ""), 375);
		}
		for (size_t i = 0; i < ARRAY_LEN(final); i++) {
			struct retry retry = { 0 };

			assert_int_equal(next(&retry, (enum retry_call)call, final[i], ""), -1);
		}
	}
}

/* Only the object store's 403 may mean that the URL has expired. */
static void a_403(void **state)
{
	(void)state;
	for (int call = 0; call < RETRY_CALLS; call++) {
		struct retry retry = { 0 };

		assert_int_equal(
			next(&retry, (enum retry_call)call, 403, ""), call == RETRY_PUT ? 375 : -1);
	}
}

static void waits_grow_and_end(void **state)
{
	static const int64_t waits[] = { 375, 750, 1500, 3000, 6000, 11250, 11250, 11250, 11250,
		11250, 11250, 11250, -1 }; /* The last that began before 90 s of waiting. */
	struct retry retry = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++)
		assert_int_equal(next(&retry, RETRY_CREATE, 502, ""), waits[i]);
	assert_true(retry.waited_ms >= RETRY_FOR_MS);
}

static void chance(void **state)
{
	struct retry_try last = { .status = 500, .retry_after = "", .body = "" };
	struct retry low = { 0 }, high = { 0 };

	(void)state;
	assert_int_equal(retry_next(&low, RETRY_CACHE, &last, RETRY_FOR_MS, NOW, 0), 250);
	assert_int_equal(retry_next(&high, RETRY_CACHE, &last, RETRY_FOR_MS, NOW, 0.9999), 499);
}

static void what_the_server_asks_for(void **state)
{
	static const struct {
		const char *header, *body;
		int64_t wait;
	} cases[] = {
		{ "7", "", 7000 },
		{ "0", "", 375 },
		{ "-5", "", 375 },
		{ "100000", "", RETRY_AFTER_MAX_MS },
		{ "Sun, 22 Nov 2026 18:57:46 GMT", "", 10000 },
		{ "Sunday, 22-Nov-26 18:57:46 GMT", "", 10000 },
		{ "Sun, 22 Nov 2026 18:57:26 GMT", "", 375 }, /* Past. */
		{ "Mon, 23 Nov 2026 18:57:26 GMT", "", RETRY_AFTER_MAX_MS },
		{ "soon", "", 375 },
		{ "", "{\"title\":\"Bad gateway\",\"retry_after\":60}", 60000 },
		{ "3", "{\"retry_after\":60}", 3000 }, /* The header goes first. */
		{ "", "{\"retry_after\":-60}", 375 },
		{ "", "{\"retry_after\":\"60\"}", 375 },
		{ "", "{\"retry_after\":1e99}", 375 },
		{ "", "<html>", 375 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct retry_try last = {
			.status = 502,
			.retry_after = cases[i].header,
			.body = cases[i].body,
			.body_len = strlen(cases[i].body),
		};
		struct retry retry = { 0 };

		assert_int_equal(retry_next(&retry, RETRY_CACHE, &last, RETRY_FOR_MS, NOW, 0.5),
			cases[i].wait);
	}
}

/* A final answer stays one, whatever header it has. */
static void a_400_with_retry_after(void **state)
{
	struct retry retry = { 0 };

	(void)state;
	assert_int_equal(next(&retry, RETRY_CREATE, 400, "1"), -1);
}

/* Giving up happens when we end: it must not take long, whoever asks for it. */
static void an_abort_is_short(void **state)
{
	struct retry retry = { 0 };
	int64_t wait, all = retry_row(RETRY_ABORT)->total_ms;
	struct retry_try last = { .status = 0, .retry_after = "", .body = "" };

	(void)state;
	assert_int_equal(next(&retry, RETRY_ABORT, 502, "60"), -1);
	retry = (struct retry){ 0 };
	while ((wait = retry_next(&retry, RETRY_ABORT, &last, RETRY_FOR_MS, NOW, 0.9999)) >= 0)
		all += wait + retry_row(RETRY_ABORT)->total_ms;
	assert_true(all < 10000);
}

/* Nobody waits for ever, but a cache may take its time to put parts together. */
static void patience(void **state)
{
	(void)state;
	for (int call = 0; call < RETRY_CALLS; call++) {
		const struct retry_row *row = retry_row((enum retry_call)call);

		assert_int_equal(
			retry_stall_ms((enum retry_call)call, RETRY_PATIENCE_MS), row->stall_ms);
		assert_true(row->stall_ms > 0 || row->total_ms > 0);
	}
	assert_int_equal(retry_stall_ms(RETRY_CACHE, 1000), 1000);
	assert_int_equal(retry_stall_ms(RETRY_COMPLETE, 1000), 10000);
	assert_int_equal(retry_stall_ms(RETRY_COMPLETE, INT64_C(24) * 3600 * 1000),
		INT64_C(10) * 24 * 3600 * 1000);
	assert_int_equal(retry_stall_ms(RETRY_ABORT, 1000), 0);
}

static void nothing_is_allowed(void **state)
{
	struct retry_try last = { .status = 502, .retry_after = "", .body = "" };
	struct retry retry = { 0 };

	(void)state;
	assert_int_equal(retry_next(&retry, RETRY_CACHE, &last, 0, NOW, 0.5), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),
		cmocka_unit_test(a_403),
		cmocka_unit_test(waits_grow_and_end),
		cmocka_unit_test(chance),
		cmocka_unit_test(what_the_server_asks_for),
		cmocka_unit_test(a_400_with_retry_after),
		cmocka_unit_test(an_abort_is_short),
		cmocka_unit_test(patience),
		cmocka_unit_test(nothing_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
