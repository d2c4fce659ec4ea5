#include "lib/job_json.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "lib/cuda.h"
#include "lib/mem.h"
#include "lib/rev_name.h"
#include "lib/time_text.h"

/* ---- what is asked for ---- */

static int wrong_kind(const struct json *value, const char *wanted, struct err *err)
{
	return err_set(err, CAPQ_EINVAL, "'%s' is %s; expected %s", json_name(value),
		json_kind_name(json_kind(value)), wanted);
}

static int read_short(const struct json *value, char *out, size_t max, struct err *err)
{
	const char *text = json_text(value);
	size_t len;

	if (text == NULL)
		return wrong_kind(value, "a string", err);
	len = strlen(text);
	if (len > max)
		return err_set(
			err, CAPQ_EINVAL, "'%s' is longer than %zu bytes", json_name(value), max);
	memcpy(out, text, len + 1);
	return 0;
}

static int read_attr(const struct json *value, struct job_spec *spec, struct err *err)
{
	struct attr_path path;
	int rv;

	if (json_text(value) == NULL)
		return wrong_kind(value, "a string", err);
	rv = attr_path_parse(json_text(value), &path, err);
	if (rv == 0)
		attr_path_format(&path, spec->attr);
	return rv;
}

static int read_list(const struct json *value, struct capability_set *set, struct err *err)
{
	if (json_kind(value) != JSON_ARRAY)
		return wrong_kind(value, "a string such as \"8.6\" or an array of strings", err);
	for (const struct json *v = json_first(value); v != NULL; v = json_next(v)) {
		struct capability item;
		int rv;

		if (json_text(v) == NULL)
			return err_set(err, CAPQ_EINVAL, "'caps' holds %s; expected strings",
				json_kind_name(json_kind(v)));
		rv = capability_parse(json_text(v), &item, err);
		if (rv == 0)
			rv = capability_set_add(set, item, err);
		if (rv < 0)
			return rv;
	}
	if (set->n == 0)
		return err_set(err, CAPQ_EINVAL, "the capability set is empty");
	return 0;
}

static int read_caps(const struct json *value, struct caps_ask *ask, struct err *err)
{
	int rv;

	if (json_text(value) != NULL)
		return caps_ask_parse(json_text(value), ask, err);
	rv = read_list(value, &ask->set, err);
	return rv < 0 ? rv : cuda_check_anywhere(&ask->set, err);
}

static int read_ptx(const struct json *value, struct caps_ask *ask, struct err *err)
{
	struct capability_set *set = &ask->set;
	bool ptx;

	if (!json_bool(value, &ptx))
		return wrong_kind(value, "a boolean", err);
	if (ask->kind == CAPS_DEFAULT)
		return err_set(err, CAPQ_EINVAL,
			"'ptx' does not go with \"default\": the revision says whether");
	if (set->ptx && !ptx)
		return err_set(err, CAPQ_EINVAL, "'caps' says +PTX and 'ptx' says false");
	set->ptx = ptx;
	return 0;
}

static int read_rev(const struct json *value, struct job_spec *spec, struct err *err)
{
	int rv = read_short(value, spec->rev, REV_NAME_MAX, err);

	if (rv == 0 && spec->rev[0] != '\0' && !rev_name_is_valid(spec->rev))
		return err_set(
			err, CAPQ_EINVAL, "'rev' is no branch, tag or hash: '%s'", spec->rev);
	return rv;
}

static int read_priority(const struct json *value, struct job_spec *spec, struct err *err)
{
	int64_t n;

	if (!json_int(value, &n) || n < -PRIORITY_MAX || n > PRIORITY_MAX)
		return err_set(err, CAPQ_EINVAL, "'priority' must be a whole number, -%d to %d",
			PRIORITY_MAX, PRIORITY_MAX);
	spec->priority = (int)n;
	return 0;
}

static int read_unsupported(const struct json *value, struct job_spec *spec, struct err *err)
{
	if (!unsupported_from_name(json_text(value), &spec->unsupported))
		return err_set(err, CAPQ_EINVAL,
			"'unsupported' must be \"fail\", \"skip\" or \"closest\"");
	return 0;
}

