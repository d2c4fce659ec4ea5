/* Text files compiled into the program (cmake/embed.cmake). */
#ifndef CAPQ_LIB_EMBEDDED_H
#define CAPQ_LIB_EMBEDDED_H

struct embedded {
	const char *name; /* The file's name without folders; NULL behind the last. */
	const char *text;
};

extern const struct embedded embedded_schema[]; /* schema/NNNN_*.sql, in order. */
extern const struct embedded embedded_gpus[];   /* etc/gpus.tsv */
extern const struct embedded embedded_nix[];    /* daemon/pipeline/ *.nix */

#endif
