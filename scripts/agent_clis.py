"""One prompt by each agent through the gate to the scripted provider, which answers what it was asked.

`agent_clis.py FOLDER_OF_PROGRAMS [NAME…]`, by scripts/agent_clis.sh. A run of all writes docs/agents.md. An agent has a home and a folder of its own, and no tools where it
can be told so: what it sends of itself speaks of tools, and the provider would call one.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/sdk"))

from conftest import UPSTREAM, Process, Upstream, start_gate  # noqa: E402
from values import CARD, EMAIL  # noqa: E402

PROMPT = f"Repeat after me, no more: {EMAIL}, {CARD}"
SECONDS = 120

PAGE = """# Agents in a terminal

Written by `scripts/agent_clis.sh`; do not edit. How to point each at a gate stands in [getting started](getting-started.md).

Each program as it comes from npm, without an account, gets one prompt with an e-mail address and a card number. Between it and a provider
that answers what it was asked stands the gate with its defaults. The values must not reach the provider, and must come back as they were.

| program | version | asked the provider | result |
|---|---|---|---|
%s
"""


def codex(url, home):
    provider = f'model_providers.gate={{name="gate",base_url="{url}/v1",env_key="GATE_KEY",wire_api="responses"}}'
    return ["exec", "--skip-git-repo-check", "-c", "model_provider=gate", "-c", provider, "-m", "gpt-5", PROMPT], {"GATE_KEY": "not-a-key", "CODEX_HOME": str(home)}


def claude(url, _home):
    told = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "not-a-key", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
    return ["-p", PROMPT, "--model", "claude-sonnet-4-5", "--tools", ""], told


def gemini(url, home):
    (home / ".gemini").mkdir()
    (home / ".gemini/settings.json").write_text(json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}}))
    return ["-p", PROMPT, "-m", "gemini-2.5-flash", "--skip-trust"], {"GEMINI_API_KEY": "not-a-key", "GOOGLE_GEMINI_BASE_URL": url}


def opencode(url, home):
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "gate", "options": {"baseURL": url + "/v1", "apiKey": "not-a-key"}, "models": {"some-model": {"name": "some model"}}}
    (home / ".config/opencode").mkdir(parents=True)
    (home / ".config/opencode/opencode.json").write_text(json.dumps({"autoupdate": False, "share": "disabled", "provider": {"gate": provider}}))
    return ["run", "-m", "gate/some-model", PROMPT], {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1"}


AGENTS = {"codex": codex, "claude": claude, "gemini": gemini, "opencode": opencode}


def run(program, name, upstream, folder):
    """The routes that it asked for, and what went wrong."""
    gate = start_gate(folder, "--upstream", upstream.url)
    try:
        home, work = folder / "home", folder / "work"
        home.mkdir()
        work.mkdir()
        arguments, told = AGENTS[name](gate.ready["gate"], home)
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "TERM": "xterm-256color", "CI": "1", **told}
        upstream.forget()
        try:
            done = subprocess.run([program, *arguments], env=environment, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return [], [f"did not end in {SECONDS} s"]
        requests = upstream.requests()
    finally:
        gate.stop()
    bodies = "\n".join(request["body"] for request in requests)
    wrong = []
    if done.returncode != 0:
        wrong.append(f"status {done.returncode}: {done.stderr.strip()[-200:]}")
    if not requests or "EMAIL_" not in bodies or "CARD_" not in bodies:
        wrong.append("the prompt did not reach the provider")
    if EMAIL in bodies or CARD in bodies or CARD.replace(" ", "") in bodies:
        wrong.append("a value reached the provider")
    if f"{EMAIL}, {CARD}" not in done.stdout or "You said:" not in done.stdout:
        wrong.append("the values did not come back")
    return sorted({f"{request['method']} {request['path']}" for request in requests}), wrong


def main(programs, *names):
    provider = Process(UPSTREAM, "--mode", "echo")
    upstream = Upstream(provider)
    failed = 0
    rows = []
    try:
        for name in names or AGENTS:
            program = (pathlib.Path(programs) / name).resolve()
            version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=SECONDS).stdout.strip()
            with tempfile.TemporaryDirectory() as folder:
                routes, wrong = run(program, name, upstream, pathlib.Path(folder))
            failed += bool(wrong)
            rows.append(f"| `{name}` | {version} | {', '.join(f'`{route}`' for route in routes)} | {'; '.join(wrong) or 'values hidden, and back exactly'} |")
    finally:
        provider.stop()
    page = PAGE % "\n".join(rows)
    print(page)
    if not names:
        (ROOT / "docs/agents.md").write_text(page)
    print(f"RESULT agents={len(rows)} agents_failed={failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
