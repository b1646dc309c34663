"""Requesters, and people who steer, do not approve, and requesters can take it back where they asked."""

import asyncio
from dataclasses import dataclass, replace
from functools import partial

import pytest

from agents import (
    Agent,
    Arguments,
    CallTool,
    Done,
    Effect,
    Outcome,
    Pending,
    RequestHumanInput,
    Run,
    Step,
    Tool,
    ToolContext,
)
from agents.events import PersonSaid, RequestRevised
from agents.requests import PersonId, Risk, RunId, bound_to
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from agents.review import reviewed_of
from agents.run import GO_ON, IT_DID_NOT
from bot.policy.answers import Statement
from bot.policy.edits import Edited, EditRefused
from bot.policy.judgements import (
    AlreadyDecided,
    Counted,
    Decided,
    Delegated,
    Judgement,
    NotEntitled,
    OutOfDate,
    Revoked,
    TooLate,
)
from bot.store.ids import review_of
from bot.testing import Fails, Sayso, Scripted
from language import say
from tests.fakes.hallway import Hallway
from tests.kit.long import few_of
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World, a_sayso

pytestmark = opens(beside=("hallway",), reach=("slack", "email"))

PAIR = {"desk": ["bo", "cy"]}
THREAD = "C01OPS/1712345678.000100"


class Ring(Arguments):
    bell: str


def bells(rung: list[str], editable: tuple[str, ...] = ()) -> Agent:
    """Rings bells, each with an approval."""

    async def ring(args: Ring, _: Effect, hands: ToolContext) -> Outcome:
        rung.append(args.bell)
        return Outcome(f"{args.bell} rang")

    tool = Tool(
        name="ring", description="Ring a bell", args=Ring, execute=ring, gate=lambda _: "desk", idempotent=True,
        editable=editable,
    )  # fmt: skip
    return Agent(name="bell", description="rings", tools=(tool,), fallback=lambda _: Done(summary=""), prompt="deploy")


def ring(bell: str) -> CallTool:
    return CallTool(tool="ring", arguments={"bell": bell})


async def denied_by_bo(s: Sayso, why: str = "") -> tuple[RunId, RequestRecord]:
    """A run whose first request Bo denied, and what it asks after that."""
    run = await s.trigger("ring v1")
    first = await s.opened(run)
    await s.deny("bo", run, why)
    return run, await s.opened(run, after=first.request.id)


OWN = {"desk": {"approvers": ["person:bo", "person:cy"], "stand_ins": ["person:dan"], "editor_may_approve": True}}
WISH = "take v9 instead"


@dataclass(frozen=True)
class Denial:
    """What Bo wrote as he denied v1, what is asked then, who changes it to v9, and whose approval counts of it."""

    wrote: str
    then: str
    changes: str | None
    not_by: str | None
    by: str
    hands_on: bool = False


DENIALS = (
    Denial(WISH, "v9", None, "bo", "cy"),
    Denial(WISH, "v1", "anna", "bo", "cy"),
    Denial(WISH, "v1", "cy", "bo", "cy"),
    Denial(WISH, "v1", "bo", None, "bo"),
    Denial(WISH, "v1", "anna", "dan", "cy", hands_on=True),
    Denial("not now", "v1", None, None, "dan", hands_on=True),
    Denial("", "v9", None, None, "bo"),
)


async def test_attack_whoever_denied_with_a_wish_or_has_their_seat_approves_that_wish() -> None:
    rung: list[str] = []
    model = Scripted(*(step for one in DENIALS for step in (ring("v1"), ring(one.then), Done(summary="done"))))
    async with a_sayso(agents=[bells(rung, editable=("bell",))], policies=OWN, model=model) as s:
        for one in DENIALS:
            run, second = await denied_by_bo(s, one.wrote)
            if one.hands_on:
                assert isinstance(await s.delegate("bo", second, "dan"), Delegated), one
            if one.changes:
                changed = await s.edit(one.changes, await s.request(second.request.id), bell="v9")
                assert isinstance(changed, Edited), one

            stands = await s.request(second.request.id)
            if one.not_by:
                assert isinstance(await s.decide(one.not_by, stands, "approve"), NotEntitled), one
            if one.not_by == "bo":
                assert stands.request.parts[PersonId("bo")] == "objected"
            assert isinstance(await s.decide(one.by, stands, "approve"), Decided), one
            await s.ended(run)
            assert rung[-1] == ("v9" if one.changes else one.then)
        assert WISH in model.asked[1].text
        await s.next_mail("cy", "Bo Berg, who denied with a reason or changed something else")


