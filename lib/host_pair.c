#include "lib/host_pair.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "lib/str.h"

struct host_place {
	uint64_t a, b, size;
};

/* ---- the table of sections ---- */

static bool is_loaded(const struct elf_section *section)
{
	return (section->flags & SHF_ALLOC) != 0;
}

static int compare_headers(const struct elf *a, const struct elf *b, struct err *err)
{
	if (a->type != b->type || a->machine != b->machine || a->flags != b->flags ||
		a->os_abi != b->os_abi || a->abi_version != b->abi_version)
		return err_set(err, CAPQ_EINVAL, "their ELF headers differ");
	if (a->n_sections != b->n_sections)
		return err_set(err, CAPQ_EINVAL, "they have %" PRIu64 " and %" PRIu64 " sections",
			a->n_sections, b->n_sections);
	return 0;
}

/* Sizes of what is not loaded, symbols and debugging, may differ. */
static int compare_sections(const struct gpu_host *host, uint64_t i, const struct elf_section *a,
	const struct elf_section *b, struct err *err)
{
	if (strcmp(a->name, b->name) != 0)
		return err_set(
			err, CAPQ_EINVAL, "section %" PRIu64 " is %s and %s", i, a->name, b->name);
	if (a->type != b->type || a->flags != b->flags || a->link != b->link ||
		(is_loaded(a) && a->info != b->info))
		return err_set(err, CAPQ_EINVAL, "section %s is of two kinds", a->name);
	if (is_loaded(a) && a->size != b->size && !gpu_host_is_device_section(host, i))
		return err_set(err, CAPQ_EINVAL, "section %s has %" PRIu64 " and %" PRIu64 " bytes",
			a->name, a->size, b->size);
	return 0;
}

static bool is_in_file(const struct elf *elf, const struct elf_section *section)
{
	return section->type == SHT_NOBITS || section->size == 0 ||
	       elf_section_bytes(elf, section).at != NULL;
}

/* Thread-local data that begins as zeros takes no place in memory. */
static bool takes_place(const struct elf_section *section)
{
	return is_loaded(section) && !(section->type == SHT_NOBITS && (section->flags & SHF_TLS));
}

static int add_section(struct host_pair *pair, uint64_t i, struct err *err)
{
	struct elf_section a = elf_section(&pair->a->elf, i), b = elf_section(&pair->b->elf, i);
	int rv = compare_sections(pair->a, i, &a, &b, err);

	if (rv < 0)
		return rv;
	if (!is_in_file(&pair->a->elf, &a) || !is_in_file(&pair->b->elf, &b))
		return err_set(
			err, CAPQ_EINVAL, "section %s lies beyond the end of the file", a.name);
	if (!takes_place(&a) || gpu_host_is_device_section(pair->a, i))
		return 0;
	array_reserve(
		&pair->places, &pair->places_capacity, pair->n_places + 1, sizeof *pair->places);
	pair->places[pair->n_places++] = (struct host_place){ a.address, b.address, a.size };
	pair->is_moved = pair->is_moved || a.address != b.address;
	return 0;
}

/* ---- segments ---- */

/* The next segment from `*i` on that no merge has added. False: there is none. */
static bool next_segment(const struct gpu_host *host, uint64_t *i, struct elf_segment *out)
{
	while (*i < host->elf.n_segments && gpu_host_is_tail(host, *i))
		++*i;
	if (*i == host->elf.n_segments)
		return false;
	*out = elf_segment(&host->elf, (*i)++);
	return true;
}

/* Whether stacks may be executed, what is read-only after relocation, thread-local data. */
static int compare_segments(const struct host_pair *pair, struct err *err)
{
	uint64_t i = 0, j = 0;
	bool has_a, has_b, is_same;

	do {
		struct elf_segment a = { 0 }, b = { 0 };

		has_a = next_segment(pair->a, &i, &a);
		has_b = next_segment(pair->b, &j, &b);
		is_same = has_a == has_b && a.type == b.type && a.flags == b.flags;
	} while (has_a && has_b && is_same);
	if (!is_same)
		return err_set(err, CAPQ_EINVAL, "their program headers differ");
	return 0;
}

/* ---- both files ---- */

static int compare_places(const void *left, const void *right)
{
	const struct host_place *x = left, *y = right;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return (x->size > y->size) - (x->size < y->size);
}

int host_pair_init(struct host_pair *pair, const struct gpu_host *a, const struct gpu_host *b,
	struct store_refs refs, struct err *err)
{
	int rv;

	*pair = (struct host_pair){ .a = a, .b = b, .refs = refs };
	rv = compare_headers(&a->elf, &b->elf, err);
	for (uint64_t i = 1; i < a->elf.n_sections && rv == 0; i++)
		rv = add_section(pair, i, err);
	if (rv == 0)
		rv = compare_segments(pair, err);
	array_sort(pair->places, pair->n_places, sizeof *pair->places, compare_places);
	if (rv == 0 && !host_pair_same(pair, a->elf.entry, b->elf.entry))
		return err_set(err, CAPQ_EINVAL, "they begin at different places");
	return rv;
}

void host_pair_finish(struct host_pair *pair)
{
	free(pair->places);
	free(pair->slots);
	*pair = (struct host_pair){ .n_places = 0 };
}

/* ---- places ---- */

/* How many places begin at `a` or before it. */
static size_t count_up_to(const struct host_pair *pair, uint64_t a)
{
	size_t low = 0, high = pair->n_places;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pair->places[middle].a <= a)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool holds(const struct host_place *place, uint64_t a)
{
	return a - place->a <= place->size;
}

