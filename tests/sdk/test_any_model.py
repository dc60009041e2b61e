"""What must hold in front of any model, a real one too: answers arrive, values do not leave. Run by `tests/real_model/run.sh`."""

import asyncio

import anthropic
import openai
from values import EMAIL

QUESTION = f"Say in one short sentence that the note goes to {EMAIL}."


def ask(model, **more):
    return {"model": model, "max_tokens": 60, "messages": [{"role": "user", "content": QUESTION}], **more}


def test_openai_whole(chat, model):
    raw = chat.chat.completions.with_raw_response.create(**ask(model))
    assert raw.parse().choices[0].message.content.strip()
    assert raw.headers["bartizan-decision"] == "remedied" and "EMAIL_" not in raw.text.upper().replace(EMAIL.upper(), "")


def test_openai_streaming(chat, model):
    chunks = list(chat.chat.completions.create(**ask(model, stream=True)))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices).strip()
    assert any(chunk.choices and chunk.choices[0].finish_reason for chunk in chunks)


def test_openai_async(gate_url, model):
    async def run():
        async with openai.AsyncOpenAI(base_url=gate_url + "/v1", api_key="not-a-key") as client:
            return (await client.chat.completions.create(**ask(model))).choices[0].message.content

    assert asyncio.run(run()).strip()


def test_anthropic_whole(claude, model):
    assert claude.messages.create(**ask(model)).content[0].text.strip()


def test_anthropic_streaming(claude, model):
    with claude.messages.stream(**ask(model)) as stream:
        assert stream.get_final_text().strip()


def test_anthropic_async(gate_url, model):
    async def run():
        async with anthropic.AsyncAnthropic(base_url=gate_url, api_key="not-a-key") as client:
            return (await client.messages.create(**ask(model))).content[0].text

    assert asyncio.run(run()).strip()