@pytest.mark.parametrize("editor", ["anna", "cy"])
async def test_attack_whoever_wished_for_what_stands_by_the_card_before_denies_it_and_approves_it(editor: str) -> None:
    model = Scripted(ring("v1"), ring("v9"), Done(summary="done"))
    async with a_sayso(agents=[bells([], editable=("bell",))], policies=OWN, model=model) as s:
        run = await s.trigger("ring v1")
        first = await s.opened(run)
        assert isinstance(await s.edit(editor, first, bell="v9"), Edited)
        assert isinstance(await s.decide("bo", first, "deny", WISH), Decided)

        wished = await s.opened(run, after=first.request.id)

        assert WISH in model.asked[-1].text
        assert isinstance(await s.decide("bo", wished, "approve"), NotEntitled)
        assert isinstance(await s.decide("cy", wished, "approve"), Decided)
        await s.ended(run)


async def test_whoever_denied_a_call_for_its_risk_decides_it_once_that_is_gone() -> None:
    risks = [Risk(kind="CI", words="CI running")]

    async def prepare(args: Ring) -> Effect:
        return Effect(argv=("ring", args.bell), risks=tuple(risks))

    bell = bells([])
    agent = replace(bell, tools=(replace(bell.tools[0], prepare=prepare),))
    model = Scripted(ring("v1"), ring("v1"), Done(summary="done"))
    async with a_sayso(agents=[agent], policies={"desk": ["bo"]}, model=model) as s:
        run = await s.trigger("ring v1")
        first = await s.opened(run)
        risks.clear()
        await s.deny("bo", run, "wait for the tests")

        second = await s.opened(run, after=first.request.id)

        assert isinstance(await s.decide("bo", second, "approve"), Decided)
        await s.ended(run)


async def test_whoever_may_approve_their_own_edit_hands_it_on_to_somebody_who_then_may() -> None:
    model = Scripted(ring("v1"), ring("v1"), Done(summary="done"))
    async with a_sayso(agents=[bells([], editable=("bell",))], policies=OWN, model=model) as s:
        run, second = await denied_by_bo(s, WISH)
        assert isinstance(await s.edit("bo", second, bell="v9"), Edited)
        changed = await s.request(second.request.id)

        assert isinstance(await s.delegate("bo", changed, "dan"), Delegated)

        assert isinstance(await s.decide("dan", changed, "approve"), Decided)
        await s.ended(run)


async def test_a_change_that_nobody_could_approve_is_refused_and_what_nobody_could_is_not_asked() -> None:
    model = Scripted(ring("v1"), ring("v1"), ring("v1"), ring("v9"))
    async with a_sayso(agents=[bells([])], policies={"desk": ["bo"]}, model=model) as s:
        _, second = await denied_by_bo(s, WISH)

        refused = await s.edit("anna", await s.request(second.request.id), bell="v9")

        assert isinstance(refused, EditRefused)
        assert "too few would be left" in refused.why
        assert (await s.request(second.request.id)).request.revision == 1
        run = await s.trigger("ring v1")
        await s.deny("bo", run, WISH)
        await s.ended(run)
        assert "bo denied with a reason or changed something else" in (await s.run(run)).results[-1].text


