"""Which lines a mail program or a company adds below every mail: `Sent from my …`, `-- `, legal footers."""

import re

from channels.email.reply import vocabulary
from channels.email.reply.lines import BLANK, LINE_CHARS, Lines

_APP = (
    r"outlook|gmail|yahoo!?(?: ?mail)?|proton ?mail|blue ?mail|my ?mail|aqua ?mail|fair ?email|k-9(?: mail)?|spark"
    r"|edison mail"
    r"|canary(?: mail)?|nine|boxer|workspace one boxer|type ?app|superhuman|thunderbird|missive|airmail|em client"
    r"|shortwave"
    r"|mailspring|mailbird|front|zoho(?: mail)?|tuta(?: mail)?|tutanota|fastmail|hey|aol(?: app| mail)?"
    r"|gmx(?: mail)?|web\.de"
    r"|mimestream|newton(?: mail)?|postbox|polymail|libero mail|orange|telekom mail"
)
"""Programs, where nothing but their name stands behind the word for sending or getting."""

_DEVICE = (
    rf"{_APP}|(?:mail )?app|iphon\w{{0,2}}|ipad|ipod|ios|android|phone|telephone|mobile|mobil\w*|mobiel|smartphone"
    rf"|tablet(?:te)?|device|samsung"
    r"|galaxy\w*|pixel|nexus|htc|nokia|lumia|huawei|xiaomi"
    r"|blackberry|windows|mail|e-?mail|handy|handheld|mac(?:book)?|watch|courrier|proton|yahoo"
    r"|cell|surface|telefoon|telefon\w*|celular"
    r"|cellulare|movil|telemovel|correo|posta|verizon|at&t|t-mobile|vodafone|wireless|note|edison|inbox|icloud"
)
_FOR = (
    r"(?: (?:for|fur|fuer|pour|para|per|voor|on|auf|sur|no|en|su|op) (?:(?:my|mein\w*|mon|mi|meu|mio|mijn) )?"
    r"(?:ios|android|iphone|ipad|mac\w*|windows(?: phone)?|mobiles?|desktop))?"
)
_LINK = re.compile(r"\s?[<(\[]\s?https?://[^\s>)\]]*\s?[>)\]]|\s?<?mailto:[^\s>]*>")
_SENT = re.compile(
    r"(?:\W{0,3}(?:(?:this (?:e-?mail|message) (?:was|is) )?sent (?:from|with|via|using|by)|von mein\w+"
    r"|gesendet (?:von|mit|uber|ueber)|diese (?:nachricht|e-?mail|mail) wurde|von yahoo mail auf mein\w+"
    r"|envoye (?:de|depuis|a partir de|a partir d'|avec|via)|provenance :|enviado (?:do|da|de|desde|con|com|por|via"
    r"|pelo"
    r"|a partir)|inviato (?:da|dal|con|tramite|dall)"
    r"|verstuurd (?:vanaf|vanuit|met|via)|verzonden (?:vanaf|vanuit|met|via)|sendt fra"
    r"|skickat fran|lahetetty|wys[lł]ane? z|odeslano z|отправлено (?:с|из)"
    r"|written from|typed on|composed (?:on|with))\s?(?:[^\s,;:]{1,20} ){0,5}?"
    rf"(?:verizon, )?(?:{_DEVICE})\b(?:'a|-\w{{2,10}})?(?: (?!(?:to|an?|aan"
    rf"|of)\b)[^\s,;:]{{1,20}}){{0,5}}(?:, (?:an?|mein\w*|une?|un[ao]?|een|um"
    rf"|uma) .{{1,40}})?(?:\. get the app)?(?:[,.;:]? ?(?:please )?(?:excuse|pardon|forgive|sorry for)\b.{{0,80}})?"
    r"|(?:sent on the go|(?:gesendet )?von unterwegs(?: gesendet)?)\.?"
    rf"|\W{{0,3}}(?:secured|sent) (?:with|from|via|using|by) (?:{_APP}){_FOR}(?: secure e-?mail)?\.?"
    rf"|\W{{0,3}}(?:get|download|obten(?:ir|ez|er|ha)|obter|telecharge[rz]|ottieni|scarica|baixe|holen sie sich)"
    rf" (?:the |la |le |l'|o |a )?(?:new )?(?:{_APP}){_FOR}\.?"
    r"|(?:this e-?mail (?:has been|was) (?:checked|scanned)(?: for viruses)? by"
    r"|diese e-?mail wurde von) .{1,40}(?:antivirus"
    r"|avast|avg|anti-virus|auf viren gepruft).{0,40}|(?:virus-free|virenfrei|sans virus|libre de virus|livre de virus"
    r"|privo di virus|virusvrij)[. ]{1,3}(?:www\.)?(?:avast|avg)\.com"
    r"|(?:iphone|ipad|android|outlook|gmail|yahoo!?メール|ios|windows|スマートフォン|スマホ|galaxy"
    r"|xperia).{0,16}(?:から"
    r"|より|で)送信.{0,10}"
    r"|(?:outlook|mail|gmail|yahoo!?) (?:voor|for|fur|fuer|pour|para|per) .{1,20}(?:downloaden|herunterladen|を入手"
    r"|holen|beziehen)|.{1,12}版 ?outlook ?を入手"
    r"|(?:sent from|envoye de|enviado desde|inviato da|gesendet von) .{1,30}\bmail\b.{0,20})"
)
_NO_NEW_WORDS = re.compile(
    r"\b(?:is|are|was|were|will|would|can|but|wait|not|stop|only|if|until|aber|nicht|mais|pas|pero|mas|ma|non"
    r"|maar|niet|before|after|first|then|when|once|later|tomorrow|tonight|today|now|erst|nach|vor|avant|apres|antes"
    r"|despues|depois|prima|dopo|eerst|nadat|approv\w*|den(?:y|ie[sd])|deploy\w*|reject\w*|decision|staging)\b|[?!]"
    r"|\bno\b(?! (?:android|iphone|ios|outlook|windows))|\bto (?:the|my|our|legal)\b"
)
_DASHES = re.compile(r"-{2,}|\u2014|\u2013\u2013|_{2,}|[\u2501\u2500\u2550\uff3f\uff1d=*~]{6,}")
_LEGAL = re.compile(
    r"\W{0,4}(?:(?:confidentiality|legal|privacy)(?: and \w+)? (?:notice|note|disclaimer)|important notice|disclaimer"
    r"|confidential\b|this (?:e-?mail|email|message|communication|electronic|transmission)\b.{0,160}"
    r"(?:confidential|privileged|intended|recipient|virus)|the (?:information|content|contents) (?:contained "
    r"|transmitted )?(?:in|of) this (?:e-?mail|email|message|communication)"
    r"|diese (?:e-?mail|nachricht|mail)\b.{0,160}(?:vertraulich|empfanger|empfaenger|adressat)|(?:ce|cet"
    r"|le present) (?:message|e-?mail|courriel|courrier)\b.{0,160}(?:confidentiel|destinataire)"
    r"|este (?:mensaje|correo|e-?mail|mensagem)\b.{0,160}(?:confidencial|destinatari)"
    r"|esta mensagem\b.{0,160}(?:confidencia|destinat)"
    r"|(?:questo|il presente|questa) (?:messaggio|e-?mail|mail)\b.{0,160}(?:riservat|confidenzial|destinatari)"
    r"|(?:dit|deze) (?:bericht|e-?mail|mail)\b.{0,160}(?:vertrouwelijk|geadresseerde|bestemd)"
    r"|registered (?:in|office)\b|.{0,80}\b(?:sitz der gesellschaft|handelsregister|amtsgericht .{1,40}\bhr[ab])\b"
    r"|please (?:consider the environment|think) before printing|このメールには|本メール(?:は|に|の).{0,60}(?:機密"
    r"|秘密|誤))"
)

