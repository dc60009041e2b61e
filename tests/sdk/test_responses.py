"""OpenAI's Responses API by the SDK, unmodified, against the gate in front of the scripted provider."""

import json

import openai
import pydantic
import pytest
from conftest import absent, openai_client
from values import ECHO, EMAIL, PHONE, USE_TOOL

TOOL = {
    "type": "function",
    "name": "send_note",
    "description": "Sends a note.",
    "strict": True,
    "parameters": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": False},
}
OTHER = "other.person@example.org"


class Note(pydantic.BaseModel):
    text: str


def event(number, kind, **members):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': number, **members})}\n\n"


def response(status, output):
    return {"id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m", "output": output, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "temperature": 1.0, "top_p": 1.0}


def scripted(*parts):
    """A stream of one message with its text in these parts, to its end."""
    text = "".join(parts)
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    told = [("response.created", {"response": response("in_progress", [])})]
    told.append(("response.output_item.added", {"output_index": 0, "item": {**item, "content": []}}))
    told.append(("response.content_part.added", {**place, "part": {**part, "text": ""}}))
    told += [("response.output_text.delta", {**place, "delta": delta, "logprobs": []}) for delta in parts]
    told.append(("response.output_text.done", {**place, "text": text, "logprobs": []}))
    told.append(("response.content_part.done", {**place, "part": part}))
    told.append(("response.output_item.done", {"output_index": 0, "item": item}))
    told.append(("response.completed", {"response": response("completed", [item])}))
    return [event(number, kind, **members) for number, (kind, members) in enumerate(told)]


def test_whole(chat, upstream, model):
    answer = chat.responses.create(model=model, input=ECHO, store=False)
    assert answer.output_text == f"You said: {ECHO}"
    assert answer.status == "completed" and answer.usage.total_tokens > 0
    absent(upstream)


def test_streaming(chat, upstream, model):
    deltas, done, completed = "", [], None
    for one in chat.responses.create(model=model, input=ECHO, stream=True):
        if one.type == "response.output_text.delta":
            deltas += one.delta
            assert one.logprobs == []
        elif one.type == "response.output_text.done":
            done.append(one.text)
        elif one.type == "response.content_part.done":
            done.append(one.part.text)
        elif one.type == "response.output_item.done":
            done.append(one.item.content[0].text)
        elif one.type == "response.completed":
            completed = one.response.output_text
    assert deltas == completed == f"You said: {ECHO}" and done == [deltas] * 3
    absent(upstream)


def test_stream_helper(chat, upstream, model):
    with chat.responses.stream(model=model, input=ECHO) as stream:
        deltas = "".join(one.delta for one in stream if one.type == "response.output_text.delta")
        assert deltas == stream.get_final_response().output_text == f"You said: {ECHO}"
    absent(upstream)


def test_tool_call(chat, upstream, model):
    answer = chat.responses.create(model=model, input=USE_TOOL, tools=[TOOL])
    (call,) = answer.output
    assert call.type == "function_call" and call.name == "send_note" and json.loads(call.arguments) == {"text": USE_TOOL}
    absent(upstream)


def test_tool_call_streamed(chat, upstream, model):
    deltas, done = "", []
    for one in chat.responses.create(model=model, input=USE_TOOL, tools=[TOOL], stream=True):
        if one.type == "response.function_call_arguments.delta":
            deltas += one.delta
        elif one.type == "response.function_call_arguments.done":
            done.append(one.arguments)
        elif one.type == "response.output_item.done":
            done.append(one.item.arguments)
        elif one.type == "response.completed":
            done.append(one.response.output[0].arguments)
    assert json.loads(deltas) == {"text": USE_TOOL} and done == [deltas] * 3
    absent(upstream)


def test_tool_result_goes_back(chat, upstream, model):
    items = [
        {"role": "developer", "content": f"You write for {EMAIL}."},
        {"role": "user", "content": "Whom do I write to?"},
        {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": f"Her address is {EMAIL}."},
        {"role": "user", "content": [{"type": "input_text", "text": f"Repeat {EMAIL}."}]},
    ]
    answer = chat.responses.create(model=model, input=items, instructions=f"You know {EMAIL}.", metadata={"owner": EMAIL})
    assert answer.output_text == f"You said: Repeat {EMAIL}."
    absent(upstream)


def test_parse(chat, upstream, model):
    text = json.dumps({"text": "fine"})
    upstream.next_answer(json.dumps(response("completed", [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]}])))
    answer = chat.responses.parse(model=model, input=ECHO, text_format=Note)
    assert answer.output_parsed == Note(text="fine")
    absent(upstream)


def test_model_introduced_value_is_redacted(chat, upstream, model):
    upstream.next_answer(*scripted("Write to ", OTHER[:9], OTHER[9:], "."))
    seen = "".join(one.model_dump_json() for one in chat.responses.create(model=model, input="Who?", stream=True))
    assert OTHER not in seen and OTHER[9:] not in seen and "[REDACTED_EMAIL]" in seen and "response.completed" in seen


def test_stream_block(strict_gate_url, upstream, model):
    upstream.next_answer(*scripted("The harbour is open. ", f"Call {PHONE[:6]}", f"{PHONE[6:]} ", "for more. "))
    seen = ""
    with pytest.raises(openai.APIError) as caught:
        for one in openai_client(strict_gate_url).responses.create(model=model, input="Tell me.", stream=True):
            assert one.type != "response.completed"
            seen += one.model_dump_json()
    assert caught.type is openai.APIError and "phone" in str(caught.value)
    assert PHONE[:6] not in seen


def test_what_the_provider_keeps_is_refused(chat, upstream, model):
    client = chat.with_options(max_retries=0)
    for members, error in (({"conversation": "conv_1"}, openai.NotFoundError), ({"background": True}, openai.BadRequestError)):
        with pytest.raises(error) as caught:
            client.responses.create(model=model, input="Go on.", **members)
        assert next(iter(members)) in str(caught.value)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_nobody_made")
    assert upstream.requests() == []


def test_sample_model(sample_gate_url):
    client = openai_client(sample_gate_url)
    sample = next(iter(client.models.list())).id
    assert client.responses.create(model=sample, input=ECHO).output_text == f"You said: {ECHO}"
    with client.responses.stream(model=sample, input=ECHO) as stream:
        stream.until_done()
        assert stream.get_final_response().output_text == f"You said: {ECHO}"
    (call,) = client.responses.create(model=sample, input=USE_TOOL, tools=[TOOL]).output
    assert json.loads(call.arguments) == {"text": USE_TOOL}
