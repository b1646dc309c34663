"""An edit on its way to a new revision: judged like an answer, prepared like a call, written or refused in words."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import JsonValue

from agents import ToolRefused
from agents.requests import Author, AuthoredLine, GatedCall, PersonId, Request
from agents.requests.record import RequestRecord, as_revised
from agents.run import Run
from agents.state import editors_of
from bot.people.directory import People
from bot.people.recognition import as_known_now, with_other_ids
from bot.policy.approvers.quorum import can_be_met
from bot.policy.approvers.who import who_of
from bot.policy.edits import Edited, EditRefused, changeable, changed_names, edited_request, with_values
from bot.policy.judge import edits_as_asker, objection
from bot.policy.judgements import Act, Answer, Judgement
from bot.render.edits import changed_effect, changes_between, edited
from bot.requests.opening import with_objectors
from language import say

MOST_REVISIONS = 40
"""Each makes a new card for everybody who is asked: who still does not agree denies it, and says why."""

Prepare = Callable[[Request, Mapping[str, JsonValue]], Awaitable[tuple[GatedCall, Callable[[], str]]]]
"""The call of a request with these arguments, as it would be made now, and its title. Raises ToolRefused."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Arguments that somebody wants to be others, and how the call is prepared with them."""

    act: ClassVar[Act] = "edit"
    values: Mapping[str, JsonValue]
    prepare: Prepare


async def judged(
    record: RequestRecord, answer: Answer, edit: Edit, people: People, run: Callable[[], Awaitable[Run]]
) -> tuple[Judgement, Request | None]:
    """Judge an edit of `record` as it is written; with the request after it, None where it changes nothing.

    `run` reads the run of the request, which knows who chose which value before.
    """
    known = as_known_now(record, people)
    if (refused := objection(known, answer, people.all())) is not None:
        return refused, None
    is_own = edits_as_asker(known, answer)
    request = known.request
    old = request.call
    if old is None or request.format != "approval":
        return EditRefused(kind="names", why=say("answer.edit-nothing")), None
    asked_it = known.may_withdraw(answer.person)
    allowed = changeable(request, asked=asked_it)
    if wrong := sorted({*edit.values} - {*allowed}):
        return EditRefused(kind="names", why=_names(allowed, wrong)), None
    if request.revision >= MOST_REVISIONS:
        return EditRefused(kind="too_many", why=say("answer.edit-too-many", count=MOST_REVISIONS)), None
    try:
        new, title = await edit.prepare(request, with_values(old, edit.values))
    except ToolRefused as error:
        return EditRefused(kind="tool", why=str(error)), None
    names = changed_names(old, new)
    if not asked_it and (wrong := sorted({*names} - {*allowed})):
        return EditRefused(kind="names", why=_names(allowed, wrong)), None
    if not names:
        return EditRefused(kind="same", why=say("answer.edit-same")), None
    try:
        story = await run()
        # Of their own edit the policy says whether they approve it, whatever else they wished for.
        editor = None if is_own else answer.person
        asked = with_objectors(known, with_other_ids(story, people), new, but=editor)
        after = edited_request(asked, old, new, editor, editors_of(story, new))
    except ValueError:
        return EditRefused(kind="tool", why=say("answer.edit-no-value", names=", ".join(names))), None
    then, stands = (_revised(record, one, people) for one in (after, request))
    left = _left(then, people)
    # Where whoever asked takes nobody's approval away, who has left is another matter, of `departures`.
    takes_away = not is_own or {*_left(stands, people)} - {*left}
    if takes_away and not can_be_met(then.asked, left, then.doubles):
        return EditRefused(kind="too_few", why=_too_few(then, left, people)), None
    with people.speaking_to(""):
        by_them = (edited(answer.person, old, new, people), *changed_effect(old, new))
        changes = changes_between(old, new) if is_own else by_them
        by = (Author(person=answer.person, part="objected", no_to=new.sha256),)
        told = tuple(AuthoredLine(text=change, by=by) for change in changes)
        after = after.model_copy(update={"title": title(), "changes": told})
    may_approve = not is_own and answer.person not in who_of(then).editors_out
    found = Edited(names=names, revision=after.revision, digest=after.digest, may_approve=may_approve, is_own=is_own)
    return found, after


def _names(allowed: Sequence[str], wrong: list[str]) -> str:
    if not allowed:
        return say("answer.edit-nothing")
    return say("answer.edit-names", names=", ".join(wrong), allowed=", ".join(allowed))


def _revised(record: RequestRecord, request: Request, people: People) -> RequestRecord:
    """Return `record` as it would count once everybody is asked `request`: who may be whom follows from what it is."""
    return as_known_now(as_revised(record, request), people)


def _left(record: RequestRecord, people: People) -> tuple[PersonId, ...]:
    """Return all who may come to approve it, in whichever step, and have not left since they were asked."""
    here = people.all()
    return tuple(one for one in who_of(record).approve_ever if one in here)


def _too_few(record: RequestRecord, left: Sequence[PersonId], people: People) -> str:
    names = people.names_of(left) if left else say("words.nobody")
    return say("answer.edit-too-few", policy=record.request.policy.name, left=names, quorum=record.asked.quorum)
