"""What pausing, cancelling, retrying or forking a run would do, and who would be told, before anybody does it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from agents.requests import PersonId
from agents.requests.record import RequestRecord
from agents.run import Run
from bot.people.directory import People
from bot.render.words import askers_of, present
from language import say


@dataclass(frozen=True, slots=True)
class Does:
    """The page that asks: `what` happens, who is `told`, and the `button` that does it."""

    title: str
    what: str
    told: str
    button: str


def what_it_does(
    verb: str, run: Run, record: RequestRecord | None, people: People, me: PersonId, at: str = ""
) -> Does | None:
    """Return what `verb` of `me` would do to `run`, whose open request is `record`; None for what can't be done."""
    if verb in {"pause", "cancel"} and run.ended:
        return None
    match verb:
        case "pause":
            others = present([one for one in askers_of(run, people) if one != me], people)
            what, told = say("console.pause-what"), _named(map(people.name_of, others))
            return Does(say("console.pause-title"), what, told, say("console.pause-button"))
        case "cancel":
            what, told = say("console.cancel-what"), _told_of_the_end(run, record, people)
            return Does(say("console.cancel-title"), what, told, say("console.cancel-button"))
        case "retry":
            what, told = say("console.retry-what"), say("console.told-nobody-yet")
            return Does(say("console.retry-title"), what, told, say("console.retry-button"))
        case "fork":
            what, told = say("console.fork-what", number=at), say("console.told-nobody-yet")
            return Does(say("console.fork-title", number=at), what, told, say("console.fork-button"))
        case _:
            return None


def _told_of_the_end(run: Run, record: RequestRecord | None, people: People) -> str:
    """Whoever asked and whoever voted hear how a run ended; who holds a card, that it is closed."""
    asked = () if run.started is None or run.started.parent else askers_of(run, people)
    holders = (holder.person for holder in record.holders) if record else ()
    told = {person: people.name_of(person) for person in _once(asked, sorted(run.voters))}
    told |= {person: say("console.told-card-closed", name=people.name_of(person)) for person in _once(holders)}
    return _named(told.values())


def _named(told: Iterable[str]) -> str:
    names = "; ".join(told)
    return f"{names}." if names else say("console.told-nobody")


def _once(*some: Iterable[PersonId]) -> Iterable[PersonId]:
    return dict.fromkeys(person for few in some for person in few if person)
