"""App Homes: whoever looked at theirs sees what concerns them, as it is now, and nobody is published to in vain."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agents.events import RequestReassigned
from agents.requests import PersonId, RequestId
from bot.queries.slack_home import HomeWatch, RefreshRate, concerned
from bot.store import Store
from bot.store.client import Client, Command
from bot.store.indexes import Homes
from channels.slack.api import Ambiguous, Api, Limited, Refused
from tests.bot.examples import BO, LATER, anyone, policy
from tests.fakes.slack.driver import Person, Workspace
from tests.long import few_of
from tests.office import TOML
from tests.waiting import until
from tests.world import World, a_world

QUICK = RefreshRate(every_s=0.05, repair_every_s=0.01, refused_s=0.05, away_s=0.05, away_at_most_s=0.05, frozen_s=0.05)
REQUEST = RequestId("s0q-aaaaaaaaaaaaa")
IN_SLACK = {"anna": "U01ANNA", "bo": "U01BO", "cy": "U01CY", "dan": "U01DAN"}


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    """The usual people, of whom all but Cy are in Slack."""
    toml = TOML
    for person, user in IN_SLACK.items():
        toml = toml.replace(f"[people.{person}]", f'[people.{person}]\nslack = "{user}"') if person != "cy" else toml
    async with a_world(redis, tmp_path / "data", toml) as world:
        yield world


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
        return [view for user, view in self.shown if user == IN_SLACK[person]]

    def latest(self, person: str) -> str:
        """Return what they see now; "" while nothing was published to them."""
        return (self.of(person) or [""])[-1]

    async def says(self, person: str, *parts: str) -> str:
        """Return what somebody's Home shows, once all of `parts` are in it."""

        def seen() -> str | None:
            latest = self.latest(person)
            return latest if all(part in latest for part in parts) else None

        return await until(seen, what=f"{person}'s Home says {parts}")


def home_watch(world: World, screens: Screens, pace: RefreshRate = QUICK) -> HomeWatch:
    return HomeWatch(world.app.store, world.app.people, screens.publish, pace)


@asynccontextmanager
async def watching(watch: HomeWatch, world: World) -> AsyncGenerator[HomeWatch]:
    """While it watches; it must still do so at the end."""
    task = asyncio.create_task(watch.watch(world.app.requests.lookup))
    try:
        yield watch
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_people_see_in_their_homes_what_waits_and_what_became_of_it(office: World) -> None:
    screens = Screens()
    async with watching(home_watch(office, screens), office) as homes:
        for person in ("anna", "bo"):
            await homes.opened(person)
        await screens.says("bo", "Nothing waits on you.")

        run_id = await office.trigger("press the button")
        await screens.says("anna", "press the button", "Waiting for Bo Berg or Cy Cole.")
        await screens.says("bo", "Press the button?", '"Open"')

        await office.decide("bo", await office.opened(run_id), "approve")
        await screens.says("bo", "Nothing waits on you.", "Recently decided", "Bo Berg approved", "The run: done.")
        await screens.says("anna", "Done: “ok: press the button: done”")


async def test_a_freeze_stands_in_the_home_of_everybody_who_looks_until_it_ends(office: World) -> None:
    screens, freezes = Screens(), office.app.requests.freezes
    async with watching(home_watch(office, screens), office) as homes:
        for person in ("anna", "bo"):
            await homes.opened(person)
            await screens.says(person, "Nothing waits on you.")

        await freezes.freeze("production", PersonId("dan"), "incident 4711")
        for person in ("anna", "bo"):
            await screens.says(person, "production: Frozen since", "Dan Dorn", "incident 4711")
        await freezes.unfreeze("production", PersonId("dan"), "fixed")

        for person in ("anna", "bo"):
            await until(lambda who=person: "incident 4711" not in screens.latest(who), what="the freeze is gone")
            assert "Nothing waits on you." in screens.latest(person)


