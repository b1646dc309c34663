"""Cards and sentences, worded by code from data. What a model or a person wrote only ever stands in `quoted`."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import JsonValue

from agents.requests import (
    FromDesk,
    FromPerson,
    FromTrigger,
    GatedCall,
    Origin,
    Outsider,
    Part,
    PersonId,
    Request,
    Vote,
)
from agents.requests.record import RequestRecord
from agents.run import Run
from agents.state import failed_command
from agents.text import ends_of, quote, strip_invisible
from bot.people.directory import People
from bot.people.recognition import void_votes, whose_votes_count
from bot.policy.approvers.who import who_of
from bot.policy.judgements import Judgement, Unclear
from bot.policy.sessions import same_in, signs_in
from bot.policy.whole import ARGUMENTS, is_text, sent_by_program
from bot.render.became import block, word
from bot.render.due import asked_line, frozen_lines, timing_lines, unanswered, what_a_yes_does, what_an_answer_does
from bot.render.edits import editable, told_apart, version_name, why_editor
from bot.render.forms import inputs
from bot.render.hashes import short_hashes
from bot.render.outcome import WORDS_CHARS, about, by_people, said_late, stopped, word_of
from bot.render.output import output_line
from bot.render.said import Said, remarked, said_line
from bot.render.times import length
from bot.render.words import (
    asked_by,
    asking_now,
    by_way,
    channel_name,
    feedback_text,
    frozen_by,
    not_counted,
    present,
    who_decides,
    why_rules,
)
from channels import AnswerForm, Card, Line
from channels.showing import spelled
from language import say, say_many
from language.dates import in_words
from language.labels import label_of
from language.lists import either
from language.recorded import answer_of, artifact_of, fact_text, risk_text, text_of, trouble_of

if TYPE_CHECKING:
    from bot.store.outbox_entry import Delivery

Words = Callable[[], tuple[str, str]]
"""Says the title and the text of a notice, in the language that is spoken: each reader has their own."""

NO_LISTS: Mapping[str, str] = MappingProxyType({})
_TITLE_CHARS = 80
# As much of what a program sends as leaves the buttons on the first screen of a phone; of each the head and the tail.
_NAME_CHARS, _VALUE_CHARS = 60, (240, 60)
# Of the spaces in a name, those that its one line would not show.
_LEFT_OUT = re.compile(r"^\s+|\s+$|(?<=\s)\s+|[^\S ]")


def request_card(
    record: RequestRecord,
    people: People,
    at: datetime,
    me: PersonId | None = None,
    lists: Mapping[str, str] = NO_LISTS,
) -> Card:
    """Return the card for people who may answer `record`, or for `me` alone; the form's token is filled in later.

    What the form offers to its reader is found when it is sent (`offered_form`). With `lists` it has all of those.
    """
    request = record.request
    summary, facts = _says(record, people, me), list[Line]()
    if request.askers and not _says_all_who_ask(request):
        asks = asked_by(request.purpose, request.askers, people)
        facts.append(Line(label=say("card.asked-by"), text=asks))
    facts += [Line(label=say("card.changed"), text=change, kind="changed") for change in request.changed]
    facts += remarks(request, people)
    facts += map(with_short_hashes, facts_about(request, lists))
    facts += again_lines(request)
    form = AnswerForm(
        token="",
        format=request.format,
        options=request.options,
        fields=inputs(request.fields),
        until=request.expires_at,
    )
    return Card(
        title=request.title,
        at=at,
        asked=asked_line(record, people, me),
        risks=risks_of(record, people),
        summary=summary,
        said=request.words,
        said_as=said_as(request, people) if request.words else "",
        quoted=below_title(request.title, request.quoted),
        quoted_as=quoted_as(request, people),
        sent=tuple(arguments_of(request)),
        facts=tuple(facts),
        decides=tuple(deciders(record, people, me)),
        on_yes=on_yes(record, people, me),
        details=tuple(details(request)),
        exact=exact(request),
        form=form,
        ref=request.id,
    )


def risks_of(record: RequestRecord, people: People) -> tuple[str, ...]:
    """Return what an approver of `record` must see first while it is open: what freezes it, what it means by now, and
    what code found risky about it.
    """
    request, call = record.request, record.request.call
    if request.format != "approval" or call is None or record.state != "open":
        return ()
    found = [frozen_by(record.frozen, people)] if record.frozen else []
    now = call.effect.versions
    moved = ((name, was) for name, was in sorted(request.moved.items()) if name in now)
    found += [say("card.risk-moved", name=name, **told_apart(was, now[name])) for name, was in moved]
    found += [risk_text(risk.words) for risk in call.effect.risks]
    found += [text_of(fact.unread) for fact in call.effect.facts if fact.unread]
    found += [f"{sign.kind}: {quote(sign.words, _NAME_CHARS)}" for sign in signs_in(sent_by_program(request))]
    return tuple(dict.fromkeys(found))


def again_lines(request: Request) -> list[Line]:
    """Return what an approval can allow beside the call; nothing where it can't."""
    again, same = request.again, same_in(request.call)
    if again is None or same is None:
        return []
    told = {"uses": again.uses, "time": length(timedelta(seconds=again.within_s)), "names": ", ".join(same.open)}
    return [
        Line(label=say("again.session"), text=say("again.session-any" if same.open else "again.session-same", **told))
    ]


