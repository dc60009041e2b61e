#!/usr/bin/env python3
"""Writes the benign prose of the injection set as files, for `bartizan train subject --builtin --none`.

    subject_texts.py TRAIN.JSONL.GZ FOLDER
"""

import gzip
import hashlib
import json
import re
import sys
from pathlib import Path

# Sources whose licences permit it; what another model wrote is left out.
SOURCES = {"s-labs", "neuralchemy", "deepset_train", "gsm8k", "self_instruct_seed", "mt_bench", "rustbook"}
CODE = re.compile(
    r"```|;\n|\{\n|^\s*(def|class|import|fn|let|const|#include|public|function|return|var|SELECT|use) |=> ?\{|\w+\(.*\)\s*[;{]", re.M
)


def texts(rows):
    """Long texts by themselves, short ones of a source together."""
    short = {}
    for row in rows:
        if row["label"] != 0 or row["source"] not in SOURCES or CODE.search(row["text"]):
            continue
        if len(row["text"]) > 500:
            yield row["source"], row["text"]
            continue
        short.setdefault(row["source"], []).append(row["text"])
        if sum(map(len, short[row["source"]])) >= 900:
            yield row["source"], "\n".join(short.pop(row["source"]))


def main():
    """Writes them."""
    rows, out = sys.argv[1], Path(sys.argv[2])
    with gzip.open(rows, "rt", encoding="utf8") as lines:
        for number, (source, text) in enumerate(texts(map(json.loads, lines)), 1):
            folder = out / (source + hashlib.sha256(text.encode()).hexdigest()[:3])
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number:05}.txt").write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
