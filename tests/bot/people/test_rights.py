"""The table of rights: what each role may do to which run, with what, and what it is told."""

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, TypeAdapter

from agents.requests import PersonId
from bot.config.directory.groups import GroupTable
from bot.config.tables import PersonConfig, RolesConfig
from bot.people.api_keys import SCOPES, ApiKey, Scope
from bot.people.directory import People
from bot.people.rights import RIGHTS, ROLES, Action, Caller, Rights, Role
from bot.people.sessions import Login
from bot.people.tables import FileGroup, Tables
from bot.policy.approvers.concern import Concern

ANNA, BO, VIC, OLE, ADA, OUT = map(PersonId, ("anna", "bo", "vic", "ole", "ada", "left"))
PEOPLE = {
    name: PersonConfig(name=name.title(), groups=(("interns",) if name == "vic" else ()))
    for name in ("anna", "bo", "vic", "ole", "ada")
}
ROLES_TABLE = RolesConfig(viewer=("group:interns",), operator=("person:ole",), admin=("person:ada",))
TRIGGERED_BY = {"deploy": ("person:bo",)}
RUN, ID = Concern(frozenset({ANNA, VIC}), frozenset({BO})), "s0r-aaaaaaaaaaaaa"
NOW = TypeAdapter(AwareDatetime).validate_python("2026-03-02T12:00:00Z")


def _with(roles: RolesConfig, alerts: tuple[str, ...] = ()) -> People:
    people = People({}, {})
    people.change(Tables(PEOPLE, {}, roles=roles, alerts=alerts, triggered_by=TRIGGERED_BY))
    return people


def rights_of(roles: RolesConfig = ROLES_TABLE) -> Rights:
    return Rights(_with(roles), lambda: NOW)


def key_of(person: str | None, *scopes: Scope, acts_for: tuple[str, ...] = (), made_by: str = "person") -> ApiKey:
    owner: dict[str, object] = {"person": person} if person else {"service": "ci"}
    said = {**owner, "prefix": "abcdefgh", "scopes": scopes, "acts_for": acts_for, "made_by": made_by}
    return ApiKey.model_validate({**said, "link_by": "slack", "created_at": NOW})


def allowed(who: Caller, run: Concern = RUN, roles: RolesConfig = ROLES_TABLE) -> set[Action]:
    """Every action that `who` may do, to `run` where it is about one."""
    rights = rights_of(roles)
    found = set[Action]()
    for one, right in RIGHTS.items():
        denied = rights.denial(who, one, run, ID) if right.part else rights.denial_at_all(who, one)
        found |= {one} if denied is None else set()
    return found


STEERS: set[str] = {"write", "pause", "resume", "cancel", "fork", "retry"}
# Who, and what they may do to a run that Anna and Vic asked for and Bo may decide.
TABLE: dict[str, set[str]] = {
    "vic": {"see", "answer"},
    "anna": {"trigger", "see", "answer", "explain", "withdraw"} | STEERS,
    "bo": {"trigger", "see", "answer"},
    "ole": {"trigger", "see", "answer", "explain", "import", "freeze", "absent", "dead", "confirm"} | STEERS,
    "ada": set(get_args(Action)) - {"withdraw"},
    "left": set(),
}


@pytest.mark.parametrize("person", TABLE)
def test_each_role_may_do_what_the_table_says(person: str) -> None:
    assert allowed(rights_of().of_person(PersonId(person), None)) == TABLE[person]


def test_every_action_has_a_row() -> None:
    assert set(RIGHTS) == set(get_args(Action))


def test_a_run_that_concerns_somebody_else_does_not_exist_for_anybody_but_operators() -> None:
    rights, others = rights_of(), Concern(frozenset({ANNA}), frozenset())

    denied = rights.denial(rights.of_person(BO, None), "cancel", others, ID)

    assert denied
    assert (denied.is_hidden, denied.what) == (True, f"There is no run {ID}")
    assert rights.denial(rights.of_person(OLE, None), "cancel", others, ID) is None


def test_who_sees_a_run_and_may_not_steer_it_is_told_whom_to_ask() -> None:
    rights = rights_of()

    denied = rights.denial(rights.of_person(BO, None), "cancel", Concern(frozenset({ANNA}), frozenset({BO})), ID)

    assert denied
    assert not denied.is_hidden
    assert str(denied.error()) == (
        "Only those who asked for this run, and operators, may cancel it. Ask Anna, or an operator"
    )


def test_an_agent_is_started_by_whom_it_names() -> None:
    rights = rights_of()

    assert rights.trigger_denial("bo", "deploy") is None
    assert rights.trigger_denial("anna", "clerk") is None
    denied = rights.trigger_denial("anna", "deploy")
    assert denied
    assert denied.do == "Ask one of those who may: Bo"
    assert rights.trigger_denial("vic", "clerk")
    assert rights.trigger_denial("left", "clerk")


