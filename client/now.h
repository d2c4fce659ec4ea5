/* The two clocks. */
#ifndef CAPQ_CLIENT_NOW_H
#define CAPQ_CLIENT_NOW_H

#include <stdint.h>

int64_t monotonic_ms(void); /* For waiting: never steps back. */
int64_t wall_ms(void);      /* Since 1970: for what people read. */

#endif
