"""Walks through what people do to one request: acts as data, played on a House, and what must hold after each."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from hypothesis import strategies as st
from pydantic import JsonValue

from agents.events import CardReplaced, Event, PersonSaid, RequestOpened, RequestReassigned, RequestRevised, own
from agents.moves import reassigned, restarted
from agents.requests import Binding, DeliveryId, GatedCall, PersonId, Request, RequestId, people_of
from agents.requests.asked import Asked, asked_at_first
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.config.directory.policies import PolicyConfig
from bot.people.humans import Humans
from bot.people.offers import offers
from bot.people.tables import Tables
from bot.policy.answers import Statement
from bot.policy.judgements import Counted, Decided, Delegated, Edited, Judgement, NotEntitled
from bot.requests.edits import Edit
from bot.requests.reassignment.delegation import HandOn
from bot.store.keys import Keys
from bot.store.outbox_entry import Delivery
from channels import Said
from tests.bot.store.stores import woken
from tests.kit.house import House, call, statement
from tests.kit.indexes import Indexes, listed, lists_of_events
from tests.kit.promises import check_cards, check_starts, holders_of

PEOPLE = ("anna", "bo", "cy", "dan", "eve", "fay")
GROUP = ("anna", "bo", "cy", "dan")
TOML = "".join(
    f'[people.{name}]\nname = "{name.title()}"\nemail = "{name}@corp.example"\n'
    f'groups = [{chr(34) + "release" + chr(34) if name in GROUP else ""}]\n'
    for name in PEOPLE
)  # fmt: skip
WAYS = ("slack", "email", "console", "cli", "api")
NOTES = {"": True, "lgtm": True, "only after 5 pm": False}
"""What may stand beside an approval, and whether it is courtesy that needs no word more."""

Verb = Literal[
    "approve", "deny", "withdraw", "say", "ask", "glass", "edit", "hand_on", "look", "start", "wait", "leaves",
    "is_back", "freeze", "unfreeze",
]  # fmt: skip
ANSWERS: tuple[Verb, ...] = ("approve", "deny", "withdraw", "say", "ask", "glass", "edit", "hand_on")
SAID: Mapping[str, Said | Literal["withdraw"]] = {
    "approve": "approve",
    "deny": "deny",
    "withdraw": "withdraw",
    "ask": "ask",
    "glass": "break_glass",
}


@dataclass(frozen=True)
class Act:
    """One thing that happens. An answer is given through `way` to the card of `of`, the newest but `age`.

    `doubt` says why nothing shows that it was meant, `exposed` that others have seen the card; `strange`: it names the
    digest of another request. `sure`: what stands beside it is a note.
    """

    verb: Verb
    person: str = "anna"
    way: str = "cli"
    words: str = ""
    to: str = ""
    of: str = ""
    age: int = 0
    doubt: str = ""
    exposed: bool = False
    strange: bool = False
    sure: bool = False


def some(*ones: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(ones)


SPEAKER = some("bo", "cy", "dan", "bo", "cy", "dan", "anna", "eve", "fay")
GIVEN: Mapping[str, st.SearchStrategy[Any]] = {
    "person": SPEAKER,
    "way": some("slack", "email", "email", "console", "cli", "api"),
    "of": some(*[""] * 12, *PEOPLE),
    "age": some(0, 0, 0, 0, 1),
    "doubt": some(*[""] * 7, "the subject is another one"),
    "exposed": some(*[False] * 7, True),
    "strange": some(*[False] * 12, True),
}
VOTES = st.builds(
    Act, verb=some("approve", "approve", "approve", "deny"), words=some("", "", *NOTES), sure=st.booleans(), **GIVEN
)
OTHER = st.one_of(
    st.builds(Act, verb=some("say"), words=some("I look at it after lunch", "it is urgent"), **GIVEN),
    st.builds(Act, verb=some("ask"), words=some("Why now?"), **GIVEN),
    st.builds(Act, verb=some("glass"), words=some("checkout is down"), sure=st.booleans(), **GIVEN),
    st.builds(Act, verb=some("edit"), to=some("v1", "v2", "v3"), **GIVEN),
    st.builds(Act, verb=some("hand_on"), to=some(*PEOPLE), **GIVEN),
)
AROUND = st.one_of(
    st.builds(Act, verb=some("look", "start")),
    st.builds(
        Act, verb=some("withdraw"), words=some("", "no longer wanted"), **{**GIVEN, "person": some("anna", "bo")}
    ),
    st.builds(Act, verb=some("wait"), words=some("60", "900", "3600")),
)
FREEZES = st.builds(Act, verb=some("freeze", "unfreeze"))
ELSEWHERE = st.one_of(st.builds(Act, verb=some("leaves", "is_back"), person=some("bo", "cy", "dan")), FREEZES)
ACTS = st.one_of(VOTES, VOTES, VOTES, OTHER, OTHER, AROUND)
"""What is done to one request."""

SEATS = some(["group:release"], ["person:bo", "person:cy"], ["person:bo"], ["person:cy", "person:dan"])
ESCALATIONS = some({}, *({"escalate_after": after, "escalate_to": ["person:eve"]} for after in ("10m", "30m")))
PAIRS = some(["person:bo", "person:cy"], ["person:bo", "group:release"], ["group:release", "group:release"])


@st.composite
def policies(draw: st.DrawFn) -> PolicyConfig:
    """Any policy that these people could have."""
    said: dict[str, Any] = {
        "expires_after": "2h",
        "approve_by_email": draw(st.booleans()),
        "requester_may_approve": draw(some(False, False, True)),
        "editor_may_approve": draw(some(False, False, True)),
        "remind_after": draw(some([], ["5m", "20m"])),
        "stand_ins": draw(some([], ["person:fay"], ["person:fay", "person:eve"])),
        "break_glass": draw(some([], [], ["person:fay"], ["person:bo", "person:eve"])),
        "reach": draw(some(["slack", "email"], ["email"])),
    }
    if draw(st.booleans()):
        names = ("first", "then", "last")[: draw(some(2, 2, 3))]
        steps = [{"name": name, "approvers": draw(SEATS), **draw(ESCALATIONS)} for name in names]
        return PolicyConfig.model_validate({**said, "steps": steps})
    rule = draw(st.one_of(SEATS, PAIRS.map(lambda pair: {"all_of": pair})))
    return PolicyConfig.model_validate(
        {**said, **draw(ESCALATIONS), "approvers": rule, "quorum": draw(some(1, 1, 2, 3))}
    )


@dataclass(frozen=True)
class Given:
    """An answer that was given, how it is given again, and what became of it."""

    act: Act
    said: Statement
    answer: Callable[[], Awaitable[Judgement]]
    judgement: Judgement


@dataclass
class Place:
    """One request of a House, and what was said to it."""

    house: House
    policy: PolicyConfig
    request: Request
    given: list[Given] = field(default_factory=list[Given])
    left: set[str] = field(default_factory=set[str])
    were_away: set[str] = field(default_factory=set[str])

    @classmethod
    async def opened(cls, house: House, policy: PolicyConfig) -> "Place":
        """Return a request under a policy, with everybody here. Raises TooFew."""
        house.people.change(Tables(house.settings.people, {"walk": policy}), Humans())
        return cls(house, policy, await house.opened("walk"))

    async def record(self) -> RequestRecord:
        return (await self.house.decisions.request(self.request.id)).record

    async def events(self) -> Sequence[Event]:
        return own((await self.house.store.load(self.request.run_id)).events)

    async def do(self, act: Act) -> None:
        """Do it."""
        await (await self.readied(act))()

    async def readied(self, act: Act) -> Callable[[], Awaitable[None]]:
        """Return what does it, with the card that its person has in front of them now. Who is not here says nothing."""
        if act.verb not in ANSWERS:
            return partial(self._happen, act)
        if act.person in self.left:
            return partial(asyncio.sleep, 0)
        return partial(self._give, act, await self.said(act))

    async def _give(self, act: Act, said: Statement) -> None:
        judgement = await self.answer(act, said)
        self.given.append(Given(act, said, partial(self.answer, act, said), judgement))

    async def _happen(self, act: Act) -> None:
        decisions, request = self.house.decisions, self.request
        match act.verb:
            case "look":
                await decisions.look(request.id)
            case "start":
                await self.house.start((await self.record()).request, is_the_same=True)
            case "wait":
                await self.house.has_passed(float(act.words))
            case "freeze":
                await self.house.freezes.freeze("production", PersonId("eve"), "incident", proof=None)
            case "unfreeze":
                await self.house.freezes.unfreeze("production", PersonId("eve"), "over", proof=None)
            case _:
                self.left = self.left | {act.person} if act.verb == "leaves" else self.left - {act.person}
                self.were_away |= self.left
                here = {name: one for name, one in self.house.settings.people.items() if name not in self.left}
                self.house.people.change(Tables(here, {"walk": self.policy}))
                await self.house.departures.look(request.id)

    async def said(self, act: Act) -> Statement:
        """Return the words of an answer, given to the card that it names, or to what stands where there is none."""
        record = await self.record()
        cards = record.cards_of(PersonId(act.of or act.person))
        placed = await self._card(cards[max(-len(cards), -1 - act.age)]) if cards else None
        found = statement(act.person, act.way, SAID.get(act.verb, "free_text"), record.request)
        found = replace(
            found,
            text=act.words or act.verb,
            reason=act.words,
            note_confirmed=act.sure,
            place="C01OPS" if act.way == "slack" else "",
        )
        is_message = act.way in {"slack", "email"}
        if placed is None:
            return found
        return replace(
            found,
            binding=Binding(
                by="card" if is_message else "page",
                revision=placed.revision,
                digest="f" * 64 if act.strange else placed.digest,
                card=placed.id if is_message else None,
                addressee=placed.person if is_message else None,
                unbound=act.doubt if act.way == "email" else "",
                is_exposed=act.exposed and act.way == "email",
            ),
        )

    async def _card(self, delivery_id: DeliveryId) -> Delivery:
        body = await self.house.store.delivery(delivery_id)
        assert body, delivery_id
        return Delivery.model_validate_json(body)

    async def answer(self, act: Act, said: Statement) -> Judgement:
        """Give an answer; given again, it is the same."""
        decisions, request_id = self.house.decisions, self.request.id
        match act.verb:
            case "edit":
                return await decisions.decide(request_id, said, change=Edit({"version": act.to}, prepare))
            case "hand_on":
                return await decisions.decide(request_id, said, change=HandOn(PersonId(act.to), "on a train"))
            case _:
                return await decisions.decide(request_id, said)

    @property
    def here(self) -> list[PersonId]:
        """Who is in the directory now."""
        return [*self.house.people.all()]


async def prepare(_: Request, values: Mapping[str, JsonValue]) -> tuple[GatedCall, Callable[[], str]]:
    return call(str(values["version"])), lambda: "Deploy?"


async def check_act(place: Place, act: Act) -> None:
    """Do it, and check what holds of it, and after it."""
    before, told, was_here = await place.record(), await place.events(), place.here
    number = len(place.given)
    await place.do(act)
    after = await place.record()
    check_final(before, after)
    for given in place.given[number:]:
        now = await place.house.store.now(place.request.id)
        if given.act.verb in {"approve", "glass", "edit", "hand_on"} and isinstance(
            given.judgement, Counted | Decided | Edited | Delegated
        ):
            check_counted(place.policy, before, told, given, now)
        is_early = before.state in {"open", "approved"} and before.started_at is None
        if given.act.verb == "deny" and act.person in was_here and is_early and now < before.request.expires_at:
            ends = {"denied", "withdrawn"} if before.state == "open" else {"revoked"}
            assert not may_say_no(told, act.person) or after.state in ends, (act, before.state, after.state)
        if given.act.verb == "withdraw":
            check_withdrawn(before, after, given, is_in_time=is_early and now < before.request.expires_at)
    await check_place(place)


def check_final(before: RequestRecord, after: RequestRecord) -> None:
    """Check that the first decision is final, and that only an approval ends otherwise, before it begins."""
    if before.state == "open":
        return
    may_end = before.state == "approved" and not before.started_at
    assert after.state == before.state or (may_end and after.state in {"revoked", "superseded"})
    assert after.state == "superseded" or after.decision == before.decision


def check_withdrawn(before: RequestRecord, after: RequestRecord, given: Given, *, is_in_time: bool) -> None:
    """Check that whoever asked takes back what has not begun, and nobody else does."""
    if given.said.person not in before.askers:
        assert isinstance(given.judgement, NotEntitled)
        assert after.state == before.state
    elif is_in_time and before.state in {"open", "approved"}:
        assert after.state == ("withdrawn" if before.state == "open" else "revoked")


def check_counted(
    policy: PolicyConfig, before: RequestRecord, told: Sequence[Event], given: Given, now: datetime
) -> None:
    """Check that what counted was said of what stood, by a card that approves, plainly, and in time."""
    said, request = given.said, before.request
    void = {one for event in told if isinstance(event, CardReplaced) for one in event.void}
    seen = said.binding
    assert (seen.revision, seen.digest) == (request.revision, request.digest), "it is said of what they saw"
    assert said.binding.card not in void, "no card counts that others may have"
    assert not said.binding.unbound
    assert said.binding.addressee in {None, said.person}
    # What whoever asked changes asks everybody anew, also where they decide another step than the one in force.
    asks = said.person in before.askers and said.person not in people_of(before.asked.rule)
    is_own = isinstance(given.judgement, Edited) and (given.judgement.is_own or asks)
    assert said.channel != "email" or policy.approve_by_email or is_own
    assert now < request.expires_at
    if given.act.verb == "approve":
        assert NOTES[said.reason] or said.note_confirmed, "a condition counts once its writer says that it is none"
    assert given.act.verb != "glass" or said.channel != "email" or said.note_confirmed


def may_say_no(told: Sequence[Event], person: str) -> bool:
    """Return whether somebody asked, wrote to it, or could ever decide it."""
    may, asked = set[str](), dict[RequestId, Asked]()
    for event in told:
        match event:
            case RequestOpened():
                may |= {*event.request.requesters, *people_of(event.request.policy.rule)}
                asked[event.request.id] = asked_at_first(event.request.policy)
            case RequestRevised():
                asked[event.request.id] = restarted(asked[event.request.id], event.at)
                may |= {*event.request.requesters, *people_of(asked[event.request.id].rule)}
            case RequestReassigned():
                asked[event.request_id] = reassigned(asked[event.request_id], event)
                may |= {*people_of(asked[event.request_id].rule)}
            case PersonSaid():
                may.add(event.person)
            case _:
                pass
    return person in may


async def check_place(place: Place) -> None:
    """Check what holds of a request after whatever was done, by its events."""
    house, events, request_id = place.house, await place.events(), place.request.id
    record, now = await place.record(), await house.store.now(request_id)
    assert fold(events).requests[request_id] == record
    stored = await _lists_of_requests(listed(house.store))
    assert stored == await _lists_of_requests(lists_of_events(house.store))
    entry, due = (await woken(house.store)).get(f"ask {request_id}"), house.decisions.timing.due(record, now)
    # A look at what is closed finds nothing to do. Whoever comes back waits for the next moment, and has no new card.
    is_woken = entry is not None and (place.were_away or due is None or entry <= (due.moment - now).total_seconds() + 1)
    assert due is None or is_woken, (entry, due)
    for person in house.people.all():
        can = offers(record, house.people, person, "console", now)
        assert not can.acts or f"requests:seen:{person}" in stored, (person, can)
        assert "approve" not in can or f"requests:for:{person}" in stored, (person, can)
    check_starts(events)
    check_cards(events, {*place.here} - place.were_away)
    assert not house.written.broken


async def _lists_of_requests(lists: Awaitable[Indexes]) -> Indexes:
    return {name: marks for name, marks in (await lists).items() if name.startswith("requests:")}


async def check_again(place: Place) -> None:
    """Check that all that was said, said again, writes nothing and is told the same."""
    store, request_id = place.house.store, place.request.id

    async def written() -> tuple[object, ...]:
        found = await store.record(request_id)
        assert found
        entries = await store.client.do("HLEN", Keys.of(request_id).outbox)
        return found.version, len((await store.load(place.request.run_id)).events), entries

    before = await written()
    for given in place.given:
        assert await given.answer() == given.judgement
    assert await written() == before


async def summary(place: Place) -> dict[str, object]:
    """Return what became of a request, without what differs by chance: ids, digests and times."""
    record, events = await place.record(), await place.events()
    request, asked, made = record.request, record.asked, record.decision
    begins = max(n for n, one in enumerate(events) if isinstance(one, RequestOpened | RequestRevised))
    return {
        "state": (record.state, record.started_at is not None, record.stopped is not None, record.frozen is not None),
        "decided": made and (made.state, made.by, made.broke_glass, made.reason, made.channel),
        "votes": [(one.person, one.approve, one.binding.revision, one.reason, one.channel) for one in record.votes],
        "call": (request.revision, request.call and request.call.arguments, request.edits),
        "asked": (asked.in_step, asked.rule, [one.by for one in asked.steps], asked.givers, asked.takers),
        "may": (sorted(record.requesters), sorted(asked.editors), sorted(asked.may_deny)),
        "noted": (record.noted, [(one.person, one.kind, one.text) for one in record.comments], record.glass),
        "cards": Counter(one.person for event in events[begins:] for one in holders_of(event)),
        "void": len(record.replaced),
        "told": sorted(str((given.act, given.judgement.type)) for given in place.given),
    }
