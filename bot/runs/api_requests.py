"""Requests that programs open by themselves: a run, its one step and the request, written together or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import JsonValue

from agents import Agent, ToolRefused
from agents.events import Event, RunStarted
from agents.relay import Approval, Question, context_of
from agents.requests import PersonId, Request, RequestId, RunId
from agents.requests.proof import Proof
from agents.run import fold
from agents.standing import wanted as wanted_again
from bot.errors import Invalid, WaitsForFile
from bot.people.directory import People
from bot.policy.sessions import again_of
from bot.render.views import line_of
from bot.requests.gathering import Gathering
from bot.requests.opening import NotEnoughApprovers
from bot.requests.standing.approvals import StandingApprovals
from bot.requests.stored import TRIES
from bot.runs.loop import Loop, NoPolicy
from bot.runs.moves import Ask, next_move
from bot.runs.start import Starter
from bot.runs.thinking import Thinker
from bot.store.ids import check
from bot.store.journal import Journal
from language import say

_MAX_STEPS = 10


@dataclass(frozen=True, slots=True)
class Asker:
    """The person for whom a program asks, and the owner of its API key.

    The owner is a `service`, in the hands of `holders`, or the `submitter` if that is not the requester. `proof` is how
    it is known whose the key is. `others` are requesters as well. `key` is the prefix of the API key, empty where there
    is none; it `has_own_limit` where what it asks does not count as started by the requester. `thread` holds all that
    one session of it asks.
    """

    requester: PersonId
    submitter: PersonId | None = None
    service: str = ""
    holders: tuple[PersonId, ...] = ()
    others: tuple[PersonId, ...] = ()
    proof: Proof | None = field(kw_only=True)
    key: str = ""
    has_own_limit: bool = False
    thread: str = ""

    @property
    def channel(self) -> str:
        """The way by which the request came."""
        return self.proof.channel if self.proof else "api"

    @property
    def speaker(self) -> PersonId | None:
        """Whose key asks, as in events, where it is not the requester's own."""
        return self.submitter or (PersonId(f"service:{self.service}") if self.service else None)

    @property
    def people(self) -> tuple[PersonId, ...]:
        """All who are requesters of what is asked for."""
        return (self.requester, *filter(None, [self.submitter]), *self.holders, *self.others)


class ApiRequests:
    """Makes a run's first turn at once, by the functions of the loop, which goes on when people have answered."""

    def __init__(
        self,
        journal: Journal,
        people: People,
        starter: Starter,
        thinker: Thinker,
        loop: Loop,
        gathering: Gathering,
        agent: Agent,
    ) -> None:
        self._journal, self._people, self._starter, self._thinker = journal, people, starter, thinker
        self._loop, self._gathering, self._agent = loop, gathering, agent

    async def ask(
        self, wanted: Question | Approval, context: dict[str, JsonValue], asker: Asker, run_id: RunId | None = None
    ) -> RequestId:
        """The request that is open from now on; the same one for the same `run_id`.

        Raises Invalid, RateLimited and Forbidden, and WaitsForFile while a file is only half taken.
        """
        if self._people.half_taken:
            raise WaitsForFile(say("error.half-taken"), say("error.half-taken-do"))
        run_id = run_id or self._starter.run_id()
        await self._check_everybody_is_there(wanted)
        await self._starter.check_may(asker.requester, self._agent.name, asker.proof)
        events, request = await self._first_turn(self._started(run_id, wanted, context, asker))
        await self._admit(asker, run_id)
        run, request = fold(events), await self._gathering.opening(request)
        for _ in range(TRIES):
            commit = await self._loop.opening_of_program(request, run)
            story = [*events, *commit.events]
            await self._journal.write(replace(commit, events=story, summary=line_of(fold(story))))
            # A conflict is no error: the same came twice at once, and what was first stands; or a freeze has changed.
            if found := await self.asked(run_id):
                return found
        raise RuntimeError(f"freezes changed {TRIES} times while {run_id} was opened")

    async def _admit(self, asker: Asker, run_id: RunId) -> None:
        """Count it against the limit of its key, and that of its requester. Raises RateLimited."""
        if asker.key:
            await self._starter.admission.key(asker.key, run_id)
        if not asker.has_own_limit:
            await self._starter.admission.person(asker.requester, run_id)

    async def asked(self, run_id: RunId) -> RequestId | None:
        """The request that a program's run began with; None when there is no such run."""
        return next(iter((await self._journal.store.run(run_id)).requests), None)

    async def _check_everybody_is_there(self, wanted: Question | Approval) -> None:
        to = wanted.to if isinstance(wanted, Question) else ()
        now = self._journal.store.about_now()
        await self._people.look_up(to)
        if missing := [ref for ref in to if not self._people.members(self._people.refs([ref]), now)]:
            raise Invalid(say("error.nobody-in", names=", ".join(missing)), say("error.people-listed"))

    def _started(
        self, run_id: RunId, wanted: Question | Approval, context: dict[str, JsonValue], asker: Asker
    ) -> RunStarted:
        return RunStarted(
            at=self._journal.store.about_now(run_id),
            run_id=run_id,
            agent=self._agent.name,
            channel=asker.channel,
            thread=asker.thread,
            requester=asker.requester,
            text=wanted.question if isinstance(wanted, Question) else wanted.title,
            context=context_of(wanted, context),
            submitter=asker.submitter,
            service=asker.service,
            holders=asker.holders,
            inherits=asker.others,
            asked_with=asker.key,
            max_steps=_MAX_STEPS,
        )

    async def _first_turn(self, started: RunStarted) -> tuple[list[Event], Request]:
        """Return the events that the loop would append up to the request, and the request. Raises Invalid."""
        run, now = fold([started]), await self._journal.store.now(started.run_id)
        events = [started, *await self._thinker.think(self._agent, run, [started], now)]
        run = fold(events)
        move = next_move(run, now)
        if not isinstance(move, Ask):
            raise TypeError(f"the relay asks first, and never chooses {move}")
        try:
            request = await self._loop.request(self._agent, run, move, now)
        except NoPolicy as error:
            raise Invalid(str(error), say("error.people-correct-that")) from error
        except ToolRefused as error:
            raise Invalid(str(error), say("error.correct-that")) from error
        if isinstance(request, NotEnoughApprovers):
            raise Invalid(request.why, say("error.people-correct-that"))
        policy = self._people.tables.policies.get(request.policy.name) if started.thread and request.call else None
        return events, request.model_copy(update={"again": again_of(request, policy)}) if policy else request


class AskingAgain:
    """Asks that what a run did be done again without asking: for the console, the API and messages alike."""

    def __init__(
        self, journal: Journal, standing: StandingApprovals, requests: ApiRequests, agents: Mapping[str, Agent]
    ) -> None:
        self._journal, self._standing, self._requests, self._agents = journal, standing, requests, agents

    async def asked(self, once: RunId) -> RequestId | None:
        """Return what was opened for the same `once`; None where nothing was."""
        return await self._requests.asked(once)

    async def ask(
        self,
        run_id: RunId,
        person: PersonId,
        uses: int,
        until: datetime,
        leave_open: Sequence[str],
        proof: Proof,
        once: RunId | None = None,
    ) -> RequestId:
        """Open a request for a standing approval of what a run did, the same one for the same `once`.

        Whoever asks has to see that run. Raises NotFound, Invalid, RateLimited and Forbidden.
        """
        run = await self._journal.store.run(check(run_id, "run"))
        args, others = self._standing.wanted(run, self._agents, person, uses, until, leave_open)
        asker = Asker(person, others=others, proof=proof)
        return await self._requests.ask(wanted_again(args), {}, asker, once)
