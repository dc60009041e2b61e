"""What a collector gets: spans that join the trace of the client and of the provider, metrics, and nothing of anybody's texts."""

import json
import re
import socket
import time
import urllib.error
import urllib.request

import pytest
from conftest import STREAM_BLOCK, start_gate
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from otlp import Collector, attributes
from values import CARD, EMAIL, PHONE, SECRET

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa01a902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
TOKENS = [4**power for power in range(14)]

# Stands in every place that a caller or a provider has.
PLANTED = "planted-by-the-caller"

CONFIG = """
[telemetry]
otlp_endpoint = "{endpoint}"
interval = 0.2
{more}

[[providers]]
name = "main"
kind = "openai"
base_url = "{upstream}"

[[models]]
name = "gpt-4o-mini"
provider = "main"

[[models]]
name = "*"
provider = "main"
"""


class House:
    """A gate, the provider behind it, and the collector beside it."""

    def __init__(self, folder, upstream, collector, *arguments, more="", endpoint=None):
        self.upstream, self.collector = upstream, collector
        config = folder / "bartizan.toml"
        config.write_text(CONFIG.format(endpoint=endpoint or collector.url, upstream=upstream.url, more=more))
        self.gate = start_gate(folder, "--config", config, *arguments)
        self.data = folder / "data"

    def call(self, body, path="/v1/chat/completions", **headers):
        """Status, headers and body of an answer."""
        headers = {"content-type": "application/json", **headers}
        request = urllib.request.Request(self.gate.ready["gate"] + path, data=json.dumps(body).encode(), headers=headers)
        try:
            answer = urllib.request.urlopen(request, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers, answer.read().decode()

    def spans(self):
        """The span at the gate and those of its calls, once all of them came."""

        def whole():
            spans = self.collector.spans()
            server = [span for span in spans if span.kind == Span.SPAN_KIND_SERVER]
            return (server[-1], [span for span in spans if span.parent_span_id == server[-1].span_id]) if server else None

        return self.collector.wait(whole)

    def page(self):
        with urllib.request.urlopen(self.gate.ready["admin"] + "/metrics", timeout=10) as answer:
            return {name: float(value) for name, value in re.findall(r"^(bartizan_telemetry_\w+) (\S+)$", answer.read().decode(), re.MULTILINE)}

    def says_nothing(self):
        """No byte of anybody's was exported, in no form."""
        assert self.collector.bodies
        for _, body in self.collector.bodies:
            for value in (EMAIL, CARD, CARD.replace(" ", ""), SECRET, PHONE, PLANTED, "anonymous", "baggage"):
                assert value.encode() not in body, value


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.stop()


@pytest.fixture
def house(tmp_path, upstream, collector):
    made = []

    def build(*arguments, beside=collector, **more):
        made.append(House(tmp_path, upstream, beside, *arguments, **more))
        return made[-1]

    yield build
    for one in made:
        one.gate.stop()


def asked(model="gpt-4o-mini", **more):
    text = f"{PLANTED}: write to {EMAIL} about card {CARD} with {SECRET}"
    return {"model": model, "user": PLANTED, "messages": [{"role": "user", "content": text}], **more}


def headers():
    return {"traceparent": PARENT, "tracestate": f"vendor={PLANTED}", "baggage": f"user={PLANTED}", "user-agent": PLANTED, "cookie": PLANTED}


def chat(**more):
    choice = {"index": 0, "message": {"role": "assistant", "content": f"{PLANTED} {PHONE}"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 70, "completion_tokens": 11, "total_tokens": 81}
    return json.dumps({"id": PLANTED, "object": "chat.completion", "model": "gpt-4o-mini-2026-07-18", "choices": [choice], "usage": usage, **more})


def test_a_whole_answer(house, upstream, collector, monkeypatch):
    monkeypatch.setenv("COLLECTOR_KEY", "Bearer of-the-collector")
    house = house(more='service_name = "gate-7"\nheaders = [{ name = "Authorization", value_env = "COLLECTOR_KEY" }]')
    upstream.next_answer(chat())
    status, answered, _ = house.call(asked(), **headers())
    assert status == 200 and answered["bartizan-decision"] == "remedied"
    server, calls = house.spans()
    # The client's span, the gate's, the call's, and what the provider was told.
    assert (server.trace_id.hex(), server.parent_span_id.hex()) == (TRACE, SPAN)
    assert [call.trace_id.hex() for call in calls] == [TRACE] and not server.trace_state and not calls[0].trace_state
    sent = upstream.requests()[-1]["headers"]
    assert sent["traceparent"] == f"00-{TRACE}-{calls[0].span_id.hex()}-01"
    assert sent["tracestate"] == f"vendor={PLANTED}" and "baggage" not in sent
    assert server.start_time_unix_nano <= calls[0].start_time_unix_nano <= calls[0].end_time_unix_nano <= server.end_time_unix_nano
    assert abs(server.start_time_unix_nano / 1e9 - time.time()) < 60
    about = attributes(server)
    assert (server.name, server.status.code) == ("POST /v1/chat/completions", Status.STATUS_CODE_UNSET)
    assert about.pop("bartizan.request.id") == answered["bartizan-request-id"]
    assert len(about.pop("bartizan.event.ids")) == 2 and about.pop("bartizan.policy.version")
    assert {"cards.tokenise", "personal.tokenise", "personal.redact-introduced", "secrets.redact"} <= set(about.pop("bartizan.policy.ids"))
    assert about.pop("bartizan.rule.ids") == ["pci.card", "pii.email", "pii.phone.international", "secret.github"]
    assert about == {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "bartizan.calls": 1,
        "bartizan.decision": "remedied",
        "bartizan.end": "complete",
        "bartizan.model": "gpt-4o-mini",
        "bartizan.remedies": ["redact", "tokenise"],
        "bartizan.findings.pii.email": 1,
        "bartizan.findings.pii.phone": 1,
        "bartizan.findings.pci.card": 1,
        "bartizan.findings.secret.github": 1,
    }
    port = int(upstream.base.rpartition(":")[2])
    assert (calls[0].name, calls[0].kind, calls[0].status.code) == ("chat gpt-4o-mini", Span.SPAN_KIND_CLIENT, Status.STATUS_CODE_UNSET)
    assert attributes(calls[0]) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2026-07-18",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 70,
        "gen_ai.usage.output_tokens": 11,
        "server.address": "127.0.0.1",
        "server.port": port,
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "bartizan.provider": "main",
    }
    metrics = collector.wait(lambda: collector.metrics())
    common = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
              "gen_ai.response.model": "gpt-4o-mini-2026-07-18", "server.address": "127.0.0.1", "server.port": port}  # fmt: skip
    assert set(metrics) == {"gen_ai.client.token.usage", "gen_ai.client.operation.duration"}, "an answer in one piece has no first chunk"
    usage, duration = metrics["gen_ai.client.token.usage"], metrics["gen_ai.client.operation.duration"]
    assert (usage.unit, duration.unit) == ("{token}", "s")
    points = {attributes(point)["gen_ai.token.type"]: point for point in usage.histogram.data_points}
    assert {kind: (point.count, point.sum) for kind, point in points.items()} == {"input": (1, 70), "output": (1, 11)}
    assert attributes(points["input"]) == {**common, "gen_ai.token.type": "input"} and list(points["input"].explicit_bounds) == TOKENS
    (point,) = duration.histogram.data_points
    assert attributes(point) == common and list(point.explicit_bounds) == SECONDS and point.count == 1 and 0 < point.sum < 20
    for resource in collector.resources():
        assert resource["service.name"] == "gate-7" and resource["service.version"] and len(resource["service.instance.id"]) == 32
    assert {sent["authorization"] for sent in collector.headers} == {"Bearer of-the-collector"}
    house.says_nothing()


