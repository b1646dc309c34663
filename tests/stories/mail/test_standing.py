"""Standing approvals by mail: asked for by an answer to how a run ended, listed, told of each use, and ended."""

from datetime import timedelta
from pathlib import Path

import pytest

from agents.requests import PersonId, RunId
from agents.standing import STANDING
from bot.inbound.standing import TypedStanding
from bot.store.ids import new_id
from channels import Trigger
from channels.email.local.letters import Letter
from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.people.standing import ALLOWED, DAY, an_office, done_once, granted, is_asked, the_only

BOT = "sayso@sayso.example"


async def test_an_answer_to_the_mail_about_a_use_ends_it(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))
        assert not await is_asked(office)
        letter = await office.next_mail("bo", "Used without asking")
        assert f"answer with nothing but: revoke {standing.approval.id}" in letter.text

        await office.reply("bo", letter, f"revoke {standing.approval.id}\nWe are in an incident.")

        assert "is revoked" in (await office.next_mail("bo", "Revoked")).text
        ended = (await the_only(office)).revoked
        assert ended
        assert (ended.by, ended.reason) == ("bo", "We are in an incident.")
        assert await is_asked(office)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Hi, please revoke the standing approval ID - it is used too often.\nBest,\nBo", "it is used too often."),
        ("revoke `ID`, the incident is over", "the incident is over"),
    ],
)
async def test_who_ends_it_in_words_of_their_own_ends_it(redis: str, tmp_path: Path, text: str, reason: str) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))
        assert not await is_asked(office)
        letter = await office.next_mail("bo", "Used without asking")

        await office.reply("bo", letter, text.replace("ID", standing.approval.id))

        assert "is revoked" in (await office.next_mail("bo", "Revoked")).text
        ended = (await the_only(office)).revoked
        assert ended
        assert (ended.by, ended.reason) == ("bo", reason)


@pytest.mark.parametrize("card", ["an approval", "a question"])
async def test_attack_a_revocation_that_answers_another_card_is_words_alone(
    redis: str, tmp_path: Path, card: str
) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))
        wish = "press horn" if card == "an approval" else "ask-of person:bo free_text Which one?"
        record = await office.opened(await office.trigger(wish))
        letter = await office.next_mail("bo", "ress horn?" if card == "an approval" else "Which one?")

        await office.reply("bo", letter, f"revoke {standing.approval.id}")

        assert "is revoked" in (await office.next_mail("bo", "Revoked")).text
        assert (await the_only(office)).revoked
        assert (await office.request(record.request.id)).state == "open"

        never = standing.approval.id[:-1] + ("b" if standing.approval.id.endswith("a") else "a")
        await office.reply("bo", letter, f"revoke {never}")

        assert "no standing approval" in (await office.next_mail("bo", "Not passed on")).text.lower()


async def test_a_mail_of_somebody_it_does_not_concern_or_of_nobody_proven_ends_nothing(
    redis: str, tmp_path: Path
) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))
        letter = await office.next_mail("anna")
        to = letter.reply_to or "sayso@sayso.example"

        await office.send("dan", to, f"revoke {standing.approval.id}")
        await office.send("bo", to, f"revoke {standing.approval.id}", login=None)
        await office.quiet()

        assert (await the_only(office)).revoked is None
        assert not await is_asked(office)


async def test_a_new_mail_that_says_nothing_else_ends_it(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))

        await office.send("cy", "sayso@sayso.example", f"revoke {standing.approval.id}")
        await office.next_mail("cy", "Revoked")

        assert (await the_only(office)).revoked


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


async def test_an_answer_to_how_it_ended_asks_for_the_same_again_and_the_approvers_grant_it(
    redis: str, tmp_path: Path
) -> None:
    async with an_office(redis, tmp_path) as office:
        end, day = await told_the_end(office), await day_of(office)

        await office.reply("anna", end, f"standing 2 times until {day}, any what")

        assert "They are asked." in (await office.next_mail("anna", about="the same again")).text
        [run_id] = await asked_in(office)
        record = await office.opened(run_id)
        assert record.request.requesters == ("anna",)
        await office.decide("bo", record, "approve")
        await office.has(run_id, "done")
        approval = (await the_only(office)).approval
        assert (approval.person, approval.uses, approval.pattern.open) == ("anna", 2, ("what",))
        assert f"{approval.until:%Y-%m-%d %H:%M}" == day
        assert not await is_asked(office, "press button")


