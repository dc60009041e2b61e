#!/usr/bin/env bash
# The public harness `pii-leak-benchmark` (PyPI) against the running gate: every mode of it, then one verdict.
#   bench_leaks.sh [GATE [POLICIES]]     POLICIES: a folder in place of the built-in set, to see that the bar can be missed
# Kept by version under target/bench-leaks; reports go to out/bench-leaks. Takes some minutes, most of them the harness's own pauses.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(pii-leak-benchmark==0.6.0 httpx==0.28.1 jsonschema==4.26.0)
venv=target/bench-leaks
stamp=$venv/installed.txt

if [ "$(cat "$stamp" 2>/dev/null)" != "${packages[*]}" ]; then
  echo "installing ${packages[*]} into $venv"
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}"
  echo "${packages[*]}" >"$stamp"
fi
exec "$venv/bin/python" scripts/bench_leaks.py "${@:-target/release/bartizan}"
