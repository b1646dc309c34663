"""Open requests whose deciders have left the directory: others are asked at once, or the request is closed."""

from collections.abc import Collection, Sequence, Set

import structlog

from agents.requests import AllOf, AnyOf, Anyone, PersonId, PolicySnapshot, RequestId, Rule, people_of
from bot.people.directory import People
from bot.policy.approvers.quorum import eligible, is_met
from bot.policy.approvers.steps import escalated, without
from bot.policy.record import RequestRecord, after
from bot.requests.decisions import Decisions
from bot.requests.reassignment import reassigning, screened
from bot.requests.stored import TRIES
from bot.store import Commit, OtherRelease, Wake, WorkItem
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.journal import Journal, record_write
from language import say

log = structlog.stdlib.get_logger()

_KINDS = ("person:", "group:", "oncall:")


class Departures:
    """Looks at open requests after people have left. `edits`: the channels that can change a card where it stands.

    `alerts` are the operators (`person:…`, `group:…`, `oncall:…`): they answer for a run where nobody else is left.
    """

    def __init__(
        self, journal: Journal, decisions: Decisions, people: People, edits: Set[str], alerts: Sequence[str] = ()
    ) -> None:
        self._journal, self._decisions, self._people, self._edits = journal, decisions, people, edits
        self._alerts = tuple(alerts)

    async def look_at_all(self) -> bool:
        """Look at every open request; return whether that went well, else it has to be done again.

        One that can't be read is for a worker of its own release. Raises StoreError.
        """
        is_done = True
        for request_id in await self._journal.store.lists.requests(only_open=True):
            try:
                await self.look(RequestId(request_id))
            except OtherRelease:
                continue
            except Exception:
                log.exception("a request was not looked at after somebody left", request_id=request_id)
                is_done = False
        return is_done

    async def look(self, request_id: RequestId) -> None:
        """Ask others at once where too few are left who may decide; close the request where there is nobody else."""
        for _ in range(TRIES):
            record, version, _ = read = await self._decisions.request(request_id)
            here = frozenset(self._people.all())
            left = [one for one in dict.fromkeys(people_of(record.request.policy.rule)) if one not in here]
            is_over = read.is_archived or record.state != "open" or record.started_at is not None
            if is_over or not left or _is_met(record.request.policy, record, here):
                return
            commit = await self._without(record, version, left, here)
            if (await self._journal.write(commit)).state in {"committed", "full"}:
                log.warning("deciders of a request have left", request_id=request_id, left=left)
                return
        raise RuntimeError(f"{request_id} changed {TRIES} times after somebody had left")

    async def _without(
        self, record: RequestRecord, version: int, left: Sequence[PersonId], here: Collection[PersonId]
    ) -> Commit:
        """Return the commit that asks others instead of those who `left`, or closes the request."""
        request, now = record.request, await self._journal.store.now(record.request.id)
        with self._people.speaking_to(""):
            why = say("run.have-left", names=self._people.names_of(left))
        for policy in await screened(self._journal.store, record, await self._policies(record, here)):
            if not _is_met(policy, record, here):
                continue
            made = reassigning(record, policy, "left", self._people, self._edits, now, person=left[0], reason=why)
            return Commit(
                run_id=request.run_id,
                events=[made.event],
                records=[record_write(after(record, [made.event]), version, before=request.expires_at)],
                outgoing=made.outgoing,
                deliveries=made.deliveries,
                wake=[Wake(WorkItem("run", request.run_id))],
                limit=MAX_EVENTS_AT_ALL,
            )
        # A gate that is superseded is opened anew or refused, and the run says why.
        state = "superseded" if request.purpose == "gate" else "expired"
        return self._decisions.closing(record, version, state, None, why, now)

    async def _policies(self, record: RequestRecord, here: Collection[PersonId]) -> list[PolicySnapshot]:
        """Return the policies that may hold instead, the nearest first.

        The same seats as they are filled now, so that every vote still counts; the policy as the settings have it now;
        both with those whom it escalates to; and the operators, where nothing is decided that a policy gates.
        """
        request, now = record.request, await self._journal.store.now(record.request.id)
        old = request.policy
        refs = [ref for seat in _seats(old.rule) for ref in _refs(seat)]
        await self._people.look_up((*refs, *self._alerts))
        await self._people.look_up_policy(old.name)

        def again(rule: Rule) -> Rule:
            match rule:
                case Anyone():
                    stayed = [one for one in rule.people if one in here]
                    people = (*stayed, *self._people.members(_refs(rule), now))
                    return Anyone(source=rule.source, people=tuple(dict.fromkeys(people)))
                case AllOf():
                    return AllOf(of=tuple(map(again, rule.of)))
                case AnyOf():
                    return AnyOf(of=tuple(map(again, rule.of)))

        # One person fills one step.
        taken = {person for step in old.other_steps for person in step.by}
        nearest = old.model_copy(update={"rule": without(again(old.rule), taken)})
        found = [nearest]
        if request.purpose == "gate":
            named = None if old.steps else self._people.snapshot(old.name, now)
            found += [_instead(old, named)] if named else []
            reserve = self._people.on_duty(old.escalate_to, now)
            found += [escalated(one, reserve, now) for one in reversed(found)] if reserve else []
        elif request.purpose in {"unknown", "go_on"}:
            operators = Anyone(source="the operators", people=self._people.members(self._alerts, now))
            found.append(old.model_copy(update={"rule": operators, "quorum": 1, "requester_may_approve": True}))
        return found


def _instead(old: PolicySnapshot, named: PolicySnapshot) -> PolicySnapshot:
    """Return `old` with those who decide by `named`; whoever could decide before may still deny."""
    may_deny = tuple(dict.fromkeys((*old.may_deny, *people_of(old.rule))))
    return old.model_copy(update={"rule": named.rule, "quorum": named.quorum, "may_deny": may_deny})


def _is_met(policy: PolicySnapshot, record: RequestRecord, here: Collection[PersonId]) -> bool:
    """Return whether those who may decide and are still there would be enough."""
    return is_met(policy, (one for one in eligible(policy, record.requesters) if one in here))


def _seats(rule: Rule) -> list[Anyone]:
    return [rule] if isinstance(rule, Anyone) else [seat for part in rule.of for seat in _seats(part)]


def _refs(seat: Anyone) -> list[str]:
    """Return whom a seat names; a question's may name several."""
    return [ref for ref in seat.source.split(", ") if ref.startswith(_KINDS)]
