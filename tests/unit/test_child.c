/* What the owner of a child sees, as one transcript a case. */
#include "tests/support/cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/capture.h"
#include "io/child.h"
#include "lib/mem.h"
#include "lib/str.h"

struct fixture {
	uv_loop_t loop;
	struct children children;
	char launcher[4096];
	struct child *child;
	struct str transcript;
	int ends;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);

	uv_loop_init(&f->loop);
	snprintf(f->launcher, sizeof f->launcher, "%s/capq-launch", getenv("CAPQ_BIN"));
	f->children =
		(struct children){ .loop = &f->loop, .launcher = f->launcher, .inherit_fd = -1 };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(uv_loop_close(&f->loop), 0); /* No handle was left behind. */
	assert_int_equal(f->children.n, 0);
	str_free(&f->transcript);
	free(f);
	return 0;
}

static void on_line(void *owner, const char *line, size_t len)
{
	struct fixture *f = owner;

	if (len > 40)
		str_addf(&f->transcript, "%zu bytes, ", len);
	else
		str_addf(&f->transcript, "%.*s, ", (int)len, line);
	if (len == 6 && memcmp(line, "cancel", len) == 0)
		child_stop(f->child, CHILD_STOPPED);
}

static void on_stderr(void *owner, const char *line, size_t len)
{
	struct fixture *f = owner;

	str_addf(&f->transcript, "stderr %.*s, ", (int)len, line);
}

static void on_done(void *owner, const struct child_end *end)
{
	struct fixture *f = owner;
	char how[64];

	child_describe_end(end, how, sizeof how);
	str_addf(&f->transcript, "%s", how);
	if (end->stderr_tail[0] != '\0')
		str_addf(&f->transcript, " saying '%s'", end->stderr_tail);
	f->ends++;
}

static struct child_spec spec_of(struct fixture *f, const char *const *argv)
{
	return (struct child_spec){
		.name = "test",
		.argv = argv,
		.kill_grace_ms = 50,
		.on_stdout = on_line,
		.on_done = on_done,
		.owner = f,
	};
}

static void run(struct fixture *f, const struct child_spec *spec)
{
	struct err err;

	str_clear(&f->transcript);
	f->ends = 0;
	assert_int_equal(child_start(&f->children, spec, &f->child, &err), 0);
	assert_int_equal(f->transcript.len, 0); /* No callback from inside child_start(). */
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->ends, 1);
}

static void transcripts(void **state)
{
	static const struct {
		const char *argv[4];
		uint64_t timeout_ms;
		const char *transcript;
	} cases[] = {
		{ { "sh", "-c", "echo one; printf two" }, 0, "one, two, exited with status 0" },
		{ { "sh", "-c", "echo; echo" }, 0, ", , exited with status 0" },
		{ { "sh", "-c", "exit 3" }, 5000, "exited with status 3" },
		{ { "sh", "-c", "kill -9 $$" }, 0, "was killed by signal 9" },
		{ { "sleep", "60" }, 100, "took longer than it may" },
		{ { "sh", "-c", "trap '' TERM; echo up; sleep 60" }, 300,
			"up, took longer than it may" },
		{ { "sh", "-c", "echo cancel; sleep 60" }, 0, "cancel, was stopped" },
		{ { "sh", "-c", "echo why >&2; exit 1" }, 0, "exited with status 1 saying 'why'" },
		{ { "/no/such/program" }, 0,
			"exited with status 127 saying 'cannot run '/no/such/program': No such file or "
			"directory'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct child_spec spec = spec_of(*state, cases[i].argv);
		struct fixture *f = *state;

		spec.timeout_ms = cases[i].timeout_ms;
		run(f, &spec);
		assert_string_equal(str_text(&f->transcript), cases[i].transcript);
	}
}

static void long_lines_come_in_pieces(void **state)
{
	const char *argv[] = { "sh", "-c", "head -c 100 /dev/zero | tr '\\0' x; echo; echo y",
		NULL };
	struct child_spec spec = spec_of(*state, argv);
	struct fixture *f = *state;

	spec.max_line = 64;
	run(f, &spec);
	assert_string_equal(str_text(&f->transcript),
		"64 bytes, xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, y, exited with status 0");
}

static void what_cannot_be_started_is_no_child(void **state)
{
	const char *argv[] = { "true", NULL };
	struct child_spec spec = spec_of(*state, argv);
	struct fixture *f = *state;
	struct child *child = NULL;
	struct err err;

	spec.directory = "/no/such/directory";
	assert_int_equal(child_start(&f->children, &spec, &child, &err), CAPQ_EFAILED);
	assert_string_equal(err.text, "cannot start test: no such file or directory");
	assert_null(child);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->ends, 0);
}

