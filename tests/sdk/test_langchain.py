"""LangChain's OpenAI and Anthropic models, unmodified, against the gate in front of the scripted provider."""

import asyncio
import base64
import json

import anthropic
import openai
import pydantic
import pytest
from conftest import absent, pseudonym
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from values import CARD, ECHO, EMAIL, PHONE, SECRET, USE_TOOL

OTHER = "other.person@example.org"


class Note(pydantic.BaseModel):
    """Sends a note."""

    text: str


@tool
def send_note(text: str) -> str:
    """Sends a note."""
    return f"Sent: {text}"


def openai_model(url, model, **more):
    return ChatOpenAI(base_url=url + "/v1", api_key="not-a-key", model=model, max_retries=0, **more)


def anthropic_model(url, model, **more):
    return ChatAnthropic(base_url=url, api_key="not-a-key", model=model, max_tokens=100, max_retries=0, **more)


def responses_model(url, model, **more):
    return openai_model(url, model, use_responses_api=True, **more)


MAKERS = {"chat": openai_model, "responses": responses_model, "messages": anthropic_model}


@pytest.fixture(params=MAKERS)
def llm(request, gate_url, model):
    return MAKERS[request.param](gate_url, model)


def test_whole(llm, upstream):
    answer = llm.invoke([SystemMessage(f"You write for {EMAIL}."), HumanMessage(ECHO)])
    assert answer.text == f"You said: {ECHO}" and answer.usage_metadata["total_tokens"] > 0
    absent(upstream)


def test_streaming(llm, upstream):
    chunks = list(llm.stream(ECHO))
    assert "".join(chunk.text for chunk in chunks) == f"You said: {ECHO}" and len(chunks) > 3
    absent(upstream)


def test_secret_is_not_restored(llm, upstream):
    assert SECRET not in llm.invoke(f"The token is {SECRET} for now.").text
    absent(upstream)


def test_tool_call(llm, upstream):
    answer = llm.bind_tools([send_note]).invoke(USE_TOOL)
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("send_note", {"text": USE_TOOL})]
    absent(upstream)


def test_tool_call_streamed(llm, upstream):
    whole = None
    for chunk in llm.bind_tools([send_note]).stream(USE_TOOL):
        whole = chunk if whole is None else whole + chunk
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [("send_note", {"text": USE_TOOL})]
    absent(upstream)


def test_tool_result_goes_back(llm, upstream):
    """A turn of an agent: the model calls, the tool runs with the caller's own value, its result goes back."""
    asked = HumanMessage(USE_TOOL)
    call = llm.bind_tools([send_note]).invoke([asked])
    result = send_note.invoke(call.tool_calls[0])
    assert isinstance(result, ToolMessage) and result.content == f"Sent: {USE_TOOL}"
    upstream.forget()
    answer = llm.invoke([asked, call, result, HumanMessage(f"Repeat {EMAIL}.")])
    assert answer.text == f"You said: Repeat {EMAIL}."
    absent(upstream)


def test_history_is_byte_stable(llm, upstream):
    first = [HumanMessage(ECHO)]
    llm.invoke(first)
    llm.invoke([*first, AIMessage("Done."), HumanMessage("And now?")])
    one, two = (json.loads(request["body"]) for request in upstream.requests())
    member = "input" if "input" in one else "messages"
    assert two[member][:1] == one[member], "the prefix of a conversation must stay the same, or provider caches miss"


def test_structured_output_by_a_function(llm, upstream):
    method = {} if isinstance(llm, ChatAnthropic) else {"method": "function_calling"}
    assert llm.with_structured_output(Note, **method).invoke(USE_TOOL) == Note(text=USE_TOOL)
    absent(upstream)


