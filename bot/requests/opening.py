"""Opening requests: from what a run wants to know, to everything that must be written. No reads, no writes."""

import re
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

from agents.events import ContinuationAsked, RequestFrozen, RequestOpened, RequestReassigned, Why
from agents.forms import FormField
from agents.relay import RELAY, Approval, Question, asked_in, wanted_of
from agents.requests import (
    ONLY_READ,
    DeliveryId,
    Fact,
    Format,
    Freeze,
    FromDesk,
    FromPerson,
    GatedCall,
    Holder,
    Part,
    PersonId,
    PolicySnapshot,
    PolicyStep,
    Purpose,
    Remark,
    Request,
    RequestId,
    people_of,
)
from agents.requests.record import Comment, RequestRecord, after, approval_before, remarks_of
from agents.review import reviewed_of
from agents.run import GO_ON, IT_DID_NOT, IT_HAPPENED, STOP, USE_RULES, PendingStep, Run
from agents.standing import STANDING
from agents.state import editors_of
from agents.steps import CallTool, RequestHumanInput
from agents.text import first_line, labelled, one_line
from bot.people.directory import People
from bot.policy.approvers.quorum import can_be_met, can_fill
from bot.policy.approvers.who import Who, who_at_first, who_of
from bot.policy.attachments import list_contents
from bot.policy.digest import call_digest, question_digest
from bot.policy.due import next_due, waited_for
from bot.render.cards import PARTS, asks_title, request_card
from bot.render.edits import why_editor
from bot.render.request_card import with_notes
from bot.store import Commit, Wake, WorkItem
from bot.store.ids import new_id, shard_of
from bot.store.journal import outbox_entry, record_write
from bot.store.outbox_entry import Delivery, PlaceCard, place_of, placing_id
from channels import Card
from language import Language, say, say_many, speaking
from language.dates import in_words

_QUOTED_CHARS = 4_000
_TITLE_CHARS, _WORDS_CHARS = 150, 1_000
_TOPIC_CHARS = 150
_GO_ON: dict[Why, str] = {
    "steps": "run.title-steps",
    "tokens": "run.title-tokens",
    "cost": "run.title-cost",
    "day": "run.title-day",
    "failures": "run.title-failures",
    "too_long": "run.title-too-long",
    "repeated": "run.title-repeated",
}


@dataclass(frozen=True, slots=True)
class NotEnoughApprovers:
    """The request is not opened: by `policy` too few people may decide it, as some took `parts` in what is asked.

    `who` are the people of it. `nobody` are names in the policy that mean nobody now, and those of `no_way` have no way
    by which an approval counts. `edits` names who changed which argument of the call.
    """

    who: Who
    parts: Mapping[PersonId, Part]
    nobody: tuple[str, ...] = ()
    no_way: tuple[PersonId, ...] = ()
    edits: Mapping[str, tuple[PersonId, ...]] = field(default_factory=dict[str, tuple[PersonId, ...]])

    @property
    def why(self) -> str:
        """The reason, in the language that is spoken."""
        people, policy = self.who, self.who.policy
        left, may = people.approve, {*people.named}
        out = [
            f"{person} {say(PARTS[part])}"
            for person, part in self.parts.items()
            if person in may and person not in left
        ]
        editors = (one for one in people.editors_out if one in may and one not in self.parts)
        out += [f"{person} {why_editor(self.edits, person)}" for person in editors]
        why = f" {say('run.not-counted', who='; '.join(out))}" if out else ""
        why += f" {say('run.nobody-in', names=', '.join(self.nobody))}" if self.nobody else ""
        counted = {*people.approve_ever}
        if lost := [one for one in self.no_way if one in counted]:
            why += f" {say('run.no-way', names=', '.join(lost), ways=', '.join(policy.answer_from))}"
        double = [one for one in sorted(counted) if not people.doubles_of(one).isdisjoint(counted)]
        why += f" {say('run.maybe-one', names=', '.join(double))}" if double else ""
        if missing := self._in_a_step():
            step, count = missing
            if count >= step.quorum:
                return say("run.seats-of-step-not-filled", policy=policy.name, step=step.name, why=why)
            told = {"policy": policy.name, "step": step.name, "count": count, "needed": step.quorum, "why": why}
            return say("run.too-few-in-step", **told)
        left = [one for one in left if one not in self.no_way]
        if len(left) >= policy.quorum:
            return say("run.seats-not-filled", policy=policy.name, why=why)
        return say("run.too-few-approvers", policy=policy.name, count=len(left), needed=policy.quorum, why=why)

    def _in_a_step(self) -> tuple[PolicyStep, int] | None:
        """Return the first step that can't be met by itself, and how many people may decide in it."""
        for step in self.who.policy.steps:
            out = {*self.who.out, *self.no_way}
            left = [one for one in dict.fromkeys(people_of(step.rule)) if one not in out]
            if not can_fill([step], left, self.who.doubles):
                return step, len(left)
        return None


