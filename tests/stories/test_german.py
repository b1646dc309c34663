"""What code says of what went wrong is German for who reads German: refusals, failures, alerts, and their pages."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agents import ToolRefused
from agents.requests import StepId
from channels import Address, Card, ChannelRefused, ChannelUnauthorized, Placement
from language import speaking
from tests.fakes.slow import SlowChannel
from tests.kit.clerk import UNHEARD
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import a_console

GERMAN = f'language = "de"\n{TOML}'
FOR_TWO = re.sub(r"\[people\.(?:anna|dan)\]\n", r'\g<0>language = "de"\n', TOML)


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    """An installation that speaks English, where Anna, who asks, and Dan, who hears alerts, read German."""
    async with a_world(redis, tmp_path / "data", FOR_TWO) as world:
        yield world


def words(text: str) -> str:
    return " ".join(text.split())


def breaks_the_gate(world: World) -> None:
    world.workshop.broken_gates["letter"] = ValueError("no such room")


@pytest.mark.parametrize(
    ("change", "text", "told"),
    few_of(
        [
            (None, "fly home", "Der Agent clerk hat kein Werkzeug 'fly'"),
            (
                None,
                f"press {UNHEARD}",
                "Die Argumente von press konnten nicht geprüft werden: LookupError: nobody has heard of it",
            ),
            (
                breaks_the_gate,
                "press letter",
                "Niemand kann wissen, wer den Aufruf genehmigen muss, daher unterbleibt er. Berichtigen Sie sie",
            ),
            (
                None,
                "ask-of person:dan free_text Wer?",
                "Der Agent clerk darf person:dan nicht fragen: Fragen darf er person:bo, group:release (agents.asks)",
            ),
        ],
        0,
        rows=True,
    ),
)
async def test_why_a_step_was_refused_is_told_to_a_german_in_german(
    office: World, change: Callable[[World], None] | None, text: str, told: str
) -> None:
    if change:
        change(office)

    run_id = await office.trigger(text)

    ended = (await office.ended(run_id)).ended
    assert ended is not None
    assert ended.summary.endswith(told)
    assert told in words((await office.next_mail("anna")).text)
    async with a_console(office) as console:
        page = await (await console.browser("anna")).get(f"/runs/{run_id}")
    assert told in page.words


async def test_a_tool_that_would_tell_nobody_is_refused_in_the_language_of_whoever_asked(office: World) -> None:
    run_id = await office.trigger("press bell")
    await office.opened(run_id)
    run, announcing = await office.run(run_id), office.app.runs.executor.announcing

    with speaking("de"), pytest.raises(ToolRefused, match="Hinter 'group:nobody' steht niemand"):
        await announcing.notify(run, StepId("s"), "group:nobody", "Tee", "Der Tee ist fertig")


class NoIds(SlowChannel):
    """The world's mail, which does not know how to reach Bo."""

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        if to.person == "bo":
            raise ChannelRefused("They have no Slack id", "Set `slack` of that person in sayso.toml")
        return await self._channel.send(card, to, key)


async def test_whom_a_card_did_not_reach_and_why_is_german_in_mails_alerts_and_pages(
    redis: str, tmp_path: Path
) -> None:
    def change(world: World) -> None:
        world.through = NoIds

    why = "Diese Person hat keine Slack-ID. Setzen Sie `slack` dieser Person in sayso.toml"
    async with a_world(redis, tmp_path / "data", GERMAN, change=change) as world:
        record = await world.opened(await world.trigger("press bell"))

        told = await world.next_mail("anna", about="Nicht erreicht: Press bell?")
        alert = await world.next_mail("dan", about="Bo Berg ist nicht zu erreichen")
        await world.quiet()
        async with a_console(world) as console:
            dan, anna = await console.browser("dan"), await console.browser("anna")
            listed = (await dan.get("/quarantine")).words
            story = (await anna.get(f"/runs/{record.request.run_id}")).words

    assert why in words(told.text.replace("\n| ", " "))
    failed = words(alert.text)
    assert (
        f"Konnte nicht gesendet werden: die Karte „Press bell?“ für Bo Berg. E-Mail: {why}; Slack: erreicht" in failed
    )
    assert "Beheben Sie das, und schreiben Sie dann in einem Terminal: sayso dead requeue" in failed
    for page in (listed, story):
        assert why in page
        assert "They have no Slack id" not in page


class LockedOut(SlowChannel):
    """The world's mail, whose server does not accept our log-in for cards to Bo and Cy."""

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        if to.person in {"bo", "cy"}:
            what = "the SMTP server mx.example:25 did not accept the log-in of sayso"
            raise ChannelUnauthorized("email", what, "Check SAYSO_SMTP_USER and SAYSO_SMTP_PASSWORD")
        return await self._channel.send(card, to, key)


async def test_operators_hear_in_german_that_a_mail_server_refuses_us(redis: str, tmp_path: Path) -> None:
    def change(world: World) -> None:
        world.through = LockedOut

    async with a_world(redis, tmp_path / "data", GERMAN, change=change) as world:
        await world.trigger("press bell")

        told = words((await world.next_mail("dan", about="E-Mail weist sayso ab")).text)

    assert "der SMTP-Server mx.example:25 nahm die Anmeldung von sayso nicht an. Prüfen Sie SAYSO_SMTP_USER" in told
    assert "Nichts geht verloren" in told


async def test_an_alert_is_in_the_language_of_each_who_hears_it(redis: str, tmp_path: Path) -> None:
    toml = TOML.replace("[people.dan]\n", '[people.dan]\nlanguage = "de"\n')
    both = toml.replace('to = ["person:dan"]', 'to = ["person:dan", "person:anna"]')

    def change(world: World) -> None:
        world.through = NoIds

    async with a_world(redis, tmp_path / "data", both, change=change) as world:
        await world.opened(await world.trigger("press bell"))

        assert await world.next_mail("dan", about="Bo Berg ist nicht zu erreichen")
        assert await world.next_mail("anna", about="Bo Berg can't be reached")


@pytest.mark.long
async def test_what_was_given_up_on_is_told_in_german(office: World) -> None:
    office.workshop.poison.add("letter")
    run_id = await office.trigger("stamp letter")

    async def is_given_up() -> bool:
        await office.move_time(1)
        return bool(await office.dead())

    await until(is_given_up)

    told = await office.next_mail("dan", about="Nach 3 Versuchen aufgegeben")
    assert f"`sayso dead requeue {run_id}` versucht es erneut." in words(told.text)
