/* Attribute paths: which package is wanted, as nixpkgs names it. Pure.
 *
 *   python3Packages.torch            linuxPackages."nvidia_x11"            a."b.c".d
 *
 * Elements are separated by dots; one that is no Nix identifier stands in double quotes, in which
 * \" and \\ are a quote and a backslash. A path is data: it travels to Nix as a JSON list of
 * strings and is never part of an expression. */
#ifndef CAPQ_LIB_ATTR_PATH_H
#define CAPQ_LIB_ATTR_PATH_H

#include <stddef.h>

#include "lib/err.h"

#define ATTR_PATH_TEXT_MAX 256 /* Bytes of a path's text. */
#define ATTR_PATH_ELEMENTS_MAX 16

struct attr_path {
	size_t n;
	char *elements[ATTR_PATH_ELEMENTS_MAX]; /* Each points into `storage`. */
	char storage[ATTR_PATH_TEXT_MAX + ATTR_PATH_ELEMENTS_MAX];
};

/* Read `text`. CAPQ_EINVAL with a sentence naming what is wrong: nothing there, an empty element,
 * an open quote, a character that needs quotes, too long. `out` then is not to be used. */
int attr_path_parse(const char *text, struct attr_path *out, struct err *err);

/* Write the one canonical text (quotes only where needed) to `out`; it never is longer than
 * ATTR_PATH_TEXT_MAX bytes for a path that attr_path_parse() made. */
void attr_path_format(const struct attr_path *path, char out[2 * ATTR_PATH_TEXT_MAX]);

#endif