static int read_leftover(const struct json *value, struct job_spec *spec, struct err *err)
{
	if (!json_bool(value, &spec->is_leftover))
		return err_set(err, CAPQ_EINVAL, "'leftover' must be true or false");
	return 0;
}

static int refuse_member(const char *name, struct err *err)
{
	/* nixpkgs' names, and the one that many think is nixpkgs'. */
	if (strcmp(name, "cudaForwardCompat") == 0 || strcmp(name, "cudaEnableForwardCompat") == 0)
		return err_set(err, CAPQ_EINVAL, "'%s': PTX is asked for by \"ptx\": true", name);
	if (strcmp(name, "cudaCapabilities") == 0)
		return err_set(err, CAPQ_EINVAL, "'%s' is called 'caps' here", name);
	return err_set(err, CAPQ_EINVAL,
		"'%.64s' means nothing here; a job has attr, caps, ptx, rev, flavour, system, "
		"priority, unsupported, leftover",
		name);
}

static int read_member(const struct json *member, struct job_spec *spec, struct err *err)
{
	const char *name = json_name(member);

	if (strcmp(name, "attr") == 0)
		return read_attr(member, spec, err);
	if (strcmp(name, "caps") == 0 || strcmp(name, "ptx") == 0)
		return 0; /* Together, below. */
	if (json_kind(member) == JSON_NULL)
		return 0;
	if (strcmp(name, "rev") == 0)
		return read_rev(member, spec, err);
	if (strcmp(name, "flavour") == 0)
		return read_short(member, spec->flavour, FLAVOUR_MAX, err);
	if (strcmp(name, "system") == 0)
		return read_short(member, spec->system, SYSTEM_MAX, err);
	if (strcmp(name, "priority") == 0)
		return read_priority(member, spec, err);
	if (strcmp(name, "unsupported") == 0)
		return read_unsupported(member, spec, err);
	if (strcmp(name, "leftover") == 0)
		return read_leftover(member, spec, err);
	return refuse_member(name, err);
}

int job_spec_from_json(const struct json *json, struct job_spec *out, struct err *err)
{
	const struct json *caps = json_get(json, "caps"), *ptx = json_get(json, "ptx");
	struct caps_ask ask = { .kind = CAPS_SET };
	struct job_spec spec = { 0 };
	int rv = 0;

	if (json_kind(json) != JSON_OBJECT)
		return err_set(err, CAPQ_EINVAL, "a job must be an object, not %s",
			json_kind_name(json_kind(json)));
	for (const struct json *m = json_first(json); m != NULL && rv == 0; m = json_next(m)) {
		if (json_get(json, json_name(m)) != m)
			return err_set(err, CAPQ_EINVAL, "'%.64s' is there twice", json_name(m));
		rv = read_member(m, &spec, err);
	}
	if (rv == 0 && spec.attr[0] == '\0')
		rv = err_set(err, CAPQ_EINVAL, "a job needs 'attr', an attribute path");
	if (rv == 0 && caps == NULL)
		rv = err_set(
			err, CAPQ_EINVAL, "a job needs 'caps', a capability set such as \"8.6\"");
	if (rv == 0)
		rv = read_caps(caps, &ask, err);
	if (rv == 0 && ptx != NULL && json_kind(ptx) != JSON_NULL)
		rv = read_ptx(ptx, &ask, err);
	if (rv < 0)
		return rv;
	caps_ask_format(&ask, spec.caps);
	if (spec.flavour[0] == '\0')
		memcpy(spec.flavour, "default", sizeof "default");
	*out = spec;
	return 0;
}

void job_spec_to_json(const struct job_spec *spec, struct json_out *out)
{
	json_out_object(out, NULL);
	json_out_text(out, "attr", spec->attr);
	json_out_text(out, "caps", spec->caps);
	if (spec->rev[0] != '\0')
		json_out_text(out, "rev", spec->rev);
	if (spec->flavour[0] != '\0')
		json_out_text(out, "flavour", spec->flavour);
	if (spec->system[0] != '\0')
		json_out_text(out, "system", spec->system);
	if (spec->priority != 0)
		json_out_int(out, "priority", spec->priority);
	if (spec->unsupported != UNSUPPORTED_FAIL)
		json_out_text(out, "unsupported", unsupported_name(spec->unsupported));
	if (spec->is_leftover)
		json_out_bool(out, "leftover", true);
	json_out_end_object(out);
}

