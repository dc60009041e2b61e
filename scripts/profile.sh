#!/usr/bin/env bash
# Takes the profile that release builds are optimised by: builds instrumented binaries, drives them, and writes `profile/gate.profdata`.
set -euo pipefail
cd "$(dirname "$0")/.."

# The tool must be of the compiler's LLVM, or newer.
llvm=$(rustc --version --verbose | awk '/^LLVM version/ { sub(/\..*/, "", $3); print $3 }')
host=$(rustc --version --verbose | awk '/^host/ { print $2 }')
tool=
for one in "$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata" "llvm-profdata-$llvm" "/usr/lib/llvm-$llvm/bin/llvm-profdata"; do
  if command -v "$one" >/dev/null; then tool=$one && break; fi
done
[ -n "$tool" ] || { echo "no llvm-profdata of LLVM $llvm: rustup component add llvm-tools, or apt-get install llvm-$llvm" >&2 && exit 1; }

built=target/profiling raw=$PWD/target/profiling/raw
rm -rf "$raw"
echo "building instrumented binaries: as long as a release build from nothing"
# What cargo itself runs while it builds leaves counts too; those are thrown away. The selection gives dependencies the features that a
# release build gives them.
LLVM_PROFILE_FILE=/dev/null RUSTFLAGS="-Cprofile-generate=$raw" CARGO_TARGET_DIR=$built \
  cargo build --release --workspace --bin bartizan --bin bare_proxy --bin load --bin upstream --example instructions --example throughput --locked
rm -rf "$raw"

work=$(mktemp -d)
pids=()
stop() {
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
}
trap 'stop; rm -rf "$work"' EXIT
python3 profile/traffic.py "$work"
bin=$built/release
other() { LLVM_PROFILE_FILE=/dev/null "$@"; }
field() { python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())[sys.argv[2]])' "$@"; }
ready() { for _ in $(seq 200); do [ -s "$1" ] && return; sleep 0.1; done; echo "$1 stays empty" >&2 && exit 1; }

# drive MODE COUNT PATH [BODY]: the gate, and then the bare proxy, before a provider of that mode.
drive() {
  rm -rf "$work"/{data,upstream,gate,bare}
  other "$bin/upstream" --mode "$1" >"$work/upstream" & pids+=($!)
  ready "$work/upstream"
  local url
  url=$(field "$work/upstream" url)
  "$bin/bartizan" up --data "$work/data" --upstream "$url" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --ready-file "$work/gate" >/dev/null 2>&1 & pids+=($!)
  "$bin/bare_proxy" --upstream "$url" >"$work/bare" & pids+=($!)
  for server in gate bare; do
    ready "$work/$server"
    local address
    address=$(field "$work/$server" gate)
    printf '%-5s %-10s %s ' "$server" "$1" "${4:-}"
    other "$bin/load" --target "${address#http://}" --count "$2" --seconds 120 --path "$3" ${4:+--body "$work/$4.json"} | cut -c1-40
  done
  stop
}
chat=/v1/chat/completions
drive fixed 20000 $chat
drive echo 4000 $chat findings
drive fixed 3000 $chat history
drive echo 3000 $chat tools
drive stream:40 400 $chat stream
drive echo 2000 /v1/messages messages
drive stream:40 300 /v1/messages messages-stream
"$bin/bartizan" demo --data "$work/demo" >/dev/null
# Exit codes 1 and 2 say that there are findings, and that an example of a damaged document was not read.
"$bin/bartizan" detect --format jsonl docs crates/*/src README.md >/dev/null 2>&1 || [ $? -le 2 ]
# Much text with many findings: otherwise most of what they need counts as seldom used.
"$bin/examples/throughput" --only-all 3 --runs 1

"$tool" merge --sparse --output profile/gate.profdata "$raw"/*.profraw
{ rustc --version && sha256sum Cargo.lock | cut -c1-16; } >profile/taken-with.txt
rm -rf "$raw"
ls -l profile/gate.profdata
