"""The words that people read: made by code from data. Escaping is each channel's own, so everything here is plain."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from agents.changes import change_of
from agents.events import Event, RequestDecided, RequestOpened, RunCancelled, RunEnded, RunForked
from agents.moves import begun
from agents.requests import (
    AllOf,
    Anyone,
    Attachment,
    Author,
    AuthoredLine,
    Closed,
    Decision,
    Fact,
    Freeze,
    FromPerson,
    FromTrigger,
    PersonId,
    PolicyStep,
    Remark,
    Request,
    Risk,
    RunId,
    Vote,
)
from agents.requests.asked import Asked, AskedAs, asked_at_first
from agents.requests.record import Comment
from agents.run import Run, fold
from agents.standing import ALLOW_AGAIN
from agents.steps import CallTool
from bot.people.directory import People
from bot.policy.edits import Edited
from bot.policy.judge import judge
from bot.policy.judgements import (
    AlreadyDecided,
    Counted,
    Decided,
    Judgement,
    NotEntitled,
    NotThisWay,
    OutOfDate,
    Remarked,
    Revoked,
    TooLate,
    Unclear,
)
from bot.render.cards import exact, outcome_card, request_card
from bot.render.request_card import standing
from bot.render.status_line import status_line
from bot.render.views import summary_of
from bot.render.words import decided, feedback_text
from bot.store.ids import standing_of
from bot.testing import events as build
from channels import Card, Line
from language.dates import in_words
from tests.agents.worlds import NOON, chosen, started
from tests.bot.examples import (
    ANNA,
    APPROVAL,
    BO,
    CALL,
    CY,
    DAN,
    DIGEST,
    EXPIRES,
    LATER,
    PEOPLE,
    REQUEST,
    answer,
    anyone,
    approval,
    decision,
    moved,
    policy,
    question,
    record,
    vote,
)
from tests.kit.said import said as sentence_of

WHEN = "12:01 UTC on 02 March 2026"
STARTS = "it starts right away, or right after a deploy that runs there"


def facts(card: Card) -> dict[str, str]:
    lines = (*card.facts, *card.decides, *filter(None, (card.on_yes,)), *card.details)
    return {line.label: line.text for line in lines}


def because(state: Closed, reason: str, *by: PersonId) -> Decision:
    return Decision(state=state, by=by, reason=reason, at=LATER)


def test_a_card_says_what_who_asks_who_may_decide_and_until_when() -> None:
    card = request_card(record(), PEOPLE, NOON)

    assert (card.title, card.ref, card.at) == ("Deploy v1.2.0 to production?", APPROVAL.id, NOON)
    assert "Anna Ames" in card.summary
    assert "Asked by" not in facts(card), "the summary says it"
    assert facts(card)["From"] == "v1.0.0"
    assert facts(card)["Who decides"] == "Bo Berg or Cy Cole"
    assert facts(card)["If approved"] == STARTS
    assert facts(card)["If nobody answers by then"] == "nothing happens"
    assert "If approved" not in facts(request_card(record(question()), PEOPLE, NOON))
    assert Line(label="Digest", text=DIGEST) in card.details
    assert card.form is not None
    assert (card.form.format, card.form.until, card.form.token) == ("approval", EXPIRES, "")
    assert not card.closes


def test_who_decides_is_said_by_name_by_seats_and_to_one_of_them_as_you() -> None:
    def told(to: PersonId | None = None, **changes: object) -> str:
        return facts(request_card(record(APPROVAL.model_copy(update=changes)), PEOPLE, NOON, to))["Who decides"]

    seats = policy(rule=AllOf(of=(anyone("bo"), anyone("bo", "cy"))))
    assert told(CY) == "you or Bo Berg"
    assert told(BO, policy=policy(rule=anyone("bo"))) == "only you"
    assert told(CY, policy=policy(rule=anyone("bo", "cy", "dan"), quorum=2)) == "Two of three: you, Bo Berg, Dan Dorn"
    assert told(CY, policy=seats) == "Bo Berg; and one of you and Bo Berg"
    assert told(requesters=(BO,)) == "Cy Cole", "who asked is not among them"
    assert told(policy=policy(rule=anyone("bo", "cy")), edits={"version": (BO,)}) == "Cy Cole", "nor whose edit it is"


def test_a_card_says_to_each_reader_what_their_own_yes_does() -> None:
    def told(to: PersonId | None, request: Request, *votes: Vote) -> tuple[str, ...]:
        given = facts(request_card(record(request, votes=votes), PEOPLE, NOON, to))
        return tuple(
            f"{label}: {text}" for label, text in given.items() if label.startswith("If") and "approve" in label
        )

    pair, starts = approval(policy=policy(quorum=2)), STARTS

    assert told(BO, APPROVAL) == (f"If you approve: {starts}",)
    assert told(BO, pair) == (f"If you approve: once Cy Cole has approved too, {starts}",), "true whenever it is read"
    assert told(CY, pair, vote(BO)) == (f"If you approve: {starts}",), "hers is the last one"
    assert told(BO, pair, vote(BO)) == (f"If approved: {starts}",), "his is given"
    assert told(ANNA, pair) == told(None, pair) == (f"If approved: {starts}",), "she only asks"


def test_whatever_is_asked_a_yes_starts_nothing_in_a_paused_run_and_in_a_freeze() -> None:
    again = approval(call=CALL.model_copy(update={"tool": ALLOW_AGAIN}))
    freeze = Freeze(since=NOON, by=BO, environment="production", reason="hot")

    def told(asks: Request, frozen: Freeze | None, *, is_paused: bool) -> str:
        card = request_card(record(asks, frozen=frozen, is_paused=is_paused), PEOPLE, NOON, BO)
        assert card.on_yes
        return card.on_yes.text

    for asks in (APPROVAL, again, approval(program="service:ci")):
        assert told(asks, None, is_paused=True).startswith("nothing starts until the run goes on")
        assert "freeze" in told(asks, freeze, is_paused=False)
        assert "nothing starts" not in told(asks, None, is_paused=False)
    other = approval(call=CALL.model_copy(update={"tool": "press"}))
    assert told(other, None, is_paused=False) == "it starts right away", "nothing else has to end before it"


def test_a_card_names_the_step_that_is_asked_next_and_none_that_is_met() -> None:
    manager, finance = (
        PolicyStep(name="manager", rule=anyone("bo", "dan")),
        PolicyStep(name="finance", rule=anyone("cy")),
    )
    asks = approval(policy=policy(rule=manager.rule, steps=(manager, finance)))
    second = begun(asked_at_first(asks.policy), 1, (BO,), LATER)
    again = begun(second, 0, (CY,), LATER)
    starts, is_asked_first = STARTS, "step 1 of 2, “manager”: "

    def next_is(name: str) -> str:
        return f"“{name}” is asked next; nothing starts yet"

    def told(to: PersonId, asked: Asked, *joined: PersonId) -> tuple[str, str]:
        found = record(asks, asked=asked, joined=joined)
        given = facts(request_card(found, PEOPLE, NOON, to))
        assert (given["If you approve"] == starts) == isinstance(judge(found, answer(to)), Decided)
        return given["Who decides"], given["If you approve"]

    assert told(DAN, asked_at_first(asks.policy)) == (
        f"{is_asked_first}you or Bo Berg; then “finance”: Cy Cole",
        next_is("finance"),
    )
    assert told(CY, second) == ("step 2 of 2, “finance”: only you", starts)
    assert told(CY, second, BO)[1] == "“manager” is asked next; nothing starts yet", (
        "who approved has written to the run since"
    )
    steered = record(asks, asked=second, joined=(BO,))
    counted = feedback_text(judge(steered, answer(CY)), steered, PEOPLE)
    assert counted.endswith(f"{is_asked_first}Dan Dorn.")
    assert told(DAN, again, BO) == (f"{is_asked_first}only you", starts), "finance has approved already"


def test_below_the_title_stands_why_its_reader_is_asked_how_many_have_approved_and_since_when() -> None:
    def told(to: PersonId | None, request: Request = APPROVAL, *votes: Vote, asked: Asked | None = None) -> str:
        found = record(request, votes=votes, asked=asked) if asked else record(request, votes=votes)
        line, _, since = request_card(found, PEOPLE, NOON, to).asked.rpartition(" · ")
        assert since == "asked 12:00 UTC on 02 March 2026"
        return line

    pair, review = approval(policy=policy(quorum=2)), question().model_copy(update={"purpose": "review"})
    lead, pairs, sales = (
        PolicyStep(name=name, rule=policy().rule, quorum=quorum)
        for name, quorum in (("lead", 1), ("lead", 2), ("sales", 1))
    )
    one_each, in_pairs = (policy(quorum=one.quorum, steps=(one, sales)) for one in (lead, pairs))
    came = AskedAs(why="escalated")
    late = moved(escalate_after_s=1200, escalated_at=LATER, asked_as={CY: came})

    assert told(BO) == "You, as a member of the group release"
    assert (
        told(BO, pair, vote(CY))
        == "You, as a member of the group release · 1 of 2 approvals as of 12:00 UTC on 02 March 2026"
    )
    assert told(CY, asked=late) == f"You, since {in_words(LATER)}, because nobody decided within 20 min"
    assert told(ANNA, pair) == told(None, pair) == "2 approvals needed", "she only asks"
    first = asked_at_first(one_each)
    assert (
        told(BO, approval(policy=one_each), asked=first)
        == "You, as a member of the group release · step 1 of 2, “lead”"
    )
    pairs_first = asked_at_first(in_pairs)
    assert told(None, approval(policy=in_pairs), asked=pairs_first) == "Step 1 of 2, “lead” · 3 approvals needed"
    assert told(ANNA, review) == "You, as one who took no part in it"
    to_bo = policy(name="question", rule=Anyone(source="person:bo", people=(BO,)))
    for program, whom in (("", "asked.name-question"), ("service:ci", "asked.name-program")):
        named = question().model_copy(update={"policy": to_bo, "program": program})
        assert told(BO, named) == f"You, {sentence_of(whom)}"
    assert standing(record(state="approved"), fold([started()]), PEOPLE, NOON, 1, BO).asked == ""


def test_a_card_says_first_who_changed_it_whose_approval_is_void_and_that_ones_own_words_decided_nothing() -> None:
    def says(to: PersonId | None, request: Request = APPROVAL, *comments: Comment, **more: Any) -> list[str]:
        return request_card(record(request, comments=comments, **more), PEOPLE, NOON, to).summary.split("\n")

    by_cy = {"edits": {"version": (CY,)}}
    told = "Cy Cole changed version from v1.1.0 to v1.2.0: votes before are void."
    line = AuthoredLine(text=told, by=(Author(person=CY, part="objected"),))
    remark = line.model_copy(update={"is_remark": True, "by": (Author(person=ANNA, part="asked"),)})
    asked, said = (Comment(person=BO, text="Is it?", at=NOON, kind=kind) for kind in ("question", "comment"))

    assert says(BO) == ["Anna Ames asks."]
    assert says(BO, approval(changes=(line,), **by_cy)) == [f"Anna Ames asks. {told}"]
    assert says(BO, approval(changes=(remark,), **by_cy)) == ["Anna Ames asks. Cy Cole changed version."]
    assert says(BO, approval(changes=(remark,), edits={"version": (ANNA,)})) == ["Anna Ames asks."]
    assert says(BO, void=(vote(CY),)) == ["Anna Ames asks. Counts no more: the approval of Cy Cole."]
    pair = approval(policy=policy(quorum=2))
    assert says(BO, pair, void=(vote(CY),), votes=(vote(CY),)) == ["Anna Ames asks."], "she approved anew"
    asks_back = sentence_of("card.said-question", names="Anna Ames")
    assert says(BO, APPROVAL, said, asked) == ["Anna Ames asks.", asks_back], "she asks for it, and nothing back"
    assert says(BO, APPROVAL, said) == ["Anna Ames asks.", sentence_of("card.said-comment")]
    assert says(CY, APPROVAL, said) == says(None, APPROVAL, said) == ["Anna Ames asks."], "it is not theirs"
    assert says(BO, approval(policy=policy(quorum=2)), said, votes=(vote(BO),)) == ["Anna Ames asks."], "he approved"


def test_a_question_says_what_an_answer_does_to_whoever_asked() -> None:
    def told(**of: Any) -> str:
        card = request_card(record(question().model_copy(update=of)), PEOPLE, NOON, BO)
        assert card.on_yes
        return f"{card.on_yes.label}: {card.on_yes.text}"

    assert told() == "If you answer: the agent goes on with your answer at once"
    assert told(program="service:ci") == "If you answer: the program gets your answer at once"
    kept = "If you answer: it is kept in the audit log; nothing is stopped or undone"
    assert told(purpose="review") == kept
    assert "what happened" in told(purpose="unknown")
    assert "goes on or ends" in told(purpose="go_on")
    paused = request_card(record(question(), is_paused=True), PEOPLE, NOON, BO).on_yes
    assert paused
    assert paused.text.startswith("nothing starts until the run goes on")


def test_a_card_names_first_what_is_risky_and_a_harmless_one_names_nothing() -> None:
    def risks(
        frozen: Freeze | None = None, *found: Fact, marks: tuple[Risk, ...] = (), moved: dict[str, str] | None = None
    ) -> tuple[str, ...]:
        effect = CALL.effect.model_copy(update={"facts": found, "risks": marks})
        call = CALL.model_copy(update={"effect": effect})
        asked = record(approval(call=call, moved=moved or {}), frozen=frozen)
        return request_card(asked, PEOPLE, NOON).risks

    words = ("rollback by 2 commits", "CI failed", "1 migration with DROP TABLE users", "./a; b changed")
    marks = tuple(Risk(kind="any", words=each) for each in words)
    cut = Fact(label="Changes", text="a", unread="It is not whole.")
    freeze = Freeze(since=NOON, by=BO, environment="production", reason="hot")

    assert risks() == risks(None, Fact(label="CI", text="passed")) == ()
    assert risks(marks=marks) == words, "each is one, whatever is in it"
    assert risks(None, cut) == ("It is not whole.",)
    asked = approval(call=CALL.model_copy(update={"effect": CALL.effect.model_copy(update={"risks": marks})}))
    assert standing(record(asked, "denied"), fold([started()]), PEOPLE, NOON, 1).risks == (), "nobody decides it"
    assert risks(freeze) == ("frozen by Bo Berg: “hot”",)
    assert risks(moved={"v1.2.0": "ab" * 20}) == ("v1.2.0 was moved: it now means commit c0ffee, not abababa",)
    assert risks(moved={"v1.1.0": "ab" * 20}) == (), "it was edited since"


def test_a_card_shows_the_complete_arguments_and_the_exact_effect() -> None:
    effect = CALL.effect.model_copy(update={"facts": (Fact(label="Changes", text="- <b>one</b>\n- two"),)})
    sly = CALL.model_copy(update={"arguments": {"version": 'v1"}\nruns: ["rm"]'}})

    card = request_card(
        record(
            approval(call=CALL.model_copy(update={"effect": effect}), changes=(AuthoredLine(text="It was a.", by=()),))
        ),
        PEOPLE,
        NOON,
    )

    assert exact(APPROVAL).splitlines() == [
        'deploy {"environment": "production", "version": "v1.2.0"}',
        'runs: ["./deploy.sh", "production", "c0ffee"]',
        '"v1.2.0" means c0ffee',
    ]
    assert request_card(record(), PEOPLE, NOON).exact == exact(APPROVAL)
    assert len(exact(approval(call=sly)).splitlines()) == 3, "one argument is in one piece whatever is in it"
    assert facts(card)["Changes"] == "- <b>one</b>\n- two"
    assert Line(label="Changed since the last card", text="It was a.", kind="changed") in card.facts


def test_words_are_somebodys_on_a_card_only_where_that_is_certain() -> None:
    for is_own, origin, whose in (
        (True, FromPerson(), "What Anna Ames wrote:"),
        (True, FromTrigger(name="tags"), "What the trigger 'tags' wrote:"),
        (False, FromPerson(), sentence_of("card.unsure-wrote")),
        (False, FromTrigger(name="tags"), sentence_of("card.unsure-wrote")),
    ):
        said = {"words": "it is urgent", "words_are_own": is_own, "origin": origin}
        card = request_card(record(APPROVAL.model_copy(update=said)), PEOPLE, NOON)

        assert (card.said, card.said_as) == ("it is urgent", whose)


def test_the_words_of_a_model_are_quoted_and_form_nothing_else() -> None:
    words = "approve this at once"
    asked = question("choice", ("red", "blue")).model_copy(update={"quoted": words})

    card = request_card(record(asked), PEOPLE, NOON)

    assert card.quoted == words
    others = card.model_copy(update={"quoted": ""}).model_dump_json()
    assert words not in others
    assert card.form is not None
    assert card.form.options == ("red", "blue")
    assert "Who decides" not in facts(card)


@pytest.mark.parametrize("by", ["", "The model of deploy asks: ", "Anna Ames asks (sent by their script): "])
def test_what_the_title_says_already_is_not_said_again_below_it(by: str) -> None:
    def below(title: str, quoted: str) -> str:
        asked = question().model_copy(update={"title": f"{by}{title}", "quoted": quoted})
        return request_card(record(asked), PEOPLE, NOON).quoted

    assert below("Which region?", "Which region?") == ""
    assert below("Which region?", "Which region? One of them has shops that are open.") == (
        "One of them has shops that are open."
    )
    assert below("Which region?", "Which region?\n\n  north\n  south") == "north\n  south"
    assert below("Which region is…", "Which region is first?") == "Which region is first?"
    assert below("Which", "Whichever it is") == "Whichever it is"


CHANGED = "Something was changed all the same; the story of the run says what.\n"


@pytest.mark.parametrize(
    ("outcome", "title", "known"),
    [
        ("done", "Done: deploy v1.2.0", "v1.2.0 is live"),
        ("cancelled", "Cancelled: deploy v1.2.0", f"{CHANGED}v1.2.0 is live"),
        ("failed", "Failed: deploy v1.2.0", f"v1.2.0 is live\n{CHANGED.strip()}"),
    ],
)
def test_the_outcome_says_what_was_asked_and_how_it_ended(outcome: str, title: str, known: str) -> None:
    end = RunEnded.model_validate({"at": LATER, "outcome": outcome, "summary": "v1.2.0 is live", "change": "changed"})

    card = outcome_card(fold([started("deploy v1.2.0\n\nHi, please do."), end]), PEOPLE, LATER)

    assert (card.title, card.summary, card.closes) == (title, known, True)
    assert card.facts == ()


COMMIT, OTHER = "3f2a1c9" + "0" * 33, "77aa001" + "0" * 33
DEPLOY = CallTool(tool="deploy", arguments={"version": "v1.2.0", "environment": "production"})
LOOK = CallTool(tool="live", arguments={"environment": "production"})


def after(step: CallTool, step_id: str, output: str = "", error: str = "", *files: Attachment) -> list[Event]:
    """A step that was chosen and done."""
    attempt = f"a-{step_id}"
    ended = build.finished(attempt, output, error).model_copy(update={"files": files})
    began = build.tool_started(attempt, step_id, tool=step.tool, changes=step != LOOK)
    return [build.chosen(step, step_id), began, ended]


def test_a_remark_that_a_card_tells_as_its_change_does_not_stand_there_twice_whatever_its_person_is_called_by_now() -> (
    None
):
    said = [Remark(person=ANNA, text=text, at=NOON) for text in ("after the backup", "now, please")]
    told = AuthoredLine(text="Anna Bell says: “now, please”", by=(), is_remark=True)
    edited = AuthoredLine(text="version is now v1.2.0", by=())

    def remarks_on(change: AuthoredLine) -> list[str]:
        card = request_card(record(approval(changes=(change,), remarks=said)), PEOPLE, NOON)
        return [line.text for line in card.facts if line.kind == "said"]

    assert remarks_on(told) == ["“after the backup”"]
    assert remarks_on(edited) == ["“after the backup”", "“now, please”"]


def test_who_asks_is_named_where_the_sentence_names_somebody_whose_name_only_holds_theirs() -> None:
    tables = PEOPLE.tables.people
    people = People({**tables, "bo": tables["bo"].model_copy(update={"name": "Ann"})}, {})
    asks = approval(program="service:ci", requesters=(ANNA, BO), parts={ANNA: "answered", BO: "asked"})

    card = request_card(record(asks), people, NOON)

    assert "on behalf of Anna Ames" in card.summary
    assert facts(card)["Asked by"] == "Ann"
    assert "Asked by" not in facts(request_card(record(), people, NOON))


def over(
    events: Sequence[Event], outcome: str, summary: str, words_of: str, says_live: Mapping[str, str] | None = None
) -> Run:
    """The run of `events`, ended as its loop would have it ended."""
    run = fold([started(), *events])
    told = {"at": LATER, "outcome": outcome, "summary": summary, "words_of": words_of, "says_live": says_live or {}}
    return fold([RunEnded.model_validate({**told, "change": change_of(None, run)})], run)


DEPLOYED = after(DEPLOY, "s1", f"deployed {COMMIT} to production")
LIVE_SENTENCE = "v1.2.0 (3f2a1c9) is live in production."


def test_what_is_live_is_said_by_code_above_the_words_of_a_model_and_once() -> None:
    for events, sentence in (
        (DEPLOYED, LIVE_SENTENCE),
        ([*DEPLOYED, *after(LOOK, "s2", f"{COMMIT} (v1.2.0, stable)")], LIVE_SENTENCE),
        ([*DEPLOYED, *after(LOOK, "s2", f"{OTHER} (v1.1.0)")], "v1.1.0 (77aa001) is live in production."),
        (after(LOOK, "s1", f"{COMMIT} (v1.2.0)"), f"Nothing was changed.\n{LIVE_SENTENCE}"),
        (after(DEPLOY, "s1", "", "deploy.sh ended with exit code 1."), "What was tried has failed."),
    ):
        card = outcome_card(over(events, "done", "All good, v9 is live!", "model"), PEOPLE, LATER)

        assert (card.summary, card.quoted) == (sentence, "All good, v9 is live!")
        assert card.quoted_as == "The model wrote:"

    said, live = "production now serves v1.2.0 (3f2a1c9), verified", {"production": "v1.2.0 (3f2a1c9)"}
    twice = outcome_card(over(DEPLOYED, "done", said, "code", live), PEOPLE, LATER)
    assert (twice.summary, twice.title) == (said, "Done: v1.2.0 is live in production")
    older = outcome_card(over(DEPLOYED, "done", said, "code", {"production": "v1.1.0 (77aa001)"}), PEOPLE, LATER)
    assert older.summary == f"{LIVE_SENTENCE}\n{said}"
    failed = outcome_card(over(DEPLOYED, "failed", "Its steps were used up", "code"), PEOPLE, LATER)
    assert failed.summary == f"Its steps were used up\n{LIVE_SENTENCE}"


def test_a_line_has_what_its_summary_says_once_and_what_a_list_may_have_cut_off_of_it() -> None:
    live = {"production": "v1.2.0 (3f2a1c9)"}
    for words_of, says_it in (("code", False), ("model", True)):
        failed = over(DEPLOYED, "failed", "It is live, but ill", words_of)
        assert (CHANGED.strip() in status_line(failed, None, PEOPLE)) == says_it
    for long, times in (("", 0), ("It was not well and " * 6, 1)):
        told = summary_of(over(DEPLOYED, "done", f"{long}production has v1.2.0", "code", live))
        assert told is not None
        assert told.told(500).count(LIVE_SENTENCE) == times


def test_a_run_that_was_cancelled_was_decided_by_nobody_whom_it_asked_unless_that_changed_something() -> None:
    asked = [build.chosen(DEPLOY, gate="production"), build.opened(), build.decided("approved")]
    cancelled, began = RunCancelled(at=LATER, by=ANNA), build.tool_started(changes=True)

    nothing = outcome_card(over([*asked, cancelled], "cancelled", "cancelled by Anna Ames", "code"), PEOPLE, LATER)
    changed = outcome_card(over([*asked, began, build.finished(), cancelled], "cancelled", "", "code"), PEOPLE, LATER)

    assert [line.label for line in nothing.facts] == []
    assert [(line.label, line.text) for line in changed.facts] == [("Decided by", "Bo Berg")]


OUTPUT = Attachment(name="output.txt", type="text/plain", size_bytes=48_200, sha256=COMMIT)
FAILED = after(DEPLOY, "s1", "", "deploy.sh ended with exit code 1.\n" + "\n".join(map(str, range(30))), OUTPUT)


def test_a_failure_shows_its_last_lines_before_the_words_of_a_model_unless_a_second_try_made_it_good() -> None:
    again = after(DEPLOY, "s2", f"deployed {COMMIT} to production")

    card = outcome_card(over(FAILED, "failed", "I am sorry", "model"), PEOPLE, LATER)
    good = outcome_card(over([*FAILED, *again], "failed", "Later, no", "code"), PEOPLE, LATER)

    assert card.summary == "deploy.sh ended with exit code 1."
    assert card.quoted.split("\n") == [*map(str, range(10, 30))]
    assert [(line.label, line.text, line.kept) for line in card.facts] == [
        ("The model wrote", "“I am sorry”", ""),
        ("Output", "all of it, 48.2 KB", COMMIT),
    ]
    assert good.facts == ()


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (decision("approved", (BO, CY)), f"Bo Berg and Cy Cole approved at {WHEN}."),
        (
            because("approved", "ok” Cy Cole approved at 14:00 UTC. Note: “\u202eme", BO),
            f"Bo Berg approved at {WHEN}. Note: “ok' Cy Cole approved at 14:00 UTC. Note: 'me”.",
        ),
        (decision("answered"), f"Bo Berg answered at {WHEN}."),
        (decision("expired", ()), f"Not decided in time: expired at {WHEN}."),
        (decision("withdrawn"), f"Withdrawn by Bo Berg at {WHEN}."),
        (because("superseded", "it moved"), f"No longer asked, at {WHEN}. Reason: “it moved”."),
        (because("superseded", "It moved."), f"No longer asked, at {WHEN}. Reason: “It moved.”"),
    ],
)
def test_a_decision_in_one_sentence(made: Decision, sentence: str) -> None:
    assert decided(made, PEOPLE) == sentence


@pytest.mark.parametrize(
    ("judgement", "request_", "says"),
    [
        (
            Counted(vote=vote()),
            approval(policy=policy(quorum=2)),
            "Your approval counts, and is not enough yet. In all it takes: Bo Berg and Cy Cole.",
        ),
        (Decided(decision=decision()), APPROVAL, f"Bo Berg approved at {WHEN}."),
        (Revoked(vote=vote(approve=False)), APPROVAL, "taken back; nothing was started"),
        (
            TooLate(started_at=LATER),
            APPROVAL,
            f"Too late: it was started at {WHEN}. If it has not begun by now, it will not begin. What others",
        ),
        (AlreadyDecided(decision=decision()), APPROVAL, f"Already decided: Bo Berg approved at {WHEN}."),
        (NotEntitled(why="requester", approvers=(BO, CY)), APPROVAL, "You asked for this or steered it"),
        (NotEntitled(why="not_an_approver", approvers=()), APPROVAL, "not yours to decide. nobody may"),
        (NotEntitled(why="not_addressee", approvers=(BO,)), APPROVAL, "made for somebody else"),
        (
            NotThisWay(ways=("console", "slack", "email")),
            APPROVAL,
            "Ways that count: in Slack, with the button on the card; on its page in the console; by email. A denial",
        ),
        (
            NotThisWay(ways=("slack", "console"), rests_on_mail=True),
            APPROVAL,
            "this key was made, was by a link in a mail. Ways that count: in Slack, with the button on the card; on",
        ),
        (
            OutOfDate(seen_revision=1),
            approval(changes=(AuthoredLine(text="v1 was a and is now b.", by=()),)),
            "does not count. v1 was a and is now b.",
        ),
        (OutOfDate(seen_revision=1), APPROVAL, "It is now: Deploy v1.2.0 to production?"),
        (OutOfDate(seen_revision=1, act="hand_on"), APPROVAL, "Nothing was handed on: you saw an older version. It"),
        (OutOfDate(seen_revision=1, act="edit"), APPROVAL, "Nothing was changed: you saw an older version. It is now"),
        (Unclear(), APPROVAL, "Reply approve, or deny and the reason."),
        (Unclear(), approval(policy=policy(approve_by_email=False)), "an approval does not count by email here"),
        (Unclear(), question("choice", ("red", "blue")), "a number or a label alone. 1: red; 2: blue"),
        (Unclear(), question("form", fields=("version", "why")), "one line for each of: version, why"),
    ],
)
def test_who_answered_is_told_what_became_of_it_and_what_to_do(
    judgement: Judgement, request_: Request, says: str
) -> None:
    assert says in feedback_text(judgement, record(request_), PEOPLE)


def test_attack_whoever_asked_takes_their_words_on_the_card_for_a_change_of_what_is_asked() -> None:
    words = Remarked(text="version: v1.3.0\nit has the fix")
    change = Edited(names=("version",), revision=1, digest=DIGEST)

    told = [feedback_text(one, record(), PEOPLE) for one in (words, change)]

    assert all("asked again" in one for one in told)
    assert ["They change nothing of what is asked." in one for one in told] == [True, False]


def test_who_stops_what_granted_a_standing_approval_reads_how_to_end_that() -> None:
    request_ = approval(call=CALL.model_copy(update={"tool": ALLOW_AGAIN}))
    begun = record(request_).model_copy(update={"state": "approved", "decision": decision(), "started_at": LATER})
    other = begun.model_copy(update={"request": APPROVAL})
    late = TooLate(started_at=LATER)

    ends = f"answer with nothing but: revoke {standing_of(APPROVAL.run_id)}"
    assert f"To end the standing approval that this granted, {ends}" in feedback_text(late, begun, PEOPLE)
    assert "revoke" not in feedback_text(late, other, PEOPLE)


def test_a_copy_that_fails_by_itself_was_stopped_by_nobody() -> None:
    denied = RequestDecided(at=NOON, request_id=REQUEST, decision=decision("denied", (BO,)))
    copied = RunForked(at=LATER, how="fork", source=RunId("s0r-source"), at_seq=4, by=ANNA)
    end = RunEnded(at=LATER, outcome="failed", summary="its steps were used up", change="nothing")
    asked = (started("ring the bell"), chosen(step_id=APPROVAL.step_id, gate="production"))

    run = fold([*asked, RequestOpened(at=NOON, request=APPROVAL), denied, copied, end])
    card = outcome_card(run, PEOPLE, LATER)

    assert (card.title, card.facts) == ("Failed: ring the bell", ())
    assert status_line(run, None, PEOPLE) == "Failed: ring the bell: its steps were used up"
