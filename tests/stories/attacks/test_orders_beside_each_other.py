"""Several orders in one message, each of which only stops something: none of them is lost over another."""

from dataclasses import dataclass

import pytest

from agents.requests import RunId
from agents.requests.record import RequestRecord
from bot.store.indexes import run_of_thread
from channels import Reply, Trigger
from channels.email.reply import read_reply
from tests.fakes.hallway import Hallway
from tests.kit.long import few_of
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.web import serving
from tests.stories.attacks.test_stops_typed_anywhere import THREAD, asked, state, token_of, types, write
from tests.stories.people.standing import ALLOWED, done_once, granted
from tests.stories.people.standing import asked as asked_again
from tests.stories.test_typed_freezes import OPERATOR, TO, a_mail, frozen, unanswered

pytestmark = opens(
    ALLOWED.replace('to = ["person:dan"]', 'to = ["person:dan", "person:bo"]'),
    beside=("hallway",),
    reach=("slack", "email"),
)
ELSEWHERE = "C01OPS/1712346000.000100"
REST = "The rest of your message did nothing"
UNREAD = "Your message froze nothing"
ONLY_THAT = "Write only that line: freeze everything"
ALL = {"freeze", "other", "first", "second", "denial"}


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
        named = {
            "OWN": self.record.request.id,
            "OTHER": self.theirs.request.run_id,
            "FIRST": self.standing[0],
            "SECOND": self.standing[-1],
        }
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

    async def hears(self, way: str, text: str, told: str) -> int:
        """How often Bo reads this in answer to what he writes."""
        before = len(self.hallway.to("bo", self.words(told)))
        await self.write(way, text)
        await self.office.quiet()
        return len(self.hallway.to("bo", self.words(told))) - before

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


@pytest.fixture
async def orders(world: World, hallway: Hallway) -> Orders:
    first = await granted(world, await done_once(world, "press horn"))
    again = await asked_again(world, await done_once(world, "press gong"))
    await world.decide("bo", again, "approve")
    await world.has(again.request.run_id, "done")
    found = [one.approval.id for one in await world.app.requests.standing.all()]
    standing = (first.approval.id, *(one for one in found if one != first.approval.id))
    theirs = await world.opened(await world.trigger("press bell", person="bo"))
    hallway.cards.clear()
    return Orders(world, hallway, await asked(world, hallway, "press button"), theirs, standing)


@pytest.mark.parametrize("way", few_of(["the thread", "the window", "the window, read as a mail is"], 0))
async def test_attack_an_order_is_lost_over_another_one_in_the_same_message(orders: Orders, way: str) -> None:
    await orders.write(way, "stop OTHER, the wrong tag\nrevoke FIRST")
    assert await orders.done() == {"other", "first"}

    await orders.write(way, "do not deploy this\nrevoke SECOND and freeze everything")

    assert await orders.done() == ALL
    assert orders.hallway.to("bo", "Frozen since")
    assert orders.hallway.to("bo", "did nothing") == []


BEHIND = (
    ("freeze everything: incident 4711. Deny this", {"freeze"}),
    ("freeze everything and stop this deploy", {"freeze"}),
    ("revoke FIRST; deny this", {"first"}),
    ("stop OTHER and deny this", {"other"}),
    ("freeze everything und lehne das ab", {"freeze"}),
    ("freeze everything: incident. stop OWN", {"freeze"}),
    ("revoke FIRST. stop OWN", {"first"}),
    ("stop OTHER, stop OWN and freeze everything", {"other", "freeze"}),
    ("standing 5 times until 2027-01-01\ndeny this", set[str]()),
    ("standing 5 times until 2027-01-01\nstop OWN", set[str]()),
    ("No, wrong version. Please stop OTHER too", {"other"}),
    ("no, and stop OTHER too", {"other"}),
    ("No, wrong version. Please revoke FIRST", {"first"}),
    ("stop both: OTHER and this", {"other"}),
    ("stop, OTHER too", {"other"}),
)


