#include "lib/gpu_merge.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/gpu_code.h"
#include "lib/gpu_host.h"
#include "lib/gpu_image.h"
#include "lib/gpu_merge_layout.h"
#include "lib/host_same.h"
#include "lib/mem.h"

struct merge {
	const struct gpu_merge_input *inputs;
	size_t n;
	struct gpu_host hosts[GPU_MERGE_MAX];
	size_t n_hosts;                         /* Read so far. */
	struct gpu_merge_container *containers; /* One for each of the base. */
	bool is_more;                           /* Something has been added to the base's. */
	size_t culprit;
	struct inflater inflater;
};

/* ---- one container ---- */

static void describe(const struct fatbin_entry *entry, struct str *out)
{
	const struct gpu_arch arch = { entry->arch, entry->suffix };

	gpu_arch_add_name(out,
		entry->kind == FATBIN_PTX   ? "compute_"
		: entry->kind == FATBIN_LTO ? "lto_"
					    : "sm_",
		arch);
}

static bool is_same_kind(const struct fatbin_entry *a, const struct fatbin_entry *b)
{
	return a->kind == b->kind && a->arch == b->arch && a->suffix == b->suffix;
}

static void add_entry(struct gpu_merge_container *container, struct bytes whole)
{
	array_reserve(&container->entries, &container->capacity, container->n + 1,
		sizeof *container->entries);
	container->entries[container->n++] = whole;
	container->size += whole.size;
}

/* Read what an entry of the merged container is. It was read once, so it is well-formed. */
static void reread(struct bytes whole, struct fatbin_entry *out)
{
	uint64_t at = 0;

	(void)fatbin_next(whole, &at, out, NULL);
}

/* What is there already must be the same. */
static int add_if_new(struct merge *m, struct gpu_merge_container *container,
	const struct fatbin_entry *entry, struct err *err)
{
	cleanup_str struct str name = { 0 };

	for (size_t i = 0; i < container->n; i++) {
		struct fatbin_entry other;

		reread(container->entries[i], &other);
		if (!is_same_kind(entry, &other))
			continue;
		if (gpu_image_same(entry, &other, &m->inflater))
			return 0;
		describe(entry, &name);
		return err_set(err, CAPQ_EINVAL, "both have %s, and it differs", name.text);
	}
	add_entry(container, entry->whole);
	m->is_more = true;
	return 0;
}

/* All entries of the base, even if two are of the same kind. */
static int take_entries(struct merge *m, size_t input, size_t number, struct err *err)
{
	const struct gpu_host_container *from = &m->hosts[input].containers[number];
	struct gpu_merge_container *to = &m->containers[number];
	struct fatbin_entry entry;
	uint64_t at = 0;
	int rv;

	if (input == 0)
		to->size = from->whole.size - from->entries.size;
	while ((rv = fatbin_next(from->entries, &at, &entry, err)) > 0) {
		if (input == 0)
			add_entry(to, entry.whole);
		else
			rv = add_if_new(m, to, &entry, err);
		if (rv < 0)
			return rv;
	}
	return rv;
}

static bool has_kernels(const struct fatbin_entry *entry)
{
	return entry->kind == FATBIN_ELF || entry->kind == FATBIN_PTX;
}

static int compare_kernels(const struct fatbin_entry *first, const struct gpu_kernels *wanted,
	const struct fatbin_entry *entry, struct inflater *inflater, struct err *err)
{
	cleanup_str struct str has = { 0 }, lacks = { 0 };
	struct gpu_kernels kernels;
	bool is_in_first;
	const char *name;
	int rv = gpu_kernels_read(entry, inflater, &kernels, err);

	name = rv < 0 ? NULL : gpu_kernels_difference(wanted, &kernels, &is_in_first);
	if (name != NULL) {
		describe(is_in_first ? first : entry, &has);
		describe(is_in_first ? entry : first, &lacks);
		rv = err_set(err, CAPQ_EINVAL, "%s has the kernel %.200s, %s has not", has.text,
			name, lacks.text);
	}
	gpu_kernels_finish(&kernels);
	return rv;
}

/* Whichever image the driver picks, it has the kernels that the host launches. */
static int check_kernels(struct merge *m, size_t number, struct err *err)
{
	const struct gpu_merge_container *container = &m->containers[number];
	struct gpu_kernels wanted = { .n = 0 };
	struct fatbin_entry first, entry;
	bool any = false;
	int rv = 0;

	for (size_t i = 0; i < container->n && rv == 0; i++) {
		reread(container->entries[i], &entry);
		if (!has_kernels(&entry))
			continue;
		if (any) {
			rv = compare_kernels(&first, &wanted, &entry, &m->inflater, err);
			continue;
		}
		first = entry;
		any = true;
		rv = gpu_kernels_read(&first, &m->inflater, &wanted, err);
	}
	gpu_kernels_finish(&wanted);
	return rv;
}

