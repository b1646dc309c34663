"""A mail's bytes -> what it means. Pure, as far as the directory and the way to prove a sender are.

The order matters: what a machine wrote is never held as a forgery, and nothing of a text is read before it is known
whose word it is.
"""

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from channels import Bounced, Directory, File, Ignored, Inquiry, Quarantined
from channels.email.format import addresses
from channels.email.format.body import Body, Part, read_body
from channels.email.format.dates import written_at
from channels.email.format.headers import MAIL_BYTES, Headers, Unreadable, guess_headers, read_headers
from channels.email.format.message_ids import answers_us, ids_in, is_message_id, named_in, ours
from channels.email.format.shown import subject_of
from channels.email.identity import Accepted, Refused, who
from channels.email.identity.author import author_of, claimed
from channels.email.identity.identify import is_asked_for
from channels.email.identity.machine import calendar_words, is_away, is_by_robot, is_certain, machine_words
from channels.email.identity.proof import Prove, Proven
from channels.email.mime import SUBJECT_CHARS
from channels.email.reading import bounce, inquiry
from channels.email.reading.attachments import files_of, text_file
from channels.email.reply import (
    TWO_BODIES,
    Said,
    above_contacts,
    is_courtesy,
    is_signature,
    markup,
    newtext,
    quotes,
    read_both,
    read_reply,
    vocabulary,
)
from channels.email.reply.binding import About, Answered, MailReading, Wished
from channels.email.reply.lines import Lines
from channels.email.reply.newtext import Older
from channels.email.reply.stored import squashed
from channels.email.tokens import TokenOf, masked, recipients_of, returning
from channels.showing import one_line

PLUS = returning("plus")

TEXT_BYTES = 32 * 1024
"""Longest text that is handed on, in UTF-8; it becomes part of an event, and of what a model reads."""

WHOLE_CHARS = 8_000
"""Longest new text that is compared with what a button writes: a form may be that long, and no decision is."""

OLDER_CHARS = 64 * 1024 + 1
"""Characters of what a mail repeats of older ones that are handed on: more than is ever compared."""

STRAYS = 200
"""Most pictures and links of what a mail repeats that are handed on; a card has a dozen links."""

HEAD_CHARS = 1000
"""Characters of what a program writes above a quote that are handed on."""

PIECES = 20
"""Most pieces beside a text that are known each by itself; a mail has a signature, a footer and a banner, twice."""

HOLDS = (TWO_BODIES, newtext.TOO_LONG, markup.TOO_LONG)
"""Faults for which a text is nobody's comment: it was not read whole, or could be read in two ways."""

SAY_IT = "write what you want in words of your own, above it"

FORWARDED_NAME, OLDER_NAME = "forwarded.txt", "earlier.txt"

_FORWARD = re.compile(
    rf"\s*(?:\[[^\]]{{1,40}}\]\s*)?(?:{vocabulary.every('subject_forward')})\s*(?:\[\d+\])?\s*[:\uff1a]", re.IGNORECASE
)
"""Begins the subject of a forwarded mail, as programs write it in many languages."""

ASKED_NOTHING = "it answers a mail that asked nothing"

_REPLY = re.compile(
    rf"\s*(?:\[[^\]]{{1,40}}\]\s*)?(?:{vocabulary.every('subject_reply')})\s*(?:\[\d+\])?\s*[:\uff1a]", re.IGNORECASE
)
_ABOUT = re.compile(rf"(?:\A|\W)(?:{vocabulary.every('subject_reply')})\s*[:\uff1a]", re.IGNORECASE)
"""Begins an older subject, maybe behind words of a writer's own: `STOP Re: deploy v1.2.0`."""

_NO_TEXT = re.compile(
    r"(?<!\w)[(\[<]?(?:eom|n/?t|(?:see|siehe|s\.?) (?:the )?(?:subject|betreff)(?: ?line|zeile)?)[)\]>.!]{0,3}\s*\Z",
    re.IGNORECASE,
)
"""Says that the subject is all: `STOP (eom)`."""

