#include "lib/gpu_host.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fatbin.h"
#include "lib/mem.h"

#define CONTAINERS_MAX 4000000

static const char *const section_names[GPU_HOST_SECTIONS] = { FATBIN_SECTION,
	FATBIN_SECTION_INPUT };

/* ---- sections ---- */

static int note_section(struct gpu_host *host, unsigned which, uint64_t index,
	const struct elf_section *header, struct err *err)
{
	if (host->sections[which].is_there)
		return err_set(err, CAPQ_EINVAL, "it has two sections %s", header->name);
	host->sections[which] = (struct gpu_host_section){ true, index, *header };
	return 0;
}

static int find_sections(struct gpu_host *host, struct err *err)
{
	int rv = 0;

	for (uint64_t i = 1; i < host->elf.n_sections && rv == 0; i++) {
		struct elf_section section = elf_section(&host->elf, i);

		for (unsigned which = 0; which < GPU_HOST_SECTIONS && rv == 0; which++)
			if (strcmp(section.name, section_names[which]) == 0)
				rv = note_section(host, which, i, &section, err);
		if (strcmp(section.name, GPU_WRAPPER_SECTION) != 0)
			continue;
		if (host->wrappers_in != 0)
			return err_set(err, CAPQ_EINVAL, "it has two sections %s", section.name);
		host->wrappers_in = i;
	}
	return rv;
}

bool gpu_host_is_device_section(const struct gpu_host *host, uint64_t index)
{
	for (unsigned which = 0; which < GPU_HOST_SECTIONS; which++)
		if (host->sections[which].is_there && host->sections[which].index == index)
			return true;
	return false;
}

bool gpu_host_is_tail(const struct gpu_host *host, uint64_t index)
{
	struct elf_segment segment = elf_segment(&host->elf, index);

	return segment.type == PT_LOAD && segment.offset == host->elf.segments_at;
}

/* ---- containers ---- */

static int add_container(
	struct gpu_host *host, unsigned which, struct bytes data, uint64_t *at, struct err *err)
{
	struct gpu_host_container container = { .section = which,
		.address = host->sections[which].header.address + *at };
	uint64_t size;
	int rv;

	if (host->n_containers == CONTAINERS_MAX)
		return err_set(
			err, CAPQ_ETOOBIG, "there are more than %d containers", CONTAINERS_MAX);
	rv = fatbin_open(bytes_from(data, *at), &container.entries, &size, err);
	if (rv < 0)
		return err_wrap(
			err, "container at 0x%" PRIx64, host->sections[which].header.offset + *at);
	container.whole = bytes_part(data, *at, size);
	array_reserve(&host->containers, &host->capacity, host->n_containers + 1,
		sizeof *host->containers);
	host->containers[host->n_containers++] = container;
	*at += size;
	return 0;
}

static int read_containers(struct gpu_host *host, unsigned which, struct err *err)
{
	const struct elf_section *section = &host->sections[which].header;
	struct bytes data = elf_section_bytes(&host->elf, section);
	uint64_t at = 0;
	int rv = 0;

	if (section->flags & SHF_COMPRESSED)
		return err_set(err, CAPQ_EINVAL, "section %s is compressed", section->name);
	if (data.size != section->size)
		return err_set(err, CAPQ_EINVAL, "section %s lies beyond the end of the file",
			section->name);
	while (rv == 0) {
		while (at < data.size && data.at[at] == 0)
			at++;
		if (at == data.size)
			break;
		rv = add_container(host, which, data, &at, err);
	}
	return rv;
}

/* ---- wrappers ---- */

/* Containers are in the order of their addresses within a section, not over both. */
size_t gpu_host_find_container(const struct gpu_host *host, uint64_t address)
{
	for (unsigned which = 0; which < GPU_HOST_SECTIONS; which++) {
		size_t low = 0, high = host->n_containers;

		while (low < high) {
			size_t middle = low + (high - low) / 2;
			const struct gpu_host_container *c = &host->containers[middle];

			if (c->section == which && c->address == address)
				return middle;
			if (c->section < which || (c->section == which && c->address < address))
				low = middle + 1;
			else
				high = middle;
		}
	}
	return GPU_HOST_NO_CONTAINER;
}

/* What stands in place is what the relocation sets, or nothing. */
static int check_word(
	const struct gpu_host *host, const struct gpu_wrapper *wrapper, uint64_t i, struct err *err)
{
	uint64_t word = bytes_u64(host->elf.file, wrapper->word_at);

	if (word == 0 || word == wrapper->pointer)
		return 0;
	return err_set(err, CAPQ_EINVAL,
		"wrapper %" PRIu64 " points to 0x%" PRIx64 ", and to 0x%" PRIx64, i,
		wrapper->pointer, word);
}

static int read_wrappers(struct gpu_host *host, struct err *err)
{
	int rv = 0;

	struct elf_section section;

	if (host->wrappers_in == 0)
		return 0;
	section = elf_section(&host->elf, host->wrappers_in);
	host->wrappers = gpu_wrappers_read(&host->elf, &section, &host->n_wrappers);
	host->points_to = xcalloc(host->n_wrappers, sizeof *host->points_to);
	for (uint64_t i = 0; i < host->n_wrappers && rv == 0; i++) {
		const struct gpu_wrapper *wrapper = &host->wrappers[i];

		host->points_to[i] = GPU_HOST_NO_CONTAINER;
		if (wrapper->version == 0)
			continue;
		host->points_to[i] = gpu_host_find_container(host, wrapper->pointer);
		if (host->points_to[i] == GPU_HOST_NO_CONTAINER)
			return err_set(err, CAPQ_EINVAL,
				"wrapper %" PRIu64 " points to 0x%" PRIx64
				", where no container is",
				i, wrapper->pointer);
		rv = check_word(host, wrapper, i, err);
	}
	return rv;
}

/* ---- all of it ---- */

int gpu_host_read(struct bytes file, struct gpu_host *out, struct err *err)
{
	int rv;

	*out = (struct gpu_host){ .n_containers = 0 };
	if (!elf_read(file, &out->elf))
		return err_set(err, CAPQ_EINVAL, "it is no ELF file of 64 bits, or cut off");
	if (out->elf.is_big || (out->elf.type != ET_DYN && out->elf.type != ET_EXEC))
		return err_set(
			err, CAPQ_EINVAL, "it is no library or program of a little-endian machine");
	if (out->elf.n_sections == 0)
		return err_set(err, CAPQ_EINVAL, "it has no table of sections");
	rv = find_sections(out, err);
	for (unsigned which = 0; which < GPU_HOST_SECTIONS && rv == 0; which++)
		if (out->sections[which].is_there)
			rv = read_containers(out, which, err);
	if (rv == 0)
		rv = read_wrappers(out, err);
	return rv;
}

void gpu_host_finish(struct gpu_host *host)
{
	free(host->containers);
	free(host->wrappers);
	free(host->points_to);
	*host = (struct gpu_host){ .n_containers = 0 };
}
