"""Whatever people do to deploys, in whatever order: what is said to be live was live, and no stop is passed over."""

import asyncio
import random
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agents import ToolRefused
from agents.deploy.results import DEPLOYS, ROLLBACKS, tool_of
from agents.events import Event, ToolStarted
from agents.requests import PersonId, RunId
from bot.errors import Conflict
from bot.render.became import told_of
from bot.runs.api_requests import Asker
from tests.kit.said import said
from tests.kit.shop import a_shop
from tests.kit.world import World
from tests.stories.test_rollback import shop_of
from tests.test_tour import commit_of, live

ANNA, PLACES, VERSIONS = "anna", ("production", "staging"), ("v1.0.0", "v1.1.0", "v1.2.0")
ANNOUNCE = '\n[announce]\nto = ["group:release"]\n'
VERBS = {
    "order": 5, "approve": 6, "approve all": 2, "deny": 1, "pause": 2, "pause above": 3, "resume": 3, "cancel": 0.6,
    "wait": 2, "deploy past sayso": 1.5, "restart": 0.8, "retry": 1.2, "copy": 1, "write": 2, "freeze": 1,
}  # fmt: skip
ACTS, OFTEN = 14, 0.8
SEEN_WITHIN_S, LOOKED_AFTER_S = 330, 60
"""What was seen five minutes ago may still be told, and half a minute passes until it is read and looked at."""
SAID_LIVE = re.compile(r"(?P<version>v\d\.\d\.\d)(?: \([0-9a-f]{7}\))? is (?:now )?live in (?P<where>\w+)")
OF_A_MOMENT = re.compile(r"[^.]*\(as of \d\d:\d\d UTC on ")
RUN = re.compile(r"Reference: (s\d+r-\w+)")
CHANGES = DEPLOYS | ROLLBACKS
BY_ANNA = Asker(PersonId(ANNA), proof=None)
STOPS = ("stop", "cancel", "stop, please do not deploy this after all")


