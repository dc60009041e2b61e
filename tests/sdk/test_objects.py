"""What OpenAI's Responses API keeps is its maker's, by the unmodified SDK against real processes: restarts, kills, erasure."""

import json
import os
import re
import signal
import subprocess
import time

import openai
import pytest
from conftest import GATE, absent, openai_client, start_gate
from test_responses import event, response
from values import EMAIL


def message(number, text):
    return {"id": f"msg_{number}", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]}


def answer(number, text):
    return {**response("completed", [message(number, text)]), "id": f"resp_{number}"}


class House:
    """A gate with keys, that can be started again on the same data."""

    def __init__(self, folder, upstream):
        self.folder, self.upstream = folder, upstream
        self.start()
        self.ada, self.bob = self.key("ada"), self.key("bob")

    def start(self):
        self.process = start_gate(self.folder, "--upstream", self.upstream.url)
        self.url = self.process.ready["gate"]

    def run(self, *arguments):
        return subprocess.run([GATE, *arguments, "--data", self.folder / "data"], check=True, capture_output=True, text=True, timeout=60).stdout

    def key(self, name):
        return json.loads(self.run("keys", "create", "--name", name, "--format", "json"))["key"]

    def client(self, key):
        return openai.OpenAI(base_url=self.url + "/v1", api_key=key, max_retries=0)

    def first_turn(self, number):
        """Ada's first turn; gives the pseudonym that the provider saw."""
        self.upstream.forget()
        self.upstream.next_answer(json.dumps(answer(number, "Hello.")))
        assert self.client(self.ada).responses.create(model="m", input=f"I am {EMAIL}.").id == f"resp_{number}"
        absent(self.upstream)
        return re.search(r"EMAIL_\w+", self.upstream.bodies()).group()

    def go_on(self, key, before, number, text, **more):
        self.upstream.next_answer(json.dumps(answer(number, text)))
        return self.client(key).responses.create(model="m", input="Who am I?", previous_response_id=f"resp_{before}", **more)

    def nobodys(self, key, number):
        """For this key there is no such response, and the provider is not asked for it."""
        before = len(self.upstream.requests())
        client = self.client(key).responses
        for ask in (client.retrieve, client.delete, client.cancel, lambda id: list(client.input_items.list(id)), lambda id: client.create(model="m", input="Go on.", previous_response_id=id)):
            with pytest.raises(openai.NotFoundError) as caught:
                ask(f"resp_{number}")
            assert caught.value.code == "not_found"
        assert len(self.upstream.requests()) == before


@pytest.fixture
def house(tmp_path, upstream):
    house = House(tmp_path, upstream)
    yield house
    house.process.stop()


def test_a_chain_goes_on_after_a_restart(house):
    token = house.first_turn("a")
    house.nobodys(house.bob, "a")
    house.process.stop()
    house.start()
    house.nobodys(house.bob, "a")
    house.nobodys(house.ada, "x")
    assert house.go_on(house.ada, "a", "b", f"You are {token}.").output_text == f"You are {EMAIL}."
    # By a stream, and from there on.
    told = [("response.created", {"response": {**answer("c", ""), "output": []}}), ("response.output_item.done", {"output_index": 0, "item": message("c", token)}), ("response.completed", {"response": answer("c", token)})]
    house.upstream.next_answer(*[event(number, kind, **members) for number, (kind, members) in enumerate(told)])
    seen = list(house.client(house.ada).responses.create(model="m", input="And?", previous_response_id="resp_b", stream=True))
    assert seen[-1].response.output_text == EMAIL
    house.nobodys(house.bob, "c")
    assert house.go_on(house.ada, "c", "d", token).output_text == EMAIL
    # The same value keeps its pseudonym.
    house.upstream.forget()
    house.upstream.next_answer(json.dumps(answer("e", token)))
    house.client(house.ada).responses.create(model="m", input=f"{EMAIL}, again.", previous_response_id="resp_d")
    assert token in house.upstream.bodies()
    absent(house.upstream)


def test_stored_responses(house):
    token = house.first_turn("a")
    client = house.client(house.ada).responses
    house.upstream.next_answer(json.dumps(answer("a", f"{token}, other.person@example.org")))
    assert client.retrieve("resp_a").output_text == f"{EMAIL}, [REDACTED_EMAIL]"
    item = {"id": "msg_in", "type": "message", "role": "user", "status": "completed", "content": [{"type": "input_text", "text": f"I am {token}."}]}
    house.upstream.next_answer(json.dumps({"object": "list", "data": [item], "first_id": "msg_in", "last_id": "msg_in", "has_more": False}))
    (found,) = client.input_items.list("resp_a", limit=20, order="asc").data
    assert found.content[0].text == f"I am {EMAIL}."
    with pytest.raises(openai.BadRequestError, match="as a whole only"):
        client.retrieve("resp_a", stream=True)
    house.upstream.next_answer(json.dumps({**answer("a", "Stopped."), "status": "cancelled"}))
    assert client.cancel("resp_a").status == "cancelled"
    house.upstream.next_answer(json.dumps({"id": "resp_a", "object": "response", "deleted": True}))
    client.delete("resp_a")
    house.nobodys(house.ada, "a")


def test_an_erased_persons_pseudonyms_are_gone(house):
    token = house.first_turn("a")
    house.run("erase", "--principal", "user:ada", "--yes")
    house.ada = house.key("ada")
    house.nobodys(house.ada, "a")
    house.process.stop()
    house.start()
    house.nobodys(house.ada, "a")
    for path in (house.folder / "data").rglob("*"):
        assert not path.is_file() or (token.encode() not in path.read_bytes() and EMAIL.encode() not in path.read_bytes())


