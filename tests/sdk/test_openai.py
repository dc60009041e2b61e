"""The OpenAI SDK, unmodified, against the gate in front of the scripted provider."""

import asyncio
import base64
import json

import openai
import pytest
from conftest import absent, openai_client
from values import ECHO, EMAIL, OPENAI_TOOL, PHONE, SECRET, USE_TOOL


def ask(text, model, **more):
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def text_of(stream):
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_whole(chat, upstream, model):
    answer = chat.chat.completions.create(**ask(ECHO, model))
    assert answer.choices[0].message.content == f"You said: {ECHO}"
    assert answer.choices[0].finish_reason == "stop" and answer.usage.total_tokens > 0
    absent(upstream)


def test_headers(chat, upstream, model):
    raw = chat.chat.completions.with_raw_response.create(**ask(ECHO, model))
    assert raw.headers["bartizan-decision"] == "remedied" and raw.headers["bartizan-request-id"]
    raw = chat.chat.completions.with_raw_response.create(**ask("Nothing special.", model))
    assert raw.headers["bartizan-decision"] == "permit"


def test_streaming(chat, upstream, model):
    stream = chat.chat.completions.create(**ask(ECHO, model, stream=True, stream_options={"include_usage": True}))
    assert text_of(stream) == f"You said: {ECHO}"
    absent(upstream)


def test_secret_never_leaves_and_is_not_restored(chat, upstream, model):
    answer = chat.chat.completions.create(**ask(f"The token is {SECRET} for now.", model))
    assert SECRET not in answer.choices[0].message.content
    absent(upstream)


def test_tool_call(chat, upstream, model):
    answer = chat.chat.completions.create(**ask(USE_TOOL, model, tools=[OPENAI_TOOL]))
    call = answer.choices[0].message.tool_calls[0]
    assert answer.choices[0].finish_reason == "tool_calls" and call.function.name == "send_note"
    assert json.loads(call.function.arguments) == {"text": USE_TOOL}
    absent(upstream)


def test_tool_call_streamed(chat, upstream, model):
    arguments, names = "", []
    for chunk in chat.chat.completions.create(**ask(USE_TOOL, model, tools=[OPENAI_TOOL], stream=True)):
        for choice in chunk.choices:
            for call in choice.delta.tool_calls or []:
                names += [call.function.name] if call.function.name else []
                arguments += call.function.arguments or ""
    assert names == ["send_note"] and json.loads(arguments) == {"text": USE_TOOL}
    absent(upstream)


def test_tool_result_goes_back(chat, upstream, model):
    messages = [
        {"role": "user", "content": "Whom do I write to?"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": f"Her address is {EMAIL}."},
        {"role": "user", "content": f"Repeat {EMAIL}."},
    ]
    answer = chat.chat.completions.create(model=model, messages=messages)
    assert answer.choices[0].message.content == f"You said: Repeat {EMAIL}."
    absent(upstream)


def test_history_is_byte_stable(chat, upstream, model):
    first = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": ECHO}]
    later = [*first, {"role": "assistant", "content": "Done."}, {"role": "user", "content": "And now?"}]
    for messages in (first, later):
        chat.chat.completions.create(model=model, messages=messages)
    one, two = (json.loads(request["body"])["messages"] for request in upstream.requests())
    assert two[: len(one)] == one, "the prefix of a conversation must stay the same, or provider caches miss"


def test_async(gate_url, upstream, model):
    async def run():
        async with openai.AsyncOpenAI(base_url=gate_url + "/v1", api_key="not-a-key") as client:
            whole = client.chat.completions.create(**ask(ECHO, model))
            stream = await client.chat.completions.create(**ask(ECHO, model, stream=True))
            parts = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
            return (await whole).choices[0].message.content, "".join(parts)

    assert asyncio.run(run()) == (f"You said: {ECHO}",) * 2
    absent(upstream)


def test_models(sample_gate_url):
    assert [entry.id for entry in openai_client(sample_gate_url).models.list()], "at least the sample model"


def test_sample_model(sample_gate_url):
    client = openai_client(sample_gate_url)
    sample = next(iter(client.models.list())).id
    assert "You said: " in client.chat.completions.create(**ask("Hello there.", sample)).choices[0].message.content
    assert "You said: " in text_of(client.chat.completions.create(**ask("Hello there.", sample, stream=True)))
    answer = client.chat.completions.create(**ask("Please use the tool.", sample, tools=[OPENAI_TOOL]))
    json.loads(answer.choices[0].message.tool_calls[0].function.arguments)


def test_a_file_goes_on_as_its_text(chat, upstream, model):
    page = base64.b64encode(f"<!doctype html><p>Her address is {EMAIL}.</p>".encode()).decode()
    file = {"type": "file", "file": {"filename": "a.html", "file_data": f"data:text/html;base64,{page}"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "Read this."}, file]}]
    answer = chat.chat.completions.create(model=model, messages=messages)
    (request,) = upstream.requests()
    assert "Her address is EMAIL_" in request["body"] and EMAIL not in request["body"] and page not in request["body"]
    assert f"Her address is {EMAIL}." in answer.choices[0].message.content


