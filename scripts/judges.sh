#!/usr/bin/env bash
# Outside judges: a log that the gate wrote under load is read by an independent implementation of the same specification.
# `judges.sh GATE` starts the gate on a folder of its own; tests/judges/aics_tlog.py gets that folder.
set -euo pipefail

gate=${1:?the release binary}
folder=$(mktemp -d)
children=()
clean_up() {
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap clean_up EXIT

# ready FILE: waits for the first line of a file, at most 20 s.
ready() {
  for _ in $(seq 400); do
    [ -s "$1" ] && return 0
    sleep 0.05
  done
  echo "nothing in $1" >&2
  return 1
}
member() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }

target/release/upstream --mode fixed >"$folder/upstream.json" &
children+=($!)
ready "$folder/upstream.json"
"$gate" up --data "$folder/data" --upstream "$(member "$folder/upstream.json" url)" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 \
  >"$folder/gate.json" 2>"$folder/gate.log" &
gate_pid=$!
children+=("$gate_pid")
ready "$folder/gate.json"
address=$(member "$folder/gate.json" gate)
target/release/load --target "${address#http://}" --seconds 30 --count 3000 >"$folder/load.json"
cat "$folder/load.json"

# A drained process has written its last checkpoint.
kill -TERM "$gate_pid"
wait "$gate_pid"
"$gate" audit verify --data "$folder/data"
# Former keys stand below the newest one after a rotation; the judge takes one key.
head -n 1 "$folder/data/ledger.pub" >"$folder/newest.pub"
.venv/bin/python tests/judges/aics_tlog.py "$folder/data/ledger" "$folder/newest.pub"
