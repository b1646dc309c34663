"""The mail that a desk run is about, as code put it into the run; nothing in it was written by anybody we know."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue, ValidationError

from agents.requests import FromDesk, Frozen
from agents.run import Run

_MAIL = "mail"


class Mail(Frozen):
    """A mail to the desk. `sender` is the one plain address in its From, in lower case.

    `doubt` says why that address may be forged, "" where it is proven. `message_id` and `references` hold plain
    Message-IDs only. `at` is when it arrived, `attached` names files.
    """

    sender: str
    subject: str
    text: str
    at: datetime
    message_id: str = ""
    references: tuple[str, ...] = ()
    doubt: str = ""
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply: one visible line as the subject, and the full text with greeting and signature."""

    subject: str
    text: str


def context_of(mail: Mail) -> dict[str, JsonValue]:
    """Return what a desk run is started with, for `mail_of` to find."""
    return {_MAIL: mail.model_dump(mode="json")}


def mail_of(run: Run) -> Mail | None:
    """The mail that `run` began with; None where it began in another way, whatever its context says."""
    if run.started is None or not isinstance(run.started.origin, FromDesk):
        return None
    try:
        return Mail.model_validate(run.started.context.get(_MAIL))
    except ValidationError:
        return None
