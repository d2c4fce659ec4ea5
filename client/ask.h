/* Asking what may hang, crash or never end: in a process of its own. */
#ifndef CAPQ_CLIENT_ASK_H
#define CAPQ_CLIENT_ASK_H

/* Run `tell` in a child, which may execute another program, and return what was printed; "" when
 * that is nothing, or nothing within 20 seconds. Standard error is not seen. The caller frees. */
char *ask(void (*tell)(const void *arg), const void *arg);

#endif
