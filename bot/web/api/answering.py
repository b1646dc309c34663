"""An answer or an edit over HTTP: from what was sent to a statement, and from a judgement to a status."""

import hashlib
import secrets
from dataclasses import replace
from http import HTTPStatus

from agents.events import RequestOpened, RequestRevised
from agents.forms import text_of
from agents.requests import Binding, PersonId, Request, RequestId, bound_to
from agents.requests.record import RequestRecord
from bot.people.api_keys import ApiKey
from bot.people.recognition import as_known_now
from bot.policy.answers import Statement, picked, stop_of, takes_back
from bot.policy.approvers.delegation import Objection
from bot.policy.edits import Edited, EditRefused
from bot.policy.judgements import Delegated, DelegationRefused, StopOrAnswer, Unclear
from bot.render.edits import changes_between
from bot.render.forms import reasons
from bot.render.views import request_view
from bot.requests.decisions import Outcome
from bot.requests.reassignment.delegation import HandOn
from bot.requests.stored import RequestRead
from bot.store import folded
from bot.web.api.keyed import refused, scope_missing
from bot.web.api.shapes import (
    Answered,
    AnswerGiven,
    Approve,
    AskBack,
    BreakGlass,
    ChoicesGiven,
    Counts,
    DelegationWanted,
    Deny,
    EditWanted,
    FormGiven,
    TextGiven,
)
from bot.web.here import Here
from bot.web.problems import Found, ProblemError, trouble
from channels import Said

_MOVED = (HTTPStatus.CONFLICT, "digest-moved", "Look at the request again, and answer with the digest it has")
_EDIT_REFUSALS: dict[str, tuple[HTTPStatus, str, str]] = {
    "names": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "not-editable",
        "Change what `call.editable` names, or deny it and say why",
    ),
    "tool": (HTTPStatus.UNPROCESSABLE_ENTITY, "not-editable", "Send arguments that the tool takes"),
    "same": (HTTPStatus.CONFLICT, "not-now", "Nothing: it stands so already"),
    "too_few": (HTTPStatus.CONFLICT, "not-now", "Deny it, and say what would be right"),
    "too_many": (HTTPStatus.CONFLICT, "not-now", "Deny it, and say what would be right"),
}
_NOBODYS_TO_HAND_ON: frozenset[Objection] = frozenset(("not_asked", "has_voted", "may_have_stopped"))
_REFUSALS: dict[str, tuple[HTTPStatus, str, str]] = {
    "already_decided": (HTTPStatus.CONFLICT, "already-decided", "Nothing: the decision stands"),
    "already_voted": (HTTPStatus.CONFLICT, "already-voted", "Nothing: the vote stands. A denial would still count"),
    "too_late": (HTTPStatus.CONFLICT, "too-late", "Follow the run to see how it ends"),
    "closed": (HTTPStatus.CONFLICT, "closed", "Look at the run; `newer` names a request that came after this one"),
    "superseded": _MOVED,
    "not_entitled": (HTTPStatus.FORBIDDEN, "not-entitled", "Let somebody answer who may decide"),
    "not_this_way": (HTTPStatus.FORBIDDEN, "not-this-way", "Answer in one of the ways that count"),
    "note_unconfirmed": (
        HTTPStatus.CONFLICT,
        "note-unconfirmed",
        "To approve with this note, send the same with note_confirmed: true; to comment, send it as {text}",
    ),
    "stop_or_answer": (
        HTTPStatus.CONFLICT,
        "stop-or-answer",
        "To stop the run, send the same again; for it to be the answer, send `answer:` and the words behind it",
    ),
    "unclear": (HTTPStatus.UNPROCESSABLE_ENTITY, "unclear", "Answer in the format of the request"),
}


async def answer(here: Here, key: ApiKey, read: RequestRead, given: AnswerGiven, once: str | None) -> Answered:
    """Return what became of the answer. Raises ProblemError when it does not count, with the judgement in it."""
    record = read.record
    person = await _person(here, key, record)
    sent = reply_id(key, record.request.id, given, once)
    about = await _about(here, key, as_known_now(record, here.app.people), given, sent)
    statement = Statement(
        reply_id=sent,
        person=person,
        binding=_bound(record.request, given),
        said=_said(given),
        text=_text(record.request, given),
        reason=given.reason if isinstance(given, Approve | Deny | BreakGlass) else "",
        proof=key.proof,
        given=picked(record.request, given.choices) if isinstance(given, ChoicesGiven) else None,
        filled=given.form if isinstance(given, FormGiven) else {},
        note_confirmed=isinstance(given, Approve) and given.note_confirmed,
        about=about,
        is_typed=isinstance(given, TextGiven),
    )
    statement = here.app.messages.inbox.heard(record.request, statement)
    outcome = await here.app.messages.inbox.answer(record.request, statement, read)
    # Whoever is asked which they mean reads that the same again stops the run.
    if key.may("steer") or isinstance(outcome.judgement, StopOrAnswer):
        outcome = await here.app.messages.inbox.stopped(statement, outcome)
    if isinstance(outcome.judgement, Counts):
        view = request_view(outcome.record, here.app.people)
        return Answered(judgement=outcome.judgement, told=outcome.words, request=view)
    raise await refusal(here, outcome, statement.binding.digest)


