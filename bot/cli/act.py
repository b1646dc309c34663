"""Commands that change something: trigger, ask, answer, steer, and runs made of others or of files."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.options import As, Data, Json, text_of, texts_of
from bot.cli.plain import plain, plain_json
from bot.command_line import command
from bot.operations import CANCEL, PAUSE, RESUME, Operation

if TYPE_CHECKING:
    from bot.cli.client import Client
    from bot.render.views import RequestView

Run = Annotated[str, typer.Argument(metavar="RUN", help="The run's id; `sayso runs` lists them.")]
Written = Annotated[
    Path, typer.Argument(metavar="FILE", help="What `sayso export` wrote.", exists=True, dir_okay=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for verb in (trigger, answer, ask_back, delegate, withdraw, ask, fork, retry, export):
        app.command()(verb)
    app.command("import")(take_in)
    for operation, text in _STEERING.items():
        app.command(operation.action, help=text)(_steering(operation))


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
    from bot.cli.client import speaking
    from bot.cli.show import Wait

    with speaking(data, person) as client:
        run_id = client.trigger(text, agent)
        if not wait:
            return _made(run_id, as_json=as_json)
        print(run_id, file=sys.stderr if as_json else sys.stdout, flush=True)
        told = Wait(client.people, client.request, as_json=as_json, by_key=not client.is_local)
        raise typer.Exit(client.follow(run_id, told))


def _made(run_id: str, *, as_json: bool) -> None:
    print(json.dumps({"id": run_id, "state": "running"}) if as_json else run_id, flush=True)
    if not as_json:
        print(f"Follow it with: {command(f'watch {run_id}')}", file=sys.stderr)


_SET = "With `edit`: an argument to change, such as version=v1.3.0. The card says which may be changed."


def answer(
    request: Annotated[str, typer.Argument(help="The request's id; `sayso requests` lists the open ones.")],
    text: Annotated[
        str,
        typer.Argument(
            metavar="approve|deny|break-glass|edit|TEXT",
            help="A vote, `deny, and why`, `break-glass` with --reason, `edit` with --set, or an answer in words.",
            callback=text_of,
        ),
    ] = "",
    person: As = None,
    field: Annotated[
        list[str], typer.Option(metavar="NAME=VALUE", help="A field of a form; give it for each.", callback=texts_of)
    ] = [],  # noqa: B006 - nobody changes it
    changes: Annotated[
        list[str],
        typer.Option("--set", metavar="NAME=VALUE", help=_SET, callback=texts_of),
    ] = [],  # noqa: B006 - nobody changes it
    reason: Annotated[str, typer.Option(help="Why, or a note beside an approval.", callback=text_of)] = "",
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
    `edit --set version=v1.3.0` changes what is asked: everybody is asked again, votes before are void, and others
    approve your change unless the policy says editor_may_approve.
    `break-glass --reason "checkout is down"` decides alone in an emergency, if the policy names you in `break_glass`:
    everybody is told at once, and the other approvers are asked afterwards whether it was right.
    """
    from bot.cli.client import speaking
    from bot.cli.show import how_to_say_it, not_here, not_shown, request_text, typed
    from bot.policy.stops import stops_plainly

    if reason.strip() and not _takes_reason(text):
        raise typer.BadParameter("--reason goes with approve, deny and break-glass; send other words by themselves")
    if changes:
        return _edit(request, text, changes, person, digest, data, as_json=as_json)
    text = _lines_of(field) if field and not text else text
    if not text or (field and text != _lines_of(field)):
        raise typer.BadParameter("write the answer, or --field NAME=VALUE for each field of a form")
    with speaking(data, person) as client:
        shown = client.request(request)
        if reason.strip() and shown.format != "approval" and not stops_plainly(text):
            raise typer.BadParameter("--reason goes with a vote; answer a question with all of it in one text")
        breaks_glass, seen = _breaks_glass(shown, text, reason), digest or client.last_shown(request)
        words = typed(shown.format, "approve" if breaks_glass else text, reason)
        if not as_json:
            print(request_text(shown, client.people) + "\n")
            client.printed([shown])
        deciders = shown.may_break_glass if breaks_glass else shown.may_decide
        # Whom the file calls so may have another id.
        is_others = person is not None and client.people.is_here(person) and person not in deciders
        if words.said == "approve" and not seen and shown.state == "open" and not is_others:
            again = not_shown(request, shown.digest, person or "", text, as_json=as_json)
            print(again if client.approves(shown) else not_here(shown), file=sys.stderr)
            raise typer.Exit(1)
        body: dict[str, object] = {"text": _with_reason(text, reason)}
        if words.said != "free_text":
            vote = "break_glass" if breaks_glass else words.said
            body = {"vote": vote, "digest": seen or shown.digest, "reason": words.reason}
            body |= {"note_confirmed": True} if with_note and vote == "approve" else {}
        said = client.act(request, "answer", body)
    code = _judged(said, as_json=as_json)
    speaker, became = f" --as {person}" if person else "", said["judgement"]["type"]
    if how := how_to_say_it(shown, became, speaker):
        print(how, file=sys.stderr)
    raise typer.Exit(1 if became == "asked" else code)


