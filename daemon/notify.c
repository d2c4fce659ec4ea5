#include "daemon/notify.h"

#ifdef CAPQ_SYSTEMD

#include <systemd/sd-daemon.h>

void notify_state(const char *state)
{
	(void)sd_notify(0, state);
}

int notify_listen_fds(void)
{
	int n = sd_listen_fds(1);

	return n > 0 ? n : 0;
}

uint64_t notify_watchdog_ms(void)
{
	uint64_t us = 0;

	return sd_watchdog_enabled(0, &us) > 0 ? us / 1000 : 0;
}

#else

void notify_state(const char *state)
{
	(void)state;
}

int notify_listen_fds(void)
{
	return 0;
}

uint64_t notify_watchdog_ms(void)
{
	return 0;
}

#endif
