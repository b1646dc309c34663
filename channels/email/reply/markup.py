"""HTML of a mail -> plain text as a person sees it, with quotes marked by `>`. No parser of others: bounded and linear.

What cannot be seen is left out, and remembered: a mail that hides text from its reader must not decide anything.
"""

import html
import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field, replace

from channels.email.reply import css
from channels.email.reply.lines import OLDER
from channels.email.reply.tags import TAG, tokens
from channels.email.reply.tags import attributes as attributes_of
from channels.email.reply.vocabulary import every

TOKENS = 12_000
"""Most tags that are read. A long thread has a few thousand."""

TOO_LONG = "its HTML is too long to be read whole; answer with less of the older mails below"

HTML_CHARS = 300_000
"""Longest HTML that is looked at."""

_VOID = re.compile(r"area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr")
_UNSEEN = re.compile(
    r"head|title|template|noscript|select|datalist|textarea|object|applet|iframe|audio|video|canvas|svg|math"
    r"|del|s|strike|dialog"
)
_UNSHOWN = re.compile(r"title|style|script|noscript|template|xml|[ow]:.*")
"""In a head. Other text there is none of it: whoever looks at the mail sees it."""

_BLOCKS = re.compile(
    r"address|article|aside|blockquote|body|center|dd|details|div|dl|dt|fieldset|figure|footer|form|h1|h2|h3|h4"
    r"|h5|h6|header|hr|html|li|main|nav|ol|p|pre|section|summary|table|tbody|tfoot|thead|tr|ul"
)
_STYLE, _STYLE_END = re.compile("<style", re.IGNORECASE), re.compile("</style", re.IGNORECASE)
_QUOTE_NAME = re.compile(rf"(?:(?<![^_-])|(?<![^_-])ydp\w{{0,12}}?)(?:quote|(?:cite|{every('quote_name')})(?![^_-]))")
_OLDER_NAMES = re.compile(every("older_name"))
RULE = "\u2014" * 20
"""Stands for a line drawn across the page above what looks like the header of an older mail; no signature begins so."""

_LABELLED = re.compile(r"[^\s:\uff1a][^:\uff1a<>@]{0,24}[:\uff1a]")
NAMES = 100
"""Most names of one element that are looked at; what carries more is made to be slow."""

NAME_CHARS = 200
_TRACKED = "\u1427"
"""The sign that programs which track who opens a mail hide in it."""

PICTURE = "\ufffc"
"""Stands for what is seen and is no text, as in the plain texts of Apple Mail."""

_SHOWS = re.compile(
    r"img|image|picture|source|input|button|textarea|select|meter|progress|object|embed|applet|i?frame|video|audio"
    r"|canvas|svg|math|map|area|base|link|marquee|v:.*"
)
"""Elements that show something else than their text, or change where links lead; no card of ours has one."""

_LOADS = frozenset(("src", "srcset", "background", "poster", "data"))
_DRAWS = re.compile(
    r"url\s*\(|image-set|\\|symbols\s*:|@import|@counter-style|content\s*:\s*(?:attr|counter)"
    r"|(?:\A|[;{}])\s*+(?!font|mso-|-?src)[\w-]++\s*+:[^;{}\"']*+[\"']",
    re.IGNORECASE,
)
"""In a style: what loads a picture or a font, or writes letters; the names of fonts have quotes, too."""
_SPACE = re.compile(r"[ \t\r\n\f]+")
_SYMBOLS = re.compile(r"[^\x00-\u1fff]{1,8}")


@dataclass
class _Element:
    name: str
    hidden: bool = False
    quoted: bool = False
    gmail: bool = False
    pre: bool = False
    frame: bool = False


@dataclass(frozen=True)
class Stray:
    """What the text does not say of its line `line`: a picture, where a link leads, letters that can't be seen."""

    line: int
    is_quoted: bool
    what: str


@dataclass
class Seen:
    """The part of an HTML text that a person sees. `unsure` says what makes it unfit to decide.

    `heads` is what stands in the frame that Gmail puts around a quote, above the quote itself: nobody who is quoted can
    have written it. `pictures` are the words that stand in place of its pictures, and where they come from. `has_list`:
    whoever shows it counts lines that are not quoted.
    """

    text: str
    unsure: str = ""
    heads: tuple[str, ...] = ()
    strays: tuple[Stray, ...] = ()
    pictures: frozenset[str] = frozenset()
    has_list: bool = False


