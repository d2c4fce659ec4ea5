/* Estimates: whatever is told in whatever order, there is an answer that can be reckoned with, and
 * the same calls give the same one. */
#include <math.h>

#include "sched/estimate.h"
#include "tests/fuzz/fuzz.h"

static const char *const packages[] = { "torch", "cmake", "magma", "" };
static const char *const sets[] = { NULL, "any", "8.6", "8.6+PTX", "8.0,8.6,9.0", ",,,," };
static const char *const systems[] = { NULL, "x86_64-linux", "aarch64-linux" };
static const char *const versions[] = { NULL, "1", "2" };
static const char *const builders[] = { NULL, "a", "b" };

struct call {
	uint8_t what, package, set, system, version, builder, outcome;
	int64_t at_ms, wall_ms, core_ms, memory, output;
	double speed;
};

#define PICK(array, number) (array)[(number) % ARRAY_LEN(array)]

static struct estimate_key key_of(const struct call *c)
{
	return (struct estimate_key){ PICK(packages, c->package), PICK(sets, c->set),
		PICK(systems, c->system) };
}

static void make_call(struct estimates *e, const struct call *c)
{
	struct estimate_sample sample = {
		.key = key_of(c),
		.version = PICK(versions, c->version),
		.outcome = (enum estimate_outcome)(c->outcome % 3),
		.at_ms = c->at_ms,
		.wall_ms = c->wall_ms,
		.core_ms = c->core_ms,
		.peak_memory_bytes = c->memory,
		.output_bytes = c->output,
		.builder = PICK(builders, c->builder),
		.speed = c->speed,
	};

	if (c->what % 4 == 0)
		estimates_saw(e, &sample.key, (uint64_t)c->wall_ms, (uint64_t)c->core_ms, c->at_ms);
	else
		estimates_learn(e, &sample);
}

static void check(const struct estimates *e, const struct call *c, struct estimate *est)
{
	struct estimate_key key = key_of(c);
	double elapsed = fabs(c->speed) < 1e14 ? fabs(c->speed) : 0;

	estimates_get(e, &key, PICK(versions, c->version), c->at_ms, est);
	CHECK(isfinite(est->mu) && isfinite(est->sigma) && est->sigma > 0);
	CHECK(est->basis < ESTIMATE_BASES);
	CHECK(isfinite(est->cores) && est->cores >= 0);
	CHECK(est->peak_memory_bytes >= -1 && est->output_bytes >= -1);
	CHECK(estimate_quantile(est, 0.1) <= estimate_median(est));
	CHECK(estimate_median(est) <= estimate_quantile(est, 0.9));
	CHECK(estimate_remaining(est, elapsed, 0.5) >= 1);
	CHECK(estimate_remaining(est, elapsed, 0.5) <= estimate_remaining(est, elapsed, 0.9));
	CHECK(isfinite(estimates_builder_factor(e, PICK(builders, c->builder))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct estimates *e = estimates_create(), *again = estimates_create();
	struct estimate one, other;
	struct call call;

	for (; size >= sizeof call; data += sizeof call, size -= sizeof call) {
		memcpy(&call, data, sizeof call);
		make_call(e, &call);
		make_call(again, &call);
		check(e, &call, &one);
	}
	if (estimates_n_packages(e) > 0) {
		check(again, &call, &other);
		CHECK(memcmp(&one, &other, sizeof one) == 0);
	}
	estimates_destroy(e);
	estimates_destroy(again);
	return 0;
}
