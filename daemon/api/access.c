#include "daemon/api/access.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/hash.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"

#define GROUPS_MAX 256
#define USERS_MAX 64
#define NO_ID ((unsigned)-1)

struct rule {
	char *name;
	unsigned uid, gid;              /* NO_ID: it is not about that. */
	char token[SHA256_HEX_LEN + 1]; /* "": likewise. */
	enum role role;
};

/* A user's name, as looked up once: that may take a file, or a directory service, its time. */
struct user {
	bool is_known;
	uid_t uid;
	char name[64];
};

struct access {
	struct rule *rules;
	size_t n;
	enum role local, tcp;
	struct user users[USERS_MAX]; /* By uid % USERS_MAX. */
};

static void make_rule(const struct access_rule *from, struct rule *to)
{
	to->name = xstrdup(from->name);
	to->uid = to->gid = NO_ID;
	to->role = (enum role)from->role;
	if (from->user != NULL) {
		const struct passwd *user = getpwnam(from->user);

		if (user == NULL)
			log_unusual(
				"access.rules: %s: there is no user %s", from->name, from->user);
		else
			to->uid = user->pw_uid;
	}
	if (from->group != NULL) {
		const struct group *group = getgrnam(from->group);

		if (group == NULL)
			log_unusual(
				"access.rules: %s: there is no group %s", from->name, from->group);
		else
			to->gid = group->gr_gid;
	}
	if (from->token_sha256 != NULL)
		(void)snprintf(to->token, sizeof to->token, "%s", from->token_sha256);
}

struct access *access_create(const struct settings *settings)
{
	const struct access_rule *rules = settings->access.items;
	struct access *access = xcalloc(1, sizeof *access);

	access->n = settings->access.n;
	access->rules = xcalloc(access->n, sizeof *access->rules);
	access->local = (enum role)settings->local_role;
	access->tcp = (enum role)settings->tcp_role;
	for (size_t i = 0; i < access->n; i++)
		make_rule(&rules[i], &access->rules[i]);
	return access;
}

void access_destroy(struct access *access)
{
	if (access == NULL)
		return;
	for (size_t i = 0; i < access->n; i++)
		free(access->rules[i].name);
	free(access->rules);
	free(access);
}

/* As long for every pair of hashes. */
static bool same_hash(const char *a, const char *b)
{
	unsigned difference = 0;

	for (size_t i = 0; i < SHA256_HEX_LEN; i++)
		difference |= (unsigned char)a[i] ^ (unsigned char)b[i];
	return difference == 0;
}

static void identify_token(const struct access *access, const char *token, struct asker *out)
{
	char hash[SHA256_HEX_LEN + 1];

	sha256_hex(token, strlen(token), hash);
	(void)snprintf(out->name, sizeof out->name, "an unknown token");
	out->role = ROLE_NONE;
	for (size_t i = 0; i < access->n; i++) {
		if (access->rules[i].token[0] == '\0' || !same_hash(access->rules[i].token, hash))
			continue;
		(void)snprintf(out->name, sizeof out->name, "token %s", access->rules[i].name);
		out->role = access->rules[i].role;
		return;
	}
}

struct peer {
	uid_t uid;
	gid_t groups[GROUPS_MAX];
	size_t n_groups;
};

static bool read_peer(int fd, struct peer *out)
{
	struct ucred credentials;
	socklen_t len = sizeof credentials;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) != 0)
		return false;
	out->uid = credentials.uid;
	len = sizeof out->groups - sizeof out->groups[0];
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, out->groups, &len) != 0)
		len = 0;
	out->n_groups = len / sizeof out->groups[0];
	out->groups[out->n_groups++] = credentials.gid;
	return true;
}

static bool peer_fits(const struct peer *peer, const struct rule *rule)
{
	if (rule->uid != NO_ID)
		return rule->uid == peer->uid;
	for (size_t i = 0; rule->gid != NO_ID && i < peer->n_groups; i++)
		if (rule->gid == peer->groups[i])
			return true;
	return false;
}

static const char *name_of_user(struct access *access, uid_t uid)
{
	struct user *user = &access->users[uid % USERS_MAX];
	const struct passwd *entry;

	if (user->is_known && user->uid == uid)
		return user->name;
	entry = getpwuid(uid);
	if (entry != NULL)
		(void)snprintf(user->name, sizeof user->name, "%s", entry->pw_name);
	else
		(void)snprintf(user->name, sizeof user->name, "user %u", uid);
	user->uid = uid;
	user->is_known = true;
	return user->name;
}

static void identify_peer(struct access *access, int fd, struct asker *out)
{
	struct peer peer;

	if (!read_peer(fd, &peer))
		return;
	if (peer.uid == 0 || peer.uid == geteuid()) {
		(void)snprintf(out->name, sizeof out->name, "%s", peer.uid == 0 ? "root" : "capqd");
		out->role = ROLE_ADMIN;
		return;
	}
	(void)snprintf(out->name, sizeof out->name, "%s", name_of_user(access, peer.uid));
	out->role = access->local;
	for (size_t i = 0; i < access->n; i++) {
		if (peer_fits(&peer, &access->rules[i])) {
			out->role = access->rules[i].role;
			return;
		}
	}
}

void access_identify(
	struct access *access, int fd, bool is_unix, const char *authorization, struct asker *out)
{
	(void)snprintf(out->name, sizeof out->name, "anybody");
	out->role = is_unix ? ROLE_NONE : access->tcp;
	if (authorization != NULL && str_starts(authorization, "Bearer "))
		identify_token(access, authorization + strlen("Bearer "), out);
	else if (is_unix)
		identify_peer(access, fd, out);
}

/* ---- browsers ---- */

/* "127.0.0.1:8723", "[::1]:8723", "localhost". */
static bool is_loopback_name(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t len = strlen(names[i]);

		if (strncmp(host, names[i], len) == 0 && (host[len] == '\0' || host[len] == ':'))
			return true;
	}
	return false;
}

bool access_is_cross_site(const char *host, const char *origin)
{
	if (host == NULL || !is_loopback_name(host))
		return true;
	if (origin == NULL)
		return false;
	return !str_starts(origin, "http://") || strcmp(origin + strlen("http://"), host) != 0;
}
