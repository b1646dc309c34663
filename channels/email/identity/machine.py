"""Whether a machine wrote a mail: bounces, lists, automatic answers, receipts, feedback. Reads headers, and the kind
of report that a part names. Never what a person might write: "I am out of office" is a sentence.
"""

import re
from collections.abc import Sequence

from channels.email.format.body import Part
from channels.email.format.encodings import unwrapped
from channels.email.format.headers import Headers
from channels.email.format.shown import decoded, subject_of
from channels.email.identity.author import author_of

# Headers that only software writes. X-Auto-Response-Suppress is not among them: Outlook adds it to people's mails.
_MARKS = (
    "list-id",
    "list-post",
    "list-unsubscribe",
    "list-help",
    "list-owner",
    "x-autoreply",
    "x-autoreply-from",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-auto-responder",
    "x-mail-autoreply",
    "x-failed-recipients",
    "feedback-id",
    "x-feedback-id",
    "x-abuse-report",
    "x-arf",
    "x-hmxmroriginalrecipient",
    "x-ms-exchange-inbox-rules-loop",
    "x-ms-exchange-generated-message-source",
    "x-vacation",
    "x-cron-env",
    "x-amazon-auto-reply",
    "x-campaign-id",
    "x-mailgun-sending-ip-pool",
)
_MARKS_OF_PROVIDERS = {"feedback-id", "x-feedback-id"}
# Software of lists writes these, but between a person and a list that is not all there is to a mail.
_LIST_MARKS = ("mailing-list", "x-mailing-list", "x-mailman-version", "x-mlserver", "x-ml-name", "x-ml-info", "x-loop")
_NULL = re.compile(r"\s*+(?:<\s*+>|\"\"|)\s*+")
_PRECEDENCE = re.compile(r"\s*(?:bulk|list|junk|auto[_-]?reply)\b", re.IGNORECASE)
_REPORT = re.compile(
    r"\s*multipart/report\b|\s*message/(?:delivery-status|disposition-notification|feedback-report)\b", re.IGNORECASE
)
_ROBOTS = re.compile(
    r"(?:mailer[-_.]?daemon|post[-_.]?master|no[-_.]?reply|do[-_.]?not[-_.]?reply|bounces?|bounced|autoreply"
    r"|auto-reply|nobody|mail[-_.]?delivery|mdaemon"
    r"|listserv|majordomo|mailman|automailer|feedbackloop|fbl|mmm?daemon|autoresponder"
    r"|noreply\w*|notifications?)(?:[+=_.-].*)?",
    re.IGNORECASE,
)
_ROBOT_NAMES = re.compile(
    r"\b(?:mail(?:er)?[- ]?(?:delivery )?(?:sub)?(?:daemon|system)|mail delivery (?:sub)?system|postmaster"
    r"|mail administrator|mail router|system administrator|systemadministrator|internet mail delivery"
    r"|mail deliver\w* (?:agent|service))\b",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"\s*(?:\[?auto(?:-|matic |mated |matische |mat)?\s?(?:response|reply|generated reply|responder)\]?(?=\W|$)"
    r"|(?:auto|automatic reply|out of (?:the )?office(?: (?:auto)?reply)?|ooo|oof|vacation(?: (?:reply|notice"
    r"|message))?|away from (?:my )?(?:office|mail))\s*[:\uff1a]"
    r"|out of (?:the )?office\b|i am (?:currently )?out of (?:the )?office|automatic reply\b|auto(?: |-)?reply\b"
    r"|autoresponse\b"
    r"|abwesenheits(?:notiz|nachricht|meldung|assistent)|abwesend\s*:|automatische (?:antwort|abwesenheit)"
    r"|autoantwort|urlaubsnotiz"
    r"|r[ée]ponse automatique|message d.absence|absence du bureau|absent du bureau|absence\s*:"
    r"|respuesta autom[áa]tica|fuera de (?:la )?oficina|ausente de la oficina|resposta autom[áa]tica"
    r"|fora do escrit[óo]rio|aus[êe]ncia (?:tempor[áa]ria|do escrit[óo]rio)"
    r"|risposta automatica|fuori (?:sede|ufficio)|assenza dall.ufficio|automatisch antwoord"
    r"|afwezig(?:heid\w*)?\s*[:\uff1a]|afwezigheidsbericht|niet op kantoor|afwezig\b"
    r"|自動(?:応答|返信|回答|送信)|不在(?:通知|のお知らせ|連絡)|\S{0,3}【自動(?:返信|応答)】|\[自動(?:返信|応答)\]"
    r"|自动(?:答复|回复)|自動回覆|automatiskt svar|autosvar|automatisk svar|poissaolo|automaattinen vastaus"
    r"|odpowied[źz] automatyczna|автоматический ответ|автоответ|otomatik yan[ıi]t|자동 회신|부재 중"
    r"|undeliver(?:able|ed)\b|undelivered mail|delivery status notification|(?:mail )?delivery (?:failed|failure"
    r"|problem|error|notification|report|has failed|to the following)\b|mail delivery failed|mail (?:could not be"
    r"|not) delivered|failure notice\b|returned mail\b|(?:mail|message) (?:delivery )?(?:failure|error"
    r"|system error)\b"
    r"|non[- ]?deliver(?:y|able)|warning: (?:message|could not send)|message (?:you sent )?(?:could not be|was not"
    r"|not) delivered|unzustellbar|unzustellbare|nicht zustellbar|non remis|non distribuable"
    r"|[ée]chec de (?:la )?remise|non recapitabile|mancato recapito|no se puede entregar|no entregado|devoluci[óo]n"
    r"|n[ãa]o (?:foi )?(?:poss[íi]vel )?entreg\w*|onbestelbaar"
    r"|配信(?:不能|できません|エラー|失敗)|配達不能|送信(?:できません|エラー|失敗)|\W{0,2}(?:read|gelesen|lu"
    r"|le[íi]do|lida|letto|gelezen|開封済み|既読)\s?[:\uff1a]|(?:not read|ungelesen|nicht gelesen|non lu|no le[íi]do"
    r"|n[ãa]o lida|non letto|未開封)\s*[:\uff1a]|(?:read receipt|return receipt|lesebest[äa]tigung"
    r"|accus[ée] de (?:lecture|r[ée]ception)|confirmaci[óo]n de lectura|conferma di lettura|leesbevestiging|開封確認"
    r"|email feedback report|complaint about message|abuse report|feedback report|spam report|fw: complaint))",
    re.IGNORECASE,
)
_PROGRAMS = ("x-mailer", "user-agent")
_PEOPLES = re.compile(
    r"mozilla|thunderbird|outlook|apple mail|iphone mail|ipad mail|mutt|pine|evolution|kmail|claws|eudora",
    re.IGNORECASE,
)
_CALENDAR = re.compile(
    rb"^content-type:\s*text/calendar\b[^\r\n]*(?:\r?\n[ \t][^\r\n]*){0,5}?method\s*=\s*\"?reply",
    re.IGNORECASE | re.MULTILINE,
)
_CALENDAR_BYTES = 64 * 1024
_METHOD = re.compile(rb"^METHOD:\s*REPLY\s*$", re.IGNORECASE | re.MULTILINE)
_SUBJECT_CHARS = 1000


