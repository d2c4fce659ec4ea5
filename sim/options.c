#include "sim/options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "sim/number.h"

#define HELP_WIDTH 22
#define NOISE_MAX 5.0

enum kind {
	KIND_TEXT,   /* const char * at `offset` */
	KIND_FLAG,   /* bool */
	KIND_COUNT,  /* int64_t within [min, max] */
	KIND_NUMBER, /* double, from 0 to NOISE_MAX */
	KIND_POLICIES,
	KIND_KNOB, /* Named `knob`; --config is read before. */
	KIND_ACTION,
};

struct spec {
	const char *name, *argument; /* NULL: a flag. */
	enum kind kind;
	size_t offset;
	int64_t min, max;
	const char *knob;
	enum options_action action;
	const char *heading; /* In front of it. */
	const char *help;
};

#define AT(member) .offset = offsetof(struct options, member)

static const struct spec specs[] = {
	{ "trace", "FILE", KIND_TEXT, AT(trace), .heading = "What is played",
		.help = "builds that were wanted, as CSV; capq export --trace makes one" },
	{ "history", "FILE", KIND_TEXT, AT(history),
		.help = "what was built before, as CSV: costs are learnt from it" },
	{ "slots", "N", KIND_COUNT, AT(slots), .min = 1, .max = FARM_SLOTS_MAX,
		.help = "one builder that runs N builds at a time" },
	{ "builders", "FILE", KIND_TEXT, AT(builders),
		.help = "or these, as CSV: name,slots,speed,systems,features" },
	{ "config", "FILE", KIND_TEXT, AT(config),
		.help = "or those of capqd's configuration, and its scheduling.*" },
	{ "noise", "SIGMA", KIND_NUMBER, AT(noise),
		.help = "multiply each cost by luck, lognormal with this spread (0)" },
	{ "seed", "N", KIND_COUNT, AT(seed), .max = INT64_MAX, .help = "which luck (1)" },
	{ "policy", "NAME", KIND_POLICIES, .heading = "How", .help = "by which policy (spr)" },
	{ "policies", "A,B,...", KIND_POLICIES, .help = "with compare: by which (all)" },
	{ "weight", "BRANCH=W[,FAT]", KIND_KNOB, .knob = "branches",
		.help = "what the branch's builds for at most one capability weigh, and\n"
			"the others; 100 if not named; may be repeated" },
	{ "promise-grace", "TIME", KIND_KNOB, .knob = "promise_grace",
		.help = "spr: every build is promised to start within this time" },
	{ "promise-backlog", "PERCENT", KIND_KNOB, .knob = "promise_backlog",
		.help = "and, on top, so much of what first come, first served would take" },
	{ "promise-slots", "PERCENT", KIND_KNOB, .knob = "promise_slots",
		.help = "of the slots may serve promises that are due, at least one" },
	{ "reserve", "PERCENT", KIND_KNOB, .knob = "reserve",
		.help = "of the slots stay free of long builds" },
	{ "json", NULL, KIND_FLAG, AT(is_json), .heading = "What comes out",
		.help = "the figures as JSON" },
	{ "csv", NULL, KIND_FLAG, AT(is_csv), .help = "the figures as CSV, a policy a line" },
	{ "events", "FILE", KIND_TEXT, AT(events),
		.help = "write when each build started and ended, and in which slot, as CSV" },
	{ "svg", "FILE", KIND_TEXT, AT(svg), .help = "draw the schedule and the waits" },
	{ "help", NULL, KIND_ACTION, .action = OPTIONS_HELP, .help = "print this" },
	{ "version", NULL, KIND_ACTION, .action = OPTIONS_VERSION, .help = "print the version" },
};

/* ---- help ---- */

/* Of a knob, its default goes behind. */
static void print_help_text(const struct spec *spec, const struct knobs *knobs)
{
	cleanup_str struct str value = { 0 };
	const char *line = spec->help, *next;

	for (; (next = strchr(line, '\n')) != NULL; line = next + 1)
		(void)printf("%.*s\n  %-*s  ", (int)(next - line), line, HELP_WIDTH, "");
	(void)printf("%s", line);
	if (spec->kind == KIND_KNOB) {
		knobs_print(knobs, spec->knob, &value);
		(void)printf(" (%s)", value.text);
	}
	(void)putchar('\n');
}

static void print_spec(const struct spec *spec, const struct knobs *knobs)
{
	cleanup_free char *left = str_format("--%s%s%s", spec->name,
		spec->argument != NULL ? " " : "", spec->argument != NULL ? spec->argument : "");

	if (spec->heading != NULL)
		(void)printf("\n%s:\n", spec->heading);
	if (strlen(left) > HELP_WIDTH) {
		(void)printf("  %s\n", left);
		left[0] = '\0';
	}
	(void)printf("  %-*s  ", HELP_WIDTH, left);
	print_help_text(spec, knobs);
}

void options_print_help(void)
{
	struct knobs knobs;

	(void)knobs_init(
		&knobs, NULL, NULL); /* The defaults: no file is read that could be wrong. */
	(void)puts("Usage: capq-sim --trace FILE --slots N [OPTION...]\n"
		   "       capq-sim compare --trace FILE --slots N [OPTION...]\n"
		   "\n"
		   "Plays a trace of builds through the scheduler of capqd, or through others, in\n"
		   "simulated time, and says how long what waited. With compare, several side by\n"
		   "side. capq-sim(1) tells the forms of the files and what the figures mean.");
	for (size_t i = 0; i < ARRAY_LEN(specs); i++)
		print_spec(&specs[i], &knobs);
	(void)puts(
		"\nIn parentheses: what holds when nothing is said, of knobs unless --config says\n"
		"otherwise.\n"
		"\nPolicies:");
	for (size_t i = 0; policy_classes[i] != NULL; i++)
		(void)printf("  %-*s  %s\n", HELP_WIDTH, policy_classes[i]->name,
			policy_classes[i]->summary);
	(void)puts(
		"\nExit codes: 0 all is well, 2 something is wrong with the command line or a file.");
	knobs_finish(&knobs);
}

