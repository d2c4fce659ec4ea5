#include "lib/nix_error.h"

#include <stddef.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"

/* In the order in which they are tried: the telling detail first, the general frame last. The
 * versions that say so stand behind each; "all" means 2.8 to 2.35 and Lix. */
static const struct {
	const char *part;
	enum failure class;
} texts[] = {
	{ "hash mismatch in fixed-output derivation", FAILURE_HASH_MISMATCH }, /* all */
	{ "unable to download", FAILURE_NETWORK },           /* all; "timed out after" may follow */
	{ "seconds of silence", FAILURE_SILENCE },           /* to 2.33, Lix */
	{ "timed out after", FAILURE_TIMEOUT },              /* all */
	{ "lack of free disk space", FAILURE_DISK_FULL },    /* all */
	{ "No space left on device", FAILURE_DISK_FULL },    /* all: strerror */
	{ "database or disk is full", FAILURE_DISK_FULL },   /* all: SQLite */
	{ "Disk quota exceeded", FAILURE_DISK_FULL },        /* all: strerror */
	{ "signal 9", FAILURE_OUT_OF_MEMORY },               /* all */
	{ "Cannot allocate memory", FAILURE_OUT_OF_MEMORY }, /* all: strerror */
	{ "out of memory", FAILURE_OUT_OF_MEMORY },          /* all */
	{ "is required to build", FAILURE_WRONG_SYSTEM },    /* to 2.28, Lix */
	{ "required system or feature not available", FAILURE_WRONG_SYSTEM }, /* 2.29 to 2.33 */
	{ "platform mismatch", FAILURE_WRONG_SYSTEM },                        /* 2.34 on */
	{ "missing system features", FAILURE_WRONG_SYSTEM },                  /* 2.34 on */
	{ "local builds are disabled", FAILURE_WRONG_SYSTEM },                /* 2.34 on */
	{ "unable to start any build", FAILURE_WRONG_SYSTEM },                /* max-jobs = 0 */
	{ "HTTP error", FAILURE_NETWORK },                                    /* all */
	{ "curl error", FAILURE_NETWORK },                                    /* all */
	{ "cannot build on", FAILURE_NETWORK },                               /* all: ssh-ng */
	{ "cannot open connection to remote store", FAILURE_NETWORK },        /* all: ssh-ng */
	{ "failed to start SSH connection", FAILURE_NETWORK },                /* 2.15 on */
	{ "Connection reset", FAILURE_NETWORK },                              /* all: strerror */
	{ "some substitutes for the outputs", FAILURE_NETWORK },              /* to 2.28, Lix */
	{ "unexpected end-of-file", FAILURE_INTERRUPTED },                    /* all */
	{ "interrupted by the user", FAILURE_INTERRUPTED },                   /* all */
	{ "requires non-existent output", FAILURE_INTERRUPTED },              /* all: GC race */
	{ "is required, but there is no substituter", FAILURE_INTERRUPTED },  /* all: GC race */
	{ "is not valid", FAILURE_INTERRUPTED },                              /* all: GC race */
	{ "is busy", FAILURE_INTERRUPTED },                                   /* all: SQLite */
	{ "cannot connect to socket", FAILURE_INTERRUPTED },                  /* all: no daemon */
	{ "cannot connect to daemon", FAILURE_INTERRUPTED },                  /* likewise */
	{ "dependencies of derivation", FAILURE_DEPENDENCY },                 /* to 2.28, Lix */
	{ "dependency failed", FAILURE_DEPENDENCY },                          /* 2.29 on */
	{ "dependencies failed", FAILURE_DEPENDENCY },                        /* 2.29 on */
	{ "failed to produce output", FAILURE_BUILD },                        /* all */
	{ "failed with exit code", FAILURE_BUILD },                           /* all */
	{ "failed due to signal", FAILURE_BUILD },                            /* all */
	{ "Cannot build", FAILURE_BUILD },                                    /* 2.29 on */
};

/* The first store path in quotes that ends in ".drv". 2.8 quotes with ', 2.34 may add outputs:
 * 'D!out', 'D^*'. */
static void find_drv(const char *text, char out[STORE_PATH_MAX])
{
	const char *at = text;

	out[0] = '\0';
	while ((at = strstr(at, STORE_DIR "/")) != NULL) {
		const char *end = strstr(at, ".drv");
		size_t len = end == NULL ? 0 : (size_t)(end - at) + 4;

		if (len > 0 && len < STORE_PATH_MAX && store_path_is_valid(at, len)) {
			memcpy(out, at, len);
			out[len] = '\0';
			return;
		}
		at++;
	}
}

/* Where the logger is not verbose, as in the Nix daemon, the end of the build's log is quoted in
 * the middle of the message, each line behind a ">". What a compiler says there is not Nix's word.
 */
static void add_without_log(struct str *out, const char *text)
{
	while (*text != '\0') {
		size_t blanks = strspn(text, " "), len = strcspn(text, "\n");

		if (text[len] == '\n')
			len++;
		if (text[blanks] != '>')
			str_add_bytes(out, text, len);
		text += len;
	}
}

void nix_error_read(const char *whole_text, bool (*is_fixed)(void *, const char *), void *owner,
	struct nix_error *out)
{
	cleanup_str struct str message = { 0 };
	const char *text;

	add_without_log(&message, whole_text);
	text = str_text(&message);
	out->class = FAILURE_NONE;
	find_drv(text, out->drv);
	if (strstr(text, "error (ignored)") != NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strstr(text, texts[i].part) != NULL) {
			out->class = texts[i].class;
			break;
		}
	}
	if (out->class == FAILURE_BUILD && out->drv[0] != '\0' && is_fixed != NULL &&
		is_fixed(owner, out->drv))
		out->class = FAILURE_NETWORK;
}

bool nix_error_is_outage(const char *text)
{
	return strstr(text, "cannot connect to socket") != NULL ||
	       strstr(text, "cannot connect to daemon") != NULL;
}
