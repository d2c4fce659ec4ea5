/* Who has used how much of the slots of late. A submitter is charged with the estimate when its
 * build starts, and with the difference when it ends; what was used fades within a day.
 *
 * Up to half of all use nobody pays for being busy: a farm mostly builds for one branch. Beyond
 * that the scores of a submitter fall, with the square of what is left to the others, so that a
 * flood of tiny builds, each of them the best score there is, still lets others through. */
#include <math.h>

#include "sched/node.h"
#include "sched/score.h"

static double fading(const struct shares *shares, int64_t at_ms)
{
	return exp(-(double)(at_ms - shares->at_ms) / SHARE_DECAY_MS);
}

static void pass_time(struct shares *shares, int64_t now_ms)
{
	double f;

	if (now_ms <= shares->at_ms)
		return;
	f = fading(shares, now_ms);
	for (size_t i = 0; i < SCHED_SUBMITTERS_MAX; i++)
		shares->used_ms[i] *= f;
	shares->total_ms *= f;
	shares->at_ms = now_ms;
}

static void add(struct shares *shares, uint32_t submitter, double ms)
{
	double *used = &shares->used_ms[submitter];

	if (*used + ms < 0)
		ms = -*used;
	*used += ms;
	shares->total_ms = fmax(shares->total_ms + ms, 0);
}

void share_charge(struct sched *s, uint16_t submitter, double ms)
{
	pass_time(&s->shares, s->now_ms);
	add(&s->shares, submitter, ms);
	s->shares.charges++;
}

double share_of(const struct sched *s, uint16_t submitter)
{
	double f = fading(&s->shares, s->now_ms);
	double all = s->shares.total_ms * f + SHARE_PRIOR_MS * builders_slots(s);

	return all > 0 ? s->shares.used_ms[submitter] * f / all : 0;
}

double share_factor(const struct sched *s, uint16_t submitter)
{
	double left = (1 - share_of(s, submitter)) / (1 - SHARE_FREE);

	return left >= 1 ? 1 : fmax(left * left, SHARE_FACTOR_MIN);
}

double sched_usage(const struct sched *s, uint32_t submitter, int64_t at_ms)
{
	return s->shares.used_ms[submitter] * fading(&s->shares, at_ms);
}

void sched_each_usage(const struct sched *s, int64_t at_ms,
	void (*each)(void *, const char *, double), void *owner)
{
	for (uint32_t i = 0; i < SCHED_SUBMITTERS_MAX; i++)
		if (s->submitters[i] != NULL && s->shares.used_ms[i] > 0)
			each(owner, s->submitters[i], sched_usage(s, i, at_ms));
}

uint64_t sched_charges(const struct sched *s)
{
	return s->shares.charges;
}

void sched_set_usage(struct sched *s, uint32_t submitter, double usage_ms, int64_t at_ms)
{
	pass_time(&s->shares, at_ms);
	add(&s->shares, submitter, -s->shares.used_ms[submitter]);
	add(&s->shares, submitter, usage_ms / fading(&s->shares, at_ms));
}
