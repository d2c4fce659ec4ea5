#include "daemon/pipeline/nix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/embedded.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/str.h"

static int make_directory(const char *path, struct err *err)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make %s", path);
	return 0;
}

static int write_file(const char *path, const char *text, struct err *err)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = strlen(text), done = 0;

	if (fd < 0)
		return err_errno(err, errno, "cannot write %s", path);
	while (done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0 && errno != EINTR)
			return err_errno(err, errno, "cannot write %s", path);
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

int nix_init(struct nix *nix, struct children *children, const struct settings *settings,
	const char *state_dir, struct err *err)
{
	int rv;

	memset(nix, 0, sizeof *nix);
	nix->children = children;
	nix->settings = settings;
	nix->directory = str_format("%s/nix", state_dir);
	argv_addf(&nix->env, "HOME=%s", nix->directory);
	argv_addf(&nix->env, "XDG_CACHE_HOME=%s/cache", nix->directory);
	argv_add(&nix->env, "NIX_PATH=");
	rv = make_directory(nix->directory, err);
	for (const struct embedded *e = embedded_nix; rv == 0 && e->name != NULL; e++) {
		cleanup_free char *path = nix_expression(nix, e->name);

		rv = write_file(path, e->text, err);
	}
	if (rv < 0)
		nix_finish(nix);
	return rv;
}

void nix_finish(struct nix *nix)
{
	argv_finish(&nix->env);
	free(nix->directory);
	nix->directory = NULL;
}

static void add_option(struct argv *argv, const char *name, const char *value)
{
	argv_add(argv, "--option");
	argv_add(argv, name);
	argv_add(argv, value);
}

static void add_configured(const struct settings *settings, struct argv *argv)
{
	cleanup_json struct json *options = NULL;

	/* It was checked when the configuration was read. */
	if (json_parse(settings->nix_options, strlen(settings->nix_options), &options, NULL) < 0)
		return;
	for (const struct json *o = json_first(options); o != NULL; o = json_next(o))
		add_option(argv, json_name(o), json_text(o));
}

void nix_argv(const struct nix *nix, const char *program, enum nix_substitutes substitutes,
	struct argv *out)
{
	const struct texts *urls = &nix->settings->substituters;
	cleanup_str struct str list = { 0 };

	argv_add(out, program);
	argv_add(out, "--log-format");
	argv_add(out, "internal-json");
	add_configured(nix->settings, out);
	for (size_t i = 0; substitutes == NIX_WITH_SUBSTITUTES && i < urls->n; i++)
		str_addf(&list, "%s%s", i == 0 ? "" : " ", urls->items[i]);
	add_option(out, "substituters", str_text(&list));
	if (list.len == 0)
		return;
	/* Nix's own patience (5 tries, 4.5 s) is capq's: it tries again later, and waits nowhere.
	 */
	add_option(out, "connect-timeout", "15");
	add_option(out, "download-attempts", "2");
	add_option(out, "narinfo-cache-negative-ttl", "0");
}

char *nix_expression(const struct nix *nix, const char *name)
{
	return str_format("%s/%s", nix->directory, name);
}

char *nix_write_request(struct nix *nix, const char *json, struct err *err)
{
	cleanup_free char *path = str_format("%s/request-%u.json", nix->directory, nix->n_files++);

	if (write_file(path, json, err) < 0) {
		(void)unlink(path);
		return NULL;
	}
	return STEAL_POINTER(path);
}

void nix_remove_request(char *file)
{
	if (file == NULL)
		return;
	(void)unlink(file); /* What remains is overwritten by a later daemon's requests. */
	free(file);
}
