"""A form of a pydantic model, filled in by mail, on the page, by a program and in a terminal: one typed answer."""

import email.policy
from datetime import date
from email.message import EmailMessage
from typing import Any

from httpx2 import Response

from agents.requests import RunId
from agents.requests.record import RequestRecord
from tests.bot.cli.shell import sayso
from tests.bot.web.console.stage import place
from tests.kit.clerk import Window
from tests.kit.world import World
from tests.servers.console import Browser, Page, a_console
from tests.servers.web import serving
from tests.stories.mail.test_consent import ONE_LINE, button, send, write

LINES = "First day: 2026-12-24\nDays: 3\nTeam: search\nWithout alarms: yes"
MEANT = Window(begins=date(2026, 12, 24), days=3, team="search", silent=True)


async def asked(world: World) -> RequestRecord:
    """The clerk asks Anna for a window."""
    return await world.opened(await world.trigger("plan When is the window?"))


async def filled(world: World, run_id: RunId) -> Window:
    """Return what the agent was told."""
    [result] = (await world.ended(run_id)).results
    assert result.kind == "answered"
    return result.filled(Window)


async def is_open(world: World, record: RequestRecord) -> bool:
    return (await world.request(record.request.id)).state == "open"


async def test_lines_in_a_reply_are_the_answer(world: World) -> None:
    record = await asked(world)
    card = await world.next_mail("anna", about="When is the window?")
    assert "1. First day: From midnight on. A date, such as 2026-12-24. Not before 2026-11-01." in card.text
    assert "4. Team: One of: shop, search." in card.text
    assert "First day: …\nDays: …\nShare of the load: 0.5\n" in card.text

    await world.reply("anna", card, f"Hi,\n\n{LINES}\n\nBest regards\nAnna")

    assert await filled(world, record.request.run_id) == MEANT


async def test_what_is_unclear_in_a_reply_is_asked_again_with_the_reason_and_what_was_well(world: World) -> None:
    for text, why in (
        (LINES.replace("2026-12-24", "tomorrow"), "First day: “tomorrow” is no date; write it as 2026-12-24."),
        ("yes", "“yes” belongs to no field."),
    ):
        record = await asked(world)
        await world.reply("anna", await world.next_mail("anna", about=record.request.id), text)

        again = await world.next_mail("anna", about="no answer yet")
        assert " ".join(why.split()) in " ".join(again.text.split())
        assert await is_open(world, record)
        if "Team: search" in text:
            assert "Team: search\n" in again.text, "that need not be typed again"
        await world.reply("anna", again, LINES)
        assert await filled(world, record.request.run_id) == MEANT


async def test_the_button_of_the_mail_begins_one_with_the_lines_also_where_a_phone_joins_them(world: World) -> None:
    below = ONE_LINE.replace("Bo Berg", "Anna Ames")
    for way in ("signed", "joined"):
        record = await asked(world)
        card = await world.next_mail("anna", about=record.request.id)
        if way == "signed":
            await world.reply("anna", card, f"which days?\n{below}")
            card = await world.next_mail("anna", about=record.request.id)
        begun = button(world, card, "Fill in by email", "anna").replace("\r\n", "" if way == "joined" else "\n")
        if way == "joined":
            for line in LINES.splitlines():
                label, _, value = line.partition(": ")
                begun = begun.replace(f"{label}: ", f"{label}: {value} ")
        else:
            assert "First day: \nDays: \nShare of the load: 0.5 \nTeam: " in begun
            begun = f"{begun.partition(chr(10))[0]}\n\n{LINES}\n{below}"

        await write(world, card.reply_to, begun, f"Re: {card.subject}", "", by="anna")

        assert await filled(world, record.request.run_id) == MEANT, way


async def test_attack_a_line_among_contacts_that_may_be_a_value_or_a_condition_has_it_asked_again(
    world: World,
) -> None:
    for line in ("Ticket: https://corp.example/OPS-7", "only if Bo agrees"):
        record = await asked(world)
        letter = await world.next_mail("anna", about=record.request.id)
        await world.reply("anna", letter, f"{LINES}\n\nAnna Ames\n{line}\nT: +49 30 1234567")

        await world.next_mail("anna", about="no answer yet")
        assert await is_open(world, record)


def by_number(**values: str) -> dict[str, str]:
    """What is typed into the page's fields, which it names by their numbers."""
    names = list(Window.model_fields)
    return {f"field-{names.index(name) + 1}": value for name, value in values.items()}


async def sent(browser: Browser, record: RequestRecord, **values: str) -> Response:
    """The bare answer to the page's form with these fields."""
    form = (await browser.get(place(record))).form(f"{place(record)}/answer")
    return await browser.post(form.action, [*form.fields, *by_number(**values).items()])