_PROGRAM_CHARS = 200

UNREAD = "it could not be read from the mailbox, or is empty; look at it there"


@dataclass(frozen=True)
class Reader:
    """Reads mails to `own`, the bot's address; `token` finds the reply token that a mail brings back.

    What comes to `public` without a token is an enquiry, whoever wrote it.
    """

    own: str
    directory: Directory
    prove: Prove
    token: TokenOf = PLUS
    public: str = ""

    def read(self, raw: bytes, size_bytes: int, card: str = "") -> MailReading:
        """Read what `raw` means; it may be cut short when `size_bytes` is over the limit. `card` is the text of the
        mail of ours that it answers, where that is known.
        """
        token, unclear = self._token(raw)
        if not raw:
            return Quarantined(reasons=(UNREAD,))
        try:
            headers = read_headers(raw)
        except Unreadable as error:
            guessed = guess_headers(raw)
            if words := machine_words(guessed):
                return self._of_machine(raw, guessed, subject_of(guessed), token, words)
            return Quarantined(reasons=(str(error),), token=token)
        subject = subject_of(headers)
        if author_of(headers) in {self.own, self.public or self.own}:
            return Ignored(reason="our own mail")
        if token is None and is_asked_for(subject):
            return Ignored(reason="the mail that sayso mail identify asked for")
        if words := machine_words(headers, subject):
            if not is_certain(headers) and (held := self._looks_automatic(raw, headers, subject, token, words)):
                return held
            return self._of_machine(raw, headers, subject, token, words)
        if token is None and not unclear and inquiry.is_public(raw, headers, self.own, self.public):
            return self._enquiry(raw, size_bytes, headers, subject)
        if words := calendar_words(raw):
            return Ignored(reason=words)
        found = who(raw, self.directory, self.prove)
        if isinstance(found, Refused):
            stranger = found.stranger if not unclear and self._is_named(headers) else ""
            held = Quarantined(reasons=found.reasons, claims=found.claims, token=token, stranger=stranger)
            return _described(held, headers, subject)
        try:
            why = unclear or self._word_of(found, headers, subject, token, raw, size_bytes, card)
        except Unreadable as error:
            why = str(error)
        if not isinstance(why, str):
            return why
        held = Quarantined(reasons=(why,), claims=claimed(headers), token=token, person=found.contact.id)
        return _described(held, headers, subject)

    def _enquiry(self, raw: bytes, size_bytes: int, headers: Headers, subject: str) -> Inquiry | Quarantined | Ignored:
        try:
            enquiry = inquiry.read(raw, size_bytes, headers, subject, self.prove)
        except Unreadable as error:
            return _described(Quarantined(reasons=(str(error),), claims=claimed(headers)), headers, subject)
        found = who(raw, self.directory, self.prove)
        if isinstance(enquiry, Inquiry) and isinstance(found, Accepted):
            with suppress(Unreadable):
                said = self._word_of(found, headers, subject, None, raw, size_bytes, "")
                return enquiry.model_copy(update={"order": said.wish() if isinstance(said, Wished) else None})
        return enquiry

    def _is_proven(self, raw: bytes, headers: Headers) -> bool:
        """Return whether somebody of the directory certainly sent it, whoever wrote it."""
        author = author_of(headers) or ""
        return self.directory.by_email(author) is not None and isinstance(self.prove(raw, author), Proven)

    def _looks_automatic(
        self, raw: bytes, headers: Headers, subject: str, token: str | None, words: str
    ) -> Quarantined | None:
        """What only looks automatic, and somebody may have written: people see it. None where nobody need look.

        An automatic answer answers something: who begins with `Delivery problem with my order` hears of it.
        """
        is_proven, person = self._is_proven(raw, headers), ""
        if token is None:
            if any(map(headers.all, ("in-reply-to", "references"))) or _REPLY.match(subject):
                return None
            is_enquiry = not is_by_robot(headers) and inquiry.is_public(raw, headers, self.own, self.public)
            if not (is_proven or is_enquiry) or bounce.failure_of(raw, headers, subject) is not None:
                return None
            found = self.directory.by_email(author_of(headers) or "") if is_proven else None
            person = found.id if found else ""
        elif not is_proven:
            return None
        held = Quarantined(reasons=(f"it looks like {words}",), claims=claimed(headers), token=token, person=person)
        return _described(held, headers, subject)

    def _who_is_away(self, raw: bytes, headers: Headers, subject: str) -> str:
        """Return whose mailbox certainly answers by itself; empty where that is not known."""
        found = self.directory.by_email(author_of(headers) or "") if is_away(headers, subject) else None
        return found.id if found and self._is_proven(raw, headers) else ""

    def _is_named(self, headers: Headers) -> bool:
        """Return whether the mail was written to us; who only got a copy of it answers no stranger (RFC 3834, 2)."""
        return any(self._is_us(each) for each in recipients_of(headers))

    def _is_us(self, address: str) -> bool:
        return self.own in (address, addresses.split_tag(address)[0])

    def _misses_us(self, headers: Headers) -> tuple[str, ...]:
        """Return what is open of a mail whose To does not name us: somebody else may have sent on what they got.

        Its Cc proves nothing: where a mail has none, whoever sends it on can add one that no signature covers.
        """
        to = (each for field in headers.all("to") for each in addresses.recipients(field))
        return () if any(map(self._is_us, to)) else ("its To does not name sayso",)

    def _token(self, raw: bytes) -> tuple[str | None, str]:
        """The token, and why it is not clear which one."""
        try:
            return self.token(raw, self.own), ""
        except Unreadable as error:
            return None, str(error)

    def _of_machine(
        self, raw: bytes, headers: Headers, subject: str, token: str | None, words: str
    ) -> Bounced | Ignored:
        """A card of ours that came back, or nothing to anybody. It never counts as an answer."""
        why = bounce.failure_of(raw, headers, subject)
        if why is None:
            person = self._who_is_away(raw, headers, subject) if token else ""
            return Ignored(reason=words, away=person, token=token or "" if person else "")
        # Where the envelope sender could not be ours the report comes to the plain address: the returned mail knows.
        receipts = bounce.receipts_of(raw, self.own) or frozenset(filter(None, [token]))
        if len(receipts) != 1:
            return Ignored(reason=f"{words}; it returns no mail that could be told to be ours")
        return Bounced(receipt=next(iter(receipts)), why=masked(why, self.own))

    def _word_of(
        self, found: Accepted, headers: Headers, subject: str, token: str | None, raw: bytes, size_bytes: int, card: str
    ) -> MailReading:
        """Read what a proven person's mail says. Raises Unreadable."""
        if size_bytes > MAIL_BYTES:
            raise Unreadable(f"it is larger than {MAIL_BYTES // 1_000_000} MB")
        body = read_body(raw, partial(self._adds, found.contact.name))
        is_answer = bool(token) or any(map(headers.all, ("in-reply-to", "references")))
        if body.unsure and not (is_answer and self._refuses(found.contact.name, body)):
            raise Unreadable(body.unsure)
        if words := calendar_words(b"", body.files):
            return Ignored(reason=words)
        answers = ids_in(" ".join(headers.all("in-reply-to")))
        asked = tuple(each for each in answers if re.fullmatch(ours("card|done", self.own), each, re.IGNORECASE))
        if token is None and not asked:
            return self._wish(found, headers, subject, body)
        if token is None and all(each.lower().startswith("<done.") for each in asked):
            said = read_both(body.plain, body.html, found.contact.name, own=self.own)
            if not body.files and is_courtesy(said, found.contact.name):
                return Ignored(reason="thanks for a mail that asked nothing")
        return self._answer(found, headers, subject, token or "", body, card)

    def _adds(self, author: str, one: Body) -> bool:
        """Return whether one of several texts says more than thanks, a name, a program's own line and a quote."""
        said = read_both(one.plain, one.html, author, own=self.own)
        return bool(said.asked or said.sent_on) or not is_courtesy(said, author)

    def _refuses(self, author: str, body: Body) -> bool:
        """Return whether all of several texts refuse: a phone divides one around a picture, and a server adds one.

        As that may begin with `STOP!` as well, a no beside it stands in a paragraph of its own.
        """
        said = read_both(body.plain, body.html, author, own=self.own)
        has_picture = any(part.kind.startswith("image/") for part in body.files)
        is_bare = read_reply(said.text.strip().partition("\n\n")[0], author).reason == ""
        return said.said == "deny" and (has_picture or is_bare)

    def _wish(self, found: Accepted, headers: Headers, subject: str, body: Body) -> MailReading:
        """A mail that answers no card: something new, or a word in the thread of what was asked before."""
        person, why = found.contact.id, ASKED_NOTHING if self._answers_us(headers, subject) else ""
        earlier = (*ids_in(" ".join(headers.all("references"))), *ids_in(" ".join(headers.all("in-reply-to"))))
        said = read_both(body.plain, body.html, found.contact.name, own=self.own)
        is_bare = all(file.is_inline for file in files_of(body.files))  # a logo
        if earlier and is_bare and _is_wordless(said.whole, found.contact.name):
            said = _said_above(subject, said)
        if why and not body.files and is_courtesy(said, found.contact.name):
            return Ignored(reason="thanks for a mail that asked nothing")
        shown = body.plain if body.plain is not None else markup.as_text(body.html or "").text
        files, text = files_of(body.files), f"{subject}\n\n{shown.strip()}".strip()
        if _is_forwarded(subject, shown):
            # What somebody else wrote is nobody's wish here; it goes along as what it is.
            text, files = _own_words(said, "it was forwarded"), (*files, self._whole(FORWARDED_NAME, shown))
        elif said.unsure or _is_cut(said):
            own = _own_words(said, said.unsure or "it has an older mail in it")
            # Nor is the subject of an older mail theirs.
            text = own if earlier or _REPLY.match(subject) else f"{subject}\n\n{own}".strip()
            files = files if earlier else (*files, self._whole(OLDER_NAME, shown))
        elif earlier:
            text = said.whole
        return Wished(
            person=person,
            text=_bounded(masked(text, self.own)),
            thread=_id_of(headers),
            known=found.known,
            files=files,
            follows=bool(earlier),
            within=next(iter(earlier), ""),
            held_because=why,
            weakness="; ".join(
                (*_faults(headers, found.wish_weakness, body.files), *self._misses_us(headers), *_differs(said))
            ),
            written_at=written_at(headers.first("date")),
            key=_key_of(found, headers, said.whole),
            copy_key=_copy_key(found, headers, subject),
            beside=_beside(said, found),
        )

    def _whole(self, name: str, shown: str) -> File:
        """All of a mail as a file: what its sender did not write is for reading, and no wish."""
        return text_file(name, _bounded(masked(shown, self.own)))

    def _answer(self, found: Accepted, headers: Headers, subject: str, token: str, body: Body, card: str) -> Answered:
        """An answer to the card that `token` names, or else a Message-ID of ours. Raises Unreadable."""
        said = read_both(body.plain, body.html, found.contact.name, own=self.own, card=card)
        if said.unsure in HOLDS and said.said != "deny":
            raise Unreadable(said.unsure)
        said = replace(said, unsure=said.unsure or body.unsure)
        if is_signature(said, found.contact.name):
            said = replace(said, said="empty", text="", whole="")
        if said.said in ("empty", "free_text") and _is_wordless(said.whole, found.contact.name):
            stop = _stop_before(subject)
            # The subject of a card is no word of theirs, and has its code in brackets.
            said = replace(stop, older=said.older) if stop and "[" not in stop.whole else said
        is_short = len(said.whole) <= WHOLE_CHARS and said.is_one and not said.unsure
        about = About(
            faults=_faults(headers, found.weakness, body.files),
            subject=subject,
            in_reply_to=named_in(" ".join(headers.all("in-reply-to"))),
            sent_at=written_at(headers.first("date")),
            whole=said.whole if is_short else "",
            author=found.contact.name,
            older=tuple(map(_shortened, said.older)),
            beside=_beside(said, found),
            references=named_in(" ".join(headers.all("references"))),
            program=" ".join((*headers.all("user-agent"), *headers.all("x-mailer")))[:_PROGRAM_CHARS],
            has_code=bool(token),
            has_more=said.has_more,
        )
        text = said.asked if said.said == "free_text" and said.asked else said.text
        text = f"{said.sent_on}\n\n{text}".strip()  # so nobody takes what somebody else wrote for theirs
        why = (said.unsure, *_differs(said), newtext.BESIDE_QUOTE if text != said.text else "")
        unsure = next(filter(None, why), "")
        return Answered(
            person=found.contact.id,
            token=token,
            said=said.said,
            text=_bounded(masked(text, self.own)),
            reason=masked(said.reason, self.own),
            known=found.known,
            files=files_of(body.files),
            is_exposed=self._is_exposed(headers, token),
            key=_key_of(found, headers, said.whole),
            copy_key=_copy_key(found, headers, subject),
            unsure=unsure,
            is_typed=True,
            is_below_quote=said.is_below_quote,
            above=_bounded(masked(above_contacts(text, found.contact.name), self.own)) if not unsure else "",
            about=about,
        )

    def _is_exposed(self, headers: Headers, token: str) -> bool:
        """Return whether others got the mail as well, and with it the token in its recipients or its quote."""
        plain, author = recipients_of(headers), author_of(headers)
        others = [each for each in plain if each != author and not self._is_own(each, token)]
        named = sum(value.count("@") for name in ("to", "cc") for value in headers.all(name))
        return bool(others) or named > len(plain)

    def _is_own(self, address: str, token: str) -> bool:
        return addresses.split_tag(address)[0] in (self.own, self.public) or address.rpartition("@")[0] == token

    def _answers_us(self, headers: Headers, subject: str) -> bool:
        """Return whether the mail answers one of ours; without a token, one that asked nothing. It must start nothing.

        Nor may what does not say which mail it answers: so do robots that hide what they are, and run in circles.
        """
        ids = " ".join((*headers.all("in-reply-to"), *headers.all("references")))
        return answers_us(ids, self.own) or (not ids.strip() and _REPLY.match(subject) is not None)


