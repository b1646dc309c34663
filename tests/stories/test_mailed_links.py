"""Where approvals by email do not count, a link in a mail is no way round it: no session and no key from there is."""

import re
from collections.abc import AsyncIterator
from typing import cast

import pytest

from agents.requests.proof import LinkBy
from agents.requests.record import RequestRecord
from bot.config.tables import CHANNELS
from bot.outbound.login_link import send_link
from tests.bot.web.console.stage import answer, asked, buttons, decision, place
from tests.bot.web.problems import refused
from tests.fakes.corkboard import Corkboard
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Browser, Console, a_console, sent
from tests.stories.people.standing import done_once, granted

PUBLIC, HOST = "http://sayso.corp.example:8000", "sayso.corp.example:8000"
IN_SLACK = '[people.bo]\nslack = "U01BO"'
# "production" takes no approval by email, and "easy" does.
POLICIES = f"""public_url = "{PUBLIC}"
{TOML.replace("approve_by_email = true", "approve_by_email = false").replace("[people.bo]", IN_SLACK)}
[policies.easy]
approvers = ["group:release"]
approve_by_email = true
expires_after = "4h"
"""
NO_WAY_ROUND = "You logged in by a link in a mail, and an approval does not count by email here."


@pytest.fixture
def slack() -> Corkboard:
    """Stands for Slack: a second channel, with its name."""
    return Corkboard()


def _by_mail_first(world: World) -> None:
    world.reach = ("email",)
    world.workshop.policy_of["bell"] = "easy"


def _reached_by_mail(world: World) -> None:
    world.reach = ("email",)


pytestmark = opens(POLICIES, beside=("slack",), change=_by_mail_first)
standing = opens(
    POLICIES.replace('execute_within = "15m"\n', 'execute_within = "15m"\nstanding = "5 in 30d"\n', 1),
    beside=("slack",),
    change=_reached_by_mail,
)


@pytest.fixture
async def console(world: World) -> AsyncIterator[Console]:
    """The console of `world`."""
    async with a_console(world, host=HOST) as console:
        yield console


async def by_mail(world: World, console: Console, person: str) -> Browser:
    """A browser of `person`, who asked for a link on the page and has it from their mailbox."""
    browser = console.stranger()
    fields = dict((await browser.get("/requests")).form("/login/mail").fields)
    await browser.post("/login/mail", fields | {"email": f"{person}@corp.example"})
    letter = await world.next_mail(person, about="Open the console")
    return await pressed(browser, next(word for word in letter.text.split() if word.startswith(PUBLIC)))


async def in_slack(world: World, slack: Corkboard, browser: Browser, person: str) -> Browser:
    """`browser` once `person` has opened the link in it that an operator had sent to them in Slack."""
    app = world.app
    await send_link(app.journal, app.people, PUBLIC, app.people.named(person), "/requests", CHANNELS)
    await world.quiet()
    [card] = slack.at(person)
    return await pressed(browser, card.link)


async def pressed(browser: Browser, link: str) -> Browser:
    page = await browser.get(link.removeprefix(PUBLIC))
    assert (await browser.submit(page.form("/login"), "Open the console")).path == "/requests"
    return browser


async def forged(browser: Browser, record: RequestRecord, **fields: str) -> str:
    """The words of the page after `browser` has sent an approval that no button of its page sends."""
    path, pairs = sent((await browser.get(place(record))).form(f"{place(record)}/answer"), "Deny")
    answered = await browser.post(path, dict(pairs) | {"vote": "approve"} | fields)
    return (await browser.get(answered.headers["location"])).words


async def key_of(browser: Browser, *scopes: str) -> str:
    """The text of a key that is made on the page of `browser`."""
    form = (await browser.get("/keys")).form("/keys")
    page = await browser.post("/keys", [*form.fields, ("name", "laptop"), *(("scope", scope) for scope in scopes)])
    return (re.findall(r"sayso_[a-z2-7]{8}_[a-z2-7]{40}", page.text) or [""])[0]


async def test_whoever_logged_in_by_a_mailed_link_can_not_approve_is_told_what_works_and_can_deny(
    world: World, console: Console
) -> None:
    record, bo = await asked(world), await by_mail(world, console, "bo")

    page, run = await bo.get(place(record)), await bo.get(f"/runs/{record.request.run_id}")
    words = [await forged(bo, record), await forged(bo, record, reason="after lunch", note_confirmed="yes")]

    assert (buttons(page), buttons(run)) == ({"Ask Anna Ames", "Deny"}, {"Ask Anna Ames", "Deny"})
    for shown in (page, run):
        assert NO_WAY_ROUND in shown.words
        assert (
            "Ways that count: in Slack, with the button on the card; on its page in the console, after" in shown.words
        )
        assert "An operator sends you a link in Slack with: sayso login --to bo" in shown.words
    for told in words:
        assert "Nothing was decided: an approval does not count by email here" in told
        assert "A denial counts in every way." in told
    assert (await world.request(record.request.id)).state == "open"
    assert "answered in the console, not counted" in (await bo.get(f"/runs/{record.request.run_id}")).words
    assert world.workshop.effects == []
    await answer(bo, record, "Deny", reason="not today")
    assert (await decision(world, record)).state == "denied"


