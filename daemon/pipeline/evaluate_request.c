#include "daemon/pipeline/evaluate_request.h"

#include <string.h>

#include "lib/attr_path.h"
#include "lib/capability.h"
#include "lib/cuda.h"
#include "lib/json.h"
#include "lib/mem.h"

static void write_config(const struct evaluation_spec *spec, struct json_out *out)
{
	cleanup_json struct json *config = NULL;
	struct capability_set set = { 0 };
	char item[CAPABILITY_TEXT_MAX];

	(void)capability_set_parse(spec->caps, &set, NULL); /* Canonical, or "": only a probe. */
	json_out_object(out, "config");
	json_out_bool(out, "cudaSupport", true);
	json_out_bool(out, "cudaForwardCompat", set.ptx);
	json_out_bool(out, "allowUnfree", true);
	json_out_array(out, "cudaCapabilities");
	for (size_t i = 0; i < set.n; i++) {
		capability_format(set.items[i], item);
		json_out_text(out, NULL, item);
	}
	json_out_end_array(out);
	if (json_parse(spec->config, strlen(spec->config), &config, NULL) == 0) {
		for (const struct json *v = json_first(config); v != NULL; v = json_next(v)) {
			struct str text = { 0 };

			json_print(v, &text);
			json_out_raw(out, json_name(v), str_text(&text));
			str_free(&text);
		}
	}
	json_out_end_object(out);
}

/* What a package is asked for when all that it supports is wanted: Jetsons, or all others. */
static void write_jetsons(const struct evaluation_spec *spec, struct json_out *out)
{
	struct capability_set set = { 0 }, jetsons;
	char item[CAPABILITY_TEXT_MAX];
	bool is_jetson = false;

	(void)capability_set_parse(spec->caps, &set, NULL);
	for (size_t i = 0; i < set.n; i++)
		is_jetson |= capability_is_tegra(set.items[i]);
	json_out_bool(out, "isJetson", is_jetson);
	cuda_jetsons(&jetsons);
	json_out_array(out, "jetsons");
	for (size_t i = 0; i < jetsons.n; i++) {
		capability_format(jetsons.items[i], item);
		json_out_text(out, NULL, item);
	}
	json_out_end_array(out);
}

static void write_attr(const char *attr, struct json_out *out)
{
	struct attr_path path;

	json_out_array(out, NULL);
	if (attr_path_parse(attr, &path, NULL) == 0) /* Canonical: it parses. */
		for (size_t i = 0; i < path.n; i++)
			json_out_text(out, NULL, path.elements[i]);
	json_out_end_array(out);
}

char *evaluate_request_text(const struct evaluate_request *request)
{
	const struct evaluation_spec *spec = request->spec;
	struct json_out out = { 0 };

	json_out_object(&out, NULL);
	json_out_text(&out, "mark", request->mark);
	json_out_text(&out, "system", spec->system);
	json_out_bool(&out, "catch", !request->is_explaining);
	json_out_bool(&out, "probe", request->wants_probe);
	json_out_bool(&out, "support", request->wants_support);
	write_jetsons(spec, &out);
	write_config(spec, &out);
	json_out_array(&out, "overlays");
	for (size_t i = 0; i < spec->overlays->n; i++)
		json_out_text(&out, NULL, spec->overlays->items[i]);
	json_out_end_array(&out);
	json_out_array(&out, "attrs");
	for (size_t k = 0; k < request->n_batch; k++)
		write_attr(spec->attrs[request->batch[k]], &out);
	json_out_end_array(&out);
	json_out_end_object(&out);
	return str_take(&out.text);
}
