/* How Nix's programs are run: the words and the environment that all of them get. */
#ifndef CAPQ_DAEMON_PIPELINE_NIX_H
#define CAPQ_DAEMON_PIPELINE_NIX_H

#include "io/child.h"
#include "lib/argv.h"
#include "lib/settings.h"

struct nix {
	struct children *children;       /* Borrowed. */
	const struct settings *settings; /* Borrowed; may change between two calls. */
	char *directory;                 /* state_dir/nix: expressions, requests, Nix's caches. */
	struct argv env;                 /* HOME, XDG_CACHE_HOME and NIX_PATH of every child. */
	unsigned n_files;                /* Requests written so far. */
};

/* Make the directory and write the embedded expressions into it. */
int nix_init(struct nix *nix, struct children *children, const struct settings *settings,
	const char *state_dir, struct err *err);
void nix_finish(struct nix *nix);

enum nix_substitutes {
	NIX_NO_SUBSTITUTES,   /* Nothing is fetched. */
	NIX_WITH_SUBSTITUTES, /* From the configured substituters, which fail fast when they are
				 down. */
};

/* Begin a command line: the program, internal-json as log format, the configured options, and what
 * Nix may fetch. */
void nix_argv(const struct nix *nix, const char *program, enum nix_substitutes substitutes,
	struct argv *out);

/* The file of an embedded expression ("evaluate.nix"). The caller frees. */
char *nix_expression(const struct nix *nix, const char *name);

/* Write `json` to a new file and hand out its name, for `--argstr requestFile`: a command line's
 * word is limited to 128 KiB. The caller removes and frees it (nix_remove_request()). NULL and
 * `err` when it cannot be written. */
char *nix_write_request(struct nix *nix, const char *json, struct err *err);
void nix_remove_request(char *file); /* NULL is harmless. */

#endif