async def test_whoever_logged_in_by_a_mailed_link_takes_back_answers_and_approves_where_mails_do(
    world: World, console: Console
) -> None:
    record, bo = await asked(world), await by_mail(world, console, "bo")
    await world.steer(record.request.run_id, "pause")
    await world.decide("cy", record, "approve")
    await answer(bo, record, "Stop: take the approval back")
    assert (await world.request(record.request.id)).state == "revoked"

    easy = await asked(world, "press bell")
    assert NO_WAY_ROUND not in (await bo.get(place(easy))).words
    await answer(bo, easy, "Approve")
    assert (await decision(world, easy)).by == ("bo",)

    question, anna = await asked(world, "ask free_text Which one?"), await by_mail(world, console, "anna")
    await answer(anna, question, "", text="the red one")
    assert await world.summary(question.request.run_id) == "done: answered: the red one"


async def test_a_link_that_came_in_slack_gives_more_than_a_mailed_one_which_takes_nothing_of_it_away(
    world: World, console: Console, slack: Corkboard
) -> None:
    record, bo = await asked(world), await by_mail(world, console, "bo")

    await in_slack(world, slack, bo, "bo")

    assert "Approve" in buttons(await bo.get(place(record)))
    assert (await bo.get(await console.link("bo", by="email"))).path == "/"
    await answer(bo, record, "Approve")
    assert (await decision(world, record)).by == ("bo",)
    [vote] = (await world.request(record.request.id)).votes
    assert vote.evidence.startswith("console session, opened by a link in Slack (")


async def test_a_key_made_after_a_log_in_by_mail_approves_edits_and_hands_on_no_more_than_a_mail(
    world: World, console: Console
) -> None:
    world.workshop.editable = ("what",)
    record, easy, bo = await asked(world), await asked(world, "press bell"), await by_mail(world, console, "bo")
    assert "counts only where an approval by email does" in (await bo.get("/keys")).words
    client, path = console.api.with_key(await key_of(bo, "answer", "read")), f"/v1/requests/{record.request.id}"
    vote = {"vote": "approve", "digest": record.request.digest}

    refusal = await client.post(f"{path}/answer", json=vote)
    as_command_line = await client.post(f"{path}/answer", json=vote, headers={"User-Agent": "sayso-cli"})
    edited = await client.post(f"{path}/edit", json={"digest": record.request.digest, "args": {"what": "gong"}})
    handed_on = await client.post(f"{path}/delegate", json={"to": "cy"})
    there = await client.post(f"/v1/requests/{easy.request.id}/answer", json=vote | {"digest": easy.request.digest})

    for refusing in (refusal, as_command_line):
        assert "the one in which this key was made" in refused(refusing, 403, "not-this-way")
    for refusing in (edited, handed_on):
        assert "counts where an approval does" in refused(refusing, 403, "not-this-way")
    assert "Change what" not in (await bo.get(place(record))).words
    assert refusal.json()["judgement"]["ways"] == ["slack", "console", "cli", "api"]
    assert (await world.request(record.request.id)).request == record.request
    assert there.status_code == 200
    assert "after a log-in by email" in (await bo.get("/keys")).words
    denial = await client.post(f"{path}/answer", json={"vote": "deny", "reason": "no"})
    assert (denial.status_code, (await world.request(record.request.id)).state) == (200, "denied")


@standing
async def test_attack_what_whoever_reads_a_mailbox_answers_the_agent_uses_no_standing_approval(
    world: World, console: Console
) -> None:
    await granted(world, await done_once(world))
    pressed = 1
    for way in ("mail", "email", "operator"):
        record = await asked(world, "ask free_text Which one?\npress bell")

        if way == "mail":
            letter = await world.next_mail("anna", about=record.request.id)
            await world.reply("anna", letter, "the bell")
        else:
            await answer(await console.browser("anna", by=cast("LinkBy", way)), record, "", text="the bell")

        await world.quiet()
        pressed += way == "operator"
        assert ((await world.run(record.request.run_id)).open is not None) == (way != "operator"), way
        assert world.workshop.effects == ["press bell"] * pressed


@standing
@pytest.mark.parametrize(
    "text",
    few_of(["start_run ask free_text Which one?\npress bell", "ask free_text Which one?\nstart_run press bell"], 0),
)
async def test_attack_a_mail_answers_the_one_run_and_the_other_uses_no_standing_approval(
    world: World, text: str
) -> None:
    await granted(world, await done_once(world))
    await world.trigger(text)
    await world.reply("anna", await world.next_mail("anna", about="Which one"), "the bell")

    await until(lambda: is_asked_about(world, "Press bell?"), what="people are asked")

    assert world.workshop.effects == ["press bell"]


async def is_asked_about(world: World, title: str) -> bool:
    return any(one.state == "open" and one.request.title == title for one in await world.requests())


@standing
async def test_attack_what_somebody_asks_for_who_logged_in_by_a_mailed_link_uses_no_standing_approval(
    world: World, console: Console
) -> None:
    await granted(world, await done_once(world))
    ways: tuple[LinkBy, ...] = ("email", "operator")
    mailed, safe = [await console.browser("anna", by=by) for by in ways]
    key = console.api.with_key(await key_of(mailed, "trigger"))

    for browser in (mailed, safe):
        await browser.submit((await browser.get("/")).form("/ask"), "Ask", text="press bell")
    assert (await key.post("/v1/runs", json={"text": "press bell"})).status_code == 201
    await world.quiet()

    assert [one.state for one in await world.requests()].count("open") == 2
    assert world.workshop.effects == ["press bell"] * 2
