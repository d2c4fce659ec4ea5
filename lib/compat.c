#include "lib/compat.h"

#include <string.h>

#include "lib/mem.h"

/* ---- one image, one device ---- */

enum reason {
	REASON_FITS,
	REASON_NEWER,
	REASON_OTHER_MAJOR,
	REASON_TEGRA,
	REASON_THAT_ALONE,
	REASON_FAMILY,
	REASON_PTX_NEWER,
	REASON_PTX_THAT_ALONE,
	REASON_PTX_FAMILY,
	REASON_DRIVER_MAJOR,
	REASON_DRIVER_PTX,
};

/* A family shares what its `f` code uses. NVIDIA names three; 10.1 is the old number of 11.0, and
 * whether their `f` code is the same is not known: each is taken for a family of its own. */
static const struct {
	unsigned char major, minor, family;
} families[] = { { 10, 0, 1 }, { 10, 3, 1 }, { 11, 0, 2 }, { 12, 0, 3 }, { 12, 1, 3 } };

static int family_of(struct capability c)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (families[i].major == c.major && families[i].minor == c.minor)
			return families[i].family;
	return -(c.major * 10 + c.minor);
}

static bool is_same(struct capability a, struct capability b)
{
	return a.major == b.major && a.minor == b.minor;
}

static bool is_thor(struct capability c)
{
	return (c.major == 10 && c.minor == 1) || (c.major == 11 && c.minor == 0);
}

static bool is_in_family(struct capability code, struct capability device)
{
	return family_of(code) == family_of(device) && device.minor >= code.minor;
}

static enum reason judge_sass(struct capability code, struct capability device)
{
	if (code.suffix == 'a')
		return is_same(code, device) ? REASON_FITS : REASON_THAT_ALONE;
	if (code.suffix == 'f')
		return is_in_family(code, device) ? REASON_FITS : REASON_FAMILY;
	if (capability_is_tegra(code) || capability_is_tegra(device))
		return is_same(code, device) || (is_thor(code) && is_thor(device)) ? REASON_FITS
										   : REASON_TEGRA;
	if (code.major != device.major)
		return REASON_OTHER_MAJOR;
	return code.minor <= device.minor ? REASON_FITS : REASON_NEWER;
}

static enum reason judge_ptx(struct capability code, struct capability device)
{
	if (code.suffix == 'a')
		return is_same(code, device) ? REASON_FITS : REASON_PTX_THAT_ALONE;
	if (code.suffix == 'f')
		return is_in_family(code, device) ? REASON_FITS : REASON_PTX_FAMILY;
	return capability_compare(code, device) <= 0 ? REASON_FITS : REASON_PTX_NEWER;
}

/* What the driver may still refuse although the GPU would do. */
static enum reason judge_driver(
	enum code_kind kind, struct cuda_version driver, struct cuda_version toolkit)
{
	if (driver.major == 0 || toolkit.major == 0)
		return REASON_FITS;
	if (kind == CODE_SASS)
		return driver.major < toolkit.major ? REASON_DRIVER_MAJOR : REASON_FITS;
	return cuda_version_compare(driver, toolkit) < 0 ? REASON_DRIVER_PTX : REASON_FITS;
}

static enum reason judge_image(
	struct image image, const struct device *device, struct cuda_version toolkit)
{
	enum reason reason = image.kind == CODE_SASS
				     ? judge_sass(image.capability, device->capability)
				     : judge_ptx(image.capability, device->capability);

	return reason != REASON_FITS ? reason : judge_driver(image.kind, device->driver, toolkit);
}

static int rank_of_suffix(char suffix)
{
	return suffix == '\0' ? 0 : suffix == 'a' ? 1 : 2;
}

/* How an image that runs there fits. */
static struct fit fit_of(struct image image, struct capability device)
{
	struct capability c = image.capability;
	int below = (device.major * 10 + device.minor) - (c.major * 10 + c.minor);
	struct fit fit = { .image = image };

