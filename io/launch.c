/* capq-launch: becomes another program that ends when its parent does.
 *
 *   capq-launch DEATH_SIGNAL PARENT_PID ADDRESS_SPACE_BYTES PROGRAM [ARGUMENT...]
 *
 * libuv has no place for code between fork and exec, so this small program is that place. It asks
 * the kernel to send it DEATH_SIGNAL when its parent dies (prctl(2), PR_SET_PDEATHSIG), which
 * survives the exec; limits its address space unless that is 0; and restores what libuv programs
 * change (signal mask, SIGPIPE). Exit status 127: the program could not be run. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static void limit_address_space(unsigned long long bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = bytes };

	if (bytes > 0 && setrlimit(RLIMIT_AS, &limit) != 0)
		perror("capq-launch: setrlimit"); /* The caller watches its memory too. */
}

int main(int argc, char **argv)
{
	sigset_t none;

	if (argc < 5) {
		(void)fputs("capq-launch: started by capqd only\n", stderr);
		return 127;
	}
	if (prctl(PR_SET_PDEATHSIG, strtol(argv[1], NULL, 10)) != 0)
		perror("capq-launch: prctl");
	if (getppid() != strtol(argv[2], NULL, 10))
		return 127; /* The parent died before the line above: nobody waits for us. */
	limit_address_space(strtoull(argv[3], NULL, 10));
	(void)sigemptyset(&none);
	(void)pthread_sigmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)execvp(argv[4], argv + 4);
	(void)fprintf(stderr, "cannot run '%s': %m\n", argv[4]);
	return 127;
}