async def test_what_cannot_be_read_asks_nobody_and_is_answered_with_how_to_write_it(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        end, day = await told_the_end(office), await day_of(office)

        await office.reply("anna", end, "standing 5 times for ever")
        unread = await office.next_mail("anna", about="This can't be read")
        await office.reply("anna", end, "standing 5 times until whenever")
        when = await office.next_mail("anna", about="whenever")
        await office.send("anna", BOT, f"standing 5 times until {day}")
        where = await office.next_mail("anna", about="No run is known")

        for letter in (unread, when, where):
            assert "standing 5 times until 2026-12-01 18:00" in " ".join(letter.text.split())
        assert await asked_in(office) == []


async def test_it_is_asked_for_by_whoever_asked_for_the_run_and_as_far_as_its_policy_allows(
    redis: str, tmp_path: Path
) -> None:
    async with an_office(redis, tmp_path) as office:
        end, day = await told_the_end(office), await day_of(office)
        [run_id] = await office.app.store.lists.runs()

        await office.send("bo", BOT, f"standing {run_id} 5 times until {day}")
        others = await office.next_mail("bo", about="the same again")
        await office.send("dan", BOT, f"standing {run_id} 5 times until {day}")
        unseen = await office.next_mail("dan", about="the same again")
        await office.reply("anna", end, f"standing 50 times until {day}")
        beyond = await office.next_mail("anna", about="the same again")

        assert "There are no standing approvals for this call" in " ".join(others.text.split())
        assert f"There is no run {run_id}" in " ".join(unseen.text.split())
        assert "allows a standing approval of at most" in " ".join(beyond.text.split())
        assert await asked_in(office) == []


async def test_each_reads_those_that_concern_them_with_the_words_that_end_them(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office), within=2 * DAY)
        ends = f"revoke {standing.approval.id}"

        for person in ("anna", "cy"):
            await office.send(person, BOT, "standing")
            letter = await office.next_mail(person, about="Standing approvals")
            told = " ".join(letter.text.split())
            assert "Press bell: for Anna Ames, 0 of 3 used, until " in told
            assert f"To end it, write: {ends}" in told
        await office.send("dan", BOT, "standing")
        assert "no standing approval now that concerns you" in (await office.next_mail("dan", "Standing")).text
        assert len(await office.app.store.lists.runs()) == 2, "nobody took it for a wish"


