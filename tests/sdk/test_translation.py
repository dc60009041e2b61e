"""The SDKs, unmodified, through the gate to a provider of another format."""

import json

import anthropic
import openai
import pytest
from conftest import GATE_URL, anthropic_client, gemini_client, openai_client, start_gate
from google.genai import errors, types
from pydantic import BaseModel
from values import ANTHROPIC_TOOL, CARD, ECHO, EMAIL, GEMINI_TOOL, OPENAI_TOOL, USE_TOOL

KINDS = ["openai", "anthropic", "gemini"]


@pytest.fixture(scope="session")
def translating(upstream_process, tmp_path_factory):
    """A gate with one provider of each kind, each with a model of its kind's name."""
    if GATE_URL:
        pytest.skip("a gate in front of another provider is tested")
    folder = tmp_path_factory.mktemp("translating")
    tables = [
        f'[[providers]]\nname = "{kind}"\nkind = "{kind}"\nbase_url = "{upstream_process.ready["url"]}"\n'
        f'[[models]]\nname = "on-{kind}"\nprovider = "{kind}"\n'
        for kind in KINDS
    ]
    config = folder / "bartizan.toml"
    config.write_text("\n".join(tables))
    process = start_gate(folder, "--config", config)
    yield process.ready["gate"]
    process.stop()


def absent(upstream):
    bodies = upstream.bodies()
    assert bodies, "nothing reached the provider"
    for value in (EMAIL, CARD, CARD.replace(" ", "")):
        assert value not in bodies


@pytest.mark.parametrize("kind", ["anthropic", "gemini"])
class TestOpenAi:
    def ask(self, kind, text, **more):
        return {"model": f"on-{kind}", "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}], **more}

    def test_whole(self, translating, upstream, kind):
        raw = openai_client(translating).chat.completions.with_raw_response.create(**self.ask(kind, ECHO, temperature=0.2, stop=["END"]))
        answer = raw.parse()
        assert answer.choices[0].message.content == f"You said: {ECHO}" and answer.choices[0].finish_reason == "stop"
        assert answer.usage.total_tokens > 0 and raw.headers["bartizan-translated"] == kind
        absent(upstream)

    def test_streaming(self, translating, upstream, kind):
        chunks = list(openai_client(translating).chat.completions.create(**self.ask(kind, ECHO, stream=True, stream_options={"include_usage": True})))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == f"You said: {ECHO}"
        assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == ["stop"]
        assert not chunks[-1].choices and chunks[-1].usage.total_tokens > 0
        absent(upstream)

    @pytest.mark.parametrize("stream", [False, True])
    def test_tools(self, translating, upstream, kind, stream):
        client = openai_client(translating)
        ask = self.ask(kind, USE_TOOL, tools=[OPENAI_TOOL], tool_choice="auto")
        if stream:
            with client.chat.completions.stream(**ask) as events:
                message = events.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(**ask).choices[0].message
        call = message.tool_calls[0]
        assert call.function.name == "send_note" and json.loads(call.function.arguments) == {"text": USE_TOOL} and call.id
        # The loop goes on with what the SDK made of the answer.
        result = {"role": "tool", "tool_call_id": call.id, "content": f"sent to {EMAIL}"}
        more = [message.model_dump(exclude_none=True), result, {"role": "user", "content": "Thanks."}]
        ask = self.ask(kind, USE_TOOL, tools=[OPENAI_TOOL])
        ask["messages"] += more
        assert client.chat.completions.create(**ask).choices[0].message.content == "You said: Thanks."
        absent(upstream)

    def test_schema(self, translating, upstream, kind):
        class Report(BaseModel):
            zeta: int
            alpha: str

        with pytest.raises(Exception, match="JSON|validation"):
            openai_client(translating).chat.completions.parse(**self.ask(kind, "Hello.", response_format=Report))
        body = upstream.requests()[-1]["body"]
        assert body.index('"zeta"') < body.index('"alpha"')

    def test_refused(self, translating, upstream, kind):
        with pytest.raises(openai.BadRequestError, match="`logit_bias` cannot be expressed"):
            openai_client(translating).chat.completions.create(**self.ask(kind, "Hello.", logit_bias={"5": 1}))
        assert not upstream.requests()


@pytest.mark.parametrize("kind", ["openai", "gemini"])
class TestAnthropic:
    def ask(self, kind, text, **more):
        return {"model": f"on-{kind}", "max_tokens": 100, "messages": [{"role": "user", "content": text}], **more}

    def test_whole(self, translating, upstream, kind):
        raw = anthropic_client(translating).messages.with_raw_response.create(**self.ask(kind, ECHO, system=[{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}]))
        answer = raw.parse()
        assert answer.content[0].text == f"You said: {ECHO}" and answer.stop_reason == "end_turn" and answer.usage.output_tokens > 0
        assert raw.headers["bartizan-translated"] == f"{kind}; left-out=cache_control"
        absent(upstream)

    def test_streaming(self, translating, upstream, kind):
        with anthropic_client(translating).messages.stream(**self.ask(kind, ECHO)) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        assert text == f"You said: {ECHO}" == final.content[0].text and final.stop_reason == "end_turn"
        # The scripted provider tells no usage in OpenAI's streams.
        assert final.usage.output_tokens > 0 or kind == "openai"
        absent(upstream)

    @pytest.mark.parametrize("stream", [False, True])
    def test_tools(self, translating, upstream, kind, stream):
        client = anthropic_client(translating)
        ask = self.ask(kind, USE_TOOL, tools=[ANTHROPIC_TOOL])
        if stream:
            with client.messages.stream(**ask) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**ask)
        use = next(block for block in message.content if block.type == "tool_use")
        assert message.stop_reason == "tool_use" and (use.name, use.input) == ("send_note", {"text": USE_TOOL})
        result = {"type": "tool_result", "tool_use_id": use.id, "content": f"no such address {EMAIL}", "is_error": True}
        more = [{"role": "assistant", "content": message.content}, {"role": "user", "content": [result, {"type": "text", "text": "Thanks."}]}]
        ask["messages"] += more
        assert client.messages.create(**ask).content[0].text == "You said: Thanks."
        absent(upstream)

    def test_refused(self, translating, upstream, kind):
        with pytest.raises(anthropic.BadRequestError, match="cannot be expressed"):
            anthropic_client(translating).messages.create(**self.ask(kind, "Hello.", tools=[{"type": "web_search_20250305", "name": "web_search"}]))
        assert not upstream.requests()


