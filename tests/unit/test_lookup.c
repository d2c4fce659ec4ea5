/* Lookup: the worked examples through the data base, as declared and as seen, and what is a variant
 * at all. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/lookup.h"
#include "daemon/store/code.h"
#include "daemon/store/context.h"
#include "tests/support/compat_examples.h"
#include "tests/support/pipeline_case.h"
#include "tests/support/store_case.h"

static int n_builds;

static int64_t add_build(struct store *store)
{
	cleanup_free char *name = str_format("build-%d", ++n_builds);

	return store_case_build(store, name, BUILD_DONE);
}

static void set_seen(struct store *store, int64_t build, enum verdict verdict, const char *kinds)
{
	struct code_seen seen = { .verdict = verdict,
		.asked = (char *)"8.6",
		.n_files = 1,
		.kinds = (char *)(uintptr_t)kinds,
		.at = 1000 };

	store_begin(store);
	store_code_set(store, build, &seen);
	store_case_commit(store);
}

/* A job of `attr` in a state; `kinds`: what was seen, NULL: nobody looked. */
static int64_t add_job(struct store *store, const char *attr, int revision, const char *caps,
	enum job_state state, const char *kinds)
{
	int64_t job = store_case_job(store, attr, store_case_context(store, revision, caps));
	int64_t build = add_build(store);

	if (kinds != NULL)
		set_seen(store, build, strcmp(kinds, "[]") == 0 ? VERDICT_NO_CODE : VERDICT_HOLDS,
			kinds);
	store_begin(store);
	store_job_set_plan(store, job, build, 0, "{}");
	store_case_commit(store);
	store_case_set_state(store, job, state);
	return job;
}

static struct lookup_spec spec_of(const char *const *attrs, size_t n, struct device *device)
{
	return (struct lookup_spec){ .attrs = attrs,
		.n_attrs = n,
		.devices = device,
		.n_devices = 1,
		.flavour = "default",
		.system = "x86_64-linux" };
}

static struct device device_of(const char *capability)
{
	struct device device = { .driver = { 0 } };

	assert_int_equal(capability_parse(capability, &device.capability, NULL), 0);
	return device;
}

/* ---- the worked examples ---- */

/* "8.0,10.0 ptx 8.0" or "8.0+PTX" as the units of a file, two alike. The caller frees. */
static char *kinds_of(const char *variant)
{
	cleanup_free char *copy = xstrdup(variant);
	char *ptx = strstr(copy, " ptx ");
	struct capability_set set;
	struct image images[SET_IMAGES_MAX];
	cleanup_str struct str sass = { 0 }, virtual = { 0 };
	size_t n;

	if (ptx != NULL)
		*ptx = '\0';
	assert_int_equal(capability_set_parse(copy, &set, NULL), 0);
	n = images_of_set(&set, images);
	if (ptx != NULL) {
		images[n].kind = CODE_PTX;
		assert_int_equal(capability_parse(ptx + 5, &images[n++].capability, NULL), 0);
	}
	for (size_t i = 0; i < n; i++) {
		struct str *list = images[i].kind == CODE_SASS ? &sass : &virtual;

		str_add(list, list->len > 0 ? ",\"" : "\"");
		image_add_name(list, images[i]);
		str_add_char(list, '"');
	}
	return str_format("[{\"units\":2,\"sass\":[%s],\"ptx\":[%s],\"lto\":[]}]", str_text(&sass),
		str_text(&virtual));
}

static void add_line(struct store *store, const char *attr, const char *variant, bool is_seen)
{
	cleanup_free char *caps = xstrdup(variant), *kinds = is_seen ? kinds_of(variant) : NULL;
	char *ptx = strstr(caps, " ptx ");

	if (ptx != NULL)
		strcpy(ptx, "+PTX");
	(void)add_job(store, attr, 1, caps, JOB_DONE, kinds);
}

static void check_example(struct pipeline_case *c, size_t number, bool is_seen)
{
	const struct compat_example *e = &compat_examples[number];
	cleanup_free char *attr = str_format("example%zu%s", number, is_seen ? "seen" : "");
	const char *const attrs[] = { attr };
	struct device device = device_of(e->device);
	struct lookup_spec spec = spec_of(attrs, 1, &device);
	struct lookup found;

	if (!is_seen && strstr(e->lines[0].variant, " ptx ") != NULL)
		return; /* No set says that. */
	if (e->driver != NULL)
		assert_int_equal(cuda_version_parse(e->driver, &device.driver, NULL), 0);
	if (e->toolkit != NULL)
		assert_int_equal(cuda_version_parse(e->toolkit, &spec.toolkit, NULL), 0);
	for (size_t i = EXAMPLE_LINES_MAX;
		i-- > 0;) /* Of those that are alike, the last is first. */
		if (e->lines[i].variant != NULL)
			add_line(c->store, attr, e->lines[i].variant, is_seen);
	lookup(c->p, &spec, &found);
	for (size_t i = 0; i < found.n; i++) {
		const struct lookup_variant *v = &found.variants[i];

		if (v->tier != e->lines[i].tier || strcmp(v->reason, e->lines[i].reason) != 0)
			fail_msg("example %zu, line %zu: [%s] is %s: %s", number, i, v->caps,
				tier_name(v->tier), v->reason);
		assert_int_equal(v->is_verified, is_seen);
	}
	assert_true(found.n == EXAMPLE_LINES_MAX || e->lines[found.n].variant == NULL);
	assert_int_equal(found.may_be_used, e->lines[0].tier <= TIER_SAME_MAJOR);
	lookup_finish(&found);
}

