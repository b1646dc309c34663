"""Whoever may stop something writes it in a mail of whatever kind: it is heard, or its writer reads how to stop it."""

import email.policy
import secrets
from collections.abc import Awaitable, Collection
from email.message import EmailMessage

import pytest

from agents.requests import PersonId, RequestState
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.store.keys import Keys
from channels import ChannelUnavailable
from channels.email.local.letters import Letter
from tests.kit.long import few_of
from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.mail.test_consent import approved, card_for, send, write

SAYSO = "sayso@sayso.example"


async def stands(world: World, record: RequestRecord) -> RequestState:
    await world.quiet()
    return (await world.request(record.request.id)).state


async def test_attack_an_approver_says_no_to_the_card_of_a_colleague(world: World) -> None:
    record, card = await card_for(world)
    for text, who in (("approve", "cy"), ("deny", "dan")):
        await write(world, card.reply_to, text, f"Re: {card.subject}", card.message_id, by=who)
        assert await stands(world, record) == "open", "nobody approves so, and who is not asked denies nothing"

    await write(world, card.reply_to, "No, stop!", f"Re: {card.subject}", "<seen@corp.example>", by="cy")

    assert await stands(world, record) == "denied"
    assert world.workshop.effects == []


@pytest.mark.parametrize("text", few_of(["I revoke my approval", "Freigabe zurückgezogen"], 0))
async def test_attack_whoever_approved_takes_their_approval_back_in_these_words(world: World, text: str) -> None:
    record, card = await card_for(world)
    await world.steer(record.request.run_id, "pause")
    await world.reply("bo", card, "approve")
    assert await stands(world, record) == "approved"

    await world.reply("bo", card, text)

    assert await stands(world, record) == "revoked"


async def test_attack_who_speaks_against_what_is_approved_is_told_only_that_it_changes_nothing(world: World) -> None:
    record, card = await card_for(world)
    await world.steer(record.request.run_id, "pause")
    await world.reply("bo", card, "approve")
    await stands(world, record)

    await world.reply("bo", card, "hm, Cy has just found a bug in it")

    told = await world.next_mail("bo", about="Already decided")
    assert "It has not begun: a denial would still count." in told.text
    await world.steer(record.request.run_id, "resume")
    await approved(world, record)
    await world.reply("bo", card, "was that wise?")
    assert "would still count" not in (await world.next_mail("bo", about="Already decided")).text


FORWARDED = """---------- Forwarded message ---------
From: Dan Doe <dan@corp.example>
Sent: Tuesday, March 3, 2026 9:55 AM
To: Bo
Subject: The bell

No, stop!
"""


async def test_attack_a_no_of_somebody_else_that_is_only_sent_on_counts_as_that_of_who_sends_it(world: World) -> None:
    record, card = await card_for(world)

    await write(world, card.reply_to, FORWARDED, f"Fwd: {card.subject}")

    assert "not counted as a decision" in (await world.next_mail("bo", about="not counted as a decision")).text
    assert await stands(world, record) == "open"

    await write(world, card.reply_to, f"No 🙅‍♀️, wrong version\n\n{FORWARDED}", f"Fwd: {card.subject}")
    assert await stands(world, record) == "denied", "a picture behind a no loses nothing of it"


@pytest.mark.parametrize(("who", "then"), few_of([("cy", "open"), ("bo", "approved")], 0, rows=True))
async def test_attack_a_no_to_a_card_that_was_replaced_after_its_approval_is_lost(
    world: World, who: str, then: str
) -> None:
    """What a tag stands for moved, so that it is asked anew; whoever says no has the older mail before them."""
    world.workshop.meaning["bell"] = "one"
    record = await world.opened(run_id := await world.trigger("press bell"))
    card = await world.next_mail(who)
    await world.steer(run_id, "pause")
    await world.decide("bo", record, "approve")
    world.workshop.meaning["bell"] = "two"
    await world.steer(run_id, "resume")
    again = await world.opened(run_id, after=record.request.id)
    if then == "approved":
        await world.steer(run_id, "pause")
        await world.decide("bo", again, "approve")

    await world.reply(who, card, "No, do not press it at all.")
    await world.quiet()

    assert await stands(world, again) == ("denied" if then == "open" else "revoked")
    if then == "approved":
        await world.steer(run_id, "resume")
    await world.ended(run_id)
    assert world.workshop.effects == []
    assert not [mail for mail in world.mails(who) if "superseded" in mail.text]


