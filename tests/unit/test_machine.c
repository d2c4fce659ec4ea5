/* Which GPUs a machine has: each witness by itself, and in which order they are asked. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/machine.h"
#include "lib/mem.h"
#include "lib/str.h"

static struct gpu_table table;

static int load(void **state)
{
	(void)state;
	gpu_table_load(&table);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	gpu_table_finish(&table);
	return 0;
}

/* A directory in the place of "/", removed at the end. */
static int make_root(void **state)
{
	char *root = xstrdup("/tmp/capq-machine-XXXXXX");

	assert_non_null(mkdtemp(root));
	*state = root;
	return 0;
}

static int remove_root(void **state)
{
	cleanup_free char *command = str_format("rm -r '%s'", (char *)*state);

	assert_int_equal(system(command), 0);
	free(*state);
	return 0;
}

/* Write a file below `root`, with the folders that lead to it. */
static void put(const char *root, const char *path, const char *bytes, size_t len, mode_t mode)
{
	cleanup_free char *whole = str_format("%s%s", root, path);
	FILE *file;

	for (char *p = strchr(whole + strlen(root) + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void)mkdir(whole, 0755);
		*p = '/';
	}
	file = fopen(whole, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(whole, mode), 0);
}

static void put_text(const char *root, const char *path, const char *text)
{
	put(root, path, text, strlen(text), 0644);
}

static void put_pci(
	const char *root, const char *device, const char *vendor, const char *id, const char *class)
{
	cleanup_free char *folder = str_format("/sys/bus/pci/devices/%s", device);
	cleanup_free char *vendor_file = str_format("%s/vendor", folder);
	cleanup_free char *id_file = str_format("%s/device", folder);
	cleanup_free char *class_file = str_format("%s/class", folder);

	put_text(root, vendor_file, vendor);
	put_text(root, id_file, id);
	put_text(root, class_file, class);
}

static const char orin[] = "nvidia,p3737-0000+p3701-0000\0nvidia,tegra234";

static void put_orin(const char *root)
{
	put(root, "/proc/device-tree/compatible", orin, sizeof orin, 0644);
	put(root, "/proc/device-tree/model", "NVIDIA Orin", sizeof "NVIDIA Orin", 0644);
}

static const char *const no_libcuda[] = { NULL };
static const char *const fake_libcuda[] = { "libnone.so.1", FAKE_LIBCUDA, NULL };

static void assert_gpu(const struct machine *machine, size_t i, const char *name, int number)
{
	assert_true(i < machine->n);
	assert_string_equal(machine->gpus[i].name, name);
	assert_int_equal(
		machine->gpus[i].capability.major * 10 + machine->gpus[i].capability.minor, number);
}

/* ---- the witnesses ---- */

static void nvidia_smi_prints_names_and_numbers(void **state)
{
	struct machine machine = { .n = 0 };

	(void)state;
	assert_int_equal(machine_from_smi("NVIDIA A100-SXM4-80GB, 8.0\n"
					  "Name, with comma, 9.0\n"
					  "NVIDIA GeForce RTX 3090, [N/A]\n"
					  "Something new, [N/A]\n"
					  "Failed to initialize NVML\n",
				 &table, &machine),
		3);
	assert_gpu(&machine, 0, "NVIDIA A100-SXM4-80GB", 80);
	assert_gpu(&machine, 1, "Name, with comma", 90);
	assert_gpu(&machine, 2, "NVIDIA GeForce RTX 3090", 86);
}

static void nvidia_smi_prints_the_cuda_version(void **state)
{
	struct cuda_version v = machine_cuda_of_smi(
		"| NVIDIA-SMI 550.54.14   Driver Version: 550.54.14   CUDA Version: 12.4     |\n");

	(void)state;
	assert_int_equal(v.major, 12);
	assert_int_equal(v.minor, 4);
	assert_int_equal(machine_cuda_of_smi("CUDA Version: N/A").major, 0);
	assert_int_equal(machine_cuda_of_smi("").major, 0);
}

static void libcuda_is_read_line_by_line(void **state)
{
	struct machine machine = { .n = 0 };

	(void)state;
	assert_int_equal(
		machine_from_libcuda(
			"driver 13 0\ngpu 12 1 NVIDIA GB10\ngpu x\n\ngpu 8 6 \n", &machine),
		2);
	assert_int_equal(machine.driver.major, 13);
	assert_gpu(&machine, 0, "NVIDIA GB10", 121);
	assert_gpu(&machine, 1, "", 86);
}

static void more_gpus_than_there_is_room_for(void **state)
{
	cleanup_str struct str text = { 0 };
	struct machine machine = { .n = 0 };

	(void)state;
	for (int i = 0; i < MACHINE_GPUS_MAX + 3; i++)
		str_add(&text, "gpu 8 0 A100\n");
	assert_int_equal(machine_from_libcuda(text.text, &machine), MACHINE_GPUS_MAX);
}

/* ---- in order ---- */

