#!/usr/bin/env bash
# Applies each patch of testkit/leaks/mutants to a copy of the tree, builds a gate there, and runs the leak matrix against it:
# a mutant that passes is a hole in the matrix. `leaks-mutants.sh [NAME]…` takes some of them only.
set -euo pipefail

work=$(pwd)/target/mutants
tree=$work/tree
mkdir -p "$tree"
cargo build --quiet --package bartizan-testkit --bin leaks --locked
survived=0
tried=0
changed=()

for patch in testkit/leaks/mutants/*.patch; do
  name=$(basename "$patch" .patch)
  if [ "$#" -gt 0 ] && [[ " $* " != *" $name "* ]]; then
    continue
  fi
  # Copied with their times, so that only what this patch and the one before it touch is built again.
  git ls-files -z | tar --null --files-from=- --create | tar --extract --directory "$tree"
  mapfile -t files < <(sed -n 's|^+++ b/||p' "$patch")
  patch --quiet --no-backup-if-mismatch --directory "$tree" --strip 1 <"$patch"
  (cd "$tree" && touch "${changed[@]}" "${files[@]}" && CARGO_TARGET_DIR=$work/build cargo build --quiet --package bartizan --locked)
  changed=("${files[@]}")
  tried=$((tried + 1))
  if target/debug/leaks "$work/build/debug/bartizan" --one-of 10 --show 3 >"$work/$name.txt" 2>&1; then
    echo "$name: SURVIVED"
    survived=$((survived + 1))
  else
    echo "$name: caught; $(tail -n 1 "$work/$name.txt")"
  fi
done

echo "RESULT mutants=$tried survived=$survived"
[ "$survived" -eq 0 ] && [ "$tried" -gt 0 ]
