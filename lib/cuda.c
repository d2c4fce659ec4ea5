#include "lib/cuda.h"

#include <ctype.h>
#include <string.h>

#include "lib/mem.h"

/* ---- the tables ---- */

struct known {
	struct capability item;
	struct cuda_version first;         /* That builds for it. */
	struct cuda_version last;          /* Major 0: the newest still does. */
	struct cuda_version default_until; /* In the default set up to this one; 0: no end. */
	bool is_tegra;
	enum nixpkgs_era last_era; /* Of nixpkgs that lists it. */
};

/* From nixpkgs' pkgs/development/cuda-modules/_cuda/db/bootstrap/cuda.nix, which tests `last`
 * inclusively although its comment says otherwise. What that file does not list any more is from
 * its predecessors, cuda-modules/gpus.nix and compilers/cudatoolkit/gpus.nix. "12.7" was never
 * released and stands there for 12.8. */
static const struct known known[] = {
	{ { 3, 0, 0 }, { 10, 0 }, { 10, 2 }, { 10, 2 }, false, ERA_CUDA_MODULES },
	{ { 3, 2, 0 }, { 10, 0 }, { 10, 2 }, { 10, 2 }, true, ERA_CUDA_MODULES },
	{ { 3, 5, 0 }, { 10, 0 }, { 11, 8 }, { 11, 0 }, false, ERA_CUDA_DB },
	{ { 3, 7, 0 }, { 10, 0 }, { 11, 8 }, { 11, 0 }, false, ERA_CUDA_DB },
	{ { 5, 0, 0 }, { 10, 0 }, { 12, 9 }, { 11, 0 }, false, ERA_CUDA_DB },
	{ { 5, 2, 0 }, { 10, 0 }, { 12, 9 }, { 11, 0 }, false, ERA_CUDA_DB },
	{ { 5, 3, 0 }, { 10, 0 }, { 12, 9 }, { 0 }, true, ERA_CUDA_MODULES },
	{ { 6, 0, 0 }, { 10, 0 }, { 12, 9 }, { 12, 3 }, false, ERA_CUDA_DB },
	{ { 6, 1, 0 }, { 10, 0 }, { 12, 9 }, { 12, 3 }, false, ERA_CUDA_DB },
	{ { 6, 2, 0 }, { 10, 0 }, { 12, 9 }, { 0 }, true, ERA_CUDA_MODULES },
	{ { 7, 0, 0 }, { 10, 0 }, { 12, 9 }, { 12, 5 }, false, ERA_CUDA_DB },
	{ { 7, 2, 0 }, { 10, 0 }, { 12, 2 }, { 0 }, true, ERA_CUDA_DB },
	{ { 7, 5, 0 }, { 10, 0 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 8, 0, 0 }, { 11, 2 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 8, 6, 0 }, { 11, 2 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 8, 7, 0 }, { 11, 4 }, { 0 }, { 0 }, true, ERA_CUDA_DB },
	{ { 8, 9, 0 }, { 11, 8 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 9, 0, 0 }, { 11, 8 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 9, 0, 'a' }, { 12, 0 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 10, 0, 0 }, { 12, 7 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 10, 0, 'a' }, { 12, 7 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 10, 0, 'f' }, { 12, 9 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 10, 1, 0 }, { 12, 7 }, { 12, 9 }, { 0 }, true, ERA_CUDA_DB }, /* 11.0 since CUDA 13. */
	{ { 10, 1, 'a' }, { 12, 7 }, { 12, 9 }, { 0 }, true, ERA_CUDA_DB },
	{ { 10, 1, 'f' }, { 12, 9 }, { 12, 9 }, { 0 }, true, ERA_CUDA_DB },
	{ { 10, 3, 0 }, { 12, 9 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 10, 3, 'a' }, { 12, 9 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 10, 3, 'f' }, { 12, 9 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 11, 0, 0 }, { 13, 0 }, { 0 }, { 0 }, true, ERA_CUDA_DB },
	{ { 11, 0, 'a' }, { 13, 0 }, { 0 }, { 0 }, true, ERA_CUDA_DB },
	{ { 11, 0, 'f' }, { 13, 0 }, { 0 }, { 0 }, true, ERA_CUDA_DB },
	{ { 12, 0, 0 }, { 12, 8 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 12, 0, 'a' }, { 12, 8 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 12, 0, 'f' }, { 12, 9 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 12, 1, 0 }, { 12, 9 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 12, 1, 'a' }, { 12, 9 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
	{ { 12, 1, 'f' }, { 12, 9 }, { 0 }, { 0 }, false, ERA_CUDA_DB },
};

/* nvcc 13.0 builds for it, nixpkgs has the row commented out: no package can be asked for it. */
static const struct capability left_out = { 8, 8, 0 };

enum jetson_rule {
	JETSON_ANYHOW,    /* Nobody looks. */
	JETSON_ALONE,     /* Beside other Jetsons only, and on aarch64-linux. */
	JETSON_THOR_ALSO, /* The same, but Thor (10.1, 11.0) may stand beside server GPUs. */
};

struct era {
	const char *name;
	const char *text;
	bool obeys;                   /* `cudaCapabilities` changes anything. */
	unsigned char last_cuda;      /* Major version that it has lists for; 0: no such bound. */
	struct capability first_none; /* Lowest that it does not know yet; major 0: none. */
	bool validates;               /* Refuses by itself what its CUDA version cannot build. */
	enum jetson_rule jetson;
};

/* By nixpkgs' pull requests: 205351 began E1, 217367 E2, 256324 (cuda-modules) E3; E4 is _cuda/db,
 * since 2025-05. In early revisions of E4, Thor must stand alone too: those refuse by themselves.
 */
static const struct era eras[N_ERAS] = {
	[ERA_PER_PACKAGE] = { .name = "E0",
		.text = "cudaCapabilities is ignored in silence (until about 2023-01); packages "
			"have arguments of their own" },
	[ERA_CUDA_FLAGS] = { .name = "E1",
		.text = "fixed lists for CUDA 9 to 11; with PTX, packages that use gencode fail "
			"(nixpkgs issue 215436)",
		.obeys = true,
		.last_cuda = 11,
		.first_none = { 8, 7, 0 } },
	[ERA_GPUS_TABLE] = { .name = "E2",
		.text = "a table; what CUDA cannot build is found by nvcc",
		.obeys = true },
	[ERA_CUDA_MODULES] = { .name = "E3",
		.text = "a table with Jetsons; later ones have 9.0a in the default set, and so "
			"PTX that only Hopper takes",
		.obeys = true,
		.jetson = JETSON_ALONE },
	[ERA_CUDA_DB] = { .name = "E4",
		.text = "a data base; sets are validated at evaluation",
		.obeys = true,
		.validates = true,
		.jetson = JETSON_THOR_ALSO },
};

const char *era_name(enum nixpkgs_era era)
{
	return eras[era].name;
}

const char *era_text(enum nixpkgs_era era)
{
	return eras[era].text;
}

bool era_from_name(const char *name, enum nixpkgs_era *out)
{
	for (int i = 0; name != NULL && i < N_ERAS; i++) {
		if (strcmp(eras[i].name, name) == 0) {
			*out = (enum nixpkgs_era)i;
			return true;
		}
	}
	return false;
}

/* ---- versions ---- */

/* One or two digits at `*text`, which moves behind them. */
static bool take_number(const char **text, unsigned char *out)
{
	const char *p = *text;
	unsigned n = 0;

	while (isdigit((unsigned char)*p) && p - *text < 2)
		n = n * 10 + (unsigned)(*p++ - '0');
	*out = (unsigned char)n;
	if (p == *text)
		return false;
	*text = p;
	return true;
}

int cuda_version_parse(const char *text, struct cuda_version *out, struct err *err)
{
	const char *p = text;
	struct cuda_version v;

	if (!take_number(&p, &v.major) || v.major == 0 || *p++ != '.' ||
		!take_number(&p, &v.minor) || (*p != '\0' && *p != '.'))
		return err_set(err, CAPQ_EINVAL,
			"CUDA version '%.32s': expected one such as '12.8'", text);
	*out = v;
	return 0;
}

/* The first driver branch that speaks a CUDA version; from the release notes of the toolkits. */
static const struct {
	int64_t branch;
	struct cuda_version cuda;
} drivers[] = {
	{ 580, { 13, 0 } },
	{ 575, { 12, 9 } },
	{ 570, { 12, 8 } },
	{ 565, { 12, 7 } },
	{ 560, { 12, 6 } },
	{ 555, { 12, 5 } },
	{ 550, { 12, 4 } },
	{ 545, { 12, 3 } },
	{ 535, { 12, 2 } },
	{ 530, { 12, 1 } },
	{ 525, { 12, 0 } },
	{ 520, { 11, 8 } },
	{ 515, { 11, 7 } },
	{ 510, { 11, 6 } },
	{ 495, { 11, 5 } },
	{ 470, { 11, 4 } },
	{ 465, { 11, 3 } },
	{ 460, { 11, 2 } },
	{ 455, { 11, 1 } },
	{ 450, { 11, 0 } },
};

int cuda_driver_parse(const char *text, struct cuda_version *out, struct err *err)
{
	char branch[4] = "";
	int64_t n;

	if (strcspn(text, ".") == 3)
		memcpy(branch, text, 3);
	if (!str_to_int(branch, 450, 999, &n)) {
		if (cuda_version_parse(text, out, NULL) == 0)
			return 0;
		return err_set(err, CAPQ_EINVAL,
			"driver '%.32s': expected the CUDA version that it speaks, such as '12.8', "
			"or its own, from 450",
			text);
	}
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		if (n >= drivers[i].branch) {
			*out = drivers[i].cuda;
			break;
		}
	}
	return 0;
}

int cuda_version_compare(struct cuda_version a, struct cuda_version b)
{
	int by_major = (a.major > b.major) - (a.major < b.major);

	return by_major != 0 ? by_major : (a.minor > b.minor) - (a.minor < b.minor);
}

/* ---- what is known ---- */

static const struct known *find(struct capability item)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (capability_compare(known[i].item, item) == 0)
			return &known[i];
	return NULL;
}