def gate_request(
    run: Run,
    pending: PendingStep,
    title: str,
    call: GatedCall,
    policy: PolicySnapshot,
    now: datetime,
    doubles: Iterable[tuple[PersonId, PersonId]] = (),
    name_of: Callable[[PersonId], str] = str,
    no_way: tuple[PersonId, ...] = (),
) -> Request | NotEnoughApprovers:
    """The approval that `call` needs; `doubles` are pairs of whom nobody can say that they are two humans, and those of
    `no_way` have no way by which an approval of theirs counts.
    """
    program = program_of(run)
    title = asks_title(program, title, name_of) if program else title
    if run.started and run.started.agent == STANDING:  # what lasts is no emergency, and nobody grants it to themselves
        policy = policy.model_copy(update={"break_glass": (), "requester_may_approve": False})
    asked = asked_in(run.started) if run.started and program else None
    facts = asked.facts.items() if isinstance(asked, Approval) else ()
    told = "\n".join(labelled(label, text) for label, text in facts)
    return _request(
        run,
        pending,
        policy,
        now,
        purpose="gate",
        title=title,
        form="approval",
        quoted=told,
        call=call,
        doubles=doubles,
        no_way=no_way,
    )


def question_request(
    run: Run,
    pending: PendingStep,
    policy: PolicySnapshot,
    now: datetime,
    name_of: Callable[[PersonId], str] = str,
) -> Request | NotEnoughApprovers:
    """The question that the model, or a program, chose to ask."""
    step = pending.step
    if not isinstance(step, RequestHumanInput):
        raise TypeError(f"a question needs RequestHumanInput, not {type(step).__name__}")
    program = program_of(run)
    title = _title_of(step.question)
    if program:
        title = asks_title(program, title, name_of)
    elif run.started and _is_of_model(run, pending):
        title = one_line(say("card.model-title", agent=run.started.agent, title=title), _TITLE_CHARS)
    return _request(
        run,
        pending,
        policy,
        now,
        purpose="review" if reviewed_of(run) else "question",
        title=title,
        form=step.format,
        quoted=_bounded(step.question),
        options=step.options,
        fields=step.fields,
    )


def _is_of_model(run: Run, pending: PendingStep) -> bool:
    """Return whether a model worded the question: its own, or that of a survey."""
    wanted = wanted_of(run)
    return pending.by_model or (isinstance(wanted, Question) and wanted.of_model)


def _title_of(question: str) -> str:
    """Return the first sentence that asks in the first line of `question`; all of that line where none does."""
    line = first_line(question, _QUOTED_CHARS)
    asks = re.match(r"[^?\uff1f]*+[?\uff1f]++(?=\s|\Z)", line)
    return one_line(asks[0] if asks else line, _TITLE_CHARS) or say("card.a-question")