static void worked_examples(void **state)
{
	struct pipeline_case *c = *state;

	store_set_durable(c->store, false); /* So many commits need not wait for the disk. */
	for (size_t i = 0; i < n_compat_examples; i++) {
		check_example(c, i, false);
		check_example(c, i, true);
	}
}

/* ---- what is a variant ---- */

/* "job job / job" of each variant, best first. */
static char *found_by(struct pipeline_case *c, const struct lookup_spec *spec)
{
	struct str out = { 0 };
	struct lookup found;

	lookup(c->p, spec, &found);
	for (size_t i = 0; i < found.n; i++) {
		str_addf(&out, "%s%s", i > 0 ? " / " : "", found.variants[i].caps);
		for (size_t k = 0; k < spec->n_attrs; k++)
			str_addf(&out, " %d", (int)found.variants[i].job_ids[k]);
	}
	for (size_t i = 0; i < found.n_to_come; i++)
		str_addf(&out, " (to come: %s %d)", found.to_come[i].caps,
			(int)found.to_come[i].job_ids[0]);
	lookup_finish(&found);
	return str_take(&out);
}

static void assert_found(
	struct pipeline_case *c, const struct lookup_spec *spec, const char *wanted)
{
	cleanup_free char *found = found_by(c, spec);

	assert_string_equal(found, wanted);
}

static void packages_come_from_one_context(void **state)
{
	static const char *const both[] = { "torch", "torchvision" };
	struct pipeline_case *c = *state;
	struct device device = device_of("8.9");
	struct lookup_spec spec = spec_of(both, 2, &device);

	(void)add_job(c->store, "torch", 1, "8.9", JOB_DONE, NULL);       /* 1 */
	(void)add_job(c->store, "torch", 1, "8.6", JOB_DONE, NULL);       /* 2 */
	(void)add_job(c->store, "torchvision", 1, "8.6", JOB_DONE, NULL); /* 3 */
	(void)add_job(c->store, "torch", 2, "8.9", JOB_DONE, NULL);       /* 4 */
	(void)add_job(c->store, "torchvision", 2, "8.0", JOB_DONE, NULL); /* 5 */
	assert_found(c, &spec, "8.6 2 3");
	spec.n_attrs = 1;
	assert_found(c, &spec, "8.9 4 / 8.9 1 / 8.6 2");
}

static void only_what_is_done_trusted_and_asked_for(void **state)
{
	static const char *const attrs[] = { "torch" };
	struct pipeline_case *c = *state;
	struct device device = device_of("8.6");
	struct lookup_spec spec = spec_of(attrs, 1, &device);

	(void)add_job(c->store, "torch", 1, "8.6", JOB_FAILED, NULL);
	(void)add_job(c->store, "torch", 2, "8.6", JOB_CANCELLED, NULL);
	(void)add_job(c->store, "torch", 3, "9.0", JOB_DONE, NULL);
	(void)add_job(c->store, "torch", 4, "9.0", JOB_WAITING, NULL);
	(void)add_job(c->store, "torch", 4, "8.0", JOB_WAITING, NULL);
	assert_found(c, &spec, "9.0 3 (to come: 8.0 5)");
	spec.rev = "0000000000000000000000000000000000000004";
	assert_found(c, &spec, " (to come: 8.0 5)");
	spec.rev = NULL;
	spec.rev_from = "branch other";
	assert_found(c, &spec, "");
	spec.rev_from = "branch master";
	spec.system = "aarch64-linux";
	assert_found(c, &spec, "");
	spec.system = "x86_64-linux";
	spec.flavour = "mkl";
	assert_found(c, &spec, "");
}

static void set_rev_seen_at(struct store *store, int revision, int64_t at)
{
	cleanup_free char *hash = str_format("%040d", revision);

	store_begin(store);
	(void)store_revision(store, hash, true, at);
	store_case_commit(store);
}

