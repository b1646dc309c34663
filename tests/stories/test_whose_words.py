"""Whoever's words a model has read decides nothing of what it chooses then."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from agents.events import StepChosen
from agents.requests import FromTrigger, PersonId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from agents.steps import CallTool, Step
from bot.people.offers import deciders
from bot.runs.api_requests import Asker
from bot.runs.start import Sent
from channels import Trigger
from tests.kit.long import few_of
from tests.kit.tables import becomes
from tests.stories.whose_words import (
    BEGIN,
    GIVES_UP,
    Plan,
    Walk,
    a_walk,
    file_of,
    question,
    ring,
    survey,
    table,
    toml_of,
)

THREAD = "C01OPS/1712345678.000100"
Where = Literal["here", "above", "below", "copied"]


FAILS = ("fails", "fails", "fails")


async def asks(walk: Walk) -> None:
    """Anna asks for something."""
    item = walk.hallway.begins("anna", f"ring, {walk.text('anna', 'asked')}", THREAD)
    await walk.app.messages.inbox.accept(item)


async def asks_about(walk: Walk) -> None:
    """Anna asks for something about a message of Bo's."""
    said = Trigger(person="anna", text=f"this\n> {walk.text('bo', 'quoted')}", quotes=True, written_by="U0BO")
    await walk.app.messages.inbox.accept(walk.hallway.item(said))


async def sets_off(walk: Walk) -> None:
    """A trigger begins it in Anna's name, which Bo has set off by his login."""
    sent = Sent(origin=FromTrigger(name="hub", logins=("gh-bo",)), proof=None)
    await walk.app.runs.starter.start("hub", walk.text("bo", "set off"), PersonId("anna"), sent=sent, agent="bell")


async def says_nothing(_: Walk) -> None:
    """All was said as it began."""


@dataclass
class Way:
    """Bo types something as a run does this; others decide what waits then, without a word.

    It `is_read` by the model that chooses the next call.
    """

    steps: tuple[Step | Literal["fails"], ...]
    types: Callable[[Walk], Awaitable[object]]
    is_read: bool = True
    begins: Callable[[Walk], Awaitable[object]] = asks


async def open_one(walk: Walk) -> RequestRecord:
    [request_id] = await walk.app.store.lists.requests(only_open=True)
    return await walk.request(request_id)


def says(said: str, how: str = "", form: str = "{}", *, file: bool = False) -> Callable[[Walk], Awaitable[object]]:
    """Bo says it in answer to what is open."""

    async def typed(walk: Walk) -> None:
        record = await open_one(walk)
        call = record.request.call if said == "deny" else None
        text, files = walk.text("bo", how or said, call), ()
        if file:
            files, text = (file_of(text),), ""
        is_vote = said in {"approve", "deny", "break_glass"}
        more: dict[str, Any] = {"reason": text, "note_confirmed": True} if is_vote else {}
        await walk.told("bo", record, said, form.format(text).strip() or said, files=files, **more)

    return typed


def decided_first(then: str) -> Callable[[Walk], Awaitable[object]]:
    """Cy approves what is open, and then Bo denies it: while it is paused, or too late."""

    async def typed(walk: Walk) -> None:
        record = await open_one(walk)
        if then == "paused":
            await walk.steer(record.request.run_id, "pause", "anna")
        await walk.told("cy", record, "approve", "approve")
        await walk.settles()
        await walk.told("bo", record, "deny", text := walk.text("bo", "deny", record.request.call), reason=text)

    return typed


async def edits(walk: Walk) -> None:
    record, token = await open_one(walk), walk.words.of("bo", "edit")
    await walk.edit("bo", record, bell=f"v9 {token}")
    await walk.told("cy", await walk.request(record.request.id), "deny", "deny")


async def hands_on(walk: Walk) -> None:
    await walk.delegate("bo", await open_one(walk), "eve", walk.text("bo", "handed on"))


async def writes(walk: Walk) -> None:
    run = (await walk.live_runs())[-1]
    assert run.started
    said = walk.hallway.follows("bo", walk.text("bo", "wrote"), run.started.thread)
    await walk.app.messages.inbox.accept(said)


async def freezes(walk: Walk) -> None:
    await walk.app.requests.freezes.freeze("", PersonId("bo"), walk.text("bo", "froze"), proof=None)


async def says_what_it_did(walk: Walk) -> None:
    """Cy approves it, nobody knows whether it happened, and Bo says that it did not, with a file beside that."""
    record = await open_one(walk)
    await walk.told("cy", record, "approve", "approve")
    await walk.settles()
    walk.held[-1].set_result("unknown")
    await walk.settles()
    await says("free_text", "said what it did", file=True, form="2")(walk)


