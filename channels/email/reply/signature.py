"""Find the lines a mail program or a company adds below every mail: `Sent from my …`, `-- `, legal footers."""

import re
from functools import cache

from channels.email.reply import vocabulary
from channels.email.reply.lines import BLANK, LINE_CHARS, Lines
from channels.email.reply.vocabulary import every

_SENT_FROM, _SENT_BY, _PROGRAM = rf"(?:{every('sent_from')})(?:(?<=['-])|(?!\w))", every("sent_by"), every("program")
_DEVICE = f"{_PROGRAM}|{every('device')}"
_ON_DEVICE = rf"(?: (?:{every('for')}|{every('on')}) (?:(?:{every('my')}) )?(?:{every('platform')}))?"
_LINK = re.compile(r"\s?[<(\[]\s?https?://[^\s>)\]]*\s?[>)\]]|\s?<?mailto:[^\s>]*>")
_SENT = re.compile(
    rf"(?:\W{{0,3}}{_SENT_FROM}\s?(?P<before>(?:[^\s,;:]{{1,20}} ){{0,5}}?)(?:verizon, )?"
    rf"(?:{_DEVICE})\b(?:'a|-\w{{2,10}})?"
    rf"(?P<behind>(?: (?!(?:{every('goes_on')})\b)[^\s,;:]{{1,20}}){{0,5}})(?:, (?:{every('a')})(?P<more> .{{1,40}}))?"
    rf"(?:\. get the app)?(?:[,.;:]? ?(?:please )?(?:{every('excuse')})\b(?P<excused>.{{0,80}}))?"
    rf"|(?:{every('on_the_go')})\.?"
    rf"|\W{{0,3}}(?:{every('secured_by')}) (?:{_PROGRAM}){_ON_DEVICE}(?: secure e-?mail)?\.?"
    rf"|\W{{0,3}}(?:{every('get_app')}) (?:{every('the')})?(?:new )?(?:{_PROGRAM}){_ON_DEVICE}\.?"
    rf"|(?:{every('scanned_by')})(?P<by> .{{1,40}})(?:{every('antivirus')})(?P<found>.{{0,40}})"
    rf"|(?:{every('virus_free')})[. ]{{1,3}}(?:www\.)?(?:{every('antivirus_site')})\.com"
    rf"|(?:{every('program_for')}) (?:{every('for')})(?P<on> .{{1,20}})(?:{every('app_gotten')})"
    rf"|(?:{_SENT_BY})(?P<named> .{{1,30}})\bmail\b(?P<than>.{{0,20}})|{every('footer')})"
)
_OPEN = ("before", "behind", "more", "excused", "by", "found", "on", "named", "than")
"""The parts of such a line in which any name may stand, such as that of a phone."""

_USUAL = re.compile(
    rf"(?:{_DEVICE}|{every('platform')}|{every('my')}|{every('a')}|{every('for')}|{every('on')}|{every('footer_word')})"
)
_WORDS = re.compile(r"[\w+]+")
_PAGE = re.compile(rf"[<(\[]\s?https?://(?:{every('page')})")
_PAGE_WORDS = 8
"""Most words of a program's own line that leads to its page."""

_NO_NEW_WORDS = re.compile(rf"\b(?:{every('says_more')})\b|[?!]")
_DASHES = re.compile(r"-{2,}|\u2014|\u2013\u2013|_{2,}|[\u2501\u2500\u2550\uff3f\uff1d=*~]{6,}")
_LEGAL = re.compile(rf"\W{{0,4}}(?:{every('legal')})")
_LEGAL_WITHIN = re.compile(rf"\b(?:{every('legal_within')})\b")
_LEGAL_WITHIN_CHARS = 120
_LEGAL_WORDS = re.compile(rf"({every('legal_words')})")
_OF_CHANGES = frozenset(every("of_changes").split("|"))
"""Words of legal footers that alone, in a condition, may be about what is decided."""

_DECIDES = re.compile(rf"\b(?:{every('decides')})\b")

CONTACT_CHARS = 120
"""Longest line of a signature."""

