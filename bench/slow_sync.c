/* A disk that takes its time: preloaded into a program, it lets every fsync(2) and fdatasync(2)
 * take CAPQ_SYNC_US microseconds longer. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void wait_longer(void)
{
	const char *text = getenv("CAPQ_SYNC_US");
	long us = text == NULL ? 0 : atol(text);
	struct timespec wait = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	(void)nanosleep(&wait, NULL);
}

static int sync_slowly(const char *name, int fd)
{
	int (*real)(int) = (int (*)(int))(intptr_t)dlsym(RTLD_NEXT, name);

	wait_longer();
	return real(fd);
}

int fsync(int fd)
{
	return sync_slowly("fsync", fd);
}

int fdatasync(int fd)
{
	return sync_slowly("fdatasync", fd);
}
