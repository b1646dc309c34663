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


@pytest.mark.parametrize(
    ("asked", "body", "answer"),
    [
        ({}, {"text": "Take the second one"}, "Take the second one"),
        ({"answer": bool}, {"text": "no"}, False),
        ({"options": ["red one", "blue one"]}, {"choices": ["blue one"]}, "blue one"),
        ({"answer": list[str], "options": ["red", "blue"]}, {"choices": ["blue", "red"]}, ["blue", "red"]),
        ({"answer": Size}, {"choices": ["large"]}, Size.LARGE),
        ({"answer": list[Size]}, {"choices": ["large"]}, [Size.LARGE]),
        ({"answer": Literal["one way", "another"]}, {"choices": ["another"]}, "another"),
        (
            {"answer": Window},
            {"form": {"begins": "2026-12-24", "hours": 2, "size": "small"}},
            Window(date(2026, 12, 24), 2.0, Size.SMALL),
        ),
        ({"answer": Trip}, {"form": {"city": "Oslo"}}, Trip(city="Oslo", why=None)),
        (
            {"answer": Refund},
            {"form": {"cents": 900, "size": "large"}},
            Refund(cents=900, size=Size.LARGE),
        ),
    ],
)
async def test_an_answer_is_of_the_type_that_was_asked_for(
    world: World, api: Api, asked: dict[str, Any], body: dict[str, Any], answer: object
) -> None:
    async with await asker(api) as humans:
        asking = asyncio.create_task(humans.ask("Which one?", to=TO, **asked))
        await given(api, **body)
        told = await asking

    assert isinstance(told, Answered)
    assert (told.answer, type(told.answer), told.by) == (answer, type(answer), ("bo",))


async def test_what_a_model_says_of_a_field_is_held_against_the_answer(world: World, api: Api) -> None:
    async with await asker(api) as humans:
        asking = asyncio.create_task(humans.ask("How much?", to=TO, answer=Refund))
        request = await opened(api)
        bo = await api.client("bo")
        refused = await bo.post(
            f"/v1/requests/{request['id']}/answer", json={"form": {"cents": 20_000, "size": "small"}}
        )
        asking.cancel()

    assert refused.status_code == 422
    assert [field["name"] for field in request["fields"]] == ["cents", "size", "why"]
    assert "How much goes back" in request["quoted"]


async def test_nothing_that_people_cannot_be_asked_for_is_sent(world: World, api: Api) -> None:
    async with await asker(api) as humans:
        with pytest.raises(TypeError, match="a dataclass, or a pydantic model"):
            await humans.ask("Which?", to=TO, answer=bytes)


async def test_the_same_key_finds_the_request_again_open_or_decided(world: World, api: Api) -> None:
    async with await asker(api) as humans:
        first = await humans.ask("May it go?", to=TO, answer=bool, key="staging-3", wait_s=0)
        assert isinstance(first, Pending)
        assert first.asked == ("bo", "cy")
        await given(api, text="yes")
        again = await humans.ask("May it go?", to=TO, answer=bool, key="staging-3")

    assert isinstance(again, Answered)
    assert (again.id, again.answer) == (first.id, True)


async def test_whoever_waits_for_hours_does_so_behind_a_balancer_that_holds_no_call_for_30_s(
    world: World, api: Api
) -> None:
    _, key = await api.key(None, "ask", service="ci", acts_for=["anna"], asks=[TO])
    async with Balancer(api.port) as balancer, AsyncHumans(balancer.url, key) as humans:
        asking = asyncio.create_task(humans.ask("Which one?", to=TO, wait_s=7_200))
        await until(lambda: balancer.held, what="it waits")
        await given(api, text="The red one")
        told = await asking

    assert isinstance(told, Answered)
    assert balancer.held == 1


async def test_without_a_key_each_call_asks_anew(world: World, api: Api) -> None:
    async with await asker(api) as humans:
        first = await humans.ask("May it go?", to=TO, wait_s=0)
        second = await humans.ask("May it go?", to=TO, wait_s=0)

    assert isinstance(first, Pending)
    assert isinstance(second, Pending)
    assert first.id != second.id


