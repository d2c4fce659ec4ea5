/* Stories of the schedule, stories/<name>.txt: story.h. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/sim/story.h"

static bool updates;

static char *read_story(const char *path)
{
	struct str text = { 0 };
	char part[4096];
	FILE *f = fopen(path, "re");
	size_t n;

	assert_non_null(f);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		str_add_bytes(&text, part, n);
	(void)fclose(f);
	return str_take(&text);
}

static void write_story(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	(void)fclose(f);
}

/* Line by line, so that the first that differs is shown. */
static void compare(const char *name, char *got, char *wanted)
{
	for (int number = 1; got != NULL || wanted != NULL; number++) {
		const char *is = got == NULL ? "" : strsep(&got, "\n");
		const char *was = wanted == NULL ? "" : strsep(&wanted, "\n");

		if (strcmp(is, was) != 0)
			fail_msg("%s.txt:%d:\nis:  %s\nnot: %s", name, number, is, was);
	}
}

static void it_goes_as_told(void **state)
{
	const char *name = *state;
	cleanup_free char *path =
		str_format("%s/tests/sim/stories/%s.txt", getenv("CAPQ_SOURCE"), name);
	cleanup_free char *wanted = read_story(path), *got = story_tell(wanted);

	if (updates)
		write_story(path, got);
	else
		compare(name, got, wanted);
}

#define STORY(name)                                                                                \
	{                                                                                          \
		name, it_goes_as_told, NULL, NULL, (char[])                                        \
		{                                                                                  \
			name                                                                       \
		}                                                                                  \
	}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY("a_overload"),
		STORY("b_unknown_packages"),
		STORY("c_far_too_low_an_estimate"),
		STORY("d_a_cold_start"),
		STORY("e_two_slots"),
		STORY("f_a_flood"),
		STORY("g_a_dependency_fails"),
		STORY("h_a_storm_of_revisions"),
		STORY("i_wanted_again"),
		STORY("j_a_crowded_builder"),
		STORY("k_the_clock_steps_back"),
		STORY("a_restart_changes_nothing"),
		STORY("bump_hold_and_leftovers"),
	};

	updates = argc == 2 && strcmp(argv[1], "--update") == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