scopes_of_keys = st.sets(st.sampled_from(SCOPES), min_size=1).map(lambda found: tuple(sorted(found)))
parts = st.builds(
    Concern, st.frozensets(st.sampled_from([ANNA, BO, VIC, OLE])), st.frozensets(st.sampled_from([ANNA, BO, VIC, OLE]))
)
people = st.sampled_from(["anna", "bo", "vic", "ole", "ada", "left"])


@given(people, scopes_of_keys, parts)
def test_a_key_never_may_more_than_its_person_and_never_beyond_its_scope(
    person: str, scopes: tuple[Scope, ...], run: Concern
) -> None:
    rights = rights_of()
    with_key = allowed(rights.of_key(key_of(person, *scopes)), run)

    assert with_key <= allowed(rights.of_person(PersonId(person), None), run)
    assert {RIGHTS[one].scope for one in with_key} <= (set(scopes) if "admin" not in scopes else set(SCOPES))


def test_what_a_key_decides_says_that_an_operator_made_it() -> None:
    assert key_of("bo", "answer", made_by="operator").proof.is_anothers
    assert not key_of("bo", "answer").proof.is_anothers


@given(st.lists(people, max_size=3, unique=True), scopes_of_keys, parts)
def test_a_services_key_may_to_runs_what_those_may_for_whom_it_acts(
    acts_for: list[str], scopes: tuple[Scope, ...], run: Concern
) -> None:
    rights = rights_of()
    who = rights.of_key(key_of(None, *scopes, acts_for=tuple(acts_for), made_by="operator"))
    theirs = [allowed(rights.of_person(PersonId(one), None), run) for one in acts_for]
    about_runs = {one for one in allowed(who, run) if RIGHTS[one].part}

    assert "admin" in scopes or about_runs <= set[str]().union(*theirs)


@given(people, parts)
def test_each_role_may_all_that_the_one_before_may(person: str, run: Concern) -> None:
    def as_role(role: Role) -> set[Action]:
        return allowed(Caller(person, role, {PersonId(person): role}, None, None), run)

    for less, more in pairwise(ROLES):
        assert as_role(less) <= as_role(more)


def test_where_nobody_is_operator_whoever_has_the_machine_is() -> None:
    none, rights = RolesConfig(viewer=("group:interns",)), rights_of(RolesConfig(viewer=("group:interns",)))

    assert rights.of_key(key_of("bo", "admin", made_by="operator")).role == "admin"
    assert rights.of_key(key_of("bo", *SCOPES, made_by="dev")).role == "admin"
    assert rights.of_key(key_of("bo", "admin", made_by="person")).role == "requester"
    assert rights.of_session(Login(person=BO, is_demo=True)).role == "admin"
    assert rights.of_session(Login(person=BO)).role == "requester"
    assert rights_of().of_session(Login(person=BO, is_demo=True)).role == "requester"
    assert rights_of().of_key(key_of("bo", "admin", made_by="operator")).role == "requester"
    assert allowed(rights.of_session(Login(person=BO)), roles=none) == TABLE["bo"]


def test_whoever_is_both_viewer_and_more_is_a_viewer() -> None:
    both = RolesConfig(viewer=("person:ole",), operator=("person:ole",))

    assert rights_of(both).role_of(OLE) == "viewer"


@pytest.mark.parametrize("group", [GroupTable(slack="S0INTERNS"), GroupTable(file="people.csv")])
def test_while_nobody_can_say_who_is_a_viewer_everybody_is_but_operators_and_admins(group: GroupTable) -> None:
    people = People({}, {})
    files = {"interns": FileGroup(problem="can't be read")}
    people.change(Tables(PEOPLE, {}, groups={"interns": group}, files=files, roles=ROLES_TABLE))
    rights = Rights(people, lambda: NOW)

    assert [rights.role_of(person) for person in (ANNA, BO, VIC)] == ["viewer"] * 3
    assert [rights.role_of(person) for person in (OLE, ADA, OUT)] == ["operator", "admin", None]
    assert rights.trigger_denial(ANNA, "look")


def test_who_hears_the_alerts_looks_after_dead_letters() -> None:
    rights = Rights(_with(ROLES_TABLE, ("person:anna",)), lambda: NOW)

    assert rights.denial_at_all(rights.of_person(ANNA, None), "dead") is None
    assert rights.denial_at_all(rights.of_person(BO, None), "dead")


def test_nobody_is_away_by_the_word_of_a_program_whatever_its_scopes() -> None:
    rights = rights_of(RolesConfig())
    by_service = rights.absence_denial(rights.of_key(key_of(None, *SCOPES, made_by="operator")), BO)
    by_operator = rights.absence_denial(rights.of_key(key_of("anna", "admin", made_by="operator")), BO)

    assert by_service is not None
    assert "Programs say of nobody" in by_service.what
    assert by_operator is None
    assert rights.absence_denial(rights.of_key(key_of("bo", "answer")), BO) is None
    assert rights.absence_denial(rights.of_key(key_of("bo", "read")), BO) is not None
