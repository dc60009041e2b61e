"""LiteLLM's own class for guards that are asked over HTTP, and what it does with chat completions, against the gate."""

import asyncio
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for prices

import pytest
from litellm.exceptions import GuardrailRaisedException
from litellm.llms.openai.chat.guardrail_translation.handler import OpenAIChatCompletionsHandler
from litellm.proxy.guardrails.guardrail_hooks.generic_guardrail_api import GenericGuardrailAPI
from litellm.types.utils import ModelResponse
from values import CARD, EMAIL, OPENAI_TOOL, PHONE, SECRET

FOREIGN = "other.person@example.org"


def guard(url, **more):
    return GenericGuardrailAPI(api_base=f"{url}/v1/guardrails/litellm", guardrail_name="bartizan", event_hook="pre_call", default_on=True, **more)


def asked(guardrail, messages, **more):
    """What LiteLLM would send to its provider."""
    data = {"model": "gpt-4o-mini", "messages": messages, "metadata": {"user_api_key_user_email": "admin@example.com"}, **more}
    return asyncio.run(OpenAIChatCompletionsHandler().process_input_messages(data, guardrail))


def answered(guardrail, **message):
    """What LiteLLM would give to its client."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    response = ModelResponse(id="c", created=1, model="gpt-4o-mini", object="chat.completion", choices=[choice])
    return asyncio.run(OpenAIChatCompletionsHandler().process_output_response(response, guardrail)).model_dump_json()


def test_what_is_clean_is_left_alone(gate_url):
    messages = [{"role": "user", "content": "Good morning."}]
    data = asked(guard(gate_url), messages, tools=[OPENAI_TOOL])
    assert data["messages"] == [{"role": "user", "content": "Good morning."}] and data["tools"] == [OPENAI_TOOL]


@pytest.mark.parametrize("as_sent", [False, True])
def test_prompts_are_edited_where_they_stand(gate_url, as_sent):
    call = {"id": "call_1", "type": "function", "function": {"name": "send_note", "arguments": '{"text":"to %s"}' % EMAIL}}
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": f"Write to {EMAIL} about {CARD}, key {SECRET}"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": f"sent to {EMAIL}"},
        {"role": "user", "content": "And now?"},
    ]
    tool = {**OPENAI_TOOL, "function": {**OPENAI_TOOL["function"], "description": f"Asks {FOREIGN}"}}
    data = asked(guard(gate_url, forward_messages_as_sent=as_sent), messages, tools=[tool])
    sent = str(data["messages"]) + str(data["tools"])
    assert EMAIL not in sent and CARD not in sent and SECRET not in sent and FOREIGN not in sent
    token = data["messages"][3]["content"].removeprefix("sent to ")
    assert token.startswith("EMAIL_") and sent.count(token) == 3, "one value, one pseudonym, in all three messages"
    assert data["messages"][2]["tool_calls"][0]["function"]["arguments"] == '{"text":"to %s"}' % token
    assert data["messages"][0] == {"role": "system", "content": "Be kind."} and data["messages"][4]["content"] == "And now?"
    assert "EMAIL_" in data["tools"][0]["function"]["description"]


def test_only_texts_are_edited_when_that_is_enough(gate_url):
    """Then messages keep members that LiteLLM's types do not know."""
    messages = [{"role": "user", "content": f"I am {EMAIL}", "not_declared": {"kept": True}}]
    data = asked(guard(gate_url), messages)
    assert data["messages"][0]["not_declared"] == {"kept": True} and "EMAIL_" in data["messages"][0]["content"]


def test_answers_are_redacted(gate_url):
    said = answered(guard(gate_url), content=f"Ask {FOREIGN} for it.")
    assert FOREIGN not in said and "Ask [REDACTED_EMAIL] for it." in said
    assert "Nothing here." in answered(guard(gate_url), content="Nothing here.")


def test_a_block_is_raised_with_its_sentence(strict_gate_url):
    with pytest.raises(GuardrailRaisedException, match="phone number, which may not be shown"):
        answered(guard(strict_gate_url), content=f"Call {PHONE} now.")


def test_what_cannot_be_given_back_is_blocked(gate_url):
    call = {"id": "call_1", "type": "function", "function": {"name": "send_note", "arguments": '{"text":"to %s"}' % FOREIGN}}
    with pytest.raises(GuardrailRaisedException, match="cannot be replaced"):
        answered(guard(gate_url), content="Sent.", tool_calls=[call])
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    with pytest.raises(GuardrailRaisedException):
        asked(guard(gate_url), [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]}])


def test_the_end_of_a_growing_answer_is_withheld(gate_url):
    inputs = {"texts": ["So far, so good. Write to other.per"]}
    given = asyncio.run(guard(gate_url).apply_guardrail(inputs=inputs, request_data={}, input_type="response"))
    assert given["texts"] == inputs["texts"] and given["stream_holdback_chars"] == [512]


@pytest.mark.parametrize("fallback", ["fail_closed", "fail_open"])
def test_a_wrong_key_closes(gate_url, fallback):
    wrong = guard(gate_url, api_key="bzk_" + "A" * 43, unreachable_fallback=fallback)
    with pytest.raises(Exception, match="401"):
        asked(wrong, [{"role": "user", "content": "Good morning."}])
