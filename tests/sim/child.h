/* Simulated children: io/child.h without a process. What a child prints and does, and when, is put
 * into it by the world (world.h) when it is started. */
#ifndef CAPQ_TESTS_SIM_CHILD_H
#define CAPQ_TESTS_SIM_CHILD_H

#include "io/child.h"

/* What it was started with. Borrowed. */
const char *const *child_argv(const struct child *child);
const char *child_input(const struct child *child);

/* From the time that child_takes() has come to, child_time(): a line on standard output or error;
 * something that it does to the world; the end. */
void child_takes(struct child *child, int64_t ms);
int64_t child_time(const struct child *child);
void child_prints(struct child *child, const char *line);
void child_complains(struct child *child, const char *line);
void child_does(struct child *child, void (*what)(void *thing), void *thing);
void child_exits(struct child *child, int status);

#endif