@dataclass
class Story:
    """A shop, what was live there when, and what people were told."""

    world: World
    dice: random.Random
    acts: list[str] = field(default_factory=list[str])
    runs: list[RunId] = field(default_factory=list[RunId])
    was_live: list[tuple[datetime, str, str]] = field(default_factory=list[tuple[datetime, str, str]])
    read: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("anna", "bo", "cy"), 0))
    stopped: dict[RunId, datetime] = field(default_factory=dict[RunId, datetime])

    async def act(self) -> None:
        """Somebody does something, where it can be done; then everything that follows has happened, and is read."""
        verb = self.dice.choices(list(VERBS), list(VERBS.values()))[0] if self.runs else "order"
        self.acts.append(verb)
        self.look()
        with suppress(Conflict, ToolRefused):
            await self._do(verb)
        await self.world.quiet()
        self.look()
        await self.check()

    def look(self) -> None:
        names = {commit_of(self.world, version): version for version in VERSIONS}
        at = self.world.about_now()
        self.was_live += [(at, where, names[live(self.world, where)]) for where in PLACES if self._is_there(where)]

    def _is_there(self, where: str) -> bool:
        return (self.world.folder / "demo" / "site" / where / "current").exists()

    async def _do(self, verb: str) -> None:
        world, dice = self.world, self.dice
        match verb:
            case "order":
                text = f"deploy {dice.choice(VERSIONS)} to {dice.choice(PLACES)}"
                text += dice.choice(["", " and announce it", " and announce it"])
                self.runs.append(await world.trigger(dice.choice([text, f"roll back {dice.choice(PLACES)}", text])))
            case "approve" | "deny" | "approve all":
                waiting = [one for one in await world.requests() if not one.decision]
                for record in waiting if verb == "approve all" else waiting[:1]:
                    if record.request.format == "approval":
                        await world.decide(dice.choice(["bo", "cy"]), record, "deny" if verb == "deny" else "approve")
                    else:
                        options = record.request.options or ("yes", "no")
                        await world.decide(ANNA, record, "free_text", dice.choice(options))
            case "pause" | "resume" | "cancel":
                runs = [await world.run(each) for run_id in self.runs for each in await self.below(run_id)]
                fit = [run.id for run in runs if not run.ended and run.is_paused == (verb == "resume")]
                if fit:
                    await world.steer(RunId(dice.choice(fit)), verb)
            case "pause above":
                run_id = self.runs[-1]
                await world.steer(run_id, "pause")
                await world.steer((await self.below(run_id))[-1], "resume")
                for then in ("approve all", "wait", "deploy past sayso"):
                    await world.quiet()
                    if dice.random() < OFTEN:
                        self.acts.append(then)
                        await self._do(then)
            case "wait":
                await world.move_time(dice.choice([30, 200, 400, 3600, 5 * 3600]))
            case "deploy past sayso":
                command = ["./deploy.sh", dice.choice(PLACES), commit_of(world, dice.choice(VERSIONS))]
                await asyncio.to_thread(subprocess.run, command, cwd=shop_of(world), check=True, capture_output=True)
            case "restart":
                async with world.stopped():
                    await world.move_time(dice.choice([0, 60, 4000]))
            case "retry":
                self.runs.append(await world.app.runs.forks.retry(dice.choice(self.runs), BY_ANNA))
            case "copy":
                source = dice.choice(self.runs)
                seq = dice.randint(1, len(await world.events(source)))
                self.runs.append(await world.app.runs.forks.fork(source, seq, BY_ANNA))
            case "freeze":
                words = f"{dice.choice(['freeze', 'unfreeze'])} {dice.choice(PLACES)}: incident"
                await world.send("bo", world.mail.address, words)
            case _:
                await self._write()

    async def _write(self) -> None:
        """Anna answers any mail that she has; a stop is answered, and counts from then on."""
        if not (mails := self.world.mails(ANNA)):
            return
        mail, words = self.dice.choice(mails), self.dice.choice([*STOPS, "again"])
        await self.world.reply(ANNA, mail, words)
        if words in STOPS:
            await self.world.quiet()
            assert len(self.world.mails(ANNA)) > len(mails), f"{words!r} to {mail.subject!r} got no answer"
            if found := RUN.search(mail.text):
                self.stopped.setdefault(RunId(found[1]), self.world.about_now())

    async def below(self, run_id: RunId) -> list[RunId]:
        """A run and all that it has begun, each above what is below it."""
        children = [child.run_id for child in (await self.world.run(run_id)).children]
        begun = [each for each in children if await self.world.events(each)]
        return [run_id, *[each for child in begun for each in await self.below(child)]]

    async def check(self) -> None:
        """What somebody was told just now is so, and nothing of what was stopped has begun since."""
        for person, count in self.read.items():
            mails = self.world.mails(person)
            for mail in mails[count:]:
                assert not [*self.untrue(mail.text, self.world.about_now())], f"{mail.subject}\n{mail.text}"
                found = RUN.search(mail.text)
                if found and said("card.nothing-changed") in mail.text:
                    assert not await self.has_changed(RunId(found[1])), f"{mail.subject}\n{mail.text}"
            self.read[person] = len(mails)
        for run_id in self.runs:
            run = await self.world.run(run_id)
            if run.ended:
                text = told_of(run, self.world.app.people)
                assert not [*self.untrue(text, run.ended.at)], text
        for stopped, at in self.stopped.items():
            for run_id in await self.below(stopped):
                begun = [one for one in await self.world.events(run_id) if _starts_after(one, at)]
                assert not begun, f"{stopped} was stopped"

    def untrue(self, text: str, at: datetime) -> Iterator[str]:
        """What `text`, told at `at`, says to be live that was not so within some minutes before."""
        words = " ".join(text.replace("\n| ", "\n").split())
        for found in SAID_LIVE.finditer(words):
            where = found["where"]
            was = {
                version
                for seen_at, place, version in self.was_live
                if place == where and -LOOKED_AFTER_S <= (at - seen_at).total_seconds() <= SEEN_WITHIN_S
            }
            is_dated = OF_A_MOMENT.match(words, found.end()) or said("card.live-before", where=where) in words
            if found["version"] not in was and not is_dated:
                yield f"{found[0]}: it was {was}"

    async def has_changed(self, run_id: RunId) -> bool:
        """Whether a deploy or a rollback worked in a run or below it."""
        runs = [await self.world.run(each) for each in await self.below(run_id)]
        return any(one.kind == "ok" and tool_of(one) in CHANGES for run in runs for one in run.results[run.copied :])


def _starts_after(event: Event, at: datetime) -> bool:
    return isinstance(event, ToolStarted) and event.tool in CHANGES and event.at > at


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
async def test_whatever_people_do_what_is_said_to_be_live_was_live_and_what_was_stopped_never_begins(
    redis: str, tmp_path: Path, demo: Path, seed: int
) -> None:
    async with a_shop(redis, tmp_path / "data", demo, lambda toml: toml + ANNOUNCE) as world:
        story = Story(world, random.Random(seed))  # noqa: S311
        for _ in range(ACTS):
            await story.act()


async def test_what_was_not_live_is_noticed_unless_it_is_said_of_when_it_was(
    redis: str, tmp_path: Path, demo: Path
) -> None:
    async with a_shop(redis, tmp_path / "data", demo) as world:
        story, at = Story(world, random.Random(0)), world.about_now()  # noqa: S311
        story.was_live = [(at - timedelta(hours=1), "production", "v1.2.0"), (at, "production", "v1.0.0")]

        def is_untrue(text: str) -> bool:
            return bool([*story.untrue(text, at)])

        assert is_untrue("v1.2.0 (ab5fe65) is live in production, verified")
        assert is_untrue("v1.0.0 is live in staging")
        assert not is_untrue("v1.0.0 (56a8c29) is live in production")
        assert not is_untrue("v1.2.0 (ab5fe65) is live in production, verified (as of 14:02 UTC on 03 March 2026)")
        assert not is_untrue(f"v1.2.0 is live in production {said('card.live-before', where='production')}")
