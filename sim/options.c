#include "sim/options.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "lib/time_text.h"
#include "sim/number.h"

#define MASTER_WEIGHT 1.6
#define WEIGHT_MAX 1000.0

enum {
	OPTION_TRACE = 256,
	OPTION_HISTORY,
	OPTION_SLOTS,
	OPTION_BUILDERS,
	OPTION_POLICY,
	OPTION_POLICIES,
	OPTION_SEED,
	OPTION_NOISE,
	OPTION_EVENTS,
	OPTION_SVG,
	OPTION_JSON,
	OPTION_CSV,
	OPTION_WEIGHT,
	OPTION_PROMISE_GRACE,
	OPTION_PROMISE_BACKLOG,
	OPTION_PROMISE_SLOTS,
	OPTION_RESERVE,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option longs[] = {
	{ "trace", required_argument, NULL, OPTION_TRACE },
	{ "history", required_argument, NULL, OPTION_HISTORY },
	{ "slots", required_argument, NULL, OPTION_SLOTS },
	{ "builders", required_argument, NULL, OPTION_BUILDERS },
	{ "policy", required_argument, NULL, OPTION_POLICY },
	{ "policies", required_argument, NULL, OPTION_POLICIES },
	{ "seed", required_argument, NULL, OPTION_SEED },
	{ "noise", required_argument, NULL, OPTION_NOISE },
	{ "events", required_argument, NULL, OPTION_EVENTS },
	{ "svg", required_argument, NULL, OPTION_SVG },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "csv", no_argument, NULL, OPTION_CSV },
	{ "weight", required_argument, NULL, OPTION_WEIGHT },
	{ "promise-grace", required_argument, NULL, OPTION_PROMISE_GRACE },
	{ "promise-backlog", required_argument, NULL, OPTION_PROMISE_BACKLOG },
	{ "promise-slots", required_argument, NULL, OPTION_PROMISE_SLOTS },
	{ "reserve", required_argument, NULL, OPTION_RESERVE },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ NULL, 0, NULL, 0 },
};

void options_print_help(void)
{
	(void)puts(
		"Usage: capq-sim --trace FILE (--slots N | --builders FILE) [OPTION...]\n"
		"       capq-sim compare --trace FILE (--slots N | --builders FILE) [OPTION...]\n"
		"\n"
		"Plays a trace of builds through the scheduler of capqd, or through others, in\n"
		"simulated time, and says how long what waited. The forms of the files are told in\n"
		"capq-sim(1).\n"
		"\n"
		"What is played:\n"
		"  --trace FILE          builds that were wanted (CSV); `capq export --trace` makes one\n"
		"  --history FILE        what was built before (CSV), to learn costs from\n"
		"  --slots N             one builder that runs N builds at a time\n"
		"  --builders FILE       or these (CSV: name,slots,speed,systems,features)\n"
		"  --noise SIGMA         multiply each cost by luck, lognormal with this spread (0)\n"
		"  --seed N              which luck (1)\n"
		"\n"
		"How:\n"
		"  --policy NAME         the policy (spr); see below\n"
		"  --policies A,B,...    with compare: which (all)\n"
		"  --weight BRANCH=W     weight of the branch's builds for at most one capability;\n"
		"                        may be repeated (master=1.6, others 1)\n"
		"  --promise-grace T     spr: a build starts within this time (36h)\n"
		"  --promise-backlog X   ... and so many times what was waiting when it came (2.5)\n"
		"  --promise-slots PART  ... by this part of the slots, at least one (0.25)\n"
		"  --reserve PART        this part of the slots is free of long builds (0.125)\n"
		"\n"
		"What comes out:\n"
		"  --json                figures as JSON\n"
		"  --csv                 with compare: figures as CSV\n"
		"  --events FILE         when each build started and ended, in which slot (CSV)\n"
		"  --svg FILE            a drawing of the schedule and of the waits\n"
		"  --help, --version\n"
		"\n"
		"Policies:");
	for (size_t i = 0; policy_classes[i] != NULL; i++)
		(void)printf("  %-8s %s\n", policy_classes[i]->name, policy_classes[i]->summary);
	(void)puts(
		"\nExit codes: 0 all is well, 1 something went wrong, 2 usage, or a file that is not\n"
		"well-formed.");
}

