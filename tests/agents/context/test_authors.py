"""Whoever's words stand in what a model is given is named beside it."""

import re
from collections.abc import Iterator
from typing import Any, Literal, cast, get_type_hints

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agents.context import render
from agents.context.pruning import authors
from agents.events import Event, RequestDecided, RequestOpened, RequestRevised, RunStarted, StepChosen
from agents.events.requests import Edited
from agents.requests import Attachment, Author, AuthoredLine, GatedCall, Given, PersonId, RequestId
from agents.requests.proof import as_by
from agents.run import fold
from agents.state import IT_DID_NOT
from language import say
from tests.agents.stories import any_story
from tests.agents.worlds import BO, EFFECT, NOON, chosen, decided, opened, request, revoked, said, started, vote

TOKEN = re.compile(r"zz[0-9]+zz")
CALL = GatedCall(tool="deploy", schema_version=1, arguments={"version": "v1.2.0"}, effect=EFFECT)
Typed = dict[str, PersonId]
_TEXTS = (str, tuple[str, ...])


def planted(event: Event, typed: Typed) -> Event:
    """The event with a token for each text in it, which names whose text that is."""
    return _planted(event, _whose(event), typed)


def _whose(model: BaseModel) -> PersonId | None:
    """Whose words its texts are, as its own fields say; those of what it holds are theirs as well."""
    for name in ("person", "requester", "by", "read_by", "vote", "decision"):
        value = getattr(model, name, None)
        for one in cast("tuple[object, ...]", value if isinstance(value, tuple) else (value,)):
            match one:
                case Author(person=person):
                    return person
                case BaseModel():
                    return _whose(one)
                case str() if one:
                    return PersonId(one)
                case _:
                    pass
    return None


def _planted(model: BaseModel, whose: PersonId | None, typed: Typed) -> Any:
    hints, update = get_type_hints(type(model)), dict[str, Any]()
    for name, value in model:
        within = cast("tuple[object, ...]", value) if isinstance(value, tuple) else ()
        parts = [one for one in within if isinstance(one, BaseModel)]
        if isinstance(value, BaseModel):
            update[name] = _planted(value, _whose(value) or whose, typed)
        elif parts and name not in {"by", "read_by"}:
            update[name] = tuple(_planted(one, _whose(one) or _of_its_own(one, whose), typed) for one in parts)
        elif whose and (isinstance(value, dict) or hints[name] in _TEXTS):
            update[name] = _token_in(getattr(model, name), whose, typed)
    return model.model_copy(update=update)


def _of_its_own(part: BaseModel, whose: PersonId | None) -> PersonId | None:
    """A line that names nobody is of code, whoever stands around it."""
    return None if isinstance(part, AuthoredLine) else whose


def _token_in(value: object, whose: PersonId, typed: Typed) -> object:
    if isinstance(value, str) and value:
        token = f"zz{len(typed)}zz"
        typed[token] = whose
        return f"{value} {token}"
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        return {name: _token_in(one, whose, typed) for name, one in named.items()}
    if isinstance(value, list):
        return [_token_in(one, whose, typed) for one in cast("list[object]", value)]
    if isinstance(value, tuple):
        return tuple(_token_in(one, whose, typed) for one in cast("tuple[object, ...]", value))
    return value


def unnamed(events: list[Event], typed: Typed, budget_tokens: int = 20_000) -> Iterator[str]:
    """Whose words stand in a context that does not name them."""
    by = {one.person for one in authors(events)}
    text = render(fold(events), events, budget_tokens)
    yield from (typed[token] for token in TOKEN.findall(text) if typed[token] not in by)


@given(any_story(max_size=10), st.sampled_from([100, 20_000]))
def test_whoever_s_words_stand_in_a_line_is_named(events: list[Event], budget_tokens: int) -> None:
    typed = Typed()
    told = [planted(event, typed) for event in events]

    assert [*unnamed(told, typed, budget_tokens)] == []


