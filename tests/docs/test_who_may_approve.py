"""The examples of docs/who-may-approve.md, with the people above them, are whole settings and mean what it says."""

from datetime import UTC, datetime
from pathlib import Path

from agents.requests import PersonId
from bot.people.directory import People
from bot.policy.approvers.delegation import Involved, candidates
from bot.policy.approvers.quorum import is_met
from bot.policy.approvers.who import who_at_first, who_of
from bot.testing.settings import settings_of
from tests.bot.examples import approval, record
from tests.stories.examples import example as settings_on_the_page

BO, CY = PersonId("bo"), PersonId("cy")
NOW = datetime(2026, 11, 3, 22, 10, tzinfo=UTC)


def example(name: str, folder: Path) -> People:
    """The people and policies of the example of this name."""
    return People.of(settings_of(folder, settings_on_the_page(name)))


def test_two_people_are_reminded_by_their_own_clocks(tmp_path: Path) -> None:
    policy = example("two-person", tmp_path).snapshot("production", NOW)

    assert policy
    assert (policy.quorum, policy.remind_after_s, policy.quiet_hours) == (2, (1800.0, 7200.0), "22:00-07:00")


def test_at_night_it_escalates_to_whoever_is_on_call(tmp_path: Path) -> None:
    people = example("on-call", tmp_path)
    policy = people.snapshot("hotfix", NOW)

    assert policy
    assert policy.escalate_after_s == 1200
    asked = record(approval(policy=policy))
    assert people.escalates_to(asked, NOW) == ("cy",)
    assert people.escalates_to(asked, datetime(2026, 11, 5, 12, tzinfo=UTC)) == ("dee",)
    assert set(who_at_first(policy, ()).named) >= {"cy", "dee"}


def test_the_manager_comes_before_finance(tmp_path: Path) -> None:
    policy = example("steps", tmp_path).snapshot("spending", NOW)

    assert policy
    assert [step.name for step in policy.steps] == ["manager", "finance"]
    assert (policy.rule, policy.escalate_after_s) == (policy.steps[0].rule, 8 * 3600)


def test_any_of_a_group_decides_and_one_person_fills_one_place(tmp_path: Path) -> None:
    people = example("any-of", tmp_path)
    data, schema = people.snapshot("data", NOW), people.snapshot("schema", NOW)

    assert data
    assert schema
    assert is_met(data, [BO])
    assert is_met(data, [CY])
    assert not is_met(schema, [CY])
    assert is_met(schema, [CY, BO])
    assert who_at_first(schema, ()).approve == (BO, CY)
    for policy, found in ((schema, ("dee",)), (data, ())):
        asked, nobody_asked = record(approval(policy=policy)), Involved(who_at_first(policy, ()), (), people.all())
        assert candidates(nobody_asked, people.may_take(asked, NOW), BO) == found
    assert not is_met(schema, who_at_first(schema, [BO]).approve)


def test_whoever_is_on_call_breaks_the_glass_but_not_their_own(tmp_path: Path) -> None:
    people = example("break-glass", tmp_path)
    policy = people.snapshot("production", NOW)

    assert policy
    assert who_at_first(policy, ()).seated_for_glass == ("anna", "bo")
    asked = record(approval(policy=policy, requesters=(PersonId("anna"),)))
    assert who_of(asked).glass == (BO,)
