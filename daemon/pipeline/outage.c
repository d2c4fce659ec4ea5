#include "daemon/pipeline/outage.h"

void outage_note(struct outage *outage, int64_t now_ms)
{
	int64_t wait = OUTAGE_FIRST_MS;

	for (int i = 0; i < outage->n_failed && wait < OUTAGE_MAX_MS; i++)
		wait *= 2;
	outage->n_failed++;
	outage->not_before_ms = now_ms + (wait < OUTAGE_MAX_MS ? wait : OUTAGE_MAX_MS);
}

void outage_end(struct outage *outage)
{
	*outage = (struct outage){ 0 };
}

bool outage_may_try(const struct outage *outage, int64_t now_ms, uint64_t n_trying)
{
	return outage->n_failed == 0 || (now_ms >= outage->not_before_ms && n_trying == 0);
}
