"""Changing what is asked over HTTP: by itself, and shown back before it is approved with one call."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.policy.record import RequestRecord
from tests.bot.web.problems import refused
from tests.kit.world import World, a_world
from tests.servers.web import serving


def _editable(world: World) -> None:
    world.workshop.editable = ("what",)


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncGenerator[World]:
    async with a_world(redis, tmp_path / "data", change=_editable) as world:
        yield world


def _path(record: RequestRecord, verb: str) -> str:
    return f"/v1/requests/{record.request.id}/{verb}"


async def test_an_edit_is_told_with_the_request_as_it_stands_then(office: World) -> None:
    async with serving(office.app) as api:
        bo, record = await api.client("bo"), await office.opened(await office.trigger("press bell"))
        body = {"args": {"what": "gong"}, "digest": record.request.digest}

        made = await bo.post(_path(record, "edit"), json=body)

        said = made.json()
        assert (made.status_code, said["judgement"]["type"]) == (200, "edited")
        assert said["request"]["call"]["arguments"] == {"what": "gong"}
        assert (said["request"]["edits"], said["request"]["may_decide"]) == ({"what": ["bo"]}, ["cy"])
        assert said["request"]["may_not_decide"] == {"bo": "changed what and may only deny it"}
        assert said["judgement"]["digest"] == said["request"]["digest"] != record.request.digest
        own = await bo.post(_path(record, "answer"), json={"vote": "approve", "digest": said["request"]["digest"]})
        assert "others approve it" in refused(own, 403, "not-entitled")


async def test_an_edit_that_is_refused_says_why_and_changes_nothing(office: World) -> None:
    async with serving(office.app) as api:
        bo, dan = await api.client("bo"), await api.client("dan")
        record = await office.opened(await office.trigger("press bell"))
        digest, path = record.request.digest, _path(record, "edit")

        refused(await dan.post(path, json={"args": {"what": "gong"}, "digest": digest}), 404, "not-found")
        names = await bo.post(path, json={"args": {"where": "here"}, "digest": digest})
        assert "They may change: what" in refused(names, 422, "not-editable")
        refused(await bo.post(path, json={"args": {"what": [7]}, "digest": digest}), 422, "not-editable")
        refused(await bo.post(path, json={"args": {"what": "gong"}, "digest": "0" * 64}), 409, "digest-moved")
        refused(await bo.post(path, json={"args": {"what": "bell"}, "digest": digest}), 409, "not-now")
        assert (await office.request(record.request.id)).request == record.request
        await office.decide("cy", record, "deny")
        refused(await bo.post(path, json={"args": {"what": "gong"}, "digest": digest}), 409, "already-decided")


async def test_whoever_asked_changes_any_argument_by_a_key_that_steers(world: World) -> None:
    async with serving(world.app) as api:
        anna, answers = await api.client("anna"), await api.client("anna", "read", "answer")
        record = await world.opened(await world.trigger("press bell"))
        body = {"args": {"what": "horn"}, "digest": record.request.digest}

        refused(await answers.post(_path(record, "edit"), json=body), 403, "scope-missing")
        made = await anna.post(_path(record, "edit"), json=body)

        said = made.json()["request"]
        assert (made.status_code, said["call"]["arguments"], said.get("edits", {})) == (200, {"what": "horn"}, {})


async def test_a_services_key_edits_nothing(office: World) -> None:
    async with serving(office.app) as api:
        ci, record = (
            await api.client(service="ci", acts_for=["anna"]),
            await office.opened(await office.trigger("press bell")),
        )

        made = await ci.post(_path(record, "edit"), json={"args": {"what": "gong"}, "digest": record.request.digest})

        refused(made, 403, "not-for-programs")