/* ---- values ---- */

static int read_number(
	const char *name, const char *text, double min, double max, double *out, struct err *err)
{
	if (number_parse(text, min, max, out))
		return 0;
	return err_set(err, CAPQ_EINVAL, "--%s '%.40s': expected a number from %g to %g", name,
		text, min, max);
}

static int read_slots(struct options *options, const char *text, struct err *err)
{
	int64_t n;

	if (!str_to_int(text, 1, FARM_SLOTS_MAX, &n))
		return err_set(err, CAPQ_EINVAL,
			"--slots '%.40s': expected a whole number from 1 to %d", text,
			FARM_SLOTS_MAX);
	options->slots = (uint32_t)n;
	return 0;
}

static int read_seed(struct options *options, const char *text, struct err *err)
{
	int64_t seed;

	if (!str_to_int(text, 0, INT64_MAX, &seed))
		return err_set(err, CAPQ_EINVAL, "--seed '%.40s': expected a whole number", text);
	options->seed = (uint64_t)seed;
	return 0;
}

static int read_grace(struct options *options, const char *text, struct err *err)
{
	if (!duration_from_text(text, &options->knobs.promise_grace_ms))
		return err_set(err, CAPQ_EINVAL,
			"--promise-grace '%.40s': expected a time such as 36h or 1h30m", text);
	return 0;
}

static int read_weight(struct options *options, const char *text, struct err *err)
{
	char *equals = strrchr(text, '=');
	struct branch_weight *weight = &options->weights[options->n_weights];

	if (equals == NULL || equals == text)
		return err_set(err, CAPQ_EINVAL, "--weight '%.40s': expected BRANCH=W", text);
	if (options->n_weights == OPTIONS_WEIGHTS_MAX)
		return err_set(
			err, CAPQ_EINVAL, "--weight more than %d times", OPTIONS_WEIGHTS_MAX - 1);
	weight->branch = options->branches[options->n_weights++] =
		xstrndup(text, (size_t)(equals - text));
	return read_number("weight", equals + 1, 0, WEIGHT_MAX, &weight->weight, err);
}

static int add_policy(struct options *options, const char *name, struct err *err)
{
	if (options->n_policies == OPTIONS_POLICIES_MAX)
		return err_set(err, CAPQ_EINVAL, "more than %d policies", OPTIONS_POLICIES_MAX);
	return policy_find(name, &options->policies[options->n_policies++], err);
}

static int read_policies(struct options *options, const char *text, struct err *err)
{
	cleanup_free char *names = xstrdup(text);
	char *rest = names, *name;
	int rv = 0;

	options->n_policies = 0;
	while (rv == 0 && (name = strsep(&rest, ",")) != NULL)
		rv = add_policy(options, name, err);
	return rv;
}

/* ---- the command line ---- */

