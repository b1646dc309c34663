"""Lines that name nothing but a moment (`on Friday`, `heute Abend`), over folded text, in the eight languages.

Below a quote or a line of dashes such a line is somebody's condition, not part of a signature.
"""

import re

_DAYS = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|sonnabend"
    r"|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miercoles|jueves|viernes|sabado|domingo"
    r"|(?:maan|dins|woens|donder|vrij|zater|zon)dag|(?:segunda|terca|quarta|quinta|sexta)(?:-feira)?"
    r"|(?:lune|marte|mercole|giove|vener)di|sabato|domenica"
)
_SOON = (
    r"today|tonight|now|soon|noon|midnight|(?:mor|eve)ning|afternoon|week|weekend|month|heute|abend|mittag"
    r"|vormittag|nachmittag"
    r"|woche|wochenende|monat|aujourd'hui|soir|matin|midi|semaine|mois|hoy|noche|tarde|mediodia|semana|mes|hoje"
    r"|noite|mes"
    r"|vandaag|vanavond|middag|avond|weekeinde|maand|oggi|stasera|sera|pomeriggio|mattina|settimana|mese"
)
_LINK = (
    r"on|by|from|at|this|next|in|the|only|every|please|am|ab|bis|um|uhr|diese[nrs]?|nachsten?|kommenden?|bitte|le"
    r"|la|les|ce|cette"
    r"|prochaine?|des|a|el|este|esta|proximo|proxima|por|favor|na|no|em|op|om|vanaf|deze|volgende|il|questo|questa"
    r"|prossim[oa]"
    r"|dal|alle|as|de|do|da|utc|cet|cest|gmt|h|am|pm"
)
_MONTHS = (
    r"january|february|march|april|may|june|july|august|september|october|november|december|januar|februar|marz|maerz|mai"
    r"|juni?|juli?|oktober|dezember|janvier|fevrier|mars|avril|juin|juillet|aout|septembre|octobre|novembre|decembre|enero"
    r"|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|janeiro|fevereiro|marco|maio|junho"
    r"|julho|setembro|outubro|novembro|dezembro|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre"
    r"|januari|februari|maart|mei|augustus"
)
NAMED = re.compile(
    rf"\b(?:{_DAYS}|{_MONTHS})s?\b|[月火水木金土日]曜"
    r"|\b(?:hours?|minutes?|days?|weeks?|months?|stunden?|tage?n?|wochen?|heures?|jours?|horas?|dias?|giorni|uren|dagen)\b"
)
"""A day of the week, a month, a length of time."""

ONLY = re.compile(
    rf"(?:(?:{_LINK}) ){{0,3}}(?:(?:{_MONTHS}) \d{{1,2}}|\d{{1,2}}\.? (?:of |de )?(?:{_MONTHS}))(?:,? \d{{4}})?\W*|"
    rf"(?:(?:{_LINK})[ ,]+){{0,4}}(?:{_DAYS}|{_SOON})(?:[ ,]+(?:{_LINK}|{_DAYS}|{_SOON}"
    rf"|\d{{1,2}}(?:[:.h]\d\d)?h?(?:am|pm)?)){{0,5}}\W*"
    r"|(?:(?:at|um|om|alle|as|a las|a) )?\d{1,2}[:.h]\d\d(?: ?(?:am|pm|uhr))?\W*"
    r"|.{0,8}(?:[月火水木金土日]曜|今日|本日|今夜|今週|来週|明日|午後|午前).{0,8}"
)
"""A whole line that says when, and nothing else."""