async def test_attack_whoever_wrote_a_wish_into_a_call_or_took_one_back_with_it_approves_what_follows() -> None:
    model = Scripted(ring("v1"), ring("v9"), Done(summary="done"), ring("v1"), ring("v1"), ring("v2"), ring("v1"))
    async with a_sayso(agents=[bells([], editable=("bell",))], policies=PAIR, model=model) as s:
        run = await s.trigger("ring v1")
        first = await s.opened(run)
        await s.edit("bo", first, bell="No. Ring v9 instead")
        await s.decide("bo", await s.request(first.request.id), "deny")
        second = await s.opened(run, after=first.request.id)
        assert "Ring v9 instead" in model.asked[-1].text
        assert isinstance(await s.decide("bo", second, "approve"), NotEntitled)
        assert isinstance(await s.decide("cy", second, "approve"), Decided)
        await s.ended(run)

        run, second = await denied_by_bo(s, "not before noon")
        mail = await s.next_mail("cy", "The same was denied before")
        said = "Changed since the last card: The same was denied before, by Bo Berg. Reason: “not before noon”."
        assert said in " ".join(mail.text.split())
        await s.decide("cy", second, "deny")
        third = await s.opened(run, after=second.request.id)
        assert third.request.changed == (), "nobody has denied that"
        await s.steer(run, "pause")
        await s.approve("cy", run)
        assert isinstance(await s.revoke("bo", run, "v1, I say"), Revoked)
        await s.steer(run, "resume")
        fourth = await s.opened(run, after=third.request.id)
        assert "v1, I say" in model.asked[-1].text
        assert isinstance(await s.decide("bo", fourth, "approve"), NotEntitled)


async def test_attack_what_whoever_asked_withdrew_is_asked_again_and_the_card_says_who_withdrew_it() -> None:
    model = Scripted(ring("v1"), ring("v1"), Done(summary="done"))
    async with a_sayso(agents=[bells([])], policies=PAIR, model=model) as s:
        run = await s.trigger("ring v1")
        first = await s.opened(run)
        await s.steering.withdraw(first.request.id, PersonId("anna"), "the customer called", as_by("cli"))

        await s.opened(run, after=first.request.id)

        mail = await s.next_mail("cy", "The same was withdrawn before")
        said = "The same was withdrawn before, by Anna Ames. Reason: “the customer called”."
        assert said in " ".join(mail.text.split())


async def test_whoever_answers_a_question_of_the_agent_does_not_approve_what_comes_of_it() -> None:
    """Whose answer it is depends on whom the agent asks; here somebody asks who may approve as well."""
    model = Scripted(RequestHumanInput(question="Which?"), lambda run: ring(run.results[-1].text), Done(summary="done"))
    async with a_sayso(agents=[bells([])], policies=PAIR, model=model) as s:
        run = await s.trigger("ring", person="bo")
        asked = await s.opened(run)
        await s.answer("bo", run, "v9")

        second = await s.opened(run, after=asked.request.id)

        assert ("bo", "answered") in [(one.person, one.part) for one in (await s.run(run)).read_by]
        assert isinstance(await s.decide("bo", second, "approve"), NotEntitled)


async def broken(s: Sayso, person: str, record: RequestRecord) -> Judgement:
    """What comes of it that somebody breaks the glass."""
    said = Statement(
        reply_id="glass",
        person=PersonId(person),
        proof=as_by("cli"),
        binding=bound_to(record.request, "digest"),
        said="break_glass",
        text="it burns",
        reason="it burns",
    )
    return await s.app.requests.decisions.decide(record.request.id, said)


async def test_attack_whoever_answered_the_agent_reviews_the_glass_that_was_broken_for_what_came_of_it() -> None:
    asks = RequestHumanInput(question="Which?", to=("person:dan",))
    model = Scripted(asks, lambda run: ring(run.results[-1].text), Done(summary="done"))
    agent, desk = replace(bells([]), asks=("person:dan",)), {"approvers": ["person:bo"], "break_glass": ["person:bo"]}
    async with a_sayso(agents=[agent], policies={"desk": desk}, model=model) as s:
        run = await s.trigger("ring")
        asked = await s.opened(run)
        await s.answer("dan", run, "v9")
        record = await s.opened(run, after=asked.request.id)
        assert record.request.behind == ("dan",)

        assert isinstance(await broken(s, "bo", record), Decided)

        review = await s.ended(RunId(review_of(record.request.id)))
        assert (review.state, dict(review.requests)) == ("failed", {})
        told = reviewed_of(review)
        assert told is not None
        assert told.took_part == ("anna", "dan")
        await s.next_mail("dan", "The review of a broken glass has no answer")


BESIDE = "take v9 instead", "v9 is what they want", "next time v9"
"""A comment, the reason of a hand-on, and a note beside an approval."""


