/* Nix's event stream: recorded ones read as a story, and lines that are none of its. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/nix_event.h"
#include "lib/store_path.h"
#include "tests/support/fixture.h"

/* The line of the story that follows from an event; most events tell nothing. */
static void tell(const struct nix_event *event, struct str *story)
{
	const char *text = nix_event_text_field(event, 0);

	if (event->action == NIX_START && event->type == NIX_ACTIVITY_BUILD)
		str_addf(story, "%s begins%s%s\n", store_path_name(text),
			*nix_event_text_field(event, 1) ? " on " : "",
			nix_event_text_field(event, 1));
	else if (event->action == NIX_START && event->type == NIX_ACTIVITY_COPY_PATH)
		str_addf(story, "copies %s from %s to %s\n", store_path_name(text),
			nix_event_text_field(event, 1), nix_event_text_field(event, 2));
	else if (event->action == NIX_RESULT && event->type == NIX_RESULT_BUILD_LOG_LINE)
		str_addf(story, "  | %s\n", text);
	else if (event->action == NIX_RESULT && event->type == NIX_RESULT_SET_PHASE)
		str_addf(story, "  %s\n", text);
	else if (event->action == NIX_MSG && event->level == 0)
		str_addf(story, "%s\n", str_text(&event->text));
}

/* Read a recorded stream. `counts` has one number an action. */
static char *read_stream(const char *file, size_t counts[NIX_OTHER + 1], size_t *out_progress)
{
	cleanup_str struct str story = { 0 };
	size_t len;
	cleanup_free char *bytes = fixture_read(file, &len);

	*out_progress = 0;
	for (char *rest = bytes, *line; (line = strsep(&rest, "\n")) != NULL && rest != NULL;) {
		struct nix_event event;

		nix_event_parse(line, strlen(line), &event);
		counts[event.action]++;
		if (nix_event_is_progress(line, strlen(line))) {
			assert_int_equal(event.action, NIX_RESULT);
			assert_int_equal(event.type, NIX_RESULT_PROGRESS);
			++*out_progress;
		} else {
			assert_false(
				event.action == NIX_RESULT && event.type == NIX_RESULT_PROGRESS);
		}
		tell(&event, &story);
		nix_event_finish(&event);
	}
	return str_take(&story);
}

