/* Callbacks only note a fact and call child_step(), which alone decides what is next.
 *
 *   RUNNING --- stop wanted: signal ----------> STOPPING --- grace over: SIGKILL ---+
 *      |                                           |  ^                             |
 *      | exited, output ended (or linger over)     |  +-----------------------------+
 *      +-----------------> CLOSING <---------------+ exited, output ended (or grace over)
 *
 * Once it has exited we wait for the rest of its output, but not for ever: a descendant that left
 * our process group may hold it open. The timer counts, one after the other, the time limit while
 * RUNNING, the lingering (CHILD_LINGER_MS) once exited, the grace time while STOPPING. */
#include "io/child.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/child_env.h"
#include "io/proc.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"

#define LINE_MAX_DEFAULT (64u << 10)
#define LINE_START 1024
#define TAIL_MAX ((size_t)4096) /* Bytes of standard error that are kept for the end. */
#define WATCH_MS 100            /* Between looks at the memory in use. */
#define ARGV_EXTRA 4            /* The launcher and its three arguments. */

enum child_state {
	RUNNING,
	STOPPING,
	CLOSING,
};

/* One of the two output streams, cut into lines. */
struct stream {
	struct child *child;
	uv_pipe_t pipe;
	void (*on_line)(void *owner, const char *line, size_t len);
	bool ended;
	char *line; /* What was read and not yet handed out. */
	size_t len, capacity;
};

struct child {
	struct child_spec spec;
	char *name;
	struct children *children;
	struct child *next, *previous; /* In children->first. */
	enum child_state state;

	uv_process_t process;
	uv_pipe_t input;
	uv_write_t input_write;
	char *input_bytes;
	struct stream out, err;
	uv_timer_t timer;
	uv_timer_t watch; /* Looks at the memory in use. */
	int open_handles; /* Of the six above; at 0 this memory may go. */

	bool started, exited, stop_wanted, linger_over, grace_over; /* The facts. */
	bool lingering, killed;                                     /* What was done about them. */
	uint64_t output;                                            /* Bytes so far. */
	enum child_outcome outcome;
	int code;
	struct str tail; /* The end of standard error when nobody reads it. */
};

/* ---- the end ---- */

static void unlink_child(struct child *child)
{
	if (child->previous != NULL)
		child->previous->next = child->next;
	else
		child->children->first = child->next;
	if (child->next != NULL)
		child->next->previous = child->previous;
	child->children->n--;
}

static void report_end(struct child *child)
{
	cleanup_str struct str tail = { 0 };
	struct child_end end = { .outcome = child->outcome, .code = child->code };

	str_add_printable(&tail, str_text(&child->tail), child->tail.len);
	while (tail.len > 0 && isspace((unsigned char)tail.text[tail.len - 1]))
		tail.text[--tail.len] = '\0';
	end.stderr_tail = str_text(&tail);
	child->spec.on_done(child->spec.owner, &end);
}

static void on_closed(uv_handle_t *handle)
{
	struct child *child = handle->data;

	if (--child->open_handles > 0)
		return;
	if (child->started) {
		unlink_child(child);
		report_end(child);
	}
	free(child->out.line);
	free(child->err.line);
	free(child->input_bytes);
	free(child->name);
	str_free(&child->tail);
	free(child);
}

static void close_handles(struct child *child)
{
	uv_handle_t *const handles[] = {
		(uv_handle_t *)&child->process,
		(uv_handle_t *)&child->input,
		(uv_handle_t *)&child->out.pipe,
		(uv_handle_t *)&child->err.pipe,
		(uv_handle_t *)&child->timer,
		(uv_handle_t *)&child->watch,
	};

	child->state = CLOSING;
	for (size_t i = 0; i < ARRAY_LEN(handles); i++)
		if (!uv_is_closing(handles[i]))
			uv_close(handles[i], on_closed);
}

/* ---- the step ---- */

/* Signal the child and what it started: it leads its own group (UV_PROCESS_DETACHED), which exists
 * as long as anybody is in it. */
static void signal_group(struct child *child, int signum)
{
	(void)uv_kill(-child->process.pid, signum); /* ESRCH: they are all gone already. */
}

static void on_grace_over(uv_timer_t *timer);
static void on_linger_over(uv_timer_t *timer);

