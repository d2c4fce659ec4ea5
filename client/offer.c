#include "client/offer.h"

#include <inttypes.h>
#include <string.h>

#include "client/member.h"
#include "client/now.h"
#include "client/record.h"
#include "client/text.h"
#include "lib/job_json.h"
#include "lib/mem.h"

#define EVALUATION_MS (60 * 60 * 1000) /* A dry run is silent until all is evaluated. */

/* What was answered. */
struct offering {
	struct client *client;
	const struct question *q;
	struct json *found;
	const struct json *best;    /* The variant to use; NULL: none. */
	struct str snippet, remedy; /* Lines, each ended. */
	struct json *forecast;      /* Of a dry run of what is to be built; NULL: none. */
};

/* ---- asking ---- */

static void add_parameter(struct str *path, const char *name, const char *value)
{
	if (value == NULL)
		return;
	str_addf(path, "%c%s=", strchr(str_text(path), '?') == NULL ? '?' : '&', name);
	text_add_escaped(path, value);
}

static void add_version(struct str *path, const char *name, struct cuda_version version)
{
	cleanup_free char *text = str_format("%u.%u", version.major, version.minor);

	add_parameter(path, name, version.major == 0 ? NULL : text);
}

static void add_gpus(struct str *path, const struct question *q)
{
	cleanup_str struct str list = { 0 };

	for (size_t i = 0; i < q->n_gpus; i++) {
		char text[CAPABILITY_TEXT_MAX];

		capability_format(q->gpus[i].capability, text);
		str_addf(&list, "%s%s", i > 0 ? "," : "", text);
	}
	add_parameter(path, "gpu", str_text(&list));
}

static int ask_what_is_there(struct offering *o, struct err *err)
{
	static const char *const passed_on[] = { "rev", "branch", "flavour", "system" };
	const struct options *given = &o->client->options;
	cleanup_str struct str path = { 0 }, attrs = { 0 };

	for (size_t i = 0; i < given->n_operands; i++)
		str_addf(&attrs, "%s%s", i > 0 ? "," : "", given->operands[i]);
	str_add(&path, "/lookup");
	add_parameter(&path, "attr", str_text(&attrs));
	add_gpus(&path, o->q);
	add_version(&path, "driver", o->q->driver);
	add_version(&path, "toolkit", o->q->toolkit);
	add_parameter(&path, "allow_jit", o->q->allow_jit ? "true" : NULL);
	add_parameter(&path, "newest", option_given(given, "newest") ? "true" : NULL);
	for (size_t i = 0; i < ARRAY_LEN(passed_on); i++)
		add_parameter(&path, passed_on[i], option_text(given, passed_on[i]));
	return api_get(o->client->api, &o->found, err, "%s", path.text);
}

/* ---- what to write ---- */

static void add_list(struct str *out, const char *name, const struct json *list)
{
	if (json_count(list) == 0)
		return;
	str_addf(out, "  %s = [", name);
	for (const struct json *v = json_first(list); v != NULL; v = json_next(v))
		str_addf(out, " \"%s\"", json_text(v) == NULL ? "?" : json_text(v));
	str_add(out, " ];\n");
}

static void add_snippet(struct offering *o)
{
	const struct json *cache = json_get(o->found, "cache");
	const char *substituter = member_text(cache, "substituter", NULL);
	struct capability_set set;

	if (capability_set_parse(member_text(o->best, "set", ""), &set, NULL) < 0)
		return;
	str_addf(&o->snippet, "  # nixpkgs at %s\n", member_text(o->best, "rev", "?"));
	str_add(&o->snippet, "  config.cudaSupport = true;\n");
	advice_add_snippet(&o->snippet, "  ", &set);
	if (substituter != NULL)
		str_addf(&o->snippet, "  nix.settings.substituters = [ \"%s\" ];\n", substituter);
	add_list(&o->snippet, "nix.settings.trusted-public-keys", json_get(cache, "public_keys"));
}

/* ---- what to do ---- */

/* What a submit would name; NULL: nothing. */
static const char *rev_of(const struct options *given)
{
	const char *rev = option_text(given, "rev");

	return rev != NULL ? rev : option_text(given, "branch");
}

