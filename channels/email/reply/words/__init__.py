"""The closed vocabulary of replies: eight languages read as one, because people mix them (`Hi, genehmigt. Thanks`).

Each language's file holds patterns over folded text: lower case, one space between words, and letters of the Latin
alphabet without their accents, because phones and habits leave them out.
"""

import re
import unicodedata

from channels.email.reply.words import dutch, english, french, german, italian, japanese, portuguese, spanish

_ALL = (english, german, french, spanish, dutch, portuguese, italian, japanese)


def _sharp(pattern: str) -> str:
    """`pattern` with a sharp s wherever it has two: folding goes letter by letter and can't make one of two."""
    return pattern.replace("ss", "(?:ss|\u00df)")


APPROVE = _sharp("|".join(language.APPROVE for language in _ALL))
SOFT = _sharp("|".join(language.SOFT for language in _ALL))
FIRM = _sharp("|".join(language.FIRM for language in _ALL))
POLITE = _sharp("|".join(language.POLITE for language in _ALL))
ANSWER = "|".join(language.ANSWER for language in _ALL)
SORRY = "|".join(language.SORRY for language in _ALL)
BECAUSE = "|".join(language.BECAUSE for language in _ALL)
NO_NAME = english.NO_NAME

GREET = (
    r"hi|hello|hey|dear|(?:good )?morning|good (?:afternoon|evening)|hallo|guten (?:tag|morgen|abend)|moin|servus"
    r"|liebe[rs]?"
    r"|sehr geehrte[rs]?(?: (?:frau|herr))?|bonjour|bonsoir|salut|ch[eè]re?|hola|buen(?:os|as) (?:d[ií]as|tardes"
    r"|noches)"
    r"|estimad[oa]|querid[oa]|ol[aá]|oi|bom dia|boa (?:tarde|noite)|prezad[oa]|car[oa]|ciao|buongiorno|buonasera|salve"
    r"|gentile|hoi|dag|beste|geachte|goede(?:morgen|middag|navond)"
)
"""Begin a mail, before the name of whoever is greeted; in any letter case."""

NO_CONSENT = re.compile(
    r"\b(?:please|pls|kindly) (?:confirm|authori[sz]e|sign off|approve|accept|grant)\b"
    r"|(?<!i )(?<!we )\b(?:confirm|authori[sz]e|sign off|accept|grant),? (?:please|pls|kindly)\b"
    r"|\bbitte best(?:a|ae)tigen\b|\bbest(?:a|ae)tigen,? bitte\b|\bgraag bevestigen\b"
    r"|\bbevestigen,? (?:graag|aub|svp)\b|\b(?:approve|genehmigen|freigeben),? (?:please|pls|bitte)\b"
    r"|\bbitte (?:genehmigen|freigeben)\b"
    r"|\bconfirm(?:e|ez|a|i|ar|er|are),? (?:por favor|s'il (?:vous|te) pla[iî]t|svp|stp|per favore|pf)\b"
    r"|\byeah,? right\b"
    r"|\b(?:this|that|it|the) morning\b|\bcomo no (?=\w)|\bprima (?:confermo|approvo|esegui\w*|approvat[oa])\b"
)
"""Words of consent that, side by side, ask somebody else for it, mean the opposite, or name a time."""

ASKS_ANOTHER = re.compile(
    r"\bbitte (?:genehmigen|freigeben)\b|\bpode(?:m|s)? (?:aprovar|liberar)\b|\bgraag (?:akkoord|goed)"
)
"""Below a greeting to somebody this asks them for their consent."""

IF = re.compile(
    r"\bsi[^\S\n]+(?!(?:si|s[íì]|gracias|grazie|claro|certo|por favor|per favore|prego|adelante|procedi"
    r"|procedete)\b)\w",
    re.IGNORECASE,
)
"""`si` without its accent before other words, where it means `if` in French and Spanish. Over unfolded text."""

DOUBT = re.compile("|".join(language.DOUBT for language in _ALL))
"""What takes a soft refusal back or leaves it open."""

_DOUBTS = (language.DOUBT for language in _ALL if language is not english)
_REFUSALS = (f"{language.REFUSE}|{language.CONDITION}" for language in _ALL)
CAREFUL = re.compile("|".join((*_REFUSALS, *_DOUBTS)))
"""Words that, in a text somebody may have written below a quote or a signature, may take an approval back."""

_SPELLED = """
mí können könnt möglich côté plaît problème fürs
accepté acceptée accordé accordée adiós approuvé approuvée aprobación aprovação atenção até ausführen
autorisé autorisée autorización außer avançar bestätige bestätigen bestätigt bientôt c'è chère chères ciò
confirmé confirmée così decisión decisão donné durchführen décision déjà désolé désolée días einwände
ejecútalo está exécuter exécutez faça für fürs già gruß grüsse grüssen grüße grüßen hágalo háganlo journée
já natürlich não né objeción objecção objeção objeções oké okée olá perché più procéder procédez réponse
schön schöne schönen schöner selbstverständlich señor señora soirée solicitação sì sí sûr très validé
validée à ça è équipe été évidemment één óbvio ótimo
"""
SPELLED = frozenset(_SPELLED.split())
"""The words with accents that consent may hold. In others an accent is a mistake at best, and a look-alike at worst."""

_ACCENTED = "".join(map(chr, range(0xC0, 0x180)))


def _base(char: str) -> str:
    """The letter below the accents of `char`, in lower case; `char` itself where that is not one ASCII letter."""
    base = unicodedata.normalize("NFD", char)[0].lower()
    return base if base.isascii() and base.isalpha() else char


_FOLDED = str.maketrans(
    {
        **{char: char.lower() for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        **{char: _base(char) for char in _ACCENTED},
        **dict.fromkeys("\u2019\u2018\u00b4`", "'"),
    }
)


def fold(text: str) -> str:
    """`text` as the patterns expect it, character for character; look-alikes of other alphabets match nothing.

    Accents must be part of their letters (NFC).
    """
    return text.translate(_FOLDED)
