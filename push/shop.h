/* What all uploads of a push have in common. */
#ifndef CAPQ_PUSH_SHOP_H
#define CAPQ_PUSH_SHOP_H

#include <uv.h>

#include "push/compress.h"

struct api;
struct budget;
struct journal;
struct sign_key;

/* All borrowed; must outlive the uploads. */
struct shop {
	uv_loop_t *loop;
	const struct api *api;
	struct budget *budget;
	struct journal *journal;    /* Of the uploads that are open. */
	const struct sign_key *key; /* NULL: the server signs. */
	enum compress_method method;
	int level;
	unsigned workers; /* That compress one large path; 0: there is no memory for any. */
};

#endif
