#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/merge_out.h"
#include "client/merge_tree.h"
#include "client/table.h"
#include "lib/mem.h"
#include "lib/store_path.h"

struct merging {
	struct client *client;
	struct merge_sides sides;
	char *paths[GPU_MERGE_MAX]; /* Of the inputs, links resolved. */
	struct table *table;        /* NULL with --json. */
	struct json_out json;       /* What was merged; an array. */
	struct json_out refused;    /* What was not. */
	size_t n_merged, n_copied, n_refused;
};

/* ---- saying what was done ---- */

static void add_names(struct str *out, const char *prefix, const struct merge_archs *archs)
{
	for (size_t i = 0; i < archs->n; i++) {
		if (out->len > 0)
			str_add_char(out, ' ');
		gpu_arch_add_name(out, prefix, archs->items[i]);
	}
}

static void names_to_json(struct json_out *json, const char *name, const char *prefix,
	const struct merge_archs *archs)
{
	json_out_array(json, name);
	for (size_t i = 0; i < archs->n; i++) {
		cleanup_str struct str text = { 0 };

		gpu_arch_add_name(&text, prefix, archs->items[i]);
		json_out_text(json, NULL, text.text);
	}
	json_out_end_array(json);
}

static void result_to_json(
	struct json_out *json, const char *path, const struct merge_result *result)
{
	json_out_object(json, NULL);
	json_out_text(json, "path", path);
	names_to_json(json, "sass", "sm_", &result->sass);
	names_to_json(json, "ptx", "compute_", &result->ptx);
	json_out_int(json, "units", (int64_t)result->n_units);
	json_out_end_object(json);
}

static void add_row(struct table *table, const char *path, const struct merge_result *result)
{
	cleanup_str struct str sass = { 0 }, ptx = { 0 };

	add_names(&sass, "sm_", &result->sass);
	add_names(&ptx, "compute_", &result->ptx);
	table_text(table, path);
	table_int(table, (int64_t)result->n_units);
	table_text(table, sass.text);
	table_text(table, ptx.text);
	table_end_row(table);
}

static void on_file(void *owner, const char *path, const struct merge_result *result)
{
	struct merging *merging = owner;
	/* Where no tree is merged. */
	const char *name = path[0] == '\0' ? merging->sides.names[0] : path;

	if (!result->is_merged) {
		merging->n_copied++;
		return;
	}
	merging->n_merged++;
	if (merging->table != NULL)
		add_row(merging->table, name, result);
	else
		result_to_json(&merging->json, name, result);
}

static void on_refused(void *owner, size_t input, const char *path, const struct err *err)
{
	struct merging *merging = owner;
	const char *side = merging->sides.names[input];
	cleanup_free char *whole = str_format("%s%s%s", side, path[0] == '\0' ? "" : "/", path);

	merging->n_refused++;
	if (merging->table != NULL) {
		output_note("capq: %s: %s\n", whole, err->text);
		return;
	}
	json_out_object(&merging->refused, NULL);
	json_out_text(&merging->refused, "path", whole);
	json_out_text(&merging->refused, "reason", err->text);
	json_out_end_object(&merging->refused);
}

static void print_json(struct merging *merging, const char *out, bool is_done)
{
	struct json_out json = { 0 };

	json_out_end_array(&merging->json);
	json_out_end_array(&merging->refused);
	json_out_object(&json, NULL);
	json_out_text(&json, "out", is_done ? out : NULL);
	json_out_raw(&json, "merged", merging->json.text.text);
	json_out_int(&json, "copied", (int64_t)merging->n_copied);
	json_out_raw(&json, "refused", merging->refused.text.text);
	json_out_end_object(&json);
	output_json_text(json.text.text);
	str_free(&json.text);
}

/* ---- inputs ---- */

/* The hash in a path that is a store path or in one; NULL: it is not. */
static const char *find_hash(const char *path)
{
	const char *base = path + sizeof STORE_DIR, *end;

	if (!str_starts(path, STORE_DIR "/"))
		return NULL;
	end = strchrnul(base, '/');
	return store_path_is_valid(path, (size_t)(end - path)) ? base : NULL;
}

/* Two hashes stand before the same name. */
static bool has_same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "/");

	return strcspn(b, "/") == len &&
	       strncmp(a + STORE_HASH_LEN, b + STORE_HASH_LEN, len - STORE_HASH_LEN) == 0;
}

static int resolve_inputs(struct merging *merging, struct err *err)
{
	const struct options *given = &merging->client->options;

	for (size_t i = 0; i < given->n_operands; i++) {
		char *path = realpath(given->operands[i], NULL);

		if (path == NULL)
			return err_errno(err, errno, "%s", given->operands[i]);
		merging->paths[i] = path;
		merging->sides.names[i] = given->operands[i];
		merging->sides.hashes[i] = find_hash(path);
		merging->sides.n = i + 1;
	}
	return 0;
}

