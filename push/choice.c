#include "push/choice.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/store_path.h"
#include "lib/time_text.h"
#include "push/path_info.h"

/* The pattern that the name matches; NULL: none. */
static const char *pattern_of(const struct choice_rules *rules, const struct path_info *info)
{
	for (size_t i = 0; i < rules->n_skip; i++)
		if (fnmatch(rules->skip[i], store_path_name(info->path), 0) == 0)
			return rules->skip[i];
	return NULL;
}

enum choice choice_of(const struct choice_rules *rules, const struct path_info *info)
{
	if (pattern_of(rules, info) != NULL)
		return CHOICE_NAME;
	if (rules->max_nar_size > 0 && info->nar_size > rules->max_nar_size)
		return CHOICE_SIZE;
	if (trust_signer(&rules->upstream, info) != NULL)
		return CHOICE_UPSTREAM;
	return CHOICE_TAKE;
}

const char *choice_name(enum choice choice)
{
	static const char *const names[CHOICES] = {
		[CHOICE_TAKE] = "",
		[CHOICE_NAME] = "name",
		[CHOICE_SIZE] = "size",
		[CHOICE_UPSTREAM] = "upstream",
	};

	return names[choice];
}

void choice_describe(const struct choice_rules *rules, const struct path_info *info,
	enum choice choice, char *out, size_t size)
{
	char nar[TIME_TEXT_MAX], limit[TIME_TEXT_MAX];

	switch (choice) {
	case CHOICE_TAKE:
	case CHOICES:
		out[0] = '\0';
		return;
	case CHOICE_NAME:
		(void)snprintf(out, size, "its name matches %s", pattern_of(rules, info));
		return;
	case CHOICE_SIZE:
		size_to_text((int64_t)info->nar_size, nar);
		size_to_config((int64_t)rules->max_nar_size, limit);
		(void)snprintf(out, size, "its NAR has %s, more than %s", nar, limit);
		return;
	case CHOICE_UPSTREAM:
		(void)snprintf(out, size, "signed by %s", trust_signer(&rules->upstream, info));
		return;
	}
}

void choice_rules_free(struct choice_rules *rules)
{
	free(rules->skip);
	trust_free(&rules->upstream);
	*rules = (struct choice_rules){ 0 };
}