@pytest.mark.parametrize("way", few_of(["the thread", "the window", "the window, read as a mail is"], 0, 2))
@pytest.mark.parametrize(("text", "done"), few_of(BEHIND, 0, 2, 3, 5, 8, 10, 11, 12, 13, 14, rows=True))
async def test_attack_a_denial_behind_another_order_in_its_line_is_taken_for_the_reason_of_that(
    orders: Orders, way: str, text: str, done: set[str]
) -> None:
    await orders.write(way, text)

    assert await orders.done() == {*done, "denial"}


async def test_attack_an_order_of_a_new_message_is_lost_over_another_one(orders: Orders) -> None:
    await orders.write("a new message", "freeze everything: incident 4711\nstop OTHER")
    assert await orders.done() == {"freeze", "other"}

    assert await orders.hears("a new message", "do not deploy this\nrevoke FIRST, SECOND", REST) == 1
    assert orders.hallway.to("bo", "nothing was stopped") == []

    assert await orders.done() == ALL - {"denial"}, "it answers nothing"


async def test_attack_an_order_that_somebody_makes_of_their_own_message_is_lost(orders: Orders) -> None:
    for text, done in (
        ("standing", set[str]()),
        ("unfreeze everything: fixed", set[str]()),
        ("revoke FIRST", {"first"}),
        ("@Cy\u00a0Cole do not deploy this\nrevoke SECOND", {"first", "second", "denial"}),
        ("stop OTHER\nfreeze everything", ALL),
    ):
        await orders.write("an edit", text)
        assert await orders.done() == done, text


@pytest.mark.parametrize("way", few_of(["the thread", "the window"], 0))
async def test_attack_a_stop_is_lost_over_a_yes_and_who_approves_beside_it_is_not_told_that_it_did_not_count(
    orders: Orders, way: str
) -> None:
    told = "Typed words do not approve this" if way == "the thread" else "Your message was not counted as a decision"
    for text in ("approve, stop OTHER", "approve\nrevoke FIRST", "approve and freeze everything"):
        assert await orders.hears(way, text, told), text

    assert await orders.done() == {"other", "first", "freeze"}
    assert (await orders.office.request(orders.record.request.id)).state == "open"


TOLD_HOW = (
    ("Ann has left the company\nfreeze everything", ONLY_THAT),
    ("Checkout is slow. If it goes down, revoke FIRST", "write only: revoke FIRST"),
    ("Bitte FIRST zurückziehen", "write only: revoke FIRST"),
    ("Hi,\n\ncan you please revoke FIRST? It is for the old repo.\n\nBest\nBo", "write only: revoke FIRST"),
    ("revoke my standing approval", "Write only: standing"),
    ("We need a freeze on production", "Write freeze and one of these: everything"),
    ("hold all deploys", UNREAD),
    ("Deployment-Freeze bis morgen", UNREAD),
)
TALK = ("why is there a freeze", "The freeze is over, thanks!", "deploy it after the freeze please")


@pytest.mark.parametrize("way", few_of(["the thread", "the window", "a new message"], 0))
async def test_attack_whoever_means_to_freeze_or_to_revoke_in_words_that_are_no_order_is_not_told_how(
    orders: Orders, way: str
) -> None:
    for text in TALK:
        await orders.write(way, text)
    await write(orders.office, orders.hallway, "bo", "can we freeze production?")
    assert await orders.done() == set()
    assert [one for one in (UNREAD, "Nothing was frozen") if orders.hallway.to("bo", one)] == [], "it is only talk"

    for text, told in TOLD_HOW:
        times = await orders.hears(way, text, told)
        assert times == 1 or (times and told != UNREAD), text
    assert await orders.done() == set()
    assert way != "the window" or orders.hallway.to("bo", "not counted as a decision"), "Bo is asked again"