/* What lies between two sections, such as what is in front of an array by a wrong index, goes with
 * either. */
static bool same_in_gap(const struct host_pair *pair, size_t n, uint64_t a, uint64_t b)
{
	const struct host_place *places = pair->places;

	if (n == 0)
		return a == b;
	return b - places[n - 1].b == a - places[n - 1].a ||
	       (n < pair->n_places && b - places[n].b == a - places[n].a);
}

bool host_pair_same(const struct host_pair *pair, uint64_t a, uint64_t b)
{
	size_t n = count_up_to(pair, a);
	bool is_in_one = false;

	/* Behind an empty section, or at the end of the one before, several may hold it. */
	for (size_t i = n; i > 0 && n - i < 4; i--) {
		const struct host_place *place = &pair->places[i - 1];

		if (!holds(place, a))
			continue;
		is_in_one = true;
		if (b - place->b == a - place->a)
			return true;
	}
	return !is_in_one && same_in_gap(pair, n, a, b);
}

/* The part of `place` that is in the page, seen in the other file, reaches into the other page. */
static bool reaches(const struct host_place *place, uint64_t a, uint64_t b, uint64_t size)
{
	uint64_t from = a > place->a ? a - place->a : 0, to = a + size - 1 - place->a;

	if (from > place->size || a + size <= place->a)
		return false;
	if (to > place->size)
		to = place->size;
	return place->b + from < b + size && place->b + to >= b;
}

bool host_pair_same_page(const struct host_pair *pair, uint64_t a, uint64_t b, uint64_t size)
{
	bool is_in_one = false;

	for (size_t i = count_up_to(pair, a + size - 1); i > 0; i--) {
		const struct host_place *place = &pair->places[i - 1];

		if (reaches(place, a, b, size))
			return true;
		if (place->a + place->size < a)
			break;
		is_in_one = true;
	}
	return !is_in_one && a == b;
}

bool host_pair_is_place(const struct host_pair *pair, uint64_t a)
{
	size_t n = count_up_to(pair, a);

	return n > 0 && holds(&pair->places[n - 1], a);
}

/* ---- slots ---- */

void host_pair_add_slot(struct host_pair *pair, uint64_t address)
{
	array_reserve(&pair->slots, &pair->slots_capacity, pair->n_slots + 1, sizeof *pair->slots);
	pair->slots[pair->n_slots++] = address;
}

static int compare_numbers(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

void host_pair_sort_slots(struct host_pair *pair)
{
	array_sort(pair->slots, pair->n_slots, sizeof *pair->slots, compare_numbers);
}

/* The slot that covers `address`; UINT64_MAX: there is none. */
static uint64_t find_slot(const struct host_pair *pair, uint64_t address)
{
	size_t low = 0, high = pair->n_slots;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pair->slots[middle] <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && address - pair->slots[low - 1] < 8 ? pair->slots[low - 1] : UINT64_MAX;
}

/* ---- bytes ---- */

struct host_section host_pair_section(const struct host_pair *pair, uint64_t index)
{
	struct elf_section a = elf_section(&pair->a->elf, index),
			   b = elf_section(&pair->b->elf, index);

	return (struct host_section){ a.name, a.address, b.address,
		elf_section_bytes(&pair->a->elf, &a), elf_section_bytes(&pair->b->elf, &b) };
}

/* The end of the slot of which the bytes at `at` are part, if both point to the same place. */
static uint64_t behind_slot(
	const struct host_pair *pair, const struct host_section *section, uint64_t at)
{
	uint64_t slot = find_slot(pair, section->address_a + at);
	uint64_t from = slot - section->address_a;

	if (slot == UINT64_MAX || !bytes_hold(section->a, from, 8) ||
		!host_pair_same(pair, bytes_u64(section->a, from), bytes_u64(section->b, from)))
		return 0;
	return from + 8;
}

int host_pair_compare_bytes(
	const struct host_pair *pair, const struct host_section *section, struct err *err)
{
	uint64_t at = 0;

	while ((at = store_refs_differ(section->a, section->b, pair->refs, at)) < section->a.size) {
		uint64_t behind = behind_slot(pair, section, at);

		if (behind == 0)
			return host_pair_refuse(section, at, err);
		at = behind;
	}
	return 0;
}

bool host_pair_equal(const struct host_pair *pair, const struct host_section *section, uint64_t at,
	uint64_t size)
{
	struct bytes a = bytes_part(section->a, 0, at + size),
		     b = bytes_part(section->b, 0, at + size);

	return store_refs_differ(a, b, pair->refs, at) >= at + size;
}

#define SHOWN 4

static void add_bytes(struct str *out, struct bytes b, uint64_t at)
{
	for (uint64_t i = at; i < b.size && i < at + SHOWN; i++)
		str_addf(out, "%s%02x", i > at ? " " : "", b.at[i]);
}

int host_pair_refuse(const struct host_section *section, uint64_t at, struct err *err)
{
	cleanup_str struct str a = { 0 }, b = { 0 };
	uint64_t shown = at;

	/* Where the same bytes mean different places, there they stand. */
	while (shown < section->a.size && section->a.at[shown] == section->b.at[shown])
		shown++;
	if (shown == section->a.size || shown - at > SHOWN * 4)
		shown = at;
	add_bytes(&a, section->a, shown);
	add_bytes(&b, section->b, shown);
	return err_set(err, CAPQ_EINVAL, "host code differs: %s+0x%" PRIx64 " is %s and %s",
		section->name, shown, str_text(&a), str_text(&b));
}
