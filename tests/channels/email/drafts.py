"""Whole mails around real decision words, as Hypothesis strategies: honest ones, and ones spoiled in a known way.

What is wrong with a spoiled mail is known from how it was made, never from reading it.
"""

import base64
import html
import quopri
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tests.channels.email.mails import TOKEN
from tests.kit.rows import rows

SERVER = "mx.corp.example"
AUTHOR = "Bo Berg <bo@corp.example>"
VERDICT = f"Authentication-Results: {SERVER}; spf=pass; dmarc=pass header.from=corp.example"

_OF: dict[str, list[str]] = rows("drafts.toml", beside=__file__)
APPROVALS, DENIALS = tuple(_OF["approvals"]), tuple(_OF["denials"])
GREETINGS, FAREWELLS, QUOTES = _OF["greetings"], _OF["farewells"], _OF["quotes"]

# Words of no language: five consonants or more in a row.
_NONSENSE = st.text("bcdfghjklmnpqrstvwxz", min_size=5, max_size=9)
_REAL = st.sampled_from(_OF["words"])
_FOREIGN = str.maketrans({"a": "а", "e": "е", "o": "о", "i": "і", "p": "р", "c": "с", "s": "ѕ"})  # noqa: RUF001
_STYLES = (
    *("display:none", "DISPLAY : none !important", "visibility:hidden", "font-size:0", "opacity:0", "mso-hide:all"),
    "max-height:0;overflow:hidden",
)
HIDING = ("hidden", *(f'style="{style}"' for style in _STYLES))


@dataclass(frozen=True)
class Draft:
    """A mail in parts. `head` are whole header lines; `page` is HTML, beside the plain `text` or instead of it."""

    text: str | None
    page: str | None = None
    head: tuple[str, ...] = (
        VERDICT,
        f"From: {AUTHOR}",
        f"To: agent+{TOKEN}@sayso.example",
        "Subject: Re: Deploy?",
        "Message-ID: <r1@corp.example>",
    )
    encoding: str = "8bit"

    def bytes(self) -> bytes:
        """The whole mail."""
        parts = [part for part in (self._part("plain", self.text), self._part("html", self.page)) if part]
        if len(parts) == 1:
            lines = (*self.head, parts[0])
        else:
            inner = "".join(f"--=b\n{part}\n" for part in parts)
            lines = (*self.head, f'Content-Type: multipart/alternative; boundary="=b"\n\n{inner}--=b--')
        return "\n".join(lines).replace("\n", "\r\n").encode("utf-8", "surrogateescape")

    def _part(self, kind: str, text: str | None) -> str | None:
        if text is None:
            return None
        body = text
        if self.encoding == "base64":
            body = base64.encodebytes(text.encode()).decode()
        elif self.encoding == "quoted-printable":
            body = quopri.encodestring(text.encode()).decode()
        return f"Content-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: {self.encoding}\n\n{body}"


@st.composite
def phrases(draw: st.DrawFn, words: tuple[str, ...]) -> str:
    """One to three decisions of any languages, as one text."""
    said = draw(st.lists(st.sampled_from(words), min_size=1, max_size=3))
    return draw(st.sampled_from((", ", ". ", "\n", "! "))).join(said)


def framed(draw: st.DrawFn, said: str) -> str:
    """`said` with a greeting above, a name and a quote below, or without."""
    parts = (GREETINGS, (said,), FAREWELLS, QUOTES)
    return "".join(draw(st.sampled_from(each)) for each in parts)


def as_page(draw: st.DrawFn, text: str) -> str:
    """`text` in the HTML of one mail program or another; quoted lines in a quote of its own."""
    top, mark, quote = text.partition("\n\nOn 3 Mar")
    start, end = draw(st.sampled_from((("<p>", "</p>"), ("<div>", "</div>"), ("", "<br>"), ("<p><span>", "</span>"))))
    page = "".join(f"{start}{html.escape(line) or '&nbsp;'}{end}\n" for line in top.split("\n"))
    quoted = f"<blockquote type=cite>{html.escape(mark + quote)}</blockquote>" if mark else ""
    return draw(st.sampled_from(("{}{}", "<html><body>{}{}</body></html>", "<table><tr><td>{}{}</table>"))).format(
        page, quoted
    )


def written(draw: st.DrawFn, text: str) -> Draft:
    """`text` as plain text, as HTML or as both, in one encoding or another."""
    kind = draw(st.sampled_from(("plain", "plain", "html", "both")))
    page = as_page(draw, text) if kind != "plain" else None
    encoding = draw(st.sampled_from(("8bit", "quoted-printable", "base64")))
    return Draft(text if kind != "html" else None, page, encoding=encoding)


@st.composite
def honest(draw: st.DrawFn) -> Draft:
    """A person's approval, and nothing wrong with it."""
    return Draft(framed(draw, draw(phrases(APPROVALS))), encoding=draw(st.sampled_from(("8bit", "base64"))))


_SPOILS = ("after", "before", "below", "above", "inside", "asked", "foreign", "open", "commanded")


