"""Words beside a command that speak against it: nothing is done, and whoever wrote them reads what to write instead."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import AnswerNoted
from agents.requests import PersonId
from agents.requests.record import RequestRecord
from tests.bot.cli.shell import sayso
from tests.fakes.slack.driver import Workspace
from tests.kit.guards import guards
from tests.kit.opens import opens
from tests.kit.slack_world import a_slack_world
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.servers.web import serving
from tests.stories import test_break_glass, test_delegation, test_typed_freezes
from tests.stories.slack.test_breaking_the_glass import GLASS
from tests.stories.slack.test_handing_on import SOLO as SLACK_SOLO
from tests.stories.test_typed_freezes import a_mail, ended_by, freezes_of, frozen, sent

AGAINST = ("no, do not do this", "only if Cy agrees", "REASON", "checkout is down, but wait for me")
TOLD = "to do it, write the command again with a reason that says what has happened and nothing else"
STAYS = "Nothing was unfrozen, because what stands beside it may mean that it is to stay frozen"
DOWN = "checkout is down, nobody can pay since 14:05"


def words(text: str) -> str:
    return " ".join(text.split())


async def comments(world: World, record: RequestRecord) -> list[tuple[str, str]]:
    """What was kept as said beside the request, and as what."""
    events = (await world.app.store.load(record.request.run_id)).events
    return [(event.text, event.outcome) for event in events if isinstance(event, AnswerNoted)]


def by_night(world: World) -> None:
    world.workshop.policy_of["bell"] = "night"


pytestmark = opens(test_break_glass.NIGHT, change=by_night)


@pytest.fixture
async def ops(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", test_typed_freezes.OPERATOR) as world:
        await freezes_of(world).freeze("production", PersonId("dan"), "incident 4711", proof=None)
        yield world


async def test_attack_a_mail_that_breaks_the_glass_and_says_no_breaks_nothing(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    card = await world.next_mail("bo")

    for text in AGAINST:
        await world.reply("bo", card, f"break glass: {text}")
        assert TOLD in words((await world.next_mail("bo", about="command")).text), text
    await world.reply("bo", card, "break glass: оплата не работает, заказов нет")
    told = words((await world.next_mail("bo", about="letters of which sayso knows no words")).text)

    assert f"{TOLD}, in Latin letters" in told
    assert (await world.request(record.request.id)).state == "open"
    assert (await comments(world, record))[:4] == [(f"break glass: {text}", "unclear") for text in AGAINST]
    await world.reply("bo", card, f"break glass: {DOWN}")
    await world.next_mail("bo", about=DOWN[:20])
    await world.reply("bo", card, "break glass")
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    [vote] = (await world.request(record.request.id)).votes
    assert (vote.breaks_glass, vote.reason) == (True, DOWN)


@guards("judge:glass")
async def test_attack_a_typed_reason_of_whatever_words_breaks_nothing_before_its_writer_says_so_once_more(
    world: World,
) -> None:
    """It may be an objection in words of no list: nobody can tell them apart."""
    reason = "production is down as the board has the last word"
    record = await world.opened(await world.trigger("press bell"))
    card = await world.next_mail("bo")

    for _ in range(2):  # the same once more may be a copy
        await world.reply("bo", card, f"break glass: {reason}")
    await world.quiet()
    assert (await world.request(record.request.id)).state == "open"

    await world.next_mail("bo", about="with nothing but break glass")
    await world.reply("cy", await world.next_mail("cy"), "break glass")
    await world.next_mail("cy", about="counted")
    await world.quiet()

    assert (await world.request(record.request.id)).state == "open"
    assert await comments(world, record) == [(reason, "glass_unconfirmed")] * 2 + [("break glass", "unclear")]
    await world.reply("bo", card, "break glass")
    await world.ended(record.request.run_id)
    assert world.workshop.effects == ["press bell"]


async def test_attack_a_reason_that_its_writer_took_back_or_gave_for_another_version_is_confirmed_by_nothing(
    world: World,
) -> None:
    record = await world.opened(await world.trigger("press bell"))
    card = await world.next_mail("bo")

    await world.reply("bo", card, f"break glass: {DOWN}")
    await world.reply("bo", await world.next_mail("bo", about="with nothing but break glass"), "wait for Cy, please")
    await world.next_mail("bo", about="counted")
    await world.reply("bo", card, "break glass")
    await world.quiet()
    assert (await world.request(record.request.id)).state == "open"

    await world.reply("bo", card, f"break glass: {DOWN}")
    await world.quiet()
    await world.decide("anna", record, "free_text", "only the small one", channel="email")
    await world.reply("bo", card, "break glass")
    newest = await world.next_mail("bo", about="only the small one")
    await world.reply("bo", newest, "break glass")
    await world.quiet()

    assert (await world.request(record.request.id)).state == "open"
    assert world.workshop.effects == []


async def test_attack_a_labelled_reason_that_says_no_breaks_no_glass_on_any_page_or_terminal(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    path = f"/requests/{record.request.id}"

    async with a_console(world) as console, serving(world.app) as api:
        eve, program = await console.browser("eve"), await api.client("eve")
        form = next(one for one in (await eve.get(path)).forms if "Break the glass" in [b.text for b in one.buttons])
        page = await eve.submit(form, "Break the glass", reason="no, do not do this")
        body = {"vote": "break_glass", "digest": record.request.digest, "reason": "only if Cy agrees"}
        refused = await program.post(f"/v1{path}/answer", json=body)
    command = ("answer", record.request.id, "break-glass", "--as", "bo", "--digest", record.request.digest, "--reason")
    typed = await sayso(world, *command, "not yet, wait for me")

    assert TOLD in page.words
    assert (refused.status_code, refused.json()["judgement"]["type"]) == (422, "unclear")
    assert TOLD in refused.json()["detail"]
    assert (typed.code, TOLD in words(typed.out)) == (1, True)
    assert (await world.request(record.request.id)).state == "open"
    assert (await sayso(world, *command, DOWN)).code == 0


async def test_attack_a_window_in_slack_whose_reason_says_no_breaks_no_glass(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, GLASS) as office:
        await office.world.start()
        await slack.connected()
        await office.anna.says("#ops", "@sayso press bell")
        card = await office.card("#ops", to_press="Break glass…")
        record = await office.world.opened(await office.only_run())

        for reason in ("no, do not do this", "erst wenn Dan es sagt"):
            assert (await office.bo.presses("Break glass…", in_=card)).acked
            await office.bo.sees_modal("Why this cannot wait")
            await office.bo.submits({"Why this cannot wait": reason})
        await office.world.quiet()

        assert [outcome for _, outcome in await comments(office.world, record)] == ["unclear", "unclear"]
        assert (await office.world.request(record.request.id)).state == "open"


async def is_over(world: World) -> bool:
    return await frozen(world) == []


async def test_attack_a_mail_that_ends_a_freeze_and_says_no_ends_none(ops: World) -> None:
    for text in (*AGAINST, "erst wenn Dan es sagt"):
        told = await sent(ops, a_mail(ops, "cy", f"unfreeze production: {text}", subject="Unfreeze"))
        assert STAYS in told, text
        await ops.move_time(1)  # of two mails of one second the other may be a copy
    for below in ("-- \nonly once Dan says so", "Thanks\nWait For Me"):
        told = await sent(ops, a_mail(ops, "cy", f"unfreeze production: fixed\n{below}", subject="Unfreeze"))
        assert "Nothing was" in told, below
        await ops.move_time(1)

    assert await frozen(ops) == [("production", "dan", "incident 4711")]
    footer = "-- \nCy Cole\nOperations, Corp GmbH\n+49 30 12 34 56\nThis e-mail is confidential. If you are not the\n"
    footer += "intended recipient, do not use, copy or\nforward it."
    told = await sent(ops, a_mail(ops, "cy", f"unfreeze production: {DOWN}\n{footer}", subject="Unfreeze"))
    assert "Nothing was" in told, "no earlier mail had that signature"
    await ops.move_time(1)
    ended = await ended_by(ops, a_mail(ops, "cy", f"unfreeze production: {DOWN}\n{footer}", subject="Unfreeze"))
    assert "production is no longer frozen." in ended, "a signature and a legal footer say nothing against it"


async def test_attack_a_freeze_ends_on_no_page_terminal_or_program_by_words_against_it(ops: World) -> None:
    async with a_console(ops) as console, serving(ops.app) as api:
        cy = await console.browser("cy")
        form = (await cy.get("/live")).form("/live/unfreeze")
        fields = dict(form.fields) | {"reason": "only once Dan says so"}
        page = await cy.get((await cy.post("/live/unfreeze", fields)).headers["location"])
        program = await api.client("cy", "admin")
        body = {"environment": "production", "reason": "not yet, wait for me"}
        refused = await program.post("/v1/unfreeze", json=body)
    typed = await sayso(ops, "unfreeze", "--env", "production", "--reason", "erst wenn Dan es sagt", "--as", "cy")

    assert STAYS in page.words
    assert (refused.status_code, STAYS in refused.json()["detail"]) == (409, True)
    assert (typed.code, STAYS in words(typed.err + typed.out)) == (1, True)
    assert await frozen(ops) == [("production", "dan", "incident 4711")]


async def test_attack_a_message_in_slack_that_ends_a_freeze_and_says_no_ends_none(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    toml = test_typed_freezes.OPERATOR
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, toml) as office:
        await office.world.start()
        await slack.connected()
        await freezes_of(office.world).freeze("production", PersonId("dan"), "incident 4711", proof=None)

        for text in ("only once Dan says so", "erst wenn Dan es sagt", "no, do not", "nach 17 Uhr", "REASON"):
            await office.cy.says("#ops", f"@sayso unfreeze production: {text}")
        await office.cy.says("#ops", "@sayso unfreeze production: fixed as the vendor has the last word")
        await office.world.quiet()

        assert await frozen(office.world) == [("production", "dan", "incident 4711")]
        await office.cy.says("#ops", "@sayso unfreeze production")
        await until(lambda: is_over(office.world), what="cy has confirmed it")


async def test_attack_a_request_is_not_handed_on_for_a_reason_that_says_no(redis: str, tmp_path: Path) -> None:
    toml, change = test_delegation.SOLO, test_delegation.on_solo
    async with a_world(redis, tmp_path / "data", toml, change=change) as world:
        record = await test_delegation.asked(world)
        card = await world.next_mail("bo")

        for text in (
            "no, do not do this",
            "only if Dan agrees",
            "erst morgen",
            "is this right?",
            "ich mache es doch selbst",
        ):
            await world.reply("bo", card, f"delegate: cy@corp.example\nreason: {text}")
            assert TOLD in words((await world.next_mail("bo", about="command")).text), text
        typed = await sayso(world, "delegate", record.request.id, "--to", "cy", "--reason", "not yet", "--as", "bo")

        assert (typed.code, TOLD in words(typed.err + typed.out)) == (1, True)
        assert (await world.request(record.request.id)).asked.givers == ()


async def test_attack_a_window_in_slack_whose_reason_says_no_hands_nothing_on(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, SLACK_SOLO) as office:
        await office.world.start()
        await slack.connected()
        await office.anna.says("#ops", "@sayso press bell")
        card = await office.card("#ops", to_press="Hand on…")
        record = await office.world.opened(await office.only_run())

        assert (await office.bo.presses("Hand on…", in_=card)).acked
        await office.bo.sees_modal("Reason")
        await office.bo.submits({"To": "Dan Dorn", "Reason": "no, do not do this"})
        await office.world.quiet()

        assert (await office.world.request(record.request.id)).asked.givers == ()


def editable(world: World) -> None:
    world.workshop.editable = ("what",)


@opens(change=editable)
async def test_attack_an_edit_by_mail_whose_value_says_no_changes_nothing(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    card = await world.next_mail("bo")
    for value in (
        "gong, but wait for me", "no, do not do this", "gong, aber erst morgen", "wait", "gong if Cy agrees", "gong?",
        "TBD", "<what>", "lgtm", "gong approved", "gong bitte nicht", "gong no", "not gong",
        "gong 2 am Montag", "gong vielleicht",
    ):  # fmt: skip
        await world.reply("bo", card, f"what: {value}")
        await world.next_mail("bo", about="counted")

        now = (await world.request(record.request.id)).request
        assert now.call
        assert now.call.arguments == {"what": "bell"}, value
