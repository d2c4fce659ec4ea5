/* capq-sim, in order: read the command line, the builders and the trace; play it once for each
 * policy; print the figures, write the schedule, draw. */
#include <stdio.h>

#include "sim/events.h"
#include "sim/noise.h"
#include "sim/options.h"

static int read_farm(const struct options *options, struct farm *farm, struct err *err)
{
	if (options->builders != NULL)
		return farm_read(farm, options->builders, err);
	farm_init(farm, options->slots);
	return 0;
}

static int play(const struct options *options, const struct trace *trace, const struct farm *farm,
	struct err *err)
{
	struct sim_setup setup = {
		.trace = trace,
		.farm = farm,
		.policy = options->policies[0],
		.knobs = options->knobs,
		.weights = options->weights,
		.n_weights = options->n_weights,
	};
	struct sim_result result;
	int rv = sim_run(&setup, &result, err);

	if (rv < 0)
		return rv;
	if (options->events != NULL)
		rv = events_write(trace, &result, options->events, err);
	sim_result_finish(&result);
	return rv;
}

static int run(const struct options *options, struct err *err)
{
	struct trace trace = { 0 };
	struct farm farm = { 0 };
	int rv;

	rv = read_farm(options, &farm, err);
	if (rv == 0)
		rv = trace_read(&trace, options->trace, options->history, err);
	if (rv == 0) {
		if (options->noise > 0)
			noise_add(&trace, options->noise, options->seed);
		rv = play(options, &trace, &farm, err);
	}
	trace_finish(&trace);
	farm_finish(&farm);
	return rv;
}

int main(int argc, char **argv)
{
	struct options options;
	struct err err = { 0 };
	int rv = options_read(&options, argc, argv, &err);

	if (rv == 0 && options.action == OPTIONS_HELP)
		options_print_help();
	else if (rv == 0 && options.action == OPTIONS_VERSION)
		(void)printf("capq-sim %s\n", CAPQ_VERSION);
	else if (rv == 0)
		rv = run(&options, &err);
	options_finish(&options);
	if (rv < 0)
		(void)fprintf(stderr, "capq-sim: %s\n", err.text);
	return rv < 0 ? 2 : 0;
}