def test_structured_output_by_a_schema(gate_url, upstream, model):
    llm = openai_model(gate_url, model)
    llm.invoke(ECHO)
    text = json.dumps({"text": f"For {pseudonym(upstream, 'EMAIL')}."})
    message = {"role": "assistant", "content": text, "refusal": None}
    answer = {"id": "c", "object": "chat.completion", "created": 1, "model": model, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    upstream.next_answer(json.dumps(answer))
    assert llm.with_structured_output(Note, method="json_schema").invoke(ECHO) == Note(text=f"For {EMAIL}.")
    assert json.loads(upstream.requests()[-1]["body"])["response_format"]["type"] == "json_schema"
    absent(upstream)


@pytest.fixture(scope="module")
def loop():
    """One for all tests: LangChain keeps its asynchronous connections from model to model."""
    with asyncio.Runner() as runner:
        yield runner


def test_async_and_batch(llm, upstream, loop):
    async def run():
        whole = await llm.ainvoke(ECHO)
        parts = [chunk.text async for chunk in llm.astream(ECHO)]
        return whole.text, "".join(parts)

    assert loop.run(run()) == (f"You said: {ECHO}",) * 2
    asked = [f"Write to {EMAIL}, number {number}." for number in range(4)]
    assert [answer.text for answer in llm.batch(asked)] == [f"You said: {text}" for text in asked]
    absent(upstream)


def test_file(llm, upstream):
    def ask(text):
        file = {"type": "file", "base64": base64.b64encode(text.encode()).decode(), "mime_type": "application/pdf", "filename": "a.pdf"}
        return [HumanMessage([{"type": "text", "text": f"Read this, {EMAIL}."}, file])]

    with pytest.raises((openai.PermissionDeniedError, anthropic.PermissionDeniedError)) as caught:
        llm.invoke(ask("%PDF-1.4\n"))
    assert len(str(caught.value)) > 20 and caught.value.response.headers["bartizan-decision"] == "blocked"
    assert upstream.requests() == [], "a refused request reached the provider"


def test_embeddings(gate_url, upstream, model):
    vectors = [{"object": "embedding", "index": index, "embedding": [0.25, 0.5]} for index in (0, 1)]
    upstream.next_answer(json.dumps({"object": "list", "model": model, "data": vectors, "usage": {"prompt_tokens": 1, "total_tokens": 1}}))
    # By default the class sends the numbers of tokens, which nobody can inspect: the built-in policies block that.
    embeddings = OpenAIEmbeddings(base_url=gate_url + "/v1", api_key="not-a-key", model=model, check_embedding_ctx_length=False)
    assert embeddings.embed_documents([ECHO, f"To {EMAIL}"]) == [[0.25, 0.5]] * 2
    sent = json.loads(upstream.requests()[0]["body"])["input"]
    assert len(sent) == 2 and sent[1].startswith("To EMAIL_")
    absent(upstream)


def test_completions(gate_url, upstream, model):
    llm = OpenAI(base_url=gate_url + "/v1", api_key="not-a-key", model=model, max_retries=0)

    def answer(text, reason="stop"):
        return json.dumps({"id": "c", "object": "text_completion", "created": 1, "model": model, "choices": [{"index": 0, "text": text, "finish_reason": reason, "logprobs": None}], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})

    def events(*parts):
        return [*(f"data: {answer(part, None)}\n\n" for part in parts), "data: [DONE]\n\n"]

    upstream.next_answer(answer("Fine."))
    assert llm.invoke(ECHO) == "Fine."
    upstream.next_answer(answer(f"To {pseudonym(upstream, 'EMAIL')}."))
    assert llm.invoke(ECHO) == f"To {EMAIL}."
    absent(upstream)
    # A stream has its prompt in another form, which is another conversation.
    upstream.forget()
    upstream.next_answer(*events("Fine", "."))
    assert "".join(llm.stream(ECHO)) == "Fine."
    value = pseudonym(upstream, "EMAIL")
    upstream.next_answer(*events("To ", value[:8], value[8:], "."))
    assert "".join(llm.stream(ECHO)) == f"To {EMAIL}."
    absent(upstream)


def test_model_introduced_value_is_redacted(gate_url, upstream, model):
    def event(text):
        return f"data: {json.dumps({'id': 'c', 'object': 'chat.completion.chunk', 'created': 1, 'model': model, 'choices': [{'index': 0, 'delta': {'content': text}, 'finish_reason': None}]})}\n\n"

    upstream.next_answer(event("Write to "), event(OTHER[:9]), event(OTHER[9:]), event("."), "data: [DONE]\n\n")
    assert "".join(chunk.text for chunk in openai_model(gate_url, model).stream("Who?")) == "Write to [REDACTED_EMAIL]."


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
    with pytest.raises(anthropic.APIError) as caught:
        for chunk in anthropic_model(strict_gate_url, model).stream("Tell me."):
            seen += chunk.text
    assert "phone" in str(caught.value) and PHONE[:6] not in seen


def test_error_of_the_provider(llm, upstream):
    upstream.next_answer(json.dumps({"error": {"type": "rate_limit_error", "message": f"no quota for {OTHER}"}}), status=429)
    with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)) as caught:
        llm.invoke(f"Card {CARD}.")
    assert OTHER not in str(caught.value) and "no quota" in str(caught.value)
    absent(upstream)