async def test_attack_a_model_reads_what_is_for_people_alone_in_the_story_of_the_question_whether_to_go_on() -> None:
    fails = [Fails("no_tool")] * 3
    model = Scripted(ring("v1"), *fails, ring("v9"))
    async with a_sayso(agents=[bells([])], policies=OWN, model=model) as s:
        run = await s.trigger("ring v1")
        first = await s.opened(run)
        comment, reason, note = BESIDE
        await s.decide("cy", first, "free_text", comment)
        await s.delegate("bo", first, "dan", reason)
        await s.decide("dan", first, "approve", note, note_confirmed=True)
        asked = await s.opened(run, after=first.request.id)
        assert all(words in asked.request.quoted for words in BESIDE)

        await s.answer("anna", run, say(GO_ON))

        await s.opened(run, after=asked.request.id)
        assert "answers in a row from which no step can be read" in model.asked[-1].text
        assert not [words for words in BESIDE if words in model.asked[-1].text]


def slow_bells(rung: list[str], may_go: asyncio.Event) -> Agent:
    """Each rings until it may go, and nobody knows whether one has that was interrupted."""

    async def execute(args: Ring, _: Effect, hands: ToolContext) -> Outcome:
        rung.append(args.bell)
        await may_go.wait()
        return Outcome(f"{args.bell} rang")

    bell = bells([])
    return replace(bell, tools=(replace(bell.tools[0], execute=execute, idempotent=False),))


async def test_attack_whoever_denied_too_late_with_a_wish_approves_that_once_it_is_asked_again() -> None:
    model = Scripted(ring("v1"), ring("v9"), Done(summary="done"))
    rung, may_go = list[str](), asyncio.Event()
    async with a_sayso(agents=[slow_bells(rung, may_go)], policies=OWN, model=model) as s:
        run = await s.trigger("ring v1")
        first = await s.opened(run)
        await s.approve("cy", run)
        await until(lambda: rung, what="it rings")
        assert isinstance(await s.decide("bo", first, "deny", WISH), TooLate)
        async with s.stopped():
            may_go.set()
        asked = await s.opened(run, after=first.request.id)
        await s.answer("cy", run, say(IT_DID_NOT))
        again = await s.opened(run, after=asked.request.id)
        await s.deny("cy", run)
        wished = await s.opened(run, after=again.request.id)

        assert WISH in model.asked[-1].text
        assert isinstance(await s.decide("bo", again, "approve"), AlreadyDecided)
        assert isinstance(await s.decide("bo", wished, "approve"), NotEntitled)
        assert isinstance(await s.decide("cy", wished, "approve"), Decided)
        await s.ended(run)
    assert rung == ["v1", "v9"]


async def test_attack_whoever_denied_too_late_by_the_card_before_approves_what_they_wished_for() -> None:
    model = Scripted(ring("v1"), ring("v9"), Done(summary="done"))
    rung, may_go = list[str](), asyncio.Event()
    async with a_sayso(agents=[slow_bells(rung, may_go)], policies=OWN, model=model) as s:
        run = await s.trigger("ring v1")
        first = await s.opened(run)
        await s.edit("anna", first, bell="v9")
        await s.approve("cy", run)
        await until(lambda: rung, what="it rings")
        assert isinstance(await s.decide("bo", first, "deny", WISH), TooLate)
        async with s.stopped():
            may_go.set()
        asked = await s.opened(run, after=first.request.id)
        await s.answer("cy", run, say(IT_DID_NOT))
        again = await s.opened(run, after=asked.request.id)
        await s.deny("cy", run)

        wished = await s.opened(run, after=again.request.id)

        assert WISH in model.asked[-1].text
        assert isinstance(await s.decide("bo", wished, "approve"), NotEntitled)
        assert isinstance(await s.decide("cy", wished, "approve"), Decided)
        await s.ended(run)


class Nothing(Arguments):
    """A call without arguments."""


def quiz() -> Agent:
    """Asks Bo two questions, one after the other."""

    def next_step(run: Run) -> Step:
        if len(run.results) > 1:
            return Done(summary="asked")
        return RequestHumanInput(question=f"Which bell? ({len(run.results)})", to=("person:bo",))

    return Agent(name="quiz", description="asks", tools=(), fallback=next_step, prompt="deploy", asks=("person:bo",))