	if (image.kind == CODE_PTX)
		fit.tier = TIER_JIT;
	else if (is_same(c, device) || is_thor(device)) /* To Thor, both its names are exact. */
		fit.tier = TIER_EXACT;
	else
		fit.tier = TIER_SAME_MAJOR;
	if (fit.tier == TIER_EXACT)
		below = is_same(c, device) ? 0 : 1;
	fit.distance = below * 3 + rank_of_suffix(c.suffix);
	return fit;
}

static bool is_better(const struct fit *a, const struct fit *b)
{
	return a->tier != b->tier ? a->tier < b->tier : a->distance < b->distance;
}

/* ---- units, devices, variants ---- */

static struct fit best_of_unit(
	const struct code_unit *unit, const struct device *device, struct cuda_version toolkit)
{
	struct fit best = { .tier = TIER_NO };

	for (size_t i = 0; i < unit->n; i++) {
		struct fit fit;

		if (judge_image(unit->images[i], device, toolkit) != REASON_FITS)
			continue;
		fit = fit_of(unit->images[i], device->capability);
		if (is_better(&fit, &best))
			best = fit;
	}
	return best;
}

void compat_judge(const struct variant *variant, const struct device *devices, size_t n_devices,
	struct fit *out)
{
	struct fit worst = { .tier = TIER_NO };
	bool is_first = true;

	for (size_t d = 0; d < n_devices; d++) {
		for (size_t u = 0; u < variant->n_units; u++) {
			struct fit fit =
				best_of_unit(&variant->units[u], &devices[d], variant->toolkit);

			fit.unit = u;
			fit.device = d;
			if (is_first || is_better(&worst, &fit))
				worst = fit;
			is_first = false;
		}
	}
	*out = worst;
}

struct ranked {
	const struct fit *fit;
	size_t n_capabilities, index;
};

