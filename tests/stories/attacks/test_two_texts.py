"""A mail whose plain text and HTML say different things: nobody knows which of them its writer meant."""

import email.policy
from datetime import timedelta
from email.message import EmailMessage

from agents.requests import PersonId
from tests.kit.opens import opens
from tests.kit.world import World
from tests.stories import test_delegation, test_typed_freezes
from tests.stories.mail.test_consent import button, send
from tests.stories.test_forms import LINES
from tests.stories.test_typed_freezes import TO, freezes_of, frozen

DIFFER = "its plain text and its HTML do not say the same"
SEEN = LINES.replace("\n", "<br>")


async def test_attack_an_answer_that_code_reads_counts_in_neither_of_two_texts_that_differ(world: World) -> None:
    options = "| shop, search, mail"
    for wish, text, page in (
        ("plan When is the window?", LINES, SEEN.replace("Days: 3", "Days: 5")),
        ("plan When is the window?", LINES, SEEN.replace("Days: 3", "Days: -3")),
        ("plan When is the window?", LINES, f"{SEEN}<p>only if Bo agrees</p>"),
        ("plan When is the window?", LINES, SEEN.replace("Days: 3", "Days: <s>3</s> 5")),
        (f"ask choice Which one? {options}", "2", "1"),
        (f"ask choices Which ones? {options}", "shop, search", "shop, <s>search</s>"),
    ):
        record = await world.opened(await world.trigger(wish))
        card = await world.next_mail("anna", about=record.request.id)

        await world.post("anna", card.reply_to or "", text, page=f"<div>{page}</div>")
        again = await world.next_mail("anna", about=record.request.id)

        assert (await world.request(record.request.id)).state == "open", page
        assert "<s>" in page or DIFFER in " ".join(again.text.split())
        await world.post("anna", again.reply_to or "", text, page=f"<div>{text.replace(chr(10), '<br>')}</div>")
        assert (await world.ended(record.request.run_id)).results[0].kind == "answered"


async def test_an_answer_counts_whose_html_is_a_list_and_one_with_a_footer_of_a_server_is_asked_back_once(
    world: World,
) -> None:
    numbered = "\n".join(f"   {at}. {line}" for at, line in enumerate(LINES.split("\n"), 1))
    by_outlook = "".join(f"<p style='text-indent:-18.0pt;mso-list:l0'>{line}</p>" for line in numbered.split("\n"))
    footer = "<p>This message was scanned by Acme Gateway.</p>"
    shops = "| shop, search, mail"
    for wish, text, page in (
        ("plan When is the window?", numbered, f"<ol><li>{LINES.replace(chr(10), '<li>')}</ol>"),
        ("plan When is the window?", numbered, by_outlook),
        (f"ask choices Which ones? {shops}", "   - mail\n   - shop", "<ul><li>mail<li>shop</ul>"),
        (f"ask choices Which ones? {shops}", "   1. mail\n   2. shop", "<ol><li>mail<li>shop</ol>"),
        (f"ask choice Which one? {shops}", "2", f"2{footer}"),
        ("ask yes_no Shall I?", "No", f"No{footer}"),
    ):
        record = await world.opened(await world.trigger(wish))
        card = await world.next_mail("anna", about=record.request.id)
        if text == "2":
            await world.post("anna", card.reply_to or "", text, page=f"<div>{page}</div>")
            card = await world.next_mail("anna", about=record.request.id)
            assert "This message was scanned" in " ".join(card.text.split())

        await world.post("anna", card.reply_to or "", text, page=f"<div>{page}</div>")

        assert (await world.ended(record.request.run_id)).results[0].kind == "answered", page


async def test_a_no_counts_in_one_of_two_texts_whatever_programs_and_servers_put_into_the_other(
    world: World,
) -> None:
    banner = "<p>Extern: Diese Nachricht kommt von aussen.</p>"
    for text, page in (
        ("   1. No, it is red\n   2. Ask Cy", "<ol><li>No, it is red<li>Ask Cy</ol>"),
        ("   - No, it is red\n   - Ask Cy", "<ul><li>No, it is red<li>Ask Cy</ul>"),
        ("Nein, falscher Tag", f"{banner}<p>Nein, falscher Tag</p>"),
        ("Hallo Anna, nein", f"{banner}<p>Hallo Anna, nein</p>"),
    ):
        record = await world.opened(await world.trigger("press bell"))
        card = await world.next_mail("bo", about=record.request.digest)

        await world.post("bo", card.reply_to or "", text, page=page)

        await world.ended(record.request.run_id)
        assert (await world.request(record.request.id)).state == "denied", text

    record = await world.opened(await world.trigger("ask choice Which one? | shop, search"))
    card = await world.next_mail("anna", about=record.request.id)
    await world.post("anna", card.reply_to or "", "stop", page=f"{banner}<p>stop</p>")
    await world.ended(record.request.run_id)
    assert (await world.request(record.request.id)).state == "withdrawn"


