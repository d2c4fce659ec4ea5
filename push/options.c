#include "push/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "lib/time_text.h"
#include "push/option_table.h"
#include "push/retry.h"

#define JOBS 32 /* As many requests at a time as the official client makes. */
#define JOBS_MAX 64
#define MEMORY (INT64_C(128) << 20)
#define MEMORY_MIN (INT64_C(32) << 20) /* The process, a part and a compressor. */
#define RATE_MIN (INT64_C(64) << 10)   /* Shared by all connections, none may look stalled. */
#define PATIENCE_MIN_MS INT64_C(1000)
#define PATIENCE_MAX_MS (INT64_C(24) * 3600 * 1000)
#define KEEP_MAX 1000000

/* What getopt_long() returns for the option with this id: no character, and neither 0 nor '?'. */
#define FIRST_VALUE 256

static int read_number(
	const char *name, const char *text, int64_t min, int64_t max, int64_t *out, struct err *err)
{
	if (!str_to_int(text, min, max, out))
		return err_set(err, CAPQ_EINVAL,
			"%s '%s': it must be a number from %" PRId64 " to %" PRId64, name, text,
			min, max);
	return 0;
}

static int read_duration(const char *name, const char *text, int64_t *out, struct err *err)
{
	if (!duration_from_text(text, out))
		return err_set(
			err, CAPQ_EINVAL, "%s '%s' is no time such as 90s or 10m", name, text);
	return 0;
}

static int read_patience(const char *text, int64_t *out, struct err *err)
{
	int rv = read_duration("--patience", text, out, err);

	if (rv == 0 && (*out < PATIENCE_MIN_MS || *out > PATIENCE_MAX_MS))
		return err_set(err, CAPQ_EINVAL, "--patience '%s': it must be from 1s to 1d", text);
	return rv;
}

static int read_size(const char *name, const char *text, int64_t min, int64_t *out, struct err *err)
{
	char least[TIME_TEXT_MAX];

	if (size_from_text(text, out) && *out >= min)
		return 0;
	size_to_config(min, least);
	return err_set(err, CAPQ_EINVAL, "%s '%s' is no size such as 128MiB, or less than %s", name,
		text, least);
}

static void add_pattern(struct choice_rules *rules, const char *pattern)
{
	array_reserve(&rules->skip, &rules->skip_capacity, rules->n_skip + 1, sizeof *rules->skip);
	rules->skip[rules->n_skip++] = pattern;
}

static int read_upstream(struct choice_rules *rules, const char *text, struct err *err)
{
	int rv = trust_add(&rules->upstream, text, err);

	return rv < 0 ? err_wrap(err, "--upstream") : 0;
}

/* At most one of the --keep options. */
static int read_keep(struct options *options, const char *name, enum pin_rule rule,
	const char *text, struct err *err)
{
	if (options->keep.rule != PIN_DEFAULT)
		return err_set(err, CAPQ_EINVAL,
			"%s: give only one of --keep-days, --keep-revisions and --keep-forever",
			name);
	options->keep.rule = rule;
	return text == NULL ? 0 : read_number(name, text, 1, KEEP_MAX, &options->keep.n, err);
}

static int read_method(struct options *options, const char *text, struct err *err)
{
	options->is_auto = strcmp(text, "auto") == 0;
	if (options->is_auto)
		return 0;
	for (int m = 0; m < COMPRESS_METHODS; m++) {
		if (strcmp(text, compress_names((enum compress_method)m)->name) == 0) {
			options->method = (enum compress_method)m;
			return 0;
		}
	}
	return err_set(err, CAPQ_EINVAL, "--compression '%s': it must be auto, zstd or xz", text);
}