bool cuda_knows(struct capability item)
{
	return find(item) != NULL;
}

static bool is_too_new(const struct known *k, struct cuda_version cuda)
{
	return cuda_version_compare(cuda, k->first) < 0;
}

static bool is_too_old(const struct known *k, struct cuda_version cuda)
{
	return k->last.major > 0 && cuda_version_compare(cuda, k->last) > 0;
}

static bool supports(const struct known *k, struct cuda_version cuda)
{
	return !is_too_new(k, cuda) && !is_too_old(k, cuda);
}

bool cuda_supports(struct cuda_version cuda, struct capability item)
{
	const struct known *k = find(item);

	return k != NULL && supports(k, cuda);
}

static bool is_default(const struct known *k, struct cuda_version cuda)
{
	bool has_ended =
		k->default_until.major > 0 && cuda_version_compare(cuda, k->default_until) > 0;

	return supports(k, cuda) && !has_ended && !k->is_tegra && k->item.suffix == '\0' &&
	       k->last_era == ERA_CUDA_DB;
}

void cuda_default_set(struct cuda_version cuda, struct capability_set *out)
{
	*out = (struct capability_set){ .ptx = true };
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (is_default(&known[i], cuda))
			(void)capability_set_add(out, known[i].item, NULL); /* They are few. */
}

