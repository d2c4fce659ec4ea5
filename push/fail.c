#include "push/fail.h"

#include <stdarg.h>
#include <stdio.h>

const char *fail_name(enum fail_class class)
{
	static const char *const names[] = {
		[FAIL_NONE] = "",
		[FAIL_NETWORK] = "network",
		[FAIL_DENIED] = "denied",
		[FAIL_REFUSED] = "refused",
		[FAIL_CHANGED] = "changed",
		[FAIL_REFERENCE] = "reference",
		[FAIL_STORE] = "store",
		[FAIL_STOPPED] = "stopped",
	};

	return names[class];
}

void fail_set(struct fail *fail, enum fail_class class, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	if (fail->class != FAIL_NONE)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	fail->class = class;
	(void)err_set(&fail->err, CAPQ_EFAILED, "%s", text);
}
