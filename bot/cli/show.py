"""How things look in a terminal. Outside text is made printable, never obeyed."""

import hashlib
import json

from bot.people.directory import People
from bot.render.cards import by_key, exact_call
from bot.render.views import FactView, RequestView, Summary
from channels.email.local.letters import Letter
from channels.showing import visible, visible_json

_TIME = "%d %b %H:%M UTC"
_HASH_CHARS = 12
_WORDS = {"approval": "approve|deny", "yes_no": "yes|no", "choice": "NUMBER"}


def plain(text: str) -> str:
    """`text` with everything spelled out that a terminal would obey or not show; line breaks stay."""
    return visible(text.replace("\r", " ").replace("\t", " "))


def plain_json(text: str) -> str:
    """The same JSON, with what a terminal would obey or not show escaped."""
    return visible_json(text)


def short_hash(value: object) -> str:
    """The beginning of the hex SHA-256 of `value` as JSON with sorted keys: another one means something changed."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_HASH_CHARS]


def summary_text(summary: Summary) -> str:
    """One line of `sayso runs`."""
    when = summary.started_at.strftime(_TIME)
    tail = f"  {summary.outcome}" if summary.outcome else (f"  waits for {summary.open}" if summary.open else "")
    mode = "  (rehearsal)" if summary.is_rehearsal else ""
    line = f"{summary.id}  {summary.state:<9}  {when}  {summary.requester}: {summary.text}{tail}{mode}"
    return plain(" ".join(line.splitlines()))  # an older release kept line breaks


def request_text(request: RequestView, people: People) -> str:
    """A request as somebody must see it to decide: everything that is approved, and who may."""
    rows = [
        f"{request.id}  {request.state}  revision {request.revision}",
        f"  {' '.join(request.title.split())}",
        _row("asked by", people.names_of(request.requesters)),
    ]
    rows += [_row("about", request.says)] if request.says else []
    rows += [_row("with a key", key)] if (key := by_key(request.service, request.key_holders, people)) else []
    rows += [_row("question", request.quoted)] if request.quoted else []
    rows += [_row("changed", change) for change in request.changes]
    rows += [row for fact in request.facts for row in _fact(fact)]
    rows += [_row("exactly", line) for line in exact_call(request.call).splitlines()]
    rows += [_row(f"{number}:", option) for number, option in enumerate(request.options, 1)]
    rows += [_row("fields", ", ".join(request.fields))] if request.fields else []
    for remark in request.remarks:
        rows += [_row("written", f"{people.name_of(remark.person)}, after you were asked: {remark.text}")]
    rows += [_row("may decide", request.rule)]
    rows += [_row("may not", f"{people.name_of(one)}, who {why}") for one, why in request.may_not_decide.items()]
    approvers = [vote.person for vote in request.votes if vote.approve]
    rows += [_row("approved", f"so far by {people.names_of(approvers)}")] if approvers else []
    operators = [vote.person for vote in request.votes if vote.is_by_operators_key]
    rows += [_row("beware", f"the word of {people.names_of(operators)} came with a key that an operator made")] * bool(
        operators
    )
    rows += [
        _row("note", f"{people.name_of(vote.person)}: {vote.reason}")
        for vote in request.votes
        if vote.approve and vote.reason
    ]
    rows += [_row("comment", f"{people.name_of(one.person)}: {one.text}") for one in request.comments]
    rows += [_row("until", request.expires_at.strftime(_TIME)), _row("digest", request.digest)]
    rows += [_row("mode", "rehearsal: plain rules chose the step, no model")] if request.is_rehearsal else []
    return plain("\n".join(rows))


def _fact(fact: FactView) -> list[str]:
    """A fact, with all of its list if that is there, and else where it is."""
    if fact.whole:
        return [_row(fact.label.lower(), f"{fact.text.partition(chr(10))[0]}\n{fact.whole}")]
    more = [_row("", f"complete list ({fact.lines}): ./sayso requests --full")] if fact.lines else []
    return [_row(fact.label.lower(), fact.text), *more]


def how_to_answer(request_id: str, asked: str, where: str) -> str:
    """What to type to answer a request of the format `asked`; `where` is what finds sayso, and who speaks."""
    return f"./sayso answer {request_id} {_WORDS.get(asked, 'TEXT')}{where}"


def _row(label: str, text: str) -> str:
    """One labelled row. Further lines of `text` are indented below it, so that none can pass for a row of its own."""
    first, *rest = text.splitlines() or [""]
    return "\n".join([f"  {' '.join(label.split()):<10} {first}", *(f"  {'':<10} {line}" for line in rest)])


def letter_text(letter: Letter) -> str:
    """A mail as a person reads it, with the id that answers it."""
    is_asking = "+" in (letter.reply_to or "").partition("@")[0]  # a reply token: the mail wants an answer
    answer = f"\n(answer it with --reply-to {letter.id})" if is_asking else ""
    head = f"── {letter.id}  {letter.at.strftime(_TIME)}  from {letter.sender}\nSubject: {letter.subject}"
    return plain(f"{head}\n\n{letter.text.rstrip()}\n{answer}\n")


def letter_json(letter: Letter) -> str:
    """A mail as one JSON line."""
    return json.dumps(
        {
            "id": letter.id,
            "at": letter.at.isoformat(),
            "from": letter.sender,
            "subject": letter.subject,
            "text": letter.text,
            "reply_to": letter.reply_to,
        }
    )
