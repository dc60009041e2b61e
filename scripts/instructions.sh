#!/usr/bin/env bash
# Instructions per exchange, against the committed baseline: a regression of more than 10 % fails. `instructions.sh --update` rewrites it.
# Counted by valgrind as the difference of two runs, so that start-up does not count. Wall time on a shared machine is noise; this is not.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v valgrind >/dev/null || {
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends valgrind >/dev/null
}
baseline=scripts/instructions.tsv
program=target/release/examples/instructions
count() { valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 | awk '/Collected/ { print $4 }'; }

new=$(mktemp)
trap 'rm -f "$new"' EXIT
status=0
printf '%-10s %14s %14s %8s\n' kind instructions baseline ratio
while read -r kind few many; do
  a=$(count "$kind" "$few")
  b=$(count "$kind" "$many")
  each=$(((b - a) / (many - few)))
  printf '%s\t%s\n' "$kind" "$each" >>"$new"
  old=$(awk -v kind="$kind" '$1 == kind { print $2 }' "$baseline" 2>/dev/null || true)
  ratio=$(awk -v a="$each" -v b="${old:-0}" 'BEGIN { if (b > 0) printf "%.3f", a / b; else print "new" }')
  printf '%-10s %14s %14s %8s\n' "$kind" "$each" "${old:-none}" "$ratio"
  if [ -n "$old" ] && awk -v r="$ratio" 'BEGIN { exit !(r > 1.10) }'; then
    echo "$kind takes more instructions than the baseline allows; find out why, or run scripts/instructions.sh --update" >&2
    status=1
  fi
done <<'KINDS'
small 20 220
findings 20 120
history 4 24
stream 1 5
KINDS
if [ "${1:-}" = --update ]; then
  cp "$new" "$baseline"
  status=0
fi
echo "RESULT $(awk '{ printf "instructions_%s=%s ", $1, $2 }' "$new")"
exit "$status"
