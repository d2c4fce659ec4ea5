#include "client/job_source.h"

#include <inttypes.h>
#include <string.h>

#include "lib/attr_path.h"
#include "lib/caps_ask.h"
#include "lib/job_json.h"
#include "lib/rev_name.h"

static int copy_option(
	const struct options *options, const char *name, char *out, size_t max, struct err *err)
{
	const char *text = option_text(options, name);

	if (text == NULL)
		return 0;
	if (text[0] == '\0' || strlen(text) > max)
		return err_set(err, CAPQ_EINVAL, "--%s: expected 1 to %zu bytes", name, max);
	strcpy(out, text);
	return 0;
}

static int read_common(struct job_source *source, struct err *err)
{
	const struct options *options = source->options;
	struct job_spec *common = &source->common;
	const char *unsupported = option_text(options, "unsupported");
	int64_t priority = 0;
	int rv = copy_option(options, "rev", common->rev, REV_NAME_MAX, err);

	if (rv == 0)
		rv = copy_option(options, "flavour", common->flavour, FLAVOUR_MAX, err);
	if (rv == 0)
		rv = copy_option(options, "system", common->system, SYSTEM_MAX, err);
	if (rv == 0)
		rv = option_int(options, "priority", -1000, 1000, 0, &priority, err);
	if (rv < 0)
		return rv;
	common->priority = (int)priority;
	common->is_leftover = option_given(options, "leftover");
	if (unsupported != NULL && !unsupported_from_name(unsupported, &common->unsupported))
		return err_set(err, CAPQ_EINVAL,
			"--unsupported %.32s: expected fail, skip or closest", unsupported);
	return 0;
}

static int set_package(struct job_spec *spec, const char *text, struct err *err)
{
	struct attr_path path;
	int rv = attr_path_parse(text, &path, err);

	if (rv == 0)
		attr_path_format(&path, spec->attr);
	return rv;
}

static int set_caps(struct job_spec *spec, const char *text, struct err *err)
{
	struct caps_ask ask;
	int rv = caps_ask_parse(text, &ask, err);

	if (rv == 0)
		caps_ask_format(&ask, spec->caps);
	return rv;
}

static int check_product(const struct options *options, struct err *err)
{
	struct job_spec spec;
	const char *caps;
	size_t at = 0;
	int rv = 0;

	if (options->n_operands == 0)
		return err_set(err, CAPQ_EINVAL,
			"which package? For example: capq submit python3Packages.torch --caps 8.6");
	if (!option_given(options, "caps"))
		return err_set(err, CAPQ_EINVAL,
			"for which GPUs? Give a capability set, such as --caps 8.6");
	for (size_t i = 0; i < options->n_operands && rv == 0; i++)
		rv = set_package(&spec, options->operands[i], err);
	while (rv == 0 && (caps = option_next(options, "caps", &at)) != NULL)
		rv = set_caps(&spec, caps, err);
	return rv;
}

static int open_file(struct job_source *source, const char *name, struct err *err)
{
	if (source->options->n_operands > 0 || option_given(source->options, "caps"))
		return err_set(err, CAPQ_EINVAL,
			"packages and --caps do not go with --from: each job of the file names "
			"its own");
	source->is_file = true;
	return job_reader_open(&source->reader, name, err);
}

int job_source_open(struct job_source *source, const struct options *options, struct err *err)
{
	const char *from = option_text(options, "from");
	int rv;

	*source = (struct job_source){ .options = options };
	rv = read_common(source, err);
	if (rv < 0)
		return rv;
	return from == NULL ? check_product(options, err) : open_file(source, from, err);
}

/* Package by package, each with all sets. */
static int next_of_product(struct job_source *source, struct job_spec *out, struct err *err)
{
	const struct options *options = source->options;
	const char *caps = option_next(options, "caps", &source->set_at);
	int rv;

	if (caps == NULL) {
		source->package++;
		source->set_at = 0;
		caps = option_next(options, "caps", &source->set_at);
	}
	if (source->package == options->n_operands)
		return 0;
	*out = source->common;
	rv = set_package(out, options->operands[source->package], err);
	if (rv == 0)
		rv = set_caps(out, caps, err);
	return rv < 0 ? rv : 1;
}

static bool says(const struct json *json, const char *name)
{
	return json_kind(json_get(json, name)) > JSON_NULL;
}

static int next_of_file(struct job_source *source, struct job_spec *out, struct err *err)
{
	const struct job_spec *common = &source->common;
	cleanup_json struct json *json = NULL;
	int rv = job_reader_next(&source->reader, &json, err);

	if (rv <= 0)
		return rv;
	rv = job_spec_from_json(json, out, err);
	if (rv < 0)
		return err_wrap(err, "%s:%" PRId64, source->reader.name, source->reader.line);
	if (!says(json, "rev"))
		strcpy(out->rev, common->rev);
	if (!says(json, "flavour") && common->flavour[0] != '\0')
		strcpy(out->flavour, common->flavour);
	if (!says(json, "system"))
		strcpy(out->system, common->system);
	if (!says(json, "priority"))
		out->priority = common->priority;
	if (!says(json, "unsupported"))
		out->unsupported = common->unsupported;
	if (!says(json, "leftover"))
		out->is_leftover = common->is_leftover;
	return 1;
}

int job_source_next(struct job_source *source, struct job_spec *out, struct err *err)
{
	return source->is_file ? next_of_file(source, out, err) : next_of_product(source, out, err);
}

void job_source_close(struct job_source *source)
{
	job_reader_close(&source->reader);
}
