#include "tests/sim/story.h"

#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/forecast.h"
#include "sched/schedule.h"
#include "tests/sim/story_why.h"
#include "tests/sim/story_words.h"

#define THINGS_MAX 1000

/* A build, by its name; its id is its index + 1. */
struct thing {
	char name[32];
	struct sched_build spec;
	int64_t needs[8];
	size_t n_needs;
	int64_t takes_ms; /* On a builder of speed 1. */
	int64_t end_ms;   /* While it runs; INT64_MAX. */
	int64_t started_ms;
	bool is_gone;
};

struct told {
	double cost_ms;
	int64_t at_ms;
};

struct story {
	struct thing things[THINGS_MAX];
	size_t n;
	struct sched_builder builders[4];
	size_t n_builders;
	struct sched_policy policy;
	struct told *learnt;
	size_t n_learnt, learnt_capacity;
	char *submitters[8];
	size_t n_submitters;
	int64_t now_ms, back_ms;
	struct sched *s;
	struct str out;
};

static int64_t told_ms(const struct story *st)
{
	return st->now_ms - st->back_ms;
}

static void note(struct story *st, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct story *st, const char *format, ...)
{
	cleanup_free char *text = NULL, *at = words_time(st->now_ms);
	va_list args;

	va_start(args, format);
	assert_true(vasprintf(&text, format, args) >= 0);
	va_end(args);
	str_addf(&st->out, "%8s   %s\n", at, text);
}

static struct thing *thing(struct story *st, const char *name)
{
	for (size_t i = 0; i < st->n; i++)
		if (strcmp(st->things[i].name, name) == 0)
			return &st->things[i];
	words_wrong(name);
	return NULL;
}

static const char *name_of(const struct story *st, int64_t id)
{
	return id == 0 ? "nothing" : st->things[id - 1].name;
}

/* ---- time ---- */

static void begin_run(struct story *st, const struct sched_decision *d)
{
	const struct sched_builder *builder = &st->builders[d->builder];

	for (size_t i = 0; i < d->n; i++) {
		struct thing *t = &st->things[d->builds[i] - 1];

		t->started_ms = st->now_ms;
		t->end_ms = st->now_ms + (int64_t)((double)t->takes_ms / builder->speed);
	}
}

static void tell_start(struct story *st, const struct sched_decision *d)
{
	cleanup_str struct str line = { 0 };

	str_addf(&line, "start %s", name_of(st, d->builds[0]));
	if (st->n_builders > 1)
		str_addf(&line, " on %s", st->builders[d->builder].name);
	str_addf(&line, " by %s", sched_rule_name(d->rule));
	if (d->rule == SCHED_RULE_PROMISE && told_ms(st) > d->start_by_ms) {
		cleanup_free char *late = words_duration(told_ms(st) - d->start_by_ms);

		str_addf(&line, ", %s late", late);
	}
	if (d->runner_up != 0)
		str_addf(&line, "; %s is next", name_of(st, d->runner_up));
	note(st, "%s", str_text(&line));
}

static void decide(struct story *st)
{
	struct sched_decision d;

	for (;;) {
		sched_decide(st->s, told_ms(st), &d);
		if (d.n == 0)
			return;
		tell_start(st, &d);
		sched_started(st->s, &d, told_ms(st));
		begin_run(st, &d);
	}
}

static void set_ready(void *owner, int64_t build)
{
	sched_set_ready(owner, build, 0);
}

static void learn(struct story *st, double cost_ms)
{
	array_reserve(&st->learnt, &st->learnt_capacity, st->n_learnt + 1, sizeof *st->learnt);
	st->learnt[st->n_learnt].cost_ms = cost_ms;
	st->learnt[st->n_learnt++].at_ms = told_ms(st);
	sched_learn(st->s, cost_ms, told_ms(st));
}

static void end_run(struct story *st, struct thing *t)
{
	cleanup_free char *took = words_duration(st->now_ms - t->started_ms);

	note(st, "%s is built, in %s", t->name, took);
	t->end_ms = INT64_MAX;
	t->is_gone = true;
	sched_built(st->s, t->spec.id, told_ms(st), set_ready, st->s);
	learn(st, (double)t->takes_ms);
}

static void run_until(struct story *st, int64_t until_ms)
{
	for (;;) {
		struct thing *first = NULL;

		decide(st);
		for (size_t i = 0; i < st->n; i++)
			if (st->things[i].end_ms <= until_ms &&
				(first == NULL || st->things[i].end_ms < first->end_ms))
				first = &st->things[i];
		if (first == NULL)
			break;
		st->now_ms = first->end_ms;
		end_run(st, first);
	}
	st->now_ms = until_ms;
}

