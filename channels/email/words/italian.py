"""The closed vocabulary of replies, in Italian: patterns over folded text (lower case, no accents)."""

_THAT = r"(?: (?:questo|cio|la richiesta|questa richiesta|il rimborso))?"
APPROVE = (
    r"si(?: (?:si|grazie|certo|per favore|prego|procedi|procedete|procedete pure|procedi pure))*|certo(?: che si)?"
    r"|certamente|ovviamente|senz'altro|assolutamente si|naturalmente"
    r"|va bene(?: (?:cosi|per me))?|d'accordo|per me va bene|per me (?:ok|si|e ok)|tutto ok|ottimo|perfetto|bene cosi"
    r"|volentieri"
    r"|(?:e |e' )?(?:approvat[oa]|confermat[oa]|autorizzat[oa]|accettat[oa]|concess[oa]|accordat[oa])(?: da me)?"
    rf"|(?:lo |la )?(?:approvo|confermo|autorizzo|accetto|concordo|approviamo|autorizziamo){_THAT}|(?:hai|avete"
    rf"|ha) (?:la mia approvazione|il mio ok|il mio benestare|via libera)|via libera|benestare"
    r"|(?:puoi |potete |puo )?(?:procedi|procedete|proceda|procedere|continua|continuate|vai|andate|fallo|fatelo"
    r"|esegui|eseguite|andare avanti)(?: (?:pure|avanti))*|vai avanti|avanti(?: cosi)?|fai pure|fate pure"
    r"|(?:nessuna|senza) obiezion[ei]|non ho obiezioni|sono d'accordo|siamo d'accordo|ok per me|sta bene"
)
SOFT = (
    r"no(?: (?:no|grazie|mi dispiace|scusa))*"
    r"|meglio di no|purtroppo no|temo di no|direi di no"
)
FIRM = (
    r"(?:e |e' )?(?:rifiutat[oa]|respint[oa]|negat[oa]|annullat[oa]|bocciat[oa]|rigettat[oa])"
    r"|non (?:e )?(?:approvat[oa]|autorizzat[oa]|accettat[oa]|confermat[oa])|non (?:lo |la )?(?:approvo|autorizzo"
    r"|accetto|confermo|concordo)(?: (?:questo|cio))?"
    r"|non (?:sono|siamo) d'accordo|non posso (?:approvare|autorizzare|accettare)(?:lo|la)?(?: (?:questo|cio))?"
    r"|non va bene"
    r"|(?:lo |la )?(?:rifiuto|respingo|nego|boccio|mi oppongo|rigetto)(?: (?:questo|la richiesta))?|rifiutare"
    r"|respingere|negare"
    r"|(?:per favore )?(?:annulla(?:lo|re|te)?|annulli|fermati|fermatevi|ferma(?:lo|re|te)?|fermi|stop|blocca(?:lo|re"
    r"|te)?|interrompi|interrompere|cancella(?:lo|re|te)?|alt)"
    r"|(?:per favore )?non (?:lo |la )?(?:fare|farlo|fatelo|procedere|procedete|eseguire|eseguite|continuare"
    r"|andare avanti|approvare|faccia|proceda)(?: (?:questo|cio))?"
    r"|assolutamente no|certo che no|ovviamente no|di certo no|neanche per sogno|nemmeno per sogno|in nessun (?:caso"
    r"|modo)|per niente|giammai|mai"
)
POLITE = (
    r"(?:ciao|salve|buongiorno|buon giorno|buonasera|buona sera|buon pomeriggio|gentil[ei]|car[oaie]"
    r"|egregi[oa]?)(?: (?:a tutti|tutti|tutte|team|signor|signora|NAMES))*+"
    r"|(?:molte |mille |tante )?grazie(?: (?:mille|a tutti|in anticipo|tante|NAMES))*+|per favore|prego|per cortesia"
    r"|tutto bene"
    r"|(?:cordiali|distinti|tanti|migliori|un cordiale) salut[io]|saluti(?: cordiali)?|cordialmente|un saluto"
    r"|a presto|buona (?:giornata|serata)"
)
ANSWER = r"(?:la mia |la )?(?:risposta|decisione)(?: e)?"
SORRY = r"(?:mi dispiace|scusa|scusate|spiacente|purtroppo)"
DOUBT = r"\b(?:ma|pero|salvo|tranne|forse|a meno che|anzi|aspetta\w*)\b"
CONDITION = r"\b(?:se|quando|solo|soltanto|prima|dopo|ancora|finche|domani)\b"
REFUSE = r"\b(?:non|no|mai|rifiut\w*|respin\w*|annull\w*|ferma\w*|nessun\w*|nega\w*)\b"
BECAUSE = r"perche|poiche|dato che|siccome"
