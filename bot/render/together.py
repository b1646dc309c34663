"""The one message that lists what waits on a person beyond the cards they have of an API key. Pure."""

from collections.abc import Sequence
from datetime import datetime

from agents.requests.record import RequestRecord
from agents.text import one_line
from bot.people.directory import People
from bot.render.cards import notice, program_name
from channels import Card
from language import say, say_many

_SHOWN, _TITLE_CHARS = 15, 100
_ENDED = {
    "approved": "together.approved",
    "denied": "together.denied",
    "answered": "together.answered",
    "expired": "together.expired",
    "withdrawn": "together.withdrawn",
    "revoked": "together.revoked",
    "superseded": "together.superseded",
}


def listed(
    one: RequestRecord,
    waiting: Sequence[RequestRecord],
    over: Sequence[RequestRecord],
    at: datetime,
    page: str,
    people: People,
) -> Card:
    """Return the message with those that are `waiting`, in their order, and how those ended that are `over`.

    `one` of all says which program asks, and `page` is where they are answered.
    """
    program = program_name(one.request.program, people)
    lines = [say("together.how", program=program)] if waiting else []
    lines += [f"{number}. {_title(each)}{_changed(each)}" for number, each in enumerate(waiting[:_SHOWN], 1)]
    lines += [say_many("together.more", len(waiting) - _SHOWN)] if len(waiting) > _SHOWN else []
    lines += ["", say("together.over")] if waiting and over else []
    lines += [f"· {say(_ENDED[each.state])}: {_title(each)}" for each in over[:_SHOWN] if each.state in _ENDED]
    lines += [say_many("together.more", len(over) - _SHOWN)] if len(over) > _SHOWN else []
    nothing = say("together.nothing", program=program)
    title = say_many("together.title", len(waiting), program=program) if waiting else nothing
    return notice(title, "\n".join(lines), at, link=page)


def _changed(record: RequestRecord) -> str:
    return f" ({say('together.changed')})" if record.request.changes else ""


def _title(record: RequestRecord) -> str:
    return one_line(record.request.title, _TITLE_CHARS)
