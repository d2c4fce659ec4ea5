#include "sim/peers.h"

#include <math.h>

#include "lib/mem.h"
#include "sim/peer.h"

#define HOUR_MS 3.6e6
#define DAY_MS (24 * HOUR_MS)

/* ---- fifo: first come, first served ---- */

static struct peer_rank fifo_rank(
	const struct peer *peer, const struct peer_build *build, int64_t now_ms)
{
	(void)peer;
	(void)build;
	(void)now_ms;
	return (struct peer_rank){ 0 }; /* The earlier row. */
}

static const struct peer_rule fifo = { .rank = fifo_rank };

const struct policy_class policy_fifo = {
	.name = "fifo", .summary = "first come, first served", .rule = &fifo, PEER_FUNCTIONS
};

/* ---- sjf: shortest job first, by its estimate ---- */

static struct peer_rank sjf_rank(
	const struct peer *peer, const struct peer_build *build, int64_t now_ms)
{
	(void)peer;
	(void)now_ms;
	return (struct peer_rank){ .first = build->cost_ms };
}

static const struct peer_rule sjf = { .rank = sjf_rank };

const struct policy_class policy_sjf = { .name = "sjf",
	.summary = "shortest job first, by its estimate",
	.rule = &sjf,
	PEER_FUNCTIONS };

/* ---- hrrn: highest response ratio next (Brinch Hansen 1971) ---- */

static double waited_ms(const struct peer_build *build, int64_t now_ms)
{
	return (double)(now_ms - build->since_ms);
}

static struct peer_rank hrrn_rank(
	const struct peer *peer, const struct peer_build *build, int64_t now_ms)
{
	(void)peer;
	return (struct peer_rank){ .first = -(waited_ms(build, now_ms) + build->cost_ms) /
					    build->cost_ms };
}

static const struct peer_rule hrrn = { .rank = hrrn_rank };

const struct policy_class policy_hrrn = {
	.name = "hrrn", .summary = "highest response ratio next", .rule = &hrrn, PEER_FUNCTIONS
};

/* ---- hydra: shares for jobsets, here branches ----
 *
 * Build time of the last day, counted when a build ends; within a branch first come, first served.
 */

#define HYDRA_HALF_LIFE_MS (DAY_MS / 2)

static const char *branch_of(const struct row *row)
{
	return row->branch;
}

static struct peer_rank hydra_rank(
	const struct peer *peer, const struct peer_build *build, int64_t now_ms)
{
	return (struct peer_rank){ .first = peer_usage(
					   &peer->flows[build->flow], now_ms, HYDRA_HALF_LIFE_MS) };
}

static void hydra_ended(
	struct peer *peer, const struct peer_build *build, int64_t took_ms, int64_t now_ms)
{
	peer_use(&peer->flows[build->flow], (double)took_ms, now_ms, HYDRA_HALF_LIFE_MS);
}

static const struct peer_rule hydra = {
	.rank = hydra_rank, .ended = hydra_ended, .flow_name = branch_of
};

const struct policy_class policy_hydra = { .name = "hydra",
	.summary = "Hydra: equal shares of the last day for branches",
	.rule = &hydra,
	PEER_FUNCTIONS };

/* ---- slurm: the multifactor plugin ---- */

#define SLURM_AGE 1000.0
#define SLURM_SHARE 500.0
#define SLURM_SIZE 1000.0
#define SLURM_SIZE_MIN_MS (HOUR_MS / 60)
#define SLURM_SIZE_MAX_MS (3 * DAY_MS)
#define SLURM_AGE_MAX_MS (7 * DAY_MS)
#define SLURM_HALF_LIFE_MS (7 * DAY_MS)

static const char *submitter_of(const struct row *row)
{
	return row->submitter;
}

/* 2^(-(usage / all usage) / (1 / submitters)) */
static double slurm_share(const struct peer *peer, const struct peer_build *build, int64_t now_ms)
{
	double usage_ms = peer_usage(&peer->flows[build->flow], now_ms, SLURM_HALF_LIFE_MS),
	       all_ms = 0;

	for (size_t i = 0; i < peer->n_flows; i++)
		all_ms += peer_usage(&peer->flows[i], now_ms, SLURM_HALF_LIFE_MS);
	return all_ms > 0 ? exp2(-usage_ms / all_ms * (double)peer->n_flows) : 1;
}

static struct peer_rank slurm_rank(
	const struct peer *peer, const struct peer_build *build, int64_t now_ms)
{
	double age = fmin((double)(now_ms - build->row->submit_ms) / SLURM_AGE_MAX_MS, 1);
	double size = 1 - fmin(fmax(log(build->cost_ms / SLURM_SIZE_MIN_MS) /
					       log(SLURM_SIZE_MAX_MS / SLURM_SIZE_MIN_MS),
				       0),
				  1);

	return (struct peer_rank){ .first = -(SLURM_AGE * age + SLURM_SIZE * size +
					      SLURM_SHARE * slurm_share(peer, build, now_ms)) };
}

static void slurm_ended(
	struct peer *peer, const struct peer_build *build, int64_t took_ms, int64_t now_ms)
{
	peer_use(&peer->flows[build->flow], (double)took_ms, now_ms, SLURM_HALF_LIFE_MS);
}

static const struct peer_rule slurm = {
	.rank = slurm_rank, .ended = slurm_ended, .flow_name = submitter_of
};

const struct policy_class policy_slurm = { .name = "slurm",
	.summary = "Slurm's multifactor priority: age, fair share, small size",
	.rule = &slurm,
	PEER_FUNCTIONS };

/* ---- wfq: self-clocked fair queueing (Golestani 1994) over three classes of cost ----
 *
 * Each class is a flow of its own, first come, first served. A build's tag is when its class would
 * be through with it if each class had the same part of a farm; the clock is the tag of what
 * started last. */

static const double wfq_limits_ms[PEER_TAGS - 1] = { HOUR_MS / 6, HOUR_MS };

static size_t wfq_class(const struct peer_build *build)
{
	size_t i = 0;

	while (i < ARRAY_LEN(wfq_limits_ms) && build->cost_ms > wfq_limits_ms[i])
		i++;
	return i;
}

static struct peer_rank wfq_rank(
	const struct peer *peer, const struct peer_build *build, int64_t now_ms)
{
	(void)peer;
	(void)now_ms;
	return (struct peer_rank){ .first = build->tag };
}

static void wfq_ready(struct peer *peer, struct peer_build *build)
{
	double *last = &peer->tags[wfq_class(build)];

	build->tag = *last = fmax(*last, peer->clock) + build->cost_ms;
}

static void wfq_started(struct peer *peer, const struct peer_build *build, int64_t now_ms)
{
	(void)now_ms;
	peer->clock = build->tag;
}

static const struct peer_rule wfq = {
	.rank = wfq_rank, .ready = wfq_ready, .started = wfq_started
};

const struct policy_class policy_wfq = { .name = "wfq",
	.summary = "fair queueing over three classes of cost",
	.rule = &wfq,
	PEER_FUNCTIONS };