REACHED = re.compile(r"(?:\+|\b0)[\d ()/.-]{5,}\d|\S@\S+\.\w|\bwww\.|https?://", re.IGNORECASE)
"""A way to reach somebody: a telephone number, an address, a page."""

_WAY = r"\S[^\s@]*+@\S+|(?:https?://|www\.)\S+|(?:\+|\(?\b0)[\d ()/.-]{5,}\d"
_BESIDE_WAY = re.compile(
    rf"{_WAY}|(?<![\w.-])(?:[^\W\d_][\w-]{{0,14}}\.?\s?:(?=\s|\Z)|(?:{every('contact_label')})\b\.?)", re.IGNORECASE
)
"""The ways to reach somebody in a line, and what names each: `tel. 030 1234567`, `E-Mail: bo@corp.example`."""

POSTSCRIPT = re.compile(r"\W{0,3}(?:p\.? ?s\.?|n\.? ?b\.?|p\.? ?d\.?|追伸)(?:\s?[:\uff1a.,-]|\s+(?=\w))")
"""Begins what somebody adds below their name."""

_BESIDE = re.compile(r"\s*[|,/\u2022\u00b7]\s*|\s+[-\u2013\u2014]\s+")
"""Between the parts of a line of contacts."""

_COUNTED = re.compile(r"\d+[^\W\d_]{0,3}")
"""A number as addresses have it: `4th Floor`, `EC1A 1BB`."""

_JOINING = frozenset(("", *every("joins").split("|")))
_SPOKEN_OF = (
    rf"(?:(?:{every('pronouns_label')})[:-]? ?)?(?:{every('pronouns')})"
    rf"(?: ?/ ?(?:{every('pronouns')}|{every('pronouns_on')})){{1,3}}"
)
_PRONOUNS = re.compile(
    rf"(?:\A|(?P<bare> )|[ ,]{{0,2}}[|,(\[] ?| [-\u2013\u2014] ){_SPOKEN_OF}[)\]]? ?(?=[|,]|\Z)", re.IGNORECASE
)
_COMPANY = re.compile(rf"\b(?:{every('company')})\.")
_REGISTERED = re.compile(rf"\b(?:{every('registered')}):", re.IGNORECASE)
_NO_CONTACT = re.compile(rf"\b(?:{every('no_contact')})\b")
_NUMBER = re.compile(r"\bno\.?:? ?(?=\w*\d|[a-z]{2,3} \d{3})")
"""Before a number, such as that of a company: `VAT No. GB 123456789`."""

_BARS = re.compile("[|\u2022\u00b7]")
_POLITE = re.compile(vocabulary.POLITE.replace("NAMES", "(?!)"))
_SENTENCE_ENDS = re.compile(rf"(?:{every('ends')})[。！!]?\Z")
_ASKS = re.compile(rf"(?:{every('asks')})$")
_ORDERS = re.compile(rf"(?!call cent(?:er|re)\b)(?:{every('asks')})(?!\S)")
"""Begins what somebody is to do, `Ask Cy`, and no title but `Call Center Manager`."""


def is_footer(lines: Lines, at: int, *, any_name: bool = True) -> bool:
    """Return whether line `at` is the mail program's own: which device or program it was sent from; `any_name`: also
    by a name that no list has.

    In words not known only a link to the program's own page says so: `nur Outlook` may be somebody's answer.
    """
    linked = lines.folded(at)
    text = _LINK.sub("", linked).strip()
    if not text or len(text) > 160:
        return False
    if any_name and _PAGE.search(linked) and len(text.split()) <= _PAGE_WORDS and _says_nothing(text):
        return True
    found = _SENT.fullmatch(text)
    if found is None or _NO_NEW_WORDS.search(text.replace("yahoo!", "yahoo")):
        return False
    said = _WORDS.findall(lines.raw[at][:LINE_CHARS]) if any_name else ()
    names = {vocabulary.fold(word).lower() for word in said if _is_name(word)}
    words = (word for part in _OPEN for word in _WORDS.findall(found[part] or ""))
    return all(word in names or _USUAL.fullmatch(word) for word in words) and not _says_when(text)


def _is_name(word: str) -> bool:
    """Return whether `word` has a capital letter or a digit, as the names of phones and companies do."""
    return not word.islower() or any(map(str.isdigit, word))


