"""What standing approvals there are, what may become one, and their end."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from agents import Agent, Repeats
from agents.requests import GatedCall, PersonId, Request
from agents.requests.proof import Proof
from agents.requests.record import RequestRecord
from agents.run import Run
from agents.standing import AllowAgainArgs
from agents.state import made_for
from bot.config.directory.policies import StandingLimit
from bot.config.tables import CHANNELS
from bot.errors import Invalid, NotFound, WaitsForFile
from bot.people.directory import People
from bot.people.noted import NotedTables
from bot.people.rights import Caller
from bot.policy.standing import Ended, Lapse, Standing, Use, is_by_program, may_stand, pattern_of, rules_of
from bot.render.cards import notice
from bot.requests.decisions import Decisions
from bot.requests.standing.kept import KeptStandings
from bot.requests.standing.uses import lapse_now, lapse_text
from bot.requests.stored import TRIES
from bot.store import StoreError
from bot.store.ids import derived_id
from bot.store.journal import Journal
from bot.store.outbox_entry import Tell
from language import say

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Offer:
    """What a standing approval could be: which arguments may be left open, and the most that it may allow."""

    title: str
    variable: tuple[str, ...]
    limit: StandingLimit


@dataclass(frozen=True, slots=True)
class _Example:
    """A call to be repeated, with what its tool and its policy say of that."""

    request: Request
    call: GatedCall
    repeats: Repeats
    rules: str
    limit: StandingLimit


class StandingApprovals:
    """Lists standing approvals and revokes them; says what one for the calls of a run would be."""

    def __init__(self, journal: Journal, decisions: Decisions, people: People) -> None:
        self._journal, self._decisions, self._people = journal, decisions, people
        self._kept = KeptStandings(journal.store)
        self._noted = NotedTables(journal.store)

    async def all(self) -> list[Standing]:
        """Return all of them, also what was over in the last 30 days; what ends last first."""
        return await self._kept.all()

    async def counting(self, person: PersonId, policy: str) -> list[Standing]:
        """Return those that would be used now for what `person` asks, and `policy` gates."""
        found = (one for one in await self._kept.of_person(person) if one.approval.pattern.policy == policy)
        return [one for one in found if one.state == "valid" and not await self._lapse(one)]

    async def lapsed(self, standing: Standing) -> str:
        """Return why one that is neither over nor used up counts no longer, in words; empty while it counts."""
        found = await self._lapse(standing) if standing.state == "valid" else None
        return lapse_text(standing, found) if found else ""

    async def _lapse(self, standing: Standing) -> Lapse | None:
        return await lapse_now(standing, self._people, self._journal.store)

    async def one(self, standing_id: str) -> Standing:
        """Return one. Raises NotFound."""
        found = await self._kept.read(standing_id)
        if found is None:
            raise NotFound(say("again.none", id=standing_id), say("again.listed"))
        return found

    def concerned(self, standing: Standing) -> frozenset[PersonId]:
        """Return who sees and revokes it: whom it serves, who granted it, and who may decide by its policy."""
        approval = standing.approval
        may = self._people.may_ever(approval.pattern.policy, standing.now)
        return frozenset((*self._people.by_now(approval.people), *may)).intersection(self._people.all())

    def concerns(self, caller: Caller, standing: Standing) -> bool:
        """Return whether somebody sees and revokes it; operators and admins do so with all."""
        return caller.sees_all or not self.concerned(standing).isdisjoint(caller.people)

    async def those_of(self, caller: Caller) -> list[Standing]:
        """Return those that somebody may see, in the order of `all`."""
        return [one for one in await self.all() if self.concerns(caller, one)]

    def wanted(
        self,
        run: Run,
        agents: Mapping[str, Agent],
        person: PersonId,
        uses: int,
        until: datetime,
        leave_open: Sequence[str] = (),
    ) -> tuple[AllowAgainArgs, tuple[PersonId, ...]]:
        """Return what `person` asks for who wants the last approved call of a run again, and who asked for that, too.

        Raises Invalid.
        """
        example = self._example(run, agents, person)
        request, repeats = example.request, example.repeats
        try:
            pattern = pattern_of(example.call, request.policy.name, example.rules, repeats, leave_open)
        except ValueError as error:
            names = ", ".join(repeats.variable) or "-"
            raise Invalid(say("again.not-variable", names=error), say("again.variable-are", names=names)) from error
        title = request.title.removesuffix("?")
        args = AllowAgainArgs(title=title, run=request.run_id, person=person, uses=uses, until=until, pattern=pattern)
        return args, request.requesters[1:]

    def offer(self, run: Run, agents: Mapping[str, Agent], person: PersonId) -> Offer | None:
        """Return what somebody could have for what a run did; None where there is nothing."""
        try:
            example = self._example(run, agents, person)
        except Invalid:
            return None
        names = tuple(name for name in example.repeats.variable if name in example.call.arguments)
        return Offer(example.request.title.removesuffix("?"), names, example.limit)

    def _example(self, run: Run, agents: Mapping[str, Agent], person: PersonId) -> "_Example":
        """Return the last call of a run that people approved and that worked. Raises Invalid."""
        own = [one for one in run.requests.values() if one.state == "approved" and one.request.purpose == "gate"]
        done = [one for one in own if (made := made_for(run.made, one.request.id)) and made.state == "ok"]
        record = done[-1] if done else None
        call = record.request.call if record else None
        agent = agents.get(run.started.agent) if run.started else None
        tool = agent.tool(call.tool) if agent and call else None
        if record is None or call is None or tool is None:
            raise Invalid(say("again.nothing-done", run=run.id), say("again.nothing-done-do"))
        if tool.repeats is None or is_by_program(run) or not _may_become_one(record, person):
            raise Invalid(say("again.never", tool=call.tool), say("again.never-do"))
        name = record.request.policy.name
        policy = self._people.tables.policies.get(name)
        if policy is None or policy.standing is None:
            raise Invalid(say("again.policy-allows-none", policy=name), say("again.policy-allows-none-do"))
        return _Example(record.request, call, tool.repeats, rules_of(policy), policy.standing)

    async def revoke(self, standing_id: str, by: PersonId, reason: str = "", *, proof: Proof | None) -> Standing:
        """End one at once: what it allowed and has not started when this returns never does. Raises NotFound.

        `by` is empty where nobody says so.
        """
        found = await self.one(standing_id)
        ended, channel = Ended(by=by, at=found.now, reason=reason), "" if by else "file"
        if await self._kept.revoke(standing_id, ended, proof=proof, channel=channel, is_told=True):
            log.warning("a standing approval was revoked", standing=standing_id, person=by)
        found = await self.one(standing_id)
        await self._follow(found)
        return found

    async def look(self) -> None:
        """Do what the end of those asks for over which somebody died. Repeating it does no more."""
        for standing_id in await self._kept.ending():
            if self._people.half_taken:
                return
            try:
                if found := await self._kept.read(standing_id):
                    await self._follow(found)
                else:
                    await self._kept.done(standing_id)
            except StoreError:
                raise
            except Exception:  # one that can't be read is for a process of its own release
                log.exception("the end of a standing approval was not followed", standing=standing_id)

    async def _follow(self, found: Standing) -> None:
        """Take back what one allowed, and tell people of its end, unless they were told.

        That comes last: where a use can't be taken back for now, all of this is done again and again. One that can't be
        read is refused by the last look. While somebody may only be missing in our file, the next look tells them.
        """
        for use in found.uses:
            try:
                await self._take_back(found, use)
            except StoreError:
                raise
            except Exception:
                log.exception("a use of a standing approval was not taken back", request_id=use.request_id)
        if self._people.half_taken:
            return
        if found.revoked and found.approval.id in await self._kept.ending():
            with suppress(WaitsForFile):
                await self._noted.check_joined(found.approval.people, self._people)
                await self._tell(found, found.revoked)
                await self._kept.done(found.approval.id)

    async def would_lose(self, here: Collection[PersonId], policies: Collection[str], *, is_cut: bool) -> bool:
        """Return whether one that can be used would end with who is not `here`, and hardly on purpose: the file
        `is_cut`, lacks its policy, or takes away all of several who could grant it. Raises StoreError.
        """
        for standing_id in await self._kept.ids():
            try:
                one = await self._kept.read(standing_id)
            except StoreError:
                raise
            except Exception:  # who can't read it can't end it
                log.exception("a standing approval was not looked at before somebody leaves", standing=standing_id)
                continue
            if one is None or one.state != "valid" or not {*one.approval.granted_by}.difference(here):
                continue
            policy = one.approval.pattern.policy
            could = {*one.approval.granted_by, *self._people.may_ever(policy, one.now)}
            if is_cut or policy not in policies or (len(could) > 1 and could.isdisjoint(here)):
                return True
        return False

    async def end_without_granters(self) -> bool:
        """End those of which somebody who granted them has left: whoever comes back has granted nothing.

        Return whether that went well, else it has to be done again. Raises StoreError.
        """
        is_done = True
        for standing_id in await self._kept.ids():
            try:
                one = await self._kept.read(standing_id)
                if one is None or one.revoked or all(map(self._people.is_here, one.approval.granted_by)):
                    continue
                if self._people.half_taken:
                    return False
                await self._noted.check_joined(one.approval.granted_by, self._people)
                with self._people.speaking_to(""):  # it is kept
                    await self._end_without_granter(one)
            except StoreError:
                raise
            except WaitsForFile:
                is_done = False
            except Exception:  # one that can't be read is for a process of its own release
                log.exception("a standing approval was not ended", standing=standing_id)
                is_done = False
        return is_done

    async def _end_without_granter(self, one: Standing) -> None:
        """End one, and what it allowed and has not started; of one that is over, this alone."""
        if one.state != "over":
            await self.revoke(one.approval.id, PersonId(""), say("run.void"), proof=None)
            return
        for use in one.uses:
            await self._take_back(one, use)

    async def _take_back(self, found: Standing, use: Use) -> None:
        """Have people asked about what it allowed, unless that has started: one of the two is written first."""
        why = say("again.revoked", id=found.approval.id)
        for _ in range(TRIES):
            try:
                record, version, now = read = await self._decisions.request(use.request_id)
            except NotFound:  # its use was counted, and it was never opened; the last look refuses it
                return
            if read.is_archived or record.state != "approved" or record.started_at:
                return
            await self._decisions.supersede(record, version, why, now)
        raise RuntimeError(f"{use.request_id} changed {TRIES} times while it was taken back")

    async def _tell(self, found: Standing, ended: Ended) -> None:
        approval = found.approval
        people = {*filter(self._people.is_here, self._people.by_now(approval.people))} - {ended.by}
        await self._journal.send(*(self._notice(found, ended, person) for person in people))

    def _notice(self, found: Standing, ended: Ended, person: PersonId) -> Tell:
        approval = found.approval
        policy = self._people.tables.policies.get(approval.pattern.policy)
        with self._people.speaking_to(person):
            text = say("again.is-revoked", id=approval.id)
            if ended.by:
                text = say("again.revoked-by", name=self._people.name_of(ended.by), id=approval.id)
            card = notice(say("again.revoked-title", title=approval.title), text, ended.at, approval.request_id)
        return Tell(
            id=derived_id("outgoing", approval.run_id, f"{approval.id} was revoked {person}"),
            run_id=approval.run_id,
            person=person,
            reach=policy.reach if policy else CHANNELS,
            card=card.model_copy(update={"quoted": ended.reason}),
            thread=approval.run_id,
        )


def _may_become_one(record: RequestRecord, person: PersonId) -> bool:
    request = record.request.model_copy(update={"changes": ()})  # that it was asked twice is no matter here
    broke_glass = record.decision is not None and record.decision.broke_glass
    return may_stand(request) and not broke_glass and request.requesters[:1] == (person,)
