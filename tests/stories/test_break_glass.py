"""Break glass: at night one person decides for everybody, all of them hear it, and are asked whether it was right."""

import email.policy
import shutil
import textwrap
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest

from agents.events import RequestOpened
from agents.requests import PersonId
from bot.config.example import example_toml
from bot.dev.demo import add_ways
from bot.policy.answers import Statement
from bot.policy.judgements import AlreadyDecided, Decided, Judgement, NotEntitled, OutOfDate
from bot.policy.record import RequestRecord
from bot.queries.rebuild import rebuild
from bot.render.status_line import status_line
from bot.store import Keys, WorkItem
from bot.store.ids import review_of
from tests.bot.cli.shell import sayso
from tests.bot.process.test_reload import without
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.servers.web import serving
from tests.stories.examples import example
from tests.stories.mail.test_consent import ONE_LINE
from tests.stories.people.test_departures import becomes
from tests.stories.test_audit import is_whole, records
from tests.test_tour import commit_of, live

NIGHT = (
    TOML.replace('name = "Anna Ames"\n', 'name = "Anna Ames"\ngroups = ["oncall"]\n').replace(
        'email = "bo@corp.example"\ngroups = ["release"]', 'email = "bo@corp.example"\ngroups = ["release", "oncall"]'
    )
    + """
[people.eve]
name = "Eve Ebert"
email = "eve@corp.example"
groups = ["oncall"]

[policies.night]
approvers = ["group:release"]
quorum = 2
approve_by_email = true
expires_after = "4h"
remind_after = ["1h"]
break_glass = ["group:oncall"]

[policies.day]
approvers = ["group:release"]
expires_after = "4h"
break_glass = ["group:oncall"]
"""
)
DOWN = "checkout is down"


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    def change(world: World) -> None:
        world.workshop.policy_of["bell"] = "night"
        world.workshop.editable = ("what",)

    async with a_world(redis, tmp_path / "data", NIGHT, change=change) as world:
        yield world


async def asked(world: World, text: str = "press bell") -> RequestRecord:
    return await world.opened(await world.trigger(text))


async def breaks(
    world: World, person: str, record: RequestRecord, reason: str = DOWN, *, reply_id: str = "cli-1"
) -> Judgement:
    """Break the glass as `person`, who saw `record`."""
    statement = Statement(
        reply_id=reply_id,
        person=PersonId(person),
        channel="cli",
        revision=record.request.revision,
        digest=record.request.digest,
        said="approve",
        text=reason,
        reason=reason,
        breaks_glass=True,
    )
    return await world.app.requests.decisions.decide(record.request.id, statement)


def review(record: RequestRecord) -> str:
    return review_of(record.request.id)


async def reviewed(world: World, record: RequestRecord) -> RequestRecord:
    """The open request that asks whether it was right."""
    return await world.opened(review(record))


async def test_one_person_decides_everybody_hears_it_and_the_others_say_whether_it_was_right(office: World) -> None:
    record = await asked(office)

    assert isinstance(await breaks(office, "eve", record), Decided)

    assert await office.summary(record.request.run_id) == "done: ok: press bell: done"
    for person in ("dan", "bo", "cy"):
        heard = await office.next_mail(person, about="Break glass: Press bell")
        words = " ".join(heard.text.split())
        assert "Eve Ebert broke the glass" in words
        assert DOWN in words
    asks = await reviewed(office, record)
    assert asks.request.title == "Was it right that Eve Ebert broke the glass for “Press bell”?"
    letter = await office.next_mail("cy", about="Was it right that Eve Ebert")
    assert "What Eve Ebert wrote" not in letter.text
    await office.reply("cy", letter, "right: yes\nreason: I saw it burn")
    assert (
        await office.summary(review(record)) == "done: It was right to break the glass, says Cy Cole: “I saw it burn”"
    )


