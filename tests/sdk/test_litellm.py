"""LiteLLM as a client library, unmodified: OpenAI's, Anthropic's and Gemini's formats, against the gate in front of the scripted provider."""

import asyncio
import json

import litellm
import pydantic
import pytest
from conftest import absent, pseudonym
from values import CARD, ECHO, EMAIL, OPENAI_TOOL, PHONE, SECRET, USE_TOOL

OTHER = "other.person@example.org"
# Name of the provider, and what stands after the address of the gate.
FORMATS = {"openai": "/v1", "anthropic": "", "gemini": "/v1beta"}


class Note(pydantic.BaseModel):
    text: str


@pytest.fixture(params=FORMATS)
def provider(request):
    return request.param


@pytest.fixture
def ask(provider, gate_url, model):
    """The arguments of a call that asks this text."""
    # LiteLLM gives tools and system texts to the models of Google's that it knows to take them.
    model = "gemini-2.5-flash" if provider == "gemini" else model

    def build(text, **more):
        messages = text if isinstance(text, list) else [{"role": "user", "content": text}]
        return {"model": f"{provider}/{model}", "api_base": gate_url + FORMATS[provider], "api_key": "not-a-key", "num_retries": 0, "max_tokens": 100, "messages": messages, **more}

    return build


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_whole(ask, upstream):
    answer = litellm.completion(**ask([{"role": "system", "content": f"You write for {EMAIL}."}, {"role": "user", "content": ECHO}]))
    assert answer.choices[0].message.content == f"You said: {ECHO}"
    assert answer.choices[0].finish_reason == "stop" and answer.usage.total_tokens > 0
    absent(upstream)


def test_streaming(ask, upstream):
    chunks = list(litellm.completion(**ask(ECHO, stream=True, stream_options={"include_usage": True})))
    assert text_of(chunks) == f"You said: {ECHO}" and len(chunks) > 3
    absent(upstream)


def test_secret_is_not_restored(ask, upstream):
    assert SECRET not in litellm.completion(**ask(f"The token is {SECRET} for now.")).choices[0].message.content
    absent(upstream)


def test_tool_call(ask, upstream):
    (call,) = litellm.completion(**ask(USE_TOOL, tools=[OPENAI_TOOL])).choices[0].message.tool_calls
    assert call.function.name == "send_note" and json.loads(call.function.arguments) == {"text": USE_TOOL}
    absent(upstream)


def test_tool_call_streamed(ask, upstream):
    chunks = list(litellm.completion(**ask(USE_TOOL, tools=[OPENAI_TOOL], stream=True)))
    (call,) = litellm.stream_chunk_builder(chunks).choices[0].message.tool_calls
    assert call.function.name == "send_note" and json.loads(call.function.arguments) == {"text": USE_TOOL}
    absent(upstream)


def test_tool_result_goes_back(ask, upstream):
    asked = {"role": "user", "content": USE_TOOL}
    message = litellm.completion(**ask([asked], tools=[OPENAI_TOOL])).choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "name": "send_note", "content": f"Sent to {EMAIL}."}
    upstream.forget()
    again = [asked, message.model_dump(exclude_none=True), result, {"role": "user", "content": f"Repeat {EMAIL}."}]
    answer = litellm.completion(**ask(again, tools=[OPENAI_TOOL]))
    assert EMAIL in answer.choices[0].message.content and "EMAIL_" not in answer.choices[0].message.content
    absent(upstream)


def test_async(ask, upstream):
    async def run():
        whole = await litellm.acompletion(**ask(ECHO))
        chunks = [chunk async for chunk in await litellm.acompletion(**ask(ECHO, stream=True))]
        return whole.choices[0].message.content, text_of(chunks)

    assert asyncio.run(run()) == (f"You said: {ECHO}",) * 2
    absent(upstream)


