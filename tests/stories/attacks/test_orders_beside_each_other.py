"""Several orders in one message, each of which only stops something: none of them is lost over another."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.requests import RunId
from bot.policy.record import RequestRecord
from channels import Reply
from channels.email.reply import read_reply
from tests.fakes.hallway import Hallway
from tests.kit.moments import Moment
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.stories.attacks.test_stops_typed_anywhere import THREAD, asked, token_of, write
from tests.stories.people.standing import ALLOWED, done_once, granted
from tests.stories.people.standing import asked as asked_again
from tests.stories.test_typed_freezes import OPERATOR, frozen

ELSEWHERE = "C01OPS/1712346000.000100"
REST = "The rest of your message did nothing"
UNREAD = "Your message froze nothing"


@dataclass
class Orders:
    """What Bo can stop: what he is asked in `record`, what he asked for in `theirs`, and two standing approvals."""

    office: World
    hallway: Hallway
    record: RequestRecord
    theirs: RequestRecord
    standing: tuple[str, ...]

    def words(self, text: str) -> str:
        """`text` with the ids of all that."""
        named = {"OTHER": self.theirs.request.run_id, "FIRST": self.standing[0], "SECOND": self.standing[-1]}
        for word, some_id in named.items():
            text = text.replace(word, some_id)
        return text

    async def write(self, way: str, text: str) -> None:
        """Bo writes it."""
        words, inbox, hallway = self.words(text), self.office.app.messages.inbox, self.hallway
        if way == "the thread":
            return await write(self.office, hallway, "bo", words, is_addressed=True)
        if way == "an edit":
            changed = hallway.follows("bo", words, THREAD, is_edit=True)
            return await inbox.handle(await inbox.accept(changed))
        if way == "a new message":
            return await inbox.handle(await inbox.accept(hallway.begins("bo", words, ELSEWHERE)))
        said = Reply(person="bo", token=await token_of(hallway, "bo"), said="free_text", text=words, is_typed=True)
        if way == "the window, read as a mail is":
            read = read_reply(words)
            said = said.model_copy(update={"said": read.said, "reason": read.reason})
        return await inbox.handle(await inbox.accept(hallway.item(said)))

    async def done(self) -> set[str]:
        """What has been stopped."""
        await self.office.quiet()
        kept = {one.approval.id: one.revoked for one in await self.office.app.requests.standing.all()}
        found = {
            "freeze": bool(await frozen(self.office)),
            "other": (await self.office.request(self.theirs.request.id)).state == "withdrawn",
            "first": kept[self.standing[0]] is not None,
            "second": kept[self.standing[-1]] is not None,
            "denial": (await self.office.request(self.record.request.id)).state == "denied",
        }
        return {name for name, is_done in found.items() if is_done}


Known = tuple[RequestRecord, RequestRecord, tuple[str, ...]]


@pytest.fixture(scope="module")
def moment(tmp_path_factory: pytest.TempPathFactory) -> Moment[Known]:
    return Moment(tmp_path_factory.mktemp("moment") / "data")


@pytest.fixture
async def orders(redis: str, tmp_path: Path, hallway: Hallway, moment: Moment[Known]) -> AsyncIterator[Orders]:
    toml = ALLOWED.replace('to = ["person:dan"]', 'to = ["person:dan", "person:bo"]')

    def opens() -> AbstractAsyncContextManager[World]:
        return a_world(redis, tmp_path / "data", toml, beside=(hallway,), reach=("slack", "email"))

    async def happens(office: World) -> Known:
        first = await granted(office, await done_once(office, "press horn"))
        again = await asked_again(office, await done_once(office, "press gong"))
        await office.decide("bo", again, "approve")
        await office.has(again.request.run_id, "done")
        found = [one.approval.id for one in await office.app.requests.standing.all()]
        standing = (first.approval.id, *(one for one in found if one != first.approval.id))
        theirs = await office.opened(await office.trigger("press bell", person="bo"))
        hallway.cards.clear()
        return await asked(office, hallway, "press button"), theirs, standing

    async with moment.office(redis, tmp_path / "data", hallway, opens, happens) as (office, (record, theirs, standing)):
        yield Orders(office, hallway, record, theirs, standing)


@pytest.mark.parametrize("way", ["the thread", "the window", "the window, read as a mail is"])
@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("freeze everything: incident 4711\nstop OTHER", {"freeze", "other"}),
        ("stop OTHER, the wrong tag\nfreeze everything", {"freeze", "other"}),
        ("revoke FIRST\nfreeze everything", {"freeze", "first"}),
        ("stop OTHER\nrevoke FIRST\nWe are in an incident.", {"other", "first"}),
        ("revoke FIRST\nrevoke SECOND", {"first", "second"}),
        ("revoke FIRST and SECOND", {"first", "second"}),
        ("do not deploy this\nrevoke FIRST", {"denial", "first"}),
        ("revoke FIRST\nstop", {"denial", "first"}),
        ("do not deploy this\nfreeze everything", {"denial", "freeze"}),
        ("freeze everything: incident\nDo not deploy this!", {"denial", "freeze"}),
        ("stop OTHER and revoke FIRST", {"other", "first"}),
        ("stop OTHER and freeze everything", {"other", "freeze"}),
        ("revoke FIRST and freeze everything", {"first", "freeze"}),
        ("freeze everything and stop OTHER", {"freeze", "other"}),
        ("deny and revoke FIRST and freeze everything", {"denial", "first", "freeze"}),
        ("deny. @Cy\u00a0Cole freeze everything", {"denial", "freeze"}),
        ("@Cy\u00a0Cole deny and @ops freeze everything", {"denial", "freeze"}),
    ],
)
async def test_attack_an_order_is_lost_over_another_one_in_the_same_message(
    orders: Orders, way: str, text: str, done: set[str]
) -> None:
    await orders.write(way, text)

    assert await orders.done() == done


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("freeze everything: incident 4711\nstop OTHER", {"freeze", "other"}),
        ("stop OTHER\nrevoke FIRST", {"other", "first"}),
        ("freeze everything\nrevoke FIRST, SECOND", {"freeze", "first", "second"}),
        ("stop OTHER and revoke FIRST", {"other", "first"}),
        ("stop OTHER and freeze everything", {"other", "freeze"}),
        ("revoke FIRST and freeze everything", {"first", "freeze"}),
    ],
)
async def test_attack_an_order_of_a_new_message_is_lost_over_another_one(
    orders: Orders, text: str, done: set[str]
) -> None:
    await orders.write("a new message", text)

    assert await orders.done() == done


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("revoke FIRST", {"first"}),
        ("freeze everything\nrevoke FIRST", {"freeze", "first"}),
        ("stop OTHER\nfreeze everything", {"freeze", "other"}),
        ("@Cy\u00a0Cole do not deploy this\nrevoke FIRST", {"denial", "first"}),
        ("standing", set[str]()),
        ("unfreeze everything: fixed", set[str]()),
    ],
)
async def test_attack_an_order_that_somebody_makes_of_their_own_message_is_lost(
    orders: Orders, text: str, done: set[str]
) -> None:
    await orders.write("an edit", text)

    assert await orders.done() == done


@pytest.mark.parametrize(
    ("way", "text"),
    [
        ("the thread", "do not deploy this\nfreeze everything"),
        ("the thread", "No, not today.\n\nfreeze everything"),
        ("the window", "do not deploy this\nfreeze everything"),
        ("the window, read as a mail is", "No, not today.\n\nfreeze everything"),
    ],
)
async def test_attack_whoever_refuses_beside_a_freeze_is_told_that_this_did_nothing(
    orders: Orders, way: str, text: str
) -> None:
    await orders.write(way, text)

    assert await orders.done() == {"denial", "freeze"}
    assert orders.hallway.to("bo", "Frozen since")
    assert orders.hallway.to("bo", "did nothing") == []


@pytest.mark.parametrize("way", ["the thread", "the window, read as a mail is"])
async def test_attack_whoever_refuses_above_a_freeze_that_is_none_is_told_that_the_refusal_went_to_nobody(
    orders: Orders, way: str
) -> None:
    await orders.write(way, "No, not today.\nAnn has to do this first:\nfreeze everything")

    assert await orders.done() == {"denial"}
    await until(
        lambda: orders.hallway.to("bo", "write only this line: freeze everything"), what="Bo reads how to freeze"
    )
    assert orders.hallway.to("bo", "not passed on") == []


@pytest.mark.parametrize("way", ["the thread", "the window"])
@pytest.mark.parametrize(
    "text", ["approve and freeze everything", "yes\nfreeze everything", "Checkout is down! Freeze everything!"]
)
async def test_attack_a_freeze_is_lost_over_a_yes_or_the_emergency_that_it_is_for(
    orders: Orders, way: str, text: str
) -> None:
    await orders.write(way, text)

    assert await orders.done() == {"freeze"}
    assert (await orders.office.request(orders.record.request.id)).state == "open"


@pytest.mark.parametrize("way", ["the thread", "the window", "a new message"])
@pytest.mark.parametrize("text", ["Ann has left the company\nfreeze everything", "Do this first:\nfreeze everything"])
async def test_attack_whoever_freezes_below_other_words_is_not_told_how(orders: Orders, way: str, text: str) -> None:
    await orders.write(way, text)

    assert await orders.done() == set()
    await until(
        lambda: orders.hallway.to("bo", "Write only that line: freeze everything"), what="Bo reads how to freeze"
    )


async def test_attack_a_freeze_behind_the_reason_of_a_revocation_is_lost_silently(orders: Orders) -> None:
    await orders.write("the thread", "Ann left the company. Please revoke FIRST and freeze everything")

    assert await orders.done() == {"first"}
    await until(
        lambda: orders.hallway.to("bo", "Write only that line: freeze everything"), what="Bo reads how to freeze"
    )


@pytest.mark.parametrize("way", ["the thread", "the window", "a new message"])
async def test_attack_a_condition_before_a_revocation_revokes_at_once(orders: Orders, way: str) -> None:
    await orders.write(way, "Checkout is slow. If it goes down, revoke FIRST")

    assert await orders.done() == set()
    told = f"write only: revoke {orders.standing[0]}"
    await until(lambda: orders.hallway.to("bo", told), what="Bo reads how to revoke it")


@pytest.mark.parametrize("way", ["the thread", "a new message"])
@pytest.mark.parametrize(
    "text", ["revoke FIRST wrong person", "Bitte FIRST zurückziehen", "kannst du FIRST widerrufen?"]
)
async def test_attack_whoever_means_to_revoke_in_words_that_are_no_order_is_not_told_so(
    orders: Orders, way: str, text: str
) -> None:
    await orders.write(way, text)

    assert await orders.done() == set()
    told = f"write only: revoke {orders.standing[0]}"
    await until(lambda: orders.hallway.to("bo", told), what="Bo reads how to revoke it")


async def test_attack_whoever_means_to_revoke_in_an_answer_to_a_card_is_not_told_how(orders: Orders) -> None:
    token = await token_of(orders.hallway, "bo")
    words = orders.words("revoke FIRST wrong person")
    said = Reply(person="bo", token=token, said="free_text", text=words, is_typed=True)

    await orders.office.app.messages.inbox.accept(orders.hallway.item(said))

    told = f"write only: revoke {orders.standing[0]}"
    await until(lambda: orders.hallway.to("bo", told), what="Bo reads how to revoke it")
    await until(lambda: orders.hallway.to("bo", "not counted as a decision"), what="Bo is asked again")


@pytest.mark.parametrize("is_addressed", [True, False])
async def test_attack_a_remark_that_names_a_standing_approval_is_kept_from_those_who_decide(
    orders: Orders, is_addressed: bool
) -> None:
    words = orders.words("FIRST is for staging only")

    await write(orders.office, orders.hallway, "anna", words, is_addressed=is_addressed)

    record = await orders.office.request(orders.record.request.id)
    assert [one.text for one in record.request.remarks] == [words]
    told = f"write only: revoke {orders.standing[0]}"
    await until(lambda: orders.hallway.to("anna", told), what="Anna reads how to revoke it")


async def test_attack_a_refusal_that_names_a_standing_approval_is_lost(orders: Orders) -> None:
    await orders.write("the thread", "do not deploy this, FIRST covers it")

    assert await orders.done() == {"denial"}


@pytest.mark.parametrize("way", ["the thread", "the window", "a new message"])
@pytest.mark.parametrize(
    "text",
    [
        "please revoke FIRST, thanks",
        "revoke FIRST: not as SECOND",
        "Bitte widerrufe FIRST!",
        "Incident! revoke FIRST",
        "Ann left. Please revoke FIRST",
        "FIRST: revoke",
        "Dauergenehmigung FIRST bitte beenden",
    ],
)
async def test_attack_a_revocation_in_other_words_is_lost(orders: Orders, way: str, text: str) -> None:
    await orders.write(way, text)

    assert await orders.done() == {"first"}


async def test_attack_who_refuses_in_a_message_that_answers_nothing_reads_of_the_revocation_alone(
    orders: Orders,
) -> None:
    await orders.write("a new message", "do not deploy this\nrevoke FIRST")

    assert await orders.done() == {"first"}
    await until(lambda: orders.hallway.to("bo", "nothing was stopped"), what="Bo reads how to stop it")


@pytest.mark.parametrize("way", ["the thread", "the window"])
@pytest.mark.parametrize("text", ["approve, stop OTHER", "approve\nrevoke FIRST", "approve and freeze everything"])
async def test_attack_who_approves_beside_a_stop_is_not_told_that_it_did_not_count(
    orders: Orders, way: str, text: str
) -> None:
    await orders.write(way, text)

    assert await orders.done() == {"other" if "OTHER" in text else "first" if "FIRST" in text else "freeze"}
    assert (await orders.office.request(orders.record.request.id)).state == "open"
    told = "Typed words do not approve this" if way == "the thread" else "This was not counted as a decision"
    await until(lambda: orders.hallway.to("bo", told), what="Bo reads that it did not count")


@pytest.mark.parametrize("way", ["the thread", "the window", "a new message"])
@pytest.mark.parametrize("text", ["Bitte production freezen, nichts geht.", "We need a freeze on production"])
async def test_attack_whoever_means_to_freeze_in_words_that_are_no_order_is_not_told_how(
    orders: Orders, way: str, text: str
) -> None:
    await orders.write(way, text)

    assert await orders.done() == set()
    told = "Write freeze and one of these: everything"
    await until(lambda: orders.hallway.to("bo", told), what="Bo reads how to freeze")
    await orders.office.quiet()
    assert len(orders.hallway.to("bo", told)) == 1


@pytest.mark.parametrize("way", ["the thread", "the window", "a new message"])
@pytest.mark.parametrize(
    "text",
    [
        "hold all deploys",
        "No deploys until further notice, please.",
        "stop everything",
        "Bitte sofort alle Deploys anhalten",
        "Deployment-Freeze bis morgen",
        "Bitte production einfrieren, nichts geht.",
        "production einfrieren bis morgen früh, seit heute Nacht schlagen bei uns fast alle Zahlungen fehl",
    ],
)
async def test_attack_whoever_wants_all_deploys_held_in_the_words_of_an_incident_is_not_told_how_to_freeze(
    orders: Orders, way: str, text: str
) -> None:
    await orders.write(way, text)

    assert await orders.done() <= {"denial"}
    await until(lambda: orders.hallway.to("bo", UNREAD), what="Bo reads how to freeze")
    await orders.office.quiet()
    assert len(orders.hallway.to("bo", UNREAD)) == 1


@pytest.mark.parametrize("text", ["is the freeze over?", "can we freeze production?"])
async def test_who_asks_colleagues_about_a_freeze_is_told_nothing(orders: Orders, text: str) -> None:
    await write(orders.office, orders.hallway, "bo", text)

    await orders.office.quiet()
    assert orders.hallway.to("bo", UNREAD) == []


@pytest.mark.parametrize("way", ["the thread", "the window", "a new message"])
@pytest.mark.parametrize(
    "text",
    [
        "why is there a freeze",
        "is production still under a freeze",
        "The freeze is over, thanks!",
        "No, we are in a code freeze.",
        "deploy it after the freeze please",
        "bitte nicht einfrieren",
    ],
)
async def test_attack_whoever_speaks_of_a_freeze_reads_that_nothing_is_frozen(
    orders: Orders, way: str, text: str
) -> None:
    await orders.write(way, text)

    await orders.office.quiet()
    assert orders.hallway.to("bo", UNREAD) == []
    assert orders.hallway.to("bo", "Nothing was frozen") == []


async def test_attack_whoever_answers_a_question_with_the_word_freeze_is_told_how_to_freeze(
    redis: str, tmp_path: Path, hallway: Hallway
) -> None:
    async with a_world(redis, tmp_path / "data", OPERATOR, beside=(hallway,), reach=("slack", "email")) as office:
        inbox = office.app.messages.inbox
        run_id = RunId(
            office.app.runs.starter.run_id(
                await inbox.accept(hallway.begins("cy", "ask free_text What do I announce?", THREAD))
            )
        )
        question = await office.opened(run_id)

        await inbox.accept(hallway.follows("cy", "Code freeze, from Monday on", THREAD, is_addressed=True))
        await office.ended(run_id)
        await office.quiet()

        assert (await office.request(question.request.id)).state == "answered"
        assert hallway.to("cy", UNREAD) == []


@pytest.mark.parametrize("way", ["the thread", "the window", "a new message"])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hi,\n\ncan you please revoke FIRST? It is for the old repo.\n\nBest\nBo", "write only: revoke FIRST"),
        ("revoke my standing approval", "Write only: standing"),
        ("Alle Dauergenehmigungen widerrufen, Ann ist nicht mehr im Team.", "Write only: standing"),
    ],
)
async def test_attack_whoever_means_to_revoke_in_a_polite_question_or_without_an_id_is_not_told_how(
    orders: Orders, way: str, text: str, told: str
) -> None:
    await orders.write(way, text)

    assert await orders.done() == set()
    await until(lambda: orders.hallway.to("bo", orders.words(told)), what="Bo reads how to revoke it")


@pytest.mark.parametrize(
    ("way", "text"),
    [
        ("the thread", "Is the migration in this build?\nstop OTHER"),
        ("the window", "delegate: cy@corp.example\nrevoke FIRST"),
        ("the window, read as a mail is", "break glass: checkout is down\nstop OTHER"),
        ("a new message", "stop OTHER\ndeploy v1.3.0 to production"),
        ("a new message", "away until 2026-12-01: cy@corp.example\nrevoke FIRST"),
        ("a new message", "stop OTHER\nthen deploy v1.3.0 to production"),
        ("a new message", "revoke FIRST\nstanding 2 times until 2026-12-01"),
        ("the thread", "Please revoke FIRST\ndeploy v1.3.0 to production"),
        ("the window", "revoke FIRST\nbreak glass: checkout is down"),
    ],
)
async def test_attack_whoever_wants_more_beside_a_stop_or_a_revocation_waits_for_it_in_vain(
    orders: Orders, way: str, text: str
) -> None:
    await orders.write(way, text)

    assert await orders.done() == {"other" if "OTHER" in text else "first"}
    await until(lambda: orders.hallway.to("bo", REST), what="Bo reads that the rest did nothing")


@pytest.mark.parametrize(
    ("way", "text"),
    [
        ("the thread", "Hi, please stop OTHER, it is the wrong tag\n\nThanks\nBo"),
        ("the window", "approve\nrevoke FIRST"),
        ("the thread", "revoke FIRST\nThe deploy to production is done."),
        ("a new message", "Ann left. Please revoke FIRST\nShe was the last who used it."),
    ],
)
async def test_a_reason_and_courtesy_beside_a_stop_or_a_revocation_are_no_more(
    orders: Orders, way: str, text: str
) -> None:
    await orders.write(way, text)

    assert await orders.done() == {"other" if "OTHER" in text else "first"}
    await orders.office.quiet()
    assert orders.hallway.to("bo", REST) == []


async def test_an_order_that_can_not_be_done_keeps_nobody_from_the_others(orders: Orders) -> None:
    await orders.write("the thread", "revoke s1g-aaaaaaaaaaaaa\nstop OTHER\nfreeze everything")

    assert await orders.done() == {"freeze", "other"}
    assert await orders.office.app.store.threads.run_of("slack", THREAD) == RunId(orders.record.request.run_id)
