/* How much waits for a build: the weights of all wanted builds that need it, directly or not. Kept
 * as a whole number, so that taking one away leaves exactly what was there before, in any order. */
#include <math.h>
#include <stdlib.h>

#include "lib/mem.h"
#include "sched/node.h"
#include "sched/score.h"

#define UNIT 16777216.0 /* 2^24 */

/* The part of the formula that depends on the build that waits; `score.h`. */
static int64_t credit_of(const struct node *node)
{
	return llround(
		queue_own_weight(node) * pow(queue_chain_ms(node) / HOUR_MS, -SCORE_B) * UNIT);
}

static void spread(struct sched *s, uint32_t index, int64_t credit)
{
	cleanup_free uint32_t *found = NULL;
	size_t n;

	if (credit == 0 || s->nodes[index].needs.n == 0)
		return;
	found = graph_reach(s, index, true, &n);
	for (size_t i = 1; i < n; i++) {
		s->nodes[found[i]].unlocks += credit;
		queue_settle(s, &s->nodes[found[i]]);
	}
}

void unlock_add(struct sched *s, uint32_t index)
{
	spread(s, index, credit_of(&s->nodes[index]));
}

void unlock_remove(struct sched *s, uint32_t index)
{
	spread(s, index, -credit_of(&s->nodes[index]));
}

double unlock_weight(const struct node *node)
{
	return (double)node->unlocks / UNIT * pow(node->cost_ms / HOUR_MS, SCORE_B);
}
