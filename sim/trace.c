#include "sim/trace.h"

#include <stdlib.h>
#include <string.h>

#include "lib/id_map.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "lib/str_map.h"
#include "sim/caps.h"
#include "sim/csv.h"
#include "sim/number.h"

/* What is needed while reading only. */
struct reader {
	struct trace *trace;
	struct csv csv;
	struct caps caps;
	struct str_map ids, packages, sets, branches;
	struct id_map latest; /* Of a package, set and branch: the last row, and one more. */
	size_t rows_capacity, works_capacity, needs_capacity, past_capacity;
	size_t n_needs;
	size_t *needs_at; /* Where the needs of each row begin. */
	size_t needs_at_capacity;
	uint32_t *needed_by; /* The row that was last seen to need this one, itself at first. */
	size_t needed_by_capacity;
};

static void reader_finish(struct reader *reader)
{
	csv_finish(&reader->csv);
	caps_finish(&reader->caps);
	str_map_finish(&reader->ids);
	str_map_finish(&reader->packages);
	str_map_finish(&reader->sets);
	str_map_finish(&reader->branches);
	id_map_finish(&reader->latest);
	free(reader->needs_at);
	free(reader->needed_by);
}

/* ---- what is in a row ---- */

/* The number of a name: a new one when it is new. */
static uint32_t number_of(struct str_map *names, const char *name)
{
	uint32_t number = str_map_get(names, name);

	if (number == STR_MAP_NONE) {
		number = (uint32_t)names->n;
		str_map_set(names, name, number);
	}
	return number;
}

static int read_seconds(
	const struct csv *csv, const char *name, int64_t min_ms, int64_t *out_ms, struct err *err)
{
	const char *text = csv_field(csv, csv_column(csv, name));

	if (number_parse_seconds(text, min_ms, out_ms))
		return 0;
	return csv_fail(csv, err, "%s '%.40s': expected seconds", name, text);
}

static void add_need(struct reader *reader, const char *id)
{
	uint32_t need = str_map_get(&reader->ids, id);
	struct trace *trace = reader->trace;

	if (need == STR_MAP_NONE) {
		trace->n_ignored_needs++;
		return;
	}
	if (reader->needed_by[need] == trace->n)
		return;
	reader->needed_by[need] = (uint32_t)trace->n;
	array_reserve(
		&trace->needs, &reader->needs_capacity, reader->n_needs + 1, sizeof *trace->needs);
	trace->needs[reader->n_needs++] = need;
}

/* Ids separated by ';' or blanks. They are looked up only, so `depends` is cut in place. */
static void add_needs(struct reader *reader, char *depends)
{
	char *rest = depends, *id;

	while ((id = strsep(&rest, "; ")) != NULL)
		if (id[0] != '\0')
			add_need(reader, id);
}

/* Only revisions of a branch supersede each other. */
static uint32_t find_older(struct reader *reader, const struct row *row, uint32_t index)
{
	uint64_t key = number_of(&reader->packages, row->package);
	uint32_t older;

	key = key * TRACE_NAMES_MAX + number_of(&reader->sets, row->set);
	key = key * TRACE_NAMES_MAX + number_of(&reader->branches, row->branch);
	if (row->branch[0] == '\0' || row->rev[0] == '\0')
		return ROW_NONE;
	older = id_map_get(&reader->latest, (int64_t)key + 1);
	id_map_set(&reader->latest, (int64_t)key + 1, index);
	return older == ID_MAP_NONE ? ROW_NONE : older;
}

static int check_names(const struct reader *reader, struct err *err)
{
	if (reader->packages.n < TRACE_NAMES_MAX && reader->sets.n < TRACE_NAMES_MAX &&
		reader->branches.n < TRACE_NAMES_MAX)
		return 0;
	return csv_fail(
		&reader->csv, err, "more than %u packages, sets or branches", TRACE_NAMES_MAX);
}

