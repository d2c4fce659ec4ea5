#include "client/member.h"

#include <stddef.h>

const char *member_text(const struct json *object, const char *name, const char *missing)
{
	const char *text = json_text(json_get(object, name));

	return text == NULL ? missing : text;
}

int64_t member_int(const struct json *object, const char *name, int64_t missing)
{
	int64_t value;

	return json_int(json_get(object, name), &value) ? value : missing;
}

bool member_bool(const struct json *object, const char *name)
{
	bool value;

	return json_bool(json_get(object, name), &value) && value;
}

double member_double(const struct json *object, const char *name)
{
	double value;

	return json_double(json_get(object, name), &value) ? value : 0;
}