def raised_request(
    run: Run, pending: PendingStep, raised: ContinuationAsked, policy: PolicySnapshot, now: datetime
) -> Request | NotEnoughApprovers:
    """The question of code whether a run goes on. In its story are words of others, so all of it is quoted."""
    agent = run.started.agent if run.started else "?"
    story = f"\n\n{say('card.led-to-it')}\n{raised.story}" if raised.story else ""
    return _request(
        run,
        pending,
        policy,
        now,
        purpose="go_on",
        title=say(_GO_ON[raised.why], agent=agent),
        form="choice",
        quoted=_bounded(f"{raised.question}{story}"),
        option_keys=(GO_ON, *((USE_RULES,) if raised.rules else ()), STOP),
    )


def _bounded(text: str) -> str:
    """Words of others, and how much of them there was no room for."""
    left = len(text) - _QUOTED_CHARS
    return f"{text[:_QUOTED_CHARS]}\n{say_many('card.more-characters', left)}" if left > 0 else text


def unknown_request(
    run: Run, pending: PendingStep, title: str, policy: PolicySnapshot, now: datetime
) -> Request | NotEnoughApprovers:
    """Return the request that asks people whether an interrupted effect happened; only they can find out."""
    return _request(
        run,
        pending,
        policy,
        now,
        purpose="unknown",
        title=say("card.unknown-title", title=title),
        form="choice",
        option_keys=(IT_HAPPENED, IT_DID_NOT, STOP),
        call=_interrupted(pending),
    )


def _interrupted(pending: PendingStep) -> GatedCall | None:
    """Return the call that may or may not have happened, exactly, and since when."""
    if pending.unknown is None or not isinstance(pending.step, CallTool):
        return None
    effect = pending.unknown.effect
    since = Fact(label="Started", text=in_words(pending.unknown.started_at))
    return GatedCall(
        tool=pending.step.tool,
        schema_version=pending.request.call.schema_version if pending.request and pending.request.call else 1,
        arguments=pending.step.arguments,
        effect=effect.model_copy(update={"facts": (*effect.facts, since)}),
    )


def _request(
    run: Run,
    pending: PendingStep,
    policy: PolicySnapshot,
    now: datetime,
    *,
    purpose: Purpose,
    title: str,
    form: Format | Literal["approval"],
    quoted: str = "",
    options: tuple[str, ...] = (),
    option_keys: tuple[str, ...] = (),
    fields: tuple[FormField, ...] = (),
    call: GatedCall | None = None,
    doubles: Iterable[tuple[PersonId, PersonId]] = (),
    no_way: tuple[PersonId, ...] = (),
) -> Request | NotEnoughApprovers:
    """The request, bound to what is asked: a call for an approval, the words for a question."""
    # What happened is not decided but found out: those who could decide then are asked, whatever they wrote since.
    asked_before = pending.request if purpose == "unknown" else None
    parts = asked_before.parts if asked_before else parts_in(run, who_at_first(policy, ()).named, call)
    requesters = asked_before.requesters if asked_before else tuple(parts)
    # The call of a request that is opened anew, or of a copied run, may hold what one of those who decide changed.
    edits = editors_of(run, call) if purpose == "gate" and call else {}
    who = who_at_first(policy, requesters, (one for those in edits.values() for one in those), doubles)
    if not can_be_met(who.asked, [one for one in who.approve_ever if one not in no_way], who.doubles):
        return NotEnoughApprovers(who, parts, no_way=no_way, edits=edits)
    request_id, nonce = RequestId(new_id("request", shard_of(run.id))), secrets.token_hex(16)
    options = options or tuple(map(say, option_keys))
    if purpose == "gate" and call:
        digest = call_digest(run.id, request_id, nonce, call, requesters)
    else:
        asked = quoted or title
        digest = question_digest(run.id, request_id, nonce, asked, form, options, fields, requesters)
    return Request(
        id=request_id,
        run_id=run.id,
        step_id=pending.id,
        purpose=purpose,
        nonce=nonce,
        title=title,
        quoted=quoted,
        format=form,
        options=options,
        option_keys=option_keys,
        fields=fields,
        call=call,
        requesters=requesters,
        policy=policy,
        digest=digest,
        opened_at=now,
        expires_at=now + timedelta(seconds=policy.expires_after_s),
        thread=thread_of(run),
        topic=topic_of(run),
        is_rehearsal=run.is_rehearsal,
        stand_in=run.stand_in,
        program=program_of(run),
        asked_with=run.started.asked_with if run.started else "",
        origin=run.started.origin if run.started else FromPerson(),
        service=run.started.service if run.started else "",
        key_holders=run.started.holders if run.started else (),
        parts=parts,
        words=words_of(run),
        words_are_own=are_own(run),
        edits=edits,
        remarks=_remarks_about(run, pending) if purpose == "gate" else (),
        behind=behind_in(run, requesters, call) if purpose == "gate" else _reviewed_parts(run),
    )


