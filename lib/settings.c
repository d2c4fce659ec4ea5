#include "lib/settings.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/hash.h"
#include "lib/job.h"
#include "lib/mem.h"
#include "lib/settings_check.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

/* In the order of enum log_level, enum role, enum compression and enum verify_policy. */
static const char *const log_levels[] = { "broken", "unusual", "fact", "detail", NULL };
static const char *const roles[] = { "none", "read", "submit", "admin", NULL };
static const char *const compressions[] = { "auto", "zstd", "xz", NULL };
static const char *const verify_policies[] = { "require", "report", "off", NULL };

/* ---- the lists of mappings ---- */

#define AT(type, member) .offset = offsetof(struct type, member)

static const struct config_key flavour_keys[] = {
	{ "name", CONFIG_TEXT, AT(flavour, name), .is_required = true, .example = "mkl",
		.is_reloadable = true,
		.help = "What a job calls it. A flavour named default changes the one that "
			"jobs have when they name none." },
	{ "config", CONFIG_JSON, AT(flavour, config), .example = "{blasProvider: mkl}",
		.is_reloadable = true,
		.help = "Merged over the configuration that nixpkgs is imported with; "
			"cudaSupport, cudaCapabilities, cudaForwardCompat and allowUnfree are "
			"capq's own and cannot be set here." },
	{ "overlays", CONFIG_TEXTS, AT(flavour, overlays), .max = 16,
		.example = "[/etc/capqd/mkl.nix]", .is_reloadable = true,
		.help = "Absolute paths of nixpkgs overlays, applied in this order. One that reads "
			"other files is a directory with a default.nix and all of them: an "
			"evaluation reads nothing beside its tree and the overlays." },
};

static const struct config_key package_keys[] = {
	{ "attr", CONFIG_TEXT, AT(package_support, attr), .is_required = true,
		.example = "flash-attn", .is_reloadable = true,
		.help = "The attribute path, such as python3Packages.flash-attn; or its last "
			"element alone, which then stands for that package in every set." },
	{ "supported", CONFIG_TEXTS, AT(package_support, supported), .max = 32,
		.example = "[\"8.0\", \"9.0\"]", .is_reloadable = true,
		.help = "The capabilities that it can be built for, in quotes. Empty: none." },
};

static const struct config_key builder_keys[] = {
	{ "name", CONFIG_TEXT, AT(builder, name), .is_required = true, .example = "local",
		.is_reloadable = true, .help = "What capq calls it." },
	{ "store", CONFIG_TEXT, AT(builder, store), .fallback = "auto", .is_reloadable = true,
		.help = "The Nix store that builds. auto is the local one, through the Nix "
			"daemon where there is one." },
	{ "systems", CONFIG_TEXTS, AT(builder, systems), .max = 16, .is_reloadable = true,
		.example = "[x86_64-linux]",
		.help = "What it builds for. Left out: this machine's." },
	{ "features", CONFIG_TEXTS, AT(builder, features),
		.fallback = "benchmark big-parallel kvm nixos-test", .max = 64,
		.is_reloadable = true,
		.help = "The system features it has. A derivation that requires another one "
			"is not given to it." },
	{ "max_jobs", CONFIG_INT, AT(builder, max_jobs), .fallback = "1", .min = 0, .max = 1000,
		.is_reloadable = true, .example = "2", .help = "How many builds it runs at once." },
	{ "fetch_jobs", CONFIG_INT, AT(builder, fetch_jobs), .fallback = "2", .min = 0, .max = 1000,
		.is_reloadable = true,
		.help = "How many downloads of sources that several builds share it runs at "
			"once, beside its builds." },
	{ "cores", CONFIG_INT, AT(builder, cores), .fallback = "0", .min = 0, .max = 10000,
		.is_reloadable = true, .help = "Cores that each build may use; 0 means all." },
	{ "speed", CONFIG_INT, AT(builder, speed), .fallback = "100", .min = 1, .max = 100000,
		.is_reloadable = true,
		.help = "How fast it builds, in percent of the builder that costs are told for." },
};

