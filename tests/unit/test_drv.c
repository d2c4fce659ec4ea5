/* Derivation files: those of real packages, and the edges of the syntax. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/drv.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "tests/support/fixture.h"

#define A "/nix/store/7adfd7q8ks567v0q04c7z7adlv75rspx-a"
#define B "/nix/store/8lgv7pkr7qnb4xqcjjhjjvbx610nylai-b"

/* What was read, as one text to compare. */
static void describe(const struct drv *drv, struct str *out)
{
	str_addf(out, "%s pname=%s system=%s features=%s%s%s\n", drv->name,
		drv->pname == NULL ? "-" : drv->pname, drv->system,
		drv->features == NULL ? "-" : drv->features, drv->is_fixed ? " fixed" : "",
		drv->json == NULL ? "" : " structured");
	for (size_t i = 0; i < drv->n_outputs; i++)
		str_addf(out, "  output %s %s\n", drv->outputs[i].name, drv->outputs[i].path);
	for (size_t i = 0; i < drv->n_inputs; i++) {
		str_addf(out, "  input %s", drv->inputs[i].path);
		for (const char *o = drv->inputs[i].outputs; *o != '\0'; o += strlen(o) + 1)
			str_addf(out, " %s", o);
		str_add_char(out, '\n');
	}
	for (size_t i = 0; i < drv->n_sources; i++)
		str_addf(out, "  source %s\n", drv->sources[i]);
}

static void expect(char *text, size_t len, const char *wanted)
{
	cleanup_str struct str got = { 0 };
	struct err err = { 0 };
	struct drv drv;

	if (drv_parse(text, len, &drv, &err) < 0)
		fail_msg("%s", err.text);
	describe(&drv, &got);
	assert_string_equal(str_text(&got), wanted);
	drv_finish(&drv);
	drv_finish(&drv); /* Harmless. */
}

static void real_ones(void **state)
{
	static const struct {
		const char *file, *wanted;
	} cases[] = {
		{ "drv/torch-2.5.1.drv",
			"torch-2.5.1 pname=torch system=x86_64-linux features=big-parallel\n"
			"  output dev /nix/store/2py4r2gk3s9w97jqf82q162r2rh96pqx-torch-2.5.1-dev\n"
			"  output lib /nix/store/vivl84xd8afjzxf2ypvw9wvc26kjjm5b-torch-2.5.1-lib\n"
			"  output out /nix/store/arlqfw6bxj323mj444iv3k5l04w4y6x8-torch-2.5.1\n"
			"  input /nix/store/3pycdkm5jrg3057r2ikc3xdx0xkn02db-triton-1.0.drv out\n"
			"  input /nix/store/4c2i6mb08kblsaabqg0aam1jh87h8wpk-cudnn-9.3.drv out\n"
			"  input /nix/store/8mpx85znpvffpwa2lmn0sgi4v22k5fxx-magma-1.0.drv out\n"
			"  input /nix/store/bzip66mpvfzlgw85fjkxgka2cbhn26jp-torch-src.drv out\n"
			"  input /nix/store/rj7hsgqgic75bgc60hmw0q9scjhkh3iq-cmake-1.0.drv out\n"
			"  input /nix/store/sij0rdb33ng6nbcmd6xvw4nbyl2av16w-nccl-1.0.drv out\n"
			"  input /nix/store/xa2ys9rbsq1k5r0r0vi9d79g5inszilg-numpy-1.26.drv out\n"
			"  source "
			"/nix/store/rdxbbk4axl4pqbb64ckvlqg9qmmbays1-toy-builder.sh\n" },
		{ "drv/numpy-1.26.drv",
			"numpy-1.26 pname=numpy system=x86_64-linux features=-\n"
			"  output out /nix/store/ms71qp7mfahbmrc4icy7p2k51yqfwqwj-numpy-1.26\n"
			"  input /nix/store/k2vw9i4s03mk1gyrdpq6d7259hmzrlb1-python3-3.12.7.drv "
			"out\n"
			"  input /nix/store/llrvbga81pdwqf1ijz6cajskfnaq5yn5-openblas-1.0.drv dev "
			"out\n"
			"  source "
			"/nix/store/rdxbbk4axl4pqbb64ckvlqg9qmmbays1-toy-builder.sh\n" },
		{ "drv/torch-src.drv",
			"torch-src pname=- system=x86_64-linux features=- fixed\n"
			"  output out /nix/store/qwjs6f5gahxyrwxivz257dmpnn2z7zgf-torch-src\n" },
		{ "drv/structured-2.0.drv",
			"structured-2.0 pname=structured system=x86_64-linux features=big-parallel "
			"cuda structured\n"
			"  output dev "
			"/nix/store/hrbpqpc0pkvksg2ahv9l3rnglh3b2i7x-structured-2.0-dev\n"
			"  output out "
			"/nix/store/zc6kvjvfz432aj812xyggqwwrig6w3b8-structured-2.0\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len;
		char *text = fixture_read(cases[i].file, &len);

		expect(text, len, cases[i].wanted);
		free(text);
	}
}

/* Cut off anywhere, a file is refused, and nothing beyond the cut is looked at. */
static void a_file_cut_off_is_refused(void **state)
{
	size_t len;
	cleanup_free char *whole = fixture_read("drv/torch-2.5.1.drv", &len);

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		char *text = xmalloc(cut);
		struct drv drv;
		struct err err;

		memcpy(text, whole, cut);
		assert_int_equal(drv_parse(text, cut, &drv, &err), CAPQ_EINVAL);
		assert_true(str_starts(err.text, "derivation: "));
		free(text);
	}
}

