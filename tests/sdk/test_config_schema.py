"""The schema of the configuration file against what the binary says of it: keys, bounds, values, the documents' examples."""

import json
import re
import shutil
import subprocess
import tomllib

import pytest
from conftest import GATE, ROOT, start_gate
from schemas import schema_of, wrong


def blocks():
    """Every TOML block of the documents for users, and whether it is a rule file or a dictionary."""
    for path in sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")]):
        for number, block in enumerate(re.findall(r"^```toml\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)):
            yield f"{path.name}-{number}", block, bool({"rule", "dictionary"} & tomllib.loads(block).keys())


def examples():
    """Those that are configuration."""
    return (pytest.param(block, id=name) for name, block, rules in blocks() if not rules)


def own_files(folder):
    """What the example of `[guard]` names: indexes and their key, the key of sealed values, and the rule file and the dictionary of the same page."""
    rules = {tomllib.loads(block).get("label", "custom.projects"): block for name, block, rules in blocks() if rules and "proprietary" in name}
    (folder / "tickets.toml").write_text(rules["custom.ticket"])
    (folder / "projects.toml").write_text(rules["custom.projects"])
    (folder / "projects.txt").write_text("Grey Owl\n")
    (folder / "customers.csv").write_text("account,city\nAB-778812,Lisbon\n")
    (folder / "minutes.txt").write_text(" ".join(f"word{number} of the minutes" for number in range(60)))
    (folder / "seal.key").write_text("a key of more than sixteen bytes")
    commands = (["exact", "build", "customers.csv", "--primary", "account", "-o", "customers.exact"], ["fingerprint", "build", "minutes.txt", "-o", "own.prints"])
    for command in commands:
        subprocess.run([GATE, *command, "--index-key", "own.key"], cwd=folder, check=True, capture_output=True, timeout=60)


def test_rule_files_of_the_documents(tmp_path):
    own_files(tmp_path)
    text = "see TKT-123456 about Blue Heron and grey owl"
    command = [GATE, "detect", "--rules", "tickets.toml", "--rules", "projects.toml", "--jsonl"]
    done = subprocess.run(command, cwd=tmp_path, input=json.dumps({"id": 1, "text": text}) + "\n", capture_output=True, text=True, timeout=60)
    found = [(one["label"], text[one["start"]:one["end"]]) for one in json.loads(done.stdout)["findings"]]
    assert found == [("custom.ticket", "TKT-123456"), ("custom.projects", "Blue Heron"), ("custom.projects", "grey owl")], done.stderr


def tables():
    """Name, schema and what a table must have, for each table of the configuration; the whole file is the table ``."""
    whole = schema_of("config")
    yield "", whole
    for name, schema in whole["properties"].items():
        yield name, schema.get("items", schema)


def started(folder, text, *arguments):
    """Standard error of a start that must be refused because of its configuration."""
    path = folder / "bartizan.toml"
    path.write_text(text)
    done = subprocess.run([GATE, "up", "--config", path, "--data", folder / "data", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, f"it was not refused:\n{text}"
    return done.stderr


def header(name, schema):
    return "" if not name else f"[[{name}]]\n" if "required" in schema else f"[{name}]\n"


@pytest.mark.parametrize("text", list(examples()))
def test_config_of_the_documents(text, tmp_path, monkeypatch):
    assert not wrong("config", tomllib.loads(text))
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    (tmp_path / "bartizan.toml").write_text(text)
    (tmp_path / "prices.toml").write_text('[[models]]\nname = "*"\ninput = 0.15\noutput = 0.6\n')
    own_files(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    monkeypatch.setenv("COLLECTOR_KEY", "not-a-key")
    monkeypatch.chdir(tmp_path)
    start_gate(tmp_path, "--config", tmp_path / "bartizan.toml").stop()


@pytest.mark.parametrize(("name", "schema"), [pytest.param(*table, id=table[0] or "whole") for table in tables()])
def test_config_keys_are_those_of_the_binary(name, schema, tmp_path):
    """The binary, asked for a key that does not exist, lists those that do."""
    text = header(name, schema) + "no_such_key = 1\n"
    said = started(tmp_path, text)
    assert "unknown field `no_such_key`" in said
    assert set(re.findall("`([a-z_]+)`", said.partition("expected")[2])) == set(schema["properties"])
    assert any("no_such_key" in one for one in wrong("config", tomllib.loads(text)))


def bounded():
    for name, schema in tables():
        for key, value in schema["properties"].items():
            if "maximum" in value and "required" not in schema:
                yield pytest.param(name, key, value, id=f"{name}.{key}")


@pytest.mark.parametrize(("name", "key", "schema"), list(bounded()))
def test_config_bounds_are_those_of_the_binary(name, key, schema, tmp_path):
    text = f"[{name}]\n{key} = {schema['maximum'] + 1}\n"
    said = re.search("must be from ([0-9.]+) to ([0-9]+)", started(tmp_path, text))
    assert (float(said[1]), float(said[2])) == (schema["minimum"], schema["maximum"])
    assert wrong("config", tomllib.loads(text))
    for edge in ("minimum", "maximum", "default"):
        assert not wrong("config", {name: {key: schema[edge]}})


PROVIDER = '[[providers]]\nname = "p"\nkind = "openai"\nbase_url = "http://127.0.0.1:9/v1"\n'


@pytest.mark.parametrize(
    "text",
    [
        '[gate]\nauth = "nobody"',
        '[gate]\nhosts = "one"',
        '[gate]\ntls_cert = "only.pem"',
        '[admin]\ntls_key = "only.pem"',
        '[guard]\non_failure = "shrug"',
        '[guard]\nthresholds = { "pii.phone" = 1.1 }',
        '[guard]\nthresholds = { "pii.phone" = "high" }',
        '[guard]\nthresholds = { "pii.*" = 0.7 }',
        '[guard]\nallow = [""]',
        '[guard]\nallow = [3]',
        '[guard]\nallow = [{ label = "pii" }]',
        '[guard]\nallow = [{ pattern = "a" }]',
        '[guard]\nallow = [{ label = "pii", value = "x", pattern = "y" }]',
        '[guard]\nallow = [{ label = "pii", values = ["x"] }]',
        '[capture]\nmode = "on"',
        '[retention]\nevents = "90"',
        '[retention]\nevents = "0d"',
        '[retention]\nevents = "36501d"',
        '[ledger]\norigin = "a b"',
        '[ledger]\norigin = "a+b"',
        '[ledger]\norigin = ""',
        '[ledger]\npower_loss_safe = "yes"',
        PROVIDER.replace("openai", "other"),
        PROVIDER.replace("http:", "ftp:"),
        PROVIDER.replace("/v1", "/v1?a=b"),
        PROVIDER.replace('name = "p"\n', ""),
        PROVIDER + 'api_key_env = "A"\napi_key_file = "b"',
        PROVIDER + '[[models]]\nname = "m"',
        PROVIDER + '[[models]]\nname = "m"\ntargets = []',
        PROVIDER + '[[models]]\nname = "m"\nprovider = "p"\ntargets = [{ provider = "p" }]',
        PROVIDER + '[[models]]\nname = "m"\nupstream_name = "n"\ntargets = [{ provider = "p" }]',
        PROVIDER + '[[models]]\nname = "m"\ntargets = [{ provider = "p", weight = 1001 }]',
        PROVIDER + '[[models]]\nname = "m"\ntargets = [{ provider = "p", share = 1 }]',
        PROVIDER + 'timeouts = { connect = 0 }',
        PROVIDER + 'region = "the moon"',
        PROVIDER + 'training_use = "maybe"',
        PROVIDER + 'retention_days = 36501',
        '[[limits.rate]]\nname = "r"',
        '[[limits.rate]]\nrequests_per_minute = 1',
        '[[limits.rate]]\nname = "r"\nrequests_per_minute = 0',
        '[[limits.rate]]\nname = "r"\nrequests_per_minute = 1\nkey = "a*b"',
        '[[limits.rate]]\nname = "r s"\nrequests_per_minute = 1',
        '[[limits.budget]]\nname = "b"\ntokens = 1',
        '[[limits.budget]]\nname = "b"\nperiod = "day"',
        '[[limits.budget]]\nname = "b"\nperiod = "year"\ntokens = 1',
        '[[limits.budget]]\nname = "b"\nperiod = "day"\nmoney = -1',
        '[[models]]\nname = "m"\nprovider = "p"',
        '[telemetry]\notlp_endpoint = "127.0.0.1:4318"',
        '[telemetry]\notlp_endpoint = "http://me:secret@collector"',
        '[telemetry]\notlp_endpoint = "http://collector?a=b"',
        '[telemetry]\nservice_name = ""',
        '[telemetry]\nheaders = [{ name = "a" }]',
        '[telemetry]\nheaders = [{ name = "a b", value_env = "HOME" }]',
        '[telemetry]\nheaders = [{ name = "a", value_env = "HOME", value_file = "b" }]',
    ],
)
def test_config_refused_by_both(text, tmp_path):
    started(tmp_path, text)
    assert wrong("config", tomllib.loads(text))


def toml(value):
    """A value as TOML writes it within a line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


@pytest.mark.parametrize("name", ["gate", "admin"])
def test_config_certificates_are_read(name, tmp_path):
    text = f'[{name}]\ntls_cert = "no-such-cert.pem"\ntls_key = "no-such-key.pem"\n'
    assert "no-such-cert.pem" in started(tmp_path, text)
    assert not wrong("config", tomllib.loads(text))


def test_config_with_every_key(tmp_path, upstream_process):
    """A file with every key that the schema names is good for both; certificates have their own test, and so has an accuracy pack."""
    (tmp_path / "credential").write_text("not-a-key")
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    (tmp_path / "prices.toml").write_text('[[models]]\nname = "*"\ninput = 0.15\noutput = 0.6\n')
    own_files(tmp_path)
    hosts = {"hosts": ["gate.example.com"]}
    given = {
        "gate": {"listen": "127.0.0.1:0", "auth": "anonymous", **hosts},
        "admin": {"listen": "127.0.0.1:0", **hosts},
        "providers": [
            {"name": "a", "kind": "both", "base_url": upstream_process.ready["url"], "api_key_file": str(tmp_path / "credential"), "pass_client_key": False},
            {"name": "b", "kind": "anthropic", "base_url": upstream_process.ready["url"], "api_key_env": "PATH", "pass_client_key": True},
            {"name": "c", "kind": "azure", "base_url": upstream_process.ready["url"], "api_version": "2024-10-21", "timeouts": {"connect": 5, "first_byte": 60, "idle": 30}, "region": "eu", "training_use": "opt_out", "retention_days": 30},
        ],
        "models": [
            {"name": "m", "provider": "b", "upstream_name": "n", "fallback": ["o"]},
            {"name": "o", "targets": [{"provider": "a", "weight": 3}, {"provider": "c", "upstream_name": "n", "weight": 0}]},
            {"name": "*", "provider": "a"},
        ],
        "limits": {
            "rate": [{"name": "r", "key": "ci-*", "group": "g", "model": "m", "per": "all", "requests_per_minute": 6, "tokens_per_minute": 6000}],
            "budget": [{"name": "b", "key": "*", "period": "day", "tokens": 1000}, {"name": "c", "period": "month", "money": 1.5}],
        },
        "prices": {"file": str(tmp_path / "prices.toml")},
        "guard": {
            "thresholds": {"pii.phone": 0.7, "pii.id": 1},
            "allow": ["support@acme.example", {"label": "pci", "value": "4111 1111 1111 1111"}, {"label": "pii.email", "pattern": ".*@acme\\.example"}],
            "names": True,
            "subjects": True,
            "own_rules": [str(tmp_path / "projects.toml")],
            "exact": [str(tmp_path / "customers.exact")],
            "fingerprints": [str(tmp_path / "own.prints")],
            "index_key": str(tmp_path / "own.key"),
            "seal_key": str(tmp_path / "seal.key"),
        },
        "policy": {"dir": str(tmp_path / "policies")},
        "ledger": {"checkpoint_copy": str(tmp_path / "checkpoint"), "origin": "example.com/gate"},
        "telemetry": {"otlp_endpoint": "http://127.0.0.1:9", "headers": [{"name": "x-a", "value_env": "HOME"}, {"name": "x-b", "value_file": str(tmp_path / "credential")}]},
    }
    for name, schema in tables():
        for key, value in schema["properties"].items() if name else ():
            if "default" in value and name not in ("providers", "models"):
                given.setdefault(name, {}).setdefault(key, value["default"])
        held = given.get(name, {})
        assert not name or set(schema["properties"]) - {"tls_cert", "tls_key", "pack"} == {key for one in (held if isinstance(held, list) else [held]) for key in one}
    assert not wrong("config", given)
    text = ""
    for name, schema in tables():
        held = given.get(name, [])
        for table in held if isinstance(held, list) else [held]:
            text += header(name, schema) + "".join(f"{key} = {toml(value)}\n" for key, value in table.items())
    assert tomllib.loads(text) == given
    (tmp_path / "bartizan.toml").write_text(text)
    start_gate(tmp_path, "--config", tmp_path / "bartizan.toml").stop()
