"""What holds of every sayso when a test is over, whatever was done in it, told from its events alone.

It shares no rule with the product: who may approve is tried out by brute force.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from agents.events import (
    AnswerNoted,
    CardReplaced,
    Event,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestReassigned,
    RequestRevised,
    RequestRevoked,
    ToolStarted,
    VoteCast,
    own,
)
from agents.moves import reassigned, restarted
from agents.requests import (
    AllOf,
    Anyone,
    Asking,
    Decision,
    DeliveryId,
    Effect,
    Holder,
    PersonId,
    PolicySnapshot,
    RequestId,
    Rule,
    Vote,
)
from agents.requests.asked import Asked, AskedStep, asked_at_first
from agents.requests.proof import ByKey, BySession
from agents.run import fold
from agents.standing import ALLOW_AGAIN, Pattern
from bot.policy.judge import needed_later
from bot.queries.rebuild import rebuild
from bot.requests.standing.kept import KeptStandings
from bot.store import Commit, Store
from bot.store.client import Client
from bot.store.outbox_entry import Delivery, PlaceCard, Tell, read_entry
from tests.kit.indexes import listed

HEARS_AT_ONCE = {"cli", "api", "console"}
"""Whoever answers so reads what became of it in the answer to that."""


class Written:
    """Looks at each change as it is written, and keeps in `broken` what it lacks.

    For each card that it names, what its token stands for and the message that brings it are written with it; so is the
    word to whoever gave an answer that does not count. Those who approve something are as many humans as ids, and none
    may be whoever asked for it, as the directory is when that is written: `may_be` gives who may be one.
    """

    def __init__(self, may_be: Callable[[], Mapping[PersonId, Collection[PersonId]]] = dict) -> None:
        self.broken, self.may_be = list[str](), may_be
        self._cards = dict[DeliveryId, Delivery]()
        self._asked = dict[RequestId, tuple[Asking, PolicySnapshot]]()

    def hear(self, commit: Commit, _: int) -> None:
        """Take in a change."""
        self._look_at_humans(own(tuple(commit.events)))
        made = {found.id: found for _, body in commit.deliveries for found in [Delivery.model_validate_json(body)]}
        sent = [one for _, body in commit.outgoing for one in [read_entry(body)] if isinstance(one, PlaceCard | Tell)]
        for event in own(tuple(commit.events)):
            for holder in holders_of(event):
                self._take_in(event, holder, made.get(holder.delivery_id), sent)
            if isinstance(event, AnswerNoted) and not _is_told(event, sent):
                self.broken.append(f"nobody tells {event.person} what became of {event}")
        self._cards |= made

    def _look_at_humans(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, RequestOpened):
                self._asked[event.request.id] = event.request, event.request.policy
            if isinstance(event, RequestRevised) and event.request.id in self._asked:
                self._asked[event.request.id] = event.request, self._asked[event.request.id][1]
            if not isinstance(event, RequestDecided) or event.request_id not in self._asked:
                continue
            (request, policy), decision, may_be = self._asked[event.request_id], event.decision, self.may_be()
            if decision.state != "approved":
                continue
            out = set[PersonId]()
            surely = {one for one in request.requesters if request.parts.get(one) != "maybe"}
            out |= set() if policy.requester_may_approve else surely
            out |= set() if policy.editor_may_approve else {*request.editors}
            twice = [one for one in decision.by if {*may_be.get(one, ())} & ({*decision.by} | out)]
            if twice:
                self.broken.append(f"{twice} may be others of {decision.by}, or of {out}, whom {event} counts not")

    def _take_in(self, event: Event, holder: Holder, placed: Delivery | None, sent: Sequence[PlaceCard | Tell]) -> None:
        whom = (holder.person, holder.place)
        if holder.delivery_id in self._cards:
            self.broken.append(f"{holder} has the id of {self._cards[holder.delivery_id]}")
        if placed is None or (placed.request_id, placed.person, placed.place) != (_request_of(event), *whom):
            self.broken.append(f"{holder} of {event.type} is not what its token stands for: {placed}")
        if (holder.delivery_id, *whom) not in {(one.delivery_id, one.person, one.place) for one in sent}:
            self.broken.append(f"nothing brings {holder} of {event.type}")


def _is_told(event: AnswerNoted, sent: Sequence[PlaceCard | Tell]) -> bool:
    return event.channel in HEARS_AT_ONCE or any(one.person == event.person for one in sent)


async def check_promises(url: str, shards: int, here: Collection[PersonId] = ()) -> None:
    """Check each gated start of each run of the store at `url`, and that its lists are those of its events.

    Who is `here`, and is surely nobody else, has a card of all that they may decide. Whoever was away when they came to
    decide it, and is back, has none until something moves: no World ends so.
    """
    client = Client(url)
    try:
        store = Store(client, shards)
        runs = {run_id: own((await store.load(run_id)).events) for run_id in await store.lists.runs()}
        for events in runs.values():
            check_starts(events)
            check_cards(events, here)
        check_uses({KeptStandings(store).id_for(run_id): events for run_id, events in runs.items()})
        before = await listed(store)
        rebuilt = await rebuild(store)
        after = await listed(store)
        # A turn that ended with its worker has not yet said what its run waits for.
        differ = {
            name: (before.get(name), after.get(name))
            for name in {*before, *after}
            if before.get(name) != after.get(name) and not name.startswith("runs:state")
        }
        assert (rebuilt.differed, differ) == (0, {}), (
            f"made anew of the events: {rebuilt}, lists before and after: {differ}"
        )
    finally:
        await client.close()


def check_starts(events: Sequence[Event]) -> None:
    """Check that each approval of a run was good at its moment, and each gated tool began with one, of exactly this."""
    for number, event in enumerate(events):
        if isinstance(event, RequestDecided) and event.decision.state == "approved":
            _check_approval(event.decision, events_of(event.request_id, events[:number]), events[:number])
        if isinstance(event, ToolStarted) and event.request_id:
            _check_start(event, events_of(event.request_id, events[:number]), events[:number])


def _check_start(started: ToolStarted, about: Sequence[Event], before: Sequence[Event]) -> None:
    request = _request(about)
    decided = [one.decision for one in about if isinstance(one, RequestDecided)]
    assert [one.state for one in decided] == ["approved"], "one decision, and it is an approval"
    assert not any(isinstance(one, RequestRevoked) for one in about), "nobody has taken it back"
    [decision], call = decided, request.call
    assert call is not None
    assert _executed(call.effect) == _executed(started.effect), "what was approved is what is done"
    assert (started.at - decision.at).total_seconds() < _policy(about).execute_within_s
    # Who writes to the run after it was approved has a part in what comes next, and none in this.
    at = next(number for number, one in enumerate(before) if isinstance(one, RequestDecided) and one in about)
    _check_approval(decision, about, before[:at])


def _check_approval(decision: Decision, about: Sequence[Event], before: Sequence[Event]) -> None:
    if decision.standing:  # see check_uses
        return
    request = _request(about)
    policy, asked, votes = _policy(about), _asked(about), list(_votes(request, about))
    barred = set[str]() if policy.editor_may_approve else set[str](request.editors)
    if not asked.requester_may_approve:
        barred |= {*request.requesters, *(one.person for one in before if isinstance(one, PersonSaid))}
    if decision.broke_glass:
        [breaker] = decision.by
        assert any(breaker in rule.people for rule in policy.break_glass)
        assert breaker not in {*request.requesters, *request.editors}
        assert any(vote.person == breaker and vote.breaks_glass and _came(vote, policy) for vote in votes)
        return
    counted = [vote for vote in votes if not vote.breaks_glass and _came(vote, policy)]
    voters = {str(vote.person) for vote in counted} - barred
    assert set(decision.by) <= voters, "whoever decided it has voted, and may"
    assert _enough(asked, voters), f"{voters} are not enough for {asked}"


def check_uses(runs: Mapping[str, Sequence[Event]]) -> None:
    """Check that what a standing approval decided is what people had approved, by whom it says, each use once.

    `runs` are by the id that a standing approval has which their people granted.
    """
    used = [
        (event.decision, event.decision.standing, events_of(event.request_id, events[:number]))
        for events in runs.values()
        for number, event in enumerate(events)
        if isinstance(event, RequestDecided) and event.decision.standing
    ]
    assert len({(use.id, use.number) for _, use, _ in used}) == len(used), "each use is used once"
    for decision, use, about in used:
        request, policy = _request(about), _policy(about)
        assert 1 <= use.number <= use.of
        assert policy.requester_may_approve or not {*decision.by} & {*request.requesters}
        granted = [
            (one.decision, _request(events_of(one.request_id, runs[use.id])))
            for one in runs[use.id]
            if isinstance(one, RequestDecided) and one.decision.state == "approved" and one.decision.at <= decision.at
        ]
        assert any(_grants(by, asking, decision, request) for by, asking in granted), f"nobody granted {decision}"


def _grants(granted: Decision, asking: Asking, decision: Decision, used: Asking) -> bool:
    """Return whether people `granted` a call like the one `used` when they approved what was asked."""
    if granted.standing or granted.broke_glass or granted.by != decision.by or not (asking.call and used.call):
        return False
    wanted, call = asking.call.arguments, used.call
    if asking.call.tool != ALLOW_AGAIN:  # a call of a program's session, which allows the same again
        return (asking.call.tool, asking.call.effect.environment) == (call.tool, call.effect.environment)
    pattern = Pattern.model_validate(wanted["pattern"])
    bound = {name: value for name, value in call.arguments.items() if name not in pattern.open}
    is_same = (call.tool, call.effect.environment, bound) == (pattern.tool, pattern.environment, pattern.arguments)
    return is_same and wanted["person"] == used.requesters[0]


def events_of(request_id: RequestId, events: Sequence[Event]) -> list[Event]:
    """Return the events that name one request."""
    return [one for one in events if _request_of(one) == request_id]


def _request(about: Sequence[Event]) -> Asking:
    return [one.request for one in about if isinstance(one, RequestOpened | RequestRevised)][-1]


def check_cards(events: Sequence[Event], here: Collection[PersonId]) -> None:
    """Check that the id of a card is that of no other, and that whoever is waited for has one of what stands now."""
    ids = Counter(holder.delivery_id for event in events for holder in holders_of(event))
    assert not [one for one, times in ids.items() if times > 1], "an id means one card for ever"
    for request_id in {event.request.id for event in events if isinstance(event, RequestOpened)}:
        about = events_of(request_id, events)
        if any(isinstance(one, RequestDecided) for one in about):
            continue
        begins = max(number for number, one in enumerate(about) if isinstance(one, RequestOpened | RequestRevised))
        held = {holder.person for one in about[begins:] for holder in holders_of(one)}
        kept = needed_later(fold(events).requests[request_id], here)
        lack = (deciders(events, request_id) & {*here}) - held - kept
        assert not lack, f"{lack} may decide {request_id} and have no card of what stands"


def deciders(events: Sequence[Event], request_id: RequestId) -> set[PersonId]:
    """Return those who may decide an open request: whom its rule names, who had no other part in it."""
    about = events_of(request_id, events)
    request = _request(about)
    policy, asked = _policy(about), _asked(about)
    opened = next(number for number, one in enumerate(events) if one is about[0])
    wrote = {one.person for one in events[opened:] if isinstance(one, PersonSaid)}
    out = {one.person for one in asked.handed_on}
    out |= set() if policy.editor_may_approve else {*request.editors}
    out |= set() if asked.requester_may_approve else {*request.requesters, *wrote}
    return {PersonId(one) for one in _people(asked.rule)} - out


def holders_of(event: Event) -> tuple[Holder, ...]:
    """Return those for whom it made cards."""
    match event:
        case RequestOpened() | RequestRevised() | RequestReassigned() | AnswerNoted():
            return event.holders
        case CardReplaced():
            return (event.holder,) if event.holder else ()
        case _:
            return ()


def _request_of(event: Event) -> RequestId | None:
    match event:
        case RequestOpened() | RequestRevised():
            return event.request.id
        case RequestDecided() | RequestReassigned() | RequestRevoked() | VoteCast() | AnswerNoted() | CardReplaced():
            return event.request_id
        case _:
            return None


def _policy(about: Sequence[Event]) -> PolicySnapshot:
    [found] = [event.request.policy for event in about if isinstance(event, RequestOpened)]
    return found


def _asked(about: Sequence[Event]) -> Asked:
    """Who is asked as it stood last: as it was opened, and since by moves."""
    found = asked_at_first(_policy(about))
    for event in about:
        if isinstance(event, RequestRevised):
            found = restarted(found, event.at)
        if isinstance(event, RequestReassigned):
            found = reassigned(found, event)
    return found


def _votes(request: Asking, about: Sequence[Event]) -> Iterator[Vote]:
    """The approvals of what stands, each human's last, without those that became void."""
    void = {reply for event in about if isinstance(event, RequestReassigned) for reply in event.void}
    last = dict[str, Vote]()
    for event in about:
        if isinstance(event, VoteCast):
            last[event.vote.person] = event.vote
    for vote in last.values():
        stands = (vote.binding.revision, vote.binding.digest) == (request.revision, request.digest)
        if vote.approve and stands and vote.reply_id not in void:
            yield vote


