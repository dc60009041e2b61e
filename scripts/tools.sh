#!/usr/bin/env bash
# Installs what `make test` needs beside the Rust toolchain. A tool that cannot be installed fails the run.
# Kept by version under target/tools and .venv; a second run finds everything and does nothing.
set -euo pipefail

deny=0.20.2
machete=0.9.2
tools=target/tools

# A compiler for SQLite and libFuzzer, and Python for the client tests. Node comes by pip: Debian's is too old for the packages.
packages=()
command -v cc >/dev/null || packages+=(gcc libc6-dev)
command -v c++ >/dev/null || packages+=(g++)
command -v python3 >/dev/null || packages+=(python3)
python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
if [ "${#packages[@]}" -gt 0 ]; then
  echo "installing by apt: ${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null
fi

# cargo_tool CRATE VERSION
cargo_tool() {
  local have
  have=$("$1" --version 2>/dev/null || true)
  if [ "${have##* }" != "$2" ]; then
    echo "installing $1 $2"
    # In its own target folder, so that it leaves the workspace's alone; removed afterwards.
    CARGO_TARGET_DIR="$tools/build" cargo install --quiet --locked --root "$tools" "$1@$2"
    rm -rf "$tools/build"
  fi
}
mkdir -p "$tools"
cargo_tool cargo-deny "$deny"
cargo_tool cargo-machete "$machete"

stamp=.venv/installed.txt
if ! cmp -s tests/requirements.txt "$stamp"; then
  echo "installing Python packages into .venv"
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check --requirement <(grep -v '^aics-tlog' tests/requirements.txt)
  # It declares a newer Python than Debian has, and runs on this one.
  .venv/bin/pip install --quiet --disable-pip-version-check --ignore-requires-python "$(grep '^aics-tlog' tests/requirements.txt)"
  cp tests/requirements.txt "$stamp"
fi

# The lock file has no addresses: packages come from the registry that npm is configured for, and must have the hashes in it.
if ! cmp -s tests/npm/package-lock.json tests/npm/node_modules/installed.json; then
  echo "installing npm packages into tests/npm"
  PATH="$PWD/.venv/bin:$PATH" npm ci --prefix tests/npm --ignore-scripts --no-audit --no-fund --loglevel=error
  cp tests/npm/package-lock.json tests/npm/node_modules/installed.json
fi
