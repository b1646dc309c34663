"""Requesters, and people who steer, do not approve, and requesters can take it back where they asked."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

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
from agents.events import PersonSaid, RequestRevised, ToolStarted
from agents.requests import PersonId, RunId
from bot.policy.answers import Statement
from bot.policy.edits import Edited, EditRefused
from bot.policy.judgements import (
    Counted,
    Decided,
    Delegated,
    NotEntitled,
    NoteUnconfirmed,
    OutOfDate,
    Remarked,
    Revoked,
)
from bot.policy.record import RequestRecord
from bot.testing import Sayso, Scripted, sayso
from tests.fakes.hallway import Hallway
from tests.kit.long import few_of
from tests.kit.waiting import until
from tests.kit.world import World, a_world

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


async def test_whoever_denies_with_a_wish_does_not_approve_that_wish() -> None:
    rung: list[str] = []
    model = Scripted(ring("v1"), ring("v9"), Done(summary="done"))
    async with sayso(agents=[bells(rung)], policies=PAIR, model=model) as s:
        run, second = await denied_by_bo(s, "take v9 instead")

        assert "take v9 instead" in model.asked[1].text
        assert isinstance(await s.decide("bo", second, "approve"), NotEntitled)
        assert second.request.parts[PersonId("bo")] == "objected"
        await s.next_mail("cy", "Bo Berg, who denied with a reason or changed something else")
        assert isinstance(await s.decide("cy", second, "approve"), Decided)
        await s.ended(run)
    assert rung == ["v9"]


async def test_attack_the_requester_changes_the_same_call_into_the_wish() -> None:
    rung: list[str] = []
    model = Scripted(ring("v1"), ring("v1"), Done(summary="done"))
    async with sayso(agents=[bells(rung)], policies=PAIR, model=model) as s:
        run, second = await denied_by_bo(s, "take v9 instead")

        await s.edit("anna", await s.request(second.request.id), bell="v9")

        amended = await s.request(second.request.id)
        assert isinstance(await s.decide("bo", amended, "approve"), NotEntitled)
        assert isinstance(await s.decide("cy", amended, "approve"), Decided)
        await s.ended(run)
    assert rung == ["v9"]


@pytest.mark.parametrize("may_approve", [False, True])
async def test_attack_a_colleague_edits_the_same_call_into_the_wish(*, may_approve: bool) -> None:
    """Where nobody would be left who may approve that, nothing is changed."""
    rung: list[str] = []
    model = Scripted(ring("v1"), ring("v1"), Done(summary="done"))
    desk = {"approvers": ["person:bo", "person:cy"], "editor_may_approve": may_approve}
    async with sayso(agents=[bells(rung, editable=("bell",))], policies={"desk": desk}, model=model) as s:
        run, second = await denied_by_bo(s, "take v9 instead")

        said = await s.edit("cy", second, bell="v9")

        stands = await s.request(second.request.id)
        assert isinstance(said, Edited if may_approve else EditRefused)
        assert stands.request.revision == (2 if may_approve else 1)
        if may_approve:
            assert isinstance(await s.decide("bo", stands, "approve"), NotEntitled)
            assert stands.request.parts[PersonId("bo")] == "objected"
            assert isinstance(await s.decide("cy", stands, "approve"), Decided)
            await s.ended(run)
    assert rung == (["v9"] if may_approve else [])


async def test_whoever_denied_with_a_wish_edits_the_call_into_it_where_editors_may_approve() -> None:
    model, desk = Scripted(ring("v1"), ring("v1"), Done(summary="done")), {"approvers": ["person:bo", "person:cy"]}
    desk = {**desk, "editor_may_approve": True}
    async with sayso(agents=[bells([], editable=("bell",))], policies={"desk": desk}, model=model) as s:
        _, second = await denied_by_bo(s, "take v9 instead")

        await s.edit("bo", second, bell="v9")

        assert isinstance(await s.decide("bo", await s.request(second.request.id), "approve"), Decided)


DESK = {"approvers": ["person:bo", "person:cy"], "stand_ins": ["person:dan"]}


@pytest.mark.parametrize("how", few_of(["the requester", "a colleague"], 0))
async def test_attack_who_has_the_seat_of_whoever_denied_with_a_wish_approves_that_wish(how: str) -> None:
    rung: list[str] = []
    desk = {**DESK, "editor_may_approve": True}
    model = Scripted(ring("v1"), ring("v1"), Done(summary="done"))
    async with sayso(agents=[bells(rung, editable=("bell",))], policies={"desk": desk}, model=model) as s:
        run, second = await denied_by_bo(s, "take v9 instead")
        assert isinstance(await s.delegate("bo", second, "dan"), Delegated)

        if how == "the requester":
            await s.edit("anna", await s.request(second.request.id), bell="v9")
        else:
            assert isinstance(await s.edit("cy", await s.request(second.request.id), bell="v9"), Edited)

        stands = await s.request(second.request.id)
        assert isinstance(await s.decide("dan", stands, "approve"), NotEntitled)
        assert isinstance(await s.decide("cy", stands, "approve"), Decided)
        await s.ended(run)
    assert rung == ["v9"]


async def test_who_has_the_seat_of_whoever_denied_with_a_wish_approves_what_is_not_that() -> None:
    rung: list[str] = []
    model = Scripted(ring("v1"), ring("v1"), Done(summary="done"))
    async with sayso(agents=[bells(rung)], policies={"desk": DESK}, model=model) as s:
        run, second = await denied_by_bo(s, "not now")
        await s.delegate("bo", second, "dan")

        assert isinstance(await s.decide("dan", await s.request(second.request.id), "approve"), Decided)
        await s.ended(run)
    assert rung == ["v1"]


async def test_a_change_is_refused_that_only_who_has_the_seat_of_its_wisher_could_approve() -> None:
    model = Scripted(ring("v1"), ring("v1"), Done(summary="done"))
    desk = {**DESK, "approvers": ["person:bo"]}
    async with sayso(agents=[bells([])], policies={"desk": desk}, model=model) as s:
        _, second = await denied_by_bo(s, "take v9 instead")
        await s.delegate("bo", second, "dan")

        refused = await s.edit("anna", await s.request(second.request.id), bell="v9")

        assert isinstance(refused, EditRefused)
        assert "too few would be left" in refused.why
        assert (await s.request(second.request.id)).request.revision == 1


async def test_a_change_that_nobody_could_approve_is_refused() -> None:
    model = Scripted(ring("v1"), ring("v1"), Done(summary="done"))
    async with sayso(agents=[bells([])], policies={"desk": ["bo"]}, model=model) as s:
        _, second = await denied_by_bo(s, "take v9 instead")

        refused = await s.edit("anna", await s.request(second.request.id), bell="v9")

        assert isinstance(refused, EditRefused)
        assert "too few would be left" in refused.why
        assert (await s.request(second.request.id)).request.revision == 1


async def test_attack_whoever_wrote_a_wish_into_a_call_approves_what_follows() -> None:
    model = Scripted(ring("v1"), ring("v9"), Done(summary="done"))
    async with sayso(agents=[bells([], editable=("bell",))], policies=PAIR, model=model) as s:
        run = await s.trigger("ring v1")
        first = await s.opened(run)
        await s.edit("bo", first, bell="No. Ring v9 instead")
        await s.decide("bo", await s.request(first.request.id), "deny")
        second = await s.opened(run, after=first.request.id)

        assert "Ring v9 instead" in model.asked[1].text
        assert isinstance(await s.decide("bo", second, "approve"), NotEntitled)
        assert isinstance(await s.decide("cy", second, "approve"), Decided)


async def test_attack_whoever_took_a_call_back_with_a_wish_approves_what_follows() -> None:
    model = Scripted(ring("v1"), ring("v2"), ring("v1"), Done(summary="done"))
    async with sayso(agents=[bells([])], policies=PAIR, model=model) as s:
        run, second = await denied_by_bo(s, "wait")
        await s.decide("bo", second, "deny", "v1, I say")
        third = await s.opened(run, after=second.request.id)

        assert "v1, I say" in model.asked[2].text
        assert isinstance(await s.decide("bo", third, "approve"), NotEntitled)


async def test_whoever_denied_may_change_their_mind_about_the_very_same_call() -> None:
    rung: list[str] = []
    model = Scripted(ring("v1"), ring("v1"), Done(summary="done"))
    async with sayso(agents=[bells(rung)], policies=PAIR, model=model) as s:
        run, second = await denied_by_bo(s, "not before noon")

        assert isinstance(await s.decide("bo", second, "approve"), Decided)
        await s.ended(run)
    assert rung == ["v1"]


async def test_whoever_is_asked_for_what_was_denied_in_the_same_run_reads_by_whom_and_why() -> None:
    model = Scripted(ring("v1"), ring("v1"), ring("v2"), Done(summary="done"))
    async with sayso(agents=[bells([])], policies=PAIR, model=model) as s:
        run, second = await denied_by_bo(s, "not before noon")
        mail = await s.next_mail("cy", "The same was denied before")

        assert mail.subject.startswith("ring")
        said = "Changed since the last card: The same was denied before, by Bo Berg. Reason: “not before noon”"
        assert said in " ".join(mail.text.split())
        await s.decide("cy", second, "deny")
        third = await s.opened(run, after=second.request.id)
        assert third.request.changes == (), "nobody has denied that"


async def test_a_denial_without_a_word_asks_for_nothing_else() -> None:
    model = Scripted(ring("v1"), ring("v9"), Done(summary="done"))
    async with sayso(agents=[bells([])], policies=PAIR, model=model) as s:
        _, second = await denied_by_bo(s)

        assert isinstance(await s.decide("bo", second, "approve"), Decided)


async def test_an_approval_that_is_taken_back_with_a_wish_steers_as_well() -> None:
    model = Scripted(ring("v1"), ring("v9"), Done(summary="done"))
    async with sayso(agents=[bells([])], policies=PAIR, model=model) as s:
        run = await s.trigger("ring v1")
        first = await s.opened(run)
        await s.steer(run, "pause")
        await s.approve("cy", run)
        assert isinstance(await s.revoke("bo", run, "take v9 instead"), Revoked)
        await s.steer(run, "resume")

        second = await s.opened(run, after=first.request.id)

        assert isinstance(await s.decide("bo", second, "approve"), NotEntitled)


async def test_whoever_wrote_into_the_run_stays_a_requester_after_the_first_decision() -> None:
    model = Scripted(RequestHumanInput(question="Which?"), ring("qa"), ring("production"), Done(summary="done"))
    async with sayso(agents=[bells([])], policies=PAIR, model=model) as s:
        run = await s.trigger("ring")
        await s.opened(run)
        await s.say("bo", run, "qa first, then production")
        asked = await s.opened(run)
        await s.answer("anna", run, "as Bo says")
        qa = await s.opened(run, after=asked.request.id)
        await s.decide("cy", qa, "approve")

        production = await s.opened(run, after=qa.request.id)

        assert isinstance(await s.decide("bo", production, "approve"), NotEntitled)
        assert production.request.requesters == ("anna", "bo")


async def test_nobody_left_is_said_at_once_and_why() -> None:
    model = Scripted(ring("v1"), ring("v9"))
    async with sayso(agents=[bells([])], policies={"desk": ["bo"]}, model=model) as s:
        run = await s.trigger("ring v1")
        await s.deny("bo", run, "take v9 instead")
        await s.ended(run)

        assert "bo denied with a reason or changed something else" in (await s.run(run)).results[-1].text


async def test_what_is_written_beside_an_approval_never_reaches_the_model() -> None:
    model = Scripted(ring("v1"), ring("v9"), Done(summary="done"))
    async with sayso(agents=[bells([])], policies=PAIR, model=model) as s:
        run = await s.trigger("ring v1")
        first = await s.opened(run)
        await s.say("bo", run, "and after that v9")
        await s.decide("cy", first, "free_text", "rather v9")
        await s.decide("cy", await s.request(first.request.id), "approve")

        second = await s.opened(run, after=first.request.id)

        assert "and after that" not in model.asked[1].text
        assert "rather" not in model.asked[1].text
        assert second.request.requesters == ("anna",)


async def test_a_note_beside_an_approval_never_reaches_the_model() -> None:
    model = Scripted(ring("v1"), ring("v9"), Done(summary="done"))
    async with sayso(agents=[bells([])], policies=PAIR, model=model) as s:
        run = await s.trigger("ring v1")
        first = await s.opened(run)
        assert isinstance(await s.decide("bo", first, "approve", "and then v9"), NoteUnconfirmed)
        assert (await s.request(first.request.id)).votes == ()
        await s.app.requests.decisions.decide(first.request.id, noted(first, "bo", "and then v9"))

        await s.opened(run, after=first.request.id)

        assert "and then v9" not in model.asked[1].text
        assert (await s.request(first.request.id)).votes[0].reason == "and then v9"


def noted(record: RequestRecord, person: str, note: str) -> Statement:
    return Statement(
        reply_id=f"noted-{person}",
        person=PersonId(person),
        channel="cli",
        revision=record.request.revision,
        digest=record.request.digest,
        said="approve",
        text="approve",
        reason=note,
        note_confirmed=True,
    )


async def test_whoever_answers_a_question_of_the_agent_does_not_approve_what_comes_of_it() -> None:
    """Whose answer it is depends on whom the agent asks; here somebody asks who may approve as well."""
    model = Scripted(RequestHumanInput(question="Which?"), lambda run: ring(run.results[-1].text), Done(summary="done"))
    async with sayso(agents=[bells([])], policies=PAIR, model=model) as s:
        run = await s.trigger("ring", person="bo")
        asked = await s.opened(run)
        await s.answer("bo", run, "v9")

        second = await s.opened(run, after=asked.request.id)

        assert (await s.run(run)).advisers == ("bo",)
        assert isinstance(await s.decide("bo", second, "approve"), NotEntitled)


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
    async with sayso(agents=[quizzing(rung), quiz()], policies=PAIR) as s:
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


@pytest.fixture
async def office(redis: str, tmp_path: Path, hallway: Hallway) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", beside=(hallway,), reach=("slack", "email")) as world:
        yield world


async def asked_in(world: World, hallway: Hallway, person: str = "anna", text: str = "press bell") -> RequestRecord:
    inbound_id = await world.app.messages.inbox.accept(hallway.begins(person, text, THREAD))
    return await world.opened(world.app.runs.starter.run_id(inbound_id))


async def write(world: World, hallway: Hallway, person: str, text: str) -> None:
    """`person` writes in the thread, and it has had its effect."""
    await until_gone(world, await world.app.messages.inbox.accept(hallway.follows(person, text, THREAD)))
    await world.quiet()


@pytest.mark.parametrize(
    "words",
    few_of(
        ["stop, please do not deploy this after all", "cancel", "@sayso cancel", "Stop!", "deny", "wait, stop!", "no"],
        0,
        6,
    ),
)
async def test_a_requester_takes_it_back_in_the_thread_and_is_told(office: World, hallway: Hallway, words: str) -> None:
    record = await asked_in(office, hallway)

    await write(office, hallway, "anna", words)

    found = await office.request(record.request.id)
    assert (found.state, found.decision and found.decision.by) == ("withdrawn", ("anna",))
    assert hallway.to("anna", "Withdrawn by Anna Ames")
    for person in ("bo", "cy"):
        [card] = [hallway.shown[key] for key, (to, card) in hallway.cards.items() if to.person == person and card.form]
        assert card.title.startswith("Withdrawn")
    assert not isinstance(await office.decide("bo", record, "approve"), Decided)
    assert (await office.ended(record.request.run_id)).state == "failed"
    assert office.workshop.effects == []


async def test_a_requester_s_word_stops_what_is_approved_and_has_not_started(office: World, hallway: Hallway) -> None:
    record = await asked_in(office, hallway)
    await office.steer(record.request.run_id, "pause")
    await office.decide("bo", record, "approve")

    await write(office, hallway, "anna", "stop")
    await office.steer(record.request.run_id, "resume")
    await office.ended(record.request.run_id)

    assert (await office.request(record.request.id)).state == "revoked"
    assert hallway.to("anna", "taken back")
    assert office.workshop.effects == []


async def test_a_requester_who_stops_it_too_late_is_told_since_when_it_runs(office: World, hallway: Hallway) -> None:
    held = office.workshop.hold("bell")
    record = await asked_in(office, hallway)
    await office.decide("bo", record, "approve")
    await until(lambda: office.workshop.started, what="it presses")

    await until_gone(office, await office.app.messages.inbox.accept(hallway.follows("anna", "stop", THREAD)))

    await until(lambda: hallway.to("anna", "Too late: it was started at"), what="anna is told")
    held.set()
    await office.ended(record.request.run_id)


async def test_other_words_of_a_requester_stand_on_every_card_and_void_what_was_approved_before(
    office: World, hallway: Hallway
) -> None:
    office.workshop.policy_of["bell"] = "pair"
    record = await asked_in(office, hallway)
    assert isinstance(await office.decide("bo", record, "approve"), Counted)

    await write(office, hallway, "anna", "the database is being moved until 5")

    found = await office.request(record.request.id)
    assert (found.request.revision, found.votes) == (2, ())
    assert hallway.to("anna", "Your words are on the card now")
    said = "Anna Ames wrote after you were asked: “the database is being moved until 5”"
    for person in ("bo", "cy"):
        newest = [card for card in hallway.to(person) if card.form][-1]
        assert said in [fact.text for fact in newest.facts]
    assert isinstance(await office.decide("cy", record, "approve"), OutOfDate)
    events = await office.events(record.request.run_id)
    assert [event.text for event in events if isinstance(event, PersonSaid)] == ["the database is being moved until 5"]
    assert len([event for event in events if isinstance(event, RequestRevised)]) == 1


async def test_the_digest_of_an_older_card_is_not_that_of_the_card_with_the_remark(
    office: World, hallway: Hallway
) -> None:
    record = await asked_in(office, hallway)

    await write(office, hallway, "anna", "not the big one")

    found = await office.request(record.request.id)
    assert found.request.digest != record.request.digest
    assert isinstance(await office.decide("bo", found, "approve"), Decided)
    assert await office.summary(record.request.run_id) == "done: ok: press bell: done"


async def test_an_approver_who_asked_withdraws_with_deny_on_any_card(office: World, hallway: Hallway) -> None:
    record = await asked_in(office, hallway, "bo")

    found = await office.decide("bo", record, "deny", "I was wrong", channel="slack")

    assert isinstance(found, Decided)
    assert found.decision.state == "withdrawn"
    await until(lambda: hallway.to("bo", "Withdrawn by Bo Berg"), what="bo is told")
    await office.ended(record.request.run_id)
    assert office.workshop.effects == []


async def test_a_requester_s_remark_by_any_way_stands_on_the_card(office: World, hallway: Hallway) -> None:
    record = await asked_in(office, hallway)

    found = await office.decide("anna", record, "free_text", "only if Cy is there", channel="api")

    assert found == Remarked(text="only if Cy is there")
    assert (await office.request(record.request.id)).request.revision == 2


async def test_withdrawal_and_start_are_one_race_that_one_of_them_wins(office: World, hallway: Hallway) -> None:
    for number in range(5):
        inbound_id = await office.app.messages.inbox.accept(hallway.begins("anna", "press bell", f"C01OPS/{number}.1"))
        record = await office.opened(office.app.runs.starter.run_id(inbound_id))
        await office.decide("bo", record, "approve")

        await office.decide("anna", record, "deny", "stop")

        await office.ended(record.request.run_id)
        state = (await office.request(record.request.id)).state
        events = await office.events(record.request.run_id)
        has_started = any(isinstance(event, ToolStarted) for event in events)
        assert (state == "revoked") is not has_started


async def test_a_comment_is_always_answered_and_brought_to_whoever_asked_elsewhere(
    office: World, hallway: Hallway
) -> None:
    record = await asked_in(office, hallway)
    await office.quiet()
    [card] = [key for key, (to, card) in hallway.cards.items() if to.person == "bo" and card.form]

    for words in ("hm", "I look at it tonight"):
        inbound_id = await office.app.messages.inbox.accept(hallway.follows("bo", words, f"at {card}"))
        await until_gone(office, inbound_id)
    await office.quiet()

    assert len(hallway.to("bo", "Typed words do not approve")) == 2
    brought = [card.quoted for card in hallway.to("anna", "A comment")]
    assert brought == ["hm", "I look at it tonight"]
    assert (await office.request(record.request.id)).requesters == ("anna",)


async def until_gone(world: World, inbound_id: str) -> None:
    async def is_handled() -> bool:
        return await world.app.store.inbound(inbound_id) is None

    await until(is_handled, what="it was handled")