static const struct config_key branch_weight_keys[] = {
	{ "name", CONFIG_TEXT, AT(branch_weight, name), .is_required = true, .example = "master",
		.is_reloadable = true, .help = "The branch." },
	{ "weight", CONFIG_INT, AT(branch_weight, weight), .fallback = "100", .min = 1,
		.max = 100000, .is_reloadable = true, .example = "150",
		.help = "Of its jobs for at most one capability." },
	{ "fat_weight", CONFIG_INT, AT(branch_weight, fat_weight), .fallback = "100", .min = 1,
		.max = 100000, .is_reloadable = true,
		.help = "Of its jobs for several capabilities." },
};

static const struct config_key verify_keys[] = {
	{ "name", CONFIG_TEXT, AT(verify_rule, name), .is_required = true, .example = "opencv",
		.is_reloadable = true,
		.help = "The package's name without its version, and without what nixpkgs puts in "
			"front of it (python3.12-, cuda12.8-); * and ? stand for any text and any "
			"letter." },
	{ "policy", CONFIG_CHOICE, AT(verify_rule, policy), .fallback = "report",
		.choices = verify_policies, .is_reloadable = true, .help = "As verify.policy." },
};

static const struct config_key access_keys[] = {
	{ "name", CONFIG_TEXT, AT(access_rule, name), .is_required = true, .example = "ci",
		.is_reloadable = true, .help = "Shown as the submitter and in the log." },
	{ "user", CONFIG_TEXT, AT(access_rule, user), .example = "hydra", .is_reloadable = true,
		.help = "Holds for this user at the Unix socket." },
	{ "group", CONFIG_TEXT, AT(access_rule, group), .example = "cuda-maintainers",
		.is_reloadable = true,
		.help = "Holds for users at the Unix socket whose process has this group." },
	{ "token_sha256", CONFIG_TEXT, AT(access_rule, token_sha256), .is_reloadable = true,
		.example = "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
		.help = "Holds for requests with the bearer token of this SHA-256, in hex: "
			"printf %s TOKEN | sha256sum." },
	{ "role", CONFIG_CHOICE, AT(access_rule, role), .fallback = "submit", .choices = roles,
		.is_reloadable = true,
		.help = "What they may do: read, submit (also cancel, retry, hold, release, "
			"bump), admin (also drain and backup)." },
};

static const struct config_table flavour_table = { flavour_keys, ARRAY_LEN(flavour_keys),
	sizeof(struct flavour) };
static const struct config_table package_table = { package_keys, ARRAY_LEN(package_keys),
	sizeof(struct package_support) };
static const struct config_table builder_table = { builder_keys, ARRAY_LEN(builder_keys),
	sizeof(struct builder) };
static const struct config_table branch_weight_table = { branch_weight_keys,
	ARRAY_LEN(branch_weight_keys), sizeof(struct branch_weight) };
static const struct config_table verify_table = { verify_keys, ARRAY_LEN(verify_keys),
	sizeof(struct verify_rule) };
static const struct config_table access_table = { access_keys, ARRAY_LEN(access_keys),
	sizeof(struct access_rule) };

/* ---- the keys ---- */

