#include "tests/support/pipeline_case.h"

#include "tests/support/cmocka_all.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void read_settings(struct pipeline_case *c, const char *more)
{
	cleanup_free char *text = str_format("state_dir: %s\n"
					     "systems: [x86_64-linux]\n"
					     "nixpkgs: {path: /nonexistent}\n"
					     "log_level: broken\n"
					     "%s",
		c->directory, more);
	struct err err = { 0 };

	if (settings_parse(text, strlen(text), "test", &c->settings, &err) < 0)
		fail_msg("%s", err.text);
}

static void open_pipeline(struct pipeline_case *c)
{
	cleanup_free char *path = str_format("%s/capqd.sqlite", c->directory);
	struct pipeline_spec spec = {
		.loop = &c->loop,
		.settings = &c->settings,
		.state_dir = c->directory,
		.launcher = "/nonexistent",
		.capq_push = "/nonexistent",
		.capq_inspect = "/nonexistent",
		.inherit_fd = -1,
	};
	struct err err = { 0 };

	assert_int_equal(uv_loop_init(&c->loop), 0);
	assert_int_equal(store_open(path, &c->store, NULL), 0);
	spec.store = c->store;
	if (pipeline_create(&spec, &c->p, &err) < 0)
		fail_msg("%s", err.text);
}

static void close_pipeline(struct pipeline_case *c)
{
	pipeline_destroy(c->p);
	(void)uv_run(&c->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&c->loop), 0);
	store_close(c->store);
}

void pipeline_case_open(struct pipeline_case *c, const char *configuration)
{
	strcpy(c->directory, "/tmp/capq-test-XXXXXX");
	assert_non_null(mkdtemp(c->directory));
	read_settings(c, configuration);
	log_set_level(LOG_BROKEN);
	open_pipeline(c);
}

void pipeline_case_reopen(struct pipeline_case *c)
{
	close_pipeline(c);
	open_pipeline(c);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void pipeline_case_close(struct pipeline_case *c)
{
	close_pipeline(c);
	settings_finish(&c->settings);
	assert_int_equal(nftw(c->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

int pipeline_case_setup(void **state)
{
	*state = xcalloc(1, sizeof(struct pipeline_case));
	pipeline_case_open(*state, "");
	return 0;
}

int pipeline_case_teardown(void **state)
{
	pipeline_case_close(*state);
	free(*state);
	return 0;
}

void pipeline_case_commit(struct pipeline_case *c)
{
	if (!pipeline_commit(c->p))
		fail_msg("%s", c->p->store_problem);
}