static int read_row(struct reader *reader, struct err *err)
{
	const struct csv *csv = &reader->csv;
	struct trace *trace = reader->trace;
	uint32_t index = (uint32_t)trace->n;
	struct row *row = &trace->rows[index];
	const struct caps_entry *caps =
		caps_find(&reader->caps, csv_field(csv, csv_column(csv, "caps")));
	int rv;

	*row = (struct row){
		.id = csv_field(csv, csv_column(csv, "id")),
		.package = csv_field(csv, csv_column(csv, "package")),
		.set = caps->set,
		.n_caps = caps->n_caps,
		.rev = csv_field(csv, csv_column(csv, "rev")),
		.branch = csv_field(csv, csv_column(csv, "branch")),
		.submitter = csv_field(csv, csv_column(csv, "submitter")),
		.system = csv_field(csv, csv_column(csv, "system")),
		.features = csv_field(csv, csv_column(csv, "features")),
	};
	rv = read_seconds(csv, "submit_s", INT64_C(-1000000000000), &row->submit_ms, err);
	if (rv == 0)
		rv = read_seconds(csv, "work_s", 0, &trace->work_ms[index], err);
	if (rv < 0)
		return rv;
	if (row->id[0] == '\0' || row->package[0] == '\0')
		return csv_fail(csv, err, "no %s", row->id[0] == '\0' ? "id" : "package");
	if (str_map_get(&reader->ids, row->id) != STR_MAP_NONE)
		return csv_fail(csv, err, "id '%.60s' is there already", row->id);
	if (index > 0 && row->submit_ms < trace->rows[index - 1].submit_ms)
		return csv_fail(csv, err, "submit_s is before that of the line above");
	row->package_index = number_of(&reader->packages, row->package);
	row->older = find_older(reader, row, index);
	return check_names(reader, err);
}

/* ---- the files ---- */

static int check_columns(const struct csv *csv, const char *const *names, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (csv_column(csv, names[i]) == CSV_NO_COLUMN)
			return csv_fail(csv, err, "there is no column '%s'", names[i]);
	return 0;
}

static void reserve_row(struct reader *reader)
{
	struct trace *trace = reader->trace;

	array_reserve(&trace->rows, &reader->rows_capacity, trace->n + 1, sizeof *trace->rows);
	array_reserve(
		&trace->work_ms, &reader->works_capacity, trace->n + 1, sizeof *trace->work_ms);
	array_reserve(&reader->needs_at, &reader->needs_at_capacity, trace->n + 2,
		sizeof *reader->needs_at);
	array_reserve(&reader->needed_by, &reader->needed_by_capacity, trace->n + 1,
		sizeof *reader->needed_by);
	reader->needed_by[trace->n] = (uint32_t)trace->n;
}

/* The array of needs stays where it is from now on. */
static void place_needs(struct reader *reader)
{
	struct trace *trace = reader->trace;

	if (trace->needs == NULL) /* Nothing needs anything. */
		return;
	for (size_t i = 0; i < trace->n; i++) {
		trace->rows[i].needs = trace->needs + reader->needs_at[i];
		trace->rows[i].n_needs = (uint32_t)(reader->needs_at[i + 1] - reader->needs_at[i]);
	}
}

static int read_rows(struct reader *reader, struct err *err)
{
	static const char *const names[] = { "id", "submit_s", "work_s", "package" };
	struct csv *csv = &reader->csv;
	struct trace *trace = reader->trace;
	int rv = check_columns(csv, names, ARRAY_LEN(names), err), depends;

	depends = csv_column(csv, "depends");
	while (rv == 0 && (rv = csv_next(csv, err)) > 0) {
		if (trace->n == TRACE_ROWS_MAX)
			return csv_fail(csv, err, "more than %d builds", TRACE_ROWS_MAX);
		reserve_row(reader);
		reader->needs_at[trace->n] = reader->n_needs;
		rv = read_row(reader, err);
		if (rv < 0)
			return rv;
		if (depends != CSV_NO_COLUMN)
			add_needs(reader, csv->fields[depends]);
		str_map_set(&reader->ids, trace->rows[trace->n].id, (uint32_t)trace->n);
		reader->needs_at[++trace->n] = reader->n_needs;
	}
	if (rv == 0 && trace->n == 0)
		return csv_fail(csv, err, "no builds");
	return rv;
}