static const struct {
	const char *file;
	size_t counts[NIX_OTHER + 1], progress; /* As grep counts them. */
	const char *story;
} streams[] = {
	{ "internal-json/2.8-local.txt", { [NIX_START] = 8, [NIX_STOP] = 8, [NIX_RESULT] = 84 }, 28,
		"stdenv-1.0.drv begins\n"
		"  unpackPhase\n"
		"  | running phase: unpackPhase\n"
		"  | building stdenv-1.0 for [] on 2 cores\n"
		"  buildPhase\n"
		"  | running phase: buildPhase\n"
		"  installPhase\n"
		"  | running phase: installPhase\n"
		"openblas-1.0.drv begins\n"
		"  unpackPhase\n"
		"  | running phase: unpackPhase\n"
		"  | building openblas-1.0 for [] on 2 cores\n"
		"  buildPhase\n"
		"  | running phase: buildPhase\n"
		"  installPhase\n"
		"  | running phase: installPhase\n"
		"python3-3.12.7.drv begins\n"
		"  unpackPhase\n"
		"  | running phase: unpackPhase\n"
		"  | building python3-3.12.7 for [] on 2 cores\n"
		"  buildPhase\n"
		"  | running phase: buildPhase\n"
		"  installPhase\n"
		"  | running phase: installPhase\n"
		"numpy-1.26.drv begins\n"
		"  unpackPhase\n"
		"  | running phase: unpackPhase\n"
		"  | building numpy-1.26 for [] on 2 cores\n"
		"  buildPhase\n"
		"  | running phase: buildPhase\n"
		"  installPhase\n"
		"  | running phase: installPhase\n" },
	{ "internal-json/2.8-remote.txt", { [NIX_START] = 44, [NIX_STOP] = 44, [NIX_RESULT] = 85 },
		36,
		/* Each remote build is told twice: by us with its machine, and relayed without. */
		"on-a.drv begins on ssh-ng://host-a?remote-store=/tmp/rb/A\n"
		"on-b.drv begins on ssh-ng://host-b?remote-store=/tmp/rb/B\n"
		"on-a.drv begins\n"
		"  | hello from 1\n"
		"on-b.drv begins\n"
		"  | hello from 1\n"
		"  | uid=1000(nixbld) gid=100(nixbld) groups=100(nixbld)\n"
		"  | localhost\n"
		"  | zanban9h2fd9b0d8dkcrpbd2slvjg7ch-on-a\n"
		"copies on-a from ssh-ng://host-a to local\n"
		"  | uid=1000(nixbld) gid=100(nixbld) groups=100(nixbld)\n"
		"  | localhost\n"
		"  | 3cihlcpcnfhhxrfy0d5zxmn0g9zdaxmq-on-b\n"
		"copies on-b from ssh-ng://host-b to local\n"
		"joined.drv begins on ssh-ng://host-a?remote-store=/tmp/rb/A\n"
		"copies on-b from local to ssh-ng://host-a\n"
		"joined.drv begins\n"
		"  | hello from 1\n"
		"  | uid=1000(nixbld) gid=100(nixbld) groups=100(nixbld)\n"
		"  | localhost\n"
		"  | 3cihlcpcnfhhxrfy0d5zxmn0g9zdaxmq-on-b\t "
		"zanban9h2fd9b0d8dkcrpbd2slvjg7ch-on-a\n"
		"  | 3ia963j9l566rzrl036lc7p6plbp5vnh-joined\n"
		"copies joined from ssh-ng://host-a to local\n" },
	{ "internal-json/2.25-fail.txt",
		{ [NIX_START] = 9, [NIX_STOP] = 9, [NIX_RESULT] = 163, [NIX_MSG] = 8 }, 68,
		"magma-1.0.drv begins\n"
		"  unpackPhase\n"
		"  | running phase: unpackPhase\n"
		"  | building magma-1.0 for [9.0] on 2 cores\n"
		"  buildPhase\n"
		"  | running phase: buildPhase\n"
		"  installPhase\n"
		"  | running phase: installPhase\n"
		"nccl-1.0.drv begins\n"
		"  unpackPhase\n"
		"  | running phase: unpackPhase\n"
		"  | building nccl-1.0 for [9.0] on 2 cores\n"
		"  buildPhase\n"
		"  | running phase: buildPhase\n"
		"  installPhase\n"
		"  | running phase: installPhase\n"
		"triton-1.0.drv begins\n"
		"  unpackPhase\n"
		"  | running phase: unpackPhase\n"
		"  | building triton-1.0 for [9.0] on 2 cores\n"
		"  buildPhase\n"
		"  | running phase: buildPhase\n"
		"  installPhase\n"
		"  | running phase: installPhase\n"
		"torch-2.5.1.drv begins\n"
		"  unpackPhase\n"
		"  | running phase: unpackPhase\n"
		"  | building torch-2.5.1 for [9.0] on 2 cores\n"
		"  buildPhase\n"
		"  | running phase: buildPhase\n"
		"  | error: torch does not compile\n"
		"error: builder for "
		"'/nix/store/c3k06z5ar8pmiq3h0szn5iwrn8f9xhgw-torch-2.5.1.drv' failed with exit "
		"code 1\n"
		"error: 1 dependencies of derivation "
		"'/nix/store/c25lyh5zdahywwamw4qz15kggjy9li7l-torchvision-1.0.drv' failed to "
		"build\n" },
};

static void recorded_streams(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
		size_t counts[NIX_OTHER + 1] = { 0 }, progress;
		cleanup_free char *story = read_stream(streams[i].file, counts, &progress);

		assert_string_equal(story, streams[i].story);
		assert_memory_equal(counts, streams[i].counts, sizeof counts);
		assert_int_equal(progress, streams[i].progress);
	}
}

static void an_id_needs_64_bits(void **state)
{
	static const char line[] = "@nix {\"action\":\"stop\",\"id\":18014398509481985}";
	struct nix_event event;

	(void)state;
	nix_event_parse(line, sizeof line - 1, &event);
	assert_int_equal(event.action, NIX_STOP);
	assert_true(event.id == UINT64_C(18014398509481985)); /* 2^54 + 1 */
	nix_event_finish(&event);
	assert_null(event.document);
	nix_event_finish(&event); /* Harmless. */
}

static void other_lines_are_text(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "", "" },
		{ "Warning: Permanently added 'host-a'", "Warning: Permanently added 'host-a'" },
		{ "\x1b[31mred\x1b[0m \xff", "red \xef\xbf\xbd" },
		{ "@nix", "@nix" },
		{ "@nix ", "@nix " },
		{ "@nix {\"action\":\"start\"", "@nix {\"action\":\"start\"" },
		{ "@nix {\"action\":\"stop\",\"id\":1} and more",
			"@nix {\"action\":\"stop\",\"id\":1} and more" },
		{ " @nix {}", " @nix {}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nix_event event;

		nix_event_parse(cases[i].line, strlen(cases[i].line), &event);
		assert_int_equal(event.action, NIX_TEXT);
		assert_string_equal(str_text(&event.text), cases[i].text);
		assert_null(event.document);
		assert_null(nix_event_text_field(&event, 0));
		assert_int_equal(nix_event_int_field(&event, 0), 0);
		nix_event_finish(&event);
	}
}

