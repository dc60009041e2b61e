"""The Anthropic SDK, unmodified, against the gate in front of the scripted provider."""

import asyncio
import json

import anthropic
import pytest
from conftest import absent, anthropic_client
from values import ANTHROPIC_TOOL, ECHO, EMAIL, PHONE, USE_TOOL


def ask(text, model, **more):
    return {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": text}], **more}


def test_whole(claude, upstream, model):
    answer = claude.messages.create(**ask(ECHO, model, system="Be kind."))
    assert answer.content[0].text == f"You said: {ECHO}" and answer.stop_reason == "end_turn"
    absent(upstream)


def test_streaming(claude, upstream, model):
    with claude.messages.stream(**ask(ECHO, model)) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == f"You said: {ECHO}" == final.content[0].text and final.stop_reason == "end_turn"
    absent(upstream)


def test_raw_events(claude, upstream, model):
    events = [event.type for event in claude.messages.create(**ask("Hello.", model, stream=True))]
    assert events[0] == "message_start" and events[-1] == "message_stop" and "content_block_delta" in events


def test_tool_use(claude, upstream, model):
    answer = claude.messages.create(**ask(USE_TOOL, model, tools=[ANTHROPIC_TOOL]))
    block = next(block for block in answer.content if block.type == "tool_use")
    assert answer.stop_reason == "tool_use" and (block.name, block.input) == ("send_note", {"text": USE_TOOL})
    absent(upstream)


def test_tool_use_streamed(claude, upstream, model):
    with claude.messages.stream(**ask(USE_TOOL, model, tools=[ANTHROPIC_TOOL])) as stream:
        final = stream.get_final_message()
    block = next(block for block in final.content if block.type == "tool_use")
    assert (block.name, block.input) == ("send_note", {"text": USE_TOOL})
    absent(upstream)


def test_blocks_and_tool_results(claude, upstream, model):
    messages = [
        {"role": "user", "content": [{"type": "text", "text": f"Write to {EMAIL}."}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "send_note", "input": {"text": f"To {EMAIL}"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": f"Sent to {EMAIL}."}, {"type": "text", "text": "Thanks."}]},
    ]
    answer = claude.messages.create(model=model, max_tokens=100, messages=messages, tools=[ANTHROPIC_TOOL])
    assert answer.content[0].text == "You said: Thanks."
    absent(upstream)


def test_count_tokens(claude, upstream, model):
    assert claude.messages.count_tokens(model=model, messages=[{"role": "user", "content": ECHO}]).input_tokens > 0
    assert upstream.requests()[0]["path"].endswith("/messages/count_tokens")
    absent(upstream)


def test_async(gate_url, upstream, model):
    async def run():
        async with anthropic.AsyncAnthropic(base_url=gate_url, api_key="not-a-key") as client:
            whole = await client.messages.create(**ask(ECHO, model))
            async with client.messages.stream(**ask(ECHO, model)) as stream:
                return whole.content[0].text, await stream.get_final_text()

    assert asyncio.run(run()) == (f"You said: {ECHO}",) * 2
    absent(upstream)


def test_models(sample_gate_url):
    assert [entry.id for entry in anthropic_client(sample_gate_url).models.list()], "at least the sample model"


def test_sample_model(sample_gate_url):
    client = anthropic_client(sample_gate_url)
    sample = next(iter(client.models.list())).id
    assert "You said: " in client.messages.create(**ask("Hello there.", sample)).content[0].text
    with client.messages.stream(**ask("Hello there.", sample)) as stream:
        assert "You said: " in stream.get_final_text()


def test_policy_block(claude, upstream, model):
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"}
    with pytest.raises(anthropic.PermissionDeniedError) as caught:
        claude.messages.create(**ask([{"type": "document", "source": source}, {"type": "text", "text": "Read this."}], model))
    body = caught.value.body
    assert body["type"] == "error" and body["error"]["type"] == "permission_error" and len(body["error"]["message"]) > 20
    assert body["request_id"] == caught.value.response.headers["bartizan-request-id"]
    assert upstream.requests() == [], "a refused request reached the provider"


def test_stream_block(strict_gate_url, upstream, model):
    def event(body):
        return f"event: {body['type']}\ndata: {json.dumps(body)}\n\n"

    def delta(text):
        return event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})

    message = {"id": "m", "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    upstream.next_answer(
        event({"type": "message_start", "message": message}),
        event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        delta("The harbour is open. "), delta(f"Call {PHONE[:6]}"), delta(f"{PHONE[6:]} "), delta("for more. "),
        event({"type": "content_block_stop", "index": 0}),
        event({"type": "message_stop"}),
    )  # fmt: skip
    seen = ""
    with pytest.raises(anthropic.APIError) as caught, anthropic_client(strict_gate_url).messages.stream(**ask("Tell me.", model)) as stream:
        for text in stream.text_stream:
            seen += text
    assert "phone" in str(caught.value) and PHONE[:6] not in seen


def test_unknown_route(gate_url):
    with pytest.raises(anthropic.NotFoundError):
        anthropic_client(gate_url).post("/v1/messages/no/such/route", cast_to=object, body={})
