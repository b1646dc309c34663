"""An approval is bound to everything that will be done, and to nothing else."""

import hashlib

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from agents.forms import FormField
from agents.requests import Effect, Fact, Format, GatedCall, PersonId, RequestId, RunId
from bot.policy.digest import call_digest, question_digest
from bot.render.cards import exact
from bot.render.edits import changes_between
from tests.bot.examples import ANNA, APPROVAL, BO, CALL, REQUEST, RUN


def digest(call: GatedCall = CALL, *, run: str = RUN, request: str = REQUEST, nonce: str = "n") -> str:
    return call_digest(RunId(run), RequestId(request), nonce, call, (ANNA, BO))


def with_effect(**changes: object) -> GatedCall:
    return CALL.model_copy(update={"effect": CALL.effect.model_copy(update=changes)})


def with_arguments(**arguments: JsonValue) -> GatedCall:
    return CALL.model_copy(update={"arguments": arguments})


def test_it_is_the_hash_of_canonical_json() -> None:
    canonical = (
        '{"arguments":{"environment":"production","version":"v1.2.0"},"artifacts":{},"commit":"","cwd":"",'
        '"digest_version":2,"effect":["./deploy.sh","production","c0ffee"],"environment":"production","nonce":"n",'
        f'"request":"{REQUEST}","requesters":["anna","bo"],"run":"{RUN}","schema_version":1,"tool":"deploy",'
        '"versions":{"v1.2.0":"c0ffee"}}'
    )

    assert digest() == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        digest(run="s0r-bbbbbbbbbbbbb"),
        digest(request="s0q-bbbbbbbbbbbbb"),
        digest(nonce="m"),
        digest(CALL.model_copy(update={"tool": "live"})),
        digest(CALL.model_copy(update={"schema_version": 2})),
        digest(with_arguments(version="v1.2.0", environment="staging")),
        digest(with_effect(argv=("./deploy.sh", "production", "decaf"))),
        digest(with_effect(versions={"v1.2.0": "decaf"})),
        digest(with_effect(commit="c0ffee")),
        digest(with_effect(environment="staging")),
        digest(with_effect(cwd="/srv/other")),
        digest(with_effect(artifacts={"live in production": "decaf"})),
        call_digest(RUN, REQUEST, "n", CALL, (ANNA,)),
    ],
)
def test_whatever_would_be_done_otherwise_gives_another_one(other: str) -> None:
    assert other != digest()


OURS = ("plan", "variables", "program", "live", "live in production", "SHA-256 of ./deploy.sh", "in reply to")


@pytest.mark.parametrize("name", OURS)
def test_attack_a_name_that_somebody_chose_never_stands_for_one_of_ours(name: str) -> None:
    chosen = with_effect(versions={name: "c0ffee"}, artifacts={})
    ours = with_effect(versions={}, artifacts={name: "c0ffee"})

    assert digest(chosen) != digest(ours)
    assert exact(APPROVAL.model_copy(update={"call": chosen})) != exact(APPROVAL.model_copy(update={"call": ours}))
    assert len({*changes_between(chosen, ours), *changes_between(ours, chosen)}) == 4


def test_attack_a_name_with_a_line_in_it_adds_no_line_of_ours() -> None:
    forged = with_effect(versions={"x\nplan is SHA-256 5555": "c0ffee"})

    lines = exact(APPROVAL.model_copy(update={"call": forged})).splitlines()
    assert not [line for line in lines if line.startswith("plan is")]


def test_what_is_only_shown_is_not_part_of_it() -> None:
    told_more = with_effect(facts=(Fact(label="Weather", text="rain"),))

    assert digest(told_more) == digest()


def bound(**artifacts: str) -> dict[str, object]:
    return {"artifacts": {name.replace("_", " "): value for name, value in artifacts.items()}}


