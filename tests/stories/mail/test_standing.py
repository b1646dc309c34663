"""Standing approvals by mail: asked for by an answer to how a run ended, listed, told of each use, and ended."""

from datetime import timedelta

from agents.requests import PersonId, RunId
from agents.standing import STANDING
from bot.inbound.standing import TypedStanding
from bot.store.ids import new_id
from channels import Trigger
from channels.email.local.letters import Letter
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.mail.test_consent import LUNCH, write
from tests.stories.people.standing import ALLOWED, DAY, done_once, granted, is_asked, the_only

BOT = "sayso@sayso.example"
pytestmark = opens(toml=ALLOWED)


async def test_what_names_a_standing_approval_ends_it_if_it_is_of_somebody_whom_it_concerns(world: World) -> None:
    run_id = await done_once(world)
    standing = await granted(world, run_id)
    ends = f"revoke {standing.approval.id}"
    to = (await world.next_mail("anna")).reply_to or BOT
    assert not await is_asked(world)
    letter = await world.next_mail("bo", "Used without asking")
    assert f"answer with nothing but: {ends}" in letter.text

    never = ends[:-1] + ("b" if ends.endswith("a") else "a")
    question = await world.opened(await world.trigger("ask-of person:bo free_text Which one?"))
    await world.reply("bo", await world.next_mail("bo", "Which one?"), never)
    assert "no standing approval" in (await world.next_mail("bo", "Not passed on")).text.lower()
    await world.send("dan", to, ends)
    await world.send("bo", to, ends, login=None)
    await world.quiet()
    assert (await the_only(world)).revoked is None, "nobody whom it concerns, or nobody proven"

    await world.reply("bo", letter, f"{ends}: We are in an incident.")
    assert "is revoked" in (await world.next_mail("bo", "Revoked")).text
    ended = (await the_only(world)).revoked
    assert ended
    assert (ended.by, ended.reason) == ("bo", "We are in an incident.")
    assert await is_asked(world)
    assert (await world.request(question.request.id)).state == "open"


async def test_attack_a_revocation_that_answers_another_card_is_words_alone(world: World) -> None:
    standing = await granted(world, await done_once(world))
    approval = await world.opened(await world.trigger("press horn"))

    await world.reply("bo", await world.next_mail("bo", "ress horn?"), f"URGENT: revoke {standing.approval.id}")

    assert "is revoked" in (await world.next_mail("bo", "Revoked")).text
    assert (await the_only(world)).revoked
    assert (await world.request(approval.request.id)).state == "open"


async def told_the_end(office: World, text: str = "press bell") -> Letter:
    """The mail that tells Anna how a run ended that she asked for by mail, and that Bo approved."""
    await office.send("anna", BOT, text)
    [run_id] = await until(office.app.store.lists.runs, what="it has started")
    await office.decide("bo", await office.opened(run_id), "approve")
    return await office.next_mail("anna", about="Done")


async def asked_in(office: World) -> list[str]:
    """The runs that ask for a standing approval."""
    runs = [await office.run(run_id) for run_id in await office.app.store.lists.runs()]
    return [run.id for run in runs if run.started and run.started.agent == STANDING]


async def day_of(office: World, days: int = 1) -> str:
    return f"{await office.now() + timedelta(days=days):%Y-%m-%d %H:%M}"


async def test_attack_a_yes_to_a_mail_about_lunch_that_names_the_thread_of_a_run_answers_it_and_uses_one(
    world: World,
) -> None:
    await granted(world, await done_once(world))
    wish = await write(world, BOT, "press bell", subject="ask yes_no Really?", answers="", by="anna")
    await world.next_mail("anna", "Really?")

    await write(world, BOT, f"Yes\n\n{LUNCH}", within=f"{wish['Message-ID']} <lunch@corp.example>", by="anna")

    await world.quiet()
    assert [one.request.title for one in await world.requests() if one.state == "open"] == ["Press bell?"]
    assert world.workshop.effects == ["press bell"]


async def test_an_answer_to_how_it_ended_asks_for_the_same_again_and_the_approvers_grant_it(world: World) -> None:
    end, day = await told_the_end(world), await day_of(world)

    await world.reply("anna", end, f"standing 2 times until {day}, any what")

    assert "They are asked." in (await world.next_mail("anna", about="the same again")).text
    [run_id] = await asked_in(world)
    record = await world.opened(run_id)
    assert record.request.requesters == ("anna",)
    await world.decide("bo", record, "approve")
    await world.has(run_id, "done")
    approval = (await the_only(world)).approval
    assert (approval.person, approval.uses, approval.pattern.open) == ("anna", 2, ("what",))
    assert f"{approval.until:%Y-%m-%d %H:%M}" == day
    assert not await is_asked(world, "press button")