async def test_it_is_called_break_glass_wherever_it_is_told(office: World) -> None:
    record = await asked(office)
    await breaks(office, "eve", record)
    await office.ended(record.request.run_id)

    shown = await sayso(office, "show", record.request.id)
    story = await sayso(office, "show", record.request.run_id)
    async with serving(office.app) as api:
        told = (await (await api.client("bo")).get(f"/v1/requests/{record.request.id}")).json()
        metrics = (await api.with_key(None).get("/metrics")).text

    assert f"{record.request.id}  break glass" in shown.out
    assert f"glass      broken by Eve Ebert: {DOWN}" in shown.out
    assert "so far by" not in shown.out
    assert "Eve Ebert breaks the glass" in story.out
    assert "approve" not in story.out.lower()
    assert (told["decision"]["broke_glass"], told["votes"][0]["breaks_glass"]) == (True, True)
    assert told["review"] == review(record)
    assert "sayso_glass_broken_total 1.0" in metrics
    [vote] = await records(office, "break_glass", record.request.id)
    [decided] = await records(office, "decided", record.request.id)
    assert (vote["who"], vote["outcome"], vote["words"]) == ("eve", "break_glass", DOWN)
    assert (decided["outcome"], decided["words"]) == ("break_glass", DOWN)


async def test_from_a_terminal_it_needs_a_reason_and_a_look_at_what_it_is_about(office: World) -> None:
    record = await asked(office)
    words = ("answer", record.request.id, "break-glass", "--as", "bo")

    bare = await sayso(office, *words)
    first = await sayso(office, *words, "--reason", DOWN)
    again = await sayso(office, *words, "--reason", DOWN)

    assert (bare.code, "say why" in bare.err.replace("\n", " ")) == (2, True)
    assert (first.code, "Nothing was approved yet" in first.err) == (1, True)
    assert (again.code, "Bo Berg broke the glass at" in again.out) == (0, True)
    assert await office.summary(record.request.run_id) == "done: ok: press bell: done"


async def test_over_http_it_names_what_was_seen_and_why(office: World) -> None:
    record = await asked(office)
    path, body = f"/v1/requests/{record.request.id}/answer", {"vote": "break_glass", "digest": record.request.digest}
    async with serving(office.app) as api:
        eve, cy, anna = await api.client("eve"), await api.client("cy"), await api.client("anna")

        bare = await eve.post(path, json=body)
        moved = await eve.post(path, json=body | {"digest": "e" * 64, "reason": DOWN})
        other = await cy.post(path, json=body | {"reason": DOWN})
        own = await anna.post(path, json=body | {"reason": DOWN})
        done = await eve.post(path, json=body | {"reason": DOWN})
        twice = await eve.post(path, json=body | {"reason": DOWN})

    assert [one.status_code for one in (bare, moved, other, own, done, twice)] == [422, 409, 403, 403, 200, 409]
    assert other.json()["judgement"]["why"] == "break_glass"
    assert done.json()["judgement"]["decision"]["broke_glass"]
    assert twice.json()["judgement"]["type"] == "already_decided"


async def test_whoever_asked_does_not_break_their_own_glass(office: World) -> None:
    record = await asked(office)

    assert isinstance(await breaks(office, "anna", record), NotEntitled)

    assert (await office.request(record.request.id)).state == "open"


async def test_whoever_changed_an_argument_or_answered_the_agent_does_not_break_the_glass_on_it(office: World) -> None:
    office.workshop.policy_of.update(bell="day", gong="day")
    edited = await asked(office)
    await office.edit("bo", edited, what="gong")
    edited = await office.request(edited.request.id)
    advised = await asked(office, "ask-of person:bo free_text which one?\npress bell")
    await office.decide("bo", advised, "free_text", "the bell")
    gate = await office.opened(advised.request.run_id, after=advised.request.id)

    assert isinstance(await breaks(office, "bo", edited), NotEntitled)
    assert isinstance(await breaks(office, "bo", gate, reply_id="cli-2"), NotEntitled)

    assert office.workshop.effects == []