/* ---- builds come ---- */

static uint32_t submitter(struct story *st, const char *name)
{
	for (size_t i = 0; i < st->n_submitters; i++)
		if (strcmp(st->submitters[i], name) == 0)
			return sched_submitter(st->s, name);
	assert_true(st->n_submitters < ARRAY_LEN(st->submitters));
	st->submitters[st->n_submitters++] = xstrdup(name);
	return sched_submitter(st->s, name);
}

static void read_needs(struct story *st, struct thing *t, const char *names)
{
	cleanup_free char *copy = xstrdup(names);
	char *rest = copy;

	while (rest != NULL) {
		assert_true(t->n_needs < ARRAY_LEN(t->needs));
		t->needs[t->n_needs++] = thing(st, strsep(&rest, ","))->spec.id;
	}
}

/* What stands behind the name and the cost; returns how many times. */
static size_t read_build(
	struct story *st, struct words *w, struct thing *t, struct sched_want *want)
{
	size_t times = 1;
	const char *word;

	t->spec.cost_ms = (double)words_take_duration(w);
	t->spec.cost_sigma = 0.2;
	t->takes_ms = (int64_t)t->spec.cost_ms;
	while ((word = words_take(w)) != NULL) {
		if (strcmp(word, "spread") == 0)
			t->spec.cost_sigma = words_take_number(w);
		else if (strcmp(word, "takes") == 0)
			t->takes_ms = words_take_duration(w);
		else if (strcmp(word, "needs") == 0)
			read_needs(st, t, words_take(w));
		else if (strcmp(word, "weight") == 0)
			want->weight = words_take_number(w);
		else if (strcmp(word, "by") == 0)
			want->submitter = submitter(st, words_take(w));
		else if (strcmp(word, "leftover") == 0)
			want->is_leftover = true;
		else if (strcmp(word, "times") == 0)
			times = (size_t)words_take_number(w);
		else
			words_wrong(word);
	}
	return times;
}

static void add(struct story *st, const struct thing *new, const char *name)
{
	struct thing *t = &st->things[st->n++];

	assert_true(st->n <= THINGS_MAX);
	*t = *new;
	(void)snprintf(t->name, sizeof t->name, "%s", name);
	t->spec.id = (int64_t)st->n;
	t->end_ms = INT64_MAX;
	sched_add(st->s, &t->spec, t->needs, t->n_needs);
	if (sched_state(st->s, t->spec.id) == SCHED_OPEN)
		sched_set_ready(st->s, t->spec.id, 0);
}

static struct sched_want new_want(const struct story *st)
{
	return (struct sched_want){
		.jobs = 1, .weight = 1, .since_ms = told_ms(st), .start_by_ms = SCHED_PROMISE_NOW
	};
}

/* Returns by when it is to start. */
static int64_t want(struct story *st, const struct thing *t, const struct sched_want *want)
{
	struct sched_want got;

	sched_set_want(st->s, t->spec.id, want, told_ms(st));
	sched_want(st->s, t->spec.id, &got);
	return got.start_by_ms;
}

static void tell_promises(struct story *st, const struct thing *first, int64_t first_ms,
	const struct thing *last, int64_t last_ms)
{
	cleanup_free char *from = words_time(first_ms), *to = words_time(last_ms);

	if (first == last)
		note(st, "%s is to start by %s", first->name, from);
	else
		note(st, "%s to %s are to start by %s to %s", first->name, last->name, from, to);
}

static void on_submit(struct story *st, struct words *w)
{
	cleanup_free char *name = xstrdup(words_take(w));
	struct sched_want wanted = new_want(st);
	struct thing new = { 0 };
	size_t times = read_build(st, w, &new, &wanted);
	int64_t first_ms = 0, last_ms = 0;

	for (size_t i = 1; i <= times; i++) {
		cleanup_free char *numbered = str_format("%s%zu", name, i);

		add(st, &new, times > 1 ? numbered : name);
		last_ms = want(st, &st->things[st->n - 1], &wanted);
		if (i == 1)
			first_ms = last_ms;
	}
	tell_promises(st, &st->things[st->n - times], first_ms, &st->things[st->n - 1], last_ms);
}

static void on_add(struct story *st, struct words *w)
{
	cleanup_free char *name = xstrdup(words_take(w));
	struct sched_want nobody = { 0 };
	struct thing new = { 0 };

	(void)read_build(st, w, &new, &nobody);
	add(st, &new, name);
}

