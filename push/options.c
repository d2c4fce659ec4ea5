#include "push/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "lib/time_text.h"
#include "push/retry.h"

#define JOBS 8
#define JOBS_MAX 64
#define MEMORY (INT64_C(128) << 20)
#define MEMORY_MIN (INT64_C(16) << 20)

const char options_usage[] =
	"usage: capq-push --cache NAME [OPTION]... PATH...\n"
	"\n"
	"Bring store paths and all that they refer to into a Cachix cache. A PATH may be a store\n"
	"path or a link to one; `-` reads them from standard input, one a line.\n"
	"\n"
	"  --cache NAME         the cache to push to\n"
	"  --host URL           where it is (https://cachix.org)\n"
	"  --compression HOW    zstd, xz, or auto: what the cache prefers (auto)\n"
	"  --level N            of compression: 0 to 19 with zstd, 0 to 9 with xz (2)\n"
	"  --jobs N             paths at once (8)\n"
	"  --memory SIZE        for parts in flight and compressors, in all (128MiB)\n"
	"  --no-closure         only the given paths, not what they refer to\n"
	"  --dry-run            say what would be pushed, and push nothing\n"
	"  --check              say which of the given paths the cache lacks, and no more\n"
	"  --lock-dir DIR       share the work with other capq-push that have the same DIR\n"
	"  --retry-for TIME     how long a failed request is tried again (90s)\n"
	"  --timeout TIME       give up after this (never)\n"
	"  --json               one JSON object a line on standard output\n"
	"  --version, --help\n"
	"\n"
	"The cache's token is read from $CREDENTIALS_DIRECTORY/cachix-auth-token, else from\n"
	"CACHIX_AUTH_TOKEN; a signing key from cachix-signing-key there, else from\n"
	"CACHIX_SIGNING_KEY.\n"
	"\n"
	"Exit status: 0 all there, 1 some path failed, 2 usage, 3 cache unreachable,\n"
	"4 not permitted.\n";

enum {
	CACHE = 256,
	HOST,
	COMPRESSION,
	LEVEL,
	JOBS_AT_ONCE,
	MEMORY_SIZE,
	NO_CLOSURE,
	DRY_RUN,
	CHECK,
	LOCK_DIR,
	RETRY_FOR,
	TIMEOUT,
	AS_JSON,
	VERSION,
	HELP,
};

static const struct option long_options[] = {
	{ "cache", required_argument, NULL, CACHE },
	{ "host", required_argument, NULL, HOST },
	{ "compression", required_argument, NULL, COMPRESSION },
	{ "level", required_argument, NULL, LEVEL },
	{ "jobs", required_argument, NULL, JOBS_AT_ONCE },
	{ "memory", required_argument, NULL, MEMORY_SIZE },
	{ "no-closure", no_argument, NULL, NO_CLOSURE },
	{ "dry-run", no_argument, NULL, DRY_RUN },
	{ "check", no_argument, NULL, CHECK },
	{ "lock-dir", required_argument, NULL, LOCK_DIR },
	{ "retry-for", required_argument, NULL, RETRY_FOR },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "json", no_argument, NULL, AS_JSON },
	{ "version", no_argument, NULL, VERSION },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 },
};

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

static int read_memory(const char *text, int64_t *out, struct err *err)
{
	if (!size_from_text(text, out) || *out < MEMORY_MIN)
		return err_set(err, CAPQ_EINVAL,
			"--memory '%s' is no size such as 128MiB, or less than 16MiB", text);
	return 0;
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
static int read_option(struct options *o, int option, const char *text, struct err *err)
{
	switch (option) {
	case CACHE:
		o->cache = text;
		return 0;
	case HOST:
		o->host = text;
		return 0;
	case COMPRESSION:
		return read_method(o, text, err);
	case LEVEL:
		return read_number("--level", text, 0, 19, &o->level, err);
	case JOBS_AT_ONCE:
		return read_number("--jobs", text, 1, JOBS_MAX, &o->jobs, err);
	case MEMORY_SIZE:
		return read_memory(text, &o->memory, err);
	case NO_CLOSURE:
		o->is_shallow = true;
		return 0;
	case DRY_RUN:
		o->is_dry_run = true;
		return 0;
	case CHECK:
		o->is_check = true;
		return 0;
	case LOCK_DIR:
		o->lock_dir = text;
		return 0;
	case RETRY_FOR:
		return read_duration("--retry-for", text, &o->retry_for_ms, err);
	case TIMEOUT:
		return read_duration("--timeout", text, &o->timeout_ms, err);
	case AS_JSON:
		o->is_json = true;
		return 0;
	case VERSION:
		o->action = OPTIONS_VERSION;
		return 0;
	case HELP:
		o->action = OPTIONS_HELP;
		return 0;
	case ':':
		return err_set(err, CAPQ_EINVAL, "it needs an argument");
	default:
		return err_set(err, CAPQ_EINVAL,
			optopt != 0 ? "it takes no argument"
				    : "there is no such option; see capq-push --help");
	}
}

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

static int check(const struct options *options, struct err *err)
{
	if (options->action != OPTIONS_PUSH)
		return 0;
	if (options->cache == NULL || options->cache[0] == '\0')
		return err_set(err, CAPQ_EINVAL, "--cache NAME says where to push; it is missing");
	if (!options->is_auto && options->level > compress_names(options->method)->max_level)
		return err_set(err, CAPQ_EINVAL, "--level %" PRId64 ": %s has 0 to %d",
			options->level, compress_names(options->method)->name,
			compress_names(options->method)->max_level);
	return 0;
}

int options_init(struct options *options, int argc, char **argv, FILE *input, struct err *err)
{
	size_t capacity = 0;
	int option, rv = 0;

	*options = (struct options){
		.host = "https://cachix.org",
		.is_auto = true,
		.level = -1,
		.jobs = JOBS,
		.memory = MEMORY,
		.retry_for_ms = RETRY_FOR_MS,
	};
	opterr = 0;
	while (rv == 0 && (option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		rv = read_option(options, option, optarg, err);
		if (option == '?' || option == ':')
			(void)err_wrap(err, "%s", argv[optind - 1]);
	}
	if (rv == 0 && options->action == OPTIONS_PUSH && optind == argc)
		rv = err_set(err, CAPQ_EINVAL, "no PATH is given");
	for (int i = optind; i < argc && rv == 0 && options->action == OPTIONS_PUSH; i++) {
		if (strcmp(argv[i], "-") == 0)
			rv = add_paths_of(options, &capacity, input, err);
		else
			add_path(options, &capacity, argv[i]);
	}
	return rv == 0 ? check(options, err) : rv;
}

void options_finish(struct options *options)
{
	for (size_t i = 0; i < options->n_paths; i++)
		free(options->paths[i]);
	free(options->paths);
}