def arguments_of(request: Request) -> list[Line]:
    """Return the arguments that a program sent: its title may say something else. The whole of each is in the details.

    They are shown as JSON, in which `1` is not `"1"`, and a long text, or one of several lines, as it is; what code
    renders of the other calls says what they do.
    """
    sent = sent_by_program(request)
    given = sorted(sent.items())
    lines = [_argument(name, value) for name, value in given[:ARGUMENTS]]
    if left := len(given[ARGUMENTS:]):
        lines += [Line(label=say("card.arguments"), text=say_many("card.arguments-more", left))]
    return lines


def _argument(name: str, value: JsonValue) -> Line:
    label = say("card.argument", name=quote(_spelled_out(name), _NAME_CHARS))
    if is_text(value):
        return Line(label=label, text=str(value).strip("\n"), verbatim=True)
    told = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return Line(label=label, text=ends_of(told, *_VALUE_CHARS, say("card.in-details")))


def _spelled_out(name: str) -> str:
    """`name` as JSON has it, with each character that a line hides or leaves out: no other name looks like it."""
    text = json.dumps(name, ensure_ascii=False)[1:-1]
    text = _LEFT_OUT.sub(lambda found: "".join(map(spelled, found[0])), text)
    return "".join(char if strip_invisible(char) else spelled(char) for char in text)


def have_all_left(request: Request, people: People) -> bool:
    """Return whether everybody who asked has left."""
    return bool(request.askers) and not asking_now(request.askers, people)


def below_title(title: str, quoted: str) -> str:
    """Return the words of others to show below the title, without those that the title holds already.

    It holds all of them, or their beginning; before that, words of ours may say who asks.
    """
    if title.endswith(quoted):
        return ""
    begun = (title, title.partition(": ")[2])
    held = next((one for one in begun if one and re.match(rf"{re.escape(one)}\s", quoted)), "")
    return quoted.removeprefix(held).lstrip()


_QUOTED_AS = {"question": "card.agent-says", "go_on": "card.story", "review": "card.review-story"}


def quoted_as(request: Request, people: People) -> str:
    """Return the line above the words of others; empty where nothing more is known than that nobody verified them."""
    if request.program and request.purpose in {"gate", "question"}:
        return say("card.program-says", program=program_name(request.program, people))
    return say(_QUOTED_AS[request.purpose]) if request.purpose in _QUOTED_AS else ""


def said_as(request: Request, people: People) -> str:
    """Return the line above the words that the run began with: whose they are, where that is certain."""
    if not request.words_are_own:
        return say("card.unsure-wrote")
    match request.origin:
        case FromTrigger(name=name):
            return say("card.trigger-wrote", name=repr(name))
        case FromDesk(address=address):
            return say("card.somebody-wrote", name=address)
        case FromPerson():
            wrote = people.names_of(request.requesters[:1])
            return say("card.somebody-wrote", name=wrote) if wrote else say("card.unsure-wrote")


