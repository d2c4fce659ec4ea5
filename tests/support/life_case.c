#include "tests/support/life_case.h"

#include "tests/support/cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/build.h"
#include "daemon/store/event.h"

int64_t life_case_events(struct pipeline_case *c)
{
	int64_t oldest, newest;

	store_events_range(c->store, &oldest, &newest);
	return newest;
}

int life_case_build_state(struct pipeline_case *c, int64_t id)
{
	struct build build;
	int state;

	assert_true(store_build_get(c->store, id, &build));
	state = (int)build.state;
	build_finish(&build);
	return state;
}

bool life_case_in_child(pid_t *out_pid)
{
	*out_pid = fork();
	if (*out_pid != 0)
		return false;
	(void)signal(SIGABRT, SIG_DFL); /* Not cmocka's. */
	(void)freopen("/dev/null", "w", stderr);
	return true;
}

void life_case_assert_aborts(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