_LEGAL_WORDS = re.compile(
    r"(confidenti|confidenc|riservat|vertraulich|vertrouwelijk|privileged|(?:intended )?recipient|destinatari"
    r"|destinataire|empfanger|adressat|geadresseerde|addressee|intended|attachments?|anhang|allegat|adjunt|bijlage"
    r"|copy|copiare|terzi|third part"
    r"|dissemin|unauthori[sz]ed|disclos|liabilit|delete (?:it|this)|loschen|supprimer|cancellar|verwijder"
    r"|registered (?:in|office)|company (?:no|number)|amtsgericht|hr[ab] \d|sitz der gesellschaft|geschaftsfuhr"
    r"|vorstand"
    r"|virus|per errore|in error|por error|irrtum|par erreur|機密|誤って)"
)
# `i` alone is an article in Italian.
_DECIDES = re.compile(
    r"\bi (?:also|accept|agree|am|approve|ask|can|could|deny|did|do|don|expect|had|have|hope|just|must|need|never"
    r"|only|prefer"
    r"|refuse|reject|said|say|see|still|suggest|think|want|was|will|would)\b"
    r"|\b(?:i'm|i'd|i'll|i've|ich|je|yo|eu|io|ik|wait\w*|approv\w+|den(?:y|ied)|reject\w*|deploy\w*|warte\w*|stop"
    r"|stopp)\b"
)


