#include <stdlib.h>
#include <string.h>

#include "client/advice.h"
#include "client/client.h"
#include "client/machine.h"
#include "lib/gpu.h"
#include "lib/mem.h"

static void add_gpu(struct question *q, const char *name, struct capability capability)
{
	q->gpus = xrealloc(q->gpus, (q->n_gpus + 1) * sizeof *q->gpus);
	q->gpus[q->n_gpus++] = (struct asked_gpu){ xstrdup(name), capability };
}

/* The GPUs of this machine; its driver's CUDA counts unless another is given. */
static int add_machine(struct question *q, const struct gpu_table *table, struct err *err)
{
	struct machine machine;
	int rv = machine_read(&machine_here, table, &machine, err);

	if (rv < 0)
		return rv;
	for (size_t i = 0; i < machine.n; i++)
		add_gpu(q, machine.gpus[i].name, machine.gpus[i].capability);
	if (q->driver.major == 0)
		q->driver = machine.driver;
	return 0;
}

static int add_named(
	struct question *q, const struct gpu_table *table, const char *name, struct err *err)
{
	struct capability c;
	int rv;

	if (strcmp(name, "auto") == 0)
		return add_machine(q, table, err);
	rv = gpu_find(table, name, &c, err);
	if (rv == 0)
		add_gpu(q, name, c);
	return rv;
}

static int read_gpus(const struct options *given, struct question *q, struct err *err)
{
	struct gpu_table table;
	const char *name;
	size_t at = 0;
	int rv = 0;

	gpu_table_load(&table);
	if (!option_given(given, "gpu"))
		rv = add_machine(q, &table, err);
	while (rv == 0 && (name = option_next(given, "gpu", &at)) != NULL)
		rv = add_named(q, &table, name, err);
	gpu_table_finish(&table);
	return rv;
}

static int read_sets(const struct options *given, struct question *q, struct err *err)
{
	const char *text;
	size_t at = 0;

	if (!option_given(given, "set"))
		return err_set(err, CAPQ_EINVAL,
			"which sets? For example: capq lookup --gpu A100 --set 7.5+PTX --set 8.6");
	while ((text = option_next(given, "set", &at)) != NULL) {
		int rv;

		q->sets = xrealloc(q->sets, (q->n_sets + 1) * sizeof *q->sets);
		rv = capability_set_parse(text, &q->sets[q->n_sets], err);
		if (rv < 0)
			return rv;
		q->n_sets++;
	}
	return 0;
}

static int read_versions(const struct options *given, struct question *q, struct err *err)
{
	const char *driver = option_text(given, "driver"), *toolkit = option_text(given, "toolkit");
	int rv = 0;

	if (driver != NULL)
		rv = cuda_driver_parse(driver, &q->driver, err);
	if (rv == 0 && toolkit != NULL)
		rv = cuda_version_parse(toolkit, &q->toolkit, err);
	return rv;
}

static void finish(struct question *q)
{
	for (size_t i = 0; i < q->n_gpus; i++)
		free(q->gpus[i].name);
	free(q->gpus);
	free(q->sets);
}

static void answer(struct client *client, const struct question *q)
{
	struct advice advice;

	advise(q, &advice);
	if (client->output.is_json)
		advice_print_json(q, &advice);
	else
		advice_print(&client->output, q, &advice);
	client->exit_code = advice.best != NULL ? EXIT_OK : EXIT_FAILED;
	advice_finish(&advice);
}

static int run(struct client *client, struct err *err)
{
	const struct options *given = &client->options;
	struct question question = { .allow_jit = option_given(given, "allow-jit") };
	int rv = read_versions(given, &question, err);

	if (rv == 0)
		rv = read_sets(given, &question, err);
	if (rv == 0)
		rv = read_gpus(given, &question, err);
	if (rv == 0)
		answer(client, &question);
	finish(&question);
	return rv;
}

static const struct option_spec options[] = {
	{ "gpu", '\0', "GPU", "a name, a capability, or auto: this machine's; may be repeated" },
	{ "set", '\0', "SET", "a capability set that there is; may be repeated" },
	{ "driver", '\0', "V", "CUDA version that the driver speaks, or the driver's own" },
	{ "toolkit", '\0', "V", "CUDA version that the sets are built by" },
	{ "allow-jit", '\0', NULL, "take PTX too, which the driver compiles at every first start" },
	{ .name = NULL },
};

const struct command cmd_lookup = {
	.name = "lookup",
	.arguments = "--gpu GPU... --set SET...",
	.summary = "Say which capability set is right for a GPU",
	.details =
		"Sets are ranked by NVIDIA's rules, best first, each with the reason. The nearest\n"
		"number is often wrong: 8.6 does not run on an A100 (8.0). With several GPUs, the\n"
		"one that a set fits worst decides. Without --gpu, this machine is asked. Exits\n"
		"with 1 when no set may be used.\n",
	.examples = "capq lookup --gpu A100 --set 7.5+PTX --set 8.6\n"
		    "capq lookup --gpu 'RTX 3090' --gpu 'RTX 4090' --set 8.6 --set 8.9\n"
		    "capq lookup --set 8.6 --toolkit 12.8 --json\n",
	.options = options,
	.is_local = true,
	.run = run,
};
