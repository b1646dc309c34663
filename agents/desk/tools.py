"""The one effect of a desk: a reply to whoever wrote, once people have approved exactly that mail."""

import hashlib
from collections.abc import Callable

from pydantic import Field

from agents import MAIL_WITHIN_S, Arguments, Outcome, Pending, Tool, ToolContext, ToolRefused
from agents.changes import SEND_REPLY
from agents.desk.mail import Draft, Mail, mail_of
from agents.requests import Effect, Fact, RunId
from agents.run import Result, Run
from agents.steps import CallTool, RequestHumanInput
from agents.text import ends_of, one_line, strip_invisible
from language import say
from language.recorded import reason_of, trouble_of

DRAFTS = 3
"""Most drafts that may be denied before the owner must say what to do."""

_HASH = "SHA-256 of the mail"
_SUBJECT_CHARS, _TEXT_CHARS = 150, 6_000
_SHOWN_CHARS = (1_200, 300)
_LOOK_S = 1.0
CHANGE = "To have it changed"

Render = Callable[[Draft, Mail, RunId], bytes]


class ReplyArgs(Arguments):
    """What is answered."""

    to: str = Field(description="The address that wrote the mail; no other one is possible", max_length=254)
    subject: str = Field(description="Usually Re: and the subject of the mail", min_length=1, max_length=_SUBJECT_CHARS)
    text: str = Field(
        description="Plain text with greeting, without signature: that is added by code",
        min_length=1,
        max_length=_TEXT_CHARS,
    )


def reply_tool(policy: str, signature: str, render: Render) -> Tool[ReplyArgs]:
    """Send a reply to the sender of the run's mail, once `policy` has approved its exact bytes."""

    def letter(args: ReplyArgs, run: Run) -> tuple[Mail, Draft, bytes]:
        mail = mail_of(run)
        if mail is None:
            raise ToolRefused(say("desk.only-desk"))
        if args.to.strip().lower() != mail.sender:
            raise ToolRefused(say("desk.only-sender", sender=mail.sender))
        draft = Draft(one_line(args.subject, _SUBJECT_CHARS), _full(args.text, signature))
        if not draft.subject or not strip_invisible(args.text).strip():
            raise ToolRefused(say("desk.nothing-to-see"))
        try:
            return mail, draft, render(draft, mail, run.id)
        except ValueError as error:
            raise ToolRefused(say("desk.no-such-mail", why=error)) from error

    async def prepare(args: ReplyArgs, run: Run) -> Effect:
        mail, draft, raw = letter(args, run)
        _check_may_try(run)
        bound = {_HASH: hashlib.sha256(raw).hexdigest()}
        if mail.message_id:
            bound["in reply to"] = mail.message_id
        return Effect(argv=("mail", mail.sender, draft.subject, draft.text), artifacts=bound, facts=_facts(mail, draft))

    async def execute(args: ReplyArgs, effect: Effect, hands: ToolContext) -> Outcome | Pending:
        mail, _, raw = letter(args, hands.run)
        if hashlib.sha256(raw).hexdigest() != effect.artifacts.get(_HASH):
            return Outcome("", error=say("desk.another-mail"))
        await hands.mail(raw, mail.sender)
        note = say("desk.waits", address=mail.sender)
        return Pending(handle=f"mail {hands.key}", check_after_s=_LOOK_S, note=note)

    async def check(args: ReplyArgs, handle: str, hands: ToolContext) -> Outcome | Pending:
        mailed = await hands.mailed()
        if mailed is None:
            return Pending(handle=handle, check_after_s=_LOOK_S, note=say("desk.waits", address=args.to))
        if mailed.trouble:
            return Outcome("", error=trouble_of(mailed.trouble), unknown=mailed.is_unknown)
        return Outcome(say("desk.sent-to", address=args.to))

    return Tool(
        name=SEND_REPLY,
        description="Send a reply to whoever wrote. Waits for approval by itself; a denial says what to change.",
        args=ReplyArgs,
        prepare_for=prepare,
        execute=execute,
        check=check,
        gate=lambda _: policy,
        title=lambda args: say("desk.title", address=one_line(args.to, 100)),
        idempotent=True,
        waits_s=2 * MAIL_WITHIN_S,
        editable=("text",),
    )


def is_reply(result: Result) -> bool:
    """Return whether the result is what became of a draft."""
    return isinstance(result.step, CallTool) and result.step.tool == SEND_REPLY


def denied_drafts(run: Run) -> int:
    """Return how many drafts were denied since the owner last said something."""
    results = run.results
    heard = [at for at, one in enumerate(results) if isinstance(one.step, RequestHumanInput) and one.kind == "answered"]
    return sum(is_reply(one) and one.kind == "denied" for one in results[heard[-1] + 1 if heard else 0 :])


def _check_may_try(run: Run) -> None:
    """Raises ToolRefused once a reply was sent, and where people have denied enough drafts."""
    if any(is_reply(one) and one.kind == "ok" for one in run.results):
        raise ToolRefused(say("desk.answered-once"))
    if denied_drafts(run) >= DRAFTS:
        raise ToolRefused(say("desk.too-many-drafts", count=DRAFTS))


def _full(text: str, signature: str) -> str:
    parts = [strip_invisible(text).strip(), strip_invisible(signature).strip()]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(mail: Mail, draft: Draft) -> tuple[Fact, ...]:
    """Return what the approver reads first. All of it is bound elsewhere, or is about the mail that came in."""
    doubt = f"{mail.sender} ({one_line(reason_of(mail.doubt), 200)})" if mail.doubt else mail.sender
    return (
        Fact(label="To", text=doubt),
        Fact(label="Subject", text=draft.subject),
        Fact(label="Reply", text=draft.text),
        Fact(label="Their subject", text=one_line(mail.subject, _SUBJECT_CHARS) or say("desk.no-subject")),
        Fact(label="They wrote", text=ends_of(strip_invisible(mail.text), *_SHOWN_CHARS) or say("desk.no-text")),
        *((Fact(label="They attached", text=", ".join(mail.attached)),) if mail.attached else ()),
        Fact(label=CHANGE, text=say("desk.how-to-change")),
    )
