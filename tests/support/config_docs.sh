#!/bin/sh
# Is what people read about the configuration what the program has?
#
#   config_docs.sh check|update PRINT_CONFIG SOURCE_DIRECTORY
#
# check: etc/capqd.yaml and the list of keys in docs/man/capqd.yaml.5 are those that PRINT_CONFIG
# prints, and mandoc finds nothing to say about the page. update: writes both.
set -eu

mode=$1 print_config=$2 source=$3
yaml=$source/etc/capqd.yaml
page=$source/docs/man/capqd.yaml.5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$print_config" example >"$work/capqd.yaml"
"$print_config" manual >"$work/keys"
# Everything but what stands between the two marks, and the keys between them.
awk -v keys="$work/keys" '
	/^\.\\" END keys/ { inside = 0 }
	!inside { print }
	/^\.\\" BEGIN keys/ { inside = 1; while ((getline line < keys) > 0) print line }
' "$page" >"$work/page"

if [ "$mode" = update ]; then
	cp "$work/capqd.yaml" "$yaml"
	cp "$work/page" "$page"
	exit 0
fi

status=0
again="run: tests/support/config_docs.sh update $print_config $source"
if ! grep -q '^\.\\" BEGIN keys' "$page" || ! grep -q '^\.\\" END keys' "$page"; then
	echo "$page: the marks around the keys are gone" >&2
	status=1
fi
diff -u "$yaml" "$work/capqd.yaml" >&2 || {
	echo "$yaml is not what the table of keys says; $again" >&2
	status=1
}
diff -u "$page" "$work/page" >&2 || {
	echo "$page is not what the table of keys says; $again" >&2
	status=1
}
# Our own pages need not be installed for this one to be right.
if command -v mandoc >/dev/null &&
	mandoc -T lint "$page" | grep -v 'referenced manual not found' >&2; then
	status=1
fi
exit $status
