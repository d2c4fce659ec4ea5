#include "lib/time_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/mem.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define DURATION_MAX (36525 * DAY)
#define SIZE_MAX_BYTES (INT64_C(1) << 60)

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit duration_units[] = {
	{ "ms", 1 },
	{ "s", SECOND },
	{ "m", MINUTE },
	{ "h", HOUR },
	{ "d", DAY },
};

static const struct unit size_units[] = {
	{ "", 1 },
	{ "B", 1 },
	{ "K", INT64_C(1) << 10 },
	{ "KiB", INT64_C(1) << 10 },
	{ "M", INT64_C(1) << 20 },
	{ "MiB", INT64_C(1) << 20 },
	{ "G", INT64_C(1) << 30 },
	{ "GiB", INT64_C(1) << 30 },
	{ "T", INT64_C(1) << 40 },
	{ "TiB", INT64_C(1) << 40 },
};

void time_to_rfc3339(int64_t ms, char out[TIME_TEXT_MAX])
{
	time_t seconds = (time_t)(ms / SECOND);
	int rest = (int)(ms % SECOND);
	struct tm tm;
	size_t len;

	if (rest < 0) {
		rest += (int)SECOND;
		seconds--;
	}
	if (gmtime_r(&seconds, &tm) == NULL) {
		(void)snprintf(out, TIME_TEXT_MAX, "0000-00-00T00:00:00.000Z");
		return;
	}
	len = strftime(out, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + len, TIME_TEXT_MAX - len, ".%03dZ", rest);
}

static int two_digits(const char *text)
{
	return (text[0] - '0') * 10 + (text[1] - '0');
}