async def test_a_window_that_begins_and_ends_is_drawn_as_well(office: World) -> None:
    now = await office.now()
    begins, ends = (f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M}" for hours in (2, 4))
    window = f'\n[[freeze.windows]]\nname = "year end"\nfrom = "{begins}"\nuntil = "{ends}"\n'
    async with office.stopped():
        office.toml += window
    screens = Screens()
    async with watching(home_watch(office, screens), office) as homes:
        await homes.opened("bo")
        await screens.says("bo", "Nothing waits on you.")

        await office.move_time(3 * 3600)
        await screens.says("bo", "year end")
        await office.move_time(2 * 3600)

        await until(lambda: "year end" not in screens.latest("bo"), what="the window is gone")


async def test_nobody_is_published_to_who_does_not_look_or_is_not_concerned(office: World) -> None:
    screens = Screens()
    async with watching(home_watch(office, screens), office) as homes:
        for person in ("anna", "cy", "dan", "somebody who has left"):
            await homes.opened(person)
        await screens.says("dan", "Nothing waits on you.")
        before = screens.of("dan")

        run_id = await office.trigger("press the button")
        await office.decide("bo", await office.opened(run_id), "approve")
        await screens.says("anna", "Done")

    assert screens.of("dan") == before, "it is not his business"
    assert screens.of("bo") == [], "he never looked"
    assert screens.of("cy") == [], "she is not in Slack"


async def test_a_run_concerns_whoever_asks_may_answer_or_did(office: World) -> None:
    record = await office.opened(await office.trigger("press the button"))
    await office.decide("bo", record, "deny")
    await office.ended(record.request.run_id)
    events = await office.events(record.request.run_id)

    assert concerned(events) == {"anna", "bo", "cy"}
    assert concerned(events[:1]) == {"anna"}
    assert concerned(events[-4:]) <= {"bo"}


def test_a_request_that_is_handed_on_concerns_both_of_them() -> None:
    handed_on = RequestReassigned(
        at=LATER,
        request_id=RequestId("s0q-aaaaaaaaaaaaa"),
        why="delegated",
        policy=policy(rule=anyone("dan")),
        person=BO,
    )

    assert concerned([handed_on]) == {"bo", "dan"}


async def test_who_has_not_looked_for_a_month_is_left_alone(office: World) -> None:
    screens, homes = Screens(), Homes(office.app.store.client)
    now = await office.now()
    await homes.note_opened("bo", now - timedelta(days=31))
    await homes.note_opened("anna", now - timedelta(days=29))
    async with watching(home_watch(office, screens), office):
        await office.opened(await office.trigger("press the button"))
        await screens.says("anna", "Waiting for")

    assert screens.of("bo") == []


async def test_of_several_processes_one_publishes_each_state_once(office: World) -> None:
    screens, watches = Screens(), list[HomeWatch]()
    async with AsyncExitStack() as stack:
        for _ in range(3):
            watches.append(await stack.enter_async_context(watching(home_watch(office, screens), office)))
        await watches[0].opened("bo")
        for number in range(3):
            run_id = await office.trigger(f"press {number}")
            await office.decide("bo", await office.opened(run_id), "approve")
        await until(lambda: screens.latest("bo").count("The run: done.") == 3, what="the last state is shown")
        for watch in watches:  # each of them has looked at Bo's before it comes to Dan's
            before = len(screens.of("dan"))
            await watch.opened("dan")
            await until(lambda count=before: len(screens.of("dan")) > count, what="Dan's is shown anew")

    views = screens.of("bo")
    assert [one for one, following in pairwise(views) if one == following] == []
    assert views[-1].count("The run: done.") == 3


@pytest.mark.long
async def test_many_changes_make_few_publishings_and_the_last_state_is_shown(office: World) -> None:
    screens, loop = Screens(), asyncio.get_running_loop()
    pace, began = RefreshRate(every_s=0.5), loop.time()
    async with watching(home_watch(office, screens, pace), office) as homes:
        await homes.opened("anna")
        for number in range(30):
            await office.trigger(f"stamp {number}")
        await screens.says("anna", *(f"Done: “ok: stamp {number}: done”" for number in range(22, 30)))

    assert len(screens.of("anna")) <= (loop.time() - began) / pace.every_s + 1


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
        0,
        4,
    ),
)
async def test_whatever_slack_says_the_watch_goes_on(office: World, trouble: Exception) -> None:
    screens = Screens(troubles=[trouble])
    async with watching(home_watch(office, screens), office) as homes:
        await homes.opened("bo")
        await until(lambda: not screens.troubles, what="it has been tried")
        record = await office.opened(await office.trigger("press the button"))
        await screens.says("bo", "Press the button?")
        await office.decide("bo", record, "deny")
        await screens.says("bo", "Bo Berg denied")


