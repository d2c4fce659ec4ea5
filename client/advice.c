#include "client/advice.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

/* ---- the answer ---- */

/* A set as a variant of one unit: what it declares, not what a file was seen to hold. */
struct declared {
	struct image images[SET_IMAGES_MAX];
	struct code_unit unit;
};

static void make_variants(
	const struct question *q, struct declared *declared, struct variant *variants)
{
	for (size_t i = 0; i < q->n_sets; i++) {
		declared[i].unit.images = declared[i].images;
		declared[i].unit.n = images_of_set(&q->sets[i], declared[i].images);
		variants[i] = (struct variant){ .units = &declared[i].unit,
			.n_units = 1,
			.n_capabilities = q->sets[i].n,
			.toolkit = q->toolkit };
	}
}

static struct device *make_devices(const struct question *q)
{
	struct device *devices = xcalloc(q->n_gpus, sizeof *devices);

	for (size_t i = 0; i < q->n_gpus; i++)
		devices[i] = (struct device){ q->gpus[i].capability, q->driver };
	return devices;
}

/* With several GPUs, the one that decides is named. */
static char *reason_of(const struct question *q, const struct variant *variant,
	const struct device *devices, const struct fit *fit)
{
	struct str reason = { 0 };

	if (q->n_gpus > 1)
		str_addf(&reason, "%s: ", q->gpus[fit->device].name);
	compat_add_reason(&reason, variant, devices, fit);
	return str_take(&reason);
}

static enum verdict verdict_of(enum tier best)
{
	return best <= TIER_SAME_MAJOR ? VERDICT_USE
	       : best == TIER_JIT      ? VERDICT_JIT
				       : VERDICT_NONE;
}

/* ---- what to do ---- */

/* Thor is 10.1 to CUDA 12 and 11.0 to later ones. */
static struct capability name_for(struct cuda_version toolkit, struct capability c)
{
	const struct capability old = { 10, 1, '\0' }, new = { 11, 0, '\0' };

	if (toolkit.major == 0 || cuda_supports(toolkit, c))
		return c;
	if (capability_compare(c, new) == 0 && cuda_supports(toolkit, old))
		return old;
	return capability_compare(c, old) == 0 && cuda_supports(toolkit, new) ? new : c;
}

void advice_set(const struct question *q, struct capability_set *out)
{
	*out = (struct capability_set){ 0 };
	for (size_t i = 0; i < q->n_gpus; i++)
		(void)capability_set_add(
			out, name_for(q->toolkit, q->gpus[i].capability), NULL); /* They are few. */
}

static bool is_driver_too_old(const struct question *q)
{
	return q->driver.major > 0 && q->driver.major < q->toolkit.major;
}

static void add_unsupported(struct str *out, const struct question *q, struct capability c)
{
	char text[CAPABILITY_TEXT_MAX];

	capability_format(c, text);
	str_addf(out, "CUDA %u.%u cannot build for %s (it builds for ", q->toolkit.major,
		q->toolkit.minor, text);
	cuda_add_supported(out, q->toolkit);
	str_add(out, "): take a revision or a package set with a CUDA that can.\n");
}

static bool add_build(struct str *out, const struct question *q, const char *what)
{
	struct capability_set set;
	char text[CAPABILITY_SET_TEXT_MAX];

	advice_set(q, &set);
	for (size_t i = 0; i < set.n && q->toolkit.major > 0; i++) {
		if (!cuda_supports(q->toolkit, set.items[i])) {
			add_unsupported(out, q, set.items[i]);
			return false;
		}
	}
	capability_set_format(&set, text);
	str_addf(out, "Have it built: capq submit %s --caps %s\n", what, text);
	advice_add_snippet(out, "  ", &set);
	return true;
}

bool advice_add_remedy(
	struct str *out, const struct question *q, enum verdict verdict, const char *what)
{
	bool is_to_be_built;

	if (is_driver_too_old(q)) { /* No build of that CUDA would run. */
		str_addf(out,
			"The driver speaks CUDA %u.%u, this is made by CUDA %u.%u: take a newer "
			"driver, or a build by CUDA %u.\n",
			q->driver.major, q->driver.minor, q->toolkit.major, q->toolkit.minor,
			q->driver.major);
		return false;
	}
	is_to_be_built = add_build(out, q, what);
	if (verdict == VERDICT_JIT)
		str_add(out,
			"With --allow-jit, PTX is compiled by the driver when a program starts: "
			"for a big library, minutes.\n");
	return is_to_be_built;
}

void advice_add_snippet(struct str *out, const char *indent, const struct capability_set *set)
{
	str_addf(out, "%sconfig.cudaCapabilities = [", indent);
	for (size_t i = 0; i < set->n; i++) {
		char text[CAPABILITY_TEXT_MAX];

		capability_format(set->items[i], text);
		str_addf(out, " \"%s\"", text);
	}
	str_addf(out, " ];\n%sconfig.cudaForwardCompat = %s;\n", indent,
		set->ptx ? "true" : "false");
}

/* ---- both ---- */

