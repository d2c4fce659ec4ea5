#include "daemon/store/variant.h"

#include "daemon/store/query.h"

enum {
	DONE,
	TO_COME,
	N_STATEMENTS,
};

/* The context whose set was built, which need not be what was asked for. */
#define BUILT "coalesce(j.built_context_id, j.context_id)"

/* The newest jobs of an attribute by their index, `states` among them; then what else is asked. */
#define SELECT_JOBS(states)                                                                        \
	"SELECT j.id, " BUILT ", j.state, c.caps, r.hash, j.rev_from, r.seen_at, j.build_id, "     \
	"p.cuda, v.kinds FROM jobs j JOIN contexts c ON c.id = " BUILT " "                         \
	"JOIN revisions r ON r.id = c.revision_id "                                                \
	"LEFT JOIN probes p ON p.rev = r.hash AND p.flavour_digest = c.flavour_digest "            \
	"AND p.system = c.system "                                                                 \
	"LEFT JOIN verdicts v ON v.build_id = j.build_id AND v.verdict <> 'unknown' "              \
	"WHERE j.attr = ?1 AND j.state " states " AND r.trusted = 1 AND c.flavour = ?2 "           \
	"AND c.system = ?3 AND (?4 IS NULL OR substr(r.hash, 1, length(?4)) = ?4) "                \
	"AND (?5 IS NULL OR j.rev_from = ?5) ORDER BY j.id DESC LIMIT ?6"

static const char *const sql[N_STATEMENTS] = {
	[DONE] = SELECT_JOBS("= 'done'"),
	[TO_COME] = SELECT_JOBS("IN ('evaluating', 'planning', 'waiting', 'pushing')"),
};

static const struct statements statements = { SLOT_VARIANT, N_STATEMENTS, sql };
const struct statements *const store_variant_statements = &statements;

static void each_of(struct store *store, int which, const struct variant_filter *filter,
	void (*each)(void *, const struct variant_row *), void *owner)
{
	struct query q = query_begin(store, &statements, which);

	query_text(&q, filter->attr);
	query_text(&q, filter->flavour);
	query_text(&q, filter->system);
	query_text(&q, filter->rev);
	query_text(&q, filter->rev_from);
	query_int(&q, VARIANTS_MAX);
	while (query_row(&q)) {
		struct variant_row row = {
			.job_id = query_get_int(&q, 0),
			.context_id = query_get_int(&q, 1),
			.caps = query_get_text(&q, 3),
			.rev = query_get_text(&q, 4),
			.rev_from = query_get_text(&q, 5),
			.rev_seen_at = query_get_int(&q, 6),
			.build_id = query_get_int(&q, 7),
			.cuda = query_get_text(&q, 8),
			.kinds = query_get_text(&q, 9),
		};

		(void)job_state_from_name(query_get_text(&q, 2), &row.state);
		each(owner, &row);
	}
	query_end(&q);
}

void store_variants_each(struct store *store, const struct variant_filter *filter,
	void (*each)(void *, const struct variant_row *), void *owner)
{
	each_of(store, DONE, filter, each, owner);
}

void store_variants_to_come(struct store *store, const struct variant_filter *filter,
	void (*each)(void *, const struct variant_row *), void *owner)
{
	each_of(store, TO_COME, filter, each, owner);
}
