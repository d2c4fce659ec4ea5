#include "lib/rev_name.h"

#include <string.h>

#include "lib/str.h"

bool rev_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > REV_NAME_MAX || name[0] == '-' || name[0] == '/' || name[0] == '.')
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || strchr("~^:?*[\\\x7f", *p) != NULL)
			return false;
	return str_is_utf8(name, len) && strstr(name, "..") == NULL && strstr(name, "@{") == NULL &&
	       strstr(name, "//") == NULL && strstr(name, "/.") == NULL && name[len - 1] != '/' &&
	       !str_ends(name, ".lock") && strcmp(name, "@") != 0;
}

static bool is_hash(const char *name, size_t min)
{
	size_t len = strlen(name);

	return len >= min && len <= 40 && strspn(name, "0123456789abcdef") == len;
}

bool rev_is_full_hash(const char *name)
{
	return is_hash(name, 40);
}

bool rev_is_short_hash(const char *name)
{
	return is_hash(name, 7);
}
