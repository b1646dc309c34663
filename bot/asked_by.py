"""Who asks, as the first sentence of a card says it. Pure."""

from collections.abc import Sequence

from agents.requests import Outsider, Part, PersonId, Request, people_of
from agents.text import quote
from bot.people import People
from channels import Line

_WHO_ASKS = {
    "gate": "{} asks.",
    "question": "The agent that works for {} asks.",
    "unknown": "sayso asks: a worker went away while it worked for {}. Please look, and say what happened.",
    "go_on": "sayso asks about a run for {}: it has stopped until somebody says whether it goes on.",
}

PARTS: dict[Part, str] = {
    "asked": "asked for it",
    "key": "asked for it by an API key",
    "inherited": "has a part in the run that it comes from",
    "wrote": "wrote to the run",
    "objected": "gave a reason against something else that the run wanted, which this may follow",
    "answered": "answered a question of the run",
}
"""What makes somebody a requester, after their name."""

_REMARK_CHARS = 500


def who_asks(request: Request, people: People) -> str:
    """Who or what asks, for whom, and which of the words on the card are not ours."""
    asked_by = people.names_of(askers(request))
    said = _program_asks(request, people) if request.program else _WHO_ASKS[request.purpose].format(asked_by)
    if request.trigger:
        said += f" Nobody typed this: the trigger {request.trigger!r} of sayso.toml began it."
    if request.desk:
        said += f" Nobody here typed this: a mail to the desk from {request.desk} began it."
    return f"{said} {by_key(request.service, request.key_holders, people)}".rstrip()


def by_key(service: str, holders: Sequence[PersonId], people: People) -> str:
    """Whose API key asked, and in whose hands it is; nothing where it was no service's."""
    if not service:
        return ""
    if not holders:
        return (
            f"It came with the API key of the service {service}, and nobody has said who holds that: whoever does may "
            "have asked for this, and may be among those who decide."
        )
    holds = "holds" if len(holders) == 1 else "hold"
    return f"It came with the API key of the service {service}, which {people.names_of(holders)} {holds}."


def says_first(request: Request, people: People) -> str:
    """What stands above everything else, wherever a request is shown: who asks, and which list is not whole."""
    call = request.call
    unread = [fact.unread for fact in call.effect.facts if fact.unread] if call else []
    return "\n".join([who_asks(request, people), *dict.fromkeys(unread)])


def facts_about(request: Request) -> list[Line]:
    """What is known of a request, wherever it is shown: who set it off, and what was looked up."""
    facts = request.call.effect.facts if request.call else ()
    return [
        *set_off_by(request.outsider),
        *(Line(label=fact.label, text=fact.text, lines=fact.full.lines if fact.full else 0) for fact in facts),
    ]


def began_with(request: Request) -> list[Line]:
    """What began it in nobody's words, for cards whose first sentence says something else."""
    if request.trigger:
        return [Line(label="Began with", text=f"the trigger {request.trigger!r} of sayso.toml: nobody typed this")]
    if request.desk:
        return [Line(label="Began with", text=f"a mail to the desk from {request.desk}: nobody here typed this")]
    return []


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


def askers(request: Request) -> tuple[PersonId, ...]:
    """Who asked or steered; not those who only may not decide because of what they answered."""
    return tuple(one for one in request.requesters if request.parts.get(one) not in {"objected", "answered"})


def kept_out(request: Request) -> dict[PersonId, str]:
    """Who could decide by the policy and does not, and why; nobody where requesters may."""
    if request.policy.requester_may_approve or request.format != "approval":
        return {}
    may = set(people_of(request.policy.rule))
    return {one: PARTS[request.parts.get(one, "asked")] for one in request.requesters if one in may}


def excluded(request: Request, people: People) -> list[Line]:
    """Who does not decide it as a requester, and why."""
    out = kept_out(request)
    text = "; ".join(f"{people.name_of(person)}, who {why}" for person, why in out.items())
    return [Line(label="May not decide", text=text)] if out else []


def remarks(request: Request, people: People) -> list[Line]:
    """What requesters wrote beside the open card, but for what is said to have changed just now."""
    said = [(one, remark(one.person, one.text, people)) for one in request.remarks]
    return [
        Line(label=f"{people.name_of(one.person)} wrote after you were asked", text=quote(one.text, _REMARK_CHARS))
        for one, sentence in said
        if sentence not in request.changes
    ]


def remark(person: PersonId, text: str, people: People) -> str:
    """What a requester wrote after people were asked, as a change of what they were shown."""
    return f"{people.name_of(person)} wrote after you were asked: {quote(text, _REMARK_CHARS)}"
