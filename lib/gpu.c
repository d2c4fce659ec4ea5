#include "lib/gpu.h"

#include <stdlib.h>
#include <string.h>

#include "lib/cuda.h"
#include "lib/embedded.h"
#include "lib/gpu_name.h"
#include "lib/mem.h"
#include "lib/str.h"

/* ---- the table ---- */

static int read_line(char *line, struct gpu *out, struct err *err)
{
	char *fields[6] = { NULL }, *rest = line;
	size_t n = 0;

	while (rest != NULL && n < ARRAY_LEN(fields))
		fields[n++] = strsep(&rest, "\t");
	if (n != ARRAY_LEN(fields) || rest != NULL || fields[0][0] == '\0')
		return err_set(err, CAPQ_EINVAL, "expected 6 fields");
	*out = (struct gpu){ .name = fields[0],
		.chip = fields[2],
		.class = fields[4],
		.is_ambiguous = strcmp(fields[5], "ambiguous-name") == 0 };
	if (strcmp(fields[3], "-") != 0)
		out->pci_id = (unsigned)strtoul(fields[3], NULL, 16);
	return capability_parse(fields[1], &out->capability, err);
}

int gpu_table_read(const char *text, struct gpu_table *out, struct err *err)
{
	struct gpu_table table = { .text = xstrdup(text) };
	size_t capacity = 0, number = 0;
	char *rest = table.text, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		number++;
		if (line[0] == '#' || line[0] == '\0')
			continue;
		array_reserve(&table.gpus, &capacity, table.n + 1, sizeof *table.gpus);
		if (read_line(line, &table.gpus[table.n], err) < 0) {
			gpu_table_finish(&table);
			return err_wrap(err, "line %zu", number);
		}
		table.n++;
	}
	*out = table;
	return 0;
}

void gpu_table_finish(struct gpu_table *table)
{
	free(table->gpus);
	free(table->text);
	*table = (struct gpu_table){ 0 };
}

void gpu_table_load(struct gpu_table *out)
{
	struct err err;

	if (gpu_table_read(embedded_gpus[0].text, out, &err) < 0)
		abort(); /* A table of ours is broken. */
}

const struct gpu *gpu_by_pci_id(const struct gpu_table *table, unsigned pci_id)
{
	for (size_t i = 0; pci_id > 0 && i < table->n; i++)
		if (table->gpus[i].pci_id == pci_id)
			return &table->gpus[i];
	return NULL;
}

/* ---- by name ---- */

/* Names that are not the table's. The driver calls Pascal's TITAN X so, and Maxwell's "GTX TITAN
 * X". */
static const struct {
	const char *name;
	struct capability capability;
} aliases[] = {
	{ "TITAN X", { 6, 1, 0 } },
	{ "DGX Spark", { 12, 1, 0 } },
	{ "Jetson TK1", { 3, 2, 0 } },
	{ "Tegra K1", { 3, 2, 0 } },
	{ "Tegra X1", { 5, 3, 0 } },
	{ "Tegra X2", { 6, 2, 0 } },
};

/* In which way a name is taken for one of the table: the first that finds any decides. */
enum way { ALL_WORDS, HARD_WORDS, PART, HARD_PART, CHIP, N_WAYS };

/* What is looked for, and the words of all names. */
struct search {
	const struct gpu_table *table;
	const char *text;
	struct gpu_words words;
	struct gpu_words *names; /* One for each line of the table. */
};

static bool is_meant(const struct search *search, enum way way, size_t i)
{
	const struct gpu_words *name = &search->names[i];

	if (way == CHIP)
		return strcasecmp(search->text, search->table->gpus[i].chip) == 0;
	if (way == ALL_WORDS || way == HARD_WORDS)
		return gpu_words_equal(&search->words, name, way == HARD_WORDS);
	return gpu_words_within(&search->words, name, way == HARD_PART);
}

/* The GPUs meant, by capability: the first of each. */
struct meant {
	const struct gpu *gpus[CAPABILITIES_MAX];
	size_t n;
};

static void collect(const struct search *search, enum way way, struct meant *out)
{
	for (size_t i = 0; i < search->table->n; i++) {
		const struct gpu *gpu = &search->table->gpus[i];
		bool is_known = false;

		if (!is_meant(search, way, i))
			continue;
		for (size_t k = 0; k < out->n; k++)
			if (capability_compare(out->gpus[k]->capability, gpu->capability) == 0)
				is_known = true;
		if (!is_known && out->n < ARRAY_LEN(out->gpus))
			out->gpus[out->n++] = gpu;
	}
}

static void find_meant(struct search *search, struct meant *out)
{
	search->names = xcalloc(search->table->n + 1, sizeof *search->names);
	for (size_t i = 0; i < search->table->n; i++)
		gpu_words_read(search->table->gpus[i].name, &search->names[i]);
	for (enum way way = ALL_WORDS; way < N_WAYS && out->n == 0; way++)
		collect(search, way, out);
	free(search->names);
}

