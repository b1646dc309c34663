"""What holds of every sayso when a test is over, whatever was done in it, told from its events alone.

It shares no rule with the product: who may approve is tried out by brute force.
"""

import itertools
from collections.abc import Iterator, Sequence

from agents.events import (
    Event,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestReassigned,
    RequestRevised,
    RequestRevoked,
    ToolStarted,
    VoteCast,
)
from agents.moves import reassigned, restarted
from agents.requests import AllOf, Anyone, Asking, Effect, PolicySnapshot, PolicyStep, RequestId, Rule, Vote
from bot.queries.rebuild import rebuild
from bot.store import Store
from bot.store.client import Client
from tests.kit.indexes import listed


async def check_promises(url: str, shards: int) -> None:
    """Check each gated start of each run of the store at `url`, and that its lists are those of its events."""
    client = Client(url)
    try:
        store = Store(client, shards)
        for run_id in await store.lists.runs():
            check_starts((await store.load(run_id)).events)
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
    """Check that each gated tool of a run began with an approval that was good at that moment, of exactly this."""
    for number, event in enumerate(events):
        if isinstance(event, ToolStarted) and event.request_id:
            _check_start(event, events[:number])


def _check_start(started: ToolStarted, before: Sequence[Event]) -> None:
    about = [one for one in before if _request_of(one) == started.request_id]
    request = [one.request for one in about if isinstance(one, RequestOpened | RequestRevised)][-1]
    decided = [one.decision for one in about if isinstance(one, RequestDecided)]
    assert [one.state for one in decided] == ["approved"], "one decision, and it is an approval"
    assert not any(isinstance(one, RequestRevoked) for one in about), "nobody has taken it back"
    [decision], call, policy = decided, request.call, _policy(about)
    assert call is not None
    assert _executed(call.effect) == _executed(started.effect), "what was approved is what is done"
    assert (started.at - decision.at).total_seconds() < policy.execute_within_s
    if decision.standing:
        return
    votes = list(_votes(request, about))
    barred = set[str]() if policy.editor_may_approve else set[str](request.editors)
    if not policy.requester_may_approve:
        barred |= {*request.requesters, *(one.person for one in before if isinstance(one, PersonSaid))}
    if decision.broke_glass:
        [breaker] = decision.by
        assert any(breaker in rule.people for rule in policy.break_glass)
        assert breaker not in {*request.requesters, *request.editors}
        assert any(vote.person == breaker and vote.breaks_glass for vote in votes)
        return
    counted = [vote for vote in votes if not vote.breaks_glass and (vote.channel != "email" or policy.approve_by_email)]
    voters = {str(vote.person) for vote in counted} - barred
    assert set(decision.by) <= voters, "whoever decided it has voted, and may"
    assert _enough(policy, voters), f"{voters} are not enough for {policy}"


def _request_of(event: Event) -> RequestId | None:
    match event:
        case RequestOpened() | RequestRevised():
            return event.request.id
        case RequestDecided() | RequestReassigned() | RequestRevoked() | VoteCast():
            return event.request_id
        case _:
            return None


def _policy(about: Sequence[Event]) -> PolicySnapshot:
    """The rules as they stood last: as it was opened, and since by who is asked."""
    [found] = [event.request.policy for event in about if isinstance(event, RequestOpened)]
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
        stands = (vote.revision, vote.digest) == (request.revision, request.digest)
        if vote.approve and stands and vote.reply_id not in void:
            yield vote


def _executed(effect: Effect) -> Effect:
    """All of it but what is only for the card."""
    return effect.model_copy(update={"facts": (), "is_risky": False})


def _enough(policy: PolicySnapshot, voters: set[str]) -> bool:
    """Whether some way to give each step people of its own, as many as it wants, meets all of them."""
    steps = policy.steps or (PolicyStep(name="", rule=policy.rule, quorum=policy.quorum),)
    now = policy.in_step if policy.steps else 0
    rules = [policy.rule if number == now else step.rule for number, step in enumerate(steps)]
    quorums = [policy.quorum if number == now else step.quorum for number, step in enumerate(steps)]
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
