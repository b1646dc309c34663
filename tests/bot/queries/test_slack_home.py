"""App Homes: whoever looked at theirs sees what opens and closes of their own, and nobody is published to in vain."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from agents.requests import PersonId
from bot.queries.slack_home import HomeDrawing
from channels.slack.api import Ambiguous, Api, Limited, Refused
from tests.fakes.slack.driver import Person, Workspace
from tests.kit.long import few_of
from tests.kit.opens import opens
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import TOML, World

# The usual people, of whom all but Cy are in Slack.
IN_SLACK = {"anna": "U01ANNA", "bo": "U01BO", "dan": "U01DAN"}


pytestmark = opens(
    re.sub(r"\[people.(anna|bo|dan)\]", lambda table: f'{table[0]}\nslack = "{IN_SLACK[table[1]]}"', TOML)
)


@dataclass
class Screens:
    """The screens that are published. `troubles` befall the next calls, one each."""

    shown: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    troubles: list[Exception] = field(default_factory=list[Exception])

    async def publish(self, user: str, view: Any) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.shown.append((user, json.dumps(view, ensure_ascii=False)))

    def of(self, person: str) -> list[str]:
        """All that this person has seen, oldest first."""
        return [view for user, view in self.shown if user == IN_SLACK.get(person)]

    async def says(self, person: str, *parts: str) -> str:
        """Return what somebody's Home shows, once all of `parts` are in it."""

        def seen() -> str | None:
            latest = (self.of(person) or [""])[-1]
            return latest if all(part in latest for part in parts) else None

        return await until(seen, what=f"{person}'s Home says {parts}")


@asynccontextmanager
async def drawing(world: World, publish: Any, every_s: float = 0.05) -> AsyncGenerator[HomeDrawing]:
    """While Homes are drawn; they must still be at the end."""
    homes = HomeDrawing(world.app.store, world.app.people, publish, every_s)
    world.app.messages.outbox.concerns = homes.changed
    task = asyncio.create_task(homes.draw(world.app.requests.lookup))
    try:
        yield homes
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_people_see_in_their_homes_what_waits_and_what_became_of_it(world: World) -> None:
    screens = Screens()
    async with drawing(world, screens.publish) as homes:
        for person in ("anna", "bo"):
            await homes.opened(person)

        run_id = await world.trigger("press the button")
        await screens.says("anna", "press the button", "Waiting for Bo Berg or Cy Cole.")
        await screens.says("bo", "Press the button?", '"Open"')

        await world.decide("bo", await world.opened(run_id), "approve")
        await screens.says("bo", "Nothing waits on you.", "Recently decided", "Bo Berg approved")
        await screens.says("anna", "Done: “ok: press the button: done”")


async def test_a_home_is_drawn_by_nothing_that_neither_opens_nor_closes_something_of_ones_own(world: World) -> None:
    screens = Screens()
    async with drawing(world, screens.publish) as homes:
        for person in ("anna", "cy", "dan", "somebody who has left"):
            await homes.opened(person)

        run_id = await world.trigger("press the button")
        await world.decide("bo", await world.opened(run_id), "approve")
        await screens.says("anna", "Done")
        await world.app.requests.freezes.freeze("production", PersonId("dan"), "incident 4711", proof=None)
        await world.quiet()

    assert screens.of("dan") == [], "it is not his business"
    assert screens.of("bo") == [], "he never looked"
    assert screens.of("cy") == [], "she is not in Slack"


async def test_many_changes_make_few_publishings_and_the_last_state_is_shown(world: World) -> None:
    screens, loop = Screens(), asyncio.get_running_loop()
    every_s, began = 0.5, loop.time()
    async with drawing(world, screens.publish, every_s) as homes:
        await homes.opened("anna")
        for number in range(10):
            await world.trigger(f"stamp {number}")
        await screens.says("anna", *(f"Done: “ok: stamp {number}: done”" for number in range(5, 10)))

    assert len(screens.of("anna")) <= (loop.time() - began) / every_s + 1


@pytest.mark.parametrize(
    "trouble",
    few_of(
        [
            Limited(0.05),
            Ambiguous("The answer was lost", "Look it up"),
            Refused("No", "Fix it", "not_enabled"),
            RuntimeError("a fault of ours"),
            TimeoutError(),
        ],
        3,
    ),
)
async def test_whatever_slack_says_the_next_change_is_drawn(world: World, trouble: Exception) -> None:
    screens = Screens(troubles=[trouble])
    async with drawing(world, screens.publish) as homes:
        await homes.opened("bo")
        await world.opened(await world.trigger("press the button"))
        await until(lambda: not screens.troubles, what="it has been tried")

        await world.opened(await world.trigger("press the lever"))

        await screens.says("bo", "Press the button?", "Press the lever?")


async def test_slack_takes_the_homes_of_a_whole_story(world: World, slack_address: str) -> None:
    async with Workspace(slack_address) as slack:
        await slack.starts_anew()
        anna = await slack.person("anna", id="U01ANNA")
        bo = await slack.person("bo", id="U01BO")
        api = Api(slack.bot_token, slack.base_url)

        async def publish(user: str, view: Any) -> None:
            await api.call("views.publish", user, user_id=user, view=view)

        async with drawing(world, publish) as homes:
            await homes.opened("anna")
            await homes.opened("bo")
            for kind in ("choice Which? | a, b", "choices Which? | a, b", "form Tell | x, y", "free_text Why?"):
                await world.opened(await world.trigger(f"ask {kind}"))
            record = await world.opened(await world.trigger("press <!channel>"))
            decides = ["Ask sayso…", "Open"]
            await until(partial(_has, bo, "Press <!channel>?", decides), what="Bo sees what he may decide")
            answers = ["Ask sayso…", *["Open"] * 4]
            await until(partial(_has, anna, "Why?", answers), what="Anna sees all that she is asked")

            await world.decide("bo", record, "approve")
            await bo.sees_home("Bo Berg approved")

        assert await slack.violations() == []


async def _has(person: Person, words: str, buttons: list[str]) -> bool:
    """Return whether somebody's Home says so, with these buttons; it is drawn anew for each question."""
    return (await person.sees_home(words)).buttons == buttons


async def test_what_opens_and_closes_of_what_somebody_asked_for_under_an_id_in_between_draws_their_home(
    world: World,
) -> None:
    screens = Screens()
    await becomes(world, world.toml.replace("anna@corp.example", "second@corp.example"))
    record = await world.opened(await world.trigger("press the button"))
    assert record.request.askers == ("anna~2",)
    await world.app.register.same("anna@corp.example", "anna", PersonId("dan"), proof=None)
    async with drawing(world, screens.publish) as homes:
        await homes.opened("anna")

        homes.changed(record.askers)

        await screens.says("anna", "press the button", "Waiting for Bo Berg or Cy Cole.")
