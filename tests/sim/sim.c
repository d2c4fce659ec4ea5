#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/costs.h"
#include "daemon/pipeline/steps.h"
#include "daemon/pipeline/submit.h"
#include "daemon/store/job.h"
#include "io/clock.h"
#include "tests/sim/moment.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/pipeline_case.h"

#define DAYS_2 (INT64_C(2) * 24 * 60 * 60 * 1000)

static const char common[] = "builders: [{name: local, max_jobs: 2}]\n"
			     "limits: {state_free: 0}\n";

bool sim_updates;
static struct pipeline_case daemon_case;
static void *drvs; /* struct drv_case */
static struct str transcript;

/* ---- the transcript ---- */

void sim_note(const char *format, ...)
{
	cleanup_free char *text = NULL;
	int64_t now = moment_now();
	va_list args;

	va_start(args, format);
	assert_true(vasprintf(&text, format, args) >= 0);
	va_end(args);
	str_addf(&transcript, "%7d.%03d  %s\n", (int)(now / 1000), (int)(now % 1000), text);
}

static void on_log(void *owner, enum log_level level, const char *line)
{
	(void)owner;
	(void)level;
	if (!str_starts(line, "data base: schema"))
		sim_note("%s", line);
}

static char *read_expected(const char *path)
{
	static char text[1 << 16];
	FILE *f = fopen(path, "r");
	size_t n = f == NULL ? 0 : fread(text, 1, sizeof text - 1, f);

	if (f != NULL)
		(void)fclose(f);
	text[n] = '\0';
	return text;
}

static void write_expected(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(str_text(&transcript), f);
	(void)fclose(f);
}

/* Line by line, so that the first that differs is shown. */
static void compare(const char *name)
{
	cleanup_free char *path =
		str_format("%s/tests/sim/expected/%s.txt", getenv("CAPQ_SOURCE"), name);
	cleanup_free char *copy = xstrdup(str_text(&transcript));
	char *got = copy, *wanted;

	if (sim_updates)
		write_expected(path);
	wanted = read_expected(path);
	for (int number = 1; got != NULL || wanted != NULL; number++) {
		const char *is = got == NULL ? "" : strsep(&got, "\n");
		const char *was = wanted == NULL ? "" : strsep(&wanted, "\n");

		if (strcmp(is, was) != 0)
			fail_msg("%s.txt:%d:\nis:  %s\nnot: %s", name, number, is, was);
	}
}

/* ---- time ---- */

/* Do all that is due now, until the daemon is quiet. */
static void settle(void)
{
	do {
		while (moment_run_one())
			(void)uv_run(&daemon_case.loop, UV_RUN_NOWAIT);
		(void)uv_run(&daemon_case.loop, UV_RUN_NOWAIT);
	} while (uv_is_active((uv_handle_t *)&daemon_case.p->no_wait) || moment_run_one());
}

void sim_run(int64_t ms)
{
	int64_t end = moment_now() + ms;

	settle();
	while (moment_jump(end))
		settle();
}

static bool has_live_jobs(void)
{
	const int64_t *counts = pipeline_job_counts(daemon_case.p);

	for (int i = 0; i < JOB_STATES; i++)
		if (!job_state_is_final((enum job_state)i) && i != JOB_ON_HOLD && counts[i] > 0)
			return true;
	return false;
}

void sim_run_to_end(void)
{
	int64_t end = moment_now() + DAYS_2;

	settle();
	while (has_live_jobs())
		if (!moment_jump(end))
			fail_msg("it does not end:\n%s", str_text(&transcript));
		else
			settle();
}

/* ---- the daemon ---- */

void sim_begin(const char *configuration, const struct world_package *packages)
{
	cleanup_free char *all = str_format("%s%s", common, configuration);

	moment_reset();
	str_clear(&transcript);
	assert_int_equal(drv_case_setup(&drvs), 0);
	world_begin(drvs, packages);
	pipeline_case_open(&daemon_case, all);
	log_set_level(LOG_FACT);
	log_set_sink(on_log, NULL);
	pipeline_start(daemon_case.p);
	settle();
}