async def test_what_was_not_done_while_slack_was_busy_is_done_later(office: World) -> None:
    screens = Screens(troubles=[Limited(0.1), Ambiguous("Lost", "Look"), Limited(0.05)])
    async with watching(home_watch(office, screens), office) as homes:
        await homes.opened("bo")
        await screens.says("bo", "Nothing waits on you.")


async def test_what_changed_while_nobody_watched_is_shown_at_the_start(office: World) -> None:
    screens = Screens()
    async with watching(home_watch(office, screens), office) as homes:
        await homes.opened("bo")
        await screens.says("bo", "Nothing waits on you.")
    await office.opened(await office.trigger("press the button"))
    await office.quiet()
    async with watching(home_watch(office, screens), office):
        await screens.says("bo", "Press the button?")


async def test_a_cut_line_hides_no_change(office: World) -> None:
    screens, client = Screens(), Client(office.url)
    async with watching(home_watch(office, screens), office) as homes:
        await homes.opened("bo")
        await screens.says("bo", "Nothing waits on you.")
        for number in range(3):
            await client.do("CLIENT", "KILL", "TYPE", "pubsub")
            await office.opened(await office.trigger(f"press {number}"))
            await screens.says("bo", f"Press {number}?")
    await client.close()


async def test_what_was_shown_at_the_opening_is_shown_again_if_it_was_older(office: World) -> None:
    """The listener looks, then something changes and is published, then what the listener saw arrives."""
    screens = Screens()
    async with watching(home_watch(office, screens), office) as homes:
        await homes.opened("bo")
        older = await screens.says("bo", "Nothing waits on you.")
        await office.opened(await office.trigger("press the button"))
        await screens.says("bo", "Press the button?")

        await screens.publish("U01BO", json.loads(older))
        await homes.opened("bo")

        await screens.says("bo", "Press the button?")


class Gone(Client):
    """A Redis that is away; `asked` is how often anybody tried."""

    asked = 0

    async def read(self, *commands: Command) -> list[Any]:
        self.asked += 1
        return await super().read(*commands)


@pytest.mark.long
async def test_while_redis_is_away_the_watch_waits_and_an_opening_is_no_error(office: World) -> None:
    gone = Gone("unix:///nowhere/redis.sock", patience_s=0.01)
    watch = HomeWatch(Store(gone, 2), office.app.people, Screens().publish, QUICK)
    async with watching(watch, office):
        await watch.opened("bo")
        await until(lambda: gone.asked > 5, what="it tries again and again")


async def test_slack_takes_the_homes_of_a_whole_story(office: World, slack_address: str) -> None:
    async with Workspace(slack_address) as slack:
        await slack.starts_anew()
        anna = await slack.person("anna", id="U01ANNA")
        bo = await slack.person("bo", id="U01BO")
        api = Api(slack.bot_token, slack.base_url)

        async def publish(user: str, view: Any) -> None:
            await api.call("views.publish", user, user_id=user, view=view)

        watch = HomeWatch(office.app.store, office.app.people, publish, QUICK)
        async with watching(watch, office):
            await watch.opened("anna")
            await watch.opened("bo")
            for kind in ("choice Which? | a, b", "choices Which? | a, b", "form Tell | x, y", "free_text Why?"):
                await office.opened(await office.trigger(f"ask {kind}"))
            record = await office.opened(await office.trigger("press <!channel>"))
            decides = ["Ask sayso…", "Open"]
            await until(partial(_has, bo, "Press <!channel>?", decides), what="Bo sees what he may decide")
            answers = ["Ask sayso…", *["Open"] * 4]
            await until(partial(_has, anna, "Why?", answers), what="Anna sees all that she is asked")

            await office.decide("bo", record, "approve")
            await bo.sees_home("The run: done.")

        assert await slack.violations() == []


async def _has(person: Person, words: str, buttons: list[str]) -> bool:
    """Return whether somebody's Home says so, with these buttons; it is drawn anew for each question."""
    return (await person.sees_home(words)).buttons == buttons
