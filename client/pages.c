#include "client/pages.h"

#include <inttypes.h>
#include <string.h>

#include "client/member.h"
#include "client/text.h"

#define PAGE_MAX 1000 /* The API's own limit. */

void pages_init(
	struct pages *pages, struct api *api, const char *path, const char *member, int64_t max)
{
	*pages = (struct pages){ .api = api, .member = member, .left = max };
	str_addf(&pages->query, "%s?limit=%" PRId64, path, max < PAGE_MAX ? max : PAGE_MAX);
}

void pages_filter(struct pages *pages, const char *name, const char *value)
{
	if (value == NULL)
		return;
	str_addf(&pages->query, "&%s=", name);
	text_add_escaped(&pages->query, value);
}

static const char *cursor_of(const struct pages *pages)
{
	return member_text(pages->page, "next_cursor", NULL);
}

/* A list that leads back to where it was would have no end. */
static bool is_same_cursor(const struct pages *pages, const struct json *page)
{
	const char *fresh = member_text(page, "next_cursor", NULL);

	return fresh != NULL && strcmp(fresh, cursor_of(pages)) == 0;
}

static int fetch(struct pages *pages, struct err *err)
{
	cleanup_str struct str query = { 0 };
	struct json *page;
	int rv;

	str_add(&query, pages->query.text);
	if (pages->began) {
		str_add(&query, "&cursor=");
		text_add_escaped(&query, cursor_of(pages));
	}
	rv = api_get(pages->api, &page, err, "%s", query.text);
	if (rv < 0)
		return rv;
	if (pages->began && is_same_cursor(pages, page)) {
		json_free(page);
		return err_set(err, CAPQ_EFAILED, "%s gives the same page again and again",
			api_server(pages->api)->name);
	}
	json_free(pages->page);
	pages->page = page;
	pages->next = json_first(json_get(page, pages->member));
	pages->began = true;
	return 0;
}

int pages_next(struct pages *pages, const struct json **out, struct err *err)
{
	/* A page may hold fewer items than asked for, even none, though more follow. */
	while (pages->next == NULL && pages->left > 0) {
		int rv;

		if (pages->began && cursor_of(pages) == NULL)
			return 0;
		rv = fetch(pages, err);
		if (rv < 0)
			return rv;
	}
	if (pages->left == 0)
		return 0;
	*out = pages->next;
	pages->next = json_next(pages->next);
	pages->left--;
	return 1;
}

int pages_print_json(struct pages *pages, struct output *output, struct err *err)
{
	const struct json *json;
	int rv;

	output_begin_array(output);
	while ((rv = pages_next(pages, &json, err)) > 0) {
		cleanup_str struct str text = { 0 };

		json_print(json, &text);
		output_item(output, text.text);
	}
	if (rv == 0)
		output_end_array(output);
	return rv;
}

bool pages_has_more(const struct pages *pages)
{
	return pages->next != NULL || cursor_of(pages) != NULL;
}

void pages_finish(struct pages *pages)
{
	json_free(pages->page);
	str_free(&pages->query);
	*pages = (struct pages){ 0 };
}
