#include "io/launcher.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/str.h"

int launcher_find(char **out, struct err *err)
{
	static const char *const places[] = { "capq-launch", "../libexec/capq/capq-launch" };
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
	char *slash;

	program[len < 0 ? 0 : len] = '\0';
	slash = strrchr(program, '/');
	if (slash != NULL)
		slash[1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char *path = str_format("%s%s", program, places[i]);

		if (access(path, X_OK) == 0) {
			*out = path;
			return 0;
		}
		free(path);
	}
	return err_set(err, CAPQ_ENOTFOUND,
		"there is no capq-launch in %s or %s../libexec/capq: is capq installed as a whole?",
		program, program);
}
