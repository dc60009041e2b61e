"""Gemini's cached content is its maker's, by the unmodified Google Gen AI SDK against real processes."""

import datetime
import json
import re
import time

import pytest
from conftest import absent, gemini_client
from google.genai import errors, types
from test_objects import House
from values import EMAIL


@pytest.fixture
def house(tmp_path, upstream):
    house = House(tmp_path, upstream)
    yield house
    house.process.stop()


def client(house, key):
    """A client that lives as long as the house: one that nobody holds is closed."""
    house.clients = [*getattr(house, "clients", []), gemini_client(house.url, key)]
    return house.clients[-1]


def cache(id, name="demo"):
    times = {"createTime": "2026-11-27T10:00:00.123456Z", "updateTime": "2026-11-27T10:00:00.123456Z", "expireTime": "2026-11-27T11:00:00Z"}
    return {"name": f"cachedContents/{id}", "model": "models/m", "displayName": name, **times, "usageMetadata": {"totalTokenCount": 4096}}


def says(text, last=True):
    return json.dumps({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **({"finishReason": "STOP"} if last else {})}]})


def make(house, key, id="a1", name="demo"):
    """Makes a cache; gives the pseudonym that the provider saw."""
    house.upstream.forget()
    house.upstream.next_answer(json.dumps(cache(id)))
    config = types.CreateCachedContentConfig(display_name=name, system_instruction=f"You talk to {EMAIL}.", contents=["A long text."], ttl="300s")
    made = client(house, key).caches.create(model="m", config=config)
    assert (made.name, made.display_name, made.usage_metadata.total_token_count) == (f"cachedContents/{id}", "demo", 4096)
    assert made.expire_time == datetime.datetime(2026, 11, 27, 11, tzinfo=datetime.timezone.utc)
    absent(house.upstream)
    return re.search(r"EMAIL_\w+", house.upstream.bodies()).group()


def test_a_cache_is_begun_with(house):
    token = make(house, house.ada)
    for restarted in (False, True):
        if restarted:
            house.process.stop()
            house.start()
        gemini, upstream = client(house, house.ada), house.upstream
        config = types.GenerateContentConfig(cached_content="cachedContents/a1")
        upstream.next_answer(says(f"You are {token}, not other.person@example.org."))
        assert gemini.models.generate_content(model="m", contents=f"{EMAIL}: who am I?", config=config).text == f"You are {EMAIL}, not [REDACTED_EMAIL]."
        request = json.loads(upstream.requests()[-1]["body"])
        assert request["cachedContent"] == "cachedContents/a1" and token in json.dumps(request)
        upstream.next_answer(*[f"data: {says(piece, piece == '.')}\r\n\r\n" for piece in ("You are ", token[:8], token[8:], ".")])
        assert "".join(chunk.text or "" for chunk in gemini.models.generate_content_stream(model="m", contents="Who?", config=config)) == f"You are {EMAIL}."
        absent(upstream)
    # Its value is nobody's outside of it.
    house.upstream.next_answer(says(token))
    assert client(house, house.ada).models.generate_content(model="m", contents="Who?").text == token


def test_a_cache_is_its_makers(house):
    token = make(house, house.ada)
    gemini, upstream = client(house, house.ada).caches, house.upstream
    upstream.next_answer(json.dumps(cache("a1", f"{token}, other.person@example.org")))
    assert gemini.get(name="cachedContents/a1").display_name == f"{EMAIL}, [REDACTED_EMAIL]"
    upstream.next_answer(json.dumps(cache("a1")))
    gemini.update(name="cachedContents/a1", config=types.UpdateCachedContentConfig(ttl="600s"))
    upstream.next_answer(json.dumps(cache("a1")))
    until = datetime.datetime(2026, 12, 24, 18, 0, 0, 123456, tzinfo=datetime.timezone.utc)
    gemini.update(name="cachedContents/a1", config=types.UpdateCachedContentConfig(expire_time=until))
    assert [(one["method"], json.loads(one["body"])) for one in upstream.requests()[-2:]] == [("PATCH", {"ttl": "600s"}), ("PATCH", {"expireTime": "2026-12-24T18:00:00.123456+00:00"})]
    make(house, house.bob, "b1")
    before = len(upstream.requests())
    for key, id in ((house.bob, "a1"), (house.ada, "b1"), (house.ada, "x1")):
        other = client(house, key)
        config, name = types.GenerateContentConfig(cached_content=f"cachedContents/{id}"), f"cachedContents/{id}"
        asks = [lambda: other.caches.get(name=name), lambda: other.caches.delete(name=name), lambda: other.caches.update(name=name, config={"ttl": "1s"})]
        asks += [lambda: other.models.generate_content(model="m", contents="Go on.", config=config), lambda: list(other.models.generate_content_stream(model="m", contents="Go on.", config=config))]
        for ask in asks:
            with pytest.raises(errors.ClientError) as caught:
                ask()
            assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    with pytest.raises(errors.ClientError, match="made for the model `m`"):
        client(house, house.ada).models.generate_content(model="n", contents="Go on.", config=types.GenerateContentConfig(cached_content="cachedContents/a1"))
    assert len(upstream.requests()) == before
    # A list over pages of the provider, a loop over pages of the caller's, and what is deleted meanwhile.
    for id in ("a2", "a3"):
        make(house, house.ada, id)
    gone = set()

    def answer():
        left = [cache(id) for id in ("a1", "b1", "a2", "a3") if id not in gone]
        upstream.next_answer(json.dumps({"cachedContents": left[:2], "nextPageToken": "opaque/b1"}))
        upstream.next_answer(json.dumps({"cachedContents": left[2:]}))

    answer()
    pager = client(house, house.ada).caches.list(config={"page_size": 2})
    names = [one.name for one in pager.page]
    assert names == ["cachedContents/a1", "cachedContents/a2"]
    for name in names:
        upstream.next_answer("{}")
        gemini.delete(name=name)
        gone.add(name.partition("/")[2])
    answer()
    assert [one.name for one in pager.next_page()] == ["cachedContents/a3"]
    with pytest.raises(errors.ClientError) as caught:
        gemini.get(name="cachedContents/a1")
    assert caught.value.code == 404


def test_an_erased_persons_caches_are_gone(house):
    token = make(house, house.ada)
    house.run("erase", "--principal", "user:ada", "--yes")
    house.ada = house.key("ada")
    with pytest.raises(errors.ClientError) as caught:
        client(house, house.ada).caches.get(name="cachedContents/a1")
    assert caught.value.code == 404
    time.sleep(0.2)
    for path in (house.folder / "data").rglob("*"):
        assert not path.is_file() or (token.encode() not in path.read_bytes() and EMAIL.encode() not in path.read_bytes())
