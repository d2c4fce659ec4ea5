/* How well costs are estimated: traces are replayed, each build is estimated when it is submitted,
 * and its cost is learnt some hours after it could have ended, never before.
 *
 *   capq-bench-estimate TRACE.csv HISTORY.csv [TRACE.csv HISTORY.csv]...
 *
 * TRACE: id,submit_s,work_s,package,caps,...   HISTORY: package,caps,work_s,age_s at time 0. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/estimate_rivals.h"
#include "lib/mem.h"
#include "sched/estimate.h"

#define DELAY_MS (6 * 3600000LL) /* What a build waits, taken together: it is known only then. */
#define LINE_MAX 65536
#define METHODS_MAX 8

struct row {
	char *package, *set;
	unsigned caps;
	int64_t submit_ms, work_ms, known_ms;
	double ln_true; /* Mean over all builds of the package for so many capabilities. */
};

struct rows {
	struct row *items;
	size_t n, capacity;
};

/* ---- reading ---- */

/* The fields of a line, cut out of it. Returns how many. */
static size_t split(char *line, char *fields[], size_t max)
{
	size_t n = 0;

	line[strcspn(line, "\r\n")] = '\0';
	while (n < max && line != NULL)
		fields[n++] = strsep(&line, ",");
	return n;
}

/* Traces join capabilities with '+' and say "any" for none. */
static char *canonical_set(const char *caps, unsigned *out_caps)
{
	char *set = xstrdup(strcmp(caps, "any") == 0 ? "" : caps);

	*out_caps = set[0] == '\0' ? 0 : 1;
	for (char *c = set; *c != '\0'; c++) {
		if (*c == '+') {
			*c = ',';
			++*out_caps;
		}
	}
	return set;
}

static void read_rows(const char *path, bool is_history, struct rows *out)
{
	static char line[LINE_MAX];
	FILE *file = fopen(path, "re");
	char *fields[5];

	if (file == NULL) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof line, file) != NULL) {
		struct row row = { 0 };
		size_t n = split(line, fields, ARRAY_LEN(fields));

		if (n < (is_history ? 4 : 5) || strcmp(fields[0], "id") == 0 ||
			strcmp(fields[0], "package") == 0)
			continue;
		row.package = xstrdup(fields[is_history ? 0 : 3]);
		row.set = canonical_set(fields[is_history ? 1 : 4], &row.caps);
		row.work_ms = llround(1000 * strtod(fields[2], NULL));
		if (is_history) {
			row.known_ms = -llround(1000 * strtod(fields[3], NULL));
		} else {
			row.submit_ms = llround(1000 * strtod(fields[1], NULL));
			row.known_ms = row.submit_ms + row.work_ms + DELAY_MS;
		}
		array_reserve(&out->items, &out->capacity, out->n + 1, sizeof row);
		out->items[out->n++] = row;
	}
	(void)fclose(file);
}

static void free_rows(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		free(rows->items[i].package);
		free(rows->items[i].set);
	}
	free(rows->items);
}

static int by_known(const void *a, const void *b)
{
	const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;

	if (x->known_ms != y->known_ms)
		return x->known_ms < y->known_ms ? -1 : 1;
	return (x > y) - (x < y);
}

static struct row **sorted_by_known(const struct rows *rows)
{
	struct row **sorted = xcalloc(rows->n, sizeof *sorted);

	for (size_t i = 0; i < rows->n; i++)
		sorted[i] = &rows->items[i];
	array_sort(sorted, rows->n, sizeof(struct row *), by_known);
	return sorted;
}

/* The best that anybody could know beforehand. */
static void find_truth(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->items[i];
		double sum = 0;
		size_t n = 0;

		if (row->ln_true > 0)
			continue;
		for (size_t j = i; j < rows->n; j++) {
			const struct row *other = &rows->items[j];

			if (other->caps == row->caps && strcmp(other->package, row->package) == 0) {
				sum += log((double)other->work_ms);
				n++;
			}
		}
		for (size_t j = i; j < rows->n; j++) {
			struct row *other = &rows->items[j];

			if (other->caps == row->caps && strcmp(other->package, row->package) == 0)
				other->ln_true = sum / (double)n;
		}
	}
}

/* ---- measuring ---- */

struct errors {
	double *items; /* |ln(actual / expected)| */
	size_t n, capacity;
	size_t within, over;
	double squares;
};

/* Of rests of builds that had taken some time already. */
struct rests {
	size_t n, below_p50, below_p90;
};

static const double elapsed_shares[] = { 0, 0.5, 1, 1.5, 2, 3 };

static struct errors errors[METHODS_MAX][ESTIMATE_BASES];
static struct rests rests[ARRAY_LEN(elapsed_shares)];
static double seconds_learning, seconds_asking;
static size_t n_learnt, n_asked;

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The spread is always that of `est`; the middle is `mu`. */
static void note(struct errors *e, double mu, const struct estimate *est, double ln_actual)
{
	struct estimate centred = { .sigma = est->sigma };
	double off = ln_actual - mu;

	array_reserve(&e->items, &e->capacity, e->n + 1, sizeof *e->items);
	e->items[e->n++] = fabs(off);
	e->squares += off * off;
	e->within += off >= log(estimate_quantile(&centred, 0.1)) &&
		     off <= log(estimate_quantile(&centred, 0.9));
	e->over += off > 0;
}

