"""Read what a reply by mail says, from its whole new text with a closed vocabulary of eight languages.

`approve` means that every word of the text belongs to consent, politeness or the person's own name. One word more
("yes, but", "approve?", "ok let me check") and it is free text. A refusal may go on: the rest is its reason.

Others use `read_reply`, `read_html` and `read_both` with their `Said`, `binding`, `newtext` and the `vocabulary`. Pure:
who wrote the text, and whether they may decide, is never asked here.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from itertools import accumulate
from typing import Literal

from channels.email.reply import banners, marks, markup, signature, vocabulary
from channels.email.reply.lines import BLANK, LINE_CHARS
from channels.email.reply.newtext import NEW_TEXT_CHARS, SIGNATURE_LINES, NewText, Older, new_text
from channels.email.reply.stored import squashed

DECISION_CHARS = 2000
"""Longest text that can be a decision; a reason for a refusal fits, a discussion does not."""

SEGMENT_CHARS = 100
"""Longest piece between two punctuation marks that can be consent; it bounds the time of the patterns."""

DECISION_LINE_CHARS = 200
"""Longest line that can be consent, or a decision by itself."""

PHRASE_WORDS = 12
"""Most words of one phrase inside a longer piece; the vocabulary's longest has seven, greetings add names."""

TWO_BODIES = "its plain text and its HTML do not say the same"

_MARKS = ".!,;:\u3002\u3001\uff01\uff0c\uff0e\uff1b\uff1a\u00a1"
_SPLIT = re.compile(rf"[{_MARKS}\n]+|\s[-\u2013\u2014]+\s")
_QUESTION = re.compile(r"[?\uff1f\u00bf]")
_LINK = re.compile(r"<?(?:https?://|mailto:)[^\s<>]*[^\s<>?\uff1f!.,;:)]>?")
_GREETING = re.compile(
    rf"\s*(?i:{vocabulary.GREET}),? (?P<names>(?:[^\W\d_a-z][\w'-]*\.?|sayso|agent)(?: [^\W\d_a-z][\w'-]*){{0,2}})"
    r"[ \t]*(?:,+|(?=\n)|[-\u2013\u2014]+ )"
    r"|\s*\S{1,20}(?:様|さん|殿)[、,]?[ \t]*\n"
)
_TITLE = re.compile(r"(?:dr|prof|mr|mrs|ms|dipl|ing)\.?|(?:dr|dipl)\.-[a-z]{2,6}\.?|[bm]\.(?:sc|a|eng)\.?")
_IN_BRACKETS = re.compile(r"\(([^()]{2,9})\)")
"""Behind a name: a degree, or a department."""

_SIGNS_FOR = re.compile(r"(?:i\. ?[av]\.|ppa\.) ")
"""How people in German companies sign for them: `i. A. Bo Berg`."""

_BESIDE_NAME = re.compile(r"\s*[|,]\s*|\s+[-\u2013\u2014]\s+")
"""Between a name and a title on one line: `Bo Berg | Head of Release`."""

_TARGET = re.compile(r" ?<(?:mailto:)?([^<>\s]{1,500})>")
_LED_TO = re.compile(r" ?<(?:(?:https?://|mailto:|tel:)[^<>\s]{1,2000}|\+?\d{5,20})>")
"""Where a link leads, as Outlook writes it behind the words of the link, in the plain text alone: `www.a.example` leads
to `http://www.a.example`, and where a gateway looks at links, to a page of its own. Gmail leaves out `tel:`.
"""

_LOGO = re.compile(r"\[(?:image: )?([^\[\]]{1,500})\](?: ?<[^<>\s]{1,2000}>)?")
"""A picture in the plain text beside HTML: `[cid:image001.png@01DC]`, or the words that its HTML has in its place.

Outlook writes both, and behind them where a link of the picture leads; Gmail writes `[image: Logo]`.
"""

_IS_PICTURE = re.compile(r"cid:|https?://")
"""Begins where a picture comes from, in place of its words."""

