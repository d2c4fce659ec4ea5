#include "lib/gpu_verify.h"

/* The set of `code` that stands for `c` alone; empty: it does not occur. */
static uint64_t bit_of(const struct gpu_code *code, struct capability c)
{
	for (size_t i = 0; i < code->n_archs; i++)
		if (code->archs[i].number == c.major * 10u + c.minor &&
			code->archs[i].suffix == c.suffix)
			return UINT64_C(1) << i;
	return 0;
}

static size_t count_units(const struct gpu_code *code, uint64_t bit, bool is_ptx)
{
	size_t n = 0;

	for (size_t i = 0; i < code->n_units; i++)
		if ((is_ptx ? code->units[i].ptx : code->units[i].sass) & bit)
			n++;
	return n;
}

static void check(
	const struct gpu_code *code, struct capability c, bool is_ptx, struct str *out_lacks)
{
	const struct gpu_arch arch = { c.major * 10u + c.minor, c.suffix };
	size_t n = count_units(code, bit_of(code, c), is_ptx);

	if (n == code->n_units)
		return;
	if (out_lacks->len > 0)
		str_add(out_lacks, ", ");
	gpu_arch_add_name(out_lacks, is_ptx ? "compute_" : "sm_", arch);
	if (n > 0)
		str_addf(out_lacks, " (in %zu of %zu units)", n, code->n_units);
}

bool gpu_verify(
	const struct gpu_code *code, const struct capability_set *asked, struct str *out_lacks)
{
	cleanup_str struct str lacks = { 0 };

	for (size_t i = 0; i < asked->n; i++)
		check(code, asked->items[i], false, &lacks);
	if (asked->ptx)
		check(code, asked->items[asked->n - 1], true, &lacks);
	str_add(out_lacks, str_text(&lacks));
	return lacks.len == 0;
}