async def test_attack_a_freeze_behind_a_revocation_or_a_refusal_is_lost_silently(orders: Orders) -> None:
    text = "Ann left the company. Please revoke FIRST and freeze everything"
    assert await orders.hears("the thread", text, ONLY_THAT)
    assert await orders.done() == {"first"}
    orders.hallway.cards.clear()

    text = "No, not today.\nAnn has to do this first:\nfreeze everything"
    assert await orders.hears("the thread", text, "write only this line: freeze everything")

    assert await orders.done() == {"first", "denial"}
    assert orders.hallway.to("bo", "not passed on") == []


@pytest.mark.long
async def test_attack_words_that_name_a_standing_approval_are_kept_from_those_who_decide(orders: Orders) -> None:
    words = orders.words("FIRST is for staging only")

    await write(orders.office, orders.hallway, "anna", words, is_addressed=True)

    record = await orders.office.request(orders.record.request.id)
    assert [one.text for one in record.request.remarks] == [words]
    told = f"write only: revoke {orders.standing[0]}"
    await until(lambda: orders.hallway.to("anna", told), what="Anna reads how to revoke it")
    await orders.write("the thread", "do not deploy this, FIRST covers it")
    assert await orders.done() == {"denial"}


@pytest.mark.parametrize(
    "said",
    few_of(
        [
            (
                ("the thread", "Hi, please stop OTHER, it is the wrong tag\n\nThanks\nBo", 0),
                ("the thread", "revoke FIRST\nThe deploy to production is done.", 1),
                ("the thread", "Please revoke SECOND\ndeploy v1.3.0 to production", 1),
            ),
            (
                ("the window", "delegate: cy@corp.example\nrevoke FIRST", 1),
                ("the window", "revoke SECOND\nbreak glass: checkout is down", 1),
                ("the window, read as a mail is", "break glass: checkout is down\nstop OTHER", 1),
            ),
            (
                ("a new message", "Please revoke FIRST, she was the last who used it.", 0),
                ("a new message", "stop OTHER\nthen deploy v1.3.0 to production", 1),
                ("a new message", "revoke SECOND\nstanding 2 times until 2026-12-01", 1),
            ),
        ],
        0,
    ),
    ids=lambda said: said[0][0],
)
async def test_attack_whoever_wants_more_beside_a_stop_waits_for_it_in_vain_but_for_a_reason_in_its_sentence(
    orders: Orders, said: tuple[tuple[str, str, int], ...]
) -> None:
    for way, text, times in said:
        assert await orders.hears(way, text, REST) == times, text

    assert await orders.done() == {"other", "first", "second"}


async def test_attack_a_question_beside_a_stop_passes_for_its_reason_and_its_writer_waits_for_an_answer(
    orders: Orders,
) -> None:
    for text, times in (
        ("Which version is this? stop OTHER", 1),
        ("revoke FIRST\n\nHow long does this one take?", 1),
        ("Can you revoke SECOND?", 0),
        ("stop OTHER, and who is on call?", 1),
        ("because of the incident. stop OTHER", 1),
        ("No, wrong version, stop OTHER", 1),
        ("stop OTHER, deny this if it is red", 1),
    ):
        assert await orders.hears("the thread", text, REST) == times, text

    assert await orders.done() == {"other", "first", "second"}


@pytest.mark.parametrize("way", few_of(["the thread", "the window", "a new message"], 0, 1))
async def test_attack_an_order_behind_another_one_in_its_sentence_passes_for_the_reason_and_is_lost_silently(
    orders: Orders, way: str
) -> None:
    for text, times in (
        ("stop OTHER, then revoke FIRST", 1),
        ("stop OTHER (and revoke FIRST)", 1),
        ("stop OTHER, FIRST", 1),
        ("stop OTHER, delegate: cy@corp.example", 1),
        ("stoppe OTHER, widerrufe FIRST und friere alles ein", 1),
        ("revoke FIRST. approve", 1),
        ("revoke FIRST, deny", 1),
        ("revoke SECOND, it is no longer needed", 0),
    ):
        assert await orders.hears(way, text, REST) == times, text
    assert await orders.done() == {"other", "first", "second"}

    assert await orders.hears(way, "revoke FIRST, who is on call?\nfreeze everything", REST) == 1
    await orders.write(way, "stop OTHER, also deny this, and please freeze everything")
    assert await orders.done() == (ALL if way != "a new message" else ALL - {"denial"})