CONTACT_CHARS = 120
"""Longest line of a signature."""

REACHED = re.compile(r"(?:\+|\b0)[\d ()/.-]{5,}\d|\S@\S+\.\w|\bwww\.|https?://", re.IGNORECASE)
"""Where somebody is reached: a telephone number, an address, a page."""

_JOINING = frozenset(
    (
        "",
        "of",
        "and",
        "for",
        "the",
        "und",
        "fur",
        "für",
        "der",
        "des",
        "im",
        "in",
        "et",
        "de",
        "la",
        "du",
        "des",
        "y",
        "del",
        "e",
        "da",
        "do",
        "di",
        "della",
        "van",
        "en",
        "voor",
    )
)
_JAPANESE_END = re.compile(r"(?:ください|下さい|願います|ます|です|ません|でした|ました)[。！!]?\Z")
_ASKS = re.compile(r"(?:please|pls|bitte|merci|veuillez|por|per|graag|use|call|ask|tell|version)$")


def is_footer(lines: Lines, at: int) -> bool:
    """Whether line `at` is the mail program's own: which device or program it was sent from."""
    text = _LINK.sub("", lines.folded(at)).strip()
    if not text or len(text) > 160:
        return False
    return _SENT.fullmatch(text) is not None and not _NO_NEW_WORDS.search(text.replace("yahoo!", "yahoo"))


def begins_signature(lines: Lines, at: int) -> bool:
    """Whether line `at` is one that separates a signature from the text: `-- ` (RFC 3676, 4.3) and its likes."""
    line = lines.raw[at][:LINE_CHARS].strip(BLANK)
    return bool(line) and _DASHES.fullmatch(line.replace(" ", "") if len(line) < 100 else line) is not None


def begins_legal(lines: Lines, at: int) -> bool:
    """Whether the paragraph that begins on line `at` is a company's legal footer."""
    text = lines.folded(at)
    if not text or (at > 0 and not lines.is_blank(at - 1)):
        return False
    joined = " ".join(lines.folded(i) for i in range(at, min(at + 3, len(lines))))
    return _LEGAL.match(joined) is not None


def decides(text: str) -> bool:
    """Whether the folded `text` speaks as a person does who decides something."""
    return _DECIDES.search(text) is not None


def is_prose(line: str) -> bool:
    """Whether `line`, below a line of dashes that need not begin a signature, is somebody's sentence.

    Names, titles and addresses begin with one, or hold a number or a sign.
    """
    plain = line.strip(BLANK)
    parts = plain.split()
    if _JAPANESE_END.search(plain):
        return True
    if (
        len(parts) < (2 if _ASKS.match(parts[0].lower()) else 4)
        or not (plain[0].islower() or _ASKS.match(parts[0].lower()))
        or re.search(r"[@|]|www\.|://|\d{4}|^\S{1,10}:", plain)
    ):
        return False
    return sum(part[0].islower() for part in parts) >= len(parts) / 2


def is_contact(line: str, *, among_contacts: bool) -> bool:
    """Whether `line`, below its writer's name, is a title, a company or an address, as in a signature without dashes.

    A line that could say anything else is none; `among_contacts`, beside a telephone number or the like, it may hold
    numbers of its own.
    """
    text, parts = vocabulary.fold(line.strip(BLANK)).lower(), line.split()
    if len(line) > CONTACT_CHARS or len(parts) > 12 or decides(text) or vocabulary.CAREFUL.search(text):
        return False
    if vocabulary.ONLY_MOMENT.fullmatch(text) or vocabulary.NAMED_MOMENT.search(text):
        return False
    if REACHED.search(line):
        return True
    if re.search(r"[?!:=]|\.\Z", re.sub(r"\b(?:Ltd|Inc|Co|Corp|GmbH|S\.A|S\.p\.A|e\.V)\.", "", line)):
        return False
    spelled = [part.strip(",;|()/&-\u2013\u2014\u2022\u00b7") for part in parts]
    is_titled = all(part[:1].isupper() or part.lower() in _JOINING for part in spelled if part and not part.isdigit())
    return is_titled and (among_contacts or not re.search(r"\d", line))


def is_legal(paragraph: str, *, below_another: bool) -> bool:
    """Whether the folded `paragraph` speaks as legal footers do, and never as a person who decides."""
    heard = len(set(_LEGAL_WORDS.findall(paragraph)))
    return heard >= (1 if below_another else 2) and not decides(paragraph)
