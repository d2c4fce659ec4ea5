/* The configuration: what is taken prints as a file that is taken as the same. */
#include "lib/settings.h"
#include "tests/fuzz/fuzz.h"

static void on_change(void *owner, const struct config_key *key, bool taken)
{
	(void)owner;
	(void)taken;
	fprintf(stderr, "%s changed\n", key->name);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_bytes(data, size);
	cleanup_str struct str once = { 0 }, twice = { 0 };
	struct settings settings, again;
	struct err err = { 0 };

	if (settings_parse(text, size, "fuzz", &settings, &err) < 0) {
		CHECK(strncmp(err.text, "fuzz:", 5) == 0);
		return 0;
	}
	config_print(settings_table(), &settings, &once);
	if (settings_parse(once.text, once.len, "printed", &again, &err) < 0) {
		fprintf(stderr, "%s\n%s", err.text, once.text);
		abort();
	}
	config_print(settings_table(), &again, &twice);
	CHECK(strcmp(str_text(&once), str_text(&twice)) == 0);
	config_reload(settings_table(), &settings, &again, on_change, NULL);
	settings_finish(&settings);
	settings_finish(&again);
	return 0;
}