def _remarks_about(run: Run, pending: PendingStep) -> tuple[Remark, ...]:
    """Return what requesters wrote beside the request of this step before, and while there was none or it was closed:
    whoever is asked anew reads it as well. So do those who are asked in a fork, which takes the step over unread.
    """
    before = approval_before(run.requests, pending.id)
    return remarks_of(*(before.request.remarks if before else ()), *run.beside)


def words_of(run: Run) -> str:
    """Return what `run` began with, bounded; empty where a program asks, whose words stand elsewhere, and for a mail to
    the desk, for a review and for a standing approval, whose runs begin with words of code.
    """
    if run.started is None or program_of(run) or reviewed_of(run) or isinstance(run.started.origin, FromDesk):
        return ""
    if run.started.agent == STANDING:
        return ""
    text = run.started.text.strip()
    return text if len(text) <= _WORDS_CHARS else f"{text[: _WORDS_CHARS - 1]}…"


def are_own(run: Run) -> bool:
    """Return whether the text of `run` is certainly its requester's, or its trigger's: a card names whose it is."""
    started = run.started
    if started is None or run.forked or started.service or started.submitter or started.channel == "api":
        return False  # whoever has somebody's key may be a program
    if started.quotes:
        return False
    return not _is_anothers_text(run) if started.parent is None else started.parent.is_verbatim


def _is_anothers_text(run: Run) -> bool:
    """Return whether a person began `run` with what another person wrote, who is a requester beside them."""
    started = run.started
    if started is None or started.parent or run.forked:
        return False
    return bool(started.inherits) and isinstance(started.origin, FromPerson)


def _is_from_desk(run: Run) -> bool:
    """Return whether what somebody wrote to the desk began `run`."""
    started = run.started
    return started is not None and not (started.parent or run.forked) and isinstance(started.origin, FromDesk)


def opening(
    request: Request,
    people: People,
    expect: int | None,
    freeze: Freeze | None = None,
    absent: Sequence[RequestReassigned] = (),
    said: tuple[Comment, ...] = (),
) -> Commit:
    """Everything that opening `request` writes: the event, its record, a card for each who may answer, the expiry.

    The cards say what `freeze` there is and what was `said` beside the request before, and go to those who stand in
    where people are `absent`.
    """
    frozen = [RequestFrozen(at=request.opened_at, request_id=request.id, freeze=freeze)] if freeze else []
    first = after(RequestRecord(request=request, comments=said), [*absent, *frozen])
    holders, outgoing, deliveries = placing(first, people, request.opened_at)
    record = first.model_copy(update={"holders": holders})
    due = next_due(record, people.zones())
    return Commit(
        run_id=request.run_id,
        events=[RequestOpened(at=request.opened_at, request=request, holders=holders), *absent, *frozen],
        expect=expect,
        records=[record_write(record, 0)],
        outgoing=outgoing,
        deliveries=deliveries,
        files=list_contents(request),
        wake=[Wake(WorkItem("ask", request.id), due.moment if due else request.expires_at)],
    )