def test_anthropic_counts_at_gemini(translating, upstream):
    count = anthropic_client(translating).messages.count_tokens(model="on-gemini", messages=[{"role": "user", "content": ECHO}])
    assert count.input_tokens == 1
    absent(upstream)
    with pytest.raises(anthropic.NotFoundError):
        anthropic_client(translating).messages.count_tokens(model="on-openai", messages=[{"role": "user", "content": ECHO}])


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
class TestGemini:
    def test_whole(self, translating, upstream, kind):
        config = types.GenerateContentConfig(system_instruction="Be kind.", temperature=0.1, max_output_tokens=50)
        client = gemini_client(translating)
        answer = client.models.generate_content(model=f"on-{kind}", contents=ECHO, config=config)
        assert answer.text == f"You said: {ECHO}" and answer.candidates[0].finish_reason == "STOP" and answer.usage_metadata.total_token_count > 0
        absent(upstream)

    def test_streaming(self, translating, upstream, kind):
        client = gemini_client(translating)
        chunks = list(client.models.generate_content_stream(model=f"on-{kind}", contents=ECHO))
        assert "".join(chunk.text or "" for chunk in chunks) == f"You said: {ECHO}"
        assert chunks[-1].candidates[0].finish_reason == "STOP"
        assert chunks[-1].usage_metadata.total_token_count > 0 or kind == "openai"
        absent(upstream)

    @pytest.mark.parametrize("stream", [False, True])
    def test_tools(self, translating, upstream, kind, stream):
        client = gemini_client(translating)
        config = types.GenerateContentConfig(tools=[types.Tool(**GEMINI_TOOL)], automatic_function_calling={"disable": True})
        ask = {"model": f"on-{kind}", "config": config}
        contents = [types.Content(role="user", parts=[types.Part(text=USE_TOOL)])]
        answer = list(client.models.generate_content_stream(contents=contents, **ask))[-1] if stream else client.models.generate_content(contents=contents, **ask)
        assert [(call.name, call.args) for call in answer.function_calls] == [("send_note", {"text": USE_TOOL})]
        result = types.Part.from_function_response(name="send_note", response={"output": f"sent to {EMAIL}"})
        contents += [answer.candidates[0].content, types.Content(role="user", parts=[result]), types.Content(role="user", parts=[types.Part(text="Thanks.")])]
        assert client.models.generate_content(contents=contents, **ask).text == "You said: Thanks."
        absent(upstream)

    def test_refused(self, translating, upstream, kind):
        config = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])
        client = gemini_client(translating)
        with pytest.raises(errors.ClientError, match="cannot be expressed"):
            client.models.generate_content(model=f"on-{kind}", contents="Hello.", config=config)
        assert not upstream.requests()