async def test_attack_what_is_to_be_done_only_if_a_stop_fails_is_done_with_it(orders: Orders) -> None:
    for text in ("stop OTHER; if it fails, revoke FIRST", "stop OTHER. If it fails, deny this"):
        assert await orders.hears("the thread", text, REST) == 1, text

    assert await orders.done() == {"other"}


@pytest.mark.parametrize("way", ["the thread", "the window"])
async def test_attack_what_stands_beside_a_freeze_and_a_denial_is_lost_and_its_writer_not_told(
    orders: Orders, way: str
) -> None:
    assert await orders.hears(way, "deny this\nfreeze everything\nwho is on call?", REST) == 1

    assert await orders.done() == {"freeze", "denial"}


async def test_attack_a_stop_or_a_revocation_that_a_denial_names_as_well_is_lost_as_its_reason_and_nobody_is_told(
    orders: Orders,
) -> None:
    said = read_reply(orders.words("deny, OTHER as well. Please also revoke FIRST"))
    reply = Reply(person="bo", token=await token_of(orders.hallway, "bo"), said=said.said, text=said.text)
    await orders.office.app.messages.inbox.handle(
        await orders.office.app.messages.inbox.accept(orders.hallway.item(reply))
    )

    assert await orders.done() == {"denial"}
    assert orders.hallway.to("bo", orders.words("Of OTHER, FIRST your message stops nothing"))
    assert await orders.hears("the thread", "No, and revoke FIRST too", "write only: revoke FIRST") == 1


async def answers(world: World, hallway: Hallway, way: str, person: str, words: str, *, thread: str) -> None:
    """Answer a question in its thread, or else in a window."""
    if way == "the thread":
        await write(world, hallway, person, words, thread=thread, is_addressed=True)
    else:
        said = Reply(person=person, token=await token_of(hallway, person), said="free_text", text=words, is_typed=True)
        await types(world, hallway, said)
    await world.quiet()


async def answered_on_a_page(world: World, person: str, record: RequestRecord, words: str) -> str:
    async with serving(world.app) as api:
        path = f"/v1/requests/{record.request.id}/answer"
        return (await (await api.client(person)).post(path, json={"text": words})).text


async def test_attack_whoever_stops_all_that_they_name_is_told_that_the_rest_of_their_message_did_nothing(
    world: World, hallway: Hallway
) -> None:
    signature = "\n\nBest regards,\nAnna Ames\nHead of Ops\nTel. +49 30 1234567"
    for way, said, times in (
        ("the thread", "please stop these:\n- FIRST\n- SECOND", 0),
        ("a new mail", "stop FIRST and SECOND\n\nAnna", 0),
        ("a new mail", f"Hi,\n\nplease stop FIRST and SECOND.{signature}", 0),
        ("an answer by mail", f"please stop these:\nFIRST\nSECOND{signature}", 0),
        ("a new mail", "stop FIRST and SECOND\n\nWhich version is this?", 1),
    ):
        named = [await asked(world, hallway, "press horn", thread=f"{one} {said}") for one in ("first", "second")]
        ids = (one.request.run_id for one in named)
        text, seen = said.replace("FIRST", next(ids)).replace("SECOND", next(ids)), len(world.mails("anna"))
        if way == "a new mail":
            await world.post("anna", TO, text, about="Wrong tag")
        elif way == "an answer by mail":
            question = await world.opened(await world.trigger("ask free_text Which version?"))
            await world.reply("anna", await world.next_mail("anna", about=question.request.id), text)
        else:
            await write(world, hallway, "anna", text, thread=f"first {said}", is_addressed=True)
        await world.quiet()

        assert [(await world.request(one.request.id)).state for one in named] == ["withdrawn"] * 2, said
        told = [*(mail.text for mail in world.mails("anna")[seen:]), *map(str, hallway.to("anna", REST))]
        assert sum(REST in one for one in told) == times, said