def _came(vote: Vote, policy: PolicySnapshot) -> bool:
    """Return whether an approval came by a way that the policy names, all the way: whoever reads mails reads links."""
    link_by = vote.proof.link_by if isinstance(vote.proof, BySession | ByKey) else None
    ways = {vote.channel, *(["email"] if link_by == "email" else [])}
    return ways <= {*policy.answer_from} and ("email" not in ways or policy.approve_by_email)


def _executed(effect: Effect) -> Effect:
    """All of it but what is only for the card."""
    return effect.model_copy(update={"facts": (), "risks": ()})


def _enough(asked: Asked, voters: set[str]) -> bool:
    """Whether some way to give each step people of its own, as many as it wants, meets all of them."""
    steps = asked.steps or (AskedStep(name="", rule=asked.rule, quorum=asked.quorum),)
    now = asked.in_step if asked.steps else 0
    rules = [asked.rule if number == now else step.rule for number, step in enumerate(steps)]
    quorums = [asked.quorum if number == now else step.quorum for number, step in enumerate(steps)]
    for given in itertools.product(range(len(steps)), repeat=len(voters)):
        teams = [
            {one for one, to in zip(sorted(voters), given, strict=True) if to == step} for step in range(len(steps))
        ]
        if all(_meets(rule, quorum, team) for rule, quorum, team in zip(rules, quorums, teams, strict=True)):
            return True
    return False


def _meets(rule: Rule, quorum: int, team: set[str]) -> bool:
    """Whether a team holds a quorum of people whom the rule names, with one of them for each seat that it has."""
    named = sorted(set(_people(rule)) & team)
    return len(named) >= quorum and any(
        all(one in seat for one, seat in zip(sitting, seats, strict=True))
        for seats in _seats(rule)
        for sitting in itertools.permutations(named, len(seats))
    )


def _people(rule: Rule) -> Iterator[str]:
    """Everybody whom it names."""
    if isinstance(rule, Anyone):
        yield from rule.people
    else:
        for part in rule.of:
            yield from _people(part)


def _seats(rule: Rule) -> Iterator[list[frozenset[str]]]:
    """Each list of seats that would do, a seat as the people who may take it."""
    if isinstance(rule, Anyone):
        yield [frozenset(rule.people)]
    elif isinstance(rule, AllOf):
        for parts in itertools.product(*([*_seats(part)] for part in rule.of)):
            yield [seat for part in parts for seat in part]
    else:
        for part in rule.of:
            yield from _seats(part)
