"""Word that a mail of ours did not arrive: delivery reports (RFC 3464), and what older mail servers send instead.

Asked only about mail that a machine wrote, and only about a mail of ours: its receipt must be there, in the address
that the report was sent to or in the returned headers. Nothing here proves who wrote it. That is harmless: a receipt is
known to those whom the card was sent to and answers nothing. Whoever forges a report with it makes the card go another
way as well, once; it still can be answered, and nothing is decided by it.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from contextlib import suppress

from channels.email.format.headers import HEADER_BYTES, Headers, guess_headers
from channels.email.format.message_ids import MARK, ours
from channels.email.identity.machine import is_by_robot
from channels.email.mime import RECEIPT
from channels.showing import one_line

REPORT_BYTES = 256 * 1024
"""Bytes of a report that are looked at; what was returned of our own mail, and it is short, comes last."""

WHY_CHARS = 300
"""Characters of a mail server's words that are kept; a status line is seldom longer."""

UNSAID = "the mail came back, and the mail server that returned it did not say why"

_STATUS_PART = re.compile(rb"^content-type:\s*message/(?:global-)?delivery-status\b", re.IGNORECASE | re.MULTILINE)
_BLANK = re.compile(rb"\n[ \t]*\n")
_PART_ENDS = re.compile(rb"^--", re.MULTILINE)
_ENCODING = re.compile(rb"^content-transfer-encoding:\s*([a-z0-9-]+)", re.IGNORECASE | re.MULTILINE)
_REPORT = re.compile(r"\s*multipart/report\b", re.IGNORECASE)
_OTHER_REPORT = re.compile(r"report-type\s*=\s*\"?(?!delivery-status)[a-z-]+", re.IGNORECASE)
_REPORTED = 20
"""Most recipients of one report; our mails have one each."""

# Subjects of final reports in the forms of Exim, qmail, sendmail, Exchange, Gmail and their kin; nothing that an
# automatic answer of a person begins with.
_FAILED = re.compile(
    r"\s*(?:undeliver(?:able|ed)\b|undelivered mail|returned mail\b|failure notice\b"
    r"|(?:mail|message)?\s?delivery (?:failed|failure|has failed)\b|mail delivery failed"
    r"|delivery status notification \(failure\)|delivery status notification: error|mail (?:system error|failure)\b"
    r"|(?:mail|message) could not be delivered|message delivery has failed"
    r"|unzustellbar|nicht zustellbar|non remis|[ée]chec de (?:la )?remise|no se puede entregar|onbestelbaar"
    r"|mancato recapito|non recapitabile)",
    re.IGNORECASE,
)
_NOT_YET = re.compile(r"delay|warning|still being|retr(?:y|ied)|deferred|temporar|verz[öo]ger|retard", re.IGNORECASE)
_GIVEN_UP = re.compile(
    rb"^(?:Hi\. This is the qmail-send program at|This message was created automatically by mail delivery software)"
    rb"|I've given up\. Sorry it didn't work out",
    re.MULTILINE,
)
_SAID = re.compile(rb"^[ \t]*+(?:[^\n]{0,200}[\s:>#])?(5\d\d[ -][^\n]{0,300})", re.MULTILINE)


def failure_of(raw: bytes, headers: Headers, subject: str) -> str | None:
    """Return why a mail was not delivered, in the server's words on one line; None unless `raw` says so for good.

    `headers` and the decoded `subject` are those of `raw`, which a machine wrote. A delay, a success, an automatic
    answer, a receipt and a complaint are none.
    """
    raw = raw[:REPORT_BYTES].replace(b"\r", b"")
    kind = headers.first("content-type")
    if _OTHER_REPORT.search(kind):
        return None
    part = _STATUS_PART.search(raw)
    if part and (_REPORT.match(kind) or is_by_robot(headers)):
        return next((words for words in map(_failed, _recipients(raw, part.start())) if words), None)
    return _without_report(raw, headers, subject)


def receipts_of(raw: bytes, own: str) -> frozenset[str]:
    """The receipts of mails of ours whose headers `raw` returns, in whatever form; else their Message-IDs."""
    in_id = rf"^[> \t]*message-id:\s{{0,8}}{ours('card|done|note', own)}"
    in_header = rf"^[> \t]*{RECEIPT}:[ \t]{{0,8}}({MARK})[ \t\r]*$"
    return _found(raw, in_header) or _found(raw, in_id)


def _found(raw: bytes, pattern: str) -> frozenset[str]:
    found = re.finditer(pattern.encode(), raw[:REPORT_BYTES], re.IGNORECASE | re.MULTILINE)
    return frozenset(each[1].decode("ascii").lower() for each in found)


def _recipients(raw: bytes, at: int) -> Iterator[Headers]:
    """The fields about each recipient, below those about the whole message (RFC 3464, 2.1)."""
    blank = _BLANK.search(raw, at)
    if blank is None:
        return
    end = _PART_ENDS.search(raw, blank.end())
    body = raw[blank.end() : end.start() if end else len(raw)]
    encoding = _ENCODING.search(raw, at - min(at, 200), blank.start())
    body = _decoded(body, encoding[1].lower() if encoding else b"")
    for group in _BLANK.split(body.strip(), maxsplit=_REPORTED)[:_REPORTED]:
        fields = guess_headers(group[:HEADER_BYTES])
        if fields.all("final-recipient") or fields.all("original-recipient"):
            yield fields


def _decoded(body: bytes, encoding: bytes) -> bytes:
    if encoding == b"base64":
        with suppress(binascii.Error):
            return binascii.a2b_base64(body)
    return quopri.decodestring(body) if encoding == b"quoted-printable" else body


def _failed(fields: Headers) -> str | None:
    """The words about one recipient whom the mail will not reach (RFC 3464, 2.3.3: Action); None for any other."""
    action, status, said, to = (
        fields.first(name).strip() for name in ("action", "status", "diagnostic-code", "final-recipient")
    )
    verb = re.match(r"[a-z]*", action.lower())
    if (verb[0] if verb else "") != "failed" and (action or not status.startswith("5")):
        return None
    words = said.partition(";")[2].strip() or said or f"status {status.split(' ')[0]}".strip()
    address = to.rpartition(";")[2].strip()
    return _bounded(f"{words} ({address})" if address and address.lower() not in words.lower() else words)


def _without_report(raw: bytes, headers: Headers, subject: str) -> str | None:
    """The same where there is no report: it comes from a mail system, and says in a known form that it gave up."""
    if not is_by_robot(headers) or _NOT_YET.search(subject):
        return None
    blank = _BLANK.search(raw)
    body = raw[blank.end() :] if blank else b""
    is_known = headers.all("x-failed-recipients") or _FAILED.match(subject) or _GIVEN_UP.search(body)
    if not is_known:
        return None
    said = _SAID.search(body)
    return _bounded(said[1].decode("utf-8", "replace").rstrip("=") if said else UNSAID)


def _bounded(words: str) -> str:
    return one_line(words, WHY_CHARS) or UNSAID