async def test_attack_a_server_s_stop_above_an_answer_in_one_of_two_texts_or_in_a_text_of_its_own_stops_the_run(
    world: World,
) -> None:
    stop = "STOP! Think before you click."
    for wish, person, said in (
        ("press bell", "bo", "What is new?"),
        ("ask choice Which? | shop, search", "anna", "shop"),
    ):
        for text, page, more in (
            (said, f"<p>{stop}</p><p>{said}</p>", ""),
            (f"{stop}\n\n{said}", f"<p>{said}</p>", ""),
            (stop, "", said),
            (stop.replace("! ", "!\n"), "", said),
        ):
            record = await world.opened(await world.trigger(wish))
            card = await world.next_mail(person, about=record.request.digest if person == "bo" else record.request.id)
            message = EmailMessage(policy=email.policy.SMTP)
            message["From"], message["To"] = f"{person}@corp.example", card.reply_to
            message["Subject"], message["In-Reply-To"] = f"Re: {card.subject}", card.message_id
            message["Message-ID"] = f"<{record.request.id}@corp.example>"
            message["Date"] = world.date(world.about_now())
            message.set_content(text)
            if page:
                message.add_alternative(page, "html")
            if more:
                message.make_mixed()
                message.add_attachment(more, disposition="inline")

            await send(world, message, card.reply_to or "", person)
            await world.next_mail(person, about="not accepted")
            await world.quiet()

            assert (await world.request(record.request.id)).state == "open", (text, page)


async def test_attack_a_server_s_stop_above_both_texts_of_an_answer_or_an_approval_stops_the_run(world: World) -> None:
    stop, new = "STOP! This email originated from outside the organization.", "it has lines that no earlier mail"
    for wish, person, said, times, became in (
        ("press bell", "bo", "approve", 2, "approved"),  # what stands beside a first answer is asked about, as always
        ("ask choice Which? | shop, search", "anna", "shop", 2, "answered"),
        ("press bell", "bo", "stop", 1, "denied"),
        ("press bell", "bo", "", 1, "denied"),
    ):
        record = await world.opened(await world.trigger(wish))
        for about in (record.request.digest if person == "bo" else record.request.id, new)[:times]:
            card = await world.next_mail(person, about=about)
            await world.post(person, card.reply_to or "", f"{stop}\n\n{said}", page=f"<p>{stop}</p><p>{said}</p>")
        await world.ended(record.request.run_id)

        assert (await world.request(record.request.id)).state == became, (wish, said)


async def test_attack_a_no_that_is_struck_out_sent_on_or_beside_a_yes_denies_nothing(world: World) -> None:
    head = "From: Cy <cy@corp.example>\nDate: Mon, 2 Mar 2026\nSubject: v2"
    sent_on = f"---------- Forwarded message ---------\n{head}\n\ndeny"
    for text, page in (("deny", "<s>deny</s>"), ("deny", "approve"), (sent_on, "<p>deny</p>")):
        record = await world.opened(await world.trigger("press bell"))
        card = await world.next_mail("bo", about=record.request.digest)

        await world.post("bo", card.reply_to or "", text, page=page)
        await world.quiet()

        assert (await world.request(record.request.id)).state == "open", page


async def test_an_approval_above_a_signature_is_asked_back_once_as_gmail_and_thunderbird_write_it(world: World) -> None:
    for at, frame in enumerate(("<span>-- </span><br><div>{}</div>", "<pre class='moz-signature'>-- \n{}</pre>")):
        slogan = f"We build bridges since 190{at}."
        record = await world.opened(await world.trigger("press bell"))
        for _ in range(2):
            card = await world.next_mail("bo", about=record.request.digest)
            assert (await world.request(record.request.id)).state == "open"
            await world.move_time(1)
            page = f"<div>approve</div><div><br></div>{frame.format(slogan)}"
            await world.post("bo", card.reply_to or "", f"approve\n\n-- \n{slogan}", page=page)
            await world.quiet()

        assert (await world.request(record.request.id)).state == "approved", frame


async def test_attack_words_that_somebody_struck_out_are_no_part_of_what_they_answer(world: World) -> None:
    record = await world.opened(await world.trigger("ask free_text Where to?"))
    card = await world.next_mail("anna", about=record.request.id)

    await world.post("anna", card.reply_to or "", "to staging production", page="<p>to <s>staging</s> production</p>")

    [result] = (await world.ended(record.request.run_id)).results
    assert result.text.split() == ["to", "production"]


