/* What the kernel says of processes (proc(5)). */
#ifndef CAPQ_IO_PROC_H
#define CAPQ_IO_PROC_H

#include <stddef.h>
#include <stdint.h>

/* Memory in use, and CPU time of those descendants that ended and were waited for. 0 when there is
 * no such process. */
uint64_t proc_resident_bytes(int pid);
int64_t proc_waited_cpu_ms(int pid);

/* The children of this process's first thread, which are all when that thread alone starts some,
 * and those that it adopts as a subreaper. Returns how many; the caller frees `*out`. None when the
 * kernel keeps no such list. */
size_t proc_children(int **out);

#endif
