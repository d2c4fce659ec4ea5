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

/* The capabilities of the GPUs as a set, as the toolkit calls them. */
void advice_set(const struct question *question, struct capability_set *out);

/* Append what to do when nothing may be used: lines, each ended. `what` is put behind "capq
 * submit". True: it is to have that set built. */
bool advice_add_remedy(
	struct str *out, const struct question *question, enum verdict verdict, const char *what);

/* Append "A100 (8.0), RTX 3090 (8.6)". */
void advice_add_gpus(struct str *out, const struct question *question);

/* Members of an open object: who asks, the GPUs. */
void advice_add_gpus_json(struct json_out *json, const struct question *question);

/* Append the two lines that make nixpkgs build a set, each with `indent` in front. */
void advice_add_snippet(struct str *out, const char *indent, const struct capability_set *set);

void advice_print(
	const struct output *output, const struct question *question, const struct advice *advice);
void advice_print_json(const struct question *question, const struct advice *advice);

#endif
