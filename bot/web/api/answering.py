"""An answer over HTTP: from what was sent to a statement, and from a judgement to a status."""

import hashlib
import secrets
from http import HTTPStatus
from typing import Literal

from agents.events import RequestOpened, RequestRevised
from agents.forms import text_of
from agents.requests import Request, RequestId
from agents.run import fold
from bot.people.api_keys import ApiKey
from bot.policy.answers import Statement, picked
from bot.policy.judge import Unclear
from bot.policy.record import RequestRecord
from bot.render.forms import reasons
from bot.render.views import request_view
from bot.requests.decisions import Outcome
from bot.requests.opening import changes_between
from bot.web.api.shapes import Answered, AnswerGiven, Approve, AskBack, ChoicesGiven, Counts, Deny, FormGiven, TextGiven
from bot.web.here import Here
from bot.web.problems import Found, ProblemError, trouble

_REFUSALS: dict[str, tuple[HTTPStatus, str, str]] = {
    "already_decided": (HTTPStatus.CONFLICT, "already-decided", "Nothing: the decision stands"),
    "already_voted": (HTTPStatus.CONFLICT, "already-voted", "Nothing: the vote stands. A denial would still count"),
    "too_late": (HTTPStatus.CONFLICT, "too-late", "Follow the run to see how it ends"),
    "closed": (HTTPStatus.CONFLICT, "closed", "Look at the run; `newer` names a request that came after this one"),
    "superseded": (HTTPStatus.CONFLICT, "digest-moved", "Look at the request again, and answer with the digest it has"),
    "not_entitled": (HTTPStatus.FORBIDDEN, "not-entitled", "Let somebody answer who may decide"),
    "not_this_way": (HTTPStatus.FORBIDDEN, "not-this-way", "Answer in one of the ways that count"),
    "note_unconfirmed": (
        HTTPStatus.CONFLICT,
        "note-unconfirmed",
        "To approve with this note, send the same with note_confirmed: true; to comment, send it as {text}",
    ),
    "unclear": (HTTPStatus.UNPROCESSABLE_ENTITY, "unclear", "Answer in the format of the request"),
}


async def answer(
    here: Here, key: ApiKey, request_id: RequestId, given: AnswerGiven, once: str | None, channel: Literal["api", "cli"]
) -> Answered:
    """Return what became of the answer. Raises ProblemError when it does not count, with the judgement in it."""
    read = await here.app.requests.decisions.request(request_id)
    record = read.record
    if key.person is None:
        detail = f"The key sayso_{key.prefix} belongs to {key.owner}; programs start runs and look, people answer."
        do = "Use a person's own key: sayso keys create --person P --scope answer"
        raise trouble(HTTPStatus.FORBIDDEN, "not-for-programs", detail, do)
    statement = Statement(
        reply_id=_reply_id(key, given, once),
        person=key.person,
        channel=channel,
        link_by=key.link_by,
        revision=_revision(record.request, given),
        digest=(given.digest if isinstance(given, Approve | Deny) else None) or record.request.digest,
        said=given.vote if isinstance(given, Approve | Deny) else "free_text",
        text=_text(record.request, given),
        reason=given.reason if isinstance(given, Approve | Deny) else "",
        evidence=key.evidence,
        given=picked(record.request, given.choices) if isinstance(given, ChoicesGiven) else None,
        filled=given.form if isinstance(given, FormGiven) else {},
        note_confirmed=isinstance(given, Approve) and given.note_confirmed,
        asks=isinstance(given, AskBack),
    )
    outcome = await here.app.requests.decisions.answer(request_id, statement, read)
    if isinstance(outcome.judgement, Counts):
        view = request_view(outcome.record, here.app.people)
        return Answered(judgement=outcome.judgement, told=outcome.words, request=view)
    raise await _refusal(here, outcome, statement.digest)


def _reply_id(key: ApiKey, given: AnswerGiven, once: str | None) -> str:
    """The same one for the same answer under the same idempotency key: it is judged once."""
    if once is None:
        return f"api-{secrets.token_hex(8)}"
    is_confirmed = isinstance(given, Approve) and given.note_confirmed
    same = f"{key.prefix}\n{once}\n{given.model_dump_json(exclude=None if is_confirmed else {'note_confirmed'})}"
    return f"api-{hashlib.sha256(same.encode()).hexdigest()[:32]}"


def _revision(request: Request, given: AnswerGiven) -> int:
    """Return the revision of the card that the digest stands for; 0, which no card of ours has, for another card's."""
    is_of_another = isinstance(given, Approve) and given.digest != request.digest
    return 0 if is_of_another else request.revision


def _text(request: Request, given: AnswerGiven) -> str:
    """The answer in the words that mails use; a vote for a question is not one of its answers."""
    match given:
        case Approve() | Deny():
            return given.reason if request.format == "approval" else ""
        case TextGiven():
            return given.text
        case AskBack():
            return given.ask
        case ChoicesGiven():
            return "\n".join(given.choices)
        case FormGiven():
            return "\n".join(f"{field}: {text_of(value)}" for field, value in given.form.items())


async def _refusal(here: Here, outcome: Outcome, digest: str) -> ProblemError:
    judgement, record, words = outcome.judgement, outcome.record, outcome.words
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
    now_open = fold(events).open
    more: dict[str, object] = {"newer": now_open if now_open != request.id else None}
    if digest == request.digest:
        return more
    cards = [event.request for event in events if isinstance(event, RequestOpened | RequestRevised)]
    seen = next((card for card in cards if card.id == request.id and card.digest == digest), None)
    if seen is None:
        return more | {"changes": ["This request never had that digest."]}
    changes = changes_between(seen.call, request.call) if seen.call and request.call else request.changes
    return more | {"changes": [f"Revision {seen.revision} was seen, {request.revision} stands.", *changes]}
