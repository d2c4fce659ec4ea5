#!/bin/sh
# The walls of the house (docs/architecture.md), as far as no compiler sees them.
#
#   check_house.sh SOURCE_DIRECTORY
#
# Prints what is wrong, one line each, and fails when there was anything.
set -eu
cd "$1"

# The C files below the folders $@.
files() {
	for folder; do
		if [ -d "$folder" ]; then find "$folder" -name '*.[ch]' -type f; fi
	done | sort
}

all_files() {
	files lib sched io daemon push client sim tests bench
}

# matches PATTERN: lines "FILE:NUMBER:TEXT" of the files whose names come in.
matches() {
	xargs grep -nHE "$1" /dev/null
}

# Each line gets " -- WHY" behind it.
explain() {
	while IFS= read -r line; do
		printf '%s -- %s\n' "$line" "$1"
	done
}

# only HEADER PATTERN: <HEADER> is included by files whose path matches PATTERN, nowhere else.
only() {
	all_files | grep -Ev "$2" | matches "^[[:space:]]*#[[:space:]]*include[[:space:]]*<$1>" |
		explain "only files that match $2 may"
}

# never FOLDER PATTERN WHY: code in FOLDER does not match PATTERN.
never() {
	files "$1" | matches "$2" | explain "$3"
}

# layers FOLDER ALLOWED...: FOLDER includes "x/..." for x in ALLOWED only.
layers() {
	folder=$1
	shift
	allowed=$(printf '%s|' "$@")
	files "$folder" | matches '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' |
		grep -vE "\"(${allowed%|})/[^/\"]*\"" | explain "$folder may include $*"
}

found=$(
	# One door to each library.
	only 'sqlite3\.h' '^(daemon/store|bench)/'
	only 'microhttpd\.h' '^daemon/api/'
	only 'curl/.*' '^(push|client)/|^io/http'
	only '(cjson/)?cJSON\.h' '^lib/json\.c$'
	only 'yaml\.h' '^lib/yaml_doc\.h$'

	# Decisions and facts know no loop and no clock. lib/log.c puts the time in front of a line.
	only 'uv\.h' '^(io|daemon|push|tests|bench)/'
	never lib 'clock_gettime|gettimeofday|[^_a-z]time\(NULL\)|timespec_get' 'a clock in lib' |
		grep -v '^lib/log\.c:.*time(NULL)' || true
	never sched 'clock_gettime|gettimeofday|[^_a-z]time\(NULL\)|timespec_get' 'a clock in sched'

	# Arrows point down only.
	layers lib lib
	layers sched sched lib
	layers io io lib
	layers daemon/store daemon/store lib
	layers daemon/stats daemon/stats daemon/store lib
	layers daemon/pipeline daemon/pipeline daemon/store sched io lib
	layers daemon/api daemon/api daemon/pipeline daemon/stats daemon/store sched io lib
	layers push push io lib
	layers client client lib
	layers sim sim sched lib

	# What is left for later stands in the tracker.
	for folder in lib sched io daemon push client sim tests bench; do
		never "$folder" '(TODO|FIXME|XXX)([^A-Za-z]|$)' 'left for later'
	done | grep -v 'XXXXXX' || true

	# Files are read from top to bottom.
	all_files | grep '\.c$' | while read -r file; do
		lines=$(wc -l <"$file")
		[ "$lines" -le 600 ] || printf '%s\n' "$file: $lines lines; a file has 600 at most"
	done
)
if [ -n "$found" ]; then
	printf '%s\n' "$found" >&2
	exit 1
fi
