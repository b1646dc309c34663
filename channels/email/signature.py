"""Which lines a mail program or a company adds below every mail: `Sent from my …`, `-- `, legal footers."""

import re

from channels.email.quotes import BLANK, LINE_CHARS, Lines

_DEVICE = (
    r"iphone|ipad|ipod|ios|android|phone|telephone|mobile|mobil\w*|smartphone|tablet(?:te)?|device|samsung|galaxy\w*"
    r"|pixel|nexus|htc|nokia|lumia|huawei|xiaomi"
    r"|blackberry|windows|mail|e-?mail|outlook|gmail|yahoo!?|proton(?:mail)?|app|handy|handheld|mac(?:book)?"
    r"|thunderbird|aquamail|k-9|cell|surface|telefoon|telefon\w*|celular"
    r"|cellulare|movil|telemovel|correo|posta|verizon|at&t|t-mobile|vodafone|wireless|note|spark|edison|superhuman"
    r"|hey|fastmail|tutanota|gmx|web\.de|aol|inbox|mailbird|zoho|icloud"
)
_SENT = re.compile(
    r"(?:\W{0,3}(?:(?:this (?:e-?mail|message) (?:was|is) )?sent (?:from|with|via|using|by)|get|download|von mein\w+"
    r"|gesendet (?:von|mit|uber|ueber)|diese (?:nachricht|e-?mail|mail) wurde"
    r"|envoye (?:de|depuis|a partir de|avec|via)|telecharge[rz]|enviado (?:do|da|de|desde|con|com|por|via|pelo"
    r"|a partir)|obtener|obter|inviato (?:da|dal|con|tramite|dall)"
    r"|ottieni|scarica|verstuurd (?:vanaf|vanuit|met|via)|verzonden (?:vanaf|vanuit|met|via)|download|sendt fra"
    r"|skickat fran|lahetetty|wyslane? z|odeslano z|отправлено (?:с|из)"
    r"|written from|typed on|composed (?:on|with)|sent on the go)\b"
    rf"[^,;:]{{0,70}}\b(?:{_DEVICE})\b[^,;:]{{0,50}}(?:, (?:an?|mein\w*|une?|un[ao]?|een|um"
    rf"|uma) .{{1,40}})?(?:[,.;:]? ?(?:please )?(?:excuse|pardon|forgive|sorry for)\b.{{0,80}})?"
    r"|(?:iphone|ipad|android|outlook|gmail|yahoo!?メール|ios|スマートフォン|スマホ|galaxy|xperia).{0,14}(?:から"
    r"|より|で)送信.{0,10}"
    r"|(?:outlook|mail|gmail|yahoo!?) (?:voor|for|fur|fuer|pour|para|per) .{1,20}(?:downloaden|herunterladen|を入手"
    r"|holen|beziehen)|.{1,12}版 ?outlook ?を入手"
    r"|(?:sent from|envoye de|enviado desde|inviato da|gesendet von) .{1,30}\bmail\b.{0,20})"
)
_NO_NEW_WORDS = re.compile(
    r"\b(?:is|are|was|were|will|would|can|but|wait|not|no|stop|only|if|until|aber|nicht|mais|pas|pero|mas|ma|non"
    r"|maar|niet)\b|[?!]"
)
_DASHES = re.compile(r"-{2,}|\u2014|\u2013\u2013|_{2,}")
_LEGAL = re.compile(
    r"\W{0,4}(?:(?:confidentiality|legal|privacy|important)(?: and \w+)? (?:notice|note|disclaimer)|disclaimer"
    r"|confidential\b|this (?:e-?mail|email|message|communication|electronic|transmission)\b.{0,160}"
    r"(?:confidential|privileged|intended|recipient|virus)|the (?:information|content|contents) (?:contained "
    r"|transmitted )?(?:in|of) this (?:e-?mail|email|message|communication)"
    r"|diese (?:e-?mail|nachricht|mail)\b.{0,160}(?:vertraulich|empfanger|empfaenger|adressat)|(?:ce|cet"
    r"|le present) (?:message|e-?mail|courriel|courrier)\b.{0,160}(?:confidentiel|destinataire)"
    r"|este (?:mensaje|correo|e-?mail|mensagem)\b.{0,160}(?:confidencial|destinatari)"
    r"|esta mensagem\b.{0,160}(?:confidencia|destinat)"
    r"|(?:questo|il presente|questa) (?:messaggio|e-?mail|mail)\b.{0,160}(?:riservat|confidenzial|destinatari)"
    r"|(?:dit|deze) (?:bericht|e-?mail|mail)\b.{0,160}(?:vertrouwelijk|geadresseerde|bestemd)"
    r"|please (?:consider the environment|think) before printing|このメールには|本メール(?:は|に|の).{0,60}(?:機密"
    r"|秘密|誤))"
)

_LEGAL_WORDS = re.compile(
    r"(confidenti|confidenc|riservat|vertraulich|vertrouwelijk|privileged|(?:intended )?recipient|destinatari"
    r"|destinataire|empfanger|adressat|geadresseerde|addressee|intended|attachments?|anhang|allegat|adjunt|bijlage"
    r"|copy|copiare|terzi|third part"
    r"|dissemin|unauthori[sz]ed|disclos|liabilit|delete (?:it|this)|loschen|supprimer|cancellar|verwijder"
    r"|registered (?:in|office)|virus|per errore|in error|por error|irrtum|par erreur|機密|誤って)"
)
_DECIDES = re.compile(
    r"\b(?:i|i'm|ich|je|yo|eu|io|ik|wait\w*|approv\w+|den(?:y|ied)|reject\w*|deploy\w*|warte\w*|stop|stopp)\b"
)


def is_footer(lines: Lines, at: int) -> bool:
    """Whether line `at` is the mail program's own: which device or program it was sent from."""
    text = lines.folded(at)
    if not text or len(text) > 160:
        return False
    return _SENT.fullmatch(text) is not None and not _NO_NEW_WORDS.search(text)


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


def is_legal(paragraph: str, *, below_another: bool) -> bool:
    """Whether the folded `paragraph` speaks as legal footers do, and never as a person who decides."""
    heard = len(set(_LEGAL_WORDS.findall(paragraph)))
    return heard >= (1 if below_another else 2) and _DECIDES.search(paragraph) is None
