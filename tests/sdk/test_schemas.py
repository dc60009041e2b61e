"""What the binary really prints and answers, against docs/schemas, each taken strictly: a field that a schema does not name fails."""

import base64
import contextlib
import copy
import functools
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
import zipfile

import pytest
from conftest import GATE, ROOT, STREAM_BLOCK, Upstream, start_gate
from jsonschema import Draft202012Validator
from schemas import SCHEMAS, schema_of, wrong
from values import CARD, EMAIL, PHONE, SECRET

BELOW = "4155550132"
TEXTS = [{"id": 1, "text": f"Write to {EMAIL} or {BELOW}"}, {"id": {"a": [None]}, "text": "nothing"}, {"text": CARD}]
LINES = "".join(json.dumps(line) + "\n" for line in TEXTS)
# One of each kind of what `--explain` tells: moved by a word, a part, lost, allowed, below, ruled out by a check, by a word, for want of one.
PASSWORD = "Kx9qvvTZq81mmQz77aPx"
WHY = [f'Call {BELOW}, "password": "Kx9q-vvT {SECRET} Zq81-mmQz77".', f'csrf_token="{PASSWORD}"', "pay 4111 1111 1111 1112", "at 555 0143", BELOW, f"{EMAIL} {CARD}"]
EXPLAIN = ("--explain", "--allow", f"pii.email={EMAIL}")
CHAT, MESSAGES, GEMINI = "/v1/chat/completions", "/v1/messages", "/v1beta/models/gemini:generateContent"
DECIDE = "/v1/decide"

POLICIES = STREAM_BLOCK + """
@id("test.no-phones-out")
forbid (principal, action == Action::"prompt", resource)
when { context.by_role.user.labels.contains("pii.phone") };

@id("test.mask-cards")
@remedy("mask")
@operator("keep_last:4")
@labels("pci.*")
forbid (principal, action == Action::"prompt", resource)
when { context.labels.contains("pci") };

@id("test.coach")
@remedy("coach")
@coach("Mind what you send.")
forbid (principal, action == Action::"prompt", resource)
when { context.labels.contains("pii.email") };
"""

BROKEN = """
@id("test.broken")
forbid (principal, action == Action::"prompt", resource)
when { context.body_bytes + 9223372036854775807 > 0 };
"""

# What no test can provoke from outside: kinds of ledger entries by their place in `oneOf` (gap, config, policy, rotation,
# start, stop), and facts that nothing fills in yet.
UNSEEN = re.compile("""ledger-entry .*/oneOf/[234789]/.*|event .*/(app|team|organisation|remedied|session_tainted)|readyz oneOf/1/properties/reload""")


