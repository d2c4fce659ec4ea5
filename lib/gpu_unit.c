#include "lib/gpu_unit.h"

#include <stdlib.h>

#include "lib/fatbin.h"
#include "lib/mem.h"

#define UNITS_MAX 4000000 /* The largest library of NVIDIA has 24,000. */

int gpu_arch_bit(struct gpu_code *code, struct gpu_arch arch, uint64_t *out, struct err *err)
{
	size_t i = 0;

	while (i < code->n_archs &&
		(code->archs[i].number != arch.number || code->archs[i].suffix != arch.suffix))
		i++;
	if (i == GPU_ARCHS_MAX)
		return err_set(
			err, CAPQ_ETOOBIG, "there are more than %d architectures", GPU_ARCHS_MAX);
	if (i == code->n_archs)
		code->archs[code->n_archs++] = arch;
	*out = UINT64_C(1) << i;
	return 0;
}

static int add_entry(struct gpu_code *code, const struct fatbin_entry *entry, struct gpu_unit *out,
	struct err *err)
{
	const struct gpu_arch arch = { entry->arch, entry->suffix };
	uint64_t *where = entry->kind == FATBIN_PTX                 ? &out->ptx
			  : entry->kind == FATBIN_LTO               ? &out->lto
			  : fatbin_has_code(entry, &code->inflater) ? &out->sass
								    : &out->stubs;
	uint64_t bit = 0;
	int rv = gpu_arch_bit(code, arch, &bit, err);

	if (rv == 0)
		*where |= bit;
	return rv;
}

static bool is_known(const struct fatbin_entry *entry)
{
	return entry->kind == FATBIN_PTX || entry->kind == FATBIN_ELF || entry->kind == FATBIN_LTO;
}

int gpu_unit_read(struct gpu_code *code, struct bytes bytes, struct gpu_unit *out,
	uint64_t *out_size, struct err *err)
{
	struct gpu_unit unit = { 0 };
	struct fatbin_entry entry;
	struct bytes entries;
	uint64_t at = 0;
	int rv = fatbin_open(bytes, &entries, out_size, err);

	if (rv < 0)
		return rv;
	while ((rv = fatbin_next(entries, &at, &entry, err)) > 0) {
		if (is_known(&entry))
			rv = add_entry(code, &entry, &unit, err);
		if (rv < 0)
			return rv;
	}
	if (rv == 0)
		*out = unit;
	return rv;
}

bool gpu_unit_is_there(struct bytes bytes)
{
	struct fatbin_entry entry;
	struct bytes entries;
	uint64_t at = 0, size;
	bool any = false;
	int rv = fatbin_open(bytes, &entries, &size, NULL);

	if (rv < 0)
		return false;
	while ((rv = fatbin_next(entries, &at, &entry, NULL)) > 0)
		any = any || is_known(&entry);
	return rv == 0 && any;
}

bool gpu_unit_is_relocatable(struct bytes bytes, struct inflater *inflater)
{
	struct fatbin_entry entry;
	struct bytes entries;
	uint64_t at = 0, size;
	bool any = false;

	if (fatbin_open(bytes, &entries, &size, NULL) < 0)
		return false;
	while (fatbin_next(entries, &at, &entry, NULL) > 0) {
		if (entry.kind != FATBIN_ELF)
			continue;
		if (!fatbin_is_relocatable(&entry, inflater))
			return false;
		any = true;
	}
	return any;
}

bool gpu_unit_is_stub(const struct gpu_unit *unit)
{
	return unit->sass == 0 && unit->lto == 0 && (unit->stubs != 0 || unit->ptx == 0);
}

int gpu_unit_add(struct gpu_code *code, const struct gpu_unit *unit, struct err *err)
{
	code->any.sass |= unit->sass;
	code->any.ptx |= unit->ptx;
	code->any.lto |= unit->lto;
	code->any.stubs |= unit->stubs;
	if (gpu_unit_is_stub(unit))
		return 0;
	if (code->n_units == UNITS_MAX)
		return err_set(err, CAPQ_ETOOBIG, "there are more than %d units", UNITS_MAX);
	array_reserve(&code->units, &code->capacity, code->n_units + 1, sizeof *code->units);
	code->units[code->n_units++] = *unit;
	return 0;
}
