#include "daemon/pipeline/verify_policy.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

#include "lib/str.h"

/* "python3.12-torch" is torch, "cuda12.8-cudnn" is cudnn: nixpkgs puts what it is built for in
 * front. */
static const char *bare_name(const char *package)
{
	static const char *const prefixes[] = { "python", "cuda" };

	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		const char *at = package + strlen(prefixes[i]);

		if (!str_starts(package, prefixes[i]) || !isdigit((unsigned char)*at))
			continue;
		while (isdigit((unsigned char)*at) || *at == '.')
			at++;
		if (*at == '-' && at[1] != '\0')
			return at + 1;
	}
	return package;
}

enum verify_policy verify_policy_of(
	const struct settings *settings, const char *package, bool is_wanted)
{
	const struct verify_rule *rules = settings->verify.packages.items;
	const char *name = bare_name(package);
	enum verify_policy policy = (enum verify_policy)settings->verify.policy;

	for (size_t i = settings->verify.packages.n; i-- > 0;)
		if (fnmatch(rules[i].name, name, 0) == 0)
			policy = (enum verify_policy)rules[i].policy; /* The first that fits. */
	if (!is_wanted && policy == VERIFY_REQUIRE)
		policy = (enum verify_policy)settings->verify.dependencies;
	return policy;
}
