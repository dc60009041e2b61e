#!/usr/bin/env bash
# Applies each patch of testkit/leaks/mutants to a copy of the tree, builds a gate there, and runs the leak matrix against it:
# a mutant that passes is a hole in the matrix. `leaks-mutants.sh [NAME]…` takes some of them only.
set -euo pipefail

root=$(pwd)
work=$root/target/mutants
tree=$work/tree
mkdir -p "$work"
cargo build --quiet --package bartizan-testkit --bin leaks --locked
survived=0
tried=0

for patch in testkit/leaks/mutants/*.patch; do
  name=$(basename "$patch" .patch)
  if [ "$#" -gt 0 ] && [[ " $* " != *" $name "* ]]; then
    continue
  fi
  # Copied with times, so that only what a patch touches is built again.
  mkdir -p "$tree"
  git ls-files -z | tar --null --files-from=- --create | tar --extract --directory "$tree"
  (cd "$tree" && git apply --unsafe-paths --directory= "$root/$patch" 2>/dev/null) || patch --quiet --directory "$tree" --strip 1 <"$patch"
  (cd "$tree" && CARGO_TARGET_DIR=$work/build cargo build --quiet --package bartizan --locked)
  tried=$((tried + 1))
  if target/debug/leaks "$work/build/debug/bartizan" --one-of 10 --show 3 >"$work/$name.txt" 2>&1; then
    echo "$name: SURVIVED"
    survived=$((survived + 1))
  else
    echo "$name: caught; $(tail -n 1 "$work/$name.txt")"
  fi
  # The next copy must be newer than what was built from this one.
  grep '^+++ b/' "$patch" | cut -c7- | while read -r file; do touch "$file"; done
done

echo "RESULT mutants=$tried survived=$survived"
[ "$survived" -eq 0 ] && [ "$tried" -gt 0 ]
