/* Names of systems, features and submitters as numbers, the same for the same name. */
#include <string.h>

#include "lib/mem.h"
#include "sched/node.h"

static int intern(char **names, uint32_t max, const char *name, size_t len, uint32_t *out)
{
	for (uint32_t i = 0; i < max; i++) {
		if (names[i] == NULL)
			names[i] = xstrndup(name, len);
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
			*out = i;
			return 0;
		}
	}
	return CAPQ_ETOOBIG;
}

int sched_system(struct sched *s, const char *name, uint32_t *out, struct err *err)
{
	if (intern(s->systems, SYSTEMS_MAX, name, strlen(name), out) < 0)
		return err_set(err, CAPQ_ETOOBIG, "more than %d different systems", SYSTEMS_MAX);
	return 0;
}

int sched_features(struct sched *s, const char *names, uint64_t *out, struct err *err)
{
	uint64_t bits = 0;

	for (const char *p = names; *p != '\0';) {
		size_t len = strcspn(p, " \t\n");
		uint32_t bit = 0;

		if (len > 0 && intern(s->features, FEATURES_MAX, p, len, &bit) < 0)
			return err_set(err, CAPQ_ETOOBIG, "more than %d different system features",
				FEATURES_MAX);
		if (len > 0)
			bits |= UINT64_C(1) << bit;
		p += len + (p[len] != '\0');
	}
	*out = bits;
	return 0;
}

/* The last number is for all that come too late. */
uint32_t sched_submitter(struct sched *s, const char *name)
{
	uint32_t number = SCHED_SUBMITTERS_MAX - 1;

	(void)intern(s->submitters, SCHED_SUBMITTERS_MAX - 1, name, strlen(name), &number);
	return number;
}