WAYS: Mapping[str, Way] = {
    "denies it": Way((ring("v1"),), says("deny")),
    "denies it by a file": Way((ring("v1"),), says("deny", file=True)),
    "takes back that it was approved": Way((ring("v1"),), decided_first("paused")),
    "denies it too late": Way((ring("v1"),), decided_first("begun")),
    "changes it": Way((ring("v1"),), edits),
    "writes beside a question": Way((question("yes_no", "person:dan"),), writes),
    "answers": Way((question("free_text", "person:bo"),), says("free_text")),
    "answers a form": Way((question("form", "person:bo"),), says("free_text", form="street: {}\ncity: Bonn")),
    "answers a choice with a file": Way((question("choice", "person:bo"),), says("free_text", file=True, form="1")),
    "answers a survey": Way((survey("bo"),), says("free_text")),
    "approves it with a note": Way((ring("v1"),), says("approve"), is_read=False),
    "breaks the glass": Way((ring("v1"),), says("break_glass"), is_read=False),
    "comments on it": Way((ring("v1"),), says("free_text"), is_read=False),
    "asks back": Way((ring("v1"),), says("ask", form="{}?"), is_read=False),
    "hands it on": Way((ring("v1"),), hands_on, is_read=False),
    "freezes it": Way((ring("v1"),), freezes, is_read=False),
    "comments on it, and it gets nowhere": Way((ring("v1"), *FAILS), says("free_text"), is_read=False),
    "hands it on, and it gets nowhere": Way((ring("v1"), *FAILS), hands_on, is_read=False),
    "wrote what is asked about": Way((), says_nothing, begins=asks_about),
    "sets it off": Way((), says_nothing, begins=sets_off),
    "says what it did with a file": Way((ring("v1"),), says_what_it_did, is_read=False),
}


async def moves_on(walk: Walk) -> None:
    """What a run waits for comes, by others than Bo, and without a word."""
    if live := [one for one in walk.held if not one.done()]:
        live[-1].set_result("unknown")
    elif paused := [run for run in await walk.live_runs() if run.is_paused]:
        await walk.steer(paused[0].id, "resume", "anna")
    elif await walk.app.requests.freezes.all():
        await walk.app.requests.freezes.unfreeze("", PersonId("fay"), "over", proof=None)
    elif await walk.app.store.lists.requests(only_open=True):
        record = await open_one(walk)
        may = [one for one in ("cy", "eve", "dan", "anna") if one in deciders(record, walk.people)]
        said, text = ("deny", "deny") if record.request.purpose == "gate" else ("free_text", "2")
        text = {"go_on": "1", "question": "yes"}.get(record.request.purpose, text)
        await walk.told(may[0], record, said, text)


async def comes_to(walk: Walk, call: CallTool) -> RequestRecord:
    """The run goes on until this call is asked for."""
    for _ in range(12):
        await walk.settles()
        await walk.check()
        for request_id in await walk.app.store.lists.requests(only_open=True):
            record = await walk.request(request_id)
            if record.request.call and record.request.call.arguments == call.arguments:
                return record
        await moves_on(walk)
    raise AssertionError("\n".join([*walk.log, "never asked"]))


async def play(walk: Walk, way: Way, where: Where) -> None:
    """Anna begins a run, Bo types, and what a model chooses then is asked."""
    last = ring("v2")
    then: Mapping[Where, Plan] = {"here": [], "above": [BEGIN], "below": [GIVES_UP], "copied": [GIVES_UP]}
    walk.whim.plan = [*([BEGIN] if where == "below" else []), *way.steps, *then[where], last]
    await way.begins(walk)
    await walk.settles()
    await way.types(walk)
    if where == "copied":
        await ends(walk)
    record = await comes_to(walk, last)
    [token] = [token for token, word in walk.words.typed.items() if word.author == "bo"]
    read = await walk.read_before(record.request.run_id, record.request.step_id)
    assert ((token in read), "bo" in deciders(record, walk.people)) == (way.is_read, not way.is_read), walk.log
    others = {"cy": "", "dan": ""}
    for changed in (
        {"bo": ""},
        {},
        {"bo": table("bo", "bo2", slack="U9BO")},
        {"bo": table("bo", slack="U9BO"), **others},
    ):
        await becomes(walk, toml_of({**walk.tables, **changed}))
        await walk.app.requests.departures.look(record.request.id)
        await walk.settles()
        await walk.check()


async def ends(walk: Walk) -> None:
    """The run ends, and goes on in a copy of what it was before."""
    runs = [await walk.run(one) for one in await walk.app.store.lists.runs()]
    [run] = [one for one in runs if one.started and not one.started.parent]
    while not (await walk.run(run.id)).ended:
        await walk.settles()
        await moves_on(walk)
    number = max(at for at, one in enumerate(await walk.events(run.id)) if isinstance(one, StepChosen))
    await walk.app.runs.forks.fork(run.id, number, Asker(PersonId("anna"), proof=as_by("cli")))


ELSEWHERE: tuple[Where, ...] = ("above", "below", "copied")
PLAYED = [*((name, "here") for name in WAYS), *(("answers", where) for where in ELSEWHERE)]
LONG = [(name, where) for name in WAYS for where in ELSEWHERE if name != "answers"]


@pytest.mark.parametrize(("name", "where"), few_of([*PLAYED, *LONG], *range(len(PLAYED)), rows=True))
async def test_whoever_typed_what_a_model_read_does_not_decide_what_it_chooses_then(
    redis: str, tmp_path: Path, name: str, where: Where
) -> None:
    async with a_walk(redis, tmp_path / "data", policy="plain") as walk:
        await play(walk, WAYS[name], where)


@pytest.mark.parametrize("seed", few_of(range(60), 0))
async def test_whatever_people_type_they_decide_nothing_that_was_chosen_by_it(
    redis: str, tmp_path: Path, seed: int
) -> None:
    async with a_walk(redis, tmp_path / "data", seed) as walk:
        await walk.walks(40)
