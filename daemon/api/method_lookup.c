/* GET /lookup: which of the variants that are there is the right one for some GPUs. */
#include <stdlib.h>
#include <string.h>

#include "daemon/api/filter.h"
#include "daemon/api/method.h"
#include "daemon/pipeline/lookup.h"
#include "daemon/pipeline/revision.h"
#include "lib/attr_path.h"
#include "lib/gpu.h"
#include "lib/job_json.h"
#include "lib/mem.h"
#include "lib/rev_name.h"

#define GPUS_MAX 64

/* The request as it was read; `spec` points into the rest. */
struct asked {
	struct lookup_spec spec;
	const char *attrs[LOOKUP_ATTRS_MAX];
	char canonical[LOOKUP_ATTRS_MAX][2 * ATTR_PATH_TEXT_MAX];
	struct device devices[GPUS_MAX];
	char *gpus[GPUS_MAX]; /* As they were called. */
	char *rev_from;
};

static void asked_finish(struct asked *asked)
{
	for (size_t i = 0; i < asked->spec.n_devices; i++)
		free(asked->gpus[i]);
	free(asked->rev_from);
	free(asked);
}

/* ---- what is asked ---- */

/* Call `take` for each of the words, which are separated by commas. */
static int each_word(struct request *r, const char *name, size_t max,
	int (*take)(struct asked *asked, const char *word, struct err *err), struct asked *asked,
	struct err *err)
{
	const char *text = request_query(r, name);
	cleanup_free char *copy = xstrdup(text == NULL ? "" : text);
	char *rest = copy, *word;
	size_t n = 0;
	int rv = 0;

	if (copy[0] == '\0')
		return err_set(err, CAPQ_EINVAL, "'%s' is missing", name);
	while (rv == 0 && (word = strsep(&rest, ",")) != NULL) {
		if (n++ == max)
			return err_set(err, CAPQ_EINVAL, "'%s' names more than %zu", name, max);
		rv = take(asked, word, err);
	}
	return rv;
}

static int take_attr(struct asked *asked, const char *word, struct err *err)
{
	struct attr_path path;
	size_t i = asked->spec.n_attrs;
	int rv = attr_path_parse(word, &path, err);

	if (rv < 0)
		return rv;
	attr_path_format(&path, asked->canonical[i]);
	for (size_t k = 0; k < i; k++)
		if (strcmp(asked->canonical[k], asked->canonical[i]) == 0)
			return 0;
	asked->attrs[i] = asked->canonical[i];
	asked->spec.n_attrs++;
	return 0;
}

static int take_gpu(struct asked *asked, const char *word, struct err *err)
{
	struct gpu_table table;
	struct device *device = &asked->devices[asked->spec.n_devices];
	int rv;

	gpu_table_load(&table);
	rv = gpu_find(&table, word, &device->capability, err);
	gpu_table_finish(&table);
	if (rv == 0)
		asked->gpus[asked->spec.n_devices++] = xstrdup(word);
	return rv;
}

static int read_versions(struct request *r, struct asked *asked, struct err *err)
{
	const char *driver = request_query(r, "driver"), *toolkit = request_query(r, "toolkit");
	struct cuda_version version = { 0 };
	int rv = driver == NULL ? 0 : cuda_driver_parse(driver, &version, err);

	for (size_t i = 0; i < asked->spec.n_devices; i++)
		asked->devices[i].driver = version;
	if (rv == 0 && toolkit != NULL)
		rv = cuda_version_parse(toolkit, &asked->spec.toolkit, err);
	return rv;
}