class World:
    """Gates with what has happened to them, and the binary's commands."""

    def __init__(self, folder, upstream, stack):
        self.folder, self.upstream = folder, upstream
        shutil.copytree(ROOT / "policies", folder / "policies", ignore=shutil.ignore_patterns("tests"))
        (folder / "policies/test.cedar").write_text(POLICIES)
        (folder / "note.txt").write_text(f"first\nto {EMAIL} and {CARD}\n")
        (folder / "why.txt").write_text("\n\n".join(WHY) + "\n")
        with zipfile.ZipFile(folder / "why.zip", "w") as archive:
            archive.write(folder / "why.txt", "why.txt")
        # The value stands in the decoded body only, so it is told by its place.
        head = "From: desk\r\nSubject: bill\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable"
        (folder / "note.eml").write_text(f"{head}\r\n\r\nto {CARD[:8]}=\r\n{CARD[8:]} please\r\n")
        # Any model, and a provider of which everything is said.
        facts = 'region = "eu"\ntraining_use = "none"\nretention_days = 30\n'
        (folder / "main.toml").write_text(f'[[providers]]\nname = "p"\nkind = "both"\nbase_url = "{upstream.url}"\n{facts}')
        gate = self.start(stack, "main", "--config", folder / "main.toml", "--policies", folder / "policies")
        self.ready, self.data = gate.ready, folder / "main/data"
        self.errors, self.outputs = {}, {}
        self.traffic()
        self.guard_failure(stack)
        self.drain(stack)

    def start(self, stack, name, *arguments):
        (self.folder / name).mkdir(exist_ok=True)
        gate = start_gate(self.folder / name, *arguments)
        stack.callback(gate.stop)
        return gate

    def run(self, *arguments, given=None, code=0):
        done = subprocess.run([GATE, *map(str, arguments)], input=given, capture_output=True, text=True, cwd=self.folder, timeout=60)
        assert done.returncode == code, done.stderr
        return done.stdout

    def json(self, *arguments, **more):
        return [json.loads(self.run(*arguments, **more))]

    def lines(self, *arguments, **more):
        return [json.loads(line) for line in self.run(*arguments, **more).splitlines()]

    def kept(self, *arguments, lines=False):
        return (self.lines if lines else self.json)(*arguments, "--data", self.data)

    def ask(self, base, path, body=None, key=None, method=None):
        data = body.encode() if isinstance(body, str) else body and json.dumps(body).encode()
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
        request = urllib.request.Request(base + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def prompt(self, path, text, key=None, base=None, **more):
        body = {"model": "gpt-4o-mini", "max_tokens": 50, "messages": [{"role": "user", "content": text}], **more}
        return self.ask(base or self.ready["gate"], path, body, key)

    def refused(self, name, status, answer):
        assert answer[0] == status, answer
        self.errors.setdefault(name, []).append(json.loads(answer[1]))

    def traffic(self):
        gate = self.ready["gate"]
        assert self.prompt(CHAT, "Good morning.")[0] == 200
        assert self.prompt(CHAT, f"{EMAIL} {BELOW}", tools=[{"type": "function", "function": {"name": "send", "parameters": {}}}])[0] == 200
        assert self.prompt(MESSAGES, f"{SECRET} {EMAIL}")[0] == 200
        said = [{"role": role, "content": f"{role}: {EMAIL}"} for role in ("system", "user", "assistant")]
        assert self.prompt(CHAT, "", messages=[*said, {"role": "tool", "tool_call_id": "c", "content": EMAIL}], user=EMAIL)[0] == 200
        assert self.ask(gate, "/v1/models")[0] == 200
        for name, path in (("openai", CHAT), ("anthropic", MESSAGES)):
            self.refused(name, 403, self.prompt(path, f"Call {PHONE} now"))
            self.refused(name, 400, self.ask(gate, path, "{"))
            self.refused(name, 400, self.prompt(path, "hi", models=[]))
            self.refused(name, 405, self.ask(gate, path, "{}", method="PUT"))
            assert self.streamed(name, path, "The harbour is open. ", "Write to other.person@example.org. ", "No more. ")
            self.refused(name, 200, (200, self.streamed(name, path, "The harbour is open. ", "Call ", f"{PHONE} ", "for more. ")))
        self.refused("gemini", 400, self.ask(gate, GEMINI, {}))
        self.decide(gate)
        # More findings than an event keeps.
        assert self.prompt(CHAT, f"{EMAIL} " * 1_100)[0] == 200
        self.created = self.kept("keys", "create", "--name", "ada", "--group", "eng", "--models", "gpt-*", "--format", "json")
        free = self.kept("keys", "create", "--name", "bot", "--kind", "service", "--format", "jsonl")
        self.created += free
        self.tokens = self.kept("tokens", "create", "--name", "t", "--scope", "read", "--format", "json")
        self.tokens += self.kept("tokens", "create", "--name", "u", "--scope", "approve", "--user", "ada", "--format", "jsonl")
        key = self.created[0]["key"]
        assert self.prompt(CHAT, f"Pay {CARD}", key)[0] == 200
        assert self.prompt(CHAT, "Anything", free[0]["key"])[0] == 200
        for name, path in (("openai", CHAT), ("anthropic", MESSAGES)):
            self.refused(name, 401, self.prompt(path, "hi"))
            self.refused(name, 403, self.prompt(path, "hi", key, model="other"))
        self.refused("gemini", 401, self.ask(gate, GEMINI, {}))
        self.kept("keys", "create", "--name", "eve", "--format", "json")
        self.run("erase", "--principal", "user:eve", "--yes", "--data", self.data)

    def decide(self, gate):
        """Verdicts of every kind, and the bodies that asked for them."""
        said = [{"role": "user", "content": f"I am {EMAIL}"}]
        asked = {"model": "gpt-4o-mini", "conversation": "c", "direction": "request"}
        self.asked = [
            {"direction": "request", "text": "Good morning."},
            {**asked, "messages": said},
            {**asked, "text": f"Call {PHONE} now"},
            {**asked, "text": f"{EMAIL} " * 1_100},
            {"direction": "response", "text": "Fine.", "request": {**asked, "text": f"I am {EMAIL}"}},
            {"direction": "response", "messages": [{"role": "assistant", "content": "Fine."}], "request": {**asked, "messages": said}},
        ]
        answers = [self.ask(gate, DECIDE, body) for body in self.asked]
        assert [status for status, _ in answers] == [200] * len(answers)
        self.decided = [json.loads(body) for _, body in answers]
        assert [one["decision"] for one in self.decided] == ["permit", "remedied", "blocked", "remedied", "permit", "permit"]
        for body in ({}, {"direction": "request", "text": "", "messages": []}, {"direction": "request", "text": "", "other": 1}, {"direction": "no", "text": ""}):
            assert wrong("decide-request", body), "the schema takes what the gate refuses"
            self.refused("openai", 400, self.ask(gate, DECIDE, body))

    def streamed(self, name, path, *texts):
        """The data of the last event of a stream in which the model says these texts."""
        if name == "openai":
            events = [{"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} for text in texts]
        else:
            message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
            events = [{"type": "message_start", "message": message}, {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}]
            events += [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}} for text in texts]
        named = [(f"event: {event['type']}\n" if name == "anthropic" else "") + f"data: {json.dumps(event)}\n\n" for event in events]
        self.upstream.next_answer(*named, "data: [DONE]\n\n" if name == "openai" else 'event: message_stop\ndata: {"type":"message_stop"}\n\n')
        status, body = self.prompt(path, "Tell me.", stream=True)
        assert status == 200, body
        return [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")][-1]

    def guard_failure(self, stack):
        """A gate that has no time to inspect, and then a configuration that it refuses."""
        config = self.folder / "slow.toml"
        provider = f'[[providers]]\nname = "p"\nkind = "both"\nbase_url = "{self.upstream.url}"\n[[models]]\nname = "gpt-4o-mini"\nprovider = "p"\n'
        config.write_text(provider + "[timeouts]\ninspect = 0.001\n")
        gate = self.start(stack, "slow", "--config", config)
        for name, path in (("openai", CHAT), ("anthropic", MESSAGES)):
            self.refused(name, 503, self.prompt(path, f"{EMAIL} and {CARD} or {PHONE}; " * 50_000, base=gate.ready["gate"]))
        self.readyz = {"ready": self.ask(gate.ready["admin"], "/readyz")}
        config.write_text("[timeouts]\ninspect = 0\n")
        self.run("reload", "--data", self.folder / "slow/data", code=2)
        self.readyz["reload refused"] = self.ask(gate.ready["admin"], "/readyz")
        gate.stop()

    def drain(self, stack):
        """A gate that may not end yet, because a provider has not answered."""
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener.settimeout(20)
        gate = self.start(stack, "drain", "--upstream", f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
        asking = threading.Thread(target=self.prompt, args=(CHAT, "hi"), kwargs={"base": gate.ready["gate"]})
        asking.start()
        provider = listener.accept()[0]
        gate.child.send_signal(signal.SIGTERM)
        until = time.monotonic() + 20
        while (answer := self.ask(gate.ready["admin"], "/readyz"))[0] != 503:
            assert time.monotonic() < until, answer
        self.readyz["draining"] = answer
        provider.close()
        asking.join()

    def ready_body(self, name, status, *keys):
        answer = self.readyz[name]
        body = json.loads(answer[1])
        assert answer[0] == status and set(body) == {"ready", *keys}
        return [body]

    def events(self):
        """All kinds of events that can be had; the claims keep the table from going empty."""
        events = self.kept("events", "--format", "jsonl", lines=True)
        failed = self.lines("events", "--format", "jsonl", "--data", self.folder / "slow/data")
        assert {event["decision"] for event in events + failed} == {"permit", "remedied", "blocked", "failed"}
        assert {event["direction"] for event in events} == {"request", "response"} and any(event["stream"] for event in events)
        facts = [event["facts"] for event in events if event["facts"]]
        assert len(facts) < len(events), "none was refused before it was judged"
        assert any(one["principal"].get("key") and one["principal"].get("models") and one["principal"]["groups"] for one in facts)
        assert any(one["context"].get("below_threshold") for one in facts) and any(one["context"].get("tools") for one in facts)
        assert any(guard.get("reason") for event in failed for guard in event["guards"])
        token = (self.data / "admin.token").read_text().strip()
        status, body = self.ask(self.ready["admin"], "/api/v1/events", key=token)
        assert status == 200
        return events + failed + [json.loads(line) for line in body.splitlines()]

    def problems(self):
        admin, token = self.ready["admin"], (self.data / "admin.token").read_text().strip()
        answers = [self.ask(admin, "/no/such/path"), self.ask(admin, "/api/v1/events"), self.ask(admin, "/api/v1/events?limit=x", key=token)]
        answers += [self.ask(admin, "/api/v1/keys", "{", token), self.ask(admin, "/api/v1/keys/none", key=token, method="DELETE")]
        answers += [self.ask(admin, "/analyze", {}, token)]
        assert [status for status, _ in answers] == [404, 401, 400, 400, 404, 400]
        return [json.loads(body) for _, body in answers]

    def served(self, path, *bodies):
        """What detection as a service answers."""
        admin, token = self.ready["admin"], (self.data / "admin.token").read_text().strip()
        answers = [self.ask(admin, path, body, token) for body in bodies]
        assert [status for status, _ in answers] == [200] * len(bodies), answers
        return [json.loads(body) for _, body in answers]

    def entries(self):
        until = time.monotonic() + 20
        # Tiles and checkpoint follow the journal within a second, refusals are counted by the second.
        while True:
            entries = self.kept("audit", "tail", "-n", "1000", "--format", "jsonl", lines=True)
            kinds = {entry["entry"]["kind"] for entry in entries}
            if {"erasure", "refusals"} <= kinds:
                break
            assert time.monotonic() < until, kinds
        entries += self.lines("audit", "tail", "-n", "1000", "--format", "jsonl", "--data", self.folder / "slow/data")
        assert {"request", "response", "end", "change", "key"} <= kinds
        assert any("guards" in entry["entry"] for entry in entries), "no failed guard in the log"
        return entries

    def proof(self):
        self.run("audit", "prove", 0, "--out", "entry.proof", "--data", self.data)
        return self.folder / "entry.proof"

    def proven(self):
        extra = re.search("^extra (.+)$", self.proof().read_text(), re.MULTILINE)
        return [json.loads(base64.b64decode(extra[1]))]

    def tampered(self):
        copy = self.folder / "copy"
        shutil.copytree(self.data, copy, ignore=shutil.ignore_patterns("*.sock"))
        for tile in filter(pathlib.Path.is_file, (copy / "ledger/tile/entries").rglob("*")):
            tile.write_bytes(tile.read_bytes().replace(b'"decision":"permit"', b'"decision":"denied"', 1))
        reports = self.json("audit", "verify", "--data", copy, "--format", "json", code=1)
        assert reports[0]["damage"]
        return reports

    def checked(self, format):
        wrong = self.folder / f"wrong-{format}"
        wrong.mkdir()
        (wrong / "wrong.cedar").write_text("permit (principal, action, resource) when { context.nothing };")
        return self.json("policy", "check", "policies", "--format", format) + self.json("policy", "check", wrong, "--format", format, code=2)

    def tried(self, read, format):
        """The default policies with their tables, and with a row that does not hold."""
        good = read("policy", "test", ROOT / "policies", "--format", format)
        folder = self.folder / f"tried-{format}"
        shutil.copytree(ROOT / "policies", folder)
        (folder / "tests/wrong.toml").write_text('[[row]]\nname = "wrong"\naction = "prompt"\nexpect = "blocked"\n')
        bad = read("policy", "test", folder, "--format", format, code=1)
        assert '"differences": ["' in json.dumps(bad)
        return good + bad

    def values(self, row):
        """What a row gives, got once."""
        if row[0] not in self.outputs:
            self.outputs[row[0]] = row[2](self)
        return self.outputs[row[0]]

    def explained(self, *arguments):
        def request(text):
            return json.dumps({"route": f"POST {CHAT}", "principal": "user:ada", "groups": ["eng"], "body": {"model": "m", "messages": [{"role": "user", "content": text}]}})

        texts = ("Good morning.", f"{EMAIL} and {CARD}", f"Call {PHONE} now")
        out = [json.loads(self.run("policy", "explain", "-", "--policies", "policies", *arguments, given=request(text))) for text in texts]
        assert [one["decision"] for one in out] == ["permit", "remedied", "blocked"] and "reason" in out[2]
        broken = self.folder / "broken"
        broken.mkdir(exist_ok=True)
        (broken / "broken.cedar").write_text(BROKEN)
        out.append(json.loads(self.run("policy", "explain", "-", "--policies", broken, *arguments, given=request("hi"))))
        # An event that another set decided.
        event = self.lines("events", "--data", self.data, "--since", "1h", "--format", "jsonl", "--decision", "permit")[0]
        out.append(json.loads(self.run("policy", "explain", "-", *arguments, given=json.dumps(event))))
        assert out[3]["decision"] == "failed" and out[3]["steps"][0]["errors"]
        assert any(remedy.get("operator") for remedy in out[1]["steps"][0]["remedies"]) and out[1]["steps"][0]["coach"]
        return out


def bad_lines(world, command):
    """The answers to lines that are bad in every way that a test can write."""
    given = '{"id":1,"text":2}\nnot JSON\n\n{"id":3,"text":"fine"}\n'
    return [line for line in world.lines(command, "--jsonl", given=given, code=2) if line.get("error")]


TEXT = f"Write to {EMAIL} or pay {CARD}"
ASKED = [{"text": TEXT, "id": "a", "min_score": 0.1, "labels": ["pii"], "offsets": "bytes", "names": True}, {"texts": [TEXT, "nothing"]}]
CLEANED = [*ASKED, {"text": TEXT, "operator": "generalise", "operators": {"pii.email": "encrypt"}, "key": "0123456789abcdef"}]
ANALYZED = [{"text": TEXT, "language": "en", "return_decision_process": True}, {"text": [TEXT, "nothing"]}]
FOUND = [{"entity_type": "EMAIL_ADDRESS", "start": 9, "end": 9 + len(EMAIL), "score": 0.9}]


LITELLM = """
model_list: [{model_name: small, litellm_params: {model: openai/small, api_key: os.environ/SMALL_KEY, temperature: 1}}]
general_settings: {master_key: sk-1}
guardrails: [{guardrail_name: g, litellm_params: {guardrail: presidio, mode: pre_call, default_on: true, pii_entities_config: {CREDIT_CARD: BLOCK}}}]
"""


def imported(world):
    """With files written, and without."""
    more = ("--output", world.folder / "imported.toml", "--policies", world.folder / "imported-policies")
    out = world.json("import", "litellm", "-", "--format", "json", *more, given=LITELLM, code=1)
    return out + world.lines("import", "litellm", "-", "--format", "jsonl", given=LITELLM, code=1)


def indexed(world, format):
    """Indexes of a table and of documents: what is said when they are made, and when they are shown."""
    (world.folder / "own.csv").write_text("account,name\n771203044,Jane Doe\n12,\n")
    (world.folder / "own.txt").write_text(" ".join(f"word{number}" for number in range(60)))
    ask = world.json if format == "json" else world.lines
    made = ask("exact", "build", "own.csv", "--primary", "account", "-o", f"{format}.exact", "--format", format)
    made += ask("fingerprint", "build", "own.txt", "-o", f"{format}.prints", "--format", format)
    return made + ask("exact", "show", f"{format}.exact", "--format", format) + ask("fingerprint", "show", f"{format}.prints", "--format", format)


# What is printed or answered, the schema that it keeps, and how to get it: a list of values, never empty.
ROWS = [
    ("up", "ready", lambda w: [w.ready, json.loads((w.folder / "main/ready.json").read_text())]),
    ("detect --jsonl", "detect-line", lambda w: w.lines("detect", "--jsonl", given=LINES, code=1)),
    ("detect --jsonl --explain", "detect-line", lambda w: w.lines("detect", "--jsonl", *EXPLAIN, given="".join(json.dumps({"id": 1, "text": text}) + "\n" for text in WHY), code=1)),
    ("detect --format json --explain", "detect-files", lambda w: w.json("detect", "--format", "json", *EXPLAIN, "why.txt", "why.zip", code=1)),
    ("detect --format jsonl --explain", "detect-files#/$defs/finding", lambda w: w.lines("detect", "--format", "jsonl", *EXPLAIN, "why.txt", code=1)),
    ("detect --format json", "detect-files", lambda w: w.json("detect", "--format", "json", "note.txt", code=1)),
    ("detect --format json, of a document", "detect-files", lambda w: w.json("detect", "--format", "json", "note.eml", code=1)),
    ("detect --format jsonl", "detect-files#/$defs/finding", lambda w: w.lines("detect", "--format", "jsonl", "note.txt", code=1)),
    ("detect, bad lines", "line-error", lambda w: bad_lines(w, "detect")),
    ("redact, bad lines", "line-error", lambda w: bad_lines(w, "redact")),
    ("redact --jsonl", "redact-line", lambda w: w.lines("redact", "--jsonl", given=LINES)),
    ("redact --format json", "redact-file", lambda w: w.json("redact", "--format", "json", "note.txt")),
    ("redact --format jsonl", "redact-file", lambda w: w.lines("redact", "--format", "jsonl", "note.txt", "note.txt")),
    ("detect --labels --format json", "labels", lambda w: w.json("detect", "--labels", "--format", "json")),
    ("detect --labels --format jsonl", "labels#/$defs/label", lambda w: w.lines("detect", "--labels", "--format", "jsonl")),
    ("bodies of POST /api/v1/detect", "detect-request", lambda w: ASKED),
    ("POST /api/v1/detect", "detect-answer", lambda w: w.served("/api/v1/detect", *ASKED)),
    ("bodies of POST /api/v1/redact", "redact-request", lambda w: CLEANED),
    ("POST /api/v1/redact", "redact-answer", lambda w: w.served("/api/v1/redact", *CLEANED)),
    ("POST /analyze", "presidio-analyze", lambda w: w.served("/analyze", *ANALYZED)),
    ("POST /anonymize", "presidio-anonymize", lambda w: w.served("/anonymize", {"text": TEXT, "analyzer_results": FOUND})),
    ("policy explain", "policy-explain", lambda w: w.explained()),
    ("policy explain --format jsonl", "policy-explain", lambda w: w.explained("--format", "jsonl")),
    ("policy check", "policy-check", lambda w: w.checked("json") + w.checked("jsonl")),
    ("policy test --format json", "policy-test", lambda w: w.tried(w.json, "json")),
    ("policy test --format jsonl", "policy-test#/$defs/row", lambda w: w.tried(w.lines, "jsonl")),
    *(
        (f"{name} --format {format}", name.replace(" ", "-"), lambda w, format=format, place=place: [indexed(w, format)[place]])
        for format in ("json", "jsonl")
        for place, name in enumerate(("exact build", "fingerprint build", "exact show", "fingerprint show"))
    ),
    ("import litellm", "import-litellm", imported),
    ("keys create", "keys-create", lambda w: w.created),
    ("keys list --format json", "keys-list", lambda w: w.kept("keys", "list", "--format", "json")),
    ("keys list --format jsonl", "keys-list#/$defs/key", lambda w: w.kept("keys", "list", "--format", "jsonl", lines=True)),
    ("tokens create", "tokens-create", lambda w: w.tokens),
    ("tokens list --format json", "tokens-list", lambda w: w.kept("tokens", "list", "--format", "json")),
    ("tokens list --format jsonl", "tokens-list#/$defs/token", lambda w: w.kept("tokens", "list", "--format", "jsonl", lines=True)),
    ("events", "event", World.events),
    ("problems of the admin port", "problem", World.problems),
    ("GET /readyz", "readyz", lambda w: w.ready_body("ready", 200)),
    ("GET /readyz after a refused reload", "readyz", lambda w: w.ready_body("reload refused", 200, "reload")),
    ("GET /readyz while draining", "readyz", lambda w: w.ready_body("draining", 503, "reasons")),
    ("bodies of POST /v1/decide", "decide-request", lambda w: w.asked),
    ("POST /v1/decide", "decide", lambda w: w.decided),
    ("errors, OpenAI", "error-openai", lambda w: w.errors["openai"]),
    ("errors, Anthropic", "error-anthropic", lambda w: w.errors["anthropic"]),
    ("errors, Google", "error-gemini", lambda w: w.errors["gemini"]),
    ("audit tail --format jsonl", "ledger-entry", World.entries),
    ("audit tail --format json", "ledger-entry", lambda w: w.kept("audit", "tail", "--format", "json")[0]),
    ("audit show", "ledger-entry", lambda w: w.kept("audit", "show", 0) + w.kept("audit", "show", 1, "--format", "jsonl")),
    ("audit prove", "ledger-entry#/$defs/entry", World.proven),
    ("audit verify", "audit-verify", lambda w: w.kept("audit", "verify", "--format", "json") + w.kept("audit", "verify", "--format", "jsonl")),
    ("audit verify --checkpoint", "audit-verify", lambda w: w.kept("audit", "verify", "--format", "json", "--checkpoint", w.data / "ledger/checkpoint")),
    ("audit verify, tampered", "audit-verify", World.tampered),
    ("audit verify --proof", "audit-verify", lambda w: w.kept("audit", "verify", "--format", "json", "--proof", w.proof())),
]


@pytest.fixture(scope="module")
def world(upstream_process, tmp_path_factory):
    upstream = Upstream(upstream_process)
    upstream.forget()
    with contextlib.ExitStack() as stack:
        yield World(tmp_path_factory.mktemp("schemas"), upstream, stack)


@pytest.mark.parametrize("row", [pytest.param(row, id=row[0]) for row in ROWS])
def test_output_keeps_its_schema(world, row):
    values = world.values(row)
    assert values, "nothing was looked at"
    for value in values:
        assert not wrong(row[1], value), value


def named(node, path=()):
    """The place of each property that a schema names."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "properties":
            yield from ((*path, key, name) for name in value)
        yield from named(value, (*path, key))


def without(schema, path):
    """A strict schema that does not know one of its properties."""
    schema = copy.deepcopy(schema)
    owner = functools.reduce(lambda node, step: node[step], path[:-2], schema)
    del owner["properties"][path[-1]]
    owner["required"] = [name for name in owner.get("required", []) if name != path[-1]]
    return schema


def test_every_property_is_seen(world):
    """A schema without one of its properties must refuse something that was really said: nothing is described that is not there."""
    unseen = []
    for name in sorted({reference.partition("#")[0] for _, reference, _ in ROWS}):
        of_it = [(row[1].partition("#")[2], value) for row in ROWS if row[1].partition("#")[0] == name for value in world.values(row)]
        whole = schema_of(name)
        for path in named(whole):
            less = without(whole, path)
            judges = {part: Draft202012Validator({"$ref": f"#{part}", "$defs": less["$defs"]} if part else less) for part, _ in of_it}
            if all(judges[part].is_valid(value) for part, value in of_it):
                unseen.append(f"{name} {'/'.join(map(str, path))}")
    assert [one for one in unseen if not UNSEEN.fullmatch(one)] == []


def test_every_schema_is_guarded():
    guarded = {reference.partition("#")[0] for _, reference, _ in ROWS} | {"config"}
    assert guarded == {path.name.removesuffix(".schema.json") for path in SCHEMAS.iterdir()}
