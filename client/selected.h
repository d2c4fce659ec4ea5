/* Commands that do something for each job that the command line names. */
#ifndef CAPQ_CLIENT_SELECTED_H
#define CAPQ_CLIENT_SELECTED_H

#include "client/client.h"
#include "client/record.h"

/* Find all of them, then call `each` for one after the other, until it fails; `i` counts them. One
 * that cannot be found: it is called for none. With --json, several are printed as one array. */
int selected_each(struct client *client,
	int (*each)(
		struct client *client, int64_t id, size_t i, const void *owner, struct err *err),
	const void *owner, struct err *err);

/* For `each`: with --json print the job, alone or as an item of the array. False: not with --json.
 */
bool selected_print_json(struct client *client, const struct record *record);

#endif
