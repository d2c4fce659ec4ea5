/* capqd's configuration: the struct, and the table of its keys (settings.c). What each key means
 * stands in the table alone, from which etc/capqd.yaml and capqd.yaml(5) are made. */
#ifndef CAPQ_LIB_SETTINGS_H
#define CAPQ_LIB_SETTINGS_H

#include "lib/capability.h"
#include "lib/config.h"
#include "lib/log.h"

/* What somebody may do; each includes those before. */
enum role {
	ROLE_NONE,
	ROLE_READ,
	ROLE_SUBMIT,
	ROLE_ADMIN,
};

struct flavour {
	char *name;
	char *config;          /* JSON, merged over nixpkgs' `config`. */
	struct texts overlays; /* Absolute paths. */
};

/* What is known of a package that does not say it itself. */
struct package_support {
	char *attr; /* A path, or its last element alone. */
	struct texts supported;
};

struct builder {
	char *name;
	char *store; /* "auto", or a store URL. */
	struct texts systems;
	struct texts features;
	int64_t max_jobs;   /* Builds at once. */
	int64_t fetch_jobs; /* Fixed-output builds (downloads) at once, beside them. */
	int64_t cores;      /* NIX_BUILD_CORES of each build; 0: all. */
	int64_t speed;      /* Percent of the one that costs are measured in. */
};

/* What jobs of a branch weigh in the order, in percent. */
struct branch_weight {
	char *name;
	int64_t weight;     /* For at most one capability. */
	int64_t fat_weight; /* For several. */
};

struct access_rule {
	char *name;         /* For logs and `submitter`. */
	char *user, *group; /* Of the process at the other end of a Unix socket. */
	char *token_sha256; /* 64 hex digits: who sends the token with this hash. */
	int role;           /* enum role */
};

/* What follows when outputs lack the GPU code that was asked for. */
enum verify_policy {
	VERIFY_REQUIRE, /* They are not pushed, and nothing is built on them. */
	VERIFY_REPORT,  /* It is noted. */
	VERIFY_OFF,     /* Nobody looks. */
};

/* The policy for packages of a name. */
struct verify_rule {
	char *name; /* A pattern: * and ? as in a shell. */
	int policy; /* enum verify_policy */
};

enum compression {
	COMPRESSION_AUTO, /* What the cache prefers. */
	COMPRESSION_ZSTD,
	COMPRESSION_XZ,
};

struct settings {
	char *state_dir;
	struct texts listen;
	int log_level; /* enum log_level */
	int64_t stop_grace_ms;
	struct {
		char *url, *path;
		struct texts branches;
		bool tags;
		int64_t fetch_every_ms, max_age_ms, fetch_timeout_ms;
		bool allow_untrusted;
	} nixpkgs;
	struct texts systems;
	struct items flavours; /* struct flavour */
	struct items packages; /* struct package_support */
	char *nix_options;     /* A JSON object of strings. */
	struct texts substituters;
	int64_t substitution_jobs, substitution_timeout_ms;
	struct {
		int64_t max_jobs, batch, timeout_ms, memory_bytes;
	} evaluator;
	struct {
		int64_t timeout_ms, max_derivations;
	} planner;
	struct items builders; /* struct builder */
	struct {
		int64_t promise_grace_ms, promise_backlog, promise_slots, reserve;
		struct items branches; /* struct branch_weight */
	} scheduling;
	struct {
		int64_t timeout_ms, max_silent_ms, kill_grace_ms;
		int64_t ride_along_ms, batch_ms, batch_max;
		int64_t log_head_bytes, log_tail_bytes;
	} build;
	struct {
		int policy, dependencies; /* enum verify_policy */
		struct items packages;    /* struct verify_rule */
		int64_t max_jobs, timeout_ms;
	} verify;
	struct {
		char *name, *host, *substituter;
		struct texts public_keys;
		int compression; /* enum compression */
		int64_t max_jobs, timeout_ms;
		int64_t limit_rate; /* Bytes a second, of all pushes together; 0: any. */
		struct texts upstream_keys;
		char *credentials;
	} cache;
	struct items access; /* struct access_rule */
	int local_role;      /* enum role: of local users that no rule names. */
	int tcp_role;        /* enum role: over TCP without a token. */
	struct {
		int64_t connections, request_bytes, jobs_per_request, live_jobs;
		int64_t state_free_bytes;
	} limits;
	struct {
		int64_t events_ms, logs_ms;
	} keep;
};

/* The table of all keys. */
const struct config_table *settings_table(void);

/* Read and check the whole file: first each key for itself (lib/config.h), then what one key says
 * about another. The caller ends with settings_finish(). */
int settings_read(const char *path, struct settings *out, struct err *err);
int settings_parse(
	const char *text, size_t len, const char *path, struct settings *out, struct err *err);
void settings_finish(struct settings *settings);

/* The flavour called `name`, NULL when there is none. "default" always exists. */
const struct flavour *settings_flavour(const struct settings *settings, const char *name);

/* What the configuration says that a package (a canonical path) can be built for. False: nothing.
 */
bool settings_supported(
	const struct settings *settings, const char *attr, struct capability_set *out);

/* SHA-256 in hex of what the flavour says: evaluations are remembered for that, not for a name. */
void settings_flavour_digest(const struct flavour *flavour, char out[65]);

/* The machine's own system as Nix calls it: "x86_64-linux". */
const char *settings_native_system(void);

#endif
