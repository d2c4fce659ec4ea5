#include "lib/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* Cut `text` at the last whole character: a message may end up in JSON, which wants UTF-8. */
static void drop_partial_character(char *text)
{
	size_t len = strlen(text), start = len;

	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)text[start - 1] >= 0xc0)
		start--;
	if (len == ERR_TEXT_MAX - 1)
		text[start] = '\0';
}

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return code;
	err->code = code;
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	drop_partial_character(err->text);
	return code;
}

int err_errno(struct err *err, int error_number, const char *format, ...)
{
	va_list args;
	size_t len;

	if (err == NULL)
		return code_of_errno(error_number);
	err->code = code_of_errno(error_number);
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	len = strlen(err->text);
	(void)snprintf(err->text + len, sizeof err->text - len, ": %s", strerror(error_number));
	drop_partial_character(err->text);
	return err->code;
}

int err_wrap(struct err *err, const char *format, ...)
{
	char inner[ERR_TEXT_MAX];
	va_list args;
	size_t len;

	if (err == NULL)
		return CAPQ_EFAILED;
	memcpy(inner, err->text, sizeof inner);
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	len = strlen(err->text);
	(void)snprintf(err->text + len, sizeof err->text - len, ": %s", inner);
	drop_partial_character(err->text);
	return err->code;
}
