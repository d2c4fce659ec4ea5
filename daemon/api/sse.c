#include "daemon/api/sse.h"

#include <inttypes.h>
#include <string.h>

void sse_add(struct str *out, const char *event, int64_t id, const char *data)
{
	if (id >= 0)
		str_addf(out, "id: %" PRId64 "\n", id);
	str_add(out, "event: ");
	str_add(out, event);
	str_add(out, "\ndata: ");
	str_add(out, data);
	str_add(out, "\n\n");
}

void sse_add_heartbeat(struct str *out)
{
	str_add(out, ":\n\n");
}

size_t sse_take(struct str *from, char *out, size_t size)
{
	size_t n = from->len < size ? from->len : size;

	if (n == 0)
		return 0;
	memcpy(out, from->text, n);
	from->len -= n;
	memmove(from->text, from->text + n, from->len + 1);
	return n;
}
