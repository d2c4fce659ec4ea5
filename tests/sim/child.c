#include "tests/sim/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/argv.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "tests/sim/moment.h"
#include "tests/sim/world.h"

#define STOP_MS 5 /* From a stop signal to the end. */

struct act {
	int64_t at_ms;
	void (*on_line)(void *owner, const char *line, size_t len);
	char *line;
	void (*what)(void *thing);
	void *thing;
};

struct child {
	struct child *next;
	struct children *of;
	struct child_spec spec;
	struct argv argv;
	char *input;
	struct act *acts; /* In the order of time. */
	size_t n_acts, capacity, n_done;
	int64_t end_ms; /* How far its script is written; then when it ends. */
	struct child_end end;
	bool stopping;
};

const char *const *child_argv(const struct child *c)
{
	return argv_words(&c->argv);
}

const char *child_input(const struct child *c)
{
	return c->input;
}

/* ---- its script ---- */

void child_takes(struct child *c, int64_t ms)
{
	c->end_ms += ms;
}

int64_t child_time(const struct child *c)
{
	return c->end_ms;
}

static void add_act(struct child *c, const struct act *act)
{
	array_reserve(&c->acts, &c->capacity, c->n_acts + 1, sizeof *c->acts);
	c->acts[c->n_acts] = *act;
	c->acts[c->n_acts++].at_ms = c->end_ms;
}

void child_prints(struct child *c, const char *line)
{
	add_act(c, &(struct act){ .on_line = c->spec.on_stdout, .line = xstrdup(line) });
}

void child_complains(struct child *c, const char *line)
{
	add_act(c, &(struct act){ .on_line = c->spec.on_stderr, .line = xstrdup(line) });
}

void child_does(struct child *c, void (*what)(void *), void *thing)
{
	add_act(c, &(struct act){ .what = what, .thing = thing });
}

void child_exits(struct child *c, int status)
{
	c->end = (struct child_end){ .outcome = CHILD_EXITED, .code = status, .stderr_tail = "" };
}

/* ---- its life ---- */

static void free_child(struct child *c)
{
	struct child **at = &c->of->first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->of->n--;
	for (size_t i = 0; i < c->n_acts; i++)
		free(c->acts[i].line);
	free(c->acts);
	free(c->input);
	argv_finish(&c->argv);
	free(c);
}

static void on_end(void *owner)
{
	struct child *c = owner;

	moment_cancel(c);
	c->spec.on_done(c->spec.owner, &c->end);
	free_child(c);
}

static void on_act(void *owner)
{
	struct child *c = owner;
	const struct act *act = &c->acts[c->n_done++];

	if (act->what != NULL)
		act->what(act->thing);
	else if (act->on_line != NULL)
		act->on_line(c->spec.owner, act->line, strlen(act->line));
}

int child_start(struct children *children, const struct child_spec *spec, struct child **out,
	struct err *err)
{
	struct child *c = xcalloc(1, sizeof *c);

	(void)err;
	c->of = children;
	c->spec = *spec;
	argv_add_all(&c->argv, spec->argv);
	c->input = xstrndup(spec->input == NULL ? "" : spec->input, spec->input_len);
	c->next = children->first;
	children->first = c;
	children->n++;
	c->end_ms = moment_now();
	child_exits(c, 0);
	world_script(c);
	for (size_t i = 0; i < c->n_acts; i++)
		moment_at(c->acts[i].at_ms, on_act, c);
	moment_at(c->end_ms, on_end, c);
	*out = c;
	return 0;
}

void child_stop(struct child *c, enum child_outcome why)
{
	if (c->stopping)
		return;
	c->stopping = true;
	moment_cancel(c);
	world_stops(c);
	c->end = (struct child_end){ .outcome = why, .stderr_tail = "" };
	moment_at(moment_now() + STOP_MS, on_end, c);
}

void children_stop_all(struct children *children)
{
	for (struct child *c = children->first; c != NULL; c = c->next)
		child_stop(c, CHILD_STOPPED);
}

/* ---- what no simulation needs ---- */

int child_pid(const struct child *c)
{
	(void)c;
	return 1;
}

int64_t child_descendants_cpu_ms(const struct child *c)
{
	(void)c;
	return 0;
}

size_t children_kill_orphans(struct children *children)
{
	(void)children;
	return 0;
}

void child_describe_end(const struct child_end *end, char *out, size_t size)
{
	if (end->outcome == CHILD_EXITED)
		(void)snprintf(out, size, "exited with status %d", end->code);
	else
		(void)snprintf(out, size, "was stopped");
}
