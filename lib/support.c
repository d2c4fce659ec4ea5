#include "lib/support.h"

#include <string.h>

#include "lib/compat.h"
#include "lib/mem.h"

static const char *const policies[UNSUPPORTED_POLICIES] = {
	[UNSUPPORTED_FAIL] = "fail",
	[UNSUPPORTED_SKIP] = "skip",
	[UNSUPPORTED_CLOSEST] = "closest",
};

const char *unsupported_name(enum unsupported policy)
{
	return policies[policy];
}

bool unsupported_from_name(const char *name, enum unsupported *out)
{
	for (int i = 0; name != NULL && i < UNSUPPORTED_POLICIES; i++) {
		if (strcmp(policies[i], name) == 0) {
			*out = (enum unsupported)i;
			return true;
		}
	}
	return false;
}

static void add_set(struct str *out, const struct capability_set *set)
{
	struct capability_set plain = *set;
	char text[CAPABILITY_SET_TEXT_MAX];

	plain.ptx = false;
	capability_set_format(&plain, text);
	str_add(out, set->n == 0 ? "none" : text);
}

/* "the package supports 7.5,8.6, not 8.0" */
static void add_facts(struct str *out, const struct capability_set *supported,
	const struct capability_set *missing)
{
	str_add(out, "the package supports ");
	add_set(out, supported);
	str_add(out, ", not ");
	add_set(out, missing);
}

/* GPUs of this capability run what is built. */
static bool runs(const struct capability_set *built, struct capability item)
{
	struct image images[SET_IMAGES_MAX];
	const struct code_unit unit = { images, images_of_set(built, images) };
	const struct variant variant = { .units = &unit, .n_units = 1 };
	const struct device device = { .capability = { item.major, item.minor, '\0' } };
	struct fit fit;

	compat_judge(&variant, &device, 1, &fit);
	return fit.tier != TIER_NO;
}

static enum support_verdict choose_closest(const struct capability_set *missing,
	const struct capability_set *supported, struct capability_set *built, struct str *why)
{
	for (size_t i = 0; i < missing->n; i++) {
		struct capability item = missing->items[i], closest;
		bool is_jit;

		item.suffix = '\0';
		if (compat_closest(supported, item, built->ptx, &closest, &is_jit))
			(void)capability_set_add(built, closest, NULL);
	}
	for (size_t i = 0; i < missing->n; i++) {
		char text[CAPABILITY_TEXT_MAX];

		if (built->n > 0 && runs(built, missing->items[i]))
			continue;
		capability_format(missing->items[i], text);
		add_facts(why, supported, missing);
		str_addf(why, ", and none of these runs on %s", text);
		return SUPPORT_REFUSED;
	}
	return SUPPORT_OTHER;
}

static void add_built(struct str *why, const struct capability_set *built,
	const struct capability_set *supported, const struct capability_set *missing)
{
	cleanup_free char *text = capability_set_text(built);

	str_addf(why, "built for %s: ", text);
	add_facts(why, supported, missing);
}

enum support_verdict support_choose(const struct capability_set *asked,
	const struct capability_set *supported, enum unsupported policy,
	struct capability_set *built, struct str *why)
{
	struct capability_set missing = { 0 };
	enum support_verdict verdict = SUPPORT_OTHER;

	*built = (struct capability_set){ .ptx = asked->ptx };
	for (size_t i = 0; i < asked->n; i++)
		(void)capability_set_add(
			capability_set_has(supported, asked->items[i]) ? built : &missing,
			asked->items[i], NULL);
	if (missing.n == 0)
		return SUPPORT_ALL;
	if (policy == UNSUPPORTED_CLOSEST)
		verdict = choose_closest(&missing, supported, built, why);
	else if (policy == UNSUPPORTED_FAIL)
		verdict = SUPPORT_REFUSED;
	else if (built->n == 0)
		verdict = SUPPORT_SKIPPED;
	if (verdict == SUPPORT_OTHER)
		add_built(why, built, supported, &missing);
	else if (why->len == 0)
		add_facts(why, supported, &missing);
	return verdict;
}
