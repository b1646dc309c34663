"""What a standing approval covers: what it says, exactly, and nothing that looks like it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import JsonValue

from agents import Repeats
from agents.requests import AuthoredLine, Effect, FromPerson, GatedCall, PersonId, RequestId, Risk, RunId
from agents.standing import Pattern
from bot.config.directory.policies import PolicyConfig
from bot.policy.standing import Ended, Standing, StandingApproval, covers, lapse, may_stand, pattern_of, rules_of
from bot.testing.events import NOON
from tests.bot.examples import approval

REPEATS = Repeats(variable=("version",), surroundings=("live in ",))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, -1.0]) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
_ARGUMENTS = st.dictionaries(st.sampled_from(["environment", "version", "count", "é", "e\u0301"]), _JSON, max_size=4)


BOUND = {"SHA-256 of deploy.sh": "5" * 8, "plan": "1 to add", "variables": "none"}


def call(arguments: dict[str, Any] | None = None, commit: str = "c1", **changes: Any) -> GatedCall:
    """A deploy as the tool prepares it: its command and its artifacts follow from the arguments."""
    told: dict[str, Any] = {"version": "v1", "environment": "production"} if arguments is None else arguments
    version = str(told.get("version"))
    effect = Effect(
        argv=("./deploy.sh", str(told.get("environment")), f"--commit={commit}"),
        versions={version: commit},
        artifacts={"live in production": "c0", **BOUND},
        environment="production",
        cwd="/srv",
        commit=commit,
    )
    changed = {name: changes.pop(name) for name in [*changes] if name in Effect.model_fields}
    found = GatedCall(tool="deploy", schema_version=1, arguments=told, effect=effect.model_copy(update=changed))
    return found.model_copy(update=changes)


def test_the_same_call_is_covered_also_when_something_else_is_live() -> None:
    pattern = pattern_of(call(), "production", "r", REPEATS)

    assert covers(pattern, call(), "production")
    assert not covers(pattern, call(), "hotfix"), "by another policy it is not"
    assert covers(pattern, call(artifacts={**BOUND, "live in production": "c1"}), "production")


def test_an_open_argument_takes_what_it_resolves_to_with_it() -> None:
    pattern = pattern_of(call(), "production", "r", REPEATS, ["version"])

    assert covers(pattern, call({"version": "v2", "environment": "production"}, commit="c2"), "production")
    assert covers(pattern, call({"version": "v1", "environment": "production"}, commit="c9"), "production")


@pytest.mark.parametrize(
    "other",
    [
        call({"version": "v2", "environment": "production"}),
        call({"version": "v1", "environment": "production", "force": True}),
        call({"version": "v1"}),
        call({"version": "v1\u200b", "environment": "production"}),
        call({"version": 1, "environment": "production"}),
        call(commit="c2"),
        call(environment="staging"),
        call(tool="rollback"),
        call(schema_version=2),
        call(cwd="/srv/other"),
        call(commit="c1", argv=("./deploy.sh", "production", "--commit=c1", "--force")),
        call(versions={"v1": "c2"}),
        call(artifacts={**BOUND, "SHA-256 of deploy.sh": "6" * 8}),
        call(artifacts={**BOUND, "more": "x"}),
    ],
)
def test_whatever_else_differs_is_asked(other: GatedCall) -> None:
    assert not covers(pattern_of(call(), "production", "r", REPEATS), other, "production")


@pytest.mark.parametrize(
    "other",
    [
        call({"version": "v2", "environment": "staging"}, commit="c2"),
        call({"version": "", "environment": "production"}, commit="c2"),
        call({"version": 2, "environment": "production"}, commit="c2"),
        call({"environment": "production"}, commit="c2"),
        call({"version": "production", "environment": "production"}, commit="c2"),
        call({"version": "v2", "environment": "production", "force": "yes"}, commit="c2"),
        call({"version": "v2", "environment": "production"}, commit="c2", argv=("./other.sh", "production", "c2")),
    ],
)
def test_an_open_argument_opens_nothing_else(other: GatedCall) -> None:
    assert not covers(pattern_of(call(), "production", "r", REPEATS, ["version"]), other, "production")


# What the tool binds beside the version, and names that people know from it.
OURS = [*BOUND, "live in production", "live", "program", "version", "production", "deploy.sh", "./deploy.sh", "commit"]


@pytest.mark.parametrize("tag", OURS)
def test_attack_a_tag_with_a_name_of_ours_leaves_nothing_out(tag: str) -> None:
    told: dict[str, Any] = {"version": tag, "environment": "production"}
    pattern = pattern_of(call(), "production", "r", REPEATS, ["version"])
    of_that_tag = pattern_of(call(told), "production", "r", REPEATS, ["version"])

    for name in BOUND:
        changed = {**BOUND, name: "57 to destroy", "live in production": "c0"}
        assert not covers(pattern, call(told, artifacts=changed), "production")
        assert not covers(of_that_tag, call(told, artifacts=changed), "production")
        assert not covers(of_that_tag, call(artifacts=changed), "production")


@pytest.mark.parametrize(
    "source", ["v1", ["v0", "v1"], {"from": "v1"}, {"from": [{"tags": ["v1"]}]}, {"v1": True}], ids=str
)
def test_attack_what_a_closed_argument_names_stays_bound_where_an_open_one_says_the_same(source: JsonValue) -> None:
    def copies(commit: str) -> GatedCall:
        effect = Effect(argv=("copy", commit), versions={"v1": commit})
        arguments: dict[str, Any] = {"version": "v1", "source": source}
        return GatedCall(tool="copy", schema_version=1, arguments=arguments, effect=effect)

    pattern = pattern_of(copies("c1"), "production", "r", REPEATS, ["version"])

    assert covers(pattern, copies("c1"), "production")
    assert not covers(pattern, copies("c2"), "production")


@pytest.mark.parametrize("names", [["environment"], ["nothing"], ["version", "environment"], ["*"]])
def test_only_what_the_tool_lets_be_open_is_left_open(names: list[str]) -> None:
    with pytest.raises(ValueError, match=re.escape(next(name for name in names if name != "version"))):
        pattern_of(call(), "production", "r", REPEATS, names)


@given(_ARGUMENTS, _ARGUMENTS)
@example({"count": 1}, {"count": "1"})
def test_arguments_are_covered_exactly_if_their_json_is_the_same_to_the_letter(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    pattern = pattern_of(bare(one), "p", "r", REPEATS)

    assert covers(pattern, bare(one), "p")
    assert covers(pattern, bare(other), "p") == (told_apart(one) == told_apart(other))


@given(_ARGUMENTS, st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5))
def test_what_is_open_changes_nothing_else(rest: dict[str, Any], one: str, other: str) -> None:
    fixed = {name: value for name, value in rest.items() if name != "version"}
    pattern = pattern_of(bare({**fixed, "version": one}), "p", "r", REPEATS, ["version"])

    assert covers(pattern, bare({**fixed, "version": other}), "p")
    assert not covers(pattern, bare({**fixed, "version": other, "more": 1}), "p")


@given(_ARGUMENTS)
def test_a_pattern_reads_back_as_it_was_written(arguments: dict[str, Any]) -> None:
    assume("version" not in arguments)
    pattern = pattern_of(bare({**arguments, "version": "v1"}), "p", "r", REPEATS, ["version"])

    again = Pattern.model_validate_json(pattern.model_dump_json())

    assert again == pattern
    assert covers(again, bare({**arguments, "version": "x"}), "p")


def bare(arguments: dict[str, Any]) -> GatedCall:
    """A call whose arguments are all of it."""
    return GatedCall(tool="note", schema_version=1, arguments=arguments, effect=Effect(argv=()))


def told_apart(value: JsonValue) -> object:
    """A value that differs from others also where Python says that they are equal."""
    match value:
        case dict():
            return {name: told_apart(one) for name, one in value.items()}
        case list():
            return [told_apart(one) for one in value]
        case _:
            return (type(value).__name__, repr(value))


BO, CY, ANNA = PersonId("bo"), PersonId("cy"), PersonId("anna")


def standing(**changes: Any) -> Standing:
    approval = StandingApproval(
        id="s0g-aaaaaaaaaaaaa", run_id=RunId("s0r-aaaaaaaaaaaaa"), request_id=RequestId("s0q-aaaaaaaaaaaaa"),
        person=ANNA, title="Deploy?", pattern=pattern_of(call(), "production", "r", REPEATS), uses=2,
        until=NOON + timedelta(days=1), granted_by=(BO, CY), granted_at=NOON,
    )  # fmt: skip
    now = changes.pop("now", NOON)
    revoked = changes.pop("revoked", None)
    return Standing(approval=approval.model_copy(update=changes), now=now, revoked=revoked)


HERE = (ANNA, BO, CY)


@pytest.mark.parametrize(
    ("found", "rules", "may", "why"),
    [
        (standing(), "r", {BO, CY, PersonId("dan")}, None),
        (standing(revoked=Ended(by=BO, at=NOON)), "r", {BO, CY}, "revoked"),
        (standing(now=NOON + timedelta(days=1)), "r", {BO, CY}, "over"),
        (standing(now=NOON - timedelta(seconds=1)), "r", {BO, CY}, "over"),
        (standing(), "other", {BO, CY}, "policy"),
        (standing(), "", {BO, CY}, "policy"),
        (standing(), "r", {BO}, "left"),
        (standing(), "r", set[PersonId](), "left"),
        (standing(granted_by=()), "r", {BO, CY}, "left"),
        (standing(person=PersonId("dan")), "r", {BO, CY}, "left"),
        (standing(granted_by=(BO, PersonId("dan"))), "r", {BO, PersonId("dan")}, "left"),
        (standing(granted_by=(BO, ANNA)), "r", {BO, CY, ANNA}, "requester"),
    ],
)
def test_it_counts_while_all_is_as_it_was_granted(
    found: Standing, rules: str, may: set[PersonId], why: str | None
) -> None:
    assert lapse(found, rules, may, HERE, {}) == why


@pytest.mark.parametrize(
    "otherwise",
    [
        {"edits": {"version": (BO,)}},
        {"changes": (AuthoredLine(text="version", by=()),)},
        {"program": "deploy"},
        {"service": "ci"},
        {"purpose": "question"},
        {"call": call(risks=(Risk(kind="loud", words="it is loud"),))},
        {"origin": FromPerson(logins=("bo-gh",))},
        {"origin": FromPerson(address="eve@shop.example")},
    ],
)
def test_it_is_only_for_what_one_person_asks_for_as_it_was_first_asked(otherwise: dict[str, object]) -> None:
    assert may_stand(approval())
    assert not may_stand(approval(**otherwise))


def test_a_policy_that_says_anything_else_has_other_rules() -> None:
    base = {"approvers": ["group:release"], "expires_after": "4h", "standing": "3 in 7d"}
    changed = [
        {"quorum": 2},
        {"approvers": ["group:release", "person:dan"]},
        {"standing": "4 in 7d"},
        {"urgency": "low"},
    ]
    found = {rules_of(PolicyConfig.model_validate({**base, **one})) for one in changed}

    assert len({*found, rules_of(PolicyConfig.model_validate(base))}) == 5
    assert rules_of(PolicyConfig.model_validate({**base, "quorum": 1})) == rules_of(PolicyConfig.model_validate(base))
