"""The demo people's mail is read on a page and answered by real SMTP; nobody else's is there at all."""

import re
from email.message import EmailMessage

from tests.bot.web.console.stage import a_scene, proof
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Console


async def test_a_reply_on_the_page_goes_by_smtp_and_decides(world: World, demo_console: Console) -> None:
    scene, anna = await a_scene(world), await demo_console.browser("anna", is_demo=True)
    own, mailbox = await anna.get("/mail"), await anna.get("/mail/bo")
    assert "Anna Ames's mailbox" in own.words
    assert {f"/mail/{name}" for name in ("anna", "bo", "cy", "dan")} <= set(own.links)
    for nothing in ("nobody", "bo/x", "bo/..%2f..%2fsayso.toml", "..%2f..", "bo/%00", f"cy/{scene.letter_id}"):
        assert (await anna.get(f"/mail/{nothing}")).status == 404
    path = next(link for link in mailbox.links if link == f"/mail/bo/{scene.letter_id}")
    letter = await anna.get(path)
    assert "Bo Berg's mailbox" in mailbox.words
    assert "To approve, reply with the one word: approve" in letter.words
    for text in ("", " \n\t"):
        after = await anna.submit(letter.forms[-1], "Send the mail", text=text)
        assert "Write something first." in after.words
    assert (await world.request(scene.request_id)).state == "open"

    after = await anna.submit(letter.form(path), "Send the mail", text="approved, thanks")

    assert "Sent as Bo Berg, by SMTP." in after.words
    assert await world.summary(scene.run_id) == "done: ok: press it: done"
    decision = (await world.request(scene.request_id)).decision
    assert decision
    assert (decision.state, decision.by, decision.channel) == ("approved", ("bo",), "email")


async def test_outside_the_demo_there_are_no_mailboxes(world: World, console: Console, demo_console: Console) -> None:
    scene = await a_scene(world)
    for served in (demo_console, console):
        bo = await served.browser("bo")
        for path in ("/mail", "/mail/bo", "/mail/anna", f"/mail/bo/{scene.letter_id}"):
            page = await bo.get(path)
            assert (page.status, "Press it" in page.html) == (404, False)
        answer = await bo.post(f"/mail/bo/{scene.letter_id}", await proof(bo) | {"text": "approved"})
        assert answer.status_code == 404
    await world.quiet()
    assert (await world.request(scene.request_id)).state == "open"


async def test_a_mail_is_shown_as_text_and_nothing_of_it_runs_or_loads(world: World, demo_console: Console) -> None:
    anna, evil = await demo_console.browser("anna", is_demo=True), "<script>alert(1)</script><img src=//evil.example/x>"
    mail = EmailMessage()
    mail["From"], mail["To"] = '"Evil <b>\'" <dan@corp.example>', "bo@corp.example"
    mail["Subject"], mail["Message-ID"] = f"{evil} {{{{7*7}}}} \u202etxt", "<x@corp.example>"
    mail.set_content(f"{evil}\n\u202e\u2066{{{{7*7}}}}\njavascript:alert(1)\n")
    mail.add_alternative(f"<html><body onload=alert(1)>{evil}<style>*{{display:none}}</style></body></html>", "html")
    sender = "dan@corp.example"
    await world.transport(sender).send(bytes(mail), sender=sender, recipients=["bo@corp.example"])
    letter = await until(lambda: next(iter(world.mails("bo")), None), what="the mail is there")

    for path in ("/mail/bo", f"/mail/bo/{letter.id}"):
        page = await anna.get(path)
        assert page.status == 200
        assert evil in page.words
        assert "{{7*7}}" in page.words
        assert "\\u202e" in page.words
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", page.html)
        assert [tag for tag, _ in page.tags].count("script") == 1
        assert {tag for tag, _ in page.tags}.isdisjoint({"img", "iframe", "style", "object", "embed"})