async def test_attack_what_can_not_be_read_or_is_not_theirs_or_has_words_against_it_asks_somebody(
    world: World,
) -> None:
    end, day = await told_the_end(world), await day_of(world)
    [run_id] = await world.app.store.lists.runs()

    async def told(person: str, about: str) -> str:
        return " ".join((await world.next_mail(person, about=about)).text.split())

    await world.reply("anna", end, "standing 5 times for ever")
    unread = await told("anna", "This can't be read")
    await world.reply("anna", end, "standing 5 times until whenever")
    when = await told("anna", "whenever")
    await world.send("anna", BOT, f"standing 5 times until {day}")
    for text in (unread, when, await told("anna", "No run is known")):
        assert "standing 5 times until 2026-12-01 18:00" in text

    await world.send("bo", BOT, f"standing {run_id} 5 times until {day}")
    assert "There are no standing approvals for this call" in await told("bo", "the same again")
    await world.send("dan", BOT, f"standing {run_id} 5 times until {day}")
    assert f"There is no run {run_id}" in await told("dan", "the same again")
    await world.reply("anna", end, f"standing 50 times until {day}")
    assert "allows a standing approval of at most" in await told("anna", "the same again")

    for behind in (", only if Cy agrees", ", mit beliebigem what, nein", "\n-- \nonly once Dan says so"):
        await world.reply("anna", end, f"standing 2 times until {day}{behind}")
        assert "They are asked." not in await told("anna", "without asking"), behind

    assert await asked_in(world) == []


async def test_each_reads_those_that_concern_them_with_the_words_that_end_them(world: World) -> None:
    standing = await granted(world, await done_once(world), within=2 * DAY)
    ends = f"revoke {standing.approval.id}"
    before = len(world.mails("anna"))
    await world.send("anna", BOT, "standing", login=None)
    await until(world.dead, what="what nothing proves is held")
    await world.quiet()
    assert not any("revoke" in letter.text for letter in world.mails("anna")[before:])

    for person in ("anna", "cy"):
        await world.send(person, BOT, "standing")
        letter = await world.next_mail(person, about="Standing approvals")
        told = " ".join(letter.text.split())
        assert "Press bell: for Anna Ames, 0 of 3 used, until " in told
        assert f"To end it, write: {ends}" in told
    await world.send("dan", BOT, "standing")
    assert "no standing approval now that concerns you" in (await world.next_mail("dan", "Standing")).text
    assert len(await world.app.store.lists.runs()) == 2, "nobody took it for a wish"


async def test_the_same_message_taken_twice_asks_once(world: World) -> None:
    run_id, inbound_id = await done_once(world), new_id("inbound", 0)
    said = Trigger(person="anna", text=f"standing {run_id} 2 times until {await day_of(world)}")

    app = world.app
    handler = TypedStanding(app.journal, app.requests.standing, app.runs.again, app.runs.starter, app.people, app.guard)

    for _ in range(2):
        assert await handler.take(inbound_id, "email", said)

    assert len(await asked_in(world)) == 1


async def test_it_is_about_the_run_whose_mail_it_answers_or_about_what_a_run_below_that_did(world: World) -> None:
    await world.send("anna", BOT, "start_run press bell")

    async def below() -> RunId | None:
        runs = [await world.run(run_id) for run_id in await world.app.store.lists.runs()]
        return next((run.id for run in runs if run.started and run.started.parent), None)

    child = await until(below, what="it has started another")
    await world.decide("bo", await world.opened(child), "approve")
    end = await world.next_mail("anna", about="Done")
    await world.reply("anna", end, f"standing 2 times until {await day_of(world)}")
    await world.next_mail("anna", about="They are asked.")
    [asks] = await asked_in(world)
    record = await world.opened(RunId(asks))
    assert record.request.call
    assert record.request.call.arguments["run"] == child

    run_id = await world.trigger("press horn")
    await world.next_mail("bo", about="Press horn?")
    await world.decide("cy", await world.opened(run_id), "approve")
    closed = await world.next_mail("bo", about="Re: Press horn?")
    await world.reply("bo", closed, f"standing 2 times until {await day_of(world)}")
    told = await world.next_mail("bo", about="the same again")
    await world.reply("bo", closed, "standing")
    await world.next_mail("bo", about="Standing approvals")
    assert "There are no standing approvals for this call" in " ".join(told.text.split())
    assert await asked_in(world) == [asks]


async def test_attack_a_bare_revocation_of_a_use_says_nothing_of_how_to_end_what_allowed_it(
    world: World,
) -> None:
    standing = await granted(world, await done_once(world))
    granted_by = await world.next_mail("anna", "without asking")
    assert not await is_asked(world)
    used = await world.next_mail("bo", "Used without asking")
    ends = f"answer with nothing but: revoke {standing.approval.id}"

    for person, letter, words in (
        ("bo", used, "revoke"),
        ("bo", used, "Widerrufen"),
        ("bo", used, "Stop, please"),
        ("anna", granted_by, "stop"),
    ):
        before = len(world.mails(person))
        await world.reply(person, letter, words)
        await until(lambda: _says(world, person, before, ends), what=f"{person} reads how to end it")  # noqa: B023
        assert (await the_only(world)).revoked is None

    await world.app.requests.freezes.freeze("workshop", PersonId("dan"), "incident", proof=None)
    run_id = await world.trigger("press bell")
    await world.reply("bo", await world.next_mail("bo", "Used without asking"), "revoke")
    assert f"revoke {standing.approval.id}" in (await world.next_mail("bo", "taken back")).text
    await world.ended(run_id)
    assert (await the_only(world)).revoked is None
    assert world.workshop.effects == ["press bell"] * 2, "what was stopped before it began is not done"


def _says(world: World, person: str, since: int, words: str) -> bool:
    return any(words in " ".join(one.text.split()) for one in world.mails(person)[since:])
