/* NVIDIA's container of device code, as nvcc's fatbinary writes it. Pure, bounds-checked.
 *
 *   container   u32 magic BA55ED50, u16 version 1, u16 header size, u64 size of all entries
 *   entry       u16 kind, u16 version, u32 header size, u64 payload size, u32 compressed size,
 *               u32 options, u32 ISA or ABI, u32 architecture, u32 and u32 name, u64 flags,
 *               u64 0, u64 uncompressed size; then the payload
 *
 * The format is not documented; this is what CUDA 11.8, 12.4 and 13.0 write. An entry's own header
 * size is what counts: 11.8 and 13.0 have 64 bytes, 12.4 72, and names come on top. */
#ifndef CAPQ_LIB_FATBIN_H
#define CAPQ_LIB_FATBIN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"
#include "lib/inflate.h"

#define FATBIN_MAGIC "\x50\xed\x55\xba"
#define FATBIN_MAGIC_LEN 4
#define FATBIN_HEADER_MIN 16
#define FATBIN_SIZE_AT 8   /* Where in the header the size of all entries is, */
#define FATBIN_SIZE_SIZE 8 /* of so many bytes. */

/* Sections of a host's ELF file that hold containers and nothing else; in the second they are input
 * for the device linker. */
#define FATBIN_SECTION ".nv_fatbin"
#define FATBIN_SECTION_INPUT "__nv_relfatbin"

enum fatbin_kind {
	FATBIN_PTX = 1,
	FATBIN_ELF = 2, /* SASS: a cubin, or for relocatable device code an object. */
	FATBIN_LTO = 8, /* For the linker only: never runs by itself. */
};

struct fatbin_entry {
	unsigned kind;       /* enum fatbin_kind, or one that is not known. */
	unsigned arch;       /* 86; of kinds that are not known, anything. */
	char suffix;         /* '\0', 'a' or 'f' */
	struct bytes stored; /* As in the file. */
	enum { STORED_PLAIN, STORED_LZ4, STORED_ZSTD, STORED_UNKNOWN } how;
	uint64_t size;      /* Of what is stored, once it is inflated. */
	struct bytes whole; /* The entry as it stands in the container, header and all. */
};

/* The container at the beginning of `bytes`, of `out_size` bytes in all; `out` gets its entries.
 * CAPQ_EINVAL says what is wrong with it. */
int fatbin_open(struct bytes bytes, struct bytes *out, uint64_t *out_size, struct err *err);

/* The entry at `*at` of what fatbin_open() gave; `*at`, which begins with 0, moves behind it. 0:
 * behind the last. 1: there was one. CAPQ_EINVAL says what is wrong with it. */
int fatbin_next(struct bytes entries, uint64_t *at, struct fatbin_entry *out, struct err *err);

/* An ELF entry holds code: some section .text.NAME is not empty. What is stored as more than a few
 * kilobytes, or cannot be inflated, is taken for code: the stubs that nvcc's linker step adds are
 * of a kilobyte or two, and what has only data mostly shrinks to that. */
bool fatbin_has_code(const struct fatbin_entry *entry, struct inflater *inflater);

/* An ELF entry is for the device linker, and does not run by itself; what is large, or cannot be
 * inflated, is not taken for it. */
bool fatbin_is_relocatable(const struct fatbin_entry *entry, struct inflater *inflater);

#endif
