"""Standing approvals over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.bot.web.problems import refused
from tests.kit.world import World
from tests.servers.web import Api, serving
from tests.stories.people.standing import an_office, done_once, granted, is_asked


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with an_office(redis, tmp_path) as office:
        yield office


@pytest.fixture
async def api(office: World) -> AsyncIterator[Api]:
    async with serving(office.app) as api:
        yield api


async def test_it_is_asked_for_and_its_card_says_all_of_it(office: World, api: Api) -> None:
    run_id, anna = await done_once(office), await api.client("anna")
    until = (await office.now() + timedelta(days=2)).isoformat()

    body = {"run": run_id, "uses": 2, "until": until, "open": ["what"]}

    answer = await anna.post("/v1/standing", json=body, headers={"Idempotency-Key": "once"})
    again = await anna.post("/v1/standing", json=body, headers={"Idempotency-Key": "once"})

    refused(await (await api.client("dan")).post("/v1/standing", json=body), 404, "not-found")
    assert answer.status_code == 201, answer.text
    request = answer.json()
    assert answer.headers["location"] == f"/v1/requests/{request['id']}"
    assert (request["state"], request["may_decide"], request["policy"]) == ("open", ["bo", "cy"], "production")
    assert again.json()["id"] == request["id"]
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert request["call"]["arguments"]["pattern"]["open"] == ["what"]
    assert request["title"] == "“Press bell” (or any other what), 2 more times without asking?"


async def test_a_service_neither_asks_for_one_nor_revokes_one(office: World, api: Api) -> None:
    standing = await granted(office, await done_once(office))
    service = await api.client(None, "trigger", "read", "answer", service="ci", acts_for=["anna"])
    until = (await office.now() + timedelta(days=2)).isoformat()

    asked = await service.post("/v1/standing", json={"run": standing.approval.run_id, "uses": 1, "until": until})
    revoked = await service.post(f"/v1/standing/{standing.approval.id}/revoke", json={})

    refused(asked, 403, "not-yours")
    refused(revoked, 403, "not-yours")
    assert not await is_asked(office)
