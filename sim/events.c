#include "sim/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Quoted where it must be. */
static void write_field(FILE *file, const char *text)
{
	if (strpbrk(text, ",\"\n\r") == NULL) {
		(void)fputs(text, file);
		return;
	}
	(void)fputc('"', file);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			(void)fputc('"', file);
		(void)fputc(*text, file);
	}
	(void)fputc('"', file);
}

/* Seconds, exactly; whole ones without a fraction. */
static void write_seconds(FILE *file, int64_t ms)
{
	int64_t size = ms < 0 ? -ms : ms;

	(void)fprintf(file, ",%s%" PRId64, ms < 0 ? "-" : "", size / 1000);
	if (size % 1000 != 0)
		(void)fprintf(file, ".%03" PRId64, size % 1000);
}

int events_write(const struct trace *trace, const struct sim_result *result, const char *path,
	struct err *err)
{
	FILE *file = fopen(path, "we");
	int failed;

	if (file == NULL)
		return err_errno(err, errno, "%s", path);
	(void)fputs("id,start_s,end_s,slot\n", file);
	for (size_t i = 0; i < result->n_ran; i++) {
		const struct sim_build_result *build = &result->builds[result->order[i]];

		write_field(file, trace->rows[result->order[i]].id);
		write_seconds(file, build->start_ms);
		write_seconds(file, build->end_ms);
		(void)fprintf(file, ",%u\n", build->slot);
	}
	failed = ferror(file);
	if (fclose(file) != 0 || failed)
		return err_errno(err, errno, "%s", path);
	return 0;
}