def quizzing(rung: list[str]) -> Agent:
    """Has a child ask, and rings what was answered as soon as it is told of an answer."""

    async def execute(_: Nothing, __: Effect, hands: ToolContext) -> Pending:
        return Pending(handle=await hands.start_run("quiz", "ask Bo"), check_after_s=3600)

    async def check(_: Nothing, handle: str, hands: ToolContext) -> Outcome | Pending:
        child = await hands.child(RunId(handle))
        return Outcome(child.answers[0][1]) if child.answers else Pending(handle=handle, check_after_s=3600)

    def next_step(run: Run) -> Step:
        if len(run.results) > 1:
            return Done(summary="rung")
        return ring(run.results[0].text) if run.results else CallTool(tool="hear", arguments={})

    hear = Tool(
        name="hear", description="Hear", args=Nothing, execute=execute, check=check, idempotent=True, waits_s=86_400
    )
    return replace(bells(rung), tools=(*bells(rung).tools, hear), fallback=next_step)


async def test_attack_whoever_answers_a_child_that_goes_on_approves_what_comes_of_it() -> None:
    rung: list[str] = []
    async with a_sayso(agents=[quizzing(rung), quiz()], policies=PAIR) as s:
        run = await s.trigger("ring what Bo says")
        await s.quiet()
        [child] = (await s.run(run)).children
        await s.answer("bo", child.run_id, "gong")
        await s.move_time(3700)
        await s.quiet()
        assert (await s.run(run)).open is None
        await s.answer("bo", child.run_id, "bell")

        record = await s.opened(run)

        assert record.request.call is not None
        assert record.request.call.arguments == {"bell": "gong"}
        assert isinstance(await s.decide("bo", record, "approve"), NotEntitled)
        assert isinstance(await s.decide("cy", record, "approve"), Decided)
        await s.ended(run)
    assert rung == ["gong"]


# What people do where they asked.


async def asked_in(world: World, hallway: Hallway, person: str = "anna", text: str = "press bell") -> RequestRecord:
    inbound_id = await world.app.messages.inbox.accept(hallway.begins(person, text, THREAD))
    return await world.opened(world.app.runs.starter.run_id(inbound_id))


async def write(world: World, hallway: Hallway, person: str, text: str) -> None:
    """`person` writes in the thread, and it has had its effect."""
    await until_gone(world, await world.app.messages.inbox.accept(hallway.follows(person, text, THREAD)))
    await world.quiet()


@pytest.mark.parametrize("words", few_of(["stop, please do not deploy this after all", "no"], 0))
async def test_a_requester_takes_it_back_in_the_thread_and_is_told(world: World, hallway: Hallway, words: str) -> None:
    record = await asked_in(world, hallway)

    await write(world, hallway, "anna", words)

    found = await world.request(record.request.id)
    assert (found.state, found.decision and found.decision.by) == ("withdrawn", ("anna",))
    assert hallway.to("anna", "Withdrawn by Anna Ames")
    for person in ("bo", "cy"):
        [card] = [hallway.shown[key] for key, (to, card) in hallway.cards.items() if to.person == person and card.form]
        assert card.title.startswith("Withdrawn")
    assert not isinstance(await world.decide("bo", record, "approve"), Decided)
    assert (await world.ended(record.request.run_id)).state == "failed"
    assert world.workshop.effects == []


async def test_other_words_of_a_requester_stand_on_every_card_and_void_what_was_approved_before(
    world: World, hallway: Hallway
) -> None:
    world.workshop.policy_of["bell"] = "pair"
    record = await asked_in(world, hallway)
    assert isinstance(await world.decide("bo", record, "approve"), Counted)

    await write(world, hallway, "anna", "the database is being moved until 5")

    found = await world.request(record.request.id)
    assert (found.request.revision, found.votes) == (2, ())
    assert found.request.digest != record.request.digest
    assert hallway.to("anna", "Your words are on the card now")
    said = "Anna Ames wrote after you were asked: “the database is being moved until 5”"
    for person in ("bo", "cy"):
        newest = [card for card in hallway.to(person) if card.form][-1]
        assert said in [fact.text for fact in newest.facts]
    assert isinstance(await world.decide("cy", record, "approve"), OutOfDate)
    events = await world.events(record.request.run_id)
    assert [event.text for event in events if isinstance(event, PersonSaid)] == ["the database is being moved until 5"]
    assert len([event for event in events if isinstance(event, RequestRevised)]) == 1