void cuda_add_supported(struct str *out, struct cuda_version cuda)
{
	const char *comma = "";

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		char text[CAPABILITY_TEXT_MAX];

		if (!supports(&known[i], cuda))
			continue;
		capability_format(known[i].item, text);
		str_addf(out, "%s%s", comma, text);
		comma = ",";
	}
}

bool capability_is_tegra(struct capability item)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].item.major == item.major && known[i].item.minor == item.minor)
			return known[i].is_tegra;
	return item.major == left_out.major && item.minor == left_out.minor;
}

void cuda_jetsons(struct capability_set *out)
{
	*out = (struct capability_set){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].is_tegra)
			(void)capability_set_add(out, known[i].item, NULL); /* They are few. */
}

/* ---- refusals ---- */

/* nvcc 13.0: "The same GPU code generated for non family-specific and family-specific". */
static int check_families(const struct capability_set *set, struct err *err)
{
	for (size_t i = 0; i < set->n; i++) {
		struct capability c = set->items[i];

		for (size_t k = 0; c.suffix == '\0' && k < set->n; k++) {
			struct capability other = set->items[k];

			if (other.suffix == 'f' && other.major == c.major && other.minor == c.minor)
				return err_set(err, CAPQ_EINVAL,
					"%u.%u and %u.%uf: nvcc refuses a capability beside its "
					"family; take one of them",
					c.major, c.minor, c.major, c.minor);
		}
	}
	return 0;
}

static int refuse_unknown(struct capability item, struct err *err)
{
	char text[CAPABILITY_TEXT_MAX];

	capability_format(item, text);
	if (capability_compare(item, left_out) == 0)
		return err_set(err, CAPQ_EINVAL,
			"capability 8.8: nvcc 13 can build for it, but nixpkgs leaves it out");
	return err_set(err, CAPQ_EINVAL, "capability %s: there is none; see capq gpus", text);
}

static bool is_thor(struct capability item)
{
	return capability_is_tegra(item) && item.major >= 10;
}

static bool is_early_jetson(struct capability item)
{
	return capability_is_tegra(item) && !is_thor(item);
}

static int refuse_beside(struct capability jetson, struct capability other, struct err *err)
{
	char text[CAPABILITY_TEXT_MAX], other_text[CAPABILITY_TEXT_MAX];

	capability_format(jetson, text);
	capability_format(other, other_text);
	return err_set(err, CAPQ_EINVAL,
		"nixpkgs: %s is a Jetson's and cannot be built together with %s; submit two jobs",
		text, other_text);
}

static int check_early_jetsons(const struct capability_set *set, struct err *err)
{
	for (size_t i = 0; i < set->n; i++)
		for (size_t k = 0; is_early_jetson(set->items[i]) && k < set->n; k++)
			if (!is_early_jetson(set->items[k]))
				return refuse_beside(set->items[i], set->items[k], err);
	return 0;
}

