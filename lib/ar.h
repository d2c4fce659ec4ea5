/* Archives of object files, as ar(1) of GNU and BSD writes them; thin ones too, whose members are
 * files beside them. Pure, bounds-checked. */
#ifndef CAPQ_LIB_AR_H
#define CAPQ_LIB_AR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"

struct ar {
	struct bytes file;
	bool is_thin;
	uint64_t at;             /* Of the next header. */
	struct bytes long_names; /* GNU's member "//". */
};

#define AR_NAME_MAX 4096

struct ar_member {
	char name[AR_NAME_MAX];
	struct bytes bytes; /* Empty in a thin archive: they are in the file `name`. */
	uint64_t origin; /* In a thin archive: that file is an archive, and the member the one whose
			  * header is there; 0: it is the file itself. */
};

bool ar_is(struct bytes file);

/* Begin to read an archive. */
void ar_open(struct bytes file, struct ar *out);

/* Begin to read with the member whose header is at `at`, which origin gave. */
int ar_open_at(struct bytes file, uint64_t at, struct ar *out, struct err *err);

/* The next member; tables of symbols and names are left out. 1: there is one; 0: behind the last.
 * CAPQ_EINVAL says what is wrong. */
int ar_next(struct ar *ar, struct ar_member *out, struct err *err);

#endif