def test_a_stream(house, upstream, collector):
    house = house()
    events = [{"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]} for word in ("some ", PLANTED, f" {PHONE} ")]
    events += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}, {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}}]
    lines = [f"data: {json.dumps({'object': 'chat.completion.chunk', 'model': 'gpt-4o-mini', **event})}\n\n" for event in events]
    upstream.next_answer(*lines, "data: [DONE]\n\n")
    status, _, body = house.call(asked(stream=True), **headers())
    assert status == 200 and body.endswith("[DONE]\n\n")
    server, (call,) = house.spans()
    about = attributes(call)
    assert about["gen_ai.request.stream"] is True and about["gen_ai.response.finish_reasons"] == ["length"]
    assert (about["gen_ai.usage.input_tokens"], about["gen_ai.usage.output_tokens"]) == (5, 3)
    lasted = (call.end_time_unix_nano - call.start_time_unix_nano) / 1e9
    assert 0 < about["gen_ai.response.time_to_first_chunk"] <= lasted
    name = "gen_ai.client.operation.time_to_first_chunk"
    (point,) = collector.wait(lambda: collector.metrics().get(name)).histogram.data_points
    assert point.count == 1 and list(point.explicit_bounds) == SECONDS
    assert attributes(server)["bartizan.findings.pii.phone"] == 1
    house.says_nothing()