static void note_rests(const struct estimate *est, double actual_ms)
{
	for (size_t i = 0; i < ARRAY_LEN(elapsed_shares); i++) {
		double elapsed = elapsed_shares[i] * estimate_median(est);
		double rest = actual_ms - elapsed;

		if (rest <= 0)
			continue;
		rests[i].n++;
		rests[i].below_p50 += rest <= estimate_remaining(est, elapsed, 0.5);
		rests[i].below_p90 += rest <= estimate_remaining(est, elapsed, 0.9);
	}
}

static void learn(struct estimates *e, struct rivals *rivals, const struct row *row)
{
	struct estimate_sample sample = {
		.key = { row->package, row->set, "" },
		.at_ms = row->known_ms,
		.wall_ms = row->work_ms,
		.core_ms = -1,
		.peak_memory_bytes = -1,
		.output_bytes = -1,
	};
	double start = now_s();

	estimates_learn(e, &sample);
	seconds_learning += now_s() - start;
	n_learnt++;
	rivals_learn(rivals, row->package, row->set, row->caps, log((double)row->work_ms));
}

static void ask(const struct estimates *e, struct rivals *rivals, const struct row *row)
{
	struct estimate_key key = { row->package, row->set, "" };
	double ln_actual = log((double)row->work_ms);
	struct estimate est;
	double start = now_s();

	estimates_get(e, &key, NULL, row->submit_ms, &est);
	seconds_asking += now_s() - start;
	n_asked++;
	for (size_t i = 0; i < n_rivals; i++) {
		double mu = rivals_get(rivals, &rival_table[i], row->package, row->set, row->caps);

		note(&errors[i][est.basis], mu, &est, ln_actual);
	}
	note(&errors[n_rivals][est.basis], est.mu, &est, ln_actual);
	note(&errors[n_rivals + 1][est.basis], row->ln_true, &est, ln_actual);
	note_rests(&est, (double)row->work_ms);
}

static void replay(const char *trace_path, const char *history_path)
{
	struct estimates *e = estimates_create();
	struct rivals rivals = { 0 };
	struct rows trace = { 0 }, history = { 0 };
	struct row **learnt;
	size_t next = 0;

	read_rows(history_path, true, &history);
	read_rows(trace_path, false, &trace);
	find_truth(&trace);
	learnt = sorted_by_known(&history);
	for (size_t i = 0; i < history.n; i++)
		learn(e, &rivals, learnt[i]);
	free(learnt);
	learnt = sorted_by_known(&trace);
	for (size_t i = 0; i < trace.n; i++) {
		const struct row *row = &trace.items[i];

		while (next < trace.n && learnt[next]->known_ms <= row->submit_ms)
			learn(e, &rivals, learnt[next++]);
		ask(e, &rivals, row);
	}
	free(learnt);
	free_rows(&trace);
	free_rows(&history);
	rivals_finish(&rivals);
	estimates_destroy(e);
}

/* ---- the report ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_method(const char *name, enum estimate_basis basis, struct errors *e)
{
	array_sort(e->items, e->n, sizeof *e->items, by_value);
	printf("%-11s %-20s %7zu %8.3f %8.3f %7.3f %8.3f %7.3f\n", estimate_basis_name(basis), name,
		e->n, exp(e->items[e->n / 2]), exp(e->items[e->n * 9 / 10]),
		(double)e->within / (double)e->n, (double)e->over / (double)e->n,
		sqrt(e->squares / (double)e->n));
	free(e->items);
}

static void print_report(void)
{
	printf("%-11s %-20s %7s %8s %8s %7s %8s %7s\n", "basis", "method", "n", "median x", "p90 x",
		"p10-p90", "> median", "rms ln");
	for (enum estimate_basis basis = 0; basis < ESTIMATE_BASES; basis++) {
		if (errors[0][basis].n == 0)
			continue;
		for (size_t i = 0; i < n_rivals; i++)
			print_method(rival_table[i].name, basis, &errors[i][basis]);
		print_method("sched/estimate", basis, &errors[n_rivals][basis]);
		print_method("knows the true mean", basis, &errors[n_rivals + 1][basis]);
	}
	printf("\nwhat is left of a running build, by what it has taken (1: the median)\n");
	printf("%8s %8s %12s %12s\n", "taken", "n", "below p50", "below p90");
	for (size_t i = 0; i < ARRAY_LEN(elapsed_shares); i++) {
		if (rests[i].n == 0)
			continue;
		printf("%8.1f %8zu %12.3f %12.3f\n", elapsed_shares[i], rests[i].n,
			(double)rests[i].below_p50 / (double)rests[i].n,
			(double)rests[i].below_p90 / (double)rests[i].n);
	}
	printf("\nlearning %.1f us a build, asking %.1f us\n",
		1e6 * seconds_learning / (double)n_learnt, 1e6 * seconds_asking / (double)n_asked);
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc % 2 == 0) {
		(void)fprintf(stderr,
			"usage: capq-bench-estimate TRACE.csv HISTORY.csv [TRACE HISTORY]...\n");
		return 2;
	}
	for (int i = 1; i < argc; i += 2)
		replay(argv[i], argv[i + 1]);
	print_report();
	return 0;
}
