#include "daemon/stats/accuracy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/stats/sample.h"
#include "lib/mem.h"

#define DAY_MS INT64_C(86400000)

enum {
	ALL,
	THIN,
	FAT,
	SET,
	OTHER_SETS,
	PACKAGE,
	EVERYTHING,
	WEEK,
	MONTH,
	OLDER,
	ROWS,
};

static const struct {
	const char *by, *name;
} rows[ROWS] = {
	[ALL] = { "all", "all" },
	[THIN] = { "class", "thin" },
	[FAT] = { "class", "fat" },
	[SET] = { "basis", "set" },
	[OTHER_SETS] = { "basis", "other-sets" },
	[PACKAGE] = { "basis", "package" },
	[EVERYTHING] = { "basis", "everything" },
	[WEEK] = { "age", "7 days" },
	[MONTH] = { "age", "30 days" },
	[OLDER] = { "age", "older" },
};

struct errors {
	struct sample factors; /* 1 or more. */
	size_t within, over;
};

struct accuracy {
	int64_t now_ms;
	struct errors errors[ROWS];
};

struct accuracy *accuracy_create(int64_t now_ms)
{
	struct accuracy *accuracy = xcalloc(1, sizeof *accuracy);

	accuracy->now_ms = now_ms;
	return accuracy;
}

void accuracy_destroy(struct accuracy *accuracy)
{
	for (int i = 0; i < ROWS; i++)
		sample_finish(&accuracy->errors[i].factors);
	free(accuracy);
}

/* Estimates are lognormal, so p10 is as far below the median as p90 is above it, as a factor. */
static void add(struct errors *errors, const struct stats_run *run)
{
	double median = fmax(1, (double)run->estimate_ms);
	double off = log(fmax(1, (double)run->wall_ms) / median);
	double spread = log(fmax(1, (double)run->estimate_p90_ms) / median);

	sample_add(&errors->factors, exp(fabs(off)));
	errors->within += fabs(off) <= spread;
	errors->over += off > 0;
}

static int basis_row(const char *basis)
{
	for (int i = SET; i <= EVERYTHING; i++)
		if (strcmp(rows[i].name, basis) == 0)
			return i;
	return ALL; /* The schema knows no other. */
}

void accuracy_add(struct accuracy *accuracy, const struct stats_run *run)
{
	int64_t age_ms = accuracy->now_ms - (run->started_at + run->wall_ms);
	int basis;

	if (run->basis == NULL || strcmp(run->outcome, "built") != 0)
		return;
	basis = basis_row(run->basis);
	add(&accuracy->errors[ALL], run);
	add(&accuracy->errors[strchr(run->caps, ',') == NULL ? THIN : FAT], run);
	if (basis != ALL)
		add(&accuracy->errors[basis], run);
	add(&accuracy->errors[age_ms < 7 * DAY_MS    ? WEEK
			      : age_ms < 30 * DAY_MS ? MONTH
						     : OLDER],
		run);
}

static void add_row(struct json_out *out, int row, struct errors *errors)
{
	double n = (double)errors->factors.n;

	sample_sort(&errors->factors);
	json_out_object(out, NULL);
	json_out_text(out, "by", rows[row].by);
	json_out_text(out, "name", rows[row].name);
	json_out_int(out, "n", (int64_t)errors->factors.n);
	json_out_double(out, "median_factor", sample_quantile(&errors->factors, 0.5));
	json_out_double(out, "p90_factor", sample_quantile(&errors->factors, 0.9));
	json_out_double(out, "within", (double)errors->within / n);
	json_out_double(out, "over", (double)errors->over / n);
	json_out_end_object(out);
}

void accuracy_to_json(struct accuracy *accuracy, struct json_out *out)
{
	json_out_array(out, "accuracy");
	for (int i = 0; i < ROWS; i++)
		add_row(out, i, &accuracy->errors[i]);
	json_out_end_array(out);
}
