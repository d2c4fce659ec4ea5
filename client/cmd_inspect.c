#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ask.h"
#include "client/client.h"
#include "client/table.h"
#include "lib/gpu_code_json.h"
#include "lib/gpu_files.h"
#include "lib/gpu_verify.h"
#include "lib/mem.h"

struct inspection {
	struct client *client;
	struct table *table;                /* NULL with --json. */
	const struct capability_set *asked; /* NULL: none. */
};

/* ---- JSON ---- */

/* `lacks` is NULL when nothing was asked for. */
static void print_json(
	struct output *output, const char *path, const struct gpu_code *code, const char *lacks)
{
	struct json_out json = { 0 };

	json_out_object(&json, NULL);
	json_out_text(&json, "path", path);
	gpu_code_members_to_json(code, &json);
	if (lacks != NULL)
		json_out_text(&json, "lacks", lacks[0] == '\0' ? NULL : lacks);
	json_out_end_object(&json);
	output_item(output, json.text.text);
	str_free(&json.text);
}

static void print_json_error(struct output *output, const char *path, const struct err *err)
{
	struct json_out json = { 0 };

	json_out_object(&json, NULL);
	json_out_text(&json, "path", path);
	json_out_text(&json, "error", err->text);
	json_out_end_object(&json);
	output_item(output, json.text.text);
	str_free(&json.text);
}

/* ---- a table ---- */

/* Append "LABEL: sm_80 sm_86" behind what is there; nothing for an empty set. */
static void add_names(struct str *out, const char *label, const char *prefix,
	const struct gpu_code *code, uint64_t set)
{
	struct gpu_arch archs[GPU_ARCHS_MAX];
	size_t n = gpu_code_list(code, set, archs);

	if (n > 0 && label != NULL)
		str_addf(out, "%s%s:", out->len > 0 ? "; " : "", label);
	for (size_t i = 0; i < n; i++) {
		if (out->len > 0)
			str_add_char(out, ' ');
		gpu_arch_add_name(out, prefix, archs[i]);
	}
}

/* What is code, but not of every unit. */
static void add_names_of_some(struct str *out, const struct gpu_code *code)
{
	static const char label[] = "only in some units";
	uint64_t sass = code->any.sass & ~gpu_code_sass_in_all(code);
	uint64_t ptx = code->any.ptx & ~gpu_code_ptx_in_all(code);

	if (code->n_units == 0)
		return;
	add_names(out, label, "sm_", code, sass);
	add_names(out, sass != 0 ? NULL : label, "compute_", code, ptx);
}

static void add_row(
	struct table *table, const char *path, const struct gpu_code *code, const char *lacks)
{
	cleanup_str struct str sass = { 0 }, ptx = { 0 }, note = { 0 };

	add_names(&sass, NULL, "sm_", code, code->any.sass);
	add_names(&ptx, NULL, "compute_", code, code->any.ptx);
	if (lacks != NULL && lacks[0] != '\0')
		str_addf(&note, "lacks %s", lacks);
	add_names_of_some(&note, code);
	add_names(&note, "only a stub", "sm_", code, gpu_code_stub_only(code));
	add_names(&note, "for a linker", "lto_", code, code->any.lto);
	table_text(table, path);
	table_int(table, (int64_t)code->n_units);
	table_text(table, sass.text);
	table_text(table, ptx.text);
	table_text(table, note.text);
	table_end_row(table);
}

/* ---- files ---- */

static void on_file(void *owner, const char *path, const struct gpu_code *code)
{
	struct inspection *inspection = owner;
	cleanup_str struct str lacks = { 0 };
	const char *said = NULL;

	if (inspection->asked != NULL) {
		if (!gpu_verify(code, inspection->asked, &lacks))
			inspection->client->exit_code = EXIT_FAILED;
		said = str_text(&lacks);
	}
	if (inspection->table != NULL)
		add_row(inspection->table, path, code, said);
	else
		print_json(&inspection->client->output, path, code, said);
}

