"""`sayso-client`, from a program's side, against a sayso that serves HTTP."""

import asyncio
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field
from sayso_client import (
    Answered,
    AsyncApproved,
    AsyncHumans,
    Denied,
    Expired,
    Pending,
    Refused,
    Revoked,
    Withdrawn,
)

from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.balancer import Balancer
from tests.servers.web import Api

TO = "group:release"
WHAT: dict[str, Any] = {"policy": "production", "arguments": {"name": "staging-3"}}


async def asker(api: Api) -> AsyncHumans:
    """People, as a program with a key that only asks reaches them."""
    _, key = await api.key(None, "ask", service="ci", acts_for=["anna"], asks=[TO, "policy:production"])
    return AsyncHumans(api.url, key)


async def opened(api: Api) -> dict[str, Any]:
    """The newest request, once it is open."""
    bo, found = await api.client("bo"), list[dict[str, Any]]()

    async def is_open() -> bool:
        nonlocal found
        found = (await bo.get("/v1/requests?state=open")).json()["requests"]
        return bool(found)

    await until(is_open, what="a request is open")
    return found[0]


async def given(api: Api, person: str = "bo", **body: Any) -> None:
    """Answer what is open."""
    request = await opened(api)
    if "vote" in body:
        body |= {"digest": request["digest"]}
    answer = await (await api.client(person)).post(f"/v1/requests/{request['id']}/answer", json=body)
    assert answer.status_code == 200, answer.text


async def approved_by_bo(humans: AsyncHumans, api: Api) -> AsyncApproved:
    """What a program may begin, under the key `staging-3`."""
    asking = asyncio.create_task(humans.approve("Delete staging-3", **WHAT, key="staging-3"))
    await given(api, vote="approve", reason="thanks")
    approved = await asking
    assert isinstance(approved, AsyncApproved)
    return approved


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


@dataclass
class Window:
    begins: date
    hours: float
    size: Size
    silent: bool = False
    ticket: str | None = None


class Trip(BaseModel):
    city: str
    why: str | None


class Refund(BaseModel):
    """How much goes back."""

    cents: int = Field(gt=0, le=10_000, description="Never more than was paid")
    size: Size
    why: str | None = None


async def test_an_answer_is_of_the_type_that_was_asked_for(api: Api) -> None:
    """What a model says of a field is held against it, and nothing is sent that people can't be asked for."""
    window = {"begins": "2026-12-24", "hours": 2, "size": "small"}
    rows: tuple[tuple[dict[str, Any], dict[str, Any], object], ...] = (
        ({}, {"text": "Take the second one"}, "Take the second one"),
        ({"answer": bool}, {"text": "no"}, False),
        ({"options": ["red one", "blue one"]}, {"choices": ["blue one"]}, "blue one"),
        ({"answer": list[str], "options": ["red", "blue"]}, {"choices": ["blue", "red"]}, ["blue", "red"]),
        ({"answer": Size}, {"choices": ["large"]}, Size.LARGE),
        ({"answer": list[Size]}, {"choices": ["large"]}, [Size.LARGE]),
        ({"answer": Literal["one way", "another"]}, {"choices": ["another"]}, "another"),
        ({"answer": Window}, {"form": window}, Window(date(2026, 12, 24), 2.0, Size.SMALL)),
        ({"answer": Trip}, {"form": {"city": "Oslo"}}, Trip(city="Oslo", why=None)),
        ({"answer": Refund}, {"form": {"cents": 900, "size": "large"}}, Refund(cents=900, size=Size.LARGE)),
    )
    async with await asker(api) as humans:
        for asked, body, answer in rows:
            asking = asyncio.create_task(humans.ask("Which one?", to=TO, **asked))
            if asked.get("answer") is Refund:
                request, bo = await opened(api), await api.client("bo")
                wrong = {"form": {"cents": 20_000, "size": "small"}}
                assert (await bo.post(f"/v1/requests/{request['id']}/answer", json=wrong)).status_code == 422
                assert [field["name"] for field in request["fields"]] == ["cents", "size", "why"]
                assert "How much goes back" in request["quoted"]
            await given(api, **body)
            told = await asking
            assert isinstance(told, Answered)
            assert (told.answer, type(told.answer), told.by) == (answer, type(answer), ("bo",))
        with pytest.raises(TypeError, match="a dataclass, or a pydantic model"):
            await humans.ask("Which?", to=TO, answer=bytes)


