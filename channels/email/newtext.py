"""What a person newly wrote in a reply: the text without quotes, signature and the mail program's own lines.

Cuts too little rather than too much: a quoted line left in makes a reply unclear, which is harmless, but a person's
own line taken out ("only on staging") could turn a condition into an approval. So what stands below a signature, or in
a quote without `>`, whose end can't be seen, stays where it holds a doubt or a refusal.
"""

import re
from itertools import islice

LINE_CHARS = 1000
"""How much of a line is looked at; no line a mail program writes around a quote is longer."""

NEW_TEXT_CHARS = 32 * 1024
"""Longest new text; what is longer is not answered by a machine that reads closed sentences."""

CUT_LINES = 20_000
"""Most lines that are searched for a doubt and cut; where more follow, nothing is cut and the reply is unclear."""

UNTIL = "Answers count until"
REFERENCE = "Reference:"
"""Begin the last lines of every card; above them, in a quote without `>`, are our own words."""

_ATTRIBUTION_LINES = 3
_HEADER_LINES = 8
_BLANK = " \t\r\u00a0\u200b\ufeff"
_MOMENT = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[:.]\d\d\b")
_ORIGINAL = re.compile(
    r"-{2,}\s*(?:original message|forwarded message)\s*-{2,}|begin forwarded message:", re.IGNORECASE
)
_OUTLOOK_NEXT = re.compile(r"\s*\*?(?:sent|date|to|subject):", re.IGNORECASE)
_SENT_FROM = re.compile(
    r"(?:sent (?:from|with|via)|get)(?: (?:my|a|the|for|on|iphone|ipad|ios|android|phone|mobile|smartphone|tablet"
    r"|device|samsung|galaxy|pixel|huawei|xiaomi|blackberry|windows|mail|outlook|gmail|yahoo|proton|app)){1,6}\.?"
    r"|von meinem (?:iphone|ipad|handy|smartphone) gesendet|envoyé de mon (?:iphone|ipad|téléphone)"
    r"|verstuurd vanaf mijn (?:iphone|ipad|telefoon)|enviado (?:do meu|desde mi) (?:iphone|ipad)"
    r"|inviato da(?:l mio)? (?:iphone|ipad)|(?:iphone|ipad)から送信",
    re.IGNORECASE,
)
_HEADER = re.compile(r"\s*\*?(?:from|sent|date|to|cc|subject|reply-to):", re.IGNORECASE)
_DOUBT = re.compile(
    r"\b(?:but|if|only|not?|nope|nah|wait|until|unless|except|when|after|before|once|never|staging|hold|instead|cannot"
    r"|(?:do|wo|ca|must|is|are|should|does)n['\u2019]?t|den(?:y|ied)|reject(?:ed)?|refused?|declined?|(?:dis|un)approved?|veto(?:ed)?"
    r"|object|disagree|stop|abort|cancel(?:l?ed)?|maybe|perhaps|actually|second thought|later)\b|[?👎❌🚫⛔]|:-1:",
    re.IGNORECASE,
)


def new_text(body: str) -> str:
    """The lines of `body` that this person wrote, trimmed. Linear in the length of `body`.

    A text longer than `NEW_TEXT_CHARS` comes back longer than that, though not whole.
    """
    lines, kept, size, at, may_end = body.split("\n"), list[str](), 0, 0, True
    while at < len(lines) and size <= NEW_TEXT_CHARS:
        line = lines[at]
        if _is_quoted(line):
            at += 1
            continue
        if may_end and _ends_here(lines, at):
            if len(lines) - at <= CUT_LINES and not _DOUBT.search("\n".join(_perhaps_own(lines, at))):
                break
            may_end = False
        attribution = _attribution(lines, at)
        if not attribution and not _SENT_FROM.fullmatch(line[:LINE_CHARS].strip(_BLANK)):
            kept.append(line.rstrip())
            size += len(line) + 1
        at += max(attribution, 1)
    return "\n".join(kept).strip("\n" + _BLANK)