/* ---- values ---- */

static int add_policies(struct options *options, const char *text, struct err *err)
{
	cleanup_free char *names = xstrdup(text);
	char *rest = names, *name;
	int rv = 0;

	options->n_policies = 0;
	while (rv == 0 && (name = strsep(&rest, ",")) != NULL) {
		if (options->n_policies == OPTIONS_POLICIES_MAX)
			return err_set(
				err, CAPQ_EINVAL, "more than %d policies", OPTIONS_POLICIES_MAX);
		rv = policy_find(name, &options->policies[options->n_policies++], err);
	}
	return rv;
}

/* Knobs are left for later. */
static int take_value(
	struct options *options, const struct spec *spec, const char *text, struct err *err)
{
	void *value = (char *)options + spec->offset;

	switch (spec->kind) {
	case KIND_TEXT:
		*(const char **)value = text;
		return 0;
	case KIND_FLAG:
		*(bool *)value = true;
		return 0;
	case KIND_COUNT:
		if (str_to_int(text, spec->min, spec->max, value))
			return 0;
		return err_set(err, CAPQ_EINVAL,
			"--%s '%.40s': expected a whole number from %" PRId64 " to %" PRId64,
			spec->name, text, spec->min, spec->max);
	case KIND_NUMBER:
		if (number_parse(text, 0, NOISE_MAX, value))
			return 0;
		return err_set(err, CAPQ_EINVAL, "--%s '%.40s': expected a number from 0 to %g",
			spec->name, text, NOISE_MAX);
	case KIND_POLICIES:
		return add_policies(options, text, err);
	case KIND_ACTION:
		options->action = spec->action;
		return 0;
	case KIND_KNOB:
		break;
	}
	return 0;
}

/* ---- the command line ---- */

static void make_longs(struct option longs[ARRAY_LEN(specs) + 1])
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++)
		longs[i] = (struct option){ .name = specs[i].name,
			.has_arg = specs[i].argument != NULL ? required_argument : no_argument };
	longs[ARRAY_LEN(specs)] = (struct option){ 0 };
}

/* All options of the command line; knobs only, or all but those. */
static int read_options(
	struct options *options, int argc, char **argv, bool knobs_only, struct err *err)
{
	struct option longs[ARRAY_LEN(specs) + 1];
	int c, index, rv = 0;

	make_longs(longs);
	opterr = 0;
	optind = 0; /* GNU: begin anew. */
	while (rv == 0 && (c = getopt_long(argc, argv, ":", longs, &index)) != -1) {
		if (c == ':')
			return err_set(err, CAPQ_EINVAL, "%.60s wants a value; see --help",
				argv[optind - 1]);
		if (c == '?')
			return err_set(
				err, CAPQ_EINVAL, "no option %.60s; see --help", argv[optind - 1]);
		if (!knobs_only)
			rv = take_value(options, &specs[index], optarg, err);
		else if (specs[index].kind == KIND_KNOB)
			rv = knobs_set(&options->knobs, specs[index].knob, optarg, err);
	}
	return rv;
}

static int read_operands(struct options *options, int argc, char **argv, struct err *err)
{
	if (optind < argc && strcmp(argv[optind], "compare") == 0) {
		optind++;
		if (options->action == OPTIONS_RUN)
			options->action = OPTIONS_COMPARE;
	}
	if (optind < argc)
		return err_set(err, CAPQ_EINVAL, "'%.60s' is too much; see --help", argv[optind]);
	return 0;
}

static int check(const struct options *options, struct err *err)
{
	int farms = (options->slots > 0) + (options->builders != NULL);

	if (options->trace == NULL)
		return err_set(err, CAPQ_EINVAL, "which --trace? See --help");
	if (farms > 1 || (farms == 0 && options->config == NULL))
		return err_set(
			err, CAPQ_EINVAL, "one of --slots, --builders and --config is needed");
	if (options->action == OPTIONS_COMPARE && options->events != NULL)
		return err_set(err, CAPQ_EINVAL, "--events is of one policy, without compare");
	if (options->action == OPTIONS_RUN && options->n_policies > 1)
		return err_set(err, CAPQ_EINVAL, "several policies are for compare");
	if (options->is_csv && options->is_json)
		return err_set(err, CAPQ_EINVAL, "--json or --csv, not both");
	return 0;
}

static void choose_policies(struct options *options)
{
	bool wants_all = options->action == OPTIONS_COMPARE;

	if (options->n_policies > 0)
		return;
	do
		options->policies[options->n_policies] = policy_classes[options->n_policies];
	while (policy_classes[++options->n_policies] != NULL && wants_all);
}

int options_read(struct options *options, int argc, char **argv, struct err *err)
{
	int rv;

	*options = (struct options){ .seed = 1 };
	rv = read_options(options, argc, argv, false, err);
	if (rv == 0)
		rv = read_operands(options, argc, argv, err);
	if (rv < 0 || options->action >= OPTIONS_HELP)
		return rv;
	choose_policies(options);
	rv = check(options, err);
	if (rv == 0)
		rv = knobs_init(&options->knobs, options->config, err);
	return rv < 0 ? rv : read_options(options, argc, argv, true, err);
}

void options_finish(struct options *options)
{
	knobs_finish(&options->knobs);
}