@st.composite
def unclear(draw: st.DrawFn) -> Draft:
    """An honest sender whose text says more than a decision: a word, a question, a foreign letter, an open end."""
    said = draw(phrases(APPROVALS))
    spoiler = draw(st.one_of(_NONSENSE, _REAL))
    match draw(st.sampled_from(_SPOILS)):
        case "after":
            said = f"{said} {spoiler}"
        case "before":
            said = f"{spoiler} {said}"
        case "below":
            said = f"{said}\n\n{spoiler} {draw(_NONSENSE)}"
        case "above":
            said = f"{spoiler}\n\n{said}"
        case "inside":
            said = f"{said}, {spoiler}, {draw(st.sampled_from(APPROVALS))}"
        case "asked":
            said = said + draw(st.sampled_from(("?", " ?", "？", "?!", "? yes")))  # noqa: RUF001
        case "foreign":
            said = "approve".translate(_FOREIGN) if (other := said.translate(_FOREIGN)) == said else other
        case "open":
            said = said + draw(st.sampled_from(("...", "…", " ..")))
        case _:
            # What is written like code, a form or a choice; a `!` denies only what is a word.
            forms = ("[ ] {}", "/{}", "{} / deny", "if ({})", "<{}>", *(("!{}",) if said[0].isalpha() else ()))
            said = draw(st.sampled_from(forms)).format(said)
    return written(draw, framed(draw, said))


@st.composite
def quoted_only(draw: st.DrawFn) -> Draft:
    """Decisions that stand in quotes alone, or in what a mail program writes."""
    said = draw(phrases((*APPROVALS, *DENIALS)))
    lines = "\n".join(draw(st.sampled_from(("> ", ">", "> > ", ">>"))) + line for line in said.split("\n"))
    return Draft(draw(st.sampled_from(("", "On 3 Mar 2026, at 13:00, Bo wrote:\n", "\n\n"))) + lines)


@st.composite
def hiding(draw: st.DrawFn) -> Draft:
    """HTML whose reader sees something else than what stands in it."""
    hidden, said = draw(st.sampled_from(HIDING)), draw(phrases(APPROVALS))
    spoiler = draw(st.one_of(_NONSENSE, _REAL))
    tag = draw(st.sampled_from(("span", "div", "p", "td")))
    seen, unseen = draw(st.sampled_from(((said, spoiler), (spoiler, said), ("", said), (said, said))))
    inner = f"<{tag} {hidden}>{html.escape(unseen)}</{tag}>"
    pieces = [html.escape(seen), inner]
    page = "".join(reversed(pieces) if draw(st.booleans()) else pieces)
    return Draft(draw(st.sampled_from((None, said))), f"<p>{page}")


@st.composite
def two_faced(draw: st.DrawFn) -> Draft:
    """Plain text and HTML that say different things."""
    said, other = draw(phrases(APPROVALS)), draw(st.one_of(phrases(DENIALS), _NONSENSE))
    first, second = draw(st.sampled_from(((said, other), (other, said))))
    return Draft(first, f"<p>{html.escape(second)}</p>")


_VERDICTS = (
    (),
    (VERDICT.replace("dmarc=pass", "dmarc=fail"),),
    (VERDICT.replace("dmarc=pass", "dmarc=none"),),
    (VERDICT.replace("dmarc=pass ", "dmarc=fail (dmarc=pass) "),),
    (VERDICT.replace("dmarc=pass ", 'dmarc=fail reason="dmarc=pass" '),),
    (VERDICT.replace("=corp.example", "=evil.example"),),
    (VERDICT.replace(SERVER, f"{SERVER}.evil.example"),),
    (VERDICT.replace(SERVER, "evil.example"),),
    (VERDICT.replace("dmarc=pass", "dmarc=fail"), VERDICT),
    (f"{VERDICT}; dmarc=fail",),
    ("Authentication-Results: (", VERDICT),
    (VERDICT.replace("Authentication-Results", "X-Authentication-Results"),),
)
_ABOVE = [line.replace("@TOKEN@", TOKEN) for line in _OF["lines"]] + [f"X-Note: {'a' * 70_000}"]


@st.composite
def forged(draw: st.DrawFn) -> Draft:
    """A clear decision in a mail of which it is not clear whose it is."""
    draft = written(draw, framed(draw, draw(phrases((*APPROVALS, *DENIALS)))))
    head = draft.head
    match draw(st.sampled_from(("author", "verdict", "verdict", "line", "line", "blank"))):
        case "author":
            author = draw(st.sampled_from(_OF["authors"]))
            return replace(draft, head=(head[0], f"From: {author}", *head[2:]))
        case "verdict":
            return replace(draft, head=(*draw(st.sampled_from(_VERDICTS)), *head[1:]))
        case "line":
            line, at = draw(st.sampled_from(_ABOVE)), draw(st.integers(0, len(head)))
            # Folded below another line it would belong to that one.
            return replace(
                draft, head=(*head[: 0 if line[:1] == " " else at], line, *head[0 if line[:1] == " " else at :])
            )
        case _:
            return replace(draft, head=("", *head))


@st.composite
def unreadable(draw: st.DrawFn) -> bytes:
    """A clear decision of a proven person, in a mail that can't be read, or a yes in one that can be read in two
    ways: a no in several texts is one.
    """
    is_unread = draw(st.booleans())
    words = (*APPROVALS, *DENIALS) if is_unread else APPROVALS
    # A thumb alone says nothing more than a text above it, and decides below one as thanks would.
    said = draw(phrases(words).filter(lambda text: bool(text.strip("👍,.! \n"))))
    head = "\n".join(Draft(None, "").head)
    if is_unread:
        # A `!` is none of base64's letters.
        raw = f"{head}\n{draw(st.sampled_from(_OF['types']))}\n\n{said}!"
    else:
        kinds = draw(
            st.sampled_from((("plain", "plain"), ("html", "html"), ("plain", "x-amp-html"), ("plain", "html", "html")))
        )
        parts = "".join(f"--b\nContent-Type: text/{kind}; charset=utf-8\n\n{said}\n" for kind in kinds)
        raw = f"{head}\nContent-Type: multipart/mixed; boundary=b\n\n{parts}--b--"
    return raw.replace("\n", "\r\n").encode()