/* One option; `text` is its argument, if it has one. */
static int read_option(struct options *o, enum option_id id, const char *text, struct err *err)
{
	int64_t size = 0;
	int rv;

	switch (id) {
	case OPTION_CACHE:
		o->cache = text;
		return 0;
	case OPTION_HOST:
		o->host = text;
		return 0;
	case OPTION_TO:
		o->to = text;
		return 0;
	case OPTION_SIGNING_KEY:
		o->signing_key = text;
		return 0;
	case OPTION_COMPRESSION:
		return read_method(o, text, err);
	case OPTION_LEVEL:
		return read_number("--level", text, 0, 19, &o->level, err);
	case OPTION_JOBS:
		return read_number("--jobs", text, 1, JOBS_MAX, &o->jobs, err);
	case OPTION_MEMORY:
		return read_size("--memory", text, MEMORY_MIN, &o->memory, err);
	case OPTION_LIMIT_RATE:
		return read_size("--limit-rate", text, RATE_MIN, &o->limit_rate, err);
	case OPTION_NO_CLOSURE:
		o->is_shallow = true;
		return 0;
	case OPTION_SKIP:
		add_pattern(&o->choice, text);
		return 0;
	case OPTION_MAX_NAR_SIZE:
		rv = read_size("--max-nar-size", text, 1, &size, err);
		o->choice.max_nar_size = (uint64_t)size;
		return rv;
	case OPTION_UPSTREAM:
		return read_upstream(&o->choice, text, err);
	case OPTION_PIN:
		o->pin = text;
		return 0;
	case OPTION_KEEP_DAYS:
		return read_keep(o, "--keep-days", PIN_DAYS, text, err);
	case OPTION_KEEP_REVISIONS:
		return read_keep(o, "--keep-revisions", PIN_REVISIONS, text, err);
	case OPTION_KEEP_FOREVER:
		return read_keep(o, "--keep-forever", PIN_FOREVER, NULL, err);
	case OPTION_DRY_RUN:
		o->is_dry_run = true;
		return 0;
	case OPTION_CHECK:
		o->is_check = true;
		return 0;
	case OPTION_STDIN:
		o->reads_input = true;
		return 0;
	case OPTION_LOCK_DIR:
		o->lock_dir = text;
		return 0;
	case OPTION_RETRY_FOR:
		return read_duration("--retry-for", text, &o->retry_for_ms, err);
	case OPTION_PATIENCE:
		return read_patience(text, &o->patience_ms, err);
	case OPTION_TIMEOUT:
		return read_duration("--timeout", text, &o->timeout_ms, err);
	case OPTION_JSON:
		o->is_json = true;
		return 0;
	case OPTION_COMPLETION:
		o->action = OPTIONS_COMPLETION;
		o->shell = text;
		return 0;
	case OPTION_VERSION:
		o->action = OPTIONS_VERSION;
		return 0;
	case OPTION_HELP:
		o->action = OPTIONS_HELP;
		return 0;
	case OPTION_IDS:
		break;
	}
	return 0;
}

/* The next option of `argv`, from the table. False: there is none any more, or `*rv` says what is
 * wrong with it. */
static bool next_option(struct options *options, int argc, char **argv, const struct option *rows,
	int *rv, struct err *err)
{
	int value = getopt_long(argc, argv, ":", rows, NULL);

	if (value == -1)
		return false;
	if (value == ':')
		*rv = err_set(err, CAPQ_EINVAL, "%s: it needs an argument", argv[optind - 1]);
	else if (value == '?' && optopt >= FIRST_VALUE)
		*rv = err_set(err, CAPQ_EINVAL, "%s: it takes no argument", argv[optind - 1]);
	else if (value == '?')
		*rv = err_set(err, CAPQ_EINVAL, "%s: there is no such option; see capq-push --help",
			argv[optind - 1]);
	else
		*rv = read_option(options, (enum option_id)(value - FIRST_VALUE), optarg, err);
	return *rv == 0;
}

static int read_options(struct options *options, int argc, char **argv, struct err *err)
{
	struct option rows[OPTION_IDS + 1] = { 0 };
	int rv = 0;

	for (int id = 0; id < OPTION_IDS; id++)
		rows[id] = (struct option){
			.name = option_rows[id].name,
			.has_arg =
				option_rows[id].argument == NULL ? no_argument : required_argument,
			.val = FIRST_VALUE + id,
		};
	opterr = 0;
	while (next_option(options, argc, argv, rows, &rv, err))
		continue;
	return rv;
}