def test_a_kill_gives_nothing_to_somebody_else(house):
    """SIGKILL right after the answer: the response is still its maker's, or nobody's."""
    kept = 0
    for number in range(5):
        token = house.first_turn(f"k{number}")
        time.sleep(0.05 * (number % 2))
        os.kill(house.process.child.pid, signal.SIGKILL)
        house.process.child.wait()
        house.start()
        house.nobodys(house.bob, f"k{number}")
        try:
            assert house.go_on(house.ada, f"k{number}", f"l{number}", token).output_text == EMAIL
            kept += 1
        except openai.NotFoundError:
            # Nothing was sent: the answer still waits.
            house.client(house.ada).responses.create(model="m", input="Go on.", store=False)
    assert kept >= 2


def held(text, role="user"):
    """An item as a conversation gives it back."""
    return {"id": "msg_u", "type": "message", "role": role, "status": "completed", "content": [{"type": "input_text", "text": text}]}


def page(*items):
    return {"object": "list", "data": list(items), "first_id": items[0]["id"], "last_id": items[-1]["id"], "has_more": False}


def conversation(**metadata):
    return {"id": "conv_a", "object": "conversation", "created_at": 1700000000, "metadata": metadata}


def test_conversations(house):
    """A conversation is its maker's, with the values that went in, over restarts; with its maker it is gone."""
    upstream, client = house.upstream, house.client(house.ada)
    upstream.forget()
    upstream.next_answer(json.dumps(conversation(topic="demo")))
    made = client.conversations.create(items=[{"type": "message", "role": "user", "content": f"I am {EMAIL}."}], metadata={"topic": "demo"})
    assert (made.id, made.metadata) == ("conv_a", {"topic": "demo"})
    absent(upstream)
    token = re.search(r"EMAIL_\w+", upstream.bodies()).group()
    # An answer in it, whole and as a stream, and the same value again.
    for stream in (False, True):
        told = answer("b", f"You are {token}.")
        if stream:
            created, done = {**answer("c", ""), "output": []}, message("c", f"You are {token}.")
            upstream.next_answer(event(0, "response.created", response=created), event(1, "response.output_item.done", output_index=0, item=done), event(2, "response.completed", response=answer("c", f"You are {token}.")))
            seen = list(client.responses.create(model="m", input=f"{EMAIL}, again: who am I?", conversation={"id": "conv_a"}, stream=True))
            assert seen[-1].response.output_text == f"You are {EMAIL}."
        else:
            upstream.next_answer(json.dumps(told))
            assert client.responses.create(model="m", input="Who am I?", conversation="conv_a").output_text == f"You are {EMAIL}."
    assert token in upstream.requests()[-1]["body"]
    absent(upstream)
    house.process.stop()
    house.start()
    client = house.client(house.ada)
    upstream.next_answer(json.dumps(page(held(f"I am {token}."), message("b", f"You are {token}, other.person@example.org"))))
    items = list(client.conversations.items.list("conv_a", limit=10, order="asc", include=["reasoning.encrypted_content"]))
    assert [item.content[0].text for item in items] == [f"I am {EMAIL}.", f"You are {EMAIL}, [REDACTED_EMAIL]"]
    upstream.next_answer(json.dumps(page({**held(f"Me: {token}"), "id": "msg_v"})))
    put = client.conversations.items.create("conv_a", items=[{"type": "message", "role": "user", "content": f"Me: {EMAIL}"}])
    assert (put.data[0].id, put.data[0].content[0].text) == ("msg_v", f"Me: {EMAIL}")
    upstream.next_answer(json.dumps({**held(token), "id": "msg_v"}))
    assert client.conversations.items.retrieve("msg_v", conversation_id="conv_a").content[0].text == EMAIL
    upstream.next_answer(json.dumps(conversation(who=token)))
    assert client.conversations.update("conv_a", metadata={"who": EMAIL}).metadata == {"who": EMAIL}
    absent(upstream)
    before = len(upstream.requests())
    for key, conversation_id, item in ((house.bob, "conv_a", "msg_v"), (house.ada, "conv_x", "msg_v"), (house.ada, "conv_a", "msg_x")):
        other = house.client(key)
        asks = [lambda: other.conversations.items.retrieve(item, conversation_id=conversation_id), lambda: other.conversations.items.delete(item, conversation_id=conversation_id)]
        if item == "msg_v":
            asks += [lambda: other.conversations.retrieve(conversation_id), lambda: other.conversations.delete(conversation_id), lambda: list(other.conversations.items.list(conversation_id)), lambda: other.responses.create(model="m", input="Go on.", conversation=conversation_id)]
        for ask in asks:
            with pytest.raises(openai.NotFoundError) as caught:
                ask()
            assert caught.value.code == "not_found"
    with pytest.raises(openai.BadRequestError, match="send either"):
        client.responses.create(model="m", input="Go on.", conversation="conv_a", previous_response_id="resp_b")
    assert len(upstream.requests()) == before
    upstream.next_answer(json.dumps(conversation()))
    client.conversations.items.delete("msg_v", conversation_id="conv_a")
    with pytest.raises(openai.NotFoundError):
        client.conversations.items.retrieve("msg_v", conversation_id="conv_a")
    house.run("erase", "--principal", "user:ada", "--yes")
    house.ada = house.key("ada")
    with pytest.raises(openai.NotFoundError):
        house.client(house.ada).conversations.retrieve("conv_a")
