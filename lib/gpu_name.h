/* The words of a GPU's name, however it is written. Pure.
 *
 * "NVIDIA GeForce RTX 3080 Laptop GPU", "RTX 3080 Mobile" and "rtx3080 mobile" are one name. Words
 * that only decorate are dropped; some say nothing about the capability (memory, connector, mobile)
 * and are marked, so that names can be compared with and without them. */
#ifndef CAPQ_LIB_GPU_NAME_H
#define CAPQ_LIB_GPU_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define GPU_WORDS_MAX 16
#define GPU_WORD_MAX 16

struct gpu_words {
	size_t n;
	struct gpu_word {
		char text[GPU_WORD_MAX]; /* Lower case. */
		bool is_soft;            /* Says nothing about the capability. */
	} words[GPU_WORDS_MAX];          /* Sorted, each once. */
};

/* The words of `name`. What is too long or too much is cut: no GPU is called so. */
void gpu_words_read(const char *name, struct gpu_words *out);

/* The same words, or with `hard_only` the same that are not soft. */
bool gpu_words_equal(const struct gpu_words *a, const struct gpu_words *b, bool hard_only);

/* Every word of `part`, or every one that is not soft, is in `whole`. */
bool gpu_words_within(const struct gpu_words *part, const struct gpu_words *whole, bool hard_only);

#endif