def file() -> Attachment:
    return Attachment(name="notes.txt", type="text/plain", size_bytes=1, sha256="f", text="in it")


def test_each_way_in_which_words_reach_a_model_names_them() -> None:
    """One by one, as there is nothing else by which they could be named."""
    asked = [started(requester="anna"), chosen(gate="production"), opened()]
    revised = request().model_copy(update={"call": CALL, "revision": 2})
    edited = Edited(before={}, changed=("version",), reply_id="m", proof=as_by("slack"))
    late = request("q2").model_copy(
        update={"changes": (AuthoredLine(text="no", by=(Author(person=BO, part="objected"),)),)}
    )
    ways: list[Event] = [
        said(BO),
        vote(approve=False, reason="no"),
        vote(approve=False).model_copy(update={"files": (file(),)}),
        decided("denied", reason="no"),
        decided("answered").model_copy(update={"files": (file(),)}),
        decided("answered", given=Given(text="v2")),
        revoked(),
        RequestRevised(at=NOON, by=BO, request=revised.asking(), edited=edited),
        opened("q2").model_copy(update={"request": late}),
    ]
    for way in ways:
        typed = Typed()
        told = [*asked, planted(way, typed)]

        assert BO in typed.values(), way
        assert TOKEN.search(render(fold(told), told)), way
        assert [*unnamed(told, typed)] == [], way


def test_one_of_the_words_of_code_names_nobody_and_any_other_word_does() -> None:
    asks = [started(requester="anna"), chosen(), opened("q9", "s1", "unknown")]
    decision = decided("answered", "q9").decision

    def answered(text: str) -> RequestDecided:
        told = decision.model_copy(update={"given": Given(text=text, picks=(text,))})
        return RequestDecided(at=NOON, request_id=RequestId("q9"), decision=told)

    def named(event: Event) -> bool:
        return BO in [one.person for one in authors([*asks, event])]

    assert [named(answered(say(IT_DID_NOT))), named(answered("rather v2"))] == [False, True]


def test_a_no_is_one_to_the_call_on_the_card_by_which_it_was_said() -> None:
    """It counts though the call was changed since: who wishes for what it was changed to has not said no to that."""
    newer = CALL.model_copy(update={"arguments": {"version": "v9"}})
    first, then = (
        request().model_copy(update={"call": call, "digest": digest}) for call, digest in ((CALL, "d"), (newer, "e"))
    )
    asked: list[Event] = [started(requester="anna"), chosen(gate="production"), RequestOpened(at=NOON, request=first)]
    changed = [*asked, RequestRevised(at=NOON, by=PersonId("anna"), request=then.asking())]

    def no_to(story: list[Event], by: Literal["card", "thread"], digest: str) -> set[str]:
        """Which call Bo said no to, all the ways in which he is told to have."""
        told, found = decided("denied", reason="take v9"), set[str]()
        for no in (vote(approve=False, reason="take v9"), revoked()):
            binding = no.vote.binding.model_copy(update={"by": by, "digest": digest})
            meant = no.model_copy(update={"vote": no.vote.model_copy(update={"binding": binding})})
            found |= {one.no_to for one in authors([*story, meant, told]) if one.person == BO}
        return found

    assert no_to(changed, "card", "d") == no_to(asked, "card", "d") == no_to(asked, "thread", "d") == {CALL.sha256}
    assert no_to(changed, "card", "e") == {newer.sha256}
    assert no_to(changed, "thread", "e") == no_to(changed, "card", "unknown") == {""}, "nobody knows what they saw"


@given(any_story(max_size=10))
def test_whoever_was_read_once_stays_read(events: list[Event]) -> None:
    before, after = authors(events[:-1]), authors(events)

    assert after[: len(before)] == before
    assert all(one in after for event in events if isinstance(event, StepChosen) for one in event.read_by)
    begun = [event for event in events if isinstance(event, RunStarted)]
    assert {event.requester for event in begun} <= {one.person for one in after}
