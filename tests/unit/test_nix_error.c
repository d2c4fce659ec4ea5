/* What Nix's messages mean: every text, for every version that says it so. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/nix_error.h"
#include "lib/nix_event.h"
#include "tests/support/fixture.h"

#define D "/nix/store/c3k06z5ar8pmiq3h0szn5iwrn8f9xhgw-torch-2.5.1.drv"
#define E "/nix/store/c25lyh5zdahywwamw4qz15kggjy9li7l-torchvision-1.0.drv"
#define P "/nix/store/arlqfw6bxj323mj444iv3k5l04w4y6x8-torch-2.5.1"

static const struct {
	const char *text;
	enum failure class;
	const char *drv;
} cases[] = {
	/* A builder that says no. */
	{ "error: builder for '" D "' failed with exit code 1", FAILURE_BUILD, D },
	{ "error: builder for '" D "' failed with exit code 1;\n       last 10 log lines:\n"
	  "       > nvcc fatal: out of memory\n       >\n       For full logs, run 'nix log " D
	  "'.",
		FAILURE_BUILD, D },
	{ "error: Cannot build '" D "'.\n       Reason: builder failed with exit code 1.\n"
	  "       Output paths:\n         " P "\n       Last 25 log lines:\n"
	  "       > No space left on device",
		FAILURE_BUILD, D }, /* 2.29+ */
	{ "error: builder for '" D "' failed to produce output path for output 'out' at '" P "'",
		FAILURE_BUILD, D },
	{ "error: builder for '" D "' failed due to signal 11 (Segmentation fault)", FAILURE_BUILD,
		D },
	{ "error: Cannot build '" D "'.\n       Reason: builder failed due to signal 6 (Aborted).",
		FAILURE_BUILD, D },
	/* Memory. */
	{ "error: builder for '" D "' failed due to signal 9 (Killed)", FAILURE_OUT_OF_MEMORY, D },
	{ "error: Cannot build '" D "'.\n       Reason: builder failed due to signal 9 (Killed).",
		FAILURE_OUT_OF_MEMORY, D },
	{ "error: unable to fork: Cannot allocate memory", FAILURE_OUT_OF_MEMORY, "" },
	{ "error: out of memory", FAILURE_OUT_OF_MEMORY, "" },
	/* A dependency. */
	{ "error: 1 dependencies of derivation '" E "' failed to build", FAILURE_DEPENDENCY, E },
	{ "error: Cannot build '" E "'.\n       Reason: 1 dependency failed.\n       Output paths:",
		FAILURE_DEPENDENCY, E },
	{ "error: Cannot build '" E
	  "'.\n       Reason: 2 dependencies failed.\n       Output paths:",
		FAILURE_DEPENDENCY, E },
	/* A download that is something else. */
	{ "error: hash mismatch in fixed-output derivation '" D "':\n"
	  "         specified: sha256-AAAA\n            got:    sha256-BBBB",
		FAILURE_HASH_MISMATCH, D },
	{ "error: hash mismatch in fixed-output derivation '" D "':\n"
	  "        likely URL: https://x/HTTP error\n         specified: sha256-AAAA\n"
	  "            got:    sha256-BBBB",
		FAILURE_HASH_MISMATCH, D }, /* Lix */
	/* Time. */
	{ "error: building of '" D "!out' from .drv file timed out after 5 seconds",
		FAILURE_TIMEOUT, D },
	{ "error: building of '" D "^*' from .drv file timed out after 5 seconds", FAILURE_TIMEOUT,
		D },
	{ "error: timed out after 5 seconds", FAILURE_TIMEOUT, "" }, /* 2.34+ */
	{ "error: building of '" D "!out' from .drv file timed out after 5 seconds of silence",
		FAILURE_SILENCE, D },
	/* The wrong machine. */
	{ "error: a 'aarch64-linux' with features {big-parallel} is required to build '" D
	  "', but I am a 'x86_64-linux' with features {benchmark, kvm}",
		FAILURE_WRONG_SYSTEM, D },
	{ "error: Cannot build '" D "'.\n       Reason: required system or feature not available\n"
	  "       Required system: 'aarch64-linux' with features {}",
		FAILURE_WRONG_SYSTEM, D }, /* 2.29 to 2.33 */
	{ "error: Cannot build '" D "'.\n       Reason: platform mismatch\n       Required system: "
	  "'aarch64-linux'",
		FAILURE_WRONG_SYSTEM, D }, /* 2.34+ */
	{ "error: Cannot build '" D "'.\n       Reason: missing system features\n       Required "
	  "features: {cuda}",
		FAILURE_WRONG_SYSTEM, D },
	{ "error: Cannot build '" D "'.\n       Reason: local builds are disabled (max-jobs = 0)",
		FAILURE_WRONG_SYSTEM, D },
	{ "error: unable to start any build; either increase '--max-jobs' or enable remote builds.",
		FAILURE_WRONG_SYSTEM, "" },
	/* The disk. */
	{ "error: builder for '" D "' failed with exit code 1;\n       last 1 log lines:\n"
	  "       > x\n       For full logs, run 'nix log " D "'.\n"
	  "       note: build failure may have been caused by lack of free disk space",
		FAILURE_DISK_FULL, D }, /* The note comes behind the log. */
	{ "error: builder for '" D "' failed with exit code 1\n"
	  "note: build failure may have been caused by lack of free disk space",
		FAILURE_DISK_FULL, D },
	{ "error: writing to file: No space left on device", FAILURE_DISK_FULL, "" },
	{ "error: writing to file: Disk quota exceeded", FAILURE_DISK_FULL, "" },
	{ "error: executing SQLite statement 'insert': database or disk is full", FAILURE_DISK_FULL,
		"" },
	/* The network, and other machines. */
	{ "error: unable to download 'https://x/y.narinfo': HTTP error 503 ('')", FAILURE_NETWORK,
		"" },
	{ "error: unable to download 'https://x/y.nar': Timeout was reached (28) Operation timed "
	  "out after 5000 milliseconds with 0 out of 0 bytes received",
		FAILURE_NETWORK, "" },
	{ "warning: error: HTTP error 429; retrying in 300 ms", FAILURE_NETWORK, "" },
	{ "error: curl error: Couldn't resolve host name", FAILURE_NETWORK, "" },
	{ "error: some substitutes for the outputs of derivation '" D "' failed (usually happens "
	  "due to networking issues); try '--fallback' to build derivation from source ",
		FAILURE_NETWORK, D },
	{ "cannot build on 'ssh-ng://host-a': error: failed to start SSH connection to 'host-a'",
		FAILURE_NETWORK, "" },
	{ "error: cannot open connection to remote store 'ssh-ng://host-a'", FAILURE_NETWORK, "" },
	{ "error: failed to start SSH connection to 'host-a'", FAILURE_NETWORK, "" },
	{ "error: reading from file: Connection reset by peer", FAILURE_NETWORK, "" },
	/* On another machine the reason stands behind the frame. */
	{ "error: build of '" D "' on 'ssh-ng://h' failed: builder for '" D
	  "' failed with exit code 1",
		FAILURE_BUILD, D },
	{ "error: build of '" D "' on 'ssh-ng://h' failed: builder for '" D
	  "' failed due to signal 9 (Killed)",
		FAILURE_OUT_OF_MEMORY, D },
	{ "error: build of '" D
	  "' on 'ssh-ng://h' failed: hash mismatch in fixed-output derivation "
	  "'" D "':",
		FAILURE_HASH_MISMATCH, D },
	/* Nix itself died, was told to, or an input was collected. */
	{ "error: unexpected end-of-file", FAILURE_INTERRUPTED, "" },
	{ "error: interrupted by the user", FAILURE_INTERRUPTED, "" },
	{ "error: derivation '" D "' requires non-existent output 'out' from input derivation '" E
	  "'",
		FAILURE_INTERRUPTED, D },
	{ "error: path '" P "' is required, but there is no substituter that can build it",
		FAILURE_INTERRUPTED, "" },
	{ "error: path '" P "' is not valid", FAILURE_INTERRUPTED, "" },
	{ "error: SQLite database '/nix/var/nix/db/db.sqlite' is busy", FAILURE_INTERRUPTED, "" },
	{ "error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': Connection "
	  "refused",
		FAILURE_INTERRUPTED, "" },
	{ "error: cannot connect to daemon at '/nix/var/nix/daemon-socket/socket': Connection "
	  "refused",
		FAILURE_INTERRUPTED, "" },
	/* No failure of a build, or none that is known. */
	{ "error (ignored): SQLite database '/nix/var/nix/db/db.sqlite' is busy", FAILURE_NONE,
		"" },
	{ "error: experimental Nix feature 'nix-command' is disabled", FAILURE_NONE, "" },
	{ "error: some other trouble with '" D "'", FAILURE_NONE, D },
	{ "", FAILURE_NONE, "" },
};