@opens(OPERATOR, beside=("hallway",), reach=("slack", "email"))
async def test_attack_an_answer_beside_a_stop_and_a_freeze_of_one_who_may_freeze_nothing_is_lost_and_nobody_told(
    world: World, hallway: Hallway
) -> None:
    for way, said in (
        ("the thread", "shop\nstop OTHER\nfreeze everything"),
        ("a window", "shop\nfreeze everything\nstop OTHER"),
    ):
        other = await asked(world, hallway, thread=f"other {way}")
        question = await asked(world, hallway, "ask choice Which? | shop, search", thread=way)
        text, before = said.replace("OTHER", other.request.run_id), len(hallway.to("anna", REST))
        await answers(world, hallway, way, "anna", text, thread=way)

        assert (await world.request(other.request.id)).state == "withdrawn", way
        assert (await world.request(question.request.id)).state == "open", way
        assert len(hallway.to("anna", REST)) == before + 1, way


@opens(OPERATOR, beside=("hallway",), reach=("slack", "email"))
async def test_attack_whoever_answers_a_question_with_the_word_freeze_is_told_how_to_freeze(
    world: World, hallway: Hallway
) -> None:
    inbox = world.app.messages.inbox
    begins = hallway.begins("cy", "ask free_text What do I announce?", THREAD)
    run_id = RunId(world.app.runs.starter.run_id(await inbox.accept(begins)))
    question = await world.opened(run_id)

    await inbox.accept(hallway.follows("cy", "Code freeze, from Monday on", THREAD, is_addressed=True))
    await world.ended(run_id)
    await world.quiet()

    assert (await world.request(question.request.id)).state == "answered"
    assert hallway.to("cy", UNREAD) == []


@opens(OPERATOR, beside=("hallway",), reach=("slack", "email"))
async def test_attack_a_freeze_or_a_revocation_among_the_words_of_an_answer_is_lost_and_its_writer_not_told(
    world: World, hallway: Hallway
) -> None:
    inbox = world.app.messages.inbox
    for way, words, told in (
        ("the thread", "v2, freeze everything", UNREAD),
        ("a window", "use v2 and freeze everything", UNREAD),
        ("the thread", "revoke s1g-aaaaaaaaaaaaa and use v2", "Nothing was revoked"),
        ("a window", "revoke s1g-bbbbbbbbbbbbb and use v2", "Nothing was revoked"),
        ("the page", "v2, freeze everything", "Your words froze nothing"),
    ):
        hallway.cards.clear()
        begins = hallway.begins("cy", "ask free_text Which version?", f"{way} {words}")
        record = await world.opened(RunId(world.app.runs.starter.run_id(await inbox.accept(begins))))
        before = len(hallway.to("cy", told))
        if way == "the page":
            assert told in await answered_on_a_page(world, "cy", record, words)
            continue
        await answers(world, hallway, way, "cy", words, thread=f"{way} {words}")

        assert (await world.request(record.request.id)).state == "answered", words
        assert len(hallway.to("cy", told)) == before + 1, words