async def _about(here: Here, key: ApiKey, record: RequestRecord, given: AnswerGiven, sent: str) -> str:
    """Return the question that a requester's words answer, where their key may not steer; "" for any other answer.

    Other words of theirs go to the agent and void votes. Raises ProblemError: that needs the scope `steer`. `sent` is
    the id of the answer, by which one that is sent again is known.
    """
    if key.person is None or key.person not in record.askers:
        return ""
    is_asked = record.question_for(key.person) is not None
    takes_it_back = isinstance(given, TextGiven) and takes_back(stop_of(record.request, given.text), is_asked=is_asked)
    # Words that refuse count as a denial does, with the scope `answer` alone.
    says_only = not isinstance(given, Approve | Deny | BreakGlass | AskBack) and not takes_it_back
    if key.may("steer") or not says_only or record.request.format != "approval" or record.state != "open":
        return ""
    before = next((one for one in record.comments if one.id == sent), None)
    question = record.question_for(key.person)
    if about := before.about if before else question.id if question else "":
        return about
    raise await refused(here, key, "write", scope_missing(key, "steer"), record.request.run_id)


def _said(given: AnswerGiven) -> Said:
    match given:
        case Approve() | Deny():
            return given.vote
        case BreakGlass():
            return "break_glass"
        case AskBack():
            return "ask"
        case _:
            return "free_text"


async def _person(here: Here, key: ApiKey, record: RequestRecord) -> PersonId:
    """Return whose key it is. Raises ProblemError for one that is no person's."""
    if key.person is None:
        detail = f"The key sayso_{key.prefix} belongs to {key.owner}; programs start runs and look, people answer."
        do = "Use a person's own key: sayso keys create --person P --scope answer"
        problem = trouble(HTTPStatus.FORBIDDEN, "not-for-programs", detail, do)
        raise await refused(here, key, "answer", problem, record.request.run_id)
    return key.person


def reply_id(
    key: ApiKey, request_id: RequestId, given: AnswerGiven | EditWanted | DelegationWanted, once: str | None
) -> str:
    """The same one for the same answer to a request under the same idempotency key: it is judged once."""
    if once is None:
        return f"api-{secrets.token_hex(8)}"
    # What is not said is left out, so that an answer means the same to a release that does not know it.
    unsaid = set[str]() if getattr(given, "note_confirmed", None) else {"note_confirmed"}
    same = f"{key.prefix}\n{once}\n{request_id}\n{given.model_dump_json(exclude=unsaid)}"
    return f"api-{hashlib.sha256(same.encode()).hexdigest()[:32]}"


def _bound(request: Request, given: AnswerGiven) -> Binding:
    """Return what an answer is about: what its digest stands for, and without one `request` as it stands.

    So is a denial, whatever digest comes with it.
    """
    digest = given.digest if isinstance(given, Approve | Deny | BreakGlass) else None
    if digest is None:
        return bound_to(request, "request")
    bound = _bound_by(request, digest)
    return bound.model_copy(update={"revision": request.revision}) if isinstance(given, Deny) else bound


def _bound_by(request: Request, digest: str) -> Binding:
    """Return what a digest stands for: `request` as it stands, or a revision that no card of ours has."""
    return Binding(by="digest", revision=request.revision if digest == request.digest else 0, digest=digest)


def _text(request: Request, given: AnswerGiven) -> str:
    """The answer in the words that mails use; a vote for a question is not one of its answers."""
    match given:
        case Approve() | Deny() | BreakGlass():
            return given.reason if request.format == "approval" else ""
        case TextGiven():
            return given.text
        case AskBack():
            return given.ask
        case ChoicesGiven():
            return "\n".join(given.choices)
        case FormGiven():
            return "\n".join(f"{field}: {text_of(value)}" for field, value in given.form.items())


