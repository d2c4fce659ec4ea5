/* GPUs by capability, under the short names that people find in tables: those of the PCI ID
 * database without "NVIDIA" and "GeForce". Names of which one alone does not tell the capability
 * (GT 1030, GTX 750 Ti, GTX 860M) are not among them. */
#ifndef CAPQ_TESTS_SUPPORT_GPU_NAMES_H
#define CAPQ_TESTS_SUPPORT_GPU_NAMES_H

#include <stddef.h>

#define GPU_NAMES_MAX 80

struct gpu_names {
	const char *capability;
	const char *names[GPU_NAMES_MAX]; /* NULL behind the last. */
};

extern const struct gpu_names gpu_names[];
extern const size_t n_gpu_names;

#endif