def deciders(record: RequestRecord, people: People, me: PersonId | None = None) -> list[Line]:
    """Return the lines on who decides, said to `me` if they alone read it, who does not though the policy names them,
    and what happens if nobody answers.
    """
    request = record.request
    last = unanswered(request.purpose, request.program)
    if request.format != "approval":
        return [*_who_answers(record, people, me), *timing_lines(record, people), last]
    needs = who_decides(who_of(record), people, me)
    first = Line(label=say("card.who-decides"), text=needs)
    return [
        *frozen_lines(record, people),
        first,
        *excluded(record, people),
        *editable(request.format, request.call),
        *timing_lines(record, people),
        *_in_need(record, people),
        last,
    ]


def on_yes(record: RequestRecord, people: People, me: PersonId | None = None) -> Line:
    """Return the line that says what happens on a yes, said to `me` if they alone read it, or on an answer."""
    is_vote = record.request.format == "approval"
    return what_a_yes_does(record, people, me) if is_vote else what_an_answer_does(record)


def _in_need(record: RequestRecord, people: People) -> list[Line]:
    """Return the line that names who may break the glass; nothing where nobody may."""
    names = people.names_of(present(who_of(record).glass, people))
    return [Line(label=say("card.in-need"), text=say("card.may-break-glass", names=names))] if names else []


def _who_answers(record: RequestRecord, people: People, me: PersonId | None) -> list[Line]:
    """Return the line on whose answer counts; nothing where that is plain: the requester's, or that of the reader."""
    who = who_of(record)
    if list(who.approve) in ([me], list(record.request.requesters[:1])):
        return []
    needs = who_decides(who, people, me)
    return [Line(label=say("card.who-answers"), text=needs)]


def details(request: Request) -> list[Line]:
    """Return what few ever read: full hashes, the digest, and how the step was chosen."""
    full = [line for line in facts_about(request) if with_short_hashes(line) != line and "\n" not in line.text]
    digest = Line(label=say("card.digest"), text=request.digest)
    return [*full, digest, Line(label=say("card.run"), text=request.run_id), *_mode(request)]


def _mode(of: Request | Run) -> list[Line]:
    """Return the line that says why fixed rules chose; none where only the model did."""
    if of.stand_in:
        return [Line(label=say("card.mode"), text=why_rules(of.stand_in))]
    return [Line(label=say("card.mode"), text=say("card.rehearsal"))] if of.is_rehearsal else []


def with_short_hashes(line: Line) -> Line:
    """`line` with each full hash as people know it."""
    return line.model_copy(update={"text": short_hashes(line.text)})


def asked_again(record: RequestRecord, judgement: Judgement, people: People, at: datetime) -> Card:
    """The whole card once more, with what became of an answer to it: whoever answers this has seen what it is about."""
    request = record.request
    card = request_card(record, people, at)
    sentence, form = became_of(judgement, record, people), card.form
    if form and isinstance(judgement, Unclear) and judgement.kept:
        form = form.model_copy(update={"fields": inputs(request.fields, judgement.kept)})
    return card.model_copy(update={"summary": f"{sentence}\n{card.summary}", "form": form})


def became_of(judgement: Judgement, record: RequestRecord, people: People) -> str:
    """Return what became of an answer, to whoever is told on a card, or of one: how to answer stands there."""
    is_comment = isinstance(judgement, Unclear) and not (judgement.why or judgement.misfits)
    return not_counted(record.request) if is_comment else feedback_text(judgement, record, people)


def exact(request: Request) -> str:
    """Return exactly what is decided about; empty for a question."""
    return exact_call(request.call)


def exact_call(call: GatedCall | None) -> str:
    """The complete arguments and the effect they render to, one part a line."""
    if call is None:
        return ""
    arguments = json.dumps(call.arguments, sort_keys=True, ensure_ascii=False)
    lines = [f"{call.tool} {arguments}"]
    effect, argv = call.effect, json.dumps(list(call.effect.argv), ensure_ascii=False)
    lines += [say("card.exact-runs", argv=argv)] if effect.argv else []
    if effect.cwd:
        key = "card.exact-in-copy" if effect.commit else "card.exact-in"
        lines += [say(key, commit=effect.commit, folder=effect.cwd)]
    for name, meant in sorted(effect.versions.items()):
        lines.append(say("card.exact-version", name=version_name(name), value=meant))
    for name, value in sorted(effect.artifacts.items()):
        told = fact_text("Variables", value) if name == "variables" else value
        lines.append(say("card.exact-artifact", name=artifact_of(name), value=told))
    return "\n".join(lines)


