#!/usr/bin/env python3
"""Has an independent implementation judge a ledger: aics_tlog.py LEDGER_FOLDER VKEY_FILE

Needs `pip install --ignore-requires-python aics-tlog==0.2.1`. The key file must lie outside the ledger's folder (`DATA/ledger.pub`).
Checks the checkpoint's signature, every tile and entry bundle against its root, inclusion of entries at both ends and in between,
consistency from earlier sizes, and that every entry is canonical JSON. Exit 0 good, 1 not good.
"""

import json
import pathlib
import sys

# This file has the package's name; without its own folder on the path, the package is found.
sys.path.pop(0)
import aics_tlog as judge  # noqa: E402


def canonical(value):
    """RFC 8785 for what our entries hold: text, whole numbers, objects, lists."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def check(folder, key_file):
    folder, key_file = pathlib.Path(folder).resolve(), pathlib.Path(key_file).resolve()
    if folder in key_file.parents:
        raise ValueError("the key lies inside the log's folder: a log must not vouch for itself")
    key = judge.read_vkey_file(key_file.read_text())
    note = judge.parse_note((folder / "checkpoint").read_bytes())
    verified = judge.verify_checkpoint(note, key)
    if not verified.ok:
        raise ValueError(f"checkpoint: {verified.error}")
    checkpoint = judge.parse_checkpoint(note.text)
    size, root = checkpoint.size, checkpoint.root
    reader = judge.FileSystemTileReader(folder)
    judge.audit_tiles(reader, size, root, entries=True)
    picks = sorted({i for i in (0, 1, 255, 256, size // 2, size - 257, size - 1) if 0 <= i < size})
    for index in picks:
        entry = judge.read_entry(reader, index, size)
        proof = judge.inclusion_proof_from_tiles(reader, index, size)
        if not judge.verify_leaf_inclusion(entry, index, size, proof, root):
            raise ValueError(f"entry {index} is not included")
    for old in [pick for pick in picks if pick > 0]:
        old_root = judge.tree_root_from_tiles(reader, old, size)
        proof = judge.consistency_proof_from_tiles(reader, old, size)
        if not judge.verify_consistency(old, size, old_root, root, proof):
            raise ValueError(f"size {old} is not consistent with {size}")
    for index in range(min(size, 2_000)):
        entry = judge.read_entry(reader, index, size)
        if canonical(json.loads(entry)) != entry:
            raise ValueError(f"entry {index} is not canonical JSON")
    return size


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: aics_tlog.py LEDGER_FOLDER VKEY_FILE")
    try:
        size = check(sys.argv[1], sys.argv[2])
    except Exception as error:  # whatever the judge objects to is the verdict
        print(f"not good: {type(error).__name__}: {error}")
        sys.exit(1)
    print(f"good: {size} entries")


main()
