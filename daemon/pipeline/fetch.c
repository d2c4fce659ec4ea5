#include "daemon/pipeline/fetch.h"

#include <stdlib.h>

#include "lib/mem.h"
#include "lib/nix_event.h"
#include "lib/str.h"

struct fetch {
	struct fetch_spec spec;
	struct child *child;
	struct str words; /* Nix's errors. */
};

static void on_line(void *owner, const char *line, size_t len)
{
	struct fetch *f = owner;
	struct nix_event event;

	if (nix_event_is_progress(line, len))
		return;
	nix_event_parse(line, len, &event);
	if (((event.action == NIX_MSG && event.level == 0) || event.action == NIX_TEXT) &&
		f->words.len < 1000)
		str_addf(&f->words, "%s%s", f->words.len > 0 ? " " : "", str_text(&event.text));
	nix_event_finish(&event);
}

static void on_done(void *owner, const struct child_end *end)
{
	struct fetch *f = owner;
	bool ok = end->outcome == CHILD_EXITED && end->code == 0;
	char how[64];

	child_describe_end(end, how, sizeof how);
	f->spec.on_done(f->spec.owner, ok ? NULL : f->words.len > 0 ? str_text(&f->words) : how);
	str_free(&f->words);
	free(f);
}

int fetch_start(struct nix *nix, const struct fetch_spec *spec, struct fetch **out, struct err *err)
{
	struct fetch *f = xcalloc(1, sizeof *f);
	cleanup_argv struct argv argv = { 0 };
	struct child_spec child = {
		.name = "nix-store",
		.env = argv_words(&nix->env),
		.timeout_ms = (uint64_t)nix->settings->substitution_timeout_ms,
		.kill_grace_ms = 5000,
		.on_stderr = on_line,
		.on_done = on_done,
		.owner = f,
	};
	int rv;

	f->spec = *spec;
	f->spec.paths = NULL;
	nix_argv(nix, "nix-store", NIX_WITH_SUBSTITUTES, &argv);
	argv_add_all(
		&argv, (const char *const[]){ "-r", "--add-root", spec->root, "--indirect", NULL });
	for (size_t i = 0; i < spec->n; i++)
		argv_add(&argv, spec->paths[i]);
	child.argv = argv_words(&argv);
	rv = child_start(nix->children, &child, &f->child, err);
	if (rv < 0) {
		free(f);
		return rv;
	}
	*out = f;
	return 0;
}

void fetch_stop(struct fetch *f)
{
	child_stop(f->child, CHILD_STOPPED);
}
