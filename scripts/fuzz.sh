#!/usr/bin/env bash
# Replays the seed corpus of every fuzz target, then runs each for SECONDS (0: replay only). `fuzz.sh SECONDS [TARGET]…`
#
# Runs on the stable toolchain: the coverage instrumentation that cargo-fuzz would ask a nightly for is set by hand.
# There is no address sanitizer; the code under test forbids `unsafe`, so panics, hangs and memory are what is looked for.
set -euo pipefail

seconds=${1:?seconds for each target}
shift
host=$(rustc -vV | sed -n 's/^host: //p')
flags=(
  --cfg=fuzzing
  -Cpasses=sancov-module
  -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares
  -Ccodegen-units=1
)

cd fuzz
# `--target` keeps the flags away from build scripts and procedural macros.
RUSTFLAGS="${flags[*]}" cargo build --release --bins --locked --target "$host"

targets=("$@")
if [ "${#targets[@]}" -eq 0 ]; then
  for file in src/bin/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi

failed=()
for target in "${targets[@]}"; do
  binary=target/$host/release/$target
  seeds=corpus/$target
  found=target/corpus/$target
  artifacts=artifacts/$target/
  mkdir -p "$found" "$artifacts"
  if [ ! -d "$seeds" ] || [ -z "$(ls "$seeds")" ]; then
    echo "$target: no seeds in fuzz/$seeds" >&2
    failed+=("$target")
    continue
  fi
  log=target/$target.log
  common=(-artifact_prefix="$artifacts" -timeout=10 -rss_limit_mb=2048 -max_len=16384)
  if ! "$binary" -runs=0 "${common[@]}" "$seeds" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "$target: a seed fails" >&2
    failed+=("$target")
    continue
  fi
  if [ "$seconds" -gt 0 ] && ! "$binary" -max_total_time="$seconds" "${common[@]}" "$found" "$seeds" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    failed+=("$target")
    continue
  fi
  runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log")
  echo "$target: ok, $(ls "$seeds" | wc -l) seeds, $seconds s, ${runs:-0} runs"
done

echo "RESULT fuzz_targets=${#targets[@]} fuzz_failed=${#failed[@]}"
[ "${#failed[@]}" -eq 0 ] || { echo "failed: ${failed[*]}; inputs are in fuzz/artifacts" >&2; exit 1; }
