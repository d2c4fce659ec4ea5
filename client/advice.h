/* Which of several capability sets is right for some GPUs, and what to do when none is. Pure: the
 * rules are lib/compat.h's, the words are here. */
#ifndef CAPQ_CLIENT_ADVICE_H
#define CAPQ_CLIENT_ADVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/output.h"
#include "lib/compat.h"

struct asked_gpu {
	char *name; /* As asked for, or as the machine calls it. */
	struct capability capability;
};

struct question {
	struct asked_gpu *gpus;
	size_t n_gpus;
	struct capability_set *sets;
	size_t n_sets;
	struct cuda_version driver;  /* Major 0: not known. */
	struct cuda_version toolkit; /* That makes the variants; major 0: not known. */
	bool allow_jit;
};

enum verdict { VERDICT_USE, VERDICT_JIT, VERDICT_NONE };

struct advice {
	enum verdict verdict;
	const struct capability_set *best; /* Of the question; NULL: none may be used. */
	struct ranked_set {
		const struct capability_set *set;
		enum tier tier;
		char *reason;
	} * sets; /* Best first. */
	size_t n_sets;
	struct str remedy; /* Lines, each ended: what to do; empty when nothing is wanted. */
};

/* Answer `question`, which must outlive `out`. The caller ends with advice_finish(). */
void advise(const struct question *question, struct advice *out);
void advice_finish(struct advice *advice);

/* Append the two lines that make nixpkgs build a set, each with `indent` in front. */
void advice_add_snippet(struct str *out, const char *indent, const struct capability_set *set);

void advice_print(
	const struct output *output, const struct question *question, const struct advice *advice);
void advice_print_json(const struct question *question, const struct advice *advice);

#endif
