"""Messages about standing approvals: `standing` lists them, `standing 5 times until …` asks for one, `revoke …` ends.

None of them is a vote. People decide about what is asked for; a listing tells its reader alone what concerns them; like
a denial, an end counts from every proven sender.
"""

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from agents.requests import PersonId, RunId
from agents.requests.proof import Proof
from agents.run import Run
from agents.standing import STANDING, covering
from bot.errors import Conflict, Failure, Forbidden, Invalid, NotFound, RateLimited, Unavailable, add_failure
from bot.inbound.absences import TOLD
from bot.inbound.proving import proof_of
from bot.people.directory import People
from bot.people.noted import NotedTables
from bot.policy.answers import left_named
from bot.policy.orders import Revoking, StandingWanted, grants_in, may_mean_end, typed_standing
from bot.policy.standing import Standing
from bot.queries.guard import Guard
from bot.render.cards import notice
from bot.render.times import read_moment
from bot.requests.standing.approvals import StandingApprovals
from bot.runs.api_requests import AskingAgain
from bot.runs.start import Starter
from bot.store.ids import derived_id
from bot.store.indexes import note_thread, runs_of_thread
from bot.store.journal import Journal
from bot.store.outbox_entry import Tell, to_writer
from channels import Trigger
from language import say, say_many
from language.dates import in_words

_LISTED = 20


def check_is_order(text: str) -> None:
    """Raise Conflict for words that may mean the end of a standing approval and are no order."""
    if not may_mean_end(text):
        return
    if named := grants_in(text):
        left = left_named(text)
        told = [say("run.stop-left", named=", ".join(left))] if left else []
        raise Conflict(say("again.not-ended", id=named[0]), ". ".join([say("again.not-ended-do", id=named[0]), *told]))
    raise Conflict(say("again.not-named"), say("again.not-named-do"))


def _has_approval(run: Run) -> bool:
    return any(one.request.purpose == "gate" and one.state == "approved" for one in run.requests.values())


