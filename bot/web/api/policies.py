"""The operation by which a program finds out under which policies it may want approvals."""

from datetime import timedelta

from fastapi import APIRouter

from agents.requests import Frozen, PersonId
from bot.people.api_keys import ApiKey, policies_in
from bot.queries.explain_words import policies_listed
from bot.render.times import length
from bot.render.words import coming_words
from bot.web.api import docs
from bot.web.api.docs import answers
from bot.web.api.keyed import HereNow, MayAsk
from bot.web.here import Here
from language import say

router = APIRouter(prefix="/v1/policies", tags=["requests"])


class PolicyView(Frozen):
    """A policy as whoever asks under it needs to know it. `told` says who decides, how many, and until when.

    An approval begins within `execute_within_s` of its decision. `frozen` says what holds everything back now, and
    `windows` in which times that comes.
    """

    name: str
    told: str
    quorum: int
    expires_after_s: float
    execute_within_s: float
    frozen: str = ""
    windows: tuple[str, ...] = ()


class PolicyViews(Frozen):
    """The policies that a key may use, in the order of the settings."""

    policies: tuple[PolicyView, ...]


@router.get("", operation_id="listPolicies", responses=answers(403, 422, shown={200: docs.POLICIES}))
async def listed(key: MayAsk, here: HereNow) -> PolicyViews:
    """List the policies that the key may use, and what is frozen.

    Each says who decides, how many, and until when.

    Those in whose hands the key is, and the one person for whom it asks, don't decide unless the policy says so.
    """
    people, now = here.app.people, here.app.store.about_now()
    names = policies_in(key.may_ask())
    for name in names:
        await people.look_up_policy(name)
    frozen = (await here.app.requests.freezes.on(None, _NEAR)).freeze
    told_frozen = here.app.requests.freezes.words(frozen) if frozen else ""
    coming = here.app.requests.freezes.coming(now)
    windows = tuple(coming_words(one) for one in coming if not one.environments)
    found = list[PolicyView]()
    for line in policies_listed(people, now, names, _requesters(here, key)):
        if policy := people.snapshot(line.label, now):
            begins = say("explain.begin-within", time=length(timedelta(seconds=policy.execute_within_s)))
            view = PolicyView(
                name=policy.name,
                told=f"{line.text} · {begins}",
                quorum=policy.quorum,
                expires_after_s=policy.expires_after_s,
                execute_within_s=policy.execute_within_s,
                frozen=told_frozen,
                windows=windows,
            )
            found.append(view)
    return PolicyViews(policies=tuple(found))


# Any id of the shard whose freezes are read: all shards have the same.
_NEAR = "s0r-aaaaaaaaaaaaa"


def _requesters(here: Here, key: ApiKey) -> tuple[PersonId, ...]:
    """Return who certainly counts as a requester of whatever the key asks for."""
    asks_for = [one for one in key.speaks_for() if here.app.people.contact(one)]
    alone = asks_for if len(asks_for) == 1 else asks_for[:1] if key.person else []
    return tuple(dict.fromkeys([*alone, *key.holders]))
