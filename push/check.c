#include "push/check.h"

#include <stdlib.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "push/missing.h"
#include "push/push.h"
#include "push/report.h"

struct check {
	struct check_spec spec;
	struct missing *missing;
};

static int status_of(const struct report *report, const struct fail *fail)
{
	switch (fail->class) {
	case FAIL_NONE:
		return report->n_missing > 0 ? PUSH_FAILED : PUSH_OK;
	case FAIL_DENIED:
		return PUSH_DENIED;
	case FAIL_NETWORK:
		return PUSH_UNREACHABLE;
	default:
		return PUSH_FAILED;
	}
}

static void on_missing(void *owner, const struct answer_missing *missing, const struct fail *fail)
{
	struct check *check = owner;
	const struct check_spec *spec = &check->spec;

	for (size_t i = 0; i < spec->n_paths; i++) {
		if (fail->class != FAIL_NONE)
			report_fail(spec->report, spec->paths[i], fail);
		else if (answer_missing_has(missing, store_path_base(spec->paths[i])))
			report_missing(spec->report, spec->paths[i], 0);
	}
	report_end(spec->report);
	spec->on_done(spec->owner, status_of(spec->report, fail));
	free(check);
}

struct check *check_start(const struct check_spec *spec)
{
	struct check *check = xcalloc(1, sizeof *check);

	check->spec = *spec;
	check->missing = missing_start(spec->api, spec->paths, spec->n_paths, on_missing, check);
	return check;
}

void check_stop(struct check *check)
{
	missing_stop(check->missing);
}
