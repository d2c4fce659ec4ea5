#include "lib/settings_check.h"

#include <ctype.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/job.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/rev_name.h"
#include "lib/str.h"

static bool is_word(const char *text, size_t max)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && strchr("_.+-", text[i]) == NULL)
			return false;
	return len > 0 && len <= max && text[0] != '-' && text[0] != '.';
}

static int check_flavour(const struct flavour *flavour, struct err *err)
{
	static const char *const ours[] = { "cudaSupport", "cudaCapabilities", "cudaForwardCompat",
		"allowUnfree" };
	cleanup_json struct json *config = NULL;

	if (!is_word(flavour->name, FLAVOUR_MAX))
		return err_set(err, CAPQ_EINVAL, "flavours: '%.80s' is no name", flavour->name);
	if (json_parse(flavour->config, strlen(flavour->config), &config, err) < 0)
		return err_wrap(err, "flavours: %s: config", flavour->name);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (json_get(config, ours[i]) != NULL)
			return err_set(err, CAPQ_EINVAL,
				"flavours: %s: config: '%s' is set by capq", flavour->name,
				ours[i]);
	for (size_t i = 0; i < flavour->overlays.n; i++)
		if (flavour->overlays.items[i][0] != '/')
			return err_set(err, CAPQ_EINVAL,
				"flavours: %s: overlays: '%.200s' must be an absolute path",
				flavour->name, flavour->overlays.items[i]);
	return 0;
}

static int check_flavours(const struct settings *s, struct err *err)
{
	const struct flavour *flavours = s->flavours.items;

	for (size_t i = 0; i < s->flavours.n; i++) {
		int rv = check_flavour(&flavours[i], err);

		if (rv < 0)
			return rv;
		for (size_t j = 0; j < i; j++)
			if (strcmp(flavours[i].name, flavours[j].name) == 0)
				return err_set(err, CAPQ_EINVAL, "flavours: two are called '%s'",
					flavours[i].name);
	}
	return 0;
}

static int check_package(const struct package_support *package, struct err *err)
{
	struct attr_path path;
	struct capability item;
	int rv = attr_path_parse(package->attr, &path, err);

	for (size_t i = 0; i < package->supported.n && rv == 0; i++)
		rv = capability_parse(package->supported.items[i], &item, err);
	return rv < 0 ? err_wrap(err, "packages: %s", package->attr) : 0;
}

static int check_packages(const struct settings *s, struct err *err)
{
	const struct package_support *packages = s->packages.items;
	int rv = 0;

	for (size_t i = 0; i < s->packages.n && rv == 0; i++)
		rv = check_package(&packages[i], err);
	return rv;
}

static int check_words(
	const struct texts *words, const char *what, const char *noun, struct err *err)
{
	for (size_t i = 0; i < words->n; i++)
		if (!is_word(words->items[i], SYSTEM_MAX))
			return err_set(err, CAPQ_EINVAL, "%s: '%.80s' is no %s", what,
				words->items[i], noun);
	return 0;
}

static int check_systems(const struct settings *s, struct err *err)
{
	return check_words(&s->systems, "systems", "system", err);
}

static int check_builder(const struct builder *builder, struct err *err)
{
	int rv;

	if (!is_word(builder->name, 64))
		return err_set(err, CAPQ_EINVAL, "builders: '%.80s' is no name", builder->name);
	if (strcmp(builder->store, "auto") != 0)
		return err_set(err, CAPQ_EINVAL,
			"builders: %s: store: this version builds in the local store alone: auto",
			builder->name);
	rv = check_words(&builder->systems, "systems", "system", err);
	if (rv == 0)
		rv = check_words(&builder->features, "features", "feature", err);
	return rv < 0 ? err_wrap(err, "builders: %s", builder->name) : 0;
}

static int check_builders(const struct settings *s, struct err *err)
{
	const struct builder *builders = s->builders.items;

	for (size_t i = 0; i < s->builders.n; i++) {
		int rv = check_builder(&builders[i], err);

		if (rv < 0)
			return rv;
		for (size_t j = 0; j < i; j++)
			if (strcmp(builders[i].name, builders[j].name) == 0)
				return err_set(err, CAPQ_EINVAL, "builders: two are called '%s'",
					builders[i].name);
	}
	return 0;
}

