#include "daemon/api/range.h"

#include <string.h>

#include "lib/str.h"

bool range_parse(const char *text, int64_t size, struct range *out)
{
	char buffer[64], *dash;
	int64_t a = 0, b = 0;

	if (text == NULL || strncmp(text, "bytes=", 6) != 0 || strlen(text) >= sizeof buffer)
		return false;
	strcpy(buffer, text + 6);
	dash = strchr(buffer, '-');
	if (dash == NULL)
		return false;
	*dash = '\0';
	if (buffer[0] == '\0') {
		if (!str_to_int(dash + 1, 1, INT64_MAX, &b))
			return false;
		*out = (struct range){ b < size ? size - b : 0, size, true };
		return true;
	}
	if (!str_to_int(buffer, 0, INT64_MAX, &a) ||
		(dash[1] != '\0' && !str_to_int(dash + 1, a, INT64_MAX - 1, &b)))
		return false;
	*out = (struct range){ a, dash[1] == '\0' || b >= size ? size : b + 1, true };
	return true;
}