async def test_the_page_has_an_input_for_each_kind_and_says_beside_it_what_is_wrong(world: World) -> None:
    record = await asked(world)
    async with a_console(world) as console:
        anna = await console.browser("anna")
        page = await anna.get(place(record))
        inputs = {tag.get("name", ""): tag for kind, tag in page.tags if kind in {"input", "select", "textarea"}}
        kinds = [inputs[f"field-{number}"].get("type", "") for number in range(1, 7)]
        assert kinds == ["date", "number", "number", "", "", "radio"]
        assert (inputs["field-1"]["min"], inputs["field-2"]["max"]) == ("2026-11-01", "14")
        assert "required" in inputs["field-1"]
        assert "required" not in inputs["field-5"]

        wrong = Page(await sent(anna, record, begins="2026-10-01", days="3", team="2", ticket='"><b>', silent="yes"))

        assert wrong.status == 422
        assert "First day: “2026-10-01” is before 2026-11-01." in wrong.words, "above"
        assert "“2026-10-01” is before 2026-11-01." in wrong.words.partition("Not before 2026-11-01.")[2], "beside it"
        assert 'value="2026-10-01"' in wrong.html, "what was typed is kept"
        assert ">&#34;&gt;&lt;b&gt;</textarea>" in wrong.html
        assert '<option value="2" selected>search</option>' in wrong.html
        assert await is_open(world, record)
        done = await sent(anna, record, begins="2026-12-24", days="3", team="2", silent="yes")
        assert done.status_code == 303
        after = await anna.get(place(record))

    assert "First day 2026-12-24 Days 3 Share of the load 0.5 Team search Ticket – Without alarms yes" in after.words
    assert await filled(world, record.request.run_id) == MEANT


async def test_what_outlook_writes_behind_a_link_is_no_part_of_what_was_filled_in(world: World) -> None:
    host, led = "www.shop.example", "https://eur01.safelinks.protection.outlook.com/?url=http%3A%2F%2Fwww.shop.example"
    fields: list[dict[str, Any]] = [
        {"name": "host", "label": "Host", "kind": "text"},
        {"name": "file", "label": "File", "kind": "choice", "options": ["main.py", "app.js"]},
    ]
    async with serving(world.app) as api:
        program = await api.client(None, "ask", service="ci", acts_for=["anna"], asks=("person:bo",))
        asked = {"question": "Where to?", "to": ["person:bo"], "format": "form", "fields": fields}
        opened = (await program.post("/v1/requests", json=asked)).json()
    card = await world.next_mail("bo")
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"], mail["To"], mail["Message-ID"] = "bo@corp.example", card.reply_to, "<linked@corp.example>"
    mail["Date"], mail["Subject"] = world.date(world.about_now()), f"RE: {card.subject}"
    mail["In-Reply-To"] = card.message_id
    mail.set_content(f"Host: {host}<{led}>\nFile: main.py<http://main.py/>\n")
    linked = f'<p>Host: <a href="{led}">{host}</a></p><p>File: <a href="http://main.py/">main.py</a></p>'
    mail.add_alternative(linked, "html")

    await send(world, mail, card.reply_to or "")
    await world.quiet()

    decision = (await world.request(opened["id"])).decision
    assert decision
    assert decision.given
    assert decision.given.form == {"host": host, "file": "main.py"}


async def test_a_program_gets_the_reason_for_each_field_and_sends_typed_values(world: World) -> None:
    record = await asked(world)
    async with serving(world.app) as api:
        anna = await api.client("anna")
        path = f"/v1/requests/{record.request.id}"
        shown: dict[str, Any] = (await anna.get(path)).json()
        assert shown["fields"][1] == {
            "name": "days",
            "label": "Days",
            "kind": "integer",
            "minimum": "1",
            "maximum": "14",
        }

        wrong = {"begins": "tomorrow", "days": 3.5, "team": "search", "silent": "yes", "colour": "red"}
        refused = await anna.post(f"{path}/answer", json={"form": wrong})
        assert refused.status_code == 422
        assert refused.json()["type"] == "urn:sayso:problem:unclear"
        assert refused.json()["errors"] == [
            {"where": "form", "what": "“colour” belongs to no field."},
            {"where": "form.begins", "what": "“tomorrow” is no date; write it as 2026-12-24."},
            {"where": "form.days", "what": "“3.5” is no whole number."},
        ]
        assert await is_open(world, record)
        body = {"form": {"begins": "2026-12-24", "days": 3, "team": "search", "silent": True, "ticket": None}}
        answered = await anna.post(f"{path}/answer", json=body)

    given = answered.json()["request"]["decision"]["given"]
    assert given["form"] == {
        "begins": "2026-12-24",
        "days": 3,
        "load": 0.5,
        "team": "search",
        "ticket": None,
        "silent": True,
    }
    assert await filled(world, record.request.run_id) == MEANT


async def test_in_a_terminal_each_field_is_an_option(world: World) -> None:
    record = await asked(world)
    fields = ("--field", "days=3", "--field", "team=search", "--field", "Without alarms=yes", "--as", "anna")

    wrong = await sayso(world, "answer", record.request.id, "--field", "begins=12/11/2026", *fields)

    assert wrong.code == 1
    assert wrong.err.startswith(f"To fill it in: sayso answer {record.request.id} --field begins=… --field days=… ")
    assert "begins (First day): From midnight on. A date, such as 2026-12-24. Not before 2026-11-01." in wrong.out
    assert "team (Team): One of: shop, search." in wrong.out
    assert "First day: “12/11/2026” can be read in two ways" in wrong.out
    assert await is_open(world, record)
    right = await sayso(world, "answer", record.request.id, "--field", "begins=2026-12-24", *fields)
    assert right.code == 0
    assert await filled(world, record.request.run_id) == MEANT
    story = (await sayso(world, "show", record.request.run_id)).out
    assert "First day: 2026-12-24" in story
