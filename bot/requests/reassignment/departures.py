"""Open requests whose deciders have left the directory: others are asked at once, or the request is closed.

So it is where those who are left may not decide any more, as they wrote to the run or may be somebody who asked. The
operators hear of each that is closed. And those on which somebody voted whose id has another address by now: their
votes are void, and the id is asked again. Whoever is said to be somebody who is asked is asked under their own id.

A standing approval ends with whoever granted it.

Whose mail address or Slack id has changed gets the cards there that wait for them.

Nothing of this is done while a file is only half taken: see `half_taken`.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import Literal

import structlog

from agents.events import CardReplaced, RequestReassigned
from agents.moves import reassigned
from agents.requests import (
    Anyone,
    Holder,
    PersonId,
    PolicySnapshot,
    PolicyStep,
    RequestId,
    Vote,
    people_of,
)
from agents.requests.moves import Move, RuleReplaced, StepBegan
from agents.requests.record import RequestRecord, after, as_reassigned
from bot.config.tables import CHANNELS
from bot.errors import NotFound, WaitsForFile
from bot.people.directory import QUESTION, People, refs_in
from bot.people.noted import NotedTables
from bot.people.recognition import as_known_now, void_votes, whose_votes_count
from bot.policy.approvers.quorum import can_fill
from bot.policy.approvers.steps import can_go_on, may_come_to_approve, refilled, still_open, wider
from bot.policy.approvers.who import who_of
from bot.policy.due import waited_for
from bot.policy.recheck import good_until, why_not
from bot.render.cards import have_all_left, notice, void_text
from bot.render.words import asking_now, present
from bot.requests.card_updates import moved, newest_of
from bot.requests.comments import told_of_askers
from bot.requests.decisions import Decisions
from bot.requests.opening import cards_of, placement
from bot.requests.reassignment import reassigning, screened
from bot.requests.reassignment.paused import PausedRuns
from bot.requests.standing.approvals import StandingApprovals
from bot.requests.stored import TRIES
from bot.store import Commit, StoreUnavailable, Wake, WorkItem
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.journal import Journal, outbox_entry, outgoing_id, record_write
from bot.store.outbox_entry import Delivery, Tell, tell_about
from language import say

_Kind = Literal["left", "void", "excluded"]
_Closes = Literal[_Kind, "in_doubt"]
_WHY: dict[_Closes, str] = {
    "left": "run.have-left",
    "void": "run.void",
    "excluded": "run.have-been-excluded",
    "in_doubt": "run.left-in-doubt",
}
# Longer than a request stays open.
_REMEMBERED_S = 31 * 24 * 3600.0

log = structlog.stdlib.get_logger()


class Departures:
    """Looks at open requests after people have left. `edits`: the channels that can change a card where it stands.

    `channels` are all by which this process sends, if it does. Whoever hears the alerts answers for a run where nobody
    else is left.
    """

    def __init__(
        self,
        journal: Journal,
        decisions: Decisions,
        people: People,
        standing: StandingApprovals,
        edits: Set[str],
        channels: Set[str],
    ) -> None:
        self._journal, self._decisions, self._people, self._edits = journal, decisions, people, edits
        self._standing, self._noted, self._channels = standing, NotedTables(journal.store), channels
        self._paused = PausedRuns(journal, people)

    async def look_at_all(self) -> bool:
        """Look at standing approvals and at every request that is open or may still begin; return whether that went
        well, else it has to be done again.

        One that can't be read is for a worker of its own release. While a file is only half taken it does not go well.
        Raises StoreError.
        """
        is_done = not self._people.half_taken and await self._standing.end_without_granters()
        for request_id in await self._concerned():
            try:
                await self.look(RequestId(request_id))
            except WaitsForFile:
                is_done = False
            except Exception:
                log.exception("a request was not looked at after somebody left", request_id=request_id)
                is_done = False
        return await self._paused.look_at_all() and is_done

    async def would_lose(self, here: Collection[PersonId], policies: Collection[str], *, is_cut: bool) -> bool:
        """Return whether a file that leaves only these `here`, and these `policies`, is to be taken only half.

        It takes everybody away who could decide some request that is open, or approved and may still begin; or some
        such request changes by it and the file looks as if it `is_cut`, or no longer has its policy. So it is with
        standing approvals, which end for good with whoever granted them. What else people have counts again once they
        are back. Raises StoreError.
        """
        if await self._standing.would_lose(here, policies, is_cut=is_cut):
            return True
        for request_id in await self._concerned():
            try:
                record, _, now = await self._decisions.request(request_id)
                is_concerned = record.state == "open" or (record.waits and await self._may_begin(record, now))
            except NotFound:
                continue
            except StoreUnavailable:
                raise
            except Exception:  # who can't read it can't close it
                log.exception("a request was not looked at before somebody leaves", request_id=request_id)
                continue
            if not is_concerned:
                continue
            lacks_policy = record.request.purpose == "gate" and record.request.policy.name not in policies
            known = as_known_now(record, self._people)
            if takes_all(known, here) or ((is_cut or lacks_policy) and changes(known, here)):
                return True
        return False

    async def _concerned(self) -> list[str]:
        freezes = self._journal.store.freezes
        return [one for shard in range(freezes.shards) for one in await freezes.concerned(shard)]

    async def _may_begin(self, record: RequestRecord, now: datetime) -> bool:
        """Return whether an approval is not too old by `now`, and its run has not gone on without it."""
        until, run = good_until(record), await self._journal.store.run(record.request.run_id)
        return until is not None and now < until and run.ended is None and run.may_begin(record.request.id)

    async def look(self, request_id: RequestId) -> None:
        """Ask others at once where too few are left who may decide, in any step; close the request where nobody is.

        Where somebody has left who may have stopped the run, nobody can say any more that they did not: it is stopped.
        Votes of who has left become void: whoever comes back votes again. What they approved and has not begun is
        superseded, also where the others suffice: without that, it would count again beside fewer of them. What is
        approved by those who are here, though too few of them counted as the last one voted, is decided.

        Raises WaitsForFile while a newer file than ours names somebody whom ours does not.
        """
        await self._decisions.settle(request_id)
        for _ in range(TRIES):
            record, version, now = read = await self._decisions.request(request_id)
            here, known = frozenset(self._people.all()), as_known_now(record, self._people)
            left, void = _left(known, here), void_votes(record, self._people)
            is_over = read.is_archived or record.state != "open" or record.started_at is not None
            if self._people.half_taken:  # read after whoever is here, so that it holds for them
                return None
            await self._noted.check_joined((*left, *(vote.person for vote in void)), self._people)
            if void and record.waits and not read.is_archived and await self._may_begin(record, now):
                with self._people.speaking_to(""):  # it is kept
                    why = why_not(record, record.request.digest, whose_votes_count(record, self._people), now)
                    why = why or (say("run.voter-left") if _counted(record, void) else None)
                if why and not self._people.half_taken:
                    await self._decisions.supersede(record, version, why, now)
                    continue
            unsaid = [one for one in known.doubts if one not in here]
            if unsaid and not is_over:
                stopping = self._closing(record, version, "in_doubt", unsaid, now)
                if (await self._journal.write(stopping)).state in {"committed", "full"}:
                    log.warning("somebody left who may have stopped the run", request_id=request_id, left=unsaid)
                    return None
                continue
            if not is_over and not await self._is_sent_after(record, version, now):
                continue
            is_short = not is_over and not _goes_on(known, here)
            renamed = [] if is_over else self._renamed(record)
            if is_over or not (void or is_short or renamed):
                return None if is_over else await self._show_who_asked(record)
            excluded = _excluded(record, known) or self._doubles(record) or _maybe_one(known, here) or _sit_out(known)
            gone = _gone(left, void, excluded) if is_short else _gone(renamed, void, ())
            commit = await self._without(record, version, gone, here)
            if self._people.half_taken:  # since it was looked at
                return None
            state = (await self._journal.write(commit)).state
            if state == "late":  # it expires, and nobody is asked any more
                return None
            if state in {"committed", "full"}:
                of = [vote.person for vote in void]
                log.warning("deciders of a request have left", request_id=request_id, left=left, void=of)
                stands = (await self._decisions.request(request_id)).record
                return await self._show_who_asked(stands) if stands.state == "open" else None
        raise RuntimeError(f"{request_id} changed {TRIES} times after somebody had left")

    async def _is_sent_after(self, record: RequestRecord, version: int, now: datetime) -> bool:
        """Return whether everybody who is waited for has a card of what stands where they are reached, and knows where
        their vote is void; else send them one. The card before can be answered as well if it is of this step.
        """
        request, back = record.request, await self._back(record)
        newest = {holder.person: holder for holder in newest_of(record)}
        waited = present(waited_for(as_known_now(record, self._people), self._people.all()), self._people)
        card = cards_of(record, self._people, now)
        made = [
            placement(request, card(one), one, first=channel, alone=channel != "")
            for one, channel in [(one, await self._anew_in(record, newest.get(one), back)) for one in waited]
            if channel is not None
        ]
        if not made:
            return True
        events = [
            CardReplaced(at=now, request_id=request.id, person=each.holder.person, why="unseen", holder=each.holder)
            for each in made
        ]
        commit = Commit(
            run_id=request.run_id,
            events=events,
            records=[record_write(after(record, events), version, before=request.expires_at)],
            outgoing=[each.outgoing for each in made],
            deliveries=[each.delivery for each in made],
            limit=MAX_EVENTS_AT_ALL,
        )
        state = (await self._journal.write(commit)).state
        if state == "committed":
            for each in made:
                if each.holder.person in back:
                    await self._journal.store.remember(_told_void(back[each.holder.person]), b"1", _REMEMBERED_S)
        return state in {"late", "full"}

    async def _back(self, record: RequestRecord) -> dict[PersonId, Vote]:
        """Return who is here again whose vote became void while they were not, and who was told only that it counts."""
        void = {vote.person: vote for vote in record.void if self._people.is_here(vote.person)}
        asked_at = record.asked_at
        unasked = {one: vote for one, vote in void.items() if one not in asked_at or asked_at[one] <= vote.at}
        remembered = self._journal.store.remembered
        return {one: vote for one, vote in unasked.items() if await remembered(_told_void(vote)) is None}

    async def _anew_in(self, record: RequestRecord, holder: Holder | None, back: Collection[PersonId]) -> str | None:
        """Return the channel by which a card came to an address that its holder has no more, or to one who is `back`;
        None for any other. It is empty where somebody has no card of what stands, or of its step, as they were not here
        when those were made or were to be sent: they get it like everybody else.

        What stands in a place of many is there for them as long as they have any address in its channel. Nobody is
        reached by a channel that is switched off.
        """
        body = await self._journal.store.delivery(holder.delivery_id) if holder else None
        placed = Delivery.model_validate_json(body) if body else None
        if holder is None or (placed and (placed.found_nobody or placed.revision != record.request.revision)):
            return ""
        asked_at = record.asked_at.get(holder.person, record.request.opened_at)
        if holder.delivery_id in record.replaced and asked_at < (record.asked.began_at or asked_at):
            return ""  # it is the card of another step
        there = placed.delivery.address if placed and placed.delivery else None
        if there is None:
            return None
        if holder.person in back or (self._channels and there.channel not in self._channels):
            return there.channel
        has_moved = self._people.had_address(holder.person, there.channel, "" if there.is_shared else there.to)
        return there.channel if has_moved else None

    def _renamed(self, record: RequestRecord) -> list[PersonId]:
        """Return the ids in its seats that are, as an operator has said since, those of somebody who is here."""
        rules = (record.asked.rule, *(step.rule for step in record.asked.other_steps))
        gone = [one for rule in rules for one in people_of(rule) if not self._people.is_here(one)]
        return [one for one in gone if self._people.is_here(self._people.ids_of(one)[0])]

    def _doubles(self, record: RequestRecord) -> list[PersonId]:
        """Return those who asked, edited or handed it on and have left, where somebody who is here may be them."""
        took_part = who_of(record).took_part
        return [one for one in took_part if self._people.maybe(one) and not self._people.is_here(one)]

    async def _without(
        self, record: RequestRecord, version: int, because: tuple[_Kind, list[PersonId]], here: Collection[PersonId]
    ) -> Commit:
        """Return the commit that asks others `because` some may not decide any more, or closes the request.

        Void votes are taken out by it.
        """
        request, now = record.request, await self._journal.store.now(record.request.id)
        known, void = as_known_now(record, self._people), void_votes(record, self._people)
        kind, gone = because
        wanted = RequestReassigned(at=now, request_id=request.id, why=kind, person=gone[0], reason=self._why(kind))
        ways = await self._ways(record, known, here, wanted)
        for found in await screened(self._journal.store, self._people, record, ways):
            stands = as_reassigned(record, found)
            then = as_known_now(stands, self._people)
            if not _can_go_on(then, here):
                continue
            # Nobody has decided under a rule for which these votes are enough as it begins: they are asked again.
            votes = _unseated(stands, void) if _open_steps(then, here) else record.votes
            asking = found.model_copy(
                update={
                    "moves": (*found.moves, *_first_open(then, here)),
                    "void": tuple(vote.reply_id for vote in votes),
                }
            )
            of = [vote.person for vote in void]  # who has the id of one of them by now has not voted
            made = reassigning(record, asking, self._people, self._edits)
            told = map(outbox_entry, self._told_voters(record, votes, {*made.event.to, *of}, now))
            stands = after(record, [made.event])
            return Commit(
                run_id=request.run_id,
                events=[made.event],
                records=[record_write(stands, version, before=request.expires_at, was=record)],
                outgoing=[*made.outgoing, *told],
                deliveries=made.deliveries,
                wake=[*self._decisions.timing.wake(stands, now), Wake(WorkItem("run", request.run_id))],
                limit=MAX_EVENTS_AT_ALL,
            )
        return self._closing(record, version, kind, gone, now)

    def _told_voters(
        self, record: RequestRecord, void: Collection[Vote], told: Collection[PersonId], now: datetime
    ) -> Iterator[Tell]:
        """Tell everybody who has voted which approvals are `void`, but for those who are `told` otherwise."""
        voters = dict.fromkeys(vote.person for vote in record.votes if vote.approve)
        approvals = [vote for vote in void if vote.approve]
        for person in present([*voters], self._people) if approvals else ():
            if person in told:
                continue
            with self._people.speaking_to(person):
                title = say("notice.void-title", title=record.request.title.removesuffix("?"))
                text = " ".join(void_text(vote, self._people) for vote in approvals)
                card = notice(title, text, now, record.request.id)
            yield tell_about(record.request, person, card)

    def _closing(
        self, record: RequestRecord, version: int, kind: _Closes, gone: Sequence[PersonId], now: datetime
    ) -> Commit:
        """Return the commit that closes a request because of those who are `gone`, and tells the operators."""
        # A gate that is superseded is opened anew or refused, and the run says why.
        state = "superseded" if record.request.purpose == "gate" else "expired"
        closing = self._decisions.closing(record, version, state, self._why(kind), now)
        told = [outbox_entry(one) for one in self._told(record, kind, gone, now)]
        return replace(closing, outgoing=[*closing.outgoing, *told])

    def _why(self, kind: _Closes) -> str:
        with self._people.speaking_to(""):  # it is kept, so it names nobody: what names them is who they are by then
            return say(_WHY[kind])

    def _told(self, record: RequestRecord, kind: _Closes, gone: Sequence[PersonId], now: datetime) -> Iterator[Tell]:
        """Tell the operators why it was closed, and what would help; and whoever asked, where people are asked anew: of
        all else the run tells them as it ends.
        """
        request, operators = record.request, self._people.alerted(now)
        is_asked_anew = request.purpose == "gate" and not request.program
        askers = asking_now(record.askers, self._people) if is_asked_anew else ()
        for person in dict.fromkeys((*operators, *askers)):
            with self._people.speaking_to(person):
                heading = "notice.in-doubt-title" if kind == "in_doubt" else "notice.nobody-left-title"
                title = say(heading, title=request.title.removesuffix("?"))
                key = "notice.nobody-left-question" if request.policy.name == QUESTION else "notice.nobody-left-do"
                key = "notice.in-doubt-do" if kind == "in_doubt" else key
                key = key if person in operators else "notice.nobody-left-anew"
                told = say("notice.nobody-left", why=say(_WHY[kind]), names=self._people.names_of(dict.fromkeys(gone)))
                text = f"{told} {say(key, policy=request.policy.name)}"
                card = notice(title, text, now, request.id)
            if person not in operators:
                yield tell_about(request, person, card)
                continue
            yield Tell(
                id=outgoing_id(request.id),
                run_id=request.run_id,
                person=person,
                reach=CHANNELS,
                card=card,
                thread=f"left-{request.id}",
            )

    async def _show_who_asked(self, record: RequestRecord) -> None:
        """Have cards say once, where they stand, that everybody who asked has left, and no more once somebody is back.

        The request stays open. Whoever waits for an answer to a question hears that none comes, or who is back.
        """
        request, store, name = record.request, self._journal.store, f"askers left {record.request.id}"
        have_left = have_all_left(request, self._people)
        if have_left == bool(await store.remembered(name)):
            return
        await self._noted.check_joined(request.askers, self._people)
        now = await store.now(request.id)
        # No event of the run tells of it, by which others are known to be shown already.
        entries = (one.model_copy(update={"again": True}) for one in moved(record, self._edits, now))
        told = (*entries, *told_of_askers(record, self._people, now))
        await self._journal.write(Commit(run_id=request.run_id, outgoing=[*map(outbox_entry, told)]))
        await (store.remember(name, b"1", _REMEMBERED_S) if have_left else store.forget(name))

    async def _ways(
        self, record: RequestRecord, known: RequestRecord, here: Collection[PersonId], wanted: RequestReassigned
    ) -> list[RequestReassigned]:
        """Return how others may decide instead, as it is `wanted`, the nearest first.

        By no move, where a step that was met is open again; or by the same people under ids that are theirs since; with
        the same seats as they are filled now, where others may join, so that every vote still counts, of the steps that
        lack people and else of all; these with those whom it escalates to; and where nothing is decided that a policy
        gates, by whoever else can say it. Another rule that the settings have by now replaces none: half of one and
        half of the other would let somebody decide whom neither does.
        """
        request, now = record.request, wanted.at
        old, there = record.asked, may_come_to_approve(who_of(known), here)
        still = _open_steps(known, here)
        lacking = [number for number, step in still.items() if not can_fill([step], there, known.doubles)]
        lacking = lacking or list(still)
        await self._people.look_up((*(ref for rule in old.rules for ref in refs_in(rule)), *self._people.tables.alerts))

        def again(seat: Anyone) -> Sequence[PersonId]:
            found = self._people.seated_anew(seat, now, old.givers)
            may_join = self._people.may_join(record, seat, now)
            return found if may_join else [one for one in found if one in seat.people]

        def by(*moves: Move) -> RequestReassigned:
            return wanted.model_copy(update={"moves": moves})

        same = refilled(old, range(len(old.steps) or 1), lambda seat: self._people.by_now(seat.people))
        first = by(same) if self._renamed(record) else wanted
        found: list[Move] = [refilled(old, numbers, again) for numbers in (lacking, list(still))]
        if request.purpose in {"unknown", "go_on"}:
            await self._people.look_up_policy(request.policy.name)
            found += map(_said_by, self._people.who_else_knows(request.policy, now))
        if request.purpose != "gate":
            return [first, *map(by, found)]

        def on_duty(seats: Iterable[Anyone]) -> Sequence[PersonId]:
            return self._people.on_duty(record, seats, now)

        widened = [by(one, wider(reassigned(old, by(one)), lacking, on_duty)) for one in reversed(found)]
        return [first, *map(by, found), *widened]


def _told_void(vote: Vote) -> str:
    return f"told void {vote.reply_id}"


def takes_all(record: RequestRecord, here: Collection[PersonId]) -> bool:
    """Return whether nobody is `here` who could decide an open request, or could and did one that is approved.

    `record` is as it counts now, as for whoever looks once they have left.
    """
    who = who_of(record)
    still = (one for step in _open_steps(record, here).values() for one in people_of(step.rule))
    deciders = {*(who.seated_ever if record.decision else still)} - who.out
    deciders |= {*record.decision.by} if record.decision else set()
    return bool(deciders) and deciders.isdisjoint(here)


def changes(record: RequestRecord, here: Collection[PersonId]) -> bool:
    """Return whether a request changes once only these are `here`: too few are left, or votes are void, or what a
    standing approval has decided, which counts as long as whoever granted it and whom it serves are here; or somebody
    may have stopped the run.
    """
    counted = {*(vote.person for vote in record.votes), *(record.doubts if record.state == "open" else ())}
    if record.decision and record.decision.standing:
        counted |= {*record.decision.by, *record.requesters} - {*record.may_be}
    return not counted.issubset(here) or bool(_left(record, here) and not _goes_on(record, here))


def _counted(record: RequestRecord, votes: Collection[Vote]) -> bool:
    """Return whether one of `votes` is among those that decided."""
    return record.decision is not None and any(vote.person in record.decision.by for vote in votes)


def _gone(left: Sequence[PersonId], void: Sequence[Vote], excluded: Sequence[PersonId]) -> tuple[_Kind, list[PersonId]]:
    """Return why others are asked, and for whom."""
    voters = [vote.person for vote in void]
    if left:
        return "left", [*left, *voters]
    return ("void", voters) if void else ("excluded", [*excluded])


def _excluded(record: RequestRecord, known: RequestRecord) -> list[PersonId]:
    """Return who could decide when it was opened and may not by now: they wrote to it, or may be whoever took part."""
    by_now, at_first = who_of(known), replace(who_of(record), requesters=record.request.requesters)
    out = (by_now.out - at_first.out) | ({*at_first.named} - {*by_now.named})
    return [one for one in at_first.named if one in out]


def _maybe_one(known: RequestRecord, here: Collection[PersonId]) -> list[PersonId]:
    """Return those who may decide it, in whichever step, and may be another one of them."""
    who = who_of(known)
    may = may_come_to_approve(who, here)
    return [one for one in may if not who.doubles_of(one).isdisjoint(may)]


def _sit_out(known: RequestRecord) -> list[PersonId]:
    """Return who counts for one step and decides no other; else those who have a seat and took part."""
    who = who_of(known)
    return [*known.asked.filled] or [one for one in who.seated_ever if one in who.out]


def _said_by(policy: PolicySnapshot) -> RuleReplaced:
    """Return what has those say it who do so by `policy`: also who handed it on, and who asked where it allows that."""
    may = policy.requester_may_approve
    return RuleReplaced(rule=policy.rule, quorum=policy.quorum, requesters_may=may)


def _voters(record: RequestRecord, here: Collection[PersonId]) -> list[PersonId]:
    """Return whose approvals count for the step that is in force."""
    may = who_of(record).approve
    return [one for one in record.approved_by if one in may and one in here]


def _unseated(record: RequestRecord, void: Collection[Vote]) -> list[Vote]:
    """Return the votes that are `void`, and those of people whom no step names any more: another rule is in force."""
    named = {*who_of(record).seated_ever, *record.asked.filled}
    return [vote for vote in record.votes if vote in void or vote.person not in named]


def _open_steps(record: RequestRecord, here: Collection[PersonId]) -> dict[int, PolicyStep]:
    """Return the steps that are still to be met by those who are `here`."""
    return still_open(who_of(record), record.approved_by, here)


def _left(record: RequestRecord, here: Collection[PersonId]) -> list[PersonId]:
    """Return those who have left of whom a step needs that is still to be met, or whose approval met one."""
    needed = [one for step in _open_steps(record, here).values() for one in people_of(step.rule)]
    counted = [one for step in record.asked.other_steps for one in step.by]
    return [one for one in dict.fromkeys((*needed, *counted)) if one not in here]


def _can_go_on(record: RequestRecord, here: Collection[PersonId]) -> bool:
    """Return whether those who may decide and are still there would be enough for all that is to be met."""
    return can_go_on(who_of(record), record.approved_by, here)


def _goes_on(record: RequestRecord, here: Collection[PersonId]) -> bool:
    """Return whether that is so and the step in force is the first to be met."""
    in_step = record.asked.in_step
    return min(_open_steps(record, here), default=in_step) >= in_step and _can_go_on(record, here)


def _first_open(known: RequestRecord, here: Collection[PersonId]) -> tuple[StepBegan, ...]:
    """Return what puts the earlier step in force that is open again, where there is one, as it is `known` now."""
    in_step = known.asked.in_step
    first = min(_open_steps(known, here), default=in_step)
    return () if first >= in_step else (StepBegan(number=first, filled=tuple(_voters(known, here))),)
