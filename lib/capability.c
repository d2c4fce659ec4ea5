#include "lib/capability.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/mem.h"
#include "lib/str.h"

static bool is_suffix(char c)
{
	return c == 'a' || c == 'f';
}

/* The capability that other tools write as "86", "sm_86", "compute_90a", "SM86" or "86-real": the
 * last digit is the minor number. */
static bool guess(const char *text, struct capability *out)
{
	static const char *const prefixes[] = { "sm_", "compute_", "lto_", "sm", "" };
	size_t digits = 0;

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (strncasecmp(text, prefixes[i], strlen(prefixes[i])) == 0) {
			text += strlen(prefixes[i]);
			break;
		}
	}
	while (isdigit((unsigned char)text[digits]))
		digits++;
	if (digits < 2 || digits > 3)
		return false;
	out->major = (unsigned char)(digits == 2 ? text[0] - '0'
						 : (text[0] - '0') * 10 + (text[1] - '0'));
	out->minor = (unsigned char)(text[digits - 1] - '0');
	out->suffix = '\0';
	if (is_suffix(text[digits]))
		out->suffix = text[digits];
	text += digits + (out->suffix ? 1 : 0);
	return out->major > 0 &&
	       (text[0] == '\0' || strcmp(text, "-real") == 0 || strcmp(text, "-virtual") == 0);
}

/* What else is written where a capability belongs, and what was meant. Case is ignored. */
static const struct {
	const char *part, *hint;
} confused[] = {
	{ "ForwardCompat", "PTX is asked for by '+PTX' behind the set; nixpkgs' option for it is "
			   "cudaForwardCompat, and cudaEnableForwardCompat does nothing" },
	{ "PTX", "'+PTX' stands once, behind the whole set" },
	{ "all", "name them, separated by commas" },
	{ "native", "capq gpus lists the capabilities of GPUs" },
	{ "Kepler", "a generation has several; Kepler has 3.5 and 3.7" },
	{ "Maxwell", "a generation has several; Maxwell has 5.0 and 5.2" },
	{ "Pascal", "a generation has several; Pascal has 6.0 and 6.1" },
	{ "Volta", "Volta is 7.0" },
	{ "Turing", "Turing is 7.5" },
	{ "Ampere", "a generation has several; Ampere has 8.0, 8.6 and 8.7" },
	{ "Ada", "Ada is 8.9" },
	{ "Hopper", "Hopper is 9.0" },
	{ "Blackwell", "a generation has several; Blackwell has 10.0, 10.3, 11.0, 12.0 and 12.1" },
};

static const char *hint_for(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(confused); i++)
		if (strcasestr(text, confused[i].part) != NULL)
			return confused[i].hint;
	if (isdigit((unsigned char)text[0]) && strpbrk(text, " ;:/|") != NULL)
		return "separate capabilities by commas";
	return "expected major.minor such as '8.6', '9.0a' or '10.0f'";
}

static int refuse(const char *text, struct err *err)
{
	struct capability meant;
	char hint[CAPABILITY_TEXT_MAX];

	if (guess(text, &meant)) {
		capability_format(meant, hint);
		return err_set(err, CAPQ_EINVAL,
			"capability '%.32s': write it as nixpkgs does, '%s'", text, hint);
	}
	return err_set(err, CAPQ_EINVAL, "capability '%.32s': %s", text, hint_for(text));
}

int capability_parse(const char *text, struct capability *out, struct err *err)
{
	struct capability c = { 0 };
	const char *p = text;
	unsigned major = 0;

	while (isdigit((unsigned char)*p) && p - text < 2)
		major = major * 10 + (unsigned)(*p++ - '0');
	if (major == 0 || text[0] == '0' || *p++ != '.' || !isdigit((unsigned char)*p))
		return refuse(text, err);
	c.major = (unsigned char)major;
	c.minor = (unsigned char)(*p++ - '0');
	if (is_suffix(*p))
		c.suffix = *p++;
	if (*p != '\0')
		return refuse(text, err);
	*out = c;
	return 0;
}

int capability_compare(struct capability a, struct capability b)
{
	if (a.major != b.major)
		return a.major < b.major ? -1 : 1;
	if (a.minor != b.minor)
		return a.minor < b.minor ? -1 : 1;
	return (a.suffix > b.suffix) - (a.suffix < b.suffix);
}

int capability_set_add(struct capability_set *set, struct capability item, struct err *err)
{
	size_t at = 0;

	while (at < set->n && capability_compare(set->items[at], item) < 0)
		at++;
	if (at < set->n && capability_compare(set->items[at], item) == 0)
		return 0;
	if (set->n == CAPABILITIES_MAX)
		return err_set(err, CAPQ_ETOOBIG, "more than %d capabilities", CAPABILITIES_MAX);
	memmove(&set->items[at + 1], &set->items[at], (set->n - at) * sizeof set->items[0]);
	set->items[at] = item;
	set->n++;
	return 0;
}

bool capability_set_has(const struct capability_set *set, struct capability item)
{
	for (size_t i = 0; i < set->n; i++)
		if (capability_compare(set->items[i], item) == 0)
			return true;
	return false;
}

/* Take "+PTX" off the end of `text`, which is changed. */
static bool take_ptx(char *text)
{
	size_t len = strlen(text);

	if (len < 4 || strcasecmp(text + len - 4, "+PTX") != 0)
		return false;
	text[len - 4] = '\0';
	return true;
}

static char *trim(char *text)
{
	size_t len;

	while (*text == ' ')
		text++;
	len = strlen(text);
	while (len > 0 && text[len - 1] == ' ')
		text[--len] = '\0';
	return text;
}

int capability_set_parse(const char *text, struct capability_set *out, struct err *err)
{
	struct capability_set set = { 0 };
	char copy[2 * CAPABILITY_SET_TEXT_MAX], *rest = copy;
	size_t len = strlen(text);

	if (len >= sizeof copy)
		return err_set(err, CAPQ_ETOOBIG, "the capability set has more than %zu bytes",
			sizeof copy - 1);
	memcpy(copy, text, len + 1);
	if (*trim(copy) == '\0')
		return err_set(err, CAPQ_EINVAL, "the capability set is empty");
	set.ptx = take_ptx(trim(copy));
	while (rest != NULL) {
		char *item = strsep(&rest, ",");
		struct capability c;
		int rv = capability_parse(trim(item), &c, err);

		if (rv == 0)
			rv = capability_set_add(&set, c, err);
		if (rv < 0)
			return rv;
	}
	*out = set;
	return 0;
}

void capability_format(struct capability item, char out[CAPABILITY_TEXT_MAX])
{
	char suffix[2] = { item.suffix, '\0' };

	(void)snprintf(
		out, CAPABILITY_TEXT_MAX, "%u.%u%s", item.major % 100u, item.minor % 10u, suffix);
}

void capability_set_format(const struct capability_set *set, char out[CAPABILITY_SET_TEXT_MAX])
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < set->n; i++) {
		if (i > 0)
			out[len++] = ',';
		capability_format(set->items[i], out + len);
		len += strlen(out + len);
	}
	if (set->ptx)
		memcpy(out + len, "+PTX", sizeof "+PTX");
}

char *capability_set_text(const struct capability_set *set)
{
	char text[CAPABILITY_SET_TEXT_MAX];

	capability_set_format(set, text);
	return xstrdup(text);
}
