#include "sim/number.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 1e10

bool number_parse(const char *text, double min, double max, double *out)
{
	char *end;
	double value;

	/* strtod() would take blanks, hexadecimal and names as well. */
	if (!isdigit((unsigned char)text[text[0] == '-']) ||
		text[strspn(text, "0123456789.eE+-")] != '\0')
		return false;
	value = strtod(text, &end);
	if (*end != '\0' || !(value >= min && value <= max))
		return false;
	*out = value;
	return true;
}

bool number_parse_seconds(const char *text, int64_t min_ms, int64_t *out_ms)
{
	double seconds;

	if (!number_parse(text, (double)min_ms / 1000, SECONDS_MAX, &seconds))
		return false;
	*out_ms = llround(seconds * 1000);
	return true;
}

double number_seconds(int64_t ms)
{
	return (double)ms / 1000;
}
