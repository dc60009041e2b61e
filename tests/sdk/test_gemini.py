"""The Google Gen AI SDK, unmodified, against the gate in front of the scripted provider."""

import asyncio
import json
import urllib.request

import pytest
from conftest import absent, gemini_client
from google.genai import errors, types
from values import ECHO, EMAIL, GEMINI_TOOL, PHONE, USE_TOOL


def asked(upstream):
    return [request["path"].partition("/models/")[2] for request in upstream.requests()]


def test_whole(gemini, upstream, model):
    config = types.GenerateContentConfig(system_instruction=f"Be kind to {EMAIL}.", temperature=0.1)
    answer = gemini.models.generate_content(model=model, contents=ECHO, config=config)
    assert answer.text == f"You said: {ECHO}" and answer.candidates[0].finish_reason == "STOP" and answer.usage_metadata.total_token_count == 21
    assert asked(upstream) == [f"{model}:generateContent"]
    absent(upstream)


def test_streaming(gemini, upstream, model):
    chunks = list(gemini.models.generate_content_stream(model=model, contents=ECHO))
    assert "".join(chunk.text for chunk in chunks) == f"You said: {ECHO}" and len(chunks) > 5
    assert chunks[-1].candidates[0].finish_reason == "STOP" and asked(upstream) == [f"{model}:streamGenerateContent?alt=sse"]
    absent(upstream)


