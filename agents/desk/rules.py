"""The desk agent without a model: a plain case has its text ready, in all others the owner's words are the draft."""

from agents.command import failed
from agents.desk.knowledge import article_for
from agents.desk.mail import Mail, mail_of
from agents.desk.tools import DRAFTS, SEND_REPLY, is_reply
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import ends_of, one_line

_SUBJECT_CHARS = 150
_QUOTED_CHARS = (2_000, 500)


def next_step(run: Run, greeting: str) -> Step:
    """Draft what a file answers, else ask the owner; after a denial ask them what to say instead; tell how it ended."""
    mail, last = mail_of(run), run.results[-1] if run.results else None
    if mail is None:
        return failed("A desk run begins with a mail to the desk's address, and this one did not")
    if last is None:
        found = article_for(run.facts or (), f"{mail.subject}\n{mail.text}")
        return _draft(mail, greeting, found.text) if found else _ask(mail, "What should be answered?")
    if is_reply(last):
        return _after_draft(run, mail, last)
    if isinstance(last.step, RequestHumanInput) and last.kind == "answered":
        return _draft(mail, greeting, last.text)
    return failed(f"{_whom(mail)} got no reply: the question was not answered ({_how(last)})")


def _after_draft(run: Run, mail: Mail, last: Result) -> Step:
    if last.kind == "ok":
        return Done(summary=f"{_whom(mail)} was sent the reply that was approved")
    denied = sum(is_reply(one) and one.kind == "denied" for one in run.results)
    if last.kind == "denied" and denied < DRAFTS:
        why = f"said no to the draft, and why: {last.text}" if last.text else "said no to the draft, without a reason"
        return _ask(mail, f"{', '.join(last.by)} {why}\n\nWhat should be answered instead?")
    if last.kind == "denied":
        return failed(f"{_whom(mail)} got no reply: {denied} drafts were denied, the last one with: {last.text}")
    return failed(f"{_whom(mail)} got no reply: {_how(last)}")


def _ask(mail: Mail, what: str) -> RequestHumanInput:
    wrote = ends_of(mail.text, *_QUOTED_CHARS) or "(no text)"
    story = f"The mail “{one_line(mail.subject, _SUBJECT_CHARS)}” from {mail.sender}:\n{wrote}"
    return RequestHumanInput(question=f"{what}\nYour words are the draft; it is shown for approval.\n\n{story}")


def _draft(mail: Mail, greeting: str, words: str) -> CallTool:
    subject = one_line(mail.subject, _SUBJECT_CHARS) or "your mail"
    answer = subject if subject.casefold().startswith("re:") else one_line(f"Re: {subject}", _SUBJECT_CHARS)
    text = f"{greeting}\n\n{words.strip()}".strip()
    return CallTool(tool=SEND_REPLY, arguments={"to": mail.sender, "subject": answer, "text": text})


def _whom(mail: Mail) -> str:
    return f"{mail.sender} (“{one_line(mail.subject, 80)}”)"


def _how(last: Result) -> str:
    return f"{last.kind}: {last.text}" if last.text else last.kind