async def refusal(here: Here, outcome: Outcome, digest: str) -> ProblemError:
    """Return the problem that says why an answer or an edit did nothing."""
    judgement, record, words = outcome.judgement, outcome.record, outcome.words
    if isinstance(judgement, EditRefused):
        status, name, do = _EDIT_REFUSALS[judgement.kind]
    elif isinstance(judgement, DelegationRefused):
        is_theirs = judgement.kind not in _NOBODYS_TO_HAND_ON
        status = HTTPStatus.UNPROCESSABLE_ENTITY if is_theirs else HTTPStatus.FORBIDDEN
        name, do = (
            ("not-delegable", "Name somebody else, or decide it")
            if is_theirs
            else ("not-entitled", "Let somebody answer who may decide")
        )
    else:
        status, name, do = _REFUSALS[judgement.type]
    request = record.request
    more: dict[str, object] = {"judgement": judgement, "digest": request.digest, "revision": request.revision}
    if isinstance(judgement, Unclear) and judgement.misfits:
        found = reasons(request.fields, judgement.misfits)
        more["errors"] = [Found(where=f"form.{name}" if name else "form", what=f"{why}.") for name, why in found]
    if status == HTTPStatus.CONFLICT:
        more |= await _difference(here, record, digest)
    return trouble(status, name, words, do, more=more)


async def _difference(here: Here, record: RequestRecord, digest: str) -> dict[str, object]:
    """Return what has changed since `digest` was shown, and the request that has come after this one."""
    request = record.request
    events = (await here.app.history.read(request.run_id)).events
    now_open = (await folded(events)).open
    more: dict[str, object] = {"newer": now_open if now_open != request.id else None}
    if digest == request.digest:
        return more
    cards = [event.request for event in events if isinstance(event, RequestOpened | RequestRevised)]
    seen = next((card for card in cards if card.id == request.id and card.digest == digest), None)
    if seen is None:
        return more | {"changes": ["This request never had that digest."]}
    changes = changes_between(seen.call, request.call) if seen.call and request.call else request.changed
    return more | {"changes": [f"Revision {seen.revision} was seen, {request.revision} stands.", *changes]}


async def edit(here: Here, key: ApiKey, read: RequestRead, wanted: EditWanted, once: str | None) -> Answered:
    """Change arguments as the person whose key it is; it approves nothing. Raises ProblemError when nothing changed."""
    record = read.record
    person = await _person(here, key, record)
    if person in here.app.people.by_now(record.askers) and not key.may("steer"):
        raise await refused(here, key, "write", scope_missing(key, "steer"), record.request.run_id)
    statement = _statement(key, person, record.request, wanted, once)
    change = here.app.runs.steering.edit(wanted.args)
    outcome = await here.app.messages.inbox.answer(record.request, statement, read, change)
    if not isinstance(outcome.judgement, Edited):
        raise await refusal(here, outcome, wanted.digest)
    view = request_view(outcome.record, here.app.people)
    return Answered(judgement=outcome.judgement, told=outcome.words, request=view)


async def delegate(here: Here, key: ApiKey, read: RequestRead, wanted: DelegationWanted, once: str | None) -> Answered:
    """Hand a request on as the person whose key it is. Raises ProblemError when nothing changed, and NotFound."""
    request, person = read.record.request, await _person(here, key, read.record)
    statement = Statement(
        reply_id=f"{reply_id(key, request.id, wanted, once)}-delegate",
        person=person,
        binding=bound_to(request, "request"),
        said="hand_on",
        text=f"delegate: {wanted.to} {wanted.reason}".strip(),
        proof=key.proof,
    )
    to = here.app.people.named(wanted.to)
    change = HandOn(to, wanted.reason)
    outcome = await here.app.messages.inbox.answer(request, statement, read, change)
    if not isinstance(outcome.judgement, Delegated):
        raise await refusal(here, outcome, request.digest)
    view = request_view(outcome.record, here.app.people)
    return Answered(judgement=outcome.judgement, told=outcome.words, request=view)


def _statement(key: ApiKey, person: PersonId, request: Request, wanted: EditWanted, once: str | None) -> Statement:
    made = Statement(
        reply_id=reply_id(key, request.id, wanted, once),
        person=person,
        binding=_bound_by(request, wanted.digest),
        said="edit",
        text=wanted.model_dump_json(include={"args"}),
        proof=key.proof,
    )
    return replace(made, reply_id=f"{made.reply_id}-edit")