#define OUT "[(\"out\",\"" A "\",\"\",\"\")]"

static void made_by_hand(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		/* The least there can be. */
		{ "Derive(" OUT ",[],[],\"\",\"\",[],[])",
			" pname=- system= features=-\n  output out " A "\n" },
		/* Escapes: those of Nix, and any other character for itself. */
		{ "Derive(" OUT
		  ",[],[],\"\\x\\y\",\"\",[\"\\\"\"],[(\"name\",\"\\n\\r\\t\\\"\\\\\")])",
			"\n\r\t\"\\ pname=- system=xy features=-\n  output out " A "\n" },
		/* Several outputs of one input; a source that is a derivation file. */
		{ "Derive(" OUT ",[(\"" A ".drv\",[\"dev\",\"l\\\\ib\",\"out\"])],[\"" B
		  ".drv\",\"" B "\"],\"s\",\"b\",[\"x\",\"y\"],[])",
			" pname=- system=s features=-\n  output out " A "\n  input " A
			".drv dev l\\ib out\n  source " B ".drv\n  source " B "\n" },
		/* An empty list of features is none. */
		{ "Derive(" OUT ",[],[],\"s\",\"b\",[],[(\"requiredSystemFeatures\",\"\")])",
			" pname=- system=s features=-\n  output out " A "\n" },
		/* Structured attributes: other types, and what is no JSON, say nothing. */
		{ "Derive(" OUT ",[],[],\"s\",\"b\",[],[(\"__json\",\"{\\\"name\\\":\\\"n\\\","
		  "\\\"pname\\\":1,\\\"requiredSystemFeatures\\\":\\\"kvm\\\"}\")])",
			"n pname=- system=s features=kvm structured\n  output out " A "\n" },
		{ "Derive(" OUT
		  ",[],[],\"s\",\"b\",[],[(\"__json\",\"{\\\"requiredSystemFeatures\\\":"
		  "[1,\\\"a\\\",[],\\\"b\\\"]}\")])",
			" pname=- system=s features=a b structured\n  output out " A "\n" },
		{ "Derive(" OUT ",[],[],\"s\",\"b\",[],[(\"name\",\"n\"),(\"__json\",\"{}\")])",
			"n pname=- system=s features=- structured\n  output out " A "\n" },
		{ "Derive(" OUT ",[],[],\"s\",\"b\",[],[(\"name\",\"n\"),(\"__json\",\"{x\")])",
			"n pname=- system=s features=- structured\n  output out " A "\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *text = xstrdup(cases[i].text);

		expect(text, strlen(text), cases[i].wanted);
	}
}

