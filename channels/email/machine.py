"""Whether a machine wrote a mail: bounces, lists, automatic answers. Reads headers only."""

import re

from channels.email import addresses
from channels.email.identity import author_of
from channels.email.parse import Headers

# Headers that only software writes. X-Auto-Response-Suppress is not among them: Outlook adds it to people's mails.
_MARKS = (
    "list-id",
    "list-post",
    "list-unsubscribe",
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-failed-recipients",
    "feedback-id",
    "x-loop",
)
_PRECEDENCE = ("bulk", "list", "junk", "auto_reply")
_ROBOTS = re.compile(r"mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?(?:[+=-].*)?")
_SUBJECTS = re.compile(
    r"\s*(?:out of (?:the )?office|automatic reply|auto(?:-| )?reply|abwesenheitsnotiz|automatische antwort"
    r"|réponse automatique|respuesta automática|risposta automatica|resposta automática|automatisch antwoord"
    r"|undeliver(?:able|ed)|delivery status notification|mail delivery failed|自動応答|自動返信)",
    re.IGNORECASE,
)


def machine_words(headers: Headers, subject: str) -> str | None:
    """Why this mail was written by a machine, in plain words; None when a person may have written it.

    RFC 3834 finds most of it (section 5: Auto-Submitted; section 2: empty envelope sender); the rest is habit.
    """
    if headers.all("return-path")[:1] and not headers.all("return-path")[0].strip(" \t<>"):
        return "a bounce: it has no sender to answer to"
    if any(value.partition(";")[0].strip().lower() not in ("no", "") for value in headers.all("auto-submitted")):
        return "an automatic mail: Auto-Submitted"
    if any("multipart/report" in value.lower() for value in headers.all("content-type")):
        return "a delivery report"
    if mark := next((mark for mark in _MARKS if headers.all(mark)), None):
        return f"an automatic or a list mail: {mark}"
    if any(value.strip().lower() in _PRECEDENCE for value in headers.all("precedence")):
        return "an automatic or a list mail: Precedence"
    if _ROBOTS.fullmatch((author_of(headers) or "").partition("@")[0]):
        return "a mail from an address that nobody reads"
    return "an automatic answer, by its subject" if _SUBJECTS.match(subject[: addresses.AUTHOR_CHARS]) else None
