/* Nix store paths and Nix's base 32. Pure.
 *
 * A store path is STORE_DIR/HASH-NAME, HASH 32 characters of Nix's base 32, NAME 1..211 characters
 * of [0-9a-zA-Z+._?=-]. A name may begin with a dot since Nix 2.20, but its first part, up to a
 * dash, is neither "." nor ".." (path.cc). capq supports the one store directory that binary caches
 * share, /nix/store. */
#ifndef CAPQ_LIB_STORE_PATH_H
#define CAPQ_LIB_STORE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define STORE_DIR "/nix/store"
#define STORE_HASH_LEN 32
#define STORE_PATH_MAX (sizeof STORE_DIR + STORE_HASH_LEN + 1 + 211 + 1)

/* True when `len` bytes are a whole store path, nothing behind it. */
bool store_path_is_valid(const char *path, size_t len);

/* The part behind the store directory, HASH-NAME, of a valid path. Borrowed. */
const char *store_path_base(const char *path);

/* The part behind the hash, NAME, of a valid path. Borrowed. */
const char *store_path_name(const char *path);

/* True for a valid path that ends in ".drv". */
bool store_path_is_drv(const char *path);

/* The package name of a derivation name such as "torch-2.5.1.drv" or "python3.12-numpy-1.26":
 * everything before the first dash with something behind it that is no letter, as
 * builtins.parseDrvName cuts. Writes at most `size` bytes (1 or more) with the NUL. */
void store_path_package(const char *name, char *out, size_t size);

/* Nix's base 32 of `len` bytes, 1 or more: NIX32_LEN(len) characters and a NUL to `out`. */
#define NIX32_LEN(len) (((len)*8 - 1) / 5 + 1)
void nix32_encode(const unsigned char *bytes, size_t len, char *out);

/* The reverse: the NIX32_LEN(len) characters at `text`, which must be there, into `len` bytes. What
 * follows them is not looked at. False when a character is none of the alphabet, or bits beyond the
 * end are set; `out` then is not to be used. */
bool nix32_decode(const char *text, unsigned char *out, size_t len);

#endif
