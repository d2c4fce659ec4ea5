/* Prints what is made from capqd's table of keys:
 *
 *   print_config example     etc/capqd.yaml
 *   print_config manual      the list of keys in docs/man/capqd.yaml.5
 *
 * tests/support/config_docs.sh puts both where they belong, and checks that they are there. */
#include <stdio.h>
#include <string.h>

#include "lib/settings.h"
#include "lib/str.h"

static const char head[] =
	"# The configuration of capqd: every key, what it means, and in brackets its type and limits.\n"
	"# A # without a blank behind it stands before a key that is not set: take the # away and change\n"
	"# the value. One of nixpkgs.url and nixpkgs.path must be set. `capqd --check-config` says what\n"
	"# does not fit; SIGHUP makes a running capqd take what is called reloadable. See capqd.yaml(5).\n"
	"\n";

int main(int argc, char **argv)
{
	cleanup_str struct str out = { 0 };

	if (argc == 2 && strcmp(argv[1], "example") == 0) {
		str_add(&out, head);
		config_print_example(settings_table(), &out);
	} else if (argc == 2 && strcmp(argv[1], "manual") == 0) {
		config_print_manual(settings_table(), &out);
	} else {
		fputs("usage: print_config example|manual\n", stderr);
		return 2;
	}
	return fputs(str_text(&out), stdout) < 0;
}