/* ---- paths ---- */

static void add_path(struct options *options, size_t *capacity, const char *path)
{
	array_reserve(&options->paths, capacity, options->n_paths + 1, sizeof *options->paths);
	options->paths[options->n_paths++] = xstrdup(path);
}

static int add_paths_of(struct options *options, size_t *capacity, FILE *input, struct err *err)
{
	cleanup_free char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, input) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0')
			add_path(options, capacity, line);
	}
	return ferror(input) ? err_errno(err, errno, "cannot read standard input") : 0;
}

static int read_paths(struct options *options, int argc, char **argv, FILE *input, struct err *err)
{
	size_t capacity = 0;
	int rv = 0;

	if (optind == argc && !options->reads_input)
		return err_set(err, CAPQ_EINVAL, "no PATH is given");
	for (int i = optind; i < argc && rv == 0; i++) {
		if (strcmp(argv[i], "-") == 0)
			rv = add_paths_of(options, &capacity, input, err);
		else
			add_path(options, &capacity, argv[i]);
	}
	if (rv == 0 && options->reads_input)
		rv = add_paths_of(options, &capacity, input, err);
	return rv;
}

/* ---- what does not go together ---- */

static int check_pin(const struct options *options, struct err *err)
{
	if (options->pin == NULL && options->keep.rule != PIN_DEFAULT)
		return err_set(err, CAPQ_EINVAL,
			"--keep-days, --keep-revisions and --keep-forever are about a --pin NAME; "
			"it is missing");
	if (options->pin == NULL)
		return 0;
	if (options->pin[0] == '\0')
		return err_set(err, CAPQ_EINVAL, "--pin '': a pin has a name");
	if (options->is_check)
		return err_set(err, CAPQ_EINVAL, "--check only asks: it cannot --pin");
	if (options->n_paths != 1)
		return err_set(err, CAPQ_EINVAL,
			"--pin %s: a pin is for one path, and %zu are given", options->pin,
			options->n_paths);
	return 0;
}

static int check_where(const struct options *options, struct err *err)
{
	bool has_cache = options->cache != NULL && options->cache[0] != '\0';

	if (!has_cache && options->to == NULL)
		return err_set(err, CAPQ_EINVAL,
			"--cache NAME, or --to URL, says where to push; it is missing");
	if (has_cache && options->to != NULL)
		return err_set(err, CAPQ_EINVAL, "give --cache or --to, not both");
	if (options->to == NULL && options->signing_key != NULL)
		return err_set(err, CAPQ_EINVAL,
			"--signing-key is for --to; Cachix's is CACHIX_SIGNING_KEY");
	if (options->to != NULL && options->pin != NULL)
		return err_set(err, CAPQ_EINVAL, "--pin is for Cachix, not for --to");
	return 0;
}

static int check(const struct options *options, struct err *err)
{
	int rv = check_where(options, err);

	if (rv < 0)
		return rv;
	if (!options->is_auto && options->level > compress_names(options->method)->max_level)
		return err_set(err, CAPQ_EINVAL, "--level %" PRId64 ": %s has 0 to %d",
			options->level, compress_names(options->method)->name,
			compress_names(options->method)->max_level);
	return check_pin(options, err);
}

/* ---- public ---- */

int options_init(struct options *options, int argc, char **argv, FILE *input, struct err *err)
{
	int rv;

	*options = (struct options){
		.host = "https://cachix.org",
		.is_auto = true,
		.level = -1,
		.jobs = JOBS,
		.memory = MEMORY,
		.retry_for_ms = RETRY_FOR_MS,
		.patience_ms = RETRY_PATIENCE_MS,
	};
	rv = read_options(options, argc, argv, err);
	if (rv == 0 && options->action == OPTIONS_PUSH)
		rv = read_paths(options, argc, argv, input, err);
	if (rv == 0 && options->action == OPTIONS_PUSH)
		rv = check(options, err);
	return rv;
}

void options_finish(struct options *options)
{
	for (size_t i = 0; i < options->n_paths; i++)
		free(options->paths[i]);
	free(options->paths);
	choice_rules_free(&options->choice);
}