/* ---- records out ---- */

void eta_to_json(const struct eta *eta, struct json_out *out, const char *name)
{
	if (eta == NULL) {
		json_out_null(out, name);
		return;
	}
	json_out_object(out, name);
	json_out_time(out, "start_p50", eta->start_p50);
	json_out_time(out, "start_p90", eta->start_p90);
	json_out_time(out, "done_p50", eta->done_p50);
	json_out_time(out, "done_p90", eta->done_p90);
	json_out_end_object(out);
}

void eta_from_json(const struct json *json, struct eta *out)
{
	*out = (struct eta){
		.start_p50 = json_time(json_get(json, "start_p50")),
		.start_p90 = json_time(json_get(json, "start_p90")),
		.done_p50 = json_time(json_get(json, "done_p50")),
		.done_p90 = json_time(json_get(json, "done_p90")),
	};
}

void caps_to_json(const char *caps, struct json_out *out)
{
	struct capability_set set = { 0 };
	char item[CAPABILITY_TEXT_MAX];

	(void)capability_set_parse(caps, &set, NULL); /* What is stored was canonical. */
	json_out_array(out, "caps");
	for (size_t i = 0; i < set.n; i++) {
		capability_format(set.items[i], item);
		json_out_text(out, NULL, item);
	}
	json_out_end_array(out);
	json_out_bool(out, "ptx", set.ptx);
}

static void seconds_to_json(struct json_out *out, const char *name, int64_t ms)
{
	if (ms < 0)
		json_out_null(out, name);
	else
		json_out_double(out, name, (double)ms / 1000);
}

static void count_to_json(struct json_out *out, const char *name, int64_t n)
{
	if (n < 0)
		json_out_null(out, name);
	else
		json_out_int(out, name, n);
}

static void cost_to_json(struct json_out *out, int64_t wall_ms, int64_t core_ms, int64_t pushed)
{
	json_out_object(out, "cost");
	seconds_to_json(out, "wall_seconds", wall_ms);
	seconds_to_json(out, "core_seconds", core_ms);
	count_to_json(out, "bytes_pushed", pushed);
	json_out_end_object(out);
}

static void failure_to_json(struct json_out *out, enum failure class)
{
	json_out_text(out, "failure_class", class == FAILURE_NONE ? NULL : failure_name(class));
}

static void id_to_json(struct json_out *out, const char *name, int64_t id)
{
	count_to_json(out, name, id == 0 ? -1 : id);
}

void built_to_json(const char *caps, struct json_out *out)
{
	if (caps == NULL) {
		json_out_null(out, "built");
		return;
	}
	json_out_object(out, "built");
	caps_to_json(caps, out);
	json_out_end_object(out);
}

void job_members_to_json(const struct job *job, struct json_out *out)
{
	json_out_int(out, "id", job->id);
	json_out_text(out, "attr", job->attr);
	caps_to_json(job->caps, out);
	json_out_text(out, "caps_from", job->caps_from);
	built_to_json(job->built_caps, out);
	json_out_text(out, "unsupported", unsupported_name(job->unsupported));
	json_out_bool(out, "skipped", job->is_skipped);
	json_out_text(out, "flavour", job->flavour);
	json_out_text(out, "rev", job->rev);
	json_out_text(out, "rev_from", job->rev_from);
	json_out_bool(out, "trusted", job->trusted);
	json_out_text(out, "system", job->system);
	json_out_int(out, "priority", job->priority);
	json_out_bool(out, "leftover", job->is_leftover);
	json_out_text(out, "submitter", job->submitter);
	json_out_text(out, "state", job_state_name(job->state));
	json_out_text(out, "reason", job->reason);
	failure_to_json(out, job->failure);
	json_out_text(out, "drv_path", job->drv_path);
	json_out_text(out, "same_as", job->same_as);
	json_out_raw(out, "outputs", job->outputs == NULL ? "null" : job->outputs);
	id_to_json(out, "build", job->build_id);
	json_out_int(out, "attempts", job->attempts);
	json_out_time(out, "submitted_at", job->submitted_at);
	json_out_time(out, "started_at", job->started_at);
	json_out_time(out, "finished_at", job->finished_at);
	cost_to_json(out, job->wall_ms, job->core_ms, job->bytes_pushed);
}

