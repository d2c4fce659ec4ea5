/* What a job and a build are, to everybody: the daemon, the client, the data base, JSON. Pure.
 *
 * A job is the thing wanted in the cache: (attribute path, capability set, flavour, revision,
 * system). A build is one derivation being built, once, for every job that needs it. */
#ifndef CAPQ_LIB_JOB_H
#define CAPQ_LIB_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr_path.h"
#include "lib/caps_ask.h"
#include "lib/failure.h"
#include "lib/rev_name.h"
#include "lib/support.h"

/* The life of a job. Which state follows which stands in daemon/pipeline/job_life.c. */
enum job_state {
	JOB_EVALUATING, /* Until Nix has said which derivation it is. */
	JOB_PLANNING,   /* Until it is known which derivations are missing. */
	JOB_WAITING,    /* Until the build of its derivation is done. */
	JOB_PUSHING,    /* Built; until its closure is in the cache. */
	JOB_DONE,
	JOB_ON_HOLD, /* A person said so; `capq release` lets it go on. */
	JOB_FAILED,
	JOB_CANCELLED,
	JOB_SUPERSEDED, /* A newer revision of its branch took its place. */
};
#define JOB_STATES (JOB_SUPERSEDED + 1)

/* The life of a build: daemon/pipeline/build_life.c. */
enum build_state {
	BUILD_BLOCKED,   /* Still needs another build, or inputs that must be fetched. */
	BUILD_READY,     /* All inputs are valid and rooted. */
	BUILD_BUILDING,  /* Nix is at it. */
	BUILD_VERIFYING, /* Valid; its outputs are looked at. */
	BUILD_PUSHING,   /* Verified; its closure goes into the cache. */
	BUILD_DONE,
	BUILD_FAILED,
};
#define BUILD_STATES (BUILD_FAILED + 1)

/* "evaluating", ..., as stored, shown and written in JSON; the reverse is false when there is no
 * such state. */
const char *job_state_name(enum job_state state);
bool job_state_from_name(const char *name, enum job_state *out);
const char *build_state_name(enum build_state state);
bool build_state_from_name(const char *name, enum build_state *out);

/* True for states that a job or build leaves only when somebody asks for it. */
bool job_state_is_final(enum job_state state);
bool build_state_is_final(enum build_state state);

#define FLAVOUR_MAX 64
#define SYSTEM_MAX 64
#define PRIORITY_MAX 1000 /* And -1000. */

/* What is asked for, as submitted: checked for form only. */
struct job_spec {
	char attr[2 * ATTR_PATH_TEXT_MAX]; /* Canonical. */
	char caps[CAPS_ASK_TEXT_MAX];      /* Canonical: a set, "default", "each", ... */
	char flavour[FLAVOUR_MAX + 1];
	char rev[REV_NAME_MAX + 1]; /* A branch, a tag, or a hash of 7..40 digits; "" for a path. */
	char system[SYSTEM_MAX + 1]; /* "": the daemon's first. */
	int priority;                /* -PRIORITY_MAX..PRIORITY_MAX; higher first. */
	enum unsupported unsupported;
	bool is_leftover; /* Built only when there is nothing else to build, or its promise is due.
			   */
};

/* A job as the data base has it. Strings are owned by the record. */
struct job {
	int64_t id;
	char *attr;
	char *caps;       /* What was asked for: canonical, "+PTX" included. */
	char *caps_from;  /* "default" or "each", which it came of; NULL: the set was named. */
	char *built_caps; /* What is built in its place; NULL: what was asked for. */
	enum unsupported unsupported;
	bool is_skipped; /* Cancelled because nothing was left of the set. */
	char *flavour;
	char *rev;      /* The full hash; "sha256:..." of its NAR for a path. */
	char *rev_from; /* What was named at submit: "branch master", "tag 24.05", "hash", "path".
			 */
	bool trusted;   /* The revision is an ancestor of a configured branch. */
	char *system;
	int priority;
	bool is_leftover; /* As in struct job_spec. */
	char *submitter;  /* "root", "token ci", ... */
	enum job_state state;
	enum job_state held_state; /* JOB_ON_HOLD: where it goes on. */
	enum failure failure;
	char *reason;     /* One sentence: why it is in its state. NULL: nothing to say. */
	char *drv_path;   /* NULL until evaluated. */
	char *same_as;    /* A set for which it was the same derivation before; NULL: none. */
	char *outputs;    /* A JSON object, output name -> store path; NULL until planned. */
	int64_t build_id; /* The build of its derivation; 0 while there is none. */
	int attempts;     /* Builds of its derivation that were started. */
	int64_t submitted_at, started_at, finished_at; /* ms since 1970; 0: not yet. */
	int64_t wall_ms, core_ms, bytes_pushed;        /* Of its derivation's build; -1: unknown. */
};

/* A build as the data base has it. */
struct build {
	int64_t id;
	char *drv_path;
	char *name; /* "torch-2.5.1" */
	char *system;
	char *features;  /* Required system features, separated by blanks; "" for none. */
	char *outputs;   /* A JSON object, output name -> store path. */
	bool is_fetch;   /* A fixed-output derivation: it runs in the builders' fetch slots. */
	bool is_trusted; /* A trusted job wants it or what needs it: it may be pushed. */
	enum build_state state;
	enum failure failure;
	char *reason;
	char *builder;      /* Where it runs or ran; NULL: nowhere yet. */
	int attempts;       /* Started so far. */
	int tries;          /* Failed since somebody last asked for it; the backoff counts these. */
	int64_t not_before; /* ms since 1970: it waits that long for its next try; 0: no. */
	int64_t created_at, ready_at, started_at, finished_at; /* ms since 1970; 0: not yet. */
	int64_t wall_ms, core_ms, bytes_pushed, output_bytes;  /* -1: unknown. */
};

/* When it is expected to start and to be done: as likely as not by p50, nine times out of ten by
 * p90. ms since 1970; 0: not known, or never as things are. */
struct eta {
	int64_t start_p50, start_p90, done_p50, done_p90;
};

void job_finish(struct job *job);
void build_finish(struct build *build);

#endif