def closed_card(request: Request, sentence: str, at: datetime, *, closes: bool) -> Card:
    """Return the card that replaces one with nothing more to answer."""
    # Not `Approved: …`, which would come back in quotes as somebody's answer.
    title, text = (
        say("card.closed", title=request.title.removesuffix("?")),
        say("card.nothing-to-do", sentence=sentence),
    )
    return Card(title=title, at=at, summary=text, ref=request.id, closes=closes)


def outcome_card(run: Run, people: People, at: datetime) -> Card:
    """Return the card that says how a run ended, and by whose word."""
    ended, stop = run.ended, stopped(run)
    # Whoever stopped it decided nothing of what was changed before; whom it had asked did not decide its end.
    has_changed = ended is not None and ended.change in {"changed", "partly", "unknown"}
    is_cancelled = ended is not None and ended.outcome == "cancelled"
    did = by_people(run)
    by = () if (stop or is_cancelled) and not has_changed else did.deciders
    by = sorted({*by, *(stop.by if stop else ())})
    facts = [Line(label=say("card.decided-by"), text=people.names_of(by))] if by else []
    for edit in did.edits:
        changed = {"name": people.name_of(edit.editor), "argument": edit.name, "now": edit.now}
        facts.append(Line(label=say("standing.changed"), text=say("card.was-edited", **changed)))
    if did.by_glass:
        facts.append(Line(label=say("card.broke-glass"), text=people.names_of(did.by_glass)))
    facts += [said_line(Said("note", (note.person,), note.text), people) for note in did.notes]
    facts[:0] = [Line(label=label, text=text) for label, text in said_late(run)]
    has_failed = ended is not None and word_of(run) == "failed"
    failure = failed_command(run.made) if has_failed else None
    facts += map(output_line, failure.files if failure else ())
    if ended and ended.words_of == "model" and failure:
        facts.insert(0, Line(label=say("card.model-wrote"), text=quote(ended.summary, WORDS_CHARS)))
    said = block(run, people)
    return Card(
        title=f"{word(run)}: {about(run, people, _TITLE_CHARS)}",
        at=at,
        summary=said.text,
        quoted=said.quoted,
        quoted_as=said.quoted_as,
        is_output=said.is_output,
        facts=tuple(facts),
        details=tuple(_mode(run)),
        ref=run.id,
        closes=True,
    )


def notice(title: str, text: str, at: datetime, ref: str = "", link: str = "", topic: str = "") -> Card:
    """Return a card that somebody must be told and need not answer."""
    return Card(title=title, at=at, summary=text, ref=ref, link=link, topic=topic, closes=True)


