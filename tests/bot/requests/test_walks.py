"""What holds whatever is done to a request, under any policy, in any order, and however two acts meet."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import Phase, assume, example, given, settings
from hypothesis import strategies as st

from bot.config.directory.policies import PolicyConfig
from tests.bot.requests.walks import (
    ACTS,
    ELSEWHERE,
    FREEZES,
    TOML,
    Act,
    Place,
    check_act,
    check_again,
    check_place,
    policies,
    summary,
)
from tests.kit.house import House, TooFew
from tests.kit.office import settings_of


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def house(redis: str, tmp_path: Path, loop: asyncio.AbstractEventLoop) -> Iterator[House]:
    house = House(redis, settings_of(tmp_path, TOML), frozenset({"slack"}))
    yield house
    loop.run_until_complete(house.store.client.close())


async def walked(house: House, policy: PolicyConfig, acts: list[Act]) -> None:
    await house.emptied()
    try:
        place = await Place.opened(house, policy)
    except TooFew:
        assume(False)
        return
    for act in acts:
        await check_act(place, act)
    await check_again(place)


@pytest.mark.parametrize("walks", [15, pytest.param(300, marks=pytest.mark.long)])
def test_what_was_promised_holds_after_whatever_is_done(
    house: House, loop: asyncio.AbstractEventLoop, walks: int
) -> None:
    @settings(max_examples=walks, phases=(Phase.explicit, Phase.generate))
    @given(policies(), st.lists(st.one_of(ACTS, ACTS, ACTS, ELSEWHERE), min_size=4, max_size=14))
    def walk(policy: PolicyConfig, acts: list[Act]) -> None:
        loop.run_until_complete(walked(house, policy, acts))

    walk()


async def ended(house: House, policy: PolicyConfig, before: list[Act], last: list[Act], *, at_once: bool) -> object:
    """Return what becomes of a request of its own once these have happened, one after the other, or the last at once.

    What is said last is said by cards that its people hold before any of it.
    """
    await house.emptied()
    try:
        place = await Place.opened(house, policy)
    except TooFew:
        assume(False)
    for act in before:
        await place.do(act)
    place.given.clear()
    ready = [await place.readied(act) for act in last]
    if at_once:
        await asyncio.gather(*(do() for do in ready))
        await check_place(place)
    for do in () if at_once else ready:
        await do()
    return await summary(place)


@pytest.mark.parametrize("pairs", [30, pytest.param(500, marks=pytest.mark.long)])
def test_two_acts_that_meet_end_as_if_one_had_come_after_the_other(
    house: House, loop: asyncio.AbstractEventLoop, pairs: int
) -> None:
    @settings(max_examples=pairs, phases=(Phase.explicit, Phase.generate))
    @given(policies(), st.lists(ACTS, max_size=4), ACTS, st.one_of(ACTS, ACTS, ACTS, FREEZES))
    @example(PolicyConfig.model_validate(ONE), [Act("approve", "bo")], Act("start"), Act("say", "anna", words="hurry"))
    def pair(policy: PolicyConfig, before: list[Act], one: Act, other: Act) -> None:
        def end(*last: Act, at_once: bool = False) -> object:
            return loop.run_until_complete(ended(house, policy, before, [*last], at_once=at_once))

        assert end(one, other, at_once=True) in (end(one, other), end(other, one))

    pair()


@pytest.mark.parametrize("first", ["look", "approve"])
def test_a_look_in_vain_leaves_the_moment_that_a_vote_has_set_meanwhile(
    house: House, loop: asyncio.AbstractEventLoop, first: str
) -> None:
    steps = [
        {"name": "first", "approvers": ["person:bo"]},
        {"name": "then", "approvers": ["person:cy"], "escalate_after": "10m", "escalate_to": ["person:eve"]},
    ]
    policy = PolicyConfig.model_validate({"expires_after": "2h", "steps": steps})

    async def met() -> None:
        place = await Place.opened(house, policy)
        acts = [await place.readied(act) for act in (Act("look"), Act("approve", "bo"))]
        await asyncio.gather(*(do() for do in (acts if first == "look" else acts[::-1])))
        await check_place(place)

    loop.run_until_complete(met())


@dataclass(frozen=True)
class Row:
    """What stands after `acts`: the state, how the last answer was judged, and the cards of this revision."""

    acts: tuple[Act, ...]
    state: str
    judged: str
    cards: Mapping[str, int] = field(default_factory=dict[str, int])
    policy: Mapping[str, object] = field(default_factory=dict[str, object])


ONE = {"approvers": ["person:bo", "person:cy"], "expires_after": "2h", "approve_by_email": True}
LATER = {"escalate_after": "1h", "escalate_to": ["person:eve"]}
TWO = {**ONE, "approvers": ["group:release"], "quorum": 2}
KEPT = {
    "expires_after": "2h",
    "stand_ins": ["person:fay"],
    "steps": [
        {"name": "first", "approvers": ["group:release"]},
        {"name": "then", "approvers": {"all_of": ["person:bo", "person:cy"]}, **LATER},
    ],
}
"""Bo and Cy are kept for the last step, and have no card before."""
ROWS = {
    "a card that others may have does not approve": Row(
        (Act("say", "bo", "email", "I look at it", exposed=True), Act("approve", "bo", "email", age=1)),
        *("open", "unclear", {"bo": 2, "cy": 1}),
    ),
    "the card that came in its place does": Row(
        (Act("say", "bo", "email", "I look at it", exposed=True), Act("approve", "bo", "email")),
        *("approved", "decided", {"bo": 2, "cy": 1}),
    ),
    "a card to whose address came what is about something else does not approve": Row(
        (
            Act("approve", "bo", "email", doubt="the subject is another one"),
            Act("approve", "bo", "email", age=1),
        ),
        *("open", "unclear", {"bo": 2, "cy": 1}),
    ),
    "a vote of who has left counts no more once they are back": Row(
        (Act("approve", "bo"), Act("leaves", "bo"), Act("is_back", "bo"), Act("approve", "cy")),
        *("open", "counted", {"bo": 1, "cy": 1, "dan": 1}, TWO),
    ),
    "who has left and is back votes again": Row(
        (Act("approve", "bo"), Act("leaves", "bo"), Act("is_back", "bo"), Act("approve", "cy"), Act("approve", "bo")),
        *("approved", "decided", {"bo": 1, "cy": 1, "dan": 1}, TWO),
    ),
    "a condition does not approve": Row(
        (Act("approve", "bo", words="only after 5 pm"),),
        *("open", "note_unconfirmed", {"bo": 1, "cy": 1}),
    ),
    "a note does, once its writer says that it is one": Row(
        (Act("approve", "bo", words="only after 5 pm", sure=True),),
        *("approved", "decided", {"bo": 1, "cy": 1}),
    ),
    "it is handed on to nobody where nobody takes the seat": Row(
        (Act("hand_on", "bo", to="fay"), Act("approve", "bo")),
        *("approved", "decided", {"bo": 1, "cy": 1}),
    ),
    "it is handed on to whoever takes it": Row(
        (Act("hand_on", "bo", to="fay"), Act("approve", "fay")),
        *("approved", "decided", {"bo": 1, "cy": 1, "fay": 1}, {**ONE, "stand_ins": ["person:fay"]}),
    ),
    "who is kept for a later step hands it on": Row(
        (Act("hand_on", "bo", to="fay"),),
        *("open", "delegated", {"dan": 1}, KEPT),
    ),
    "who is kept for a later step leaves": Row(
        (Act("approve", "bo"), Act("leaves", "bo")),
        *("open", "not_entitled", {"dan": 1, "cy": 1}, KEPT),
    ),
    "to whom it came who is kept for a later step, and they leave": Row(
        (Act("hand_on", "bo", to="fay"), Act("leaves", "fay"), Act("is_back", "fay")),
        *("open", "delegated", {"dan": 1, "cy": 1}, KEPT),
    ),
    "nobody gets another card after the expiry": Row(
        (Act("wait", words="7200"), Act("approve", "bo", "email", doubt="the subject is another one")),
        *("open", "closed", {"bo": 1, "cy": 1}),
    ),
    "before it, whoever nearly answered does": Row(
        (Act("wait", words="7100"), Act("approve", "bo", "email", doubt="the subject is another one")),
        *("open", "unclear", {"bo": 2, "cy": 1}),
    ),
    "who leaves after the expiry is no matter any more": Row(
        (Act("wait", words="7200"), Act("leaves", "bo"), Act("approve", "eve")),
        *("open", "not_entitled", {"bo": 1}, {**ONE, **LATER, "approvers": ["person:bo"]}),
    ),
    "the digest of another request approves nothing": Row(
        (Act("approve", "bo", strange=True),),
        *("open", "superseded", {"bo": 1, "cy": 1}),
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_walks_seldom_come_to(house: House, loop: asyncio.AbstractEventLoop, name: str) -> None:
    row = ROWS[name]

    async def played() -> tuple[object, ...]:
        place = await Place.opened(house, PolicyConfig.model_validate(row.policy or ONE))
        for act in row.acts:
            await check_act(place, act)
        cards = Counter(one.person for one in (await place.record()).holders)
        return (await place.record()).state, place.given[-1].judgement.type, dict(cards)

    assert loop.run_until_complete(played()) == (row.state, row.judged, row.cards)
