/* What revisions say about capabilities (lib/probe.h): asked once for each way to import one, along
 * with the first evaluation that it has, and kept. */
#ifndef CAPQ_DAEMON_PIPELINE_PROBING_H
#define CAPQ_DAEMON_PIPELINE_PROBING_H

#include "daemon/pipeline/pipeline.h"
#include "lib/probe.h"

/* A way to import a revision: its full hash, a flavour's name, a system. Borrowed. */
struct probe_place {
	const char *rev, *flavour, *system;
};

/* False: it was not asked yet. */
bool probe_known(struct pipeline *p, const struct probe_place *place, struct probe *out);

/* Keep an answer; later, by an event. */
void probe_keep(struct pipeline *p, const struct probe_place *place, const struct probe *probe);

/* probe_check() of a canonical set by what is known; 0 while nothing is. */
int probe_check_caps(
	struct pipeline *p, const struct probe_place *place, const char *caps, struct err *err);

#endif
