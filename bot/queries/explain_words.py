"""An explanation as people read it: labelled lines, each moment on the clocks of whom it concerns. Pure."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from agents.requests import PersonId
from bot.people.directory import People
from bot.policy.approvers.quorum import lacking
from bot.policy.approvers.who import who_at_first
from bot.queries.explain import AskedView, AwayView, Coming, Explanation, StepAhead
from bot.render.times import length, moment
from bot.render.words import channel_name, frozen_words, who_decides
from channels import Line
from language import dates, say, say_many
from language.lists import both, either


def explained(found: Explanation, people: People) -> tuple[str, list[Line]]:
    """Return the sentence above an explanation, and its lines: who is asked, what comes when, what stops it."""
    zone, name = _zone(people, found.person), people.name_of(found.person)
    key = "explain.title-in" if found.environment else "explain.title"
    title = say(key, name=name, policy=found.policy, where=found.environment, when=moment(zone, found.at))
    if found.refused:
        refused = Line(label=say("explain.refused"), text=found.refused)
        return title, [refused, *_names(found, people), *_on_call(found, people), *_freezes(found, people, zone)]
    return title, [
        Line(label=say("explain.decides"), text=_needs(found.needs, found.lacking, in_steps=bool(found.steps))),
        *(Line(label=say("explain.asked"), text=_asked(one, people, found.at)) for one in found.asked),
        *(Line(label=say("delegation.away"), text=_away(one, people, zone)) for one in found.away),
        *(Line(label=say("explain.posted"), text=place.partition(":")[2]) for place in found.also_post),
        *_names(found, people),
        *_on_call(found, people),
        *_freezes(found, people, zone),
        *_coming(found, people, zone),
        *(Line(label=say("explain.step", name=step.name), text=_step(step)) for step in found.steps),
        *_stops(found),
        *_unasked(found, people, zone),
    ]


def _needs(who: str, count: int, *, in_steps: bool) -> str:
    """Return who decides and by how many approvals; with steps each of them needs its own number."""
    return who if in_steps else say_many("explain.needs", count, who=who)


def policies_listed(
    people: People, at: datetime, names: Collection[str] | None = None, requesters: Collection[PersonId] = ()
) -> Iterator[Line]:
    """Yield each policy by its name: who decides by it as things stand `at` a moment, and for how long it asks.

    They are all policies, or those of `names`; `requesters` don't decide unless a policy says so.
    """
    for name in people.tables.policies:
        if names is not None and name not in names:
            continue
        policy, problems = people.snapshot(name, at), people.problems(name)
        if policy is None:
            continue
        asked = who_at_first(policy, requesters)
        who = who_decides(asked, people) if asked.seated else say("words.nobody")
        needs = _needs(who, lacking(policy, ()), in_steps=bool(policy.steps))
        open_for = say("explain.open-for", time=length(timedelta(seconds=policy.expires_after_s)))
        yield Line(label=name, text=" · ".join(["; ".join(problems) or needs, open_for]))


def _zone(people: People, person: PersonId) -> ZoneInfo:
    contact = people.contact(person)
    return ZoneInfo(contact.timezone if contact else "UTC")


def _asked(one: AskedView, people: People, at: datetime) -> str:
    """`Cy Cole, as a member of the group release: by Slack, then e-mail; Sun 22 Nov, 17:10 EST there`."""
    ways = [channel_name(way) for way in one.by]
    by = say("explain.by", ways=say("explain.then-way").join(ways)) if ways else say("explain.by-none")
    whom = ", ".join(filter(None, (people.name_of(one.person), one.because)))
    return say("explain.asked-one", whom=whom, by=by, when=moment(_zone(people, one.person), at))


def _away(one: AwayView, people: People, zone: ZoneInfo) -> str:
    """`Bo Berg is away until Tue 1 Dec, 00:00 CET; Cy Cole, who stands in, is asked already`."""
    name, to = people.name_of(one.person), people.name_of(one.to) if one.to else ""
    until = moment(zone, one.until) if one.until else ""
    if to and not (one.asked_already or one.may_not):
        until = say("delegation.until", when=until) if until else ""
        return say("delegation.stands-in", name=name, to=to, until=until)
    told = say("delegation.is-away", name=name, until=until)
    if one.may_not:
        return say("explain.may-not-stand-in", told=told, to=to)
    return say("delegation.asked-already", told=told, to=to) if to else say("explain.nobody-stands-in", told=told)


def _names(found: Explanation, people: People) -> Iterator[Line]:
    """Yield who does not count though the policy names them, and why."""
    label = say("explain.not-counted")
    for person, why in found.not_counted.items():
        yield Line(label=label, text=say("card.who-because", name=people.name_of(person), why=why))
    for group, strangers in found.strangers.items():
        yield Line(label=label, text=say("explain.strangers", group=group, names=both(list(strangers))))
    for ref in found.empty:
        yield Line(label=label, text=say("explain.empty", name=ref))
    yield from (Line(label=label, text=problem) for problem in found.unread)


def _on_call(found: Explanation, people: People) -> Iterator[Line]:
    for duty in found.on_call:
        label = say("explain.on-call", name=duty.rotation)
        if duty.person is None or duty.until is None:
            yield Line(label=label, text=say("words.nobody"))
        else:
            until = moment(_zone(people, duty.person), duty.until)
            yield Line(label=label, text=say("explain.until", name=people.name_of(duty.person), when=until))


def _freezes(found: Explanation, people: People, zone: ZoneInfo) -> Iterator[Line]:
    for freeze in found.freezes:
        where = freeze.environment or say("words.frozen-everything")
        text = dates.local(frozen_words(freeze, people), lambda at: moment(zone, at))
        yield Line(label=say("explain.frozen"), text=say("explain.frozen-text", where=where, words=text))


def _coming(found: Explanation, people: People, zone: ZoneInfo) -> Iterator[Line]:
    for one in found.coming:
        yield Line(label=moment(zone, one.at), text=_comes(one, people))


def _comes(one: Coming, people: People) -> str:
    where = (one.freeze.environment if one.freeze else "") or say("words.frozen-everything")
    window = one.freeze.window if one.freeze else ""
    match one.kind:
        case "reminder":
            text = say("explain.reminder", number=one.number, names=_there(one.people, people, one.at))
            return f"{text}{say('explain.after-quiet-hours')}" if one.planned else text
        case "escalation" if not one.people:
            return say("explain.escalates-to-nobody")
        case "escalation":
            return say("explain.escalation", names=_there(one.people, people, one.at))
        case "frozen":
            return say("explain.freezes", where=where, window=window)
        case "unfrozen":
            return say("explain.unfreezes", where=where, window=window)
        case "expiry":
            return say("explain.expiry")


def _there(asked: Sequence[AskedView], people: People, at: datetime) -> str:
    """`Bo Berg (05:00 CET) and Cy Cole (07:00 EST)`: each with the time that their own clock shows."""
    return both([f"{people.name_of(one.person)} ({_clock(people, one.person, at)})" for one in asked])


def _clock(people: People, person: PersonId, at: datetime) -> str:
    there = at.astimezone(_zone(people, person))
    return f"{there:%H:%M %Z}"


def _step(step: StepAhead) -> str:
    text = say("explain.step-then", needs=step.needs)
    if step.escalate_after_s is None:
        return text
    after = length(timedelta(seconds=step.escalate_after_s))
    return say("explain.step-escalates", step=text, time=after, names=", ".join(step.escalate_to))


def _unasked(found: Explanation, people: People, zone: ZoneInfo) -> Iterator[Line]:
    """Yield who may decide alone, and what nobody is asked about."""
    if found.break_glass:
        names = either([people.name_of(one) for one in found.break_glass])
        yield Line(label=say("explain.glass"), text=say("card.may-break-glass", names=names))
    for one in found.standing:
        until = moment(zone, one.until)
        text = say_many("explain.standing-text", one.left, title=one.title, until=until, id=one.id)
        yield Line(label=say("explain.standing"), text=text)


def _stops(found: Explanation) -> Iterator[Line]:
    yield Line(label=say("explain.stops"), text=say("explain.stops-text"))
    within = length(timedelta(seconds=found.execute_within_s))
    yield Line(label=say("explain.starts"), text=say("explain.starts-text", time=within))