@opens(OPERATOR, beside=("hallway",), reach=("slack", "email"))
async def test_attack_a_line_that_would_freeze_is_passed_on_in_an_answer_and_its_writer_takes_it_for_done(
    world: World, hallway: Hallway
) -> None:
    for way in ("the thread", "a window"):
        inbox, text = world.app.messages.inbox, "use v2\nfreeze everything"
        hallway.cards.clear()
        begins = hallway.begins("cy", "ask free_text Which version?", way)
        question = await world.opened(RunId(world.app.runs.starter.run_id(await inbox.accept(begins))))

        if way == "the thread":
            await write(world, hallway, "cy", text, thread=way, is_addressed=True)
        else:
            token = await token_of(hallway, "cy")
            await types(world, hallway, Reply(person="cy", token=token, said="free_text", text=text, is_typed=True))

        await until(lambda: hallway.to("cy", ONLY_THAT), what="cy reads how to freeze")
        assert (await world.request(question.request.id)).state == "open", way


async def test_an_order_that_can_not_be_done_keeps_nobody_from_the_others(orders: Orders) -> None:
    await orders.write("the thread", "revoke s1g-aaaaaaaaaaaaa\nstop OTHER\nfreeze everything")

    assert await orders.done() == {"freeze", "other"}
    assert await run_of_thread(orders.office.app.store, "slack", THREAD) == RunId(orders.record.request.run_id)


@pytest.mark.parametrize("way", ["the thread", "the window", "a new message"])
async def test_attack_of_orders_that_can_not_be_done_only_one_is_told(orders: Orders, way: str) -> None:
    none = ("s1r-aaaaaaaaaaaaa", "s1r-bbbbbbbbbbbbb", "s1g-aaaaaaaaaaaaa", "s1g-bbbbbbbbbbbbb")
    await orders.write(way, f"stop {none[0]} and {none[1]}\nrevoke {none[2]}, {none[3]}")
    await orders.office.quiet()

    assert await orders.done() == set()
    for one in none:
        assert orders.hallway.to("bo", one), one


async def test_attack_a_revocation_in_the_window_about_the_message_of_somebody_else_is_a_wish(orders: Orders) -> None:
    before = await orders.office.app.store.lists.runs()
    text = orders.words("revoke FIRST\n\nAbout this message:\n> still in use?")
    said = Trigger(person="bo", text=text, thread=ELSEWHERE, others=("cy",), quotes=True)

    inbox = orders.office.app.messages.inbox
    await inbox.handle(await inbox.accept(orders.hallway.item(said)))
    await orders.office.quiet()

    assert await orders.office.app.store.lists.runs() == before
    assert orders.hallway.to("bo", orders.words("write only: revoke FIRST"))


async def test_attack_an_answer_to_a_question_beside_the_stop_of_another_run_is_lost_and_nobody_told(
    world: World, hallway: Hallway
) -> None:
    for way in ("the thread", "a window"):
        for wish, text in (
            ("ask choice Which one? | shop, search", "shop, stop OTHER"),
            ("ask yes_no Shall I?", "no, stop OTHER"),
            ("ask yes_no Shall I?", "yes\nstop OTHER"),
            ("ask free_text Which version?", "v2, stop OTHER"),
            ("ask free_text Which version?", "stop OTHER\nUse v2"),
        ):
            thread = f"{way} {text}"
            other = await asked(world, hallway, thread=f"other {thread}")
            record = await asked(world, hallway, wish, thread=thread)
            words = text.replace("OTHER", other.request.run_id)

            if way == "the thread":
                await write(world, hallway, "anna", words, thread=thread, is_addressed=True)
            else:
                token = await token_of(hallway, "anna")
                await types(
                    world, hallway, Reply(person="anna", token=token, said="free_text", text=words, is_typed=True)
                )
            await until(lambda: hallway.to("anna", REST), what="she reads that she has to say it again")

            assert (await world.request(other.request.id)).state == "withdrawn", thread
            assert (await world.request(record.request.id)).state == "open", thread


async def test_attack_a_no_beside_the_stop_of_another_run_that_answers_no_question_is_lost_and_nobody_told(
    world: World, hallway: Hallway
) -> None:
    other = await asked(world, hallway, thread="other")
    record = await asked(world, hallway, "ask choice Which one? | shop, search")
    text, token = f"No. stop {other.request.run_id}", await token_of(hallway, "anna")

    await types(world, hallway, Reply(person="anna", token=token, said="free_text", text=text, is_typed=True))
    await until(lambda: hallway.to("anna", REST), what="she reads that it did not count")

    assert await state(world, other) == ("withdrawn", [])
    assert (await world.request(record.request.id)).state == "open"


