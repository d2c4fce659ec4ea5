/* The one place that knows how jobs and builds are called in JSON: requests in, records out and
 * back in. docs/openapi.yaml describes the same for people. Pure. */
#ifndef CAPQ_LIB_JOB_JSON_H
#define CAPQ_LIB_JOB_JSON_H

#include "lib/job.h"
#include "lib/json.h"

/* Read what somebody asks for:
 *
 *   {"attr": "python3Packages.torch", "caps": ["8.0","8.6"] or "8.0,8.6+PTX", "ptx": false,
 *    "rev": "master", "flavour": "default", "system": "x86_64-linux", "priority": 0,
 *    "leftover": false}
 *
 * attr and caps are required; null and "" stand for what is not said. CAPQ_EINVAL (CAPQ_ETOOBIG:
 * too many capabilities) with a sentence for everything that does not fit, names that mean nothing
 * or come twice included. */
int job_spec_from_json(const struct json *json, struct job_spec *out, struct err *err);

/* The same as an object in `out`; what is empty or 0 is left out. */
void job_spec_to_json(const struct job_spec *spec, struct json_out *out);

/* A job as an object (`name` as in json_out_object()). Values that are not known are null. */
void job_to_json(const struct job *job, struct json_out *out, const char *name);
void build_to_json(const struct build *build, struct json_out *out, const char *name);

/* Only the members, for who has more to add to the object. */
void job_members_to_json(const struct job *job, struct json_out *out);
void build_members_to_json(const struct build *build, struct json_out *out);

/* Null for NULL; and back, all 0 for null. */
void eta_to_json(const struct eta *eta, struct json_out *out, const char *name);
void eta_from_json(const struct json *json, struct eta *out);

/* "caps" and "ptx" of a canonical set. */
void caps_to_json(const char *caps, struct json_out *out);

/* "built", the set in place of what was asked for; null for NULL. */
void built_to_json(const char *caps, struct json_out *out);

/* The reverse of caps_to_json(): one text again. The caller frees; NULL: they are no capability
 * set. */
char *caps_from_json(const struct json *json);

/* The reverse. CAPQ_EINVAL when the daemon's answer is not what job_to_json() writes; strings that
 * are always known are never NULL. The caller ends with job_finish(), build_finish(). */
int job_from_json(const struct json *json, struct job *out, struct err *err);
int build_from_json(const struct json *json, struct build *out, struct err *err);

/* ms since 1970 from RFC 3339 in UTC, 0 for null and for anything else. */
int64_t json_time(const struct json *value);

#endif