async def test_attack_a_request_is_taken_back_that_was_replaced_and_what_is_asked_in_its_place_stays_open(
    world: World,
) -> None:
    world.workshop.meaning["bell"] = "one"
    record = await world.opened(run_id := await world.trigger("press bell"))
    await world.steer(run_id, "pause")
    await world.decide("bo", record, "approve")
    world.workshop.meaning["bell"] = "two"
    await world.steer(run_id, "resume")
    again = await world.opened(run_id, after=record.request.id)

    taken_back = await world.steering.withdraw(record.request.id, PersonId("anna"), "not today", as_by("cli"))

    assert taken_back.record.request.id == again.request.id
    assert await stands(world, again) == "withdrawn"


async def two_tries(world: World) -> tuple[RequestRecord, RequestRecord]:
    """What was approved and tried, of which people said that it did not happen; and the open one of the second try."""
    async with world.stopped():
        world.workshop.timeouts_s["press"] = 0.1
    world.workshop.hold("bell")
    first = await world.opened(run_id := await world.trigger("press bell"))
    await world.decide("bo", first, "approve")
    unknown = await world.opened(run_id, after=first.request.id)
    await world.decide("bo", unknown, "free_text", "2")
    return first, await world.opened(run_id, after=unknown.request.id)


@pytest.mark.parametrize(
    "wish",
    few_of(
        [
            "ask-of group:release free_text Which?\npress bell",
            "ask-of group:release free_text Which?\nstart_run press bell",
            "start_run ask-of group:release free_text Which?\npress bell",
        ],
        0,
        2,
    ),
)
async def test_attack_a_decider_says_stop_to_the_mail_of_a_question_that_a_colleague_answered(
    world: World, wish: str
) -> None:
    await world.trigger(wish)
    card = await world.next_mail("cy", about="Which")
    [question] = await world.requests()
    await world.decide("bo", question, "free_text", "the small one")

    async def gate() -> RequestRecord | None:
        return next((one for one in await world.requests() if one.request.format == "approval"), None)

    record = await until(gate, what="it is asked for")

    await world.reply("cy", card, "Stop, please do not press it.")

    assert await stands(world, record) == "denied"


@pytest.mark.parametrize("text", few_of(["3", "stop"], 0, 1))
@pytest.mark.parametrize("became", ["denied", "revoked"])
async def test_attack_a_decider_has_a_run_stopped_that_a_colleague_had_asked_again(
    world: World, text: str, became: str
) -> None:
    """They answer what was asked before: what became of the first try."""
    _, again = await two_tries(world)
    card = await world.next_mail("cy", about="not known whether")
    if became == "revoked":
        await world.steer(again.request.run_id, "pause")
        await world.decide("bo", again, "approve")

    await world.reply("cy", card, text)

    assert await stands(world, again) == became


async def test_attack_a_decider_has_a_run_stopped_whose_second_try_is_asked_about_as_the_first_was(
    world: World,
) -> None:
    first, again = await two_tries(world)
    card = await world.next_mail("cy", about="not known whether")
    await world.decide("bo", again, "approve")
    await world.opened(first.request.run_id, after=again.request.id)

    await world.reply("cy", card, "3")
    await world.quiet()

    assert (await world.run(first.request.run_id)).state == "cancelled"


async def asked_by_mail(world: World, number: int = 0) -> tuple[EmailMessage, RequestRecord]:
    """The mail of Anna's wish, and what it asks; `number` were asked before."""
    wish = await write(world, SAYSO, "press bell", "press bell", "", by="anna")

    async def newest() -> RequestRecord | None:
        found = await world.requests()
        return max(found, key=lambda one: one.request.opened_at) if len(found) > number else None

    return wish, await until(newest, what="it is asked")


