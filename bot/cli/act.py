"""Commands that change something: trigger, answer, steer, and a demo person's mailbox."""

import asyncio
import json
import secrets
import sys
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bot.cli.options import Data, Json, text_of, texts_of

if TYPE_CHECKING:
    from agents.requests import PersonId, Request
    from bot.app import App

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.app import App
    from bot.people.directory import People
    from bot.render.views import RequestView

As = Annotated[
    str | None,
    typer.Option(
        "--as", help="The person who speaks, by the name in sayso.toml; over HTTP the key says.", metavar="PERSON"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(trigger)
    app.command()(answer)
    app.command()(withdraw)
    app.command()(amend)
    app.command()(mailbox)
    for verb, text in _STEERING.items():
        app.command(verb, help=text)(_steering(verb))
    app.command()(ask)


def trigger(
    text: Annotated[
        str, typer.Argument(help='What you want, such as "deploy v1.2.0 to production".', callback=text_of)
    ],
    person: As = None,
    agent: Annotated[str | None, typer.Option(help="Which agent takes it; `sayso agents` lists them.")] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Tell the run's story until it ends, and who is asked; exit 1 if it failed.")
    ] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Start a run. Prints its id."""
    from bot.cli.remote import remote, run
    from bot.cli.show import Wait, follow

    where = f" --data {data}" if data else ""

    def say(run_id: str) -> None:
        if wait and as_json:
            print(run_id, file=sys.stderr, flush=True)
        else:
            print(json.dumps({"id": run_id, "state": "running"}) if as_json else run_id, flush=True)
        if not wait and not as_json:
            print(f"Follow it with: ./sayso watch {run_id}{where}", file=sys.stderr)

    async def work(app: "App") -> int:
        run_id = await app.starter.start("cli", text, speaker(app, person), agent=agent)
        say(run_id)
        told = Wait(app.people, as_json=as_json, where=where, by_key=False)
        return await follow(app, run_id, told) if wait else 0

    away = remote(data, person)
    if away is None:
        raise typer.Exit(run(data, work))
    run_id = away.trigger(text, agent)
    say(run_id)
    told = Wait(away.people, as_json=as_json, where=where, by_key=True)
    raise typer.Exit(away.follow(run_id, told) if wait else 0)


def speaker(app: "App", person: str | None) -> "PersonId":
    """The person that `--as` names. Raises NotBesideDev and NotFound."""
    from bot.cli.remote import require_dev

    require_dev(app.settings, "--as")
    if person is None:
        raise typer.BadParameter("say who you are: --as PERSON, such as --as anna")
    return app.people.named(person)


def answer(
    request: Annotated[str, typer.Argument(help="The request's id; `sayso requests` lists the open ones.")],
    text: Annotated[
        str,
        typer.Argument(
            metavar="approve|deny|TEXT", help="A vote, `deny, and why`, or the answer to a question.", callback=text_of
        ),
    ],
    person: As = None,
    reason: Annotated[str, typer.Option(help="Why, for a denial, or a note.", callback=text_of)] = "",
    with_note: Annotated[
        bool, typer.Option("--with-note", help="Approve with --reason as a note, which holds nothing back.")
    ] = False,
    digest: Annotated[
        str, typer.Option(help="What you approve, as it was shown to you elsewhere.", metavar="DIGEST")
    ] = "",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Answer a request. `--as` works beside `sayso dev` only. Exit 1 when the answer does not count.

    An approval is for what you were shown last. If you were shown nothing, it is shown, and nothing is approved yet.
    """
    from bot.cli.remote import remote, run

    away = remote(data, person)
    if away:
        raise typer.Exit(away.answer(request, text, reason, digest, with_note=with_note, as_json=as_json))

    async def work(app: "App") -> int:
        return await answer_beside(app, request, text, person, reason, digest, with_note=with_note, as_json=as_json)

    raise typer.Exit(run(data, work))


async def answer_beside(
    app: "App",
    request_id: str,
    text: str,
    person: str | None,
    reason: str,
    digest: str = "",
    *,
    with_note: bool = False,
    as_json: bool,
) -> int:
    """Answer as `person` what they were shown; 0 when the answer counts."""
    from agents.requests import RequestId
    from bot.cli.show import (
        Shown,
        as_a_note,
        as_a_vote,
        bound_to,
        last_shown,
        not_shown,
        note_shown,
        plain,
        plain_json,
        request_text,
        typed,
    )
    from bot.policy.answers import Statement
    from bot.render.views import request_view
    from bot.store.ids import check

    who = speaker(app, person)
    record, _, _ = await app.decisions.request(check(request_id, "request"))
    request, view = record.request, request_view(record, app.people)
    if not as_json:
        print(request_text(view, app.people) + "\n")
    words = typed(request.format, text, reason)
    seen = bound_to(digest, request, last_shown(app.home, who, request.id))
    if not as_json:
        note_shown(app.home, who, [request])
    if words.said == "approve" and seen is None and view.state == "open" and who in view.may_decide:
        print(not_shown(request.id, request.digest, who, as_json=as_json), file=sys.stderr)
        return 1
    seen = seen or Shown(request.revision, request.digest)
    statement = Statement(
        reply_id=f"cli-{secrets.token_hex(8)}",
        person=who,
        channel="cli",
        revision=seen.revision,
        digest=seen.digest,
        said=words.said,
        text=words.text,
        reason=words.reason,
        note_confirmed=with_note,
    )
    outcome = await app.decisions.answer(RequestId(request_id), statement)
    print(plain_json(outcome.judgement.model_dump_json()) if as_json else plain(outcome.words))
    if request.format == "approval" and outcome.judgement.type == "unclear":
        print(as_a_vote(request_id, f" --as {who}"), file=sys.stderr)
    if outcome.judgement.type == "note_unconfirmed":
        print(as_a_note(request_id, f" --as {who}"), file=sys.stderr)
    return 0 if outcome.counts else 1


def withdraw(
    request: Annotated[str, typer.Argument(help="The request's id.")],
    person: As = None,
    reason: Annotated[str, typer.Option(help="Why.", callback=text_of)] = "",
    data: Data = None,
) -> None:
    """Take back a request that you caused."""
    from agents.requests import RequestId
    from bot.cli.remote import remote, run

    async def work(app: "App") -> None:
        await app.steering.withdraw(RequestId(request), speaker(app, person), reason)

    away = remote(data, person)
    away.withdraw(request, reason) if away else run(data, work)
    print(f"{request} is withdrawn.")


def amend(
    request: Annotated[str, typer.Argument(help="The request's id.")],
    changes: Annotated[
        list[str],
        typer.Argument(metavar="KEY=VALUE…", help="Arguments to change, such as version=v1.1.0.", callback=texts_of),
    ],
    person: As = None,
    data: Data = None,
) -> None:
    """Change what you asked for, before it is decided: everybody is asked again, with what changed."""
    from agents.requests import RequestId
    from bot.cli.remote import remote, run
    from bot.cli.show import plain

    pairs = {key: value for key, _, value in (change.partition("=") for change in changes)}
    if not all(pairs) or not all(pairs.values()):
        raise typer.BadParameter("write KEY=VALUE, such as version=v1.1.0")

    async def work(app: "App") -> "Request":
        return await app.steering.amend(RequestId(request), speaker(app, person), pairs)

    away = remote(data, person)
    revised = away.amend(request, pairs) if away else run(data, work)
    print(plain(f"{revised.id} is now revision {revised.revision}: {revised.title}"))


_STEERING: dict[Literal["pause", "resume", "cancel"], str] = {
    "pause": "Stop a run at its next step. Votes still count meanwhile.",
    "resume": "Let a paused run go on.",
    "cancel": "End a run. A tool that is executing is finished first.",
}


def _steering(verb: Literal["pause", "resume", "cancel"]) -> Callable[..., None]:
    def command(
        run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run's id; `sayso runs` lists them.")],
        person: As = None,
        data: Data = None,
    ) -> None:
        from agents.requests import RunId
        from bot.cli.remote import remote, run
        from bot.store.ids import check

        async def work(app: "App") -> str:
            return (await app.steering.steer(RunId(check(run_id, "run")), verb, speaker(app, person))).state

        away = remote(data, person)
        state = away.steer(run_id, verb) if away else run(data, work)
        is_ending = verb == "cancel" and state != "cancelled"
        print(f"{run_id}: {verb}, it {'ends as soon as nothing of it executes' if is_ending else f'is {state}'}.")

    return command


def mailbox(
    person: Annotated[
        str | None, typer.Argument(help="A person of the directory, by the name in sayso.toml.", show_default=False)
    ] = None,
    reply_to: Annotated[str | None, typer.Option(help="Answer the mail with this id.", metavar="ID")] = None,
    text: Annotated[str | None, typer.Option(help="What the answer, or the mail, says.", callback=text_of)] = None,
    outsider: Annotated[
        str | None, typer.Option("--from", help="In place of a person: somebody outside.", metavar="ADDRESS")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Where that one writes: the desk.", metavar="ADDRESS")] = None,
    subject: Annotated[str, typer.Option(help="What that one's mail is about.", callback=text_of)] = "A question",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Read a demo person's mail beside `sayso dev`, or answer one mail as that person, through SMTP.

    With --from read what somebody outside was sent, or with --to and --text write as they would: nothing proves it.
    """
    from bot.cli.mail import read_as_outsider, write_as_outsider
    from bot.cli.remote import run

    if (person is None) == (outsider is None):
        raise typer.BadParameter("name a person, or with --from somebody outside")
    if outsider is not None and (reply_to is not None or (to is None) != (text is None)):
        raise typer.BadParameter("somebody outside writes with --to ADDRESS and --text T, and reads with neither")
    if outsider is not None and to is not None and text is not None:
        return run(data, lambda app: write_as_outsider(app, outsider, to, subject, text, as_json=as_json))
    if outsider is not None:
        return run(data, lambda app: read_as_outsider(app, outsider, as_json=as_json))
    if person is None or to is not None or (reply_to is None) != (text is None):
        raise typer.BadParameter("--reply-to ID and --text T belong together")
    return run(data, lambda app: _mailbox(app, person, reply_to, text, as_json=as_json))


async def _mailbox(app: "App", person: str, reply_to: str | None, text: str | None, *, as_json: bool) -> None:
    from bot.cli.remote import require_dev
    from bot.cli.show import letter_json, letter_text, plain
    from bot.errors import Conflict
    from bot.process.processes import local_mail
    from channels.email.local.letters import letter, letters
    from channels.email.local.reply_mail import submit
    from channels.email.transport import Transport

    require_dev(app.settings, "sayso mailbox")
    contact = app.people.contact(app.people.named(person))
    if contact is None or contact.email is None:
        raise Conflict(f"{person} has no mail address in sayso.toml")
    mail = local_mail(app.settings)
    folder = mail.folder(contact.email)
    if reply_to is None or text is None:
        found = await asyncio.to_thread(letters, folder)
        if as_json:
            for one in found:
                print(letter_json(one))
        else:
            print("\n".join(letter_text(one) for one in found) or plain(f"{contact.name} has no mail."))
        return
    original = await asyncio.to_thread(letter, folder, reply_to)
    if original is None:
        raise Conflict(f"{contact.name} has no mail {reply_to!r}. `sayso mailbox {person}` lists them")
    post = await submit(Transport(mail.relay(contact.email)), original, text, author=contact, at=datetime.now(UTC))
    sent = {"sent_to": post.recipient, "as": contact.name, "message_id": post.message_id}
    print(json.dumps(sent) if as_json else plain(f"Sent to {post.recipient} as {contact.name}."))


def ask(
    text: Annotated[str, typer.Argument(help="The question.", callback=text_of)],
    to: Annotated[list[str], typer.Option(help="person:NAME or group:NAME; any one of them may answer.")],
    form: Annotated[
        str | None, typer.Option("--format", help="free_text, yes_no, choice, choices or form.", metavar="FORMAT")
    ] = None,
    option: Annotated[
        list[str], typer.Option(help="What can be chosen; give it again for each.", callback=texts_of)
    ] = [],  # noqa: B006 - nobody changes it
    field: Annotated[
        list[str], typer.Option(help="What is to be filled in; give it again for each.", callback=texts_of)
    ] = [],  # noqa: B006 - nobody changes it
    person: As = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the answer; exit 1 if there is none.")] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Ask people a question. Prints the request's id, or with --wait what became of it."""
    from bot.cli.remote import remote, run

    usual = "choice" if option else "form" if field else "free_text"
    body = {"question": text, "to": to, "format": form or usual, "options": option, "fields": field}
    away = remote(data, person)
    if away is None:
        raise typer.Exit(run(data, lambda app: _ask_beside(app, body, person, wait=wait, as_json=as_json)))
    shown = away.ask(body)
    raise typer.Exit(_told(away.answered(shown.id) if wait else shown, away.people, wait=wait, as_json=as_json))


async def _ask_beside(app: "App", body: dict[str, Any], person: str | None, *, wait: bool, as_json: bool) -> int:
    from pydantic import ValidationError

    from bot.errors import Invalid
    from bot.render.views import request_view
    from bot.runs.api_requests import Asker
    from bot.web.api.shapes import QuestionWanted

    who = speaker(app, person)
    try:
        wanted = QuestionWanted.model_validate(body)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}".lstrip(": ") for one in error.errors())
        raise Invalid(f"This can't be asked: {found}") from None
    request_id = await app.relay.ask(wanted.relayed(), {}, Asker(who, channel="cli"))
    record, _, _ = await app.decisions.request(request_id)
    if wait:
        await _decided(app, record.request.run_id)
        record, _, _ = await app.decisions.request(request_id)
    return _told(request_view(record, app.people), app.people, wait=wait, as_json=as_json)


async def _decided(app: "App", run_id: str) -> None:
    """Returns when the run's request is closed."""
    from agents.events import RequestDecided
    from bot.store.watch import follow

    async with aclosing(follow(app.store, run_id)) as events:
        async for event in events:
            if isinstance(event, RequestDecided):
                return


def _told(shown: "RequestView", people: "People", *, wait: bool, as_json: bool) -> int:
    """Print it; 0 for a request that is open or answered."""
    from bot.cli.show import plain, plain_json
    from bot.render.cards import decided

    if as_json:
        print(plain_json(shown.model_dump_json()))
    elif not wait or shown.decision is None:
        print(shown.id)
    else:
        print(plain(shown.decision.given.text if shown.decision.given else decided(shown.decision, people)))
    return 0 if shown.state == "answered" or not wait else 1
