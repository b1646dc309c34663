"""Changing what is asked over HTTP: by itself, and shown back before it is approved with one call."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.policy.record import RequestRecord
from tests.bot.web.problems import refused
from tests.office import TOML
from tests.servers.web import serving
from tests.world import World, a_world

_OWN = TOML.replace("[policies.production]", "[policies.production]\neditor_may_approve = true")


def _editable(world: World) -> None:
    world.workshop.editable = ("what",)


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncGenerator[World]:
    async with a_world(redis, tmp_path / "data", change=_editable) as world:
        yield world


@pytest.fixture
async def own_office(redis: str, tmp_path: Path) -> AsyncGenerator[World]:
    async with a_world(redis, tmp_path / "data", _OWN, change=_editable) as world:
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
        bo, anna = await api.client("bo"), await api.client("anna")
        record = await office.opened(await office.trigger("press bell"))
        digest, path = record.request.digest, _path(record, "edit")

        refused(await anna.post(path, json={"args": {"what": "gong"}, "digest": digest}), 403, "not-entitled")
        names = await bo.post(path, json={"args": {"where": "here"}, "digest": digest})
        assert "They may change: what" in refused(names, 422, "not-editable")
        refused(await bo.post(path, json={"args": {"what": [7]}, "digest": digest}), 422, "not-editable")
        refused(await bo.post(path, json={"args": {"what": "gong"}, "digest": "0" * 64}), 409, "digest-moved")
        refused(await bo.post(path, json={"args": {"what": "bell"}, "digest": digest}), 409, "not-now")
        assert (await office.request(record.request.id)).request == record.request
        await office.decide("cy", record, "deny")
        refused(await bo.post(path, json={"args": {"what": "gong"}, "digest": digest}), 409, "already-decided")


async def test_a_services_key_edits_nothing(office: World) -> None:
    async with serving(office.app) as api:
        ci, record = (
            await api.client(service="ci", acts_for=["anna"]),
            await office.opened(await office.trigger("press bell")),
        )

        made = await ci.post(_path(record, "edit"), json={"args": {"what": "gong"}, "digest": record.request.digest})

        refused(made, 403, "not-for-programs")


async def test_a_vote_with_arguments_is_shown_back_first_and_counts_with_the_digest_of_the_changed_call(
    own_office: World,
) -> None:
    async with serving(own_office.app) as api:
        bo, record = await api.client("bo"), await own_office.opened(await own_office.trigger("press bell"))
        wanted = {"vote": "approve", "args": {"what": "gong"}}

        shown = await bo.post(_path(record, "answer"), json={**wanted, "digest": record.request.digest})

        refused(shown, 409, "edit-shown")
        assert shown.json()["difference"] == [{"field": "what", "before": "bell", "now": "gong"}]
        assert (await own_office.request(record.request.id)).request == record.request
        seen = shown.json()["judgement"]["digest"]
        made = await bo.post(_path(record, "answer"), json={**wanted, "digest": seen})
        assert (made.status_code, made.json()["judgement"]["type"]) == (200, "decided")
        assert made.json()["judgement"]["vote"]["digest"] == seen
        assert await own_office.summary(record.request.run_id) == "done: ok: press gong: done"


async def test_a_vote_with_arguments_never_approves_where_others_have_to(office: World) -> None:
    async with serving(office.app) as api:
        bo, record = await api.client("bo"), await office.opened(await office.trigger("press bell"))
        wanted = {"vote": "approve", "args": {"what": "gong"}}
        shown = await bo.post(_path(record, "answer"), json={**wanted, "digest": record.request.digest})

        again = await bo.post(_path(record, "answer"), json={**wanted, "digest": shown.json()["judgement"]["digest"]})

        assert "/edit; others approve it then" in again.json()["do"]
        refused(again, 409, "edit-shown")
        assert (await office.request(record.request.id)).request == record.request


async def test_what_moved_between_being_shown_and_being_approved_is_shown_again(own_office: World) -> None:
    async with serving(own_office.app) as api:
        bo, record = await api.client("bo"), await own_office.opened(await own_office.trigger("press bell"))
        wanted = {"vote": "approve", "args": {"what": "gong"}}
        shown = await bo.post(_path(record, "answer"), json={**wanted, "digest": record.request.digest})
        own_office.workshop.meaning["gong"] = "another gong"

        again = await bo.post(_path(record, "answer"), json={**wanted, "digest": shown.json()["judgement"]["digest"]})

        refused(again, 409, "digest-moved")
        assert own_office.workshop.effects == []
