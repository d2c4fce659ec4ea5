/* Which GPUs this machine has. Asked in turn, until one knows: nvidia-smi; the driver's library,
 * libcuda; the PCI bus; a Jetson's device tree. The driver is the better witness, but what builds
 * or deploys for a GPU often runs where there is none. */
#ifndef CAPQ_CLIENT_MACHINE_H
#define CAPQ_CLIENT_MACHINE_H

#include <stddef.h>

#include "lib/capability.h"
#include "lib/cuda.h"
#include "lib/err.h"
#include "lib/gpu.h"

/* Where to ask; tests name other places. */
struct machine_place {
	const char *root;           /* In front of /sys and /proc; "" for this machine's own. */
	const char *smi;            /* "nvidia-smi", searched in PATH. */
	const char *const *libcuda; /* Names for dlopen(3), NULL behind the last. */
};

extern const struct machine_place machine_here;

#define MACHINE_GPUS_MAX 64

struct machine {
	struct machine_gpu {
		char name[96]; /* As its driver or the table calls it. */
		struct capability capability;
	} gpus[MACHINE_GPUS_MAX];
	size_t n;
	struct cuda_version driver; /* Newest CUDA that it speaks; major 0: not known. */
};

/* CAPQ_ENOTFOUND: there is no GPU of NVIDIA, or none that is known; the text says which. */
int machine_read(const struct machine_place *place, const struct gpu_table *table,
	struct machine *out, struct err *err);

/* The parts: how many were found. `text` is what the program printed. */
size_t machine_from_smi(const char *text, const struct gpu_table *table, struct machine *out);
size_t machine_from_libcuda(const char *text, struct machine *out);
struct cuda_version machine_cuda_of_smi(const char *text); /* "| ... CUDA Version: 12.4 |" */

/* To be run by ask(): print what the library `arg` points to (a name) says. */
void machine_tell_libcuda(const void *arg);

#endif
