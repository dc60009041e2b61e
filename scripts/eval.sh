#!/usr/bin/env bash
# Accuracy on the labelled sets and on ordinary files of this machine: crates, Python's library, documentation, logs.
#   eval.sh SETS [FLAG…]     flags go to the example
set -euo pipefail
cd "$(dirname "$0")/.."

texts=()
for folder in "${CARGO_HOME:-$HOME/.cargo}/registry/src" "$(python3 -c 'import sysconfig; print(sysconfig.get_paths()["stdlib"])' || true)" /usr/share/doc ../shared/data/logs; do
  if [ -d "$folder" ]; then texts+=(--text "$folder"); fi
done
run=(scripts/release.sh run --package bartizan-detect --example eval --)
read=(scripts/release.sh run --package bartizan-encoder --example read --)
# EVAL and READ name other builds of the examples.
if [ -n "${EVAL:-}" ]; then run=("$EVAL"); fi
if [ -n "${READ:-}" ]; then read=("$READ"); fi
# PACK names the folder of an accuracy pack: the sentences are judged with it, too.
if [ -n "${PACK:-}" ]; then
  mkdir -p out
  "${run[@]}" "$1" --texts out/pack-texts.jsonl
  "${read[@]}" "$PACK" <out/pack-texts.jsonl >out/pack-spans.jsonl
  texts+=(--pack out/pack-spans.jsonl)
fi
exec "${run[@]}" "$@" "${texts[@]}"