async def test_it_is_for_what_was_seen(office: World) -> None:
    office.workshop.policy_of.update(bell="day", gong="day")
    record = await asked(office)
    await office.edit("cy", record, what="gong")

    assert isinstance(await breaks(office, "eve", record), OutOfDate)


async def test_the_same_click_twice_breaks_it_once_and_opens_one_review(office: World) -> None:
    record = await asked(office)

    for _ in range(2):
        await breaks(office, "eve", record)
    await office.app.work.queue.notify(WorkItem("glass", record.request.id))
    await office.quiet()

    opened = [event for event in await office.events(review(record)) if isinstance(event, RequestOpened)]
    assert len(opened) == 1
    assert len([mail for mail in office.mails("dan") if "Break glass: Press bell" in mail.subject]) == 1


async def test_what_a_crash_kept_from_being_told_is_told_afterwards(office: World) -> None:
    record = await asked(office)
    await office.quiet()
    await office.stop()
    await office.start(works=False)
    await breaks(office, "eve", record)

    async with office.stopped():
        assert await office.events(review(record)) == ()

    await office.next_mail("dan", about="Break glass: Press bell")
    assert (await reviewed(office, record)).state == "open"


async def test_attack_what_is_replaced_before_anybody_is_told_is_reviewed_all_the_same(office: World) -> None:
    record = await asked(office)
    await office.quiet()
    await office.stop()
    await office.start(works=False)
    await breaks(office, "eve", record)
    broken, version, now = await office.app.requests.decisions.request(record.request.id)
    await office.app.requests.decisions.supersede(broken, version, "it does not cover this", now)

    async with office.stopped():
        assert await office.events(review(record)) == ()

    heard = await office.next_mail("dan", about="Break glass: Press bell")
    assert DOWN in " ".join(heard.text.split())
    asks = await reviewed(office, record)
    assert asks.request.title == "Was it right that Eve Ebert broke the glass for “Press bell”?"
    async with serving(office.app) as api:
        told = (await (await api.client("bo")).get(f"/v1/requests/{record.request.id}")).json()
    assert (told["state"], told["review"]) == ("superseded", review(record))


async def test_a_denial_that_came_before_wins(office: World) -> None:
    record = await asked(office)
    await office.decide("cy", record, "deny", "no")

    assert isinstance(await breaks(office, "eve", record), AlreadyDecided)

    assert await office.summary(record.request.run_id) == "failed: denied: no"
    await office.quiet()
    assert await office.events(review(record)) == ()


async def test_any_approver_stops_it_until_it_starts(office: World) -> None:
    await office.app.requests.freezes.freeze("", PersonId("dan"), "incident")
    record = await asked(office)
    await breaks(office, "eve", record)

    await office.decide("cy", record, "deny", "leave it")

    assert (await office.request(record.request.id)).state == "revoked"
    await office.ended(record.request.run_id)
    assert office.workshop.effects == []


async def test_it_does_not_lift_a_freeze(office: World) -> None:
    freezes = office.app.requests.freezes
    await freezes.freeze("", PersonId("dan"), "incident")
    record = await asked(office)

    await breaks(office, "eve", record)
    await office.quiet()

    assert office.workshop.effects == []
    assert (await office.run(record.request.run_id)).state == "waiting"
    await freezes.unfreeze("", PersonId("dan"), "fixed")
    assert await office.summary(record.request.run_id) == "done: ok: press bell: done"


async def test_who_leaves_before_the_start_has_broken_nothing(office: World) -> None:
    freezes = office.app.requests.freezes
    await freezes.freeze("", PersonId("dan"), "incident")
    record = await asked(office)
    await breaks(office, "eve", record)

    await becomes(office, without(NIGHT, "eve"))
    await freezes.unfreeze("", PersonId("dan"), "fixed")

    again = await office.opened(record.request.run_id, after=record.request.id)
    assert (await office.request(record.request.id)).state == "superseded"
    assert again.state == "open"
    assert office.workshop.effects == []


