/* POST /estimates/rebuild: what builds cost, learnt anew from history. */
#include <stdlib.h>

#include "daemon/api/method.h"
#include "daemon/pipeline/relearning.h"
#include "lib/mem.h"

struct rebuild {
	struct pipeline *p;
	struct request *request;
};

static void on_done(void *owner, const struct relearned *relearned)
{
	struct rebuild *rebuild = owner;
	struct json_out out = { 0 };

	json_out_object(&out, NULL);
	json_out_int(&out, "rows", relearned->rows);
	json_out_int(&out, "packages", (int64_t)relearned->n_packages);
	json_out_int(&out, "builds", relearned->builds);
	json_out_end_object(&out);
	(void)answer_json(rebuild->request, 200, &out);
	free(rebuild);
}

static void forget_request(void *owner)
{
	struct rebuild *rebuild = owner;

	relearning_forget(rebuild->p, rebuild);
	free(rebuild);
}

static const struct answered *run(struct request *r)
{
	struct rebuild *rebuild = xcalloc(1, sizeof *rebuild);
	struct err err;

	rebuild->p = request_pipeline(r);
	rebuild->request = r;
	if (relearning_start(rebuild->p, on_done, rebuild, &err) < 0) {
		free(rebuild);
		return answer_err(r, &err);
	}
	return answer_later(r, forget_request, rebuild);
}

const struct method method_estimates_rebuild = {
	.name = "rebuildEstimates",
	.verb = "POST",
	.path = "/estimates/rebuild",
	.role = ROLE_ADMIN,
	.query = "",
	.run = run,
};