static int read_flag(struct request *r, const char *name, bool *out, struct err *err)
{
	const char *text = request_query(r, name);

	if (text != NULL && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return err_set(err, CAPQ_EINVAL, "'%s' must be true or false", name);
	*out = text != NULL && text[0] == 't';
	return 0;
}

/* A configured branch is where it points to now. */
static int read_rev(struct request *r, struct asked *asked, struct err *err)
{
	const char *rev = request_query(r, "rev"), *branch = request_query(r, "branch");
	const char *tip = NULL;

	if (rev != NULL && branch != NULL)
		return err_set(err, CAPQ_EINVAL, "'rev' and 'branch' exclude each other");
	if (branch != NULL)
		asked->rev_from = str_format("branch %s", branch);
	asked->spec.rev_from = asked->rev_from;
	if (rev == NULL)
		return 0;
	tip = revision_of_branch(pipeline_revisions(request_pipeline(r)), rev);
	if (tip == NULL && strlen(rev) < 4)
		return err_set(err, CAPQ_EINVAL,
			"'rev' must be a configured branch, or 4 digits or more of a revision's "
			"hash");
	asked->spec.rev = tip != NULL ? tip : rev;
	return 0;
}

static int read_asked(struct request *r, struct asked *asked, struct err *err)
{
	const struct settings *settings = pipeline_settings(request_pipeline(r));
	struct lookup_spec *spec = &asked->spec;
	int rv = each_word(r, "attr", LOOKUP_ATTRS_MAX, take_attr, asked, err);

	spec->attrs = asked->attrs;
	spec->devices = asked->devices;
	spec->flavour = request_query(r, "flavour");
	spec->system = request_query(r, "system");
	if (spec->flavour == NULL)
		spec->flavour = "default";
	if (spec->system == NULL)
		spec->system = settings->systems.items[0];
	if (rv == 0)
		rv = each_word(r, "gpu", GPUS_MAX, take_gpu, asked, err);
	if (rv == 0)
		rv = read_versions(r, asked, err);
	if (rv == 0)
		rv = read_flag(r, "allow_jit", &spec->allow_jit, err);
	if (rv == 0)
		rv = read_flag(r, "newest", &spec->newest, err);
	return rv < 0 ? rv : read_rev(r, asked, err);
}

/* ---- the answer ---- */

static void variant_to_json(const struct asked *asked, const struct lookup_variant *v,
	bool is_to_come, struct json_out *out)
{
	cleanup_str struct str toolkit = { 0 };

	if (v->toolkit.major > 0)
		str_addf(&toolkit, "%u.%u", v->toolkit.major, v->toolkit.minor);
	json_out_object(out, NULL);
	json_out_text(out, "set", v->caps);
	caps_to_json(v->caps, out);
	json_out_text(out, "rev", v->rev);
	json_out_text(out, "rev_from", v->rev_from);
	json_out_text(out, "toolkit", toolkit.len == 0 ? NULL : toolkit.text);
	json_out_array(out, "jobs");
	for (size_t i = 0; i < asked->spec.n_attrs; i++)
		json_out_int(out, NULL, v->job_ids[i]);
	json_out_end_array(out);
	json_out_text(out, "tier", tier_name(v->tier));
	json_out_int(out, "gpu", (int64_t)v->device);
	json_out_text(out, "reason", v->reason);
	json_out_bool(out, "verified", v->is_verified && !is_to_come);
	if (is_to_come)
		eta_to_json(v->eta.done_p50 != 0 ? &v->eta : NULL, out, "eta");
	json_out_end_object(out);
}

static void gpus_to_json(const struct asked *asked, struct json_out *out)
{
	json_out_array(out, "gpus");
	for (size_t i = 0; i < asked->spec.n_devices; i++) {
		char text[CAPABILITY_TEXT_MAX];

		capability_format(asked->devices[i].capability, text);
		json_out_object(out, NULL);
		json_out_text(out, "gpu", asked->gpus[i]);
		json_out_text(out, "capability", text);
		json_out_end_object(out);
	}
	json_out_end_array(out);
}

static void cache_to_json(const struct settings *settings, struct json_out *out)
{
	if (settings->cache.name == NULL) {
		json_out_null(out, "cache");
		return;
	}
	json_out_object(out, "cache");
	json_out_text(out, "name", settings->cache.name);
	json_out_text(out, "substituter", settings->cache.substituter);
	json_out_array(out, "public_keys");
	for (size_t i = 0; i < settings->cache.public_keys.n; i++)
		json_out_text(out, NULL, settings->cache.public_keys.items[i]);
	json_out_end_array(out);
	json_out_end_object(out);
}

static const char *verdict_of(const struct lookup *found)
{
	enum tier best = found->n == 0 ? TIER_NO : found->variants[0].tier;

	return best <= TIER_SAME_MAJOR ? "use" : best == TIER_JIT ? "jit" : "none";
}

static void to_json(struct request *r, const struct asked *asked, const struct lookup *found,
	struct json_out *out)
{
	json_out_object(out, NULL);
	gpus_to_json(asked, out);
	json_out_text(out, "verdict", verdict_of(found));
	json_out_bool(out, "usable", found->may_be_used);
	json_out_array(out, "variants");
	for (size_t i = 0; i < found->n; i++)
		variant_to_json(asked, &found->variants[i], false, out);
	json_out_end_array(out);
	json_out_array(out, "to_come");
	for (size_t i = 0; i < found->n_to_come; i++)
		variant_to_json(asked, &found->to_come[i], true, out);
	json_out_end_array(out);
	cache_to_json(pipeline_settings(request_pipeline(r)), out);
	json_out_end_object(out);
}

static const struct answered *run(struct request *r)
{
	struct asked *asked = xcalloc(1, sizeof *asked);
	struct json_out out = { 0 };
	struct lookup found;
	struct err err;

	if (read_asked(r, asked, &err) < 0) {
		asked_finish(asked);
		return answer_err(r, &err);
	}
	lookup(request_pipeline(r), &asked->spec, &found);
	to_json(r, asked, &found, &out);
	lookup_finish(&found);
	asked_finish(asked);
	return answer_json(r, 200, &out);
}

const struct method method_lookup = {
	.name = "lookup",
	.verb = "GET",
	.path = "/lookup",
	.role = ROLE_READ,
	.query = "attr gpu rev branch flavour system driver toolkit allow_jit newest",
	.run = run,
};
