"""How things look in a terminal. Outside text is made printable, never obeyed."""

import json

from bot.cards import exact_call
from bot.people import People
from bot.summary import Summary
from bot.views import RequestView
from channels.email.letters import Letter

_TIME = "%d %b %H:%M UTC"


def plain(text: str) -> str:
    """`text` without anything a terminal would obey; line breaks stay."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


def summary_text(summary: Summary) -> str:
    """One line of `sayso runs`."""
    when = summary.started_at.strftime(_TIME)
    tail = f"  {summary.outcome}" if summary.outcome else (f"  waits for {summary.open}" if summary.open else "")
    return plain(f"{summary.id}  {summary.state:<9}  {when}  {summary.requester}: {summary.text}{tail}")


def request_text(request: RequestView, people: People) -> str:
    """A request as somebody must see it to decide: everything that is approved, and who may."""
    approvals = sum(vote.approve for vote in request.votes)
    rows = [
        f"{request.id}  {request.state}  revision {request.revision}",
        f"  {request.title}",
        f"  asked by   {people.names_of(request.requesters)}",
    ]
    rows += [f"  question   {request.quoted}"] if request.quoted else []
    rows += [f"  changed    {change}" for change in request.changes]
    for fact in request.call.effect.facts if request.call else ():
        first, *rest = fact.text.splitlines() or [""]
        rows += [f"  {fact.label.lower():<10} {first}", *(f"  {'':<10} {line}" for line in rest)]
    rows += [f"  exactly    {line}" for line in exact_call(request.call).splitlines()]
    rows += [f"  {number}: {option}" for number, option in enumerate(request.options, 1)]
    rows += [f"  may decide {people.names_of(request.may_decide)} ({approvals} of {request.quorum})"]
    rows += [f"  until      {request.expires_at.strftime(_TIME)}", f"  digest     {request.digest}"]
    return plain("\n".join(rows))


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
