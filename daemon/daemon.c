/* The story of capqd.
 *
 * Start, in this order, each step the ground of the next:
 *   1. the state directory and its lock: nobody else, and nothing that an earlier capqd started, is
 *      still at work in it;
 *   2. the data base, its schema brought up to date;
 *   3. the pipeline, made from the data base;
 *   4. the server, on all its addresses;
 *   5. the pipeline starts, and whoever started us hears READY=1.
 *
 * Stop: the children are asked to end and what they did is stored, while the server still answers;
 * then it closes, the data base is closed, and at last the loop is seen to be empty.
 */
#include "daemon/daemon.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/api/server.h"
#include "daemon/notify.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/store/store.h"
#include "io/clock.h"
#include "io/program.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"

#define LOCK_PATIENCE_MS 60000 /* For what an earlier capqd started to end. */
#define LOCK_LOOK_MS 50

struct daemon {
	uv_loop_t loop;
	struct settings settings;
	char *config_path, *state_dir, *launcher, *capq_push, *capq_inspect;
	int lock_fd;
	struct store *store;
	struct pipeline *pipeline;
	struct server *server;
	uv_signal_t terminate, interrupt, hangup;
	uv_timer_t patience; /* While stopping: until children are killed. */
	uv_timer_t watchdog; /* systemd wants to hear from us. */
	bool is_stopping, stopped_badly;
};

/* ---- 1: the state directory ---- */

