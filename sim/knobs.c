#include "sim/knobs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/settings.h"
#include "lib/str.h"
#include "lib/time_text.h"

#define USUAL_WEIGHT 100 /* Points of what nothing is said of. */

static void add_weight(struct knobs *knobs, char *branch, int64_t thin, int64_t fat)
{
	knobs->weights = xrealloc(knobs->weights, (knobs->n_weights + 1) * sizeof *knobs->weights);
	knobs->weights[knobs->n_weights++] = (struct knob_weight){ .branch = branch,
		.thin = (double)thin / USUAL_WEIGHT,
		.fat = (double)fat / USUAL_WEIGHT };
}

/* As capqd reads it, with its defaults for all that is not said. */
static int read_settings(const char *path, struct settings *settings, struct err *err)
{
	static const char least[] = "nixpkgs: {path: /}"; /* What has no default. */

	return path == NULL ? settings_parse(least, sizeof least - 1, "", settings, err)
			    : settings_read(path, settings, err);
}

static void take(struct knobs *knobs, const struct settings *settings)
{
	const struct branch_weight *branches = settings->scheduling.branches.items;

	knobs->policy = (struct sched_policy){
		.promise_grace_ms = settings->scheduling.promise_grace_ms,
		.promise_factor = (double)settings->scheduling.promise_backlog / 100,
		.promise_slots = (double)settings->scheduling.promise_slots / 100,
		.reserve = (double)settings->scheduling.reserve / 100,
	};
	for (size_t i = 0; i < settings->scheduling.branches.n; i++)
		add_weight(knobs, xstrdup(branches[i].name), branches[i].weight,
			branches[i].fat_weight);
}

int knobs_init(struct knobs *knobs, const char *path, struct err *err)
{
	struct settings settings;
	int rv;

	*knobs = (struct knobs){ 0 };
	rv = read_settings(path, &settings, err);
	if (rv == 0)
		take(knobs, &settings);
	settings_finish(&settings);
	return rv;
}

void knobs_finish(struct knobs *knobs)
{
	for (size_t i = 0; i < knobs->n_weights; i++)
		free(knobs->weights[i].branch);
	free(knobs->weights);
	*knobs = (struct knobs){ 0 };
}

/* ---- one by one ---- */

static const struct config_key *find_key(const struct config_table *table, const char *name)
{
	for (size_t i = 0; i < table->n_keys; i++)
		if (strcmp(table->keys[i].name, name) == 0)
			return &table->keys[i];
	abort(); /* Only names of keys are asked for. */
}

/* What the configuration allows is allowed here. */
static const struct config_key *key_of(const char *name)
{
	cleanup_free char *whole = str_format("scheduling.%s", name);

	return find_key(settings_table(), whole);
}

static int set_percent(const char *name, const char *text, double *out, struct err *err)
{
	const struct config_key *key = key_of(name);
	int64_t percent;

	if (!str_to_int(text, key->min, key->max, &percent))
		return err_set(err, CAPQ_EINVAL,
			"%s '%.40s': expected a whole number of percent from %" PRId64
			" to %" PRId64,
			name, text, key->min, key->max);
	*out = (double)percent / 100;
	return 0;
}

static int set_grace(struct knobs *knobs, const char *name, const char *text, struct err *err)
{
	const struct config_key *key = key_of(name);
	char max[TIME_TEXT_MAX];
	int64_t ms;

	duration_to_config(key->max, max);
	if (!duration_from_text(text, &ms) || ms < key->min || ms > key->max)
		return err_set(err, CAPQ_EINVAL,
			"%s '%.40s': expected a time such as 36h or 1d12h, at most %s", name, text,
			max);
	knobs->policy.promise_grace_ms = ms;
	return 0;
}

