"""Files that people attach: they reach the agent and those who look, as data, and no decision ever hangs on them."""

import email.policy
import hashlib
import io
import zipfile
from email.message import EmailMessage

from agents.context import render
from agents.events import AnswerNoted, Event, RequestDecided, VoteCast
from agents.requests import RunId
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.policy.answers import ONLY_FILES
from bot.policy.attachments import all_files
from bot.render.transcript import lines
from bot.store.attachments import content_of
from bot.store.commit import FILES_S
from tests.kit.waiting import until
from tests.kit.world import World
from tests.test_tour import commit_of, live

BOT = "sayso@sayso.example"
CSV = ("Übersicht 2026.csv", "text/csv", "name,größe\r\nanna,1\r\n".encode())
PDF = ("report.pdf", "application/pdf", b"%PDF-1.7\n\0\xff")
LOGO = ("logo.png", "image/png", b"\x89PNG tiny")
SIGNATURE = "Anna Ames\nHead of Shop\nT: +49 30 1234567"


async def started(world: World) -> str:
    """The id of the one run that a mail starts."""

    async def found() -> str | None:
        return next(iter(await world.app.store.lists.runs()), None)

    return await until(found, what="a mail starts a run")


def seen(events: tuple[Event, ...]) -> str:
    """Return what a model reads of a run."""
    return render(fold(events), events)


async def kept(world: World, run_id: str) -> list[bytes | None]:
    """The bytes of everything attached to a run."""
    store = world.app.store
    return [await content_of(store.client, run_id, file.sha256) for file in all_files(await world.events(run_id))]


async def test_a_mail_with_files_starts_a_run_that_lists_them_keeps_them_and_lets_the_agent_read_the_text(
    world: World,
) -> None:
    await world.post("anna", BOT, "", CSV, PDF, about="stamp it")
    run_id = await started(world)
    await world.ended(run_id)
    async with world.stopped():
        pass

    events = await world.events(run_id)
    assert [(file.name, file.type, file.size_bytes, file.sha256) for file in all_files(events)] == [
        (name, kind, len(content), hashlib.sha256(content).hexdigest()) for name, kind, content in (CSV, PDF)
    ]
    assert await kept(world, run_id) == [CSV[2], PDF[2]]
    assert r'"text_in_the_file":"name,größe\nanna,1\n"' in seen(events)
    first = next(iter(lines(events, world.app.people))).splitlines()
    assert first[1:] == [
        f"          Übersicht 2026.csv  text/csv  22 bytes  sha256 {hashlib.sha256(CSV[2]).hexdigest()}",
        f"          report.pdf  application/pdf  11 bytes  sha256 {hashlib.sha256(PDF[2]).hexdigest()}",
    ]


async def test_files_are_there_after_a_restart_between_the_mail_and_its_run_and_their_bytes_for_a_month(
    world: World,
) -> None:
    async with world.stopped():
        await world.start(works=False)
        await world.post("anna", BOT, "stamp it", CSV)

        async def has_arrived() -> bool:
            keys = [key async for key in world.app.store.client.scan("{s*}:inbound:*")]
            return bool(keys)

        await until(has_arrived, what="the mail is durable")
        await world.stop()

    run_id = await started(world)
    await world.ended(run_id)

    assert await kept(world, run_id) == [CSV[2]]
    client, [file] = world.app.store.client, all_files(await world.events(run_id))
    [name] = [name async for name in client.scan("{s*}:file:*")]
    assert FILES_S - 60 < await client.do("TTL", name) <= FILES_S == 30 * 86_400
    await client.do("DEL", name)
    assert await kept(world, run_id) == [None]
    assert all_files(await world.events(run_id)) == (file,)


async def test_a_wish_in_a_file_is_no_wish(shop: World) -> None:
    wish = b"deploy v1.2.0 to production"
    await shop.post("anna", BOT, "please look at this", ("deploy v1.2.0 to production.txt", "text/plain", wish))
    run_id = await started(shop)

    record = await shop.opened(run_id)

    assert record.request.purpose == "question"
    assert record.request.quoted == "What should be done with your message?"
    assert live(shop, "production") == commit_of(shop, "v1.0.0")


