#include <stdio.h>

#include "client/client.h"
#include "client/table.h"
#include "lib/gpu.h"

static void print_json(struct output *output, const struct gpu *gpu)
{
	struct json_out json = { 0 };
	char text[CAPABILITY_TEXT_MAX], pci_id[8];

	capability_format(gpu->capability, text);
	(void)snprintf(pci_id, sizeof pci_id, "%04x", gpu->pci_id);
	json_out_object(&json, NULL);
	json_out_text(&json, "name", gpu->name);
	json_out_text(&json, "capability", text);
	json_out_text(&json, "chip", gpu->chip);
	json_out_text(&json, "pci_id", gpu->pci_id == 0 ? NULL : pci_id);
	json_out_text(&json, "class", gpu->class);
	json_out_bool(&json, "ambiguous", gpu->is_ambiguous);
	json_out_end_object(&json);
	output_item(output, json.text.text);
	str_free(&json.text);
}

static void add_row(struct table *rows, const struct gpu *gpu)
{
	char text[CAPABILITY_TEXT_MAX], pci_id[8];

	capability_format(gpu->capability, text);
	(void)snprintf(pci_id, sizeof pci_id, "%04x", gpu->pci_id);
	table_text(rows, text);
	table_text(rows, gpu->name);
	table_text(rows, gpu->chip);
	table_text(rows, gpu->pci_id == 0 ? NULL : pci_id);
	table_text(rows, gpu->class);
	table_text(rows, gpu->is_ambiguous ? "others of that name differ" : NULL);
	table_end_row(rows);
}

static bool has_match(const struct gpu_table *table, const char *pattern)
{
	for (size_t i = 0; i < table->n; i++)
		if (gpu_matches(&table->gpus[i], pattern))
			return true;
	return false;
}

static void print(struct client *client, const struct gpu_table *table, const char *pattern)
{
	static const struct column columns[] = { { .name = "CAPABILITY" },
		{ .name = "NAME", .may_be_cut = true }, { .name = "CHIP" }, { .name = "PCI ID" },
		{ .name = "CLASS" }, { .name = "NOTE", .may_be_cut = true }, { .name = NULL } };
	struct output *output = &client->output;
	struct table *rows = NULL;

	if (output->is_json)
		output_begin_array(output);
	else
		rows = table_create(output, columns, option_given(&client->options, "no-header"));
	for (size_t i = 0; i < table->n; i++) {
		const struct gpu *gpu = &table->gpus[i];

		if (!gpu_matches(gpu, pattern))
			continue;
		if (output->is_json)
			print_json(output, gpu);
		else
			add_row(rows, gpu);
	}
	if (output->is_json) {
		output_end_array(output);
		return;
	}
	table_print(rows);
	table_destroy(rows);
}

static int run(struct client *client, struct err *err)
{
	const struct options *given = &client->options;
	const char *pattern = given->n_operands > 0 ? given->operands[0] : "";
	struct gpu_table table;
	int rv = 0;

	gpu_table_load(&table);
	if (has_match(&table, pattern))
		print(client, &table, pattern);
	else
		rv = err_set(err, CAPQ_ENOTFOUND, "no GPU '%.64s' is known", pattern);
	gpu_table_finish(&table);
	return rv;
}

static const struct option_spec options[] = {
	{ "no-header", '\0', NULL, "print no names of columns" },
	{ .name = NULL },
};

const struct command cmd_gpus = {
	.name = "gpus",
	.arguments = "[PATTERN]",
	.summary = "List GPUs and their compute capabilities",
	.details = "PATTERN is a part of a name (every word of it must be there), a chip, or a\n"
		   "capability. The names, chips and PCI ids are those of the PCI ID database.\n",
	.examples = "capq gpus 3090\n"
		    "capq gpus 'laptop 40'\n"
		    "capq gpus 8.9 --json\n",
	.options = options,
	.max_operands = 1,
	.is_local = true,
	.run = run,
};
