/* Which code runs where: what NVIDIA's assembler accepts, pair by pair; every set of up to three
 * capabilities on every GPU against a slow rule written for this test; and worked examples. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/compat.h"
#include "lib/mem.h"
#include "tests/support/compat_examples.h"

/* ---- PTX: all pairs, as CUDA 13.0's ptxas accepts them ---- */

static const char *const targets[] = { "75", "80", "86", "87", "88", "89", "90", "90a", "100",
	"100a", "100f", "103", "103a", "103f", "110", "110a", "110f", "120", "120a", "120f", "121",
	"121a", "121f" };

/* Row: PTX; column: real target, in the order above. */
static const char *const accepted[ARRAY_LEN(targets)] = {
	"11111111111111111111111", /* 75 */
	".1111111111111111111111", /* 80 */
	"..111111111111111111111", /* 86 */
	"...11111111111111111111", /* 87 */
	"....1111111111111111111", /* 88 */
	".....111111111111111111", /* 89 */
	"......11111111111111111", /* 90 */
	".......1...............", /* 90a */
	"........111111111111111", /* 100 */
	".........1.............", /* 100a */
	"........111111.........", /* 100f */
	"...........111111111111", /* 103 */
	"............1..........", /* 103a */
	"...........111.........", /* 103f */
	"..............111111111", /* 110 */
	"...............1.......", /* 110a */
	"..............111......", /* 110f */
	".................111111", /* 120 */
	"..................1....", /* 120a */
	".................111111", /* 120f */
	"....................111", /* 121 */
	".....................1.", /* 121a */
	"....................111", /* 121f */
};

static struct capability capability(const char *text)
{
	struct capability c;

	assert_int_equal(capability_parse(text, &c, NULL), 0);
	return c;
}

/* "100a" as 10.0a. */
static struct capability target(const char *name)
{
	size_t digits = strspn(name, "0123456789");
	cleanup_free char *text =
		str_format("%.*s.%c%s", (int)digits - 1, name, name[digits - 1], name + digits);

	return capability(text);
}

static struct fit judge(struct image image, struct capability device)
{
	const struct code_unit unit = { &image, 1 };
	const struct variant variant = { .units = &unit, .n_units = 1, .n_capabilities = 1 };
	const struct device alone = { .capability = device };
	struct fit fit;

	compat_judge(&variant, &alone, 1, &fit);
	return fit;
}

/* A GPU takes what is assembled for its number with any suffix. */
static bool is_accepted(size_t ptx, struct capability device)
{
	for (size_t t = 0; t < ARRAY_LEN(targets); t++) {
		struct capability real = target(targets[t]);

		if (real.major == device.major && real.minor == device.minor &&
			accepted[ptx][t] == '1')
			return true;
	}
	return false;
}

static void ptx_is_taken_as_by_the_assembler(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_LEN(targets); p++) {
		for (size_t t = 0; t < ARRAY_LEN(targets); t++) {
			struct capability device = target(targets[t]);
			struct fit fit;

			device.suffix = '\0';
			fit = judge((struct image){ CODE_PTX, target(targets[p]) }, device);
			assert_int_equal(fit.tier, is_accepted(p, device) ? TIER_JIT : TIER_NO);
		}
	}
}

/* ---- sets: all of up to three, against a slow rule ---- */

static const char *const all[] = { "3.0", "3.2", "3.5", "3.7", "5.0", "5.2", "5.3", "6.0", "6.1",
	"6.2", "7.0", "7.2", "7.5", "8.0", "8.6", "8.7", "8.8", "8.9", "9.0", "9.0a", "10.0",
	"10.0a", "10.0f", "10.1", "10.1a", "10.1f", "10.3", "10.3a", "10.3f", "11.0", "11.0a",
	"11.0f", "12.0", "12.0a", "12.0f", "12.1", "12.1a", "12.1f" };

