#include "client/problem.h"

#include "client/member.h"
#include "lib/str.h"

static int code_of(long status)
{
	switch (status) {
	case 400:
	case 422:
		return CAPQ_EINVAL;
	case 401:
	case 403:
		return CAPQ_EDENIED;
	case 404:
	case 416:
		return CAPQ_ENOTFOUND;
	case 409:
		return CAPQ_EEXIST;
	case 413:
		return CAPQ_ETOOBIG;
	case 429:
		return CAPQ_EBUSY;
	default:
		return status >= 500 ? CAPQ_EBUSY : CAPQ_EFAILED;
	}
}

static int unexplained(long status, const char *server, struct err *err)
{
	if (code_of(status) == CAPQ_EDENIED)
		return err_set(err, CAPQ_EDENIED,
			"%s answered %ld: not permitted; set CAPQ_TOKEN or CAPQ_TOKEN_FILE", server,
			status);
	return err_set(err, code_of(status),
		"%s answered %ld and gave no reason; is that capqd? (CAPQ_SERVER, --server)",
		server, status);
}

int problem_to_err(long status, const struct json *problem, const char *server, struct err *err)
{
	const char *title = member_text(problem, "title", NULL);
	const char *detail = member_text(problem, "detail", NULL);
	const char *hint = member_text(problem, "hint", NULL);
	cleanup_str struct str text = { 0 };

	if (title == NULL)
		return unexplained(status, server, err);
	str_add(&text, title);
	if (detail != NULL)
		str_addf(&text, ": %s", detail);
	if (hint != NULL)
		str_addf(&text, "; %s", hint);
	else if (status == 401)
		str_add(&text, "; set CAPQ_TOKEN or CAPQ_TOKEN_FILE");
	return err_set(err, code_of(status), "%s", text.text);
}