static void the_driver_is_asked_first(void **state)
{
	static const char smi[] = "#!/bin/sh\n"
				  "case $1 in\n"
				  "--query-gpu=name,compute_cap) echo 'Smi GPU, 7.5' ;;\n"
				  "'') echo 'CUDA Version: 12.6' ;;\n"
				  "esac\n";
	cleanup_free char *program = str_format("%s/smi", (char *)*state);
	const struct machine_place place = { *state, program, fake_libcuda };
	struct machine machine;

	put(*state, "/smi", smi, strlen(smi), 0755);
	put_pci(*state, "0000:01:00.0", "0x10de\n", "0x2204\n", "0x030000\n");
	put_orin(*state);
	assert_int_equal(machine_read(&place, &table, &machine, NULL), 0);
	assert_int_equal(machine.n, 1);
	assert_gpu(&machine, 0, "Smi GPU", 75);
	assert_int_equal(machine.driver.minor, 6);
}

static void then_its_library(void **state)
{
	const struct machine_place place = { *state, "/nowhere/smi", fake_libcuda };
	struct machine machine;

	put_pci(*state, "0000:01:00.0", "0x10de\n", "0x2204\n", "0x030000\n");
	assert_int_equal(machine_read(&place, &table, &machine, NULL), 0);
	assert_int_equal(machine.n, 2);
	assert_gpu(&machine, 0, "Fake GPU 0", 86);
	assert_gpu(&machine, 1, "Fake GPU 1", 89);
	assert_int_equal(machine.driver.major, 12);
	assert_int_equal(machine.driver.minor, 4);
}

static void then_the_bus(void **state)
{
	const struct machine_place place = { *state, "/nowhere/smi", fake_libcuda };
	struct machine machine;

	put_pci(*state, "0000:00:02.0", "0x8086\n", "0x2204\n",
		"0x030000\n"); /* Of another maker. */
	put_pci(*state, "0000:01:00.0", "0x10de\n", "0x2204\n", "0x030000\n");
	put_pci(*state, "0000:01:00.1", "0x10de\n", "0x1aef\n", "0x040300\n"); /* Its sound. */
	put_pci(*state, "0000:02:00.0", "0x10de\n", "0x20b5\n", "0x030200\n");
	put_orin(*state);
	assert_int_equal(setenv("CAPQ_FAKE_CUDA", "crash", 1), 0); /* It takes nobody with it. */
	assert_int_equal(machine_read(&place, &table, &machine, NULL), 0);
	assert_int_equal(unsetenv("CAPQ_FAKE_CUDA"), 0);
	assert_int_equal(machine.n, 2);
	assert_gpu(&machine, 0, "GeForce RTX 3090", 86);
	assert_gpu(&machine, 1, "A100 PCIe 80GB", 80);
	assert_int_equal(machine.driver.major, 0);
}

static void then_the_device_tree(void **state)
{
	const struct machine_place place = { *state, "/nowhere/smi", no_libcuda };
	struct machine machine;

	put_orin(*state);
	assert_int_equal(machine_read(&place, &table, &machine, NULL), 0);
	assert_int_equal(machine.n, 1);
	assert_gpu(&machine, 0, "NVIDIA Orin", 87);
}

static void a_gpu_that_is_not_known_is_named(void **state)
{
	const struct machine_place place = { *state, "/nowhere/smi", no_libcuda };
	struct machine machine;
	struct err err;

	assert_int_equal(machine_read(&place, &table, &machine, &err), CAPQ_ENOTFOUND);
	assert_string_equal(
		err.text, "this machine has no GPU of NVIDIA; give a name or a capability");
	put_pci(*state, "0000:01:00.0", "0x10de\n", "0xfff0\n", "0x030000\n");
	put_pci(*state, "0000:02:00.0", "0x10de\n", "0xfff1\n", "0x030000\n");
	assert_int_equal(machine_read(&place, &table, &machine, &err), CAPQ_ENOTFOUND);
	assert_string_equal(err.text,
		"this machine's GPU is not known (PCI id 10de:fff0, 10de:fff1), and there is no "
		"driver to ask; give its name or capability");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nvidia_smi_prints_names_and_numbers),
		cmocka_unit_test(nvidia_smi_prints_the_cuda_version),
		cmocka_unit_test(libcuda_is_read_line_by_line),
		cmocka_unit_test(more_gpus_than_there_is_room_for),
		cmocka_unit_test_setup_teardown(the_driver_is_asked_first, make_root, remove_root),
		cmocka_unit_test_setup_teardown(then_its_library, make_root, remove_root),
		cmocka_unit_test_setup_teardown(then_the_bus, make_root, remove_root),
		cmocka_unit_test_setup_teardown(then_the_device_tree, make_root, remove_root),
		cmocka_unit_test_setup_teardown(
			a_gpu_that_is_not_known_is_named, make_root, remove_root),
	};

	return cmocka_run_group_tests(tests, load, finish);
}
