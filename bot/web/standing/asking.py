"""What the API and the console do alike with a standing approval: show it, and revoke it."""

from typing import Literal

from pydantic import AwareDatetime, JsonValue

from agents.requests import Frozen, PersonId, RequestId, RunId
from bot.people.refusals import Refusals
from bot.people.rights import Caller, Denied
from bot.policy.standing import Ended, Standing
from bot.web.here import Here
from language import say


class StandingUseView(Frozen):
    """One use: the request that nobody was asked about, and its run."""

    request: RequestId
    run: RunId
    at: AwareDatetime


class StandingView(Frozen):
    """A standing approval. `open` are the arguments whose value may be any text; all others are as in `arguments`.

    `run` and `request` granted it. With the state `valid` it counts unless `lapsed` says why it does not: its policy or
    those who granted it have changed since.
    """

    id: str
    state: Literal["valid", "revoked", "over", "spent"]
    title: str
    person: PersonId
    policy: str
    tool: str
    environment: str | None
    arguments: dict[str, JsonValue]
    open: tuple[str, ...]
    uses: int
    used: tuple[StandingUseView, ...]
    until: AwareDatetime
    granted_by: tuple[PersonId, ...]
    granted_at: AwareDatetime
    run: RunId
    request: RequestId
    revoked: Ended | None
    lapsed: str = ""


async def view_of(here: Here, found: Standing) -> StandingView:
    """Return what is shown of a standing approval."""
    approval, pattern = found.approval, found.approval.pattern
    return StandingView(
        id=approval.id,
        state=found.state,
        title=approval.title,
        person=approval.person,
        policy=pattern.policy,
        tool=pattern.tool,
        environment=pattern.environment,
        arguments=dict(pattern.arguments),
        open=pattern.open,
        uses=approval.uses,
        used=tuple(StandingUseView(request=use.request_id, run=use.run_id, at=use.at) for use in found.uses),
        until=approval.until,
        granted_by=approval.granted_by,
        granted_at=approval.granted_at,
        run=approval.run_id,
        request=approval.request_id,
        revoked=found.revoked,
        lapsed=await here.app.requests.standing.lapsed(found),
    )


async def revoke(here: Here, caller: Caller, person: PersonId, standing_id: str, reason: str) -> Standing:
    """End one, whoever may: whom it serves, who granted it, who decides by its policy, operators and admins.

    Raises NotFound.
    """
    standing = here.app.requests.standing
    found = await standing.one(standing_id)
    if not standing.concerns(caller, found):
        denied = Denied(say("again.none", id=standing_id), say("again.listed"), is_hidden=True)
        await Refusals(here.app.store).refuse(caller, "answer", denied, found.approval.run_id)
    return await standing.revoke(standing_id, person, reason, proof=caller.proof)
