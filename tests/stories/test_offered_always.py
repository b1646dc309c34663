"""Promises for any request and anybody: a surface offers them what the judge would count, no more and no less."""

import itertools
from collections.abc import Iterator
from typing import Any, cast

from hypothesis import given as any_of_them
from hypothesis import strategies as st

from agents.requests import (
    Anyone,
    DeliveryId,
    GatedCall,
    Given,
    PersonId,
    PolicyStep,
    Request,
    RequestState,
    Rule,
)
from agents.requests.asked import AskedStep, HandedOn
from agents.requests.moves import StepBegan
from agents.requests.proof import LinkBy
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.config.directory.policies import PolicyConfig
from bot.config.tables import PersonConfig
from bot.people.directory import People
from bot.people.offers import offers, waits_for
from bot.people.recognition import as_known_now, may_have_sat
from bot.people.sessions import Login
from bot.policy.approvers.delegation import Involved, objection
from bot.policy.approvers.who import who_of
from bot.policy.due import waited_for
from bot.policy.edits import changeable
from bot.policy.judge import judge, ways_to_approve
from bot.policy.judge import objection as refusal
from bot.policy.judgements import Act, Answer, Asked, Counted, Decided, Judgement, NotEntitled, Revoked
from bot.render.cards import request_card
from bot.render.due import what_a_yes_does
from bot.render.request_card import offered_form, standing, standing_card
from bot.render.views import request_view
from bot.store.journal import record_write
from bot.store.outbox_entry import Delivery
from bot.web.console.views.card import card_view
from channels import AnswerForm
from channels.slack.cards import controls
from channels.slack.inbound import act_of
from language import say
from tests.agents.worlds import started
from tests.bot.examples import (
    ANNA,
    BO,
    CALL,
    CY,
    DAN,
    DIGEST,
    LATER,
    NOON,
    REQUEST,
    RUN,
    all_of,
    answer,
    anyone,
    approval,
    decision,
    moved,
    policy,
    record,
    vote,
)
from tests.bot.policy.test_judge_always import STATES

EVE = PersonId("eve")
EVERYBODY = (ANNA, BO, CY, DAN, EVE)
DIRECTORY = People(
    {name: PersonConfig(name=name.title(), email=f"{name}@corp.example") for name in EVERYBODY},
    {"production": PolicyConfig.model_validate({"approvers": ["person:bo"], "expires_after": "4h"})},
)
STARTED = fold([started()])
Acts = frozenset[str]
LINKS: tuple[LinkBy, ...] = ("slack", "email", "operator")
MOSTLY_OPEN = cast("tuple[RequestState, ...]", (*["open"] * 8, *["approved"] * 4, *STATES))

SOME = st.lists(st.sampled_from(EVERYBODY), max_size=2, unique=True).map(tuple)
RULES = st.sampled_from(
    [anyone("bo", "cy"), anyone(*EVERYBODY), anyone("bo"), all_of(anyone("bo"), anyone("bo", "cy", "dan"))]
)


def in_steps(rule: Rule, by: tuple[PersonId, ...], in_step: int) -> dict[str, object]:
    """Two steps, one of them in force; the other one was met by these, or nobody was in it yet."""
    first = AskedStep(name="first", rule=anyone("dan"), by=by if in_step else ())
    return {"steps": (first, AskedStep(name="then", rule=rule)), "in_step": in_step}


STEPS = st.just(dict[str, object]()) | st.builds(in_steps, RULES, SOME, st.sampled_from([0, 1]))
GIVEN = st.sampled_from([(BO, CY), (CY, DAN), (DAN, EVE)]).map(lambda two: HandedOn(person=two[0], to=two[1]))
POLICIES = st.builds(
    policy,
    rule=RULES,
    quorum=st.integers(min_value=1, max_value=3),
    requester_may_approve=st.booleans(),
    editor_may_approve=st.booleans(),
    approve_by_email=st.booleans(),
    answer_from=st.sampled_from([("slack", "email", "console", "cli", "api"), ("email",), ("console", "slack")]),
    break_glass=SOME.map(lambda people: (anyone(*people),) if people else ()),
    stand_ins=SOME.map(
        lambda people: tuple(anyone(one).model_copy(update={"source": f"person:{one}"}) for one in people)
    ),
)
MOVED = st.fixed_dictionaries({"may_deny": SOME, "handed_on": st.lists(GIVEN, max_size=2).map(tuple)})


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """An approval or a question, as it may stand after edits, hand-ons and words of others."""
    requesters = draw(SOME)
    edits = draw(st.dictionaries(st.sampled_from(["version", "environment"]), SOME))
    parts = {one: draw(st.sampled_from(["asked", "wrote", "objected", "answered"])) for one in requesters}
    about = {"requesters": requesters, "parts": parts, "policy": draw(POLICIES)}
    if draw(st.integers(0, 4)) == 0:
        purpose = draw(st.sampled_from(["question", "unknown", "go_on", "review"]))
        return approval(format="free_text", purpose=purpose, call=None, **about)
    call: GatedCall = CALL.model_copy(update={"editable": draw(st.sampled_from([(), ("version",)]))})
    return approval(call=call, edits=edits, **about)


