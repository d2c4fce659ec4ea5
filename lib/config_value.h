/* Where the value of a key lies and what it may be; shared by the halves of lib/config only. */
#ifndef CAPQ_LIB_CONFIG_VALUE_H
#define CAPQ_LIB_CONFIG_VALUE_H

#include "lib/config.h"

static inline void *config_value(const struct config_key *key, void *values)
{
	return (char *)values + key->offset;
}

static inline const void *config_value_const(const struct config_key *key, const void *values)
{
	return (const char *)values + key->offset;
}

static inline size_t config_value_size(enum config_type type)
{
	switch (type) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_JSON:
		return sizeof(char *);
	case CONFIG_BOOL:
		return sizeof(bool);
	case CONFIG_INT:
	case CONFIG_DURATION:
	case CONFIG_SIZE:
		return sizeof(int64_t);
	case CONFIG_CHOICE:
		return sizeof(int);
	case CONFIG_TEXTS:
		return sizeof(struct texts);
	case CONFIG_ITEMS:
		return sizeof(struct items);
	}
	return 0;
}

/* Begin the mapping that `name` ("evaluator.timeout") lies in unless `before`, the name of the key
 * before it or NULL, did so already; `*indent` grows then. Returns the name within the mapping. */
const char *config_enter_mapping(
	const char *name, const char *before, int *indent, struct str *out);

/* Append "1s to 1d", "read, submit, admin", "at most 16": what a value may be beyond its type.
 * Nothing for types without limits. */
void config_describe_limits(const struct config_key *key, struct str *out);

#endif
