#include "daemon/pipeline/probing.h"

#include <stdlib.h>

#include "daemon/pipeline/inside.h"
#include "daemon/store/probe.h"
#include "io/clock.h"
#include "lib/hash.h"

/* ---- what is kept ---- */

/* False: there is no such flavour any more. */
static bool find_digest(const struct pipeline *p, const char *flavour, char out[65])
{
	const struct flavour *found = settings_flavour(p->settings, flavour);

	if (found != NULL)
		settings_flavour_digest(found, out);
	return found != NULL;
}

bool probe_known(struct pipeline *p, const struct probe_place *place, struct probe *out)
{
	char digest[SHA256_HEX_LEN + 1];
	const struct probe_key key = { place->rev, digest, place->system };

	return find_digest(p, place->flavour, digest) && store_probe_get(p->store, &key, out);
}

struct answer {
	char *rev, *system;
	char digest[SHA256_HEX_LEN + 1];
	struct probe probe;
};

static void free_answer(void *data)
{
	struct answer *a = data;

	free(a->rev);
	free(a->system);
	free(a);
}

static void write_answer(struct pipeline *p, void *data)
{
	const struct answer *a = data;
	const struct probe_key key = { a->rev, a->digest, a->system };

	store_probe_put(p->store, &key, &a->probe, clock_wall_ms());
}

static void log_answer(const struct probe_place *place, const struct probe *probe)
{
	cleanup_free char *caps = NULL;

	if (!probe->has_cuda) {
		log_detail("nixpkgs %.12s has no CUDA that capq knows", place->rev);
		return;
	}
	caps = capability_set_text(&probe->by_default);
	log_fact("nixpkgs %.12s, %s, %s: %s, CUDA %u.%u, by default %s", place->rev, place->flavour,
		place->system, era_name(probe->era), probe->cuda.major, probe->cuda.minor,
		caps[0] == '\0' ? "it does not say what" : caps);
}

void probe_keep(struct pipeline *p, const struct probe_place *place, const struct probe *probe)
{
	struct answer *a = xcalloc(1, sizeof *a);

	log_answer(place, probe);
	if (!find_digest(p, place->flavour, a->digest)) {
		free_answer(a);
		return;
	}
	a->rev = xstrdup(place->rev);
	a->system = xstrdup(place->system);
	a->probe = *probe;
	pipeline_post(p, write_answer, a, free_answer);
}

int probe_check_caps(
	struct pipeline *p, const struct probe_place *place, const char *caps, struct err *err)
{
	struct capability_set set;
	struct probe probe;

	if (!probe_known(p, place, &probe) || capability_set_parse(caps, &set, NULL) < 0)
		return 0;
	return probe_check(&probe, &set, place->system, err);
}