static int find_state_dir(struct daemon *d, struct err *err)
{
	const char *from_systemd = getenv("STATE_DIRECTORY");

	if (d->settings.state_dir != NULL)
		d->state_dir = xstrdup(d->settings.state_dir);
	else if (from_systemd != NULL && from_systemd[0] == '/')
		d->state_dir = xstrndup(from_systemd, strcspn(from_systemd, ":"));
	else
		return err_set(err, CAPQ_EINVAL, "set state_dir in %s", d->config_path);
	if (mkdir(d->state_dir, 0755) != 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make %s", d->state_dir);
	return 0;
}

/* Take the lock. Every child inherits the descriptor (io/child.h), so it is free only when an
 * earlier capqd and all that it started are gone: what they still do, they do before we look. */
static int take_lock(struct daemon *d, struct err *err)
{
	cleanup_free char *path = str_format("%s/lock", d->state_dir);
	int64_t began = clock_mono_ms();
	bool said = false;

	d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (d->lock_fd < 0)
		return err_errno(err, errno, "cannot open %s", path);
	while (flock(d->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		struct timespec wait = { .tv_nsec = LOCK_LOOK_MS * 1000000L };

		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(err, errno, "cannot lock %s", path);
		if (clock_mono_ms() - began > LOCK_PATIENCE_MS)
			return err_set(err, CAPQ_EBUSY,
				"%s is in use by another capqd, or by what one started (see `fuser "
				"%s`)",
				d->state_dir, path);
		if (!said)
			log_fact("waiting for another capqd, or for what it started, to leave %s",
				d->state_dir);
		said = true;
		(void)nanosleep(&wait, NULL); /* Nothing runs yet that could be kept waiting. */
	}
	return 0;
}

/* ---- 2: addresses ---- */

static char *default_address(void)
{
	const char *runtime = getenv("RUNTIME_DIRECTORY");

	if (runtime != NULL && runtime[0] == '/')
		return str_format("unix:%.*s/capqd.sock", (int)strcspn(runtime, ":"), runtime);
	return xstrdup("unix:/run/capqd/capqd.sock");
}

static int listen_everywhere(struct daemon *d, struct err *err)
{
	const struct texts *addresses = &d->settings.listen;
	int n = notify_listen_fds(), rv = 0;

	for (int i = 0; i < n && rv == 0; i++)
		rv = server_listen_fd(d->server, NOTIFY_FIRST_FD + i, err);
	if (n > 0)
		return rv; /* systemd has opened what is to be listened on. */
	if (addresses->n == 0) {
		cleanup_free char *address = default_address();

		return server_listen(d->server, address, err);
	}
	for (size_t i = 0; i < addresses->n && rv == 0; i++)
		rv = server_listen(d->server, addresses->items[i], err);
	return rv;
}

/* ---- reloading ---- */

static void on_change(void *owner, const struct config_key *key, bool taken)
{
	(void)owner;
	if (taken)
		log_fact("configuration: %s has changed", key->name);
	else
		log_unusual(
			"configuration: %s has changed; it is taken at the next start", key->name);
}

static void on_hangup(uv_signal_t *handle, int signum)
{
	struct daemon *d = handle->data;
	struct settings fresh;
	struct err err;

	(void)signum;
	if (d->is_stopping)
		return;
	notify_state("RELOADING=1");
	if (settings_read(d->config_path, &fresh, &err) < 0) {
		log_broken("configuration: not reloaded, nothing has changed: %s", err.text);
		notify_state("READY=1");
		return;
	}
	config_reload(settings_table(), &d->settings, &fresh, on_change, d);
	settings_finish(&fresh);
	log_set_level((enum log_level)d->settings.log_level);
	server_reload(d->server);
	pipeline_reload(d->pipeline);
	log_fact("configuration: reloaded");
	notify_state("READY=1");
}

/* ---- stopping ---- */

static void close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

/* All children have ended, and what they did is stored. */
static void on_pipeline_stopped(void *owner)
{
	struct daemon *d = owner;

	server_destroy(d->server);
	pipeline_destroy(d->pipeline);
	close_handle((uv_handle_t *)&d->terminate);
	close_handle((uv_handle_t *)&d->interrupt);
	close_handle((uv_handle_t *)&d->hangup);
	close_handle((uv_handle_t *)&d->patience);
	close_handle((uv_handle_t *)&d->watchdog);
}

static void on_patience_over(uv_timer_t *timer)
{
	struct daemon *d = timer->data;

	log_broken("not everything has ended within stop_grace; leaving all the same");
	d->stopped_badly = true;
	uv_stop(&d->loop); /* Children get their signal from the kernel. */
}

static void on_terminate(uv_signal_t *handle, int signum)
{
	struct daemon *d = handle->data;

	if (d->is_stopping)
		return;
	d->is_stopping = true;
	log_fact("stopping (signal %d)", signum);
	notify_state("STOPPING=1");
	uv_timer_start(&d->patience, on_patience_over,
		(uint64_t)(d->settings.stop_grace_ms + d->settings.build.kill_grace_ms), 0);
	pipeline_stop(d->pipeline, on_pipeline_stopped, d);
}

/* ---- starting ---- */

static void on_watchdog(uv_timer_t *timer)
{
	(void)timer;
	notify_state("WATCHDOG=1");
}

static void start_watchdog(struct daemon *d)
{
	uint64_t every = notify_watchdog_ms() / 2;

	if (every > 0)
		uv_timer_start(&d->watchdog, on_watchdog, every, every);
}

static void start_signals(struct daemon *d)
{
	(void)signal(SIGPIPE, SIG_IGN);
	uv_signal_init(&d->loop, &d->terminate);
	uv_signal_init(&d->loop, &d->interrupt);
	uv_signal_init(&d->loop, &d->hangup);
	uv_timer_init(&d->loop, &d->patience);
	uv_timer_init(&d->loop, &d->watchdog);
	d->terminate.data = d->interrupt.data = d->hangup.data = d->patience.data = d;
	uv_signal_start(&d->terminate, on_terminate, SIGTERM);
	uv_signal_start(&d->interrupt, on_terminate, SIGINT);
	uv_signal_start(&d->hangup, on_hangup, SIGHUP);
}

static int open_store(struct daemon *d, struct err *err)
{
	cleanup_free char *path = str_format("%s/capqd.sqlite", d->state_dir);

	return store_open(path, &d->store, err);
}

static int make_pipeline(struct daemon *d, struct err *err)
{
	struct pipeline_spec spec = {
		.loop = &d->loop,
		.settings = &d->settings,
		.state_dir = d->state_dir,
		.store = d->store,
		.inherit_fd = d->lock_fd,
	};

	if (program_find("capq-launch", &d->launcher, err) < 0 ||
		program_find("capq-push", &d->capq_push, err) < 0 ||
		program_find("capq-inspect", &d->capq_inspect, err) < 0)
		return err->code;
	spec.launcher = d->launcher;
	spec.capq_push = d->capq_push;
	spec.capq_inspect = d->capq_inspect;
	return pipeline_create(&spec, &d->pipeline, err);
}

int daemon_start(
	struct settings *settings, const char *config_path, struct daemon **out, struct err *err)
{
	struct daemon *d = xcalloc(1, sizeof *d);
	int rv;

	d->settings = *settings;
	memset(settings, 0, sizeof *settings);
	d->config_path = xstrdup(config_path);
	uv_loop_init(&d->loop);
	rv = find_state_dir(d, err);
	if (rv == 0)
		rv = take_lock(d, err);
	if (rv == 0)
		rv = open_store(d, err);
	if (rv == 0)
		rv = make_pipeline(d, err);
	if (rv < 0)
		return rv; /* The process ends; there is nothing to take apart for. */
	d->server = server_create(&d->loop, d->pipeline);
	rv = listen_everywhere(d, err);
	if (rv < 0)
		return rv;
	start_signals(d);
	pipeline_start(d->pipeline);
	start_watchdog(d);
	log_fact("ready: capqd " CAPQ_VERSION ", state in %s", d->state_dir);
	notify_state("READY=1");
	*out = d;
	return 0;
}

int daemon_run(struct daemon *d)
{
	bool ok;

	uv_run(&d->loop, UV_RUN_DEFAULT);
	ok = !d->stopped_badly;
	if (ok) {
		int rv = uv_loop_close(&d->loop);

		assert(rv == 0); /* No handle was left behind. */
		store_close(d->store);
		log_fact("stopped");
	}
	settings_finish(&d->settings);
	free(d->config_path);
	free(d->state_dir);
	free(d->launcher);
	free(d->capq_push);
	free(d->capq_inspect);
	(void)close(d->lock_fd);
	free(d);
	return ok ? 0 : 1;
}