async def test_what_others_approved_in_the_end_is_not_told_as_done_by_breaking_the_glass(office: World) -> None:
    freezes = office.app.requests.freezes
    await freezes.freeze("", PersonId("dan"), "incident")
    record = await asked(office)
    await breaks(office, "eve", record)
    await office.move_time(16 * 60)
    await freezes.unfreeze("", PersonId("dan"), "fixed")
    again = await office.opened(record.request.run_id, after=record.request.id)

    await office.decide("bo", again, "approve")
    await office.decide("cy", await office.request(again.request.id), "approve")
    run = await office.ended(record.request.run_id)

    told = (await office.next_mail("anna", about="Done: press bell")).text
    assert "Decided by: Bo Berg and Cy Cole" in told
    assert "Eve Ebert" not in told
    assert status_line(run, None, office.people) == "Done: press bell"
    assert (await office.next_mail("eve", about="Done: press bell")).text


async def test_who_has_left_breaks_nothing(office: World) -> None:
    record = await asked(office)
    await becomes(office, without(NIGHT, "eve"))

    assert isinstance(await breaks(office, "eve", record), NotEntitled)


async def test_a_review_is_nobodys_to_stop_and_not_the_breakers_to_answer(office: World) -> None:
    record = await asked(office)
    await breaks(office, "bo", record)
    asks = await reviewed(office, record)
    run_id, request_id = review(record), asks.request.id
    async with serving(office.app) as api:
        bo, owner = await api.client("bo", "read", "answer", "steer"), await api.client("dan", "admin")

        cancelled = [(await one.post(f"/v1/runs/{run_id}/cancel")).status_code for one in (bo, owner)]
        withdrawn = (await bo.post(f"/v1/requests/{request_id}/withdraw", json={})).status_code
        seen = (await bo.get(f"/v1/runs/{run_id}")).status_code
        answered = await bo.post(f"/v1/requests/{request_id}/answer", json={"form": {"right": True, "reason": "mine"}})
        own = await (await api.client("cy")).post(
            f"/v1/requests/{request_id}/answer", json={"form": {"right": False, "reason": "we were there"}}
        )

    assert (cancelled, withdrawn, seen, answered.status_code, own.status_code) == ([403, 403], 403, 200, 403, 200)
    assert asks.request.policy.everybody == ("cy",)
    summary = await office.summary(run_id)
    assert summary == "done: It was not right to break the glass, says Cy Cole: “we were there”"
    [decided] = await records(office, "decided", request_id)
    assert "we were there" in str(decided["detail"])


async def test_a_review_reminds_and_where_nobody_answers_the_operators_hear_it(office: World) -> None:
    record = await asked(office)
    await breaks(office, "bo", record)
    asks = await reviewed(office, record)
    await office.next_mail("cy", about="Was it right that Bo Berg")
    assert (asks.request.expires_at - asks.request.opened_at).days == 7

    await office.move_time(3601)
    assert "Reminder" in (await office.next_mail("cy", about="Was it right that Bo Berg")).text
    await office.move_time(7 * 24 * 3600)

    await office.next_mail("dan", about="The review of a broken glass has no answer")
    assert (await office.summary(review(record))).startswith("failed: Nobody has answered in the review: Was it right")


async def test_a_review_opens_also_when_the_tool_fails(office: World) -> None:
    office.workshop.breaks["bell"] = RuntimeError("it is cracked")
    record = await asked(office)

    await breaks(office, "eve", record)

    assert (await office.summary(record.request.run_id)).startswith("failed:")
    assert (await reviewed(office, record)).state == "open"


@pytest.mark.parametrize("is_stopped", [True, False], ids=["stopped", "failed"])
async def test_whoever_broke_it_without_a_card_of_their_own_hears_what_came_of_it(
    office: World, is_stopped: bool
) -> None:
    office.workshop.breaks["bell"] = RuntimeError("the rope is torn")
    record = await asked(office)
    await office.quiet()
    await office.steer(record.request.run_id, "pause")
    await breaks(office, "eve", record)
    if is_stopped:
        await office.decide("cy", await office.request(record.request.id), "deny", "it is back up")

    await office.steer(record.request.run_id, "resume")

    heard = await office.next_mail("eve", about=f"{'Stopped' if is_stopped else 'Failed'}: press bell")
    assert ("it is back up" if is_stopped else "the rope is torn") in heard.text