def machine_words(headers: Headers, subject: str | None = None) -> str | None:
    """Why this mail was written by a machine, in plain words; None when a person may have written it.

    `subject` is the decoded subject where the caller has it. RFC 3834 finds most of it (section 5: Auto-Submitted;
    section 2: empty envelope sender); the rest is habit.
    """
    return _by_envelope(headers) or _by_mark(headers) or _by_sender(headers) or _by_subject(headers, subject)


def is_certain(headers: Headers) -> bool:
    """Whether headers that only software writes say so, rather than habits of names and subjects.

    A feedback id is none of them: some providers add it to what people write.
    """
    marks = {name for name, _ in headers.fields} & set(_MARKS) - _MARKS_OF_PROVIDERS
    return bool(_by_envelope(headers) or marks or list_words(headers))


def _by_envelope(headers: Headers) -> str | None:
    if headers.all("return-path")[:1] and _NULL.fullmatch(headers.all("return-path")[0]):
        return "a bounce: it has no sender to answer to"
    if any(
        value.partition(";")[0].partition("(")[0].strip().lower() not in ("no", "")
        for value in headers.all("auto-submitted")
    ):
        return "an automatic mail: Auto-Submitted"
    if any(_REPORT.match(value) for value in headers.all("content-type")):
        return "a delivery report"
    return None


def _by_mark(headers: Headers) -> str | None:
    names = {name for name, _ in headers.fields}
    if mark := next((mark for mark in _MARKS if mark in names), None):
        return f"an automatic or a list mail: {mark}"
    by_person = any(_PEOPLES.search(value) for name in _PROGRAMS for value in headers.all(name))
    return None if by_person else list_words(headers)


def list_words(headers: Headers) -> str | None:
    """Why this mail, which a person may have written, did not come from there alone."""
    mark = next((mark for mark in _LIST_MARKS if headers.all(mark)), None)
    is_bulk = any(_PRECEDENCE.match(value) for value in headers.all("precedence"))
    return f"it came through a list: {mark or 'Precedence'}" if mark or is_bulk else None


def is_by_robot(headers: Headers) -> bool:
    """Whether a mail system itself wrote it: nobody to answer to (RFC 5321, 4.5.5), or a name that only those have."""
    paths = headers.all("return-path")[:1]
    return any(_NULL.fullmatch(path) for path in paths) or _by_sender(headers) is not None


def _by_sender(headers: Headers) -> str | None:
    froms = headers.all("from")
    local = (author_of(headers) or "").partition("@")[0]
    if _ROBOTS.fullmatch(local) or any(
        _ROBOT_NAMES.search(decoded(value)) or _NULL.fullmatch(value) for value in froms[:1]
    ):
        return "a mail from an address that nobody reads"
    return None


def _by_subject(headers: Headers, subject: str | None) -> str | None:
    shown = subject_of(headers) if subject is None else subject
    return "an automatic answer, by its subject" if _SUBJECT.match(shown[:_SUBJECT_CHARS]) else None


def calendar_words(raw: bytes, parts: Sequence[Part] = ()) -> str | None:
    """Why a mail is an answer to an invitation, which a calendar sends; None when it is none.

    Its header says so, or else the calendar itself, which is among the `parts` (RFC 5546, 3.2.3).
    """
    calendars = (part for part in parts if part.kind == "text/calendar")
    if _CALENDAR.search(raw[:_CALENDAR_BYTES]) or any(map(_is_reply, calendars)):
        return "an answer to an invitation"
    return None


def _is_reply(part: Part) -> bool:
    content = unwrapped(part.body, part.headers.one("content-transfer-encoding"))
    return _METHOD.search((content or part.body)[:_CALENDAR_BYTES]) is not None
