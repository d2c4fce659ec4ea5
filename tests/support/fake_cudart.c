/* In place of the CUDA runtime: notes which containers a library registers when it is loaded. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* "2/80 2/90;" for each container: kind and architecture of its entries. */
char fake_cudart_log[4096];

struct wrapper {
	uint32_t magic, version;
	const unsigned char *container;
	void *unused;
};

static void note(const char *format, unsigned a, unsigned b)
{
	size_t len = strlen(fake_cudart_log);

	(void)snprintf(fake_cudart_log + len, sizeof fake_cudart_log - len, format, a, b);
}

static uint64_t number(const unsigned char *at, size_t size)
{
	uint64_t n = 0;

	memcpy(&n, at, size);
	return n;
}

void **__cudaRegisterFatBinary(const struct wrapper *wrapper);
void **__cudaRegisterFatBinary(const struct wrapper *wrapper)
{
	const unsigned char *at = wrapper->container + 16, *end = at + number(at - 8, 8);

	for (; at < end; at += number(at + 4, 4) + number(at + 8, 8))
		note("%u/%u ", (unsigned)number(at, 2), (unsigned)number(at + 0x1c, 4));
	note(";", 0, 0);
	return NULL;
}

#define NOTHING(name)                                                                              \
	int name(void);                                                                            \
	int name(void)                                                                             \
	{                                                                                          \
		return 0;                                                                          \
	}

NOTHING(__cudaRegisterFatBinaryEnd)
NOTHING(__cudaUnregisterFatBinary)
NOTHING(__cudaRegisterFunction)
NOTHING(__cudaRegisterVar)
NOTHING(__cudaRegisterManagedVar)
NOTHING(__cudaInitModule)
NOTHING(__cudaPushCallConfiguration)
NOTHING(__cudaPopCallConfiguration)
NOTHING(__cudaLaunchKernel)
NOTHING(__cudaGetKernel)