def _says_when(text: str) -> bool:
    """Return whether the folded `text` names a day, a month or a length of time."""
    return vocabulary.NAMED_MOMENT.search(text) is not None


def _says_nothing(text: str) -> bool:
    """Return whether nothing in the folded `text` decides or doubts."""
    return not (decides(text) or vocabulary.CAREFUL.search(text) or _NO_NEW_WORDS.search(text.replace("yahoo!", "")))


def begins_signature(lines: Lines, at: int) -> bool:
    """Return whether line `at` separates a signature from the text: `-- ` (RFC 3676, 4.3) and its likes."""
    return is_dashes(lines.raw[at][:LINE_CHARS].strip(BLANK))


def is_dashes(line: str) -> bool:
    """Return whether nothing but dashes stands on `line`."""
    return bool(line) and _DASHES.fullmatch(line.replace(" ", "") if len(line) < 100 else line) is not None


def begins_legal(lines: Lines, at: int) -> bool:
    """Return whether the paragraph that begins on line `at` is a company's legal footer."""
    text = lines.folded(at)
    if not text or (at > 0 and not lines.is_blank(at - 1)):
        return False
    end = next((i for i in range(at, min(at + 3, len(lines))) if lines.is_blank(i)), min(at + 3, len(lines)))
    joined = [" ".join(map(lines.folded, range(i, end))) for i in range(at, end)]
    if _LEGAL.match(joined[0]):
        return True
    # What stands above its words is the name of a company, or what somebody says.
    within = (_LEGAL_WITHIN.search(below, 0, _LEGAL_WITHIN_CHARS) for below in joined)
    held = next((i for i, found in enumerate(within, at) if found and found.start() < len(lines.folded(i))), None)
    return held is not None and all(is_contact(lines.raw[i], among_contacts=True) for i in range(at, held))


def decides(text: str) -> bool:
    """Return whether the folded `text` speaks as a person does who decides something."""
    return _DECIDES.search(text) is not None


def is_prose(line: str) -> bool:
    """Return whether `line`, below a line of dashes that need not begin a signature, is somebody's sentence.

    Names, titles and addresses begin with one, or hold a number or a sign.
    """
    plain = line.strip(BLANK)
    parts = plain.split()
    if _SENTENCE_ENDS.search(plain) or _is_sentence(plain, parts):
        return True
    if (
        len(parts) < (2 if _ASKS.match(parts[0].lower()) else 4)
        or not (plain[0].islower() or _ASKS.match(parts[0].lower()))
        or re.search(r"[@|]|www\.|://|\d{4}|^\S{1,10}:", plain)
    ):
        return False
    return sum(part[0].islower() for part in parts) >= len(parts) / 2


def _is_sentence(plain: str, parts: list[str]) -> bool:
    """Return whether `plain` is a sentence by its shape: some words, most of them small, and a full stop."""
    ends = plain.endswith((".", "!", "?", "\u3002", "\u06d4", "\u0964"))
    return ends and len(parts) >= 6 and sum(not part[0].isupper() for part in parts) > len(parts) / 2


def is_usual(line: str, *, is_reached: bool) -> bool:
    """Return whether `line`, below a line of dashes that need not begin a signature, is one of those that signatures
    hold: a name, a title, an address, politeness. `is_reached`: a telephone number or the like stands among them, and
    then so may names in letters of which there are no capitals.
    """
    plain = line[:LINE_CHARS].strip(BLANK)
    folded = vocabulary.fold(plain).lower()
    if is_contact(plain, among_contacts=is_reached) or _POLITE.fullmatch(folded.strip(" ,.!")):
        return True
    has_case = any(char.islower() or char.isupper() for char in _BESIDE_WAY.sub(" ", plain))
    return is_reached and not has_case and not _SENTENCE_ENDS.search(plain) and _says_nothing(folded)


def parts(line: str) -> list[str]:
    """Return what a law wants below a company's mails, as `Managing Director: Cy Cole | Registered in London`, piece by
    piece and without its labels, and any other line whole: nothing may hide behind a label or a bar.
    """
    found = [*_REGISTERED.split(line[:LINE_CHARS]), line[LINE_CHARS:]]
    if len(found) == 2:
        return [line]
    pieces = (piece.strip(BLANK) for each in found for piece in _BARS.split(each))
    return list(filter(None, pieces))


