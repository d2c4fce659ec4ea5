#include "daemon/api/method.h"

static void add_problem(void *owner, const char *text)
{
	json_out_text(owner, NULL, text);
}

static void count_problem(void *owner, const char *text)
{
	size_t *n = owner;

	(void)text;
	++*n;
}

static const struct answered *run(struct request *r)
{
	struct json_out out = { 0 };
	size_t n = 0;

	pipeline_problems(request_pipeline(r), count_problem, &n);
	json_out_object(&out, NULL);
	json_out_bool(&out, "ok", n == 0);
	json_out_array(&out, "problems");
	pipeline_problems(request_pipeline(r), add_problem, &out);
	json_out_end_array(&out);
	json_out_end_object(&out);
	return answer_json(r, n == 0 ? 200 : 503, &out);
}

const struct method method_health = {
	.name = "health",
	.verb = "GET",
	.path = "/health",
	.role = ROLE_NONE,
	.query = "",
	.run = run,
};
