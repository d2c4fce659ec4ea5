/* POST /drain */
#include <string.h>

#include "daemon/api/method.h"

static const struct answered *run(struct request *r)
{
	struct pipeline *p = request_pipeline(r);
	cleanup_json struct json *body = NULL;
	struct json_out out = { 0 };
	bool drain = true;
	struct err err;
	size_t len;
	const char *text = request_body(r, &len);

	if (len > 0 && json_parse(text, len, &body, &err) < 0)
		return answer_err(r, &err);
	if (json_get(body, "drain") != NULL && !json_bool(json_get(body, "drain"), &drain))
		return answer_problem(r, 400, "'drain' must be true or false", NULL, NULL);
	if (pipeline_drain(p, drain, &err) < 0)
		return answer_err(r, &err);
	json_out_object(&out, NULL);
	json_out_bool(&out, "draining", pipeline_is_draining(p));
	json_out_int(&out, "running", (int64_t)pipeline_n_children(p));
	json_out_end_object(&out);
	return answer_json(r, 200, &out);
}

const struct method method_drain = {
	.name = "drain",
	.verb = "POST",
	.path = "/drain",
	.role = ROLE_ADMIN,
	.query = "",
	.body = BODY_SMALL,
	.run = run,
};