async def test_attack_whoever_is_asked_anew_does_not_read_what_whoever_asked_wrote_beside_the_card_before(
    world: World, hallway: Hallway
) -> None:
    record = await asked_in(world, hallway)
    run_id = record.request.run_id
    await write(world, hallway, "anna", "only after the backup, please")
    await world.steer(run_id, "pause")
    await world.decide("bo", await world.request(record.request.id), "approve")

    world.workshop.meaning["bell"] = "another bell"
    await world.steer(run_id, "resume")
    again = await world.opened(run_id, after=record.request.id)
    await world.quiet()

    assert [one.person for one in again.request.remarks] == ["anna"]
    newest = [card for card in hallway.to("cy") if card.form][-1]
    assert "“only after the backup, please”" in [fact.text for fact in newest.facts]
    assert any("now means another bell" in fact.text for fact in newest.facts)


@pytest.mark.parametrize("waits", few_of(["frozen", "paused", "unknown"], 0, 2))
async def test_attack_whoever_is_asked_anew_does_not_read_what_whoever_asked_wrote_once_it_was_approved(
    world: World, hallway: Hallway, waits: str
) -> None:
    if waits == "unknown":
        world.workshop.timeouts_s["press"] = 0.1
        world.workshop.hold("bell")
        await world.stop()
        await world.start()
    record = await asked_in(world, hallway)
    run_id, dan, freezes = record.request.run_id, PersonId("dan"), world.app.requests.freezes
    if waits == "frozen":
        await freezes.freeze("workshop", dan, "incident 4711", proof=None)
    if waits == "paused":
        await world.steer(run_id, "pause")
    await world.decide("bo", await world.request(record.request.id), "approve")
    if waits == "unknown":
        await world.has(run_id, "unknown")
    await world.quiet()

    await write(world, hallway, "anna", "only after the backup, please")
    world.workshop.meaning["bell"] = "another bell"
    if waits == "frozen":
        await freezes.unfreeze("workshop", dan, "it is over", proof=None)
    if waits == "paused":
        await world.steer(run_id, "resume")
    if waits == "unknown":
        await world.decide("bo", await world.opened(run_id), "free_text", "2")
        await until(partial(is_asked_about, world, run_id, "approval"), what="it is asked once more")

    again = await world.opened(run_id, after=record.request.id)
    await world.quiet()
    assert [(one.person, one.text) for one in again.request.remarks] == [("anna", "only after the backup, please")]
    newest = [card for card in hallway.to("cy") if card.form][-1]
    assert "“only after the backup, please”" in [fact.text for fact in newest.facts]
    world.workshop.hold("bell").set()


async def is_asked_about(world: World, run_id: RunId, form: str) -> bool:
    """Whether the open request of a run has this format."""
    found = (await world.run(run_id)).open
    return found is not None and (await world.request(found)).request.format == form


async def test_a_comment_is_always_answered_and_brought_to_whoever_asked_elsewhere(
    world: World, hallway: Hallway
) -> None:
    record = await asked_in(world, hallway)
    await world.quiet()
    [card] = [key for key, (to, card) in hallway.cards.items() if to.person == "bo" and card.form]

    for words in ("hm", "I look at it tonight"):
        inbound_id = await world.app.messages.inbox.accept(hallway.follows("bo", words, f"at {card}"))
        await until_gone(world, inbound_id)
    await world.quiet()

    assert len(hallway.to("bo", "Typed words do not approve")) == 2
    brought = [card.quoted for card in hallway.to("anna", "A comment")]
    assert brought == ["hm", "I look at it tonight"]
    assert (await world.request(record.request.id)).requesters == ("anna",)


async def until_gone(world: World, inbound_id: str) -> None:
    async def is_handled() -> bool:
        return await world.app.store.inbound(inbound_id) is None

    await until(is_handled, what="it was handled")