/* Every pair of SASS and GPU that works, written out: the code, and behind it the GPUs. */
static const char *const runs[] = {
	"3.0 3.0 3.5 3.7",
	"3.2 3.2",
	"3.5 3.5 3.7",
	"3.7 3.7",
	"5.0 5.0 5.2",
	"5.2 5.2",
	"5.3 5.3",
	"6.0 6.0 6.1",
	"6.1 6.1",
	"6.2 6.2",
	"7.0 7.0 7.5",
	"7.2 7.2",
	"7.5 7.5",
	"8.0 8.0 8.6 8.9",
	"8.6 8.6 8.9",
	"8.7 8.7",
	"8.8 8.8",
	"8.9 8.9",
	"9.0 9.0",
	"9.0a 9.0",
	"10.0 10.0 10.3",
	"10.0a 10.0",
	"10.0f 10.0 10.3",
	"10.1 10.1 11.0",
	"10.1a 10.1",
	"10.1f 10.1",
	"10.3 10.3",
	"10.3a 10.3",
	"10.3f 10.3",
	"11.0 10.1 11.0",
	"11.0a 11.0",
	"11.0f 11.0",
	"12.0 12.0 12.1",
	"12.0a 12.0",
	"12.0f 12.0 12.1",
	"12.1 12.1",
	"12.1a 12.1",
	"12.1f 12.1",
};

/* `words` holds `word` behind its first one. */
static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = strchr(words, ' '); p != NULL; p = strchr(p + 1, ' '))
		if (strncmp(p + 1, word, len) == 0 && (p[1 + len] == ' ' || p[1 + len] == '\0'))
			return true;
	return false;
}

static bool slow_sass_runs(const char *code, const char *device)
{
	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		size_t len = strcspn(runs[i], " ");

		if (strlen(code) == len && memcmp(runs[i], code, len) == 0)
			return has_word(runs[i], device);
	}
	fail();
	return false;
}

static bool slow_ptx_runs(const char *code, const char *device)
{
	char suffix = code[strlen(code) - 1];

	if (suffix == 'a' || suffix == 'f') /* As its SASS. */
		return slow_sass_runs(code, device);
	return strtod(code, NULL) <= strtod(device, NULL);
}

/* Digits alike, whatever the suffix; Thor's old and new number are one. */
static bool slow_is_exact(const char *code, const char *device)
{
	size_t len = strspn(code, "0123456789.");

	return (strlen(device) == len && memcmp(code, device, len) == 0) ||
	       (strcmp(code, "10.1") == 0 && strcmp(device, "11.0") == 0) ||
	       (strcmp(code, "11.0") == 0 && strcmp(device, "10.1") == 0);
}

static enum tier slow_tier(const char *const *set, size_t n, bool ptx, const char *device)
{
	enum tier best = TIER_NO;

	if (ptx && slow_ptx_runs(set[n - 1], device))
		best = TIER_JIT;
	for (size_t i = 0; i < n; i++) {
		if (!slow_sass_runs(set[i], device))
			continue;
		if (slow_is_exact(set[i], device))
			return TIER_EXACT;
		best = TIER_SAME_MAJOR;
	}
	return best;
}

static void check_set(const char *const *set, size_t n)
{
	struct capability_set s = { 0 };
	struct image images[SET_IMAGES_MAX];

	for (size_t i = 0; i < n; i++)
		s.items[s.n++] = capability(set[i]);
	for (int ptx = 0; ptx < 2; ptx++) {
		struct code_unit unit = { .images = images };
		const struct variant variant = { .units = &unit, .n_units = 1 };

		s.ptx = ptx;
		unit.n = images_of_set(&s, images);
		for (size_t d = 0; d < ARRAY_LEN(all); d++) {
			const struct device device = { .capability = capability(all[d]) };
			struct fit fit;

			if (device.capability.suffix != '\0')
				continue;
			compat_judge(&variant, &device, 1, &fit);
			assert_int_equal(fit.tier, slow_tier(set, n, ptx, all[d]));
		}
	}
}

