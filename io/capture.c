#include "io/capture.h"

#include <stdlib.h>

#include "lib/mem.h"

#define MAX_OUTPUT (1u << 20)
#define KILL_GRACE_MS 3000

struct capture {
	struct child *child;
	char *name;
	struct str out;
	void (*on_done)(void *owner, const char *message, const char *out);
	void *owner;
};

static void on_line(void *owner, const char *line, size_t len)
{
	struct capture *c = owner;

	if (c->out.len > 0)
		str_add_char(&c->out, '\n');
	str_add_bytes(&c->out, line, len);
}

static void on_done(void *owner, const struct child_end *end)
{
	struct capture *c = owner;
	cleanup_free char *message = NULL;
	char how[64];

	if (end->outcome != CHILD_EXITED || end->code != 0) {
		child_describe_end(end, how, sizeof how);
		message = str_format("%s %s%s%s", c->name, how,
			end->stderr_tail[0] != '\0' ? ": " : "", end->stderr_tail);
	}
	c->on_done(c->owner, message, str_text(&c->out));
	str_free(&c->out);
	free(c->name);
	free(c);
}

int capture_start(struct children *children, const struct capture_spec *spec, struct capture **out,
	struct err *err)
{
	struct capture *c = xcalloc(1, sizeof *c);
	struct child_spec child = {
		.name = spec->name,
		.argv = spec->argv,
		.env = spec->env,
		.timeout_ms = spec->timeout_ms,
		.kill_grace_ms = KILL_GRACE_MS,
		.max_output = spec->max_output == 0 ? MAX_OUTPUT : spec->max_output,
		.max_line =
			spec->max_output == 0 ? MAX_OUTPUT : spec->max_output, /* In no pieces. */
		.on_stdout = on_line,
		.on_done = on_done,
		.owner = c,
	};
	int rv;

	c->name = xstrdup(spec->name);
	c->on_done = spec->on_done;
	c->owner = spec->owner;
	rv = child_start(children, &child, &c->child, err);
	if (rv < 0) {
		free(c->name);
		free(c);
		return rv;
	}
	*out = c;
	return 0;
}

void capture_stop(struct capture *c)
{
	child_stop(c->child, CHILD_STOPPED);
}
