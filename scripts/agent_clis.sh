#!/usr/bin/env bash
# Agents that run in a terminal, unmodified and without an account, through the gate: one prompt each. Outside CI: they are large.
#   agent_clis.sh [NAME…]      all of them, or those named
# Kept by version under target/agent-clis. BARTIZAN_BINARY and UPSTREAM_BINARY name other binaries.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(@openai/codex@0.171.0 @anthropic-ai/claude-code@2.1.332 @google/gemini-cli@0.61.0 opencode-ai@1.18.33)
folder=target/agent-clis

scripts/tools.sh
export PATH="$PWD/.venv/bin:$PATH"
if [ "$(cat "$folder/installed.txt" 2>/dev/null)" != "${packages[*]}" ]; then
  echo "installing ${packages[*]} into $folder"
  mkdir -p "$folder"
  npm install --prefix "$folder" --no-audit --no-fund --loglevel=error "${packages[@]}"
  echo "${packages[*]}" >"$folder/installed.txt"
fi
exec .venv/bin/python scripts/agent_clis.py "$folder/node_modules/.bin" "$@"