static int compare_ages(const void *a, const void *b)
{
	const struct past_build *x = a, *y = b;

	if (x->age_ms != y->age_ms)
		return x->age_ms > y->age_ms ? -1 : 1;
	return x->package < y->package ? -1 : x->package > y->package; /* As in the file. */
}

static int read_past(struct reader *reader, struct err *err)
{
	static const char *const names[] = { "package", "caps", "work_s", "age_s" };
	struct csv *csv = &reader->csv;
	struct trace *trace = reader->trace;
	int rv = check_columns(csv, names, ARRAY_LEN(names), err);

	while (rv == 0 && (rv = csv_next(csv, err)) > 0) {
		struct past_build *past;

		if (trace->n_past == TRACE_ROWS_MAX)
			return csv_fail(csv, err, "more than %d builds", TRACE_ROWS_MAX);
		array_reserve(&trace->past, &reader->past_capacity, trace->n_past + 1,
			sizeof *trace->past);
		past = &trace->past[trace->n_past++];
		past->package = csv_field(csv, csv_column(csv, "package"));
		past->set = caps_find(&reader->caps, csv_field(csv, csv_column(csv, "caps")))->set;
		rv = read_seconds(csv, "work_s", 0, &past->work_ms, err);
		if (rv == 0)
			rv = read_seconds(csv, "age_s", 0, &past->age_ms, err);
		if (rv < 0)
			return rv;
	}
	array_sort(trace->past, trace->n_past, sizeof *trace->past, compare_ages);
	return rv;
}

/* `reader->csv` was opened with `opened`. */
static int read_trace(struct reader *reader, int opened, struct err *err)
{
	int rv = opened < 0 ? opened : read_rows(reader, err);

	reader->trace->text = csv_take_text(&reader->csv);
	csv_finish(&reader->csv);
	if (rv == 0)
		place_needs(reader);
	reader->trace->n_packages = reader->packages.n;
	return rv;
}

static int read_history(struct reader *reader, int opened, struct err *err)
{
	int rv = opened < 0 ? opened : read_past(reader, err);

	reader->trace->past_text = csv_take_text(&reader->csv);
	csv_finish(&reader->csv);
	return rv;
}

static int end_reading(struct reader *reader, int rv)
{
	reader->trace->sets = caps_take_sets(&reader->caps, &reader->trace->n_sets);
	reader_finish(reader);
	return rv;
}

int trace_read(struct trace *trace, const char *path, const char *history_path, struct err *err)
{
	struct reader reader = { .trace = trace };
	int rv;

	*trace = (struct trace){ 0 };
	rv = read_trace(&reader, csv_open(&reader.csv, path, err), err);
	if (rv == 0 && history_path != NULL)
		rv = read_history(&reader, csv_open(&reader.csv, history_path, err), err);
	return end_reading(&reader, rv);
}

int trace_parse(struct trace *trace, const char *text, size_t len, const char *history,
	size_t history_len, struct err *err)
{
	struct reader reader = { .trace = trace };
	int rv;

	*trace = (struct trace){ 0 };
	rv = read_trace(&reader, csv_parse(&reader.csv, "trace", text, len, err), err);
	if (rv == 0 && history != NULL)
		rv = read_history(
			&reader, csv_parse(&reader.csv, "history", history, history_len, err), err);
	return end_reading(&reader, rv);
}

void trace_finish(struct trace *trace)
{
	for (size_t i = 0; i < trace->n_sets; i++)
		free(trace->sets[i]);
	free(trace->sets);
	free(trace->rows);
	free(trace->work_ms);
	free(trace->needs);
	free(trace->past);
	free(trace->text);
	free(trace->past_text);
	*trace = (struct trace){ 0 };
}
