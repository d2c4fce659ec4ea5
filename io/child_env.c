#include "io/child_env.h"

#include <string.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/str.h"

static bool is_secret(const char *variable)
{
	return str_starts(variable, "CACHIX_") || str_starts(variable, "CAPQ_") ||
	       str_starts(variable, "CREDENTIALS_DIRECTORY=");
}

/* systemd's words to us are not for our children. */
static bool is_ours(const char *variable)
{
	static const char *const names[] = { "NOTIFY_SOCKET=", "LISTEN_PID=", "LISTEN_FDS=",
		"LISTEN_FDNAMES=", "WATCHDOG_PID=", "WATCHDOG_USEC=", "JOURNAL_STREAM=" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_starts(variable, names[i]))
			return true;
	return false;
}

static bool is_replaced(const char *variable, const char *const *env)
{
	size_t len = strcspn(variable, "=") + 1;

	for (; env != NULL && *env != NULL; env++)
		if (strncmp(*env, variable, len) == 0)
			return true;
	return false;
}

char **child_env_make(const char *const *add, bool with_secrets)
{
	size_t n = 0, used = 0;
	char **result;

	for (char **v = environ; v != NULL && *v != NULL; v++)
		n++;
	for (const char *const *v = add; v != NULL && *v != NULL; v++)
		n++;
	result = xcalloc(n + 1, sizeof *result);
	for (char **v = environ; v != NULL && *v != NULL; v++)
		if (!is_ours(*v) && !is_replaced(*v, add) && (with_secrets || !is_secret(*v)))
			result[used++] = *v;
	for (const char *const *v = add; v != NULL && *v != NULL; v++)
		result[used++] = (char *)*v;
	return result;
}
