/* What nix-store, capq-push and the substituters answer to a plan of two targets. The input is a
 * process after the other, separated by lines "--": the first byte of each says how it ends, its
 * lines go to standard output when they begin with ">", else to standard error. Whatever that is:
 * the plan ends once, after few processes, with a graph or a reason; and its graph can be settled.
 */
#include "daemon/pipeline/plan.h"
#include "lib/log.h"
#include "lib/settings.h"
#include "lib/str.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/child.h"
#include "tests/sim/moment.h"
#include "tests/sim/world.h"
#include "tests/support/drv_case.h"

#define PROCESSES_MAX 20

static char *script; /* What is left of the input. */
static size_t n_processes, n_done;

/* ---- the children ---- */

void world_script(struct child *child)
{
	char *process, *line, *end;

	CHECK(++n_processes <= PROCESSES_MAX);
	if (script == NULL)
		return; /* It says nothing and ends well. */
	process = script;
	end = strstr(process, "\n--\n");
	script = end == NULL ? NULL : end + 4;
	if (end != NULL)
		*end = '\0';
	if (*process != '\0')
		child_exits(child, *process++ & 1);
	while ((line = strsep(&process, "\n")) != NULL) {
		if (line[0] == '>')
			child_prints(child, line + 1);
		else
			child_complains(child, line);
	}
}

void world_stops(struct child *child)
{
	(void)child;
}

/* ---- who asked ---- */

static bool is_cheap(void *owner, const struct graph_drv *drv)
{
	(void)owner;
	return drv->path[strlen(drv->path) - 5] % 2 == 0;
}

static void check_need(void *owner, uint32_t need)
{
	const struct graph *graph = owner;

	CHECK(need < graph->n && graph->drvs[need].role == GRAPH_BUILD);
}

static void on_done(void *owner, int rv, struct graph *graph, const enum plan_target_state *states,
	const struct err *err)
{
	(void)owner;
	n_done++;
	if (rv < 0) {
		CHECK(graph == NULL && err->text[0] != '\0');
		return;
	}
	CHECK(states[0] <= PLAN_MISSING && states[1] <= PLAN_MISSING);
	graph_settle(graph, is_cheap, NULL);
	for (size_t i = 0; i < graph->n_order; i++)
		if (graph->drvs[graph->order[i]].role == GRAPH_BUILD)
			graph_each_need(graph, graph->order[i], check_need, graph);
	graph_destroy(graph);
}

static void *drvs; /* struct drv_case; what nix_init() makes lies in it, too. */

static void clean_up(void)
{
	static const char *const names[] = { "nix/evaluate.nix", "nix/keep.nix", "nix" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_free char *path =
			str_format("%s/%s", ((struct drv_case *)drvs)->directory, names[i]);

		(void)remove(path);
	}
	(void)drv_case_teardown(&drvs);
}

static struct nix *the_nix(void)
{
	static const char yaml[] = "nixpkgs: {url: u}\nsubstituters: [\"http://s\"]\n"
				   "cache: {name: c, host: \"http://h\"}\n";
	static uv_loop_t loop;
	static struct children children = { .loop = &loop, .inherit_fd = -1 };
	static struct settings settings;
	static struct nix nix;

	if (nix.settings != NULL) {
		nix.n_files = 0;
		return &nix;
	}
	log_set_level(LOG_BROKEN);
	CHECK(drv_case_setup(&drvs) == 0);
	drv_case_add(drvs, "a-1", "", DRV_TWO_OUTPUTS);
	drv_case_add(drvs, "b-2", "a-1", DRV_PLAIN);
	drv_case_add(drvs, "c-3", "a-1!dev b-2", DRV_PLAIN);
	CHECK(atexit(clean_up) == 0 && uv_loop_init(&loop) == 0);
	CHECK(settings_parse(yaml, strlen(yaml), "f", &settings, NULL) == 0);
	CHECK(nix_init(&nix, &children, &settings, ((struct drv_case *)drvs)->directory, NULL) ==
		0);
	return &nix;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const targets[] = {
		"/nix/store/00000000000000000000000000000000-c-3.drv",
		"/nix/store/00000000000000000000000000000000-b-2.drv",
	};
	struct nix *nix = the_nix();
	cleanup_free char *text = fuzz_text(data, size);
	struct plan_spec spec = {
		.targets = targets,
		.n = ARRAY_LEN(targets),
		.root = "/root",
		.on_done = on_done,
	};
	struct plan *plan;

	script = text;
	n_processes = n_done = 0;
	moment_reset();
	plan_start(nix, "capq-push", &spec, &plan);
	while (n_done == 0) {
		while (moment_run_one())
			;
		(void)moment_jump(moment_now() + 1000);
	}
	CHECK(n_done == 1 && nix->children->n == 0);
	return 0;
}