static const struct config_key keys[] = {
	{ "state_dir", CONFIG_PATH, AT(settings, state_dir), .example = "/var/lib/capqd",
		.help = "Where capqd keeps its data base, logs, clone of nixpkgs and roots. Left "
			"out: $STATE_DIRECTORY, which systemd sets. What is in it belongs to capqd "
			"alone." },
	{ "listen", CONFIG_TEXTS, AT(settings, listen), .min = 1, .max = 16,
		.example = "[\"unix:/run/capqd/capqd.sock\", \"http://127.0.0.1:8723\"]",
		.help = "Where it serves: unix:PATH, and http://ADDRESS:PORT on a loopback "
			"address. Left out: unix:$RUNTIME_DIRECTORY/capqd.sock, else "
			"unix:/run/capqd/capqd.sock." },
	{ "log_level", CONFIG_CHOICE, AT(settings, log_level), .fallback = "fact",
		.choices = log_levels, .is_reloadable = true,
		.help = "The least urgent kind of line that is logged." },
	{ "stop_grace", CONFIG_DURATION, AT(settings, stop_grace_ms), .fallback = "20s",
		.min = SECOND, .max = HOUR, .is_reloadable = true,
		.help = "How long capqd waits for its children when it is stopped, "
			"build.kill_grace on top. Then it leaves, and the kernel tells what is left "
			"to end." },

	{ "nixpkgs.url", CONFIG_TEXT, AT(settings, nixpkgs.url),
		.example = "https://github.com/NixOS/nixpkgs",
		.help = "The git repository of nixpkgs, of which capqd keeps a bare clone. Any "
			"URL that git takes, file:// included." },
	{ "nixpkgs.path", CONFIG_PATH, AT(settings, nixpkgs.path), .example = "/home/me/nixpkgs",
		.help = "Instead of url: a tree on this machine. Jobs then name no revision; each "
			"submit stores the hash of the tree as it is." },
	{ "nixpkgs.branches", CONFIG_TEXTS, AT(settings, nixpkgs.branches), .fallback = "master",
		.max = 256, .is_reloadable = true, .example = "[master, nixos-unstable]",
		.help = "The branches that are fetched and trusted: what is no ancestor of one of "
			"them is never pushed. A revision is trusted or not when it is first "
			"submitted; one that was trusted stays so when its branch is taken out." },
	{ "nixpkgs.tags", CONFIG_BOOL, AT(settings, nixpkgs.tags), .fallback = "true",
		.is_reloadable = true, .help = "Whether tags are fetched as well." },
	{ "nixpkgs.fetch_every", CONFIG_DURATION, AT(settings, nixpkgs.fetch_every_ms),
		.fallback = "10m", .min = 10 * SECOND, .max = 7 * DAY, .is_reloadable = true,
		.help = "How often the clone is brought up to date." },
	{ "nixpkgs.max_age", CONFIG_DURATION, AT(settings, nixpkgs.max_age_ms), .fallback = "1m",
		.min = 0, .max = 7 * DAY, .is_reloadable = true,
		.help = "A submit that names a branch, or a revision that is not known, fetches "
			"first when the last fetch is older than this." },
	{ "nixpkgs.fetch_timeout", CONFIG_DURATION, AT(settings, nixpkgs.fetch_timeout_ms),
		.fallback = "2h", .min = SECOND, .max = 7 * DAY, .is_reloadable = true,
		.help = "How long one fetch may take. The first one brings all of nixpkgs' "
			"history: several GiB." },
	{ "nixpkgs.allow_untrusted", CONFIG_BOOL, AT(settings, nixpkgs.allow_untrusted),
		.fallback = "false", .is_reloadable = true,
		.help = "Whether revisions that are no ancestors of a configured branch are built. "
			"They never are pushed. A code host may serve a stranger's commit under "
			"the repository's name, and building it runs its code. Evaluating it runs "
			"none, and reads no file but its own tree and the overlays." },

	{ "systems", CONFIG_TEXTS, AT(settings, systems), .max = 16, .is_reloadable = true,
		.example = "[x86_64-linux]",
		.help = "The systems that jobs may ask for; the first one is meant when a job "
			"names none. Left out: this machine's." },
	{ "flavours", CONFIG_ITEMS, AT(settings, flavours), .min = 0, .max = 100,
		.items = &flavour_table, .is_reloadable = true,
		.help = "Named ways to import nixpkgs, beside the capabilities." },
	{ "packages", CONFIG_ITEMS, AT(settings, packages), .min = 0, .max = 1000,
		.items = &package_table, .is_reloadable = true,
		.help = "Packages that can be built for some capabilities only and do not say so "
			"themselves, in passthru.supportedCudaCapabilities or "
			"passthru.cudaCapabilities. What stands here holds before what they say. "
			"What becomes of a job that asks for others is for the job to say "
			"(capq submit --unsupported)." },
	{ "nix_options", CONFIG_JSON, AT(settings, nix_options), .is_reloadable = true,
		.example = "{sandbox: \"true\"}",
		.help = "Nix settings passed to every Nix program as --option NAME VALUE. A Nix "
			"daemon obeys some of them only for its trusted users." },
	{ "substituters", CONFIG_TEXTS, AT(settings, substituters), .max = 32,
		.is_reloadable = true, .example = "[\"https://cache.nixos.org\"]",
		.help = "Binary caches from which inputs are fetched instead of built. Nix must "
			"trust their keys (trusted-public-keys). Name your own cache here too." },
	{ "substitution.max_jobs", CONFIG_INT, AT(settings, substitution_jobs), .fallback = "2",
		.min = 1, .max = 100, .is_reloadable = true,
		.help = "How many Nix processes fetch from substituters at once." },
	{ "substitution.timeout", CONFIG_DURATION, AT(settings, substitution_timeout_ms),
		.fallback = "2h", .min = SECOND, .max = 7 * DAY, .is_reloadable = true,
		.help = "How long fetching the inputs of one build may take." },

	{ "evaluator.max_jobs", CONFIG_INT, AT(settings, evaluator.max_jobs), .fallback = "1",
		.min = 1, .max = 100, .is_reloadable = true,
		.help = "How many evaluations run at once." },
	{ "evaluator.batch", CONFIG_INT, AT(settings, evaluator.batch), .fallback = "200", .min = 1,
		.max = 2000, .is_reloadable = true,
		.help = "How many attributes one Nix process evaluates." },
	{ "evaluator.timeout", CONFIG_DURATION, AT(settings, evaluator.timeout_ms),
		.fallback = "10m", .min = SECOND, .max = DAY, .is_reloadable = true,
		.help = "How long one attribute may take to evaluate. Then the process is killed; "
			"the other attributes go on in a new one." },
	{ "evaluator.memory", CONFIG_SIZE, AT(settings, evaluator.memory_bytes), .fallback = "8GiB",
		.min = 64 * MIB, .max = 4 * TIB, .is_reloadable = true,
		.help = "How much memory an evaluating process may use before it is killed." },

	{ "planner.timeout", CONFIG_DURATION, AT(settings, planner.timeout_ms), .fallback = "30m",
		.min = SECOND, .max = DAY, .is_reloadable = true,
		.help = "How long each question to a store or a cache may take when it is worked "
			"out what is missing." },
	{ "planner.max_derivations", CONFIG_INT, AT(settings, planner.max_derivations),
		.fallback = "200000", .min = 100, .max = 10000000, .is_reloadable = true,
		.help = "The largest graph of derivations that is planned; jobs with a larger one "
			"fail." },

	{ "builders", CONFIG_ITEMS, AT(settings, builders), .min = 0, .max = 1000,
		.items = &builder_table, .is_reloadable = true,
		.help = "Where builds run. Left out: the local store with one job at a time." },

	{ "scheduling.promise_grace", CONFIG_DURATION, AT(settings, scheduling.promise_grace_ms),
		.fallback = "27h", .min = 0, .max = 60 * DAY, .is_reloadable = true,
		.help = "Every job is promised, when it is submitted, a time by which it starts: "
			"so long after that, and promise_backlog on top. Shorter promises keep "
			"fat builds from waiting and make thin ones wait more." },
	{ "scheduling.promise_backlog", CONFIG_INT, AT(settings, scheduling.promise_backlog),
		.fallback = "250", .min = 0, .max = 10000, .is_reloadable = true,
		.help = "And so many percent of the time that it would wait if everything before "
			"it were built first." },
	{ "scheduling.promise_slots", CONFIG_INT, AT(settings, scheduling.promise_slots),
		.fallback = "13", .min = 0, .max = 100, .is_reloadable = true,
		.help = "How many percent of the slots may be held by builds that were started "
			"because their promise was due; always at least one." },
	{ "scheduling.reserve", CONFIG_INT, AT(settings, scheduling.reserve), .fallback = "13",
		.min = 0, .max = 90, .is_reloadable = true,
		.help = "How many percent of the slots long builds leave free, at least one from "
			"three slots on; 0: none." },
	{ "scheduling.branches", CONFIG_ITEMS, AT(settings, scheduling.branches), .min = 0,
		.max = 256, .items = &branch_weight_table, .is_reloadable = true,
		.help = "How much jobs of a branch weigh against others, which weigh 100. Left "
			"out: jobs of master for at most one capability weigh 150." },

	{ "build.timeout", CONFIG_DURATION, AT(settings, build.timeout_ms), .fallback = "2d",
		.min = SECOND, .max = 60 * DAY, .is_reloadable = true,
		.help = "How long one derivation may take to build." },
	{ "build.max_silent", CONFIG_DURATION, AT(settings, build.max_silent_ms), .fallback = "3h",
		.min = SECOND, .max = 60 * DAY, .is_reloadable = true,
		.help = "How long a build may print nothing." },
	{ "build.kill_grace", CONFIG_DURATION, AT(settings, build.kill_grace_ms), .fallback = "10s",
		.min = 0, .max = HOUR, .is_reloadable = true,
		.help = "From the polite request to stop a build to the kill." },
	{ "build.ride_along", CONFIG_DURATION, AT(settings, build.ride_along_ms), .fallback = "5s",
		.min = 0, .max = HOUR, .is_reloadable = true,
		.help = "A missing derivation that only one build needs and that is known to take "
			"less than this is built by that build's own Nix process." },
	{ "build.batch", CONFIG_DURATION, AT(settings, build.batch_ms), .fallback = "2s", .min = 0,
		.max = HOUR, .is_reloadable = true,
		.help = "Ready builds that are known to take less than this are started several at "
			"once in one slot, which spares a Nix process each." },
	{ "build.batch_max", CONFIG_INT, AT(settings, build.batch_max), .fallback = "10", .min = 1,
		.max = 100, .is_reloadable = true, .help = "How many of those at once." },
	{ "build.log_head", CONFIG_SIZE, AT(settings, build.log_head_bytes), .fallback = "16MiB",
		.min = KIB, .max = 4 * GIB, .is_reloadable = true,
		.help = "How much of the beginning of a build's log is kept." },
	{ "build.log_tail", CONFIG_SIZE, AT(settings, build.log_tail_bytes), .fallback = "16MiB",
		.min = KIB, .max = 4 * GIB, .is_reloadable = true,
		.help = "How much of the end of a build's log is kept when it is longer." },

	{ "verify.policy", CONFIG_CHOICE, AT(settings, verify.policy), .fallback = "require",
		.choices = verify_policies, .is_reloadable = true,
		.help = "What follows when the outputs of a package that a job asks for lack GPU "
			"code of its set: machine code of each capability, and with +PTX the PTX "
			"of the newest, in every unit of every file. require: the job fails and "
			"says which file lacks what, and nothing goes into the cache. report: it "
			"is noted, and capq lookup knows. off: nobody looks. Code beyond the set, "
			"and none at all, is no fault." },
	{ "verify.dependencies", CONFIG_CHOICE, AT(settings, verify.dependencies),
		.fallback = "report", .choices = verify_policies, .is_reloadable = true,
		.help = "The same for what such packages need, where the policy for it is "
			"require: it is held against the set that it was built for." },
	{ "verify.packages", CONFIG_ITEMS, AT(settings, verify.packages), .min = 0, .max = 1000,
		.items = &verify_table, .is_reloadable = true,
		.help = "Packages with a policy of their own; the first that fits holds. Left out: "
			"report for what cannot hold each set, torch (some of its units are made "
			"for 9.0a and 10.0a alone, whatever is asked for) and what NVIDIA ships "
			"built (cuda_*, cudatoolkit, cudnn*, libcu*, libnpp*, libnv*, *cutensor*, "
			"*cusparselt*, tensorrt*)." },
	{ "verify.max_jobs", CONFIG_INT, AT(settings, verify.max_jobs), .fallback = "2", .min = 1,
		.max = 100, .is_reloadable = true,
		.help = "How many builds' outputs are looked at at once." },
	{ "verify.timeout", CONFIG_DURATION, AT(settings, verify.timeout_ms), .fallback = "10m",
		.min = SECOND, .max = DAY, .is_reloadable = true,
		.help = "How long looking at the outputs of one build may take." },

	{ "cache.name", CONFIG_TEXT, AT(settings, cache.name), .is_reloadable = true,
		.example = "cuda-maintainers",
		.help = "The Cachix cache that results are pushed to. Left out: nothing is "
			"pushed, and the results stay rooted in the store." },
	{ "cache.host", CONFIG_TEXT, AT(settings, cache.host), .fallback = "https://cachix.org",
		.is_reloadable = true, .help = "The Cachix service." },
	{ "cache.substituter", CONFIG_TEXT, AT(settings, cache.substituter), .is_reloadable = true,
		.example = "https://cuda-maintainers.cachix.org",
		.help = "Where users fetch from, for what capq lookup prints. Left out, for a cache "
			"at cachix.org: https://NAME.cachix.org." },
	{ "cache.public_keys", CONFIG_TEXTS, AT(settings, cache.public_keys), .max = 16,
		.is_reloadable = true,
		.example =
			"[\"cuda-maintainers.cachix.org-1:0dq3bujKpuEPMCX6U4WylrUDZ9JyUG0VpVZa7CNfq5E=\"]",
		.help = "The keys that the cache's paths are signed with, for the same." },
	{ "cache.compression", CONFIG_CHOICE, AT(settings, cache.compression), .fallback = "auto",
		.choices = compressions, .is_reloadable = true,
		.help = "How paths are compressed; auto is what the cache prefers." },
	{ "cache.max_jobs", CONFIG_INT, AT(settings, cache.max_jobs), .fallback = "2", .min = 1,
		.max = 100, .is_reloadable = true, .help = "How many pushes run at once." },
	{ "cache.timeout", CONFIG_DURATION, AT(settings, cache.timeout_ms), .fallback = "12h",
		.min = SECOND, .max = 7 * DAY, .is_reloadable = true,
		.help = "How long one push may take before it is stopped and tried again." },
	{ "cache.limit_rate", CONFIG_SIZE, AT(settings, cache.limit_rate), .fallback = "0",
		.min = 0, .max = INT64_C(1) << 40, .is_reloadable = true,
		.help = "How many bytes a second all pushes together may send; 0: any number. Each "
			"of them may send its share, and 64KiB at least." },
	{ "cache.upstream_keys", CONFIG_TEXTS, AT(settings, cache.upstream_keys), .max = 32,
		.example = "[cache.nixos.org-1]", .is_reloadable = true,
		.help = "Paths that one of these keys has signed are in another cache that those who "
			"use ours have as well, and are not pushed. NAME, as Nix noted it when it "
			"fetched the path, or NAME:BASE64, the public key; then the signature is "
			"verified." },
	{ "cache.credentials", CONFIG_PATH, AT(settings, cache.credentials), .is_reloadable = true,
		.example = "/etc/capqd/credentials",
		.help = "A directory with the files cachix-auth-token and, for caches whose key "
			"you hold, cachix-signing-key. capq-push alone reads them. Left out: "
			"$CREDENTIALS_DIRECTORY, which systemd sets." },

	{ "access.rules", CONFIG_ITEMS, AT(settings, access), .min = 0, .max = 1000,
		.items = &access_table, .is_reloadable = true,
		.help = "Who may do what; the first rule that fits holds. Root and the user that "
			"capqd runs as always may do everything at the Unix socket." },
	{ "access.local", CONFIG_CHOICE, AT(settings, local_role), .fallback = "submit",
		.choices = roles, .is_reloadable = true,
		.help = "What other local users may do at the Unix socket, whose mode is for "
			"systemd or for the directory that it is in to set." },
	{ "access.tcp", CONFIG_CHOICE, AT(settings, tcp_role), .fallback = "read", .choices = roles,
		.is_reloadable = true, .help = "What can be done over TCP without a token." },

	{ "limits.connections", CONFIG_INT, AT(settings, limits.connections), .fallback = "2000",
		.min = 16, .max = 100000,
		.help = "How many clients may be connected to each listener at once." },
	{ "limits.request", CONFIG_SIZE, AT(settings, limits.request_bytes), .fallback = "64MiB",
		.min = 64 * KIB, .max = GIB, .is_reloadable = true,
		.help = "The largest body of a request." },
	{ "limits.jobs_per_request", CONFIG_INT, AT(settings, limits.jobs_per_request),
		.fallback = "100000", .min = 1, .max = 10000000, .is_reloadable = true,
		.help = "How many jobs one request may submit." },
	{ "limits.live_jobs", CONFIG_INT, AT(settings, limits.live_jobs), .fallback = "1000000",
		.min = 1, .max = 100000000, .is_reloadable = true,
		.help = "How many unfinished jobs there may be." },
	{ "limits.state_free", CONFIG_SIZE, AT(settings, limits.state_free_bytes),
		.fallback = "64MiB", .min = 0, .max = TIB, .is_reloadable = true,
		.help = "While the disk with state_dir has less room than this, nothing new is "
			"accepted or started." },

	{ "keep.events", CONFIG_DURATION, AT(settings, keep.events_ms), .fallback = "30d",
		.min = MINUTE, .max = 3650 * DAY, .is_reloadable = true,
		.help = "How long the record of what happened to jobs is kept." },
	{ "keep.logs", CONFIG_DURATION, AT(settings, keep.logs_ms), .fallback = "90d",
		.min = MINUTE, .max = 3650 * DAY, .is_reloadable = true,
		.help = "How long logs of builds are kept." },
};

