"""A mail as bytes -> its one text and its files, or a plain reason why it can't be read safely; see `headers`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from channels.email.format.encodings import unwrapped
from channels.email.format.headers import MAIL_BYTES, Headers, Unreadable, fields_of, split

PARTS = 50
"""Most parts in one mail; thousands of tiny ones are how a small mail becomes slow."""

DEPTH = 10
"""Deepest nesting of multiparts."""

NO_TEXT = "it has no text"
TOO_MANY_PARTS = f"it has more than {PARTS} parts, or they are nested more than {DEPTH} deep"

CONTENT_TYPE_CHARS = 2000
"""Longest Content-Type field; a boundary has 70 characters at most, a file name seldom more than 255."""

CHARSETS = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-\d{1,2}|latin-?[19]|windows-125\d|cp125\d|macintosh|iso-2022-jp|shift_jis|cp932"
    r"|euc-jp|euc-kr|ks_c_5601-1987|cp949|koi8-[ru]|gb2312|gbk|gb18030|big5"
)
"""Character sets that a text may be written in; UTF-7 and its like can spell one text in two ways."""

_TEXTS = ("text/plain", "text/html", "text/calendar")
_BY_EXCHANGE = re.compile(r"name=\"?att\d{5}\.(?:txt|html?)\b")
_ENCRYPTED = ("application/pkcs7-mime", "application/x-pkcs7-mime", "application/ms-tnef", "multipart/encrypted")
_OWN_MARK = re.compile(r"^ +>", re.MULTILINE)
_CONTENT_TYPE = re.compile(r"\s*([\w.+-]+/[\w.+-]+)\s*(.*)", re.DOTALL)
_NEVER_A_TEXT = re.compile(r"\s*((?:application|image|audio|video|font|model)/[\w.+-]+)\s*(?:;|\Z)", re.IGNORECASE)
_PARAMETER = re.compile(r';\s*([\w.*%-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))\s*', re.DOTALL)


@dataclass(frozen=True)
class Part:
    """A part of a mail. `kind` is its type in lower case; `body` is as it was sent."""

    headers: Headers
    body: bytes
    kind: str
    parameters: dict[str, str]

    @property
    def disposition(self) -> str:
        """Its Content-Disposition. Raises Unreadable when there are several."""
        return self.headers.one("content-disposition")

    @property
    def is_file(self) -> bool:
        """True if the part is named a file: it is then no text of the mail, whatever its type. Raises Unreadable.

        Exchange gives such a name to what somebody wrote below a picture.
        """
        disposition = self.disposition.lower()
        if _BY_EXCHANGE.search(f"{disposition} {self.headers.one('content-type').lower()}"):
            return False
        is_named = any(name.partition("*")[0] == "name" for name in self.parameters)
        return disposition.startswith("attachment") or "filename" in disposition or is_named

    @property
    def may_be_text(self) -> bool:
        """True if a program may show the part as text of the mail. Raises Unreadable."""
        return self.kind.startswith("text/") and not self.is_file


@dataclass(frozen=True)
class Body:
    """The text of a mail: plain with LF line ends, HTML, or both. `unsure` says why it must not be trusted.

    `files` is all that is no text of it, in order. Only a mail of nothing but files has neither text.
    """

    plain: str | None
    html: str | None
    unsure: str = ""
    files: tuple[Part, ...] = ()


def read_body(raw: bytes, adds: Callable[[Body], bool] = lambda _: True) -> Body:
    """The texts of the mail, and its files. Raises Unreadable when no text can be read and some may be meant.

    `adds`: whether a text behind the first one says something of its own; an iPhone divides its text around a picture.
    """
    if len(raw) > MAIL_BYTES:
        raise Unreadable(f"it is larger than {MAIL_BYTES // 1_000_000} MB")
    split(raw)
    parts = tuple(_leaves(_part(raw)))
    leaves = [part for part in parts if part.may_be_text]
    files = tuple(part for part in parts if not part.may_be_text or part.kind == "text/calendar")
    plain = _without_blank([_text(part) for part in leaves if part.kind == "text/plain"])
    html = _without_blank([_text(part) for part in leaves if part.kind == "text/html"])
    if not plain and not html and (leaves or not files):
        raise Unreadable(NO_TEXT)
    more = (*(Body(text, None) for text in plain[1:]), *(Body(None, text) for text in html[1:]))
    most = max(len(plain), len(html)) if any(map(adds, more)) else 1
    unsure = f"it has {most} texts and it is not clear which one counts" if most > 1 else ""
    if other := next((part.kind for part in leaves if part.kind not in _TEXTS), None):
        unsure = unsure or f"it also says something as {other}, which can't be read here"
    return Body("\n".join(plain) if plain else None, "\n".join(html) if html else None, unsure, files)


def _without_blank(texts: list[str]) -> list[str]:
    """`texts` without the blank ones that some programs put below a picture, unless all of them are blank."""
    return [text for text in texts if len(text) > 2000 or re.sub(r"<[^<>]*>|&nbsp;|\s", "", text)] or texts[:1]


def read_text(raw: bytes) -> str:
    """The one plain text of the mail, with LF line ends. Raises Unreadable, also when there is none or a choice."""
    body = read_body(raw)
    if body.unsure:
        raise Unreadable(body.unsure)
    if body.plain is None:
        raise Unreadable(NO_TEXT if body.html is None else "it has only an HTML text")
    return body.plain


def _part(raw: bytes) -> Part:
    # A part, unlike a mail, may have no headers at all (RFC 2046, 5.1).
    bare = re.match(rb"\r?\n", raw)
    head, body = (b"", raw[bare.end() :]) if bare else split(raw)
    headers = fields_of(head) if head else Headers()
    value = headers.one("content-type")
    try:
        kind, parameters = _content_type(value)
    except Unreadable:
        kind, parameters = _type_of_file(headers, value), {"name": ""}
        if not kind:
            raise
    return Part(headers, body, kind, parameters)


def _type_of_file(headers: Headers, value: str) -> str:
    """The type of a part that no program shows as a text: a name in a strange form makes no mail unreadable."""
    if kind := _NEVER_A_TEXT.match(value):
        return kind[1].lower()
    is_attached = re.match(r"attachment\s*(?:;|\Z)", headers.one("content-disposition"), re.IGNORECASE)
    holds_parts = value.lstrip().lower().startswith(("multipart", "message"))
    return "application/octet-stream" if is_attached and not holds_parts else ""


def _content_type(value: str) -> tuple[str, dict[str, str]]:
    """Type and parameters of a Content-Type field (RFC 2045, 5.1); an absent one is plain text."""
    match = _CONTENT_TYPE.fullmatch(value or "text/plain")
    if match is None or len(value) > CONTENT_TYPE_CHARS:
        raise Unreadable("it has a Content-Type that can't be read")
    rest, parameters = match[2], dict[str, str]()
    while parameter := _PARAMETER.match(rest):
        name, rest = parameter[1].lower(), rest[parameter.end() :]
        if name in parameters or name.startswith(("boundary*", "charset*")):
            raise Unreadable("it has a Content-Type that can be read in two ways")
        parameters[name] = parameter[3] or re.sub(r"\\(.)", r"\1", parameter[2] or "")
    if rest.strip("; \t"):
        raise Unreadable("it has a Content-Type that can't be read")
    return match[1].lower(), parameters


def _leaves(top: Part) -> Iterator[Part]:
    """The parts that hold content, in order. A mail attached to this one is one part: its text is not this mail's."""
    waiting, seen = [(top, 1)], 0
    while waiting:
        part, depth = waiting.pop()
        seen += 1
        if seen > PARTS or depth > DEPTH:
            raise Unreadable(TOO_MANY_PARTS)
        if part.kind in _ENCRYPTED:
            raise Unreadable("it is encrypted or in a format that can't be read here; answer in plain text")
        if part.kind.startswith("multipart/"):
            inner = [_part(raw) for raw in _divide(part)]
            waiting += [(each, depth + 1) for each in reversed(inner)]
        else:
            yield part