/* "torch torchvision --rev master" */
static void add_submitted(struct str *out, const struct options *given)
{
	const char *rev = rev_of(given);

	for (size_t i = 0; i < given->n_operands; i++)
		str_addf(out, "%s%s", i > 0 ? " " : "", given->operands[i]);
	if (rev != NULL)
		str_addf(out, " --rev %s", rev);
}

/* The jobs that would be submitted, one a line. */
static void add_jobs(struct str *out, const struct offering *o)
{
	static const char *const names[] = { "flavour", "system" };
	const struct options *given = &o->client->options;
	struct capability_set set;
	char caps[CAPABILITY_SET_TEXT_MAX];

	advice_set(o->q, &set);
	capability_set_format(&set, caps);
	for (size_t i = 0; i < given->n_operands; i++) {
		struct json_out job = { 0 };

		json_out_object(&job, NULL);
		json_out_text(&job, "attr", given->operands[i]);
		json_out_text(&job, "caps", caps);
		json_out_text(&job, "rev", rev_of(given));
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			json_out_text(&job, names[k], option_text(given, names[k]));
		json_out_end_object(&job);
		str_addf(out, "%s\n", job.text.text);
		str_free(&job.text);
	}
}

/* When it would be done. Who may not submit gets no forecast; that is no error. */
static void ask_forecast(struct offering *o)
{
	cleanup_str struct str jobs = { 0 };
	struct stream_request request = {
		.method = "POST",
		.path = "/jobs?dry_run=1",
		.content_type = "application/x-ndjson",
		.silence_ms = EVALUATION_MS,
	};
	struct err err;

	add_jobs(&jobs, o);
	request.body = jobs.text;
	if (api_call(o->client->api, &request, &o->forecast, &err) < 0)
		str_addf(&o->remedy, "When it would be done is not known: %s\n", err.text);
}

/* "It starts about 14:20, done about 16:05." Of several, the last. */
static void add_forecast(struct offering *o)
{
	cleanup_str struct str text = { 0 };
	struct eta all = { .done_p50 = 0 };

	for (const struct json *v = json_first(json_get(o->forecast, "jobs")); v != NULL;
		v = json_next(v)) {
		const char *error = member_text(v, "error", NULL);
		struct eta eta;

		if (error != NULL) {
			str_addf(&o->remedy, "But nixpkgs says: %s\n", error);
			return;
		}
		eta_from_json(json_get(v, "eta"), &eta);
		if (eta.done_p50 > all.done_p50)
			all = eta;
	}
	eta_add(&text, &all, wall_ms());
	if (text.len > 0)
		str_addf(&o->remedy, "If it were submitted now: %s\n", text.text);
}

static void add_label(struct str *out, const struct json *variant)
{
	str_addf(out, "[%s] # ", member_text(variant, "set", "?"));
	rev_add_short(out, member_text(variant, "rev", "?"));
}

/* What is being made and would do. False: nothing is. */
static bool add_to_come(struct offering *o)
{
	const struct json *first = json_first(json_get(o->found, "to_come"));
	const char *separator = "";
	struct eta eta;

	if (first == NULL)
		return false;
	add_label(&o->remedy, first);
	str_addf(&o->remedy, " will do, and is on its way: job%s ",
		json_count(json_get(first, "jobs")) > 1 ? "s" : "");
	for (const struct json *v = json_first(json_get(first, "jobs")); v != NULL;
		v = json_next(v)) {
		int64_t id = 0;

		(void)json_int(v, &id);
		str_addf(&o->remedy, "%s%" PRId64, separator, id);
		separator = ", ";
	}
	eta_from_json(json_get(first, "eta"), &eta);
	if (eta.done_p50 != 0) {
		str_add(&o->remedy, ", ");
		eta_add(&o->remedy, &eta, wall_ms());
	}
	str_add_char(&o->remedy, '\n');
	return true;
}

static void add_remedy(struct offering *o)
{
	bool is_jit = strcmp(member_text(o->found, "verdict", ""), "jit") == 0;
	cleanup_str struct str what = { 0 };

	if (add_to_come(o))
		return;
	add_submitted(&what, &o->client->options);
	if (!advice_add_remedy(
		    &o->remedy, o->q, is_jit ? VERDICT_JIT : VERDICT_NONE, str_text(&what)))
		return;
	ask_forecast(o);
	if (o->forecast != NULL)
		add_forecast(o);
}

