#include "daemon/pipeline/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/variant.h"
#include "lib/gpu_code_json.h"
#include "lib/mem.h"

/* A context on its way to become a variant. */
struct candidate {
	struct lookup_variant variant;
	size_t n_attrs; /* Of the packages asked for, those that are there. */
	struct capability_set set;
	struct code_unit *units;
	struct image **images; /* Of each unit. */
	size_t n_units, capacity, images_capacity;
	bool has_declared; /* The set itself is among the units. */
};

struct candidates {
	struct pipeline *p;
	const struct lookup_spec *spec;
	size_t attr; /* That is looked for. */
	struct candidate *items;
	size_t n, capacity;
};

/* ---- what it holds ---- */

static void add_unit(struct candidate *c, const struct image *images, size_t n)
{
	array_reserve(&c->units, &c->capacity, c->n_units + 1, sizeof *c->units);
	array_reserve(&c->images, &c->images_capacity, c->n_units + 1, sizeof *c->images);
	c->images[c->n_units] = xmemdup(images, n * sizeof *images);
	c->units[c->n_units] = (struct code_unit){ .images = c->images[c->n_units], .n = n };
	c->n_units++;
}

static size_t add_images(const struct gpu_code *code, uint64_t bits, enum code_kind kind,
	struct image out[GPU_ARCHS_MAX])
{
	struct gpu_arch archs[GPU_ARCHS_MAX];
	size_t n = gpu_code_list(code, bits, archs);

	for (size_t i = 0; i < n; i++)
		out[i] = (struct image){ kind,
			{ (unsigned char)(archs[i].number / 10),
				(unsigned char)(archs[i].number % 10), archs[i].suffix } };
	return n;
}

static void add_seen(struct candidate *c, const char *kinds)
{
	cleanup_json struct json *json = NULL;
	struct gpu_code code = { .n_archs = 0 };

	if (json_parse(kinds, strlen(kinds), &json, NULL) == 0)
		(void)gpu_kinds_from_json(json, &code, NULL); /* It was written by us. */
	for (size_t i = 0; i < code.n_units; i++) {
		const struct gpu_unit *unit = &code.units[i];
		struct image images[2 * GPU_ARCHS_MAX];
		size_t n;

		if (i > 0 && memcmp(unit, unit - 1, sizeof *unit) == 0)
			continue; /* Those of a kind are behind each other. */
		n = add_images(&code, unit->sass, CODE_SASS, images);
		n += add_images(&code, unit->ptx, CODE_PTX, images + n);
		if (n > 0) /* Else it is input for a linker. */
			add_unit(c, images, n);
	}
	gpu_code_finish(&code);
}

static void add_declared(struct candidate *c)
{
	struct image images[SET_IMAGES_MAX];

	c->variant.is_verified = false;
	if (!c->has_declared)
		add_unit(c, images, images_of_set(&c->set, images));
	c->has_declared = true;
}

/* ---- collecting ---- */

static struct candidate *find(struct candidates *all, int64_t context_id)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].variant.context_id == context_id)
			return &all->items[i];
	return NULL;
}

static struct candidate *new_candidate(struct candidates *all, const struct variant_row *row)
{
	struct candidate *c;

	array_reserve(&all->items, &all->capacity, all->n + 1, sizeof *all->items);
	c = &all->items[all->n++];
	*c = (struct candidate){
		.variant = {
			.context_id = row->context_id,
			.caps = xstrdup(row->caps),
			.rev = xstrdup(row->rev),
			.rev_from = xstrdup(row->rev_from),
			.rev_seen_at = row->rev_seen_at,
			.is_verified = true,
		},
	};
	(void)capability_set_parse(row->caps, &c->set, NULL); /* It was checked at submit. */
	c->variant.toolkit = all->spec->toolkit;
	if (c->variant.toolkit.major == 0 && row->cuda != NULL)
		(void)cuda_version_parse(row->cuda, &c->variant.toolkit, NULL); /* "": not known. */
	return c;
}

/* The row of one package; packages are looked for one after the other. */
static struct candidate *take(struct candidates *all, const struct variant_row *row)
{
	struct candidate *c = find(all, row->context_id);

	if (c == NULL && all->attr == 0)
		c = new_candidate(all, row);
	if (c == NULL || c->n_attrs != all->attr)
		return NULL; /* Others are not there, or it is not the first of this one. */
	c->variant.job_ids[c->n_attrs++] = row->job_id;
	return c;
}

static void take_done(void *owner, const struct variant_row *row)
{
	struct candidate *c = take(owner, row);

	if (c == NULL)
		return;
	if (row->kinds != NULL)
		add_seen(c, row->kinds);
	else
		add_declared(c);
}

static void take_to_come(void *owner, const struct variant_row *row)
{
	struct candidates *all = owner;
	struct candidate *c = take(all, row);
	struct eta eta;

	if (c == NULL)
		return;
	add_declared(c);
	if (row->build_id != 0 && pipeline_eta(all->p, row->build_id, &eta) &&
		eta.done_p50 > c->variant.eta.done_p50)
		c->variant.eta = eta;
}

static void collect(struct candidates *all,
	void (*each)(struct store *, const struct variant_filter *,
		void (*)(void *, const struct variant_row *), void *),
	void (*take_row)(void *, const struct variant_row *))
{
	const struct lookup_spec *spec = all->spec;

	for (all->attr = 0; all->attr < spec->n_attrs; all->attr++) {
		const struct variant_filter filter = { spec->attrs[all->attr], spec->flavour,
			spec->system, spec->rev, spec->rev_from };

		each(pipeline_store(all->p), &filter, take_row, all);
	}
}

