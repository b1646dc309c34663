"""What the agent of standing approvals needs of an installation: may it be allowed, and have it written down."""

from datetime import timedelta

from agents import ToolRefused
from agents.requests import Request
from agents.run import Run
from agents.standing import AllowAgainArgs
from bot.people.directory import People
from bot.policy.standing import Standing, StandingApproval, rules_of
from bot.requests.standing.kept import KeptStandings
from bot.requests.standing.uses import lapse_now, lapse_text
from bot.store import Store
from language import say


class StandingGrants:
    """Checks and writes down standing approvals."""

    def __init__(self, store: Store, people: People) -> None:
        self._store, self._kept, self._people = store, KeptStandings(store), people

    async def check(self, args: AllowAgainArgs) -> None:
        """Raise ToolRefused where the policy, as it stands now, does not allow that."""
        name = args.pattern.policy
        policy = self._people.tables.policies.get(name)
        if policy is None or policy.standing is None:
            raise ToolRefused(say("again.policy-allows-none", policy=name))
        limit = policy.standing
        if rules_of(policy) != args.pattern.rules:
            raise ToolRefused(say("again.policy-changed-since", policy=name))
        now = await self._store.now(args.run)
        is_too_long = args.until > now + timedelta(seconds=limit.within_s)
        if args.until <= now:
            raise ToolRefused(say("again.until-past"))
        if is_too_long or not 1 <= args.uses <= limit.uses:
            raise ToolRefused(say("again.beyond", policy=name, limit=limit))

    async def grant(self, args: AllowAgainArgs, run: Run) -> str:
        """Write down what the run's open step was approved for, once, and return its id. Raises ToolRefused."""
        pending = run.pending
        if pending is None or pending.request is None or pending.decision is None or not pending.decision.by:
            raise ToolRefused(say("run.not-approved"))
        approval = StandingApproval(
            id=self._kept.id_for(run.id),
            run_id=run.id,
            request_id=pending.request.id,
            person=args.person,
            title=args.title,
            pattern=args.pattern,
            uses=args.uses,
            until=args.until,
            granted_by=pending.decision.by,
            granted_at=pending.decision.at,
        )
        is_own = args.person in pending.decision.by
        if is_own or pending.decision.broke_glass or pending.decision.standing or not is_for(pending.request, args):
            raise ToolRefused(say("again.not-theirs"))
        if lapsed := await self._lapsed(approval):
            raise ToolRefused(lapsed)
        if not await self._kept.grant(approval):
            raise ToolRefused(say("again.too-many"))
        return approval.id

    async def _lapsed(self, approval: StandingApproval) -> str:
        """Return why one would count no more from the first; empty where it counts, or was written down before."""
        if await self._kept.read(approval.id):
            return ""
        standing = Standing(approval=approval, now=approval.granted_at)
        found = await lapse_now(standing, self._people, self._store)
        return lapse_text(standing, found) if found else ""


def is_for(request: Request, args: AllowAgainArgs) -> bool:
    """Return whether it serves whoever asked for it first: nobody gets one for somebody else."""
    return request.requesters[:1] == (args.person,)