def without_pronouns(line: str, *, bare: bool = True) -> str:
    """Return `line` without how its writer wants to be spoken of: `Bo Berg (he/him)`; `bare`: also without a mark."""
    found = _PRONOUNS.search(vocabulary.fold(line)) if "/" in line and len(line) <= CONTACT_CHARS else None
    if found is None or (found["bare"] and not bare):
        return line
    return line[: found.start()] + line[found.end() :]


def is_contact(line: str, *, among_contacts: bool) -> bool:
    """Return whether `line`, below its writer's name, is a title, a company or an address: a signature without dashes.

    A line that could say anything else is none; `among_contacts`, beside a telephone number or the like, it may hold
    numbers of its own.
    """
    line = without_pronouns(line, bare=False)
    text, parts = vocabulary.fold(line.strip(BLANK)).lower(), line.split()
    if len(line) > CONTACT_CHARS or len(parts) > 12 or decides(text) or vocabulary.CAREFUL.search(text):
        return False
    if vocabulary.NAMED_MOMENT.search(text) or any(map(vocabulary.ONLY_MOMENT.fullmatch, _BESIDE.split(text))):
        return False
    if POSTSCRIPT.match(text) or _NO_CONTACT.search(text):
        return False
    is_reached = REACHED.search(line) is not None
    # What stands beside a telephone number or the like is judged as any other line is: `Ask cy@corp.example`.
    line = _BESIDE_WAY.sub(" ", line) if is_reached else line
    if re.search(r"[?!:=]|\.\Z", _COMPANY.sub("", line)) or _ORDERS.match(text):
        return False
    spelled = [part.strip(",;|()[]<>/&-\u2013\u2014\u2022\u00b7") for part in line.split()]
    is_titled = all(part[:1].isupper() or part.lower() in _JOINING or _COUNTED.fullmatch(part) for part in spelled)
    return is_titled and (is_reached or among_contacts or not re.search(r"\d", line))


def has_remark(line: str, *, is_edge: bool = False) -> bool:
    """Return whether a few words in `line`, of a legal footer, may take an answer back: `HRB 12345 | refused`.

    Small letters at its beginning may go on with the line above; at the edge of a paragraph in its own words alone.
    """
    pieces = (piece.strip(BLANK) for each in _REGISTERED.split(line[:LINE_CHARS]) for piece in _BARS.split(each))
    judged = (piece for at, piece in enumerate(pieces) if piece and (at or is_edge or piece[0].isupper()))
    return any(map(_is_remark, judged))


def _is_remark(piece: str) -> bool:
    if len(piece.split()) > 6 or piece.endswith((".", ",")):
        return False
    text = _NUMBER.sub("", vocabulary.fold(piece).lower())
    goes_on = piece[0].islower() and not _OF_CHANGES.issuperset(_LEGAL_WORDS.findall(text))
    return not goes_on and (vocabulary.CAREFUL.search(text) is not None or refuses(text))


def prepare() -> None:
    """Make the large pattern now."""
    _refusal()


def refuses(text: str) -> bool:
    """Return whether the folded line `text` is a refusal alone, or says what no signature does: `freeze production`."""
    return _NO_CONTACT.search(text) is not None or _refusal().fullmatch(text.strip(" .!,")) is not None


# It takes long to make, and most mails have no signature.
@cache
def _refusal() -> re.Pattern[str]:
    return re.compile(rf"(?:{vocabulary.FIRM}|{vocabulary.SOFT})(?: (?:{vocabulary.BEGS}))?")


def is_legal(paragraph: str, *, below_another: bool) -> bool:
    """Return whether the folded `paragraph` speaks as legal footers do, and never as a person who decides."""
    heard = set(_LEGAL_WORDS.findall(paragraph))
    if len(heard) == 1 and heard <= _OF_CHANGES and vocabulary.CAREFUL.search(paragraph):
        return False
    return len(heard) >= (1 if below_another else 2) and not decides(paragraph)