static void every_set_of_up_to_three(void **state)
{
	const char *set[3];

	(void)state;
	for (size_t a = 0; a < ARRAY_LEN(all); a++) {
		set[0] = all[a];
		check_set(set, 1);
		for (size_t b = a + 1; b < ARRAY_LEN(all); b++) {
			set[1] = all[b];
			check_set(set, 2);
			for (size_t c = b + 1; c < ARRAY_LEN(all); c++) {
				set[2] = all[c];
				check_set(set, 3);
			}
		}
	}
}

/* ---- worked examples ---- */

/* A variant as text: "8.0,8.6+PTX", or "8.0,8.6 ptx 8.0" for PTX of another than the newest. */
struct sample {
	struct image images[SET_IMAGES_MAX];
	struct code_unit unit;
	struct variant variant;
};

static void make_sample(const char *text, const char *toolkit, struct sample *out)
{
	cleanup_free char *copy = xstrdup(text);
	char *ptx = strstr(copy, " ptx ");
	struct capability_set set;

	memset(out, 0, sizeof *out);
	if (ptx != NULL)
		*ptx = '\0';
	assert_int_equal(capability_set_parse(copy, &set, NULL), 0);
	out->unit.n = images_of_set(&set, out->images);
	if (ptx != NULL)
		out->images[out->unit.n++] =
			(struct image){ CODE_PTX, capability(ptx + strlen(" ptx ")) };
	out->unit.images = out->images;
	out->variant =
		(struct variant){ .units = &out->unit, .n_units = 1, .n_capabilities = set.n };
	if (toolkit != NULL)
		assert_int_equal(cuda_version_parse(toolkit, &out->variant.toolkit, NULL), 0);
}

static void check_example(const struct compat_example *e, bool is_reversed)
{
	struct device device = { .capability = capability(e->device) };
	struct sample samples[EXAMPLE_LINES_MAX];
	struct variant variants[EXAMPLE_LINES_MAX];
	struct fit fits[EXAMPLE_LINES_MAX];
	size_t order[EXAMPLE_LINES_MAX], n = 0;

	if (e->driver != NULL)
		assert_int_equal(cuda_version_parse(e->driver, &device.driver, NULL), 0);
	while (n < EXAMPLE_LINES_MAX && e->lines[n].variant != NULL)
		n++;
	for (size_t i = 0; i < n; i++) {
		size_t at = is_reversed ? n - 1 - i : i;

		make_sample(e->lines[i].variant, e->toolkit, &samples[i]);
		variants[at] = samples[i].variant;
	}
	compat_rank(variants, n, &device, 1, fits, order);
	for (size_t i = 0; i < n; i++) {
		cleanup_str struct str reason = { 0 };
		const struct fit *fit = &fits[order[i]];

		assert_int_equal(fit->tier, e->lines[i].tier);
		assert_int_equal(
			variants[order[i]].n_capabilities, samples[i].variant.n_capabilities);
		if (is_reversed)
			continue; /* Equals come out as given. */
		compat_add_reason(&reason, &variants[order[i]], &device, fit);
		assert_string_equal(reason.text, e->lines[i].reason);
	}
}

static void worked_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_compat_examples; i++) {
		check_example(&compat_examples[i], false);
		check_example(&compat_examples[i], true);
	}
}

/* ---- several units, several devices ---- */

static void the_worst_unit_decides(void **state)
{
	const struct image wide[] = { { CODE_SASS, { 8, 0, 0 } }, { CODE_SASS, { 9, 0, 0 } } },
			   narrow[] = { { CODE_SASS, { 9, 0, 'a' } } };
	const struct code_unit units[] = { { wide, 2 }, { narrow, 1 } };
	const struct variant variant = { .units = units, .n_units = 2 };
	const struct device a100 = { .capability = { 8, 0, 0 } },
			    h100 = { .capability = { 9, 0, 0 } };
	cleanup_str struct str reason = { 0 };
	struct fit fit;

	(void)state;
	compat_judge(&variant, &h100, 1, &fit);
	assert_int_equal(fit.tier, TIER_EXACT);
	compat_judge(&variant, &a100, 1, &fit);
	assert_int_equal(fit.tier, TIER_NO);
	assert_int_equal(fit.unit, 1);
	compat_add_reason(&reason, &variant, &a100, &fit);
	assert_string_equal(reason.text,
		"what 8.0 needs is present only in some units; sm_90a runs on 9.0 only");
}