def test_policy_block(chat, upstream, model):
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "Read this."}, file]}]
    with pytest.raises(openai.PermissionDeniedError) as caught:
        chat.chat.completions.create(model=model, messages=messages)
    assert caught.value.code == "policy_blocked" and len(caught.value.body["message"]) > 20
    assert caught.value.response.headers["bartizan-decision"] == "blocked"
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert upstream.requests() == [], "a refused request reached the provider"


def test_stream_block(strict_gate_url, upstream, model):
    def event(text):
        delta = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
        return f"data: {json.dumps(delta)}\n\n"

    upstream.next_answer(event("The harbour is open. "), event(f"Call {PHONE[:6]}"), event(f"{PHONE[6:]} "), event("for more. "), "data: [DONE]\n\n")
    seen = ""
    with pytest.raises(openai.APIError) as caught:
        for chunk in openai_client(strict_gate_url).chat.completions.create(**ask("Tell me.", model, stream=True)):
            seen += chunk.choices[0].delta.content or ""
    assert caught.type is openai.APIError and "phone" in str(caught.value)
    assert PHONE not in seen and PHONE[:6] not in seen


def test_model_introduced_value_is_redacted(chat, upstream, model):
    answer = {"id": "c", "object": "chat.completion", "created": 1, "model": model, "choices": [{"index": 0, "message": {"role": "assistant", "content": "Write to other.person@example.org."}, "finish_reason": "stop"}]}
    upstream.next_answer(json.dumps(answer))
    assert "other.person@example.org" not in chat.chat.completions.create(**ask("Who?", model)).choices[0].message.content


def logprobs_of(*tokens):
    entries = [{"token": token, "logprob": -0.5, "bytes": list(token.encode()), "top_logprobs": [{"token": "x", "logprob": -2, "bytes": [120]}]} for token in tokens]
    return {"content": entries, "refusal": None}


def told(entries):
    """Tokens and probabilities, each with the bytes of its token and no alternatives."""
    assert all(bytes(entry.bytes).decode() == entry.token and entry.top_logprobs == [] for entry in entries)
    return [(entry.token, entry.logprob) for entry in entries]


def test_logprobs(chat, upstream, model):
    tokens = ["Write", " to other", ".person@", "example.org", ".", " Bye"]
    choice = {"index": 0, "message": {"role": "assistant", "content": "".join(tokens)}, "logprobs": logprobs_of(*tokens), "finish_reason": "stop"}
    upstream.next_answer(json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}))
    answer = chat.chat.completions.create(**ask("Who?", model, logprobs=True)).choices[0]
    found = told(answer.logprobs.content)
    assert "".join(token for token, _ in found) == answer.message.content and "person" not in answer.message.content
    assert found[0] == ("Write", -0.5) and found[1][1] == 0.0 and found[-1] == (" Bye", -0.5)


def test_logprobs_streamed(chat, upstream, model):
    def event(*tokens):
        choice = {"index": 0, "delta": {"content": "".join(tokens)}, "logprobs": logprobs_of(*tokens), "finish_reason": None}
        return f"data: {json.dumps({'id': 'c', 'object': 'chat.completion.chunk', 'created': 1, 'model': model, 'choices': [choice]})}\n\n"

    upstream.next_answer(event("Write"), event(" to other"), event(".person@", "example.org"), event("."), event(" Bye"), "data: [DONE]\n\n")
    seen, found = "", []
    for chunk in chat.chat.completions.create(**ask("Who?", model, logprobs=True, stream=True)):
        seen += chunk.choices[0].delta.content or ""
        found += told(chunk.choices[0].logprobs.content)
    assert "".join(token for token, _ in found) == seen and "person" not in seen and "example" not in seen
    assert found[0] == ("Write", -0.5) and (" Bye", -0.5) in found


def test_alternatives_are_refused(chat, model):
    with pytest.raises(openai.BadRequestError, match="top_logprobs"):
        chat.chat.completions.create(**ask("Who?", model, logprobs=True, top_logprobs=2))


def test_upstream_dies_in_the_middle(gate_url, upstream, model):
    delta = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [{"index": 0, "delta": {"content": "Half"}, "finish_reason": None}]}
    upstream.next_answer(f"data: {json.dumps(delta)}\n\n", f"data: {json.dumps(delta)}\n\n", dies=True)
    with pytest.raises(Exception) as caught:
        text_of(openai_client(gate_url, max_retries=0).chat.completions.create(**ask("Go on.", model, stream=True)))
    # The SDK or the HTTP library below it says that the connection broke; what matters is that the cut is not taken for an end.
    assert "closed" in str(caught.value).lower() or "connection" in str(caught.value).lower() or "read" in str(caught.value).lower()


def test_unknown_route(gate_url):
    with pytest.raises(openai.NotFoundError):
        openai_client(gate_url).post("/no/such/route", cast_to=object, body={})


def test_bad_request(chat, upstream, model):
    with pytest.raises(openai.BadRequestError):
        chat.with_options(max_retries=0).post("/chat/completions", cast_to=object, content=b'{"model":"a","model":"b","messages":[]}', options={"headers": {"content-type": "application/json"}})
    assert upstream.requests() == []