static int read_option(struct options *options, int option, const char *value, struct err *err)
{
	switch (option) {
	case OPTION_TRACE:
		options->trace = value;
		return 0;
	case OPTION_HISTORY:
		options->history = value;
		return 0;
	case OPTION_SLOTS:
		return read_slots(options, value, err);
	case OPTION_BUILDERS:
		options->builders = value;
		return 0;
	case OPTION_POLICY:
	case OPTION_POLICIES:
		return read_policies(options, value, err);
	case OPTION_SEED:
		return read_seed(options, value, err);
	case OPTION_NOISE:
		return read_number("noise", value, 0, 5, &options->noise, err);
	case OPTION_EVENTS:
		options->events = value;
		return 0;
	case OPTION_SVG:
		options->svg = value;
		return 0;
	case OPTION_JSON:
		options->is_json = true;
		return 0;
	case OPTION_CSV:
		options->is_csv = true;
		return 0;
	case OPTION_WEIGHT:
		return read_weight(options, value, err);
	case OPTION_PROMISE_GRACE:
		return read_grace(options, value, err);
	case OPTION_PROMISE_BACKLOG:
		return read_number(
			"promise-backlog", value, 0, 100, &options->knobs.promise_factor, err);
	case OPTION_PROMISE_SLOTS:
		return read_number(
			"promise-slots", value, 0, 1, &options->knobs.promise_slots, err);
	case OPTION_RESERVE:
		return read_number("reserve", value, 0, 0.9, &options->knobs.reserve, err);
	case OPTION_HELP:
		options->action = OPTIONS_HELP;
		return 0;
	default:
		options->action = OPTIONS_VERSION;
		return 0;
	}
}

static int refuse(int option, const char *text, struct err *err)
{
	if (option == ':')
		return err_set(err, CAPQ_EINVAL, "%.40s wants a value; see capq-sim --help", text);
	return err_set(
		err, CAPQ_EINVAL, "%.40s: no such option, or not so; see capq-sim --help", text);
}

static int read_all(struct options *options, int argc, char **argv, struct err *err)
{
	int option, rv = 0;

	opterr = 0;
	optind = 0; /* GNU: begin anew. */
	while (rv == 0 && (option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option == '?' || option == ':')
			return refuse(option, argv[optind - 1], err);
		rv = read_option(options, option, optarg, err);
	}
	return rv;
}

static int check_operands(struct options *options, int argc, char **argv, struct err *err)
{
	if (optind < argc && strcmp(argv[optind], "compare") == 0) {
		if (options->action == OPTIONS_RUN)
			options->action = OPTIONS_COMPARE;
		optind++;
	}
	if (optind < argc)
		return err_set(
			err, CAPQ_EINVAL, "'%.40s' is too much; see capq-sim --help", argv[optind]);
	return 0;
}

static int check(const struct options *options, struct err *err)
{
	if (options->trace == NULL)
		return err_set(err, CAPQ_EINVAL, "which --trace? See capq-sim --help");
	if ((options->slots > 0) == (options->builders != NULL))
		return err_set(err, CAPQ_EINVAL, "give --slots N or --builders FILE");
	if (options->action == OPTIONS_COMPARE && options->events != NULL)
		return err_set(err, CAPQ_EINVAL, "--events is of one policy: leave out compare");
	if (options->action == OPTIONS_RUN && options->n_policies > 1)
		return err_set(err, CAPQ_EINVAL, "several policies: say compare");
	if (options->action == OPTIONS_RUN && options->is_csv)
		return err_set(
			err, CAPQ_EINVAL, "--csv is of compare; there is --events, or --json");
	if (options->is_csv && options->is_json)
		return err_set(err, CAPQ_EINVAL, "--json or --csv, not both");
	return 0;
}

static void choose_policies(struct options *options)
{
	if (options->n_policies > 0)
		return;
	do
		options->policies[options->n_policies] = policy_classes[options->n_policies];
	while (policy_classes[++options->n_policies] != NULL && options->action == OPTIONS_COMPARE);
}

int options_read(struct options *options, int argc, char **argv, struct err *err)
{
	int rv;

	*options = (struct options){
		.knobs = SCHED_POLICY_DEFAULT,
		.weights = { { "master", MASTER_WEIGHT } },
		.n_weights = 1,
		.seed = 1,
	};
	rv = read_all(options, argc, argv, err);
	if (rv == 0)
		rv = check_operands(options, argc, argv, err);
	if (rv < 0 || options->action >= OPTIONS_HELP)
		return rv;
	choose_policies(options);
	return check(options, err);
}

void options_finish(struct options *options)
{
	for (size_t i = 0; i < OPTIONS_WEIGHTS_MAX; i++)
		free(options->branches[i]);
}