static int merge_container(struct merge *m, size_t number, struct err *err)
{
	int rv = 0;

	for (size_t input = 0; input < m->n && rv == 0; input++) {
		m->culprit = input;
		rv = take_entries(m, input, number, err);
	}
	if (rv == 0)
		rv = check_kernels(m, number, err);
	if (rv < 0)
		return err_wrap(err, "container %zu (at 0x%" PRIx64 ")", number,
			(uint64_t)(m->hosts[0].containers[number].whole.at - m->inputs[0].file.at));
	return 0;
}

/* ---- hosts ---- */

static int read_hosts(struct merge *m, struct err *err)
{
	int rv = 0;

	for (size_t i = 0; i < m->n && rv == 0; i++) {
		m->culprit = i;
		m->n_hosts = i + 1;
		rv = gpu_host_read(m->inputs[i].file, &m->hosts[i], err);
	}
	return rv;
}

static int compare_containers(const struct gpu_host *a, const struct gpu_host *b, struct err *err)
{
	if (a->n_containers != b->n_containers)
		return err_set(err, CAPQ_EINVAL, "they have %zu and %zu containers",
			a->n_containers, b->n_containers);
	for (size_t i = 0; i < a->n_containers; i++)
		if (a->containers[i].section != b->containers[i].section)
			return err_set(err, CAPQ_EINVAL, "container %zu is in two sections", i);
	return 0;
}

static int compare_hosts(struct merge *m, struct err *err)
{
	int rv = 0;

	for (size_t i = 1; i < m->n && rv == 0; i++) {
		const struct store_refs refs = { m->inputs[0].hash, m->inputs[i].hash };

		m->culprit = i;
		rv = compare_containers(&m->hosts[0], &m->hosts[i], err);
		if (rv == 0)
			rv = host_same(&m->hosts[0], &m->hosts[i], refs, err);
	}
	return rv;
}

/* ---- all of it ---- */

static int check_and_collect(struct merge *m, struct err *err)
{
	int rv = read_hosts(m, err);

	if (rv == 0)
		rv = compare_hosts(m, err);
	if (rv < 0 || m->n == 1)
		return rv;
	m->containers = xcalloc(m->hosts[0].n_containers, sizeof *m->containers);
	for (size_t i = 0; i < m->hosts[0].n_containers && rv == 0; i++)
		rv = merge_container(m, i, err);
	return rv;
}

static void finish(struct merge *m)
{
	for (size_t i = 0; m->containers != NULL && i < m->hosts[0].n_containers; i++)
		free(m->containers[i].entries);
	free(m->containers);
	for (size_t i = 0; i < m->n_hosts; i++)
		gpu_host_finish(&m->hosts[i]);
	inflater_finish(&m->inflater);
	free(m);
}

int gpu_merge(const struct gpu_merge_input *inputs, size_t n, struct spliced *out,
	size_t *out_culprit, struct err *err)
{
	struct merge *m = xcalloc(1, sizeof *m);
	int rv;

	m->inputs = inputs;
	m->n = n;
	rv = check_and_collect(m, err);
	if (rv == 0) {
		m->culprit = 0;
		spliced_init(out, inputs[0].file);
		if (m->is_more)
			rv = gpu_merge_lay_out(&m->hosts[0], m->containers, out, err);
		if (rv < 0)
			spliced_finish(out);
	}
	*out_culprit = m->culprit;
	finish(m);
	return rv;
}

/* ---- the result ---- */

/* Each input has nothing that the result has not. */
static int find_all(
	const struct gpu_merge_input *result, const struct gpu_merge_input *input, struct err *err)
{
	const struct gpu_merge_input both[] = { *result, *input };
	struct spliced again;
	size_t culprit;
	int rv = gpu_merge(both, ARRAY_LEN(both), &again, &culprit, err);

	if (rv < 0)
		return rv;
	if (!spliced_is_base(&again))
		rv = err_set(err, CAPQ_EFAILED, "it lacks device code of an input");
	spliced_finish(&again);
	return rv;
}

int gpu_merge_verify(const struct gpu_merge_input *result, const struct gpu_merge_input *inputs,
	size_t n, struct err *err)
{
	struct gpu_code code;
	int rv = gpu_code_read(result->file, NULL, &code, err);

	gpu_code_finish(&code);
	for (size_t i = 0; i < n && rv == 0; i++)
		rv = find_all(result, &inputs[i], err);
	return rv;
}
