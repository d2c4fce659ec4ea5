#include "tests/support/drv_case.h"

#include "tests/support/cmocka_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "lib/str.h"

#define DRV_HASH "00000000000000000000000000000000"
#define OUTPUT_HASH "11111111111111111111111111111111"

static const struct drv_case *current; /* What stands in the place of /nix/store; NULL: nothing. */

/* ---- the linker's --wrap=open ---- */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	cleanup_free char *redirected = NULL;
	mode_t mode = 0;

	if ((flags & O_CREAT) != 0) {
		va_list more;

		va_start(more, flags);
		mode = va_arg(more, mode_t);
		va_end(more);
	}
	if (current != NULL && str_starts(path, STORE_DIR "/")) {
		redirected = str_format("%s%s", current->directory, path + strlen(STORE_DIR));
		path = redirected;
	}
	return __real_open(path, flags, mode);
}

/* ---- the directory ---- */

int drv_case_setup(void **state)
{
	struct drv_case *c = xcalloc(1, sizeof *c);

	strcpy(c->directory, "/tmp/capq-test-XXXXXX");
	if (mkdtemp(c->directory) == NULL)
		return -1;
	current = *state = c;
	return 0;
}

int drv_case_teardown(void **state)
{
	struct drv_case *c = *state;
	DIR *directory = opendir(c->directory);
	struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL)
		if (entry->d_name[0] != '.')
			(void)unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory == NULL || closedir(directory) != 0 || rmdir(c->directory) != 0)
		return -1;
	current = NULL;
	free(c);
	return 0;
}

char *drv_case_path(const struct drv_case *c, const char *name)
{
	(void)c;
	return str_format(STORE_DIR "/" DRV_HASH "-%s.drv", name);
}

char *drv_case_output(const char *name)
{
	return str_format(STORE_DIR "/" OUTPUT_HASH "-%s", name);
}

/* ---- what is written ---- */

static void add_need(struct str *out, const char *word)
{
	const char *output = strchr(word, '!');
	size_t len = output == NULL ? strlen(word) : (size_t)(output - word);

	str_addf(out, "%s(\"" STORE_DIR "/" DRV_HASH "-%.*s.drv\",[\"%s\"])",
		out->len > 0 ? "," : "", (int)len, word, output == NULL ? "out" : output + 1);
}

static void write_drv(
	const struct drv_case *c, const char *name, const struct str *needs, enum drv_kind kind)
{
	cleanup_free char *path = str_format("%s/" DRV_HASH "-%s.drv", c->directory, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	if (kind == DRV_BROKEN) {
		fputs("Derive([", f);
		assert_int_equal(fclose(f), 0);
		return;
	}
	fputs("Derive([", f);
	if (kind == DRV_TWO_OUTPUTS)
		fprintf(f, "(\"dev\",\"" STORE_DIR "/" OUTPUT_HASH "-%s-dev\",\"\",\"\"),", name);
	fprintf(f, "(\"out\",\"" STORE_DIR "/" OUTPUT_HASH "-%s\",%s)],[%s],[],", name,
		kind == DRV_FIXED ? "\"sha256\",\"00\"" : "\"\",\"\"", str_text(needs));
	fprintf(f, "\"x86_64-linux\",\"/bin/sh\",[],[(\"name\",\"%s\")%s])", name,
		kind == DRV_TWO_OUTPUTS ? ",(\"requiredSystemFeatures\",\"big-parallel\")" : "");
	assert_int_equal(fclose(f), 0);
}

void drv_case_add(const struct drv_case *c, const char *name, const char *needs, enum drv_kind kind)
{
	cleanup_free char *copy = xstrdup(needs);
	cleanup_str struct str list = { 0 };
	char *rest = copy, *word;

	while ((word = strsep(&rest, " ")) != NULL)
		if (word[0] != '\0')
			add_need(&list, word);
	write_drv(c, name, &list, kind);
}

void drv_case_add_needing_range(
	const struct drv_case *c, const char *name, const char *prefix, int from, int to)
{
	cleanup_str struct str list = { 0 };

	for (int i = from; i < to; i++) {
		cleanup_free char *word = str_format("%s%d", prefix, i);

		add_need(&list, word);
	}
	write_drv(c, name, &list, DRV_PLAIN);
}
