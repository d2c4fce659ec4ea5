#include <string.h>

#include "client/command.h"
#include "lib/str.h"

const struct option_spec global_options[] = {
	{ "server", '\0', "URL", "unix:/path or http(s)://host[:port]; else CAPQ_SERVER" },
	{ "json", '\0', NULL, "print JSON, errors too" },
	{ "no-color", '\0', NULL, "no colours" },
	{ "help", 'h', NULL, "explain the command" },
	{ "version", '\0', NULL, "print the version of capq" },
	{ .name = NULL },
};

/* A new command: its file, its name here twice, a section in docs/man/capq.1. */
extern const struct command cmd_submit, cmd_show, cmd_list, cmd_builds, cmd_status, cmd_history,
	cmd_stats, cmd_why, cmd_log, cmd_wait, cmd_watch, cmd_cancel, cmd_retry, cmd_hold,
	cmd_release, cmd_bump, cmd_drain, cmd_backup, cmd_estimates, cmd_export, cmd_lookup,
	cmd_gpus, cmd_inspect, cmd_merge, cmd_version, cmd_completion, cmd_help;

const struct command *const commands[] = {
	&cmd_submit,
	&cmd_wait,
	&cmd_watch,
	&cmd_status,
	&cmd_list,
	&cmd_show,
	&cmd_builds,
	&cmd_history,
	&cmd_stats,
	&cmd_log,
	&cmd_why,
	&cmd_cancel,
	&cmd_retry,
	&cmd_hold,
	&cmd_release,
	&cmd_bump,
	&cmd_drain,
	&cmd_backup,
	&cmd_estimates,
	&cmd_export,
	&cmd_lookup,
	&cmd_gpus,
	&cmd_inspect,
	&cmd_merge,
	&cmd_version,
	&cmd_completion,
	&cmd_help,
	NULL,
};

#define COMMANDS_MAX 32

/* The commands that begin with `name`; an exact match stands alone. */
static size_t find_beginning(const char *name, const struct command *out[COMMANDS_MAX])
{
	size_t n = 0;

	for (const struct command *const *c = commands; *c != NULL; c++) {
		if (strcmp((*c)->name, name) == 0) {
			out[0] = *c;
			return 1;
		}
		if (str_starts((*c)->name, name) && n < COMMANDS_MAX)
			out[n++] = *c;
	}
	return n;
}

static int refuse_ambiguous(
	const char *name, const struct command *const *found, size_t n, struct err *err)
{
	cleanup_str struct str list = { 0 };

	for (size_t i = 0; i < n; i++)
		str_addf(&list, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", found[i]->name);
	return err_set(err, CAPQ_EINVAL, "'%s' may be %s", name, list.text);
}

static int refuse_unknown(const char *name, struct err *err)
{
	const char *names[COMMANDS_MAX], *nearest[1];
	size_t n = 0;

	for (const struct command *const *c = commands; *c != NULL && n < COMMANDS_MAX; c++)
		names[n++] = (*c)->name;
	if (str_nearest(name, names, n, nearest, 1) > 0)
		return err_set(err, CAPQ_EINVAL, "no command '%.40s'; did you mean '%s'?", name,
			nearest[0]);
	return err_set(err, CAPQ_EINVAL, "no command '%.40s'; see capq help", name);
}

int command_find(const char *name, const struct command **out, struct err *err)
{
	const struct command *found[COMMANDS_MAX];
	size_t n = name[0] == '\0' ? 0 : find_beginning(name, found);

	if (n > 1)
		return refuse_ambiguous(name, found, n, err);
	if (n == 0)
		return refuse_unknown(name, err);
	*out = found[0];
	return 0;
}