def _is_wordless(text: str, author: str) -> bool:
    """Return whether a mail has no words of its own: its text could stand below an approval and below a denial."""
    text = _NO_TEXT.sub("", text)
    return all(read_reply(f"{word}\n\n{text}", author).said == word for word in ("approve", "deny"))


def _said_above(subject: str, said: Said) -> Said:
    """Return the stop or no that somebody wrote over a mail of no words, in place of the subject of their thread.

    What begins with one and stands behind no `Re:` is theirs whole, `stop s1r-…`, but for ours: `Cancelled: deploy`.
    """
    if stop := _stop_before(subject):
        return stop
    over = read_reply(next(filter(None, _pieces(subject)), ""))
    return over if over.said == "deny" and not over.reason else said


def _stop_before(subject: str) -> Said | None:
    """Return the words before an older subject, where they begin with a stop or no."""
    own, *_ = _pieces(subject)
    begins = own.partition(" ")[0]
    return read_reply(own) if not begins.endswith(":") and read_reply(begins).said == "deny" else None


def _pieces(subject: str) -> list[str]:
    """Return what somebody wrote before the subject of their thread, and the subjects behind it."""
    return [_NO_TEXT.sub("", one).strip(" -\u2013") for one in _ABOUT.split(subject)]


def _is_forwarded(subject: str, shown: str) -> bool:
    """Return whether the mail passes on what somebody else wrote, by its subject or its program's own lines."""
    lines = Lines(tuple(shown.split("\n", newtext.LINES)[: newtext.LINES]))
    marks = (quotes.begins_forwarded(lines, at) for at in range(len(lines)) if not lines.quoted[at])
    return _FORWARD.match(subject) is not None or any(marks)