void advise(const struct question *q, struct advice *out)
{
	cleanup_free struct declared *declared = xcalloc(q->n_sets, sizeof *declared);
	cleanup_free struct variant *variants = xcalloc(q->n_sets, sizeof *variants);
	cleanup_free struct fit *fits = xcalloc(q->n_sets, sizeof *fits);
	cleanup_free size_t *order = xcalloc(q->n_sets, sizeof *order);
	cleanup_free struct device *devices = make_devices(q);

	*out = (struct advice){ .n_sets = q->n_sets };
	out->sets = xcalloc(q->n_sets, sizeof *out->sets);
	make_variants(q, declared, variants);
	compat_rank(variants, q->n_sets, devices, q->n_gpus, fits, order);
	for (size_t i = 0; i < q->n_sets; i++) {
		const struct fit *fit = &fits[order[i]];

		out->sets[i] = (struct ranked_set){ .set = &q->sets[order[i]],
			.tier = fit->tier,
			.reason = reason_of(q, &variants[order[i]], devices, fit) };
	}
	out->verdict = verdict_of(out->sets[0].tier);
	if (out->verdict == VERDICT_USE || (out->verdict == VERDICT_JIT && q->allow_jit))
		out->best = out->sets[0].set;
	else
		(void)advice_add_remedy(&out->remedy, q, out->verdict, "ATTR");
}

void advice_finish(struct advice *advice)
{
	for (size_t i = 0; i < advice->n_sets; i++)
		free(advice->sets[i].reason);
	free(advice->sets);
	str_free(&advice->remedy);
}

/* ---- in print ---- */

void advice_add_gpus(struct str *out, const struct question *q)
{
	for (size_t i = 0; i < q->n_gpus; i++) {
		char text[CAPABILITY_TEXT_MAX];

		capability_format(q->gpus[i].capability, text);
		str_addf(out, "%s%s (%s)", i > 0 ? ", " : "", q->gpus[i].name, text);
	}
}

static void print_verdict(
	const struct output *output, const struct question *q, const struct advice *advice)
{
	cleanup_str struct str gpus = { 0 };
	char text[CAPABILITY_SET_TEXT_MAX];

	advice_add_gpus(&gpus, q);
	output_printf("%s: ", gpus.text);
	if (advice->best != NULL) {
		capability_set_format(advice->best, text);
		output_coloured(output, GREEN, "use %s", text);
	} else {
		output_coloured(output, advice->verdict == VERDICT_JIT ? YELLOW : RED, "%s",
			advice->verdict == VERDICT_JIT ? "only by JIT, which is not allowed"
						       : "none of these runs there");
	}
	output_printf("\n");
}

void advice_print(
	const struct output *output, const struct question *q, const struct advice *advice)
{
	cleanup_str struct str snippet = { 0 };

	print_verdict(output, q, advice);
	for (size_t i = 0; i < advice->n_sets; i++) {
		char text[CAPABILITY_SET_TEXT_MAX];

		capability_set_format(advice->sets[i].set, text);
		output_printf("  [%s]: %s%s\n", text, advice->sets[i].tier == TIER_NO ? "no: " : "",
			advice->sets[i].reason);
	}
	if (advice->best != NULL)
		advice_add_snippet(&snippet, "  ", advice->best);
	output_printf("%s%s", str_text(&snippet), str_text(&advice->remedy));
}

void advice_add_gpus_json(struct json_out *json, const struct question *q)
{
	cleanup_str struct str names = { 0 }, capabilities = { 0 };

	for (size_t i = 0; i < q->n_gpus; i++) {
		char text[CAPABILITY_TEXT_MAX];

		capability_format(q->gpus[i].capability, text);
		str_addf(&names, "%s%s", i > 0 ? ", " : "", q->gpus[i].name);
		str_addf(&capabilities, "%s%s", i > 0 ? "," : "", text);
	}
	json_out_text(json, "gpu", names.text);
	json_out_text(json, "capability", capabilities.text);
	json_out_array(json, "gpus");
	for (size_t i = 0; i < q->n_gpus; i++) {
		char text[CAPABILITY_TEXT_MAX];

		capability_format(q->gpus[i].capability, text);
		json_out_object(json, NULL);
		json_out_text(json, "gpu", q->gpus[i].name);
		json_out_text(json, "capability", text);
		json_out_end_object(json);
	}
	json_out_end_array(json);
}

static void add_sets_json(struct json_out *json, const struct advice *advice)
{
	json_out_array(json, "variants");
	for (size_t i = 0; i < advice->n_sets; i++) {
		char text[CAPABILITY_SET_TEXT_MAX];

		capability_set_format(advice->sets[i].set, text);
		json_out_object(json, NULL);
		json_out_text(json, "set", text);
		json_out_text(json, "tier", tier_name(advice->sets[i].tier));
		json_out_text(json, "reason", advice->sets[i].reason);
		json_out_end_object(json);
	}
	json_out_end_array(json);
}

void advice_print_json(const struct question *q, const struct advice *advice)
{
	static const char *const verdicts[] = { "use", "jit", "none" };
	cleanup_str struct str snippet = { 0 };
	struct json_out json = { 0 };
	char best[CAPABILITY_SET_TEXT_MAX];

	json_out_object(&json, NULL);
	advice_add_gpus_json(&json, q);
	json_out_text(&json, "verdict", verdicts[advice->verdict]);
	if (advice->best != NULL) {
		capability_set_format(advice->best, best);
		advice_add_snippet(&snippet, "", advice->best);
	}
	json_out_text(&json, "best", advice->best == NULL ? NULL : best);
	add_sets_json(&json, advice);
	json_out_text(&json, "snippet", snippet.text);
	json_out_text(&json, "remedy", advice->remedy.text);
	json_out_end_object(&json);
	output_json_text(json.text.text);
	str_free(&json.text);
}
