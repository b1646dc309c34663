"""The whole channel over a real SMTP server and real Maildirs."""

import asyncio
from datetime import timedelta

from channels import Address, Card, Contact, Ignored, Inbound, Quarantined, Reply, Trigger
from channels.email.format.message_ids import thread_root
from channels.email.local import maildir
from channels.email.local.letters import letters
from channels.email.local.reply_mail import compose_letter, compose_reply, submit
from tests.channels.email.conftest import Post
from tests.channels.email.mails import BO, BOT, NOON, TOKEN, approval, arrived, mail
from tests.fakes.desk import EmptyDesk
from tests.kit.waiting import patience

TO = Address(channel="email", person="bo", to="bo@corp.example", thread="run-7")


async def test_a_card_goes_out_and_the_reply_comes_back_as_an_approval_and_a_forged_one_is_held(post: Post) -> None:
    delivery = await post.channel.send(approval(receipt=TOKEN), TO, "d1")
    (path,) = maildir.every_mail(post.box("bo@corp.example"))
    (card,) = letters(post.box("bo@corp.example"))
    back = f"Return-Path: <agent+{TOKEN}@sayso.example>".encode()
    assert path.read_bytes().startswith(back), "where it may come back"

    sent = await submit(post.client("bo@corp.example"), card, "approve", author=BO, at=NOON)
    await post.client().send(mail(), sender="bo@corp.example", recipients=(f"agent+{TOKEN}@sayso.example",))
    inbound, forged = await post.next_inbound(2)
    reading = await post.channel.read(inbound)

    assert f"In-Reply-To: {delivery.handle}".encode() in sent.raw
    assert b"Subject: Re: Deploy 4f2a to production?" in sent.raw
    assert b"> To approve, reply with the one word: approve" in sent.raw
    assert inbound.is_answer
    assert isinstance(reading, Reply)
    assert (reading.person, reading.token, reading.said, reading.text) == ("bo", TOKEN, "approve", "approve")
    assert isinstance(await post.channel.read(forged), Quarantined)


async def test_an_answer_is_read_beside_the_card_that_it_names(post: Post) -> None:
    await post.channel.send(approval(receipt=TOKEN), TO, "d1")
    (card,) = letters(post.box("bo@corp.example"))
    yes = compose_reply(card, "approve", author=BO, at=NOON)
    typed_within = yes.raw.replace(b"> To deny", b"> but only the small one\r\n> To deny")

    maildir.store(post.box(BOT), arrived(mail(f"no, not on a Friday\n\n{card.text}")))
    maildir.store(post.box(BOT), arrived(typed_within))
    denial, doubtful = [await post.channel.read(each) for each in await post.next_inbound(2)]

    assert isinstance(denial, Reply)
    assert (denial.said, denial.reason) == ("deny", "not on a Friday"), "and nothing of the card"
    assert isinstance(doubtful, Reply)
    assert doubtful.unbound == "what stands in or below the quoted card may be part of the answer"


async def test_what_only_a_signature_holds_is_known_from_the_next_mail_of_its_writer_on(post: Post) -> None:
    await post.channel.send(approval(receipt=TOKEN), TO, "d1")
    (card,) = letters(post.box("bo@corp.example"))
    signed = "approve\n\n-- \nBo Berg\nJust the small one"
    mails = ((0, signed), (-5, signed), (60, signed), (90, f"{signed} on Mondays"))
    for seconds, text in mails:
        reply = compose_reply(card, text, author=BO, at=NOON + timedelta(seconds=seconds))
        maildir.store(post.box(BOT), arrived(reply.raw))
    quoting = compose_reply(card, "approve", author=BO, at=NOON + timedelta(seconds=120))
    maildir.store(post.box(BOT), arrived(quoting.raw.rstrip() + b"\r\n> Just the big one\r\n"))

    inbound = await post.next_inbound(len(mails) + 1)
    readings = [await post.channel.read(each) for each in (inbound[0], *inbound)]
    first, same, earlier, later, another, quoted = [each for each in readings if isinstance(each, Reply)]

    new = "it has lines that no earlier mail of this person had, and they may be part of the answer: Just the small one"
    assert (first.said, first.unbound.partition(". ")[0]) == ("approve", new)
    assert same.unbound == first.unbound, "it is read once more, or came along two ways"
    assert earlier.unbound == first.unbound, "it was written before anybody asked"
    assert (later.said, later.unbound) == ("approve", "")
    assert another.unbound.partition(". ")[0] == f"{new} on Mondays"
    assert "answer: Just the big one." in quoted.unbound, "who answers can type there, too"