static const struct config_table table = { keys, ARRAY_LEN(keys), sizeof(struct settings) };

const struct config_table *settings_table(void)
{
	return &table;
}

/* ---- defaults that no table can say ---- */

const char *settings_native_system(void)
{
	static char system[SYSTEM_MAX];
	struct utsname name;

	if (uname(&name) != 0)
		return "x86_64-linux";
	(void)snprintf(system, sizeof system, "%.32s-linux", name.machine);
	return system;
}

static void add_text(struct texts *texts, const char *text)
{
	texts->items = xrealloc(texts->items, (texts->n + 1) * sizeof *texts->items);
	texts->items[texts->n++] = xstrdup(text);
}

static void add_local_builder(struct settings *s)
{
	static const char text[] = "name: local";
	struct builder *builder = xcalloc(1, sizeof *builder);

	/* The table is wrong if this fails; a unit test reads it. */
	if (config_parse(text, sizeof text - 1, "", &builder_table, builder, NULL) < 0)
		abort();
	free(s->builders.items); /* "builders: []" */
	s->builders = (struct items){ builder, 1 };
}

static void add_master(struct settings *s)
{
	struct branch_weight *master = xcalloc(1, sizeof *master);

	*master = (struct branch_weight){
		.name = xstrdup("master"), .weight = 150, .fat_weight = 100
	};
	free(s->scheduling.branches.items);
	s->scheduling.branches = (struct items){ master, 1 };
}

