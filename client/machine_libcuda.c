/* What the driver's library says, asked through its C interface (cuda.h of CUDA 2.0 and later). The
 * library is another's code, and initialising it touches the hardware: this runs in a child. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "client/machine.h"

#define CUDA_SUCCESS 0
#define ATTRIBUTE_MAJOR 75 /* CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR */
#define ATTRIBUTE_MINOR 76

struct libcuda {
	int (*init)(unsigned flags);
	int (*driver_version)(int *out);
	int (*device_count)(int *out);
	int (*device_name)(char *out, int size, int device);
	int (*device_attribute)(int *out, int attribute, int device);
};

/* The function `name` into `out`, a function pointer. POSIX has dlsym() return a data pointer. */
static bool find(void *library, const char *name, void *out)
{
	void *function = dlsym(library, name);

	memcpy(out, &function, sizeof function);
	return function != NULL;
}

static bool load(const char *name, struct libcuda *out)
{
	void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);

	return library != NULL && find(library, "cuInit", &out->init) &&
	       find(library, "cuDriverGetVersion", &out->driver_version) &&
	       find(library, "cuDeviceGetCount", &out->device_count) &&
	       find(library, "cuDeviceGetName", &out->device_name) &&
	       find(library, "cuDeviceGetAttribute", &out->device_attribute);
}

void machine_tell_libcuda(const void *arg)
{
	struct libcuda cuda;
	int version, n;

	if (!load(arg, &cuda) || cuda.init(0) != CUDA_SUCCESS)
		return;
	if (cuda.driver_version(&version) == CUDA_SUCCESS) /* 12040 for 12.4. */
		printf("driver %d %d\n", version / 1000, version % 1000 / 10);
	if (cuda.device_count(&n) != CUDA_SUCCESS)
		return;
	for (int i = 0; i < n; i++) {
		char name[96] = "GPU";
		int major, minor;

		(void)cuda.device_name(name, sizeof name - 1, i);
		if (cuda.device_attribute(&major, ATTRIBUTE_MAJOR, i) == CUDA_SUCCESS &&
			cuda.device_attribute(&minor, ATTRIBUTE_MINOR, i) == CUDA_SUCCESS)
			printf("gpu %d %d %s\n", major, minor, name);
	}
}