def _own_words(said: Said, why: str) -> str:
    """Return what the person wrote above another mail. Raises Unreadable where nobody can see what that is."""
    is_clear = not said.unsure and (said.is_one or said.said == "deny")
    if not (said.whole and _is_cut(said) and is_clear):
        raise Unreadable(f"{why}, and what somebody else wrote is not taken for your wish; {SAY_IT}")
    return said.whole


def _beside(said: Said, found: Accepted) -> tuple[str, ...]:
    """Return what stands beside the text and is not only the address of its writer; what is in more than so many pieces
    as one.
    """
    own = found.contact.email or ""
    pieces = [each for each in said.beside if squashed(each) not in ("", squashed(own))]
    return tuple(pieces) if len(pieces) <= PIECES else ("\n".join(pieces),)


def _differs(said: Said) -> tuple[str, ...]:
    """Return why code must read neither of two texts that say different things."""
    return () if said.is_one else (TWO_BODIES,)


def _is_cut(said: Said) -> bool:
    return not all(older.is_empty for older in said.older)


def _shortened(older: Older) -> Older:
    """`older` as far as it is compared with a card; what is left out of it is like no card."""
    strays = older.strays
    if len(strays) > STRAYS or sum(map(len, strays)) > OLDER_CHARS:
        strays = (markup.PICTURE,)
    heads = tuple(head[:HEAD_CHARS] for head in older.heads[:2])
    within = tuple(line[:HEAD_CHARS] for line in older.within[:2])
    return Older(older.quoted[:OLDER_CHARS], older.below[:OLDER_CHARS], heads, strays, within)