async def test_attack_what_begins_as_the_stop_of_another_run_and_goes_on_stops_nothing_and_nobody_is_told(
    world: World, hallway: Hallway
) -> None:
    other = await asked(world, hallway, "press horn", thread="other")
    left = f"Of {other.request.run_id} your message stops nothing"
    for way, wish, words in (
        ("a window", "ask free_text Which version?", "stop OTHER and use v2"),
        ("the thread", "ask free_text Which version?", "stopp OTHER und nimm v2"),
        ("the thread", "press bell", "stop OTHER instead of this"),
        ("the page", "ask free_text Which version?", "stop OTHER today"),
        ("the page", "ask free_text Which version?", "a) stop OTHER b) use v2"),
        ("a window", "ask free_text Which version?", "a) stop OTHER\nb) use v2"),
    ):
        record = await asked(world, hallway, wish, thread=f"{way} {words}")
        text, before = words.replace("OTHER", other.request.run_id), len(hallway.to("anna", left))
        if way == "the page":
            async with serving(world.app) as api:
                path = f"/v1/requests/{record.request.id}/answer"
                assert left in (await (await api.client("anna")).post(path, json={"text": text})).text
            continue
        if way == "the thread":
            await write(world, hallway, "anna", text, thread=f"{way} {words}", is_addressed=True)
        else:
            token = await token_of(hallway, "anna")
            await types(world, hallway, Reply(person="anna", token=token, said="free_text", text=text, is_typed=True))
        await world.quiet()

        assert len(hallway.to("anna", left)) == before + 1, words


async def test_attack_a_stop_among_the_words_of_an_answer_is_lost_and_its_writer_not_told(
    world: World, hallway: Hallway
) -> None:
    told = "If it is to stop, write the one word stop"
    for way, words in (
        ("the thread", "We no longer need it. Stop the run."),
        ("a window", "none, stop it"),
        ("the page", "none, stop it"),
    ):
        record = await asked(world, hallway, "ask free_text Which version?\npress bell", thread=f"{way} {words}")
        before = len(hallway.to("anna", told))
        if way == "the page":
            assert told in await answered_on_a_page(world, "anna", record, words)
            continue
        await answers(world, hallway, way, "anna", words, thread=f"{way} {words}")

        assert (await world.request(record.request.id)).state == "answered", words
        assert len(hallway.to("anna", told)) == before + 1, words
        assert hallway.to("anna", "Not passed on") == [], words


@opens(OPERATOR)
async def test_attack_an_order_of_a_new_mail_is_lost_behind_a_slash_or_in_a_list_and_its_writer_not_told(
    world: World,
) -> None:
    record = await world.opened(await world.trigger("press bell"))
    run_id, given_out = record.request.run_id, "s1g-aaaaaaaaaaaaa"
    runs = await world.app.store.lists.runs()
    for text, told in (
        (f"freeze everything / stop {run_id}", f"Of {run_id} your message stops nothing"),
        (f"freeze everything / revoke {given_out}", REST),
        (f"stop {run_id} / revoke {given_out}", f"Of {run_id} your message stops nothing"),
        (f"a) stop {run_id}\nb) stop s1r-aaaaaaaaaaaaa", "starts nothing"),
        (f"I do not want this / stop {run_id}", "starts nothing"),
    ):
        seen = len(world.mails("cy"))
        await unanswered(world, a_mail(world, "cy", text, subject="Wrong tag"))
        heard = " ".join(" ".join(mail.text.split()) for mail in world.mails("cy")[seen:])
        assert told in heard, text

    assert await world.app.store.lists.runs() == runs
    assert (await world.request(record.request.id)).state == "open"
