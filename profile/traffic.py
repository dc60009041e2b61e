"""Writes the bodies with which `scripts/profile.sh` drives the gate: `traffic.py FOLDER`. Made up, and the same each time."""

import json
import random
import sys
from pathlib import Path

WORDS = (
    "account answer audit bridge budget carrier change city client clause contract copy customer data day deadline delay delivery draft "
    "due early engine entry error estimate evening figure file first forecast form free garden ground handle harbour house idea invoice "
    "item january keep label late letter limit line list load machine mail market measure meeting method minute model month morning name "
    "note number offer office order outcome page paper part party past people plan point policy price project question quick quote range "
    "rate reason record region report result review river road room route rule sample schedule season second section service short sign "
    "site size small source stage start state station stock street summary supply table target task team term test text ticket time title "
    "total town trade train travel unit update value version visit voice week window winter word work year"
).split()


def prose(random_, length):
    """Sentences of about so many characters."""
    sentences = []
    while sum(map(len, sentences)) < length:
        words = [random_.choice(WORDS) for _ in range(random_.randint(5, 14))]
        sentences.append(" ".join(["The", *words]) + random_.choice([".", ".", "?", ", 2024.", " (12%)."]))
    return " ".join(sentences)


def bodies():
    r = random.Random(1)
    user = lambda text: {"role": "user", "content": text}
    found = " Write to anna.schmidt@example.org about card 4111 1111 1111 1111 and IBAN DE89370400440532013000. "
    turns = [{"role": ("user", "assistant")[i % 2], "content": prose(r, 800)} for i in range(24)]
    tool = {"type": "function", "function": {"name": "look_up", "description": prose(r, 80), "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
    chat = {"model": "gpt-4o-mini"}
    yield "findings", {**chat, "messages": [user(prose(r, 1000) + found + prose(r, 900))]}
    yield "history", {**chat, "messages": [*turns, user("and now?")]}
    yield "tools", {**chat, "tools": [tool], "messages": [{"role": "system", "content": prose(r, 300)}, user(prose(r, 300))]}
    yield "stream", {**chat, "stream": True, "messages": [user(prose(r, 200) + found)]}
    yield "messages", {"model": "claude-sonnet-4", "max_tokens": 100, "messages": [user(prose(r, 300) + found)]}
    yield "messages-stream", {"model": "claude-sonnet-4", "max_tokens": 100, "stream": True, "messages": [user(prose(r, 300) + found)]}


def main():
    folder = Path(sys.argv[1])
    for name, body in bodies():
        (folder / f"{name}.json").write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
