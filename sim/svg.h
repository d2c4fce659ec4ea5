/* A drawing of schedules, one below the other on the same axis: a lane for each slot, builds in the
 * colour of their class; and below it how long each build waited. Readable in light and dark. */
#ifndef CAPQ_SIM_SVG_H
#define CAPQ_SIM_SVG_H

#include "sim/report.h"

void svg_draw(const struct report *report, struct str *out);
int svg_write(const struct report *report, const char *path, struct err *err);

/* Text as it may stand in XML: markup escaped, and what XML cannot hold replaced. */
void svg_add_text(struct str *out, const char *text);

#endif