static void kill_group(struct child *child)
{
	if (!child->exited)
		log_unusual(
			"%s (pid %d): does not stop; killing it", child->name, child->process.pid);
	child->killed = true;
	signal_group(child, SIGKILL);
}

static void child_step(struct child *child)
{
	bool output_ended = child->out.ended && child->err.ended;

	switch (child->state) {
	case RUNNING:
		if (child->exited && (output_ended || child->linger_over)) {
			if (!output_ended)
				log_unusual("%s: ended, but what it started keeps its output open; "
					    "not waiting for that",
					child->name);
			close_handles(child);
		} else if (child->stop_wanted) {
			child->state = STOPPING;
			signal_group(child, child->spec.stop_signal);
			uv_timer_start(&child->timer, on_grace_over, child->spec.kill_grace_ms, 0);
		} else if (child->exited && !child->lingering) {
			child->lingering = true;
			uv_timer_start(&child->timer, on_linger_over, CHILD_LINGER_MS, 0);
		}
		return;
	case STOPPING:
		if (child->grace_over && !child->killed)
			kill_group(child);
		if (child->exited && (output_ended || child->grace_over))
			close_handles(child);
		return;
	case CLOSING:
		return;
	}
}

static void on_grace_over(uv_timer_t *timer)
{
	struct child *child = timer->data;

	child->grace_over = true;
	child_step(child);
}

static void on_linger_over(uv_timer_t *timer)
{
	struct child *child = timer->data;

	child->linger_over = true;
	child_step(child);
}

void child_stop(struct child *child, enum child_outcome why)
{
	if (child->stop_wanted || child->exited || child->state == CLOSING)
		return;
	child->stop_wanted = true;
	child->outcome = why;
	child_step(child);
}

static void on_time_limit(uv_timer_t *timer)
{
	child_stop(timer->data, CHILD_TIMED_OUT);
}

static void on_exited(uv_process_t *process, int64_t status, int term_signal)
{
	struct child *child = process->data;

	child->exited = true;
	child->code = term_signal ? term_signal : (int)status;
	if (!child->stop_wanted)
		child->outcome = term_signal ? CHILD_SIGNALED : CHILD_EXITED;
	uv_timer_stop(&child->watch);
	child_step(child);
}

/* ---- memory ---- */

static void on_watch(uv_timer_t *watch)
{
	struct child *child = watch->data;

	if (proc_resident_bytes(child->process.pid) > child->spec.memory_bytes) {
		child_stop(child, CHILD_OUT_OF_MEMORY);
		signal_group(child, SIGKILL); /* It grows while it is asked politely. */
	}
}

int64_t child_descendants_cpu_ms(const struct child *child)
{
	return child->exited ? 0 : proc_waited_cpu_ms(child->process.pid);
}

int child_pid(const struct child *child)
{
	return child->process.pid;
}

/* ---- output ---- */