static void every_text_has_its_class(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nix_error error;

		nix_error_read(cases[i].text, NULL, NULL, &error);
		if (error.class != cases[i].class)
			fail_msg("'%s': %s", cases[i].text, failure_name(error.class));
		assert_string_equal(error.drv, cases[i].drv);
	}
}

static bool is_torch(void *owner, const char *drv)
{
	++*(int *)owner;
	return strcmp(drv, D) == 0;
}

/* A download whose builder fails did not get through; it is asked for just then. */
static void a_failing_download_is_the_network(void **state)
{
	static const struct {
		const char *text;
		int asked;
		enum failure class;
	} downloads[] = {
		{ "error: builder for '" D "' failed with exit code 1", 1, FAILURE_NETWORK },
		{ "error: Cannot build '" D "'.\n Reason: builder failed with exit code 1.", 1,
			FAILURE_NETWORK },
		{ "error: builder for '" E "' failed with exit code 1", 1, FAILURE_BUILD },
		{ "error: builder failed with exit code 1", 0, FAILURE_BUILD },
		{ "error: builder for '" D "' failed due to signal 9 (Killed)", 0,
			FAILURE_OUT_OF_MEMORY },
		{ "error: hash mismatch in fixed-output derivation '" D "':", 0,
			FAILURE_HASH_MISMATCH },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(downloads); i++) {
		struct nix_error error;
		int asked = 0;

		nix_error_read(downloads[i].text, is_torch, &asked, &error);
		assert_int_equal(error.class, downloads[i].class);
		assert_int_equal(asked, downloads[i].asked);
	}
}

