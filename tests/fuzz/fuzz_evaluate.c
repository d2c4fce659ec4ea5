/* What an evaluator prints, for three attributes. Each line of the input is a line on standard
 * error, with the evaluation's own mark where it says MARK; the first byte says how the process
 * ends. Every process of the evaluation says the same. Whatever that is: the revision's answer, or
 * that there is none, and each attribute, with a derivation or a reason, is told of once, and the
 * evaluation ends after few processes. */
#include <unistd.h>

#include "daemon/pipeline/evaluate.h"
#include "lib/json.h"
#include "lib/settings.h"
#include "lib/store_path.h"
#include "lib/str.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/child.h"
#include "tests/sim/moment.h"
#include "tests/sim/world.h"

static const char *const attrs[] = { "torch", "numpy", "magma" };
#define PROCESSES_MAX 14

static const uint8_t *input;
static size_t input_size;
static size_t n_processes, n_told[ARRAY_LEN(attrs)], n_probed, n_done;

/* ---- the evaluator ---- */

static char *read_mark(const struct child *child)
{
	const char *const *words = child_argv(child);
	char text[4096];
	cleanup_json struct json *request = NULL;
	FILE *f;
	size_t n;

	while (strcmp(*words++, "requestFile") != 0)
		CHECK(*words != NULL);
	f = fopen(*words, "re");
	CHECK(f != NULL);
	n = fread(text, 1, sizeof text, f);
	(void)fclose(f);
	CHECK(json_parse(text, n, &request, NULL) == 0);
	return xstrdup(json_text(json_get(request, "mark")));
}

static void print_line(struct child *child, const uint8_t *line, size_t len, const char *mark)
{
	cleanup_free char *text = fuzz_text(line, len);
	char *at = strstr(text, "MARK");
	cleanup_str struct str out = { 0 };

	if (at == NULL) {
		child_complains(child, text);
		return;
	}
	str_add_bytes(&out, text, (size_t)(at - text));
	str_addf(&out, "%s%s", mark, at + strlen("MARK"));
	child_complains(child, str_text(&out));
}

void world_script(struct child *child)
{
	cleanup_free char *mark = read_mark(child);

	CHECK(++n_processes <= PROCESSES_MAX);
	child_exits(child, input[0] & 1);
	for (size_t at = 1; at < input_size;) {
		const uint8_t *end = memchr(input + at, '\n', input_size - at);
		size_t len = end == NULL ? input_size - at : (size_t)(end - input) - at;

		print_line(child, input + at, len, mark);
		at += len + 1;
	}
}

void world_stops(struct child *child)
{
	(void)child;
}

/* ---- who asked ---- */

static void on_result(void *owner, size_t i, const struct evaluation_result *result)
{
	(void)owner;
	CHECK(i < ARRAY_LEN(attrs));
	n_told[i]++;
	if (result->drv_path != NULL)
		CHECK(store_path_is_drv(result->drv_path) && result->failure == FAILURE_NONE);
	else
		CHECK(result->message[0] != '\0' && result->failure != FAILURE_NONE);
}

static void on_probe(void *owner, const struct probe *probe, const char *message)
{
	(void)owner;
	n_probed++;
	CHECK(probe != NULL || message[0] != '\0');
}

static void on_done(void *owner)
{
	(void)owner;
	n_done++;
}

static char directory[] = "/tmp/capq-fuzz-XXXXXX";

static void remove_directory(void)
{
	static const char *const files[] = { "nix/evaluate.nix", "nix/keep.nix", "nix", "." };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		cleanup_free char *path = str_format("%s/%s", directory, files[i]);

		(void)remove(i + 1 == ARRAY_LEN(files) ? directory : path);
	}
}

static struct nix *the_nix(void)
{
	static const char yaml[] = "nixpkgs: {url: u}\n";
	static uv_loop_t loop;
	static struct children children = { .loop = &loop, .inherit_fd = -1 };
	static struct settings settings;
	static struct nix nix;

	if (nix.settings != NULL) {
		nix.n_files = 0;
		return &nix;
	}
	CHECK(mkdtemp(directory) != NULL && atexit(remove_directory) == 0);
	CHECK(uv_loop_init(&loop) == 0);
	CHECK(settings_parse(yaml, strlen(yaml), "f", &settings, NULL) == 0);
	CHECK(nix_init(&nix, &children, &settings, directory, NULL) == 0);
	return &nix;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct texts none;
	struct nix *nix = the_nix();
	struct evaluation_spec spec = { .tree = "/tree",
		.system = "x86_64-linux",
		.caps = "8.6",
		.config = "{}",
		.overlays = &none,
		.attrs = attrs,
		.n = ARRAY_LEN(attrs),
		.on_probe = on_probe,
		.on_result = on_result,
		.on_done = on_done };
	struct evaluation *evaluation;

	if (size == 0)
		return 0;
	input = data;
	input_size = size;
	n_processes = n_probed = n_done = 0;
	memset(n_told, 0, sizeof n_told);
	moment_reset();
	evaluation_start(nix, &spec, &evaluation);
	while (n_done == 0) {
		while (moment_run_one())
			;
		(void)uv_run(nix->children->loop, UV_RUN_NOWAIT);
		(void)moment_jump(moment_now() + 1000);
	}
	for (size_t i = 0; i < ARRAY_LEN(attrs); i++)
		CHECK(n_told[i] == 1);
	CHECK(n_probed == 1);
	CHECK(nix->children->n == 0);
	return 0;
}
