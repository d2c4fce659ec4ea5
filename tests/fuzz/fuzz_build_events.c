/* What Nix prints on standard error while it builds two targets, one of them with a ride-along,
 * line by line. Whatever that is: texts are short and can be shown, and each target's failure has a
 * reason. */
#include "daemon/pipeline/build_events.h"
#include "lib/store_path.h"
#include "lib/str.h"
#include "tests/fuzz/fuzz.h"

#define TORCH "/nix/store/00000000000000000000000000000000-torch-2.5.1.drv"
#define SOURCE "/nix/store/11111111111111111111111111111111-torch-src.drv"
#define NUMPY "/nix/store/22222222222222222222222222222222-numpy-1.26.drv"

static const struct build_run_ride rides[] = { { .drv_path = SOURCE, .is_fetch = true } };
static const struct build_run_target targets[] = {
	{ .drv_path = TORCH, .outputs = "{}", .rides = rides, .n_rides = 1 },
	{ .drv_path = NUMPY, .outputs = "{}" },
};

static void on_log(void *owner, size_t target, const char *text)
{
	size_t *n_logged = owner;

	CHECK(target < ARRAY_LEN(targets) && text != NULL);
	(*n_logged)++;
}

static int64_t cpu_ms(void *owner)
{
	size_t *n_logged = owner;

	return (int64_t)*n_logged;
}

static void check_target(const struct build_events *events, size_t i)
{
	struct build_progress progress = { 0 };
	const char *reason;
	enum failure failure = build_events_failure(events, i, &reason);
	const struct build_run_drv *own = build_events_own_drv(events, i);

	CHECK((failure == FAILURE_NONE) == (reason == NULL));
	CHECK(own == NULL || strcmp(own->drv_path, targets[i].drv_path) == 0);
	build_events_progress(events, i, &progress);
	CHECK(strlen(progress.phase) < 64 && strlen(progress.derivation) < 128);
	CHECK(strpbrk(progress.last_line, "\n\r\x1b") == NULL);
}

static void check_drvs(const struct build_events *events)
{
	size_t n;
	const struct build_run_drv *drvs = build_events_drvs(events, &n);

	CHECK(n <= 3);
	for (size_t i = 0; i < n; i++) {
		CHECK(drvs[i].is_ride == (strcmp(drvs[i].drv_path, SOURCE) == 0));
		CHECK(drvs[i].ended_us == 0 || drvs[i].ended_us >= drvs[i].started_us);
		CHECK(drvs[i].target == (strcmp(drvs[i].drv_path, NUMPY) == 0 ? 1 : 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n_logged = 0;
	struct build_events_spec spec = {
		.targets = targets,
		.n = ARRAY_LEN(targets),
		.on_log = on_log,
		.cpu_ms = cpu_ms,
		.owner = &n_logged,
	};
	struct build_events *events = build_events_create(&spec);

	for (size_t at = 0; at < size;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t len = end == NULL ? size - at : (size_t)(end - data) - at;
		cleanup_free char *line = fuzz_bytes(data + at, len);

		build_events_line(events, line, len);
		at += len + 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		check_target(events, i);
	check_drvs(events);
	build_events_destroy(events);
	return 0;
}