@st.composite
def asked(draw: st.DrawFn) -> RequestRecord:
    """A record of one, mostly open or approved: nothing else takes an answer."""
    request = draw(requests())
    state = draw(st.sampled_from(MOSTLY_OPEN))
    state = "answered" if state == "approved" and request.format != "approval" else state
    votes = tuple(vote(one) for one in draw(SOME) if request.format == "approval")
    joined = tuple(one for one in draw(SOME) if one not in request.requesters)
    now = moved(request.policy, **draw(MOVED), **draw(STEPS)).edited_by(request.editors, request.policy)
    begun = draw(st.sampled_from([None, None, LATER]))
    found = record(request, state, votes, asked=now, joined=joined, started_at=begun)
    if state == "approved" and draw(st.booleans()):
        broke = decision(by=(draw(st.sampled_from(EVERYBODY)),)).model_copy(update={"broke_glass": True})
        return found.model_copy(update={"decision": broke})
    return found if state != "open" else found.model_copy(update={"started_at": None})


def counted(found: RequestRecord, person: PersonId, way: str, **changes: Any) -> Acts:
    """What the judge would count of `person` now, by its own word."""
    found = as_known_now(found, DIRECTORY)
    request, is_vote = found.request, found.request.format == "approval"

    def said(act: Act, **words: Any) -> Answer:
        return answer(person, act, channel=way, **changes).model_copy(update={"text": "", **words})

    def judged(act: Act, **words: Any) -> object:
        return judge(found, said(act, **words), EVERYBODY)

    acts = set[str]()
    match judged("approve") if is_vote else judged("answer", given=Given(text="-")):
        case Counted() | Decided():
            acts.add("approve" if is_vote else "answer")
        case _:
            pass
    match judged("deny"):
        case Decided():
            acts.add("no")
        case Revoked():
            acts.add("stop")
        case _:
            pass
    if not is_vote or found.state != "open":
        return frozenset(acts | (_handed_on(found, said("hand_on")) if found.state == "open" else set()))
    match judged("ask", text="Why?"):
        case Asked(whom=whom) if whom:
            acts.add("ask")
        case _:
            pass
    may_change = changeable(request, asked=found.may_withdraw(person))
    acts |= {"edit"} if may_change and refusal(found, said("edit")) is None else set()
    broken = judged("break_glass", note="down", note_confirmed=True)
    acts |= {"glass"} if isinstance(broken, Decided) else set()
    return frozenset(acts | _handed_on(found, said("hand_on")))


def withdrawn(found: RequestRecord, person: PersonId) -> Judgement:
    """What becomes of a withdrawal by `person` now."""
    return judge(as_known_now(found, DIRECTORY), answer(person, "withdraw"), EVERYBODY)


def _handed_on(found: RequestRecord, said: Answer) -> set[str]:
    """Whether there is somebody to whom it goes who has had no seat, after which enough are left who can decide it."""
    if refusal(found, said) is not None:
        return set()
    may_take, sat = DIRECTORY.may_take(found, LATER), may_have_sat(found, DIRECTORY)

    def accepts(seat: Anyone) -> set[PersonId]:
        return {*may_take(seat)}.difference(sat)

    votes = [one.person for one in found.votes if one.approve]
    involved = Involved(who_of(found), votes, EVERYBODY)
    why = [objection(said.person, to, involved, accepts) for to in EVERYBODY]
    return {"hand_on"} if None in why else set()


ACTS = {"approve": "approve", "deny": "no", "withdraw": "no", "break_glass": "glass", "write": "answer"}


