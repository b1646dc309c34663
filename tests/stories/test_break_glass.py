"""Break glass: at night one person decides for everybody, all of them hear it, and are asked whether it was right."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from agents.requests import PersonId, bound_to
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.policy.answers import Statement
from bot.policy.approvers.who import who_at_first
from bot.policy.judgements import Decided, Judgement, NotEntitled
from bot.queries.rebuild import rebuild
from bot.render.status_line import status_line
from bot.store import Keys
from bot.store.ids import review_of
from tests.bot.cli.shell import sayso
from tests.bot.execution.test_executor import found_gone
from tests.bot.web.api.test_asking_approval import asked as asked_by_program
from tests.bot.web.api.test_asking_approval import program
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.shop import a_shop
from tests.kit.tables import becomes, without
from tests.kit.waiting import until
from tests.kit.world import World, beside_it
from tests.servers.console import a_console
from tests.servers.web import Api, serving
from tests.stories.examples import example
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


def _at_night(world: World) -> None:
    world.workshop.policy_of["bell"] = "night"
    world.workshop.editable = ("what",)


pytestmark = opens(NIGHT, change=_at_night)


async def asked(world: World, text: str = "press bell") -> RequestRecord:
    return await world.opened(await world.trigger(text))


async def breaks(
    world: World, person: str, record: RequestRecord, reason: str = DOWN, *, reply_id: str = "cli-1"
) -> Judgement:
    """Break the glass as `person`, who saw `record`, and may have left since."""
    statement = Statement(
        reply_id=reply_id,
        person=world.app.people.of_file(person),
        proof=as_by("cli"),
        binding=bound_to(record.request, "digest"),
        said="break_glass",
        text=reason,
        reason=reason,
    )
    return await world.app.requests.decisions.decide(record.request.id, statement)


def review(record: RequestRecord) -> str:
    return review_of(record.request.id)


async def reviewed(world: World, record: RequestRecord) -> RequestRecord:
    """The open request that asks whether it was right."""
    return await world.opened(review(record))


async def test_one_person_decides_everybody_hears_it_and_the_others_say_whether_it_was_right(world: World) -> None:
    record = await asked(world)

    assert isinstance(await breaks(world, "eve", record), Decided)

    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    for person in ("dan", "bo", "cy"):
        heard = await world.next_mail(person, about="Break glass: Press bell")
        words = " ".join(heard.text.split())
        assert "Eve Ebert broke the glass" in words
        assert DOWN in words
    asks = await reviewed(world, record)
    assert asks.request.title == "Was it right that Eve Ebert broke the glass for “Press bell”?"
    letter = await world.next_mail("cy", about="Was it right that Eve Ebert")
    assert "What Eve Ebert wrote" not in letter.text
    await world.reply("cy", letter, "right: yes\nreason: I saw it burn")
    assert await world.summary(review(record)) == "done: It was right to break the glass, says Cy Cole: “I saw it burn”"


async def test_over_http_it_names_what_was_seen_and_why_and_is_called_break_glass_wherever_it_is_told(
    world: World, api: Api
) -> None:
    record = await asked(world)
    request, run = f"/v1/requests/{record.request.id}", record.request.run_id
    seen, why = {"vote": "break_glass", "digest": record.request.digest}, {"reason": DOWN}
    told = [
        await (await api.client(person)).post(f"{request}/answer", json=seen | body)
        for person, body in (
            ("eve", {}), ("eve", why | {"digest": "e" * 64}), ("cy", why), ("anna", why), ("eve", why), ("eve", why),
        )
    ]  # fmt: skip
    await world.ended(run)

    assert [one.status_code for one in told] == [422, 409, 403, 403, 200, 409]
    assert told[2].json()["judgement"]["why"] == "break_glass"
    assert told[4].json()["judgement"]["decision"]["broke_glass"]
    assert told[5].json()["judgement"]["type"] == "already_decided"
    shown, story = await sayso(world, "show", record.request.id), await sayso(world, "show", run)
    now = (await (await api.client("bo")).get(request)).json()
    assert f"{record.request.id}  break glass" in shown.out
    assert f"said       Break glass: reason of Eve Ebert: {DOWN}" in shown.out
    assert "so far by" not in shown.out
    assert "Eve Ebert breaks the glass" in story.out
    assert "approve" not in story.out.lower()
    assert (now["decision"]["broke_glass"], now["votes"][0]["breaks_glass"]) == (True, True)
    assert now["review"] == review(record)
    assert "sayso_glass_broken_total 1.0" in (await api.with_key(None).get("/metrics")).text
    [vote] = await records(world, "break_glass", record.request.id)
    [decided] = await records(world, "decided", record.request.id)
    assert (vote["who"], vote["outcome"], vote["words"]) == ("eve", "break_glass", DOWN)
    assert (decided["outcome"], decided["words"]) == ("break_glass", DOWN)


async def test_attack_what_is_replaced_before_anybody_is_told_is_reviewed_all_the_same(world: World) -> None:
    record = await asked(world)
    await world.quiet()
    await world.stop()
    await world.start(works=False)
    await breaks(world, "eve", record)
    broken, version, now = await world.app.requests.decisions.request(record.request.id)
    await world.app.requests.decisions.supersede(broken, version, "it does not cover this", now)

    async with world.stopped():
        assert await world.events(review(record)) == ()

    heard = await world.next_mail("dan", about="Break glass: Press bell")
    assert DOWN in " ".join(heard.text.split())
    asks = await reviewed(world, record)
    assert asks.request.title == "Was it right that Eve Ebert broke the glass for “Press bell”?"
    async with serving(world.app) as http:
        told = (await (await http.client("bo")).get(f"/v1/requests/{record.request.id}")).json()
    assert (told["state"], told["review"]) == ("superseded", review(record))


async def test_it_lifts_no_freeze_and_any_approver_stops_it_until_it_starts(world: World) -> None:
    freezes = world.app.requests.freezes
    await freezes.freeze("", PersonId("dan"), "incident", proof=None)
    stopped, record = await asked(world), await asked(world)
    for one in (stopped, record):
        await breaks(world, "eve", one)
    await world.decide("cy", stopped, "deny", "leave it")
    await world.quiet()

    assert (await world.request(stopped.request.id)).state == "revoked"
    assert world.workshop.effects == []
    assert (await world.run(record.request.run_id)).state == "waiting"
    await freezes.unfreeze("", PersonId("dan"), "fixed", proof=None)
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    await world.ended(stopped.request.run_id)
    assert world.workshop.effects == ["press bell"]


async def test_who_leaves_before_the_start_has_broken_nothing_and_breaks_nothing(world: World) -> None:
    freezes = world.app.requests.freezes
    await freezes.freeze("", PersonId("dan"), "incident", proof=None)
    record, other = await asked(world), await asked(world)
    await breaks(world, "eve", record)

    await becomes(world, without(NIGHT, "eve"))
    await freezes.unfreeze("", PersonId("dan"), "fixed", proof=None)

    again = await world.opened(record.request.run_id, after=record.request.id)
    assert (await world.request(record.request.id)).state == "superseded"
    assert again.state == "open"
    assert world.workshop.effects == []
    assert isinstance(await breaks(world, "eve", other), NotEntitled)


async def test_what_others_approved_in_the_end_is_not_told_as_done_by_breaking_the_glass(world: World) -> None:
    freezes = world.app.requests.freezes
    await freezes.freeze("", PersonId("dan"), "incident", proof=None)
    record = await asked(world)
    await breaks(world, "eve", record)
    await world.move_time(16 * 60)
    await freezes.unfreeze("", PersonId("dan"), "fixed", proof=None)
    again = await world.opened(record.request.run_id, after=record.request.id)

    await world.decide("bo", again, "approve")
    await world.decide("cy", await world.request(again.request.id), "approve")
    run = await world.ended(record.request.run_id)

    told = (await world.next_mail("anna", about="Done: press bell")).text
    assert "Decided by: Bo Berg and Cy Cole" in told
    assert "Eve Ebert" not in told
    assert status_line(run, None, world.people) == "Done: press bell"
    assert (await world.next_mail("eve", about="Done: press bell")).text


async def test_a_review_is_nobodys_to_stop_and_not_the_breakers_to_answer(world: World, api: Api) -> None:
    record = await asked(world)
    await breaks(world, "bo", record)
    asks = (await reviewed(world, record)).request
    bo, cy = await api.client("bo", "read", "answer", "steer"), await api.client("cy")
    path, form = f"/v1/requests/{asks.id}", {"right": False, "reason": "we were there"}

    for one in (bo, await api.client("dan", "admin")):
        assert (await one.post(f"/v1/runs/{review(record)}/cancel")).status_code == 403
    assert (await bo.post(f"{path}/withdraw", json={})).status_code == 403
    assert (await bo.get(f"/v1/runs/{review(record)}")).status_code == 200
    assert (await bo.post(f"{path}/answer", json={"form": {"right": True, "reason": "mine"}})).status_code == 403
    assert who_at_first(asks.policy, ()).named == ("cy",)
    assert (await cy.post(f"{path}/answer", json={"form": form})).status_code == 200

    told = await world.summary(review(record))
    assert told == "done: It was not right to break the glass, says Cy Cole: “we were there”"
    [decided] = await records(world, "decided", asks.id)
    assert "we were there" in str(decided["detail"])


async def test_a_review_reminds_and_where_nobody_answers_the_operators_hear_it(world: World) -> None:
    record = await asked(world)
    await breaks(world, "bo", record)
    asks = await reviewed(world, record)
    await world.next_mail("cy", about="Was it right that Bo Berg")
    assert (asks.request.expires_at - asks.request.opened_at).days == 7

    await world.move_time(3601)
    assert "Reminder" in (await world.next_mail("cy", about="Was it right that Bo Berg")).text
    await world.move_time(7 * 24 * 3600)

    await world.next_mail("dan", about="The review of a broken glass has no answer")
    assert (await world.summary(review(record))).startswith("failed: Nobody has answered in the review: Was it right")


async def test_whoever_broke_it_without_a_card_hears_that_it_failed_or_was_stopped_and_it_is_reviewed(
    world: World,
) -> None:
    world.workshop.breaks["bell"] = RuntimeError("the rope is torn")
    for told, why in (("Stopped", "it is back up"), ("Failed", "the rope is torn")):
        record = await asked(world)
        await world.quiet()
        await world.steer(record.request.run_id, "pause")
        await breaks(world, "eve", record)
        if told == "Stopped":
            await world.decide("cy", await world.request(record.request.id), "deny", why)

        await world.steer(record.request.run_id, "resume")

        assert why in (await world.next_mail("eve", about=f"{told}: press bell")).text
        assert (await reviewed(world, record)).state == "open"


async def test_attack_a_schedule_that_was_lost_keeps_no_review_from_a_rebuilt_store(world: World) -> None:
    record = await asked(world)
    await world.quiet()
    await world.stop()
    await world.start(works=False)
    await breaks(world, "eve", record)
    store, keys = world.app.store, Keys.of(record.request.id)
    await store.client.do("DEL", keys.wake, keys.ready, keys.messages, keys.answers, keys.turns)

    await rebuild(store)
    async with world.stopped():
        pass

    await world.next_mail("dan", about="Break glass: Press bell")
    assert (await reviewed(world, record)).state == "open"


@pytest.fixture
async def shop(redis: str, tmp_path: Path, demo: Path) -> AsyncIterator[World]:
    """The example of docs/who-may-approve.md, word for word, with the demo to deploy. Mail alone reaches people."""

    def edit(shop: str) -> str:
        place = shop[shop.index("[deploy.environments.production]") :].partition("\n[alerts]")[0]
        return example("break-glass") + place

    async with a_shop(redis, tmp_path / "data", demo, edit) as world:
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


async def test_the_red_button_of_the_console_is_for_whoever_may_wants_a_reason_and_leads_to_the_review(
    world: World,
) -> None:
    record = await asked(world)
    path = f"/requests/{record.request.id}"
    async with a_console(world) as console:
        browsers = {who: await console.browser(who) for who in ("anna", "bo", "cy", "eve")}
        pages = {who: await browser.get(path) for who, browser in browsers.items()}
        eve, forms = browsers["eve"], pages["eve"].forms
        form = next(one for one in forms if "Break the glass" in [button.text for button in one.buttons])

        bare = await eve.submit(form, "Break the glass", reason=" ")
        told = await eve.submit(form, "Break the glass", reason=DOWN)
        await world.ended(record.request.run_id)
        after = await eve.get(path)
        listed = await eve.get("/requests?all=&state=approved")

        assert [who for who, found in pages.items() if "Break the glass" in found.html] == ["bo", "eve"]
        assert "say why" in bare.words
        assert "Eve Ebert broke the glass" in told.words
        assert re.search("Eve Ebert broke the glass on .*, in the console", after.words)
        assert DOWN in after.words
        assert "approved" not in after.words.lower()
        assert "break glass" in listed.words
        await reviewed(world, record)
        link = f"/runs/{review(record)}"
        now = {who: await browser.get(path) for who, browser in browsers.items()}
        assert [who for who, page in now.items() if f'href="{link}"' in page.html] == ["bo", "cy", "eve"]
        for who in ("cy", "eve"):
            assert "Was it right that Eve Ebert broke the glass" in (await browsers[who].get(link)).words
        rows = (await browsers["cy"].get("/requests")).words
        story = (await browsers["cy"].get(link)).words
        assert "asked by the policy just now" in rows, "nobody asks for their own review"
        assert "The policy asks, as Eve Ebert broke the glass in the console" in story


async def test_by_mail_it_is_one_line_with_the_reason(world: World) -> None:
    record = await asked(world)
    card, other = await world.next_mail("bo"), await world.next_mail("cy")
    assert "reply with the line break glass: … and nothing else" in " ".join(card.text.split())
    assert "break glass: …" not in other.text

    await world.reply("bo", card, f"Hi,\n\nBreak Glass: {DOWN}")
    fresh = await world.next_mail("bo", about="with nothing but break glass")
    assert DOWN in " ".join(fresh.text.split())
    await world.reply("bo", fresh, "Break glass.\n\nThanks,\nBo")

    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    now = await world.request(record.request.id)
    assert now.decision
    assert (now.decision.broke_glass, now.decision.by, now.decision.reason) == (True, ("bo",), DOWN)
    assert now.votes[0].evidence


LONG = "the checkout answers nobody since 14:05, customers cannot pay, and support has more than two hundred tickets"


async def test_attack_by_mail_nothing_else_breaks_it(world: World) -> None:
    for text in (
        f"break glass: {DOWN}\n\nBo Berg\nnot before noon\nT: +49 30 1234567",
        f"break glass: {LONG[:60]}\nstop",
        f"break glass: {DOWN}\nbut only the small one",
        "break glass",
        f"> Does anybody wait?\nbreak glass: {DOWN}",
        f"should I break glass: {DOWN}?",
    ):
        record = await asked(world)
        await world.reply("bo", await world.next_mail("bo", about=record.request.id), text)
        await world.quiet()
        now = await world.request(record.request.id)
        assert (now.glass, world.workshop.effects) == ({}, []), text
        assert now.decision is None or not now.decision.broke_glass
    assert len([mail for mail in world.mails("bo") if "not counted" in mail.text]) >= 4


async def test_in_a_new_message_it_starts_no_run_and_whoever_wrote_it_reads_which_card_to_answer(world: World) -> None:
    record = await asked(world)

    for text in (f"break glass: {DOWN}", "delegate: cy@corp.example"):
        await world.send("bo", "sayso@sayso.example", text)
        await world.quiet()

        assert await world.app.store.lists.runs() == [record.request.run_id]
        told = " ".join((await world.next_mail("bo", about="No run was started")).text.split())
        assert "Nothing shows which card it answers: nothing was done" in told
        assert f"You are asked: “Press bell?” ({record.request.id})" in told
        assert (await world.request(record.request.id)).state == "open"


async def test_attack_a_mail_whose_two_texts_differ_breaks_nothing(world: World) -> None:
    for seen in ("No!", f"break glass: {DOWN}, but only in staging"):
        record = await asked(world)

        card = await world.next_mail("bo", about="Press bell")
        await world.post("bo", card.reply_to or "", f"break glass: {DOWN}", page=f"<p>{seen}</p>")
        await world.next_mail("bo", about="bell")

        now = await world.request(record.request.id)
        assert (now.state, now.glass) == ("open", {})


async def test_by_mail_it_is_refused_to_others_and_where_no_approval_counts(world: World, tmp_path: Path) -> None:
    record = await asked(world)
    await world.reply("cy", await world.next_mail("cy"), f"break glass: {DOWN}")
    assert "You may not break the glass here. Those who may: Bo Berg and Eve Ebert" in " ".join(
        (await world.next_mail("cy", about="About")).text.split()
    )
    await becomes(world, NIGHT.replace("quorum = 2\napprove_by_email = true", "quorum = 2"))
    barred = await asked(world)
    card = await world.next_mail("bo", about="Press bell")
    while str(barred.request.id) not in card.text:
        card = await world.next_mail("bo", about="Press bell")
    assert "break glass: …" not in card.text

    await world.reply("bo", card, f"break glass: {DOWN}")

    assert "An approval does not count this way" in " ".join(
        (await world.next_mail("bo", about="does not count this way")).text.split()
    )
    assert {(await world.request(one.request.id)).state for one in (record, barred)} == {"open"}


async def test_attack_whoever_broke_the_glass_without_a_card_hears_that_it_was_taken_back_or_is_asked_anew(
    world: World,
) -> None:
    for ends in ("taken back", "asked anew"):
        record = await asked(world)
        run_id = record.request.run_id
        await world.steer(run_id, "pause")
        await breaks(world, "eve", record, reply_id=f"cli-{run_id}")
        if ends == "taken back":
            await world.decide("bo", await world.request(record.request.id), "deny", "it is up again")
        else:
            world.workshop.meaning["bell"] = "another bell"
            await world.steer(run_id, "resume")
            await world.opened(run_id, after=record.request.id)

        told = await world.next_mail("eve", about="Closed: Press bell")
        assert ("Bo Berg took it back" if ends == "taken back" else "No longer asked") in told.text


async def test_attack_whoever_broke_the_glass_hears_nothing_where_nobody_knows_whether_it_happened(
    world: World, redis: str, tmp_path: Path
) -> None:
    world.workshop.hold("bell")
    record = await asked(world)
    run_id = record.request.run_id
    await breaks(world, "eve", record)
    await until(lambda: world.workshop.started, what="it presses")
    async with beside_it(World(redis, tmp_path / "other", world.toml)) as other:
        await found_gone(world, other, await world.run(run_id))
    asks = await world.opened(run_id, after=record.request.id)
    assert "Bo Berg" in (await world.next_mail("eve", about="nobody knows whether something happened")).text
    await world.steer(run_id, "pause", "dan")

    await world.decide("cy", asks, "free_text", asks.request.options[1])

    assert "Cy Cole said that it did not happen." in (await world.next_mail("eve", about="Not done: Press bell")).text
    await world.quiet()
    assert len(world.mails("eve")) == 2
    world.workshop.hold("bell").set()


async def test_whoever_broke_the_glass_for_a_program_hears_once_that_it_was_taken_back(world: World) -> None:
    async with serving(world.app) as api:
        request = await asked_by_program(await program(api, "policy:night"), policy="night")
        await breaks(world, "eve", await world.request(request["id"]))
        await world.decide("bo", await world.request(request["id"]), "deny", "it is up again")
        await world.ended(request["run_id"])
        await world.quiet()

    [told] = world.mails("eve")
    assert "Bo Berg took it back" in told.text