static void on_want(struct story *st, struct words *w)
{
	const struct thing *t = thing(st, words_take(w));
	struct sched_want wanted = new_want(st);
	int64_t start_by_ms = want(st, t, &wanted);

	tell_promises(st, t, start_by_ms, t, start_by_ms);
}

/* ---- what happens to them ---- */

static void on_supersede(struct story *st, struct words *w)
{
	const struct thing *older = thing(st, words_take(w)), *newer = thing(st, words_take(w));

	sched_supersede(st->s, older->spec.id, newer->spec.id);
	if (!sched_is_wanted(st->s, older->spec.id))
		note(st, "nobody wants %s any more", older->name);
}

static void change_want(struct story *st, struct words *w, bool is_held, bool is_bumped)
{
	const struct thing *t = thing(st, words_take(w));
	struct sched_want wanted;

	sched_want(st->s, t->spec.id, &wanted);
	wanted.is_held = is_held;
	if (is_bumped)
		wanted.bumped_ms = told_ms(st) + 1; /* The story's time begins at 0: never. */
	sched_set_want(st->s, t->spec.id, &wanted, told_ms(st));
}

static void on_used(struct story *st, struct words *w)
{
	double used_ms = (double)words_take_duration(w);

	(void)words_take(w);
	sched_set_usage(st->s, submitter(st, words_take(w)), used_ms, told_ms(st));
}

static void on_bump(struct story *st, struct words *w)
{
	change_want(st, w, false, true);
}

static void on_hold(struct story *st, struct words *w)
{
	change_want(st, w, true, false);
}

static void on_release(struct story *st, struct words *w)
{
	change_want(st, w, false, false);
}

static void on_fail(struct story *st, struct words *w)
{
	struct thing *t = thing(st, words_take(w));

	sched_remove(st->s, t->spec.id, told_ms(st));
	for (size_t i = 0; i < st->n; i++) {
		struct thing *other = &st->things[i];

		if (other->is_gone || sched_state(st->s, other->spec.id) != SCHED_UNKNOWN)
			continue;
		other->is_gone = true;
		other->end_ms = INT64_MAX;
		note(st, "%s %s", other->name, other == t ? "failed" : "fails with it");
	}
}

static void on_learn(struct story *st, struct words *w)
{
	double cost_ms = (double)words_take_duration(w), times = 1;
	cleanup_free char *is_long = NULL;

	if (words_take(w) != NULL)
		times = words_take_number(w);
	for (; times > 0; times--)
		learn(st, cost_ms);
	is_long = words_duration((int64_t)sched_long_ms(st->s));
	note(st, "long is what may take more than %s", is_long);
}

static void on_run(struct story *st, struct words *w)
{
	run_until(st, st->now_ms + words_take_duration(w));
}

static void on_clock(struct story *st, struct words *w)
{
	(void)words_take(w);
	st->back_ms += words_take_duration(w);
}

/* ---- the place ---- */

static void set_place(struct story *st)
{
	uint32_t system;

	assert_true(sched_system(st->s, "x86_64-linux", &system, NULL) == 0 && system == 0);
	sched_set_builders(st->s, st->builders, st->n_builders);
	sched_set_policy(st->s, &st->policy);
}

static void on_builder(struct story *st, struct words *w)
{
	struct sched_builder *b = &st->builders[st->n_builders++];

	assert_true(st->n_builders <= ARRAY_LEN(st->builders));
	b->name = xstrdup(words_take(w));
	b->systems = 1;
	b->slots[SCHED_BUILD] = (uint32_t)words_take_number(w);
	b->speed = 1;
	if (words_take(w) != NULL)
		b->speed = words_take_number(w);
	set_place(st);
}

static void on_slots(struct story *st, struct words *w)
{
	cleanup_free char *line = str_format("local %s", words_take(w));
	struct words local = words_of(line);

	on_builder(st, &local);
}

static void on_policy(struct story *st, struct words *w)
{
	const char *word;

	while ((word = words_take(w)) != NULL) {
		if (strcmp(word, "grace") == 0)
			st->policy.promise_grace_ms = words_take_duration(w);
		else if (strcmp(word, "factor") == 0)
			st->policy.promise_factor = words_take_number(w);
		else if (strcmp(word, "lane") == 0)
			st->policy.promise_slots = words_take_number(w);
		else if (strcmp(word, "reserve") == 0)
			st->policy.reserve = words_take_number(w);
		else
			words_wrong(word);
	}
	sched_set_policy(st->s, &st->policy);
}