static void the_newest_that_will_do(void **state)
{
	static const char *const attrs[] = { "torch" };
	struct pipeline_case *c = *state;
	struct device device = device_of("8.6");
	struct lookup_spec spec = spec_of(attrs, 1, &device);

	set_rev_seen_at(c->store, 1, 1000);
	set_rev_seen_at(c->store, 2, 2000);
	set_rev_seen_at(c->store, 3, 3000);
	(void)add_job(c->store, "torch", 2, "8.0", JOB_DONE, NULL);
	(void)add_job(c->store, "torch", 2, "7.5+PTX", JOB_DONE, NULL);
	(void)add_job(c->store, "torch", 1, "8.6", JOB_DONE, NULL);
	(void)add_job(c->store, "torch", 3, "7.5+PTX", JOB_DONE, NULL);
	assert_found(c, &spec, "8.6 3 / 8.0 1 / 7.5+PTX 4 / 7.5+PTX 2");
	spec.newest = true;
	assert_found(c, &spec, "8.0 1 / 7.5+PTX 2");
	spec.allow_jit = true;
	assert_found(c, &spec, "7.5+PTX 4");
}

/* What was seen counts, whatever was asked for. */
static void what_was_seen_counts(void **state)
{
	static const char *const attrs[] = { "torch", "numpy" };
	struct pipeline_case *c = *state;
	struct device devices[2] = { device_of("8.0"), device_of("9.0") };
	struct lookup_spec spec = spec_of(attrs, 1, devices);
	struct lookup found;

	(void)add_job(c->store, "torch", 1, "8.0", JOB_DONE,
		"[{\"units\":1,\"sass\":[\"sm_86\"],\"ptx\":[],\"lto\":[]}]");
	(void)add_job(c->store, "torch", 2, "8.0", JOB_DONE,
		"[{\"units\":9,\"sass\":[\"sm_80\"],\"ptx\":[],\"lto\":[]},"
		"{\"units\":1,\"sass\":[\"sm_90a\"],\"ptx\":[],\"lto\":[]}]");
	(void)add_job(c->store, "torch", 3, "8.0", JOB_DONE,
		"[{\"units\":9,\"sass\":[\"sm_80\"],\"ptx\":[\"compute_80\"],\"lto\":[]},"
		"{\"units\":1,\"sass\":[],\"ptx\":[],\"lto\":[\"lto_90\"]}]");
	(void)add_job(c->store, "numpy", 3, "8.0", JOB_DONE, "[]");
	lookup(c->p, &spec, &found);
	assert_int_equal(found.n, 3);
	assert_string_equal(found.variants[0].reason, "exact SASS sm_80");
	assert_string_equal(found.variants[1].reason,
		"what 8.0 needs is present only in some units; sm_90a runs on 9.0 only");
	assert_string_equal(found.variants[2].reason, "sm_86 is newer than the device");
	lookup_finish(&found);

	spec.n_devices = 2; /* The one that it fits worst decides. */
	lookup(c->p, &spec, &found);
	assert_int_equal(found.variants[0].tier, TIER_JIT);
	assert_int_equal(found.variants[0].device, 1);
	assert_false(found.may_be_used);
	lookup_finish(&found);

	spec.n_devices = 1; /* No code, no fault; the other package's counts. */
	spec.attrs = attrs + 1;
	lookup(c->p, &spec, &found);
	assert_string_equal(found.variants[0].reason, "no GPU code: the same for every GPU");
	assert_true(found.may_be_used && found.variants[0].is_verified);
	lookup_finish(&found);
	spec.attrs = attrs;
	spec.n_attrs = 2;
	assert_found(c, &spec, "8.0 3 4");
}

static void what_could_not_be_seen_is_declared(void **state)
{
	static const char *const attrs[] = { "torch" };
	struct pipeline_case *c = *state;
	struct device device = device_of("8.6");
	struct lookup_spec spec = spec_of(attrs, 1, &device);
	struct lookup found;
	struct job job;

	assert_true(store_job_get(
		c->store, add_job(c->store, "torch", 1, "8.6", JOB_DONE, NULL), &job));
	set_seen(c->store, job.build_id, VERDICT_UNKNOWN, "[]");
	job_finish(&job);
	lookup(c->p, &spec, &found);
	assert_string_equal(found.variants[0].reason, "exact SASS sm_86");
	assert_false(found.variants[0].is_verified);
	lookup_finish(&found);
}

#define WITH_PIPELINE(test)                                                                        \
	cmocka_unit_test_setup_teardown(test, pipeline_case_setup, pipeline_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PIPELINE(worked_examples),
		WITH_PIPELINE(packages_come_from_one_context),
		WITH_PIPELINE(only_what_is_done_trusted_and_asked_for),
		WITH_PIPELINE(the_newest_that_will_do),
		WITH_PIPELINE(what_was_seen_counts),
		WITH_PIPELINE(what_could_not_be_seen_is_declared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