int cuda_check_anywhere(const struct capability_set *set, struct err *err)
{
	int rv;

	for (size_t i = 0; i < set->n; i++) {
		/* A Blackwell or later that is not in the table may be in that of a newer nixpkgs.
		 */
		bool is_past = set->items[i].major < 10;

		if (is_past && !cuda_knows(set->items[i]))
			return refuse_unknown(set->items[i], err);
	}
	rv = check_early_jetsons(set, err);
	return rv < 0 ? rv : check_families(set, err);
}

static int check_era(struct capability item, const struct cuda_target *target, struct err *err)
{
	const struct era *era = &eras[target->era];
	const struct known *k = find(item);
	char text[CAPABILITY_TEXT_MAX];

	capability_format(item, text);
	if (k != NULL && target->era <= k->last_era &&
		(era->first_none.major == 0 || capability_compare(item, era->first_none) < 0))
		return 0;
	if (k == NULL && target->era == ERA_CUDA_DB)
		return err_set(err, CAPQ_EINVAL, "nixpkgs: %s is unrecognized", text);
	return err_set(
		err, CAPQ_EINVAL, "nixpkgs of that time (%s) does not know %s", era->name, text);
}

static int check_cuda(struct capability item, const struct cuda_target *target, struct err *err)
{
	const struct known *k = find(item);
	const char *who = eras[target->era].validates ? "nixpkgs" : "nvcc";
	cleanup_str struct str supported = { 0 };
	char text[CAPABILITY_TEXT_MAX];

	if (k == NULL || target->cuda.major == 0 || supports(k, target->cuda))
		return 0;
	capability_format(item, text);
	cuda_add_supported(&supported, target->cuda);
	return err_set(err, CAPQ_EINVAL, "%s: %s is too %s for CUDA %u.%u, which builds for %s",
		who, text, is_too_old(k, target->cuda) ? "old" : "new", target->cuda.major,
		target->cuda.minor, str_text(&supported));
}

/* `item` is a Jetson's; `other` may not stand beside it. */
static bool jetson_excludes(enum jetson_rule rule, struct capability item, struct capability other)
{
	if (rule == JETSON_THOR_ALSO)
		return is_thor(item) ? capability_is_tegra(other) && !is_thor(other)
				     : !capability_is_tegra(other) || is_thor(other);
	return rule == JETSON_ALONE && !capability_is_tegra(other);
}

static int check_jetson(struct capability item, const struct capability_set *set,
	const struct cuda_target *target, struct err *err)
{
	enum jetson_rule rule = eras[target->era].jetson;
	char text[CAPABILITY_TEXT_MAX];

	if (!capability_is_tegra(item) || rule == JETSON_ANYHOW)
		return 0;
	capability_format(item, text);
	if (target->system != NULL && strcmp(target->system, "aarch64-linux") != 0)
		return err_set(err, CAPQ_EINVAL,
			"nixpkgs: %s is a Jetson's and wants aarch64-linux, not %.32s", text,
			target->system);
	for (size_t i = 0; i < set->n; i++)
		if (jetson_excludes(rule, item, set->items[i]))
			return refuse_beside(item, set->items[i], err);
	return 0;
}

/* What this nixpkgs, and its CUDA version, can build for. */
static int check_item(struct capability item, const struct cuda_target *target, struct err *err)
{
	cleanup_free char *supported = NULL;
	char text[CAPABILITY_TEXT_MAX];
	int rv;

	if (target->supported != NULL && capability_set_has(target->supported, item))
		return 0;
	rv = check_era(item, target, err);
	if (rv == 0)
		rv = check_cuda(item, target, err);
	if (rv < 0 || target->supported == NULL)
		return rv;
	capability_format(item, text);
	supported = capability_set_text(target->supported);
	return err_set(err, CAPQ_EINVAL, "nixpkgs: this revision does not build for %s, but for %s",
		text, supported);
}

int cuda_check_set(
	const struct capability_set *set, const struct cuda_target *target, struct err *err)
{
	const struct era *era = &eras[target->era];
	int rv = 0;

	if (!era->obeys)
		return err_set(
			err, CAPQ_EINVAL, "nixpkgs of that time (%s): %s", era->name, era->text);
	if (era->last_cuda > 0 && target->cuda.major > era->last_cuda)
		return err_set(err, CAPQ_EINVAL,
			"nixpkgs of that time (%s) has no capabilities for CUDA %u", era->name,
			target->cuda.major);
	for (size_t i = 0; i < set->n && rv == 0; i++) {
		rv = check_item(set->items[i], target, err);
		if (rv == 0)
			rv = check_jetson(set->items[i], set, target, err);
	}
	return rv < 0 ? rv : check_families(set, err);
}