void job_to_json(const struct job *job, struct json_out *out, const char *name)
{
	json_out_object(out, name);
	job_members_to_json(job, out);
	json_out_end_object(out);
}

void build_members_to_json(const struct build *build, struct json_out *out)
{
	json_out_int(out, "id", build->id);
	json_out_text(out, "name", build->name);
	json_out_text(out, "drv_path", build->drv_path);
	json_out_text(out, "system", build->system);
	json_out_text(out, "features", build->features);
	json_out_raw(out, "outputs", build->outputs == NULL ? "null" : build->outputs);
	json_out_text(out, "kind", build->is_fetch ? "fetch" : "build");
	json_out_bool(out, "trusted", build->is_trusted);
	json_out_text(out, "state", build_state_name(build->state));
	json_out_text(out, "reason", build->reason);
	failure_to_json(out, build->failure);
	json_out_text(out, "builder", build->builder);
	json_out_int(out, "attempts", build->attempts);
	json_out_int(out, "tries", build->tries);
	json_out_time(out, "not_before", build->not_before);
	json_out_time(out, "created_at", build->created_at);
	json_out_time(out, "ready_at", build->ready_at);
	json_out_time(out, "started_at", build->started_at);
	json_out_time(out, "finished_at", build->finished_at);
	cost_to_json(out, build->wall_ms, build->core_ms, build->bytes_pushed);
	count_to_json(out, "output_bytes", build->output_bytes);
}

void build_to_json(const struct build *build, struct json_out *out, const char *name)
{
	json_out_object(out, name);
	build_members_to_json(build, out);
	json_out_end_object(out);
}

/* ---- and back in ---- */

int64_t json_time(const struct json *value)
{
	const char *text = json_text(value);
	int64_t ms;

	return text != NULL && time_from_rfc3339(text, &ms) ? ms : 0;
}

static char *text_of(const struct json *json, const char *name)
{
	return xstrdup_or_null(json_text(json_get(json, name)));
}

static char *text_or_empty(const struct json *json, const char *name)
{
	const char *text = json_text(json_get(json, name));

	return xstrdup(text == NULL ? "" : text);
}

/* A whole number of `min` or more; else `missing`. */
static int64_t number_of(const struct json *json, const char *name, int64_t min, int64_t missing)
{
	int64_t value;

	return json_int(json_get(json, name), &value) && value >= min ? value : missing;
}

static int count_of(const struct json *json, const char *name)
{
	int64_t n = number_of(json, name, 0, 0);

	return n <= INT_MAX ? (int)n : INT_MAX;
}

static int64_t ms_of(const struct json *json, const char *name)
{
	double seconds;

	if (!json_double(json_get(json, name), &seconds) || seconds < 0 || seconds > 1e12)
		return -1;
	return llround(seconds * 1000);
}

static int priority_of(const struct json *json)
{
	int64_t n = number_of(json, "priority", -PRIORITY_MAX, 0);

	return n <= PRIORITY_MAX ? (int)n : 0;
}

static bool bool_of(const struct json *json, const char *name)
{
	bool value;

	return json_bool(json_get(json, name), &value) && value;
}

char *caps_from_json(const struct json *json)
{
	const struct json *caps = json_get(json, "caps");
	struct capability_set set = { 0 };
	char text[CAPABILITY_SET_TEXT_MAX];

	if (json_kind(caps) != JSON_ARRAY || read_list(caps, &set, NULL) < 0)
		return NULL;
	set.ptx = bool_of(json, "ptx");
	capability_set_format(&set, text);
	return xstrdup(text);
}

static char *object_of(const struct json *json, const char *name)
{
	struct str text = { 0 };

	if (json_kind(json_get(json, name)) != JSON_OBJECT)
		return NULL;
	json_print(json_get(json, name), &text);
	return str_take(&text);
}