static void free_variant(struct lookup_variant *v)
{
	free(v->caps);
	free(v->rev);
	free(v->rev_from);
	free(v->reason);
}

static void free_units(struct candidate *c)
{
	for (size_t i = 0; i < c->n_units; i++)
		free(c->images[i]);
	free(c->images);
	free(c->units);
}

/* ---- ranking ---- */

static int compare_age(const void *left, const void *right)
{
	const struct lookup_variant *a = &((const struct candidate *)left)->variant;
	const struct lookup_variant *b = &((const struct candidate *)right)->variant;

	if (a->rev_seen_at != b->rev_seen_at)
		return a->rev_seen_at > b->rev_seen_at ? -1 : 1;
	return (a->context_id < b->context_id) - (a->context_id > b->context_id);
}

/* Those that lack a package go; newer revisions come first. */
static void keep_whole(struct candidates *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		if (all->items[i].n_attrs == all->spec->n_attrs) {
			all->items[n++] = all->items[i];
			continue;
		}
		free_units(&all->items[i]);
		free_variant(&all->items[i].variant);
	}
	all->n = n;
	array_sort(all->items, n, sizeof *all->items, compare_age);
}

static struct lookup_variant judged(const struct candidates *all, const struct candidate *c,
	const struct variant *variant, const struct fit *fit)
{
	struct lookup_variant v = c->variant;
	struct str reason = { 0 };

	v.tier = fit->tier;
	v.device = fit->device;
	if (c->n_units == 0) { /* Nothing that could be wrong. */
		v.tier = TIER_EXACT;
		str_add(&reason, "no GPU code: the same for every GPU");
	} else {
		compat_add_reason(&reason, variant, all->spec->devices, fit);
	}
	v.reason = str_take(&reason);
	return v;
}

/* Hand out the variants, best first; the candidates are used up. */
static struct lookup_variant *rank(struct candidates *all)
{
	const struct lookup_spec *spec = all->spec;
	struct lookup_variant *out = xcalloc(all->n, sizeof *out);
	cleanup_free struct variant *variants = xcalloc(all->n, sizeof *variants);
	cleanup_free struct fit *fits = xcalloc(all->n, sizeof *fits);
	cleanup_free size_t *order = xcalloc(all->n, sizeof *order);
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		variants[i] = (struct variant){ all->items[i].units, all->items[i].n_units,
			all->items[i].set.n, all->items[i].variant.toolkit };
	compat_rank(variants, all->n, spec->devices, spec->n_devices, fits, order);
	for (int has_code = 0; has_code <= 1; has_code++) /* No rule judges what has none. */
		for (size_t i = 0; i < all->n; i++)
			if ((variants[order[i]].n_units > 0) == has_code)
				out[n++] = judged(all, &all->items[order[i]], &variants[order[i]],
					&fits[order[i]]);
	for (size_t i = 0; i < all->n; i++)
		free_units(&all->items[i]);
	free(all->items);
	return out;
}

static bool may_use(const struct lookup_spec *spec, enum tier tier)
{
	return tier <= TIER_SAME_MAJOR || (tier == TIER_JIT && spec->allow_jit);
}

/* Leave the variants of the newest revision that has one that may be used. */
static void keep_newest(const struct lookup_spec *spec, struct lookup *l)
{
	const struct lookup_variant *newest = NULL;
	cleanup_free char *rev = NULL;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (may_use(spec, l->variants[i].tier) &&
			(newest == NULL || l->variants[i].rev_seen_at > newest->rev_seen_at))
			newest = &l->variants[i];
	if (newest == NULL)
		return;
	rev = xstrdup(newest->rev);
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->variants[i].rev, rev) == 0)
			l->variants[n++] = l->variants[i];
		else
			free_variant(&l->variants[i]);
	}
	l->n = n;
}

/* Of what is to come, only what would do is of use. */
static void keep_fitting(struct lookup *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_to_come; i++) {
		if (l->to_come[i].tier <= TIER_SAME_MAJOR)
			l->to_come[n++] = l->to_come[i];
		else
			free_variant(&l->to_come[i]);
	}
	l->n_to_come = n;
}

void lookup(struct pipeline *p, const struct lookup_spec *spec, struct lookup *out)
{
	struct candidates done = { .p = p, .spec = spec }, to_come = { .p = p, .spec = spec };

	*out = (struct lookup){ 0 };
	collect(&done, store_variants_each, take_done);
	keep_whole(&done);
	out->n = done.n;
	out->variants = rank(&done);
	if (spec->newest)
		keep_newest(spec, out);
	out->may_be_used = out->n > 0 && may_use(spec, out->variants[0].tier);
	if (out->may_be_used)
		return;
	collect(&to_come, store_variants_to_come, take_to_come);
	keep_whole(&to_come);
	out->n_to_come = to_come.n;
	out->to_come = rank(&to_come);
	keep_fitting(out);
}

void lookup_finish(struct lookup *lookup)
{
	for (size_t i = 0; i < lookup->n; i++)
		free_variant(&lookup->variants[i]);
	for (size_t i = 0; i < lookup->n_to_come; i++)
		free_variant(&lookup->to_come[i]);
	free(lookup->variants);
	free(lookup->to_come);
}
