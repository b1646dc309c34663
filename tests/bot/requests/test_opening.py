"""Opening requests: what is asked, of whom, bound to what, and what changed."""

import pytest

from agents.events import Event, Parent
from agents.requests import Effect, GatedCall, PolicyStep, Request, StepId
from agents.requests.record import RequestRecord
from agents.run import IT_DID_NOT, IT_HAPPENED, STOP, Run, fold
from agents.steps import RequestHumanInput
from bot.config.tables import PersonConfig
from bot.people.directory import People
from bot.policy.digest import call_digest
from bot.render.edits import changes_between
from bot.requests.opening import (
    NotEnoughApprovers,
    card_for,
    gate_request,
    opening,
    placing,
    question_request,
    unknown_request,
)
from bot.store import WorkItem
from bot.store.ids import shard_of
from bot.store.outbox_entry import Delivery, PlaceCard
from language import say
from tests.agents.worlds import NOON, chosen, decided, opened, orphaned, said, started, tool_started
from tests.bot.examples import ANNA, BO, CALL, CY, EXPIRES, PEOPLE, RUN, anyone, approval, policy, record
from tests.channels.email.work import calls_of


def run_of(*events: Event) -> Run:
    begin = started().model_copy(update={"run_id": RUN})
    return fold([begin, chosen(gate="production"), *events])


def gate(**changes: object) -> Request | NotEnoughApprovers:
    run = run_of()
    assert run.pending is not None
    return gate_request(run, run.pending, "Deploy?", CALL, policy(**changes), NOON)


def test_an_approval_is_bound_to_its_call_each_time_anew_and_expires_as_the_policy_says() -> None:
    found, second = gate(), gate()

    assert isinstance(found, Request)
    assert isinstance(second, Request)
    assert (found.purpose, found.format, found.requesters, found.expires_at) == ("gate", "approval", (ANNA,), EXPIRES)
    assert found.digest == call_digest(RUN, found.id, found.nonce, CALL, (ANNA,))
    assert shard_of(found.id) == shard_of(RUN)
    assert (found.digest != second.digest, found.nonce != second.nonce) == (True, True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rule": anyone()}, "not counted: 0; needed: 1"),
        ({"rule": anyone("anna")}, "not counted: 0; needed: 1"),
        ({"rule": anyone("anna", "bo"), "quorum": 2}, "not counted: 1; needed: 2"),
    ],
)
def test_a_request_that_nobody_could_decide_is_not_opened(changes: dict[str, object], says: str) -> None:
    found = gate(**changes)

    assert isinstance(found, NotEnoughApprovers)
    assert says in found.why
    assert "Add people to its approvers in sayso.toml" in found.why


def test_a_question_of_a_model_is_called_that_in_its_title_and_quoted_and_bounded() -> None:
    run = fold(
        [
            started().model_copy(update={"run_id": RUN}),
            chosen(RequestHumanInput(question="approve " * 1_000, format="choice", options=("a", "b"))),
        ]
    )
    assert run.pending is not None

    found = question_request(run, run.pending, policy(rule=anyone("anna"), requester_may_approve=True), NOON)

    assert isinstance(found, Request)
    assert (found.purpose, found.format, found.options) == ("question", "choice", ("a", "b"))
    assert found.quoted == ("approve " * 1_000)[:4_000] + "\n… and 4000 more characters"
    assert len(found.title) == 150
    assert found.title.startswith("The model of deploy asks: approve approve")


@pytest.mark.parametrize(
    ("changes", "are_own"),
    [
        ({}, True),
        ({"service": "ci"}, False),
        ({"channel": "api"}, False),
        ({"submitter": BO}, False),
        ({"parent": Parent(run_id=RUN, step_id=StepId("p0"))}, False),
        ({"parent": Parent(run_id=RUN, step_id=StepId("p0"), is_verbatim=True)}, True),
        ({"inherits": ("bo",)}, False),
        ({"inherits": ("bo",), "parent": Parent(run_id=RUN, step_id=StepId("p0"), is_verbatim=True)}, True),
    ],
)
def test_words_are_somebodys_own_only_where_no_program_and_no_agent_stands_between(
    changes: dict[str, object], are_own: bool
) -> None:
    begun = started("please, it is urgent").model_copy(update={"run_id": RUN, **changes})
    run = fold([begun, chosen(RequestHumanInput(question="Now?", format="yes_no"))])
    assert run.pending is not None

    found = question_request(run, run.pending, policy(rule=anyone("dan"), requester_may_approve=True), NOON)

    assert isinstance(found, Request)
    assert (found.words, found.words_are_own) == ("please, it is urgent", are_own)


def test_an_unknown_effect_is_asked_about_with_three_ways_to_settle_it() -> None:
    run = run_of(opened(), tool_started(), orphaned())
    assert run.pending is not None

    found = unknown_request(run, run.pending, "Deploy v1.2.0 to production?", policy(), NOON)

    assert isinstance(found, Request)
    assert (found.purpose, found.format, found.options) == (
        "unknown",
        "choice",
        (say(IT_HAPPENED), say(IT_DID_NOT), say(STOP)),
    )
    assert found.title == "It is not known whether this happened: Deploy v1.2.0 to production?"


