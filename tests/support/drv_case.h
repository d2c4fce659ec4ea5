/* Derivations in a directory of its own, which the program sees in the place of /nix/store: tests
 * that use it are linked with --wrap=open (tests/unit/CMakeLists.txt). */
#ifndef CAPQ_TESTS_SUPPORT_DRV_CASE_H
#define CAPQ_TESTS_SUPPORT_DRV_CASE_H

struct drv_case {
	char directory[32];
};

/* For cmocka: `*state` becomes a struct drv_case. */
int drv_case_setup(void **state);
int drv_case_teardown(void **state);

enum drv_kind {
	DRV_PLAIN,       /* One output, "out". */
	DRV_TWO_OUTPUTS, /* "dev" and "out"; it needs the system feature big-parallel. */
	DRV_FIXED,       /* A download. */
	DRV_BROKEN,      /* No derivation at all. */
};

/* Write the derivation `name` ("torch-2.5.1"). `needs` are names of others, separated by blanks:
 * "numpy-1.26 openblas-1.0!dev" for outputs other than "out". */
void drv_case_add(
	const struct drv_case *c, const char *name, const char *needs, enum drv_kind kind);

/* The same for one that needs PREFIXfrom to PREFIXto, the last not included. */
void drv_case_add_needing_range(
	const struct drv_case *c, const char *name, const char *prefix, int from, int to);

/* Its path in /nix/store, and that of its output "out". The caller frees. */
char *drv_case_path(const struct drv_case *c, const char *name);
char *drv_case_output(const char *name);

#endif