bool time_from_rfc3339(const char *text, int64_t *out_ms)
{
	static const char form[] = "0000-00-00T00:00:00.000Z";
	char again[TIME_TEXT_MAX];
	struct tm tm = { 0 };
	int64_t ms;

	if (strlen(text) != sizeof form - 1)
		return false;
	for (size_t i = 0; i < sizeof form - 1; i++)
		if (form[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	tm.tm_year = two_digits(text) * 100 + two_digits(text + 2) - 1900;
	tm.tm_mon = two_digits(text + 5) - 1;
	tm.tm_mday = two_digits(text + 8);
	tm.tm_hour = two_digits(text + 11);
	tm.tm_min = two_digits(text + 14);
	tm.tm_sec = two_digits(text + 17);
	ms = (int64_t)timegm(&tm) * SECOND + two_digits(text + 20) * INT64_C(10) + (text[22] - '0');
	/* timegm() takes the 30th of February and 24:00:00 for other times. */
	time_to_rfc3339(ms, again);
	if (strcmp(text, again) != 0)
		return false;
	*out_ms = ms;
	return true;
}

void time_to_clock(int64_t ms, int64_t now_ms, char out[TIME_TEXT_MAX])
{
	static const int64_t day_ms = INT64_C(24) * 60 * 60 * 1000;
	time_t at = (time_t)(ms / 1000), now = (time_t)(now_ms / 1000);
	struct tm at_tm, now_tm;
	const char *format = "%Y-%m-%d %H:%M";

	(void)localtime_r(&at, &at_tm);
	(void)localtime_r(&now, &now_tm);
	if (at_tm.tm_yday == now_tm.tm_yday && at_tm.tm_year == now_tm.tm_year)
		format = "%H:%M";
	else if (ms - now_ms < 6 * day_ms && now_ms - ms < 6 * day_ms)
		format = "%a %H:%M";
	if (strftime(out, TIME_TEXT_MAX, format, &at_tm) == 0)
		out[0] = '\0';
}

void duration_to_text(int64_t ms, char out[TIME_TEXT_MAX])
{
	if (ms < 0)
		ms = 0;
	if (ms < SECOND)
		(void)snprintf(out, TIME_TEXT_MAX, "0.%" PRId64 "s", ms / 100);
	else if (ms < MINUTE)
		(void)snprintf(out, TIME_TEXT_MAX, "%" PRId64 "s", ms / SECOND);
	else if (ms < HOUR)
		(void)snprintf(out, TIME_TEXT_MAX, "%" PRId64 "m%02" PRId64 "s", ms / MINUTE,
			ms % MINUTE / SECOND);
	else if (ms < DAY)
		(void)snprintf(out, TIME_TEXT_MAX, "%" PRId64 "h%02" PRId64 "m", ms / HOUR,
			ms % HOUR / MINUTE);
	else
		(void)snprintf(out, TIME_TEXT_MAX, "%" PRId64 "d%02" PRId64 "h", ms / DAY,
			ms % DAY / HOUR);
}

/* Read digits at `*text` and move it behind them. False: none, or more than `max`. */
static bool read_digits(const char **text, int64_t max, int64_t *out)
{
	int64_t value = 0;

	if (!isdigit((unsigned char)**text))
		return false;
	for (; isdigit((unsigned char)**text); ++*text) {
		int digit = **text - '0';

		if (value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

static const struct unit *read_unit(const char **text, const struct unit *units, size_t n)
{
	size_t len = 0;

	while (isalpha((unsigned char)(*text)[len]))
		len++;
	for (size_t i = 0; i < n; i++) {
		if (strlen(units[i].name) == len && strncmp(units[i].name, *text, len) == 0) {
			*text += len;
			return &units[i];
		}
	}
	return NULL;
}

bool duration_from_text(const char *text, int64_t *out_ms)
{
	int64_t total = 0, last_factor = DURATION_MAX;
	const char *start = text;

	do {
		bool is_first = text == start;
		const struct unit *unit;
		int64_t n;

		if (!read_digits(&text, DURATION_MAX, &n))
			return false;
		if (*text == '\0' && is_first)
			unit = &duration_units[1]; /* A bare number: seconds. */
		else
			unit = read_unit(&text, duration_units, ARRAY_LEN(duration_units));
		/* "1h30m" falls from unit to unit; "30m1h" and "1m1m" are slips. */
		if (unit == NULL || unit->factor >= last_factor || n > DURATION_MAX / unit->factor)
			return false;
		last_factor = unit->factor;
		total += n * unit->factor;
	} while (*text != '\0' && total <= DURATION_MAX);
	if (total > DURATION_MAX)
		return false;
	*out_ms = total;
	return true;
}

void size_to_text(int64_t bytes, char out[TIME_TEXT_MAX])
{
	static const char *const names[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		(void)snprintf(out, TIME_TEXT_MAX, "%" PRId64 " B", bytes);
		return;
	}
	while (value >= 999.5 && unit + 1 < ARRAY_LEN(names)) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(
		out, TIME_TEXT_MAX, value < 9.95 ? "%.1f %s" : "%.0f %s", value, names[unit]);
}

bool size_from_text(const char *text, int64_t *out_bytes)
{
	const struct unit *unit;
	int64_t n;

	if (!read_digits(&text, SIZE_MAX_BYTES, &n))
		return false;
	while (text[0] == ' ' && text[1] != '\0')
		text++; /* "8 GiB", as size_to_text() writes it. */
	unit = read_unit(&text, size_units, ARRAY_LEN(size_units));
	if (unit == NULL || *text != '\0' || n > SIZE_MAX_BYTES / unit->factor)
		return false;
	*out_bytes = n * unit->factor;
	return true;
}

/* `value`, at least 0, in the largest of `units` that divides it. */
static void to_config(int64_t value, const struct unit *units, size_t n, char out[TIME_TEXT_MAX])
{
	const struct unit *best = &units[0];

	for (size_t i = 1; i < n; i++)
		if (value != 0 && value % units[i].factor == 0 && units[i].factor > 1)
			best = &units[i];
	(void)snprintf(out, TIME_TEXT_MAX, "%" PRId64 "%s", value / best->factor, best->name);
}

void duration_to_config(int64_t ms, char out[TIME_TEXT_MAX])
{
	if (ms == 0)
		(void)snprintf(out, TIME_TEXT_MAX, "0s");
	else
		to_config(ms, duration_units, ARRAY_LEN(duration_units), out);
}

void size_to_config(int64_t bytes, char out[TIME_TEXT_MAX])
{
	to_config(bytes, size_units, ARRAY_LEN(size_units), out);
}