def _faults(headers: Headers, weakness: str, files: Sequence[Part]) -> tuple[str, ...]:
    """Return why the mail proves too little for an approval."""
    missing = [name.title() for name in ("from", "date", "subject", "message-id") if len(headers.all(name)) != 1]
    invites = "it comes with an invitation" if any(map(_is_invitation, files)) else ""
    return (*(f"it has not exactly one {name}" for name in missing), *filter(None, [weakness, invites]))


def _is_invitation(part: Part) -> bool:
    """Return whether a calendar sends the mail with this part in it: it has a method (RFC 6047, 2.4), or is no file."""
    return part.kind == "text/calendar" and (part.may_be_text or "method" in part.parameters)


def _key_of(found: Accepted, headers: Headers, whole: str) -> str:
    """Return a key that is the same for every copy of one mail from one person, whichever server adds what to it."""
    said = f"{found.contact.id}\n{_id_of(headers)}\n{headers.first('date')}\n{whole}"
    return f"mail-{hashlib.sha256(said.encode(errors='replace')).hexdigest()[:32]}" if _id_of(headers) else ""


def _copy_key(found: Accepted, headers: Headers, subject: str) -> str:
    """Return a key that is the same for every copy of one mail, whatever its signature leaves open to change.

    Where it is "relaxed", blanks are as open as all fields but those of `WISH_NEEDED` (RFC 6376, 3.4).
    """
    written = written_at(headers.first("date"))
    said = f"{found.contact.id}\n{written.timestamp() if written else ''}\n{subject}"
    return f"copy-{hashlib.sha256(said.encode(errors='replace')).hexdigest()[:32]}"


def _described(held: Quarantined, headers: Headers, subject: str) -> Quarantined:
    """`held` with what people recognise the mail by, and where an answer to it belongs."""
    return held.model_copy(update={"about": one_line(subject, SUBJECT_CHARS), "thread": _id_of(headers)})


def _id_of(headers: Headers) -> str:
    """The mail's Message-ID; nothing where it is not one."""
    return next((each for each in map(str.strip, headers.all("message-id")) if is_message_id(each)), "")


def _bounded(text: str) -> str:
    if len(text.encode()) > TEXT_BYTES:
        raise Unreadable(f"its text is longer than {TEXT_BYTES // 1024} KB; write a shorter one")
    return text
