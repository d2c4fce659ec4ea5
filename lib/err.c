#include "lib/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/str.h"

static int code_of_errno(int error_number)
{
	switch (error_number) {
	case ENOENT:
		return CAPQ_ENOTFOUND;
	case ENOSPC:
	case EDQUOT:
		return CAPQ_ENOSPC;
	case EACCES:
	case EPERM:
		return CAPQ_EDENIED;
	default:
		return CAPQ_EFAILED;
	}
}

/* A text that was cut shall end at its last whole character: it may end up in JSON, which wants
 * UTF-8. */
static void drop_partial_character(char *text)
{
	size_t len = strlen(text), start = len;

	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0)
		start--;
	if (!str_is_utf8(text + start, len - start))
		text[start] = '\0';
}

/* Set the text to the formatted one, with ": " and `behind` after it unless that is NULL. Both may
 * quote the text that is there now. */
static void set_text(struct err *err, const char *format, va_list args, const char *behind)
{
	char text[ERR_TEXT_MAX] = "";
	size_t len;
	bool is_cut;

	is_cut = vsnprintf(text, sizeof text, format, args) >= (int)sizeof text;
	len = strlen(text);
	if (behind != NULL &&
		snprintf(text + len, sizeof text - len, ": %s", behind) >= (int)(sizeof text - len))
		is_cut = true;
	if (is_cut)
		drop_partial_character(text);
	memcpy(err->text, text, sizeof text);
}

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return code;
	va_start(args, format);
	set_text(err, format, args, NULL);
	va_end(args);
	err->code = code;
	return code;
}

int err_errno(struct err *err, int error_number, const char *format, ...)
{
	char why[256];
	va_list args;

	if (err == NULL)
		return code_of_errno(error_number);
	errno = error_number;
	(void)snprintf(why, sizeof why, "%m"); /* strerror() for threads. */
	va_start(args, format);
	set_text(err, format, args, why);
	va_end(args);
	err->code = code_of_errno(error_number);
	return err->code;
}

int err_wrap(struct err *err, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return CAPQ_EFAILED;
	va_start(args, format);
	set_text(err, format, args, err->text);
	va_end(args);
	return err->code;
}
