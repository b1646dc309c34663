"""Words for what changes who is asked: reminders, escalation, hand-ons, absences and expiry. Pure."""

from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta

from agents.deploy.results import DEPLOYS, ROLLBACKS
from agents.moves import filled
from agents.requests import PersonId, PolicySnapshot
from agents.requests.asked import Asked, Away, HandedOn
from agents.requests.record import RequestRecord
from agents.standing import ALLOW_AGAIN
from agents.text import quote
from bot.people.directory import People
from bot.people.recognition import as_known_now, whose_votes_count
from bot.policy.approvers.delegation import MOST_HANDED_ON, Involved, Objection, hand_ons_to, people_involved
from bot.policy.approvers.quorum import lacking, lacking_in_all
from bot.policy.approvers.steps import escalated, still_open
from bot.policy.approvers.who import who_of
from bot.policy.due import Due, waited_for
from bot.render.times import length
from bot.render.words import frozen_since, why_asked
from channels import Input, Line
from language import say, say_many
from language.dates import in_words
from language.lists import both, either

_REASON_CHARS = 500
# As many as a menu of Slack's takes.
_OFFERED = 100
Inputs = tuple[Input, ...]


def timing_lines(record: RequestRecord, people: People) -> list[Line]:
    """Return the lines of a card on who stands in for whom, its urgency, and when it escalates or has escalated."""
    return [*standing_in(record.asked, people), *_when(record, people)]


def standing_in(asked: Asked, people: People) -> list[Line]:
    """Return the lines on who handed it on to whom and why, and on who is away."""
    lines = [Line(label=say("delegation.handed-on"), text=handed_on_words(one, people)) for one in asked.handed_on]
    return [*lines, *(Line(label=say("delegation.away"), text=away_words(one, people)) for one in asked.away)]


def handed_on_words(one: HandedOn, people: People) -> str:
    """`Bo Berg handed it on to Cy Cole: “on holiday”`, or that she stands in for him while he is away."""
    name, to = people.name_of(one.person), people.name_of(one.to)
    if one.why == "absent":
        until = say("delegation.until", when=in_words(one.until)) if one.until else ""
        return say("delegation.stands-in", name=name, to=to, until=until)
    reason = say("delegation.because", reason=quote(one.reason, _REASON_CHARS)) if one.reason else ""
    return say("delegation.handed-on-to", name=name, to=to, reason=reason)


def away_words(one: Away, people: People) -> str:
    """`Bo Berg is away until 12:00 UTC on 1 Dec 2026`, with the stand-in who is asked already, or that an automatic
    reply says that he is.
    """
    name = people.name_of(one.person)
    if one.until is None:
        return say("delegation.seems-away", name=name)
    told = say("delegation.is-away", name=name, until=in_words(one.until))
    return say("delegation.asked-already", told=told, to=people.name_of(one.to)) if one.to else told


def called_in_place(persons: list[PersonId], asked: Asked, people: People) -> list[str]:
    """`Cy Cole (for Bo Berg)`: the names of people, with whose seat they hold and whether they are away."""
    until = {one.person: one.until for one in asked.away}

    def called(person: PersonId) -> str:
        first, name = hand_ons_to(asked, person)[:1], people.name_of(person)
        name = say("delegation.for", name=name, other=people.name_of(first[0].person)) if first else name
        if person not in until:
            return name
        then = until[person]
        return (
            say("delegation.name-away", name=name, until=in_words(then))
            if then
            else (say("delegation.name-seems-away", name=name))
        )

    return [called(person) for person in persons]


def progress(record: RequestRecord, people: People, *, is_dated: bool = False) -> str:
    """`1 of 2 approvals`, in steps `step 1 of 2, “finance”`: how far `record` is, which is open; empty where one is
    enough.

    `is_dated`: it says as of when, so that it stays true where nobody changes it any more.
    """
    if record.request.format != "approval":
        return ""
    count = whose_votes_count(record, people)
    votes = [vote for vote in record.votes if vote.approve and vote.person in count]
    given = [vote.person for vote in votes]
    needed, asked = len(given) + lacking_in_all(as_known_now(record, people).asked, given), record.asked
    step = asked.step and say("asked.in-step", number=asked.in_step + 1, count=len(asked.steps), name=asked.step.name)
    count = ""
    if needed > max(1, len(asked.steps)):
        key = "asked.approvals" if not is_dated else "asked.approvals-as-of" if votes else "asked.approvals-needed"
        count = say(key, count=len(given), needed=needed, when=in_words(votes[-1].at) if votes else "")
    return " · ".join(filter(None, (step, count)))


def asked_line(record: RequestRecord, people: People, me: PersonId | None = None) -> str:
    """`You, as a member of the group release · 2 approvals needed · asked 14:02 UTC on 03 March 2026`; empty once it is
    closed.

    Why `me`, who alone reads it, is asked, how many have approved, and since when.
    """
    if record.state != "open":
        return ""
    since = say("asked.since", when=in_words(record.request.opened_at))
    line = " · ".join(filter(None, (_why_you(record, people, me), progress(record, people, is_dated=True), since)))
    return f"{line[:1].upper()}{line[1:]}"


