/* One line of Nix's `--log-format internal-json`. Pure.
 *
 *   @nix {"action":"start","id":1,"type":105,"level":3,"text":"...","fields":[DRV,MACHINE,1,1]}
 *   @nix {"action":"result","id":1,"type":101,"fields":["a line of the build's log"]}
 *   @nix {"action":"stop","id":1}
 *   @nix {"action":"msg","level":0,"msg":"error: ...","raw_msg":"..."}
 *
 * The same in every Nix from 2.8 to 2.35 and in Lix as far as it is read here. Lines without the
 * prefix are other programs' words (ssh, a crash) or came before Nix's logger was set up. */
#ifndef CAPQ_LIB_NIX_EVENT_H
#define CAPQ_LIB_NIX_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/json.h"

/* Nix's own numbers (logging.hh). */
enum nix_activity {
	NIX_ACTIVITY_UNKNOWN = 0,
	NIX_ACTIVITY_COPY_PATH = 100,
	NIX_ACTIVITY_FILE_TRANSFER = 101,
	NIX_ACTIVITY_REALISE = 102,
	NIX_ACTIVITY_COPY_PATHS = 103,
	NIX_ACTIVITY_BUILDS = 104,
	NIX_ACTIVITY_BUILD = 105,
	NIX_ACTIVITY_SUBSTITUTE = 108,
	NIX_ACTIVITY_BUILD_WAITING = 111,
};

enum nix_result {
	NIX_RESULT_BUILD_LOG_LINE = 101,
	NIX_RESULT_SET_PHASE = 104,
	NIX_RESULT_PROGRESS = 105,
	NIX_RESULT_SET_EXPECTED = 106,
};

enum nix_action {
	NIX_TEXT,   /* No event: `text` is the line itself. */
	NIX_START,  /* Activity `id` of `type` begins; fields depend on the type. */
	NIX_STOP,   /* Activity `id` ended; whether well is not said. */
	NIX_RESULT, /* Activity `id` says something of `type`. */
	NIX_MSG,    /* A message at `level`, 0 being an error. */
	NIX_OTHER,  /* Well-formed, and nothing capq looks at. */
};

/* What a line does not say is 0, "" or NULL. */
struct nix_event {
	enum nix_action action;
	uint64_t id; /* Beyond 2^53: (pid << 32) + a counter. */
	int64_t type;
	int64_t level;
	struct str text;           /* The message, or what an activity says of itself; printable. */
	const struct json *fields; /* An array of `document`. */
	struct json *document;     /* NULL: the line was no event. */
};

/* Read one line of `len` bytes without its newline. Never fails: what is no event is NIX_TEXT.
 * The caller ends with nix_event_finish(). */
void nix_event_parse(const char *line, size_t len, struct nix_event *out);
void nix_event_finish(struct nix_event *event);

/* True for a Progress result, told by its two ends without parsing. A download makes one for every
 * 8 KiB (24,500 of the 24,706 lines for 200 MB), so who shows no bytes drops them by this. */
bool nix_event_is_progress(const char *line, size_t len);

/* Field `i` as a string (as it came: colours and all) or as a number; NULL or 0 when it is
 * something else. */
const char *nix_event_text_field(const struct nix_event *event, size_t i);
int64_t nix_event_int_field(const struct nix_event *event, size_t i);

#endif
