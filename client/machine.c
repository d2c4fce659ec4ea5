#include "client/machine.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ask.h"
#include "lib/mem.h"
#include "lib/str.h"

static const char *const libcuda_names[] = { "libcuda.so.1",
	"/run/opengl-driver/lib/libcuda.so.1", /* NixOS. */
	NULL };

const struct machine_place machine_here = {
	.root = "", .smi = "nvidia-smi", .libcuda = libcuda_names
};

/* ---- nvidia-smi ---- */

static void tell_smi_gpus(const void *program)
{
	(void)execlp(program, program, "--query-gpu=name,compute_cap", "--format=csv,noheader",
		(char *)NULL);
}

static void tell_smi_header(const void *program)
{
	(void)execlp(program, program, (char *)NULL);
}

static void add_gpu(struct machine *out, const char *name, struct capability capability)
{
	struct machine_gpu *gpu = &out->gpus[out->n];

	if (out->n == MACHINE_GPUS_MAX)
		return;
	(void)snprintf(gpu->name, sizeof gpu->name, "%s", name);
	gpu->capability = capability;
	out->n++;
}

/* "NVIDIA A100-SXM4-80GB, 8.0"; an older driver says "[N/A]" for the number. */
static void add_smi_line(struct machine *out, char *line, const struct gpu_table *table)
{
	char *comma = strrchr(line, ',');
	struct capability c;

	if (comma == NULL)
		return;
	*comma++ = '\0';
	while (*comma == ' ')
		comma++;
	if (capability_parse(comma, &c, NULL) == 0 || gpu_find(table, line, &c, NULL) == 0)
		add_gpu(out, line, c);
}

size_t machine_from_smi(const char *text, const struct gpu_table *table, struct machine *out)
{
	cleanup_free char *copy = xstrdup(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) != NULL)
		add_smi_line(out, line, table);
	return out->n;
}

struct cuda_version machine_cuda_of_smi(const char *text)
{
	static const char label[] = "CUDA Version: ";
	const char *p = strstr(text, label);
	struct cuda_version v = { 0 };
	char number[8] = "";

	if (p == NULL)
		return v;
	p += strlen(label);
	(void)snprintf(number, sizeof number, "%.*s", (int)strspn(p, "0123456789."), p);
	(void)cuda_version_parse(number, &v, NULL);
	return v;
}

static size_t ask_smi(
	const struct machine_place *place, const struct gpu_table *table, struct machine *out)
{
	cleanup_free char *gpus = ask(tell_smi_gpus, place->smi);
	cleanup_free char *header = NULL;

	if (machine_from_smi(gpus, table, out) == 0)
		return 0;
	header = ask(tell_smi_header, place->smi);
	out->driver = machine_cuda_of_smi(header);
	return out->n;
}

/* ---- libcuda ---- */

/* The next word of the line, a number from 0 to `max`. */
static bool read_field(char **line, int64_t max, int64_t *out)
{
	const char *word = strsep(line, " ");

	return word != NULL && str_to_int(word, 0, max, out);
}

size_t machine_from_libcuda(const char *text, struct machine *out)
{
	cleanup_free char *copy = xstrdup(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		const char *word = strsep(&line, " ");
		int64_t major, minor;

		if (!read_field(&line, 99, &major) || !read_field(&line, 99, &minor))
			continue;
		if (strcmp(word, "driver") == 0)
			out->driver =
				(struct cuda_version){ (unsigned char)major, (unsigned char)minor };
		else if (strcmp(word, "gpu") == 0 && minor <= 9 && line != NULL)
			add_gpu(out, line,
				(struct capability){
					(unsigned char)major, (unsigned char)minor, '\0' });
	}
	return out->n;
}

static size_t ask_libcuda(const struct machine_place *place, struct machine *out)
{
	for (const char *const *name = place->libcuda; *name != NULL && out->n == 0; name++) {
		cleanup_free char *said = ask(machine_tell_libcuda, *name);

		(void)machine_from_libcuda(said, out);
	}
	return out->n;
}

/* ---- /sys and /proc ---- */

/* The first bytes of a file, NUL-terminated; how many. 0: none. */
static size_t read_small(const char *path, char *out, size_t size)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

/* A file of a PCI device that holds a number such as "0x10de". */
static unsigned read_pci(const char *root, const char *device, const char *file)
{
	cleanup_free char *path = str_format("%s/sys/bus/pci/devices/%s/%s", root, device, file);
	char text[32];

	return read_small(path, text, sizeof text) == 0 ? 0 : (unsigned)strtoul(text, NULL, 16);
}

/* Of class 03, display controllers: an NVIDIA card has other functions too, such as sound. */
static bool is_nvidia_gpu(const char *root, const char *device)
{
	return read_pci(root, device, "vendor") == 0x10de &&
	       read_pci(root, device, "class") >> 16 == 0x03;
}

/* The GPUs on the bus; those that the table does not know are named in `unknown`. */
static size_t ask_pci(const struct machine_place *place, const struct gpu_table *table,
	struct machine *out, struct str *unknown)
{
	cleanup_free char *path = str_format("%s/sys/bus/pci/devices", place->root);
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		if (name[0] != '.' && is_nvidia_gpu(place->root, name)) {
			unsigned id = read_pci(place->root, name, "device");
			const struct gpu *gpu = gpu_by_pci_id(table, id);

			if (gpu != NULL)
				add_gpu(out, gpu->name, gpu->capability);
			else
				str_addf(unknown, "%s10de:%04x", unknown->len > 0 ? ", " : "", id);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return out->n;
}

static size_t ask_device_tree(const struct machine_place *place, struct machine *out)
{
	cleanup_free char *path = str_format("%s/proc/device-tree/compatible", place->root);
	cleanup_free char *model = str_format("%s/proc/device-tree/model", place->root);
	char compatible[1024], name[96];
	size_t len = read_small(path, compatible, sizeof compatible);
	struct capability c;

	if (!gpu_of_device_tree(compatible, len, &c))
		return 0;
	add_gpu(out, read_small(model, name, sizeof name) > 0 ? name : "Tegra", c);
	return out->n;
}

/* ---- all of them ---- */

int machine_read(const struct machine_place *place, const struct gpu_table *table,
	struct machine *out, struct err *err)
{
	cleanup_str struct str unknown = { 0 };

	*out = (struct machine){ .n = 0 };
	if (ask_smi(place, table, out) > 0 || ask_libcuda(place, out) > 0 ||
		ask_pci(place, table, out, &unknown) > 0 || ask_device_tree(place, out) > 0)
		return 0;
	if (unknown.len > 0)
		return err_set(err, CAPQ_ENOTFOUND,
			"this machine's GPU is not known (PCI id %s), and there is no driver to "
			"ask; give its name or capability",
			unknown.text);
	return err_set(err, CAPQ_ENOTFOUND,
		"this machine has no GPU of NVIDIA; give a name or a capability");
}