static void on_stopped(void *owner)
{
	*(bool *)owner = true;
}

static void stop(void)
{
	bool stopped = false;

	pipeline_stop(daemon_case.p, on_stopped, &stopped);
	while (!stopped)
		sim_run(1000);
}

void sim_restart(void)
{
	sim_note("> the daemon is stopped, and started again");
	stop();
	pipeline_case_reopen(&daemon_case);
	pipeline_start(daemon_case.p);
	settle();
}

void sim_end(const char *name)
{
	log_set_sink(NULL, NULL); /* What a stop says is in the scenarios that stop. */
	log_set_level(LOG_BROKEN);
	stop();
	assert_int_equal(daemon_case.p->children.n, 0);
	pipeline_case_close(&daemon_case);
	assert_int_equal(drv_case_teardown(&drvs), 0);
	if (name != NULL)
		compare(name);
}

void sim_fail_commit(int n)
{
	store_fail_commit(daemon_case.store, n);
}

enum job_state sim_job_state(int64_t id)
{
	struct job job;
	enum job_state state;

	assert_true(store_job_get(daemon_case.store, id, &job));
	state = job.state;
	job_finish(&job);
	return state;
}

void sim_know_cost(const char *package, int64_t ms)
{
	struct history_entry entry = {
		.drv_path = "/nix/store/00000000000000000000000000000000-x.drv",
		.package = package,
		.system = "x86_64-linux",
		.caps = "8.6",
		.machine = "",
		.builder = "local",
		.started_at = clock_wall_ms(),
		.wall_ms = ms,
		.core_ms = -1,
		.output_bytes = -1,
		.outcome = "built",
	};

	for (int i = 0; i < 5; i++) /* Surely. */
		costs_learn(daemon_case.p, &entry);
}

/* ---- what people ask ---- */

static void on_submitted(void *owner, const struct submission_end *end)
{
	(void)owner;
	if (end->rv < 0)
		sim_note("refused: %s", end->err->text);
}

static void submit(const char *attr, const char *caps, int priority)
{
	struct submission *s = submission_create(daemon_case.p, "alice", NULL);
	struct job_spec spec = { .flavour = "default", .priority = priority };

	(void)snprintf(spec.caps, sizeof spec.caps, "%s", caps);
	(void)snprintf(spec.attr, sizeof spec.attr, "%s", attr);
	assert_int_equal(submission_add(s, &spec, NULL), 0);
	submission_commit(s, on_submitted, NULL);
	sim_run(50); /* The tree is copied and hashed. */
}

void sim_submit(const char *attr)
{
	sim_submit_for(attr, "8.6");
}

void sim_submit_for(const char *attr, const char *caps)
{
	sim_note("> submit %s%s%s", attr, strcmp(caps, "8.6") == 0 ? "" : " for ",
		strcmp(caps, "8.6") == 0 ? "" : caps);
	submit(attr, caps, 0);
}

void sim_submit_urgently(const char *attr, int priority)
{
	sim_note("> submit %s, priority %d", attr, priority);
	submit(attr, "8.6", priority);
}

static void on_asked(void *owner, int rv, const struct err *err)
{
	(void)owner;
	if (rv < 0)
		sim_note("refused: %s", err->text);
}

void sim_ask(enum command_kind kind, int64_t job)
{
	static const char *const names[] = { "cancel", "retry", "hold", "release", "bump" };

	sim_note("> %s %d", names[kind], (int)job);
	command_job(daemon_case.p, kind, job, "alice", on_asked, NULL);
	settle();
}

void sim_drain(bool drain)
{
	sim_note(drain ? "> drain" : "> go on");
	(void)pipeline_drain(daemon_case.p, drain, NULL);
	settle();
}