/* Keep the last TAIL_MAX bytes at least, twice that at most. */
static void keep_tail(struct child *child, const char *bytes, size_t len)
{
	str_add_bytes(&child->tail, bytes, len);
	if (child->tail.len > 2 * TAIL_MAX) {
		size_t cut = child->tail.len - TAIL_MAX;

		memmove(child->tail.text, child->tail.text + cut, TAIL_MAX + 1);
		child->tail.len = TAIL_MAX;
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct stream *s = CONTAINER_OF(handle, struct stream, pipe);

	(void)suggested;
	if (s->len == s->capacity) {
		size_t max = s->child->spec.max_line;

		s->capacity = s->capacity == 0 ? LINE_START : 2 * s->capacity;
		if (s->capacity > max)
			s->capacity = max;
		s->line = xrealloc(s->line, s->capacity);
	}
	buf->base = s->line + s->len;
	buf->len = s->capacity - s->len;
}

/* Hand out every whole line, and a rest that can grow no more; keep what remains. */
static void emit_lines(struct stream *s)
{
	char *start = s->line, *end = start + s->len, *newline;
	void *owner = s->child->spec.owner;

	while (start < end && (newline = memchr(start, '\n', (size_t)(end - start))) != NULL) {
		s->on_line(owner, start, (size_t)(newline - start));
		start = newline + 1;
	}
	if (start < end && (s->ended || (size_t)(end - start) == s->child->spec.max_line)) {
		s->on_line(owner, start, (size_t)(end - start));
		start = end;
	}
	s->len = (size_t)(end - start);
	if (s->len > 0)
		memmove(s->line, start, s->len);
}

static void on_read(uv_stream_t *pipe, ssize_t nread, const uv_buf_t *buf)
{
	struct stream *s = CONTAINER_OF(pipe, struct stream, pipe);
	struct child *child = s->child;

	(void)buf; /* Already in s->line, see on_alloc(). */
	if (nread < 0) {
		s->ended = true; /* End of file or error: nothing more will come. */
	} else {
		s->len += (size_t)nread;
		child->output += (uint64_t)nread;
	}
	if (s->on_line != NULL) {
		emit_lines(s);
	} else {
		keep_tail(child, s->line, s->len);
		s->len = 0;
	}
	if (child->spec.max_output > 0 && child->output > child->spec.max_output)
		child_stop(child, CHILD_OUTPUT_LIMIT);
	child_step(child);
}

/* ---- starting ---- */

struct launch_args {
	char signal[16], parent[16], address_space[32];
	char **argv;
};

static void make_argv(
	const struct children *children, const struct child_spec *spec, struct launch_args *args)
{
	size_t n = 0;
	/* The hard limit is only for what outgrows the watch between two looks. */
	uint64_t address_space = spec->memory_bytes == 0 ? 0 : 2 * spec->memory_bytes + (1u << 30);

	while (spec->argv[n] != NULL)
		n++;
	(void)snprintf(args->signal, sizeof args->signal, "%d", spec->stop_signal);
	(void)snprintf(args->parent, sizeof args->parent, "%d", (int)getpid());
	(void)snprintf(args->address_space, sizeof args->address_space, "%" PRIu64, address_space);
	args->argv = xcalloc(n + ARGV_EXTRA + 1, sizeof *args->argv);
	args->argv[0] = (char *)children->launcher;
	args->argv[1] = args->signal;
	args->argv[2] = args->parent;
	args->argv[3] = args->address_space;
	for (size_t i = 0; i < n; i++)
		args->argv[ARGV_EXTRA + i] = (char *)spec->argv[i];
}

static int spawn(struct child *child, const struct child_spec *spec)
{
	struct launch_args args;
	uv_stream_t *out = (uv_stream_t *)&child->out.pipe, *err = (uv_stream_t *)&child->err.pipe;
	uv_stdio_container_t stdio[] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_IGNORE },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = err },
		{ .flags = UV_INHERIT_FD, .data.fd = child->children->inherit_fd },
	};
	uv_process_options_t options = {
		.file = child->children->launcher,
		.cwd = spec->directory,
		.flags = UV_PROCESS_DETACHED,
		.exit_cb = on_exited,
		.stdio = stdio,
		.stdio_count = child->children->inherit_fd < 0 ? 3 : 4,
	};
	int rv;

	if (spec->input != NULL) {
		stdio[0].flags = UV_CREATE_PIPE | UV_READABLE_PIPE;
		stdio[0].data.stream = (uv_stream_t *)&child->input;
	}
	if (spec->on_stdout != NULL) {
		stdio[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
		stdio[1].data.stream = out;
	}
	make_argv(child->children, spec, &args);
	options.args = args.argv;
	options.env = child_env_make(spec->env, spec->with_secrets);
	rv = uv_spawn(child->children->loop, &child->process, &options);
	free(options.env);
	free(args.argv);
	return rv;
}

static void init_handles(struct child *child)
{
	uv_loop_t *loop = child->children->loop;

	uv_pipe_init(loop, &child->input, 0);
	uv_pipe_init(loop, &child->out.pipe, 0);
	uv_pipe_init(loop, &child->err.pipe, 0);
	uv_timer_init(loop, &child->timer);
	uv_timer_init(loop, &child->watch);
	child->process.data = child->input.data = child->out.pipe.data = child->err.pipe.data =
		child->timer.data = child->watch.data = child;
	child->out.child = child->err.child = child;
	child->open_handles = 6;
}

static void on_input_written(uv_write_t *request, int status)
{
	struct child *child = request->data;

	(void)status; /* A child that closes its input has its reasons; its end will tell. */
	if (!uv_is_closing((uv_handle_t *)&child->input))
		uv_close((uv_handle_t *)&child->input, on_closed);
}

