#include "lib/fatbin.h"

#include <elf.h>
#include <inttypes.h>

#include "lib/cubin.h"
#include "lib/mem.h"

/* Where fields are. */
enum {
	CONTAINER_VERSION = 4,
	CONTAINER_HEADER_SIZE = 6,

	ENTRY_KIND = 0x00,
	ENTRY_HEADER_SIZE = 0x04,
	ENTRY_PAYLOAD_SIZE = 0x08,
	ENTRY_COMPRESSED_SIZE = 0x10,
	ENTRY_ARCH = 0x1c,
	ENTRY_FLAGS = 0x28,
	ENTRY_UNCOMPRESSED_SIZE = 0x38,
	ENTRY_HEADER_MIN = 0x40,
};

enum {
	FLAG_LZ4 = 0x2000,
	FLAG_ZSTD = 0x8000,
	FLAG_A = 0x100000,
	FLAG_F = 0x200000,
};

#define ARCH_MAX 999
/* Images without code are small, or shrink to little: nothing that is larger than both is looked
 * into. What a few bytes would become is bounded too. */
#define STUB_MAX 8192
#define STUB_STORED_MAX 4096
#define INFLATED_MAX (256 * 1024)

int fatbin_open(struct bytes bytes, struct bytes *out, uint64_t *out_size, struct err *err)
{
	uint64_t size = bytes_u64(bytes, FATBIN_SIZE_AT);
	unsigned version = bytes_u16(bytes, CONTAINER_VERSION);
	unsigned header = bytes_u16(bytes, CONTAINER_HEADER_SIZE);

	if (bytes.size < FATBIN_HEADER_MIN)
		return err_set(err, CAPQ_EINVAL, "its header is cut off");
	if (!bytes_begin(bytes, FATBIN_MAGIC, FATBIN_MAGIC_LEN))
		return err_set(err, CAPQ_EINVAL, "it has no magic number");
	if (version != 1 || header < FATBIN_HEADER_MIN)
		return err_set(err, CAPQ_EINVAL,
			"version %u with a header of %u bytes is not known", version, header);
	if (!bytes_hold(bytes, header, size))
		return err_set(err, CAPQ_EINVAL,
			"its %" PRIu64 " bytes reach beyond the end of what holds it", size);
	*out = bytes_part(bytes, header, size);
	*out_size = header + size;
	return 0;
}

static bool is_known_kind(unsigned kind)
{
	return kind == FATBIN_PTX || kind == FATBIN_ELF || kind == FATBIN_LTO;
}

static void read_payload(struct bytes payload, struct bytes header, struct fatbin_entry *out)
{
	uint64_t flags = bytes_u64(header, ENTRY_FLAGS);
	uint64_t compressed = bytes_u32(header, ENTRY_COMPRESSED_SIZE);

	out->stored = payload;
	out->size = payload.size;
	out->how = flags & FLAG_LZ4 ? STORED_LZ4 : flags & FLAG_ZSTD ? STORED_ZSTD : STORED_PLAIN;
	if (compressed == 0 && out->how == STORED_PLAIN)
		return;
	/* The payload is padded; what is compressed has an exact size. */
	out->stored = bytes_part(payload, 0, compressed);
	out->size = bytes_u64(header, ENTRY_UNCOMPRESSED_SIZE);
	if (out->how == STORED_PLAIN || out->stored.at == NULL)
		out->how = STORED_UNKNOWN;
}

int fatbin_next(struct bytes entries, uint64_t *at, struct fatbin_entry *out, struct err *err)
{
	struct bytes rest = bytes_from(entries, *at), payload;
	uint64_t header = bytes_u32(rest, ENTRY_HEADER_SIZE);
	uint64_t size = bytes_u64(rest, ENTRY_PAYLOAD_SIZE);
	uint64_t flags = bytes_u64(rest, ENTRY_FLAGS);
	struct fatbin_entry entry = { .kind = bytes_u16(rest, ENTRY_KIND),
		.arch = bytes_u32(rest, ENTRY_ARCH),
		.suffix = flags & FLAG_A   ? 'a'
			  : flags & FLAG_F ? 'f'
					   : '\0' };

	if (rest.size == 0)
		return 0;
	if (rest.size < ENTRY_HEADER_MIN)
		return err_set(err, CAPQ_EINVAL, "the header of an entry is cut off");
	if (header < ENTRY_HEADER_MIN || !bytes_hold(rest, 0, header))
		return err_set(
			err, CAPQ_EINVAL, "an entry has a header of %" PRIu64 " bytes", header);
	payload = bytes_part(rest, header, size);
	if (payload.at == NULL)
		return err_set(err, CAPQ_EINVAL,
			"the %" PRIu64 " bytes of an entry reach beyond the container", size);
	if (is_known_kind(entry.kind) && (entry.arch == 0 || entry.arch > ARCH_MAX))
		return err_set(err, CAPQ_EINVAL, "an entry has the architecture %u", entry.arch);
	read_payload(payload, rest, &entry);
	entry.whole = bytes_part(rest, 0, header + size);
	*at += header + size;
	*out = entry;
	return 1;
}

static bool is_inflated(
	const struct fatbin_entry *entry, struct inflater *inflater, unsigned char *out)
{
	return entry->how == STORED_LZ4
		       ? inflate_lz4(entry->stored, out, (size_t)entry->size)
		       : inflate_zstd(inflater, entry->stored, out, (size_t)entry->size);
}

/* What an entry holds, inflated into `small` (of STUB_MAX bytes) or memory that the caller frees.
 * False: it is too large to be looked into, or cannot be inflated. */
static bool open_image(const struct fatbin_entry *entry, struct inflater *inflater,
	unsigned char *small, unsigned char **memory, struct bytes *out)
{
	unsigned char *to = small;

	*out = entry->stored;
	if (entry->how == STORED_PLAIN)
		return true;
	if (entry->how == STORED_UNKNOWN || entry->size > INFLATED_MAX ||
		(entry->size > STUB_MAX && entry->stored.size > STUB_STORED_MAX))
		return false;
	if (entry->size > STUB_MAX)
		to = *memory = xmalloc((size_t)entry->size);
	*out = (struct bytes){ to, entry->size };
	return is_inflated(entry, inflater, to);
}

bool fatbin_has_code(const struct fatbin_entry *entry, struct inflater *inflater)
{
	unsigned char small[STUB_MAX];
	cleanup_free unsigned char *memory = NULL;
	struct bytes image;

	return !open_image(entry, inflater, small, &memory, &image) || cubin_has_code(image);
}

bool fatbin_is_relocatable(const struct fatbin_entry *entry, struct inflater *inflater)
{
	unsigned char small[STUB_MAX];
	cleanup_free unsigned char *memory = NULL;
	struct bytes image;
	struct elf elf;

	return open_image(entry, inflater, small, &memory, &image) && elf_read(image, &elf) &&
	       elf.type == ET_REL;
}
