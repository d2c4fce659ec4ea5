/* Nix's derivation files. Pure.
 *
 * A .drv file is one term in ATerm syntax, unchanged since long before Nix 2.8:
 *
 *   Derive([(output name, path, hash algorithm, hash), ...],
 *          [(input .drv, [output names]), ...], [source paths],
 *          system, builder, [arguments], [(variable, value), ...])
 *
 * Strings are quoted; \n \r \t \" \\ are escaped (derivations.cc). Derivations with dynamic inputs
 * (`DrvWithVersion(`, experimental) and outputs without a known path (content-addressed, likewise)
 * are refused by name. */
#ifndef CAPQ_LIB_DRV_H
#define CAPQ_LIB_DRV_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

#define DRV_SIZE_MAX (64u << 20) /* Bytes of a file; the largest in nixpkgs have some 100 KiB. */
#define DRV_OUTPUTS_MAX 64

struct drv_output {
	const char *name; /* "out", "dev", ... */
	const char *path; /* A valid store path. */
};

struct drv_input {
	const char *path;    /* A valid store path that ends in ".drv". */
	const char *outputs; /* Names, each NUL-terminated, an empty one behind the last. */
};

/* All strings lead into the text that was parsed, or into `from_json`. With structured attributes
 * (`__json`) `name`, `pname` and `features` are what is said there. */
struct drv {
	struct drv_output *outputs;
	size_t n_outputs; /* 1..DRV_OUTPUTS_MAX */
	struct drv_input *inputs;
	size_t n_inputs;
	const char **sources; /* Valid store paths. */
	size_t n_sources;
	const char *system;
	const char *name;     /* "" when there is none. */
	const char *pname;    /* NULL when there is none. */
	const char *features; /* `requiredSystemFeatures`, separated by blanks; NULL: none. */
	const char *json;     /* The structured attributes; NULL: it has none. */
	char *from_json;      /* Memory of the three above when they come from there. */
	bool is_fixed;        /* Its output's hash is known beforehand: a download. */
};

/* Read the `len` bytes at `text`, which are changed in place and must outlive `out`. CAPQ_EINVAL
 * with the offset of what does not fit, CAPQ_ETOOBIG for more than DRV_SIZE_MAX. drv_finish() frees
 * the arrays; on failure there is nothing to free. */
int drv_parse(char *text, size_t len, struct drv *out, struct err *err);
void drv_finish(struct drv *drv);

/* True when output `name` of the input is wanted. */
bool drv_input_names(const struct drv_input *input, const char *name);

#endif
