"""Cards and sentences, worded by code from data. What a model or a person wrote only ever stands in `quoted`."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from agents.requests import (
    AllOf,
    AnyOf,
    Anyone,
    Decision,
    GatedCall,
    PersonId,
    PolicySnapshot,
    Request,
    Rule,
    parts_of,
)
from agents.run import Run
from agents.text import first_line, quote
from bot.asked_by import askers, excluded, facts_about, remarks, says_first
from bot.judge import (
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
from bot.outgoing import Placed
from bot.people import People
from bot.quorum import eligible
from bot.wording import CHANNEL_NAMES, TIME
from channels import AnswerForm, Card, Line

_REHEARSAL = Line(label="Mode", text="rehearsal: plain rules chose the steps, no model", short="rehearsal, no model")
_STORY = "What was used, and what led to it; in the story are words of others:"
_OUTCOMES = {"done": "Done", "failed": "Failed", "cancelled": "Cancelled"}
# A run that people stopped did not go wrong. Not `Denied: …`, which would come back in quotes as somebody's answer.
_STOPPED = {"denied", "withdrawn", "expired", "revoked"}
_REASON_CHARS = 500
_TITLE_CHARS = 80
_DIGEST_CHARS = 12


def request_card(request: Request, people: People, at: datetime) -> Card:
    """What somebody who may answer `request` sees; the token of the form is filled in when it is sent."""
    asked_by = people.names_of(askers(request))
    summary = says_first(request, people)
    needs = who_decides(request.policy, people, request.requesters) if request.format == "approval" else ""
    facts = [] if asked_by in summary else [Line(label="Asked by", text=asked_by)]
    facts += [Line(label="Changed since the last card", text=change) for change in request.changes]
    facts += remarks(request, people)
    facts += facts_about(request)
    facts += [Line(label="May decide", text=needs)] if needs else []
    facts += excluded(request, people)
    facts += [Line(label="Digest", text=request.digest, short=f"{request.digest[:_DIGEST_CHARS]}…")]
    facts += [_REHEARSAL] if request.is_rehearsal else []
    form = AnswerForm(
        token="",
        format=request.format,
        options=request.options,
        fields=request.fields,
        until=request.expires_at,
    )
    return Card(
        title=request.title,
        at=at,
        summary=summary,
        quoted=request.quoted,
        quoted_as=_STORY if request.purpose == "go_on" else "",
        facts=tuple(facts),
        exact=exact(request),
        form=form,
        ref=request.id,
    )


def asked_again(request: Request, judgement: Judgement, people: People, at: datetime) -> Card:
    """The whole card once more, with what became of an answer to it: whoever answers this has seen what it is about."""
    card = request_card(request, people, at)
    is_comment = isinstance(judgement, Unclear) and request.format != "free_text"
    is_comment = is_comment and not (isinstance(judgement, Unclear) and judgement.why)
    sentence = _COMMENT if is_comment else told(judgement, request, people)  # how to answer stands on the card
    return card.model_copy(update={"title": f"About: {request.title}", "summary": f"{sentence}\n{card.summary}"})


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


def exact(request: Request) -> str:
    """What exactly is decided about; nothing for a question."""
    return exact_call(request.call)


def exact_call(call: GatedCall | None) -> str:
    """The complete arguments and the effect they render to, one part a line."""
    if call is None:
        return ""
    arguments = json.dumps(call.arguments, sort_keys=True, ensure_ascii=False)
    lines = [f"{call.tool} {arguments}"]
    lines += [f"runs: {json.dumps(list(call.effect.argv), ensure_ascii=False)}"] if call.effect.argv else []
    copied = f"a clean copy of commit {call.effect.commit} of " if call.effect.commit else ""
    lines += [f"in: {copied}{call.effect.cwd}"] if call.effect.cwd else []
    lines += [f"{name} is {value}" for name, value in sorted(call.effect.artifacts.items())]
    return "\n".join(lines)


def closed_card(request: Request, sentence: str, at: datetime, *, closes: bool) -> Card:
    """What becomes of a card when there is nothing more to answer."""
    text = f"{sentence} There is nothing to do."
    return Card(title=f"Closed: {request.title}", at=at, summary=text, ref=request.id, closes=closes)


def outcome_card(run: Run, people: People, at: datetime) -> Card:
    """How a run ended, and by whose word."""
    ended, last = run.ended, run.results[-1] if run.results else None
    asked = first_line(run.started.text if run.started else "", _TITLE_CHARS)
    word = _OUTCOMES[ended.outcome] if ended else "Running"
    by = sorted(run.voters)
    if ended and ended.outcome == "failed" and last and last.kind in _STOPPED:
        word, by = "Stopped", list(last.by)
    facts = [Line(label="Decided by", text=people.names_of(by))] if by else []
    for _, person, note in run.notes:
        facts.append(Line(label=f"Note by {people.name_of(person)}", text=quote(note, _REASON_CHARS)))
    facts += [_REHEARSAL] if run.is_rehearsal else []
    words = ended.summary if ended else ""
    card = Card(title=f"{word}: {asked}", at=at, facts=tuple(facts), ref=run.id, closes=True)
    return card.model_copy(update={"quoted" if ended and ended.words_of == "model" else "summary": words})


def notice(title: str, text: str, at: datetime, ref: str = "", link: str = "", topic: str = "") -> Card:
    """Something that somebody must be told and need not answer."""
    return Card(title=title, at=at, summary=text, ref=ref, link=link, topic=topic, closes=True)


def unreached(
    request: Request,
    placed: Placed,
    channel: str,
    ways: Sequence[str],
    others: Sequence[PersonId],
    why: str,
    people: People,
    at: datetime,
) -> Card:
    """A card did not reach whom it was `placed` for by `channel`; `ways` are left to try, `others` are asked as well.

    `why` is what a mail system said, which anybody may have written.
    """
    name = people.called(placed.person, placed.place)
    way = " or ".join(CHANNEL_NAMES.get(one, one) for one in channel.split(","))
    text = [f"{name} could not be reached by {way}."]
    text += [f"The same goes to {name} by {CHANNEL_NAMES.get(ways[0], ways[0])} now."] if ways else []
    if others:
        text += [f"{people.names_of(others)} {'is' if len(others) == 1 else 'are'} also asked."]
    elif placed.place:
        text += ["Nobody else is asked. Withdraw the request, have the places and addresses corrected, and ask again."]
    elif not ways:
        text += [f"Nobody else is asked. {name} can still answer in the console."]
        text += ["Otherwise withdraw the request, have the address in the directory corrected, and ask again."]
    return notice(f"Not reached: {request.title}", " ".join(text), at, request.id).model_copy(update={"quoted": why})


def moved(request: Request, channel: str, why: str, at: datetime) -> Card:
    """The place that all see did not take a card; `why` is what the other side said."""
    name = CHANNEL_NAMES.get(channel, channel)
    text = f"{name} does not take the card in its thread. Whoever is asked gets it in a direct message instead."
    return notice(f"Asked elsewhere: {request.title}", text, at, request.id).model_copy(update={"quoted": why})


def decided(decision: Decision, people: People) -> str:
    """`Bo Berg approved at 14:02 UTC on 3 May 2026.`"""
    names = people.names_of(decision.by)
    when = decision.at.strftime(TIME)
    said = quote(decision.reason, _REASON_CHARS) if decision.reason.strip() else ""
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


def told(judgement: Judgement, request: Request, people: People) -> str:
    """What the person who answered is told: what became of the answer, and what to do now if anything."""
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
            note = quote(judgement.note, _REASON_CHARS)
            return f"Nothing is decided yet: words stand beside your approval. {note} {APPROVE_OR_COMMENT}"
        case Remarked():
            return (
                "Your words are on the card now, and everybody who may decide is asked again. To take the request "
                f"back, answer {TAKE_BACK}."
            )


APPROVE_OR_COMMENT = "Approve with this note, or send it as a comment?"
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


_COMMENT = "Your answer was read as a comment and decides nothing."


def _unclear(request: Request, why: str = "") -> str:
    if why:
        return f"Your mail was read as a comment and decides nothing: {why}. A denial would count."
    match request.format:
        case "approval":
            ways = "" if "email" in ways_to_approve(request.policy) else " (an approval does not count by mail here)"
            return (
                f"{_COMMENT} To approve, answer with the one word approve{ways}; to refuse, with deny and the reason."
            )
        case "choice" | "choices":
            numbered = "; ".join(f"{number}: {option}" for number, option in enumerate(request.options, 1))
            return f"{_COMMENT} Answer with a number or a label alone. {numbered}"
        case "yes_no":
            return f"{_COMMENT} Answer with yes or no alone."
        case "form":
            first, names = request.fields[0], ", ".join(request.fields)
            return f"{_COMMENT} Answer with one line for each of: {names}; such as {first}: …"
        case "free_text":
            return "The answer was empty. Please answer in your own words."
