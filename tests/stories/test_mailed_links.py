"""Where approvals by mail do not count, a link in a mail is no way round it: no session and no key from there is."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from bot.config.tables import CHANNELS
from bot.outbound.login_link import send_link
from bot.policy.judgements import LinkBy
from bot.policy.record import RequestRecord
from bot.store.client import Client
from tests.bot.web.console.stage import answer, asked, buttons, decision, place
from tests.bot.web.problems import refused
from tests.fakes.corkboard import Corkboard
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import Browser, Console, a_console, sent
from tests.stories.people.standing import done_once, granted

PUBLIC, HOST = "http://sayso.corp.example:8000", "sayso.corp.example:8000"
IN_SLACK = '[people.bo]\nslack = "U01BO"'
# "production" takes no approval by mail, and "easy" does.
POLICIES = f"""public_url = "{PUBLIC}"
{TOML.replace("approve_by_email = true", "approve_by_email = false").replace("[people.bo]", IN_SLACK)}
[policies.easy]
approvers = ["group:release"]
approve_by_email = true
expires_after = "4h"
"""
NO_WAY_ROUND = "You logged in by a link in a mail, and an approval does not count by mail here."


@pytest.fixture
def slack() -> Corkboard:
    """Stands for Slack: a second channel, with its name."""
    return Corkboard()


@pytest.fixture
async def office(redis: str, tmp_path: Path, slack: Corkboard) -> AsyncIterator[World]:
    """A running sayso that asks by mail, and reaches people in Slack as well."""

    def change(world: World) -> None:
        world.reach = ("email",)
        world.workshop.policy_of["bell"] = "easy"

    async with a_world(redis, tmp_path / "data", POLICIES, beside=[slack], change=change) as world:
        yield world


@pytest.fixture
async def console(office: World) -> AsyncIterator[Console]:
    """The console of `office`."""
    async with a_console(office, host=HOST) as console:
        yield console


async def by_mail(office: World, console: Console, person: str) -> Browser:
    """A browser of `person`, who asked for a link on the page and has it from their mailbox."""
    browser = console.stranger()
    fields = dict((await browser.get("/requests")).form("/login/mail").fields)
    await browser.post("/login/mail", fields | {"email": f"{person}@corp.example"})
    letter = await office.next_mail(person, about="Open the console")
    return await pressed(browser, next(word for word in letter.text.split() if word.startswith(PUBLIC)))


async def in_slack(office: World, slack: Corkboard, browser: Browser, person: str) -> Browser:
    """`browser` once `person` has opened the link in it that an operator had sent to them in Slack."""
    app = office.app
    await send_link(app.journal, app.people, PUBLIC, app.people.named(person), "/requests", CHANNELS)
    await office.quiet()
    [card] = slack.at(person)
    return await pressed(browser, card.link)


async def pressed(browser: Browser, link: str) -> Browser:
    page = await browser.get(link.removeprefix(PUBLIC))
    assert (await browser.submit(page.form("/login"), "Open the console")).path == "/requests"
    return browser


async def forged(browser: Browser, record: RequestRecord) -> str:
    """The words of the page after `browser` has sent an approval that no button of its page sends."""
    path, fields = sent((await browser.get(place(record))).form(f"{place(record)}/answer"), "Deny")
    answered = await browser.post(path, dict(fields) | {"vote": "approve"})
    return (await browser.get(answered.headers["location"])).words


async def key_of(browser: Browser, *scopes: str) -> str:
    """The text of a key that is made on the page of `browser`."""
    form = (await browser.get("/keys")).form("/keys")
    page = await browser.post("/keys", [*form.fields, ("name", "laptop"), *(("scope", scope) for scope in scopes)])
    return (re.findall(r"sayso_[a-z2-7]{8}_[a-z2-7]{40}", page.text) or [""])[0]


async def test_whoever_logged_in_by_a_mailed_link_can_not_approve_and_is_told_what_works(
    office: World, console: Console
) -> None:
    record, bo = await asked(office), await by_mail(office, console, "bo")

    page, run = await bo.get(place(record)), await bo.get(f"/runs/{record.request.run_id}")
    words = await forged(bo, record)

    assert (buttons(page), buttons(run)) == ({"Ask Anna Ames", "Deny"}, {"Ask Anna Ames", "Deny"})
    for shown in (page, run):
        assert NO_WAY_ROUND in shown.words
        assert (
            "Ways that count: in Slack, with the button on the card; on its page in the console, after" in shown.words
        )
        assert "An operator sends you a link in Slack with: sayso login --to bo" in shown.words
    assert "Nothing was decided: an approval does not count by mail here" in words
    assert "A denial counts in every way." in words
    assert (await office.request(record.request.id)).state == "open"
    assert "answered by console, not counted" in (await bo.get(f"/runs/{record.request.run_id}")).words
    assert office.workshop.effects == []


async def test_an_approval_with_a_note_is_no_way_round_it_either(office: World, console: Console) -> None:
    record, bo = await asked(office), await by_mail(office, console, "bo")
    path, fields = sent((await bo.get(place(record))).form(f"{place(record)}/answer"), "Deny", reason="after lunch")

    answered = await bo.post(path, dict(fields) | {"vote": "approve", "note_confirmed": "yes"})

    assert "Nothing was decided" in (await bo.get(answered.headers["location"])).words
    assert (await office.request(record.request.id)).state == "open"


async def test_whoever_logged_in_by_a_mailed_link_can_deny(office: World, console: Console) -> None:
    record, bo = await asked(office), await by_mail(office, console, "bo")

    await answer(bo, record, "Deny", reason="not today")

    assert (await decision(office, record)).state == "denied"
    assert await office.summary(record.request.run_id) == "failed: denied: not today"


async def test_whoever_logged_in_by_a_mailed_link_can_take_an_approval_back(office: World, console: Console) -> None:
    record, bo = await asked(office), await by_mail(office, console, "bo")
    await office.steer(record.request.run_id, "pause")
    await office.decide("cy", record, "approve")

    await answer(bo, record, "Stop: take the approval back")

    assert (await office.request(record.request.id)).state == "revoked"


async def test_whoever_logged_in_by_a_mailed_link_answers_questions(office: World, console: Console) -> None:
    record, anna = await asked(office, "ask free_text Which one?"), await by_mail(office, console, "anna")

    await answer(anna, record, "", text="the red one")

    assert await office.summary(record.request.run_id) == "done: answered: the red one"


async def test_whoever_logged_in_by_a_mailed_link_approves_where_mails_do(office: World, console: Console) -> None:
    record, bo = await asked(office, "press bell"), await by_mail(office, console, "bo")
    assert NO_WAY_ROUND not in (await bo.get(place(record))).words

    await answer(bo, record, "Approve")

    assert (await decision(office, record)).by == ("bo",)
    assert await office.summary(record.request.run_id) == "done: ok: press bell: done"


@pytest.mark.long
async def test_whoever_logged_in_by_a_link_that_came_in_slack_approves(
    office: World, console: Console, slack: Corkboard
) -> None:
    record, bo = await asked(office), await in_slack(office, slack, console.stranger(), "bo")

    await answer(bo, record, "Approve")

    assert (await decision(office, record)).by == ("bo",)
    [vote] = (await office.request(record.request.id)).votes
    assert vote.evidence.startswith("console session, opened by a link in Slack (")


async def test_a_link_that_came_in_slack_gives_more_than_the_session_that_one_has_from_a_mail(
    office: World, console: Console, slack: Corkboard
) -> None:
    record, bo = await asked(office), await by_mail(office, console, "bo")

    await in_slack(office, slack, bo, "bo")

    assert "Approve" in buttons(await bo.get(place(record)))


async def test_a_mailed_link_takes_nothing_away_from_whoever_has_a_session(
    office: World, console: Console, slack: Corkboard
) -> None:
    record, bo = await asked(office), await in_slack(office, slack, console.stranger(), "bo")

    again = await bo.get(await console.link("bo", by="email"))

    assert again.path == "/"
    assert "Approve" in buttons(await bo.get(place(record)))


async def test_a_session_that_a_release_before_opened_counts_as_one_by_mail(office: World, console: Console) -> None:
    record, bo = await asked(office), await console.browser("bo")
    assert "Approve" in buttons(await bo.get(place(record)))
    client = Client(office.url)
    [name] = [name async for name in client.scan("*") if ":session:" in name]
    body = await client.do("GET", name)
    assert body.count(b',"by":"operator"') == 1
    await client.do("SET", name, body.replace(b',"by":"operator"', b""), "KEEPTTL")
    await client.close()

    words = await forged(bo, record)

    assert buttons(await bo.get(place(record))) == {"Ask Anna Ames", "Deny"}
    assert "Nothing was decided" in words
    assert (await office.request(record.request.id)).state == "open"


async def test_a_key_made_after_a_log_in_by_mail_approves_no_more_than_a_mail(office: World, console: Console) -> None:
    record, easy, bo = await asked(office), await asked(office, "press bell"), await by_mail(office, console, "bo")
    assert "counts only where an approval by mail does" in (await bo.get("/keys")).words
    client = console.api.with_key(await key_of(bo, "answer", "read"))
    vote = {"vote": "approve", "digest": record.request.digest}

    refusal = await client.post(f"/v1/requests/{record.request.id}/answer", json=vote)
    as_command_line = await client.post(
        f"/v1/requests/{record.request.id}/answer", json=vote, headers={"User-Agent": "sayso-cli"}
    )
    there = await client.post(f"/v1/requests/{easy.request.id}/answer", json=vote | {"digest": easy.request.digest})

    for refusing in (refusal, as_command_line):
        assert "the one in which this key was made" in refused(refusing, 403, "not-this-way")
    assert refusal.json()["judgement"]["ways"] == ["slack", "console", "cli", "api"]
    assert (await office.request(record.request.id)).state == "open"
    assert there.status_code == 200
    assert "after a log-in by mail" in (await bo.get("/keys")).words
    denial = await client.post(f"/v1/requests/{record.request.id}/answer", json={"vote": "deny", "reason": "no"})
    assert (denial.status_code, (await office.request(record.request.id)).state) == (200, "denied")


async def test_attack_after_a_mailed_link_somebody_changes_the_call_or_hands_it_on(
    office: World, console: Console
) -> None:
    office.workshop.editable = ("what",)
    record, bo = await asked(office), await by_mail(office, console, "bo")
    path = f"/v1/requests/{record.request.id}"
    client = console.api.with_key(await key_of(bo, "answer", "read"))
    digest, args = record.request.digest, {"what": "gong"}
    wishes: dict[str, dict[str, object]] = {
        "edit": {"digest": digest, "args": args},
        "delegate": {"to": "cy"},
    }

    refusals = {name: await client.post(f"{path}/{name}", json=wish) for name, wish in wishes.items()}

    for refusal in refusals.values():
        assert "counts where an approval does" in refused(refusal, 403, "not-this-way")
    assert "Change what" not in (await bo.get(place(record))).words
    assert (await office.request(record.request.id)).request == record.request


@pytest.mark.parametrize("by", ["slack", "operator"])
async def test_a_key_made_after_another_log_in_approves(office: World, console: Console, by: LinkBy) -> None:
    record, bo = await asked(office), await console.browser("bo", by=by)
    assert "counts only where an approval by mail does" not in (await bo.get("/keys")).words
    client = console.api.with_key(await key_of(bo, "answer"))

    done = await client.post(
        f"/v1/requests/{record.request.id}/answer", json={"vote": "approve", "digest": record.request.digest}
    )

    assert (done.status_code, (await decision(office, record)).by) == (200, ("bo",))


async def test_a_key_of_a_session_that_a_release_before_kept_counts_as_one_by_mail(
    office: World, console: Console
) -> None:
    record, bo = await asked(office), await console.browser("bo")
    client = console.api.with_key(await key_of(bo, "answer"))
    redis = Client(office.url)
    [(hashed, body)] = list((await redis.do("HGETALL", "{s0}:api_keys")).items())
    assert body.count(b',"link_by":"operator"') == 1
    await redis.do("HSET", "{s0}:api_keys", hashed, body.replace(b',"link_by":"operator"', b""))
    await redis.close()

    done = await client.post(
        f"/v1/requests/{record.request.id}/answer", json={"vote": "approve", "digest": record.request.digest}
    )

    refused(done, 403, "not-this-way")
    [(kept, _)] = await console.api.keyring.all()
    assert (kept.link_by, (await office.request(record.request.id)).state) == ("email", "open")


_WAYS: tuple[LinkBy, ...] = ("email", "operator")


@pytest.mark.parametrize(
    ("way", "is_asked"), few_of([("mail", True), ("email", True), ("key", True), ("operator", False)], 1, rows=True)
)
async def test_attack_what_whoever_reads_a_mailbox_answers_the_agent_uses_no_standing_approval(
    redis: str, tmp_path: Path, slack: Corkboard, *, way: str, is_asked: bool
) -> None:
    def change(world: World) -> None:
        world.reach = ("email",)

    toml = POLICIES.replace('execute_within = "15m"\n', 'execute_within = "15m"\nstanding = "5 in 30d"\n', 1)
    async with (
        a_world(redis, tmp_path / "data", toml, beside=[slack], change=change) as office,
        a_console(office, host=HOST) as console,
    ):
        await granted(office, await done_once(office))
        record = await asked(office, "ask free_text Which one?\npress bell")

        if way == "mail":
            await office.reply("anna", await office.next_mail("anna", about="Which one"), "the bell")
        elif way == "key":
            made = console.api.with_key(await key_of(await console.browser("anna", by="email"), "answer"))
            path = f"/v1/requests/{record.request.id}/answer"
            assert (await made.post(path, json={"text": "the bell"})).status_code == 200
        else:
            await answer(await console.browser("anna", by=cast("LinkBy", way)), record, "", text="the bell")

        await office.quiet()
        assert ((await office.run(record.request.run_id)).open is not None) == is_asked
        assert office.workshop.effects == ["press bell"] * (1 if is_asked else 2)


@pytest.mark.parametrize(
    "text", ["start_run ask free_text Which one?\npress bell", "ask free_text Which one?\nstart_run press bell"]
)
async def test_attack_a_mail_answers_the_one_run_and_the_other_uses_no_standing_approval(
    redis: str, tmp_path: Path, text: str
) -> None:
    toml = POLICIES.replace('execute_within = "15m"\n', 'execute_within = "15m"\nstanding = "5 in 30d"\n', 1)
    async with a_world(redis, tmp_path / "data", toml) as office:
        await granted(office, await done_once(office))
        await office.trigger(text)
        await office.reply("anna", await office.next_mail("anna", about="Which one"), "the bell")

        await until(lambda: is_asked_about(office, "Press bell?"), what="people are asked")

        assert office.workshop.effects == ["press bell"]


async def is_asked_about(office: World, title: str) -> bool:
    return any(one.state == "open" and one.request.title == title for one in await office.requests())


async def test_attack_what_somebody_asks_for_who_logged_in_by_a_mailed_link_uses_no_standing_approval(
    redis: str, tmp_path: Path, slack: Corkboard
) -> None:
    toml = POLICIES.replace('execute_within = "15m"\n', 'execute_within = "15m"\nstanding = "5 in 30d"\n', 1)
    async with (
        a_world(redis, tmp_path / "data", toml, beside=[slack]) as office,
        a_console(office, host=HOST) as console,
    ):
        await granted(office, await done_once(office))
        mailed, safe = [await console.browser("anna", by=by) for by in _WAYS]
        key = console.api.with_key(await key_of(mailed, "trigger"))

        for browser in (mailed, safe):
            await browser.submit((await browser.get("/")).form("/ask"), "Ask", text="press bell")
        assert (await key.post("/v1/runs", json={"text": "press bell"})).status_code == 201
        await office.quiet()

        assert [one.state for one in await office.requests()].count("open") == 2
        assert office.workshop.effects == ["press bell"] * 2
