#include "lib/nix_event.h"

#include <string.h>

#define PREFIX "@nix "
#define PREFIX_LEN (sizeof PREFIX - 1)

static const struct {
	const char *name;
	enum nix_action action;
} actions[] = {
	{ "start", NIX_START },
	{ "stop", NIX_STOP },
	{ "result", NIX_RESULT },
	{ "msg", NIX_MSG },
};

static enum nix_action action_of(const struct json *document)
{
	const char *name = json_text(json_get(document, "action"));

	for (size_t i = 0; name != NULL && i < sizeof actions / sizeof actions[0]; i++)
		if (strcmp(name, actions[i].name) == 0)
			return actions[i].action;
	return NIX_OTHER;
}

/* A build's *start* ends in the same way, so the action is tested as well. */
bool nix_event_is_progress(const char *line, size_t len)
{
	static const char head[] = PREFIX "{\"action\":\"result\"", tail[] = "\"type\":105}";

	return len > sizeof head + sizeof tail && memcmp(line, head, sizeof head - 1) == 0 &&
	       memcmp(line + len - sizeof tail + 1, tail, sizeof tail - 1) == 0;
}

void nix_event_parse(const char *line, size_t len, struct nix_event *out)
{
	const char *text;

	memset(out, 0, sizeof *out);
	if (len < PREFIX_LEN || memcmp(line, PREFIX, PREFIX_LEN) != 0 ||
		json_parse(line + PREFIX_LEN, len - PREFIX_LEN, &out->document, NULL) < 0) {
		out->action = NIX_TEXT;
		str_add_printable(&out->text, line, len);
		return;
	}
	out->action = action_of(out->document);
	(void)json_uint(json_get(out->document, "id"), &out->id);
	(void)json_int(json_get(out->document, "type"), &out->type);
	(void)json_int(json_get(out->document, "level"), &out->level);
	if (json_kind(json_get(out->document, "fields")) == JSON_ARRAY)
		out->fields = json_get(out->document, "fields");
	text = json_text(json_get(out->document, out->action == NIX_MSG ? "msg" : "text"));
	if (text != NULL)
		str_add_printable(&out->text, text, strlen(text));
}

void nix_event_finish(struct nix_event *event)
{
	json_free(event->document);
	str_free(&event->text);
	memset(event, 0, sizeof *event);
}

static const struct json *field(const struct nix_event *event, size_t i)
{
	const struct json *value = json_first(event->fields);

	while (value != NULL && i-- > 0)
		value = json_next(value);
	return value;
}

const char *nix_event_text_field(const struct nix_event *event, size_t i)
{
	return json_text(field(event, i));
}

int64_t nix_event_int_field(const struct nix_event *event, size_t i)
{
	int64_t value = 0;

	return json_int(field(event, i), &value) ? value : 0;
}
