/* The builders of a simulation. */
#ifndef CAPQ_SIM_FARM_H
#define CAPQ_SIM_FARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "sim/csv.h"
#include "sim/trace.h"

#define FARM_BUILDERS_MAX 64
#define FARM_SLOTS_MAX 65536

struct farm_builder {
	char *name;
	char *systems, *features;   /* Separated by blanks. No systems: all. */
	uint32_t slots, first_slot; /* Its slots are numbered from there on. */
	double speed;               /* 1 is the builder that the trace's costs are measured on. */
};

struct farm {
	struct farm_builder builders[FARM_BUILDERS_MAX];
	size_t n;
	uint32_t n_slots;
};

/* One builder that takes everything. */
void farm_init(struct farm *farm, uint32_t slots);

/* Add a builder; its texts are taken over, also on failure. */
int farm_add(struct farm *farm, struct farm_builder *builder, struct err *err);

/* Read builders from a file: name,slots[,speed[,systems[,features]]]. The caller ends with
 * farm_finish(), also after a failure. */
int farm_read(struct farm *farm, const char *path, struct err *err);
int farm_read_csv(struct farm *farm, struct csv *csv, struct err *err);
void farm_finish(struct farm *farm);

/* The builders that can build it, a bit each. */
uint64_t farm_fitting(const struct farm *farm, const struct row *row);

const struct farm_builder *farm_builder_of(const struct farm *farm, uint32_t slot);

/* True when all names of `some` are among those of `all`, both separated by blanks. */
bool names_include(const char *all, const char *some);

#endif
