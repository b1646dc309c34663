"""A request's record is what its run's events say of it."""

from agents.events import AnswerNoted, Event, RequestOpened, RequestRevised, RunResumed
from agents.requests import PersonId, RequestId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.testing.events import paused
from tests.agents.worlds import ANNA, BO, NOON, SEEN, chosen, decided, opened, request, said, started, vote

CY = PersonId("cy")


def record(*events: Event) -> RequestRecord:
    [found] = fold([started(), chosen(), *events]).requests.values()
    return found


def noted(number: int, outcome: str, person: PersonId = BO) -> AnswerNoted:
    return AnswerNoted(
        at=NOON,
        request_id=RequestId("q1"),
        reply_id=f"r{number}",
        person=person,
        binding=SEEN,
        proof=as_by("slack"),
        text=f"words {number}",
        outcome=outcome,
    )


def test_comments_push_no_question_and_no_answer_off_the_card() -> None:
    found = record(
        opened(),
        noted(1, "asked"),
        noted(2, "replied", ANNA).model_copy(update={"about": "r1"}),
        *(noted(number, "unclear", CY) for number in range(3, 53)),
        noted(53, "asked"),
    )

    kinds = [one.kind for one in found.comments]
    assert kinds == ["question", "answer", *["comment"] * 10, "question"]
    assert [one.id for one in found.comments[2:4]] == ["r43", "r44"]
    assert (question := found.question_for(ANNA)) is not None
    assert question.id == "r53"


def test_words_are_kept_with_the_version_that_they_were_said_about() -> None:
    revised = RequestRevised(at=NOON, by=ANNA, request=request(revision=2))

    found = record(opened(), noted(1, "asked"), revised, noted(2, "unclear"))

    assert [one.revision for one in found.comments] == [1, 2]


def test_whoever_writes_while_it_is_open_joins_its_requesters_once() -> None:
    found = record(opened(), said(BO), said(ANNA), said(BO))

    assert found.joined == (BO,)
    assert found.requesters == (ANNA, BO)


def test_whoever_had_only_answered_something_and_writes_while_it_is_open_steers_from_then_on() -> None:
    asked = request().model_copy(update={"requesters": (ANNA, BO), "parts": {ANNA: "asked", BO: "answered"}})

    found = record(RequestOpened(at=NOON, request=asked), said(BO), said(BO))

    assert (found.askers, found.requesters) == ((ANNA, BO), (ANNA, BO))


def test_whoever_wrote_before_or_after_joins_nothing() -> None:
    assert record(said(BO), opened(), decided("approved"), said(CY)).joined == ()


def test_no_vote_outlasts_the_revision_that_it_was_about() -> None:
    revised = RequestRevised(at=NOON, by=ANNA, request=request(revision=2))

    assert record(opened(), vote(), revised).votes == ()
    assert len(record(opened(), revised, vote()).votes) == 1


def test_it_is_paused_with_its_run_while_it_is_open() -> None:
    asked, resumed = (opened(), paused()), RunResumed(at=NOON, by=BO)

    found = [
        record(*asked),
        record(*asked, resumed),
        record(*asked, decided("approved")),
        record(paused(), opened()),
    ]

    assert [one.is_paused for one in found] == [True, False, False, False]
    assert not record(opened(), decided("approved"), paused()).is_paused
