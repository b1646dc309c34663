import asyncio
import hashlib
import json
import re

import pytest
from fastapi.routing import APIRoute

from bot.errors import Invalid, NotFound
from bot.store.client import Client
from bot.web.api.application import routes
from tests.bot.web.problems import refused
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.web import Api


async def test_nobody_comes_in_without_a_key_of_ours_and_a_missing_scope_is_named(api: Api) -> None:
    client = api.with_key(None)

    for sent in (None, "Basic YTpi", "Bearer", "Bearer sayso_aaaaaaaa_" + "a" * 40, "Bearer x"):
        answer = await client.get("/v1/runs", headers={"Authorization": sent} if sent else {})
        refused(answer, 401, "no-key")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    refused(await client.post("/v1/nothing-here", content=b"{"), 401, "no-key")

    for scope, method, path in (
        ("trigger", "POST", "/v1/runs"),
        ("read", "GET", "/v1/requests"),
        ("answer", "POST", "/v1/requests/s0q-aaaaaaaaaaaaa/answer"),
        ("steer", "POST", "/v1/runs/s0r-aaaaaaaaaaaaa/cancel"),
    ):
        client = await api.client("bo", *[one for one in ("trigger", "read", "answer", "steer") if one != scope])
        sent = {"text": "x"} if method == "POST" else None
        said = refused(await client.request(method, path, json=sent), 403, "scope-missing")
        assert f"needs the scope {scope}" in said
    admin = await api.client("bo", "admin")
    assert (await admin.get("/v1/runs")).status_code == 200
    assert (await admin.post("/v1/runs", json={"text": "stamp it"})).status_code == 201


BODIES = [
    (method, re.sub(r"{\w+}", "s0r-aaaaaaaaaaaaa", route.path))
    for route in routes()
    if isinstance(route, APIRoute) and route.path.startswith("/v1/")
    for method in (route.methods or set[str]()) - {"GET"}
]


async def status_of_head(api: Api, method: str, path: str, key: str, *, expect: str = "") -> int:
    """The status that somebody is answered with who has sent no more of a large body than its first byte."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n{expect}"
    head += "Content-Type: application/json\r\nContent-Length: 7000000\r\n\r\n{"
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(head.encode())
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


async def test_attack_whoever_may_not_do_it_sends_a_body_before_they_are_refused_and_only_an_import_is_that_large(
    api: Api,
) -> None:
    _, reads = await api.key("bo", "read")
    assert len(BODIES) >= 25

    for method, path in BODIES:
        assert await status_of_head(api, method, path, reads) == 403, path

    _, admin = await api.key("bo", "admin")
    expect = "Expect: 100-continue\r\n"

    for method in ("GET", "PUT", "DELETE"):
        assert await status_of_head(api, method, "/v1/runs/import", admin, expect=expect) == 413
    assert await status_of_head(api, "POST", "/v1/runs/import", admin, expect=expect) == 100


async def test_a_revoked_key_opens_nothing_at_once_and_the_list_forgets_it_long_after(world: World, api: Api) -> None:
    revoked, text = await api.key("bo")
    kept, _ = await api.key("bo")
    client = api.with_key(text)
    assert (await client.get("/v1/runs")).status_code == 200
    await api.keyring.revoke(f"sayso_{revoked.prefix}", None, proof=None)
    refused(await client.get("/v1/runs"), 401, "no-key")
    assert {key.prefix: bool(key.revoked_at) for key, _ in await api.keyring.all()} == {
        revoked.prefix: True, kept.prefix: False,
    }  # fmt: skip
    await world.move_time(399 * 86_400)
    await world.now()
    younger, _ = await api.key("bo")
    await world.move_time(2 * 86_400)
    await world.now()
    assert {key.prefix for key, _ in await api.keyring.all()} == {revoked.prefix, kept.prefix, younger.prefix}

    newest, _ = await api.key("bo")

    assert {key.prefix for key, _ in await api.keyring.all()} == {kept.prefix, younger.prefix, newest.prefix}


async def test_attack_a_key_that_is_revoked_while_a_body_is_on_its_way_approves_nothing(world: World, api: Api) -> None:
    request = (await world.opened(await world.trigger("press bell"))).request
    key, text = await api.key("bo")
    body = json.dumps({"vote": "approve", "digest": request.digest}).encode()
    head = f"POST /v1/requests/{request.id}/answer HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {text}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"

    async def is_let_in() -> bool:
        return any(used for _, used in await api.keyring.all())

    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(head.encode() + body[:1])
    await until(is_let_in, what="the key has been looked at")
    await api.keyring.revoke(key.prefix, None, proof=None)
    writer.write(body[1:])
    line = await reader.readline()
    writer.close()

    assert int(line.split()[1]) == 401
    assert (await world.request(request.id)).state == "open"


async def test_a_key_of_somebody_who_has_left_opens_nothing(world: World, api: Api) -> None:
    _, text = await api.key("dan")
    world.toml = (
        world.toml.replace("people.dan", "people.eve")
        .replace("dan@corp", "eve@corp")
        .replace("person:dan", "person:eve")
    )

    async with world.stopped():
        pass

    assert await Api(world.app, api.port).keyring.find(text) is None


async def test_at_rest_there_is_only_a_hash(world: World, api: Api) -> None:
    _, text = await api.key("bo")

    client = Client(world.url)
    stored = await client.do("HGETALL", "{s0}:api_keys")
    await client.close()

    everything = repr(stored)
    assert hashlib.sha256(text.encode()).hexdigest() in everything
    assert text.rpartition("_")[2] not in everything


async def test_a_key_has_an_owner_known_scopes_and_people_and_what_it_may_ask_exists(api: Api) -> None:
    for ref in ("person:nobody", "group:nothing", "policy:nothing", "bo", "role:boss", "policy:", ""):
        with pytest.raises(Invalid, match="to ask"):
            await api.key(service="ci", asks=[ref])
    await api.key(service="ci", asks=["person:bo", "group:release", "policy:pair", "person:bo"])
    [(key, _)] = await api.keyring.all()
    assert key.asks == key.may_ask() == ("person:bo", "group:release", "policy:pair")

    keyring = api.keyring

    with pytest.raises(Invalid, match="one person or to one service"):
        await keyring.create(scopes=["read"])
    with pytest.raises(Invalid, match="one person or to one service"):
        await keyring.create(person="bo", service="ci", scopes=["read"])
    with pytest.raises(Invalid, match="opens nothing"):
        await keyring.create(person="bo", scopes=[])
    with pytest.raises(Invalid, match="no scope root"):
        await keyring.create(person="bo", scopes=["root"])
    with pytest.raises(Invalid, match="no name for a service"):
        await keyring.create(service="c i", scopes=["read"])
    with pytest.raises(NotFound):
        await keyring.create(person="nobody", scopes=["read"])
    with pytest.raises(NotFound, match="no key"):
        await keyring.revoke("aaaaaaaa", None, proof=None)