static void on_error(void *owner, const char *path, const struct err *err)
{
	struct inspection *inspection = owner;
	struct client *client = inspection->client;

	if (client->exit_code == EXIT_OK)
		client->exit_code =
			exit_code_of(err->code == CAPQ_EINVAL ? CAPQ_EFAILED : err->code);
	if (inspection->table == NULL)
		print_json_error(&client->output, path, err);
	else
		output_note("capq: %s: %s\n", path, err->text);
}

static void tell_closure(const void *path)
{
	(void)execlp("nix-store", "nix-store", "--query", "--requisites", path, (char *)NULL);
}

/* Read all store paths that `path` needs, itself included. */
static int read_closure(const char *path, const struct gpu_files_reader *reader, struct err *err)
{
	cleanup_free char *paths = ask(tell_closure, path);
	char *rest = paths, *line;

	if (paths[0] == '\0')
		return err_set(err, CAPQ_ENOTFOUND, "nix-store knows no closure of %s", path);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			gpu_files_read(line, reader);
	return 0;
}

static int inspect(struct inspection *inspection, struct err *err)
{
	const struct options *given = &inspection->client->options;
	const struct gpu_files_reader reader = { on_file, on_error, inspection };
	int rv = 0;

	for (size_t i = 0; i < given->n_operands && rv == 0; i++) {
		if (option_given(given, "closure"))
			rv = read_closure(given->operands[i], &reader, err);
		else
			gpu_files_read(given->operands[i], &reader);
	}
	return rv;
}

static int inspect_as_json(struct inspection *inspection, struct err *err)
{
	struct output *output = &inspection->client->output;
	int rv;

	output_begin_array(output);
	rv = inspect(inspection, err);
	if (rv == 0)
		output_end_array(output);
	return rv;
}

static int inspect_as_table(struct inspection *inspection, struct err *err)
{
	static const struct column columns[] = { { .name = "FILE" },
		{ .name = "UNITS", .is_number = true }, { .name = "SASS" }, { .name = "PTX" },
		{ .name = "NOTE", .may_be_cut = true }, { .name = NULL } };
	struct client *client = inspection->client;
	int rv;

	inspection->table =
		table_create(&client->output, columns, option_given(&client->options, "no-header"));
	rv = inspect(inspection, err);
	table_print(inspection->table);
	table_destroy(inspection->table);
	return rv;
}

static int run(struct client *client, struct err *err)
{
	const char *caps = option_text(&client->options, "caps");
	struct inspection inspection = { .client = client };
	struct capability_set asked;

	if (caps != NULL) {
		int rv = capability_set_parse(caps, &asked, err);

		if (rv < 0)
			return rv;
		inspection.asked = &asked;
	}
	return client->output.is_json ? inspect_as_json(&inspection, err)
				      : inspect_as_table(&inspection, err);
}

static const struct option_spec options[] = {
	{ "caps", 'c', "SET", "say what files lack of this set; exit with 1 when any does" },
	{ "closure", 'R', NULL, "paths are store paths: with all that they need" },
	{ "no-header", '\0', NULL, "print no names of columns" },
	{ .name = NULL },
};

const struct command cmd_inspect = {
	.name = "inspect",
	.arguments = "PATH...",
	.summary = "List the GPU code that files hold",
	.details =
		"PATH is a file or a directory: libraries, programs, objects, archives of them,\n"
		"cubins, containers (fatbin), PTX. Nothing is executed. Machine code (SASS) and\n"
		"PTX count only where they are in every unit, which mostly is a source file; code\n"
		"in some units alone is noted. Files without GPU code are not listed. Exits with 1\n"
		"when a file is damaged.\n",
	.examples = "capq inspect ./result/lib\n"
		    "capq inspect --caps 8.6 ./result/lib\n"
		    "capq inspect --closure $(readlink result) --json\n",
	.options = options,
	.min_operands = 1,
	.max_operands = OPERANDS_MAX,
	.is_local = true,
	.run = run,
};