def test_what_is_blocked_is_no_error_and_calls_nobody(house, upstream, collector, tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "one.cedar").write_text(STREAM_BLOCK + """
permit (principal, action, resource);
@id("test.no-mail") forbid (principal, action == Action::"prompt", resource) when { context.labels.contains("pii.email") };""")
    house = house("--policies", tmp_path / "policies")
    status, _, _ = house.call(asked(), **headers())
    server, calls = house.spans()
    about = attributes(server)
    assert (status, calls, upstream.requests()) == (403, [], []) and server.status.code == Status.STATUS_CODE_UNSET
    assert (about["bartizan.decision"], about["bartizan.reason"], about["http.response.status_code"]) == ("blocked", "policy_blocked", 403)
    assert about["bartizan.policy.ids"] == ["test.no-mail"] and "error.type" not in about
    collector.bodies.clear()
    # A stream that is stopped: the call was good, the answer was not.
    upstream.next_answer(f'data: {{"choices":[{{"index":0,"delta":{{"content":"call {PHONE} now"}}}}]}}\n\n', "data: [DONE]\n\n")
    house.call({**asked(stream=True), "messages": []}, **headers())
    server, (call,) = house.spans()
    about = attributes(server)
    assert (about["bartizan.decision"], about["bartizan.end"], about["bartizan.calls"]) == ("blocked", "blocked", 1)
    assert "error.type" not in attributes(call)
    house.says_nothing()


def test_errors_of_the_provider(house, upstream, collector):
    house = house()
    upstream.next_answer(json.dumps({"error": {"message": PLANTED, "type": PLANTED}}), status=429)
    assert house.call(asked(), **headers())[0] == 429
    server, (call,) = house.spans()
    assert attributes(call)["error.type"] == "429" and call.status.code == Status.STATUS_CODE_ERROR and not call.status.message
    assert server.status.code == Status.STATUS_CODE_UNSET, "for the gate it is the client that asks too much"
    collector.bodies.clear()
    upstream.next_answer("this is no JSON " + PLANTED)
    assert house.call(asked(), **headers())[0] == 502
    server, (call,) = house.spans()
    assert attributes(call)["error.type"] == attributes(server)["error.type"] == "upstream_failed"
    assert server.status.code == call.status.code == Status.STATUS_CODE_ERROR
    metrics = collector.wait(lambda: collector.metrics())
    kinds = {attributes(point).get("error.type") for point in metrics["gen_ai.client.operation.duration"].histogram.data_points}
    assert kinds == {"429", "upstream_failed"} and "gen_ai.client.token.usage" not in metrics
    house.says_nothing()