/* What no set is to be required of: torch has units for some capabilities alone, whatever is asked
 * for, and the others come built from NVIDIA. */
static void add_verify_rules(struct settings *s)
{
	static const char *const names[] = { "torch", "cuda_*", "cudatoolkit", "cudnn*", "libcu*",
		"libnpp*", "libnv*", "*cutensor*", "*cusparselt*", "tensorrt*" };
	struct verify_rule *rules = xcalloc(ARRAY_LEN(names), sizeof *rules);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		rules[i] = (struct verify_rule){ xstrdup(names[i]), VERIFY_REPORT };
	free(s->verify.packages.items);
	s->verify.packages = (struct items){ rules, ARRAY_LEN(names) };
}

static void fill_in(struct settings *s)
{
	struct builder *builders;

	if (s->systems.n == 0)
		add_text(&s->systems, settings_native_system());
	if (s->builders.n == 0)
		add_local_builder(s);
	if (s->scheduling.branches.n == 0)
		add_master(s);
	if (s->cache.name != NULL && s->cache.substituter == NULL &&
		strcmp(s->cache.host, "https://cachix.org") == 0)
		s->cache.substituter = str_format("https://%s.cachix.org", s->cache.name);
	if (s->verify.packages.n == 0)
		add_verify_rules(s);
	builders = s->builders.items;
	for (size_t i = 0; i < s->builders.n; i++)
		if (builders[i].systems.n == 0)
			add_text(&builders[i].systems, settings_native_system());
}

