/* What systemd is told and what it hands us; nothing happens without systemd. */
#ifndef CAPQ_DAEMON_NOTIFY_H
#define CAPQ_DAEMON_NOTIFY_H

#include <stdint.h>

/* Tell the notify socket, if there is one: "READY=1", "STOPPING=1", ... */
void notify_state(const char *state);

/* How many sockets were opened for us; they are NOTIFY_FIRST_FD and up. */
#define NOTIFY_FIRST_FD 3
int notify_listen_fds(void);

/* How often the watchdog wants to hear WATCHDOG=1, in ms; 0: never. */
uint64_t notify_watchdog_ms(void);

#endif
