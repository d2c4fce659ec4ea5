/* capq-push: store paths into a Cachix cache. The way of a path, each word a file:
 *
 *   target     what was given -> store paths
 *   push       plan      the cache: may we?  Nix: the closure.  The cache: what is missing?
 *              leftovers what a killed push left in its journal is aborted
 *              uploads   in order, references first; some at a time (budget), others' left (lock)
 *                upload    create, stream, complete; or abort (journal: in case we are killed)
 *                  stream    pack (nar -> sha256 -> compress -> sha256, MD5) -> part, part, ...
 *   call       one request of api (question, answer), sent again by the table in retry
 *
 * The order in which things start is the order below, and the order in which they end is the
 * reverse: secrets are guarded before anything is read, and the loop runs dry before they go. */
#include <assert.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <uv.h>

#include "io/http.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "push/api.h"
#include "push/cache_kind.h"
#include "push/check.h"
#include "push/lock.h"
#include "push/option_table.h"
#include "push/options.h"
#include "push/plain.h"
#include "push/push.h"
#include "push/report.h"
#include "push/secrets.h"
#include "push/target.h"

struct program {
	struct options options;
	struct secrets secrets;
	struct report report;
	char *cache_url;

	char **paths; /* The store paths that were given, each once. */
	size_t n_paths;

	uv_loop_t loop;
	struct http *http;
	struct api api;
	struct push *push;   /* While it runs. */
	struct check *check; /* Or this. */
	uv_signal_t terminate, interrupt;
	uv_timer_t time_limit;
	int status;
};

/* ---- what was given ---- */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each path once; of what is no store path is said so at once. */
static void find_targets(struct program *program)
{
	const struct options *options = &program->options;
	struct fail fail = { 0 };
	size_t n;

	fail_set(&fail, FAIL_STORE, "it is no store path, and no link to one");
	program->paths = xcalloc(options->n_paths, sizeof *program->paths);
	for (size_t i = 0; i < options->n_paths; i++) {
		char *path = target_path(options->paths[i]);

		if (path == NULL)
			report_fail(&program->report, options->paths[i], &fail);
		else
			program->paths[program->n_paths++] = path;
	}
	array_sort(program->paths, program->n_paths, sizeof *program->paths, compare_texts);
	n = array_unique(program->paths, program->n_paths, sizeof *program->paths, compare_texts);
	while (program->n_paths > n)
		free(program->paths[--program->n_paths]);
}

/* ---- running ---- */

static void stop(struct program *program, const char *why)
{
	if (program->push != NULL)
		push_stop(program->push, why);
	if (program->check != NULL)
		check_stop(program->check);
}

static void on_signal(uv_signal_t *handle, int signum)
{
	stop(handle->data, signum == SIGTERM ? "stopped by SIGTERM" : "stopped by SIGINT");
}

static void on_time_limit(uv_timer_t *timer)
{
	stop(timer->data, "it took longer than --timeout allows");
}

static void on_done(void *owner, int status)
{
	struct program *program = owner;

	program->status = status;
	program->push = NULL;
	program->check = NULL;
	uv_close((uv_handle_t *)&program->terminate, NULL);
	uv_close((uv_handle_t *)&program->interrupt, NULL);
	uv_close((uv_handle_t *)&program->time_limit, NULL);
	http_close(program->http);
}

static void start_watching(struct program *program)
{
	uv_signal_init(&program->loop, &program->terminate);
	uv_signal_init(&program->loop, &program->interrupt);
	uv_timer_init(&program->loop, &program->time_limit);
	program->terminate.data = program->interrupt.data = program->time_limit.data = program;
	uv_signal_start(&program->terminate, on_signal, SIGTERM);
	uv_signal_start(&program->interrupt, on_signal, SIGINT);
	if (program->options.timeout_ms > 0)
		uv_timer_start(&program->time_limit, on_time_limit,
			(uint64_t)program->options.timeout_ms, 0);
}

static void open_api(struct program *program)
{
	const char *ca_file = getenv("NIX_SSL_CERT_FILE"); /* As for Nix and its tools. */
	struct http_config config = {
		.user_agent = "capq-push/" CAPQ_VERSION,
		.ca_file = ca_file != NULL ? ca_file : getenv("SSL_CERT_FILE"),
		.max_send_rate = (uint64_t)program->options.limit_rate,
	};

	program->http = http_open(&program->loop, &config);
	program->api = (struct api){
		.loop = &program->loop,
		.http = program->http,
		.secrets = &program->secrets,
		.kind = program->options.to != NULL ? &cache_kind_plain : &cache_kind_cachix,
		.cache_url = program->cache_url,
		.retry_for_ms = program->options.retry_for_ms,
		.patience_ms = program->options.patience_ms,
	};
}

static int start_push(struct program *program, struct err *err)
{
	struct push_spec spec = {
		.api = &program->api,
		.options = &program->options,
		.report = &program->report,
		.paths = (const char *const *)program->paths,
		.n_paths = program->n_paths,
		.on_done = on_done,
		.owner = program,
	};

	return push_start(&spec, &program->push, err);
}