class TypedStanding:
    """Takes messages about standing approvals; who may, and what comes of it, is as in the console."""

    def __init__(
        self,
        journal: Journal,
        standing: StandingApprovals,
        again: AskingAgain,
        starter: Starter,
        people: People,
        guard: Guard,
    ) -> None:
        self._journal, self._store, self._standing, self._again = journal, journal.store, standing, again
        self._starter, self._people, self._guard, self._rights = starter, people, guard, guard.rights
        self._noted = NotedTables(journal.store)

    async def take(self, inbound_id: str, channel: str, trigger: Trigger, about: RunId | None = None) -> bool:
        """List them or ask for one, for what the run `about`, or of the thread, did; False where it says neither.

        Taken again, the same message has opened the same request. Raises StoreUnavailable.
        """
        typed = typed_standing(trigger.text, has_subject=channel == "email" and not trigger.follows)
        if typed is None or trigger.others or (typed == "list" and not trigger.is_addressed):
            return False
        person = PersonId(trigger.person)
        with self._people.speaking_to(person):
            try:
                title, text = await self._done(typed, inbound_id, channel, trigger, about)
            except (Conflict, Forbidden, Invalid, NotFound, RateLimited) as error:
                title, text = say("again.page"), str(error)
            card = notice(title, text, await self._store.now(inbound_id))
        if await self._store.admit(f"told of standing {person}", inbound_id, *TOLD):
            await self._journal.send(to_writer(inbound_id, "standing", channel, trigger, card))
        return True

    async def _done(
        self,
        typed: StandingWanted | Literal["list", "usage"],
        inbound_id: str,
        channel: str,
        trigger: Trigger,
        about: RunId | None,
    ) -> tuple[str, str]:
        """Return the title and the text of what the writer is told."""
        if typed == "list":
            return say("again.list"), await self._listed(PersonId(trigger.person))
        if typed == "usage":
            return say("again.page"), f"{say('again.unclear')} {say('again.usage')}"
        run_id = RunId(typed.run) if typed.run else about or await self._run_of(channel, trigger)
        if run_id is None:
            return say("again.page"), f"{say('again.no-run')} {say('again.usage')}"
        await self._ask(typed, inbound_id, channel, trigger, run_id)
        if about is None:  # else it answers a card, and is no message of a thread
            thread = trigger.within or trigger.thread
            await note_thread(self._store, channel, thread, self._starter.run_id(inbound_id))
        return say("again.page"), say("again.asked")

    async def _listed(self, person: PersonId) -> str:
        """Return those that have not ended, each with the words that end it, and why it counts no longer if so."""
        found = await self._standing.those_of(self._rights.of_person(person, None))
        valid = [one for one in found if one.state == "valid"]
        if not valid:
            return f"{say('again.message-none')} {say('again.usage')}"
        lines = [self._line(one, await self._standing.lapsed(one)) for one in valid[:_LISTED]]
        left = len(valid) - len(lines)
        return "\n".join([*lines, *([say_many("again.message-more", left)] if left else ())])

    def _line(self, found: Standing, lapsed: str) -> str:
        approval = found.approval
        line = say(
            "again.message-line",
            title=covering(approval.title, approval.pattern),
            name=self._people.name_of(approval.person),
            used=say("again.used-so-far", used=len(found.uses), uses=approval.uses),
            until=say("again.until", at=in_words(approval.until)),
            id=approval.id,
        )
        return f"{lapsed}. {line}" if lapsed else line

    async def _run_of(self, channel: str, trigger: Trigger) -> RunId | None:
        """Return the newest run of the thread but for those that ask for standing approvals, or never began."""
        if trigger.follows:
            for found in await runs_of_thread(self._store, channel, trigger.within or trigger.thread):
                run = await self._store.run(found)
                if run.started and run.started.agent != STANDING:
                    return found
        return None

    async def _ask(
        self, wanted: StandingWanted, inbound_id: str, channel: str, trigger: Trigger, run_id: RunId
    ) -> None:
        """Open the request, unless this message has done so. Raises as the console's page does."""
        once = self._starter.run_id(inbound_id)
        if await self._again.asked(once):
            return
        person = PersonId(trigger.person)
        who = self._rights.of_person(person, proof_of(channel, trigger))
        await self._guard.check_run(who, "see", run_id)
        until = self._moment(wanted.until, person)
        did = await self._that_did(run_id)
        if did != run_id:
            await self._guard.check_run(who, "see", did)
        await self._again.ask(did, person, wanted.uses, until, wanted.leave_open, proof_of(channel, trigger), once)

    def _moment(self, text: str, person: PersonId) -> datetime:
        try:
            return read_moment(text, ZoneInfo(self._people.zones()[person]), self._store.about_now())
        except Invalid as error:
            raise Invalid(error.what, say("again.usage")) from error

    async def _that_did(self, run_id: RunId) -> RunId:
        """Return the run in which people approved something: this one, or one that it started."""
        run = await self._store.run(run_id)
        if _has_approval(run):
            return run_id
        for child in reversed(run.children):
            if _has_approval(await self._store.run(child.run_id)):
                return child.run_id
        return run_id

    async def revoke(self, inbound_id: str, channel: str, trigger: Trigger, typed: Revoking) -> None:
        """End all that a message names. Raises Conflict, at last, for whom one of them does not concern, and for words
        beside those of others; and Unavailable, at last as well.
        """
        if trigger.others:
            raise Conflict(say("again.not-ended", id=typed.named[0]), say("again.not-ended-do", id=typed.named[0]))
        person = PersonId(trigger.person)
        failed: Failure | None = None
        for standing_id in typed.named:
            try:
                with self._people.speaking_to(person):
                    ended = await self._of(person, standing_id, proof_of(channel, trigger))
            except (Conflict, Unavailable) as error:
                failed = add_failure(failed, error)
                continue
            await self._standing.revoke(standing_id, person, typed.reason, proof=proof_of(channel, trigger))
            told = self._told(inbound_id, channel, trigger, ended)
            await self._journal.send(told)
        if failed:
            raise failed

    async def _of(self, person: PersonId, standing_id: str, proof: Proof) -> Standing:
        who = self._rights.of_person(person, proof)
        try:
            found = await self._standing.one(standing_id)
            if not self._standing.concerns(who, found):
                await self._noted.check_rights(person, self._people)
            await self._guard.check_standing(who, found, self._standing.concerned(found))
        except NotFound as error:
            raise Conflict(error.what, error.do) from error
        return found

    def _told(self, inbound_id: str, channel: str, trigger: Trigger, found: Standing) -> Tell:
        approval = found.approval
        with self._people.speaking_to(trigger.person):
            title = say("again.revoked-title", title=approval.title)
            card = notice(title, say("again.is-revoked", id=approval.id), found.now, approval.request_id)
        return Tell(
            id=derived_id("outgoing", approval.run_id, f"revoked by {inbound_id}"),
            run_id=RunId(approval.run_id),
            person=PersonId(trigger.person),
            reach=(channel,),
            card=card,
            thread=trigger.thread or approval.run_id,
            to=trigger.place,
        )