async def test_what_may_be_a_signature_below_an_order_is_part_of_it_until_it_is_known(post: Post) -> None:
    order = "deploy v1.2.0 to staging\n\n-- \nBo Berg\nJust the small one"
    for seconds in (0, 60):
        wish = compose_letter("bo@corp.example", BOT, "", order, NOON + timedelta(seconds=seconds))
        maildir.store(post.box(BOT), arrived(wish.raw))

    inbound = await post.next_inbound(2)
    first, later = [await post.channel.read(each) for each in inbound]

    assert isinstance(first, Trigger)
    assert isinstance(later, Trigger)
    assert "--" not in first.text, "below dashes nothing would be read"
    assert first.weakness.startswith("it has lines that no earlier mail of this person had")
    assert (later.text, later.weakness) == (order, "")


async def test_a_mail_of_very_many_footers_leaves_one_note_of_them(post: Post) -> None:
    footers = "\n\n".join(f"Sent from my Galaxy Qx{number}" for number in range(500))
    wish = compose_letter("bo@corp.example", BOT, "", f"deploy v1.2.0 to staging\n\n{footers}", NOON)
    maildir.store(post.box(BOT), arrived(wish.raw))
    (inbound,) = await post.next_inbound()
    before = len(post.marks.words)

    reading = await post.channel.read(inbound)

    assert isinstance(reading, Trigger)
    assert "Sent from my Galaxy Qx0" in reading.weakness
    assert len(post.marks.words) == before + 1


async def test_a_denial_stays_one_whatever_is_typed_within_the_card(post: Post) -> None:
    await post.channel.send(approval(receipt=TOKEN), TO, "d1")
    (card,) = letters(post.box("bo@corp.example"))
    opening = card.text.split("\n")[0].encode()
    no = compose_reply(card, "no", author=BO, at=NOON)

    maildir.store(post.box(BOT), arrived(no.raw.replace(opening, opening + b"\r\nwhat is this?")))
    (inbound,) = await post.next_inbound()
    reading = await post.channel.read(inbound)

    assert isinstance(reading, Reply)
    assert reading.said == "deny"


async def test_only_a_closing_card_is_shown_as_a_follow_up_in_the_same_thread(post: Post) -> None:
    delivery = await post.channel.send(approval(), TO, "d1")

    await post.channel.update(delivery, approval(title="Reminder"), "d1:2")
    await post.channel.update(delivery, Card(title="Cy approved at 14:02; nothing to do", at=NOON, closes=True), "d1:3")

    first, second = letters(post.box("bo@corp.example"))
    assert second.subject == f"Re: {first.subject}"
    assert second.text.startswith("Cy approved at 14:02; nothing to do")
    assert second.references.split() == [*first.references.split(), first.message_id]
    assert second.reply_to == BOT


async def test_the_same_mail_twice_has_one_key_and_any_other_hand_or_address_another(post: Post) -> None:
    for raw in (
        arrived(mail()),
        arrived(mail()),
        arrived(mail(), login=None),
        arrived(mail(), to="agent+other@sayso.example"),
    ):
        maildir.store(post.box(BOT), raw)

    keys = [inbound.key for inbound in await post.next_inbound(4)]

    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


async def test_what_is_huge_or_unreadable_is_held_a_robot_is_ignored_and_the_next_one_is_served(
    post: Post,
) -> None:
    maildir.create(post.box(BOT))
    (post.box(BOT) / "new" / "0001.broken").mkdir()
    huge = mail("x" * 76 + "\n") + (b"word " * 14 + b"\r\n") * 75_000
    for raw in (huge, mail("I am away", extra="Auto-Submitted: auto-replied\n"), mail()):
        maildir.store(post.box(BOT), arrived(raw))

    found = await post.next_inbound(4)

    readings = [await post.channel.read(inbound) for inbound in found]
    assert [type(reading) for reading in readings] == [Quarantined, Quarantined, Ignored, Reply]
    assert found[1].size_bytes > 5_000_000
    assert len({inbound.key for inbound in found}) == 4


async def test_a_mail_that_was_not_accepted_stays_and_is_handed_over_again(post: Post) -> None:
    maildir.store(post.box(BOT), arrived(mail()))
    tries: list[list[str]] = []
    accepted = asyncio.Event()

    async def accept(_inbound: Inbound) -> None:
        tries.append(maildir.names(post.box(BOT), "new"))
        if len(tries) < 3:
            raise ConnectionError("the store is away")
        accepted.set()

    receiving = asyncio.create_task(post.channel.receive(accept, EmptyDesk()))
    async with patience():
        await accepted.wait()
    receiving.cancel()
    await asyncio.wait([receiving])

    assert len(tries) == 3
    assert all(len(names) == 1 for names in tries)


async def test_an_address_names_its_thread_by_the_id_that_answers_to_our_mails_name(post: Post) -> None:
    root = thread_root("run-7", BOT)

    assert await post.channel.address(BO, "run-7") == TO.model_copy(update={"thread": root})
    assert await post.channel.address(BO, root) == TO.model_copy(update={"thread": root})
    assert await post.channel.address(Contact(id="cy", name="Cy"), "run-7") is None