def test_names_that_nobody_configured(house, upstream, collector):
    house = house()
    upstream.next_answer(chat(model=PLANTED))
    house.call(asked(model=PLANTED))
    server, (call,) = house.spans()
    assert call.name == "chat" and not {"gen_ai.request.model", "gen_ai.response.model"} & set(attributes(call))
    assert not server.parent_span_id, "without a parent it is the first span of its trace"
    collector.bodies.clear()
    house.call({}, path=f"/v1/{PLANTED}/{EMAIL}?{PLANTED}")
    server, _ = house.spans()
    assert server.name == "POST" and attributes(server)["http.response.status_code"] == 404
    house.says_nothing()


def test_only_a_share_of_the_traces(house, upstream, collector):
    house = house(more="sample_ratio = 0")
    house.call(asked())
    collector.wait(lambda: "gen_ai.client.operation.duration" in collector.metrics())
    parent = upstream.requests()[-1]["headers"]["traceparent"]
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-02", parent), "not sampled, with a random id"
    house.call(asked(), **headers())
    server, _ = house.spans()
    assert server.trace_id.hex() == TRACE and len(collector.spans()) == 2, "who calls decides for its own trace"


def test_the_standard_variables(tmp_path, upstream, collector, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-the-environment")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.name=not-this-one")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=seven")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    gate = start_gate(tmp_path, "--upstream", upstream.url)
    try:
        request = urllib.request.Request(gate.ready["gate"] + "/v1/chat/completions", data=json.dumps(asked()).encode(), headers={"content-type": "application/json"})
        urllib.request.urlopen(request, timeout=20).close()
    finally:
        # What is left is sent at the end.
        gate.stop()
    assert len(collector.spans()) == 2 and "gen_ai.client.operation.duration" in collector.metrics()
    for resource in collector.resources():
        assert (resource["service.name"], resource["deployment.environment.name"]) == ("from-the-environment", "test")
    assert {sent["x-tenant"] for sent in collector.headers} == {"seven"}


def timed(house, count):
    began = time.monotonic()
    for _ in range(count):
        assert house.call(asked())[0] == 200
    return time.monotonic() - began


@pytest.mark.parametrize("kind", ["dead", "refusing", "hanging"])
def test_a_collector_that_takes_nothing_slows_nobody(kind, tmp_path, upstream):
    collector = Collector({"refusing": 400}.get(kind))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = "http://127.0.0.1:%d" % unused.getsockname()[1]
    house = House(tmp_path, upstream, collector, endpoint=dead if kind == "dead" else None)
    try:
        assert timed(house, 20) < 10, "requests wait for nobody"
        # The hanging one is given up after five seconds.
        until = time.monotonic() + 20
        while not (page := house.page())["bartizan_telemetry_spans_dropped_total"]:
            assert time.monotonic() < until, page
            time.sleep(0.1)
        assert page["bartizan_telemetry_requests_failed_total"] >= 1 and page["bartizan_telemetry_spans_exported_total"] == 0
        assert timed(house, 20) < 10
    finally:
        began = time.monotonic()
        house.gate.stop()
        lasted = time.monotonic() - began
        collector.stop()
    assert house.gate.child.returncode == 0 and lasted < 8, f"the end took {lasted} s"
    assert (tmp_path / "gate.log").read_text().count("telemetry cannot be exported") == 1, "it is said once"


def test_nothing_is_sent_unless_somebody_asks_for_it(tmp_path, upstream, collector):
    gate = start_gate(tmp_path, "--upstream", upstream.url)
    try:
        request = urllib.request.Request(gate.ready["gate"] + "/v1/chat/completions", data=json.dumps(asked()).encode(), headers={"content-type": "application/json", "traceparent": PARENT, "tracestate": "a=1"})
        urllib.request.urlopen(request, timeout=20).close()
        with urllib.request.urlopen(gate.ready["admin"] + "/metrics", timeout=10) as answer:
            assert b"bartizan_telemetry" not in answer.read()
    finally:
        gate.stop()
    sent = upstream.requests()[-1]["headers"]
    assert (sent["traceparent"], sent["tracestate"]) == (PARENT, "a=1") and not collector.bodies