async def test_a_mail_that_nothing_proves_is_told_nothing_of_them(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        await granted(office, await done_once(office))
        before = len(office.mails("anna"))

        await office.send("anna", BOT, "standing", login=None)
        await until(office.dead, what="it is held")
        await office.quiet()

        assert not any("revoke" in letter.text for letter in office.mails("anna")[before:])


async def test_what_answers_a_question_is_an_answer(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        run_id = await office.trigger("ask free_text How is it?")

        await office.reply("anna", await office.next_mail("anna", about="How is it?"), "standing")

        assert await office.summary(run_id) == "done: answered: standing"


async def test_in_german_it_is_asked_for_and_answered_in_german(redis: str, tmp_path: Path) -> None:
    german = ALLOWED.replace("[people.anna]\n", '[people.anna]\nlanguage = "de"\n')
    async with an_office(redis, tmp_path, german) as office:
        run_id = await done_once(office)
        await office.send("anna", BOT, f"Dauergenehmigung {run_id} 2 mal bis {await day_of(office)}")

        letter = await office.next_mail("anna", about="ohne Rückfrage")

        assert "Sie werden gefragt." in letter.text
        assert len(await asked_in(office)) == 1


async def test_the_same_message_taken_twice_asks_once(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        run_id, inbound_id = await done_once(office), new_id("inbound", 0)
        said = Trigger(person="anna", text=f"standing {run_id} 2 times until {await day_of(office)}")

        app = office.app
        handler = TypedStanding(
            app.journal, app.requests.standing, app.runs.again, app.runs.starter, app.people, app.guard
        )

        for _ in range(2):
            assert await handler.take(inbound_id, "email", said)

        assert len(await asked_in(office)) == 1


async def test_an_answer_to_the_mail_that_closes_a_card_is_about_its_run(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        run_id = await office.trigger("press bell")
        await office.next_mail("bo")
        await office.decide("cy", await office.opened(run_id), "approve")
        closed = await office.next_mail("bo", about="Re: Press bell?")

        await office.reply("bo", closed, f"standing 2 times until {await day_of(office)}")
        told = await office.next_mail("bo", about="the same again")
        await office.reply("bo", closed, "standing")
        await office.next_mail("bo", about="Standing approvals")

        assert "There are no standing approvals for this call" in " ".join(told.text.split())
        assert await asked_in(office) == []


async def test_in_the_thread_of_a_run_that_started_another_it_is_about_what_that_one_did(
    redis: str, tmp_path: Path
) -> None:
    async with an_office(redis, tmp_path) as office:
        await office.send("anna", BOT, "start_run press bell")

        async def below() -> RunId | None:
            runs = [await office.run(run_id) for run_id in await office.app.store.lists.runs()]
            return next((run.id for run in runs if run.started and run.started.parent), None)

        child = await until(below, what="it has started another")
        await office.decide("bo", await office.opened(child), "approve")
        end = await office.next_mail("anna", about="Done")
        await office.reply("anna", end, f"standing 2 times until {await day_of(office)}")
        await office.next_mail("anna", about="They are asked.")

        [asks] = await asked_in(office)
        record = await office.opened(asks)
        assert record.request.call
        assert record.request.call.arguments["run"] == child


async def test_attack_words_behind_it_that_speak_against_it_ask_nobody(redis: str, tmp_path: Path) -> None:
    against = (
        ", only if Cy agrees",
        "?",
        " with any what, but wait for me",
        ", not yet",
        ", mit beliebigem what, nein",
        "\n-- \nonly once Dan says so",
        "\nThanks\nNot Yet",
    )
    async with an_office(redis, tmp_path) as office:
        end, day = await told_the_end(office), await day_of(office)

        for behind in against:
            await office.reply("anna", end, f"standing 2 times until {day}{behind}")
            assert "They are asked." not in (await office.next_mail("anna", about="without asking")).text, behind

        assert await asked_in(office) == []


@pytest.mark.parametrize("words", ["revoke", "Widerrufen", "stop"])
async def test_attack_a_bare_revocation_of_a_use_that_has_begun_says_nothing_of_how_to_end_what_allowed_it(
    redis: str, tmp_path: Path, words: str
) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))
        assert not await is_asked(office)
        letter = await office.next_mail("bo", "Used without asking")

        await office.reply("bo", letter, words)

        told = (await office.next_mail("bo")).text
        assert (await the_only(office)).revoked is None
        assert f"To end it, answer with nothing but: revoke {standing.approval.id}" in told, told


@pytest.mark.parametrize(("person", "words"), [("bo", "revoke"), ("bo", "Stop, please"), ("anna", "stop")])
async def test_attack_a_bare_stop_in_answer_to_the_mail_that_granted_it_says_nothing_of_how_to_end_it(
    redis: str, tmp_path: Path, person: str, words: str
) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))
        letter = await office.next_mail(person, "without asking")

        await office.reply(person, letter, words)

        told = " ".join((await office.next_mail(person, "Too late")).text.split())
        assert (await the_only(office)).revoked is None
        assert f"answer with nothing but: revoke {standing.approval.id}" in told, told
        await office.reply(person, letter, f"revoke {standing.approval.id}")
        await office.next_mail(person, "is revoked")


async def test_who_stops_a_use_before_it_begins_reads_how_to_end_what_allowed_it(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))
        await office.app.requests.freezes.freeze("workshop", PersonId("dan"), "incident")
        run_id = await office.trigger("press bell")
        letter = await office.next_mail("bo", "Used without asking")

        await office.reply("bo", letter, "revoke")

        assert f"revoke {standing.approval.id}" in (await office.next_mail("bo", "About")).text
        await office.ended(run_id)
        assert (await the_only(office)).revoked is None
        assert office.workshop.effects == ["press bell"]