def test_structured_output(gate_url, upstream, model):
    ask = {"model": f"openai/{model}", "api_base": gate_url + "/v1", "api_key": "not-a-key", "messages": [{"role": "user", "content": ECHO}]}
    litellm.completion(**ask)
    text = json.dumps({"text": f"For {pseudonym(upstream, 'EMAIL')}."})
    answer = {"id": "c", "object": "chat.completion", "created": 1, "model": model, "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
    upstream.next_answer(json.dumps(answer))
    answer = litellm.completion(**ask, response_format=Note)
    assert Note.model_validate_json(answer.choices[0].message.content) == Note(text=f"For {EMAIL}.")
    assert json.loads(upstream.requests()[-1]["body"])["response_format"]["type"] == "json_schema"
    absent(upstream)


def test_responses(gate_url, upstream, model):
    ask = {"model": f"openai/{model}", "api_base": gate_url + "/v1", "api_key": "not-a-key", "input": ECHO}
    answer = litellm.responses(**ask)
    assert answer.output[0].content[0].text == f"You said: {ECHO}"
    deltas = "".join(one.delta for one in litellm.responses(**ask, stream=True) if one.type == "response.output_text.delta")
    assert deltas == f"You said: {ECHO}"
    absent(upstream)


def test_embedding(gate_url, upstream, model):
    upstream.next_answer(json.dumps({"object": "list", "model": model, "data": [{"object": "embedding", "index": 0, "embedding": [0.25]}], "usage": {"prompt_tokens": 1, "total_tokens": 1}}))
    found = litellm.embedding(model=f"openai/{model}", api_base=gate_url + "/v1", api_key="not-a-key", input=[f"To {EMAIL}"])
    assert found.data[0]["embedding"] == [0.25]
    absent(upstream)


def test_file(ask, upstream):
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": f"Read this, {EMAIL}."}, file]}]
    # LiteLLM has another class for each provider's 403.
    with pytest.raises((litellm.APIError, litellm.PermissionDeniedError, litellm.BadRequestError)) as caught:
        litellm.completion(**ask(messages))
    assert caught.value.status_code == 403 and "uninspected.block" in str(caught.value)
    assert upstream.requests() == [], "a refused request reached the provider"


def event(text, reason=None):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
    return f"data: {json.dumps({'id': 'c', 'object': 'chat.completion.chunk', 'created': 1, 'model': 'm', 'choices': [choice]})}\n\n"


def stream(url, model):
    return litellm.completion(model=f"openai/{model}", api_base=url + "/v1", api_key="not-a-key", num_retries=0, messages=[{"role": "user", "content": "Tell me."}], stream=True)


def test_model_introduced_value_is_redacted(gate_url, upstream, model):
    upstream.next_answer(event("Write to "), event(OTHER[:9]), event(OTHER[9:]), event("."), event("", "stop"), "data: [DONE]\n\n")
    assert text_of(stream(gate_url, model)) == "Write to [REDACTED_EMAIL]."


def test_stream_block(strict_gate_url, upstream, model):
    upstream.next_answer(event("The harbour is open. "), event(f"Call {PHONE[:6]}"), event(f"{PHONE[6:]} "), event("for more. "), event("", "stop"), "data: [DONE]\n\n")
    seen = ""
    with pytest.raises(litellm.exceptions.MidStreamFallbackError) as caught:
        for chunk in stream(strict_gate_url, model):
            seen += chunk.choices[0].delta.content or ""
    assert "phone" in str(caught.value) and PHONE[:6] not in seen


def test_error_of_the_provider(ask, upstream):
    upstream.next_answer(json.dumps({"error": {"type": "rate_limit_error", "code": 429, "status": "RESOURCE_EXHAUSTED", "message": f"no quota for {OTHER}"}}), status=429)
    with pytest.raises(litellm.RateLimitError) as caught:
        litellm.completion(**ask(f"Card {CARD}."))
    assert OTHER not in str(caught.value) and "no quota" in str(caught.value)
    absent(upstream)