def _judged(said: dict[str, Any], *, as_json: bool) -> int:
    """Print what became of an act; 0 if it counts."""
    print(plain_json(json.dumps(said["judgement"])) if as_json else plain(said.get("told") or said["detail"]))
    return 0 if said["counts"] else 1


def _takes_reason(text: str) -> bool:
    """Return whether a reason beside `text` reaches anybody; whoever refuses in other words is heard all the same."""
    from bot.cli.show import typed
    from bot.policy.answers import is_withdrawal

    return text == "break-glass" or typed("approval", text, "").said != "free_text" or is_withdrawal(text)


def _with_reason(text: str, reason: str) -> str:
    """Return a refusal in other words with its `reason`, unless that takes it back."""
    from bot.policy.answers import is_withdrawal

    both = f"{text}\n{reason}"
    return both if reason.strip() and is_withdrawal(both) else text


def _breaks_glass(shown: "RequestView", text: str, reason: str) -> bool:
    if text != "break-glass" or shown.format != "approval":
        return False
    if not reason.strip():
        raise typer.BadParameter('say why: break-glass --reason "checkout is down, and nobody answers"')
    return True


def _edit(
    request: str, text: str, changes: list[str], person: str | None, digest: str, data: Path | None, *, as_json: bool
) -> None:
    """Change arguments of what was shown last, and show what is asked now; exit 1 where nothing was changed."""
    from bot.cli.client import speaking
    from bot.cli.show import request_text
    from bot.render.views import RequestView

    if text != "edit":
        raise typer.BadParameter("write `edit --set NAME=VALUE`; an edit approves nothing, so approve it afterwards")
    args = _pairs(changes, "--set version=v1.3.0")
    with speaking(data, person) as client:
        shown = client.request(request)
        seen = digest or client.last_shown(request) or shown.digest
        said = client.act(request, "edit", {"args": args, "digest": seen})
        now = RequestView.model_validate(said["request"]) if said["counts"] else shown
        if not as_json:
            print(request_text(now, client.people) + "\n")
            client.printed([now])
    raise typer.Exit(_judged(said, as_json=as_json))


def _pairs(changes: list[str], example: str) -> dict[str, str]:
    pairs = {key: value for key, _, value in (change.partition("=") for change in changes)}
    if not all(pairs) or not all(pairs.values()):
        raise typer.BadParameter(f"write {example}")
    return pairs