static void send_input(struct child *child, const struct child_spec *spec)
{
	uv_buf_t buf;

	child->input_bytes = xmalloc(spec->input_len);
	memcpy(child->input_bytes, spec->input, spec->input_len);
	child->input_write.data = child;
	buf = uv_buf_init(child->input_bytes, (unsigned)spec->input_len);
	if (uv_write(&child->input_write, (uv_stream_t *)&child->input, &buf, 1, on_input_written) <
		0)
		on_input_written(&child->input_write, 0);
}

static void start_reading(struct child *child)
{
	int rv = uv_read_start((uv_stream_t *)&child->err.pipe, on_alloc, on_read);

	if (rv == 0 && child->spec.on_stdout != NULL)
		rv = uv_read_start((uv_stream_t *)&child->out.pipe, on_alloc, on_read);
	else
		child->out.ended = true;
	assert(rv == 0); /* Open and readable: libuv has no other reason to refuse. */
	child->out.on_line = child->spec.on_stdout;
	child->err.on_line = child->spec.on_stderr;
}

static void link_child(struct child *child)
{
	child->next = child->children->first;
	if (child->next != NULL)
		child->next->previous = child;
	child->children->first = child;
	child->children->n++;
}

int child_start(struct children *children, const struct child_spec *spec, struct child **out,
	struct err *err)
{
	struct child *child = xcalloc(1, sizeof *child);
	int rv;

	child->spec = *spec;
	child->name = xstrdup(spec->name);
	child->children = children;
	if (child->spec.stop_signal == 0)
		child->spec.stop_signal = SIGTERM;
	if (child->spec.max_line == 0)
		child->spec.max_line = LINE_MAX_DEFAULT;
	init_handles(child);
	rv = spawn(child, &child->spec);
	if (rv != 0) {
		close_handles(child); /* libuv wants even a failed handle closed. */
		return err_set(
			err, CAPQ_EFAILED, "cannot start %s: %s", spec->name, uv_strerror(rv));
	}
	child->started = true;
	link_child(child);
	start_reading(child);
	if (spec->input != NULL)
		send_input(child, spec);
	if (spec->timeout_ms > 0)
		uv_timer_start(&child->timer, on_time_limit, spec->timeout_ms, 0);
	if (spec->memory_bytes > 0)
		uv_timer_start(&child->watch, on_watch, WATCH_MS, WATCH_MS);
	/* These were only lent to us. */
	child->spec.argv = child->spec.env = NULL;
	child->spec.name = child->spec.directory = NULL;
	child->spec.input = NULL;
	*out = child;
	return 0;
}

void children_stop_all(struct children *children)
{
	for (struct child *c = children->first; c != NULL; c = c->next)
		child_stop(c, CHILD_STOPPED);
}

/* ---- orphans ---- */

static bool is_known(const struct children *children, int pid)
{
	for (const struct child *c = children->first; c != NULL; c = c->next)
		if (c->process.pid == pid)
			return true;
	return false;
}

/* True when `pid`, a child of ours that is none of `children`, had to be killed. One that has ended
 * already, perhaps by an earlier kill, is only waited for. */
static bool kill_orphan(pid_t pid)
{
	if (waitpid(pid, NULL, WNOHANG) == pid)
		return false;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, WNOHANG); /* Else at the next look. */
	return true;
}

size_t children_kill_orphans(struct children *children)
{
	cleanup_free int *pids = NULL;
	size_t n_pids = proc_children(&pids), n = 0;

	for (size_t i = 0; i < n_pids; i++)
		if (!is_known(children, pids[i]) && kill_orphan(pids[i]))
			n++;
	return n;
}

void child_describe_end(const struct child_end *end, char *out, size_t size)
{
	switch (end->outcome) {
	case CHILD_EXITED:
		(void)snprintf(out, size, "exited with status %d", end->code);
		return;
	case CHILD_SIGNALED:
		(void)snprintf(out, size, "was killed by signal %d", end->code);
		return;
	case CHILD_TIMED_OUT:
		(void)snprintf(out, size, "took longer than it may");
		return;
	case CHILD_OUT_OF_MEMORY:
		(void)snprintf(out, size, "used more memory than it may");
		return;
	case CHILD_OUTPUT_LIMIT:
		(void)snprintf(out, size, "printed more than it may");
		return;
	case CHILD_STOPPED:
		(void)snprintf(out, size, "was stopped");
		return;
	}
}
