#include "tests/support/sched_case.h"

#include "tests/support/cmocka_all.h"

#include <inttypes.h>

#include "lib/mem.h"

struct sched *sched_case_begin(uint32_t build_slots, uint32_t fetch_slots)
{
	struct sched *s = sched_create();
	struct sched_builder local = {
		.name = "local",
		.systems = 1u << LINUX,
		.slots = { build_slots, fetch_slots },
		.speed = 1,
	};
	uint32_t system;

	assert_int_equal(sched_system(s, "x86_64-linux", &system, NULL), 0);
	assert_int_equal(system, LINUX);
	sched_set_builders(s, &local, 1);
	return s;
}

struct sched_build sched_case_build(int64_t id, double cost_ms)
{
	return (struct sched_build){
		.id = id, .system = LINUX, .cost_ms = cost_ms, .cost_sigma = 0.1
	};
}

struct sched_want sched_case_want(int64_t since_ms)
{
	return (struct sched_want){
		.jobs = 1, .weight = 1, .since_ms = since_ms, .start_by_ms = SOME_DAY
	};
}

void sched_case_put(struct sched *s, const struct sched_build *build, const struct sched_want *want,
	const int64_t *needs)
{
	size_t n = 0;

	while (needs != NULL && needs[n] != 0)
		n++;
	sched_add(s, build, needs, n);
	sched_set_want(s, build->id, want, want->since_ms);
	if (sched_state(s, build->id) == SCHED_OPEN)
		sched_set_ready(s, build->id, 0);
}

void sched_case_add(struct sched *s, int64_t id, const int64_t *needs)
{
	struct sched_build build = sched_case_build(id, 10 * MINUTE);
	struct sched_want want = sched_case_want(id);
	size_t n = 0;

	while (needs != NULL && needs[n] != 0)
		n++;
	sched_add(s, &build, needs, n);
	sched_set_want(s, id, &want, 0);
}

void sched_case_add_ready(struct sched *s, int64_t id)
{
	sched_case_add(s, id, NULL);
	sched_set_ready(s, id, 0);
}

static void add_decision(const struct sched *s, const struct sched_decision *d, struct str *out)
{
	str_add(out, out->len > 0 ? " " : "");
	for (size_t i = 0; i < d->n; i++)
		str_addf(out, "%s%" PRId64, i > 0 ? "+" : "", d->builds[i]);
	if (sched_n_builders(s) > 1)
		str_addf(out, "@%s", sched_builder_name(s, d->builder));
}

char *sched_case_start_all(struct sched *s, int64_t now_ms)
{
	struct sched_decision decision;
	struct str out = { 0 };

	for (;;) {
		sched_decide(s, now_ms, &decision);
		if (decision.n == 0)
			return str_take(&out);
		sched_started(s, &decision, now_ms);
		add_decision(s, &decision, &out);
	}
}

void sched_case_assert_starts(struct sched *s, int64_t now_ms, const char *wanted)
{
	cleanup_free char *got = sched_case_start_all(s, now_ms);

	assert_string_equal(got, wanted);
}

void sched_case_start(struct sched *s, int64_t id, enum sched_rule rule, int64_t now_ms)
{
	struct sched_decision decision = { .n = 1, .builds = { id }, .rule = rule };

	sched_started(s, &decision, now_ms);
}

void sched_case_built(struct sched *s, int64_t id, int64_t now_ms)
{
	sched_built(s, id, now_ms, sched_case_set_ready, s);
}

void sched_case_note(void *owner, int64_t id)
{
	str_addf(owner, "%s%" PRId64, ((struct str *)owner)->len > 0 ? " " : "", id);
}

void sched_case_set_ready(void *owner, int64_t id)
{
	sched_set_ready(owner, id, 0);
}
