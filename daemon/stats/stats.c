#include "daemon/stats/stats.h"

#include "daemon/stats/accuracy.h"
#include "daemon/stats/packages.h"
#include "daemon/stats/waits.h"
#include "daemon/store/stats.h"

struct sums {
	struct packages *packages;
	struct accuracy *accuracy;
	struct waits *waits;
};

static void add_run(void *owner, const struct stats_run *run)
{
	struct sums *sums = owner;

	packages_add(sums->packages, run);
	accuracy_add(sums->accuracy, run);
}

static void add_job(void *owner, const struct stats_job *job)
{
	struct sums *sums = owner;

	waits_add(sums->waits, job);
}

/* Of a state that is not here nothing is to be said: such jobs have not been planned. */
static void read_rows(struct store *store, struct sums *sums)
{
	static const enum job_state states[] = { JOB_WAITING, JOB_PUSHING, JOB_ON_HOLD, JOB_DONE,
		JOB_FAILED, JOB_CANCELLED, JOB_SUPERSEDED };

	store_stats_runs(store, STATS_ROWS_MAX, add_run, sums);
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		store_stats_jobs(store, states[i], STATS_ROWS_MAX, add_job, sums);
}

static void write_sums(const struct sums *sums, int64_t now_ms, struct json_out *out)
{
	json_out_time(out, "at", now_ms);
	json_out_int(out, "rows_max", STATS_ROWS_MAX);
	packages_to_json(sums->packages, out);
	accuracy_to_json(sums->accuracy, out);
	waits_to_json(sums->waits, out);
}

int stats_make(const char *database, int64_t now_ms, struct json_out *out, struct err *err)
{
	struct store *store = NULL;
	struct sums sums;
	int rv = store_open_snapshot(database, &store, err);

	if (rv < 0)
		return rv;
	sums = (struct sums){ packages_create(), accuracy_create(now_ms), waits_create(now_ms) };
	read_rows(store, &sums);
	if (store_failed(store))
		rv = err_set(err, CAPQ_EFAILED, "the data base could not be read");
	else
		write_sums(&sums, now_ms, out);
	packages_destroy(sums.packages);
	accuracy_destroy(sums.accuracy);
	waits_destroy(sums.waits);
	store_close(store);
	return rv;
}