@opens(test_typed_freezes.OPERATOR)
async def test_attack_two_texts_that_differ_end_no_freeze_and_a_freeze_in_one_of_them_holds(world: World) -> None:
    await freezes_of(world).freeze("production", PersonId("dan"), "incident 4711", proof=None)
    held = await frozen(world)

    async def told(text: str, page: str) -> str:
        await world.move_time(1)  # of two mails of one second the other may be a copy
        await world.post("cy", TO, text, about="Unfreeze", page=page)
        return " ".join((await world.next_mail("cy", about="Freeze")).text.split())

    reason = "unfreeze production: checkout works again"
    assert DIFFER in await told(reason, f"<p>{reason}</p><p>only once Dan agrees</p>")
    assert "Nothing is unfrozen yet" in await told(reason, f"<p>{reason}</p>")
    assert DIFFER in await told("unfreeze production", "<p>unfreeze production</p><p>only once Dan agrees</p>")
    assert await frozen(world) == held

    await told("freeze everything: 4712", "<p>freeze everything: 4712</p><p>if Dan agrees</p>")
    assert len(await frozen(world)) == 2
    assert "is over" in await told("unfreeze production", "<p>unfreeze production</p>")


@opens(test_delegation.SOLO, change=test_delegation.on_solo)
async def test_attack_two_texts_that_differ_have_nobody_stand_in(world: World) -> None:
    day = (await world.now() + timedelta(days=3)).date()
    away = f"away until {day}: dan@corp.example"
    for person, page in (("bo", away.replace("dan", "cy")), ("eve", f"<s>{away}</s>")):
        await world.post(person, TO, away, about="Away", page=f"<p>{page}</p>")
        assert DIFFER in " ".join((await world.next_mail(person, about="absence")).text.split())

    assert not await world.app.requests.absences.all()


async def test_attack_another_answer_in_the_html_alone_is_no_footer_however_often_it_comes(world: World) -> None:
    shops = "| shop, search, mail"
    for wish, text, more in (
        ("plan When is the window?", SEEN, "Team: shop"),
        (f"ask choice Which one? {shops}", "2", "3"),
        (f"ask choices Which ones? {shops}", "shop", "search"),
        (f"ask choice Which one? {shops}", "2", "❓"),
    ):
        record = await world.opened(await world.trigger(wish))
        for _ in range(2):
            card = await world.next_mail("anna", about=record.request.id)
            await world.move_time(1)
            await world.post(
                "anna", card.reply_to or "", text.replace("<br>", "\n"), page=f"<div>{text}</div><p>{more}</p>"
            )
            await world.quiet()

            assert (await world.request(record.request.id)).state == "open", more


async def test_an_answer_counts_behind_the_bullet_or_the_number_of_its_line(world: World) -> None:
    lines = zip((1, 2, 4, 6), LINES.split("\n"), strict=True)
    by_card = "\n".join(f"{number}. {line}" for number, line in lines)
    for wish, text, page in (
        ("ask choice Which one? | shop, search", "   - search", "<ul><li>search</ul>"),
        ("ask yes_no Shall I?", "   - Yes", "<ul><li>Yes</ul>"),
        ("plan When is the window?", by_card, by_card.replace("\n", "<br>")),
    ):
        record = await world.opened(await world.trigger(wish))
        card = await world.next_mail("anna", about=record.request.id)

        await world.post("anna", card.reply_to or "", text, page=page)

        assert (await world.ended(record.request.run_id)).results[0].kind == "answered", page


async def test_attack_options_whose_boxes_nobody_ticked_are_no_answer(world: World) -> None:
    box, record = "<input type=checkbox", await world.opened(await world.trigger("ask choices Which? | shop, search"))
    card = await world.next_mail("anna", about=record.request.id)

    page = f"<div>{box} checked> shop<br>{box}> search</div>"
    await world.post("anna", card.reply_to or "", "shop\nsearch", page=page)

    assert DIFFER in " ".join((await world.next_mail("anna", about=record.request.id)).text.split())
    assert (await world.request(record.request.id)).state == "open"


@opens(test_delegation.SOLO, change=test_delegation.on_solo)
async def test_attack_nothing_is_approved_or_handed_on_above_lines_in_the_html_alone(world: World) -> None:
    for more in ("только если Бо согласен", "what: horn", "delegate: dan@corp.example"):
        record = await world.opened(await world.trigger("press bell"))
        for _ in range(2):
            card = await world.next_mail("bo", about=record.request.id)
            said = "delegate: cy@corp.example" if more.startswith("delegate") else button(world, card)
            await world.move_time(1)
            await world.post("bo", card.reply_to or "", said, page=f"<div>{said}</div><p>{more}</p>")
            await world.quiet()

            now = await world.request(record.request.id)
            assert (now.state, now.asked.handed_on, world.workshop.effects) == ("open", (), []), more