static int compare_ranked(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (is_better(a->fit, b->fit))
		return -1;
	if (is_better(b->fit, a->fit))
		return 1;
	if (a->n_capabilities != b->n_capabilities)
		return a->n_capabilities < b->n_capabilities ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

void compat_rank(const struct variant *variants, size_t n, const struct device *devices,
	size_t n_devices, struct fit *fits, size_t *order)
{
	cleanup_free struct ranked *ranked = xcalloc(n, sizeof *ranked);

	for (size_t i = 0; i < n; i++) {
		compat_judge(&variants[i], devices, n_devices, &fits[i]);
		ranked[i] = (struct ranked){ &fits[i], variants[i].n_capabilities, i };
	}
	array_sort(ranked, n, sizeof *ranked, compare_ranked);
	for (size_t i = 0; i < n; i++)
		order[i] = ranked[i].index;
}

size_t images_of_set(const struct capability_set *set, struct image out[SET_IMAGES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		out[n++] = (struct image){ CODE_SASS, set->items[i] };
	if (set->ptx && set->n > 0)
		out[n++] = (struct image){ CODE_PTX, set->items[set->n - 1] };
	return n;
}

bool compat_closest(const struct capability_set *supported, struct capability device,
	bool allow_jit, struct capability *out, bool *is_jit)
{
	const struct device alone = { .capability = device };
	struct image images[2 * CAPABILITIES_MAX];
	struct code_unit unit = { .images = images };
	struct fit best;

	for (size_t i = 0; i < supported->n; i++) {
		images[unit.n++] = (struct image){ CODE_SASS, supported->items[i] };
		if (allow_jit)
			images[unit.n++] = (struct image){ CODE_PTX, supported->items[i] };
	}
	best = best_of_unit(&unit, &alone, (struct cuda_version){ 0 });
	if (best.tier == TIER_NO)
		return false;
	*out = best.image.capability;
	*is_jit = best.tier == TIER_JIT;
	return true;
}

/* ---- words ---- */

const char *tier_name(enum tier tier)
{
	static const char *const names[] = { "exact", "same-major", "jit", "no" };

	return names[tier];
}

void image_add_name(struct str *out, struct image image)
{
	str_addf(out, "%s%u", image.kind == CODE_SASS ? "sm_" : "compute_",
		image.capability.major * 10u + image.capability.minor);
	if (image.capability.suffix != '\0')
		str_add_char(out, image.capability.suffix);
}

static void add_refusal(struct str *out, struct image image, enum reason reason,
	struct cuda_version toolkit, struct cuda_version driver)
{
	cleanup_str struct str name = { 0 };

	image_add_name(&name, image);
	switch (reason) {
	case REASON_FITS:
		return;
	case REASON_NEWER:
		str_addf(out, "%s is newer than the device", name.text);
		return;
	case REASON_OTHER_MAJOR:
		str_addf(out, "%s is another major version", name.text);
		return;
	case REASON_TEGRA:
		str_addf(out, "%s: no binary compatibility between Tegra and other devices",
			name.text);
		return;
	case REASON_THAT_ALONE:
		str_addf(out, "%s runs on %u.%u only", name.text, image.capability.major,
			image.capability.minor);
		return;
	case REASON_FAMILY:
		str_addf(out, "%s runs in its family at equal or higher minor only", name.text);
		return;
	case REASON_PTX_NEWER:
		str_addf(out, "PTX %s is newer than the device", name.text);
		return;
	case REASON_PTX_THAT_ALONE:
		str_addf(out, "PTX %s is not forward compatible", name.text);
		return;
	case REASON_PTX_FAMILY:
		str_addf(out, "PTX %s stays in its family", name.text);
		return;
	case REASON_DRIVER_MAJOR:
		str_add(out, "driver is of an older CUDA major version");
		return;
	case REASON_DRIVER_PTX:
		str_addf(out, "PTX made by CUDA %u.%u is too new for a driver of CUDA %u.%u",
			toolkit.major, toolkit.minor, driver.major, driver.minor);
		return;
	}
}

/* Another unit than the one that does not fit has code that would. */
static bool fits_elsewhere(const struct variant *variant, const struct device *device)
{
	for (size_t u = 0; u < variant->n_units; u++)
		if (best_of_unit(&variant->units[u], device, variant->toolkit).tier != TIER_NO)
			return true;
	return false;
}

/* Why no image of the unit fits, each reason once. */
static void add_refusals(struct str *out, const struct code_unit *unit, const struct device *device,
	struct cuda_version toolkit)
{
	for (size_t i = 0; i < unit->n; i++) {
		cleanup_str struct str reason = { 0 };

		add_refusal(&reason, unit->images[i], judge_image(unit->images[i], device, toolkit),
			toolkit, device->driver);
		if (strstr(str_text(out), str_text(&reason)) != NULL)
			continue;
		if (out->len > 0)
			str_add(out, "; ");
		str_add(out, reason.text);
	}
}

void compat_add_reason(struct str *out, const struct variant *variant, const struct device *devices,
	const struct fit *fit)
{
	static const char *const words[] = {
		[TIER_EXACT] = "exact SASS ",
		[TIER_SAME_MAJOR] = "same-major SASS ",
		[TIER_JIT] = "PTX JIT from ",
	};
	const struct device *device = &devices[fit->device];
	cleanup_str struct str refusals = { 0 };

	if (fit->tier != TIER_NO) {
		str_add(out, words[fit->tier]);
		image_add_name(out, fit->image);
		return;
	}
	if (variant->n_units == 0) {
		str_add(out, "there is no GPU code");
		return;
	}
	if (fits_elsewhere(variant, device))
		str_addf(&refusals, "what %u.%u needs is present only in some units",
			device->capability.major, device->capability.minor);
	add_refusals(&refusals, &variant->units[fit->unit], device, variant->toolkit);
	str_add(out, str_text(&refusals));
}