def _divide(part: Part) -> list[bytes]:
    """The pieces between a multipart's boundary lines (RFC 2046, 5.1.1)."""
    boundary = part.parameters.get("boundary", "")
    if not 0 < len(boundary) <= 70 or not boundary.isascii():
        raise Unreadable("it has parts without a boundary between them")
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    # One more than fit is enough to know that there are too many.
    marks = list(islice(line.finditer(part.body), PARTS + 2))
    last = next((index for index, mark in enumerate(marks) if mark[1]), None)
    if len(marks) > PARTS + 1:
        raise Unreadable(TOO_MANY_PARTS)
    if not last:
        raise Unreadable("it has parts that do not end")
    return [_after_line(part.body[marks[i].end() : marks[i + 1].start()]) for i in range(last)]


def _after_line(piece: bytes) -> bytes:
    end = re.match(rb"\r?\n", piece)
    return piece[end.end() :] if end else piece


def _text(part: Part) -> str:
    data = unwrapped(part.body, part.headers.one("content-transfer-encoding"))
    if data is None:
        raise Unreadable("it has a text whose encoding is broken")
    charset = part.parameters.get("charset", "utf-8").lower()
    if not CHARSETS.fullmatch(charset):
        raise Unreadable("it is written in a character set that is not accepted")
    try:
        text = data.decode(charset)
    except (UnicodeError, LookupError):
        raise Unreadable("its text does not fit the character set it names") from None
    if "\0" in text or "-----BEGIN PGP MESSAGE" in text:
        raise Unreadable("it has a text that can't be read here; answer in plain text")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # The space before it says that this `>` is no quote but somebody's own (RFC 3676, 4.4).
    is_flowed = part.parameters.get("format", "").lower() == "flowed"
    return _OWN_MARK.sub("\u203a", text) if is_flowed else text
