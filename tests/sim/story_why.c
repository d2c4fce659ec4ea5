#include "tests/sim/story_why.h"

#include "lib/mem.h"
#include "lib/str.h"
#include "tests/sim/story_words.h"

static void add_time(struct str *line, const char *what, int64_t ms)
{
	cleanup_free char *at = words_time(ms);

	str_addf(line, "; %s %s", what, at);
}

static void add_times(const struct sched_why *why, int64_t now_ms, struct str *line)
{
	bool runs = why->rule == SCHED_WHY_RUNS;

	if (why->free_ms != 0)
		add_time(line, runs ? "until about" : "a slot is expected free at", why->free_ms);
	if (why->doubles_ms != 0 && why->doubles_ms != INT64_MAX)
		add_time(line, "it counts double from", why->doubles_ms);
	if (!runs && now_ms > why->start_by_ms) {
		cleanup_free char *late = words_duration(now_ms - why->start_by_ms);

		str_addf(line, "; overdue by %s", late);
	}
}

static void add_rule(
	const struct sched *s, const struct sched_why *why, const char *other, struct str *line)
{
	cleanup_free char *is_long = words_duration((int64_t)why->long_ms);

	switch (why->rule) {
	case SCHED_WHY_NEEDS:
		str_addf(line, "needs %s", other);
		return;
	case SCHED_WHY_HELD:
		str_add(line, "is on hold, or nobody wants it");
		return;
	case SCHED_WHY_RESERVE:
		str_addf(line, "may take more than %s, and %zu of %zu slots for such are taken",
			is_long, why->n, why->slots);
		return;
	case SCHED_WHY_LANE:
		str_addf(line, "waits for a slot for promises, of %zu, one taken by %s", why->slots,
			other);
		return;
	case SCHED_WHY_ORDER:
		str_addf(line, "waits for %zu that are before it, the nearest %s", why->n, other);
		return;
	case SCHED_WHY_NEXT:
		str_add(line, "is next");
		return;
	case SCHED_WHY_RUNS:
		str_addf(line, "runs on %s", sched_builder_name(s, why->builder));
		return;
	case SCHED_WHY_INPUTS:
	case SCHED_WHY_LATER:
	case SCHED_WHY_NO_BUILDER:
		words_wrong("why"); /* No story is about these. */
	}
}

char *story_why(const struct sched *s, int64_t build, int64_t now_ms,
	const char *(*name_of)(const void *owner, int64_t build), const void *owner)
{
	struct str line = { 0 };
	struct sched_why why;

	sched_why(s, build, now_ms, &why);
	str_addf(&line, "%s ", name_of(owner, build));
	add_rule(s, &why, name_of(owner, why.other), &line);
	add_times(&why, now_ms, &line);
	return str_take(&line);
}