/* ---- printing ---- */

static void print_verdict(const struct offering *o)
{
	const struct output *output = &o->client->output;
	cleanup_str struct str gpus = { 0 }, label = { 0 };

	advice_add_gpus(&gpus, o->q);
	output_printf("%s: ", gpus.text);
	if (o->best != NULL) {
		add_label(&label, o->best);
		output_coloured(output, GREEN, "use %s", label.text);
	} else if (json_count(json_get(o->found, "variants")) == 0) {
		output_coloured(output, RED, "nothing of that is cached");
	} else if (strcmp(member_text(o->found, "verdict", ""), "jit") == 0) {
		output_coloured(output, YELLOW, "only by JIT, which is not allowed");
	} else {
		output_coloured(output, RED, "none of these runs there");
	}
	output_printf("\n");
}

/* "  [8.6] # 1a2b3c4: no: RTX 2080: sm_86 is another major version (declared, not verified)" */
static void print_variant(const struct offering *o, const struct json *variant)
{
	int64_t gpu = member_int(variant, "gpu", 0);
	cleanup_str struct str label = { 0 };

	add_label(&label, variant);
	output_printf("  %s: %s", label.text,
		strcmp(member_text(variant, "tier", ""), "no") == 0 ? "no: " : "");
	if (o->q->n_gpus > 1 && gpu >= 0 && (size_t)gpu < o->q->n_gpus)
		output_printf("%s: ", o->q->gpus[gpu].name);
	output_printf("%s%s\n", member_text(variant, "reason", "?"),
		member_bool(variant, "verified") ? "" : " (declared, not verified)");
}

static void print(const struct offering *o)
{
	print_verdict(o);
	for (const struct json *v = json_first(json_get(o->found, "variants")); v != NULL;
		v = json_next(v))
		print_variant(o, v);
	output_printf("%s%s", str_text(&o->snippet), str_text(&o->remedy));
}

static void add_raw(struct json_out *json, const char *name, const struct json *value)
{
	cleanup_str struct str text = { 0 };

	if (value != NULL)
		json_print(value, &text);
	json_out_raw(json, name, value == NULL ? "null" : text.text);
}

static void print_json(const struct offering *o)
{
	struct json_out json = { 0 };

	json_out_object(&json, NULL);
	advice_add_gpus_json(&json, o->q);
	json_out_text(&json, "verdict", member_text(o->found, "verdict", NULL));
	json_out_text(&json, "best", o->best == NULL ? NULL : member_text(o->best, "set", NULL));
	json_out_text(&json, "rev", o->best == NULL ? NULL : member_text(o->best, "rev", NULL));
	add_raw(&json, "variants", json_get(o->found, "variants"));
	add_raw(&json, "to_come", json_get(o->found, "to_come"));
	add_raw(&json, "cache", json_get(o->found, "cache"));
	json_out_text(&json, "snippet", o->snippet.text);
	json_out_text(&json, "remedy", o->remedy.text);
	add_raw(&json, "forecast", o->forecast);
	json_out_end_object(&json);
	output_json_text(json.text.text);
	str_free(&json.text);
}

/* By which CUDA what is there was made: what is to be built would be, too. */
static void read_toolkit(const struct json *found, struct cuda_version *toolkit)
{
	const struct json *best = json_first(json_get(found, "variants"));
	const char *text = member_text(best, "toolkit", NULL);

	if (toolkit->major == 0 && text != NULL)
		(void)cuda_version_parse(text, toolkit, NULL);
}

int offer(struct client *client, const struct question *question, struct err *err)
{
	struct question q = *question;
	struct offering o = { .client = client, .q = &q };
	int rv = ask_what_is_there(&o, err);

	if (rv < 0)
		return rv;
	read_toolkit(o.found, &q.toolkit);
	if (member_bool(o.found, "usable"))
		o.best = json_first(json_get(o.found, "variants"));
	if (o.best != NULL)
		add_snippet(&o);
	else
		add_remedy(&o);
	if (client->output.is_json)
		print_json(&o);
	else
		print(&o);
	client->exit_code = o.best != NULL ? EXIT_OK : EXIT_FAILED;
	json_free(o.found);
	json_free(o.forecast);
	str_free(&o.snippet);
	str_free(&o.remedy);
	return 0;
}
