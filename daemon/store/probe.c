#include "daemon/store/probe.h"

#include <stdio.h>

#include "daemon/store/query.h"

enum {
	GET,
	PUT,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[GET] = "SELECT era, cuda, default_caps, supported_caps FROM probes WHERE rev = ? AND "
		"flavour_digest = ? AND system = ?",
	[PUT] = "INSERT OR REPLACE INTO probes (rev, flavour_digest, system, era, cuda, "
		"default_caps, supported_caps, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
};

static const struct statements statements = { SLOT_PROBE, N_STATEMENTS, sql };
const struct statements *const store_probe_statements = &statements;

static void bind_key(struct query *q, const struct probe_key *key)
{
	query_text(q, key->rev);
	query_text(q, key->flavour_digest);
	query_text(q, key->system);
}

/* "" stands for what was not said. */
static void read_set(const char *text, struct capability_set *out)
{
	if (text != NULL && text[0] != '\0')
		(void)capability_set_parse(text, out, NULL); /* It was written by us. */
}

bool store_probe_get(struct store *store, const struct probe_key *key, struct probe *out)
{
	struct query q = query_begin(store, &statements, GET);
	bool found;

	*out = (struct probe){ 0 };
	bind_key(&q, key);
	found = query_row(&q);
	if (found) {
		out->has_cuda = era_from_name(query_get_text(&q, 0), &out->era);
		if (query_get_text(&q, 1) != NULL)
			(void)cuda_version_parse(query_get_text(&q, 1), &out->cuda, NULL);
		read_set(query_get_text(&q, 2), &out->by_default);
		read_set(query_get_text(&q, 3), &out->supported);
	}
	query_end(&q);
	return found;
}

void store_probe_put(
	struct store *store, const struct probe_key *key, const struct probe *probe, int64_t now_ms)
{
	struct query q = query_begin(store, &statements, PUT);
	char by_default[CAPABILITY_SET_TEXT_MAX] = "", supported[CAPABILITY_SET_TEXT_MAX] = "";
	char cuda[8] = "";

	if (probe->cuda.major > 0)
		(void)snprintf(cuda, sizeof cuda, "%u.%u", probe->cuda.major % 100u,
			probe->cuda.minor % 100u);
	if (probe->by_default.n > 0)
		capability_set_format(&probe->by_default, by_default);
	if (probe->supported.n > 0)
		capability_set_format(&probe->supported, supported);
	bind_key(&q, key);
	query_text(&q, probe->has_cuda ? era_name(probe->era) : "");
	query_text(&q, cuda);
	query_text(&q, by_default);
	query_text(&q, supported);
	query_int(&q, now_ms);
	query_run(&q);
}