def _why_you(record: RequestRecord, people: People, me: PersonId | None) -> str:
    who = who_of(record)
    if me is not None and me in who.approve:
        why = why_asked(record, people, me, names_step=False)
        return say("asked.you-because", why=why) if why else say("asked.you")
    return say("asked.you-because", why=say("asked.glass")) if me in who.glass else ""


def what_a_yes_does(record: RequestRecord, people: People, me: PersonId | None = None) -> Line:
    """Return the line that says what happens on a yes: that of `me` where it counts, else the last one needed."""
    known = as_known_now(record, people) if me else record
    left = waited_for(known, people.all()) if me else ()
    if me is None or me not in left:
        return Line(label=say("card.if-approved"), text=_once_approved(record))
    others = [one for one in left if one != me]
    then = _after(me, others, known, people) or _once_approved(record)
    return Line(label=say("card.if-you-approve"), text=then)


def _after(me: PersonId, others: Iterable[PersonId], known: RequestRecord, people: People) -> str:
    """Return what is needed once `me` has approved, from which of `others`; empty where nothing is."""
    asked, count = known.asked, whose_votes_count(known, people)
    given = [me, *(vote.person for vote in known.votes if vote.approve and vote.person in count)]
    missing = lacking(asked, given)
    if missing:
        helpful = [people.name_of(one) for one in others if lacking(asked, [*given, one]) < missing]
        names = either(helpful) if missing == 1 else both(helpful)
        then = _next_step(known, given, people, but=asked.in_step) or _once_approved(known)
        return say_many("card.yes-needs", missing, names=names or say("words.somebody"), then=then)
    return _next_step(known, given, people)


def _next_step(known: RequestRecord, given: Sequence[PersonId], people: People, but: int | None = None) -> str:
    """Return that the next step is asked, leaving one out; empty where there is none."""
    # Not always the step behind it: one that was met before stays so, and one whose people have left is asked again.
    left = still_open(who_of(known), given, people.all())
    numbers = [number for number in left if number != but]
    return say("card.yes-then-step", name=left[min(numbers)].name) if numbers else ""


def held_back(record: RequestRecord) -> str:
    """Return the sentence on what a yes or an answer to an open `record` waits for; empty where it has its effect at
    once.
    """
    text = "; ".join(_holds(record))
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def what_an_answer_does(record: RequestRecord) -> Line:
    """Return the line that says what happens on an answer to a question."""
    purpose, is_told = record.request.purpose, record.request.program and record.request.purpose != "unknown"
    text = "; ".join(_holds(record)) or say("card.answered-program" if is_told else _ANSWERED[purpose])
    return Line(label=say("card.if-you-answer"), text=text)


_ANSWERED = {
    "question": "card.answered-question",
    "unknown": "card.answered-unknown",
    "go_on": "card.answered-go-on",
    "review": "card.answered-review",
}


def _holds(record: RequestRecord) -> list[str]:
    """Return what holds back a yes or an answer. What a program asks to know it hears in a pause as well."""
    request, is_frozen = record.request, record.frozen is not None
    held = length(timedelta(seconds=request.policy.execute_within_s))
    where = request.call.effect.environment if request.call else None
    waits = request.purpose == "gate" or (request.purpose in {"question", "go_on"} and not request.program)
    holds = [say("card.approved-paused")] if record.is_paused and waits else []
    if request.program and is_frozen:
        holds.append(say("card.approved-program-frozen", time=held))
    elif is_frozen:
        holds.append(say("card.approved-frozen-in" if where else "card.approved-frozen", where=where, time=held))
    return holds


def _once_approved(record: RequestRecord) -> str:
    request = record.request
    if holds := _holds(record):
        return "; ".join(holds)
    if request.program:
        return say("card.approved-program", time=length(timedelta(seconds=request.policy.execute_within_s)))
    tool = request.call.tool if request.call else ""
    if tool in DEPLOYS | ROLLBACKS:  # one at a time in each environment
        return say("card.approved-in-turn")
    return say("card.approved-again" if tool == ALLOW_AGAIN else "card.approved-gate")


_UNANSWERED = {
    "gate": "card.unanswered-gate",
    "question": "card.unanswered-question",
    "unknown": "card.unanswered-unknown",
    "go_on": "card.unanswered-go-on",
    "review": "card.unanswered-review",
}


def unanswered(purpose: str, program: str) -> Line:
    """Return the line that says what happens if nobody answers in time; both are fields of a request."""
    is_told = program and purpose != "unknown"
    text = say("card.unanswered-program" if is_told else _UNANSWERED[purpose])
    return Line(label=say("card.unanswered"), text=text, kind="unanswered")


def frozen_lines(record: RequestRecord, people: People) -> list[Line]:
    """Return the line that says what freezes `record` now; nothing where nothing does."""
    # Among the lines that are all ours: moments stand there on each reader's clock.
    return [Line(label=say("card.frozen"), text=frozen_since(record.frozen, people))] if record.frozen else []