/* What was known is told to a new schedule: what is kept over a restart, and nothing else. */
static void on_restart(struct story *st, struct words *unused)
{
	struct sched *old = st->s;

	(void)unused;
	for (size_t i = 0; i < st->n; i++)
		if (sched_state(old, st->things[i].spec.id) == SCHED_RUNNING)
			sched_requeue(old, st->things[i].spec.id, told_ms(st));
	st->s = sched_create();
	set_place(st);
	for (size_t i = 0; i < st->n_learnt; i++)
		sched_learn(st->s, st->learnt[i].cost_ms, st->learnt[i].at_ms);
	for (size_t i = 0; i < st->n_submitters; i++) {
		uint32_t number = sched_submitter(old, st->submitters[i]);

		sched_set_usage(st->s, sched_submitter(st->s, st->submitters[i]),
			sched_usage(old, number, told_ms(st)), told_ms(st));
	}
	for (size_t i = 0; i < st->n; i++) {
		struct thing *t = &st->things[i];

		t->end_ms = INT64_MAX;
		if (!t->is_gone)
			sched_add(st->s, &t->spec, t->needs, t->n_needs);
	}
	for (size_t i = 0; i < st->n; i++) {
		struct sched_want wanted;

		if (st->things[i].is_gone)
			continue;
		sched_want(old, st->things[i].spec.id, &wanted);
		sched_set_want(st->s, st->things[i].spec.id, &wanted, told_ms(st));
		if (sched_state(st->s, st->things[i].spec.id) == SCHED_OPEN)
			sched_set_ready(st->s, st->things[i].spec.id, 0);
	}
	sched_destroy(old);
}

/* ---- for people ---- */

static const char *name_for_people(const void *owner, int64_t id)
{
	return name_of(owner, id);
}

static void on_why(struct story *st, struct words *w)
{
	const struct thing *t = thing(st, words_take(w));
	cleanup_free char *why = NULL;

	if (sched_state(st->s, t->spec.id) == SCHED_UNKNOWN) {
		note(st, "%s is not there any more", t->name);
		return;
	}
	decide(st);
	why = story_why(st->s, t->spec.id, told_ms(st), name_for_people, st);
	note(st, "%s", why);
}

static void on_forecast(struct story *st, struct words *w)
{
	const struct thing *t = thing(st, words_take(w));
	struct forecast *f = forecast_make(sched_copy(st->s), told_ms(st), 41);
	struct forecast_span span;
	cleanup_free char *start = NULL, *done = NULL, *late = NULL;

	assert_true(forecast_get(f, t->spec.id, &span));
	start = words_time(span.start_p50_ms);
	done = words_time(span.done_p50_ms);
	late = words_time(span.done_p90_ms);
	note(st, "%s starts about %s, is built about %s (p90 %s)", t->name, start, done, late);
	forecast_destroy(f);
}

/* ---- the telling ---- */

static void run_line(struct story *st, const char *line)
{
	static const struct {
		const char *verb;
		void (*run)(struct story *st, struct words *words);
	} verbs[] = { { "slots", on_slots }, { "builder", on_builder }, { "policy", on_policy },
		{ "submit", on_submit }, { "add", on_add }, { "want", on_want },
		{ "supersede", on_supersede }, { "bump", on_bump }, { "hold", on_hold },
		{ "release", on_release }, { "fail", on_fail }, { "learn", on_learn },
		{ "used", on_used }, { "run", on_run }, { "clock", on_clock },
		{ "restart", on_restart }, { "why", on_why }, { "forecast", on_forecast } };
	struct words words = words_of(line);
	const char *verb = words_take(&words);

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verb, verbs[i].verb) != 0)
			continue;
		verbs[i].run(st, &words);
		return;
	}
	words_wrong(verb);
}

static void finish(struct story *st)
{
	for (size_t i = 0; i < st->n_builders; i++)
		free((char *)st->builders[i].name);
	for (size_t i = 0; i < st->n_submitters; i++)
		free(st->submitters[i]);
	free(st->learnt);
	sched_destroy(st->s);
	free(st);
}

char *story_tell(const char *script)
{
	struct story *st = xcalloc(1, sizeof *st);
	cleanup_free char *copy = xstrdup(script);
	char *rest = copy, *line, *text;
	bool has_begun = false;

	st->s = sched_create();
	st->policy = SCHED_POLICY_DEFAULT;
	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
		const char *told = strstr(line, "> ");
		cleanup_free char *at = words_time(st->now_ms);

		if (line[0] == '#' || (told == NULL && !has_begun)) {
			str_addf(&st->out, "%s\n", line);
			continue;
		}
		if (told == NULL)
			continue;
		has_begun = true;
		str_addf(&st->out, "%8s > %s\n", at, told + 2);
		run_line(st, told + 2);
	}
	text = str_take(&st->out);
	finish(st);
	return text;
}