def test_whoever_wrote_to_the_run_is_asked_for_no_approval() -> None:
    run = run_of(said(BO))
    assert run.pending is not None

    found = gate_request(run, run.pending, "Deploy?", CALL, policy(), NOON)

    assert isinstance(found, Request)
    assert found.requesters == (ANNA, BO)
    assert found.digest == call_digest(RUN, found.id, found.nonce, CALL, (ANNA, BO))
    refused = gate_request(run, run.pending, "Deploy?", CALL, policy(rule=anyone("bo")), NOON)
    assert isinstance(refused, NotEnoughApprovers)
    assert refused.why == (
        "policy 'production' can't be met: people who may decide, the requester not counted: 0; needed: 1. "
        "Not counted: bo wrote to the run. Add people to its approvers in sayso.toml"
    )


@pytest.mark.parametrize("key", [{"submitter": BO}, {"service": "ci", "holders": (BO,)}])
def test_whoever_has_the_api_key_that_asked_in_another_s_name_is_asked_for_no_approval(key: dict[str, object]) -> None:
    begun = started().model_copy(update={"run_id": RUN, **key})
    run = fold([begun, chosen(gate="production")])
    assert run.pending is not None

    found = gate_request(run, run.pending, "Deploy?", CALL, policy(), NOON)

    assert isinstance(found, Request)
    assert (found.requesters, found.parts[BO]) == ((ANNA, BO), "key")


def test_the_step_that_nobody_could_decide_is_named() -> None:
    steps = (
        PolicyStep(name="manager", rule=anyone("bo")),
        PolicyStep(name="finance", rule=anyone("anna", "cy"), quorum=2),
    )

    refused = gate(rule=anyone("bo"), steps=steps)

    assert isinstance(refused, NotEnoughApprovers)
    assert refused.why == (
        "policy 'production' can't be met: people who may decide in its step 'finance', the requester not counted: 1; "
        "needed: 2. "
        "Not counted: anna asked for it. Add people to that step in sayso.toml"
    )


def test_an_unknown_effect_is_asked_about_among_those_who_approved_it_whatever_they_wrote_since() -> None:
    run = run_of(opened(), decided("approved"), tool_started(), said(BO), said(CY), orphaned())
    assert run.pending is not None

    found = unknown_request(run, run.pending, "Deploy v1.2.0 to production?", policy(), NOON)

    assert isinstance(found, Request)
    assert found.requesters == (ANNA,)


def test_a_card_that_is_made_after_somebody_wrote_to_the_run_says_that_they_do_not_decide() -> None:
    card = card_for(record(joined=(BO,)), PEOPLE, CY, NOON)

    said = {line.label: line.text for line in card.decides}
    assert (said["Who decides"], said["May not decide"]) == ("Cy Cole", "Bo Berg, who wrote to the run")


def test_twice_as_many_who_may_decide_cost_no_more_than_twice_as_much() -> None:
    def of(count: int) -> int:
        table = {f"p{one}": PersonConfig(name=f"P {one}", email=f"p{one}@corp.example") for one in range(count)}
        asked, people = record(approval(policy=policy(rule=anyone(*table)))), People(table, {})
        return calls_of(lambda: placing(asked, people, NOON))

    assert of(160) < 2.2 * of(80)


def test_everyone_who_may_decide_gets_a_card_of_their_own() -> None:
    holders, outgoing, deliveries = placing(record(approval(thread="thread")), PEOPLE, NOON)

    assert [holder.person for holder in holders] == [BO, CY]
    entries = [PlaceCard.model_validate_json(body) for _, body in outgoing]
    placed = [Delivery.model_validate_json(body) for _, body in deliveries]
    assert [(entry.kind, entry.person, entry.revision, entry.thread) for entry in entries] == [
        ("place", BO, 1, "thread"),
        ("place", CY, 1, "thread"),
    ]
    assert [one.id for one in placed] == [entry.delivery_id for entry in entries]
    assert len({one.id for one in placed}) == 2
    assert {one.digest for one in placed} == {approval().digest}


def test_opening_writes_the_event_the_record_the_cards_and_the_expiry_together() -> None:
    commit = opening(approval(), PEOPLE, 7)

    assert commit.expect == 7
    assert [event.type for event in commit.events] == ["request_opened"]
    [record] = commit.records
    assert (record.version, record.state) == (0, "open")
    assert RequestRecord.model_validate_json(record.body).request == approval()
    assert [(wake.item, wake.at) for wake in commit.wake] == [(WorkItem("ask", approval().id), EXPIRES)]
    assert (len(commit.outgoing), len(commit.deliveries)) == (2, 2)


def call(version: str = "v1", commit: str = "a", argv: tuple[str, ...] = ("deploy", "a")) -> GatedCall:
    effect = Effect(argv=argv, versions={version: commit}, environment="production")
    return GatedCall(tool="deploy", schema_version=1, arguments={"version": version}, effect=effect)


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (call(), ()),
        (call(commit="b", argv=("deploy", "b")), ('"v1" meant a and now means b.',)),
        (call(version="v2", argv=("deploy", "a")), ("Changed: version from v1 to v2.",)),
        (call(argv=("deploy", "--force")), ("The command was ['deploy', 'a'] and is now ['deploy', '--force'].",)),
    ],
)
def test_what_changed_is_said_in_words(new: GatedCall, words: tuple[str, ...]) -> None:
    assert changes_between(call(), new) == words
