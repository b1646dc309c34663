"""What pausing, cancelling, retrying or forking a run would do, and who would be told, before anybody does it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from agents.requests import PersonId
from agents.run import Run
from bot.people.directory import People
from bot.policy.record import RequestRecord


@dataclass(frozen=True, slots=True)
class Does:
    """The page that asks: `what` happens, who is `told`, and the `button` that does it."""

    title: str
    what: str
    told: str
    button: str


_NOBODY_YET = "nobody now. If the new run needs an approval, those who may decide are asked as for any run."
_NOT_COUNTED = "Nothing that was approved in this run counts there: it is asked for again."


def what_it_does(verb: str, run: Run, record: RequestRecord | None, people: People, at: str = "") -> Does | None:
    """Return what `verb` would do to `run`, whose open request is `record`; None for what can't be done to it."""
    if verb in {"pause", "cancel"} and run.ended:
        return None
    match verb:
        case "pause":
            what = "It stops at its next step until somebody resumes it. What executes is finished, and votes count."
            return Does("Pause this run?", what, "nobody.", "Pause")
        case "cancel":
            what = "It ends here, for good. What executes now is finished first; runs that it started end as well."
            return Does("Cancel this run?", what, _told_of_the_end(run, record, people), "Cancel the run")
        case "retry":
            what = f"A new run begins with the same words, in your name. This one stays as it is. {_NOT_COUNTED}"
            return Does("Try it again?", what, _NOBODY_YET, "Retry")
        case "fork":
            what = f"A new run begins in your name and goes on from event {at} of this one, which stays. {_NOT_COUNTED}"
            return Does(f"Fork after event {at}?", what, _NOBODY_YET, "Fork")
        case _:
            return None


def _told_of_the_end(run: Run, record: RequestRecord | None, people: People) -> str:
    """The requester and whoever voted hear how a run ended; who holds a card, that it is closed."""
    asked = () if run.started is None or run.started.parent else (run.started.requester,)
    holders = (holder.person for holder in record.holders) if record else ()
    told = dict.fromkeys(_once(asked, sorted(run.voters)), "")
    told |= dict.fromkeys(_once(holders), ", whose card is closed")
    said = [f"{people.name_of(person)}{why}" for person, why in told.items()]
    return f"{'; '.join(said)}." if said else "nobody."


def _once(*some: Iterable[PersonId]) -> Iterable[PersonId]:
    return dict.fromkeys(person for few in some for person in few if person)
