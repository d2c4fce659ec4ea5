/* Derivation files: every string of what is taken lies where it should and ends there. */
#include "lib/drv.h"
#include "lib/store_path.h"
#include "tests/fuzz/fuzz.h"

struct memory {
	const char *start;
	size_t size;
};

static void check_string(const struct memory *text, const char *string)
{
	size_t offset = (size_t)(string - text->start);

	CHECK(string >= text->start && offset < text->size);
	CHECK(memchr(string, '\0', text->size - offset) != NULL);
}

static void check_path(const struct memory *text, const char *path)
{
	check_string(text, path);
	CHECK(store_path_is_valid(path, strlen(path)));
}

static void check_drv(const struct memory *text, const struct drv *drv)
{
	CHECK(drv->n_outputs >= 1 && drv->n_outputs <= DRV_OUTPUTS_MAX);
	for (size_t i = 0; i < drv->n_outputs; i++) {
		check_string(text, drv->outputs[i].name);
		check_path(text, drv->outputs[i].path);
	}
	for (size_t i = 0; i < drv->n_inputs; i++) {
		const char *output = drv->inputs[i].outputs;

		check_path(text, drv->inputs[i].path);
		CHECK(store_path_is_drv(drv->inputs[i].path));
		CHECK(*output != '\0');
		for (; *output != '\0'; output += strlen(output) + 1) {
			check_string(text, output);
			CHECK(drv_input_names(&drv->inputs[i], output));
		}
		check_string(text, output);
	}
	for (size_t i = 0; i < drv->n_sources; i++)
		check_path(text, drv->sources[i]);
	check_string(text, drv->system);
	CHECK(strlen(drv->name) < text->size);
	CHECK(drv->pname == NULL || strlen(drv->pname) < text->size);
	CHECK(drv->features == NULL || drv->features[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *bytes = fuzz_bytes(data, size);
	struct memory text = { bytes, size };
	struct err err = { 0 };
	struct drv drv;

	if (drv_parse(bytes, size, &drv, &err) < 0) {
		CHECK(err.code == CAPQ_EINVAL && err.text[0] != '\0');
		return 0;
	}
	check_drv(&text, &drv);
	drv_finish(&drv);
	return 0;
}
