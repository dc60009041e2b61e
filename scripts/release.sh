#!/usr/bin/env bash
# Builds the release binaries with the profile in `profile/`: `release.sh` what CI needs, `release.sh --examples` every measurement too.
# `release.sh run …` runs one of them by cargo. A profile belongs to the compiler that it was taken with: with another one it is left out.
set -euo pipefail
cd "$(dirname "$0")/.."

{ read -r compiler && read -r lock; } <profile/taken-with.txt
if [ "$compiler" = "$(rustc --version)" ]; then
  # Cargo looks at flags and not at what they name: under its hash, another profile is another flag.
  kept=target/profiles/$(sha256sum profile/gate.profdata | cut -c1-16).profdata
  mkdir -p target/profiles
  [ -f "$kept" ] || cp profile/gate.profdata "$kept"
  export RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }-Cprofile-use=$PWD/$kept"
  if [ "$lock" != "$(sha256sum Cargo.lock | cut -c1-16)" ]; then
    echo "Cargo.lock has changed since the profile was taken: much of the code has other names now and is built without it. make profile takes a new one." >&2
  fi
else
  echo "The profile was taken with $compiler, this is $(rustc --version): building without it. A request then costs more; make profile takes a new one." >&2
fi

case "${1:-}" in
  run) shift && exec cargo run --quiet --release --locked "$@" ;;
  --examples) exec cargo build --release --workspace --bins --examples --locked ;;
  # With an example, so that the features of dependencies are the same either way.
  '') exec cargo build --release --workspace --bins --example instructions --locked ;;
  *) echo "release.sh [--examples | run …]" >&2 && exit 2 ;;
esac
