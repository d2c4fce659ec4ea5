#include "sim/farm.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "sim/number.h"

static void free_builder(struct farm_builder *builder)
{
	free(builder->name);
	free(builder->systems);
	free(builder->features);
}

static int check_builder(
	const struct farm *farm, const struct farm_builder *builder, struct err *err)
{
	if (farm->n == FARM_BUILDERS_MAX)
		return err_set(err, CAPQ_ETOOBIG, "more than %d builders", FARM_BUILDERS_MAX);
	if (builder->slots > FARM_SLOTS_MAX - farm->n_slots)
		return err_set(err, CAPQ_ETOOBIG, "more than %d slots", FARM_SLOTS_MAX);
	for (size_t i = 0; i < farm->n; i++)
		if (strcmp(farm->builders[i].name, builder->name) == 0)
			return err_set(err, CAPQ_EINVAL, "builder '%.60s' twice", builder->name);
	return 0;
}

int farm_add(struct farm *farm, struct farm_builder *builder, struct err *err)
{
	int rv = check_builder(farm, builder, err);

	if (rv < 0) {
		free_builder(builder);
		return rv;
	}
	builder->first_slot = farm->n_slots;
	farm->builders[farm->n++] = *builder;
	farm->n_slots += builder->slots;
	return 0;
}

void farm_init(struct farm *farm, uint32_t slots)
{
	struct farm_builder builder = {
		.name = xstrdup("local"),
		.systems = xstrdup(""),
		.features = xstrdup(""),
		.slots = slots,
		.speed = 1,
	};

	*farm = (struct farm){ 0 };
	(void)farm_add(farm, &builder, NULL);
}

/* Lists may be separated by ';' too. */
static char *copy_list(const char *text)
{
	char *copy = xstrdup(text);

	for (char *c = copy; *c != '\0'; c++)
		if (*c == ';')
			*c = ' ';
	return copy;
}

static int read_builder(struct farm *farm, const struct csv *csv, struct err *err)
{
	const char *name = csv_field(csv, csv_column(csv, "name"));
	const char *slots = csv_field(csv, csv_column(csv, "slots"));
	const char *speed = csv_field(csv, csv_column(csv, "speed"));
	struct farm_builder builder = { .speed = 1 };
	struct err why;
	int64_t n_slots;

	if (name[0] == '\0')
		return csv_fail(csv, err, "no name");
	if (!str_to_int(slots, 0, FARM_SLOTS_MAX, &n_slots))
		return csv_fail(csv, err, "slots '%.40s': expected a whole number up to %d", slots,
			FARM_SLOTS_MAX);
	if (speed[0] != '\0' && !number_parse(speed, 0.01, 100, &builder.speed))
		return csv_fail(
			csv, err, "speed '%.40s': expected a number from 0.01 to 100", speed);
	builder.name = xstrdup(name);
	builder.slots = (uint32_t)n_slots;
	builder.systems = copy_list(csv_field(csv, csv_column(csv, "systems")));
	builder.features = copy_list(csv_field(csv, csv_column(csv, "features")));
	if (farm_add(farm, &builder, &why) < 0)
		return csv_fail(csv, err, "%s", why.text);
	return 0;
}

int farm_read_csv(struct farm *farm, struct csv *csv, struct err *err)
{
	int rv = 0;

	if (csv_column(csv, "name") == CSV_NO_COLUMN || csv_column(csv, "slots") == CSV_NO_COLUMN)
		return csv_fail(csv, err, "there must be columns 'name' and 'slots'");
	while (rv == 0 && (rv = csv_next(csv, err)) > 0)
		rv = read_builder(farm, csv, err);
	if (rv == 0 && farm->n_slots == 0)
		return csv_fail(csv, err, "no slots");
	return rv;
}

int farm_read(struct farm *farm, const char *path, struct err *err)
{
	struct csv csv;
	int rv;

	*farm = (struct farm){ 0 };
	rv = csv_open(&csv, path, err);
	if (rv == 0)
		rv = farm_read_csv(farm, &csv, err);
	csv_finish(&csv);
	return rv;
}

void farm_finish(struct farm *farm)
{
	for (size_t i = 0; i < farm->n; i++)
		free_builder(&farm->builders[i]);
	*farm = (struct farm){ 0 };
}

/* ---- what fits ---- */

static bool has_name(const char *all, const char *name, size_t len)
{
	while (*all != '\0') {
		size_t n = strcspn(all, " ");

		if (n == len && strncmp(all, name, len) == 0)
			return true;
		all += n + strspn(all + n, " ");
	}
	return false;
}

bool names_include(const char *all, const char *some)
{
	some += strspn(some, " ");
	while (*some != '\0') {
		size_t len = strcspn(some, " ");

		if (!has_name(all, some, len))
			return false;
		some += len + strspn(some + len, " ");
	}
	return true;
}

uint64_t farm_fitting(const struct farm *farm, const struct row *row)
{
	uint64_t fitting = 0;

	for (size_t i = 0; i < farm->n; i++) {
		const struct farm_builder *builder = &farm->builders[i];
		bool has_system =
			builder->systems[0] == '\0' || names_include(builder->systems, row->system);

		if (builder->slots > 0 && has_system &&
			names_include(builder->features, row->features))
			fitting |= UINT64_C(1) << i;
	}
	return fitting;
}

const struct farm_builder *farm_builder_of(const struct farm *farm, uint32_t slot)
{
	size_t i = farm->n - 1;

	while (slot < farm->builders[i].first_slot)
		i--;
	return &farm->builders[i];
}
