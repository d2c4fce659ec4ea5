#include "sched/estimate_error.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define WEEK_MS (7 * INT64_C(86400000))
#define BUCKET_LN 0.05

static struct estimate_error_week *week_of(struct estimate_errors *errors, int64_t at_ms)
{
	int64_t number = at_ms < 0 ? 0 : at_ms / WEEK_MS;
	struct estimate_error_week *week = &errors->weeks[number % ESTIMATE_ERROR_WEEKS];

	if (week->week < number) {
		memset(week, 0, sizeof *week);
		week->week = number;
	}
	return week->week == number ? week : NULL; /* Else it is too long ago. */
}

void estimate_errors_add(struct estimate_errors *errors, unsigned class, int64_t at_ms,
	const struct estimate *est, double cost_ms)
{
	struct estimate_error_week *week = week_of(errors, at_ms);
	double off = log(fmax(1, cost_ms)) - est->mu;
	double bucket = fmin(fabs(off) / BUCKET_LN, ESTIMATE_ERROR_BUCKETS - 1);

	if (week == NULL || class >= ESTIMATE_ERROR_CLASSES)
		return;
	week->counts[class][(size_t)bucket]++;
	week->within[class] +=
		cost_ms >= estimate_quantile(est, 0.1) && cost_ms <= estimate_quantile(est, 0.9);
	week->over[class] += off > 0;
}

/* Of `n` counted, where the share `p` is below it; inside a bucket they are taken for even. */
static double factor_at(const uint64_t counts[ESTIMATE_ERROR_BUCKETS], uint64_t n, double p)
{
	double left = p * (double)n;
	size_t i = 0;

	while (i + 1 < ESTIMATE_ERROR_BUCKETS && left > (double)counts[i])
		left -= (double)counts[i++];
	return exp(BUCKET_LN * ((double)i + fmin(1, left / (double)counts[i])));
}

void estimate_errors_get(const struct estimate_errors *errors, unsigned classes, int64_t now_ms,
	unsigned weeks, struct estimate_error_summary *out)
{
	int64_t this_week = now_ms < 0 ? 0 : now_ms / WEEK_MS;
	uint64_t counts[ESTIMATE_ERROR_BUCKETS] = { 0 };
	uint64_t within = 0, over = 0;

	memset(out, 0, sizeof *out);
	if (weeks > ESTIMATE_ERROR_WEEKS)
		weeks = ESTIMATE_ERROR_WEEKS; /* Older ones may still be there, but not all. */
	for (size_t i = 0; i < ESTIMATE_ERROR_WEEKS; i++) {
		const struct estimate_error_week *week = &errors->weeks[i];

		if (week->week > this_week || week->week <= this_week - (int64_t)weeks)
			continue;
		for (size_t class = 0; class < ESTIMATE_ERROR_CLASSES; class ++) {
			if ((classes >> class & 1) == 0)
				continue;
			within += week->within[class];
			over += week->over[class];
			for (size_t b = 0; b < ESTIMATE_ERROR_BUCKETS; b++) {
				counts[b] += week->counts[class][b];
				out->n += week->counts[class][b];
			}
		}
	}
	if (out->n == 0)
		return;
	out->median = factor_at(counts, out->n, 0.5);
	out->p90 = factor_at(counts, out->n, 0.9);
	out->within = (double)within / (double)out->n;
	out->over = (double)over / (double)out->n;
}