@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        ({"cwd": "/srv/a"}, {"cwd": "/srv/b"}, "in: /srv/b", "The folder was /srv/a and is now /srv/b."),
        ({}, {"cwd": "/srv/b"}, "in: /srv/b", "The folder was not recorded and is now /srv/b."),
        (bound(live_here="a"), bound(live_here="b"), "live here is b", "live here was a and is now b."),
        (bound(), bound(live_here="b"), "live here is b", "live here was not recorded and is now b."),
        (bound(plan="a", vars="A"), bound(vars="A"), "vars is A", "plan was a and is now not recorded."),
        ({"versions": {"v": "a"}}, {"versions": {"v": "b"}}, '"v" means b', '"v" meant a and now means b.'),
    ],
)
def test_what_else_it_binds_is_shown_and_its_change_is_worded(
    before: dict[str, object], after: dict[str, object], line: str, words: str
) -> None:
    old, new = with_effect(**before), with_effect(**after)

    assert digest(old) != digest(new)
    assert line in exact(APPROVAL.model_copy(update={"call": new})).splitlines()
    assert words in changes_between(old, new)
    assert changes_between(new, new) == ()


def test_the_order_of_requesters_and_of_arguments_does_not_matter() -> None:
    turned = with_arguments(environment="production", version="v1.2.0")

    assert call_digest(RUN, REQUEST, "n", turned, (BO, ANNA)) == digest()


def test_values_that_json_or_doubles_confuse_are_told_apart_at_any_depth() -> None:
    amounts = {digest(with_arguments(amount=2**53 + extra)) for extra in range(4)}
    nested = {digest(with_arguments(order={"amounts": [1, 2**60 + extra]})) for extra in range(2)}
    values: tuple[JsonValue, ...] = (True, False, 1, 0, None, "", "true")
    others = {digest(with_arguments(force=value)) for value in values}

    assert (len(amounts), len(nested), len(others)) == (4, 2, len(values))


JSON: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.text(max_size=3), JSON, max_size=3)


def spelled(value: object) -> str:
    """Python's own repr tells True from 1, and sorts nothing."""
    match value:
        case dict():
            pairs: list[tuple[str, object]] = [*value.items()]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            return "{" + ",".join(f"{key!r}:{spelled(item)}" for key, item in sorted(pairs)) + "}"
        case list():
            items: list[object] = [*value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            return "[" + ",".join(map(spelled, items)) + "]"
        case _:
            return repr(value)


@given(ARGUMENTS, ARGUMENTS)
def test_two_calls_have_one_digest_only_if_their_arguments_are_the_same(
    one: dict[str, JsonValue], other: dict[str, JsonValue]
) -> None:
    is_same = spelled(one) == spelled(other)

    assert (digest(with_arguments(**one)) == digest(with_arguments(**other))) is is_same


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_two_commands_have_one_digest_only_if_every_part_is_the_same(one: list[str], other: list[str]) -> None:
    first, second = (CALL.model_copy(update={"effect": Effect(argv=tuple(argv))}) for argv in (one, other))

    assert (digest(first) == digest(second)) is (one == other)


def test_a_question_is_bound_to_its_words_its_choices_and_who_is_meant() -> None:
    def of(question: str = "Which?", choices: tuple[str, ...] = ("a", "b"), who: PersonId = ANNA) -> str:
        return question_digest(RUN, REQUEST, "n", question, "choice", choices, (), (who,))

    assert len({of(), of("What?"), of(choices=("b", "a")), of(choices=("a, b",)), of(who=BO)}) == 5
    assert of() == of()


def test_attack_a_field_is_no_choice_and_no_form_is_another_ones_name() -> None:
    typed = FormField(name="a", label="Approve?")

    def of(choices: tuple[str, ...] = (), fields: tuple[FormField, ...] = (), form: Format = "form") -> str:
        return question_digest(RUN, REQUEST, "n", "Which?", form, choices, fields, (ANNA,))

    asked = [
        of(choices=("a",)),
        of(choices=("a",), form="choice"),
        of(choices=("a",), form="choices"),
        of(fields=(FormField(name="a"),)),
        of(fields=(typed,)),
        of(fields=(FormField(name=rfc8785.dumps(typed.model_dump(mode="json")).decode()),)),
    ]
    assert len({*asked}) == len(asked)
