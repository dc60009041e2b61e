"""Starts the scripted provider and the gate, and gives the tests clients of the SDKs."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import urllib.request

import anthropic
import openai
import pytest
from google import genai
from values import CARD, EMAIL, SECRET

ROOT = pathlib.Path(__file__).resolve().parents[2]
# LiteLLM looks for a list of prices on the network when it is imported; it has its own.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
GATE = os.environ.get("BARTIZAN_BINARY", ROOT / "target/release/bartizan")
UPSTREAM = os.environ.get("UPSTREAM_BINARY", ROOT / "target/release/upstream")
GATE_URL = os.environ.get("GATE_URL")
MODEL = os.environ.get("GATE_MODEL", "gpt-4o-mini")

STREAM_BLOCK = """
@id("test.no-phones-from-the-model")
@coach("The answer held a phone number, which may not be shown here.")
forbid (principal, action == Action::"complete", resource)
when { context.labels.contains("pii.phone") };
"""


class Process:
    """A child that prints one ready line. Ended with the test session."""

    def __init__(self, *arguments, log=None):
        self.stderr = open(log, "ab") if log else subprocess.DEVNULL
        self.child = subprocess.Popen([str(a) for a in arguments], stdout=subprocess.PIPE, stderr=self.stderr, stdin=subprocess.DEVNULL)
        line = self.child.stdout.readline()
        self.ready = json.loads(line) if line else {}
        if self.ready.get("ready") is not True:
            self.stop()
            shown = pathlib.Path(log).read_text()[-2000:] if log else ""
            raise RuntimeError(f"{arguments[0]} was not ready; it printed {line!r}\n{shown}")

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Upstream:
    """The provider behind the gate: what reached it, and what it answers next."""

    def __init__(self, process):
        self.url = process.ready["url"]
        self.base = "http://" + process.ready["address"]

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.base + path, data=data, method=method), timeout=10) as answer:
            return json.loads(answer.read())

    def requests(self):
        return self._call("GET", "/__requests")

    def forget(self):
        self._call("DELETE", "/__requests")

    def next_answer(self, *pieces, **more):
        """Queues an answer: one piece is a whole body, several are an event stream."""
        self._call("POST", "/__script", {"pieces": list(pieces), **more})

    def bodies(self):
        return "\n".join(request["body"] for request in self.requests())


def absent(upstream):
    """Something reached the provider, and none of the caller's values were in it."""
    bodies = upstream.bodies()
    assert bodies, "nothing reached the provider"
    for value in (EMAIL, CARD, CARD.replace(" ", ""), SECRET):
        assert value not in bodies


def pseudonym(upstream, kind):
    """What the provider saw in place of a value of the kind."""
    return re.search(rf"\b{kind}_[A-Za-z0-9]+", upstream.bodies()).group()


def start_gate(folder, *arguments):
    return Process(
        GATE, "up", "--data", folder / "data", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
        "--ready-file", folder / "ready.json", *arguments, log=folder / "gate.log",
    )  # fmt: skip


@pytest.fixture(scope="session")
def upstream_process():
    if GATE_URL:
        pytest.skip("a gate in front of another provider is tested")
    process = Process(UPSTREAM, "--mode", "echo")
    yield process
    process.stop()


@pytest.fixture
def upstream(upstream_process):
    upstream = Upstream(upstream_process)
    upstream.forget()
    return upstream


@pytest.fixture(scope="session")
def gate_url(request, tmp_path_factory):
    """The gate with its default policies."""
    if GATE_URL:
        yield GATE_URL
        return
    upstream = request.getfixturevalue("upstream_process")
    folder = tmp_path_factory.mktemp("gate")
    process = start_gate(folder, "--upstream", upstream.ready["url"])
    assert json.loads((folder / "ready.json").read_text()) == process.ready
    yield process.ready["gate"]
    process.stop()


@pytest.fixture(scope="session")
def strict_gate_url(upstream_process, tmp_path_factory):
    """The gate with one more policy: a phone number that the model introduces blocks the answer."""
    folder = tmp_path_factory.mktemp("strict")
    shutil.copytree(ROOT / "policies", folder / "policies", ignore=shutil.ignore_patterns("tests"))
    (folder / "policies" / "strict.cedar").write_text(STREAM_BLOCK)
    process = start_gate(folder, "--upstream", upstream_process.ready["url"], "--policies", folder / "policies")
    yield process.ready["gate"]
    process.stop()


@pytest.fixture(scope="session")
def sample_gate_url(tmp_path_factory):
    """The gate without any provider: the built-in sample model answers."""
    if GATE_URL:
        pytest.skip("a gate in front of another provider is tested")
    process = start_gate(tmp_path_factory.mktemp("sample"))
    yield process.ready["gate"]
    process.stop()


def openai_client(url, **more):
    return openai.OpenAI(base_url=url + "/v1", api_key="not-a-key", **more)


def anthropic_client(url, **more):
    return anthropic.Anthropic(base_url=url, api_key="not-a-key", **more)


def gemini_client(url, key="not-a-key"):
    return genai.Client(api_key=key, http_options={"base_url": url})


@pytest.fixture
def gemini(gate_url):
    return gemini_client(gate_url)


@pytest.fixture
def chat(gate_url):
    return openai_client(gate_url)


@pytest.fixture
def claude(gate_url):
    return anthropic_client(gate_url)


@pytest.fixture
def model():
    return MODEL
