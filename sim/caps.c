#include "sim/caps.h"

#include <stdlib.h>
#include <string.h>

#include "lib/capability.h"
#include "lib/mem.h"
#include "lib/str.h"

/* '+' joins capabilities, unless it stands before PTX. */
static char *with_commas(const char *spelling)
{
	char *text = xstrdup(spelling);

	for (char *c = text; *c != '\0'; c++)
		if (*c == '+' && strcmp(c, "+PTX") != 0)
			*c = ',';
	return text;
}

static unsigned count_parts(const char *text)
{
	unsigned n = 1;

	for (; *text != '\0'; text++)
		n += *text == ',';
	return n;
}

static struct caps_entry make_entry(const char *spelling)
{
	char canonical[CAPABILITY_SET_TEXT_MAX];
	struct capability_set set;
	char *text;

	if (spelling[0] == '\0' || strcmp(spelling, "any") == 0)
		return (struct caps_entry){ .set = xstrdup("") };
	text = with_commas(spelling);
	if (capability_set_parse(text, &set, NULL) < 0)
		return (struct caps_entry){ .set = text, .n_caps = count_parts(text) };
	free(text);
	capability_set_format(&set, canonical);
	return (struct caps_entry){ .set = xstrdup(canonical), .n_caps = (unsigned)set.n };
}

const struct caps_entry *caps_find(struct caps *caps, const char *spelling)
{
	uint32_t at = str_map_get(&caps->index, spelling);

	if (at == STR_MAP_NONE) {
		at = (uint32_t)caps->n++;
		array_reserve(&caps->entries, &caps->capacity, caps->n, sizeof *caps->entries);
		caps->entries[at] = make_entry(spelling);
		str_map_set(&caps->index, spelling, at);
	}
	return &caps->entries[at];
}

char **caps_take_sets(struct caps *caps, size_t *out_n)
{
	char **sets = xcalloc(caps->n, sizeof *sets);

	for (size_t i = 0; i < caps->n; i++)
		sets[i] = caps->entries[i].set;
	*out_n = caps->n;
	caps->n = 0;
	return sets;
}

void caps_finish(struct caps *caps)
{
	for (size_t i = 0; i < caps->n; i++)
		free(caps->entries[i].set);
	free(caps->entries);
	str_map_finish(&caps->index);
	*caps = (struct caps){ 0 };
}
