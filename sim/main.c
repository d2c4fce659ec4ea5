/* capq-sim, in order: read the command line, the builders and the trace; play it once for each
 * policy; print the figures, write the schedule, draw. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/mem.h"
#include "sim/events.h"
#include "sim/noise.h"
#include "sim/options.h"
#include "sim/progress.h"
#include "sim/report.h"
#include "sim/svg.h"

struct program {
	struct options options;
	struct farm farm;
	struct trace trace;
	struct play plays[OPTIONS_POLICIES_MAX];
	size_t n_plays;
	struct progress progress;
};

static int read_farm(struct program *program, struct err *err)
{
	const struct options *options = &program->options;

	if (options->builders != NULL)
		return farm_read(&program->farm, options->builders, err);
	if (options->slots == 0)
		return knobs_read_farm(&program->farm, options->config, err);
	farm_init(&program->farm, (uint32_t)options->slots);
	return 0;
}

static int read_trace(struct program *program, struct err *err)
{
	const struct options *options = &program->options;
	int rv = trace_read(&program->trace, options->trace, options->history, err);

	if (rv < 0)
		return rv;
	if (program->trace.n_ignored_needs > 0)
		(void)fprintf(stderr,
			"capq-sim: warning: %zu names in `depends` are of no earlier build\n",
			program->trace.n_ignored_needs);
	if (options->noise > 0)
		noise_add(&program->trace, options->noise, (uint64_t)options->seed);
	return 0;
}

static void show_progress(void *owner, size_t n_come, size_t n)
{
	progress_show(&((struct program *)owner)->progress, n_come, n);
}

static int play(struct program *program, const struct policy_class *policy, struct play *out,
	struct err *err)
{
	struct sim_setup setup = {
		.trace = &program->trace,
		.farm = &program->farm,
		.policy = policy,
		.knobs = &program->options.knobs,
		.progress = show_progress,
		.owner = program,
	};

	out->policy = policy;
	program->progress.policy = policy->name;
	return sim_run(&setup, &out->result, err);
}

static int play_all(struct program *program, struct err *err)
{
	const struct options *options = &program->options;
	struct yardstick yardstick;
	int rv = 0;

	yardstick_init(&yardstick, &program->trace);
	progress_begin(&program->progress);
	for (size_t i = 0; rv == 0 && i < options->n_policies; i++) {
		struct play *out = &program->plays[i];

		rv = play(program, options->policies[i], out, err);
		if (rv < 0)
			break;
		program->n_plays++;
		score_make(&yardstick, &program->farm, &out->result, &out->score);
	}
	progress_end(&program->progress);
	yardstick_finish(&yardstick);
	return rv;
}

static int print(const struct options *options, const struct report *report, struct err *err)
{
	cleanup_str struct str out = { 0 };

	if (options->is_json)
		report_json(report, options->action == OPTIONS_COMPARE, &out);
	else if (options->is_csv)
		report_csv(report, &out);
	else
		report_table(report, &out);
	if (fputs(out.text, stdout) == EOF || fflush(stdout) != 0)
		return err_set(err, CAPQ_EFAILED, "standard output cannot be written");
	return 0;
}

static int show(const struct program *program, struct err *err)
{
	const struct options *options = &program->options;
	struct report report = {
		.trace_name = options->trace,
		.trace = &program->trace,
		.farm = &program->farm,
		.plays = program->plays,
		.n = program->n_plays,
	};
	int rv = 0;

	if (options->events != NULL)
		rv = events_write(&program->trace, &program->plays[0].result, options->events, err);
	if (rv == 0 && options->svg != NULL)
		rv = svg_write(&report, options->svg, err);
	return rv < 0 ? rv : print(options, &report, err);
}

static int run(struct program *program, struct err *err)
{
	int rv = read_farm(program, err);

	if (rv == 0)
		rv = read_trace(program, err);
	if (rv == 0)
		rv = play_all(program, err);
	return rv < 0 ? rv : show(program, err);
}

static void finish(struct program *program)
{
	for (size_t i = 0; i < program->n_plays; i++)
		sim_result_finish(&program->plays[i].result);
	trace_finish(&program->trace);
	farm_finish(&program->farm);
	options_finish(&program->options);
}

int main(int argc, char **argv)
{
	static struct program program;
	struct err err = { 0 };
	int rv = options_read(&program.options, argc, argv, &err);

	if (rv == 0 && program.options.action == OPTIONS_HELP)
		options_print_help();
	else if (rv == 0 && program.options.action == OPTIONS_VERSION)
		(void)printf("capq-sim %s\n", CAPQ_VERSION);
	else if (rv == 0)
		rv = run(&program, &err);
	finish(&program);
	if (rv < 0)
		(void)fprintf(stderr, "capq-sim: %s\n", err.text);
	return rv < 0 ? 2 : 0;
}
