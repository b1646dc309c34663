"""The directory, and what was given up on or is quarantined, over HTTP."""

from bot.audit.sealer import head_of
from bot.store import Keys
from tests.bot.web.problems import refused
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.web import Api


async def held(world: World) -> str:
    """The id of a message that claims to be Bo's answer."""
    await world.opened(await world.trigger("press bell"))
    letter = await world.next_mail("bo")
    await world.send("bo", letter.reply_to or "", "approve", login=None)
    await until(world.dead, what="it is held")
    [name] = await world.app.store.lists.dead()
    return name


async def test_readers_learn_how_people_are_called_and_admins_freeze(api: Api) -> None:
    reader = await api.client("anna", "read")

    people = (await reader.get("/v1/people")).json()["people"]

    assert people[0] == {"id": "anna", "name": "Anna Ames"}
    assert [person["id"] for person in people] == ["anna", "bo", "cy", "dan"]
    refused(await (await api.client("anna", "trigger")).get("/v1/people"), 403, "scope-missing")

    dan, bo = await api.client("dan", "admin"), await api.client("bo", "read", "steer")
    body = {"environment": "production", "reason": "incident 4711"}

    refused(await bo.post("/v1/freeze", json=body), 403, "scope-missing")
    made = (await dan.post("/v1/freeze", json=body)).json()
    again = (await dan.post("/v1/freeze", json={**body, "reason": "another"})).json()
    listed = (await bo.get("/v1/freezes")).json()["freezes"]
    refused(await dan.post("/v1/unfreeze", json={"reason": " "}), 422, "invalid")
    refused(await bo.post("/v1/unfreeze", json=body), 403, "scope-missing")
    status = (await bo.get("/v1/status")).json()["frozen"]
    refused(await dan.post("/v1/unfreeze", json={**body, "seen": made["seen"]}), 409, "not-now")
    ended = await dan.post("/v1/unfreeze", json={**body, "seen": again["seen"]})

    assert (made["environment"], made["by"], made["reason"]) == ("production", "dan", "incident 4711")
    assert status == [again["told"]]
    assert (again["reason"], again["again_by"], again["again_reason"]) == ("incident 4711", "dan", "another")
    assert [one["reason"] for one in listed] == ["incident 4711"]
    assert ended.json()["told"] == "production is no longer frozen."
    refused(await dan.post("/v1/unfreeze", json=body), 404, "not-found")
    assert (await bo.get("/v1/freezes")).json() == {"freezes": [], "coming": []}


async def test_what_is_held_is_looked_after_with_an_admin_s_key_alone(world: World, api: Api) -> None:
    name, dan, bo = await held(world), await api.client("dan", "admin"), await api.client("bo")

    [letter] = (await dan.get("/v1/dead")).json()["letters"]
    through = await dan.post(f"/v1/dead/{name}/requeue")
    asked = await dan.post(f"/v1/dead/{name}/confirm")
    gone = await dan.post(f"/v1/dead/{name}/discard")

    assert (letter["id"], letter["kind"], letter["claims"]) == (name, "quarantined", "bo@corp.example")
    assert "can't be let through as somebody's word" in refused(through, 409, "not-now")
    assert asked.json() == {
        "id": name,
        "told": "Bo Berg is asked whether it was theirs. It stays quarantined whatever they say.",
    }
    assert gone.json()["told"] == f"{name} is discarded."
    assert (await dan.get("/v1/dead")).json() == {"letters": []}
    refused(await bo.get("/v1/dead"), 403, "scope-missing")
    for verb in ("requeue", "confirm", "discard"):
        refused(await bo.post(f"/v1/dead/{name}/{verb}"), 403, "scope-missing")
        refused(await dan.post(f"/v1/dead/{name}/{verb}"), 404, "not-found")


async def test_the_status_says_that_the_end_of_the_audit_log_is_not_what_the_store_notes(
    world: World, api: Api
) -> None:
    await world.ended(await world.trigger("stamp book"))
    await world.seal()
    bo, said = await api.client("bo"), "the newest record of the audit log is not the one that the store notes"
    assert said not in (await bo.get("/v1/status")).text

    [shard, *_] = [one for one in range(world.app.store.shards) if (await head_of(world.app.store, one)).n]
    await world.app.store.client.do("DEL", Keys(shard).audit_chain)

    assert f"{said} as its head (shards {shard})" in (await bo.get("/v1/status")).text