async def test_attack_a_stop_over_an_empty_mail_is_dropped_and_nobody_is_told(world: World) -> None:
    for number, (subject, below) in enumerate(
        (
            ("STOP", "\n-- \nAnna Ames"),
            ("Re: Bitte abbrechen", ""),
            ("STOP - Re: press bell", "Anna Ames\nHead of Shop\nT +49 30 1234567"),
            ("Re: Stop", "siehe Betreff"),
            ("STOP (was: press bell)", "Kind regards,\nAnna Ames\n\nSent from my iPhone"),
        )
    ):
        wish, record = await asked_by_mail(world, number)

        await write(world, SAYSO, below, subject, wish["Message-ID"], by="anna")

        assert await stands(world, record) == "withdrawn", subject


async def test_attack_a_stop_over_an_empty_answer_to_a_card_is_a_comment(world: World) -> None:
    for subject, below in (("STOP - Re: {}", "Kind regards,\nBo"), ("Nein AW: {}", ""), ("No, wrong bell", "n/t")):
        record, card = await card_for(world)
        await world.steer(record.request.run_id, "pause")
        await world.reply("bo", card, "approve")
        assert await stands(world, record) == "approved"

        await write(world, card.reply_to, below, subject.format(card.subject), card.message_id)

        assert await stands(world, record) == "revoked", subject


async def test_the_subject_of_a_card_over_an_empty_answer_is_no_word_of_its_writer(world: World) -> None:
    for title in ("Stop the old server", "No"):
        run_id = await world.trigger(f"ask yes_no {title}", person="bo")
        record = await world.opened(run_id)
        card = await world.next_mail("bo", about=title)
        for subject in (card.subject, f"Re: {card.subject}"):
            await write(world, card.reply_to, "Thanks, Bo", subject, card.message_id)
            assert await stands(world, record) == "open", subject


@pytest.mark.parametrize("is_answer", [True, False])
async def test_attack_a_no_is_held_as_a_phone_divides_it_around_a_picture(world: World, *, is_answer: bool) -> None:
    """To the card, and by a colleague in the thread of the wish."""
    wish, record = await asked_by_mail(world)
    card = await world.next_mail("bo", about=record.request.digest)
    await world.steer(record.request.run_id, "pause")
    await world.reply("bo", card, "approve")
    assert await stands(world, record) == "approved"
    message = EmailMessage(policy=email.policy.SMTP)
    by, to, subject = ("bo", card.reply_to or "", card.subject) if is_answer else ("cy", SAYSO, "press bell")
    message["From"], message["To"], message["Subject"] = f"{by}@corp.example", to, f"Re: {subject}"
    message["Message-ID"], message["Date"] = "<phone@corp.example>", world.date(world.about_now())
    message["In-Reply-To"] = card.message_id if is_answer else wish["Message-ID"]
    message.set_content("No, don't! Look:")
    message.make_mixed()
    message.add_attachment(b"tiny", maintype="image", subtype="png", filename="shot.png", disposition="inline")
    message.add_attachment("The total is wrong.\n\nSent from my iPhone", disposition="inline")

    await send(world, message, to, by)

    assert await stands(world, record) == "revoked"


