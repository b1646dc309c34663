"""What a mail gateway puts above a mail from outside: `[EXTERNAL]`, `CAUTION: This email originated from outside …`.

Its words are not the writer's. Only whole lines and paragraphs at the very top are taken for a banner, and only where
every sentence warns of what came from outside and none of them decides anything.
"""

import re

from channels.email.reply import signature
from channels.email.reply.lines import LINE_CHARS, Lines, is_rule

BANNER_LINES = 8
"""Longest banner; with more lines it is somebody's text."""

_MAIL = (
    r"(?:e-?mails?|mails?|messages?|senders?|nachricht|absender\w*|courriel|expediteur|correo\w*|remitente|mensaje"
    r"|mensagem"
    r"|remetente|messaggio|mittente|bericht|afzender|メール|送信者|差出人)"
)
_OUTSIDE = (
    r"(?:external|outside|untrusted|extern\w*|ausserhalb|außerhalb|exterieur\w*|exterior|fuera|esterno|esterna|fora"
    r"|buiten"
    r"|組織外|社外|外部)"
)
_BEGINS = re.compile(
    r"[\W_]{0,12}(?:caution|warning|attention|notice|alert|external|ext|achtung|vorsicht|warnung|hinweis|extern\w*"
    r"|attention"
    r"|avertissement|precaucion|advertencia|atencion|externo|attenzione|avviso|atencao|aviso|let op|waarschuwing"
    r"|注意|警告"
    r"|社外|外部|this (?:e-?mail|message|sender)|you don't often get|some people who received|diese (?:e-?mail"
    r"|nachricht)"
    r"|ce (?:courriel|message)|este (?:correo|mensaje|e-?mail)|questa e-?mail|dit bericht|deze e-?mail"
    r"|この)(?![^\W\d_])"
)
_THIS = r"(?:this|diese|dieser|ce|cet|cette|este|esta|questa|questo|deze|dit)"
_SAYS = re.compile(
    rf"\b{_THIS}(?: \w+)? {_MAIL}\b[^.]{{0,80}}\b{_OUTSIDE}|\b{_THIS} is an? {_OUTSIDE} {_MAIL}"
    rf"|この.{{0,10}}(?:組織外|社外|外部)"
    r"|don't often get e-?mail from|previously corresponded"
)
_HEADING = re.compile(
    rf"[\W_]*+(?:{_OUTSIDE}|ext) {_MAIL}[\W_]*+|[\W_]*+{_MAIL} {_OUTSIDE}[\W_]*+"
    rf"|(?=\W*[\[*(#<])\W*+{_OUTSIDE}[\W_]*+"
)
_LIMITS = re.compile(
    r"\b(?:only|must|first|staging|nur|erst|seulement|uniquement|solo|soltanto|apenas|somente|alleen|eerst)\b"
)
_WARNS = re.compile(
    rf"{_OUTSIDE}|{_MAIL}|link|attachment|click|clicking|organi[sz]ation|recogni|caution|warning|careful|phish"
    rf"|suspicious|safe"
    r"|learn why|it department|help ?desk|security|vorsicht|achtung|anhang|anhange|offnen|klick|lien|piece|clique"
    r"|clic|enlace"
    r"|adjunto|allegat|collegament|attenzione|anexo|bijlage|klik|let op|attention|precaucion|atencao|注意|リンク"
    r"|添付|クリック"
)
# Each may begin at one place only, so that a long run of anything is looked at once.
_ADDRESSES = re.compile(r"<[^<>]*>|https?://\S+|(?<![^\s@])[^\s@]++@[^\s@]++")
_SENTENCE = re.compile(r"[.!:*\]\u3002\uff1a\u3001]+")


def end(lines: Lines) -> int:
    """The line below the banner at the top of the text, and the rules drawn around it; 0 where there is none."""
    at, found = 0, 0
    while (start := _skip(lines, at)) < len(lines):
        below = _banner_ends(lines, start)
        if below is None:
            break
        at = found = _skip_rules(lines, below)
    return found


def _banner_ends(lines: Lines, at: int) -> int | None:
    """The line below the banner that begins on line `at`: a whole paragraph, or its first line alone."""
    stop = at
    while stop < len(lines) and stop - at <= BANNER_LINES and not lines.is_blank(stop) and not is_rule(lines, stop):
        stop += 1
    paragraph = [lines.folded(i) for i in range(at, stop)]
    if stop - at <= BANNER_LINES and _is_banner(paragraph):
        return stop
    return at + 1 if _is_banner(paragraph[:1]) else None


def _is_banner(paragraph: list[str]) -> bool:
    text = " ".join(paragraph)
    if not text or len(text) > LINE_CHARS or signature.decides(text) or _LIMITS.search(text):
        return False
    text = _ADDRESSES.sub("", text)
    sentences = [each for each in _SENTENCE.split(text) if re.search(r"\w", each)]
    short = [each for each in paragraph if len(each.split()) <= 3]
    return (
        _BEGINS.match(text) is not None
        and (_SAYS.search(text) is not None or any(_HEADING.fullmatch(each.strip()) for each in sentences))
        and all(_WARNS.search(each) for each in (*sentences, *short))
    )


def _skip(lines: Lines, at: int) -> int:
    """The first line from `at` on that is neither blank nor a rule."""
    while at < len(lines) and (lines.is_blank(at) or is_rule(lines, at)):
        at += 1
    return at


def _skip_rules(lines: Lines, at: int) -> int:
    """Behind a rule that ends the banner; a signature's dashes further down are not part of it."""
    return at + 1 if at < len(lines) and is_rule(lines, at) else at