async def test_the_same_key_finds_the_request_again_open_or_decided(api: Api) -> None:
    """Also the one that was made for who gave none; another question under it is refused in words."""
    async with await asker(api) as humans:
        first = await humans.ask("May it go?", to=TO, answer=bool, key="staging-3", wait_s=0)
        assert isinstance(first, Pending)
        assert first.asked == ("bo", "cy")
        await given(api, text="yes")
        again = await humans.ask("May it go?", to=TO, answer=bool, key="staging-3")
        own = [await humans.ask("May it go?", to=TO, wait_s=0) for _ in "12"]
        assert isinstance(own[0], Pending)
        found = await humans.ask("May it go?", to=TO, wait_s=0, key=own[0].key)
        with pytest.raises(Refused, match="key") as refused:
            await humans.ask("May staging-7 go?", to=TO, key="staging-3", wait_s=0)

    assert isinstance(again, Answered)
    assert (again.id, again.answer) == (first.id, True)
    assert found.id == own[0].id != own[1].id
    assert (refused.value.status, refused.value.kind) == (409, "key-reused")


async def test_whoever_waits_for_hours_does_so_behind_a_balancer_that_holds_no_call_for_30_s(api: Api) -> None:
    _, key = await api.key(None, "ask", service="ci", acts_for=["anna"], asks=[TO])
    async with Balancer(api.port) as balancer, AsyncHumans(balancer.url, key) as humans:
        asking = asyncio.create_task(humans.ask("Which one?", to=TO, wait_s=7_200))
        await until(lambda: balancer.held, what="it waits")
        await given(api, text="The red one")
        told = await asking

    assert isinstance(told, Answered)
    assert balancer.held == 1


async def test_an_approval_is_begun_once_and_people_hear_what_came_of_it(api: Api) -> None:
    """An attempt with a name is told the same again, until it has finished."""
    async with await asker(api) as humans:
        approved = await approved_by_bo(humans, api)
        started, again = await approved.start("worker-7"), await approved.start("worker-7")
        with pytest.raises(Refused) as refused:
            await approved.start()
        await started.finish("staging-3 is gone")
        with pytest.raises(Refused, match="staging-3 is gone") as finished:
            await approved.start("worker-7")
        after = await humans.approve("Delete staging-3", **WHAT, key="staging-3")

    assert approved.by == ("bo",)
    assert (started.attempt, started.started_at) == (again.attempt, again.started_at)
    assert (started.attempt, started.arguments) == ("worker-7", {"name": "staging-3"})
    assert (refused.value.kind, finished.value.kind) == ("already-begun", "already-finished")
    assert isinstance(after, AsyncApproved)
    assert after.came_of
    assert (after.came_of.ok, after.came_of.summary) == (True, "staging-3 is gone")


async def test_each_way_to_end_is_told_apart(world: World, api: Api) -> None:
    async with await asker(api) as humans:
        asking = asyncio.create_task(humans.approve("Delete staging-3", **WHAT))
        await given(api, vote="deny", reason="not during the sale")
        denied = await asking
        approved = await approved_by_bo(humans, api)
        stopped = await (await api.client("bo")).post(f"/v1/requests/{approved.id}/answer", json={"vote": "deny"})
        with pytest.raises(Refused) as refused:
            await approved.start()
        revoked = await humans.approve("Delete staging-3", **WHAT, key="staging-3")
        pending = await humans.ask("May it go?", to=TO, key="first", wait_s=0)
        await humans.withdraw(pending.id)
        withdrawn = await humans.ask("May it go?", to=TO, key="first")
        await humans.ask("And this one?", to=TO, key="second", wait_s=0, expires_after_s=3600)
        await world.move_time(3601)
        expired = await humans.ask("And this one?", to=TO, key="second", expires_after_s=3600)

    assert isinstance(denied, Denied)
    assert (denied.by, denied.reason) == (("bo",), "not during the sale")
    assert str(denied) == f"{denied.id}: denied by bo: not during the sale"
    assert stopped.status_code == 200, stopped.text
    assert (refused.value.kind, isinstance(revoked, Revoked) and revoked.by) == ("closed", ("bo",))
    assert (type(withdrawn), type(expired)) == (Withdrawn, Expired)
