"""Tell mail of machines from mail of people: bounces, lists, automatic answers, receipts, feedback.

Reads headers, and the kind of report that a part names. Never what a person might write: "I am out of office" is a
sentence.
"""

import re
from collections.abc import Sequence

from channels.email.format.body import Part
from channels.email.format.encodings import unwrapped
from channels.email.format.headers import Headers
from channels.email.format.shown import decoded, subject_of
from channels.email.identity.author import author_of
from channels.email.reply.vocabulary import every

# Headers that only software writes. X-Auto-Response-Suppress is not among them: Outlook adds it to people's mails.
_MARKS = (
    "list-id",
    "list-post",
    "list-unsubscribe",
    "list-help",
    "list-owner",
    "x-autoreply",
    "x-autoreply-from",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-auto-responder",
    "x-mail-autoreply",
    "x-failed-recipients",
    "feedback-id",
    "x-feedback-id",
    "x-abuse-report",
    "x-arf",
    "x-hmxmroriginalrecipient",
    "x-ms-exchange-inbox-rules-loop",
    "x-ms-exchange-generated-message-source",
    "x-vacation",
    "x-cron-env",
    "x-amazon-auto-reply",
    "x-campaign-id",
    "x-mailgun-sending-ip-pool",
)
_MARKS_OF_PROVIDERS = {"feedback-id", "x-feedback-id"}
_AWAY = ("x-vacation", "x-autoreply", "x-autorespond", "x-auto-reply", "x-auto-responder", "x-mail-autoreply")
# Software of lists writes these, but between a person and a list that is not all there is to a mail.
_LIST_MARKS = ("mailing-list", "x-mailing-list", "x-mailman-version", "x-mlserver", "x-ml-name", "x-ml-info", "x-loop")
_NULL = re.compile(r"\s*+(?:<\s*+>|\"\"|)\s*+")
_PRECEDENCE = re.compile(r"\s*(?:bulk|list|junk|auto[_-]?reply)\b", re.IGNORECASE)
_REPORT = re.compile(
    r"\s*multipart/report\b|\s*message/(?:delivery-status|disposition-notification|feedback-report)\b", re.IGNORECASE
)
_ROBOTS = re.compile(rf"(?:{every('robot')})(?:[+=_.-].*)?", re.IGNORECASE)
_ROBOT_NAMES = re.compile(rf"\b(?:{every('robot_name')})\b", re.IGNORECASE)
_SUBJECT = re.compile(
    rf"\s*(?:{every('subject')}|\W{{0,2}}(?:{every('read')})\s?[:\uff1a]|(?:{every('not_read')})\s*[:\uff1a])",
    re.IGNORECASE,
)
_PROGRAMS = ("x-mailer", "user-agent")
_PEOPLES = re.compile(every("peoples"), re.IGNORECASE)
_CALENDAR = re.compile(
    rb"^content-type:\s*text/calendar\b[^\r\n]*(?:\r?\n[ \t][^\r\n]*){0,5}?method\s*=\s*\"?reply",
    re.IGNORECASE | re.MULTILINE,
)
_CALENDAR_BYTES = 64 * 1024
_METHOD = re.compile(rb"^METHOD:\s*REPLY\s*$", re.IGNORECASE | re.MULTILINE)
_SUBJECT_CHARS = 1000


def machine_words(headers: Headers, subject: str | None = None) -> str | None:
    """Return why this mail was written by a machine, in plain words; None when a person may have written it.

    `subject` is the decoded subject where the caller has it. RFC 3834 finds most of it (section 5: Auto-Submitted;
    section 2: empty envelope sender); the rest is habit.
    """
    return _by_envelope(headers) or _by_mark(headers) or _by_sender(headers) or _by_subject(headers, subject)


def is_certain(headers: Headers) -> bool:
    """Return whether headers that only software writes say so, rather than habits of names and subjects.

    A feedback id is none of them: some providers add it to what people write.
    """
    marks = {name for name, _ in headers.fields} & set(_MARKS) - _MARKS_OF_PROVIDERS
    return bool(_by_envelope(headers) or marks or list_words(headers))


def is_away(headers: Headers, subject: str) -> bool:
    """Return whether it is an automatic answer such as somebody sets up who is away, and no report or receipt."""
    if any(_REPORT.match(value) for value in headers.all("content-type")):
        return False
    is_reply = any(value.strip().lower().startswith("auto-replied") for value in headers.all("auto-submitted"))
    return is_reply or any(headers.all(name) for name in _AWAY) or _by_subject(headers, subject) is not None


def _by_envelope(headers: Headers) -> str | None:
    if headers.all("return-path")[:1] and _NULL.fullmatch(headers.all("return-path")[0]):
        return "a bounce: it has no sender to answer to"
    if any(
        value.partition(";")[0].partition("(")[0].strip().lower() not in ("no", "")
        for value in headers.all("auto-submitted")
    ):
        return "an automatic mail: Auto-Submitted"
    if any(_REPORT.match(value) for value in headers.all("content-type")):
        return "a delivery report"
    return None


def _by_mark(headers: Headers) -> str | None:
    names = {name for name, _ in headers.fields}
    if mark := next((mark for mark in _MARKS if mark in names), None):
        return f"an automatic or a list mail: {mark}"
    by_person = any(_PEOPLES.search(value) for name in _PROGRAMS for value in headers.all(name))
    return None if by_person else list_words(headers)


def list_words(headers: Headers) -> str | None:
    """Return why this mail, which a person may have written, did not come from there alone; None where it did."""
    mark = next((mark for mark in _LIST_MARKS if headers.all(mark)), None)
    is_bulk = any(_PRECEDENCE.match(value) for value in headers.all("precedence"))
    return f"it came through a list: {mark or 'Precedence'}" if mark or is_bulk else None


def is_by_robot(headers: Headers) -> bool:
    """Return whether a mail system wrote it: nobody to answer to (RFC 5321, 4.5.5), or a name that only those have."""
    paths = headers.all("return-path")[:1]
    return any(_NULL.fullmatch(path) for path in paths) or _by_sender(headers) is not None


def _by_sender(headers: Headers) -> str | None:
    froms = headers.all("from")
    local = (author_of(headers) or "").partition("@")[0]
    if _ROBOTS.fullmatch(local) or any(
        _ROBOT_NAMES.search(decoded(value)) or _NULL.fullmatch(value) for value in froms[:1]
    ):
        return "a mail from an address that nobody reads"
    return None


def _by_subject(headers: Headers, subject: str | None) -> str | None:
    shown = subject_of(headers) if subject is None else subject
    return "an automatic answer, by its subject" if _SUBJECT.match(shown[:_SUBJECT_CHARS]) else None


def calendar_words(raw: bytes, parts: Sequence[Part] = ()) -> str | None:
    """Return why a mail is an answer to an invitation, which a calendar sends; None when it is none.

    Its header says so, or else the calendar itself, which is among the `parts` (RFC 5546, 3.2.3).
    """
    calendars = (part for part in parts if part.kind == "text/calendar")
    if _CALENDAR.search(raw[:_CALENDAR_BYTES]) or any(map(_is_reply, calendars)):
        return "an answer to an invitation"
    return None


def _is_reply(part: Part) -> bool:
    content = unwrapped(part.body, part.headers.one("content-transfer-encoding"))
    return _METHOD.search((content or part.body)[:_CALENDAR_BYTES]) is not None