/* Well-formed JSON of any shape is read; what is missing or of another kind is nothing. */
static void strange_events(void **state)
{
	static const struct {
		const char *line;
		enum nix_action action;
		uint64_t id;
		int64_t type, level;
		const char *text;
	} cases[] = {
		{ "@nix 5", NIX_OTHER, 0, 0, 0, "" },
		{ "@nix []", NIX_OTHER, 0, 0, 0, "" },
		{ "@nix {}", NIX_OTHER, 0, 0, 0, "" },
		{ "@nix {\"action\":5}", NIX_OTHER, 0, 0, 0, "" },
		{ "@nix {\"action\":\"setPhase\",\"phase\":\"x\"}", NIX_OTHER, 0, 0, 0, "" },
		{ "@nix {\"action\":\"stop\",\"id\":-1}", NIX_STOP, 0, 0, 0, "" },
		{ "@nix {\"action\":\"stop\",\"id\":\"7\"}", NIX_STOP, 0, 0, 0, "" },
		{ "@nix {\"action\":\"start\",\"id\":7,\"type\":111,\"level\":3,\"text\":\"waiting "
		  "for lock on '/x'\"}",
			NIX_START, 7, 111, 3, "waiting for lock on '/x'" },
		{ "@nix {\"action\":\"msg\",\"level\":1,\"msg\":\"\\u001b[35;1mwarning:\\u001b[0m "
		  "x\",\"text\":\"no\"}",
			NIX_MSG, 0, 0, 1, "warning: x" },
		{ "@nix {\"action\":\"msg\",\"text\":\"no\"}", NIX_MSG, 0, 0, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nix_event event;

		nix_event_parse(cases[i].line, strlen(cases[i].line), &event);
		assert_int_equal(event.action, cases[i].action);
		assert_true(event.id == cases[i].id);
		assert_int_equal(event.type, cases[i].type);
		assert_int_equal(event.level, cases[i].level);
		assert_string_equal(str_text(&event.text), cases[i].text);
		nix_event_finish(&event);
	}
}

static void fields(void **state)
{
	static const char line[] =
		"@nix {\"action\":\"result\",\"fields\":[\"\\u001b[1mx\",5,null],\"type\":101}",
			  object[] = "@nix {\"action\":\"result\",\"fields\":{\"a\":\"x\"}}";
	struct nix_event event;

	(void)state;
	nix_event_parse(line, sizeof line - 1, &event);
	assert_string_equal(nix_event_text_field(&event, 0), "\x1b[1mx"); /* As it came. */
	assert_int_equal(nix_event_int_field(&event, 0), 0);
	assert_null(nix_event_text_field(&event, 1));
	assert_int_equal(nix_event_int_field(&event, 1), 5);
	assert_null(nix_event_text_field(&event, 2));
	assert_null(nix_event_text_field(&event, 3));
	assert_int_equal(nix_event_int_field(&event, 3), 0);
	nix_event_finish(&event);

	nix_event_parse(object, sizeof object - 1, &event);
	assert_null(event.fields);
	assert_null(nix_event_text_field(&event, 0));
	nix_event_finish(&event);
}

static void progress_is_told_by_its_ends(void **state)
{
	static const struct {
		const char *line;
		bool is_progress;
	} cases[] = {
		{ "@nix {\"action\":\"result\",\"fields\":[0,1,0,0],\"id\":1,\"type\":105}", true },
		{ "@nix {\"action\":\"start\",\"fields\":[\"D\",\"\",1,1],\"id\":1,\"type\":105}",
			false },
		{ "@nix {\"action\":\"result\",\"fields\":[\"x\"],\"id\":1,\"type\":101}", false },
		{ "@nix "
		  "{\"action\":\"result\",\"fields\":[\"\\\"type\\\":105}\"],\"id\":1,\"type\":"
		  "101}",
			false },
		{ "@nix {\"action\":\"result\"\"type\":105}", false },
		{ "@nix {\"action\":\"results\",\"fields\":[0,1,0,0],\"id\":1,\"type\":105}",
			false },
		{ "@nix {\"action\":\"result\",\"fields\":[0,1,0,0],\"id\":1,\"type\":105]",
			false },
		{ "\"type\":105}", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].line);
		cleanup_free char *copy = xmalloc(len); /* No NUL to stop at. */

		memcpy(copy, cases[i].line, len);
		assert_int_equal(nix_event_is_progress(copy, len), cases[i].is_progress);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_streams),
		cmocka_unit_test(an_id_needs_64_bits),
		cmocka_unit_test(other_lines_are_text),
		cmocka_unit_test(strange_events),
		cmocka_unit_test(fields),
		cmocka_unit_test(progress_is_told_by_its_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