static void it_runs_where_it_is_told(void **state)
{
	const char *argv[] = { "pwd", NULL };
	struct child_spec spec = spec_of(*state, argv);
	struct fixture *f = *state;

	spec.directory = "/usr";
	run(f, &spec);
	assert_string_equal(str_text(&f->transcript), "/usr, exited with status 0");
}

/* What ignores SIGTERM is killed at once when that is asked for. */
static void the_stop_signal_can_be_chosen(void **state)
{
	const char *argv[] = { "sh", "-c", "trap '' TERM; echo cancel; sleep 60", NULL };
	struct child_spec spec = spec_of(*state, argv);
	struct fixture *f = *state;
	uint64_t before = uv_hrtime();

	spec.stop_signal = SIGKILL;
	spec.kill_grace_ms = 30000;
	run(f, &spec);
	assert_string_equal(str_text(&f->transcript), "cancel, was stopped");
	assert_true(uv_hrtime() - before < UINT64_C(10000000000));
}

static void all_can_be_stopped(void **state)
{
	const char *argv[] = { "sleep", "60", NULL };
	struct child_spec spec = spec_of(*state, argv);
	struct fixture *f = *state;
	struct err err;

	for (int i = 0; i < 3; i++)
		assert_int_equal(child_start(&f->children, &spec, &f->child, &err), 0);
	assert_int_equal(f->children.n, 3);
	children_stop_all(&f->children);
	children_stop_all(&f->children); /* Once is enough. */
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->ends, 3);
	assert_string_equal(str_text(&f->transcript), "was stoppedwas stoppedwas stopped");
}

static void on_line_ask_for_cpu(void *owner, const char *line, size_t len)
{
	struct fixture *f = owner;

	if (len == 4 && memcmp(line, "done", 4) == 0)
		str_addf(&f->transcript, "%s, ",
			child_descendants_cpu_ms(f->child) > 0 ? "took time" : "took none");
}

static void cpu_time_of_descendants(void **state)
{
	const char *argv[] = { "sh", "-c",
		"sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'; echo done; sleep 0.2",
		NULL };
	struct child_spec spec = spec_of(*state, argv);
	struct fixture *f = *state;

	spec.on_stdout = on_line_ask_for_cpu;
	run(f, &spec);
	assert_string_equal(str_text(&f->transcript), "took time, exited with status 0");
}

static void input_reaches_it(void **state)
{
	const char *argv[] = { "cat", NULL };
	struct child_spec spec = spec_of(*state, argv);
	char big[300000];

	memset(big, 'x', sizeof big);
	big[sizeof big - 1] = '\n';
	spec.input = "hello\nthere\n";
	spec.input_len = 12;
	run(*state, &spec);
	assert_string_equal(str_text(&((struct fixture *)*state)->transcript),
		"hello, there, exited with status 0");
	spec.input = big; /* More than a pipe holds. */
	spec.input_len = sizeof big;
	spec.max_line = sizeof big;
	run(*state, &spec);
	assert_string_equal(str_text(&((struct fixture *)*state)->transcript),
		"299999 bytes, exited with status 0");
}

/* A program that ends without reading what it is sent must not end us. */
static void unread_input_is_no_error(void **state)
{
	const char *argv[] = { "true", NULL };
	struct child_spec spec = spec_of(*state, argv);
	char big[300000] = { 0 };

	spec.input = big;
	spec.input_len = sizeof big;
	run(*state, &spec);
	assert_string_equal(
		str_text(&((struct fixture *)*state)->transcript), "exited with status 0");
}

static void both_streams_come_in_lines(void **state)
{
	const char *argv[] = { "sh", "-c", "echo a; echo b >&2", NULL };
	struct child_spec spec = spec_of(*state, argv);
	const char *text;

	spec.on_stderr = on_stderr;
	run(*state, &spec);
	text = str_text(&((struct fixture *)*state)->transcript);
	assert_non_null(strstr(text, "a, "));
	assert_non_null(strstr(text, "stderr b, "));
}

static void output_is_bounded(void **state)
{
	const char *argv[] = { "sh", "-c", "yes >&2", NULL };
	struct child_spec spec = spec_of(*state, argv);
	const char *text;

	spec.max_output = 100000;
	run(*state, &spec);
	text = str_text(&((struct fixture *)*state)->transcript);
	assert_true(str_starts(text, "printed more than it may"));
	assert_true(strlen(text) < 10000);
}

static void memory_is_bounded(void **state)
{
	const char *argv[] = { "sh", "-c", "x=x; while :; do x=$x$x; done", NULL };
	struct child_spec spec = spec_of(*state, argv);

	spec.memory_bytes = 64u << 20;
	spec.on_stderr = on_stderr;
	run(*state, &spec);
	assert_non_null(strstr(
		str_text(&((struct fixture *)*state)->transcript), "used more memory than it may"));
}

