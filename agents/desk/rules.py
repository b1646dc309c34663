"""The desk agent without a model: a plain case has its text ready, in all others the owner's words are the draft."""

from agents.command import failed, how
from agents.desk.knowledge import article_for
from agents.desk.mail import Mail, mail_of
from agents.desk.tools import DRAFTS, SEND_REPLY, is_reply
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import ends_of, one_line
from language import say

_SUBJECT_CHARS = 150
_QUOTED_CHARS = (2_000, 500)


def next_step(run: Run, greeting: str) -> Step:
    """Draft what a file answers, else ask the owner; after a denial ask them what to say instead; tell how it ended."""
    mail, last = mail_of(run), run.results[-1] if run.results else None
    if mail is None:
        return failed(say("desk.no-mail"))
    if any(is_reply(one) and one.kind == "ok" for one in run.results):
        return Done(summary=say("desk.sent", whom=_whom(mail)))
    if last is None:
        found = article_for(run.facts or (), f"{mail.subject}\n{mail.text}")
        return _draft(mail, greeting, found.text) if found else _ask(mail, say("desk.what"))
    if is_reply(last):
        return _after_draft(run, mail, last)
    if isinstance(last.step, RequestHumanInput) and last.kind == "answered":
        return _draft(mail, greeting, last.text)
    return failed(say("desk.unanswered", whom=_whom(mail), how=how(last)))


def _after_draft(run: Run, mail: Mail, last: Result) -> Step:
    denied = sum(is_reply(one) and one.kind == "denied" for one in run.results)
    if last.kind == "denied" and denied < DRAFTS:
        by = ", ".join(last.by)
        why = say("desk.denied-why", by=by, why=last.text) if last.text else say("desk.denied", by=by)
        return _ask(mail, f"{why}\n\n{say('desk.what-instead')}")
    if last.kind == "denied":
        return failed(say("desk.drafts-denied", whom=_whom(mail), number=denied, why=last.text))
    return failed(say("desk.no-reply", whom=_whom(mail), why=how(last)))


def _ask(mail: Mail, what: str) -> RequestHumanInput:
    wrote = ends_of(mail.text, *_QUOTED_CHARS) or say("desk.no-text")
    story = say("desk.the-mail", subject=one_line(mail.subject, _SUBJECT_CHARS), sender=mail.sender)
    return RequestHumanInput(question=f"{what}\n{say('desk.your-words')}\n\n{story}\n{wrote}")


def _draft(mail: Mail, greeting: str, words: str) -> CallTool:
    subject = one_line(mail.subject, _SUBJECT_CHARS) or say("desk.your-mail")
    answer = subject if subject.casefold().startswith("re:") else one_line(f"Re: {subject}", _SUBJECT_CHARS)
    text = f"{greeting}\n\n{words.strip()}".strip()
    return CallTool(tool=SEND_REPLY, arguments={"to": mail.sender, "subject": answer, "text": text})


def _whom(mail: Mail) -> str:
    return f"{mail.sender} (“{one_line(mail.subject, 80)}”)"