def _is_quoted(line: str) -> bool:
    return line[:LINE_CHARS].lstrip(_BLANK).startswith(">")


def _ends_here(lines: list[str], at: int) -> bool:
    """Whether a signature, or an unmarked quote to the end, begins on line `at`."""
    return lines[at][:LINE_CHARS].rstrip() == "--" or _is_bare_quote(lines, at)


def _is_bare_quote(lines: list[str], at: int) -> bool:
    line = lines[at][:LINE_CHARS]
    if not line or not line.strip("-" + _BLANK):
        return False
    if _ORIGINAL.fullmatch(line.strip(_BLANK + "*")):
        return True
    if re.match(r"\s*\*?from:", line, re.IGNORECASE):
        return sum(bool(_OUTLOOK_NEXT.match(each[:LINE_CHARS])) for each in lines[at + 1 : at + 5]) >= 2
    if re.fullmatch(r"_{10,}", line.strip()):
        return re.match(r"\s*\*?from:", " ".join(lines[at + 1 : at + 2])[:LINE_CHARS], re.IGNORECASE) is not None
    span = _attribution(lines, at)
    return span > 0 and not _quote_follows(lines, at + span)


def _perhaps_own(lines: list[str], at: int) -> list[str]:
    """What the person may have written from line `at` on: neither marked as a quote, nor, in a quote without marks,
    a header or above the last line of our card.
    """
    quote = next((i for i in range(at, len(lines)) if _is_bare_quote(lines, i)), len(lines))
    last = next((i for i in range(len(lines) - 1, quote, -1) if _is_last_of_card(lines[i])), quote)
    below = max(last, _last_header(lines, quote)) + 1
    asked = _paragraph(lines, below) if last == quote else []
    # A quote of something older than our cards begins with what was asked; a question there is not this person's.
    own = [line.replace("?", "") for line in asked] + lines[below + len(asked) :]
    return [line[:LINE_CHARS] for line in lines[at:quote] + own if not _is_quoted(line)]


def _last_header(lines: list[str], quote: int) -> int:
    """The last header line at the top of the quote that begins on line `quote`; that line itself without any."""
    top = range(quote, min(quote + _HEADER_LINES, len(lines)))
    return next((i for i in reversed(top) if _HEADER.match(lines[i][:LINE_CHARS])), quote)


def _paragraph(lines: list[str], at: int) -> list[str]:
    """The lines from `at` on up to a blank one, with the blank ones before them."""
    start = next((i for i in range(at, len(lines)) if lines[i] and lines[i][:LINE_CHARS].strip(_BLANK)), len(lines))
    end = next((i for i in range(start, len(lines)) if not lines[i][:LINE_CHARS].strip(_BLANK)), len(lines))
    return lines[at:end]


def _is_last_of_card(line: str) -> bool:
    return line[:LINE_CHARS].strip(_BLANK).startswith((UNTIL, REFERENCE))


def _attribution(lines: list[str], at: int) -> int:
    """How many lines from `at` on are one `On …, … wrote:`; 0 for none.

    In other languages only the form is known: it names an address and a moment, ends in a colon, and a quote follows.
    """
    first = lines[at][:LINE_CHARS].strip(_BLANK)
    if first.endswith(":") and "@" in first and _MOMENT.search(first) and _quote_follows(lines, at + 1):
        return 1
    if not first.startswith("On "):
        return 0
    joined = ""
    for count in range(1, _ATTRIBUTION_LINES + 1):
        line = lines[at + count - 1][:LINE_CHARS].strip(_BLANK) if at + count <= len(lines) else ""
        joined = f"{joined} {line}"
        if not line or len(joined) > LINE_CHARS:
            return 0
        if joined.endswith("wrote:"):
            return count if _MOMENT.search(joined) else 0
    return 0


def _quote_follows(lines: list[str], at: int) -> bool:
    following = next((line for line in islice(lines, at, None) if line and line[:LINE_CHARS].strip(_BLANK)), "")
    return _is_quoted(following)
