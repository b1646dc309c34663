"""Attacks on what stands in the store between an approval and its execution: the arguments are others than approved."""

import json

import pytest

from agents.requests import RunId
from bot.store.client import Client
from bot.store.keys import Keys
from tests.kit.world import World


async def rewritten(world: World, run_id: RunId, kind: str, before: str, after: str) -> None:
    """Whoever writes to Redis puts another word into the newest event of a kind; its digest stays as it is."""
    client, key = Client(world.url), Keys.of(run_id).run(run_id)
    entries: list[tuple[bytes, dict[bytes, bytes]]] = await client.do("XRANGE", key, "-", "+")
    newest = [fields for _, fields in entries if json.loads(fields[b"e"])["type"] == kind][-1]
    newest[b"e"] = newest[b"e"].replace(json.dumps(before).encode(), json.dumps(after).encode())
    await client.do("DEL", key)
    for place, fields in entries:
        await client.do("XADD", key, place, *(part for pair in fields.items() for part in pair))
    await client.close()


@pytest.mark.parametrize(
    ("is_edited", "kind"), [(False, "step_chosen"), (True, "request_revised")], ids=["as chosen", "as edited"]
)
async def test_attack_arguments_that_are_others_when_it_is_to_start_are_not_executed(
    world: World, *, is_edited: bool, kind: str
) -> None:
    world.workshop.editable = ("what",)
    record = await world.opened(await world.trigger("press bell"))
    run_id, request_id = record.request.run_id, record.request.id
    if is_edited:
        await world.edit("bo", record, what="gong")
    await world.steer(run_id, "pause")
    approved = await world.request(request_id)
    await world.decide("cy", approved, "approve")

    async with world.stopped():
        await rewritten(world, run_id, kind, "gong" if is_edited else "bell", "siren")
    world.is_tampered = True
    await world.steer(run_id, "resume")
    again = await world.opened(run_id, after=request_id)

    assert world.workshop.started == []
    assert (await world.request(request_id)).state == "superseded"
    assert again.request.call
    assert (again.request.title, again.request.call.arguments) == ("Press siren?", {"what": "siren"})
    assert again.request.digest != approved.request.digest