async def test_another_question_under_the_same_key_is_refused_in_words(world: World, api: Api) -> None:
    async with await asker(api) as humans:
        await humans.ask("May staging-3 go?", to=TO, key="staging", wait_s=0)
        with pytest.raises(Refused, match="key") as refused:
            await humans.ask("May staging-7 go?", to=TO, key="staging", wait_s=0)

    assert (refused.value.status, refused.value.kind) == (409, "key-reused")


async def test_an_approval_is_begun_once_and_people_hear_what_came_of_it(world: World, api: Api) -> None:
    async with await asker(api) as humans:
        approved = await approved_by_bo(humans, api)
        started = await approved.start()
        with pytest.raises(Refused) as refused:
            await approved.start()
        await started.finish("staging-3 is gone")
        after = await humans.approve("Delete staging-3", **WHAT, key="staging-3")

    assert approved.by == ("bo",)
    assert started.arguments == {"name": "staging-3"}
    assert refused.value.kind == "already-begun"
    assert isinstance(after, AsyncApproved)
    assert after.came_of
    assert (after.came_of.ok, after.came_of.summary) == (True, "staging-3 is gone")


async def test_an_attempt_with_a_name_is_told_the_same_again(world: World, api: Api) -> None:
    async with await asker(api) as humans:
        approved = await approved_by_bo(humans, api)
        first, second = await approved.start("worker-7"), await approved.start("worker-7")

    assert (first.attempt, first.started_at) == (second.attempt, second.started_at) == ("worker-7", first.started_at)


async def test_a_named_attempt_that_has_finished_is_not_begun_again(world: World, api: Api) -> None:
    async with await asker(api) as humans:
        approved = await approved_by_bo(humans, api)
        await (await approved.start("worker-7")).finish("staging-3 is gone")
        with pytest.raises(Refused, match="staging-3 is gone") as refused:
            await approved.start("worker-7")

    assert refused.value.kind == "already-finished"


async def test_who_gave_no_key_reads_the_one_that_finds_the_request_again(world: World, api: Api) -> None:
    async with await asker(api) as humans:
        first = await humans.ask("May it go?", to=TO, wait_s=0)
        assert isinstance(first, Pending)
        again = await humans.ask("May it go?", to=TO, wait_s=0, key=first.key)

    assert isinstance(again, Pending)
    assert again.id == first.id


async def test_a_denial_comes_with_its_reason_and_allows_nothing(world: World, api: Api) -> None:
    async with await asker(api) as humans:
        asking = asyncio.create_task(humans.approve("Delete staging-3", **WHAT))
        await given(api, vote="deny", reason="not during the sale")
        told = await asking

    assert isinstance(told, Denied)
    assert (told.by, told.reason) == (("bo",), "not during the sale")
    assert str(told) == f"{told.id}: denied by bo: not during the sale"


async def test_an_approval_that_was_taken_back_is_told_apart(world: World, api: Api) -> None:
    async with await asker(api) as humans:
        approved = await approved_by_bo(humans, api)
        stopped = await (await api.client("bo")).post(f"/v1/requests/{approved.id}/answer", json={"vote": "deny"})
        assert stopped.status_code == 200, stopped.text
        with pytest.raises(Refused) as refused:
            await approved.start()
        again = await humans.approve("Delete staging-3", **WHAT, key="staging-3")

    assert refused.value.kind == "closed"
    assert isinstance(again, Revoked)
    assert again.by == ("bo",)


async def test_what_is_taken_back_and_what_expires_are_no_denial(world: World, api: Api) -> None:
    async with await asker(api) as humans:
        pending = await humans.ask("May it go?", to=TO, key="first", wait_s=0)
        await humans.withdraw(pending.id)
        withdrawn = await humans.ask("May it go?", to=TO, key="first")
        await humans.ask("And this one?", to=TO, key="second", wait_s=0, expires_after_s=3600)
        await world.move_time(3601)
        expired = await humans.ask("And this one?", to=TO, key="second", expires_after_s=3600)

    assert isinstance(withdrawn, Withdrawn)
    assert isinstance(expired, Expired)