async def test_attack_a_schedule_that_was_lost_keeps_no_review_from_a_rebuilt_store(office: World) -> None:
    record = await asked(office)
    await office.quiet()
    await office.stop()
    await office.start(works=False)
    await breaks(office, "eve", record)
    store, keys = office.app.store, Keys.of(record.request.id)
    await store.client.do("DEL", keys.wake, keys.ready, keys.answers, keys.turns)

    await rebuild(store)
    async with office.stopped():
        pass

    await office.next_mail("dan", about="Break glass: Press bell")
    assert (await reviewed(office, record)).state == "open"


async def test_a_rebuilt_store_forgets_no_review(office: World) -> None:
    record = await asked(office)
    await breaks(office, "eve", record)
    await reviewed(office, record)

    await rebuild(office.app.store)
    await office.quiet()

    assert (await reviewed(office, record)).state == "open"
    assert len([mail for mail in office.mails("dan") if "Break glass: Press bell" in mail.subject]) == 1


@pytest.fixture
async def shop(redis: str, tmp_path: Path, demo: Path) -> AsyncIterator[World]:
    """The example of docs/who-may-approve.md, word for word, with the demo to deploy. Mail alone reaches people."""
    shutil.copytree(demo, tmp_path / "data" / "demo", symlinks=True)
    add_ways(tmp_path / "data" / "demo")
    shop = example_toml(tmp_path / "data" / "demo" / "shop")
    environment = shop[shop.index("[deploy.environments.production]") :].partition("\n[alerts]")[0]
    async with a_world(redis, tmp_path / "data", example("break-glass") + environment, deploys=True) as world:
        yield world


async def test_at_three_in_the_morning_one_person_deploys_and_the_other_says_afterwards_that_it_was_right(
    shop: World,
) -> None:
    now = await shop.now()
    await shop.move_time((datetime.combine(now.date() + timedelta(days=1), time(3), UTC) - now).total_seconds())
    run_id = await shop.trigger("deploy v1.2.0 to production", person="anna")
    record = await shop.opened(run_id)
    card = await shop.next_mail("bo", about="Deploy v1.2.0 to production")
    assert "Bo Berg alone, by breaking the glass" in " ".join(card.text.split())
    words = ("answer", record.request.id, "break-glass", "--reason", DOWN, "--as", "bo")

    first = await sayso(shop, *words)
    second = await sayso(shop, *words)

    assert (first.code, second.code) == (1, 0)
    assert "is live in production, verified" in await shop.summary(run_id)
    assert live(shop, "production") == commit_of(shop, "v1.2.0")
    assert "Bo Berg broke the glass" in (await shop.next_mail("cy", about="Break glass: Deploy v1.2.0")).text
    letter = await shop.next_mail("cy", about="Was it right that Bo Berg")
    await shop.reply("cy", letter, "It was right: yes\nWhy: I would have slept through it")
    told = await shop.summary(review(record))
    assert told == "done: It was right to break the glass, says Cy Cole: “I would have slept through it”"
    assert await is_whole(shop)


