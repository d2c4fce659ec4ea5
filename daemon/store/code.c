#include "daemon/store/code.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/query.h"
#include "lib/mem.h"

enum {
	SET,
	FORGET,
	CLEAR_FILES,
	GET,
	ADD_FILE,
	EACH_FILE,
	EACH_REFUSED,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[SET] = "INSERT OR REPLACE INTO verdicts (build_id, verdict, policy, asked, is_refused, "
		"reason, n_files, kinds, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[FORGET] = "DELETE FROM verdicts WHERE build_id = ?",
	[CLEAR_FILES] = "DELETE FROM code_files WHERE build_id = ?",
	[GET] = "SELECT verdict, policy, asked, is_refused, reason, n_files, kinds, at FROM "
		"verdicts WHERE build_id = ?",
	[ADD_FILE] = "INSERT OR REPLACE INTO code_files (build_id, path, kinds, lacks, error) "
		     "VALUES (?, ?, ?, ?, ?)",
	[EACH_FILE] = "SELECT path, kinds, lacks, error FROM code_files WHERE build_id = ? "
		      "ORDER BY path",
	[EACH_REFUSED] = "SELECT b.outputs FROM verdicts v JOIN builds b ON b.id = v.build_id "
			 "WHERE v.is_refused = 1",
};

static const struct statements statements = { SLOT_CODE, N_STATEMENTS, sql };
const struct statements *const store_code_statements = &statements;

static const char *const verdict_names[] = { "holds", "lacks", "no-code", "unknown" };

const char *verdict_name(enum verdict verdict)
{
	return verdict_names[verdict];
}

static enum verdict verdict_of(const char *name)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(verdict_names) && strcmp(verdict_names[i], name) != 0)
		i++; /* The schema's CHECK lists the same names. */
	return (enum verdict)i;
}

void code_seen_finish(struct code_seen *seen)
{
	free(seen->asked);
	free(seen->reason);
	free(seen->kinds);
}

static void run_for(struct store *store, int which, int64_t build_id)
{
	struct query q = query_begin(store, &statements, which);

	query_int(&q, build_id);
	query_run(&q);
}

void store_code_set(struct store *store, int64_t build_id, const struct code_seen *seen)
{
	struct query q = query_begin(store, &statements, SET);

	query_int(&q, build_id);
	query_text(&q, verdict_name(seen->verdict));
	query_text(&q, seen->is_required ? "require" : "report");
	query_text(&q, seen->asked);
	query_int(&q, seen->is_refused);
	query_text(&q, seen->reason);
	query_int(&q, seen->n_files);
	query_text(&q, seen->kinds);
	query_int(&q, seen->at);
	query_run(&q);
	run_for(store, CLEAR_FILES, build_id);
}

void store_code_forget(struct store *store, int64_t build_id)
{
	run_for(store, FORGET, build_id);
	run_for(store, CLEAR_FILES, build_id);
}

bool store_code_get(struct store *store, int64_t build_id, struct code_seen *out)
{
	struct query q = query_begin(store, &statements, GET);
	bool found;

	query_int(&q, build_id);
	found = query_row(&q);
	if (found)
		*out = (struct code_seen){
			.verdict = verdict_of(query_get_text(&q, 0)),
			.is_required = strcmp(query_get_text(&q, 1), "require") == 0,
			.asked = query_copy_text(&q, 2),
			.is_refused = query_get_int(&q, 3) != 0,
			.reason = query_copy_text(&q, 4),
			.n_files = query_get_int(&q, 5),
			.kinds = query_copy_text(&q, 6),
			.at = query_get_int(&q, 7),
		};
	query_end(&q);
	return found;
}

void store_code_file_add(struct store *store, int64_t build_id, const struct code_file *file)
{
	struct query q = query_begin(store, &statements, ADD_FILE);

	query_int(&q, build_id);
	query_text(&q, file->path);
	query_text(&q, file->kinds);
	query_text(&q, file->lacks);
	query_text(&q, file->error);
	query_run(&q);
}

void store_code_files_each(struct store *store, int64_t build_id,
	void (*each)(void *, const struct code_file *), void *owner)
{
	struct query q = query_begin(store, &statements, EACH_FILE);

	query_int(&q, build_id);
	while (query_row(&q)) {
		struct code_file file = {
			.path = query_get_text(&q, 0),
			.kinds = query_get_text(&q, 1),
			.lacks = query_get_text(&q, 2),
			.error = query_get_text(&q, 3),
		};

		each(owner, &file);
	}
	query_end(&q);
}

void store_code_refused_each(struct store *store, void (*each)(void *, const char *), void *owner)
{
	struct query q = query_begin(store, &statements, EACH_REFUSED);

	while (query_row(&q))
		each(owner, query_get_text(&q, 0));
	query_end(&q);
}
