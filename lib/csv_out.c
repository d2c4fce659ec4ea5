#include "lib/csv_out.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void begin_field(struct csv_out *out)
{
	if (out->need_comma)
		str_add_char(&out->text, ',');
	out->need_comma = true;
}

void csv_out_text(struct csv_out *out, const char *text)
{
	begin_field(out);
	if (text == NULL)
		return;
	if (strpbrk(text, ",\"\r\n") == NULL) {
		str_add(&out->text, text);
		return;
	}
	str_add_char(&out->text, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			str_add_char(&out->text, '"');
		str_add_char(&out->text, *text);
	}
	str_add_char(&out->text, '"');
}

void csv_out_int(struct csv_out *out, int64_t value)
{
	begin_field(out);
	str_addf(&out->text, "%" PRId64, value);
}

void csv_out_double(struct csv_out *out, double value, int decimals)
{
	char text[400];
	size_t n;

	begin_field(out);
	if (!isfinite(value))
		return;
	n = (size_t)snprintf(text, sizeof text, "%.*f", decimals, value);
	while (decimals > 0 && text[n - 1] == '0')
		text[--n] = '\0';
	if (decimals > 0 && text[n - 1] == '.')
		text[--n] = '\0';
	str_add(&out->text, strcmp(text, "-0") == 0 ? "0" : text);
}

void csv_out_end_row(struct csv_out *out)
{
	str_add_char(&out->text, '\n');
	out->need_comma = false;
}

void csv_out_header(struct csv_out *out, const char *names)
{
	str_add(&out->text, names);
	csv_out_end_row(out);
}