async def test_the_red_button_of_the_console_is_for_whoever_may_and_wants_a_reason(office: World) -> None:
    record = await asked(office)
    path = f"/requests/{record.request.id}"
    async with a_console(office) as console:
        browsers = {who: await console.browser(who) for who in ("anna", "bo", "cy", "eve")}
        pages = {who: await browser.get(path) for who, browser in browsers.items()}
        eve, forms = browsers["eve"], pages["eve"].forms
        form = next(one for one in forms if "Break the glass" in [button.text for button in one.buttons])

        bare = await eve.submit(form, "Break the glass", reason=" ")
        told = await eve.submit(form, "Break the glass", reason=DOWN)
        await office.ended(record.request.run_id)
        after = await eve.get(path)
        listed = await eve.get("/requests?all=&state=approved")

    assert [who for who, found in pages.items() if "Break the glass" in found.html] == ["bo", "eve"]
    assert "say why" in bare.words
    assert "Eve Ebert broke the glass" in told.words
    assert "Eve Ebert broke the glass by" in after.words
    assert DOWN in after.words
    assert "approved" not in after.words.lower()
    assert "break glass" in listed.words


async def test_the_page_of_the_request_leads_to_the_review_whoever_it_concerns(office: World) -> None:
    record = await asked(office)
    await breaks(office, "eve", record)
    await reviewed(office, record)
    link = f'href="/runs/{review(record)}"'

    async with a_console(office) as console:
        browsers = {who: await console.browser(who) for who in ("anna", "cy", "eve")}
        pages = {who: await browser.get(f"/requests/{record.request.id}") for who, browser in browsers.items()}
        there = [(await browsers[who].get(f"/runs/{review(record)}")).words for who in ("cy", "eve")]

    assert [who for who, page in pages.items() if link in page.html] == ["cy", "eve"]
    assert all("Was it right that Eve Ebert broke the glass" in words for words in there)


async def test_by_mail_it_is_one_line_with_the_reason(office: World) -> None:
    record = await asked(office)
    card, other = await office.next_mail("bo"), await office.next_mail("cy")
    assert "reply with the line break glass: … and nothing else" in " ".join(card.text.split())
    assert "break glass: …" not in other.text

    await office.reply("bo", card, f"Hi,\n\nBreak Glass: {DOWN}")
    fresh = await office.next_mail("bo", about="with nothing but break glass")
    assert DOWN in " ".join(fresh.text.split())
    await office.reply("bo", fresh, "Break glass.\n\nThanks,\nBo")

    assert await office.summary(record.request.run_id) == "done: ok: press bell: done"
    now = await office.request(record.request.id)
    assert now.decision
    assert (now.decision.broke_glass, now.decision.by, now.decision.reason) == (True, ("bo",), DOWN)
    assert now.votes[0].evidence


LONG = "the checkout answers nobody since 14:05, customers cannot pay, and support has more than two hundred tickets"


async def test_by_mail_a_reason_that_a_program_cut_into_lines_is_one_reason(office: World) -> None:
    await asked(office)

    await office.reply("bo", await office.next_mail("bo"), textwrap.fill(f"break glass: {LONG}", 72))

    fresh = await office.next_mail("bo", about="with nothing but break glass")
    assert LONG in " ".join(fresh.text.split())


async def test_by_mail_a_signature_without_dashes_is_no_part_of_it(office: World) -> None:
    record = await asked(office)

    await office.reply("bo", await office.next_mail("bo"), f"break glass: {DOWN}\n{ONE_LINE}")
    fresh = await office.next_mail("bo", about="with nothing but break glass")
    await office.reply("bo", fresh, f"break glass\n{ONE_LINE}")

    assert await office.summary(record.request.run_id) == "done: ok: press bell: done"
    decision = (await office.request(record.request.id)).decision
    assert decision
    assert decision.reason == DOWN


@pytest.mark.parametrize("line", ["only the small one", "No, don't", "Stop", "ok?", "not before noon"])
async def test_attack_by_mail_a_line_among_contacts_that_takes_it_back_breaks_nothing(office: World, line: str) -> None:
    record = await asked(office)

    text = f"break glass: {DOWN}\n\nBo Berg\n{line}\nT: +49 30 1234567"
    await office.reply("bo", await office.next_mail("bo"), text)
    await office.quiet()

    assert office.workshop.effects == []
    assert (await office.request(record.request.id)).glass == {}


