#include "tests/support/store_case.h"

#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/context.h"
#include "lib/mem.h"

int store_case_setup(void **state)
{
	struct store_case *c = xcalloc(1, sizeof *c);

	strcpy(c->directory, "/tmp/capq-test-XXXXXX");
	if (mkdtemp(c->directory) == NULL)
		return -1;
	c->path = str_format("%s/capqd.sqlite", c->directory);
	*state = c;
	return store_open(c->path, &c->store, NULL);
}

static void remove_file(const struct store_case *c, const char *suffix)
{
	cleanup_free char *path = str_format("%s%s", c->path, suffix);

	(void)unlink(path);
}

int store_case_teardown(void **state)
{
	struct store_case *c = *state;

	store_close(c->store);
	remove_file(c, "");
	remove_file(c, "-wal");
	remove_file(c, "-shm");
	remove_file(c, ".copy");
	if (rmdir(c->directory) != 0)
		return -1; /* A test left something. */
	free(c->path);
	free(c);
	return 0;
}

void store_case_reopen(struct store_case *c)
{
	store_close(c->store);
	c->store = NULL;
	assert_int_equal(store_open(c->path, &c->store, NULL), 0);
}

void store_case_commit(struct store *store)
{
	struct err err = { 0 };

	if (store_commit(store, &err) < 0)
		fail_msg("%s", err.text);
}

int64_t store_case_context(struct store *store, int revision, const char *caps)
{
	cleanup_free char *hash = str_format("%040d", revision);
	int64_t context;

	store_begin(store);
	context = store_context(
		store, store_revision(store, hash, true, 1), caps, "default", "", "x86_64-linux");
	store_case_commit(store);
	return context;
}

int64_t store_case_job(struct store *store, const char *attr, int64_t context)
{
	struct job_entry entry = { .attr = attr,
		.context_id = context,
		.rev_from = "branch master",
		.submitter = "root",
		.now_ms = 1000 };
	struct job_entered entered;

	store_begin(store);
	store_job_enter(store, &entry, &entered);
	store_case_commit(store);
	return entered.id;
}

int64_t store_case_build(struct store *store, const char *name, enum build_state state)
{
	cleanup_free char *drv_path =
		str_format("/nix/store/00000000000000000000000000000000-%s.drv", name);
	struct build_entry entry = { .drv_path = drv_path,
		.name = name,
		.package = name,
		.system = "x86_64-linux",
		.features = "",
		.outputs = "{}",
		.caps = "8.6",
		.is_trusted = true,
		.state = state,
		.now_ms = 1000 };
	int64_t id;

	store_begin(store);
	id = store_build_enter(store, &entry);
	store_case_commit(store);
	return id;
}

void store_case_set_state(struct store *store, int64_t job, enum job_state state)
{
	struct job_change change = { .state = state,
		.held_state = JOB_WAITING,
		.failure = state == JOB_FAILED ? FAILURE_BUILD : FAILURE_NONE,
		.now_ms = 2000 };

	store_begin(store);
	store_job_change(store, job, &change);
	store_case_commit(store);
}

void store_case_note(struct str *out, int64_t id)
{
	str_addf(out, " %" PRId64, id);
}

void store_case_note_job(void *str, const struct job *job)
{
	store_case_note(str, job->id);
}

void store_case_note_build(void *str, const struct build *build)
{
	store_case_note(str, build->id);
}