async def test_attack_what_answers_a_question_in_free_words_is_words_or_a_file_and_no_logo_or_signature(
    world: World,
) -> None:
    rows: tuple[tuple[str, tuple[tuple[str, str, bytes], ...], str], ...] = (
        ("Here is the CSV you asked for.", (CSV,), "Here is the CSV you asked for."),
        (SIGNATURE, (CSV,), ONLY_FILES),
        ("Anna Ames\n+49 30 1234567", (), "+49 30 1234567"),
        (f"answer:\n{SIGNATURE}", (), "Head of Shop"),
        (SIGNATURE, (LOGO,), ""),
    )
    for text, files, answer in rows:
        record = await world.opened(run_id := await world.trigger("ask free_text Which customers?"))
        card = await world.next_mail("anna", about=record.request.id)

        await world.post("anna", card.reply_to or "", text, *files, cid="logo" if LOGO in files else "")

        if not answer:
            assert "The answer was empty" in (await world.next_mail("anna", about="empty")).text
            assert (await world.request(record.request.id)).state == "open"
            continue
        assert (await world.summary(run_id)).startswith(f"done: answered: {answer}"), text
        [decided] = [event for event in await world.events(run_id) if isinstance(event, RequestDecided)]
        assert [file.name for file in decided.files] == [file[0] for file in files]
        if files:
            assert r"name,größe\nanna,1\n" in seen(await world.events(run_id))
            assert await kept(world, run_id) == [CSV[2]]


async def divided(world: World, below: str) -> RequestRecord:
    """A free question, and an answer around a picture as an iPhone divides it, with `below` behind the picture."""
    record = await world.opened(await world.trigger("ask free_text Which customers?"))
    card = await world.next_mail("anna")
    assert card.reply_to
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = "anna@corp.example", card.reply_to, f"Re: {card.subject}"
    message["Message-ID"], message["In-Reply-To"] = "<phone@corp.example>", card.message_id
    message["Date"] = world.date(world.about_now())
    message.set_content("Those on the photo\n\n")
    message.make_mixed()
    message.add_attachment(b"JFIF", maintype="image", subtype="jpeg", filename="IMG_1.JPG", disposition="inline")
    quote = "\n".join(f"> {line}" for line in card.text.splitlines())
    rest = EmailMessage(policy=email.policy.SMTP)
    rest.set_content(f"\n\n{below}\n\n> On Nov 27, 2026, at 19:00, sayso <{card.reply_to}> wrote:\n> \n{quote}")
    message.attach(rest)
    await world.transport("anna@corp.example").send(
        bytes(message), sender="anna@corp.example", recipients=[card.reply_to]
    )
    return record


async def test_attack_a_photo_from_a_phone_has_each_answer_refused(world: World) -> None:
    record = await divided(world, "Thanks\nAnna\n\nVon meinem iPhone gesendet")

    assert await world.summary(record.request.run_id) == "done: answered: Those on the photo"


async def test_an_answer_goes_on_below_a_picture_and_is_refused_with_the_reason(world: World) -> None:
    record = await divided(world, "But not before Monday")

    assert "it has 2 texts" in (await world.next_mail("anna", about="not accepted")).text
    assert (await world.request(record.request.id)).state == "open"


async def test_a_decision_is_what_the_text_says_whatever_is_attached(world: World) -> None:
    asked: list[RunId] = []
    for text, file in (
        ("", ("approve", "text/plain", b"approve")),
        ("deny: see the log", ("error.log", "application/octet-stream", b"boom")),
        ("approve", ("no.txt", "text/plain", b"deny")),
    ):
        asked.append(run_id := await world.trigger("press bell"))
        record = await world.opened(run_id)
        card = await world.next_mail("bo", about=record.request.id)
        await world.post("bo", card.reply_to or "", text, file)
        await world.quiet()

    kept, denied, approved = [await world.events(run_id) for run_id in asked]
    assert [(await world.run(run_id)).state for run_id in asked] == ["waiting", "failed", "done"]
    assert [mail for mail in world.mails("bo") if "not counted as a decision" in mail.text]
    [noted] = [event for event in kept if isinstance(event, AnswerNoted)]
    assert (noted.text, [file.text for file in noted.files]) == ("", ["approve"])
    assert '"text_in_the_file":"boom"' in seen(denied)
    [vote] = [event for event in approved if isinstance(event, VoteCast)]
    assert [one.name for one in vote.files] == ["no.txt"]
    assert world.workshop.effects == ["press bell"]


async def test_large_files_and_archives_are_kept_whole_and_a_mail_over_the_limit_is_held(world: World) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("bomb", bytes(10_000_000))
    large = ("large.bin", "application/octet-stream", bytes(range(256)) * 5_000)
    await world.post("anna", BOT, "stamp it", large, ("a.zip", "application/zip", archive.getvalue()))
    run_id = await started(world)
    await world.ended(run_id)
    assert await kept(world, run_id) == [large[2], archive.getvalue()]
    assert [file.text for file in all_files(await world.events(run_id))] == ["", ""]

    await world.post("anna", BOT, "stamp this", ("larger.bin", "application/octet-stream", bytes(1_600_000)))

    await until(world.dead, what="the mail is held")
    [note] = await world.dead()
    assert "larger than 2 MB" in note


async def test_a_file_without_a_word_starts_nothing_and_its_sender_is_told(world: World) -> None:
    await world.post("anna", BOT, "", CSV)

    assert "The text is empty" in (await world.next_mail("anna", about="No run was started")).text
    assert await world.app.store.lists.runs() == []
