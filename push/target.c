#include "push/target.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "lib/str.h"

/* `text` cut behind the name of the store path that it begins with; NULL: it does not. */
static char *cut(const char *text)
{
	size_t prefix = strlen(STORE_DIR "/");
	size_t len;

	if (!str_starts(text, STORE_DIR "/"))
		return NULL;
	len = prefix + strcspn(text + prefix, "/");
	return store_path_is_valid(text, len) ? xstrndup(text, len) : NULL;
}

char *target_path(const char *text)
{
	cleanup_free char *real = NULL;

	if (str_starts(text, STORE_DIR "/"))
		return cut(text); /* As it stands: a store path may itself be a link to another. */
	real = realpath(text, NULL);
	return real == NULL ? NULL : cut(real);
}
