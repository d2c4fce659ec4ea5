/* GPUs by name: as drivers, shops and people write them; the names that mislead; the whole table.
 */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/gpu.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "tests/support/gpu_names.h"

static int load(void **state)
{
	static struct gpu_table table;

	gpu_table_load(&table);
	*state = &table;
	return 0;
}

static int finish(void **state)
{
	gpu_table_finish(*state);
	return 0;
}

static void check_name(const struct gpu_table *table, const char *name, const char *capability)
{
	char text[CAPABILITY_TEXT_MAX];
	struct capability c;
	struct err err;

	if (gpu_find(table, name, &c, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	capability_format(c, text);
	if (strcmp(text, capability) != 0)
		fail_msg("%s is %s, not %s", name, capability, text);
}

static void names_have_capabilities(void **state)
{
	static const struct {
		const char *name, *capability;
	} cases[] = {
		/* Alike by name, and not by capability. */
		{ "Quadro RTX 6000", "7.5" },
		{ "RTX A6000", "8.6" },
		{ "RTX 6000 Ada", "8.9" },
		{ "NVIDIA RTX 6000 Ada Generation", "8.9" },
		{ "RTX PRO 6000 Blackwell", "12.0" },
		{ "RTX PRO 6000", "12.0" },
		{ "GTX TITAN X", "5.2" },
		{ "NVIDIA GeForce GTX TITAN X", "5.2" },
		{ "TITAN X", "6.1" },
		{ "NVIDIA TITAN X (Pascal)", "6.1" },
		{ "TITAN Xp", "6.1" },
		{ "NVIDIA TITAN Xp COLLECTORS EDITION", "6.1" },
		{ "TITAN V", "7.0" },
		{ "TITAN RTX", "7.5" },
		{ "MX110", "5.0" },
		{ "MX130", "5.0" },
		{ "GeForce MX130", "5.0" },
		{ "MX450", "7.5" },
		{ "MX550", "7.5" },
		{ "NVIDIA GeForce MX550", "7.5" },
		{ "MX570", "8.6" },
		{ "RTX 2050", "8.6" },
		{ "NVIDIA GeForce RTX 2060", "7.5" },
		{ "RTX 3050", "8.6" },
		{ "NVIDIA GeForce RTX 3050 Laptop GPU", "8.6" },
		{ "RTX 3050 A", "8.9" },
		{ "RTX 3050 A Laptop GPU", "8.9" },
		{ "NVIDIA GeForce RTX 3050 A Laptop GPU", "8.9" },
		{ "A100", "8.0" },
		{ "A30", "8.0" },
		{ "A800", "8.0" },
		{ "A40", "8.6" },
		{ "A16", "8.6" },
		{ "A10", "8.6" },
		{ "A2", "8.6" },
		{ "L4", "8.9" },
		{ "L20", "8.9" },
		{ "L40", "8.9" },
		{ "L40S", "8.9" },
		{ "H20", "9.0" },
		{ "H100", "9.0" },
		{ "H200", "9.0" },
		{ "H800", "9.0" },
		{ "GH200", "9.0" },
		{ "B200", "10.0" },
		{ "GB200", "10.0" },
		{ "B300", "10.3" },
		{ "GB300", "10.3" },
		{ "GB10", "12.1" },
		{ "Quadro M5000M", "5.2" }, /* NVIDIA's list says 5.0; its chip is GM204. */
		{ "Quadro M4000M", "5.2" },
		{ "Quadro M3000M", "5.2" },
		{ "Quadro M620", "5.0" }, /* GM107, listed as 5.2. */
		{ "Quadro K2200M", "5.0" },
		{ "GeForce 910M", "3.5" },
		/* As drivers decorate them. */
		{ "NVIDIA A100-SXM4-80GB", "8.0" },
		{ "NVIDIA A100-PCIE-40GB", "8.0" },
		{ "A100-SXM4-40GB", "8.0" },
		{ "NVIDIA A100 80GB PCIe", "8.0" },
		{ "NVIDIA H100 80GB HBM3", "9.0" },
		{ "NVIDIA H100 PCIe", "9.0" },
		{ "NVIDIA H200", "9.0" },
		{ "NVIDIA GH200 480GB", "9.0" },
		{ "NVIDIA B200", "10.0" },
		{ "NVIDIA GB10", "12.1" },
		{ "Tesla V100-SXM2-16GB", "7.0" },
		{ "Tesla V100-PCIE-32GB", "7.0" },
		{ "Tesla P100-PCIE-16GB", "6.0" },
		{ "Tesla T4", "7.5" },
		{ "Tesla K80", "3.7" },
		{ "NVIDIA A10G", "8.6" },
		{ "NVIDIA GeForce RTX 2080 with Max-Q Design", "7.5" },
		{ "Quadro RTX 5000 with Max-Q Design", "7.5" },
		{ "NVIDIA GeForce RTX 4090 Laptop GPU", "8.9" },
		{ "NVIDIA GeForce RTX 5090 Laptop GPU", "12.0" },
		{ "NVIDIA RTX A5000 Laptop GPU", "8.6" },
		{ "NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "12.0" },
		{ "NVIDIA GeForce GTX 1660 Ti", "7.5" },
		{ "NVIDIA GeForce GTX 960M", "5.0" },
		{ "GeForce GTX 960", "5.2" },
		{ "NVIDIA A100-SXM4-40GB MIG 1g.5gb", "8.0" },
		{ "GRID T4-8Q", "7.5" },
		{ "NVIDIA RTX A6000-48Q", "8.6" },
		{ "Orin (nvgpu)", "8.7" },
		{ "NVIDIA Thor", "11.0" },
		{ "Xavier", "7.2" },
		{ "NVIDIA Tegra X1", "5.3" },
		{ "Jetson Nano", "5.3" },
		{ "Jetson Orin Nano", "8.7" },
		{ "Jetson AGX Orin", "8.7" },
		{ "DGX Spark", "12.1" },
		{ "NVIDIA L4", "8.9" },
		{ "NVIDIA A2", "8.6" },
		{ "NVIDIA GB200", "10.0" },
		{ "NVIDIA B300 SXM6 AC", "10.3" },
		{ "NVIDIA TITAN V", "7.0" },
		{ "NVIDIA TITAN RTX", "7.5" },
		/* As people write them. */
		{ "rtx4090", "8.9" },
		{ "RTX 4090", "8.9" },
		{ "4090", "8.9" },
		{ "RTX3080Ti", "8.6" },
		{ "rtx 3080 ti", "8.6" },
		{ "RTX 3080 10 GB", "8.6" },
		{ "GTX 1080", "6.1" },
		{ "GTX 960 Mobile", "5.0" }, /* The 960M, not the 960. */
		{ "RTX4070 Super", "8.9" },
		{ "RTX 4070Ti Super", "8.9" },
		{ "A6000", "8.6" },
		{ "GeForce(R) RTX(TM) 3090", "8.6" },
		{ "V100", "7.0" },
		{ "P100", "6.0" },
		/* A chip, a capability. */
		{ "ad102", "8.9" },
		{ "GB202", "12.0" },
		{ "GB100", "10.0" },
		{ "8.6", "8.6" },
		{ "12.1", "12.1" },
		{ "13.0", "13.0" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_name(*state, cases[i].name, cases[i].capability);
}

static void every_listed_name_has_its_capability(void **state)
{
	size_t n = 0;

	for (size_t i = 0; i < n_gpu_names; i++)
		for (size_t k = 0; gpu_names[i].names[k] != NULL; k++, n++)
			check_name(*state, gpu_names[i].names[k], gpu_names[i].capability);
	assert_int_equal(n, 424);
}

static void what_is_not_sure_is_not_guessed(void **state)
{
	static const struct {
		const char *name, *why;
		int code;
	} cases[] = {
		{ "GT 1030",
			"GPU 'GT 1030' may be 3.0 (GeForce GT 1030, GK107, PCI id 0fc5) or 6.1 "
			"(GeForce GT 1030, GP108, PCI id 1d01); give the capability",
			CAPQ_EINVAL },
		{ "NVIDIA GeForce GT 730",
			"GPU 'NVIDIA GeForce GT 730' may be 3.0 (GeForce GT 730, GK107, PCI id "
			"0fc9) or 3.5 (GeForce GT 730, GK208, PCI id 1287); give the capability",
			CAPQ_EINVAL },
		{ "GT 720", NULL, CAPQ_EINVAL },
		{ "GT 730M", NULL, CAPQ_EINVAL },
		{ "GT 740M", NULL, CAPQ_EINVAL },
		{ "GTX 750 Ti", NULL, CAPQ_EINVAL },
		{ "GTX 860M", NULL, CAPQ_EINVAL },
		{ "RTX 6000",
			"GPU 'RTX 6000' may be 7.5 (Quadro RTX 6000, TU102, PCI id 1e36) or 8.9 "
			"(RTX 6000 Ada Generation, AD102, PCI id 26b1) or 12.0 (RTX PRO 6000 "
			"Blackwell Max-Q Workstation Edition, GB202, PCI id 2bb4); give the "
			"capability",
			CAPQ_EINVAL },
		{ "RTX 4000", NULL, CAPQ_EINVAL },
		{ "Blackwell", NULL, CAPQ_EINVAL },
		{ "GeForce RTX 3099",
			"no GPU 'GeForce RTX 3099' is known; did you mean 'GeForce RTX 3090'? See capq gpus",
			CAPQ_ENOTFOUND },
		{ "A1000000", "no GPU 'A1000000' is known; see capq gpus", CAPQ_ENOTFOUND },
		{ "", "no GPU '' is known; see capq gpus", CAPQ_ENOTFOUND },
		{ "NVIDIA", "no GPU 'NVIDIA' is known; see capq gpus", CAPQ_ENOTFOUND },
		{ "80GB", NULL, CAPQ_EINVAL },
		{ "sm_86", "capability 'sm_86': write it as nixpkgs does, '8.6'", CAPQ_EINVAL },
		{ "9.0a", "9.0a is a capability of code; that of a GPU is 9.0", CAPQ_EINVAL },
		{ "8.4", "capability 8.4: there is none; see capq gpus", CAPQ_EINVAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct capability c = { 77, 7, 'x' };
		struct err err = { 0 };

		assert_int_equal(gpu_find(*state, cases[i].name, &c, &err), cases[i].code);
		if (cases[i].why != NULL)
			assert_string_equal(err.text, cases[i].why);
		assert_int_equal(c.major, 77);
	}
}

/* Each line is found by its own name, unless the table says that the name is not enough. */
static void every_name_of_the_table_is_found(void **state)
{
	const struct gpu_table *table = *state;
	size_t n_ambiguous = 0;

	assert_true(table->n > 700);
	for (size_t i = 0; i < table->n; i++) {
		const struct gpu *gpu = &table->gpus[i];
		struct capability c;
		struct err err;
		int rv = gpu_find(table, gpu->name, &c, &err);

		if (gpu->is_ambiguous) {
			assert_int_equal(rv, CAPQ_EINVAL);
			n_ambiguous++;
			continue;
		}
		if (rv < 0)
			fail_msg("%s: %s", gpu->name, err.text);
		if (capability_compare(c, gpu->capability) != 0)
			fail_msg("%s is taken for another one", gpu->name);
	}
	assert_int_equal(n_ambiguous, 18);
}

static void pci_ids_are_found(void **state)
{
	const struct gpu_table *table = *state;

	assert_string_equal(gpu_by_pci_id(table, 0x2204)->name, "GeForce RTX 3090");
	assert_string_equal(gpu_by_pci_id(table, 0x1d01)->chip, "GP108");
	assert_null(gpu_by_pci_id(table, 0xffff));
	assert_null(gpu_by_pci_id(table, 0));
	/* Some ids have two names, but never two capabilities. */
	for (size_t i = 0; i < table->n; i++) {
		const struct gpu *first = gpu_by_pci_id(table, table->gpus[i].pci_id);

		assert_true(first == NULL ||
			    capability_compare(first->capability, table->gpus[i].capability) == 0);
	}
}

static void jetsons_are_found(void **state)
{
	static const char orin[] = "nvidia,p3737-0000+p3701-0000\0nvidia,tegra234",
			  other[] = "raspberrypi,4-model-b\0brcm,bcm2711",
			  longer[] = "nvidia,tegra2345\0xnvidia,tegra234";
	struct capability c;

	(void)state;
	assert_true(gpu_of_device_tree(orin, sizeof orin, &c));
	assert_int_equal(c.major * 10 + c.minor, 87);
	assert_true(gpu_of_device_tree(orin, sizeof orin - 1, &c)); /* The last NUL is missing. */
	assert_false(gpu_of_device_tree(orin, sizeof orin - 2, &c));
	assert_true(gpu_of_device_tree("nvidia,tegra264", 16, &c));
	assert_int_equal(c.major * 10 + c.minor, 110);
	assert_false(gpu_of_device_tree(other, sizeof other, &c));
	assert_false(gpu_of_device_tree(longer, sizeof longer, &c));
	assert_false(gpu_of_device_tree("", 0, &c));
}

static void patterns_match_names_chips_and_capabilities(void **state)
{
	const struct gpu *gpu = gpu_by_pci_id(*state, 0x2204);

	assert_true(gpu_matches(gpu, "3090"));
	assert_true(gpu_matches(gpu, "rtx geforce"));
	assert_true(gpu_matches(gpu, "ga102"));
	assert_true(gpu_matches(gpu, "8.6"));
	assert_true(gpu_matches(gpu, ""));
	assert_false(gpu_matches(gpu, "8"));
	assert_false(gpu_matches(gpu, "ga10"));
	assert_false(gpu_matches(gpu, "rtx 4090"));
}

static void wrong_tables_name_the_line(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "# x\n\nA\t8.0\tGA100\t20b0\tdatacenter", "line 3: expected 6 fields" },
		{ "A\t8.0\tGA100\t20b0\tdatacenter\t\t", "line 1: expected 6 fields" },
		{ "\t8.0\tGA100\t20b0\tdatacenter\t", "line 1: expected 6 fields" },
		{ "A\t80\tGA100\t20b0\tdatacenter\t",
			"line 1: capability '80': write it as nixpkgs does, '8.0'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct gpu_table table;
		struct err err;

		assert_int_equal(gpu_table_read(cases[i].text, &table, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_capabilities),
		cmocka_unit_test(every_listed_name_has_its_capability),
		cmocka_unit_test(what_is_not_sure_is_not_guessed),
		cmocka_unit_test(every_name_of_the_table_is_found),
		cmocka_unit_test(pci_ids_are_found),
		cmocka_unit_test(jetsons_are_found),
		cmocka_unit_test(patterns_match_names_chips_and_capabilities),
		cmocka_unit_test(wrong_tables_name_the_line),
	};

	return cmocka_run_group_tests(tests, load, finish);
}
