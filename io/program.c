#include "io/program.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/str.h"

int program_find(const char *name, char **out, struct err *err)
{
	static const char *const places[] = { "", "../bin/", "../libexec/capq/" };
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
	char *slash;

	program[len < 0 ? 0 : len] = '\0';
	slash = strrchr(program, '/');
	if (slash != NULL)
		slash[1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		cleanup_free char *path = str_format("%s%s%s", program, places[i], name);

		if (access(path, X_OK) == 0) {
			*out = STEAL_POINTER(path);
			return 0;
		}
	}
	return err_set(err, CAPQ_ENOTFOUND,
		"there is no %s in %s, nor in ../bin or ../libexec/capq from there: is capq "
		"installed as a whole?",
		name, program);
}
