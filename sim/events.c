#include "sim/events.h"

#include <errno.h>
#include <stdio.h>

#include "lib/csv_out.h"

#define DECIMALS 3 /* Times are whole milliseconds. */

static void add_build(struct csv_out *out, const char *id, const struct sim_build_result *build)
{
	csv_out_text(out, id);
	csv_out_double(out, (double)build->start_ms / 1000, DECIMALS);
	csv_out_double(out, (double)build->end_ms / 1000, DECIMALS);
	csv_out_int(out, build->slot);
	csv_out_end_row(out);
}

int events_write(const struct trace *trace, const struct sim_result *result, const char *path,
	struct err *err)
{
	FILE *file = fopen(path, "we");
	struct csv_out out = { 0 };
	int failed;

	if (file == NULL)
		return err_errno(err, errno, "%s", path);
	csv_out_header(&out, "id,start_s,end_s,slot");
	for (size_t i = 0; i < result->n_ran; i++) {
		add_build(
			&out, trace->rows[result->order[i]].id, &result->builds[result->order[i]]);
		(void)fwrite(out.text.text, 1, out.text.len, file);
		str_clear(&out.text);
	}
	str_free(&out.text);
	failed = ferror(file);
	if (fclose(file) != 0 || failed)
		return err_errno(err, errno, "%s", path);
	return 0;
}