def unreached(
    request: Request,
    placed: "Delivery",
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
    way = either([channel_name(one) for one in channel.split(",")])
    text = [say("card.unreached", name=name, way=way)]
    text += [say("card.unreached-next", name=name, way=channel_name(ways[0]))] if ways else []
    if others:
        text += [say_many("card.unreached-others", len(others), names=people.names_of(others))]
    elif placed.place:
        text += [say("card.unreached-place")]
    elif not ways:
        text += [say("card.unreached-nobody", name=name)]
    title = say("card.unreached-title", title=request.title)
    return notice(title, " ".join(text), at, request.id).model_copy(update={"quoted": trouble_of(why)})


def moved(request: Request, channel: str, why: str, at: datetime) -> Card:
    """The place that all see did not take a card; `why` is what the other side said."""
    title, text = say("card.moved-title", title=request.title), say("card.moved", channel=channel_name(channel))
    return notice(title, text, at, request.id).model_copy(update={"quoted": trouble_of(why)})


_WHO_ASKS = {
    "gate": "card.asks",
    "question": "card.asks-question",
    "unknown": "card.asks-unknown",
    "go_on": "card.asks-go-on",
    "review": "card.asks-review",
}

PARTS: dict[Part, str] = {
    "asked": "card.part-asked",
    "key": "card.part-key",
    "inherited": "card.part-inherited",
    "behind": "card.part-inherited",
    "wrote": "card.part-wrote",
    "objected": "card.part-objected",
    "answered": "card.part-answered",
    "maybe": "card.part-maybe",
}
"""The keys of the parts that make somebody a requester, worded to stand after their name."""

_REMARK_CHARS = 500


def _says(record: RequestRecord, people: People, me: PersonId | None) -> str:
    """Return what stands first: who asks, who changed that, whose approval counts no more, and that the last words of
    `me` decided nothing: `Anna Ames asks.` behind a question to her would look like hers.
    """
    request, counting = record.request, {*record.approved_by}.intersection(whose_votes_count(record, people))
    asks = [who_asks(request, people), _who_changed(request, people)]
    void = [vote.person for vote in void_approvals(record, people) if vote.person not in counting]
    asks += [say("card.void-above", names=people.names_of(dict.fromkeys(void)))] if void else []
    return "\n".join(filter(None, (" ".join(filter(None, asks)), _decided_nothing(record, people, me))))


def _decided_nothing(record: RequestRecord, people: People, me: PersonId | None) -> str:
    """Return what the last words of `me` beside an open approval were taken as, while they have not approved it."""
    request = record.request
    if me is None or record.state != "open" or me not in who_of(record).approve or me in record.approved_by:
        return ""
    said = [one for one in record.comments if one.person == me and one.revision in {0, request.revision}]
    match said[-1].kind if said else "answer":
        case "question" if request.askers:
            return say("card.said-question", names=people.names_of(people.by_now(request.askers)))
        case "answer":
            return ""
        case _:
            return say("card.said-comment")


def _who_changed(request: Request, people: People) -> str:
    """Return the sentences that say who changed what is asked, and from what where that is new; empty where nobody."""
    others = {*request.editors}.difference(request.askers)
    new = (one.text for one in request.changes if others.intersection(who.person for who in one.by))
    if told := next(new, ""):  # the others say what it means by now
        return told
    changed = ((name, [one for one in by if one in others]) for name, by in sorted(request.edits.items()))
    return " ".join(say("card.changed-before", name=people.names_of(by), arguments=name) for name, by in changed if by)


def who_asks(request: Request, people: People) -> str:
    """Return the sentence that says who or what asks, for whom, and which words on the card are not ours."""
    asked_by = people.names_of(people.by_now(request.askers))
    said = _program_asks(request, people) if request.program else say(_WHO_ASKS[request.purpose], who=asked_by)
    match request.origin:
        case FromTrigger(name=name):
            said += " " + say("card.asks-by-trigger", name=repr(name))
        case FromDesk(address=address):
            said += " " + say("card.asks-by-desk", address=address)
        case FromPerson():
            pass
    said = f"{said} {by_key(request.service, request.key_holders, people)}".rstrip()
    return f"{said} {say('card.all-left')}" if have_all_left(request, people) else said


def _says_all_who_ask(request: Request) -> bool:
    """Return whether that sentence names all who ask: of whom a program asks for, it names the first."""
    is_first = request.askers == request.requesters[:1]
    return not request.program or is_first


def by_key(service: str, holders: Sequence[PersonId], people: People) -> str:
    """Return the sentence that says whose API key asked, and who holds it; empty if it was no service's."""
    if not service:
        return ""
    if not holders:
        return say("card.by-key", service=service)
    return say_many("card.by-key-of", len(holders), service=service, names=people.names_of(holders))


def facts_about(request: Request, lists: Mapping[str, str] = NO_LISTS) -> list[Line]:
    """Return the facts about a request, wherever it is shown: who set it off, and what was looked up.

    `lists` are those behind the facts, by their hashes, as far as they are still kept.
    """
    facts = request.call.effect.facts if request.call else ()
    return [
        *set_off_by(request.origin),
        *(
            Line(
                label=label_of(fact.label),
                text=fact_text(fact.label, fact.text),
                lines=fact.full.lines if fact.full else 0,
                whole=lists.get(fact.full.sha256, "") if fact.full else "",
            )
            for fact in facts
        ),
    ]


def began_with(request: Request) -> list[Line]:
    """Lines on what began it, in nobody's words, for cards whose first sentence says something else."""
    match request.origin:
        case FromTrigger(name=name):
            return [Line(label=say("card.began-with"), text=say("card.began-with-trigger", name=repr(name)))]
        case FromDesk(address=address):
            return [Line(label=say("card.began-with"), text=say("card.began-with-desk", address=address))]
        case FromPerson():
            return []


def set_off_by(origin: Origin) -> list[Line]:
    """Lines on who set it off and can't be told from those who decide; nothing where nobody did, or whom we know."""
    match origin:
        case FromTrigger(outsider=Outsider(login=login, did=did)):
            label = say("card.pushed-by") if did == "pushed" else say("card.caused-by")
            return [Line(label=label, text=say("card.outsider", login=login))]
        case _:
            return []


def program_name(program: str, people: People) -> str:
    """Return the beginning of a sentence about a program, by the owner of its API key."""
    kind, _, name = program.partition(":")
    if kind == "service":
        return say("card.program", name=name)
    return say("card.program-of", name=people.name_of(PersonId(name)))


def asks_title(program: str, title: str, name_of: Callable[[PersonId], str]) -> str:
    """Return the title of what a program asks by itself: who asks, before its own words."""
    kind, _, name = program.partition(":")
    if kind == "service":
        return say("card.program-title", name=name, title=title)
    return say("card.program-title-of", name=name_of(PersonId(name)), title=title)


def _program_asks(request: Request, people: People) -> str:
    """Return the sentences that say who asks, for whom, and which words here are not ours."""
    whose = people.names_of(request.requesters[:1]) or say("words.nobody")
    keys = {"approval": "card.program-asks-approval", "form": "card.program-asks-form"}
    if request.purpose == "unknown":
        return say("card.asks-unknown-program", program=program_name(request.program, people), whose=whose)
    is_own = request.program == f"person:{next(iter(request.requesters), '')}"
    said = say("card.program-asks-for", program=program_name(request.program, people), whose=whose)
    said = say("card.program-of-own", who=whose) if is_own else said
    return f"{said} {say(keys.get(request.format, 'card.program-asks'))}"


def kept_out(record: RequestRecord) -> dict[PersonId, str]:
    """Return the people who could decide by the policy and do not, with the reason."""
    request, who = record.request, who_of(record)
    if request.format != "approval":
        return {}
    may = {*who.named}
    out = {one: say(PARTS[_part(request, one)]) for one in who.requesters_out if one in may}
    changed = {*chain.from_iterable(request.edits.values())}
    for one in who.editors_out:
        why = why_editor(request.edits, one) if one in changed else say(PARTS["maybe"])
        out |= {one: why} if one in may and one not in out else {}
    return out


def _part(request: Request, person: PersonId) -> Part:
    """Return what made somebody a requester; whoever became one while it was open wrote to the run."""
    return request.parts.get(person, "asked" if person in request.requesters else "wrote")


def void_approvals(record: RequestRecord, people: People) -> list[Vote]:
    """Return the approvals that count no more, of which nobody made the decision."""
    found = (*record.void, *(void_votes(record, people) if record.state == "open" else ()))
    return [vote for vote in found if vote.approve]


def void_lines(record: RequestRecord, people: People) -> list[Line]:
    """Return a line for each approval that counts no more: whose it is, when they gave it, and why."""
    return [
        Line(label=say("standing.void"), text=void_text(vote, people), kind="void", id=vote.reply_id)
        for vote in void_approvals(record, people)
    ]


def void_text(vote: Vote, people: People) -> str:
    """Return whose approval counts no more, when they gave it, and why it does not."""
    given = say(
        "standing.vote", name=people.name_of(vote.person), when=in_words(vote.at), how=by_way(vote.channel)
    ).rstrip()
    why = "standing.void-rule" if people.is_here(vote.person) else "standing.void-why"
    return f"{given}. {say(why)}."


def excluded(record: RequestRecord, people: People) -> list[Line]:
    """Return the line that names the requesters and editors who do not decide, and why."""
    out = kept_out(record)
    text = "; ".join(say("card.who-because", name=people.name_of(person), why=why) for person, why in out.items())
    return [Line(label=say("card.may-not-decide"), text=text)] if out else []


def remarks(request: Request, people: People) -> list[Line]:
    """Return the remarks of requesters beside the open card, except those it names as its latest change."""
    told = request.remarks[:-1] if request.is_remarked else request.remarks
    return [said_line(one, people) for one in remarked(told)]


def remark(person: PersonId, text: str, people: People) -> str:
    """Return the sentence that tells a requester's remark as a change of what people were shown."""
    return say("card.remark", name=people.name_of(person), text=quote(answer_of(text), _REMARK_CHARS))
