"""Words for times, channels, states of a request and judgements of an answer, wherever people read them."""

from collections.abc import Iterable

from agents.requests import AllOf, AnyOf, Anyone, Decision, PersonId, PolicySnapshot, Request, Rule, parts_of
from agents.text import quote
from bot.people.directory import People
from bot.policy.judge import (
    AlreadyDecided,
    AlreadyVoted,
    ClosedOtherwise,
    Counted,
    Decided,
    Judgement,
    NotEntitled,
    NoteUnconfirmed,
    NotThisWay,
    OutOfDate,
    Remarked,
    Revoked,
    TooLate,
    Unclear,
    ways_to_approve,
)
from bot.policy.quorum import eligible

TIME, HOURS = "%H:%M UTC on %d %B %Y", "%H:%M UTC"
"""The `strftime` formats of a moment, and of one of today."""

CHANNEL_NAMES = {"email": "e-mail", "slack": "Slack"}
"""Names that people have for the channels that reach them."""

REASON_CHARS = 500

STOPPED = {"denied": "denied", "withdrawn": "withdrawn", "expired": "not decided in time", "revoked": "taken back"}
"""Words for how people stopped a run, after its name."""


def who_decides(policy: PolicySnapshot, people: People, requesters: Iterable[PersonId]) -> str:
    """`2 of Bo Berg, Cy Cole and Dan Dorn`; with seats: `Bo Berg; and one of Cy Cole and Dan Dorn`."""
    may = eligible(policy, requesters)

    def seat(rule: Rule) -> str:
        match rule:
            case Anyone():
                names = [person for person in rule.people if person in may]
                return people.names_of(names) if len(names) == 1 else f"one of {people.names_of(names)}"
            case AllOf():
                return "; and ".join(seat(part) for part in rule.of)
            case AnyOf():
                return "; or ".join(seat(part) for part in rule.of)

    if any(isinstance(part, AllOf) for part in parts_of(policy.rule)):
        return seat(policy.rule) + (f" (at least {policy.quorum} people)" if policy.quorum > 1 else "")
    return people.names_of(may) if policy.quorum == len(may) else f"{policy.quorum} of {people.names_of(may)}"


def decided(decision: Decision, people: People) -> str:
    """`Bo Berg approved at 14:02 UTC on 3 May 2026.`"""
    names = people.names_of(decision.by)
    when = decision.at.strftime(TIME)
    said = quote(decision.reason, REASON_CHARS) if decision.reason.strip() else ""
    reason = f" {'Note' if decision.state == 'approved' else 'Reason'}: {said}" if said else ""
    match decision.state:
        case "approved" | "denied" | "answered":
            return f"{names} {decision.state} at {when}.{reason}{_with_keys(decision, people)}"
        case "expired":
            return f"Nobody decided in time: expired at {when}."
        case "withdrawn":
            return f"Withdrawn{f' by {names}' if names else ''} at {when}.{reason}"
        case "superseded":
            return f"No longer asked, at {when}: a new request follows.{reason}"


def _with_keys(decision: Decision, people: People) -> str:
    """Whose word came with a key that was not made by themselves."""
    whose = people.names_of(decision.operators_keys)
    return f" The word of {whose} came with an API key that an operator made." if whose else ""


def feedback_text(judgement: Judgement, request: Request, people: People) -> str:
    """Tell the person who answered what became of the answer, and what to do now if anything."""
    match judgement:
        case Counted():
            needed = who_decides(request.policy, people, request.requesters)
            return f"Your approval counts, and more are needed: {needed}."
        case Decided():
            return decided(judgement.decision, people)
        case Revoked():
            return "The approval is taken back; nothing was started."
        case TooLate():
            return f"Too late: it started at {judgement.started_at.strftime(TIME)}."
        case AlreadyDecided():
            return f"Already decided: {decided(judgement.decision, people)} Your answer is kept and changes nothing."
        case AlreadyVoted():
            return "You have approved this before; a person's first vote stands. A denial would still count."
        case ClosedOtherwise():
            return f"There is nothing to answer any more: the request is {judgement.state}."
        case NotEntitled():
            return _not_entitled(judgement, people)
        case NotThisWay():
            return _not_this_way(judgement, request)
        case OutOfDate():
            return _out_of_date(request)
        case Unclear():
            return _unclear(request, judgement.why)
        case NoteUnconfirmed():
            note = quote(judgement.note, REASON_CHARS)
            return f"Nothing is decided yet: words stand beside your approval. {note} {APPROVE_ORNOT_COUNTED}"
        case Remarked():
            return (
                "Your words are on the card now, and everybody who may decide is asked again. To take the request "
                f"back, answer {TAKE_BACK}."
            )


APPROVE_ORNOT_COUNTED = "Approve with this note, or send it as a comment?"
TAKE_BACK = "with deny, stop or cancel"


def _not_entitled(judgement: NotEntitled, people: People) -> str:
    who = people.names_of(judgement.approvers) or "nobody"
    match judgement.why:
        case "requester":
            return (
                f"You asked for this or steered it, so it is not yours to decide. {who} may. To take it back, "
                f"answer {TAKE_BACK}."
            )
        case "not_addressee":
            return f"This card was made for somebody else, so the answer does not count. {who} may decide."
        case "not_an_approver":
            return f"This is not yours to decide. {who} may."


# In the order in which people are told of them.
_HOW_TO_APPROVE = {
    "slack": "in Slack, with the button on the card",
    "console": "on its page in the console",
    "cli": "in a terminal, with: sayso answer {request} approve",
    "api": "over HTTP, with: POST /v1/requests/{request}/answer",
    "email": "by mail",
}


def _not_this_way(judgement: NotThisWay, request: Request) -> str:
    ways = [how.format(request=request.id) for way, how in _HOW_TO_APPROVE.items() if way in judgement.ways]
    return (
        "An approval does not count this way here, and nothing was decided. "
        f"Ways that count: {'; '.join(ways) or 'none'}. A denial counts in every way."
    )


def _out_of_date(request: Request) -> str:
    changes = " ".join(request.changes) or f"It is now: {request.title}"
    return f"Your approval was for an older version and does not count. {changes} Please answer the newest card."


NOT_COUNTED = "This was not counted as a decision."


def _unclear(request: Request, why: str = "") -> str:
    if why:
        return f"This was not counted as a decision: {why}. A denial would count."
    match request.format:
        case "approval":
            ways = "" if "email" in ways_to_approve(request.policy) else " (an approval does not count by mail here)"
            how = f"Reply approve{ways}, or deny and the reason."
            return f"{NOT_COUNTED} {how}"
        case "choice" | "choices":
            numbered = "; ".join(f"{number}: {option}" for number, option in enumerate(request.options, 1))
            return f"{NOT_COUNTED} Reply with a number or a label alone. {numbered}"
        case "yes_no":
            return f"{NOT_COUNTED} Reply yes or no."
        case "form":
            first, names = request.fields[0], ", ".join(request.fields)
            return f"{NOT_COUNTED} Reply with one line for each of: {names}; such as {first}: …"
        case "free_text":
            return "The answer was empty. Reply in your own words."
