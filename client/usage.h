/* Help, made from the table of commands. */
#ifndef CAPQ_CLIENT_USAGE_H
#define CAPQ_CLIENT_USAGE_H

#include "client/command.h"

void usage_print(void);                                  /* `capq help` */
void usage_print_command(const struct command *command); /* `capq help COMMAND` */

#endif
