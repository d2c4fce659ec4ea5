#include <stdlib.h>
#include <string.h>

#include "client/advice.h"
#include "client/client.h"
#include "client/machine.h"
#include "client/offer.h"
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

/* Packages are looked for in the cache; sets are judged by the rules alone. */
static int check_what_is_asked(const struct options *given, struct err *err)
{
	static const char *const of_packages[] = { "rev", "branch", "newest", "flavour", "system" };
	bool has_sets = option_given(given, "set");

	if (has_sets && given->n_operands > 0)
		return err_set(err, CAPQ_EINVAL,
			"packages are looked for in the cache: --set is of no use with them");
	if (!has_sets && given->n_operands == 0)
		return err_set(err, CAPQ_EINVAL,
			"which packages, or which sets? For example: capq lookup --gpu A100 --set "
			"7.5+PTX --set 8.6");
	for (size_t i = 0; has_sets && i < ARRAY_LEN(of_packages); i++)
		if (option_given(given, of_packages[i]))
			return err_set(
				err, CAPQ_EINVAL, "--%s is of no use with --set", of_packages[i]);
	return 0;
}

static int look_up(struct client *client, const struct question *question, struct err *err)
{
	int rv;

	if (client->options.n_operands == 0) {
		answer(client, question);
		return 0;
	}
	rv = client_find_server(client, err);
	return rv < 0 ? rv : offer(client, question, err);
}

static int run(struct client *client, struct err *err)
{
	const struct options *given = &client->options;
	struct question question = { .allow_jit = option_given(given, "allow-jit") };
	int rv = check_what_is_asked(given, err);

	if (rv == 0)
		rv = read_versions(given, &question, err);
	if (rv == 0)
		rv = read_sets(given, &question, err);
	if (rv == 0)
		rv = read_gpus(given, &question, err);
	if (rv == 0)
		rv = look_up(client, &question, err);
	finish(&question);
	return rv;
}

static const struct option_spec options[] = {
	{ "gpu", '\0', "GPU", "a name, a capability, or auto: this machine's; may be repeated" },
	{ "rev", '\0', "REV", "only this revision, or where this branch points to now" },
	{ "branch", '\0', "BRANCH", "only revisions that were submitted as this branch" },
	{ "newest", '\0', NULL, "the newest revision at which all is cached and runs there" },
	{ "flavour", '\0', "NAME", "a configured way to import nixpkgs; else default" },
	{ "system", '\0', "SYSTEM", "such as x86_64-linux; else capqd's first" },
	{ "set", '\0', "SET", "no package: a capability set that there is; may be repeated" },
	{ "driver", '\0', "V", "CUDA version that the driver speaks, or the driver's own" },
	{ "toolkit", '\0', "V", "CUDA version that the variants are built by" },
	{ "allow-jit", '\0', NULL, "take PTX too, which the driver compiles at every first start" },
	{ .name = NULL },
};

const struct command cmd_lookup = {
	.name = "lookup",
	.arguments = "ATTR... [--gpu GPU]... | --set SET... [--gpu GPU]...",
	.summary = "Say which variant, or which capability set, is right for a GPU",
	.details =
		"Of the packages ATTR, the variants in the cache are ranked by NVIDIA's rules, best\n"
		"first, each with the reason: by what their files were seen to hold, unit by unit, or\n"
		"by what their set promises where nobody has looked (declared, not verified). With\n"
		"several packages, all of them must be there, of one revision and one set. Then\n"
		"follows what to write to get the best, or what to do when none may be used.\n"
		"With --set, sets are ranked by the rules alone; capqd is not asked.\n"
		"The nearest number is often wrong: 8.6 does not run on an A100 (8.0). With several\n"
		"GPUs, the one that a variant fits worst decides. Without --gpu, this machine is\n"
		"asked. Exits with 1 when nothing may be used.\n",
	.examples = "capq lookup python3Packages.torch --gpu A100\n"
		    "capq lookup python3Packages.torch python3Packages.torchvision \\\n"
		    "    --gpu 'RTX 4090' --newest\n"
		    "capq lookup --gpu A100 --set 7.5+PTX --set 8.6\n"
		    "capq lookup --gpu 'RTX 3090' --gpu 'RTX 4090' --set 8.6 --set 8.9\n"
		    "capq lookup --set 8.6 --toolkit 12.8 --json\n",
	.options = options,
	.max_operands = 16,
	.is_local = true, /* Until a package is named. */
	.run = run,
};
