#include "client/sse.h"

#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* Drop what was read already, so that the input holds no more than what is unfinished. */
static void drop_read(struct sse *sse)
{
	if (sse->at == 0)
		return;
	sse->input.len -= sse->at;
	memmove(sse->input.text, sse->input.text + sse->at, sse->input.len + 1);
	sse->searched = sse->searched > sse->at ? sse->searched - sse->at : 0;
	sse->at = 0;
}

int sse_feed(struct sse *sse, const char *bytes, size_t len, struct err *err)
{
	drop_read(sse);
	if (sse->input.len + sse->data.len > SSE_EVENT_MAX)
		return err_set(err, CAPQ_ETOOBIG, "an event of more than %u bytes", SSE_EVENT_MAX);
	str_add_bytes(&sse->input, bytes, len);
	return 0;
}

/* Skip the byte order mark. False when there is too little to know. */
static bool begin(struct sse *sse)
{
	size_t len = strlen(BYTE_ORDER_MARK), n = sse->input.len < len ? sse->input.len : len;

	if (n == 0)
		return false;
	if (memcmp(sse->input.text, BYTE_ORDER_MARK, n) == 0) {
		if (n < len)
			return false;
		sse->at = len;
	}
	sse->began = true;
	return true;
}

/* Find the next whole line, which goes from `*line` for `*len` bytes, and move behind its end. */
static bool next_line(struct sse *sse, const char **line, size_t *len)
{
	size_t end;

	if (sse->after_cr && sse->at < sse->input.len) {
		sse->after_cr = false;
		if (sse->input.text[sse->at] == '\n')
			sse->at++;
	}
	end = sse->searched > sse->at ? sse->searched : sse->at;
	while (end < sse->input.len && sse->input.text[end] != '\n' && sse->input.text[end] != '\r')
		end++;
	sse->searched = end;
	if (end >= sse->input.len)
		return false;
	*line = sse->input.text + sse->at;
	*len = end - sse->at;
	sse->after_cr = sse->input.text[end] == '\r';
	sse->at = end + 1;
	return true;
}

static bool is_field(const char *line, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(line, name, len) == 0;
}

static void set_id(struct sse *sse, const char *value, size_t len)
{
	if (len > SSE_ID_MAX || memchr(value, '\0', len) != NULL)
		return;
	memcpy(sse->new_id, value, len);
	sse->new_id[len] = '\0';
}

/* One line that is not empty: "field: value", "field:value", "field", or ":comment". */
static void read_field(struct sse *sse, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t name_len = colon == NULL ? len : (size_t)(colon - line);
	const char *value = colon == NULL ? line + len : colon + 1;
	size_t value_len = (size_t)(line + len - value);

	if (value_len > 0 && value[0] == ' ') {
		value++;
		value_len--;
	}
	if (is_field(line, name_len, "data")) {
		str_add_bytes(&sse->data, value, value_len);
		str_add_char(&sse->data, '\n');
	} else if (is_field(line, name_len, "event")) {
		str_clear(&sse->name);
		str_add_bytes(&sse->name, value, value_len);
	} else if (is_field(line, name_len, "id")) {
		set_id(sse, value, value_len);
	}
}

/* An empty line ends the event. False: it had no data and is none. */
static bool end_event(struct sse *sse, struct sse_event *out)
{
	bool is_event = sse->data.len > 0;

	memcpy(sse->id, sse->new_id, sizeof sse->id);
	if (is_event) {
		str_clear(&sse->given_name);
		str_add(&sse->given_name, sse->name.len > 0 ? sse->name.text : "message");
		str_clear(&sse->given_data);
		str_add_bytes(&sse->given_data, sse->data.text, sse->data.len - 1);
		*out = (struct sse_event){ .name = str_text(&sse->given_name),
			.data = str_text(&sse->given_data),
			.data_len = sse->given_data.len,
			.id = sse->id };
	}
	str_clear(&sse->name);
	str_clear(&sse->data);
	return is_event;
}

bool sse_next(struct sse *sse, struct sse_event *out)
{
	const char *line;
	size_t len;

	if (!sse->began && !begin(sse))
		return false;
	while (next_line(sse, &line, &len)) {
		if (len > 0)
			read_field(sse, line, len);
		else if (end_event(sse, out))
			return true;
	}
	return false;
}

void sse_restart(struct sse *sse)
{
	str_clear(&sse->input);
	str_clear(&sse->name);
	str_clear(&sse->data);
	memcpy(sse->new_id, sse->id, sizeof sse->id);
	sse->at = sse->searched = 0;
	sse->began = sse->after_cr = false;
}

void sse_finish(struct sse *sse)
{
	str_free(&sse->input);
	str_free(&sse->name);
	str_free(&sse->data);
	str_free(&sse->given_name);
	str_free(&sse->given_data);
	*sse = (struct sse){ 0 };
}
