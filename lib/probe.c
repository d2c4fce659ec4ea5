#include "lib/probe.h"

#include <string.h>

#include "lib/mem.h"

/* ---- the era ---- */

/* An attribute, and the era that is at least as new when it is there. evaluate.nix looks for these;
 * what is in quotes behind a dot belongs to cudaPackages. The oldest nixpkgs had a cudatoolkit and
 * no cudaPackages; both E0 and later ones have cudaPackages. */
static const struct {
	const char *attr;
	enum nixpkgs_era era;
} signs[] = {
	{ "_cuda", ERA_CUDA_DB },                     /* Also cudaPackages._cuda. */
	{ "supportedCudaCapabilities", ERA_CUDA_DB }, /* .backendStdenv */
	{ "isJetsonBuild", ERA_CUDA_MODULES },        /* .flags, .cudaFlags */
	{ "gencodeString", ERA_CUDA_MODULES },
	{ "cudaRealCapabilities", ERA_CUDA_FLAGS }, /* E1 alone tells real from "+PTX". */
	{ "flags", ERA_GPUS_TABLE },
	{ "cudaFlags", ERA_GPUS_TABLE },
	{ "cudaPackages", ERA_PER_PACKAGE },
	{ "cudatoolkit", ERA_PER_PACKAGE },
};

static bool has_attr(const struct json *attrs, const char *attr)
{
	for (const struct json *v = json_first(attrs); v != NULL; v = json_next(v))
		if (json_text(v) != NULL && strcmp(json_text(v), attr) == 0)
			return true;
	return false;
}

static void find_era(const struct json *attrs, struct probe *out)
{
	for (size_t i = 0; i < ARRAY_LEN(signs) && !out->has_cuda; i++) {
		out->has_cuda = has_attr(attrs, signs[i].attr);
		out->era = signs[i].era;
	}
}

/* ---- reading ---- */

/* The sets of E1 have "8.6+PTX" as an element. False: some element is none. */
static bool read_item(const char *text, struct capability_set *set)
{
	const char *plus = text == NULL ? NULL : strchr(text, '+');
	struct capability item;
	char digits[CAPABILITY_TEXT_MAX] = "";

	if (text == NULL || strcspn(text, "+") >= sizeof digits)
		return false;
	memcpy(digits, text, strcspn(text, "+"));
	if (plus != NULL && strcmp(plus, "+PTX") != 0)
		return false;
	set->ptx |= plus != NULL;
	return capability_parse(digits, &item, NULL) == 0 &&
	       capability_set_add(set, item, NULL) == 0;
}

bool capability_list_from_json(const struct json *list, struct capability_set *out)
{
	struct capability_set set = { 0 };

	if (json_kind(list) != JSON_ARRAY)
		return false;
	for (const struct json *v = json_first(list); v != NULL; v = json_next(v))
		if (!read_item(json_text(v), &set))
			return false;
	*out = set;
	return true;
}

void probe_from_json(const struct json *report, struct probe *out)
{
	const char *cuda = json_text(json_get(report, "cuda"));
	bool ptx;

	*out = (struct probe){ 0 };
	find_era(json_get(report, "attrs"), out);
	if (!out->has_cuda)
		return;
	if (cuda != NULL)
		(void)cuda_version_parse(cuda, &out->cuda, NULL);
	(void)capability_list_from_json(json_get(report, "supported"), &out->supported);
	out->supported.ptx = false;
	(void)capability_list_from_json(json_get(report, "default"), &out->by_default);
	if (json_bool(json_get(report, "ptx"), &ptx))
		out->by_default.ptx = ptx;
	else if (out->era != ERA_CUDA_FLAGS) /* Which says it in the elements. */
		out->by_default.ptx = true;  /* The default of cudaForwardCompat. */
}

/* ---- what follows ---- */

int probe_check(const struct probe *probe, const struct capability_set *set, const char *system,
	struct err *err)
{
	const struct cuda_target target = {
		.era = probe->era,
		.cuda = probe->cuda,
		.system = system,
		.supported = probe->supported.n > 0 ? &probe->supported : NULL,
	};

	return probe->has_cuda ? cuda_check_set(set, &target, err) : 0;
}

int probe_default(const struct probe *probe, struct capability_set *out, struct err *err)
{
	if (!probe->has_cuda)
		return err_set(err, CAPQ_EINVAL,
			"this revision has no cudaPackages, and so no default set; name one");
	if (probe->era == ERA_PER_PACKAGE)
		return err_set(err, CAPQ_EINVAL, "nixpkgs of that time (%s) has no default set: %s",
			era_name(probe->era), era_text(probe->era));
	if (probe->by_default.n == 0)
		return err_set(err, CAPQ_EINVAL,
			"this revision does not say what its default set is; name one");
	*out = probe->by_default;
	return 0;
}
