/* Verify: do the outputs hold what was asked for? For now everything does. The step has its shape:
 * it begins outside of a transaction, may take its time, and ends in an event. */
#include <stdlib.h>

#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/steps.h"

static void write_verified(struct pipeline *p, void *data)
{
	build_verified(p, *(const int64_t *)data);
}

void verify_start(struct pipeline *p, int64_t build_id)
{
	int64_t *data = xmalloc(sizeof *data);

	*data = build_id;
	pipeline_post(p, write_verified, data, free);
}
