/* capq-inspect: says which GPU code files hold, for capqd, one JSON object a line.
 *
 *   capq-inspect PATH...
 *
 *   {"path": "/nix/store/.../lib/libx.so", "sass": ["sm_86"], ..., "kinds": [...]}
 *   {"path": "/nix/store/.../lib/liby.so", "error": "...", "is_damaged": true}
 *
 * A program of its own because what it reads was made by others: a file that shrinks under it, or
 * one that asks for all memory, ends this process and no other. It executes nothing and writes
 * nothing. Files without GPU code are not named. Exit status 0: all was looked at. */
#include <stdio.h>
#include <sys/resource.h>

#include "lib/gpu_code_json.h"
#include "lib/gpu_files.h"

/* What it allocates; the files themselves are mapped and do not count. The largest library of
 * NVIDIA needs some MiB. */
#ifndef DATA_MAX
#define DATA_MAX (UINT64_C(1) << 30)
#endif

static void limit(int resource, rlim_t value)
{
	const struct rlimit limit = { .rlim_cur = value, .rlim_max = value };

	if (setrlimit((__rlimit_resource_t)resource, &limit) != 0)
		perror("capq-inspect: setrlimit");
}

static void print_line(struct json_out *json)
{
	(void)puts(json->text.text);
	str_free(&json->text);
}

static void on_file(void *owner, const char *path, const struct gpu_code *code)
{
	struct json_out json = { 0 };

	(void)owner;
	json_out_object(&json, NULL);
	json_out_text(&json, "path", path);
	gpu_code_members_to_json(code, &json);
	gpu_kinds_to_json(code, &json, "kinds");
	json_out_end_object(&json);
	print_line(&json);
}

static void on_error(void *owner, const char *path, const struct err *err)
{
	struct json_out json = { 0 };

	(void)owner;
	json_out_object(&json, NULL);
	json_out_text(&json, "path", path);
	json_out_text(&json, "error", err->text);
	json_out_bool(&json, "is_damaged", err->code == CAPQ_EINVAL || err->code == CAPQ_ETOOBIG);
	json_out_end_object(&json);
	print_line(&json);
}

int main(int argc, char **argv)
{
	const struct gpu_files_reader reader = { .on_file = on_file, .on_error = on_error };

	limit(RLIMIT_DATA, DATA_MAX);
	limit(RLIMIT_CORE, 0);
	for (int i = 1; i < argc; i++)
		gpu_files_read(argv[i], &reader);
	return fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : 1;
}