static void set_out_hash(struct merging *merging, const char *out)
{
	const char *hash = find_hash(out), *first = merging->sides.hashes[0];

	if (hash != NULL && first != NULL && has_same_name(hash, first))
		merging->sides.out_hash = hash;
}

/* ---- merging ---- */

static int merge(struct merging *merging, const char *to, struct err *err)
{
	const struct merge_tree tree = { &merging->sides, on_file, on_refused, merging };

	return merge_tree(&tree, (const char *const *)merging->paths, to, err);
}

static int merge_and_rename(
	struct merging *merging, struct merge_out *out, bool is_dry, struct err *err)
{
	int rv = merge(merging, is_dry ? NULL : out->temp, err);

	if (rv == 0 && merging->n_refused == 0 && !is_dry)
		return merge_out_commit(out, err);
	merge_out_abort(out);
	return rv;
}

static int merge_as_json(
	struct merging *merging, struct merge_out *out, bool is_dry, struct err *err)
{
	cleanup_free char *path = xstrdup(out->path);
	int rv;

	json_out_array(&merging->json, NULL);
	json_out_array(&merging->refused, NULL);
	rv = merge_and_rename(merging, out, is_dry, err);
	if (rv == 0)
		print_json(merging, path, merging->n_refused == 0 && !is_dry);
	return rv;
}

static int merge_as_table(
	struct merging *merging, struct merge_out *out, bool is_dry, struct err *err)
{
	static const struct column columns[] = { { .name = "MERGED" },
		{ .name = "UNITS", .is_number = true }, { .name = "SASS" }, { .name = "PTX" },
		{ .name = NULL } };
	struct client *client = merging->client;
	int rv;

	merging->table =
		table_create(&client->output, columns, option_given(&client->options, "no-header"));
	rv = merge_and_rename(merging, out, is_dry, err);
	if (merging->n_merged > 0)
		table_print(merging->table);
	table_destroy(merging->table);
	return rv;
}

static int begin(struct merging *merging, struct merge_out *out, struct err *err)
{
	const struct options *given = &merging->client->options;
	const char *path = option_text(given, "output");
	int rv;

	if (path == NULL)
		return err_set(err, CAPQ_EINVAL, "where to? Give --output PATH");
	rv = resolve_inputs(merging, err);
	if (rv == 0)
		rv = merge_out_begin(out, path, (const char *const *)merging->paths,
			merging->sides.n, option_given(given, "force"), err);
	if (rv == 0)
		set_out_hash(merging, out->path);
	return rv;
}

static int run(struct client *client, struct err *err)
{
	struct merging *merging = xcalloc(1, sizeof *merging);
	const bool is_dry = option_given(&client->options, "dry-run");
	struct merge_out out;
	int rv;

	merging->client = client;
	rv = begin(merging, &out, err);
	if (rv == 0)
		rv = client->output.is_json ? merge_as_json(merging, &out, is_dry, err)
					    : merge_as_table(merging, &out, is_dry, err);
	if (rv == 0 && merging->n_refused > 0)
		client->exit_code = EXIT_FAILED;
	for (size_t i = 0; i < merging->sides.n; i++)
		free(merging->paths[i]);
	str_free(&merging->json.text);
	str_free(&merging->refused.text);
	free(merging);
	return rv;
}

static const struct option_spec options[] = {
	{ "output", 'o', "PATH", "where the result goes; must not exist, or be empty" },
	{ "dry-run", 'n', NULL, "only find out whether it can be done" },
	{ "force", 'f', NULL, "replace what is at PATH" },
	{ "no-header", '\0', NULL, "print no names of columns" },
	{ .name = NULL },
};

const struct command cmd_merge = {
	.name = "merge",
	.arguments = "INPUT...",
	.summary = "Make one fat file or tree out of thin ones (experimental)",
	.details =
		"EXPERIMENTAL: never yet run on GPUs. INPUTs are builds of the same thing for\n"
		"different capability sets, libraries or programs or whole trees of files. The\n"
		"result has the host code of the first and the device code of all. It is made only\n"
		"if their host code is provably the same, and everything that holds no GPU code\n"
		"equal; else each file that differs is named, with the reason, and capq exits\n"
		"with 1. Inputs are only read. What is merged must not be stripped afterwards.\n",
	.examples = "capq merge -o fat/libx.so thin-80/libx.so thin-86/libx.so\n"
		    "capq merge --dry-run -o fat ./result-80 ./result-86\n",
	.options = options,
	.min_operands = 1,
	.max_operands = GPU_MERGE_MAX,
	.is_local = true,
	.run = run,
};