/* An @ stands where the error is found; it is taken out before the text is read. */
static void refused_with_the_place(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "@", "expected 'Derive('" },
		{ "@hello", "expected 'Derive('" },
		{ "@Derive (" OUT ",[],[],\"\",\"\",[],[])", "expected 'Derive('" },
		{ "@DrvWithVersion(\"xp-dyn-drv\",[],[],[],\"\",\"\",[],[])",
			"a dynamic derivation, which is not supported," },
		{ "Derive(@x", "expected '['" },
		{ "Derive([@x", "expected '('" },
		{ "Derive([],[],[],\"\",\"\",[],[])@", "no outputs" },
		{ "Derive([(\"out\",\"\",\"r:sha256\",\"\")@],[],[],\"\",\"\",[],[])",
			"an output without a path (content-addressed) is not supported" },
		{ "Derive([(\"out\",\"/tmp/x\",\"\",\"\")@],[],[],\"\",\"\",[],[])",
			"an output that is no store path" },
		{ "Derive([(\"\",\"" A "\",\"\",\"\")@],[],[],\"\",\"\",[],[])",
			"an output without a name" },
		{ "Derive(" OUT ",[(\"" A "\"@,[\"out\"])],[],\"\",\"\",[],[])",
			"an input that is no derivation" },
		{ "Derive(" OUT ",[(\"/tmp/x.drv\"@,[\"out\"])],[],\"\",\"\",[],[])",
			"what is no store path ends" },
		{ "Derive(" OUT ",[(\"" A ".drv\",[@])],[],\"\",\"\",[],[])",
			"an input of which no output is wanted" },
		{ "Derive(" OUT ",[(\"" A ".drv\",[\"out\",\"\"@])],[],\"\",\"\",[],[])",
			"an empty output name" },
		{ "Derive(" OUT ",[(\"" A ".drv\",[\"out\"@\"dev\"])],[],\"\",\"\",[],[])",
			"expected ','" },
		{ "Derive(" OUT ",[(\"" A ".drv\",@\"out\")],[],\"\",\"\",[],[])", "expected '['" },
		{ "Derive(" OUT ",[],[\"x\"@],\"\",\"\",[],[])", "what is no store path ends" },
		{ "Derive(" OUT ",[],[\"" A "\"@\"" B "\"],\"\",\"\",[],[])", "expected ','" },
		{ "Derive(" OUT ",[],[],@5,\"\",[],[])", "expected a string" },
		{ "Derive(" OUT ",[],[],\"\",\"\",[],[(\"a\",\"@b)])", "the string does not end" },
		{ "Derive(" OUT ",[],[],\"\",\"\",[],[(\"a\",\"@b\\", "the string does not end" },
		{ "Derive(" OUT ",[],[],\"\",\"\",[],[])@x", "something stands behind the term" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *text = xstrdup(cases[i].text);
		char *mark = strchr(text, '@');
		cleanup_free char *why =
			str_format("derivation: %s at byte %td", cases[i].why, mark - text);
		struct drv drv = { .name = "untouched" };
		struct err err;

		memmove(mark, mark + 1, strlen(mark));
		assert_int_equal(drv_parse(text, strlen(text), &drv, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, why);
		assert_string_equal(drv.name, "untouched");
	}
}

static void nuls_are_refused(void **state)
{
	char plain[] = "Derive([(\"o\0t\",", escaped[] = "Derive([(\"o\\\0t\",";
	struct drv drv;
	struct err err;

	(void)state;
	assert_int_equal(drv_parse(plain, sizeof plain - 1, &drv, &err), CAPQ_EINVAL);
	assert_string_equal(err.text, "derivation: a NUL in the string at byte 10");
	assert_int_equal(drv_parse(escaped, sizeof escaped - 1, &drv, &err), CAPQ_EINVAL);
	assert_string_equal(err.text, "derivation: a NUL in the string at byte 10");
}

/* "Derive([...n outputs...],...)" */
static char *with_outputs(size_t n)
{
	struct str s = { 0 };

	str_add(&s, "Derive([");
	for (size_t i = 0; i < n; i++)
		str_addf(&s, "%s(\"o%zu\",\"" A "\",\"\",\"\")", i == 0 ? "" : ",", i);
	str_add(&s, "],[],[],\"\",\"\",[],[])");
	return str_take(&s);
}

static void at_most_64_outputs(void **state)
{
	cleanup_free char *most = with_outputs(DRV_OUTPUTS_MAX),
			  *more = with_outputs(DRV_OUTPUTS_MAX + 1);
	struct drv drv;
	struct err err;

	(void)state;
	assert_int_equal(drv_parse(most, strlen(most), &drv, NULL), 0);
	assert_int_equal(drv.n_outputs, 64);
	assert_string_equal(drv.outputs[63].name, "o63");
	drv_finish(&drv);
	assert_int_equal(drv_parse(more, strlen(more), &drv, &err), CAPQ_EINVAL);
	assert_true(str_starts(err.text, "derivation: too many outputs at byte "));
}

static void at_most_64_mib(void **state)
{
	struct drv drv;
	struct err err;
	char text[1];

	(void)state;
	assert_int_equal(drv_parse(text, DRV_SIZE_MAX + 1, &drv, &err), CAPQ_ETOOBIG);
	assert_string_equal(err.text, "derivation: more than 67108864 bytes");
}

static void wanted_outputs(void **state)
{
	struct drv_input input = { .outputs = "dev\0out\0" };

	(void)state;
	assert_true(drv_input_names(&input, "dev"));
	assert_true(drv_input_names(&input, "out"));
	assert_false(drv_input_names(&input, "lib"));
	assert_false(drv_input_names(&input, "de"));
	assert_false(drv_input_names(&input, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_ones),
		cmocka_unit_test(a_file_cut_off_is_refused),
		cmocka_unit_test(made_by_hand),
		cmocka_unit_test(refused_with_the_place),
		cmocka_unit_test(nuls_are_refused),
		cmocka_unit_test(at_most_64_outputs),
		cmocka_unit_test(at_most_64_mib),
		cmocka_unit_test(wanted_outputs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
