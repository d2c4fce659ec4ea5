/* capqd --config FILE [--check-config | --show-config] [--version] [--help] */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "lib/log.h"
#include "lib/mem.h"

static const char usage[] =
	"Usage: capqd --config FILE [OPTION]\n"
	"Builds a matrix of CUDA packages of nixpkgs and keeps a binary cache filled.\n"
	"\n"
	"  -c, --config FILE   the configuration; capqd.yaml(5) explains every key\n"
	"      --check-config  read it, say what is wrong with it, and end\n"
	"      --show-config   print it with every default filled in, and end\n"
	"      --version       print the version, and end\n"
	"  -h, --help          print this, and end\n"
	"\n"
	"capqd stays in the foreground and logs to standard error. SIGTERM stops it, SIGHUP lets\n"
	"it read the configuration again. See capqd(8).\n";

enum action {
	RUN,
	CHECK,
	SHOW,
};

struct arguments {
	const char *config;
	enum action action;
};

static int misuse(const char *what)
{
	(void)fprintf(stderr, "capqd: %s\n%s", what, usage);
	exit(2);
}

static struct arguments parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'k' },
		{ "show-config", no_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct arguments a = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			a.config = optarg;
			break;
		case 'k':
			a.action = CHECK;
			break;
		case 's':
			a.action = SHOW;
			break;
		case 'v':
			(void)puts("capqd " CAPQ_VERSION);
			exit(0);
		case 'h':
			(void)fputs(usage, stdout);
			exit(0);
		default:
			(void)fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind < argc)
		misuse("it takes no arguments, only options");
	if (a.config == NULL)
		misuse("--config is missing");
	return a;
}

static int show(const struct settings *settings)
{
	cleanup_str struct str text = { 0 };

	config_print(settings_table(), settings, &text);
	return fputs(str_text(&text), stdout) < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct arguments a = parse(argc, argv);
	struct settings settings;
	struct daemon *daemon;
	struct err err;
	int rv;

	if (settings_read(a.config, &settings, &err) < 0) {
		(void)fprintf(stderr, "capqd: %s\n", err.text);
		return 2;
	}
	if (a.action != RUN) {
		rv = a.action == SHOW ? show(&settings) : 0;
		settings_finish(&settings);
		return rv;
	}
	log_set_level((enum log_level)settings.log_level);
	if (daemon_start(&settings, a.config, &daemon, &err) < 0) {
		log_broken("cannot start: %s", err.text);
		return 1;
	}
	return daemon_run(daemon);
}
