#!/usr/bin/env bash
# Accuracy on the labelled sets and on ordinary files of this machine: crates, Python's library, documentation, logs.
#   eval.sh SETS [FLAG…]     flags go to the example
set -euo pipefail
cd "$(dirname "$0")/.."

texts=()
for folder in "${CARGO_HOME:-$HOME/.cargo}/registry/src" "$(python3 -c 'import sysconfig; print(sysconfig.get_paths()["stdlib"])' || true)" /usr/share/doc ../shared/data/logs; do
  if [ -d "$folder" ]; then texts+=(--text "$folder"); fi
done
# PACK names the folder of an accuracy pack: the sentences are judged with it, too.
if [ -n "${PACK:-}" ]; then texts+=(--pack "$PACK"); fi
# EVAL names another build of the example.
if [ -n "${EVAL:-}" ]; then exec "$EVAL" "$@" "${texts[@]}"; fi
exec scripts/release.sh run --package bartizan-detect --example eval -- "$@" "${texts[@]}"