/* A grandchild in a session of its own keeps the pipe: the child has ended all the same. */
static void a_held_pipe_is_not_waited_for(void **state)
{
	const char *argv[] = { "sh", "-c", "setsid sleep 30 & exit 5", NULL };
	struct child_spec spec = spec_of(*state, argv);
	struct fixture *f = *state;
	siginfo_t dead;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	run(f, &spec);
	assert_string_equal(str_text(&f->transcript), "exited with status 5");
	assert_int_equal(children_kill_orphans(&f->children), 1); /* That sleep. */
	/* It may take a moment to die; once dead it is only waited for, not counted again. */
	(void)waitid(P_ALL, 0, &dead, WEXITED | WNOWAIT);
	assert_int_equal(children_kill_orphans(&f->children), 0);
	assert_int_equal(waitpid(-1, NULL, 0), -1); /* Nobody is left. */
}

/* Stopped, but held: the grace time is the bound then. */
static void a_held_pipe_ends_with_the_grace_time(void **state)
{
	const char *argv[] = { "sh", "-c", "setsid sleep 30 & sleep 0.3; echo cancel; wait", NULL };
	struct child_spec spec = spec_of(*state, argv);
	struct fixture *f = *state;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	run(f, &spec);
	assert_string_equal(str_text(&f->transcript), "cancel, was stopped");
	assert_int_equal(children_kill_orphans(&f->children), 1);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void secrets_are_taken_out(void **state)
{
	const char *argv[] = { "sh", "-c", "echo ${CACHIX_AUTH_TOKEN-none} ${ADDED-none}", NULL };
	const char *env[] = { "ADDED=yes", NULL };
	struct child_spec spec = spec_of(*state, argv);
	struct fixture *f = *state;

	setenv("CACHIX_AUTH_TOKEN", "secret", 1);
	spec.env = env;
	run(f, &spec);
	assert_string_equal(str_text(&f->transcript), "none yes, exited with status 0");
	spec.with_secrets = true;
	run(f, &spec);
	assert_string_equal(str_text(&f->transcript), "secret yes, exited with status 0");
}

static void keep_capture(void *owner, const char *message, const char *out)
{
	struct fixture *f = owner;

	assert_null(message);
	str_add(&f->transcript, out);
}

/* A line of any length stays one line. */
static void what_is_captured_is_what_was_printed(void **state)
{
	const char *argv[] = { "sh", "-c",
		"echo first; head -c 200000 /dev/zero | tr '\\0' x; echo", NULL };
	struct fixture *f = *state;
	struct capture_spec spec = {
		.name = "sh", .argv = argv, .on_done = keep_capture, .owner = f
	};
	struct capture *capture;

	assert_int_equal(capture_start(&f->children, &spec, &capture, NULL), 0);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->transcript.len, strlen("first\n") + 200000);
	assert_memory_equal(str_text(&f->transcript), "first\nx", strlen("first\nx"));
	assert_int_equal(strspn(str_text(&f->transcript) + strlen("first\n"), "x"), 200000);
}

/* A process that starts a child and is killed with SIGKILL takes the child with it. */
static void children_die_with_us(void **state)
{
	struct fixture *f = *state;
	int pipe_fds[2], status;
	pid_t pid;
	char byte;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	if (pid == 0) {
		const char *argv[] = { "sh", "-c", "echo up; exec sleep 60", NULL };
		struct child_spec spec = spec_of(f, argv);
		uv_loop_t loop;
		struct err err;

		close(pipe_fds[0]);
		f->children.inherit_fd = pipe_fds[1];
		uv_loop_init(&loop);
		f->children.loop = &loop;
		if (child_start(&f->children, &spec, &f->child, &err) < 0)
			_exit(1);
		uv_run(&loop, UV_RUN_ONCE); /* Until it is up. */
		raise(SIGKILL);
	}
	close(pipe_fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	/* The child holds the other end as its inherited descriptor; end of file says it is gone.
	 */
	assert_int_equal(read(pipe_fds[0], &byte, 1), 0);
	close(pipe_fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(transcripts, setup, teardown),
		cmocka_unit_test_setup_teardown(long_lines_come_in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_started_is_no_child, setup, teardown),
		cmocka_unit_test_setup_teardown(it_runs_where_it_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(the_stop_signal_can_be_chosen, setup, teardown),
		cmocka_unit_test_setup_teardown(all_can_be_stopped, setup, teardown),
		cmocka_unit_test_setup_teardown(cpu_time_of_descendants, setup, teardown),
		cmocka_unit_test_setup_teardown(input_reaches_it, setup, teardown),
		cmocka_unit_test_setup_teardown(unread_input_is_no_error, setup, teardown),
		cmocka_unit_test_setup_teardown(both_streams_come_in_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(output_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(a_held_pipe_is_not_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_held_pipe_ends_with_the_grace_time, setup, teardown),
		cmocka_unit_test_setup_teardown(secrets_are_taken_out, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_captured_is_what_was_printed, setup, teardown),
		cmocka_unit_test_setup_teardown(children_die_with_us, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