_NUMBER = re.compile(r"^[ \t]*\d{1,2}[.)][ \t]+", re.MULTILINE)
"""Stands before a line of a list in the plain text alone: in HTML, whoever shows it counts."""

_ANSWER_WORDS = 3
_LABELLED = re.compile(r"\s*[^\s:\uff1a]+(?:\s[^\s:\uff1a]+){0,3}\s?(?::\s|\uff1a)")

_MINUS = re.compile(r"-(?=\d)")
_BY_PROGRAM = re.compile(vocabulary.every("picture_by_program"))
_SMILE = re.compile(r":-?\)")
_NOTATION = re.compile(r"[/\[\](){}<>=~\\]|(?:^|\s)(?:!|-(?!1))(?=[^\W\d_])", re.MULTILINE)
"""Marks of code, of a form or of a list of choices rather than of a sentence."""

_LEFT_OPEN = re.compile(r"\.\s*\.|…|(?<!:\+1)(?<!:thumbsup)[:\uff1a]\s*\Z")
"""Signs that somebody meant to go on."""

_AND = re.compile(r"\s(?:and|und|et|y|e|en|&)\s|\s?[/|+]\s?")
_PICTURES = re.compile(r"(👍|✅|👌|✔|☑)[\U0001f3fb-\U0001f3ff\ufe0f]*")
_FRIENDLY = re.compile(
    r"(?:👍|✅|👌|✔|☑|🙏|🎉|👏|🙌|💪|❤|♥|😀|😃|😄|😊|🙂|😉|;-?\)|:-?[)D])[\U0001f3fb-\U0001f3ff\ufe0f]*"
)
_AGREES_OR_ASKS = "👍✅👌✔☑💯❓❔🤔"
_FEELING = re.compile(
    rf"(?<=[\w{_MARKS}])[ \t]*(?:(?![{_AGREES_OR_ASKS}])[\u2600-\u27bf\U0001f300-\U0001faff]"
    rf"[\u200d\ufe0f\u2640\u2642\U0001f3fb-\U0001f3ff]*)++(?=[ \t]*(?:[{_MARKS}\n]|\Z))"
)
"""Pictures behind words, such as an angry face, that neither agree nor ask: a refusal stays one beside them."""

_LEADS = (vocabulary.ANSWER, vocabulary.POLITE, vocabulary.SORRY, vocabulary.CORRECTS)
_LEAD = rf"(?:{'|'.join(_LEADS)})".replace("|NAMES", "").replace("NAMES", "(?!)")
_ONE = rf"(?:{vocabulary.FIRM}|{vocabulary.SOFT})(?![\w'])"
# `no don't` refuses; `no pare` and `nicht stoppen` do not.
_NO_BEFORE = r"(?:(?:no|nope|nah|nein|nee) (?=(?:please |bitte )?(?:do not|don't|dont|never|nicht|niemals)(?!\w)))?"
# Possessive, so that a long run of blank lines is tried once and not in every division.
_STOP = r"(?=[ \t\u00a0]*[,.!\n\u3002\u3001\uff01\uff0c])[\s,.!\u3002\u3001\uff01\uff0c]++"
_TO_REASON = (
    rf"(?:(?=[ \t\u00a0]*[{_MARKS}\n])[\s{_MARKS}]++|\s+[-\u2013\u2014]+\s+|\s*\(|\s+(?=(?:{vocabulary.BECAUSE})\b)"
    rf"|\s+(?=(?:{vocabulary.LASTS})(?![\w-]))|\s+(?=(?:{vocabulary.BEGS})[ \t{_MARKS}]*(?:\n|\Z))|(?<=[a-z1]:)\s+"
    r"|(?<=[👎❌🚫⛔\U0001f3fb-\U0001f3ff\ufe0f])\s+|\Z)"
)
_BUT = r"(?:(?:but|aber|mais|pero|mas|ma|maar)\s+)?"
_MARKED = re.compile(r"[*_`]{1,3}(?P<words>[^*_`\s][^*_`\n]{0,60})[*_`]{1,3}")
"""Words that somebody marks up in chat, or in bold."""

