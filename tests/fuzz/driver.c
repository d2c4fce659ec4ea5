/* Runs a fuzz target on files, where there is no libFuzzer:  fuzz_NAME FILE|DIRECTORY... */
#include <dirent.h>
#include <sys/stat.h>

#include "lib/str.h"
#include "tests/fuzz/fuzz.h"

static size_t n_inputs;

static void run_file(const char *path)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	uint8_t *bytes;
	size_t size;

	CHECK(file != NULL && fstat(fileno(file), &st) == 0);
	bytes = xmalloc((size_t)st.st_size);
	size = fread(bytes, 1, (size_t)st.st_size, file);
	CHECK(size == (size_t)st.st_size);
	(void)fclose(file);
	(void)LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	n_inputs++;
}

static void run(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	if (directory == NULL) {
		run_file(path);
		return;
	}
	while ((entry = readdir(directory)) != NULL) {
		cleanup_free char *inner = str_format("%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.')
			run_file(inner);
	}
	(void)closedir(directory);
}

int main(int argc, char **argv)
{
	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		run(argv[i]);
	printf("%zu inputs\n", n_inputs);
	return n_inputs > 0 ? 0 : 1; /* No corpus is no test. */
}
