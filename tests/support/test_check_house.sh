#!/bin/sh
# Does check_house.sh see each thing that it is for?  test_check_house.sh CHECK_HOUSE
set -eu
check=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
status=0

# try VERDICT FILE TEXT: a tree with this one file is fine, or is not.
try() {
	rm -rf "$tree"
	mkdir -p "$tree/$(dirname "$2")"
	printf '%b\n' "$3" >"$tree/$2"
	if "$check" "$tree" 2>/dev/null; then verdict=fine; else verdict=wrong; fi
	[ "$verdict" = "$1" ] || {
		echo "$2 with '$3' should be $1, is $verdict" >&2
		status=1
	}
}

try fine daemon/store/a.c '#include <sqlite3.h>'
try wrong daemon/pipeline/a.c '#include <sqlite3.h>'
try wrong lib/a.h '#  include <sqlite3.h>'
try fine daemon/api/a.c '#include <microhttpd.h>'
try wrong daemon/main.c '#include <microhttpd.h>'
try fine push/a.c '#include <curl/curl.h>'
try fine io/http.c '#include <curl/curl.h>'
try wrong io/child.c '#include <curl/curl.h>'
try wrong daemon/main.c '#include <curl/multi.h>'
try fine lib/json.c '#include <cjson/cJSON.h>'
try wrong lib/job_json.c '#include <cjson/cJSON.h>'
try fine lib/yaml_doc.h '#include <yaml.h>'
try wrong lib/config.h '#include <yaml.h>'
try fine io/a.c '#include <uv.h>'
try wrong lib/a.c '#include <uv.h>'
try wrong sched/a.c '#include <uv.h>'
try wrong sched/a.c '\tnow = time(NULL);'
try wrong lib/a.c '\tclock_gettime(CLOCK_REALTIME, &t);'
try fine lib/log.c '\ttime_t now = time(NULL);'
try wrong lib/log.c '\tclock_gettime(CLOCK_REALTIME, &t);'
try fine io/clock.c '\tclock_gettime(CLOCK_REALTIME, &t);'
try fine lib/a.c '#include "lib/b.h"'
try wrong lib/a.c '#include "io/b.h"'
try wrong lib/a.c '#include "b.h"'
try wrong sched/a.c '#include "io/b.h"'
try wrong io/a.c '#include "sched/b.h"'
try wrong daemon/store/a.c '#include "io/b.h"'
try wrong daemon/store/a.c '#include "daemon/pipeline/b.h"'
try fine daemon/pipeline/a.c '#include "sched/b.h"'
try wrong daemon/pipeline/a.c '#include "daemon/api/b.h"'
try fine daemon/api/a.c '#include "daemon/pipeline/b.h"'
try fine daemon/main.c '#include "daemon/api/b.h"'
try wrong push/a.c '#include "daemon/store/b.h"'
try wrong client/a.c '#include "io/b.h"'
try wrong lib/a.c '/* TODO: more. */'
try wrong tests/unit/a.c '// FIXME'
try wrong io/a.c '/* XXX */'
try fine io/a.c 'mkstemp("/tmp/x-XXXXXX");'
try fine lib/a.c "$(yes x | head -n 600)"
try wrong lib/a.c "$(yes x | head -n 601)"
exit $status
