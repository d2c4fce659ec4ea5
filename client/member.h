/* Members of the API's objects, and what to take where one is missing or of another kind. Pure. */
#ifndef CAPQ_CLIENT_MEMBER_H
#define CAPQ_CLIENT_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/json.h"

const char *member_text(const struct json *object, const char *name, const char *missing);
int64_t member_int(const struct json *object, const char *name, int64_t missing);
bool member_bool(const struct json *object, const char *name); /* Missing: false. */

/* 0 when there is none. */
double member_double(const struct json *object, const char *name);

#endif