static void the_derivation_is_found(void **state)
{
	static const struct {
		const char *text, *drv;
	} texts[] = {
		{ "'" P "' and '" D "'", D }, /* Not the first path, the first derivation. */
		{ "'" D "' and '" E "'", D },
		{ D "!out", D },
		{ D "^*", D },
		{ "/nix/store/x.drv " E, E },
		{ "/nix/store/" D, D },
		{ "/nix/store/c3k06z5ar8pmiq3h0szn5iwrn8f9xhgw-torch 2.drv", "" },
		{ "c3k06z5ar8pmiq3h0szn5iwrn8f9xhgw-torch-2.5.1.drv", "" },
		{ "/nix/store/", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct nix_error error;

		nix_error_read(texts[i].text, NULL, NULL, &error);
		assert_string_equal(error.drv, texts[i].drv);
	}
}

/* What Nix 2.25 really wrote, escapes and all. */
static void recorded_messages(void **state)
{
	size_t len, n = 0;
	cleanup_free char *bytes = fixture_read("internal-json/2.25-fail.txt", &len);
	static const struct {
		enum failure class;
		const char *drv;
	} wanted[] = { { FAILURE_BUILD, D }, { FAILURE_DEPENDENCY, E } };

	(void)state;
	for (char *rest = bytes, *line; (line = strsep(&rest, "\n")) != NULL;) {
		struct nix_event event;
		struct nix_error error;

		nix_event_parse(line, strlen(line), &event);
		if (event.action == NIX_MSG && event.level == 0) {
			assert_true(n < ARRAY_LEN(wanted));
			nix_error_read(str_text(&event.text), NULL, NULL, &error);
			assert_int_equal(error.class, wanted[n].class);
			assert_string_equal(error.drv, wanted[n].drv);
			n++;
		}
		nix_event_finish(&event);
	}
	assert_int_equal(n, ARRAY_LEN(wanted));
}

/* Only words of Nix's own client count: a package may be called anything. */
static void an_outage_is_told_apart(void **state)
{
	(void)state;
	assert_true(nix_error_is_outage("error: cannot connect to socket at "
					"'/nix/var/nix/daemon-socket/socket': Connection refused"));
	assert_true(
		nix_error_is_outage("cannot connect to daemon at '/x': No such file or directory"));
	assert_false(
		nix_error_is_outage("unable to download 'http://x': Couldn't connect to server"));
	assert_false(nix_error_is_outage(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_text_has_its_class),
		cmocka_unit_test(a_failing_download_is_the_network),
		cmocka_unit_test(the_derivation_is_found),
		cmocka_unit_test(recorded_messages),
		cmocka_unit_test(an_outage_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
