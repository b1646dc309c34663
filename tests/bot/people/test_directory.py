"""The one directory: who is who, who is meant, and a policy as it stands now."""

import pytest

from agents.requests import AnyOf, Anyone
from bot.config.directory.policies import PolicyConfig
from bot.config.tables import PersonConfig
from bot.errors import NotFound
from bot.people.directory import People
from bot.people.tables import Tables
from bot.policy.approvers.who import who_at_first
from channels import Contact
from tests.agents.worlds import NOON
from tests.bot.examples import ANNA, BO, CY, DAN, PEOPLE, anyone, approval, question, record


def directory(approvers: object = None, **policy: object) -> People:
    people = {
        "anna": PersonConfig(name="Anna Ames", groups=("dev",)),
        "bo": PersonConfig(name="Bo Berg", groups=("dev", "ops")),
        "cy": PersonConfig(name="Cy Cole", groups=("ops",)),
    }
    config = PolicyConfig.model_validate({"approvers": approvers, "expires_after": "4h", **policy})
    return People(people, {"production": config})


def test_an_address_is_one_persons_in_any_letter_case_and_only_as_a_whole() -> None:
    assert PEOPLE.by_email("cy@corp.example") == PEOPLE.contact("cy")
    assert PEOPLE.by_email("CY@CORP.EXAMPLE") == PEOPLE.contact("cy")
    assert PEOPLE.by_email("cy@corp.example.evil") is None
    assert PEOPLE.by_email("") is None


def test_a_login_at_github_is_one_persons_in_any_letter_case() -> None:
    people = People({"bo": PersonConfig(name="Bo Berg", github="Bo-Berg")}, {})

    assert people.by_github("bo-BERG") == BO
    assert people.by_github("bo") is None
    assert people.by_github("") is None


def test_what_channels_may_know_of_somebody_is_how_to_reach_and_call_them() -> None:
    assert PEOPLE.contact("bo") == Contact(id="bo", name="Bo Berg", email="bo@corp.example")
    assert PEOPLE.contact("dan") == Contact(id="dan", name="Dan Dorn")
    assert PEOPLE.contact("eve") is None


def test_an_unknown_person_is_told_who_there_is_or_how_to_fill_the_directory() -> None:
    with pytest.raises(NotFound, match=r"no person 'eve' in the directory. It has: anna, bo, cy, dan"):
        PEOPLE.named("eve")
    with pytest.raises(NotFound, match=r"nobody: add \[people.NAME\] to sayso.toml"):
        People({}, {}).named("eve")


def test_people_are_called_by_their_names() -> None:
    assert PEOPLE.names_of(()) == ""
    assert PEOPLE.names_of((BO, CY)) == "Bo Berg and Cy Cole"
    assert PEOPLE.names_of((ANNA, BO, CY)) == "Anna Ames, Bo Berg and Cy Cole"
    assert PEOPLE.names_of(("somebody who left",)) == "somebody who left"
    assert (PEOPLE.called("bo", ""), PEOPLE.called("", "slack:#release")) == ("Bo Berg", "#release")


def test_two_people_of_one_name_are_told_apart_by_their_ids() -> None:
    people = People({one: PersonConfig(name="Bo Berg") for one in ("bo", "cy")}, {})

    assert people.names_of((BO, CY)) == "Bo Berg (bo) and Bo Berg (cy)"


def test_no_tool_starts_while_a_file_is_half_taken() -> None:
    people = People({"bo": PersonConfig(name="Bo Berg")}, {})
    assert not people.holds_tools

    people.take_half(Tables({}, {}), "digest", NOON)

    assert people.holds_tools


def test_whoever_may_break_the_glass_never_decides_what_lasts() -> None:
    people = directory(["person:bo"], break_glass=["person:cy"])

    assert people.may_ever("production", NOON) == {BO}


def test_where_nobody_else_is_left_whoever_hears_the_alerts_answers_also_what_they_asked() -> None:
    people, question = directory(["person:bo"]), directory(["person:bo"]).snapshot("production", NOON)
    people.change(Tables({"dan": PersonConfig(name="Dan Dorn")}, {}, alerts=("person:dan",)))

    assert question
    assert who_at_first(people.by_operators(question, NOON), (DAN,)).approve == (DAN,)


def test_everybody_who_is_meant_is_meant_once() -> None:
    assert PEOPLE.members(["person:dan", "group:release", "person:bo", "group:nobody", "person:eve"], NOON) == (
        DAN,
        BO,
        CY,
    )


def test_a_list_of_approvers_means_any_of_them() -> None:
    snapshot = directory(["group:ops", "person:anna"]).snapshot("production", NOON)

    assert snapshot is not None
    assert snapshot.rule == AnyOf(
        of=(Anyone(source="group:ops", people=(BO, CY)), Anyone(source="person:anna", people=(ANNA,)))
    )