def ask_back(
    request: Annotated[str, typer.Argument(help="The request's id; `sayso requests` lists the open ones.")],
    text: Annotated[str, typer.Argument(metavar="QUESTION", help='Such as "why now?".', callback=text_of)],
    person: As = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Ask whoever asked for an approval something. Decides nothing; the answer stands on the card."""
    from bot.cli.client import speaking

    with speaking(data, person) as client:
        said = client.act(request, "answer", {"ask": text})
    raise typer.Exit(_judged(said, as_json=as_json))


def delegate(
    request: Annotated[str, typer.Argument(help="The request's id; `sayso requests` lists the open ones.")],
    to: Annotated[str, typer.Option(help="Who is to decide in your place: a name in sayso.toml.", metavar="PERSON")],
    reason: Annotated[str, typer.Option(help="Why; it stands on every card.", callback=text_of)] = "",
    person: As = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Hand a request on to somebody whom its policy accepts. Exit 1 when it is not handed on.

    They decide in your place; you approve it no more, and may still deny it. The policy accepts those whom it names by
    now, if it is else the same, those whom it escalates to, and its stand_ins.
    """
    from bot.cli.client import speaking

    with speaking(data, person) as client:
        said = client.act(request, "delegate", {"to": to, "reason": reason})
    raise typer.Exit(_judged(said, as_json=as_json))


def _lines_of(fields: list[str]) -> str:
    """Fields as lines, which are read as anybody's who types them."""
    pairs = [each.partition("=") for each in fields]
    if not all(name.strip() and equals for name, equals, _ in pairs):
        raise typer.BadParameter("write --field NAME=VALUE, such as --field start=2026-12-24")
    return "\n".join(f"{name.strip()}: {' '.join(value.split())}" for name, _, value in pairs)


def withdraw(
    request: Annotated[str, typer.Argument(help="The request's id.")],
    person: As = None,
    reason: Annotated[str, typer.Option(help="Why.", callback=text_of)] = "",
    data: Data = None,
) -> None:
    """Take back a request that you caused."""
    from bot.cli.client import speaking

    with speaking(data, person) as client:
        taken_back = client.withdraw(request, reason)
    print(f"{taken_back['id']} is withdrawn. {taken_back['told']}".rstrip())


_STEERING = {
    PAUSE: "Stop a run at its next step. Votes still count meanwhile.",
    RESUME: "Let a paused run go on.",
    CANCEL: "End a run. A tool that is executing is finished first.",
}


def _steering(operation: Operation) -> Callable[..., None]:
    verb = operation.action

    def command(run_id: Run, person: As = None, data: Data = None) -> None:
        from bot.cli.client import speaking

        with speaking(data, person) as client:
            steered = client.do(operation, run_id=run_id)
        state, told = steered["state"], steered["told"]
        is_ending = operation is CANCEL and state != "cancelled"
        became = "ends as soon as nothing of it executes" if is_ending else f"is {state}"
        print(f"{run_id}: {verb}, it {became}. {told}".rstrip())

    return command


def ask(
    text: Annotated[str, typer.Argument(help="The question.", callback=text_of)],
    to: Annotated[list[str], typer.Option(help="person:NAME, group:NAME or oncall:NAME; any one of them may answer.")],
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
    from bot.cli.client import speaking

    usual = "choice" if option else "form" if field else "free_text"
    body = {"question": text, "to": to, "format": form or usual, "options": option, "fields": field}
    with speaking(data, person) as client:
        shown = client.ask(body)
        raise typer.Exit(_told(client.answered(shown.id) if wait else shown, client, wait=wait, as_json=as_json))


def _told(shown: "RequestView", client: "Client", *, wait: bool, as_json: bool) -> int:
    """Print it; 0 for a request that is open or answered."""
    from bot.render.words import decided

    if as_json:
        print(plain_json(shown.model_dump_json()))
    elif not wait or shown.decision is None:
        print(shown.id)
    else:
        given = shown.decision.given
        print(plain(given.text if given else decided(shown.decision, client.people)))
    return 0 if shown.state == "answered" or not wait else 1


def fork(
    run_id: Run,
    at: Annotated[int, typer.Option(help="The last event that is copied, from 1, as `sayso events` has them.", min=1)],
    person: As = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Make a new run that goes on from the first events of RUN. They are history: no approval in them counts."""
    from bot.cli.client import speaking

    with speaking(data, person) as client:
        _made(client.copied(run_id, "fork", at), as_json=as_json)


def retry(run_id: Run, person: As = None, as_json: Json = False, data: Data = None) -> None:
    """Make a new run of what RUN began with."""
    from bot.cli.client import speaking

    with speaking(data, person) as client:
        _made(client.copied(run_id, "retry"), as_json=as_json)


def export(
    run_id: Run,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The file to write; stdout if not given.")] = None,
    data: Data = None,
) -> None:
    """Write a run as one JSON file. Texts of attached files are in it, their bytes are not."""
    from bot.cli.client import connect

    with connect(data) as client:
        text = plain_json(client.exported(run_id))
    if out is None:
        print(text)
        return
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{out} can't be written: {error.strerror}") from None
    print(f"{run_id} is in {out}. Bytes of attached files are not.", file=sys.stderr)


def take_in(file: Written, person: As = None, as_json: Json = False, data: Data = None) -> None:
    """Make a run of an exported one. It goes on here, as asked for by you; nothing in the file allows anything."""
    from bot.cli.client import speaking

    with speaking(data, person) as client:
        _made(client.imported(file.read_bytes()), as_json=as_json)
