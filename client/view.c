#include "client/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/output.h"
#include "client/text.h"
#include "lib/time_text.h"

enum column { ID, PACKAGE, STATE, PHASE, ELAPSED, NOTE, COLUMNS };

static const char *const names[COLUMNS] = { "JOB", "PACKAGE", "STATE", "PHASE", "ELAPSED", "NOW" };

#define GAP 2 /* Blanks between columns. */
#define STATE_WIDTH 10
#define PHASE_WIDTH_MAX 16
#define ELAPSED_WIDTH 7
#define PACKAGE_WIDTH_MIN 20
#define NOTE_WIDTH_MIN 16

struct layout {
	size_t width[COLUMNS]; /* 0: left out. */
};

/* ---- order ---- */

static int rank_of(const struct record *record)
{
	static const int ranks[JOB_STATES] = {
		[JOB_PUSHING] = 1,
		[JOB_PLANNING] = 2,
		[JOB_EVALUATING] = 3,
		[JOB_WAITING] = 4,
		[JOB_ON_HOLD] = 5,
		[JOB_DONE] = 6,
		[JOB_FAILED] = 6,
		[JOB_CANCELLED] = 6,
		[JOB_SUPERSEDED] = 6,
	};

	return record->progress.build_id != 0 ? 0 : ranks[record->job.state];
}

static int compare(const void *a_pointer, const void *b_pointer)
{
	const struct record *a = *(const struct record *const *)a_pointer;
	const struct record *b = *(const struct record *const *)b_pointer;

	if (rank_of(a) != rank_of(b))
		return rank_of(a) - rank_of(b);
	return (a->job.id > b->job.id) - (a->job.id < b->job.id);
}

/* ---- widths ---- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t greatest(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* What the columns of varying width would like to have. */
static struct layout measure(const struct record *const *records, size_t n)
{
	struct layout wanted = { .width[ID] = strlen(names[ID]) };
	size_t *width = wanted.width;

	for (size_t i = 0; i < n; i++) {
		cleanup_str struct str label = { 0 };
		const char *phase = record_phase(records[i]);
		char id[24];
		int len = snprintf(id, sizeof id, "%" PRId64, records[i]->job.id);

		job_add_label(&label, &records[i]->job);
		width[ID] = greatest(width[ID], (size_t)len);
		width[PACKAGE] = greatest(width[PACKAGE], text_width(label.text));
		if (phase != NULL)
			width[PHASE] = greatest(width[PHASE], text_width(phase));
	}
	width[PHASE] = least(width[PHASE], PHASE_WIDTH_MAX);
	return wanted;
}

/* Take a column and its gap from `*room`, unless that leaves less than `rest`. */
static size_t take(size_t *room, size_t width, size_t rest)
{
	if (width == 0 || *room < width + GAP + rest)
		return 0;
	*room -= width + GAP;
	return width;
}

/* In the order of importance; the package and the note share what is left. */
static struct layout lay_out(size_t room, const struct layout *wanted)
{
	struct layout l = { 0 };
	size_t *width = l.width, package = wanted->width[PACKAGE];

	width[ID] = take(&room, wanted->width[ID], 1);
	width[STATE] = take(&room, STATE_WIDTH, 1);
	width[ELAPSED] = take(&room, ELAPSED_WIDTH, PACKAGE_WIDTH_MIN);
	width[PHASE] = take(&room, wanted->width[PHASE], PACKAGE_WIDTH_MIN);
	if (room >= PACKAGE_WIDTH_MIN + GAP + NOTE_WIDTH_MIN) {
		width[PACKAGE] = least(package, room - GAP - NOTE_WIDTH_MIN);
		width[NOTE] = room - GAP - width[PACKAGE];
	} else {
		width[PACKAGE] = least(package, room);
	}
	return l;
}

/* ---- lines ---- */

static void add_cell(const struct layout *l, enum column column, const char *text, struct str *out)
{
	if (column == NOTE) /* The last: nothing is aligned behind it. */
		text_add_cut(out, text, l->width[column]);
	else if (column == ID || column == ELAPSED)
		text_add_right(out, text, l->width[column]);
	else
		text_add_left(out, text, l->width[column]);
}

/* `colour` is that of the state. */
static void add_row(const struct view *view, const struct layout *l, const char *const *cells,
	enum colour colour, struct str *out)
{
	bool is_first = true;

	for (enum column c = 0; c < COLUMNS; c++) {
		if (l->width[c] == 0)
			continue;
		if (!is_first)
			str_addf(out, "%*s", GAP, "");
		is_first = false;
		str_add(out, colour_begin(view->has_colour && c == STATE, colour));
		add_cell(l, c, cells[c], out);
		str_add(out, colour_end(view->has_colour && c == STATE, colour));
	}
	while (out->len > 0 && out->text[out->len - 1] == ' ')
		out->len--;
	str_add_char(out, '\n');
}

static void add_job(const struct view *view, const struct layout *l, const struct record *record,
	struct str *out)
{
	cleanup_str struct str label = { 0 }, note = { 0 };
	char id[24], elapsed[TIME_TEXT_MAX];

	job_add_label(&label, &record->job);
	record_add_note(&note, record);
	(void)snprintf(id, sizeof id, "%" PRId64, record->job.id);
	duration_to_text(record_elapsed_ms(record, view->now_ms), elapsed);

	const char *const cells[COLUMNS] = {
		[ID] = id,
		[PACKAGE] = str_text(&label),
		[STATE] = job_state_name(record->job.state),
		[PHASE] = record_phase(record),
		[ELAPSED] = elapsed,
		[NOTE] = str_text(&note),
	};

	add_row(view, l, cells, job_state_colour(record->job.state), out);
}

static void add_line(const struct view *view, const char *text, struct str *out)
{
	text_add_cut(out, text, view->width);
	str_add_char(out, '\n');
}

/* How many of `n` jobs have room beside the names, the summary and the count of the others. */
static size_t count_shown(const struct view *view, size_t n)
{
	size_t room = view->height > 2 ? view->height - 2 : 0;

	if (n <= room)
		return n;
	return room > 0 ? room - 1 : 0;
}

void view_render(const struct view *view, const struct record **records, size_t n, struct str *out)
{
	size_t shown = count_shown(view, n);
	struct layout wanted, l;
	char rest[64];

	qsort(records, n, sizeof *records, compare);
	wanted = measure(records, shown);
	l = lay_out(view->width, &wanted);
	if (shown > 0)
		add_row(view, &l, names, PLAIN, out);
	for (size_t i = 0; i < shown; i++)
		add_job(view, &l, records[i], out);
	if (shown < n && view->height > 1) {
		(void)snprintf(rest, sizeof rest, "... and %zu more", n - shown);
		add_line(view, rest, out);
	}
	add_line(view, view->summary, out);
}
