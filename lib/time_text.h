/* Times and sizes as people and programs write them. Pure: nothing here asks a clock. */
#ifndef CAPQ_LIB_TIME_TEXT_H
#define CAPQ_LIB_TIME_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_TEXT_MAX 32 /* Enough for every text made here. */

/* RFC 3339 in UTC with milliseconds, "2026-11-22T17:25:01.042Z", from ms since 1970. */
void time_to_rfc3339(int64_t ms, char out[TIME_TEXT_MAX]);

/* The reverse, for that very form and years of four digits. False for anything else. */
bool time_from_rfc3339(const char *text, int64_t *out_ms);

/* For people, in the machine's own time zone: "14:20"; with the day when that is not the one of
 * `now_ms`: "Tue 09:30"; a week away or more: "2026-11-22 09:30". */
void time_to_clock(int64_t ms, int64_t now_ms, char out[TIME_TEXT_MAX]);

/* For people: "45s", "3m05s", "1h23m", "2d04h"; below a second "0.4s". Negative counts as 0. */
void duration_to_text(int64_t ms, char out[TIME_TEXT_MAX]);

/* "90", "90s", "10m", "1h30m", "2d", "250ms" to milliseconds; a bare number is seconds, units fall
 * from left to right. False when it is anything else or exceeds 100 years. */
bool duration_from_text(const char *text, int64_t *out_ms);

/* For people: "17 B", "4.2 KiB", "128 MiB", "3.1 GiB". */
void size_to_text(int64_t bytes, char out[TIME_TEXT_MAX]);

/* "4096", "64KiB", "8GiB", "1TiB" (also K, M, G, T, which mean the same) to bytes. False when it is
 * anything else or exceeds 2^60. */
bool size_from_text(const char *text, int64_t *out_bytes);

/* What the two readers take, written so that it can be read back exactly: "10m", "1500ms",
 * "8GiB", "1000". */
void duration_to_config(int64_t ms, char out[TIME_TEXT_MAX]);
void size_to_config(int64_t bytes, char out[TIME_TEXT_MAX]);

#endif