static int complete(const char *path, struct settings *s, struct err *err)
{
	fill_in(s);
	if (settings_check(s, err) == 0)
		return 0;
	settings_finish(s);
	(void)err_wrap(err, "%s", path);
	return CAPQ_EINVAL;
}

int settings_parse(
	const char *text, size_t len, const char *path, struct settings *out, struct err *err)
{
	int rv = config_parse(text, len, path, &table, out, err);

	return rv < 0 ? rv : complete(path, out, err);
}

int settings_read(const char *path, struct settings *out, struct err *err)
{
	int rv = config_read(path, &table, out, err);

	return rv < 0 ? rv : complete(path, out, err);
}

void settings_finish(struct settings *settings)
{
	config_finish(&table, settings);
}

const struct flavour *settings_flavour(const struct settings *settings, const char *name)
{
	static const struct flavour plain = { .name = (char *)"default", .config = (char *)"{}" };
	const struct flavour *flavours = settings->flavours.items;

	for (size_t i = 0; i < settings->flavours.n; i++)
		if (strcmp(flavours[i].name, name) == 0)
			return &flavours[i];
	return strcmp(name, "default") == 0 ? &plain : NULL;
}

/* "python3Packages.flash-attn" is meant by itself and by "flash-attn". */
static bool is_meant(const char *name, const char *attr)
{
	const char *last = strrchr(attr, '.');

	return strcmp(name, attr) == 0 || (last != NULL && strcmp(name, last + 1) == 0);
}

bool settings_supported(
	const struct settings *settings, const char *attr, struct capability_set *out)
{
	const struct package_support *packages = settings->packages.items;

	for (size_t i = 0; i < settings->packages.n; i++) {
		const struct texts *supported = &packages[i].supported;

		if (!is_meant(packages[i].attr, attr))
			continue;
		*out = (struct capability_set){ 0 };
		for (size_t k = 0; k < supported->n; k++) {
			struct capability item;

			if (capability_parse(supported->items[k], &item, NULL) == 0)
				(void)capability_set_add(out, item, NULL);
		}
		return true;
	}
	return false;
}

void settings_flavour_digest(const struct flavour *flavour, char out[65])
{
	cleanup_str struct str text = { 0 };

	str_add(&text, flavour->config);
	for (size_t i = 0; i < flavour->overlays.n; i++)
		str_addf(&text, "\n%s", flavour->overlays.items[i]);
	sha256_hex(str_text(&text), text.len, out);
}
