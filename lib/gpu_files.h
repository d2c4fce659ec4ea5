/* GPU code in files and whole directories. Files are mapped, never executed; a file that shrinks
 * while it is read ends the process (SIGBUS), so who cannot have that reads in a process of its
 * own. */
#ifndef CAPQ_LIB_GPU_FILES_H
#define CAPQ_LIB_GPU_FILES_H

#include "lib/err.h"
#include "lib/gpu_code.h"

struct gpu_files_reader {
	/* A file that holds GPU code. All is valid during the call only. */
	void (*on_file)(void *owner, const char *path, const struct gpu_code *code);

	/* A file or directory that cannot be read, or that is damaged. */
	void (*on_error)(void *owner, const char *path, const struct err *err);
	void *owner; /* Passed to both. */
};

/* Read the file `path`, or all files below it in the order of their names. Symbolic links are
 * followed when they are `path` itself, and nowhere below. */
void gpu_files_read(const char *path, const struct gpu_files_reader *reader);

#endif
