#!/usr/bin/env bash
# Runs one step of `make` with a line before and after it, and remembers how long it took.
#   step.sh NAME COMMAND…    runs the command; its status is the step's status
#   step.sh --table          prints the times of the steps since the last table
set -uo pipefail

times=out/step-times.txt
mkdir -p out

if [ "$1" = "--table" ]; then
  awk -F'\t' '{ printf "%-12s %6d s\n", $1, $2; sum += $2 } END { printf "%-12s %6d s\n", "all steps", sum }' "$times"
  rm -f "$times"
  exit 0
fi

name=$1
shift
begun=$(date +%s)
echo "== $name"
"$@"
status=$?
took=$(($(date +%s) - begun))
if [ "$status" -eq 0 ]; then
  printf '%s\t%s\n' "$name" "$took" >>"$times"
  echo "== $name: ok, $took s"
else
  rm -f "$times"
  echo "== $name: FAILED with status $status after $took s" >&2
fi
exit "$status"