static void a_variant_without_code_fits_nothing(void **state)
{
	const struct variant variant = { .n_units = 0 };
	const struct device device = { .capability = { 8, 0, 0 } };
	cleanup_str struct str reason = { 0 };
	struct fit fit;

	(void)state;
	compat_judge(&variant, &device, 1, &fit);
	assert_int_equal(fit.tier, TIER_NO);
	compat_add_reason(&reason, &variant, &device, &fit);
	assert_string_equal(reason.text, "there is no GPU code");
}

static void the_worst_device_decides(void **state)
{
	static const struct {
		const char *set;
		enum tier tier;
		size_t device;
	} cases[] = {
		{ "8.0", TIER_SAME_MAJOR, 2 },
		{ "8.0,8.6", TIER_SAME_MAJOR, 2 },
		{ "8.0,8.6,8.9", TIER_EXACT, 0 },
		{ "8.6", TIER_NO, 0 },
		{ "7.5+PTX", TIER_JIT, 2 },
	};
	const struct device devices[] = { { .capability = { 8, 0, 0 } },
		{ .capability = { 8, 6, 0 } }, { .capability = { 8, 9, 0 } } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sample sample;
		struct fit fit;

		make_sample(cases[i].set, NULL, &sample);
		compat_judge(&sample.variant, devices, 3, &fit);
		assert_int_equal(fit.tier, cases[i].tier);
		assert_int_equal(fit.device, cases[i].device);
	}
}

static void the_closest_is_never_the_nearest_number(void **state)
{
	static const struct {
		const char *supported, *device, *closest;
		bool allow_jit, is_jit;
	} cases[] = {
		{ "7.5,8.6", "8.0", NULL, false, false },
		{ "7.5,8.6", "8.0", "7.5", true, true },
		{ "7.5,8.0,8.6", "8.9", "8.6", false, false },
		{ "7.5,8.0,8.6,8.7", "8.9", "8.6", false, false },
		{ "7.5,8.0,8.6", "8.9", "8.6", true, false },
		{ "9.0,9.0a", "9.0", "9.0", false, false },
		{ "9.0a", "9.0", "9.0a", false, false },
		{ "12.0,12.0f", "12.1", "12.0", false, false },
		{ "9.0,9.0a", "10.0", "9.0", true, true },
		{ "8.0,8.6", "8.7", NULL, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct capability_set set;
		struct capability closest;
		char text[CAPABILITY_TEXT_MAX];
		bool is_jit;

		assert_int_equal(capability_set_parse(cases[i].supported, &set, NULL), 0);
		assert_int_equal(compat_closest(&set, capability(cases[i].device),
					 cases[i].allow_jit, &closest, &is_jit),
			cases[i].closest != NULL);
		if (cases[i].closest == NULL)
			continue;
		capability_format(closest, text);
		assert_string_equal(text, cases[i].closest);
		assert_int_equal(is_jit, cases[i].is_jit);
	}
}

static void tiers_have_names(void **state)
{
	(void)state;
	assert_string_equal(tier_name(TIER_EXACT), "exact");
	assert_string_equal(tier_name(TIER_SAME_MAJOR), "same-major");
	assert_string_equal(tier_name(TIER_JIT), "jit");
	assert_string_equal(tier_name(TIER_NO), "no");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ptx_is_taken_as_by_the_assembler),
		cmocka_unit_test(every_set_of_up_to_three),
		cmocka_unit_test(worked_examples),
		cmocka_unit_test(the_worst_unit_decides),
		cmocka_unit_test(a_variant_without_code_fits_nothing),
		cmocka_unit_test(the_worst_device_decides),
		cmocka_unit_test(the_closest_is_never_the_nearest_number),
		cmocka_unit_test(tiers_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
