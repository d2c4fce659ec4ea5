#include "io/proc.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/str.h"

/* Field `n`, from 1, of the one line in /proc/PID/`file`. The program's name may stand in brackets
 * as the second field, and hold blanks and brackets itself. */
static int64_t number(int pid, const char *file, int n)
{
	char path[64], text[1024], *at;
	FILE *f;
	size_t len;

	(void)snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	len = fread(text, 1, sizeof text - 1, f);
	(void)fclose(f);
	text[len] = '\0';
	at = strrchr(text, ')');
	if (at == NULL)
		at = text;
	else
		n -= 1; /* Count on from behind the name. */
	for (int i = 1; i < n && at != NULL; i++) {
		at = strchr(at, ' ');
		if (at != NULL)
			at++;
	}
	return at == NULL ? 0 : strtoll(at, NULL, 10);
}

uint64_t proc_resident_bytes(int pid)
{
	return (uint64_t)number(pid, "statm", 2) * (uint64_t)sysconf(_SC_PAGESIZE);
}

int64_t proc_waited_cpu_ms(int pid)
{
	int64_t user = number(pid, "stat", 16), system = number(pid, "stat", 17);

	return (user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

size_t proc_children(int **out)
{
	size_t n = 0, capacity = 0;
	char path[64], word[32];
	FILE *f;

	*out = NULL;
	(void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (fscanf(f, "%31s", word) == 1) {
		int64_t pid;

		if (!str_to_int(word, 1, INT_MAX, &pid))
			continue;
		array_reserve(out, &capacity, n + 1, sizeof **out);
		(*out)[n++] = (int)pid;
	}
	(void)fclose(f);
	return n;
}
