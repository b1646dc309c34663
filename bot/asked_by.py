"""Who asks, as the first sentence of a card says it. Pure."""

from agents.requests import Outsider, Request
from bot.people import People
from channels import Line

_WHO_ASKS = {
    "gate": "{} asks.",
    "question": "The agent that works for {} asks.",
    "unknown": "sayso asks: a worker went away while it worked for {}. Please look, and say what happened.",
    "go_on": "sayso asks about a run for {}: it has stopped until somebody says whether it goes on.",
}


def who_asks(request: Request, people: People) -> str:
    """Who or what asks, for whom, and which of the words on the card are not ours."""
    asked_by = people.names_of(request.requesters)
    said = _program_asks(request, people) if request.program else _WHO_ASKS[request.purpose].format(asked_by)
    if request.trigger:
        said += f" Nobody typed this: the trigger {request.trigger!r} of sayso.toml began it."
    if request.desk:
        said += f" Nobody here typed this: a mail to the desk from {request.desk} began it."
    return said


def set_off_by(outsider: Outsider | None) -> list[Line]:
    """Who set it off and can't be told from those who decide; nothing where nobody did, or whom we know."""
    if outsider is None:
        return []
    label = "Pushed by" if outsider.did == "pushed" else "Caused by"
    return [Line(label=label, text=f"{outsider.login} at GitHub, who is not in the directory")]


def program_name(program: str) -> str:
    """How a sentence begins that is about a program, by the owner of its API key."""
    kind, _, name = program.partition(":")
    return f"The program {name}" if kind == "service" else f"A program of {name}"


def _program_asks(request: Request, people: People) -> str:
    """Who asks, for whom, and which of the words here are not ours."""
    who = f"{program_name(request.program)} asks, on behalf of {people.name_of(request.requesters[0])}."
    if request.format == "approval":
        return f"{who} Title and arguments are its own words. It does nothing before you approve, and we do nothing."
    return f"{who} The question is in its own words."
