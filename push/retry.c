#include "push/retry.h"

#include <curl/curl.h>

#include "lib/json.h"
#include "lib/str.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define ALWAYS INT64_MAX

/* Tried again is, in every row, what got no answer, 429 and every 5xx; any other status is final.
 *
 * A part is sent again with a fresh URL, since the old one may have expired while we waited. After
 * `complete` the upload may be there although we heard nothing of it: the cache is asked first. It
 * puts the parts together while we wait, which takes minutes for some GB. Giving up happens when we
 * end, so all its tries together take less than 10 s. A file that is made while it is sent has to
 * be made again. */
static const struct retry_row rows[RETRY_CALLS] = {
	/*                   name                      stall        total        403    renewed
	   waits */
	[RETRY_CACHE] = { "asking for the cache", 60 * SECOND, 2 * MINUTE, false, false, ALWAYS },
	[RETRY_MISSING] = { "asking what is missing", 60 * SECOND, 5 * MINUTE, false, false,
		ALWAYS },
	[RETRY_CREATE] = { "beginning the upload", 60 * SECOND, 2 * MINUTE, false, false, ALWAYS },
	[RETRY_PRESIGN] = { "asking where a part goes", 60 * SECOND, 2 * MINUTE, false, false,
		ALWAYS },
	[RETRY_PUT] = { "sending a part", 60 * SECOND, 60 * MINUTE, true, true, ALWAYS },
	[RETRY_COMPLETE] = { "completing the upload", 10 * MINUTE, 30 * MINUTE, false, true,
		ALWAYS },
	[RETRY_ABORT] = { "giving the upload up", 0, 5 * SECOND / 2, false, false, SECOND },
	[RETRY_PIN] = { "pinning the path", 60 * SECOND, 2 * MINUTE, false, false, ALWAYS },
	[RETRY_MAKE] = { "making it a cache", 60 * SECOND, 2 * MINUTE, false, false, ALWAYS },
	[RETRY_FILE] = { "sending the file", 60 * SECOND, 60 * MINUTE, false, false, ALWAYS },
	[RETRY_PULLED_FILE] = { "sending the file", 5 * MINUTE, 0, false, true, ALWAYS },
	[RETRY_NARINFO] = { "sending the narinfo", 60 * SECOND, 2 * MINUTE, false, false, ALWAYS },
};

const struct retry_row *retry_row(enum retry_call call)
{
	return &rows[call];
}

int64_t retry_stall_ms(enum retry_call call, int64_t patience_ms)
{
	int64_t stall = rows[call].stall_ms;

	return stall / SECOND * patience_ms / (RETRY_PATIENCE_MS / SECOND);
}

static bool is_retried(const struct retry_row *row, int status)
{
	return status == 0 || status == 429 || status >= 500 || (status == 403 && row->retries_403);
}

/* A number in an answer of Cloudflare's, "retry_after": 60; 0 when there is none. */
static int64_t seconds_in_body(const char *body, size_t len)
{
	cleanup_json struct json *root = NULL;
	double seconds = 0;

	if (len == 0 || json_parse(body, len, &root, NULL) < 0)
		return 0;
	(void)json_double(json_get(root, "retry_after"), &seconds);
	return seconds > 0 && seconds < 1e6 ? (int64_t)seconds : 0;
}

/* What the server asks for, in ms; 0 when that is nothing, or past. */
static int64_t asked_for_ms(const struct retry_try *last, int64_t now_ms)
{
	int64_t seconds;
	time_t date;

	if (!str_to_int(last->retry_after, INT64_MIN, INT64_MAX, &seconds)) {
		date = last->retry_after[0] == '\0' ? -1 : curl_getdate(last->retry_after, NULL);
		seconds = date == -1 ? seconds_in_body(last->body, last->body_len)
				     : (int64_t)date - now_ms / SECOND;
	}
	if (seconds <= 0)
		return 0;
	return seconds < RETRY_AFTER_MAX_MS / SECOND ? seconds * SECOND : RETRY_AFTER_MAX_MS;
}

/* 500 ms, 1 s, 2 s, ... for the first, second, third failed try, and chance. */
static int64_t backoff_ms(int n, double chance)
{
	int64_t wait = RETRY_FIRST_MS, half;

	while (--n > 0 && wait < RETRY_WAIT_MAX_MS)
		wait *= 2;
	if (wait > RETRY_WAIT_MAX_MS)
		wait = RETRY_WAIT_MAX_MS;
	half = wait / 2;
	return half + (int64_t)((double)half * chance);
}

int64_t retry_next(struct retry *retry, enum retry_call call, const struct retry_try *last,
	int64_t allowed_ms, int64_t now_ms, double chance)
{
	const struct retry_row *row = retry_row(call);
	int64_t wait = asked_for_ms(last, now_ms);

	if (row->waits_max < allowed_ms)
		allowed_ms = row->waits_max;
	retry->n++;
	if (!is_retried(row, last->status) || retry->waited_ms >= allowed_ms)
		return -1;
	if (wait == 0)
		wait = backoff_ms(retry->n, chance);
	if (row->waits_max < wait)
		return -1;
	retry->waited_ms += wait;
	return wait;
}
