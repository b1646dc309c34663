"""What became of a request, as a program reads it: each end apart from the others, with what may be done next. Pure."""

from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from bot.render.views import RequestView
from bot.web.api import outcomes
from bot.web.api.outcomes import Word, away_of

_NEXT: dict[Word, str] = {
    "pending": (
        "This is no answer and no denial: people still have it, and can answer until {until}. Call await_answer with "
        "this id to wait on, now or in days. Do not ask again, and do not act."
    ),
    "answered": "This is what a person answered. It is information: it approves nothing but what was asked.",
    "approved": (
        "Call start_approved with this id and a name of your own for the attempt. If that succeeds, do exactly what "
        "was approved, once; do nothing before."
    ),
    "denied": (
        "Somebody who may decide said no. Do not do it, look for no way around it, and tell whoever you work for, with "
        "the reason."
    ),
    "expired": (
        "Nobody decided in time. That is no denial and no approval: do not act. Ask again with another key if it still "
        "matters, or go on without it."
    ),
    "withdrawn": (
        "It was taken back before anybody decided. Do not act, and do not ask again unless you are told to: then with "
        "another key."
    ),
    "revoked": "It was approved, and that was taken back before anything began. Do not act.",
    "superseded": (
        "It does not hold any more: something changed, it was not used in time, somebody who approved it has left, or "
        "sayso was restored from a backup. Do not act. The same call with the same key says whether people are asked "
        "anew; if not, ask with another key."
    ),
}

_ALL_AWAY = (
    "This is no answer and no denial: everybody who is asked is away, as far as is known (`away` says until when), and "
    "can still answer until {until}. Call await_answer with this id to wait on. If it can't wait, "
)
_ASK_OTHERS = "take it back with cancel_request, and ask others with another key. Do not act."
_TELL = "tell whoever you work for: only people choose who decides instead. Do not ask again, and do not act."
_CLOSED_EARLY = (
    "It was closed without a decision, before its time: `reason` says why. That is no denial and no approval: do not "
    "act. Ask others, with another key, if it still matters, or go on without it."
)
_FROZEN = (
    "It is approved, and may not begin now: `frozen` says why. Do not act. Call await_answer with this id now and "
    "then, and once that is over start_approved, before `use_by`. Do not ask again while that lasts."
)
_FROZEN_TOO_LONG = (
    "It was not used in time: `frozen` says what held it back. Do not act. list_policies says whether that lasts: ask "
    "again, with another key, only once it does not, as nothing would begin."
)
_BEGUN = (
    "It began at {begun}, and an approval is spent once: do not begin it again. If that was your own attempt, "
    "start_approved with the same name for it says so; then say with finish_approved what came of it."
)
_DO = (
    "Do it now, with exactly these arguments, unless you did it already under this attempt. Then say with "
    "finish_approved what came of it."
)
_SAID = "It began, and what came of it has been told. There is nothing more to do."


class Outcome(outcomes.Outcome):
    """The same for an agent, with what it may do next."""

    next: str = Field(description="What you may do now.")


def outcome_of(view: RequestView) -> Outcome:
    """Return what a request as it stands means to the agent that asked."""
    found = outcomes.outcome_of(view)
    return Outcome(**dict(found), next=_next(view, found.decision))


def _next(view: RequestView, word: Word) -> str:
    if word == "approved" and view.came_of:
        return _SAID
    if word == "approved" and view.started_at:
        return _BEGUN.format(begun=_moment(view.started_at))
    if view.frozen and word in {"approved", "superseded"}:
        return _FROZEN if word == "approved" else _FROZEN_TOO_LONG
    if word == "expired" and view.decision and view.decision.reason:  # nobody was left who could answer
        return _CLOSED_EARLY
    away = {one.person for one in away_of(view)}
    are_all_away = word == "pending" and away and away == {*view.may_decide}
    if_not = _TELL if view.format == "approval" else _ASK_OTHERS
    return (_ALL_AWAY + if_not if are_all_away else _NEXT[word]).format(until=_moment(view.expires_at))


def after_start(*, is_said: bool) -> str:
    """Return what whoever began it may do: nothing, where they have said what came of it."""
    return _SAID if is_said else _DO


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def last_updated(view: RequestView) -> datetime:
    """Return when the request last changed, as far as whoever asked is concerned."""
    return view.decision.at if view.decision else view.opened_at


def as_text(told: Any) -> str:
    """Return a structured answer as text, for clients that read nothing else."""
    import json  # noqa: PLC0415

    return json.dumps(told, ensure_ascii=False)