static void start_check(struct program *program)
{
	struct check_spec spec = {
		.api = &program->api,
		.report = &program->report,
		.paths = (const char *const *)program->paths,
		.n_paths = program->n_paths,
		.on_done = on_done,
		.owner = program,
	};

	program->check = check_start(&spec);
}

/* It could not even be started. */
static void fail_all(struct program *program, const struct err *err)
{
	struct fail fail = { 0 };

	fail_set(&fail, FAIL_STORE, "%s", err->text);
	for (size_t i = 0; i < program->n_paths; i++)
		report_fail(&program->report, program->paths[i], &fail);
	report_end(&program->report);
	on_done(program, PUSH_FAILED);
}

static void run(struct program *program)
{
	struct err err;
	int rv;

	uv_loop_init(&program->loop);
	start_watching(program);
	open_api(program);
	if (program->options.is_check)
		start_check(program);
	else if (start_push(program, &err) < 0)
		fail_all(program, &err);
	uv_run(&program->loop, UV_RUN_DEFAULT);
	rv = uv_loop_close(&program->loop);
	assert(rv == 0); /* No handle was left behind. */
}

/* ---- the story ---- */

/* What libraries do at their first use has to be said before it. */
static void set_up_process(void)
{
	char threads[16];
	unsigned seed = 1;

	(void)signal(SIGPIPE, SIG_IGN); /* Whoever reads our report may go away. */
	(void)getrandom(&seed, sizeof seed, 0);
	srandom(seed); /* For the chance in retries. */
	/* Packing is work for the processor: as many threads as there are. */
	(void)snprintf(threads, sizeof threads, "%u", uv_available_parallelism());
	(void)setenv("UV_THREADPOOL_SIZE", threads, 0);
	/* Buffers of parts go back to the system at once, whichever thread had them. */
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

static int prepare_cachix(struct program *program, struct err *err)
{
	const struct options *options = &program->options;
	int rv = api_cache_url(options->host, options->cache, &program->cache_url, err);

	if (rv == 0)
		rv = secrets_init(&program->secrets, err);
	if (rv < 0)
		return rv;
	if (!options->is_check && program->secrets.authorization == NULL &&
		program->secrets.key == NULL)
		return err_set(err, CAPQ_EINVAL,
			"neither a token nor a signing key is there: put one into "
			"$CREDENTIALS_DIRECTORY/cachix-auth-token or CACHIX_AUTH_TOKEN, or "
			"$CREDENTIALS_DIRECTORY/cachix-signing-key or CACHIX_SIGNING_KEY");
	if (options->pin != NULL && program->secrets.authorization == NULL)
		return err_set(err, CAPQ_EINVAL,
			"--pin needs the cache's token, a signing key does not do: put it into "
			"$CREDENTIALS_DIRECTORY/cachix-auth-token or CACHIX_AUTH_TOKEN");
	return 0;
}

static int prepare_plain(struct program *program, struct err *err)
{
	const struct options *options = &program->options;
	int rv = plain_url(options->to, &program->cache_url, err);

	return rv < 0 ? rv : secrets_init_plain(&program->secrets, options->signing_key, err);
}

/* Everything that can be wrong before anything was done. */
static int prepare(struct program *program, struct err *err)
{
	const struct options *options = &program->options;
	int rv = options->to != NULL ? prepare_plain(program, err) : prepare_cachix(program, err);

	return rv < 0 || options->lock_dir == NULL ? rv : lock_prepare(options->lock_dir, err);
}

static int push_or_check(struct program *program)
{
	report_init(&program->report, program->options.is_json);
	find_targets(program);
	if (program->n_paths > 0)
		run(program);
	else
		report_end(&program->report);
	report_finish(&program->report);
	if (program->status == PUSH_OK && program->report.n_failed > 0)
		return PUSH_FAILED; /* What is no store path was not there either. */
	return program->status;
}

static int wrong_usage(const struct err *err)
{
	(void)fprintf(stderr, "capq-push: %s\n", err->text);
	return PUSH_USAGE;
}

static int act(struct program *program)
{
	struct err err;

	switch (program->options.action) {
	case OPTIONS_HELP:
		option_print_help(stdout);
		return PUSH_OK;
	case OPTIONS_VERSION:
		(void)puts("capq-push " CAPQ_VERSION);
		return PUSH_OK;
	case OPTIONS_COMPLETION:
		if (option_print_completion(program->options.shell, stdout))
			return PUSH_OK;
		(void)err_set(&err, CAPQ_EINVAL, "--completion '%s': it must be bash, fish or zsh",
			program->options.shell);
		return wrong_usage(&err);
	case OPTIONS_PUSH:
		break;
	}
	if (prepare(program, &err) < 0)
		return wrong_usage(&err);
	return push_or_check(program);
}

int main(int argc, char **argv)
{
	struct program program = { 0 };
	struct err err;
	int status;

	secrets_protect();
	set_up_process();
	if (options_init(&program.options, argc, argv, stdin, &err) < 0)
		status = wrong_usage(&err);
	else
		status = act(&program);
	secrets_finish(&program.secrets);
	for (size_t i = 0; i < program.n_paths; i++)
		free(program.paths[i]);
	free(program.paths);
	free(program.cache_url);
	options_finish(&program.options);
	uv_library_shutdown();
	return status;
}