def as_text(document: str) -> Seen:
    """The visible text of `document`: lines of quotes begin with `> `, one older mail behind a mark of its own."""
    page = _Page()
    page.hidden_names, draws = _of_sheets(document)
    if draws:
        page.strays.append(Stray(0, is_quoted=True, what=PICTURE))
    for token in tokens(document[:HTML_CHARS]):
        if not page.take(token):
            break
    return page.seen(too_long=len(document) > HTML_CHARS)


def _of_sheets(document: str) -> tuple[frozenset[str], bool]:
    """The names that the mail's own style sheets hide, and whether these draw pictures or letters."""
    names, draws, at = frozenset[str](), False, 0
    for _ in range(50):
        start = _STYLE.search(document, at)
        if start is None:
            break
        end = _STYLE_END.search(document, start.end())
        at = end.start() if end else len(document)
        sheet = document[start.end() : at]
        names |= css.hidden_by(sheet)
        draws = draws or _DRAWS.search(sheet) is not None
    return names, draws


@dataclass
class _Page:
    hidden_names: frozenset[str] = frozenset()
    strays: list[Stray] = field(default_factory=list[Stray])
    pictures: set[str] = field(default_factory=set[str])
    _heads: list[str] = field(default_factory=list[str])
    _is_head: bool = False
    _has_quote: bool = False
    _has_list: bool = False
    _stack: list[_Element] = field(default_factory=list[_Element])
    _open: Counter[str] = field(default_factory=Counter[str])
    _lines: list[str] = field(default_factory=list[str])
    _line: list[str] = field(default_factory=list[str])
    _line_quoted: bool = False
    _line_shown: bool = False
    _below_rule: bool = False
    _unsure: str = ""
    _count: int = 0

    def take(self, token: str) -> bool:
        """Deal with one token; False when there were too many."""
        self._count += 1
        if self._count > TOKENS:
            self._unsure = TOO_LONG
            return False
        tag = TAG.match(token) if token.startswith("<") else None
        if tag is None:
            if not token.startswith("<"):
                self._text(token)
        elif tag[1]:
            self._close(tag[2].lower())
        else:
            self._start(tag[2].lower(), token)
        return True

    def seen(self, *, too_long: bool) -> Seen:
        """Everything taken so far."""
        self._break()
        # Of several empty lines one is left, and none at the top.
        kept = [i for i, line in enumerate(self._lines) if line or (i and self._lines[i - 1])]
        text = "\n".join(self._lines[i] for i in kept).rstrip("\n")
        strays = tuple(replace(each, line=bisect_left(kept, each.line)) for each in self.strays)
        heads = ("\n".join(self._heads),) if self._heads else ()
        unsure = self._unsure or (TOO_LONG if too_long else "")
        return Seen(text, unsure, heads, strays, frozenset(self.pictures), self._has_list)

    def _start(self, name: str, token: str) -> None:
        if _BLOCKS.fullmatch(name):
            self._close("head")
            self._break()
        attributes, top = attributes_of(token), self._stack[-1] if self._stack else _Element("")
        names = _names(attributes)
        if name == "br":
            self._break(always=True)
        elif name in ("td", "th"):
            self._add(" ", quoted=self._line_quoted)
        elif name == "input" and attributes.get("type", "").lower() in ("checkbox", "radio"):
            self._text("\u2611" if "checked" in attributes else "\u2610")
        elif name == "hr":
            self._below_rule = not top.quoted and not top.hidden
        elif name == "img":
            self._picture(attributes.get("alt", ""), attributes.get("src", ""))
        if any(map(_OLDER_NAMES.search, names)) and not top.quoted and not top.hidden:
            self._break()
            self._lines.append(OLDER)
        gmail = name == "div" and any("gmail_quote" in each for each in names)
        quoted = (
            top.quoted
            or gmail
            or (name == "blockquote" and _is_quote(names, attributes))
            or any(map(_QUOTE_NAME.search, names))
        )
        self._look(name, attributes, quoted=quoted)
        if _VOID.fullmatch(name) or (token.endswith("/>") and ":" in name):
            return
        self._has_list = self._has_list or (name == "ol" and not quoted)
        self._has_quote = self._has_quote or (quoted and name == "blockquote")
        hidden = top.hidden or _UNSEEN.fullmatch(name) is not None or self._hides(name, attributes)
        frame = (gmail and not top.quoted) or (top.frame and name != "blockquote")
        pre = top.pre or name == "pre" or "pre" in re.findall(r"white-space\s*:\s*(pre)", attributes.get("style", ""))
        self._stack.append(_Element(name, hidden, quoted, gmail and not top.quoted, pre, frame))
        self._open[name] += 1

    def _look(self, name: str, attributes: dict[str, str], *, quoted: bool) -> None:
        """Remember of an element what its text does not say."""
        if name == "a" and attributes.get("href", "").strip():
            self._remember(attributes["href"].strip(), quoted=quoted)
        loads = any(attributes.get(each) for each in _LOADS)
        if loads or _SHOWS.fullmatch(name) or _DRAWS.search(attributes.get("style", "")):
            # Programs make the ground of a mail they answer that of the whole page.
            self._remember(PICTURE, quoted=quoted or name == "body")

    def _remember(self, what: str, *, quoted: bool) -> None:
        """Remember `what` of the line that it stands on; at the beginning of one that is not quoted, of that above."""
        line = len(self._lines) - (not quoted and not self._line_shown)
        self.strays.append(Stray(max(line, 0), quoted, what))

    def _close(self, name: str) -> None:
        if _BLOCKS.fullmatch(name):
            self._break(always=name == "p")
        if not self._open[name]:
            return
        while True:
            element = self._stack.pop()
            self._open[element.name] -= 1
            if element.name == name:
                break
        top = self._stack[-1] if self._stack else None
        # Between the pieces of a quote that Gmail has cut up stand the answers.
        if name == "blockquote" and top is not None and top.gmail:
            top.quoted = top.gmail = False

    def _text(self, token: str) -> None:
        top = self._stack[-1] if self._stack else _Element("")
        text = html.unescape(token)
        if top.hidden:
            if (
                text.strip() not in ("", _TRACKED)
                and not top.quoted
                and not (self._inside_head() and _UNSHOWN.fullmatch(top.name))
            ):
                self._unsure = self._unsure or "its HTML holds text that can't be seen"
            elif text.strip() and top.quoted:
                self._remember(text, quoted=True)
            return
        if top.pre:
            first, *rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            self._add(first, quoted=top.quoted)
            for line in rest:
                self._break(always=True)
                self._add(line, quoted=top.quoted)
            return
        self._add(_SPACE.sub(" ", text), quoted=top.quoted)

    def _add(self, text: str, *, quoted: bool) -> None:
        is_shown = not text.isspace() and text != ""
        if quoted != self._line_quoted and self._line_shown:
            self._break()
        if is_shown:
            self._line_quoted, self._line_shown = quoted, True
            self._is_head = not self._has_quote and bool(self._stack) and self._stack[-1].frame
        if self._line_shown:
            self._line.append(text)

    def _picture(self, alt: str, source: str) -> None:
        """A picture of an emoji stands for it; any other has nothing to say."""
        if _SYMBOLS.fullmatch(alt):
            self._text(alt)
        else:
            self.pictures.update(" ".join(html.unescape(each).split()) for each in (alt, source) if each)

    def _break(self, *, always: bool = False) -> None:
        line = "-- " if self._line == ["-- "] else "".join(self._line).strip(" \t")
        top = self._stack[-1] if self._stack else None
        if line:
            if self._below_rule and not self._line_quoted and _LABELLED.match(line):
                self._lines.append(RULE)
            self._below_rule = False
            if self._is_head:
                self._heads.append(line)
            self._lines.append(f"> {line}" if self._line_quoted else line)
        elif always and not (top is not None and top.hidden):
            self._lines.append(">" if top is not None and top.quoted else "")
        self._line, self._line_shown, self._line_quoted = [], False, bool(top is not None and top.quoted)

    def _inside_head(self) -> bool:
        return bool(self._open["head"]) and not self._open["body"]

    def _hides(self, name: str, attributes: dict[str, str]) -> bool:
        if "hidden" in attributes or name == "bdo":
            return True
        if name == "font" and (css.hides(f"color:{attributes.get('color', '')}") or attributes.get("size") == "0"):
            return True
        if "style" in attributes and css.hides(attributes["style"]):
            return True
        own = {
            "*",
            name,
            *(f".{each}" for each in attributes.get("class", "").lower().split()),
            f"#{attributes.get('id', '').lower()}",
        }
        return not own.isdisjoint(self.hidden_names)


def _names(attributes: dict[str, str]) -> list[str]:
    """The classes of an element and its id, by which programs mark what they quote."""
    written = f"{attributes.get('id', '')} {attributes.get('class', '')}".lower()
    return [name[:NAME_CHARS] for name in written.split(maxsplit=NAMES)[:NAMES]]


def _is_quote(names: list[str], attributes: dict[str, str]) -> bool:
    """Return whether a blockquote quotes. Buttons to indent (Gmail's and others') make one with no border or name."""
    style = attributes.get("style", "").replace(" ", "").lower()
    indents = "border:none" in style and "margin" in style and "type" not in attributes and "cite" not in attributes
    return not (indents and not names)
