/* A driver's library with two GPUs, for tests of client/machine.c. CAPQ_FAKE_CUDA=crash: it
 * crashes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cuInit(unsigned flags);
int cuDriverGetVersion(int *out);
int cuDeviceGetCount(int *out);
int cuDeviceGetName(char *out, int size, int device);
int cuDeviceGetAttribute(int *out, int attribute, int device);

int cuInit(unsigned flags)
{
	const char *mode = getenv("CAPQ_FAKE_CUDA");

	if (mode != NULL && strcmp(mode, "crash") == 0)
		(void)raise(SIGKILL);
	return flags == 0 ? 0 : 1;
}

int cuDriverGetVersion(int *out)
{
	*out = 12040;
	return 0;
}

int cuDeviceGetCount(int *out)
{
	*out = 2;
	return 0;
}

int cuDeviceGetName(char *out, int size, int device)
{
	(void)snprintf(out, (size_t)size, "Fake GPU %d", device);
	return 0;
}

int cuDeviceGetAttribute(int *out, int attribute, int device)
{
	if (attribute != 75 && attribute != 76)
		return 1;
	*out = attribute == 75 ? 8 : device == 0 ? 6 : 9;
	return 0;
}
