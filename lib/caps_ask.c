#include "lib/caps_ask.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/cuda.h"
#include "lib/str.h"

const char *caps_kind_name(enum caps_kind kind)
{
	static const char *const names[] = {
		[CAPS_SET] = NULL, [CAPS_DEFAULT] = "default", [CAPS_EACH] = "each"
	};

	return names[kind];
}

/* Each is a job of its own, so that only what is wrong with one alone matters. */
static int check_each(const struct caps_ask *ask, struct err *err)
{
	int rv = 0;

	for (size_t i = 0; i < ask->set.n && rv == 0; i++) {
		struct capability_set one;

		caps_ask_one(ask, i, &one);
		rv = cuda_check_anywhere(&one, err);
	}
	return rv;
}

static int parse_each(const char *text, struct caps_ask *out, struct err *err)
{
	struct caps_ask ask = { .kind = CAPS_EACH };
	int rv = 0;

	if (strcasecmp(text, "+PTX") == 0)
		ask.set.ptx = true;
	else if (text[0] == ':')
		rv = capability_set_parse(text + 1, &ask.set, err);
	else if (text[0] != '\0')
		rv = err_set(err, CAPQ_EINVAL,
			"'each%.32s': expected 'each', or 'each:8.0,8.6' for a thin job of each of "
			"these",
			text);
	if (rv == 0)
		rv = check_each(&ask, err);
	if (rv == 0)
		*out = ask;
	return rv;
}

int caps_ask_parse(const char *text, struct caps_ask *out, struct err *err)
{
	struct caps_ask ask = { .kind = CAPS_SET };
	int rv;

	if (str_starts(text, "each"))
		return parse_each(text + strlen("each"), out, err);
	if (strcmp(text, "default") == 0) {
		*out = (struct caps_ask){ .kind = CAPS_DEFAULT };
		return 0;
	}
	if (str_starts(text, "default"))
		return err_set(err, CAPQ_EINVAL,
			"'%.32s': 'default' stands alone; its set, and whether it has PTX, are the "
			"revision's own",
			text);
	rv = capability_set_parse(text, &ask.set, err);
	if (rv == 0)
		rv = cuda_check_anywhere(&ask.set, err);
	if (rv == 0)
		*out = ask;
	return rv;
}

void caps_ask_format(const struct caps_ask *ask, char out[CAPS_ASK_TEXT_MAX])
{
	char set[CAPABILITY_SET_TEXT_MAX] = "";

	capability_set_format(&ask->set, set);
	if (ask->kind == CAPS_DEFAULT)
		(void)snprintf(out, CAPS_ASK_TEXT_MAX, "default");
	else
		(void)snprintf(out, CAPS_ASK_TEXT_MAX, "%s%s%s",
			ask->kind == CAPS_EACH ? "each" : "",
			ask->kind == CAPS_EACH && ask->set.n > 0 ? ":" : "", set);
}

void caps_ask_one(const struct caps_ask *ask, size_t i, struct capability_set *out)
{
	*out = (struct capability_set){ .n = 1, .ptx = ask->set.ptx };
	out->items[0] = ask->set.items[i];
}
