#include "sim/policy.h"

#include <string.h>

#include "lib/str.h"
#include "sim/peers.h"
#include "sim/spr.h"

const struct policy_class *const policy_classes[] = {
	&policy_spr,
	&policy_fifo,
	&policy_sjf,
	&policy_hrrn,
	&policy_hydra,
	&policy_slurm,
	&policy_wfq,
	NULL,
};

int policy_find(const char *name, const struct policy_class **out, struct err *err)
{
	cleanup_str struct str names = { 0 };

	for (size_t i = 0; policy_classes[i] != NULL; i++) {
		if (strcmp(policy_classes[i]->name, name) == 0) {
			*out = policy_classes[i];
			return 0;
		}
		str_addf(&names, "%s%s", i > 0 ? ", " : "", policy_classes[i]->name);
	}
	return err_set(err, CAPQ_EINVAL, "no policy '%.40s'; there are: %s", name, names.text);
}