static bool is_hex(const char *text, size_t len)
{
	if (strlen(text) != len)
		return false;
	return strspn(text, "0123456789abcdef") == len;
}

static int check_access(const struct settings *s, struct err *err)
{
	const struct access_rule *rules = s->access.items;

	for (size_t i = 0; i < s->access.n; i++) {
		int n = (rules[i].user != NULL) + (rules[i].group != NULL) +
			(rules[i].token_sha256 != NULL);

		if (n != 1)
			return err_set(err, CAPQ_EINVAL,
				"access.rules: %s: set one of user, group and token_sha256",
				rules[i].name);
		if (rules[i].token_sha256 != NULL && !is_hex(rules[i].token_sha256, SHA256_HEX_LEN))
			return err_set(err, CAPQ_EINVAL,
				"access.rules: %s: token_sha256 must be 64 hex digits in small letters",
				rules[i].name);
	}
	return 0;
}

static int check_listen(const struct settings *s, struct err *err)
{
	for (size_t i = 0; i < s->listen.n; i++) {
		const char *text = s->listen.items[i];

		if (!str_starts(text, "unix:/") && !str_starts(text, "http://"))
			return err_set(err, CAPQ_EINVAL,
				"listen: '%.200s': expected unix:/PATH or http://ADDRESS:PORT",
				text);
	}
	return 0;
}

static int check_nix_options(const struct settings *s, struct err *err)
{
	cleanup_json struct json *options = NULL;

	if (json_parse(s->nix_options, strlen(s->nix_options), &options, err) < 0)
		return err_wrap(err, "nix_options");
	for (const struct json *o = json_first(options); o != NULL; o = json_next(o)) {
		if (!is_word(json_name(o), 100))
			return err_set(err, CAPQ_EINVAL,
				"nix_options: '%.100s' is no setting of Nix", json_name(o));
		if (json_text(o) == NULL)
			return err_set(err, CAPQ_EINVAL,
				"nix_options: %s: expected a text (put quotes around it)",
				json_name(o));
	}
	return 0;
}

static int check_nixpkgs(const struct settings *s, struct err *err)
{
	if ((s->nixpkgs.url == NULL) == (s->nixpkgs.path == NULL))
		return err_set(err, CAPQ_EINVAL,
			"nixpkgs: set url (a git repository) or path (a tree on this machine)");
	if (s->nixpkgs.url != NULL && s->nixpkgs.url[0] == '-')
		return err_set(err, CAPQ_EINVAL, "nixpkgs.url: '%.200s' is no URL", s->nixpkgs.url);
	if (s->nixpkgs.url != NULL && s->nixpkgs.branches.n == 0)
		return err_set(err, CAPQ_EINVAL, "nixpkgs.branches: name one at least");
	for (size_t i = 0; i < s->nixpkgs.branches.n; i++)
		if (!rev_name_is_valid(s->nixpkgs.branches.items[i]))
			return err_set(err, CAPQ_EINVAL, "nixpkgs.branches: '%.200s' is no branch",
				s->nixpkgs.branches.items[i]);
	return 0;
}

static int check_cache(const struct settings *s, struct err *err)
{
	if (s->cache.name != NULL && !is_word(s->cache.name, 100))
		return err_set(err, CAPQ_EINVAL, "cache.name: '%.100s' is no name", s->cache.name);
	if (!str_starts(s->cache.host, "https://") && !str_starts(s->cache.host, "http://"))
		return err_set(err, CAPQ_EINVAL,
			"cache.host: '%.200s': expected a URL such as https://cachix.org",
			s->cache.host);
	return 0;
}

int settings_check(const struct settings *s, struct err *err)
{
	static int (*const checks[])(const struct settings *, struct err *) = { check_nixpkgs,
		check_systems, check_listen, check_flavours, check_packages, check_builders,
		check_access, check_nix_options, check_cache };
	int rv = 0;

	for (size_t i = 0; i < ARRAY_LEN(checks) && rv == 0; i++)
		rv = checks[i](s, err);
	return rv;
}