static bool find_alias(const struct gpu_words *words, struct capability *out)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		struct gpu_words alias;

		gpu_words_read(aliases[i].name, &alias);
		if (gpu_words_equal(words, &alias, false)) {
			*out = aliases[i].capability;
			return true;
		}
	}
	return false;
}

static int refuse_ambiguous(const char *name, const struct meant *meant, struct err *err)
{
	cleanup_str struct str list = { 0 };

	for (size_t i = 0; i < meant->n; i++) {
		const struct gpu *gpu = meant->gpus[i];
		char text[CAPABILITY_TEXT_MAX];

		capability_format(gpu->capability, text);
		str_addf(&list, "%s%s (%s, %s", i == 0 ? "" : " or ", text, gpu->name, gpu->chip);
		if (gpu->pci_id > 0)
			str_addf(&list, ", PCI id %04x", gpu->pci_id);
		str_add_char(&list, ')');
	}
	return err_set(
		err, CAPQ_EINVAL, "GPU '%.64s' may be %s; give the capability", name, list.text);
}

static int refuse_unknown(const struct gpu_table *table, const char *name, struct err *err)
{
	cleanup_free const char **names = xcalloc(table->n + 1, sizeof *names);
	struct capability ignored;
	struct err hint = { 0 };
	const char *nearest[1];

	/* "sm_86" is no name, but a capability in another spelling. */
	if (capability_parse(name, &ignored, &hint) < 0 &&
		strstr(hint.text, "write it as") != NULL) {
		if (err != NULL)
			*err = hint;
		return CAPQ_EINVAL;
	}
	for (size_t i = 0; i < table->n; i++)
		names[i] = table->gpus[i].name;
	if (str_nearest(name, names, table->n, nearest, 1) > 0)
		return err_set(err, CAPQ_ENOTFOUND,
			"no GPU '%.64s' is known; did you mean '%s'? See capq gpus", name,
			nearest[0]);
	return err_set(err, CAPQ_ENOTFOUND, "no GPU '%.64s' is known; see capq gpus", name);
}

static int take_capability(struct capability c, struct capability *out, struct err *err)
{
	const struct capability_set set = { .n = 1, .items = { c } };
	int rv = cuda_check_anywhere(&set, err);

	if (rv == 0 && c.suffix != '\0')
		rv = err_set(err, CAPQ_EINVAL,
			"%u.%u%c is a capability of code; that of a GPU is %u.%u", c.major, c.minor,
			c.suffix, c.major, c.minor);
	if (rv == 0)
		*out = c;
	return rv;
}

int gpu_find(
	const struct gpu_table *table, const char *name, struct capability *out, struct err *err)
{
	struct search search = { .table = table, .text = name };
	struct meant meant = { .n = 0 };
	struct capability c;

	if (capability_parse(name, &c, NULL) == 0)
		return take_capability(c, out, err);
	gpu_words_read(name, &search.words);
	if (find_alias(&search.words, out))
		return 0;
	find_meant(&search, &meant);
	if (meant.n == 0)
		return refuse_unknown(table, name, err);
	if (meant.n > 1)
		return refuse_ambiguous(name, &meant, err);
	*out = meant.gpus[0]->capability;
	return 0;
}

bool gpu_matches(const struct gpu *gpu, const char *pattern)
{
	cleanup_free char *copy = xstrdup(pattern);
	char *rest = copy, *word, text[CAPABILITY_TEXT_MAX];

	capability_format(gpu->capability, text);
	if (strcasecmp(gpu->chip, pattern) == 0 || strcmp(text, pattern) == 0)
		return true;
	while ((word = strsep(&rest, " ")) != NULL)
		if (strcasestr(gpu->name, word) == NULL)
			return false;
	return true;
}

/* ---- Jetsons ---- */

bool gpu_of_device_tree(const char *compatible, size_t len, struct capability *out)
{
	static const struct {
		const char *chip;
		struct capability capability;
	} tegras[] = {
		{ "nvidia,tegra124", { 3, 2, 0 } },
		{ "nvidia,tegra210", { 5, 3, 0 } },
		{ "nvidia,tegra186", { 6, 2, 0 } },
		{ "nvidia,tegra194", { 7, 2, 0 } },
		{ "nvidia,tegra234", { 8, 7, 0 } },
		{ "nvidia,tegra264", { 11, 0, 0 } },
	};

	for (size_t at = 0; at < len; at += strnlen(compatible + at, len - at) + 1) {
		for (size_t i = 0; i < ARRAY_LEN(tegras); i++) {
			size_t n = strlen(tegras[i].chip);

			if (strnlen(compatible + at, len - at) != n ||
				memcmp(compatible + at, tegras[i].chip, n) != 0)
				continue;
			*out = tegras[i].capability;
			return true;
		}
	}
	return false;
}