def named(act: str) -> str:
    return ACTS.get(act, act)


def pressed(form: AnswerForm | None) -> Acts:
    """What can be pressed in Slack."""
    blocks = controls(form, has_details=False) if form else ()
    buttons = [one for block in blocks for one in cast("list[dict[str, Any]]", block["elements"])]
    menus = [option["value"] for one in buttons for option in one.get("options", ())]
    names = {one["action_id"] for one in buttons if "options" not in one} | {value.split()[0] for value in menus}
    acts = {named(act_of(name)[0] or name) for name in names}
    return frozenset({"stop"} if form and form.only_stops else acts)


def written(form: AnswerForm | None) -> Acts:
    """What a mail says that can be written."""
    if form is None or form.only_stops:
        return frozenset({"stop"} if form else ())
    how = [act.name for act in form.acts if act.how]
    return frozenset(named(name) for name in how) | ({"answer"} if form.format != "approval" else set[str]())


def in_slack(found: RequestRecord, me: PersonId | None) -> Iterator[Acts]:
    """The card as it is sent, and as it is drawn again; of what is decided, only that."""
    if found.state == "open":
        sent = request_card(found, DIRECTORY, NOON, me).form
        assert sent
        yield pressed(offered_form(sent, found, DIRECTORY, "slack", LATER, me))
    again = standing(found, STARTED, DIRECTORY, LATER, 1, me).form
    yield pressed(offered_form(again, found, DIRECTORY, "slack", LATER, me) if again else None)


@any_of_them(asked())
def test_a_card_in_slack_offers_its_reader_what_counts_sent_and_drawn_again_and_in_a_window(
    found: RequestRecord,
) -> None:
    for person in EVERYBODY:
        for offered in in_slack(found, person):
            assert offered == counted(found, person, "slack")

        placed = Delivery(
            id=DeliveryId("s0d-a"), run_id=RUN, request_id=REQUEST, revision=1, digest=DIGEST, person=person
        )
        window = standing_card(found, placed, person, "slack", DIRECTORY, LATER)
        assert pressed(window.form) == counted(found, person, "slack")


@any_of_them(asked())
def test_a_card_that_many_see_offers_what_counts_of_any_of_them(found: RequestRecord) -> None:
    """Of the arguments it offers those that whoever decides may change; who asked changes theirs on their own page."""
    everybodys = frozenset(itertools.chain(*(counted(found, person, "slack") for person in EVERYBODY)))
    is_editable = found.request.call is not None and bool(found.request.call.editable)

    for offered in in_slack(found, None):
        assert offered == everybodys - (set[str]() if is_editable else {"edit"})


@any_of_them(asked())
def test_a_mail_says_how_to_do_what_counts_by_mail(found: RequestRecord) -> None:
    if found.state != "open":
        return
    sent = request_card(found, DIRECTORY, NOON).form
    assert sent

    for person in EVERYBODY:
        offered = offered_form(sent, found, DIRECTORY, "email", LATER, person, keeps=True)
        words = {"answer"} if found.request.format != "approval" else set[str]()
        assert written(offered) - words == counted(found, person, "email") - words


@any_of_them(asked(), st.sampled_from(LINKS))
def test_the_page_of_a_request_offers_what_counts_there(found: RequestRecord, by: LinkBy) -> None:
    for person in EVERYBODY:
        card = card_view(found, DIRECTORY, Login(person=person, by=by), LATER)

        own = [act for act in (card.shown.form.acts if card.shown.form else ()) if act.name != "withdraw"]
        offered = frozenset("stop" if act.tone == "stop" else named(act.name) for act in own)
        wanted = counted(found, person, "console", link_by=by)
        # Whoever asked says no by another button, which is theirs for a question as well.
        may_withdraw = card.can("withdraw")
        assert may_withdraw is (found.state == "open" and isinstance(withdrawn(found, person), Decided))
        assert offered | ({"no"} if may_withdraw and "no" in wanted else set()) == wanted