/* True when each of `names` (NULL behind the last) is a string. */
static bool has_texts(const struct json *json, const char *const *names)
{
	for (; *names != NULL; names++)
		if (json_text(json_get(json, *names)) == NULL)
			return false;
	return true;
}

int job_from_json(const struct json *json, struct job *out, struct err *err)
{
	static const char *const required[] = { "attr", "flavour", "rev", "system", NULL };
	const struct json *cost = json_get(json, "cost");
	struct job job = { .id = number_of(json, "id", 1, 0), .caps = caps_from_json(json) };

	if (job.id == 0 || job.caps == NULL || !has_texts(json, required) ||
		!job_state_from_name(json_text(json_get(json, "state")), &job.state) ||
		!failure_from_name(json_text(json_get(json, "failure_class")), &job.failure)) {
		job_finish(&job);
		return err_set(err, CAPQ_EINVAL,
			"the daemon's answer is no job as this version knows it; are both of one "
			"version?");
	}
	job.attr = text_of(json, "attr");
	job.caps_from = text_of(json, "caps_from");
	job.built_caps = caps_from_json(json_get(json, "built"));
	(void)unsupported_from_name(json_text(json_get(json, "unsupported")), &job.unsupported);
	job.is_skipped = bool_of(json, "skipped");
	job.flavour = text_of(json, "flavour");
	job.rev = text_of(json, "rev");
	job.rev_from = text_or_empty(json, "rev_from");
	job.trusted = bool_of(json, "trusted");
	job.system = text_of(json, "system");
	job.priority = priority_of(json);
	job.is_leftover = bool_of(json, "leftover");
	job.submitter = text_or_empty(json, "submitter");
	job.reason = text_of(json, "reason");
	job.drv_path = text_of(json, "drv_path");
	job.same_as = text_of(json, "same_as");
	job.outputs = object_of(json, "outputs");
	job.build_id = number_of(json, "build", 1, 0);
	job.attempts = count_of(json, "attempts");
	job.submitted_at = json_time(json_get(json, "submitted_at"));
	job.started_at = json_time(json_get(json, "started_at"));
	job.finished_at = json_time(json_get(json, "finished_at"));
	job.wall_ms = ms_of(cost, "wall_seconds");
	job.core_ms = ms_of(cost, "core_seconds");
	job.bytes_pushed = number_of(cost, "bytes_pushed", 0, -1);
	*out = job;
	return 0;
}

int build_from_json(const struct json *json, struct build *out, struct err *err)
{
	static const char *const required[] = { "name", "drv_path", "system", "kind", NULL };
	const struct json *cost = json_get(json, "cost");
	struct build build = { .id = number_of(json, "id", 1, 0) };

	if (build.id == 0 || !has_texts(json, required) ||
		json_kind(json_get(json, "outputs")) != JSON_OBJECT ||
		!build_state_from_name(json_text(json_get(json, "state")), &build.state) ||
		!failure_from_name(json_text(json_get(json, "failure_class")), &build.failure))
		return err_set(err, CAPQ_EINVAL,
			"the daemon's answer is no build as this version knows it; are both of one "
			"version?");
	build.name = text_of(json, "name");
	build.drv_path = text_of(json, "drv_path");
	build.system = text_of(json, "system");
	build.features = text_or_empty(json, "features");
	build.outputs = object_of(json, "outputs");
	build.is_fetch = strcmp(json_text(json_get(json, "kind")), "fetch") == 0;
	build.is_trusted = bool_of(json, "trusted");
	build.reason = text_of(json, "reason");
	build.builder = text_of(json, "builder");
	build.attempts = count_of(json, "attempts");
	build.tries = count_of(json, "tries");
	build.not_before = json_time(json_get(json, "not_before"));
	build.created_at = json_time(json_get(json, "created_at"));
	build.ready_at = json_time(json_get(json, "ready_at"));
	build.started_at = json_time(json_get(json, "started_at"));
	build.finished_at = json_time(json_get(json, "finished_at"));
	build.wall_ms = ms_of(cost, "wall_seconds");
	build.core_ms = ms_of(cost, "core_seconds");
	build.bytes_pushed = number_of(cost, "bytes_pushed", 0, -1);
	build.output_bytes = number_of(json, "output_bytes", 0, -1);
	*out = build;
	return 0;
}
