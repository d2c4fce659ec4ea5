/* Numbers in CSV files and on the command line. */
#ifndef CAPQ_SIM_NUMBER_H
#define CAPQ_SIM_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* The whole of `text` as a decimal number, with a fraction or an exponent if need be, within [min,
 * max]. False: `*out` untouched. */
bool number_parse(const char *text, double min, double max, double *out);

/* The same for seconds, rounded to milliseconds; up to 300 years. */
bool number_parse_seconds(const char *text, int64_t min_ms, int64_t *out_ms);

double number_seconds(int64_t ms);

#endif
