#include "tests/support/fixture.h"

#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/mem.h"
#include "lib/str.h"

char *fixture_path(const char *name)
{
	return str_format("%s/tests/fixtures/%s", getenv("CAPQ_SOURCE"), name);
}

char *fixture_read(const char *name, size_t *out_len)
{
	cleanup_free char *path = fixture_path(name);
	FILE *file = fopen(path, "re");
	size_t len;
	char *bytes;

	if (file == NULL)
		fail_msg("%s: no such fixture", path);
	(void)fseek(file, 0, SEEK_END);
	len = (size_t)ftell(file);
	rewind(file);
	bytes = xcalloc(len + 1, 1);
	assert_int_equal(fread(bytes, 1, len, file), len);
	(void)fclose(file);
	*out_len = len;
	return bytes;
}
