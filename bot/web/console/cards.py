"""A request as a page shows it to one person: what is asked, and what that person may do about it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from agents.requests import PersonId
from bot.people.directory import People
from bot.policy.judge import ways_to_approve
from bot.policy.record import RequestRecord
from bot.render.cards import by_key, exact, excluded
from bot.render.views import RequestView, request_view
from channels import Line


@dataclass(frozen=True, slots=True)
class CardView:
    """`once` makes a form that is sent twice one answer. `because` says why this person has no buttons,
    `by_key` whose API key asked.
    """

    request: RequestView
    exact: str
    once: str
    may_approve: bool
    may_deny: bool
    may_answer: bool
    may_stop: bool
    may_withdraw: bool
    excluded: list[Line]
    because: str
    by_key: str


def card_view(record: RequestRecord, people: People, me: PersonId, lists: Mapping[str, str] | None = None) -> CardView:
    """What `me` sees of the request, with `lists` all of those; `decide` judges every answer again."""
    view = request_view(record, people, lists=lists or {})
    is_open, may, is_vote = view.state == "open", me in view.may_decide, view.format == "approval"
    has_approved = any(vote.person == me and vote.approve for vote in view.votes)
    asks = me in record.requesters
    counts_here = "console" in ways_to_approve(record.request.policy)
    return CardView(
        request=view,
        exact=exact(record.request),
        once=secrets.token_hex(8),
        may_approve=is_open and may and is_vote and counts_here and not has_approved,
        may_deny=is_open and may and is_vote,
        may_answer=is_open and may and not is_vote,
        may_stop=view.state == "approved" and (may or asks) and is_vote and view.started_at is None,
        may_withdraw=is_open and asks and record.request.purpose != "unknown",
        excluded=excluded(record.request, people),
        because=_because(record, view, people, me, has_approved=has_approved, counts_here=counts_here),
        by_key=by_key(view.service, view.key_holders, people),
    )


def _because(
    record: RequestRecord, view: RequestView, people: People, me: PersonId, *, has_approved: bool, counts_here: bool
) -> str:
    if view.state != "open":
        return ""
    if me not in view.may_decide:
        asked = "You asked for this, so it is not yours to decide. " if me in record.requesters else ""
        return f"{asked}{people.names_of(view.may_decide)} may decide."
    if view.format != "approval":
        return ""
    if has_approved:
        return "You have approved this; more people are needed. You can still deny it."
    if not counts_here:
        ways = ", ".join(ways_to_approve(record.request.policy)) or "none"
        return f"An approval does not count here; ways that count: {ways}. A denial counts everywhere."
    return ""