async def test_by_mail_a_stop_below_a_long_reason_is_no_part_of_it(office: World) -> None:
    record = await asked(office)

    await office.reply("bo", await office.next_mail("bo"), f"break glass: {LONG[:60]}\nstop")
    await office.quiet()

    assert office.workshop.effects == []
    assert (await office.request(record.request.id)).glass == {}


@pytest.mark.parametrize(
    "text",
    [
        f"break glass: {DOWN}\nbut only the small one",
        f"please break glass: {DOWN}",
        "break glass:",
        "break glass",
        f"break glass - {DOWN}",
        "break glass: …",
        "break glass: \u2800",
        f"> Does anybody wait?\nbreak glass: {DOWN}",
        f"should I break glass: {DOWN}?",
    ],
)
async def test_by_mail_nothing_else_breaks_it(office: World, text: str) -> None:
    record = await asked(office)

    await office.reply("bo", await office.next_mail("bo"), text)
    await office.next_mail("bo", about="not counted")

    assert (await office.request(record.request.id)).state == "open"


async def sent_with_two_texts(office: World, plain: str, seen: str) -> None:
    """Bo answers his card by a mail whose plain text and HTML differ."""
    card = await office.next_mail("bo", about="Press bell")
    assert card.reply_to
    mail, sender = EmailMessage(policy=email.policy.SMTP), office.address("bo")
    mail["From"], mail["To"], mail["Message-ID"] = sender, card.reply_to, "<two-texts@corp.example>"
    mail["Date"], mail["Subject"] = format_datetime(office.about_now()), f"Re: {card.subject}"
    mail["In-Reply-To"] = card.message_id
    mail.set_content(plain)
    mail.add_alternative(f"<p>{seen}</p>", "html")
    await office.transport(sender).send(bytes(mail), sender=sender, recipients=[card.reply_to])
    await office.next_mail("bo", about="bell")


@pytest.mark.parametrize(
    "text",
    few_of([f"break glass: {DOWN}", f"Scheibe einschlagen: {DOWN}", "delegate: cy@corp.example"], 0),
)
async def test_in_a_new_message_it_starts_no_run_and_whoever_wrote_it_reads_which_card_to_answer(
    office: World, text: str
) -> None:
    record = await asked(office)

    await office.send("bo", "sayso@sayso.example", text)
    await office.quiet()

    assert await office.app.store.lists.runs() == [record.request.run_id]
    told = " ".join((await office.next_mail("bo", about="No run was started")).text.split())
    assert "Nothing shows which card it answers: nothing was done" in told
    assert f"You are asked: “Press bell?” ({record.request.id})" in told
    assert (await office.request(record.request.id)).state == "open"


@pytest.mark.parametrize("seen", ["No!", "What is that about?", f"break glass: {DOWN}, but only in staging"])
async def test_attack_a_mail_whose_two_texts_differ_breaks_nothing(office: World, seen: str) -> None:
    record = await asked(office)

    await sent_with_two_texts(office, f"break glass: {DOWN}", seen)

    assert (await office.request(record.request.id)).state == "open"


async def test_by_mail_it_is_refused_to_others_and_where_no_approval_counts(office: World, tmp_path: Path) -> None:
    record = await asked(office)
    await office.reply("cy", await office.next_mail("cy"), f"break glass: {DOWN}")
    assert "You may not break the glass here. Those who may: Bo Berg and Eve Ebert" in " ".join(
        (await office.next_mail("cy", about="About")).text.split()
    )
    await becomes(office, NIGHT.replace("quorum = 2\napprove_by_email = true", "quorum = 2"))
    barred = await asked(office)
    card = await office.next_mail("bo", about="Press bell")
    while str(barred.request.id) not in card.text:
        card = await office.next_mail("bo", about="Press bell")
    assert "break glass: …" not in card.text

    await office.reply("bo", card, f"break glass: {DOWN}")

    assert "An approval does not count this way" in " ".join(
        (await office.next_mail("bo", about="does not count this way")).text.split()
    )
    assert {(await office.request(one.request.id)).state for one in (record, barred)} == {"open"}
