#include "daemon/store/support.h"

#include "daemon/store/query.h"

enum {
	GET,
	PUT,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[GET] = "SELECT caps FROM package_support WHERE attr = ? AND rev = ? AND flavour_digest = ? "
		"AND system = ?",
	[PUT] = "INSERT OR REPLACE INTO package_support (attr, rev, flavour_digest, system, caps) "
		"VALUES (?, ?, ?, ?, ?)",
};

static const struct statements statements = { SLOT_SUPPORT, N_STATEMENTS, sql };
const struct statements *const store_support_statements = &statements;

static void bind_key(struct query *q, const char *attr, const struct probe_key *key)
{
	query_text(q, attr);
	query_text(q, key->rev);
	query_text(q, key->flavour_digest);
	query_text(q, key->system);
}

bool store_support_get(struct store *store, const char *attr, const struct probe_key *key,
	struct capability_set *out)
{
	struct query q = query_begin(store, &statements, GET);
	bool found;

	*out = (struct capability_set){ 0 };
	bind_key(&q, attr, key);
	found = query_row(&q);
	if (found && query_get_text(&q, 0) != NULL)
		(void)capability_set_parse(query_get_text(&q, 0), out, NULL); /* "": none. */
	query_end(&q);
	return found;
}

void store_support_put(struct store *store, const char *attr, const struct probe_key *key,
	const struct capability_set *supported)
{
	struct query q = query_begin(store, &statements, PUT);
	char caps[CAPABILITY_SET_TEXT_MAX];

	capability_set_format(supported, caps);
	bind_key(&q, attr, key);
	query_text(&q, caps);
	query_run(&q);
}