def test_stream_that_is_an_array(gate_url, upstream, model):
    body = json.dumps({"contents": [{"parts": [{"text": ECHO}]}]}).encode()
    request = urllib.request.Request(f"{gate_url}/v1beta/models/{model}:streamGenerateContent", data=body, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["bartizan-decision"] == "remedied"
        elements = json.loads(answer.read())
    parts = [part for element in elements for part in element["candidates"][0]["content"]["parts"]]
    assert "".join(part["text"] for part in parts) == f"You said: {ECHO}" and len(elements) > 5
    absent(upstream)


@pytest.mark.parametrize("stream", [False, True])
def test_tool(gemini, upstream, model, stream):
    config = types.GenerateContentConfig(tools=[types.Tool(**GEMINI_TOOL)], automatic_function_calling={"disable": True})
    ask = {"model": model, "contents": USE_TOOL, "config": config}
    answer = list(gemini.models.generate_content_stream(**ask))[-1] if stream else gemini.models.generate_content(**ask)
    assert [(call.name, call.args) for call in answer.function_calls] == [("send_note", {"text": USE_TOOL})]
    absent(upstream)


def test_automatic_function_calling(gemini, upstream, model):
    """The SDK runs the function with the caller's own values and sends its result back."""
    seen = []

    def send_note(text: str) -> str:
        """Sends a note."""
        seen.append(text)
        return f"Sent to {EMAIL}."

    upstream.next_answer(json.dumps({"candidates": [{"content": {"role": "model", "parts": [{"functionCall": {"name": "send_note", "args": {"text": "x"}}}]}}]}))
    answer = gemini.models.generate_content(model=model, contents=ECHO, config=types.GenerateContentConfig(tools=[send_note]))
    assert seen == ["x"] and "functionResponse" in upstream.requests()[-1]["body"] and answer.candidates
    absent(upstream)


def test_chat(gemini, upstream, model):
    chat = gemini.chats.create(model=model)
    assert chat.send_message(ECHO).text == f"You said: {ECHO}"
    assert "".join(chunk.text for chunk in chat.send_message_stream(f"And {EMAIL}?")) == f"You said: And {EMAIL}?"
    first, second = (json.loads(request["body"])["contents"] for request in upstream.requests())
    assert second[0] == first[0], "the same words for the same values"
    absent(upstream)


def test_thoughts(gemini, upstream, model):
    def event(*parts, **more):
        return "data: " + json.dumps({"candidates": [{"content": {"role": "model", "parts": list(parts)}, **more}]}) + "\r\n\r\n"

    upstream.next_answer(
        event({"text": f"They are {EMAIL[:9]}", "thought": True}),
        event({"text": f"{EMAIL[9:]}. ", "thought": True}, {"text": "Write to ", "thoughtSignature": "c2VhbGVk"}),
        event({"text": f"me@{EMAIL.split('@')[1]}. "}, finishReason="STOP"),
    )
    parts = [part for chunk in gemini.models.generate_content_stream(model=model, contents="Who?") for part in chunk.candidates[0].content.parts]
    said = {thought: "".join(part.text for part in parts if bool(part.thought) == thought) for thought in (True, False)}
    assert said == {True: "They are [REDACTED_EMAIL]. ", False: "Write to [REDACTED_EMAIL]. "}
    assert [part.thought_signature for part in parts if part.thought_signature] == [b"sealed"]


def test_count_tokens(gemini, upstream, model):
    assert gemini.models.count_tokens(model=model, contents=ECHO).total_tokens > 0
    assert asked(upstream) == [f"{model}:countTokens"]
    absent(upstream)


def test_embed(gemini, upstream, model):
    config = types.EmbedContentConfig(task_type="RETRIEVAL_QUERY")
    found = gemini.models.embed_content(model=model, contents=[ECHO, f"To {EMAIL}"], config=config)
    assert all(len(one.values) == 3 for one in found.embeddings) and found.embeddings
    assert all("mbedContent" in path for path in asked(upstream))
    absent(upstream)


def test_async(gate_url, upstream, model):
    async def run():
        client = gemini_client(gate_url).aio
        whole = await client.models.generate_content(model=model, contents=ECHO)
        pieces = [chunk.text async for chunk in await client.models.generate_content_stream(model=model, contents=ECHO)]
        return whole.text, "".join(pieces)

    assert asyncio.run(run()) == (f"You said: {ECHO}",) * 2
    absent(upstream)


def test_models_and_sample_model(sample_gate_url):
    client = gemini_client(sample_gate_url)
    assert client.models.generate_content(model="sample", contents="Hello there.").text == "You said: Hello there."
    assert "".join(chunk.text for chunk in client.models.generate_content_stream(model="sample", contents="Hello there.")) == "You said: Hello there."
    assert client.models.count_tokens(model="sample", contents="Hello").total_tokens > 0
    assert client.models.embed_content(model="sample", contents="Hello").embeddings[0].values
    assert [entry.name for entry in client.models.list()] == [], "the sample model takes any name, so there is none to list"


def test_policy_block(gemini, upstream, model):
    pdf = types.Part.from_bytes(data=b"%PDF-1.4\n", mime_type="application/pdf")
    with pytest.raises(errors.ClientError) as caught:
        gemini.models.generate_content(model=model, contents=[pdf, "Read this."])
    assert (caught.value.code, caught.value.status) == (403, "PERMISSION_DENIED") and len(caught.value.message) > 20
    assert upstream.requests() == [], "a refused request reached the provider"


def test_errors(gemini, upstream, model):
    with pytest.raises(errors.ClientError) as caught:
        gemini.models.generate_content(model=model, contents="Hello.", config=types.GenerateContentConfig(cached_content="cachedContents/a"))
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND") and "cachedContent" in caught.value.message
    with pytest.raises(errors.ClientError) as caught:
        gemini.caches.get(name="cachedContents/a")
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    assert upstream.requests() == []
    upstream.next_answer(json.dumps({"error": {"code": 429, "message": f"no quota for {EMAIL}", "status": "RESOURCE_EXHAUSTED"}}), status=429)
    with pytest.raises(errors.ClientError) as caught:
        gemini.models.generate_content(model=model, contents="Hello.")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED") and EMAIL not in caught.value.message


def test_stream_block(strict_gate_url, upstream, model):
    def event(text):
        return "data: " + json.dumps({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]}) + "\r\n\r\n"

    upstream.next_answer(event("The harbour is open. "), event(f"Call {PHONE[:6]}"), event(f"{PHONE[6:]} "), event("for more. "))
    seen = ""
    with pytest.raises(errors.ClientError) as caught:
        client = gemini_client(strict_gate_url)
        for chunk in client.models.generate_content_stream(model=model, contents="Tell me."):
            seen += chunk.text
    assert caught.value.code == 403 and "phone" in caught.value.message and seen.startswith("The harbour") and PHONE[:6] not in seen