def hand_on_inputs(heirs: Sequence[str], people: People) -> Inputs:
    """Return the fields that ask to which of `heirs` it is handed on; none where there is nobody."""
    found = heirs[:_OFFERED]
    if not found:
        return ()
    names = tuple(people.name_of(one) for one in found)
    to = Input(name="to", label=say("delegation.to"), kind="choice", options=names, values=tuple(found))
    return to, Input(
        name="reason", label=say("delegation.reason"), kind="words", required=False, max_length=_REASON_CHARS
    )


def involved_in(record: RequestRecord, people: People) -> Involved:
    """Return the people of `record` as the rules of delegation look at them."""
    return people_involved(as_known_now(record, people), people.all())


_REFUSALS: dict[Objection, str] = {
    "not_asked": "delegation.not-asked",
    "has_voted": "delegation.has-voted",
    "may_have_stopped": "delegation.may-have-stopped",
    "may_have_part": "delegation.may-have-part",
    "self": "delegation.self",
    "left": "delegation.left",
    "requester": "delegation.requester",
    "editor": "delegation.editor",
    "loop": "delegation.loop",
    "deciding": "delegation.deciding",
    "chain": "delegation.chain",
    "not_accepted": "delegation.not-accepted",
    "took_part": "delegation.took-part",
    "too_few": "delegation.too-few",
}


# Of these somebody else may be the right one.
_OF_WHOM: Set[Objection] = {"self", "left", "requester", "editor", "loop", "deciding", "not_accepted", "took_part"}


def not_handed_on(
    why: Objection, to: PersonId, policy: str, people: People, could_be: Collection[PersonId] = ()
) -> str:
    """Return why a request was not handed on, to whoever wanted that, and to whom it `could_be`."""
    name, most = people.name_of(to), MOST_HANDED_ON
    # A name that was typed in place of an address or an id; who has left is called so.
    is_nobody = why == "left" and name == to
    said = say("delegation.nobody", name=to, word=say("delegation.word")) if is_nobody else ""
    said = said or say(_REFUSALS[why], name=name, policy=policy, most=most)
    told = f"{say('delegation.refused')} {said}"
    is_told = could_be and why in _OF_WHOM
    return f"{told} {say('delegation.could-be', names=people.names_of(could_be))}" if is_told else told


def _when(record: RequestRecord, people: People) -> list[Line]:
    policy, asked = record.request.policy, record.asked
    lines = [Line(label=say("timing.urgency"), text=_urgency(policy))] if policy.urgency != "medium" else []
    if asked.escalated_at:
        came = any(one.why == "escalated" and one.in_step == asked.in_step for one in asked.asked_as.values())
        text = say("timing.escalated-at" if came else "timing.escalated-nobody", when=in_words(asked.escalated_at))
        return [*lines, Line(label=say("timing.escalated"), text=text)]
    if asked.escalate_after_s is None:
        return lines
    at = (asked.began_at or record.request.opened_at) + timedelta(seconds=asked.escalate_after_s)
    to = _escalates_to(record, people, at)
    if not to:
        return lines
    text = say("timing.escalates", when=in_words(at), names=people.names_of(to))
    return [*lines, Line(label=say("timing.if-undecided"), text=text)]


def _urgency(policy: PolicySnapshot) -> str:
    return say("timing.urgency-high") if policy.urgency == "high" else say("timing.urgency-low")


def _escalates_to(record: RequestRecord, people: People, at: datetime) -> tuple[PersonId, ...]:
    """Return who would decide as well if it escalated then, and does not so far."""
    there, who = people.escalates_to(record, at), who_of(record)
    may = replace(who, asked=filled(who.asked, escalated(who.asked, there), at)).approve
    return tuple(one for one in there if one in may and one not in who.approve)


def too_few_lines(record: RequestRecord, people: People) -> list[Line]:
    """Return the line that says how an approval goes on if one who decides leaves and the others are too few."""
    if record.state != "open" or record.request.format != "approval":
        return []
    left = waited_for(record, people.all())
    is_tight = bool(left) and lacking_in_all(record.asked, [*record.approved_by]) >= len(left)
    return [Line(label=say("timing.too-few"), text=say("timing.too-few-then"))] if is_tight else []


def reminded_lines(record: RequestRecord, people: People) -> list[Line]:
    """Return the line of a card that says who was reminded, and when last; nothing once it is decided."""
    if record.state != "open" or record.reminded_at is None:
        return []
    names, when = people.names_of(record.reminders), in_words(record.reminded_at)
    return [Line(label=say("timing.reminded-label"), text=say("timing.reminded-at", names=names, when=when))]


def next_in_words(due: Due, people: People) -> str:
    """Return what is due next, as a part of a sentence."""
    when = in_words(due.moment)
    match due.kind:
        case "reminder":
            return say("timing.next-reminder", names=people.names_of(due.people), when=when)
        case "escalation":
            return say("timing.next-escalation", when=when)
        case "expiry":
            return say("timing.next-expiry", when=when)
