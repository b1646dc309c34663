"""The words that mail programs put around a quote, in the languages they are set to. Patterns over `words.fold`ed text.

Structure comes first (`quotes`); these only say which lines a program may have written. They hold more languages than
decisions do, because the program's language need not be the writer's.
"""

OPENERS = (
    r"on|in|στις|le|am|el|il(?: giorno)?|em|op|den|dnia|w dniu|pa|a|at|no dia|vao|tarihinde|dne|dana|in date|in data"
    r"|ons|tir"
    r"|man|tor|fre|lor|son"
    r"|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*|lun\w*|mar\w*|mer\w*|jeu\w*|ven\w*|sam\w*|dim\w*|quoting|zitat von|citando"
)
"""Begin an attribution; some of them only with a moment behind."""

WROTE = (
    r"wrote|εγραψε|έγραψε|writes|said|sent|schrieb(?:en)?|geschrieben|hat (?:folgendes )?geschrieben|a ecrit"
    r"|ecrivait|escribio"
    r"|ha escrito|escreveu"
    r"|ha scritto|scrisse|schreef|(?:het volgende )?geschreven|skrev|kirjoitti|napsal(?:a|\(a\))?|napisa[lł](?:a"
    r"|\(a\))?"
    r"|pisze|irta|a scris|(?:написал|пише|пишет|написав|писал)(?:\(а\)|а)?|yazdi|sunlari yazdi|[dđ]a viet|のメール"
    r"|さんは書きました|書きました|wrote in message|写道|寫道|작성"
)
"""What somebody did who is quoted, at the end of an attribution or in the midst of it."""

WROTE_WITHIN = (
    r"schrieb|schreef|skrev|pisze|kirjoitti|napsal|wrote on|a ecrit le|escribio el|ha scritto il|ezt irta|irta"
    r"|escreveu (?:no dia|em|a)"
)
"""What somebody did who is quoted, where the name comes behind it."""

FROM = (
    r"from|felado|kimden|de la|απο|από|von|de|da|van|od|fra|fran|от кого|от|差出人|送信者|发件人|寄件者|보낸 ?사람"
    r"|gonderen|lahettaja|desde"
    r"|expediteur|mittente|remitente"
)
OTHERS = (
    r"sent|elkuldve|cimzett|targy|trimis|catre|subiect|tarih|προς|θέμα|ημερομηνία|date|to|cc|bcc|subject|reply-to"
    r"|attachments?|importance|sent on|received"
    r"|gesendet|datum|an|betreff|antwort an|antworten an|kopie|cc an|anlagen?|wichtigkeit"
    r"|envoye(?: le| par)?|message du|sujet|copie a|a|objet|repondre a|copie|pieces? jointes?"
    r"|enviado(?: (?:el|em))?|enviada(?: em)?|fecha|para|asunto|responder a|fecha de envio|assunto|data|enviado a"
    r"|cc para"
    r"|inviato|oggetto|risposta|rispondi a|data invio|destinatario"
    r"|verzonden|aan|onderwerp|beantwoorden|datum verzonden"
    r"|送信日時|日時|日付|宛先|件名|返信先|送信|发送时间|收件人|主题|抄送|日期|寄件日期|主旨"
    r"|wys[lł]ano|data wyslania|do|temat|dw|odeslano|datum odeslani|komu|predmet|skickat|till|amne|sendt|til|emne|dato"
    r"|отправлено|дата|кому|тема|копия|보낸 ?날짜|받는 ?사람|제목|lahetetty|vastaanottaja|aihe|gonderildi|kime|konu"
)
ORIGINAL = (
    r"original ?(?:message|e-?mail|appointment)|urspr(?:u|ue)ngliche (?:nachricht|e-?mail|mail)|original-?nachricht"
    r"|message d'origine|message original|message initial"
    r"|mensaje original|correo original|mensagem original|messaggio originale|messaggio originario"
    r"|oorspronkelijk(?:e)? (?:bericht|e-?mail)|origineel bericht"
    r"|元のメッセージ|元のメール|original besked|opprinnelig melding|ursprungligt meddelande|originalmeddelande"
    r"|wiadomosc oryginalna|oryginalna wiadomosc|puvodni (?:zprava|e-?mail)"
    r"|исходное сообщение|пересылаемое сообщение|пересланное сообщение|原始邮件|原始郵件|邮件原件|원본 메시지"
    r"|alkuperainen viesti|ozgun ileti|orijinal mesaj"
    r"|reply message|reply to.{0,80}|quoted text|previous message"
)
FORWARDED = (
    r"forwarded (?:message|by .{1,60})|weitergeleitete (?:nachricht|mail)|message (?:transfere|reexpedie)"
    r"|mensaje reenviado|mensagem (?:encaminhada|reencaminhada)"
    r"|messaggio inoltrato|doorgestuurd bericht|転送(?:された|された)?(?:メッセージ|メール)|videresendt (?:besked"
    r"|melding)|vidarebefordrat meddelande"
)
BEGINS = (
    r"begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-?mail)|debut du message (?:reexpedie"
    r"|transfere)"
    r"|inicio del mensaje reenviado|inicio da mensagem (?:reencaminhada|encaminhada)|inizio messaggio inoltrato"
    r"|begin doorgestuurd bericht|転送されたメッセージ|vidarebefordrat brev|start pa videresendt besked"
)
ABOVE = (
    r"(?:please )?(?:reply|type|write|respond|answer|enter)\b.{0,40}\babove\b.{0,30}\b(?:line|delimiter|text"
    r"|mark\w*)\b|(?:please )?reply above this"
    r"|(?:bitte )?(?:antwort\w*|schreiben)\b.{0,40}\b(?:uber|oberhalb|ueber)\b.{0,20}\b(?:linie|zeile)\b"
    r"|(?:repond\w*|ecri\w*)\b.{0,40}\bau-dessus de cette ligne|(?:respond\w*|escri\w*)\b.{0,40}\b(?:encima de"
    r"|por encima|sobre|acima d)\w* esta l\w+"
    r"|(?:rispond\w*|scriv\w*)\b.{0,40}\bsopra (?:questa|la) (?:riga|linea)|(?:antwoord|reageer"
    r"|typ)\w*\b.{0,40}\bboven deze (?:lijn|regel)|この(?:線|行)より上に"
)
"""A line that a sender puts above his text, for the answer to stand above it."""