@any_of_them(asked())
def test_a_card_says_what_becomes_of_its_readers_yes(found: RequestRecord) -> None:
    known, is_vote = as_known_now(found, DIRECTORY), found.request.format == "approval"
    for person in EVERYBODY if found.state == "open" and is_vote else ():
        way = next(iter(ways_to_approve(found.request.policy)), "")
        match judge(known, answer(person, channel=way), EVERYBODY):
            case Decided():
                # Deploys wait for each other.
                is_deploy = found.request.call is not None and found.request.call.tool == "deploy"
                does = say("card.approved-in-turn" if is_deploy else "card.approved-gate")
            case Counted(next_step=StepBegan(number=number)):
                does = say("card.yes-then-step", name=known.asked.steps[number].name)
            case Counted():
                does = None  # somebody else has to approve as well
            case _:
                continue

        told = what_a_yes_does(found, DIRECTORY, person)

        assert told.label == say("card.if-you-approve")
        assert told.text == does if does else " approved too, " in told.text


@any_of_them(asked())
def test_whoever_asked_may_withdraw_what_the_judge_lets_them(found: RequestRecord) -> None:
    for person in EVERYBODY:
        can = offers(found, DIRECTORY, person, "console", LATER)

        match withdrawn(found, person):
            case Decided(decision=made):
                assert can.becomes("withdraw") == made.state == "withdrawn"
            case Revoked():
                assert can.becomes("withdraw") == can.becomes("deny") == "revoked"
            case why:
                assert can.why_not["withdraw"] == why
        is_of_code = found.request.purpose in {"unknown", "review"}
        is_waiting = found.state == "open" or (found.state == "approved" and found.started_at is None)
        assert ("withdraw" in can) is (person in found.askers and is_waiting and not is_of_code)


@any_of_them(asked())
def test_lists_and_programs_are_told_of_those_whose_word_decides(found: RequestRecord) -> None:
    if found.state != "open":
        return
    ways, view = ways_to_approve(found.request.policy), request_view(found, DIRECTORY)
    is_vote, listed = found.request.format == "approval", record_write(found, 1).people
    # Whose word decides does not hang on the way it comes.
    every_way = found.request.policy.model_copy(update={"answer_from": ("console", "email", "slack")})
    anyway = found.model_copy(update={"request": found.request.model_copy(update={"policy": every_way})})
    given = None if is_vote else Given(text="-")

    for person in EVERYBODY:
        yes = answer(person, "approve" if is_vote else "answer", given=given, channel="console")
        before = anyway.model_copy(update={"votes": tuple(one for one in found.votes if one.person != person)})
        known = judge(as_known_now(before, DIRECTORY), yes, EVERYBODY)
        assert (person in view.may_decide) is not isinstance(known, NotEntitled)
        # The lists know no directory, and hold more: once others have left, it may wait for whoever is needed later.
        judged = judge(before, yes, EVERYBODY)
        assert (person in listed) is (not isinstance(judged, NotEntitled) or judged.why == "needed_later")
        if ways:
            acts = frozenset(itertools.chain(*(counted(found, person, way) for way in ways)))
            assert waits_for(found, person, DIRECTORY) is bool(acts & {"approve", "answer"})
            assert (person in view.may_break_glass) is ("glass" in acts)


def test_who_wrote_to_the_run_since_is_listed_for_nobody_to_wait_for() -> None:
    found = record(joined=(BO,))

    assert record_write(found, 1).people == request_view(found, DIRECTORY).may_decide == (CY,)
    assert not waits_for(found, BO, DIRECTORY)


def test_who_is_needed_for_a_later_step_is_not_waited_for_before_it() -> None:
    steps = (PolicyStep(name="first", rule=anyone("bo", "cy")), PolicyStep(name="then", rule=anyone("cy")))
    found = record(approval(policy=policy(rule=anyone("bo", "cy"), steps=steps)))

    assert [waits_for(found, one, DIRECTORY) for one in (BO, CY)] == [True, False]
    assert "approve" not in counted(found, CY, "console")
    assert "no" in counted(found, CY, "console")
    view = request_view(found, DIRECTORY)
    assert (view.may_decide, view.rule) == ((BO,), "step 1 of 2, “first”: Bo; then “then”: Cy")
    assert waited_for(found) == (BO,)


def test_no_mail_says_how_to_hand_on_what_nobody_could_take_without_leaving_too_few() -> None:
    stand_in = anyone("dan").model_copy(update={"source": "person:dan"})
    found = record(approval(policy=policy(rule=anyone("bo", "cy"), quorum=3, stand_ins=(stand_in,))))
    sent = request_card(found, DIRECTORY, NOON).form
    assert sent

    assert "hand_on" not in written(offered_form(sent, found, DIRECTORY, "email", LATER, BO, keeps=True))