def test_a_snapshot_is_what_the_policy_says_with_its_times_in_seconds() -> None:
    places = ["slack:#release", "slack:C01OPS"]
    policies = directory(["group:ops"], quorum=2, execute_within="90s", answer_from=["cli"], also_post=places)
    snapshot = policies.snapshot("production", NOON)

    assert snapshot is not None
    assert (snapshot.expires_after_s, snapshot.execute_within_s) == (14_400, 90)
    assert (snapshot.quorum, snapshot.answer_from, snapshot.approve_by_email) == (2, ("cli",), False)
    assert snapshot.requester_may_approve is False
    assert snapshot.also_post == ("slack:#release", "slack:C01OPS")


def test_a_question_may_be_answered_by_the_requester_and_by_nobody_else() -> None:
    asked = PEOPLE.question((ANNA,), ("email",))

    assert asked.rule == anyone("anna").model_copy(update={"source": "the requester"})
    assert asked.requester_may_approve


_OF_TWO: dict[str, object] = {
    "approvers": ["person:bo", "person:cy"],
    "escalate_after": "1h",
    "escalate_to": ["group:dev"],
}
_STEPS: dict[str, object] = {"steps": [{"name": "first", "approvers": ["person:bo"]}]}


@pytest.mark.parametrize(
    ("now", "joins"),
    [
        ({"approvers": ["group:dev"], "escalate_to": ["person:bo"]}, True),
        ({"approvers": ["group:ops"], "escalate_to": ["person:bo"]}, False),
        ({"escalate_to": ["group:ops"], "break_glass": ["group:dev"]}, False),
        ({"also_post": ["slack:#release"], "remind_after": ["1h"], "break_glass": ["person:bo"]}, True),
        ({"approvers": {"all_of": ["person:bo", "person:cy"]}}, False),
        ({"quorum": 2}, False),
        ({"requester_may_approve": True}, False),
        ({"editor_may_approve": True}, False),
        ({"approve_by_email": True}, False),
        ({"answer_from": ["cli"]}, False),
        ({"expires_after": "3h"}, False),
        ({"execute_within": "1m"}, False),
        ({"escalate_after": "3h"}, False),
        ({"stand_ins": ["person:anna"]}, False),
        ({"approvers": None, "escalate_after": None, "escalate_to": [], **_STEPS}, False),
    ],
)
def test_others_come_to_an_approval_only_while_the_file_has_the_same_policy_but_for_people_and_names_the_seat(
    now: dict[str, object], joins: bool
) -> None:
    then = directory(**_OF_TWO).snapshot("production", NOON)

    assert then
    assert directory(**(_OF_TWO | now)).may_join(record(approval(policy=then)), then.escalate_to[0], NOON) is joins


def test_others_come_to_a_question_whatever_the_file_says() -> None:
    assert directory(["group:ops"]).may_join(record(question()), anyone("bo"), NOON)
    assert not People({}, {}).may_join(record(), anyone("bo"), NOON)


@pytest.mark.parametrize(
    ("now", "joins"),
    [
        ({"escalate_to": ["person:bo"]}, True),
        ({"approvers": ["person:cy", "group:ops"]}, True),
        ({"approvers": ["person:cy"], "escalate_to": ["group:ops"]}, False),
        ({"approvers": ["person:cy"], "stand_ins": ["group:ops"]}, False),
    ],
)
def test_others_come_to_a_seat_that_decides_only_while_that_is_not_named_to_escalate_to_or_to_stand_in_alone(
    now: dict[str, object], joins: bool
) -> None:
    of = _OF_TWO | {"approvers": ["group:ops"], "stand_ins": ["person:bo"]}
    then = directory(**of).snapshot("production", NOON)

    assert then
    seat = anyone("bo", "cy").model_copy(update={"source": "group:ops"})
    assert directory(**(of | now)).may_join(record(approval(policy=then)), seat, NOON) is joins


def test_others_come_to_a_seat_of_a_step_only_while_that_step_names_it() -> None:
    def of(*groups: str) -> People:
        steps = [{"name": name, "approvers": [one]} for name, one in zip(("first", "then"), groups, strict=True)]
        return directory(None, steps=steps)

    then = of("group:ops", "group:dev").snapshot("production", NOON)

    assert then
    last = anyone("anna", "bo").model_copy(update={"source": "group:dev"})
    assert of("person:bo", "group:dev").may_join(record(approval(policy=then)), last, NOON)
    assert not of("group:dev", "person:bo").may_join(record(approval(policy=then)), last, NOON)


def test_others_come_to_a_seat_only_while_the_policy_needs_nobody_more_beside_it() -> None:
    def of(together: str, alone: str) -> People:
        return directory({"any_of": [{"all_of": [together, "person:anna"]}, alone]})

    then = of("group:dev", "group:ops").snapshot("production", NOON)

    assert then
    seat = anyone("bo", "cy").model_copy(update={"source": "group:ops"})
    assert of("person:bo", "group:ops").may_join(record(approval(policy=then)), seat, NOON)
    assert not of("group:ops", "group:dev").may_join(record(approval(policy=then)), seat, NOON)