_LABEL = re.compile(
    r"^(?:the )?(?:reason|grund|begrundung|begründung|motif|raison|motivo|reden|理由)(?: is)?\s?[:：]?\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Said:
    """The meaning of a reply. `text` is the new text without greeting and sign-off; `reason` the rest of a denial.

    `whole` is all of the new text, `asked` the answers written into a quote, each below its question. `unsure` says
    why a text that sounds like a decision is none. `older` is what the mail repeats of older ones, each version of its
    text by itself. `is_one`: its versions say the same; `has_more`: but for a footer in the HTML alone. `sent_on` and
    `is_below_quote` are as in `NewText`: what was sent on decides nothing. `beside` are the pieces that were taken for
    a signature, a footer or a banner, without what is so in any words.
    """

    said: Literal["approve", "deny", "free_text", "empty"]
    text: str
    reason: str = ""
    whole: str = ""
    asked: str = ""
    unsure: str = ""
    older: tuple[Older, ...] = ()
    is_one: bool = True
    has_more: bool = False
    sent_on: str = ""
    is_below_quote: bool = False
    beside: tuple[str, ...] = ()


def read_reply(body: str, author: str = "", *, marker: str = "", own: str = "", card: str = "") -> Said:
    """Read what `body`, the whole text of a reply, says.

    `author` is its writer's name, which may stand below it; `marker` a line that the mail it answers begins with, for
    answers to stand above it; `own` the address that mail came from, and `card` its plain text where that is known.

    Pure, and linear in the length of `body`.
    """
    return _said(new_text(body, marker, own, card), author)


def read_html(document: str, author: str = "", *, marker: str = "", own: str = "", card: str = "") -> Said:
    """Read what `document`, the HTML of a reply, says to somebody who looks at it."""
    return _seen(markup.as_text(document), author, marker, own, card)


def _seen(seen: markup.Seen, author: str, marker: str, own: str, card: str) -> Said:
    found = new_text(seen.text, marker, own, card)
    strays = tuple(each.what for each in seen.strays if each.is_quoted or each.line >= found.end)
    older = replace(found.older, heads=(*found.older.heads, *seen.heads), strays=strays)
    return _said(replace(found, unsure=found.unsure or seen.unsure, older=older), author)


def read_both(
    body: str | None, document: str | None, author: str = "", *, marker: str = "", own: str = "", card: str = ""
) -> Said:
    """Read a mail that has a plain text, HTML, or both. Two that decide differently decide nothing.

    A refusal in one of them is one where a line of the other refuses as well: programs write bullets, links and
    pictures in one text alone, and servers their banners, of which one may begin with `STOP!`.
    """
    if document is None:
        return read_reply(body or "", author, marker=marker, own=own, card=card)
    page = markup.as_text(document)
    seen = _seen(page, author, marker, own, card)
    if body is None or not body.strip(BLANK + "\n"):
        return seen
    new = new_text(body, marker, own, card)
    text, logos = _without_logos(new.text, author, page.pictures)
    if text != new.text:
        # What stands below a logo may be a footer, now that a blank line is above it.
        below = new_text(text, marker, own)
        new = replace(new, text=below.text, beside=(*new.beside, *below.beside, *logos))
    plain = _said(new, author)
    plain = replace(
        plain,
        older=(*plain.older, *seen.older),
        beside=(*plain.beside, *seen.beside),
        is_one=_letters(_without_contacts(plain.whole, author)) == _letters(_without_contacts(seen.whole, author)),
        is_below_quote=plain.is_below_quote or seen.is_below_quote,
    )
    if not plain.is_one:
        versions = [replace(plain, text=each(plain.text), whole=each(plain.whole)) for each in _SHORTER]
        plain = next(filter(None, (_as_one(each, page, seen, author) for each in versions)), plain)
    decides = {"approve", "deny"} & {plain.said, seen.said}
    no, other = (plain, seen) if plain.said == "deny" else (seen, plain)
    is_whole = not (page.unsure or plain.sent_on or seen.sent_on)
    if decides == {"deny"} and (plain.said == seen.said or (is_whole and _has_refusal(other.whole, author))):
        return replace(plain, said="deny", text=no.text, reason=no.reason)
    if decides and (plain.said != seen.said or _letters(plain.text) != _letters(seen.text)):
        return _undecided(plain, TWO_BODIES)
    if plain.said == seen.said == "free_text" and not plain.is_one and page.unsure:
        # What is struck out stands in the plain text as if it was not.
        return replace(plain, text=seen.text, whole=seen.whole, asked=seen.asked, unsure=page.unsure)
    return plain


def _has_refusal(text: str, author: str) -> bool:
    """Return whether a line of `text` refuses by itself, behind whatever a list has before it."""
    lines = _NUMBER.sub("", text[:DECISION_CHARS]).split("\n")
    return any(read_reply(line.lstrip(f"{BLANK}-*\u2022\u00b7"), author).said == "deny" for line in lines)


def _as_one(plain: Said, page: markup.Seen, seen: Said, author: str) -> Said | None:
    """`plain` as one with what was `seen`, where the HTML leaves out the numbers of a list, or has more lines below it,
    as servers put them there alone: these stand `beside` it then. Lines that say something of an answer are a part of
    it.
    """
    one, wanted = replace(plain, is_one=True), _letters(plain.whole)
    if plain.said == "free_text" and page.has_list and _letters(_NUMBER.sub("", plain.whole)) == _letters(seen.whole):
        return one
    if plain.said != seen.said or plain.said == "approve":
        return None
    if plain.said == "free_text" and wanted == _letters(seen.whole):
        return one
    lines, said = seen.whole.split("\n"), accumulate(len(_letters(line)) for line in seen.whole.split("\n"))
    at = next((at for at, count in enumerate(said, 1) if count >= len(wanted)), len(lines))
    above, added = "\n".join(lines[:at]), "\n".join(lines[at:]).strip()
    if seen.unsure or not added or _letters(above) != wanted:
        return None
    footer, one = _said(new_text(f"{above}\n\n{added}"), author), replace(one, has_more=True)
    if _letters(footer.whole) == wanted and not footer.unsure:
        return replace(one, beside=tuple(dict.fromkeys((*plain.beside, *footer.beside))))
    below = [line for line in lines[at:] if line.strip(BLANK)]
    if len(lines) - at > SIGNATURE_LINES or any(_may_answer(line) or _says_more(line, author) for line in below):
        return None
    return replace(one, beside=tuple(filter(None, (*plain.beside, _unusual(added, author)))))


def _may_answer(line: str) -> bool:
    """Return whether `line`, in the HTML alone, may be another answer or order: `3`, `Team: shop`. Servers write whole
    sentences and addresses.
    """
    is_short = len(line.split()) <= _ANSWER_WORDS and not signature.REACHED.search(line)
    return is_short or _LABELLED.match(line) is not None


def prepare() -> None:
    """Make the large patterns and load our own lines now, where the time of each mail is limited; else the first use
    does.
    """
    marks.prepare()
    signature.prepare()
    for make in (_consent, _firm, _refusing):
        make()


def is_courtesy(said: Said, author: str = "") -> bool:
    """Return whether a reply wants nothing: it is empty, or only thanks, a greeting or a friendly picture.

    Only where nothing was asked: to a question a thumb up is an answer.
    """
    if said.unsure or len(said.whole) > DECISION_CHARS:
        return False
    manners = _manners(author)
    return all(_is_mannered(line, manners) for line in _FRIENDLY.sub(" ", said.whole).split("\n"))


def is_decision(line: str) -> bool:
    """Return whether `line` alone would be read as an approval, or as a denial of at most `DECISION_LINE_CHARS`."""
    return len(line) <= DECISION_LINE_CHARS and _is_read_as_decision(line)


# A card is written twice, as text and as HTML, and most of its lines stand on others as well.
@lru_cache(maxsize=2_048)
def _is_read_as_decision(line: str) -> bool:
    return read_reply(line).said in ("approve", "deny")


def _undecided(said: Said, why: str) -> Said:
    return replace(said, said="free_text" if said.whole else "empty", reason="", unsure=said.unsure or why)


def _letters(text: str) -> str:
    """`text` without everything that a mail program changes between its two versions; a minus is no bullet."""
    plain = _MINUS.sub("\u2212", vocabulary.fold(text))
    return "".join(char for char in plain if not char.isspace() and char not in "*_-•·")


def _without_targets(text: str) -> str:
    """`text` without where a link leads, wherever its words say so: `cy@corp.example<mailto:cy@corp.example>`."""

    def shorter(found: re.Match[str]) -> str:
        before = text[max(0, found.start() - len(found[1])) : found.start()]
        return "" if before == found[1] else found[0]

    return _TARGET.sub(shorter, text)


_SHORTER = (str, _without_targets, partial(_LED_TO.sub, ""))
"""The plain text as it is, and without where links lead."""


def _without_logos(text: str, author: str, pictures: frozenset[str]) -> tuple[str, list[str]]:
    """`text` without those of `pictures` that stand below its writer's whole name, or right above it, or alone, and
    the words in place of these.
    """
    lines, logos = ["", *text.split("\n")] if pictures and len(text) <= NEW_TEXT_CHARS else [], list[str]()

    def left(found: re.Match[str]) -> str:
        words = " ".join(found[1].split())
        is_logo = words in pictures and not _says_more(words, author)
        logos.extend([words] if is_logo and not _IS_PICTURE.match(words) else ())
        return "" if is_logo else found[0]

    at = _signed_at(lines, author) if not lines or _LOGO.sub(left, text).strip(BLANK + "\n") else 1
    if at is None:
        return text, []
    while at > 2 and not _LOGO.sub(left, lines[at - 1]).strip(BLANK):
        at -= 1
    logos.clear()
    return "\n".join((*lines[1:at], _LOGO.sub(left, "\n".join(lines[at:])))), logos


def _says_more(words: str, author: str) -> bool:
    """Return whether the `words` in place of a picture may be part of an answer: somebody may have drawn a stamp."""
    plain = _BY_PROGRAM.sub("", vocabulary.fold(words).lower())
    if _IS_PICTURE.match(plain):
        return False
    is_moment = vocabulary.ONLY_MOMENT.fullmatch(plain) or vocabulary.NAMED_MOMENT.search(plain)
    is_doubtful = signature.decides(plain) or vocabulary.CAREFUL.search(plain) or _QUESTION.search(plain)
    return bool(is_moment or is_doubtful) or _refusal(words, _manners(author)) is not None


def _said(found: NewText, author: str) -> Said:
    """Read what the new text `found` says, and what older text stands beside it."""
    said = _said_alone(found, author)
    bare = replace(said, whole=_without_contacts(said.text, author))
    if (stop := banners.stop_in(found.banner)) and said.said in ("empty", "free_text") and is_courtesy(bare, author):
        # A server warns above what somebody says: where that is nothing, the stop may be theirs.
        said = _said_alone(replace(found, text=f"{stop}\n\n{found.text}"), author)
    pieces = (_unusual(piece, author) for piece in (*found.beside, *said.beside))
    beside = tuple(dict.fromkeys(filter(None, pieces)))
    return replace(said, older=(found.older,), is_below_quote=found.is_below_quote, beside=beside)


def _unusual(piece: str, author: str) -> str:
    """Those lines of a signature that are not its writer's name, politeness or dashes."""
    name, manners = _names_of(unicodedata.normalize("NFC", author)), _manners(author)
    lines = (line.strip(BLANK) for line in piece.split("\n"))
    shown = (line for line in lines if squashed(line) and not signature.is_dashes(line))
    return "\n".join(line for line in shown if not (_names_of(line) == name or _is_mannered(line, manners)))


def _said_alone(found: NewText, author: str) -> Said:
    whole = unicodedata.normalize("NFC", found.text[: NEW_TEXT_CHARS + 1])
    if not whole:
        return Said("empty", "", unsure=found.unsure)
    manners = _manners(author)
    text = whole if len(whole) > NEW_TEXT_CHARS else _without_manners(_without_greeting(whole), manners)
    said = Said("free_text", text, whole=whole, asked=found.asked, unsure=found.unsure, sent_on=found.sent_on)
    said = replace(said, beside=(_contacts_in(text, author),))
    # NFC turns the Greek question mark into a semicolon.
    if len(text) > DECISION_CHARS or "\u037e" in found.text or found.sent_on:
        return said
    bare = _without_contacts(text, author)
    is_passed_on = (
        _without_greeting(whole) != whole and vocabulary.ASKS_ANOTHER.search(vocabulary.fold(text)) is not None
    )
    if not is_passed_on and _is_consent(bare, manners):
        return said if found.unsure else replace(said, said="approve", text=bare)
    reason = _refusal(bare, manners)
    # What was cut away could take an approval back; a refusal stays one.
    return said if reason is None else replace(said, said="deny", text=bare, reason=reason)


# They take longer to make than all the rest here, and most processes that load this module read no mail.
@cache
def _consent() -> re.Pattern[str]:
    return re.compile(vocabulary.APPROVE)


@cache
def _firm() -> re.Pattern[str]:
    return re.compile(rf"(?:{vocabulary.FIRM})(?![\w'])")


@cache
def _refusing() -> re.Pattern[str]:
    # Atomic, because `best regards` is also `best` and `regards`: what was taken once is not divided again.
    return re.compile(
        rf"(?>{_LEAD}(?![\w'])[\s{_MARKS}]*(?:[-\u2013\u2014]+\s+)?{_BUT})*+"
        rf"(?P<words>{_NO_BEFORE}{_ONE}(?:{_STOP}{_ONE})*)(?!\s*(?:\.\.|…)){_TO_REASON}"
    )


@lru_cache(maxsize=1024)
def _manners(author: str) -> re.Pattern[str]:
    """Return the pattern of what may stand around a decision without being part of it, as a whole piece or line."""
    names = (word.strip(".,") for word in vocabulary.fold(unicodedata.normalize("NFC", author)).split())
    words = [name for name in names if name]
    safe = [name for name in words if not (vocabulary.NO_NAME.search(name) or _consent().fullmatch(name))]
    own = "|".join(map(re.escape, dict.fromkeys(safe))) or "(?!)"
    # Whoever writes all of it signs, whatever a part of it means.
    whole = re.escape(" ".join(words)) if safe and len(words) > 1 else "(?!)"
    named = rf"(?:(?:{own})(?: |\Z))++|{whole}"
    return re.compile(f"{vocabulary.POLITE}|{vocabulary.ANSWER}|{named}".replace("NAMES", own))


def _plain(text: str) -> str:
    """`text` folded; letters of other alphabets, such as a look-alike, stay as they are and match nothing."""
    return _PICTURES.sub(r" \1 ", vocabulary.fold(text.replace(":+1:", "👍"))).replace("*", "")


def _pieces(text: str) -> list[str]:
    return [
        piece for part in _SPLIT.split(_plain(text)) if (piece := " ".join(part.split()).strip("-\u2013\u2014~ /()"))
    ]


def _without_greeting(text: str) -> str:
    """`text` without `Hi Anna,` at its beginning, whoever is greeted there; all of it when nothing else is there."""
    greeting = _GREETING.match(text[:SEGMENT_CHARS])
    names = vocabulary.fold(greeting["names"] or greeting[0]) if greeting else ""
    if (
        greeting is None
        or vocabulary.CAREFUL.search(names)
        or any(vocabulary.NO_NAME.search(each.strip(".,、")) for each in names.split())
    ):
        return text
    return text[greeting.end() :].strip() or text


def _without_manners(text: str, manners: re.Pattern[str]) -> str:
    """`text` without greeting lines above and thanks and names below; all of it when nothing else is there."""
    lines = text.split("\n")
    while lines and _is_mannered(lines[-1], manners):
        lines.pop()
    lines.reverse()
    while lines and _is_mannered(lines[-1], manners):
        lines.pop()
    return "\n".join(reversed(lines)) or text


def _contacts_in(text: str, author: str) -> str:
    """The contacts that `_without_contacts` leaves out, and what may stand beside the name above them."""
    lines = text.split("\n")
    at = _signed_at(lines, author)
    return "" if at is None or _without_contacts(text, author) == text else "\n".join(lines[at:])


def _without_contacts(text: str, author: str) -> str:
    """`text` without the signature that begins with its writer's whole name, as Outlook's do, without any dashes."""
    manners = _manners(author)
    lines = text.split("\n")
    at = _signed_at(lines, author)
    if at is None or len(lines) - at > SIGNATURE_LINES:
        return text
    below = [part for line in lines[at + 1 :] if line.strip(BLANK) for part in signature.parts(line)]
    among = any(map(signature.REACHED.search, below))
    if not all(_is_contact(part, manners, among_contacts=among) for part in below):
        return text
    return _without_manners("\n".join(lines[:at]), manners)


def without_signature(text: str, author: str) -> str:
    """Return the new text of a mail without its writer's signature.

    A line that decides, refuses, or says when is none of a signature.
    """
    return _without_contacts(read_reply(text, author).whole, author).strip()


def is_signature(said: Said, author: str) -> bool:
    """Return whether somebody wrote nothing above the signature that their program adds.

    A name, or a name and a telephone number, may be the answer, and all of it below `answer:` is.
    """
    lines = [line for line in said.whole.split("\n") if line.strip(BLANK)]
    is_all = said.is_one and not (said.asked or said.sent_on or said.unsure) and len(lines) > 2 and ":" not in lines[0]
    is_reached = is_all and any(map(signature.REACHED.search, lines))
    return is_reached and without_signature(f"stop\n\n{said.whole}", author) == "stop"


def above_contacts(text: str, author: str) -> str:
    """Return what stands above the contacts of its writer and apart from them; nothing where none end `text`."""
    text = text.strip()
    bare, at = _without_contacts(text, author), _signed_at(text.split("\n"), author)
    is_apart = at is not None and bare != text and text.startswith(bare) and bare.count("\n") + 1 < at
    return bare if is_apart else ""


def _is_contact(text: str, manners: re.Pattern[str], *, among_contacts: bool = False) -> bool:
    return signature.is_contact(text, among_contacts=among_contacts) and _refusal(text, manners) is None


def _signed_at(lines: Sequence[str], author: str) -> int | None:
    """Return the last line, but not the first one, that is the whole name of `author`.

    Above a telephone number or the like their title may stand beside it: `Bo Berg | Head of Release`.
    """
    name, is_reached = _names_of(unicodedata.normalize("NFC", author)), False
    for at in range(len(lines) - 1, max(len(lines) - 2 * SIGNATURE_LINES, 0), -1) if name else ():
        line = lines[at][:LINE_CHARS]
        beside = _BESIDE_NAME.search(line[:SEGMENT_CHARS]) if is_reached else None
        is_titled = beside is not None and _names_of(line[: beside.start()]) == name
        if _names_of(line) == name or (beside and is_titled and _is_contact(line[beside.end() :], _manners(author))):
            return at
        is_reached = is_reached or signature.REACHED.search(line) is not None
    return None


def _names_of(line: str) -> list[str]:
    line = signature.without_pronouns(" ".join(line.split())) if len(line) <= SEGMENT_CHARS else ""
    plain = vocabulary.fold(line).lower()
    words = plain.removeprefix(signs[0] if (signs := _SIGNS_FOR.match(plain)) else "").split()
    return [word.strip(".,*_") for word in words if not _is_title(word)]


def _is_title(word: str) -> bool:
    beside = _IN_BRACKETS.fullmatch(word)
    return _is_contact(beside[1].strip(".").upper(), _manners("")) if beside else _TITLE.fullmatch(word) is not None


def _is_mannered(line: str, manners: re.Pattern[str]) -> bool:
    return len(line) <= SEGMENT_CHARS and all(
        manners.fullmatch(piece) or all(manners.fullmatch(each) for each in _AND.split(piece))
        for piece in _pieces(signature.without_pronouns(" ".join(line.split())))
    )


def _is_consent(text: str, manners: re.Pattern[str]) -> bool:
    """Return whether every word of `text` agrees or is polite, and at least one agrees."""
    text = _SMILE.sub(" ", text)
    if _LEFT_OPEN.search(text) or _NOTATION.search(text) or _QUESTION.search(text):
        return False
    if vocabulary.NO_CONSENT.search(vocabulary.fold(text)) or vocabulary.IF.search(text):
        return False
    if any(len(line) > DECISION_LINE_CHARS for line in text.split("\n")):
        return False
    if any(not _is_spelled(word, manners) for word in text.split()):
        return False
    pieces = _pieces(text)
    decides = [piece for piece in pieces if not manners.fullmatch(piece)]
    if any(len(piece) > SEGMENT_CHARS for piece in pieces):
        return False
    return bool(decides) and all(_is_made_of(piece, _consent(), manners) for piece in decides)


def _agrees(piece: str, manners: re.Pattern[str]) -> bool:
    """Return whether `piece` is consent, whatever politeness stands beside it."""
    if len(piece) > SEGMENT_CHARS or _is_made_of(piece, manners):
        return _consent().fullmatch(piece) is not None
    return _is_made_of(piece, _consent(), manners)


def _is_spelled(word: str, manners: re.Pattern[str]) -> bool:
    """Return whether `word` has accents only where the vocabulary or a name has them."""
    bare = word.strip(_MARKS + "*()\"'-").lower().replace("\u2019", "'").replace("\u00b4", "'")
    return (
        vocabulary.fold(bare) == bare
        or bare in vocabulary.SPELLED
        or manners.fullmatch(vocabulary.fold(bare)) is not None
    )


def _is_made_of(piece: str, *patterns: re.Pattern[str]) -> bool:
    """Return whether `piece` is made of what one of `patterns` matches, phrase after phrase.

    Word by word: one pattern for it would try every division.
    """
    parts, ends = piece.split(), [0]
    for end in range(1, len(parts) + 1):
        starts = (start for start in reversed(ends) if end - start <= PHRASE_WORDS)
        phrases = (" ".join(parts[start:end]) for start in starts)
        if any(pattern.fullmatch(phrase) for phrase in phrases for pattern in patterns):
            ends.append(end)
    return ends[-1] == len(parts)


def _refusal(text: str, manners: re.Pattern[str]) -> str | None:
    """The reason of a refusal, which may be empty; None when `text` is not clearly one."""
    found = _refusal_of(text, manners)
    return _refusal_of(_FEELING.sub("", text), manners) if found is None else found


def _refusal_of(text: str, manners: re.Pattern[str]) -> str | None:
    if marked := _MARKED.match(text):
        text = marked["words"] + text[marked.end() :]
    plain = vocabulary.fold(text).replace("*", " ")
    start = _refusing().match(plain)
    if start is None:
        return None
    firm = _firm().search(start["words"]) is not None
    return _clear(text[start.end() :].strip(), manners, firm=firm)


def _clear(reason: str, manners: re.Pattern[str], *, firm: bool) -> str | None:
    """`reason`, unless it takes the refusal back or turns it into a question; a link in it does neither."""
    said = _LINK.sub("link", reason)
    plain, pieces = vocabulary.fold(said), _pieces(said)
    if all(manners.fullmatch(piece) for piece in pieces):
        return ""
    if any(_agrees(piece, manners) for piece in pieces) or re.search(r"\bunless\b", plain):
        return None
    if not firm and (_QUESTION.search(plain) or vocabulary.DOUBT.search(plain)):
        return None
    return _LABEL.sub("", reason)