async def test_attack_a_no_is_held_above_a_thread_too_long_to_be_read_whole(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    card = await world.next_mail("bo", about=record.request.digest)

    await world.post("bo", card.reply_to or "", "deny\n\n" + "> and so on\n" * 5_000)

    await world.ended(record.request.run_id)
    assert await stands(world, record) == "denied"


async def test_attack_a_no_is_held_as_a_server_adds_a_text_of_its_own_to_the_mail(world: World) -> None:
    for wish, person, said, state in (
        ("press bell", "bo", "deny", "denied"),
        ("ask choice Which one? | shop, search", "anna", "stop", "withdrawn"),
    ):
        record = await world.opened(await world.trigger(wish))
        card = await world.next_mail(person, about=record.request.digest if person == "bo" else record.request.id)
        message = EmailMessage(policy=email.policy.SMTP)
        message["From"], message["To"], message["Subject"] = f"{person}@corp.example", card.reply_to, card.subject
        message["Message-ID"], message["Date"] = f"<{said}@corp.example>", world.date(world.about_now())
        message["In-Reply-To"] = card.message_id
        message.set_content(said)
        message.make_mixed()
        message.add_attachment("This message was scanned by Acme Gateway.", disposition="inline")

        await send(world, message, card.reply_to or "", person)

        await world.ended(record.request.run_id)
        assert await stands(world, record) == state


async def test_attack_the_logo_of_a_signature_hides_the_stop_above_an_empty_mail(world: World) -> None:
    wish, record = await asked_by_mail(world)
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = "anna@corp.example", SAYSO, "STOP Re: press bell"
    message["Message-ID"], message["In-Reply-To"] = "<empty@corp.example>", wish["Message-ID"]
    message["Date"] = world.date(world.about_now())
    message.set_content("Anna Ames\nHead of Shop\nT: +49 30 1234567\n[cid:logo@corp]\n")
    lines = "<p>Anna Ames</p><p>Head of Shop<br>T: +49 30 1234567</p>"
    message.add_alternative(f'{lines}<p><img src="cid:logo@corp"></p>', "html")
    message.make_mixed()
    message.add_attachment(
        b"tiny", maintype="image", subtype="png", filename="image001.png", disposition="inline", cid="<logo@corp>"
    )

    await send(world, message, SAYSO, "anna")

    assert await stands(world, record) == "withdrawn"


async def test_the_subject_of_a_thread_over_an_empty_mail_is_no_word_of_its_writer_who_reads_how_to_stop_it(
    world: World,
) -> None:
    wish, record = await asked_by_mail(world)
    for subject, below in (
        ("Re: press bell", ""),
        ("Re: no more than two bells", "Thanks, Anna"),
        ("Re: stop the old server first", ""),
    ):
        await write(world, SAYSO, below, subject, wish["Message-ID"], by="anna")
        assert await stands(world, record) == "open", subject
    for subject in ("URGENT: STOP Re: press bell", "Re: Please stop the bell"):
        before = len(world.mails("anna"))
        await write(world, SAYSO, "", subject, wish["Message-ID"], by="anna")
        assert await stands(world, record) == "open", subject
        told = [one.text for one in world.mails("anna")[before:] if "Your message has no words" in one.text]
        assert any("To stop the run, write: stop" in text for text in told), subject


async def test_attack_a_no_to_the_card_of_a_first_try_is_lost_where_people_are_asked_for_a_second(
    world: World,
) -> None:
    _, again = await two_tries(world)
    card = await world.next_mail("cy")

    await world.reply("cy", card, "No, do not press it at all.")
    await world.quiet()

    assert await stands(world, again) == "denied"


async def test_attack_a_stop_is_lost_as_the_mail_that_began_the_thread_began_a_run_that_has_ended(world: World) -> None:
    def runs() -> Awaitable[list[str]]:
        return world.app.store.lists.runs()

    first = await mail(world, "who")
    [ended] = await until(runs, what="a run begins")
    await world.ended(ended)
    second = await mail(world, "press bell", first)
    await until(lambda: len(world.mails("bo")), what="bo is asked")
    [run_id] = {*await runs()} - {ended}
    record = await world.opened(run_id)

    await mail(world, "stop", first, second)

    assert await stands(world, record) == "withdrawn"


async def unread(world: World, known: Collection[str] = ()) -> str:
    """The one item that nobody has read yet, but for those that are `known`."""

    async def found() -> str | None:
        shards = [Keys(shard) for shard in range(world.app.store.shards)]
        waiting = [item for keys in shards for item in await world.app.store.client.do("ZRANGE", keys.wake, 0, -1)]
        items = {one.decode().removeprefix("in ") for one in waiting if one.startswith(b"in ")}
        return next(iter(items - {*known}), None)

    return await until(found, what="a mail has come")


async def test_attack_a_stop_is_read_before_the_wish_that_it_is_about_and_begins_nothing_but_that(
    world: World,
) -> None:
    async with world.stopped():
        await world.start(works=False)
        first = await mail(world, "press bell")
        wish = await unread(world)
        await mail(world, "stop", first)
        stop = await unread(world, {wish})

        with pytest.raises(ChannelUnavailable):
            await world.app.messages.inbox.handle(stop)

        await world.stop()
    await world.quiet()

    [run_id] = await world.app.store.lists.runs()
    await world.ended(run_id)
    assert world.workshop.effects == []
    assert not any("nothing was stopped" in letter.text for letter in world.mails("anna"))


@pytest.mark.parametrize(
    ("text", "has_ended"),
    few_of([("please stop RUN, wrong tag", True), ("freeze workshop. stop RUN", False)], 0, rows=True),
)
async def test_attack_a_stop_that_names_a_run_in_answer_to_a_mail_that_asks_nothing_stops_the_wrong_one(
    world: World, text: str, *, has_ended: bool
) -> None:
    other = await world.opened(await world.trigger("press horn", person="dan"))
    if has_ended:
        await world.decide("bo", other, "deny")
    else:
        await world.decide("dan", other, "free_text", "only if Cy is there", channel="email")
    told = await world.next_mail("dan", about="Stopped" if has_ended else "Your words are on the card")
    record = await world.opened(await world.trigger("press bell", person="dan"))

    await world.reply("dan", told, text.replace("RUN", record.request.run_id).replace("REQUEST", record.request.id))

    assert await stands(world, record) == "withdrawn"
    assert (await world.request(other.request.id)).state == ("denied" if has_ended else "open")
    assert [letter for letter in world.mails("dan") if "Too late" in letter.text] == []


async def noticed(world: World) -> tuple[RequestRecord, Letter]:
    """What is approved and waits, and a mail about it to Bo that asks nothing."""
    record, card = await card_for(world)
    await world.steer(record.request.run_id, "pause")
    await world.decide("cy", record, "approve")
    await world.reply("bo", card, "I wonder what Eve says to that")
    return record, await world.next_mail("bo", about="Already decided")


async def test_attack_a_no_to_a_notice_is_lost_as_it_names_no_other_mail_of_the_thread(world: World) -> None:
    record, told = await noticed(world)
    assert told.message_id.startswith("<note.")

    await write(world, SAYSO, "No, stop!", f"Re: {told.subject}", told.message_id)

    assert await stands(world, record) == "revoked"


async def test_attack_who_writes_stop_with_a_phone_that_names_no_mail_reads_nothing_of_how_to_stop_it(
    world: World,
) -> None:
    record, told = await noticed(world)

    await write(
        world,
        SAYSO,
        f"Stop!\n\nOn Tue, Mar 3, 2026 at 9:55 AM sayso <{SAYSO}> wrote:\n\n> Already decided",
        f"Re: {told.subject}",
        answers="",
    )

    assert (
        "or write stop and the id of the run anywhere"
        in (await world.next_mail("bo", about="nothing was stopped")).text
    )
    assert await stands(world, record) == "approved"


async def mail(world: World, text: str, *references: str) -> str:
    """A mail of Anna's to sayso below those of her own; its Message-ID."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = "anna@corp.example", SAYSO, "Re: the bell"
    message["Message-ID"] = f"<{secrets.token_hex(8)}@corp.example>"
    message["Date"] = world.date(world.about_now())
    if references:
        message["In-Reply-To"], message["References"] = references[-1], " ".join(references)
    else:
        message.replace_header("Subject", text)
    message.set_content(text)
    await world.transport("anna@corp.example").send(bytes(message), sender="anna@corp.example", recipients=[SAYSO])
    return message["Message-ID"]


async def test_attack_an_approver_takes_an_approval_back_by_the_card_of_a_colleague(world: World) -> None:
    record, card = await card_for(world)
    await world.steer(record.request.run_id, "pause")
    await world.decide("bo", record, "approve")

    await write(world, card.reply_to, "stop", f"Re: {card.subject}", card.message_id, by="cy")

    assert await stands(world, record) == "revoked"


async def test_attack_who_takes_back_a_first_try_reads_that_it_stays_approved_and_the_second_is_what_was_taken_back(
    world: World,
) -> None:
    first, again = await two_tries(world)

    taken_back = await world.steering.withdraw(first.request.id, PersonId("anna"), "not today", as_by("cli"))

    assert taken_back.record.request.id == again.request.id
    assert await stands(world, again) == "withdrawn"
