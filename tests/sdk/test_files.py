"""Files that a provider keeps, by the unmodified SDK against real processes: sent, named, listed, read, deleted, after a restart too."""

import io
import json

import anthropic
import openai
import pytest
from test_objects import House, answer
from values import EMAIL

CLEAN = b"The notice period is three months.\nNothing else is agreed.\n"


def told(id, name="terms.txt"):
    return {"id": id, "object": "file", "bytes": 51, "created_at": 1_700_000_000, "filename": name, "purpose": "user_data", "status": "processed"}


def chat(text):
    message = {"role": "assistant", "content": text}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


@pytest.fixture
def house(tmp_path, upstream):
    house = House(tmp_path, upstream)
    yield house
    house.process.stop()


def send(house, key, id, content=CLEAN, name="terms.txt", **more):
    house.upstream.next_answer(json.dumps(told(id, name)))
    return house.client(key).files.create(file=(name, io.BytesIO(content)), purpose="user_data", **more)


def nobodys(house, key, id):
    """For this key there is no such file, and the provider is not asked."""
    before = len(house.upstream.requests())
    client = house.client(key)
    part = {"type": "file", "file": {"file_id": id}}
    for ask in (
        client.files.retrieve,
        client.files.content,
        client.files.delete,
        lambda id: client.files.list(after=id),
        lambda _: client.chat.completions.create(model="m", messages=[{"role": "user", "content": [part]}]),
        lambda id: client.responses.create(model="m", input=[{"role": "user", "content": [{"type": "input_file", "file_id": id}]}]),
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            ask(id)
        assert caught.value.code == "not_found"
    assert len(house.upstream.requests()) == before


def test_files_are_sent_and_used(house):
    file = send(house, house.ada, "file-a", expires_after={"anchor": "created_at", "seconds": 3600})
    assert (file.id, file.filename, file.purpose) == ("file-a", "terms.txt", "user_data")
    (request,) = house.upstream.requests()
    assert request["path"] == "/v1/files" and request["headers"]["content-type"].startswith("multipart/form-data; boundary=")
    assert CLEAN.decode() in request["body"] and 'name="expires_after[seconds]"\r\n\r\n3600\r\n' in request["body"]
    client = house.client(house.ada)
    house.upstream.next_answer(json.dumps(chat("Three months.")))
    part = {"type": "file", "file": {"file_id": file.id}}
    said = client.chat.completions.create(model="m", messages=[{"role": "user", "content": [part, {"type": "text", "text": "How long?"}]}])
    assert said.choices[0].message.content == "Three months."
    house.upstream.next_answer(json.dumps(answer("a", "Three months.")))
    parts = [{"type": "input_file", "file_id": file.id}, {"type": "input_text", "text": "How long?"}]
    assert client.responses.create(model="m", input=[{"role": "user", "content": parts}]).output_text == "Three months."
    house.upstream.next_answer(json.dumps(told("file-a")))
    assert client.files.retrieve("file-a").id == "file-a"
    house.upstream.next_answer(CLEAN.decode(), content_type="text/plain")
    assert client.files.content("file-a").read() == CLEAN
    nobodys(house, house.bob, "file-a")
    nobodys(house, house.ada, "file-x")
    house.upstream.next_answer(json.dumps({"id": "file-a", "object": "file", "deleted": True}))
    assert client.files.delete("file-a").deleted
    nobodys(house, house.ada, "file-a")


def test_bytes_and_paths_are_sent_too(house, tmp_path):
    path = tmp_path / "r\u00e9sum\u00e9 1.md"
    path.write_bytes(CLEAN)
    for file in (CLEAN, path, path.open("rb")):
        house.upstream.next_answer(json.dumps(told("file-b")))
        assert house.client(house.ada).files.create(file=file, purpose="assistants").id == "file-b"
    assert "résumé 1.md" in house.upstream.requests()[-1]["body"]


def test_a_text_is_sent_without_what_is_found(house):
    send(house, house.ada, "file-a", f"Write to {EMAIL}.".encode(), "a.txt")
    (request,) = house.upstream.requests()
    assert EMAIL not in request["body"] and "Write to [REDACTED_EMAIL]." in request["body"]


def test_what_is_found_is_not_sent(house):
    page = f"<!doctype html><html><body><p>Write to {EMAIL}.</p></body></html>".encode()
    for content, name in ((page, "a.html"), (CLEAN, f"{EMAIL}.txt")):
        with pytest.raises(openai.PermissionDeniedError) as caught:
            send(house, house.ada, "file-a", content, name)
        assert caught.value.code == "policy_blocked" and EMAIL not in str(caught.value)
        assert not house.upstream.requests()
        # The answer still waits.
        house.client(house.ada).chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
        house.upstream.forget()
    with pytest.raises(openai.BadRequestError, match="files for batches are refused"):
        house.client(house.ada).files.create(file=("b.jsonl", CLEAN), purpose="batch")
    assert not house.upstream.requests()
    send(house, house.ada, "file-a")
    house.upstream.next_answer(f"Write to {EMAIL}.", content_type="text/plain")
    with pytest.raises(openai.PermissionDeniedError):
        house.client(house.ada).files.content("file-a")


def test_a_list_is_the_callers(house):
    own = [f"file-ada{number}" for number in range(3)]
    for id in own:
        send(house, house.ada, id)
    send(house, house.bob, "file-bob")

    def page(*ids, has_more=False):
        house.upstream.next_answer(json.dumps({"object": "list", "data": [told(id) for id in ids], "first_id": ids[0], "last_id": ids[-1], "has_more": has_more}))

    for key, expected in ((house.ada, own), (house.bob, ["file-bob"])):
        page("file-bob", "file-ada0", "file-x", has_more=True)
        page("file-ada1", "file-ada2")
        listed = house.client(key).files.list()
        assert [file.id for file in listed.data] == expected and not listed.has_more
    # The SDK turns the pages.
    page("file-ada0", "file-bob", has_more=True)
    page("file-x", has_more=True)
    page("file-ada1", "file-ada2")
    page("file-bob", "file-x", has_more=True)
    page("file-ada1", "file-ada2")
    page("file-ada2")
    assert [file.id for file in house.client(house.ada).files.list(limit=1, order="asc")] == own


def test_files_are_there_after_a_restart(house):
    send(house, house.ada, "file-a")
    house.process.stop()
    house.start()
    nobodys(house, house.bob, "file-a")
    house.upstream.next_answer(json.dumps(told("file-a")))
    assert house.client(house.ada).files.retrieve("file-a").id == "file-a"
    house.upstream.next_answer(json.dumps({"object": "list", "data": [told("file-a"), told("file-b")], "has_more": False}))
    assert [file.id for file in house.client(house.ada).files.list()] == ["file-a"]
    house.upstream.next_answer(json.dumps(answer("a", "Three months.")))
    part = {"type": "input_file", "file_id": "file-a"}
    house.client(house.ada).responses.create(model="m", input=[{"role": "user", "content": [part]}])
    house.run("erase", "--principal", "user:ada", "--yes")
    house.ada = house.key("ada")
    nobodys(house, house.ada, "file-a")


def test_files_of_anthropic(house):
    def client(key):
        return anthropic.Anthropic(base_url=house.url, api_key=key, max_retries=0)

    told = {"id": "file_a", "type": "file", "filename": "terms.txt", "mime_type": "text/plain", "size_bytes": 51, "created_at": "2026-01-01T00:00:00Z", "downloadable": False}
    files = client(house.ada).beta.files
    house.upstream.next_answer(json.dumps(told))
    assert files.upload(file=("terms.txt", io.BytesIO(CLEAN), "text/plain")).id == "file_a"
    (request,) = house.upstream.requests()
    assert request["path"].startswith("/v1/files") and request["headers"]["anthropic-version"]
    other = {**told, "id": "file_other"}
    house.upstream.next_answer(json.dumps({"data": [other, told], "has_more": False, "first_id": "file_other", "last_id": "file_a"}))
    assert [file.id for file in files.list()] == ["file_a"]
    house.upstream.next_answer(json.dumps(told))
    assert files.retrieve_metadata("file_a").filename == "terms.txt"
    house.upstream.next_answer(CLEAN.decode(), content_type="text/plain")
    assert files.download("file_a").read() == CLEAN
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "Three months."}], "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    part = {"type": "document", "source": {"type": "file", "file_id": "file_a"}}

    def ask(key):
        return client(key).beta.messages.create(model="m", max_tokens=9, betas=["files-api-2025-04-14"], messages=[{"role": "user", "content": [part]}])

    house.upstream.next_answer(json.dumps(message))
    assert ask(house.ada).content[0].text == "Three months."
    before = len(house.upstream.requests())
    theirs = client(house.bob).beta.files
    for refused in (lambda: ask(house.bob), lambda: theirs.retrieve_metadata("file_a"), lambda: theirs.download("file_a"), lambda: theirs.delete("file_a")):
        with pytest.raises(anthropic.NotFoundError):
            refused()
    assert len(house.upstream.requests()) == before
    with pytest.raises(anthropic.PermissionDeniedError):
        files.upload(file=("a.html", f"<!doctype html><p>Write to {EMAIL}.</p>".encode(), "text/html"))
    house.upstream.next_answer(json.dumps({"id": "file_a", "type": "file_deleted"}))
    assert files.delete("file_a").id == "file_a"
    with pytest.raises(anthropic.NotFoundError):
        files.retrieve_metadata("file_a")
