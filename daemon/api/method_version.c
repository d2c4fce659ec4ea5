#include "daemon/api/method.h"

static const struct answered *run(struct request *r)
{
	struct json_out out = { 0 };

	json_out_object(&out, NULL);
	json_out_text(&out, "version", CAPQ_VERSION);
	json_out_int(&out, "api", 1);
	json_out_int(&out, "schema", store_schema_version());
	json_out_text(&out, "nix", pipeline_nix_version(request_pipeline(r)));
	json_out_time(&out, "started_at", pipeline_started_at(request_pipeline(r)));
	json_out_end_object(&out);
	return answer_json(r, 200, &out);
}

const struct method method_version = {
	.name = "version",
	.verb = "GET",
	.path = "/version",
	.role = ROLE_NONE,
	.query = "",
	.run = run,
};
