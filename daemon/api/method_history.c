/* GET /history: what builds of a package have cost. */
#include <stdlib.h>
#include <string.h>

#include "daemon/api/filter.h"
#include "daemon/api/method.h"
#include "daemon/store/history.h"
#include "lib/job_json.h"
#include "lib/mem.h"
#include "lib/store_path.h"

/* "torch-2.5.1" of "/nix/store/...-torch-2.5.1.drv" */
static void add_name(struct json_out *out, const char *drv_path)
{
	const char *name = store_path_name(drv_path);
	size_t len = strlen(name);

	json_out_bytes(out, "name", name, str_ends(name, ".drv") ? len - strlen(".drv") : len);
}

static void add_cores(struct json_out *out, const struct history_entry *e)
{
	if (e->core_ms < 0 || e->wall_ms <= 0) {
		json_out_null(out, "core_seconds");
		json_out_null(out, "cores");
		return;
	}
	json_out_double(out, "core_seconds", (double)e->core_ms / 1000);
	json_out_double(out, "cores", (double)e->core_ms / (double)e->wall_ms);
}

static void add_row(void *owner, const struct history_row *row)
{
	struct json_out *out = owner;
	const struct history_entry *e = &row->entry;

	json_out_object(out, NULL);
	json_out_int(out, "id", row->id);
	json_out_int(out, "build", row->build_id);
	add_name(out, e->drv_path);
	json_out_text(out, "drv_path", e->drv_path);
	caps_to_json(e->caps, out);
	json_out_text(out, "builder", e->builder);
	json_out_text(out, "machine", e->machine[0] == '\0' ? NULL : e->machine);
	json_out_bool(out, "ride", e->is_ride);
	json_out_time(out, "started_at", e->started_at);
	json_out_time(out, "finished_at", e->started_at + e->wall_ms);
	json_out_double(out, "wall_seconds", (double)e->wall_ms / 1000);
	add_cores(out, e);
	if (e->output_bytes < 0)
		json_out_null(out, "output_bytes");
	else
		json_out_int(out, "output_bytes", e->output_bytes);
	json_out_text(out, "outcome", e->outcome);
	json_out_end_object(out);
}

/* History is kept by the names of packages. What a job with this attribute path led to is known; of
 * other paths, the last element mostly is the name; and the name itself will do. */
static char *package_of(struct store *store, const char *attr)
{
	char canonical[2 * ATTR_PATH_TEXT_MAX];
	struct attr_path path;
	char *package;

	if (attr_path_parse(attr, &path, NULL) < 0)
		return xstrdup(attr);
	attr_path_format(&path, canonical);
	package = store_package_of_attr(store, canonical);
	if (package != NULL || store_history_knows(store, attr))
		return package != NULL ? package : xstrdup(attr);
	return xstrdup(path.elements[path.n - 1]);
}

static bool read_filter(struct request *r, struct history_filter *f,
	char caps[CAPABILITY_SET_TEXT_MAX], struct err *err)
{
	const char *text = request_query(r, "caps");
	struct capability_set set;
	int64_t limit;

	if (!filter_page(r, &limit, &f->before_id, err))
		return false;
	f->limit = (int)limit;
	f->system = request_query(r, "system");
	if (f->system == NULL)
		f->system = pipeline_settings(request_pipeline(r))->systems.items[0];
	if (text == NULL)
		return true;
	if (capability_set_parse(text, &set, err) < 0)
		return false;
	capability_set_format(&set, caps);
	f->caps = caps;
	return true;
}

static const struct answered *run(struct request *r)
{
	struct store *store = pipeline_store(request_pipeline(r));
	const char *attr = request_query(r, "attr");
	cleanup_free char *package = NULL;
	char caps[CAPABILITY_SET_TEXT_MAX];
	struct history_filter filter = { 0 };
	struct json_out out = { 0 };
	struct err err;
	int64_t next;

	if (attr == NULL || attr[0] == '\0')
		return answer_problem(r, 400, "'attr' must name a package", NULL, NULL);
	if (!read_filter(r, &filter, caps, &err))
		return answer_err(r, &err);
	filter.package = package = package_of(store, attr);
	json_out_object(&out, NULL);
	json_out_text(&out, "package", package);
	json_out_text(&out, "system", filter.system);
	json_out_array(&out, "history");
	next = store_history_page(store, &filter, add_row, &out);
	json_out_end_array(&out);
	filter_add_cursor(&out, next);
	json_out_end_object(&out);
	return answer_json(r, 200, &out);
}

const struct method method_history = {
	.name = "history",
	.verb = "GET",
	.path = "/history",
	.role = ROLE_READ,
	.query = "attr caps system limit cursor",
	.run = run,
};
