#!/usr/bin/env bash
# What texts are about: passages by hand, source files, ordinary texts of this machine. Flags go to the example; `--fold` trains anew.
set -euo pipefail
cd "$(dirname "$0")/.."

stdlib="$(python3 -c 'import sysconfig; print(sysconfig.get_paths()["stdlib"])' || true)"
flags=()
for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/ "$stdlib"; do
  if [ -d "$folder" ]; then flags+=(--code "$folder" --none "$folder"); fi
done
for folder in /usr/share/doc ../shared/data/logs; do
  if [ -d "$folder" ]; then flags+=(--text "$folder"); fi
done
# EVAL names another build of the example.
if [ -n "${EVAL:-}" ]; then exec "$EVAL" "$@" "${flags[@]}"; fi
exec scripts/release.sh run --package bartizan-detect --example subjects -- "$@" "${flags[@]}"
