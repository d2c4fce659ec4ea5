#include "client/job_row.h"

#include "client/record.h"
#include "lib/mem.h"
#include "lib/str.h"

void job_row_begin(struct table *table, const struct job *job)
{
	cleanup_str struct str rev = { 0 };

	rev_add_short(&rev, job->rev == NULL ? "" : job->rev);
	table_int(table, job->id);
	table_text(table, job->attr);
	table_text(table, job->caps);
	table_text(table, str_text(&rev));
	table_coloured(table, job_state_colour(job->state), job_state_name(job->state));
}
