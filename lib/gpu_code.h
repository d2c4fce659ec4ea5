/* Which GPU code a file holds, whatever kind of file: ELF objects, programs and libraries, archives
 * of them, cubins, containers and PTX. Pure: nothing is executed, and all is bounds-checked.
 *
 * A unit is what is registered by itself: mostly the code of one .cu file. A program runs on a GPU
 * only if of every unit something runs there, so beside the union, what is in all units counts.
 * With relocatable device code (nvcc -rdc=true) what was linked is one unit, with the PTX that all
 * its parts have. Machine code without any function, which nvcc's linker step adds for each
 * architecture named, is a stub, and no code. */
#ifndef CAPQ_LIB_GPU_CODE_H
#define CAPQ_LIB_GPU_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"
#include "lib/inflate.h"
#include "lib/str.h"

struct gpu_arch {
	unsigned number; /* 86 */
	char suffix;     /* '\0', 'a' or 'f' */
};

#define GPU_ARCHS_MAX 64

/* Sets of architectures: bit i is archs[i] of the code they belong to. */
struct gpu_unit {
	uint64_t sass, ptx, lto;
	uint64_t stubs;
};

struct gpu_code {
	struct gpu_arch archs[GPU_ARCHS_MAX]; /* That occur, in the order found. */
	size_t n_archs;
	struct gpu_unit *units; /* Those that hold anything but stubs. */
	size_t n_units, capacity;
	struct gpu_unit any;      /* All of them together, and the stubs of all containers. */
	struct inflater inflater; /* For reading. */
};

/* A member of a thin archive, a file beside it. */
struct gpu_code_members {
	/* Give the contents of `name`, valid until the next call. */
	int (*read)(void *owner, const char *name, struct bytes *out, struct err *err);
	void *owner;
};

/* Read `file`. No GPU code is no error: nothing is found. `members` may be NULL: thin archives are
 * then refused. CAPQ_EINVAL: it is damaged, CAPQ_ETOOBIG: it has more than can be right. The caller
 * ends with gpu_code_finish(), also after a failure. */
int gpu_code_read(struct bytes file, const struct gpu_code_members *members, struct gpu_code *out,
	struct err *err);
void gpu_code_finish(struct gpu_code *code);

/* Add the units of `more` to `code`, which begins zero-initialised. CAPQ_ETOOBIG as above. */
int gpu_code_add(struct gpu_code *code, const struct gpu_code *more, struct err *err);

/* There is something, if only a stub. */
bool gpu_code_is_there(const struct gpu_code *code);

/* What all units have. */
uint64_t gpu_code_sass_in_all(const struct gpu_code *code);
uint64_t gpu_code_ptx_in_all(const struct gpu_code *code);

/* What occurs as a stub and nowhere as code. */
uint64_t gpu_code_stub_only(const struct gpu_code *code);

/* The architectures of a set in ascending order; returns how many. */
size_t gpu_code_list(const struct gpu_code *code, uint64_t set, struct gpu_arch out[GPU_ARCHS_MAX]);

/* Append `prefix`, "sm_" or "compute_", and "100f". */
void gpu_arch_add_name(struct str *out, const char *prefix, struct gpu_arch arch);

#endif