def placing(
    record: RequestRecord, people: People, now: datetime
) -> tuple[tuple[Holder, ...], list[tuple[str, bytes]], list[tuple[str, bytes]]]:
    """A card in this revision for each who is waited for and each place: (holders, outbox entries, deliveries).

    Whoever is kept for a later step gets one once they are no more.
    """
    # Whoever has edited it no longer approves it, and sees what became of it: they may still deny it.
    request, who = record.request, who_of(record)
    editors = [one for one in who.editors_out if one in who.named_ever]
    asked = dict.fromkeys((*waited_for(record, people.all()), *editors))
    # Who has left gets no card; who may only be missing in a file gets one once they are back.
    people_asked = [(person, "") for person in asked if people.is_here(person) or people.is_missing(person)]
    places = [(PersonId(""), place) for place in dict.fromkeys(request.policy.also_post)]
    card = cards_of(record, people, now)
    made = [placement(request, card(person), person, place) for person, place in (*people_asked, *places)]
    holders = tuple(one.holder for one in made)
    return holders, [one.outgoing for one in made], [one.delivery for one in made]


def cards_of(record: RequestRecord, people: People, now: datetime) -> Callable[[PersonId], Card]:
    """The card of a request for each person. All who read one language have one: it names everybody who may answer, so
    to draw it anew for each of them would take as long as their number squared.
    """

    @cache
    def drawn(language: Language) -> Card:
        with speaking(language):
            return with_notes(request_card(record, people, now), record, people)

    return lambda person: drawn(people.language_of(person))


def card_for(record: RequestRecord, people: People, person: PersonId, now: datetime) -> Card:
    """The card of a request in the language of `person`; in that of the installation for a place, which is nobody's."""
    return cards_of(record, people, now)(person)


@dataclass(frozen=True, slots=True)
class Placement:
    """A card on its way to one person or place: its holder, its outbox entry, and what its token stands for."""

    holder: Holder
    outgoing: tuple[str, bytes]
    delivery: tuple[str, bytes]


def placement(
    request: Request, card: Card, person: PersonId, place: str = "", first: str = "", *, alone: bool = False
) -> Placement:
    """`card` for one person or place, by the ways of the policy; by the channel `first` for whoever had it there.

    `alone`: not where others see it.
    """
    delivery_id = DeliveryId(new_id("delivery", shard_of(request.id)))
    placed = Delivery(
        id=delivery_id,
        run_id=request.run_id,
        request_id=request.id,
        revision=request.revision,
        digest=request.digest,
        person=person,
        place=place,
        asks=not (place or first),
    )
    ways = tuple(dict.fromkeys(filter(None, (first, *request.policy.reach))))
    entry = PlaceCard(
        id=placing_id(delivery_id),
        run_id=request.run_id,
        person=person,
        reach=(place_of(place)[0],) if place else ways,
        card=card,
        thread=request.thread,
        request_id=request.id,
        delivery_id=delivery_id,
        revision=request.revision,
        place=place,
        alone=alone,
        together=placed.asks and person in request.together,
    )
    holder = Holder(delivery_id=delivery_id, person=person, place=place)
    return Placement(holder, outbox_entry(entry), (delivery_id, placed.model_dump_json().encode()))


def thread_of(run: Run) -> str:
    """The one name for everything about a run: where it came from, else the run itself."""
    return (run.started.thread if run.started else "") or run.id


def topic_of(run: Run) -> str:
    """Return the subject of the message that began the run; empty for channels without subjects, and for words of a
    model, which would stand there as its own.
    """
    started = run.started
    is_own = started is not None and started.channel == "email" and bool(started.thread) and not started.is_of_model
    return first_line(started.text, _TOPIC_CHARS) if started and is_own else ""


def requesters_of(run: Run) -> tuple[PersonId, ...]:
    """Return everybody who asked for what the run does.

    That is: the person for whom it was asked, the person whose API key asked or, for a service's key, its holders, the
    requesters of the run it comes from, and everybody who wrote to it.
    """
    return tuple(_parts(run))