/* The last one said of a branch holds. */
static int set_branch(struct knobs *knobs, const char *text, struct err *err)
{
	const char *equals = strrchr(text, '=');
	const char *comma = equals == NULL ? NULL : strchr(equals, ',');
	const struct config_key *weight = find_key(key_of("branches")->items, "weight");
	cleanup_free char *thin_text = NULL;
	int64_t thin, fat = USUAL_WEIGHT;

	if (equals != NULL && comma != NULL)
		thin_text = xstrndup(equals + 1, (size_t)(comma - equals - 1));
	else
		thin_text = xstrdup(equals == NULL ? "" : equals + 1);
	if (!str_to_int(thin_text, weight->min, weight->max, &thin) ||
		(comma != NULL && !str_to_int(comma + 1, weight->min, weight->max, &fat)))
		return err_set(err, CAPQ_EINVAL,
			"weight '%.60s': expected BRANCH=W or BRANCH=W,FAT_W, whole numbers from "
			"%" PRId64 " to %" PRId64 ", of which %d is usual",
			text, weight->min, weight->max, USUAL_WEIGHT);
	add_weight(knobs, xstrndup(text, (size_t)(equals - text)), thin, fat);
	return 0;
}

int knobs_set(struct knobs *knobs, const char *name, const char *text, struct err *err)
{
	if (strcmp(name, "promise_grace") == 0)
		return set_grace(knobs, name, text, err);
	if (strcmp(name, "promise_backlog") == 0)
		return set_percent(name, text, &knobs->policy.promise_factor, err);
	if (strcmp(name, "promise_slots") == 0)
		return set_percent(name, text, &knobs->policy.promise_slots, err);
	if (strcmp(name, "reserve") == 0)
		return set_percent(name, text, &knobs->policy.reserve, err);
	return set_branch(knobs, text, err);
}

static void print_percent(double part, struct str *out)
{
	str_addf(out, "%.0f", 100 * part);
}

static void print_grace(const struct knobs *knobs, struct str *out)
{
	char text[TIME_TEXT_MAX];

	duration_to_config(knobs->policy.promise_grace_ms, text);
	str_add(out, text);
}

static void print_branches(const struct knobs *knobs, struct str *out)
{
	for (size_t i = 0; i < knobs->n_weights; i++)
		str_addf(out, "%s%s=%.0f,%.0f", i > 0 ? " " : "", knobs->weights[i].branch,
			USUAL_WEIGHT * knobs->weights[i].thin,
			USUAL_WEIGHT * knobs->weights[i].fat);
}

void knobs_print(const struct knobs *knobs, const char *name, struct str *out)
{
	if (strcmp(name, "promise_grace") == 0)
		print_grace(knobs, out);
	else if (strcmp(name, "promise_backlog") == 0)
		print_percent(knobs->policy.promise_factor, out);
	else if (strcmp(name, "promise_slots") == 0)
		print_percent(knobs->policy.promise_slots, out);
	else if (strcmp(name, "reserve") == 0)
		print_percent(knobs->policy.reserve, out);
	else
		print_branches(knobs, out);
}

double knobs_weight(const struct knobs *knobs, const char *branch, unsigned n_caps)
{
	for (size_t i = knobs->n_weights; i-- > 0;)
		if (strcmp(knobs->weights[i].branch, branch) == 0)
			return n_caps <= 1 ? knobs->weights[i].thin : knobs->weights[i].fat;
	return 1;
}

/* ---- builders ---- */

static char *join(const struct texts *texts)
{
	struct str out = { 0 };

	for (size_t i = 0; i < texts->n; i++)
		str_addf(&out, "%s%s", i > 0 ? " " : "", texts->items[i]);
	return str_take(&out);
}

static int take_builders(struct farm *farm, const struct settings *settings, struct err *err)
{
	const struct builder *builders = settings->builders.items;
	int rv = 0;

	for (size_t i = 0; rv == 0 && i < settings->builders.n; i++) {
		struct farm_builder builder = {
			.name = xstrdup(builders[i].name),
			.systems = join(&builders[i].systems),
			.features = join(&builders[i].features),
			.slots = (uint32_t)builders[i].max_jobs,
			.speed = (double)builders[i].speed / 100,
		};

		rv = farm_add(farm, &builder, err);
	}
	if (rv == 0 && farm->n_slots == 0)
		return err_set(err, CAPQ_EINVAL, "the builders have no slots");
	return rv;
}

int knobs_read_farm(struct farm *farm, const char *path, struct err *err)
{
	struct settings settings;
	int rv = settings_read(path, &settings, err);

	*farm = (struct farm){ 0 };
	if (rv == 0)
		rv = take_builders(farm, &settings, err);
	settings_finish(&settings);
	return rv;
}
