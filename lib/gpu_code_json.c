#include "lib/gpu_code_json.h"

#include <ctype.h>
#include <string.h>

#include "lib/gpu_unit.h"
#include "lib/mem.h"

#define UNITS_OF_KIND_MAX (1 << 20)

/* ---- out ---- */

static void names_to_json(struct json_out *out, const char *name, const char *prefix,
	const struct gpu_code *code, uint64_t set)
{
	struct gpu_arch archs[GPU_ARCHS_MAX];
	size_t n = gpu_code_list(code, set, archs);

	json_out_array(out, name);
	for (size_t i = 0; i < n; i++) {
		cleanup_str struct str text = { 0 };

		gpu_arch_add_name(&text, prefix, archs[i]);
		json_out_text(out, NULL, text.text);
	}
	json_out_end_array(out);
}

void gpu_code_members_to_json(const struct gpu_code *code, struct json_out *out)
{
	names_to_json(out, "sass", "sm_", code, code->any.sass);
	names_to_json(out, "ptx", "compute_", code, code->any.ptx);
	names_to_json(out, "lto", "lto_", code, code->any.lto);
	json_out_int(out, "units", (int64_t)code->n_units);
	names_to_json(out, "sass_in_all", "sm_", code, gpu_code_sass_in_all(code));
	names_to_json(out, "ptx_in_all", "compute_", code, gpu_code_ptx_in_all(code));
	names_to_json(out, "stub_only", "sm_", code, gpu_code_stub_only(code));
}

/* The same code with its architectures in ascending order, so that bits can be compared. */
static uint64_t in_order(const struct gpu_code *code, const struct gpu_code *sorted, uint64_t set)
{
	uint64_t result = 0;

	for (size_t i = 0; i < code->n_archs; i++)
		for (size_t k = 0; (set >> i & 1) != 0 && k < sorted->n_archs; k++)
			if (code->archs[i].number == sorted->archs[k].number &&
				code->archs[i].suffix == sorted->archs[k].suffix)
				result |= UINT64_C(1) << k;
	return result;
}

static int compare_sets(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_units(const void *left, const void *right)
{
	const struct gpu_unit *a = left, *b = right;
	int order = compare_sets(a->sass, b->sass);

	if (order == 0)
		order = compare_sets(a->ptx, b->ptx);
	return order != 0 ? order : compare_sets(a->lto, b->lto);
}

/* The units of `code`, alike ones beside each other. The caller frees; `sorted` names their bits.
 */
static struct gpu_unit *sort_units(const struct gpu_code *code, struct gpu_code *sorted)
{
	struct gpu_unit *units = xcalloc(code->n_units, sizeof *units);

	*sorted = (struct gpu_code){ .n_archs = code->n_archs };
	(void)gpu_code_list(code, UINT64_MAX, sorted->archs);
	for (size_t i = 0; i < code->n_units; i++) {
		units[i].sass = in_order(code, sorted, code->units[i].sass);
		units[i].ptx = in_order(code, sorted, code->units[i].ptx);
		units[i].lto = in_order(code, sorted, code->units[i].lto);
	}
	array_sort(units, code->n_units, sizeof *units, compare_units);
	return units;
}

static void kind_to_json(
	const struct gpu_code *code, const struct gpu_unit *unit, size_t n, struct json_out *out)
{
	json_out_object(out, NULL);
	json_out_int(out, "units", (int64_t)n);
	names_to_json(out, "sass", "sm_", code, unit->sass);
	names_to_json(out, "ptx", "compute_", code, unit->ptx);
	names_to_json(out, "lto", "lto_", code, unit->lto);
	json_out_end_object(out);
}

void gpu_kinds_to_json(const struct gpu_code *code, struct json_out *out, const char *name)
{
	struct gpu_code sorted;
	cleanup_free struct gpu_unit *units = sort_units(code, &sorted);

	json_out_array(out, name);
	for (size_t i = 0, next; i < code->n_units; i = next) {
		for (next = i + 1; next < code->n_units; next++)
			if (compare_units(&units[i], &units[next]) != 0)
				break;
		kind_to_json(&sorted, &units[i], next - i, out);
	}
	json_out_end_array(out);
}

/* ---- in ---- */

/* "90a" behind the prefix. */
static bool arch_from_text(const char *text, const char *prefix, struct gpu_arch *out)
{
	size_t digits = 0;

	if (text == NULL || !str_starts(text, prefix))
		return false;
	text += strlen(prefix);
	*out = (struct gpu_arch){ 0 };
	for (; isdigit((unsigned char)text[digits]) && digits < 4; digits++)
		out->number = out->number * 10 + (unsigned)(text[digits] - '0');
	text += digits;
	if (*text == 'a' || *text == 'f')
		out->suffix = *text++;
	return digits > 0 && *text == '\0';
}

static int names_from_json(const struct json *names, const char *prefix, struct gpu_code *code,
	uint64_t *out, struct err *err)
{
	if (json_kind(names) != JSON_ARRAY)
		return err_set(err, CAPQ_EINVAL, "a kind of units without names '%s'", prefix);
	for (const struct json *v = json_first(names); v != NULL; v = json_next(v)) {
		struct gpu_arch arch;
		uint64_t bit = 0;

		if (!arch_from_text(json_text(v), prefix, &arch))
			return err_set(
				err, CAPQ_EINVAL, "a name that does not begin with '%s'", prefix);
		if (gpu_arch_bit(code, arch, &bit, err) < 0)
			return CAPQ_ETOOBIG;
		*out |= bit;
	}
	return 0;
}

static int kind_from_json(const struct json *kind, struct gpu_code *code, struct err *err)
{
	struct gpu_unit unit = { 0 };
	int64_t n = 0;
	int rv;

	if (!json_int(json_get(kind, "units"), &n) || n < 1 || n > UNITS_OF_KIND_MAX)
		return err_set(err, CAPQ_EINVAL, "a kind without its number of units");
	rv = names_from_json(json_get(kind, "sass"), "sm_", code, &unit.sass, err);
	if (rv == 0)
		rv = names_from_json(json_get(kind, "ptx"), "compute_", code, &unit.ptx, err);
	if (rv == 0)
		rv = names_from_json(json_get(kind, "lto"), "lto_", code, &unit.lto, err);
	while (rv == 0 && n-- > 0)
		rv = gpu_unit_add(code, &unit, err);
	return rv;
}

int gpu_kinds_from_json(const struct json *kinds, struct gpu_code *code, struct err *err)
{
	int rv = 0;

	if (json_kind(kinds) != JSON_ARRAY)
		return err_set(err, CAPQ_EINVAL, "kinds of units are no array");
	for (const struct json *v = json_first(kinds); v != NULL && rv == 0; v = json_next(v))
		rv = kind_from_json(v, code, err);
	return rv;
}