def behind_in(run: Run, requesters: Collection[PersonId], call: GatedCall | None) -> tuple[PersonId, ...]:
    """Return who may have wished for `call` and could not decide it."""
    said = _said(run, call) if call else {}
    return tuple(one for one, part in said.items() if part != "maybe" and one not in requesters)


def with_objectors(record: RequestRecord, run: Run, call: GatedCall, but: PersonId | None) -> Request:
    """Return the request, whose requesters are those too whose wish the changed `call` may be, as they denied another.

    `but`: whoever changed it themselves is none of them by that, nor keeps anybody from the seat that they hand on.
    """
    request = record.request
    found = (one for one, part in parts_in(run, who_of(record).named, call).items() if part == "objected")
    new = tuple(one for one in found if one not in request.requesters and one != but)
    parts: dict[PersonId, Part] = {**request.parts, **dict.fromkeys(new, "objected")}
    requesters = (*request.requesters, *new)
    behind = tuple(one for one in behind_in(run, requesters, call) if one != but)
    return request.model_copy(update={"requesters": requesters, "parts": parts, "behind": behind})


def _reviewed_parts(run: Run) -> tuple[PersonId, ...]:
    """Return who took part in what `run` reviews."""
    reviewed = reviewed_of(run)
    return reviewed.took_part if reviewed else ()


def who_asked(run: Run) -> tuple[PersonId, ...]:
    """Return those of the requesters who asked or steered."""
    return tuple(one for one, part in _parts(run).items() if part not in ONLY_READ)


def everybody_behind(run: Run) -> tuple[PersonId, ...]:
    """Return who asked and who was read: they stand behind a run that this one starts, whatever that will ask for."""
    return tuple(dict.fromkeys((*requesters_of(run), *(one.person for one in run.read_by))))


def parts_in(run: Run, named: Iterable[PersonId], call: GatedCall | None) -> dict[PersonId, Part]:
    """The requesters of what is asked, and what each did to be one.

    Those who are `named` to decide it are requesters also where their words were read as it was chosen, but for a
    reason against this very call.
    """
    may = {*named}
    parts: dict[PersonId, Part] = {one: part for one, part in _parts(run).items() if part != "maybe" or one in may}
    if call is None:
        return parts
    for one, part in _said(run, call).items():
        if one in may:
            parts.setdefault(one, part)
    return parts


def _said(run: Run, call: GatedCall) -> dict[PersonId, Part]:
    """Return who may have wished for `call`, as their words were read: all but a no to this very call."""
    parts, exactly = dict[PersonId, Part](), call.sha256
    for one in sorted(run.read_by, key=lambda each: each.part == "answered"):
        if not one.no_to or one.no_to != exactly:
            parts.setdefault(one.person, "maybe" if one.person in run.others else one.part)
    return parts


def _parts(run: Run) -> dict[PersonId, Part]:
    begun, parts = run.started, dict[PersonId, Part]()
    if begun is None:
        return parts
    parts[begun.requester] = "asked"
    for person in (*filter(None, [begun.submitter]), *begun.holders):
        parts.setdefault(person, "key")
    for person in (one for one in begun.inherits if one not in begun.only_read):
        parts.setdefault(person, "wrote" if _is_anothers_text(run) or _is_from_desk(run) else "inherited")
    for person in (*run.writers, *(one.person for one in run.read_by if one.asks)):
        parts.setdefault(person, "maybe" if person in run.others else "wrote")
    for person in begun.only_read:
        parts.setdefault(person, "behind")
    return parts


def program_of(run: Run) -> str:
    """Return the owner of a program's API key (`service:ci`, `person:bo`); empty if an agent asks."""
    if run.started is None or run.started.agent != RELAY:
        return ""
    started = run.started
    return f"service:{started.service}" if started.service else f"person:{started.submitter or started.requester}"
